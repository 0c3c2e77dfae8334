import { MaxUint256, ZeroAddress, getCreate2Address, keccak256, solidityPacked } from 'ethers';
import { panic } from '../world.mjs';

const e18 = 10n ** 18n;
const sqrt = (n) => { let x = n, y = (n + 1n) / 2n; while (y < x) [x, y] = [y, (y + n / y) / 2n]; return x; };
const out = (amount, rIn, rOut) => (amount * 997n * rOut) / (rIn * 1000n + amount * 997n);

/** Two tokens in the pair's order, the factory, its pair with 4:1 in it. */
async function market(w, { liquidity = true } = {}) {
  const tokens = [await w.deploy('Token20', ['A', 'A', 10n ** 24n]), await w.deploy('Token20', ['B', 'B', 10n ** 24n])];
  const [a, b] = tokens.sort((x, y) => (x.address < y.address ? -1 : 1));
  const f = await w.deploy('UniswapV2Factory', [w.alice]);
  const salt = keccak256(solidityPacked(['address', 'address'], [a.address, b.address]));
  const p = w.at('UniswapV2Pair', getCreate2Address(f.address, salt, keccak256(w.contracts.UniswapV2Pair.code)));
  await w.send(f, 'createPair', [b, a], { returns: [p], logs: [[f, 'PairCreated', [a, b, p, 1n]]] });
  if (liquidity) {
    await w.send(a, 'transfer', [p, 4n * e18]);
    await w.send(b, 'transfer', [p, e18]);
    await w.send(p, 'mint', [w.alice], {
      returns: [2n * e18 - 1000n],
      logs: [[p, 'Transfer', [ZeroAddress, ZeroAddress, 1000n]], [p, 'Transfer', [ZeroAddress, w.alice, 2n * e18 - 1000n]],
        [p, 'Sync', [4n * e18, e18]], [p, 'Mint', [w.alice, 4n * e18, e18]]],
    });
  }
  return { a, b, f, p };
}

