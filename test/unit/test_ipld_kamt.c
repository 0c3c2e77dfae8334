#include "ipld/kamt.h"

#include "ipld_helpers.h"

#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"

typedef struct key {
    uint8_t bytes[FVM_KAMT_KEY_LEN];
} key;

static key key_of(uint64_t n)
{
    key k = { { 0 } };
    fvm_store_be64(k.bytes + 24, n);
    return k;
}

/* 2^255 */
static key top(void)
{
    key k = { { 0x80 } };
    return k;
}

static fvm_blockstore memory(void)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    return bs;
}

static fvm_kamt *empty(const fvm_blockstore *bs)
{
    fvm_kamt *kamt;
    CHECK_OK(fvm_kamt_new(&kamt, bs, 5, NULL));
    return kamt;
}

/* A u256 as a CBOR item: bytes without leading zeros. */
static void set(fvm_kamt *kamt, key k, key value)
{
    fvm_buf item;
    size_t zeros = 0;
    while (zeros < 32 && value.bytes[zeros] == 0) zeros++;
    fvm_buf_init(&item, NULL);
    CHECK_OK(fvm_cbor_put_bytes(&item, (fvm_bytes){ value.bytes + zeros, 32 - zeros }));
    CHECK_OK(fvm_kamt_set(kamt, k.bytes, fvm_buf_bytes(&item)));
    fvm_buf_deinit(&item);
}

static void delete(fvm_kamt *kamt, key k)
{
    bool existed;
    CHECK_OK(fvm_kamt_delete(kamt, &existed, k.bytes));
    CHECK(existed);
}

static fvm_cid flush(fvm_kamt *kamt)
{
    fvm_cid root;
    CHECK_OK(fvm_kamt_flush(kamt, &root));
    return root;
}

static fvm_cid cid_of_hex(const char *hex)
{
    uint8_t room[512];
    return fvm_cid_of(FVM_CODEC_DAG_CBOR, test_hex(room, sizeof room, hex));
}

/* The blocks of examples 1 to 5; L0 is C, L1 is D, L2 is E. */
#define EXAMPLE_EMPTY "82 40 80"
#define EXAMPLE_1 "82 41 01 81 a1 6176 81 82 40 42 1234"
#define EXAMPLE_2 "82 41 01 81 a1 616c 83 L0 18fa 5820" ZERO32
#define BLOCK_C "82 41 03 82 a1 6176 81 82 40 42 1234 a1 6176 81 82 4101 4101"
#define BLOCK_D "82 41 03 82 a1 616c 83 L0 00 40 a1 6176 81 82 4102 42 0100"
#define EXAMPLE_3                                                                                  \
    "82 41 01 81 a1 616c 83 L1 18f5 581f"                                                          \
    "00000000000000000000000000000000000000000000000000000000000000"
#define TOP_VALUE                                                                                  \
    "a1 6176 81 82 5820 8000000000000000000000000000000000000000000000000000000000000000"          \
    "5820 8000000000000000000000000000000000000000000000000000000000000000"
#define EXAMPLE_4                                                                                  \
    "82 43 010001 82 a1 616c 83 L1 18f5 581f"                                                      \
    "00000000000000000000000000000000000000000000000000000000000000" TOP_VALUE
#define BLOCK_E "82 41 11 82 a1 616c 83 L1 00 40 a1 6176 81 82 42 0100 4103"
#define EXAMPLE_5                                                                                  \
    "82 43 010001 82 a1 616c 83 L2 18f0 581e"                                                      \
    "000000000000000000000000000000000000000000000000000000000000" TOP_VALUE

static void compact(char *out, const char *hex)
{
    for (; *hex; hex++)
        if (*hex != ' ') *out++ = *hex;
    *out = 0;
}

/* C, D and E, whose CIDs follow from their bytes. */
static void example_links(fvm_cid links[3])
{
    char hex[512], link[128] = "d82a5827000171a0e40220", *p;
    static const char *const blocks[] = { BLOCK_C, BLOCK_D, BLOCK_E };
    for (size_t i = 0; i < 3; i++) {
        char text[512];
        compact(hex, blocks[i]);
        if ((p = strchr(hex, 'L'))) { /* put the link's hex in */
            for (size_t j = 0; j < 32; j++)
                snprintf(link + 22 + 2 * j, 3, "%02x", links[p[1] - '0'].digest[j]);
            snprintf(text, sizeof text, "%.*s%s%s", (int)(p - hex), hex, link, p + 2);
        } else {
            snprintf(text, sizeof text, "%s", hex);
        }
        links[i] = cid_of_hex(text);
    }
}

