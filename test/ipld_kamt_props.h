/* ipld_kamt_props.h - the KAMT against a plain table, and over hostile blocks. */
#ifndef FVM_TEST_IPLD_KAMT_PROPS_H
#define FVM_TEST_IPLD_KAMT_PROPS_H

#include "ipld/kamt.h"
#include "ipld_hostile.h"
#include "ipld_trie_props.h"

typedef struct kamt_key {
    uint8_t bytes[FVM_KAMT_KEY_LEN];
} kamt_key;

/** Key number k of the model: small numbers, single bytes elsewhere, and long common fronts. */
static inline kamt_key kamt_model_key(unsigned k)
{
    kamt_key key = { { 0 } };
    if (k < 96) {
        key.bytes[31] = (uint8_t)k;
    } else if (k < 192) {
        key.bytes[k % 32] = (uint8_t)k;
    } else {
        memset(key.bytes, 0xff, k % 32 + 1);
        key.bytes[31] = (uint8_t)k;
    }
    return key;
}

static inline fvm_cid kamt_model_root(const hamt_model *m, unsigned bit_width, uint64_t seed)
{
    size_t order[HAMT_MODEL_KEYS];
    fvm_blockstore bs;
    fvm_kamt *kamt;
    fvm_cid root;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_kamt_new(&kamt, &bs, bit_width, NULL));
    random_order(order, HAMT_MODEL_KEYS, seed);
    for (unsigned i = 0; i < HAMT_MODEL_KEYS; i++) {
        uint8_t value[16];
        unsigned k = (unsigned)order[i];
        if (!m->there[k]) continue;
        CHECK_OK(fvm_kamt_set(kamt, kamt_model_key(k).bytes, hamt_model_value(value, m->value[k])));
    }
    CHECK_OK(fvm_kamt_flush(kamt, &root));
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&bs);
    return root;
}

typedef struct kamt_seen {
    size_t count;
    kamt_key last;
} kamt_seen;

static inline fvm_err kamt_model_visit(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN],
                                       fvm_bytes value)
{
    kamt_seen *seen = ctx;
    CHECK(value.len > 0);
    CHECK(seen->count == 0 || memcmp(seen->last.bytes, key, sizeof seen->last) < 0); /* in order */
    memcpy(seen->last.bytes, key, sizeof seen->last);
    seen->count++;
    return FVM_OK;
}

static inline void kamt_model_compare(fvm_kamt *kamt, const hamt_model *m)
{
    kamt_seen seen = { 0 };
    CHECK_OK(fvm_kamt_each(kamt, kamt_model_visit, &seen));
    CHECK(seen.count == m->count);
    for (unsigned k = 0; k < HAMT_MODEL_KEYS; k++) {
        uint8_t room[16];
        fvm_bytes value;
        fvm_err err = fvm_kamt_get(kamt, &value, kamt_model_key(k).bytes);
        CHECK_ERR(err, m->there[k] ? FVM_OK : FVM_ERR_NOT_FOUND);
        if (m->there[k]) CHECK_BYTES(value, hamt_model_value(room, m->value[k]));
    }
}

static inline void kamt_step_flush(world *w, fvm_kamt **kamt, const hamt_model *m,
                                   unsigned bit_width, uint8_t how, uint8_t arg)
{
    fvm_cid root, want;
    fvm_kamt *again;
    if (!world_ok(w, how, fvm_kamt_flush(*kamt, &root))) return;
    want = kamt_model_root(m, bit_width, arg);
    CHECK(fvm_cid_eq(&root, &want));
    if (arg % 2 == 0) return;
    world_fail(w, how);
    if (!world_ok(w, how, fvm_kamt_load(&again, &w->bs, &root, bit_width, &w->alloc.allocator)))
        return;
    fvm_kamt_free(*kamt);
    *kamt = again;
}

