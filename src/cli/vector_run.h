/* vector_run.h - runs a vector for one of its variants, and says how what came out differs from
 * what should have. */
#ifndef FVM_CLI_VECTOR_RUN_H
#define FVM_CLI_VECTOR_RUN_H

#include "vector.h"

/** Watches a run: `machine` (may be NULL) when there is one, and with NULL when it goes, `begin`
 *  before each message, then the sink's events. */
typedef struct fvm_run_watch {
    fvm_trace_sink sink;
    void (*machine)(void *ctx, const fvm_machine *machine);
    void (*begin)(void *ctx, size_t index, const fvm_message *message); /* ctx: the sink's */
} fvm_run_watch;

/** What a run gave. */
typedef struct fvm_vector_run {
    fvm_receipt *receipts; /* one per message that was applied */
    size_t count, allocated;
    fvm_cid root;         /* after the flush; only when err is FVM_OK */
    fvm_blockstore store; /* the vector's blocks and, above them, the new ones */
    fvm_err err;          /* no result: told in `why` */
    bool skipped;         /* needs a bundle that is not here: told in `why` */
    fvm_store_why why;
    fvm_phases phases;
} fvm_vector_run;

/** Runs the vector's messages on one machine and flushes. Nothing is written to the vector, so that
 *  runs of one vector may go on in several threads. `watch` may be NULL. The result is always
 *  valid; free it with fvm_vector_run_deinit before the vector. */
void fvm_vector_run_do(fvm_vector_run *run, const fvm_vector *vector,
                       const fvm_vector_variant *variant, fvm_context *context,
                       const fvm_run_watch *watch);
void fvm_vector_run_deinit(fvm_vector_run *run);

/** A machine for a vector on `store`; `externs` must outlive it. */
FVM_NODISCARD fvm_err fvm_vector_machine(fvm_machine **out, const fvm_vector *vector,
                                         const fvm_vector_variant *variant, fvm_context *context,
                                         const fvm_blockstore *store, const fvm_externs *externs,
                                         const fvm_trace_sink *trace);
/** A fresh store above the vector's blocks. */
FVM_NODISCARD fvm_err fvm_vector_store(fvm_blockstore *out, const fvm_vector *vector);
/** FVM_ERR_NOT_FOUND, told in `why`, when the built-in actors that the vector needs are not among
 *  the blocks. */
FVM_NODISCARD fvm_err fvm_vector_bundle(const fvm_vector *vector, const fvm_vector_variant *variant,
                                        const fvm_blockstore *store, fvm_store_why *why);
/** Message number i, decoded, and the length that inclusion is charged for. */
FVM_NODISCARD fvm_err fvm_vector_message_read(const fvm_vector *vector, size_t i, uint32_t nv,
                                              fvm_message *message, uint64_t *chain_length);

/** A receipt as postconditions have it. NULL when out of memory. */
json_t *fvm_receipt_to_json(const fvm_receipt *receipt);
/** `{"receipts": [...], "state_tree": ...}` of a run without error. NULL when out of memory. */
json_t *fvm_vector_run_to_json(const fvm_vector_run *run);

/** Appends one object per difference to `list`: {message?, field, expected, got}. Every field of the
 *  expected receipts is compared, and a field that this program does not know is a difference.
 *  Errors: FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_vector_compare(json_t *list, const fvm_vector_run *run,
                                         const json_t *receipts, const fvm_cid *root);
/** The first actor (lowest ID) that differs between two state roots in `store`: {id, field,
 *  expected, got, others}. `*out` NULL when none does.
 *  Errors: what reading the trees may give; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_state_difference(json_t **out, const fvm_blockstore *store, uint32_t nv,
                                           const fvm_cid *expected, const fvm_cid *got);
#endif
