/* guard.c - faults in guarded memory become traps; see guard.h for the contract. What runs inside the
 * handler is async-signal-safe. */
#include "wasm/guard.h"

#include "wasm/backend/backend.h"
#ifndef FVM__X64
bool fvm__guard_install(void)
{
    return false;
}
fvm_wasm_context *fvm__guard_enter(fvm_wasm_context *context)
{
    (void)context;
    return NULL;
}
#else

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>

/* In a shared library, too, a load from the thread's own block: no call that could allocate, which a
 * handler must not. */
static _Thread_local __attribute__((tls_model("initial-exec"))) fvm_wasm_context *volatile current;

fvm_wasm_context *fvm__guard_enter(fvm_wasm_context *context)
{
    fvm_wasm_context *before = current;
    current = context;
    return before;
}

/* --- what was there before -------------------------------------------------------------------- */

/* Actions that ours replaced, oldest first, each one once. Entries are written once, before `front` names
 * them: the one that was replaced last. */
#define CHAIN_MAX 16
typedef struct chain {
    struct sigaction actions[CHAIN_MAX];
    unsigned count;
    atomic_uint front;
    atomic_flag reset_done; /* of an SA_RESETHAND action: it gets one signal */
} chain;
static const int signals[] = { SIGSEGV, SIGBUS };
static chain chains[FVM_COUNT(signals)] = { { .reset_done = ATOMIC_FLAG_INIT },
                                            { .reset_done = ATOMIC_FLAG_INIT } };
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

/* A later handler that we called may call ours again: that is seen by a mark in our copy of the siginfo,
 * in bytes that no fault uses, and goes to the oldest action. A handler may also leave by siglongjmp,
 * so nothing else can be noted. */
#define MARK_AT (sizeof(siginfo_t) - sizeof(uint64_t))
static const uint64_t mark = 0x66766d2067756172;

static bool is_marked(const siginfo_t *info)
{
    return memcmp((const uint8_t *)info + MARK_AT, &mark, sizeof mark) == 0;
}

/* As if the kernel had found the default action: the instruction faults again, or the signal that
 * somebody sent is sent again. */
static void act_by_default(int sig, const siginfo_t *info)
{
    struct sigaction action = { 0 };
    action.sa_handler = SIG_DFL;
    (void)sigaction(sig, &action, NULL);
    if (info->si_code <= 0) (void)raise(sig);
}

static void pass_on(chain *ch, int sig, siginfo_t *info, void *context)
{
    const struct sigaction *action = &ch->actions[is_marked(info) ? 0 : atomic_load(&ch->front)];
    bool ignored = action->sa_handler == SIG_IGN && info->si_code <= 0;
    if (ignored) return;
    if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
        (((unsigned)action->sa_flags & SA_RESETHAND) &&
         atomic_flag_test_and_set(&ch->reset_done))) {
        act_by_default(sig, info);
        return;
    }
    sigset_t mask = action->sa_mask;
    (void)pthread_sigmask(SIG_BLOCK, &mask, NULL); /* the kernel restores it on return */
    if (action->sa_flags & SA_NODEFER) {
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, sig);
        (void)pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    }
    if (!(action->sa_flags & SA_SIGINFO)) {
        action->sa_handler(sig);
        return;
    }
    siginfo_t copy = *info;
    memcpy((uint8_t *)&copy + MARK_AT, &mark, sizeof mark);
    action->sa_sigaction(sig, &copy, context);
}

/* --- the handler ------------------------------------------------------------------------------ */

/* Where to resume if the fault is an access out of bounds in compiled code; or 0. */
static uintptr_t trap_place(uintptr_t at, uintptr_t address)
{
    const fvm_wasm_context *context = current;
    const fvm_wasm_instance *running = context ? context->running : NULL;
    if (!running) return 0;
    const fvm_wasm_module *m = running->module;
    uintptr_t code = (uintptr_t)m->code;
    if (!m->guarded || at < code || at - code >= m->code_bytes) return 0;
    const fvm__memory *memory = running->memory;
    if (!memory) return 0;
    uintptr_t offset = address - (uintptr_t)memory->data;
    /* an access that begins inside may be told by its first byte */
    bool outside = offset < memory->reserved && offset + 16 > memory->len;
    return outside ? code + m->bounds_trap_at : 0;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];
    uintptr_t to = trap_place((uintptr_t)*rip, (uintptr_t)info->si_addr);
    if (to && info->si_code > 0) {
        *rip = (greg_t)to;
        return;
    }
    pass_on(&chains[sig == SIGSEGV ? 0 : 1], sig, info, context);
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_fault;
}

static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
    bool same = a->sa_flags == b->sa_flags && a->sa_sigaction == b->sa_sigaction;
    for (int sig = 1; sig < NSIG && same; sig++)
        same = sigismember(&a->sa_mask, sig) == sigismember(&b->sa_mask, sig);
    return same;
}

static bool install(chain *ch, int sig)
{
    struct sigaction there, ours = { 0 };
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (sigemptyset(&ours.sa_mask) != 0 || sigaction(sig, NULL, &there) != 0) return false;
    if (is_ours(&there)) return true;
    unsigned at = 0;
    while (at < ch->count && !same_action(&ch->actions[at], &there)) at++;
    if (at == CHAIN_MAX) return false;
    if (at == ch->count) ch->actions[ch->count++] = there; /* before the first fault can come */
    atomic_store(&ch->front, at);
    return sigaction(sig, &ours, NULL) == 0;
}

bool fvm__guard_install(void)
{
    bool good = true;
    if (pthread_mutex_lock(&installing) != 0) return false;
    for (size_t i = 0; i < FVM_COUNT(signals); i++) good = install(&chains[i], signals[i]) && good;
    (void)pthread_mutex_unlock(&installing);
    return good;
}
#endif
