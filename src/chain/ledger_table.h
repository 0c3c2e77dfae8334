/* ledger_table.h - entries in memory that are only looked up: a hash table that grows a bucket at a time
 * (linear hashing: Litwin, "Linear Hashing: A New Tool for File and Table Addressing"), so that no
 * insertion waits for all others to be moved, however many there are. The entries are also strung in
 * the order in which they came. */
#ifndef FVM_CHAIN_LEDGER_TABLE_H
#define FVM_CHAIN_LEDGER_TABLE_H

#include "ledger_list.h"

#define FVM__TABLE_FIRST 64u    /* buckets that are always there */
#define FVM__TABLE_SEGMENT 512u /* buckets allocated at a time */

/** Zero-initialise. */
typedef struct fvm__entry_table {
    fvm__entry_node *first[FVM__TABLE_FIRST];
    fvm__entry_node ***segments;
    size_t segment_count, segment_cap;
    size_t more; /* buckets in use beyond the first */
    size_t count;
    size_t bytes; /* of the nodes */
    fvm__entry_node *oldest, *newest;
} fvm__entry_table;

/** A node for a table, in none; `value` NULL: a deletion. NULL: out of memory. */
fvm__entry_node *fvm__table_entry_new(const fvm_allocator *alloc, uint64_t hash, fvm_bytes key,
                                      const fvm_bytes *value);
/** Puts a node in, as the newest; frees one with its key. Takes it. Can't fail: without memory to grow,
 *  the table becomes slower. */
void fvm__table_put(fvm__entry_table *table, const fvm_allocator *alloc, fvm__entry_node *node);
/** The node of the key; NULL. */
fvm__entry_node *fvm__table_get(const fvm__entry_table *table, uint64_t hash, fvm_bytes key);
/** Takes a node out, which is the caller's then. */
void fvm__table_take(fvm__entry_table *table, fvm__entry_node *node);
/** The entry that came after `node` (NULL: the oldest); NULL: there is none. */
fvm__entry_node *fvm__table_next(const fvm__entry_table *table, const fvm__entry_node *node);
/** Frees all nodes, and its own memory. */
void fvm__table_clear(fvm__entry_table *table, const fvm_allocator *alloc);
#endif
