/* dagjson_read.c - text to canonical DAG-CBOR: shortest heads, floats of 64 bits, map keys by length
 * and then by bytes. The recursion of values is bounded by FVM_DAGJSON_DEPTH_MAX. */
#include "dagjson.h"

#include "base/text.h"
#include "cbor.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

typedef struct reader {
    fvm_bytes in; /* what is left */
    const fvm_allocator *alloc;
} reader;

static fvm_err read_value(reader *r, fvm_buf *out, unsigned depth);

static void skip_space(reader *r)
{
    while (r->in.len && (r->in.ptr[0] == ' ' || r->in.ptr[0] == '\t' || r->in.ptr[0] == '\n' ||
                         r->in.ptr[0] == '\r')) {
        r->in.ptr++;
        r->in.len--;
    }
}

/* The next character that is no white space; 0 at the end. */
static uint8_t peek(reader *r)
{
    skip_space(r);
    return r->in.len ? r->in.ptr[0] : 0;
}

static void advance(reader *r, size_t n)
{
    r->in.ptr += n;
    r->in.len -= n;
}

static fvm_err expect(reader *r, char c)
{
    skip_space(r);
    if (r->in.len == 0) return FVM_ERR_TRUNCATED;
    if (r->in.ptr[0] != (uint8_t)c) return FVM_ERR_MALFORMED;
    advance(r, 1);
    return FVM_OK;
}

/* --- strings --- */

static fvm_err read_hex4(reader *r, uint32_t *out)
{
    uint32_t v = 0;
    if (r->in.len < 4) return FVM_ERR_TRUNCATED;
    for (int i = 0; i < 4; i++) {
        uint8_t c = r->in.ptr[i], lower = (uint8_t)(c | 0x20);
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return FVM_ERR_MALFORMED;
    }
    advance(r, 4);
    *out = v;
    return FVM_OK;
}

static fvm_err put_code_point(fvm_buf *out, uint32_t c)
{
    uint8_t b[4];
    size_t n;
    if (c < 0x80) {
        b[0] = (uint8_t)c, n = 1;
    } else if (c < 0x800) {
        b[0] = (uint8_t)(0xc0 | c >> 6), b[1] = (uint8_t)(0x80 | (c & 0x3f)), n = 2;
    } else if (c < 0x10000) {
        b[0] = (uint8_t)(0xe0 | c >> 12), b[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c & 0x3f)), n = 3;
    } else {
        b[0] = (uint8_t)(0xf0 | c >> 18), b[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f)), b[3] = (uint8_t)(0x80 | (c & 0x3f)), n = 4;
    }
    return fvm_buf_append(out, (fvm_bytes){ b, n });
}

/* Behind \u: one code unit, or two that make a code point. Lone surrogates are no text. */
static fvm_err read_unicode(reader *r, fvm_buf *out)
{
    uint32_t high, low;
    FVM_TRY(read_hex4(r, &high));
    if (high < 0xd800 || high > 0xdfff) return put_code_point(out, high);
    if (high > 0xdbff) return FVM_ERR_MALFORMED;
    if (r->in.len > 0 && r->in.ptr[0] != '\\') return FVM_ERR_MALFORMED;
    if (r->in.len < 2) return FVM_ERR_TRUNCATED;
    if (r->in.ptr[1] != 'u') return FVM_ERR_MALFORMED;
    advance(r, 2);
    FVM_TRY(read_hex4(r, &low));
    if (low < 0xdc00 || low > 0xdfff) return FVM_ERR_MALFORMED;
    return put_code_point(out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

static fvm_err read_escape(reader *r, fvm_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->in.len == 0) return FVM_ERR_TRUNCATED;
    uint8_t c = r->in.ptr[0];
    const char *form = c ? strchr(from, c) : NULL;
    if (!form && c != 'u') return FVM_ERR_MALFORMED;
    advance(r, 1);
    return form ? fvm_buf_put_u8(out, (uint8_t)to[form - from]) : read_unicode(r, out);
}

/* A string, its escapes resolved, appended to `out`. */
static fvm_err read_string(reader *r, fvm_buf *out)
{
    size_t start = out->len;
    FVM_TRY(expect(r, '"'));
    for (;;) {
        size_t n = 0;
        while (n < r->in.len && r->in.ptr[n] != '"' && r->in.ptr[n] != '\\' && r->in.ptr[n] >= 0x20)
            n++;
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ r->in.ptr, n }));
        advance(r, n);
        if (r->in.len == 0) return FVM_ERR_TRUNCATED;
        uint8_t c = r->in.ptr[0];
        if (c < 0x20) return FVM_ERR_MALFORMED;
        advance(r, 1);
        if (c == '"') break;
        FVM_TRY(read_escape(r, out));
    }
    bool valid = fvm_utf8_valid(
        (fvm_bytes){ out->ptr ? out->ptr + start : NULL, out->len - start });
    return valid ? FVM_OK : FVM_ERR_MALFORMED;
}

