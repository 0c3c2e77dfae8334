import { MaxUint256, Signature, SigningKey, TypedDataEncoder, ZeroAddress, id } from 'ethers';
import { CHAIN_ID, panic } from '../world.mjs';

function permit(token, owner, spender, value, nonce, deadline, chainId = CHAIN_ID) {
  const types = { Permit: [['owner', 'address'], ['spender', 'address'], ['value', 'uint256'], ['nonce', 'uint256'], ['deadline', 'uint256']].map(([name, type]) => ({ name, type })) };
  const domain = { name: 'Token', version: '1', chainId, verifyingContract: token.address };
  const hash = TypedDataEncoder.hash(domain, types, { owner: owner.address, spender: spender.address, value, nonce, deadline });
  return { hash, signature: Signature.from(new SigningKey(owner.secret).sign(hash)) };
}

export const scenarios = {
  async transfers(w) {
    const { alice, bob, carol } = w;
    const t = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    await w.send(t, 'name', [], { returns: ['Token'] });
    await w.send(t, 'decimals', [], { returns: [18] });
    await w.send(t, 'totalSupply', [], { returns: [1000n] });
    await w.send(t, 'transfer', [bob, 300n], { returns: [true], logs: [[t, 'Transfer', [alice, bob, 300n]]] });
    await w.send(t, 'transfer', [bob, 0n], { returns: [true], logs: [[t, 'Transfer', [alice, bob, 0n]]] });
    await w.send(t, 'transfer', [alice, 5n], { returns: [true], logs: [[t, 'Transfer', [alice, alice, 5n]]] });
    await w.send(t, 'transfer', [carol, 301n], { from: bob, reverts: 'ERC20InsufficientBalance', args: [bob, 300n, 301n] });
    await w.send(t, 'transfer', [ZeroAddress, 1n], { reverts: 'ERC20InvalidReceiver', args: [ZeroAddress] });
    await w.send(t, 'approve', [carol, 100n], { from: bob, returns: [true], logs: [[t, 'Approval', [bob, carol, 100n]]] });
    await w.send(t, 'transferFrom', [bob, carol, 60n], { from: carol, returns: [true], logs: [[t, 'Transfer', [bob, carol, 60n]]] });
    await w.send(t, 'allowance', [bob, carol], { returns: [40n] });
    await w.send(t, 'transferFrom', [bob, carol, 41n], { from: carol, reverts: 'ERC20InsufficientAllowance', args: [carol, 40n, 41n] });
    await w.send(t, 'approve', [alice, MaxUint256], { from: bob, returns: [true] });
    await w.send(t, 'transferFrom', [bob, alice, 240n], { returns: [true] });
    await w.send(t, 'allowance', [bob, alice], { returns: [MaxUint256] });
    await w.send(t, 'burn', [40n], { from: carol, logs: [[t, 'Transfer', [carol, ZeroAddress, 40n]]] });
    await w.send(t, 'burn', [21n], { from: carol, reverts: 'ERC20InsufficientBalance', args: [carol, 20n, 21n] });
    await w.send(t, 'totalSupply', [], { returns: [960n] });
    await w.send(t, 'balanceOf', [alice], { returns: [940n] });
    await w.send(t, 'mint', [bob, 1n], { from: bob, reverts: 'OwnableUnauthorizedAccount', args: [bob] });
    await w.send(t, 'mint', [bob, MaxUint256], { reverts: panic(0x11) });
    await w.send(t, 'mint', [bob, MaxUint256 - 960n], { logs: [[t, 'Transfer', [ZeroAddress, bob, MaxUint256 - 960n]]] });
    await w.send(t, 'transfer', [alice, 1n], { value: 1n, reverts: '0x', why: 'a function that takes no money' });
    await w.raw(t, '0x12345678', { reverts: '0x', why: 'a function that is not there' });
    await w.raw(t, '0xa9059cbb', { reverts: '0x', why: 'arguments missing' });
    await w.raw(t, t.data('transfer', [alice, 1n]).replace('a9059cbb' + '0'.repeat(24), 'a9059cbb' + 'f'.repeat(24)), { reverts: '0x', why: 'an address with dirty bits' });
  },

  async paused(w) {
    const { alice, bob } = w;
    const t = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    await w.send(t, 'pause', [], { from: bob, reverts: 'OwnableUnauthorizedAccount', args: [bob] });
    await w.send(t, 'pause', [], { logs: [[t, 'Paused', [alice]]] });
    await w.send(t, 'transfer', [bob, 1n], { reverts: 'EnforcedPause' });
    await w.send(t, 'pause', [], { reverts: 'EnforcedPause' });
    await w.send(t, 'unpause', [], { logs: [[t, 'Unpaused', [alice]]] });
    await w.send(t, 'transfer', [bob, 1n], { returns: [true] });
    await w.send(t, 'transferOwnership', [bob], { logs: [[t, 'OwnershipTransferred', [alice, bob]]] });
    await w.send(t, 'mint', [bob, 1n], { reverts: 'OwnableUnauthorizedAccount', args: [alice] });
    await w.send(t, 'renounceOwnership', [], { from: bob, logs: [[t, 'OwnershipTransferred', [bob, ZeroAddress]]] });
  },

  async 'signed permits'(w) {
    const { alice, bob } = w;
    const t = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    const late = w.time + 100n;
    await w.send(t, 'DOMAIN_SEPARATOR', [], { returns: [TypedDataEncoder.hashDomain({ name: 'Token', version: '1', chainId: CHAIN_ID, verifyingContract: t.address })] });
    const { signature: s } = permit(t, alice, bob, 70n, 0n, late);
    await w.send(t, 'permit', [alice, bob, 70n, late, s.v, s.r, s.s], { from: bob, logs: [[t, 'Approval', [alice, bob, 70n]]] });
    await w.send(t, 'nonces', [alice], { returns: [1n] });
    await w.send(t, 'transferFrom', [alice, bob, 70n], { from: bob, returns: [true] });
    await w.send(t, 'permit', [alice, bob, 70n, late, s.v, s.r, s.s], { from: bob, reverts: true, why: 'the same permit again' });
    const other = permit(t, alice, bob, 1n, 1n, late, 1);
    await w.send(t, 'permit', [alice, bob, 1n, late, other.signature.v, other.signature.r, other.signature.s], { reverts: true, why: "another chain's permit" });
    const forged = permit(t, bob, bob, 5n, 1n, late);
    await w.send(t, 'permit', [alice, bob, 5n, late, forged.signature.v, forged.signature.r, forged.signature.s], { reverts: true, why: 'by the wrong one' });
    await w.send(t, 'permit', [alice, bob, 1n, late, 26, s.r, s.s], { reverts: id('ECDSAInvalidSignature()').slice(0, 10) });
    const n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141n;
    const high = '0x' + (n - BigInt(s.s)).toString(16).padStart(64, '0');
    await w.send(t, 'permit', [alice, bob, 1n, late, s.v ^ 7, s.r, high], { reverts: id('ECDSAInvalidSignatureS(bytes32)').slice(0, 10) + high.slice(2) });
    w.later(200);
    await w.send(t, 'permit', [alice, bob, 1n, late, s.v, s.r, s.s], { reverts: 'ERC2612ExpiredSignature', args: [late] });
  },

  async votes(w) {
    const { alice, bob, carol } = w;
    const t = await w.deploy('VotesToken');
    await w.send(t, 'getVotes', [alice], { returns: [0n] });
    await w.send(t, 'delegate', [alice], { logs: [[t, 'DelegateChanged', [alice, ZeroAddress, alice]], [t, 'DelegateVotesChanged', [alice, 0n, 1000n]]] });
    const first = w.number;
    w.later(30);
    await w.send(t, 'transfer', [bob, 400n], { returns: [true] });
    await w.send(t, 'delegate', [carol], { from: bob });
    w.later(30);
    await w.send(t, 'getVotes', [carol], { returns: [400n] });
    await w.send(t, 'getPastVotes', [alice, first], { returns: [1000n] });
    await w.send(t, 'getPastVotes', [alice, first + 1n], { returns: [600n] });
    await w.send(t, 'getPastTotalSupply', [first], { returns: [1000n] });
    await w.send(t, 'getPastVotes', [alice, w.number], { reverts: 'ERC5805FutureLookup', args: [w.number, w.number] });
  },

  async vault(w) {
    const { alice, bob } = w;
    const t = await w.deploy('Token20', ['Token', 'TOK', 10000n]);
    const v = await w.deploy('Vault', [t]);
    await w.send(t, 'approve', [v, 5000n]);
    await w.send(v, 'deposit', [1000n, alice], { returns: [1000000n], logs: [[t, 'Transfer', [alice, v, 1000n]], [v, 'Transfer', [ZeroAddress, alice, 1000000n]], [v, 'Deposit', [alice, alice, 1000n, 1000000n]]] });
    await w.send(t, 'transfer', [v, 500n], { why: 'a gift to all' });
    await w.send(v, 'convertToAssets', [1000000n], { returns: [1499n] });
    await w.send(v, 'redeem', [500000n, bob, alice], { returns: [749n] });
    await w.send(v, 'redeem', [1n, bob, alice], { from: bob, reverts: 'ERC20InsufficientAllowance', args: [bob, 0n, 1n] });
    await w.send(v, 'withdraw', [5000n, bob, alice], { reverts: 'ERC4626ExceededMaxWithdraw' , args: [alice, 5000n, 750n]});
    await w.send(v, 'mint', [1000n, bob], { returns: [2n] });
  },

  async 'odd tokens'(w) {
    const { bob } = w;
    const t = await w.deploy('OddToken');
    const payer = await w.deploy('Payer');
    await w.send(t, 'transfer', [payer, 100n]);
    await w.send(payer, 'pay', [t, bob, 40n], { returns: '0x' });
    await w.send(t, 'setQuiet', [true]);
    await w.send(payer, 'pay', [t, bob, 10n], { reverts: 'SafeERC20FailedOperation', args: [t] });
    await w.send(payer, 'pay', [bob, bob, 10n], { reverts: true, why: 'a token without code' });
    await w.send(t, 'setQuiet', [false]);
    await w.send(payer, 'pay', [t, bob, 61n], { reverts: panic(0x11) });
  },
};
