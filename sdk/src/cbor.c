/* cbor.c - see fvm/actor/cbor.h. */
#include <fvm/actor/cbor.h>
#include <fvm/actor/heap.h>
#include <fvm/actor/struct.h>

#define NOINLINE __attribute__((noinline))

/* --- writing --- */

#define ROUND(n) (((n) + 15) & ~(size_t)15) /* to the heap's alignment */
#define GROWTH 256

fvm_enc fvm_enc_heap(size_t cap)
{
    cap = ROUND(cap);
    return fvm_enc_into((uint8_t *)fvm_heap_alloc(cap), cap);
}

fvm_bytes fvm_enc_done(fvm_enc *e)
{
    size_t len = (size_t)(e->at - e->start);
    if (fvm_heap_mark() == (void *)e->end) fvm_heap_release(e->start + ROUND(len));
    e->end = e->at;
    return (fvm_bytes){ e->start, len };
}

/* `len` more bytes, to be written by the caller. What ends where the heap does grows with it. */
static NOINLINE uint8_t *take(fvm_enc *e, size_t len)
{
    uint8_t *at = e->at;
    size_t left = (size_t)(e->end - at);
    if (len > left) {
        fvm_require(fvm_heap_mark() == (void *)e->end, FVM_USR_SERIALIZATION, "no room");
        size_t more = ROUND(len - left) + GROWTH;
        (void)fvm_heap_alloc(more);
        e->end += more;
    }
    e->at = at + len;
    return at;
}

NOINLINE void fvm_put_head(fvm_enc *e, unsigned major, uint64_t v)
{
    unsigned low = v < 24            ? (unsigned)v
                   : v <= 0xff       ? 24
                   : v <= 0xffff     ? 25
                   : v <= 0xffffffff ? 26
                                     : 27;
    unsigned n = low < 24 ? 0 : 1u << (low - 24);
    uint8_t *p = take(e, 1 + n);
    *p = (uint8_t)(major << 5 | low);
    for (; n; n--, v >>= 8) p[n] = (uint8_t)v;
}

void fvm_put_int(fvm_enc *e, int64_t v)
{
    uint64_t sign = (uint64_t)(v >> 63);
    fvm_put_head(e, (unsigned)(sign & 1), (uint64_t)v ^ sign);
}

void fvm_put_raw(fvm_enc *e, const void *bytes, size_t len)
{
    uint8_t *p = take(e, len);
    if (len) __builtin_memcpy(p, bytes, len);
}

void fvm_put_string(fvm_enc *e, unsigned major, const void *bytes, size_t len)
{
    fvm_put_head(e, major, len);
    fvm_put_raw(e, bytes, len);
}

void fvm_put_link(fvm_enc *e, const uint8_t *cid, size_t len)
{
    fvm_put_head(e, 6, 42);
    fvm_put_head(e, 2, len + 1);
    *take(e, 1) = 0; /* multibase: identity */
    fvm_put_raw(e, cid, len);
}

void fvm_put_cid(fvm_enc *e, const fvm_cid *v)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_put_link(e, bytes, fvm_cid_write(bytes, v));
}

void fvm_put_token(fvm_enc *e, fvm_token v)
{
    uint8_t bytes[17];
    fvm_uint128 magnitude = v < 0 ? -(fvm_uint128)v : (fvm_uint128)v;
    size_t at = sizeof bytes;
    for (; magnitude; magnitude >>= 8) bytes[--at] = (uint8_t)magnitude;
    if (at < sizeof bytes) bytes[--at] = v < 0;
    fvm_put_string(e, 2, bytes + at, sizeof bytes - at);
}

/* --- reading --- */

uint64_t fvm_dec_fail(fvm_dec *d)
{
    d->bad = true;
    d->at = d->end;
    return 0;
}

/* The argument of a head whose first byte, less its major, is `low`. */
static NOINLINE uint64_t argument(fvm_dec *d, unsigned low)
{
    uint64_t v = 0;
    if (low < 24) return low;
    if (low > 27) return fvm_dec_fail(d);
    size_t n = (size_t)1 << (low - 24);
    if ((size_t)(d->end - d->at) < n) return fvm_dec_fail(d);
    for (; n; n--) v = v << 8 | *d->at++;
    return v;
}

NOINLINE uint64_t fvm_get_head(fvm_dec *d, unsigned major)
{
    if (d->at == d->end) return fvm_dec_fail(d);
    return argument(d, *d->at++ & ~(major << 5)); /* masked, as the reference does */
}

uint64_t fvm_get_uint_max(fvm_dec *d, uint64_t max)
{
    uint64_t v = fvm_get_uint(d);
    return v <= max ? v : fvm_dec_fail(d);
}

uint32_t fvm_get_u32(fvm_dec *d)
{
    if (d->at != d->end && *d->at == 27) return (uint32_t)fvm_dec_fail(d);
    return (uint32_t)fvm_get_uint(d);
}

int64_t fvm_get_int(fvm_dec *d)
{
    if (d->at == d->end || *d->at >> 6) return (int64_t)fvm_dec_fail(d);
    bool negative = *d->at >> 5;
    uint64_t v = argument(d, *d->at++ & 31);
    if (v >> 63) return (int64_t)fvm_dec_fail(d);
    return negative ? ~(int64_t)v : (int64_t)v;
}

#define STEPS_MAX 256

