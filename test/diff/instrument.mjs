// instrument.mjs - an independent account of how the network meters wasm: it rewrites a module as the
// reference does for nv18 and later (reference/engine.md 4 to 6), or for nv17 (its version 2), so that any engine can run it.
//
// The engine under test never rewrites: it computes block costs and stack costs while it decodes.
// Here they become instructions in the module. Both must leave the same gas at every host call, at
// every return and at every trap; compare.mjs sees to that. The rewriting itself was compared with that
// of the crate fvm-wasm-instrument 0.4.0 on 10,000 random modules: no difference in gas or in refusals.
//
// The engine also makes NaNs canonical, which V8 does not: every rewriting adds code for that after each
// operation that may make one (`canonicalise` adds only that).
//
// The rewritten module exports two more globals: `gas` (i64, milligas left) and `height` (i32, the
// stack limiter's). Modules that the reference's instrumentation refuses throw a Refused.

export class Refused extends Error {}

const PRICE = 4000n;
const TYPES = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x70, 0x6f]);
const FREE = new Set([0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x0f, 0x1a]);
// of instructions priced by their operand: milligas per unit
const PER_UNIT = { 0x40: 26214400n, 'fc8': 400n, 'fc10': 400n, 'fc11': 400n,
    'fc12': 3200n, 'fc14': 3200n, 'fc15': 3200n, 'fc17': 3200n };

// --- reading --------------------------------------------------------------------------------------

class Reader {
    constructor(bytes, at = 0, refs = false) { this.bytes = bytes; this.at = at; this.refs = refs; }
    get more() { return this.at < this.bytes.length; }
    u8() { return this.bytes[this.at++]; }
    u32() {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = this.u8();
            value += (byte & 0x7f) * 2 ** shift;
            if (byte < 0x80) return value;
        }
    }
    s64() {
        let value = 0n, shift = 0n, byte;
        do {
            byte = this.u8();
            value |= BigInt(byte & 0x7f) << shift;
            shift += 7n;
        } while (byte & 0x80);
        return BigInt.asIntN(64, byte & 0x40 ? value - (1n << shift) : value);
    }
    take(n) { this.at += n; return this.bytes.subarray(this.at - n, this.at); }
    vector(read) { return Array.from({ length: this.u32() }, read); }
}

function readInstruction(r) {
    const start = r.at, op = r.u8();
    const i = { op, key: op };
    if (op === 0xfc) {
        i.key = `fc${r.u32()}`;
        const sub = Number(i.key.slice(2));
        if (sub > 17) throw new Refused(`instruction ${i.key}`);
        if (sub >= 8) {
            i.index = r.u32();
            if (sub === 8 || sub === 10 || sub === 12 || sub === 14) r.u32();
        }
    } else if (op >= 0x02 && op <= 0x04) {
        i.type = r.s64();
        if (i.type >= 0n && !r.refs) throw new Refused('multi-value');
    } else if (op === 0x0e) {
        i.labels = r.vector(() => r.u32());
        i.default = r.u32();
    } else if (op === 0x0c || op === 0x0d || op === 0x10 || (op >= 0x20 && op <= 0x26)) {
        i.index = r.u32();
    } else if (op === 0x11) {
        i.index = r.u32();
        r.u32();
    } else if (op >= 0x28 && op <= 0x3e) {
        r.u32(), r.u32();
    } else if (op === 0x3f || op === 0x40) {
        r.u8();
    } else if (op === 0x41 || op === 0x42) {
        i.value = r.s64();
    } else if (op === 0x43) {
        r.take(4);
    } else if (op === 0x44) {
        r.take(8);
    } else if (r.refs && op === 0x1c) {
        r.take(r.u32());
    } else if (r.refs && op >= 0xd0 && op <= 0xd2) {
        if (op !== 0xd1) r.u32();
    } else if (op > 0xc4 || (op > 0x05 && op < 0x0b) || (op > 0x11 && op < 0x1a) || (op > 0x1b && op < 0x20) ||
        op === 0x27) {
        throw new Refused(`instruction ${op.toString(16)}`);
    }
    i.raw = [...r.bytes.subarray(start, r.at)];
    return i;
}

