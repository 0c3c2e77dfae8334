/* pool.c - instances that are done are put back to how they began and kept for the next call of the
 * same module, so that calling an actor costs what it touches: no mapping, no page faults, no
 * building of tables and references.
 *
 * Only what wasm can change is restored. Globals and the flags of dropped segments are few. Tables
 * of modules that have an instruction to write them are not pooled. Of the memory only pages that
 * exist can differ from the initial image: each is filled anew from the data segments.
 *
 * /proc/self/pagemap names those pages, also ones that are swapped out, of which mincore says nothing.
 * A page comes into being by a page fault only (huge pages, which the kernel makes by itself, are
 * declined). So while the process has not had any since the last look, the pages are those that
 * were found then, and getrusage, which counts faults, is asked instead. Of all threads, since any may
 * have the kernel populate this memory (mlockall).
 *
 * Measured on a mainnet account call (CPU of a virtual machine where a system call takes 0.7 us):
 * 3 us for restoring, 8 when pagemap is read each time, 55 with madvise(MADV_DONTNEED) and the faults
 * after it. */
#include "wasm/instance.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define POOL_MAX 32u              /* instances; nesting deeper than that makes and frees */
#define POOL_BYTES (32u << 20)    /* resident memory of all pooled instances */
#define RESTORE_BYTES (16u << 20) /* a longer memory is dropped whole */
#define RESTORE_PAGES 512u        /* more resident pages than that, too */
#define SEGMENTS_MAX 16u          /* each page looks at each segment */
#define HOST_PAGE 4096u

_Static_assert(sizeof(off_t) == 8, "places in pagemap");
_Static_assert(RESTORE_BYTES / HOST_PAGE <= UINT16_MAX, "pages are listed in 16 bits");

bool fvm__module_poolable(const fvm_wasm_module *m)
{
    if (!fvm__is_metered(&m->rules) || m->writes_tables) return false;
    if (m->n_memory_imports || m->n_table_imports || m->n_global_imports) return false;
    return m->n_datas <= SEGMENTS_MAX;
}

/* --- restoring pages -------------------------------------------------------------------------- */

/* The part of a page that an active data segment covers: [begin, end) within the page. */
static bool covers(const fvm__data_segment *seg, uint64_t at, size_t *begin, size_t *end)
{
    if (seg->mode != FVM__SEGMENT_ACTIVE) return false;
    uint64_t from = (uint32_t)seg->offset.value, to = from + seg->bytes.len;
    if (from >= at + HOST_PAGE || to <= at || from == to) return false;
    *begin = from > at ? (size_t)(from - at) : 0;
    *end = to < at + HOST_PAGE ? (size_t)(to - at) : HOST_PAGE;
    return true;
}

static const uint8_t *segment_at(const fvm__data_segment *seg, uint64_t at)
{
    return seg->bytes.ptr + (at - (uint32_t)seg->offset.value);
}

static void restore_page(uint8_t *memory, uint64_t at, const fvm_wasm_module *m)
{
    const fvm__data_segment *only = NULL;
    uint8_t *page = memory + at;
    size_t begin = 0, end = 0;
    uint32_t n = 0;
    for (uint32_t s = 0; s < m->n_datas; s++) {
        if (!covers(&m->datas[s], at, &begin, &end)) continue;
        only = &m->datas[s];
        n++;
    }
    if (n == 1 &&
        covers(only, at, &begin, &end)) { /* mostly constants: reading is less than writing */
        const uint8_t *image = segment_at(only, at + begin);
        memset(page, 0, begin);
        memset(page + end, 0, HOST_PAGE - end);
        if (memcmp(page + begin, image, end - begin) != 0) memcpy(page + begin, image, end - begin);
        return;
    }
    memset(page, 0, HOST_PAGE);
    for (uint32_t s = 0; n && s < m->n_datas; s++)
        if (covers(&m->datas[s], at, &begin, &end))
            memcpy(page + begin, segment_at(&m->datas[s], at + begin), end - begin);
}

/* --- which pages there are -------------------------------------------------------------------- */

