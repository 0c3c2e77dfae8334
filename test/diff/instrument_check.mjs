// instrument_check.mjs - the worked examples of reference/engine.md 6, through instrument.mjs.
// Each is the code of a function (param i32 i32) in instructions of one or two bytes; what is compared
// is the metered blocks: position in the rewritten code and cost, in units of 4000 milligas.
import assert from 'node:assert/strict';
import { meteredBlocks, readBody } from './instrument.mjs';

const op = { block: [2, 64], loop: [3, 64], if: [4, 64], else: [5], end: [11], drop: [26], nop: [1], ret: [15],
    unreachable: [0], eqz: [69], sub: [107], add: [106], grow: [64, 0] };
const c = (n) => [65, n], get = (n) => [32, n], set = (n) => [33, n], br = (n) => [12, n], brIf = (n) => [13, n];
const brTable = (...labels) => [14, labels.length - 1, ...labels];
const examples = {
    A: [[get(0), get(1), op.add, op.end], [[0, 3]]],
    B: [[op.block, op.loop, get(0), op.eqz, brIf(1), get(0), c(1), op.sub, set(0), br(0), op.end, op.end, op.nop,
        c(9), op.drop, op.end], [[0, 1], [2, 3], [5, 5]]],
    C: [[op.block, c(1), op.drop, op.block, get(0), brIf(0), c(2), op.drop, op.end, c(3), op.drop, op.unreachable,
        c(4), op.drop, op.end, op.end], [[0, 5], [6, 1]]],
    D: [[get(0), op.if, c(1), op.ret, op.end, c(2), c(3), op.drop, op.end], [[0, 2], [2, 1], [5, 2]]],
    E: [[c(5), op.drop, op.loop, c(6), op.drop, get(0), brIf(0), c(7), op.drop, op.end, c(8), op.drop, op.end],
        [[0, 2], [3, 3], [7, 1]]],
    F: [[op.block, op.block, get(0), brTable(0, 1), op.end, c(1), op.drop, op.end, c(2), op.drop, op.end], [[0, 4]]],
    'F, three blocks': [[op.block, op.block, op.block, get(0), brTable(1, 2, 0), op.end, c(1), op.drop, op.end,
        c(2), op.drop, op.end, c(3), op.drop, op.end], [[0, 3], [6, 1], [9, 1]]],
};
for (const [name, [code, want]] of Object.entries(examples)) {
    const blocks = meteredBlocks(readBody(new Uint8Array([0, ...code.flat()])).code);
    const got = [...blocks].map(([at, cost]) => [at, Number(cost / 4000n)]).sort((x, y) => x[0] - y[0]);
    assert.deepEqual(got, want, `example ${name}`);
}
const f = readBody(new Uint8Array([0, ...examples.F[0].flat()]));
assert.deepEqual([...meteredBlocks(f.code, 2)].sort(), [[0, 12000n], [5, 4000n]], 'example F, version 2');
const grow = readBody(new Uint8Array([0, ...get(0), ...op.grow, ...op.drop, ...c(2), ...op.grow, ...op.drop, 11]));
assert.deepEqual([...meteredBlocks(grow.code)], [[0, 16000n + 2n * 26214400n]], 'example G');
assert.equal(grow.code[1].dynamic, 26214400n, 'example G');
console.log('the worked examples agree');
