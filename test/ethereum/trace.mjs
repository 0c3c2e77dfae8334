// Runs Ethereum's state tests (GeneralStateTests/**.json of github.com/ethereum/tests) in ethereumjs,
// checks the root that each test states, and writes a line of JSON per case for run_ethereum.c: the
// state before, the transaction, the whole state and logs after it, and what of FEVM's own rules
// (rules.mjs) the trace met. The lines of TESTS/x.json are OUT/x.jsonl, which is there when they are
// complete; what is there already is not traced again. Usage: node trace.mjs TESTS OUT FILE...
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createBlock } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { MerkleStateManager } from '@ethereumjs/statemanager';
import { createTx } from '@ethereumjs/tx';
import { Account, bytesToHex, createAddressFromString, hexToBytes, setLengthLeft } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { isLookedAt, isSpecial, onFrameEnd, onMessage, onStep, onTest } from './rules.mjs';

// ethereumjs tells of each step by an event that carries copies of the stack and of the memory. That would be nearly
// all of the time here, so its interpreter is asked directly, and only for the opcodes that some rule looks at.
const { Interpreter } = await import(new URL('./node_modules/@ethereumjs/evm/dist/esm/interpreter.js', import.meta.url));
let onOpcode = () => {};
let excluded = new Set();
let steps = 0;
// A case that a rule has excluded already is not run to the end if that is far away.
const ENOUGH = 20000;
class Enough extends Error {}
// The most that a case is followed, some minutes of ethereumjs; a case that has met no rule by then is not traced.
const STEPS_MAX = 200_000_000;
class TooLong extends Error {}
Interpreter.prototype._runStepHook = function () {
  const { code, programCounter, stack } = this._runState;
  if (++steps > ENOUGH && excluded.size) throw new Enough();
  if (steps > STEPS_MAX) throw new TooLong();
  const byte = code[programCounter];
  if (isLookedAt(byte)) onOpcode(byte, this.lookupOpInfo(this._runState.opCode).opcodeInfo.fullName, stack.getStack(), this._env);
};

const FORK = 'Cancun';
const word = (x) => bytesToHex(setLengthLeft(typeof x === 'bigint' ? bigBytes(x) : x, 32));
const bigBytes = (n) => (n === 0n ? new Uint8Array() : hexToBytes(('0x' + even(n.toString(16)))));
const even = (s) => (s.length % 2 ? '0' + s : s);
const big = (s) => BigInt(s === '0x' || s === '' || s === undefined ? 0 : s);
const number = (s) => '0x' + big(s).toString(16);

function keyOf(secret) {
  return hexToBytes('0x' + even(secret.slice(2)).padStart(64, '0'));
}

function makeTx(test, index, common) {
  const t = test.transaction;
  const data = {
    nonce: number(t.nonce),
    gasLimit: number(t.gasLimit[index.gas]),
    to: t.to === '' ? undefined : t.to,
    value: number(t.value[index.value]),
    data: t.data[index.data],
  };
  const accessList = t.accessLists?.[index.data];
  if (t.maxFeePerGas !== undefined) {
    Object.assign(data, { type: 2, maxFeePerGas: number(t.maxFeePerGas), maxPriorityFeePerGas: number(t.maxPriorityFeePerGas), accessList: accessList ?? [] });
  } else {
    data.gasPrice = number(t.gasPrice);
    if (accessList) Object.assign(data, { type: 1, accessList });
  }
  if (data.type) data.chainId = 1;
  return createTx(data, { common, freeze: false }).sign(keyOf(t.secretKey));
}

function makeBlock(env, common) {
  return createBlock({
    header: {
      number: number(env.currentNumber), timestamp: number(env.currentTimestamp), gasLimit: number(env.currentGasLimit),
      coinbase: env.currentCoinbase, baseFeePerGas: number(env.currentBaseFee ?? '0x0a'), mixHash: word(big(env.currentRandom)),
      excessBlobGas: number(env.currentExcessBlobGas ?? '0x0'),
      difficulty: 0n,
    },
  }, { common, skipConsensusFormatValidation: true });
}

async function load(state, pre) {
  await state.checkpoint();
  for (const [address, a] of Object.entries(pre)) {
    const at = createAddressFromString(address);
    await state.putAccount(at, new Account(big(a.nonce), big(a.balance)));
    if (a.code !== '0x') await state.putCode(at, hexToBytes(a.code));
    for (const [k, v] of Object.entries(a.storage))
      if (big(v) !== 0n) await state.putStorage(at, hexToBytes(word(big(k))), bigBytes(big(v)));
  }
  await state.commit();
  await state.flush();
}

