/* dagjson_write.c - DAG-CBOR to text. Recursion is bounded: the block is checked for depth first. */
#include "dagjson.h"

#include "base/text.h"
#include "cbor.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct writer {
    fvm_buf *out;
    unsigned indent;
} writer;

static fvm_err put(writer *w, const char *text)
{
    return fvm_buf_append(w->out, fvm_bytes_of(text));
}

static fvm_err new_line(writer *w, unsigned level)
{
    if (w->indent == 0) return FVM_OK;
    FVM_TRY(put(w, "\n"));
    for (unsigned i = 0; i < level * w->indent; i++) FVM_TRY(fvm_buf_put_u8(w->out, ' '));
    return FVM_OK;
}

static fvm_err put_string(writer *w, fvm_bytes text)
{
    FVM_TRY(put(w, "\""));
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        char escape[8] = { '\\', (char)c, 0 };
        if (c < 0x20 || c == 0x7f) {
            static const char short_forms[] = "\bb\tt\nn\ff\rr";
            const char *form = memchr(short_forms, c, sizeof short_forms - 1);
            if (form && (form - short_forms) % 2 == 0)
                escape[1] = form[1];
            else
                (void)snprintf(escape, sizeof escape, "\\u%04x", c);
        } else if (c != '"' && c != '\\') {
            FVM_TRY(fvm_buf_put_u8(w->out, c));
            continue;
        }
        FVM_TRY(put(w, escape));
    }
    return put(w, "\"");
}

/* The shortest decimal form that reads back as the same number, and is seen to be a float. */
static fvm_err put_float(writer *w, uint64_t bits)
{
    char text[40];
    double v, back;
    uint64_t back_bits;
    memcpy(&v, &bits, sizeof v);
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        back = strtod(text, NULL);
        memcpy(&back_bits, &back, sizeof back);
        if (back_bits == bits) break;
    }
    FVM_TRY(put(w, text));
    return strpbrk(text, ".e") ? FVM_OK : put(w, ".0");
}

static fvm_err put_bytes(writer *w, fvm_bytes bytes)
{
    FVM_TRY(put(w, w->indent ? "{\"/\": {\"bytes\": \"" : "{\"/\":{\"bytes\":\""));
    FVM_TRY(fvm_base64_encode(w->out, bytes));
    while (w->out->ptr[w->out->len - 1] == '=') w->out->len--; /* stops at the quote at least */
    return put(w, "\"}}");
}

static fvm_err put_link(writer *w, fvm_bytes *in)
{
    fvm_cid cid;
    char text[FVM_CID_TEXT_MAX];
    FVM_TRY(fvm_cbor_cid(&cid, in));
    (void)fvm_cid_to_text(text, &cid);
    FVM_TRY(put(w, w->indent ? "{\"/\": \"" : "{\"/\":\""));
    FVM_TRY(put(w, text));
    return put(w, "\"}");
}

typedef struct pair {
    fvm_bytes key;
    fvm_bytes value; /* one item */
} pair;

static int compare_pairs(const void *a, const void *b)
{
    return fvm_bytes_cmp(((const pair *)a)->key, ((const pair *)b)->key);
}

/* {"/": text} and {"/": {"bytes": text}} mean other things in DAG-JSON. */
static bool is_reserved(const pair *pairs, uint64_t count)
{
    if (count != 1 || !fvm_bytes_eq(pairs[0].key, FVM_STR("/"))) return false;
    fvm_bytes in = pairs[0].value, key;
    uint8_t major;
    uint64_t n;
    fvm_err err = fvm_cbor_head(&major, &n, &in);
    if (err == FVM_OK && major == 3) return true;
    if (err != FVM_OK || major != 5 || n != 1) return false;
    return fvm_cbor_text(&key, &in, NULL) == FVM_OK && fvm_bytes_eq(key, FVM_STR("bytes")) &&
           fvm_cbor_head(&major, &n, &in) == FVM_OK && major == 3;
}

static fvm_err put_item(writer *w, fvm_bytes *in, unsigned level);

static fvm_err read_pairs(fvm_buf *pairs, fvm_bytes *in, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        pair p;
        uint8_t major;
        uint64_t len;
        fvm_bytes key = *in;
        FVM_TRY(fvm_cbor_head(&major, &len, &key));
        if (major != 3) return FVM_ERR_MALFORMED;
        FVM_TRY(fvm_cbor_text(&p.key, in, NULL));
        FVM_TRY(fvm_cbor_item(&p.value, in));
        FVM_TRY(fvm_buf_append(pairs, (fvm_bytes){ (const uint8_t *)&p, sizeof p }));
    }
    return FVM_OK;
}

