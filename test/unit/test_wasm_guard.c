/* test_wasm_guard.c - guarded memory: what is out of bounds traps as a check would, faults of others go
 * to whom they belong, and pooled memories begin anew. What concerns signal handlers runs in a child
 * process each, as handlers belong to the process. */
#include "test.h"
#include "wasm/guard.h"
#include "wasm/wasm.h"
#include "wasm_asm.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 65536u

static const fvm_wasm_rules metered = WASM_RULES_V4;
static const fvm_wasm_backend backends[] = { FVM_WASM_BACKEND_INTERP, FVM_WASM_BACKEND_X64,
                                             FVM_WASM_BACKEND_X64_GUARD };

static bool no_guard(void)
{
    return !fvm_wasm_backend_available(FVM_WASM_BACKEND_X64_GUARD);
}

/* --- a call of the export "f" -------------------------------------------------------------------- */

typedef struct call {
    fvm_wasm_context *context;
    const fvm_wasm_module *module;
    uint64_t args[2], result;
    fvm_err err;
    fvm_wasm_trap trap;
    int64_t gas;
} call;

static fvm_err call_inside(void *arg)
{
    call *c = arg;
    fvm_wasm_instance *instance;
    fvm_wasm_export entry;
    CHECK_OK(fvm_wasm_instance_new(&instance, c->context, c->module, NULL, NULL, 1000000000000));
    CHECK(fvm_wasm_module_export(c->module, &entry, FVM_STR("f")));
    c->result = 0;
    c->err = fvm_wasm_instance_call(instance, &c->result, entry.index, c->args);
    c->trap = fvm_wasm_instance_trap(instance);
    c->gas = fvm_wasm_instance_gas(instance);
    fvm_wasm_instance_free(instance);
    return FVM_OK;
}
static void do_call(call *c, uint64_t a, uint64_t b)
{
    c->args[0] = a;
    c->args[1] = b;
    CHECK_OK(fvm_wasm_context_run(c->context, call_inside, c));
}
static void open_call(call *c, fvm_bytes wasm, fvm_wasm_backend backend)
{
    fvm_wasm_module *module;
    char detail[FVM_WASM_DETAIL_MAX];
    *c = (call){ 0 };
    CHECK_AT(detail, fvm_wasm_module_new_on(&module, &metered, NULL, wasm, detail, NULL, backend) ==
                         FVM_OK);
    c->module = module;
    CHECK_OK(fvm_wasm_context_new(&c->context, NULL));
}
static void close_call(call *c)
{
    fvm_wasm_context_free(c->context);
    fvm_wasm_module_free((fvm_wasm_module *)(uintptr_t)c->module);
}

/* f(grow, address): the byte at `address` before it is set, after memory has grown by `grow` pages. */
static fvm_bytes grower(wasm_asm *a)
{
    wasm_begin(a);
    wasm_memory(a, 1, 64);
    wasm_data(a, 4090, FVM_BYTES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    wasm_data(a, 4094, FVM_BYTES(40, 41));
    wasm_data(a, 9000, FVM_BYTES(90));
    uint32_t f = wasm_func(a, wasm_type(a, "ii", "i"),
                           BODY(NO_LOCALS, LOCAL_GET, 0, MEMORY_GROW, 0, DROP, LOCAL_GET, 1,
                                0x2d /* i32.load8_u */, 0, 0, LOCAL_GET, 1, I32_CONST, 1,
                                I32_STORE8, 0, 0, END));
    wasm_export(a, "f", WASM_FUNC_KIND, f);
    return wasm_finish(a);
}

static void in_child(void (*fn)(void), int want_exit)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* not cmocka's */
        fn();
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (want_exit >= 0)
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == want_exit);
    else /* by the signal, or as a sanitizer ends it */
        CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
}

/* --- handlers of the host, before this process has ours; children have them ------------------------------------------------------------------------ */

static uint8_t *own_page; /* of the host: its handler opens it */
static volatile sig_atomic_t own_faults;

