/* tries_plan.h - what the actor and the test both do with the collections. */
#ifndef TEST_SDK_TRIES_PLAN_H
#define TEST_SDK_TRIES_PLAN_H

#include "ipld/amt.h"
#include "ipld/bitfield.h"
#include "ipld/hamt.h"
#include "ipld/kamt.h"

static inline uint64_t tries_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Entry number i: a key for each, and a value. */
typedef struct tries_entry {
    uint8_t hamt_key[8], kamt_key[32], value[2];
    uint64_t index;
} tries_entry;

static inline tries_entry tries_entry_next(uint64_t *state)
{
    tries_entry e = { .value = { 0x18, 0 } };
    fvm_store_le64(e.hamt_key, tries_next(state));
    uint64_t random = tries_next(state);
    e.kamt_key[31] = (uint8_t)random; /* slots of contracts: small numbers, and hashes */
    if (random & 256) fvm_store_le64(e.kamt_key, tries_next(state));
    e.index = (random >> 9) % 5000;
    e.value[1] = (uint8_t)(random >> 24 | 24);
    return e;
}

static inline fvm_err tries_make(fvm_cid *hamt_root, fvm_cid *amt_root, fvm_cid *kamt_root,
                                 fvm_buf *bits, const fvm_blockstore *bs,
                                 const fvm_allocator *alloc, uint64_t seed, uint64_t count)
{
    fvm_hamt *hamt;
    fvm_amt *amt;
    fvm_kamt *kamt;
    fvm_bitfield set;
    FVM_TRY(fvm_hamt_new(&hamt, bs, 5, alloc));
    FVM_TRY(fvm_amt_new(&amt, bs, 3, alloc));
    FVM_TRY(fvm_kamt_new(&kamt, bs, 5, alloc));
    fvm_bitfield_init(&set, alloc);
    for (uint64_t i = 0; i < count; i++) {
        tries_entry e = tries_entry_next(&seed);
        fvm_bytes value = { e.value, 2 };
        FVM_TRY(fvm_hamt_set(hamt, (fvm_bytes){ e.hamt_key, 8 }, value));
        FVM_TRY(fvm_amt_set(amt, e.index, value));
        FVM_TRY(fvm_kamt_set(kamt, e.kamt_key, value));
        FVM_TRY(fvm_bitfield_add(&set, e.index, e.index + 3));
    }
    FVM_TRY(fvm_hamt_flush(hamt, hamt_root));
    FVM_TRY(fvm_amt_flush(amt, amt_root));
    FVM_TRY(fvm_kamt_flush(kamt, kamt_root));
    FVM_TRY(fvm_bitfield_write(bits, &set));
    fvm_bitfield_deinit(&set);
    fvm_kamt_free(kamt);
    fvm_amt_free(amt);
    fvm_hamt_free(hamt);
    return FVM_OK;
}

static inline fvm_err tries_thin(fvm_cid *hamt_root, fvm_cid *amt_root, fvm_cid *kamt_root,
                                 const fvm_blockstore *bs, const fvm_allocator *alloc,
                                 uint64_t seed, uint64_t count)
{
    fvm_hamt *hamt;
    fvm_amt *amt;
    fvm_kamt *kamt;
    bool existed;
    FVM_TRY(fvm_hamt_load(&hamt, bs, hamt_root, 5, alloc));
    FVM_TRY(fvm_amt_load(&amt, bs, amt_root, alloc));
    FVM_TRY(fvm_kamt_load(&kamt, bs, kamt_root, 5, alloc));
    for (uint64_t i = 0; i < count; i++) {
        tries_entry e = tries_entry_next(&seed);
        if (i % 3) continue;
        FVM_TRY(fvm_hamt_delete(hamt, &existed, (fvm_bytes){ e.hamt_key, 8 }));
        FVM_TRY(fvm_amt_delete(amt, &existed, e.index));
        FVM_TRY(fvm_kamt_delete(kamt, &existed, e.kamt_key));
    }
    FVM_TRY(fvm_hamt_flush(hamt, hamt_root));
    FVM_TRY(fvm_amt_flush(amt, amt_root));
    FVM_TRY(fvm_kamt_flush(kamt, kamt_root));
    fvm_kamt_free(kamt);
    fvm_amt_free(amt);
    fvm_hamt_free(hamt);
    return FVM_OK;
}
#endif
