/* hamt.c - hash array mapped tries. reference/ipld.md 2 says what they must look like; hamt_node.h
 * how nodes lie in memory.
 *
 * An operation first walks down the path of its key, reading what is missing: that changes nothing
 * that counts. Then it makes everything new on the side, and only when nothing can fail any more puts
 * it in place and marks the path dirty. So an operation that runs out of memory, or whose store fails,
 * has not happened. */
#include "hamt.h"

#include "crypto/crypto.h"
#include "hamt_node.h"

#define HASH_BITS 256

struct fvm_hamt {
    hamt_node *root;
    const fvm_blockstore *bs;
    const fvm_allocator *alloc;
    unsigned bit_width;
    unsigned levels; /* depths 0..levels-1 have hash bits left */
    fvm_buf scratch; /* blocks on their way in or out */
};

/* The way to a key: nodes[depth] has the slot where it is or belongs. */
typedef struct path {
    unsigned depth;
    hamt_slot *slot; /* the bucket at the end; NULL if the slot is free */
    hamt_node *nodes[HAMT_LEVELS_MAX];
    uint8_t indexes[HAMT_LEVELS_MAX];
} path;

/* Slot of a hash at a depth: bits, most significant first; the last level may have fewer. */
static unsigned index_at(const uint8_t hash[32], unsigned bit_width, unsigned depth)
{
    unsigned at = depth * bit_width;
    unsigned n = HASH_BITS - at < bit_width ? HASH_BITS - at : bit_width;
    unsigned window = (unsigned)hash[at / 8] << 8 | (at / 8 + 1 < 32 ? hash[at / 8 + 1] : 0);
    /* `depth` is below the number of levels, so `at` is below HASH_BITS, and n at most 8; no assert()
     * says so, as actors are made of this file too. NOLINTNEXTLINE(clang-analyzer-core.BitwiseShift) */
    return window >> (16 - at % 8 - n) & ((1u << n) - 1);
}

/* --- life --- */

static fvm_err hamt_make(fvm_hamt **out, const fvm_blockstore *bs, unsigned bit_width,
                         const fvm_allocator *alloc)
{
    if (bit_width < 1 || bit_width > 8 || 1u << bit_width > FVM__SLOTS_MAX) return FVM_ERR_INVALID;
    fvm_hamt *hamt = fvm_mem_zalloc(alloc, sizeof *hamt);
    if (!hamt) return FVM_ERR_NOMEM;
    hamt->bs = bs;
    hamt->alloc = alloc;
    hamt->bit_width = bit_width;
    hamt->levels = (HASH_BITS + bit_width - 1) / bit_width;
    fvm_buf_init(&hamt->scratch, alloc);
    *out = hamt;
    return FVM_OK;
}

fvm_err fvm_hamt_new(fvm_hamt **out, const fvm_blockstore *bs, unsigned bit_width,
                     const fvm_allocator *alloc)
{
    fvm_hamt *hamt;
    FVM_TRY(hamt_make(&hamt, bs, bit_width, alloc));
    hamt->root = hamt_node_new(alloc);
    if (!hamt->root) {
        fvm_hamt_free(hamt);
        return FVM_ERR_NOMEM;
    }
    *out = hamt;
    return FVM_OK;
}

static fvm_err read_node(fvm_hamt *hamt, hamt_node **out, const fvm_cid *cid, bool is_root)
{
    return hamt_node_read(out, hamt->bs, cid, hamt->bit_width, is_root, &hamt->scratch,
                          hamt->alloc);
}

fvm_err fvm_hamt_load(fvm_hamt **out, const fvm_blockstore *bs, const fvm_cid *root,
                      unsigned bit_width, const fvm_allocator *alloc)
{
    fvm_hamt *hamt;
    FVM_TRY(hamt_make(&hamt, bs, bit_width, alloc));
    fvm_err err = read_node(hamt, &hamt->root, root, true);
    if (err != FVM_OK) {
        fvm_hamt_free(hamt);
        return err;
    }
    *out = hamt;
    return FVM_OK;
}

