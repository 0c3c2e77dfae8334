/* kernel.h - what an actor sees: one invocation and its syscalls.
 *
 *   message env   one per message: gas, state, events, origin, memory total; all invocations share it
 *     invocation  one per actor entered: block registry, reachable CIDs, gas synchronisation
 *       syscall   reads wasm memory, calls the kernel, decides nothing
 *
 * Sends leave through fvm_kernel_ops, which the machine's call manager implements; so this layer does
 * not know where messages come from. Facts: reference/kernel.md; engine.md 7 to 9. */
#ifndef FVM_KERNEL_KERNEL_H
#define FVM_KERNEL_KERNEL_H

#include "base/arena.h"
#include "gas.h"
#include "network.h"
#include "prices.h"
#include "state.h"
#include <fvm/blockstore.h>
#include <fvm/externs.h>

/** A block as actors pass it around: immutable, in the message's arena. */
typedef struct fvm_ipld_block {
    uint64_t codec;
    fvm_bytes data;
    const fvm_cid *links; /* nv21+: those that the scan recorded, duplicates kept; else none */
    uint32_t link_count;
} fvm_ipld_block;

/** One entry of an event; views into the message's arena. */
typedef struct fvm_event_entry {
    uint64_t flags;
    fvm_bytes key; /* UTF-8 */
    uint64_t codec;
    fvm_bytes value;
} fvm_event_entry;
typedef struct fvm_event {
    uint64_t emitter; /* actor ID */
    const fvm_event_entry *entries;
    uint32_t count;
} fvm_event;

/** What an actor asks for by send.send, and the machine for a message. */
typedef struct fvm_call {
    uint64_t from; /* actor ID */
    fvm_address to;
    uint64_t method;
    const fvm_big *value;
    const fvm_ipld_block *params; /* NULL: none */
    uint64_t gas_limit;           /* milligas; UINT64_MAX: none */
    bool read_only;
} fvm_call;
/** How an actor's run ended. */
typedef struct fvm_call_result {
    uint32_t exit_code;
    const fvm_ipld_block *data; /* NULL: none */
} fvm_call_result;

typedef struct fvm_invocation fvm_invocation;

/** What the kernel needs of the layer above. Errors: SYSCALL class (the send failed), OUT_OF_GAS,
 *  FATAL and HOST classes (unwind). */
typedef struct fvm_kernel_ops {
    /** Runs a call one level deeper than `caller`. The transaction is opened and closed by the
     *  syscall around it (fvm_env_begin, fvm_env_end). */
    fvm_err (*call)(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                    const fvm_call *call);
    /** The compiled module of `code`, held for the caller, who lets go with fvm_wasm_module_free.
     *  Errors: FVM_ERR_FATAL (missing, or cannot be loaded), HOST. */
    fvm_err (*module)(void *ctx, const fvm_wasm_module **out, const fvm_cid *code);
    /** Enters the caller's receiver again by its `upgrade` export, one level deeper (FIP-0098): its
     *  actor record has the new code already; the new frame's caller is `caller->caller`, its method
     *  FVM_METHOD_UPGRADE, its value 0, never read-only. OnMethodInvocation is charged as for a call,
     *  and the block returned too. Only where fvm_network.upgrade_actor; NULL otherwise. */
    fvm_err (*upgrade)(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                       const fvm_ipld_block *params, const fvm_ipld_block *info);
    /** Validates and compiles `code` for actors of users: every import must resolve, `memory` and
     *  `invoke` must be exported. Only where fvm_network.user_actors; NULL otherwise.
     *  Errors: FVM_ERR_SYS_ILLEGAL_ARGUMENT (not such a module), FVM_ERR_MISSING_BLOCK, HOST. */
    fvm_err (*install)(void *ctx, const fvm_cid *code);
    void *ctx;
} fvm_kernel_ops;
#define FVM_METHOD_UPGRADE 932083u

/** The tipset that messages run in. */
typedef struct fvm_tipset_context {
    int64_t epoch;
    uint64_t timestamp; /* seconds */
    fvm_big base_fee;   /* attoFIL per gas */
    fvm_big circulating_supply;
    uint64_t chain_id;
} fvm_tipset_context;

/** Shared by all invocations of one message. Made by the machine. */
typedef struct fvm_message_env {
    const fvm_network *net;
    const fvm_tipset_context *tipset;
    const fvm_externs *externs;
    const fvm_manifest *manifest;
    const fvm_blockstore *blocks; /* the buffered store: reads and block_link writes */
    fvm_state_view *state;
    fvm_gas gas;
    fvm_arena *arena; /* the message's; freed whole when it ends */
    fvm_wasm_context *wasm;
    const fvm_kernel_ops *ops;
    const fvm_allocator *alloc;
    uint64_t origin;            /* actor ID of the sender */
    fvm_address origin_address; /* `from` as written in the message */
    uint64_t nonce;
    fvm_big gas_premium;     /* effective */
    uint64_t actors_created; /* never rolled back */
    uint64_t memory_bytes;   /* live total, engine.md 8 */
    bool debug;              /* actor debugging; off by default */
    fvm_event *events;       /* array of `event_count`, room for `event_cap`; from `alloc` */
    size_t event_count;
    uint32_t event_cap;
    /* addresses looked up so far; their zero-priced OnResolveAddress shows in traces once, so this
     * is kept only while tracing */
    fvm_address *seen;
    size_t seen_count; /* seen from `alloc` */
    uint32_t seen_cap;
} fvm_message_env;

