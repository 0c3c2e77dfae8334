/* internal.h - what the precompiles share. Each is a function of the input that gives the output in the
 * heap and returns whether it worked. Missing input reads as zeros unless a precompile is exact about
 * lengths (evm.md 4). */
#ifndef FVM_EVM_PRECOMPILES_INTERNAL_H
#define FVM_EVM_PRECOMPILES_INTERNAL_H

#include "precompiles.h"

#include <string.h>

/** `n` bytes of the input from `at` on, zeros past its end. */
void fvm__pre_read(uint8_t *out, uint32_t n, fvm_bytes in, uint64_t at);
/** The 32-byte word at `at` as a number of at most `bytes` bytes, 1..8; false when it is larger. */
bool fvm__pre_uint(uint64_t *out, fvm_bytes in, uint64_t at, unsigned bytes);
/** `n` bytes in the heap, zeroed, that become the output. */
uint8_t *fvm__pre_output(fvm_bytes *out, uint32_t n);

/* Not inlined into one function: its frame would hold the locals of all of them, on a stack of 16 KB. */
#define PRECOMPILE __attribute__((noinline)) bool

/* Ethereum's */
PRECOMPILE fvm__pre_ecrecover(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_hash(fvm_bytes *out, fvm_bytes in, uint64_t function, uint32_t digest_len);
PRECOMPILE fvm__pre_modexp(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bn_add(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bn_mul(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bn_pairing(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_blake2f(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_g1add(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_g1msm(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_g2add(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_g2msm(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_pairing(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_map_fp(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_bls_map_fp2(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_p256(fvm_bytes *out, fvm_bytes in);

/* Filecoin's */
PRECOMPILE fvm__pre_resolve_address(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_lookup_delegated(fvm_bytes *out, fvm_bytes in);
PRECOMPILE fvm__pre_call_actor(fvm_bytes *out, fvm_bytes in, const fvm_evm_call_context *ctx,
                               bool by_id);
PRECOMPILE fvm__pre_get_randomness(fvm_bytes *out, fvm_bytes in);

#endif
