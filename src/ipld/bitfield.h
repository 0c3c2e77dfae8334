/* bitfield.h - sets of u64 numbers kept as runs, written as RLE+ (reference/ipld.md 5): sectors,
 * deadlines and faults of miners. The largest member is 2^64 - 2. */
#ifndef FVM_IPLD_BITFIELD_H
#define FVM_IPLD_BITFIELD_H

#include <fvm/base.h>

#include "base/util.h"

#define FVM_BITFIELD_BIT_MAX (UINT64_MAX - 1)
/** Bytes of RLE+, both ways. */
#define FVM_BITFIELD_ENCODED_MAX 32768

/** The numbers first..end-1. */
typedef struct fvm_range {
    uint64_t first, end; /* first < end */
} fvm_range;

/** A set: ranges in increasing order, with gaps between them. Initialise with fvm_bitfield_init. */
typedef struct fvm_bitfield {
    fvm_range *ranges;
    size_t count, cap;
    const fvm_allocator *alloc;
} fvm_bitfield;

/** The empty set, which will allocate from `alloc` (NULL: libc). */
void fvm_bitfield_init(fvm_bitfield *set, const fvm_allocator *alloc);
/** Frees; the set is empty and usable afterwards. */
void fvm_bitfield_deinit(fvm_bitfield *set);

/** Reads RLE+; `set` is initialised and is replaced, or unchanged on error.
 *  Errors: FVM_ERR_LIMIT over FVM_BITFIELD_ENCODED_MAX bytes; FVM_ERR_VERSION not version 0;
 *          FVM_ERR_MALFORMED last byte 0, a length in a longer form than it needs, a varint that is
 *          not minimal or too long, zeros at the end; FVM_ERR_RANGE runs beyond 2^64 - 1 numbers. */
FVM_NODISCARD fvm_err fvm_bitfield_read(fvm_bitfield *set, fvm_bytes rle);
/** Appends the RLE+ form to `out`; nothing for the empty set.
 *  Errors: FVM_ERR_LIMIT over FVM_BITFIELD_ENCODED_MAX bytes; `out` is unchanged on error. */
FVM_NODISCARD fvm_err fvm_bitfield_write(fvm_buf *out, const fvm_bitfield *set);

bool fvm_bitfield_has(const fvm_bitfield *set, uint64_t bit);
/** How many numbers; at most 2^64 - 1. */
uint64_t fvm_bitfield_count(const fvm_bitfield *set);
bool fvm_bitfield_eq(const fvm_bitfield *a, const fvm_bitfield *b);
/** Puts first..end-1 in, or takes them out. An empty range changes nothing. FVM_ERR_RANGE when the
 *  range is backwards; FVM_ERR_NOMEM. The set is unchanged on error. */
FVM_NODISCARD fvm_err fvm_bitfield_add(fvm_bitfield *set, uint64_t first, uint64_t end);
FVM_NODISCARD fvm_err fvm_bitfield_remove(fvm_bitfield *set, uint64_t first, uint64_t end);
/** a := a or b, a and b, a and not b. `a` is unchanged on error. */
FVM_NODISCARD fvm_err fvm_bitfield_union(fvm_bitfield *a, const fvm_bitfield *b);
FVM_NODISCARD fvm_err fvm_bitfield_intersect(fvm_bitfield *a, const fvm_bitfield *b);
FVM_NODISCARD fvm_err fvm_bitfield_subtract(fvm_bitfield *a, const fvm_bitfield *b);
#endif
