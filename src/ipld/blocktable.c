/* blocktable.c - see blocktable.h. */
#include "blocktable.h"

/* Garbage below this is not worth moving blocks for. */
#define COMPACT_MIN ((size_t)1 << 20)

void fvm__blocktable_init(fvm__blocktable *table, const fvm_allocator *alloc)
{
    fvm_map_init(&table->map, alloc);
    fvm_arena_init(&table->arena, alloc);
    table->bytes = 0;
    memset(table->filter, 0, sizeof table->filter);
}

void fvm__blocktable_deinit(fvm__blocktable *table)
{
    fvm_map_deinit(&table->map);
    fvm_arena_deinit(&table->arena);
}

void fvm__blocktable_clear(fvm__blocktable *table)
{
    fvm_map_clear(&table->map);
    fvm_arena_reset(&table->arena);
    table->bytes = 0;
    memset(table->filter, 0, sizeof table->filter);
}

/* Digests are as good as random, and finding blocks whose digests collide in some bits takes as many
 * tries as for a hash of them whose key is known: so eight of their bytes are the hash. */
static uint64_t hash_of(const fvm_cid *cid)
{
    if (cid->hash == FVM_HASH_BLAKE2B_256 && cid->digest_len == 32)
        return fvm_load_le64(cid->digest) ^ cid->codec << 32;
    uint8_t key[FVM_CID_BYTES_MAX];
    return fvm_siphash(0x6c696266766d2e30, 0x626c6f636b746162,
                       (fvm_bytes){ key, fvm_cid_write(key, cid) });
}

/* Where the filter has a block's bit: by the hash's high bits, since the map goes by the low ones. */
static uint64_t *filter_word(fvm__blocktable *table, uint64_t hash)
{
    return &table->filter[hash >> 58];
}
static uint64_t filter_bit(uint64_t hash)
{
    return (uint64_t)1 << (hash >> 52 & 63);
}

fvm__stored_block *fvm__blocktable_get(const fvm__blocktable *table, const fvm_cid *cid)
{
    uint64_t hash = hash_of(cid);
    if (!(table->filter[hash >> 58] & filter_bit(hash))) return NULL;
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes key = { bytes, fvm_cid_write(bytes, cid) };
    const fvm_map_entry *entry = fvm_map_get_hashed(&table->map, key, hash);
    return entry ? entry->value.ptr : NULL;
}

static fvm__stored_block *store_copy(fvm_arena *arena, fvm_bytes data)
{
    if (data.len > SIZE_MAX - sizeof(fvm__stored_block)) return NULL;
    fvm__stored_block *block = fvm_arena_alloc(arena, sizeof *block + data.len);
    if (!block) return NULL;
    block->len = data.len;
    block->walk = 0;
    if (data.len) memcpy(block->data, data.ptr, data.len);
    return block;
}

fvm_err fvm__blocktable_put(fvm__blocktable *table, const fvm_cid *cid, fvm_bytes data)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes key = { bytes, fvm_cid_write(bytes, cid) };
    fvm_map_entry *entry;
    bool inserted;
    uint64_t hash = hash_of(cid);
    FVM_TRY(fvm_map_put_hashed(&table->map, &entry, &inserted, key, hash));
    if (!inserted) return FVM_OK;
    fvm__stored_block *block = store_copy(&table->arena, data);
    if (!block) {
        (void)fvm_map_remove_hashed(&table->map, key, entry->hash);
        return FVM_ERR_NOMEM;
    }
    entry->value.ptr = block;
    *filter_word(table, hash) |= filter_bit(hash);
    table->bytes += data.len;
    return FVM_OK;
}

void fvm__blocktable_remove(fvm__blocktable *table, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes key = { bytes, fvm_cid_write(bytes, cid) };
    const fvm_map_entry *entry = fvm_map_get_hashed(&table->map, key, hash_of(cid));
    if (!entry) return;
    table->bytes -= ((const fvm__stored_block *)entry->value.ptr)->len;
    (void)fvm_map_remove_hashed(&table->map, key, entry->hash);
}

void fvm__blocktable_compact(fvm__blocktable *table)
{
    if (table->map.live == 0) {
        fvm__blocktable_clear(table);
        return;
    }
    if (table->arena.used < COMPACT_MIN || table->arena.used / 4 < table->bytes) return;
    fvm__blocktable fresh;
    fvm__blocktable_init(&fresh, table->map.alloc);
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&table->map, &at));) {
        fvm_map_entry *moved;
        fvm__stored_block *copy = store_copy(&fresh.arena, fvm__stored_bytes(e->value.ptr));
        if (!copy || fvm_map_put_hashed(&fresh.map, &moved, NULL, e->key, e->hash) != FVM_OK) {
            fvm__blocktable_deinit(&fresh);
            return;
        }
        moved->value.ptr = copy;
        *filter_word(&fresh, e->hash) |= filter_bit(e->hash);
        fresh.bytes += copy->len;
    }
    fvm__blocktable_deinit(table);
    *table = fresh;
}