void fvm_hamt_free(fvm_hamt *hamt)
{
    if (!hamt) return;
    hamt_node_free(hamt->alloc, hamt->root);
    fvm_buf_deinit(&hamt->scratch);
    fvm_mem_free(hamt->alloc, hamt, sizeof *hamt);
}

/* --- looking up --- */

/* Walks to the end of the key's path. FVM_ERR_BAD_STATE when links go on where the hash has ended. */
static fvm_err walk(fvm_hamt *hamt, path *p, const uint8_t hash[32])
{
    hamt_node *node = hamt->root;
    for (unsigned depth = 0; depth < hamt->levels; depth++) {
        unsigned index = index_at(hash, hamt->bit_width, depth);
        p->depth = depth;
        p->nodes[depth] = node;
        p->indexes[depth] = (uint8_t)index;
        p->slot = NULL;
        if (!fvm__slotset_has(&node->used, index)) return FVM_OK;
        hamt_slot *slot = &node->slots[fvm__slotset_rank(&node->used, index)];
        if (slot->kind == HAMT_BUCKET) {
            p->slot = slot;
            return FVM_OK;
        }
        if (slot->kind == HAMT_LINK) {
            fvm_cid cid = hamt_slot_link(slot);
            hamt_node *child;
            FVM_TRY(read_node(hamt, &child, &cid, false));
            slot->kind = HAMT_CHILD;
            slot->u.child = child;
        }
        node = slot->u.child;
    }
    return FVM_ERR_BAD_STATE;
}

/* Number of the entry with this key in a bucket; its count if there is none. */
static unsigned find_entry(const hamt_slot *bucket, fvm_bytes key)
{
    unsigned i = 0;
    while (i < bucket->count && !fvm_bytes_eq(hamt_entry_pair(&bucket->u.entries[i]).key, key)) i++;
    return i;
}

fvm_err fvm_hamt_get(fvm_hamt *hamt, fvm_bytes *value, fvm_bytes key)
{
    uint8_t hash[32];
    path p;
    fvm_sha256(hash, key);
    FVM_TRY(walk(hamt, &p, hash));
    if (!p.slot) return FVM_ERR_NOT_FOUND;
    unsigned i = find_entry(p.slot, key);
    if (i == p.slot->count) return FVM_ERR_NOT_FOUND;
    *value = hamt_entry_pair(&p.slot->u.entries[i]).value;
    return FVM_OK;
}

/* --- setting --- */

static void mark_dirty(path *p, unsigned depth)
{
    for (unsigned i = 0; i <= depth; i++) p->nodes[i]->dirty = true;
}

/* Copies a bucket's entries out as pairs; returns how many. */
static size_t list_pairs(hamt_pair *pairs, const hamt_slot *bucket)
{
    for (unsigned i = 0; i < bucket->count; i++) pairs[i] = hamt_entry_pair(&bucket->u.entries[i]);
    return bucket->count;
}

/* Puts a pair at its place among `count` sorted ones. Equal keys, which only broken tries can bring
 * together, keep their order. */
static void insert_pair(hamt_pair *pairs, size_t count, hamt_pair pair)
{
    while (count > 0 && fvm_bytes_cmp(pairs[count - 1].key, pair.key) > 0) {
        pairs[count] = pairs[count - 1];
        count--;
    }
    pairs[count] = pair;
}

/* One node with a bucket for each slot among the sorted pairs. */
static fvm_err make_leaf(fvm_hamt *hamt, hamt_node **out, const hamt_pair *pairs,
                         const uint8_t *indexes, size_t count)
{
    hamt_node *node = hamt_node_new(hamt->alloc);
    if (!node) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        hamt_pair group[HAMT_BUCKET_MAX];
        size_t n = 0;
        hamt_slot slot;
        if (fvm__slotset_has(&node->used, indexes[i])) continue; /* came with an earlier pair */
        for (size_t j = i; j < count; j++)
            if (indexes[j] == indexes[i]) group[n++] = pairs[j];
        fvm_err err = hamt_node_reserve(node, hamt->alloc);
        if (err == FVM_OK) err = hamt_bucket_make(&slot, group, n, hamt->alloc);
        if (err != FVM_OK) {
            hamt_node_free(hamt->alloc, node);
            return err;
        }
        hamt_node_insert(node, indexes[i], &slot);
    }
    *out = node;
    return FVM_OK;
}

