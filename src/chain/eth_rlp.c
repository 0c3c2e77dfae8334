/* eth_rlp.c - reads and writes RLP; see the header for the format. */
#include "chain/eth_rlp.h"

#define SHORT_MAX 55 /* payload bytes whose count fits the head's own byte */

/* The length that follows a long form's head, in `width` bytes. */
static fvm_err read_length(uint64_t *out, fvm_bytes *in, unsigned width)
{
    fvm_bytes raw;
    uint64_t len = 0;
    FVM_TRY(fvm_bytes_take(&raw, in, width));
    if (raw.ptr[0] == 0) return FVM_ERR_MALFORMED; /* leading zero */
    for (size_t i = 0; i < raw.len; i++) len = len << 8 | raw.ptr[i];
    if (len <= SHORT_MAX) return FVM_ERR_MALFORMED; /* has a short form */
    *out = len;
    return FVM_OK;
}

fvm_err fvm_rlp_item_read(fvm_rlp_item *out, fvm_bytes *in)
{
    fvm_bytes rest = *in, head;
    fvm_rlp_item item = { 0 };
    uint64_t len;
    FVM_TRY(fvm_bytes_take(&head, &rest, 1));
    uint8_t b = head.ptr[0];
    if (b < 0x80) {
        item.payload = head;
    } else {
        item.is_list = b >= 0xc0;
        b = (uint8_t)(b - (item.is_list ? 0xc0 : 0x80));
        len = b;
        if (b > SHORT_MAX) FVM_TRY(read_length(&len, &rest, b - SHORT_MAX));
        FVM_TRY(fvm_bytes_take(&item.payload, &rest, len));
        if (!item.is_list && len == 1 && item.payload.ptr[0] < 0x80) return FVM_ERR_MALFORMED;
    }
    *out = item;
    *in = rest;
    return FVM_OK;
}

static fvm_err read_kind(fvm_bytes *out, fvm_bytes *in, bool list)
{
    fvm_bytes rest = *in;
    fvm_rlp_item item;
    FVM_TRY(fvm_rlp_item_read(&item, &rest));
    if (item.is_list != list) return FVM_ERR_MALFORMED;
    *out = item.payload;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_rlp_list_read(fvm_bytes *items, fvm_bytes *in)
{
    return read_kind(items, in, true);
}

fvm_err fvm_rlp_bytes_read(fvm_bytes *out, fvm_bytes *in)
{
    return read_kind(out, in, false);
}

static fvm_err read_number(fvm_bytes *out, fvm_bytes *in, size_t width)
{
    fvm_bytes rest = *in, raw;
    FVM_TRY(fvm_rlp_bytes_read(&raw, &rest));
    if (raw.len && raw.ptr[0] == 0) return FVM_ERR_MALFORMED;
    if (raw.len > width) return FVM_ERR_RANGE;
    *out = raw;
    *in = rest;
    return FVM_OK;
}

fvm_err fvm_rlp_u64_read(uint64_t *out, fvm_bytes *in)
{
    fvm_bytes raw;
    uint64_t v = 0;
    FVM_TRY(read_number(&raw, in, 8));
    for (size_t i = 0; i < raw.len; i++) v = v << 8 | raw.ptr[i];
    *out = v;
    return FVM_OK;
}

fvm_err fvm_rlp_u256_read(fvm_big *out, fvm_bytes *in)
{
    fvm_bytes raw;
    uint8_t wire[33] = { 0 }; /* sign byte before the magnitude: the wire form of amounts */
    FVM_TRY(read_number(&raw, in, 32));
    if (raw.len) memcpy(wire + 1, raw.ptr, raw.len);
    return fvm_big_read(out, (fvm_bytes){ wire, raw.len + 1 });
}

/* The head of a payload of `len` bytes; returns its length. `base` is 80 or c0. */
static size_t make_head(uint8_t out[9], uint64_t len, uint8_t base)
{
    if (len <= SHORT_MAX) {
        out[0] = (uint8_t)(base + len);
        return 1;
    }
    uint8_t be[8];
    fvm_store_be64(be, len);
    size_t width = 8 - (size_t)__builtin_clzll(len) / 8;
    out[0] = (uint8_t)(base + SHORT_MAX + width);
    memcpy(out + 1, be + 8 - width, width);
    return 1 + width;
}

fvm_err fvm_rlp_bytes_write(fvm_buf *out, fvm_bytes bytes)
{
    uint8_t head[9];
    if (bytes.len == 1 && bytes.ptr[0] < 0x80) return fvm_buf_put_u8(out, bytes.ptr[0]);
    size_t n = make_head(head, bytes.len, 0x80);
    size_t start = out->len;
    FVM_TRY(fvm_buf_append(out, (fvm_bytes){ head, n }));
    fvm_err err = fvm_buf_append(out, bytes);
    if (err != FVM_OK) out->len = start;
    return err;
}

fvm_err fvm_rlp_u64_write(fvm_buf *out, uint64_t value)
{
    uint8_t be[8];
    fvm_store_be64(be, value);
    size_t skip = value ? (size_t)__builtin_clzll(value) / 8 : 8;
    return fvm_rlp_bytes_write(out, (fvm_bytes){ be + skip, 8 - skip });
}

fvm_err fvm_rlp_big_write(fvm_buf *out, const fvm_big *value)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t n = fvm_big_write(wire, value);
    if (n > FVM_BIG_WIRE_MAX || fvm_big_sign(value) < 0) return FVM_ERR_RANGE;
    return fvm_rlp_bytes_write(out, (fvm_bytes){ wire + (n > 0), n - (n > 0) });
}

fvm_err fvm_rlp_list_close(fvm_buf *out, size_t start)
{
    uint8_t head[9];
    size_t len = out->len - start, n = make_head(head, len, 0xc0);
    FVM_TRY(fvm_buf_reserve(out, n));
    if (len) memmove(out->ptr + start + n, out->ptr + start, len);
    memcpy(out->ptr + start, head, n);
    out->len += n;
    return FVM_OK;
}
