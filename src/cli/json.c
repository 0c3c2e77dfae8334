/* json.c - see json.h. */
#include "json.h"

#include "base/text.h"
#include "json_text.h"

#include <ctype.h>
#include <stdlib.h>

fvm_err fvm_json_parse(json_t **out, fvm_bytes text, const char *file, fvm_store_why *why)
{
    fvm_json_text prepared;
    fvm_err err = fvm_json_prepare(&prepared, text);
    if (err == FVM_OK) {
        json_error_t at;
        json_t *json = json_loadb((const char *)prepared.text.ptr, prepared.text.len,
                                  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
        if (json && fvm_json_complete(json, &prepared) == FVM_OK)
            *out = json;
        else if (json || json_error_code(&at) == json_error_out_of_memory)
            err = fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", file);
        else
            err = fvm__why(why, FVM_ERR_MALFORMED, "%s: not JSON: line %d, column %d: %s", file,
                           at.line, at.column, at.text);
        if (json && err != FVM_OK) json_decref(json);
    } else {
        (void)fvm__why(why, err, "%s: %s", file, fvm_err_text(err));
    }
    fvm_json_text_deinit(&prepared);
    return err;
}

fvm_err fvm_json_wrong(const fvm_json_at *at, const char *key, const char *problem)
{
    return fvm__why(at->why, FVM_ERR_MALFORMED, "%s: %s%s%s: %s", at->file, at->where,
                    at->where[0] ? "." : "", key, problem);
}

/* NULL when there is none, which has been told. */
static json_t *member(const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *value = json_object_get(object, key);
    fvm_err err = value ? FVM_OK : fvm_json_wrong(at, key, "missing");
    return err == FVM_OK ? value : NULL;
}

fvm_err fvm_json_object(json_t **out, const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *value = member(object, key, at);
    if (!value) return FVM_ERR_MALFORMED;
    if (!json_is_object(value)) return fvm_json_wrong(at, key, "not an object");
    *out = value;
    return FVM_OK;
}

fvm_err fvm_json_array(json_t **out, const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *value = member(object, key, at);
    if (!value) return FVM_ERR_MALFORMED;
    if (!json_is_array(value)) return fvm_json_wrong(at, key, "not a list");
    *out = value;
    return FVM_OK;
}

fvm_err fvm_json_string(fvm_bytes *out, const json_t *object, const char *key,
                        const fvm_json_at *at)
{
    json_t *value = member(object, key, at);
    if (!value) return FVM_ERR_MALFORMED;
    if (!json_is_string(value)) return fvm_json_wrong(at, key, "not a string");
    *out = (fvm_bytes){ (const uint8_t *)json_string_value(value), json_string_length(value) };
    return FVM_OK;
}

fvm_err fvm_json_u64(uint64_t *out, const json_t *object, const char *key, uint64_t max,
                     const fvm_json_at *at)
{
    fvm_big big;
    uint64_t high, low;
    FVM_TRY(fvm_json_big(&big, object, key, at));
    if (!fvm_big_to_u128(&high, &low, &big) || high || low > max)
        return fvm_json_wrong(at, key, "negative or too large");
    *out = low;
    return FVM_OK;
}

fvm_err fvm_json_i64(int64_t *out, const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *value = member(object, key, at);
    if (!value) return FVM_ERR_MALFORMED;
    if (!json_is_integer(value)) return fvm_json_wrong(at, key, "not a whole number of 64 bits");
    *out = json_integer_value(value);
    return FVM_OK;
}

fvm_err fvm_json_big(fvm_big *out, const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *value = member(object, key, at);
    fvm_big big;
    if (!value) return FVM_ERR_MALFORMED;
    if (json_is_integer(value)) {
        json_int_t n = json_integer_value(value);
        big = fvm_big_u64(n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
        big.negative = n < 0;
    } else if (json_is_string(value)) {
        fvm_bytes text = { (const uint8_t *)json_string_value(value), json_string_length(value) };
        if (fvm_big_from_text(&big, text) != FVM_OK)
            return fvm_json_wrong(at, key, "not a whole number, or too large");
    } else {
        return fvm_json_wrong(at, key, "not a whole number");
    }
    *out = big;
    return FVM_OK;
}

fvm_err fvm_json_cid(fvm_cid *out, const json_t *object, const char *key, const fvm_json_at *at)
{
    json_t *link = member(object, key, at);
    if (!link) return FVM_ERR_MALFORMED;
    json_t *text = json_object_get(link, "/"); /* NULL when `link` is no object */
    if (!json_is_string(text)) return fvm_json_wrong(at, key, "not a link {\"/\": CID}");
    fvm_bytes bytes = { (const uint8_t *)json_string_value(text), json_string_length(text) };
    if (fvm_cid_from_text(out, bytes) != FVM_OK)
        return fvm_json_wrong(at, key, "the link holds no CID");
    return FVM_OK;
}

fvm_err fvm_json_base64(fvm_buf *out, const json_t *object, const char *key, const fvm_json_at *at)
{
    fvm_bytes text = { NULL, 0 };
    FVM_TRY(fvm_json_string(&text, object, key, at));
    fvm_err err = fvm_base64_decode(out, text);
    if (err == FVM_ERR_NOMEM) return fvm__why(at->why, err, "%s: out of memory", at->file);
    return err == FVM_OK ? FVM_OK : fvm_json_wrong(at, key, "not base64");
}

json_t *fvm_json_from_u64(uint64_t value)
{
    if (value <= INT64_MAX) return json_integer((json_int_t)value);
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

json_t *fvm_json_from_big(const fvm_big *value)
{
    char text[FVM_BIG_TEXT_MAX];
    (void)fvm_big_to_text(text, value);
    return json_string(text);
}

json_t *fvm_json_from_cid(const fvm_cid *cid)
{
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, cid);
    return json_pack("{s:s}", "/", text);
}

static json_t *encoded(fvm_err (*encode)(fvm_buf *out, fvm_bytes in), const char *prefix,
                       fvm_bytes bytes)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    json_t *value = NULL;
    if (fvm_buf_append(&text, fvm_bytes_of(prefix)) == FVM_OK && encode(&text, bytes) == FVM_OK)
        value = json_stringn(text.ptr ? (const char *)text.ptr : "", text.len);
    fvm_buf_deinit(&text);
    return value;
}

json_t *fvm_json_from_base64(fvm_bytes bytes)
{
    return encoded(fvm_base64_encode, "", bytes);
}

json_t *fvm_json_from_hex(fvm_bytes bytes)
{
    return encoded(fvm_hex_encode, "", bytes);
}

json_t *fvm_json_from_bytes(fvm_bytes utf8)
{
    json_t *text = json_stringn(utf8.len ? (const char *)utf8.ptr : "", utf8.len);
    return text ? text : encoded(fvm_hex_encode, "0x", utf8);
}

void fvm_json_print(FILE *out, const json_t *value)
{
    /* a failing stream shows in ferror, which main looks at */
    (void)json_dumpf(value, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

fvm_cli_exit fvm_json_answer(const char *command, json_t *value)
{
    if (!value) {
        fprintf(stderr, "fvm %s: %s\n", command, fvm_err_text(FVM_ERR_NOMEM));
        return FVM_EXIT_HOST;
    }
    fvm_json_print(stdout, value);
    putchar('\n');
    json_decref(value);
    return FVM_EXIT_OK;
}

fvm_cli_exit fvm_json_failed(const char *command, fvm_err err, const char *text, bool json,
                             json_t *more)
{
    const char *words = text && *text ? text : fvm_err_text(err);
    fprintf(stderr, "fvm %s: %s\n", command, words);
    if (json) {
        json_t *error = fvm_json_from_bytes(fvm_bytes_of(words));
        json_t *answer = error ? json_pack("{s:o}", "error", error) : NULL;
        if (answer && more) (void)json_object_update_missing(answer, more);
        (void)fvm_json_answer(command, answer);
    }
    json_decref(more);
    return fvm_cli_exit_of(err);
}
