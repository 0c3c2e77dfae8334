/* DAG-JSON both ways: examples, what is refused, and round trips. */
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "test.h"

#include <locale.h>

#define LINK "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay"

static const struct {
    const char *json, *cbor;
} examples[] = {
    { "0", "00" },
    { "23", "17" },
    { "18446744073709551615", "1bffffffffffffffff" },
    { "-1", "20" },
    { "-9223372036854775809", "3b8000000000000000" },
    { "-18446744073709551616", "3bffffffffffffffff" },
    { "1.5", "fb3ff8000000000000" },
    { "-0.0", "fb8000000000000000" },
    { "1.0", "fb3ff0000000000000" },
    { "0.1", "fb3fb999999999999a" },
    { "5e-324", "fb0000000000000001" },
    { "1.7976931348623157e+308", "fb7fefffffffffffff" },
    { "true", "f5" },
    { "false", "f4" },
    { "null", "f6" },
    { "\"\"", "60" },
    { "\"a\\\"b\\\\c\\n\\u0001\\u007f\"", "686122625c630a017f" },
    { "[]", "80" },
    { "[1,[2,3],\"x\"]", "83018202036178" },
    { "{}", "a0" },
    { "{\"aa\":1,\"b\":2}", "a261620262616101" }, /* CBOR: by length first; JSON: by bytes */
    { "{\"/\":{\"bytes\":\"\"}}", "40" },
    { "{\"/\":{\"bytes\":\"AQ\"}}", "4101" },
    { "{\"/\":{\"bytes\":\"AQID\"}}", "43010203" },
    { "{\"/\":1}", "a1612f01" },
    { "{\"/\":\"x\",\"b\":1}", "a2612f6178616201" },
    { "{\"/\":{\"bytes\":1}}", "a1612fa165627974657301" },
    { "{\"/\":\"" LINK "\"}", "d82a5827000171a0e40220"
                              "18fe6acc61a3a36b0c373c4a3a8ea64b812bf2ca9b528050909c78d408558a0c" },
};

static void check_example(const char *json, const char *cbor)
{
    uint8_t room[256];
    fvm_buf out;
    fvm_bytes block = test_hex(room, sizeof room, cbor);
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_dagjson_read(&out, fvm_bytes_of(json), NULL));
    CHECK_HEX(fvm_buf_bytes(&out), cbor);
    out.len = 0;
    CHECK_OK(fvm_dagjson_write(&out, block, 0));
    CHECK_BYTES(fvm_buf_bytes(&out), fvm_bytes_of(json));
    fvm_buf_deinit(&out);
}

TEST(examples_read_and_write)
{
    for (size_t i = 0; i < FVM_COUNT(examples); i++)
        check_example(examples[i].json, examples[i].cbor);
}

static const struct {
    const char *json, *cbor;
} read_only[] = {
    { " [ 1 ,\t2 ]\r\n", "820102" },
    { "-0", "00" },
    { "1e2", "fb4059000000000000" },
    { "1E+2", "fb4059000000000000" },
    { "\"\\u00e9\\ud83d\\ude00\\/\"", "67c3a9f09f98802f" },
    { "{\"/\":{\"bytes\":\"AQ==\"}}", "4101" },
    { "{ \"b\" : 2 , \"aa\" : 1 }", "a261620262616101" },
};

TEST(other_spellings_read_to_the_canonical_block)
{
    for (size_t i = 0; i < FVM_COUNT(read_only); i++) {
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_dagjson_read(&out, fvm_bytes_of(read_only[i].json), NULL));
        CHECK_HEX(fvm_buf_bytes(&out), read_only[i].cbor);
        fvm_buf_deinit(&out);
    }
}

