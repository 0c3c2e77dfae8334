/* ledger_cache.c - see ledger_cache.h. */
#include "ledger_cache.h"

#define GENERATION_BYTES (FVM__CACHE_SHARD_BYTES / 2)
#define NODE_MAX (GENERATION_BYTES / 8) /* a larger one would push too many out */

void fvm__cache_init(fvm__cache *cache, const fvm_allocator *alloc)
{
    *cache = (fvm__cache){ .alloc = alloc };
    for (unsigned i = 0; i < FVM__CACHE_SHARDS; i++)
        (void)pthread_mutex_init(&cache->shards[i].lock, NULL);
}

void fvm__cache_deinit(fvm__cache *cache)
{
    for (unsigned i = 0; i < FVM__CACHE_SHARDS; i++) {
        fvm__table_clear(&cache->shards[i].newer, cache->alloc);
        fvm__table_clear(&cache->shards[i].older, cache->alloc);
        (void)pthread_mutex_destroy(&cache->shards[i].lock);
    }
}

/* The low bits choose the bucket in a table. */
static struct fvm__cache_shard *shard_of(fvm__cache *cache, uint64_t hash)
{
    return &cache->shards[hash >> 32 & (FVM__CACHE_SHARDS - 1)];
}

/* Into the newer generation; what has to go comes into `*gone`, to be freed without the lock. */
static void put_newer(const fvm__cache *cache, struct fvm__cache_shard *s, fvm__entry_table *gone,
                      fvm__entry_node *node)
{
    if (s->newer.bytes + node->size > GENERATION_BYTES) {
        *gone = s->older;
        s->older = s->newer;
        s->newer = (fvm__entry_table){ .count = 0 };
    }
    fvm__table_put(&s->newer, cache->alloc, node);
}

fvm_err fvm__cache_get(fvm__cache *cache, fvm_buf *out, const fvm__entry_key *key)
{
    struct fvm__cache_shard *s = shard_of(cache, key->hash);
    fvm__entry_table gone = { .count = 0 };
    fvm_err err = FVM_ERR_NOT_FOUND;
    (void)pthread_mutex_lock(&s->lock);
    fvm__entry_node *n = fvm__table_get(&s->newer, key->hash, key->bytes);
    bool old = !n && (n = fvm__table_get(&s->older, key->hash, key->bytes)) != NULL;
    if (n) err = out ? fvm_buf_append(out, n->value) : FVM_OK;
    if (old) {
        fvm__table_take(&s->older, n);
        put_newer(cache, s, &gone, n);
    }
    (void)pthread_mutex_unlock(&s->lock);
    fvm__table_clear(&gone, cache->alloc);
    return err;
}

void fvm__cache_give(fvm__cache *cache, fvm__entry_node *node)
{
    struct fvm__cache_shard *s = shard_of(cache, node->hash);
    fvm__entry_table gone = { .count = 0 };
    if (node->size > NODE_MAX) {
        fvm__entry_free(cache->alloc, node);
        return;
    }
    (void)pthread_mutex_lock(&s->lock);
    fvm__entry_node *twin = fvm__table_get(&s->older, node->hash, node->key);
    if (twin) {
        fvm__table_take(&s->older, twin);
        fvm__entry_free(cache->alloc, twin);
    }
    put_newer(cache, s, &gone, node);
    (void)pthread_mutex_unlock(&s->lock);
    fvm__table_clear(&gone, cache->alloc);
}

void fvm__cache_put(fvm__cache *cache, const fvm__entry_key *key, fvm_bytes value)
{
    if (value.len > NODE_MAX) return;
    fvm__entry_node *n = fvm__table_entry_new(cache->alloc, key->hash, key->bytes, &value);
    if (n) fvm__cache_give(cache, n);
}
