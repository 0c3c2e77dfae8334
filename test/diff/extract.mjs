// extract.mjs - writes the wasm modules that message vectors carry: node extract.mjs OUT_DIR VECTORS...
// VECTORS are JSON files or folders of them, in the format of fvm-test-vectors: `car` is base64 of a
// gzip of a CAR. The blocks that start like a module are written once each, by their content.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const [out, ...places] = process.argv.slice(2);
const seen = new Set();

function* files(place) {
    if (statSync(place).isDirectory())
        for (const name of readdirSync(place).sort()) yield* files(join(place, name));
    else if (place.endsWith('.json') && !place.endsWith('.trace.json')) yield place;
}

function varint(bytes, at) {
    let value = 0;
    for (let shift = 0; ; shift += 7, at++) {
        value += (bytes[at] & 0x7f) * 2 ** shift;
        if (bytes[at] < 0x80) return [value, at + 1];
    }
}

/** The data of a CAR's blocks. */
function* blocks(car) {
    let [length, at] = varint(car, 0);
    at += length; // the header
    while (at < car.length) {
        [length, at] = varint(car, at);
        const section = car.subarray(at, at + length);
        at += length;
        let p = 0, digest;
        if (section[0] === 0x12 && section[1] === 0x20) {
            p = 34; // a CID of version 0
        } else {
            for (let i = 0; i < 3; i++) [, p] = varint(section, p); // version, codec, hash
            [digest, p] = varint(section, p);
            p += digest;
        }
        yield section.subarray(p);
    }
}

mkdirSync(out, { recursive: true });
for (const place of places)
    for (const file of files(place)) {
        const vector = JSON.parse(readFileSync(file, 'utf8').replace(/[\u0000-\u001f]/g, ' '));
        if (typeof vector.car !== 'string') continue;
        for (const block of blocks(gunzipSync(Buffer.from(vector.car, 'base64')))) {
            if (block.length < 8 || block.readUInt32BE(0) !== 0x0061736d) continue;
            const name = createHash('sha256').update(block).digest('hex').slice(0, 16);
            if (seen.has(name)) continue;
            seen.add(name);
            writeFileSync(join(out, `${name}.wasm`), block);
        }
    }
console.error(`${seen.size} modules`);
