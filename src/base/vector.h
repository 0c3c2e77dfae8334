/* vector.h - a growing array kept as pointer, count and room by whoever owns it. */
#ifndef FVM_BASE_VECTOR_H
#define FVM_BASE_VECTOR_H

#include "util.h"

/** Makes room for `need` elements of `size` bytes in the array that `vector` points to: the room
 *  doubles, from `first` on, and stays within `most`. `vector` is the address of the array's
 *  pointer, whatever it points to. FVM_ERR_NOMEM, also past `most`, leaves all as it was. */
static inline FVM_NODISCARD fvm_err fvm_vector_grow(const fvm_allocator *alloc, void *vector,
                                                    uint32_t *cap, uint64_t need, size_t size,
                                                    uint32_t first, uint32_t most)
{
    if (FVM_LIKELY(need <= *cap)) return FVM_OK;
    uint64_t more = *cap ? (uint64_t)*cap * 2 : first;
    if (more < need) more = need;
    if (more > most || more > SIZE_MAX / size) return FVM_ERR_NOMEM;
    void *old;
    memcpy(&old, vector, sizeof old);
    void *grown = fvm_mem_resize(alloc, old, *cap * size, (size_t)more * size);
    if (!grown) return FVM_ERR_NOMEM;
    memcpy(vector, &grown, sizeof grown);
    *cap = (uint32_t)more;
    return FVM_OK;
}
#endif
