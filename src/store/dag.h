/* dag.h - walks over everything that can be reached from some roots. */
#ifndef FVM_STORE_DAG_H
#define FVM_STORE_DAG_H

#include "base/util.h"
#include <fvm/store.h>

/** Calls `visit` for each link of a block, in order; codecs without links have none (raw, plain CBOR,
 *  commitments). DAG-PB's links are read as well.
 *  Errors: those of `visit`; FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED; FVM_ERR_INVALID for a codec that
 *  is not known, whose links therefore are not. */
FVM_NODISCARD fvm_err fvm__dag_links(uint64_t codec, fvm_bytes block,
                                     fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx);

typedef struct fvm__dag_visitor {
    /** Each block once, a parent before its children, children in the order of their links. */
    fvm_err (*block)(void *ctx, const fvm_cid *cid, fvm_bytes data);
    /** A block that the store lacks; NULL: ends the walk with FVM_ERR_MISSING_BLOCK. */
    fvm_err (*missing)(void *ctx, const fvm_cid *cid);
    void *ctx;
} fvm__dag_visitor;

/** Walks. Blocks of identity CIDs are not visited, but their links are followed; commitments
 *  (CommD, CommR) are no blocks and are passed over. Memory: the CIDs seen.
 *  Errors: those of the visitor and the store; FVM_ERR_BAD_STATE for a block whose links cannot be
 *  read, told in `why`; FVM_ERR_MISSING_BLOCK likewise. */
FVM_NODISCARD fvm_err fvm__dag_walk(const fvm_blockstore *bs, const fvm_cid *roots, size_t count,
                                    const fvm__dag_visitor *visitor, const fvm_allocator *alloc,
                                    fvm_store_why *why);
#endif
