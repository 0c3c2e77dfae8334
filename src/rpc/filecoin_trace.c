/* filecoin_trace.c - StateCall, StateReplay, StateCompute: what a message does, with every call and charge
 * (reference rpc.md 3). */
#include "base/clock.h"
#include "call_tree.h"
#include "filecoin_json.h"
#include "methods.h"

/* --- the trace --- */

static void put_msg(const fvm_node *node, fvm_jo *o, const fvm_call_tree *t, const fvm_call_node *n)
{
    fvm_address from = fvm_address_id(n->from);
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "From");
    fvm_jo_address(o, &from, node->letter);
    fvm_jo_key(o, "To");
    fvm_jo_address(o, &n->to, node->letter);
    fvm_jo_key(o, "Value");
    fvm_jo_amount(o, &n->value);
    fvm_jo_k_u64(o, "Method", n->method);
    fvm_jo_key(o, "Params");
    fvm_fil_put_bytes(o, fvm_call_tree_params(t, n));
    fvm_jo_k_u64(o, "ParamsCodec", n->params_codec);
    fvm_jo_k_u64(o, "GasLimit", n->gas_limit);
    fvm_jo_k_bool(o, "ReadOnly", n->read_only);
    fvm_jo_end(o, '}');
}

/* Charges of one call. `*at` is where the last call's ended, as they are in the order of time. */
static void put_charges(fvm_jo *o, const fvm_call_tree *t, uint32_t node)
{
    fvm_jo_begin(o, '[');
    for (uint32_t i = 0; i < t->charge_count; i++) {
        const fvm_gas_charge *c = &t->charges[i];
        if (c->node != node) continue;
        fvm_jo_begin(o, '{');
        fvm_jo_key(o, "Name");
        fvm_jo_text(o, (fvm_bytes){ t->bytes.ptr + c->name_at, c->name_len });
        fvm_jo_k_u64(o, "tg", (c->compute + c->other) / 1000);
        fvm_jo_k_u64(o, "cg", c->compute / 1000);
        fvm_jo_k_u64(o, "sg", c->other / 1000);
        fvm_jo_k_u64(o, "tt", 0);
        fvm_jo_end(o, '}');
    }
    fvm_jo_end(o, ']');
}

static void begin_node(const fvm_node *node, fvm_jo *o, const fvm_call_tree *t, uint32_t at)
{
    const fvm_call_node *n = &t->nodes[at];
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Msg");
    put_msg(node, o, t, n);
    fvm_jo_key(o, "MsgRct");
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "ExitCode", n->error ? n->error : n->exit_code);
    fvm_jo_key(o, "Return");
    fvm_fil_put_bytes(o, fvm_call_tree_data(t, n));
    fvm_jo_k_u64(o, "ReturnCodec", n->return_codec);
    fvm_jo_end(o, '}');
    fvm_jo_key(o, "InvokedActor");
    if (n->invoked) {
        fvm_jo_begin(o, '{');
        fvm_jo_k_u64(o, "Id", n->id);
        fvm_jo_key(o, "State");
        fvm_jo_begin(o, '{');
        fvm_jo_key(o, "Code");
        fvm_jo_cid(o, &n->code);
        fvm_jo_end(o, '}');
        fvm_jo_end(o, '}');
    } else {
        fvm_jo_null(o);
    }
    fvm_jo_key(o, "GasCharges");
    put_charges(o, t, at);
    fvm_jo_key(o, "Subcalls");
    fvm_jo_begin(o, '[');
}

static void end_node(fvm_jo *o)
{
    fvm_jo_end(o, ']');
    fvm_jo_end(o, '}');
}

/* The tree without recursion: down to the first child, else on to the next, closing on the way up. */
static void put_tree(const fvm_node *node, fvm_jo *o, const fvm_call_tree *t)
{
    uint32_t at = 0;
    if (!t->count) {
        fvm_jo_null(o);
        return;
    }
    begin_node(node, o, t, 0);
    for (;;) {
        if (t->nodes[at].first_child != FVM_CALL_TREE_NONE) {
            at = t->nodes[at].first_child;
            begin_node(node, o, t, at);
            continue;
        }
        end_node(o);
        while (at != 0 && t->nodes[at].next == FVM_CALL_TREE_NONE) {
            at = t->nodes[at].parent;
            end_node(o);
        }
        if (at == 0) return;
        at = t->nodes[at].next;
        begin_node(node, o, t, at);
    }
}

