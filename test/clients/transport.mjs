// HTTP and WebSocket as the node speaks them, byte by byte: what clients other than those of the other tests, and
// proxies, send; and what nobody should send, which must not hurt the others.
import assert from 'node:assert/strict'
import net from 'node:net'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { kind, post, rpc, startNode, testNode, until } from './lib/node.mjs'

const node = await testNode()
const { port, hostname } = new URL(node.url)
const onlyHere = { skip: kind === 'anvil' && 'it answers in another way' }
const call = (id, method = 'eth_chainId', params = []) => JSON.stringify({ jsonrpc: '2.0', id, method, params })

/** A socket: what it heard, whether it was closed. */
function dial(...pieces) {
  const socket = net.connect(port, hostname)
  const it = { socket, heard: '', closed: false }
  socket.on('data', (d) => (it.heard += d)).on('error', () => {}).on('close', () => (it.closed = true))
  node.closing(() => socket.destroy())
  it.send = async (...more) => {
    for (const piece of more) {
      socket.write(piece)
      await sleep(20)
    }
  }
  it.replies = () => [...it.heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => Number(m[1]))
  it.ids = () => [...it.heard.matchAll(/"id":(\d+),"result"/g)].map((m) => Number(m[1]))
  it.waitFor = (what, probe) => until(`${what}: ${JSON.stringify(it.heard)}`, () => probe(it), 20_000)
  it.ready = it.send(...pieces)
  return it
}
const head = (more, line = 'POST / HTTP/1.1') => `${line}\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n${more}\r\n\r\n`
const request = (id) => head(`Content-Length: ${call(id).length}`) + call(id)
const serves = async () => assert.equal(Number(await rpc(node.url, 'eth_chainId', [], AbortSignal.timeout(20_000))), 31415926)

test('requests sent without waiting for replies hold up nobody, and each is answered or has to be sent again', async () => {
  const get = `GET /health/livez HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`
  const all = {
    'three at once': [request(1) + request(2) + request(3)],
    'the body with the next request': [head(`Content-Length: ${call(1).length}`), call(1) + request(2)],
    'half of the next one': [request(1) + request(2).slice(0, 40)],
    'a line end too many': [`${request(1)}\r\n`],
    'a GET before': [get + request(2)],
    'two GETs': [get + get],
    'one behind a large reply': [head(`Content-Length: ${call(1, 'rpc.discover').length}`) + call(1, 'rpc.discover') + request(2)],
    'one behind a refused one': [head('Content-Length: 9', 'PUT / HTTP/1.1') + request(2)],
  }
  for (const [what, pieces] of Object.entries(all)) {
    const it = dial(...pieces)
    await it.waitFor(what, () => it.replies().length > 0)
    // either it goes on, or it says that it does not
    if (kind === 'fvm') {
      await it.waitFor(`${what}, closed`, () => it.closed)
      if (what !== 'one behind a refused one') assert.match(it.heard, /connection: close/i, what)
      assert.equal(it.replies().length, 1, what)
    }
    await serves()
  }
})

test('one connection serves request after request', async () => {
  const it = dial()
  for (let id = 1; id <= 20; id++) {
    await it.send(request(id))
    await it.waitFor(`reply ${id}`, () => it.ids().includes(id))
  }
  assert.equal(it.closed, false)
  assert.doesNotMatch(it.heard, /connection: close/i)
})

test('a body in chunks is a body', async () => {
  const chunks = (text, n) => text.match(new RegExp(`.{1,${n}}`, 'g')).map((c) => `${c.length.toString(16)}\r\n${c}\r\n`)
  for (const n of [1, 7, 1000]) {
    const parts = [...chunks(call(1), n), '0\r\n\r\n']
    for (const pieces of [[head('Transfer-Encoding: chunked') + parts.join('')], [head('Transfer-Encoding: chunked'), ...parts]]) {
      const it = dial(...pieces)
      await it.waitFor(`chunks of ${n}`, () => it.ids()[0] === 1)
    }
  }
  const stream = () => new ReadableStream({ pull(c) { c.enqueue(new TextEncoder().encode(call(1))), c.close() } })
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(node.url, { method: 'POST', body: stream(), duplex: 'half', headers: { 'content-type': 'application/json' } })
    assert.equal((await answer.json()).id, 1)
  }
  const broken = dial(head('Transfer-Encoding: chunked') + 'hello\r\n')
  await broken.waitFor('a broken chunk', () => broken.closed || broken.replies()[0] >= 400)
  await serves()
})

test('a client that asks for leave to send its body gets it', async () => {
  const it = dial(head(`Content-Length: ${call(5).length}\r\nExpect: 100-continue`))
  await it.waitFor('leave', () => it.replies()[0] === 100)
  await it.send(call(5))
  await it.waitFor('the reply', () => it.ids()[0] === 5)
})

