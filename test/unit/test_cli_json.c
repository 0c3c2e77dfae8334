/* The JSON layer: numbers keep every digit, errors say where, packed data is bounded. */
#include "cli/json.h"
#include "store/gzip.h"
#include "test.h"

#include <stdlib.h>
#include <zlib.h>

static json_t *parsed(const char *text)
{
    json_t *json = NULL;
    fvm_store_why why;
    CHECK_OK(fvm_json_parse(&json, fvm_bytes_of(text), "f", &why));
    return json;
}

TEST(numbers_beyond_64_bits_keep_every_digit)
{
    static const struct {
        const char *text, *value;
    } rows[] = {
        { "{\"n\":500000000000000000000000001}", "500000000000000000000000001" },
        { "{\"n\":-9223372036854775809}", "-9223372036854775809" },
        { "{\"n\":-9223372036854775808}", "-9223372036854775808" },
        { "{\"n\":9223372036854775807}", "9223372036854775807" },
        { "{\"n\":9223372036854775808}", "9223372036854775808" },
        { "{ \"n\" : 0 }", "0" },
        { "{\"n\":\"12\"}", "12" },
    };
    fvm_store_why why;
    fvm_json_at at = { "f", "", &why };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        json_t *json = parsed(rows[i].text);
        fvm_big big;
        char text[FVM_BIG_TEXT_MAX];
        CHECK_AT(rows[i].text, fvm_json_big(&big, json, "n", &at) == FVM_OK);
        (void)fvm_big_to_text(text, &big);
        CHECK_AT(rows[i].text, strcmp(text, rows[i].value) == 0);
        json_decref(json);
    }
}

TEST(digits_inside_strings_and_broken_numbers_stay_as_they_are)
{
    json_t *json = parsed("[\"99999999999999999999\", \"\\\"99999999999999999999\", 1.5e3]");
    CHECK(strcmp(json_string_value(json_array_get(json, 0)), "99999999999999999999") == 0);
    CHECK(strcmp(json_string_value(json_array_get(json, 1)), "\"99999999999999999999") == 0);
    CHECK(json_real_value(json_array_get(json, 2)) == 1500);
    json_decref(json);
}

/* Strings of this length go around jansson (json_text.c). */
#define LONG 5000

static char *long_text(const char *before, char fill, const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    char *text = malloc(head + LONG + tail + 1);
    CHECK(text);
    memcpy(text, before, head);
    memset(text + head, fill, LONG);
    memcpy(text + head + LONG, after, tail + 1);
    return text;
}

static bool all_are(const json_t *string, char fill)
{
    const char *value = json_string_value(string);
    if (!value || json_string_length(string) != LONG) return false;
    for (size_t i = 0; i < LONG; i++)
        if (value[i] != fill) return false;
    return true;
}

TEST(long_strings_come_back_where_they_were)
{
    char *text = long_text("{\"a\":[1, {\"b\" : \"", 'x', "\"} , \"short\"], \"c\":12}");
    json_t *json = parsed(text), *list = json_object_get(json, "a");
    CHECK(all_are(json_object_get(json_array_get(list, 1), "b"), 'x'));
    CHECK(strcmp(json_string_value(json_array_get(list, 2)), "short") == 0);
    CHECK(json_integer_value(json_object_get(json, "c")) == 12);
    json_decref(json);
    free(text);
}

TEST(long_strings_that_are_not_plain_are_read_as_all_others)
{
    char *text = long_text("[\"\\u0041", 'z', "\"]");
    json_t *json = parsed(text);
    CHECK(json_string_length(json_array_get(json, 0)) == LONG + 1);
    CHECK(json_string_value(json_array_get(json, 0))[0] == 'A');
    json_decref(json);
    free(text);
    /* what looks like a stand-in stays what it is, and so does a long string beside it */
    text = long_text("[\"\\u0001long string 0\", \"", 'z', "\"]");
    json = parsed(text);
    CHECK(strcmp(json_string_value(json_array_get(json, 0)), "\001long string 0") == 0);
    CHECK(all_are(json_array_get(json, 1), 'z'));
    json_decref(json);
    free(text);
}

TEST(long_strings_that_are_broken_are_refused)
{
    static const struct {
        const char *before, *after;
        char fill;
    } rows[] = {
        { "[\"", "\"]", '\n' },  { "[\"", "\"]", '\x80' },       { "[\"", "", 'x' },
        { "[\"", "\" 1]", 'x' }, { "{\"a\":1, \"", "\"}", 'x' },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        char *text = long_text(rows[i].before, rows[i].fill, rows[i].after);
        json_t *json = NULL;
        fvm_store_why why;
        CHECK_AT(rows[i].after,
                 fvm_json_parse(&json, fvm_bytes_of(text), "f", &why) == FVM_ERR_MALFORMED &&
                     !json);
        free(text);
    }
    /* a long key twice */
    char *first = long_text("{\"", 'k', "\" : 1, \""), *text = long_text(first, 'k', "\" : 2}");
    json_t *json = NULL;
    fvm_store_why why;
    CHECK(fvm_json_parse(&json, fvm_bytes_of(text), "f", &why) == FVM_ERR_MALFORMED);
    free(first);
    free(text);
}