/* --- an invocation's result --- */

typedef struct invocation {
    const fvm_message *message;
    fvm_cid cid;
    const fvm_receipt *receipt;
    const fvm_big *base_fee;
    uint64_t nanoseconds;
} invocation;

static void put_gas_cost(fvm_jo *o, const invocation *i)
{
    const fvm_receipt *r = i->receipt;
    fvm_big total = r->base_fee_burn;
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Message");
    fvm_jo_cid(o, &i->cid);
    fvm_jo_key(o, "GasUsed");
    fvm_jo_format(o, "%llu", (unsigned long long)r->gas_used);
    fvm_jo_key(o, "BaseFeeBurn");
    fvm_jo_amount(o, &r->base_fee_burn);
    fvm_jo_key(o, "OverEstimationBurn");
    fvm_jo_amount(o, &r->over_estimation_burn);
    fvm_jo_key(o, "MinerPenalty");
    fvm_jo_amount(o, &r->penalty);
    fvm_jo_key(o, "MinerTip");
    fvm_jo_amount(o, &r->miner_tip);
    fvm_jo_key(o, "Refund");
    fvm_jo_amount(o, &r->refund);
    if (fvm_big_add(&total, &total, &r->over_estimation_burn) != FVM_OK ||
        fvm_big_add(&total, &total, &r->miner_tip) != FVM_OK)
        total = fvm_big_zero();
    fvm_jo_key(o, "TotalCost");
    fvm_jo_amount(o, &total);
    fvm_jo_end(o, '}');
}

static void put_invocation(const fvm_node *node, fvm_jo *o, const invocation *i,
                           const fvm_call_tree *tree)
{
    const fvm_receipt *r = i->receipt;
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "MsgCid");
    fvm_jo_cid(o, &i->cid);
    fvm_jo_key(o, "Msg");
    fvm_fil_put_message(node, o, i->message, &i->cid);
    fvm_jo_key(o, "MsgRct");
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "ExitCode", r->exit_code);
    fvm_jo_key(o, "Return");
    fvm_fil_put_bytes(o, fvm_buf_bytes(&r->return_data));
    fvm_jo_k_u64(o, "GasUsed", r->gas_used);
    fvm_jo_key(o, "EventsRoot");
    if (r->has_events_root)
        fvm_jo_cid(o, &r->events_root);
    else
        fvm_jo_null(o);
    fvm_jo_end(o, '}');
    fvm_jo_key(o, "GasCost");
    put_gas_cost(o, i);
    fvm_jo_key(o, "ExecutionTrace");
    put_tree(node, o, tree);
    fvm_jo_key(o, "Error");
    if (r->exit_code) {
        char reason[300];
        fvm_rpc_revert_reason(reason, sizeof reason, fvm_rpc_evm_output(r));
        fvm_jo_format(o, "message failed with exit code %u (%s)", (unsigned)r->exit_code,
                      r->failure ? r->failure : reason);
    } else {
        fvm_jo_str(o, "");
    }
    fvm_jo_k_u64(o, "Duration", i->nanoseconds);
    fvm_jo_end(o, '}');
}

/* --- methods --- */

static fvm_err call_on(fvm_rpc_call *call, fvm_chain_view *view, const fvm_message *m,
                       const fvm_call_tree *tree)
{
    fvm_receipt receipt;
    invocation i = { .message = m, .receipt = &receipt };
    uint64_t begun = fvm_clock_ns();
    fvm_receipt_init(&receipt, call->alloc);
    fvm_err err = fvm_view_call(view, &receipt, m);
    if (err == FVM_OK) err = tree->err;
    if (err == FVM_OK) err = fvm_message_cid(&i.cid, m, call->alloc);
    if (err == FVM_OK) {
        i.nanoseconds = fvm_clock_ns() - begun;
        put_invocation(call->node, call->out, &i, tree);
    }
    fvm_receipt_deinit(&receipt);
    return err;
}

