/* invoke.c - one run of an actor's code: registry, charges for the initial memory, instance, entry
 * point, and what came out of it (reference/engine.md 7 to 9).
 *
 * Gas lives in two places. The tracker (env->gas) is authoritative; while wasm runs, the instance has
 * a counter of its own. `settle` moves what wasm used from the counter to the tracker, `sync` copies
 * the tracker to the counter; a syscall settles on entry and syncs on exit. */
#include "exit_code.h"
#include "internal.h"

#define WASM_PAGE UINT64_C(65536)

/* nv17: the counter's difference; the counter may be stale, but is then the next base. */
static fvm_err settle_v2(fvm_invocation *inv, int64_t counter)
{
    int64_t used;
    if (__builtin_sub_overflow(inv->synced_milligas, counter, &used)) used = INT64_MAX;
    inv->synced_milligas = counter;
    return fvm_gas_charge(&inv->env->gas, "wasm_exec", used < 0 ? 0 : (uint64_t)used, 0);
}

fvm_err fvm__gas_settle(fvm_invocation *inv, fvm_wasm_instance *instance)
{
    fvm_message_env *env = inv->env;
    int64_t counter = fvm_wasm_instance_gas(instance);
    if (FVM_UNLIKELY(env->net->era == FVM_ERA_V2)) return settle_v2(inv, counter);

    uint64_t base = (uint64_t)inv->synced_milligas;
    uint64_t exec = counter < 0 ? fvm_sat_add_u64(base, 0 - (uint64_t)counter)
                                : fvm_sat_sub_u64(base, (uint64_t)counter);
    /* What growth of memory cost is within `exec`; it is told apart for traces only. */
    uint64_t grown = fvm_sat_sub_u64(env->memory_bytes, inv->synced_memory);
    uint64_t grow = fvm_sat_mul_u64(grown, env->net->prices->wasm_memory_per_byte);
    if (grow > exec) grow = exec;
    FVM_TRY(fvm_gas_charge(&env->gas, "wasm_exec", exec - grow, 0));
    if (FVM_UNLIKELY(grow)) FVM_TRY(fvm_gas_charge(&env->gas, "wasm_memory_grow", grow, 0));
    return FVM_OK;
}

/* The message's total of memory, over all live instances. */
static bool limiter_grow(void *ctx, uint64_t bytes)
{
    fvm_message_env *env = ctx;
    uint64_t total = fvm_sat_add_u64(env->memory_bytes, bytes);
    if (total > env->net->max_memory_bytes) return false;
    env->memory_bytes = total;
    return true;
}

/* The module's export of kind `kind` under `name`. */
static bool find_export(const fvm_wasm_module *module, fvm_wasm_export *out, fvm_wasm_kind kind,
                        fvm_bytes name)
{
    return fvm_wasm_module_export(module, out, name) && out->kind == kind;
}

/* Charges for the initial table and memory, found by the names of their exports (nv18+). */
static fvm_err charge_init(fvm_message_env *env, const fvm_wasm_module *module)
{
    fvm_wasm_export memory, table;
    if (!find_export(module, &memory, FVM_WASM_MEMORY, FVM_STR("memory"))) return FVM_ERR_FATAL;
    if (env->net->era == FVM_ERA_V2) return FVM_OK;
    if (find_export(module, &table, FVM_WASM_TABLE, FVM_STR("table")))
        FVM_TRY(fvm_price_wasm_table_init(env->net, &env->gas, table.minimum));
    return fvm_price_wasm_memory_init(env->net, &env->gas, memory.minimum * WASM_PAGE);
}

static void trace_start(const fvm_invocation *inv, const fvm_cid *code)
{
    const fvm_trace_sink *sink = inv->env->gas.trace;
    if (!sink || !fvm_wasm_context_watched(inv->env->wasm)) return;
    sink->event(sink->ctx, &(fvm_trace_event){ .kind = FVM_TRACE_WASM_START,
                                               .id = inv->receiver,
                                               .cid = code,
                                               .milligas = inv->synced_milligas });
}

/* Makes the instance. FVM_ERR_EXIT: the actor ends with inv->exit_code. */
static fvm_err instantiate(fvm_invocation *inv, const fvm_wasm_module *module, const fvm_cid *code)
{
    fvm_message_env *env = inv->env;
    bool v2 = env->net->era == FVM_ERA_V2;
    FVM_TRY(charge_init(env, module));

    /* Before nv18 the counter is still 0 while the start function runs: any that does something traps,
     * and all failures are fatal. */
    const fvm_wasm_limiter limiter = { .grow = limiter_grow, .ctx = env };
    inv->synced_milligas = v2 ? 0 : fvm_gas_available(&env->gas);
    inv->synced_memory = env->memory_bytes;
    inv->starting = true;
    trace_start(inv, code);
    fvm_err err = fvm_wasm_instance_new(&inv->instance, env->wasm, module, inv,
                                        v2 ? NULL : &limiter, inv->synced_milligas);
    inv->starting = false;
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    if (err == FVM_ERR_WASM_LINK || !inv->instance) return FVM_ERR_FATAL;
    if (v2) return err == FVM_OK ? FVM_OK : FVM_ERR_FATAL;

    /* Running out of gas in wasm goes before any other failure; every other failure is a trap, even an
     * exit or a fatal error of a syscall. */
    FVM_TRY(fvm__gas_settle(inv, inv->instance));
    if (err == FVM_OK) return FVM_OK;
    inv->exit_code = FVM_EXIT_CODE_ILLEGAL_INSTRUCTION;
    inv->exit_handle = 0;
    return FVM_ERR_EXIT;
}

