#!/bin/bash
# The commands that talk to a node, against one: send, call, deploy, logs, actor install, create, invoke, state.
# usage: client_cli.sh BUILD_DIR
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=expect
. "$here/expect"
# shellcheck source=node
. "$here/node"
build=$(cd "$1" && pwd)
fvm=$build/fvm
work=$(mktemp -d)
trap 'stop_node; rm -rf "$work"' EXIT
cd "$work" || exit 1
export FVM_KEYS=$work/keys FVM_PASSPHRASE=secret
unset FVM_RPC

start_node --data data
export FVM_RPC=$url
first=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
second=0x70997970C51812dc3A010C7d01b50e0d17dc79C8
nobody=0x00000000000000000000000000000000000000aa

# --- value ---
expect "a transfer by the node's first account" 0 'transaction  0x*height*status       ok*' \
    "$fvm" send "$nobody" 1.5FIL
expect "in JSON" 0 '{*"hash":"0x*"ok":true}' "$fvm" send "$nobody" 100atto --json
expect "without waiting" 0 'transaction  0x*' "$fvm" send "$nobody" 1 --no-wait
expect "by a name that the node has" 0 '*status       ok*' "$fvm" send "$nobody" 1nanoFIL --from "$second"
expect "more than there is" 3 '*' "$fvm" send "$nobody" 1000000000FIL
expect "no amount" 3 '*is no amount*' "$fvm" send "$nobody" 1.5EUR
expect "too fine an amount" 3 '*is no amount*' "$fvm" send "$nobody" 1.5atto
expect "no address" 3 '*is no address*' "$fvm" send 0x12 1
expect "nothing" 2 '*amount is missing*' "$fvm" send "$nobody"
expect "no node" 4 '*http://127.0.0.1:1/*' "$fvm" send "$nobody" 1 --rpc http://127.0.0.1:1
expect "no address of a node" 3 '*no address as http*' "$fvm" send "$nobody" 1 --rpc ftp://x

# --- keys of the user's own ---
own=$("$fvm" wallet new --light --json | field eth_address)
native=$("$fvm" wallet new secp256k1 --light --json | field address)
bls=$("$fvm" wallet new bls --light --json | field address)
expect "money for an Ethereum key" 0 '*status       ok*' "$fvm" send "$own" 100FIL
expect "money for an f1 key that has no actor yet" 0 '*status       ok*' "$fvm" send "$native" 100FIL
expect "money for an f3 key" 0 '*status       ok*' "$fvm" send "$bls" 100FIL
expect "signed here, as a transaction" 0 'transaction  0x*status       ok*' "$fvm" send "$nobody" 1FIL --from "$own"
expect "signed here, as a message, f1" 0 'message      bafy*status       ok*' "$fvm" send "$nobody" 1FIL --from "$native"
expect "signed here, as a message, f3" 0 'message      bafy*status       ok*' "$fvm" send "$nobody" 1FIL --from "$bls"
expect "from f1 to f3" 0 '*status       ok*' "$fvm" send "$bls" 1FIL --from "$native"
expect "a transaction to an f1 address that exists" 0 'transaction*status       ok*' "$fvm" send "$native" 1FIL --from "$own"
expect "a wrong passphrase" 3 '*passphrase is wrong*' env FVM_PASSPHRASE=x "$fvm" send "$nobody" 1 --from "$own"
own_id=$(ask Filecoin.StateLookupID "[\"$native\",null]" | field result)
expect "a sender named by its ID, signed here" 0 'message      bafy*status       ok*' "$fvm" send "$nobody" 1FIL --from "$own_id"
expect "an account of the node's, named by its ID" 0 'transaction  0x*status       ok*' "$fvm" send "$nobody" 1FIL --from f0100
expect "by its f4 address" 0 'transaction  0x*status       ok*' "$fvm" send "$nobody" 1FIL --from f410f6op5nzi2vwepn5gonk4ie4tzz773sitggxp4hiy
expect "an ID of nobody's" 3 '*' "$fvm" send "$nobody" 1FIL --from f0999999
expect "a sender that nobody has" 3 '*' "$fvm" send "$nobody" 1 --from 0x00000000000000000000000000000000000000bb

