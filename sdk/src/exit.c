/* exit.c - see fvm/actor/exit.h. */
#include <fvm/actor/exit.h>

__attribute__((noreturn)) void fvm__exit(uint32_t code);
__attribute__((noinline)) void fvm__exit(uint32_t code)
{
    fvm_sys_exit(code, 0, NULL, 0);
}

void fvm_abort_errno(uint32_t error)
{
    /* indexed by fvm_errno */
    static const char codes[] = "\x18\x10\x18\x18\x18\x13\x11\x18\x18\x18\x15\x12\x18\x19";
    uint32_t code = error < sizeof codes - 1 ? (uint8_t)codes[error] : FVM_USR_ASSERTION_FAILED;
    fvm_abort(code, "syscall");
}

void fvm_check(uint32_t error)
{
    if (__builtin_expect(error != 0, 0)) fvm_abort_errno(error);
}

void fvm_abort_err(fvm_err err)
{
    uint32_t code = FVM_USR_ILLEGAL_ARGUMENT;
    if (err == FVM_ERR_NOT_FOUND) code = FVM_USR_NOT_FOUND;
    if (err == FVM_ERR_NOMEM) code = FVM_USR_ASSERTION_FAILED;
    if (err == FVM_ERR_MISSING_BLOCK || err == FVM_ERR_BAD_STATE) code = FVM_USR_ILLEGAL_STATE;
    if (err > FVM_ERR_SYSCALL_BASE) fvm_abort_errno((uint32_t)err - FVM_ERR_SYSCALL_BASE);
    fvm_abort(code, "collection failed");
}
