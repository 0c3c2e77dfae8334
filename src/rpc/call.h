/* call.h - one call of a method: what its handler is given, and how it answers. */
#ifndef FVM_RPC_CALL_H
#define FVM_RPC_CALL_H

#include "json_in.h"
#include "json_out.h"

/** Codes of errors (reference rpc.md 2). */
enum {
    FVM_RPC_PARSE = -32700,
    FVM_RPC_REQUEST = -32600,
    FVM_RPC_UNKNOWN_METHOD = -32601,
    FVM_RPC_PARAMS = -32602,
    FVM_RPC_INTERNAL = -32603,
    FVM_RPC_SERVER = -32000,      /* a transaction that is refused, as geth and anvil say it */
    FVM_RPC_NO_STATE = -32002,    /* the state of that block cannot be served */
    FVM_RPC_UNSUPPORTED = -32004, /* EIP-1474 */
    FVM_RPC_LIMIT = -32005,       /* EIP-1474 */
    FVM_RPC_FAILED = 1,           /* Lotus' catch-all */
    FVM_RPC_OUT_OF_GAS = 2,       /* Filecoin's call API */
    FVM_RPC_REVERTED = 3,         /* data: what the contract said, in hex */
    FVM_RPC_NO_ACTOR = 11,
    FVM_RPC_NULL_ROUND = 12, /* data: the epoch */
};

struct fvm_node;
struct fvm_rpc_session;

typedef struct fvm_rpc_call {
    struct fvm_node *node;
    struct fvm_rpc_session *session; /* of a WebSocket; NULL for HTTP */
    const fvm_allocator *alloc;
    const json_t *params; /* an array, or NULL when there are none */
    size_t count;         /* parameters; trailing nulls are not counted */
    fvm_jo *out;          /* the handler writes the result here: one value */
    uint64_t deadline_ns; /* for views and replays; 0: none */
    /* the error, when the handler returns one */
    int code; /* 0: FVM_RPC_FAILED, or what the fvm_err says */
    char message[1200];
    bool has_data;
    fvm_jo data; /* one value */
} fvm_rpc_call;

/** A handler: FVM_OK with the result written to call->out, or an error; then what it wrote is
 *  forgotten, and code and message are as fvm_rpc_fail set them, or made of the fvm_err. */
typedef fvm_err (*fvm_rpc_handler)(fvm_rpc_call *call);

/** Sets the error; is worth FVM_ERR_INVALID, for return. A macro, so that checkers see that it is. */
#define fvm_rpc_fail(call, code, ...)                                                              \
    (fvm_rpc_set_error((call), (code), __VA_ARGS__), (fvm_err)FVM_ERR_INVALID)
__attribute__((format(printf, 3, 4))) void fvm_rpc_set_error(fvm_rpc_call *call, int code,
                                                             const char *format, ...);
/** Bad parameter number `i` (from 0). */
#define fvm_rpc_bad_param(call, i, what)                                                           \
    fvm_rpc_fail((call), FVM_RPC_PARAMS, "invalid argument %zu: %s", (size_t)(i), (what))

/** Parameter number i, NULL when it is left out or null. */
static inline json_t *fvm_rpc_param(const fvm_rpc_call *call, size_t i)
{
    json_t *v = i < call->count ? json_array_get(call->params, i) : NULL;
    return json_is_null(v) ? NULL : v;
}
#endif
