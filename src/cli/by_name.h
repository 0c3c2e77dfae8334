/* by_name.h - calls of built-in actors in words: the type of the actor, the name of the method, its
 * params and return as JSON by name (kernel/schema). Fed with the events of a trace. */
#ifndef FVM_CLI_BY_NAME_H
#define FVM_CLI_BY_NAME_H

#include "kernel/schema/schema.h"
#include <fvm/machine.h>

typedef struct fvm_by_name_frame {
    fvm_bytes actor; /* type; empty: no built-in actor, or its code has not begun to run */
    uint64_t method;
} fvm_by_name_frame;

/** Initialise with fvm_by_name_init. The frames of a message that fails in a call that was never
 *  answered are dropped at the next fvm_by_name_reset. */
typedef struct fvm_by_name {
    fvm_schema *schema;
    const fvm_machine *machine; /* borrowed; NULL: nothing is known */
    fvm_buf params, text;       /* of the call that has just begun; scratch */
    uint64_t params_codec;
    fvm_by_name_frame *frames;
    uint32_t depth, cap;
} fvm_by_name;

/** Errors: HOST class; then too it may be deinitialised. */
FVM_NODISCARD fvm_err fvm_by_name_init(fvm_by_name *names);
void fvm_by_name_deinit(fvm_by_name *names);
/** Messages of another machine follow (borrowed; NULL: none), or just another message. */
void fvm_by_name_machine(fvm_by_name *names, const fvm_machine *machine);
void fvm_by_name_reset(fvm_by_name *names);

/** Takes one event, in order, and appends words to `out`: at INVOKE "multisig.Propose {...}", at RETURN
 *  of exit code 0 its value by name, else nothing. What does not fit its schema is said to:
 *  "multisig.Propose, params not as its schema". `*strange` (may be NULL) is then set.
 *  Errors: FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_by_name_event(fvm_by_name *names, fvm_buf *out,
                                        const fvm_trace_event *event, bool *strange);
#endif
