/* blockstore.c - conveniences over the interface, and the store in memory. */
#include <fvm/blockstore.h>

#include "base/util.h"
#include "blocktable.h"

/* --- conveniences --- */

static bool is_identity(const fvm_cid *cid)
{
    return cid->hash == FVM_HASH_IDENTITY;
}

static fvm_bytes digest_of(const fvm_cid *cid)
{
    return (fvm_bytes){ cid->digest, cid->digest_len };
}

fvm_err fvm_blockstore_get(const fvm_blockstore *bs, fvm_buf *out, const fvm_cid *cid)
{
    if (is_identity(cid)) return fvm_buf_append(out, digest_of(cid));
    return bs->ops->get(bs->self, out, cid);
}

fvm_err fvm_blockstore_has(const fvm_blockstore *bs, bool *out, const fvm_cid *cid)
{
    if (is_identity(cid)) {
        *out = true;
        return FVM_OK;
    }
    return bs->ops->has(bs->self, out, cid);
}

fvm_err fvm_blockstore_put(const fvm_blockstore *bs, const fvm_cid *cid, fvm_bytes data)
{
    fvm_block block = { *cid, data };
    return bs->ops->put_many(bs->self, &block, 1);
}

fvm_err fvm_blockstore_put_many(const fvm_blockstore *bs, const fvm_block *blocks, size_t count)
{
    return count ? bs->ops->put_many(bs->self, blocks, count) : FVM_OK;
}

fvm_err fvm_blockstore_put_new(const fvm_blockstore *bs, fvm_cid *out, uint64_t codec,
                               fvm_bytes data)
{
    fvm_block block = { fvm_cid_of(codec, data), data };
    FVM_TRY(bs->ops->put_many(bs->self, &block, 1));
    *out = block.cid;
    return FVM_OK;
}

fvm_err fvm_blockstore_view(const fvm_blockstore *bs, fvm_bytes *out, fvm_buf *spare,
                            const fvm_cid *cid)
{
    if (bs->ops->view && !is_identity(cid)) return bs->ops->view(bs->self, out, cid);
    size_t start = spare->len;
    FVM_TRY(fvm_blockstore_get(bs, spare, cid));
    *out = (fvm_bytes){ spare->ptr ? spare->ptr + start : NULL, spare->len - start };
    return FVM_OK;
}

void fvm_blockstore_free(fvm_blockstore *bs)
{
    if (bs->ops && bs->ops->free) bs->ops->free(bs->self);
    *bs = (fvm_blockstore){ 0 };
}

/* --- the store in memory --- */

typedef struct memory_store {
    fvm__blocktable table;
    const fvm_allocator *alloc;
} memory_store;

static fvm_err memory_view(void *self, fvm_bytes *out, const fvm_cid *cid)
{
    const memory_store *store = self;
    const fvm__stored_block *block = fvm__blocktable_get(&store->table, cid);
    if (!block) return FVM_ERR_NOT_FOUND;
    *out = fvm__stored_bytes(block);
    return FVM_OK;
}

static fvm_err memory_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    fvm_bytes block;
    FVM_TRY(memory_view(self, &block, cid));
    return fvm_buf_append(out, block);
}

static fvm_err memory_has(void *self, bool *out, const fvm_cid *cid)
{
    const memory_store *store = self;
    *out = fvm__blocktable_get(&store->table, cid) != NULL;
    return FVM_OK;
}

static fvm_err memory_put_many(void *self, const fvm_block *blocks, size_t count)
{
    memory_store *store = self;
    return fvm__blocktable_put_many(&store->table, blocks, count);
}

static void memory_free(void *self)
{
    memory_store *store = self;
    fvm__blocktable_deinit(&store->table);
    fvm_mem_free(store->alloc, store, sizeof *store);
}

static const fvm_blockstore_ops memory_ops = {
    .get = memory_get,
    .has = memory_has,
    .put_many = memory_put_many,
    .view = memory_view,
    .free = memory_free,
};

fvm_err fvm_blockstore_memory_new(fvm_blockstore *out, const fvm_allocator *alloc)
{
    memory_store *store = fvm_mem_alloc(alloc, sizeof *store);
    if (!store) return FVM_ERR_NOMEM;
    fvm__blocktable_init(&store->table, alloc);
    store->alloc = alloc;
    *out = (fvm_blockstore){ &memory_ops, store };
    return FVM_OK;
}

void fvm_blockstore_memory_stats(const fvm_blockstore *bs, size_t *blocks, size_t *bytes)
{
    const memory_store *store = bs->self;
    *blocks = store->table.count;
    *bytes = store->table.bytes;
}
