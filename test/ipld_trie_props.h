/* ipld_trie_props.h - HAMT and AMT against plain models. The operations come from bytes, so that
 * seeded random tests and fuzz targets drive the same code. Every operation may meet a failing
 * allocation or store; it must then have happened wholly or not at all. */
#ifndef FVM_TEST_IPLD_TRIE_PROPS_H
#define FVM_TEST_IPLD_TRIE_PROPS_H

#include "ipld/amt.h"
#include "ipld/hamt.h"
#include "ipld_helpers.h"

/** Reads bytes one by one, zeros after the end. */
typedef struct script {
    fvm_bytes rest;
} script;

static inline uint8_t script_byte(script *s)
{
    if (s->rest.len == 0) return 0;
    s->rest.len--;
    return *s->rest.ptr++;
}

/** The world under test: a store and an allocator that fail when told to. */
typedef struct world {
    faulty_store faulty;
    fvm_blockstore bs;
    test_alloc alloc;
} world;

static inline void world_open(world *w)
{
    w->faulty = (faulty_store){ 0 };
    CHECK_OK(fvm_blockstore_memory_new(&w->faulty.base, NULL));
    w->bs = (fvm_blockstore){ &faulty_ops, &w->faulty };
    test_failing_allocator(&w->alloc, 0);
}

static inline void world_close(world *w)
{
    CHECK_AT("nothing is left allocated", w->alloc.blocks == 0);
    fvm_blockstore_free(&w->faulty.base);
}

/** Lets the next operation meet a failure: of its nth allocation, read or write. 0: none. */
static inline void world_fail(world *w, uint8_t how)
{
    size_t n = how / 4 % 8 + 1u;
    w->alloc.fail_at = how && how % 4 != 2 && how % 4 != 3 ? w->alloc.calls + n : 0;
    w->faulty.fail_read_at = how % 4 == 2 ? w->faulty.reads + n : 0;
    w->faulty.fail_write_at = how % 4 == 3 ? w->faulty.writes + n : 0;
}

/** The error is none, or the one that was asked for. Returns whether it was none. */
static inline bool world_ok(world *w, uint8_t how, fvm_err err)
{
    if (how == 0) CHECK_OK(err);
    if (err != FVM_OK) CHECK(err == FVM_ERR_NOMEM || err == FVM_ERR_IO);
    world_fail(w, 0);
    return err == FVM_OK;
}

