#!/bin/bash
# What issue 5 asks of engine and messages, beside peers in the same run: the reference (the fvm crate),
# V8's baseline compiler, wasmtime. One thread, pinned to CPU $FVM_BENCH_CPU (0), CPU time throughout.
# Peers are built on demand into $FVM_PEERS (fvm/peers in the user's cache): the crate takes half an
# hour of CPU the first time, so that is done only with FVM_BUILD_PEERS=1. What is missing is said.
#   usage: peers.sh
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fvm
peers=${FVM_PEERS:-$cache/peers}
bundle=$cache/bundles/mainnet-v17.car
vectors=../shared/vectors
wasmtime_version=36.0.0 # what the reference is built with
pin=(taskset -c "${FVM_BENCH_CPU:-0}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "peers: $*" >&2; }
if [ ! -d "$vectors/bench" ] || [ ! -f "$bundle" ]; then
    echo "SKIPPED: needs $vectors/bench and $bundle (fvm bundle import)"
    exit 0
fi
mapfile -t files < <(ls "$vectors"/bench/bench-*.json)
kernels=("$vectors"/bench/bench-wasm-{matrix,sha256,sieve,sort}.json)
build/bench/bench_actors --extract "$work"

# --- the reference ---
reference=$peers/release/fvm-peer
if [ "${FVM_BUILD_PEERS:-0}" = 1 ] && command -v cargo > /dev/null; then
    CARGO_TARGET_DIR=$peers nice -n 10 cargo build -q -j "${FVM_BUILD_JOBS:-1}" --release \
        --manifest-path bench/peers/fvm/Cargo.toml || say "the fvm crate could not be built"
fi
: > "$work/reference"
if [ -x "$reference" ]; then
    say "the reference compiles and runs"
    "${pin[@]}" "$reference" compile "$bundle" >> "$work/reference" || say "the reference failed to compile"
    "${pin[@]}" "$reference" messages "$bundle" "${files[@]}" >> "$work/reference" ||
        say "the reference disagrees about a vector"
else
    say "reference left out: not built (FVM_BUILD_PEERS=1 builds it, with cargo, once)"
fi

# --- V8 ---
: > "$work/v8"
if command -v node > /dev/null; then
    for _ in 1 2 3; do
        "${pin[@]}" node --liftoff-only --no-wasm-lazy-compilation bench/peers/v8/compile.js "$work" \
            >> "$work/v8" || say "V8 failed"
    done
else
    say "V8 left out: no node"
fi

# --- wasmtime ---
python=$peers/venv/bin/python
if [ ! -x "$python" ]; then
    { python3 -m venv "$peers/venv" && "$peers/venv/bin/pip" install -q "wasmtime==$wasmtime_version"; } ||
        say "wasmtime could not be installed"
fi
: > "$work/wasmtime"
if "$python" -c 'import wasmtime' 2> /dev/null; then
    "${pin[@]}" "$python" bench/peers/wasmtime/peer.py compile "$work" >> "$work/wasmtime" || say "wasmtime failed"
    "${pin[@]}" "$python" bench/peers/wasmtime/peer.py loops "${kernels[@]}" >> "$work/wasmtime" ||
        say "wasmtime failed"
else
    say "wasmtime left out"
fi

# --- ours ---
for _ in 1 2 3; do "${pin[@]}" build/bench/bench_actors >> "$work/actors"; done
"${pin[@]}" build/bench/bench_messages "${files[@]}" > "$work/messages"
"${pin[@]}" build/bench/bench_wasm > "$work/wasm"
"${pin[@]}" bench/loops.sh > "$work/loops"
corpus=$vectors/fvm-test-vectors/corpus/extracted/0002-hygge-01
: > "$work/corpus"
if [ -d "$corpus" ]; then
    TIMEFORMAT='%U %S'
    { time "${pin[@]}" build/fvm conformance --engine jit "$corpus" > "$work/corpus-says"; } 2> "$work/corpus-time"
    awk -v said="$(tail -1 "$work/corpus-says")" '{ print "corpus", $1 + $2, said }' "$work/corpus-time" > "$work/corpus"
fi
grep -h 'wrong\|failed' "$work/messages" >&2 || true

awk -v work="$work" -f bench/peers/table.awk "$work"/{reference,v8,wasmtime,actors,messages,wasm,loops,corpus}
