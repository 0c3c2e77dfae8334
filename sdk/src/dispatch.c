/* dispatch.c - see fvm/actor/dispatch.h. */
#include <fvm/actor/dispatch.h>

fvm_message_context fvm_call;
