/* unroll.h - loops over limbs that must disappear, so that the limbs are locals: wasm charges each
 * instruction, and a limb in memory costs twice as many as one in a local. -Oz unrolls with this as well. */
#ifndef FVM_EVM_PRECOMPILES_UNROLL_H
#define FVM_EVM_PRECOMPILES_UNROLL_H

#include <stdint.h>

#ifdef __wasm__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL /* natively it does not matter, and sanitizers prevent it */
#endif
#define INLINE static inline __attribute__((always_inline))

/* Column k of x y, first..last the limbs of x that count in it, plus that of z w unless z is NULL; of x x
 * when y is NULL. */
INLINE uint64_t column_of(const uint64_t *x, const uint64_t *y, const uint64_t *z,
                          const uint64_t *w, unsigned k, unsigned first, unsigned last)
{
    uint64_t sum = 0;
    UNROLL
    for (unsigned i = first; i <= last; i++) {
        if (y)
            sum += x[i] * y[k - i];
        else if (i < k - i)
            sum += x[i] * (2 * x[k - i]);
        else if (i == k - i)
            sum += x[i] * x[i];
        if (z) sum += z[i] * w[k - i];
    }
    return sum;
}

#endif