/* Values 0, 1, 2, 2^255, 256, as the examples set them one after the other, and take them away again;
 * with the trie kept (how 0), flushed and kept (1), or read back each time (2). */
TEST(kamt_examples_1_to_5_forth_and_back)
{
    static const char *const blocks[] = { EXAMPLE_EMPTY, EXAMPLE_1, EXAMPLE_2,
                                          EXAMPLE_3,     EXAMPLE_4, EXAMPLE_5 };
    static const char *const texts[] = {
        NULL,
        "bafy2bzacedvccd7t32sias5jokx7ps63or667jogrtn22cwumm4etnzsotmoq",
        "bafy2bzacedkij65vr4gchssdattrk2towlforsklwmjepq5eajsaaqlrajtnm",
        "bafy2bzacebdmiewgjgzs3zf4djlnmpwfr33naapk4erdimzaikljao3nv2twi",
        NULL,
        NULL,
    };
    const key keys[] = { key_of(0), key_of(1), key_of(2), top(), key_of(256) };
    const key values[] = { key_of(0x1234), key_of(1), key_of(0x100), top(), key_of(3) };
    fvm_cid links[3];
    example_links(links);
    for (int how = 0; how < 3; how++) {
        fvm_blockstore bs = memory();
        fvm_kamt *kamt = empty(&bs);
        for (size_t step = 0; step <= 10; step++) {
            size_t holds = step <= 5 ? step : 10 - step;
            if (step > 0 && step <= 5) set(kamt, keys[step - 1], values[step - 1]);
            if (step > 5) delete (kamt, keys[holds]);
            if (how == 0 && step != 5 && step != 10) continue;
            fvm_cid root = flush(kamt);
            check_block(&bs, &root, blocks[holds], links);
            if (texts[holds]) check_cid_text("example", &root, texts[holds]);
            if (how < 2) continue;
            fvm_kamt_free(kamt);
            CHECK_OK(fvm_kamt_load(&kamt, &bs, &root, 5, NULL));
        }
        fvm_kamt_free(kamt);
        fvm_blockstore_free(&bs);
    }
}

TEST(kamt_example_6_a_link_to_the_largest_keys)
{
    fvm_blockstore bs = memory();
    fvm_kamt *kamt = empty(&bs);
    key max, less;
    fvm_buf out;
    memset(max.bytes, 0xff, 32);
    less = max;
    less.bytes[31] = 0xfe;
    set(kamt, key_of(1), key_of(1));
    set(kamt, key_of(2), key_of(2));
    set(kamt, max, max);
    set(kamt, less, less);
    fvm_cid root = flush(kamt);
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_blockstore_get(&bs, &out, &root));
    uint8_t head[8], tail[40];
    CHECK_BYTES(((fvm_bytes){ out.ptr, 6 }), test_hex(head, sizeof head, "824480000001"));
    fvm_bytes want = test_hex(tail, sizeof tail,
                              "18fa5820"
                              "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc0");
    CHECK_BYTES(((fvm_bytes){ out.ptr + out.len - want.len, want.len }), want);
    fvm_buf_deinit(&out);
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&bs);
}

TEST(kamt_get_set_delete)
{
    fvm_blockstore bs = memory();
    fvm_kamt *kamt = empty(&bs);
    fvm_bytes value;
    bool existed = true;
    CHECK_ERR(fvm_kamt_get(kamt, &value, key_of(7).bytes), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_kamt_delete(kamt, &existed, key_of(7).bytes));
    CHECK(!existed);
    set(kamt, key_of(7), key_of(1));
    set(kamt, key_of(7), key_of(2));
    CHECK_OK(fvm_kamt_get(kamt, &value, key_of(7).bytes));
    CHECK_BYTES(value, FVM_BYTES(0x41, 0x02));
    CHECK_ERR(fvm_kamt_get(kamt, &value, key_of(6).bytes), FVM_ERR_NOT_FOUND);
    set(kamt, key_of(8), key_of(2)); /* a link that skips: the key of another path is not found */
    CHECK_ERR(fvm_kamt_get(kamt, &value, key_of(1000).bytes), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_kamt_delete(kamt, &existed, key_of(1000).bytes));
    CHECK(!existed);
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&bs);
}

