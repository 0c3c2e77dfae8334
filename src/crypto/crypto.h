/* crypto.h - hashes, signatures and sector commitments: thin wrappers over libraries (OpenSSL's
 * libcrypto, libsodium, libsecp256k1, blst), so that nothing above this layer knows which. */
#ifndef FVM_CRYPTO_CRYPTO_H
#define FVM_CRYPTO_CRYPTO_H

#include "base/util.h"

void fvm_blake2b_160(uint8_t out[20], fvm_bytes in);
void fvm_blake2b_256(uint8_t out[32], fvm_bytes in);
/** blake2b-256 of each of `count` messages, faster than one after another. */
void fvm_blake2b_256_many(uint8_t (*out)[32], const fvm_bytes *in, size_t count);
void fvm_blake2b_512(uint8_t out[64], fvm_bytes in);
/** Address checksums: blake2b with a 4-byte output. */
void fvm_blake2b_32(uint8_t out[4], fvm_bytes in);
void fvm_sha256(uint8_t out[32], fvm_bytes in);
void fvm_keccak256(uint8_t out[32], fvm_bytes in);
void fvm_ripemd160(uint8_t out[20], fvm_bytes in);

/** Incremental blake2b-256, for data that does not fit in memory at once. */
typedef struct fvm_blake2b_ctx {
    _Alignas(64) uint8_t opaque[512];
} fvm_blake2b_ctx;
void fvm_blake2b_init(fvm_blake2b_ctx *ctx);
void fvm_blake2b_update(fvm_blake2b_ctx *ctx, fvm_bytes in);
void fvm_blake2b_final(fvm_blake2b_ctx *ctx, uint8_t out[32]);

/** Incremental sha2-256, likewise. */
typedef struct fvm_sha256_ctx {
    _Alignas(16) uint8_t opaque[128];
} fvm_sha256_ctx;
void fvm_sha256_init(fvm_sha256_ctx *ctx);
void fvm_sha256_update(fvm_sha256_ctx *ctx, fvm_bytes in);
void fvm_sha256_final(fvm_sha256_ctx *ctx, uint8_t out[32]);

/* secp256k1. Signatures are r || s || v, 65 bytes, v in 0..3. */

/** Recovers the public key that made `sig` over the 32-byte `hash`; out is uncompressed
 *  (0x04 || x || y). A high s is normalised to low s with the recovery bit flipped first, as
 *  libsecp256k1's Rust port in the reference does. False when there is no such key. */
bool fvm_secp256k1_recover(uint8_t out[65], const uint8_t hash[32], const uint8_t sig[65]);
/** Deterministic (RFC 6979) signature; false when `key` is not a valid secret key. */
bool fvm_secp256k1_sign(uint8_t sig[65], const uint8_t hash[32], const uint8_t key[32]);
bool fvm_secp256k1_public_key(uint8_t out[65], const uint8_t key[32]);

/* BLS12-381, keys in G1 (48 bytes compressed), signatures in G2 (96), suite
 * BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_. */

/** Verifies one signature; false for anything that does not decode, is not in its group, or for the
 *  identity key. */
bool fvm_bls_verify(const uint8_t sig[96], const uint8_t key[48], fvm_bytes message);
/** Verifies an aggregate over `count` distinct messages. count 0: see reference/kernel.md
 *  (verify_bls_aggregate): valid. False for undecodable input, two equal messages, an identity key.
 *  Returns FVM_ERR_NOMEM or FVM_OK with the verdict in `*valid`. `keys` holds count * 48 bytes. */
FVM_NODISCARD fvm_err fvm_bls_verify_aggregate(bool *valid, const uint8_t sig[96],
                                               const uint8_t *keys, const fvm_bytes *messages,
                                               size_t count);
/** The sum of `count` signatures of 96 bytes each; false when one does not decode or count is 0. */
bool fvm_bls_aggregate(uint8_t out[96], const uint8_t *sigs, size_t count);
bool fvm_bls_sign(uint8_t sig[96], const uint8_t key[32], fvm_bytes message);
bool fvm_bls_public_key(uint8_t out[48], const uint8_t key[32]);

/* Sector commitments (sha2-256-trunc254-padded). */

typedef struct fvm_piece {
    uint64_t padded_size;   /* bytes, a power of two >= 128 */
    uint8_t commitment[32]; /* CommP */
} fvm_piece;
/** CommD of a sector of `sector_size` bytes (a power of two) built of `pieces` in order: pieces are
 *  aligned to their size with zero pieces, and the sector is filled up with zero pieces. No pieces
 *  gives the zero commitment of the sector. FVM_ERR_INVALID for sizes that do not fit. */
FVM_NODISCARD fvm_err fvm_compute_comm_d(uint8_t out[32], uint64_t sector_size,
                                         const fvm_piece *pieces, size_t count);
#endif
