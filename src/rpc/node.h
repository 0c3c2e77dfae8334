/* node.h - the node: a chain, its keys, its server, and what the methods share. */
#ifndef FVM_RPC_NODE_H
#define FVM_RPC_NODE_H

#include "chain/chain.h"
#include "chain/key.h"
#include "dispatch.h"
#include "eth_params.h"
#include "server.h"

#include <pthread.h>
#include <stdatomic.h>

#define FVM_RPC_AGENT "fvm/v0.1.0/linux/c11"
/** What web3_clientVersion says of a development node: hardhat's helpers want one of the names they know
 *  at the front. */
#define FVM_RPC_DEV_AGENT "anvil-compatible/" FVM_RPC_AGENT
#define FVM_RPC_NATIVE_BASE_BLOCKS 2880u /* of a range of logs (rpc.md 7) */
#define FVM_RPC_LOGS_MAX 10000u

typedef struct fvm_node_log fvm_node_log; /* log.h */
typedef struct fvm_filters fvm_filters;   /* filters.h */

typedef struct fvm_node {
    fvm_chain *chain;
    const fvm_allocator *alloc;
    fvm_rpc_table *table;
    fvm_rpc_server *server; /* NULL while there is none (tests) */
    fvm_rpc_limits limits;
    fvm_node_log *log;
    fvm_filters *filters;
    uint64_t listener;
    bool listening;
    fvm_trace_sink watcher; /* of what is sealed: prints console.log */
    bool development;
    char letter; /* of addresses: 'f' on mainnet, else 't' */
    uint8_t instance[32];
    uint64_t started_ms;
    /* keys that the node signs with; `keys_lock` guards them */
    pthread_mutex_t keys_lock;
    fvm_key *keys;
    size_t key_count;
    uint32_t key_room;
    fvm_address default_key;   /* Filecoin.WalletSetDefault; len 0: the first */
    pthread_mutex_t send_lock; /* from a message's nonce to its place in the pool */
    atomic_bool logging;
    fvm_eth_address coinbase;
    atomic_bool wait_for_seal; /* sendRawTransaction answers when the message is sealed */
    /** Stops the node (Filecoin.Shutdown, SIGTERM). */
    void (*shutdown)(void *ctx);
    void *shutdown_ctx;
} fvm_node;

/** Every method there is. */
extern const fvm_rpc_method fvm_rpc_methods[];
extern const size_t fvm_rpc_method_count;

typedef struct fvm_node_options {
    fvm_chain *chain;    /* borrowed */
    const fvm_key *keys; /* copied */
    size_t key_count;
    bool no_development; /* without the methods of tier C */
    bool log_json, log_off, log_calls;
    fvm_rpc_limits limits; /* 0: 1,000 calls, 128 MiB, 30 s */
    void (*shutdown)(void *ctx);
    void *shutdown_ctx;
} fvm_node_options;
/** A node without a server: bodies can be handled at once. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_node_new(fvm_node **out, const fvm_node_options *o,
                                   const fvm_allocator *alloc);
/** Starts to serve. Errors of fvm_rpc_server_start. */
FVM_NODISCARD fvm_err fvm_node_serve(fvm_node *node, const fvm_rpc_server_options *o);
/** Stops serving and frees the node; the chain is its owner's. */
void fvm_node_free(fvm_node *node);
/** Handles one body, as the server does. */
void fvm_node_handle(fvm_node *node, fvm_rpc_session *session, fvm_bytes body, fvm_jo *out);

/* --- keys --- */

/** Copies the key of an address; false when the node has none. Wipe it. */
bool fvm_node_key_of(fvm_node *node, fvm_key *out, const fvm_address *address);
FVM_NODISCARD fvm_err fvm_node_key_add(fvm_node *node, const fvm_key *key);
bool fvm_node_key_remove(fvm_node *node, const fvm_address *address);

/* --- what methods share --- */

static inline uint64_t fvm_node_chain_id(const fvm_node *node)
{
    fvm_chain_info info;
    fvm_chain_info_get(node->chain, &info);
    return info.chain_id;
}
/** The Filecoin form of an Ethereum address. */
static inline fvm_address fvm_rpc_fil(const fvm_eth_address *a)
{
    return fvm_eth_address_to_fil(a);
}

/** The tipset that a block parameter means for methods that name a concrete block: a null round is error
 *  12, a number above the head an error; an unknown hash FVM_ERR_NOT_FOUND without words. */
FVM_NODISCARD fvm_err fvm_rpc_tipset_exact(fvm_rpc_call *call, fvm_tipset *out,
                                           const fvm_rpc_block *block);
/** The same for methods that read state: null rounds give the tipset before. Every failure has words. */
FVM_NODISCARD fvm_err fvm_rpc_tipset_state(fvm_rpc_call *call, fvm_tipset *out,
                                           const fvm_rpc_block *block);
/** A view on the head's state, with the call's deadline; `next`: as the tipset after sees it. Close it. */
FVM_NODISCARD fvm_err fvm_rpc_head_view(fvm_rpc_call *call, fvm_chain_view **out, bool next);
/** A view on the state that parameter `i` means. Close it. */
FVM_NODISCARD fvm_err fvm_rpc_view(fvm_rpc_call *call, fvm_chain_view **out, size_t i, bool next);

/** The error of a message that failed: code 3 with the bytes that the contract gave. */
fvm_err fvm_rpc_failed_message(fvm_rpc_call *call, const fvm_receipt *receipt);
/** What a message gave to Ethereum's eyes: the bytes in the CBOR byte string, else nothing. */
fvm_bytes fvm_rpc_evm_output(const fvm_receipt *receipt);
/** The reason in words: Error(...), Panic(...), or hex. At most `room` bytes, NUL included. */
void fvm_rpc_revert_reason(char *out, size_t room, fvm_bytes data);

