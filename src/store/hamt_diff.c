/* hamt_diff.c - walks two tries side by side. Where both have a link, the walk goes down if the CIDs
 * differ. Anywhere else at least one side has a bucket or nothing, so that in canonical tries what
 * lies below the other side's link has been added or removed: its entries are collected and the two
 * sorted lists compared. The depth is bounded by the bits of the hash. */
#include "hamt_diff.h"

#include "base/arena.h"
#include "ipld/hamt_node.h"

#include <stdlib.h>

typedef struct diff {
    const fvm_blockstore *bs;
    const fvm_allocator *alloc;
    unsigned bit_width;
    fvm_err (*visit)(void *ctx, fvm_bytes key, fvm_bytes before, fvm_bytes after);
    void *ctx;
    fvm_buf spare;
} diff;

/* Entries copied out of nodes. */
typedef struct collection {
    fvm_buf pairs; /* array of hamt_pair */
    fvm_arena arena;
} collection;

static unsigned depth_max(const diff *d)
{
    return (256 + d->bit_width - 1) / d->bit_width;
}

static fvm_err read_node(diff *d, hamt_node **out, const fvm_cid *cid, unsigned depth)
{
    if (depth >= depth_max(d)) return FVM_ERR_BAD_STATE;
    d->spare.len = 0;
    return hamt_node_read(out, d->bs, cid, d->bit_width, depth == 0, &d->spare, d->alloc);
}

/* --- collecting --- */

static fvm_err collect_slot(diff *d, collection *c, const hamt_slot *slot, unsigned depth);

static fvm_err collect_bucket(collection *c, const hamt_slot *slot)
{
    for (unsigned i = 0; i < slot->count; i++) {
        hamt_pair pair = hamt_entry_pair(&slot->u.entries[i]), copy;
        FVM_TRY(fvm_arena_copy(&c->arena, &copy.key, pair.key));
        FVM_TRY(fvm_arena_copy(&c->arena, &copy.value, pair.value));
        FVM_TRY(fvm_buf_append(&c->pairs, (fvm_bytes){ (const uint8_t *)&copy, sizeof copy }));
    }
    return FVM_OK;
}

static fvm_err collect_slot(diff *d, collection *c, const hamt_slot *slot, unsigned depth)
{
    if (slot->kind == HAMT_BUCKET) return collect_bucket(c, slot);
    hamt_node *node;
    fvm_cid cid = hamt_slot_link(slot);
    FVM_TRY(read_node(d, &node, &cid, depth + 1));
    fvm_err err = FVM_OK;
    for (uint32_t i = 0; i < node->count && err == FVM_OK; i++)
        err = collect_slot(d, c, &node->slots[i], depth + 1);
    hamt_node_free(d->alloc, node);
    return err;
}

static int compare_pairs(const void *a, const void *b)
{
    return fvm_bytes_cmp(((const hamt_pair *)a)->key, ((const hamt_pair *)b)->key);
}

static fvm_err compare_lists(diff *d, const collection *before, const collection *after)
{
    const hamt_pair *a = (const hamt_pair *)(const void *)before->pairs.ptr;
    const hamt_pair *b = (const hamt_pair *)(const void *)after->pairs.ptr;
    size_t na = before->pairs.len / sizeof *a, nb = after->pairs.len / sizeof *b, i = 0, j = 0;
    const fvm_bytes none = { NULL, 0 };
    while (i < na || j < nb) {
        int c = i == na ? 1 : j == nb ? -1 : fvm_bytes_cmp(a[i].key, b[j].key);
        if (c < 0) {
            FVM_TRY(d->visit(d->ctx, a[i].key, a[i].value, none));
            i++;
        } else if (c > 0) {
            FVM_TRY(d->visit(d->ctx, b[j].key, none, b[j].value));
            j++;
        } else {
            if (!fvm_bytes_eq(a[i].value, b[j].value))
                FVM_TRY(d->visit(d->ctx, a[i].key, a[i].value, b[j].value));
            i++;
            j++;
        }
    }
    return FVM_OK;
}

/* Compares what lies in two slots, of which either may be NULL. */
static fvm_err compare_slots(diff *d, const hamt_slot *before, const hamt_slot *after,
                             unsigned depth)
{
    collection lists[2];
    const hamt_slot *slots[2] = { before, after };
    fvm_err err = FVM_OK;
    for (int i = 0; i < 2; i++) {
        fvm_buf_init(&lists[i].pairs, d->alloc);
        fvm_arena_init(&lists[i].arena, d->alloc);
        if (slots[i] && err == FVM_OK) err = collect_slot(d, &lists[i], slots[i], depth);
        if (err == FVM_OK && lists[i].pairs.len)
            qsort(lists[i].pairs.ptr, lists[i].pairs.len / sizeof(hamt_pair), sizeof(hamt_pair),
                  compare_pairs);
    }
    if (err == FVM_OK) err = compare_lists(d, &lists[0], &lists[1]);
    for (int i = 0; i < 2; i++) {
        fvm_buf_deinit(&lists[i].pairs);
        fvm_arena_deinit(&lists[i].arena);
    }
    return err;
}

/* --- side by side --- */

static fvm_err compare_nodes(diff *d, const fvm_cid *before, const fvm_cid *after, unsigned depth);

static const hamt_slot *slot_at(const hamt_node *node, unsigned i)
{
    if (!fvm__slotset_has(&node->used, i)) return NULL;
    return &node->slots[fvm__slotset_rank(&node->used, i)];
}

static fvm_err compare_children(diff *d, const hamt_node *before, const hamt_node *after,
                                unsigned depth)
{
    for (unsigned i = 0; i < 1u << d->bit_width; i++) {
        const hamt_slot *a = slot_at(before, i), *b = slot_at(after, i);
        if (!a && !b) continue;
        if (a && b && a->kind == HAMT_LINK && b->kind == HAMT_LINK) {
            fvm_cid x = hamt_slot_link(a), y = hamt_slot_link(b);
            FVM_TRY(compare_nodes(d, &x, &y, depth + 1));
        } else {
            FVM_TRY(compare_slots(d, a, b, depth));
        }
    }
    return FVM_OK;
}

static fvm_err compare_nodes(diff *d, const fvm_cid *before, const fvm_cid *after, unsigned depth)
{
    hamt_node *a, *b = NULL;
    if (fvm_cid_eq(before, after)) return FVM_OK;
    FVM_TRY(read_node(d, &a, before, depth));
    fvm_err err = read_node(d, &b, after, depth);
    if (err == FVM_OK) err = compare_children(d, a, b, depth);
    hamt_node_free(d->alloc, a);
    if (b) hamt_node_free(d->alloc, b);
    return err;
}

fvm_err fvm__hamt_diff(const fvm_blockstore *bs, const fvm_cid *before, const fvm_cid *after,
                       unsigned bit_width,
                       fvm_err (*visit)(void *ctx, fvm_bytes key, fvm_bytes before,
                                        fvm_bytes after),
                       void *ctx, const fvm_allocator *alloc)
{
    if (bit_width < 1 || bit_width > 8) return FVM_ERR_INVALID;
    diff d = { .bs = bs, .alloc = alloc, .bit_width = bit_width, .visit = visit, .ctx = ctx };
    fvm_buf_init(&d.spare, alloc);
    fvm_err err = compare_nodes(&d, before, after, 0);
    fvm_buf_deinit(&d.spare);
    return err;
}
