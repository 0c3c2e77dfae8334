import { ZeroAddress } from 'ethers';

export const scenarios = {
  async items(w) {
    const { alice, bob, carol } = w;
    const t = await w.deploy('Token1155');
    await w.send(t, 'mint', [alice, 1n, 100n, '0x'], { logs: [[t, 'TransferSingle', [alice, ZeroAddress, alice, 1n, 100n]]] });
    await w.send(t, 'mintBatch', [bob, [1n, 2n, 3n], [5n, 6n, 7n]], { logs: [[t, 'TransferBatch', [alice, ZeroAddress, bob, [1n, 2n, 3n], [5n, 6n, 7n]]]] });
    await w.send(t, 'mintBatch', [bob, [1n, 2n], [5n]], { reverts: 'ERC1155InvalidArrayLength', args: [2n, 1n] });
    await w.send(t, 'balanceOfBatch', [[alice, bob, bob, carol], [1n, 1n, 3n, 1n]], { returns: [[100n, 5n, 7n, 0n]] });
    await w.send(t, 'balanceOfBatch', [[alice], [1n, 1n]], { reverts: 'ERC1155InvalidArrayLength', args: [2n, 1n] });
    await w.send(t, 'totalSupply(uint256)', [1n], { returns: [105n] });
    await w.send(t, 'totalSupply()', [], { returns: [118n] });
    await w.send(t, 'exists', [4n], { returns: [false] });
    await w.send(t, 'safeBatchTransferFrom', [bob, carol, [3n, 1n], [7n, 2n], '0xabcd'], { from: bob, logs: [[t, 'TransferBatch', [bob, bob, carol, [3n, 1n], [7n, 2n]]]] });
    await w.send(t, 'safeBatchTransferFrom', [bob, carol, [1n, 3n], [1n, 1n], '0x'], { from: bob, reverts: 'ERC1155InsufficientBalance', args: [bob, 0n, 1n, 3n] });
    await w.send(t, 'safeTransferFrom', [alice, carol, 1n, 1n, '0x'], { from: carol, reverts: 'ERC1155MissingApprovalForAll', args: [carol, alice] });
    await w.send(t, 'setApprovalForAll', [carol, true], { logs: [[t, 'ApprovalForAll', [alice, carol, true]]] });
    await w.send(t, 'safeTransferFrom', [alice, carol, 1n, 1n, '0x'], { from: carol, logs: [[t, 'TransferSingle', [carol, alice, carol, 1n, 1n]]] });
    await w.send(t, 'burnBatch', [carol, [1n, 3n], [3n, 7n]], { from: carol });
    await w.send(t, 'exists', [3n], { returns: [false] });
    await w.send(t, 'safeTransferFrom', [alice, ZeroAddress, 1n, 1n, '0x'], { reverts: 'ERC1155InvalidReceiver', args: [ZeroAddress] });
    await w.send(t, 'uri', [5n], { returns: ['https://items.example/{id}.json'] });
  },

  async hooks(w) {
    const { alice } = w;
    const t = await w.deploy('Token1155');
    const taker = await w.deploy('Receiver');
    const none = await w.deploy('NoReceiver');
    await w.send(t, 'mintBatch', [alice, [1n, 2n], [50n, 60n]]);
    await w.send(t, 'safeTransferFrom', [alice, none, 1n, 1n, '0x'], { reverts: 'ERC1155InvalidReceiver', args: [none] });
    await w.send(t, 'safeBatchTransferFrom', [alice, none, [1n, 2n], [1n, 1n], '0x'], { reverts: 'ERC1155InvalidReceiver', args: [none] });
    await w.send(t, 'safeTransferFrom', [alice, taker, 1n, 4n, '0x77'], { logs: [[t, 'TransferSingle', [alice, alice, taker, 1n, 4n]], [taker, 'Got', [alice, alice, 1n, 4n, '0x77']]] });
    await w.send(t, 'safeBatchTransferFrom', [alice, taker, [2n, 1n], [3n, 2n], '0x'], {
      logs: [[t, 'TransferBatch', [alice, alice, taker, [2n, 1n], [3n, 2n]]], [taker, 'GotBatch', [alice, alice, [2n, 1n], [3n, 2n]]], [taker, 'Got', [alice, alice, 2n, 0n, '0x']]],
    });
    await w.send(t, 'safeBatchTransferFrom', [alice, taker, [2n], [3n], '0x'], { why: 'a batch of one is a single transfer' });
    await w.send(t, 'safeBatchTransferFrom', [alice, taker, [], [], '0x'], { why: 'an empty batch' });
    for (const [mood, expect] of [
      [1, { reverts: 'ERC1155InvalidReceiver', args: [taker] }],
      [2, { reverts: 'Error', args: ['not today'] }],
      [3, { reverts: 'Panic', args: [1n] }],
      [4, { reverts: 'Refused', args: [2n], errors: taker.iface }],
    ]) {
      await w.send(taker, 'setMood', [mood]);
      await w.send(t, 'safeBatchTransferFrom', [alice, taker, [2n, 1n], [3n, 2n], '0x'], expect);
    }
    await w.send(t, 'balanceOf', [taker, 1n], { returns: [6n] });
  },
};
