#include "ipld/buffered.h"

#include "ipld_helpers.h"

static fvm_blockstore memory(void)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    return bs;
}

static fvm_blockstore buffered_over(const fvm_blockstore *base)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_buffered_new(&bs, base, NULL));
    return bs;
}

static bool has(const fvm_blockstore *bs, const fvm_cid *cid)
{
    bool out = false;
    CHECK_OK(fvm_blockstore_has(bs, &out, cid));
    return out;
}

static fvm_cid put_number(const fvm_blockstore *bs, uint64_t n)
{
    uint8_t room[9];
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, cbor_number(room, n)));
    return cid;
}

/* An array of links, as bytes in `out`. */
static void encode_links(fvm_buf *out, const fvm_cid *links, size_t count)
{
    CHECK_OK(fvm_cbor_put_array(out, count));
    for (size_t i = 0; i < count; i++) CHECK_OK(fvm_cbor_put_cid(out, &links[i]));
}

static fvm_cid put_links(const fvm_blockstore *bs, const fvm_cid *links, size_t count)
{
    fvm_buf out;
    fvm_cid cid;
    fvm_buf_init(&out, NULL);
    encode_links(&out, links, count);
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    return cid;
}

TEST(memory_store_keeps_blocks)
{
    fvm_blockstore bs = memory();
    fvm_buf out;
    fvm_bytes view;
    size_t blocks, bytes;
    fvm_buf_init(&out, NULL);
    fvm_cid a = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("abc")),
            b = fvm_cid_of(FVM_CODEC_RAW, FVM_STR(""));
    CHECK(!has(&bs, &a));
    CHECK_ERR(fvm_blockstore_get(&bs, &out, &a), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_blockstore_view(&bs, &view, &out, &a), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_blockstore_put(&bs, &a, FVM_STR("abc")));
    CHECK_OK(fvm_blockstore_put(&bs, &a, FVM_STR("abc")));
    CHECK_OK(fvm_blockstore_put(&bs, &b, FVM_STR("")));
    fvm_blockstore_memory_stats(&bs, &blocks, &bytes);
    CHECK(blocks == 2 && bytes == 3 && has(&bs, &a) && has(&bs, &b));
    CHECK_OK(fvm_buf_put_u8(&out, 'x')); /* get appends */
    CHECK_OK(fvm_blockstore_get(&bs, &out, &a));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("xabc"));
    CHECK_OK(fvm_blockstore_view(&bs, &view, &out, &b));
    CHECK(view.len == 0 && out.len == 4);
    fvm_buf_deinit(&out);
    fvm_blockstore_free(&bs);
}

TEST(stores_answer_identity_cids_from_the_digest)
{
    fvm_blockstore bs = memory();
    fvm_buf out;
    fvm_bytes view;
    fvm_cid cid;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cid_make(&cid, FVM_CODEC_RAW, FVM_HASH_IDENTITY, FVM_STR("inline")));
    CHECK(has(&bs, &cid));
    CHECK_OK(fvm_blockstore_get(&bs, &out, &cid));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("inline"));
    CHECK_OK(fvm_blockstore_view(&bs, &view, &out, &cid));
    CHECK_BYTES(view, FVM_STR("inline"));
    fvm_buf_deinit(&out);
    fvm_blockstore_free(&bs);
}

TEST(buffered_store_reads_through_and_holds_writes_back)
{
    for (int with_view = 0; with_view < 2; with_view++) {
        faulty_store plain = { .base = memory() };
        fvm_blockstore base = with_view ? plain.base : (fvm_blockstore){ &faulty_ops, &plain };
        fvm_blockstore bs = buffered_over(&base);
        fvm_cid below = put_number(&base, 1), above = put_number(&bs, 2), absent;
        fvm_buf out;
        fvm_bytes view;
        size_t blocks, bytes;
        absent = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("absent"));
        fvm_buf_init(&out, NULL);
        CHECK(has(&bs, &below) && has(&bs, &above) && !has(&base, &above) && !has(&bs, &absent));
        CHECK_OK(fvm_blockstore_get(&bs, &out, &below));
        CHECK_OK(fvm_blockstore_get(&bs, &out, &above));
        CHECK_BYTES(fvm_buf_bytes(&out), FVM_BYTES(1, 2));
        CHECK_OK(fvm_blockstore_view(&bs, &view, &out, &below));
        CHECK_BYTES(view, FVM_BYTES(1));
        CHECK_OK(fvm_blockstore_view(&bs, &view, &out, &above));
        CHECK_BYTES(view, FVM_BYTES(2));
        CHECK_ERR(fvm_blockstore_view(&bs, &view, &out, &absent), FVM_ERR_NOT_FOUND);
        fvm_buffered_stats(&bs, &blocks, &bytes);
        CHECK(blocks == 1 && bytes == 1);
        fvm_buffered_clear(&bs);
        CHECK(!has(&bs, &above) && has(&bs, &below));
        fvm_buf_deinit(&out);
        fvm_blockstore_free(&bs);
        fvm_blockstore_free(&plain.base);
    }
}

