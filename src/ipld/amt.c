/* amt.c - arrays over a blockstore. reference/ipld.md 3 says what they must look like; amt_node.h how
 * nodes lie in memory.
 *
 *     root = [bit width, height, count, node]     (v0: [height, count, node], bit width 3)
 *
 * A node at height h has slots of 2^(w h) indexes each; values are at height 0. As in hamt.c, an
 * operation first reads what it will need, then makes what is new on the side, and changes the array
 * only when nothing can fail any more.
 *
 * The reference does not check that values stand at height 0 and links above, and gives odd answers
 * or panics where they do not; nor that nodes below the root have anything in them, so that a few
 * blocks of links to each other can keep an iteration busy for ever without a single value. Nobody
 * writes either; here both are FVM_ERR_BAD_STATE when the place is reached. */
#include "amt.h"

#include "amt_node.h"
#include "cbor.h"

#define HEIGHT_MAX 64
#define V0_BIT_WIDTH 3

struct fvm_amt {
    amt_node *root;
    const fvm_blockstore *bs;
    const fvm_allocator *alloc;
    uint64_t count;
    unsigned bit_width;
    unsigned height;
    bool v0;
    bool dirty; /* the root block differs from `cid` */
    fvm_cid cid;
    fvm_buf scratch; /* blocks on their way in or out */
    fvm_buf joined;  /* bitmaps that come in segments */
};

/* The way to an index: nodes[h] is the node at height h, for h from `height` down to `lowest`. */
typedef struct path {
    unsigned lowest;
    bool found; /* lowest is 0 and the value is there */
    amt_node *nodes[HEIGHT_MAX + 1];
} path;

/* Slot of an index in a node at height h, where the index is within the node above. */
static uint64_t slot_at(const fvm_amt *amt, uint64_t index, unsigned height)
{
    unsigned shift = amt->bit_width * height;
    if (shift >= 64) return 0;
    /* the width is 18 at most, which clang's analyser does not know */
    return index >> shift & (((uint64_t)1 << (amt->bit_width & 63)) - 1);
}

/* Whether an array of this height has the index. */
static bool fits(const fvm_amt *amt, uint64_t index, unsigned height)
{
    unsigned bits = amt->bit_width * (height + 1);
    return bits >= 64 || index >> bits == 0;
}

/* --- life --- */

static fvm_err amt_make(fvm_amt **out, const fvm_blockstore *bs, const fvm_allocator *alloc)
{
    fvm_amt *amt = fvm_mem_zalloc(alloc, sizeof *amt);
    if (!amt) return FVM_ERR_NOMEM;
    amt->bs = bs;
    amt->alloc = alloc;
    fvm_buf_init(&amt->scratch, alloc);
    fvm_buf_init(&amt->joined, alloc);
    *out = amt;
    return FVM_OK;
}

void fvm_amt_free(fvm_amt *amt)
{
    if (!amt) return;
    amt_node_free(amt->alloc, amt->root);
    fvm_buf_deinit(&amt->scratch);
    fvm_buf_deinit(&amt->joined);
    fvm_mem_free(amt->alloc, amt, sizeof *amt);
}

fvm_err fvm_amt_new(fvm_amt **out, const fvm_blockstore *bs, unsigned bit_width,
                    const fvm_allocator *alloc)
{
    fvm_amt *amt;
    if (bit_width < 1 || bit_width > AMT_BIT_WIDTH_MAX) return FVM_ERR_INVALID;
    FVM_TRY(amt_make(&amt, bs, alloc));
    amt->bit_width = bit_width;
    amt->dirty = true;
    amt->root = amt_node_new(bit_width, true, alloc);
    if (!amt->root) {
        fvm_amt_free(amt);
        return FVM_ERR_NOMEM;
    }
    *out = amt;
    return FVM_OK;
}

fvm_err fvm_amt_new_v0(fvm_amt **out, const fvm_blockstore *bs, const fvm_allocator *alloc)
{
    FVM_TRY(fvm_amt_new(out, bs, V0_BIT_WIDTH, alloc));
    (*out)->v0 = true;
    return FVM_OK;
}

static fvm_err view_block(fvm_amt *amt, fvm_bytes *out, const fvm_cid *cid)
{
    amt->scratch.len = 0;
    fvm_err err = fvm_blockstore_view(amt->bs, out, &amt->scratch, cid);
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_MISSING_BLOCK : err;
}

