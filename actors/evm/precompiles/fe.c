/* fe.c - see fe.h. Multiplication goes column by column: the products of a and b of a column, then of
 * the multiples of p that make its lower 29 bits zero (Montgomery), then its carry into the next. All
 * limbs are locals, so a product is four instructions: two reads, a multiplication, an addition.
 *
 * Bounds: limbs of `twice` are below 2^30, so the worst columns are those of (x + z) (x - z): 9 products
 * of 2^30 and 2^30 + 2^29, 9 of 2^58 with p, and a carry: 63 * 2^58 + 2^35 < 2^64. Values: the result is
 * (a b + m p) / R < a b / R + p. For a, b < 1.05 p and p < 2^256 = R / 32 that is below 1.04 p; the complex
 * ones are for bn254 alone, p < R / 168: (2.1 * 3.1 / 168 + 1) p < 1.04 p. */
#include "fe.h"

#include "inverse.h"
#include "unroll.h"

#include <stddef.h>

#define N FE_LIMBS
#define BITS FE_BITS
#define MASK 0x1fffffffu
#define TOP (N - 1)

INLINE void load(uint64_t x[N], const fe *a)
{
    UNROLL
    for (unsigned i = 0; i < N; i++) x[i] = a->v[i];
}

/* x y, plus z w unless z is NULL; x x when y is NULL. */
INLINE void montgomery(fe *out, const uint64_t x[N], const uint64_t y[N], const uint64_t *z,
                       const uint64_t *w, const fe_field *f)
{
    uint64_t p[N], m[N], acc = 0;
    uint32_t n0 = f->n0;
    load(p, &f->p);
    UNROLL
    for (unsigned k = 0; k < 2 * N - 1; k++) {
        const unsigned first = k < N ? 0 : k - N + 1, last = k < N ? k : N - 1;
        acc += column_of(x, y, z, w, k, first, last);
        UNROLL
        for (unsigned i = first; i <= last && i < k; i++)
            if (i < N) acc += m[i] * p[k - i];
        if (k < N) {
            m[k] = (uint32_t)acc * n0 & MASK;
            acc += m[k] * p[0];
        } else {
            out->v[k - N] = (uint32_t)acc & MASK;
        }
        acc >>= BITS;
    }
    out->v[TOP] = (uint32_t)acc;
}

void fe_mul(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    uint64_t x[N], y[N];
    load(x, a);
    load(y, b);
    montgomery(out, x, y, NULL, NULL, f);
}

void fe_sqr(fe *out, const fe *a, const fe_field *f)
{
    uint64_t x[N];
    load(x, a);
    montgomery(out, x, NULL, NULL, NULL, f);
}

/* a b + c d. Called twice for a product of complex numbers: inlined twice with the limbs loaded once,
 * that was 8 % less gas and 2 KB more code. */
static __attribute__((noinline)) void mul_add(fe *out, const fe *a, const fe *b, const fe *c,
                                              const fe *d, const fe_field *f)
{
    uint64_t x[N], y[N], z[N], w[N];
    load(x, a);
    load(y, b);
    load(z, c);
    load(w, d);
    montgomery(out, x, y, z, w, f);
}

void fe_mul_complex(fe out[2], const fe a[2], const fe b[2], const fe_field *f)
{
    fe minus, re;
    UNROLL
    for (unsigned i = 0; i < N; i++) minus.v[i] = f->twice.v[i] - a[1].v[i];
    mul_add(&re, &a[0], &b[0], &minus, &b[1], f);
    mul_add(&out[1], &a[0], &b[1], &a[1], &b[0], f);
    out[0] = re;
}

/* (x + z) (x - z) and 2 x z. */
void fe_sqr_complex(fe out[2], const fe a[2], const fe_field *f)
{
    fe sum, difference, twice;
    UNROLL
    for (unsigned i = 0; i < N; i++) {
        uint32_t x = a[0].v[i], z = a[1].v[i];
        sum.v[i] = x + z;
        difference.v[i] = x + f->twice.v[i] - z;
        twice.v[i] = 2 * x;
    }
    fe_mul(&out[1], &twice, &a[1], f);
    fe_mul(&out[0], &sum, &difference, f);
}

/* ka a + kb b - kc c, reduced in the same pass: the quotient is taken of the top limbs alone. With
 * t the top limb of the sum, of which all below may take kc away, q = (t - kc) / (top(p) + 1) is never
 * too large, and what is left is below p plus a few units of the top limb: 1.0001 p, as top(p) has at
 * least 22 bits. Minus kc c begins with plus 2 kc p. Inlined with constants. */
