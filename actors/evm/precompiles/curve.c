/* curve.c - see curve.h. Formulas: the Explicit-Formulas Database, dbl-2001-b and add-1998-cmo-2. */
#include "curve.h"

#include "wnaf.h"

#include <string.h>

bool curve_has(const fe *x, const fe *y, const curve *c)
{
    const fe_field *f = c->f;
    fe l, r, t;
    fe_sqr(&l, y, f);
    fe_sqr(&r, x, f);
    fe_mul(&r, &r, x, f);
    fe_add(&r, &r, &c->b, f);
    if (c->a_minus_3) {
        fe_triple(&t, x, f);
        fe_sub(&r, &r, &t, f);
    }
    return fe_eq(&l, &r, f);
}

void curve_double(curve_point *out, const curve_point *p, const curve *c)
{
    const fe_field *f = c->f;
    fe alpha, beta, gamma, t;
    if (c->a_minus_3) {
        fe_sqr(&t, &p->z, f);
        fe_sub(&alpha, &p->x, &t, f);
        fe_add(&t, &p->x, &t, f);
        fe_mul(&alpha, &alpha, &t, f);
    } else {
        fe_sqr(&alpha, &p->x, f);
    }
    fe_triple(&alpha, &alpha, f);
    fe_mul(&t, &p->y, &p->z, f);
    fe_add(&out->z, &t, &t, f);
    fe_sqr(&gamma, &p->y, f);
    fe_add(&gamma, &gamma, &gamma, f); /* 2 y^2 */
    fe_mul(&beta, &p->x, &gamma, f);
    fe_add(&beta, &beta, &beta, f); /* 4 x y^2 */
    fe_sqr(&t, &alpha, f);
    fe_minus_2(&out->x, &t, &beta, f);
    fe_sub(&beta, &beta, &out->x, f);
    fe_mul(&beta, &beta, &alpha, f);
    fe_sqr(&gamma, &gamma, f); /* 4 y^4 */
    fe_minus_2(&out->y, &beta, &gamma, f);
}

void curve_add(curve_point *out, const curve_point *p, const curve_point *q, const curve *c)
{
    const fe_field *f = c->f;
    fe zz, u1, s1, h, r, hh, t;
    if (fe_is_zero(&q->z, f)) {
        *out = *p;
        return;
    }
    if (fe_is_zero(&p->z, f)) {
        *out = *q;
        return;
    }
    fe_sqr(&zz, &q->z, f);
    fe_mul(&u1, &p->x, &zz, f);
    fe_mul(&zz, &zz, &q->z, f);
    fe_mul(&s1, &p->y, &zz, f);
    fe_sqr(&zz, &p->z, f);
    fe_mul(&h, &q->x, &zz, f);
    fe_mul(&zz, &zz, &p->z, f);
    fe_mul(&r, &q->y, &zz, f);
    fe_sub(&h, &h, &u1, f);
    fe_sub(&r, &r, &s1, f);
    if (fe_is_zero(&h, f)) {
        if (fe_is_zero(&r, f))
            curve_double(out, p, c);
        else
            memset(out, 0, sizeof *out);
        return;
    }
    fe_mul(&t, &p->z, &q->z, f);
    fe_mul(&out->z, &t, &h, f);
    fe_sqr(&hh, &h, f);
    fe_mul(&h, &h, &hh, f);
    fe_mul(&u1, &u1, &hh, f);
    fe_mul(&s1, &s1, &h, f);
    fe_sqr(&t, &r, f);
    fe_sub(&t, &t, &h, f);
    fe_minus_2(&out->x, &t, &u1, f);
    fe_sub(&u1, &u1, &out->x, f);
    fe_mul(&u1, &u1, &r, f);
    fe_sub(&out->y, &u1, &s1, f);
}

void curve_mul(curve_point *out, const curve_point *p, const uint8_t (*k)[32], unsigned n,
               const curve *c)
{
    curve_point odd[2][WNAF_TABLE], twice, r, t;
    int8_t digit[2][257];
    unsigned used = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t little[32];
        for (unsigned j = 0; j < 32; j++) little[j] = k[i][31 - j];
        unsigned len = fvm__wnaf(digit[i], little, 32);
        if (len > used) used = len;
        odd[i][0] = p[i];
        curve_double(&twice, &p[i], c);
        for (unsigned j = 1; j < WNAF_TABLE; j++) curve_add(&odd[i][j], &odd[i][j - 1], &twice, c);
    }
    memset(&r, 0, sizeof r);
    bool started = false;
    for (unsigned i = used; i-- > 0;) {
        if (started) curve_double(&r, &r, c);
        for (unsigned j = 0; j < n; j++) {
            int d = digit[j][i];
            if (!d) continue;
            t = odd[j][(d < 0 ? -d : d) >> 1];
            if (d < 0) fe_neg(&t.y, &t.y, c->f);
            curve_add(&r, &r, &t, c);
            started = true;
        }
    }
    *out = r;
}

void curve_affine(fe *x, fe *y, const curve_point *p, const curve *c)
{
    fe i, ii;
    fe_inv(&i, &p->z, c->f);
    fe_sqr(&ii, &i, c->f);
    fe_mul(x, &p->x, &ii, c->f);
    fe_mul(&ii, &ii, &i, c->f);
    fe_mul(y, &p->y, &ii, c->f);
}
