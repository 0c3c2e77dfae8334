/* blockstore.h - where IPLD blocks come from and go to: an interface that an embedder can
 * implement, and the kinds that need no file. */
#ifndef FVM_BLOCKSTORE_H
#define FVM_BLOCKSTORE_H

#include <fvm/cid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A store: its operations and what they work on. Copied with `=`; freed once. */
typedef struct fvm_blockstore fvm_blockstore;

/** One block for a batch. */
typedef struct fvm_block {
    fvm_cid cid;
    fvm_bytes data;
} fvm_block;

/** What a kind of store implements. Functions return FVM_OK, or an error of class HOST when the
 *  store itself failed; `self` is what the store was made with. Reading functions must be callable
 *  from several threads at once if the store is shared by machines on several threads. */
typedef struct fvm_blockstore_ops {
    /** Appends the block to `out`. FVM_ERR_NOT_FOUND when absent; `out` is unchanged on error. */
    fvm_err (*get)(void *self, fvm_buf *out, const fvm_cid *cid);
    /** Whether the block is there. */
    fvm_err (*has)(void *self, bool *out, const fvm_cid *cid);
    /** Stores `count` blocks, all or none where the store can promise that. The caller vouches for
     *  the CIDs. */
    fvm_err (*put_many)(void *self, const fvm_block *blocks, size_t count);
    /** Optional (NULL): a view of the block without a copy, valid until the store is freed.
     *  FVM_ERR_NOT_FOUND as above. */
    fvm_err (*view)(void *self, fvm_bytes *out, const fvm_cid *cid);
    /** Frees `self`; may be NULL. */
    void (*free)(void *self);
} fvm_blockstore_ops;

struct fvm_blockstore {
    const fvm_blockstore_ops *ops;
    void *self;
};

/* Conveniences over the operations. Identity CIDs need no store: get, has and view answer them from the
 * digest. All give the errors of the store's own operations, too. */

/** Appends the block to `out`. FVM_ERR_NOT_FOUND; FVM_ERR_NOMEM; `out` is unchanged on error. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_get(const fvm_blockstore *bs, fvm_buf *out,
                                                 const fvm_cid *cid);
/** Whether the block is there. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_has(const fvm_blockstore *bs, bool *out,
                                                 const fvm_cid *cid);
/** Stores a block. The caller vouches for the CID. FVM_ERR_READ_ONLY where the store is. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_put(const fvm_blockstore *bs, const fvm_cid *cid,
                                                 fvm_bytes data);
/** Stores `count` blocks in one batch, all or none where the store can promise that. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_put_many(const fvm_blockstore *bs,
                                                      const fvm_block *blocks, size_t count);
/** Hashes (blake2b-256), stores, and gives the CID. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_put_new(const fvm_blockstore *bs, fvm_cid *out,
                                                     uint64_t codec, fvm_bytes data);
/** A view without a copy where the store can give one, else a copy appended to `spare` and a view
 *  of that (valid until `spare` changes). */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_view(const fvm_blockstore *bs, fvm_bytes *out,
                                                  fvm_buf *spare, const fvm_cid *cid);
/** Frees what the store was made with, of whatever kind it is. Views of its blocks end with it. */
FVM_API void fvm_blockstore_free(fvm_blockstore *bs);

/** A store in memory, from `alloc` (NULL: libc). Views stay valid until it is freed. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_memory_new(fvm_blockstore *out,
                                                        const fvm_allocator *alloc);
/** Number of blocks, and bytes of their data, in a store of the kind above and of no other. */
FVM_API void fvm_blockstore_memory_stats(const fvm_blockstore *bs, size_t *blocks, size_t *bytes);

/** A store that keeps writes in memory above `base` (borrowed; must outlive it), which it never writes
 *  to: what it holds goes when it is freed. Views of blocks that it holds itself are valid until
 *  then. FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_buffered_new(fvm_blockstore *out,
                                                          const fvm_blockstore *base,
                                                          const fvm_allocator *alloc);

#ifdef __cplusplus
}
#endif
#endif
