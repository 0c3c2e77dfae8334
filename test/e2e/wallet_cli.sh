#!/bin/bash
# fvm wallet as a user calls it: make, list, import, export, sign, verify, delete.
# usage: wallet_cli.sh BUILD_DIR
set -u
# shellcheck source=expect
. "$(dirname "$0")/expect"
fvm=$(cd "$1" && pwd)/fvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export FVM_KEYS=$work/keys
unset FVM_PASSPHRASE
echo correct horse > pass
junk='test test test test test test test test test test test junk'
first=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
secret=ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
pass=(--passphrase-file pass --light)

expect "no keys yet" 0 '*no keys*' "$fvm" wallet list
expect "no default yet" 3 '*' "$fvm" wallet default
echo "$junk" > words
expect "the words of a mnemonic" 0 "f410f*  $first" "$fvm" wallet import words --mnemonic "${pass[@]}"
expect "it is the default" 0 'f410f*' "$fvm" wallet default
expect "the same key again" 3 '*there already*' "$fvm" wallet import words --mnemonic "${pass[@]}"
expect "its secret" 0 "0x$secret" "$fvm" wallet export "$first" --format hex "${pass[@]}"
expect "with t" 0 't410f*' "$fvm" wallet default --testnet
expect "Filecoin's path for f1" 0 'f1*' "$fvm" wallet import words --mnemonic --type secp256k1 "${pass[@]}"
expect "another path" 0 '*0x70997970C51812dc3A010C7d01b50e0d17dc79C8' \
    "$fvm" wallet import words --mnemonic --path "m/44'/60'/0'/0/1" "${pass[@]}"
expect "no BLS from words" 2 '*bls are not derived*' "$fvm" wallet import words --mnemonic --type bls "${pass[@]}"
echo "${junk% junk} tast" > words
expect "a word that is none" 3 "*'tast' is not in BIP-39*" "$fvm" wallet import words --mnemonic "${pass[@]}"
echo "${junk% junk} test" > words
expect "a wrong checksum" 3 '*checksum is wrong*' "$fvm" wallet import words --mnemonic "${pass[@]}"
expect "which can be had nevertheless" 0 'f410f*' "$fvm" wallet import words --mnemonic --any-words "${pass[@]}"
expect "words without --mnemonic" 3 '*words need --mnemonic*' "$fvm" wallet import words "${pass[@]}"

expect "a new BLS key" 0 '{"address":"f3*","type":"bls"}' "$fvm" wallet new bls --json "${pass[@]}"
expect "an unknown type" 2 '*no type of key*' "$fvm" wallet new rsa "${pass[@]}"
bls=$("$fvm" wallet list | awk '$1 == "bls" { print $NF }')
secp=$("$fvm" wallet list | awk '$1 == "secp256k1" { print $NF }')
expect "the list" 0 'TYPE*delegated*\*'"*$first*" "$fvm" wallet list
expect "the list in JSON" 0 '{"keys":\[*"default":true*\]}' "$fvm" wallet list --json

for key in "$bls" "$secp" "$first"; do
    sig=$("$fvm" wallet sign "$key" 0x68656c6c6f --passphrase-file pass)
    expect "a signature of $key" 0 valid "$fvm" wallet verify "$key" 68656c6c6f "$sig"
    expect "of other bytes" 1 invalid "$fvm" wallet verify "$key" 68656c6c70 "$sig"
    expect "in JSON" 1 '{"valid":false}' "$fvm" wallet verify --json "$key" 00 "$sig"
    expect "Lotus' export of $key" 0 '7b2254797065223a22*' "$fvm" wallet export "$key" --passphrase-file pass
    "$fvm" wallet export "$key" --passphrase-file pass > lotus
    expect "the encrypted file of $key" 0 '{*"version":3}' "$fvm" wallet export "$key" --format json
    "$fvm" wallet export "$key" --format json > encrypted
    expect "deleted" 0 '' "$fvm" wallet delete "$key" --yes
    expect "gone" 3 '*there is no key of*' "$fvm" wallet export "$key" --passphrase-file pass
    expect "back from Lotus' export" 0 '*' "$fvm" wallet import lotus "${pass[@]}"
    expect "signs as before" 0 "$sig" "$fvm" wallet sign "$key" 68656c6c6f --passphrase-file pass
    expect "deleted again" 0 '' "$fvm" wallet delete "$key" --yes
    echo other > other
    expect "back from the file, under another passphrase" 0 '*' "$fvm" wallet import encrypted \
        --source-passphrase-file pass --passphrase-file other --light
    expect "the old passphrase" 3 '*passphrase is wrong*' "$fvm" wallet sign "$key" 00 --passphrase-file pass
    expect "the new one from the environment" 0 "$sig" \
        env FVM_PASSPHRASE=other "$fvm" wallet sign "$key" 68656c6c6f
done
expect "digits from standard input" 3 '*there already*' \
    bash -c "echo 0x$secret | '$fvm' wallet import - --passphrase-file pass --light"
expect "digits that are no key" 3 '*no secret key*' \
    bash -c "printf '%064d' 0 | '$fvm' wallet import - --passphrase-file pass --light"
expect "something else" 3 '*neither Lotus*' bash -c "echo hello | '$fvm' wallet import - --passphrase-file pass"
expect "a file that is not there" 3 '*nowhere*' "$fvm" wallet import nowhere "${pass[@]}"
expect "no passphrase to be had" 2 '*--passphrase-file*' setsid -w "$fvm" wallet sign "$secp" 00
expect "delete does not ask nobody" 2 '*nothing was deleted*' setsid -w "$fvm" wallet delete "$secp"
expect "no address" 3 '*is no address*' "$fvm" wallet sign f1xyz 00 --passphrase-file pass
expect "no address, in JSON" 3 "fvm wallet: 'f1xyz' is no address
{\"error\":\"'f1xyz' is no address\"}" "$fvm" wallet sign f1xyz 00 --passphrase-file pass --json
expect "a wrong passphrase, in JSON" 3 '*{"error":"*passphrase is wrong*"}' "$fvm" wallet sign "$secp" 00 --passphrase-file words --json
expect "no hexadecimal" 3 '*not hexadecimal*' "$fvm" wallet sign "$secp" xyz --passphrase-file pass
expect "no signature" 3 '*SIGNATURE*' "$fvm" wallet verify "$secp" 00 0102
expect "default can be set" 0 "$secp" "$fvm" wallet default "$secp"
expect "twelve words" 0 '* * * * * * * * * * * *' "$fvm" wallet mnemonic
expect "thirteen words" 2 '*12, 15*' "$fvm" wallet mnemonic 13
expect "an unknown command" 2 "*Did you mean 'sign'*" "$fvm" wallet sing
expect "help" 0 'Usage: fvm wallet*' "$fvm" wallet --help
expect "a folder that is a file" 3 '*' "$fvm" wallet list --keys pass
expect "only the user reads keys" 0 '700 600' \
    bash -c "echo \$(stat -c %a '$FVM_KEYS') \$(stat -c %a '$FVM_KEYS'/UTC* | sort -u)"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
