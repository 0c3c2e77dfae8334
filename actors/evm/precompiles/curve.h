/* curve.h - points of y^2 = x^3 + a x + b over a field of fe.h, a = 0 (bn254) or -3 (P-256), in
 * Jacobian coordinates: (X / Z^2, Y / Z^3), infinity has Z = 0. */
#ifndef FVM_EVM_PRECOMPILES_CURVE_H
#define FVM_EVM_PRECOMPILES_CURVE_H

#include "fe.h"

typedef struct curve {
    const fe_field *f;
    fe b;
    bool a_minus_3;
} curve;

typedef struct curve_point {
    fe x, y, z;
} curve_point;

/** Whether the affine point is on the curve. */
bool curve_has(const fe *x, const fe *y, const curve *c);
/** out may be p or q. */
void curve_double(curve_point *out, const curve_point *p, const curve *c);
void curve_add(curve_point *out, const curve_point *p, const curve_point *q, const curve *c);
/** The sum of k[i] times p[i] for `n` (1 or 2) points; k are 32 big-endian bytes, any number. */
void curve_mul(curve_point *out, const curve_point *p, const uint8_t (*k)[32], unsigned n,
               const curve *c);
/** Affine coordinates; both 0 for infinity. */
void curve_affine(fe *x, fe *y, const curve_point *p, const curve *c);

#endif