TEST(text_that_is_not_json_is_refused_with_its_place)
{
    static const char *const refused[] = {
        "",
        "{",
        "{\"a\":1,}",
        "{\"a\":1}{",
        "[1e999999]",
        "{\"a\":1,\"a\":2}",
        "\"\\ud800\"",
        "nul",
        "[\"unended",
        "99999999999999999999-",
    };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        json_t *json = NULL;
        fvm_store_why why = { .text = "" };
        CHECK_AT(refused[i], fvm_json_parse(&json, fvm_bytes_of(refused[i]), "some.json", &why) ==
                                 FVM_ERR_MALFORMED);
        CHECK_AT(refused[i], !json && strstr(why.text, "some.json: not JSON: line "));
    }
}

TEST(deep_nesting_is_refused)
{
    char *text = malloc(100000);
    CHECK(text);
    memset(text, '[', 100000);
    json_t *json = NULL;
    fvm_store_why why;
    CHECK(fvm_json_parse(&json, (fvm_bytes){ (uint8_t *)text, 100000 }, "f", &why) ==
          FVM_ERR_MALFORMED);
    free(text);
}

TEST(fields_of_the_wrong_kind_are_named)
{
    json_t *json = parsed("{\"s\":1,\"o\":[],\"a\":{},\"n\":\"x\",\"big\":18446744073709551616,"
                          "\"neg\":-1,\"link\":{\"/\":\"bafy\"},\"b\":\"a=b\"}");
    fvm_store_why why;
    fvm_json_at at = { "f.json", "outer", &why };
    json_t *out;
    fvm_bytes bytes;
    uint64_t number;
    fvm_big big;
    fvm_cid cid;
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    CHECK(fvm_json_string(&bytes, json, "s", &at) == FVM_ERR_MALFORMED);
    CHECK(strcmp(why.text, "f.json: outer.s: not a string") == 0);
    CHECK(fvm_json_string(&bytes, json, "none", &at) == FVM_ERR_MALFORMED);
    CHECK(strcmp(why.text, "f.json: outer.none: missing") == 0);
    CHECK(fvm_json_object(&out, json, "o", &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_array(&out, json, "a", &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_big(&big, json, "n", &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_u64(&number, json, "big", UINT64_MAX, &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_u64(&number, json, "neg", UINT64_MAX, &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_cid(&cid, json, "link", &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_cid(&cid, json, "s", &at) == FVM_ERR_MALFORMED);
    CHECK(fvm_json_base64(&buf, json, "b", &at) == FVM_ERR_MALFORMED);
    CHECK(buf.len == 0);
    fvm_buf_deinit(&buf);
    json_decref(json);
}

/* --- gzip --- */

static size_t packed(uint8_t *out, size_t room, const uint8_t *in, size_t len)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)len };
    CHECK(deflateInit2(&z, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_out = out;
    z.avail_out = (uInt)room;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    size_t used = room - z.avail_out;
    (void)deflateEnd(&z);
    return used;
}

TEST(gunzip_gives_back_what_was_packed)
{
    size_t sizes[] = { 0, 1, 16383, 16384, 16385, 1000000 };
    uint8_t *in = calloc(1, 1000000), *zipped = malloc(1100000);
    CHECK(in && zipped);
    test_rng rng = { 1 };
    test_rng_fill(&rng, in, 500000); /* the rest packs well */
    for (size_t i = 0; i < FVM_COUNT(sizes); i++) {
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        size_t len = packed(zipped, 1100000, in, sizes[i]);
        CHECK_OK(fvm_gunzip(&out, (fvm_bytes){ zipped, len }, 1000000));
        CHECK(out.len == sizes[i] && (!out.len || memcmp(out.ptr, in, out.len) == 0));
        fvm_buf_deinit(&out);
    }
    free(in);
    free(zipped);
}

TEST(gunzip_refuses_bombs_and_broken_streams)
{
    uint8_t *in = calloc(1, 1 << 20), zipped[4096];
    fvm_buf out;
    CHECK(in);
    fvm_buf_init(&out, NULL);
    size_t len = packed(zipped, sizeof zipped - 1, in, 1 << 20);
    CHECK(fvm_gunzip(&out, (fvm_bytes){ zipped, len }, (1 << 20) - 1) == FVM_ERR_LIMIT);
    CHECK(out.len == 0 && out.cap < 4 << 20);
    for (size_t cut = 0; cut < len; cut += 7)
        CHECK(fvm_gunzip(&out, (fvm_bytes){ zipped, cut }, 1 << 20) == FVM_ERR_TRUNCATED);
    zipped[len] = 0;
    CHECK(fvm_gunzip(&out, (fvm_bytes){ zipped, len + 1 }, 1 << 20) == FVM_ERR_TRAILING);
    zipped[len - 5] ^= 1; /* of the checksum */
    CHECK(fvm_gunzip(&out, (fvm_bytes){ zipped, len }, 1 << 20) == FVM_ERR_MALFORMED);
    CHECK(fvm_gunzip(&out, FVM_STR("plain text"), 1 << 20) == FVM_ERR_MALFORMED);
    CHECK(out.len == 0);
    fvm_buf_deinit(&out);
    free(in);
}
