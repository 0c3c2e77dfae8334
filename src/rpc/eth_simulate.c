/* eth_simulate.c - eth_simulateV1 and eth_createAccessList: calls in a row on one state that is thrown away.
 *
 * Simulated blocks look like blocks. Their hashes are made up of what they begin with, one chained to the
 * other, and are found nowhere; between numbers that are set apart lie null rounds, not blocks. Calls take no
 * fees, with `validation` either, but then the sender must be able to pay them. */
#include "call_tree.h"
#include "crypto/crypto.h"
#include "methods.h"

#include <inttypes.h>

#define SIMULATED_BLOCKS 256u
#define SIMULATED_CALLS 1000u
/* geth's codes */
#define SIMULATED_NONCE_LOW (-38010)
#define SIMULATED_NONCE_HIGH (-38011)
#define SIMULATED_FEE (-38012)
#define SIMULATED_FUNDS (-38014)
#define SIMULATED_GAS (-38015)
#define SIMULATED_NUMBER (-38020)
#define SIMULATED_TIME (-38021)
#define SIMULATED_LIMIT (-38026)
#define SIMULATED_FAILED (-32015)

typedef struct simulation {
    fvm_rpc_call *call;
    fvm_chain_view *view;
    bool transfers, validate, full; /* what was asked for */
    fvm_call_tree tree;             /* of the call at hand, with `transfers` */
    fvm_rpc_block_override block;   /* conditions of the block at hand */
    fvm_tipset t;                   /* the block as it is shown */
    uint8_t tx_hash[32];            /* of the call at hand */
    fvm_jo txs;                     /* the block's transactions: hashes, or objects */
    uint64_t chain_id;
    size_t calls;
} simulation;

/* --- logs --- */

static fvm_err put_event(void *ctx, const fvm_chain_event *e)
{
    simulation *s = ctx;
    if (!e->is_log) return FVM_OK;
    fvm_chain_event shown = *e;
    shown.number = s->t.number;
    shown.message_index = s->t.message_count;
    shown.log_index = s->t.log_count++;
    memcpy(shown.block_hash, s->t.hash, 32);
    memcpy(shown.eth_hash, s->tx_hash, 32);
    fvm_rpc_put_log(s->call->out, &shown, false, s->t.timestamp);
    fvm_bloom_add(s->t.bloom, (fvm_bytes){ shown.emitter_eth, 20 });
    for (unsigned i = 0; i < shown.topic_count; i++)
        fvm_bloom_add(s->t.bloom, (fvm_bytes){ shown.topics[i], 32 });
    return FVM_OK;
}

/* Whether a call and all that it was made in came to a good end. */
static bool is_kept(const fvm_call_tree *t, uint32_t at)
{
    for (; at != FVM_CALL_TREE_NONE; at = t->nodes[at].parent)
        if (t->nodes[at].error || t->nodes[at].exit_code || !t->nodes[at].returned) return false;
    return true;
}

static fvm_err party(simulation *s, uint8_t topic[32], const fvm_address *who)
{
    memset(topic, 0, 12);
    return fvm_view_eth_address(s->view, topic + 12, NULL, who);
}

/* Value that moved, as a token's Transfer(address,address,uint256) of 0xeee...e. They come before the logs of
 * the call: when an actor sent one is not known. */
static fvm_err put_transfers(simulation *s)
{
    if (s->tree.err != FVM_OK) return s->tree.err;
    for (uint32_t i = 0; i < s->tree.count; i++) {
        const fvm_call_node *n = &s->tree.nodes[i];
        fvm_address from = fvm_address_id(n->from);
        uint8_t word[32];
        fvm_chain_event e = { .is_log = true, .topic_count = 3 };
        if (fvm_big_is_zero(&n->value) || !is_kept(&s->tree, i)) continue;
        if (!fvm_rpc_word_of_big(word, &n->value)) continue;
        memset(e.emitter_eth, 0xee, 20);
        fvm_keccak256(e.topics[0], FVM_STR("Transfer(address,address,uint256)"));
        FVM_TRY(party(s, e.topics[1], &from));
        FVM_TRY(party(s, e.topics[2], &n->to));
        e.data = (fvm_bytes){ word, 32 };
        FVM_TRY(put_event(s, &e));
    }
    return FVM_OK;
}