INLINE void linear(fe *out, const fe *a, int64_t ka, const fe *b, int64_t kb, const fe *c,
                   int64_t kc, const fe_field *f)
{
    int64_t top = ka * a->v[TOP] + 2 * kc * f->p.v[TOP] - kc, acc = 0;
    if (kb) top += kb * b->v[TOP];
    if (kc) top -= kc * c->v[TOP];
    int64_t s = 2 * kc - (int64_t)((uint64_t)top / (f->p.v[TOP] + 1u));
    UNROLL
    for (unsigned i = 0; i < N; i++) {
        acc += ka * a->v[i] + s * f->p.v[i];
        if (kb) acc += kb * b->v[i];
        if (kc) acc -= kc * c->v[i];
        out->v[i] = i == TOP ? (uint32_t)acc : (uint32_t)acc & MASK;
        acc >>= BITS;
    }
}

void fe_add_n(fe *out, const fe *a, const fe *b, unsigned n, const fe_field *f)
{
    for (; n; n--) linear(out++, a++, 1, b++, 1, NULL, 0, f);
}

void fe_sub_n(fe *out, const fe *a, const fe *b, unsigned n, const fe_field *f)
{
    for (; n; n--) linear(out++, a++, 1, NULL, 0, b++, 1, f);
}

void fe_triple(fe *out, const fe *a, const fe_field *f)
{
    linear(out, a, 3, NULL, 0, NULL, 0, f);
}

void fe_9_plus(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    linear(out, a, 9, b, 1, NULL, 0, f);
}

void fe_9_minus(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    linear(out, a, 9, NULL, 0, b, 1, f);
}

void fe_minus_2(fe *out, const fe *a, const fe *b, const fe_field *f)
{
    linear(out, a, 1, NULL, 0, b, 2, f);
}

void fe_neg(fe *out, const fe *a, const fe_field *f)
{
    linear(out, a, 0, NULL, 0, a, 1, f);
}

/* a - p if that is not negative; whether it was not. */
static bool subtract_p(fe *out, const fe *a, const fe_field *f)
{
    int64_t acc = 0;
    fe d;
    for (unsigned i = 0; i < N; i++) {
        acc += (int64_t)a->v[i] - f->p.v[i];
        d.v[i] = (uint32_t)acc & MASK;
        acc >>= BITS;
    }
    *out = acc < 0 ? *a : d;
    return acc >= 0;
}

void fe_canonical(fe *out, const fe *a, const fe_field *f)
{
    subtract_p(out, a, f);
}

bool fe_is_zero(const fe *a, const fe_field *f)
{
    fe r;
    uint32_t ones = 0;
    subtract_p(&r, a, f);
    for (unsigned i = 0; i < N; i++) ones |= r.v[i];
    return ones == 0;
}

bool fe_eq(const fe *a, const fe *b, const fe_field *f)
{
    fe d;
    fe_sub(&d, a, b, f);
    return fe_is_zero(&d, f);
}

static void unpack(fe *out, const uint8_t in[32])
{
    uint64_t acc = 0;
    unsigned have = 0, n = 0;
    for (unsigned i = 32; i-- > 0;) {
        acc |= (uint64_t)in[i] << have;
        have += 8;
        if (have >= BITS) {
            out->v[n++] = (uint32_t)acc & MASK;
            acc >>= BITS;
            have -= BITS;
        }
    }
    out->v[n] = (uint32_t)acc;
}

bool fe_read(fe *out, const uint8_t in[32], const fe_field *f)
{
    fe plain, less;
    unpack(&plain, in);
    if (subtract_p(&less, &plain, f)) return false;
    fe_mul(out, &plain, &f->rr, f);
    return true;
}

void fe_read_mod(fe *out, const uint8_t in[32], const fe_field *f)
{
    unpack(out, in);
    while (subtract_p(out, out, f)) {}
    fe_mul(out, out, &f->rr, f);
}

static void pack(uint8_t out[32], const fe *plain)
{
    uint64_t acc = 0;
    unsigned have = 0, n = 0;
    for (unsigned i = 32; i-- > 0;) {
        if (have < 8) {
            acc |= (uint64_t)plain->v[n++] << have;
            have += BITS;
        }
        out[i] = (uint8_t)acc;
        acc >>= 8;
        have -= 8;
    }
}

void fe_write(uint8_t out[32], const fe *a, const fe_field *f)
{
    static const fe plain_one = { { 1 } };
    fe r;
    fe_mul(&r, a, &plain_one, f);
    subtract_p(&r, &r, f);
    pack(out, &r);
}

void fe_inv(fe *out, const fe *a, const fe_field *f)
{
    fe plain;
    subtract_p(&plain, a, f);
    fvm__inverse(plain.v, plain.v, f->p.v, N, BITS, f->n0);
    fe_mul(out, &plain, &f->rr, f); /* a came with R, and goes with R */
    fe_mul(out, out, &f->rr, f);
}
