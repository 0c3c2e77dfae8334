/* secp.c - secp256k1 by libsecp256k1. Its static context serves everything but signing. */
#include "crypto.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

static void write_key(uint8_t out[65], const secp256k1_context *ctx, const secp256k1_pubkey *key)
{
    size_t len = 65;
    secp256k1_ec_pubkey_serialize(ctx, out, &len, key, SECP256K1_EC_UNCOMPRESSED);
}

bool fvm_secp256k1_recover(uint8_t out[65], const uint8_t hash[32], const uint8_t sig[65])
{
    /* The reference first makes s low, flipping the lowest bit of v. We need not: (r, s, v) and
     * (r, n - s, v ^ 1) are equations for the same key, and 0..3 stays 0..3. */
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    if (sig[64] > 3) return false; /* the library would abort */
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &parsed, sig, sig[64]))
        return false;
    if (!secp256k1_ecdsa_recover(ctx, &key, &parsed, hash)) return false;
    write_key(out, ctx, &key);
    return true;
}

bool fvm_secp256k1_sign(uint8_t sig[65], const uint8_t hash[32], const uint8_t key[32])
{
    secp256k1_ecdsa_recoverable_signature made;
    int v;
    secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool ok = ctx && secp256k1_ecdsa_sign_recoverable(ctx, &made, hash, key, NULL, NULL);
    if (ok) {
        secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx, sig, &v, &made);
        sig[64] = (uint8_t)v;
    }
    if (ctx) secp256k1_context_destroy(ctx);
    return ok;
}

bool fvm_secp256k1_public_key(uint8_t out[65], const uint8_t key[32])
{
    secp256k1_pubkey made;
    secp256k1_context *ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    bool ok = ctx && secp256k1_ec_pubkey_create(ctx, &made, key);
    if (ok) write_key(out, ctx, &made);
    if (ctx) secp256k1_context_destroy(ctx);
    return ok;
}