static void open_page(int sig, siginfo_t *info, void *context)
{
    (void)context;
    uint8_t *at = info->si_addr;
    if (at < own_page || at >= own_page + 4096) {
        (void)signal(sig, SIG_DFL);
        return;
    }
    own_faults++;
    if (mprotect(own_page, 4096, PROT_READ | PROT_WRITE) != 0) _exit(9);
}
static void touch_own_page(void)
{
    sig_atomic_t before = own_faults;
    if (mprotect(own_page, 4096, PROT_NONE) != 0) _exit(8);
    *(volatile uint8_t *)own_page = 1;
    if (own_faults != before + 1) _exit(7);
}
static void take_page(void)
{
    own_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own_page == MAP_FAILED) _exit(6);
}
static void host_installs(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { 0 };
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (sigaction(SIGSEGV, &action, NULL) != 0) _exit(5);
}

/* Ends the child unless a call out of bounds traps. */
static void trap_once(call *c)
{
    do_call(c, 0, 1000000);
    if (c->err != FVM_ERR_TRAP || c->trap != FVM_WASM_TRAP_MEMORY_BOUNDS) _exit(4);
    do_call(c, 0, 9000);
    if (c->err != FVM_OK || c->result != 90) _exit(3);
}
static call child_call;
static wasm_asm child_asm;
static void open_child_call(void)
{
    open_call(&child_call, grower(&child_asm), FVM_WASM_BACKEND_X64_GUARD);
}

static void host_first(void)
{
    take_page();
    host_installs(open_page);
    open_child_call();
    for (int i = 0; i < 10; i++) {
        trap_once(&child_call);
        touch_own_page();
    }
}
TEST(a_handler_that_was_there_gets_its_own_faults)
{
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) in_child(host_first, 0);
}

static struct sigaction found;
static void open_page_or_pass_on(int sig, siginfo_t *info, void *context)
{
    uint8_t *at = info->si_addr;
    if (at >= own_page && at < own_page + 4096)
        open_page(sig, info, context);
    else if (found.sa_flags & SA_SIGINFO)
        found.sa_sigaction(sig, info, context);
    else
        _exit(10);
}
static void host_later(void)
{
    take_page();
    open_child_call();
    trap_once(&child_call);
    if (sigaction(SIGSEGV, NULL, &found) != 0) _exit(5);
    host_installs(open_page_or_pass_on);
    trap_once(&child_call);
    touch_own_page();
    if (no_guard()) _exit(11); /* as a new engine asks: ours comes to the front */
    for (int i = 0; i < 10; i++) {
        trap_once(&child_call);
        touch_own_page();
    }
}
TEST(a_handler_that_comes_later_and_passes_on_shares_faults_with_ours)
{
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) in_child(host_later, 0);
}

static void wild_store(void)
{
    volatile uint8_t *volatile nowhere = NULL;
    *nowhere = 1;
}

/* Ours passes on to one that passes back to ours: the fault is nobody's, and ends the process. */
static void nobodys_fault(void)
{
    host_later();
    wild_store();
}
TEST(a_fault_that_is_nobodys_ends_the_process_also_through_two_handlers)
{
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) in_child(nobodys_fault, -1);
}
static void default_fault(void)
{
    open_child_call();
    trap_once(&child_call);
    wild_store();
}
TEST(a_fault_that_is_nobodys_ends_the_process)
{
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) in_child(default_fault, -1);
}

static sigjmp_buf back;
static void jump_out(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    siglongjmp(back, 1);
}
static void host_jumps(void)
{
    take_page();
    host_installs(jump_out);
    open_child_call();
    for (volatile int i = 0; i < 10; i++) {
        trap_once(&child_call);
        if (sigsetjmp(back, 1) == 0) {
            *(volatile uint8_t *)own_page = 1;
            _exit(2);
        }
    }
}
TEST(a_handler_may_leave_by_a_jump)
{
    if (fvm_wasm_backend_available(FVM_WASM_BACKEND_X64)) in_child(host_jumps, 0);
}

/* --- bounds ---------------------------------------------------------------------------------------- */

