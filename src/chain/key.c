/* key.c - keys: from a secret, from a seed (BIP-32), in Lotus' export format. */
#include "chain/key.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "crypto/kdf.h"

#include <jansson.h>

fvm_err fvm_key_make(fvm_key *out, fvm_signature_type type, const uint8_t secret[32])
{
    fvm_key key = { .type = (uint8_t)type };
    uint8_t public_key[65];
    if (type == FVM_SIGNATURE_BLS) {
        if (!fvm_bls_public_key(public_key, secret)) return FVM_ERR_INVALID;
        key.address = fvm_address_bls(public_key);
    } else if (type == FVM_SIGNATURE_SECP256K1 || type == FVM_SIGNATURE_DELEGATED) {
        if (!fvm_secp256k1_public_key(public_key, secret)) return FVM_ERR_INVALID;
        key.eth = fvm_eth_address_of_key(public_key);
        key.address = type == FVM_SIGNATURE_DELEGATED ? fvm_eth_address_to_fil(&key.eth)
                                                      : fvm_address_secp256k1(public_key);
    } else {
        return FVM_ERR_INVALID;
    }
    memcpy(key.secret, secret, 32);
    *out = key;
    fvm_key_wipe(&key);
    return FVM_OK;
}

fvm_err fvm_key_random(fvm_key *out, fvm_signature_type type)
{
    uint8_t secret[32];
    fvm_err err = FVM_ERR_INVALID;
    /* A BLS secret is below an order of 255 bits: two of five draws fit. The bound is never met but by
     * a broken generator. */
    for (int i = 0; i < 256 && err == FVM_ERR_INVALID; i++) {
        if (!fvm_random_bytes(secret, sizeof secret)) return FVM_ERR_EXTERN;
        err = fvm_key_make(out, type, secret);
    }
    fvm_wipe(secret, sizeof secret);
    return err;
}

void fvm_key_wipe(fvm_key *key)
{
    fvm_wipe(key, sizeof *key);
}

/* --- BIP-32 --- */

#define HARDENED UINT32_C(0x80000000)
#define PATH_MAX_STEPS 16

typedef struct node {
    uint8_t secret[32], chain_code[32];
} node;

static bool make_root(node *out, const uint8_t seed[64])
{
    uint8_t i[64], public_key[65];
    bool ok = fvm_hmac_sha512(i, FVM_STR("Bitcoin seed"), (fvm_bytes){ seed, 64 }) &&
              fvm_secp256k1_public_key(public_key, i); /* in the range of secrets */
    memcpy(out->secret, i, 32);
    memcpy(out->chain_code, i + 32, 32);
    fvm_wipe(i, sizeof i);
    return ok;
}

static bool make_child(node *n, uint32_t number)
{
    uint8_t data[37], i[64], public_key[65];
    if (number & HARDENED) {
        data[0] = 0;
        memcpy(data + 1, n->secret, 32);
    } else {
        if (!fvm_secp256k1_public_key(public_key, n->secret)) return false;
        data[0] = (uint8_t)(2 + (public_key[64] & 1)); /* compressed */
        memcpy(data + 1, public_key + 1, 32);
    }
    for (unsigned k = 0; k < 4; k++) data[33 + k] = (uint8_t)(number >> (24 - 8 * k));
    bool ok = fvm_hmac_sha512(i, (fvm_bytes){ n->chain_code, 32 }, (fvm_bytes){ data, 37 }) &&
              fvm_secp256k1_secret_add(n->secret, i);
    memcpy(n->chain_code, i + 32, 32);
    fvm_wipe(data, sizeof data);
    fvm_wipe(i, sizeof i);
    return ok;
}

static fvm_err derive(fvm_key *out, fvm_signature_type type, const uint8_t seed[64],
                      const uint32_t *steps, size_t count)
{
    node n;
    if (type == FVM_SIGNATURE_BLS) return FVM_ERR_INVALID; /* BIP-32 is of secp256k1's secrets */
    bool ok = make_root(&n, seed);
    for (size_t i = 0; i < count && ok; i++) ok = make_child(&n, steps[i]);
    fvm_err err = ok ? fvm_key_make(out, type, n.secret) : FVM_ERR_INVALID;
    fvm_wipe(&n, sizeof n);
    return err;
}

fvm_err fvm_key_derive(fvm_key *out, fvm_signature_type type, const uint8_t seed[64], uint32_t coin,
                       uint32_t index)
{
    const uint32_t steps[] = { 44 | HARDENED, coin | HARDENED, 0 | HARDENED, 0, index };
    return derive(out, type, seed, steps, FVM_COUNT(steps));
}

