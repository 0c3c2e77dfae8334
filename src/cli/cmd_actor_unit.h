/* cmd_actor_unit.h - programs of other people's making: running compilers and unit tests. */
#ifndef FVM_CLI_CMD_ACTOR_UNIT_H
#define FVM_CLI_CMD_ACTOR_UNIT_H

#include "cmd_actor.h"

/** Runs a program (found by PATH) to its end; its output goes where ours goes. `argv` ends in NULL.
 *  Errors: FVM_ERR_NOT_FOUND  it is not there; `hint` is added to the words.
 *          FVM_ERR_INVALID    it did not exit with 0.   FVM_ERR_IO. */
FVM_NODISCARD fvm_err fvm_actor_run(char **argv, const char *hint, fvm_store_why *why);

/** Compiles each unit/NAME.c with the project's sources and the mock kernel, natively, with
 *  AddressSanitizer and UBSan, and runs it. Counts programs. Errors: as fvm_actor_build. */
FVM_NODISCARD fvm_err fvm_actor_unit(const fvm_actor_project *project, size_t *passed,
                                     size_t *failed, fvm_store_why *why);
#endif
