/* eth_blocks.c - which tipset a parameter means, and the methods about blocks. */
#include "methods.h"

#include <inttypes.h>

#define SAFE_DEPTH 30u /* rpc.md 6: v1 */
#define FINALIZED_DEPTH 900u

static uint64_t behind(uint64_t head, uint64_t depth)
{
    return head > depth ? head - depth : 0;
}

/* The epoch that a tag or number means. */
static fvm_err block_number(fvm_rpc_call *call, uint64_t *out, const fvm_rpc_block *b)
{
    uint64_t head = fvm_chain_head_number(call->node->chain);
    switch (b->kind) {
    case FVM_RPC_BLOCK_EARLIEST:
        return fvm_rpc_fail(call, FVM_RPC_PARAMS, "block param \"earliest\" is not supported");
    case FVM_RPC_BLOCK_SAFE: *out = behind(head, SAFE_DEPTH); return FVM_OK;
    case FVM_RPC_BLOCK_FINALIZED: *out = behind(head, FINALIZED_DEPTH); return FVM_OK;
    case FVM_RPC_BLOCK_NUMBER:
        if (b->number > head)
            return fvm_rpc_fail(call, FVM_RPC_FAILED,
                                "requested a future epoch (beyond 'latest'): %" PRIu64
                                " is above %" PRIu64,
                                b->number, head);
        *out = b->number;
        return FVM_OK;
    default: *out = head; return FVM_OK;
    }
}

static bool is_tag(const fvm_rpc_block *b)
{
    return b->kind != FVM_RPC_BLOCK_NUMBER && b->kind != FVM_RPC_BLOCK_HASH;
}

static fvm_err null_round(fvm_rpc_call *call, uint64_t number)
{
    call->has_data = true;
    fvm_jo_u64(&call->data, number);
    return fvm_rpc_fail(call, FVM_RPC_NULL_ROUND, "requested epoch was a null round (%" PRIu64 ")",
                        number);
}

fvm_err fvm_rpc_tipset_exact(fvm_rpc_call *call, fvm_tipset *out, const fvm_rpc_block *b)
{
    fvm_chain *chain = call->node->chain;
    uint64_t number;
    if (b->kind == FVM_RPC_BLOCK_HASH) return fvm_chain_tipset_by_hash(chain, out, b->hash);
    if (b->kind == FVM_RPC_BLOCK_LATEST || b->kind == FVM_RPC_BLOCK_PENDING) {
        fvm_chain_head(chain, out);
        return FVM_OK;
    }
    FVM_TRY(block_number(call, &number, b));
    if (is_tag(b)) return fvm_chain_tipset_near(chain, out, number, false);
    fvm_err err = fvm_chain_tipset(chain, out, number);
    return err == FVM_ERR_INVALID ? null_round(call, number) : err;
}

fvm_err fvm_rpc_tipset_state(fvm_rpc_call *call, fvm_tipset *out, const fvm_rpc_block *b)
{
    fvm_chain *chain = call->node->chain;
    uint64_t number;
    if (b->kind == FVM_RPC_BLOCK_LATEST || b->kind == FVM_RPC_BLOCK_PENDING) {
        fvm_chain_head(chain, out);
        return FVM_OK;
    }
    fvm_err err;
    if (b->kind == FVM_RPC_BLOCK_HASH) {
        err = fvm_chain_tipset_by_hash(chain, out, b->hash);
    } else {
        FVM_TRY(block_number(call, &number, b));
        err = fvm_chain_tipset_near(chain, out, number, false);
    }
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_FAILED, "block not found") : err;
}

fvm_err fvm_rpc_head_view(fvm_rpc_call *call, fvm_chain_view **out, bool next)
{
    const fvm_view_options o = { .number = FVM_VIEW_HEAD,
                                 .next = next,
                                 .deadline_ns = call->deadline_ns };
    return fvm_chain_view_open(call->node->chain, out, &o);
}