/* Wraps a node into a parent of its own, whose slot `index` it is. Takes the node, success or not. */
static fvm_err wrap(fvm_hamt *hamt, hamt_node **node, unsigned index)
{
    hamt_node *parent = hamt_node_new(hamt->alloc);
    fvm_err err = parent ? hamt_node_reserve(parent, hamt->alloc) : FVM_ERR_NOMEM;
    if (err != FVM_OK) {
        hamt_node_free(hamt->alloc, parent);
        hamt_node_free(hamt->alloc, *node);
        *node = NULL;
        return err;
    }
    hamt_node_insert(parent, index, &(hamt_slot){ .u.child = *node, .kind = HAMT_CHILD });
    *node = parent;
    return FVM_OK;
}

/* A full bucket and one more pair become nodes below `depth`: as many with a single link as the hashes
 * have slots in common, then one with buckets. */
static fvm_err split(fvm_hamt *hamt, hamt_node **out, const hamt_pair *pairs, unsigned depth)
{
    enum { COUNT = HAMT_BUCKET_MAX + 1 };
    uint8_t hashes[COUNT][32], indexes[COUNT];
    unsigned level = depth + 1;
    for (size_t i = 0; i < COUNT; i++) fvm_sha256(hashes[i], pairs[i].key);
    for (;; level++) {
        if (level >= hamt->levels) return FVM_ERR_BAD_STATE; /* four keys of one hash */
        bool same = true;
        for (size_t i = 0; i < COUNT; i++) {
            indexes[i] = (uint8_t)index_at(hashes[i], hamt->bit_width, level);
            same = same && indexes[i] == indexes[0];
        }
        if (!same) break;
    }
    hamt_node *node = NULL;
    FVM_TRY(make_leaf(hamt, &node, pairs, indexes, COUNT));
    while (--level > depth) FVM_TRY(wrap(hamt, &node, index_at(hashes[0], hamt->bit_width, level)));
    *out = node;
    return FVM_OK;
}

/* What the slot at the end of the path becomes when the pair is new there. */
static fvm_err make_slot(fvm_hamt *hamt, hamt_slot *out, const path *p, hamt_pair pair)
{
    hamt_pair pairs[HAMT_BUCKET_MAX + 1];
    size_t count = p->slot ? list_pairs(pairs, p->slot) : 0;
    insert_pair(pairs, count, pair);
    if (++count <= HAMT_BUCKET_MAX) return hamt_bucket_make(out, pairs, count, hamt->alloc);
    hamt_node *child;
    FVM_TRY(split(hamt, &child, pairs, p->depth));
    *out = (hamt_slot){ .u.child = child, .kind = HAMT_CHILD };
    return FVM_OK;
}

static fvm_err insert(fvm_hamt *hamt, path *p, hamt_pair pair)
{
    hamt_node *node = p->nodes[p->depth];
    hamt_slot slot;
    if (!p->slot) FVM_TRY(hamt_node_reserve(node, hamt->alloc));
    FVM_TRY(make_slot(hamt, &slot, p, pair));
    if (p->slot)
        hamt_node_replace(hamt->alloc, node, p->slot, &slot);
    else
        hamt_node_insert(node, p->indexes[p->depth], &slot);
    mark_dirty(p, p->depth);
    return FVM_OK;
}

