/* dev_accounts.c - unlocked accounts: who they are, and signatures other than transactions'. */
#include "crypto/crypto.h"
#include "eip712.h"
#include "methods.h"

#include <stdio.h>

fvm_err fvm_eth_accounts(fvm_rpc_call *call)
{
    fvm_node *node = call->node;
    fvm_jo_begin(call->out, '[');
    pthread_mutex_lock(&node->keys_lock);
    for (size_t i = 0; i < node->key_count && node->development; i++)
        if (node->keys[i].type == FVM_SIGNATURE_DELEGATED)
            fvm_jo_hex(call->out, (fvm_bytes){ node->keys[i].eth.bytes, 20 });
    pthread_mutex_unlock(&node->keys_lock);
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

static fvm_err sign_hash(fvm_rpc_call *call, const fvm_eth_address *who, const uint8_t hash[32])
{
    fvm_key key;
    uint8_t signature[65];
    fvm_address address = fvm_rpc_fil(who);
    if (!fvm_node_key_of(call->node, &key, &address))
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "unknown account: the node has no key of it");
    bool done = fvm_key_sign_hash(signature, &key, hash);
    fvm_key_wipe(&key);
    if (!done) return FVM_ERR_INVALID;
    fvm_jo_hex(call->out, (fvm_bytes){ signature, sizeof signature });
    return FVM_OK;
}

/* EIP-191, version 0x45: what wallets sign of messages to people. */
static fvm_err sign_personal(fvm_rpc_call *call, size_t who_at, size_t data_at)
{
    static const char prefix[] = "\x19"
                                 "Ethereum Signed Message:\n";
    fvm_eth_address who;
    fvm_buf data, text;
    uint8_t hash[32];
    char length[24];
    FVM_TRY(fvm_rpc_get_eth_address(call, who_at, &who));
    fvm_buf_init(&data, call->alloc);
    fvm_buf_init(&text, call->alloc);
    fvm_err err = fvm_rpc_bytes(&data, fvm_rpc_param(call, data_at));
    fvm_bytes plain;
    if (err == FVM_ERR_MALFORMED && fvm_rpc_json_text(&plain, fvm_rpc_param(call, data_at))) {
        data.len = 0; /* text as it is: some wallets' callers send that */
        err = fvm_buf_append(&data, plain);
    }
    if (err == FVM_ERR_MALFORMED) err = fvm_rpc_bad_param(call, data_at, "not bytes");
    int n = snprintf(length, sizeof length, "%zu", data.len);
    if (err == FVM_OK) err = fvm_buf_append(&text, FVM_STR(prefix));
    if (err == FVM_OK) err = fvm_buf_append(&text, (fvm_bytes){ (uint8_t *)length, (size_t)n });
    if (err == FVM_OK) err = fvm_buf_append(&text, fvm_buf_bytes(&data));
    if (err == FVM_OK) {
        fvm_keccak256(hash, fvm_buf_bytes(&text));
        err = sign_hash(call, &who, hash);
    }
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&data);
    return err;
}

fvm_err fvm_eth_sign(fvm_rpc_call *call)
{
    return sign_personal(call, 0, 1);
}

fvm_err fvm_personal_sign(fvm_rpc_call *call)
{
    return sign_personal(call, 1, 0);
}

fvm_err fvm_eth_sign_typed_data(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_bytes text;
    uint8_t hash[32];
    json_t *data = fvm_rpc_param(call, 1), *parsed = NULL;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    if (fvm_rpc_json_text(&text, data)) { /* many wallets send it as text */
        if (fvm_rpc_json_parse(&parsed, text, call->alloc) != FVM_OK)
            return fvm_rpc_bad_param(call, 1, "not JSON");
        data = parsed;
    }
    const char *why = "malformed";
    fvm_err err = fvm_eip712_hash(hash, data, call->alloc, &why);
    if (err == FVM_OK)
        err = sign_hash(call, &who, hash);
    else if (fvm_err_class_of(err) != FVM_CLASS_HOST)
        err = fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid typed data: %s", why);
    json_decref(parsed);
    return err;
}

/* --- impersonation --- */

static fvm_err impersonate(fvm_rpc_call *call, bool on)
{
    fvm_eth_address who;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    fvm_address address = fvm_rpc_fil(&who);
    fvm_chain_impersonate(call->node->chain, &address, on);
    fvm_jo_bool(call->out, true);
    return FVM_OK;
}

fvm_err fvm_dev_impersonate(fvm_rpc_call *call)
{
    return impersonate(call, true);
}

fvm_err fvm_dev_stop_impersonating(fvm_rpc_call *call)
{
    return impersonate(call, false);
}

fvm_err fvm_dev_auto_impersonate(fvm_rpc_call *call)
{
    bool on;
    FVM_TRY(fvm_rpc_get_bool(call, 0, &on));
    fvm_chain_impersonate_all(call->node->chain, on);
    fvm_jo_null(call->out);
    return FVM_OK;
}
