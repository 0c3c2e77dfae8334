/* bench_state.c - what a plain transfer costs as the state tree grows: 10^3 to 10^6 accounts, all with
 * key addresses in the init actor's map. Each block gets a machine of its own on the last block's
 * root, as in a chain, so nothing of the tree is in memory but the store. Senders and receivers are
 * drawn at random; messages name them by key addresses.
 *
 *   machine  making the machine, per transfer
 *   apply    fvm_machine_apply, per transfer
 *   flush    fvm_machine_flush, per transfer
 *
 * All states are there from the start, and rounds go over them in turn, so that other work on the machine
 * hits all sizes alike; what is printed is the quickest round of each. Time is the process's CPU time.
 *
 * growth is the total beside that at 10^3 actors. theory is what the trees themselves ask for: the
 * blocks that a transfer reads and writes, counted, beside those at 10^3 actors. A tree of 10^3 has
 * so few nodes that the transfers of a large block share nearly all of them, one of 10^6 shares but
 * the upper ones; what a single transfer costs is what the block of one shows. In memory, and on
 * LMDB in build/ (no fsync, which would be all that one sees).
 * usage: bench_state [MAX_ACTORS [MIN_ACTORS [FACTOR]]] */
#include "ipld/buffered.h"
#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"
#include <fvm/genesis.h>
#include <fvm/machine.h>
#include <fvm/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NETWORK_VERSION 27
#define TREE_VERSION 5
#define BIT_WIDTH 5
#define FIRST_ID 10000u
#define BUILD_BATCH 100000u /* accounts between flushes while building */
#define WARM_UP                                                                                    \
    4000u /* transfers; without, most of an LMDB file is not mapped yet after building */
#define GAS_LIMIT 10000000u
#define SIGNATURE_LEN 69 /* bytes that a secp256k1 signature adds to a message's length */

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "bench_state: %s: %s\n", what, fvm_err_text(err));
    exit(1);
}

/* CPU time: other work on the machine does not count, and nothing here waits for a disk. */
static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- the state --- */

static fvm_address key_address(uint64_t i)
{
    uint8_t public_key[65] = { 4 };
    fvm_store_le64(public_key + 1, i);
    return fvm_address_secp256k1(public_key);
}

/* (module (memory (export "memory") 0) (func (export "invoke") (param i32) (result i32) i32.const 0)) */
static const uint8_t idle[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f,
    0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x00, 0x07, 0x13, 0x02,
    0x06, 'm',  'e',  'm',  'o',  'r',  'y',  0x02, 0x00, 0x06, 'i',  'n',  'v',  'o',
    'k',  'e',  0x00, 0x00, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x00, 0x0b,
};

typedef struct builder {
    const fvm_blockstore *bs;
    fvm_hamt *actors, *addresses;
    fvm_cid code; /* of accounts */
    fvm_buf scratch;
} builder;

static fvm_cid put_block(builder *b)
{
    fvm_cid cid;
    must(fvm_blockstore_put_new(b->bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&b->scratch)),
         "put");
    b->scratch.len = 0;
    return cid;
}

static void put_actor(builder *b, uint64_t id, const fvm_actor *actor)
{
    fvm_address key = fvm_address_id(id);
    must(fvm_actor_write(&b->scratch, actor, TREE_VERSION), "actor");
    must(fvm_hamt_set(b->actors, (fvm_bytes){ key.bytes, key.len }, fvm_buf_bytes(&b->scratch)),
         "actor");
    b->scratch.len = 0;
}

static void add_account(builder *b, uint64_t i)
{
    fvm_address address = key_address(i);
    fvm_actor actor = { .code = b->code };
    must(fvm_cbor_put_array(&b->scratch, 1), "account");
    must(fvm_cbor_put_bytes(&b->scratch, (fvm_bytes){ address.bytes, address.len }), "account");
    actor.head = put_block(b);
    must(fvm_big_from_text(&actor.balance, FVM_STR("1000000000000000000000")), "balance");
    put_actor(b, FIRST_ID + i, &actor);
    must(fvm_cbor_put_uint(&b->scratch, FIRST_ID + i), "address");
    must(fvm_hamt_set(b->addresses, (fvm_bytes){ address.bytes, address.len },
                      fvm_buf_bytes(&b->scratch)),
         "address");
    b->scratch.len = 0;
}

