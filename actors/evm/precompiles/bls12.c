/* bls12.c - BLS12-381's precompiles (EIP-2537) over blst. Elements of Fp are 64 bytes: 16 zeros and 48
 * big-endian bytes below p; Fp2 real part first; a point is x, y; zeros are infinity. Lengths are exact, points
 * must be on the curve, and for products and pairings in the subgroup. Scalars are any 256 bits. */
#include "bls12_blst.h"
#include "internal.h"
#include "wnaf.h"

#define FP 64
#define G1 (2 * FP)
#define G2 (4 * FP)
#define SCALAR 32

/* --- reading and writing --- */

static bool read_fp(vec384 out, const uint8_t *in)
{
    static const uint8_t p[48] = { 0x1a, 0x01, 0x11, 0xea, 0x39, 0x7f, 0xe6, 0x9a, 0x4b, 0x1b,
                                   0xa7, 0xb6, 0x43, 0x4b, 0xac, 0xd7, 0x64, 0x77, 0x4b, 0x84,
                                   0xf3, 0x85, 0x12, 0xbf, 0x67, 0x30, 0xd2, 0xa0, 0xf6, 0xb0,
                                   0xf6, 0x24, 0x1e, 0xab, 0xff, 0xfe, 0xb1, 0x53, 0xff, 0xff,
                                   0xb9, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xaa, 0xab };
    unsigned padding = 0;
    for (unsigned i = 0; i < 16; i++) padding |= in[i];
    if (padding || memcmp(in + 16, p, sizeof p) >= 0) return false;
    limbs_from_be_bytes(out, in + 16, 48);
    mul_fp(out, out, BLS12_381_RR);
    return true;
}

static void write_fp(uint8_t *out, const vec384 a)
{
    vec384 plain;
    from_fp(plain, a);
    be_bytes_from_limbs(out + 16, plain, 48);
}

static bool read_fp2(vec384x out, const uint8_t *in)
{
    return read_fp(out[0], in) && read_fp(out[1], in + FP);
}

static bool read_g1(POINTonE1_affine *p, const uint8_t *in)
{
    return read_fp(p->X, in) && read_fp(p->Y, in + FP) && blst_p1_affine_on_curve(p);
}

static bool read_g2(POINTonE2_affine *p, const uint8_t *in)
{
    return read_fp2(p->X, in) && read_fp2(p->Y, in + 2 * FP) && blst_p2_affine_on_curve(p);
}

static void write_g1(fvm_bytes *out, const POINTonE1 *p)
{
    POINTonE1_affine a;
    uint8_t *to = fvm__pre_output(out, G1);
    if (blst_p1_is_inf(p)) return;
    blst_p1_to_affine(&a, p);
    write_fp(to, a.X);
    write_fp(to + FP, a.Y);
}

static void write_g2(fvm_bytes *out, const POINTonE2 *p)
{
    POINTonE2_affine a;
    uint8_t *to = fvm__pre_output(out, G2);
    if (blst_p2_is_inf(p)) return;
    blst_p2_to_affine(&a, p);
    for (unsigned i = 0; i < 2; i++) {
        write_fp(to + i * FP, a.X[i]);
        write_fp(to + (2 + i) * FP, a.Y[i]);
    }
}

/* --- addition, and maps from the field --- */

bool fvm__pre_bls_g1add(fvm_bytes *out, fvm_bytes in)
{
    POINTonE1_affine a, b;
    POINTonE1 sum;
    if (in.len != 2 * G1 || !read_g1(&a, in.ptr) || !read_g1(&b, in.ptr + G1)) return false;
    blst_p1_from_affine(&sum, &a);
    blst_p1_add_or_double_affine(&sum, &sum, &b);
    write_g1(out, &sum);
    return true;
}

