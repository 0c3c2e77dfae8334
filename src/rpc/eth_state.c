/* eth_state.c - what accounts have: balance, nonce, code, storage; and what chain this is. */
#include "crypto/crypto.h"
#include "methods.h"

#include <inttypes.h>

/* Address of parameter 0 and a view on the block of parameter `block`. */
static fvm_err open_state(fvm_rpc_call *call, fvm_address *address, fvm_chain_view **view,
                          size_t block)
{
    fvm_eth_address eth;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &eth));
    *address = fvm_rpc_fil(&eth);
    return fvm_rpc_view(call, view, block, false);
}

fvm_err fvm_eth_get_balance(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_chain_view *view;
    fvm_actor actor;
    uint64_t id;
    FVM_TRY(open_state(call, &address, &view, 1));
    fvm_err err = fvm_view_actor(view, &actor, &id, &address);
    fvm_chain_view_close(view);
    if (err == FVM_ERR_NOT_FOUND)
        fvm_jo_quantity(call->out, 0);
    else if (err == FVM_OK)
        fvm_jo_quantity_big(call->out, &actor.balance);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

fvm_err fvm_eth_get_tx_count(fvm_rpc_call *call)
{
    fvm_eth_address eth;
    fvm_rpc_block block;
    fvm_chain_view *view;
    uint64_t nonce, pooled = 0;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &eth));
    FVM_TRY(fvm_rpc_get_block(call, 1, &block));
    fvm_address address = fvm_rpc_fil(&eth);
    if (block.kind == FVM_RPC_BLOCK_PENDING)
        FVM_TRY(fvm_chain_next_nonce(call->node->chain, &pooled, &address));
    FVM_TRY(fvm_rpc_view(call, &view, 1, false));
    fvm_err err = fvm_view_nonce(view, &nonce, &address);
    fvm_chain_view_close(view);
    if (nonce < pooled) nonce = pooled; /* a contract's own has nothing to do with the pool */
    if (err == FVM_OK) fvm_jo_quantity(call->out, nonce);
    return err;
}

fvm_err fvm_eth_get_code(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_chain_view *view;
    fvm_buf code;
    FVM_TRY(open_state(call, &address, &view, 1));
    fvm_buf_init(&code, call->alloc);
    fvm_err err = fvm_view_evm_code(view, &code, &address);
    fvm_chain_view_close(view);
    if (err == FVM_OK || err == FVM_ERR_NOT_FOUND) {
        fvm_jo_hex(call->out, fvm_buf_bytes(&code));
        err = FVM_OK;
    }
    fvm_buf_deinit(&code);
    return err;
}

fvm_err fvm_eth_get_storage_at(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_chain_view *view;
    uint8_t slot[32], value[32] = { 0 };
    fvm_big number;
    if (!fvm_rpc_fixed(slot, 32, fvm_rpc_param(call, 1), true)) {
        FVM_TRY(fvm_rpc_get_u256(call, 1, &number)); /* a bare number */
        if (!fvm_rpc_word_of_big(slot, &number)) return fvm_rpc_bad_param(call, 1, "no slot");
    }
    FVM_TRY(open_state(call, &address, &view, 2));
    fvm_err err = fvm_view_evm_storage(view, value, &address, slot);
    fvm_chain_view_close(view);
    if (err == FVM_ERR_NOT_FOUND || err == FVM_ERR_INVALID) {
        memset(value, 0, sizeof value); /* nothing is there */
        err = FVM_OK;
    }
    if (err == FVM_OK) fvm_jo_hex(call->out, (fvm_bytes){ value, sizeof value });
    return err;
}

/* State is a HAMT of KAMTs; a Merkle-Patricia proof of it would be made up. */
fvm_err fvm_eth_get_proof(fvm_rpc_call *call)
{
    return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED,
                        "Filecoin's state is no Merkle-Patricia trie: there are no such proofs");
}

/* --- the chain --- */

fvm_err fvm_eth_chain_id(fvm_rpc_call *call)
{
    fvm_jo_quantity(call->out, fvm_node_chain_id(call->node));
    return FVM_OK;
}

fvm_err fvm_net_version(fvm_rpc_call *call)
{
    fvm_jo_format(call->out, "%" PRIu64, fvm_node_chain_id(call->node));
    return FVM_OK;
}

fvm_err fvm_net_listening(fvm_rpc_call *call)
{
    fvm_jo_bool(call->out, true);
    return FVM_OK;
}

fvm_err fvm_net_peer_count(fvm_rpc_call *call)
{
    fvm_jo_quantity(call->out, 0);
    return FVM_OK;
}

fvm_err fvm_eth_protocol_version(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_chain_info_get(call->node->chain, &info);
    fvm_jo_quantity(call->out, info.network_version);
    return FVM_OK;
}

fvm_err fvm_eth_syncing(fvm_rpc_call *call)
{
    fvm_jo_bool(call->out, false);
    return FVM_OK;
}

fvm_err fvm_eth_coinbase(fvm_rpc_call *call)
{
    fvm_jo_hex(call->out, (fvm_bytes){ call->node->coinbase.bytes, 20 });
    return FVM_OK;
}

fvm_err fvm_web3_client_version(fvm_rpc_call *call)
{
    /* hardhat's network helpers (time travel, fixtures, impersonation) work with nodes alone whose
     * name begins with that of one they know */
    fvm_jo_str(call->out, call->node->development ? FVM_RPC_DEV_AGENT : FVM_RPC_AGENT);
    return FVM_OK;
}

fvm_err fvm_web3_sha3(fvm_rpc_call *call)
{
    fvm_buf bytes;
    uint8_t hash[32];
    fvm_buf_init(&bytes, call->alloc);
    fvm_err err = fvm_rpc_get_bytes(call, 0, &bytes);
    if (err == FVM_OK) {
        fvm_keccak256(hash, fvm_buf_bytes(&bytes));
        fvm_jo_hex(call->out, (fvm_bytes){ hash, sizeof hash });
    }
    fvm_buf_deinit(&bytes);
    return err;
}

fvm_err fvm_rpc_discover(fvm_rpc_call *call)
{
    fvm_rpc_table_discover(call->node->table, call->out, FVM_RPC_AGENT);
    return FVM_OK;
}

fvm_err fvm_rpc_modules(fvm_rpc_call *call)
{
    static const char *const modules[] = { "eth",    "net", "web3",  "trace",
                                           "txpool", "evm", "anvil", "hardhat" };
    fvm_jo_begin(call->out, '{');
    for (size_t i = 0; i < FVM_COUNT(modules); i++) fvm_jo_k_str(call->out, modules[i], "1.0");
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}
