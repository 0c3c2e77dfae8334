/* syscall_vm.c - modules `vm`, `network`, `rand`, `gas`, `event`, `send` and `debug`
 * (reference/kernel.md 4, 6 and 7). */
#include "exit_code.h"
#include "internal.h"

#include "base/big.h"
#include "crypto/crypto.h"
#include "ipld/cbor.h"

/* --- vm --- */

static fvm_err end(fvm_syscall *c, uint32_t code, uint32_t handle)
{
    c->inv->exited = true;
    c->inv->exit_code = code;
    c->inv->exit_handle = handle;
    return FVM_ERR_EXIT;
}

/* nv17: never a success, and no data. The message only matters to people. */
fvm_err fvm__vm_abort(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    uint32_t code = (uint32_t)args[0];
    return end(c, code <= FVM_EXIT_CODE_SYSTEM_MAX ? FVM_EXIT_CODE_ILLEGAL_EXIT_CODE : code, 0);
}

fvm_err fvm__vm_exit(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    uint32_t code = (uint32_t)args[0];
    bool illegal = code != 0 && code <= FVM_EXIT_CODE_SYSTEM_MAX;
    return end(c, illegal ? FVM_EXIT_CODE_ILLEGAL_EXIT_CODE : code, (uint32_t)args[1]);
}

fvm_err fvm__vm_context(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    const fvm_invocation *inv = c->inv;
    FVM_TRY(fvm__store_amount(out, inv->value));
    fvm_store_le64(out + 16, inv->caller);
    fvm_store_le64(out + 24, inv->receiver);
    fvm_store_le64(out + 32, inv->method);
    fvm_store_le64(out + 40, (uint64_t)c->env->tipset->epoch);
    fvm_store_le32(out + 48, c->env->net->version);
    return FVM_OK;
}

fvm_err fvm__vm_message_context(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    const fvm_invocation *inv = c->inv;
    FVM_TRY(fvm_price_on_message_context(c->env->net, &c->env->gas));
    fvm_store_le64(out, c->env->origin);
    fvm_store_le64(out + 8, c->env->nonce);
    fvm_store_le64(out + 16, inv->caller);
    fvm_store_le64(out + 24, inv->receiver);
    fvm_store_le64(out + 32, inv->method);
    FVM_TRY(fvm__store_amount(out + 40, inv->value));
    FVM_TRY(fvm__store_amount(out + 56, &c->env->gas_premium));
    fvm_store_le64(out + 72, inv->read_only);
    return FVM_OK;
}

/* --- network --- */

fvm_err fvm__network_base_fee(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    return fvm__store_amount(out, &c->env->tipset->base_fee);
}

fvm_err fvm__network_circ_supply(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    return fvm__store_amount(out, &c->env->tipset->circulating_supply);
}

fvm_err fvm__network_context(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    const fvm_tipset_context *tipset = c->env->tipset;
    FVM_TRY(fvm_price_on_network_context(c->env->net, &c->env->gas));
    fvm_store_le64(out, (uint64_t)tipset->epoch);
    fvm_store_le64(out + 8, tipset->timestamp);
    FVM_TRY(fvm__store_amount(out + 16, &tipset->base_fee));
    fvm_store_le64(out + 32, tipset->chain_id);
    fvm_store_le32(out + 40, c->env->net->version);
    return FVM_OK;
}

#define FINALITY 900 /* epochs; nv18-20 look no further back */

fvm_err fvm__network_tipset_cid(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    int64_t epoch = (int64_t)args[0];
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[1], args[2]));
    if (epoch < 0 || epoch >= env->tipset->epoch) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    uint64_t lookback = (uint64_t)(env->tipset->epoch - epoch);
    if (env->net->era == FVM_ERA_V3 && lookback >= FINALITY) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm_price_on_tipset_cid(env->net, &env->gas, lookback));
    fvm_cid cid;
    const fvm_externs *x = env->externs;
    fvm_err err = x->tipset_cid ? x->tipset_cid(x->ctx, &cid, epoch) : FVM_ERR_NOT_FOUND;
    if (err != FVM_OK) return fvm__extern_err(err, FVM_ERR_FATAL);
    return fvm__write_cid(out, c, args[1], args[2], &cid);
}

