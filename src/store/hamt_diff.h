/* hamt_diff.h - what two HAMTs do not have in common, without looking at what they share: subtrees
 * with the same CID are passed over, so that the cost follows the change and not the size. */
#ifndef FVM_STORE_HAMT_DIFF_H
#define FVM_STORE_HAMT_DIFF_H

#include "base/util.h"
#include <fvm/blockstore.h>

/** Calls `visit` for each key whose values differ, in order of slots, then keys; a value with NULL
 *  ptr: the key is not there. Views are valid during the call. An error of `visit` ends the walk.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE, HOST, and those of `visit`. */
FVM_NODISCARD fvm_err fvm__hamt_diff(const fvm_blockstore *bs, const fvm_cid *before,
                                     const fvm_cid *after, unsigned bit_width,
                                     fvm_err (*visit)(void *ctx, fvm_bytes key, fvm_bytes before,
                                                      fvm_bytes after),
                                     void *ctx, const fvm_allocator *alloc);
#endif
