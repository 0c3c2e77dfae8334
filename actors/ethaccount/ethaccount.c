/* ethaccount.c - an account that signs as Ethereum's do; it has no state, since its address says all.
 * Reference: evm.md 6. */
#include "common/builtin.h"

/* Nobody calls this: the machine makes these actors itself. */
static uint32_t constructor(uint32_t params)
{
    fvm_address address;
    fvm_bytes subaddress;
    uint64_t space;
    fvm_params_none(params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    fvm_require(fvm_actor_delegated(&address, fvm_call.receiver) &&
                    fvm_address_to_delegated(&space, &subaddress, &address) &&
                    space == FVM_EAM_ACTOR,
                FVM_USR_ILLEGAL_ARGUMENT, "no address of the EAM's");
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_FALLBACK(builtin_fallback)
)
