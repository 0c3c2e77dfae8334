#!/bin/bash
# The man pages, out of the help texts: a page for fvm, and one for each command that has a text of its own
# (fvm-send, fvm-actor-new). Lines that begin with two spaces are items, deeper ones go on; "Example:" and
# "Exit codes:" become sections. usage: man.sh FVM OUT_DIR
set -euo pipefail
fvm=$1 out=$2
rm -rf "$out"
mkdir -p "$out"
version=$("$fvm" --version)

page() { # NAME SUMMARY, the help text on standard input
    awk -v name="$1" -v summary="$2" -v version="$version" '
    function esc(s) {
        gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s)
        if (s ~ /^[.\x27]/) s = "\\&" s
        return s
    }
    function para() { if (!fresh) { print ".PP"; fresh = 1 } }
    BEGIN {
        printf ".TH %s 1 \"\" \"%s\" \"fvm\"\n.SH NAME\n%s \\- %s\n", toupper(name), version, esc(name), esc(summary)
        mode = "start"; fresh = 1
    }
    mode == "start" && /^Usage: / { print ".SH SYNOPSIS\n.nf"; sub(/^Usage: /, ""); print esc($0); mode = "usage"; next }
    mode == "usage" && NF { sub(/^ +/, ""); print esc($0); next }
    mode == "usage" { print ".fi\n.SH DESCRIPTION"; mode = "text"; fresh = 1; next }
    !NF { item = 0; gap = 1; next }
    /^Example: / { print ".SH EXAMPLES\n.nf"; sub(/^Example: /, ""); print esc($0); print ".fi"; fresh = 1; gap = 0; next }
    /^Exit codes: / { print ".SH EXIT STATUS"; sub(/^Exit codes: /, ""); print esc($0); fresh = 0; gap = 0; item = 0; next }
    /^  [^ ]/ {
        sub(/^  /, "")
        at = match($0, /  +/)
        if (at) { tag = substr($0, 1, at - 1); text = substr($0, at + RLENGTH) } else { tag = $0; text = "" }
        printf ".TP\n.B %s\n", esc(tag)
        if (text != "") print esc(text)
        item = 1; fresh = 0; gap = 0; next
    }
    /^ / && item { sub(/^ +/, ""); print esc($0); next }
    /:$/ && gap && NF <= 2 { printf ".SS %s\n", esc(substr($0, 1, length($0) - 1)); fresh = 1; gap = 0; item = 0; next }
    {
        if (gap || item) para()
        sub(/^ +/, "")
        print esc($0); fresh = 0; gap = 0; item = 0
    }' > "$out/$1.1"
}

"$fvm" --help | page fvm "a Filecoin virtual machine"
while IFS=$'\t' read -r command summary; do
    text=$("$fvm" "$command" --help)
    page "fvm-$command" "$summary" <<< "$text"
    "$fvm" completion list "$command" | while IFS=$'\t' read -r below what; do
        [[ $below == [a-z]* ]] || continue
        own=$("$fvm" "$command" "$below" --help 2> /dev/null < /dev/null) || continue
        [ "$own" = "$text" ] || page "fvm-$command-$below" "$what" <<< "$own"
    done
done < <("$fvm" completion list)
