/* executor.c - from a message to its receipt: preflight, the call, the settlement of fees. The order
 * of steps is reference/executor.md 2; the numbers in comments are its. */
#include "base/big.h"
#include "call_manager.h"
#include "events_root.h"
#include "gas_outputs.h"
#include "kernel/exit_code.h"
#include "machine_internal.h"

/** What preflight found out. */
typedef struct preflight {
    bool stop; /* the receipt is final */
    uint64_t sender;
} preflight;

static fvm_err refuse(fvm_receipt *receipt, preflight *out, uint32_t exit_code,
                      const fvm_big *penalty, const char *why)
{
    receipt->exit_code = exit_code;
    receipt->penalty = *penalty;
    receipt->failure = why;
    out->stop = true;
    return FVM_OK;
}

static bool same_code(const fvm_cid *code, const fvm_manifest *manifest, fvm_builtin which)
{
    const fvm_cid *builtin = fvm_manifest_builtin(manifest, which);
    return builtin && fvm_cid_eq(code, builtin);
}

/* Step 6: whether the actor may send; `promote` says that it is a placeholder which becomes an
 * Ethereum account by that. */
static bool sender_valid(const fvm_machine *m, const fvm_actor *sender, bool *promote)
{
    uint64_t space;
    fvm_bytes sub;
    *promote = false;
    if (same_code(&sender->code, m->manifest, FVM_BUILTIN_ACCOUNT)) return true;
    if (m->net->era == FVM_ERA_V2) return false;
    if (same_code(&sender->code, m->manifest, FVM_BUILTIN_ETHACCOUNT)) return true;
    if (!same_code(&sender->code, m->manifest, FVM_BUILTIN_PLACEHOLDER) || sender->nonce != 0 ||
        sender->delegated.len == 0 || !fvm_address_to_delegated(&space, &sub, &sender->delegated) ||
        space != FVM_ADDRESS_EAM_NAMESPACE)
        return false;
    *promote = true;
    return true;
}

/* Steps 5 to 8. */
static fvm_err charge_sender(fvm_machine *m, fvm_receipt *receipt, preflight *out,
                             const fvm_message *msg, const fvm_big *penalty)
{
    const fvm_actor *found;
    fvm_actor *sender;
    bool promote;
    fvm_err err = fvm_state_get(m->state, &found, out->sender);
    if (err == FVM_ERR_NOT_FOUND)
        return refuse(receipt, out, FVM_EXIT_CODE_SENDER_INVALID, penalty,
                      "the sender does not exist");
    if (err != FVM_OK) return err;

    if (!sender_valid(m, found, &promote))
        return refuse(receipt, out, FVM_EXIT_CODE_SENDER_INVALID, penalty,
                      "the sender is not an account");
    if (msg->nonce != found->nonce)
        return refuse(receipt, out, FVM_EXIT_CODE_SENDER_STATE_INVALID, penalty,
                      "the nonce is not the sender's");

    fvm_big gas_cost;
    FVM_TRY(fvm_big_mul_u64(&gas_cost, &msg->gas_fee_cap, msg->gas_limit));
    if (fvm_big_cmp(&found->balance, &gas_cost) < 0)
        return refuse(receipt, out, FVM_EXIT_CODE_SENDER_STATE_INVALID, penalty,
                      "the sender's balance does not cover the gas limit");
    /* fvm v4 stops here with an error; v2 and v3 would raise the balance, which clients prevent
     * by refusing such messages, and so do we. */
    if (fvm_big_sign(&gas_cost) < 0) return FVM_ERR_INVALID;
    FVM_TRY(fvm_state_edit(m->state, &sender, out->sender));
    FVM_TRY(fvm_big_sub(&sender->balance, &sender->balance, &gas_cost));
    sender->nonce++;
    if (promote) sender->code = *fvm_manifest_builtin(m->manifest, FVM_BUILTIN_ETHACCOUNT);
    return FVM_OK;
}

