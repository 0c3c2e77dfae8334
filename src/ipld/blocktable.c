/* blocktable.c - see blocktable.h. */
#include "blocktable.h"

/* Garbage below this is not worth moving blocks for. */
#define COMPACT_MIN ((size_t)1 << 20)

void fvm__blocktable_init(fvm__blocktable *table, const fvm_allocator *alloc)
{
    fvm_map_init(&table->map, alloc);
    fvm_arena_init(&table->arena, alloc);
    table->bytes = 0;
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
}

fvm__stored_block *fvm__blocktable_get(const fvm__blocktable *table, const fvm_cid *cid)
{
    uint8_t key[FVM_CID_BYTES_MAX];
    const fvm_map_entry *entry = fvm_map_get(&table->map,
                                             (fvm_bytes){ key, fvm_cid_write(key, cid) });
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
    FVM_TRY(fvm_map_put(&table->map, &entry, &inserted, key));
    if (!inserted) return FVM_OK;
    fvm__stored_block *block = store_copy(&table->arena, data);
    if (!block) {
        (void)fvm_map_remove(&table->map, key);
        return FVM_ERR_NOMEM;
    }
    entry->value.ptr = block;
    table->bytes += data.len;
    return FVM_OK;
}

void fvm__blocktable_remove(fvm__blocktable *table, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes key = { bytes, fvm_cid_write(bytes, cid) };
    const fvm_map_entry *entry = fvm_map_get(&table->map, key);
    if (!entry) return;
    table->bytes -= ((const fvm__stored_block *)entry->value.ptr)->len;
    (void)fvm_map_remove(&table->map, key);
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
        if (!copy || fvm_map_put(&fresh.map, &moved, NULL, e->key) != FVM_OK) {
            fvm__blocktable_deinit(&fresh);
            return;
        }
        moved->value.ptr = copy;
        fresh.bytes += copy->len;
    }
    fvm__blocktable_deinit(table);
    *table = fresh;
}
