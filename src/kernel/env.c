/* env.c - what all invocations of a message share: transactions over state and events, and access to
 * actors with its charges (reference/kernel.md 7 to 9). Levels of access live in the state view, so
 * that they roll back with it. */
#include "base/big.h"
#include "kernel.h"

void fvm_env_deinit(fvm_message_env *env)
{
    fvm_mem_free(env->alloc, env->events, env->event_cap * sizeof *env->events);
    fvm_mem_free(env->alloc, env->seen, env->seen_cap * sizeof *env->seen);
    env->events = NULL;
    env->seen = NULL;
    env->event_count = env->seen_count = 0;
    env->event_cap = env->seen_cap = 0;
}

fvm_err fvm_env_begin(fvm_message_env *env, fvm_env_mark *mark)
{
    FVM_TRY(fvm_state_begin(env->state));
    *mark = (fvm_env_mark){ .event_count = env->event_count, .seen_count = env->seen_count };
    return FVM_OK;
}

void fvm_env_end(fvm_message_env *env, fvm_env_mark mark, bool revert)
{
    fvm_state_end(env->state, revert);
    if (!revert) return;
    env->event_count = mark.event_count;
    env->seen_count = mark.seen_count;
}

fvm_err fvm_env_get_actor(fvm_message_env *env, const fvm_actor **out, uint64_t id)
{
    if (env->net->era == FVM_ERA_V2) return fvm_state_get(env->state, out, id);
    if (FVM_LIKELY(fvm_state_access_level(env->state, id) != FVM_ACCESS_NONE))
        return fvm_state_get(env->state, out, id);

    FVM_TRY(fvm_price_on_actor_lookup(env->net, &env->gas));
    /* An actor that is not there was looked up all the same. */
    fvm_err err = fvm_state_get(env->state, out, id);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    FVM_TRY(fvm_state_access_raise(env->state, id, FVM_ACCESS_READ));
    return err == FVM_OK ? fvm_state_get(env->state, out, id) : err;
}

/* Charges for what a change of actor `id` still lacks. */
static fvm_err charge_update(fvm_message_env *env, uint64_t id)
{
    if (env->net->era == FVM_ERA_V2) return FVM_OK;
    fvm_access level = fvm_state_access_level(env->state, id);
    if (level == FVM_ACCESS_UPDATED) return FVM_OK;
    if (level == FVM_ACCESS_NONE) FVM_TRY(fvm_price_on_actor_lookup(env->net, &env->gas));
    return fvm_price_on_actor_update(env->net, &env->gas);
}

static fvm_err note_update(fvm_message_env *env, uint64_t id)
{
    if (env->net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_state_access_raise(env->state, id, FVM_ACCESS_UPDATED);
}

fvm_err fvm_env_set_actor(fvm_message_env *env, uint64_t id, const fvm_actor *actor)
{
    FVM_TRY(charge_update(env, id));
    FVM_TRY(fvm_state_set(env->state, id, actor));
    return note_update(env, id);
}

fvm_err fvm_env_edit_actor(fvm_message_env *env, fvm_actor **out, uint64_t id)
{
    FVM_TRY(charge_update(env, id));
    FVM_TRY(note_update(env, id));
    return fvm_state_edit(env->state, out, id);
}

fvm_err fvm_env_delete_actor(fvm_message_env *env, uint64_t id)
{
    FVM_TRY(charge_update(env, id));
    fvm_err err = fvm_state_delete(env->state, id);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err; /* deleting twice is fine */
    return note_update(env, id);
}

fvm_err fvm_env_transfer(fvm_message_env *env, uint64_t from, uint64_t to, const fvm_big *value)
{
    if (value->negative) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;

    const fvm_actor *actor;
    fvm_err err = fvm_env_get_actor(env, &actor, from);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_INSUFFICIENT_FUNDS;
    if (err != FVM_OK) return err;
    if (fvm_big_cmp(&actor->balance, value) < 0) return FVM_ERR_SYS_INSUFFICIENT_FUNDS;
    if (from == to) return FVM_OK;

    err = fvm_env_get_actor(env, &actor, to);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_NOT_FOUND;
    if (err != FVM_OK) return err;

    /* Both updates are charged as they happen: the sender's stands when the receiver's runs out of
     * gas, and the transaction around reverts it. */
    fvm_big minus;
    fvm__big_copy(&minus, value);
    minus.negative = !fvm_big_is_zero(value);
    FVM_TRY(charge_update(env, from));
    err = fvm_state_credit(env->state, from, &minus);
    if (err != FVM_OK) return fvm_err_class_of(err) == FVM_CLASS_HOST ? err : FVM_ERR_FATAL;
    FVM_TRY(note_update(env, from));
    FVM_TRY(charge_update(env, to));
    err = fvm_state_credit(env->state, to, value);
    if (err != FVM_OK) return fvm_err_class_of(err) == FVM_CLASS_HOST ? err : FVM_ERR_FATAL;
    return note_update(env, to);
}
