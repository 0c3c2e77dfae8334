/* filecoin_wallet.c - Filecoin.Wallet*: the keys that this node signs with, in memory. Keys that are to
 * stay are in `fvm wallet`'s encrypted files. */
#include "base/text.h"
#include "filecoin_json.h"
#include "methods.h"

static fvm_err no_key(fvm_rpc_call *call)
{
    return fvm_rpc_fail(call, FVM_RPC_FAILED, "key not found");
}

static bool read_type(fvm_signature_type *out, const json_t *value)
{
    fvm_bytes text;
    if (json_is_integer(value)) {
        json_int_t n = json_integer_value(value);
        *out = (fvm_signature_type)n;
        return n >= 1 && n <= 3;
    }
    if (!fvm_rpc_json_text(&text, value)) return false;
    *out = FVM_SIGNATURE_SECP256K1;
    if (fvm_bytes_eq(text, FVM_STR("secp256k1"))) return true;
    *out = FVM_SIGNATURE_BLS;
    if (fvm_bytes_eq(text, FVM_STR("bls"))) return true;
    *out = FVM_SIGNATURE_DELEGATED;
    return fvm_bytes_eq(text, FVM_STR("delegated"));
}

static const char *type_name(uint8_t type)
{
    return type == FVM_SIGNATURE_SECP256K1 ? "secp256k1"
           : type == FVM_SIGNATURE_BLS     ? "bls"
                                           : "delegated";
}

static fvm_err add(fvm_rpc_call *call, fvm_key *key)
{
    fvm_err err = fvm_node_key_add(call->node, key);
    if (err == FVM_OK) fvm_jo_address(call->out, &key->address, call->node->letter);
    fvm_key_wipe(key);
    return err;
}

fvm_err fvm_fil_wallet_new(fvm_rpc_call *call)
{
    fvm_signature_type type;
    fvm_key key;
    if (!read_type(&type, fvm_rpc_param(call, 0)))
        return fvm_rpc_bad_param(call, 0, "not a type of key: secp256k1, bls, delegated");
    FVM_TRY(fvm_key_random(&key, type));
    return add(call, &key);
}

