/* arena.c - a list of chunks, newest first; memory is handed out from the newest one only.
 *
 *     head -> [prev|cap|at|....used....|..free..] -> [prev|cap|at|..full..] -> NULL
 */
#include "arena.h"

#define ARENA_ALIGN ((size_t)16)
#define ARENA_FIRST_CHUNK ((size_t)4096)
#define ARENA_LARGEST_CHUNK ((size_t)8 << 20)

struct fvm_arena_chunk {
    fvm_arena_chunk *prev;
    size_t cap; /* bytes of `data` */
    size_t at;  /* bytes of `data` given out */
    _Alignas(16) uint8_t data[];
};

static void chunk_free(const fvm_allocator *alloc, fvm_arena_chunk *chunk)
{
    fvm_mem_free(alloc, chunk, sizeof *chunk + chunk->cap);
}

void fvm_arena_init(fvm_arena *arena, const fvm_allocator *alloc)
{
    *arena = (fvm_arena){ .alloc = alloc, .chunk = ARENA_FIRST_CHUNK };
}

/* Frees chunks from the head down to, and without, `last`. */
static void free_down_to(fvm_arena *arena, const fvm_arena_chunk *last)
{
    while (arena->head != last) {
        fvm_arena_chunk *chunk = arena->head;
        arena->head = chunk->prev;
        chunk_free(arena->alloc, chunk);
    }
}

void fvm_arena_deinit(fvm_arena *arena)
{
    free_down_to(arena, NULL);
    fvm_arena_init(arena, arena->alloc);
}

void fvm_arena_reset(fvm_arena *arena)
{
    fvm_arena_chunk *keep = arena->head;
    arena->used = 0;
    if (!keep) return;
    arena->head = keep->prev;
    free_down_to(arena, NULL);
    keep->prev = NULL;
    keep->at = 0;
    arena->head = keep;
}

static bool add_chunk(fvm_arena *arena, size_t size)
{
    size_t cap = size > arena->chunk ? size : arena->chunk;
    if (cap > SIZE_MAX - sizeof(fvm_arena_chunk)) return false;
    fvm_arena_chunk *chunk = fvm_mem_alloc(arena->alloc, sizeof *chunk + cap);
    if (!chunk) return false;
    if (cap == ARENA_LARGEST_CHUNK) fvm__mem_large_pages(chunk, sizeof *chunk + cap);
    *chunk = (fvm_arena_chunk){ .prev = arena->head, .cap = cap };
    arena->head = chunk;
    if (arena->chunk < ARENA_LARGEST_CHUNK) arena->chunk *= 2;
    return true;
}

void *fvm_arena_alloc(fvm_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ARENA_ALIGN) return NULL;
    size = size ? (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1) : ARENA_ALIGN;
    fvm_arena_chunk *chunk = arena->head;
    if (FVM_UNLIKELY(!chunk || size > chunk->cap - chunk->at)) {
        if (!add_chunk(arena, size)) return NULL;
        chunk = arena->head;
    }
    void *p = chunk->data + chunk->at;
    chunk->at += size;
    arena->used += size;
    return p;
}

void *fvm_arena_zalloc(fvm_arena *arena, size_t size)
{
    void *p = fvm_arena_alloc(arena, size);
    if (p && size) memset(p, 0, size);
    return p;
}

fvm_err fvm_arena_copy(fvm_arena *arena, fvm_bytes *out, fvm_bytes in)
{
    uint8_t *p = fvm_arena_alloc(arena, in.len);
    if (!p) return FVM_ERR_NOMEM;
    if (in.len) memcpy(p, in.ptr, in.len);
    *out = (fvm_bytes){ p, in.len };
    return FVM_OK;
}

fvm_arena_mark fvm_arena_mark_get(const fvm_arena *arena)
{
    size_t at = arena->head ? arena->head->at : 0;
    return (fvm_arena_mark){ arena->head, at, arena->used };
}

void fvm_arena_release(fvm_arena *arena, fvm_arena_mark mark)
{
    if (!mark.head) {
        fvm_arena_reset(arena);
        return;
    }
    free_down_to(arena, mark.head);
    arena->head->at = mark.at;
    arena->used = mark.used;
}
