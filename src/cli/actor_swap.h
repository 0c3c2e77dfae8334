/* actor_swap.h - runs a vector of mainnet's built-in actors on the embedded ones: `--actors`.
 *
 * Before the run, the manifest in the state gets the embedded codes of the actors named, and so does
 * every actor that has one of theirs. After it, the state is compared actor by actor as if that were
 * turned back: code by code, balances less what gas cost more or less than it should have. Contracts'
 * states of actors before v16 (five fields; reference/evm.md 1.1) are rewritten with the sixth, null,
 * before the run and for the comparison. Links to codes in messages' parameters are exchanged, too.
 * Gas and what follows from it is not compared, nor what messages returned that ran out of it. */
#ifndef FVM_CLI_ACTOR_SWAP_H
#define FVM_CLI_ACTOR_SWAP_H

#include "vector_run.h"

/** What `--actors` says: "embedded" for all that the bundle has, or "embedded:evm,eam". False, with a
 *  line on stderr, when it does not say that. */
bool fvm_swap_option(const char *command, const char *value);

/** Rewrites the state at `root` in `store` for `swap` (as above). *root becomes the new one.
 *  Errors: what reading and writing the trees may give, told in `why`; FVM_ERR_NOT_FOUND when the
 *  bundle lacks an actor named. */
FVM_NODISCARD fvm_err fvm_swap_apply(fvm_cid *root, const fvm_blockstore *store, uint32_t nv,
                                     const char *swap, fvm_store_why *why);
/** Appends a message's parameters to `out`, with the embedded codes where they link mainnet's (Exec's
 *  do). `root` is the vector's own. Errors as fvm_swap_apply. */
FVM_NODISCARD fvm_err fvm_swap_params(fvm_buf *out, fvm_bytes params, const fvm_cid *root,
                                      const fvm_blockstore *store, uint32_t nv, const char *swap);
/** As fvm_vector_compare, for a run after fvm_swap_apply. `before` is the vector's own root. */
FVM_NODISCARD fvm_err fvm_swap_compare(json_t *list, const fvm_vector_run *run,
                                       const fvm_vector *vector, uint32_t nv,
                                       const json_t *receipts, const fvm_cid *root);
#endif
