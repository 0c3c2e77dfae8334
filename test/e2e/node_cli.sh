#!/bin/bash
# fvm node as the one who runs it meets it: options and what is refused, a folder opened again, what it says of itself
# (accounts, log, health, metrics), and how it stops.
# usage: node_cli.sh BUILD_DIR
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=expect
. "$here/expect"
# shellcheck source=node
. "$here/node"
fvm=$(cd "$1" && pwd)/fvm
work=$(mktemp -d)
trap 'stop_node KILL; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
first=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
other='legal winner thank year wave sausage worth useful legal winner thank yellow'

start() { # OPTION...: of a node that should not start, and does not run for long if it does
    timeout 20 "$fvm" node "$@"
}

# --- what is refused, with the option and the value ---
refused() { # OPTION VALUE
    expect "$1 $2" 2 "fvm node: *$1*'$2' is *" start "$1" "$2"
}
for value in x -1 10001 '' 1.5; do refused --accounts "$value"; done
for value in 5EUR -5FIL '' 1e3; do refused --balance "$value"; done
for value in 0 x -1 9223372036854775772 18446744073709551616; do refused --chain-id "$value"; done
for value in 17 30 x 99999999999; do refused --network-version "$value"; done
for value in -1 nan x 86401 0.0001 ''; do refused --block-time "$value"; done
for value in -1 65536 x; do refused --port "$value"; done
for value in 0 1025 x; do refused --body-limit "$value"; done
for value in 0 257 x; do refused --threads "$value"; done
for value in 0 -1 x; do refused --call-timeout "$value"; done
refused --durability sometimes
refused --log-format xml
for option in --bundle --data --host; do refused $option ''; done
expect "a mnemonic of two words" 2 '*has 12, 15, 18, 21 or 24 words*' start --mnemonic 'test test'
expect "a word that is none" 2 "*'tast' is no word*" start --mnemonic "${other/legal/tast}"
expect "a wrong checksum" 2 '*checksum is wrong*' start --mnemonic "${other/yellow/yard}"
expect "a bundle that is not there" 3 "*mainnet-v99*" start --port 0 --bundle mainnet-v99
for version in 18 20; do
    expect "actors of another generation, $version" 3 "*bundle embedded-user are not for network version $version: mainnet-v10*" start --port 0 --network-version $version
done
expect "the other way round" 3 '*bundle mainnet-v11 are not for network version 21: embedded-user*' start --port 0 --network-version 21 --bundle mainnet-v11
expect "no name of a bundle" 3 "*'nope' is no name of a bundle*" start --port 0 --bundle nope
expect "an option without its value" 2 "*'--port' needs a value*" start --port
expect "an unknown option" 2 "*Did you mean '--accounts'*" start --account 3
expect "an argument" 2 "*'3' is no option*" start 3
for pair in '--data x --in-memory' '--durability strict' '--no-mining --block-time 1' '--quiet --log-format json'; do
    # shellcheck disable=SC2086
    expect "$pair" 2 'fvm node: --*' start $pair
done
expect "an address of another machine" 4 '*cannot listen on 192.0.2.1 port 0: Cannot assign*' start --port 0 --host 192.0.2.1
expect "no address" 4 '*cannot listen on nowhere.invalid port 0: *no address*' start --port 0 --host nowhere.invalid