static fvm_err take_node(fvm_amt *amt, amt_node **out, fvm_bytes *in)
{
    return amt_node_take(out, in, amt->bit_width, &amt->joined, amt->alloc);
}

/* A node of its own block, at `height`, which tells links from values. */
static fvm_err read_node(fvm_amt *amt, amt_node **out, const fvm_cid *cid, unsigned height)
{
    fvm_bytes in;
    amt_node *node;
    FVM_TRY(view_block(amt, &in, cid));
    FVM_TRY(take_node(amt, &node, &in));
    if (in.len > 0 || node->count == 0 || node->leaf != (height == 0)) {
        amt_node_free(amt->alloc, node);
        return FVM_ERR_BAD_STATE;
    }
    node->cid = *cid;
    *out = node;
    return FVM_OK;
}

static fvm_err read_head(fvm_amt *amt, fvm_bytes *in)
{
    uint32_t bit_width = V0_BIT_WIDTH, height;
    FVM_TRY(fvm_cbor_tuple(amt->v0 ? 3 : 4, in));
    if (!amt->v0) FVM_TRY(fvm_cbor_u32(&bit_width, in));
    FVM_TRY(fvm_cbor_u32(&height, in));
    FVM_TRY(fvm_cbor_uint(&amt->count, in));
    /* Width 0 would never end growing, and the specification knows none above 18. */
    if (bit_width < 1 || bit_width > AMT_BIT_WIDTH_MAX) return FVM_ERR_RANGE;
    if (height > HEIGHT_MAX) return FVM_ERR_RANGE;
    amt->bit_width = bit_width;
    amt->height = height;
    return FVM_OK;
}

static fvm_err read_root(fvm_amt *amt, const fvm_cid *root)
{
    fvm_bytes in;
    FVM_TRY(view_block(amt, &in, root));
    if (read_head(amt, &in) != FVM_OK) return FVM_ERR_BAD_STATE;
    FVM_TRY(take_node(amt, &amt->root, &in));
    if (in.len > 0) return FVM_ERR_BAD_STATE;
    amt->cid = *root;
    return FVM_OK;
}

static fvm_err load(fvm_amt **out, const fvm_blockstore *bs, const fvm_cid *root, bool v0,
                    const fvm_allocator *alloc)
{
    fvm_amt *amt;
    FVM_TRY(amt_make(&amt, bs, alloc));
    amt->v0 = v0;
    fvm_err err = read_root(amt, root);
    if (err != FVM_OK) {
        fvm_amt_free(amt);
        return err;
    }
    *out = amt;
    return FVM_OK;
}

fvm_err fvm_amt_load(fvm_amt **out, const fvm_blockstore *bs, const fvm_cid *root,
                     const fvm_allocator *alloc)
{
    return load(out, bs, root, false, alloc);
}

fvm_err fvm_amt_load_v0(fvm_amt **out, const fvm_blockstore *bs, const fvm_cid *root,
                        const fvm_allocator *alloc)
{
    return load(out, bs, root, true, alloc);
}

uint64_t fvm_amt_count(const fvm_amt *amt)
{
    return amt->count;
}

/* --- looking up --- */

static fvm_err load_child(fvm_amt *amt, amt_slot *slot, unsigned height)
{
    if (slot->kind == AMT_CHILD) return FVM_OK;
    fvm_cid cid = amt_slot_link(slot);
    amt_node *child;
    FVM_TRY(read_node(amt, &child, &cid, height));
    *slot = (amt_slot){ .u.child = child, .kind = AMT_CHILD };
    return FVM_OK;
}

/* Walks down as far as there are nodes. The index fits the height. */
static fvm_err walk(fvm_amt *amt, path *p, uint64_t index)
{
    amt_node *node = amt->root;
    if (node->count > 0 && node->leaf != (amt->height == 0)) return FVM_ERR_BAD_STATE;
    node->leaf = amt->height == 0;
    p->found = false;
    for (unsigned height = amt->height;; height--) {
        uint64_t at = slot_at(amt, index, height);
        p->lowest = height;
        p->nodes[height] = node;
        if (!amt_node_has(node, at)) return FVM_OK;
        if (height == 0) break;
        amt_slot *slot = &node->slots[amt_node_position(node, at)];
        FVM_TRY(load_child(amt, slot, height - 1));
        node = slot->u.child;
    }
    p->found = true;
    return FVM_OK;
}