/* Steps 1 to 8. */
static fvm_err run_preflight(fvm_machine *m, fvm_receipt *receipt, preflight *out,
                             const fvm_message *msg, fvm_apply_kind kind, uint64_t chain_length)
{
    fvm_big penalty;
    fvm__big_clear(&penalty);
    *out = (preflight){ 0 };

    if (msg->gas_limit == 0 || msg->gas_limit > INT64_MAX) return FVM_ERR_INVALID;
    if (kind == FVM_APPLY_EXPLICIT) {
        uint64_t milligas = fvm_price_inclusion(m->net, chain_length);
        uint64_t inclusion = milligas / FVM_MILLIGAS + (milligas % FVM_MILLIGAS != 0);
        bool covered = inclusion <= msg->gas_limit;
        FVM_TRY(
            fvm_big_mul_u64(&penalty, &m->tipset.base_fee, covered ? msg->gas_limit : inclusion));
        if (!covered)
            return refuse(receipt, out, FVM_EXIT_CODE_OUT_OF_GAS, &penalty,
                          "the gas limit does not cover inclusion");
    }
    fvm_err err = fvm_state_lookup_id(m->state, &out->sender, &msg->from);
    if (err == FVM_ERR_NOT_FOUND)
        return refuse(receipt, out, FVM_EXIT_CODE_SENDER_INVALID, &penalty, "the sender has no ID");
    if (err != FVM_OK) return err;
    if (kind == FVM_APPLY_IMPLICIT) return FVM_OK;
    return charge_sender(m, receipt, out, msg, &penalty);
}

/* --- the call --- */

/* Modules that the message ran, so that calls within it pass the engine's lock once for each: by bits
 * of the code's digest, and held until the message ends. */
#define KNOWN_MODULES 8u
typedef struct known_module {
    const fvm_wasm_module *module; /* NULL: empty */
    fvm_cid code;
} known_module;

typedef struct running {
    fvm_machine *machine;
    known_module known[KNOWN_MODULES];
    fvm_message_env env;
    fvm_call_manager calls;
    fvm_kernel_ops ops;
} running;

static bool interrupted(const fvm_machine *m)
{
    return m->interrupted && m->interrupted(m->interrupt_ctx);
}

static fvm_err op_call(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                       const fvm_call *call)
{
    running *run = ctx;
    if (interrupted(run->machine)) return FVM_ERR_EXTERN;
    return fvm_call_manager_call(&run->calls, out, caller, call);
}

static fvm_err op_upgrade(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                          const fvm_ipld_block *params, const fvm_ipld_block *info)
{
    running *run = ctx;
    return fvm_call_manager_upgrade(&run->calls, out, caller, params, info);
}

static fvm_err op_module(void *ctx, const fvm_wasm_module **out, const fvm_cid *code)
{
    running *run = ctx;
    fvm_machine *m = run->machine;
    known_module *known = &run->known[code->digest[0] % KNOWN_MODULES];
    if (!known->module || !fvm_cid_eq(&known->code, code) ||
        !fvm_wasm_context_takes(m->context->wasm, known->module)) {
        const fvm_wasm_module *module;
        FVM_TRY(fvm__engine_module(m->context->engine, &module, m->context->wasm, m->net, m->hosts,
                                   &m->store, code));
        fvm_wasm_module_free(known->module);
        *known = (known_module){ module, *code };
    }
    *out = fvm_wasm_module_hold(known->module);
    return FVM_OK;
}

static void let_go_of_modules(running *run)
{
    for (size_t i = 0; i < KNOWN_MODULES; i++) fvm_wasm_module_free(run->known[i].module);
}

/* A module that does not load here would load nowhere. */
static fvm_err op_install(void *ctx, const fvm_cid *code)
{
    const fvm_wasm_module *module;
    fvm_wasm_export memory, entry;
    fvm_err err = op_module(ctx, &module, code);
    if (err == FVM_ERR_BAD_STATE) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (err != FVM_OK) return err;
    bool good = fvm_wasm_module_links(module) &&
                fvm_wasm_module_export(module, &memory, FVM_STR("memory")) &&
                memory.kind == FVM_WASM_MEMORY &&
                fvm_wasm_module_export(module, &entry, FVM_STR("invoke")) &&
                entry.kind == FVM_WASM_FUNC && strcmp(entry.params, "i") == 0 &&
                strcmp(entry.results, "i") == 0;
    fvm_wasm_module_free((fvm_wasm_module *)(uintptr_t)module);
    return good ? FVM_OK : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
}

/* Step 9: min(premium, fee cap - base fee), at least 0. */
static fvm_err effective_premium(fvm_big *out, const fvm_machine *m, const fvm_message *msg)
{
    fvm_big room;
    FVM_TRY(fvm_big_sub(&room, &msg->gas_fee_cap, &m->tipset.base_fee));
    fvm__big_copy(out, fvm_big_cmp(&msg->gas_premium, &room) < 0 ? &msg->gas_premium : &room);
    if (fvm_big_sign(out) < 0) fvm__big_clear(out);
    return FVM_OK;
}

