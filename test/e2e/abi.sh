#!/bin/bash
# Prints size and field offsets of every struct of the public headers, by asking the compiler.
# usage: abi.sh INCLUDE_DIR
set -eu
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    for header in "$include"/fvm/*.h; do echo "#include <fvm/$(basename "$header")>"; done
    echo '#include <stdio.h>'
    echo 'int main(void) {'
    # typedef struct NAME { fields } NAME; with comments and nested brackets taken out first
    cat "$include"/fvm/*.h | sed -e 's@//.*@@' | tr '\n' ' ' | sed -e 's@/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/@@g' |
        grep -oE '(typedef )?struct fvm_[a-z0-9_]+ \{[^}]*\}' | while read -r line; do
        name=$(sed -E 's/.*struct (fvm_[a-z0-9_]+) \{.*/\1/' <<< "$line")
        echo "printf(\"struct $name %zu\\n\", sizeof(struct $name));"
        body=$(sed -E 's/^[^{]*\{//; s/\}$//' <<< "$line")
        tr ';' '\n' <<< "$body" | while read -r field; do
            [ -n "$field" ] || continue
            if [[ $field =~ \(\*([a-z0-9_]+)\) ]]; then
                names=${BASH_REMATCH[1]}
            else
                names=$(sed -E 's/\[[^]]*\]//g; s/^[^,]*[ *]([a-z0-9_]+)(,|$)/\1\2/; s/[,*]/ /g' <<< "$field")
            fi
            for field_name in $names; do
                echo "printf(\"  $field_name %zu\\n\", offsetof(struct $name, $field_name));"
            done
        done
    done
    echo 'return 0; }'
} > "$work/abi.c"
gcc -std=c11 -I"$include" "$work/abi.c" -o "$work/abi"
"$work/abi"
