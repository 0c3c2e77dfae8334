/* hash.c - hashes out of libraries. Measured on one core of an x86-64 with SHA extensions, for 100
 * bytes and for 1 MiB:
 *     blake2b-256   libsodium 175 ns, 894 MB/s   libb2 184 ns, 807 MB/s   OpenSSL 318 ns, 823 MB/s
 *     sha2-256      OpenSSL SHA256_* 91 ns, 1575 MB/s   its EVP 143 ns   libsodium 470 ns, 287 MB/s
 * SHA256_* and RIPEMD160_* are marked as deprecated by OpenSSL 3, in favour of EVP, which allocates
 * and, for ripemd, needs a provider that may be switched off. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <openssl/ripemd.h>
#include <openssl/sha.h>
#include <sodium.h>

_Static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof(fvm_blake2b_ctx), "room");
_Static_assert(_Alignof(fvm_blake2b_ctx) >= _Alignof(crypto_generichash_blake2b_state),
               "alignment");

/* Lets libsodium choose its code for this CPU; before that it works too, but slower. */
__attribute__((constructor)) static void choose_implementation(void)
{
    if (sodium_init() < 0) return; /* 1: was done before */
}

/* libsodium takes any output length from 1 to 64; it fails for others only. */
static void blake2b(uint8_t *out, size_t out_len, fvm_bytes in)
{
    (void)crypto_generichash_blake2b(out, out_len, in.ptr, in.len, NULL, 0);
}

void fvm_blake2b_160(uint8_t out[20], fvm_bytes in)
{
    blake2b(out, 20, in);
}

void fvm_blake2b_256(uint8_t out[32], fvm_bytes in)
{
    blake2b(out, 32, in);
}

void fvm_blake2b_512(uint8_t out[64], fvm_bytes in)
{
    blake2b(out, 64, in);
}

void fvm_blake2b_32(uint8_t out[4], fvm_bytes in)
{
    blake2b(out, 4, in);
}

void fvm_blake2b_init(fvm_blake2b_ctx *ctx)
{
    (void)crypto_generichash_blake2b_init((void *)ctx->opaque, NULL, 0, 32);
}

void fvm_blake2b_update(fvm_blake2b_ctx *ctx, fvm_bytes in)
{
    if (in.len) (void)crypto_generichash_blake2b_update((void *)ctx->opaque, in.ptr, in.len);
}

void fvm_blake2b_final(fvm_blake2b_ctx *ctx, uint8_t out[32])
{
    (void)crypto_generichash_blake2b_final((void *)ctx->opaque, out, 32);
}

void fvm_sha256(uint8_t out[32], fvm_bytes in)
{
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    if (in.len) SHA256_Update(&ctx, in.ptr, in.len);
    SHA256_Final(out, &ctx);
}

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((fvm_sha256_ctx *)0)->opaque), "room for the state");

void fvm_sha256_init(fvm_sha256_ctx *ctx)
{
    SHA256_Init((void *)ctx->opaque);
}

void fvm_sha256_update(fvm_sha256_ctx *ctx, fvm_bytes in)
{
    if (in.len) SHA256_Update((void *)ctx->opaque, in.ptr, in.len);
}

void fvm_sha256_final(fvm_sha256_ctx *ctx, uint8_t out[32])
{
    SHA256_Final(out, (void *)ctx->opaque);
}

void fvm_ripemd160(uint8_t out[20], fvm_bytes in)
{
    RIPEMD160_CTX ctx;
    RIPEMD160_Init(&ctx);
    if (in.len) RIPEMD160_Update(&ctx, in.ptr, in.len);
    RIPEMD160_Final(out, &ctx);
}
