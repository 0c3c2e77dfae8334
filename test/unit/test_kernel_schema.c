/* Schemas: the notation, blocks by name, and what does not fit. That the built-in ones are mainnet's
 * is shown by test/vectors/test_schema.c. */
#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/schema/schema.h"
#include "test.h"

static const char text[] = "type pair = { a: u64, b: i64? }\n"
                           "actor thing # comment\n"
                           "state ({ owner: addr, amount: tok, pairs: [pair] } | { owner: addr })\n"
                           "method 7 Do { set: bf, flag: bool, name: text, rest: any } -> cid?\n"
                           "method 8 Raw bytes -> -\n"
                           "actor other\nstate hamt(5, i64, &{ x: u256 })\n"
                           "event done { id: u64 }\n";

static fvm_schema *schema_of(const char *source)
{
    fvm_schema *schema;
    CHECK_OK(fvm_schema_parse(&schema, fvm_bytes_of(source), NULL, NULL));
    return schema;
}

typedef struct call {
    const char *actor;
    fvm_schema_part part;
    uint64_t method, codec;
    const char *block; /* hex */
    const char *json;
    fvm_err err;
} call;

static const call calls[] = {
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "8342006442000580",
      "{\"owner\":\"f0100\",\"amount\":\"5\",\"pairs\":[]}", FVM_OK },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "834200644081820121",
      "{\"owner\":\"f0100\",\"amount\":\"0\",\"pairs\":[{\"a\":1,\"b\":-2}]}", FVM_OK },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "8342006442010581821bfffffffffffffffff6",
      "{\"owner\":\"f0100\",\"amount\":\"-5\",\"pairs\":[{\"a\":18446744073709551615,\"b\":null}]}",
      FVM_OK },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "81420064", "{\"owner\":\"f0100\"}", FVM_OK },
    { "thing", FVM_SCHEMA_PARAMS, 7, 0x51, "8440f5612282f601",
      "{\"set\":[],\"flag\":true,\"name\":\"\\\"\",\"rest\":[null,1]}", FVM_OK },
    { "thing", FVM_SCHEMA_RETURN, 7, 0x51, "f6", "null", FVM_OK },
    { "thing", FVM_SCHEMA_PARAMS, 8, 0x55, "00ff", "\"0x00ff\"", FVM_OK },
    { "thing", FVM_SCHEMA_PARAMS, 8, 0x51, "4200ff", "\"0x00ff\"", FVM_OK },
    { "thing", FVM_SCHEMA_PARAMS, 8, 0, "", "null", FVM_OK },
    { "thing", FVM_SCHEMA_RETURN, 8, 0, "", "null", FVM_OK },
    { "thing", FVM_SCHEMA_RETURN, 8, 0x51, "f6", NULL, FVM_ERR_TRAILING },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "", NULL, FVM_ERR_TRUNCATED },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "8142006400", NULL, FVM_ERR_TRAILING },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "80", NULL, FVM_ERR_MALFORMED },
    { "thing", FVM_SCHEMA_STATE, 0, 0x71, "9bffffffffffffffff", NULL, FVM_ERR_MALFORMED },
    { "thing", FVM_SCHEMA_PARAMS, 9, 0x51, "f6", NULL, FVM_ERR_NOT_FOUND },
    { "none", FVM_SCHEMA_STATE, 0, 0x71, "80", NULL, FVM_ERR_NOT_FOUND },
};

TEST(blocks_are_written_by_name_or_refused)
{
    fvm_schema *schema = schema_of(text);
    fvm_schema_style style = { .indent = 0 };
    for (size_t i = 0; i < FVM_COUNT(calls); i++) {
        const call *c = &calls[i];
        uint8_t room[64];
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        CHECK_OK(fvm_buf_append(&out, FVM_STR("before")));
        fvm_err err = fvm_schema_write(&out, schema, fvm_bytes_of(c->actor), c->part, c->method,
                                       c->codec, test_hex(room, sizeof room, c->block), &style);
        CHECK_AT(c->block, err == c->err);
        fvm_bytes rest = { out.ptr + 6, out.len - 6 };
        CHECK_BYTES(rest, fvm_bytes_of(c->json ? c->json : ""));
        fvm_buf_deinit(&out);
    }
    fvm_schema_free(schema);
}

