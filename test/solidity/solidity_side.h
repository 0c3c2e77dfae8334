/* solidity_side.h - one network of the two that a scenario is run on: the genesis of the scenarios on the
 * actors of one bundle, and the messages of a scenario above it. */
#ifndef FVM_TEST_SOLIDITY_SIDE_H
#define FVM_TEST_SOLIDITY_SIDE_H

#include "eth_state.h"

#define CHAIN_ID 31415926
#define GAS_LIMIT UINT64_C(10000000000) /* a block's */

typedef struct side {
    const char *bundle;
    eth_world world; /* its store is the scenario's, its root the state after the last message */
    fvm_blockstore base; /* with the genesis */
    fvm_cid genesis;
    fvm_machine *machine;
    fvm_trace_sink sink;
    fvm_receipt receipt; /* of the last message */
    uint64_t gas;        /* of the family's messages so far */
    uint64_t own;        /* milligas of these for wasm, memory and host calls */
} side;

/** False when there is no such bundle. Like all here, ends the program on failures of the host. */
bool side_open(side *s, const char *bundle, const json_t *accounts);
void side_close(side *s);
/** From the genesis again. */
void side_scenario(side *s, int64_t epoch, uint64_t timestamp);
/** Goes on at another epoch. */
void side_epoch(side *s, int64_t epoch, uint64_t timestamp);
/** The receipt and the new root are left in `s`. */
void side_apply(side *s, const fvm_message *message);
/** Attotokens of an account; 0 when it is not there. */
fvm_big side_balance(side *s, const fvm_address *address);
/** Writes the first actor that differs in anything but its code into `why`, or leaves it empty. */
void side_compare(char *why, size_t why_len, side *ours, side *theirs);

/** Ends the program, as the host or a line of a scenario is at fault. */
_Noreturn void side_die(const char *what, fvm_err err);
#endif