# --- contracts ---
box=$here/client/box.json
expect "deploy an artefact" 0 '*status       ok*contract     0x*' "$fvm" deploy "$box" 'my box' 7 --value 1FIL
c=$("$fvm" deploy "$box" 'a box' 9 --json | field contract)
expect "call with types" 0 $'9\na box' "$fvm" call "$c" 'both()(uint256,string)'
expect "call without types" 0 '0x*9' "$fvm" call "$c" 'value()'
expect "call in JSON" 0 '{"result":"0x*","values":\["9","a box"\]}' "$fvm" call "$c" 'both()(uint256,string)' --json
expect "call before it was there" 0 '0x' "$fvm" call "$c" 'value()' --block 1
"$fvm" logs -f --from-block 0 --address "$c" > follow.out 2> follow.err &
follower=$!
expect "send with a signature" 0 '*status       ok*logs         1' "$fvm" send "$c" --call 'store(uint256,string)' 42 'hello'
expect "it was stored" 0 '42' "$fvm" call "$c" 'value()(uint256)'
expect "a call that reverts says why" 1 '*unlucky*' "$fvm" call "$c" 'store(uint256,string)' 13 x
expect "a transaction that would revert is not sent" 3 '*unlucky*' "$fvm" send "$c" --call 'store(uint256,string)' 13 x
expect "sent nevertheless" 1 '*status       reverted*unlucky*' \
    "$fvm" send "$c" --call 'store(uint256,string)' 13 x --gas-limit 100000000
expect "by an f1 key" 0 'message*status       ok*' "$fvm" send "$c" --call 'store(uint256,string)' 43 f1 --from "$native"
expect "too few arguments" 3 '*1 values, but 2 parameters*' "$fvm" send "$c" --call 'store(uint256,string)' 1
expect "a number that does not fit" 3 '*does not fit uint256*' "$fvm" send "$c" --call 'store(uint256,string)' -1 x
sed -n 's/.*"bytecode": "0x\(.*\)".*/\1/p' "$box" > box.hex
expect "deploy hexadecimal digits, signed here" 0 '*contract     0x*' "$fvm" deploy box.hex x 1 \
    --constructor 'constructor(string,uint256)' --from "$own"
expect "deploy by an f1 key" 0 '*contract     0x*' "$fvm" deploy "$box" x 1 --from "$native"
expect "arguments are counted" 3 '*1 values, but 2 parameters*' "$fvm" deploy "$box" x
echo hello > other.txt
expect "deploy something else" 3 '*neither JSON nor hexadecimal*' "$fvm" deploy other.txt
expect "deploy nothing" 3 '*nowhere*' "$fvm" deploy nowhere.json

# artefacts of foundry; arguments of every shape
shapes=$here/client/shapes.json
point='(7,0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266,"a, (b) \"c\"")'
args=("$point" '[1,2,3]' 0x00ff '[x,""]' "[(8,$first,\"\"),(9,$first,züri)]")
s=$("$fvm" deploy "$shapes" "${args[@]}" --json | field contract)
expect "what ethers makes of the same values" 0 0xd40d49535c9abb304a7f7af1c3931fe235b5d6f2d153f6f0b72a84c633066769 "$fvm" call "$s" 'made()(bytes32)'
expect "tuples come back" 0 '\[\["7","0x*","a, (b) \\"c\\""\],\["8","0x*",""\],\["9","0x*","züri"\]\]' "$fvm" call "$s" 'all()((uint256,address,string)[])'
expect "an array too short" 3 '*has 1 elements, not 2*' "$fvm" deploy "$shapes" "${args[@]:0:3}" '[x]' '[]'
expect "a tuple that is none" 3 '*is no tuple*' "$fvm" deploy "$shapes" 7 '[]' 0x '[x,y]' '[]'
sed 's/"object": "0x..../&__$0123456789abcdef0123456789abcdef01$__/' "$shapes" > unlinked.json
expect "libraries are missing" 3 '*linked with libraries*' "$fvm" deploy unlinked.json
sed 's/"object": "[^"]*"/"object": "0x"/' "$shapes" > abstract.json
expect "an interface" 3 '*abstract*' "$fvm" deploy abstract.json
echo '{}' > empty.json
expect "no artefact" 3 '*no bytecode*' "$fvm" deploy empty.json
echo '{' > broken.json
expect "no JSON" 3 '*broken.json*' "$fvm" deploy broken.json

