#!/bin/bash
# kill -9 of `fvm car import`, again and again at other moments: the database opens, what it holds
# verifies, and the import can be taken up again and ends with every block.
# usage: store_kill.sh BUILD_DIR [KILLS]
set -u
fvm=$(cd "$1" && pwd)/fvm
kills=${2:-25}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# 64 MB in files of 16 KB
mkdir files
head -c 67108864 /dev/urandom | split -b 16384 -a 4 - files/b
ls files | sed 's@^@files/@' | xargs "$fvm" car create -o all.car > /dev/null || exit 1
mid=0
for ((i = 0; i < kills; i++)); do
    "$fvm" car import db all.car > /dev/null 2>&1 &
    pid=$!
    sleep "0.$(printf '%03d' $((RANDOM % 300)))"
    kill -9 $pid 2> /dev/null && mid=$((mid + 1))
    wait $pid 2> /dev/null
    if [ -e db/data.mdb ] && [ -s db/data.mdb ]; then
        out=$("$fvm" car verify db 2>&1)
        case $? in
        0) ;;
        *)
            # killed before the first commit there is nothing yet, which is said so
            [[ $out == "the record of the layout is missing"* ]] || {
                echo "after kill $i: $out"
                exit 1
            } ;;
        esac
    fi
    # every fifth time from the beginning, so that all phases are met
    if ((i % 5 == 4)); then rm -rf db; fi
done
"$fvm" car import db all.car > /dev/null && "$fvm" car verify db | grep -q '^4096 blocks.*problems: 0$' || exit 1
echo "$mid of $kills imports killed under way; the last one complete"
