/* state_tree.c - the committed form of the state (reference/executor.md 5):
 *
 *     root block   [version, actors CID, info CID]
 *     actors       HAMT, bit width 5, key = bytes of the ID address, value = actor record
 *     info         carried along unchanged; `80` in a new tree */
#include "state_internal.h"

#include "base/varint.h"
#include "ipld/cbor.h"

/* The cache is forgotten at a flush once it is larger than this, so that a view that lives long
 * stays bounded. 64 Ki actors are 30 MiB. */
#define CACHE_ENTRIES_MAX 65536u

typedef struct tree_root {
    uint64_t version;
    fvm_cid actors, info;
} tree_root;

static fvm_err read_root(tree_root *root, fvm_bytes in)
{
    FVM_TRY(fvm_cbor_tuple(3, &in));
    FVM_TRY(fvm_cbor_uint(&root->version, &in));
    FVM_TRY(fvm_cbor_cid(&root->actors, &in));
    FVM_TRY(fvm_cbor_cid(&root->info, &in));
    return fvm_cbor_end(in);
}

static fvm_err write_root(fvm_buf *out, const tree_root *root)
{
    FVM_TRY(fvm_cbor_put_array(out, 3));
    FVM_TRY(fvm_cbor_put_uint(out, root->version));
    FVM_TRY(fvm_cbor_put_cid(out, &root->actors));
    return fvm_cbor_put_cid(out, &root->info);
}

static fvm_state_view *allocate(const fvm_blockstore *bs, const fvm_network *net,
                                const fvm_allocator *alloc)
{
    fvm_state_view *view = fvm_mem_zalloc(alloc, sizeof *view);
    if (!view) return NULL;
    view->alloc = alloc;
    view->bs = bs;
    view->net = net;
    view->message = 1; /* entries start with 0: no level */
    fvm_map_init(&view->addresses, alloc);
    fvm_buf_init(&view->scratch, alloc);
    fvm_buf_init(&view->init.network_name, alloc);
    return view;
}

static fvm_err open_at(fvm_state_view *view, const fvm_cid *cid)
{
    fvm_bytes block;
    tree_root root;
    FVM_TRY(fvm__state_err(fvm_blockstore_view(view->bs, &block, &view->scratch, cid)));
    FVM_TRY(fvm__state_err(read_root(&root, block)));
    if (root.version < view->net->state_tree_min || root.version > view->net->state_tree_version)
        return FVM_ERR_VERSION;
    FVM_TRY(
        fvm_hamt_load(&view->actors, view->bs, &root.actors, FVM__STATE_BIT_WIDTH, view->alloc));
    view->tree_version = (uint32_t)root.version;
    view->info = root.info;
    view->root = *cid;
    view->root_known = true;
    return FVM_OK;
}

fvm_err fvm_state_view_open(fvm_state_view **out, const fvm_blockstore *bs, const fvm_cid *root,
                            const fvm_network *net, const fvm_allocator *alloc)
{
    fvm_state_view *view = allocate(bs, net, alloc);
    if (!view) return FVM_ERR_NOMEM;
    fvm_err err = open_at(view, root);
    if (err != FVM_OK) {
        fvm_state_view_free(view);
        return err;
    }
    *out = view;
    return FVM_OK;
}

fvm_err fvm_state_view_new(fvm_state_view **out, const fvm_blockstore *bs, const fvm_network *net,
                           const fvm_allocator *alloc)
{
    fvm_state_view *view = allocate(bs, net, alloc);
    if (!view) return FVM_ERR_NOMEM;
    view->tree_version = net->state_tree_version;
    view->info = fvm_empty_array_cid();
    fvm_err err = fvm_blockstore_put(bs, &view->info, FVM_BYTES(0x80));
    if (err == FVM_OK) err = fvm_hamt_new(&view->actors, bs, FVM__STATE_BIT_WIDTH, alloc);
    if (err != FVM_OK) {
        fvm_state_view_free(view);
        return err;
    }
    *out = view;
    return FVM_OK;
}

/* --- one actor --- */

