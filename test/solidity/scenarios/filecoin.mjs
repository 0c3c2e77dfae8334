// Contracts that use what only Filecoin's EVM has, by @zondax/filecoin-solidity and without it. ethereumjs
// has none of this: what is expected is the author's reading of FIP-0054 and FRC-0042.
import { MaxUint256, concat, dataSlice, getCreateAddress, keccak256, solidityPacked, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers';
import { abi } from '../world.mjs';
import { native, sign } from '../natives.mjs';

export const fevm = true;

const word = (n) => toBeHex(n, 32);
const CBOR = 0x51n;
const INVOKE = 3844450837n;
const HOOK = 3726118371n;
const AUTHENTICATE = 2643134072n;
const FIRST_NEW = 108; // after the null address's account
const RESOLVE = '0xfe00000000000000000000000000000000000001';
const LOOKUP = '0xfe00000000000000000000000000000000000002';
const CALL_ACTOR = '0xfe00000000000000000000000000000000000003';
const CALL_ACTOR_ID = '0xfe00000000000000000000000000000000000005';
const actorError = (u, code) => u.error('ActorError', [code]);
const bytes = (hex) => concat([hex.length / 2 - 1 < 24 ? toBeHex(0x40 + hex.length / 2 - 1, 1) : concat(['0x58', toBeHex(hex.length / 2 - 1, 1)]), hex]);
const f0 = (id) => { const out = [0]; for (let n = id; ; n >>= 7) { out.push(n > 127 ? (n & 127) | 128 : n); if (n <= 127) break; } return '0x' + Buffer.from(out).toString('hex'); };

export const scenarios = {
  async 'addresses'(w) {
    const { alice, bob } = w;
    const { erin, frank, wallet } = native;
    const u = await w.deploy('FilecoinUser');
    const f4 = (address) => concat(['0x040a', address]);
    await w.send(u, 'fromEth', [alice], { returns: [f4(alice.address)] });
    await w.send(u, 'fromId', [127n], { returns: ['0x007f'] });
    await w.send(u, 'fromId', [128n], { returns: ['0x008001'] });
    await w.send(u, 'fromId', [2n ** 64n - 1n], { returns: ['0x00ffffffffffffffffff01'] });
    await w.send(u, 'fromBytes', [erin.bytes], { returns: [erin.bytes] });
    await w.send(u, 'fromBytes', [dataSlice(erin.bytes, 0, 20)], { reverts: 'InvalidAddress()' });
    for (const [a, yes] of [['0x00' + 'ff'.repeat(9), true], ['0x00' + 'ff'.repeat(10), false], [frank.bytes, true], ['0x02' + '11'.repeat(20), true], ['0x02', false], [f4(bob.address), true], ['0x04' + '00'.repeat(64), false]])
      await w.send(u, 'valid', [a], { returns: [yes] });

    await w.send(u, 'resolve', [f4(bob.address)], { returns: [101n] });
    await w.send(u, 'resolve', [erin.bytes], { returns: [BigInt(erin.id)] });
    await w.send(u, 'resolve', [frank.bytes], { returns: [BigInt(frank.id)] });
    await w.send(u, 'resolve', [f0(1234567)], { returns: [1234567n], why: 'an ID is its own, whoever it is' });
    await w.send(u, 'resolve', [f4('0x' + '99'.repeat(20))], { reverts: true, why: 'of nobody' });
    await w.send(u, 'resolve', ['0x05'], { reverts: 'FailToCallActor', why: 'no address' });
    await w.send(u, 'resolve', ['0x'], { reverts: 'FailToCallActor' });
    await w.send(u, 'resolveEth', [u], { returns: [BigInt(FIRST_NEW)] });
    await w.send(u, 'resolveEth', [alice], { returns: [100n] });
    await w.send(u, 'lookup', [100n], { returns: [f4(alice.address)] });
    await w.send(u, 'lookup', [BigInt(FIRST_NEW)], { returns: [f4(u.address)] });
    await w.send(u, 'lookup', [BigInt(erin.id)], { returns: ['0x'], why: 'an f1 account' });
    await w.send(u, 'lookup', [BigInt(wallet.id)], { returns: ['0x'] });
    await w.send(u, 'lookup', [10n ** 9n], { returns: ['0x'], why: 'of nobody' });
    await w.send(u, 'exists', [RESOLVE], { returns: [true] });
    await w.send(u, 'exists', [erin.masked], { returns: [true] });
    await w.send(u, 'exists', [wallet.masked], { returns: [true] });
    await w.send(u, 'exists', ['0x' + '98'.repeat(20)], { returns: [false] });
  },

  async 'numbers'(w) {
    const u = await w.deploy('FilecoinUser');
    await w.send(u, 'bigFromUint', [0n]);
    await w.send(u, 'bigFromUint', [2n ** 64n], { returns: [word(2n ** 64n), false] });
    await w.send(u, 'bigFromUint', [MaxUint256], { returns: [word(MaxUint256), false] });
    await w.send(u, 'bigToUint', ['0x0102', false], { returns: [258n, false] });
    await w.send(u, 'bigToUint', ['0x01' + '00'.repeat(32), false], { returns: [0n, true], why: 'more than a word' });
    await w.send(u, 'bigFromInt', [-5n], { returns: [word(5n), true] });
  },

  async 'sending money'(w) {
    const { alice, bob } = w;
    const { erin, frank, wallet } = native;
    const u = await w.deploy('FilecoinUser');
    await w.send(u, 'sendToId', [101n, 5n], { value: 10n, returns: '0x' });
    await w.send(u, 'sendTo', [erin.bytes, 2n], { returns: '0x' });
    await w.send(u, 'sendTo', [frank.bytes, 1n], { returns: '0x' });
    await w.send(u, 'sendTo', [concat(['0x040a', bob.address]), 1n], { returns: '0x' });
    await w.send(u, 'sendToId', [BigInt(wallet.id), 1n], { returns: '0x' });
    await w.send(u, 'sendToId', [BigInt(wallet.id), 1n], { reverts: 'NotEnoughBalance', args: [0n, 1n] });
    await w.send(u, 'sendToId', [10n ** 9n, 0n], { reverts: actorError(u, -6n), why: 'to nobody: not found' });
    await w.send(u, 'sendTo', ['0x01' + '66'.repeat(20), 3n], { value: 3n, returns: '0x', why: 'to a new f1 account' });
    await w.send(u, 'sendTo', ['0x02' + '66'.repeat(20), 3n], { value: 3n, reverts: actorError(u, -6n), why: 'no f2 address is made by sending' });
    await w.send(u, 'sendTo', ['0x', 1n], { reverts: 'InvalidAddress(bytes)', args: ['0x'] });
    await w.send(u, 'sendTo', ['0x0500', 0n], { reverts: true, why: 'not an address' });
    await w.raw(erin.masked, '0x', { from: alice, value: 7n, returns: '0x', why: 'from outside to a masked ID' });
    await w.raw(concat(['0xff', '0x' + '00'.repeat(11), toBeHex(101, 8)]), '0x', { value: 7n, returns: '0x' });
  },

  async 'accounts'(w) {
    const { erin, frank } = native;
    const u = await w.deploy('FilecoinUser');
    const message = '0x' + '5e'.repeat(40);
    const id = BigInt(erin.id);
    await w.send(u, 'authenticate', [id, sign(message), message], { returns: '0x', why: "the account's own signature" });
    await w.send(u, 'authenticate', [id, sign('0x01'), message], { reverts: actorError(u, 16n), why: "another message's" });
    await w.send(u, 'authenticate', [id, '0x' + '00'.repeat(65), message], { reverts: actorError(u, 16n) });
    await w.send(u, 'authenticate', [id, '0x01', message], { reverts: actorError(u, 16n), why: 'too short' });
    await w.send(u, 'authenticate', [BigInt(frank.id), sign(message), message], { reverts: actorError(u, 16n), why: 'of another account' });
    await w.send(u, 'authenticate', [100n, sign(message), message], { reverts: true, why: "an Ethereum account says nothing" });
    await w.send(u, 'authenticate', [99n, sign(message), message], { reverts: 'InvalidActorID', args: [99n] });
    await w.send(u, 'authenticate', [10n ** 9n, sign(message), message], { reverts: actorError(u, -6n) });
    await w.send(u, 'call', [id, AUTHENTICATE, 0n, '0x', 0n, true], { reverts: actorError(u, 16n), why: 'without parameters' });
    await w.send(u, 'call', [id, AUTHENTICATE, CBOR, '0x80', 0n, true], { reverts: actorError(u, 21n), why: 'too few parameters' });
    await w.send(u, 'call', [id, 3n * 10n ** 9n, 0n, '0x', 0n, false], { returns: ['0x'], why: 'a method of its own that an account does not have' });
    await w.send(u, 'hook', [id, 1n, '0x0102'], { returns: ['0x'] });
    await w.send(u, 'hook', [BigInt(native.wallet.id), 1n, '0x0102'], { returns: ['0x'] });
    await w.send(u, 'hook', [2n, 1n, '0x'], { reverts: actorError(u, 22n), why: 'the reward actor takes no tokens' });
    await w.send(u, 'callNonSingleton', [99n, 5000n], { reverts: 'InvalidActorID', args: [99n] });
    await w.send(u, 'call', [10n, 4n, CBOR, '0x4100', 0n, false], { reverts: 'FailToCallActor', why: 'methods up to 1023 are not for contracts' });
    await w.send(u, 'call', [id, 5000n, 0x55n, '0x01', 0n, false], { reverts: 'FailToCallActor', why: 'a codec that is not for messages' });
    await w.send(u, 'call', [id, 2n ** 64n, 0n, '0x', 0n, false], { why: 'the library cuts the method to 64 bits: 0' });
  },

  async 'places of the storage actors'(w) {
    const u = await w.deploy('FilecoinUser');
    await w.send(u, 'datacapName', [], { reverts: actorError(u, -6n) });
    await w.send(u, 'datacapBalance', [native.erin.bytes], { reverts: actorError(u, -6n) });
    await w.send(u, 'rawPower', [], { reverts: actorError(u, -6n) });
    await w.send(u, 'minerOwner', [10n ** 9n], { reverts: actorError(u, -6n) });
    await w.send(u, 'minerOwner', [BigInt(native.wallet.id)], { reverts: true, why: 'not a miner' });
    await w.send(u, 'minerOwner', [BigInt(native.erin.id)], { reverts: true, why: 'not a miner' });
    await w.send(u, 'minerControls', [BigInt(native.erin.id), native.frank.bytes], { reverts: true });
  },

  async 'methods of contracts'(w) {
    const u = await w.deploy('FilecoinUser');
    const r = await w.deploy('FilecoinReceiver');
    const id = BigInt(FIRST_NEW + 1);
    const seen = (method, codec, params, value = 0n) => [r, 'Received', [u, method, codec, params, value]];
    await w.send(u, 'hook', [id, 7n, '0xabcdef'], { returns: ['0x'], logs: [seen(HOOK, CBOR, '0x820743abcdef'), [r, 'Hook', [7n, '0xabcdef']]] });
    await w.send(u, 'call', [id, HOOK, CBOR, '0x80', 0n, false], { reverts: actorError(u, 33n), why: 'the hook reverts' });
    await w.send(u, 'call', [id, 5000n, 0n, '0x', 0n, false], { returns: ['0x83010203'], logs: [seen(5000n, 0n, '0x')] });
    await w.send(u, 'call', [id, 5000n, CBOR, '0x1864', 4n, false], { value: 4n, returns: ['0x83010203'], logs: [seen(5000n, CBOR, '0x1864', 4n)] });
    await w.send(u, 'call', [id, 5000n, 0n, '0x', 0n, true], { reverts: actorError(u, 25n), why: 'a log in a read-only call' });
    await w.send(u, 'call', [id, 5001n, 0n, '0x', 0n, false], { reverts: actorError(u, 16n), why: "the contract's own exit code" });
    await w.send(u, 'call', [id, 5002n, 0n, '0x', 0n, false], { reverts: actorError(u, 40n) });
    await w.send(u, 'call', [id, 5003n, 0n, '0x', 0n, false], { reverts: actorError(u, 21n), why: 'a codec that is not for messages' });
    await w.send(u, 'call', [id, 5004n, 0n, '0x', 0n, false], { reverts: actorError(u, 33n) });
    await w.send(u, 'call', [id, 5005n, 0n, '0x', 0n, false], { reverts: actorError(u, 21n), why: 'data without a codec' });
    await w.send(u, 'call', [BigInt(FIRST_NEW), 5000n, 0n, '0x', 0n, false], { reverts: true, why: 'a contract without such methods' });
    const t = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    const data = t.data('transfer', [w.bob, 0n]);
    await w.send(u, 'callAt', [concat(['0x040a', t.address]), INVOKE, CBOR, bytes(data), 0n, false], { returns: [bytes(word(1n))], logs: [[t, 'Transfer', [u, w.bob, 0n]]] });
    await w.send(u, 'callAt', [f0(FIRST_NEW + 2), INVOKE, CBOR, bytes(t.data('totalSupply')), 0n, true], { returns: [bytes(word(1000n))] });
    await w.send(u, 'callAt', [f0(FIRST_NEW + 2), INVOKE, CBOR, bytes(t.data('transfer', [w.bob, 1n])), 0n, false], { reverts: actorError(u, 33n) });
  },

  async 'from outside'(w) {
    const { erin } = native;
    const r = await w.deploy('FilecoinReceiver');
    const to = concat(['0x040a', r.address]);
    const log = (method, codec, params, value = 0n) => ({ logs: [{ address: r.address, ...r.iface.encodeEventLog('Received', [erin.masked, method, codec, params, value]) }].map(({ address, data, topics }) => ({ address, data, topics })) });
    w.native('a method of FRC-42', erin, to, 5000n, '0x1864', { returns: '0x83010203', ...log(5000n, CBOR, '0x1864', 3n) }, 3n);
    w.native('without parameters', erin, to, 5000n, '0x', { returns: '0x83010203', ...log(5000n, 0n, '0x') });
    w.native('an exit code', erin, to, 5001n, '0x', { fails: 16, logs: [], returns: '0x' });
    w.native('an exit code with data', erin, to, 5002n, '0x', { fails: 40, logs: [], returns: '0x6161' });
    w.native('another codec', erin, to, 5003n, '0x', { fails: 21, logs: [] });
    w.native('a revert', erin, to, 5004n, '0x', { fails: 33, logs: [] });
    w.native('a method below the numbers of FRC-42', erin, to, 1023n, '0x', { fails: 22, logs: [] });
    w.native('InvokeEVM, as an Ethereum transaction comes', erin, to, INVOKE, bytes('0x12345678'), { fails: 33, returns: '0x40', logs: [] });
    w.native('only money', erin, to, 0n, '0x', { returns: '0x', logs: [] }, 9n);
    w.native('a creation', erin, '0x000a', 4n, bytes('0x600160005360016000f3'), {});
    w.native('Create is for contracts', erin, '0x000a', 2n, '0x8241fe00', { fails: 18 });
  },

  async 'precompiles'(w) {
    const { alice, bob } = w;
    const { erin } = native;
    const u = await w.deploy('FilecoinUser');
    const p = (at, input, ok, out, delegated = false, why = 'precompile') => w.send(u, 'precompile', [at, input, delegated], { returns: [ok, out], why });
    const head = (method, value, flags, codec, params, at) => abi(['uint64', 'uint256', 'uint64', 'uint64', 'bytes', typeof at === 'string' ? 'bytes' : 'uint64'], [method, value, flags, codec, params, at]);
    const answer = (code, codec, data) => abi(['int256', 'uint64', 'bytes'], [code, codec, data]);
    await p(RESOLVE, erin.bytes, true, word(erin.id));
    await p(RESOLVE, '0x01', false, '0x');
    await p(RESOLVE, '0x01' + '67'.repeat(20), true, '0x', false, 'an address of nobody');
    await p(LOOKUP, word(101n), true, concat(['0x040a', bob.address]));
    await p(LOOKUP, word(2n ** 64n), false, '0x', false, 'an ID above 64 bits');
    await p(LOOKUP, '0x', true, '0x', false, 'no input is ID 0');
    await p(CALL_ACTOR_ID, head(0n, 0n, 0n, 0n, '0x', 101n), true, answer(0n, 0n, '0x'), true, 'a plain send');
    await p(CALL_ACTOR_ID, head(0n, 0n, 0n, 0n, '0x', 101n), false, '0x', false, 'only by DELEGATECALL');
    await p(CALL_ACTOR, head(0n, 0n, 0n, 0n, '0x', erin.bytes), true, answer(0n, 0n, '0x'), true);
    await p(CALL_ACTOR, head(0n, 1n, 0n, 0n, '0x', erin.bytes), true, answer(-5n, 0n, '0x'), true, 'more than there is');
    await p(CALL_ACTOR_ID, head(0n, 0n, 2n, 0n, '0x', 101n), false, '0x', true, 'an unknown flag');
    await p(CALL_ACTOR_ID, head(0n, 0n, 0n, 0n, '0x01', 101n), false, '0x', true, 'parameters without a codec');
    await p(CALL_ACTOR_ID, head(2n, 0n, 0n, CBOR, '0x80', 1n), false, '0x', true, 'a method that is not for contracts');
    await p(CALL_ACTOR_ID, head(5000n, 0n, 0n, CBOR, '0x80', 10n ** 9n), true, answer(-6n, 0n, '0x'), true, 'nobody');
    await p(CALL_ACTOR_ID, '0x', true, answer(0n, 0n, '0x'), true, 'no input is a plain send to the system actor');
    await p(CALL_ACTOR_ID, head(INVOKE, 0n, 0n, CBOR, '0x40', 100n), true, answer(0n, 0n, '0x'), true, 'an Ethereum account takes any call');
    for (const at of ['0x000000000000000000000000000000000000000a', '0xfe00000000000000000000000000000000000004', '0xfe00000000000000000000000000000000000007', '0x00000000000000000000000000000000000000ff'])
      await p(at, '0x1234', true, '0x', false, 'a reserved address that is nothing');
    await p('0xfe00000000000000000000000000000000000006', word(1n), false, '0x', false, 'randomness that nobody gives here');
    await w.send(u, 'exists', [alice], { returns: [true] });
  },
};
