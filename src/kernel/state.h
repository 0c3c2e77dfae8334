/* state.h - the actors of a machine. The tree (reference/executor.md 5) is the committed form; the
 * view lies over it and holds what messages change, with an undo log, so that a nested send that
 * reverts costs what it changed; and the per-message record of what was already read and updated
 * (reference/kernel.md 8), which rolls back with the transaction. */
#ifndef FVM_KERNEL_STATE_H
#define FVM_KERNEL_STATE_H

#include "network.h"
#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/blockstore.h>

#define FVM_ID_SYSTEM 0u
#define FVM_ID_INIT 1u
#define FVM_ID_REWARD 2u
#define FVM_ID_EAM 10u
#define FVM_ID_BURNT 99u

typedef struct fvm_actor {
    fvm_cid code;
    fvm_cid head; /* state root of the actor */
    uint64_t nonce;
    fvm_big balance;       /* attoFIL */
    fvm_address delegated; /* len 0: none; always none before nv18 */
} fvm_actor;

/** Writes an actor record as stored in the tree: four fields for tree version <= 4, five from 5. */
FVM_NODISCARD fvm_err fvm_actor_write(fvm_buf *out, const fvm_actor *actor, uint32_t tree_version);
/** FVM_ERR_BAD_STATE when `in` is not exactly one actor record. */
FVM_NODISCARD fvm_err fvm_actor_read(fvm_actor *out, fvm_bytes in, uint32_t tree_version);

/** The CID of the empty array block `80`, head of an actor without state. */
fvm_cid fvm_empty_array_cid(void);

typedef struct fvm_state_view fvm_state_view;

/** Opens the state at `root` over `bs` (borrowed).
 *  Errors: FVM_ERR_VERSION (tree version not accepted), FVM_ERR_BAD_STATE, FVM_ERR_MISSING_BLOCK,
 *          HOST. */
FVM_NODISCARD fvm_err fvm_state_view_open(fvm_state_view **out, const fvm_blockstore *bs,
                                          const fvm_cid *root, const fvm_network *net,
                                          const fvm_allocator *alloc);
/** A new, empty tree with version `net->state_tree_version`. */
FVM_NODISCARD fvm_err fvm_state_view_new(fvm_state_view **out, const fvm_blockstore *bs,
                                         const fvm_network *net, const fvm_allocator *alloc);
void fvm_state_view_free(fvm_state_view *view);

/** The actor, valid until the next change of this view. FVM_ERR_NOT_FOUND when there is none. */
FVM_NODISCARD fvm_err fvm_state_get(fvm_state_view *view, const fvm_actor **out, uint64_t id);
/** Inserts or replaces; `actor` is copied. */
FVM_NODISCARD fvm_err fvm_state_set(fvm_state_view *view, uint64_t id, const fvm_actor *actor);
/** The actor, to be changed in place before the next call on this view. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_state_edit(fvm_state_view *view, fvm_actor **out, uint64_t id);
FVM_NODISCARD fvm_err fvm_state_delete(fvm_state_view *view, uint64_t id);
/** Adds `delta` (may be negative) to a balance. FVM_ERR_NOT_FOUND; FVM_ERR_RANGE when the result
 *  would be negative or too large. */
FVM_NODISCARD fvm_err fvm_state_credit(fvm_state_view *view, uint64_t id, const fvm_big *delta);

/** ID of an address by the init actor's map (f0: its number, without looking). FVM_ERR_NOT_FOUND.
 *  Cached; the cache rolls back with transactions. */
FVM_NODISCARD fvm_err fvm_state_lookup_id(fvm_state_view *view, uint64_t *id,
                                          const fvm_address *address);
/** Gives the address the init actor's next ID: state block rewritten, actor 1 updated; no gas. */
FVM_NODISCARD fvm_err fvm_state_register_address(fvm_state_view *view, uint64_t *id,
                                                 const fvm_address *address);

/** Transactions nest. `end(revert)` undoes everything since the matching begin, access levels
 *  included. */
