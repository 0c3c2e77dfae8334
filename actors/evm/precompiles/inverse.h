/* inverse.h - inverses modulo a prime, for both of our fields. Numbers are limbs of 29 or 28 bits, the
 * lowest first; nothing is in Montgomery form. */
#ifndef FVM_EVM_PRECOMPILES_INVERSE_H
#define FVM_EVM_PRECOMPILES_INVERSE_H

#include <stdint.h>

#define INVERSE_LIMBS_MAX 14

/** out = 1 / a mod p (0 for 0), a below p. `n` limbs of `bits` bits, with at least 2 bits above p;
 *  n0 is -1 / p mod 2^bits. */
void fvm__inverse(uint32_t *out, const uint32_t *a, const uint32_t *p, unsigned n, unsigned bits,
                  uint32_t n0);

#endif
