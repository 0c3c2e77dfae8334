/* internal.h - what the files of the kernel share: block registry, reachable CIDs, the link scanner,
 * gas synchronisation with wasm, and the frame that a syscall handler works in. */
#ifndef FVM_KERNEL_INTERNAL_H
#define FVM_KERNEL_INTERNAL_H

#include "kernel.h"

/* --- cid_set.c --- */

bool fvm__cid_set_has(const fvm_cid_set *set, const fvm_cid *cid);
/** Adds `cid`, which must stay where it is as long as the set. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__cid_set_add(fvm_cid_set *set, fvm_arena *arena, const fvm_cid *cid);
/** Adds a copy unless the set has it. */
FVM_NODISCARD fvm_err fvm__cid_set_add_copy(fvm_cid_set *set, fvm_arena *arena, const fvm_cid *cid);

/* --- registry.c --- */

/** Handles are 1 to this; a registry with so many blocks is full. */
#define FVM__REGISTRY_MAX 0x7fffffffu

static inline bool fvm__registry_full(const fvm_registry *registry)
{
    return registry->count == FVM__REGISTRY_MAX;
}
/** NULL for a handle that is 0 or unknown. */
static inline const fvm_ipld_block *fvm__registry_get(const fvm_registry *registry, uint32_t handle)
{
    return handle - 1 < registry->count ? registry->blocks[handle - 1] : NULL;
}
/** Adds a block whose links the invocation may name from now on (nv21+).
 *  Errors: SYS_LIMIT_EXCEEDED (full), before nv21 SYS_ILLEGAL_CODEC, NOMEM. */
FVM_NODISCARD fvm_err fvm__registry_put(fvm_invocation *inv, uint32_t *handle,
                                        const fvm_ipld_block *block);
/** Adds a block that the actor made: each link must be reachable.
 *  Errors: as above, and SYS_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm__registry_put_checked(fvm_invocation *inv, uint32_t *handle,
                                                const fvm_ipld_block *block);
/** A block record in the arena over `data`, which must live as long. NULL: out of memory. */
fvm_ipld_block *fvm__block_new(fvm_arena *arena, uint64_t codec, fvm_bytes data);

/* --- links.c --- */

/** Finds the links of a block by the kernel's rules, charging OnScanIpldLinks once for the scan,
 *  whether it succeeds or not (reference/kernel.md 5).
 *  Out:    links, count  those recorded, in the arena; unchanged on error.
 *  Errors: SYS_SERIALIZATION, SYS_NOT_FOUND (a link that cannot exist), SYS_ILLEGAL_CODEC,
 *          OUT_OF_GAS, NOMEM. */
FVM_NODISCARD fvm_err fvm__links_scan(const fvm_cid **links, uint32_t *count,
                                      const fvm_network *net, fvm_gas *gas, fvm_arena *arena,
                                      uint64_t codec, fvm_bytes data);

/* --- event.c --- */

/** Appends an event of `inv`'s actor; `entries` in the arena. */
FVM_NODISCARD fvm_err fvm__event_append(fvm_invocation *inv, const fvm_event_entry *entries,
                                        uint32_t count);
/** nv21+: entries as an array of 24-byte heads, keys and values concatenated. All checks and
 *  charges of emit_event after the ranges (reference/kernel.md 6). */
FVM_NODISCARD fvm_err fvm__event_emit(fvm_invocation *inv, const uint8_t *heads, uint32_t count,
                                      fvm_bytes keys, fvm_bytes values);
/** nv18-20: one CBOR blob. */
FVM_NODISCARD fvm_err fvm__event_emit_cbor(fvm_invocation *inv, fvm_bytes blob);

/* --- invoke.c --- */

/** Charges what wasm used since the last synchronisation (engine.md 7). */
FVM_NODISCARD fvm_err fvm__gas_settle(fvm_invocation *inv, fvm_wasm_instance *instance);
/** Sets wasm's counter to what the tracker has left. */
static inline void fvm__gas_sync(fvm_invocation *inv, fvm_wasm_instance *instance)
{
    int64_t available = fvm_gas_available(&inv->env->gas);
    fvm_wasm_instance_set_gas(instance, available);
    inv->synced_milligas = available;
    inv->synced_memory = inv->env->memory_bytes;
}