/* --- rand --- */

typedef fvm_err fvm__randomness_fn(void *ctx, uint8_t out[32], int64_t epoch);

static fvm_err randomness(fvm_syscall *c, uint8_t *out, fvm__randomness_fn *source, int64_t round)
{
    fvm_err err = source ? source(c->env->externs->ctx, out, round) : FVM_ERR_NOT_FOUND;
    return err == FVM_OK ? FVM_OK : fvm__extern_err(err, FVM_ERR_SYS_ILLEGAL_ARGUMENT);
}

/* nv21+: as the source gives it. A round in the future makes the distance wrap to a huge number, whose
 * price nobody can pay. */
static fvm_err rand_plain(fvm_syscall *c, const uint64_t *args, uint8_t *out,
                          fvm__randomness_fn *source)
{
    int64_t round = (int64_t)args[0], lookback;
    if (__builtin_sub_overflow(c->env->tipset->epoch, round, &lookback))
        return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm_price_on_get_randomness(c->env->net, &c->env->gas, (uint64_t)lookback, 0));
    return randomness(c, out, source, round);
}

/* Before nv21: drawn from the source for a purpose, blake2b-256(tag || base || round || entropy). */
static fvm_err rand_drawn(fvm_syscall *c, const uint64_t *args, uint8_t *out,
                          fvm__randomness_fn *source)
{
    uint8_t head[48];
    fvm_bytes entropy;
    FVM_TRY(fvm__slice(&entropy, c, args[2], args[3]));
    FVM_TRY(fvm_price_on_get_randomness(c->env->net, &c->env->gas, 0, entropy.len));
    fvm_store_be64(head, args[0]);
    FVM_TRY(randomness(c, head + 8, source, (int64_t)args[1]));
    fvm_store_be64(head + 40, args[1]);
    fvm_blake2b_ctx hash;
    fvm_blake2b_init(&hash);
    fvm_blake2b_update(&hash, (fvm_bytes){ head, sizeof head });
    fvm_blake2b_update(&hash, entropy);
    fvm_blake2b_final(&hash, out);
    return FVM_OK;
}

fvm_err fvm__rand_chain(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    return rand_plain(c, args, out, c->env->externs->chain_randomness);
}
fvm_err fvm__rand_beacon(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    return rand_plain(c, args, out, c->env->externs->beacon_randomness);
}
fvm_err fvm__rand_chain_drawn(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    return rand_drawn(c, args, out, c->env->externs->chain_randomness);
}
fvm_err fvm__rand_beacon_drawn(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    return rand_drawn(c, args, out, c->env->externs->beacon_randomness);
}

/* --- gas --- */

fvm_err fvm__gas_charge_units(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_bytes name;
    FVM_TRY(fvm__slice(&name, c, args[0], args[1]));
    if (!fvm_utf8_valid(name)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    if (c->env->net->era == FVM_ERA_V2 && (int64_t)args[2] < 0) { /* signed then: a refund */
        fvm_gas_refund(&c->env->gas, name, fvm_sat_mul_u64(0 - args[2], FVM_MILLIGAS));
        return FVM_OK;
    }
    return fvm_gas_charge_named(&c->env->gas, name, fvm_sat_mul_u64(args[2], FVM_MILLIGAS), 0);
}

fvm_err fvm__gas_left(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    fvm_store_le64(out, (uint64_t)fvm_gas_available(&c->env->gas) / FVM_MILLIGAS);
    return FVM_OK;
}

/* --- event --- */

fvm_err fvm__event_emit_blob(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_bytes blob;
    FVM_TRY(fvm__slice(&blob, c, args[0], args[1]));
    return fvm__event_emit_cbor(c->inv, blob);
}

fvm_err fvm__event_emit_parts(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    uint32_t count = (uint32_t)args[1];
    fvm_bytes heads, keys, values;
    if (count > UINT32_MAX / 24) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm__slice(&heads, c, args[0], (uint64_t)count * 24));
    FVM_TRY(fvm__slice(&keys, c, args[2], args[3]));
    FVM_TRY(fvm__slice(&values, c, args[4], args[5]));
    return fvm__event_emit(c->inv, heads.ptr, count, keys, values);
}

