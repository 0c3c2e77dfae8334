/* Encodings of parameters and results (reference rpc.md 3), hosts, typed data. */
#include "base/text.h"
#include "rpc/eip712.h"
#include "rpc/eth_params.h"
#include "rpc/json_out.h"
#include "rpc/server_internal.h"
#include "test.h"

static void check_text(fvm_jo *o, const char *want)
{
    CHECK(fvm_jo_ok(o));
    CHECK_AT(want, fvm_bytes_eq(fvm_buf_bytes(&o->buf), fvm_bytes_of(want)));
    fvm_jo_deinit(o);
    fvm_jo_init(o, NULL);
}

TEST(quantities_have_no_leading_zeros)
{
    fvm_jo o;
    fvm_big v = fvm_big_u128(1, 0x0fu);
    fvm_jo_init(&o, NULL);
    fvm_jo_quantity(&o, 0);
    check_text(&o, "\"0x0\"");
    fvm_jo_quantity(&o, 0x400);
    check_text(&o, "\"0x400\"");
    fvm_jo_quantity(&o, UINT64_MAX);
    check_text(&o, "\"0xffffffffffffffff\"");
    fvm_jo_quantity_big(&o, &v);
    check_text(&o, "\"0x1000000000000000f\"");
    fvm_jo_hex(&o, (fvm_bytes){ NULL, 0 });
    check_text(&o, "\"0x\"");
}