static amt_slot *end_slot(const fvm_amt *amt, const path *p, uint64_t index)
{
    amt_node *leaf = p->nodes[0];
    return &leaf->slots[amt_node_position(leaf, slot_at(amt, index, 0))];
}

fvm_err fvm_amt_get(fvm_amt *amt, fvm_bytes *value, uint64_t index)
{
    path p;
    if (index > FVM_AMT_INDEX_MAX) return FVM_ERR_RANGE;
    if (!fits(amt, index, amt->height)) return FVM_ERR_NOT_FOUND;
    FVM_TRY(walk(amt, &p, index));
    if (!p.found) return FVM_ERR_NOT_FOUND;
    const amt_slot *slot = end_slot(amt, &p, index);
    *value = amt_slot_value(slot);
    return FVM_OK;
}

/* --- setting --- */

static void mark_dirty(fvm_amt *amt, path *p, unsigned lowest)
{
    for (unsigned h = lowest; h <= amt->height; h++) p->nodes[h]->dirty = true;
    amt->dirty = true;
}

static amt_slot child_slot(amt_node *child)
{
    return (amt_slot){ .u.child = child, .kind = AMT_CHILD };
}

/* A node at `height` with nothing but `slot` at `at`. Takes the slot, success or not. */
static fvm_err wrap(fvm_amt *amt, amt_node **out, amt_slot *slot, uint64_t at, unsigned height)
{
    amt_node *node = amt_node_new(amt->bit_width, height == 0, amt->alloc);
    fvm_err err = node ? amt_node_reserve(node, 1, amt->alloc) : FVM_ERR_NOMEM;
    if (err != FVM_OK) {
        amt_node_free(amt->alloc, node);
        amt_slot_free(amt->alloc, slot);
        return err;
    }
    amt_node_insert(node, at, slot);
    *out = node;
    return FVM_OK;
}

/* What a free slot of a node at `height` becomes to hold the value: the value, or nodes down to it. */
static fvm_err make_slot(fvm_amt *amt, amt_slot *out, uint64_t index, fvm_bytes value,
                         unsigned height)
{
    FVM_TRY(amt_value_make(out, value, amt->alloc));
    for (unsigned h = 0; h < height; h++) {
        amt_node *node = NULL;
        FVM_TRY(wrap(amt, &node, out, slot_at(amt, index, h), h));
        *out = child_slot(node);
    }
    return FVM_OK;
}

/* The array must grow to `height`: a new root has the old one below its slot 0, through as many nodes
 * as it takes, and the value elsewhere. An empty root is dropped. */
static fvm_err grow(fvm_amt *amt, uint64_t index, fvm_bytes value, unsigned height)
{
    amt_node *root = amt_node_new(amt->bit_width, false, amt->alloc), *between = NULL;
    amt_slot slot = { 0 };
    fvm_err err = root ? amt_node_reserve(root, 2, amt->alloc) : FVM_ERR_NOMEM;
    bool keep = amt->root->count > 0;

    /* The nodes between, lowest first; the old root is hung in when nothing can fail any more. */
    amt_node *lowest = NULL;
    for (unsigned h = amt->height + 1; keep && err == FVM_OK && h < height; h++) {
        amt_node *node = amt_node_new(amt->bit_width, false, amt->alloc);
        err = node ? amt_node_reserve(node, 1, amt->alloc) : FVM_ERR_NOMEM;
        if (err != FVM_OK) {
            amt_node_free(amt->alloc, node);
            break;
        }
        if (between) amt_node_insert(node, 0, &(amt_slot){ .u.child = between, .kind = AMT_CHILD });
        if (!lowest) lowest = node;
        between = node;
    }
    if (err == FVM_OK) err = make_slot(amt, &slot, index, value, height);
    if (err != FVM_OK) {
        amt_node_free(amt->alloc, root);
        amt_node_free(amt->alloc, between);
        return err;
    }

    if (keep) {
        amt->root->dirty = true; /* it was part of the root block only */
        amt_slot old = child_slot(amt->root);
        if (lowest) amt_node_insert(lowest, 0, &old);
        if (between) old = child_slot(between);
        amt_node_insert(root, 0, &old);
    } else {
        amt_node_free(amt->alloc, amt->root);
    }
    amt_node_insert(root, slot_at(amt, index, height), &slot);
    amt->root = root;
    amt->height = height;
    amt->count++;
    amt->dirty = true;
    return FVM_OK;
}

