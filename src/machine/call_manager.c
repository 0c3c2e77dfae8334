#include "call_manager.h"
#include "base/vector.h"

#include "ipld/cbor.h"
#include "kernel/exit_code.h"

#define METHOD_SEND 0
#define METHOD_CONSTRUCTOR 1

void fvm_call_manager_init(fvm_call_manager *cm, fvm_message_env *env)
{
    *cm = (fvm_call_manager){ .env = env };
}

void fvm_call_manager_deinit(fvm_call_manager *cm)
{
    fvm_mem_free(cm->env->alloc, cm->snapshots, cm->snapshot_cap * sizeof *cm->snapshots);
    cm->snapshots = NULL;
    cm->snapshot_count = 0;
    cm->snapshot_cap = 0;
}

/* --- gas limits of sends --- */

static fvm_err push_limit(fvm_call_manager *cm, uint64_t limit)
{
    fvm_gas *gas = &cm->env->gas;
    FVM_TRY(fvm_vector_grow(cm->env->alloc, &cm->snapshots, &cm->snapshot_cap,
                            cm->snapshot_count + 1, sizeof *cm->snapshots, 16, UINT32_MAX));
    cm->snapshots[cm->snapshot_count++] = (fvm_gas_snapshot){ gas->limit, gas->used };
    int64_t available = fvm_gas_available(gas);
    gas->limit = limit < (uint64_t)available ? (int64_t)limit : available;
    gas->used = 0;
    return FVM_OK;
}

static void pop_limit(fvm_call_manager *cm)
{
    fvm_gas *gas = &cm->env->gas;
    fvm_gas_snapshot saved = cm->snapshots[--cm->snapshot_count];
    gas->limit = saved.limit;
    /* What was used inside is at most what was available outside; only fvm v3's left-over
     * snapshots make it more, and the tracker is then simply full. */
    if (__builtin_add_overflow(saved.used, gas->used, &gas->used) || gas->used > gas->limit)
        gas->used = gas->limit;
}

/* --- traces --- */

static void trace_call(const fvm_call_manager *cm, const fvm_call *call)
{
    const fvm_gas *gas = &cm->env->gas;
    if (!gas->trace) return;
    uint64_t available = (uint64_t)fvm_gas_available(gas);
    uint64_t limit = call->gas_limit < available ? call->gas_limit : available;
    fvm_trace_event event = {
        .kind = FVM_TRACE_CALL,
        .from = call->from,
        .to = &call->to,
        .method = call->method,
        .value = call->value,
        .gas_limit = limit / FVM_MILLIGAS + (limit % FVM_MILLIGAS != 0),
        .read_only = call->read_only,
    };
    if (call->params) {
        event.data = call->params->data;
        event.codec = call->params->codec;
    }
    gas->trace->event(gas->trace->ctx, &event);
}

static void trace_return(const fvm_call_manager *cm, fvm_err err, const fvm_call_result *result)
{
    const fvm_trace_sink *sink = cm->env->gas.trace;
    if (!sink) return;
    fvm_trace_event event = { .kind = FVM_TRACE_RETURN };
    switch (fvm_err_class_of(err)) {
    case FVM_CLASS_NONE:
        event.exit_code = result->exit_code;
        if (result->data) {
            event.data = result->data->data;
            event.codec = result->data->codec;
        }
        break;
    case FVM_CLASS_ACTOR: event.exit_code = FVM_EXIT_CODE_OUT_OF_GAS; break;
    case FVM_CLASS_SYSCALL:
        event.kind = FVM_TRACE_CALL_ERROR;
        event.error = (uint32_t)err - FVM_ERR_SYSCALL_BASE;
        break;
    default: /* fatal: the reference reports Forbidden */
        event.kind = FVM_TRACE_CALL_ERROR;
        event.error = FVM_ERR_SYS_FORBIDDEN - FVM_ERR_SYSCALL_BASE;
        break;
    }
    sink->event(sink->ctx, &event);
}

