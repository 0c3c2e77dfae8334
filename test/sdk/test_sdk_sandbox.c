/* test_sdk_sandbox.c - an actor of the SDK over a DAG, with no chain around it. */
#include "actor_world.h"

#include "ipld/cbor.h"
#include <fvm/sandbox.h>

static fvm_cid put(const fvm_blockstore *bs, uint64_t codec, fvm_bytes data)
{
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, codec, data));
    return cid;
}

/* ["low", link to `a`, {"b": link to `b`}] */
static fvm_cid put_node(const fvm_blockstore *bs, const fvm_cid *a, const fvm_cid *b)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 3));
    CHECK_OK(fvm_cbor_put_text(&out, FVM_STR("low")));
    CHECK_OK(fvm_cbor_put_cid(&out, a));
    CHECK_OK(fvm_cbor_put_map(&out, 1));
    CHECK_OK(fvm_cbor_put_text(&out, FVM_STR("b")));
    CHECK_OK(fvm_cbor_put_cid(&out, b));
    fvm_cid cid = put(bs, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out));
    fvm_buf_deinit(&out);
    return cid;
}

static fvm_cid put_dag(const fvm_blockstore *bs, const char *leaf, const char *deep)
{
    fvm_cid a = put(bs, FVM_CODEC_RAW, fvm_bytes_of(leaf));
    fvm_cid b = put(bs, FVM_CODEC_RAW, fvm_bytes_of(deep));
    fvm_cid inner = put_node(bs, &a, &b);
    return put_node(bs, &inner, &a);
}

TEST(upper_rewrites_the_leaves_of_a_dag_and_the_links_above_them)
{
    fvm_engine *engine;
    fvm_context *context;
    fvm_blockstore bs;
    fvm_receipt receipt;
    fvm_buf wasm;
    fvm_cid root;
    CHECK_OK(fvm_engine_new(&engine, NULL));
    CHECK_OK(fvm_context_new(&context, engine, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_receipt_init(&receipt, NULL);
    fvm_buf_init(&wasm, NULL);
    actor_read_file(&wasm, ACTORS_DIR "/upper.wasm");
    fvm_sandbox run = { .code = put(&bs, FVM_CODEC_RAW, fvm_buf_bytes(&wasm)),
                        .root = put_dag(&bs, "leaf 1", "deep Leaf") };
    CHECK_OK(fvm_sandbox_run(context, &root, &receipt, &bs, &run));
    CHECK(receipt.exit_code == 0);
    fvm_cid want = put_dag(&bs, "LEAF 1", "DEEP LEAF");
    CHECK(fvm_cid_eq(&root, &want));
    fvm_buf_deinit(&wasm);
    fvm_receipt_deinit(&receipt);
    fvm_blockstore_free(&bs);
    fvm_context_free(context);
    fvm_engine_free(engine);
}
