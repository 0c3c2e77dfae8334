# table.awk - the table of bench/peers.sh: one row for each of issue 5's, ratios to the peer of the same
# run. Bars and aims are the issue's.
function name_of_file() { return substr(FILENAME, length(work) + 2) }
function row(what, ours, peer, ratio, bar, aim) {
    printf "%-46s %14s %18s %9s %10s %8s\n", what, ours, peer, ratio, bar, aim
}
function faster(what, ours, peer, unit, scale, bar, aim) {
    row(what, ours == "" ? "-" : sprintf("%.2f %s", ours / scale, unit),
        peer == "" ? "-" : sprintf("%.2f %s", peer / scale, unit),
        ours == "" || peer == "" ? "-" : sprintf("%.1fx", peer / ours), bar, aim)
}
{ file = name_of_file() }
file == "reference" && $1 == "compile" { ref_compile = $3; ref_peak = $4 }
file == "reference" && $1 == "message" { ref_us[$2] = $3 }
file == "v8" && $1 == "compile" { if (!v8_compile || $3 < v8_compile) v8_compile = $3 }
file == "wasmtime" && $1 == "compile" { wt_compile = $3 }
file == "wasmtime" && $1 == "loop" { wt_us[$2] = $3 }
file == "actors" && $1 == "actors" {
    count = $2; bytes = $3; code = $5; peak = $6
    if (!seconds || $4 < seconds) seconds = $4
}
file == "messages" && /us\/message/ { us[$1] = $4; order[++files] = $1 }
file == "wasm" && $1 == "hostile" && $3 == "x64" {
    slow = $4 < $6 ? $4 : $6
    if (worst == "" || slow < worst) { worst = slow; worst_shape = $2 }
}
file == "loops" && /^geometric means:/ {
    if (match($0, /metered \/ not [0-9.]+/)) metering = substr($0, RSTART + 14, RLENGTH - 14)
    if (match($0, /\/ native [0-9.]+/)) native = substr($0, RSTART + 9, RLENGTH - 9)
}
file == "corpus" { corpus = $2; corpus_says = $3 " " $4 }
END {
    row("work", "ours", "peer", "ratio", "bar", "aim")
    mbs = seconds ? bytes / seconds / 1e6 : 0
    for (i = 1; i <= 3; i++) {
        who = i == 1 ? "reference" : i == 2 ? "V8 Liftoff" : "wasmtime"
        s = i == 1 ? ref_compile : i == 2 ? v8_compile : wt_compile
        row(sprintf("compile %d actors, beside %s", count, who), sprintf("%.1f MB/s", mbs),
            s ? sprintf("%.2f MB/s", bytes / s / 1e6) : "-", s ? sprintf("%.1fx", s / seconds) : "-", "80 MB/s", "100")
    }
    if (worst != "")
        row("worst hostile module (" worst_shape "), per byte", sprintf("%.1f MB/s", worst), sprintf("%.1f MB/s", mbs),
            sprintf("%.1fx", mbs / worst), "<= 4x", "2x")
    faster("plain send (bench-send)", us["bench-send"], ref_us["bench-send"], "us", 1, "4x", "8x")
    faster("account method (bench-pubkey)", us["bench-pubkey"], ref_us["bench-pubkey"], "us", 1, "8x", "12x")
    faster("1,000 nested calls", us["bench-wasm-calls"], ref_us["bench-wasm-calls"], "ms", 1000, "2x", "4x")
    faster("20,000 system calls", us["bench-wasm-syscalls"], ref_us["bench-wasm-syscalls"], "ms", 1000, "2x", "4x")
    faster("ERC-20 transfer", us["bench-erc20-transfer"], ref_us["bench-erc20-transfer"], "us", 1, "1.5x", "2x")
    for (i = 1; i <= files; i++) {
        id = order[i]
        if (id !~ /fevm|matrix|sha256|sieve|sort/) continue
        faster("loop " id, us[id], ref_us[id], "ms", 1000, "", "")
        if (wt_us[id] != "") faster("  beside wasmtime, which does not meter", us[id], wt_us[id], "ms", 1000, "", "")
        if (ref_us[id] != "") { product += log(us[id] / ref_us[id]); terms++ }
    }
    row("loops, geometric mean: our time / reference's", "", "", terms ? sprintf("%.2f", exp(product / terms)) : "-", "<= 1.5", "1.0")
    if (native) row("loops, geometric mean: our time / clang -O2", "", "", native, "", "")
    if (metering) row("metered / unmetered (bench_loops)", "", "", metering, "<= 1.08", "1.03")
    row("189 nv18 vectors, cold (" corpus_says ")", corpus == "" ? "-" : sprintf("%.2f s", corpus), "36 s (issue)",
        corpus == "" ? "-" : sprintf("%.1fx", 36 / corpus), "<= 2 s", "1 s")
    row("peak memory, actors loaded", sprintf("%.1f MiB", peak / 1024), ref_peak ? sprintf("%.1f MiB", ref_peak / 1024) : "-",
        ref_peak ? sprintf("%.1fx", ref_peak / peak) : "-", "<= 60", "40")
    printf "machine code per byte of wasm: %.2f; times are CPU time, peers of this run, '-': peer left out\n", bytes ? code / bytes : 0
}
