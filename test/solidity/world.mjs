// Where a scenario runs while it is written down: ethereumjs's EVM, which must agree with what the
// scenario's author expects, and which says what he left out: return data, logs, balances after each
// message, and at the end all code, nonces and storage. Each message becomes a line of JSON for
// run_solidity.c. A world made with `fevm` is written without that second opinion, for contracts that
// use what only Filecoin's EVM has; there the author alone says what is expected.
import { createBlock } from '@ethereumjs/block';
import { Hardfork, Mainnet, createCustomCommon } from '@ethereumjs/common';
import { SimpleStateManager } from '@ethereumjs/statemanager';
import { createTx } from '@ethereumjs/tx';
import { Account, bytesToHex, createAddressFromString, hexToBytes, setLengthLeft } from '@ethereumjs/util';
import { createVM, runTx } from '@ethereumjs/vm';
import { AbiCoder, SigningKey, computeAddress, getCreateAddress, id, toBeHex } from 'ethers';
import { initcode } from './compile.mjs';

export const CHAIN_ID = 31415926;
const NAMES = ['alice', 'bob', 'carol', 'dave'];
const FUNDS = 10n ** 24n;
const GAS_LIMIT = 1n << 24n; // Osaka's highest

/** Those who send: Ethereum accounts, in the order of the genesis. */
export const people = Object.fromEntries(NAMES.map((name) => {
  const secret = id('fvm ' + name);
  return [name, { name, secret, address: computeAddress(new SigningKey(secret)).toLowerCase() }];
}));

export const lower = (address) => (typeof address === 'string' ? address : address.address).toLowerCase();
const number = (n) => '0x' + n.toString(16);
const coder = AbiCoder.defaultAbiCoder();
export const abi = (types, values) => coder.encode(types, values);

/** Revert data of Error(string) and Panic(uint256). */
export const errorText = (text) => id('Error(string)').slice(0, 10) + abi(['string'], [text]).slice(2);
export const panic = (code) => id('Panic(uint256)').slice(0, 10) + abi(['uint256'], [code]).slice(2);

/** A contract on the chain: what solc knows of it, and where it is. */
class Deployed {
  constructor(contract, address) {
    this.contract = contract;
    this.iface = contract.iface;
    this.address = address.toLowerCase();
    this.target = this.address;
  }
  /** Calldata. */
  data(fn, args = []) {
    return this.iface.encodeFunctionData(fn, args.map(plain));
  }
  /** The same place, seen as another contract (a proxy as what is behind it). */
  as(contract) {
    return new Deployed(contract, this.address);
  }
  /** Revert data of a custom error. */
  error(name, args = []) {
    return this.iface.encodeErrorResult(name, args.map(plain));
  }
}
const plain = (x) => (x instanceof Deployed || x?.secret ? x.address : Array.isArray(x) ? x.map(plain) : x);

export class World {
  constructor(emit, { family, name, contracts, fevm = false }) {
    Object.assign(this, { emit, family, name, contracts, fevm }, people);
    this.nonces = {};
    this.known = new Map(); // addresses whose balance is looked at
    this.slots = new Map();
    this.number = 1n;
    this.time = 1700000000n;
    this.steps = 0;
  }

