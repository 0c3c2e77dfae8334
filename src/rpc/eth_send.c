/* eth_send.c - transactions on their way to the pool: raw ones, and those that the node makes and signs
 * itself for unlocked or impersonated accounts. */
#include "methods.h"

#include <inttypes.h>
#include <time.h>

#define SEAL_WAIT_MS 5000u

/* --- submission --- */

/* The words that clients look for are geth's. */
fvm_err fvm_rpc_refused(fvm_rpc_call *call, const fvm_submission *s)
{
    static const char *const words[] = {
        [FVM_REFUSAL_KNOWN] = "already known",
        [FVM_REFUSAL_NONCE_LOW] = "nonce too low",
        [FVM_REFUSAL_NONCE_GAP] = "nonce too high",
        [FVM_REFUSAL_UNDERPRICED] = "replacement transaction underpriced",
        [FVM_REFUSAL_FUNDS] = "insufficient funds for gas * price + value",
        [FVM_REFUSAL_SIGNATURE] = "invalid sender",
        [FVM_REFUSAL_GAS_LOW] = "intrinsic gas too low",
        [FVM_REFUSAL_GAS_HIGH] = "exceeds block gas limit",
        [FVM_REFUSAL_FEE_CAP] = "max fee per gas less than block base fee",
        [FVM_REFUSAL_SIZE] = "oversized data",
        [FVM_REFUSAL_SENDER] = "sender is not an account",
        [FVM_REFUSAL_MALFORMED] = "malformed message",
        [FVM_REFUSAL_FULL] = "txpool is full",
    };
    const char *text = s->refusal < FVM_COUNT(words) ? words[s->refusal] : NULL;
    if (!text) text = "refused";
    if (strncmp(s->why, text, strlen(text)) == 0)
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "%s", s->why);
    if (s->why[0]) return fvm_rpc_fail(call, FVM_RPC_FAILED, "%s: %s", text, s->why);
    return fvm_rpc_fail(call, FVM_RPC_FAILED, "%s", text);
}

static fvm_err enter_pool(fvm_rpc_call *call, fvm_submission *out,
                          const fvm_signed_message *message, unsigned flags)
{
    FVM_TRY(fvm_chain_submit(call->node->chain, out, message, flags));
    return out->refusal == FVM_REFUSAL_NONE ? FVM_OK : fvm_rpc_refused(call, out);
}

/* Where each message is sealed at once, clients expect its receipt when they have its hash. */
static fvm_err wait_sealed(fvm_rpc_call *call, const fvm_submission *s)
{
    fvm_node *node = call->node;
    if (!node->wait_for_seal || fvm_chain_sealing(node->chain, NULL) != FVM_SEALING_INSTANT)
        return FVM_OK;
    fvm_rpc_pool *pool = node->server ? fvm_rpc_server_pool(node->server) : NULL;
    if (pool && !fvm_rpc_pool_wait_begin(pool)) return FVM_OK;
    fvm_err err = fvm_chain_wait(node->chain, s->ticket, SEAL_WAIT_MS);
    if (pool) fvm_rpc_pool_wait_end(pool);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

fvm_err fvm_rpc_submit(fvm_rpc_call *call, fvm_submission *out, const fvm_signed_message *message,
                       unsigned flags)
{
    FVM_TRY(enter_pool(call, out, message, flags));
    return wait_sealed(call, out);
}

static fvm_err send_raw(fvm_rpc_call *call, fvm_submission *out)
{
    fvm_buf raw, params;
    fvm_signed_message sm;
    const char *why = NULL;
    fvm_buf_init(&raw, call->alloc);
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_rpc_get_bytes(call, 0, &raw);
    if (err == FVM_OK) {
        err = fvm_eth_raw_to_message(&sm, &params, fvm_buf_bytes(&raw),
                                     fvm_node_chain_id(call->node), &why);
        if (err == FVM_OK)
            err = fvm_rpc_submit(call, out, &sm, FVM_SUBMIT_CHECKED);
        else if (fvm_err_class_of(err) != FVM_CLASS_HOST)
            err = fvm_rpc_fail(call, FVM_RPC_FAILED, "invalid transaction: %s",
                               why ? why : fvm_err_text(err));
    }
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&raw);
    return err;
}

fvm_err fvm_eth_send_raw(fvm_rpc_call *call)
{
    fvm_submission s;
    FVM_TRY(send_raw(call, &s));
    fvm_jo_hex(call->out, (fvm_bytes){ s.eth_hash, 32 });
    return FVM_OK;
}

