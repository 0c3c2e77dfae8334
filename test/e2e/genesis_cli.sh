#!/bin/bash
# `fvm genesis` and `fvm bundle show embedded` from the outside.
# usage: genesis_cli.sh BUILD_DIR
set -euo pipefail
fvm=$1/fvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "genesis_cli: $1"; exit 1; }

options=(--account 0x52963ef50e27e06d72d59fcb4f3c2a687be3cfef=1000FIL
    --account f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq=5FIL
    --multisig f0100,f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq:2=7FIL --reward 10FIL --chain-id 1234 --nv 25)
"$fvm" genesis "${options[@]}" -o "$work/a.car" > "$work/a"
"$fvm" genesis "${options[@]}" -o "$work/b.car" > "$work/b"
cmp "$work/a" "$work/b"
cmp "$work/a.car" "$work/b.car"
"$fvm" car verify "$work/a.car" --links > /dev/null
root=$(sed -n 's/^state root *//p' "$work/a")
[ -n "$root" ] || fail "no state root"
"$fvm" genesis "${options[@]}" --json > "$work/json"
python3 - "$work/json" "$root" <<'PY'
import json, sys
g = json.load(open(sys.argv[1]))
assert g["state_root"] == sys.argv[2], "another root"
assert (g["chain_id"], g["network_version"], g["bundle"]) == (1234, 25, "embedded")
assert [a["id"] for a in g["accounts"]] == [100, 101, 102]
assert g["accounts"][2]["address"].startswith("f2")
PY
"$fvm" bundle show embedded --json > "$work/json"
python3 - "$work/json" <<'PY'
import json, sys
actors = json.load(open(sys.argv[1]))["actors"]
assert len(actors) == 16 and all(set(a) == {"name", "bytes", "cid"} for a in actors)
assert [a["name"] for a in actors[:4]] == ["system", "init", "cron", "account"]
PY
refused() { # expected exit code, options...
    local want=$1 got=0
    shift
    "$fvm" genesis "$@" > "$work/out" 2> "$work/err" || got=$?
    [ "$got" = "$want" ] || fail "$*: exit code $got instead of $want"
    [ -s "$work/err" ] || fail "$*: no words"
}
refused 2 --account f0100
refused 2 --account f0100=5
refused 2 --account nobody=5FIL
refused 2 --multisig f0100=5FIL
refused 2 something
refused 3 --account f0100=5FIL
refused 3 --bundle mainnet-v9999
refused 3 --nv 17
echo "genesis_cli: good"
