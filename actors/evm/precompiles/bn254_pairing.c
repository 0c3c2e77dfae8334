/* bn254_pairing.c - the pairing check of EIP-197: whether the product of e(P_i, Q_i) is one. Optimal ate
 * pairing, one loop over the signed binary digits of 6u + 2 for all pairs, so that they share squarings
 * and the final exponentiation. Points of G2 in homogeneous coordinates with the formulas of Costello,
 * Lange and Naehrig (eprint 2009/615) for a twist of type D; lines are scaled by what lies in Fp, which
 * the final exponentiation removes.
 *
 * That Q is in the subgroup comes for free: the loop ends with T = [6u+2] Q + psi(Q) - psi^2(Q), psi the
 * endomorphism that is multiplication by p there, and Q is in it exactly when T = -psi^3(Q). (In
 * Z[psi] / (psi^2 - t psi + p) the norm of 6u+2 + psi - psi^2 + psi^3 has no factor in common with
 * the cofactor 2p - r; computed. eprint 2022/348 has the theory.) The formulas fail on points of small order
 * only, and then leave z = 0, which the check refuses. */
#include "bn254.h"

#define PAIR 192 /* bytes: x, y of G1; imaginary and real part of x, of y of G2 */
/* The digits of 6u + 2: 1 and -1 at these bits, 1 at bit 65. */
#define LOOP_TOP 65
#define LOOP_PLUS UINT64_C(0x2002004200804028)
#define LOOP_MINUS UINT64_C(0x82889008420a0480)

/* 3 / xi */
static const fe2 twist_b = { { { { 0x0b489658, 0x00cfd255, 0x0fdb9a77, 0x02ce89f7, 0x0033a0d4,
                                   0x1a768545, 0x06ee3ddc, 0x106a7dc1, 0x0019316b } },
                               { { 0x1b9fece0, 0x07ecccd1, 0x1069f1c7, 0x0cdf64f3, 0x0154cbe1,
                                   0x0dd22ac0, 0x06eba4e8, 0x1929a235, 0x00283739 } } } };

typedef struct pair {
    bool infinity;      /* P: Q is checked, but no line counts */
    fe x, x3, neg_y;    /* of P: x, 3 x, -y */
    fe2 qx, qy, neg_qy; /* Q */
    fe2 tx, ty, tz;     /* T */
} pair;

static void triple2(fe2 *out, const fe2 *a)
{
    fe_triple(&out->c[0], &a->c[0], &bn_p);
    fe_triple(&out->c[1], &a->c[1], &bn_p);
}

/* T = 2 T, and the tangent at T into f. */
static void step_double(fe12 *f, pair *p)
{
    fe2 a, b, c, e, t, h, i, j;
    fe2_mul(&a, &p->tx, &p->ty);
    fe2_sqr(&b, &p->ty);
    fe2_sqr(&c, &p->tz);
    triple2(&c, &c);
    fe2_mul(&e, &c, &twist_b);
    fe2_mul(&h, &p->ty, &p->tz);
    fe2_add(&h, &h, &h); /* 2 y z */
    fe2_sub(&i, &e, &b);
    fe2_sqr(&j, &p->tx);
    triple2(&t, &e);
    fe2_sub(&c, &b, &t);
    fe2_mul(&c, &c, &a);
    fe2_add(&p->tx, &c, &c); /* 2 x y (b - 3e) */
    fe2_add(&t, &t, &b);
    fe2_sqr(&t, &t);
    fe2_add(&e, &e, &e);
    fe2_sqr(&e, &e);
    triple2(&e, &e);
    fe2_sub(&p->ty, &t, &e); /* (b + 3e)^2 - 12 e^2 */
    fe2_mul(&t, &b, &h);
    fe2_add(&t, &t, &t);
    fe2_add(&p->tz, &t, &t); /* 4 b h */
    if (p->infinity) return;
    fe2_scale(&h, &h, &p->neg_y);
    fe2_scale(&j, &j, &p->x3);
    fe12_mul_line(f, &h, &j, &i);
}