TEST(flush_moves_what_is_reachable_children_first)
{
    fvm_blockstore base = memory(), bs = buffered_over(&base);
    /* root -> {a, b, shared}, a -> {shared}, b -> {a, leaf}: parents that reach a child in several ways */
    fvm_cid leaf = put_number(&bs, 1), shared = put_number(&bs, 2), stray = put_number(&bs, 3);
    fvm_cid a = put_links(&bs, &shared, 1);
    fvm_cid b = put_links(&bs, (fvm_cid[]){ a, leaf }, 2);
    fvm_cid root = put_links(&bs, (fvm_cid[]){ a, b, shared }, 3);
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_buffered_collect(&bs, &out, &root, FVM_FLUSH_V3));
    const fvm_block *blocks = (const fvm_block *)(const void *)out.ptr;
    CHECK(out.len == 5 * sizeof *blocks);
    size_t at[5] = { 9, 9, 9, 9, 9 };
    const fvm_cid *const cids[5] = { &leaf, &shared, &a, &b, &root };
    for (size_t i = 0; i < 5; i++) {
        CHECK_OK(fvm_cid_verify(&blocks[i].cid, blocks[i].data));
        for (size_t j = 0; j < 5; j++)
            if (fvm_cid_eq(&blocks[i].cid, cids[j])) at[j] = i;
    }
    CHECK(at[1] < at[2] && at[2] < at[3] && at[0] < at[3] && at[3] < at[4] && at[4] == 4);
    CHECK(!has(&base, &root)); /* collecting writes nothing */

    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V3));
    for (size_t j = 0; j < 5; j++) CHECK(has(&base, cids[j]));
    size_t count, bytes;
    fvm_buffered_stats(&bs, &count, &bytes);
    CHECK(count == 1 && !has(&base, &stray) && has(&bs, &stray));
    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V3)); /* nothing to do */
    fvm_buf_deinit(&out);
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
}

TEST(flush_of_nv17_drops_the_rest)
{
    fvm_blockstore base = memory(), bs = buffered_over(&base);
    fvm_cid root = put_number(&bs, 1), stray = put_number(&bs, 2);
    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V2));
    CHECK(has(&base, &root) && !has(&bs, &stray));
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
}

TEST(flush_stops_where_the_buffer_has_no_block)
{
    fvm_blockstore base = memory(), bs = buffered_over(&base);
    fvm_cid leaf = put_number(&bs, 1);
    fvm_cid below = put_links(&base, &leaf,
                              1); /* in the base, which is taken to have all below it */
    fvm_cid root = put_links(&bs, &below, 1);
    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V3));
    CHECK(has(&base, &root) && !has(&base, &leaf));
    fvm_cid absent = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR("absent"));
    CHECK_OK(fvm_buffered_flush(&bs, &absent, FVM_FLUSH_V3));
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
}

TEST(flush_scans_identity_links)
{
    fvm_blockstore base = memory(), bs = buffered_over(&base);
    fvm_cid leaf = put_number(&bs, 1), hidden, inner, outer;
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    encode_links(&out, &leaf, 1);
    CHECK_OK(fvm_cid_make(&inner, FVM_CODEC_DAG_CBOR, FVM_HASH_IDENTITY, fvm_buf_bytes(&out)));
    out.len = 0;
    encode_links(&out, &inner, 1); /* an identity link within an identity link */
    CHECK_OK(fvm_cid_make(&outer, FVM_CODEC_DAG_CBOR, FVM_HASH_IDENTITY, fvm_buf_bytes(&out)));
    CHECK_OK(fvm_cid_make(&hidden, FVM_CODEC_RAW, FVM_HASH_IDENTITY, FVM_BYTES(0xd8, 0x2a)));
    fvm_cid root = put_links(&bs, (fvm_cid[]){ outer, hidden }, 2);
    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V3));
    CHECK(has(&base, &root) && has(&base, &leaf));
    fvm_buf_deinit(&out);
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
}

