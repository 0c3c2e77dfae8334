/* bls12_field.h - the functions that blst has in assembly, or in no_asm.h for a processor that multiplies
 * 32 bits to 64, written for what wasm is charged for: see fe.h. Elements are blst's: 48 bytes,
 * little-endian, below p, in Montgomery form with R = 2^384. A multiplication takes them apart into
 * fourteen limbs of 28 bits, so that a column of 42 products of 56 bits needs no carry inside, and reduces
 * by thirteen limbs and 20 bits, 384 in all. Measured: half of the instructions of no_asm.h.
 *
 * The modulus that blst passes is always p, and its n0 is for words of 64 bits: neither is looked at.
 * Nothing is secret here, so there are branches. Included once, by bls12_blst.h. */
#ifndef FVM_EVM_PRECOMPILES_BLS12_FIELD_H
#define FVM_EVM_PRECOMPILES_BLS12_FIELD_H

#include "inverse.h"
#include "unroll.h"

#include <stdbool.h>
#include <string.h>

#define WORDS 12 /* of 32 bits */
#define BITS 28
#define LIMBS 14
#define MASK 0x0fffffffu
#define P_TOP 0x1a0111eau     /* top word of p */
#define MINUS_1_P 0x0ffcfffdu /* -1 / p mod 2^28 */

typedef struct fp_words {
    uint32_t w[WORDS];
} fp_words;

static const fp_words p_words = { { 0xffffaaab, 0xb9feffff, 0xb153ffff, 0x1eabfffe, 0xf6b0f624,
                                    0x6730d2a0, 0xf38512bf, 0x64774b84, 0x434bacd7, 0x4b1ba7b6,
                                    0x397fe69a, 0x1a0111ea } };
static const fp_words zero_words = { { 0 } };
static const uint32_t p_limbs[LIMBS] = {
    0x0fffaaab, 0x0fefffff, 0x03ffffb9, 0x0fffeb15, 0x06241eab, 0x0a0f6b0f, 0x0f6730d2,
    0x0f38512b, 0x04774b84, 0x04bacd76, 0x0ba7b643, 0x0e69a4b1, 0x01ea397f, 0x0001a011,
};

INLINE uint32_t load32(const void *at, unsigned byte)
{
    uint32_t v;
    __builtin_memcpy(&v, (const uint8_t *)at + byte, 4);
    return v;
}

INLINE void store32(void *at, unsigned byte, uint32_t v)
{
    __builtin_memcpy((uint8_t *)at + byte, &v, 4);
}

INLINE uint32_t word(const void *a, unsigned i)
{
    return load32(a, 4 * i);
}

/* Limbs begin at every 3.5 bytes: the even ones are the low 28 bits of four bytes, the odd ones their
 * high 28 bits. The last has 20. */
INLINE void unpack(uint64_t x[LIMBS], const void *a)
{
    UNROLL
    for (unsigned i = 0; i < LIMBS - 2; i += 2) {
        x[i] = load32(a, i / 2 * 7) & MASK;
        x[i + 1] = load32(a, i / 2 * 7 + 3) >> 4;
    }
    x[LIMBS - 2] = load32(a, 42) & MASK;
    x[LIMBS - 1] = load32(a, 44) >> 12;
}

/* The exact comparison with p, for the few values whose top word does not decide it. */
static __attribute__((noinline)) void subtract_p_if_above(void *a)
{
    uint32_t d[WORDS];
    int64_t acc = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        acc += (int64_t)word(a, i) - p_words.w[i];
        d[i] = (uint32_t)acc;
        acc >>= 32;
    }
    if (acc == 0) __builtin_memcpy(a, d, sizeof d);
}

INLINE void make_canonical(void *a)
{
    if (word(a, WORDS - 1) >= P_TOP) subtract_p_if_above(a);
}

/* x y, plus z w unless z is NULL; x x when y is NULL. Columns: at most 42 products of 2^56, below 2^62.
 * Values: (2 p p + m p) / R, below 1.3 p. */
