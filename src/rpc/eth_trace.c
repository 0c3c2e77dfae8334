/* eth_trace.c - trace_*: what transactions did, as a flat list of calls in OpenEthereum's shape (reference rpc.md
 * 11). Blocks are executed again for it. */
#include "call_tree.h"
#include "methods.h"

#include "ipld/cbor.h"

#define TRACES_MAX 20000u /* of one answer */
#define DEPTH_TOLD 64u    /* calls within each other whose place is told */

typedef struct tracing {
    fvm_rpc_call *call;
    fvm_call_tree tree;
    fvm_chain_view *view; /* for addresses, at the block */
    const fvm_tipset *tipset;
    uint32_t wanted;          /* index of the message; UINT32_MAX: all */
    bool replay;              /* objects of trace_replayBlockTransactions */
    const uint8_t *from, *to; /* of trace_filter: NULL is any; 20 bytes */
    uint64_t skip, most, count;
} tracing;

/* --- one call --- */

static void eth_address(tracing *t, uint8_t out[20], const fvm_address *address)
{
    bool known;
    if (fvm_view_eth_address(t->view, out, &known, address) != FVM_OK) memset(out, 0, 20);
}

/* Contracts call each other with their input as it is, messages have it as CBOR; what goes to other actors is
 * told as a call of handle_filecoin_method. */
static fvm_err put_input(tracing *t, const char *key, const fvm_call_node *n)
{
    fvm_bytes params = fvm_call_tree_params(&t->tree, n), input;
    fvm_buf native;
    fvm_err err = FVM_OK;
    if (n->method == FVM_ETH_METHOD_INVOKE && n->params_codec == FVM_CODEC_RAW) {
        fvm_jo_k_hex(t->call->out, key, params);
    } else if (n->method == FVM_ETH_METHOD_INVOKE && fvm_eth_params_read(&input, params)) {
        fvm_jo_k_hex(t->call->out, key, input);
    } else {
        fvm_buf_init(&native, t->call->alloc);
        err = fvm_eth_native_input(&native, n->method, n->params_codec, params);
        if (err == FVM_OK) fvm_jo_k_hex(t->call->out, key, fvm_buf_bytes(&native));
        fvm_buf_deinit(&native);
    }
    return err;
}

static fvm_bytes output_of(const tracing *t, const fvm_call_node *n)
{
    fvm_bytes data = fvm_call_tree_data(&t->tree, n), out;
    if (n->method == FVM_ETH_METHOD_INVOKE && n->return_codec != FVM_CODEC_RAW &&
        fvm_eth_params_read(&out, data))
        return out;
    return data;
}

static const char *error_of(const fvm_call_node *n)
{
    static const char *const evm[] = { "Reverted",
                                       "invalid instruction",
                                       "undefined instruction",
                                       "stack underflow",
                                       "stack overflow",
                                       "illegal memory access",
                                       "invalid jump destination",
                                       "self-destruct failed" };
    if (n->error) return n->error == 5 ? "insufficient funds" : "call not made";
    if (n->exit_code == 7) return "out of gas";
    if (n->exit_code >= 33 && n->exit_code < 33 + FVM_COUNT(evm)) return evm[n->exit_code - 33];
    return "actor failed";
}

static bool creates(const fvm_call_node *n)
{
    uint64_t id;
    return fvm_address_to_id(&id, &n->to) && id == FVM_ETH_MANAGER_ID && n->method >= 2 &&
           n->method <= 4;
}