/** Frees what the env itself allocated (events). */
void fvm_env_deinit(fvm_message_env *env);
/** A transaction over state, access levels and events: `mark` must be given back to end. */
typedef struct fvm_env_mark {
    size_t event_count;
    size_t seen_count;
} fvm_env_mark;
FVM_NODISCARD fvm_err fvm_env_begin(fvm_message_env *env, fvm_env_mark *mark);
void fvm_env_end(fvm_message_env *env, fvm_env_mark mark, bool revert);

/** State access with its charges (reference/kernel.md 8); nothing is charged before nv18.
 *  FVM_ERR_NOT_FOUND as from the state; OUT_OF_GAS. */
FVM_NODISCARD fvm_err fvm_env_get_actor(fvm_message_env *env, const fvm_actor **out, uint64_t id);
FVM_NODISCARD fvm_err fvm_env_set_actor(fvm_message_env *env, uint64_t id, const fvm_actor *actor);
/** The same for one that is there, to be changed in place before the next call on the state. */
FVM_NODISCARD fvm_err fvm_env_edit_actor(fvm_message_env *env, fvm_actor **out, uint64_t id);
FVM_NODISCARD fvm_err fvm_env_delete_actor(fvm_message_env *env, uint64_t id);
/** ID of an address by the init actor's map, with the zero-priced charge that a first look-up makes
 *  in traces (nv18+). FVM_ERR_NOT_FOUND, OUT_OF_GAS. (resolve.c) */
FVM_NODISCARD fvm_err fvm_env_resolve_address(fvm_message_env *env, uint64_t *id,
                                              const fvm_address *address);
/** Notes an address as looked up; for the machine (origin, receiver, created actors). */
FVM_NODISCARD fvm_err fvm_env_address_seen(fvm_message_env *env, const fvm_address *address);
/** Moves `value` between actors (reference/kernel.md 7, Transfer) with state access charges only.
 *  Errors: SYS_ILLEGAL_ARGUMENT (negative), SYS_INSUFFICIENT_FUNDS, SYS_NOT_FOUND, OUT_OF_GAS. */
FVM_NODISCARD fvm_err fvm_env_transfer(fvm_message_env *env, uint64_t from, uint64_t to,
                                       const fvm_big *value);

/** Blocks of one invocation: handles 1, 2, 3... */
typedef struct fvm_registry {
    const fvm_ipld_block **blocks;
    uint32_t count, cap;
} fvm_registry;
/** CIDs that an invocation may name (nv21+): a binary trie over the CIDs' bytes, in the arena
 *  (cid_set.c). */
typedef struct fvm_cid_set {
    uintptr_t root; /* 0: empty */
    size_t count;
} fvm_cid_set;

typedef enum fvm_entry {
    FVM_ENTRY_INVOKE,
    FVM_ENTRY_UPGRADE, /* FIP-0098; only where fvm_network.upgrade_actor */
} fvm_entry;

struct fvm_invocation {
    fvm_message_env *env;
    const fvm_invocation *parent; /* NULL at the top */
    fvm_entry entry;
    uint32_t depth; /* 1 for the message's receiver */
    uint64_t caller, receiver, method;
    const fvm_big *value; /* received with the call */
    bool read_only;
    /* from here on the kernel's own */
    fvm_registry registry;
    fvm_cid_set reachable;
    const fvm_wasm_module *module; /* held; NULL: none yet */
    fvm_wasm_instance *instance;
    int64_t synced_milligas; /* tracker's available at the last synchronisation */
    uint64_t synced_memory;  /* env->memory_bytes at the last synchronisation */
    bool starting;           /* inside instantiation: memory is a zero-length dummy */
    bool exited;             /* vm.exit or vm.abort was called; the two below are set */
    uint32_t exit_code;
    uint32_t exit_handle; /* 0: none */
};

/** Runs the code of the receiver: block registry with `params` as handle 1, init charges,
 *  instantiation, entry point, mapping of the outcome (engine.md 8, 9; all eras). The invocation's
 *  fields before "the kernel's own" are set by the caller, the rest is set up and torn down here.
 *  env->memory_bytes is left raised by what the run took: it is the caller's to restore when the call
 *  frame ends, which may hold two runs (an account's constructor, then the method). `code` is the
 *  actor's code CID; `upgrade_info` is the second argument of an upgrade entry (NULL for invoke).
 *  Out:    out   exit code and block.
 *  Errors: FVM_ERR_OUT_OF_GAS, SYSCALL class (params do not fit), FATAL, HOST. */
FVM_NODISCARD fvm_err fvm_kernel_invoke(fvm_invocation *inv, fvm_call_result *out,
                                        const fvm_cid *code, const fvm_ipld_block *params,
                                        const fvm_ipld_block *upgrade_info);

/** The syscalls that a network version offers, as the engine's import table; static. */
const fvm_wasm_host_table *fvm_kernel_syscalls(const fvm_network *net);
#endif
