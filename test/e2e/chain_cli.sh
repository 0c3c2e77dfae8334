#!/bin/bash
# fvm chain on the folder of a node: show, verify, export, import; and what is refused.
# usage: chain_cli.sh BUILD_DIR
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=expect
. "$here/expect"
# shellcheck source=node
. "$here/node"
fvm=$(cd "$1" && pwd)/fvm
work=$(mktemp -d)
trap 'stop_node; rm -rf "$work"' EXIT
cd "$work" || exit 1
unset FVM_RPC
nobody=0x00000000000000000000000000000000000000aa

start_node --data data
for i in 1 2 3; do
    expect "a transfer, $i" 0 '*status       ok*' "$fvm" send "$nobody" "${i}atto" --rpc "$url"
done
expect "a folder that a node has open" 3 '*' "$fvm" chain export data out.car
# killed, not asked to stop
stop_node KILL

expect "what a killed node left" 0 'network     libfvm, version *head        3*state root  bafy*' "$fvm" chain show data
expect "in JSON" 0 '{"block":"bafy*"head":3,*' "$fvm" chain show data --json
expect "verified on both engines" 0 'jit: 4 tipsets, 3 messages, * 0 problems*interp: 4 tipsets, 3 messages, * 0 problems' \
    "$fvm" chain verify data --engine both
expect "verified, in JSON" 0 '{"edits":*"engine":"interp"*"problems":0,*' "$fvm" chain verify data --engine interp --json
expect "exported" 0 '' "$fvm" chain export data out.car
expect "an archive as any" 0 '*problems: 0' "$fvm" car verify out.car
expect "imported" 0 '' "$fvm" chain import copy out.car
expect "the same chain" 0 "$("$fvm" chain show data)" "$fvm" chain show copy
expect "the copy is right, too" 0 '*3 messages, * 0 problems' "$fvm" chain verify copy
expect "exported, in JSON" 0 '{"block":"bafy*","file":"again.car","head":3}' "$fvm" chain export data again.car --json
expect "the same bytes" 0 '' cmp out.car again.car
expect "imported, in JSON" 0 '{"block":"bafy*","file":"again.car","head":3}' "$fvm" chain import third again.car --json
expect "an error, in JSON" 3 '*{"error":"*a chain in that folder already"}' "$fvm" chain import third again.car --json
expect "there is one already" 3 '*a chain in that folder already*' "$fvm" chain import copy out.car
head -c 100000 out.car > cut.car
expect "an archive that is cut off" 3 '*cut.car*' "$fvm" chain import other cut.car
expect "no archive" 3 '*' "$fvm" chain import other nothing.car
expect "no folder" 3 '*' "$fvm" chain show nothing
expect "no engine" 2 '*is no engine*' "$fvm" chain verify data --engine v8
expect "a word too few" 2 '*an argument is missing*' "$fvm" chain export data
expect "a word too many" 2 '*too many arguments*' "$fvm" chain show data data
expect "nothing" 2 "*'fvm chain --help'*" "$fvm" chain
expect "an unknown word" 2 "*Did you mean 'verify'*" "$fvm" chain verifi data
expect "help" 0 'Usage: fvm chain show*' "$fvm" chain --help

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
