// Compiles the Solidity in contracts/ with the solc that package.json pins: all of it by the legacy code
// generator, and some of it again by way of Yul ("viaIR"), which makes quite different bytecode but takes
// several times as long. Uniswap's own sources are compiled by the solc that they ask for.
import { createRequire } from 'node:module';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ContractFactory, Interface } from 'ethers';

const require = createRequire(import.meta.url);
const modules = fileURLToPath(new URL('./node_modules/', import.meta.url));
const contracts = fileURLToPath(new URL('./contracts/', import.meta.url));

const kept = process.env.FVM_SOLIDITY_KEPT + '/';

/** What `make` gives, kept in that folder under a hash of `input` and of the packages' versions. */
export async function keep(name, input, make) {
  const versions = readFileSync(new URL('./package.json', import.meta.url));
  const path = `${kept}${name}-${createHash('sha256').update(versions).update(input).digest('hex').slice(0, 16)}.json`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  const made = await make();
  mkdirSync(kept, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(made));
  renameSync(`${path}.${process.pid}`, path); // whole, whoever reads it meanwhile
  return made;
}

function imported(path) {
  try {
    return { contents: readFileSync(modules + path, 'utf8') };
  } catch (e) {
    return { error: String(e) };
  }
}

async function compile(solc, sources, settings) {
  const input = {
    language: 'Solidity',
    sources,
    settings: { ...settings, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } } },
  };
  const text = JSON.stringify(input);
  const output = await keep(solc, text, () => {
    const made = JSON.parse(require(solc).compile(text, { import: imported }));
    const errors = (made.errors ?? []).filter((e) => e.severity === 'error');
    if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join('\n'));
    return { contracts: made.contracts };
  });
  const found = {};
  for (const file of Object.values(output.contracts))
    for (const [name, c] of Object.entries(file))
      if (c.evm.bytecode.object) found[name] = { name, iface: new Interface(c.abi), code: '0x' + c.evm.bytecode.object, runtime: '0x' + c.evm.deployedBytecode.object };
  return found;
}

const metadata = { bytecodeHash: 'none' };

/** Contracts by name, made by one code generator; `files`: only these of contracts/. */
export function compileAll(viaIR, files = readdirSync(contracts).filter((f) => f.endsWith('.sol'))) {
  const sources = {};
  for (const file of files) sources[file] = { content: readFileSync(contracts + file, 'utf8') };
  const settings = { viaIR, evmVersion: 'osaka', optimizer: { enabled: true, runs: 200 }, metadata };
  return compile('solc', sources, settings);
}

/** A source that is written during the test. */
export function compileText(name, content) {
  return compile('solc', { [name]: { content } }, { evmVersion: 'osaka', optimizer: { enabled: true, runs: 200 }, metadata });
}

/** Uniswap V2's factory and pair, as published. */
export function compileUniswap() {
  const path = '@uniswap/v2-core/contracts/UniswapV2Factory.sol';
  const settings = { evmVersion: 'istanbul', optimizer: { enabled: true, runs: 999999 } };
  return compile('solc-0.5.16', { [path]: { content: readFileSync(modules + path, 'utf8') } }, settings);
}

/** What uses @zondax/filecoin-solidity, by the compiler that it is made for. Yul's optimizer refuses its msize. */
export function compileFilecoin() {
  const settings = { evmVersion: 'london', optimizer: { enabled: true, runs: 200, details: { yul: false } }, metadata };
  return compile('solc-0.8.17', { 'Filecoin.sol': { content: readFileSync(contracts + 'filecoin/Filecoin.sol', 'utf8') } }, settings);
}

/** Initcode with the constructor's arguments. */
export function initcode(contract, args) {
  return new ContractFactory(contract.iface, contract.code).getDeployTransaction(...args).then((t) => t.data);
}
