/* eth_message.c - a transaction as a Filecoin message with a delegated signature, and back (FIP-0055,
 * FIP-0091), and native messages shown as transactions. */
#include "chain/eth_internal.h"
#include "crypto/crypto.h"
#include "ipld/cbor.h"

#define MARK_HOMESTEAD 0x01
#define MARK_EIP155 0x02

fvm_err fvm_eth_params_write(fvm_buf *out, fvm_bytes input)
{
    return input.len ? fvm_cbor_put_bytes(out, input) : FVM_OK;
}

/* Bytes of the head of a CBOR byte string. */
static size_t head_len(uint64_t len)
{
    return len < 24 ? 1 : len < 0x100 ? 2 : len < 0x10000 ? 3 : len <= UINT32_MAX ? 5 : 9;
}

bool fvm_eth_params_read(fvm_bytes *input, fvm_bytes params)
{
    uint8_t major;
    uint64_t len;
    fvm_bytes rest = params;
    if (params.len == 0) {
        *input = params;
        return true;
    }
    if (fvm_cbor_head(&major, &len, &rest) != FVM_OK || major != 2 || len == 0 || len != rest.len)
        return false;
    if (params.len - rest.len != head_len(len)) return false; /* a longer head: not written so */
    *input = rest;
    return true;
}

/* --- signature bytes --- */

/* v is the shortest big endian number, as in RLP. */
void fvm__eth_signature(fvm_signature *out, const fvm_eth_tx *tx)
{
    fvm_signature s = { .type = FVM_SIGNATURE_DELEGATED };
    uint8_t v[8];
    uint8_t *p = s.bytes;
    if (tx->kind != FVM_ETH_EIP1559)
        *p++ = tx->kind == FVM_ETH_HOMESTEAD ? MARK_HOMESTEAD : MARK_EIP155;
    memcpy(p, tx->r, 32);
    memcpy(p + 32, tx->s, 32);
    p += 64;
    if (tx->kind == FVM_ETH_EIP155) {
        uint64_t number = fvm_eth_tx_v(tx);
        size_t skip = (size_t)__builtin_clzll(number) / 8;
        fvm_store_be64(v, number);
        memcpy(p, v + skip, 8 - skip);
        p += 8 - skip;
    } else {
        *p++ = (uint8_t)fvm_eth_tx_v(tx);
    }
    s.len = (uint8_t)(p - s.bytes);
    *out = s;
}

/* Kind, chain id, r, s and y from the bytes; FVM_ERR_INVALID when they are of no kind. */
static fvm_err read_signature(fvm_eth_tx *tx, const fvm_signature *s, const char **why)
{
    static const char *const wrong = "the bytes of the delegated signature are of no known kind";
    const uint8_t *p = s->bytes;
    uint64_t v = 0;
    if (s->type != FVM_SIGNATURE_DELEGATED)
        return fvm__say(why, FVM_ERR_INVALID, "the signature is not a delegated one");
    if (s->len == 65) {
        tx->kind = FVM_ETH_EIP1559;
        v = p[64];
        if (v > 1) return fvm__say(why, FVM_ERR_INVALID, wrong);
        tx->y_odd = v == 1;
    } else if (s->len == 66 && p[0] == MARK_HOMESTEAD) {
        tx->kind = FVM_ETH_HOMESTEAD;
        v = p[65];
        if (v != 27 && v != 28) return fvm__say(why, FVM_ERR_INVALID, wrong);
        tx->y_odd = v == 28;
        p++;
    } else if (s->len >= 66 && s->len <= 1 + 64 + 8 && p[0] == MARK_EIP155) {
        if (p[65] == 0) return fvm__say(why, FVM_ERR_INVALID, wrong); /* not the shortest */
        for (size_t i = 65; i < s->len; i++) v = v << 8 | p[i];
        if (v < 35) return fvm__say(why, FVM_ERR_INVALID, wrong);
        tx->kind = FVM_ETH_EIP155;
        tx->chain_id = (v - 35) / 2;
        tx->y_odd = v % 2 == 0;
        p++;
    } else {
        return fvm__say(why, FVM_ERR_INVALID, wrong);
    }
    memcpy(tx->r, p, 32);
    memcpy(tx->s, p + 32, 32);
    return FVM_OK;
}

/* --- transaction to message --- */

