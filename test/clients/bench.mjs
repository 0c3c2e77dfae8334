// What `make bench` shows of the node, beside anvil in the same run (bench/node.sh): start, memory when idle, signed
// OpenZeppelin ERC-20 transfers from 16 accounts, calls. The load comes from build/bench/bench_node.
//   usage: bench.mjs BENCH_NODE [MARK,...]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ContractFactory, HDNodeWallet, JsonRpcProvider, Mnemonic, parseEther } from 'ethers'
import { compile } from './lib/compile.mjs'
import { CHAIN_ID, MNEMONIC, rpc, startNode } from './lib/node.mjs'

const [generator, marks = '3000,30000,100000'] = process.argv.slice(2)
const { Token } = compile()
const SENDERS = 16
/** strict, group, none; or memory: nothing on disk, as anvil has it. */
const DURABILITY = process.env.FVM_BENCH_DURABILITY ?? 'group'
const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

/** The lines that bench_node prints, each given to `line` when it comes. */
async function load(line, ...args) {
  const child = spawn(generator, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', (text) => line(JSON.parse(text)))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`bench_node ${args[0]} failed`)
}

/** All figures of one node, by name. */
async function measure(kind, found = new Map()) {
  const data = kind === 'fvm' && DURABILITY !== 'memory' ? mkdtempSync(join(tmpdir(), 'fvm-bench-')) : undefined
  const args = data ? ['--durability', DURABILITY] : []
  let node, provider
  try {
    if (data) await (await startNode({ kind, data, args })).stop() // later starts are what is measured
    const starts = []
    for (let i = 0; i < 5; i++) {
      const begin = performance.now()
      node = await startNode({ kind, data, args, quiet: true })
      await rpc(node.url, 'eth_blockNumber')
      starts.push(performance.now() - begin)
      if (i < 4) await node.stop()
    }
    found.set('start to the first answer, ms', Math.min(...starts))
    await sleep(500)
    found.set('resident when idle, MB', resident(node.pid))
    provider = new JsonRpcProvider(node.url, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
    const wallets = Array.from({ length: SENDERS }, (_, i) =>
      HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${i}`).connect(provider))
    const token = await (await new ContractFactory(Token.abi, Token.bytecode, wallets[0]).deploy(parseEther('1000000'))).waitForDeployment()
    for (const wallet of wallets.slice(1)) await (await token.transfer(wallet.address, parseEther('10000'))).wait()
    // a slot in a trie of thousands costs more than in the empty one: hence the four below
    const estimate = await token.transfer.estimateGas('0x00000000000000000000000000000000000b0b0b', 1n)
    const port = new URL(node.url).port
    const data_ = token.interface.encodeFunctionData('balanceOf', [wallets[3].address])
    const calls = (name) => load((m) => {
      found.set(`calls/s ${name}`, m.rate)
      found.set(`a call, p99 ms, ${name}`, m.p99_ms)
    }, 'calls', port, node.pid, token.target, data_, 5, SENDERS)
    await calls('at first')
    let before = 0
    for (const mark of marks.split(',').map(Number)) {
      const senders = await Promise.all(wallets.map(async (w) => `${await w.getNonce()}:${w.privateKey}`))
      const span = `${before.toLocaleString('en')} to ${mark.toLocaleString('en')}`, there = `after ${mark.toLocaleString('en')}`
      await load((m) => {
        found.set(`transfers/s, ${span}`, m.rate)
        found.set(`a transfer, p99 ms, ${span}`, m.p99_ms)
        found.set(`resident MB ${there}`, m.rss_mb)
        found.set(`  of which its own, ${there}`, m.own_mb)
      }, 'transfers', port, node.pid, token.target, estimate * 4n, 20_000_000_000n, CHAIN_ID, mark - before, ...senders)
      await calls(there) // the token has its few hundred holders after the first mark: from there on only the chain grows
      before = mark
    }
  } finally {
    provider?.destroy()
    await node?.stop() // also one that was given up: it would run on, and be measured with what follows
    if (data) rmSync(data, { recursive: true, force: true })
  }
  return found
}

const ours = process.env.FVM_BIN === 'anvil' ? new Map() : await measure('fvm')
const theirs = new Map()
// where anvil gives up (it loses transactions now and then), what was measured of it is printed
await measure('anvil', theirs).catch((error) => console.log(`anvil: ${error.message}`))
console.log(`durability: ${DURABILITY} (anvil: in memory, nothing on disk)`)
console.log(`${''.padEnd(44)}${'fvm'.padStart(10)}${'anvil'.padStart(10)}${'ratio'.padStart(8)}`)
const figure = (x) => (x === undefined ? '-' : x.toFixed(x < 10 ? 2 : x < 100 ? 1 : 0)).padStart(10)
for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
  const [a, b] = [ours.get(name), theirs.get(name)]
  console.log(`${name.padEnd(44)}${figure(a)}${figure(b)}${(a === undefined || b === undefined ? '-' : (a / b).toFixed(2)).padStart(8)}`)
}

// what is asked of the node: issue 7 of the project
const rates = [...ours].filter(([name]) => name.startsWith('transfers/s')).map(([, rate]) => rate)
const calls = [...ours].filter(([name]) => name.startsWith('calls/s after')).map(([, rate]) => rate)
if (rates.length > 0) {
  const bar = (what, value, least) => console.log(`${value >= least ? 'met   ' : 'missed'} ${what}: ${figure(value).trim()}, at least ${least}`)
  bar('transfers/s, the slowest span', Math.min(...rates), 1000)
  bar('calls/s, the slowest', Math.min(...calls), 5000)
  bar('transfers/s of the last span beside the first', rates.at(-1) / rates[0], 0.9)
  bar('calls/s at the end beside those after the first mark', calls.at(-1) / calls[0], 0.9)
}
