/* pool.c - instances that are done are put back to how they began and kept for the next call of the
 * same module, so that calling an actor costs what it touches: no mapping, no page faults, no
 * building of tables and references.
 *
 * Only what wasm can change is restored. Globals and the flags of dropped segments are few. Tables
 * of modules that have an instruction to write them are not pooled. Of the memory only pages that
 * were touched can differ from the initial image, and /proc/self/pagemap names them, also those that
 * are swapped out, of which mincore says nothing: each is filled anew from the data segments. Measured on a mainnet account call, that is a few microseconds, where
 * madvise(MADV_DONTNEED) and the page faults after it cost tens. */
#include "wasm/instance.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL_MAX 32u              /* instances; nesting deeper than that makes and frees */
#define POOL_BYTES (32u << 20)    /* resident memory of all pooled instances */
#define RESTORE_BYTES (16u << 20) /* a longer memory is dropped whole */
#define RESTORE_PAGES 512u        /* more resident pages than that, too */
#define SEGMENTS_MAX 16u          /* each page looks at each segment */
#define HOST_PAGE 4096u

_Static_assert(sizeof(off_t) == 8, "places in pagemap");

bool fvm__module_poolable(const fvm_wasm_module *m)
{
    if (!fvm__is_metered(&m->rules) || m->writes_tables) return false;
    if (m->n_memory_imports || m->n_table_imports || m->n_global_imports) return false;
    return m->n_datas <= SEGMENTS_MAX;
}

/* The part of a page that a data segment covers, copied. */
static void fill_from(uint8_t *page, uint64_t page_at, const fvm__data_segment *seg)
{
    if (seg->mode != FVM__SEGMENT_ACTIVE) return;
    uint64_t from = (uint32_t)seg->offset.value, to = from + seg->bytes.len;
    uint64_t begin = from > page_at ? from : page_at;
    uint64_t end = to < page_at + HOST_PAGE ? to : page_at + HOST_PAGE;
    if (begin < end)
        memcpy(page + (begin - page_at), seg->bytes.ptr + (begin - from), (size_t)(end - begin));
}

static void restore_page(uint8_t *memory, uint64_t at, const fvm_wasm_module *m)
{
    memset(memory + at, 0, HOST_PAGE);
    for (uint32_t s = 0; s < m->n_datas; s++) fill_from(memory + at, at, &m->datas[s]);
}

/* The descriptor shows the address space of the process that opened it: not a parent's. */
static int open_pagemap(fvm_wasm_context *c)
{
    pid_t self = getpid();
    if (c->pagemap_owner == self) return c->pagemap;
    if (c->pagemap_owner) (void)close(c->pagemap);
    bool pages_fit = sysconf(_SC_PAGESIZE) == (long)HOST_PAGE;
    c->pagemap = pages_fit ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
    c->pagemap_owner = c->pagemap < 0 ? 0 : self;
    return c->pagemap;
}

void fvm__pool_close_pagemap(fvm_wasm_context *c)
{
    if (c->pagemap_owner) (void)close(c->pagemap);
    c->pagemap_owner = 0;
}

/* Sets `touched` for each page that holds something; false where that cannot be found out. */
#define PAGEMAP_ENTRIES 512u
static bool find_touched(fvm_wasm_context *c, unsigned char *touched, const uint8_t *memory,
                         uint64_t pages)
{
    uint64_t entries[PAGEMAP_ENTRIES];
    int fd = open_pagemap(c);
    for (uint64_t p = 0; p < pages;) {
        uint64_t n = pages - p < PAGEMAP_ENTRIES ? pages - p : PAGEMAP_ENTRIES;
        off_t at = (off_t)(((uintptr_t)memory / HOST_PAGE + p) * sizeof *entries);
        ssize_t got = fd < 0 ? -1 : pread(fd, entries, (size_t)n * sizeof *entries, at);
        if (got != (ssize_t)(n * sizeof *entries)) return false;
        for (uint64_t i = 0; i < n; i++) touched[p + i] = entries[i] >> 62 != 0; /* or swapped */
        p += n;
    }
    return true;
}

