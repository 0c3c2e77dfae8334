#!/bin/bash
# bench_loops, with the native times of the same C beside it where clang and the source are there.
set -euo pipefail
cd "$(dirname "$0")/.."
source=../shared/vectors/bench/bench.c native=build/bench/native
if [ -f $source ] && command -v clang-19 > /dev/null; then
    clang-19 -O2 -march=native -w -fno-pie -c $source -o build/bench/native-loops.o
    clang-19 -O2 -w -fno-pie -no-pie -static -o $native bench/native.c build/bench/native-loops.o
    exec build/bench/bench_loops --native $native "$@"
fi
exec build/bench/bench_loops "$@"