/* --- numbers --- */

static size_t count_digits(fvm_bytes in)
{
    size_t n = 0;
    while (n < in.len && in.ptr[n] >= '0' && in.ptr[n] <= '9') n++;
    return n;
}

/* The length of a JSON number, and whether it is a float. 0: it is none. */
static size_t number_length(fvm_bytes in, bool *is_float)
{
    size_t at = in.len && in.ptr[0] == '-', digits;
    *is_float = false;
    digits = count_digits((fvm_bytes){ in.ptr + at, in.len - at });
    if (digits == 0 || (digits > 1 && in.ptr[at] == '0')) return 0;
    at += digits;
    if (at < in.len && in.ptr[at] == '.') {
        *is_float = true;
        at++;
        if ((digits = count_digits((fvm_bytes){ in.ptr + at, in.len - at })) == 0) return 0;
        at += digits;
    }
    if (at < in.len && (in.ptr[at] | 0x20) == 'e') {
        *is_float = true;
        at++;
        if (at < in.len && (in.ptr[at] == '+' || in.ptr[at] == '-')) at++;
        if ((digits = count_digits((fvm_bytes){ in.ptr + at, in.len - at })) == 0) return 0;
        at += digits;
    }
    return at;
}

static fvm_err put_float(fvm_buf *out, fvm_bytes text)
{
    char room[512];
    uint8_t bytes[9] = { 0xfb };
    uint64_t bits;
    if (text.len >= sizeof room) return FVM_ERR_RANGE;
    memcpy(room, text.ptr, text.len);
    room[text.len] = 0;
    double v = strtod(room, NULL);
    if (!isfinite(v)) return FVM_ERR_RANGE;
    memcpy(&bits, &v, sizeof bits);
    fvm_store_be64(bytes + 1, bits);
    return fvm_buf_append(out, (fvm_bytes){ bytes, sizeof bytes });
}

/* From -2^64 to 2^64 - 1. */
static fvm_err put_integer(fvm_buf *out, fvm_bytes text)
{
    bool negative = text.ptr[0] == '-';
    uint64_t v = 0;
    for (size_t i = negative; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        /* -2^64 is the one number whose digits do not fit; its CBOR argument does */
        if (negative && i + 1 == text.len && v == UINT64_MAX / 10 && digit == 6)
            return fvm_buf_append(out, FVM_BYTES(0x3b, 255, 255, 255, 255, 255, 255, 255, 255));
        if (!fvm_mul_u64(&v, v, 10) || !fvm_add_u64(&v, v, digit)) return FVM_ERR_RANGE;
    }
    if (!negative || v == 0) return fvm_cbor_put_uint(out, v); /* -0 is 0 */
    size_t start = out->len;
    FVM_TRY(fvm_cbor_put_uint(out, v - 1));
    out->ptr[start] |= 0x20;
    return FVM_OK;
}

static fvm_err read_number(reader *r, fvm_buf *out)
{
    bool is_float;
    size_t n = number_length(r->in, &is_float);
    if (n == 0) return FVM_ERR_MALFORMED;
    fvm_bytes text = { r->in.ptr, n };
    FVM_TRY(is_float ? put_float(out, text) : put_integer(out, text));
    advance(r, n);
    return FVM_OK;
}

/* --- maps --- */

/* A map under way: `bytes` holds keys and values one after the other, `pairs` where they lie. */
typedef struct pair {
    size_t key, key_len; /* the text, without head */
    size_t value, value_len;
} pair;

typedef struct map {
    fvm_buf bytes, pairs;
} map;