/* f(address, value): [address + offset] op value, where memory has one page and may have four. */
static fvm_bytes access_module(wasm_asm *a, uint8_t op, bool stores, uint64_t offset, bool constant,
                               uint32_t address)
{
    fvm_buf body;
    fvm_buf_init(&body, NULL);
    wasm_begin(a);
    wasm_memory(a, 1, 4);
    wasm_u8(&body, NO_LOCALS);
    wasm_u8(&body, constant ? I32_CONST : LOCAL_GET);
    wasm_sleb(&body, constant ? (int64_t)(int32_t)address : 0);
    if (stores) wasm_put(&body, (const uint8_t[]){ LOCAL_GET, 1 }, 2);
    wasm_u8(&body, op);
    wasm_u8(&body, 0);
    wasm_uleb(&body, offset);
    if (stores) wasm_put(&body, (const uint8_t[]){ LOCAL_GET, 1 }, 2);
    wasm_u8(&body, END);
    wasm_export(a, "f", WASM_FUNC_KIND,
                wasm_func(a, wasm_type(a, "ii", "i"), fvm_buf_bytes(&body)));
    fvm_buf_deinit(&body);
    return wasm_finish(a);
}

TEST(every_edge_of_memory_is_where_a_check_would_have_it)
{
    static const uint64_t offsets[] = { 0,
                                        1,
                                        PAGE - 4,
                                        PAGE,
                                        FVM__GUARD_BYTES - 4,
                                        FVM__GUARD_BYTES - 3,
                                        FVM__GUARD_BYTES,
                                        0x7ffffffc,
                                        0x80000000,
                                        0xffffffff };
    static const uint32_t addresses[] = { 0,        1,    PAGE - 5,   PAGE - 4,   PAGE - 3,
                                          PAGE - 1, PAGE, 0x7fffffff, 0xfffffffc, 0xffffffff };
    static const struct {
        uint8_t op;
        bool stores;
    } ops[] = { { I32_LOAD, false }, { I32_STORE, true }, { I32_STORE8, true } };
    for (size_t o = 0; o < FVM_COUNT(offsets) * FVM_COUNT(ops) * 2; o++) {
        size_t op = o / 2 % FVM_COUNT(ops);
        for (size_t i = 0; i < FVM_COUNT(addresses); i++) {
            call want = { 0 };
            for (size_t b = 0; b < FVM_COUNT(backends); b++) {
                wasm_asm a;
                call c;
                if (!fvm_wasm_backend_available(backends[b])) continue;
                open_call(&c,
                          access_module(&a, ops[op].op, ops[op].stores,
                                        offsets[o / 2 / FVM_COUNT(ops)], o % 2, addresses[i]),
                          backends[b]);
                do_call(&c, addresses[i], 7);
                if (b == 0) want = c;
                CHECK(c.err == want.err && c.trap == want.trap && c.gas == want.gas);
                CHECK(c.err != FVM_OK || c.result == want.result);
                close_call(&c);
                wasm_end(&a);
            }
        }
    }
}

TEST(a_memory_that_is_used_again_begins_as_a_new_one_whatever_calls_touched)
{
    for (size_t b = 0; b < FVM_COUNT(backends); b++) {
        wasm_asm a;
        call c;
        test_rng rng = { 5 };
        if (!fvm_wasm_backend_available(backends[b])) continue;
        open_call(&c, grower(&a), backends[b]);
        for (int round = 0; round < 3000; round++) {
            uint32_t pages = test_rng_below(&rng, 3) ? 0 : (uint32_t)test_rng_below(&rng, 63);
            uint32_t size = (1 + pages) * PAGE;
            uint32_t at = (uint32_t)test_rng_below(&rng, test_rng_below(&rng, 2) ? 9001 : size + 9);
            do_call(&c, pages, at);
            if (at >= size) {
                CHECK(c.err == FVM_ERR_TRAP && c.trap == FVM_WASM_TRAP_MEMORY_BOUNDS);
                continue;
            }
            uint32_t want = at == 4094 || at == 4095  ? 40 + at - 4094
                            : at >= 4090 && at < 4102 ? at - 4089
                            : at == 9000              ? 90
                                                      : 0;
            CHECK(c.err == FVM_OK && c.result == want);
        }
        close_call(&c);
        wasm_end(&a);
    }
}

/* A child has its parent's memories and pages, but other counts of them. */
static call forked;
static void call_in_child(void)
{
    for (uint32_t i = 0; i < 40; i++) {
        do_call(&forked, 0, i % 2 ? 9000 : 300 + i * 4096 % 65000);
        if (forked.err != FVM_OK || forked.result != (i % 2 ? 90 : 0)) _exit(1);
    }
}
TEST(memories_go_on_being_restored_in_a_child_of_fork)
{
    wasm_asm a;
    open_call(&forked, grower(&a), FVM_WASM_BACKEND_DEFAULT);
    for (int i = 0; i < 3; i++) do_call(&forked, 0, 9000);
    in_child(call_in_child, 0);
    for (int i = 0; i < 3; i++) do_call(&forked, 0, 9000);
    CHECK(forked.err == FVM_OK && forked.result == 90);
    close_call(&forked);
    wasm_end(&a);
}

