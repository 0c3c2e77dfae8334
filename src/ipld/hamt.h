/* hamt.h - hash array mapped tries over a blockstore, version 3 (reference/ipld.md 2): canonical to
 * the byte, lazy (a lookup loads the path, not the tree). Values are CBOR items as bytes. */
#ifndef FVM_IPLD_HAMT_H
#define FVM_IPLD_HAMT_H

#include "base/util.h"
#include <fvm/blockstore.h>

typedef struct fvm_hamt fvm_hamt;

/** An empty trie. bit_width 1..8. The store is borrowed and must outlive the trie. */
FVM_NODISCARD fvm_err fvm_hamt_new(fvm_hamt **out, const fvm_blockstore *bs, unsigned bit_width,
                                   const fvm_allocator *alloc);
/** Opens the trie at `root`. Loads the root node only.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE (load checks of reference/ipld.md 2), HOST. */
FVM_NODISCARD fvm_err fvm_hamt_load(fvm_hamt **out, const fvm_blockstore *bs, const fvm_cid *root,
                                    unsigned bit_width, const fvm_allocator *alloc);
void fvm_hamt_free(fvm_hamt *hamt);
/** The value of `key`: a view valid until the trie changes or is freed. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_hamt_get(fvm_hamt *hamt, fvm_bytes *value, fvm_bytes key);
/** Sets; value is one CBOR item, copied. A value equal to the stored one dirties nothing. */
FVM_NODISCARD fvm_err fvm_hamt_set(fvm_hamt *hamt, fvm_bytes key, fvm_bytes value);
/** `*done` false, and nothing dirtied, when the key exists. */
FVM_NODISCARD fvm_err fvm_hamt_set_if_absent(fvm_hamt *hamt, bool *done, fvm_bytes key,
                                             fvm_bytes value);
/** `*existed` (may be NULL) tells whether there was such a key. */
FVM_NODISCARD fvm_err fvm_hamt_delete(fvm_hamt *hamt, bool *existed, fvm_bytes key);
/** Writes changed nodes, children first, and gives the root. Without changes nothing is encoded. */
FVM_NODISCARD fvm_err fvm_hamt_flush(fvm_hamt *hamt, fvm_cid *root);
/** Calls `visit` for each entry, slot order, buckets in key order; an error stops and is returned. */
FVM_NODISCARD fvm_err fvm_hamt_each(fvm_hamt *hamt,
                                    fvm_err (*visit)(void *ctx, fvm_bytes key, fvm_bytes value),
                                    void *ctx);
#endif
