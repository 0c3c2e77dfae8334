/* dev_state.c - development methods that edit, dump and load state, and that say what node this is. */
#include "methods.h"

#include <stdio.h>

static fvm_err edit(fvm_rpc_call *call, fvm_edit *e, const fvm_eth_address *who, bool say_true)
{
    e->address = fvm_rpc_fil(who);
    fvm_err err = fvm_chain_edit(call->node->chain, e, 1);
    if (err == FVM_ERR_INVALID)
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "that cannot be set of an actor of its kind");
    FVM_TRY(err);
    if (say_true)
        fvm_jo_bool(call->out, true);
    else
        fvm_jo_null(call->out);
    return FVM_OK;
}

fvm_err fvm_dev_set_balance(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_edit e = { .kind = FVM_EDIT_BALANCE };
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    FVM_TRY(fvm_rpc_get_u256(call, 1, &e.balance));
    return edit(call, &e, &who, true);
}

fvm_err fvm_dev_add_balance(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_edit e = { .kind = FVM_EDIT_BALANCE };
    fvm_chain_view *view;
    fvm_actor actor;
    uint64_t id;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    FVM_TRY(fvm_rpc_get_u256(call, 1, &e.balance));
    fvm_address address = fvm_rpc_fil(&who);
    FVM_TRY(fvm_rpc_head_view(call, &view, false));
    fvm_err err = fvm_view_actor(view, &actor, &id, &address);
    fvm_chain_view_close(view);
    if (err == FVM_OK) err = fvm_big_add(&e.balance, &e.balance, &actor.balance);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    return edit(call, &e, &who, false);
}

fvm_err fvm_dev_set_nonce(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_edit e = { .kind = FVM_EDIT_NONCE };
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    FVM_TRY(fvm_rpc_get_u64(call, 1, &e.nonce));
    return edit(call, &e, &who, true);
}

fvm_err fvm_dev_set_code(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_edit e = { .kind = FVM_EDIT_CODE };
    fvm_buf code;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    fvm_buf_init(&code, call->alloc);
    fvm_err err = fvm_rpc_get_bytes(call, 1, &code);
    e.code = fvm_buf_bytes(&code);
    if (err == FVM_OK) err = edit(call, &e, &who, true);
    fvm_buf_deinit(&code);
    return err;
}

fvm_err fvm_dev_set_storage(fvm_rpc_call *call)
{
    fvm_eth_address who;
    fvm_edit e = { .kind = FVM_EDIT_STORAGE };
    fvm_big number;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    if (!fvm_rpc_fixed(e.slot, 32, fvm_rpc_param(call, 1), true)) {
        FVM_TRY(fvm_rpc_get_u256(call, 1, &number));
        if (!fvm_rpc_word_of_big(e.slot, &number)) return fvm_rpc_bad_param(call, 1, "no slot");
    }
    if (!fvm_rpc_fixed(e.value, 32, fvm_rpc_param(call, 2), true))
        return fvm_rpc_bad_param(call, 2, "not 32 bytes");
    return edit(call, &e, &who, true);
}

fvm_err fvm_dev_set_chain_id(fvm_rpc_call *call)
{
    uint64_t id;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &id));
    fvm_chain_set_chain_id(call->node->chain, id);
    fvm_jo_null(call->out);
    return FVM_OK;
}

fvm_err fvm_dev_set_coinbase(fvm_rpc_call *call)
{
    fvm_eth_address who;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    call->node->coinbase = who; /* shown; rewards go to the miner */
    fvm_jo_bool(call->out, true);
    return FVM_OK;
}

fvm_err fvm_dev_set_logging(fvm_rpc_call *call)
{
    bool on;
    FVM_TRY(fvm_rpc_get_bool(call, 0, &on));
    call->node->logging = on;
    fvm_jo_bool(call->out, true);
    return FVM_OK;
}

fvm_err fvm_dev_set_rpc_url(fvm_rpc_call *call)
{
    return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "forking is not supported");
}

/* --- whole states --- */

fvm_err fvm_dev_dump_state(fvm_rpc_call *call)
{
    fvm_buf dump;
    fvm_buf_init(&dump, call->alloc);
    fvm_err err = fvm_chain_state_dump(call->node->chain, &dump);
    if (err == FVM_OK) fvm_jo_hex(call->out, fvm_buf_bytes(&dump));
    fvm_buf_deinit(&dump);
    return err;
}

fvm_err fvm_dev_load_state(fvm_rpc_call *call)
{
    fvm_store_why why = { { 0 } };
    fvm_buf dump;
    fvm_buf_init(&dump, call->alloc);
    fvm_err err = fvm_rpc_get_bytes(call, 0, &dump);
    if (err == FVM_OK) {
        err = fvm_chain_state_load(call->node->chain, fvm_buf_bytes(&dump), &why);
        if (err != FVM_OK && fvm_err_class_of(err) != FVM_CLASS_HOST)
            err = fvm_rpc_bad_param(call, 0, why.text[0] ? why.text : fvm_err_text(err));
    }
    fvm_buf_deinit(&dump);
    if (err == FVM_OK) fvm_jo_bool(call->out, true);
    return err;
}

/* --- what node this is --- */

fvm_err fvm_dev_node_info(fvm_rpc_call *call)
{
    fvm_node *node = call->node;
    fvm_jo *o = call->out;
    fvm_tipset head;
    fvm_big fee;
    fvm_chain_info info;
    fvm_chain_head(node->chain, &head);
    fvm_chain_next_base_fee(node->chain, &fee);
    fvm_chain_info_get(node->chain, &info);
    fvm_jo_begin(o, '{');
    fvm_jo_k_quantity(o, "currentBlockNumber", head.number);
    fvm_jo_k_quantity(o, "currentBlockTimestamp", head.timestamp);
    fvm_jo_k_hex(o, "currentBlockHash", (fvm_bytes){ head.hash, 32 });
    fvm_jo_k_str(o, "hardFork", "prague");
    fvm_jo_k_str(o, "transactionOrder", "fees");
    fvm_jo_k_u64(o, "networkVersion", info.network_version);
    fvm_jo_key(o, "environment");
    fvm_jo_begin(o, '{');
    fvm_jo_k_big(o, "baseFee", &fee);
    fvm_jo_k_quantity(o, "chainId", info.chain_id);
    fvm_jo_k_quantity(o, "gasLimit", fvm_chain_block_gas(node->chain));
    fvm_jo_k_quantity(o, "gasPrice", 0);
    fvm_jo_end(o, '}');
    fvm_jo_key(o, "forkConfig");
    fvm_jo_begin(o, '{');
    fvm_jo_end(o, '}');
    fvm_jo_end(o, '}');
    return FVM_OK;
}

fvm_err fvm_dev_metadata(fvm_rpc_call *call)
{
    fvm_node *node = call->node;
    fvm_jo *o = call->out;
    fvm_tipset head;
    fvm_chain_head(node->chain, &head);
    fvm_jo_begin(o, '{');
    fvm_jo_k_str(o, "clientVersion", FVM_RPC_DEV_AGENT);
    fvm_jo_k_u64(o, "chainId", fvm_node_chain_id(node));
    fvm_jo_k_hex(o, "instanceId", (fvm_bytes){ node->instance, 32 });
    fvm_jo_k_u64(o, "latestBlockNumber", head.number);
    fvm_jo_k_hex(o, "latestBlockHash", (fvm_bytes){ head.hash, 32 });
    fvm_jo_k_null(o, "forkedNetwork");
    fvm_jo_end(o, '}');
    return FVM_OK;
}