/* Restores the touched pages of [0, len); their count, or UINT32_MAX when that did not work out. */
static uint32_t restore_touched(fvm_wasm_context *c, uint8_t *memory, uint64_t len,
                                const fvm_wasm_module *m)
{
    unsigned char touched[RESTORE_BYTES / HOST_PAGE];
    uint64_t pages = len / HOST_PAGE;
    uint32_t count = 0;
    if (pages == 0) return 0;
    if (len > RESTORE_BYTES || !find_touched(c, touched, memory, pages)) return UINT32_MAX;
    for (uint64_t p = 0; p < pages; p++) count += touched[p];
    if (count > RESTORE_PAGES) return UINT32_MAX;
    for (uint64_t p = 0; p < pages; p++)
        if (touched[p]) restore_page(memory, p * HOST_PAGE, m);
    return count;
}

/* Puts a memory back to its initial size and content; false when that cannot be. */
static bool restore_memory(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    fvm__memory *memory = &i->own_memory;
    i->pooled_bytes = 0;
    if (!i->memory) return true;
    uint64_t initial = (uint64_t)memory->limits.min * FVM__PAGE_BYTES, grown = memory->len;
    memory->len = initial;
    /* what it grew by is zeros again */
    uint32_t pages = restore_touched(i->context, memory->data, grown, m);
    if (pages == UINT32_MAX) {
        if (madvise(memory->data, (size_t)grown, MADV_DONTNEED) != 0) return false;
        for (uint32_t s = 0; s < m->n_datas; s++) {
            const fvm__data_segment *seg = &m->datas[s];
            if (seg->mode == FVM__SEGMENT_ACTIVE && seg->bytes.len)
                memcpy(memory->data + (uint32_t)seg->offset.value, seg->bytes.ptr, seg->bytes.len);
        }
        pages = RESTORE_PAGES;
    }
    i->pooled_bytes = pages * HOST_PAGE;
    return true;
}

static void unlink_last(fvm_wasm_context *c)
{
    fvm_wasm_instance **at = &c->pool;
    while ((*at)->next_pooled) at = &(*at)->next_pooled;
    fvm_wasm_instance *last = *at;
    *at = NULL;
    c->n_pooled--;
    c->pooled_bytes -= last->pooled_bytes;
    const fvm_wasm_module *module = last->module;
    fvm__instance_destroy(last);
    fvm__module_unconst(module)->pooled--;
    fvm_wasm_module_free(module);
}

bool fvm__pool_park(fvm_wasm_instance *i)
{
    fvm_wasm_context *c = i->context;
    if (!i->complete || !fvm__module_poolable(i->module) || !restore_memory(i)) return false;
    fvm__module_retain(i->module);
    fvm__module_unconst(i->module)->pooled++;
    i->next_pooled = c->pool;
    c->pool = i;
    c->n_pooled++;
    c->pooled_bytes += i->pooled_bytes;
    while (c->n_pooled > POOL_MAX || (c->pooled_bytes > POOL_BYTES && c->n_pooled > 1))
        unlink_last(c);
    return true;
}

fvm_wasm_instance *fvm__pool_take(fvm_wasm_context *c, const fvm_wasm_module *module)
{
    for (fvm_wasm_instance **at = &c->pool; *at; at = &(*at)->next_pooled) {
        fvm_wasm_instance *i = *at;
        if (i->module != module) continue;
        *at = i->next_pooled;
        i->next_pooled = NULL;
        c->n_pooled--;
        c->pooled_bytes -= i->pooled_bytes;
        fvm__module_unconst(module)->pooled--;
        fvm_wasm_module_free(module); /* the pool's hold; the caller has one */
        return i;
    }
    return NULL;
}

void fvm__pool_clear(fvm_wasm_context *c)
{
    while (c->pool) unlink_last(c);
}
