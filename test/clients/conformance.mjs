// Calls every method of lib/methods.mjs on the node and checks the shape of the answer and the codes of errors; anvil is asked
// the same where it has the method. Prints a table of what differs. Fails on a method that is not served or
// whose answer is of another shape.
//   --fvm-only   without anvil
import WebSocket from 'ws'
import { ContractFactory, HDNodeWallet, Interface, JsonRpcProvider, Mnemonic, ZeroHash, id, parseEther } from 'ethers'
import * as Address from 'iso-filecoin/address'
import { compile } from './lib/compile.mjs'
import { methods } from './lib/methods.mjs'
import { CHAIN_ID, MNEMONIC, post, rpc, startNode } from './lib/node.mjs'
import { brief, fieldDifference, misfits } from './lib/shape.mjs'

const contracts = compile()
const wallets = Array.from({ length: 4 }, (_, i) => HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`))

/** A chain with a contract, a token and a transaction with a log; what the parameters of the rows name. */
async function prepare(node) {
  const provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
  const [alice, bob, carol] = wallets.map((w) => w.connect(provider))
  const deploy = async ({ abi, bytecode }, ...args) =>
    (await new ContractFactory(abi, bytecode, alice).deploy(...args)).waitForDeployment()
  const token = await deploy(contracts.Token, parseEther('1000'))
  const probe = await deploy(contracts.Probe, 5n)
  const receipt = await (await probe.count(1n)).wait()
  const face = new Interface(contracts.Probe.abi)
  const encode = (name, ...args) => face.encodeFunctionData(name, args)
  const request = await carol.populateTransaction({ to: bob.address, value: 1n })
  const c = {
    alice: alice.address, bob: bob.address, nobody: '0x00000000000000000000000000000000000b0d1e', probe: probe.target.toLowerCase(),
    token: token.target, hash: receipt.hash, blockHash: receipt.blockHash, blockNumber: '0x' + receipt.blockNumber.toString(16),
    topic: id('Counted(address,uint256,string)'), hash0: ZeroHash.replace(/0$/, '1'), chainId: CHAIN_ID,
    later: (await provider.getBlock('latest')).timestamp + 10_000,
    data: { number: encode('number'), failPlain: encode('failPlain'), count: encode('count', 1n), time: encode('time'),
      balanceOfBob: encode('balanceOf', bob.address) },
    raw: await carol.signTransaction(request), raw2: await carol.signTransaction({ ...request, nonce: request.nonce + 1 }),
    typedData: { domain: { name: 'x' }, primaryType: 'T', message: { n: 1 },
      types: { EIP712Domain: [{ name: 'name', type: 'string' }], T: [{ name: 'n', type: 'uint256' }] } },
    codes: {},
  }
  if (node.kind === 'fvm') {
    c.f4 = Address.fromEthAddress(c.alice, 'testnet').toString()
    c.f4b = Address.fromEthAddress(c.bob, 'testnet').toString()
    const ask = (name, ...params) => rpc(node.url, `Filecoin.${name}`, params).catch(() => undefined)
    c.id = await ask('StateLookupID', c.f4, null)
    c.networkVersion = await ask('StateNetworkVersion', null)
    c.f1id = c.id
    c.codes = (await ask('StateActorCodeCIDs', c.networkVersion)) ?? {}
    const cid = await ask('EthGetMessageCidByTransactionHash', c.hash)
    c.eventsRoot = (await ask('StateSearchMsg', null, cid, -1, true))?.Receipt?.EventsRoot
  }
  provider.destroy()
  return c
}

async function openSocket(node) {
  const ws = new WebSocket(node.ws)
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
  let next = 0
  const waiting = new Map()
  ws.on('message', (text) => {
    const answer = JSON.parse(text)
    waiting.get(answer.id)?.(answer)
  })
  return {
    ask: (method, params) => new Promise((resolve) => {
      const id = ++next
      waiting.set(id, resolve)
      ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    }),
    close: () => ws.terminate(),
  }
}

/** The answer of a node to a row: { result } or { error }. */
async function ask(side, row, name = row.name) {
  let params
  try {
    params = row.params(side.context)
  } catch (error) {
    return { error: { code: 'no parameters', message: String(error.message) } }
  }
  if (row.socket) return side.socket.ask(name, params)
  return post(side.node.url, { jsonrpc: '2.0', id: 1, method: name, params }, AbortSignal.timeout(30_000))
    .catch((error) => ({ error: { code: 'no answer', message: String(error) } }))
}

/** What is wrong with an answer: a list. */
function judge(row, answer, context) {
  if (answer === undefined) return ['no answer']
  const wrong = []
  if (answer.jsonrpc !== '2.0') wrong.push('jsonrpc is not 2.0')
  if ('error' in answer && 'result' in answer) wrong.push('both error and result')
  if (row.fails) {
    if (!answer.error) return [...wrong, `should fail, gave ${brief(answer.result)}`]
    if (row.fails !== true && answer.error.code !== row.fails) wrong.push(`code ${answer.error.code}, should be ${row.fails}`)
    if (answer.error.code === -32601) wrong.push('not served')
    if (row.data) wrong.push(...misfits(answer.error.data, row.data, 'error.data'))
    return wrong
  }
  if (answer.error) {
    if (answer.error.code === -32601) return row.later ? [] : ['not served']
    return row.lenient ? wrong : [...wrong, `error ${answer.error.code}: ${answer.error.message}`.slice(0, 160)]
  }
  wrong.push(...misfits(answer.result, row.shape))
  if (!wrong.length && row.check && !row.check(answer.result, context)) wrong.push(`a wrong value: ${brief(answer.result)}`)
  return wrong
}

/** Parameters of a wrong type in the first place, for methods that take some. */
function spoiled(row, context) {
  let params
  try {
    params = row.params(context)
  } catch {
    return null
  }
  if (!params.length || params[0] === null || row.bad === false) return null
  const first = params[0]
  return [typeof first === 'string' ? { no: 'string' } : typeof first === 'object' ? 'no object' : { no: 'number' }, ...params.slice(1)]
}

const lotusName = (name) => {
  const [space, rest] = [name.slice(0, name.indexOf('_')), name.slice(name.indexOf('_') + 1)]
  const prefix = { eth: 'Eth', net: 'Net', web3: 'Web3', trace: 'EthTrace' }[space]
  return prefix && `Filecoin.${prefix}${rest[0].toUpperCase()}${rest.slice(1)}`
}

async function transport(url) {
  const wrong = []
  const expect = async (what, body, test) => {
    const answer = await post(url, body).catch((e) => e)
    if (!test(answer)) wrong.push(`${what}: ${brief(answer?.message ?? answer)}`)
  }
  await expect('text that is no JSON is -32700', '{"jsonrpc": "2.0", "method"', (a) => a.error?.code === -32700 && a.id === null)
  await expect('an empty batch is -32600', '[]', (a) => a.error?.code === -32600)
  await expect('a number is -32600', '7', (a) => a.error?.code === -32600)
  await expect('a call without a method is -32600', '{"jsonrpc":"2.0","id":1}', (a) => a.error?.code === -32600)
  await expect('an unknown method is -32601', { jsonrpc: '2.0', id: 5, method: 'no_such' }, (a) => a.error?.code === -32601 && a.id === 5)
  await expect('params that are no list are -32602', { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: 'x' },
    (a) => [-32602, -32600].includes(a.error?.code))
  await expect('ids come back as they were', { jsonrpc: '2.0', id: 'a"b', method: 'eth_chainId' }, (a) => a.id === 'a"b' && a.result)
  await expect('a notice is not answered', { jsonrpc: '2.0', method: 'eth_chainId' }, (a) => a === undefined)
  await expect('a batch of a call, nonsense and a notice', [{ jsonrpc: '2.0', id: 1, method: 'eth_chainId' }, 3, { jsonrpc: '2.0', method: 'eth_chainId' }],
    (a) => Array.isArray(a) && a.length === 2 && a.some((x) => x.error?.code === -32600) && a.some((x) => x.id === 1))
  await expect('nesting without end is refused', '['.repeat(100_000), (a) => a.error?.code === -32700 || a.error?.code === -32600)
  for (const path of ['/', '/rpc/v0', '/rpc/v1', '/rpc/v2']) {
    const answer = await post(url + path, { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }).catch((e) => e)
    if (!answer?.result) wrong.push(`not served at ${path}: ${brief(answer?.message)}`)
  }
  const options = await fetch(url, { method: 'OPTIONS', headers: { origin: 'https://example.org', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,authorization' } })
  if (options.headers.get('access-control-allow-origin') !== '*') wrong.push('OPTIONS has no Access-Control-Allow-Origin: *')
  if (!/content-type/i.test(options.headers.get('access-control-allow-headers') ?? '')) wrong.push('OPTIONS does not allow content-type')
  for (const path of ['/health/livez', '/health/readyz']) {
    const { status } = await fetch(url + path)
    if (status !== 200) wrong.push(`${path} answers ${status}`)
  }
  return wrong
}

const which = process.env.FVM_BIN === 'anvil' ? ['anvil'] : process.argv.includes('--fvm-only') ? ['fvm'] : ['fvm', 'anvil']
const sides = []
for (const kind of which) {
  const node = await startNode({ kind })
  sides.push({ node, context: await prepare(node), socket: await openSocket(node) })
}
const [ours, theirs] = sides
let [passed, failed] = [0, 0]
const lines = []
const note = (name, wrong, there, fine = 'ok') => {
  wrong.length ? failed++ : passed++
  if (wrong.length || there || fine !== 'ok') lines.push([name, wrong.length ? `WRONG ${wrong.join('; ')}` : fine, there ?? ''])
}

note('(transport)', await transport(ours.node.url))
for (const row of methods()) {
  const answer = await ask(ours, row)
  const wrong = judge(row, answer, ours.context)
  if (row.keep) ours.context[row.keep] = answer?.result
  let there
  if (theirs && row.anvil !== false && /^(eth|net|web3|trace|txpool|anvil|hardhat|evm|personal)_/.test(row.name)) {
    const other = await ask(theirs, row)
    if (row.keep) theirs.context[row.keep] = other?.result
    if (other?.error && !row.fails) there = other.error.code === -32601 ? 'anvil has it not' : `anvil: error ${other.error.code}: ${other.error.message}`.slice(0, 90)
    else if (other?.error && answer?.error && other.error.code !== answer.error.code) there = `anvil: code ${other.error.code}`
    else if (!answer?.error && !other?.error) there = fieldDifference(answer?.result, other?.result).join(' ').slice(0, 200) || undefined
  }
  const absent = answer?.error?.code === -32601
  note(row.name, wrong, there, absent && row.later ? row.later : 'ok')
  if (absent || row.fails) continue
  const bad = spoiled(row, ours.context)
  if (bad && !row.socket && !row.lenient) {
    const refused = await post(ours.node.url, { jsonrpc: '2.0', id: 1, method: row.name, params: bad })
    note(`${row.name} (bad parameters)`, refused?.error?.code === -32602 ? [] : [`${brief(bad)} gave ${brief(refused.error ?? refused.result)}, not -32602`])
  }
  const names = [...(row.alias ?? []), lotusName(row.name)].filter(Boolean)
  for (const name of names) { // only whether it is there: a second call may have another outcome
    const alias = await post(ours.node.url, { jsonrpc: '2.0', id: 1, method: name, params: [{ no: 1 }, { no: 1 }, { no: 1 }, { no: 1 }, { no: 1 }, { no: 1 }] })
    note(name, alias?.error?.code === -32601 ? ['not served'] : [])
  }
}

for (const { node, socket } of sides) {
  socket.close()
  const exit = await node.stop()
  if (node.kind === 'fvm') note('(stopping)', exit.code === 0 ? [] : [`it ended with ${exit.signal ?? exit.code}: ${node.output.slice(-2000)}`])
}
const width = [0, 1].map((i) => Math.min(70, Math.max(...lines.map((l) => l[i].length), 8)))
console.log(`${'method'.padEnd(width[0])}  ${ours.node.kind.padEnd(width[1])}  beside anvil (+ only here, - only there)`)
for (const [name, here, there] of lines) console.log(`${name.padEnd(width[0])}  ${here.padEnd(width[1])}  ${there}`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
