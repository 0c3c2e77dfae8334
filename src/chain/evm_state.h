/* evm_state.h - the state of an EVM contract (reference/evm.md 1.1), read and written without running it.
 * Errors of all: those of the store; FVM_ERR_BAD_STATE for what does not decode; FVM_ERR_NOMEM. */
#ifndef FVM_CHAIN_EVM_STATE_H
#define FVM_CHAIN_EVM_STATE_H

#include "base/util.h"
#include <fvm/blockstore.h>

typedef struct fvm__evm_state {
    fvm_cid bytecode;
    uint8_t bytecode_hash[32]; /* keccak-256 */
    fvm_cid storage;           /* of a KAMT, u256 to u256 */
    bool has_transient;        /* the three below count */
    fvm_cid transient;
    uint64_t transient_origin, transient_nonce;
    uint64_t nonce;
    bool dead; /* a tombstone is set; the two below count */
    uint64_t tomb_origin, tomb_nonce;
} fvm__evm_state;

/** Reads the state block `head`. On error `out` holds nothing of use. */
FVM_NODISCARD fvm_err fvm__evm_read(fvm__evm_state *out, const fvm_blockstore *bs,
                                    const fvm_cid *head, const fvm_allocator *alloc);
/** Puts the state block into `bs`; `*head` is its CID. */
FVM_NODISCARD fvm_err fvm__evm_write(fvm_cid *head, const fvm__evm_state *state,
                                     const fvm_blockstore *bs, const fvm_allocator *alloc);
/** A contract's first state, with this code: nonce 1, no storage. Code and storage are put into `bs`. */
FVM_NODISCARD fvm_err fvm__evm_new(fvm__evm_state *out, fvm_bytes code, const fvm_blockstore *bs,
                                   const fvm_allocator *alloc);
/** Puts other code into `bs` and into the state. */
FVM_NODISCARD fvm_err fvm__evm_code(fvm__evm_state *state, fvm_bytes code,
                                    const fvm_blockstore *bs);
/** Makes the storage an empty one. */
FVM_NODISCARD fvm_err fvm__evm_no_storage(fvm__evm_state *state, const fvm_blockstore *bs,
                                          const fvm_allocator *alloc);
/** Reads a slot; zero if it is not there. Numbers are big-endian. */
FVM_NODISCARD fvm_err fvm__evm_get(uint8_t out[32], const fvm__evm_state *state,
                                   const fvm_blockstore *bs, const uint8_t slot[32],
                                   const fvm_allocator *alloc);
/** Sets a slot, or takes it out if `value` is zero; `state->storage` is the new root. */
FVM_NODISCARD fvm_err fvm__evm_set(fvm__evm_state *state, const fvm_blockstore *bs,
                                   const uint8_t slot[32], const uint8_t value[32],
                                   const fvm_allocator *alloc);
#endif