/* What the tries have in memory goes to the store, and they start anew from there. */
static void settle(builder *b, fvm_cid *actors, fvm_cid *addresses)
{
    must(fvm_hamt_flush(b->actors, actors), "flush");
    must(fvm_hamt_flush(b->addresses, addresses), "flush");
    fvm_hamt_free(b->actors);
    fvm_hamt_free(b->addresses);
    must(fvm_hamt_load(&b->actors, b->bs, actors, BIT_WIDTH, NULL), "load");
    must(fvm_hamt_load(&b->addresses, b->bs, addresses, BIT_WIDTH, NULL), "load");
}

/* The state root of a genesis of nothing but what the machine needs: [version, actors, info]. */
static void genesis(builder *b, fvm_cid *actors, fvm_cid *info)
{
    fvm_cid root;
    fvm_buf spare;
    fvm_bytes in;
    uint64_t version;
    must(fvm_blockstore_put_new(b->bs, &b->code, FVM_CODEC_RAW, (fvm_bytes){ idle, sizeof idle }),
         "code");
    const fvm_genesis_builtin builtins[] = {
        { "system", b->code },      { "init", b->code }, { "account", b->code },
        { "placeholder", b->code }, { "eam", b->code },  { "ethaccount", b->code },
    };
    const fvm_genesis_actor some[] = {
        { .id = FVM_ID_REWARD, .code = b->code },
        { .id = FVM_ID_BURNT, .code = b->code },
    };
    const fvm_genesis g = {
        .network_version = NETWORK_VERSION,
        .builtins = builtins,
        .builtin_count = FVM_COUNT(builtins),
        .actors = some,
        .actor_count = FVM_COUNT(some),
    };
    must(fvm_genesis_build(&root, b->bs, &g, NULL), "genesis");
    fvm_buf_init(&spare, NULL);
    must(fvm_blockstore_view(b->bs, &in, &spare, &root), "root");
    must(fvm_cbor_tuple(3, &in), "root");
    must(fvm_cbor_uint(&version, &in), "root");
    must(fvm_cbor_cid(actors, &in), "root");
    must(fvm_cbor_cid(info, &in), "root");
    fvm_buf_deinit(&spare);
}

/* A state with `n` accounts in `base`; gives its root. */
static fvm_cid build_state(const fvm_blockstore *base, uint64_t n)
{
    fvm_blockstore buffered;
    fvm_cid actors, info, addresses, root;
    must(fvm_blockstore_buffered_new(&buffered, base, NULL), "buffer");
    builder b = { .bs = &buffered };
    fvm_buf_init(&b.scratch, NULL);
    genesis(&b, &actors, &info);
    must(fvm_hamt_load(&b.actors, b.bs, &actors, BIT_WIDTH, NULL), "actors");
    must(fvm_hamt_new(&b.addresses, b.bs, BIT_WIDTH, NULL), "addresses");
    for (uint64_t i = 0; i < n; i++) {
        add_account(&b, i);
        if ((i + 1) % BUILD_BATCH == 0) settle(&b, &actors, &addresses);
    }
    settle(&b, &actors, &addresses);

    fvm_actor init = { .code = b.code };
    must(fvm_cbor_put_array(&b.scratch, 3), "init");
    must(fvm_cbor_put_cid(&b.scratch, &addresses), "init");
    must(fvm_cbor_put_uint(&b.scratch, FIRST_ID + n), "init");
    must(fvm_cbor_put_text(&b.scratch, FVM_STR("bench")), "init");
    init.head = put_block(&b);
    put_actor(&b, FVM_ID_INIT, &init);
    settle(&b, &actors, &addresses);

    must(fvm_cbor_put_array(&b.scratch, 3), "root");
    must(fvm_cbor_put_uint(&b.scratch, TREE_VERSION), "root");
    must(fvm_cbor_put_cid(&b.scratch, &actors), "root");
    must(fvm_cbor_put_cid(&b.scratch, &info), "root");
    root = put_block(&b);
    must(fvm_buffered_flush(b.bs, &root, FVM_FLUSH_V3), "flush");
    fvm_hamt_free(b.actors);
    fvm_hamt_free(b.addresses);
    fvm_buf_deinit(&b.scratch);
    fvm_blockstore_free(&buffered);
    return root;
}

/* --- a store that counts what passes --- */

typedef struct counts {
    const fvm_blockstore *base;
    uint64_t read, written; /* blocks */
    uint64_t bytes;
} counts;

