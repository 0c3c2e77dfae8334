/* big.h - signed integers of fixed capacity, for token amounts. Filecoin caps an amount at 128
 * bytes on the wire (a sign byte and 127 of magnitude); products with a u64 (fee cap times gas
 * limit) need 64 bits more, so 18 limbs hold everything the machine computes, without heap. */
#ifndef FVM_BIG_H
#define FVM_BIG_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM_BIG_LIMBS 18

/** A value; limbs at and past `count` are not read. Zero has count 0 and negative false. */
typedef struct fvm_big {
    uint64_t limb[FVM_BIG_LIMBS]; /* little endian magnitude */
    uint8_t count;                /* limbs in use; the highest is not 0 */
    bool negative;
} fvm_big;

/** The value 0. */
FVM_API fvm_big fvm_big_zero(void);
/** The value of an unsigned number. */
FVM_API fvm_big fvm_big_u64(uint64_t v);
/** The value hi * 2^64 + lo. */
FVM_API fvm_big fvm_big_u128(uint64_t hi, uint64_t lo);
/** -1, 0, 1: a is below b, the same, above. */
FVM_API int fvm_big_cmp(const fvm_big *a, const fvm_big *b);
/** Whether the value is 0. */
static inline bool fvm_big_is_zero(const fvm_big *a)
{
    return a->count == 0;
}
/** -1, 0, 1: the sign of the value. */
FVM_API int fvm_big_sign(const fvm_big *a);
/** a + b. `out` may be an input, here and below. FVM_ERR_RANGE when the result has over 18 limbs;
 *  `out` is then unchanged. */
FVM_API FVM_NODISCARD fvm_err fvm_big_add(fvm_big *out, const fvm_big *a, const fvm_big *b);
/** a - b; likewise. */
FVM_API FVM_NODISCARD fvm_err fvm_big_sub(fvm_big *out, const fvm_big *a, const fvm_big *b);
/** a * b; likewise. */
FVM_API FVM_NODISCARD fvm_err fvm_big_mul_u64(fvm_big *out, const fvm_big *a, uint64_t b);
/** The value as u128; false when negative or too large, and then `*hi` and `*lo` are unchanged. */
FVM_API bool fvm_big_to_u128(uint64_t *hi, uint64_t *lo, const fvm_big *a);
/** The longest wire form, in bytes (reference/ipld.md: BigInt). */
#define FVM_BIG_WIRE_MAX 128
/** The wire form of BigInt and TokenAmount: empty for 0, else sign byte (0, 1) and minimal big
 *  endian magnitude. Returns bytes written, at most FVM_BIG_WIRE_MAX; FVM_BIG_WIRE_MAX + 1 when the
 *  value is over 127 bytes of magnitude (nothing is written then). */
FVM_API size_t fvm_big_write(uint8_t out[FVM_BIG_WIRE_MAX], const fvm_big *a);
/** Reads the wire form. Leading zeros and signed zeros are accepted, as by the reference.
 *  Errors: FVM_ERR_MALFORMED sign byte not 0 or 1; FVM_ERR_LIMIT over 128 bytes. */
FVM_API FVM_NODISCARD fvm_err fvm_big_read(fvm_big *out, fvm_bytes in);
/** Room for the longest text: 18 limbs are 347 digits; sign, NUL. */
#define FVM_BIG_TEXT_MAX 352
/** Decimal text with '-' before it if the value is negative; NUL-terminated. Returns its length without the
 *  NUL. */
FVM_API size_t fvm_big_to_text(char out[FVM_BIG_TEXT_MAX], const fvm_big *a);
/** Reads all of `text`: digits, and '-' before them if the value is negative. `out` is unchanged on error.
 *  Errors: FVM_ERR_MALFORMED not a decimal number; FVM_ERR_RANGE too large. */
FVM_API FVM_NODISCARD fvm_err fvm_big_from_text(fvm_big *out, fvm_bytes text);

#ifdef __cplusplus
}
#endif
#endif
