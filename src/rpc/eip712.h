/* eip712.h - the hash of typed structured data. Spec: EIP-712. */
#ifndef FVM_RPC_EIP712_H
#define FVM_RPC_EIP712_H

#include "json_in.h"

/** The hash to be signed of {"types", "primaryType", "domain", "message"}.
 *  Errors: FVM_ERR_MALFORMED with `why` (static text); FVM_ERR_DEPTH; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_eip712_hash(uint8_t out[32], const json_t *data,
                                      const fvm_allocator *alloc, const char **why);
#endif
