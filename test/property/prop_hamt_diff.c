/* What two HAMTs differ in, against plain maps, and without reading what they share. */
#include "base/map.h"
#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "store/hamt_diff.h"
#include "test.h"

#define KEYS 4000

typedef struct world {
    fvm_blockstore bs;
    uint32_t values[2][KEYS]; /* 0: not there */
    fvm_cid roots[2];
} world;

/* The number and a tail of several lengths. */
static fvm_bytes key_of(uint8_t room[12], uint32_t i)
{
    fvm_store_le64(room + 4, i * UINT64_C(0x9e3779b97f4a7c15));
    fvm_store_le32(room, i);
    return (fvm_bytes){ room, 5 + i % 8 };
}

static void build(world *w, int which, unsigned bits)
{
    fvm_hamt *hamt;
    fvm_buf value;
    uint8_t room[12];
    fvm_buf_init(&value, NULL);
    CHECK_OK(fvm_hamt_new(&hamt, &w->bs, bits, NULL));
    for (uint32_t i = 0; i < KEYS; i++) {
        if (!w->values[which][i]) continue;
        value.len = 0;
        CHECK_OK(fvm_cbor_put_uint(&value, w->values[which][i]));
        CHECK_OK(fvm_hamt_set(hamt, key_of(room, i), fvm_buf_bytes(&value)));
    }
    CHECK_OK(fvm_hamt_flush(hamt, &w->roots[which]));
    fvm_hamt_free(hamt);
    fvm_buf_deinit(&value);
}

typedef struct seen {
    const world *w;
    bool told[KEYS];
    size_t count;
} seen;

static void check_value(const world *w, int which, uint32_t i, fvm_bytes value)
{
    uint64_t v = 0;
    if (value.ptr) CHECK_OK(fvm_cbor_uint(&v, &value));
    CHECK(v == w->values[which][i]);
}

static fvm_err see(void *ctx, fvm_bytes key, fvm_bytes before, fvm_bytes after)
{
    seen *s = ctx;
    CHECK(key.len > 4);
    uint32_t i = fvm_load_le32(key.ptr);
    CHECK(i < KEYS && !s->told[i]);
    s->told[i] = true;
    s->count++;
    check_value(s->w, 0, i, before);
    check_value(s->w, 1, i, after);
    return FVM_OK;
}

/* Changes `n` keys, checks that just those are told. */
static void round_of(test_rng *rng, unsigned bits, uint32_t filled, uint32_t n)
{
    static world w;
    static seen s;
    size_t want = 0;
    memset(&w, 0, sizeof w);
    CHECK_OK(fvm_blockstore_memory_new(&w.bs, NULL));
    for (uint32_t i = 0; i < filled; i++) w.values[0][i] = 1 + (uint32_t)test_rng_below(rng, 9);
    memcpy(w.values[1], w.values[0], sizeof w.values[0]);
    for (uint32_t i = 0; i < n; i++)
        w.values[1][test_rng_below(rng, KEYS)] = (uint32_t)test_rng_below(rng, 10);
    for (uint32_t i = 0; i < KEYS; i++) want += w.values[0][i] != w.values[1][i];
    build(&w, 0, bits);
    build(&w, 1, bits);
    s = (seen){ .w = &w };
    CHECK_OK(fvm__hamt_diff(&w.bs, &w.roots[0], &w.roots[1], bits, see, &s, NULL));
    CHECK(s.count == want);
    CHECK((want == 0) == fvm_cid_eq(&w.roots[0], &w.roots[1]));
    fvm_blockstore_free(&w.bs);
}

TEST(all_differences_are_told_once_and_nothing_else)
{
    test_rng rng = { 31 };
    for (size_t i = 0; i < test_rounds(25); i++) {
        unsigned bits = i % 3 == 0 ? 5 : 1 + (unsigned)test_rng_below(&rng, 8);
        round_of(&rng, bits, (uint32_t)test_rng_below(&rng, KEYS),
                 (uint32_t)test_rng_below(&rng, 60));
        round_of(&rng, bits, (uint32_t)test_rng_below(&rng, 40),
                 (uint32_t)test_rng_below(&rng, KEYS));
    }
}

/* --- what is read --- */

typedef struct counting {
    const fvm_blockstore *inner;
    size_t gets;
} counting;

static fvm_err counted_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    counting *c = self;
    c->gets++;
    return fvm_blockstore_get(c->inner, out, cid);
}

static const fvm_blockstore_ops counted_ops = { counted_get, NULL, NULL, NULL, NULL };

TEST(what_is_shared_is_not_read)
{
    static world w;
    static seen s;
    memset(&w, 0, sizeof w);
    CHECK_OK(fvm_blockstore_memory_new(&w.bs, NULL));
    for (uint32_t i = 0; i < KEYS; i++) w.values[0][i] = w.values[1][i] = i + 1;
    w.values[1][1234] = 7;
    build(&w, 0, 5);
    build(&w, 1, 5);
    counting c = { &w.bs, 0 };
    fvm_blockstore counted = { &counted_ops, &c };
    s = (seen){ .w = &w };
    CHECK_OK(fvm__hamt_diff(&counted, &w.roots[0], &w.roots[1], 5, see, &s, NULL));
    CHECK(s.count == 1 && c.gets <= 2 * 4); /* one path of each */
    fvm_blockstore_free(&w.bs);
}

static fvm_err diff_once(const fvm_allocator *alloc, void *ctx)
{
    static seen s;
    const world *w = ctx;
    s = (seen){ .w = w };
    return fvm__hamt_diff(&w->bs, &w->roots[0], &w->roots[1], 5, see, &s, alloc);
}

TEST(running_out_of_memory_leaks_nothing)
{
    static world w;
    memset(&w, 0, sizeof w);
    CHECK_OK(fvm_blockstore_memory_new(&w.bs, NULL));
    for (uint32_t i = 0; i < 60; i++) w.values[i % 2][i] = i + 1;
    build(&w, 0, 5);
    build(&w, 1, 5);
    test_each_allocation_fails(diff_once, &w);
    fvm_blockstore_free(&w.bs);
}

TEST(a_missing_node_and_a_node_that_is_none_are_told)
{
    static world w;
    memset(&w, 0, sizeof w);
    CHECK_OK(fvm_blockstore_memory_new(&w.bs, NULL));
    w.values[0][3] = 1;
    build(&w, 0, 5);
    fvm_cid absent = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR("nowhere")), none;
    CHECK_OK(fvm_blockstore_put_new(&w.bs, &none, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x01)));
    CHECK_ERR(fvm__hamt_diff(&w.bs, &w.roots[0], &absent, 5, see, NULL, NULL),
              FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm__hamt_diff(&w.bs, &none, &w.roots[0], 5, see, NULL, NULL), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm__hamt_diff(&w.bs, &w.roots[0], &absent, 9, see, NULL, NULL), FVM_ERR_INVALID);
    fvm_blockstore_free(&w.bs);
}
