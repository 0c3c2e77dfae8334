/* signed_message.c - bytes, CIDs and signatures of signed messages. */
#include "chain/eth_internal.h"
#include "chain/key.h"
#include "crypto/crypto.h"
#include "ipld/cbor.h"

#define NETWORK_VERSION 18 /* any from the first of FVM v3 on: their messages have one form */
/* 02, r, s and v of eight bytes */
#define DELEGATED_MAX 73

static bool length_fits(uint8_t type, size_t len)
{
    switch (type) {
    case FVM_SIGNATURE_SECP256K1: return len == 65;
    case FVM_SIGNATURE_BLS: return len == 96;
    case FVM_SIGNATURE_DELEGATED: return len >= 65 && len <= DELEGATED_MAX;
    default: return false;
    }
}

fvm_err fvm_signature_read(fvm_signature *out, fvm_bytes in)
{
    fvm_signature s = { 0 };
    if (in.len == 0 || !length_fits(in.ptr[0], in.len - 1)) return FVM_ERR_MALFORMED;
    s.type = in.ptr[0];
    s.len = (uint8_t)(in.len - 1);
    memcpy(s.bytes, in.ptr + 1, s.len);
    *out = s;
    return FVM_OK;
}

fvm_err fvm_signed_message_read(fvm_signed_message *out, fvm_bytes in)
{
    fvm_signed_message m;
    fvm_bytes message, signature;
    FVM_TRY(fvm_cbor_tuple(2, &in));
    FVM_TRY(fvm_cbor_item(&message, &in));
    FVM_TRY(fvm_message_read(&m.message, message, NETWORK_VERSION));
    FVM_TRY(fvm_cbor_bytes(&signature, &in, NULL));
    FVM_TRY(fvm_signature_read(&m.signature, signature));
    FVM_TRY(fvm_cbor_end(in));
    *out = m;
    return FVM_OK;
}

static fvm_err put_signature(fvm_buf *out, const fvm_signature *s)
{
    uint8_t bytes[1 + FVM_SIGNATURE_MAX];
    bytes[0] = s->type;
    memcpy(bytes + 1, s->bytes, s->len);
    return fvm_cbor_put_bytes(out, (fvm_bytes){ bytes, (size_t)s->len + 1 });
}

fvm_err fvm_signed_message_write(fvm_buf *out, const fvm_signed_message *message)
{
    size_t start = out->len;
    fvm_err err = fvm_cbor_put_array(out, 2);
    if (err == FVM_OK) err = fvm_message_write(out, &message->message);
    if (err == FVM_OK) err = put_signature(out, &message->signature);
    if (err != FVM_OK) out->len = start;
    return err;
}

fvm_err fvm_signed_message_cid(fvm_cid *cid, uint64_t *chain_length,
                               const fvm_signed_message *message, const fvm_allocator *alloc)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, alloc);
    fvm_err err = message->signature.type == FVM_SIGNATURE_BLS
                      ? fvm_message_write(&bytes, &message->message)
                      : fvm_signed_message_write(&bytes, message);
    if (err == FVM_OK) {
        *cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&bytes));
        if (chain_length) *chain_length = bytes.len;
    }
    fvm_buf_deinit(&bytes);
    return err;
}

fvm_err fvm_message_cid(fvm_cid *cid, const fvm_message *message, const fvm_allocator *alloc)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, alloc);
    fvm_err err = fvm_message_write(&bytes, message);
    if (err == FVM_OK) *cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&bytes);
    return err;
}

/* --- signatures over bytes --- */

static bool secp256k1_matches(const uint8_t sig[65], const uint8_t hash[32],
                              const fvm_address *address)
{
    uint8_t key[65];
    if (!fvm_secp256k1_recover(key, hash, sig)) return false;
    fvm_address signer = fvm_address_secp256k1(key);
    if (fvm_address_protocol(address) == FVM_PROTOCOL_DELEGATED) {
        fvm_eth_address eth = fvm_eth_address_of_key(key);
        signer = fvm_eth_address_to_fil(&eth);
    }
    return fvm_address_eq(&signer, address);
}

/* The type of signature that an address of a key is for; 0 for other addresses. */
static uint8_t type_for(const fvm_address *address)
{
    uint64_t id;
    fvm_eth_address eth;
    if (address->len == 0 || fvm_address_to_id(&id, address)) return 0;
    switch (fvm_address_protocol(address)) {
    case FVM_PROTOCOL_SECP256K1: return FVM_SIGNATURE_SECP256K1;
    case FVM_PROTOCOL_BLS: return FVM_SIGNATURE_BLS;
    default: return fvm_eth_address_of_fil(&eth, address) ? FVM_SIGNATURE_DELEGATED : 0;
    }
}