TEST(kamt_writes_nothing_when_nothing_changed)
{
    faulty_store faulty = { .base = memory() };
    fvm_blockstore bs = { &faulty_ops, &faulty };
    fvm_kamt *kamt = empty(&bs);
    for (uint64_t i = 0; i < 100; i++) set(kamt, key_of(i * i), key_of(i));
    fvm_cid root = flush(kamt), again;
    fvm_kamt_free(kamt);
    CHECK_OK(fvm_kamt_load(&kamt, &bs, &root, 5, NULL));
    faulty.writes = 0;
    set(kamt, key_of(49), key_of(7));
    CHECK_OK(fvm_kamt_delete(kamt, NULL, key_of(50).bytes));
    again = flush(kamt);
    CHECK(faulty.writes == 0 && fvm_cid_eq(&root, &again));
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&faulty.base);
}

#define LINK                                                                                       \
    "d82a582700"                                                                                   \
    "0171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"
#define RAW_LINK                                                                                   \
    "d82a582700"                                                                                   \
    "0155a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"

static fvm_err load_hex(const fvm_blockstore *bs, fvm_kamt **out, const char *hex)
{
    uint8_t room[512];
    fvm_cid root;
    CHECK_OK(
        fvm_blockstore_put_new(bs, &root, FVM_CODEC_DAG_CBOR, test_hex(room, sizeof room, hex)));
    return fvm_kamt_load(out, bs, &root, 5, NULL);
}

TEST(kamt_load_refuses)
{
    static const struct {
        const char *why, *hex;
    } refused[] = {
        { "not a tuple", "80" },
        { "bytes behind", "82408000" },
        { "fewer pointers than bits", "82410381"
                                      "a1617681824000" },
        { "pointers missing", "82410181" },
        { "empty bucket", "82410181"
                          "a1617680" },
        { "bucket of two", "82410181"
                           "a161768282400082410000" },
        { "unknown name", "82410181"
                          "a1617881824000" },
        { "map of two", "82410181"
                        "a2617681824000617681824000" },
        { "map head not minimal", "82410181"
                                  "b801617681824000" },
        { "pointer is an array", "82410181"
                                 "81824000" },
        { "key of 33 bytes", "82410181"
                             "a161768182"
                             "5821" ZERO32 "00"
                             "00" },
        { "link to a raw block", "82410181"
                                 "a1616c83" RAW_LINK "0040" },
        { "skip is no multiple of the width", "82410181"
                                              "a1616c83" LINK "044100" },
        { "skip of 255", "82410181"
                         "a1616c83" LINK "18ff5820" ZERO32 },
        { "skip in eight bytes", "82410181"
                                 "a1616c83" LINK "1b000000000000000540" },
        { "path shorter than its bits", "82410181"
                                        "a1616c83" LINK "0a4100" },
        { "path of 33 bytes", "82410181"
                              "a1616c83" LINK "055821" ZERO32 "00" },
    };
    fvm_blockstore bs = memory();
    fvm_kamt *kamt;
    for (size_t i = 0; i < FVM_COUNT(refused); i++)
        CHECK_AT(refused[i].why, load_hex(&bs, &kamt, refused[i].hex) == FVM_ERR_BAD_STATE);
    fvm_cid absent = cid_of_hex("00");
    CHECK_ERR(fvm_kamt_load(&kamt, &bs, &absent, 5, NULL), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm_kamt_new(&kamt, &bs, 0, NULL), FVM_ERR_INVALID);
    CHECK_ERR(fvm_kamt_new(&kamt, &bs, 9, NULL), FVM_ERR_INVALID);
    fvm_blockstore_free(&bs);
}

TEST(kamt_load_accepts_what_the_reference_accepts)
{
    static const struct {
        const char *why, *hex;
    } accepted[] = {
        { "skip of 250", "82410181"
                         "a1616c83" LINK "18fa5820" ZERO32 },
        { "spare bits and bytes in the path", "82410181"
                                              "a1616c83" LINK "0542ffff" },
        { "masked heads", "02410101"
                          "a101760102"
                          "0000" },
        { "a pointer without its map", "82410181"
                                       "617681824000" },
        { "key with leading zeros", "82410181"
                                    "a161768182"
                                    "420000"
                                    "00" },
        { "key in segments", "82410181"
                             "a161768182"
                             "5f41004100ff"
                             "00" },
    };
    fvm_blockstore bs = memory();
    fvm_kamt *kamt;
    for (size_t i = 0; i < FVM_COUNT(accepted); i++) {
        CHECK_AT(accepted[i].why, load_hex(&bs, &kamt, accepted[i].hex) == FVM_OK);
        fvm_kamt_free(kamt);
    }
    /* what was not looked at is written back as it was, even next to a change */
    CHECK_OK(load_hex(&bs, &kamt, accepted[1].hex));
    set(kamt, top(), key_of(1));
    fvm_cid root = flush(kamt);
    fvm_cid link = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80));
    check_block(&bs, &root,
                "82 43 010001 82 a1 616c 83 L0 05 42ffff a1 6176 81 82 5820"
                "8000000000000000000000000000000000000000000000000000000000000000 4101",
                &link);
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&bs);
}