/* T = T + Q', and the line through both into f. */
static void step_add(fe12 *f, pair *p, const fe2 *qx, const fe2 *qy)
{
    fe2 theta, lambda, c, d, e, g, h;
    fe2_mul(&theta, qy, &p->tz);
    fe2_sub(&theta, &p->ty, &theta);
    fe2_mul(&lambda, qx, &p->tz);
    fe2_sub(&lambda, &p->tx, &lambda);
    fe2_sqr(&c, &theta);
    fe2_sqr(&d, &lambda);
    fe2_mul(&e, &lambda, &d);
    fe2_mul(&c, &c, &p->tz);
    fe2_mul(&g, &p->tx, &d);
    fe2_add(&h, &e, &c);
    fe2_sub(&h, &h, &g);
    fe2_sub(&h, &h, &g);
    fe2_mul(&p->tx, &lambda, &h);
    fe2_sub(&g, &g, &h);
    fe2_mul(&g, &g, &theta);
    fe2_mul(&d, &e, &p->ty);
    fe2_sub(&p->ty, &g, &d);
    fe2_mul(&p->tz, &p->tz, &e);
    if (p->infinity) return;
    fe2_mul(&c, &lambda, qy);
    fe2_mul(&d, &theta, qx);
    fe2_sub(&c, &c, &d);
    fe2_scale(&lambda, &lambda, &p->neg_y);
    fe2_scale(&theta, &theta, &p->x);
    fe12_mul_line(f, &lambda, &theta, &c);
}

/* The two additions after the loop, and whether Q is in the subgroup. */
static bool finish(fe12 *f, pair *p)
{
    fe2 x = p->qx, y = p->qy, t;
    bn_twist_frobenius(&x, &y);
    step_add(f, p, &x, &y);
    bn_twist_frobenius(&x, &y);
    fe2_neg(&y, &y);
    step_add(f, p, &x, &y);
    bn_twist_frobenius(&x, &y); /* -psi^3(Q) */
    if (fe2_is_zero(&p->tz)) return false;
    fe2_mul(&t, &x, &p->tz);
    if (!fe2_eq(&t, &p->tx)) return false;
    fe2_mul(&t, &y, &p->tz);
    return fe2_eq(&t, &p->ty);
}

static bool miller(fe12 *f, pair *pairs, uint32_t n)
{
    fe12_one(f);
    for (unsigned i = LOOP_TOP; i-- > 0;) {
        uint64_t bit = i < 64 ? UINT64_C(1) << i : 0;
        if (i + 1 < LOOP_TOP) fe12_sqr(f, f);
        for (uint32_t k = 0; k < n; k++) {
            pair *p = &pairs[k];
            step_double(f, p);
            if (LOOP_PLUS & bit) step_add(f, p, &p->qx, &p->qy);
            if (LOOP_MINUS & bit) step_add(f, p, &p->qx, &p->neg_qy);
        }
    }
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) ok = finish(f, &pairs[k]) && ok;
    return ok;
}

static bool read_fe2(fe2 *out, const uint8_t *in)
{
    return fe_read(&out->c[1], in, &bn_p) && fe_read(&out->c[0], in + 32, &bn_p);
}

static bool on_twist(const fe2 *x, const fe2 *y)
{
    fe2 l, r;
    fe2_sqr(&l, y);
    fe2_sqr(&r, x);
    fe2_mul(&r, &r, x);
    fe2_add(&r, &r, &twist_b);
    return fe2_eq(&l, &r);
}

/* Reads a pair; *counts is false when Q is infinity, and there is nothing to do. */
static bool read_pair(pair *p, bool *counts, const uint8_t *in)
{
    fe y;
    if (!fe_read(&p->x, in, &bn_p) || !fe_read(&y, in + 32, &bn_p) || !read_fe2(&p->qx, in + 64) ||
        !read_fe2(&p->qy, in + 128))
        return false;
    p->infinity = fe_is_zero(&p->x, &bn_p) && fe_is_zero(&y, &bn_p);
    if (!p->infinity && !curve_has(&p->x, &y, &bn_curve)) return false;
    *counts = !fe2_is_zero(&p->qx) || !fe2_is_zero(&p->qy);
    if (!*counts) return true;
    if (!on_twist(&p->qx, &p->qy)) return false;
    fe_triple(&p->x3, &p->x, &bn_p);
    fe_neg(&p->neg_y, &y, &bn_p);
    fe2_neg(&p->neg_qy, &p->qy);
    p->tx = p->qx;
    p->ty = p->qy;
    memset(&p->tz, 0, sizeof p->tz);
    p->tz.c[0] = bn_p.one;
    return true;
}

bool fvm__pre_bn_pairing(fvm_bytes *out, fvm_bytes in)
{
    uint32_t n = (uint32_t)in.len / PAIR, used = 0;
    if (in.len % PAIR) return false;
    pair *pairs = (pair *)fvm_heap_array(n, sizeof *pairs);
    for (uint32_t i = 0; i < n; i++) {
        bool counts;
        if (!read_pair(&pairs[used], &counts, in.ptr + (size_t)i * PAIR)) return false;
        used += counts;
    }
    fe12 f;
    if (!miller(&f, pairs, used)) return false;
    bool one = used == 0 || fe12_final_is_one(&f);
    fvm__pre_output(out, 32)[31] = one;
    return true;
}