/* An indefinite string: segments up to a break, joined in the heap. Segments may be indefinite again, as
 * deep as the reference's recursion limit. */
static NOINLINE fvm_bytes joined_string(fvm_dec *d, unsigned major)
{
    uint8_t *out = fvm_heap_alloc((size_t)(d->end - d->at));
    fvm_bytes joined = { out, 0 };
    unsigned depth = 0;
    do {
        unsigned head = d->at != d->end ? *d->at : 0, open = major << 5 | 31;
        if (head == open || head == 0xff) {
            d->at++;
            depth += head == open ? 1u : -1u;
            if (depth > STEPS_MAX) fvm_dec_fail(d);
            continue;
        }
        fvm_bytes segment = fvm_get_string(d, major);
        __builtin_memcpy(out + joined.len, segment.ptr, segment.len);
        joined.len += segment.len;
    } while (depth && !d->bad);
    return joined;
}

fvm_bytes fvm_get_string(fvm_dec *d, unsigned major)
{
    if (d->at != d->end && *d->at == (major << 5 | 31)) return joined_string(d, major);
    uint64_t len = fvm_get_head(d, major);
    if (len > (size_t)(d->end - d->at)) len = fvm_dec_fail(d);
    fvm_bytes v = { d->at, (size_t)len };
    d->at += len;
    return v;
}

/* Valid UTF-8 by the rules of Rust's str. */
static bool is_utf8(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        unsigned c = *p++;
        if (c < 0x80) continue;
        unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || (size_t)(end - p) < more) return false;
        unsigned code = c & (0x3fu >> more);
        for (unsigned i = 0; i < more; i++) {
            if ((*p & 0xc0) != 0x80) return false;
            code = code << 6 | (*p++ & 0x3fu);
        }
        /* not overlong, no surrogate, within Unicode */
        if (more == 2 && (code < 0x800 || code >> 11 == 27)) return false;
        if (more == 3 && (code < 0x10000 || code > 0x10ffff)) return false;
    }
    return true;
}

fvm_bytes fvm_get_text(fvm_dec *d)
{
    fvm_bytes v = fvm_get_string(d, 3);
    if (!is_utf8(v.ptr, v.ptr + v.len)) fvm_dec_fail(d);
    return v;
}

size_t fvm_get_array(fvm_dec *d)
{
    uint64_t count = fvm_get_head(d, 4);
    if (count > (size_t)(d->end - d->at)) count = fvm_dec_fail(d); /* each item takes a byte */
    return (size_t)count;
}

void fvm_get_tuple(fvm_dec *d, size_t count)
{
    if (fvm_get_head(d, 4) != count) fvm_dec_fail(d);
}

bool fvm_get_bool(fvm_dec *d)
{
    if (d->at == d->end || (*d->at & 0xfe) != 0xf4) return fvm_dec_fail(d);
    return *d->at++ & 1;
}

bool fvm_get_null(fvm_dec *d)
{
    bool is = d->at != d->end && *d->at == 0xf6;
    d->at += is;
    return is;
}

void fvm_get_cid(fvm_dec *d, fvm_cid *out)
{
    fvm_bytes v = { d->end, 0 };
    bool tagged = fvm_get_head(d, 6) == 42;
    /* the inner string must have its real major */
    if (tagged && d->at != d->end && *d->at >> 5 == 2) v = fvm_get_bytes(d);
    if (v.len < 2 || v.ptr[0] != 0 ||
        fvm_cid_read(out, NULL, (fvm_bytes){ v.ptr + 1, v.len - 1 }) != FVM_OK) {
        __builtin_memset(out, 0, sizeof *out);
        fvm_dec_fail(d);
    }
}

void fvm_get_address(fvm_dec *d, fvm_address *out)
{
    if (fvm_address_read(out, fvm_get_bytes(d), true) != FVM_OK) {
        __builtin_memset(out, 0, sizeof *out);
        fvm_dec_fail(d);
    }
}

fvm_token fvm_get_token(fvm_dec *d)
{
    fvm_bytes v = fvm_get_bytes(d);
    fvm_uint128 magnitude = 0;
    if (v.len == 0) return 0;
    if (v.ptr[0] > 1 || v.len > 128) return (fvm_token)fvm_dec_fail(d);
    for (size_t i = 1; i < v.len; i++) {
        if (magnitude >> 119) return (fvm_token)fvm_dec_fail(d);
        magnitude = magnitude << 8 | v.ptr[i];
    }
    return v.ptr[0] ? -(fvm_token)magnitude : (fvm_token)magnitude;
}

fvm_bytes fvm_get_item(fvm_dec *d)
{
    const uint8_t *start = d->at;
    uint64_t left = 1; /* items still to come; each takes a byte, so it cannot run away */
    while (left && !d->bad) {
        if (d->at == d->end) {
            fvm_dec_fail(d);
            break;
        }
        unsigned head = *d->at++, major = head >> 5;
        uint64_t v = argument(d, head & 31);
        left--;
        if (major == 6) left++;
        if (major == 2 || major == 3) {
            if (v > (size_t)(d->end - d->at)) v = fvm_dec_fail(d);
            d->at += v;
        }
        if (major == 4 || major == 5) {
            if (v > (size_t)(d->end - d->at)) v = fvm_dec_fail(d);
            left += major == 5 ? 2 * v : v;
        }
    }
    return (fvm_bytes){ d->bad ? d->end : start, d->bad ? 0 : (size_t)(d->at - start) };
}
