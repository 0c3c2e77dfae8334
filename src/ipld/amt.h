/* amt.h - arrays over a blockstore, version 3 with v0 roots readable (reference/ipld.md 3).
 * Canonical with respect to content, lazy. Values are CBOR items as bytes. */
#ifndef FVM_IPLD_AMT_H
#define FVM_IPLD_AMT_H

#include "base/util.h"
#include <fvm/blockstore.h>

typedef struct fvm_amt fvm_amt;
#define FVM_AMT_INDEX_MAX (UINT64_MAX - 1)

/** An empty array; bit_width 1..18 (node width 2^bit_width). */
FVM_NODISCARD fvm_err fvm_amt_new(fvm_amt **out, const fvm_blockstore *bs, unsigned bit_width,
                                  const fvm_allocator *alloc);
/** An empty v0 array, width 8: what block headers point to. */
FVM_NODISCARD fvm_err fvm_amt_new_v0(fvm_amt **out, const fvm_blockstore *bs,
                                     const fvm_allocator *alloc);
/** Opens the array at `root`; the bit width is the root's own.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE, HOST. */
FVM_NODISCARD fvm_err fvm_amt_load(fvm_amt **out, const fvm_blockstore *bs, const fvm_cid *root,
                                   const fvm_allocator *alloc);
/** As fvm_amt_load for a v0 root `[height, count, node]` of width 8. Flushing writes v0 again. */
FVM_NODISCARD fvm_err fvm_amt_load_v0(fvm_amt **out, const fvm_blockstore *bs, const fvm_cid *root,
                                      const fvm_allocator *alloc);
void fvm_amt_free(fvm_amt *amt);
uint64_t fvm_amt_count(const fvm_amt *amt);
FVM_NODISCARD fvm_err fvm_amt_get(fvm_amt *amt, fvm_bytes *value, uint64_t index);
FVM_NODISCARD fvm_err fvm_amt_set(fvm_amt *amt, uint64_t index, fvm_bytes value);
FVM_NODISCARD fvm_err fvm_amt_delete(fvm_amt *amt, bool *existed, uint64_t index);
FVM_NODISCARD fvm_err fvm_amt_flush(fvm_amt *amt, fvm_cid *root);
FVM_NODISCARD fvm_err fvm_amt_each(fvm_amt *amt,
                                   fvm_err (*visit)(void *ctx, uint64_t index, fvm_bytes value),
                                   void *ctx);
#endif