fvm_err fvm_rpc_view(fvm_rpc_call *call, fvm_chain_view **out, size_t i, bool next)
{
    fvm_view_options o = { .number = FVM_VIEW_HEAD,
                           .next = next,
                           .deadline_ns = call->deadline_ns };
    fvm_rpc_block block;
    fvm_tipset tipset;
    FVM_TRY(fvm_rpc_get_block(call, i, &block));
    if (block.kind != FVM_RPC_BLOCK_LATEST && block.kind != FVM_RPC_BLOCK_PENDING) {
        FVM_TRY(fvm_rpc_tipset_state(call, &tipset, &block));
        o.number = tipset.number;
    }
    return fvm_chain_view_open(call->node->chain, out, &o);
}

/* --- methods --- */

fvm_err fvm_eth_block_number(fvm_rpc_call *call)
{
    fvm_jo_quantity(call->out, fvm_chain_head_number(call->node->chain));
    return FVM_OK;
}

/* A block that is asked for by hash and is not there is null, as geth has it; by number, an error. */
static fvm_err find_block(fvm_rpc_call *call, fvm_tipset *out, bool *found)
{
    fvm_rpc_block b;
    FVM_TRY(fvm_rpc_get_block(call, 0, &b));
    fvm_err err = fvm_rpc_tipset_exact(call, out, &b);
    *found = err == FVM_OK;
    if (err != FVM_ERR_NOT_FOUND) return err;
    fvm_jo_null(call->out);
    return FVM_OK;
}

static fvm_err by_parameter(fvm_rpc_call *call, bool header_only)
{
    fvm_tipset t;
    bool full = false, found;
    if (fvm_rpc_param(call, 1)) FVM_TRY(fvm_rpc_get_bool(call, 1, &full));
    FVM_TRY(find_block(call, &t, &found));
    return found ? fvm_rpc_put_block(call->node, call->out, &t, full, header_only) : FVM_OK;
}

static fvm_err need_hash(fvm_rpc_call *call)
{
    uint8_t hash[32];
    return fvm_rpc_get_hash(call, 0, hash);
}

fvm_err fvm_eth_get_block_by_number(fvm_rpc_call *call)
{
    return by_parameter(call, false);
}

fvm_err fvm_eth_get_block_by_hash(fvm_rpc_call *call)
{
    FVM_TRY(need_hash(call));
    return by_parameter(call, false);
}

fvm_err fvm_eth_get_header_by_number(fvm_rpc_call *call)
{
    return by_parameter(call, true);
}

fvm_err fvm_eth_get_header_by_hash(fvm_rpc_call *call)
{
    FVM_TRY(need_hash(call));
    return by_parameter(call, true);
}

fvm_err fvm_eth_get_block_tx_count(fvm_rpc_call *call)
{
    fvm_tipset t;
    bool found;
    FVM_TRY(find_block(call, &t, &found));
    if (found) fvm_jo_quantity(call->out, t.message_count);
    return FVM_OK;
}

typedef struct receipts {
    fvm_rpc_call *call;
    const fvm_tipset *tipset;
} receipts;

static fvm_err put_one_receipt(void *ctx, const fvm_chain_message *m)
{
    const receipts *r = ctx;
    if (r->call->out->buf.len > r->call->node->limits.reply_bytes) return FVM_ERR_LIMIT;
    return fvm_rpc_put_receipt(r->call->node, r->call->out, m, r->tipset->hash);
}

fvm_err fvm_eth_get_block_receipts(fvm_rpc_call *call)
{
    fvm_tipset t;
    bool found;
    receipts r = { call, &t };
    FVM_TRY(find_block(call, &t, &found));
    if (!found) return FVM_OK;
    fvm_jo_begin(call->out, '[');
    if (t.message_count)
        FVM_TRY(fvm_chain_messages(call->node->chain, t.number, put_one_receipt, &r));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

/* Filecoin has no uncles: none of a block that is there, null of one that is not. */
fvm_err fvm_eth_get_uncle_count(fvm_rpc_call *call)
{
    fvm_tipset t;
    bool found;
    FVM_TRY(find_block(call, &t, &found));
    if (found) fvm_jo_quantity(call->out, 0);
    return FVM_OK;
}

fvm_err fvm_eth_get_uncle(fvm_rpc_call *call)
{
    fvm_tipset t;
    bool found;
    uint64_t index;
    FVM_TRY(fvm_rpc_get_u64(call, 1, &index));
    FVM_TRY(find_block(call, &t, &found));
    if (found) fvm_jo_null(call->out);
    return FVM_OK;
}
