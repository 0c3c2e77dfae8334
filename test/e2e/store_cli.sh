#!/bin/bash
# The commands about blocks as a user calls them: fvm bundle, fvm car, fvm ipld. Each line of `expect`
# is a behaviour: exit code and output.
# usage: store_cli.sh BUILD_DIR
set -u
# shellcheck source=expect
. "$(dirname "$0")/expect"
fvm=$(cd "$1" && pwd)/fvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
cd "$work" || exit 1
cid() { "$fvm" ipld cid make "$@"; }
link() { printf '{"/":"%s"}' "$1"; }

# --- a bundle, made with the tools themselves ---
names=(system init cron)
actors=""
for name in "${names[@]}"; do
    head -c 3000 /dev/zero | tr '\0' "${name:0:1}" > "$name.wasm"
    actors+="${actors:+,}[\"$name\",$(link "$(cid "$name.wasm")")]"
done
data=$(echo "[$actors]" | "$fvm" ipld from-json -o data.cbor)
manifest=$(echo "[1,$(link "$data")]" | "$fvm" ipld from-json -o manifest.cbor --store blocks.db)
"$fvm" car create --codec dag-cbor -o head.car manifest.cbor data.cbor > /dev/null
"$fvm" car create -o code.car system.wasm init.wasm cron.wasm > /dev/null
expect "import of several CARs" 0 "head.car: 2 blocks*code.car: 3 blocks*" \
    "$fvm" car import blocks.db head.car code.car
expect "export of a DAG" 0 "*5 blocks*" "$fvm" car export blocks.db "$manifest" -o bundle.car
expect "a bundle needs a version" 3 "*--version*" "$fvm" bundle import bundle.car
expect "a bundle out of a CAR" 0 "name      mainnet-v7*" "$fvm" bundle import bundle.car --version 7
expect "show lists actors" 0 "*system*3000*init*3000*cron*3000*total*9000" "$fvm" bundle show mainnet-v7
expect "show --json" 0 '*"actors":[[]{"bytes":3000,"cid":"bafk*","name":"system"}*' \
    "$fvm" bundle show mainnet-v7 --json
mkdir tar
for network in calibrationnet mainnet; do cp bundle.car "tar/builtin-actors-$network.car"; done
tar -C tar -cf v12.tar builtin-actors-calibrationnet.car builtin-actors-mainnet.car
if command -v zstd > /dev/null; then
    zstd -q v12.tar
    expect "a bundle out of an archive" 0 "name      calibrationnet-v12*archive   v12.tar.zst*" \
        "$fvm" bundle import v12.tar.zst --network calibrationnet
fi
expect "an archive without zstd" 0 "name      mainnet-v12*" "$fvm" bundle import v12.tar
expect "list" 0 "*mainnet-v7 *mainnet-v12*" "$fvm" bundle list
expect "an absent network" 3 "*no builtin-actors-other.car" \
    "$fvm" bundle import v12.tar --network other
expect "not a bundle" 3 "*code.car: not a bundle*" "$fvm" bundle import code.car --version 1
expect "remove" 0 "" "$fvm" bundle remove mainnet-v7
expect "remove twice" 3 "*mainnet-v7 is not here*" "$fvm" bundle remove mainnet-v7
expect "no way out of the folder" 3 "*no name of a bundle*" "$fvm" bundle remove ../../mainnet-v12
expect "a slip of the finger" 2 "*Did you mean 'import'?*" "$fvm" bundle imprt x

# --- fvm car ---
expect "verify" 0 "5 blocks, *problems: 0" "$fvm" car verify bundle.car --links
expect "verify finds dangling links" 1 "*linked from*linked from*linked from*problems: 3" "$fvm" car verify head.car --links
expect "stat" 0 '*"blocks":5*"roots":[[]"'"$manifest"'"]*' "$fvm" car stat bundle.car --json
expect "list" 0 "*$manifest*$data*" "$fvm" car list bundle.car
expect "extract by path" 0 "*1 blocks*" "$fvm" car extract bundle.car "$manifest/1/2/1" -o cron.car
expect "what was extracted" 0 "*$(cid cron.wasm)*" "$fvm" car list cron.car
expect "a bundle by its name" 0 "*5 blocks*" "$fvm" car stat mainnet-v12
expect "through pipes" 0 "*-: 5 blocks*" bash -c \
    "'$fvm' car export bundle.car -o - 2> /dev/null | '$fvm' car import piped.db -"
expect "the piped database" 0 "5 blocks*problems: 0" "$fvm" car verify piped.db --links
expect "collection" 0 "kept 1 blocks*removed 4 blocks*" "$fvm" car gc piped.db "$(cid cron.wasm)"
expect "collection without the root" 3 "*is not in the store" "$fvm" car gc piped.db "$manifest"
expect "collection of nothing" 3 "*no database" "$fvm" car gc nowhere.db "$manifest"
expect "the absent database was not made" 1 "" test -e nowhere.db
cp bundle.car broken.car
printf 'X' | dd of=broken.car bs=1 seek=2000 conv=notrunc 2> /dev/null
expect "a flipped byte is named" 1 "block $(cid system.wasm)*does not match*problems: 1" \
    "$fvm" car verify broken.car
