/* bn254.h - the curve of EIP-196 and EIP-197 (alt_bn128) and the fields above its own:
 * Fp2 = Fp[i] / (i^2 + 1), Fp6 = Fp2[v] / (v^3 - xi), Fp12 = Fp6[w] / (w^2 - v), xi = 9 + i.
 * G1 is y^2 = x^3 + 3 over Fp; G2 lies on the twist y^2 = x^3 + 3 / xi over Fp2. */
#ifndef FVM_EVM_PRECOMPILES_BN254_H
#define FVM_EVM_PRECOMPILES_BN254_H

#include "curve.h"
#include "internal.h"

extern const fe_field bn_p;
extern const curve bn_curve;

typedef struct fe2 {
    fe c[2];
} fe2;
typedef struct fe6 {
    fe2 c[3];
} fe6;
typedef struct fe12 {
    fe6 c[2];
} fe12;

/* out may be an argument everywhere. */
static inline void fe2_mul(fe2 *out, const fe2 *a, const fe2 *b)
{
    fe_mul_complex(out->c, a->c, b->c, &bn_p);
}
static inline void fe2_sqr(fe2 *out, const fe2 *a)
{
    fe_sqr_complex(out->c, a->c, &bn_p);
}
static inline void fe2_add(fe2 *out, const fe2 *a, const fe2 *b)
{
    fe_add_n(out->c, a->c, b->c, 2, &bn_p);
}
static inline void fe2_sub(fe2 *out, const fe2 *a, const fe2 *b)
{
    fe_sub_n(out->c, a->c, b->c, 2, &bn_p);
}
static inline void fe2_neg(fe2 *out, const fe2 *a)
{
    fe_neg(&out->c[0], &a->c[0], &bn_p);
    fe_neg(&out->c[1], &a->c[1], &bn_p);
}
static inline void fe2_conj(fe2 *out, const fe2 *a)
{
    out->c[0] = a->c[0];
    fe_neg(&out->c[1], &a->c[1], &bn_p);
}
/** By an element of Fp. */
static inline void fe2_scale(fe2 *out, const fe2 *a, const fe *k)
{
    fe_mul(&out->c[0], &a->c[0], k, &bn_p);
    fe_mul(&out->c[1], &a->c[1], k, &bn_p);
}
bool fe2_is_zero(const fe2 *a);
bool fe2_eq(const fe2 *a, const fe2 *b);

void fe12_one(fe12 *out);
void fe12_mul(fe12 *out, const fe12 *a, const fe12 *b);
void fe12_sqr(fe12 *out, const fe12 *a);
/** By c0 + (c3 + c4 v) w: what lines are. */
void fe12_mul_line(fe12 *f, const fe2 *c0, const fe2 *c3, const fe2 *c4);
/** a ^ ((p^12 - 1) / r) is one; for what a Miller loop gives, which is not 0. */
bool fe12_final_is_one(const fe12 *a);

/** psi: the endomorphism of the twist that is multiplication by p on G2. */
void bn_twist_frobenius(fe2 *x, fe2 *y);

#endif
