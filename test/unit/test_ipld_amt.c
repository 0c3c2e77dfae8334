#include "ipld/amt.h"

#include "ipld_helpers.h"

static fvm_blockstore memory(void)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    return bs;
}

static fvm_amt *empty(const fvm_blockstore *bs, unsigned bit_width)
{
    fvm_amt *amt;
    CHECK_OK(fvm_amt_new(&amt, bs, bit_width, NULL));
    return amt;
}

static void set(fvm_amt *amt, uint64_t index, uint64_t value)
{
    uint8_t room[9];
    CHECK_OK(fvm_amt_set(amt, index, cbor_number(room, value)));
}

static void delete(fvm_amt *amt, uint64_t index)
{
    bool existed;
    CHECK_OK(fvm_amt_delete(amt, &existed, index));
    CHECK(existed);
}

static fvm_cid flush(fvm_amt *amt)
{
    fvm_cid root;
    CHECK_OK(fvm_amt_flush(amt, &root));
    return root;
}

static uint64_t get(fvm_amt *amt, uint64_t index)
{
    fvm_bytes value;
    uint64_t v;
    CHECK_OK(fvm_amt_get(amt, &value, index));
    CHECK_OK(fvm_cbor_uint(&v, &value));
    return v;
}

static fvm_cid cid_of_hex(const char *hex)
{
    uint8_t room[256];
    return fvm_cid_of(FVM_CODEC_DAG_CBOR, test_hex(room, sizeof room, hex));
}

TEST(amt_empty_at_every_width)
{
    static const struct {
        unsigned width;
        const char *hex;
    } forms[] = {
        { 1, "84 01 00 00 83 41 00 80 80" },
        { 2, "84 02 00 00 83 41 00 80 80" },
        { 3, "84 03 00 00 83 41 00 80 80" },
        { 4, "84 04 00 00 83 42 0000 80 80" },
        { 5, "84 05 00 00 83 44 00000000 80 80" },
        { 6, "84 06 00 00 83 48 0000000000000000 80 80" },
        { 7, "84 07 00 00 83 50 00000000000000000000000000000000 80 80" },
    };
    fvm_blockstore bs = memory();
    for (size_t i = 0; i < FVM_COUNT(forms); i++) {
        fvm_amt *amt = empty(&bs, forms[i].width);
        fvm_cid root = flush(amt);
        check_block(&bs, &root, forms[i].hex, NULL);
        if (forms[i].width == 3)
            check_cid_text("b = 3", &root,
                           "bafy2bzacedijw74yui7otvo63nfl3hdq2vdzuy7wx2tnptwed6zml4vvz7wee");
        fvm_amt_free(amt);
    }
    fvm_blockstore_free(&bs);
}

TEST(amt_example_values_in_the_root)
{
    fvm_blockstore bs = memory();
    fvm_amt *amt = empty(&bs, 3);
    set(amt, 2, 9);
    set(amt, 0, 7);
    fvm_cid root = flush(amt);
    check_block(&bs, &root, "84 03 00 02 83 41 05 80 82 07 09", NULL);
    CHECK(fvm_amt_count(amt) == 2 && get(amt, 0) == 7 && get(amt, 2) == 9);
    fvm_amt_free(amt);

    amt = empty(&bs, 5);
    set(amt, 31, 1);
    root = flush(amt);
    check_block(&bs, &root, "84 05 00 01 83 44 00000080 80 81 01", NULL);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}

TEST(amt_example_grows_and_sinks)
{
    fvm_blockstore bs = memory();
    fvm_amt *amt = empty(&bs, 3);
    fvm_cid leaves[2] = { cid_of_hex("8341018081"
                                     "05"),
                          cid_of_hex("8341018081"
                                     "01") };
    set(amt, 8, 1);
    fvm_cid root = flush(amt);
    check_block(&bs, &root, "84 03 01 01 83 41 02 81 L1 80", leaves);
    check_block(&bs, &leaves[1], "83 41 01 80 81 01", NULL);
    set(amt, 0, 5);
    root = flush(amt);
    check_block(&bs, &root, "84 03 01 02 83 41 03 82 L0 L1 80", leaves);
    check_block(&bs, &leaves[0], "83 41 01 80 81 05", NULL);
    fvm_amt_free(amt);

    CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
    delete (amt, 8);
    root = flush(amt);
    check_block(&bs, &root, "84 03 00 01 83 41 01 80 81 05", NULL);
    delete (amt, 0);
    root = flush(amt);
    check_block(&bs, &root, "84 03 00 00 83 41 00 80 80", NULL);
    fvm_amt_free(amt);

    /* the same, but the old root moves down when 8 comes */
    amt = empty(&bs, 3);
    set(amt, 0, 5);
    set(amt, 8, 1);
    root = flush(amt);
    check_block(&bs, &root, "84 03 01 02 83 41 03 82 L0 L1 80", leaves);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}