/** Refuses what is beyond MVP, bulk memory, sign extension and saturating conversions; with `refs` it
 *  takes reference types and multi-value, too. */
export function readModule(bytes, refs = false) {
    const m = { sections: new Map(), types: [], imports: 0, functions: [], bodies: [], globals: 0 };
    const r = new Reader(bytes, 8);
    while (r.more) {
        const id = r.u8();
        const content = r.take(r.u32());
        if (id) m.sections.set(id, content);
    }
    const open = (id, read) => {
        if (m.sections.has(id)) read(new Reader(m.sections.get(id)));
    };
    open(1, (s) => (m.types = s.vector(() => (s.u8(), { params: [...s.take(s.u32())], results: [...s.take(s.u32())] }))));
    for (const t of m.types)
        if (![...t.params, ...t.results].every((type) => TYPES.has(type))) throw new Refused('a type');
    open(2, (s) => s.vector(() => {
        s.take(s.u32()), s.take(s.u32());
        if (s.u8() !== 0) throw new Refused('an import that is no function');
        m.functions.push(s.u32());
        m.imports++;
    }));
    if (!m.sections.has(3) || !m.sections.has(10)) throw new Refused('no function section');
    open(3, (s) => m.functions.push(...s.vector(() => s.u32())));
    open(6, (s) => (m.globals = s.u32()));
    open(10, (s) => (m.bodies = s.vector(() => readBody(s.take(s.u32()), refs))));
    return m;
}

export function readBody(bytes, refs = false) {
    const r = new Reader(bytes, 0, refs), body = { code: [] };
    body.groups = r.vector(() => [r.u32(), r.u8()]);
    if (!body.groups.every(([, type]) => TYPES.has(type))) throw new Refused('a type');
    while (r.more) body.code.push(readInstruction(r));
    return body;
}

// --- writing --------------------------------------------------------------------------------------

const u32 = (value) => {
    const out = [];
    for (; value >= 0x80; value = Math.floor(value / 128)) out.push((value % 128) | 0x80);
    return [...out, value];
};
const s64 = (value) => {
    const out = [];
    for (value = BigInt(value); ;) {
        const byte = Number(value & 0x7fn);
        value >>= 7n;
        if ((value === 0n && !(byte & 0x40)) || (value === -1n && byte & 0x40)) return [...out, byte];
        out.push(byte | 0x80);
    }
};
const make = (op, ...raw) => ({ op, key: op, raw: [op, ...raw.flat()] });
const constant = (value) => ({ ...make(0x41, s64(value)), value: BigInt(value) });
const str = (text) => [...u32(text.length), ...Buffer.from(text)];

// --- the shape of modules (engine.md 2) -------------------------------------------------------------

const PAGES_MAX = 8192, ELEMENTS_MAX = 20000;

/** Limits of memories or tables, held to what one instance may have. */
function holdToLimits(m, id, limit) {
    if (!m.sections.has(id)) return;
    const r = new Reader(m.sections.get(id)), count = r.u32();
    if (count > 1) throw new Refused('more than one');
    const out = [count];
    if (count) {
        if (id === 4) out.push(r.u8());
        const hasMax = r.u8() & 1, min = r.u32(), max = hasMax ? r.u32() : limit;
        if (min > limit) throw new Refused('a minimum over the limit');
        out.push(1, ...u32(min), ...u32(Math.min(max, limit)));
    }
    m.sections.set(id, out);
}

// --- the stack limiter (engine.md 4) ----------------------------------------------------------------