FVM_NODISCARD fvm_err fvm_state_begin(fvm_state_view *view);
void fvm_state_end(fvm_state_view *view, bool revert);

/** Levels of access within a message; nv18+. */
typedef enum fvm_access {
    FVM_ACCESS_NONE,
    FVM_ACCESS_READ,
    FVM_ACCESS_UPDATED,
} fvm_access;
/** Forgets all levels: a message starts. The free system actors are then UPDATED. */
void fvm_state_access_reset(fvm_state_view *view);
fvm_access fvm_state_access_level(const fvm_state_view *view, uint64_t id);
/** Raises the level (never lowers); undone with the transaction. */
FVM_NODISCARD fvm_err fvm_state_access_raise(fvm_state_view *view, uint64_t id, fvm_access level);

/** Writes changed actors into the tree and the tree into the store; gives the root. Only outside
 *  transactions. Does not flush the store. */
FVM_NODISCARD fvm_err fvm_state_flush(fvm_state_view *view, fvm_cid *root);
/** Calls `visit` for every actor, those changed but not flushed included, in no promised order. */
FVM_NODISCARD fvm_err fvm_state_each(fvm_state_view *view,
                                     fvm_err (*visit)(void *ctx, uint64_t id,
                                                      const fvm_actor *actor),
                                     void *ctx);
const fvm_network *fvm_state_network(const fvm_state_view *view);
const fvm_blockstore *fvm_state_blockstore(const fvm_state_view *view);

/* --- states of particular actors that the FVM itself reads (reference/executor.md 6) --- */

/** Actor 0's state: [manifest data CID]. */
FVM_NODISCARD fvm_err fvm_system_state_manifest(fvm_state_view *view, fvm_cid *data);
/** The key address in an account actor's state block: [address]. */
FVM_NODISCARD fvm_err fvm_account_state_address(fvm_address *out, fvm_bytes state, bool delegated);

/* --- manifest --- */

/** The built-in actors of a machine. Types are 1-based positions in the manifest's list. */
typedef struct fvm_manifest fvm_manifest;
typedef enum fvm_builtin { /* names that the machine itself needs */
                           FVM_BUILTIN_SYSTEM,
                           FVM_BUILTIN_INIT,
                           FVM_BUILTIN_ACCOUNT,
                           FVM_BUILTIN_PLACEHOLDER,
                           FVM_BUILTIN_EAM,
                           FVM_BUILTIN_ETHACCOUNT,
                           FVM_BUILTIN_COUNT,
} fvm_builtin;
/** Loads manifest data `[[name, code CID]...]`. Errors: FVM_ERR_BAD_STATE (does not decode, or a
 *  name that the era requires is missing), FVM_ERR_MISSING_BLOCK, HOST. */
FVM_NODISCARD fvm_err fvm_manifest_load(fvm_manifest **out, const fvm_blockstore *bs,
                                        const fvm_cid *data, const fvm_network *net,
                                        const fvm_allocator *alloc);
void fvm_manifest_free(fvm_manifest *manifest);
/** The code of a builtin; NULL when this manifest lacks it (nv17: placeholder, eam, ethaccount). */
const fvm_cid *fvm_manifest_builtin(const fvm_manifest *manifest, fvm_builtin which);
/** The type of a code, 0 when it is not built in. Duplicate codes: the last position. */
uint32_t fvm_manifest_type(const fvm_manifest *manifest, const fvm_cid *code);
/** The code of type 1..count; NULL otherwise. `name` (may be NULL) receives its name. */
const fvm_cid *fvm_manifest_code(const fvm_manifest *manifest, uint32_t type, fvm_bytes *name);
uint32_t fvm_manifest_count(const fvm_manifest *manifest);
/** nv17's create_actor refuses singletons: system, init, reward, cron, storagepower, storagemarket,
 *  verifiedregistry. */
bool fvm_manifest_is_singleton(const fvm_manifest *manifest, const fvm_cid *code);
#endif
