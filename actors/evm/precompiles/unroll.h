/* unroll.h - loops over limbs that must disappear, so that the limbs are locals: wasm charges each
 * instruction, and a limb in memory costs twice as many as one in a local. -Oz unrolls with this as well. */
#ifndef FVM_EVM_PRECOMPILES_UNROLL_H
#define FVM_EVM_PRECOMPILES_UNROLL_H

#ifdef __wasm__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL /* natively it does not matter, and sanitizers prevent it */
#endif
#define INLINE static inline __attribute__((always_inline))

#endif