/* --- syscalls --- */

/** What a handler works in. */
typedef struct fvm_syscall {
    fvm_invocation *inv;
    fvm_message_env *env;
    fvm_wasm_memory mem;
} fvm_syscall;

/** A handler: `args` as declared in syscalls.def, without the out pointer; `out` receives the value,
 *  packed little endian, and is written to memory on FVM_OK. Class SYSCALL becomes the error number;
 *  all else unwinds. */
typedef fvm_err fvm__syscall_fn(fvm_syscall *c, const uint64_t *args, uint8_t *out);
#define FVM__SYSCALL_OUT_MAX 80

#define SYSCALL(module, name, eras, params, out, handler) fvm__syscall_fn handler;
#include "syscalls.def"
#undef SYSCALL

/** A stretch of the actor's memory. SYS_ILLEGAL_ARGUMENT when it is not all there. */
static inline FVM_NODISCARD fvm_err fvm__slice(fvm_bytes *out, const fvm_syscall *c, uint64_t off,
                                               uint64_t len)
{
    uint32_t at = (uint32_t)off, n = (uint32_t)len;
    if ((uint64_t)at + n > c->mem.len) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    *out = (fvm_bytes){ c->mem.ptr + at, n };
    return FVM_OK;
}
/** The same, to write to. */
static inline FVM_NODISCARD fvm_err fvm__slice_mut(uint8_t **out, const fvm_syscall *c,
                                                   uint64_t off, uint64_t len)
{
    uint32_t at = (uint32_t)off, n = (uint32_t)len;
    if ((uint64_t)at + n > c->mem.len) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    *out = c->mem.ptr + at;
    return FVM_OK;
}
/** A CID that starts at `off`; memory's end is the only bound. SYS_ILLEGAL_ARGUMENT. */
FVM_NODISCARD fvm_err fvm__read_cid(fvm_cid *out, const fvm_syscall *c, uint64_t off);
FVM_NODISCARD fvm_err fvm__read_address(fvm_address *out, const fvm_syscall *c, uint64_t off,
                                        uint64_t len);
/** Writes a CID into a buffer of `len` bytes, and its length into the u32 at `out`.
 *  Errors: SYS_ILLEGAL_ARGUMENT (range), SYS_BUFFER_TOO_SMALL. */
FVM_NODISCARD fvm_err fvm__write_cid(uint8_t *out, const fvm_syscall *c, uint64_t off, uint64_t len,
                                     const fvm_cid *cid);
/** Stores an amount as 16 bytes. FVM_ERR_FATAL when it is negative or beyond 128 bits. */
FVM_NODISCARD fvm_err fvm__store_amount(uint8_t *out, const fvm_big *amount);
/** Fills the out struct of send and upgrade_actor; the block becomes one of the caller's. */
FVM_NODISCARD fvm_err fvm__store_result(fvm_invocation *inv, uint8_t *out,
                                        const fvm_call_result *result);
/** Balance of the running actor, 0 once deleted, with its charges. */
FVM_NODISCARD fvm_err fvm__self_balance(fvm_syscall *c, fvm_big *out);

/** nv17: the key address behind `address`: itself, or that of the account actor there.
 *  `charged`: opening the account's state costs as ipld.block_open.
 *  Errors: SYS_NOT_FOUND, SYS_ILLEGAL_ARGUMENT (no account), OUT_OF_GAS, FATAL, HOST. */
FVM_NODISCARD fvm_err fvm__key_address(fvm_message_env *env, fvm_address *out,
                                       const fvm_address *address, bool charged);

/** An error of an embedder's callback as the syscall sees it: HOST stays, the rest is `otherwise`. */
static inline fvm_err fvm__extern_err(fvm_err err, fvm_err otherwise)
{
    return fvm_err_class_of(err) == FVM_CLASS_HOST ? err : otherwise;
}
/** Reports a block read or written. */
static inline void fvm__trace_ipld(const fvm_message_env *env, fvm_trace_kind kind,
                                   const fvm_cid *cid, size_t size)
{
    if (FVM_LIKELY(!env->gas.trace)) return;
    fvm_trace_event event = { .kind = kind, .cid = cid, .size = size };
    env->gas.trace->event(env->gas.trace->ctx, &event);
}
#endif
