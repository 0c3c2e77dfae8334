/* blocktable.h - blocks in memory by CID: what the memory store and the buffered store keep. Blocks
 * lie in an arena, each behind a small head and its CID. The table leads there from eight bytes of the
 * digest, so that finding a block among millions is two waits for memory: the place, and the block, all
 * of whose lines are asked for when its place is known.
 *
 *     places:  [tag|size|block][    ][tag|size|block]...      linear probing, 3/4 full at most
 *     arena:   [len|walk|hash|cid_len|CID|data]...                                               */
#ifndef FVM_IPLD_BLOCKTABLE_H
#define FVM_IPLD_BLOCKTABLE_H

#include <fvm/blockstore.h>

#include "base/arena.h"

typedef struct fvm__stored_block {
    size_t len;      /* of the data */
    uint64_t walk;   /* number of the last walk that came by; see buffered.c */
    uint64_t hash;   /* of the CID */
    uint8_t cid_len; /* bytes of the binary CID at the front of `bytes`; the data is behind */
    uint8_t bytes[];
} fvm__stored_block;

typedef struct fvm__block_place {
    uint32_t tag;             /* the upper half of the hash */
    uint32_t size;            /* of head, CID and data, or what fits: to fetch it all at once */
    fvm__stored_block *block; /* NULL: free */
} fvm__block_place;

typedef struct fvm__blocktable {
    fvm__block_place *places;
    size_t place_count; /* power of two, or 0 */
    size_t count;       /* blocks in the table */
    size_t bytes;       /* of their data */
    fvm_arena arena;
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
/** False when there is surely no block with this CID of the common form (cid_common.h). */
static inline bool fvm__blocktable_may_have(const fvm__blocktable *table, const uint8_t *common);
/** Copies blocks in, but those whose CID is there already: that is the same block. On error some may
 *  be in. */
FVM_NODISCARD fvm_err fvm__blocktable_put_many(fvm__blocktable *table, const fvm_block *blocks,
                                               size_t count);
/** Takes the block out of the table; its memory is given back by `clear` or `compact`. */
void fvm__blocktable_remove(fvm__blocktable *table, const fvm_cid *cid);
/** Gives back the memory of removed blocks when that is most of the arena. Moves blocks. Keeps
 *  things as they are when there is no memory to move them to. */
void fvm__blocktable_compact(fvm__blocktable *table);

static inline fvm_bytes fvm__stored_bytes(const fvm__stored_block *block)
{
    return (fvm_bytes){ block->bytes + block->cid_len, block->len };
}

/* Digests are as good as random, and finding blocks whose digests collide in some bits takes as many
 * tries as for a hash of them whose key is known: so eight of their bytes are the hash. */
static inline uint64_t fvm__block_hash(uint64_t codec, const uint8_t *digest)
{
    return fvm_load_le64(digest) ^ codec << 32;
}

/* Where the filter has a block's bit: by the hash's high bits, since the table goes by the low ones. */
static inline bool fvm__block_filter_has(const fvm__blocktable *table, uint64_t hash)
{
    return table->filter[hash >> 58] >> (hash >> 52 & 63) & 1;
}

static inline bool fvm__blocktable_may_have(const fvm__blocktable *table, const uint8_t *common)
{
    return fvm__block_filter_has(table, fvm__block_hash(common[1], common + 6));
}
#endif
