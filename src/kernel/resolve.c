/* resolve.c - address resolution with its charge. The charge is zero in every price list, so it
 * matters to traces alone: a first look-up of an address in a message shows as OnResolveAddress, a
 * later one does not, and a reverted transaction forgets (ref-fvm's StateAccessTracker). */
#include "base/vector.h"
#include "kernel.h"

static bool seen(const fvm_message_env *env, const fvm_address *address)
{
    for (size_t i = 0; i < env->seen_count; i++)
        if (fvm_address_eq(&env->seen[i], address)) return true;
    return false;
}

fvm_err fvm_env_address_seen(fvm_message_env *env, const fvm_address *address)
{
    if (!env->gas.trace || fvm_address_protocol(address) == FVM_PROTOCOL_ID) return FVM_OK;
    FVM_TRY(fvm_vector_grow(env->alloc, &env->seen, &env->seen_cap, env->seen_count + 1,
                            sizeof *env->seen, 16, UINT32_MAX));
    env->seen[env->seen_count++] = *address;
    return FVM_OK;
}

fvm_err fvm_env_resolve_address(fvm_message_env *env, uint64_t *id, const fvm_address *address)
{
    if (fvm_address_to_id(id, address)) return FVM_OK;
    if (env->gas.trace && env->net->era != FVM_ERA_V2 && !seen(env, address))
        FVM_TRY(fvm_gas_charge(&env->gas, "OnResolveAddress", 0, 0));
    FVM_TRY(fvm_state_lookup_id(env->state, id, address));
    return fvm_env_address_seen(env, address);
}