export const scenarios = {
  async pair(w) {
    const { alice, bob } = w;
    const { a, b, f, p } = await market(w);
    await w.send(f, 'createPair', [a, b], { reverts: 'Error', args: ['UniswapV2: PAIR_EXISTS'], errors: w.contracts.Failing.iface });
    await w.send(f, 'createPair', [a, a], { reverts: true });
    await w.send(f, 'createPair', [a, ZeroAddress], { reverts: true });
    await w.send(f, 'getPair', [b, a], { returns: [p] });
    await w.send(p, 'initialize', [a, b], { reverts: true, why: 'not the factory' });
    await w.send(p, 'getReserves', [], { returns: [4n * e18, e18, w.time % 2n ** 32n] });
    await w.send(p, 'totalSupply', [], { returns: [2n * e18] });
    const amountOut = out(e18 / 10n, 4n * e18, e18);
    await w.send(a, 'transfer', [p, e18 / 10n]);
    await w.send(p, 'swap', [0n, amountOut + 1n, bob, '0x'], { reverts: 'Error', args: ['UniswapV2: K'], errors: w.contracts.Failing.iface });
    await w.send(p, 'swap', [0n, amountOut, bob, '0x'], {
      logs: [[b, 'Transfer', [p, bob, amountOut]], [p, 'Sync', [4n * e18 + e18 / 10n, e18 - amountOut]], [p, 'Swap', [alice, e18 / 10n, 0n, 0n, amountOut, bob]]],
    });
    await w.send(p, 'swap', [0n, 0n, bob, '0x'], { reverts: true });
    await w.send(p, 'swap', [0n, e18, bob, '0x'], { reverts: true, why: 'more than the reserve' });
    await w.send(p, 'swap', [1n, 0n, a, '0x'], { reverts: true, why: 'to a token' });
    await w.send(p, 'swap', [1n, 0n, bob, '0x'], { reverts: true, why: 'nothing paid' });
    await w.send(b, 'balanceOf', [bob], { returns: [amountOut] });
    await w.send(p, 'mint', [bob], { reverts: true, why: 'nothing put in' });
    await w.send(p, 'burn', [bob], { reverts: true, why: 'nothing put in' });
    const [r0, r1] = [4n * e18 + e18 / 10n, e18 - amountOut];
    const back = e18;
    await w.send(p, 'transfer', [p, back]);
    await w.send(p, 'burn', [bob], { returns: [(back * r0) / (2n * e18), (back * r1) / (2n * e18)] });
    await w.send(p, 'totalSupply', [], { returns: [e18] });
  },

  async 'skim, sync and prices'(w) {
    const { bob } = w;
    const { a, b, p } = await market(w);
    await w.send(a, 'transfer', [p, 77n]);
    await w.send(b, 'transfer', [p, 33n]);
    await w.send(p, 'skim', [bob], { logs: [[a, 'Transfer', [p, bob, 77n]], [b, 'Transfer', [p, bob, 33n]]] });
    await w.send(a, 'transfer', [p, 4n * e18]);
    w.later(60);
    await w.send(p, 'sync', [], { logs: [[p, 'Sync', [8n * e18, e18]]] });
    const q112 = 2n ** 112n;
    await w.send(p, 'price0CumulativeLast', [], { returns: [((e18 * q112) / (4n * e18)) * 60n] });
    w.later(30);
    await w.send(p, 'sync', []);
    await w.send(p, 'price0CumulativeLast', [], { returns: [((e18 * q112) / (4n * e18)) * 60n + ((e18 * q112) / (8n * e18)) * 30n] });
    await w.send(p, 'price1CumulativeLast', [], { returns: [4n * q112 * 60n + 8n * q112 * 30n] });
    await w.send(p, 'getReserves', [], { returns: [8n * e18, e18, w.time % 2n ** 32n] });
  },

  async 'the fee for the house'(w) {
    const { alice, bob, carol } = w;
    const { a, b, f, p } = await market(w, { liquidity: false });
    await w.send(f, 'setFeeTo', [carol], { from: bob, reverts: true });
    await w.send(f, 'setFeeTo', [carol]);
    await w.send(a, 'transfer', [p, 100n * e18]);
    await w.send(b, 'transfer', [p, 100n * e18]);
    await w.send(p, 'mint', [alice]);
    await w.send(p, 'kLast', [], { returns: [10000n * e18 * e18] });
    const got = out(10n * e18, 100n * e18, 100n * e18);
    await w.send(a, 'transfer', [p, 10n * e18]);
    await w.send(p, 'swap', [0n, got, bob, '0x']);
    const [rootK, rootKLast] = [sqrt(110n * e18 * (100n * e18 - got)), 100n * e18];
    const fee = (100n * e18 * (rootK - rootKLast)) / (rootK * 5n + rootKLast);
    await w.send(p, 'transfer', [p, e18]);
    await w.send(p, 'burn', [alice]);
    await w.send(p, 'balanceOf', [carol], { returns: [fee] });
    await w.send(f, 'setFeeTo', [ZeroAddress]);
    await w.send(p, 'transfer', [p, e18]);
    await w.send(p, 'burn', [alice]);
    await w.send(p, 'kLast', [], { returns: [0n] });
    await w.send(f, 'setFeeToSetter', [bob]);
    await w.send(f, 'setFeeTo', [alice], { reverts: true });
  },

  async router(w) {
    const { alice, bob } = w;
    const a = await w.deploy('Token20', ['A', 'A', 10n ** 24n]);
    const wfil = await w.deploy('Wrapped');
    const f = await w.deploy('UniswapV2Factory', [alice]);
    const r = await w.deploy('Router', [f]);
    const b = await w.deploy('Token20', ['B', 'B', 10n ** 24n]);
    const never = w.time + 10n ** 6n;
    await w.raw(wfil, '0x', { value: 50n * e18, logs: [[wfil, 'Deposit', [alice, 50n * e18]]] });
    for (const t of [a, b, wfil]) await w.send(t, 'approve', [r, MaxUint256]);
    await w.send(r, 'addLiquidity', [a, wfil, 100n * e18, 10n * e18, never], { returns: [sqrt(1000n * e18 * e18) - 1000n] });
    await w.send(r, 'addLiquidity', [wfil, b, 10n * e18, 300n * e18, never], { returns: [sqrt(3000n * e18 * e18) - 1000n] });
    await w.send(r, 'addLiquidity', [wfil, b, e18, 30n * e18, w.time - 1n], { reverts: 'Late', args: [w.time, w.time - 1n] });
    const one = out(5n * e18, 100n * e18, 10n * e18);
    const two = out(one, 10n * e18, 300n * e18);
    await w.send(r, 'swap', [[a, wfil, b], 5n * e18, two + 1n, never], { reverts: 'TooLittle', args: [two, two + 1n] });
    await w.send(r, 'swap', [[a, wfil, b], 5n * e18, two, never], { returns: [two] });
    await w.send(r, 'swap', [[a, wfil], e18, 0n, never], { from: bob, reverts: 'ERC20InsufficientAllowance', args: [r, 0n, e18], errors: a.iface });
    const had = 10n * e18 - one;
    const three = out(e18, 105n * e18, had);
    await w.send(r, 'swap', [[a, wfil], e18, 0n, never], { returns: [three] });
    await w.send(wfil, 'withdraw', [e18], { logs: [[wfil, 'Withdrawal', [alice, e18]]] });
    await w.send(wfil, 'withdraw', [1000n * e18], { reverts: panic(0x11) });
    const pair = w.at('UniswapV2Pair', '0x' + (await w.send(f, 'getPair', [a, wfil])).slice(26));
    await w.send(pair, 'approve', [r, MaxUint256]);
    await w.send(r, 'removeLiquidity', [a, wfil, e18]);
    await w.send(pair, 'factory', [], { returns: [f] });
    await w.send(f, 'allPairsLength', [], { returns: [2n] });
  },

  async 'flash swaps'(w) {
    const { a, b, p } = await market(w);
    const flash = await w.deploy('Flash');
    await w.send(a, 'transfer', [flash, e18]);
    await w.send(flash, 'borrow', [p, e18, 0n, a, e18], { reverts: 'Error', args: ['UniswapV2: K'], errors: w.contracts.Failing.iface });
    const owed = (e18 * 1000n) / 997n + 1n;
    await w.send(flash, 'borrow', [p, e18, 0n, a, owed], {
      logs: [[a, 'Transfer', [p, flash, e18]], [flash, 'Borrowed', [flash, e18, 0n]], [a, 'Transfer', [flash, p, owed]], [p, 'Sync', [4n * e18 - e18 + owed, e18]], [p, 'Swap', [flash, owed, 0n, e18, 0n, flash]]],
    });
    await w.send(flash, 'reenter', [p, e18], { reverts: 'Error', args: ['UniswapV2: LOCKED'], errors: w.contracts.Failing.iface });
    await w.send(b, 'balanceOf', [p], { returns: [e18] });
  },
};
