/* big.c - fixed-capacity integers: sign and magnitude, little endian limbs of 64 bits. Results are
 * computed in a local value and stored last, so outputs may alias inputs. Values of up to two limbs
 * go through a 128-bit word. */
#include "big.h"

#define DIGITS_PER_LIMB 19
#define TEN_TO_19 10000000000000000000u

fvm_big fvm_big_zero(void)
{
    return (fvm_big){ .count = 0 };
}

fvm_big fvm_big_u64(uint64_t v)
{
    fvm_big r = fvm_big_zero();
    fvm__big_set_u128(&r, v);
    return r;
}

fvm_big fvm_big_u128(uint64_t hi, uint64_t lo)
{
    fvm_big r = fvm_big_zero();
    fvm__big_set_u128(&r, (fvm_u128)hi << 64 | lo);
    return r;
}

static void normalise(fvm_big *a)
{
    while (a->count && a->limb[a->count - 1] == 0) a->count--;
    if (a->count == 0) a->negative = false;
}

static inline int cmp_magnitude(const fvm_big *a, const fvm_big *b)
{
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (size_t i = a->count; i-- > 0;) {
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

int fvm_big_sign(const fvm_big *a)
{
    return a->count == 0 ? 0 : a->negative ? -1 : 1;
}

int fvm_big_cmp(const fvm_big *a, const fvm_big *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    int c = cmp_magnitude(a, b);
    return a->negative ? -c : c;
}

/* |a| + |b|; the sign of `r` is left to the caller. False when it needs a limb too many. */
static bool add_magnitude(fvm_big *r, const fvm_big *a, const fvm_big *b)
{
    const fvm_big *l = a->count >= b->count ? a : b, *s = l == a ? b : a;
    fvm_u128 carry = 0;
    for (size_t i = 0; i < l->count; i++) {
        carry += (fvm_u128)l->limb[i] + (i < s->count ? s->limb[i] : 0);
        r->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    r->count = l->count;
    if (!carry) return true;
    if (r->count == FVM_BIG_LIMBS) return false;
    r->limb[r->count++] = (uint64_t)carry;
    return true;
}

/* |a| - |b| for |a| >= |b|. */
static void sub_magnitude(fvm_big *r, const fvm_big *a, const fvm_big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->count; i++) {
        uint64_t d = a->limb[i], x = i < b->count ? b->limb[i] : 0;
        uint64_t t = d - x;
        uint64_t next = (d < x) | (t < borrow);
        r->limb[i] = t - borrow;
        borrow = next;
    }
    r->count = a->count;
}

/* The magnitude of a value of at most two limbs. */
static inline bool get_small(fvm_u128 *v, const fvm_big *a)
{
    if (FVM_UNLIKELY(a->count > 2)) return false;
    *v = 0;
    if (a->count > 0) *v = a->limb[0];
    if (a->count > 1) *v |= (fvm_u128)a->limb[1] << 64;
    return true;
}

static inline void set_small(fvm_big *r, fvm_u128 v, bool negative)
{
    fvm__big_set_u128(r, v);
    r->negative = negative && r->count;
}

static fvm_err add_large(fvm_big *out, const fvm_big *a, const fvm_big *b, bool b_negative)
{
    fvm_big r;
    if (a->negative == b_negative) {
        if (!add_magnitude(&r, a, b)) return FVM_ERR_RANGE;
        r.negative = a->negative;
    } else if (cmp_magnitude(a, b) >= 0) {
        sub_magnitude(&r, a, b);
        r.negative = a->negative;
    } else {
        sub_magnitude(&r, b, a);
        r.negative = b_negative;
    }
    normalise(&r);
    *out = r;
    return FVM_OK;
}

static inline fvm_err add_signed(fvm_big *out, const fvm_big *a, const fvm_big *b, bool b_negative)
{
    fvm_u128 x, y, sum;
    if (!get_small(&x, a) || !get_small(&y, b)) return add_large(out, a, b, b_negative);
    if (a->negative == b_negative) {
        if (__builtin_add_overflow(x, y, &sum)) return add_large(out, a, b, b_negative);
        set_small(out, sum, a->negative);
    } else if (x >= y) {
        set_small(out, x - y, a->negative);
    } else {
        set_small(out, y - x, b_negative);
    }
    return FVM_OK;
}

fvm_err fvm_big_add(fvm_big *out, const fvm_big *a, const fvm_big *b)
{
    return add_signed(out, a, b, b->negative);
}

fvm_err fvm_big_sub(fvm_big *out, const fvm_big *a, const fvm_big *b)
{
    return add_signed(out, a, b, !b->negative);
}

/* r = r * factor + addend on the magnitude; false when it needs a limb too many. */
static bool mul_add(fvm_big *r, uint64_t factor, uint64_t addend)
{
    fvm_u128 carry = addend;
    for (size_t i = 0; i < r->count; i++) {
        carry += (fvm_u128)r->limb[i] * factor;
        r->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (!carry) return true;
    if (r->count == FVM_BIG_LIMBS) return false;
    r->limb[r->count++] = (uint64_t)carry;
    return true;
}

fvm_err fvm_big_mul_u64(fvm_big *out, const fvm_big *a, uint64_t b)
{
    if (FVM_LIKELY(a->count <= 1)) {
        set_small(out, a->count ? (fvm_u128)a->limb[0] * b : 0, a->negative);
        return FVM_OK;
    }
    fvm_big r = *a;
    if (!mul_add(&r, b, 0)) return FVM_ERR_RANGE;
    normalise(&r);
    *out = r;
    return FVM_OK;
}

bool fvm_big_to_u128(uint64_t *hi, uint64_t *lo, const fvm_big *a)
{
    if (a->negative || a->count > 2) return false;
    *lo = a->count > 0 ? a->limb[0] : 0;
    *hi = a->count > 1 ? a->limb[1] : 0;
    return true;
}

size_t fvm_big_write(uint8_t out[FVM_BIG_WIRE_MAX], const fvm_big *a)
{
    size_t len = fvm__big_wire_len(a);
    if (len == 0 || len > FVM_BIG_WIRE_MAX) return len;
    size_t n = len - 1;
    out[0] = a->negative;
    for (size_t i = 0; i < n; i++) out[n - i] = (uint8_t)(a->limb[i / 8] >> (8 * (i % 8)));
    return len;
}

fvm_err fvm_big_read(fvm_big *out, fvm_bytes in)
{
    if (in.len > FVM_BIG_WIRE_MAX) return FVM_ERR_LIMIT;
    fvm_big r = fvm_big_zero();
    if (in.len) {
        if (in.ptr[0] > 1) return FVM_ERR_MALFORMED;
        r.negative = in.ptr[0] == 1;
        size_t n = in.len - 1;
        for (size_t i = 0; i < n; i++) r.limb[i / 8] |= (uint64_t)in.ptr[n - i] << (8 * (i % 8));
        r.count = (uint8_t)((n + 7) / 8);
        normalise(&r);
    }
    *out = r;
    return FVM_OK;
}

/* Divides the magnitude by `d`, returns the remainder. */
static uint64_t div_small(fvm_big *r, uint64_t d)
{
    fvm_u128 rem = 0;
    for (size_t i = r->count; i-- > 0;) {
        rem = rem << 64 | r->limb[i];
        r->limb[i] = (uint64_t)(rem / d);
        rem %= d;
    }
    while (r->count && r->limb[r->count - 1] == 0) r->count--;
    return (uint64_t)rem;
}

size_t fvm_big_to_text(char out[FVM_BIG_TEXT_MAX], const fvm_big *a)
{
    char digits[FVM_BIG_TEXT_MAX]; /* lowest first */
    size_t n = 0, len = 0;
    fvm_big r = *a;
    while (r.count) {
        uint64_t part = div_small(&r, TEN_TO_19);
        /* all 19 digits of inner parts, without leading zeros for the highest */
        for (int i = 0; r.count ? i < DIGITS_PER_LIMB : part != 0; i++, part /= 10) {
            digits[n++] = (char)('0' + part % 10);
        }
    }
    if (n == 0) digits[n++] = '0';
    if (a->negative) out[len++] = '-';
    while (n) out[len++] = digits[--n];
    out[len] = 0;
    return len;
}

fvm_err fvm_big_from_text(fvm_big *out, fvm_bytes text)
{
    fvm_big r = fvm_big_zero();
    bool negative = text.len && text.ptr[0] == '-';
    size_t at = negative;
    if (at == text.len) return FVM_ERR_MALFORMED;
    for (size_t i = at; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return FVM_ERR_MALFORMED;
    }
    while (at < text.len) {
        uint64_t part = 0, scale = 1;
        for (int i = 0; i < DIGITS_PER_LIMB && at < text.len; i++, at++) {
            part = part * 10 + (uint64_t)(text.ptr[at] - '0');
            scale *= 10;
        }
        if (!mul_add(&r, scale, part)) return FVM_ERR_RANGE;
    }
    r.negative = negative;
    normalise(&r);
    *out = r;
    return FVM_OK;
}
