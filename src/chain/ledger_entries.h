/* ledger_entries.h - what a ledger has in memory: entries of tables that keep an order in a sorted list,
 * blocks and the other tables' in a hash table. A ledger's young and old group; in one without a folder,
 * all that there is. */
#ifndef FVM_CHAIN_LEDGER_ENTRIES_H
#define FVM_CHAIN_LEDGER_ENTRIES_H

#include "ledger.h"
#include "ledger_table.h"

#define FVM__LEDGER_BLOCKS FVM_LEDGER_TABLES /* the table of blocks */
#define FVM__LEDGER_KEY_MAX (1 + FVM_LEDGER_KEY_MAX)

typedef struct fvm__entries {
    fvm__entry_list sorted;
    fvm__entry_table hashed;
} fvm__entries;

/** A key with the byte of its table in front, and what it is looked up by. */
typedef struct fvm__entry_key {
    fvm_bytes bytes;
    uint64_t hash; /* of one without order */
    bool ordered;
    bool block;
} fvm__entry_key;
fvm__entry_key fvm__entry_key_of(fvm_bytes bytes);

/** A node for either; as fvm__entry_new. */
fvm__entry_node *fvm__entries_new(const fvm_allocator *alloc, uint64_t *random,
                                  const fvm__entry_key *key, const fvm_bytes *value);
/** Puts a node in, in place of one with its key. Takes it. */
void fvm__entries_put(fvm__entries *entries, const fvm_allocator *alloc, fvm__entry_node *node);
/** Takes the node of a key out and frees it. */
void fvm__entries_remove(fvm__entries *entries, const fvm_allocator *alloc,
                         const fvm__entry_key *key);
/** The node of the key; NULL. */
const fvm__entry_node *fvm__entries_get(const fvm__entries *entries, const fvm__entry_key *key);
void fvm__entries_clear(fvm__entries *entries, const fvm_allocator *alloc);
static inline size_t fvm__entries_bytes(const fvm__entries *entries)
{
    return entries->sorted.bytes + entries->hashed.bytes;
}
#endif
