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

/* --- a whole network --- */

/** Somebody who has money from the beginning. What is left zero has its default. */
typedef struct fvm_genesis_account {
    fvm_address
        address;     /* f1 or f3: an account; f4 in namespace 10 with 20 bytes: an Ethereum account;
                            len 0: a multisig, whose f2 address is made from its place in the list */
    fvm_big balance; /* attoFIL */
    /* of a multisig only: */
    const fvm_address *signers; /* f0, or the address of another account in the list; no multisig */
    size_t signer_count;        /* 1..256 */
    uint64_t threshold;         /* approvals needed, 1..signer_count */
    int64_t start_epoch, unlock_duration; /* duration not 0: the balance is set free in a line */
} fvm_genesis_account;

/** A network's first state: the actors that every network has, on codes out of a bundle, and accounts.
 *
 *     f00 system   f01 init   f02 reward (power 0)   f03 cron (nothing to call)   f010 eam
 *     f04..f07     the storage actors' places: left free
 *     f099         where burnt money goes
 *     f0100...     the accounts in the order given; after the last, the Ethereum account at the null
 *                  address (FIP-0055) */
typedef struct fvm_genesis_network {
    uint32_t network_version;     /* 18 or later */
    const char *network_name;     /* of the init actor's state; NULL: "libfvm" */
    const fvm_blockstore *bundle; /* has the codes; they are copied */
    fvm_cid manifest;             /* the bundle's root, [1, data CID] */
    fvm_big reward_balance;       /* attoFIL that f02 has to pay out */
    const fvm_genesis_account *accounts;
    size_t account_count;
    const fvm_genesis_actor
        *extra; /* more actors as they are, for instance at the places left free */
    size_t extra_count;
} fvm_genesis_network;

#define FVM_GENESIS_FIRST_ID 100 /* of the first account */

/** Writes the state, codes included, to `bs`. Deterministic.
 *  Out:    root       the state root; unchanged on error.
 *          addresses  of the accounts, which have IDs from FVM_GENESIS_FIRST_ID on: as given, or the
 *                     multisigs' f2 addresses; may be NULL.
 *  Errors: FVM_ERR_VERSION  network version not supported, or below 18.
 *          FVM_ERR_INVALID  an account of another kind of address, or twice; a multisig with bad
 *                           signers (not resolvable, twice, too many), threshold or duration; an
 *                           actor missing from the manifest.
 *          FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE  the bundle is broken.
 *          HOST class. */
FVM_API FVM_NODISCARD fvm_err fvm_genesis_network_build(fvm_cid *root, fvm_address *addresses,
                                                        const fvm_blockstore *bs,
                                                        const fvm_genesis_network *network,
                                                        const fvm_allocator *alloc);

#ifdef __cplusplus
}
#endif
#endif