# --- defaults ---
start_node
expect "block 0 at once" 0 '*"result":"0x0"*' ask eth_blockNumber '[]'
expect "chain id" 0 '*"result":"0x1df5e76"*' ask eth_chainId '[]'
expect "twenty accounts, the development mnemonic's" 0 '20' bash -c "grep -oE '0x[0-9a-fA-F]{40} ' node.out | sort -u | wc -l"
expect "the first with its key" 0 "*$first  0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80*" cat node.out
expect "10,000 FIL" 0 '*"result":"0x21e19e0c9bab2400000"*' ask eth_getBalance "[\"$first\",\"latest\"]"
expect "it says what and where" 0 '*each with 10000 FIL,*Chain id 31415926, network version 28, block 0; in memory.*Listening on http://127.0.0.1:*' cat node.out
expect "the port is another's" 4 "*cannot listen on 127.0.0.1 port ${url##*:}: another program*" start --port "${url##*:}"
expect "loopback alone" 1 '' bash -c "exec 2> /dev/null; : < /dev/tcp/$(hostname -I 2> /dev/null | cut -d' ' -f1)/${url##*:}"
expect "a transaction makes a block" 0 '*0x1*' bash -c "echo '$(ask eth_sendTransaction "[{\"from\":\"$first\",\"to\":\"$first\",\"value\":\"0x1\"}]")' > /dev/null; echo '$(ask eth_blockNumber '[]')'"

# --- health and metrics ---
expect "alive" 0 'HTTP/1.1 200*ok' get /health/livez
expect "ready" 0 'HTTP/1.1 200*ok' get /health/readyz
expect "elsewhere is nothing" 0 'HTTP/1.1 404*' get /health
get /metrics > metrics.txt
expect "the format of Prometheus" 0 'HTTP/1.1 200*text/plain; version=0.0.4*' head -n 3 metrics.txt
# Each family once: HELP, TYPE, then its samples, whose names and labels are as they may be; counters end in _total.
cat > promtool.awk <<'AWK'
function bad(why) { print NR ": " why ": " $0; wrong = 1 }
/^# HELP / { if ($3 in seen) bad("a family twice"); seen[$3] = 1; if (NF < 4) bad("no help"); family = $3; next }
/^# TYPE / { if ($3 != family) bad("TYPE without HELP")
    if ($4 != "counter" && $4 != "gauge") bad("an unknown type")
    if (($4 == "counter") != ($3 ~ /_total$/)) bad("counters, and they alone, end in _total"); next }
