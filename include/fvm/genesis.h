/* genesis.h - make a state from parts: a manifest, the actors, and the map of their addresses.
 * Deterministic: the same parts give the same root. */
#ifndef FVM_GENESIS_H
#define FVM_GENESIS_H

#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/blockstore.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A line of the manifest: a name and a code that is in the store (or will be when it is run). */
typedef struct fvm_genesis_builtin {
    const char *name; /* "system", "init", "account", "placeholder", "eam", "ethaccount", ... */
    fvm_cid code;
} fvm_genesis_builtin;

/** An actor. The system actor (0) and the init actor (1) are made by themselves. */
typedef struct fvm_genesis_actor {
    uint64_t id;
    fvm_cid code;
    fvm_cid head; /* state root; digest_len 0 and version 0: the empty array */
    uint64_t nonce;
    fvm_big balance;     /* attoFIL */
    fvm_address address; /* f1..f4 address that the init actor maps to the ID; len 0: none. An f4
                            address becomes the actor's delegated address too (nv18+) */
} fvm_genesis_actor;

typedef struct fvm_genesis {
    uint32_t network_version;
    const char *network_name; /* of the init actor's state; NULL: "libfvm" */
    const fvm_genesis_builtin
        *builtins; /* in manifest order; must hold what the version requires */
    size_t builtin_count;
    const fvm_genesis_actor *actors;
    size_t actor_count;
    uint64_t next_id; /* first ID that the init actor gives away; 0: one past the highest, >= 100 */
} fvm_genesis;

/** Writes the state to `bs`.
 *  Out:    root  the state root; unchanged on error.
 *  Errors: FVM_ERR_VERSION  network version not supported.
 *          FVM_ERR_INVALID  "system" or "init" missing from the manifest, an ID or address twice, ID
 *                           0 or 1 given.
 *          HOST class. */
FVM_API FVM_NODISCARD fvm_err fvm_genesis_build(fvm_cid *root, const fvm_blockstore *bs,
                                                const fvm_genesis *genesis,
                                                const fvm_allocator *alloc);

#ifdef __cplusplus
}
#endif
#endif
