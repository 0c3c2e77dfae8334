/* blocktable.h - blocks in memory by CID: what the memory store and the buffered store keep. Blocks
 * lie in an arena, each behind its own small head; the map leads from the CID's bytes to them. */
#ifndef FVM_IPLD_BLOCKTABLE_H
#define FVM_IPLD_BLOCKTABLE_H

#include <fvm/cid.h>

#include "base/arena.h"
#include "base/map.h"

typedef struct fvm__stored_block {
    size_t len;
    uint64_t walk; /* number of the last walk that came by; see buffered.c */
    uint8_t data[];
} fvm__stored_block;

typedef struct fvm__blocktable {
    fvm_map map; /* CID bytes -> fvm__stored_block */
    fvm_arena arena;
    size_t bytes; /* of blocks in the map */
    /* A bit is set for each block that was put; a flush asks for every link of what it writes, and
     * most of them lead out of the buffer. */
    uint64_t filter[64];
} fvm__blocktable;

void fvm__blocktable_init(fvm__blocktable *table, const fvm_allocator *alloc);
void fvm__blocktable_deinit(fvm__blocktable *table);
/** Forgets all blocks. */
void fvm__blocktable_clear(fvm__blocktable *table);
/** The block, or NULL. Stays where it is until it is cleared or compacted away. */
fvm__stored_block *fvm__blocktable_get(const fvm__blocktable *table, const fvm_cid *cid);
/** Copies the block in, unless its CID is there already: then it is the same block. */
FVM_NODISCARD fvm_err fvm__blocktable_put(fvm__blocktable *table, const fvm_cid *cid,
                                          fvm_bytes data);
/** Takes the block out of the map; its memory is given back by `clear` or `compact`. */
void fvm__blocktable_remove(fvm__blocktable *table, const fvm_cid *cid);
/** Gives back the memory of removed blocks when that is most of the arena. Moves blocks. Keeps
 *  things as they are when there is no memory to move them to. */
void fvm__blocktable_compact(fvm__blocktable *table);

static inline fvm_bytes fvm__stored_bytes(const fvm__stored_block *block)
{
    return (fvm_bytes){ block->data, block->len };
}
#endif
