/* guard.h - memory that needs no bounds checks in compiled code.
 *
 *     data -> [accessible: the memory][inaccessible ... 4 GiB][32 MiB more]
 *
 * An access has a 32-bit index, zero extended, and a constant offset: where the offset ends within the
 * guard beyond 4 GiB, any access that is out of bounds hits a page without access. The fault (SIGSEGV;
 * SIGBUS on some kernels) is turned into the trap by resuming the code at its trap stub, so that
 * registers, the milligas among them, are what they were at the access: as exact as a check.
 *
 * Signals belong to the process, so this is the one place with state of the process: the handlers that
 * were there before ours, and for each thread which context it runs. Contract:
 *
 *  - The handlers are installed when the first engine with guarded memory is made, for SIGSEGV and
 *    SIGBUS, with SA_ONSTACK, and stay. No other signal, no mask, no alternate stack is touched. On a
 *    thread with an alternate stack they run there (Go asks for that), on others on the context's
 *    own stack, which has room for them.
 *  - A fault is ours only if the thread is in machine code of a module of its context and the address
 *    is in the inaccessible part of that instance's memory. All else goes to the action that was
 *    there before: its function with the same siginfo and ucontext, its mask blocked; the default
 *    action ends the process as if we were not there.
 *  - A host that installs its own handlers later must pass on what is not its own, as Go, the JVM and
 *    the sanitizers do. One that did so before the next engine or context is made is put behind ours
 *    again, and may go on passing to ours. */
#ifndef FVM_WASM_GUARD_H
#define FVM_WASM_GUARD_H

#include "wasm/instance.h"

#define FVM__GUARD_BYTES ((uint64_t)32 << 20)
#define FVM__GUARD_SLOT_BYTES (((uint64_t)1 << 32) + FVM__GUARD_BYTES)

/** Installs the handlers, or puts them back in front; false where there are none for this system. */
bool fvm__guard_install(void);

/** The calling thread runs `context` from now on; returns what it ran before (NULL: nothing). */
fvm_wasm_context *fvm__guard_enter(fvm_wasm_context *context);
#endif
