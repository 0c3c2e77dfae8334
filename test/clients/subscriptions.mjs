// Subscriptions by WebSocket while transactions come in from several accounts: nothing is lost, nothing comes twice,
// and all is in order.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Contract, ContractFactory, HDNodeWallet, Interface, JsonRpcProvider, Mnemonic, WebSocketProvider, id, toQuantity,
} from 'ethers'
import { createPublicClient, webSocket } from 'viem'
import WebSocket from 'ws'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, kind, post, rpc, testNode, until } from './lib/node.mjs'

const SENDERS = 8
const EACH = Number(process.env.FVM_CLIENTS_EACH ?? 50)
const { Probe } = compile()
const node = await testNode()
const provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 })
node.closing(() => provider.destroy())
const wallets = Array.from({ length: 20 }, (_, i) =>
  HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`).connect(provider))
const probe = await (await new ContractFactory(Probe.abi, Probe.bytecode, wallets[0]).deploy(0n)).waitForDeployment()
const { abi } = Probe
const counted = id('Counted(address,uint256,string)')

/** A WebSocket that speaks JSON-RPC and keeps what its subscriptions say. */
class Socket {
  static async open(url) {
    const socket = new Socket()
    socket.ws = new WebSocket(url)
    socket.waiting = new Map()
    socket.heard = new Map()
    socket.ws.on('message', (text) => socket.#take(JSON.parse(text)))
    await new Promise((resolve, reject) => socket.ws.once('open', resolve).once('error', reject))
    node.closing(() => socket.ws.terminate())
    return socket
  }

  #take(message) {
    if (message.method === 'eth_subscription') {
      const { subscription, result } = message.params
      if (!this.heard.has(subscription)) this.heard.set(subscription, [])
      this.heard.get(subscription).push(result)
      return
    }
    this.waiting.get(message.id)(message)
    this.waiting.delete(message.id)
  }

  call(method, ...params) {
    const id = (this.next = (this.next ?? 0) + 1)
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (answer) => (answer.error ? reject(Object.assign(new Error(answer.error.message), answer.error))
        : resolve(answer.result)))
      this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  /** Subscribes; gives the list that notices are added to. */
  async subscribe(...params) {
    const id = await this.call('eth_subscribe', ...params)
    if (!this.heard.has(id)) this.heard.set(id, [])
    const list = this.heard.get(id)
    list.id = id
    return list
  }
}

/** Signed transactions of `senders` wallets, `each` of each, as raw bytes by sender. */
async function presign(from, senders, each) {
  const data = new Interface(abi).encodeFunctionData('count', [1n])
  const template = await wallets[from].populateTransaction({ to: probe.target, data })
  return Promise.all(wallets.slice(from, from + senders).map(async (wallet) => {
    const start = await wallet.getNonce()
    const raws = []
    for (let i = 0; i < each; i++) {
      raws.push(await wallet.signTransaction({ ...template, from: wallet.address, nonce: start + i,
        gasLimit: template.gasLimit * 2n, maxFeePerGas: template.maxFeePerGas * 10n }))
    }
    return raws
  }))
}

/** Sends each sender's transactions in order, the senders at once; gives all hashes. */
async function sendAll(lists, url = node.url) {
  const hashes = await Promise.all(lists.map(async (raws) => {
    const sent = []
    for (const raw of raws) sent.push(await rpc(url, 'eth_sendRawTransaction', [raw]))
    return sent
  }))
  return hashes.flat()
}

test('heads, logs and pending transactions under load are complete and in order', async () => {
  const sockets = await Promise.all(Array.from({ length: 4 }, () => Socket.open(node.ws)))
  const watches = []
  for (const socket of sockets) {
    watches.push({
      heads: await socket.subscribe('newHeads'),
      logs: await socket.subscribe('logs', { address: probe.target, topics: [counted] }),
      pending: await socket.subscribe('newPendingTransactions'),
      others: await socket.subscribe('logs', { address: wallets[3].address }),
    })
  }
  const first = (await provider.getBlockNumber()) + 1
  const hashes = await sendAll(await presign(1, SENDERS, EACH))
  await until('all receipts', async () => (await rpc(node.url, 'eth_getTransactionReceipt', [hashes.at(-1)])) &&
    (await Promise.all(hashes.map((h) => rpc(node.url, 'eth_getTransactionReceipt', [h])))).every(Boolean))
  const last = await provider.getBlockNumber()
  const chain = await rpc(node.url, 'eth_getLogs', [{ address: probe.target, fromBlock: toQuantity(first), toBlock: toQuantity(last) }])
  assert.equal(chain.length, hashes.length)
  for (const { heads, logs, pending, others } of watches) {
    await until('the last notices', () => heads.length >= last - first + 1 && logs.length >= hashes.length &&
      pending.length >= hashes.length)
    await sleep(50) // for what should not come any more
    assert.deepEqual(heads.map((h) => Number(h.number)), Array.from({ length: last - first + 1 }, (_, i) => first + i))
    for (let i = 1; i < heads.length; i++) assert.equal(heads[i].parentHash, heads[i - 1].hash)
    const key = (l) => `${l.blockHash} ${l.transactionHash} ${l.logIndex}`
    assert.deepEqual(logs.map(key), chain.map(key))
    assert.deepEqual(logs.map((l) => Number(l.topics[2])), logs.map((_, i) => i + 1), 'the numbers that the contract counted')
    assert.deepEqual(pending.toSorted(), hashes.toSorted())
    assert.equal(others.length, 0)
  }
})

test('what was unsubscribed is silent, the rest goes on', async () => {
  const socket = await Socket.open(node.ws)
  const [stopped, kept] = [await socket.subscribe('newHeads'), await socket.subscribe('newHeads')]
  await (await probe.count(1n)).wait()
  await until('a head', () => stopped.length === 1 && kept.length === 1)
  assert.equal(await socket.call('eth_unsubscribe', stopped.id), true)
  await (await probe.count(1n)).wait()
  await until('another head', () => kept.length === 2)
  assert.equal(stopped.length, 1)
  assert.equal(await socket.call('eth_unsubscribe', stopped.id), false)
  await assert.rejects(socket.call('eth_subscribe', 'noSuchThing'))
  await assert.rejects(rpc(node.url, 'eth_subscribe', ['newHeads']))
})

test('pending transactions come as hashes, or whole', async () => {
  const socket = await Socket.open(node.ws)
  const [whole, hashes] = [await socket.subscribe('newPendingTransactions', true), await socket.subscribe('newPendingTransactions', false)]
  const filter = kind === 'fvm' && await rpc(node.url, 'eth_newPendingTransactionFilter', [true]) // anvil takes no such parameter
  const sent = await wallets[0].sendTransaction({ to: wallets[1].address, value: 7n })
  await sent.wait()
  await until('both', () => whole.length && hashes.length)
  assert.deepEqual(hashes.slice(), [sent.hash])
  const polled = filter ? await rpc(node.url, 'eth_getFilterChanges', [filter]) : whole
  for (const [tx] of [whole, polled]) {
    assert.equal(tx.hash, sent.hash)
    assert.equal(tx.value, '0x7')
    assert.equal(tx.to, wallets[1].address.toLowerCase())
    assert.equal(tx.blockHash, null)
    assert.equal(tx.blockNumber, null)
  }
})

test('calls and batches go by WebSocket too, each with its own answer', async () => {
  const socket = await Socket.open(node.ws)
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) =>
    i % 3 ? socket.call('eth_getBalance', wallets[i % 20].address, 'latest') : socket.call('eth_chainId')))
  assert.ok(answers.every((a, i) => i % 3 || Number(a) === CHAIN_ID))
  await assert.rejects(socket.call('eth_noSuchMethod'), (e) => e.code === -32601 || kind === 'anvil')
})

test('ethers and viem watch by WebSocket', async () => {
  const ws = new WebSocketProvider(node.ws)
  const public_ = createPublicClient({ transport: webSocket(node.ws, { reconnect: false }) })
  const heard = { blocks: [], events: [], viemBlocks: [], viemLogs: [] }
  await ws.on('block', (n) => heard.blocks.push(n))
  const contract = new Contract(probe.target, abi, ws)
  await contract.on('Counted', (by, number) => heard.events.push(number))
  const stop = [
    public_.watchBlocks({ onBlock: (b) => heard.viemBlocks.push(Number(b.number)) }),
    public_.watchContractEvent({ address: probe.target, abi, onLogs: (logs) => heard.viemLogs.push(...logs.map((l) => l.args.number)) }),
  ]
  await until('all subscriptions', async () => { // they are made behind our back
    await (await probe.count(1n)).wait()
    return Object.values(heard).every((list) => list.length)
  })
  const start = await probe.number()
  const first = (await provider.getBlockNumber()) + 1
  const hashes = await sendAll(await presign(1, 4, 10))
  const numbers = hashes.map((_, i) => start + BigInt(i + 1))
  const last = await until('the blocks', async () => (await probe.number()) === numbers.at(-1) && provider.getBlockNumber())
  const from = (list, least) => list.filter((n) => n >= least)
  await until('all notices', () => from(heard.events, numbers[0]).length === 40 && from(heard.viemLogs, numbers[0]).length === 40 &&
    heard.blocks.includes(last) && heard.viemBlocks.includes(last))
  assert.deepEqual(from(heard.events, numbers[0]), numbers)
  assert.deepEqual(from(heard.viemLogs, numbers[0]), numbers)
  const blocks = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  assert.deepEqual(from(heard.blocks, first), blocks)
  // viem asks for the block of each head, and the answers may pass each other
  assert.deepEqual(from(heard.viemBlocks, first).sort((a, b) => a - b), blocks)
  for (const end of stop) end()
  await sleep(50)
  await ws.destroy()
  ;(await public_.transport.getRpcClient()).close()
})

test('a reader that stops reading holds up nobody', async () => {
  const slow = await Socket.open(node.ws)
  await slow.subscribe('newHeads')
  await slow.subscribe('logs', { address: probe.target })
  slow.ws.pause()
  const quick = await Socket.open(node.ws)
  const heads = await quick.subscribe('newHeads')
  const hashes = await sendAll(await presign(1, 4, 25))
  await until('receipts', async () => (await rpc(node.url, 'eth_getTransactionReceipt', [hashes.at(-1)])) !== null)
  await until('heads', () => heads.length >= 1)
  slow.ws.resume()
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), CHAIN_ID)
})

test('a batch of sends is mined whole', async () => {
  const [raws] = await presign(12, 1, 40)
  const answers = await post(node.url, raws.map((raw, i) => ({ jsonrpc: '2.0', id: i, method: 'eth_sendRawTransaction', params: [raw] })))
  assert.equal(answers.length, 40)
  for (const answer of answers) {
    await until('its receipt', async () => (await rpc(node.url, 'eth_getTransactionReceipt', [answer.result]))?.status === '0x1')
  }
})

test('with blocks at an interval, each transaction is in one block, and heads keep coming', async () => {
  if (kind === 'anvil') await rpc(node.url, 'evm_setAutomine', [false])
  await rpc(node.url, 'evm_setIntervalMining', [kind === 'anvil' ? 1 : 1000])
  const socket = await Socket.open(node.ws)
  const heads = await socket.subscribe('newHeads')
  const logs = await socket.subscribe('logs', { address: probe.target })
  const hashes = await sendAll(await presign(1, 4, 20))
  const receipts = await until('the receipts', async () => {
    const all = await Promise.all(hashes.map((h) => rpc(node.url, 'eth_getTransactionReceipt', [h])))
    return all.every(Boolean) && all
  })
  await until('the notices', () => logs.length >= hashes.length)
  assert.deepEqual(logs.map((l) => l.transactionHash).toSorted(), hashes.toSorted())
  for (const number of new Set(receipts.map((r) => r.blockNumber))) {
    const block = await rpc(node.url, 'eth_getBlockByNumber', [number, false])
    assert.deepEqual(block.transactions.toSorted(), receipts.filter((r) => r.blockNumber === number).map((r) => r.transactionHash).toSorted())
  }
  const seen = heads.length
  await until('an empty block', () => heads.length > seen + 1)
  await rpc(node.url, 'evm_setIntervalMining', [0])
  await rpc(node.url, 'evm_setAutomine', [true])
})
