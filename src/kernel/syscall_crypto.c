/* syscall_crypto.c - module `crypto` without the proofs: hashes and signatures (reference/kernel.md
 * 4). A verdict is a value, 0 valid or -1 not; error numbers are for arguments that make no sense. */
#include "internal.h"

#include "crypto/crypto.h"

#define SIG_SECP256K1 1u
#define SIG_BLS 2u
#define BLS_KEY_LEN 48u
#define BLS_SIG_LEN 96u
#define SECP_SIG_LEN 65u

static void store_verdict(uint8_t *out, bool valid)
{
    fvm_store_le32(out, valid ? 0 : UINT32_MAX);
}

/* Digest of a supported function; its length, or 0 for one that is not. */
static size_t digest(uint8_t out[64], uint64_t hash, fvm_bytes data)
{
    switch (hash) {
    case FVM_HASH_SHA2_256: fvm_sha256(out, data); return 32;
    case FVM_HASH_BLAKE2B_256: fvm_blake2b_256(out, data); return 32;
    case FVM_HASH_BLAKE2B_512: fvm_blake2b_512(out, data); return 64;
    case FVM_HASH_KECCAK_256: fvm_keccak256(out, data); return 32;
    case FVM_HASH_RIPEMD_160: fvm_ripemd160(out, data); return 20;
    default: return 0;
    }
}

static bool hash_known(uint64_t hash)
{
    return hash == FVM_HASH_SHA2_256 || hash == FVM_HASH_BLAKE2B_256 ||
           hash == FVM_HASH_BLAKE2B_512 || hash == FVM_HASH_KECCAK_256 ||
           hash == FVM_HASH_RIPEMD_160;
}

fvm_err fvm__crypto_hash(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer, bytes[64];
    fvm_bytes data;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[3], args[4]));
    FVM_TRY(fvm__slice(&data, c, args[1], args[2]));
    bool known = hash_known(args[0]);
    if (!known && c->env->net->era != FVM_ERA_V2) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm_price_on_hashing(c->env->net, &c->env->gas, args[0], data.len));
    if (!known) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;

    size_t n = digest(bytes, args[0], data);
    if (n > (uint32_t)args[4]) n = (uint32_t)args[4]; /* a short buffer gets a prefix */
    if (n) memcpy(buffer, bytes, n);
    fvm_store_le32(out, (uint32_t)n);
    return FVM_OK;
}

fvm_err fvm__crypto_recover(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_bytes hash, sig;
    FVM_TRY(fvm__slice(&hash, c, args[0], 32));
    FVM_TRY(fvm__slice(&sig, c, args[1], SECP_SIG_LEN));
    FVM_TRY(fvm_price_on_recover_secp_public_key(c->env->net, &c->env->gas));
    return fvm_secp256k1_recover(out, hash.ptr, sig.ptr) ? FVM_OK : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
}

static bool secp_valid(fvm_bytes sig, const fvm_address *signer, fvm_bytes text)
{
    uint8_t hash[32], key[65];
    if (fvm_address_protocol(signer) != FVM_PROTOCOL_SECP256K1 || sig.len != SECP_SIG_LEN)
        return false;
    fvm_blake2b_256(hash, text);
    if (!fvm_secp256k1_recover(key, hash, sig.ptr)) return false;
    fvm_address recovered = fvm_address_secp256k1(key);
    return fvm_address_eq(&recovered, signer);
}

static bool bls_valid(fvm_bytes sig, const fvm_address *signer, fvm_bytes text)
{
    if (fvm_address_protocol(signer) != FVM_PROTOCOL_BLS || sig.len != BLS_SIG_LEN) return false;
    return fvm_bls_verify(sig.ptr, signer->bytes + 1, text);
}

fvm_err fvm__crypto_verify_signature(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    uint32_t type = (uint32_t)args[0];
    fvm_bytes sig, text;
    fvm_address signer;
    if (type != SIG_SECP256K1 && type != SIG_BLS) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm__slice(&sig, c, args[1], args[2]));
    FVM_TRY(fvm__read_address(&signer, c, args[3], args[4]));
    FVM_TRY(fvm__slice(&text, c, args[5], args[6]));
    FVM_TRY(fvm_price_on_verify_signature(env->net, &env->gas, type == SIG_BLS, text.len));

    fvm_protocol protocol = fvm_address_protocol(&signer);
    if (protocol != FVM_PROTOCOL_SECP256K1 && protocol != FVM_PROTOCOL_BLS) {
        if (env->net->era != FVM_ERA_V2) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
        FVM_TRY(fvm__key_address(env, &signer, &signer, true));
    }
    store_verdict(out,
                  type == SIG_BLS ? bls_valid(sig, &signer, text) : secp_valid(sig, &signer, text));
    return FVM_OK;
}

/* Cuts `text` into `count` plaintexts of the lengths at `lens`; they must use it up. */
static fvm_err split(fvm_bytes *messages, fvm_bytes text, const uint8_t *lens, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fvm_bytes_take(&messages[i], &text, fvm_load_le32(lens + (size_t)i * 4)) != FVM_OK)
            return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return text.len ? FVM_ERR_SYS_ILLEGAL_ARGUMENT : FVM_OK;
}

/* FIP-0079. */
fvm_err fvm__crypto_verify_bls_aggregate(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    uint32_t count = (uint32_t)args[0];
    fvm_bytes sig, keys, lens, text;
    if (count > UINT32_MAX / BLS_KEY_LEN) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm__slice(&sig, c, args[1], BLS_SIG_LEN));
    FVM_TRY(fvm__slice(&keys, c, args[2], (uint64_t)count * BLS_KEY_LEN));
    FVM_TRY(fvm__slice(&lens, c, args[4], (uint64_t)count * 4));
    uint32_t total = 0; /* wraps, as the reference's sum; the split below finds out */
    for (uint32_t i = 0; i < count; i++) total += fvm_load_le32(lens.ptr + (size_t)i * 4);
    FVM_TRY(fvm__slice(&text, c, args[3], total));
    FVM_TRY(fvm_price_on_verify_bls_aggregate(env->net, &env->gas, count, text.len));
    if (count == 0) {
        store_verdict(out, true); /* nothing was claimed, whatever the signature */
        return FVM_OK;
    }

    bool valid = false;
    fvm_bytes *messages = fvm_mem_alloc(env->alloc, count * sizeof *messages);
    if (!messages) return FVM_ERR_NOMEM;
    fvm_err err = split(messages, text, lens.ptr, count);
    if (err == FVM_OK) err = fvm_bls_verify_aggregate(&valid, sig.ptr, keys.ptr, messages, count);
    fvm_mem_free(env->alloc, messages, count * sizeof *messages);
    if (err == FVM_OK) store_verdict(out, valid);
    return err;
}
