/* context.c - what runs are made on: value stacks and linear memories, kept for reuse. */
#include "wasm/guard.h"

#include <sys/mman.h>

#define CHUNK_BYTES ((size_t)64 << 20)
#define SPARE_MAX 32u /* nesting deeper than that maps and unmaps */

fvm_err fvm_wasm_context_new(fvm_wasm_context **out, const fvm_allocator *alloc)
{
    fvm_wasm_context *c = fvm_mem_zalloc(alloc, sizeof *c);
    if (!c) return FVM_ERR_NOMEM;
    c->alloc = alloc;
    *out = c;
    return FVM_OK;
}

static void free_chunk(fvm_wasm_context *c, fvm__value_chunk *chunk)
{
    (void)munmap(chunk->base, chunk->bytes);
    fvm_mem_free(c->alloc, chunk, sizeof *chunk);
}

void fvm_wasm_context_free(fvm_wasm_context *c)
{
    if (!c) return;
    fvm__pool_deinit(c);
    fvm__value_chunk *chunk = c->chunk;
    while (chunk && chunk->prev) chunk = chunk->prev;
    while (chunk) {
        fvm__value_chunk *next = chunk->next;
        free_chunk(c, chunk);
        chunk = next;
    }
    while (c->spare) {
        fvm__spare_memory *spare = c->spare;
        c->spare = spare->next;
        (void)munmap(spare->data, spare->reserved);
        fvm_mem_free(c->alloc, spare, sizeof *spare);
    }
    fvm__fiber_free(c->fiber, c->alloc);
    fvm_mem_free(c->alloc, c, sizeof *c);
}

fvm_err fvm_wasm_context_run(fvm_wasm_context *context, fvm_err (*fn)(void *arg), void *arg)
{
    fvm_wasm_context *outer = fvm__guard_enter(context);
    fvm_err err = fvm__fiber_run(&context->fiber, context->alloc, fn, arg);
    (void)fvm__guard_enter(outer);
    return err;
}

void fvm_wasm_context_watch(fvm_wasm_context *context, const fvm_wasm_watcher *watcher)
{
    context->watcher = watcher;
}

bool fvm_wasm_context_watched(const fvm_wasm_context *context)
{
    return context->watcher != NULL;
}

fvm_wasm_trap fvm_wasm_context_trap(const fvm_wasm_context *context)
{
    return context->trap;
}

/* --- value stacks ----------------------------------------------------------------------------- */

