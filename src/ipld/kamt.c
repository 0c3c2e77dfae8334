/* kamt.c - tries of 32-byte keys that are not hashed. reference/ipld.md 4 says what they must look
 * like; kamt_node.h how nodes lie in memory.
 *
 *     slot of a node:  | w bits: index | bits that the link skips | w bits: index in the child | ...
 *
 * As in hamt.c, an operation first walks down, then makes what is new on the side, and changes the
 * trie only when nothing can fail any more. */
#include "kamt.h"

#include "kamt_node.h"

_Static_assert(KAMT_KEY_LEN == FVM_KAMT_KEY_LEN, "one length of keys");

struct fvm_kamt {
    kamt_node *root;
    const fvm_blockstore *bs;
    const fvm_allocator *alloc;
    unsigned bit_width;
    fvm_buf scratch; /* blocks on their way in or out */
};

typedef enum walk_end {
    END_FREE,   /* the slot is free */
    END_VALUE,  /* the slot has this key */
    END_OTHER,  /* the slot has another key */
    END_SKIPPED /* the slot's link skips bits that the key has otherwise */
} walk_end;

/* The way to a key: nodes[depth] has the slot where it is or belongs. */
typedef struct path {
    unsigned depth;
    walk_end end;
    unsigned at;      /* key bits up to and with that slot's index */
    unsigned matched; /* END_SKIPPED: bits of the link's path that the key has too */
    kamt_slot *slot;  /* NULL if it is free */
    kamt_node *nodes[KAMT_KEY_BITS];
    uint8_t indexes[KAMT_KEY_BITS];
} path;

/* --- life --- */

static fvm_err kamt_make(fvm_kamt **out, const fvm_blockstore *bs, unsigned bit_width,
                         const fvm_allocator *alloc)
{
    if (bit_width < 1 || bit_width > 8 || 1u << bit_width > FVM__SLOTS_MAX) return FVM_ERR_INVALID;
    fvm_kamt *kamt = fvm_mem_zalloc(alloc, sizeof *kamt);
    if (!kamt) return FVM_ERR_NOMEM;
    kamt->bs = bs;
    kamt->alloc = alloc;
    kamt->bit_width = bit_width;
    fvm_buf_init(&kamt->scratch, alloc);
    *out = kamt;
    return FVM_OK;
}

fvm_err fvm_kamt_new(fvm_kamt **out, const fvm_blockstore *bs, unsigned bit_width,
                     const fvm_allocator *alloc)
{
    fvm_kamt *kamt;
    FVM_TRY(kamt_make(&kamt, bs, bit_width, alloc));
    kamt->root = kamt_node_new(alloc);
    if (!kamt->root) {
        fvm_kamt_free(kamt);
        return FVM_ERR_NOMEM;
    }
    *out = kamt;
    return FVM_OK;
}

static fvm_err read_node(fvm_kamt *kamt, kamt_node **out, const fvm_cid *cid, unsigned depth)
{
    return kamt_node_read(out, kamt->bs, cid, kamt->bit_width, depth, &kamt->scratch, kamt->alloc);
}

fvm_err fvm_kamt_load(fvm_kamt **out, const fvm_blockstore *bs, const fvm_cid *root,
                      unsigned bit_width, const fvm_allocator *alloc)
{
    fvm_kamt *kamt;
    FVM_TRY(kamt_make(&kamt, bs, bit_width, alloc));
    fvm_err err = read_node(kamt, &kamt->root, root, 0);
    if (err != FVM_OK) {
        fvm_kamt_free(kamt);
        return err;
    }
    *out = kamt;
    return FVM_OK;
}

void fvm_kamt_free(fvm_kamt *kamt)
{
    if (!kamt) return;
    kamt_node_free(kamt->alloc, kamt->root);
    fvm_buf_deinit(&kamt->scratch);
    fvm_mem_free(kamt->alloc, kamt, sizeof *kamt);
}

/* --- looking up --- */

/* Bits of the index at key bit `at`: fewer than the width at the end of the key. */
static unsigned index_bits(const fvm_kamt *kamt, unsigned at)
{
    return KAMT_KEY_BITS - at < kamt->bit_width ? KAMT_KEY_BITS - at : kamt->bit_width;
}

/* How many bits of a link's path the key has too, from bit `at` on, in whole indexes.
 * FVM_ERR_BAD_STATE when the key ends before the path, or with it: links cannot stand there. */
static fvm_err match_path(const fvm_kamt *kamt, unsigned *matched, const kamt_path *skip,
                          const uint8_t *key, unsigned at)
{
    unsigned w = kamt->bit_width, m = 0;
    for (; m < skip->bits; m += w) {
        if (at + m + w > KAMT_KEY_BITS) return FVM_ERR_BAD_STATE;
        if (kamt_bits(skip->bytes, m, w) != kamt_bits(key, at + m, w)) break;
    }
    *matched = m;
    return m == skip->bits && at + m >= KAMT_KEY_BITS ? FVM_ERR_BAD_STATE : FVM_OK;
}