bool fvm__pre_bls_g2add(fvm_bytes *out, fvm_bytes in)
{
    POINTonE2_affine a, b;
    POINTonE2 sum;
    if (in.len != 2 * G2 || !read_g2(&a, in.ptr) || !read_g2(&b, in.ptr + G2)) return false;
    blst_p2_from_affine(&sum, &a);
    blst_p2_add_or_double_affine(&sum, &sum, &b);
    write_g2(out, &sum);
    return true;
}

bool fvm__pre_bls_map_fp(fvm_bytes *out, fvm_bytes in)
{
    vec384 u;
    POINTonE1 p;
    if (in.len != FP || !read_fp(u, in.ptr)) return false;
    blst_map_to_g1(&p, u, NULL);
    write_g1(out, &p);
    return true;
}

bool fvm__pre_bls_map_fp2(fvm_bytes *out, fvm_bytes in)
{
    vec384x u;
    POINTonE2 p;
    if (in.len != 2 * FP || !read_fp2(u, in.ptr)) return false;
    blst_map_to_g2(&p, u, NULL);
    write_g2(out, &p);
    return true;
}

/* --- products. A scalar mod r is k0 + k1 z^2 in G1, where z^2 P = -phi(P), and four digits in base |z|
 * in G2, where |z| P = -psi(P) (Galbraith, Lin, Scott). So all scalars become short, and share 128 or 64
 * doublings; the digits of wnaf.h choose from tables of odd multiples. --- */

#define G1_PARTS 2
#define G2_PARTS 4

typedef struct g1_term {
    POINTonE1 odd[G1_PARTS][WNAF_TABLE];
    int8_t digit[G1_PARTS][129];
} g1_term;

typedef struct g2_term {
    POINTonE2 odd[G2_PARTS][WNAF_TABLE];
    int8_t digit[G2_PARTS][65];
} g2_term;

/* val of `len` bytes by a divisor: the remainder goes to its low half, the quotient to its high half.
 * blst's e1.c and e2.c refer to the two functions below as well. */
static void divide(limb_t *val, unsigned len, const fvm_u256 *divisor)
{
    fvm_u256 k = { { 0 } }, remainder;
    memcpy(k.limb, val, len);
    fvm_u256_divmod(&k, &remainder, &k, divisor);
    memcpy(val, remainder.limb, len / 2);
    memcpy((uint8_t *)val + len / 2, k.limb, len / 2);
}

static void div_by_zz(limb_t val[])
{
    static const fvm_u256 zz = { { 0x0000000100000000, 0xac45a4010001a402, 0, 0 } };
    divide(val, 32, &zz);
}

static void div_by_z(limb_t val[])
{
    static const fvm_u256 minus_z = { { 0xd201000000010000, 0, 0, 0 } };
    divide(val, 16, &minus_z);
}

/* A scalar mod r, little-endian, divided by z^2: two halves of 16 bytes. */
static void split(vec256 val, const uint8_t scalar[SCALAR])
{
    static const fvm_u256 r = { { 0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805,
                                  0x73eda753299d7d48 } };
    fvm_u256 k;
    fvm_u256_read(&k, scalar);
    fvm_u256_divmod(NULL, &k, &k, &r);
    memcpy(val, k.limb, 32);
    div_by_zz(val);
}

/* Reads a point and its scalar. Gives whether the input is right; *counts is false when the product is
 * infinity. */
static bool read_g1_term(g1_term *t, bool *counts, const uint8_t *in)
{
    POINTonE1_affine a;
    POINTonE1 twice, *odd = t->odd[0];
    vec384 beta_squared;
    vec256 val;
    if (!read_g1(&a, in)) return false;
    *counts = false;
    if (blst_p1_affine_is_inf(&a)) return true;
    blst_p1_from_affine(&odd[0], &a);
    if (!POINTonE1_in_G1(&odd[0])) return false;
    split(val, in + G1);
    *counts = true;
    POINTonE1_double(&twice, &odd[0]);
    sqr_fp(beta_squared, beta);
    for (unsigned i = 0; i < WNAF_TABLE; i++) {
        if (i) POINTonE1_dadd(&odd[i], &odd[i - 1], &twice, NULL);
        t->odd[1][i] = odd[i];
        mul_fp(t->odd[1][i].X, odd[i].X, beta_squared);
        POINTonE1_cneg(&t->odd[1][i], 1);
    }
    for (unsigned i = 0; i < G1_PARTS; i++)
        (void)fvm__wnaf(t->digit[i], (const uint8_t *)val + 16 * i, 16);
    return true;
}