static fvm_cid link_like(uint64_t codec, uint64_t hash, uint8_t len)
{
    return (fvm_cid){ .codec = codec, .hash = hash, .version = 1, .digest_len = len };
}

TEST(flush_checks_every_link)
{
    const struct {
        const char *why;
        fvm_cid link;
        fvm_err v2, v3;
    } links[] = {
        { "raw", link_like(0x55, 0xb220, 32), FVM_OK, FVM_OK },
        { "CBOR", link_like(0x51, 0xb220, 32), FVM_ERR_BAD_STATE, FVM_OK },
        { "dag-pb", link_like(0x70, 0xb220, 32), FVM_ERR_BAD_STATE, FVM_ERR_BAD_STATE },
        { "v0",
          { .codec = 0x70, .hash = 0x12, .digest_len = 32 },
          FVM_ERR_BAD_STATE,
          FVM_ERR_BAD_STATE },
        { "unsealed commitment", link_like(0xf101, 0x1012, 32), FVM_OK, FVM_OK },
        { "sealed commitment", link_like(0xf102, 0xb401, 32), FVM_OK, FVM_OK },
        { "commitment of another hash", link_like(0xf102, 1, 1), FVM_OK, FVM_OK },
        { "sha2-256", link_like(0x71, 0x12, 32), FVM_ERR_BAD_STATE, FVM_ERR_BAD_STATE },
        { "short digest", link_like(0x71, 0xb220, 20), FVM_ERR_BAD_STATE, FVM_ERR_BAD_STATE },
        { "identity, raw", link_like(0x55, 0, 3), FVM_OK, FVM_OK },
        { "identity, CBOR", link_like(0x51, 0, 3), FVM_ERR_BAD_STATE, FVM_OK },
        { "identity, not an item", link_like(0x71, 0, 0), FVM_ERR_BAD_STATE, FVM_ERR_BAD_STATE },
        { "identity, item and more", link_like(0x71, 0, 3), FVM_OK, FVM_OK },
    };
    for (size_t i = 0; i < FVM_COUNT(links); i++) {
        for (int v3 = 0; v3 < 2; v3++) {
            fvm_blockstore base = memory(), bs = buffered_over(&base);
            fvm_cid root = put_links(&bs, &links[i].link, 1);
            fvm_err want = v3 ? links[i].v3 : links[i].v2;
            CHECK_AT(links[i].why,
                     fvm_buffered_flush(&bs, &root, v3 ? FVM_FLUSH_V3 : FVM_FLUSH_V2) == want);
            CHECK_AT(links[i].why, has(&base, &root) == (want == FVM_OK));
            CHECK_AT(links[i].why, has(&bs, &root));
            fvm_blockstore_free(&bs);
            fvm_blockstore_free(&base);
        }
    }
}

TEST(flush_scanner_of_nv17_is_strict)
{
    static const struct {
        const char *why, *hex;
        fvm_err v2, v3;
    } blocks[] = {
        { "number in two bytes", "1800", FVM_ERR_BAD_STATE, FVM_OK },
        { "number in three bytes", "1900ff", FVM_ERR_BAD_STATE, FVM_OK },
        { "number in five bytes", "1a0000ffff", FVM_ERR_BAD_STATE, FVM_OK },
        { "number in nine bytes", "1b00000000ffffffff", FVM_ERR_BAD_STATE, FVM_OK },
        { "minimal", "8418181901001a000100001b0000000100000000", FVM_OK, FVM_OK },
        { "items missing", "81", FVM_ERR_BAD_STATE, FVM_ERR_BAD_STATE },
        { "bytes behind", "0000", FVM_OK, FVM_OK },
    };
    for (size_t i = 0; i < FVM_COUNT(blocks); i++) {
        for (int v3 = 0; v3 < 2; v3++) {
            uint8_t room[64];
            fvm_cid root;
            fvm_blockstore base = memory(), bs = buffered_over(&base);
            CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR,
                                            test_hex(room, sizeof room, blocks[i].hex)));
            CHECK_AT(blocks[i].why,
                     fvm_buffered_flush(&bs, &root, v3 ? FVM_FLUSH_V3 : FVM_FLUSH_V2) ==
                         (v3 ? blocks[i].v3 : blocks[i].v2));
            fvm_blockstore_free(&bs);
            fvm_blockstore_free(&base);
        }
    }
}