test('lengths that are none, or of which there are two, are refused', onlyHere, async () => {
  const body = call(1)
  const all = {
    400: ['Content-Length: -5', 'Content-Length: +59', 'Content-Length: 59x', 'Content-Length: 0', 'Content-Length: 59\r\nContent-Length: 5',
      'Content-Length: 59\r\nTransfer-Encoding: chunked'],
    411: ['X-Nothing: 1'],
    413: ['Content-Length: 99999999999999999999', `Content-Length: ${'9'.repeat(200)}`, 'Content-Length: 17000000\r\nExpect: 100-continue'],
    501: ['Transfer-Encoding: gzip'],
  }
  for (const [status, heads] of Object.entries(all)) {
    for (const fields of heads) {
      const it = dial(head(fields) + body)
      await it.waitFor(`${fields}: ${status}`, () => it.replies()[0] === Number(status))
      await it.waitFor(`${fields}: closed`, () => it.closed)
    }
  }
})

test('whoever sends too much reads why', onlyHere, async () => {
  const large = (mib) => `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"${' '.repeat(mib << 20)}}`
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(node.url, { method: 'POST', body: large(17) })
    assert.equal(answer.status, 413)
    assert.match(await answer.text(), /--body-limit/)
  }
  const wide = await startNode({ args: ['--body-limit', '40'], quiet: true })
  assert.ok((await post(wide.url, large(39))).result)
  assert.equal((await fetch(wide.url, { method: 'POST', body: large(40) })).status, 413)
  await wide.stop()
})

test('requests that are never finished hold up nobody', async () => {
  const half = [dial(request(1).slice(0, 20)), dial(request(1).slice(0, -5)), dial(head('Transfer-Encoding: chunked') + '5\r\nab'), dial()]
  await Promise.all(half.map((it) => it.ready))
  await serves()
  half[0].socket.destroy()
  half[1].socket.end()
  await serves()
  for (const it of half) assert.deepEqual(it.replies(), [])
  // gone before the answer
  for (let i = 0; i < 20; i++) net.connect(port, hostname).on('error', () => {}).end(request(1)).destroySoon()
  await serves()
})

test('a number that comes as id goes back as the same number', async () => {
  for (const id of ['0', '-1', '1764000000000123456', '9223372036854775807', '-9223372036854775808'])
    assert.match(await (await fetch(node.url, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: call(1).replace('"id":1', `"id":${id}`) })).text(), new RegExp(`"id":${id}[,}]`), id)
})

async function open(path = '/') {
  const ws = new WebSocket(node.ws + path)
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject))
  node.closing(() => ws.terminate())
  const heard = []
  ws.on('message', (text) => heard.push(String(text)))
  ws.ended = new Promise((resolve) => ws.once('close', (code, why) => resolve({ code, why: String(why) })))
  ws.reply = () => until('a message', () => heard.shift(), 20_000)
  return ws
}

test('a message of a WebSocket comes whole, in fragments, as text or bytes, with pings between', async () => {
  const ws = await open()
  const text = call(1)
  const pongs = []
  ws.on('pong', (data) => pongs.push(String(data)))
  const pieces = text.match(/.{1,9}/g)
  pieces.forEach((piece, i) => {
    ws.send(piece, { fin: i === pieces.length - 1 })
    if (i === 2) ws.ping('between')
  })
  assert.equal(JSON.parse(await ws.reply()).id, 1)
  await until('a pong', () => pongs.includes('between'))
  ws.send(Buffer.from(call(2)))
  assert.equal(JSON.parse(await ws.reply()).id, 2)
  ws.send('')
  ws.send('nonsense')
  for (let i = 0; i < 2; i++) assert.ok([-32700, -32600].includes(JSON.parse(await ws.reply()).error.code))
  ws.send(call(3, 'web3_sha3', ['0x' + '00'.repeat(5e6)]))
  assert.match(JSON.parse(await ws.reply()).result, /^0x[0-9a-f]{64}$/)
  ws.send(call(4))
  assert.equal(JSON.parse(await ws.reply()).id, 4)
})

test('a WebSocket is closed with the code that says why', onlyHere, async () => {
  const bye = await open('/rpc/v1')
  bye.close(4001, 'bye')
  assert.equal((await bye.ended).code, 4001)
  const long = await open()
  long.on('error', () => {})
  long.send('[' + ' '.repeat(17 << 20) + ']')
  assert.equal((await long.ended).code, 1009)
  await serves()
})

test('calls sent right behind the upgrade are answered', async () => {
  const text = Buffer.from(call(6))
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])
  const it = dial(Buffer.concat([Buffer.from(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n`
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'), frame, frame]))
  await it.waitFor('two replies', () => it.ids().length === 2)
})
