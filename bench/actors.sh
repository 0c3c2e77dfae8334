#!/bin/bash
# The built-in actors beside mainnet's: what they cost (bench/actors/cost.c; a bar of issue 6 that is missed is an
# error), then how long they take to compile. usage: actors.sh
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
build/bench/actors_cost --time || status=$?
[ $status -ne 77 ] || status=0 # no bundle to compare with, as was said
for bundle in embedded mainnet-v18; do
    echo
    echo "compiling $bundle: modules, bytes, seconds of CPU, bytes of machine code, peak KiB"
    build/bench/bench_actors $bundle
done
exit $status
