/* buffered.h - what the machine needs of the buffered store beyond the public interface: flushing
 * what is reachable from a root (reference/executor.md 7). */
#ifndef FVM_IPLD_BUFFERED_H
#define FVM_IPLD_BUFFERED_H

#include <fvm/blockstore.h>

/** Which walk rules apply. */
typedef enum fvm_flush_rules {
    FVM_FLUSH_V2, /* nv17: 0x51 refused, strict scanner, the whole buffer is dropped afterwards */
    FVM_FLUSH_V3, /* nv18+ */
} fvm_flush_rules;

/** Walks the buffer depth first from `root` over the links found there and moves those blocks to
 *  the base store in one put_many, children before parents. Blocks not reachable stay buffered.
 *  Errors: FVM_ERR_BAD_STATE  a block breaks the walk rules; nothing was written.
 *          HOST errors from the base store; the buffer is then as it was. */
FVM_NODISCARD fvm_err fvm_buffered_flush(const fvm_blockstore *buffered, const fvm_cid *root,
                                         fvm_flush_rules rules);
/** Collects without writing: appends the reachable buffered blocks in write order to `out`
 *  (an array of fvm_block in a fvm_buf; data borrowed from the store). For fvm block execution,
 *  which writes nothing. */
FVM_NODISCARD fvm_err fvm_buffered_collect(const fvm_blockstore *buffered, fvm_buf *out,
                                           const fvm_cid *root, fvm_flush_rules rules);
/** Forgets all buffered blocks. */
void fvm_buffered_clear(const fvm_blockstore *buffered);
/** Bytes and blocks buffered now. */
void fvm_buffered_stats(const fvm_blockstore *buffered, size_t *blocks, size_t *bytes);
#endif
