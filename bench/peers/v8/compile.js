// Compiles every module of a folder once, by V8's baseline compiler:
//   node --liftoff-only --no-wasm-lazy-compilation compile.js FOLDER
// prints "compile BYTES SECONDS PEAK_KIB", CPU time of the process.
'use strict';
const fs = require('fs');
const path = require('path');

const folder = process.argv[2];
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.wasm'));
const inputs = files.map((name) => fs.readFileSync(path.join(folder, name)));
const modules = [];
const before = process.cpuUsage();
for (const wasm of inputs) modules.push(new WebAssembly.Module(wasm));
const used = process.cpuUsage(before);
const bytes = inputs.reduce((sum, wasm) => sum + wasm.length, 0);
const peak = process.resourceUsage().maxRSS;
console.log(`compile ${bytes} ${((used.user + used.system) / 1e6).toFixed(4)} ${peak}`);
