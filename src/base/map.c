/* map.c - open addressing with linear probing over indexes into an array of entries.
 *
 *     slots:   [0][3][0][1][2][0]...      index + 1, 0 = never used; 3/4 full at most
 *     entries: [e0][e1][e2]               insertion order; removed ones stay, marked not live
 *
 * A removed entry keeps its slot, so probing passes over it; the next rebuild drops it. */
#include "map.h"

#define MAP_FIRST_SLOTS 16

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

#define SIP_ROUND                                                                                  \
    do {                                                                                           \
        v0 += v1, v2 += v3;                                                                        \
        v1 = rotl(v1, 13) ^ v0, v3 = rotl(v3, 16) ^ v2;                                            \
        v0 = rotl(v0, 32);                                                                         \
        v2 += v1, v0 += v3;                                                                        \
        v1 = rotl(v1, 17) ^ v2, v3 = rotl(v3, 21) ^ v0;                                            \
        v2 = rotl(v2, 32);                                                                         \
    } while (0)

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash"). */
uint64_t fvm_siphash(uint64_t k0, uint64_t k1, fvm_bytes key)
{
    uint64_t v0 = 0x736f6d6570736575 ^ k0, v1 = 0x646f72616e646f6d ^ k1;
    uint64_t v2 = 0x6c7967656e657261 ^ k0, v3 = 0x7465646279746573 ^ k1;
    const uint8_t *p = key.ptr;
    size_t left = key.len;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t m = fvm_load_le64(p);
        v3 ^= m;
        SIP_ROUND;
        v0 ^= m;
    }
    uint64_t m = (uint64_t)key.len << 56;
    for (size_t i = 0; i < left; i++) m |= (uint64_t)p[i] << (8 * i);
    v3 ^= m;
    SIP_ROUND;
    v0 ^= m;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

/* The key is a constant: colliding keys can be made by who studies it, but not by who only chooses
 * multiples or prefixes, and results stay repeatable. */
static uint64_t hash_key(fvm_bytes key)
{
    return fvm_siphash(0x6c696266766d2e30, 0x6d6170206b657930, key);
}

void fvm_map_init(fvm_map *map, const fvm_allocator *alloc)
{
    *map = (fvm_map){ .alloc = alloc };
}

static void free_key(const fvm_map *map, const fvm_map_entry *entry)
{
    fvm_mem_free(map->alloc, (void *)(uintptr_t)entry->key.ptr, entry->key.len);
}

void fvm_map_clear(fvm_map *map)
{
    for (size_t i = 0; i < map->count; i++) free_key(map, &map->entries[i]);
    if (map->slots) memset(map->slots, 0, map->slot_count * sizeof *map->slots);
    map->count = map->live = 0;
}

static void free_tables(fvm_map *map)
{
    fvm_mem_free(map->alloc, map->entries, map->cap * sizeof *map->entries);
    fvm_mem_free(map->alloc, map->slots, map->slot_count * sizeof *map->slots);
}

void fvm_map_deinit(fvm_map *map)
{
    fvm_map_clear(map);
    free_tables(map);
    fvm_map_init(map, map->alloc);
}

static fvm_map_entry *find(const fvm_map *map, fvm_bytes key, uint64_t hash)
{
    if (map->live == 0) return NULL;
    size_t mask = map->slot_count - 1;
    for (size_t i = (size_t)hash & mask; map->slots[i]; i = (i + 1) & mask) {
        fvm_map_entry *e = &map->entries[map->slots[i] - 1];
        if (e->hash == hash && e->live && fvm_bytes_eq(e->key, key)) return e;
    }
    return NULL;
}

static void link_slot(uint32_t *slots, size_t slot_count, uint64_t hash, size_t index)
{
    size_t mask = slot_count - 1, i = (size_t)hash & mask;
    while (slots[i]) i = (i + 1) & mask;
    slots[i] = (uint32_t)(index + 1);
}

/* New tables without the removed entries: twice the size, or the same if half of them are removed. */
static fvm_err rebuild(fvm_map *map)
{
    size_t slot_count = map->slot_count ? map->slot_count : MAP_FIRST_SLOTS;
    if (map->live > map->count / 2 && map->slot_count) slot_count *= 2;
    size_t cap = slot_count / 4 * 3;
    if (cap >= UINT32_MAX || cap > SIZE_MAX / sizeof(fvm_map_entry)) return FVM_ERR_NOMEM;

    uint32_t *slots = fvm_mem_zalloc(map->alloc, slot_count * sizeof *slots);
    fvm_map_entry *entries = fvm_mem_alloc(map->alloc, cap * sizeof *entries);
    if (!slots || !entries) {
        fvm_mem_free(map->alloc, slots, slot_count * sizeof *slots);
        fvm_mem_free(map->alloc, entries, cap * sizeof *entries);
        return FVM_ERR_NOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < map->count; i++) {
        const fvm_map_entry *e = &map->entries[i];
        if (!e->live) {
            free_key(map, e);
            continue;
        }
        link_slot(slots, slot_count, e->hash, n);
        entries[n++] = *e;
    }
    free_tables(map);
    map->slots = slots;
    map->slot_count = slot_count;
    map->entries = entries;
    map->cap = cap;
    map->count = n;
    return FVM_OK;
}

fvm_map_entry *fvm_map_get_hashed(const fvm_map *map, fvm_bytes key, uint64_t hash)
{
    return find(map, key, hash);
}

fvm_map_entry *fvm_map_get(const fvm_map *map, fvm_bytes key)
{
    return map->live ? find(map, key, hash_key(key)) : NULL;
}

fvm_err fvm_map_put(fvm_map *map, fvm_map_entry **out, bool *inserted, fvm_bytes key)
{
    return fvm_map_put_hashed(map, out, inserted, key, hash_key(key));
}

fvm_err fvm_map_put_hashed(fvm_map *map, fvm_map_entry **out, bool *inserted, fvm_bytes key,
                           uint64_t hash)
{
    fvm_map_entry *e = find(map, key, hash);
    if (!e) {
        if (map->count == map->cap) FVM_TRY(rebuild(map));
        uint8_t *copy = fvm_mem_alloc(map->alloc, key.len);
        if (key.len && !copy) return FVM_ERR_NOMEM;
        if (key.len) memcpy(copy, key.ptr, key.len);
        e = &map->entries[map->count];
        *e = (fvm_map_entry){ .key = { copy, key.len }, .hash = hash, .live = true };
        link_slot(map->slots, map->slot_count, hash, map->count);
        map->count++;
        map->live++;
        if (inserted) *inserted = true;
    } else if (inserted) {
        *inserted = false;
    }
    *out = e;
    return FVM_OK;
}

bool fvm_map_remove(fvm_map *map, fvm_bytes key)
{
    return fvm_map_remove_hashed(map, key, hash_key(key));
}

bool fvm_map_remove_hashed(fvm_map *map, fvm_bytes key, uint64_t hash)
{
    fvm_map_entry *e = find(map, key, hash);
    if (!e) return false;
    e->live = false;
    map->live--;
    return true;
}

fvm_map_entry *fvm_map_next(const fvm_map *map, size_t *at)
{
    while (*at < map->count) {
        fvm_map_entry *e = &map->entries[(*at)++];
        if (e->live) return e;
    }
    return NULL;
}
