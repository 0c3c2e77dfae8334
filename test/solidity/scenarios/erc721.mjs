import { ZeroAddress } from 'ethers';

export const scenarios = {
  async deeds(w) {
    const { alice, bob, carol } = w;
    const t = await w.deploy('Token721');
    await w.send(t, 'mint', [alice, 7n, 'ipfs://seven'], { logs: [[t, 'Transfer', [ZeroAddress, alice, 7n]], [t, 'MetadataUpdate', [7n]]] });
    await w.send(t, 'mint', [alice, 8n, 'a name that is longer than thirty-one bytes, so that it has slots of its own']);
    await w.send(t, 'mint', [bob, 9n, '']);
    await w.send(t, 'mint', [bob, 9n, ''], { reverts: 'ERC721InvalidSender', args: [ZeroAddress] });
    await w.send(t, 'tokenURI', [8n], { returns: ['a name that is longer than thirty-one bytes, so that it has slots of its own'] });
    await w.send(t, 'tokenURI', [10n], { reverts: 'ERC721NonexistentToken', args: [10n] });
    await w.send(t, 'ownerOf', [9n], { returns: [bob] });
    await w.send(t, 'totalSupply', [], { returns: [3n] });
    await w.send(t, 'transferFrom', [alice, bob, 7n], { from: carol, reverts: 'ERC721InsufficientApproval', args: [carol, 7n] });
    await w.send(t, 'approve', [carol, 7n], { logs: [[t, 'Approval', [alice, carol, 7n]]] });
    await w.send(t, 'transferFrom', [alice, bob, 7n], { from: carol, logs: [[t, 'Transfer', [alice, bob, 7n]]] });
    await w.send(t, 'getApproved', [7n], { returns: [ZeroAddress] });
    await w.send(t, 'transferFrom', [alice, carol, 7n], { from: bob, reverts: 'ERC721IncorrectOwner', args: [alice, 7n, bob] });
    await w.send(t, 'setApprovalForAll', [carol, true], { from: bob, logs: [[t, 'ApprovalForAll', [bob, carol, true]]] });
    await w.send(t, 'safeTransferFrom(address,address,uint256)', [bob, carol, 9n], { from: carol });
    await w.send(t, 'tokenOfOwnerByIndex', [bob, 0n], { returns: [7n] });
    await w.send(t, 'tokenOfOwnerByIndex', [bob, 1n], { reverts: 'ERC721OutOfBoundsIndex', args: [bob, 1n] });
    await w.send(t, 'burn', [8n], { logs: [[t, 'Transfer', [alice, ZeroAddress, 8n]]] });
    await w.send(t, 'ownerOf', [8n], { reverts: 'ERC721NonexistentToken', args: [8n] });
    await w.send(t, 'tokenByIndex', [1n], { returns: [9n] });
    await w.send(t, 'supportsInterface', ['0x780e9d63'], { returns: [true] });
    await w.send(t, 'supportsInterface', ['0xffffffff'], { returns: [false] });
    await w.send(t, 'transferFrom', [bob, ZeroAddress, 7n], { from: bob, reverts: 'ERC721InvalidReceiver', args: [ZeroAddress] });
  },

  async receivers(w) {
    const { alice } = w;
    const t = await w.deploy('Token721');
    const taker = await w.deploy('Receiver');
    const none = await w.deploy('NoReceiver');
    const safe = 'safeTransferFrom(address,address,uint256,bytes)';
    await w.send(t, 'mint', [alice, 1n, 'x']);
    await w.send(t, safe, [alice, none, 1n, '0x'], { reverts: 'ERC721InvalidReceiver', args: [none] });
    await w.send(t, 'mint', [none, 2n, ''], { reverts: 'ERC721InvalidReceiver', args: [none] });
    await w.send(t, safe, [alice, taker, 1n, '0x0102'], { logs: [[t, 'Transfer', [alice, taker, 1n]], [taker, 'Got', [alice, alice, 1n, 1n, '0x0102']]] });
    await w.send(t, 'mint', [taker, 2n, '']);
    for (const [mood, expect] of [
      [1, { reverts: 'ERC721InvalidReceiver', args: [taker] }],
      [2, { reverts: 'Error', args: ['not today'] }],
      [3, { reverts: 'Panic', args: [1n] }],
      [4, { reverts: 'Refused', args: [3n], errors: taker.iface }],
    ]) {
      await w.send(taker, 'setMood', [mood]);
      await w.send(t, 'mint', [taker, 3n, ''], expect);
    }
    await w.send(taker, 'setMood', [5]);
    await w.send(t, 'mint', [taker, 4n, 'gone at once'], { why: 'burnt by its receiver while it is made' });
    await w.send(t, 'ownerOf', [4n], { reverts: 'ERC721NonexistentToken', args: [4n] });
  },
};
