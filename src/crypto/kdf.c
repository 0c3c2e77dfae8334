/* kdf.c - key derivation by libcrypto and libsodium. */
#include "kdf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <sodium.h>

#include <limits.h>

bool fvm_random_bytes(uint8_t *out, size_t len)
{
    return len <= INT_MAX && RAND_priv_bytes(out, (int)len) == 1;
}

void fvm_wipe(void *ptr, size_t len)
{
    OPENSSL_cleanse(ptr, len);
}

bool fvm_secret_eq(const uint8_t *a, const uint8_t *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

bool fvm_hmac_sha512(uint8_t out[64], fvm_bytes key, fvm_bytes in)
{
    unsigned len = 64;
    if (key.len > INT_MAX) return false;
    return HMAC(EVP_sha512(), key.len ? (const void *)key.ptr : "", (int)key.len, in.ptr, in.len,
                out, &len) != NULL;
}

bool fvm_pbkdf2(uint8_t *out, size_t out_len, fvm_bytes password, fvm_bytes salt, uint32_t rounds,
                bool sha512)
{
    if (password.len > INT_MAX || salt.len > INT_MAX || out_len > INT_MAX || rounds > INT_MAX ||
        rounds == 0)
        return false;
    return PKCS5_PBKDF2_HMAC(password.len ? (const char *)password.ptr : "", (int)password.len,
                             salt.ptr, (int)salt.len, (int)rounds,
                             sha512 ? EVP_sha512() : EVP_sha256(), (int)out_len, out) == 1;
}

bool fvm_scrypt(uint8_t *out, size_t out_len, fvm_bytes password, fvm_bytes salt, uint64_t n,
                uint32_t r, uint32_t p)
{
    /* libcrypto's refuses n >= 2^(16 r), which key files of other tools have */
    return crypto_pwhash_scryptsalsa208sha256_ll(password.ptr, password.len, salt.ptr, salt.len, n,
                                                 r, p, out, out_len) == 0;
}

bool fvm_aes128_ctr(uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[16],
                    const uint8_t iv[16])
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && len <= INT_MAX &&
              EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool fvm_secp256k1_secret_add(uint8_t secret[32], const uint8_t tweak[32])
{
    return secp256k1_ec_seckey_tweak_add(secp256k1_context_static, secret, tweak) == 1;
}
