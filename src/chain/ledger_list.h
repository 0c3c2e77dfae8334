/* ledger_list.h - entries in memory, and a sorted list of them: a skip list. */
#ifndef FVM_CHAIN_LEDGER_LIST_H
#define FVM_CHAIN_LEDGER_LIST_H

#include "base/util.h"

#define FVM__LIST_LEVELS 16

typedef struct fvm__entry_node {
    fvm_bytes key, value; /* both behind the node */
    uint64_t hash;        /* of the key, where the node is one for a table (ledger_table.h) */
    size_t size;          /* bytes of it all */
    unsigned levels;
    bool deleted; /* stands for there being no such key, whatever is below */
    struct fvm__entry_node *next[];
} fvm__entry_node;

typedef struct fvm__entry_list {
    fvm__entry_node *first[FVM__LIST_LEVELS];
    size_t bytes; /* of the nodes */
} fvm__entry_list;

/** A node with that many links; NULL: out of memory. */
fvm__entry_node *fvm__entry_make(const fvm_allocator *alloc, unsigned levels, fvm_bytes key,
                                 const fvm_bytes *value);
/** A node for a list, in none; `value` NULL: a deletion. `random` is a state for drawing its height.
 *  NULL: out of memory. */
fvm__entry_node *fvm__entry_new(const fvm_allocator *alloc, uint64_t *random, fvm_bytes key,
                                const fvm_bytes *value);
void fvm__entry_free(const fvm_allocator *alloc, fvm__entry_node *node);

/** Puts a node in, in place of one with its key. Takes it. */
void fvm__list_put(fvm__entry_list *list, const fvm_allocator *alloc, fvm__entry_node *node);
/** Takes the node of a key out and frees it. */
void fvm__list_remove(fvm__entry_list *list, const fvm_allocator *alloc, fvm_bytes key);
/** The first node whose key is not below `key`; NULL. */
const fvm__entry_node *fvm__list_from(const fvm__entry_list *list, fvm_bytes key);
/** The last node whose key is below `key`; NULL. */
const fvm__entry_node *fvm__list_below(const fvm__entry_list *list, fvm_bytes key);
/** The node of the key; NULL. */
const fvm__entry_node *fvm__list_get(const fvm__entry_list *list, fvm_bytes key);
/** Frees all nodes. */
void fvm__list_clear(fvm__entry_list *list, const fvm_allocator *alloc);
#endif