static bool read_g2_term(g2_term *t, bool *counts, const uint8_t *in)
{
    POINTonE2_affine a;
    POINTonE2 twice, *odd = t->odd[0];
    vec256 val;
    if (!read_g2(&a, in)) return false;
    *counts = false;
    if (blst_p2_affine_is_inf(&a)) return true;
    blst_p2_from_affine(&odd[0], &a);
    if (!POINTonE2_in_G2(&odd[0])) return false;
    split(val, in + G2);
    div_by_z(val);
    div_by_z(val + NLIMBS(256) / 2);
    *counts = true;
    POINTonE2_double(&twice, &odd[0]);
    for (unsigned i = 0; i < WNAF_TABLE; i++) {
        if (i) POINTonE2_dadd(&odd[i], &odd[i - 1], &twice, NULL);
        for (unsigned j = 1; j < G2_PARTS; j++) {
            psi(&t->odd[j][i], &t->odd[j - 1][i]);
            POINTonE2_cneg(&t->odd[j][i], 1);
        }
    }
    for (unsigned i = 0; i < G2_PARTS; i++)
        (void)fvm__wnaf(t->digit[i], (const uint8_t *)val + 8 * i, 8);
    return true;
}

bool fvm__pre_bls_g1msm(fvm_bytes *out, fvm_bytes in)
{
    uint32_t n = (uint32_t)in.len / (G1 + SCALAR), used = 0;
    if (n == 0 || in.len % (G1 + SCALAR)) return false;
    g1_term *terms = (g1_term *)fvm_heap_array(n, sizeof *terms);
    for (uint32_t i = 0; i < n; i++) {
        bool counts;
        if (!read_g1_term(&terms[used], &counts, in.ptr + (size_t)i * (G1 + SCALAR))) return false;
        used += counts;
    }
    POINTonE1 sum, t;
    memset(&sum, 0, sizeof sum);
    for (unsigned bit = 129; used && bit-- > 0;) {
        if (!blst_p1_is_inf(&sum)) POINTonE1_double(&sum, &sum);
        for (uint32_t i = 0; i < used; i++)
            for (unsigned j = 0; j < G1_PARTS; j++) {
                int d = terms[i].digit[j][bit];
                if (!d) continue;
                t = terms[i].odd[j][(d < 0 ? -d : d) >> 1];
                if (d < 0) POINTonE1_cneg(&t, 1);
                POINTonE1_dadd(&sum, &sum, &t, NULL);
            }
    }
    write_g1(out, &sum);
    return true;
}

bool fvm__pre_bls_g2msm(fvm_bytes *out, fvm_bytes in)
{
    uint32_t n = (uint32_t)in.len / (G2 + SCALAR), used = 0;
    if (n == 0 || in.len % (G2 + SCALAR)) return false;
    g2_term *terms = (g2_term *)fvm_heap_array(n, sizeof *terms);
    for (uint32_t i = 0; i < n; i++) {
        bool counts;
        if (!read_g2_term(&terms[used], &counts, in.ptr + (size_t)i * (G2 + SCALAR))) return false;
        used += counts;
    }
    POINTonE2 sum, t;
    memset(&sum, 0, sizeof sum);
    for (unsigned bit = 65; used && bit-- > 0;) {
        if (!blst_p2_is_inf(&sum)) POINTonE2_double(&sum, &sum);
        for (uint32_t i = 0; i < used; i++)
            for (unsigned j = 0; j < G2_PARTS; j++) {
                int d = terms[i].digit[j][bit];
                if (!d) continue;
                t = terms[i].odd[j][(d < 0 ? -d : d) >> 1];
                if (d < 0) POINTonE2_cneg(&t, 1);
                POINTonE2_dadd(&sum, &sum, &t, NULL);
            }
    }
    write_g2(out, &sum);
    return true;
}

