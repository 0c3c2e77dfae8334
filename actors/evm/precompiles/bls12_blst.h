/* bls12_blst.h - the part of blst that the precompiles need, as one unit with our field underneath.
 * blst's sources come out of its crate (cmake/blst.cmake) and are included by path, as its own server.c
 * does; what nobody calls is dropped when the actor is linked. */
#ifndef FVM_EVM_PRECOMPILES_BLS12_BLST_H
#define FVM_EVM_PRECOMPILES_BLS12_BLST_H

#ifndef __BLST_NO_ASM__
#define __BLST_NO_ASM__
#endif
#ifndef __OPTIMIZE_SIZE__
#define __OPTIMIZE_SIZE__ 1 /* no addition chains: see exp_mont_384 */
#endif

#include <blst/src/vect.h>

#include <blst/src/bytes.h>
#include <blst/src/consts.h>
#include <blst/src/fields.h>

#include "bls12_field.h"

#include <blst/src/consts.c>
#include <blst/src/hash_to_field.c>

#include <blst/src/e1.c>
#include <blst/src/map_to_g1.c>

#include <blst/src/e2.c>
#include <blst/src/map_to_g2.c>

#include <blst/src/fp12_tower.c>

#include <blst/src/pairing.c>
#include <blst/src/sqrt.c>

#endif