# --- reverts, decoded ---
expect "require" 1 'fvm call: eth_call: reverted: only five' "$fvm" call "$s" 'fail(uint256)(uint256)' 4
expect "a panic" 1 'fvm call: eth_call: reverted: panic 18: division by zero' "$fvm" call "$s" 'fail(uint256)(uint256)' 1
expect "another" 1 '*reverted: panic 50: index out of bounds' "$fvm" call "$s" 'fail(uint256)(uint256)' 2
expect "an error of its own, whole" 1 "*reverted: 0x*0006637573746f6d$(printf '%052d' 0)" "$fvm" call "$s" 'fail(uint256)(uint256)' 0
expect "without words" 1 '*revert*' "$fvm" call "$s" 'fail(uint256)(uint256)' 3
expect "nobody there" 3 "*nothing was returned: is there a contract at $nobody?" "$fvm" call "$nobody" 'made()(bytes32)'

# --- errors are JSON, too ---
json() { # COMMAND...: its standard output, made canonical by a strict reader, and its exit code
    local out code
    out=$("$@" 2> /dev/null) && code=0 || code=$?
    "$fvm" ipld from-json -o block <<< "$out" > /dev/null && "$fvm" ipld to-json block
    return $code
}
expect "a revert" 1 '{"error":"eth_call: reverted: only five","reason":"only five","rpc":{"code":3,"data":"0x08c379a0*","message":"*"}}' \
    json "$fvm" call "$s" 'fail(uint256)(uint256)' 4 --json
expect "a transaction that would revert" 3 '{"error":"*only five",*"reason":"only five",*' json "$fvm" send "$s" --call 'fail(uint256)' 4 --json
expect "one that did" 1 '{*"ok":false,"reason":"only five"}' json "$fvm" send "$s" --call 'fail(uint256)' 4 --gas-limit 100000000 --json
expect "too little money" 3 '{"error":"*insufficient funds*' json "$fvm" send "$nobody" 1000000000FIL --json
expect "too little money of one's own" 3 '{"error":"*insufficient funds*' json "$fvm" send "$nobody" 1000000000FIL --from "$own" --json
expect "a wrong address" 3 "{\"error\":\"'0x12' is no address\"}" json "$fvm" send 0x12 1 --json
expect "nobody's node" 4 '{"error":"http://127.0.0.1:1/: *"}' json "$fvm" call "$s" 'made()' --rpc http://127.0.0.1:1 --json
expect "no such actor" 3 '{"error":"*actor not found","rpc":*' json "$fvm" actor state f0999999 --json
expect "no such file" 3 '{"error":"nowhere.wasm: *"}' json "$fvm" actor install nowhere.wasm --json
expect "logs" 3 '{"error":"--topic: *"}' json "$fvm" logs --topic x --json
expect "a chain" 3 '{"error":"nowhere*"}' json "$fvm" chain show nowhere --json
expect "a node that has it" 3 '{"error":"data: in use by process *"}' json "$fvm" chain verify data --json

# --- logs ---
lower=$(echo "$c" | tr A-F a-f)
for ((i = 0; i < 600; i++)); do
    [ "$(wc -l < follow.out)" -lt 2 ] || break
    sleep 0.1
done
follow_until() { # LINES: that many, in follow.out
    for ((i = 0; i < 600; i++)); do
        [ "$(wc -l < follow.out)" -lt "$1" ] || return
        sleep 0.05
    done
}
store() { # NUMBER
    "$fvm" send "$c" --call 'store(uint256,string)' "$1" again > /dev/null
}
expect "the follower saw both" 0 "*$lower*$lower*" cat follow.out
# through another start of the node, at the same port; and where the chain goes back
stop_node
for ((i = 0; i < 600; i++)); do
    ! grep -q 'trying again' follow.err || break
    sleep 0.05