fvm_err fvm_fil_wallet_list(fvm_rpc_call *call)
{
    fvm_node *node = call->node;
    fvm_jo_begin(call->out, '[');
    pthread_mutex_lock(&node->keys_lock);
    for (size_t i = 0; i < node->key_count; i++)
        fvm_jo_address(call->out, &node->keys[i].address, node->letter);
    pthread_mutex_unlock(&node->keys_lock);
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_rpc_key_address(fvm_rpc_call *call, fvm_address *address)
{
    fvm_chain_view *view;
    fvm_address key;
    fvm_protocol p = fvm_address_protocol(address);
    if (p != FVM_PROTOCOL_ID && p != FVM_PROTOCOL_ACTOR) return FVM_OK;
    FVM_TRY(fvm_rpc_head_view(call, &view, false));
    fvm_err err = fvm_view_account_key(view, &key, address);
    fvm_chain_view_close(view);
    if (err == FVM_OK) *address = key;
    return fvm_err_class_of(err) == FVM_CLASS_INPUT ? FVM_OK : err;
}

/* The key of parameter 0. Wipe it. */
static fvm_err own_key(fvm_rpc_call *call, fvm_key *key)
{
    fvm_address address;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    FVM_TRY(fvm_rpc_key_address(call, &address)); /* as Lotus */
    return fvm_node_key_of(call->node, key, &address) ? FVM_OK : no_key(call);
}

fvm_err fvm_fil_wallet_has(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_key key;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    bool has = fvm_node_key_of(call->node, &key, &address);
    if (has) fvm_key_wipe(&key);
    fvm_jo_bool(call->out, has);
    return FVM_OK;
}

fvm_err fvm_fil_wallet_sign(fvm_rpc_call *call)
{
    fvm_key key;
    fvm_signature signature;
    fvm_buf data;
    FVM_TRY(own_key(call, &key));
    fvm_buf_init(&data, call->alloc);
    fvm_err err = fvm_fil_get_base64(call, 1, &data);
    if (err == FVM_OK) err = fvm_key_sign(&signature, &key, fvm_buf_bytes(&data));
    if (err == FVM_OK) fvm_fil_put_signature(call->out, &signature);
    fvm_key_wipe(&key);
    fvm_buf_deinit(&data);
    return err;
}

fvm_err fvm_fil_wallet_sign_message(fvm_rpc_call *call)
{
    fvm_key key;
    fvm_signed_message sm;
    fvm_buf params;
    fvm_cid cid;
    const char *why = NULL;
    memset(&sm, 0, sizeof sm);
    FVM_TRY(own_key(call, &key));
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_message(call, &sm.message, &params, fvm_rpc_param(call, 1));
    if (err == FVM_OK) {
        err = fvm_signed_message_sign(&sm, &key, fvm_node_chain_id(call->node), call->alloc, &why);
        if (err == FVM_ERR_INVALID)
            err = fvm_rpc_fail(call, FVM_RPC_FAILED, "%s", why ? why : fvm_err_text(err));
    }
    if (err == FVM_OK) err = fvm_signed_message_cid(&cid, NULL, &sm, call->alloc);
    if (err == FVM_OK) err = fvm_fil_put_signed(call->node, call->out, &sm, &cid);
    fvm_key_wipe(&key);
    fvm_buf_deinit(&params);
    return err;
}

fvm_err fvm_fil_wallet_verify(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_signature s;
    fvm_buf data, bytes;
    uint64_t type;
    const json_t *signature = fvm_rpc_param(call, 2);
    fvm_bytes text;
    memset(&s, 0, sizeof s);
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    if (!fvm_rpc_u64(&type, fvm_rpc_json_get(signature, "Type")) || type < 1 || type > 3 ||
        !fvm_rpc_json_text(&text, fvm_rpc_json_get(signature, "Data")))
        return fvm_rpc_bad_param(call, 2, "not a signature");
    fvm_buf_init(&data, call->alloc);
    fvm_buf_init(&bytes, call->alloc);
    fvm_err err = fvm_fil_get_base64(call, 1, &data);
    if (err == FVM_OK &&
        (fvm_base64_decode(&bytes, text) != FVM_OK || bytes.len > FVM_SIGNATURE_MAX))
        err = fvm_rpc_bad_param(call, 2, "not a signature");
    if (err == FVM_OK) {
        s.type = (uint8_t)type;
        s.len = (uint8_t)bytes.len;
        if (bytes.len) memcpy(s.bytes, bytes.ptr, bytes.len);
        fvm_jo_bool(call->out, fvm_signature_verify(&s, &address, fvm_buf_bytes(&data)));
    }
    fvm_buf_deinit(&bytes);
    fvm_buf_deinit(&data);
    return err;
}

/* Lotus keeps BLS secrets little endian. */
static void secret_of(uint8_t out[32], const fvm_key *key)
{
    for (size_t i = 0; i < 32; i++)
        out[i] = key->secret[key->type == FVM_SIGNATURE_BLS ? 31 - i : i];
}

fvm_err fvm_fil_wallet_export(fvm_rpc_call *call)
{
    fvm_key key;
    uint8_t secret[32];
    FVM_TRY(own_key(call, &key));
    secret_of(secret, &key);
    fvm_jo_begin(call->out, '{');
    fvm_jo_k_str(call->out, "Type", type_name(key.type));
    fvm_jo_key(call->out, "PrivateKey");
    fvm_jo_base64(call->out, (fvm_bytes){ secret, sizeof secret });
    fvm_jo_end(call->out, '}');
    fvm_key_wipe(&key);
    memset(secret, 0, sizeof secret);
    return FVM_OK;
}

fvm_err fvm_fil_wallet_import(fvm_rpc_call *call)
{
    fvm_signature_type type;
    fvm_key key, raw;
    fvm_bytes text;
    fvm_buf secret;
    uint8_t bytes[32];
    const json_t *info = fvm_rpc_param(call, 0);
    if (!read_type(&type, fvm_rpc_json_get(info, "Type")) ||
        !fvm_rpc_json_text(&text, fvm_rpc_json_get(info, "PrivateKey")))
        return fvm_rpc_bad_param(call, 0, "not a key");
    fvm_buf_init(&secret, call->alloc);
    fvm_err err = fvm_base64_decode(&secret, text);
    if (err == FVM_OK && secret.len != 32) err = FVM_ERR_MALFORMED;
    if (err == FVM_OK) {
        raw.type = (uint8_t)type;
        memcpy(raw.secret, secret.ptr, 32);
        secret_of(bytes, &raw);
        err = fvm_key_make(&key, type, bytes);
        memset(bytes, 0, sizeof bytes);
        fvm_key_wipe(&raw);
        memset(secret.ptr, 0, secret.len);
    }
    fvm_buf_deinit(&secret);
    if (err == FVM_OK) return add(call, &key);
    return fvm_err_class_of(err) == FVM_CLASS_INPUT ? fvm_rpc_bad_param(call, 0, "not a key") : err;
}

fvm_err fvm_fil_wallet_delete(fvm_rpc_call *call)
{
    fvm_address address;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    if (!fvm_node_key_remove(call->node, &address)) return no_key(call);
    fvm_jo_null(call->out);
    return FVM_OK;
}

fvm_err fvm_fil_wallet_set_default(fvm_rpc_call *call)
{
    fvm_key key;
    FVM_TRY(own_key(call, &key));
    pthread_mutex_lock(&call->node->keys_lock);
    call->node->default_key = key.address;
    pthread_mutex_unlock(&call->node->keys_lock);
    fvm_key_wipe(&key);
    fvm_jo_null(call->out);
    return FVM_OK;
}

fvm_err fvm_fil_wallet_default(fvm_rpc_call *call)
{
    fvm_node *node = call->node;
    pthread_mutex_lock(&node->keys_lock);
    fvm_address address = node->default_key;
    if (!address.len && node->key_count) address = node->keys[0].address;
    pthread_mutex_unlock(&node->keys_lock);
    if (!address.len) return fvm_rpc_fail(call, FVM_RPC_FAILED, "there is no default key");
    fvm_jo_address(call->out, &address, node->letter);
    return FVM_OK;
}
