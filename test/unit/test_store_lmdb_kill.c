/* kill -9 at any instant: the database opens afterwards, verifies, and holds every block whose batch
 * was committed; a batch is there whole or not at all. */
#include "store_helpers.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define KILLS 200
#define BATCH 16

static uint8_t room[SAMPLE_ROOM];

/* Blocks of batch `n`, number `i` in it. Some batches are large, so that kills meet all phases. */
static fvm_bytes batch_data(uint8_t *out, uint64_t n, uint64_t i)
{
    return sample_data(out, SAMPLE_ROOM, n * BATCH + i);
}

static void put_number(const fvm_blockstore *bs, uint64_t n)
{
    static uint8_t data[BATCH][SAMPLE_ROOM];
    fvm_block blocks[BATCH];
    for (uint64_t i = 0; i < BATCH; i++) {
        blocks[i].data = batch_data(data[i], n, i);
        blocks[i].cid = fvm_cid_of(FVM_CODEC_RAW, blocks[i].data);
    }
    if (fvm_blockstore_put_many(bs, blocks, BATCH) != FVM_OK) _exit(3);
}

/* Opens, writes batches, tells each one's number when it is committed, and now and then collects
 * garbage that is none. Never returns. */
static void child(const char *path, uint64_t from, bool sync, int out)
{
    fvm_blockstore bs;
    fvm_lmdb_options options = { .no_sync = !sync, .map_bytes = 1u << 20 };
    if (fvm_blockstore_lmdb_open(&bs, path, &options, NULL, NULL) != FVM_OK) _exit(2);
    for (uint64_t n = from;; n++) {
        put_number(&bs, n);
        if (write(out, &n, sizeof n) != sizeof n) _exit(4);
    }
}

static bool batch_is_there(const fvm_blockstore *bs, uint64_t n)
{
    uint64_t found = 0;
    fvm_buf got;
    fvm_buf_init(&got, NULL);
    for (uint64_t i = 0; i < BATCH; i++) {
        fvm_bytes want = batch_data(room, n, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, want);
        got.len = 0;
        fvm_err err = fvm_blockstore_get(bs, &got, &cid);
        CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
        if (err == FVM_OK) {
            CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), want));
            found++;
        }
    }
    fvm_buf_deinit(&got);
    CHECK(found == 0 || found == BATCH);
    return found == BATCH;
}

/* Runs a writer until it is killed, `delay_us` after it told `least` batches, which makes it get
 * there on a slow machine, too; gives the number of the batch after the last one it told. */
static uint64_t run_and_kill(const char *path, uint64_t from, bool sync, unsigned least,
                             uint64_t delay_us)
{
    int ends[2], status;
    uint64_t n, next = from;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(path, from, sync, ends[1]);
    }
    close(ends[1]);
    for (unsigned i = 0; i < least; i++) {
        CHECK(read(ends[0], &n, sizeof n) == sizeof n);
        next = n + 1;
    }
    struct timespec delay = { 0, (long)delay_us * 1000 };
    nanosleep(&delay, NULL);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &n, sizeof n) == sizeof n) next = n + 1;
    close(ends[0]);
    return next;
}

TEST(every_committed_block_survives_200_kills)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    test_rng rng = { 99 };
    uint64_t next = 0;
    size_t kills_between_commits = 0;
    for (int round = 0; round < KILLS; round++) {
        fvm_blockstore bs;
        fvm_verify_result result;
        fvm_store_why why = { { 0 } };
        uint64_t before = next;
        uint64_t delay = round % 4 == 0 ? test_rng_below(&rng, 1500) : test_rng_below(&rng, 12000);
        next = run_and_kill(db.text, next, round % 2 == 0, (unsigned)round % 3, delay);
        CHECK_AT(why.text, fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why) == FVM_OK);
        for (uint64_t n = before; n < next; n++) CHECK(batch_is_there(&bs, n));
        /* the one under way: whole or absent, and nothing after it */
        if (batch_is_there(&bs, next)) {
            next++;
            kills_between_commits++;
        }
        CHECK(!batch_is_there(&bs, next));
        if (round % 20 == 19 || round == KILLS - 1) {
            CHECK_OK(fvm_lmdb_verify(&bs, &result, NULL, NULL));
            CHECK(result.blocks == next * BATCH);
            for (uint64_t n = 0; n < next; n += 1 + next / 50) CHECK(batch_is_there(&bs, n));
        }
        fvm_blockstore_free(&bs);
    }
    printf("%d kills, %llu batches committed, %zu kills between commit and word of it\n", KILLS,
           (unsigned long long)next, kills_between_commits);
    CHECK(next > KILLS / 2); /* else nothing was shown */
    temp_folder_free(&t);
}
