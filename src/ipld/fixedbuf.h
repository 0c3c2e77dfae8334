/* fixedbuf.h - a fvm_buf over an array that the caller has: appending past its end is FVM_ERR_NOMEM,
 * and no heap is touched either way. Not to be deinitialised. */
#ifndef FVM_IPLD_FIXEDBUF_H
#define FVM_IPLD_FIXEDBUF_H

#include "base/util.h"

static inline void *fvm__fixed_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx, (void)ptr, (void)old_size, (void)new_size;
    return NULL;
}
static const fvm_allocator fvm__fixed_allocator = { fvm__fixed_resize, NULL };

static inline fvm_buf fvm__fixed_buf(uint8_t *ptr, size_t cap)
{
    return (fvm_buf){ .ptr = ptr, .cap = cap, .alloc = &fvm__fixed_allocator };
}
#endif
