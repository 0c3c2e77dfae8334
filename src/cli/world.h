/* world.h - a small local world to run one actor in: a state made in memory, with built-in actors
 * that return at once. */
#ifndef FVM_CLI_WORLD_H
#define FVM_CLI_WORLD_H

#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/blockstore.h>

#define FVM_WORLD_SENDER 100u /* an account with an f1 address and a great deal of money */
#define FVM_WORLD_ACTOR 1000u /* the actor to run */
#define FVM_WORLD_ACCOUNTS_MAX 16u

/** Writes such a state for a network version to `bs`. The actor under test has `wasm` as its code,
 *  the empty array as its state, and `balance` attoFIL.
 *  Out:    root    the state root.
 *          sender  the f1 address of the sender.
 *  Errors: FVM_ERR_VERSION, HOST class. */
FVM_NODISCARD fvm_err fvm_world_make(fvm_cid *root, fvm_address *sender, const fvm_blockstore *bs,
                                     uint32_t network_version, fvm_bytes wasm,
                                     const fvm_big *balance);
/** The same with `count` (1..FVM_WORLD_ACCOUNTS_MAX) accounts, FVM_WORLD_SENDER and the IDs after it;
 *  their f1 addresses go to `accounts`. FVM_ERR_INVALID for other counts. */
FVM_NODISCARD fvm_err fvm_world_make_accounts(fvm_cid *root, fvm_address *accounts, size_t count,
                                              const fvm_blockstore *bs, uint32_t network_version,
                                              fvm_bytes wasm, const fvm_big *balance);
/** The same with `head`, a block in `bs`, as the actor's state (NULL: the empty array). */
FVM_NODISCARD fvm_err fvm_world_make_with_state(fvm_cid *root, fvm_address *accounts, size_t count,
                                                const fvm_blockstore *bs, uint32_t network_version,
                                                fvm_bytes wasm, const fvm_cid *head,
                                                const fvm_big *balance);
#endif
