/* inverse.c - Bernstein and Yang's division steps (eprint 2019/266) in the variable-time form of
 * libsecp256k1's notes: a batch of 28 or 29 steps depends on the low bits alone and becomes a matrix,
 * which is then applied to the whole numbers. f and g go from p and a to +-1 and 0, while d a = f and
 * e a = g mod p. Fermat's power takes 300 multiplications; this takes the instructions of about 12. */
#include "inverse.h"

#include <string.h>

/* 2^bits times what a batch of steps does to (f, g). */
typedef struct steps {
    int32_t u, v, q, r;
} steps;

/* What all functions need of the modulus. */
typedef struct modulus {
    const uint32_t *p;
    unsigned n, bits;
    uint32_t mask, n0;
} modulus;

static int32_t divide(steps *t, int32_t eta, uint32_t f, uint32_t g, unsigned bits)
{
    uint32_t u = 1, v = 0, q = 0, r = 1, tmp;
    int32_t left = (int32_t)bits;
    for (;;) {
        int32_t zeros = __builtin_ctz(g | UINT32_MAX << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros;
        left -= zeros;
        if (left == 0) break;
        if (eta < 0) {
            eta = -eta;
            tmp = f, f = g, g = 0 - tmp;
            tmp = u, u = q, q = 0 - tmp;
            tmp = v, v = r, r = 0 - tmp;
        }
        /* As many low bits of g as the steps until the next swap allow, at most 6, are cleared by
         * adding w f; f (f f - 2) is -1 / f mod 64. */
        int32_t limit = eta + 1 > left ? left : eta + 1;
        uint32_t w = f * g * (f * f - 2) & UINT32_MAX >> (32 - limit) & 63;
        g += f * w;
        q += u * w;
        r += v * w;
    }
    *t = (steps){ (int32_t)u, (int32_t)v, (int32_t)q, (int32_t)r };
    return eta;
}

/* (d, e) = t (d, e) / 2^bits mod p; both stay between -2 p and p. */
static void turn_de(int32_t *d, int32_t *e, const steps *t, const modulus *m)
{
    int64_t u = t->u, v = t->v, q = t->q, r = t->r;
    int32_t sd = d[m->n - 1] >> 31, se = e[m->n - 1] >> 31;
    int32_t md = (t->u & sd) + (t->v & se), me = (t->q & sd) + (t->r & se);
    int64_t cd = u * d[0] + v * e[0], ce = q * d[0] + r * e[0];
    /* less a multiple of p that makes the low bits zero: p n0 is -1 */
    md -= (int32_t)(((uint32_t)md - m->n0 * (uint32_t)cd) & m->mask);
    me -= (int32_t)(((uint32_t)me - m->n0 * (uint32_t)ce) & m->mask);
    cd = (cd + (int64_t)m->p[0] * md) >> m->bits;
    ce = (ce + (int64_t)m->p[0] * me) >> m->bits;
    for (unsigned i = 1; i < m->n; i++) {
        cd += u * d[i] + v * e[i] + (int64_t)m->p[i] * md;
        ce += q * d[i] + r * e[i] + (int64_t)m->p[i] * me;
        d[i - 1] = (int32_t)((uint32_t)cd & m->mask);
        e[i - 1] = (int32_t)((uint32_t)ce & m->mask);
        cd >>= m->bits;
        ce >>= m->bits;
    }
    d[m->n - 1] = (int32_t)cd;
    e[m->n - 1] = (int32_t)ce;
}

/* (f, g) = t (f, g) / 2^bits, exactly; whether g is not 0 yet. */
static int32_t turn_fg(int32_t *f, int32_t *g, const steps *t, const modulus *m)
{
    int64_t u = t->u, v = t->v, q = t->q, r = t->r;
    int64_t cf = (u * f[0] + v * g[0]) >> m->bits, cg = (q * f[0] + r * g[0]) >> m->bits;
    int32_t ones = 0;
    for (unsigned i = 1; i < m->n; i++) {
        cf += u * f[i] + v * g[i];
        cg += q * f[i] + r * g[i];
        f[i - 1] = (int32_t)((uint32_t)cf & m->mask);
        g[i - 1] = (int32_t)((uint32_t)cg & m->mask);
        ones |= g[i - 1];
        cf >>= m->bits;
        cg >>= m->bits;
    }
    f[m->n - 1] = (int32_t)cf;
    g[m->n - 1] = (int32_t)cg;
    return ones | g[m->n - 1];
}

/* d = sign d + add p */
static void adjust(int32_t *d, int32_t sign, int32_t add, const modulus *m)
{
    int64_t acc = 0;
    for (unsigned i = 0; i < m->n; i++) {
        acc += (int64_t)sign * d[i] + (int64_t)add * m->p[i];
        d[i] = i + 1 < m->n ? (int32_t)((uint32_t)acc & m->mask) : (int32_t)acc;
        acc >>= m->bits;
    }
}

void fvm__inverse(uint32_t *out, const uint32_t *a, const uint32_t *p, unsigned n, unsigned bits,
                  uint32_t n0)
{
    const modulus m = { p, n, bits, (UINT32_C(1) << bits) - 1, n0 };
    int32_t d[INVERSE_LIMBS_MAX] = { 0 }, e[INVERSE_LIMBS_MAX] = { 1 };
    int32_t f[INVERSE_LIMBS_MAX], g[INVERSE_LIMBS_MAX], eta = -1, more;
    steps t;
    for (unsigned i = 0; i < n; i++) {
        f[i] = (int32_t)p[i];
        g[i] = (int32_t)a[i];
    }
    do {
        eta = divide(&t, eta, (uint32_t)f[0], (uint32_t)g[0], bits);
        turn_de(d, e, &t, &m);
        more = turn_fg(f, g, &t, &m);
    } while (more);
    /* f is 1 or -1, and d a = f; or a is 0, and so is d */
    if (d[n - 1] < 0) adjust(d, 1, 1, &m);
    if (f[n - 1] < 0) adjust(d, -1, 0, &m);
    if (d[n - 1] < 0) adjust(d, 1, 1, &m);
    for (unsigned i = 0; i < n; i++) out[i] = (uint32_t)d[i];
}
