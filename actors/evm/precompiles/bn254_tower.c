/* bn254_tower.c - Fp2, Fp6 and Fp12 of bn254, and the final exponentiation. Fp6 by Karatsuba, lines as
 * sparse factors, squares in the cyclotomic subgroup by Granger and Scott (eprint 2009/565). */
#include "bn254.h"

/* xi ^ (i (p - 1) / 6), i = 1..5: what the p-th power makes of w^i. */
static const fe2 gamma1[5] = {
    { { { { 0x0a0c2399, 0x1aa2357c, 0x0149b22d, 0x0487bf1b, 0x0b89bb5e, 0x1313c7e1, 0x1d61fdb5,
            0x060c56b5, 0x002e0560 } },
        { { 0x1bc6cc33, 0x177dfb71, 0x161dd8ab, 0x0180969d, 0x058d47f5, 0x1ab975b5, 0x01c26a2d,
            0x1cd88219, 0x00009b83 } } } },
    { { { { 0x04a59190, 0x06f504d9, 0x0bf870bb, 0x171ffd5c, 0x1ac4d17d, 0x04be36d5, 0x0bceec27,
            0x1a83a513, 0x002492b3 } },
        { { 0x11142ef1, 0x0b31acc7, 0x1d5818bc, 0x180afc17, 0x1a63177e, 0x15765b3b, 0x118f742e,
            0x063a509a, 0x00135e4e } } } },
    { { { { 0x1b1f0678, 0x0373fb06, 0x13170fbd, 0x185d74b7, 0x0241131f, 0x16e18435, 0x1ef3b6ce,
            0x01f06f02, 0x001d46bd } },
        { { 0x19a647d5, 0x19fdefab, 0x1d925d1a, 0x0d1f6c5f, 0x08ac6cc5, 0x1fa5621a, 0x134f06fe,
            0x09a72816, 0x0015871d } } } },
    { { { { 0x1081f85e, 0x139a3585, 0x124aed48, 0x034ce260, 0x19e166e5, 0x0b172958, 0x0d2df880,
            0x0de46877, 0x00167751 } },
        { { 0x0f616a78, 0x05940429, 0x181bb386, 0x066e257b, 0x00e66254, 0x0c12b5cd, 0x0ef6c029,
            0x1c2232e3, 0x0006f9f8 } } } },
    { { { { 0x07461d8c, 0x0434a6b0, 0x14f8b697, 0x0b0aa80f, 0x118b92df, 0x0471333d, 0x18c6d066,
            0x07d8f7b0, 0x0010a3f0 } },
        { { 0x1eb54987, 0x08d56d1e, 0x0c80f1d8, 0x1536f380, 0x06b4b4a7, 0x082bcd3c, 0x19349170,
            0x17aea9fc, 0x000817f6 } } } },
};
/* xi ^ (i (p^2 - 1) / 6), i = 1..5, all in Fp. */
static const fe gamma2[5] = {
    { { 0x0e4983b2, 0x0b774393, 0x03d607b6, 0x0fdad48b, 0x1d262e9b, 0x01644f52, 0x11b94d87,
        0x1a3314f3, 0x0024594f } },
    { { 0x18ccb791, 0x175b1c3a, 0x0b83d6e2, 0x0e8ed071, 0x1282bee2, 0x04220e84, 0x1fe4017f,
        0x15084d4a, 0x00169119 } },
    { { 0x03003126, 0x0ce8395e, 0x0420727b, 0x01891eb7, 0x0ae269bf, 0x0598fff2, 0x0ed19539,
        0x09315e8b, 0x00229c18 } },
    { { 0x0a337995, 0x158d1d23, 0x189c9b98, 0x12fa4e45, 0x185faadc, 0x0176f16d, 0x0eed93ba,
        0x14291140, 0x000c0afe } },
    { { 0x1fb045b6, 0x09a9447b, 0x10eecc6c, 0x1446525f, 0x03031a95, 0x1eb9323c, 0x00c2dfc1,
        0x1953d8e9, 0x0019d334 } },
};

bool fe2_is_zero(const fe2 *a)
{
    return fe_is_zero(&a->c[0], &bn_p) && fe_is_zero(&a->c[1], &bn_p);
}

bool fe2_eq(const fe2 *a, const fe2 *b)
{
    return fe_eq(&a->c[0], &b->c[0], &bn_p) && fe_eq(&a->c[1], &b->c[1], &bn_p);
}

