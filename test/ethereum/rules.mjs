// What FEVM defines differently from Ethereum, found in the trace of a test as Ethereum runs it
// (reference/evm.md). A test that meets none of these must give the same result on FEVM. Nothing here
// knows the name of a test.

const RESERVED_FIRST = ['00', 'fe'];

/** Addresses that FEVM routes to its precompiles, defined or not (evm.md 2.3), and masked IDs (2.1). */
export function isSpecial(address) {
  const a = address.slice(2).toLowerCase();
  const tail = a.slice(38);
  if (RESERVED_FIRST.includes(a.slice(0, 2)) && /^0{36}$/.test(a.slice(2, 38)) && tail !== '00') return true;
  if (a === '0'.repeat(36) + '0100') return true;
  return /^ff0{22}/.test(a);
}

/** Precompiles that mean the same on both sides. */
export function isCommonPrecompile(address) {
  const n = BigInt(address);
  return n >= 1n && n <= 9n;
}

const EXECUTED = {
  GAS: 'GAS shows another kind of gas',
  GASLIMIT: 'GASLIMIT is a constant',
  GASPRICE: 'GASPRICE: fees are another network\'s',
  BASEFEE: 'BASEFEE: fees are another network\'s',
  COINBASE: 'COINBASE is 0',
  PREVRANDAO: 'PREVRANDAO is a beacon\'s',
  DIFFICULTY: 'PREVRANDAO is a beacon\'s',
  BLOCKHASH: 'BLOCKHASH is of a tipset CID',
  CALLCODE: 'CALLCODE is not there',
  BLOBHASH: 'BLOBHASH is not there',
  BLOBBASEFEE: 'BLOBBASEFEE is not there',
  SELFDESTRUCT: 'SELFDESTRUCT as before Cancun, at the end of the transaction',
};

// a block's limit, less what CBOR puts around the bytes
const BLOCK_MAX = (1n << 20n) - 16n;

// A round of BLAKE2b is 112 additions, exclusive ors and rotations at least; an instruction of wasm costs 4 gas, and a
// block has 10^10.
const BLAKE2F_ROUNDS_MAX = 1e10 / 4 / 112;

const CALLS = new Set(['CALL', 'STATICCALL', 'DELEGATECALL', 'CALLCODE']);
const hex = (n) => '0x' + (n & ((1n << 160n) - 1n)).toString(16).padStart(40, '0');

// The opcodes that onStep looks at, and SSTORE for the tracer.
const LOOKED_AT = new Uint8Array(256);
for (const byte of [0x1e, 0x31, 0x3a, 0x3b, 0x3c, 0x3f, 0x40, 0x41, 0x44, 0x45, 0x48, 0x49, 0x4a, 0x55, 0x5a, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xf1, 0xf2, 0xf3, 0xf4, 0xfa, 0xfd, 0xff]) LOOKED_AT[byte] = 1;
export const isLookedAt = (byte) => LOOKED_AT[byte] === 1;

/** A frame begins. Returns whether what it does is too long to be waited for. */
export function onMessage(found, { depth, to, data }) {
  if (depth > 300) found.add('calls deeper than 1024 actors, as creations count for three');
  const blake2f = to !== undefined && BigInt(to.toString()) === 9n && data.length === 213;
  if (!blake2f || new DataView(data.buffer, data.byteOffset).getUint32(0) <= BLAKE2F_ROUNDS_MAX) return false;
  found.add('more rounds of BLAKE2f than the gas of a block could pay');
  return true;
}

/** One step: opcode name and byte, stack (top last), and who pays for the gas. */
export function onStep(found, step, payers) {
  const { name, byte, stack } = step;
  const top = (i) => stack[stack.length - 1 - i] ?? 0n;
  if (byte === 0x1e) found.add('CLZ is there already (FIP-0114)');
  if (EXECUTED[name]) found.add(EXECUTED[name]);
  if (CALLS.has(name)) {
    const to = hex(top(1));
    if (isSpecial(to) && !isCommonPrecompile(to)) found.add('a call to an address that FEVM reserves');
    if (name === 'CALL' && top(2) >= 1n << 128n) found.add('value over 128 bits');
  }
  if (name === 'BALANCE' && payers.has(hex(top(0)))) found.add('BALANCE of who pays or gets the fees');
  if (['BALANCE', 'EXTCODESIZE', 'EXTCODEHASH', 'EXTCODECOPY'].includes(name) && isSpecial(hex(top(0))))
    found.add(`${name} of a reserved address`);
  if ((name === 'RETURN' || name === 'REVERT') && top(1) > BLOCK_MAX) found.add('more than a block of data');
  if (CALLS.has(name) && top(name === 'CALL' || name === 'CALLCODE' ? 4 : 3) > BLOCK_MAX) found.add('more than a block of data');
  if (name.startsWith('LOG') && top(1) > 8192n - 32n * BigInt(name.slice(3))) found.add('an event over 8192 bytes');
}

/** How a frame ended: ethereumjs's error. */
export function onFrameEnd(found, error) {
  if (error === 'out of gas') found.add('a frame runs out of gas');
  if (error === 'code store out of gas') found.add('a frame runs out of gas');
  if (error === 'initcode exceeds max initcode size') found.add('the limit of initcode (EIP-3860) is not there');
}

/** What the test itself asks for. */
export function onTest(found, { tx, pre, data }) {
  if (tx.to === '' && data === '0x') found.add('a creation without initcode (no params)');
  if (tx.blobVersionedHashes !== undefined || tx.maxFeePerBlobGas !== undefined) found.add('a blob transaction');
  if (tx.authorizationList !== undefined) found.add('a set-code transaction');
  if (tx.to !== '' && isSpecial(tx.to)) found.add('a transaction to a reserved address');
  for (const [address, account] of Object.entries(pre)) {
    if (account.code !== '0x' && BigInt(account.nonce) >= (1n << 64n) - 2n) found.add('the nonce of a contract at its end aborts it');
    if (isSpecial(address) && account.code !== '0x') found.add('code at a reserved address');
  }
}
