#!/bin/bash
# Completion of shells and man pages: both say what the help texts say.
# usage: completion_cli.sh BUILD_DIR
set -u
# shellcheck source=expect
. "$(dirname "$0")/expect"
fvm=$(cd "$1" && pwd)/fvm
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
tab=$'\t'

expect "commands" 0 "actor$tab*wallet$tab*" "$fvm" completion list
expect "commands of a command" 0 "new$tab*delete${tab}removes*--type$tab*" "$fvm" completion list wallet
expect "commands by a list" 0 "*invoke${tab}call a method*" "$fvm" completion list actor
expect "options of a command below" 0 "--read-only${tab}do not send*--rpc$tab*" "$fvm" completion list actor invoke
expect "options once there is an argument" 0 "--call$tab*" "$fvm" completion list send 0x1 1FIL
expect "an option with a short name" 0 "*--output$tab*" "$fvm" completion list genesis
expect "nothing for what is no command" 0 "" "$fvm" completion list nonsense
expect "no shell" 2 "*bash, zsh or fish*" "$fvm" completion
expect "an unknown shell" 2 "*bash, zsh or fish*" "$fvm" completion csh
# every option in a help text is offered
for command in $("$fvm" completion list | cut -f1); do
    want=$("$fvm" "$command" --help | sed -nE 's/^  (-[a-zA-Z], )?(--[a-z-]+).*/\2/p' | sort -u)
    got=$("$fvm" completion list "$command" x | cut -f1 | grep -e '^--' | sort -u)
    expect "all options of $command" 0 "$want" echo "$got"
done

# bash completes with the script
complete_bash() { # WORD... : the last one is being written
    PATH=$(dirname "$fvm"):$PATH bash --norc --noprofile -c '
        eval "$(fvm completion bash)"; COMP_WORDS=(fvm "$@"); COMP_CWORD=$#; _fvm; echo "${COMPREPLY[*]}"' _ "$@"
}
expect "bash: a command" 0 "wallet" complete_bash wal
expect "bash: below" 0 "sign" complete_bash wallet si
expect "bash: an option" 0 "--passphrase-file" complete_bash wallet new --pass
if command -v zsh > /dev/null; then
    expect "zsh takes the script" 0 "" zsh -fc "$("$fvm" completion zsh | sed 's/^if.*//')"
fi
if command -v fish > /dev/null; then
    expect "fish completes" 0 "*wallet*" env PATH="$(dirname "$fvm"):$PATH" \
        fish -c "fvm completion fish | source; complete -C 'fvm wal'"
fi

# man pages
expect "the pages are made" 0 "" "$source/cmake/man.sh" "$fvm" "$work/man"
for command in $("$fvm" completion list | cut -f1); do
    expect "a page of $command" 0 "*.SH SYNOPSIS*fvm $command*" cat "man/fvm-$command.1"
done
expect "a page of a command below" 0 "*Calls a method of a native actor*.SH EXAMPLES*.SH EXIT STATUS*" \
    cat man/fvm-actor-invoke.1
if command -v groff > /dev/null; then
    expect "groff has nothing to say" 0 "" bash -c 'for p in man/*.1; do groff -man -ww -z "$p"; done'
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