/* Gives entry `i` of the bucket at the end of the path another value. */
static fvm_err replace(fvm_hamt *hamt, path *p, unsigned i, fvm_bytes value)
{
    hamt_entry *entry = &p->slot->u.entries[i];
    hamt_pair pairs[HAMT_BUCKET_MAX];
    size_t count = list_pairs(pairs, p->slot);
    if (fvm_bytes_eq(pairs[i].value, value)) return FVM_OK;
    hamt_node *node = p->nodes[p->depth];
    if (entry->value_len == value.len) {
        /* the bytes are the bucket's or those of the node's block: ours in both cases */
        memmove((uint8_t *)(uintptr_t)pairs[i].value.ptr, value.ptr, value.len);
    } else {
        hamt_slot slot;
        pairs[i].value = value;
        FVM_TRY(hamt_bucket_make(&slot, pairs, count, hamt->alloc));
        hamt_node_replace(hamt->alloc, node, p->slot, &slot);
    }
    mark_dirty(p, p->depth);
    return FVM_OK;
}

fvm_err fvm_hamt_set(fvm_hamt *hamt, fvm_bytes key, fvm_bytes value)
{
    uint8_t hash[32];
    path p;
    fvm_sha256(hash, key);
    FVM_TRY(walk(hamt, &p, hash));
    unsigned i = p.slot ? find_entry(p.slot, key) : 0;
    bool exists = p.slot && i < p.slot->count;
    return exists ? replace(hamt, &p, i, value) : insert(hamt, &p, (hamt_pair){ key, value });
}

fvm_err fvm_hamt_set_if_absent(fvm_hamt *hamt, bool *done, fvm_bytes key, fvm_bytes value)
{
    uint8_t hash[32];
    path p;
    fvm_sha256(hash, key);
    FVM_TRY(walk(hamt, &p, hash));
    bool absent = !p.slot || find_entry(p.slot, key) == p.slot->count;
    if (absent) FVM_TRY(insert(hamt, &p, (hamt_pair){ key, value }));
    *done = absent;
    return FVM_OK;
}

/* --- deleting --- */

/* Whether a node can stand in its parent's slot as a bucket, once its slot `except` holds the `*count`
 * pairs in `pairs` (none: is free): all it has is buckets of at most three entries together. Those
 * are then gathered into `pairs`, sorted. */
static bool gather(hamt_pair *pairs, size_t *count, const hamt_node *node, unsigned except)
{
    size_t total = *count;
    unsigned skipped = fvm__slotset_rank(&node->used, except);
    for (uint32_t i = 0; i < node->count; i++) {
        if (i == skipped) continue;
        if (node->slots[i].kind != HAMT_BUCKET) return false;
        total += node->slots[i].count;
        if (total > HAMT_BUCKET_MAX) return false;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        if (i == skipped) continue;
        for (unsigned j = 0; j < node->slots[i].count; j++)
            insert_pair(pairs, (*count)++, hamt_entry_pair(&node->slots[i].u.entries[j]));
    }
    return true;
}

fvm_err fvm_hamt_delete(fvm_hamt *hamt, bool *existed, fvm_bytes key)
{
    uint8_t hash[32];
    path p;
    if (existed) *existed = false;
    fvm_sha256(hash, key);
    FVM_TRY(walk(hamt, &p, hash));
    unsigned gone = p.slot ? find_entry(p.slot, key) : 0;
    if (!p.slot || gone == p.slot->count) return FVM_OK;

    /* What is left of the bucket moves up as long as the nodes on the way collapse. The root never
     * does. A node that would be left empty was not canonical to begin with: an error, as in the
     * reference. */
    hamt_pair left[HAMT_BUCKET_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < p.slot->count; i++)
        if (i != gone) left[count++] = hamt_entry_pair(&p.slot->u.entries[i]);
    unsigned depth = p.depth;
    while (depth > 0) {
        if (count == 0 && p.nodes[depth]->count == 1) return FVM_ERR_BAD_STATE;
        if (!gather(left, &count, p.nodes[depth], p.indexes[depth])) break;
        depth--;
    }

    hamt_node *node = p.nodes[depth];
    unsigned index = p.indexes[depth];
    hamt_slot *slot = &node->slots[fvm__slotset_rank(&node->used, index)], fresh;
    if (count > 0) FVM_TRY(hamt_bucket_make(&fresh, left, count, hamt->alloc));
    mark_dirty(&p, depth);
    /* what the slot owned goes with the nodes below, which the pairs came from */
    if (count > 0) {
        hamt_node_replace(hamt->alloc, node, slot, &fresh);
    } else {
        hamt_slot_free(hamt->alloc, slot);
        hamt_node_remove(node, index);
    }
    if (existed) *existed = true;
    return FVM_OK;
}

