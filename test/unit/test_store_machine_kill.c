/* kill -9 of a process that applies messages and flushes its machine onto a database, again and
 * again: each root that it told is there afterwards, with everything below it, and is the root that
 * the same messages have in memory; a machine opens on it and goes on. */
#include "kernel/state.h"
#include "store/dag.h"
#include "store_helpers.h"

#include <fvm/genesis.h>
#include <fvm/machine.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define KILLS 200
#define ACCOUNTS 300
#define FIRST_ID 100
#define NETWORK_VERSION 27

/* (module (memory (export "memory") 0) (func (export "invoke") (param i32) (result i32) i32.const 0)) */
static const uint8_t idle[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f,
    0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x00, 0x07, 0x13, 0x02,
    0x06, 'm',  'e',  'm',  'o',  'r',  'y',  0x02, 0x00, 0x06, 'i',  'n',  'v',  'o',
    'k',  'e',  0x00, 0x00, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x00, 0x0b,
};

/* A state and how it came about; what the child tells. */
typedef struct progress {
    uint64_t blocks, transfers;
    fvm_cid root;
} progress;

static fvm_address key_address(uint64_t i)
{
    uint8_t public_key[65] = { 4 };
    fvm_store_le64(public_key + 1, i);
    return fvm_address_secp256k1(public_key);
}

static progress genesis(const fvm_blockstore *bs)
{
    static fvm_genesis_actor actors[ACCOUNTS + 2];
    progress p = { 0 };
    fvm_cid code;
    CHECK_OK(fvm_blockstore_put_new(bs, &code, FVM_CODEC_RAW, (fvm_bytes){ idle, sizeof idle }));
    const fvm_genesis_builtin builtins[] = {
        { "system", code },      { "init", code }, { "account", code },
        { "placeholder", code }, { "eam", code },  { "ethaccount", code },
    };
    for (uint64_t i = 0; i < ACCOUNTS; i++)
        actors[i] = (fvm_genesis_actor){ .id = FIRST_ID + i,
                                         .code = code,
                                         .balance = fvm_big_u64(UINT64_C(1) << 60),
                                         .address = key_address(i) };
    actors[ACCOUNTS] = (fvm_genesis_actor){ .id = FVM_ID_REWARD, .code = code };
    actors[ACCOUNTS + 1] = (fvm_genesis_actor){ .id = FVM_ID_BURNT, .code = code };
    fvm_genesis g = { .network_version = NETWORK_VERSION,
                      .builtins = builtins,
                      .builtin_count = FVM_COUNT(builtins),
                      .actors = actors,
                      .actor_count = FVM_COUNT(actors) };
    CHECK_OK(fvm_genesis_build(&p.root, bs, &g, NULL));
    return p;
}

/* Transfer number `n` of all; senders take turns, so their nonces follow from it. */
static void transfer(fvm_machine *machine, fvm_receipt *receipt, uint64_t n)
{
    fvm_message m = {
        .from = key_address(n % ACCOUNTS),
        .to = key_address(n * 7919 / 3 % ACCOUNTS),
        .value = fvm_big_u64(n % 1000),
        .nonce = n / ACCOUNTS,
        .gas_limit = 10000000,
        .gas_fee_cap = fvm_big_u64(200),
        .gas_premium = fvm_big_u64(100),
    };
    CHECK_OK(fvm_machine_apply(machine, receipt, &m, FVM_APPLY_EXPLICIT, 100));
    CHECK(receipt->exit_code == 0);
}

/* Applies the next block, of 1 to 40 transfers, and flushes. */
static void next_block(progress *p, const fvm_blockstore *bs, fvm_context *context,
                       volatile bool *flushing)
{
    fvm_machine_config config = { .network_version = NETWORK_VERSION,
                                  .chain_id = 314,
                                  .epoch = (int64_t)p->blocks,
                                  .base_fee = fvm_big_u64(100) };
    uint64_t size = 1 + p->blocks * 17 % 40;
    fvm_machine *machine;
    fvm_receipt receipt;
    fvm_receipt_init(&receipt, NULL);
    CHECK_OK(fvm_machine_new(&machine, context, bs, &p->root, &config));
    for (uint64_t i = 0; i < size; i++) transfer(machine, &receipt, p->transfers++);
    *flushing = true;
    CHECK_OK(fvm_machine_flush(machine, &p->root));
    *flushing = false;
    p->blocks++;
    fvm_machine_free(machine);
    fvm_receipt_deinit(&receipt);
}

static void child(const char *path, progress p, bool sync, int out, volatile bool *flushing)
{
    fvm_blockstore bs;
    fvm_engine *engine;
    fvm_context *context;
    fvm_lmdb_options options = { .no_sync = !sync };
    if (fvm_blockstore_lmdb_open(&bs, path, &options, NULL, NULL) != FVM_OK) _exit(2);
    if (fvm_engine_new(&engine, NULL) != FVM_OK) _exit(3);
    if (fvm_context_new(&context, engine, NULL) != FVM_OK) _exit(4);
    for (;;) {
        next_block(&p, &bs, context, flushing);
        if (write(out, &p, sizeof p) != sizeof p) _exit(5);
    }
}

