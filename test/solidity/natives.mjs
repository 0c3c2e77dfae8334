// Accounts that only Filecoin has. They come after the Ethereum accounts in the genesis: f0104 and on.
import { blake2b } from '@noble/hashes/blake2b';
import { SigningKey, getBytes, hexlify, id } from 'ethers';

const key = new SigningKey(id('fvm erin'));
const FIRST = 104;

/** An f1 account whose key we have, an f3 account, a multisig of the first. */
export const natives = [
  { name: 'erin', id: FIRST, bytes: hexlify(new Uint8Array([1, ...blake2b(getBytes(key.publicKey), { dkLen: 20 })])) },
  { name: 'frank', id: FIRST + 1, bytes: '0x03' + 'b5'.repeat(48) },
  { name: 'wallet', id: FIRST + 2, bytes: '0x', signers: [FIRST] },
];
export const native = Object.fromEntries(natives.map((n) => [n.name, { ...n, native: true, address: n.bytes, masked: '0xff' + n.id.toString(16).padStart(38, '0') }]));

/** Erin's signature as Filecoin's f1 accounts make it: r, s, recovery, of blake2b-256. */
export function sign(message) {
  const s = key.sign(hexlify(blake2b(getBytes(message), { dkLen: 32 })));
  return hexlify(new Uint8Array([...getBytes(s.r), ...getBytes(s.s), s.yParity]));
}