static fvm_err put_pairs(writer *w, const pair *pairs, uint64_t count, unsigned level)
{
    if (is_reserved(pairs, count)) return FVM_ERR_INVALID;
    FVM_TRY(put(w, "{"));
    for (uint64_t i = 0; i < count; i++) {
        fvm_bytes value = pairs[i].value;
        if (i > 0 && fvm_bytes_eq(pairs[i].key, pairs[i - 1].key)) return FVM_ERR_MALFORMED;
        if (i > 0) FVM_TRY(put(w, ","));
        FVM_TRY(new_line(w, level + 1));
        FVM_TRY(put_string(w, pairs[i].key));
        FVM_TRY(put(w, w->indent ? ": " : ":"));
        FVM_TRY(put_item(w, &value, level + 1));
    }
    if (count) FVM_TRY(new_line(w, level));
    return put(w, "}");
}

static fvm_err put_map(writer *w, fvm_bytes *in, uint64_t count, unsigned level)
{
    fvm_buf pairs;
    fvm_buf_init(&pairs, w->out->alloc);
    fvm_err err = read_pairs(&pairs, in, count);
    if (err == FVM_OK) {
        if (count) qsort(pairs.ptr, (size_t)count, sizeof(pair), compare_pairs);
        err = put_pairs(w, (const pair *)(void *)pairs.ptr, count, level);
    }
    fvm_buf_deinit(&pairs);
    return err;
}

static fvm_err put_array(writer *w, fvm_bytes *in, uint64_t count, unsigned level)
{
    FVM_TRY(put(w, "["));
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0) FVM_TRY(put(w, ","));
        FVM_TRY(new_line(w, level + 1));
        FVM_TRY(put_item(w, in, level + 1));
    }
    if (count) FVM_TRY(new_line(w, level));
    return put(w, "]");
}

/* -1 - n, which may lie below what 64 bits hold. */
static fvm_err put_negative(writer *w, uint64_t n)
{
    char text[32];
    if (n == UINT64_MAX) return put(w, "-18446744073709551616");
    (void)snprintf(text, sizeof text, "-%llu", (unsigned long long)n + 1);
    return put(w, text);
}

static fvm_err put_simple(writer *w, uint8_t head, uint64_t value)
{
    switch (head) {
    case 0xf4: return put(w, "false");
    case 0xf5: return put(w, "true");
    case 0xf6: return put(w, "null");
    case 0xfb: return put_float(w, value);
    default: return FVM_ERR_MALFORMED;
    }
}

static fvm_err put_item(writer *w, fvm_bytes *in, unsigned level)
{
    char number[24];
    uint8_t major, first = in->len ? in->ptr[0] : 0;
    uint64_t n;
    fvm_bytes rest = *in, view;
    if (level >= FVM_DAGJSON_DEPTH_MAX && (first >> 5 == 4 || first >> 5 == 5))
        return FVM_ERR_DEPTH;
    if (first >> 5 == 6) return put_link(w, in);
    if (first >> 5 == 7) {
        FVM_TRY(fvm_cbor_item(&view, in));
        n = view.len == 9 ? fvm_load_be64(view.ptr + 1) : 0;
        return put_simple(w, first, n);
    }
    FVM_TRY(fvm_cbor_head(&major, &n, &rest));
    switch (major) {
    case 0:
        *in = rest;
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)n);
        return put(w, number);
    case 1: *in = rest; return put_negative(w, n);
    case 2: FVM_TRY(fvm_cbor_bytes(&view, in, NULL)); return put_bytes(w, view);
    case 3: FVM_TRY(fvm_cbor_text(&view, in, NULL)); return put_string(w, view);
    case 4: *in = rest; return put_array(w, in, n, level);
    default: *in = rest; return put_map(w, in, n, level);
    }
}

fvm_err fvm_dagjson_write(fvm_buf *out, fvm_bytes block, unsigned indent)
{
    writer w = { out, indent };
    size_t start = out->len;
    fvm_bytes in = block, whole;
    FVM_TRY(fvm_cbor_item(&whole, &in)); /* depth, UTF-8, links: the strict reader's checks */
    FVM_TRY(fvm_cbor_end(in));
    /* a host may have set a locale in which numbers have a comma */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) return FVM_ERR_NOMEM;
    locale_t before = uselocale(plain);
    fvm_err err = put_item(&w, &whole, 0);
    (void)uselocale(before);
    freelocale(plain);
    if (err != FVM_OK) out->len = start;
    return err;
}
