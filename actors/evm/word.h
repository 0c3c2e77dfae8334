/* word.h - the EVM's 256-bit words where the interpreter's loop needs them: in line, on limbs of 64 bits.
 *
 * Gas counts wasm instructions, 4 gas each whatever they do. Most words are small, which is why zero
 * limbs are asked for before bytes are turned round (26 instructions). A word could be copied by one
 * memory.copy, 37 gas in place of 64, but that takes several times as long. */
#ifndef FVM_EVM_WORD_H
#define FVM_EVM_WORD_H

#include <fvm/actor.h>

typedef fvm_u256 word;
_Static_assert(sizeof(word) == 32, "a word is copied whole");

#define WORD_LIKELY(c) __builtin_expect(!!(c), 1)
#define WORD_UNLIKELY(c) __builtin_expect(!!(c), 0)
#define WORD_INLINE static inline __attribute__((always_inline))

/* Limb by limb: memcpy becomes the same with additions for each address. */
WORD_INLINE void word_copy(word *to, const word *from)
{
    to->limb[0] = from->limb[0];
    to->limb[1] = from->limb[1];
    to->limb[2] = from->limb[2];
    to->limb[3] = from->limb[3];
}
WORD_INLINE void word_swap(word *a, word *b)
{
    for (int i = 0; i < 4; i++) {
        uint64_t t = a->limb[i];
        a->limb[i] = b->limb[i];
        b->limb[i] = t;
    }
}
WORD_INLINE void word_set(word *w, uint64_t v)
{
    w->limb[0] = v;
    w->limb[1] = 0;
    w->limb[2] = 0;
    w->limb[3] = 0;
}
/** Whether the word is below 2^64: then limb[0] is all of it. */
WORD_INLINE bool word_is_u64(const word *w)
{
    return (w->limb[1] | w->limb[2] | w->limb[3]) == 0;
}
WORD_INLINE bool word_is_u32(const word *w)
{
    return (w->limb[1] | w->limb[2] | w->limb[3] | w->limb[0] >> 32) == 0;
}
WORD_INLINE uint64_t word_saturated(const word *w)
{
    return word_is_u64(w) ? w->limb[0] : UINT64_MAX;
}
WORD_INLINE bool word_negative(const word *w)
{
    return w->limb[3] >> 63;
}

/** Eight bytes as a big-endian number. */
WORD_INLINE uint64_t word_be64(const uint8_t *in)
{
    uint64_t v;
    __builtin_memcpy(&v, in, 8);
    return v ? __builtin_bswap64(v) : 0;
}
WORD_INLINE void word_put_be64(uint8_t *out, uint64_t v)
{
    if (v) v = __builtin_bswap64(v);
    __builtin_memcpy(out, &v, 8);
}
/** 32 bytes, big-endian. */
WORD_INLINE void word_read(word *w, const uint8_t *in)
{
    w->limb[3] = word_be64(in);
    w->limb[2] = word_be64(in + 8);
    w->limb[1] = word_be64(in + 16);
    w->limb[0] = word_be64(in + 24);
}
WORD_INLINE void word_write(uint8_t *out, const word *w)
{
    word_put_be64(out, w->limb[3]);
    word_put_be64(out + 8, w->limb[2]);
    word_put_be64(out + 16, w->limb[1]);
    word_put_be64(out + 24, w->limb[0]);
}

WORD_INLINE void word_add(word *out, const word *a, const word *b)
{
    uint64_t r0 = a->limb[0] + b->limb[0], c = r0 < a->limb[0];
    uint64_t s1 = a->limb[1] + b->limb[1], r1 = s1 + c;
    c = (s1 < a->limb[1]) | (r1 < c);
    uint64_t s2 = a->limb[2] + b->limb[2], r2 = s2 + c;
    c = (s2 < a->limb[2]) | (r2 < c);
    out->limb[3] = a->limb[3] + b->limb[3] + c;
    out->limb[0] = r0;
    out->limb[1] = r1;
    out->limb[2] = r2;
}
WORD_INLINE void word_sub(word *out, const word *a, const word *b)
{
    uint64_t c = a->limb[0] < b->limb[0], r0 = a->limb[0] - b->limb[0];
    uint64_t s1 = a->limb[1] - b->limb[1], r1 = s1 - c;
    c = (a->limb[1] < b->limb[1]) | (s1 < c);
    uint64_t s2 = a->limb[2] - b->limb[2], r2 = s2 - c;
    c = (a->limb[2] < b->limb[2]) | (s2 < c);
    out->limb[3] = a->limb[3] - b->limb[3] - c;
    out->limb[0] = r0;
    out->limb[1] = r1;
    out->limb[2] = r2;
}
WORD_INLINE bool word_less(const word *a, const word *b)
{
    if (a->limb[3] != b->limb[3]) return a->limb[3] < b->limb[3];
    if (a->limb[2] != b->limb[2]) return a->limb[2] < b->limb[2];
    if (a->limb[1] != b->limb[1]) return a->limb[1] < b->limb[1];
    return a->limb[0] < b->limb[0];
}
WORD_INLINE bool word_less_signed(const word *a, const word *b)
{
    if (a->limb[3] != b->limb[3]) return (int64_t)a->limb[3] < (int64_t)b->limb[3];
    return word_less(a, b);
}
WORD_INLINE void word_negate(word *out, const word *a)
{
    const word zero = { { 0, 0, 0, 0 } };
    word_sub(out, &zero, a);
}

/* --- word.c: what is rare or long --- */

void evm_mul(word *out, const word *a, const word *b);
/** Quotient and remainder as the EVM has them: 0 when b is 0, and, signed, MIN / -1 = MIN. */
void evm_div(word *out, const word *a, const word *b, bool is_signed);
void evm_mod(word *out, const word *a, const word *b, bool is_signed);
void evm_exp(word *out, const word *base, const word *power);
void evm_signextend(word *out, const word *size, const word *a);
void evm_byte(word *out, const word *index, const word *a);
void evm_shl(word *out, const word *count, const word *a);
void evm_shr(word *out, const word *count, const word *a);
void evm_sar(word *out, const word *count, const word *a);
/** A word from the `n` (0..32) bytes at `in`, big-endian; they may be read 8 bytes at a time up to 32. */
void evm_read_short(word *out, const uint8_t *in, unsigned n);
/** Bytes of a number without leading zeros; `out` has room for 32. Returns their number. */
unsigned evm_write_short(uint8_t *out, const word *w);

#endif