/* Ethereum's objects (eth_json.c). */

/** A transaction. `block_hash` is of the message's tipset; not looked at when it is pending. */
FVM_NODISCARD fvm_err fvm_rpc_put_tx(fvm_node *node, fvm_jo *out, const fvm_chain_message *m,
                                     const uint8_t block_hash[32]);
FVM_NODISCARD fvm_err fvm_rpc_put_receipt(fvm_node *node, fvm_jo *out, const fvm_chain_message *m,
                                          const uint8_t block_hash[32]);
/** full: transactions as objects. `header_only`: without transactions and uncles (eth_getHeaderBy...). */
FVM_NODISCARD fvm_err fvm_rpc_put_block(fvm_node *node, fvm_jo *out, const fvm_tipset *tipset,
                                        bool full, bool header_only);
/** Members of these objects, for blocks and transactions that are no chain's (eth_simulateV1). */
void fvm_rpc_put_header_fields(fvm_node *node, fvm_jo *out, const fvm_tipset *tipset);
void fvm_rpc_put_tx_fields(fvm_jo *out, const fvm_chain_message *m, const fvm_eth_tx *tx,
                           const uint8_t block_hash[32]);
void fvm_rpc_put_log(fvm_jo *out, const fvm_chain_event *event, bool removed, uint64_t timestamp);
/** The transaction that a message is shown as. `input` is replaced and must outlive `out`. */
FVM_NODISCARD fvm_err fvm_rpc_tx_of(fvm_node *node, fvm_eth_tx *out, fvm_buf *input,
                                    const fvm_chain_message *m, bool *native);

/* Calls (eth_call.c). */

/** The message of a call object, with the defaults of eth_call. `params` is replaced and must outlive it. */
FVM_NODISCARD fvm_err fvm_rpc_call_message(fvm_rpc_call *call, fvm_message *out, fvm_buf *params,
                                           const fvm_rpc_tx_request *request);
/** State overrides of eth_call; NULL: none. */
FVM_NODISCARD fvm_err fvm_rpc_override_state(fvm_rpc_call *call, fvm_chain_view *view,
                                             const json_t *overrides);
/** What a block override gives to view options, which point into it. */
typedef struct fvm_rpc_block_override {
    uint64_t epoch, timestamp;
    fvm_big base_fee;
    uint8_t randomness[32];
} fvm_rpc_block_override;
/** Reads it (NULL: none) into `out` and lets `o` point there. False when it is malformed. */
bool fvm_rpc_override_block_read(fvm_rpc_block_override *out, fvm_view_options *o,
                                 const json_t *block);
/** The gas that clients are told for a message: 1.25 times what it needs. `view` was made with `next`. */
FVM_NODISCARD fvm_err fvm_rpc_estimate(fvm_rpc_call *call, fvm_chain_view *view, uint64_t *gas,
                                       const fvm_message *message);
/** The same on the head's state, with the sender's waiting messages before it. */
FVM_NODISCARD fvm_err fvm_rpc_estimate_pending(fvm_rpc_call *call, uint64_t *gas,
                                               const fvm_message *message);

/* Sending (eth_send.c). */

/** Fills in what a request leaves out (nonce, fees, gas) and makes the message of it. */
FVM_NODISCARD fvm_err fvm_rpc_fill(fvm_rpc_call *call, fvm_message *out, fvm_buf *params,
                                   const fvm_rpc_tx_request *request);
/** The address that stands for an account's key, where another one names it (f0...); other addresses stay
 *  as they are. */
FVM_NODISCARD fvm_err fvm_rpc_key_address(fvm_rpc_call *call, fvm_address *address);
/** Signs with the node's key of the sender, or says that there is none. */
FVM_NODISCARD fvm_err fvm_rpc_sign_message(fvm_rpc_call *call, fvm_signed_message *message);
/** Sends a message of the node's making: signs it, unless `flags` say that it goes unsigned
 *  (FVM_SUBMIT_IMPERSONATE, FVM_SUBMIT_UNSIGNED), and waits as fvm_rpc_submit does. With `next_nonce` it
 *  gets the next one of its sender here: calls that run side by side get different ones. */
FVM_NODISCARD fvm_err fvm_rpc_send(fvm_rpc_call *call, fvm_submission *out,
                                   fvm_signed_message *message, unsigned flags, bool next_nonce);
/** Submits; a refusal becomes the call's error. Waits for the seal where the node does. */
FVM_NODISCARD fvm_err fvm_rpc_submit(fvm_rpc_call *call, fvm_submission *out,
                                     const fvm_signed_message *message, unsigned flags);
/** The refusal in words, as geth says it where it has such. */
fvm_err fvm_rpc_refused(fvm_rpc_call *call, const fvm_submission *submission);

/** Puts the contracts where development tools expect them, if the chain is at its beginning and has them
 *  not: Multicall3, the deterministic deployer (dev_contracts.c). */
FVM_NODISCARD fvm_err fvm_node_install_contracts(fvm_node *node);

/* hardhat's console (console.c): prints what contracts say. */
extern const fvm_eth_address fvm_rpc_console_address;
/** A sink that prints console.log; NULL when logging is off. `sink` is the caller's. */
const fvm_trace_sink *fvm_rpc_console_sink(fvm_node *node, fvm_trace_sink *sink);
#endif
