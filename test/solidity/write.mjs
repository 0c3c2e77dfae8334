// Writes all scenarios as lines of JSON to stdout: the genesis, then each family's scenarios, some
// with the contracts of both code generators. Names of families as arguments: only these.
import { readdirSync } from 'node:fs';
import { compileAll, compileFilecoin, compileText, compileUniswap } from './compile.mjs';
import { World, people } from './world.mjs';
import { natives } from './natives.mjs';
import { makeVerifier } from './groth16.mjs';

const only = process.argv.slice(2);
const emit = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const say = (text) => process.stderr.write(`solidity: ${text}\n`);

emit({ op: 'genesis', accounts: [...Object.values(people).map((p) => ({ address: '0x040a' + p.address.slice(2) })), ...natives.map((n) => ({ address: n.bytes, signers: n.signers }))] });

const families = [];
for (const file of readdirSync(new URL('./scenarios/', import.meta.url)).sort()) {
  const family = file.replace(/\.mjs$/, '');
  if (!only.length || only.includes(family)) families.push({ family, ...(await import(`./scenarios/${file}`)) });
}

async function play(contracts, { family, scenarios, fevm }, suffix) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const w = new World(emit, { family: family + suffix, name, contracts, fevm });
    await w.open();
    await scenario(w, { groth16 });
    await w.close();
  }
}

const groth16 = await makeVerifier();
const legacy = {
  ...(await compileAll(false)), ...(await compileUniswap()), ...(await compileFilecoin()),
  ...(await compileText('Groth16Verifier.sol', groth16.source)),
};
say(`compiled ${Object.keys(legacy).length} contracts`);
for (const family of families) await play(legacy, family, '');
// those whose own code, not a library's, is what they are about, and the tokens
const byYul = families.filter((f) => f.viaIR);
if (byYul.length) {
  const contracts = await compileAll(true, [...new Set(byYul.flatMap((f) => f.viaIR))]);
  say(`compiled ${Object.keys(contracts).length} contracts by way of Yul`);
  for (const family of byYul) await play(contracts, family, ' viaIR');
}
process.exit(0); // snarkjs leaves workers behind
