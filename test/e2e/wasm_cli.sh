#!/bin/bash
# fvm wasm as a user calls it: check, compile, run, dis; and the folder of compiled modules.
# usage: wasm_cli.sh BUILD_DIR
set -u
# shellcheck source=expect
. "$(dirname "$0")/expect"
build=$(cd "$1" && pwd)
fvm=$build/fvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# (module (func $fib (export "fib") (param i32) (result i32) ...recursive...)
#   (func (export "div") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
#   (func (export "f") (param f32 f64) (result f64)
#     (f64.add (f64.promote_f32 (local.get 0)) (local.get 1))))
printf '%b' '\x00\x61\x73\x6d\x01\x00\x00\x00\x01\x12\x03\x60\x01\x7f\x01\x7f\x60\x02\x7e\x7e\x01\x7e\x60\x02' \
    '\x7d\x7c\x01\x7c\x03\x04\x03\x00\x01\x02\x07\x11\x03\x03\x66\x69\x62\x00\x00\x03\x64\x69\x76\x00' \
    '\x01\x01\x66\x00\x02\x0a\x2f\x03\x1c\x00\x20\x00\x41\x02\x49\x04\x7f\x20\x00\x05\x20\x00\x41\x01' \
    '\x6b\x10\x00\x20\x00\x41\x02\x6b\x10\x00\x6a\x0b\x0b\x07\x00\x20\x00\x20\x01\x7f\x0b\x08\x00\x20' \
    '\x00\xbb\x20\x01\xa0\x0b\x00\x16\x04\x6e\x61\x6d\x65\x01\x06\x01\x00\x03\x66\x69\x62\x02\x07\x03' \
    '\x00\x00\x01\x00\x02\x00' > fib.wasm
head -c 60 fib.wasm > short.wasm
counter=$build/actors/counter.wasm

# --- check ---
expect "check says what is in a module" 0 'fib.wasm: valid: 3 functions, 0 imports, 3 exports, * bytes of code' \
    "$fvm" wasm check fib.wasm
expect "check says what is wrong and where" 1 '*short.wasm: *at byte 55?' "$fvm" wasm check short.wasm
expect "check goes on after a bad module" 1 'short.wasm: *fib.wasm: valid*' "$fvm" wasm check short.wasm fib.wasm
expect "check in JSON" 1 '{"detail":"*","error":"*","file":"short.wasm","valid":false}' \
    "$fvm" wasm check --json short.wasm
expect "check names imports that are not offered" 0 '*valid*version 17 does not offer its import vm::exit*' \
    "$fvm" wasm check --network 17 "$counter"
expect "a network that is not" 2 '*versions 17 to 29*' "$fvm" wasm check --network 3 fib.wasm
expect "a file that is not" 3 '*nowhere.wasm*' "$fvm" wasm check nowhere.wasm

# --- compile ---
expect "compile says nothing" 0 '' "$fvm" wasm compile fib.wasm "$counter"
for engine in interp jit; do
    expect "compile with figures, $engine" 0 'fib.wasm: * bytes, code section *, machine code *, 3 functions, * ms of CPU*total: *' \
        "$fvm" wasm compile --engine $engine --stats fib.wasm "$counter"
done
expect "compile with figures in JSON" 0 '{"code_section_bytes":*,"cpu_seconds":*,"functions":3,*' \
    "$fvm" wasm compile --stats --json fib.wasm
expect "compile of what is no module" 3 '*at byte*' "$fvm" wasm compile short.wasm

# --- run ---
for engine in interp jit; do
    expect "results and gas, $engine" 0 $'6765\ngas used: 1838836.000' \
        "$fvm" wasm run fib.wasm --engine $engine --invoke fib 20
    expect "a trap, $engine" 1 $'*integer divide by zero\ngas used: 72.000' \
        "$fvm" wasm run fib.wasm --engine $engine --invoke div 1 0
    expect "out of gas, $engine" 1 $'*out of gas\ngas used: 1000.000' \
        "$fvm" wasm run fib.wasm --engine $engine --gas-limit 1000 --invoke fib 20
done
expect "negative numbers" 0 $'-3\n*' "$fvm" wasm run fib.wasm --invoke div -- -7 2
expect "numbers with a point" 0 $'3.75\n*' "$fvm" wasm run fib.wasm --invoke f 1.5 2.25
expect "without gas" 0 '55' "$fvm" wasm run fib.wasm --network standard --invoke fib 10
expect "results in JSON" 0 '{"gas_used_milligas":14860000,"results":\[{"type":"i32","value":"55"}\]}' \
    "$fvm" wasm run fib.wasm --json --invoke fib 10
expect "too few arguments" 2 '*takes 1 arguments (i32), not 0' "$fvm" wasm run fib.wasm --invoke fib
expect "an argument that is no number" 2 "*'2x' is no i32" "$fvm" wasm run fib.wasm --invoke fib 2x
expect "a number that is too large" 2 "*is no i32" "$fvm" wasm run fib.wasm --invoke fib 4294967296
expect "an export that is not" 2 "*exports no function 'nope'" "$fvm" wasm run fib.wasm --invoke nope
expect "imports have nobody to offer them" 1 '*imports what is not offered*' \
    "$fvm" wasm run "$counter" --invoke invoke 0

# --- dis ---
expect "a listing with gas" 0 '?module*?func $0 "fib"*;; block: 16000 milligas*i32.lt_u*;; block: 132000 milligas*call 0 ?;"fib";?*' \
    "$fvm" wasm dis fib.wasm
expect "one function" 0 '*?func $1 ?param i64 i64? ?result i64?*i64.div_s*' "$fvm" wasm dis --func 1 fib.wasm
expect "a function that is not" 3 '*no function 9 is defined there' "$fvm" wasm dis --func 9 fib.wasm
expect "help has an example" 0 '*fvm wasm compile --stats actor.wasm*' "$fvm" wasm --help
expect "a hint for a mistyped action" 2 "*Did you mean 'compile'*" "$fvm" wasm compil fib.wasm

# --- the folder of compiled modules ---
# (the method aborts: exit code 1)
run() { "$fvm" run "$counter" --method 2 --params 182a --json --engine jit "$@"; }
want=$(run)
expect "compiled modules go to a folder" 1 "$want" run --code-cache kept
expect "the folder is the user's alone" 0 '700' stat -c %a kept
expect "the files, too" 0 '600' bash -c 'stat -c %a kept/*.fvmcode | sort -u'
expect "the second run has the same result" 1 "$want" run --code-cache kept
for file in kept/*.fvmcode; do printf 'X' | dd of="$file" bs=1 seek=1000 conv=notrunc status=none; done
expect "damaged files are not run" 1 "$want" run --code-cache kept
chmod 777 kept
expect "a folder of others is refused" 3 '*must belong to you*' run --code-cache kept

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