/* (9 + i) a */
static void mul_xi(fe2 *out, const fe2 *a)
{
    fe t;
    fe_9_minus(&t, &a->c[0], &a->c[1], &bn_p);
    fe_9_plus(&out->c[1], &a->c[1], &a->c[0], &bn_p);
    out->c[0] = t;
}

static inline void add6(fe6 *out, const fe6 *a, const fe6 *b)
{
    fe_add_n(out->c[0].c, a->c[0].c, b->c[0].c, 6, &bn_p);
}

static inline void sub6(fe6 *out, const fe6 *a, const fe6 *b)
{
    fe_sub_n(out->c[0].c, a->c[0].c, b->c[0].c, 6, &bn_p);
}

static void neg6(fe6 *out, const fe6 *a)
{
    for (unsigned i = 0; i < 3; i++) fe2_neg(&out->c[i], &a->c[i]);
}

/* v a */
static void mul_v(fe6 *out, const fe6 *a)
{
    fe2 t;
    mul_xi(&t, &a->c[2]);
    out->c[2] = a->c[1];
    out->c[1] = a->c[0];
    out->c[0] = t;
}

/* (x + y) (z + w) - s - t */
static void cross(fe2 *out, const fe2 *x, const fe2 *y, const fe2 *z, const fe2 *w, const fe2 *s,
                  const fe2 *t)
{
    fe2 l, r;
    fe2_add(&l, x, y);
    fe2_add(&r, z, w);
    fe2_mul(&l, &l, &r);
    fe2_sub(&l, &l, s);
    fe2_sub(out, &l, t);
}

static void mul6(fe6 *out, const fe6 *a, const fe6 *b)
{
    fe2 v0, v1, v2, x, y, z;
    fe2_mul(&v0, &a->c[0], &b->c[0]);
    fe2_mul(&v1, &a->c[1], &b->c[1]);
    fe2_mul(&v2, &a->c[2], &b->c[2]);
    cross(&x, &a->c[1], &a->c[2], &b->c[1], &b->c[2], &v1, &v2);
    cross(&y, &a->c[0], &a->c[1], &b->c[0], &b->c[1], &v0, &v1);
    cross(&z, &a->c[0], &a->c[2], &b->c[0], &b->c[2], &v0, &v2);
    mul_xi(&x, &x);
    fe2_add(&out->c[0], &x, &v0);
    mul_xi(&v2, &v2);
    fe2_add(&out->c[1], &y, &v2);
    fe2_add(&out->c[2], &z, &v1);
}

/* a (b0 + b1 v) */
static void mul6_two(fe6 *out, const fe6 *a, const fe2 *b0, const fe2 *b1)
{
    fe2 v0, v1, x, y, z;
    fe2_mul(&v0, &a->c[0], b0);
    fe2_mul(&v1, &a->c[1], b1);
    cross(&y, &a->c[0], &a->c[1], b0, b1, &v0, &v1);
    fe2_mul(&x, &a->c[2], b1);
    fe2_mul(&z, &a->c[2], b0);
    mul_xi(&x, &x);
    fe2_add(&out->c[0], &x, &v0);
    out->c[1] = y;
    fe2_add(&out->c[2], &z, &v1);
}

void fe12_one(fe12 *out)
{
    memset(out, 0, sizeof *out);
    out->c[0].c[0].c[0] = bn_p.one;
}

void fe12_mul(fe12 *out, const fe12 *a, const fe12 *b)
{
    fe6 v0, v1, s, t;
    add6(&s, &a->c[0], &a->c[1]);
    add6(&t, &b->c[0], &b->c[1]);
    mul6(&v0, &a->c[0], &b->c[0]);
    mul6(&v1, &a->c[1], &b->c[1]);
    mul6(&s, &s, &t);
    sub6(&s, &s, &v0);
    sub6(&out->c[1], &s, &v1);
    mul_v(&v1, &v1);
    add6(&out->c[0], &v0, &v1);
}

/* (a0 + a1) (a0 + v a1) - a0 a1 - v a0 a1, and 2 a0 a1. */
void fe12_sqr(fe12 *out, const fe12 *a)
{
    fe6 s, t, m;
    mul_v(&t, &a->c[1]);
    add6(&t, &t, &a->c[0]);
    add6(&s, &a->c[0], &a->c[1]);
    mul6(&m, &a->c[0], &a->c[1]);
    mul6(&s, &s, &t);
    sub6(&s, &s, &m);
    add6(&out->c[1], &m, &m);
    mul_v(&m, &m);
    sub6(&out->c[0], &s, &m);
}

