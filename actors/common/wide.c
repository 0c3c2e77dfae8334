/* wide.c - see wide.h. Sign and magnitude, limbs of 32 bits, lowest first: products and quotients of
 * 64 bits are what wasm has. */
#include "common/wide.h"

#define WIRE_MAX 127 /* bytes of magnitude on the wire */

static void normalise(wide *v)
{
    while (v->count && v->limb[v->count - 1] == 0) v->count--;
    if (v->count == 0) v->negative = false;
}

static void push(wide *v, uint32_t limb)
{
    fvm_require(v->count < WIDE_LIMBS, FVM_USR_ASSERTION_FAILED, "number too large");
    v->limb[v->count++] = limb;
}

static void of_u128(wide *out, uint64_t hi, uint64_t lo)
{
    uint32_t limbs[4] = { (uint32_t)lo, (uint32_t)(lo >> 32), (uint32_t)hi, (uint32_t)(hi >> 32) };
    out->count = 0;
    out->negative = false;
    for (int i = 0; i < 4; i++) push(out, limbs[i]);
    normalise(out);
}

void wide_set(wide *out, int64_t v)
{
    of_u128(out, 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    out->negative = v < 0;
}

void wide_of_amount(wide *out, fvm_abi_token v)
{
    of_u128(out, v.hi, v.lo);
}

fvm_abi_token wide_to_amount(const wide *v)
{
    uint64_t part[2] = { 0, 0 };
    fvm_require(!v->negative && v->count <= 4, FVM_USR_ASSERTION_FAILED, "amount out of range");
    for (uint32_t i = 0; i < v->count; i++) part[i / 2] |= (uint64_t)v->limb[i] << (32 * (i % 2));
    return (fvm_abi_token){ part[0], part[1] };
}

static int cmp_magnitude(const wide *a, const wide *b)
{
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

int wide_cmp(const wide *a, const wide *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    return a->negative ? cmp_magnitude(b, a) : cmp_magnitude(a, b);
}

static uint32_t limb_of(const wide *v, uint32_t i)
{
    return i < v->count ? v->limb[i] : 0;
}

/* a + b, b's sign given. */
static void add_signed(wide *out, const wide *a, const wide *b, bool b_negative)
{
    wide r = { .count = 0, .negative = a->negative };
    uint32_t n = a->count > b->count ? a->count : b->count;
    uint64_t carry = 0;
    if (a->negative == b_negative) {
        for (uint32_t i = 0; i < n; i++) {
            carry += (uint64_t)limb_of(a, i) + limb_of(b, i);
            push(&r, (uint32_t)carry);
            carry >>= 32;
        }
        if (carry) push(&r, 1);
    } else {
        const wide *large = a, *small = b;
        if (cmp_magnitude(a, b) < 0) {
            large = b;
            small = a;
            r.negative = b_negative;
        }
        for (uint32_t i = 0; i < n; i++) {
            uint64_t t = (uint64_t)limb_of(large, i) - limb_of(small, i) - carry;
            push(&r, (uint32_t)t);
            carry = t >> 63;
        }
    }
    normalise(&r);
    *out = r;
}

void wide_add(wide *out, const wide *a, const wide *b)
{
    add_signed(out, a, b, b->negative);
}

void wide_sub(wide *out, const wide *a, const wide *b)
{
    add_signed(out, a, b, !b->negative);
}

void wide_mul(wide *out, const wide *a, const wide *b)
{
    wide r;
    r.count = a->count + b->count;
    r.negative = a->negative != b->negative;
    fvm_require(r.count <= WIDE_LIMBS, FVM_USR_ASSERTION_FAILED, "number too large");
    for (uint32_t i = 0; i < r.count; i++) r.limb[i] = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; j < b->count; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + r.limb[i + j];
            r.limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        r.limb[i + b->count] = (uint32_t)carry;
    }
    normalise(&r);
    *out = r;
}

/* Shifts the magnitude left by one and brings in a bit. */
static void double_in(wide *v, uint32_t bit)
{
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t next = v->limb[i] >> 31;
        v->limb[i] = v->limb[i] << 1 | bit;
        bit = next;
    }
    if (bit) push(v, bit);
}

/* remainder -= d * q for one limb q of a quotient that may be too large by at most two; gives what q
 * really is. The remainder has d's limbs and one more. */
static uint32_t reduce(uint32_t *rem, const wide *d, uint64_t q)
{
    uint64_t borrow = 0, carry = 0;
    uint32_t n = d->count;
    for (uint32_t i = 0; i < n; i++) {
        carry += q * d->limb[i];
        uint64_t t = (uint64_t)rem[i] - (uint32_t)carry - borrow;
        rem[i] = (uint32_t)t;
        borrow = t >> 63;
        carry >>= 32;
    }
    uint64_t t = (uint64_t)rem[n] - carry - borrow;
    rem[n] = (uint32_t)t;
    for (bool below = t >> 63; below; q--) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            sum += (uint64_t)rem[i] + d->limb[i];
            rem[i] = (uint32_t)sum;
            sum >>= 32;
        }
        sum += rem[n];
        rem[n] = (uint32_t)sum;
        below = sum >> 32 == 0;
    }
    return (uint32_t)q;
}