/* Steps 9 and 10. */
static fvm_err start(running *run, fvm_machine *m, const fvm_message *msg, uint64_t sender)
{
    uint64_t receiver;
    run->machine = m;
    for (size_t i = 0; i < KNOWN_MODULES; i++) run->known[i].module = NULL;
    run->ops = (fvm_kernel_ops){
        .call = op_call,
        .module = op_module,
        .upgrade = op_upgrade,
        .install = op_install,
        .ctx = run,
    };
    run->env = (fvm_message_env){
        .net = m->net,
        .tipset = &m->tipset,
        .externs = &m->externs,
        .manifest = m->manifest,
        .blocks = &m->store,
        .state = m->state,
        .arena = &m->context->arena,
        .wasm = m->context->wasm,
        .ops = &run->ops,
        .alloc = m->alloc,
        .origin = sender,
        .origin_address = msg->from,
        .nonce = msg->nonce,
        .debug = m->debug,
    };
    fvm_call_manager_init(&run->calls, &run->env);
    fvm_gas_init(&run->env.gas, msg->gas_limit, m->trace);
    FVM_TRY(effective_premium(&run->env.gas_premium, m, msg));

    fvm_state_access_reset(m->state);
    FVM_TRY(fvm_state_access_raise(m->state, sender, FVM_ACCESS_UPDATED));
    fvm_err err = fvm_state_lookup_id(m->state, &receiver, &msg->to);
    if (err == FVM_OK) err = fvm_state_access_raise(m->state, receiver, FVM_ACCESS_READ);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    FVM_TRY(fvm_env_address_seen(&run->env, &msg->from));
    return fvm_env_address_seen(&run->env, &msg->to);
}

/* Step 12. Links sent from off the chain are not reachable, so the codec is never DAG-CBOR from
 * nv18 on. */
static fvm_err make_params(running *run, const fvm_ipld_block **out, const fvm_message *msg)
{
    *out = NULL;
    if (msg->params.len == 0) return FVM_OK;
    fvm_ipld_block *block = fvm_arena_zalloc(run->env.arena, sizeof *block);
    if (!block) return FVM_ERR_NOMEM;
    block->codec = run->env.net->era == FVM_ERA_V2 ? FVM_CODEC_DAG_CBOR
                   : msg->method == 0              ? FVM_CODEC_RAW
                                                   : FVM_CODEC_CBOR;
    block->data = msg->params;
    *out = block;
    return FVM_OK;
}

static fvm_err call_message(running *run, fvm_call_result *result, const fvm_message *msg)
{
    fvm_call call = {
        .from = run->env.origin,
        .to = msg->to,
        .method = msg->method,
        .value = &msg->value,
        .gas_limit = UINT64_MAX,
    };
    FVM_TRY(make_params(run, &call.params, msg));
    FVM_TRY(fvm_call_manager_call(&run->calls, result, NULL, &call));
    /* nv17 charges for the return value here, where running out of gas still reverts. */
    if (run->env.net->era == FVM_ERA_V2 && result->exit_code == 0)
        FVM_TRY(fvm_price_on_chain_return_value(run->env.net, &run->env.gas,
                                                result->data ? result->data->data.len : 0));
    return FVM_OK;
}

/* Steps 11 to 13: inclusion, then the call in a transaction. */
static fvm_err execute(running *run, fvm_call_result *result, const fvm_message *msg,
                       fvm_apply_kind kind, uint64_t chain_length)
{
    fvm_env_mark mark;
    if (kind == FVM_APPLY_EXPLICIT &&
        fvm_price_on_chain_message(run->env.net, &run->env.gas, chain_length) != FVM_OK)
        return FVM_ERR_INVALID; /* preflight has made sure that it fits */
    FVM_TRY(fvm_env_begin(&run->env, &mark));
    fvm_err err = call_message(run, result, msg);
    fvm_env_end(&run->env, mark, err != FVM_OK || result->exit_code != 0);
    return err;
}

static uint32_t exit_of_syscall_error(fvm_err err)
{
    if (err == FVM_ERR_SYS_INSUFFICIENT_FUNDS) return FVM_EXIT_CODE_INSUFFICIENT_FUNDS;
    if (err == FVM_ERR_SYS_NOT_FOUND) return FVM_EXIT_CODE_INVALID_RECEIVER;
    return FVM_EXIT_CODE_ASSERTION_FAILED;
}