/* What is known beside the database: the same chain in memory. */
typedef struct model {
    fvm_blockstore bs;
    fvm_engine *engine;
    fvm_context *context;
    progress at;
} model;

static void check_told(model *m, const progress *told)
{
    bool flushing;
    while (m->at.blocks < told->blocks) next_block(&m->at, &m->bs, m->context, &flushing);
    CHECK(m->at.blocks == told->blocks && m->at.transfers == told->transfers);
    CHECK(fvm_cid_eq(&m->at.root, &told->root));
}

static fvm_err block_is_whole(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    (*(uint64_t *)ctx)++;
    return fvm_cid_verify(cid, data);
}

/* Everything below some roots is there; gives how many blocks that are. */
static uint64_t check_below(const fvm_blockstore *bs, const fvm_cid *roots, size_t count)
{
    uint64_t blocks = 0;
    fvm_store_why why = { { 0 } };
    fvm__dag_visitor visitor = { .block = block_is_whole, .ctx = &blocks };
    CHECK_AT(why.text, fvm__dag_walk(bs, roots, count, &visitor, NULL, &why) == FVM_OK);
    return blocks;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Takes what the child tells; false: it is no more. */
static bool hear(int in, progress *told, model *m, fvm_buf *roots)
{
    progress next;
    if (read(in, &next, sizeof next) != sizeof next) return false;
    check_told(m, &next);
    CHECK_OK(fvm_buf_append(roots, (fvm_bytes){ (uint8_t *)&next.root, sizeof next.root }));
    *told = next;
    return true;
}

/* Goes on from `from` until it is killed, some time after it told `least` roots; `roots` gets those
 * that it told. `block_ns` is how long a block takes here, and the time is up to twice that. */
static progress run_and_kill(const char *path, progress from, bool sync, unsigned least,
                             uint64_t *block_ns, test_rng *rng, model *m, fvm_buf *roots,
                             volatile bool *flushing)
{
    int ends[2], status;
    progress told = from;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(path, from, sync, ends[1], flushing);
    }
    close(ends[1]);
    for (unsigned i = 0; i < least; i++) {
        uint64_t start = now_ns();
        CHECK(hear(ends[0], &told, m, roots));
        if (i > 0) *block_ns = now_ns() - start;
    }
    uint64_t delay = test_rng_below(rng, 2 * *block_ns);
    nanosleep(&(struct timespec){ (time_t)(delay / 1000000000), (long)(delay % 1000000000) }, NULL);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (hear(ends[0], &told, m, roots)) continue;
    close(ends[0]);
    return told;
}

TEST(every_root_that_a_flush_gave_survives_200_kills)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db");
    test_rng rng = { 7 };
    model m;
    fvm_blockstore bs;
    fvm_buf roots;
    unsigned in_flush = 0;
    uint64_t blocks = 0, block_ns = 10000000;
    volatile bool *flushing = mmap(NULL, sizeof *flushing, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(flushing != MAP_FAILED);
    fvm_buf_init(&roots, NULL);
    CHECK_OK(fvm_blockstore_memory_new(&m.bs, NULL));
    CHECK_OK(fvm_engine_new(&m.engine, NULL));
    CHECK_OK(fvm_context_new(&m.context, m.engine, NULL));
    m.at = genesis(&m.bs);
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, NULL));
    progress told = genesis(&bs);
    fvm_blockstore_free(&bs);
    for (int round = 0; round < KILLS; round++) {
        size_t before = roots.len / sizeof(fvm_cid);
        *flushing = false;
        told = run_and_kill(db.text, told, round % 2 == 0, (unsigned)round % 3, &block_ns, &rng, &m,
                            &roots, flushing);
        in_flush += *flushing;
        fvm_store_why why = { { 0 } };
        CHECK_AT(why.text, fvm_blockstore_lmdb_open(&bs, db.text, NULL, NULL, &why) == FVM_OK);
        const fvm_cid *all = (const fvm_cid *)(const void *)roots.ptr;
        size_t count = roots.len / sizeof *all;
        if (count > before) (void)check_below(&bs, all + before, count - before);
        if (round == KILLS - 1) {
            fvm_verify_result result;
            blocks = check_below(&bs, all, count);
            CHECK_OK(fvm_lmdb_verify(&bs, &result, NULL, NULL));
            bool ignored;
            next_block(&told, &bs, m.context, &ignored); /* here, too, it goes on */
            check_told(&m, &told);
        }
        fvm_blockstore_free(&bs);
    }
    printf("%d kills, %u of them in a flush; %llu roots told, %llu blocks below them\n", KILLS,
           in_flush, (unsigned long long)told.blocks - 1, (unsigned long long)blocks);
    CHECK(told.blocks > KILLS / 2 && in_flush > KILLS / 20); /* else nothing was shown */
    fvm_context_free(m.context);
    fvm_engine_free(m.engine);
    fvm_blockstore_free(&m.bs);
    fvm_buf_deinit(&roots);
    (void)munmap((void *)(uintptr_t)flushing, sizeof *flushing);
    temp_folder_free(&t);
}
