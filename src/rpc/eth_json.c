/* eth_json.c - Ethereum's objects: transactions, receipts, blocks, logs (reference rpc.md 5 to 7). */
#include "node.h"

static fvm_bytes hash_bytes(const uint8_t hash[32])
{
    return (fvm_bytes){ hash, 32 };
}

static fvm_bytes address_bytes(const uint8_t address[20])
{
    return (fvm_bytes){ address, 20 };
}

/* --- transactions --- */

fvm_err fvm_rpc_tx_of(fvm_node *node, fvm_eth_tx *out, fvm_buf *input, const fvm_chain_message *m,
                      bool *native)
{
    uint64_t chain_id = fvm_node_chain_id(node);
    fvm_signed_message sm = { .message = m->message };
    fvm_err err = FVM_ERR_INVALID;
    bool to_unknown;
    *native = false;
    if (m->signature.type == FVM_SIGNATURE_DELEGATED) {
        sm.signature = m->signature;
        err = fvm_eth_tx_from_message(out, &sm, chain_id, NULL);
    } else if (!m->signature.len &&
               fvm_address_protocol(&m->message.from) == FVM_PROTOCOL_DELEGATED) {
        err = fvm_eth_tx_from_unsigned(out, &m->message, chain_id, NULL);
    }
    if (err == FVM_OK || fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    *native = true;
    return fvm_eth_tx_of_native(out, &to_unknown, input, &m->message, chain_id);
}

/* Sender and receiver as shown: what the chain looked up, or what the addresses say by themselves. */
static void parties(const fvm_chain_message *m, const fvm_eth_tx *tx, fvm_eth_address *from,
                    fvm_eth_address *to)
{
    if (m->number != FVM_CHAIN_PENDING) {
        memcpy(from->bytes, m->from_eth, sizeof from->bytes);
        memcpy(to->bytes, m->to_eth, sizeof to->bytes);
        return;
    }
    *to = tx->to;
    if (!fvm_eth_address_of_fil(from, &m->message.from))
        *from = fvm_eth_address_masked(FVM_ETH_NOBODY);
}

static void put_place(fvm_jo *o, const fvm_chain_message *m, const uint8_t block_hash[32])
{
    bool pending = m->number == FVM_CHAIN_PENDING;
    if (pending) {
        fvm_jo_k_null(o, "blockHash");
        fvm_jo_k_null(o, "blockNumber");
        fvm_jo_k_null(o, "transactionIndex");
        return;
    }
    fvm_jo_k_hex(o, "blockHash", hash_bytes(block_hash));
    fvm_jo_k_quantity(o, "blockNumber", m->number);
    fvm_jo_k_quantity(o, "transactionIndex", m->index);
}

static void put_signature(fvm_jo *o, const fvm_eth_tx *tx)
{
    fvm_big r = fvm_rpc_big_of_word(tx->r), s = fvm_rpc_big_of_word(tx->s);
    fvm_jo_k_quantity(o, "v", fvm_eth_tx_v(tx));
    fvm_jo_k_big(o, "r", &r);
    fvm_jo_k_big(o, "s", &s);
}

/* Fees by kind: legacy transactions have a price alone. */
static void put_fees(fvm_jo *o, const fvm_eth_tx *tx)
{
    if (tx->kind != FVM_ETH_EIP1559) {
        fvm_jo_k_str(o, "type", "0x0");
        fvm_jo_k_big(o, "gasPrice", &tx->max_fee);
        if (tx->kind == FVM_ETH_EIP155) fvm_jo_k_quantity(o, "chainId", tx->chain_id);
        return;
    }
    fvm_jo_k_str(o, "type", "0x2");
    fvm_jo_k_quantity(o, "chainId", tx->chain_id);
    fvm_jo_k_big(o, "maxFeePerGas", &tx->max_fee);
    fvm_jo_k_big(o, "maxPriorityFeePerGas", &tx->max_priority_fee);
    fvm_jo_k_quantity(o, "yParity", tx->y_odd);
    fvm_jo_key(o, "accessList");
    fvm_jo_begin(o, '[');
    fvm_jo_end(o, ']');
}

void fvm_rpc_put_tx_fields(fvm_jo *o, const fvm_chain_message *m, const fvm_eth_tx *tx,
                           const uint8_t block_hash[32])
{
    fvm_eth_address from, to;
    parties(m, tx, &from, &to);
    fvm_jo_begin(o, '{');
    fvm_jo_k_hex(o, "hash", hash_bytes(m->eth_hash));
    fvm_jo_k_quantity(o, "nonce", tx->nonce);
    put_place(o, m, block_hash);
    fvm_jo_k_hex(o, "from", address_bytes(from.bytes));
    if (tx->creates)
        fvm_jo_k_null(o, "to");
    else
        fvm_jo_k_hex(o, "to", address_bytes(to.bytes));
    fvm_jo_k_big(o, "value", &tx->value);
    fvm_jo_k_quantity(o, "gas", tx->gas_limit);
    fvm_jo_k_hex(o, "input", tx->input);
    put_fees(o, tx);
    put_signature(o, tx);
    fvm_jo_end(o, '}');
}

fvm_err fvm_rpc_put_tx(fvm_node *node, fvm_jo *o, const fvm_chain_message *m,
                       const uint8_t block_hash[32])
{
    fvm_eth_tx tx;
    fvm_buf input;
    bool native;
    fvm_buf_init(&input, node->alloc);
    fvm_err err = fvm_rpc_tx_of(node, &tx, &input, m, &native);
    if (err == FVM_OK) fvm_rpc_put_tx_fields(o, m, &tx, block_hash);
    fvm_buf_deinit(&input);
    return err;
}

/* --- logs --- */

void fvm_rpc_put_log(fvm_jo *o, const fvm_chain_event *e, bool removed, uint64_t timestamp)
{
    fvm_jo_begin(o, '{');
    fvm_jo_k_hex(o, "address", address_bytes(e->emitter_eth));
    fvm_jo_key(o, "topics");
    fvm_jo_begin(o, '[');
    for (unsigned i = 0; i < e->topic_count; i++) fvm_jo_hex(o, hash_bytes(e->topics[i]));
    fvm_jo_end(o, ']');
    fvm_jo_k_hex(o, "data", e->data);
    fvm_jo_k_hex(o, "blockHash", hash_bytes(e->block_hash));
    fvm_jo_k_quantity(o, "blockNumber", e->number);
    if (timestamp) fvm_jo_k_quantity(o, "blockTimestamp", timestamp);
    fvm_jo_k_hex(o, "transactionHash", hash_bytes(e->eth_hash));
    fvm_jo_k_quantity(o, "transactionIndex", e->message_index);
    fvm_jo_k_quantity(o, "logIndex", e->log_index);
    fvm_jo_k_bool(o, "removed", removed);
    fvm_jo_end(o, '}');
}

/* --- receipts --- */

typedef struct receipt_logs {
    fvm_jo *out;
    uint8_t bloom[256];
} receipt_logs;

static fvm_err put_receipt_log(void *ctx, const fvm_chain_event *e)
{
    receipt_logs *logs = ctx;
    fvm_bloom_add(logs->bloom, address_bytes(e->emitter_eth));
    for (unsigned i = 0; i < e->topic_count; i++)
        fvm_bloom_add(logs->bloom, hash_bytes(e->topics[i]));
    fvm_rpc_put_log(logs->out, e, false, 0);
    return FVM_OK;
}

/* What the sender paid for each unit of gas that was used: burnt, tipped, and burnt for estimating
 * too much. */
static fvm_big effective_price(const fvm_chain_message *m)
{
    fvm_big sum;
    uint64_t hi, lo;
    if (!m->gas_used || fvm_big_add(&sum, &m->base_fee_burn, &m->over_estimation_burn) != FVM_OK ||
        fvm_big_add(&sum, &sum, &m->miner_tip) != FVM_OK || !fvm_big_to_u128(&hi, &lo, &sum))
        return m->base_fee;
    fvm_u128 price = ((fvm_u128)hi << 64 | lo) / m->gas_used;
    return fvm_big_u128((uint64_t)(price >> 64), (uint64_t)price);
}

static fvm_err put_receipt_fields(fvm_node *node, fvm_jo *o, const fvm_chain_message *m,
                                  const fvm_eth_tx *tx, const uint8_t block_hash[32])
{
    static const uint8_t zero[32];
    receipt_logs logs = { o, { 0 } };
    fvm_eth_address from, to;
    parties(m, tx, &from, &to);
    fvm_jo_begin(o, '{');
    fvm_jo_k_hex(o, "transactionHash", hash_bytes(m->eth_hash));
    put_place(o, m, block_hash);
    fvm_jo_k_hex(o, "from", address_bytes(from.bytes));
    if (tx->creates)
        fvm_jo_k_null(o, "to");
    else
        fvm_jo_k_hex(o, "to", address_bytes(to.bytes));
    fvm_jo_k_quantity(o, "cumulativeGasUsed", m->cumulative_gas);
    fvm_jo_k_quantity(o, "gasUsed", m->gas_used);
    fvm_big price = effective_price(m);
    fvm_jo_k_big(o, "effectiveGasPrice", &price);
    if (m->has_contract && m->exit_code == 0)
        fvm_jo_k_hex(o, "contractAddress", address_bytes(m->contract));
    else
        fvm_jo_k_null(o, "contractAddress");
    fvm_jo_key(o, "logs");
    fvm_jo_begin(o, '[');
    FVM_TRY(fvm_chain_message_events(node->chain, m, false, put_receipt_log, &logs));
    fvm_jo_end(o, ']');
    fvm_jo_k_hex(o, "logsBloom", (fvm_bytes){ logs.bloom, sizeof logs.bloom });
    fvm_jo_k_hex(o, "root", hash_bytes(zero));
    fvm_jo_k_quantity(o, "status", m->exit_code == 0);
    fvm_jo_k_str(o, "type", tx->kind == FVM_ETH_EIP1559 ? "0x2" : "0x0");
    fvm_jo_end(o, '}');
    return FVM_OK;
}

fvm_err fvm_rpc_put_receipt(fvm_node *node, fvm_jo *o, const fvm_chain_message *m,
                            const uint8_t block_hash[32])
{
    fvm_eth_tx tx;
    fvm_buf input;
    bool native;
    fvm_buf_init(&input, node->alloc);
    fvm_err err = fvm_rpc_tx_of(node, &tx, &input, m, &native);
    if (err == FVM_OK) err = put_receipt_fields(node, o, m, &tx, block_hash);
    fvm_buf_deinit(&input);
    return err;
}

/* --- blocks --- */

typedef struct block_txs {
    fvm_node *node;
    fvm_jo *out;
    const fvm_tipset *tipset;
    bool full;
} block_txs;

static fvm_err put_block_tx(void *ctx, const fvm_chain_message *m)
{
    const block_txs *t = ctx;
    if (t->full) return fvm_rpc_put_tx(t->node, t->out, m, t->tipset->hash);
    fvm_jo_hex(t->out, hash_bytes(m->eth_hash));
    return FVM_OK;
}

/* keccak-256 of the RLP of an empty list, and of an empty string: no uncles, no transactions. */
static const uint8_t no_uncles[32] = { 0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a,
                                       0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
                                       0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13,
                                       0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47 };
static const uint8_t no_transactions[32] = { 0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6,
                                             0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
                                             0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0,
                                             0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21 };

void fvm_rpc_put_header_fields(fvm_node *node, fvm_jo *o, const fvm_tipset *t)
{
    static const uint8_t zero[32];
    fvm_jo_k_hex(o, "hash", hash_bytes(t->hash));
    fvm_jo_k_hex(o, "parentHash", hash_bytes(t->parent_hash));
    fvm_jo_k_hex(o, "sha3Uncles", hash_bytes(no_uncles));
    fvm_jo_k_hex(o, "miner", address_bytes(node->coinbase.bytes));
    fvm_jo_k_hex(o, "stateRoot", hash_bytes(zero));
    fvm_jo_k_hex(o, "transactionsRoot", hash_bytes(t->message_count ? zero : no_transactions));
    fvm_jo_k_hex(o, "receiptsRoot", hash_bytes(zero));
    fvm_jo_k_hex(o, "logsBloom", (fvm_bytes){ t->bloom, sizeof t->bloom });
    fvm_jo_k_str(o, "difficulty", "0x0");
    fvm_jo_k_str(o, "totalDifficulty", "0x0");
    fvm_jo_k_quantity(o, "number", t->number);
    fvm_jo_k_quantity(o, "gasLimit", fvm_chain_block_gas(node->chain));
    fvm_jo_k_quantity(o, "gasUsed", t->gas_used);
    fvm_jo_k_quantity(o, "timestamp", t->timestamp);
    fvm_jo_k_str(o, "extraData", "0x");
    fvm_jo_k_hex(o, "mixHash", hash_bytes(t->randomness));
    fvm_jo_k_hex(o, "nonce", (fvm_bytes){ zero, 8 });
    fvm_jo_k_big(o, "baseFeePerGas", &t->base_fee);
    fvm_jo_k_str(o, "size", "0x0");
}

fvm_err fvm_rpc_put_block(fvm_node *node, fvm_jo *o, const fvm_tipset *t, bool full,
                          bool header_only)
{
    block_txs txs = { node, o, t, full };
    fvm_jo_begin(o, '{');
    fvm_rpc_put_header_fields(node, o, t);
    if (!header_only) {
        fvm_jo_key(o, "transactions");
        fvm_jo_begin(o, '[');
        if (t->message_count)
            FVM_TRY(fvm_chain_messages(node->chain, t->number, put_block_tx, &txs));
        fvm_jo_end(o, ']');
        fvm_jo_key(o, "uncles");
        fvm_jo_begin(o, '[');
        fvm_jo_end(o, ']');
    }
    fvm_jo_end(o, '}');
    return FVM_OK;
}