static fvm_err load_child(fvm_kamt *kamt, kamt_slot *slot, unsigned depth)
{
    if (slot->kind == KAMT_CHILD) return FVM_OK;
    fvm_cid cid = kamt_slot_link(slot);
    kamt_node *child;
    FVM_TRY(read_node(kamt, &child, &cid, depth));
    if (slot->owned) fvm_mem_free(kamt->alloc, (void *)(uintptr_t)slot->u.bytes, slot->len);
    slot->u.child = child;
    slot->kind = KAMT_CHILD;
    slot->owned = false;
    return FVM_OK;
}

/* Walks to the end of the key's path. Each node takes a bit of the key or more, and a link below which
 * none is left is refused, so that the loop ends. */
static fvm_err walk(fvm_kamt *kamt, path *p, const uint8_t *key)
{
    kamt_node *node = kamt->root;
    unsigned at = 0;
    for (p->depth = 0;; p->depth++) {
        unsigned n = index_bits(kamt, at), index = kamt_bits(key, at, n);
        p->at = at += n;
        p->nodes[p->depth] = node;
        p->indexes[p->depth] = (uint8_t)index;
        p->slot = NULL;
        p->end = END_FREE;
        if (!fvm__slotset_has(&node->used, index)) return FVM_OK;
        p->slot = &node->slots[fvm__slotset_rank(&node->used, index)];
        if (p->slot->kind == KAMT_VALUE) {
            p->end = memcmp(p->slot->path.bytes, key, KAMT_KEY_LEN) == 0 ? END_VALUE : END_OTHER;
            return FVM_OK;
        }
        FVM_TRY(match_path(kamt, &p->matched, &p->slot->path, key, at));
        if (p->matched < p->slot->path.bits) {
            p->end = END_SKIPPED;
            return FVM_OK;
        }
        FVM_TRY(load_child(kamt, p->slot, p->depth + 1));
        at += p->matched;
        node = p->slot->u.child;
    }
}

fvm_err fvm_kamt_get(fvm_kamt *kamt, fvm_bytes *value, const uint8_t key[FVM_KAMT_KEY_LEN])
{
    path p;
    FVM_TRY(walk(kamt, &p, key));
    if (p.end != END_VALUE) return FVM_ERR_NOT_FOUND;
    *value = (fvm_bytes){ p.slot->u.bytes, p.slot->len };
    return FVM_OK;
}

/* --- setting --- */

static void mark_dirty(path *p, unsigned depth)
{
    for (unsigned i = 0; i <= depth; i++) p->nodes[i]->dirty = true;
}

/* Whole indexes that two keys have in common from bit `at` on; at least one index is left. */
static unsigned common_bits(const fvm_kamt *kamt, const uint8_t *a, const uint8_t *b, unsigned at)
{
    unsigned n = 0;
    while (at + n + kamt->bit_width < KAMT_KEY_BITS &&
           kamt_bits(a, at + n, kamt->bit_width) == kamt_bits(b, at + n, kamt->bit_width))
        n += kamt->bit_width;
    return n;
}

/* An empty node with room for two slots, to be filled when all else is there. */
static fvm_err make_fork(fvm_kamt *kamt, kamt_node **out)
{
    kamt_node *node = kamt_node_new(kamt->alloc);
    if (!node) return FVM_ERR_NOMEM;
    fvm_err err = kamt_node_reserve(node, 2, kamt->alloc);
    if (err != FVM_OK) {
        kamt_node_free(kamt->alloc, node);
        return err;
    }
    *out = node;
    return FVM_OK;
}

/* A slot that leads to `node` and skips the first `n` of the bits of `bytes` from `from` on. */
static kamt_slot fork_slot(kamt_node *node, const uint8_t *bytes, unsigned from, unsigned n)
{
    kamt_slot slot = { .u.child = node, .kind = KAMT_CHILD };
    (void)kamt_path_append(&slot.path, bytes, from, n); /* part of a path or key that fits */
    return slot;
}

