/* amt_node.h - a node of an AMT in memory: what amt.c walks over and amt_node.c reads and writes.
 *
 * A node owns one stretch of memory:
 *
 *     [node | bitmap words | slots, one for each bit that is set | the block's bytes]
 *
 * and slots point into the block's bytes. A value that was set stands in its slot if it is small, and
 * else has a stretch of its own; a slot array that grows moves out. Slots are kept for set bits only: arrays are mostly dense at the bottom,
 * and widths go up to 2^18. */
#ifndef FVM_IPLD_AMT_NODE_H
#define FVM_IPLD_AMT_NODE_H

#include <fvm/blockstore.h>

#include "base/util.h"

#define AMT_BIT_WIDTH_MAX 18

typedef struct amt_node amt_node;

typedef enum amt_slot_kind {
    AMT_LINK,  /* a child that was not read yet: `bytes` is its binary CID */
    AMT_CHILD, /* a child in memory, owned */
    AMT_VALUE, /* `bytes` is a CBOR item */
    AMT_SMALL, /* the CBOR item is `small` */
} amt_slot_kind;

typedef struct amt_slot {
    union {
        const uint8_t *bytes;
        amt_node *child;
        uint8_t small[8];
    } u;
    uint32_t len; /* of `bytes` or `small` */
    uint8_t kind; /* amt_slot_kind */
    bool owned;   /* the value has memory of its own */
} amt_slot;

/** The value in a slot; valid while the slot stays where it is and keeps it. */
static inline fvm_bytes amt_slot_value(const amt_slot *slot)
{
    return (fvm_bytes){ slot->kind == AMT_SMALL ? slot->u.small : slot->u.bytes, slot->len };
}

struct amt_node {
    uint64_t *bitmap; /* bit i: slot i is in use */
    amt_slot *slots;  /* in increasing order of i */
    uint32_t count;   /* slots in use */
    uint32_t cap;     /* of a slot array of its own; 0: the slots lie in `size` */
    uint32_t words;   /* of the bitmap */
    bool leaf;        /* holds values; an empty node is read as a leaf */
    bool dirty;       /* differs from the block `cid` */
    size_t size;      /* bytes of the node's own stretch */
    fvm_cid cid;
};

static inline bool amt_node_has(const amt_node *node, uint64_t index)
{
    return node->bitmap[index / 64] >> (index % 64) & 1;
}

/** Where slot `index` is, or would be, in `slots`. */
static inline uint32_t amt_node_position(const amt_node *node, uint64_t index)
{
    uint32_t n = 0;
    for (uint64_t i = 0; i < index / 64; i++) n += fvm_popcount64(node->bitmap[i]);
    uint64_t below = node->bitmap[index / 64] & (((uint64_t)1 << (index % 64)) - 1);
    return n + fvm_popcount64(below);
}

/** An empty dirty node; NULL when out of memory. */
amt_node *amt_node_new(unsigned bit_width, bool leaf, const fvm_allocator *alloc);
/** Frees a node and all its children in memory (NULL: nothing). */
void amt_node_free(const fvm_allocator *alloc, amt_node *node);
/** Takes a node off the front of `in`, which need not outlive the call. `spare` is scratch.
 *  Errors: FVM_ERR_BAD_STATE (load checks of reference/ipld.md 3), FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err amt_node_take(amt_node **out, fvm_bytes *in, unsigned bit_width,
                                    fvm_buf *spare, const fvm_allocator *alloc);
/** Appends the node to `out`. Its children are clean. */
FVM_NODISCARD fvm_err amt_node_encode(fvm_buf *out, const amt_node *node, unsigned bit_width);
/** The CID of a child that was not read yet. */
fvm_cid amt_slot_link(const amt_slot *slot);

/** A slot with a copy of `value`. */
FVM_NODISCARD fvm_err amt_value_make(amt_slot *out, fvm_bytes value, const fvm_allocator *alloc);
/** Frees what a slot owns. */
void amt_slot_free(const fvm_allocator *alloc, amt_slot *slot);

/** Makes room for `extra` more slots. FVM_ERR_NOMEM leaves the node as it was. */
FVM_NODISCARD fvm_err amt_node_reserve(amt_node *node, uint32_t extra, const fvm_allocator *alloc);
/** Puts a slot at a free index; there is room. */
void amt_node_insert(amt_node *node, uint64_t index, const amt_slot *slot);
/** Takes the slot at `index` out, without freeing what it owns. */
void amt_node_remove(amt_node *node, uint64_t index);
#endif