static fvm_err counting_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    counts *c = self;
    size_t before = out->len;
    fvm_err err = fvm_blockstore_get(c->base, out, cid);
    c->read++;
    c->bytes += out->len - before;
    return err;
}
static fvm_err counting_has(void *self, bool *out, const fvm_cid *cid)
{
    const counts *c = self;
    return fvm_blockstore_has(c->base, out, cid);
}
static fvm_err counting_put_many(void *self, const fvm_block *blocks, size_t count)
{
    counts *c = self;
    c->written += count;
    for (size_t i = 0; i < count; i++) c->bytes += blocks[i].data.len;
    return fvm_blockstore_put_many(c->base, blocks, count);
}
static const fvm_blockstore_ops counting_ops = {
    .get = counting_get,
    .has = counting_has,
    .put_many = counting_put_many,
};

/* --- transfers --- */

typedef struct chain {
    const fvm_blockstore *bs;
    fvm_context *context;
    fvm_cid root;
    uint64_t actors, random;
    uint64_t *nonces;
} chain;

typedef struct figures {
    double machine, apply, flush; /* microseconds per transfer */
} figures;

static void transfer(chain *c, fvm_machine *machine, fvm_receipt *receipt, fvm_buf *bytes,
                     double *spent)
{
    uint64_t from = random_next(&c->random) % c->actors, to = random_next(&c->random) % c->actors;
    fvm_message message = {
        .from = key_address(from),
        .to = key_address(to),
        .value = fvm_big_u64(1000),
        .nonce = c->nonces[from]++,
        .gas_limit = GAS_LIMIT,
        .gas_fee_cap = fvm_big_u64(200),
        .gas_premium = fvm_big_u64(100),
    };
    bytes->len = 0;
    must(fvm_message_write(bytes, &message), "message");
    double start = now_us();
    must(fvm_machine_apply(machine, receipt, &message, FVM_APPLY_EXPLICIT,
                           bytes->len + SIGNATURE_LEN),
         "apply");
    *spent += now_us() - start;
    if (receipt->exit_code == 0) return;
    fprintf(stderr, "bench_state: a transfer ended with exit code %u\n", receipt->exit_code);
    exit(1);
}

/* `blocks` blocks of `size` transfers each, on one another. */
static figures run_blocks(chain *c, unsigned blocks, unsigned size)
{
    fvm_machine_config config = {
        .network_version = NETWORK_VERSION,
        .chain_id = 314,
        .epoch = 1,
        .base_fee = fvm_big_u64(100),
    };
    figures f = { 0 };
    fvm_receipt receipt;
    fvm_buf bytes;
    fvm_receipt_init(&receipt, NULL);
    fvm_buf_init(&bytes, NULL);
    for (unsigned i = 0; i < blocks; i++) {
        fvm_machine *machine;
        double start = now_us();
        must(fvm_machine_new(&machine, c->context, c->bs, &c->root, &config), "machine");
        f.machine += now_us() - start;
        for (unsigned k = 0; k < size; k++) transfer(c, machine, &receipt, &bytes, &f.apply);
        start = now_us();
        must(fvm_machine_flush(machine, &c->root), "flush");
        f.flush += now_us() - start;
        fvm_machine_free(machine);
    }
    fvm_buf_deinit(&bytes);
    fvm_receipt_deinit(&receipt);
    double count = (double)blocks * size;
    return (figures){ f.machine / count, f.apply / count, f.flush / count };
}

/* Block sizes that are measured, and how many blocks of each in a round. */
static const struct {
    unsigned size, blocks;
} shapes[] = { { 1, 200 }, { 20, 20 }, { 400, 2 } };
#define SHAPES (sizeof shapes / sizeof shapes[0])
#define ROUNDS 20u
#define SIZES_MAX 8u

/* Blocks that a transfer reads and writes, in kilobytes too. */
static double count_blocks(chain *c, unsigned blocks, unsigned size, double *kilobytes)
{
    counts n = { .base = c->bs };
    fvm_blockstore counting = { &counting_ops, &n };
    double transfers = (double)blocks * size;
    c->bs = &counting;
    (void)run_blocks(c, blocks, size);
    c->bs = n.base;
    *kilobytes = (double)n.bytes / 1000 / transfers;
    return (double)(n.read + n.written) / transfers;
}

/* A state of one size, and the quickest round of each shape. */
typedef struct subject {
    fvm_blockstore bs;
    chain chain;
    double made_s;
    figures best[SHAPES];
} subject;

static double total(const figures *f)
{
    return f->machine + f->apply + f->flush;
}