/* --- threads ------------------------------------------------------------------------------------- */

#define THREADS 8
static void *trap_often(void *arg)
{
    const fvm_wasm_module *module = arg;
    call c = { .module = module };
    uint8_t *stack = malloc(65536);
    const stack_t alternate = { .ss_sp = stack, .ss_size = 65536 };
    static _Atomic int n;
    bool own_stack = n++ % 2 && sigaltstack(&alternate, NULL) == 0;
    CHECK_OK(fvm_wasm_context_new(&c.context, NULL));
    for (uint32_t i = 0; i < 500; i++) {
        do_call(&c, i % 3, (i % 3 + 1) * PAGE + i);
        CHECK(c.err == FVM_ERR_TRAP && c.trap == FVM_WASM_TRAP_MEMORY_BOUNDS);
        do_call(&c, i % 3, 9000);
        CHECK(c.err == FVM_OK && c.result == 90);
    }
    fvm_wasm_context_free(c.context);
    const stack_t none = { .ss_flags = SS_DISABLE };
    if (own_stack) CHECK(sigaltstack(&none, NULL) == 0);
    free(stack);
    return NULL;
}
TEST(threads_trap_at_once_with_and_without_an_alternate_stack)
{
    if (no_guard()) return;
    wasm_asm a;
    call c;
    pthread_t threads[THREADS];
    open_call(&c, grower(&a), FVM_WASM_BACKEND_X64_GUARD);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, trap_often, (void *)(uintptr_t)c.module) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    close_call(&c);
    wasm_end(&a);
}

/* --- address space ------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1 /* memory that a sanitizer maps would run into the limit */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1
#endif
#endif

#ifndef SHADOWED
static void limit_space(size_t more)
{
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%zu", &pages) != 1) _exit(6);
    (void)fclose(statm);
    const struct rlimit limit = { pages * 4096 + more, pages * 4096 + more };
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(6);
}

static void without_space(void)
{
    fvm_wasm_context *context;
    limit_space((size_t)1 << 30);
    CHECK_OK(fvm_wasm_context_new(&context, NULL));
    if (fvm_wasm_context_guards(context)) _exit(7);
    fvm_wasm_context_free(context);
}
#endif
TEST(a_context_says_when_there_is_no_address_space_for_guards)
{
    fvm_wasm_context *context;
    if (no_guard()) return;
    CHECK_OK(fvm_wasm_context_new(&context, NULL));
    CHECK(fvm_wasm_context_guards(context));
    fvm_wasm_context_free(context);
#ifndef SHADOWED
    in_child(without_space, 0);
#endif
}

#ifndef SHADOWED
#define DEPTH 600u
typedef struct descent {
    fvm_wasm_context *context;
    uint32_t depth;
} descent;
static fvm_err descend(void *arg)
{
    descent *d = arg;
    volatile uint8_t frame[64 * 1024];
    for (size_t i = 0; i < sizeof frame; i += 4096) frame[i] = (uint8_t)d->depth;
    if (d->depth == DEPTH) return FVM_ERR_INVALID; /* comes back all the way */
    d->depth++;
    fvm_err err = fvm_wasm_context_run(d->context, descend, d);
    d->depth--;
    return frame[4096] == (uint8_t)d->depth ? err : FVM_ERR_FATAL;
}
static void nest_deeply(void)
{
    descent d = { 0 };
    limit_space((size_t)60 << 20); /* 32 MiB of stack, which is too little, and then 16 */
    CHECK_OK(fvm_wasm_context_new(&d.context, NULL));
    for (int i = 0; i < 3; i++)
        if (fvm_wasm_context_run(d.context, descend, &d) != FVM_ERR_INVALID || d.depth) _exit(7);
    fvm_wasm_context_free(d.context);
}
TEST(nesting_goes_on_on_another_stack_where_space_for_one_big_one_is_short)
{
    in_child(nest_deeply, 0);
}
#endif