/* --- EIP-7966: the receipt as the answer --- */

/* Looks for the receipt until `until_ms` by the chain's listener-free way: the message's place. */
static fvm_err wait_receipt(fvm_rpc_call *call, const uint8_t hash[32], uint64_t timeout_ms)
{
    fvm_chain_message m;
    fvm_tipset t;
    fvm_err err = FVM_OK;
    fvm_chain_message_init(&m, call->alloc);
    for (uint64_t waited = 0;; waited += 10) {
        err = fvm_chain_message_by_eth_hash(call->node->chain, &m, hash);
        if (err != FVM_OK || m.number != FVM_CHAIN_PENDING || waited >= timeout_ms) break;
        if (call->node->server && fvm_rpc_server_stopping(call->node->server)) break;
        nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    }
    if (err == FVM_OK && m.number == FVM_CHAIN_PENDING) {
        call->has_data = true;
        fvm_jo_hex(&call->data, (fvm_bytes){ hash, 32 });
        err = fvm_rpc_fail(
            call, 4, "the transaction was added to the pool but not included in %" PRIu64 " ms",
            timeout_ms);
    }
    if (err == FVM_OK) err = fvm_chain_tipset(call->node->chain, &t, m.number);
    if (err == FVM_OK) err = fvm_rpc_put_receipt(call->node, call->out, &m, t.hash);
    fvm_chain_message_deinit(&m);
    return err;
}

fvm_err fvm_eth_send_raw_sync(fvm_rpc_call *call)
{
    fvm_submission s;
    uint64_t timeout = 20000;
    if (fvm_rpc_param(call, 1)) FVM_TRY(fvm_rpc_get_u64(call, 1, &timeout));
    if (timeout > 60000) timeout = 60000;
    if (!call->node->server) timeout = 0; /* nobody to wait for */
    FVM_TRY(send_raw(call, &s));
    fvm_rpc_pool *pool = call->node->server ? fvm_rpc_server_pool(call->node->server) : NULL;
    if (pool && !fvm_rpc_pool_wait_begin(pool))
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "too many calls wait for a block");
    fvm_err err = wait_receipt(call, s.eth_hash, timeout);
    if (pool) fvm_rpc_pool_wait_end(pool);
    return err;
}

/* --- transactions that the node makes --- */

/* Fees that a request leaves out: a premium as estimated, and a cap that bears base fees rising. */
static fvm_err fill_fees(fvm_rpc_call *call, fvm_message *m, const fvm_rpc_tx_request *r)
{
    fvm_big base;
    if (r->has_gas_price) {
        m->gas_fee_cap = m->gas_premium = r->gas_price;
        return FVM_OK;
    }
    if (r->has_priority)
        m->gas_premium = r->priority;
    else
        fvm_chain_estimate_premium(call->node->chain, &m->gas_premium);
    if (r->has_max_fee) {
        m->gas_fee_cap = r->max_fee;
        if (!r->has_priority && fvm_big_cmp(&m->gas_premium, &m->gas_fee_cap) > 0)
            m->gas_premium = m->gas_fee_cap;
    } else {
        fvm_chain_next_base_fee(call->node->chain, &base);
        FVM_TRY(fvm_big_mul_u64(&base, &base, 2));
        FVM_TRY(fvm_big_add(&m->gas_fee_cap, &base, &m->gas_premium));
    }
    if (fvm_big_cmp(&m->gas_premium, &m->gas_fee_cap) > 0)
        return fvm_rpc_fail(call, FVM_RPC_FAILED,
                            "max priority fee per gas higher than max fee per gas");
    return FVM_OK;
}

fvm_err fvm_rpc_estimate_pending(fvm_rpc_call *call, uint64_t *gas, const fvm_message *m)
{
    fvm_chain_view *view;
    FVM_TRY(fvm_rpc_head_view(call, &view, true));
    fvm_err err = fvm_view_apply_pending(view, &m->from);
    if (err == FVM_OK) err = fvm_rpc_estimate(call, view, gas, m);
    fvm_chain_view_close(view);
    return err;
}

