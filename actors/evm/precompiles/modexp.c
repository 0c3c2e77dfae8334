/* modexp.c - base ^ exponent mod modulus (EIP-198): three lengths as words, each below 2^32, then the
 * numbers, big-endian. What the input lacks are zeros on the right. There is no limit but gas.
 *
 * The modulus is 2^k q with q odd. Mod q, Montgomery's multiplication, column by column, on limbs of 28
 * bits, so that 250 products fit a column of 64 bits (fe.h tells what wasm charges for); up to 256 bits with
 * the unrolled one of fe.h. Mod 2^k, plain products cut off. The two are then put together. Exponents above
 * 32 bits go in windows of four. */
#include "fe.h"
#include "internal.h"
#include "unroll.h"

#define BITS 28
#define MASK 0x0fffffffu
#define CHUNK 120      /* of a column, before what it has carried so far is put aside */
#define WINDOW_ABOVE 4 /* bytes of exponent */

/* A number of the input: `have` bytes and `zeros` bytes after them, without leading zeros. */
typedef struct digits {
    const uint8_t *ptr;
    uint32_t have, zeros;
} digits;

static digits take(fvm_bytes in, uint64_t *at, uint32_t len)
{
    uint64_t rest = *at < in.len ? in.len - *at : 0;
    digits d = { in.ptr + (rest ? *at : 0), rest < len ? (uint32_t)rest : len, 0 };
    d.zeros = len - d.have;
    /* The reference counts these in bits, in 32 bits, and panics when they overflow. */
    fvm_require(d.zeros < UINT32_C(1) << 29, FVM_USR_ASSERTION_FAILED, "modexp: length overflow");
    *at += len;
    while (d.have && *d.ptr == 0) {
        d.ptr++;
        d.have--;
    }
    if (d.have == 0) d.zeros = 0;
    return d;
}

static inline uint32_t byte_at(const digits *d, uint32_t i) /* from the right */
{
    return i < d->zeros ? 0 : d->ptr[d->have + d->zeros - 1 - i];
}

static inline uint32_t bytes_of(const digits *d)
{
    return d->have + d->zeros;
}

static uint32_t *room(uint32_t limbs)
{
    uint32_t *p = (uint32_t *)fvm_heap_array(limbs, sizeof *p);
    memset(p, 0, (size_t)limbs * sizeof *p);
    return p;
}

/* Its limbs, and how many: at least one, and the top one is not 0 unless it is the only one. */
static uint32_t *to_limbs(uint32_t *count, const digits *d)
{
    uint32_t bytes = bytes_of(d), n = 0;
    uint32_t *v = room((uint32_t)((uint64_t)bytes * 8 / BITS) + 2);
    uint64_t acc = 0;
    unsigned have = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        acc |= (uint64_t)byte_at(d, i) << have;
        have += 8;
        if (have >= BITS) {
            v[n++] = (uint32_t)acc & MASK;
            acc >>= BITS;
            have -= BITS;
        }
    }
    if (acc || n == 0) v[n++] = (uint32_t)acc;
    while (n > 1 && v[n - 1] == 0) n--;
    *count = n;
    return v;
}

static void from_limbs(uint8_t *out, uint32_t len, const uint32_t *v, uint32_t n)
{
    uint64_t acc = 0;
    unsigned have = 0;
    uint32_t next = 0;
    while (len-- > 0) {
        if (have < 8 && next < n) {
            acc |= (uint64_t)v[next++] << have;
            have += BITS;
        }
        out[len] = (uint8_t)acc;
        acc >>= 8;
        have = have < 8 ? 0 : have - 8;
    }
}

/* The sum of x[0] y[n - 1] + x[1] y[n - 2] + ..., at most CHUNK products. */
INLINE uint64_t dot(const uint32_t *x, const uint32_t *y, uint32_t n)
{
    uint64_t acc = 0;
    for (; n >= 8; n -= 8, x += 8) {
        const uint32_t *top = y + (n - 8);
        UNROLL
        for (unsigned i = 0; i < 8; i++) acc += (uint64_t)x[i] * top[7 - i];
    }
    while (n--) acc += (uint64_t)*x++ * y[n];
    return acc;
}

/* acc plus high 2^28: the column so far. */
typedef struct column {
    uint64_t acc, high;
} column;

/* The same for any number of products, times 2^twice, into a column. */
INLINE void add_products(column *c, const uint32_t *x, const uint32_t *y, uint32_t n,
                         unsigned twice)
{
    for (; n > CHUNK; n -= CHUNK, x += CHUNK) {
        c->acc += dot(x, y + (n - CHUNK), CHUNK) << twice;
        c->high += c->acc >> BITS;
        c->acc &= MASK;
    }
    c->acc += dot(x, y, n) << twice;
    c->high += c->acc >> BITS;
    c->acc &= MASK;
}

