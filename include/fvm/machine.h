/* machine.h - run messages on a state.
 *
 *   fvm_engine    compiled actors; shared by threads and machines
 *   fvm_context   what one thread runs on: stacks, pools, scratch memory
 *   fvm_machine   a state root over a blockstore, under one network version and tipset
 *
 * Two machines, two network versions, two threads: no interference; there is no global state. */
#ifndef FVM_MACHINE_H
#define FVM_MACHINE_H

#include <fvm/blockstore.h>
#include <fvm/externs.h>
#include <fvm/message.h>
#include <fvm/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fvm_engine fvm_engine;
typedef struct fvm_context fvm_context;
typedef struct fvm_machine fvm_machine;

/** An engine; thread-safe. `alloc` (NULL: libc) must be thread-safe if threads share the engine. */
FVM_API FVM_NODISCARD fvm_err fvm_engine_new(fvm_engine **out, const fvm_allocator *alloc);
/** What runs actors. */
typedef enum fvm_engine_backend {
    FVM_ENGINE_DEFAULT, /* the compiler where there is one for the CPU */
    FVM_ENGINE_INTERP,  /* the portable interpreter */
    FVM_ENGINE_JIT,     /* the baseline compiler: x86-64 Linux */
} fvm_engine_backend;
/** What fvm_engine_config.cache_bytes stands for when it is 0. */
#define FVM_ENGINE_CACHE_BYTES ((size_t)512 << 20)
#define FVM_CODE_KEY_BYTES 32
/** Keeps compiled modules between runs of a program. What `load` gives is checked (a checksum over
 *  all of it, build, CPU, rules, the wasm that it was made of) and then run as machine code: the
 *  checks find damage and other versions, not malice, so only what this user saved may come back. A
 *  folder with these properties: fvm_code_folder_open in store.h. Called by several threads at once
 *  if the engine is. Failures are no errors: the module is compiled. */
typedef struct fvm_code_cache {
    /** Appends what was saved last under `key`; any error when there is nothing. */
    fvm_err (*load)(void *ctx, fvm_buf *out, const uint8_t key[FVM_CODE_KEY_BYTES]);
    /** Keeps `image`, in place of what was there. */
    void (*save)(void *ctx, const uint8_t key[FVM_CODE_KEY_BYTES], fvm_bytes image);
    void *ctx;
} fvm_code_cache;
/** How compiled code keeps actors within their memory; results and gas do not depend on it. */
typedef enum fvm_engine_memory {
    FVM_ENGINE_MEMORY_DEFAULT, /* CHECKED, by which messages cost less */
    FVM_ENGINE_MEMORY_CHECKED, /* each access is checked; no signal handlers */
    FVM_ENGINE_MEMORY_GUARDED, /* each memory has 4 GiB of address space, and a fault is a trap: faster
                                  loops, but system calls where an actor's memory grows. Installs
                                  handlers for SIGSEGV and SIGBUS, once per process, which pass on
                                  what is not theirs to those that were there; a host that installs
                                  its own later must do likewise (Go and the JVM do). Where handlers
                                  or address space cannot be had: CHECKED. Modules are not kept by a
                                  code cache. */
} fvm_engine_memory;
/** What an engine is made with. Zero-initialise, then set. */
typedef struct fvm_engine_config {
    fvm_engine_backend backend; /* what runs actors; results and gas do not depend on it */
    fvm_engine_memory memory;
    bool profile; /* machines' trace sinks hear of functions and syscalls, too; actors then run in
                     the interpreter, so `backend` must not be JIT */
    const fvm_code_cache *code_cache; /* NULL: none; copied, ctx must outlive the engine. Only the
                                         compiler's code is kept */
    size_t cache_bytes; /* compiled modules kept (code and tables); 0: FVM_ENGINE_CACHE_BYTES */
} fvm_engine_config;
/** As fvm_engine_new, with a configuration (NULL: all defaults).
 *  Errors: FVM_ERR_INVALID  the back end is not there on this CPU, or cannot profile. HOST class. */
FVM_API FVM_NODISCARD fvm_err fvm_engine_new_with(fvm_engine **out, const fvm_engine_config *config,
                                                  const fvm_allocator *alloc);
/** After the last context and machine that use it. */
FVM_API void fvm_engine_free(fvm_engine *engine);
/** Compiled modules kept, and their bytes. A module is kept by code and rules of metering; threads
 *  that want one that is being compiled wait for it. Past the bound those used least recently go,
 *  but none that an actor runs: these are beyond the bound until the next module comes. */
FVM_API void fvm_engine_stats(fvm_engine *engine, size_t *modules, size_t *bytes);

/** One thread's execution; used by one thread at a time. `engine` is borrowed and must outlive it.
 *  FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_context_new(fvm_context **out, fvm_engine *engine,
                                              const fvm_allocator *alloc);
/** After the last machine on it. */
FVM_API void fvm_context_free(fvm_context *context);

