// run_v8.mjs - runs a batch (see wasm_diff.c) in node's V8: node run_v8.mjs BATCH [--metered[2]] > LINES
import { readFileSync, writeSync } from 'node:fs';
import { canonicalise, instrument, Refused } from './instrument.mjs';

const START_MILLIGAS = 2n ** 63n - 1n;
const version = { '--metered': 4, '--metered2': 2 }[process.argv[3]];
const metered = version !== undefined;

const batch = readFileSync(process.argv[2]);
let at = 0;
const u8 = () => batch[at++];
const u32 = () => ((at += 4), batch.readUInt32LE(at - 4));
const u64 = () => ((at += 8), batch.readBigUInt64LE(at - 8));
const str = () => {
    const n = u8();
    at += n;
    return batch.toString('latin1', at - n, at);
};

function takeCase() {
    const c = { seed: u64(), meterable: u8(), imports: [], calls: [] };
    const n = u32();
    c.wasm = batch.subarray(at, at + n);
    at += n;
    for (let i = u32(); i; i--)
        c.imports.push({ module: str(), name: str(), params: str(), result: String.fromCharCode(u8()) });
    for (let i = u32(); i; i--) {
        const call = { name: str(), params: str(), result: String.fromCharCode(u8()), milligas: u64(), args: [] };
        for (const type of call.params) call.args.push(fromBits(type, u64()));
        c.calls.push(call);
    }
    return c;
}

const scratch = new DataView(new ArrayBuffer(8));
function fromBits(type, bits) {
    scratch.setBigUint64(0, bits, true);
    switch (type) {
    case 'i': return scratch.getInt32(0, true);
    case 'l': return scratch.getBigInt64(0, true);
    case 'f': return scratch.getFloat32(0, true);
    default: return scratch.getFloat64(0, true);
    }
}
/** A value as its two 32-bit halves; a NaN as 0x7ff8. */
function halves(type, value) {
    scratch.setBigUint64(0, 0n);
    if (type === 'i') scratch.setInt32(0, value, true);
    else if (type === 'l') scratch.setBigInt64(0, value, true);
    else if (Number.isNaN(value)) scratch.setUint32(0, 0x7ff8, true);
    else if (type === 'f') scratch.setFloat32(0, value, true);
    else scratch.setFloat64(0, value, true);
    return [scratch.getUint32(0, true), scratch.getUint32(4, true)];
}
function show(type, value) {
    if (type === 'v') return 'void';
    if (type === 'r') return value === null ? 'ref null' : 'ref set';
    if ((type === 'f' || type === 'd') && Number.isNaN(value)) return 'nan';
    const [low, high] = halves(type, value);
    return ((BigInt(high) << 32n) | BigInt(low)).toString(16);
}

function stub(world, index) {
    const { module, params, result } = world.c.imports[index];
    const syscall = module !== 'host';
    const mix = (word) => {
        const s = Math.imul(world.state ^ word, 0x9e3779b1);
        world.state = (s ^ (s >>> 15)) >>> 0;
    };
    return (...args) => {
        mix(index);
        for (let i = 0; i < params.length; i++) halves(params[i], args[i]).forEach(mix);
        if (world.gas) {
            mix(Number(world.gas.value & 0xffffffffn));
            mix(Number((world.gas.value >> 32n) & 0xffffffffn));
        }
        const state = world.state;
        if (syscall && params[0] === 'i' && world.memory) {
            const bytes = new Uint8Array(world.memory.buffer), first = args[0] >>> 0;
            if (bytes.length >= 16 && first <= bytes.length - 16)
                for (let i = 0; i < 16; i++) bytes[first + i] = state >>> ((i % 4) * 8);
        }
        switch (result) {
        case 'i': return syscall ? ((state & 7) === 0 ? (state >>> 8) & 0xff : 0) : state | 0;
        case 'l': return syscall ? BigInt(state & 0xff) : BigInt.asIntN(64, (BigInt(state) << 32n) | BigInt(state));
        case 'v': return undefined;
        default: return state & 0xffff;
        }
    };
}

function kindOf(error, world) {
    const text = error.message;
    if (world.gas && text === 'unreachable') {
        if (world.gas.value < 0n) return 'gas';
        if (world.height.value >>> 0 > world.limit) return 'height';
    }
    if (error instanceof RangeError) return 'exhausted';
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    if (text.includes('unreachable')) return 'unreachable';
    if (text.includes('unrepresentable')) return 'overflow';
    if (text.includes('by zero')) return 'divide';
    if (text.includes('signature mismatch')) return 'indirect';
    if (text.includes('table') || text.includes('element')) return 'table';
    if (text.includes('memory') || text.includes('data segment')) return 'memory';
    return text;
}

function hash(memory) {
    const words = new Int32Array(memory.buffer);
    let h = 0x811c9dc5;
    for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i], 0x01000193);
    return (h >>> 0).toString(16);
}

function runCase(c, say) {
    const limit = c.seed % 3n ? 2048 : 10 + Number((c.seed / 3n) % 200n); // as in wasm_diff.c
    const world = { c, limit, state: 1, memory: null, gas: null, height: null }, imports = {};
    let module, instance;
    try {
        module = new WebAssembly.Module(c.wasm);
        const bytes = metered ? instrument(c.wasm, START_MILLIGAS, world.limit, version)
            : canonicalise(c.wasm, c.meterable === 0);
        module = new WebAssembly.Module(bytes);
    } catch (error) {
        if (error instanceof Refused) {
            say(metered ? `reject ${error.message}` : `beyond ${error.message}`);
            return;
        }
        if (!(error instanceof WebAssembly.CompileError)) throw error;
        say(`reject ${error.message}`);
        return;
    }
    c.imports.forEach((entry, index) => ((imports[entry.module] ??= {})[entry.name] = stub(world, index)));
    try {
        instance = new WebAssembly.Instance(module, imports);
    } catch (error) {
        if (!(error instanceof RangeError)) {
            if (!(error instanceof WebAssembly.RuntimeError)) throw error;
            say('start failed');
            return;
        }
        if (!error.message.includes('stack')) throw error; // no memory: of this process
        say('start exhausted');
        return;
    }
    say('start ok');
    world.memory = instance.exports.memory;
    if (metered) ({ gas: world.gas, height: world.height } = instance.exports);
    for (const call of c.calls) {
        let outcome;
        if (metered) world.gas.value = call.milligas;
        try {
            outcome = show(call.result, instance.exports[call.name](...call.args));
        } catch (error) {
            outcome = `trap ${kindOf(error, world)}`;
        }
        const gas = metered && world.gas.value >= 0n ? ` gas ${world.gas.value}` : '';
        say(`call ${call.name} ${outcome}${gas}`);
        if (outcome === 'trap exhausted') return;
        if (metered && outcome.startsWith('trap')) break;
    }
    const memory = world.memory;
    say(memory ? `end ${memory.buffer.byteLength / 65536} ${hash(memory)} ${world.state.toString(16)}`
        : `end 0 811c9dc5 ${world.state.toString(16)}`);
}

let lines = [], cases = 0;
while (at < batch.length) {
    const c = takeCase();
    if (metered && (!c.meterable || (version === 2 && c.meterable !== 3))) continue;
    lines.push(`case ${c.seed}`);
    runCase(c, (line) => lines.push(line));
    cases++;
    if (lines.length > 10000) {
        writeAll(lines.join('\n') + '\n');
        lines = [];
    }
}
writeAll(lines.length ? lines.join('\n') + '\n' : '');
console.error(`v8: ${cases} cases`);

function writeAll(text) {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length;) done += writeSync(1, bytes, done);
}
