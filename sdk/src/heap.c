/* heap.c - see fvm/actor/heap.h. Natively the heap is a static array, which the mock starts anew for
 * each call. */
#include <fvm/actor/exit.h>
#include <fvm/actor/heap.h>

void *fvm__heap_resize(void *ptr, size_t old_size, size_t new_size); /* base/util.h */

#define ALIGN ((size_t)16)

#ifdef __wasm__
#define PAGE ((size_t)65536)
extern uint8_t __heap_base[]; /* by the linker: the end of static data */
static uint8_t *top = __heap_base;

static bool have(const uint8_t *end)
{
    size_t pages = ((size_t)end + PAGE - 1) / PAGE, now = __builtin_wasm_memory_size(0);
    return pages <= now || __builtin_wasm_memory_grow(0, pages - now) != (size_t)-1;
}
static size_t room(void)
{
    return SIZE_MAX - (size_t)top - PAGE;
}
#else
#include <string.h>
#define HEAP_SIZE ((size_t)64 << 20)
static _Alignas(16) uint8_t heap[HEAP_SIZE];
static uint8_t *top = heap;

static bool have(const uint8_t *end)
{
    return end <= heap + HEAP_SIZE;
}
static size_t room(void)
{
    return (size_t)(heap + HEAP_SIZE - top) - ALIGN;
}
void fvm__heap_restart(void)
{
    memset(heap, 0xa5, (size_t)(top - heap)); /* what an actor forgets to initialise shows */
    top = heap;
}
#endif

/* Actors in Rust trap here, so the built-in ones must: exit code 4, not one of their own. */
static __attribute__((noreturn)) void out_of_memory(void)
{
#ifdef __wasm__
    __builtin_trap();
#else
    fvm_abort(FVM_USR_ASSERTION_FAILED, "out of memory");
#endif
}

static void *take(size_t size)
{
    if (size > room()) return NULL;
    uint8_t *p = top, *end = p + ((size + ALIGN - 1) & ~(ALIGN - 1));
    if (!have(end)) return NULL;
    top = end;
    return p;
}

void *fvm_heap_alloc(size_t size)
{
    void *p = take(size);
    if (!p) out_of_memory();
    return p;
}

void *fvm_heap_array(size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all)) all = SIZE_MAX;
    return fvm_heap_alloc(all);
}

void *fvm_heap_mark(void)
{
    return top;
}

void fvm_heap_release(void *mark)
{
    top = (uint8_t *)mark;
}

void *fvm__heap_resize(void *ptr, size_t old_size, size_t new_size)
{
    size_t old = (old_size + ALIGN - 1) & ~(ALIGN - 1);
    bool newest = ptr && (uint8_t *)ptr + old == top;
    if (newest) top = (uint8_t *)ptr;
    if (new_size == 0 || (!newest && ptr && new_size <= old)) return ptr;
    void *p = take(new_size);
    if (!p) out_of_memory();
    if (ptr && !newest) __builtin_memcpy(p, ptr, old_size);
    return p;
}

/* The same behind a pointer. Natively the collections are libfvm's, which handle lack of memory; here
 * the call ends, and what libfvm holds is the heap's, too. */
static void *resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    void *p = fvm__heap_resize(ptr, old_size, new_size);
    return new_size ? p : NULL;
}

const fvm_allocator fvm_heap_allocator = { resize, NULL };
