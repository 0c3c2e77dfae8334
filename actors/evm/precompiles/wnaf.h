/* wnaf.h - digits of a scalar for sliding windows of five bits. */
#ifndef FVM_EVM_PRECOMPILES_WNAF_H
#define FVM_EVM_PRECOMPILES_WNAF_H

#include <stdint.h>

#define WNAF_TABLE 8 /* odd multiples needed: 1, 3, .. 15 */

/** Digits of the number in `bytes` little-endian bytes, lowest first: each is 0 or odd between
 *  -15 and 15, and of five in a row at most one is not 0. Writes 8 * bytes + 1; gives how many there are up to
 *  the last that is not 0. */
unsigned fvm__wnaf(int8_t *digit, const uint8_t *k, unsigned bytes);

#endif