bool fvm_signature_verify(const fvm_signature *signature, const fvm_address *address,
                          fvm_bytes data)
{
    uint8_t hash[32];
    if (signature->type == 0 || type_for(address) != signature->type) return false;
    switch (signature->type) {
    case FVM_SIGNATURE_BLS:
        return signature->len == 96 && address->len == 49 &&
               fvm_bls_verify(signature->bytes, address->bytes + 1, data);
    case FVM_SIGNATURE_SECP256K1: fvm_blake2b_256(hash, data); break;
    default: fvm_keccak256(hash, data); break;
    }
    return signature->len == 65 && secp256k1_matches(signature->bytes, hash, address);
}

fvm_err fvm_key_sign(fvm_signature *out, const fvm_key *key, fvm_bytes data)
{
    uint8_t hash[32];
    fvm_signature s = { .type = key->type, .len = 65 };
    bool ok = false;
    switch (key->type) {
    case FVM_SIGNATURE_BLS:
        s.len = 96;
        ok = fvm_bls_sign(s.bytes, key->secret, data);
        break;
    case FVM_SIGNATURE_SECP256K1:
        fvm_blake2b_256(hash, data);
        ok = fvm_secp256k1_sign(s.bytes, hash, key->secret);
        break;
    case FVM_SIGNATURE_DELEGATED:
        fvm_keccak256(hash, data);
        ok = fvm_secp256k1_sign(s.bytes, hash, key->secret);
        break;
    default: break;
    }
    if (!ok) return FVM_ERR_INVALID;
    *out = s;
    return FVM_OK;
}

bool fvm_key_sign_hash(uint8_t out[65], const fvm_key *key, const uint8_t hash[32])
{
    if (key->type == FVM_SIGNATURE_BLS || !fvm_secp256k1_sign(out, hash, key->secret)) return false;
    out[64] = (uint8_t)(out[64] + 27);
    return true;
}

/* --- signatures of messages --- */

/* What the sender of a native message signs: the bytes of the message's CID. */
static fvm_err signed_bytes(uint8_t out[FVM_CID_BYTES_MAX], fvm_bytes *view,
                            const fvm_message *message, const fvm_allocator *alloc)
{
    fvm_cid cid;
    FVM_TRY(fvm_message_cid(&cid, message, alloc));
    *view = (fvm_bytes){ out, fvm_cid_write(out, &cid) };
    return FVM_OK;
}

static fvm_err verify_delegated(const fvm_signed_message *message, const fvm_address *key,
                                uint64_t chain_id, const fvm_allocator *alloc, const char **why)
{
    fvm_eth_tx tx;
    fvm_eth_address signer;
    FVM_TRY(fvm_eth_tx_from_message(&tx, message, chain_id, why));
    fvm_err err = fvm_eth_tx_sender(&signer, &tx, alloc);
    if (err == FVM_ERR_MISMATCH) return fvm__say(why, err, "invalid signature: it is of no key");
    FVM_TRY(err);
    fvm_address address = fvm_eth_address_to_fil(&signer);
    if (!fvm_address_eq(&address, key))
        return fvm__say(why, FVM_ERR_MISMATCH, "invalid signature: it is another key's");
    return FVM_OK;
}

fvm_err fvm_signed_message_verify(const fvm_signed_message *message, const fvm_address *key,
                                  uint64_t chain_id, const fvm_allocator *alloc, const char **why)
{
    uint8_t room[FVM_CID_BYTES_MAX];
    fvm_bytes data;
    uint8_t type = type_for(key);
    if (type == 0)
        return fvm__say(why, FVM_ERR_INVALID, "the sender's address is not that of a key");
    if (type != message->signature.type)
        return fvm__say(why, FVM_ERR_INVALID,
                        "the type of the signature is not that of the sender's address");
    if (type == FVM_SIGNATURE_DELEGATED)
        return verify_delegated(message, key, chain_id, alloc, why);
    FVM_TRY(signed_bytes(room, &data, &message->message, alloc));
    if (!fvm_signature_verify(&message->signature, key, data))
        return fvm__say(why, FVM_ERR_MISMATCH, "invalid signature: it is not the sender's");
    return FVM_OK;
}

fvm_err fvm_signed_message_sign(fvm_signed_message *message, const fvm_key *key, uint64_t chain_id,
                                const fvm_allocator *alloc, const char **why)
{
    uint8_t room[FVM_CID_BYTES_MAX];
    fvm_bytes data;
    fvm_eth_tx tx;
    if (key->type != FVM_SIGNATURE_DELEGATED) {
        FVM_TRY(signed_bytes(room, &data, &message->message, alloc));
        fvm_err err = fvm_key_sign(&message->signature, key, data);
        return err == FVM_OK ? err : fvm__say(why, err, "the key is not valid");
    }
    FVM_TRY(fvm_eth_tx_from_unsigned(&tx, &message->message, chain_id, why));
    FVM_TRY(fvm_eth_tx_sign(&tx, key->secret, alloc));
    fvm__eth_signature(&message->signature, &tx);
    return FVM_OK;
}