/* --- send --- */

#define SEND_READ_ONLY UINT64_C(1)

/* Checks, transaction, call, result. A returned block comes back with a failure as well (nv18+). */
static fvm_err send(fvm_syscall *c, uint8_t *out, fvm_call *call, uint32_t params)
{
    fvm_invocation *inv = c->inv;
    fvm_message_env *env = c->env;
    if (call->read_only && !fvm_big_is_zero(call->value)) return FVM_ERR_SYS_READ_ONLY;
    if (params) {
        call->params = fvm__registry_get(&inv->registry, params);
        if (!call->params) return FVM_ERR_SYS_INVALID_HANDLE;
    }
    if (fvm__registry_full(&inv->registry)) return FVM_ERR_SYS_LIMIT_EXCEEDED;

    fvm_env_mark mark;
    fvm_call_result result = { 0 };
    FVM_TRY(fvm_env_begin(env, &mark));
    fvm_err err = env->ops->call(env->ops->ctx, &result, inv, call);
    fvm_env_end(env, mark, err != FVM_OK || result.exit_code != 0);
    if (err != FVM_OK) return err;
    if (env->net->era == FVM_ERA_V2 && result.exit_code != 0) result.data = NULL;
    return fvm__store_result(inv, out, &result);
}

fvm_err fvm__send(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_big value;
    fvm__big_set_u128(&value, (fvm_u128)args[4] << 64 | args[5]);
    fvm_call call = { .from = c->inv->receiver, .method = args[2], .value = &value };
    FVM_TRY(fvm__read_address(&call.to, c, args[0], args[1]));
    call.gas_limit = UINT64_MAX;
    if (args[6] != UINT64_MAX) {
        /* More than there can be of it stays a limit, which is as much as there is. */
        call.gas_limit = fvm_sat_mul_u64(args[6], FVM_MILLIGAS);
        if (call.gas_limit == UINT64_MAX) call.gas_limit--;
    }
    if (args[7] & ~SEND_READ_ONLY) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    call.read_only = c->inv->read_only || args[7] == SEND_READ_ONLY;
    return send(c, out, &call, (uint32_t)args[3]);
}

fvm_err fvm__send_plain(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_big value;
    fvm__big_set_u128(&value, (fvm_u128)args[4] << 64 | args[5]);
    fvm_call call = {
        .from = c->inv->receiver, .method = args[2], .value = &value, .gas_limit = UINT64_MAX
    };
    FVM_TRY(fvm__read_address(&call.to, c, args[0], args[1]));
    return send(c, out, &call, (uint32_t)args[3]);
}

/* --- debug: nothing at all unless the machine allows it, not even checks --- */

#define ARTIFACT_NAME_MAX 256u

fvm_err fvm__debug_log(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_bytes text;
    if (!c->env->debug) return FVM_OK;
    FVM_TRY(fvm__slice(&text, c, args[0], args[1]));
    if (!fvm_utf8_valid(text)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    const fvm_trace_sink *sink = c->env->gas.trace;
    if (sink) {
        fvm_trace_event event = { .kind = FVM_TRACE_LOG, .id = c->inv->receiver, .data = text };
        sink->event(sink->ctx, &event);
    }
    return FVM_OK;
}

fvm_err fvm__debug_enabled(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    fvm_store_le32(out, c->env->debug ? 0 : UINT32_MAX); /* 0 or -1 */
    return FVM_OK;
}

/* The name is checked as the reference's, which writes a file; here nothing is written. */
fvm_err fvm__debug_store_artifact(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_bytes name, data;
    if (!c->env->debug) return FVM_OK;
    FVM_TRY(fvm__slice(&data, c, args[2], args[3]));
    FVM_TRY(fvm__slice(&name, c, args[0], args[1]));
    if (!fvm_utf8_valid(name) || name.len > ARTIFACT_NAME_MAX || name.len == 0 ||
        name.ptr[0] == '.' || memchr(name.ptr, '/', name.len))
        return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return FVM_OK;
}