static const struct {
    const char *json;
    fvm_err err;
    size_t at;
} refused[] = {
    { "", FVM_ERR_TRUNCATED, 0 },
    { "[1,", FVM_ERR_TRUNCATED, 3 },
    { "[1 2]", FVM_ERR_MALFORMED, 3 },
    { "[1,]", FVM_ERR_MALFORMED, 3 },
    { "{\"a\":1,}", FVM_ERR_MALFORMED, 7 },
    { "{\"a\" 1}", FVM_ERR_MALFORMED, 5 },
    { "{a:1}", FVM_ERR_MALFORMED, 1 },
    { "{\"a\":1,\"a\":2}", FVM_ERR_MALFORMED, 13 },
    { "1 2", FVM_ERR_TRAILING, 2 },
    { "01", FVM_ERR_MALFORMED, 0 },
    { "+1", FVM_ERR_MALFORMED, 0 },
    { ".5", FVM_ERR_MALFORMED, 0 },
    { "1.", FVM_ERR_MALFORMED, 0 },
    { "1e", FVM_ERR_MALFORMED, 0 },
    { "-", FVM_ERR_MALFORMED, 0 },
    { "18446744073709551616", FVM_ERR_RANGE, 0 },
    { "-18446744073709551617", FVM_ERR_RANGE, 0 },
    { "-184467440737095516160", FVM_ERR_RANGE, 0 },
    { "1e999", FVM_ERR_RANGE, 0 },
    { "NaN", FVM_ERR_MALFORMED, 0 },
    { "tru", FVM_ERR_MALFORMED, 0 },
    { "\"abc", FVM_ERR_TRUNCATED, 4 },
    { "\"a\nb\"", FVM_ERR_MALFORMED, 2 },
    { "\"\\x\"", FVM_ERR_MALFORMED, 2 },
    { "\"\\ud800\"", FVM_ERR_MALFORMED, 7 },
    { "\"\\udc00\"", FVM_ERR_MALFORMED, 7 },
    { "\"\\ud800\\u0041\"", FVM_ERR_MALFORMED, 13 },
    { "\"\xff\"", FVM_ERR_MALFORMED, 3 },
    { "{\"/\":\"no CID\"}", FVM_ERR_MALFORMED, 14 },
    { "{\"/\":{\"bytes\":\"A\"}}", FVM_ERR_MALFORMED, 19 },
    { "{\"/\":{\"bytes\":\"A!==\"}}", FVM_ERR_MALFORMED, 22 },
    { "// comment\n1", FVM_ERR_MALFORMED, 0 },
};

TEST(what_is_no_dag_json_is_refused_with_the_place)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_buf out;
        size_t at = 999;
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_buf_append(&out, FVM_STR("before")));
        fvm_err err = fvm_dagjson_read(&out, fvm_bytes_of(refused[i].json), &at);
        CHECK_AT(refused[i].json, err == refused[i].err);
        CHECK_AT(refused[i].json, at == refused[i].at);
        CHECK(out.len == 6);
        fvm_buf_deinit(&out);
    }
}

static const struct {
    const char *why, *cbor;
    fvm_err err;
} unwritable[] = {
    { "nothing", "", FVM_ERR_TRUNCATED },
    { "two items", "0101", FVM_ERR_TRAILING },
    { "reads as a link", "a1612f6178", FVM_ERR_INVALID },
    { "reads as bytes", "a1612fa16562797465736161", FVM_ERR_INVALID },
    { "duplicate key", "a2616101616102", FVM_ERR_MALFORMED },
    { "key that is no text", "a1010101", FVM_ERR_MALFORMED },
    { "undefined", "f7", FVM_ERR_MALFORMED },
};

TEST(what_dag_json_cannot_say_is_not_written)
{
    for (size_t i = 0; i < FVM_COUNT(unwritable); i++) {
        uint8_t room[64];
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        fvm_bytes block = test_hex(room, sizeof room, unwritable[i].cbor);
        CHECK_AT(unwritable[i].why, fvm_dagjson_write(&out, block, 0) == unwritable[i].err);
        CHECK(out.len == 0);
        fvm_buf_deinit(&out);
    }
}

TEST(depth_is_limited_both_ways)
{
    for (size_t depth = 126; depth <= 128; depth++) {
        fvm_buf json, cbor, back;
        fvm_buf_init(&json, NULL);
        fvm_buf_init(&cbor, NULL);
        fvm_buf_init(&back, NULL);
        for (size_t i = 0; i < depth; i++) CHECK_OK(fvm_buf_put_u8(&json, '['));
        for (size_t i = 0; i < depth; i++) CHECK_OK(fvm_buf_put_u8(&json, ']'));
        for (size_t i = 1; i < depth; i++) CHECK_OK(fvm_buf_put_u8(&cbor, 0x81));
        CHECK_OK(fvm_buf_put_u8(&cbor, 0x80));
        fvm_err want = depth <= FVM_DAGJSON_DEPTH_MAX ? FVM_OK : FVM_ERR_DEPTH;
        CHECK_ERR(fvm_dagjson_read(&back, fvm_buf_bytes(&json), NULL), want);
        if (want == FVM_OK) CHECK_BYTES(fvm_buf_bytes(&back), fvm_buf_bytes(&cbor));
        back.len = 0;
        CHECK_ERR(fvm_dagjson_write(&back, fvm_buf_bytes(&cbor), 0), want);
        fvm_buf_deinit(&json);
        fvm_buf_deinit(&cbor);
        fvm_buf_deinit(&back);
    }
}

TEST(indented_text_is_for_people_and_reads_back)
{
    fvm_buf out, back;
    uint8_t room[64];
    fvm_buf_init(&out, NULL);
    fvm_buf_init(&back, NULL);
    fvm_bytes block = test_hex(room, sizeof room, "a26161820102616280");
    CHECK_OK(fvm_dagjson_write(&out, block, 2));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}"));
    CHECK_OK(fvm_dagjson_read(&back, fvm_buf_bytes(&out), NULL));
    CHECK_BYTES(fvm_buf_bytes(&back), block);
    fvm_buf_deinit(&out);
    fvm_buf_deinit(&back);
}