/* --- pairing --- */

/* What the Miller loop works on, as blst's functions want it: arrays. */
typedef struct pairs {
    uint32_t n;
    POINTonE2_affine *q;
    POINTonE1_affine *p2; /* -2 x, 2 y */
    POINTonE2 *t;
} pairs;

/* blst's miller_loop_n, but T = |z| Q stays in sight: Q is in the subgroup exactly when psi(Q) = z Q, which
 * is -T, so the check costs nothing. blst's formulas fail on points of small order only, and leave Z = 0. */
static bool miller(vec384fp12 f, const pairs *s)
{
    for (uint32_t i = 0; i < s->n; i++) blst_p2_from_affine(&s->t[i], &s->q[i]);
    start_dbl_n(f, s->t, s->p2, s->n);
    add_n_dbl_n(f, s->t, s->q, s->p2, s->n, 2);
    add_n_dbl_n(f, s->t, s->q, s->p2, s->n, 3);
    add_n_dbl_n(f, s->t, s->q, s->p2, s->n, 9);
    add_n_dbl_n(f, s->t, s->q, s->p2, s->n, 32);
    add_n_dbl_n(f, s->t, s->q, s->p2, s->n, 16);
    conjugate_fp12(f);
    for (uint32_t i = 0; i < s->n; i++) {
        POINTonE2 image;
        if (blst_p2_is_inf(&s->t[i])) return false;
        blst_p2_from_affine(&image, &s->q[i]);
        psi(&image, &image);
        POINTonE2_cneg(&image, 1);
        if (!POINTonE2_is_equal(&image, &s->t[i])) return false;
    }
    return true;
}

/* Reads a pair; it does not count when one of the points is infinity, but both are checked. */
static bool read_pair(pairs *s, const uint8_t *in)
{
    POINTonE1_affine *p = &s->p2[s->n];
    POINTonE2_affine *q = &s->q[s->n];
    POINTonE1 jacobian1;
    POINTonE2 jacobian2;
    if (!read_g1(p, in) || !read_g2(q, in + G1)) return false;
    bool p_inf = blst_p1_affine_is_inf(p), q_inf = blst_p2_affine_is_inf(q);
    blst_p1_from_affine(&jacobian1, p);
    if (!p_inf && !POINTonE1_in_G1(&jacobian1)) return false;
    if (p_inf && !q_inf) {
        blst_p2_from_affine(&jacobian2, q);
        if (!POINTonE2_in_G2(&jacobian2)) return false;
    }
    if (p_inf || q_inf) return true;
    add_fp(p->X, p->X, p->X);
    neg_fp(p->X, p->X);
    add_fp(p->Y, p->Y, p->Y);
    s->n++;
    return true;
}

bool fvm__pre_bls_pairing(fvm_bytes *out, fvm_bytes in)
{
    uint32_t n = (uint32_t)in.len / (G1 + G2);
    if (n == 0 || in.len % (G1 + G2)) return false;
    pairs s = { 0, (POINTonE2_affine *)fvm_heap_array(n, sizeof *s.q),
                (POINTonE1_affine *)fvm_heap_array(n, sizeof *s.p2),
                (POINTonE2 *)fvm_heap_array(n, sizeof *s.t) };
    for (uint32_t i = 0; i < n; i++)
        if (!read_pair(&s, in.ptr + (size_t)i * (G1 + G2))) return false;
    bool one = true;
    if (s.n) {
        vec384fp12 f;
        if (!miller(f, &s)) return false;
        final_exp(f, f);
        one = vec_is_equal(f, BLS12_381_Rx.p12, sizeof f);
    }
    fvm__pre_output(out, 32)[31] = one;
    return true;
}
