// hardhat 3 on the node: a project with its own tests (hardhat/), and what console.log made the node print.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { id } from 'ethers'
import { kind, testNode, until } from './lib/node.mjs'

const node = await testNode({ args: kind === 'anvil' ? ['--gas-limit', '10000000000'] : [] })

async function hardhat(...args) {
  const child = spawn('../node_modules/.bin/hardhat', args, { cwd: 'hardhat', env: { ...process.env, NODE_URL: node.url } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'exit')
  return { code, output }
}

test('a project is compiled', async () => {
  const { code, output } = await hardhat('build')
  assert.equal(code, 0, output)
})

test('the tests of the project pass', async () => {
  const { code, output } = await hardhat('test', 'nodejs', '--network', 'fvm')
  assert.equal(code, 0, output)
  assert.match(output, /11 passing/, output)
})

test('the node printed what contracts logged', async () => {
  for (const line of [/locked 1000 until \d+ by 0x[fF]39[fF]d6e51aad88[fF]6[fF]4ce6a[bB]8827279c[fF]{2}[fF]b92266/,
    /withdraw at \d+ true done/, /written by a contract/, new RegExp(id('written by a contract'))]) {
    await until(`the line ${line}`, () => line.test(node.output), 5000).catch((e) => assert.fail(`${e}\n${node.output}`))
  }
})