/* The slot has another key: both go to a new node, at the first index where they differ. */
static fvm_err split_value(fvm_kamt *kamt, path *p, const uint8_t *key, kamt_slot *value)
{
    unsigned skip = common_bits(kamt, key, p->slot->path.bytes, p->at), at = p->at + skip;
    if (at >= KAMT_KEY_BITS) return FVM_ERR_BAD_STATE;
    unsigned n = index_bits(kamt, at);
    unsigned mine = kamt_bits(key, at, n), other = kamt_bits(p->slot->path.bytes, at, n);
    if (mine == other) return FVM_ERR_BAD_STATE; /* the other key does not belong here */
    kamt_node *fork;
    kamt_slot moved;
    FVM_TRY(make_fork(kamt, &fork));
    fvm_err err = kamt_slot_detach(&moved, p->slot, kamt->alloc);
    if (err != FVM_OK) {
        kamt_node_free(kamt->alloc, fork);
        return err;
    }
    kamt_node_insert(fork, other, &moved);
    kamt_node_insert(fork, mine, value);
    kamt_slot_free(kamt->alloc, p->slot);
    *p->slot = fork_slot(fork, key, p->at, skip);
    return FVM_OK;
}

/* The slot's link skips bits that the key has otherwise: a new node where they part. */
static fvm_err split_link(fvm_kamt *kamt, path *p, const uint8_t *key, kamt_slot *value)
{
    unsigned w = kamt->bit_width, m = p->matched;
    kamt_path whole = p->slot->path, tail = { 0 };
    unsigned other = kamt_bits(whole.bytes, m, w), mine = kamt_bits(key, p->at + m, w);
    kamt_node *fork;
    kamt_slot moved;
    (void)kamt_path_append(&tail, whole.bytes, m + w, whole.bits - m - w); /* shorter than it was */
    FVM_TRY(make_fork(kamt, &fork));
    fvm_err err = kamt_slot_detach(&moved, p->slot, kamt->alloc);
    if (err != FVM_OK) {
        kamt_node_free(kamt->alloc, fork);
        return err;
    }
    moved.path = tail;
    kamt_node_insert(fork, other, &moved);
    kamt_node_insert(fork, mine, value);
    if (p->slot->kind == KAMT_LINK) kamt_slot_free(kamt->alloc, p->slot); /* a child has moved */
    *p->slot = fork_slot(fork, whole.bytes, 0, m);
    return FVM_OK;
}

static fvm_err place(fvm_kamt *kamt, path *p, const uint8_t *key, kamt_slot *value)
{
    kamt_node *node = p->nodes[p->depth];
    switch (p->end) {
    case END_OTHER: return split_value(kamt, p, key, value);
    case END_SKIPPED: return split_link(kamt, p, key, value);
    case END_VALUE:
        kamt_slot_free(kamt->alloc, p->slot);
        *p->slot = *value;
        return FVM_OK;
    case END_FREE: break;
    }
    FVM_TRY(kamt_node_reserve(node, 1, kamt->alloc));
    kamt_node_insert(node, p->indexes[p->depth], value);
    return FVM_OK;
}

fvm_err fvm_kamt_set(fvm_kamt *kamt, const uint8_t key[FVM_KAMT_KEY_LEN], fvm_bytes value)
{
    path p;
    kamt_slot fresh;
    FVM_TRY(walk(kamt, &p, key));
    if (p.end == END_VALUE && fvm_bytes_eq((fvm_bytes){ p.slot->u.bytes, p.slot->len }, value))
        return FVM_OK;
    FVM_TRY(kamt_value_make(&fresh, key, value, kamt->alloc));
    fvm_err err = place(kamt, &p, key, &fresh);
    if (err == FVM_OK)
        mark_dirty(&p, p.depth);
    else
        kamt_slot_free(kamt->alloc, &fresh);
    return err;
}

/* --- deleting --- */

/* What a slot on the path becomes: free, or `slot`, which still lies in the node that falls away. */
typedef struct rest {
    bool free;
    kamt_slot slot;
    kamt_node *owner; /* of the slot; NULL: it is not moved at all */
    unsigned index;   /* of the slot in its owner */
} rest;

/* The only slot of a node but for the one at `except` (none: -1). */
static unsigned only_index(const kamt_node *node, int except)
{
    for (unsigned i = 0; i < FVM__SLOTS_MAX; i++)
        if ((int)i != except && fvm__slotset_has(&node->used, i)) return i;
    return 0; /* not reached: the callers have counted */
}

/* The node at `depth` would be left with one slot: that moves up into the parent's. A link's path then
 * is the parent's, the index, and its own. */
static fvm_err lift(fvm_kamt *kamt, const path *p, unsigned depth, rest *r)
{
    kamt_node *node = p->nodes[depth], *parent = p->nodes[depth - 1];
    unsigned index = r->free ? only_index(node, p->indexes[depth]) : p->indexes[depth];
    if (r->free) {
        r->owner = node;
        r->index = index;
        r->slot = node->slots[fvm__slotset_rank(&node->used, index)];
        r->free = false;
    }
    if (r->slot.kind == KAMT_VALUE) return FVM_OK;
    kamt_path merged = parent->slots[fvm__slotset_rank(&parent->used, p->indexes[depth - 1])].path;
    /* Spare bits and bytes of the old form are dropped, as the reference does when it merges. */
    kamt_path clean = { 0 };
    bool fits = kamt_path_append(&clean, merged.bytes, 0, merged.bits) &&
                kamt_path_add(&clean, index, kamt->bit_width) &&
                kamt_path_append(&clean, r->slot.path.bytes, 0, r->slot.path.bits);
    r->slot.path = clean;
    return fits ? FVM_OK : FVM_ERR_BAD_STATE;
}

