// What a node must survive: kill -9 at any instant under load, a second process, disks that are full or read-only,
// broken files, thousands of idle connections, clients that are slow, requests without end.
//   FVM_FAULTS_KILLS: how often it is killed (10; 200 by `make soak`)
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readSync, readdirSync, rmdirSync, statSync, truncateSync, writeSync,
} from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HDNodeWallet, Interface, JsonRpcProvider, ContractFactory, Mnemonic } from 'ethers'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, binary, post, rpc, startNode, temporaryFolder } from './lib/node.mjs'

const KILLS = Number(process.env.FVM_FAULTS_KILLS ?? 10)
const { Probe } = compile()
const seed = Number(process.env.FVM_FAULTS_SEED ?? Date.now() % 1e6)
console.log(`seed ${seed}`)
let state = seed
const random = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648)

const wallets = Array.from({ length: 4 }, (_, i) => HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`))
const face = new Interface(Probe.abi)

/** Sends from one account, one after the other, until the node is gone; notes what it acknowledged. */
async function pour(url, wallet, to, acknowledged, template) {
  try {
    for (let nonce = Number(await rpc(url, 'eth_getTransactionCount', [wallet.address, 'pending'])); ; nonce++) {
      const raw = await wallet.signTransaction({ ...template, nonce, to })
      const hash = await rpc(url, 'eth_sendRawTransaction', [raw])
      const receipt = await rpc(url, 'eth_getTransactionReceipt', [hash])
      if (receipt) acknowledged.set(hash, receipt)
    }
  } catch (error) {
    if (error.code !== undefined) throw error // the node's own error, not the connection's end
  }
}

const refusedAt = (url, method, params) => rpc(url, method, params).then(() => null, (error) => error)
const verify = (data) => spawnSync(binary, ['chain', 'verify', data], { encoding: 'utf8' })

test(`killed ${KILLS} times under load, the node keeps every block that it told of`, { timeout: 1_800_000 }, async () => {
  const data = temporaryFolder('kill')
  let node = await startNode({ data, quiet: true })
  after(() => node.stop('SIGKILL'))
  const provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
  const alice = wallets[0].connect(provider)
  const probe = await (await new ContractFactory(Probe.abi, Probe.bytecode, alice).deploy(0n)).waitForDeployment()
  const filled = await alice.populateTransaction({ to: probe.target, data: face.encodeFunctionData('count', [1n]) })
  const template = { type: 2, chainId: CHAIN_ID, data: filled.data, gasLimit: filled.gasLimit * 3n, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 200000n }
  provider.destroy()
  const acknowledged = new Map()
  let checked = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const pouring = Promise.all(wallets.map((w) => pour(node.url, w, probe.target, acknowledged, template)))
    pouring.catch(() => {})
    await sleep(50 + random() * 400)
    await node.stop('SIGKILL')
    await pouring
    node = await startNode({ data, quiet: true })
    const recent = [...acknowledged].slice(checked)
    for (const [hash, receipt] of recent) {
      assert.deepEqual(await rpc(node.url, 'eth_getTransactionReceipt', [hash]), receipt, `a receipt after kill ${kill + 1}`)
    }
    checked = acknowledged.size
  }
  assert.ok(acknowledged.size > KILLS, `${acknowledged.size} transactions in ${KILLS} rounds`)
  for (const [hash, receipt] of acknowledged) {
    assert.equal((await rpc(node.url, 'eth_getTransactionReceipt', [hash])).blockHash, receipt.blockHash)
  }
  await node.stop()
  const done = verify(data)
  assert.equal(done.status, 0, done.stdout + done.stderr)
})

test('a second process on the folder is told who has it', async () => {
  const data = temporaryFolder('second')
  const node = await startNode({ data })
  const error = await startNode({ data }).then((n) => n.stop().then(() => null), (e) => e)
  assert.ok(error, 'a second node started on the same folder')
  assert.equal(error.node.exit.signal, null)
  assert.notEqual(error.node.exit.code, 0)
  assert.match(error.node.output, new RegExp(String(node.pid)), error.node.output)
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
  await node.stop()
})

/** A small file system of its own; null where that is not allowed. */
function smallDisk(name, megabytes) {
  const folder = mkdtempSync(join(tmpdir(), `fvm-${name}-`))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status === 0
  after(() => {
    if (mounted) spawnSync('umount', ['-l', folder])
    rmdirSync(folder)
  })
  return mounted ? folder : null
}

async function fill(node, rounds) {
  const big = '0x' + 'ab'.repeat(30_000)
  for (let i = 0; i < rounds; i++) {
    await rpc(node.url, 'eth_sendTransaction', [{ from: wallets[0].address, to: wallets[1].address, value: '0x1', data: big }],
      AbortSignal.timeout(20_000))
  }
}

test('a full disk is an error of the call, and the chain opens again', { timeout: 300_000 }, async (t) => {
  const disk = smallDisk('full', 24)
  if (!disk) return t.skip('no file system can be mounted here')
  const data = join(disk, 'chain')
  const node = await startNode({ data })
  const error = await fill(node, 3000).then(() => null, (e) => e)
  assert.ok(error, 'the disk never was full')
  assert.equal(node.exit, undefined, `the node is gone: ${JSON.stringify(node.exit)}`)
  assert.equal((await fetch(`${node.url}/health/readyz`)).status, 503, 'it is not ready')
  assert.equal((await fetch(`${node.url}/health/livez`)).status, 200)
  assert.match(await (await fetch(`${node.url}/metrics`)).text(), /^fvm_seal_failures_total [1-9]/m)
  assert.match(node.output, /no block can be made error=/)
  const height = Number(await rpc(node.url, 'eth_blockNumber'))
  const block = await rpc(node.url, 'eth_getBlockByNumber', ['0x' + height.toString(16), false])
  await node.stop('SIGKILL')
  assert.equal(spawnSync('mount', ['-o', 'remount,size=200m', disk]).status, 0)
  const again = await startNode({ data, quiet: true })
  assert.equal((await rpc(again.url, 'eth_getBlockByNumber', ['0x' + height.toString(16), false])).hash, block.hash)
  await fill(again, 2)
  assert.equal((await fetch(`${again.url}/health/readyz`)).status, 200)
  await again.stop()
})

test('a read-only folder is refused with its name', async (t) => {
  const disk = smallDisk('readonly', 8)
  if (!disk) return t.skip('no file system can be mounted here')
  mkdirSync(join(disk, 'chain'))
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0)
  const error = await startNode({ data: join(disk, 'chain') }).then((n) => n.stop().then(() => null), (e) => e)
  assert.ok(error, 'it started')
  assert.equal(error.node.exit.signal, null)
  assert.notEqual(error.node.exit.code, 0)
  assert.match(error.node.output, /read-only|Read-only/i)
})

test('broken files are an error or harmless, never a crash', { timeout: 600_000 }, async () => {
  const data = temporaryFolder('whole')
  const node = await startNode({ data, quiet: true })
  await fill(node, 20)
  await node.stop()
  const files = readdirSync(data, { recursive: true }).filter((f) => statSync(join(data, f)).isFile() && statSync(join(data, f)).size > 0 && !/lock/.test(f))
  assert.ok(files.length > 0)
  for (let i = 0; i < 12; i++) {
    const broken = temporaryFolder('broken')
    cpSync(data, broken, { recursive: true })
    const name = files[Math.floor(random() * files.length)]
    const path = join(broken, name)
    const { size } = statSync(path)
    const at = Math.floor(random() * size)
    if (i % 3 === 0) truncateSync(path, at)
    else {
      const fd = openSync(path, 'r+')
      const byte = Buffer.alloc(1)
      readSync(fd, byte, 0, 1, at)
      byte[0] ^= 1 << Math.floor(random() * 8)
      writeSync(fd, byte, 0, 1, at)
      closeSync(fd)
    }
    const what = `${name} ${i % 3 === 0 ? 'cut' : 'flipped'} at ${at} of ${size} (seed ${seed})`
    const ended = await startNode({ data: broken, quiet: true }).then(async (n) => {
      await rpc(n.url, 'eth_getBlockByNumber', ['latest', true]).catch(() => {})
      return n.stop()
    }, (e) => {
      assert.ok(e.node.output.trim().length > 20, `${what}: ended without a word`)
      return e.node.exit
    })
    assert.ok(ended.signal === null || ended.signal === 'SIGTERM', `${what}: ended by ${ended.signal}`)
    const { signal, stdout, stderr } = verify(broken)
    assert.equal(signal, null, `${what}: verify ended by ${signal}\n${stdout}${stderr}`)
  }
})

test('five thousand idle connections and a slow client hold up nobody', { timeout: 300_000 }, async (t) => {
  const node = await startNode({ wrap: ['bash', '-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'bash'], quiet: true })
  const many = Number(spawnSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout) > 6000 ? 5000 : 500
  if (many < 5000) t.diagnostic('only 500: the limit of descriptors is low')
  const { port, hostname } = new URL(node.url)
  const sockets = []
  for (let i = 0; i < many; i++) {
    const socket = net.connect(port, hostname)
    socket.on('error', () => {})
    sockets.push(socket)
    if (i % 100 === 99) await once(socket, 'connect').catch(() => {})
  }
  const answers = await Promise.all(Array.from({ length: 50 }, () => rpc(node.url, 'eth_blockNumber')))
  assert.equal(answers.length, 50)
  // a request that comes byte by byte
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  const slow = net.connect(port, hostname)
  let heard = ''
  slow.on('data', (d) => (heard += d))
  slow.on('error', () => {})
  for (const letter of `POST / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`) {
    slow.write(letter)
    await sleep(3)
  }
  for (const end = Date.now() + 20_000; !heard.includes('result') && Date.now() < end;) await sleep(20)
  assert.match(heard, /0x1df5e76/)
  for (const socket of [...sockets, slow]) socket.destroy()
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
  assert.equal((await node.stop()).code, 0)
})

test('bodies, batches and calls end at their limits', { timeout: 300_000 }, async () => {
  const node = await startNode({ quiet: true })
  const refused = (promise) => promise.then((a) => a?.error ?? null, (e) => e)
  assert.ok(await refused(post(node.url, '[' + '"' + 'x'.repeat(200 << 20) + '"]')), 'a body of 200 MiB')
  const call = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }
  const batch = await refused(post(node.url, Array(20_000).fill(call)))
  assert.ok(batch, 'a batch of 20,000')
  const begun = net.connect(new URL(node.url).port, '127.0.0.1')
  begun.on('error', () => {})
  begun.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n[')
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
  begun.destroy()
  // a contract that never ends: jumpdest, jump to it
  const endless = await refused(rpc(node.url, 'eth_call', [{ data: '0x5b600056' }, 'latest'], AbortSignal.timeout(240_000)))
  assert.ok(endless, 'an endless call')
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
  assert.equal((await refused(rpc(node.url, 'evm_setBlockGasLimit', ['0x7fffffffffffffff']))).code, -32602, 'gas without end')
  await node.stop()
})

test('a request ends at its time, in the middle of a message, and others are served meanwhile', { timeout: 300_000 }, async () => {
  const node = await startNode({ quiet: true, args: ['--call-timeout', '0.3', '--threads', '2'] })
  await rpc(node.url, 'evm_setBlockGasLimit', ['0x174876e800']) // ten times Filecoin's: much longer than that time
  const to = `0x${'22'.repeat(20)}`
  // for ever: calls another one, which stops at once
  const other = '11'.repeat(20)
  const again = { [to]: { code: `0x5b6000600060006000600073${other}5af150600056` }, [`0x${other}`]: { code: '0x00' } }
  const call = (id, method) => ({ jsonrpc: '2.0', id, method, params: [{ to }, 'latest', again] })
  const late = post(node.url, ['eth_call', 'eth_estimateGas', 'eth_call'].map((name, i) => call(i, name)))
  let ended = false
  late.finally(() => (ended = true))
  let meanwhile = 0
  while (!ended) {
    assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
    assert.equal(await rpc(node.url, 'eth_call', [{ to: wallets[0].address }, 'latest']), '0x')
    meanwhile++
  }
  assert.ok(meanwhile > 0)
  for (const { error } of await late) assert.equal(error?.code, -32005, JSON.stringify(error))
  assert.equal((await refusedAt(node.url, 'eth_estimateGas', [{ to }, 'latest', again])).code, -32005)
  const simulated = await refusedAt(node.url, 'eth_simulateV1', [{ blockStateCalls: [{ stateOverrides: again, calls: Array(9).fill({ to }) }] }])
  assert.equal(simulated.code, -32005)
  assert.equal((await node.stop()).code, 0)
})
