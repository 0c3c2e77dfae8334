/* u256.h - unsigned integers of 256 bits, wrapping, as the EVM's. By value and by pointer, no heap. */
#ifndef FVM_ACTOR_U256_H
#define FVM_ACTOR_U256_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A number, 0..2^256 - 1. */
typedef struct fvm_u256 {
    uint64_t limb[4]; /* little endian */
} fvm_u256;

/** `v` as it is. */
static inline fvm_u256 fvm_u256_of(uint64_t v)
{
    fvm_u256 r = { { v, 0, 0, 0 } };
    return r;
}
/** Whether the number is 0. */
static inline bool fvm_u256_is_zero(const fvm_u256 *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}
/** Whether two numbers are the same. */
static inline bool fvm_u256_eq(const fvm_u256 *a, const fvm_u256 *b)
{
    return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
            (a->limb[3] ^ b->limb[3])) == 0;
}
/** -1, 0, 1: a is below b, the same, above. */
int fvm_u256_cmp(const fvm_u256 *a, const fvm_u256 *b);
/** a + b and a - b modulo 2^256; true when there was a carry or borrow. `out` may be `a` or `b`, here
 *  and below. */
bool fvm_u256_add(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b);
bool fvm_u256_sub(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b);
/** The low 256 bits; true when there was more. */
bool fvm_u256_mul(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b);
/** Quotient and remainder (either may be NULL); both 0 when b is 0. */
void fvm_u256_divmod(fvm_u256 *quotient, fvm_u256 *remainder, const fvm_u256 *a, const fvm_u256 *b);
/** (a + b) mod m and (a * b) mod m without overflow between; 0 when m is 0. */
void fvm_u256_addmod(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b, const fvm_u256 *m);
void fvm_u256_mulmod(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b, const fvm_u256 *m);
/** Shifted by `n` bits to the left, to the right; 0 for 256 and more. */
void fvm_u256_shl(fvm_u256 *out, const fvm_u256 *a, unsigned n);
void fvm_u256_shr(fvm_u256 *out, const fvm_u256 *a, unsigned n);
/** Number of significant bits, 0..256. */
unsigned fvm_u256_bits(const fvm_u256 *a);
/** 32 bytes, big-endian. */
void fvm_u256_read(fvm_u256 *out, const uint8_t in[32]);
void fvm_u256_write(uint8_t out[32], const fvm_u256 *a);

#ifdef __cplusplus
}
#endif
#endif
