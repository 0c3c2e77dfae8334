/* test_sdk_script.c - values of test scripts, both ways. */
#include "cli/cmd_actor.h"
#include "test.h"

static const char *const who[] = { "alice", "bob" };
static const uint64_t ids[] = { 100, 101 };

static fvm_err read_value(fvm_buf *out, const char *text)
{
    fvm_address keys[2] = { fvm_address_actor(FVM_STR("a")), fvm_address_actor(FVM_STR("b")) };
    fvm_actor_names names = { who, keys, ids, 2 };
    fvm_bytes in = fvm_bytes_of(text);
    out->len = 0;
    fvm_err err = fvm_actor_value(out, &in, &names);
    return err == FVM_OK && in.len ? FVM_ERR_TRAILING : err;
}

TEST(values_are_written_as_cbor)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        { "0", "00" },
        { "-1", "20" },
        { "18446744073709551615", "1bffffffffffffffff" },
        { "-9223372036854775808", "3b7fffffffffffffff" },
        { "\"two words\"", "6974776f20776f726473" },
        { "h'00ff'", "4200ff" },
        { "h''", "40" },
        { "[1, [], \"a\"]", "8301806161" },
        { "{\"a\": 1, \"b\": [true, false, null]}", "a26161016162"
                                                    "83f5f4f6" },
        { "1FIL", "49000de0b6b3a7640000" },
        { "7atto", "420007" },
        { "-7atto", "420107" },
        { "0FIL", "40" },
        { "@bob", "420065" },
        { "[@alice.id, @bob.id]", "8218641865" },
    };
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        CHECK_AT(rows[i].text, read_value(&out, rows[i].text) == FVM_OK);
        CHECK_HEX(fvm_buf_bytes(&out), rows[i].hex);
    }
    CHECK_OK(read_value(&out, "@bob.key"));
    CHECK(out.len == 22 && out.ptr[1] == 2);
    fvm_buf_deinit(&out);
}

TEST(values_that_are_none_are_refused)
{
    static const char *const rows[] = {
        "",
        "[1",
        "[1 2]",
        "{1}",
        "{1: }",
        "\"open",
        "h'0",
        "h'0g'",
        "@dave",
        "1.5",
        "FIL",
        "x",
        "1 2",
        "18446744073709551616",
        "-9223372036854775809",
        "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
    };
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    for (size_t i = 0; i < FVM_COUNT(rows); i++)
        CHECK_AT(rows[i], read_value(&out, rows[i]) != FVM_OK);
    fvm_buf_deinit(&out);
}

TEST(cbor_is_shown_as_it_is_written)
{
    static const char *const rows[] = { "0", "-5", "\"a\"", "h'00ff'", "[1, {2: [true, null]}]" };
    fvm_buf cbor, text;
    fvm_buf_init(&cbor, NULL);
    fvm_buf_init(&text, NULL);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        text.len = 0;
        CHECK_OK(read_value(&cbor, rows[i]));
        CHECK_OK(fvm_actor_notation(&text, fvm_buf_bytes(&cbor)));
        CHECK_BYTES(fvm_buf_bytes(&text), fvm_bytes_of(rows[i]));
    }
    text.len = 0;
    CHECK_OK(fvm_actor_notation(&text, FVM_BYTES(0x82, 0x01))); /* cut off: shown as bytes */
    CHECK_BYTES(fvm_buf_bytes(&text), FVM_STR("h'8201'"));
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&cbor);
}