/* Column k of a b, for n limbs each; of a square, if b is a. */
static void multiply_column(column *c, const uint32_t *a, const uint32_t *b, uint32_t k, uint32_t n)
{
    uint32_t first = k < n ? 0 : k - n + 1, count = (k < n ? k : n - 1) - first + 1;
    if (a != b) {
        add_products(c, a + first, b + first, count, 0);
    } else {
        add_products(c, a + first, a + first + (count + 1) / 2, count / 2, 1);
        if (count % 2) c->acc += (uint64_t)a[k / 2] * a[k / 2];
    }
}

static inline uint32_t carry(column *c)
{
    uint32_t limb = (uint32_t)c->acc & MASK;
    c->acc = (c->acc >> BITS) + c->high;
    c->high = 0;
    return limb;
}

/* A modulus, and room to work in. */
typedef struct modulus {
    const uint32_t *p; /* odd; NULL: the modulus is 2^(28 n) */
    uint32_t n, n0;    /* limbs; -1 / p mod 2^28 */
    uint32_t *wide;    /* 2 n + 2 limbs */
} modulus;

/* out = u mod p, u of nu limbs with one more to spare, which is changed. Knuth, volume 2, 4.3.1 D; both
 * are shifted so that the top bit of p's top limb is set. */
static void reduce(uint32_t *out, uint32_t *u, uint32_t nu, const modulus *m)
{
    uint32_t n = m->n, top = m->p[n - 1];
    unsigned shift = (unsigned)__builtin_clz(top) - (32 - BITS);
    uint32_t *v = (uint32_t *)fvm_heap_array(n, sizeof *v);
    void *mark = v;
    for (uint32_t i = n; i-- > 0;)
        v[i] = (m->p[i] << shift & MASK) | (i ? m->p[i - 1] >> (BITS - shift) : 0);
    u[nu] = 0;
    for (uint32_t i = nu + 1; i-- > 0;)
        u[i] = (u[i] << shift & MASK) | (i ? u[i - 1] >> (BITS - shift) : 0);
    top = v[n - 1];
    uint32_t second = n > 1 ? v[n - 2] : 0;
    for (uint32_t j = nu >= n ? nu - n + 1 : 0; j-- > 0;) {
        uint64_t head = (uint64_t)u[j + n] << BITS | u[j + n - 1];
        uint64_t q = head / top, r = head % top;
        uint32_t third = n > 1 ? u[j + n - 2] : 0;
        while (q > MASK || q * second > (r << BITS | third)) {
            q--;
            r += top;
            if (r > MASK) break;
        }
        int64_t acc = 0;
        for (uint32_t i = 0; i < n; i++) {
            acc += (int64_t)u[j + i] - (int64_t)(q * v[i]);
            u[j + i] = (uint32_t)acc & MASK;
            acc >>= BITS;
        }
        acc += u[j + n];
        if (acc < 0) { /* q was one too large: seldom */
            uint64_t back = 0;
            for (uint32_t i = 0; i < n; i++) {
                back += (uint64_t)u[j + i] + v[i];
                u[j + i] = (uint32_t)back & MASK;
                back >>= BITS;
            }
        }
        u[j + n] = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t low = i < nu ? u[i] : 0, high = i + 1 < nu + 1 ? u[i + 1] : 0;
        out[i] = i + 1 < n ? (low >> shift | (high << (BITS - shift) & MASK)) : low >> shift;
    }
    fvm_heap_release(mark);
}

/* out = a b / R mod p, R = 2^(28 n); or a b mod 2^(28 n). out may be a or b. */
static void multiply(uint32_t *out, const uint32_t *a, const uint32_t *b, const modulus *m)
{
    uint32_t n = m->n;
    column c = { 0, 0 };
    if (!m->p) {
        for (uint32_t k = 0; k < n; k++) {
            multiply_column(&c, a, b, k, n);
            m->wide[k] = carry(&c);
        }
        memcpy(out, m->wide, (size_t)n * sizeof *out);
        return;
    }
    uint32_t *q = m->wide, *r = m->wide + n; /* multiples of p; the result, n + 1 limbs */
    for (uint32_t k = 0; k < n; k++) {
        multiply_column(&c, a, b, k, n);
        add_products(&c, q, m->p + 1, k, 0);
        q[k] = (uint32_t)c.acc * m->n0 & MASK;
        c.acc += (uint64_t)q[k] * m->p[0];
        carry(&c);
    }
    for (uint32_t k = n; k < 2 * n - 1; k++) {
        multiply_column(&c, a, b, k, n);
        add_products(&c, q + (k - n + 1), m->p + (k - n + 1), 2 * n - 1 - k, 0);
        r[k - n] = carry(&c);
    }
    r[n - 1] = carry(&c);
    uint32_t above = (uint32_t)c.acc;
    int64_t acc = 0;
    for (uint32_t i = 0; i < n; i++) { /* r - p, which stands if it is not negative */
        acc += (int64_t)r[i] - m->p[i];
        q[i] = (uint32_t)acc & MASK;
        acc >>= BITS;
    }
    memcpy(out, above || acc >= 0 ? q : r, (size_t)n * sizeof *out);
}

