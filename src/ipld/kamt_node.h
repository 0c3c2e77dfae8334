/* kamt_node.h - a node of a KAMT in memory: what kamt.c walks over and kamt_node.c reads and writes.
 *
 * A node that was read owns one stretch of memory, [node | slots | the block's bytes], into which its
 * slots point. What moves to another node, or is set, has memory of its own. */
#ifndef FVM_IPLD_KAMT_NODE_H
#define FVM_IPLD_KAMT_NODE_H

#include <fvm/blockstore.h>

#include "slotset.h"

#define KAMT_KEY_LEN 32
#define KAMT_KEY_BITS 256

/** Key bits that a link skips, packed from the most significant bit of the first byte. */
typedef struct kamt_path {
    uint16_t bits; /* 0..255 */
    uint8_t len;   /* bytes on the wire; may be more than `bits` needs, but they fit */
    uint8_t bytes[KAMT_KEY_LEN];
} kamt_path;

typedef struct kamt_node kamt_node;

typedef enum kamt_slot_kind {
    KAMT_LINK,  /* a child that was not read yet: `bytes` is its binary CID */
    KAMT_CHILD, /* a child in memory, owned */
    KAMT_VALUE, /* `bytes` is a CBOR item; the key is in path.bytes */
} kamt_slot_kind;

typedef struct kamt_slot {
    union {
        const uint8_t *bytes;
        kamt_node *child;
    } u;
    uint32_t len; /* of `bytes` */
    uint8_t kind; /* kamt_slot_kind */
    bool owned;   /* `bytes` has memory of its own */
    kamt_path path;
} kamt_slot;

struct kamt_node {
    fvm__slotset used;
    kamt_slot *slots; /* in increasing order of slot */
    uint32_t count;   /* slots in use */
    uint32_t cap;     /* of a slot array of its own; 0: the slots lie in `size` */
    size_t size;      /* bytes of the node's own stretch */
    bool dirty;       /* differs from the block `cid` */
    fvm_cid cid;
};

/** `n` (1..8) bits of `bytes` from bit `at` on, counted from the most significant; all within. */
unsigned kamt_bits(const uint8_t *bytes, unsigned at, unsigned n);
/** Appends the `n` low bits of `value` (1..8). False when 255 bits would be exceeded. */
bool kamt_path_add(kamt_path *path, unsigned value, unsigned n);
/** Appends bits from..from+n of `bytes`. False as above. */
bool kamt_path_append(kamt_path *path, const uint8_t *bytes, unsigned from, unsigned n);

/** An empty dirty node; NULL when out of memory. */
kamt_node *kamt_node_new(const fvm_allocator *alloc);
/** Frees a node and all its children in memory (NULL: nothing). */
void kamt_node_free(const fvm_allocator *alloc, kamt_node *node);
/** Reads the node at `cid`; `depth` counts the nodes above it. `spare` is scratch.
 *  Errors: FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE, HOST. */
FVM_NODISCARD fvm_err kamt_node_read(kamt_node **out, const fvm_blockstore *bs, const fvm_cid *cid,
                                     unsigned bit_width, unsigned depth, fvm_buf *spare,
                                     const fvm_allocator *alloc);
/** Appends the node's block to `out`. Its children are clean. */
FVM_NODISCARD fvm_err kamt_node_encode(fvm_buf *out, const kamt_node *node);
/** The CID of a child that was not read yet. */
fvm_cid kamt_slot_link(const kamt_slot *slot);

/** A slot with the key and a copy of the value. */
FVM_NODISCARD fvm_err kamt_value_make(kamt_slot *out, const uint8_t key[KAMT_KEY_LEN],
                                      fvm_bytes value, const fvm_allocator *alloc);
/** Makes `slot` fit to live in another node: what it points to in its own node's block is copied into
 *  `*out`. A child is only pointed to: whoever moves it takes it out of the old slot. */
FVM_NODISCARD fvm_err kamt_slot_detach(kamt_slot *out, const kamt_slot *slot,
                                       const fvm_allocator *alloc);
/** Frees what a slot owns. */
void kamt_slot_free(const fvm_allocator *alloc, kamt_slot *slot);

/** Makes room for `extra` more slots. FVM_ERR_NOMEM leaves the node as it was. */
FVM_NODISCARD fvm_err kamt_node_reserve(kamt_node *node, uint32_t extra,
                                        const fvm_allocator *alloc);
/** Puts a slot at a free index; there is room. */
void kamt_node_insert(kamt_node *node, unsigned index, const kamt_slot *slot);
/** Takes the slot at `index` out, without freeing what it owns. */
void kamt_node_remove(kamt_node *node, unsigned index);
#endif
