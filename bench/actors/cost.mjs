// Writes cost.hex: NAME, and the creation bytecode of each contract of Cost.sol. Wants the packages solc 0.8.37 and
// @openzeppelin/contracts 5.7.0 of test/solidity/package.json:
//   NODE_PATH=FOLDER/node_modules node cost.mjs > cost.hex
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const modules = process.env.NODE_PATH + '/';
const solc = createRequire(modules)('solc');
const input = {
  language: 'Solidity',
  sources: { 'Cost.sol': { content: readFileSync(new URL('./Cost.sol', import.meta.url), 'utf8') } },
  settings: {
    evmVersion: 'shanghai',
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
};
const found = (path) => ({ contents: readFileSync(modules + path, 'utf8') });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: found }));
for (const e of output.errors ?? []) console.error(e.formattedMessage);
for (const [name, c] of Object.entries(output.contracts['Cost.sol'])) console.log(name, c.evm.bytecode.object);
