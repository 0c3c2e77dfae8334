// compare.mjs - compares what libfvm and V8 printed for a batch: node compare.mjs LIBFVM V8
// Prints the cases that differ and a line of counts; exits with 1 if there is a difference.
import { readFileSync } from 'node:fs';

function casesOf(path) {
    const cases = [];
    for (const line of readFileSync(path, 'latin1').split('\n')) {
        if (line.startsWith('case ')) cases.push([line.slice(5), []]);
        else if (line) cases.at(-1)[1].push(line);
    }
    return cases;
}

const ours = casesOf(process.argv[2]), theirs = casesOf(process.argv[3]);
const counts = { alike: 0, rejected: 0, exhausted: 0, beyond: 0, calls: 0, traps: 0, differ: 0 };
if (ours.length !== theirs.length) {
    console.log(`libfvm did ${ours.length} cases, V8 ${theirs.length}`);
    counts.differ++;
}
for (let i = 0; i < Math.min(ours.length, theirs.length); i++) {
    const [seed, a] = ours[i], [, b] = theirs[i];
    const exhausted = (lines) => lines.some((line) => line.includes('exhausted'));
    if (b[0].startsWith('beyond')) counts.beyond++; // a mutation hit a proposal that V8 has
    else if (a[0].startsWith('reject') && b[0].startsWith('reject')) counts.rejected++;
    else if (exhausted(a) || exhausted(b)) counts.exhausted++;
    else if (a.join('\n') === b.join('\n')) {
        counts.alike++;
        counts.calls += a.filter((line) => line.startsWith('call')).length;
        counts.traps += a.filter((line) => line.includes(' trap ')).length;
    } else {
        counts.differ++;
        let k = 0;
        while (a[k] === b[k]) k++;
        console.log(`DIFFERS seed ${seed}\n  libfvm: ${a[k]}\n  v8:     ${b[k]}`);
        const metered = a.indexOf('metered differs');
        if (metered >= 0) {
            let m = 0;
            while (a[m] === a[metered + 1 + m]) m++;
            console.log(`  unmetered: ${a[m]}\n  metered:   ${a[metered + 1 + m]}`);
        }
    }
}
console.log(Object.entries(counts).map(([name, n]) => `${n} ${name}`).join(', '));
process.exit(counts.differ ? 1 : 0);
