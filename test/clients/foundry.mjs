// foundry's forge and cast on the node. A contract on Filecoin can't be run by forge's own EVM before it is sent,
// as gas is another, so scripts are run with --skip-simulation, as Filecoin's documentation says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'node:test'
import { HDNodeWallet, Mnemonic, Wallet, formatEther, parseEther } from 'ethers'
import { CHAIN_ID, MNEMONIC, rpc, testNode } from './lib/node.mjs'

const node = await testNode()
const bin = (name) => join(process.env.FVM_PACKAGES, `@foundry-rs/${name}-linux-amd64/bin/${name}`)
const [alice, bob, carol] = Array.from({ length: 3 }, (_, i) =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`))

async function run(name, ...args) {
  const child = spawn(bin(name), args, { cwd: 'foundry', env: { ...process.env, ETH_RPC_URL: node.url }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text))
  const [code] = await once(child, 'close')
  return { code, out: out.trim(), err, all: `${name} ${args.join(' ')}\n${out}${err}` }
}
async function ok(name, ...args) {
  const done = await run(name, ...args)
  assert.equal(done.code, 0, done.all)
  return done.out
}
const forge = (...args) => ok('forge', ...args)
const cast = (...args) => ok('cast', ...args)
let counter

test('forge create deploys', async () => {
  const made = JSON.parse(await forge('create', 'src/Counter.sol:Counter', '--broadcast', '--private-key', alice.privateKey,
    '--json', '--constructor-args', '5'))
  assert.equal(made.deployer, alice.address)
  counter = made.deployedTo
  assert.equal(await cast('call', counter, 'number()(uint256)'), '5')
  assert.equal(await cast('call', counter, 'maker()(address)'), alice.address)
})

test('cast sends, calls and shows receipts and logs', async () => {
  const receipt = JSON.parse(await cast('send', counter, 'increase(uint256)', '7', '--private-key', bob.privateKey, '--json'))
  assert.equal(receipt.status, '0x1')
  assert.equal(await cast('call', counter, 'number()(uint256)'), '12')
  const again = JSON.parse(await cast('receipt', receipt.transactionHash, '--json'))
  assert.deepEqual(again.logs, receipt.logs)
  assert.equal(again.from, bob.address.toLowerCase())
  const logs = JSON.parse(await cast('logs', '--json', '--from-block', '0', '--address', counter, 'Increased(address indexed,uint256)', bob.address))
  assert.deepEqual(logs.map((l) => l.transactionHash), [receipt.transactionHash])
  const sent = JSON.parse(await cast('tx', receipt.transactionHash, '--json'))
  assert.equal(sent.to, counter.toLowerCase())
  assert.match(await cast('block', 'latest'), /number +\d+/)
  assert.equal(await cast('storage', counter, '0'), '0x' + 'c'.padStart(64, '0'))
})

test('cast tells of the network, balances, nonces and fees', async () => {
  assert.equal(await cast('chain-id'), String(CHAIN_ID))
  const to = Wallet.createRandom().address
  await cast('send', to, '--value', '1.25ether', '--private-key', carol.privateKey)
  assert.equal(await cast('balance', to), parseEther('1.25').toString())
  assert.equal(Number(await cast('balance', to, '--ether')), Number(formatEther(parseEther('1.25'))))
  assert.equal(await cast('nonce', carol.address), '1')
  assert.ok(BigInt(await cast('gas-price')) > 0n)
  assert.ok(BigInt(await cast('base-fee')) > 0n)
  assert.ok(BigInt(await cast('block-number')) > 0n)
  assert.ok(BigInt(await cast('estimate', counter, 'increase(uint256)', '1')) > 0n)
  assert.ok((await cast('code', counter)).length > 100)
  assert.equal(await cast('code', to), '0x')
  assert.match(await cast('client'), /./)
})

test('cast shows why a call reverts', async () => {
  const failed = await run('cast', 'call', counter, 'increase(uint256)', '101', '--from', alice.address)
  assert.notEqual(failed.code, 0)
  assert.match(failed.err, /TooMuch|0x[0-9a-f]*65/i, failed.all)
  const sent = await run('cast', 'send', counter, 'increase(uint256)', '101', '--private-key', bob.privateKey)
  assert.notEqual(sent.code, 0)
  assert.match(sent.err, /revert/i, sent.all)
})

test('cast uses the accounts of the node', async () => {
  const receipt = JSON.parse(await cast('send', counter, 'increase(uint256)', '1', '--unlocked', '--from', carol.address, '--json'))
  assert.equal(receipt.status, '0x1')
  assert.deepEqual((await rpc(node.url, 'eth_accounts')).length, 20)
})

test('cast sends in the name of a contract', async () => {
  const to = Wallet.createRandom().address
  await cast('rpc', 'anvil_impersonateAccount', counter)
  await cast('rpc', 'anvil_setBalance', counter, '0xde0b6b3a7640000')
  for (let i = 1; i <= 3; i++) {
    const receipt = JSON.parse(await cast('send', to, '--value', '5', '--unlocked', '--from', counter, '--json', '--timeout', '60'))
    assert.equal(receipt.status, '0x1')
    assert.equal(receipt.from, counter.toLowerCase())
    assert.equal(await cast('balance', to), String(5 * i))
  }
  await cast('rpc', 'anvil_stopImpersonatingAccount', counter)
})

test('forge script broadcasts what a script does', async () => {
  const start = Number(await cast('nonce', bob.address))
  const out = await forge('script', 'script/Deploy.s.sol:Deploy', '--rpc-url', node.url, '--broadcast', '--skip-simulation',
    '--private-key', bob.privateKey, '--gas-estimate-multiplier', '300', '--slow')
  assert.match(out, /ONCHAIN EXECUTION COMPLETE/, out)
  assert.equal(Number(await cast('nonce', bob.address)), start + 4)
  const [first, second] = [...out.matchAll(/Contract Address: (0x[0-9a-fA-F]{40})/g)].map((m) => m[1])
  const made = first ?? (await cast('compute-address', bob.address, '--nonce', String(start))).match(/0x[0-9a-fA-F]{40}/)[0]
  const also = second ?? (await cast('compute-address', bob.address, '--nonce', String(start + 1))).match(/0x[0-9a-fA-F]{40}/)[0]
  assert.equal(await cast('call', made, 'number()(uint256)'), '11')
  assert.equal(await cast('call', also, 'number()(uint256)'), '22')
})

test('cast reaches the development methods', async () => {
  const height = Number(await cast('block-number'))
  await cast('rpc', 'anvil_mine', '3')
  assert.equal(Number(await cast('block-number')), height + 3)
  await cast('rpc', 'anvil_setBalance', '0x00000000000000000000000000000000000a0a0a', '0x64')
  assert.equal(await cast('balance', '0x00000000000000000000000000000000000a0a0a'), '100')
})