TEST(flush_that_the_base_refuses_leaves_the_buffer_as_it_was)
{
    faulty_store faulty = { .base = memory(), .fail_write_at = 1 };
    fvm_blockstore base = { &faulty_ops, &faulty }, bs = buffered_over(&base);
    fvm_cid leaf = put_number(&bs, 1), root = put_links(&bs, &leaf, 1);
    size_t blocks, bytes;
    CHECK_ERR(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V2), FVM_ERR_IO);
    fvm_buffered_stats(&bs, &blocks, &bytes);
    CHECK(blocks == 2 && has(&bs, &leaf) && has(&bs, &root));
    CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V2));
    CHECK(has(&base, &leaf) && has(&base, &root));
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&faulty.base);
}

/* Long chains cost stack entries, not native stack; and what stays buffered survives compaction. */
TEST(flush_of_a_deep_chain_and_compaction)
{
    fvm_blockstore base = memory(), bs = buffered_over(&base);
    fvm_cid tip = put_number(&bs, 0), stray = put_number(&bs, 77);
    for (size_t i = 0; i < 20000; i++) tip = put_links(&bs, &tip, 1);
    size_t blocks, bytes;
    CHECK_OK(fvm_buffered_flush(&bs, &tip, FVM_FLUSH_V3));
    fvm_blockstore_memory_stats(&base, &blocks, &bytes);
    CHECK(blocks == 20001);
    fvm_buffered_stats(&bs, &blocks, &bytes);
    CHECK(blocks == 1 && bytes == 2);
    check_block(&bs, &stray, "184d", NULL);
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
}

static fvm_err store_and_flush(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_blockstore base = memory(), bs = { 0 };
    fvm_err err = fvm_blockstore_buffered_new(&bs, &base, alloc);
    fvm_cid tip = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80));
    if (err == FVM_OK) err = fvm_blockstore_put(&bs, &tip, FVM_BYTES(0x80));
    for (size_t i = 0; err == FVM_OK && i < 40; i++) {
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        encode_links(&out, &tip, 1);
        err = fvm_blockstore_put_new(&bs, &tip, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out));
        fvm_buf_deinit(&out);
    }
    if (err == FVM_OK) {
        err = fvm_buffered_flush(&bs, &tip, FVM_FLUSH_V3);
        CHECK(has(&base, &tip) == (err == FVM_OK));
        CHECK(has(&bs, &tip));
    }
    fvm_blockstore_free(&bs);
    fvm_blockstore_free(&base);
    return err;
}

static fvm_err store_in_memory(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_blockstore bs = { 0 };
    fvm_err err = fvm_blockstore_memory_new(&bs, alloc);
    for (uint64_t i = 0; err == FVM_OK && i < 100; i++) {
        uint8_t room[9];
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, cbor_number(room, i));
        err = fvm_blockstore_put(&bs, &cid, cbor_number(room, i));
        CHECK(has(&bs, &cid) == (err == FVM_OK)); /* no key without its block */
    }
    fvm_blockstore_free(&bs);
    return err;
}

TEST(stores_survive_each_failing_allocation)
{
    test_each_allocation_fails(store_and_flush, NULL);
    test_each_allocation_fails(store_in_memory, NULL);
}

/* A link may be followed by bytes in its string; nv17 takes strings of at most 100 bytes. */
TEST(flush_limits_link_strings_under_nv17)
{
    for (size_t len = 100; len <= 101; len++) {
        uint8_t text[101] = { 0 };
        fvm_blockstore base = memory(), bs = buffered_over(&base);
        fvm_cid leaf = put_number(&bs, 1), root;
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        (void)fvm_cid_write(text + 1, &leaf);
        CHECK_OK(fvm_buf_append(&out, FVM_BYTES(0xd8, 0x2a)));
        CHECK_OK(fvm_cbor_put_bytes(&out, (fvm_bytes){ text, len }));
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
        CHECK_ERR(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V2),
                  len > 100 ? FVM_ERR_BAD_STATE : FVM_OK);
        CHECK_OK(fvm_buffered_flush(&bs, &root, FVM_FLUSH_V3));
        CHECK(has(&base, &root) && has(&base, &leaf));
        fvm_buf_deinit(&out);
        fvm_blockstore_free(&bs);
        fvm_blockstore_free(&base);
    }
}
