#include "ipld/hamt.h"

#include "crypto/crypto.h"
#include "ipld_helpers.h"

#define EMPTY "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay"

static fvm_blockstore memory(void)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    return bs;
}

static fvm_hamt *empty(const fvm_blockstore *bs, unsigned bit_width)
{
    fvm_hamt *hamt;
    CHECK_OK(fvm_hamt_new(&hamt, bs, bit_width, NULL));
    return hamt;
}

static void set(fvm_hamt *hamt, fvm_bytes key, uint64_t value)
{
    uint8_t room[9];
    CHECK_OK(fvm_hamt_set(hamt, key, cbor_number(room, value)));
}

static void delete(fvm_hamt *hamt, fvm_bytes key)
{
    bool existed;
    CHECK_OK(fvm_hamt_delete(hamt, &existed, key));
    CHECK(existed);
}

static fvm_cid flush(fvm_hamt *hamt)
{
    fvm_cid root;
    CHECK_OK(fvm_hamt_flush(hamt, &root));
    return root;
}

TEST(hamt_example_1_empty)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 40 80", NULL);
    check_cid_text("empty", &root, EMPTY);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_example_2_one_address)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    set(hamt, FVM_BYTES(0x00, 0x64), 1);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 44 04000000 81 81 82 42 0064 01", NULL);
    check_cid_text("one", &root, "bafy2bzacec5pynf2il4hzn2vqbk632wl54yh5xlzad6m6jj7u2warm6bma5be");
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_example_3_four_slots)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    for (uint8_t i = 0; i < 4; i++) set(hamt, FVM_BYTES('k', (uint8_t)('0' + i)), i);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root,
                "82 44 04002021 84 81 82 426b32 02 81 82 426b33 03 81 82 426b31 01 81 82 426b30 00",
                NULL);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_examples_4_and_5_split_and_collapse)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    set(hamt, FVM_STR("0"), 0);
    set(hamt, FVM_STR("26"), 1);
    set(hamt, FVM_STR("28"), 2);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 42 0800 81 83 82 4130 00 82 423236 01 82 423238 02", NULL);

    set(hamt, FVM_STR("104"), 3);
    root = flush(hamt);
    static const char child_hex[] =
        "82 44 c8000080 84 81 82 423238 02 81 82 43313034 03 81 82 423236 01 81 82 4130 00";
    uint8_t child_bytes[64];
    fvm_cid child = fvm_cid_of(FVM_CODEC_DAG_CBOR,
                               test_hex(child_bytes, sizeof child_bytes,
                                        "8244c80000808481824232380281824331303403818242323601818241"
                                        "3000"));
    check_block(&bs, &child, child_hex, NULL);
    check_block(&bs, &root, "82 42 0800 81 L0", &child);
    check_cid_text("split", &root,
                   "bafy2bzacec7d223ory4yqhwv4fib4znyjclqeki5ksxq52feiehfjgpev526a");

    /* and again with everything read back from the store */
    fvm_hamt *again;
    CHECK_OK(fvm_hamt_load(&again, &bs, &root, 5, NULL));
    delete (again, FVM_STR("0"));
    delete (hamt, FVM_STR("0"));
    static const char collapsed[] = "82 42 0800 81 83 82 43313034 03 82 423236 01 82 423238 02";
    root = flush(hamt);
    check_block(&bs, &root, collapsed, NULL);
    root = flush(again);
    check_block(&bs, &root, collapsed, NULL);

    delete (again, FVM_STR("26"));
    delete (again, FVM_STR("28"));
    delete (again, FVM_STR("104"));
    root = flush(again);
    check_cid_text("empty again", &root, EMPTY);
    fvm_hamt_free(hamt);
    fvm_hamt_free(again);
    fvm_blockstore_free(&bs);
}

TEST(hamt_get_and_absent_keys)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    fvm_bytes value;
    bool existed = true;
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_STR("a")), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_hamt_delete(hamt, &existed, FVM_STR("a")));
    CHECK(!existed);
    set(hamt, FVM_STR("a"), 500);
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x19, 0x01, 0xf4));
    set(hamt, FVM_STR("a"), 501); /* same length: in place */
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x19, 0x01, 0xf5));
    set(hamt, FVM_STR("a"), 1);
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x01));
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_writes_nothing_when_nothing_changed)
{
    faulty_store faulty = { .base = memory() };
    fvm_blockstore bs = { &faulty_ops, &faulty };
    fvm_hamt *hamt = empty(&bs, 5);
    for (uint8_t i = 0; i < 100; i++) set(hamt, FVM_BYTES(i), i);
    fvm_cid root = flush(hamt), again;
    fvm_hamt_free(hamt);
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    faulty.writes = 0;
    bool done = true;
    set(hamt, FVM_BYTES(7), 7); /* as it was */
    CHECK_OK(fvm_hamt_set_if_absent(hamt, &done, FVM_BYTES(8), FVM_BYTES(0x18, 0x63)));
    CHECK(!done);
    CHECK_OK(fvm_hamt_delete(hamt, NULL, FVM_STR("absent")));
    again = flush(hamt);
    CHECK(faulty.writes == 0 && fvm_cid_eq(&root, &again));

    CHECK_OK(fvm_hamt_set_if_absent(hamt, &done, FVM_BYTES(200), FVM_BYTES(0x00)));
    CHECK(done);
    again = flush(hamt);
    CHECK(faulty.writes >= 1 && faulty.writes <= 3 && !fvm_cid_eq(&root, &again));
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&faulty.base);
}

