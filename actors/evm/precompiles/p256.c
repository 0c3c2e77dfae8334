/* p256.c - P256VERIFY at 0x0100 (EIP-7951): an ECDSA signature over the curve secp256r1. Exactly 160
 * bytes: hash, r, s, and the key's x, y. The word 1 when it is valid; empty output, not failure, else. */
#include "curve.h"
#include "internal.h"

#define INPUT 160

static const fe_field p256_p = {
    .p = { { 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x000001ff, 0x00000000, 0x00000000, 0x00040000,
             0x1fe00000, 0x00ffffff } },
    .rr = { { 0x00000c00, 0x00000000, 0x1fff0000, 0x1fdfffff, 0x1fbfffff, 0x1fffffff, 0x1fffffff,
              0x1ffffffe, 0x00000013 } },
    .one = { { 0x00000020, 0x00000000, 0x00000000, 0x1fffc000, 0x1fffffff, 0x1fffffff, 0x1f7fffff,
               0x03ffffff, 0x00000000 } },
    .twice = { { 0x3ffffffe, 0x3ffffffe, 0x3ffffffe, 0x200003fe, 0x1fffffff, 0x1fffffff, 0x2007ffff,
                 0x3fbfffff, 0x01fffffe } },
    .n0 = 0x00000001,
};
static const fe_field p256_n = {
    .p = { { 0x1c632551, 0x1dce5617, 0x05e7a13c, 0x0df55b4e, 0x1ffffbce, 0x1fffffff, 0x0003ffff,
             0x1fe00000, 0x00ffffff } },
    .rr = { { 0x148d9ef5, 0x0f4e7f75, 0x14c6a651, 0x03f8b765, 0x165861f1, 0x1256d7d8, 0x1c185b23,
              0x0d4cab0f, 0x0084b655 } },
    .one = { { 0x139b55e0, 0x06353d03, 0x030bd862, 0x0154963a, 0x00008632, 0x00000000, 0x1f800000,
               0x03ffffff, 0x00000000 } },
    .twice = { { 0x38c64aa2, 0x3b9cac2e, 0x2bcf4278, 0x3beab69b, 0x3ffff79b, 0x3ffffffe, 0x2007fffe,
                 0x3fbfffff, 0x01fffffe } },
    .n0 = 0x0e00bc4f,
};
static const curve p256 = {
    .f = &p256_p,
    .b = { { 0x1897bbfb, 0x1cdf6229, 0x018486c4, 0x01732821, 0x1dad59e0, 0x0abf7212, 0x1a06d110,
             0x17721d20, 0x008600c3 } },
    .a_minus_3 = true,
};
static const curve_point generator = {
    { { 0x15228783, 0x0730d418, 0x0db00bcf, 0x057f11fb, 0x0a20eb75, 0x12b77622, 0x0330fdb9,
        0x1af4dd57, 0x00120bee } },
    { { 0x12aac150, 0x125357ce, 0x0f22e6ef, 0x0e390e86, 0x064b1695, 0x088dd21f, 0x02a97443,
        0x02962176, 0x00ae3fe3 } },
    { { 0x00000020, 0x00000000, 0x00000000, 0x1fffc000, 0x1fffffff, 0x1fffffff, 0x1f7fffff,
        0x03ffffff, 0x00000000 } },
};

/* Numbers from 1 to n - 1, in Montgomery form mod n. */
static bool read_scalar(fe *out, const uint8_t in[32])
{
    return fe_read(out, in, &p256_n) && !fe_is_zero(out, &p256_n);
}

/* Whether the point's x, as a number, is r mod n: X = r Z^2, or (r + n) Z^2 for r + n < p. */
static bool x_is(const curve_point *p, const uint8_t r[32])
{
    static const uint8_t n[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                   0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    uint8_t above[32];
    unsigned carry = 0;
    fe x, zz, t;
    if (fe_is_zero(&p->z, &p256_p)) return false;
    fe_sqr(&zz, &p->z, &p256_p);
    if (!fe_read(&x, r, &p256_p)) return false; /* n < p, so r is */
    fe_mul(&t, &x, &zz, &p256_p);
    if (fe_eq(&t, &p->x, &p256_p)) return true;
    for (unsigned i = 32; i-- > 0;) {
        carry += (unsigned)r[i] + n[i];
        above[i] = (uint8_t)carry;
        carry >>= 8;
    }
    if (carry || !fe_read(&x, above, &p256_p)) return false;
    fe_mul(&t, &x, &zz, &p256_p);
    return fe_eq(&t, &p->x, &p256_p);
}

static bool verify(const uint8_t *in)
{
    fe r, s, e;
    uint8_t k[2][32];
    curve_point p[2], sum;
    if (!read_scalar(&r, in + 32) || !read_scalar(&s, in + 64)) return false;
    if (!fe_read(&p[1].x, in + 96, &p256_p) || !fe_read(&p[1].y, in + 128, &p256_p)) return false;
    if (!curve_has(&p[1].x, &p[1].y, &p256)) return false; /* (0, 0) is not */
    p[1].z = p256_p.one;
    p[0] = generator;
    fe_read_mod(&e, in, &p256_n);
    fe_inv(&s, &s, &p256_n);
    fe_mul(&e, &e, &s, &p256_n);
    fe_mul(&r, &r, &s, &p256_n);
    fe_write(k[0], &e, &p256_n);
    fe_write(k[1], &r, &p256_n);
    curve_mul(&sum, p, (const uint8_t(*)[32])k, 2, &p256);
    return x_is(&sum, in + 32);
}

bool fvm__pre_p256(fvm_bytes *out, fvm_bytes in)
{
    if (in.len == INPUT && verify(in.ptr)) fvm__pre_output(out, 32)[31] = 1;
    return true;
}
