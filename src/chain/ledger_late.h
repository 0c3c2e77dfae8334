/* ledger_late.h - the part of a ledger's index that is not in the database yet. Blocks and entries without
 * order lie in the database in the order in which they came, in a log; where in it, a tree says, by
 * the hash of the key. Hashes are anywhere, so an entry of the tree touches a page of its own once
 * the tree is large, and soon that would be most of what is written. So the entries wait here, in slices
 * of the hashes, and with each group only one slice goes to the tree, with all that has come for it
 * since its last turn: many to a page, and no group has more to do than another. */
#ifndef FVM_CHAIN_LEDGER_LATE_H
#define FVM_CHAIN_LEDGER_LATE_H

#include "base/util.h"

#define FVM__LATE_SLICES 32u

typedef struct fvm__late_entry {
    uint64_t hash, place; /* place: number in the log, from 1 on */
} fvm__late_entry;

/** Zero-initialise. */
typedef struct fvm__late {
    struct fvm__late_slice {
        fvm__late_entry *slots; /* open addressing; place 0: free */
        size_t cap, count;
    } slices[FVM__LATE_SLICES];
} fvm__late;

static inline unsigned fvm__late_slice_of(uint64_t hash)
{
    return (unsigned)(hash >> 59);
}

/** Room for `more` entries in a slice. FVM_ERR_NOMEM: nothing has changed. */
FVM_NODISCARD fvm_err fvm__late_reserve(fvm__late *late, const fvm_allocator *alloc, unsigned slice,
                                        size_t more);
/** For what room was made. */
void fvm__late_add(fvm__late *late, fvm__late_entry entry);
/** The highest place below `below` of that hash; 0: there is none. */
uint64_t fvm__late_find(const fvm__late *late, uint64_t hash, uint64_t below);
/** Copies a slice's entries out: `out` has room for its count. */
void fvm__late_copy(const fvm__late *late, unsigned slice, fvm__late_entry *out);
/** Empties a slice. */
void fvm__late_drop(fvm__late *late, unsigned slice);
void fvm__late_deinit(fvm__late *late, const fvm_allocator *alloc);
#endif
