/* eth_txs.c - transactions and receipts by hash, place, or sender and nonce. What is not there is null. */
#include "methods.h"

typedef fvm_err (*put_message)(fvm_rpc_call *call, const fvm_chain_message *m,
                               const uint8_t block_hash[32]);

/* The hash of the tipset that the message is in. */
static fvm_err hash_of(fvm_node *node, uint8_t out[32], const fvm_chain_message *m)
{
    fvm_tipset t;
    memset(out, 0, 32);
    if (m->number == FVM_CHAIN_PENDING) return FVM_OK;
    FVM_TRY(fvm_chain_tipset(node->chain, &t, m->number));
    memcpy(out, t.hash, 32);
    return FVM_OK;
}

static fvm_err found_or_null(fvm_rpc_call *call, fvm_err err, const fvm_chain_message *m,
                             put_message put)
{
    uint8_t hash[32];
    if (err == FVM_OK) err = hash_of(call->node, hash, m);
    if (err == FVM_OK) return put(call, m, hash);
    if (err != FVM_ERR_NOT_FOUND) return err;
    fvm_jo_null(call->out); /* unknown, or of a tipset that was reverted just now */
    return FVM_OK;
}

static fvm_err by_hash(fvm_rpc_call *call, put_message put)
{
    uint8_t hash[32];
    fvm_chain_message m;
    FVM_TRY(fvm_rpc_get_hash(call, 0, hash));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_eth_hash(call->node->chain, &m, hash);
    err = found_or_null(call, err, &m, put);
    fvm_chain_message_deinit(&m);
    return err;
}

static fvm_err by_place(fvm_rpc_call *call, put_message put)
{
    fvm_rpc_block b;
    fvm_tipset t;
    uint64_t index;
    fvm_chain_message m;
    FVM_TRY(fvm_rpc_get_block(call, 0, &b));
    FVM_TRY(fvm_rpc_get_u64(call, 1, &index));
    fvm_err err = fvm_rpc_tipset_exact(call, &t, &b);
    if (err == FVM_OK && index >= t.message_count) err = FVM_ERR_NOT_FOUND;
    fvm_chain_message_init(&m, call->alloc);
    if (err == FVM_OK) err = fvm_chain_message_at(call->node->chain, &m, t.number, (uint32_t)index);
    if (err != FVM_ERR_INVALID) err = found_or_null(call, err, &m, put);
    fvm_chain_message_deinit(&m);
    return err;
}

static fvm_err put_transaction(fvm_rpc_call *call, const fvm_chain_message *m,
                               const uint8_t hash[32])
{
    return fvm_rpc_put_tx(call->node, call->out, m, hash);
}

static fvm_err put_receipt(fvm_rpc_call *call, const fvm_chain_message *m, const uint8_t hash[32])
{
    if (m->number != FVM_CHAIN_PENDING) return fvm_rpc_put_receipt(call->node, call->out, m, hash);
    fvm_jo_null(call->out);
    return FVM_OK;
}

/* The bytes that were signed; native messages have none in Ethereum's form. */
static fvm_err put_raw(fvm_rpc_call *call, const fvm_chain_message *m, const uint8_t hash[32])
{
    fvm_eth_tx tx;
    fvm_buf input, raw;
    bool native;
    (void)hash;
    fvm_buf_init(&input, call->alloc);
    fvm_buf_init(&raw, call->alloc);
    fvm_err err = fvm_rpc_tx_of(call->node, &tx, &input, m, &native);
    if (err == FVM_OK && !native && m->signature.len) err = fvm_eth_tx_write(&raw, &tx);
    if (err == FVM_OK && raw.len)
        fvm_jo_hex(call->out, fvm_buf_bytes(&raw));
    else if (err == FVM_OK)
        fvm_jo_null(call->out);
    fvm_buf_deinit(&raw);
    fvm_buf_deinit(&input);
    return err;
}

fvm_err fvm_eth_get_tx_by_hash(fvm_rpc_call *call)
{
    return by_hash(call, put_transaction);
}

fvm_err fvm_eth_get_tx_by_place(fvm_rpc_call *call)
{
    return by_place(call, put_transaction);
}

fvm_err fvm_eth_get_raw_tx_by_hash(fvm_rpc_call *call)
{
    return by_hash(call, put_raw);
}

fvm_err fvm_eth_get_raw_tx_by_place(fvm_rpc_call *call)
{
    return by_place(call, put_raw);
}

fvm_err fvm_eth_get_receipt(fvm_rpc_call *call)
{
    return by_hash(call, put_receipt);
}

fvm_err fvm_eth_get_tx_by_nonce(fvm_rpc_call *call)
{
    fvm_eth_address sender;
    uint64_t nonce;
    fvm_chain_message m;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &sender));
    FVM_TRY(fvm_rpc_get_u64(call, 1, &nonce));
    fvm_address address = fvm_rpc_fil(&sender);
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_nonce(call->node->chain, &m, &address, nonce);
    err = found_or_null(call, err, &m, put_transaction);
    fvm_chain_message_deinit(&m);
    return err;
}

static fvm_err put_cid(fvm_rpc_call *call, const fvm_chain_message *m, const uint8_t hash[32])
{
    (void)hash;
    fvm_jo_cid(call->out, &m->cid);
    return FVM_OK;
}

fvm_err fvm_eth_get_cid_by_hash(fvm_rpc_call *call)
{
    return by_hash(call, put_cid);
}
