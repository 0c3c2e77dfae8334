#!/bin/sh
# Builds the converter of the core suite and runs it: convert.sh BUILD_DIR
# Makes BUILD_DIR/scripts. Downloads its crates once; afterwards works without a network.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$build/convert
command -v cargo >/dev/null || { echo "convert.sh: cargo (1.93 or later) is not on the PATH" >&2; exit 1; }
mkdir -p "$work"
if ! cmp -s "$here/convert/Cargo.lock.in" "$work/Cargo.lock.in"; then
    rm -rf "$work"
    mkdir -p "$work"
fi
cp -rp "$here/convert/." "$work"
# The lock file pins versions and checksums. It has to name the registry, too: what name cargo uses
# for that is asked of cargo.
if [ ! -e "$work/Cargo.lock.made" ]; then
    cargo generate-lockfile --quiet --manifest-path "$work/Cargo.toml"
    registry=$(sed -n 's/^source = "\(.*\)"$/\1/p' "$work/Cargo.lock" | sort -u | head -n 1)
    sed "s|@REGISTRY@|$registry|" "$work/Cargo.lock.in" >"$work/Cargo.lock"
    touch "$work/Cargo.lock.made"
fi
run_cargo() {
    cargo build --quiet --release --locked "$@" \
        --manifest-path "$work/Cargo.toml" --target-dir "$build/target"
}
run_cargo --offline 2>/dev/null || run_cargo
binary=$build/target/release/fvm-wast-convert
if [ ! -e "$build/scripts/done" ] || [ "$binary" -nt "$build/scripts/done" ]; then
    rm -rf "$build/scripts"
    "$binary" "$build/scripts"
    touch "$build/scripts/done"
fi
