/* json_out.c - writing of JSON text; see json_out.h. */
#include "json_out.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fvm_jo_init(fvm_jo *o, const fvm_allocator *alloc)
{
    fvm_buf_init(&o->buf, alloc);
    o->comma = o->failed = false;
}

void fvm_jo_deinit(fvm_jo *o)
{
    fvm_buf_deinit(&o->buf);
    o->comma = o->failed = false;
}

/* Room for `n` bytes at the end, or NULL. */
static uint8_t *room(fvm_jo *o, size_t n)
{
    if (o->failed) return NULL;
    if (o->buf.cap - o->buf.len < n && fvm_buf_reserve(&o->buf, n) != FVM_OK) {
        o->failed = true;
        return NULL;
    }
    return o->buf.ptr + o->buf.len;
}

static void put(fvm_jo *o, const void *bytes, size_t n)
{
    uint8_t *at = room(o, n);
    if (!at || !n) return;
    memcpy(at, bytes, n);
    o->buf.len += n;
}

/* A value begins: the comma before it, when it is not the first. */
static void value(fvm_jo *o)
{
    if (o->comma) put(o, ",", 1);
    o->comma = true;
}

void fvm_jo_raw(fvm_jo *o, fvm_bytes json)
{
    value(o);
    put(o, json.ptr, json.len);
}

void fvm_jo_begin(fvm_jo *o, char open)
{
    value(o);
    put(o, &open, 1);
    o->comma = false;
}

void fvm_jo_end(fvm_jo *o, char close)
{
    put(o, &close, 1);
    o->comma = true;
}

void fvm_jo_key(fvm_jo *o, const char *name)
{
    size_t n = strlen(name);
    value(o);
    uint8_t *at = room(o, n + 3);
    if (!at) return;
    at[0] = '"';
    memcpy(at + 1, name, n);
    at[n + 1] = '"';
    at[n + 2] = ':';
    o->buf.len += n + 3;
    o->comma = false;
}

void fvm_jo_null(fvm_jo *o)
{
    value(o);
    put(o, "null", 4);
}

void fvm_jo_bool(fvm_jo *o, bool v)
{
    value(o);
    put(o, v ? "true" : "false", v ? 4 : 5);
}

void fvm_jo_u64(fvm_jo *o, uint64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, v);
    value(o);
    put(o, text, (size_t)n);
}

void fvm_jo_i64(fvm_jo *o, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, v);
    value(o);
    put(o, text, (size_t)n);
}

void fvm_jo_double(fvm_jo *o, double v)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%.17g", v);
    for (int i = 0; i < n; i++)
        if (text[i] == ',') text[i] = '.'; /* some locale's sign; JSON has one */
    value(o);
    put(o, text, (size_t)n);
}

/* Bytes of the UTF-8 character at the front of `in`, 0 when there is none. */
static size_t utf8_len(fvm_bytes in)
{
    uint8_t b = in.ptr[0];
    size_t n = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : 4;
    if (n == 1) return 1;
    if (n == 4 && (b < 0xf0 || b > 0xf4)) return 0;
    if (n > in.len) return 0;
    for (size_t i = 1; i < n; i++)
        if ((in.ptr[i] & 0xc0) != 0x80) return 0;
    uint8_t c = in.ptr[1];
    if ((b == 0xe0 && c < 0xa0) || (b == 0xed && c > 0x9f)) return 0; /* overlong, surrogate */
    if ((b == 0xf0 && c < 0x90) || (b == 0xf4 && c > 0x8f)) return 0;
    return n;
}

/* One character that is not written as it is. Returns the bytes of `in` that it stands for. */
static size_t put_escaped(fvm_jo *o, fvm_bytes in)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* character, letter */
    uint8_t b = in.ptr[0];
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((uint8_t)names[i] != b) continue;
        put(o, (char[]){ '\\', names[i + 1] }, 2);
        return 1;
    }
    if (b >= 0x20) {
        put(o, "\xef\xbf\xbd", 3);
        return 1;
    }
    char text[8];
    int n = snprintf(text, sizeof text, "\\u%04x", b);
    put(o, text, (size_t)n);
    return 1;
}