fvm_err fvm_fil_state_call(fvm_rpc_call *call)
{
    fvm_message m;
    fvm_tipset t;
    fvm_buf params;
    fvm_call_tree tree;
    fvm_chain_view *view;
    FVM_TRY(fvm_fil_get_tipset(call, 1, &t));
    fvm_buf_init(&params, call->alloc);
    fvm_call_tree_init(&tree, true, call->alloc);
    fvm_trace_sink sink = fvm_call_tree_sink(&tree);
    fvm_view_options o = { .number = t.number, .trace = &sink, .deadline_ns = call->deadline_ns };
    fvm_err err = fvm_fil_read_message(call, &m, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fvm_chain_view_open(call->node->chain, &view, &o);
    if (err == FVM_OK) {
        err = call_on(call, view, &m, &tree);
        fvm_chain_view_close(view);
    }
    fvm_call_tree_deinit(&tree);
    fvm_buf_deinit(&params);
    return err;
}

typedef struct replaying {
    fvm_rpc_call *call;
    fvm_call_tree tree;
    uint32_t wanted; /* index; UINT32_MAX: all */
    uint64_t begun;
} replaying;

static fvm_err before_one(void *ctx, const fvm_chain_message *m)
{
    replaying *r = ctx;
    (void)m;
    fvm_call_tree_reset(&r->tree);
    r->begun = fvm_clock_ns();
    return FVM_OK;
}

static fvm_err after_one(void *ctx, const fvm_chain_message *m, const fvm_receipt *receipt)
{
    replaying *r = ctx;
    const invocation i = { &m->message, m->cid, receipt, &m->base_fee, fvm_clock_ns() - r->begun };
    if (r->wanted != UINT32_MAX && m->index != r->wanted) return FVM_OK;
    FVM_TRY(r->tree.err);
    if (r->call->out->buf.len > r->call->node->limits.reply_bytes) return FVM_ERR_LIMIT;
    put_invocation(r->call->node, r->call->out, &i, &r->tree);
    return FVM_OK;
}

static fvm_err replay(fvm_rpc_call *call, uint64_t number, uint32_t wanted)
{
    replaying r = { .call = call, .wanted = wanted };
    fvm_call_tree_init(&r.tree, true, call->alloc);
    fvm_trace_sink sink = fvm_call_tree_sink(&r.tree);
    const fvm_replay how = { &sink, before_one, after_one, &r, call->deadline_ns };
    fvm_err err = fvm_chain_replay(call->node->chain, number, wanted, &how);
    fvm_call_tree_deinit(&r.tree);
    return err;
}

fvm_err fvm_fil_state_replay(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_chain_message m;
    FVM_TRY(fvm_fil_get_cid(call, 1, &cid));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_cid(call->node->chain, &m, &cid);
    uint64_t number = m.number;
    uint32_t index = m.index;
    fvm_chain_message_deinit(&m);
    if (err == FVM_ERR_NOT_FOUND || (err == FVM_OK && number == FVM_CHAIN_PENDING))
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "message not found in the chain");
    return err == FVM_OK ? replay(call, number, index) : err;
}

fvm_err fvm_fil_state_compute(fvm_rpc_call *call)
{
    fvm_tipset t;
    uint64_t height;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &height));
    if (json_array_size(fvm_rpc_param(call, 1)))
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "messages to add are not supported");
    if (fvm_rpc_param(call, 2)) {
        FVM_TRY(fvm_fil_get_tipset(call, 2, &t));
    } else {
        fvm_rpc_block b = { .kind = FVM_RPC_BLOCK_NUMBER, .number = height };
        FVM_TRY(fvm_rpc_tipset_exact(call, &t, &b));
    }
    fvm_jo_begin(call->out, '{');
    fvm_jo_key(call->out, "Root");
    fvm_jo_cid(call->out, &t.executed);
    fvm_jo_key(call->out, "Trace");
    fvm_jo_begin(call->out, '[');
    if (t.number) FVM_TRY(replay(call, t.number, UINT32_MAX));
    fvm_jo_end(call->out, ']');
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}