static fvm_err append_key(void *ctx, fvm_bytes key, fvm_bytes value)
{
    (void)value;
    return fvm_buf_append(ctx, key);
}

static fvm_err stop_at_once(void *ctx, fvm_bytes key, fvm_bytes value)
{
    (void)key, (void)value;
    ++*(size_t *)ctx;
    return FVM_ERR_INVALID;
}

TEST(hamt_each_goes_by_slot_then_key_and_stops)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    for (uint8_t i = 0; i < 4; i++) set(hamt, FVM_BYTES('k', (uint8_t)('0' + i)), i);
    set(hamt, FVM_STR("28"), 0); /* slot 11, as are 26 and 0 */
    set(hamt, FVM_STR("26"), 0);
    set(hamt, FVM_STR("0"), 0);
    set(hamt, FVM_STR("104"), 0);
    fvm_cid root = flush(hamt);
    for (int fresh = 0; fresh < 2; fresh++) {
        fvm_buf seen;
        size_t calls = 0;
        fvm_buf_init(&seen, NULL);
        CHECK_OK(fvm_hamt_each(hamt, append_key, &seen));
        CHECK_BYTES(fvm_buf_bytes(&seen), FVM_STR("k2k328104260k1k0"));
        CHECK_ERR(fvm_hamt_each(hamt, stop_at_once, &calls), FVM_ERR_INVALID);
        CHECK(calls == 1);
        fvm_buf_deinit(&seen);
        fvm_hamt_free(hamt);
        if (fresh == 0) CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    }
    fvm_blockstore_free(&bs);
}

/* A link to the block `80`, which is no node. */
#define LINK                                                                                       \
    "d82a582700"                                                                                   \
    "0171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"
#define RAW_LINK                                                                                   \
    "d82a582700"                                                                                   \
    "0155a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"

TEST(hamt_load_refuses)
{
    static const struct {
        const char *why, *hex;
    } refused[] = {
        { "not a tuple", "80" },
        { "three items", "83408000" },
        { "bytes behind", "82408000" },
        { "bitfield is text", "826080" },
        { "bitfield of 33 bytes",
          "825821000000000000000000000000000000000000000000000000000000000000"
          "00000000"
          "80" },
        { "fewer pointers than bits", "82410381"
                                      "81824000" },
        { "more pointers than bits", "82410182"
                                     "81824000"
                                     "8182410000" },
        { "pointers missing", "82410181" },
        { "empty bucket", "8241018180" },
        { "bucket of four", "82410181"
                            "84"
                            "82410000"
                            "82410100"
                            "82410200"
                            "82410300" },
        { "keys unsorted", "82410181"
                           "82"
                           "82410100"
                           "82410000" },
        { "keys twice", "82410181"
                        "82"
                        "82410100"
                        "82410100" },
        { "a longer key first", "82410181"
                                "82"
                                "8242010000"
                                "82410100" },
        { "pointer is a number", "8241018100" },
        { "pointer is a map", "82410181a0" },
        { "bucket with masked head", "8241018101"
                                     "824000" },
        { "entry with masked head", "8241018181"
                                    "024000" },
        { "key with masked head", "8241018181"
                                  "820000" },
        { "key is text", "8241018181"
                         "826000" },
        { "entry of one", "8241018181"
                          "8140" },
        { "entry of three", "8241018181"
                            "83400000" },
        { "value with tag 43", "8241018181"
                               "8240d82b00" },
        { "value indefinite", "8241018181"
                              "82409fff" },
        { "link to a raw block", "82410181" RAW_LINK },
        { "indefinite node", "9f4080ff" },
        { "indefinite pointers", "82409fff" },
    };
    fvm_blockstore bs = memory();
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint8_t room[256];
        fvm_cid root;
        fvm_hamt *hamt;
        fvm_bytes block = test_hex(room, sizeof room, refused[i].hex);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, block));
        CHECK_AT(refused[i].why, fvm_hamt_load(&hamt, &bs, &root, 5, NULL) == FVM_ERR_BAD_STATE);
    }
    fvm_hamt *hamt;
    fvm_cid absent = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR("absent"));
    CHECK_ERR(fvm_hamt_load(&hamt, &bs, &absent, 5, NULL), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm_hamt_new(&hamt, &bs, 0, NULL), FVM_ERR_INVALID);
    CHECK_ERR(fvm_hamt_new(&hamt, &bs, 9, NULL), FVM_ERR_INVALID);
    fvm_blockstore_free(&bs);
}

