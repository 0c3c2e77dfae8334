/* map.h - an open-addressing hash map from bytes (or u64) to a u64-sized value or pointer.
 * Keys are copied into the map's own memory. The hash is seeded per map from a fixed constant and
 * iteration is in insertion order, so that results never depend on table order; growth is bounded
 * by what is inserted. Long probe chains from hostile keys are prevented by SipHash-1-3. */
#ifndef FVM_BASE_MAP_H
#define FVM_BASE_MAP_H

#include "util.h"

typedef struct fvm_map_entry {
    fvm_bytes key; /* owned by the map, stable until the map is freed or cleared */
    uint64_t hash;
    union {
        void *ptr;
        uint64_t u64;
    } value;
    bool live; /* false: removed */
} fvm_map_entry;

typedef struct fvm_map {
    fvm_map_entry *entries; /* in insertion order */
    uint32_t *slots;        /* index + 1 into entries; 0 = free */
    size_t count, cap;      /* entries used (with dead ones), allocated */
    size_t slot_count;      /* power of two */
    size_t live;
    const fvm_allocator *alloc;
} fvm_map;

/** SipHash-1-3 under a key of two words: for tables of one's own. */
uint64_t fvm_siphash(uint64_t k0, uint64_t k1, fvm_bytes in);

void fvm_map_init(fvm_map *map, const fvm_allocator *alloc);
void fvm_map_deinit(fvm_map *map);
void fvm_map_clear(fvm_map *map);
/** The entry of `key`, or NULL. Valid until the next insertion. */
fvm_map_entry *fvm_map_get(const fvm_map *map, fvm_bytes key);
/** As fvm_map_get, _put and _remove, for keys that bring a hash of their own: a function of the key,
 *  even in its low bits, and no easier to make collide than SipHash under a known key. A map is used
 *  either with these or with the others. */
fvm_map_entry *fvm_map_get_hashed(const fvm_map *map, fvm_bytes key, uint64_t hash);
FVM_NODISCARD fvm_err fvm_map_put_hashed(fvm_map *map, fvm_map_entry **out, bool *inserted,
                                         fvm_bytes key, uint64_t hash);
bool fvm_map_remove_hashed(fvm_map *map, fvm_bytes key, uint64_t hash);
/** Finds or inserts; `*inserted` (may be NULL) tells which; a new entry's value is 0. */
FVM_NODISCARD fvm_err fvm_map_put(fvm_map *map, fvm_map_entry **out, bool *inserted, fvm_bytes key);
/** Removes; false when absent. */
bool fvm_map_remove(fvm_map *map, fvm_bytes key);
/** Next live entry at or after `*at` in insertion order, advancing `*at`; NULL at the end.
 *  Start with `size_t at = 0`. */
fvm_map_entry *fvm_map_next(const fvm_map *map, size_t *at);
#endif
