/* slotset.h - which slots of a HAMT or KAMT node are in use: a number of 256 bits, on the wire a byte
 * string, big-endian without leading zeros (reference/ipld.md 2). */
#ifndef FVM_IPLD_SLOTSET_H
#define FVM_IPLD_SLOTSET_H

#include "base/util.h"

/* A build for actors sets 64, since no trie of Filecoin's is wider than that, and room on an actor's
 * stack is dear. */
#ifndef FVM__SLOTS_MAX
#define FVM__SLOTS_MAX 256
#endif

typedef struct fvm__slotset {
    uint64_t words[FVM__SLOTS_MAX / 64]; /* bit i % 64 of word i / 64: slot i */
} fvm__slotset;

static inline bool fvm__slotset_has(const fvm__slotset *set, unsigned slot)
{
    return set->words[slot / 64] >> (slot % 64) & 1;
}

static inline void fvm__slotset_add(fvm__slotset *set, unsigned slot)
{
    set->words[slot / 64] |= (uint64_t)1 << (slot % 64);
}

static inline void fvm__slotset_remove(fvm__slotset *set, unsigned slot)
{
    set->words[slot / 64] &= ~((uint64_t)1 << (slot % 64));
}

/** How many slots below `slot` (0..255) are in use: where it is among them, or would be. */
static inline unsigned fvm__slotset_rank(const fvm__slotset *set, unsigned slot)
{
    unsigned n = 0;
    for (unsigned i = 0; i < slot / 64; i++) n += fvm_popcount64(set->words[i]);
    uint64_t below = set->words[slot / 64] & (((uint64_t)1 << (slot % 64)) - 1);
    return n + fvm_popcount64(below);
}

unsigned fvm__slotset_count(const fvm__slotset *set);
/** Reads a (masked) byte string; leading zeros are accepted, more than 256 bits are not.
 *  Errors: FVM_ERR_BAD_STATE. */
FVM_NODISCARD fvm_err fvm__slotset_read(fvm__slotset *out, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm__slotset_put(fvm_buf *out, const fvm__slotset *set);
#endif
