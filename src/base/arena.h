/* arena.h - memory that is given back all at once. A message runs in one. Chunks double in size up
 * to a limit; `mark` and `release` give a stack discipline to scratch work. */
#ifndef FVM_BASE_ARENA_H
#define FVM_BASE_ARENA_H

#include "util.h"

typedef struct fvm_arena_chunk fvm_arena_chunk;
typedef struct fvm_arena {
    fvm_arena_chunk *head; /* the chunk in use; older ones behind it */
    const fvm_allocator *alloc;
    size_t used;  /* bytes given out since init or reset */
    size_t chunk; /* bytes of the next chunk */
} fvm_arena;
typedef struct fvm_arena_mark {
    fvm_arena_chunk *head;
    size_t at, used;
} fvm_arena_mark;

void fvm_arena_init(fvm_arena *arena, const fvm_allocator *alloc);
void fvm_arena_deinit(fvm_arena *arena);
/** Forgets everything that was given out but keeps the newest (largest) chunk for reuse. */
void fvm_arena_reset(fvm_arena *arena);
/** `size` bytes aligned to 16, not initialised; NULL when out of memory. Size 0 gives a unique
 *  non-NULL pointer. */
void *fvm_arena_alloc(fvm_arena *arena, size_t size);
void *fvm_arena_zalloc(fvm_arena *arena, size_t size);
/** A copy of `in` in the arena. */
FVM_NODISCARD fvm_err fvm_arena_copy(fvm_arena *arena, fvm_bytes *out, fvm_bytes in);
fvm_arena_mark fvm_arena_mark_get(const fvm_arena *arena);
/** Gives back everything allocated since the mark. */
void fvm_arena_release(fvm_arena *arena, fvm_arena_mark mark);
#endif
