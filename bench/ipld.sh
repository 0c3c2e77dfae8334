#!/bin/bash
# bench_ipld beside the reference's crates, built on demand in bench/peers/ipld (needs cargo; without
# it our figures are printed alone, and that is said). usage: ipld.sh [MAX_ENTRIES]
set -euo pipefail
cd "$(dirname "$0")/.."
max=${1:-1000000}
pin=""
command -v taskset > /dev/null && pin="taskset -c 0"
ours=$($pin build/bench/bench_ipld "$max")
if command -v cargo > /dev/null &&
    CARGO_TARGET_DIR=build/peers cargo build -q --release --manifest-path bench/peers/ipld/Cargo.toml; then
    theirs=$($pin build/peers/release/ipld-peer "$max")
else
    echo "peer left out: no cargo, or its crates cannot be had"
    theirs=""
fi
# growth: ns per entry beside the same at 1000 entries; theory: logarithm to the base of the width
awk -v theirs="$theirs" 'BEGIN {
    count = split(theirs, line, "\n")
    for (i = 1; i <= count; i++) { split(line[i], f, " "); peer[f[1] " " f[2] " " f[3]] = f[4] }
    printf "%-6s %-8s %9s %12s %12s %9s %8s %8s\n", "what", "work", "entries", "ns/entry", "crate ns", "speed-up", "growth", "theory"
}
{
    at = $1 " " $2 " " $3
    if ($2 == "root") {
        if ((at in peer) && peer[at] != $4) { print $1 " of " $3 ": root " $4 ", the crate has " peer[at]; bad = 1 }
        next
    }
    if ($3 == 1000) first[$1 " " $2] = $4
    p = (at in peer) ? peer[at] : "-"
    ratio = (at in peer) ? sprintf("%.2fx", peer[at] / $4) : "-"
    printf "%-6s %-8s %9d %12.1f %12s %9s %7.2fx %7.2fx\n", $1, $2, $3, $4, p, ratio, $4 / first[$1 " " $2], log($3) / log(1000)
}
END { exit bad }' <<< "$ours"
