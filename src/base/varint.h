/* varint.h - unsigned LEB128 as in multiformats. Where the network's reference differs we follow
 * it: up to ten bytes, bits above 63 of the tenth byte are dropped silently (unsigned-varint 0.8). */
#ifndef FVM_BASE_VARINT_H
#define FVM_BASE_VARINT_H

#include "util.h"

#define FVM_VARINT_MAX 10

/** Takes one varint off the front of `in`; both are unchanged on error.
 *  Errors: FVM_ERR_TRUNCATED  ends inside the varint.
 *          FVM_ERR_MALFORMED  not minimal (several bytes, the last one 0) or over ten bytes. */
FVM_NODISCARD fvm_err fvm_varint_read(uint64_t *out, fvm_bytes *in);
/** Writes the minimal form; returns bytes written, 1..10. `out` has room for FVM_VARINT_MAX. */
size_t fvm_varint_write(uint8_t *out, uint64_t value);

/** The signed number that a zig-zag varint stands for: 0, -1, 1, -2, ... (reference/ipld.md 6.2). */
static inline int64_t fvm_zigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}
#endif
