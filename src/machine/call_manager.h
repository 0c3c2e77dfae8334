/* call_manager.h - calls within one message: resolving and creating receivers, moving value, depth
 * and gas limits, and running the receiver's code (reference/kernel.md 7). */
#ifndef FVM_MACHINE_CALL_MANAGER_H
#define FVM_MACHINE_CALL_MANAGER_H

#include "kernel/kernel.h"

/** A gas tracker put aside by a call with a limit of its own. */
typedef struct fvm_gas_snapshot {
    int64_t limit, used; /* milligas */
} fvm_gas_snapshot;

typedef struct fvm_call_manager {
    fvm_message_env *env;
    uint32_t depth; /* frames entered */
    /* A stack of its own, not C locals: in fvm v3 a send that fails for its depth leaves its
     * snapshot behind, and an outer limited send pops that one instead of its own. */
    fvm_gas_snapshot *snapshots;
    size_t snapshot_count; /* from env->alloc */
    uint32_t snapshot_cap;
} fvm_call_manager;

void fvm_call_manager_init(fvm_call_manager *cm, fvm_message_env *env);
void fvm_call_manager_deinit(fvm_call_manager *cm);

/** Runs a call; `caller` is NULL for the message itself. The transaction is the caller's business.
 *  Errors: SYSCALL class, FVM_ERR_OUT_OF_GAS, FATAL, HOST. */
FVM_NODISCARD fvm_err fvm_call_manager_call(fvm_call_manager *cm, fvm_call_result *out,
                                            const fvm_invocation *caller, const fvm_call *call);
/** Enters the receiver of `caller` again by its `upgrade` export, one level deeper (FIP-0098; see
 *  fvm_kernel_ops.upgrade). No events of a trace. Errors as above. */
FVM_NODISCARD fvm_err fvm_call_manager_upgrade(fvm_call_manager *cm, fvm_call_result *out,
                                               const fvm_invocation *caller,
                                               const fvm_ipld_block *params,
                                               const fvm_ipld_block *info);
#endif