static void trace_invoke(const fvm_call_manager *cm, uint64_t id, const fvm_cid *code)
{
    const fvm_trace_sink *sink = cm->env->gas.trace;
    if (!sink) return;
    sink->event(sink->ctx, &(fvm_trace_event){ .kind = FVM_TRACE_INVOKE, .id = id, .cid = code });
}

/* --- running an actor whose ID is known --- */

typedef struct resolved_call {
    uint64_t from, to, method;
    const fvm_big *value;
    const fvm_ipld_block *params;
    bool read_only;
    bool implicit; /* an account's constructor: not in traces */
} resolved_call;

static fvm_err charge_return(fvm_call_manager *cm, const fvm_call_result *result)
{
    fvm_message_env *env = cm->env;
    /* nv17 charges the chain for the top-level return value in the executor, on success only. */
    if (!result->data || env->net->era == FVM_ERA_V2) return FVM_OK;
    if (cm->depth <= 1)
        return fvm_price_on_chain_return_value(env->net, &env->gas, result->data->data.len);
    return fvm_price_on_return_value(env->net, &env->gas, result->data->link_count);
}

/* Runs an invocation whose fields are set; `info` is the second argument of an upgrade. */
static fvm_err run_invocation(fvm_call_manager *cm, fvm_call_result *out, fvm_invocation *inv,
                              const fvm_cid *code, const fvm_ipld_block *params,
                              const fvm_ipld_block *info)
{
    fvm_call_result result = { 0 };
    FVM_TRY(fvm_kernel_invoke(inv, &result, code, params, info));
    FVM_TRY(charge_return(cm, &result));
    *out = result;
    return FVM_OK;
}

static fvm_err run_code(fvm_call_manager *cm, fvm_call_result *out, const fvm_invocation *caller,
                        const resolved_call *call, const fvm_cid *code)
{
    fvm_invocation inv = {
        .env = cm->env,
        .parent = caller,
        .entry = FVM_ENTRY_INVOKE,
        .depth = cm->depth,
        .caller = call->from,
        .receiver = call->to,
        .method = call->method,
        .value = call->value,
        .read_only = call->read_only,
    };
    return run_invocation(cm, out, &inv, code, call->params, NULL);
}

static fvm_err move_value(fvm_call_manager *cm, const resolved_call *call)
{
    fvm_message_env *env = cm->env;
    if (fvm_big_is_zero(call->value)) return FVM_OK;
    FVM_TRY(fvm_price_on_value_transfer(env->net, &env->gas));
    return fvm_env_transfer(env, call->from, call->to, call->value);
}

static fvm_err call_resolved(fvm_call_manager *cm, fvm_call_result *out,
                             const fvm_invocation *caller, const resolved_call *call)
{
    fvm_message_env *env = cm->env;
    uint64_t links = call->params ? call->params->link_count : 0;
    const fvm_actor *actor;
    bool v2 = env->net->era == FVM_ERA_V2;

    fvm_err err = fvm_env_get_actor(env, &actor, call->to);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_NOT_FOUND;
    if (err != FVM_OK) return err;
    fvm_cid code = actor->code; /* the pointer does not outlive the transfer */
    if (!call->implicit) trace_invoke(cm, call->to, &code);

    if (v2)
        FVM_TRY(fvm_price_on_method_invocation(env->net, &env->gas, !fvm_big_is_zero(call->value),
                                               call->method, links));
    FVM_TRY(move_value(cm, call));
    if (call->method == METHOD_SEND) { /* the receiver's code never runs, parameters are ignored */
        *out = (fvm_call_result){ 0 };
        return FVM_OK;
    }
    if (!v2)
        FVM_TRY(fvm_price_on_method_invocation(env->net, &env->gas, !fvm_big_is_zero(call->value),
                                               call->method, links));
    return run_code(cm, out, caller, call, &code);
}

/* --- creating receivers that do not exist yet --- */

static fvm_err assign_id(fvm_call_manager *cm, uint64_t *id, const fvm_address *address)
{
    FVM_TRY(fvm_state_register_address(cm->env->state, id, address));
    return fvm_env_address_seen(cm->env, address);
}

