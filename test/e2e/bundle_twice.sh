#!/bin/bash
# The embedded bundle is the same byte for byte wherever it is built: here a copy of the sources, in a
# folder of another name and depth, built without a compiler cache and compared with the build's own.
# usage: bundle_twice.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
source=$there/some/other/place
mkdir -p "$source"
git ls-files -z --cached --others --exclude-standard -- CMakeLists.txt CMakePresets.json actors bench cmake examples \
    include sdk src scripts test LICENSE-MIT | xargs -0 cp --parents -t "$source" 2>/dev/null || true
if [ -d .cache ]; then ln -s "$PWD/.cache" "$source/.cache"; fi
export CCACHE_DISABLE=1
cmake -S "$source" -B "$there/b" -G Ninja -DBUILD_TESTING=OFF > "$there/log" 2>&1 || { cat "$there/log"; exit 1; }
cmake --build "$there/b" --target fvm_bundle > "$there/log" 2>&1 || { tail -20 "$there/log"; exit 1; }
cmp "$there/b/embedded.car" "$build/embedded.car"
echo "same: $(sha256sum < "$build/embedded.car" | cut -c1-16) ($(stat -c %s "$build/embedded.car") bytes)"
