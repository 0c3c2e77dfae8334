#!/bin/sh
# Compares libfvm's wasm engine with node's V8 on random modules, and on the corpus; and its
# interpreter with its compiler, where there is one.
#
# usage: run.sh [--build DIR] [--seconds N | --batches N] [--seed N] [--cases N] [--out DIR]
#
#   --build DIR    where CMake built it (default: build)
#   --seconds N    make and compare batches until N seconds have passed
#   --batches N    or that many batches, the same ones every time (default: 8)
#   --seed N       of the first case (default: 1; with --seconds: the time)
#   --cases N      per batch (default: 400)
#   --out DIR      scratch space and findings (default: BUILD/test/diff)
#
# Half of the cases mutate the modules which the message vectors in ../shared/vectors carry; without
# those all are generated. Exit code: 0 no difference, 1 differences (kept in OUT/findings), 77
# skipped, as there is no node (18 or later).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build seconds='' batches=8 seed='' cases=400 out=''
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 ;;
    --seconds) seconds=$2 ;;
    --batches) batches=$2 ;;
    --seed) seed=$2 ;;
    --cases) cases=$2 ;;
    --out) out=$2 ;;
    *) sed -n '2,/^set/p' "$0" | grep '^#' >&2; exit 2 ;;
    esac
    shift 2 || exit 2
done
out=${out:-$build/test/diff}
seed=${seed:-${seconds:+$(date +%s)000000}}
seed=${seed:-1}
diff=$build/test/diff/wasm_diff

if ! command -v node >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0] >= 18')" != true ]; then
    echo "SKIPPED: comparing with V8 needs node 18 or later on the PATH" >&2
    exit 77
fi
mkdir -p "$out/findings"
vectors=$root/../shared/vectors
if [ -d "$vectors" ] && [ ! -d "$out/modules" ]; then
    node "$here/extract.mjs" "$out/modules.new" "$vectors/golden-kernel" "$vectors/bench" || exit 2
    mv "$out/modules.new" "$out/modules"
fi
set --
[ -d "$out/modules" ] && set -- "$out"/modules/*.wasm

failures=0 run=0
# Runs one batch on both sides, unmetered and metered as now and as nv17: compare NAME FILE
compare() {
    for mode in run metered metered2; do
        flag=''
        [ $mode = run ] || flag=--$mode
        "$diff" $mode "$2" >"$out/libfvm.txt" 2>"$out/libfvm.log" || tail -n 3 "$out/libfvm.log"
        node "$here/run_v8.mjs" "$2" $flag >"$out/v8.txt" 2>"$out/v8.log" || tail -n 3 "$out/v8.log"
        if ! node "$here/compare.mjs" "$out/libfvm.txt" "$out/v8.txt" >"$out/result.txt"; then
            failures=$((failures + 1))
            echo "FINDING in $1 ($mode)"
            cat "$out/result.txt"
            cp "$2" "$out/findings/$1.batch"
            cp "$out/result.txt" "$out/findings/$1-$mode.txt"
        fi
        tail -n 1 "$out/result.txt" >>"$out/totals-$mode.txt"
    done
}

# Interpreter against compiler, with gas running short at many points: engines NAME FILE
engines() {
    "$diff" engines "$2" >"$out/engines.txt" 2>"$out/engines.log"
    status=$?
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then
        failures=$((failures + 1))
        echo "FINDING in $1 (interpreter and compiler)"
        head -c 4000 "$out/engines.txt"
        tail -n 3 "$out/engines.log"
        cp "$2" "$out/findings/$1.batch"
        cp "$out/engines.txt" "$out/findings/$1-engines.txt"
    fi
    tail -n 1 "$out/engines.txt" >>"$out/totals-engines.txt"
}

start=$(date +%s)
: >"$out/totals-run.txt"
: >"$out/totals-metered.txt"
: >"$out/totals-metered2.txt"
: >"$out/totals-engines.txt"
cat "$here"/corpus/*.batch >"$out/batch" && compare corpus "$out/batch" && engines corpus "$out/batch"
while if [ -n "$seconds" ]; then [ $(($(date +%s) - start)) -lt "$seconds" ]; else [ $run -lt "$batches" ]; fi; do
    "$diff" gen "$out/batch" "$seed" "$cases" "$@" || exit 2
    compare "seed-$seed" "$out/batch"
    # each case is run a few dozen times, so only some of them
    "$diff" gen "$out/batch" "$seed" $((cases / 10)) "$@" && engines "seed-$seed" "$out/batch"
    seed=$((seed + cases))
    run=$((run + 1))
done
# "12 alike, 3 rejected, ..." summed by word
for mode in run metered metered2; do
    awk -v s=$(($(date +%s) - start)) -v f=$failures -v m=$mode '
        { for (i = 1; i < NF; i += 2) {
              w = $(i + 1); sub(",", "", w); if (!(w in n)) order[++k] = w; n[w] += $i } }
        END { printf "wasm-diff-v8 %s: %d s", m == "run" ? "unmetered" : m, s
              for (i = 1; i <= k; i++) printf ", %d %s", n[order[i]], order[i]; printf "\n" }
    ' "$out/totals-$mode.txt"
done
awk '{ c += $4; r += $6; d += $8 } END { if (NR) printf "interpreter and compiler: %d cases, %d runs, %d differ\n", c, r, d }' \
    "$out/totals-engines.txt"
echo "$failures batches with findings"
[ $failures -eq 0 ]
