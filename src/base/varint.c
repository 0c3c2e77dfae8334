/* varint.c - unsigned LEB128. Spec: github.com/multiformats/unsigned-varint; see varint.h for where
 * the network differs. */
#include "varint.h"

fvm_err fvm_varint_read(uint64_t *out, fvm_bytes *in)
{
    uint64_t v = 0;
    for (size_t i = 0; i < in->len && i < FVM_VARINT_MAX; i++) {
        uint8_t b = in->ptr[i];
        v |= (uint64_t)(b & 0x7f) << (7 * i); /* at i = 9 all but the lowest bit fall off */
        if (b & 0x80) continue;
        if (b == 0 && i > 0) return FVM_ERR_MALFORMED;
        *out = v;
        *in = (fvm_bytes){ in->ptr + i + 1, in->len - i - 1 };
        return FVM_OK;
    }
    return in->len < FVM_VARINT_MAX ? FVM_ERR_TRUNCATED : FVM_ERR_MALFORMED;
}

size_t fvm_varint_write(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}