static void *map_pages(size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

static fvm__value_chunk *new_chunk(fvm_wasm_context *c, size_t bytes)
{
    fvm__value_chunk *chunk = fvm_mem_zalloc(c->alloc, sizeof *chunk);
    if (!chunk) return NULL;
    chunk->bytes = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    chunk->base = map_pages(chunk->bytes);
    if (!chunk->base) {
        fvm_mem_free(c->alloc, chunk, sizeof *chunk);
        return NULL;
    }
    return chunk;
}

fvm_err fvm__stack_reserve(fvm_wasm_context *c, fvm__stack_mark *saved, size_t bytes)
{
    *saved = (fvm__stack_mark){ c->chunk, c->sp };
    if (c->chunk) {
        size_t used = (size_t)((uint8_t *)c->sp - (uint8_t *)c->chunk->base);
        if (c->chunk->bytes - used >= bytes) return FVM_OK;
    }
    fvm__value_chunk *next = c->chunk ? c->chunk->next : NULL;
    if (next && next->bytes < bytes) { /* nothing is in use from there on: replace it */
        c->chunk->next = next->next;
        if (next->next) next->next->prev = c->chunk;
        free_chunk(c, next);
        next = NULL;
    }
    if (!next) {
        next = new_chunk(c, bytes);
        if (!next) return FVM_ERR_NOMEM;
        next->prev = c->chunk;
        if (c->chunk) {
            next->next = c->chunk->next;
            if (next->next) next->next->prev = next;
            c->chunk->next = next;
        } else { /* the first: it stays the current one between calls */
            *saved = (fvm__stack_mark){ next, next->base };
        }
    }
    c->chunk = next;
    c->sp = next->base;
    return FVM_OK;
}

/* --- linear memories -------------------------------------------------------------------------- */

static bool take_spare(fvm_wasm_context *c, fvm__memory *memory, uint64_t want, bool guarded)
{
    for (fvm__spare_memory **at = &c->spare; *at; at = &(*at)->next) {
        fvm__spare_memory *spare = *at;
        if (spare->guarded != guarded || spare->reserved < want) continue;
        memory->data = spare->data;
        memory->reserved = spare->reserved;
        *at = spare->next;
        c->n_spare--;
        fvm_mem_free(c->alloc, spare, sizeof *spare);
        return true;
    }
    return false;
}

/* Keeps a reservation whose memory is all zeros, and if guarded without access. */
static bool keep_spare(fvm_wasm_context *c, uint8_t *data, uint64_t reserved, bool guarded)
{
    fvm__spare_memory *spare = fvm_mem_alloc(c->alloc, sizeof *spare);
    if (!spare) return false;
    *spare = (fvm__spare_memory){ c->spare, data, reserved, guarded };
    c->spare = spare;
    c->n_spare++;
    return true;
}

static bool set_access(uint8_t *from, uint64_t len, int access)
{
    return len == 0 || mprotect(from, (size_t)len, access) == 0;
}

/* A page of a memory comes into being when it is touched, and not otherwise: pool.c counts on it. Where
 * the kernel has no huge pages, this fails, and is not needed. */
static void decline_huge_pages(uint8_t *data, uint64_t len)
{
    (void)madvise(data, (size_t)len, MADV_NOHUGEPAGE);
}

static uint8_t *reserve_slot(void)
{
    if (FVM__GUARD_SLOT_BYTES > SIZE_MAX) return NULL;
    void *map = mmap(NULL, (size_t)FVM__GUARD_SLOT_BYTES, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) return NULL;
    decline_huge_pages(map, FVM__GUARD_SLOT_BYTES);
    return map;
}

bool fvm_wasm_context_guards(fvm_wasm_context *c)
{
    for (const fvm__spare_memory *spare = c->spare; spare; spare = spare->next)
        if (spare->guarded) return true;
    uint8_t *slot = reserve_slot();
    if (!slot) return false;
    if (keep_spare(c, slot, FVM__GUARD_SLOT_BYTES, true)) return true;
    (void)munmap(slot, (size_t)FVM__GUARD_SLOT_BYTES);
    return false;
}

bool fvm_wasm_context_takes(fvm_wasm_context *c, const fvm_wasm_module *module)
{
    return !module->guarded || fvm_wasm_context_guards(c);
}

static fvm_err open_guarded(fvm_wasm_context *c, fvm__memory *memory)
{
    if (!take_spare(c, memory, FVM__GUARD_SLOT_BYTES, true)) {
        memory->data = reserve_slot();
        memory->reserved = FVM__GUARD_SLOT_BYTES;
    }
    if (!memory->data) return FVM_ERR_NOMEM;
    if (set_access(memory->data, memory->len, PROT_READ | PROT_WRITE)) return FVM_OK;
    (void)munmap(memory->data, (size_t)memory->reserved);
    memory->data = NULL;
    return FVM_ERR_NOMEM;
}

fvm_err fvm__memory_open(fvm_wasm_context *c, fvm__memory *memory, uint32_t pages,
                         uint32_t pages_max, bool guarded)
{
    uint64_t need = (uint64_t)pages * FVM__PAGE_BYTES, want = (uint64_t)pages_max * FVM__PAGE_BYTES;
    memory->len = need;
    memory->data = NULL;
    memory->reserved = 0;
    memory->guarded = guarded;
    if (guarded) return open_guarded(c, memory);
    if (take_spare(c, memory, want, false)) return FVM_OK;
    if (want == 0) want = FVM__PAGE_BYTES; /* so that there is an address */
    memory->data = map_pages((size_t)want);
    memory->reserved = want;
    if (!memory->data) {
        memory->reserved = need ? need
                                : FVM__PAGE_BYTES; /* address space is short: grow by moving */
        memory->data = map_pages((size_t)memory->reserved);
    }
    if (!memory->data) return FVM_ERR_NOMEM;
    decline_huge_pages(memory->data, memory->reserved);
    return FVM_OK;
}

bool fvm__memory_extend(fvm__memory *memory, uint64_t len)
{
    if (memory->guarded) {
        if (!set_access(memory->data + memory->len, len - memory->len, PROT_READ | PROT_WRITE))
            return false;
    } else if (len > memory->reserved) {
        void *moved = mremap(memory->data, (size_t)memory->reserved, (size_t)len, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) return false;
        memory->data = moved;
        memory->reserved = len;
    }
    memory->len = len;
    return true;
}

bool fvm__memory_cut(fvm__memory *memory, uint64_t len)
{
    if (memory->guarded && !set_access(memory->data + len, memory->len - len, PROT_NONE))
        return false;
    memory->len = len;
    return true;
}

/* All zeros, and no access where guarded. Pages that were never touched cost nothing here. */
static bool clear(fvm__memory *memory)
{
    if (memory->len == 0) return true;
    return madvise(memory->data, (size_t)memory->len, MADV_DONTNEED) == 0 &&
           fvm__memory_cut(memory, 0);
}

void fvm__memory_close(fvm_wasm_context *c, fvm__memory *memory)
{
    if (!memory->data) return;
    bool kept = c->n_spare < SPARE_MAX && clear(memory) &&
                keep_spare(c, memory->data, memory->reserved, memory->guarded);
    if (!kept) (void)munmap(memory->data, (size_t)memory->reserved);
    memory->data = NULL;
}