static fvm_err put_action(tracing *t, const fvm_call_node *n)
{
    fvm_jo *o = t->call->out;
    uint8_t from[20], to[20];
    fvm_address sender = fvm_address_id(n->from);
    fvm_bytes input;
    eth_address(t, from, &sender);
    eth_address(t, to, &n->to);
    fvm_jo_key(o, "action");
    fvm_jo_begin(o, '{');
    fvm_jo_k_hex(o, "from", (fvm_bytes){ from, 20 });
    fvm_jo_k_quantity(o, "gas", n->gas_limit);
    fvm_jo_k_big(o, "value", &n->value);
    if (creates(n)) {
        fvm_jo_k_str(o, "creationMethod", "create");
        fvm_bytes params = fvm_call_tree_params(&t->tree, n);
        fvm_jo_k_hex(o, "init", fvm_eth_params_read(&input, params) ? input : params);
    } else {
        fvm_jo_k_hex(o, "to", (fvm_bytes){ to, 20 });
        fvm_jo_k_str(o, "callType", n->read_only ? "staticcall" : "call");
        FVM_TRY(put_input(t, "input", n));
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}

/* The address that the manager gave to what was created: [id, robust, address]. */
static bool created_address(fvm_bytes *out, fvm_bytes in)
{
    uint64_t count, id;
    fvm_bytes robust;
    if (fvm_cbor_array(&count, &in) != FVM_OK || count != 3 || fvm_cbor_uint(&id, &in) != FVM_OK)
        return false;
    if (!fvm_cbor_take_null(&in) && fvm_cbor_bytes(&robust, &in, NULL) != FVM_OK) return false;
    return fvm_cbor_bytes(out, &in, NULL) == FVM_OK && out->len == 20;
}

static void put_result(tracing *t, uint32_t at)
{
    const fvm_call_node *n = &t->tree.nodes[at];
    fvm_jo *o = t->call->out;
    fvm_bytes address;
    if (n->error || n->exit_code) {
        fvm_jo_k_str(o, "error", error_of(n));
        fvm_jo_k_null(o, "result");
        return;
    }
    fvm_jo_key(o, "result");
    fvm_jo_begin(o, '{');
    fvm_jo_k_quantity(o, "gasUsed", fvm_call_tree_gas(&t->tree, at));
    if (creates(n) && created_address(&address, fvm_call_tree_data(&t->tree, n))) {
        fvm_jo_k_hex(o, "address", address);
        fvm_jo_k_str(o, "code", "0xfe");
    } else {
        fvm_jo_k_hex(o, "output", output_of(t, n));
    }
    fvm_jo_end(o, '}');
}

/* Places among the brothers, from the root down. */
static void put_path(fvm_jo *o, const fvm_call_tree *tree, uint32_t at)
{
    uint32_t path[DEPTH_TOLD];
    size_t n = 0;
    for (uint32_t i = at; tree->nodes[i].parent != FVM_CALL_TREE_NONE && n < DEPTH_TOLD;
         i = tree->nodes[i].parent) {
        uint32_t place = 0;
        for (uint32_t k = tree->nodes[tree->nodes[i].parent].first_child; k != i;
             k = tree->nodes[k].next)
            place++;
        path[n++] = place;
    }
    fvm_jo_key(o, "traceAddress");
    fvm_jo_begin(o, '[');
    while (n > 0) fvm_jo_u64(o, path[--n]);
    fvm_jo_end(o, ']');
}

static bool wanted(tracing *t, const fvm_call_node *n)
{
    uint8_t eth[20];
    fvm_address sender = fvm_address_id(n->from);
    if (t->from) {
        eth_address(t, eth, &sender);
        if (memcmp(eth, t->from, 20) != 0) return false;
    }
    if (t->to) {
        eth_address(t, eth, &n->to);
        if (memcmp(eth, t->to, 20) != 0) return false;
    }
    if (t->skip) {
        t->skip--;
        return false;
    }
    return true;
}

static fvm_err put_trace(tracing *t, uint32_t at, const fvm_chain_message *m)
{
    const fvm_call_node *n = &t->tree.nodes[at];
    fvm_jo *o = t->call->out;
    if (!wanted(t, n) || (t->most && t->count >= t->most)) return FVM_OK;
    if (++t->count > TRACES_MAX)
        return fvm_rpc_fail(t->call, FVM_RPC_LIMIT, "more than %u traces", TRACES_MAX);
    fvm_jo_begin(o, '{');
    fvm_jo_k_str(o, "type", creates(n) ? "create" : "call");
    FVM_TRY(put_action(t, n));
    put_result(t, at);
    fvm_jo_k_u64(o, "subtraces", n->children);
    put_path(o, &t->tree, at);
    if (!t->replay) {
        fvm_jo_k_hex(o, "blockHash", (fvm_bytes){ t->tipset->hash, 32 });
        fvm_jo_k_u64(o, "blockNumber", t->tipset->number);
        fvm_jo_k_hex(o, "transactionHash", (fvm_bytes){ m->eth_hash, 32 });
        fvm_jo_k_u64(o, "transactionPosition", m->index);
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}

/* --- blocks --- */

static fvm_err before_message(void *ctx, const fvm_chain_message *m)
{
    (void)m;
    fvm_call_tree_reset(&((tracing *)ctx)->tree);
    return FVM_OK;
}

static fvm_err after_message(void *ctx, const fvm_chain_message *m, const fvm_receipt *receipt)
{
    tracing *t = ctx;
    fvm_jo *o = t->call->out;
    if (t->wanted != UINT32_MAX && m->index != t->wanted) return FVM_OK;
    FVM_TRY(t->tree.err);
    if (t->replay) {
        fvm_jo_begin(o, '{');
        fvm_jo_k_hex(o, "output", fvm_rpc_evm_output(receipt));
        fvm_jo_k_null(o, "stateDiff");
        fvm_jo_k_hex(o, "transactionHash", (fvm_bytes){ m->eth_hash, 32 });
        fvm_jo_k_null(o, "vmTrace");
        fvm_jo_key(o, "trace");
        fvm_jo_begin(o, '[');
    }
    for (uint32_t i = 0; i < t->tree.count; i++) FVM_TRY(put_trace(t, i, m));
    if (t->replay) {
        fvm_jo_end(o, ']');
        fvm_jo_end(o, '}');
    }
    return FVM_OK;
}

static fvm_err trace_tipset(tracing *t, const fvm_tipset *tipset)
{
    fvm_chain *chain = t->call->node->chain;
    fvm_view_options o = { .number = tipset->number, .deadline_ns = t->call->deadline_ns };
    if (!tipset->message_count) return FVM_OK;
    t->tipset = tipset;
    fvm_call_tree_init(&t->tree, false, t->call->alloc);
    fvm_trace_sink sink = fvm_call_tree_sink(&t->tree);
    const fvm_replay how = { &sink, before_message, after_message, t, t->call->deadline_ns };
    fvm_err err = fvm_chain_view_open(chain, &t->view, &o);
    if (err == FVM_OK) {
        err = fvm_chain_replay(chain, tipset->number, t->wanted, &how);
        fvm_chain_view_close(t->view);
    }
    fvm_call_tree_deinit(&t->tree);
    return err;
}

static fvm_err trace_parameter(fvm_rpc_call *call, bool replay)
{
    tracing t = { .call = call, .wanted = UINT32_MAX, .replay = replay };
    fvm_rpc_block b;
    fvm_tipset tipset;
    FVM_TRY(fvm_rpc_get_block(call, 0, &b));
    fvm_err err = fvm_rpc_tipset_exact(call, &tipset, &b);
    if (err == FVM_ERR_NOT_FOUND) return fvm_rpc_fail(call, FVM_RPC_FAILED, "block not found");
    FVM_TRY(err);
    fvm_jo_begin(call->out, '[');
    FVM_TRY(trace_tipset(&t, &tipset));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_trace_block(fvm_rpc_call *call)
{
    return trace_parameter(call, false);
}

fvm_err fvm_trace_replay_block(fvm_rpc_call *call)
{
    const json_t *kinds = fvm_rpc_param(call, 1);
    if (!json_is_array(kinds)) return fvm_rpc_bad_param(call, 1, "not a list of kinds of traces");
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *kind = json_string_value(json_array_get(kinds, i));
        if (!kind || strcmp(kind, "trace") != 0)
            return fvm_rpc_bad_param(call, 1, "only \"trace\" is supported");
    }
    return trace_parameter(call, true);
}

fvm_err fvm_trace_tx(fvm_rpc_call *call)
{
    uint8_t hash[32];
    fvm_chain_message m;
    fvm_tipset tipset;
    FVM_TRY(fvm_rpc_get_hash(call, 0, hash));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_eth_hash(call->node->chain, &m, hash);
    uint64_t number = m.number;
    tracing t = { .call = call, .wanted = m.index };
    fvm_chain_message_deinit(&m);
    if (err == FVM_ERR_NOT_FOUND || (err == FVM_OK && number == FVM_CHAIN_PENDING)) {
        fvm_jo_null(call->out);
        return FVM_OK;
    }
    FVM_TRY(err);
    FVM_TRY(fvm_chain_tipset(call->node->chain, &tipset, number));
    fvm_jo_begin(call->out, '[');
    FVM_TRY(trace_tipset(&t, &tipset));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

/* --- trace_filter --- */

static fvm_err filter_tipset(void *ctx, const fvm_tipset *tipset)
{
    tracing *t = ctx;
    if (t->most && t->count >= t->most) return FVM_OK;
    return trace_tipset(t, tipset);
}

/* One address, or none; lists of one are as good. */
static fvm_err read_party(fvm_rpc_call *call, uint8_t bytes[20], const uint8_t **out,
                          const json_t *value)
{
    if (json_is_array(value)) {
        if (json_array_size(value) > 1)
            return fvm_rpc_fail(call, FVM_RPC_LIMIT, "one address can be filtered by");
        value = json_array_get(value, 0);
    }
    if (!value) return FVM_OK;
    if (!fvm_rpc_fixed(bytes, 20, value, false)) return fvm_rpc_bad_param(call, 0, "an address");
    *out = bytes;
    return FVM_OK;
}

static fvm_err read_bound(fvm_rpc_call *call, uint64_t *out, const json_t *value)
{
    fvm_rpc_block b;
    fvm_tipset tipset;
    if (!fvm_rpc_block_read(&b, value)) return fvm_rpc_bad_param(call, 0, "a block");
    *out = 0;
    if (b.kind == FVM_RPC_BLOCK_EARLIEST) return FVM_OK;
    FVM_TRY(fvm_rpc_tipset_state(call, &tipset, &b));
    *out = b.kind == FVM_RPC_BLOCK_NUMBER ? b.number : tipset.number;
    return FVM_OK;
}

fvm_err fvm_trace_filter(fvm_rpc_call *call)
{
    tracing t = { .call = call, .wanted = UINT32_MAX };
    const json_t *o = fvm_rpc_param(call, 0), *v;
    uint8_t from[20], to[20];
    uint64_t first, last;
    if (!json_is_object(o)) return fvm_rpc_bad_param(call, 0, "not an object");
    FVM_TRY(read_bound(call, &first, fvm_rpc_json_get(o, "fromBlock")));
    FVM_TRY(read_bound(call, &last, fvm_rpc_json_get(o, "toBlock")));
    FVM_TRY(read_party(call, from, &t.from, fvm_rpc_json_get(o, "fromAddress")));
    FVM_TRY(read_party(call, to, &t.to, fvm_rpc_json_get(o, "toAddress")));
    if ((v = fvm_rpc_json_get(o, "after")) && !fvm_rpc_u64(&t.skip, v))
        return fvm_rpc_bad_param(call, 0, "after");
    if ((v = fvm_rpc_json_get(o, "count")) && !fvm_rpc_u64(&t.most, v))
        return fvm_rpc_bad_param(call, 0, "count");
    if (first > last) return fvm_rpc_bad_param(call, 0, "fromBlock is above toBlock");
    if (last - first > FVM_RPC_NATIVE_BASE_BLOCKS)
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "block range is limited to %u epochs",
                            FVM_RPC_NATIVE_BASE_BLOCKS);
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_tipsets(call->node->chain, first, last, false, filter_tipset, &t));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}