INLINE void montgomery(void *out, const uint64_t x[LIMBS], const uint64_t *y, const uint64_t *z,
                       const uint64_t *w)
{
    const uint32_t *modulus = p_limbs;
    uint64_t p[LIMBS], m[LIMBS], r[LIMBS], acc = 0;
    uint8_t lowest = 0;
    __asm__("" : "+r"(modulus)); /* else its limbs become constants of six bytes each */
    UNROLL
    for (unsigned i = 0; i < LIMBS; i++) p[i] = modulus[i];
    UNROLL
    for (unsigned k = 0; k < 2 * LIMBS - 1; k++) {
        const unsigned first = k < LIMBS ? 0 : k - LIMBS + 1, last = k < LIMBS ? k : LIMBS - 1;
        acc += column_of(x, y, z, w, k, first, last);
        UNROLL
        for (unsigned i = first; i <= last && i < k; i++) acc += m[i] * p[k - i];
        if (k < LIMBS) {
            m[k] = (uint32_t)acc * MINUS_1_P & (k < LIMBS - 1 ? MASK : (1u << 20) - 1);
            acc += m[k] * p[0];
            if (k == LIMBS - 1) lowest = (uint8_t)(acc >> 20);
        } else {
            r[k - LIMBS] = (uint32_t)acc & MASK;
        }
        acc >>= BITS;
    }
    r[LIMBS - 1] = acc;
    /* A byte, and then pairs of limbs of seven bytes each. */
    *(uint8_t *)out = lowest;
    UNROLL
    for (unsigned i = 0; i < LIMBS - 2; i += 2) {
        uint64_t pair = r[i] | r[i + 1] << BITS;
        __builtin_memcpy((uint8_t *)out + 1 + i / 2 * 7, &pair,
                         8); /* the next covers its top byte */
    }
    uint64_t pair = r[LIMBS - 2] | r[LIMBS - 1] << BITS;
    store32(out, 43, (uint32_t)pair);
    ((uint8_t *)out)[47] = (uint8_t)(pair >> 32);
    make_canonical(out);
}

void mul_mont_384(vec384 ret, const vec384 a, const vec384 b, const vec384 p, limb_t n0)
{
    uint64_t x[LIMBS], y[LIMBS];
    (void)p, (void)n0;
    unpack(x, a);
    unpack(y, b);
    montgomery(ret, x, y, NULL, NULL);
}

void sqr_mont_384(vec384 ret, const vec384 a, const vec384 p, limb_t n0)
{
    uint64_t x[LIMBS];
    (void)p, (void)n0;
    unpack(x, a);
    montgomery(ret, x, NULL, NULL, NULL);
}

/* a b + c d. A function of its own, called twice for a product of complex numbers: having it inlined twice,
 * with the limbs unpacked once, was 8 % less gas and 5 KB more code. */
static __attribute__((noinline)) void mul_add(void *out, const void *a, const void *b,
                                              const void *c, const void *d)
{
    uint64_t x[LIMBS], y[LIMBS], z[LIMBS], w[LIMBS];
    unpack(x, a);
    unpack(y, b);
    unpack(z, c);
    unpack(w, d);
    montgomery(out, x, y, z, w);
}

void mul_mont_384x(vec384x ret, const vec384x a, const vec384x b, const vec384 p, limb_t n0)
{
    vec384 minus, re;
    (void)n0;
    cneg_mod_384(minus, a[1], 1, p);
    mul_add(re, a[0], b[0], minus, b[1]);
    mul_add(ret[1], a[0], b[1], a[1], b[0]);
    memcpy(ret[0], re, sizeof re);
}

/* (x + z) (x - z) and 2 x z */
void sqr_mont_384x(vec384x ret, const vec384x a, const vec384 p, limb_t n0)
{
    vec384 sum, difference;
    add_mod_384(sum, a[0], a[1], p);
    sub_mod_384(difference, a[0], a[1], p);
    mul_mont_384(ret[1], a[0], a[1], p, n0);
    add_mod_384(ret[1], ret[1], ret[1], p);
    mul_mont_384(ret[0], sum, difference, p, n0);
}

/* blst's variant for the cyclotomic group leaves its result not quite reduced; this one is. */
void sqr_mont_382x(vec384x ret, const vec384x a, const vec384 p, limb_t n0)
{
    sqr_mont_384x(ret, a, p, n0);
}

void from_mont_384(vec384 ret, const vec384 a, const vec384 p, limb_t n0)
{
    vec384 one = { 1 };
    mul_mont_384(ret, a, one, p, n0);
}

