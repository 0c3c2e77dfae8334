/* Any bytes as each of the blocks that the state layer decodes; the first byte chooses which. What
 * is accepted writes and reads back; what is not is broken state, never anything else. */
#include "test.h"

#include "kernel/state.h"

static void record(fvm_bytes in, uint32_t tree_version)
{
    fvm_actor a, b;
    fvm_buf out;
    fvm_err err = fvm_actor_read(&a, in, tree_version);
    if (err != FVM_OK) {
        CHECK(err == FVM_ERR_BAD_STATE);
        return;
    }
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_actor_write(&out, &a, tree_version));
    CHECK_OK(fvm_actor_read(&b, fvm_buf_bytes(&out), tree_version));
    CHECK(a.nonce == b.nonce && fvm_big_cmp(&a.balance, &b.balance) == 0);
    CHECK(fvm_cid_eq(&a.code, &b.code) && fvm_cid_eq(&a.head, &b.head));
    CHECK(fvm_address_eq(&a.delegated, &b.delegated));
    fvm_buf_deinit(&out);
}

static void manifest(const fvm_blockstore *bs, fvm_bytes in)
{
    fvm_manifest *m;
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, in));
    fvm_err err = fvm_manifest_load(&m, bs, &cid, fvm_network_find(17), NULL);
    CHECK(err == FVM_OK || err == FVM_ERR_BAD_STATE);
    if (err != FVM_OK) return;
    for (uint32_t t = 1; t <= fvm_manifest_count(m); t++)
        CHECK(fvm_manifest_type(m, fvm_manifest_code(m, t, NULL)) >= t);
    fvm_manifest_free(m);
}

static void tree_root(const fvm_blockstore *bs, fvm_bytes in)
{
    fvm_state_view *view;
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, in));
    fvm_err err = fvm_state_view_open(&view, bs, &cid, fvm_network_find(21), NULL);
    if (err != FVM_OK) {
        CHECK(fvm_err_class_of(err) == FVM_CLASS_FATAL || err == FVM_ERR_VERSION);
        return;
    }
    fvm_state_view_free(view);
}

/** The bytes as the head of actor 0 or 1. */
static void head(const fvm_blockstore *bs, fvm_bytes in, uint64_t id)
{
    fvm_state_view *view;
    fvm_actor actor = { .code = fvm_empty_array_cid() };
    fvm_address address = fvm_address_actor(FVM_STR("a"));
    fvm_cid cid;
    uint64_t got;
    CHECK_OK(fvm_blockstore_put_new(bs, &actor.head, FVM_CODEC_DAG_CBOR, in));
    CHECK_OK(fvm_state_view_new(&view, bs, fvm_network_find(21), NULL));
    CHECK_OK(fvm_state_set(view, id, &actor));
    fvm_err err = id == FVM_ID_SYSTEM ? fvm_system_state_manifest(view, &cid)
                                      : fvm_state_lookup_id(view, &got, &address);
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND || fvm_err_class_of(err) == FVM_CLASS_FATAL);
    if (id == FVM_ID_INIT) {
        err = fvm_state_register_address(view, &got, &address);
        CHECK(err == FVM_OK || fvm_err_class_of(err) == FVM_CLASS_FATAL);
        if (err == FVM_OK) CHECK_OK(fvm_state_lookup_id(view, &got, &address));
    }
    fvm_state_view_free(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    fvm_bytes in = { data + 1, size - 1 };
    fvm_blockstore bs;
    fvm_address address;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    /* an empty HAMT, which roots and init states can name */
    fvm_cid empty;
    CHECK_OK(fvm_blockstore_put_new(&bs, &empty, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x40, 0x80)));
    switch (data[0] % 7) {
    case 0: record(in, 4); break;
    case 1: record(in, 5); break;
    case 2: manifest(&bs, in); break;
    case 3: tree_root(&bs, in); break;
    case 4: head(&bs, in, FVM_ID_SYSTEM); break;
    case 5: head(&bs, in, FVM_ID_INIT); break;
    default: {
        fvm_err err = fvm_account_state_address(&address, in, data[0] & 0x80);
        CHECK(err == FVM_OK || err == FVM_ERR_BAD_STATE);
        break;
    }
    }
    fvm_blockstore_free(&bs);
    return 0;
}
