/* machine_internal.h - what machine.c, executor.c and block.c share. */
#ifndef FVM_MACHINE_INTERNAL_H
#define FVM_MACHINE_INTERNAL_H

#include "base/arena.h"
#include "engine.h"
#include "kernel/kernel.h"
#include <fvm/machine.h>

struct fvm_context {
    fvm_engine *engine;
    const fvm_allocator *alloc;
    fvm_wasm_context *wasm;
    fvm_arena arena; /* of the message that runs */
};

struct fvm_machine {
    fvm_context *context;
    const fvm_allocator *alloc;
    const fvm_network *net;
    fvm_network own_net; /* what `net` points to when a switch is on */
    const fvm_wasm_host_table *hosts;
    fvm_externs externs;
    fvm_tipset_context tipset;
    fvm_blockstore store; /* buffered, over the embedder's */
    fvm_state_view *state;
    fvm_manifest *manifest;
    const fvm_trace_sink *trace;
    bool debug;
    /* Asked before a message and before each call that it makes; true ends the message with
     * FVM_ERR_EXTERN. NULL: never. What an actor does on its own is bounded by its gas. */
    bool (*interrupted)(void *ctx);
    void *interrupt_ctx;
};

/** fvm_machine_new with a row of one's own instead of a version's: how tests turn switches on. */
FVM_NODISCARD fvm_err fvm__machine_new(fvm_machine **out, fvm_context *context,
                                       const fvm_blockstore *base, const fvm_cid *root,
                                       const fvm_machine_config *config, const fvm_network *net);

/** Moves a machine on to another tipset: everything of `config` that is not the network's or the
 *  manifest's. For messages of tipset after tipset on one machine. */
void fvm__machine_move(fvm_machine *machine, const fvm_machine_config *config);
/** Puts a machine on another state of the same network, with the same manifest; unflushed changes are
 *  forgotten. On an error the machine can only be freed, or reset. */
FVM_NODISCARD fvm_err fvm__machine_reset(fvm_machine *machine, const fvm_cid *root);

/** Applies a message; runs on the context's stack. Same contract as fvm_machine_apply, but the
 *  caller undoes the state on error. */
FVM_NODISCARD fvm_err fvm__executor_apply(fvm_machine *machine, fvm_receipt *receipt,
                                          const fvm_message *message, fvm_apply_kind kind,
                                          uint64_t chain_length);
#endif
