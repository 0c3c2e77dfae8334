/* word.c - see word.h. */
#include "word.h"

/* The 128 bits of a product: from four products of 32 bits, which is what wasm has. */
WORD_INLINE uint64_t wide(uint64_t a, uint64_t b, uint64_t *high)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
    uint64_t middle = (ll >> 32) + (uint32_t)lh +
                      hl; /* cannot carry: 2 (2^32 - 1) + (2^32 - 1)^2 */
    *high = ah * bh + (lh >> 32) + (middle >> 32);
    return middle << 32 | (uint32_t)ll;
}

/* r[0..] += a * b with `n` limbs of room; the carry out of them is lost. */
WORD_INLINE void add_row(uint64_t *r, uint64_t a, const uint64_t *b, int n)
{
    uint64_t carry = 0;
    for (int i = 0; i < n - 1; i++) {
        uint64_t high, low = wide(a, b[i], &high);
        low += carry;
        high += low < carry;
        r[i] += low;
        carry = high + (r[i] < low);
    }
    r[n - 1] += a * b[n - 1] + carry;
}

void evm_mul(word *out, const word *a, const word *b)
{
    if (word_is_u64(a)) {
        const word *t = a;
        a = b;
        b = t;
    }
    uint64_t r[4] = { 0, 0, 0, 0 };
    if (word_is_u64(b) && word_is_u64(a)) {
        r[0] = wide(a->limb[0], b->limb[0], &r[1]);
    } else {
        add_row(r, b->limb[0], a->limb, 4);
        if (b->limb[1]) add_row(r + 1, b->limb[1], a->limb, 3);
        if (b->limb[2]) add_row(r + 2, b->limb[2], a->limb, 2);
        r[3] += b->limb[3] * a->limb[0];
    }
    __builtin_memcpy(out, r, sizeof r);
}

/* |a|; whether it was negative. */
static bool magnitude(word *out, const word *a)
{
    bool negative = word_negative(a);
    if (negative)
        word_negate(out, a);
    else
        word_copy(out, a);
    return negative;
}

void evm_div(word *out, const word *a, const word *b, bool is_signed)
{
    if (word_is_u64(a) && word_is_u64(b)) { /* neither is negative */
        word_set(out, b->limb[0] ? a->limb[0] / b->limb[0] : 0);
        return;
    }
    word x, y;
    bool negative = false;
    if (is_signed) {
        negative = magnitude(&x, a);
        negative ^= magnitude(&y, b);
        a = &x;
        b = &y;
    }
    fvm_u256_divmod(out, NULL, a, b);
    if (negative) word_negate(out, out);
}

void evm_mod(word *out, const word *a, const word *b, bool is_signed)
{
    if (word_is_u64(a) && word_is_u64(b)) {
        word_set(out, b->limb[0] ? a->limb[0] % b->limb[0] : 0);
        return;
    }
    word x, y;
    bool negative = false;
    if (is_signed) {
        negative = magnitude(&x, a); /* the sign is the dividend's */
        (void)magnitude(&y, b);
        a = &x;
        b = &y;
    }
    fvm_u256_divmod(NULL, out, a, b);
    if (negative) word_negate(out, out);
}

void evm_exp(word *out, const word *base, const word *power)
{
    word result = { { 1, 0, 0, 0 } }, square;
    unsigned bits = fvm_u256_bits(power);
    word_copy(&square, base);
    for (unsigned i = 0; i < bits; i++) {
        if (power->limb[i / 64] >> (i % 64) & 1) evm_mul(&result, &result, &square);
        if (i + 1 < bits) evm_mul(&square, &square, &square);
    }
    word_copy(out, &result);
}

void evm_signextend(word *out, const word *size, const word *a)
{
    word r;
    word_copy(&r, a);
    if (word_is_u64(size) && size->limb[0] < 31) {
        unsigned bit = (unsigned)size->limb[0] * 8 + 7, limb = bit / 64;
        uint64_t top = ~UINT64_C(0) << (bit % 64); /* the sign and all above it, within its limb */
        bool negative = r.limb[limb] >> (bit % 64) & 1;
        r.limb[limb] = negative ? r.limb[limb] | top : r.limb[limb] & ~top;
        while (++limb < 4) r.limb[limb] = negative ? ~UINT64_C(0) : 0;
    }
    word_copy(out, &r);
}

void evm_byte(word *out, const word *index, const word *a)
{
    uint64_t i = index->limb[0], v = 0;
    if (word_is_u64(index) && i < 32) v = a->limb[3 - i / 8] >> (56 - i % 8 * 8) & 0xff;
    word_set(out, v);
}

/* Limbs with `fill` above and below them; shifting right by n bits is reading n bits higher. */
static void shift_right(word *out, const word *a, unsigned n, uint64_t fill)
{
    uint64_t in[9];
    unsigned limb = n / 64, bit = n % 64;
    __builtin_memcpy(in, a, sizeof *a);
    for (int i = 4; i < 9; i++) in[i] = fill;
    for (unsigned i = 0; i < 4; i++)
        out->limb[i] = bit ? in[i + limb] >> bit | in[i + limb + 1] << (64 - bit) : in[i + limb];
}

void evm_shl(word *out, const word *count, const word *a)
{
    uint64_t in[8] = { 0, 0, 0, 0, 0, 0, 0, 0 };
    if (!word_is_u64(count) || count->limb[0] > 255) {
        word_set(out, 0);
        return;
    }
    unsigned limb = (unsigned)count->limb[0] / 64, bit = (unsigned)count->limb[0] % 64;
    __builtin_memcpy(in + 4, a, sizeof *a);
    for (unsigned i = 0; i < 4; i++)
        out->limb[i] = bit ? in[4 + i - limb] << bit | in[3 + i - limb] >> (64 - bit)
                           : in[4 + i - limb];
}

void evm_shr(word *out, const word *count, const word *a)
{
    if (word_is_u64(count) && count->limb[0] <= 255)
        shift_right(out, a, (unsigned)count->limb[0], 0);
    else
        word_set(out, 0);
}

void evm_sar(word *out, const word *count, const word *a)
{
    uint64_t fill = word_negative(a) ? ~UINT64_C(0) : 0;
    if (word_is_u64(count) && count->limb[0] <= 255)
        shift_right(out, a, (unsigned)count->limb[0], fill);
    else
        for (int i = 0; i < 4; i++) out->limb[i] = fill;
}

void evm_read_short(word *out, const uint8_t *in, unsigned n)
{
    word w;
    word_read(&w, in); /* bytes past the number's are its lower ones, and go */
    shift_right(out, &w, 256 - 8 * n, 0);
}

unsigned evm_write_short(uint8_t *out, const word *w)
{
    uint8_t all[32];
    unsigned n = (fvm_u256_bits(w) + 7) / 8;
    word_write(all, w);
    __builtin_memcpy(out, all + 32 - n, n);
    return n;
}
