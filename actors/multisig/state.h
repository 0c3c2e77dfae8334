/* state.h - what a multisig keeps. Reference: actors.md 8.
 *
 * The reference writes a transaction to the map, and out of it again when it is executed at once; what
 * remains is the same as if it had never been there, so here the map is written once. */
#ifndef FVM_ACTORS_MULTISIG_STATE_H
#define FVM_ACTORS_MULTISIG_STATE_H

#include "common/builtin.h"
#include "common/wide.h"

#define SIGNERS_MAX 256

FVM_LIST(addresses, address)

#define MULTISIG(F)                                                                                \
    F(addresses, signers)                                                                          \
    F(uint, threshold)                                                                             \
    F(int, next_tx_id)                                                                             \
    F(wide, initial_balance)                                                                       \
    F(int, start_epoch)                                                                            \
    F(int, unlock_duration)                                                                        \
    F(cid, pending_txs)
FVM_STRUCT(state, MULTISIG)

#define TRANSACTION(F)                                                                             \
    F(address, to)                                                                                 \
    F(wide, value)                                                                                 \
    F(uint, method)                                                                                \
    F(bytes, params)                                                                               \
    F(addresses, approved)
FVM_STRUCT(transaction, TRANSACTION)

void state_load(state *s);
void state_save(const state *s);

/** Where `address` stands in a list; its count if it does not. */
size_t list_find(const addresses *list, const fvm_address *address);
/** A longer copy of a list, with `address` at its end. */
void list_append(addresses *list, const fvm_address *address);
/** Takes every `address` out, keeping the order. */
void list_remove(addresses *list, const fvm_address *address);

/** The map of pending transactions. */
fvm_hamt *pending_load(const state *s);
/** False when there is no such transaction. */
bool pending_get(fvm_hamt *pending, transaction *out, int64_t id);
void pending_set(fvm_hamt *pending, const transaction *tx, int64_t id);
void pending_delete(fvm_hamt *pending, int64_t id);
/** Takes the approvals of `address` back; transactions without any go. */
void pending_purge(state *s, const fvm_address *address);

/** Ends the call unless `amount` may be spent now: 16 below zero, 19 more than there is or more than
 *  the lock leaves. Nothing may always be spent. */
void require_available(const state *s, const wide *amount);

#endif