// How many values the other instructions take and leave.
function effect(key) {
    if (typeof key === 'string') {
        const sub = Number(key.slice(2));
        if (sub < 8) return [1, 1];
        if (sub === 9 || sub === 13) return [0, 0];
        if (sub === 15) return [2, 1];
        if (sub === 16) return [0, 1];
        return [3, 0];
    }
    if (key === 0x01) return [0, 0];
    if (key === 0x1a || key === 0x21 || key === 0x24) return [1, 0];
    if (key === 0x20 || key === 0x23 || key === 0x3f || (key >= 0x41 && key <= 0x44)) return [0, 1];
    if (key === 0x22 || key === 0x25 || key === 0x40 || (key >= 0x28 && key <= 0x35)) return [1, 1];
    if (key === 0x26 || (key >= 0x36 && key <= 0x3e)) return [2, 0];
    const unary = key === 0x45 || key === 0x50 || (key >= 0x67 && key <= 0x69) || (key >= 0x79 && key <= 0x7b) ||
        (key >= 0x8b && key <= 0x91) || (key >= 0x99 && key <= 0x9f) || key >= 0xa7;
    return unary ? [1, 1] : [2, 1];
}

function stackCost(m, body, type, version) {
    let height = 2, max = 0;
    const results = m.types[type].results.length;
    const frames = [{ dead: false, end: results, branch: results, start: 0 }];
    const pop = (n) => {
        const top = frames.at(-1);
        if (!n) return;
        if (height === top.start) {
            if (top.dead) return;
            throw new Refused('underflow');
        }
        if (height < n) throw new Refused('underflow');
        height -= n;
    };
    const label = (l) => frames.at(-1 - l).branch;
    const die = () => (frames.at(-1).dead = true);
    for (const i of body.code) {
        if (height > max && !frames.at(-1).dead) max = height;
        switch (i.key) {
        case 0x00: die(); break;
        case 0x02: case 0x03: case 0x04: {
            if (i.op === 0x04) pop(1);
            const end = i.type === -64n ? 0 : 1;
            frames.push({ dead: false, end, branch: i.op === 0x03 ? 0 : end, start: height });
            break;
        }
        case 0x05: break;
        case 0x0b: {
            const frame = frames.pop();
            height = frame.start + frame.end;
            break;
        }
        case 0x0c: pop(label(i.index)), die(); break;
        case 0x0d: {
            const arity = label(i.index);
            pop(arity), pop(1), (height += arity);
            break;
        }
        case 0x0e:
            for (const l of i.labels) if (label(l) !== label(i.default)) throw new Refused('br_table');
            pop(label(i.default)), die();
            break;
        case 0x0f: pop(results), die(); break;
        case 0x10: case 0x11: {
            const t = m.types[i.op === 0x10 ? m.functions[i.index] : i.index];
            if (i.op === 0x11) pop(1);
            pop(t.params.length), (height += t.results.length);
            break;
        }
        case 0x1b: pop(2), pop(1), height++; break;
        default: {
            const [takes, leaves] = effect(i.key);
            pop(takes), (height += leaves);
        }
        }
    }
    const locals = version === 2 ? body.groups.reduce((sum, [n]) => sum + n, 0) : body.groups.length;
    return locals + max;
}

function limited(m, costs, target, counter, limit) {
    const cost = costs[target - m.imports];
    return [
        make(0x23, u32(counter)), constant(cost), make(0x6a), make(0x24, u32(counter)),
        make(0x23, u32(counter)), constant(limit), make(0x4b), { ...make(0x04, 0x40), type: -64n },
        make(0x00), make(0x0b), { ...make(0x10, u32(target)), index: target },
        make(0x23, u32(counter)), constant(cost), make(0x6b), make(0x24, u32(counter)),
    ];
}

/** Rewrites direct calls and adds thunks; returns a map from function to its thunk. */
function limitStack(m, counter, limit, version) {
    const costs = m.bodies.map((body, k) => stackCost(m, body, m.functions[m.imports + k], version));
    for (const body of m.bodies)
        body.code = body.code.flatMap((i) =>
            i.op === 0x10 && i.index >= m.imports ? limited(m, costs, i.index, counter, limit) : [i]);
    const thunks = new Map();
    const thunk = (f) => {
        if (f < m.imports) return f;
        if (!thunks.has(f)) {
            const type = m.functions[f];
            thunks.set(f, m.functions.length);
            m.functions.push(type);
            const code = m.types[type].params.map((_, k) => make(0x20, u32(k)));
            m.bodies.push({ groups: [], code: [...code, ...limited(m, costs, f, counter, limit), make(0x0b)] });
        }
        return thunks.get(f);
    };
    const redirect = (id, rewrite) => {
        if (m.sections.has(id)) m.sections.set(id, rewrite(new Reader(m.sections.get(id))));
    };
    redirect(7, (r) => [...vector(r.vector(() => {
        const name = r.take(r.u32()), kind = r.u8(), index = r.u32();
        return [...u32(name.length), ...name, kind, ...u32(kind === 0 ? thunk(index) : index)];
    }))]);
    redirect(8, (r) => u32(thunk(r.u32())));
    redirect(9, (r) => vector(r.vector(() => element(r, thunk))));
    return thunks;
}