/^#/ { bad("a comment") }
{ name = $1; sub(/\{.*/, "", name)
  if (name != family) bad("a sample outside its family")
  if ($0 !~ /^[a-z_:][a-z0-9_:]*(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.]+$/) bad("no sample")
  if ($1 in samples) bad("a sample twice"); samples[$1] = 1; count++ }
END { if (count < 30) { print count " samples only"; wrong = 1 } exit wrong }
AWK
expect "each line of it" 0 '' bash -c "sed '1,/^\r\$/d' metrics.txt | awk -f promtool.awk"
expect "what was done is counted" 0 '*fvm_messages_total 1*fvm_rpc_calls_total{method="eth_sendTransaction"} 1*' cat metrics.txt
stop_node
expect "SIGTERM ends it well" 0 '0' echo $?
expect "and it says so" 0 'Stopping.' cat node.err
start_node
stop_node INT
expect "SIGINT, too" 0 '0' echo $?

# --- other options ---
start_node --accounts 2 --balance 5atto --mnemonic "$other" --chain-id 314 --network-version 25 --host ::1 --bundle embedded
expect "as it was told" 0 '*each with 5 attoFIL*  f1*Chain id 314, network version 25*Listening on http://\[::1\]:*' cat node.out
stop_node
start_node --host 0.0.0.0 --allowed-hosts example.org,other.example --accounts 1
of_host() { # NAME: what is answered to a request for it
    http "GET /health/livez HTTP/1.1"$'\r\n'"Host: $1"$'\r\nConnection: close\r\n\r\n' | head -n 1
}
expect "for whom it was told to serve" 0 'HTTP/1.1 200*' of_host other.example
expect "for nobody else" 0 'HTTP/1.1 403*' of_host evil.example
stop_node
start_node --accounts 0 --quiet
expect "nobody, quietly" 0 'Listening on http://*' cat node.out
expect "no account" 0 '*"result":\[\]*' ask eth_accounts '[]'
stop_node
start_node --block-time 0.05
for ((i = 0; i < 200; i++)); do
    head=$(ask eth_blockNumber '[]' | field result)
    ((head < 3)) || break
    sleep 0.05
done
expect "blocks by themselves" 0 '' test $((head)) -ge 3
stop_node
start_node --no-mining --no-dev
expect "no development" 0 '*-32601*' ask evm_mine '[]'
expect "nobody's key" 0 '*"result":\[\]*' ask eth_accounts '[]'
stop_node

# --- the log ---
start_node --log-format json --log-calls
ask eth_sendTransaction "[{\"from\":\"$first\",\"to\":\"$first\",\"value\":\"0x1\"}]" > /dev/null
ask 'a\"\u0007\nb' '[]' > /dev/null
stop_node
expect "begins and ends" 0 '{*"event":"listening","http":"http://127.0.0.1:*"event":"stopping"}' cat node.out
expect "a block, a call, a failed call" 0 '*"event":"block","number":1,*"method":"eth_sendTransaction",*"method":"a\\"\\u0007\\nb",*"error":"*' cat node.out
expect "nothing else is said" 0 '' cat node.err
expect "each line is an object of JSON" 0 '' bash -c "while read -r line; do '$fvm' ipld from-json <<< \"\$line\" > /dev/null || exit 1; done < node.out"
start_node --log-calls
ask 'a\u001b[2J\nb' '[]' > /dev/null
stop_node
expect "no control characters in a line of text" 0 '*call method=a\\x1b\[2J\\x0ab us=*' cat node.out

# --- a folder ---
start_node --data deep/er/chain --chain-id 777 --network-version 25 --durability strict
expect "the folder and those above are made" 0 '*deep/er/chain.*' cat node.out
ask eth_sendTransaction "[{\"from\":\"$first\",\"to\":\"$first\",\"value\":\"0x1\"}]" > /dev/null
expect "a second process" 3 "*deep/er/chain: in use by process $node*" start --port 0 --data deep/er/chain
stop_node
for mode in strict group none; do
    start_node --data deep/er/chain --durability $mode
    expect "opened again, $mode" 0 '*each with 10000 FIL at first*Chain id 777, network version 25, block 1; *' cat node.out
    stop_node
done
for pair in '--chain-id 5:chain id 777, not 5' '--network-version 28:network version 25, not 28' '--bundle embedded:other built-in actors'; do
    # shellcheck disable=SC2086
    expect "it was made without ${pair%%:*}" 3 "*the chain in deep/er/chain has ${pair#*:}*" start --port 0 --data deep/er/chain ${pair%%:*}
done
start_node --data deep/er/chain --chain-id 777 --network-version 25 --bundle embedded-user --mnemonic "$other"
expect "other accounts have nothing, and that is said" 0 'Accounts that the chain in deep/er/chain was not made with*' cat node.out
expect "nothing" 0 '*"result":"0x0"*' ask eth_getBalance '["0x58A57ed9d8d624cBD12e2C467D34787555bB1b25","latest"]'
stop_node
echo > deep/file
expect "a file" 4 '*deep/file*' start --port 0 --data deep/file
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod a-w locked
    expect "a folder that may not be written" 4 '*locked*ermission*' start --port 0 --data locked
fi

# --- stopping while calls wait for a block that does not come ---
start_node --no-mining --quiet
hash=$(ask eth_sendTransaction "[{\"from\":\"$first\",\"to\":\"$first\",\"value\":\"0x1\"}]" | field result)
cid=$(ask Filecoin.EthGetMessageCidByTransactionHash "[\"$hash\"]" | sed -E 's/.*"\/":"([^"]*)".*/\1/')
ask Filecoin.StateWaitMsg "[{\"/\":\"$cid\"},0,-1,true]" > waited &
waiter=$!
for ((i = 0; i < 200; i++)); do # until it waits
    ! get /metrics | grep -q '^fvm_requests_total [5-9]' || break
    sleep 0.05
done
sleep 0.2
stop_node
expect "it ends well, and at once" 0 '0' echo $?
wait $waiter
expect "who waited is told" 0 '*the node is stopping*' cat waited

# --- stopping under load ---
start_node --data load --quiet
for k in 1 2 3 4; do
    (while reply=$(ask eth_sendTransaction "[{\"from\":\"$first\",\"to\":\"$first\",\"value\":\"0x1\"}]" 2> /dev/null) && [ -n "$reply" ]; do
        [[ $reply != *'"result":"0x'* ]] || field result <<< "$reply" >> "hashes.$k"
    done) &
done
for ((i = 0; i < 600; i++)); do
    [ "$(cat hashes.* 2> /dev/null | wc -l)" -lt 40 ] || break
    sleep 0.05
done
stop_node
expect "it ends well" 0 '0' echo $?
wait
start_node --data load --quiet
cat hashes.* > hashes
while read -r hash; do
    [[ $(ask eth_getTransactionReceipt "[\"$hash\"]") == *'"status":"0x1"'* ]] || echo "$hash"
done < hashes > lost
stop_node
expect "more than a few were taken" 0 '' test "$(wc -l < hashes)" -ge 40
expect "and none is lost" 0 '' cat lost
expect "the chain is right" 0 '* 0 problems' "$fvm" chain verify load

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
