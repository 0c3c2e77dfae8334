import { MaxUint256, concat, getCreate2Address, getCreateAddress, keccak256, toBeHex, zeroPadValue, id } from 'ethers';
import { abi } from '../world.mjs';

const M = 2n ** 256n;
const u = (n) => ((n % M) + M) % M;
const word = (n) => toBeHex(u(n), 32);
const clz = (x) => 256n - BigInt(x === 0n ? 0 : x.toString(2).length);
const ones = (x) => BigInt([...x.toString(2)].filter((c) => c === '1').length);
const sum = (list) => u(list.reduce((a, b) => a + b, 0n));
const abs = (x) => (x < 0n ? -x : x);
function power(a, n) { let r = 1n, b = u(a); for (; n; n >>= 1n, b = u(b * b)) if (n & 1n) r = u(r * b); return r; }

/** Assembly.arithmetic by another way: JavaScript's integers. */
function arithmetic(a, b, m) {
  const sdiv = b === 0n ? 0n : (abs(a) / abs(b)) * (a < 0n === b < 0n ? 1n : -1n);
  const smod = b === 0n ? 0n : (abs(a) % abs(b)) * (a < 0n ? -1n : 1n);
  const [ua, ub] = [u(a), u(b)];
  const k = ub & 31n;
  const shift = ub & 0xffn;
  return [u(sdiv), u(smod), m ? (ua + ub) % m : 0n, m ? (ua * ub) % m : 0n, power(a, shift), u(k === 31n ? a : BigInt.asIntN(Number(8n * (k + 1n)), ua)),
    (ua >> (8n * (31n - k))) & 0xffn, u(a >> shift), u(ua << shift), (ub & 0x1ffn) >= 256n ? 0n : ua >> (ub & 0x1ffn), a < b ? 1n : a > b ? 2n : 0n, m ? ua / m : 0n];
}

export const viaIR = ['Assembly.sol'];

