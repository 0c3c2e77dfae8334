/* exit_code.h - the exit codes that belong to the system (reference/executor.md 2): 0 is success, 1
 * to 15 are reserved, actors may use 16 and above. */
#ifndef FVM_KERNEL_EXIT_CODE_H
#define FVM_KERNEL_EXIT_CODE_H

enum {
    FVM_EXIT_CODE_SENDER_INVALID = 1,
    FVM_EXIT_CODE_SENDER_STATE_INVALID = 2,
    FVM_EXIT_CODE_ILLEGAL_INSTRUCTION = 4,
    FVM_EXIT_CODE_INVALID_RECEIVER = 5,
    FVM_EXIT_CODE_INSUFFICIENT_FUNDS = 6,
    FVM_EXIT_CODE_OUT_OF_GAS = 7,
    FVM_EXIT_CODE_ILLEGAL_EXIT_CODE = 9,
    FVM_EXIT_CODE_ASSERTION_FAILED = 10,
    FVM_EXIT_CODE_MISSING_RETURN = 11,
    FVM_EXIT_CODE_SYSTEM_MAX = 15, /* codes up to here are the system's */
};
#endif
