const P = 21888242871839275222246405745257275088548364400416034343698204186575808495617n; // of scalars
const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n; // of points

export const scenarios = {
  async proofs(w, { groth16 }) {
    const v = await w.deploy('Groth16Verifier');
    const [one, two] = groth16.proofs;
    const ok = (proof, yes, why) => w.send(v, 'verifyProof', proof, { returns: [yes], why });
    const changed = (proof, at, change) => {
      const copy = structuredClone(proof);
      let place = copy;
      for (const i of at.slice(0, -1)) place = place[i];
      place[at.at(-1)] = '0x' + change(BigInt(place[at.at(-1)])).toString(16);
      return copy;
    };
    await ok(one, true, 'a proof');
    await ok(two, true, 'another proof');
    await ok(changed(one, [3, 0], (x) => x + 1n), false, 'another output');
    await ok(changed(one, [3, 1], (x) => x + 1n), false, 'for another one');
    await ok([one[0], one[1], one[2], two[3]], false, "another proof's publics");
    await ok([two[0], one[1], one[2], one[3]], false, "another proof's A");
    await ok([one[0], two[1], one[2], one[3]], false, "another proof's B");
    await ok([one[0], one[1], two[2], one[3]], false, "another proof's C");
    await ok(changed(one, [3, 0], (x) => x + P), false, 'a public signal that is no scalar');
    await ok(changed(one, [0, 0], (x) => x + 1n), false, 'A that is no point');
    await ok(changed(one, [1, 0, 0], (x) => (x + 1n) % Q), false, 'B that is no point');
    await ok(changed(one, [0, 0], (x) => x + Q), false, 'a coordinate above the field');
    await ok(changed(one, [0, 1], (y) => Q - y), false, 'minus A');
    const minusBoth = changed(changed(changed(one, [0, 1], (y) => Q - y), [1, 1, 0], (y) => (Q - y) % Q), [1, 1, 1], (y) => (Q - y) % Q);
    await ok(minusBoth, true, 'minus A and minus B, which is the same proof');
    await ok([['0x0', '0x0'], [['0x0', '0x0'], ['0x0', '0x0']], ['0x0', '0x0'], one[3]], false, 'points at infinity');
    await w.raw(v, v.data('verifyProof', one).slice(0, -64), { reverts: '0x', why: 'a proof cut short' });
  },
};