TEST(names_of_methods_and_values_of_events)
{
    fvm_schema *schema = schema_of(text);
    fvm_schema_style style = { .indent = 0 };
    fvm_bytes other = FVM_STR("other"), done = FVM_STR("done"), five = FVM_BYTES(0x05);
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_BYTES(fvm_schema_method(schema, FVM_STR("thing"), 7), FVM_STR("Do"));
    CHECK(fvm_schema_method(schema, other, 7).len == 0);
    CHECK_OK(fvm_schema_write_event(&out, schema, other, done, FVM_STR("id"), five, &style));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("5"));
    CHECK_ERR(fvm_schema_write_event(&out, schema, other, done, FVM_STR("x"), five, &style),
              FVM_ERR_NOT_FOUND);
    fvm_buf_deinit(&out);
    fvm_schema_free(schema);
}

/* Links are followed when there is a store, and a collection ends at its limit. */
TEST(links_are_followed_up_to_the_limit_of_entries)
{
    fvm_schema *schema = schema_of(text);
    fvm_blockstore bs;
    fvm_hamt *hamt;
    fvm_cid leaf, root;
    fvm_buf out, item;
    fvm_buf_init(&out, NULL);
    fvm_buf_init(&item, NULL);
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_blockstore_put_new(&bs, &leaf, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x81, 0x41, 0x07)));
    CHECK_OK(fvm_cbor_put_cid(&item, &leaf));
    CHECK_OK(fvm_hamt_new(&hamt, &bs, 5, NULL));
    CHECK_OK(fvm_hamt_set(hamt, FVM_BYTES(0x01), fvm_buf_bytes(&item))); /* zig-zag: -1 */
    CHECK_OK(fvm_hamt_set(hamt, FVM_BYTES(0x04), fvm_buf_bytes(&item)));
    CHECK_OK(fvm_hamt_flush(hamt, &root));
    fvm_hamt_free(hamt);
    item.len = 0;
    CHECK_OK(fvm_cbor_put_cid(&item, &root));
    fvm_schema_style style = { .bs = &bs, .entries_max = 2 };
    CHECK_OK(fvm_schema_write(&out, schema, FVM_STR("other"), FVM_SCHEMA_STATE, 0,
                              FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&item), &style));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("{\"-1\":{\"x\":\"0x07\"},\"2\":{\"x\":\"0x07\"}}"));
    out.len = 0;
    style.entries_max = 1;
    CHECK_OK(fvm_schema_write(&out, schema, FVM_STR("other"), FVM_SCHEMA_STATE, 0,
                              FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&item), &style));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("{\"-1\":{\"x\":\"0x07\"},\"...\":\"more\"}"));
    fvm_buf_deinit(&out);
    fvm_buf_deinit(&item);
    fvm_blockstore_free(&bs);
    fvm_schema_free(schema);
}

static const struct {
    const char *text;
    fvm_err err;
} bad_texts[] = {
    { "state u64", FVM_ERR_MALFORMED },
    { "type a = b", FVM_ERR_NOT_FOUND },
    { "type a = a", FVM_ERR_NOT_FOUND },
    { "type a = {}", FVM_ERR_MALFORMED },
    { "type a = { x: u64", FVM_ERR_MALFORMED },
    { "actor a method x A - -> -", FVM_ERR_MALFORMED },
    { "actor a method 99999999999999999999 A - -> -", FVM_ERR_MALFORMED },
    { "actor a state hamt(9, u64, u64)", FVM_ERR_MALFORMED },
    { "actor a state hamt(5, bool, u64)", FVM_ERR_MALFORMED },
    { "actor a event e u64", FVM_ERR_MALFORMED },
    { "actor a state [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[u64", FVM_ERR_DEPTH },
};

TEST(texts_that_are_no_schema_are_refused_with_their_line)
{
    for (size_t i = 0; i < FVM_COUNT(bad_texts); i++) {
        fvm_schema *schema;
        size_t line = 0;
        CHECK_AT(bad_texts[i].text, fvm_schema_parse(&schema, fvm_bytes_of(bad_texts[i].text),
                                                     &line, NULL) == bad_texts[i].err);
        CHECK(line == 1);
    }
}

static void check_method(void *ctx, fvm_bytes actor, uint64_t method, fvm_bytes name)
{
    (void)actor, (void)name;
    *(size_t *)ctx += 1;
    CHECK(method >= 1);
}

static fvm_err read_builtin(const fvm_allocator *alloc, void *ctx)
{
    fvm_schema *schema;
    (void)ctx;
    FVM_TRY(fvm_schema_builtin(&schema, alloc));
    fvm_schema_free(schema);
    return FVM_OK;
}

TEST(the_built_in_schemas_are_read_also_when_memory_is_short)
{
    fvm_schema *schema;
    size_t count = 0;
    CHECK_OK(fvm_schema_builtin(&schema, NULL));
    fvm_schema_each_method(schema, check_method, &count);
    CHECK(count > 150);
    fvm_schema_free(schema);
    test_each_allocation_fails(read_builtin, NULL);
}