function watch(vm, found, seen, payers) {
  steps = 0;
  excluded = found;
  vm.evm.events.on('step', () => {}); // without one there are no steps
  vm.evm.events.on('beforeMessage', (m) => {
    if (onMessage(found, m)) throw new Enough();
    if (m.to) seen.touch(m.to.toString());
  });
  onOpcode = (byte, name, stack, env) => {
    const self = env.address.toString();
    onStep(found, { name, byte, stack }, payers);
    if (name === 'SSTORE' && stack.length) seen.slot(self, stack[stack.length - 1]);
    if (name === 'CALL' && stack.length > 1) seen.touch('0x' + (stack[stack.length - 2] & ((1n << 160n) - 1n)).toString(16).padStart(40, '0'));
  };
  vm.evm.events.on('afterMessage', (r) => {
    if (r.createdAddress) seen.touch(r.createdAddress.toString());
    if (r.execResult.exceptionError) onFrameEnd(found, r.execResult.exceptionError.error);
  });
}

function seenIn(pre) {
  const slots = new Map();
  const touch = (address) => { const a = address.toLowerCase(); if (!slots.has(a)) slots.set(a, new Set()); return slots.get(a); };
  for (const [address, a] of Object.entries(pre)) for (const k of [...Object.keys(a.storage), null]) k === null ? touch(address) : touch(address).add(word(big(k)));
  return { slots, touch, slot: (address, key) => touch(address).add(word(key)) };
}

async function dump(state, seen) {
  const post = {};
  for (const [address, keys] of seen.slots) {
    const at = createAddressFromString(address);
    const account = await state.getAccount(at);
    if (!account || (account.isEmpty() && keys.size === 0)) continue;
    const storage = {};
    for (const k of keys) {
      const v = await state.getStorage(at, hexToBytes(k));
      if (v.some((b) => b !== 0)) storage[k] = word(v);
    }
    post[address] = { nonce: '0x' + account.nonce.toString(16), balance: '0x' + account.balance.toString(16), code: bytesToHex(await state.getCode(at)), storage };
  }
  return post;
}

async function runCase(name, test, expected) {
  const common = new Common({ chain: Mainnet, hardfork: Hardfork.Cancun });
  const state = new MerkleStateManager({ common });
  const found = new Set();
  const id = `${name}_d${expected.indexes.data}g${expected.indexes.gas}v${expected.indexes.value}`;
  if (expected.expectException) return { id, invalid: expected.expectException };
  onTest(found, { tx: test.transaction, pre: test.pre, data: test.transaction.data[expected.indexes.data] });
  if (test.transaction.maxFeePerBlobGas !== undefined || test.transaction.authorizationList !== undefined)
    return { id, excluded: [...found].sort() };
  let tx;
  try { tx = makeTx(test, expected.indexes, common); } catch (e) { return { id, untraced: `not made: ${e.message}` }; }
  const sender = tx.getSenderAddress().toString();
  const payers = new Set([sender, test.env.currentCoinbase.toLowerCase()]);
  await load(state, test.pre);
  const vm = await createVM({ common, stateManager: state });
  const seen = seenIn(test.pre);
  for (const a of [...payers, tx.to?.toString()]) if (a) seen.touch(a);
  watch(vm, found, seen, payers);
  let result;
  try { result = await runTx(vm, { tx, block: makeBlock(test.env, common), skipHardForkValidation: true }); } catch (e) {
    if (e instanceof Enough || found.size) return { id, excluded: [...found].sort() };
    return { id, untraced: e instanceof TooLong ? `more than ${STEPS_MAX} steps` : `ethereumjs: ${e.message}` };
  }
  const root = bytesToHex(await state.getStateRoot());
  if (root !== expected.hash) return { id, disagrees: root };
  const logs = (result.execResult.logs ?? []).map(([a, topics, data]) => ({ address: bytesToHex(a), topics: topics.map(bytesToHex), data: bytesToHex(data) }));
  const tip = result.totalGasSpent * ((tx.gasPrice ?? minOf(tx.maxFeePerGas, tx.maxPriorityFeePerGas + big(test.env.currentBaseFee))) - big(test.env.currentBaseFee));
  return {
    id, excluded: [...found].sort(),
    env: { number: number(test.env.currentNumber), timestamp: number(test.env.currentTimestamp) },
    tx: { from: sender, to: tx.to?.toString() ?? null, value: '0x' + tx.value.toString(16), data: bytesToHex(tx.data), nonce: '0x' + tx.nonce.toString(16) },
    pre: test.pre, post: await dump(state, seen), logs,
    failed: result.execResult.exceptionError !== undefined,
    fee: '0x' + result.amountSpent.toString(16), tip: '0x' + tip.toString(16), coinbase: test.env.currentCoinbase,
  };
}
const minOf = (a, b) => (a < b ? a : b);


const [tests, out, ...files] = process.argv.slice(2);
for (const file of files) {
  const path = join(out, relative(tests, file).replace(/json$/, 'jsonl'));
  if (existsSync(path)) continue;
  let lines = '';
  const began = Date.now();
  for (const [name, test] of Object.entries(JSON.parse(readFileSync(file, 'utf8'))))
    for (const expected of test.post?.[FORK] ?? []) lines += JSON.stringify(await runCase(name, test, expected)) + '\n';
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, lines);
  renameSync(`${path}.${process.pid}`, path);
  const seconds = (Date.now() - began) / 1000;
  if (seconds > 20) console.error(`trace: ${relative(tests, file)}: ${seconds.toFixed()} s`);
}
