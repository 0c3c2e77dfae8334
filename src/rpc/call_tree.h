/* call_tree.h - what a message did, as a tree of calls with their gas: built of a trace's events, and
 * bounded, since a message may make a million calls. */
#ifndef FVM_RPC_CALL_TREE_H
#define FVM_RPC_CALL_TREE_H

#include "node.h"

#define FVM_CALL_TREE_NONE UINT32_MAX

typedef struct fvm_call_node {
    uint32_t parent, first_child, last_child, next; /* FVM_CALL_TREE_NONE: none */
    uint32_t children;
    uint64_t from;
    fvm_address to;
    uint64_t method, params_codec, gas_limit;
    fvm_big value;
    uint32_t params_at, params_len, data_at, data_len; /* in `bytes` */
    bool read_only, invoked, returned;
    uint64_t id; /* of the actor that ran */
    fvm_cid code;
    uint32_t exit_code, error; /* error: a syscall's number, the call was not made */
    uint64_t return_codec;
    uint64_t milligas; /* charged in it, calls inside not counted */
} fvm_call_node;

typedef struct fvm_gas_charge {
    uint32_t node, name_at, name_len;
    uint64_t compute, other; /* milligas */
} fvm_gas_charge;

typedef struct fvm_call_tree {
    const fvm_allocator *alloc;
    fvm_call_node *nodes;
    uint32_t count, cap;
    uint32_t open; /* the call that runs */
    fvm_buf bytes;
    bool with_charges;
    fvm_gas_charge *charges;
    uint32_t charge_count, charge_cap;
    fvm_err err; /* what ended the recording: FVM_ERR_LIMIT, FVM_ERR_NOMEM */
} fvm_call_tree;

void fvm_call_tree_init(fvm_call_tree *tree, bool with_charges, const fvm_allocator *alloc);
void fvm_call_tree_deinit(fvm_call_tree *tree);
/** Empties it, for another message. */
void fvm_call_tree_reset(fvm_call_tree *tree);
/** The sink that feeds it. */
fvm_trace_sink fvm_call_tree_sink(fvm_call_tree *tree);
/* What is empty may lie in a buffer that was never allocated, whose address takes no offset. */
static inline fvm_bytes fvm_call_tree_bytes(const fvm_call_tree *t, size_t at, size_t len)
{
    return (fvm_bytes){ len ? t->bytes.ptr + at : NULL, len };
}
static inline fvm_bytes fvm_call_tree_params(const fvm_call_tree *t, const fvm_call_node *n)
{
    return fvm_call_tree_bytes(t, n->params_at, n->params_len);
}
static inline fvm_bytes fvm_call_tree_data(const fvm_call_tree *t, const fvm_call_node *n)
{
    return fvm_call_tree_bytes(t, n->data_at, n->data_len);
}
/** Gas charged in a call and those inside, whole gas. */
uint64_t fvm_call_tree_gas(const fvm_call_tree *tree, uint32_t node);
#endif