/* A key in a slot that is not its own: it is found nowhere, and cannot be told from the right one. */
TEST(kamt_key_in_the_wrong_slot)
{
    fvm_blockstore bs = memory();
    fvm_kamt *kamt;
    fvm_bytes value;
    /* slot 0 holds 2^255, which belongs to slot 16 but agrees with key 0 from there on */
    CHECK_OK(load_hex(&bs, &kamt,
                      "82410181"
                      "a161768182"
                      "5820"
                      "8000000000000000000000000000000000000000000000000000000000000000"
                      "05"));
    CHECK_ERR(fvm_kamt_get(kamt, &value, top().bytes), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_kamt_set(kamt, key_of(0).bytes, FVM_BYTES(1)), FVM_ERR_BAD_STATE);
    set(kamt, key_of(1), key_of(1));
    CHECK_OK(fvm_kamt_get(kamt, &value, key_of(1).bytes));
    fvm_kamt_free(kamt);
    fvm_blockstore_free(&bs);
}

static fvm_err use_everything(const fvm_allocator *alloc, void *ctx)
{
    static const uint64_t numbers[] = { 0, 1, 2, 256, 1u << 20, 257, 3, 1u << 30 };
    const fvm_blockstore *bs = ctx;
    fvm_kamt *kamt = NULL;
    fvm_cid root;
    FVM_TRY(fvm_kamt_new(&kamt, bs, 5, alloc));
    fvm_err err = FVM_OK;
    for (size_t i = 0; err == FVM_OK && i < FVM_COUNT(numbers); i++)
        err = fvm_kamt_set(kamt, key_of(numbers[i]).bytes, FVM_BYTES(0x41, (uint8_t)i));
    if (err == FVM_OK) err = fvm_kamt_flush(kamt, &root);
    fvm_kamt_free(kamt);
    if (err != FVM_OK) return err;
    FVM_TRY(fvm_kamt_load(&kamt, bs, &root, 5, alloc));
    for (size_t i = 0; err == FVM_OK && i < FVM_COUNT(numbers); i++) {
        err = fvm_kamt_set(kamt, key_of(numbers[i] ^ 4).bytes, FVM_BYTES(0x41, (uint8_t)i));
        if (err == FVM_OK) err = fvm_kamt_delete(kamt, NULL, key_of(numbers[i]).bytes);
    }
    fvm_kamt_free(kamt);
    return err;
}

TEST(kamt_survives_each_failing_allocation)
{
    fvm_blockstore bs = memory();
    test_each_allocation_fails(use_everything, &bs);
    fvm_blockstore_free(&bs);
}

/* At width 8 whole indexes fill the key: a link must leave one. */
TEST(kamt_links_leave_an_index_of_the_key)
{
    fvm_blockstore bs = memory();
    static const struct {
        const char *hex;
        fvm_err err;
    } roots[] = {
        { "82410181"
          "a1616c83" LINK "18f0"
          "581e"
          "000000000000000000000000000000000000000000000000000000000000",
          FVM_OK },
        { "82410181"
          "a1616c83" LINK "18f8"
          "581f"
          "00000000000000000000000000000000000000000000000000000000000000",
          FVM_ERR_BAD_STATE },
    };
    for (size_t i = 0; i < FVM_COUNT(roots); i++) {
        uint8_t room[128];
        fvm_cid root;
        fvm_kamt *kamt = NULL;
        fvm_bytes block = test_hex(room, sizeof room, roots[i].hex);
        CHECK_OK(fvm_blockstore_put_new(&bs, &root, FVM_CODEC_DAG_CBOR, block));
        CHECK_ERR(fvm_kamt_load(&kamt, &bs, &root, 8, NULL), roots[i].err);
        fvm_kamt_free(kamt);
    }
    fvm_blockstore_free(&bs);
}
