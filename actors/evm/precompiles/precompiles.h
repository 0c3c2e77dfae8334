/* precompiles.h - the EVM's built-in contracts: Ethereum's 0x01 to 0x11 but 0x0a, P256VERIFY at 0x0100,
 * and Filecoin's at 0xfe..01 to 0xfe..06. Facts: reference/evm.md 2.3 and 4; bundle v18.
 *
 * The interpreter asks fvm_evm_is_reserved() of the address of a CALL, DELEGATECALL or STATICCALL, and
 * if so calls fvm_evm_precompile() in place of a send. */
#ifndef FVM_EVM_PRECOMPILES_H
#define FVM_EVM_PRECOMPILES_H

#include <fvm/actor.h>

typedef enum fvm_evm_call_kind {
    FVM_EVM_CALL,
    FVM_EVM_DELEGATECALL,
    FVM_EVM_STATICCALL,
} fvm_evm_call_kind;

/** A send that a precompile asks the interpreter for. */
typedef struct fvm_evm_send {
    const uint8_t *to; /* Filecoin address, not checked: the machine refuses bad ones */
    uint32_t to_len;
    uint64_t method;
    uint64_t codec; /* of params; 0: no block */
    fvm_bytes params;
    fvm_u256 value; /* 2^128 and more: FVM_E_INSUFFICIENT_FUNDS */
    uint64_t gas;   /* limit asked for; to be cut to 63/64 of what is available */
    uint64_t flags; /* FVM_SEND_READ_ONLY or 0 */
} fvm_evm_send;

/** How a precompile was called. */
typedef struct fvm_evm_call_context {
    fvm_evm_call_kind kind;
    fvm_u256 gas;   /* the instruction's operand */
    fvm_u256 value; /* the instruction's operand; 0 but for CALL. fvm_evm_precompile moves it. */
    /** call_actor sends with it: writes the actor's state, sends, and loads the state again if
     *  the exit code is 0 (evm.md 1.3). Returns the syscall's error number, 0 with *out filled. */
    uint32_t (*send)(void *system, fvm_send_result *out, const fvm_evm_send *what);
    void *system; /* the interpreter's, for `send` */
} fvm_evm_call_context;

/** Whether calls to this address never become a send: 00.. or fe.. with 18 zero bytes and a last byte
 *  that is not zero, and 0x0100. Reserved addresses without a function succeed with empty output. */
bool fvm_evm_is_reserved(const uint8_t address[20]);
/** Whether there is a function at this address (what EXTCODE* calls a precompile). */
bool fvm_evm_is_precompile(const uint8_t address[20]);
/** Runs the precompile at a reserved address, then moves ctx->value to it.
 *  Out:     out, out_len  what it returns, in the heap; empty when it fails.
 *  Returns: 0 done; 1 it fails: CALL pushes 0 and the return data is empty. */
int fvm_evm_precompile(const uint8_t **out, uint32_t *out_len, const uint8_t address[20],
                       const fvm_evm_call_context *ctx, const uint8_t *in, uint32_t in_len);

#endif