static inline void kamt_step(world *w, fvm_kamt **kamt, hamt_model *m, unsigned bit_width,
                             script *s)
{
    uint8_t op = script_byte(s), k = script_byte(s), v = script_byte(s), how = 0, room[16];
    kamt_key key = kamt_model_key(k);
    fvm_bytes got;
    bool flag = false;
    if (op & 0x80) how = script_byte(s);
    world_fail(w, how);
    switch (op % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (!world_ok(w, how, fvm_kamt_set(*kamt, key.bytes, hamt_model_value(room, v)))) break;
        hamt_model_set(m, k, v);
        break;
    case 4:
    case 5:
        if (!world_ok(w, how, fvm_kamt_delete(*kamt, &flag, key.bytes))) break;
        hamt_model_delete(m, k, flag);
        break;
    case 6: {
        fvm_err err = fvm_kamt_get(*kamt, &got, key.bytes);
        hamt_model_got(m, k, w, how, err, &got);
        break;
    }
    default: kamt_step_flush(w, kamt, m, bit_width, how, v); break;
    }
}

/** A KAMT does what a plain table does, has the root that its content has, and survives failures. */
static inline void prop_kamt(fvm_bytes in)
{
    script s = { in };
    world w;
    hamt_model m = { 0 };
    fvm_kamt *kamt;
    unsigned bit_width = script_byte(&s) % 8u + 1;
    world_open(&w);
    CHECK_OK(fvm_kamt_new(&kamt, &w.bs, bit_width, &w.alloc.allocator));
    while (s.rest.len > 0) kamt_step(&w, &kamt, &m, bit_width, &s);
    kamt_step_flush(&w, &kamt, &m, bit_width, 0, 1);
    kamt_model_compare(kamt, &m);
    fvm_kamt_free(kamt);
    world_close(&w);
}

/* --- hostile blocks --- */

static inline fvm_err hostile_visit_key(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN],
                                        fvm_bytes value)
{
    (void)key;
    CHECK(value.len > 0);
    return hostile_visit(ctx);
}

static inline void hostile_kamt_operations(fvm_kamt *kamt)
{
    static const uint8_t keys[] = { 0, 1, 2, 31, 96, 100, 200, 255 };
    for (size_t i = 0; i < 3 * FVM_COUNT(keys); i++) {
        kamt_key key = kamt_model_key(keys[i / 3]);
        fvm_bytes value;
        if (i % 3 == 0) hostile_expect(fvm_kamt_get(kamt, &value, key.bytes));
        if (i % 3 == 1) hostile_expect(fvm_kamt_delete(kamt, NULL, key.bytes));
        if (i % 3 == 2) {
            fvm_err err = fvm_kamt_set(kamt, key.bytes, FVM_BYTES(0x18, 0x2a));
            hostile_expect(err);
            if (err != FVM_OK) continue;
            CHECK_OK(fvm_kamt_get(kamt, &value, key.bytes)); /* what was set is there */
            CHECK_BYTES(value, FVM_BYTES(0x18, 0x2a));
        }
    }
    size_t left = HOSTILE_VISITS;
    hostile_expect(fvm_kamt_each(kamt, hostile_visit_key, &left));
}

static inline void prop_kamt_over_hostile_blocks(fvm_bytes in)
{
    hostile_store store;
    fvm_blockstore bs = { &hostile_ops, &store };
    fvm_cid root = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR(""));
    test_alloc alloc;
    fvm_kamt *kamt;
    unsigned bit_width = in.len ? in.ptr[0] % 8u + 1 : 5;
    test_failing_allocator(&alloc, 0);
    hostile_open(&store, in.len ? (fvm_bytes){ in.ptr + 1, in.len - 1 } : in);
    root.digest[31] = 0;
    fvm_err err = fvm_kamt_load(&kamt, &bs, &root, bit_width, &alloc.allocator);
    hostile_expect(err);
    if (err == FVM_OK) {
        hostile_kamt_operations(kamt);
        CHECK_OK(fvm_kamt_flush(kamt, &root));
        fvm_kamt_free(kamt);
        /* As with the HAMT: bits past the width can make a node that is refused when read again. */
        err = fvm_kamt_load(&kamt, &bs, &root, bit_width, &alloc.allocator);
        hostile_expect(err);
        if (err == FVM_OK) {
            hostile_kamt_operations(kamt);
            fvm_kamt_free(kamt);
        }
    }
    CHECK_AT("nothing is left allocated", alloc.blocks == 0);
    fvm_blockstore_free(&store.written);
}
#endif
