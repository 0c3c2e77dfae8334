/* layered.c - several stores as one: reads take the first hit from the top, writes go to the top. */
#include "base/util.h"
#include <fvm/store.h>

typedef struct layered_store {
    const fvm_allocator *alloc;
    size_t count;
    const fvm_blockstore *layers[];
} layered_store;

static fvm_err layered_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    layered_store *store = self;
    for (size_t i = 0; i < store->count; i++) {
        const fvm_blockstore *layer = store->layers[i];
        fvm_err err = layer->ops->get(layer->self, out, cid);
        if (err != FVM_ERR_NOT_FOUND) return err;
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err layered_has(void *self, bool *out, const fvm_cid *cid)
{
    layered_store *store = self;
    *out = false;
    for (size_t i = 0; i < store->count && !*out; i++) {
        const fvm_blockstore *layer = store->layers[i];
        FVM_TRY(layer->ops->has(layer->self, out, cid));
    }
    return FVM_OK;
}

static fvm_err layered_put_many(void *self, const fvm_block *blocks, size_t count)
{
    layered_store *store = self;
    const fvm_blockstore *top = store->layers[0];
    return top->ops->put_many(top->self, blocks, count);
}

/* Only when every layer gives views: one that copies has nowhere to keep the copy. */
static fvm_err layered_view(void *self, fvm_bytes *out, const fvm_cid *cid)
{
    layered_store *store = self;
    for (size_t i = 0; i < store->count; i++) {
        const fvm_blockstore *layer = store->layers[i];
        fvm_err err = layer->ops->view(layer->self, out, cid);
        if (err != FVM_ERR_NOT_FOUND) return err;
    }
    return FVM_ERR_NOT_FOUND;
}

static size_t layered_size(size_t count)
{
    return sizeof(layered_store) + count * sizeof(const fvm_blockstore *);
}

static void layered_free(void *self)
{
    layered_store *store = self;
    fvm_mem_free(store->alloc, store, layered_size(store->count));
}

static const fvm_blockstore_ops ops_with_view = { layered_get, layered_has, layered_put_many,
                                                  layered_view, layered_free };
static const fvm_blockstore_ops ops_without_view = { layered_get, layered_has, layered_put_many,
                                                     NULL, layered_free };

fvm_err fvm_blockstore_layered_new(fvm_blockstore *out, const fvm_blockstore *const *layers,
                                   size_t count, const fvm_allocator *alloc)
{
    if (count == 0) return FVM_ERR_INVALID;
    if (count > SIZE_MAX / sizeof *layers / 2) return FVM_ERR_NOMEM;
    layered_store *store = fvm_mem_alloc(alloc, layered_size(count));
    if (!store) return FVM_ERR_NOMEM;
    store->alloc = alloc;
    store->count = count;
    bool views = true;
    for (size_t i = 0; i < count; i++) {
        store->layers[i] = layers[i];
        if (!layers[i]->ops->view) views = false;
    }
    *out = (fvm_blockstore){ views ? &ops_with_view : &ops_without_view, store };
    return FVM_OK;
}
