#!/bin/bash
# Unpacks the sources of a crate into DIR, after checking its SHA-256. The crate comes from cargo's
# own cache if it is there, else cargo downloads it; cargo knows from where.
#   usage: scripts/fetch-crate.sh NAME VERSION SHA256 DIR
set -euo pipefail
if [ $# -ne 4 ]; then
    sed -n '2,4s/^# *//p' "$0" >&2
    exit 2
fi
name=$1 version=$2 want=$3 dir=$4
stamp=$dir/.sha256
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then exit 0; fi

# prints the path of the crate in cargo's cache, if its checksum is right
cached() {
    local file
    for file in "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"$name-$version.crate"; do
        [ -f "$file" ] || continue
        if echo "$want  $file" | sha256sum --check --status; then
            echo "$file"
            return
        fi
        echo "fetch-crate: $file has another checksum than $want" >&2
    done
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
crate=$(cached)
if [ -z "$crate" ]; then
    command -v cargo >/dev/null || {
        echo "fetch-crate: cargo is not installed (scripts/setup installs it)" >&2
        exit 1
    }
    mkdir "$tmp/src"
    : > "$tmp/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n' \
        "$name" "$version" > "$tmp/Cargo.toml"
    for attempt in 1 2 3; do
        cargo fetch --quiet --manifest-path "$tmp/Cargo.toml" && break
        [ $attempt = 3 ] || sleep $((attempt * 5))
    done
    crate=$(cached)
fi
if [ -z "$crate" ]; then
    echo "fetch-crate: $name $version with SHA-256 $want could not be had" >&2
    exit 1
fi
# Unpacked beside its place and then moved, so that two builds at a time do no harm.
mkdir -p "$(dirname "$dir")"
unpacked=$(mktemp -d "$dir.XXXXXX")
tar -xzf "$crate" -C "$unpacked" --strip-components=1
echo "$want" > "$unpacked/.sha256"
rm -rf "$dir"
mv -T "$unpacked" "$dir" 2>/dev/null || rm -rf "$unpacked" # another build was first
[ -f "$stamp" ]