/* qsort has no context; so positions are pointers while it sorts. */
typedef struct sorted {
    fvm_bytes key, value;
} sorted;

static int compare_sorted(const void *a, const void *b)
{
    fvm_bytes x = ((const sorted *)a)->key, y = ((const sorted *)b)->key;
    if (x.len != y.len) return x.len < y.len ? -1 : 1;
    return fvm_bytes_cmp(x, y);
}

static fvm_err read_pairs(reader *r, map *m, unsigned depth)
{
    FVM_TRY(expect(r, '{'));
    if (peek(r) == '}') {
        advance(r, 1);
        return FVM_OK;
    }
    for (;;) {
        pair p = { .key = m->bytes.len };
        FVM_TRY(read_string(r, &m->bytes));
        p.key_len = m->bytes.len - p.key;
        FVM_TRY(expect(r, ':'));
        p.value = m->bytes.len;
        FVM_TRY(read_value(r, &m->bytes, depth + 1));
        p.value_len = m->bytes.len - p.value;
        FVM_TRY(fvm_buf_append(&m->pairs, (fvm_bytes){ (const uint8_t *)&p, sizeof p }));
        if (peek(r) != ',') return expect(r, '}');
        advance(r, 1);
    }
}

/* Base64 without padding, or with it. */
static fvm_err put_base64(reader *r, fvm_buf *out, fvm_bytes text)
{
    fvm_buf padded, bytes;
    fvm_buf_init(&padded, r->alloc);
    fvm_buf_init(&bytes, r->alloc);
    fvm_err err = fvm_buf_append(&padded, text);
    while (err == FVM_OK && padded.len % 4) err = fvm_buf_put_u8(&padded, '=');
    if (err == FVM_OK) err = fvm_base64_decode(&bytes, fvm_buf_bytes(&padded));
    if (err == FVM_OK) err = fvm_cbor_put_bytes(out, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&padded);
    fvm_buf_deinit(&bytes);
    return err;
}

/* What {"/": value} stands for, `value` in CBOR. `*special` false: for itself. */
static fvm_err put_special(reader *r, fvm_buf *out, bool *special, fvm_bytes value)
{
    uint8_t major;
    uint64_t n;
    fvm_bytes in = value, key, text;
    fvm_cid cid;
    *special = false;
    FVM_TRY(fvm_cbor_head(&major, &n, &in));
    if (major == 3) {
        *special = true;
        FVM_TRY(fvm_cbor_text(&text, &value, NULL));
        FVM_TRY(fvm_cid_from_text(&cid, text));
        return fvm_cbor_put_cid(out, &cid);
    }
    if (major != 5 || n != 1) return FVM_OK;
    FVM_TRY(fvm_cbor_text(&key, &in, NULL));
    fvm_bytes inner = in;
    FVM_TRY(fvm_cbor_head(&major, &n, &inner));
    if (!fvm_bytes_eq(key, FVM_STR("bytes")) || major != 3) return FVM_OK;
    *special = true;
    FVM_TRY(fvm_cbor_text(&text, &in, NULL));
    return put_base64(r, out, text);
}

static fvm_err put_sorted(fvm_buf *out, sorted *list, size_t count)
{
    if (count) qsort(list, count, sizeof *list, compare_sorted);
    FVM_TRY(fvm_cbor_put_map(out, count));
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && fvm_bytes_eq(list[i].key, list[i - 1].key)) return FVM_ERR_MALFORMED;
        FVM_TRY(fvm_cbor_put_text(out, list[i].key));
        FVM_TRY(fvm_cbor_put_raw(out, list[i].value));
    }
    return FVM_OK;
}

static fvm_err put_map(reader *r, fvm_buf *out, const map *m)
{
    const pair *pairs = (const pair *)(const void *)m->pairs.ptr;
    size_t count = m->pairs.len / sizeof *pairs;
    bool special = false;
    if (count == 1 && pairs[0].key_len == 1 && m->bytes.ptr[pairs[0].key] == '/') {
        fvm_bytes value = { m->bytes.ptr + pairs[0].value, pairs[0].value_len };
        FVM_TRY(put_special(r, out, &special, value));
        if (special) return FVM_OK;
    }
    sorted *list = fvm_mem_alloc(r->alloc, count * sizeof *list);
    if (count && !list) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        list[i] = (sorted){ { m->bytes.ptr + pairs[i].key, pairs[i].key_len },
                            { m->bytes.ptr + pairs[i].value, pairs[i].value_len } };
    fvm_err err = put_sorted(out, list, count);
    fvm_mem_free(r->alloc, list, count * sizeof *list);
    return err;
}