void fvm_jo_text(fvm_jo *o, fvm_bytes text)
{
    value(o);
    put(o, "\"", 1);
    for (size_t at = 0, from = 0; at < text.len || from < at;) {
        size_t n = 0;
        if (at < text.len && text.ptr[at] >= 0x20 && text.ptr[at] != '"' && text.ptr[at] != '\\')
            n = utf8_len((fvm_bytes){ text.ptr + at, text.len - at });
        if (n) {
            at += n;
            continue;
        }
        put(o, text.ptr + from, at - from);
        if (at < text.len) at += put_escaped(o, (fvm_bytes){ text.ptr + at, text.len - at });
        from = at;
    }
    put(o, "\"", 1);
}

void fvm_jo_str(fvm_jo *o, const char *text)
{
    fvm_jo_text(o, fvm_bytes_of(text));
}

void fvm_jo_format(fvm_jo *o, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    fvm_jo_text(o, (fvm_bytes){ (uint8_t *)text, len < sizeof text ? len : sizeof text - 1 });
}

static int put_dumped(const char *text, size_t n, void *ctx)
{
    put(ctx, text, n);
    return 0;
}

void fvm_jo_json(fvm_jo *o, const json_t *v)
{
    value(o);
    if (json_dump_callback(v, put_dumped, o, JSON_COMPACT | JSON_ENCODE_ANY) != 0) o->failed = true;
}

/* --- Ethereum --- */

static const char hex_digits[] = "0123456789abcdef";

void fvm_jo_quantity(fvm_jo *o, uint64_t v)
{
    char text[20] = { '"', '0', 'x' };
    size_t digits = v ? (size_t)(67 - __builtin_clzll(v)) / 4 : 1;
    for (size_t i = 0; i < digits; i++) text[3 + i] = hex_digits[v >> 4 * (digits - 1 - i) & 15];
    text[3 + digits] = '"';
    value(o);
    put(o, text, digits + 4);
}

void fvm_jo_quantity_big(fvm_jo *o, const fvm_big *v)
{
    if (v->count == 0 || v->negative) {
        fvm_jo_quantity(o, 0);
        return;
    }
    if (v->count == 1) {
        fvm_jo_quantity(o, v->limb[0]);
        return;
    }
    char text[FVM_BIG_LIMBS * 16 + 8];
    int n = snprintf(text, sizeof text, "\"0x%" PRIx64, v->limb[v->count - 1]);
    for (size_t i = v->count - 1u; i-- > 0;)
        n += snprintf(text + n, sizeof text - (size_t)n, "%016" PRIx64, v->limb[i]);
    text[n++] = '"';
    value(o);
    put(o, text, (size_t)n);
}

void fvm_jo_hex(fvm_jo *o, fvm_bytes bytes)
{
    value(o);
    if (bytes.len > (SIZE_MAX - 4) / 2) {
        o->failed = true;
        return;
    }
    uint8_t *at = room(o, bytes.len * 2 + 4);
    if (!at) return;
    memcpy(at, "\"0x", 3);
    for (size_t i = 0; i < bytes.len; i++) {
        at[3 + 2 * i] = (uint8_t)hex_digits[bytes.ptr[i] >> 4];
        at[4 + 2 * i] = (uint8_t)hex_digits[bytes.ptr[i] & 15];
    }
    at[3 + 2 * bytes.len] = '"';
    o->buf.len += bytes.len * 2 + 4;
}

/* --- Filecoin --- */

void fvm_jo_amount(fvm_jo *o, const fvm_big *v)
{
    char text[FVM_BIG_TEXT_MAX];
    size_t n = fvm_big_to_text(text, v);
    value(o);
    put(o, "\"", 1);
    put(o, text, n);
    put(o, "\"", 1);
}

void fvm_jo_base64(fvm_jo *o, fvm_bytes bytes)
{
    value(o);
    put(o, "\"", 1);
    if (!o->failed && fvm_base64_encode(&o->buf, bytes) != FVM_OK) o->failed = true;
    put(o, "\"", 1);
}

void fvm_jo_cid(fvm_jo *o, const fvm_cid *cid)
{
    char text[FVM_CID_TEXT_MAX];
    size_t n = fvm_cid_to_text(text, cid);
    value(o);
    put(o, "{\"/\":\"", 6);
    put(o, text, n);
    put(o, "\"}", 2);
}

void fvm_jo_address(fvm_jo *o, const fvm_address *address, char network)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    size_t n = fvm_address_to_text(text, address, network);
    value(o);
    put(o, "\"", 1);
    put(o, text, n);
    put(o, "\"", 1);
}