static fvm_err there_and_back(const fvm_allocator *alloc, void *ctx)
{
    fvm_buf cbor, json;
    fvm_buf_init(&cbor, alloc);
    fvm_buf_init(&json, alloc);
    fvm_err err = fvm_dagjson_read(&cbor, *(const fvm_bytes *)ctx, NULL);
    if (err == FVM_OK) err = fvm_dagjson_write(&json, fvm_buf_bytes(&cbor), 2);
    fvm_buf_deinit(&cbor);
    fvm_buf_deinit(&json);
    return err;
}

TEST(running_out_of_memory_leaks_nothing)
{
    fvm_bytes text = FVM_STR(
        "{\"a\":[1,{\"b\":\"c\",\"d\":{\"/\":{\"bytes\":\"AQID\"}}}],\"e\":{\"/\":\"" LINK "\"}}");
    test_each_allocation_fails(there_and_back, &text);
}

/* A random item, canonical, without what DAG-JSON cannot say. */
static void random_item(fvm_buf *out, test_rng *rng, unsigned depth)
{
    static const char *const keys[] = { "a", "b", "aa", "\n", "\xc3\xa9", "bytes" };
    uint8_t bytes[24];
    uint64_t kind = test_rng_below(rng, depth < 5 ? 8 : 6), count;
    switch (kind) {
    case 0: CHECK_OK(fvm_cbor_put_uint(out, test_rng_next(rng) >> test_rng_below(rng, 64))); break;
    case 1:
        CHECK_OK(
            fvm_cbor_put_int(out, -(int64_t)(test_rng_next(rng) >> test_rng_below(rng, 63) >> 1)));
        break;
    case 2:
        count = test_rng_below(rng, sizeof bytes);
        test_rng_fill(rng, bytes, (size_t)count);
        CHECK_OK(fvm_cbor_put_bytes(out, (fvm_bytes){ bytes, (size_t)count }));
        break;
    case 3:
        count = test_rng_below(rng, sizeof bytes);
        for (uint64_t i = 0; i < count; i++) bytes[i] = (uint8_t)test_rng_below(rng, 128);
        CHECK_OK(fvm_cbor_put_text(out, (fvm_bytes){ bytes, (size_t)count }));
        break;
    case 4: {
        uint64_t bits = test_rng_next(rng);
        if ((bits >> 52 & 0x7ff) == 0x7ff) bits &= ~(UINT64_C(1) << 62); /* finite */
        bytes[0] = 0xfb;
        fvm_store_be64(bytes + 1, bits);
        CHECK_OK(fvm_cbor_put_raw(out, (fvm_bytes){ bytes, 9 }));
        break;
    }
    case 5: {
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ bytes, 0 });
        CHECK_OK(fvm_cbor_put_cid(out, &cid));
        break;
    }
    case 6:
        count = test_rng_below(rng, 5);
        CHECK_OK(fvm_cbor_put_array(out, count));
        for (uint64_t i = 0; i < count; i++) random_item(out, rng, depth + 1);
        break;
    default:
        count = 0;
        uint64_t which = test_rng_below(rng, 64);
        for (size_t i = 0; i < FVM_COUNT(keys); i++) count += which >> i & 1;
        CHECK_OK(fvm_cbor_put_map(out, count));
        /* by length, then bytes: the order of CBOR */
        static const size_t order[] = { 3, 0, 1, 2, 4, 5 };
        for (size_t i = 0; i < FVM_COUNT(keys); i++) {
            if (!(which >> order[i] & 1)) continue;
            CHECK_OK(fvm_cbor_put_text(out, fvm_bytes_of(keys[order[i]])));
            random_item(out, rng, depth + 1);
        }
    }
}

TEST(any_block_comes_back_from_its_text)
{
    test_rng rng = { 5 };
    for (size_t round = 0; round < test_rounds(3000); round++) {
        fvm_buf block, text, back;
        fvm_buf_init(&block, NULL);
        fvm_buf_init(&text, NULL);
        fvm_buf_init(&back, NULL);
        random_item(&block, &rng, 0);
        CHECK_OK(fvm_dagjson_write(&text, fvm_buf_bytes(&block), round % 2 ? 3 : 0));
        CHECK_OK(fvm_dagjson_read(&back, fvm_buf_bytes(&text), NULL));
        CHECK_BYTES(fvm_buf_bytes(&back), fvm_buf_bytes(&block));
        fvm_buf_deinit(&block);
        fvm_buf_deinit(&text);
        fvm_buf_deinit(&back);
    }
}