expect "import refuses it" 3 "*$(cid system.wasm)*" "$fvm" car import broken.db broken.car
head -c 5000 bundle.car > cut.car
expect "a cut is named" 1 "*too early*problems: *" "$fvm" car verify cut.car
printf 'X' | dd of=blocks.db/data.mdb bs=1 seek=$(grep -obUa -m1 sssssss blocks.db/data.mdb | head -1 |
    cut -d: -f1) conv=notrunc 2> /dev/null
expect "a flipped byte in a database is named" 1 "block $(cid system.wasm)*problems: 1" \
    "$fvm" car verify blocks.db
truncate -s 20000 blocks.db/data.mdb
expect "a cut database is found" 1 "*problems: *" "$fvm" car verify blocks.db
expect "and not opened" 3 "*data.mdb: *" "$fvm" car stat blocks.db
expect "no output named" 2 "*-o*" "$fvm" car export bundle.car

# --- fvm ipld ---
expect "get" 0 "[[]1,{\"/\":\"$data\"}]" "$fvm" ipld get bundle.car "$manifest"
expect "get along a path" 0 '"init"' "$fvm" ipld get bundle.car "$manifest/1/1/0"
expect "get raw" 0 "ccc*" "$fvm" ipld get bundle.car "$manifest/1/2/1" --raw
expect "get of what is not there" 3 "*no '9'*" "$fvm" ipld get bundle.car "$manifest/1/9"
expect "get from a bundle" 0 '"cron"' "$fvm" ipld get mainnet-v12 "$manifest/1/2/0"
echo '{"b":-1,"a":[1.5,{"/":{"bytes":"AQID"}},null]}' > x.json
expect "JSON to CBOR" 0 "a261618*$("$fvm" ipld from-json x.json)" "$fvm" ipld from-json x.json --hex
"$fvm" ipld from-json x.json -o x.cbor > /dev/null
expect "and back, sorted" 0 '{"a":[[]1.5,{"/":{"bytes":"AQID"}},null],"b":-1}' "$fvm" ipld to-json x.cbor
expect "errors have a place" 3 "*line 1, column 10*" bash -c "echo '{\"a\": [1,]}' | '$fvm' ipld from-json"
expect "CID made" 0 bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq \
    bash -c "printf hello | '$fvm' ipld cid make --hash sha2-256"
expect "CID verified" 0 matches bash -c \
    "printf hello | '$fvm' ipld cid verify bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
expect "CID not verified" 1 "does not match" bash -c \
    "printf hallo | '$fvm' ipld cid verify bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
expect "CID shown" 0 "*raw*sha2-256*2cf24dba5fb0a30e*" \
    "$fvm" ipld cid show bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq
expect "stat of a DAG" 0 "5 blocks, *missing: 0" "$fvm" ipld stat bundle.car "$manifest"

# --- a state: a HAMT of two actors (key f0100, f0101), then one of them changed ---
empty=$(echo '[]' | "$fvm" ipld from-json --store state.db)
actor() { # NONCE
    echo "[$(link "$empty"),$(link "$empty"),$1,{\"/\":{\"bytes\":\"AAE\"}},null]"
}
one() { # the bucket of one actor: sha2-256 of 0064 begins with slot 26 (reference/ipld.md 2)
    echo "[{\"/\":{\"bytes\":\"BAAAAA\"}},[[[{\"/\":{\"bytes\":\"AGQ\"}},$(actor "$1")]]]]" |
        "$fvm" ipld from-json --store state.db
}
state() { echo "[5,$(link "$1"),$(link "$empty")]" | "$fvm" ipld from-json --store state.db; }
before=$(state "$(one 3)") after=$(state "$(one 4)")
none=$(state "$(echo '[{"/":{"bytes":""}},[]]' | "$fvm" ipld from-json --store state.db)")
expect "difference of states" 1 "f0100 changed*nonce *3 -> 4*0 added, 0 removed, 1 changed" \
    "$fvm" ipld diff state.db "$before" "$after"
expect "an actor added" 1 "f0100 added*nonce *null -> 3*1 added*" "$fvm" ipld diff state.db "$none" "$before"
expect "an actor removed" 1 "*1 removed*" "$fvm" ipld diff state.db "$before" "$none"
expect "no difference" 0 "0 added, 0 removed, 0 changed" "$fvm" ipld diff state.db "$after" "$after"
expect "difference as JSON" 1 '{"actor":"f0100","change":"changed","fields":{"nonce":[[]3,4]}}' \
    "$fvm" ipld diff state.db "$before" "$after" --json
expect "list of a HAMT" 0 '{"key":"f0100","value":[[]*,3,{"/":{"bytes":"AAE"}},null]}' \
    "$fvm" ipld list state.db "$before/1" --as hamt --keys address
expect "not a HAMT" 3 "*not a hamt*" "$fvm" ipld list state.db "$before" --as hamt
expect "no kind named" 2 "*--as*" "$fvm" ipld list state.db "$before"
amt=$(echo '[3,0,2,[{"/":{"bytes":"Aw"}},[],[7,8]]]' | "$fvm" ipld from-json --store state.db)
expect "list of an AMT" 0 '{"key":0,"value":7}*{"key":1,"value":8}' \
    "$fvm" ipld list state.db "$amt" --as amt

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
