/* system.c - actor f00: who sends what the machine itself sends. Its state links the list of built-in
 * actors, which genesis and migrations write. Reference: actors.md 3. */
#include "common/builtin.h"

#define SYSTEM(F) F(cid, builtin_actors)
FVM_STRUCT(state, SYSTEM)

static uint32_t constructor(uint32_t params)
{
    static const uint8_t empty_list[] = { 0x80 };
    state s;
    fvm_params_none(params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    fvm_must(fvm_blockstore_put_new(fvm_blocks(), &s.builtin_actors, FVM_BLOCK_DAG_CBOR,
                                    (fvm_bytes){ empty_list, sizeof empty_list }));
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
)
