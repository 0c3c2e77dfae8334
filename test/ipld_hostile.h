/* ipld_hostile.h - tries over blocks that an enemy wrote. The store gives for a CID the block that the
 * CID's last digest byte numbers, whatever it hashes to, so that links can go anywhere, in circles
 * too. Nothing may crash, hang or leak; errors are those that the headers name. */
#ifndef FVM_TEST_IPLD_HOSTILE_H
#define FVM_TEST_IPLD_HOSTILE_H

#include "ipld/amt.h"
#include "ipld/hamt.h"
#include "ipld_helpers.h"

#define HOSTILE_BLOCKS 16
#define HOSTILE_VISITS 500

/** Blocks that the script gives, and those that the code under test writes. */
typedef struct hostile_store {
    fvm_bytes blocks[HOSTILE_BLOCKS];
    size_t count;
    fvm_blockstore written;
} hostile_store;

static inline fvm_err hostile_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    hostile_store *s = self;
    fvm_err err = fvm_blockstore_get(&s->written, out, cid);
    if (err != FVM_ERR_NOT_FOUND) return err;
    size_t n = cid->digest_len ? cid->digest[cid->digest_len - 1] : 0;
    return n < s->count ? fvm_buf_append(out, s->blocks[n]) : FVM_ERR_NOT_FOUND;
}
static inline fvm_err hostile_has(void *self, bool *out, const fvm_cid *cid)
{
    (void)self, (void)cid;
    *out = true;
    return FVM_OK;
}
static inline fvm_err hostile_put_many(void *self, const fvm_block *blocks, size_t count)
{
    hostile_store *s = self;
    return fvm_blockstore_put_many(&s->written, blocks, count);
}
static const fvm_blockstore_ops hostile_ops = { .get = hostile_get,
                                                .has = hostile_has,
                                                .put_many = hostile_put_many };

/** The input: blocks, each behind a length byte (255: the rest). */
static inline void hostile_open(hostile_store *s, fvm_bytes in)
{
    s->count = 0;
    while (in.len > 0 && s->count < HOSTILE_BLOCKS) {
        size_t len = *in.ptr++;
        in.len--;
        if (len == 255 || len > in.len) len = in.len;
        s->blocks[s->count++] = (fvm_bytes){ in.ptr, len };
        in.ptr += len;
        in.len -= len;
    }
    CHECK_OK(fvm_blockstore_memory_new(&s->written, NULL));
}

static inline fvm_err hostile_visit(size_t *left)
{
    return (*left)-- == 0 ? FVM_ERR_LIMIT : FVM_OK;
}
static inline fvm_err hostile_visit_pair(void *ctx, fvm_bytes key, fvm_bytes value)
{
    (void)key;
    CHECK(value.len > 0);
    return hostile_visit(ctx);
}
static inline fvm_err hostile_visit_item(void *ctx, uint64_t index, fvm_bytes value)
{
    CHECK(index <= FVM_AMT_INDEX_MAX && value.len > 0);
    return hostile_visit(ctx);
}

static inline void hostile_expect(fvm_err err)
{
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND || err == FVM_ERR_BAD_STATE ||
          err == FVM_ERR_MISSING_BLOCK || err == FVM_ERR_LIMIT);
}

static inline void hostile_hamt_operations(fvm_hamt *hamt)
{
    for (unsigned i = 0; i < 24; i++) {
        uint8_t key[1] = { (uint8_t)(i / 3) };
        fvm_bytes value, k = { key, i / 3 };
        if (k.len > 1) k.len = 1;
        if (i % 3 == 0) hostile_expect(fvm_hamt_get(hamt, &value, k));
        if (i % 3 == 1) hostile_expect(fvm_hamt_delete(hamt, NULL, k));
        if (i % 3 == 2) {
            fvm_err err = fvm_hamt_set(hamt, k, FVM_BYTES(0x18, 0x2a));
            hostile_expect(err);
            if (err != FVM_OK) continue;
            CHECK_OK(fvm_hamt_get(hamt, &value, k)); /* what was set is there */
            CHECK_BYTES(value, FVM_BYTES(0x18, 0x2a));
        }
    }
    size_t left = HOSTILE_VISITS;
    hostile_expect(fvm_hamt_each(hamt, hostile_visit_pair, &left));
}

