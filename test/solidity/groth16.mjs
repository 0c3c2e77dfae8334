// A Groth16 verifier as circom and snarkjs make it: the circuit is compiled, keys are made and a proof for
// them, all fresh, as the ceremony and proofs are random by design. Checked by snarkjs before it is used.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';
import { keep } from './compile.mjs';

const here = fileURLToPath(new URL('./', import.meta.url));

/** {source} of the contract Groth16Verifier, and {proofs} as it takes them. */
export function makeVerifier() {
  return keep('groth16', readFileSync(here + 'circuit.circom'), make);
}

async function make() {
  const out = here + 'groth16/';
  mkdirSync(out, { recursive: true });
  execFileSync(process.execPath, [here + 'node_modules/circom2/cli.js', 'circuit.circom', '--r1cs', '--wasm', '-o', 'groth16'], { cwd: here, stdio: 'pipe' });
  const curve = await snarkjs.curves.getCurveFromName('bn128');
  const tau = (n) => ({ type: 'mem', data: undefined, n });
  const [pot0, pot1, pot2] = [0, 1, 2].map(tau);
  await snarkjs.powersOfTau.newAccumulator(curve, 8, pot0);
  await snarkjs.powersOfTau.contribute(pot0, pot1, 'one', 'entropy of a test');
  await snarkjs.powersOfTau.preparePhase2(pot1, pot2);
  const [key0, key1] = [3, 4].map(tau);
  await snarkjs.zKey.newZKey(out + 'circuit.r1cs', pot2, key0);
  await snarkjs.zKey.contribute(key0, key1, 'two', 'more of it');
  const verifying = await snarkjs.zKey.exportVerificationKey(key1);
  const template = readFileSync(here + 'node_modules/snarkjs/templates/verifier_groth16.sol.ejs', 'utf8');
  const source = await snarkjs.zKey.exportSolidityVerifier(key1, { groth16: template });
  const prove = async (x, who) => {
    const { proof, publicSignals } = await snarkjs.groth16.fullProve({ x, who }, out + 'circuit_js/circuit.wasm', key1);
    if (!(await snarkjs.groth16.verify(verifying, publicSignals, proof))) throw new Error('snarkjs does not verify its own proof');
    return JSON.parse(`[${await snarkjs.groth16.exportSolidityCallData(proof, publicSignals)}]`);
  };
  return { source, proofs: [await prove(3, 1000), await prove(77777, 2n ** 160n - 1n)] };
}