static fvm_err replace(fvm_amt *amt, path *p, amt_slot *slot, fvm_bytes value)
{
    amt_slot fresh;
    if (fvm_bytes_eq(amt_slot_value(slot), value)) return FVM_OK;
    FVM_TRY(amt_value_make(&fresh, value, amt->alloc));
    amt_slot_free(amt->alloc, slot);
    *slot = fresh;
    mark_dirty(amt, p, 0);
    return FVM_OK;
}

fvm_err fvm_amt_set(fvm_amt *amt, uint64_t index, fvm_bytes value)
{
    path p;
    unsigned height = amt->height;
    if (index > FVM_AMT_INDEX_MAX) return FVM_ERR_RANGE;
    while (!fits(amt, index, height)) height++;
    if (height > amt->height) {
        if (amt->root->count > 0 && amt->root->leaf != (amt->height == 0)) return FVM_ERR_BAD_STATE;
        return grow(amt, index, value, height);
    }
    FVM_TRY(walk(amt, &p, index));
    if (p.found) return replace(amt, &p, end_slot(amt, &p, index), value);

    amt_slot slot;
    amt_node *node = p.nodes[p.lowest];
    FVM_TRY(amt_node_reserve(node, 1, amt->alloc));
    FVM_TRY(make_slot(amt, &slot, index, value, p.lowest));
    amt_node_insert(node, slot_at(amt, index, p.lowest), &slot);
    amt->count++;
    mark_dirty(amt, &p, p.lowest);
    return FVM_OK;
}

/* --- deleting --- */

/* The height that the array sinks to when the slot of `index` at `hole` is gone: as long as the root
 * has one child only, in slot 0, that becomes the root. Reads those children. */
static fvm_err find_new_root(fvm_amt *amt, const path *p, uint64_t index, unsigned hole,
                             unsigned *height)
{
    amt_node *node = amt->root;
    unsigned h = amt->height;
    for (; h > 0; h--) {
        uint32_t left = node->count - (h == hole && node == p->nodes[h]);
        bool first = amt_node_has(node, 0) &&
                     !(h == hole && node == p->nodes[h] && slot_at(amt, index, h) == 0);
        if (left != 1 || !first) break;
        FVM_TRY(load_child(amt, &node->slots[0], h - 1));
        node = node->slots[0].u.child;
    }
    *height = h;
    return FVM_OK;
}

static void sink(fvm_amt *amt, unsigned height)
{
    while (amt->height > height) {
        amt_node *child = amt->root->slots[0].u.child;
        amt_node_remove(amt->root, 0);
        amt_node_free(amt->alloc, amt->root);
        amt->root = child;
        amt->height--;
    }
}

fvm_err fvm_amt_delete(fvm_amt *amt, bool *existed, uint64_t index)
{
    path p;
    if (existed) *existed = false;
    if (index > FVM_AMT_INDEX_MAX) return FVM_ERR_RANGE;
    if (!fits(amt, index, amt->height)) return FVM_OK;
    FVM_TRY(walk(amt, &p, index));
    if (!p.found) return FVM_OK;
    if (amt->count == 0) return FVM_ERR_BAD_STATE; /* the root lied */

    /* `hole` is the height of the node that loses a slot: those below it are left empty and go. */
    unsigned hole = 0, height = 0;
    while (hole < amt->height && p.nodes[hole]->count == 1) hole++;
    bool emptied = hole == amt->height && p.nodes[hole]->count == 1;
    if (!emptied) FVM_TRY(find_new_root(amt, &p, index, hole, &height));

    uint64_t at = slot_at(amt, index, hole);
    amt_node *node = p.nodes[hole];
    mark_dirty(amt, &p, hole);
    amt_slot_free(amt->alloc, &node->slots[amt_node_position(node, at)]);
    amt_node_remove(node, at);
    amt->count--;
    if (emptied) {
        amt->height = 0;
        amt->root->leaf = true;
    } else {
        sink(amt, height);
    }
    if (existed) *existed = true;
    return FVM_OK;
}

