/* dispatch.h - JSON-RPC 2.0: bodies to calls, results to replies. Knows no method and no network. */
#ifndef FVM_RPC_DISPATCH_H
#define FVM_RPC_DISPATCH_H

#include "call.h"

/** A method: a row of a table. */
typedef struct fvm_rpc_method {
    const char *names; /* separated by blanks; the first is the one that rpc.discover tells of */
    fvm_rpc_handler handler;
    uint8_t min, max; /* parameters; more than max is refused */
    char tier;        /* 'A' must, 'B' should, 'C' development nodes only */
    const char *params,
        *result; /* for rpc.discover: names with blanks between, ? after optional ones */
} fvm_rpc_method;

/** What is counted for each method. */
typedef struct fvm_rpc_count {
    _Atomic uint64_t calls, errors, nanoseconds;
} fvm_rpc_count;

typedef struct fvm_rpc_table fvm_rpc_table;
/** Finds methods by name. Besides its own names a method has the Filecoin name that Lotus gives to it:
 *  eth_x is also Filecoin.EthX, net_version Filecoin.NetVersion, web3_x Filecoin.Web3X, trace_x
 *  Filecoin.EthTraceX. `methods` must outlive the table. */
FVM_NODISCARD fvm_err fvm_rpc_table_new(fvm_rpc_table **out, const fvm_rpc_method *methods,
                                        size_t count, bool development, const fvm_allocator *alloc);
void fvm_rpc_table_free(fvm_rpc_table *table);
const fvm_rpc_method *fvm_rpc_table_find(const fvm_rpc_table *table, fvm_bytes name);
/** Method number i and its counts; NULL past the end. */
const fvm_rpc_method *fvm_rpc_table_at(const fvm_rpc_table *table, size_t i,
                                       const fvm_rpc_count **count);
/** The OpenRPC document. */
void fvm_rpc_table_discover(const fvm_rpc_table *table, fvm_jo *out, const char *version);

typedef struct fvm_rpc_limits {
    size_t batch;       /* calls in one array */
    size_t reply_bytes; /* of one body; calls of a batch past it are answered with an error */
    uint32_t call_ms;   /* in which messages of one body may be tried; 0: no limit */
} fvm_rpc_limits;

/** One line of what was done, for a log. */
typedef struct fvm_rpc_observer {
    void (*called)(void *ctx, const fvm_rpc_method *method, fvm_bytes name, uint64_t nanoseconds,
                   int code, const char *message);
    void *ctx;
} fvm_rpc_observer;

/** Handles one body and appends the reply to `out`; nothing when it held notices alone. Never
 *  fails: what is wrong is in the reply. When there is no memory, `out` may have failed. */
void fvm_rpc_dispatch(const fvm_rpc_table *table, struct fvm_node *node,
                      struct fvm_rpc_session *session, const fvm_rpc_limits *limits,
                      const fvm_rpc_observer *observer, fvm_bytes body, fvm_jo *out,
                      const fvm_allocator *alloc);
/** An error as a whole reply without id: for bodies that are not even read. */
void fvm_rpc_reply_error(fvm_jo *out, int code, const char *message);
#endif
