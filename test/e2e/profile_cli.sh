#!/bin/bash
# fvm profile and fvm run --profile as a user calls them: what they write is well-formed and adds up.
# usage: profile_cli.sh BUILD_DIR
set -u
build=$(cd "$1" && pwd)
vectors=$PWD/../shared/vectors/golden-kernel
fvm=$build/fvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
check() { # NAME COMMAND...   (succeeds)
    local name=$1
    shift
    if "$@" > out 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$name"
        head -5 out
    fi
}
code() { # CODE COMMAND...
    local want=$1 got
    shift
    "$@" && got=0 || got=$?
    [ "$got" = "$want" ]
}
well_formed() { # FILE: by a parser of somebody else's, if there is one
    if command -v xmllint > /dev/null; then
        xmllint --noout "$1"
    elif command -v python3 > /dev/null; then
        python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$1"
    else
        [ "$(grep -c '<g>' "$1")" -gt 0 ] && tail -1 "$1" | grep -q '</svg>'
    fi
}
sum_is() { # FILE GAS: the lines of folded stacks have the gas in milligas
    [ "$(awk '{ s += $NF } END { printf "%.0f", s }' "$1")" = "$2" ]
}

# counter.wasm with a name section that calls its entry <a&"b>;
cp "$build/actors/counter.wasm" named.wasm
entry=$("$fvm" wasm dis named.wasm | sed -n 's/.*(export "invoke" (func $\([0-9]*\).*/\1/p')
printf "\\x00\\x11\\x04name\\x01\\x0a\\x01\\x$(printf %02x "$entry")\\x07<a&\"b>;" >> named.wasm
run() { "$fvm" run named.wasm --method 2 --params 182a "$@"; }
check "a run with a profile ends as it does without" code 1 run --profile run.svg
check "the flame graph is well-formed" well_formed run.svg
check "hostile names are escaped" grep -q '&lt;a&amp;&quot;b&gt;;' run.svg
check "folded stacks by the file's name" code 1 run --profile run.folded
gas=$(run --json | sed 's/.*"gas_used":\([0-9]*\).*/\1/')
check "all frames together are the gas used" sum_is run.folded "$((gas * 1000))"
check "syscalls are frames" grep -q ';vm::exit;OnSyscall [0-9]*$' run.folded
check "JSON by the file's name" code 1 run --profile run.json
check "the total is in the JSON" grep -q "\"total\":$((gas * 1000))," run.json
check "a profile needs the interpreter" code 3 run --profile run.svg --engine jit
check "a file that cannot be written" code 4 run --profile /nowhere/run.svg

check "help has an example" bash -c "'$fvm' profile --help | grep -q 'fvm profile -o gas.svg'"
check "no file" code 2 "$fvm" profile
check "two formats" code 2 "$fvm" profile --json --folded x.json
check "a file that is not" code 3 "$fvm" profile nowhere.json
if [ -d "$vectors" ]; then
    vector=$vectors/send/send-receivers.json
    check "a vector's flame graph" "$fvm" profile -o vector.svg "$vector"
    check "it is well-formed" well_formed vector.svg
    check "folded stacks" bash -c "'$fvm' profile --folded '$vector' | grep -q ';send::send;'"
    gas=$("$fvm" profile --json "$vector" | sed -n 's/.*"total":\([0-9]*\),"frames".*/\1/p')
    "$fvm" profile --folded "$vector" > vector.folded
    check "formats agree" sum_is vector.folded "$gas"
    check "one message" bash -c "'$fvm' profile --message 0 --json '$vector' | grep -c kind...message | grep -qx 1"
    check "a message that is not" code 2 "$fvm" profile --message 9999 "$vector"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