/* Magnitudes: quotient, and whether something was left. Schoolbook division (Knuth 4.3.1 D): with the
 * divisor's highest bit set, a guess from two limbs is too large by two at most. */
static bool divide(wide *quotient, const wide *a, const wide *b)
{
    uint32_t rem[WIDE_LIMBS + 2];
    wide d = *b, n = *a;
    unsigned shift = (unsigned)__builtin_clz(d.limb[d.count - 1]);
    for (unsigned i = 0; i < shift; i++) {
        double_in(&d, 0);
        double_in(&n, 0);
    }
    __builtin_memset(rem, 0, sizeof rem);
    quotient->count = n.count;
    quotient->negative = false;
    uint64_t top = d.limb[d.count - 1];
    for (uint32_t i = n.count; i-- > 0;) {
        for (uint32_t j = d.count; j > 0; j--) rem[j] = rem[j - 1];
        rem[0] = n.limb[i];
        uint64_t guess = ((uint64_t)rem[d.count] << 32 | rem[d.count - 1]) / top;
        if (guess > UINT32_MAX) guess = UINT32_MAX;
        quotient->limb[i] = reduce(rem, &d, guess);
    }
    normalise(quotient);
    uint32_t left = 0;
    for (uint32_t j = 0; j <= d.count; j++) left |= rem[j];
    return left != 0;
}

void wide_div_floor(wide *out, const wide *a, const wide *b)
{
    wide q, one;
    bool negative = a->negative != b->negative;
    fvm_require(b->count != 0, FVM_USR_ASSERTION_FAILED, "division by zero");
    bool left = divide(&q, a, b);
    if (left && negative) {
        wide_set(&one, 1);
        wide_add(&q, &q, &one);
    }
    q.negative = negative && q.count != 0;
    *out = q;
}

void wide_div_up(wide *v, uint64_t d)
{
    uint64_t rem = 0;
    wide one;
    for (uint32_t i = 32 * v->count; i-- > 0;) { /* bit by bit */
        uint32_t *limb = &v->limb[i / 32], bit = (uint32_t)1 << i % 32;
        rem = rem << 1 | ((*limb & bit) != 0);
        *limb &= ~bit;
        if (rem >= d) {
            rem -= d;
            *limb |= bit;
        }
    }
    normalise(v);
    wide_set(&one, rem != 0);
    wide_add(v, v, &one);
}

void wide_shl128(wide *out, const wide *v)
{
    wide r = { .count = 0, .negative = v->negative };
    for (uint32_t i = 0; v->count && i < 4; i++) push(&r, 0);
    for (uint32_t i = 0; i < v->count; i++) push(&r, v->limb[i]);
    *out = r;
}

void wide_shr128(wide *out, const wide *v)
{
    wide r = { .count = 0, .negative = v->negative }, one;
    uint32_t lost = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        if (i < 4)
            lost |= v->limb[i];
        else
            push(&r, v->limb[i]);
    }
    normalise(&r);
    if (v->negative && lost) {
        wide_set(&one, 1);
        wide_sub(&r, &r, &one);
    }
    *out = r;
}

void fvm_enc_wide(fvm_enc *e, const wide *v)
{
    uint8_t bytes[WIDE_LIMBS * 4 + 1];
    size_t len = 4 * (size_t)v->count, at = 1;
    for (size_t i = 0; i < len; i++) bytes[len - i] = (uint8_t)(v->limb[i / 4] >> (8 * (i % 4)));
    while (at <= len && bytes[at] == 0) at++;
    len = len + 1 - at;
    fvm_require(len <= WIRE_MAX, FVM_USR_SERIALIZATION, "number too large");
    bytes[at - 1] = v->negative;
    fvm_put_string(e, 2, bytes + at - 1, len ? len + 1 : 0);
}

void fvm_dec_wide(fvm_dec *d, wide *v)
{
    fvm_bytes in = fvm_get_bytes(d);
    v->count = 0;
    v->negative = false;
    if (in.len == 0) return;
    if (in.len > WIRE_MAX + 1 || in.ptr[0] > 1) {
        fvm_dec_fail(d);
        return;
    }
    size_t len = in.len - 1;
    for (size_t i = 0; i < len; i++) {
        if (i % 4 == 0) push(v, 0);
        v->limb[i / 4] |= (uint32_t)in.ptr[len - i] << (8 * (i % 4));
    }
    v->negative = in.ptr[0] == 1;
    normalise(v);
}