static bool is_bls_zero(const fvm_address *address)
{
    static const uint8_t zero[48] = { 0xc0 };
    return fvm_address_protocol(address) == FVM_PROTOCOL_BLS &&
           memcmp(address->bytes + 1, zero, sizeof zero) == 0;
}

static fvm_err construct_account(fvm_call_manager *cm, const fvm_invocation *caller, uint64_t id,
                                 const fvm_address *address)
{
    fvm_message_env *env = cm->env;
    fvm_big zero = fvm_big_zero();
    fvm_buf params;
    fvm_bytes bytes = { 0 };
    fvm_call_result ignored; /* its exit code does not matter, only errors do */

    fvm_buf_init(&params, env->alloc);
    fvm_err err = fvm_cbor_put_bytes(&params, (fvm_bytes){ address->bytes, address->len });
    if (err == FVM_OK) err = fvm_arena_copy(env->arena, &bytes, fvm_buf_bytes(&params));
    fvm_buf_deinit(&params);
    if (err != FVM_OK) return err;

    fvm_ipld_block *block = fvm_arena_zalloc(env->arena, sizeof *block);
    if (!block) return FVM_ERR_NOMEM;
    block->codec = env->net->era == FVM_ERA_V2 ? FVM_CODEC_DAG_CBOR : FVM_CODEC_CBOR;
    block->data = bytes;
    return call_resolved(cm, &ignored, caller,
                         &(resolved_call){
                             .from = FVM_ID_SYSTEM,
                             .to = id,
                             .method = METHOD_CONSTRUCTOR,
                             .value = &zero,
                             .params = block,
                             .implicit = true,
                         });
}

