/* alloc.c - the C library behind fvm_allocator. */
#include "util.h"

#include <stdlib.h>

static void *libc_resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

const fvm_allocator *fvm_allocator_libc(void)
{
    static const fvm_allocator libc = { libc_resize, NULL };
    return &libc;
}
