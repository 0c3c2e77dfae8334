/* kdf.h - what secret keys need besides signatures: random bytes, derivation from passwords and seeds,
 * a stream cipher. By libcrypto, libsodium and libsecp256k1. Each is false when the library cannot (no memory,
 * parameters it refuses). */
#ifndef FVM_CRYPTO_KDF_H
#define FVM_CRYPTO_KDF_H

#include "base/util.h"

/** From the system's generator, for secrets. */
bool fvm_random_bytes(uint8_t *out, size_t len);
/** Overwrites in a way that no compiler leaves out. */
void fvm_wipe(void *ptr, size_t len);
/** Equal in time that does not depend on the content. */
bool fvm_secret_eq(const uint8_t *a, const uint8_t *b, size_t len);

bool fvm_hmac_sha512(uint8_t out[64], fvm_bytes key, fvm_bytes in);
/** PBKDF2 with HMAC-SHA-512 (BIP-39) or HMAC-SHA-256. */
bool fvm_pbkdf2(uint8_t *out, size_t out_len, fvm_bytes password, fvm_bytes salt, uint32_t rounds,
                bool sha512);
/** RFC 7914; uses 128 * n * r bytes, which the caller has limited; n is a power of two. */
bool fvm_scrypt(uint8_t *out, size_t out_len, fvm_bytes password, fvm_bytes salt, uint64_t n,
                uint32_t r, uint32_t p);
/** Encrypts or decrypts (the same) `len` bytes. */
bool fvm_aes128_ctr(uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[16],
                    const uint8_t iv[16]);

/** secret + tweak modulo secp256k1's order, in place; false when that is no secret key. */
bool fvm_secp256k1_secret_add(uint8_t secret[32], const uint8_t tweak[32]);
#endif