const vector = (items) => [...u32(items.length), ...items.flat()];

function element(r, thunk) {
    const flags = r.u32(), out = [...u32(flags)];
    if (flags & 4) throw new Refused('expression items');
    if (!(flags & 1) && flags & 2) out.push(...u32(r.u32()));
    if (!(flags & 1)) {
        const offset = [];
        do offset.push(readInstruction(r)); while (offset.at(-1).op !== 0x0b);
        out.push(...offset.flatMap((i) => i.raw));
    }
    if (flags & 3) out.push(r.u8());
    return [...out, ...vector(r.vector(() => u32(thunk(r.u32()))))];
}

// --- gas (engine.md 5, 6) ---------------------------------------------------------------------------

/** The metered blocks of a body: a map from position to cost. Marks instructions whose operand is
 *  charged at run time with `dynamic`. */
export function meteredBlocks(code, version = 4) {
    const blocks = new Map();
    const stack = [{ lowest: 0, start: 0, cost: 0n, loop: false }];
    const finish = (pos) => {
        const top = stack.at(-1), parent = stack.at(-2), { start, cost } = top;
        top.start = pos + 1, top.cost = 0n;
        if (parent && parent.start === start) parent.cost += cost;
        else if (cost > 0n) blocks.set(start, cost);
    };
    const branch = (indices) => {
        for (const index of indices)
            if (!stack[index].loop) stack.at(-1).lowest = Math.min(stack.at(-1).lowest, index);
    };
    const target = (l) => stack.length - 1 - l;
    for (let pos = 0; pos < code.length; pos++) {
        const i = code[pos], top = stack.at(-1);
        if (!FREE.has(i.key)) top.cost += PRICE;
        const unit = version === 2 ? undefined : PER_UNIT[i.key], before = code[pos - 1];
        if (unit !== undefined && before?.op === 0x41) {
            if (before.value < 0n) throw new Refused('negative operand');
            top.cost += before.value * unit;
        } else if (unit !== undefined) {
            i.dynamic = unit;
        }
        switch (i.key) {
        case 0x02: stack.push({ lowest: stack.length, start: top.start, cost: 0n, loop: false }); break;
        case 0x03: stack.push({ lowest: stack.length, start: pos + 1, cost: 0n, loop: true }); break;
        case 0x04: stack.push({ lowest: stack.length, start: pos + 1, cost: 0n, loop: false }); break;
        case 0x05: finish(pos); break;
        case 0x0c: case 0x0d: finish(pos), branch([target(i.index)]); break;
        case 0x0e: finish(pos), branch([...i.labels, ...(version === 2 ? [i.default] : [])].map(target)); break;
        case 0x0f: finish(pos), branch([0]); break;
        case 0x0b: {
            finish(pos);
            const ended = stack.pop();
            if (!stack.length) return blocks;
            stack.at(-1).lowest = Math.min(stack.at(-1).lowest, ended.lowest);
            if (ended.lowest < stack.length) finish(pos);
            break;
        }
        }
    }
    return blocks;
}

// The type of an operation that may make a NaN.
function makesNan(key) {
    if ((key >= 0x8d && key <= 0x97) || key === 0xb6) return 0x7d;
    if ((key >= 0x9b && key <= 0xa5) || key === 0xbb) return 0x7c;
    return 0;
}

