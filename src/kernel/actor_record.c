/* actor_record.c - an actor as the state tree holds it (reference/executor.md 5):
 *
 *     tree version <= 4   [code, head, nonce, balance]
 *     tree version 5      [code, head, nonce, balance, delegated address or null] */
#include "state.h"

#include "ipld/cbor.h"

#define DELEGATED_FROM_TREE_VERSION 5u

static fvm_err put_balance(fvm_buf *out, const fvm_big *balance)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t n = fvm_big_write(wire, balance);
    if (n > FVM_BIG_WIRE_MAX) return FVM_ERR_RANGE;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, n });
}

fvm_err fvm_actor_write(fvm_buf *out, const fvm_actor *actor, uint32_t tree_version)
{
    bool delegated = tree_version >= DELEGATED_FROM_TREE_VERSION;
    FVM_TRY(fvm_cbor_put_array(out, delegated ? 5 : 4));
    FVM_TRY(fvm_cbor_put_cid(out, &actor->code));
    FVM_TRY(fvm_cbor_put_cid(out, &actor->head));
    FVM_TRY(fvm_cbor_put_uint(out, actor->nonce));
    FVM_TRY(put_balance(out, &actor->balance));
    if (!delegated) return FVM_OK;
    if (actor->delegated.len == 0) return fvm_cbor_put_null(out);
    return fvm_cbor_put_bytes(out, (fvm_bytes){ actor->delegated.bytes, actor->delegated.len });
}

/* Strings of indefinite length are refused, not joined: only the machine writes into the tree. */
static fvm_err read_fields(fvm_actor *actor, fvm_bytes in, bool delegated)
{
    fvm_bytes view;
    FVM_TRY(fvm_cbor_tuple(delegated ? 5 : 4, &in));
    FVM_TRY(fvm_cbor_cid(&actor->code, &in));
    FVM_TRY(fvm_cbor_cid(&actor->head, &in));
    FVM_TRY(fvm_cbor_uint(&actor->nonce, &in));
    FVM_TRY(fvm_cbor_bytes(&view, &in, NULL));
    FVM_TRY(fvm_big_read(&actor->balance, view));
    if (delegated && !fvm_cbor_take_null(&in)) {
        FVM_TRY(fvm_cbor_bytes(&view, &in, NULL));
        FVM_TRY(fvm_address_read(&actor->delegated, view, true));
    }
    return fvm_cbor_end(in);
}

fvm_err fvm_actor_read(fvm_actor *out, fvm_bytes in, uint32_t tree_version)
{
    fvm_actor actor = { .nonce = 0 };
    fvm_err err = read_fields(&actor, in, tree_version >= DELEGATED_FROM_TREE_VERSION);
    if (fvm_err_class_of(err) == FVM_CLASS_INPUT) return FVM_ERR_BAD_STATE;
    if (err == FVM_OK) *out = actor;
    return err;
}

fvm_cid fvm_empty_array_cid(void)
{
    static const fvm_cid empty_array = {
        .codec = FVM_CODEC_DAG_CBOR,
        .hash = FVM_HASH_BLAKE2B_256,
        .version = 1,
        .digest_len = 32,
        /* bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a */
        .digest = { 0x45, 0xb0, 0xcf, 0xc2, 0x20, 0xce, 0xec, 0x5b, 0x7c, 0x1c, 0x62,
                    0xc4, 0xd4, 0x19, 0x3d, 0x38, 0xe4, 0xeb, 0xa4, 0x8e, 0x88, 0x15,
                    0x72, 0x9c, 0xe7, 0x5f, 0x9c, 0x0a, 0xb0, 0xe4, 0xc1, 0xc0 },
    };
    return empty_array;
}
