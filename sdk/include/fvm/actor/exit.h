/* exit.h - ending a call early, with a code and words for whoever debugs it. The words are not on
 * chain; define FVM_NO_MESSAGES to leave them out of the module. */
#ifndef FVM_ACTOR_EXIT_H
#define FVM_ACTOR_EXIT_H

#include <fvm/actor/syscalls.h>
#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Ends the call with `code` (16 or above; see FVM_USR_*). What the call changed is undone. */
#ifdef FVM_NO_MESSAGES
__attribute__((noreturn)) void fvm__exit(uint32_t code); /* a call of one argument is short */
#define fvm_abort(code, message) fvm__exit(code)
#else
#define fvm_abort(code, message) fvm_sys_exit((code), 0, (message), sizeof(message) - 1)
#endif
/** fvm_abort unless `cond` holds. */
#define fvm_require(cond, code, message)                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) fvm_abort(code, message);                                \
    } while (0)

/** Ends the call with the exit code that says what a syscall's error number says: illegal argument 16,
 *  insufficient funds 19, not found 17, serialization 21, forbidden 18, read only 25, others 24. */
__attribute__((noreturn)) void fvm_abort_errno(uint32_t error);
/** fvm_abort_errno if a syscall failed: `fvm_check(fvm_sys_self_set_root(cid));` */
void fvm_check(uint32_t error);
/** Likewise for what the collections return: a missing or broken block is 20 (illegal state), no
 *  memory 24, other errors 16. FVM_ERR_NOT_FOUND is 17. */
__attribute__((noreturn)) void fvm_abort_err(fvm_err err);
static inline void fvm_must(fvm_err err)
{
    if (__builtin_expect(err != FVM_OK, 0)) fvm_abort_err(err);
}

#ifdef __cplusplus
}
#endif
#endif