static fvm_err read_map(reader *r, fvm_buf *out, unsigned depth)
{
    map m;
    fvm_buf_init(&m.bytes, r->alloc);
    fvm_buf_init(&m.pairs, r->alloc);
    fvm_err err = read_pairs(r, &m, depth);
    if (err == FVM_OK) err = put_map(r, out, &m);
    fvm_buf_deinit(&m.bytes);
    fvm_buf_deinit(&m.pairs);
    return err;
}

/* --- values --- */

static fvm_err read_items(reader *r, fvm_buf *items, uint64_t *count, unsigned depth)
{
    *count = 0;
    FVM_TRY(expect(r, '['));
    if (peek(r) == ']') {
        advance(r, 1);
        return FVM_OK;
    }
    for (;;) {
        FVM_TRY(read_value(r, items, depth + 1));
        ++*count;
        if (peek(r) != ',') return expect(r, ']');
        advance(r, 1);
    }
}

static fvm_err read_array(reader *r, fvm_buf *out, unsigned depth)
{
    fvm_buf items;
    uint64_t count;
    fvm_buf_init(&items, r->alloc);
    fvm_err err = read_items(r, &items, &count, depth);
    if (err == FVM_OK) err = fvm_cbor_put_array(out, count);
    if (err == FVM_OK) err = fvm_cbor_put_raw(out, fvm_buf_bytes(&items));
    fvm_buf_deinit(&items);
    return err;
}

static fvm_err read_text(reader *r, fvm_buf *out)
{
    fvm_buf text;
    fvm_buf_init(&text, r->alloc);
    fvm_err err = read_string(r, &text);
    if (err == FVM_OK) err = fvm_cbor_put_text(out, fvm_buf_bytes(&text));
    fvm_buf_deinit(&text);
    return err;
}

static fvm_err read_word(reader *r, fvm_buf *out)
{
    static const struct {
        fvm_bytes word;
        uint8_t head;
    } words[] = { { { (const uint8_t *)"false", 5 }, 0xf4 },
                  { { (const uint8_t *)"true", 4 }, 0xf5 },
                  { { (const uint8_t *)"null", 4 }, 0xf6 } };
    for (size_t i = 0; i < FVM_COUNT(words); i++) {
        fvm_bytes word = words[i].word;
        if (r->in.len < word.len || memcmp(r->in.ptr, word.ptr, word.len) != 0) continue;
        advance(r, word.len);
        return fvm_buf_put_u8(out, words[i].head);
    }
    return FVM_ERR_MALFORMED;
}

static fvm_err read_value(reader *r, fvm_buf *out, unsigned depth)
{
    uint8_t c = peek(r);
    if (r->in.len == 0) return FVM_ERR_TRUNCATED;
    if (c == '"') return read_text(r, out);
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, out);
    if (c != '{' && c != '[') return read_word(r, out);
    if (depth >= FVM_DAGJSON_DEPTH_MAX) return FVM_ERR_DEPTH;
    return c == '{' ? read_map(r, out, depth) : read_array(r, out, depth);
}

fvm_err fvm_dagjson_read(fvm_buf *out, fvm_bytes text, size_t *at)
{
    reader r = { text, out->alloc };
    size_t start = out->len;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* see dagjson_write.c */
    if (plain == (locale_t)0) return FVM_ERR_NOMEM;
    locale_t before = uselocale(plain);
    fvm_err err = read_value(&r, out, 0);
    (void)uselocale(before);
    freelocale(plain);
    if (err == FVM_OK && peek(&r) != 0) err = FVM_ERR_TRAILING;
    if (err == FVM_OK && r.in.len > 0) err = FVM_ERR_TRAILING; /* a NUL */
    if (err == FVM_OK) return FVM_OK;
    out->len = start;
    if (at) *at = text.len - r.in.len;
    return err;
}
