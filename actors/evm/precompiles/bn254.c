/* bn254.c - bn254's addition and multiplication (EIP-196). Numbers are big-endian words; coordinates of p
 * and above and points off the curve fail; (0, 0) is infinity; G1 has a prime number of points, so
 * there is no other subgroup. Missing input is zeros. */
#include "bn254.h"

/* p = 36 u^4 + 36 u^3 + 24 u^2 + 6 u + 1, u = 4965661367192848881. */
const fe_field bn_p = {
    .p = { { 0x187cfd47, 0x010460b6, 0x1c72a34f, 0x02d522d0, 0x1585d978, 0x02db40c0, 0x00a6e141,
             0x0e5c2634, 0x0030644e } },
    .rr = { { 0x059bac10, 0x0d1503a3, 0x018016b8, 0x10ab0ca8, 0x02632639, 0x02c0169f, 0x169bfd53,
              0x11869d4c, 0x002a11a6 } },
    .one = { { 0x157ccc21, 0x141c2758, 0x185230d3, 0x014c0419, 0x0aa36fb9, 0x1d4240ce, 0x11d54c07,
               0x052ac7a8, 0x000dc836 } },
    .twice = { { 0x30f9fa8e, 0x2208c16c, 0x38e5469d, 0x25aa45a0, 0x2b0bb2ef, 0x25b68180, 0x214dc281,
                 0x3cb84c67, 0x0060c89b } },
    .n0 = 0x04866389,
};

const curve bn_curve = {
    .f = &bn_p,
    .b = { { 0x00766463, 0x1c54760a, 0x08f6927a, 0x03e40c4d, 0x1fea4f2b, 0x17c6c26a, 0x157fe417,
             0x0f8056f9, 0x002958a2 } },
    .a_minus_3 = false,
};

typedef struct g1 {
    fe x, y;
    bool infinity;
} g1;

static bool read_point(g1 *p, fvm_bytes in, uint64_t at)
{
    uint8_t word[64];
    fvm__pre_read(word, 64, in, at);
    if (!fe_read(&p->x, word, &bn_p) || !fe_read(&p->y, word + 32, &bn_p)) return false;
    p->infinity = fe_is_zero(&p->x, &bn_p) && fe_is_zero(&p->y, &bn_p);
    return p->infinity || curve_has(&p->x, &p->y, &bn_curve);
}

static void write_point(fvm_bytes *out, const g1 *p)
{
    uint8_t *to = fvm__pre_output(out, 64);
    if (p->infinity) return;
    fe_write(to, &p->x, &bn_p);
    fe_write(to + 32, &p->y, &bn_p);
}

/* The affine formulas: one inversion, which Jacobian coordinates would need at the end as well. */
bool fvm__pre_bn_add(fvm_bytes *out, fvm_bytes in)
{
    const fe_field *f = &bn_p;
    g1 p, q, sum;
    fe above, below, slope, t;
    if (!read_point(&p, in, 0) || !read_point(&q, in, 64)) return false;
    if (p.infinity || q.infinity) {
        write_point(out, p.infinity ? &q : &p);
        return true;
    }
    fe_sub(&below, &q.x, &p.x, f);
    fe_sub(&above, &q.y, &p.y, f);
    if (fe_is_zero(&below, f)) {
        if (!fe_is_zero(&above, f)) { /* q = -p: no point has y = 0 */
            sum.infinity = true;
            write_point(out, &sum);
            return true;
        }
        fe_sqr(&above, &p.x, f);
        fe_triple(&above, &above, f);
        fe_add(&below, &p.y, &p.y, f);
    }
    fe_inv(&below, &below, f);
    fe_mul(&slope, &above, &below, f);
    fe_sqr(&t, &slope, f);
    fe_sub(&t, &t, &p.x, f);
    fe_sub(&sum.x, &t, &q.x, f);
    fe_sub(&t, &p.x, &sum.x, f);
    fe_mul(&t, &t, &slope, f);
    fe_sub(&sum.y, &t, &p.y, f);
    sum.infinity = false;
    write_point(out, &sum);
    return true;
}

bool fvm__pre_bn_mul(fvm_bytes *out, fvm_bytes in)
{
    uint8_t k[1][32];
    g1 p;
    curve_point r;
    if (!read_point(&p, in, 0)) return false;
    fvm__pre_read(k[0], 32, in, 64);
    if (!p.infinity) {
        r = (curve_point){ p.x, p.y, bn_p.one };
        curve_mul(&r, &r, (const uint8_t(*)[32])k, 1, &bn_curve);
        p.infinity = fe_is_zero(&r.z, &bn_p);
        if (!p.infinity) curve_affine(&p.x, &p.y, &r, &bn_curve);
    }
    write_point(out, &p);
    return true;
}