TEST(text_is_escaped_and_always_utf8)
{
    fvm_jo o;
    fvm_jo_init(&o, NULL);
    fvm_jo_text(&o, FVM_STR("a\"b\\c\n\x01\xc3\xa9\xff\xed\xa0\x80"));
    check_text(&o,
               "\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    fvm_jo_begin(&o, '{');
    fvm_jo_k_str(&o, "a", "");
    fvm_jo_key(&o, "b");
    fvm_jo_begin(&o, '[');
    fvm_jo_u64(&o, 1);
    fvm_jo_null(&o);
    fvm_jo_end(&o, ']');
    fvm_jo_k_bool(&o, "c", true);
    fvm_jo_end(&o, '}');
    check_text(&o, "{\"a\":\"\",\"b\":[1,null],\"c\":true}");
    fvm_jo_deinit(&o);
}

static json_t *value_of(const char *text)
{
    json_t *v = NULL;
    CHECK(fvm_rpc_json_parse(&v, fvm_bytes_of(text), NULL) == FVM_OK);
    return v;
}

static const struct {
    const char *text;
    bool fine;
    uint64_t value;
} quantities[] = {
    { "\"0x0\"", true, 0 },
    { "\"0x\"", true, 0 },
    { "\"0x00ff\"", true, 255 },
    { "\"0XfF\"", true, 255 },
    { "\"17\"", true, 17 },
    { "17", true, 17 },
    { "18446744073709551615", true, UINT64_MAX },
    { "\"0x10000000000000000\"", false, 0 },
    { "-1", false, 0 },
    { "\"-1\"", false, 0 },
    { "\"\"", false, 0 },
    { "\"0xg\"", false, 0 },
    { "\"1x\"", false, 0 },
    { "1.5", false, 0 },
    { "true", false, 0 },
    { "[]", false, 0 },
    { "{\"no\":\"string\"}", false, 0 },
};

TEST(quantities_are_read_in_hex_decimal_and_as_numbers)
{
    for (size_t i = 0; i < FVM_COUNT(quantities); i++) {
        uint64_t out = 0;
        json_t *v = value_of(quantities[i].text);
        CHECK_AT(quantities[i].text, fvm_rpc_u64(&out, v) == quantities[i].fine);
        if (quantities[i].fine) CHECK_AT(quantities[i].text, out == quantities[i].value);
        json_decref(v);
    }
}

TEST(words_beyond_256_bits_are_refused)
{
    fvm_big out;
    json_t *most = value_of(
        "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"");
    json_t *more = value_of(
        "\"0x10000000000000000000000000000000000000000000000000000000000000000\"");
    json_t *digits = value_of(
        "\"115792089237316195423570985008687907853269984665640564039457584007913"
        "129639936\"");
    CHECK(fvm_rpc_u256(&out, most) && out.count == 4);
    CHECK(!fvm_rpc_u256(&out, more));
    CHECK(!fvm_rpc_u256(&out, digits));
    json_decref(most);
    json_decref(more);
    json_decref(digits);
}

TEST(bytes_of_odd_length_get_a_zero_in_front)
{
    fvm_buf out;
    json_t *odd = value_of("\"0x123\""), *bare = value_of("\"1234\""), *none = value_of("\"0x\"");
    fvm_buf_init(&out, NULL);
    CHECK(fvm_rpc_bytes(&out, odd) == FVM_OK);
    CHECK(fvm_bytes_eq(fvm_buf_bytes(&out), FVM_BYTES(0x01, 0x23)));
    CHECK(fvm_rpc_bytes(&out, bare) == FVM_ERR_MALFORMED);
    CHECK(fvm_rpc_bytes(&out, none) == FVM_OK && out.len == 2);
    fvm_buf_deinit(&out);
    json_decref(odd);
    json_decref(bare);
    json_decref(none);
}

static const struct {
    const char *text;
    int kind; /* -1: refused */
} blocks[] = {
    { "null", FVM_RPC_BLOCK_LATEST },
    { "\"latest\"", FVM_RPC_BLOCK_LATEST },
    { "\"pending\"", FVM_RPC_BLOCK_PENDING },
    { "\"earliest\"", FVM_RPC_BLOCK_EARLIEST },
    { "\"safe\"", FVM_RPC_BLOCK_SAFE },
    { "\"finalized\"", FVM_RPC_BLOCK_FINALIZED },
    { "\"0x10\"", FVM_RPC_BLOCK_NUMBER },
    { "{\"blockNumber\":\"0x10\"}", FVM_RPC_BLOCK_NUMBER },
    { "\"0x1111111111111111111111111111111111111111111111111111111111111111\"",
      FVM_RPC_BLOCK_HASH },
    { "{\"blockHash\":\"0x1111111111111111111111111111111111111111111111111111111111111111\","
      "\"requireCanonical\":true}",
      FVM_RPC_BLOCK_HASH },
    { "\"newest\"", -1 },
    { "\"0x11111111111111111111\"", -1 },
    { "{}", -1 },
    { "{\"blockNumber\":{\"blockNumber\":\"0x1\"}}", -1 },
    { "{\"blockHash\":\"0x11\"}", -1 },
    { "[]", -1 },
};

TEST(block_parameters_are_tags_numbers_hashes_and_objects)
{
    for (size_t i = 0; i < FVM_COUNT(blocks); i++) {
        fvm_rpc_block b;
        json_t *v = value_of(blocks[i].text);
        bool fine = fvm_rpc_block_read(&b, v);
        CHECK_AT(blocks[i].text, fine == (blocks[i].kind >= 0));
        if (fine) CHECK_AT(blocks[i].text, (int)b.kind == blocks[i].kind);
        json_decref(v);
    }
}

static const struct {
    const char *host, *listening;
    bool allowed;
} hosts[] = {
    { "", NULL, true },
    { "localhost:8545", NULL, true },
    { "127.0.0.1:8545", NULL, true },
    { "[::1]:8545", NULL, true },
    { "node.localhost", NULL, true },
    { "other.example", NULL, true }, /* as the test allows it */
    { "evil.example", NULL, false },
    { "evil.example:8545", NULL, false },
    { "localhost.evil.example", NULL, false },
    { "192.168.1.5:8545", NULL, false },
    { "192.168.1.5:8545", "0.0.0.0", true },
    { "evil.example", "0.0.0.0", false },
    { "[", NULL, false },
};

TEST(a_host_that_was_not_meant_is_refused)
{
    static const char *const allowed[] = { "other.example" };
    for (size_t i = 0; i < FVM_COUNT(hosts); i++) {
        fvm_rpc_server_options o = { .host = hosts[i].listening,
                                     .allowed_hosts = allowed,
                                     .allowed_host_count = 1 };
        CHECK_AT(hosts[i].host,
                 fvm__rpc_host_allowed(&o, fvm_bytes_of(hosts[i].host)) == hosts[i].allowed);
    }
}

/* The example of EIP-712, whose hash is in its test. */
TEST(typed_data_hashes_as_the_specification_says)
{
    static const uint8_t want[32] = { 0xbe, 0x60, 0x9a, 0xee, 0x34, 0x3f, 0xb3, 0xc4,
                                      0xb2, 0x8e, 0x1d, 0xf9, 0xe6, 0x32, 0xfc, 0xa6,
                                      0x4f, 0xcf, 0xae, 0xde, 0x20, 0xf0, 0x2e, 0x86,
                                      0x24, 0x4e, 0xfd, 0xdf, 0x30, 0x95, 0x7b, 0xd2 };
    uint8_t hash[32];
    const char *why = "";
    json_t *v = value_of(
        "{\"types\":{\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":"
        "\"version\","
        "\"type\":\"string\"},{\"name\":\"chainId\",\"type\":\"uint256\"},{\"name\":"
        "\"verifyingContract\",\"type\":\"address\"}],\"Person\":[{\"name\":\"name\",\"type\":"
        "\"string\"},{\"name\":\"wallet\",\"type\":\"address\"}],\"Mail\":[{\"name\":\"from\","
        "\"type\":"
        "\"Person\"},{\"name\":\"to\",\"type\":\"Person\"},{\"name\":\"contents\",\"type\":"
        "\"string\"}]},"
        "\"primaryType\":\"Mail\",\"domain\":{\"name\":\"Ether "
        "Mail\",\"version\":\"1\",\"chainId\":1,"
        "\"verifyingContract\":\"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC\"},\"message\":{"
        "\"from\":{"
        "\"name\":\"Cow\",\"wallet\":\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"},\"to\":{"
        "\"name\":"
        "\"Bob\",\"wallet\":\"0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB\"},\"contents\":\"Hello, "
        "Bob!\"}}");
    CHECK(fvm_eip712_hash(hash, v, NULL, &why) == FVM_OK);
    CHECK(memcmp(hash, want, 32) == 0);
    json_object_del(json_object_get(v, "types"), "Person");
    CHECK(fvm_eip712_hash(hash, v, NULL, &why) == FVM_ERR_MALFORMED);
    json_decref(v);
}
