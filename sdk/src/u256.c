/* u256.c - see fvm/actor/u256.h. Division is Knuth's algorithm D (TAOCP 4.3.1) on limbs of 32 bits:
 * wasm divides 64 bits by 64, so that a digit's estimate is one instruction; with limbs of 64 bits each
 * would be a call to compiler-rt's division of 128. */
#include <fvm/actor/u256.h>

int fvm_u256_cmp(const fvm_u256 *a, const fvm_u256 *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

bool fvm_u256_add(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t s = a->limb[i] + b->limb[i], t = s + carry;
        carry = (s < a->limb[i]) | (t < s);
        out->limb[i] = t;
    }
    return carry;
}

bool fvm_u256_sub(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t x = a->limb[i], y = b->limb[i], s = x - y, t = s - borrow;
        borrow = (x < y) | (s < borrow);
        out->limb[i] = t;
    }
    return borrow;
}

/* Limbs of 32 bits. */
static void split(uint32_t *out, const fvm_u256 *a)
{
    for (int i = 0; i < 4; i++) {
        out[2 * i] = (uint32_t)a->limb[i];
        out[2 * i + 1] = (uint32_t)(a->limb[i] >> 32);
    }
}

static void join(fvm_u256 *out, const uint32_t *in)
{
    for (int i = 0; i < 4; i++) out->limb[i] = in[2 * i] | (uint64_t)in[2 * i + 1] << 32;
}

/* All 512 bits of a product. */
static void multiply(uint32_t out[16], const fvm_u256 *a, const fvm_u256 *b)
{
    uint32_t x[8], y[8];
    split(x, a);
    split(y, b);
    for (int i = 0; i < 16; i++) out[i] = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t carry = 0;
        if (x[i] == 0) continue;
        for (int j = 0; j < 8; j++) {
            carry += (uint64_t)x[i] * y[j] + out[i + j];
            out[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        out[i + 8] = (uint32_t)carry;
    }
}

bool fvm_u256_mul(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b)
{
    uint32_t all[16], high = 0;
    multiply(all, a, b);
    for (int i = 8; i < 16; i++) high |= all[i];
    join(out, all);
    return high != 0;
}

static int digits(const uint32_t *a, int n)
{
    while (n && a[n - 1] == 0) n--;
    return n;
}

/* a (n digits and a zero above) by b (m > 0 digits, n >= m): the remainder stays in a. q: n - m + 1
 * digits, or NULL. */
static void divide(uint32_t *q, uint32_t *a, int n, const uint32_t *b, int m)
{
    uint32_t v[8];
    int shift = __builtin_clz(b[m - 1]);
    for (int i = m - 1; i >= 0; i--)
        v[i] = (uint32_t)(((uint64_t)b[i] << 32 | (i ? b[i - 1] : 0)) << shift >> 32);
    for (int i = n; i >= 0; i--)
        a[i] = (uint32_t)(((uint64_t)a[i] << 32 | (i ? a[i - 1] : 0)) << shift >> 32);
    for (int j = n - m; j >= 0; j--) {
        uint64_t top = (uint64_t)a[j + m] << 32 | a[j + m - 1];
        uint64_t guess = top / v[m - 1], rest = top % v[m - 1];
        while (guess >> 32 || (m > 1 && guess * v[m - 2] > (rest << 32 | a[j + m - 2]))) {
            guess--;
            rest += v[m - 1];
            if (rest >> 32) break;
        }
        uint64_t carry = 0;
        int64_t borrow = 0;
        for (int i = 0; i < m; i++) {
            carry += guess * v[i];
            borrow += (int64_t)a[i + j] - (int64_t)(uint32_t)carry;
            a[i + j] = (uint32_t)borrow;
            borrow >>= 32;
            carry >>= 32;
        }
        borrow += (int64_t)a[j + m] - (int64_t)carry;
        a[j + m] = (uint32_t)borrow;
        if (borrow < 0) { /* one too many */
            guess--;
            carry = 0;
            for (int i = 0; i < m; i++) {
                carry += (uint64_t)a[i + j] + v[i];
                a[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            a[j + m] += (uint32_t)carry;
        }
        if (q) q[j] = (uint32_t)guess;
    }
    for (int i = 0; i < m; i++) a[i] = (uint32_t)(((uint64_t)a[i + 1] << 32 | a[i]) >> shift);
}

/* The remainder of n digits by m, and the quotient if asked for. `a` has room for n + 1. */
static void divide_any(fvm_u256 *quotient, fvm_u256 *remainder, uint32_t *a, int n,
                       const fvm_u256 *by)
{
    uint32_t b[8], q[17] = { 0 };
    split(b, by);
    int m = digits(b, 8);
    int len = digits(a, n);
    if (m && len >= m) {
        a[len] = 0;
        divide(q, a, len, b, m);
        for (int i = m; i < n; i++) a[i] = 0;
    }
    if (m == 0)
        for (int i = 0; i < 8; i++) a[i] = 0;
    if (quotient) join(quotient, q);
    if (remainder) join(remainder, a);
}

void fvm_u256_divmod(fvm_u256 *quotient, fvm_u256 *remainder, const fvm_u256 *a, const fvm_u256 *b)
{
    uint32_t x[9];
    split(x, a);
    divide_any(quotient, remainder, x, 8, b);
}

void fvm_u256_addmod(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b, const fvm_u256 *m)
{
    uint32_t x[10];
    fvm_u256 sum;
    x[8] = fvm_u256_add(&sum, a, b);
    split(x, &sum);
    divide_any(NULL, out, x, 9, m);
}

void fvm_u256_mulmod(fvm_u256 *out, const fvm_u256 *a, const fvm_u256 *b, const fvm_u256 *m)
{
    uint32_t x[17];
    multiply(x, a, b);
    divide_any(NULL, out, x, 16, m);
}

void fvm_u256_shl(fvm_u256 *out, const fvm_u256 *a, unsigned n)
{
    unsigned limbs = n / 64, bits = n % 64;
    for (int i = 3; i >= 0; i--) {
        int from = i - (int)limbs;
        uint64_t high = n < 256 && from >= 0 ? a->limb[from] : 0;
        uint64_t low = n < 256 && from >= 1 ? a->limb[from - 1] : 0;
        out->limb[i] = bits ? high << bits | low >> (64 - bits) : high;
    }
}

void fvm_u256_shr(fvm_u256 *out, const fvm_u256 *a, unsigned n)
{
    unsigned limbs = n / 64, bits = n % 64;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t low = n < 256 && i + limbs < 4 ? a->limb[i + limbs] : 0;
        uint64_t high = n < 256 && i + limbs < 3 ? a->limb[i + limbs + 1] : 0;
        out->limb[i] = bits ? low >> bits | high << (64 - bits) : low;
    }
}

unsigned fvm_u256_bits(const fvm_u256 *a)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i]) return (unsigned)(64 * i + 64 - __builtin_clzll(a->limb[i]));
    return 0;
}

void fvm_u256_read(fvm_u256 *out, const uint8_t in[32])
{
    for (int i = 0; i < 4; i++) {
        uint64_t v;
        __builtin_memcpy(&v, in + 8 * i, 8);
        out->limb[3 - i] = __builtin_bswap64(v);
    }
}

void fvm_u256_write(uint8_t out[32], const fvm_u256 *a)
{
    for (int i = 0; i < 4; i++) {
        uint64_t v = __builtin_bswap64(a->limb[3 - i]);
        __builtin_memcpy(out + 8 * i, &v, 8);
    }
}
