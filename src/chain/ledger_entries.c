/* ledger_entries.c - see ledger_entries.h. */
#include "ledger_entries.h"

#include "base/map.h"

fvm__entry_key fvm__entry_key_of(fvm_bytes bytes)
{
    fvm__entry_key key = {
        .bytes = bytes,
        .ordered = bytes.ptr[0] <= FVM_LEDGER_ORDERED, /* the byte is the table's number + 1 */
        .block = bytes.ptr[0] == FVM__LEDGER_BLOCKS + 1,
    };
    if (!key.ordered) key.hash = fvm_siphash(0x6c65646765722068, 0x6173686564206b65, bytes);
    return key;
}

fvm__entry_node *fvm__entries_new(const fvm_allocator *alloc, uint64_t *random,
                                  const fvm__entry_key *key, const fvm_bytes *value)
{
    return key->ordered ? fvm__entry_new(alloc, random, key->bytes, value)
                        : fvm__table_entry_new(alloc, key->hash, key->bytes, value);
}

void fvm__entries_put(fvm__entries *entries, const fvm_allocator *alloc, fvm__entry_node *node)
{
    if (node->key.ptr[0] <= FVM_LEDGER_ORDERED)
        fvm__list_put(&entries->sorted, alloc, node);
    else
        fvm__table_put(&entries->hashed, alloc, node);
}

void fvm__entries_remove(fvm__entries *entries, const fvm_allocator *alloc,
                         const fvm__entry_key *key)
{
    if (key->ordered) {
        fvm__list_remove(&entries->sorted, alloc, key->bytes);
        return;
    }
    fvm__entry_node *n = fvm__table_get(&entries->hashed, key->hash, key->bytes);
    if (!n) return;
    fvm__table_take(&entries->hashed, n);
    fvm__entry_free(alloc, n);
}

const fvm__entry_node *fvm__entries_get(const fvm__entries *entries, const fvm__entry_key *key)
{
    return key->ordered ? fvm__list_get(&entries->sorted, key->bytes)
                        : fvm__table_get(&entries->hashed, key->hash, key->bytes);
}

void fvm__entries_clear(fvm__entries *entries, const fvm_allocator *alloc)
{
    fvm__list_clear(&entries->sorted, alloc);
    fvm__table_clear(&entries->hashed, alloc);
}
