/* hamt_node.h - a node of a HAMT in memory: what hamt.c walks over and hamt_node.c reads and writes.
 *
 * A node that was read owns one stretch of memory with everything in it:
 *
 *     [node | slots, one for each bit that is set | entries of all buckets | the block's bytes]
 *
 * Entries point into the block's bytes, where a value stands right behind its key. A bucket that
 * changes gets a stretch of its own, laid out alike, and a slot array that grows moves out.
 *
 * As long as nothing changes but values, for others of the same length, and children, the block's bytes
 * are changed in place, and encoding the node is no more than putting the links of its children in
 * (`whole`): which is nearly all that a message does to a state. */
#ifndef FVM_IPLD_HAMT_NODE_H
#define FVM_IPLD_HAMT_NODE_H

#include <fvm/blockstore.h>

#include "base/util.h"
#include "slotset.h"

#define HAMT_BUCKET_MAX 3
#define HAMT_LEVELS_MAX 256 /* bit width 1 */

/** One key and value by themselves, for work between nodes. */
typedef struct hamt_pair {
    fvm_bytes key, value;
} hamt_pair;

typedef struct hamt_entry {
    const uint8_t *key; /* the value follows it */
    uint32_t key_len, value_len;
} hamt_entry;

typedef struct hamt_node hamt_node;

typedef enum hamt_slot_kind {
    HAMT_LINK,   /* a child that was not read yet: `link` is its binary CID, in the node's block */
    HAMT_CHILD,  /* a child in memory, owned */
    HAMT_BUCKET, /* `count` entries, sorted by key */
} hamt_slot_kind;

typedef struct hamt_slot {
    union {
        const uint8_t *link;
        hamt_node *child;
        hamt_entry *entries;
    } u;
    uint8_t kind;    /* hamt_slot_kind */
    uint8_t count;   /* of entries, 1..3; of a bucket only */
    bool owned;      /* the bucket has memory of its own */
    uint8_t cid_len; /* bytes at `link` */
    uint32_t at;     /* of a link, or a child that was one: where in the block the CID stands */
} hamt_slot;

struct hamt_node {
    fvm__slotset used;
    hamt_slot *slots; /* in increasing order of i */
    uint32_t count;   /* slots in use */
    uint32_t cap;     /* of a slot array of its own; 0: the slots lie in `size` */
    size_t size;      /* bytes of the node's own stretch */
    uint8_t *block;   /* the block's bytes, in the node's stretch; NULL if it was not read */
    size_t block_len;
    bool whole;  /* `block` is the node's encoding, but for the links of its children */
    bool dirty;  /* differs from the block `cid` */
    fvm_cid cid; /* set by reading and flushing; not yet set: dirty */
};

static inline hamt_pair hamt_entry_pair(const hamt_entry *e)
{
    return (hamt_pair){ { e->key, e->key_len }, { e->key + e->key_len, e->value_len } };
}

/** An empty dirty node; NULL when out of memory. */
hamt_node *hamt_node_new(const fvm_allocator *alloc);
/** Frees a node and all its children in memory (NULL: nothing). */
void hamt_node_free(const fvm_allocator *alloc, hamt_node *node);
/** Reads the node at `cid`, which is the root or not. `spare` is scratch.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE (load checks of reference/ipld.md 2), HOST. */
FVM_NODISCARD fvm_err hamt_node_read(hamt_node **out, const fvm_blockstore *bs, const fvm_cid *cid,
                                     unsigned bit_width, bool is_root, fvm_buf *spare,
                                     const fvm_allocator *alloc);
/** Brings the block of a whole node up to date, if its children are clean. False: it is not whole. */
bool hamt_node_patch(hamt_node *node);
/** Appends the node's block to `out`. Its children are clean. */
FVM_NODISCARD fvm_err hamt_node_encode(fvm_buf *out, const hamt_node *node);
/** The CID of a child that was not read yet. */
fvm_cid hamt_slot_link(const hamt_slot *slot);

/** A bucket of `count` pairs (1..3), which are copied; NULL when out of memory. The slot owns it. */
FVM_NODISCARD fvm_err hamt_bucket_make(hamt_slot *out, const hamt_pair *pairs, size_t count,
                                       const fvm_allocator *alloc);
/** Frees what a slot owns. */
void hamt_slot_free(const fvm_allocator *alloc, hamt_slot *slot);

/** Makes room for one more slot. FVM_ERR_NOMEM leaves the node as it was. */
FVM_NODISCARD fvm_err hamt_node_reserve(hamt_node *node, const fvm_allocator *alloc);
/** Frees what `slot`, which is the node's, owns and puts another in its place. */
void hamt_node_replace(const fvm_allocator *alloc, hamt_node *node, hamt_slot *slot,
                       const hamt_slot *other);
/** Puts a slot at a free index; there is room. */
void hamt_node_insert(hamt_node *node, unsigned index, const hamt_slot *slot);
/** Takes the slot at `index` out, without freeing what it owns. */
void hamt_node_remove(hamt_node *node, unsigned index);
#endif