/** What a machine is made with; constant while it lives. Zero-initialise, then set. */
typedef struct fvm_machine_config {
    uint32_t network_version; /* 17..29 */
    uint64_t chain_id;        /* 314 mainnet */
    int64_t epoch;
    uint64_t timestamp;         /* seconds since 1970 */
    fvm_big base_fee;           /* attoFIL per gas */
    fvm_big circulating_supply; /* attoFIL */
    const fvm_cid
        *manifest;    /* of the block [1, data CID]; NULL: as the system actor's state says */
    bool user_actors; /* the init actor may install codes of users: doc/user-actors.md (nv21+) */
    const fvm_externs *externs;  /* NULL: no callback answers; else must outlive the machine */
    bool actor_debugging;        /* debug.log is seen by the trace sink */
    const fvm_trace_sink *trace; /* NULL: off */
} fvm_machine_config;

/** A machine on the state at `root` in `base`; compiles the built-in actors that the engine does
 *  not hold yet. `context` and `base` are borrowed and must outlive the machine. Nothing is
 *  written to `base` before fvm_machine_flush.
 *  Errors: FVM_ERR_VERSION        network version or state tree version not supported.
 *          FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE  state, manifest or a built-in actor is broken.
 *          HOST class. */
FVM_API FVM_NODISCARD fvm_err fvm_machine_new(fvm_machine **out, fvm_context *context,
                                              const fvm_blockstore *base, const fvm_cid *root,
                                              const fvm_machine_config *config);
/** Frees the machine; what was not flushed is lost. */
FVM_API void fvm_machine_free(fvm_machine *machine);

/** How a message came about. */
typedef enum fvm_apply_kind {
    FVM_APPLY_EXPLICIT, /* from a block: preflight, inclusion gas, fees */
    FVM_APPLY_IMPLICIT, /* cron, block reward: none of these */
} fvm_apply_kind;

/** Applies one message (reference/executor.md 2). `chain_length` is the bytes that inclusion is
 *  charged for. The receipt (initialised by the caller) is overwritten.
 *  Errors, no receipt and no change to the state: FVM_ERR_INVALID (gas limit 0 or above i64's
 *  maximum, a negative cost); HOST class (the machine stays usable; the message may be applied
 *  again); FVM_ERR_BAD_STATE and FVM_ERR_MISSING_BLOCK where fees cannot be settled. */
FVM_API FVM_NODISCARD fvm_err fvm_machine_apply(fvm_machine *machine, fvm_receipt *receipt,
                                                const fvm_message *message, fvm_apply_kind kind,
                                                uint64_t chain_length);
/** State root after the messages so far, without writing to the base store. HOST class, and FATAL class
 *  where the state is broken. */
FVM_API FVM_NODISCARD fvm_err fvm_machine_root(fvm_machine *machine, fvm_cid *root);
/** Writes the blocks reachable from the new root to the base store, in one batch, and gives that root.
 *  Errors as fvm_machine_root; it may be called again after a failure. */
FVM_API FVM_NODISCARD fvm_err fvm_machine_flush(fvm_machine *machine, fvm_cid *root);
/** The store that the machine reads through: unflushed blocks above the base. For looking at state
 *  at a root that fvm_machine_root gave. Borrowed. */
FVM_API const fvm_blockstore *fvm_machine_blockstore(const fvm_machine *machine);

/** The type of a built-in actor by its code, as the manifest names it ("multisig"); empty when the code
 *  is no built-in actor's. A view valid while the machine lives. */
FVM_API fvm_bytes fvm_machine_actor_type(const fvm_machine *machine, const fvm_cid *code);

/** One message of a block. */
typedef struct fvm_block_message {
    fvm_bytes bytes; /* CBOR of the unsigned message */
    uint64_t chain_length;
    fvm_apply_kind kind;
} fvm_block_message;

/** What executing a block gave: receipts in order, the new root, and the blocks to write. */
typedef struct fvm_block_result fvm_block_result;

/** Executes messages on a parent state as a pure function: nothing is written to `base`.
 *  Errors as fvm_machine_new and fvm_machine_apply; FVM_ERR_MALFORMED and the like when a message
 *  does not decode. On error there is no result. */
FVM_API FVM_NODISCARD fvm_err fvm_block_execute(fvm_block_result **out, fvm_context *context,
                                                const fvm_blockstore *base, const fvm_cid *parent,
                                                const fvm_machine_config *config,
                                                const fvm_block_message *messages, size_t count);
/** The state root after the block; borrowed from `result`. */
FVM_API const fvm_cid *fvm_block_result_root(const fvm_block_result *result);
/** Receipt number i, borrowed from `result`; NULL past the end. */
FVM_API const fvm_receipt *fvm_block_result_receipt(const fvm_block_result *result, size_t i);
/** Writes the result's blocks to `base`, in one batch. May be called again after a failure. */
FVM_API FVM_NODISCARD fvm_err fvm_block_result_commit(fvm_block_result *result,
                                                      const fvm_blockstore *base);
/** Frees the result and its receipts, committed or not. */
FVM_API void fvm_block_result_free(fvm_block_result *result);

#ifdef __cplusplus
}
#endif
#endif
