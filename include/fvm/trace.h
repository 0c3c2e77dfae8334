/* trace.h - what a message did, charge by charge and call by call. A sink is called as it happens;
 * without one the cost is a test of a pointer. */
#ifndef FVM_TRACE_H
#define FVM_TRACE_H

#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/cid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What happened; behind each, the fields of fvm_trace_event that it fills. */
typedef enum fvm_trace_kind {
    FVM_TRACE_CHARGE,     /* name, compute, other, charged, refund */
    FVM_TRACE_CALL,       /* from, to, method, value, data and codec (parameters), gas_limit,
                             read_only */
    FVM_TRACE_INVOKE,     /* id: the actor whose code now runs; cid: that code */
    FVM_TRACE_RETURN,     /* exit_code, data, codec */
    FVM_TRACE_CALL_ERROR, /* error: the call failed with this syscall error */
    FVM_TRACE_IPLD_GET,   /* cid, size */
    FVM_TRACE_IPLD_PUT,   /* cid, size */
    FVM_TRACE_LOG,        /* data: debug text */
    /* where gas goes within an actor's code, only from an engine that was made to profile
     * (fvm_engine_config); `milligas` is wasm's counter at that moment */
    FVM_TRACE_WASM_START,  /* id, cid, milligas: code begins to run; functions before it are over */
    FVM_TRACE_WASM_ENTER,  /* func, milligas: a function begins */
    FVM_TRACE_WASM_LEAVE,  /* milligas: the function at hand returned (none follows a trap) */
    FVM_TRACE_SYSCALL,     /* name, data (its module), milligas: a syscall begins */
    FVM_TRACE_SYSCALL_END, /* milligas */
} fvm_trace_kind;

/** One event; pointers and views are valid during the sink's call only. Fields that the kind does
 *  not name are zero. */
typedef struct fvm_trace_event {
    fvm_trace_kind kind;
    fvm_bytes name;   /* of a charge, e.g. OnSyscall */
    uint64_t compute; /* milligas */
    uint64_t other;   /* milligas */
    uint64_t charged; /* milligas that were taken: less than both where gas ran out */
    bool refund;      /* nv17: the charge is negative */
    uint64_t from;    /* actor ID */
    const fvm_address *to;
    uint64_t method;
    const fvm_big *value; /* attoFIL */
    fvm_bytes data;
    uint64_t codec;
    uint64_t gas_limit; /* whole gas */
    bool read_only;
    uint64_t id;
    const fvm_cid *cid;
    uint64_t size; /* bytes */
    uint32_t exit_code;
    uint32_t error; /* syscall error number 1..13 */
    uint32_t func;  /* index in the module, imports counted */
    int64_t milligas;
} fvm_trace_event;

/** Hears of events, on the thread that runs the message. It must not use the machine meanwhile. */
typedef struct fvm_trace_sink {
    void (*event)(void *ctx, const fvm_trace_event *event);
    void *ctx;
} fvm_trace_sink;

#ifdef __cplusplus
}
#endif
#endif