static fvm_err set_receiver(fvm_message *m, const fvm_eth_tx *tx, const char **why)
{
    if (tx->creates) {
        m->to = fvm_address_id(FVM_ETH_MANAGER_ID);
        m->method = FVM_ETH_METHOD_CREATE;
        return FVM_OK;
    }
    uint64_t id;
    m->to = fvm_eth_address_to_fil(&tx->to);
    m->method = FVM_ETH_METHOD_INVOKE;
    /* A message to the manager always stands for a creation. */
    if (fvm_address_to_id(&id, &m->to) && id == FVM_ETH_MANAGER_ID)
        return fvm__say(why, FVM_ERR_INVALID, "a transaction cannot call the address manager");
    return FVM_OK;
}

fvm_err fvm_eth_tx_to_message(fvm_signed_message *out, fvm_buf *params, const fvm_eth_tx *tx,
                              uint64_t chain_id, const char **why)
{
    fvm_signed_message made = { 0 };
    fvm_eth_address sender;
    uint64_t id;
    if (tx->kind != FVM_ETH_HOMESTEAD && tx->chain_id != chain_id)
        return fvm__say(why, FVM_ERR_MISMATCH, "invalid chain id for signer");
    fvm_err err = fvm_eth_tx_sender(&sender, tx, params->alloc);
    if (err == FVM_ERR_MISMATCH) return fvm__say(why, err, "invalid signature: it is of no key");
    FVM_TRY(err);
    if (fvm_eth_address_to_id(&id, &sender))
        return fvm__say(why, FVM_ERR_INVALID, "the sender's address is of the form of an actor ID");
    FVM_TRY(set_receiver(&made.message, tx, why));
    made.message.from = fvm_eth_address_to_fil(&sender);
    made.message.nonce = tx->nonce;
    made.message.value = tx->value;
    made.message.gas_limit = tx->gas_limit;
    made.message.gas_fee_cap = tx->max_fee;
    made.message.gas_premium = tx->max_priority_fee;
    params->len = 0;
    FVM_TRY(fvm_eth_params_write(params, tx->input));
    made.message.params = fvm_buf_bytes(params);
    fvm__eth_signature(&made.signature, tx);
    *out = made;
    return FVM_OK;
}

fvm_err fvm_eth_raw_to_message(fvm_signed_message *out, fvm_buf *params, fvm_bytes raw,
                               uint64_t chain_id, const char **why)
{
    fvm_eth_tx tx;
    FVM_TRY(fvm_eth_tx_read(&tx, raw, why));
    return fvm_eth_tx_to_message(out, params, &tx, chain_id, why);
}

/* --- message to transaction --- */

static fvm_err read_receiver(fvm_eth_tx *tx, const fvm_message *m, const char **why)
{
    uint64_t id;
    if (fvm_address_to_id(&id, &m->to) && id == FVM_ETH_MANAGER_ID) {
        if (m->method != FVM_ETH_METHOD_CREATE)
            return fvm__say(why, FVM_ERR_INVALID,
                            "only CreateExternal of the address manager "
                            "stands for a transaction");
        tx->creates = true;
        return FVM_OK;
    }
    if (m->method != FVM_ETH_METHOD_INVOKE)
        return fvm__say(why, FVM_ERR_INVALID,
                        "only the method InvokeContract stands for a "
                        "transaction");
    if (!fvm_eth_address_of_fil(&tx->to, &m->to))
        return fvm__say(why, FVM_ERR_INVALID, "the receiver has no Ethereum address");
    return FVM_OK;
}

/* All but kind and signature, which `tx` has already. */
static fvm_err read_message(fvm_eth_tx *tx, const fvm_message *m, bool is_signed, const char **why)
{
    uint64_t id;
    fvm_eth_address sender;
    if (m->version != 0) return fvm__say(why, FVM_ERR_INVALID, "the message's version is not 0");
    if (fvm_address_to_id(&id, &m->from) || !fvm_eth_address_of_fil(&sender, &m->from))
        return fvm__say(why, FVM_ERR_INVALID, "the sender is not an f410 address");
    FVM_TRY(read_receiver(tx, m, why));
    if (!fvm_eth_params_read(&tx->input, m->params))
        return fvm__say(why, FVM_ERR_INVALID, "params are not one canonical CBOR byte string");
    if (tx->kind != FVM_ETH_EIP1559 && fvm_big_cmp(&m->gas_fee_cap, &m->gas_premium) != 0)
        return fvm__say(why, FVM_ERR_INVALID,
                        "fee cap and premium differ, but the transaction has one gas price");
    tx->nonce = m->nonce;
    tx->value = m->value;
    tx->gas_limit = m->gas_limit;
    tx->max_fee = m->gas_fee_cap;
    tx->max_priority_fee = m->gas_premium;
    return fvm__eth_check(tx, is_signed, why) == FVM_OK ? FVM_OK : FVM_ERR_INVALID;
}

