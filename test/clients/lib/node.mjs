// A node for a test: `fvm node`, or anvil (which the same tests have to pass, so that they ask nothing
// that Ethereum's nodes don't do). Both with the well-known development mnemonic, on a port of their own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after } from 'node:test'

export const CHAIN_ID = 31415926
export const MNEMONIC = 'test test test test test test test test test test test junk'
export const binary = process.env.FVM_BIN
export const kind = binary === 'anvil' ? 'anvil' : 'fvm'
const anvil = join(process.env.FVM_PACKAGES ?? '', '@foundry-rs/anvil-linux-amd64/bin/anvil')

function command(which, { port, blockTime, data, args = [] }) {
  if (which === 'anvil') {
    return [anvil, ['--port', String(port), '--chain-id', String(CHAIN_ID), '--accounts', '20',
      ...(blockTime ? ['--block-time', String(blockTime)] : []), ...args]]
  }
  return [binary, ['node', '--port', String(port), ...(data ? ['--data', data] : ['--in-memory']),
    ...(blockTime ? ['--block-time', String(blockTime)] : []), ...args]]
}

/** Starts a node and waits until it tells its port. Options: kind, port (0: a free one), blockTime (seconds), data
 *  (folder; absent: in memory), args (more of the command line), wrap (words before the command), quiet
 *  (what it prints once it serves is not kept). */
export async function startNode(options = {}) {
  const which = options.kind ?? kind
  let [file, args] = command(which, { port: 0, ...options })
  if (options.wrap) [file, args] = [options.wrap[0], [...options.wrap.slice(1), file, ...args]]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  process.on('exit', () => child.kill('SIGKILL')) // whatever happens to the test
  const node = { kind: which, child, pid: child.pid, output: '', url: '', ws: '' }
  const exited = once(child, 'exit').then(([code, signal]) => (node.exit = { code, signal }))
  exited.catch(() => {})
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text) => {
      if (!options.quiet || !node.url) node.output = (node.output + text).slice(-4_000_000)
    })
  }
  node.stop = async (signal = 'SIGTERM') => {
    if (!node.exit) child.kill(signal)
    return exited
  }
  node.exited = exited
  for (const end = Date.now() + 60_000; !node.exit && Date.now() < end; await sleep(5)) {
    const at = /(?:Listening on |https?:\/\/)(\d+\.\d+\.\d+\.\d+:\d+)/.exec(node.output)
    if (!at) continue
    node.url = `http://${at[1]}`
    node.ws = `ws://${at[1]}`
    return node
  }
  await node.stop('SIGKILL')
  throw Object.assign(new Error(`the node did not start: ${file} ${args.join(' ')}\n${node.output}`), { node })
}

/** A node for all tests of the file, stopped after them, when what was given to its `closing` was called.
 *  FVM_CLIENTS_URL names one that runs already. */
export async function testNode(options) {
  const given = process.env.FVM_CLIENTS_URL
  const node = given ? { kind, url: given, ws: given.replace(/^http/, 'ws'), output: '', stop: async () => ({}) }
    : await startNode(options)
  const closers = []
  node.closing = (close) => closers.push(close)
  after(async () => {
    for (const close of closers.reverse()) await close()
    const exit = await node.stop()
    // SIGTERM ends it in order: sanitizers, too, have their say in the exit code
    if (kind === 'fvm' && !given && exit.code !== 0) throw new Error(`the node ended with ${exit.signal ?? exit.code}\n${node.output}`)
  })
  return node
}

/** A temporary folder, removed when the tests of the file are done. */
export function temporaryFolder(name = 'data') {
  const folder = mkdtempSync(join(tmpdir(), `fvm-${name}-`))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let id = 0
/** One JSON-RPC call; throws what the node answers as error, with code and data. */
export async function rpc(url, method, params = [], signal) {
  const answer = await post(url, { jsonrpc: '2.0', id: ++id, method, params }, signal)
  if (answer.error) throw Object.assign(new Error(`${method}: ${answer.error.message}`), answer.error)
  return answer.result
}

/** Posts JSON (or text as it is) and gives the answer's JSON. */
export async function post(url, body, signal) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method: 'POST', body: text, headers: { 'content-type': 'application/json' }, signal })
  const answer = await response.text()
  return answer === '' ? undefined : JSON.parse(answer)
}

/** Waits until `probe` gives something true, for a minute at most. */
export async function until(what, probe, ms = 60_000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const got = await probe()
    if (got) return got
  }
  throw new Error(`waited in vain for ${what}`)
}
