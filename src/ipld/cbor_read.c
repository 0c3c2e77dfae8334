/* cbor_read.c - the typed reader. It accepts exactly what the reference's typed decoder accepts
 * (cbor4ii 0.2.14 under serde_ipld_dagcbor 0.6.4), odd as that is: the head is tested as
 * `byte & ~(major << 5)`, so that some wrong majors pass, and indefinite strings are joined.
 * See reference/ipld.md 7.2 and 7.3. */
#include "cbor.h"

#include "cbor_internal.h"
#include "cid_common.h"

/* The argument of a head whose low bits are `low` (major already dealt with); `in` stands behind the
 * head byte. `max_log` is the widest argument accepted, as log2 of its bytes: u32 stops at 2. */
static fvm_err read_argument(uint64_t *out, fvm_bytes *in, uint8_t low, unsigned max_log)
{
    if (low < 24) {
        *out = low;
        return FVM_OK;
    }
    unsigned log = low - 24u;
    if (log > max_log) return log <= 3 ? FVM_ERR_RANGE : FVM_ERR_MALFORMED;
    fvm_bytes arg;
    FVM_TRY(fvm_bytes_take(&arg, in, (uint64_t)1 << log));
    uint64_t v = 0;
    for (size_t i = 0; i < arg.len; i++) v = v << 8 | arg.ptr[i];
    *out = v;
    return FVM_OK;
}

