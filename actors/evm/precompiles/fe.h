/* fe.h - prime fields of 254 to 256 bits for bn254 and P-256, made for what wasm charges for.
 *
 * The machine charges each instruction alike, a multiplication of 64 bits as much as reading a local,
 * and wasm has no 64 by 64 to 128 bit product. So an element is nine limbs of 29 bits: a column of a
 * product, 18 products of 58 bits, fits 64 bits, and carries are taken once per column and not once
 * per product. Measured: a multiplication is a third of the instructions of 32-bit limbs with carries.
 *
 * Elements are in Montgomery form with R = 2^261, limbs below 2^29 and value below 1.05 p, not below p:
 * every function takes and gives such, and only fe_canonical makes the last subtraction. */
#ifndef FVM_EVM_PRECOMPILES_FE_H
#define FVM_EVM_PRECOMPILES_FE_H

#include <stdbool.h>
#include <stdint.h>

#define FE_LIMBS 9
#define FE_BITS 29

typedef struct fe {
    uint32_t v[FE_LIMBS];
} fe;

/** A prime, and what goes with it. */
typedef struct fe_field {
    fe p;
    fe rr;    /* R * R mod p, so that fe_mul(x, rr) enters Montgomery form */
    fe one;   /* R mod p */
    fe twice; /* 2 p with all limbs but the top one above 2^29 - 2: minus a is twice - a, no borrow */
    uint32_t n0; /* -1 / p mod 2^29 */
} fe_field;

/* `out` may be an argument everywhere. */
void fe_mul(fe *out, const fe *a, const fe *b, const fe_field *f);
void fe_sqr(fe *out, const fe *a, const fe_field *f);
/** (a[0] + a[1] i) * (b[0] + b[1] i) and (a[0] + a[1] i)^2, i * i = -1: a reduction for each part. */
void fe_mul_complex(fe out[2], const fe a[2], const fe b[2], const fe_field *f);
void fe_sqr_complex(fe out[2], const fe a[2], const fe_field *f);
/** Of `n` elements, one by one. */
void fe_add_n(fe *out, const fe *a, const fe *b, unsigned n, const fe_field *f);
void fe_sub_n(fe *out, const fe *a, const fe *b, unsigned n, const fe_field *f);
static inline void fe_add(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    fe_add_n(out, a, b, 1, f);
}
static inline void fe_sub(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    fe_sub_n(out, a, b, 1, f);
}
/** 3 a, 9 a + b, 9 a - b, a - 2 b, -a. */
void fe_triple(fe *out, const fe *a, const fe_field *f);
void fe_9_plus(fe *out, const fe *a, const fe *b, const fe_field *f);
void fe_9_minus(fe *out, const fe *a, const fe *b, const fe_field *f);
void fe_minus_2(fe *out, const fe *a, const fe *b, const fe_field *f);
void fe_neg(fe *out, const fe *a, const fe_field *f);
/** The same element below p. */
void fe_canonical(fe *out, const fe *a, const fe_field *f);
bool fe_is_zero(const fe *a, const fe_field *f);
bool fe_eq(const fe *a, const fe *b, const fe_field *f);
/** Out of 32 big-endian bytes, as a plain number; false when it is p or more. */
bool fe_read(fe *out, const uint8_t in[32], const fe_field *f);
/** The same for any number, taken mod p. p must be above 2^253. */
void fe_read_mod(fe *out, const uint8_t in[32], const fe_field *f);
void fe_write(uint8_t out[32], const fe *a, const fe_field *f);
/** 1 / a; 0 for 0. */
void fe_inv(fe *out, const fe *a, const fe_field *f);

#endif
