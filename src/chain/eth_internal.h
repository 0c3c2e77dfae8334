/* eth_internal.h - what the files about Ethereum transactions share. */
#ifndef FVM_CHAIN_ETH_INTERNAL_H
#define FVM_CHAIN_ETH_INTERNAL_H

#include "chain/eth_tx.h"

/** Gives the words for the user, if they are asked for, and returns `err`. */
static inline fvm_err fvm__say(const char **why, fvm_err err, const char *text)
{
    if (why) *why = text;
    return err;
}

/** The rules that a transaction's fields keep by themselves: fees, gas, nonce, and r and s if `is_signed`.
 *  FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm__eth_check(const fvm_eth_tx *tx, bool is_signed, const char **why);
/** The bytes of the delegated signature of a signed transaction. */
void fvm__eth_signature(fvm_signature *out, const fvm_eth_tx *tx);
#endif