/* --- calls --- */

/* What one call gave. A failure is part of the answer. */
static fvm_err put_outcome(simulation *s, const fvm_receipt *r)
{
    fvm_jo *o = s->call->out;
    fvm_bytes data = fvm_rpc_evm_output(r);
    char reason[600];
    fvm_jo_begin(o, '{');
    fvm_jo_k_hex(o, "returnData", data);
    fvm_jo_key(o, "logs");
    fvm_jo_begin(o, '[');
    if (r->exit_code == 0) {
        if (s->transfers) FVM_TRY(put_transfers(s));
        FVM_TRY(fvm_view_events(s->view, fvm_buf_bytes(&r->events), put_event, s));
    }
    fvm_jo_end(o, ']');
    fvm_jo_k_quantity(o, "gasUsed", r->gas_used);
    fvm_jo_k_quantity(o, "status", r->exit_code == 0);
    if (r->exit_code) {
        fvm_rpc_revert_reason(reason, sizeof reason, data);
        fvm_jo_key(o, "error");
        fvm_jo_begin(o, '{');
        fvm_jo_key(o, "code");
        fvm_jo_i64(o, r->exit_code == 33 ? FVM_RPC_REVERTED : SIMULATED_FAILED);
        fvm_jo_key(o, "message");
        fvm_jo_format(o, "execution reverted: %s (exit code %u)", reason, (unsigned)r->exit_code);
        fvm_jo_k_hex(o, "data", data);
        fvm_jo_end(o, '}');
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}

/* With `validation`: the nonce is the sender's next, and it could pay. */
static fvm_err validate(simulation *s, const fvm_rpc_tx_request *r, const fvm_message *m,
                        uint64_t nonce)
{
    fvm_actor actor = { .nonce = 0 };
    fvm_big fee = r->has_max_fee ? r->max_fee : r->has_gas_price ? r->gas_price : fvm_big_zero();
    fvm_big need;
    if (r->has_nonce && r->nonce < nonce)
        return fvm_rpc_fail(s->call, SIMULATED_NONCE_LOW,
                            "nonce too low: next nonce %" PRIu64 ", tx nonce %" PRIu64, nonce,
                            r->nonce);
    if (r->has_nonce && r->nonce > nonce)
        return fvm_rpc_fail(s->call, SIMULATED_NONCE_HIGH,
                            "nonce too high: next nonce %" PRIu64 ", tx nonce %" PRIu64, nonce,
                            r->nonce);
    if (fvm_big_cmp(&fee, &s->block.base_fee) < 0)
        return fvm_rpc_fail(s->call, SIMULATED_FEE, "max fee per gas less than block base fee");
    fvm_err err = fvm_view_actor(s->view, &actor, NULL, &m->from);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    FVM_TRY(fvm_big_mul_u64(&need, &fee, m->gas_limit));
    FVM_TRY(fvm_big_add(&need, &need, &m->value));
    if (err == FVM_ERR_NOT_FOUND || fvm_big_cmp(&actor.balance, &need) < 0)
        return fvm_rpc_fail(s->call, SIMULATED_FUNDS, "insufficient funds for gas * price + value");
    return FVM_OK;
}

/* What it used counts for the block, and what it asks for must be there. */
static fvm_err limit_gas(simulation *s, const fvm_rpc_tx_request *r, fvm_message *m)
{
    uint64_t most = fvm_chain_block_gas(s->call->node->chain);
    uint64_t rest = most > s->t.gas_used ? most - s->t.gas_used : 0;
    if (!rest || (r->has_gas && r->gas > rest))
        return fvm_rpc_fail(s->call, SIMULATED_GAS,
                            "block gas limit reached: %" PRIu64 " of %" PRIu64 " are left", rest,
                            most);
    if (m->gas_limit > rest) m->gas_limit = rest;
    return FVM_OK;
}

/* The transaction that the call would be. */
static fvm_err add_tx(simulation *s, const fvm_rpc_tx_request *r, const fvm_message *m,
                      uint64_t nonce)
{
    uint8_t seed[36];
    memcpy(seed, s->t.hash, 32);
    for (unsigned i = 0; i < 4; i++) seed[32 + i] = (uint8_t)(s->t.message_count >> (24 - 8 * i));
    fvm_keccak256(s->tx_hash, (fvm_bytes){ seed, sizeof seed });
    if (!s->full) {
        fvm_jo_hex(&s->txs, (fvm_bytes){ s->tx_hash, 32 });
        return FVM_OK;
    }
    fvm_chain_message shown;
    fvm_chain_message_init(&shown, s->call->alloc);
    shown.number = s->t.number;
    shown.index = s->t.message_count;
    memcpy(shown.eth_hash, s->tx_hash, 32);
    memcpy(shown.from_eth, r->from.bytes, 20);
    memcpy(shown.to_eth, r->to.bytes, 20);
    const fvm_eth_tx tx = {
        .kind = FVM_ETH_EIP1559,
        .chain_id = s->chain_id,
        .nonce = nonce,
        .max_fee = r->has_max_fee ? r->max_fee : r->gas_price,
        .max_priority_fee = r->has_max_fee ? r->priority : r->gas_price,
        .gas_limit = m->gas_limit,
        .creates = !r->has_to,
        .to = r->to,
        .value = m->value,
        .input = fvm_buf_bytes(&r->input),
    };
    fvm_rpc_put_tx_fields(&s->txs, &shown, &tx, s->t.hash);
    fvm_chain_message_deinit(&shown);
    return FVM_OK;
}

/* As if it had been sent: of which the addresses of what comes next are made. */
static fvm_err count_nonce(simulation *s, const fvm_address *from, uint64_t nonce)
{
    const fvm_edit e = { .kind = FVM_EDIT_NONCE, .address = *from, .nonce = nonce + 1 };
    fvm_actor actor;
    fvm_err err = fvm_view_actor(s->view, &actor, NULL, from);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    if (fvm_bytes_eq(fvm_view_actor_type(s->view, &actor), FVM_STR("evm"))) return FVM_OK;
    return fvm_view_edit(s->view, &e);
}

static fvm_err run_call(simulation *s, fvm_receipt *receipt, const fvm_rpc_tx_request *r,
                        fvm_buf *params)
{
    fvm_message m;
    uint64_t nonce;
    FVM_TRY(fvm_rpc_call_message(s->call, &m, params, r));
    FVM_TRY(limit_gas(s, r, &m));
    FVM_TRY(fvm_view_nonce(s->view, &nonce, &m.from));
    if (s->validate) FVM_TRY(validate(s, r, &m, nonce));
    if (r->has_nonce) nonce = r->nonce;
    FVM_TRY(add_tx(s, r, &m, nonce));
    if (s->transfers) fvm_call_tree_reset(&s->tree);
    FVM_TRY(fvm_view_call(s->view, receipt, &m));
    FVM_TRY(put_outcome(s, receipt));
    s->t.gas_used = fvm_sat_add_u64(s->t.gas_used, receipt->gas_used);
    s->t.message_count++;
    return count_nonce(s, &m.from, nonce);
}

static fvm_err simulate_call(simulation *s, const json_t *value)
{
    fvm_rpc_tx_request request;
    fvm_receipt receipt;
    fvm_buf params;
    if (++s->calls > SIMULATED_CALLS)
        return fvm_rpc_fail(s->call, SIMULATED_LIMIT, "more than %u calls", SIMULATED_CALLS);
    fvm_buf_init(&params, s->call->alloc);
    fvm_receipt_init(&receipt, s->call->alloc);
    fvm_err err = fvm_rpc_tx_request_read(s->call, &request, value);
    if (err == FVM_OK) err = run_call(s, &receipt, &request, &params);
    fvm_rpc_tx_request_deinit(&request);
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
    return err;
}

/* --- blocks --- */

/* The block that comes next, without messages yet. */
static void begin_block(simulation *s)
{
    uint8_t seed[80] = { 0 };
    fvm_tipset t = {
        .number = s->block.epoch,
        .timestamp = s->block.timestamp,
        .base_fee = s->block.base_fee,
    };
    memcpy(t.parent_hash, s->t.hash, 32);
    memcpy(t.randomness, s->block.randomness, 32);
    memcpy(seed, t.parent_hash, 32);
    fvm_store_be64(seed + 32, t.number);
    fvm_store_be64(seed + 40, t.timestamp);
    (void)fvm_rpc_word_of_big(seed + 48, &t.base_fee);
    fvm_keccak256(t.hash, (fvm_bytes){ seed, sizeof seed });
    s->t = t;
}

/* The conditions of a block: what its overrides say, else a number and a second after the one before. */
static fvm_err enter_block(simulation *s, const json_t *block)
{
    fvm_view_options o = { .number = 0 };
    fvm_big fee;
    const json_t *over = fvm_rpc_json_get(block, "blockOverrides");
    if (!fvm_rpc_override_block_read(&s->block, &o, over))
        return fvm_rpc_bad_param(s->call, 0, "blockOverrides");
    if (!o.epoch) s->block.epoch = s->t.number + 1;
    if (!o.timestamp) s->block.timestamp = s->t.timestamp + 1;
    if (!o.base_fee) {
        fvm_chain_next_base_fee(s->call->node->chain, &fee);
        s->block.base_fee = fee;
    }
    if (!o.randomness) memcpy(s->block.randomness, s->t.randomness, 32);
    if (s->block.epoch <= s->t.number)
        return fvm_rpc_fail(s->call, SIMULATED_NUMBER,
                            "block number %" PRIu64 " is not after %" PRIu64, s->block.epoch,
                            s->t.number);
    if (s->block.timestamp <= s->t.timestamp)
        return fvm_rpc_fail(s->call, SIMULATED_TIME, "timestamp %" PRIu64 " is not after %" PRIu64,
                            s->block.timestamp, s->t.timestamp);
    o.epoch = &s->block.epoch;
    o.timestamp = &s->block.timestamp;
    o.base_fee = &s->block.base_fee;
    o.randomness = s->block.randomness;
    fvm_view_move(s->view, &o);
    begin_block(s);
    return FVM_OK;
}

static fvm_err simulate_block(simulation *s, const json_t *block)
{
    fvm_jo *o = s->call->out;
    const json_t *calls = fvm_rpc_json_get(block, "calls");
    if (!json_is_object(block)) return fvm_rpc_bad_param(s->call, 0, "a block is no object");
    FVM_TRY(enter_block(s, block));
    FVM_TRY(fvm_rpc_override_state(s->call, s->view, fvm_rpc_json_get(block, "stateOverrides")));
    s->txs.buf.len = 0;
    s->txs.comma = false;
    fvm_jo_begin(&s->txs, '[');
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "calls");
    fvm_jo_begin(o, '[');
    for (size_t i = 0; i < json_array_size(calls); i++)
        FVM_TRY(simulate_call(s, json_array_get(calls, i)));
    fvm_jo_end(o, ']');
    fvm_jo_end(&s->txs, ']');
    if (!fvm_jo_ok(&s->txs)) return FVM_ERR_NOMEM;
    fvm_rpc_put_header_fields(s->call->node, o, &s->t);
    fvm_jo_key(o, "transactions");
    fvm_jo_raw(o, fvm_buf_bytes(&s->txs.buf));
    fvm_jo_key(o, "uncles");
    fvm_jo_begin(o, '[');
    fvm_jo_end(o, ']');
    fvm_jo_end(o, '}');
    return FVM_OK;
}

