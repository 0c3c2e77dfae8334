/* json_in.c - one look over the text before jansson's: depth, and numbers that are too long. */
#include "json_in.h"

typedef struct scan {
    fvm_bytes text;
    size_t at;
    unsigned depth;
    bool longs; /* a whole number may not fit 64 bits */
} scan;

static void skip_string(scan *s)
{
    for (s->at++; s->at < s->text.len && s->text.ptr[s->at] != '"'; s->at++)
        if (s->text.ptr[s->at] == '\\') s->at++;
    s->at++; /* past the quote, or past the end: then it is not JSON */
}

static bool is_number(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Length of the number at `at`; `whole` when it has digits alone. */
static size_t number_len(const scan *s, bool *whole)
{
    size_t n = 0;
    *whole = true;
    for (; s->at + n < s->text.len && is_number(s->text.ptr[s->at + n]); n++) {
        uint8_t c = s->text.ptr[s->at + n];
        if ((c < '0' || c > '9') && !(c == '-' && n == 0)) *whole = false;
    }
    return n;
}

/* Whether a whole number of `n` characters at `at` is beyond int64_t, jansson's integers. */
static bool too_long(const scan *s, size_t n)
{
    static const char most[2][20] = { "9223372036854775807", "9223372036854775808" };
    const uint8_t *p = s->text.ptr + s->at;
    bool negative = *p == '-';
    if (negative) p++, n--;
    return n > 19 || (n == 19 && memcmp(p, most[negative], 19) > 0);
}

/* Walks the text; what a string or number holds is left alone. With `out`, copies it there. */
static fvm_err walk(scan *s, fvm_buf *out)
{
    while (s->at < s->text.len) {
        uint8_t c = s->text.ptr[s->at];
        size_t from = s->at;
        bool whole = false, quoted = false;
        if (c == '"') {
            skip_string(s);
            if (s->at > s->text.len) return FVM_ERR_MALFORMED;
        } else if ((c >= '0' && c <= '9') || c == '-') {
            size_t n = number_len(s, &whole);
            quoted = whole && too_long(s, n);
            if (quoted) s->longs = true;
            s->at += n;
        } else {
            if (c == '{' || c == '[') {
                if (++s->depth > FVM_RPC_JSON_DEPTH) return FVM_ERR_DEPTH;
            } else if (c == '}' || c == ']') {
                if (s->depth) s->depth--;
            }
            s->at++;
        }
        if (!out) continue;
        if (quoted) FVM_TRY(fvm_buf_put_u8(out, '"'));
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ s->text.ptr + from, s->at - from }));
        if (quoted) FVM_TRY(fvm_buf_put_u8(out, '"'));
    }
    return FVM_OK;
}

static fvm_err load(json_t **out, fvm_bytes text)
{
    json_error_t error;
    json_t *v = json_loadb((const char *)text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                           &error);
    if (!v)
        return json_error_code(&error) == json_error_out_of_memory ? FVM_ERR_NOMEM
                                                                   : FVM_ERR_MALFORMED;
    *out = v;
    return FVM_OK;
}

fvm_err fvm_rpc_json_parse(json_t **out, fvm_bytes text, const fvm_allocator *alloc)
{
    scan s = { .text = text };
    if (!text.len) return FVM_ERR_MALFORMED;
    FVM_TRY(walk(&s, NULL));
    if (!s.longs) return load(out, text);
    fvm_buf copy;
    fvm_buf_init(&copy, alloc);
    s = (scan){ .text = text };
    fvm_err err = walk(&s, &copy);
    if (err == FVM_OK) err = load(out, fvm_buf_bytes(&copy));
    fvm_buf_deinit(&copy);
    return err;
}