TEST(amt_example_v0)
{
    fvm_blockstore bs = memory();
    fvm_cid root;
    CHECK_OK(
        fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR,
                               FVM_BYTES(0x83, 0x00, 0x01, 0x83, 0x41, 0x02, 0x80, 0x81, 0x09)));
    fvm_amt *amt;
    CHECK_ERR(fvm_amt_load(&amt, &bs, &root, NULL), FVM_ERR_BAD_STATE);
    CHECK_OK(fvm_amt_load_v0(&amt, &bs, &root, NULL));
    CHECK(fvm_amt_count(amt) == 1 && get(amt, 1) == 9);
    set(amt, 0, 1);
    root = flush(amt);
    check_block(&bs, &root, "83 00 02 83 41 03 80 82 01 09", NULL);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}

/* The events root of reference/executor.md 4: 33 equal values, so a root above two leaves. */
TEST(amt_of_33_values_has_two_leaves)
{
    fvm_blockstore bs = memory();
    fvm_amt *amt = empty(&bs, 5);
    for (uint64_t i = 0; i < 33; i++) set(amt, i, 1);
    fvm_cid root = flush(amt);
    char hex[2 * 64] = "8344ffffffff80"
                       "9820";
    for (size_t i = 0; i < 32; i++) strcat(hex, "01");
    fvm_cid leaves[2] = { cid_of_hex(hex), cid_of_hex("83"
                                                      "4401000000"
                                                      "80"
                                                      "8101") };
    check_block(&bs, &root, "84 05 01 1821 83 44 03000000 82 L0 L1 80", leaves);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}

TEST(amt_indexes_up_to_the_last)
{
    static const uint64_t indexes[] = { FVM_AMT_INDEX_MAX, 0, (uint64_t)1 << 63, 1, 63, 64 };
    fvm_blockstore bs = memory();
    for (unsigned width = 1; width <= 18; width++) {
        fvm_amt *amt = empty(&bs, width);
        bool existed;
        fvm_bytes value;
        CHECK_ERR(fvm_amt_set(amt, UINT64_MAX, FVM_BYTES(1)), FVM_ERR_RANGE);
        CHECK_ERR(fvm_amt_get(amt, &value, UINT64_MAX), FVM_ERR_RANGE);
        CHECK_ERR(fvm_amt_delete(amt, &existed, UINT64_MAX), FVM_ERR_RANGE);
        CHECK_ERR(fvm_amt_get(amt, &value, FVM_AMT_INDEX_MAX), FVM_ERR_NOT_FOUND);
        for (size_t i = 0; i < FVM_COUNT(indexes); i++) set(amt, indexes[i], i);
        fvm_cid root = flush(amt);
        fvm_amt_free(amt);
        CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
        CHECK(fvm_amt_count(amt) == FVM_COUNT(indexes));
        for (size_t i = 0; i < FVM_COUNT(indexes); i++) CHECK(get(amt, indexes[i]) == i);
        CHECK_ERR(fvm_amt_get(amt, &value, 2), FVM_ERR_NOT_FOUND);
        for (size_t i = 0; i < FVM_COUNT(indexes); i++) delete (amt, indexes[i]);
        CHECK(fvm_amt_count(amt) == 0);
        fvm_amt *fresh = empty(&bs, width);
        fvm_cid want = flush(fresh), got = flush(amt);
        CHECK(fvm_cid_eq(&want, &got));
        fvm_amt_free(fresh);
        fvm_amt_free(amt);
    }
    fvm_blockstore_free(&bs);
}

TEST(amt_deleting_what_is_not_there_changes_nothing)
{
    fvm_blockstore bs = memory();
    fvm_amt *amt = empty(&bs, 3);
    bool existed = true;
    set(amt, 3, 1);
    CHECK_OK(fvm_amt_delete(amt, &existed, 4));
    CHECK(!existed);
    existed = true;
    CHECK_OK(fvm_amt_delete(amt, &existed, 1000));
    CHECK(!existed && fvm_amt_count(amt) == 1);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}