/* Page faults of the process so far; 0 when that cannot be told. */
static uint64_t faults_so_far(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

/* A page that the kernel clears in a child of fork; NULL where it does not do that. */
static volatile uint8_t *process_page(fvm_wasm_context *c)
{
    if (c->process) return c->process;
    void *page = mmap(NULL, HOST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    if (madvise(page, HOST_PAGE, MADV_WIPEONFORK) != 0) {
        (void)munmap(page, HOST_PAGE);
        return NULL;
    }
    return c->process = page;
}

/* A child has memories like its parent's, but a count of faults of its own, and a pagemap: what is known
 * of instances is of an older generation there, and in a context that has never asked. */
static void notice_fork(fvm_wasm_context *c)
{
    volatile uint8_t *page = process_page(c);
    if (page && *page) return;
    fvm__pool_close_pagemap(c);
    c->generation++;
    if (!page) return;
    uint64_t before = faults_so_far();
    *page = 1; /* its first touch: a kernel that counts faults has counted one now */
    c->counts_faults = before != 0 && faults_so_far() > before;
}

/* The descriptor shows the address space of the process that opened it. */
static int open_pagemap(fvm_wasm_context *c)
{
    if (c->has_pagemap) return c->pagemap;
    bool pages_fit = sysconf(_SC_PAGESIZE) == (long)HOST_PAGE;
    c->pagemap = pages_fit ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;
    c->has_pagemap = c->pagemap >= 0;
    return c->pagemap;
}

void fvm__pool_close_pagemap(fvm_wasm_context *c)
{
    if (c->has_pagemap) (void)close(c->pagemap);
    c->has_pagemap = false;
}

void fvm__pool_deinit(fvm_wasm_context *c)
{
    fvm__pool_clear(c);
    fvm__pool_close_pagemap(c);
    if (c->process) (void)munmap((void *)c->process, HOST_PAGE);
    c->process = NULL;
}

/* Lists the pages of [0, len) that exist; UINT32_MAX when there are too many or it cannot be told. */
#define PAGEMAP_ENTRIES 512u
static uint32_t list_pages(fvm_wasm_context *c, uint16_t list[RESTORE_PAGES], const uint8_t *memory,
                           uint64_t len)
{
    uint64_t entries[PAGEMAP_ENTRIES], pages = len / HOST_PAGE;
    uint32_t count = 0;
    if (pages == 0) return 0;
    if (len > RESTORE_BYTES) return UINT32_MAX;
    int fd = open_pagemap(c);
    if (fd < 0) return UINT32_MAX;
    for (uint64_t p = 0; p < pages;) {
        uint64_t n = pages - p < PAGEMAP_ENTRIES ? pages - p : PAGEMAP_ENTRIES;
        off_t at = (off_t)(((uintptr_t)memory / HOST_PAGE + p) * sizeof *entries);
        ssize_t got = pread(fd, entries, (size_t)n * sizeof *entries, at);
        if (got < 0 || (size_t)got != n * sizeof *entries) return UINT32_MAX;
        for (uint64_t i = 0; i < n; i++) {
            if (entries[i] >> 62 == 0) continue; /* neither present nor swapped */
            if (count == RESTORE_PAGES) return UINT32_MAX;
            list[count++] = (uint16_t)(p + i);
        }
        p += n;
    }
    return count;
}

static bool keep_list(fvm_wasm_instance *i, const uint16_t *list, uint32_t count)
{
    fvm__pool_forget_pages(i);
    if (count == 0) return true;
    i->pages = fvm_mem_alloc(i->alloc, count * sizeof *i->pages);
    if (!i->pages) return false;
    memcpy(i->pages, list, count * sizeof *list);
    i->n_pages = count;
    return true;
}

void fvm__pool_forget_pages(fvm_wasm_instance *i)
{
    fvm_mem_free(i->alloc, i->pages, i->n_pages * sizeof *i->pages);
    i->pages = NULL;
    i->n_pages = 0;
}

/* --- parking ---------------------------------------------------------------------------------- */

/* All of the memory anew: as costly as an instance that was never used. */
static bool restore_whole(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    fvm__memory *memory = &i->own_memory;
    if (madvise(memory->data, (size_t)i->most_len, MADV_DONTNEED) != 0) return false;
    for (uint32_t s = 0; s < m->n_datas; s++) {
        const fvm__data_segment *seg = &m->datas[s];
        if (seg->mode == FVM__SEGMENT_ACTIVE && seg->bytes.len)
            memcpy(memory->data + (uint32_t)seg->offset.value, seg->bytes.ptr, seg->bytes.len);
    }
    fvm__pool_forget_pages(i);
    i->generation = 0; /* never current: the first is 1 */
    i->pooled_bytes = RESTORE_PAGES * HOST_PAGE;
    return true;
}

static bool restore_pages(fvm_wasm_instance *i)
{
    fvm_wasm_context *c = i->context;
    notice_fork(c);
    const uint64_t faults = faults_so_far();
    if (!c->counts_faults || i->generation != c->generation || faults != i->faults) {
        uint16_t list[RESTORE_PAGES];
        uint32_t count = list_pages(c, list, i->own_memory.data, i->most_len);
        if (count == UINT32_MAX || !keep_list(i, list, count)) return false;
        i->faults = faults;
        i->generation = c->generation;
    }
    for (uint32_t p = 0; p < i->n_pages; p++) { /* in order; zeros are left beyond the length */
        uint64_t at = (uint64_t)i->pages[p] * HOST_PAGE;
        if (at >= i->own_memory.len) break;
        restore_page(i->own_memory.data, at, i->module);
    }
    i->pooled_bytes = i->n_pages * HOST_PAGE;
    return true;
}

/* Puts a memory back to its initial size and content; false when that cannot be. */
static bool restore_memory(fvm_wasm_instance *i)
{
    fvm__memory *memory = &i->own_memory;
    uint64_t initial = (uint64_t)memory->limits.min * FVM__PAGE_BYTES;
    i->pooled_bytes = 0;
    if (!i->memory) return true;
    /* what an earlier call grew to may exist, too, and be written without a fault by a later one */
    if (memory->len > i->most_len) i->most_len = memory->len;
    if (i->most_len && !restore_pages(i) && !restore_whole(i)) return false;
    return memory->len == initial || fvm__memory_cut(memory, initial);
}

static void unlink_last(fvm_wasm_context *c)
{
    fvm_wasm_instance **at = &c->pool;
    assert(*at);
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