  async open() {
    this.emit({ op: 'scenario', family: this.family, name: this.name, epoch: number(this.number), timestamp: number(this.time) });
    for (const p of Object.values(people)) this.known.set(p.address, null);
    if (this.fevm) return;
    this.common = createCustomCommon({ chainId: CHAIN_ID }, Mainnet, { hardfork: Hardfork.Osaka });
    this.state = new SimpleStateManager({ common: this.common });
    for (const p of Object.values(people)) await this.state.putAccount(createAddressFromString(p.address), new Account(0n, FUNDS));
    this.vm = await createVM({ common: this.common, stateManager: this.state });
    this.vm.evm.events.on('step', (e) => {
      if (e.opcode.name === 'SSTORE') this.#touch(e.address.toString()).add(e.stack[e.stack.length - 1]);
      if (e.opcode.name === 'CALL') this.#touch('0x' + (e.stack[e.stack.length - 2] & ((1n << 160n) - 1n)).toString(16).padStart(40, '0'));
    });
    this.vm.evm.events.on('afterMessage', (r) => { if (r.createdAddress) this.#touch(r.createdAddress.toString()); });
  }

  #touch(address) {
    if (!this.slots.has(address)) this.slots.set(address, new Set());
    return this.slots.get(address);
  }

  /** Goes on in a later block. */
  later(seconds, blocks = 1n) {
    this.number += BigInt(blocks);
    this.time += BigInt(seconds);
    this.emit({ op: 'epoch', epoch: number(this.number), timestamp: number(this.time) });
  }

  /** A new contract. `opts`: from, value, and what is expected as for send(). */
  async deploy(name, args = [], opts = {}) {
    const contract = typeof name === 'string' ? this.contracts[name] : name;
    if (!contract) throw new Error(`no contract ${name}`);
    const from = opts.from ?? this.alice;
    const data = opts.data ?? await initcode(contract, args.map(plain));
    const address = getCreateAddress({ from: from.address, nonce: this.nonces[from.address] ?? 0 });
    this.known.set(address.toLowerCase(), null);
    await this.#message(`deploy ${contract.name}`, from, null, data, contract.iface, null, opts);
    return new Deployed(contract, address);
  }

  at(name, address) {
    this.known.set(lower(address), null);
    return new Deployed(this.contracts[name] ?? name, lower(address));
  }

  /** A message to a contract. Expected is what `opts` says:
   *    returns: [...]    the values that are returned; or hex
   *    logs: [[contract, event, args]...]   all of them, in order
   *    reverts: name of a custom error, with `args`; or hex; or true
   *    fails: an exit code of the FVM's EVM actor: ended otherwise than by REVERT
   *    fevm: {returns, ...}  what Filecoin's EVM gives where it differs from Ethereum's */
  async send(to, fn, args = [], opts = {}) {
    return this.#message(opts.why ?? fn, opts.from ?? this.alice, to.address, opts.data ?? to.data(fn, args), to.iface, fn, opts);
  }

  /** Any bytes to any address. */
  async raw(to, data, opts = {}) {
    return this.#message(opts.why ?? 'raw', opts.from ?? this.alice, lower(to), data, to.iface ?? null, null, opts);
  }

  /** A message of a native account to any method; only with `fevm`. */
  native(why, from, to, method, params, expect, value = 0n) {
    this.nonces[from.address] = (this.nonces[from.address] ?? 0) + 1;
    this.steps++;
    this.emit({ op: 'native', why, from: from.address, to, method: String(method), params, value: number(value), nonce: number(this.nonces[from.address] - 1), expect });
  }

  #wanted(iface, fn, opts) {
    const want = {};
    if (opts.returns !== undefined)
      want.returns = Array.isArray(opts.returns) ? (fn ? iface.encodeFunctionResult(fn, opts.returns.map(plain)) : abi(opts.types, opts.returns)) : opts.returns;
    if (opts.reverts !== undefined) {
      want.reverts = true;
      if (opts.reverts !== true)
        want.returns = opts.reverts.startsWith('0x') ? opts.reverts : (opts.errors ?? iface).encodeErrorResult(opts.reverts, (opts.args ?? []).map(plain));
    }
    if (opts.fails !== undefined) want.fails = opts.fails;
    if (opts.logs) want.logs = opts.logs.map(([c, event, args]) => ({ address: lower(c), ...c.iface.encodeEventLog(event, args.map(plain)) }));
    return want;
  }