TEST(hamt_load_accepts_what_the_reference_accepts)
{
    static const struct {
        const char *why, *hex;
    } accepted[] = {
        { "leading zeros in the bitfield", "82440000000181"
                                           "81824000" },
        { "bitfield in segments", "825f4101ff81"
                                  "81824000" },
        { "masked heads of node, bitfield and pointers", "02010101"
                                                         "81824000" },
        { "heads not minimal", "9802590001019801"
                               "9801"
                               "9802580000" },
        { "bits past the width", "824501000000"
                                 "0081"
                                 "81824000" },
    };
    fvm_blockstore bs = memory();
    for (size_t i = 0; i < FVM_COUNT(accepted); i++) {
        uint8_t room[256];
        fvm_cid root;
        fvm_hamt *hamt;
        fvm_bytes block = test_hex(room, sizeof room, accepted[i].hex);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, block));
        CHECK_AT(accepted[i].why, fvm_hamt_load(&hamt, &bs, &root, 5, NULL) == FVM_OK);
        fvm_hamt_free(hamt);
    }
    fvm_blockstore_free(&bs);
}

/* A byte whose place as a key is slot 0 of the root at width 5. */
static uint8_t key_of_slot_0(void)
{
    uint8_t key = 0, hash[32];
    do fvm_sha256(hash, (fvm_bytes){ &(uint8_t){ ++key }, 1 });
    while (hash[0] >> 3 != 0);
    return key;
}

TEST(hamt_node_in_an_odd_encoding_is_written_in_ours_when_it_changes)
{
    static const struct {
        const char *why, *head, *tail; /* around the key */
    } odd[] = {
        { "as it should be", "82410181818241", "01" },
        { "leading zeros in the bitfield", "82440000000181818241", "01" },
        { "bitfield in segments", "825f4101ff81818241", "01" },
        { "masked heads of node, bitfield and pointers", "02010101818241", "01" },
        { "head of the node", "9802410181818241", "01" },
        { "head of the bitfield", "8258010181818241", "01" },
        { "head of the pointers", "8241019801818241", "01" },
        { "head of the bucket", "8241018198018241", "01" },
        { "head of the entry", "8241018181980241", "01" },
        { "head of the key", "8241018181825801", "01" },
    };
    uint8_t key = key_of_slot_0(), room[64];
    char text[64];
    fvm_blockstore bs = memory();
    for (size_t i = 0; i < FVM_COUNT(odd); i++) {
        fvm_cid root;
        fvm_hamt *hamt;
        (void)snprintf(text, sizeof text, "%s%02x%s", odd[i].head, key, odd[i].tail);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR,
                                        test_hex(room, sizeof room, text)));
        CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
        set(hamt, (fvm_bytes){ &key, 1 }, 2);
        root = flush(hamt);
        (void)snprintf(text, sizeof text, "82410181818241%02x02", key);
        check_block(&bs, &root, text, NULL);
        fvm_hamt_free(hamt);
    }
    fvm_blockstore_free(&bs);
}

/* Values of the same length and of another are set in a trie that was read, again and again: what is
 * written is what a trie made of the last values alone would be. */
TEST(hamt_changed_in_place_is_the_same_as_one_made_anew)
{
    enum { KEYS = 3000, ROUNDS = 6 };
    fvm_blockstore bs = memory();
    static uint64_t values[KEYS];
    test_rng rng = { 9 };
    fvm_hamt *hamt = empty(&bs, 5);
    for (unsigned i = 0; i < KEYS; i++) set(hamt, FVM_BYTES((uint8_t)i, (uint8_t)(i >> 8)), 0);
    memset(values, 0, sizeof values);
    fvm_cid root = flush(hamt);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % 2 == 0) { /* every other round on what is in memory */
            fvm_hamt_free(hamt);
            CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
        }
        for (unsigned k = 0; k < 400; k++) {
            size_t i = test_rng_below(&rng, KEYS);
            values[i] = test_rng_below(&rng, round < 4 ? 24 : 1000);
            set(hamt, FVM_BYTES((uint8_t)i, (uint8_t)(i >> 8)), values[i]);
        }
        root = flush(hamt);
        fvm_hamt *anew = empty(&bs, 5);
        for (unsigned i = 0; i < KEYS; i++)
            set(anew, FVM_BYTES((uint8_t)i, (uint8_t)(i >> 8)), values[i]);
        fvm_cid expected = flush(anew);
        CHECK(fvm_cid_eq(&root, &expected));
        fvm_hamt_free(anew);
    }
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_broken_children_are_met_when_they_are_needed)
{
    /* slot 11 ("0") leads to a block that is no node, slot 26 (address f0100) to none at all */
    fvm_blockstore bs = memory();
    uint8_t room[256];
    fvm_cid root, child;
    fvm_hamt *hamt;
    fvm_bytes value;
    size_t calls = 0;
    CHECK_OK(fvm_blockstore_put_new(&bs, &child, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80)));
    fvm_bytes block = test_hex(room, sizeof room,
                               "824404000800"
                               "82" LINK "d82a5827000171a0e40220"
                               "0000000000000000000000000000000000000000000000000000000000000000");
    CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, block));
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_STR("k1")), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_STR("0")), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_hamt_set(hamt, FVM_STR("0"), FVM_BYTES(0)), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_hamt_delete(hamt, NULL, FVM_STR("0")), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_BYTES(0, 0x64)), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm_hamt_each(hamt, stop_at_once, &calls), FVM_ERR_BAD_STATE);
    set(hamt, FVM_STR("k1"), 1); /* the rest can be used */
    (void)flush(hamt);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