static void make_subject(subject *s, fvm_context *context, uint64_t actors)
{
    double start = now_us();
    s->chain = (chain){ .bs = &s->bs, .context = context, .actors = actors, .random = 42 };
    s->chain.root = build_state(&s->bs, actors);
    s->chain.nonces = calloc(actors, sizeof *s->chain.nonces);
    if (!s->chain.nonces) must(FVM_ERR_NOMEM, "nonces");
    s->made_s = (now_us() - start) * 1e-6;
    (void)run_blocks(&s->chain, WARM_UP, 1);
}

static void run_round(subject *s, size_t shape, bool first)
{
    figures f = run_blocks(&s->chain, shapes[shape].blocks, shapes[shape].size);
    if (first || total(&f) < total(&s->best[shape])) s->best[shape] = f;
}

static void report(const char *store_name, subject *subjects, size_t count)
{
    double first_blocks[SHAPES] = { 0 };
    for (size_t k = 0; k < count; k++) {
        subject *s = &subjects[k];
        printf("%s, %llu actors (made in %.1f s)\n", store_name,
               (unsigned long long)s->chain.actors, s->made_s);
        for (size_t i = 0; i < SHAPES; i++) {
            const figures *f = &s->best[i];
            double kilobytes;
            double blocks = count_blocks(&s->chain, shapes[i].blocks, shapes[i].size, &kilobytes);
            if (k == 0) first_blocks[i] = blocks;
            printf(
                "  blocks of %3u: machine %7.2f  apply %7.2f  flush %7.2f  total %8.2f us/transfer"
                "  growth %5.2fx  (theory %5.2fx: %.2f blocks, %.1f kB)\n",
                shapes[i].size, f->machine, f->apply, f->flush, total(f),
                total(f) / total(&subjects[0].best[i]), blocks / first_blocks[i], blocks,
                kilobytes);
        }
    }
    (void)fflush(stdout);
}

static void measure(const char *store_name, subject *subjects, size_t count)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < SHAPES; i++)
            for (size_t k = 0; k < count; k++) run_round(&subjects[k], i, round == 0);
    report(store_name, subjects, count);
    for (size_t k = 0; k < count; k++) {
        free(subjects[k].chain.nonces);
        fvm_blockstore_free(&subjects[k].bs);
    }
}

static void lmdb_folder(char out[64], size_t number)
{
    (void)snprintf(out, 64, "build/bench/state-lmdb-%zu", number);
}

static void remove_lmdb(size_t number)
{
    char folder[64], file[80];
    lmdb_folder(folder, number);
    (void)snprintf(file, sizeof file, "%s/data.mdb", folder);
    (void)unlink(file);
    (void)snprintf(file, sizeof file, "%s/lock.mdb", folder);
    (void)unlink(file);
    (void)rmdir(folder);
}

static void open_lmdb(fvm_blockstore *bs, size_t number)
{
    char folder[64];
    fvm_store_why why = { "" };
    lmdb_folder(folder, number);
    remove_lmdb(number);
    if (fvm_blockstore_lmdb_open(bs, folder, &(fvm_lmdb_options){ .no_sync = true }, NULL, &why) ==
        FVM_OK)
        return;
    fprintf(stderr, "bench_state: %s\n", why.text);
    exit(1);
}

int main(int argc, char **argv)
{
    uint64_t max = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t min = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    uint64_t step = argc > 3 ? strtoull(argv[3], NULL, 10) : 10;
    static subject subjects[SIZES_MAX];
    size_t count = 0;
    fvm_engine *engine;
    fvm_context *context;
    if (min == 0 || step < 2) return 2;
    must(fvm_engine_new(&engine, NULL), "engine");
    must(fvm_context_new(&context, engine, NULL), "context");
    for (uint64_t n = min; n <= max && count < SIZES_MAX; n *= step) {
        must(fvm_blockstore_memory_new(&subjects[count].bs, NULL), "store");
        make_subject(&subjects[count++], context, n);
    }
    measure("memory", subjects, count);
    (void)mkdir("build", 0777);
    (void)mkdir("build/bench", 0777);
    count = 0;
    for (uint64_t n = min; n <= max && count < SIZES_MAX; n *= step) {
        open_lmdb(&subjects[count].bs, count);
        make_subject(&subjects[count++], context, n);
    }
    measure("lmdb", subjects, count);
    while (count > 0) remove_lmdb(--count);
    fvm_context_free(context);
    fvm_engine_free(engine);
    return 0;
}
