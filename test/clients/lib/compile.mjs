// Solidity sources of contracts/, compiled by solc's JavaScript build; imports come from the packages.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)
const folder = new URL('../contracts/', import.meta.url).pathname

/** All contracts by name: { abi, bytecode }. */
export function compile(dir = folder) {
  const sources = {}
  for (const file of readdirSync(dir)) sources[file] = { content: readFileSync(join(dir, file), 'utf8') }
  const input = {
    language: 'Solidity',
    sources,
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const load = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }))
  const wrong = (output.errors ?? []).filter((e) => e.severity === 'error')
  if (wrong.length) throw new Error(wrong.map((e) => e.formattedMessage).join('\n'))
  const found = {}
  for (const file of Object.keys(sources)) {
    for (const [name, made] of Object.entries(output.contracts[file] ?? {})) {
      found[name] = { abi: made.abi, bytecode: '0x' + made.evm.bytecode.object }
    }
  }
  return found
}
