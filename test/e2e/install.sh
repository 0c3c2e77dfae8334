#!/bin/bash
# Installs the library into a scratch folder and uses it from there as a stranger would: the examples
# in C (shared and static), Python and Go, the exported symbols beside the headers, and the ABI table.
# usage: install.sh BUILD_DIR
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
# a fixed place, so that the Go cache below stays good
work=$build/e2e-install
rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$work/usr" > "$work/install.log"
lib=$(dirname "$(find "$work/usr" -name libfvm.so)")
export PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib"
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "SKIPPED $1: $2"; }
expect() { # NAME WANT GOT
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1"; diff <(echo "$2") <(echo "$3") || true; fi
}

# --- man pages and completion ---
for file in share/man/man1/fvm.1 share/man/man1/fvm-actor-invoke.1 share/bash-completion/completions/fvm \
    share/zsh/site-functions/_fvm share/fish/vendor_completions.d/fvm.fish; do
    if [ -s "$work/usr/$file" ]; then ok "$file"; else bad "$file"; fi
done

# --- symbols: exactly those that the headers mark FVM_API ---
headers=$(cat "$work"/usr/include/fvm/*.h | tr '\n' ' ' |
    grep -o 'FVM_API [^;{]*(' | sed -E 's/\(.*//' | grep -oE 'fvm_[a-z0-9_]+$' | sort -u)
exported=$(nm -D --defined-only "$lib/libfvm.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u)
expect "symbols exported are those of the headers" "$headers" "$exported"

# --- each header compiles on its own, as C and as C++ ---
for header in "$work"/usr/include/fvm/*.h; do
    name=fvm/$(basename "$header")
    for compiler in "gcc -xc -std=c11" "clang-19 -xc -std=c11" "g++ -xc++ -std=c++17"; do
        command -v ${compiler%% *} > /dev/null || { skip "$name" "no ${compiler%% *}"; continue; }
        if echo "#include <$name>" | $compiler -Wall -Wextra -Werror -fsyntax-only \
            -I"$work/usr/include" -; then ok "$name by ${compiler%% *}"; else bad "$name by ${compiler%% *}"; fi
    done
done

# --- the ABI: sizes and offsets of public structs beside the checked-in table ---
"$source/test/e2e/abi.sh" "$work/usr/include" > "$work/abi.txt"
expect "ABI is that of test/e2e/abi.txt" "$(cat "$source/test/e2e/abi.txt")" "$(cat "$work/abi.txt")"

# --- examples ---
for actor in examples/upper_actor examples/dice_actor test/e2e/wild_actor; do
    clang-19 --target=wasm32 -mcpu=mvp -mbulk-memory -msign-ext -O2 -nostdlib -Wl,--no-entry \
        -o "$work/$(basename $actor).wasm" "$source/$actor.c"
done
cc_flags="-std=c11 -Wall -Wextra -Werror"
gcc $cc_flags "$source/examples/ipld_transform.c" $(pkg-config --cflags --libs fvm) -o "$work/transform"
want=$("$work/transform" "$work/upper_actor.wasm" hello world)
case "$want" in
"exit 0, gas "*$'\n'"  HELLO"$'\n'"  WORLD") ok "ipld_transform, shared" ;;
*) bad "ipld_transform, shared: $want" ;;
esac
gcc $cc_flags "$source/examples/ipld_transform.c" $(pkg-config --cflags fvm) "$lib/libfvm.a" \
    $(pkg-config --static --libs fvm | sed 's/-lfvm//') -o "$work/transform-static"
expect "ipld_transform, static" "$want" "$("$work/transform-static" "$work/upper_actor.wasm" hello world)"
expect "ipld_transform, Python" "$want" "$(python3 "$source/examples/python/ipld_transform.py" \
    "$lib/libfvm.so" "$work/upper_actor.wasm" hello world)"
if command -v go > /dev/null; then
    # a cache of its own: Go keys what cgo made by its own flags, not by what pkg-config said
    (cd "$source/examples/go" && GOCACHE="$build/e2e-go-cache" GOFLAGS=-buildvcs=false go build -o "$work/transform-go" .) || true
    expect "ipld_transform, Go" "$want" "$("$work/transform-go" "$work/upper_actor.wasm" hello world)"
    (cd "$source/test/e2e/go_signals" && GOCACHE="$build/e2e-go-cache" GOFLAGS=-buildvcs=false go build -o "$work/go-signals" .) || true
    expect "traps and panics in turn, Go" "exit 4, 0 of 800 wrong" "$("$work/go-signals" "$work/wild_actor.wasm")"
else
    skip "ipld_transform, Go" "no go on the PATH"
    skip "traps and panics in turn, Go" "no go on the PATH"
fi
gcc $cc_flags "$source/examples/embedder.c" $(pkg-config --cflags --libs fvm) -o "$work/embedder"
got=$("$work/embedder" "$work/dice_actor.wasm")
dice=$(for i in $(seq 0 31); do printf '%02x' $((6 + i * 7 & 255)); done)
case "$got" in
"exit 0, gas "*" dice $dice"$'\n'"state bafy2bzace"*) ok "embedder" ;;
*) bad "embedder: $got" ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
