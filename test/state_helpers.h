/* state_helpers.h - what tests of the state view share. */
#ifndef FVM_TEST_STATE_HELPERS_H
#define FVM_TEST_STATE_HELPERS_H

#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"
#include "test.h"

/** The init actor's state [empty map, next_id, name]. */
static inline fvm_cid init_state(const fvm_blockstore *bs, uint64_t next_id, const char *name)
{
    fvm_hamt *map;
    fvm_cid root, state;
    fvm_buf out;
    CHECK_OK(fvm_hamt_new(&map, bs, 5, NULL));
    CHECK_OK(fvm_hamt_flush(map, &root));
    fvm_hamt_free(map);
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 3));
    CHECK_OK(fvm_cbor_put_cid(&out, &root));
    CHECK_OK(fvm_cbor_put_uint(&out, next_id));
    CHECK_OK(fvm_cbor_put_text(&out, fvm_bytes_of(name)));
    CHECK_OK(fvm_blockstore_put_new(bs, &state, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    return state;
}

/** An init actor with such a state. */
static inline void set_init(fvm_state_view *view, const fvm_blockstore *bs, uint64_t next_id)
{
    const fvm_actor init = { .code = fvm_empty_array_cid(),
                             .head = init_state(bs, next_id, "net") };
    CHECK_OK(fvm_state_set(view, FVM_ID_INIT, &init));
}
#endif
