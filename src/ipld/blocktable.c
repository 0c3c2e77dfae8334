/* blocktable.c - see blocktable.h. A block that is removed leaves no trace in the table: those behind
 * it that could stand earlier move up. */
#include "blocktable.h"

#include "base/map.h"

#include <assert.h>

/* Garbage below this is not worth moving blocks for. */
#define COMPACT_MIN ((size_t)1 << 20)
#define FIRST_PLACES 64u
#define PUT_AHEAD 16u            /* blocks whose places are asked for before the first is put */
#define FETCH_MAX ((size_t)4096) /* what is longer, the processor sees coming by itself */

void fvm__blocktable_init(fvm__blocktable *table, const fvm_allocator *alloc)
{
    *table = (fvm__blocktable){ 0 };
    fvm_arena_init(&table->arena, alloc);
}

static void free_places(const fvm__blocktable *table)
{
    fvm_mem_free(table->arena.alloc, table->places, table->place_count * sizeof *table->places);
}

void fvm__blocktable_deinit(fvm__blocktable *table)
{
    free_places(table);
    fvm_arena_deinit(&table->arena);
    fvm__blocktable_init(table, table->arena.alloc);
}

void fvm__blocktable_clear(fvm__blocktable *table)
{
    if (table->count) memset(table->places, 0, table->place_count * sizeof *table->places);
    fvm_arena_reset(&table->arena);
    table->count = table->bytes = 0;
    memset(table->filter, 0, sizeof table->filter);
}

/* --- finding --- */

/* A CID as the table knows it. */
typedef struct block_key {
    uint64_t hash;
    size_t len;
    uint8_t bytes[FVM_CID_BYTES_MAX];
} block_key;

static void make_key(block_key *key, const fvm_cid *cid)
{
    key->len = fvm_cid_write(key->bytes, cid);
    key->hash = cid->hash == FVM_HASH_BLAKE2B_256 && cid->digest_len == 32
                    ? fvm__block_hash(cid->codec, cid->digest)
                    : fvm_siphash(0x6c696266766d2e30, 0x626c6f636b746162,
                                  (fvm_bytes){ key->bytes, key->len });
}

static size_t home_of(const fvm__blocktable *table, uint64_t hash)
{
    return (size_t)hash & (table->place_count - 1);
}

/* Asks for the lines of a block that is going to be read. */
static inline void fetch(const fvm__block_place *place)
{
    const uint8_t *block = (const uint8_t *)place->block;
    size_t size = place->size < FETCH_MAX ? place->size : FETCH_MAX;
    for (size_t i = 0; i < size; i += 64) __builtin_prefetch(block + i);
}

/* The place of the block, or the free one where it belongs; there is one. */
static fvm__block_place *find(const fvm__blocktable *table, const block_key *key)
{
    size_t mask = table->place_count - 1;
    for (size_t i = home_of(table, key->hash);; i = (i + 1) & mask) {
        fvm__block_place *place = &table->places[i];
        const fvm__stored_block *block = place->block;
        if (!block) return place;
        if (place->tag != key->hash >> 32) continue;
        fetch(place);
        if (block->cid_len == key->len && memcmp(block->bytes, key->bytes, key->len) == 0)
            return place;
    }
}

fvm__stored_block *fvm__blocktable_get(const fvm__blocktable *table, const fvm_cid *cid)
{
    block_key key;
    if (table->count == 0) return NULL;
    make_key(&key, cid);
    return fvm__block_filter_has(table, key.hash) ? find(table, &key)->block : NULL;
}

/* --- putting and taking out --- */

static fvm__block_place place_of(fvm__stored_block *block)
{
    size_t size = sizeof *block + block->cid_len + block->len;
    return (fvm__block_place){ .tag = (uint32_t)(block->hash >> 32),
                               .size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX,
                               .block = block };
}

static void link_place(fvm__blocktable *table, fvm__stored_block *block)
{
    size_t mask = table->place_count - 1, i = home_of(table, block->hash);
    while (table->places[i].block) i = (i + 1) & mask;
    table->places[i] = place_of(block);
}

static fvm_err grow(fvm__blocktable *table)
{
    size_t n = table->place_count ? table->place_count * 2 : FIRST_PLACES;
    if (n > SIZE_MAX / 2 / sizeof *table->places) return FVM_ERR_NOMEM;
    fvm__block_place *old = table->places;
    size_t old_count = table->place_count;
    fvm__block_place *places = fvm_mem_alloc(table->arena.alloc, n * sizeof *places);
    if (!places) return FVM_ERR_NOMEM;
    fvm__mem_large_pages(places, n * sizeof *places);
    memset(places, 0, n * sizeof *places);
    table->places = places;
    table->place_count = n;
    assert(old || old_count == 0);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].block) link_place(table, old[i].block);
    fvm_mem_free(table->arena.alloc, old, old_count * sizeof *old);
    return FVM_OK;
}

