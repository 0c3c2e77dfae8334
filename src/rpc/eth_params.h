/* eth_params.h - Ethereum's encodings as parameters (reference rpc.md 3): quantities, bytes, addresses,
 * hashes, block parameters, call objects. */
#ifndef FVM_RPC_ETH_PARAMS_H
#define FVM_RPC_ETH_PARAMS_H

#include "call.h"
#include "chain/eth_tx.h"

/* Values: false when it is none. */

/** "0x1f", "31" or 31. Leading zeros and "0x" are taken, as Lotus takes them. */
bool fvm_rpc_u64(uint64_t *out, const json_t *value);
bool fvm_rpc_i64(int64_t *out, const json_t *value); /* not beyond i64's range */
bool fvm_rpc_u256(fvm_big *out, const json_t *value);
bool fvm_rpc_bool(bool *out, const json_t *value);
/** Appends; odd digits get a zero in front. FVM_ERR_MALFORMED, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_rpc_bytes(fvm_buf *out, const json_t *value);
/** Exactly `n` bytes; with `shorter`, fewer are padded on the left. */
bool fvm_rpc_fixed(uint8_t *out, size_t n, const json_t *value, bool shorter);
static inline bool fvm_rpc_eth_address(fvm_eth_address *out, const json_t *value)
{
    return fvm_rpc_fixed(out->bytes, sizeof out->bytes, value, false);
}
/** 256 bits of a number, big endian. False when it does not fit. */
bool fvm_rpc_word_of_big(uint8_t out[32], const fvm_big *value);
fvm_big fvm_rpc_big_of_word(const uint8_t word[32]);

/** A block parameter, not looked up yet. */
typedef enum fvm_rpc_block_kind {
    FVM_RPC_BLOCK_LATEST, /* also what is left out */
    FVM_RPC_BLOCK_PENDING,
    FVM_RPC_BLOCK_EARLIEST,
    FVM_RPC_BLOCK_SAFE,
    FVM_RPC_BLOCK_FINALIZED,
    FVM_RPC_BLOCK_NUMBER,
    FVM_RPC_BLOCK_HASH,
} fvm_rpc_block_kind;
typedef struct fvm_rpc_block {
    fvm_rpc_block_kind kind;
    uint64_t number;
    uint8_t hash[32];
} fvm_rpc_block;
/** A tag, a number, a hash of 32 bytes, or EIP-1898's object. NULL: latest. */
bool fvm_rpc_block_read(fvm_rpc_block *out, const json_t *value);

/* Parameters of a call: an error is set when it is wrong or missing. */

FVM_NODISCARD fvm_err fvm_rpc_get_u64(fvm_rpc_call *call, size_t i, uint64_t *out);
FVM_NODISCARD fvm_err fvm_rpc_get_u256(fvm_rpc_call *call, size_t i, fvm_big *out);
FVM_NODISCARD fvm_err fvm_rpc_get_bool(fvm_rpc_call *call, size_t i, bool *out);
FVM_NODISCARD fvm_err fvm_rpc_get_bytes(fvm_rpc_call *call, size_t i, fvm_buf *out);
FVM_NODISCARD fvm_err fvm_rpc_get_hash(fvm_rpc_call *call, size_t i, uint8_t out[32]);
FVM_NODISCARD fvm_err fvm_rpc_get_eth_address(fvm_rpc_call *call, size_t i, fvm_eth_address *out);
FVM_NODISCARD fvm_err fvm_rpc_get_block(fvm_rpc_call *call, size_t i, fvm_rpc_block *out);
FVM_NODISCARD fvm_err fvm_rpc_get_text(fvm_rpc_call *call, size_t i, fvm_bytes *out);

/** A call object: what eth_call, eth_estimateGas and eth_sendTransaction take. */
typedef struct fvm_rpc_tx_request {
    bool has_from, has_to, has_gas, has_gas_price, has_max_fee, has_priority, has_value, has_nonce,
        has_chain_id, has_type;
    fvm_eth_address from, to;
    uint64_t gas, nonce, chain_id, type;
    const char *foreign; /* a field with which Filecoin has no transactions; NULL: none */
    fvm_big gas_price, max_fee, priority, value;
    fvm_buf input;
} fvm_rpc_tx_request;
/** Reads it; `out` is to be freed in any case. */
FVM_NODISCARD fvm_err fvm_rpc_tx_request_read(fvm_rpc_call *call, fvm_rpc_tx_request *out,
                                              const json_t *value);
void fvm_rpc_tx_request_deinit(fvm_rpc_tx_request *request);
#endif
