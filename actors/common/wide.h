/* wide.h - signed integers of up to 1536 bits, for amounts that callers may make as large as the wire
 * allows (127 bytes) and for the reward actor's fixed-point arithmetic, whose largest intermediate
 * values have some 1300 bits. What does not fit ends the call (24). */
#ifndef FVM_ACTORS_WIDE_H
#define FVM_ACTORS_WIDE_H

#include <fvm/actor.h>

#define WIDE_LIMBS 48

typedef struct wide {
    uint32_t count; /* limbs in use; the highest is not 0 */
    bool negative;  /* not of zero */
    uint32_t limb[WIDE_LIMBS];
} wide;

void wide_set(wide *out, int64_t v);
void wide_of_amount(wide *out, fvm_abi_token v);
/** The value, which must be in 0 .. 2^128 - 1, else the call ends (24). */
fvm_abi_token wide_to_amount(const wide *v);
int wide_cmp(const wide *a, const wide *b);
static inline bool wide_is_zero(const wide *v)
{
    return v->count == 0;
}
/* Outputs may alias inputs. */
void wide_add(wide *out, const wide *a, const wide *b);
void wide_sub(wide *out, const wide *a, const wide *b);
void wide_mul(wide *out, const wide *a, const wide *b);
/** Rounded down, also for negative numbers. Division by zero ends the call (24). */
void wide_div_floor(wide *out, const wide *a, const wide *b);
/** |v| / d, rounded up, for 0 < d < 2^63. Short code, for who needs no other division. */
void wide_div_up(wide *v, uint64_t d);
void wide_shl128(wide *out, const wide *v);
void wide_shr128(wide *out, const wide *v); /* rounded down */

/* A kind of fvm/actor/struct.h: BigInt or TokenAmount on the wire. */
typedef wide fvm_t_wide;
void fvm_enc_wide(fvm_enc *e, const wide *v);
void fvm_dec_wide(fvm_dec *d, wide *v);
FVM__UNUSED static const fvm_schema fvm_schema_wide = { "token", FVM_SCHEMA_VALUE, NULL, NULL, 0 };

#endif