/* The numbers below `count`, in an order that `seed` gives. */
static inline void random_order(size_t *order, size_t count, uint64_t seed)
{
    test_rng rng = { seed };
    for (size_t i = 0; i < count; i++) {
        size_t j = test_rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* --- HAMT; its model is the KAMT's, too --- */

#define HAMT_MODEL_KEYS 256

/* Whether key k is there, and its value. */
typedef struct hamt_model {
    bool there[HAMT_MODEL_KEYS];
    uint8_t value[HAMT_MODEL_KEYS];
    size_t count;
} hamt_model;

/* Keys of several lengths, one of them empty; some have eight leading hash bits in common. */
static inline fvm_bytes hamt_model_key(uint8_t room[4], unsigned k)
{
    size_t len = k == 0 ? 0 : k < 64 ? 1 : k < 160 ? 2 : 3;
    room[0] = room[1] = room[2] = (uint8_t)k;
    return (fvm_bytes){ room, len };
}

/* Values of one to ten bytes, as CBOR byte strings. */
static inline fvm_bytes hamt_model_value(uint8_t room[16], uint8_t v)
{
    size_t len = v % 10u;
    room[0] = (uint8_t)(0x40 | len);
    memset(room + 1, v, len);
    return (fvm_bytes){ room, 1 + len };
}

/* What the operations on key k do to the model. */
static inline void hamt_model_set(hamt_model *m, unsigned k, uint8_t v)
{
    m->count += !m->there[k];
    m->there[k] = true;
    m->value[k] = v;
}
static inline void hamt_model_delete(hamt_model *m, unsigned k, bool existed)
{
    CHECK(existed == m->there[k]);
    m->count -= existed;
    m->there[k] = false;
}
/* `err` and `got` are what getting key k gave, with failures of the kind `how` on. */
static inline void hamt_model_got(const hamt_model *m, unsigned k, world *w, uint8_t how,
                                  fvm_err err, const fvm_bytes *got)
{
    uint8_t room[16];
    if (err == FVM_ERR_NOT_FOUND) {
        world_fail(w, 0);
        CHECK(!m->there[k]);
    } else if (world_ok(w, how, err)) {
        CHECK(m->there[k]);
        CHECK_BYTES(*got, hamt_model_value(room, m->value[k]));
    }
}

/* The root of a trie made afresh of what the model holds, in an order that `seed` gives. */
static inline fvm_cid hamt_model_root(const hamt_model *m, unsigned bit_width, uint64_t seed)
{
    size_t order[HAMT_MODEL_KEYS];
    fvm_blockstore bs;
    fvm_hamt *hamt;
    fvm_cid root;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_hamt_new(&hamt, &bs, bit_width, NULL));
    random_order(order, HAMT_MODEL_KEYS, seed);
    for (unsigned i = 0; i < HAMT_MODEL_KEYS; i++) {
        uint8_t key[4], value[16];
        unsigned k = (unsigned)order[i];
        if (!m->there[k]) continue;
        CHECK_OK(fvm_hamt_set(hamt, hamt_model_key(key, k), hamt_model_value(value, m->value[k])));
    }
    CHECK_OK(fvm_hamt_flush(hamt, &root));
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
    return root;
}

typedef struct hamt_seen {
    const hamt_model *model;
    size_t count;
} hamt_seen;

static inline fvm_err hamt_model_visit(void *ctx, fvm_bytes key, fvm_bytes value)
{
    hamt_seen *seen = ctx;
    uint8_t room[16], want_key[4];
    unsigned k = key.len ? key.ptr[0] : 0;
    CHECK_BYTES(key, hamt_model_key(want_key, k));
    CHECK(seen->model->there[k]);
    CHECK_BYTES(value, hamt_model_value(room, seen->model->value[k]));
    seen->count++;
    return FVM_OK;
}

static inline void hamt_model_compare(fvm_hamt *hamt, const hamt_model *m)
{
    hamt_seen seen = { m, 0 };
    CHECK_OK(fvm_hamt_each(hamt, hamt_model_visit, &seen));
    CHECK(seen.count == m->count);
    for (unsigned k = 0; k < HAMT_MODEL_KEYS; k++) {
        uint8_t key[4], room[16];
        fvm_bytes value;
        fvm_err err = fvm_hamt_get(hamt, &value, hamt_model_key(key, k));
        CHECK_ERR(err, m->there[k] ? FVM_OK : FVM_ERR_NOT_FOUND);
        if (m->there[k]) CHECK_BYTES(value, hamt_model_value(room, m->value[k]));
    }
}

/* Flushes, compares the root with that of a fresh trie, and goes on with it or with a reloaded one. */
static inline void hamt_step_flush(world *w, fvm_hamt **hamt, const hamt_model *m,
                                   unsigned bit_width, uint8_t how, uint8_t arg)
{
    fvm_cid root, want;
    fvm_hamt *again;
    if (!world_ok(w, how, fvm_hamt_flush(*hamt, &root))) return;
    want = hamt_model_root(m, bit_width, arg);
    CHECK(fvm_cid_eq(&root, &want));
    if (arg % 2 == 0) return;
    world_fail(w, how);
    if (!world_ok(w, how, fvm_hamt_load(&again, &w->bs, &root, bit_width, &w->alloc.allocator)))
        return;
    fvm_hamt_free(*hamt);
    *hamt = again;
}

static inline void hamt_step(world *w, fvm_hamt **hamt, hamt_model *m, unsigned bit_width,
                             script *s)
{
    uint8_t op = script_byte(s), k = script_byte(s), v = script_byte(s), how = 0;
    uint8_t key_room[4], room[16];
    fvm_bytes key = hamt_model_key(key_room, k), value = hamt_model_value(room, v), got;
    bool flag = false;
    if (op & 0x80) how = script_byte(s);
    world_fail(w, how);
    switch (op % 8) {
    case 0:
    case 1:
    case 2:
        if (!world_ok(w, how, fvm_hamt_set(*hamt, key, value))) break;
        hamt_model_set(m, k, v);
        break;
    case 3:
        if (!world_ok(w, how, fvm_hamt_set_if_absent(*hamt, &flag, key, value))) break;
        CHECK(flag == !m->there[k]);
        if (!flag) break;
        hamt_model_set(m, k, v);
        break;
    case 4:
    case 5:
        if (!world_ok(w, how, fvm_hamt_delete(*hamt, &flag, key))) break;
        hamt_model_delete(m, k, flag);
        break;
    case 6: {
        fvm_err err = fvm_hamt_get(*hamt, &got, key);
        hamt_model_got(m, k, w, how, err, &got);
        break;
    }
    default: hamt_step_flush(w, hamt, m, bit_width, how, v); break;
    }
}

/** A HAMT does what a plain table does, has the root that its content has, and survives failures. */
static inline void prop_hamt(fvm_bytes in)
{
    script s = { in };
    world w;
    hamt_model m = { 0 };
    fvm_hamt *hamt;
    unsigned bit_width = script_byte(&s) % 8u + 1;
    world_open(&w);
    CHECK_OK(fvm_hamt_new(&hamt, &w.bs, bit_width, &w.alloc.allocator));
    while (s.rest.len > 0) hamt_step(&w, &hamt, &m, bit_width, &s);
    hamt_step_flush(&w, &hamt, &m, bit_width, 0, 1);
    hamt_model_compare(hamt, &m);
    fvm_hamt_free(hamt);
    world_close(&w);
}

/* --- AMT --- */

#define AMT_MODEL_ITEMS 64

typedef struct amt_model {
    uint64_t index[AMT_MODEL_ITEMS]; /* sorted */
    uint8_t value[AMT_MODEL_ITEMS];
    size_t count;
} amt_model;

/* Where the index is, or belongs; `*there` tells which. */
static inline size_t amt_model_find(const amt_model *m, uint64_t index, bool *there)
{
    size_t i = 0;
    while (i < m->count && m->index[i] < index) i++;
    *there = i < m->count && m->index[i] == index;
    return i;
}

static inline void amt_model_set(amt_model *m, uint64_t index, uint8_t value)
{
    bool there;
    size_t at = amt_model_find(m, index, &there);
    if (!there) {
        memmove(m->index + at + 1, m->index + at, (m->count - at) * sizeof *m->index);
        memmove(m->value + at + 1, m->value + at, m->count - at);
        m->count++;
    }
    m->index[at] = index;
    m->value[at] = value;
}

static inline void amt_model_delete(amt_model *m, uint64_t index)
{
    bool there;
    size_t at = amt_model_find(m, index, &there);
    if (!there) return;
    m->count--;
    memmove(m->index + at, m->index + at + 1, (m->count - at) * sizeof *m->index);
    memmove(m->value + at, m->value + at + 1, m->count - at);
}

static inline fvm_cid amt_model_root(const amt_model *m, unsigned bit_width, uint64_t seed)
{
    size_t order[AMT_MODEL_ITEMS];
    fvm_blockstore bs;
    fvm_amt *amt;
    fvm_cid root;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_amt_new(&amt, &bs, bit_width, NULL));
    random_order(order, m->count, seed);
    for (size_t i = 0; i < m->count; i++) {
        uint8_t room[16];
        CHECK_OK(fvm_amt_set(amt, m->index[order[i]], hamt_model_value(room, m->value[order[i]])));
    }
    CHECK_OK(fvm_amt_flush(amt, &root));
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
    return root;
}

