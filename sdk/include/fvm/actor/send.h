/* send.h - calling other actors and moving value. */
#ifndef FVM_ACTOR_SEND_H
#define FVM_ACTOR_SEND_H

#include <fvm/actor/block.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Calls `method` of `to` with a block of parameters (0: none) and a value.
 *  Returns an error number when there was no call at all (FVM_E_NOT_FOUND no such actor,
 *  FVM_E_INSUFFICIENT_FUNDS, FVM_E_LIMIT_EXCEEDED depth, FVM_E_READ_ONLY); else 0, and `out` has the
 *  exit code and the returned block, whatever the exit code is. */
uint32_t fvm_send(fvm_send_result *out, const fvm_address *to, uint64_t method, uint32_t params,
                  fvm_token value);
/** The same with a limit of gas (FVM_SEND_ALL_GAS: none) and flags (FVM_SEND_READ_ONLY). */
uint32_t fvm_send_limited(fvm_send_result *out, const fvm_address *to, uint64_t method,
                          uint32_t params, fvm_token value, uint64_t gas_limit, uint64_t flags);
/** Calls, and ends this call if that fails, as the built-in actors do: with the callee's exit code and
 *  returned block (codes of the machine's own become 23 or 24), 23 when there is no such actor,
 *  fvm_abort_errno's for other errors. Gives the returned block (ID and size; read it with
 *  fvm_block_read_sized). */
fvm_send_result fvm_send_must(const fvm_address *to, uint64_t method, uint32_t params,
                              fvm_token value);
/** Moves value; ends this call if that fails. */
static inline void fvm_pay(const fvm_address *to, fvm_token value)
{
    (void)fvm_send_must(to, FVM_METHOD_SEND, 0, value);
}

/** ID of an address; false when it has none yet. */
bool fvm_resolve(uint64_t *id, const fvm_address *address);

#ifdef __cplusplus
}
#endif
#endif