static inline void prop_hamt_over_hostile_blocks(fvm_bytes in)
{
    hostile_store store;
    fvm_blockstore bs = { &hostile_ops, &store };
    fvm_cid root = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR(""));
    test_alloc alloc;
    fvm_hamt *hamt;
    unsigned bit_width = in.len ? in.ptr[0] % 8u + 1 : 5;
    test_failing_allocator(&alloc, 0);
    hostile_open(&store, in.len ? (fvm_bytes){ in.ptr + 1, in.len - 1 } : in);
    root.digest[31] = 0;
    fvm_err err = fvm_hamt_load(&hamt, &bs, &root, bit_width, &alloc.allocator);
    hostile_expect(err);
    if (err == FVM_OK) {
        hostile_hamt_operations(hamt);
        CHECK_OK(fvm_hamt_flush(hamt, &root));
        fvm_hamt_free(hamt);
        /* A node with bits past its width is taken as the reference takes it; a key more, and the
         * node that is written has more pointers than the width allows. */
        err = fvm_hamt_load(&hamt, &bs, &root, bit_width, &alloc.allocator);
        hostile_expect(err);
        if (err == FVM_OK) {
            hostile_hamt_operations(hamt);
            fvm_hamt_free(hamt);
        }
    }
    CHECK_AT("nothing is left allocated", alloc.blocks == 0);
    fvm_blockstore_free(&store.written);
}

static inline void hostile_amt_operations(fvm_amt *amt)
{
    static const uint64_t indexes[] = { 0, 1, 7, 8, 63, 64, 511, 1 << 20, FVM_AMT_INDEX_MAX };
    for (size_t i = 0; i < 3 * FVM_COUNT(indexes); i++) {
        uint64_t index = indexes[i / 3], count = fvm_amt_count(amt);
        fvm_bytes value;
        fvm_err err;
        bool existed;
        if (i % 3 == 0) hostile_expect(fvm_amt_get(amt, &value, index));
        if (i % 3 == 1) {
            err = fvm_amt_delete(amt, &existed, index);
            hostile_expect(err);
            CHECK(fvm_amt_count(amt) == count - (err == FVM_OK && existed));
        }
        if (i % 3 == 2) {
            err = fvm_amt_set(amt, index, FVM_BYTES(0x18, 0x2a));
            hostile_expect(err);
            if (err != FVM_OK) continue;
            CHECK_OK(fvm_amt_get(amt, &value, index)); /* what was set is there */
            CHECK_BYTES(value, FVM_BYTES(0x18, 0x2a));
        }
    }
    size_t left = HOSTILE_VISITS;
    hostile_expect(fvm_amt_each(amt, hostile_visit_item, &left));
}

static inline void prop_amt_over_hostile_blocks(fvm_bytes in)
{
    hostile_store store;
    fvm_blockstore bs = { &hostile_ops, &store };
    fvm_cid root = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR(""));
    test_alloc alloc;
    fvm_amt *amt;
    bool v0 = in.len && in.ptr[0] % 2;
    test_failing_allocator(&alloc, 0);
    hostile_open(&store, in.len ? (fvm_bytes){ in.ptr + 1, in.len - 1 } : in);
    root.digest[31] = 0;
    fvm_err err = (v0 ? fvm_amt_load_v0 : fvm_amt_load)(&amt, &bs, &root, &alloc.allocator);
    hostile_expect(err);
    if (err == FVM_OK) {
        hostile_amt_operations(amt);
        CHECK_OK(fvm_amt_flush(amt, &root));
        fvm_amt_free(amt);
        CHECK_OK((v0 ? fvm_amt_load_v0 : fvm_amt_load)(&amt, &bs, &root, &alloc.allocator));
        hostile_amt_operations(amt);
        fvm_amt_free(amt);
    }
    CHECK_AT("nothing is left allocated", alloc.blocks == 0);
    fvm_blockstore_free(&store.written);
}
#endif