/* A head of major `major`, masked. Bits of other majors remain set and make `low` 32 or more. */
static fvm_err masked_head(uint64_t *out, fvm_bytes *in, unsigned major, unsigned max_log)
{
    fvm_bytes rest = *in, head;
    uint64_t v;
    if (rest.len && (uint8_t)(rest.ptr[0] & ~(major << 5)) < 24) { /* most heads are one byte */
        *out = rest.ptr[0] & ~(major << 5) & 0xff;
        *in = (fvm_bytes){ rest.ptr + 1, rest.len - 1 };
        return FVM_OK;
    }
    FVM_TRY(fvm_bytes_take(&head, &rest, 1));
    FVM_TRY(read_argument(&v, &rest, (uint8_t)(head.ptr[0] & ~(major << 5)), max_log));
    *out = v;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_cbor_head(uint8_t *major, uint64_t *value, fvm_bytes *in)
{
    fvm_bytes rest = *in, head;
    uint64_t v;
    if (rest.len && (rest.ptr[0] & 0x1f) < 24) {
        *major = rest.ptr[0] >> 5;
        *value = rest.ptr[0] & 0x1f;
        *in = (fvm_bytes){ rest.ptr + 1, rest.len - 1 };
        return FVM_OK;
    }
    FVM_TRY(fvm_bytes_take(&head, &rest, 1));
    FVM_TRY(read_argument(&v, &rest, head.ptr[0] & 0x1f, 3));
    *major = head.ptr[0] >> 5;
    *value = v;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_cbor_uint(uint64_t *out, fvm_bytes *in)
{
    return masked_head(out, in, CBOR_UINT, 3);
}

fvm_err fvm_cbor_u32(uint32_t *out, fvm_bytes *in)
{
    uint64_t v;
    FVM_TRY(masked_head(&v, in, CBOR_UINT, 2));
    *out = (uint32_t)v;
    return FVM_OK;
}

fvm_err fvm_cbor_int(int64_t *out, fvm_bytes *in)
{
    fvm_bytes rest = *in;
    uint8_t major;
    uint64_t v;
    FVM_TRY(fvm_cbor_head(&major, &v, &rest));
    if (major != CBOR_UINT && major != CBOR_NINT) return FVM_ERR_MALFORMED;
    if (v > INT64_MAX) return FVM_ERR_RANGE;
    *out = major == CBOR_UINT ? (int64_t)v : -1 - (int64_t)v;
    *in = rest;
    return FVM_OK;
}

/* --- strings --- */

#ifdef __wasm__
/* What an actor reads has passed the kernel's scan of blocks, which refuses indefinite strings. */
static fvm_err take_segments(fvm_bytes *in, unsigned major, fvm_buf *join, uint8_t *first,
                             size_t first_cap, size_t *first_len)
{
    (void)in, (void)major, (void)join, (void)first, (void)first_cap, (void)first_len;
    return FVM_ERR_MALFORMED;
}
#else
/* Takes the segments of an indefinite string, whose head is taken already, up to its break. Segments
 * may be indefinite again, as deep as the reference's recursion limit. Joined into `join` (if not
 * NULL), and the first bytes into `first`, which holds `*first_len` of `first_cap`. */
static fvm_err take_segments(fvm_bytes *in, unsigned major, fvm_buf *join, uint8_t *first,
                             size_t first_cap, size_t *first_len)
{
    const uint8_t open = (uint8_t)(major << 5 | 0x1f);
    for (unsigned depth = 1; depth > 0;) {
        fvm_bytes segment;
        uint64_t len;
        if (in->len == 0) return FVM_ERR_TRUNCATED;
        uint8_t byte = in->ptr[0];
        if (byte == 0xff || byte == open) {
            FVM_TRY(fvm_bytes_take(&segment, in, 1));
            depth = byte == open ? depth + 1 : depth - 1;
            if (depth > CBOR_STEPS_MAX) return FVM_ERR_DEPTH;
            continue;
        }
        FVM_TRY(masked_head(&len, in, major, 3));
        FVM_TRY(fvm_bytes_take(&segment, in, len));
        if (join) FVM_TRY(fvm_buf_append(join, segment));
        if (first && segment.len) {
            size_t n = first_cap - *first_len < segment.len ? first_cap - *first_len : segment.len;
            memcpy(first + *first_len, segment.ptr, n);
            *first_len += n;
        }
    }
    return FVM_OK;
}
#endif

fvm_err fvm__cbor_string(fvm_bytes *out, fvm_bytes *in, unsigned major, fvm_buf *spare)
{
    fvm_bytes rest = *in, text;
    if (rest.len == 0) return FVM_ERR_TRUNCATED;
    if (rest.ptr[0] == (major << 5 | 0x1f)) {
        if (!spare) return FVM_ERR_MALFORMED;
        size_t start = spare->len;
        FVM_TRY(fvm_bytes_take(&text, &rest, 1));
        fvm_err err = take_segments(&rest, major, spare, NULL, 0, NULL);
        if (err != FVM_OK) {
            spare->len = start;
            return err;
        }
        text = (fvm_bytes){ spare->ptr ? spare->ptr + start : NULL, spare->len - start };
    } else {
        uint64_t len;
        FVM_TRY(masked_head(&len, &rest, major, 3));
        FVM_TRY(fvm_bytes_take(&text, &rest, len));
    }
    *out = text;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_cbor_bytes(fvm_bytes *out, fvm_bytes *in, fvm_buf *spare)
{
    return fvm__cbor_string(out, in, CBOR_BYTES, spare);
}

fvm_err fvm_cbor_text(fvm_bytes *out, fvm_bytes *in, fvm_buf *spare)
{
    fvm_bytes rest = *in, text;
    size_t start = spare ? spare->len : 0;
    FVM_TRY(fvm__cbor_string(&text, &rest, CBOR_TEXT, spare));
    if (!fvm_utf8_valid(text)) {
        if (spare) spare->len = start;
        return FVM_ERR_MALFORMED;
    }
    *out = text;
    *in = rest;
    return FVM_OK;
}

/* --- containers --- */

fvm_err fvm_cbor_array(uint64_t *count, fvm_bytes *in)
{
    return masked_head(count, in, CBOR_ARRAY, 3);
}

fvm_err fvm_cbor_tuple(uint64_t count, fvm_bytes *in)
{
    fvm_bytes rest = *in;
    uint64_t n;
    FVM_TRY(fvm_cbor_array(&n, &rest));
    if (n != count) return FVM_ERR_MALFORMED;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_cbor_map(uint64_t *pairs, fvm_bytes *in)
{
    return masked_head(pairs, in, CBOR_MAP, 3);
}

/* --- links and simple values --- */

fvm_err fvm_cbor_cid(fvm_cid *out, fvm_bytes *in)
{
    fvm_bytes rest = *in, text;
    uint64_t tag, len;
    if (fvm__link_is_common(rest)) {
        *in = (fvm_bytes){ rest.ptr + FVM__LINK_COMMON_LEN, rest.len - FVM__LINK_COMMON_LEN };
        return fvm_cid_read(out, NULL,
                            (fvm_bytes){ rest.ptr + FVM__LINK_COMMON_HEAD, FVM__CID_COMMON_LEN });
    }
    FVM_TRY(masked_head(&tag, &rest, CBOR_TAG, 3));
    if (tag != 42) return FVM_ERR_MALFORMED;
    if (rest.len == 0) return FVM_ERR_TRUNCATED;
    if (rest.ptr[0] >> 5 != CBOR_BYTES) return FVM_ERR_MALFORMED;

    /* An indefinite string is joined only as far as a CID can reach; what follows is ignored. */
    uint8_t joined[1 + FVM_CID_BYTES_MAX];
    size_t joined_len = 0;
    if (rest.ptr[0] == (CBOR_BYTES << 5 | 0x1f)) {
        FVM_TRY(fvm_bytes_take(&text, &rest, 1));
        FVM_TRY(take_segments(&rest, CBOR_BYTES, NULL, joined, sizeof joined, &joined_len));
        text = (fvm_bytes){ joined, joined_len };
    } else {
        FVM_TRY(masked_head(&len, &rest, CBOR_BYTES, 3));
        FVM_TRY(fvm_bytes_take(&text, &rest, len));
    }
    if (text.len <= 1 || text.ptr[0] != 0) return FVM_ERR_MALFORMED;
    /* A CID that ends early inside its string is broken, not cut off. */
    if (fvm_cid_read(out, NULL, (fvm_bytes){ text.ptr + 1, text.len - 1 }) != FVM_OK)
        return FVM_ERR_MALFORMED;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm__cbor_link(fvm_bytes *cid, uint64_t *codec, fvm_bytes *in)
{
    fvm_bytes rest = *in, inside = *in;
    fvm_cid value;
    uint8_t major;
    uint64_t len;
    size_t used;
    if (fvm__link_is_common(rest)) {
        *cid = (fvm_bytes){ rest.ptr + FVM__LINK_COMMON_HEAD, FVM__CID_COMMON_LEN };
        *codec = cid->ptr[1];
        *in = (fvm_bytes){ rest.ptr + FVM__LINK_COMMON_LEN, rest.len - FVM__LINK_COMMON_LEN };
        return FVM_OK;
    }
    FVM_TRY(fvm_cbor_cid(&value, &rest));
    FVM_TRY(fvm_cbor_head(&major, &len, &inside)); /* the tag, or what passes for one */
    FVM_TRY(fvm_cbor_head(&major, &len, &inside)); /* the string, checked above */
    inside = (fvm_bytes){ inside.ptr + 1, (size_t)len - 1 };
    FVM_TRY(fvm_cid_read(&value, &used, inside));
    *cid = (fvm_bytes){ inside.ptr, used };
    *codec = value.codec;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_cbor_bool(bool *out, fvm_bytes *in)
{
    if (in->len == 0) return FVM_ERR_TRUNCATED;
    if (in->ptr[0] != 0xf4 && in->ptr[0] != 0xf5) return FVM_ERR_MALFORMED;
    *out = in->ptr[0] == 0xf5;
    *in = (fvm_bytes){ in->ptr + 1, in->len - 1 };
    return FVM_OK;
}

bool fvm_cbor_take_null(fvm_bytes *in)
{
    if (in->len == 0 || in->ptr[0] != 0xf6) return false;
    *in = (fvm_bytes){ in->ptr + 1, in->len - 1 };
    return true;
}

fvm_err fvm_cbor_end(fvm_bytes in)
{
    return in.len == 0 ? FVM_OK : FVM_ERR_TRAILING;
}
