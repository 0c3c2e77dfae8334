/* view_internal.h - what view.c, call.c and replay.c share. */
#ifndef FVM_CHAIN_VIEW_INTERNAL_H
#define FVM_CHAIN_VIEW_INTERNAL_H

#include "chain_internal.h"

struct fvm_chain_view {
    fvm_chain_view *next; /* idle ones */
    fvm_chain *chain;
    fvm__runner runner;
    fvm_tipset tipset;
    fvm__conditions conditions;
    bool spoiled; /* its changes cannot be undone: the machine goes to its root anew */
};

static inline fvm_state_view *fvm__view_state(fvm_chain_view *v)
{
    return v->runner.machine->state;
}
/** A view on `root`, which tipset `parent` led to. */
FVM_NODISCARD fvm_err fvm__view_on(fvm_chain *chain, fvm_chain_view **out, const fvm_tipset *t,
                                   const fvm_cid *root, uint64_t parent,
                                   const fvm__conditions *conditions, uint64_t deadline_ns);
#endif