static fvm_err create_account(fvm_call_manager *cm, uint64_t *id, const fvm_invocation *caller,
                              const fvm_address *address)
{
    fvm_message_env *env = cm->env;
    bool v2 = env->net->era == FVM_ERA_V2;
    if (!v2 && is_bls_zero(address)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm_price_on_create_actor(env->net, &env->gas, true));
    if (v2 && is_bls_zero(address)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(assign_id(cm, id, address));

    fvm_actor actor = {
        .code = *fvm_manifest_builtin(env->manifest, FVM_BUILTIN_ACCOUNT),
        .head = fvm_empty_array_cid(),
    };
    FVM_TRY(fvm_env_set_actor(env, *id, &actor));
    return construct_account(cm, caller, *id, address);
}

static fvm_err create_placeholder(fvm_call_manager *cm, uint64_t *id, const fvm_address *address)
{
    fvm_message_env *env = cm->env;
    FVM_TRY(fvm_price_on_create_actor(env->net, &env->gas, true));
    FVM_TRY(assign_id(cm, id, address));
    fvm_actor actor = {
        .code = *fvm_manifest_builtin(env->manifest, FVM_BUILTIN_PLACEHOLDER),
        .head = fvm_empty_array_cid(),
        .delegated = *address,
    };
    return fvm_env_set_actor(env, *id, &actor);
}

static fvm_err create_receiver(fvm_call_manager *cm, uint64_t *id, const fvm_invocation *caller,
                               const fvm_call *call)
{
    uint64_t space;
    fvm_bytes subaddress;
    switch (fvm_address_protocol(&call->to)) {
    case FVM_PROTOCOL_SECP256K1:
    case FVM_PROTOCOL_BLS:
        if (call->read_only) return FVM_ERR_SYS_READ_ONLY;
        return create_account(cm, id, caller, &call->to);
    case FVM_PROTOCOL_DELEGATED:
        if (!fvm_address_to_delegated(&space, &subaddress, &call->to) ||
            space != FVM_ADDRESS_EAM_NAMESPACE)
            return FVM_ERR_SYS_NOT_FOUND;
        if (call->read_only) return FVM_ERR_SYS_READ_ONLY;
        return create_placeholder(cm, id, &call->to);
    default: return FVM_ERR_SYS_NOT_FOUND;
    }
}

static fvm_err call_unchecked(fvm_call_manager *cm, fvm_call_result *out,
                              const fvm_invocation *caller, const fvm_call *call)
{
    uint64_t id;
    fvm_err err = fvm_env_resolve_address(cm->env, &id, &call->to);
    if (err == FVM_ERR_NOT_FOUND) err = create_receiver(cm, &id, caller, call);
    if (err != FVM_OK) return err;
    return call_resolved(cm, out, caller,
                         &(resolved_call){
                             .from = call->from,
                             .to = id,
                             .method = call->method,
                             .value = call->value,
                             .params = call->params,
                             .read_only = call->read_only,
                         });
}

/* --- frames --- */

static bool too_deep(const fvm_call_manager *cm)
{
    const fvm_network *net = cm->env->net;
    return net->depth_inclusive ? cm->depth > net->max_call_depth
                                : cm->depth >= net->max_call_depth;
}

static fvm_err call_in_frame(fvm_call_manager *cm, fvm_call_result *out,
                             const fvm_invocation *caller, const fvm_call *call)
{
    uint64_t memory = cm->env->memory_bytes;
    cm->depth++;
    fvm_err err = call_unchecked(cm, out, caller, call);
    cm->depth--;
    cm->env->memory_bytes = memory; /* engine.md 8: what a frame took is free again when it ends */
    return err;
}

fvm_err fvm_call_manager_call(fvm_call_manager *cm, fvm_call_result *out,
                              const fvm_invocation *caller, const fvm_call *call)
{
    bool limited = call->gas_limit != UINT64_MAX;
    fvm_err err;

    trace_call(cm, call);
    if (limited) FVM_TRY(push_limit(cm, call->gas_limit));
    if (too_deep(cm)) {
        /* fvm v3 returns from here without popping. */
        if (limited && cm->env->net->era != FVM_ERA_V3) pop_limit(cm);
        err = FVM_ERR_SYS_LIMIT_EXCEEDED;
    } else {
        err = call_in_frame(cm, out, caller, call);
        if (limited) pop_limit(cm);
        if (err == FVM_ERR_OUT_OF_GAS && cm->env->net->era != FVM_ERA_V2 &&
            fvm_gas_available(&cm->env->gas) != 0) {
            *out = (fvm_call_result){ .exit_code = FVM_EXIT_CODE_OUT_OF_GAS };
            err = FVM_OK;
        }
    }
    trace_return(cm, err, out);
    return err;
}

/* --- upgrades (FIP-0098) --- */

static fvm_err upgrade_in_frame(fvm_call_manager *cm, fvm_call_result *out,
                                const fvm_invocation *caller, const fvm_ipld_block *params,
                                const fvm_ipld_block *info)
{
    fvm_message_env *env = cm->env;
    const fvm_actor *actor;
    fvm_big zero = fvm_big_zero();
    fvm_err err = fvm_env_get_actor(env, &actor, caller->receiver);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_NOT_FOUND;
    if (err != FVM_OK) return err;
    fvm_cid code = actor->code;
    FVM_TRY(fvm_price_on_method_invocation(env->net, &env->gas, false, FVM_METHOD_UPGRADE,
                                           params ? params->link_count : 0));
    fvm_invocation inv = {
        .env = env,
        .parent = caller,
        .entry = FVM_ENTRY_UPGRADE,
        .depth = cm->depth,
        .caller = caller->caller,
        .receiver = caller->receiver,
        .method = FVM_METHOD_UPGRADE,
        .value = &zero,
    };
    return run_invocation(cm, out, &inv, &code, params, info);
}

fvm_err fvm_call_manager_upgrade(fvm_call_manager *cm, fvm_call_result *out,
                                 const fvm_invocation *caller, const fvm_ipld_block *params,
                                 const fvm_ipld_block *info)
{
    uint64_t memory = cm->env->memory_bytes;
    if (too_deep(cm)) return FVM_ERR_SYS_LIMIT_EXCEEDED;
    cm->depth++;
    fvm_err err = upgrade_in_frame(cm, out, caller, params, info);
    cm->depth--;
    cm->env->memory_bytes = memory;
    return err;
}
