/* fiber.c - a native stack of our own, with a guard page below it, on which everything of a message
 * runs: sends nest natively, up to 1024 deep, and a host's threads may have small stacks.
 *
 *     [guard page | 256 MiB, committed as touched ... top]
 *
 * Switching there and back happens once per message, so ucontext does; the sanitizers are told. */
#include "wasm/instance.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#endif
#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define FIBER_STACK_BYTES ((size_t)256 << 20)
#define FIBER_STACK_SMALLEST ((size_t)8 << 20)

struct fvm__fiber {
    uint8_t *map; /* guard page and stack */
    size_t map_bytes, guard_bytes;
    ucontext_t outside, inside;
    fvm_err (*fn)(void *);
    void *arg;
    fvm_err result;
    bool running;
#ifdef FIBER_ASAN
    const void *outside_bottom;
    size_t outside_bytes;
#endif
#ifdef FIBER_TSAN
    void *outside_tsan, *inside_tsan;
#endif
};

static fvm_err fiber_new(struct fvm__fiber **out, const fvm_allocator *alloc)
{
    struct fvm__fiber *f = fvm_mem_zalloc(alloc, sizeof *f);
    if (!f) return FVM_ERR_NOMEM;
    f->guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    /* where address space is short, less will do for shallow nesting */
    for (size_t bytes = FIBER_STACK_BYTES; bytes >= FIBER_STACK_SMALLEST; bytes /= 2) {
        f->map_bytes = bytes + f->guard_bytes;
        void *map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (map == MAP_FAILED) continue;
        f->map = map;
        if (mprotect(f->map, f->guard_bytes, PROT_NONE) == 0) {
            *out = f;
            return FVM_OK;
        }
        (void)munmap(f->map, f->map_bytes);
    }
    fvm_mem_free(alloc, f, sizeof *f);
    return FVM_ERR_NOMEM;
}

void fvm__fiber_free(struct fvm__fiber *f, const fvm_allocator *alloc)
{
    if (!f) return;
    (void)munmap(f->map, f->map_bytes);
    fvm_mem_free(alloc, f, sizeof *f);
}

/* The first thing that runs on the stack. makecontext passes ints, so the pointer comes in two. */
static void fiber_main(unsigned high, unsigned low)
{
    struct fvm__fiber *f = (struct fvm__fiber *)(uintptr_t)((uint64_t)high << 32 | low);
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(NULL, &f->outside_bottom, &f->outside_bytes);
#endif
    f->result = f->fn(f->arg);
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(NULL, f->outside_bottom, f->outside_bytes);
#endif
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(f->outside_tsan, 0);
#endif
    (void)setcontext(&f->outside);
}

static void switch_there_and_back(struct fvm__fiber *f)
{
#ifdef FIBER_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, f->map + f->guard_bytes, f->map_bytes - f->guard_bytes);
#endif
#ifdef FIBER_TSAN
    f->outside_tsan = __tsan_get_current_fiber();
    f->inside_tsan = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(f->inside_tsan, 0);
#endif
    (void)swapcontext(&f->outside, &f->inside);
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(f->inside_tsan);
#endif
}

fvm_err fvm__fiber_run(struct fvm__fiber **fiber, const fvm_allocator *alloc, fvm_err (*fn)(void *),
                       void *arg)
{
    if (!*fiber) FVM_TRY(fiber_new(fiber, alloc));
    struct fvm__fiber *f = *fiber;
    if (f->running) return fn(arg);
    f->fn = fn;
    f->arg = arg;
    if (getcontext(&f->inside) != 0) return FVM_ERR_NOMEM;
    f->inside.uc_stack.ss_sp = f->map + f->guard_bytes;
    f->inside.uc_stack.ss_size = f->map_bytes - f->guard_bytes;
    f->inside.uc_link = NULL;
    uint64_t self = (uint64_t)(uintptr_t)f;
    makecontext(&f->inside, (void (*)(void))fiber_main, 2, (unsigned)(self >> 32), (unsigned)self);
    f->running = true;
    switch_there_and_back(f);
    f->running = false;
    return f->result;
}
