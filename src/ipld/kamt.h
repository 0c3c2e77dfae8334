/* kamt.h - tries of 32-byte keys, taken as they are instead of hashed, over a blockstore: the storage
 * of EVM contracts (reference/ipld.md 4). Levels that only one child would have are skipped, and the
 * skipped bits stand in the link. Canonical to the byte, lazy, as the HAMT. Values are CBOR items. */
#ifndef FVM_IPLD_KAMT_H
#define FVM_IPLD_KAMT_H

#include <fvm/blockstore.h>

#include "base/util.h"

typedef struct fvm_kamt fvm_kamt;

#define FVM_KAMT_KEY_LEN 32 /* a u256, big-endian; written without leading zeros */

/** An empty trie. bit_width 1..8 (EVM storage: 5). The store is borrowed and must outlive the trie. */
FVM_NODISCARD fvm_err fvm_kamt_new(fvm_kamt **out, const fvm_blockstore *bs, unsigned bit_width,
                                   const fvm_allocator *alloc);
/** Opens the trie at `root`. Loads the root node only.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE (load checks of reference/ipld.md 4), HOST. */
FVM_NODISCARD fvm_err fvm_kamt_load(fvm_kamt **out, const fvm_blockstore *bs, const fvm_cid *root,
                                    unsigned bit_width, const fvm_allocator *alloc);
void fvm_kamt_free(fvm_kamt *kamt);
/** The value of `key`: a view valid until the trie changes or is freed. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_kamt_get(fvm_kamt *kamt, fvm_bytes *value,
                                   const uint8_t key[FVM_KAMT_KEY_LEN]);
/** Sets; value is one CBOR item, copied. A value equal to the stored one dirties nothing. */
FVM_NODISCARD fvm_err fvm_kamt_set(fvm_kamt *kamt, const uint8_t key[FVM_KAMT_KEY_LEN],
                                   fvm_bytes value);
/** `*existed` (may be NULL) tells whether there was such a key. */
FVM_NODISCARD fvm_err fvm_kamt_delete(fvm_kamt *kamt, bool *existed,
                                      const uint8_t key[FVM_KAMT_KEY_LEN]);
/** Writes changed nodes, children first, and gives the root. Without changes nothing is encoded. */
FVM_NODISCARD fvm_err fvm_kamt_flush(fvm_kamt *kamt, fvm_cid *root);
/** Calls `visit` for each entry in slot order, which in a trie that we wrote is the order of keys; an
 *  error stops and is returned. */
FVM_NODISCARD fvm_err fvm_kamt_each(fvm_kamt *kamt,
                                    fvm_err (*visit)(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN],
                                                     fvm_bytes value),
                                    void *ctx);
#endif
