/* key_file.c - the envelope of one key: Web3 Secret Storage, version 3.
 *
 *   derived    = scrypt or PBKDF2 (passphrase, salt), 32 bytes
 *   ciphertext = AES-128-CTR (key derived[0..16], iv) of the secret
 *   mac        = keccak-256 (derived[16..32], ciphertext) */
#include "chain/key_file.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "crypto/kdf.h"
#include "store/source.h"

#include <jansson.h>
#include <stdio.h>
#include <strings.h>

#define DERIVED 32
#define MEMORY_MAX (UINT64_C(1) << 30)
#define ROUNDS_MAX 20000000 /* of PBKDF2: half a minute */
#define COST_MAX 20u

/* --- writing --- */

static fvm_err put_text(fvm_buf *out, const char *text)
{
    return fvm_buf_append(out, fvm_bytes_of(text));
}

static fvm_err put_hex_field(fvm_buf *out, const char *before, const uint8_t *bytes, size_t len)
{
    FVM_TRY(put_text(out, before));
    return fvm_hex_encode(out, (fvm_bytes){ bytes, len });
}

static fvm_err put_owner(fvm_buf *out, const fvm_key *key)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    if (key->type == FVM_SIGNATURE_DELEGATED) {
        FVM_TRY(put_hex_field(out, "{\"address\":\"", key->eth.bytes, 20));
        return put_text(out, "\",");
    }
    (void)fvm_address_to_text(text, &key->address, 'f');
    FVM_TRY(put_text(out, "{\"filecoin\":{\"type\":\""));
    FVM_TRY(put_text(out, fvm_signature_type_name(key->type)));
    FVM_TRY(put_text(out, "\",\"address\":\""));
    FVM_TRY(put_text(out, text));
    return put_text(out, "\"},");
}

/* A random UUID (RFC 4122, version 4), which other tools expect to be there. */
static fvm_err put_id(fvm_buf *out, uint8_t id[16])
{
    char text[40];
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    (void)snprintf(text, sizeof text,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
                   id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
                   id[12], id[13], id[14], id[15]);
    return put_text(out, text);
}

typedef struct envelope {
    uint8_t salt[32], iv[16], id[16], ciphertext[32], mac[32];
} envelope;

static void make_mac(uint8_t out[32], const uint8_t derived[DERIVED], const uint8_t ciphertext[32])
{
    uint8_t in[16 + 32];
    memcpy(in, derived + 16, 16);
    memcpy(in + 16, ciphertext, 32);
    fvm_keccak256(out, (fvm_bytes){ in, sizeof in });
    fvm_wipe(in, sizeof in);
}

static fvm_err seal(envelope *e, const fvm_key *key, fvm_bytes passphrase, unsigned cost)
{
    uint8_t derived[DERIVED];
    if (!fvm_random_bytes((uint8_t *)e, sizeof *e)) return FVM_ERR_EXTERN;
    if (!fvm_scrypt(derived, sizeof derived, passphrase, (fvm_bytes){ e->salt, 32 },
                    UINT64_C(1) << cost, 8, 1))
        return FVM_ERR_NOMEM;
    bool ok = fvm_aes128_ctr(e->ciphertext, key->secret, 32, derived, e->iv);
    make_mac(e->mac, derived, e->ciphertext);
    fvm_wipe(derived, sizeof derived);
    return ok ? FVM_OK : FVM_ERR_NOMEM;
}

static fvm_err put_envelope(fvm_buf *out, const fvm_key *key, envelope *e, unsigned cost)
{
    char params[64];
    FVM_TRY(put_owner(out, key));
    FVM_TRY(put_text(out, "\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{"));
    FVM_TRY(put_hex_field(out, "\"iv\":\"", e->iv, 16));
    FVM_TRY(put_hex_field(out, "\"},\"ciphertext\":\"", e->ciphertext, 32));
    FVM_TRY(put_text(out, "\",\"kdf\":\"scrypt\",\"kdfparams\":{\"dklen\":32,"));
    (void)snprintf(params, sizeof params, "\"n\":%llu,\"p\":1,\"r\":8,", 1ull << cost);
    FVM_TRY(put_text(out, params));
    FVM_TRY(put_hex_field(out, "\"salt\":\"", e->salt, 32));
    FVM_TRY(put_hex_field(out, "\"},\"mac\":\"", e->mac, 32));
    FVM_TRY(put_text(out, "\"},\"id\":\""));
    FVM_TRY(put_id(out, e->id));
    return put_text(out, "\",\"version\":3}\n");
}