fvm_err fvm_eth_tx_from_message(fvm_eth_tx *out, const fvm_signed_message *message,
                                uint64_t chain_id, const char **why)
{
    fvm_eth_tx tx = { 0 };
    FVM_TRY(read_signature(&tx, &message->signature, why));
    if (tx.kind == FVM_ETH_EIP1559) tx.chain_id = chain_id;
    if (tx.kind == FVM_ETH_EIP155 && tx.chain_id != chain_id)
        return fvm__say(why, FVM_ERR_INVALID, "invalid chain id for signer");
    FVM_TRY(read_message(&tx, &message->message, true, why));
    *out = tx;
    return FVM_OK;
}

fvm_err fvm_eth_tx_from_unsigned(fvm_eth_tx *out, const fvm_message *message, uint64_t chain_id,
                                 const char **why)
{
    fvm_eth_tx tx = { .kind = FVM_ETH_EIP1559, .chain_id = chain_id };
    FVM_TRY(read_message(&tx, message, false, why));
    *out = tx;
    return FVM_OK;
}

fvm_err fvm_eth_hash_of_message(uint8_t out[32], const fvm_signed_message *message,
                                uint64_t chain_id, const fvm_allocator *alloc)
{
    fvm_eth_tx tx;
    fvm_cid cid;
    if (message->signature.type == FVM_SIGNATURE_DELEGATED) {
        FVM_TRY(fvm_eth_tx_from_message(&tx, message, chain_id, NULL));
        return fvm_eth_tx_hash(out, &tx, alloc);
    }
    FVM_TRY(fvm_signed_message_cid(&cid, NULL, message, alloc));
    memcpy(out, cid.digest, 32);
    return FVM_OK;
}

/* --- native messages --- */

static fvm_err put_word(fvm_buf *out, uint64_t value)
{
    uint8_t word[32] = { 0 };
    fvm_store_be64(word + 24, value);
    return fvm_buf_append(out, (fvm_bytes){ word, 32 });
}

static fvm_err put_native_input(fvm_buf *out, uint64_t method, uint64_t codec, fvm_bytes params)
{
    static const uint8_t zero[32] = { 0 };
    FVM_TRY(fvm_buf_append(out, FVM_BYTES(0x86, 0x8e, 0x10, 0xc4)));
    FVM_TRY(put_word(out, method));
    FVM_TRY(put_word(out, codec));
    FVM_TRY(put_word(out, 3 * 32)); /* where the bytes begin */
    FVM_TRY(put_word(out, params.len));
    FVM_TRY(fvm_buf_append(out, params));
    return fvm_buf_append(out, (fvm_bytes){ zero, (32 - params.len % 32) % 32 });
}

fvm_err fvm_eth_native_input(fvm_buf *out, uint64_t method, uint64_t codec, fvm_bytes params)
{
    size_t start = out->len;
    fvm_err err = put_native_input(out, method, codec, params);
    if (err != FVM_OK) out->len = start;
    return err;
}

fvm_err fvm_eth_tx_of_native(fvm_eth_tx *out, bool *to_unknown, fvm_buf *input,
                             const fvm_message *message, uint64_t chain_id)
{
    uint64_t id;
    bool to_manager = fvm_address_to_id(&id, &message->to) && id == FVM_ETH_MANAGER_ID;
    fvm_eth_tx tx = {
        .kind = FVM_ETH_EIP1559,
        .chain_id = chain_id,
        .nonce = message->nonce,
        .max_priority_fee = message->gas_premium,
        .max_fee = message->gas_fee_cap,
        .gas_limit = message->gas_limit,
        .value = message->value,
    };
    bool as_contract = message->method == FVM_ETH_METHOD_INVOKE ||
                       (message->method == FVM_ETH_METHOD_CREATE && to_manager);
    input->len = 0;
    if (as_contract && fvm_eth_params_read(&tx.input, message->params)) {
        tx.creates = to_manager && message->method == FVM_ETH_METHOD_CREATE;
    } else {
        FVM_TRY(fvm_eth_native_input(input, message->method,
                                     message->params.len ? FVM_CODEC_CBOR : 0, message->params));
        tx.input = fvm_buf_bytes(input);
    }
    *to_unknown = !tx.creates && !fvm_eth_address_of_fil(&tx.to, &message->to);
    *out = tx;
    return FVM_OK;
}
