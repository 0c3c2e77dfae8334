/* eth_simulate.c - eth_simulateV1 and eth_createAccessList: calls in a row on one state that is thrown away. */
#include "methods.h"

#define SIMULATED_BLOCKS 256u
#define SIMULATED_CALLS 1000u
/* geth's codes for blocks out of order */
#define SIMULATED_NUMBER (-38020)
#define SIMULATED_TIME (-38021)

typedef struct simulation {
    fvm_rpc_call *call;
    fvm_chain_view *view;
    fvm_rpc_block_override block;
    uint64_t number, timestamp;
    size_t calls;
} simulation;

static fvm_err put_event(void *ctx, const fvm_chain_event *e)
{
    if (e->is_log) fvm_rpc_put_log(ctx, e, false, 0);
    return FVM_OK;
}

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
    if (r->exit_code == 0)
        FVM_TRY(fvm_view_events(s->view, fvm_buf_bytes(&r->events), put_event, o));
    fvm_jo_end(o, ']');
    fvm_jo_k_quantity(o, "gasUsed", r->gas_used);
    fvm_jo_k_quantity(o, "status", r->exit_code == 0);
    if (r->exit_code) {
        fvm_rpc_revert_reason(reason, sizeof reason, data);
        fvm_jo_key(o, "error");
        fvm_jo_begin(o, '{');
        fvm_jo_key(o, "code");
        fvm_jo_i64(o, r->exit_code == 33 ? FVM_RPC_REVERTED : -32015);
        fvm_jo_key(o, "message");
        fvm_jo_format(o, "execution reverted: %s (exit code %u)", reason, (unsigned)r->exit_code);
        fvm_jo_k_hex(o, "data", data);
        fvm_jo_end(o, '}');
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}

static fvm_err simulate_call(simulation *s, const json_t *value)
{
    fvm_rpc_tx_request request;
    fvm_message message;
    fvm_receipt receipt;
    fvm_buf params;
    if (++s->calls > SIMULATED_CALLS)
        return fvm_rpc_fail(s->call, FVM_RPC_LIMIT, "more than %u calls", SIMULATED_CALLS);
    fvm_buf_init(&params, s->call->alloc);
    fvm_receipt_init(&receipt, s->call->alloc);
    fvm_err err = fvm_rpc_tx_request_read(s->call, &request, value);
    if (err == FVM_OK) err = fvm_rpc_call_message(s->call, &message, &params, &request);
    if (err == FVM_OK) err = fvm_view_call(s->view, &receipt, &message);
    if (err == FVM_OK) err = put_outcome(s, &receipt);
    fvm_rpc_tx_request_deinit(&request);
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
    return err;
}

/* The conditions of a block: what its overrides say, else a number and a second after the one before. */
static fvm_err enter_block(simulation *s, const json_t *block)
{
    fvm_view_options o = { .number = 0 };
    fvm_big fee;
    const json_t *over = fvm_rpc_json_get(block, "blockOverrides");
    if (!fvm_rpc_override_block_read(&s->block, &o, over))
        return fvm_rpc_bad_param(s->call, 0, "blockOverrides");
    if (!o.epoch) s->block.epoch = s->number + 1;
    if (!o.timestamp) s->block.timestamp = s->timestamp + 1;
    if (!o.base_fee) {
        fvm_chain_next_base_fee(s->call->node->chain, &fee);
        s->block.base_fee = fee;
    }
    if (s->block.epoch <= s->number)
        return fvm_rpc_fail(s->call, SIMULATED_NUMBER, "block number %llu is not after %llu",
                            (unsigned long long)s->block.epoch, (unsigned long long)s->number);
    if (s->block.timestamp <= s->timestamp)
        return fvm_rpc_fail(s->call, SIMULATED_TIME, "timestamp %llu is not after %llu",
                            (unsigned long long)s->block.timestamp,
                            (unsigned long long)s->timestamp);
    s->number = s->block.epoch;
    s->timestamp = s->block.timestamp;
    o.epoch = &s->block.epoch;
    o.timestamp = &s->block.timestamp;
    o.base_fee = &s->block.base_fee;
    fvm_view_move(s->view, &o);
    return FVM_OK;
}

static fvm_err simulate_block(simulation *s, const json_t *block)
{
    fvm_jo *o = s->call->out;
    static const uint8_t zero[32];
    const json_t *calls = fvm_rpc_json_get(block, "calls");
    if (!json_is_object(block)) return fvm_rpc_bad_param(s->call, 0, "a block is no object");
    FVM_TRY(enter_block(s, block));
    FVM_TRY(fvm_rpc_override_state(s->call, s->view, fvm_rpc_json_get(block, "stateOverrides")));
    fvm_jo_begin(o, '{');
    fvm_jo_k_quantity(o, "number", s->number);
    fvm_jo_k_quantity(o, "timestamp", s->timestamp);
    fvm_jo_k_hex(o, "hash", (fvm_bytes){ zero, 32 }); /* it will never be a block */
    fvm_jo_k_hex(o, "parentHash", (fvm_bytes){ fvm_view_tipset(s->view)->hash, 32 });
    fvm_jo_k_quantity(o, "gasLimit", fvm_chain_block_gas(s->call->node->chain));
    fvm_jo_k_big(o, "baseFeePerGas", &s->block.base_fee);
    fvm_jo_key(o, "calls");
    fvm_jo_begin(o, '[');
    for (size_t i = 0; i < json_array_size(calls); i++)
        FVM_TRY(simulate_call(s, json_array_get(calls, i)));
    fvm_jo_end(o, ']');
    fvm_jo_end(o, '}');
    return FVM_OK;
}

static fvm_err simulate(simulation *s, const json_t *blocks)
{
    fvm_rpc_block at;
    fvm_tipset tipset;
    fvm_view_options o = { .number = FVM_VIEW_HEAD,
                           .next = true,
                           .deadline_ns = s->call->deadline_ns };
    FVM_TRY(fvm_rpc_get_block(s->call, 1, &at));
    FVM_TRY(fvm_rpc_tipset_state(s->call, &tipset, &at));
    if (at.kind != FVM_RPC_BLOCK_LATEST && at.kind != FVM_RPC_BLOCK_PENDING)
        o.number = tipset.number;
    s->number = tipset.number;
    s->timestamp = tipset.timestamp;
    FVM_TRY(fvm_chain_view_open(s->call->node->chain, &s->view, &o));
    fvm_err err = FVM_OK;
    fvm_jo_begin(s->call->out, '[');
    for (size_t i = 0; i < json_array_size(blocks) && err == FVM_OK; i++)
        err = simulate_block(s, json_array_get(blocks, i));
    fvm_jo_end(s->call->out, ']');
    fvm_chain_view_close(s->view);
    return err;
}

fvm_err fvm_eth_simulate(fvm_rpc_call *call)
{
    simulation s = { .call = call };
    const json_t *blocks = fvm_rpc_json_get(fvm_rpc_param(call, 0), "blockStateCalls");
    if (!json_is_array(blocks) || !json_array_size(blocks))
        return fvm_rpc_bad_param(call, 0, "no blockStateCalls");
    if (json_array_size(blocks) > SIMULATED_BLOCKS)
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "more than %u blocks", SIMULATED_BLOCKS);
    return simulate(&s, blocks);
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
