/* reader.h - bounded reading of the binary format: bytes, LEB128 and names.
 *
 * LEB128 here is WebAssembly's: at most ceil(N / 7) bytes for N bits, and the unused bits of the
 * last byte must be zero (unsigned) or copies of the sign (signed). It need not be minimal. So it
 * is another thing than base/varint.h. */
#ifndef FVM_WASM_READER_H
#define FVM_WASM_READER_H

#include "base/util.h"

typedef struct fvm__reader {
    const uint8_t *at, *end;
} fvm__reader;

static inline size_t fvm__reader_left(const fvm__reader *r)
{
    return (size_t)(r->end - r->at);
}

static inline FVM_NODISCARD bool fvm__read_u8(fvm__reader *r, uint8_t *out)
{
    if (r->at == r->end) return false;
    *out = *r->at++;
    return true;
}

/** Long forms of the readers below, in reader.c. */
FVM_NODISCARD bool fvm__read_uleb_slow(fvm__reader *r, uint64_t *out, unsigned bits);
FVM_NODISCARD bool fvm__read_sleb_slow(fvm__reader *r, int64_t *out, unsigned bits);

static inline FVM_NODISCARD bool fvm__read_u32(fvm__reader *r, uint32_t *out)
{
    if (FVM_LIKELY(r->at != r->end && *r->at < 0x80)) {
        *out = *r->at++;
        return true;
    }
    uint64_t wide;
    if (!fvm__read_uleb_slow(r, &wide, 32)) return false;
    *out = (uint32_t)wide;
    return true;
}
static inline FVM_NODISCARD bool fvm__read_s32(fvm__reader *r, int32_t *out)
{
    if (FVM_LIKELY(r->at != r->end && *r->at < 0x80)) {
        *out = (int32_t)((uint32_t)*r->at++ << 25) >> 25;
        return true;
    }
    int64_t wide;
    if (!fvm__read_sleb_slow(r, &wide, 32)) return false;
    *out = (int32_t)wide;
    return true;
}
/** The type index of a block type is a signed 33-bit number. */
static inline FVM_NODISCARD bool fvm__read_s33(fvm__reader *r, int64_t *out)
{
    return fvm__read_sleb_slow(r, out, 33);
}
static inline FVM_NODISCARD bool fvm__read_s64(fvm__reader *r, int64_t *out)
{
    return fvm__read_sleb_slow(r, out, 64);
}
static inline FVM_NODISCARD bool fvm__read_bytes(fvm__reader *r, fvm_bytes *out, uint64_t len)
{
    if (len > fvm__reader_left(r)) return false;
    *out = (fvm_bytes){ r->at, (size_t)len };
    r->at += len;
    return true;
}

/** Well-formed UTF-8: shortest forms, no surrogates, up to U+10FFFF. */
bool fvm__utf8_valid(fvm_bytes text);
#endif