fvm_err fvm__state_load(fvm_state_view *view, uint32_t index)
{
    fvm__entry *e = &view->entries[index];
    fvm_address key = fvm_address_id(e->id);
    fvm_bytes value;
    fvm_err err = fvm_hamt_get(view->actors, &value, (fvm_bytes){ key.bytes, key.len });
    if (err == FVM_ERR_NOT_FOUND) {
        e->presence = FVM__ABSENT;
        return FVM_OK;
    }
    if (err != FVM_OK) return err;
    fvm_actor actor;
    FVM_TRY(fvm_actor_read(&actor, value, view->tree_version));
    fvm_actor *slot = fvm__state_slot_take(view);
    if (!slot) return FVM_ERR_NOMEM;
    *slot = actor;
    e->actor = slot;
    e->presence = FVM__PRESENT;
    return FVM_OK;
}

static fvm_err store_entry(fvm_state_view *view, const fvm__entry *e)
{
    fvm_address id = fvm_address_id(e->id);
    fvm_bytes key = { id.bytes, id.len };
    if (e->presence == FVM__ABSENT) return fvm_hamt_delete(view->actors, NULL, key);
    view->scratch.len = 0;
    FVM_TRY(fvm_actor_write(&view->scratch, e->actor, view->tree_version));
    return fvm_hamt_set(view->actors, key, fvm_buf_bytes(&view->scratch));
}

/* --- the whole tree --- */

/** Lets go of the nodes that look-ups have loaded. Without memory for it, they stay. */
static void reload_actors(fvm_state_view *view, const fvm_cid *actors)
{
    fvm_hamt *fresh;
    if (fvm_hamt_load(&fresh, view->bs, actors, FVM__STATE_BIT_WIDTH, view->alloc) != FVM_OK)
        return;
    fvm_hamt_free(view->actors);
    view->actors = fresh;
}

fvm_err fvm_state_flush(fvm_state_view *view, fvm_cid *root)
{
    if (view->mark_count > 0) return FVM_ERR_INVALID;
    bool changed = !view->root_known;
    tree_root now = { .version = view->tree_version, .info = view->info };
    /* An error on the way leaves entries dirty: the next flush stores them all again. */
    for (size_t i = 0; i < view->dirty_count; i++) {
        const fvm__entry *e = &view->entries[view->dirty[i]];
        if (!e->dirty) continue;
        FVM_TRY(store_entry(view, e));
        changed = true;
    }
    if (changed) {
        FVM_TRY(fvm_hamt_flush(view->actors, &now.actors));
        view->scratch.len = 0;
        FVM_TRY(write_root(&view->scratch, &now));
        FVM_TRY(fvm_blockstore_put_new(view->bs, &view->root, FVM_CODEC_DAG_CBOR,
                                       fvm_buf_bytes(&view->scratch)));
        view->root_known = true;
    }
    for (size_t i = 0; i < view->dirty_count; i++) {
        view->entries[view->dirty[i]].dirty = false;
        view->entries[view->dirty[i]].listed = false;
    }
    view->dirty_count = 0;
    if (view->entry_count > CACHE_ENTRIES_MAX || view->addresses.live > CACHE_ENTRIES_MAX) {
        fvm__state_forget(view);
        if (changed) reload_actors(view, &now.actors);
    }
    *root = view->root;
    return FVM_OK;
}

typedef struct each_context {
    const fvm_state_view *view;
    fvm_err (*visit)(void *ctx, uint64_t id, const fvm_actor *actor);
    void *ctx;
} each_context;

static fvm_err each_stored(void *ctx, fvm_bytes key, fvm_bytes value)
{
    const each_context *each = ctx;
    fvm_address address;
    fvm_actor actor;
    uint64_t id;
    if (fvm_address_read(&address, key, true) != FVM_OK || !fvm_address_to_id(&id, &address))
        return FVM_ERR_BAD_STATE;
    const fvm__entry *e = fvm__state_find(each->view, id);
    if (e && e->dirty) return FVM_OK; /* comes later, as it is now */
    FVM_TRY(fvm_actor_read(&actor, value, each->view->tree_version));
    return each->visit(each->ctx, id, &actor);
}

fvm_err fvm_state_each(fvm_state_view *view,
                       fvm_err (*visit)(void *ctx, uint64_t id, const fvm_actor *actor), void *ctx)
{
    each_context each = { view, visit, ctx };
    FVM_TRY(fvm_hamt_each(view->actors, each_stored, &each));
    for (size_t i = 0; i < view->dirty_count; i++) {
        const fvm__entry *e = &view->entries[view->dirty[i]];
        if (e->dirty && e->presence == FVM__PRESENT) FVM_TRY(visit(ctx, e->id, e->actor));
    }
    return FVM_OK;
}