static fvm_err append_index(void *ctx, uint64_t index, fvm_bytes value)
{
    (void)value;
    return fvm_buf_append(ctx, (fvm_bytes){ (const uint8_t *)&index, sizeof index });
}

static fvm_err stop(void *ctx, uint64_t index, fvm_bytes value)
{
    (void)value;
    return index == *(uint64_t *)ctx ? FVM_ERR_INVALID : FVM_OK;
}

TEST(amt_each_goes_in_order_and_stops)
{
    static const uint64_t indexes[] = { 0, 7, 8, 511, 512, 100000 };
    fvm_blockstore bs = memory();
    fvm_amt *amt = empty(&bs, 3);
    for (size_t i = FVM_COUNT(indexes); i-- > 0;) set(amt, indexes[i], i);
    fvm_cid root = flush(amt);
    for (int fresh = 0; fresh < 2; fresh++) {
        fvm_buf seen;
        fvm_buf_init(&seen, NULL);
        CHECK_OK(fvm_amt_each(amt, append_index, &seen));
        CHECK_BYTES(fvm_buf_bytes(&seen),
                    ((fvm_bytes){ (const uint8_t *)indexes, sizeof indexes }));
        uint64_t last = 511;
        CHECK_ERR(fvm_amt_each(amt, stop, &last), FVM_ERR_INVALID);
        fvm_buf_deinit(&seen);
        fvm_amt_free(amt);
        if (fresh == 0) CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
    }
    fvm_blockstore_free(&bs);
}

#define LINK                                                                                       \
    "d82a58270001"                                                                                 \
    "71a0e40220"                                                                                   \
    "45b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"

TEST(amt_load_refuses)
{
    static const struct {
        const char *why, *hex;
    } refused[] = {
        { "not a tuple", "80" },
        { "three items", "830300008341008080" },
        { "bytes behind the root", "8403000083410080"
                                   "8000" },
        { "bit width 0", "84000000834100"
                         "8080" },
        { "bit width 19", "8413000083410080"
                          "80" },
        { "bit width in eight bytes", "841b0000000000000003"
                                      "000083410080"
                                      "80" },
        { "height 65", "8403184100834100"
                       "8080" },
        { "bitmap too short", "840500008343000000"
                              "8080" },
        { "bitmap too long", "840300008342"
                             "00008080" },
        { "fewer values than bits", "8403000283410380"
                                    "8101" },
        { "more values than bits", "8403000283410180"
                                   "820101" },
        { "links and values", "84030101834101"
                              "81" LINK "8101" },
        { "values missing", "84030001834101"
                            "8081" },
        { "a link that is not one", "84030101834101"
                                    "8101"
                                    "80" },
        { "a value with tag 43", "84030001834101"
                                 "8081"
                                 "d82b00" },
    };
    fvm_blockstore bs = memory();
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint8_t room[256];
        fvm_cid root;
        fvm_amt *amt;
        fvm_bytes block = test_hex(room, sizeof room, refused[i].hex);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, block));
        CHECK_AT(refused[i].why, fvm_amt_load(&amt, &bs, &root, NULL) == FVM_ERR_BAD_STATE);
    }
    fvm_cid absent = cid_of_hex("00");
    fvm_amt *amt;
    CHECK_ERR(fvm_amt_load(&amt, &bs, &absent, NULL), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm_amt_new(&amt, &bs, 0, NULL), FVM_ERR_INVALID);
    CHECK_ERR(fvm_amt_new(&amt, &bs, 19, NULL), FVM_ERR_INVALID);
    fvm_blockstore_free(&bs);
}

