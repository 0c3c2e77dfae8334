import { ZeroAddress, ZeroHash, id } from 'ethers';

const [WRITER, KEEPER] = ['WRITER', 'KEEPER'].map((t) => id(t));

export const scenarios = {
  async roles(w) {
    const { alice, bob, carol, dave } = w;
    const v = await w.deploy('Vestry', [], { returns: undefined });
    const refused = (who, role) => ({ reverts: 'AccessControlUnauthorizedAccount', args: [who, role] });
    await w.send(v, 'hasRole', [ZeroHash, alice], { returns: [true] });
    await w.send(v, 'getRoleAdmin', [WRITER], { returns: [KEEPER] });
    await w.send(v, 'write', [1n], refused(alice, WRITER));
    await w.send(v, 'grantRole', [WRITER, bob], refused(alice, KEEPER));
    await w.send(v, 'grantRole', [KEEPER, carol], { logs: [[v, 'RoleGranted', [KEEPER, carol, alice]]] });
    await w.send(v, 'grantRole', [KEEPER, carol], { logs: [], why: 'granted already' });
    await w.send(v, 'grantRole', [WRITER, bob], { from: carol, logs: [[v, 'RoleGranted', [WRITER, bob, carol]]] });
    await w.send(v, 'write', [42n], { from: bob, logs: [[v, 'Written', [bob, 42n]]] });
    await w.send(v, 'value', [], { returns: [42n] });
    await w.send(v, 'getRoleMemberCount', [WRITER], { returns: [1n] });
    await w.send(v, 'getRoleMembers', [KEEPER], { returns: [[carol]] });
    await w.send(v, 'revokeRole', [KEEPER, carol], { from: dave, ...refused(dave, ZeroHash) });
    await w.send(v, 'revokeRole', [WRITER, bob], { from: carol, logs: [[v, 'RoleRevoked', [WRITER, bob, carol]]] });
    await w.send(v, 'revokeRole', [WRITER, bob], { from: carol, logs: [] });
    await w.send(v, 'write', [43n], { from: bob, ...refused(bob, WRITER) });
    await w.send(v, 'renounceRole', [KEEPER, carol], { from: dave, reverts: 'AccessControlBadConfirmation' });
    await w.send(v, 'renounceRole', [KEEPER, carol], { from: carol, logs: [[v, 'RoleRevoked', [KEEPER, carol, carol]]] });
    await w.send(v, 'getRoleMember', [KEEPER, 0n], { reverts: 'Panic', args: [0x32n] });
    await w.send(v, 'grantRole', [ZeroHash, bob]);
    await w.send(v, 'revokeRole', [ZeroHash, alice], { from: bob });
    await w.send(v, 'grantRole', [ZeroHash, alice], refused(alice, ZeroHash));
  },

  async 'a slow admin'(w) {
    const { alice, bob } = w;
    const a = await w.deploy('SlowAdmin');
    const day = 86400n;
    await w.send(a, 'grantRole', [ZeroHash, bob], { reverts: 'AccessControlEnforcedDefaultAdminRules' });
    await w.send(a, 'beginDefaultAdminTransfer', [bob], { logs: [[a, 'DefaultAdminTransferScheduled', [bob, w.time + day]]] });
    const ready = w.time + day;
    await w.send(a, 'acceptDefaultAdminTransfer', [], { reverts: 'AccessControlInvalidDefaultAdmin', args: [alice] });
    await w.send(a, 'acceptDefaultAdminTransfer', [], { from: bob, reverts: 'AccessControlEnforcedDefaultAdminDelay', args: [ready] });
    w.later(day + 1n, 2880n);
    await w.send(a, 'acceptDefaultAdminTransfer', [], { from: bob, logs: [[a, 'RoleRevoked', [ZeroHash, alice, bob]], [a, 'RoleGranted', [ZeroHash, bob, bob]]] });
    await w.send(a, 'owner', [], { returns: [bob] });
  },

  async 'two steps'(w) {
    const { alice, bob } = w;
    const o = await w.deploy('TwoSteps');
    await w.send(o, 'transferOwnership', [bob], { logs: [[o, 'OwnershipTransferStarted', [alice, bob]]] });
    await w.send(o, 'only', [], { returns: [7n] });
    await w.send(o, 'acceptOwnership', [], { reverts: 'OwnableUnauthorizedAccount', args: [alice] });
    await w.send(o, 'acceptOwnership', [], { from: bob, logs: [[o, 'OwnershipTransferred', [alice, bob]]] });
    await w.send(o, 'only', [], { reverts: 'OwnableUnauthorizedAccount', args: [alice] });
    await w.send(o, 'pendingOwner', [], { returns: [ZeroAddress] });
  },
};
