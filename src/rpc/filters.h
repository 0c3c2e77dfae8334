/* filters.h - who waits for what: filters that are polled, and subscriptions of WebSockets. Both are a
 * watch: what is wanted, and a cursor up to where it was told. What there is to tell is read from the
 * chain when it is asked for, so that a slow client costs no memory and misses nothing; one that
 * cannot be told everything any more gets an error (rpc.md 7). */
#ifndef FVM_RPC_FILTERS_H
#define FVM_RPC_FILTERS_H

#include "node.h"

/** What logs are wanted. Lists are owned. */
typedef struct fvm_log_criteria {
    bool by_hash;
    uint8_t hash[32];
    bool from_given, to_given;
    fvm_rpc_block from, to;
    fvm_buf addresses; /* of fvm_eth_address */
    fvm_buf topics[4]; /* of 32 bytes */
    uint64_t first;    /* of a filter: the epoch that it begins with, if that is past */
    bool full;         /* of PENDING: whole transactions, not hashes */
} fvm_log_criteria;
void fvm_log_criteria_init(fvm_log_criteria *c, const fvm_allocator *alloc);
void fvm_log_criteria_deinit(fvm_log_criteria *c);
/** Reads the object of eth_getLogs, eth_newFilter, eth_subscribe ("logs"); NULL: everything. */
FVM_NODISCARD fvm_err fvm_log_criteria_read(fvm_rpc_call *call, fvm_log_criteria *c,
                                            const json_t *value);
/** The chain's form of it, without from and to; borrows. */
fvm_event_filter fvm_log_criteria_filter(const fvm_log_criteria *c);
/** Writes an array of all logs that there are now; -32005 past the limits. */
FVM_NODISCARD fvm_err fvm_logs_put(fvm_rpc_call *call, const fvm_log_criteria *c);

typedef enum fvm_watch_kind {
    FVM_WATCH_LOGS,
    FVM_WATCH_BLOCKS,  /* a filter: hashes; a subscription: heads */
    FVM_WATCH_PENDING, /* messages that come to the pool */
    FVM_WATCH_NOTIFY,  /* Filecoin.ChainNotify */
} fvm_watch_kind;

FVM_NODISCARD fvm_err fvm_filters_new(fvm_filters **out, fvm_node *node);
void fvm_filters_free(fvm_filters *filters);
/** The chain's listener. */
fvm_chain_listener fvm_filters_listener(fvm_filters *filters);
/** Numbers for metrics. */
void fvm_filters_count(fvm_filters *filters, size_t *polled, size_t *subscriptions);

/** Makes a filter; takes what `criteria` owns. `id`: 32 bytes. FVM_ERR_LIMIT: there are 100. */
FVM_NODISCARD fvm_err fvm_filters_add(fvm_filters *filters, uint8_t id[32], fvm_watch_kind kind,
                                      fvm_log_criteria *criteria);
bool fvm_filters_remove(fvm_filters *filters, const uint8_t id[32]);
/** What came since it was asked last, as an array; `all`: every log that matches. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_filters_put(fvm_rpc_call *call, const uint8_t id[32], bool all);

/** Makes a subscription of the call's session; takes what `criteria` owns. It begins to speak when the
 *  call has been answered. */
FVM_NODISCARD fvm_err fvm_subscribe(fvm_rpc_call *call, uint64_t *id, fvm_watch_kind kind,
                                    fvm_log_criteria *criteria);
bool fvm_unsubscribe(fvm_rpc_call *call, uint64_t id);

/* The server's hooks (fvm_rpc_service). */
void fvm_subscriptions_replied(fvm_filters *filters, fvm_rpc_session *session);
void fvm_subscriptions_pump(fvm_filters *filters, fvm_rpc_session *session);
void fvm_subscriptions_forget(fvm_filters *filters, fvm_rpc_session *session);
#endif