/* a + b - s or a - b + s; whether it fell below zero. */
INLINE bool combine(void *out, const void *a, const void *b, const fp_words *s, bool minus)
{
    int64_t acc = 0;
    UNROLL
    for (unsigned i = 0; i < WORDS; i++) {
        if (minus)
            acc += (int64_t)word(a, i) - word(b, i) + s->w[i];
        else
            acc += (int64_t)word(a, i) + word(b, i) - s->w[i];
        store32(out, 4 * i, (uint32_t)acc);
        acc >>= 32;
    }
    return acc < 0;
}

/* Top words say whether p is to be taken away, but when they add up to p's. */
void add_mod_384(vec384 ret, const vec384 a, const vec384 b, const vec384 p)
{
    (void)p;
    bool above = (uint64_t)word(a, WORDS - 1) + word(b, WORDS - 1) > P_TOP;
    combine(ret, a, b, above ? &p_words : &zero_words, false);
    make_canonical(ret);
}

static __attribute__((noinline)) void add_p(void *a)
{
    combine(a, a, &p_words, &zero_words, false);
}

void sub_mod_384(vec384 ret, const vec384 a, const vec384 b, const vec384 p)
{
    (void)p;
    bool below = word(a, WORDS - 1) < word(b, WORDS - 1);
    if (combine(ret, a, b, below ? &p_words : &zero_words, true)) add_p(ret);
}

void cneg_mod_384(vec384 ret, const vec384 a, bool_t flag, const vec384 p)
{
    if (flag)
        sub_mod_384(ret, (const limb_t *)(const void *)&zero_words, a, p);
    else if (ret != a)
        __builtin_memcpy(ret, a, sizeof zero_words);
}

/* k a, k up to 8: a quotient from the top words is right or one too small. */
static void times(void *ret, const void *a, uint32_t k)
{
    int64_t acc = 0, q = (int64_t)((uint64_t)k * word(a, WORDS - 1) / (P_TOP + 1u));
    UNROLL
    for (unsigned i = 0; i < WORDS; i++) {
        acc += (int64_t)k * word(a, i) - q * p_words.w[i];
        store32(ret, 4 * i, (uint32_t)acc);
        acc >>= 32;
    }
    make_canonical(ret);
}

void mul_by_3_mod_384(vec384 ret, const vec384 a, const vec384 p)
{
    (void)p;
    times(ret, a, 3);
}

void mul_by_8_mod_384(vec384 ret, const vec384 a, const vec384 p)
{
    (void)p;
    times(ret, a, 8);
}

void lshift_mod_384(vec384 ret, const vec384 a, size_t count, const vec384 p)
{
    (void)p;
    for (; count > 3; count -= 3, a = ret) times(ret, a, 8);
    times(ret, a, UINT32_C(1) << count);
}

void div_by_2_mod_384(vec384 ret, const vec384 a, const vec384 p)
{
    (void)p;
    uint64_t odd = 0 - (uint64_t)(word(a, 0) & 1), acc = 0;
    uint32_t previous = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        acc += word(a, i) + (p_words.w[i] & odd);
        if (i) store32(ret, 4 * i - 4, previous >> 1 | (uint32_t)acc << 31);
        previous = (uint32_t)acc;
        acc >>= 32;
    }
    store32(ret, 4 * WORDS - 4, previous >> 1 | (uint32_t)acc << 31);
}

void rshift_mod_384(vec384 ret, const vec384 a, size_t count, const vec384 p)
{
    for (; count--; a = ret) div_by_2_mod_384(ret, a, p);
}

void add_mod_384x(vec384x ret, const vec384x a, const vec384x b, const vec384 p)
{
    add_mod_384(ret[0], a[0], b[0], p);
    add_mod_384(ret[1], a[1], b[1], p);
}

void sub_mod_384x(vec384x ret, const vec384x a, const vec384x b, const vec384 p)
{
    sub_mod_384(ret[0], a[0], b[0], p);
    sub_mod_384(ret[1], a[1], b[1], p);
}

void mul_by_3_mod_384x(vec384x ret, const vec384x a, const vec384 p)
{
    mul_by_3_mod_384(ret[0], a[0], p);
    mul_by_3_mod_384(ret[1], a[1], p);
}

void mul_by_8_mod_384x(vec384x ret, const vec384x a, const vec384 p)
{
    mul_by_8_mod_384(ret[0], a[0], p);
    mul_by_8_mod_384(ret[1], a[1], p);
}