/* Finds the entry point. FVM_ERR_EXIT as above. */
static fvm_err find_entry(fvm_invocation *inv, const fvm_wasm_module *module, fvm_wasm_export *out)
{
    bool upgrade = inv->entry == FVM_ENTRY_UPGRADE;
    fvm_bytes name = upgrade ? FVM_STR("upgrade") : FVM_STR("invoke");
    if (!find_export(module, out, FVM_WASM_FUNC, name)) {
        if (inv->env->net->era != FVM_ERA_V4) return FVM_ERR_FATAL;
        inv->exit_code = FVM_EXIT_CODE_INVALID_RECEIVER;
        inv->exit_handle = 0;
        return FVM_ERR_EXIT;
    }
    bool typed = strcmp(out->params, upgrade ? "ii" : "i") == 0 && strcmp(out->results, "i") == 0;
    if (typed) return FVM_OK;
    /* From nv21 the reference notices in the call itself, with the settling after it (of nothing). */
    if (inv->env->net->era == FVM_ERA_V4) {
        fvm__gas_sync(inv, inv->instance);
        FVM_TRY(fvm__gas_settle(inv, inv->instance));
    }
    return FVM_ERR_FATAL;
}

/* Runs the code. Out: the handle of the returned block. FVM_ERR_EXIT: the actor ends with
 * inv->exit_code and inv->exit_handle. */
static fvm_err run(fvm_invocation *inv, uint32_t *returned, const fvm_cid *code,
                   const uint64_t *handles)
{
    fvm_message_env *env = inv->env;
    fvm_wasm_export entry;
    FVM_TRY(env->ops->module(env->ops->ctx, &inv->module, code));
    FVM_TRY(instantiate(inv, inv->module, code));
    FVM_TRY(find_entry(inv, inv->module, &entry));

    inv->exited = false; /* an exit inside the start function does not count */
    fvm__gas_sync(inv, inv->instance);
    trace_start(inv, code);
    uint64_t result = 0;
    fvm_err err = fvm_wasm_instance_call(inv->instance, &result, entry.index, handles);
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    FVM_TRY(fvm__gas_settle(inv, inv->instance));
    *returned = (uint32_t)result;
    return err;
}

/* Maps how the run ended to exit code and block. */
static fvm_err outcome(const fvm_invocation *inv, fvm_call_result *out, fvm_err err,
                       uint32_t returned)
{
    const fvm_ipld_block *data;
    switch (err) {
    case FVM_OK:
        data = fvm__registry_get(&inv->registry, returned);
        *out = (fvm_call_result){ .exit_code = returned && !data ? FVM_EXIT_CODE_MISSING_RETURN : 0,
                                  .data = data };
        return FVM_OK;
    case FVM_ERR_EXIT:
        data = fvm__registry_get(&inv->registry, inv->exit_handle);
        if (inv->exit_handle && !data) return FVM_ERR_FATAL;
        *out = (fvm_call_result){ .exit_code = inv->exit_code, .data = data };
        return FVM_OK;
    case FVM_ERR_TRAP:
        *out = (fvm_call_result){ .exit_code = FVM_EXIT_CODE_ILLEGAL_INSTRUCTION };
        return FVM_OK;
    case FVM_ERR_OUT_OF_GAS: return err;
    default: {
        fvm_err_class class = fvm_err_class_of(err);
        return class == FVM_CLASS_HOST || class == FVM_CLASS_FATAL ? err : FVM_ERR_FATAL;
    }
    }
}

typedef struct fvm__run_args {
    fvm_invocation *inv;
    uint32_t returned;
    const fvm_cid *code;
    const uint64_t *handles;
} fvm__run_args;

static fvm_err run_on_stack(void *arg)
{
    fvm__run_args *args = arg;
    return run(args->inv, &args->returned, args->code, args->handles);
}

fvm_err fvm_kernel_invoke(fvm_invocation *inv, fvm_call_result *out, const fvm_cid *code,
                          const fvm_ipld_block *params, const fvm_ipld_block *upgrade_info)
{
    fvm_message_env *env = inv->env;
    inv->registry = (fvm_registry){ 0 };
    inv->reachable = (fvm_cid_set){ 0 };
    inv->module = NULL;
    inv->instance = NULL;
    inv->synced_milligas = 0;
    inv->synced_memory = env->memory_bytes;
    inv->starting = inv->exited = false;
    inv->exit_code = inv->exit_handle = 0;

    uint32_t first = 0, second = 0;
    if (params) FVM_TRY(fvm__registry_put(inv, &first, params));
    if (upgrade_info) FVM_TRY(fvm__registry_put(inv, &second, upgrade_info));
    const uint64_t handles[2] = { first, second };

    fvm__run_args args = { .inv = inv, .code = code, .handles = handles };
    fvm_err err = fvm_wasm_context_run(env->wasm, run_on_stack, &args);
    err = outcome(inv, out, err, args.returned);
    if (inv->instance) fvm_wasm_instance_free(inv->instance);
    fvm_wasm_module_free(inv->module);
    inv->instance = NULL;
    inv->module = NULL;
    return err;
}
