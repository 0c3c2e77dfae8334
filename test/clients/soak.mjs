// The node under full load for some time (SECONDS, 1200 unless told otherwise): transfers, calls, logs and
// subscriptions at once. No request may be lost, memory must stay flat, and the chain must execute again to the same roots.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ContractFactory, HDNodeWallet, JsonRpcProvider, Mnemonic, id, parseEther, toQuantity } from 'ethers'
import WebSocket from 'ws'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, binary, rpc, startNode, temporaryFolder } from './lib/node.mjs'

const seconds = Number(process.argv[2] ?? 1200)
const { Token } = compile()
/** Memory of the node's own: what it maps of its database is the system's cache, and grows with the file. */
const resident = (pid) => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

test(`${seconds} seconds of load`, { timeout: (seconds + 1800) * 1000 }, async () => {
  const data = temporaryFolder('soak')
  const node = await startNode({ data, quiet: true })
  const provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
  const wallets = Array.from({ length: 16 }, (_, i) =>
    HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`).connect(provider))
  const token = await (await new ContractFactory(Token.abi, Token.bytecode, wallets[0]).deploy(parseEther('1000000'))).waitForDeployment()
  for (const wallet of wallets.slice(1)) await (await token.transfer(wallet.address, parseEther('1000'))).wait()
  const gasLimit = 2n * (await token.transfer.estimateGas('0x00000000000000000000000000000000000b0b0b', 1n))
  const first = (await provider.getBlockNumber()) + 1
  const transfer = token.interface.encodeFunctionData('transfer', ['0x00000000000000000000000000000000000b0b0b', 1n])
  let heads = 0, logs = 0, sent = 0, calls = 0
  const ws = new WebSocket(node.ws)
  ws.on('message', (text) => {
    const { params } = JSON.parse(text)
    if (params?.result.topics) logs++
    else if (params) heads++
  })
  await new Promise((resolve) => ws.once('open', resolve))
  ws.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }))
  ws.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'eth_subscribe', params: ['logs', { address: token.target }] }))
  await sleep(200)
  const end = Date.now() + seconds * 1000
  const sending = wallets.map(async (wallet) => {
    for (let nonce = await wallet.getNonce(); Date.now() < end; nonce++) {
      const raw = await wallet.signTransaction({ type: 2, chainId: CHAIN_ID, nonce, to: token.target, data: transfer, gasLimit,
        maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 200000n })
      await rpc(node.url, 'eth_sendRawTransaction', [raw])
      sent++
    }
  })
  const asking = Array.from({ length: 4 }, async (_, i) => {
    while (Date.now() < end) {
      const balance = BigInt(await rpc(node.url, 'eth_call', [{ to: token.target, data: token.interface.encodeFunctionData('balanceOf', [wallets[i].address]) }, 'latest']))
      assert.ok(balance > 0n)
      const head = await rpc(node.url, 'eth_blockNumber')
      await rpc(node.url, 'eth_getLogs', [{ fromBlock: head, toBlock: head }])
      calls++
    }
  })
  const memory = []
  const watching = (async () => {
    for (let i = 0; Date.now() < end; i++) {
      await sleep(Math.min(10_000, seconds * 100))
      memory.push(resident(node.pid))
    }
  })()
  await Promise.all([...sending, ...asking, watching])
  await sleep(1000)
  const last = await provider.getBlockNumber()
  let found = 0
  for (let from = first; from <= last; from += 1000) {
    const range = { address: token.target, topics: [id('Transfer(address,address,uint256)')], fromBlock: toQuantity(from), toBlock: toQuantity(Math.min(from + 999, last)) }
    found += (await rpc(node.url, 'eth_getLogs', [range])).length
  }
  console.log(`${sent} transfers, ${calls} rounds of calls, ${last - first + 1} blocks, MB of memory ${memory.map((m) => m.toFixed(0)).join(' ')}`)
  assert.equal(found, sent, 'each transfer has its log')
  assert.equal(logs, sent, 'each log was told')
  assert.equal(heads, last - first + 1, 'each head was told')
  const middle = memory.slice(Math.floor(memory.length / 3), Math.floor(memory.length * 2 / 3))
  const late = memory.slice(Math.floor(memory.length * 2 / 3))
  assert.ok(Math.max(...late) < Math.max(...middle) * 1.25 + 32, 'memory grows')
  ws.terminate()
  provider.destroy()
  await node.stop()
  for (const engine of ['interp', 'jit']) {
    const done = spawnSync(binary, ['chain', 'verify', '--engine', engine, data], { encoding: 'utf8' })
    assert.equal(done.status, 0, `${engine}: ${done.stdout}${done.stderr}`)
  }
})
