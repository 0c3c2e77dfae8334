import { createSign, generateKeyPairSync, createHash, sign } from 'node:crypto';
import { Signature, SigningKey, TypedDataEncoder, ZeroAddress, ZeroHash, concat, id, keccak256, ripemd160, sha256, toBeHex } from 'ethers';
import { CHAIN_ID, abi, panic } from '../world.mjs';

export const scenarios = {
  async signatures(w) {
    const { alice, bob } = w;
    const c = await w.deploy('Cryptography');
    const hash = id('a message');
    const s = new SigningKey(alice.secret).sign(hash);
    await w.send(c, 'recover', [hash, s.serialized], { returns: [alice] });
    await w.send(c, 'recover', [hash, s.serialized.slice(0, -2)], { reverts: 'ECDSAInvalidSignatureLength', args: [64n] });
    await w.send(c, 'recover', [hash, concat([toBeHex(0, 32), toBeHex(0, 32), '0x1b'])], { reverts: 'ECDSAInvalidSignature' });
    const types = { Letter: [{ name: 'to', type: 'address' }, { name: 'text', type: 'string' }] };
    const domain = { name: 'Letters', version: '1', chainId: CHAIN_ID, verifyingContract: c.address };
    const letter = { to: bob.address, text: 'Dear Bob' };
    const typed = new SigningKey(bob.secret).sign(TypedDataEncoder.hash(domain, types, letter)).serialized;
    await w.send(c, 'signer', [bob, 'Dear Bob', typed], { returns: [bob] });
    await w.send(c, 'eip712Domain', [], { returns: ['0x0f', 'Letters', '1', BigInt(CHAIN_ID), c, ZeroHash, []] });
    const wallet = await w.deploy('SignsFor', [alice]);
    await w.send(c, 'valid', [wallet, hash, s.serialized], { returns: [true] });
    await w.send(c, 'valid', [wallet, id('another'), s.serialized], { returns: [false] });
    await w.send(c, 'valid', [alice, hash, s.serialized], { returns: [true] });
    await w.send(c, 'valid', [bob, hash, s.serialized], { returns: [false] });
    await w.send(c, 'valid', [c, hash, s.serialized], { returns: [false], why: 'a contract that does not sign' });
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = key.publicKey.export({ format: 'jwk' });
    const [x, y] = [jwk.x, jwk.y].map((t) => '0x' + Buffer.from(t, 'base64url').toString('hex'));
    const raw = sign('sha256', Buffer.from('hello'), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    const digest = sha256(Buffer.from('hello'));
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const r = '0x' + raw.subarray(0, 32).toString('hex');
    let half = BigInt('0x' + raw.subarray(32).toString('hex'));
    if (half > n / 2n) half = n - half;
    await w.send(c, 'p256', [digest, r, toBeHex(half, 32), x, y], { returns: [true, true] });
    await w.send(c, 'p256', [id('other'), r, toBeHex(half, 32), x, y], { returns: [false, false] });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pub = rsa.publicKey.export({ format: 'jwk' });
    const [e, modulus] = [pub.e, pub.n].map((t) => '0x' + Buffer.from(t, 'base64url').toString('hex'));
    const signed = '0x' + createSign('sha256').update('hello').sign(rsa.privateKey).toString('hex');
    await w.send(c, 'rsa', [digest, signed, e, modulus], { returns: [true] });
    await w.send(c, 'rsa', [id('other'), signed, e, modulus], { returns: [false] });
  },

  async hashes(w) {
    const c = await w.deploy('Cryptography');
    for (const data of ['0x', '0x61', '0x' + 'ab'.repeat(200)])
      await w.send(c, 'hashes', [data], { returns: [sha256(data), ripemd160(data), keccak256(data), data] });
    const pair = (a, b) => keccak256(concat(a < b ? [a, b] : [b, a]));
    const leaves = ['a', 'b', 'c', 'd'].map((t) => id(t));
    const [ab, cd] = [pair(leaves[0], leaves[1]), pair(leaves[2], leaves[3])];
    const root = pair(ab, cd);
    await w.send(c, 'merkle', [[leaves[3], ab], root, leaves[2]], { returns: [true] });
    await w.send(c, 'merkle', [[leaves[3], ab], root, leaves[1]], { returns: [false] });
    await w.send(c, 'modExp', ['0x05', '0x03', '0x0d'], { returns: [toBeHex(125n % 13n)] });
    const m = BigInt(id('m')) | 1n;
    let want = 1n;
    for (let i = 0; i < 77; i++) want = (want * BigInt(id('b'))) % m;
    await w.send(c, 'modExp', [id('b'), '0x4d', toBeHex(m, 32)], { returns: [toBeHex(want, 32)] });
    await w.send(c, 'modExp', ['0x05', '0x03', '0x00'], { reverts: panic(0x12) });
  },

  async structures(w) {
    const { alice, bob } = w;
    const s = await w.deploy('Structures');
    for (let i = 0n; i < 6n; i++) await w.send(s, 'put', [i * 1000n, alice], { returns: [true] });
    await w.send(s, 'drop', [0n], { returns: [true] });
    await w.send(s, 'drop', [0n], { returns: [false] });
    await w.send(s, 'put', [1000n, bob], { returns: [false] });
    await w.send(s, 'entries', [], { returns: [[5000n, 1000n, 2000n, 3000n, 4000n], [alice, bob, alice, alice, alice]] });
    for (const [v, front] of [['1', true], ['2', false], ['3', true]]) await w.send(s, 'push', [id(v), front]);
    await w.send(s, 'pop', [true], { returns: [id('3')] });
    await w.send(s, 'pop', [false], { returns: [id('2')] });
    await w.send(s, 'pop', [false], { returns: [id('1')] });
    await w.send(s, 'pop', [false], { reverts: panic(0x31) });
    await w.send(s, 'heapPush', [[5n, 1n, 9n, 3n, 3n]]);
    for (const n of [1n, 3n, 3n, 5n, 9n]) await w.send(s, 'heapPop', [], { returns: [n] });
    for (const n of ['', 'short', 'exactly thirty-one bytes long!!', 'thirty-two bytes, which are long', 'x'.repeat(100), 'short again', '']) {
      await w.send(s, 'setName', [n]);
      await w.send(s, 'name', [], { returns: [n] });
    }
    await w.send(s, 'setNested', ['a key', 3, '0x' + 'ee'.repeat(70)]);
    await w.send(s, 'nested', ['a key', 3], { returns: ['0x' + 'ee'.repeat(70)] });
    await w.send(s, 'pack', [[1n, 2n, alice, true, 'text']]);
    await w.send(s, 'packed', [0n], { returns: [1n, 2n, alice, true, 'text'] });
    await w.send(s, 'unpack');
    await w.send(s, 'packed', [0n], { reverts: '0x' });
    await w.send(s, 'text', [123n, -45n, bob, '0x010203'], { returns: ['123-45' + (await import('ethers')).getAddress(bob.address) + 'AQID'] });
    await w.send(s, 'math', [2n ** 200n, 2n ** 100n, 2n ** 90n], { returns: [2n ** 210n, 2n ** 100n, 200n] });
    await w.send(s, 'math', [2n ** 200n, 2n ** 100n, 1n], { reverts: panic(0x11) });
    await w.send(s, 'math', [1n, 1n, 0n], { reverts: panic(0x12) });
  },

  async reentrancy(w) {
    for (const name of ['Guarded', 'GuardedTransient']) {
      const g = await w.deploy(name);
      const back = await w.deploy('Callback');
      await w.send(g, 'enter', [back]);
      await w.send(back, 'setAgain', [true]);
      await w.send(g, 'enter', [back], { reverts: 'ReentrancyGuardReentrantCall' });
      await w.send(g, 'entered', [], { returns: [1n] });
    }
  },

  async timelock(w) {
    const { alice, bob } = w;
    const t = await w.deploy('TimelockController', [3600n, [alice.address], [bob.address], ZeroAddress]);
    const token = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    await w.send(token, 'transferOwnership', [t]);
    const call = [token, 0n, token.data('mint', [bob, 5n]), ZeroHash, id('salt')];
    const operation = keccak256(abi(['address', 'uint256', 'bytes', 'bytes32', 'bytes32'], [token.address, ...call.slice(1)]));
    await w.send(t, 'schedule', [...call, 10n], { reverts: 'TimelockInsufficientDelay', args: [10n, 3600n] });
    await w.send(t, 'schedule', [...call, 3600n], { from: bob, reverts: 'AccessControlUnauthorizedAccount', args: [bob, id('PROPOSER_ROLE')] });
    await w.send(t, 'schedule', [...call, 3600n]);
    await w.send(t, 'getOperationState', [operation], { returns: [1n] });
    await w.send(t, 'execute', call, { from: bob, reverts: 'TimelockUnexpectedOperationState', args: [operation, toBeHex(4, 32)] });
    w.later(3600, 120n);
    await w.send(t, 'execute', call, { from: bob, logs: [[token, 'Transfer', [ZeroAddress, bob, 5n]], [t, 'CallExecuted', [operation, 0n, token, 0n, token.data('mint', [bob, 5n])]]] });
    await w.send(t, 'isOperationDone', [operation], { returns: [true] });
  },
};