/* What Filecoin's transactions have not is refused, not left out: rpc.md 5. */
static fvm_err check_kind(fvm_rpc_call *call, const fvm_rpc_tx_request *r)
{
    if (r->has_type && r->type != 0 && r->type != 2)
        return fvm_rpc_fail(call, FVM_RPC_PARAMS,
                            "transactions of type %" PRIu64 " are not supported", r->type);
    if (r->foreign)
        return fvm_rpc_fail(call, FVM_RPC_PARAMS, "transactions with '%s' are not supported",
                            r->foreign);
    if (r->has_gas_price && (r->has_max_fee || r->has_priority))
        return fvm_rpc_fail(call, FVM_RPC_PARAMS,
                            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    return FVM_OK;
}

fvm_err fvm_rpc_fill(fvm_rpc_call *call, fvm_message *m, fvm_buf *params,
                     const fvm_rpc_tx_request *r)
{
    FVM_TRY(check_kind(call, r));
    if (r->has_chain_id && r->chain_id != fvm_node_chain_id(call->node))
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "invalid chain id for signer");
    FVM_TRY(fvm_rpc_call_message(call, m, params, r));
    if (r->has_nonce)
        m->nonce = r->nonce;
    else
        FVM_TRY(fvm_chain_next_nonce(call->node->chain, &m->nonce, &m->from));
    FVM_TRY(fill_fees(call, m, r));
    if (!r->has_gas) return fvm_rpc_estimate_pending(call, &m->gas_limit, m);
    m->gas_limit = r->gas;
    return FVM_OK;
}

/* Signs with the node's key of the sender. FVM_ERR_NOT_FOUND: it has none. */
static fvm_err sign(fvm_rpc_call *call, fvm_signed_message *sm)
{
    fvm_key key;
    const char *why = NULL;
    if (!fvm_node_key_of(call->node, &key, &sm->message.from)) return FVM_ERR_NOT_FOUND;
    fvm_err err = fvm_signed_message_sign(sm, &key, fvm_node_chain_id(call->node), call->alloc,
                                          &why);
    fvm_key_wipe(&key);
    if (err == FVM_ERR_INVALID && why) return fvm_rpc_fail(call, FVM_RPC_FAILED, "%s", why);
    return err;
}

static fvm_err no_key(fvm_rpc_call *call)
{
    return fvm_rpc_fail(call, FVM_RPC_FAILED, "unknown account: the node has no key of the sender");
}

fvm_err fvm_rpc_sign_message(fvm_rpc_call *call, fvm_signed_message *message)
{
    fvm_err err = sign(call, message);
    return err == FVM_ERR_NOT_FOUND ? no_key(call) : err;
}

static fvm_err number_and_enter(fvm_rpc_call *call, fvm_submission *out, fvm_signed_message *sm,
                                unsigned flags, bool next_nonce)
{
    fvm_message *m = &sm->message;
    if (next_nonce) FVM_TRY(fvm_chain_next_nonce(call->node->chain, &m->nonce, &m->from));
    if (!(flags & (FVM_SUBMIT_IMPERSONATE | FVM_SUBMIT_UNSIGNED))) {
        FVM_TRY(fvm_rpc_sign_message(call, sm));
        flags |= FVM_SUBMIT_CHECKED;
    }
    return enter_pool(call, out, sm, flags);
}

fvm_err fvm_rpc_send(fvm_rpc_call *call, fvm_submission *out, fvm_signed_message *sm,
                     unsigned flags, bool next_nonce)
{
    pthread_mutex_lock(&call->node->send_lock);
    fvm_err err = number_and_enter(call, out, sm, flags, next_nonce);
    pthread_mutex_unlock(&call->node->send_lock);
    return err == FVM_OK ? wait_sealed(call, out) : err;
}

/* The request of parameter 0, filled in. Free `request` and `params` in any case. */
static fvm_err filled(fvm_rpc_call *call, fvm_rpc_tx_request *request, fvm_message *m,
                      fvm_buf *params)
{
    fvm_buf_init(params, call->alloc);
    FVM_TRY(fvm_rpc_tx_request_read(call, request, fvm_rpc_param(call, 0)));
    if (!request->has_from && call->node->key_count) { /* as geth's first account */
        request->has_from = true;
        request->from = call->node->keys[0].eth;
    }
    return fvm_rpc_fill(call, m, params, request);
}

/* Whether an address is that of a contract, whose nonce counts what it created and not what was sent in
 * its name: a client that impersonates it and gives what eth_getTransactionCount says (cast does) means
 * the next one. */