fvm_err fvm_kamt_delete(fvm_kamt *kamt, bool *existed, const uint8_t key[FVM_KAMT_KEY_LEN])
{
    path p;
    if (existed) *existed = false;
    FVM_TRY(walk(kamt, &p, key));
    if (p.end != END_VALUE) return FVM_OK;

    /* A node left with one slot is dissolved, except the root. One step is all it takes in a canonical
     * trie; in others the node above may have had one slot only, too. A node left with none was not
     * canonical: an error, as in the reference. */
    rest r = { .free = true };
    unsigned depth = p.depth;
    for (; depth > 0; depth--) {
        uint32_t left = p.nodes[depth]->count - (r.free ? 1 : 0);
        if (left == 0) return FVM_ERR_BAD_STATE;
        if (left > 1) break;
        FVM_TRY(lift(kamt, &p, depth, &r));
    }

    kamt_node *node = p.nodes[depth];
    kamt_slot *slot = &node->slots[fvm__slotset_rank(&node->used, p.indexes[depth])], moved;
    if (!r.free) {
        FVM_TRY(kamt_slot_detach(&moved, &r.slot, kamt->alloc));
        if (r.slot.kind == KAMT_CHILD)
            kamt_node_remove(r.owner, r.index); /* it outlives its owner */
    }
    mark_dirty(&p, depth);
    kamt_slot_free(kamt->alloc, slot);
    if (r.free)
        kamt_node_remove(node, p.indexes[depth]);
    else
        *slot = moved;
    if (existed) *existed = true;
    return FVM_OK;
}

/* --- writing and iterating: both recurse over nodes, at most KAMT_KEY_BITS deep --- */

static fvm_err flush_node(fvm_kamt *kamt, kamt_node *node)
{
    if (!node->dirty) return FVM_OK;
    for (uint32_t i = 0; i < node->count; i++)
        if (node->slots[i].kind == KAMT_CHILD) FVM_TRY(flush_node(kamt, node->slots[i].u.child));
    kamt->scratch.len = 0;
    FVM_TRY(kamt_node_encode(&kamt->scratch, node));
    FVM_TRY(fvm_blockstore_put_new(kamt->bs, &node->cid, FVM_CODEC_DAG_CBOR,
                                   fvm_buf_bytes(&kamt->scratch)));
    node->dirty = false;
    return FVM_OK;
}

fvm_err fvm_kamt_flush(fvm_kamt *kamt, fvm_cid *root)
{
    FVM_TRY(flush_node(kamt, kamt->root));
    *root = kamt->root->cid;
    return FVM_OK;
}

typedef fvm_err visitor(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN], fvm_bytes value);

static fvm_err visit_node(fvm_kamt *kamt, const kamt_node *node, unsigned depth, unsigned at,
                          visitor *visit, void *ctx);

/* A child that was not in memory is not kept, so that iterating a large trie stays cheap. `at` is the
 * key bits before the child's index. */
static fvm_err visit_child(fvm_kamt *kamt, const kamt_slot *slot, unsigned depth, unsigned at,
                           visitor *visit, void *ctx)
{
    if (at >= KAMT_KEY_BITS) return FVM_ERR_BAD_STATE;
    if (slot->kind == KAMT_CHILD) return visit_node(kamt, slot->u.child, depth, at, visit, ctx);
    fvm_cid cid = kamt_slot_link(slot);
    kamt_node *child;
    FVM_TRY(read_node(kamt, &child, &cid, depth));
    fvm_err err = visit_node(kamt, child, depth, at, visit, ctx);
    kamt_node_free(kamt->alloc, child);
    return err;
}

static fvm_err visit_node(fvm_kamt *kamt, const kamt_node *node, unsigned depth, unsigned at,
                          visitor *visit, void *ctx)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const kamt_slot *slot = &node->slots[i];
        if (slot->kind == KAMT_VALUE)
            FVM_TRY(visit(ctx, slot->path.bytes, (fvm_bytes){ slot->u.bytes, slot->len }));
        else
            FVM_TRY(visit_child(kamt, slot, depth + 1, at + kamt->bit_width + slot->path.bits,
                                visit, ctx));
    }
    return FVM_OK;
}

fvm_err fvm_kamt_each(fvm_kamt *kamt, visitor *visit, void *ctx)
{
    return visit_node(kamt, kamt->root, 0, 0, visit, ctx);
}
