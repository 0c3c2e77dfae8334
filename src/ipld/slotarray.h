/* slotarray.h - the slots of a trie's node: an array in order of index. That of a node which was read
 * lies in the node's own memory, and has no room to grow; what is added goes to an array of its own,
 * whose room is `cap`, 0 as long as there is none. */
#ifndef FVM_IPLD_SLOTARRAY_H
#define FVM_IPLD_SLOTARRAY_H

#include "base/util.h"

/** Makes room for `extra` more slots of `size` bytes; `slots` is the address of the array's pointer,
 *  whatever it points to. FVM_ERR_NOMEM leaves all as it was. */
static inline FVM_NODISCARD fvm_err fvm__slots_reserve(const fvm_allocator *alloc, void *slots,
                                                       uint32_t *cap, uint32_t count,
                                                       uint32_t extra, size_t size, uint32_t first)
{
    uint32_t need = count + extra; /* both at most 2^18 */
    if (need <= *cap) return FVM_OK;
    uint32_t more = count < first ? first : count * 2;
    if (more < need) more = need;
    void *old;
    memcpy(&old, slots, sizeof old);
    void *grown = fvm_mem_resize(alloc, *cap ? old : NULL, *cap * size, more * size);
    if (!grown) return FVM_ERR_NOMEM;
    if (!*cap && count) memcpy(grown, old, count * size);
    memcpy(slots, &grown, sizeof grown);
    *cap = more;
    return FVM_OK;
}

/** Puts a slot at place `at` of `count`; there is room. */
static inline void fvm__slots_insert(void *slots, uint32_t count, uint32_t at, const void *slot,
                                     size_t size)
{
    uint8_t *place = (uint8_t *)slots + at * size;
    memmove(place + size, place, (count - at) * size);
    memcpy(place, slot, size);
}

static inline void fvm__slots_remove(void *slots, uint32_t count, uint32_t at, size_t size)
{
    uint8_t *place = (uint8_t *)slots + at * size;
    memmove(place, place + size, (count - at - 1) * size);
}
#endif
