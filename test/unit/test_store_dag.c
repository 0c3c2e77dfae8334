/* Walks over DAGs: order, once each, what is missing, and links of DAG-PB. */
#include "store/dag.h"
#include "store_helpers.h"

typedef struct visits {
    fvm_cid cids[64];
    size_t count, missing;
    fvm_err stop;
} visits;

static fvm_err visit(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    visits *v = ctx;
    CHECK_OK(fvm_cid_verify(cid, data));
    CHECK(v->count < FVM_COUNT(v->cids));
    v->cids[v->count++] = *cid;
    return v->stop;
}

static fvm_err miss(void *ctx, const fvm_cid *cid)
{
    (void)cid;
    ((visits *)ctx)->missing++;
    return FVM_OK;
}

static fvm_cid put_leaf(const fvm_blockstore *bs, const char *text)
{
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_RAW, fvm_bytes_of(text)));
    return cid;
}

TEST(a_parent_comes_before_its_children_in_the_order_of_links_and_each_block_once)
{
    fvm_blockstore bs;
    visits v = { .count = 0 };
    fvm__dag_visitor visitor = { visit, NULL, &v };
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid a = put_leaf(&bs, "a"), b = put_leaf(&bs, "b"), c = put_leaf(&bs, "c");
    fvm_cid ab[] = { a, b };
    fvm_cid inner = put_links(&bs, ab, 2);
    fvm_cid top[] = { inner, c, a, inner };
    fvm_cid root = put_links(&bs, top, 4);
    fvm_cid roots[] = { root, c, root };
    CHECK_OK(fvm__dag_walk(&bs, roots, 3, &visitor, NULL, NULL));
    const fvm_cid want[] = { root, inner, a, b, c };
    CHECK(v.count == FVM_COUNT(want));
    for (size_t i = 0; i < v.count; i++) CHECK(fvm_cid_eq(&v.cids[i], &want[i]));
    v = (visits){ .stop = FVM_ERR_RANGE };
    CHECK_ERR(fvm__dag_walk(&bs, roots, 3, &visitor, NULL, NULL), FVM_ERR_RANGE);
    CHECK(v.count == 1);
    fvm_blockstore_free(&bs);
}

TEST(missing_blocks_end_the_walk_or_are_counted)
{
    fvm_blockstore bs;
    visits v = { .count = 0 };
    fvm__dag_visitor visitor = { visit, NULL, &v };
    fvm_store_why why = { { 0 } };
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid absent = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("absent")), a = put_leaf(&bs, "a");
    fvm_cid links[] = { absent, a };
    fvm_cid root = put_links(&bs, links, 2);
    CHECK_ERR(fvm__dag_walk(&bs, &root, 1, &visitor, NULL, &why), FVM_ERR_MISSING_BLOCK);
    CHECK(strstr(why.text, "missing"));
    v = (visits){ .count = 0 };
    visitor.missing = miss;
    CHECK_OK(fvm__dag_walk(&bs, &root, 1, &visitor, NULL, &why));
    CHECK(v.count == 2 && v.missing == 1);
    fvm_blockstore_free(&bs);
}

TEST(commitments_are_passed_over_and_links_in_identity_cids_followed)
{
    fvm_blockstore bs;
    visits v = { .count = 0 };
    fvm__dag_visitor visitor = { visit, NULL, &v };
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid leaf = put_leaf(&bs, "a"), commitment = leaf, inlined;
    commitment.codec = FVM_CODEC_COMM_SEALED;
    commitment.hash = FVM_HASH_POSEIDON;
    fvm_buf b;
    fvm_buf_init(&b, NULL);
    CHECK_OK(fvm_cbor_put_array(&b, 1));
    CHECK_OK(fvm_cbor_put_cid(&b, &leaf));
    CHECK_OK(fvm_cid_make(&inlined, FVM_CODEC_DAG_CBOR, FVM_HASH_IDENTITY, fvm_buf_bytes(&b)));
    fvm_cid links[] = { commitment, inlined };
    fvm_cid root = put_links(&bs, links, 2);
    CHECK_OK(fvm__dag_walk(&bs, &root, 1, &visitor, NULL, NULL));
    CHECK(v.count == 2 && fvm_cid_eq(&v.cids[1], &leaf));
    fvm_buf_deinit(&b);
    fvm_blockstore_free(&bs);
}

static fvm_err note_link(void *ctx, const fvm_cid *cid)
{
    visits *v = ctx;
    v->cids[v->count++] = *cid;
    return FVM_OK;
}

TEST(dag_pb_links_are_read_and_broken_ones_refused)
{
    visits v = { .count = 0 };
    uint8_t node[128], id[FVM_CID_BYTES_MAX];
    fvm_cid leaf = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("leaf"));
    size_t len = fvm_cid_write(id, &leaf), at = 0;
    node[at++] = 0x12; /* links */
    node[at++] = (uint8_t)(len + 7);
    node[at++] = 0x0a; /* hash */
    node[at++] = (uint8_t)len;
    memcpy(node + at, id, len);
    at += len;
    memcpy(node + at, "\x12\x01n\x18\x07", 5); /* name, size */
    at += 5;
    memcpy(node + at,
           "\x0a\x04"
           "data",
           6);
    at += 6;
    CHECK_OK(fvm__dag_links(FVM_CODEC_DAG_PB, (fvm_bytes){ node, at }, note_link, &v));
    CHECK(v.count == 1 && fvm_cid_eq(&v.cids[0], &leaf));
    for (size_t cut = 1; cut < at; cut++) {
        v.count = 0;
        fvm_err err = fvm__dag_links(FVM_CODEC_DAG_PB, (fvm_bytes){ node, cut }, note_link, &v);
        CHECK(err == (cut == at - 6 ? FVM_OK : FVM_ERR_TRUNCATED)); /* a boundary of fields */
    }
    node[0] = 0x13; /* a group, which nobody writes any more */
    CHECK_ERR(fvm__dag_links(FVM_CODEC_DAG_PB, (fvm_bytes){ node, at }, note_link, &v),
              FVM_ERR_MALFORMED);
}

static fvm_err walk_once(const fvm_allocator *alloc, void *ctx)
{
    visits v = { .count = 0 };
    fvm__dag_visitor visitor = { visit, miss, &v };
    const fvm_blockstore *bs = ((void **)ctx)[0];
    return fvm__dag_walk(bs, ((void **)ctx)[1], 1, &visitor, alloc, NULL);
}

TEST(running_out_of_memory_leaks_nothing)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid leaves[20];
    for (int i = 0; i < 20; i++) leaves[i] = put_leaf(&bs, (char[]){ (char)('a' + i), 0 });
    fvm_cid root = put_links(&bs, leaves, 20);
    void *ctx[] = { &bs, &root };
    test_each_allocation_fails(walk_once, ctx);
    fvm_blockstore_free(&bs);
}
