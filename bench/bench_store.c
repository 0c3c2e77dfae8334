/* bench_store.c - the LMDB store: puts and gets of blocks beside plain LMDB calls on the same blocks,
 * and the time and memory of importing and verifying CAR files of growing size, beside the time that
 * hashing their bytes takes, which nothing that verifies can undercut.
 *
 *   LINE: WORK SIZE OURS PEER RATIO
 *
 * usage: bench_store [MAX_CAR_MB]   (files go to TMPDIR) */
#include "crypto/crypto.h"
#include "ipld/car.h"
#include "store/carstream.h"

#include <fvm/store.h>

#include <fcntl.h>
#include <lmdb.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 100000
#define BLOCK_BYTES 400 /* a node of a state tree */
#define BATCH 1000
#define CAR_BLOCK 8192

static char folder[256];

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench_store: %s failed\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *path(char room[300], const char *name)
{
    snprintf(room, 300, "%s/%s", folder, name);
    return room;
}

static fvm_bytes block_data(uint8_t room[CAR_BLOCK], uint64_t i, size_t len)
{
    uint64_t x = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t at = 0; at + 8 <= len; at += 8) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        fvm_store_le64(room + at, x);
    }
    return (fvm_bytes){ room, len };
}

/* --- puts and gets --- */

static uint8_t data[BATCH][CAR_BLOCK];
static fvm_cid *cids;

static double ours_put(const fvm_blockstore *bs)
{
    fvm_block blocks[BATCH];
    double start = now();
    for (uint64_t i = 0; i < BLOCKS; i += BATCH) {
        for (uint64_t k = 0; k < BATCH; k++)
            blocks[k] = (fvm_block){ cids[i + k], block_data(data[k], i + k, BLOCK_BYTES) };
        must(fvm_blockstore_put_many(bs, blocks, BATCH) == FVM_OK, "put");
    }
    return now() - start;
}

static double ours_get(const fvm_blockstore *bs)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    double start = now();
    for (uint64_t i = 0; i < BLOCKS; i++) {
        out.len = 0;
        must(fvm_blockstore_get(bs, &out, &cids[i * 7919 % BLOCKS]) == FVM_OK, "get");
    }
    double took = now() - start;
    fvm_buf_deinit(&out);
    return took;
}

static MDB_val key_of(uint8_t room[FVM_CID_BYTES_MAX], uint64_t i)
{
    return (MDB_val){ fvm_cid_write(room, &cids[i]), room };
}

static double peer_put(MDB_env *env)
{
    uint8_t room[FVM_CID_BYTES_MAX];
    double start = now();
    for (uint64_t i = 0; i < BLOCKS; i += BATCH) {
        MDB_txn *txn;
        MDB_dbi dbi;
        must(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &dbi) == 0,
             "txn");
        for (uint64_t k = 0; k < BATCH; k++) {
            fvm_bytes block = block_data(data[k], i + k, BLOCK_BYTES);
            MDB_val key = key_of(room, i + k), value = { block.len, data[k] };
            must(mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE) == 0, "mdb_put");
        }
        must(mdb_txn_commit(txn) == 0, "commit");
    }
    return now() - start;
}

/* A transaction for each get, and a copy, as the store gives. */
static double peer_get(MDB_env *env)
{
    uint8_t room[FVM_CID_BYTES_MAX], copy[CAR_BLOCK];
    MDB_txn *txn;
    MDB_dbi dbi;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &dbi) == 0,
         "txn");
    double start = now();
    for (uint64_t i = 0; i < BLOCKS; i++) {
        MDB_val key = key_of(room, i * 7919 % BLOCKS), value;
        mdb_txn_reset(txn);
        must(mdb_txn_renew(txn) == 0 && mdb_get(txn, dbi, &key, &value) == 0, "mdb_get");
        memcpy(copy, value.mv_data, value.mv_size);
    }
    double took = now() - start;
    mdb_txn_abort(txn);
    return took;
}

static void line(const char *work, const char *size, double ours, double peer, const char *unit)
{
    printf("%-22s %10s %12.0f %12.0f %s %6.2fx\n", work, size, ours, peer, unit, ours / peer);
    fflush(stdout);
}

static void bench_blocks(void)
{
    char room[300];
    fvm_blockstore bs;
    fvm_lmdb_options options = { .no_sync = true };
    MDB_env *env = NULL;
    cids = malloc(BLOCKS * sizeof *cids);
    must(cids != NULL, "memory");
    for (uint64_t i = 0; i < BLOCKS; i++)
        cids[i] = fvm_cid_of(FVM_CODEC_DAG_CBOR, block_data(data[0], i, BLOCK_BYTES));
    must(fvm_blockstore_lmdb_open(&bs, path(room, "ours"), &options, NULL, NULL) == FVM_OK, "open");
    must(mkdir(path(room, "peer"), 0700) == 0 && mdb_env_create(&env) == 0 &&
             mdb_env_set_mapsize(env, (size_t)1 << 30) == 0 &&
             mdb_env_open(env, room, MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD, 0600) == 0,
         "plain LMDB");
    double put = ours_put(&bs), peer = peer_put(env);
    line("put, batches of 1000", "100000", BLOCKS / put, BLOCKS / peer, "blocks/s");
    double get = ours_get(&bs);
    peer = peer_get(env);
    line("get, random", "100000", BLOCKS / get, BLOCKS / peer, "blocks/s");
    fvm_blockstore_free(&bs);
    mdb_env_close(env);
    free(cids);
}

