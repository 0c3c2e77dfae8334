/* bench_ledger.c - what a node's ledger takes: batches like those of a sealed block (10 blocks of state of
 * about 1 kB, 4 entries by number, 4 by hash), in each durability, and the rate of each tenth as it grows. Wall
 * time and CPU time of the whole process, the mover's included; the rest that close has to move too.
 * The folder is in build/bench. usage: bench_ledger [BATCHES [STRICT_BATCHES]] */
#include "base/util.h"
#include "chain/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "build/bench/ledger"
#define BLOCKS 10
#define ENTRIES 4 /* of each kind */
#define BLOCK_BYTES 1000

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "bench_ledger: %s: %s\n", what, fvm_err_text(err));
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void fill(uint8_t *out, size_t len, uint64_t *random)
{
    for (size_t i = 0; i + 8 <= len; i += 8) fvm_store_le64(out + i, random_next(random));
}

/* The CIDs are made up: hashing is not the ledger's. */
static void put_batch(fvm_ledger *ledger, uint64_t number, uint64_t *random)
{
    static uint8_t data[BLOCKS][BLOCK_BYTES];
    fvm_block blocks[BLOCKS];
    fvm_ledger_begin(ledger);
    for (unsigned i = 0; i < BLOCKS; i++) {
        fill(data[i], BLOCK_BYTES, random);
        blocks[i] = (fvm_block){ .data = { data[i], BLOCK_BYTES },
                                 .cid = { .codec = FVM_CODEC_DAG_CBOR,
                                          .hash = FVM_HASH_BLAKE2B_256,
                                          .version = 1,
                                          .digest_len = 32 } };
        fill(blocks[i].cid.digest, 32, random);
    }
    must(fvm_blockstore_put_many(fvm_ledger_blocks(ledger), blocks, BLOCKS), "blocks");
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        uint8_t key[32], value[64];
        bool by_hash = i >= ENTRIES;
        fill(key, sizeof key, random);
        fill(value, sizeof value, random);
        if (!by_hash) fvm_store_be64(key, number);
        must(fvm_ledger_put(ledger, by_hash ? FVM_LEDGER_ORDERED + i - ENTRIES : i,
                            (fvm_bytes){ key, by_hash ? sizeof key : 8 },
                            (fvm_bytes){ value, sizeof value }),
             "entry");
    }
    must(fvm_ledger_commit(ledger), "commit");
}

static void remove_folder(void)
{
    (void)unlink(FOLDER "/db/data.mdb");
    (void)unlink(FOLDER "/db/lock.mdb");
    (void)rmdir(FOLDER "/db");
    (void)unlink(FOLDER "/lock");
    (void)rmdir(FOLDER);
}

static void measure(const char *name, const char *folder, fvm_durability durability,
                    uint64_t batches)
{
    fvm_ledger_options options = { .folder = folder, .durability = durability };
    fvm_ledger *ledger;
    fvm_ledger_stats stats;
    fvm_store_why why = { "" };
    uint64_t random = 1;
    remove_folder();
    if (fvm_ledger_open(&ledger, &options, NULL, &why) != FVM_OK) {
        fprintf(stderr, "bench_ledger: %s\n", why.text);
        exit(1);
    }
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double tenths[10];
    for (unsigned t = 0; t < 10; t++) {
        double start = seconds(CLOCK_MONOTONIC);
        for (uint64_t i = 0; i < batches / 10; i++)
            put_batch(ledger, t * (batches / 10) + i, &random);
        tenths[t] = (double)(batches / 10) / (seconds(CLOCK_MONOTONIC) - start);
    }
    double committed = seconds(CLOCK_MONOTONIC) - wall;
    must(fvm_ledger_sync(ledger), "sync");
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    fvm_ledger_stats_get(ledger, &stats);
    double count = (double)(batches / 10 * 10);
    printf("%-7s %6.0f batches: %7.0f/s committed, %7.0f/s moved; %6.1f us of CPU each;"
           " first tenth %6.0f/s, last %6.0f/s; %llu groups, %.1f MB\n",
           name, count, count / committed, count / wall, cpu * 1e6 / count, tenths[0], tenths[9],
           (unsigned long long)stats.groups, (double)stats.file_bytes * 1e-6);
    (void)fflush(stdout);
    fvm_ledger_close(ledger);
    remove_folder();
}

int main(int argc, char **argv)
{
    uint64_t batches = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
    uint64_t strict = argc > 2 ? strtoull(argv[2], NULL, 10) : 500;
    (void)mkdir("build", 0777);
    (void)mkdir("build/bench", 0777);
    measure("memory", NULL, FVM_DURABILITY_NONE, batches);
    measure("none", FOLDER, FVM_DURABILITY_NONE, batches);
    measure("group", FOLDER, FVM_DURABILITY_GROUP, batches);
    measure("strict", FOLDER, FVM_DURABILITY_STRICT, strict);
    return 0;
}
