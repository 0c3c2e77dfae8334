// README.md as a newcomer reads it: its code blocks are written to the files that they name, and its commands are
// run, in order, against a node that `make run` starts. The port is another, and npm installs from the packages that
// are here (each that is named must be among them); all else is as it stands.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { after } from 'node:test'
import { kind, rpc, startNode, temporaryFolder } from './lib/node.mjs'

const root = process.env.FVM_ROOT
const folder = temporaryFolder('readme')
const text = readFileSync(join(root, 'README.md'), 'utf8')
symlinkSync(dirname(process.env.FVM_BIN), join(folder, 'build'))

/** Blocks with a language, in order: { language, code, title (the heading above) }. */
function blocks() {
  const found = []
  let title = '', open = null
  for (const line of text.split('\n')) {
    if (open && line === '```') {
      found.push(open)
      open = null
    } else if (open) open.code += line + '\n'
    else if (line.startsWith('```')) open = { language: line.slice(3), code: '', title }
    else if (line.startsWith('#')) title = line.replace(/^#+ */, '')
  }
  return found
}

// an npm that installs what is named out of the packages that the tests have
const bin = join(folder, '.bin')
mkdirSync(bin)
const realNpm = (process.env.PATH.split(':').map((p) => join(p, 'npm'))).find(existsSync)
writeFileSync(join(bin, 'npm'), `#!/bin/bash
[ "$1" = install ] || exec ${realNpm} "$@"
shift
for name; do
    case $name in -*) continue ;; esac
    bare=\${name#@}
    bare=\${name%%@*}\${bare:+}
    [ -n "$bare" ] || bare=@$(echo "\${name#@}" | cut -d@ -f1)
    [ -d "$FVM_PACKAGES/$bare" ] || { echo "npm: no package $bare for the tests" >&2; exit 1; }
done
ln -sfn "$FVM_PACKAGES" node_modules
`)
chmodSync(join(bin, 'npm'), 0o755)

async function shell(script, port) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script.replaceAll('8545', port)], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, FVM_RPC: `http://127.0.0.1:${port}`, HOME: folder },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (t) => (output += t))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, `${script}\n${output}`)
  return output
}

/** The files and commands below a heading, in order; gives what the commands printed. */
async function follow(title, port, place) {
  const mine = blocks().filter((b) => b.title === title)
  assert.ok(mine.length > 0, `README has code under "${title}"`)
  let output = ''
  for (const { language, code } of mine) {
    if (language === 'sh') {
      output += await shell(code, port)
      continue
    }
    const name = /^\/\/ (\S+)\n/.exec(code)?.[1]
    assert.ok(name, `a block under "${title}" begins with the name of its file`)
    const path = join(folder, place, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, code.replaceAll('8545', port))
  }
  return output
}

assert.match(text, /^ {4}make run$/m)
const node = kind === 'anvil' ? await startNode()
  : await startNode({ wrap: ['bash', '-c', `exec make -s -C ${root} -o build run NODE="--port 0" FVM=${process.env.FVM_BIN}`] })
after(() => node.stop())
const port = new URL(node.url).port

test('make run serves what README promises', async () => {
  assert.equal((await rpc(node.url, 'eth_accounts')).length, 20)
  assert.equal(Number(await rpc(node.url, 'eth_chainId')), 31415926)
})

test('a first contract with hardhat', async () => {
  const output = await follow('A first contract with hardhat', port, 'counter')
  assert.match(output, /deployed at 0x[0-9a-fA-F]{40}/)
  assert.match(output, /the number is 7n/)
  assert.match(output, /refused: .*too many at once/)
  assert.match(node.output, /the number is now 7/)
})

test('the same with ethers alone', async () => {
  const output = await follow('The same with ethers alone', port, '')
  assert.match(output, /^hello, Filecoin$/m)
  assert.match(output, /^block \d+ hello, Filecoin$/m)
})

test('a first actor in C', { skip: kind === 'anvil' && 'anvil has no actors' }, async () => {
  const output = await follow('A first actor in C', port, '')
  const address = /\b([ft]2[a-z2-7]{39})\b/.exec(output)?.[1]
  assert.ok(address, output)
  assert.match(await shell(`build/fvm actor invoke ${address} Add '[5]'`, port), /5/)
})