typedef struct amt_seen {
    const amt_model *model;
    size_t count;
} amt_seen;

static inline fvm_err amt_model_visit(void *ctx, uint64_t index, fvm_bytes value)
{
    amt_seen *seen = ctx;
    uint8_t room[16];
    CHECK(seen->count < seen->model->count && index == seen->model->index[seen->count]);
    CHECK_BYTES(value, hamt_model_value(room, seen->model->value[seen->count]));
    seen->count++;
    return FVM_OK;
}

static inline void amt_model_compare(fvm_amt *amt, const amt_model *m)
{
    amt_seen seen = { m, 0 };
    CHECK(fvm_amt_count(amt) == m->count);
    CHECK_OK(fvm_amt_each(amt, amt_model_visit, &seen));
    CHECK(seen.count == m->count);
    for (size_t i = 0; i < m->count; i++) {
        uint8_t room[16];
        fvm_bytes value;
        CHECK_OK(fvm_amt_get(amt, &value, m->index[i]));
        CHECK_BYTES(value, hamt_model_value(room, m->value[i]));
    }
}

static inline void amt_step_flush(world *w, fvm_amt **amt, const amt_model *m, unsigned bit_width,
                                  uint8_t how, uint8_t arg)
{
    fvm_cid root, want;
    fvm_amt *again;
    if (!world_ok(w, how, fvm_amt_flush(*amt, &root))) return;
    want = amt_model_root(m, bit_width, arg);
    CHECK(fvm_cid_eq(&root, &want));
    if (arg % 2 == 0) return;
    world_fail(w, how);
    if (!world_ok(w, how, fvm_amt_load(&again, &w->bs, &root, &w->alloc.allocator))) return;
    fvm_amt_free(*amt);
    *amt = again;
}