/* -1 / x mod 2^28 (2^29, masked), x odd: right in 3 bits, and each step doubles them. */
static uint32_t minus_inverse(uint32_t x0)
{
    uint32_t x = x0;
    for (unsigned i = 0; i < 4; i++) x *= 2 - x0 * x;
    return 0 - x;
}

/* What power() multiplies: limbs mod a modulus, or one element of a field of fe.h. */
typedef struct ring {
    const modulus *m;
    const fe_field *f; /* NULL: m */
    uint32_t size;     /* words of an element */
} ring;

static void times(uint32_t *out, const uint32_t *a, const uint32_t *b, const ring *r)
{
    if (!r->f)
        multiply(out, a, b, r->m);
    else if (a == b)
        fe_sqr((fe *)(void *)out, (const fe *)(const void *)a, r->f);
    else
        fe_mul((fe *)(void *)out, (const fe *)(const void *)a, (const fe *)(const void *)b, r->f);
}

/* acc = base ^ e; acc is 1 before. */
static void power(uint32_t *acc, const uint32_t *base, const digits *e, const ring *r)
{
    uint32_t bytes = bytes_of(e), size = r->size;
    unsigned step = bytes > WINDOW_ABOVE ? 4 : 1;
    bool started = false;
    uint32_t *table = room(size << step);
    memcpy(table + size, base, (size_t)size * sizeof *base);
    for (uint32_t i = 2; i < 1u << step; i++) {
        const uint32_t *half = table + (size_t)(i / 2) * size;
        uint32_t *to = table + (size_t)i * size;
        times(to, half, half, r);
        if (i % 2) times(to, to, base, r);
    }
    for (uint32_t i = bytes; i-- > 0;) {
        uint32_t byte = byte_at(e, i);
        for (unsigned bit = 8; bit > 0;) {
            bit -= step;
            uint32_t digit = byte >> bit & ((1u << step) - 1);
            const uint32_t *entry = table + (size_t)digit * size;
            if (!started) { /* nothing to square yet */
                if (digit) memcpy(acc, entry, (size_t)size * sizeof *acc);
                started = digit != 0;
                continue;
            }
            for (unsigned s = 0; s < step; s++) times(acc, acc, acc, r);
            if (digit) times(acc, acc, entry, r);
        }
    }
}

/* Bits from one width of limbs to another. */
static void repack(uint32_t *out, uint32_t out_n, unsigned out_bits, const uint32_t *in,
                   uint32_t in_n, unsigned in_bits)
{
    uint64_t acc = 0;
    unsigned have = 0;
    uint32_t next = 0;
    for (uint32_t i = 0; i < out_n; i++) {
        for (; have < out_bits && next < in_n; have += in_bits) acc |= (uint64_t)in[next++] << have;
        out[i] = (uint32_t)acc & ((UINT32_C(1) << out_bits) - 1);
        acc >>= out_bits;
        have = have < out_bits ? 0 : have - out_bits;
    }
}

/* R^2 mod p, R = 2^bits. */
static void radix_squared(uint32_t *out, uint32_t bits, const modulus *m)
{
    uint32_t top = 2 * bits / BITS;
    uint32_t *u = room(top + 2);
    u[top] = UINT32_C(1) << 2 * bits % BITS;
    reduce(out, u, top + 1, m);
}

/* out = base ^ e mod p for an odd p above 1, base any number; n limbs. */
static void power_odd(uint32_t *out, const digits *base, const digits *e, const uint32_t *p,
                      uint32_t n)
{
    const modulus m = { p, n, minus_inverse(p[0]) & MASK, room(2 * n + 2) };
    uint32_t nb, *b = to_limbs(&nb, base), *x = room(n), *rr = room(n);
    ring r = { &m, NULL, n };
    fe_field f;
    fe one = { { 1 } }, fx, fr;
    bool small = n * BITS < 256 || (n * BITS < 256 + BITS && p[n - 1] >> (256 - 9 * BITS) == 0);
    reduce(x, b, nb, &m);
    radix_squared(rr, small ? FE_LIMBS * FE_BITS : n * BITS, &m);
    if (!small) {
        uint32_t *unit = room(n);
        unit[0] = 1;
        multiply(x, x, rr, &m);
        multiply(out, unit, rr, &m);
        power(out, x, e, &r);
        multiply(out, out, unit, &m);
        return;
    }
    repack(f.p.v, FE_LIMBS, FE_BITS, p, n, BITS);
    repack(f.rr.v, FE_LIMBS, FE_BITS, rr, n, BITS);
    repack(fx.v, FE_LIMBS, FE_BITS, x, n, BITS);
    f.n0 = minus_inverse(p[0] | (n > 1 ? p[1] << BITS : 0)) & ((UINT32_C(1) << FE_BITS) - 1);
    fe_mul(&fx, &fx, &f.rr, &f);
    fe_mul(&fr, &one, &f.rr, &f);
    r = (ring){ NULL, &f, FE_LIMBS };
    power(fr.v, fx.v, e, &r);
    fe_mul(&fr, &fr, &one, &f);
    fe_canonical(&fr, &fr, &f);
    repack(out, n, BITS, fr.v, FE_LIMBS, FE_BITS);
}