/* A child of one key is not canonical. Deleting that key would leave it empty: an error, and the key
 * stays, as in the reference. */
TEST(hamt_child_of_one_key_cannot_lose_it)
{
    fvm_blockstore bs = memory();
    uint8_t room[64];
    fvm_cid root, child;
    fvm_hamt *hamt;
    fvm_bytes value;
    fvm_buf node;
    fvm_buf_init(&node, NULL);
    /* "0" hashes to 5feceb66: slots 11, 31 */
    CHECK_OK(fvm_blockstore_put_new(&bs, &child, FVM_CODEC_DAG_CBOR,
                                    test_hex(room, sizeof room,
                                             "8244800000008181824130"
                                             "05")));
    CHECK_OK(fvm_buf_append(&node, test_hex(room, sizeof room, "8242080081")));
    CHECK_OK(fvm_cbor_put_cid(&node, &child));
    CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&node)));
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    CHECK_ERR(fvm_hamt_delete(hamt, NULL, FVM_STR("0")), FVM_ERR_BAD_STATE);
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("0")));
    CHECK_BYTES(value, FVM_BYTES(5));
    fvm_cid same = flush(hamt);
    CHECK(fvm_cid_eq(&same, &root));
    fvm_buf_deinit(&node);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

static fvm_err use_everything(const fvm_allocator *alloc, void *ctx)
{
    const fvm_blockstore *bs = ctx;
    fvm_hamt *hamt = NULL;
    fvm_cid root;
    fvm_err err = fvm_hamt_new(&hamt, bs, 2, alloc);
    if (err != FVM_OK) return err;
    for (uint8_t i = 0; err == FVM_OK && i < 30; i++)
        err = fvm_hamt_set(hamt, FVM_BYTES(i), FVM_BYTES(0x18, i));
    for (uint8_t i = 0; err == FVM_OK && i < 28; i++)
        err = fvm_hamt_delete(hamt, NULL, FVM_BYTES(i));
    if (err == FVM_OK) err = fvm_hamt_flush(hamt, &root);
    fvm_hamt_free(hamt);
    if (err != FVM_OK) return err;
    err = fvm_hamt_load(&hamt, bs, &root, 2, alloc);
    if (err != FVM_OK) return err;
    for (uint8_t i = 0; err == FVM_OK && i < 10; i++)
        err = fvm_hamt_set(hamt, FVM_BYTES(i), FVM_BYTES(0x18, i));
    fvm_hamt_free(hamt);
    return err;
}

TEST(hamt_survives_each_failing_allocation)
{
    fvm_blockstore bs = memory();
    test_each_allocation_fails(use_everything, &bs);
    fvm_blockstore_free(&bs);
}

TEST(hamt_refuses_empty_nodes_below_the_root)
{
    fvm_blockstore bs = memory();
    fvm_cid child, root;
    fvm_hamt *hamt;
    fvm_bytes value;
    fvm_buf node;
    fvm_buf_init(&node, NULL);
    CHECK_OK(fvm_blockstore_put_new(&bs, &child, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x40, 0x80)));
    CHECK_OK(fvm_buf_append(&node, FVM_BYTES(0x82, 0x42, 0x08, 0x00, 0x81)));
    CHECK_OK(fvm_cbor_put_cid(&node, &child));
    CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&node)));
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_STR("0")), FVM_ERR_BAD_STATE);
    fvm_hamt_free(hamt);
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &child, 5, NULL)); /* as a root it is fine */
    fvm_hamt_free(hamt);
    fvm_buf_deinit(&node);
    fvm_blockstore_free(&bs);
}
