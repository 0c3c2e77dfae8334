import { concat, dataSlice, getCreate2Address, keccak256, id } from 'ethers';
import { abi, errorText, panic } from '../world.mjs';

const INT_MIN = -(2n ** 255n);
const PANICS = [
  ['p01', [1n], 0x01], ['p11', [0n], 0x11], ['p11mul', [2n ** 128n], 0x11], ['p11neg', [INT_MIN], 0x11], ['p11div', [INT_MIN, -1n], 0x11],
  ['p12', [0n], 0x12], ['p12mod', [0n], 0x12], ['p21', [2n], 0x21], ['p22', [], 0x22], ['p31', [], 0x31], ['p32', [3n], 0x32],
  ['p32data', [[1n, 2n], 2n], 0x32], ['p32bytes', ['0x01020304', 4n], 0x32], ['p41', [2n ** 64n], 0x41], ['p51', [], 0x51],
];
const deep = (n) => abi(['uint256'], [n]);

export const viaIR = ['Failures.sol'];

export const scenarios = {
  async 'all panics, thrown and caught'(w) {
    const f = await w.deploy('Failing', [false, '']);
    const c = await w.deploy('Catching');
    for (const [fn, args, code] of PANICS) {
      await w.send(f, fn, args, { reverts: panic(code) });
      await w.send(c, 'attempt', [f, f.data(fn, args)], { returns: [2n, abi(['uint256'], [code])], logs: [[c, 'Ended', [2n, abi(['uint256'], [code])]]] });
    }
    await w.send(c, 'typed', [f], { returns: [0x51n] });
    await w.send(c, 'before', [], { returns: [BigInt(PANICS.length)] });
    await w.send(f, 'p01', [0n], { returns: [0n] });
  },

  async 'errors, thrown and caught'(w) {
    const f = await w.deploy('Failing', [false, '']);
    const c = await w.deploy('Catching');
    const squares = (n) => Array.from({ length: n }, (_, i) => BigInt(i * i));
    for (const [fn, args, data, how, what] of [
      ['plain', [], f.error('Plain')], ['needs', [false], f.error('Plain')],
      ['withStruct', [-5n], f.error('WithStruct', [[1n, -5n], '0x01020304'])],
      ['detailed', [3n], f.error('Detailed', [w.alice, 3n, 'a reason', squares(3)]), 3n, f.error('Detailed', [c, 3n, 'a reason', squares(3)])],
      ['text', ['too bad'], errorText('too bad'), 1n, '0x' + Buffer.from('too bad').toString('hex')],
      ['text', [''], errorText(''), 1n, '0x'],
      ['text', ['x'.repeat(1000)], errorText('x'.repeat(1000)), 1n, '0x' + '78'.repeat(1000)],
      ['none', [], '0x'], ['long', [3000n], '0x' + '00'.repeat(64) + '00'.repeat(31) + '80' + '00'.repeat(3000 - 96)], ['long', [1n], '0x00'],
    ]) {
      await w.send(f, fn, args, { reverts: data });
      await w.send(c, 'attempt', [f, f.data(fn, args)], { returns: [how ?? 3n, what ?? data] });
    }
    await w.send(c, 'attempt', [f, f.data('returns7')], { returns: [0n, abi(['uint256'], [7n])] });
    await w.send(c, 'attempt', [f, '0x00000000'], { returns: [3n, '0x'] });
    await w.send(c, 'attempt', [f, dataSlice(f.data('text', ['cut short']), 0, 60)], { returns: [3n, '0x'] });
    await w.send(c, 'attempt', [w.bob, '0x1234'], { returns: [0n, '0x'], why: 'a call of an account' });
    await w.send(c, 'attempt', [f, f.data('writeThenFail')], { returns: [3n, f.error('Plain')] });
    await w.send(f, 'slot', [99n], { returns: [0n] });
  },

  async 'what try does not catch'(w) {
    const f = await w.deploy('Failing', [false, '']);
    const c = await w.deploy('Catching');
    await w.send(c, 'decoded', [f], { reverts: '0x', why: 'a bool that is 2' });
    await w.send(c, 'decodedShort', [f], { reverts: '0x', why: '31 bytes for a word' });
    await w.send(c, 'noCode', [w.bob], { reverts: '0x' });
    await w.send(c, 'poor', [f], { reverts: true, why: 'more money than there is' });
    await w.send(c, 'attemptPoor', [f], { returns: [1n] });
    await w.raw(c, '0x', { value: 10n ** 18n });
    await w.send(c, 'attemptPoor', [f], { returns: [0n] });
  },

  async 'invalid, out of gas, too deep'(w) {
    const f = await w.deploy('Failing', [false, '']);
    const c = await w.deploy('Catching');
    await w.send(f, 'invalid', [], { fails: 34 });
    await w.send(c, 'withGas', [f, f.data('invalid'), 1000000n], { returns: [false, 0n] });
    await w.send(c, 'withGas', [f, f.data('forever'), 100000n], { returns: [false, 0n] });
    await w.send(c, 'withGas', [f, f.data('forever'), 4000000n], { returns: [false, 0n] });
    await w.send(f, 'slot', [1n], { returns: [0n], why: 'nothing is left of it' });
    await w.send(c, 'withGas', [f, f.data('returns7'), 0n], { returns: [false, 0n], why: 'no gas at all' });
    await w.send(c, 'withGas', [w.bob, '0x', 0n], { returns: [true, 0n], fevm: { returns: [false, 0n] }, why: 'a call itself costs gas' });
    await w.send(c, 'before', [], { returns: [5n] });
    await w.send(f, 'deep', [50n], { returns: [50n] });
  },

  async 'constructors'(w) {
    const c = await w.deploy('Catching');
    await w.deploy('Failing', [true, 'not like this'], { reverts: errorText('not like this') });
    await w.deploy('Failing', [false, 'fine'], { value: 3n });
    await w.send(c, 'create', [true, 'nor so'], { returns: [false, 'nor so'] });
    await w.send(c, 'create', [false, ''], { value: 4n, returns: [true, ''] });
    const salt = id('f');
    const made = getCreate2Address(c.address, salt, keccak256(concat([w.contracts.Failing.code, abi(['bool', 'string'], [false, ''])])));
    await w.send(c, 'creates2', [salt], { returns: [made] });
    await w.send(c, 'creates2', [salt], { reverts: '0x', why: 'at the same address again' });
    await w.send(w.at('Failing', made), 'returns7', [], { returns: [7n] });
  },

  async 'read-only and delegated'(w) {
    const f = await w.deploy('Failing', [false, '']);
    const c = await w.deploy('Catching');
    await w.send(c, 'readOnly', [f, f.data('returns7')], { returns: [true, deep(7n)] });
    await w.send(c, 'readOnly', [c, c.data('withGas', [f, '0x', 0n])], { returns: [false, '0x'], why: 'a write' });
    await w.send(c, 'readOnly', [c, c.data('create', [false, ''])], { returns: [false, '0x'], why: 'a creation' });
    await w.send(c, 'delegated', [f, f.data('returns7')], { returns: [true, deep(7n)] });
    await w.send(c, 'delegated', [f, f.data('writeThenFail')], { returns: [false, f.error('Plain')] });
    await w.send(c, 'delegated', [w.bob, '0x01'], { returns: [true, '0x'] });
    await w.send(c, 'delegated', [c, c.data('delegated', [f, f.data('detailed', [1n])])], { returns: [true, abi(['bool', 'bytes'], [false, f.error('Detailed', [w.alice, 1n, 'a reason', [0n]])])] });
  },
};