TEST(amt_refuses_links_and_values_at_the_wrong_height)
{
    static const char *const roots[] = {
        "84030101834101"
        "8081"
        "01", /* values at height 1 */
        "84030001834101"
        "81" LINK "80", /* links at height 0 */
        "84030201834101"
        "81" LINK "80", /* the child is not a node */
    };
    fvm_blockstore bs = memory();
    CHECK_OK(fvm_blockstore_put(&bs, &(fvm_cid){ 0 }, FVM_BYTES(0))); /* a stray block */
    fvm_cid child;
    CHECK_OK(fvm_blockstore_put_new(&bs, &child, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80)));
    for (size_t i = 0; i < FVM_COUNT(roots); i++) {
        uint8_t room[256];
        fvm_cid root;
        fvm_amt *amt;
        fvm_bytes value;
        fvm_buf seen;
        fvm_buf_init(&seen, NULL);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR,
                                        test_hex(room, sizeof room, roots[i])));
        CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
        CHECK_ERR(fvm_amt_get(amt, &value, 0), FVM_ERR_BAD_STATE);
        CHECK_ERR(fvm_amt_set(amt, 0, FVM_BYTES(1)), FVM_ERR_BAD_STATE);
        CHECK_ERR(fvm_amt_delete(amt, NULL, 0), FVM_ERR_BAD_STATE);
        CHECK_ERR(fvm_amt_each(amt, append_index, &seen), FVM_ERR_BAD_STATE);
        fvm_buf_deinit(&seen);
        fvm_amt_free(amt);
    }
    fvm_blockstore_free(&bs);
}

static fvm_err use_everything(const fvm_allocator *alloc, void *ctx)
{
    static const uint64_t indexes[] = { 3, 9, 0, 70, 4, 1000, 71, 1u << 20 };
    const fvm_blockstore *bs = ctx;
    fvm_amt *amt = NULL;
    fvm_cid root;
    fvm_err err = fvm_amt_new(&amt, bs, 2, alloc);
    if (err != FVM_OK) return err;
    for (size_t i = 0; err == FVM_OK && i < FVM_COUNT(indexes); i++)
        err = fvm_amt_set(amt, indexes[i], FVM_BYTES(0x18, (uint8_t)i));
    if (err == FVM_OK) err = fvm_amt_flush(amt, &root);
    fvm_amt_free(amt);
    if (err != FVM_OK) return err;
    err = fvm_amt_load(&amt, bs, &root, alloc);
    if (err != FVM_OK) return err;
    for (size_t i = FVM_COUNT(indexes); err == FVM_OK && i-- > 0;)
        err = fvm_amt_delete(amt, NULL, indexes[i]);
    fvm_amt_free(amt);
    return err;
}

TEST(amt_survives_each_failing_allocation)
{
    fvm_blockstore bs = memory();
    test_each_allocation_fails(use_everything, &bs);
    fvm_blockstore_free(&bs);
}

/* Empty nodes below the root hold nothing, but a few of them could keep an iteration busy for ever. */
TEST(amt_refuses_empty_nodes_below_the_root)
{
    fvm_blockstore bs = memory();
    fvm_cid child, root;
    fvm_amt *amt;
    fvm_bytes value;
    fvm_buf block;
    fvm_buf_init(&block, NULL);
    CHECK_OK(fvm_blockstore_put_new(&bs, &child, FVM_CODEC_DAG_CBOR,
                                    FVM_BYTES(0x83, 0x41, 0x00, 0x80, 0x80)));
    CHECK_OK(fvm_buf_append(&block, FVM_BYTES(0x84, 0x03, 0x01, 0x01, 0x83, 0x41, 0x01, 0x81)));
    CHECK_OK(fvm_cbor_put_cid(&block, &child));
    CHECK_OK(fvm_cbor_put_array(&block, 0));
    CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block)));
    CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
    CHECK_ERR(fvm_amt_get(amt, &value, 0), FVM_ERR_BAD_STATE);
    fvm_amt_free(amt);
    fvm_buf_deinit(&block);
    fvm_blockstore_free(&bs);
}

TEST(amt_ignores_bits_past_the_width)
{
    fvm_blockstore bs = memory();
    fvm_cid root;
    fvm_amt *amt;
    CHECK_OK(fvm_blockstore_put_new(
        &bs, &root, FVM_CODEC_DAG_CBOR,
        FVM_BYTES(0x84, 0x01, 0x00, 0x01, 0x83, 0x41, 0xfd, 0x80, 0x81, 0x09)));
    CHECK_OK(fvm_amt_load(&amt, &bs, &root, NULL));
    CHECK(get(amt, 0) == 9);
    set(amt, 1, 8);
    root = flush(amt);
    check_block(&bs, &root, "84 01 00 02 83 41 03 80 82 09 08", NULL);
    fvm_amt_free(amt);
    fvm_blockstore_free(&bs);
}
