/* context.c - what runs are made on: value stacks and linear memories, kept for reuse. */
#include "wasm/instance.h"

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
    fvm__pool_clear(c);
    fvm__pool_close_pagemap(c);
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
    return fvm__fiber_run(&context->fiber, context->alloc, fn, arg);
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

fvm_err fvm__memory_open(fvm_wasm_context *c, fvm__memory *memory, uint32_t pages,
                         uint32_t pages_max)
{
    uint64_t need = (uint64_t)pages * FVM__PAGE_BYTES, want = (uint64_t)pages_max * FVM__PAGE_BYTES;
    memory->len = need;
    memory->data = NULL;
    memory->reserved = 0;
    for (fvm__spare_memory **at = &c->spare; *at; at = &(*at)->next) {
        fvm__spare_memory *spare = *at;
        if (spare->reserved < want) continue;
        memory->data = spare->data;
        memory->reserved = spare->reserved;
        *at = spare->next;
        c->n_spare--;
        fvm_mem_free(c->alloc, spare, sizeof *spare);
        return FVM_OK;
    }
    if (want == 0) want = FVM__PAGE_BYTES; /* so that there is an address */
    memory->data = map_pages((size_t)want);
    memory->reserved = want;
    if (memory->data) return FVM_OK;
    memory->reserved = need ? need : FVM__PAGE_BYTES; /* address space is short: grow by moving */
    memory->data = map_pages((size_t)memory->reserved);
    return memory->data ? FVM_OK : FVM_ERR_NOMEM;
}

bool fvm__memory_extend(fvm__memory *memory, uint64_t len)
{
    if (len > memory->reserved) {
        void *moved = mremap(memory->data, (size_t)memory->reserved, (size_t)len, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) return false;
        memory->data = moved;
        memory->reserved = len;
    }
    memory->len = len;
    return true;
}

void fvm__memory_close(fvm_wasm_context *c, fvm__memory *memory)
{
    if (!memory->data) return;
    /* pages that were never touched cost nothing here */
    fvm__spare_memory *spare = c->n_spare < SPARE_MAX ? fvm_mem_alloc(c->alloc, sizeof *spare)
                                                      : NULL;
    bool zeroed = spare && (memory->len == 0 ||
                            madvise(memory->data, (size_t)memory->len, MADV_DONTNEED) == 0);
    if (zeroed) {
        *spare = (fvm__spare_memory){ c->spare, memory->data, memory->reserved };
        c->spare = spare;
        c->n_spare++;
    } else {
        (void)munmap(memory->data, (size_t)memory->reserved);
        fvm_mem_free(c->alloc, spare, sizeof *spare);
    }
    memory->data = NULL;
}