static fvm_err counts_creations(fvm_rpc_call *call, bool *out, const fvm_address *address)
{
    fvm_chain_view *view;
    fvm_buf code;
    FVM_TRY(fvm_rpc_head_view(call, &view, false));
    fvm_buf_init(&code, call->alloc);
    fvm_err err = fvm_view_evm_code(view, &code, address);
    *out = err == FVM_OK && code.len > 0;
    fvm_buf_deinit(&code);
    fvm_chain_view_close(view);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err send_request(fvm_rpc_call *call, bool anybody)
{
    fvm_rpc_tx_request request;
    fvm_signed_message sm;
    fvm_buf params;
    fvm_submission s;
    memset(&sm, 0, sizeof sm);
    fvm_err err = filled(call, &request, &sm.message, &params);
    if (err == FVM_OK) {
        bool impersonated = fvm_chain_is_impersonated(call->node->chain, &sm.message.from);
        unsigned flags = anybody ? FVM_SUBMIT_UNSIGNED : impersonated ? FVM_SUBMIT_IMPERSONATE : 0;
        bool next_nonce = !request.has_nonce;
        if (flags && !next_nonce) err = counts_creations(call, &next_nonce, &sm.message.from);
        if (err == FVM_OK) err = fvm_rpc_send(call, &s, &sm, flags, next_nonce);
    }
    if (err == FVM_OK) fvm_jo_hex(call->out, (fvm_bytes){ s.eth_hash, 32 });
    fvm_buf_deinit(&params);
    fvm_rpc_tx_request_deinit(&request);
    return err;
}

fvm_err fvm_eth_send_tx(fvm_rpc_call *call)
{
    return send_request(call, false);
}

fvm_err fvm_eth_send_unsigned_tx(fvm_rpc_call *call)
{
    return send_request(call, true);
}

/* The transaction of a message, as bytes and as an object: what wallets sign. */
static fvm_err put_tx_pair(fvm_rpc_call *call, const fvm_signed_message *sm)
{
    fvm_eth_tx tx;
    fvm_buf raw;
    uint64_t chain_id = fvm_node_chain_id(call->node);
    fvm_chain_message m;
    FVM_TRY(fvm_eth_tx_from_unsigned(&tx, &sm->message, chain_id, NULL));
    fvm_buf_init(&raw, call->alloc);
    fvm_chain_message_init(&m, call->alloc);
    m.message = sm->message;
    m.number = FVM_CHAIN_PENDING;
    m.signature = sm->signature;
    fvm_err err = fvm_eth_tx_hash(m.eth_hash, &tx, call->alloc);
    if (err == FVM_OK) err = fvm_eth_tx_write(&raw, &tx);
    fvm_jo_begin(call->out, '{');
    fvm_jo_k_hex(call->out, "raw", fvm_buf_bytes(&raw));
    fvm_jo_key(call->out, "tx");
    if (err == FVM_OK) err = fvm_rpc_put_tx(call->node, call->out, &m, m.eth_hash);
    fvm_jo_end(call->out, '}');
    fvm_chain_message_deinit(&m);
    fvm_buf_deinit(&raw);
    return err;
}

fvm_err fvm_eth_fill_tx(fvm_rpc_call *call)
{
    fvm_rpc_tx_request request;
    fvm_signed_message sm;
    fvm_buf params;
    memset(&sm, 0, sizeof sm);
    fvm_err err = filled(call, &request, &sm.message, &params);
    if (err == FVM_OK) err = put_tx_pair(call, &sm);
    fvm_buf_deinit(&params);
    fvm_rpc_tx_request_deinit(&request);
    return err;
}

/* The raw transaction, as the execution APIs, anvil, ethers and viem have it; geth alone gives an object. */
static fvm_err put_raw(fvm_rpc_call *call, const fvm_signed_message *sm)
{
    fvm_eth_tx tx;
    fvm_buf raw;
    FVM_TRY(fvm_eth_tx_from_message(&tx, sm, fvm_node_chain_id(call->node), NULL));
    fvm_buf_init(&raw, call->alloc);
    fvm_err err = fvm_eth_tx_write(&raw, &tx);
    if (err == FVM_OK) fvm_jo_hex(call->out, fvm_buf_bytes(&raw));
    fvm_buf_deinit(&raw);
    return err;
}

fvm_err fvm_eth_sign_tx(fvm_rpc_call *call)
{
    fvm_rpc_tx_request request;
    fvm_signed_message sm;
    fvm_buf params;
    memset(&sm, 0, sizeof sm);
    fvm_err err = filled(call, &request, &sm.message, &params);
    if (err == FVM_OK) err = sign(call, &sm);
    if (err == FVM_ERR_NOT_FOUND) err = no_key(call);
    if (err == FVM_OK) err = put_raw(call, &sm);
    fvm_buf_deinit(&params);
    fvm_rpc_tx_request_deinit(&request);
    return err;
}