void fe12_mul_line(fe12 *f, const fe2 *c0, const fe2 *c3, const fe2 *c4)
{
    fe6 a, b, e;
    fe2 c03;
    for (unsigned i = 0; i < 3; i++) fe2_mul(&a.c[i], &f->c[0].c[i], c0);
    mul6_two(&b, &f->c[1], c3, c4);
    fe2_add(&c03, c0, c3);
    add6(&e, &f->c[0], &f->c[1]);
    mul6_two(&e, &e, &c03, c4);
    sub6(&e, &e, &a);
    sub6(&f->c[1], &e, &b);
    mul_v(&b, &b);
    add6(&f->c[0], &a, &b);
}

static void conj12(fe12 *out, const fe12 *a)
{
    out->c[0] = a->c[0];
    neg6(&out->c[1], &a->c[1]);
}

/* The coefficient of w^i. */
static inline fe2 *at(fe12 *a, unsigned i)
{
    return &a->c[i % 2].c[i / 2];
}

static void frobenius(fe12 *a)
{
    for (unsigned i = 0; i < 6; i++) {
        fe2_conj(at(a, i), at(a, i));
        if (i) fe2_mul(at(a, i), at(a, i), &gamma1[i - 1]);
    }
}

static void frobenius2(fe12 *a)
{
    for (unsigned i = 1; i < 6; i++) fe2_scale(at(a, i), at(a, i), &gamma2[i - 1]);
}

void bn_twist_frobenius(fe2 *x, fe2 *y)
{
    fe2_conj(x, x);
    fe2_conj(y, y);
    fe2_mul(x, x, &gamma1[1]);
    fe2_mul(y, y, &gamma1[2]);
}

static void inv2(fe2 *out, const fe2 *a)
{
    fe n, t;
    fe_sqr(&n, &a->c[0], &bn_p);
    fe_sqr(&t, &a->c[1], &bn_p);
    fe_add(&n, &n, &t, &bn_p);
    fe_inv(&n, &n, &bn_p);
    fe2_conj(out, a);
    fe2_scale(out, out, &n);
}

static void inv6(fe6 *out, const fe6 *a)
{
    fe2 x, y, z, t, n;
    fe2_sqr(&x, &a->c[0]); /* a0^2 - xi a1 a2 */
    fe2_mul(&t, &a->c[1], &a->c[2]);
    mul_xi(&t, &t);
    fe2_sub(&x, &x, &t);
    fe2_sqr(&y, &a->c[2]); /* xi a2^2 - a0 a1 */
    mul_xi(&y, &y);
    fe2_mul(&t, &a->c[0], &a->c[1]);
    fe2_sub(&y, &y, &t);
    fe2_sqr(&z, &a->c[1]); /* a1^2 - a0 a2 */
    fe2_mul(&t, &a->c[0], &a->c[2]);
    fe2_sub(&z, &z, &t);
    fe2_mul(&n, &a->c[2], &y);
    fe2_mul(&t, &a->c[1], &z);
    fe2_add(&n, &n, &t);
    mul_xi(&n, &n);
    fe2_mul(&t, &a->c[0], &x);
    fe2_add(&n, &n, &t);
    inv2(&n, &n);
    fe2_mul(&out->c[0], &x, &n);
    fe2_mul(&out->c[1], &y, &n);
    fe2_mul(&out->c[2], &z, &n);
}

static void inv12(fe12 *out, const fe12 *a)
{
    fe6 s, t;
    mul6(&s, &a->c[0], &a->c[0]);
    mul6(&t, &a->c[1], &a->c[1]);
    mul_v(&t, &t);
    sub6(&s, &s, &t);
    inv6(&s, &s);
    mul6(&out->c[0], &a->c[0], &s);
    mul6(&out->c[1], &a->c[1], &s);
    neg6(&out->c[1], &out->c[1]);
}

/* The square of r + s y in Fp4 = Fp2[y] / (y^2 - xi). */
static void square4(fe2 *c0, fe2 *c1, const fe2 *r, const fe2 *s)
{
    fe2 m, t, u;
    fe2_mul(&m, r, s);
    fe2_add(&t, r, s);
    mul_xi(&u, s);
    fe2_add(&u, &u, r);
    fe2_mul(&t, &t, &u);
    fe2_sub(&t, &t, &m);
    mul_xi(&u, &m);
    fe2_sub(c0, &t, &u);
    fe2_add(c1, &m, &m);
}