void mul_by_1_plus_i_mod_384x(vec384x ret, const vec384x a, const vec384 p)
{
    vec384 sum;
    add_mod_384(sum, a[0], a[1], p);
    sub_mod_384(ret[0], a[0], a[1], p);
    __builtin_memcpy(ret[1], sum, sizeof sum);
}

/* Bit 0: odd. Bit 1: above (p - 1) / 2. */
limb_t sgn0_pty_mod_384(const vec384 a, const vec384 p)
{
    vec384 twice;
    (void)p;
    times(twice, a, 2);
    /* 2 a mod p is 2 a, which is even, or 2 a - p, which is odd */
    return (word(a, 0) & 1) | (word(twice, 0) & 1) << 1;
}

limb_t sgn0_pty_mont_384(const vec384 a, const vec384 p, limb_t n0)
{
    vec384 plain;
    from_mont_384(plain, a, p, n0);
    return sgn0_pty_mod_384(plain, p);
}

limb_t sgn0_pty_mod_384x(const vec384x a, const vec384 p)
{
    limb_t re = sgn0_pty_mod_384(a[0], p), im = sgn0_pty_mod_384(a[1], p);
    limb_t sign = vec_is_zero(a[1], sizeof(vec384)) ? re : im;
    limb_t parity = vec_is_zero(a[0], sizeof(vec384)) ? im : re;
    return (sign & 2) | (parity & 1);
}

limb_t sgn0_pty_mont_384x(const vec384x a, const vec384 p, limb_t n0)
{
    vec384x plain;
    from_mont_384(plain[0], a[0], p, n0);
    from_mont_384(plain[1], a[1], p, n0);
    return sgn0_pty_mod_384x(plain, p);
}

/* In place of recip.c: 1 / a, 0 for 0, by inverse.h. */
static void reciprocal_fp(vec384 out, const vec384 inp)
{
    uint64_t x[LIMBS];
    uint32_t limbs[LIMBS];
    unpack(x, inp);
    for (unsigned i = 0; i < LIMBS; i++) limbs[i] = (uint32_t)x[i];
    fvm__inverse(limbs, limbs, p_limbs, LIMBS, BITS, MINUS_1_P);
    uint64_t acc = 0;
    unsigned have = 0, next = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        for (; have < 32; have += BITS) acc |= (uint64_t)limbs[next++] << have;
        store32(out, 4 * i, (uint32_t)acc);
        acc >>= 32;
        have -= 32;
    }
    mul_fp(out, out, BLS12_381_RR); /* a came with R, and goes with R */
    mul_fp(out, out, BLS12_381_RR);
}

static void reciprocal_fp2(vec384x out, const vec384x inp)
{
    vec384 t0, t1;
    sqr_fp(t0, inp[0]);
    sqr_fp(t1, inp[1]);
    add_fp(t0, t0, t1);
    reciprocal_fp(t1, t0);
    mul_fp(out[0], inp[0], t1);
    mul_fp(out[1], inp[1], t1);
    neg_fp(out[1], out[1]);
}

/* For square roots: windows of four bits. blst's addition chain saves 8 % of their gas for 1.5 KB. */
static void exp_mont_384(vec384 out, const vec384 inp, const byte *pow, size_t pow_bits,
                         const vec384 p, limb_t n0)
{
    vec384 table[16], r;
    memcpy(table[0], BLS12_381_Rx.p, sizeof r);
    for (unsigned i = 1; i < 16; i++) mul_mont_384(table[i], table[i - 1], inp, p, n0);
    memcpy(r, table[0], sizeof r);
    for (size_t i = (pow_bits + 3) / 4; i-- > 0;) {
        unsigned digit = pow[i / 2] >> i % 2 * 4 & 15;
        for (unsigned j = 0; j < 4; j++) sqr_mont_384(r, r, p, n0);
        mul_mont_384(r, r, table[digit], p, n0);
    }
    memcpy(out, r, sizeof r);
}

static void flt_reciprocal_fp(vec384 out, const vec384 inp)
{
    reciprocal_fp(out, inp);
}

static void flt_reciprocal_fp2(vec384x out, const vec384x inp)
{
    reciprocal_fp2(out, inp);
}

#undef WORDS
#undef BITS
#undef LIMBS
#undef MASK
#undef P_TOP
#undef MINUS_1_P
#endif