/* --- writing --- */

#ifdef __wasm__
/* Writes the node and what is dirty below it; at most HAMT_LEVELS_MAX deep. A node whose write failed
 * stays dirty, and so do all above it. */
static fvm_err flush_node(fvm_hamt *hamt, hamt_node *node)
{
    if (!node->dirty) return FVM_OK;
    for (uint32_t i = 0; i < node->count; i++)
        if (node->slots[i].kind == HAMT_CHILD) FVM_TRY(flush_node(hamt, node->slots[i].u.child));
    hamt->scratch.len = 0;
    FVM_TRY(hamt_node_encode(&hamt->scratch, node));
    FVM_TRY(fvm_blockstore_put_new(hamt->bs, &node->cid, FVM_CODEC_DAG_CBOR,
                                   fvm_buf_bytes(&hamt->scratch)));
    node->dirty = false;
    return FVM_OK;
}

fvm_err fvm_hamt_flush(fvm_hamt *hamt, fvm_cid *root)
{
    FVM_TRY(flush_node(hamt, hamt->root));
    *root = hamt->root->cid;
    return FVM_OK;
}
#else
/* Dirty nodes are written level by level, from the deepest up: nodes of a level do not link to each
 * other, so that many of them are hashed at once, which takes half the time. */
#define BATCH 16u

/* Writes up to BATCH nodes of one level. A node whose write failed stays dirty, and so do all above. */
static fvm_err flush_batch(fvm_hamt *hamt, hamt_node *const *nodes, size_t count)
{
    fvm_block blocks[BATCH];
    fvm_bytes data[BATCH];
    uint8_t digests[BATCH][32];
    hamt->scratch.len = 0;
    for (size_t i = 0; i < count; i++) {
        size_t start = hamt->scratch.len;
        data[i] = (fvm_bytes){ nodes[i]->block, nodes[i]->block_len };
        if (hamt_node_patch(nodes[i])) continue;
        FVM_TRY(hamt_node_encode(&hamt->scratch, nodes[i]));
        data[i] = (fvm_bytes){ NULL, hamt->scratch.len - start };
    }
    const uint8_t *encoded = hamt->scratch.ptr; /* one after another; moves no more */
    for (size_t i = 0; i < count; i++) {
        if (data[i].ptr) continue;
        data[i].ptr = encoded;
        encoded += data[i].len;
    }
    fvm_blake2b_256_many(digests, data, count);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = (fvm_block){ .data = data[i],
                                 .cid = { .codec = FVM_CODEC_DAG_CBOR,
                                          .hash = FVM_HASH_BLAKE2B_256,
                                          .version = 1,
                                          .digest_len = 32 } };
        memcpy(blocks[i].cid.digest, digests[i], 32);
    }
    FVM_TRY(fvm_blockstore_put_many(hamt->bs, blocks, count));
    for (size_t i = 0; i < count; i++) {
        nodes[i]->cid = blocks[i].cid;
        nodes[i]->dirty = false;
    }
    return FVM_OK;
}

static hamt_node **nodes_in(const fvm_buf *list)
{
    return (hamt_node **)(void *)list->ptr; /* heap: aligned for anything */
}

static fvm_err push_node(fvm_buf *list, hamt_node *node)
{
    return fvm_buf_append(list, (fvm_bytes){ (const uint8_t *)&node, sizeof node });
}