/* Room for a block in the arena, and its head. */
static fvm__stored_block *make_block(fvm_arena *arena, const block_key *key, size_t len)
{
    size_t head = sizeof(fvm__stored_block) + key->len;
    if (len > SIZE_MAX - head) return NULL;
    fvm__stored_block *block = fvm_arena_alloc(arena, head + len);
    if (!block) return NULL;
    block->len = len;
    block->walk = 0;
    block->hash = key->hash;
    block->cid_len = (uint8_t)key->len;
    memcpy(block->bytes, key->bytes, key->len);
    return block;
}

static void set_filter(fvm__blocktable *table, uint64_t hash)
{
    table->filter[hash >> 58] |= (uint64_t)1 << (hash >> 52 & 63);
}

static fvm_err put(fvm__blocktable *table, const block_key *key, fvm_bytes data)
{
    if (table->count >= table->place_count / 4 * 3) FVM_TRY(grow(table));
    fvm__block_place *place = find(table, key);
    if (place->block) return FVM_OK;
    fvm__stored_block *block = make_block(&table->arena, key, data.len);
    if (!block) return FVM_ERR_NOMEM;
    if (data.len) memcpy(block->bytes + key->len, data.ptr, data.len);
    *place = place_of(block);
    set_filter(table, key->hash);
    table->count++;
    table->bytes += data.len;
    return FVM_OK;
}

fvm_err fvm__blocktable_put_many(fvm__blocktable *table, const fvm_block *blocks, size_t count)
{
    block_key keys[PUT_AHEAD];
    for (size_t i = 0; i < count; i += PUT_AHEAD) {
        size_t n = count - i < PUT_AHEAD ? count - i : PUT_AHEAD;
        for (size_t k = 0; k < n; k++) {
            make_key(&keys[k], &blocks[i + k].cid);
            if (table->places) __builtin_prefetch(&table->places[home_of(table, keys[k].hash)]);
        }
        for (size_t k = 0; k < n; k++) FVM_TRY(put(table, &keys[k], blocks[i + k].data));
    }
    return FVM_OK;
}

void fvm__blocktable_remove(fvm__blocktable *table, const fvm_cid *cid)
{
    block_key key;
    if (table->count == 0) return;
    make_key(&key, cid);
    fvm__block_place *place = find(table, &key);
    if (!place->block) return;
    table->bytes -= place->block->len;
    table->count--;
    size_t mask = table->place_count - 1, hole = (size_t)(place - table->places);
    for (size_t i = (hole + 1) & mask; table->places[i].block; i = (i + 1) & mask) {
        size_t home = home_of(table, table->places[i].block->hash);
        if (((i - home) & mask) < ((i - hole) & mask)) continue; /* its home is behind the hole */
        table->places[hole] = table->places[i];
        hole = i;
    }
    table->places[hole] = (fvm__block_place){ 0 };
}

/* --- giving memory back --- */

/* Copies all blocks to a fresh arena, of which the table then consists. */
static fvm_err move_blocks(fvm__blocktable *table, fvm_arena *arena)
{
    fvm__block_place *places = fvm_mem_alloc(table->arena.alloc,
                                             table->place_count * sizeof *places);
    if (!places) return FVM_ERR_NOMEM;
    memcpy(places, table->places, table->place_count * sizeof *places);
    for (size_t i = 0; i < table->place_count; i++) {
        const fvm__stored_block *block = places[i].block;
        if (!block) continue;
        size_t size = sizeof *block + block->cid_len + block->len;
        places[i].block = fvm_arena_alloc(arena, size);
        if (!places[i].block) {
            fvm_mem_free(table->arena.alloc, places, table->place_count * sizeof *places);
            return FVM_ERR_NOMEM;
        }
        memcpy(places[i].block, block, size);
    }
    free_places(table);
    table->places = places;
    return FVM_OK;
}

void fvm__blocktable_compact(fvm__blocktable *table)
{
    if (table->count == 0) {
        fvm__blocktable_clear(table);
        return;
    }
    if (table->arena.used < COMPACT_MIN || table->arena.used / 4 < table->bytes) return;
    fvm_arena fresh;
    fvm_arena_init(&fresh, table->arena.alloc);
    if (move_blocks(table, &fresh) != FVM_OK) {
        fvm_arena_deinit(&fresh);
        return;
    }
    fvm_arena_deinit(&table->arena);
    table->arena = fresh;
    memset(table->filter, 0, sizeof table->filter);
    for (size_t i = 0; i < table->place_count; i++)
        if (table->places[i].block) set_filter(table, table->places[i].block->hash);
}