fvm_err fvm_key_encrypt(fvm_buf *out, const fvm_key *key, fvm_bytes passphrase, unsigned cost)
{
    envelope e;
    size_t start = out->len;
    if (cost == 0 || cost > COST_MAX) return FVM_ERR_INVALID;
    FVM_TRY(seal(&e, key, passphrase, cost));
    fvm_err err = put_envelope(out, key, &e, cost);
    if (err != FVM_OK) out->len = start;
    return err;
}

/* --- reading --- */

/* Members of any case: some old clients write "Crypto". */
static json_t *member(json_t *object, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (strcasecmp(key, name) == 0) return value;
    }
    return NULL;
}

/* A field of exactly `len` bytes, or up to `len` if `used` is given. */
static bool get_hex(uint8_t *out, size_t len, size_t *used, json_t *object, const char *name)
{
    const char *text = json_string_value(member(object, name));
    fvm_buf bytes;
    if (!text) return false;
    if (strncmp(text, "0x", 2) == 0) text += 2;
    if (strlen(text) > 2 * len) return false;
    fvm_buf_init(&bytes, NULL);
    bool ok = fvm_hex_decode(&bytes, fvm_bytes_of(text)) == FVM_OK &&
              (used ? bytes.len <= len : bytes.len == len);
    if (ok && bytes.len) memcpy(out, bytes.ptr, bytes.len);
    if (ok && used) *used = bytes.len;
    fvm_buf_deinit(&bytes);
    return ok;
}