/* Lists dirty nodes by level; level i is [starts[i], starts[i + 1]). All that is above a dirty node is
 * dirty. */
static fvm_err list_dirty(const fvm_hamt *hamt, fvm_buf *list, size_t *starts, unsigned *levels)
{
    starts[0] = 0;
    FVM_TRY(push_node(list, hamt->root));
    for (*levels = 1;; ++*levels) {
        size_t end = list->len / sizeof(hamt_node *);
        starts[*levels] = end;
        if (*levels == HAMT_LEVELS_MAX) return FVM_OK;
        for (size_t k = starts[*levels - 1]; k < end; k++) {
            const hamt_node *node = nodes_in(list)[k];
            for (uint32_t i = 0; i < node->count; i++) {
                const hamt_slot *slot = &node->slots[i];
                if (slot->kind == HAMT_CHILD && slot->u.child->dirty)
                    FVM_TRY(push_node(list, slot->u.child));
            }
        }
        if (list->len / sizeof(hamt_node *) == end) return FVM_OK;
    }
}

static fvm_err flush_nodes(fvm_hamt *hamt, fvm_buf *list)
{
    size_t starts[HAMT_LEVELS_MAX + 1];
    unsigned levels;
    FVM_TRY(list_dirty(hamt, list, starts, &levels));
    while (levels-- > 0) {
        for (size_t at = starts[levels]; at < starts[levels + 1]; at += BATCH) {
            size_t left = starts[levels + 1] - at;
            FVM_TRY(flush_batch(hamt, nodes_in(list) + at, left < BATCH ? left : BATCH));
        }
    }
    return FVM_OK;
}

fvm_err fvm_hamt_flush(fvm_hamt *hamt, fvm_cid *root)
{
    if (hamt->root->dirty) {
        fvm_buf list;
        fvm_buf_init(&list, hamt->alloc);
        fvm_err err = flush_nodes(hamt, &list);
        fvm_buf_deinit(&list);
        FVM_TRY(err);
    }
    *root = hamt->root->cid;
    return FVM_OK;
}
#endif

/* --- iterating: recurses over nodes, at most HAMT_LEVELS_MAX deep --- */

typedef fvm_err visitor(void *ctx, fvm_bytes key, fvm_bytes value);

static fvm_err visit_node(fvm_hamt *hamt, const hamt_node *node, unsigned depth, visitor *visit,
                          void *ctx);

/* A child that was not in memory is not kept, so that iterating a large trie stays cheap. */
static fvm_err visit_link(fvm_hamt *hamt, const hamt_slot *slot, unsigned depth, visitor *visit,
                          void *ctx)
{
    fvm_cid cid = hamt_slot_link(slot);
    hamt_node *child;
    if (depth >= hamt->levels) return FVM_ERR_BAD_STATE;
    FVM_TRY(read_node(hamt, &child, &cid, false));
    fvm_err err = visit_node(hamt, child, depth, visit, ctx);
    hamt_node_free(hamt->alloc, child);
    return err;
}

static fvm_err visit_node(fvm_hamt *hamt, const hamt_node *node, unsigned depth, visitor *visit,
                          void *ctx)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const hamt_slot *slot = &node->slots[i];
        switch ((hamt_slot_kind)slot->kind) {
        case HAMT_LINK: FVM_TRY(visit_link(hamt, slot, depth + 1, visit, ctx)); break;
        case HAMT_CHILD: FVM_TRY(visit_node(hamt, slot->u.child, depth + 1, visit, ctx)); break;
        case HAMT_BUCKET:
            for (unsigned j = 0; j < slot->count; j++) {
                hamt_pair pair = hamt_entry_pair(&slot->u.entries[j]);
                FVM_TRY(visit(ctx, pair.key, pair.value));
            }
            break;
        }
    }
    return FVM_OK;
}

fvm_err fvm_hamt_each(fvm_hamt *hamt, visitor *visit, void *ctx)
{
    return visit_node(hamt, hamt->root, 0, visit, ctx);
}