static fvm_err simulate(simulation *s, const json_t *blocks)
{
    fvm_rpc_block at;
    fvm_trace_sink sink = fvm_call_tree_sink(&s->tree);
    fvm_view_options o = { .number = FVM_VIEW_HEAD,
                           .next = true,
                           .trace = s->transfers ? &sink : NULL,
                           .deadline_ns = s->call->deadline_ns };
    FVM_TRY(fvm_rpc_get_block(s->call, 1, &at));
    FVM_TRY(fvm_rpc_tipset_state(s->call, &s->t, &at));
    if (at.kind != FVM_RPC_BLOCK_LATEST && at.kind != FVM_RPC_BLOCK_PENDING) o.number = s->t.number;
    s->chain_id = fvm_node_chain_id(s->call->node);
    FVM_TRY(fvm_chain_view_open(s->call->node->chain, &s->view, &o));
    fvm_err err = FVM_OK;
    fvm_jo_begin(s->call->out, '[');
    for (size_t i = 0; i < json_array_size(blocks) && err == FVM_OK; i++)
        err = simulate_block(s, json_array_get(blocks, i));
    fvm_jo_end(s->call->out, ']');
    fvm_chain_view_close(s->view);
    return err;
}

static bool flag(bool *out, const json_t *request, const char *name)
{
    const json_t *v = fvm_rpc_json_get(request, name);
    return !v || fvm_rpc_bool(out, v);
}