export const scenarios = {
  async 'loops and words'(w) {
    const s = await w.deploy('Assembly');
    const list = [5n, 3n, MaxUint256, 0n, 9n, 3n];
    await w.send(s, 'sum', [list], { returns: [sum(list)] });
    await w.send(s, 'sum', [[]], { returns: [0n] });
    const sorted = [...list].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    await w.send(s, 'sort', [list], { returns: [sorted] });
    const many = Array.from({ length: 50 }, (_, i) => BigInt(id('n' + i)));
    await w.send(s, 'sort', [many], { returns: [[...many].sort((a, b) => (a < b ? -1 : 1))] });
    for (const x of [0n, 1n, 255n, 2n ** 128n, 2n ** 255n, MaxUint256, BigInt(id('x')) >> 77n]) {
      const log = x >= 2n ** 128n ? 128n + (x >> 128n >= 2n ** 64n ? 64n : 0n) : x >= 2n ** 64n ? 64n : 0n;
      await w.send(s, 'bits', [x], { returns: [clz(x), ones(x), log] });
    }
    const big = BigInt.asIntN(256, BigInt(id('big')));
    for (const [a, b, m] of [[7n, 3n, 5n], [-7n, 3n, 5n], [7n, -3n, 0n], [-(2n ** 255n), -1n, MaxUint256], [big, 0n, 1n], [big, 31n, 2n ** 128n], [big, 255n, MaxUint256],
      [big, -big, BigInt(id('m'))], [-1n, 256n, 3n], [big, 300n, 7n], [big, 1n, 2n ** 255n], [0n, 0n, 0n], [-big, 17n, BigInt(id('q')) >> 100n]])
      await w.send(s, 'arithmetic', [a, b, m], { returns: [arithmetic(a, b, m)] });
    let h = id('seed');
    for (let i = 0; i < 200; i++) h = keccak256(h);
    await w.send(s, 'keccakLoop', [id('seed'), 200n], { returns: [h] });
  },

  async 'memory and calldata'(w) {
    const s = await w.deploy('Assembly');
    const data = Uint8Array.from({ length: 100 }, (_, i) => i);
    for (const [to, from, len] of [[0, 10, 50], [10, 0, 50], [5, 4, 90], [0, 0, 100], [31, 33, 1], [99, 0, 0]]) {
      const moved = data.slice();
      moved.copyWithin(to, from, from + len);
      await w.send(s, 'copyWithin', [data, to, from, len], { returns: [moved] });
    }
    await w.send(s, 'calldata_', [0n], { returns: [BigInt(s.data('calldata_', [0n]).slice(0, 66)), 36n] });
    await w.send(s, 'calldata_', [30n], { returns: [30n << (26n * 8n), 36n], why: 'past the end' });
    await w.send(s, 'calldata_', [MaxUint256], { returns: [0n, 36n] });
    await w.send(s, 'memoryFar', [100000n], { returns: [100001n] });
    await w.send(s, 'memoryFar', [2n ** 32n], { fails: 38 });
    await w.send(s, 'memoryFar', [MaxUint256], { fails: 38 });
    await w.send(s, 'logs', ['0x0102030405']);
    await w.send(s, 'logs', ['0x']);
    await w.send(s, 'logs', ['0x' + '5a'.repeat(1000)]);
    await w.send(s, 'store', [0n, 7n]);
    await w.send(s, 'store', [MaxUint256, MaxUint256]);
    await w.send(s, 'load', [MaxUint256], { returns: [MaxUint256] });
    await w.send(s, 'store', [MaxUint256, 0n]);
    await w.send(s, 'load', [MaxUint256], { returns: [0n] });
    await w.send(s, 'load', [0n], { returns: [7n] });
  },

  async 'code'(w) {
    const s = await w.deploy('Assembly');
    const echo = await w.deploy('Echo');
    const empty = keccak256('0x');
    const runtime = w.contracts.Echo.runtime;
    await w.send(s, 'codeOf', [echo], { returns: [BigInt((runtime.length - 2) / 2), keccak256(runtime), runtime + '00'.repeat(8)] });
    await w.send(s, 'codeOf', [w.bob], { returns: [0n, empty, '0x' + '00'.repeat(8)] });
    await w.send(s, 'codeOf', ['0x' + '77'.repeat(20)], { returns: [0n, '0x' + '0'.repeat(64), '0x' + '00'.repeat(8)] });
    await w.send(s, 'codeFar', [echo], { returns: ['0x' + '0'.repeat(64)] });
    const make = (code) => concat(['0x63', toBeHex((code.length - 2) / 2, 4), '0x80600e6000396000f3', code]); // returns `code`
    const code = make('0x600a600055');
    const salt = id('s');
    const a = getCreate2Address(s.address, salt, keccak256(code));
    await w.send(s, 'make2', [code, salt], { value: 5n, returns: [a, 0n] });
    await w.send(s, 'codeOf', [a], { returns: [5n, keccak256('0x600a600055'), '0x600a600055' + '00'.repeat(8)] });
    await w.send(s, 'make2', [code, salt], { returns: ['0x' + '0'.repeat(40), 0n], why: 'there already' });
    await w.send(s, 'callRaw', [a, 1n, '0x'], { value: 1n, returns: [true, '0x'] });
    const next = getCreateAddress({ from: s.address, nonce: 3 });
    await w.send(s, 'make', [make('0x00')], { returns: [next, 0n] });
    await w.send(s, 'make', ['0x'], { returns: [getCreateAddress({ from: s.address, nonce: 4 }), 0n], why: 'without initcode' });
    await w.send(s, 'make', ['0x60206000fd'], { returns: ['0x' + '0'.repeat(40), 32n], why: 'its constructor reverts' });
    await w.send(s, 'make', ['0xfe'], { returns: ['0x' + '0'.repeat(40), 0n] });
    await w.send(s, 'make', [make('0xef00')], { returns: ['0x' + '0'.repeat(40), 0n], why: 'code that begins with EF' });
    await w.send(s, 'make', [make('0x' + '00'.repeat(24577))], { returns: ['0x' + '0'.repeat(40), 0n], why: 'more than 24576 bytes' });
    await w.send(s, 'make', [make('0x' + '00'.repeat(24576))], { returns: [getCreateAddress({ from: s.address, nonce: 9 }), 0n] });
  },

  async 'return data'(w) {
    const s = await w.deploy('Assembly');
    const echo = await w.deploy('Echo');
    await w.send(s, 'returnDataPast', [echo], { fails: 38 });
    await w.send(s, 'returnDataEnd', [echo], { returns: [0n] });
    const data = '0x' + 'c3'.repeat(333);
    await w.send(s, 'callRaw', [echo, 0n, data], { returns: [true, data] });
    await w.send(s, 'callRaw', [s, 0n, s.data('returnDataPast', [echo])], { returns: [false, '0x'] });
    await w.send(s, 'callRaw', [w.bob, 9n, '0x01'], { value: 10n, returns: [true, '0x'] });
    await w.send(s, 'callRaw', ['0x' + '78'.repeat(20), 1n, '0x'], { returns: [true, '0x'], why: 'money to nobody yet' });
    await w.send(s, 'callRaw', [w.bob, 9n, '0x01'], { returns: [false, '0x'], why: 'more than there is' });
    await w.send(s, 'environment', [], { from: w.bob, value: 3n, returns: [w.bob, w.bob, 3n, w.number, w.time, 31415926n, 3n] });
    await w.raw(echo, '0xdeadbeef', { returns: '0xdeadbeef' });
    await w.raw(echo, '0x', { value: 2n, returns: '0x' });
  },

  async 'transient storage'(w) {
    const s = await w.deploy('Assembly');
    await w.send(s, 'bump', [], { returns: [1n] });
    await w.send(s, 'bump', [], { returns: [1n], why: 'gone with the message' });
    await w.send(s, 'bumpTwice', [], { returns: [1n, 2n] });
    await w.send(s, 'bumpLost', [], { returns: [2n], why: 'a revert takes it back' });
    await w.send(s, 'transientRaw', [MaxUint256, 5n], { returns: [0n, 5n] });
    await w.send(s, 'transientStatic', [], { returns: [false] });
  },

  async 'the end of a contract'(w) {
    const d = await w.deploy('Dies', [], {});
    await w.send(d, 'alive', [], { returns: [1n] });
    w.known.set(w.carol.address, null);
    await w.send(d, 'die', [w.carol], { value: 12n });
    // Ethereum keeps the code since Cancun, Filecoin does not: this is the scenario's last message
    await w.send(d, 'alive', [], { returns: [1n], fevm: { returns: '0x' } });
  },
};