/** Writes a body with its charges and with canonical NaNs. */
function writeBody(m, body, type, blocks, gasFunction) {
    // three more locals: an i32, an f32, an f64
    const local = m.types[type].params.length + body.groups.reduce((sum, [n]) => sum + n, 0);
    const out = [], call = make(0x10, u32(gasFunction)).raw;
    body.code.forEach((i, pos) => {
        if (blocks.has(pos)) out.push(0x42, ...s64(blocks.get(pos)), ...call);
        if (i.dynamic !== undefined) // tee, extend_i32_u, times the unit, charge, get
            out.push(0x22, ...u32(local), 0xad, 0x42, ...s64(i.dynamic), 0x7e, ...call, 0x20, ...u32(local));
        for (const byte of i.raw) out.push(byte);
        const nan = makesNan(i.key);
        if (nan) { // x, the canonical NaN, x == x, select
            const at = u32(local + (nan === 0x7d ? 1 : 2));
            out.push(0x22, ...at);
            if (nan === 0x7d) out.push(0x43, 0, 0, 0xc0, 0x7f);
            else out.push(0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f);
            out.push(0x20, ...at, 0x20, ...at, nan === 0x7d ? 0x5b : 0x61, 0x1b);
        }
    });
    const groups = [...body.groups, [1, 0x7f], [1, 0x7d], [1, 0x7c]];
    const content = [...vector(groups.map(([n, t]) => [...u32(n), t])), ...out];
    return [...u32(content.length), ...content];
}

function writeModule(m) {
    const out = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]) {
        const content = m.sections.get(id);
        if (!content) continue;
        out.push(id, ...u32(content.length));
        for (const byte of content) out.push(byte);
    }
    return new Uint8Array(out);
}

/** Bytes of a valid module to one whose NaNs are canonical in any engine. */
export function canonicalise(bytes, refs) {
    const m = readModule(bytes, refs), none = new Map();
    m.sections.set(10, vector(m.bodies.map((body, k) => writeBody(m, body, m.functions[m.imports + k], none, 0))));
    return writeModule(m);
}

/** Bytes of a valid module to the bytes of what the network runs, with `milligas` to begin with and
 *  the stack limiter's `limit`; version 4 (nv18 and later) or 2 (nv17). */
export function instrument(bytes, milligas, limit, version = 4) {
    const m = readModule(bytes);
    if (m.types.some((t) => t.results.length > 1)) throw new Refused('multi-value');
    if (version === 4) holdToLimits(m, 4, ELEMENTS_MAX), holdToLimits(m, 5, PAGES_MAX);
    const height = m.globals, gas = m.globals + 1;
    limitStack(m, height, limit, version);

    // types: the gas function's at the end
    const gasType = m.types.length, gasFunction = m.functions.length;
    m.types.push({ params: [0x7e], results: [] });
    const bodies = m.bodies.map((body, k) =>
        writeBody(m, body, m.functions[m.imports + k], meteredBlocks(body.code, version), gasFunction));
    m.functions.push(gasType);
    // gas -= cost; if (gas < 0) unreachable
    const gasBody = [0, 0x23, ...u32(gas), 0x20, 0, 0x7d, 0x24, ...u32(gas),
        0x23, ...u32(gas), 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b, 0x0b];
    bodies.push([...u32(gasBody.length), ...gasBody]);

    const globals = [];
    if (m.sections.has(6)) {
        const r = new Reader(m.sections.get(6));
        r.u32();
        globals.push(...r.bytes.subarray(r.at));
    }
    const exports = new Reader(m.sections.get(7)), exportCount = exports.u32();
    m.sections.set(1, vector(m.types.map((t) => [0x60, ...vector(t.params), ...vector(t.results)])));
    m.sections.set(3, vector(m.functions.slice(m.imports).map((t) => u32(t))));
    m.sections.set(6, [...u32(m.globals + 2), ...globals, 0x7f, 1, 0x41, 0, 0x0b,
        0x7e, 1, 0x42, ...s64(milligas), 0x0b]);
    m.sections.set(7, [...u32(exportCount + 2), ...exports.bytes.slice(exports.at),
        ...str('gas'), 3, ...u32(gas), ...str('height'), 3, ...u32(height)]);
    m.sections.set(10, vector(bodies));
    return writeModule(m);
}
