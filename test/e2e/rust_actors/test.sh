#!/bin/bash
# Builds two actors with Debian's Rust compiler for the web (scripts/packages-rust.txt) and the
# published fvm_sdk, and runs them. Without that compiler, or without the crates, it says so and exits
# with 77. Everything built stays in BUILD_DIR/rust-actors: the first time takes minutes.
# usage: test.sh BUILD_DIR TEST_PROGRAM FVM
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)/rust-actors
program=$2 fvm=$3
rustc=/usr/bin/rustc cargo=/usr/bin/cargo

skip() {
    echo "SKIPPED: rust-actors: $1"
    exit 77
}
[ -x $rustc ] && [ -x $cargo ] || skip "no $rustc and $cargo; see scripts/packages-rust.txt"
[ -f "$($rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ] ||
    skip "the standard library's sources are missing (package rust-web-src)"
linker=$(command -v wasm-ld-19 || command -v wasm-ld) || skip "no wasm-ld-19"

# A copy is built, so that cargo's lock file is not written into the source tree.
mkdir -p "$build"
rm -rf "$build/src"
cp -a "$here" "$build/src"
[ ! -f "$build/Cargo.lock" ] || cp "$build/Cargo.lock" "$build/src/"
cd "$build/src"
export RUSTC=$rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$build/target
# of the target alone: what cargo asks the compiler about the host must not get them
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Clinker=$linker -Clinker-flavor=wasm-ld"
[ -f Cargo.lock ] || $cargo fetch -q > "$build/fetch.log" 2>&1 ||
    skip "the crates cannot be had: $(tail -n 1 "$build/fetch.log")"
$cargo build -q --release --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
cp Cargo.lock "$build/"
wasm=$build/target/wasm32-unknown-unknown/release
$rustc --version
wc -c "$wasm/counter.wasm" "$wasm/ledger.wasm" | sed '$d'

FVM_RUST_ACTORS=$wasm "$program"

# the same by the command, twice: all of the receipt has to be the same
run() { "$fvm" run "$wasm/$1.wasm" --json --method "$2" "${@:3}" || [ $? = 1 ]; }
for call in "counter 1" "counter 5" "ledger 1" "ledger 7 --params 43616263" "ledger 8" "ledger 9"; do
    # shellcheck disable=SC2086
    want=$(run $call) got=$(run $call)
    [ "$got" = "$want" ] || { echo "FAIL: $call: $got, not $want"; exit 1; }
    echo "ok   $call: $want"
done
