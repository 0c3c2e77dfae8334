/* bench_ipld.c - HAMT, AMT and KAMT: build with flush, look-ups of all keys after a reload, updates with a
 * flush, at 10^3 to 10^6 entries. Prints one line per measurement:
 *
 *   STRUCTURE OPERATION ENTRIES NANOSECONDS_PER_ENTRY
 *   STRUCTURE root ENTRIES CID
 *
 * bench/ipld.sh runs the reference's crates on the same work and puts the figures side by side.
 * usage: bench_ipld [MAX_ENTRIES] */
#include "ipld/amt.h"
#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "ipld/kamt.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HAMT_BIT_WIDTH 5
#define AMT_BIT_WIDTH 5
#define KAMT_BIT_WIDTH 5
#define UPDATES 1000

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "bench_ipld: %s: %s\n", what, fvm_err_text(err));
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *what, const char *operation, uint64_t entries, double ns,
                   uint64_t count)
{
    printf("%s %s %llu %.1f\n", what, operation, (unsigned long long)entries, ns / (double)count);
    fflush(stdout);
}

/* The root after the updates, by which the peer's work is seen to be the same. */
static void report_root(const char *what, uint64_t entries, const fvm_cid *root)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, root);
    printf("%s root %llu %s\n", what, (unsigned long long)entries, text);
    fflush(stdout);
}

/* Keys are eight bytes, little endian; values CBOR integers: the same in the Rust program. */
static fvm_bytes key_of(uint8_t room[8], uint64_t i)
{
    fvm_store_le64(room, i * UINT64_C(0x9e3779b97f4a7c15));
    return (fvm_bytes){ room, 8 };
}
static fvm_bytes value_of(fvm_buf *room, uint64_t v)
{
    room->len = 0;
    must(fvm_cbor_put_uint(room, v), "value");
    return fvm_buf_bytes(room);
}

static void bench_hamt(const fvm_blockstore *bs, uint64_t n, fvm_buf *room)
{
    uint8_t key[8];
    fvm_cid root;
    fvm_hamt *hamt;
    fvm_bytes value;
    double start = now_ns();
    must(fvm_hamt_new(&hamt, bs, HAMT_BIT_WIDTH, NULL), "new");
    for (uint64_t i = 0; i < n; i++)
        must(fvm_hamt_set(hamt, key_of(key, i), value_of(room, i)), "set");
    must(fvm_hamt_flush(hamt, &root), "flush");
    fvm_hamt_free(hamt);
    report("hamt", "build", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_hamt_load(&hamt, bs, &root, HAMT_BIT_WIDTH, NULL), "load");
    for (uint64_t i = 0; i < n; i++) must(fvm_hamt_get(hamt, &value, key_of(key, i)), "get");
    fvm_hamt_free(hamt);
    report("hamt", "lookup", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_hamt_load(&hamt, bs, &root, HAMT_BIT_WIDTH, NULL), "load");
    for (uint64_t i = 0; i < UPDATES; i++) {
        uint64_t at = i * 7919 % n;
        must(fvm_hamt_set(hamt, key_of(key, at), value_of(room, at + 1 + n)), "update");
        if (i % 10 == 9) must(fvm_hamt_flush(hamt, &root), "flush");
    }
    fvm_hamt_free(hamt);
    report("hamt", "update", n, now_ns() - start, UPDATES);
    report_root("hamt", n, &root);
}

static void bench_amt(const fvm_blockstore *bs, uint64_t n, fvm_buf *room)
{
    fvm_cid root;
    fvm_amt *amt;
    fvm_bytes value;
    double start = now_ns();
    must(fvm_amt_new(&amt, bs, AMT_BIT_WIDTH, NULL), "new");
    for (uint64_t i = 0; i < n; i++) must(fvm_amt_set(amt, i, value_of(room, i)), "set");
    must(fvm_amt_flush(amt, &root), "flush");
    fvm_amt_free(amt);
    report("amt", "build", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_amt_load(&amt, bs, &root, NULL), "load");
    for (uint64_t i = 0; i < n; i++) must(fvm_amt_get(amt, &value, i), "get");
    fvm_amt_free(amt);
    report("amt", "lookup", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_amt_load(&amt, bs, &root, NULL), "load");
    for (uint64_t i = 0; i < UPDATES; i++) {
        uint64_t at = i * 7919 % n;
        must(fvm_amt_set(amt, at, value_of(room, at + 1 + n)), "update");
        if (i % 10 == 9) must(fvm_amt_flush(amt, &root), "flush");
    }
    fvm_amt_free(amt);
    report("amt", "update", n, now_ns() - start, UPDATES);
    report_root("amt", n, &root);
}

/* Four words of splitmix64. */
static const uint8_t *slot_of(uint8_t room[FVM_KAMT_KEY_LEN], uint64_t i)
{
    for (uint64_t word = 0; word < FVM_KAMT_KEY_LEN / 8; word++) {
        uint64_t z = (i * 4 + word + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        fvm_store_le64(room + 8 * word, z ^ z >> 31);
    }
    return room;
}

static void bench_kamt(const fvm_blockstore *bs, uint64_t n, fvm_buf *room)
{
    uint8_t key[FVM_KAMT_KEY_LEN];
    fvm_cid root;
    fvm_kamt *kamt;
    fvm_bytes value;
    double start = now_ns();
    must(fvm_kamt_new(&kamt, bs, KAMT_BIT_WIDTH, NULL), "new");
    for (uint64_t i = 0; i < n; i++)
        must(fvm_kamt_set(kamt, slot_of(key, i), value_of(room, i)), "set");
    must(fvm_kamt_flush(kamt, &root), "flush");
    fvm_kamt_free(kamt);
    report("kamt", "build", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_kamt_load(&kamt, bs, &root, KAMT_BIT_WIDTH, NULL), "load");
    for (uint64_t i = 0; i < n; i++) must(fvm_kamt_get(kamt, &value, slot_of(key, i)), "get");
    fvm_kamt_free(kamt);
    report("kamt", "lookup", n, now_ns() - start, n);

    start = now_ns();
    must(fvm_kamt_load(&kamt, bs, &root, KAMT_BIT_WIDTH, NULL), "load");
    for (uint64_t i = 0; i < UPDATES; i++) {
        uint64_t at = i * 7919 % n;
        must(fvm_kamt_set(kamt, slot_of(key, at), value_of(room, at + 1 + n)), "update");
        if (i % 10 == 9) must(fvm_kamt_flush(kamt, &root), "flush");
    }
    fvm_kamt_free(kamt);
    report("kamt", "update", n, now_ns() - start, UPDATES);
    report_root("kamt", n, &root);
}

int main(int argc, char **argv)
{
    uint64_t max = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    fvm_buf room;
    fvm_buf_init(&room, NULL);
    for (uint64_t n = 1000; n <= max; n *= 10) {
        fvm_blockstore bs;
        must(fvm_blockstore_memory_new(&bs, NULL), "store");
        bench_hamt(&bs, n, &room);
        bench_amt(&bs, n, &room);
        bench_kamt(&bs, n, &room);
        fvm_blockstore_free(&bs);
    }
    fvm_buf_deinit(&room);
    return 0;
}
