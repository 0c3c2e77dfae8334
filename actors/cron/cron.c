/* cron.c - actor f03: calls a list of methods at the end of each epoch. Reference: actors.md 5. */
#include "common/builtin.h"

#define ENTRY(F)                                                                                   \
    F(address, receiver)                                                                           \
    F(uint, method)
FVM_STRUCT(entry, ENTRY)
FVM_LIST(entries, entry)

/* The constructor's parameters have the same form. */
#define CRON(F) F(entries, entries)
FVM_STRUCT(state, CRON)

static uint32_t constructor(uint32_t params)
{
    state s;
    FVM_PARAMS(state, &s, params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

/* What a callee makes of it is its own affair. */
static uint32_t epoch_tick(uint32_t params)
{
    state s;
    fvm_send_result ignored;
    fvm_params_none(params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    BUILTIN_STATE_LOAD(state, &s);
    for (size_t i = 0; i < s.entries.count; i++) {
        const entry *e = &s.entries.item[i];
        (void)builtin_send(&ignored, &e->receiver, e->method, 0, builtin_amount(0), 0);
    }
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, epoch_tick)
)
