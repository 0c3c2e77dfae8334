/* alloc.c - the C library behind fvm_allocator. */
#ifdef __linux__
#define _DEFAULT_SOURCE /* madvise */
#include <sys/mman.h>
#endif

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

void fvm__mem_large_pages(void *ptr, size_t size)
{
#ifdef __linux__
    const uintptr_t page = (uintptr_t)2 << 20;
    uintptr_t start = ((uintptr_t)ptr + page - 1) & ~(page - 1), end = (uintptr_t)ptr + size;
    if (end < size || end < start || end - start < page) return;
    (void)madvise((uint8_t *)ptr + (start - (uintptr_t)ptr), (end - start) & ~(page - 1),
                  MADV_HUGEPAGE);
#else
    (void)ptr, (void)size;
#endif
}
