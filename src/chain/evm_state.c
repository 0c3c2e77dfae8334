/* evm_state.c - the state block of an EVM contract (reference/evm.md 1.1), read and written without running
 * it:  [bytecode, bytecode hash, storage, transient or null, nonce, tombstone or null] */
#include "chain_internal.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"
#include "ipld/kamt.h"

#define STORAGE_BIT_WIDTH 5

static fvm_err take_lifespan(uint64_t *origin, uint64_t *nonce, fvm_bytes *in)
{
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_uint(origin, in));
    return fvm_cbor_uint(nonce, in);
}

static fvm_err put_lifespan(fvm_buf *out, uint64_t origin, uint64_t nonce)
{
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm_cbor_put_uint(out, origin));
    return fvm_cbor_put_uint(out, nonce);
}

static fvm_err take_state(fvm__evm_state *s, fvm_bytes in)
{
    fvm_bytes hash;
    FVM_TRY(fvm_cbor_tuple(6, &in));
    FVM_TRY(fvm_cbor_cid(&s->bytecode, &in));
    FVM_TRY(fvm_cbor_bytes(&hash, &in, NULL));
    if (hash.len != 32) return FVM_ERR_MALFORMED;
    memcpy(s->bytecode_hash, hash.ptr, 32);
    FVM_TRY(fvm_cbor_cid(&s->storage, &in));
    s->has_transient = !fvm_cbor_take_null(&in);
    if (s->has_transient) {
        FVM_TRY(fvm_cbor_tuple(2, &in));
        FVM_TRY(fvm_cbor_cid(&s->transient, &in));
        FVM_TRY(take_lifespan(&s->transient_origin, &s->transient_nonce, &in));
    }
    FVM_TRY(fvm_cbor_uint(&s->nonce, &in));
    s->dead = !fvm_cbor_take_null(&in);
    if (s->dead) FVM_TRY(take_lifespan(&s->tomb_origin, &s->tomb_nonce, &in));
    return fvm_cbor_end(in);
}

fvm_err fvm__evm_read(fvm__evm_state *out, const fvm_blockstore *bs, const fvm_cid *head,
                      const fvm_allocator *alloc)
{
    fvm_buf block;
    *out = (fvm__evm_state){ .nonce = 0 };
    fvm_buf_init(&block, alloc);
    fvm_err err = fvm_blockstore_get(bs, &block, head);
    if (err == FVM_OK) err = take_state(out, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return fvm__ledger_err(err);
}

static fvm_err put_state(fvm_buf *out, const fvm__evm_state *s)
{
    FVM_TRY(fvm_cbor_put_array(out, 6));
    FVM_TRY(fvm_cbor_put_cid(out, &s->bytecode));
    FVM_TRY(fvm_cbor_put_bytes(out, (fvm_bytes){ s->bytecode_hash, 32 }));
    FVM_TRY(fvm_cbor_put_cid(out, &s->storage));
    if (s->has_transient) {
        FVM_TRY(fvm_cbor_put_array(out, 2));
        FVM_TRY(fvm_cbor_put_cid(out, &s->transient));
        FVM_TRY(put_lifespan(out, s->transient_origin, s->transient_nonce));
    } else {
        FVM_TRY(fvm_cbor_put_null(out));
    }
    FVM_TRY(fvm_cbor_put_uint(out, s->nonce));
    return s->dead ? put_lifespan(out, s->tomb_origin, s->tomb_nonce) : fvm_cbor_put_null(out);
}

fvm_err fvm__evm_write(fvm_cid *head, const fvm__evm_state *state, const fvm_blockstore *bs,
                       const fvm_allocator *alloc)
{
    fvm_buf block;
    fvm_buf_init(&block, alloc);
    fvm_err err = put_state(&block, state);
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(bs, head, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

fvm_err fvm__evm_code(fvm__evm_state *s, fvm_bytes code, const fvm_blockstore *bs)
{
    fvm_keccak256(s->bytecode_hash, code);
    return fvm_blockstore_put_new(bs, &s->bytecode, FVM_CODEC_RAW, code);
}

fvm_err fvm__evm_no_storage(fvm__evm_state *s, const fvm_blockstore *bs, const fvm_allocator *alloc)
{
    fvm_kamt *kamt;
    FVM_TRY(fvm_kamt_new(&kamt, bs, STORAGE_BIT_WIDTH, alloc));
    fvm_err err = fvm_kamt_flush(kamt, &s->storage);
    fvm_kamt_free(kamt);
    return err;
}

fvm_err fvm__evm_new(fvm__evm_state *out, fvm_bytes code, const fvm_blockstore *bs,
                     const fvm_allocator *alloc)
{
    *out = (fvm__evm_state){ .nonce = 1 };
    FVM_TRY(fvm__evm_code(out, code, bs));
    return fvm__evm_no_storage(out, bs, alloc);
}

/* --- storage: u256 to u256, values as byte strings without leading zeros --- */

fvm_err fvm__evm_get(uint8_t out[32], const fvm__evm_state *state, const fvm_blockstore *bs,
                     const uint8_t slot[32], const fvm_allocator *alloc)
{
    fvm_kamt *kamt;
    fvm_bytes item, value;
    memset(out, 0, 32);
    FVM_TRY(fvm_kamt_load(&kamt, bs, &state->storage, STORAGE_BIT_WIDTH, alloc));
    fvm_err err = fvm_kamt_get(kamt, &item, slot);
    if (err == FVM_OK) {
        err = fvm__ledger_err(fvm_cbor_bytes(&value, &item, NULL));
        if (err == FVM_OK && value.len > 32) err = FVM_ERR_BAD_STATE;
        if (err == FVM_OK && value.len) memcpy(out + 32 - value.len, value.ptr, value.len);
    }
    fvm_kamt_free(kamt);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err set_slot(fvm_kamt *kamt, const uint8_t slot[32], const uint8_t value[32],
                        const fvm_allocator *alloc)
{
    bool existed;
    size_t zeros = 0;
    fvm_buf item;
    while (zeros < 32 && value[zeros] == 0) zeros++;
    if (zeros == 32) return fvm_kamt_delete(kamt, &existed, slot);
    fvm_buf_init(&item, alloc);
    fvm_err err = fvm_cbor_put_bytes(&item, (fvm_bytes){ value + zeros, 32 - zeros });
    if (err == FVM_OK) err = fvm_kamt_set(kamt, slot, fvm_buf_bytes(&item));
    fvm_buf_deinit(&item);
    return err;
}

fvm_err fvm__evm_set(fvm__evm_state *state, const fvm_blockstore *bs, const uint8_t slot[32],
                     const uint8_t value[32], const fvm_allocator *alloc)
{
    fvm_kamt *kamt;
    FVM_TRY(fvm_kamt_load(&kamt, bs, &state->storage, STORAGE_BIT_WIDTH, alloc));
    fvm_err err = set_slot(kamt, slot, value, alloc);
    if (err == FVM_OK) err = fvm_kamt_flush(kamt, &state->storage);
    fvm_kamt_free(kamt);
    return err;
}
