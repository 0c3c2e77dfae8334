/* fiber.c - a native stack of our own, with a guard page below it, on which everything of a message
 * runs: sends nest natively, up to 1024 deep, and a host's threads may have small stacks.
 *
 *     [guard page | 256 MiB, committed as touched ... top]
 *
 * Where address space is short the stack is smaller, and nesting that has used it up goes on
 * on a further one: an invocation, with all that it calls but nested ones, needs less than FIBER_ROOM.
 *
 * A run goes there once and comes back once, so on x86-64 it is a call with another stack pointer;
 * elsewhere ucontext does, which asks the kernel about signal masks and costs a microsecond. The
 * sanitizers are told. */
#include "wasm/instance.h"

#include <sys/mman.h>
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
/* ThreadSanitizer keeps a stack of calls per fiber: one must not return from a function after having
 * switched, so there the way back is a jump. */
#if !defined(__x86_64__) || defined(FIBER_TSAN)
#define FIBER_UCONTEXT 1
#include <ucontext.h>
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
#define FIBER_ROOM ((size_t)1 << 20)

struct fvm__fiber {
    struct fvm__fiber *next; /* where nesting goes on; made when needed, then kept */
    uint8_t *map;            /* guard page and stack */
    size_t map_bytes, guard_bytes;
#ifdef FIBER_UCONTEXT
    ucontext_t outside, inside;
#endif
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
    while (f) {
        struct fvm__fiber *next = f->next;
        (void)munmap(f->map, f->map_bytes);
        fvm_mem_free(alloc, f, sizeof *f);
        f = next;
    }
}

/* The first thing that runs on the stack, and the last. */
static void fiber_main(struct fvm__fiber *f)
{
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(NULL, &f->outside_bottom, &f->outside_bytes);
#endif
    f->result = f->fn(f->arg);
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(NULL, f->outside_bottom, f->outside_bytes);
#endif
}

#ifdef FIBER_UCONTEXT
/* makecontext passes ints, so the pointer comes in two. */
static void fiber_start(unsigned high, unsigned low)
{
    struct fvm__fiber *f = (struct fvm__fiber *)(uintptr_t)((uint64_t)high << 32 | low);
    fiber_main(f);
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(f->outside_tsan, 0);
#endif
    (void)setcontext(&f->outside);
}

static void call_on_stack(struct fvm__fiber *f)
{
    uint64_t self = (uint64_t)(uintptr_t)f;
    (void)getcontext(&f->inside);
    f->inside.uc_stack.ss_sp = f->map + f->guard_bytes;
    f->inside.uc_stack.ss_size = f->map_bytes - f->guard_bytes;
    f->inside.uc_link = NULL;
    makecontext(&f->inside, (void (*)(void))fiber_start, 2, (unsigned)(self >> 32), (unsigned)self);
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(f->inside_tsan, 0);
#endif
    (void)swapcontext(&f->outside, &f->inside);
}
#else
/* fiber_main(f) with the stack pointer at the top of the new stack. The frame address makes the
 * compiler keep a frame pointer, by which debuggers find their way back. */
static __attribute__((noinline)) void call_on_stack(struct fvm__fiber *f)
{
    uint8_t *top = f->map + f->map_bytes; /* a page's end, so aligned to 16 */
    void *volatile frame = __builtin_frame_address(0);
    struct fvm__fiber *arg = f;
    (void)frame;
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %[top], %%rsp\n\t"
                     "callq *%[fn]\n\t"
                     "movq %%rbx, %%rsp"
                     : "+D"(arg)
                     : [top] "r"(top), [fn] "r"(fiber_main)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
}
#endif

static void switch_there_and_back(struct fvm__fiber *f)
{
#ifdef FIBER_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, f->map + f->guard_bytes, f->map_bytes - f->guard_bytes);
#endif
#ifdef FIBER_TSAN
    f->outside_tsan = __tsan_get_current_fiber();
    f->inside_tsan = __tsan_create_fiber(0);
#endif
    call_on_stack(f);
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(f->inside_tsan);
#endif
}

/* Whether the stack that runs now has room for one more invocation. */
static bool has_room(const struct fvm__fiber *f)
{
    const uint8_t *here = __builtin_frame_address(0);
    return here > f->map && (size_t)(here - f->map) > f->guard_bytes + FIBER_ROOM;
}

fvm_err fvm__fiber_run(struct fvm__fiber **fiber, const fvm_allocator *alloc, fvm_err (*fn)(void *),
                       void *arg)
{
    struct fvm__fiber **at = fiber;
    while (*at && (*at)->running) { /* the innermost that runs */
        struct fvm__fiber *next = (*at)->next;
        if (!(next && next->running) && has_room(*at)) return fn(arg);
        at = &(*at)->next;
    }
    if (!*at) FVM_TRY(fiber_new(at, alloc));
    struct fvm__fiber *f = *at;
    f->fn = fn;
    f->arg = arg;
    f->running = true;
    switch_there_and_back(f);
    f->running = false;
    return f->result;
}