/* 3 t - 2 z (minus), 3 t + 2 z */
static void three_two(fe2 *z, const fe2 *t, bool minus)
{
    fe2 d;
    if (minus)
        fe2_sub(&d, t, z);
    else
        fe2_add(&d, t, z);
    fe2_add(&d, &d, &d);
    fe2_add(z, &d, t);
}

/* The square of an element whose p^6-th power is its inverse. */
static void square_cyclotomic(fe12 *a)
{
    fe2 t0, t1, t2, t3, t4, t5;
    square4(&t0, &t1, at(a, 0), at(a, 3));
    square4(&t2, &t3, at(a, 1), at(a, 4));
    square4(&t4, &t5, at(a, 2), at(a, 5));
    three_two(at(a, 0), &t0, true);
    three_two(at(a, 3), &t1, false);
    mul_xi(&t5, &t5);
    three_two(at(a, 1), &t5, false);
    three_two(at(a, 4), &t4, true);
    three_two(at(a, 2), &t2, true);
    three_two(at(a, 5), &t3, false);
}

/* The digits of u: 1 and -1 at these bits, and 1 at bit 62. */
#define U_TOP 62
#define U_PLUS UINT64_C(0x050a14044a890a01)
#define U_MINUS UINT64_C(0x0020815000200010)

/* a ^ u in the cyclotomic subgroup, where the inverse is the conjugate. */
static void pow_u(fe12 *out, const fe12 *a)
{
    fe12 base = *a, inverse, r = *a;
    conj12(&inverse, a);
    for (unsigned i = U_TOP; i-- > 0;) {
        square_cyclotomic(&r);
        if (U_PLUS >> i & 1) fe12_mul(&r, &r, &base);
        if (U_MINUS >> i & 1) fe12_mul(&r, &r, &inverse);
    }
    *out = r;
}

static bool is_one(const fe12 *a)
{
    const fe *e = &a->c[0].c[0].c[0];
    if (!fe_eq(e, &bn_p.one, &bn_p)) return false;
    for (unsigned i = 1; i < 12; i++)
        if (!fe_is_zero(e + i, &bn_p)) return false;
    return true;
}

/* The easy part, (p^6 - 1) (p^2 + 1), and the hard one by powers of u and p (Devegili, Scott, Dahab,
 * eprint 2007/390; the vectorial addition chain of Scott and others, eprint 2008/490). */
bool fe12_final_is_one(const fe12 *a)
{
    fe12 t, s, u1, u2, u3, y0, y2, y3, y4, y6;
    inv12(&s, a);
    conj12(&t, a);
    fe12_mul(&t, &t, &s);
    s = t;
    frobenius2(&s);
    fe12_mul(&t, &t, &s);

    y0 = t; /* t^(p + p^2 + p^3) */
    frobenius(&y0);
    s = t;
    frobenius2(&s);
    fe12_mul(&y0, &y0, &s);
    frobenius(&s);
    fe12_mul(&y0, &y0, &s);
    pow_u(&u1, &t);
    pow_u(&u2, &u1);
    pow_u(&u3, &u2);
    y2 = u2; /* t^(u^2 p^2) */
    frobenius2(&y2);
    y3 = u1; /* t^-(u p) */
    frobenius(&y3);
    conj12(&y3, &y3);
    y4 = u2; /* t^-(u + u^2 p) */
    frobenius(&y4);
    fe12_mul(&y4, &y4, &u1);
    conj12(&y4, &y4);
    conj12(&u2, &u2); /* y5 = t^-(u^2) */
    y6 = u3;          /* t^-(u^3 + u^3 p) */
    frobenius(&y6);
    fe12_mul(&y6, &y6, &u3);
    conj12(&y6, &y6);

    square_cyclotomic(&y6);
    fe12_mul(&y6, &y6, &y4);
    fe12_mul(&y6, &y6, &u2);
    fe12_mul(&s, &y3, &u2);
    fe12_mul(&s, &s, &y6);
    fe12_mul(&y6, &y6, &y2);
    square_cyclotomic(&s);
    fe12_mul(&s, &s, &y6);
    square_cyclotomic(&s);
    conj12(&t, &t); /* y1 = 1 / t */
    fe12_mul(&t, &t, &s);
    fe12_mul(&s, &s, &y0);
    square_cyclotomic(&t);
    fe12_mul(&t, &t, &s);
    return is_one(&t);
}
