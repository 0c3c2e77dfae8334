/* cbor_write.c - canonical DAG-CBOR: definite lengths, shortest heads (reference/ipld.md 7.1). */
#include "cbor.h"

#include "cbor_internal.h"

#define HEAD_MAX 9

/* Writes the shortest head; returns its length. */
static size_t write_head(uint8_t out[HEAD_MAX], unsigned major, uint64_t v)
{
    uint8_t m = (uint8_t)(major << 5);
    if (v < 24) {
        out[0] = (uint8_t)(m | v);
        return 1;
    }
    unsigned log = v <= 0xff ? 0 : v <= 0xffff ? 1 : v <= 0xffffffff ? 2 : 3;
    size_t n = (size_t)1 << log;
    out[0] = (uint8_t)(m | (24 + log));
    for (size_t i = 0; i < n; i++) out[1 + i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return 1 + n;
}

static fvm_err put_head(fvm_buf *out, unsigned major, uint64_t v)
{
    FVM_TRY(fvm_buf_reserve(out, HEAD_MAX));
    out->len += write_head(out->ptr + out->len, major, v);
    return FVM_OK;
}

/* Both parts or neither, so that a failure leaves `out` as it was. */
static fvm_err put_string(fvm_buf *out, unsigned major, fvm_bytes v)
{
    if (v.len > SIZE_MAX - HEAD_MAX) return FVM_ERR_NOMEM;
    FVM_TRY(fvm_buf_reserve(out, HEAD_MAX + v.len));
    FVM_TRY(put_head(out, major, v.len));
    return fvm_buf_append(out, v);
}

fvm_err fvm_cbor_put_uint(fvm_buf *out, uint64_t v)
{
    return put_head(out, CBOR_UINT, v);
}

fvm_err fvm_cbor_put_int(fvm_buf *out, int64_t v)
{
    return v < 0 ? put_head(out, CBOR_NINT, ~(uint64_t)v) : put_head(out, CBOR_UINT, (uint64_t)v);
}

fvm_err fvm_cbor_put_bytes(fvm_buf *out, fvm_bytes v)
{
    return put_string(out, CBOR_BYTES, v);
}
fvm_err fvm_cbor_put_text(fvm_buf *out, fvm_bytes v)
{
    return put_string(out, CBOR_TEXT, v);
}
fvm_err fvm_cbor_put_array(fvm_buf *out, uint64_t count)
{
    return put_head(out, CBOR_ARRAY, count);
}
fvm_err fvm_cbor_put_map(fvm_buf *out, uint64_t pairs)
{
    return put_head(out, CBOR_MAP, pairs);
}
fvm_err fvm_cbor_put_null(fvm_buf *out)
{
    return fvm_buf_put_u8(out, 0xf6);
}
fvm_err fvm_cbor_put_bool(fvm_buf *out, bool v)
{
    return fvm_buf_put_u8(out, v ? 0xf5 : 0xf4);
}
fvm_err fvm_cbor_put_raw(fvm_buf *out, fvm_bytes item)
{
    return fvm_buf_append(out, item);
}

fvm_err fvm__cbor_put_link(fvm_buf *out, fvm_bytes cid)
{
    if (cid.len > SIZE_MAX - 3 * HEAD_MAX) return FVM_ERR_NOMEM;
    FVM_TRY(fvm_buf_reserve(out, 3 * HEAD_MAX + cid.len));
    uint8_t *p = out->ptr + out->len;
    p += write_head(p, CBOR_TAG, 42);
    p += write_head(p, CBOR_BYTES, 1 + cid.len);
    *p++ = 0; /* the multibase prefix */
    if (cid.len) memcpy(p, cid.ptr, cid.len);
    out->len = (size_t)(p - out->ptr) + cid.len;
    return FVM_OK;
}

fvm_err fvm_cbor_put_cid(fvm_buf *out, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    return fvm__cbor_put_link(out, (fvm_bytes){ bytes, fvm_cid_write(bytes, cid) });
}