/* Small indexes, and now and then any power of two and its neighbours. */
static inline uint64_t amt_script_index(script *s, uint8_t op)
{
    uint64_t index = script_byte(s);
    if (op & 0x40) {
        uint8_t shift = script_byte(s);
        index = ((uint64_t)1 << shift % 64) + index % 4;
    }
    return index > FVM_AMT_INDEX_MAX ? FVM_AMT_INDEX_MAX : index;
}

static inline void amt_step(world *w, fvm_amt **amt, amt_model *m, unsigned bit_width, script *s)
{
    uint8_t op = script_byte(s), v = script_byte(s), how = 0, room[16];
    uint64_t index = amt_script_index(s, op);
    fvm_bytes value = hamt_model_value(room, v), got;
    bool there, flag = false;
    size_t at = amt_model_find(m, index, &there);
    if (op & 0x80) how = script_byte(s);
    world_fail(w, how);
    switch (op % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (m->count == AMT_MODEL_ITEMS && !there) break;
        if (world_ok(w, how, fvm_amt_set(*amt, index, value))) amt_model_set(m, index, v);
        break;
    case 4:
        if (m->count > 0) index = m->index[v % m->count]; /* one that is there */
        (void)amt_model_find(m, index, &there);
        /* fall through */
    case 5:
        if (!world_ok(w, how, fvm_amt_delete(*amt, &flag, index))) break;
        CHECK(flag == there);
        amt_model_delete(m, index);
        break;
    case 6: {
        fvm_err err = fvm_amt_get(*amt, &got, index);
        if (err == FVM_ERR_NOT_FOUND) {
            CHECK(!there);
        } else if (world_ok(w, how, err)) {
            CHECK(there);
            CHECK_BYTES(got, hamt_model_value(room, m->value[at]));
        }
        break;
    }
    default: amt_step_flush(w, amt, m, bit_width, how, v); break;
    }
    world_fail(w, 0);
    CHECK(fvm_amt_count(*amt) == m->count);
}

/** An AMT does what a sorted list does, has the root that its content has, and survives failures. */
static inline void prop_amt(fvm_bytes in)
{
    script s = { in };
    world w;
    amt_model m = { 0 };
    fvm_amt *amt;
    unsigned bit_width = script_byte(&s) % 8u + 1;
    world_open(&w);
    CHECK_OK(fvm_amt_new(&amt, &w.bs, bit_width, &w.alloc.allocator));
    while (s.rest.len > 0) amt_step(&w, &amt, &m, bit_width, &s);
    amt_step_flush(&w, &amt, &m, bit_width, 0, 1);
    amt_model_compare(amt, &m);
    fvm_amt_free(amt);
    world_close(&w);
}

/** Runs a property on `rounds` random scripts. */
static inline void run_scripts(void (*prop)(fvm_bytes in), uint64_t seed, size_t rounds)
{
    uint8_t bytes[2048];
    test_rng rng = { seed };
    for (size_t i = 0; i < rounds; i++) {
        size_t len = test_rng_below(&rng, sizeof bytes);
        test_rng_fill(&rng, bytes, len);
        prop((fvm_bytes){ bytes, len });
    }
}
#endif