/* --- writing and iterating: both recurse over nodes, at most HEIGHT_MAX deep --- */

static fvm_err flush_children(fvm_amt *amt, amt_node *node)
{
    if (node->leaf) return FVM_OK;
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->slots[i].kind != AMT_CHILD || !node->slots[i].u.child->dirty) continue;
        amt_node *child = node->slots[i].u.child;
        FVM_TRY(flush_children(amt, child));
        amt->scratch.len = 0;
        FVM_TRY(amt_node_encode(&amt->scratch, child, amt->bit_width));
        FVM_TRY(fvm_blockstore_put_new(amt->bs, &child->cid, FVM_CODEC_DAG_CBOR,
                                       fvm_buf_bytes(&amt->scratch)));
        child->dirty = false;
    }
    return FVM_OK;
}

static fvm_err encode_root(fvm_amt *amt, fvm_buf *out)
{
    out->len = 0;
    FVM_TRY(fvm_cbor_put_array(out, amt->v0 ? 3 : 4));
    if (!amt->v0) FVM_TRY(fvm_cbor_put_uint(out, amt->bit_width));
    FVM_TRY(fvm_cbor_put_uint(out, amt->height));
    FVM_TRY(fvm_cbor_put_uint(out, amt->count));
    return amt_node_encode(out, amt->root, amt->bit_width);
}

fvm_err fvm_amt_flush(fvm_amt *amt, fvm_cid *root)
{
    if (amt->dirty) {
        FVM_TRY(flush_children(amt, amt->root));
        FVM_TRY(encode_root(amt, &amt->scratch));
        FVM_TRY(fvm_blockstore_put_new(amt->bs, &amt->cid, FVM_CODEC_DAG_CBOR,
                                       fvm_buf_bytes(&amt->scratch)));
        amt->dirty = false;
    }
    *root = amt->cid;
    return FVM_OK;
}

typedef fvm_err visitor(void *ctx, uint64_t index, fvm_bytes value);

static fvm_err visit_node(fvm_amt *amt, const amt_node *node, unsigned height, uint64_t first,
                          visitor *visit, void *ctx);

/* A child that was not in memory is not kept, so that iterating a large array stays cheap. */
static fvm_err visit_child(fvm_amt *amt, const amt_slot *slot, unsigned height, uint64_t first,
                           visitor *visit, void *ctx)
{
    if (slot->kind == AMT_CHILD) return visit_node(amt, slot->u.child, height, first, visit, ctx);
    fvm_cid cid = amt_slot_link(slot);
    amt_node *child;
    FVM_TRY(read_node(amt, &child, &cid, height));
    fvm_err err = visit_node(amt, child, height, first, visit, ctx);
    amt_node_free(amt->alloc, child);
    return err;
}

/* Index of slot `at`, if a u64 can say it. */
static bool slot_first(const fvm_amt *amt, uint64_t *out, uint64_t first, uint64_t at,
                       unsigned height)
{
    unsigned shift = amt->bit_width * height;
    *out = first;
    if (at == 0) return true;
    return shift < 64 && at << shift >> shift == at && fvm_add_u64(out, first, at << shift) &&
           *out <= FVM_AMT_INDEX_MAX;
}

static fvm_err visit_node(fvm_amt *amt, const amt_node *node, unsigned height, uint64_t first,
                          visitor *visit, void *ctx)
{
    if (node->count > 0 && node->leaf != (height == 0)) return FVM_ERR_BAD_STATE;
    uint32_t i = 0;
    for (uint32_t word = 0; word < node->words; word++) {
        for (uint64_t bits = node->bitmap[word]; bits; bits &= bits - 1, i++) {
            uint64_t index, at = (uint64_t)word * 64 + (unsigned)__builtin_ctzll(bits);
            const amt_slot *slot = &node->slots[i];
            if (!slot_first(amt, &index, first, at, height)) return FVM_ERR_BAD_STATE;
            if (height == 0)
                FVM_TRY(visit(ctx, index, amt_slot_value(slot)));
            else
                FVM_TRY(visit_child(amt, slot, height - 1, index, visit, ctx));
        }
    }
    return FVM_OK;
}

fvm_err fvm_amt_each(fvm_amt *amt, visitor *visit, void *ctx)
{
    return visit_node(amt, amt->root, amt->height, 0, visit, ctx);
}