/* Step 15. */
static fvm_err map_result(fvm_receipt *receipt, fvm_err err, const fvm_call_result *result,
                          const running *run, const fvm_message *msg)
{
    receipt->gas_used = fvm_gas_used_units(&run->env.gas);
    receipt->failure = err == FVM_OK ? NULL : fvm_err_text(err);
    switch (fvm_err_class_of(err)) {
    case FVM_CLASS_NONE:
        receipt->exit_code = result->exit_code;
        if (!result->data || (run->env.net->era == FVM_ERA_V2 && result->exit_code != 0))
            return FVM_OK;
        receipt->has_return_codec = true;
        receipt->return_codec = result->data->codec;
        return fvm_buf_append(&receipt->return_data, result->data->data);
    case FVM_CLASS_SYSCALL: receipt->exit_code = exit_of_syscall_error(err); return FVM_OK;
    case FVM_CLASS_ACTOR: receipt->exit_code = FVM_EXIT_CODE_OUT_OF_GAS; return FVM_OK;
    case FVM_CLASS_FATAL: /* every node consumes all of the gas, so that all agree */
        receipt->exit_code = FVM_EXIT_CODE_ASSERTION_FAILED;
        receipt->gas_used = msg->gas_limit;
        return FVM_OK;
    default: /* a failure of this node; INPUT class must not get here and says nothing of the chain */
        return err;
    }
}

static fvm_err finish(fvm_receipt *receipt, fvm_err err, const fvm_call_result *result,
                      const running *run, const fvm_message *msg)
{
    FVM_TRY(map_result(receipt, err, result, run, msg));
    receipt->event_count = run->env.event_count;
    if (receipt->event_count == 0) return FVM_OK;
    receipt->has_events_root = true;
    return fvm_events_root(&receipt->events_root, &receipt->events, run->env.events,
                           run->env.event_count, run->env.alloc);
}

static fvm_err call_and_finish(fvm_machine *m, fvm_receipt *receipt, const fvm_message *msg,
                               fvm_apply_kind kind, uint64_t chain_length, uint64_t sender)
{
    running run;
    fvm_call_result result = { 0 };
    fvm_err err = start(&run, m, msg, sender);
    if (err == FVM_OK) {
        err = execute(&run, &result, msg, kind, chain_length);
        err = finish(receipt, err, &result, &run, msg);
    }
    let_go_of_modules(&run);
    fvm_call_manager_deinit(&run.calls);
    fvm_env_deinit(&run.env);
    fvm_arena_reset(&m->context->arena);
    return err;
}

/* --- settlement --- */

static fvm_err pay(fvm_machine *m, uint64_t id, const fvm_big *amount)
{
    if (fvm_big_sign(amount) < 0) return FVM_ERR_INVALID;
    if (fvm_big_is_zero(amount)) return FVM_OK;
    fvm_err err = fvm_state_credit(m->state, id, amount);
    return err == FVM_ERR_NOT_FOUND || err == FVM_ERR_RANGE ? FVM_ERR_BAD_STATE : err;
}

/* Step 16. */
static fvm_err settle(fvm_machine *m, fvm_receipt *receipt, const fvm_message *msg, uint64_t sender)
{
    fvm_gas_outputs o;
    FVM_TRY(fvm_gas_outputs_compute(&o, receipt->gas_used, msg->gas_limit, &m->tipset.base_fee,
                                    &msg->gas_fee_cap, &msg->gas_premium));
    FVM_TRY(pay(m, FVM_ID_BURNT, &o.base_fee_burn));
    FVM_TRY(pay(m, FVM_ID_REWARD, &o.miner_tip));
    FVM_TRY(pay(m, FVM_ID_BURNT, &o.over_estimation_burn));
    FVM_TRY(pay(m, sender, &o.refund));
    fvm__big_copy(&receipt->penalty, &o.penalty);
    fvm__big_copy(&receipt->miner_tip, &o.miner_tip);
    fvm__big_copy(&receipt->base_fee_burn, &o.base_fee_burn);
    fvm__big_copy(&receipt->over_estimation_burn, &o.over_estimation_burn);
    fvm__big_copy(&receipt->refund, &o.refund);
    receipt->gas_refund = o.gas_refund;
    receipt->gas_burned = o.gas_burned;
    return FVM_OK;
}

fvm_err fvm__executor_apply(fvm_machine *machine, fvm_receipt *receipt, const fvm_message *message,
                            fvm_apply_kind kind, uint64_t chain_length)
{
    preflight pre;
    if (interrupted(machine)) return FVM_ERR_EXTERN;
    FVM_TRY(run_preflight(machine, receipt, &pre, message, kind, chain_length));
    if (pre.stop) return FVM_OK;
    FVM_TRY(call_and_finish(machine, receipt, message, kind, chain_length, pre.sender));
    return kind == FVM_APPLY_EXPLICIT ? settle(machine, receipt, message, pre.sender) : FVM_OK;
}