fvm_err fvm_eth_simulate(fvm_rpc_call *call)
{
    simulation s = { .call = call };
    const json_t *request = fvm_rpc_param(call, 0);
    const json_t *blocks = fvm_rpc_json_get(request, "blockStateCalls");
    if (!json_is_array(blocks) || !json_array_size(blocks))
        return fvm_rpc_bad_param(call, 0, "no blockStateCalls");
    if (!flag(&s.transfers, request, "traceTransfers") ||
        !flag(&s.validate, request, "validation") ||
        !flag(&s.full, request, "returnFullTransactions"))
        return fvm_rpc_bad_param(call, 0, "not true or false");
    if (json_array_size(blocks) > SIMULATED_BLOCKS)
        return fvm_rpc_fail(call, SIMULATED_LIMIT, "more than %u blocks", SIMULATED_BLOCKS);
    fvm_call_tree_init(&s.tree, false, call->alloc);
    fvm_jo_init(&s.txs, call->alloc);
    fvm_err err = simulate(&s, blocks);
    fvm_jo_deinit(&s.txs);
    fvm_call_tree_deinit(&s.tree);
    return err;
}

/* Filecoin charges the same for a slot whether it was named before or not: the list that saves gas is the
 * empty one, and a transaction with another is refused. */
fvm_err fvm_eth_create_access_list(fvm_rpc_call *call)
{
    fvm_rpc_tx_request request;
    fvm_message message;
    fvm_receipt receipt;
    fvm_chain_view *view;
    fvm_buf params;
    fvm_buf_init(&params, call->alloc);
    fvm_receipt_init(&receipt, call->alloc);
    fvm_err err = fvm_rpc_tx_request_read(call, &request, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fvm_rpc_call_message(call, &message, &params, &request);
    if (err == FVM_OK) err = fvm_rpc_view(call, &view, 1, true);
    if (err == FVM_OK) {
        err = fvm_view_call(view, &receipt, &message);
        fvm_chain_view_close(view);
    }
    if (err == FVM_OK) {
        fvm_jo_begin(call->out, '{');
        fvm_jo_key(call->out, "accessList");
        fvm_jo_begin(call->out, '[');
        fvm_jo_end(call->out, ']');
        if (receipt.exit_code) fvm_jo_k_str(call->out, "error", "execution reverted");
        fvm_jo_k_quantity(call->out, "gasUsed", receipt.gas_used);
        fvm_jo_end(call->out, '}');
    }
    fvm_rpc_tx_request_deinit(&request);
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
    return err;
}