fvm_err fvm_key_derive_path(fvm_key *out, fvm_signature_type type, const uint8_t seed[64],
                            const char *path)
{
    uint32_t steps[PATH_MAX_STEPS];
    size_t count = 0;
    const char *p = path;
    if (*p++ != 'm') return FVM_ERR_MALFORMED;
    while (*p == '/') {
        uint64_t number = 0;
        const char *digits = ++p;
        for (; *p >= '0' && *p <= '9' && p - digits < 10; p++)
            number = number * 10 + (uint64_t)(*p - '0');
        if (p == digits || number >= HARDENED || count == PATH_MAX_STEPS) return FVM_ERR_MALFORMED;
        bool hard = *p == '\'' || *p == 'h' || *p == 'H';
        p += hard;
        steps[count++] = (uint32_t)number | (hard ? HARDENED : 0);
    }
    if (*p != '\0') return FVM_ERR_MALFORMED;
    return derive(out, type, seed, steps, count);
}

/* --- Lotus' export --- */

static const struct {
    fvm_signature_type type;
    const char *name;
} kinds[] = {
    { FVM_SIGNATURE_SECP256K1, "secp256k1" },
    { FVM_SIGNATURE_BLS, "bls" },
    { FVM_SIGNATURE_DELEGATED, "delegated" },
};

const char *fvm_signature_type_name(uint8_t type)
{
    for (size_t i = 0; i < FVM_COUNT(kinds); i++)
        if (kinds[i].type == type) return kinds[i].name;
    return "unknown";
}

bool fvm_signature_type_from_name(fvm_signature_type *out, const char *name)
{
    for (size_t i = 0; i < FVM_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) != 0) continue;
        *out = kinds[i].type;
        return true;
    }
    return false;
}

/* Lotus keeps BLS secrets little endian; turns either way. */
static void turn_secret(uint8_t out[32], const uint8_t in[32], uint8_t type)
{
    for (size_t i = 0; i < 32; i++) out[i] = in[type == FVM_SIGNATURE_BLS ? 31 - i : i];
}

static fvm_err put_export(fvm_buf *json, const fvm_key *key)
{
    uint8_t secret[32];
    turn_secret(secret, key->secret, key->type);
    FVM_TRY(fvm_buf_append(json, FVM_STR("{\"Type\":\"")));
    FVM_TRY(fvm_buf_append(json, fvm_bytes_of(fvm_signature_type_name(key->type))));
    FVM_TRY(fvm_buf_append(json, FVM_STR("\",\"PrivateKey\":\"")));
    FVM_TRY(fvm_base64_encode(json, (fvm_bytes){ secret, 32 }));
    fvm_wipe(secret, sizeof secret);
    return fvm_buf_append(json, FVM_STR("\"}"));
}

/* A buffer that held a secret; what growing it left behind in the heap is out of reach. */
static void wipe_buf(fvm_buf *buf)
{
    if (buf->ptr) fvm_wipe(buf->ptr, buf->cap);
    fvm_buf_deinit(buf);
}

fvm_err fvm_key_export(fvm_buf *out, const fvm_key *key)
{
    fvm_buf json;
    fvm_buf_init(&json, out->alloc);
    fvm_err err = fvm_buf_reserve(&json, 128);
    if (err == FVM_OK) err = put_export(&json, key);
    if (err == FVM_OK) err = fvm_hex_encode(out, fvm_buf_bytes(&json));
    wipe_buf(&json);
    return err;
}

static fvm_err read_export(fvm_key *out, const json_t *info)
{
    const char *type_name = json_string_value(json_object_get(info, "Type"));
    const char *base64 = json_string_value(json_object_get(info, "PrivateKey"));
    fvm_signature_type type;
    uint8_t turned[32];
    fvm_buf secret;
    if (!type_name || !base64) return FVM_ERR_MALFORMED;
    if (!fvm_signature_type_from_name(&type, type_name)) return FVM_ERR_INVALID;
    fvm_buf_init(&secret, NULL);
    fvm_err err = fvm_base64_decode(&secret, fvm_bytes_of(base64));
    if (err == FVM_OK && secret.len != 32) err = FVM_ERR_MALFORMED;
    if (err == FVM_OK) {
        turn_secret(turned, secret.ptr, (uint8_t)type);
        err = fvm_key_make(out, type, turned);
        fvm_wipe(turned, sizeof turned);
    }
    wipe_buf(&secret);
    return err;
}

fvm_err fvm_key_import(fvm_key *out, fvm_bytes text)
{
    fvm_buf json;
    while (text.len && text.ptr[0] <= ' ') text.ptr++, text.len--;
    while (text.len && text.ptr[text.len - 1] <= ' ') text.len--;
    fvm_buf_init(&json, NULL);
    fvm_err err = fvm_hex_decode(&json, text);
    json_t *info = NULL;
    if (err == FVM_OK) {
        info = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
        err = info ? read_export(out, info) : FVM_ERR_MALFORMED;
    }
    json_decref(info);
    wipe_buf(&json);
    return err;
}
