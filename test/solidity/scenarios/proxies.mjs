import { ZeroAddress, concat, getCreate2Address, keccak256, id, zeroPadValue } from 'ethers';
import { panic } from '../world.mjs';

async function uups(w) {
  const one = await w.deploy('CounterV1');
  const proxy = await w.deploy('ERC1967Proxy', [one, one.data('initialize', [w.alice, 2n])], { logs: undefined });
  return { one, p: proxy.as(w.contracts.CounterV1), proxy };
}

export const scenarios = {
  async 'UUPS'(w) {
    const { alice, bob } = w;
    const { one, p, proxy } = await uups(w);
    await w.send(p, 'owner', [], { returns: [alice] });
    await w.send(one, 'initialize', [bob, 0n], { from: bob, reverts: 'InvalidInitialization', why: 'the implementation itself' });
    await w.send(p, 'initialize', [bob, 0n], { from: bob, reverts: 'InvalidInitialization' });
    await w.send(p, 'increment', [], { from: bob, returns: [3n], logs: [[p, 'Counted', [bob, 3n]]] });
    await w.send(one, 'count', [], { returns: [0n] });
    const two = await w.deploy('CounterV2');
    const none = await w.deploy('NoUpgrade');
    const odd = await w.deploy('OddUUID');
    await w.send(p, 'upgradeToAndCall', [two, '0x'], { from: bob, reverts: 'OwnableUnauthorizedAccount', args: [bob] });
    await w.send(one, 'upgradeToAndCall', [two, '0x'], { reverts: 'UUPSUnauthorizedCallContext' });
    await w.send(p, 'proxiableUUID', [], { reverts: 'UUPSUnauthorizedCallContext' });
    await w.send(p, 'upgradeToAndCall', [none, '0x'], { reverts: 'ERC1967InvalidImplementation', args: [none], errors: proxy.iface });
    await w.send(p, 'upgradeToAndCall', [bob, '0x'], { reverts: true, why: 'an implementation without code' });
    await w.send(p, 'upgradeToAndCall', [odd, '0x'], { reverts: 'UUPSUnsupportedProxiableUUID', args: [id('odd')] });
    const seen = p.as(w.contracts.CounterV2);
    await w.send(p, 'upgradeToAndCall', [two, two.data('setStep', [10n])], { logs: [[proxy, 'Upgraded', [two]], [seen, 'Initialized', [2n]]] });
    await w.send(p, 'version', [], { returns: ['two'] });
    await w.send(p, 'count', [], { returns: [3n], why: 'the state is kept' });
    await w.send(seen, 'increment', [], { returns: [13n] });
    await w.send(seen, 'setStep', [1n], { reverts: 'InvalidInitialization' });
    await w.send(p, 'upgradeToAndCall', [one, '0x'], { value: 1n, reverts: true, why: 'money without a call' });
    await w.send(p, 'upgradeToAndCall', [one, '0x']);
    await w.send(p, 'increment', [], { returns: [14n] });
    await w.raw(p, '0x', { value: 5n, reverts: '0x', why: 'money for a contract that takes none' });
  },

  async 'UUPS: custom errors and creation'(w) {
    const { alice, bob } = w;
    const { one, p } = await uups(w);
    await w.send(p, 'increment', [], { returns: [3n] });
    await w.send(p, 'increment', [], { returns: [4n] });
    await w.send(p, 'increment', [], { returns: [5n] });
    await w.send(p, 'increment', [], { reverts: 'TooMany', args: [5n] });
    await w.deploy('ERC1967Proxy', [one, '0x12345678'], { reverts: true });
    await w.deploy('ERC1967Proxy', [bob, '0x01'], { reverts: 'ERC1967InvalidImplementation', args: [bob] });
    await w.deploy('ERC1967Proxy', [one, '0x'], { reverts: 'ERC1967ProxyUninitialized' });
    await w.deploy('ERC1967Proxy', [one, '0x'], { value: 1n, reverts: true });
    await w.deploy('ERC1967Proxy', [one, one.data('initialize', [ZeroAddress, 0n])], { reverts: 'OwnableInvalidOwner', args: [ZeroAddress], errors: one.iface });
    await w.send(p, 'owner', [], { returns: [alice] });
  },

  async beacon(w) {
    const { alice, bob } = w;
    const box = await w.deploy('Box');
    const boxes = w.contracts.Box;
    await w.deploy('UpgradeableBeacon', [bob, alice], { reverts: 'BeaconInvalidImplementation', args: [bob] });
    const b = await w.deploy('UpgradeableBeacon', [box, alice]);
    const p1 = (await w.deploy('BeaconProxy', [b, '0x'])).as(boxes);
    const p2 = (await w.deploy('BeaconProxy', [b, box.data('set', [7n])], { value: 9n })).as(boxes);
    await w.send(p2, 'value', [], { returns: [7n] });
    await w.send(p1, 'set', [3n], { from: bob, value: 11n, returns: [3n] });
    await w.send(p1, 'owner', [], { returns: [bob] });
    await w.send(p2, 'owner', [], { returns: [alice] });
    const box2 = await w.deploy('BoxV2');
    await w.send(b, 'upgradeTo', [box2], { from: bob, reverts: 'OwnableUnauthorizedAccount', args: [bob] });
    await w.send(b, 'upgradeTo', [bob], { reverts: 'BeaconInvalidImplementation', args: [bob] });
    await w.send(b, 'upgradeTo', [box2], { logs: [[b, 'Upgraded', [box2]]] });
    await w.send(p1, 'version', [], { returns: [2n] });
    await w.send(p2, 'version', [], { returns: [2n] });
    await w.send(p1, 'value', [], { returns: [3n] });
    await w.send(p1, 'set', [4n], { returns: [8n] });
    await w.deploy('BeaconProxy', [box, '0x'], { reverts: true, why: 'not a beacon' });
  },

  async transparent(w) {
    const { alice, bob } = w;
    const box = await w.deploy('Box');
    const proxy = await w.deploy('TransparentUpgradeableProxy', [box, alice, box.data('set', [1n])]);
    const p = proxy.as(w.contracts.Box);
    const admin = w.at('ProxyAdmin', '0x' + (await import('ethers')).getCreateAddress({ from: proxy.address, nonce: 1 }).slice(2));
    await w.send(admin, 'owner', [], { returns: [alice] });
    await w.send(p, 'set', [5n], { returns: [5n] });
    const box2 = await w.deploy('BoxV2');
    await w.send(admin, 'upgradeAndCall', [proxy, box2, '0x'], { from: bob, reverts: 'OwnableUnauthorizedAccount', args: [bob] });
    await w.send(admin, 'upgradeAndCall', [proxy, box2, box2.data('set', [21n])], { value: 2n });
    await w.send(p, 'value', [], { returns: [42n] });
    await w.send(p.as(w.contracts.CounterV1), 'upgradeToAndCall', [box, '0x'], { reverts: true, why: 'only the admin may' });
  },

  async clones(w) {
    const box = await w.deploy('Box');
    const c = await w.deploy('Cloner');
    const boxes = w.contracts.Box;
    const salt = id('salt');
    const code = concat(['0x3d602d80600a3d3981f3363d3d373d3d3d363d73', box.address, '0x5af43d82803e903d91602b57fd5bf3']);
    const there = getCreate2Address(c.address, salt, keccak256(code));
    await w.send(c, 'predict', [box, salt], { returns: [there] });
    await w.send(c, 'cloneAt', [box, salt], { returns: [there], logs: [[c, 'Cloned', [there]]] });
    await w.send(c, 'cloneAt', [box, salt], { reverts: 'FailedDeployment', errors: w.contracts.Cloner.iface });
    const clone = w.at('Box', there);
    await w.send(clone, 'set', [99n], { returns: [99n], value: 1n });
    await w.send(box, 'value', [], { returns: [0n] });
    const other = w.at('Box', await w.send(c, 'clone', [box]).then((r) => '0x' + r.slice(26)));
    await w.send(other, 'value', [], { returns: [0n] });
    const withArgs = w.at('Box', await w.send(c, 'cloneWith', [box, '0x0badcafe'], { value: 6n }).then((r) => '0x' + r.slice(26)));
    await w.send(c, 'argsOf', [withArgs], { returns: ['0x0badcafe'] });
    await w.send(c, 'create2', [0n, salt, '0x'], { reverts: true, why: 'no code' });
    await w.send(c, 'create2', [5n, salt, '0x00'], { reverts: true, why: 'more than there is' });
    await w.send(c, 'create2', [0n, salt, '0xfe'], { reverts: true });
    await w.send(c, 'create2', [1n, zeroPadValue('0x01', 32), '0x600160005360016000f3'], { value: 1n, why: 'one byte of code' });
  },
};