/* --- CARs --- */

static void make_car(const char *name, uint64_t mb)
{
    fvm_buf out;
    FILE *f = fopen(name, "wb");
    must(f != NULL, "making a CAR");
    fvm_buf_init(&out, NULL);
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, block_data(data[0], 0, CAR_BLOCK));
    must(fvm_car_put_header(&out, &root, 1) == FVM_OK, "header");
    for (uint64_t i = 0; i < mb * 1000000 / CAR_BLOCK; i++) {
        fvm_bytes block = block_data(data[0], i, CAR_BLOCK);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, block);
        must(fvm_car_put_block(&out, &cid, block) == FVM_OK &&
                 fwrite(out.ptr, 1, out.len, f) == out.len,
             "writing a CAR");
        out.len = 0;
    }
    must(fclose(f) == 0, "closing a CAR");
    fvm_buf_deinit(&out);
}

/* Memory of a process in MB: what it allocated itself, and pages of files mapped into it, which the
 * system takes back when it likes. */
typedef struct memory {
    double own, mapped;
} memory;

static memory memory_of(pid_t pid)
{
    char name[64], text[256];
    memory m = { 0, 0 };
    snprintf(name, sizeof name, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(name, "r");
    if (!f) return m;
    while (fgets(text, sizeof text, f)) {
        if (strncmp(text, "RssAnon:", 8) == 0) m.own = strtod(text + 8, NULL) / 1024;
        if (strncmp(text, "RssFile:", 8) == 0) m.mapped = strtod(text + 8, NULL) / 1024;
    }
    fclose(f);
    return m;
}

/* Own memory after a tenth of a run, at its end, and the most of both. */
typedef struct course {
    double early, late, most, mapped;
} course;

#define SAMPLES_MAX 50000

/* Looks at the process every 10 ms until it ends. */
static course watch(pid_t pid, int *status)
{
    static double own[SAMPLES_MAX];
    course c = { 0, 0, 0, 0 };
    size_t n = 0;
    pid_t ended;
    while ((ended = waitpid(pid, status, WNOHANG)) == 0) {
        memory m = memory_of(pid);
        if (m.own > 0 && n < SAMPLES_MAX) own[n++] = m.own;
        if (m.own > c.most) c.most = m.own;
        if (m.mapped > c.mapped) c.mapped = m.mapped;
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    must(ended == pid, "waiting");
    if (n == 0) return c;
    c.early = own[n / 10];
    c.late = own[n - 1];
    return c;
}

/* Runs `fvm ARGS` and prints its seconds and its memory. */
static void run_fvm(const char *what, const char *size, double floor, char *const argv[])
{
    int status = 0;
    double start = now();
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    must(posix_spawn_file_actions_init(&files) == 0 &&
             posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0 &&
             posix_spawn(&pid, argv[0], &files, NULL, argv, environ) == 0,
         argv[0]);
    posix_spawn_file_actions_destroy(&files);
    course c = watch(pid, &status);
    double took = now() - start;
    must(WIFEXITED(status) && WEXITSTATUS(status) == 0, argv[2]);
    printf(
        "%-22s %10s %10.2f s  hashing alone %6.2f s  MB own: early %4.1f, late %4.1f, most %4.1f;"
        " of files mapped %5.1f\n",
        what, size, took, floor, c.early, c.late, c.most, c.mapped);
    fflush(stdout);
}

static double hash_floor(uint64_t mb)
{
    uint8_t digest[32];
    block_data(data[0], 1, CAR_BLOCK);
    double start = now();
    for (uint64_t i = 0; i < mb * 1000000 / CAR_BLOCK; i++)
        fvm_blake2b_256(digest, (fvm_bytes){ data[0], CAR_BLOCK });
    return now() - start;
}

static void bench_car(char *fvm, uint64_t mb)
{
    char car[300], db[300], size[32];
    snprintf(size, sizeof size, "%llu MB", (unsigned long long)mb);
    make_car(path(car, "a.car"), mb);
    path(db, "db");
    double floor = hash_floor(mb);
    run_fvm("verify CAR", size, floor, (char *[]){ fvm, "car", "verify", car, NULL });
    run_fvm("import CAR", size, floor, (char *[]){ fvm, "car", "import", db, car, NULL });
    run_fvm("verify database", size, floor, (char *[]){ fvm, "car", "verify", db, NULL });
    char file[320];
    snprintf(file, sizeof file, "%s/data.mdb", db);
    (void)unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", db);
    (void)unlink(file);
    (void)rmdir(db);
    (void)unlink(car);
}

int main(int argc, char **argv)
{
    uint64_t max = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    char fvm[400], command[400];
    const char *tmp = getenv("TMPDIR"), *slash = strrchr(argv[0], '/');
    snprintf(folder, sizeof folder, "%.200s/fvm-bench-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    must(mkdtemp(folder) != NULL, "a folder");
    snprintf(fvm, sizeof fvm, "%.*s/../fvm", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");
    printf("%-22s %10s %12s %12s\n", "work", "size", "ours", "plain LMDB");
    bench_blocks();
    for (uint64_t mb = 10; mb <= max; mb *= 10) bench_car(fvm, mb);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