done
start_node --data data --port "${url##*:}"
store 44
follow_until 3
snapshot=$(ask evm_snapshot '[]' | field result)
store 45
store 46
follow_until 5
expect "it went back" 0 '*true*' ask evm_revert "[\"$snapshot\"]"
for n in 47 48 49; do store $n; done # higher than it was before
follow_until 8
kill "$follower" 2> /dev/null
wait "$follower"
expect "the follower ends well" 0 0 echo $?
word() { printf '%064x' "$1"; }
expect "it saw what was there, and what took its place, each once" 0 "$(for n in 42 43 44 45 46 47 48 49; do word $n; echo; done)" \
    bash -c "sed -E 's/.*\]  0x(.{64}).*/\1/' follow.out"
expect "it said that the node was away" 0 '*trying again*' cat follow.err
expect "all logs of the contract" 0 "*$lower*" "$fvm" logs --from-block 0 --address "$c"
expect "by an event's topic" 0 '6' bash -c "'$fvm' logs --from-block 0 --json --address $c --topic 'Stored(address,uint256,string)' | wc -l"
expect "by a second topic" 0 '5' bash -c "'$fvm' logs --from-block 0 --json --topic any --topic 0x000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266 | wc -l"
expect "from above to below" 2 '*is above --to-block*' "$fvm" logs --from-block 5 --to-block 2
expect "by another" 0 '' "$fvm" logs --from-block 0 --topic 'Other()'

# --- native actors ---
counter=$build/actors/counter.wasm
expect "install a code" 0 'code         baf*status       ok*' "$fvm" actor install "$counter"
code=$("$fvm" actor install "$counter" --json --from "$native")
expect "installed before" 0 '*"installed":false*' echo "$code"
code=$(echo "$code" | field code)
expect "a module that is none" 1 '*exit code 16*' "$fvm" actor install other.txt --gas-limit 1000000000
expect "create by CID" 0 'actor        t0*status       ok*' "$fvm" actor create "$code"
actor=$("$fvm" actor create "$counter" --json --from "$bls" | field actor)
expect "invoke by name" 0 '*status       ok*return       5' "$fvm" actor invoke "$actor" Add '[5]' --from "$bls"
expect "read without sending" 0 '5' "$fvm" actor invoke "$actor" Get --read-only
expect "a method that fails" 1 '*exit code 16*' "$fvm" actor invoke "$actor" Add '[18446744073709551615]' \
    --from "$native" --gas-limit 1000000000
expect "read what fails" 1 '*exit code 16*' "$fvm" actor invoke "$actor" Add '[18446744073709551615]' --read-only
expect "params that are none" 3 '*PARAMS*' "$fvm" actor invoke "$actor" Add '[5'
expect "the state at the node" 0 "actor     $actor*state *" "$fvm" actor state "$actor"
expect "the state of a built-in actor" 0 '*nonce*balance*state*' "$fvm" actor state f01
expect "no such actor" 3 '*' "$fvm" actor state f099999
expect "deploy a module" 0 'actor        t0*status       ok*' "$fvm" deploy "$counter"

# --- other nodes ---
stop_node
start_node --no-mining
export FVM_RPC=$url
expect "no block in time" 4 '*0x*: sent, but not in a block after 1 s' "$fvm" send "$nobody" 1FIL --timeout 1
expect "not waited for" 0 'message      bafy*' "$fvm" actor install "$counter" --no-wait
stop_node
start_node --block-time 0.2
export FVM_RPC=$url
expect "waits for the next block" 0 '*status       ok*' "$fvm" send "$own" 5FIL
expect "two at once, by nonce" 0 'transaction*' "$fvm" send "$nobody" 1FIL --from "$own" --no-wait
expect "the second waits behind it" 0 '*status       ok*' "$fvm" send "$nobody" 1FIL --from "$own"
expect "an actor and its code" 0 'actor        t0*status       ok*' "$fvm" deploy "$counter"
stop_node
start_node --no-dev
export FVM_RPC=$url
expect "by the default key, which has nothing" 3 '*insufficient funds*' "$fvm" send "$nobody" 1FIL
expect "nobody's key" 3 '*nobody to send it*fvm wallet new*' "$fvm" send "$nobody" 1FIL --keys "$work/none"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
