/* json_text.c - see json_text.h.
 *
 * Nearly all of a vector is one string, the CAR in base64, and jansson takes 15 ns for each of its
 * bytes: a quarter of the time that mainnet's vectors take in all. So plain strings of that kind are
 * left out of what it parses, a stand-in with a number in their place:
 *
 *     {"car": "H4sIAAAA...", ...}     ->     {"car": "\u0001long string 0", ...}
 *
 * A text that has the stand-in's beginning anywhere is parsed as it is. */
#include "json_text.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG_STRING 4096u
#define STAND_IN "\\u0001long string "
#define STAND_IN_VALUE "\001long string "

/* Length of the JSON number at `p`, and whether it is whole. */
static size_t number_len(const uint8_t *p, const uint8_t *end, bool *whole)
{
    const uint8_t *start = p;
    *whole = true;
    if (p < end && *p == '-') p++;
    for (; p < end; p++) {
        if (*p == '.' || *p == 'e' || *p == 'E' || *p == '+' || *p == '-')
            *whole = false;
        else if (*p < '0' || *p > '9')
            break;
    }
    return (size_t)(p - start);
}

/* Whether the digits of a whole number fit jansson's json_int_t. */
static bool fits_i64(const uint8_t *p, size_t len)
{
    bool negative = len && *p == '-';
    uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (size_t i = negative; i < len; i++) {
        uint64_t digit = (uint64_t)(p[i] - '0');
        if (value > (limit - digit) / 10) return false;
        value = value * 10 + digit;
    }
    return true;
}

/* Whether a string's bytes mean themselves: printable ASCII without escapes. */
static bool is_plain(const uint8_t *p, size_t len)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    uint64_t odd = 0;
    size_t i = 0;
    if (memchr(p, '\\', len)) return false;
    for (; i + 8 <= len; i += 8) {
        uint64_t word = fvm_load_le64(p + i);
        odd |= (word | (word - ones * 0x20)) & high; /* above 0x7f, or below a space */
    }
    for (; i < len; i++) odd |= p[i] < 0x20 || p[i] > 0x7f;
    return odd == 0;
}

/* Keys stay: jansson refuses those that come twice. */
static bool is_key(const uint8_t *after, const uint8_t *end)
{
    while (after < end && (*after == ' ' || *after == '\t' || *after == '\n' || *after == '\r'))
        after++;
    return after < end && *after == ':';
}

static const uint8_t *string_end(const uint8_t *p, const uint8_t *end)
{
    for (; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) p++;
    return p;
}

typedef struct copying {
    fvm_json_text *out;
    const uint8_t *copied, *end; /* the text up to `copied` has been dealt with */
    bool take_out;
} copying;

/* Copies the text up to `p`. */
static fvm_err copy_to(copying *c, const uint8_t *p)
{
    fvm_bytes part = { c->copied, (size_t)(p - c->copied) };
    c->copied = p;
    return fvm_buf_append(&c->out->text, part);
}

/* The string whose content starts at *at: to its closing quote, or the end of the text. */
static fvm_err pass_string(copying *c, const uint8_t **at)
{
    const uint8_t *p = *at, *quote = p < c->end ? memchr(p, '"', (size_t)(c->end - p)) : NULL;
    const fvm_bytes string = { p, quote ? (size_t)(quote - p) : 0 };
    if (string.len < LONG_STRING || !c->take_out || !is_plain(p, string.len) ||
        is_key(quote + 1, c->end)) {
        *at = string_end(p, c->end);
        return FVM_OK;
    }
    char stand_in[64];
    int n = snprintf(stand_in, sizeof stand_in, STAND_IN "%zu", c->out->longs.len / sizeof string);
    FVM_TRY(copy_to(c, p));
    FVM_TRY(fvm_buf_append(&c->out->text, (fvm_bytes){ (const uint8_t *)stand_in, (size_t)n }));
    FVM_TRY(fvm_buf_append(&c->out->longs,
                           (fvm_bytes){ (const uint8_t *)(const void *)&string, sizeof string }));
    *at = c->copied = quote;
    return FVM_OK;
}

/* The number at *at: in quotes when it is whole and does not fit 64 bits. */
static fvm_err pass_number(copying *c, const uint8_t **at)
{
    bool whole;
    const uint8_t *p = *at;
    size_t len = number_len(p, c->end, &whole);
    *at = p + len;
    if (!whole || len <= 18 || fits_i64(p, len)) return FVM_OK;
    FVM_TRY(copy_to(c, p));
    FVM_TRY(fvm_buf_put_u8(&c->out->text, '"'));
    FVM_TRY(copy_to(c, p + len));
    return fvm_buf_put_u8(&c->out->text, '"');
}

fvm_err fvm_json_prepare(fvm_json_text *out, fvm_bytes text)
{
    fvm_buf_init(&out->text, NULL);
    fvm_buf_init(&out->longs, NULL);
    if (text.len == 0) return FVM_OK;
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;
    copying c = { .out = out, .copied = p, .end = end };
    c.take_out = !memmem(p, text.len, STAND_IN, sizeof STAND_IN - 1);
    while (p < end) {
        if (*p == '"') {
            p++;
            FVM_TRY(pass_string(&c, &p));
            if (p < end) p++;
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            FVM_TRY(pass_number(&c, &p));
        } else {
            p++;
        }
    }
    return copy_to(&c, end);
}

static fvm_err complete_string(json_t *json, const fvm_json_text *text)
{
    const char *value = json_string_value(json);
    size_t prefix = sizeof STAND_IN_VALUE - 1;
    if (json_string_length(json) <= prefix || memcmp(value, STAND_IN_VALUE, prefix) != 0)
        return FVM_OK;
    size_t at = (size_t)strtoull(value + prefix, NULL, 10);
    if (at >= text->longs.len / sizeof(fvm_bytes)) return FVM_OK;
    fvm_bytes string;
    memcpy(&string, text->longs.ptr + at * sizeof string, sizeof string);
    bool set = json_string_setn_nocheck(json, (const char *)string.ptr, string.len) == 0;
    return set ? FVM_OK : FVM_ERR_NOMEM;
}

/* As deep as jansson goes, which is 2048 levels. */
static fvm_err complete(json_t *json, const fvm_json_text *text)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_string(json)) return complete_string(json, text);
    if (json_is_object(json)) {
        json_object_foreach(json, key, value) FVM_TRY(complete(value, text));
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value) FVM_TRY(complete(value, text));
    }
    return FVM_OK;
}

fvm_err fvm_json_complete(json_t *json, const fvm_json_text *text)
{
    return text->longs.len ? complete(json, text) : FVM_OK;
}

void fvm_json_text_deinit(fvm_json_text *text)
{
    fvm_buf_deinit(&text->text);
    fvm_buf_deinit(&text->longs);
}