static bool get_number(uint64_t *out, json_t *object, const char *name)
{
    json_t *value = member(object, name);
    if (!json_is_integer(value) || json_integer_value(value) <= 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool text_is(json_t *object, const char *name, const char *want)
{
    const char *text = json_string_value(member(object, name));
    return text && strcasecmp(text, want) == 0;
}

static fvm_err derive_scrypt(uint8_t derived[DERIVED], json_t *params, fvm_bytes passphrase,
                             fvm_bytes salt, fvm_store_why *why)
{
    uint64_t n, r, p, bytes;
    if (!get_number(&n, params, "n") || !get_number(&r, params, "r") ||
        !get_number(&p, params, "p"))
        return fvm__why(why, FVM_ERR_MALFORMED, "kdfparams: n, r or p is missing");
    if (!fvm_mul_u64(&bytes, n, r) || bytes > MEMORY_MAX / 128 || n < 2 || (n & (n - 1)) ||
        p > 64 || r > 64)
        return fvm__why(why, FVM_ERR_INVALID,
                        "kdfparams: scrypt would need more than 1 GiB, or "
                        "its n is no power of two");
    if (!fvm_scrypt(derived, DERIVED, passphrase, salt, n, (uint32_t)r, (uint32_t)p))
        return fvm__why(why, FVM_ERR_NOMEM, "scrypt: out of memory");
    return FVM_OK;
}

static fvm_err derive_pbkdf2(uint8_t derived[DERIVED], json_t *params, fvm_bytes passphrase,
                             fvm_bytes salt, fvm_store_why *why)
{
    uint64_t rounds;
    if (!get_number(&rounds, params, "c") || !text_is(params, "prf", "hmac-sha256"))
        return fvm__why(why, FVM_ERR_MALFORMED,
                        "kdfparams: c is missing, or prf is not "
                        "hmac-sha256");
    if (rounds > ROUNDS_MAX) return fvm__why(why, FVM_ERR_INVALID, "kdfparams: c is too high");
    if (!fvm_pbkdf2(derived, DERIVED, passphrase, salt, (uint32_t)rounds, false))
        return fvm__why(why, FVM_ERR_NOMEM, "PBKDF2: out of memory");
    return FVM_OK;
}

static fvm_err derive(uint8_t derived[DERIVED], json_t *crypto, fvm_bytes passphrase,
                      fvm_store_why *why)
{
    json_t *params = member(crypto, "kdfparams");
    uint8_t salt[256];
    size_t salt_len = 0;
    uint64_t derived_len = 0;
    if (!get_hex(salt, sizeof salt, &salt_len, params, "salt") ||
        !get_number(&derived_len, params, "dklen"))
        return fvm__why(why, FVM_ERR_MALFORMED, "kdfparams: salt or dklen is missing");
    if (derived_len != DERIVED) return fvm__why(why, FVM_ERR_INVALID, "kdfparams: dklen is not 32");
    fvm_bytes s = { salt, salt_len };
    if (text_is(crypto, "kdf", "scrypt")) return derive_scrypt(derived, params, passphrase, s, why);
    if (text_is(crypto, "kdf", "pbkdf2")) return derive_pbkdf2(derived, params, passphrase, s, why);
    return fvm__why(why, FVM_ERR_INVALID, "kdf: neither scrypt nor pbkdf2");
}

static fvm_err open_envelope(uint8_t secret[32], json_t *file, fvm_bytes passphrase,
                             fvm_store_why *why)
{
    json_t *crypto = member(file, "crypto");
    uint8_t iv[16], ciphertext[32], mac[32], want[32], derived[DERIVED];
    uint64_t version = 0;
    if (!get_number(&version, file, "version") || version != 3)
        return fvm__why(why, FVM_ERR_MALFORMED, "not a key file of version 3");
    if (!get_hex(iv, 16, NULL, member(crypto, "cipherparams"), "iv") ||
        !get_hex(ciphertext, 32, NULL, crypto, "ciphertext") ||
        !get_hex(mac, 32, NULL, crypto, "mac"))
        return fvm__why(why, FVM_ERR_MALFORMED,
                        "crypto: iv, ciphertext or mac is missing or of the wrong length");
    if (!text_is(crypto, "cipher", "aes-128-ctr"))
        return fvm__why(why, FVM_ERR_INVALID, "cipher: not aes-128-ctr");
    FVM_TRY(derive(derived, crypto, passphrase, why));
    make_mac(want, derived, ciphertext);
    fvm_err err = FVM_OK;
    if (!fvm_secret_eq(mac, want, 32)) {
        err = fvm__why(why, FVM_ERR_MISMATCH, "the passphrase is wrong");
    } else if (!fvm_aes128_ctr(secret, ciphertext, 32, derived, iv)) {
        err = fvm__why(why, FVM_ERR_NOMEM, "out of memory");
    }
    fvm_wipe(derived, sizeof derived);
    return err;
}

/* Type and, if the file tells, address (len 0: it does not). */
static fvm_err read_owner(fvm_address *address, fvm_signature_type *type, json_t *file)
{
    json_t *filecoin = member(file, "filecoin");
    *address = (fvm_address){ 0 };
    *type = FVM_SIGNATURE_DELEGATED;
    if (!member(file, "crypto")) return FVM_ERR_MALFORMED;
    if (filecoin) {
        const char *name = json_string_value(member(filecoin, "type"));
        const char *text = json_string_value(member(filecoin, "address"));
        if (!name || !text || !fvm_signature_type_from_name(type, name)) return FVM_ERR_MALFORMED;
        return fvm_address_from_text(address, fvm_bytes_of(text), 'f');
    }
    fvm_eth_address eth;
    if (!get_hex(eth.bytes, 20, NULL, file, "address")) return FVM_OK;
    *address = fvm_eth_address_to_fil(&eth);
    return FVM_OK;
}

static json_t *parse(fvm_bytes json)
{
    if (json.len > FVM_KEY_FILE_MAX) return NULL;
    json_t *file = json_loadb((const char *)json.ptr, json.len, 0, NULL);
    if (json_is_object(file)) return file;
    json_decref(file);
    return NULL;
}

fvm_err fvm_key_file_address(fvm_address *address, uint8_t *type, fvm_bytes json)
{
    fvm_address found;
    fvm_signature_type kind;
    json_t *file = parse(json);
    fvm_err err = file ? read_owner(&found, &kind, file) : FVM_ERR_MALFORMED;
    if (err == FVM_OK && found.len == 0) err = FVM_ERR_MALFORMED;
    json_decref(file);
    if (err != FVM_OK) return FVM_ERR_MALFORMED;
    *address = found;
    *type = (uint8_t)kind;
    return FVM_OK;
}

fvm_err fvm_key_decrypt(fvm_key *out, fvm_bytes json, fvm_bytes passphrase, fvm_store_why *why)
{
    fvm_address address;
    fvm_signature_type type;
    fvm_key key;
    uint8_t secret[32] = { 0 };
    json_t *file = parse(json);
    if (!file) return fvm__why(why, FVM_ERR_MALFORMED, "not a key file: no JSON object");
    fvm_err err = read_owner(&address, &type, file);
    err = err == FVM_OK ? open_envelope(secret, file, passphrase, why)
                        : fvm__why(why, FVM_ERR_MALFORMED, "not a key file");
    json_decref(file);
    if (err == FVM_OK && fvm_key_make(&key, type, secret) != FVM_OK)
        err = fvm__why(why, FVM_ERR_MALFORMED, "the secret is out of range for its type");
    fvm_wipe(secret, sizeof secret);
    FVM_TRY(err);
    if (address.len && !fvm_address_eq(&address, &key.address)) {
        fvm_key_wipe(&key);
        return fvm__why(why, FVM_ERR_MALFORMED, "the secret is not that of the file's address");
    }
    *out = key;
    fvm_key_wipe(&key);
    return FVM_OK;
}