/* out += q h, where h is such that the sum is y mod 2^k: the number below 2^k q that is out mod q and y
 * mod 2^k. h is found limb by limb. out has n limbs and is below q, which has nq; y has nk and becomes
 * y - out - q h. */
static void combine(uint32_t *out, uint32_t n, const uint32_t *q, uint32_t nq, uint32_t *y,
                    uint32_t nk, uint32_t k)
{
    uint32_t inverse = 0 - minus_inverse(q[0]), *h = room(nk);
    int64_t borrow = 0;
    for (uint32_t i = 0; i < nk; i++) {
        borrow += (int64_t)y[i] - (i < nq ? out[i] : 0);
        y[i] = (uint32_t)borrow & MASK;
        borrow >>= BITS;
    }
    for (uint32_t i = 0; i < nk; i++) {
        h[i] = y[i] * inverse & MASK;
        if (i == nk - 1 && k % BITS) h[i] &= (UINT32_C(1) << k % BITS) - 1;
        borrow = 0;
        for (uint32_t j = 0; i + j < nk; j++) {
            borrow += (int64_t)y[i + j] - (j < nq ? (int64_t)((uint64_t)h[i] * q[j]) : 0);
            y[i + j] = (uint32_t)borrow & MASK;
            borrow >>= BITS;
        }
    }
    for (uint32_t i = 0; i < nk; i++) {
        uint64_t acc = 0;
        for (uint32_t j = 0; i + j < n; j++) {
            acc += out[i + j] + (j < nq ? (uint64_t)h[i] * q[j] : 0);
            out[i + j] = (uint32_t)acc & MASK;
            acc >>= BITS;
        }
    }
}

/* out = base ^ e mod p, p above 1; n limbs. */
static void solve(uint32_t *out, const digits *base, const digits *e, const uint32_t *p, uint32_t n)
{
    uint32_t words = 0, bits, k, nq, nb;
    if (p[0] & 1) {
        power_odd(out, base, e, p, n);
        return;
    }
    while (p[words] == 0) words++;
    bits = (uint32_t)__builtin_ctz(p[words]);
    k = words * BITS + bits;
    uint32_t *q = room(n), nk = (k + BITS - 1) / BITS;
    for (nq = 0; words + nq < n; nq++)
        q[nq] = p[words + nq] >> bits |
                (words + nq + 1 < n ? p[words + nq + 1] << (BITS - bits) & MASK : 0);
    while (nq > 1 && q[nq - 1] == 0) nq--;
    if (nq > 1 || q[0] > 1) power_odd(out, base, e, q, nq);
    const modulus m = { NULL, nk, 0, room(nk) };
    const ring r = { &m, NULL, nk };
    uint32_t *b = to_limbs(&nb, base), *x = room(nk), *y = room(nk);
    memcpy(x, b, (size_t)(nb < nk ? nb : nk) * sizeof *x);
    y[0] = 1;
    power(y, x, e, &r);
    combine(out, n, q, nq, y, nk, k);
}

bool fvm__pre_modexp(fvm_bytes *out, fvm_bytes in)
{
    uint64_t base_len, exponent_len, modulus_len, at = 96;
    if (!fvm__pre_uint(&base_len, in, 0, 4) || !fvm__pre_uint(&exponent_len, in, 32, 4) ||
        !fvm__pre_uint(&modulus_len, in, 64, 4))
        return false;
    if (base_len == 0 && modulus_len == 0) return true;
    digits base = take(in, &at, (uint32_t)base_len);
    digits exponent = take(in, &at, (uint32_t)exponent_len);
    digits mod = take(in, &at, (uint32_t)modulus_len);
    uint8_t *to = fvm__pre_output(out, (uint32_t)modulus_len);
    uint32_t n, *p = to_limbs(&n, &mod);
    if (n == 1 && p[0] <= 1) return true;
    uint32_t *result = room(n);
    solve(result, &base, &exponent, p, n);
    from_limbs(to, (uint32_t)modulus_len, result, n);
    return true;
}
