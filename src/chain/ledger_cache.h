/* ledger_cache.h - blocks that were written or read lately, above the database: a bounded number of
 * bytes, in shards with a lock each. A block never changes and is never removed, so what the cache has
 * is right for as long as it has it. */
#ifndef FVM_CHAIN_LEDGER_CACHE_H
#define FVM_CHAIN_LEDGER_CACHE_H

#include "ledger_entries.h"

#include <pthread.h>

#define FVM__CACHE_SHARDS 8u
#define FVM__CACHE_SHARD_BYTES ((size_t)2 << 20)

/** In each, two generations: what is looked for moves to the newer one, and when that has half of the
 *  bytes, the older one is forgotten and the newer one becomes it. */
typedef struct fvm__cache {
    const fvm_allocator *alloc;
    struct fvm__cache_shard {
        pthread_mutex_t lock;
        fvm__entry_table newer, older;
    } shards[FVM__CACHE_SHARDS];
} fvm__cache;

void fvm__cache_init(fvm__cache *cache, const fvm_allocator *alloc);
void fvm__cache_deinit(fvm__cache *cache);
/** Appends the value to `out` (NULL: just looks). FVM_ERR_NOT_FOUND, FVM_ERR_NOMEM. Safe for threads. */
FVM_NODISCARD fvm_err fvm__cache_get(fvm__cache *cache, fvm_buf *out, const fvm__entry_key *key);
/** Takes a node of a table, in none; perhaps it frees it. */
void fvm__cache_give(fvm__cache *cache, fvm__entry_node *node);
/** Keeps a copy, if there is memory. */
void fvm__cache_put(fvm__cache *cache, const fvm__entry_key *key, fvm_bytes value);
#endif