  #disagree(why, what, a, b) {
    throw new Error(`${this.family} / ${this.name} / ${this.steps} ${why}: expected ${what} ${JSON.stringify(a)}, ethereumjs has ${JSON.stringify(b)}`);
  }

  /* Compares what the author wants with what ethereumjs has. */
  #agree(why, want, got) {
    const kind = (x) => (x.reverts ? 'a revert' : x.fails !== undefined ? 'a failure' : 'success');
    if (kind(want) !== kind(got)) this.#disagree(why, 'as end', kind(want), `${kind(got)} ${got.error ?? ''} ${got.returns}`);
    if (want.returns !== undefined && want.returns.toLowerCase() !== got.returns) this.#disagree(why, 'as data', want.returns, got.returns);
    if (want.logs && JSON.stringify(want.logs) !== JSON.stringify(got.logs)) this.#disagree(why, 'as logs', want.logs, got.logs);
  }

  async #ethereum(from, to, data, value, nonce) {
    const tx = createTx({ nonce, gasPrice: 0, gasLimit: GAS_LIMIT, to: to ?? undefined, value, data }, { common: this.common, freeze: false }).sign(hexToBytes(from.secret));
    const block = createBlock({ header: { number: this.number, timestamp: this.time, gasLimit: 1n << 30n, baseFeePerGas: 0n, difficulty: 0n } }, { common: this.common, skipConsensusFormatValidation: true });
    const result = await runTx(this.vm, { tx, block, skipHardForkValidation: true });
    const { exceptionError, returnValue, logs } = result.execResult;
    const got = { logs: [] };
    got.returns = bytesToHex(returnValue);
    if (exceptionError?.error === 'revert') got.reverts = true;
    else if (exceptionError) {
      got.fails = true;
      got.error = exceptionError.error;
      got.returns = '0x';
    } else got.logs = (logs ?? []).map(([a, topics, d]) => ({ address: bytesToHex(a), data: bytesToHex(d), topics: topics.map(bytesToHex) }));
    return got;
  }

  async #balances() {
    const all = {};
    for (const [address, before] of this.known) {
      const account = await this.state.getAccount(createAddressFromString(address));
      const now = account?.balance ?? 0n;
      if (now !== before) all[address] = number(now);
      this.known.set(address, now);
    }
    return all;
  }

  async #message(why, from, to, data, iface, fn, opts) {
    const nonce = this.nonces[from.address] ?? 0;
    const value = BigInt(opts.value ?? 0);
    this.nonces[from.address] = nonce + 1;
    this.steps++;
    let expect = this.#wanted(iface, fn, opts);
    let got;
    if (!this.fevm) {
      got = await this.#ethereum(from, to, data, value, nonce);
      this.#agree(why, expect, got);
      const { returns, logs } = got;
      expect = { returns, logs, ...(got.reverts && { reverts: true }), ...(got.fails && { fails: expect.fails }), balances: await this.#balances() };
    }
    if (opts.fevm) Object.assign(expect, this.#wanted(iface, fn, opts.fevm));
    if (!to && !expect.reverts && expect.fails === undefined) expect.returns = getCreateAddress({ from: from.address, nonce }).toLowerCase();
    this.emit({ op: 'message', why, from: from.address, to, value: number(value), data, nonce: number(nonce), expect });
    return got?.returns;
  }

  /** The end of the scenario: the whole state. */
  async close() {
    if (this.fevm) {
      this.emit({ op: 'end' });
      return;
    }
    const post = {};
    for (const p of Object.values(people)) this.#touch(p.address);
    for (const [address, keys] of this.slots) {
      const at = createAddressFromString(address);
      const account = await this.state.getAccount(at);
      if (!account || (account.isEmpty() && keys.size === 0)) continue;
      const storage = {};
      for (const k of keys) {
        const key = setLengthLeft(hexToBytes(toBeHex(k)), 32);
        const v = await this.state.getStorage(at, key);
        if (v.some((b) => b !== 0)) storage[bytesToHex(key)] = bytesToHex(setLengthLeft(v, 32));
      }
      post[address] = { nonce: number(account.nonce), balance: number(account.balance), code: bytesToHex(await this.state.getCode(at)), storage };
    }
    const none = '0x' + '0'.repeat(40);
    this.emit({ op: 'end', post, logs: [], failed: false, tx: { from: none }, coinbase: none, fee: '0x0', tip: '0x0' });
  }
}
