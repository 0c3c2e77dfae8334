#!/bin/bash
# The node beside anvil, in one run: start, memory, transfers and calls over HTTP (test/clients/bench.mjs with
# the load of bench_node). Arguments: marks, numbers of transactions at which rates are told (3000,30000,100000).
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
test/clients/run build/fvm bench "$PWD/build/bench/bench_node" "$@" || status=$?
[ $status = 77 ] && exit 0 # said why: no Node.js, or no network for its packages
exit $status
