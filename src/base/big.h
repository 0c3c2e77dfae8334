/* Internal name of the public header, and what hot paths do with values of one or two limbs, as nearly
 * all amounts are: a value is 152 bytes, of which these touch what counts. */
#ifndef FVM_BASE_BIG_H
#define FVM_BASE_BIG_H
#include "util.h"
#include <fvm/big.h>

/** As assignment, but copies the limbs in use alone. */
static inline void fvm__big_copy(fvm_big *out, const fvm_big *a)
{
    out->limb[0] = a->limb[0];
    out->limb[1] = a->limb[1];
    for (size_t i = 2; i < a->count; i++) out->limb[i] = a->limb[i];
    out->count = a->count;
    out->negative = a->negative;
}
/** Sets a value of at most two limbs; the others stay as they are. */
static inline void fvm__big_set_u128(fvm_big *out, fvm_u128 v)
{
    out->limb[0] = (uint64_t)v;
    out->limb[1] = (uint64_t)(v >> 64);
    out->count = out->limb[1] ? 2 : out->limb[0] != 0;
    out->negative = false;
}
static inline void fvm__big_clear(fvm_big *out)
{
    fvm__big_set_u128(out, 0);
}
/** Bytes of the wire form, FVM_BIG_WIRE_MAX + 1 as from fvm_big_write. */
static inline size_t fvm__big_wire_len(const fvm_big *a)
{
    if (a->count == 0) return 0;
    size_t n = (size_t)a->count * 8 - (size_t)__builtin_clzll(a->limb[a->count - 1]) / 8;
    return n > FVM_BIG_WIRE_MAX - 1 ? FVM_BIG_WIRE_MAX + 1 : n + 1;
}
#endif
