import { readFileSync } from 'node:fs';
import { Interface, id } from 'ethers';
import { abi, errorText, panic } from '../world.mjs';

// the bytecode that is on the chains, as viem carries it
const source = readFileSync(new URL('../node_modules/viem/_esm/constants/contracts.js', import.meta.url), 'utf8');
const code = /multicall3Bytecode = '(0x[0-9a-f]+)'/.exec(source)[1];
const multicall3 = {
  name: 'Multicall3', code,
  iface: new Interface([
    'function aggregate((address target, bytes data)[] calls) payable returns (uint256 block, bytes[] data)',
    'function tryAggregate(bool all, (address target, bytes data)[] calls) payable returns ((bool ok, bytes data)[])',
    'function blockAndAggregate((address target, bytes data)[] calls) payable returns (uint256 block, bytes32 hash, (bool ok, bytes data)[])',
    'function aggregate3((address target, bool mayFail, bytes data)[] calls) payable returns ((bool ok, bytes data)[])',
    'function aggregate3Value((address target, bool mayFail, uint256 value, bytes data)[] calls) payable returns ((bool ok, bytes data)[])',
    'function getEthBalance(address) view returns (uint256)',
    'function getChainId() view returns (uint256)',
    'function getBlockNumber() view returns (uint256)',
    'function getCurrentBlockTimestamp() view returns (uint256)',
    'function getCurrentBlockGasLimit() view returns (uint256)',
    'function getCurrentBlockCoinbase() view returns (address)',
    'function getBlockHash(uint256) view returns (bytes32)',
    'function getBasefee() view returns (uint256)',
  ]),
};

export const scenarios = {
  async 'Multicall3 as on all chains'(w) {
    const { alice, bob } = w;
    const m = await w.deploy(multicall3);
    const t = await w.deploy('Token20', ['Token', 'TOK', 1000n]);
    const f = await w.deploy('Failing', [false, '']);
    const bal = (who) => t.data('balanceOf', [who]);
    const uint = (n) => abi(['uint256'], [n]);
    await w.send(t, 'transfer', [m, 100n]);
    await w.send(m, 'aggregate', [[[t, bal(alice)], [t, bal(m)]]], { returns: [w.number, [uint(900n), uint(100n)]] });
    await w.send(m, 'aggregate', [[[t, bal(alice)], [f, f.data('plain')]]], { reverts: errorText('Multicall3: call failed') });
    await w.send(m, 'tryAggregate', [false, [[t, bal(m)], [f, f.data('plain')], [f, f.data('p01', [1n])]]], {
      returns: [[[true, uint(100n)], [false, f.error('Plain')], [false, panic(1)]]],
    });
    await w.send(m, 'tryAggregate', [true, [[f, f.data('plain')]]], { reverts: errorText('Multicall3: call failed') });
    await w.send(m, 'aggregate3', [[[t, false, t.data('transfer', [bob, 60n])], [t, true, t.data('transfer', [bob, 60n])], [t, false, bal(bob)]]], {
      returns: [[[true, uint(1n)], [false, t.error('ERC20InsufficientBalance', [m, 40n, 60n])], [true, uint(60n)]]],
      logs: [[t, 'Transfer', [m, bob, 60n]]],
    });
    await w.send(m, 'aggregate3', [[[t, false, t.data('transfer', [bob, 60n])]]], { reverts: errorText('Multicall3: call failed') });
    await w.send(m, 'aggregate3Value', [[[f, false, 7n, f.data('pay')], [f, true, 2n, f.data('plain')], [bob, false, 1n, '0x']]], {
      value: 10n, returns: [[[true, '0x'], [false, '0x'], [true, '0x']]],
    });
    await w.send(m, 'aggregate3Value', [[[f, false, 7n, f.data('pay')]]], { value: 9n, reverts: errorText('Multicall3: value mismatch') });
    await w.send(m, 'getEthBalance', [f], { returns: [7n] });
    await w.send(m, 'getChainId', [], { returns: [31415926n] });
    await w.send(m, 'getBlockNumber', [], { returns: [w.number] });
    await w.send(m, 'getCurrentBlockTimestamp', [], { returns: [w.time] });
    await w.send(m, 'getBasefee', [], { returns: [0n] });
    await w.send(m, 'getCurrentBlockCoinbase', [], { returns: ['0x' + '0'.repeat(40)] });
    await w.send(m, 'getCurrentBlockGasLimit', [], { fevm: { returns: [10n ** 10n] } });
    await w.send(m, 'getBlockHash', [w.number], { returns: ['0x' + '0'.repeat(64)] });
    await w.send(m, 'aggregate3', [[]], { returns: [[]] });
    const many = Array.from({ length: 60 }, (_, i) => [t, false, bal(i % 2 ? alice : bob)]);
    await w.send(m, 'aggregate3', [many], { returns: [many.map((_, i) => [true, uint(i % 2 ? 900n : 60n)])] });
  },

  async "OpenZeppelin's Multicall"(w) {
    const { alice, bob } = w;
    const s = await w.deploy('Structures');
    await w.send(s, 'multicall', [[s.data('put', [1n, alice]), s.data('put', [2n, bob]), s.data('put', [1n, bob]), s.data('entries')]], {
      returns: [[abi(['bool'], [true]), abi(['bool'], [true]), abi(['bool'], [false]), abi(['uint256[]', 'address[]'], [[1n, 2n], [bob.address, bob.address]])]],
    });
    await w.send(s, 'multicall', [[s.data('put', [3n, alice]), s.data('pop', [true])]], { reverts: panic(0x31), why: 'all or nothing' });
    await w.send(s, 'entries', [], { returns: [[1n, 2n], [bob, bob]] });
    await w.send(s, 'multicall', [[id('none()').slice(0, 10)]], { reverts: true });
  },
};
