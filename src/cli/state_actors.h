/* state_actors.h - the actors of a state as a list by ID, and two such lists side by side. */
#ifndef FVM_CLI_STATE_ACTORS_H
#define FVM_CLI_STATE_ACTORS_H

#include "kernel/state.h"

typedef struct fvm_state_actor {
    uint64_t id;
    fvm_actor actor;
} fvm_state_actor;

/** Appends all actors of `view` to `out`, an empty buffer, as fvm_state_actor sorted by ID.
 *  Errors as fvm_state_each; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_state_actors(fvm_buf *out, fvm_state_view *view);

/** Two lists being walked together; borrowed. Zero-initialise, then set `left` and `right`. */
typedef struct fvm_actor_pairs {
    const fvm_buf *left, *right;
    size_t i, j; /* of the next ones */
} fvm_actor_pairs;
/** The next ID that is in either list: its actors, NULL in the list that lacks it. False at the end. */
bool fvm_actor_pairs_next(fvm_actor_pairs *pairs, const fvm_state_actor **left,
                          const fvm_state_actor **right);
#endif
