/* eth_call.c - messages that are tried and not kept: eth_call, eth_estimateGas, their overrides, and
 * what is said when they fail (reference rpc.md 2 and 8). */
#include "ipld/cbor.h"
#include "methods.h"

#include <inttypes.h>

#define EXIT_INSUFFICIENT_FUNDS 6u
#define EXIT_EVM_REVERTED 33u

/* --- messages of call objects --- */

fvm_err fvm_rpc_call_message(fvm_rpc_call *call, fvm_message *m, fvm_buf *params,
                             const fvm_rpc_tx_request *r)
{
    params->len = 0;
    FVM_TRY(fvm_eth_params_write(params, fvm_buf_bytes(&r->input)));
    memset(m, 0, sizeof *m);
    m->from = fvm_rpc_fil(&r->from); /* nobody named: the zero address, which exists (FIP-0055) */
    m->to = r->has_to ? fvm_rpc_fil(&r->to) : fvm_address_id(FVM_ETH_MANAGER_ID);
    m->method = r->has_to ? FVM_ETH_METHOD_INVOKE : FVM_ETH_METHOD_CREATE;
    m->value = r->value;
    m->params = fvm_buf_bytes(params);
    uint64_t most = fvm_chain_block_gas(call->node->chain);
    m->gas_limit = r->has_gas && r->gas && r->gas < most ? r->gas : most;
    return FVM_OK;
}

fvm_bytes fvm_rpc_evm_output(const fvm_receipt *receipt)
{
    fvm_bytes out, none = { NULL, 0 };
    return fvm_eth_params_read(&out, fvm_buf_bytes(&receipt->return_data)) ? out : none;
}

/* --- failures --- */

static void hex_text(char *out, size_t room, fvm_bytes data)
{
    size_t n = data.len * 2 + 3 <= room ? data.len : (room - 3) / 2;
    memcpy(out, "0x", 3);
    for (size_t i = 0; i < n; i++) (void)snprintf(out + 2 + 2 * i, 3, "%02x", data.ptr[i]);
}

static const char *panic_text(uint64_t code)
{
    static const struct {
        uint64_t code;
        const char *text;
    } texts[] = { { 0x00, "generic" },
                  { 0x01, "assertion failed" },
                  { 0x11, "arithmetic overflow or underflow" },
                  { 0x12, "division by zero" },
                  { 0x21, "no such value of an enum" },
                  { 0x22, "storage byte array encoded wrongly" },
                  { 0x31, "pop of an empty array" },
                  { 0x32, "array index out of bounds" },
                  { 0x41, "too much memory" },
                  { 0x51, "call of an uninitialised function" } };
    for (size_t i = 0; i < FVM_COUNT(texts); i++)
        if (texts[i].code == code) return texts[i].text;
    return "unknown";
}

/* The string of Error(string): offset, length, bytes. */
static bool error_string(fvm_bytes *out, fvm_bytes args)
{
    if (args.len < 64) return false;
    fvm_big offset = fvm_rpc_big_of_word(args.ptr);
    if (offset.count != 1 || offset.limb[0] > args.len - 32) return false;
    fvm_bytes at = { args.ptr + offset.limb[0], args.len - offset.limb[0] };
    if (at.len < 32) return false;
    fvm_big len = fvm_rpc_big_of_word(at.ptr);
    if (len.count > 1 || (len.count && len.limb[0] > at.len - 32)) return false;
    *out = (fvm_bytes){ at.ptr + 32, len.count ? (size_t)len.limb[0] : 0 };
    return true;
}

void fvm_rpc_revert_reason(char *out, size_t room, fvm_bytes data)
{
    static const uint8_t error[4] = { 0x08, 0xc3, 0x79, 0xa0 };
    static const uint8_t panic[4] = { 0x4e, 0x48, 0x7b, 0x71 };
    fvm_bytes args = { data.ptr, 0 }, text;
    if (data.len >= 4) args = (fvm_bytes){ data.ptr + 4, data.len - 4 };
    if (data.len >= 4 && memcmp(data.ptr, error, 4) == 0 && error_string(&text, args)) {
        int n = text.len < room ? (int)text.len : (int)room;
        (void)snprintf(out, room, "Error(%.*s)", n, (const char *)text.ptr);
        return;
    }
    if (data.len == 36 && memcmp(data.ptr, panic, 4) == 0) {
        fvm_big code = fvm_rpc_big_of_word(args.ptr);
        uint64_t c = code.count ? code.limb[0] : 0;
        (void)snprintf(out, room, "Panic(0x%02" PRIx64 ": %s)", c, panic_text(c));
        return;
    }
    if (data.len)
        hex_text(out, room, data);
    else
        (void)snprintf(out, room, "none");
}

static const char *exit_text(const fvm_receipt *r)
{
    static const char *const system[] = {
        [1] = "sender invalid",
        [2] = "sender state invalid",
        [4] = "illegal instruction",
        [5] = "invalid receiver",
        [6] = "insufficient funds",
        [7] = "out of gas",
        [9] = "illegal exit code",
        [10] = "fatal error",
        [11] = "missing return",
        [16] = "illegal argument",
        [17] = "not found",
        [18] = "forbidden",
        [19] = "insufficient funds",
        [20] = "illegal state",
        [21] = "serialization",
        [22] = "unhandled message",
        [24] = "assertion failed",
        [EXIT_EVM_REVERTED] = "contract reverted",
        [34] = "invalid instruction",
        [35] = "undefined instruction",
        [36] = "stack underflow",
        [37] = "stack overflow",
        [38] = "illegal memory access",
        [39] = "invalid jump destination",
        [40] = "self-destruct failed",
    };
    if (r->failure) return r->failure;
    if (r->exit_code < FVM_COUNT(system) && system[r->exit_code]) return system[r->exit_code];
    return "the actor failed";
}

fvm_err fvm_rpc_failed_message(fvm_rpc_call *call, const fvm_receipt *r)
{
    char reason[900];
    fvm_bytes data = fvm_rpc_evm_output(r);
    /* The sender has not what it would send: nothing ran, so nothing reverted, and clients that know
     * geth's words tell their users what is wrong. */
    if (r->exit_code == EXIT_INSUFFICIENT_FUNDS && !data.len)
        return fvm_rpc_fail(call, FVM_RPC_FAILED,
                            "insufficient funds for gas * price + value: message execution failed "
                            "(exit=[%" PRIu32 "])",
                            r->exit_code);
    fvm_rpc_revert_reason(reason, sizeof reason, data);
    call->has_data = true;
    fvm_jo_hex(&call->data, data);
    return fvm_rpc_fail(call, FVM_RPC_REVERTED,
                        "message execution failed (exit=[%" PRIu32
                        "], revert reason=[%s], vm error=[%s])",
                        r->exit_code, reason, exit_text(r));
}

/* --- overrides --- */

static fvm_err bad_override(fvm_rpc_call *call, const char *what)
{
    return fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid state override: %s", what);
}

/* Names of an object's fields, with blanks between. What is not among them has been misspelt, and would
 * silently do nothing. */
static bool only_names(const json_t *object, const char *names)
{
    json_t *o = (json_t *)(uintptr_t)object;
    for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at)) {
        const char *key = json_object_iter_key(at), *name = names;
        size_t n = strlen(key), len = strcspn(name, " ");
        for (; len && !(len == n && memcmp(name, key, n) == 0); len = strcspn(name, " "))
            name += len + (name[len] == ' ');
        if (!len) return false;
    }
    return true;
}

static fvm_err override_slots(fvm_rpc_call *call, fvm_chain_view *view, fvm_edit *e,
                              const json_t *slots)
{
    const char *key;
    json_t *value;
    if (!json_is_object(slots)) return bad_override(call, "state is no object");
    e->kind = FVM_EDIT_STORAGE;
    void *at = json_object_iter((json_t *)(uintptr_t)slots);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)slots, at)) {
        key = json_object_iter_key(at);
        value = json_object_iter_value(at);
        json_t *name = json_string(key);
        bool fine = name && fvm_rpc_fixed(e->slot, 32, name, true) &&
                    fvm_rpc_fixed(e->value, 32, value, true);
        json_decref(name);
        if (!fine) return bad_override(call, "a slot or value");
        FVM_TRY(fvm_view_edit(view, e));
    }
    return FVM_OK;
}

static fvm_err override_code(fvm_rpc_call *call, fvm_chain_view *view, fvm_edit *e,
                             const json_t *code)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, call->alloc);
    fvm_err err = fvm_rpc_bytes(&bytes, code);
    e->kind = FVM_EDIT_CODE;
    e->code = fvm_buf_bytes(&bytes);
    if (err == FVM_ERR_MALFORMED)
        err = bad_override(call, "code");
    else if (err == FVM_OK)
        err = fvm_view_edit(view, e);
    fvm_buf_deinit(&bytes);
    e->code = (fvm_bytes){ NULL, 0 };
    return err;
}

static fvm_err override_account(fvm_rpc_call *call, fvm_chain_view *view,
                                const fvm_eth_address *who, const json_t *o)
{
    fvm_edit e;
    memset(&e, 0, sizeof e);
    e.address = fvm_rpc_fil(who);
    const json_t *code = fvm_rpc_json_get(o, "code"), *balance = fvm_rpc_json_get(o, "balance");
    const json_t *nonce = fvm_rpc_json_get(o, "nonce"), *state = fvm_rpc_json_get(o, "state");
    const json_t *diff = fvm_rpc_json_get(o, "stateDiff");
    if (!json_is_object(o)) return bad_override(call, "an account is no object");
    if (!only_names(o, "balance nonce code state stateDiff movePrecompileToAddress"))
        return bad_override(call, "an unknown field of an account");
    if (fvm_rpc_json_get(o, "movePrecompileToAddress"))
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "precompiles cannot be moved");
    if (state && diff) return bad_override(call, "both state and stateDiff");
    if (balance) {
        e.kind = FVM_EDIT_BALANCE;
        if (!fvm_rpc_u256(&e.balance, balance)) return bad_override(call, "balance");
        FVM_TRY(fvm_view_edit(view, &e));
    }
    if (code) FVM_TRY(override_code(call, view, &e, code));
    if (nonce) {
        e.kind = FVM_EDIT_NONCE;
        if (!fvm_rpc_u64(&e.nonce, nonce)) return bad_override(call, "nonce");
        FVM_TRY(fvm_view_edit(view, &e));
    }
    if (state) {
        e.kind = FVM_EDIT_CLEAR_STORAGE;
        FVM_TRY(fvm_view_edit(view, &e));
    }
    return state || diff ? override_slots(call, view, &e, state ? state : diff) : FVM_OK;
}

fvm_err fvm_rpc_override_state(fvm_rpc_call *call, fvm_chain_view *view, const json_t *overrides)
{
    if (!overrides) return FVM_OK;
    if (!json_is_object(overrides)) return bad_override(call, "no object");
    json_t *o = (json_t *)(uintptr_t)overrides;
    for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at)) {
        fvm_eth_address who;
        json_t *name = json_string(json_object_iter_key(at));
        bool fine = name && fvm_rpc_eth_address(&who, name);
        json_decref(name);
        if (!fine) return bad_override(call, "an address");
        FVM_TRY(override_account(call, view, &who, json_object_iter_value(at)));
    }
    return FVM_OK;
}

bool fvm_rpc_override_block_read(fvm_rpc_block_override *out, fvm_view_options *o,
                                 const json_t *block)
{
    const json_t *v;
    if (!block) return true;
    if (!json_is_object(block)) return false;
    /* Some have no effect here: on Filecoin contracts see the zero address as coinbase, and a block's gas
     * does not change. */
    if (!only_names(block, "number time timestamp baseFee baseFeePerGas random prevRandao coinbase "
                           "feeRecipient gasLimit difficulty blobBaseFee withdrawals blockHash "
                           "beaconRoot"))
        return false;
    if ((v = fvm_rpc_json_get(block, "number"))) {
        if (!fvm_rpc_u64(&out->epoch, v) || out->epoch > INT64_MAX) return false;
        o->epoch = &out->epoch;
    }
    if (!(v = fvm_rpc_json_get(block, "time"))) v = fvm_rpc_json_get(block, "timestamp");
    if (v) {
        if (!fvm_rpc_u64(&out->timestamp, v)) return false;
        o->timestamp = &out->timestamp;
    }
    if (!(v = fvm_rpc_json_get(block, "baseFee"))) v = fvm_rpc_json_get(block, "baseFeePerGas");
    if (v) {
        if (!fvm_rpc_u256(&out->base_fee, v)) return false;
        o->base_fee = &out->base_fee;
    }
    if (!(v = fvm_rpc_json_get(block, "random"))) v = fvm_rpc_json_get(block, "prevRandao");
    if (v) {
        if (!fvm_rpc_fixed(out->randomness, 32, v, true)) return false;
        o->randomness = out->randomness;
    }
    return true;
}

/* --- eth_call --- */

/* The code that an EAM's return names: what a creation gives to eth_call, as geth has it. */
static fvm_err put_created(fvm_rpc_call *call, fvm_chain_view *view, const fvm_receipt *r)
{
    fvm_bytes in = fvm_buf_bytes(&r->return_data);
    uint64_t count, id;
    fvm_buf code;
    if (fvm_cbor_array(&count, &in) != FVM_OK || fvm_cbor_uint(&id, &in) != FVM_OK)
        return FVM_ERR_BAD_STATE;
    fvm_address address = fvm_address_id(id);
    fvm_buf_init(&code, call->alloc);
    fvm_err err = fvm_view_evm_code(view, &code, &address);
    if (err == FVM_OK) fvm_jo_hex(call->out, fvm_buf_bytes(&code));
    fvm_buf_deinit(&code);
    return err;
}

static fvm_err call_in(fvm_rpc_call *call, fvm_chain_view *view, const fvm_rpc_tx_request *request)
{
    fvm_message message;
    fvm_receipt receipt;
    fvm_buf params;
    fvm_buf_init(&params, call->alloc);
    fvm_receipt_init(&receipt, call->alloc);
    fvm_err err = fvm_rpc_override_state(call, view, fvm_rpc_param(call, 2));
    if (err == FVM_OK) err = fvm_rpc_call_message(call, &message, &params, request);
    if (err == FVM_OK) err = fvm_view_call(view, &receipt, &message);
    if (err == FVM_OK && receipt.exit_code)
        err = fvm_rpc_failed_message(call, &receipt);
    else if (err == FVM_OK && !request->has_to)
        err = put_created(call, view, &receipt);
    else if (err == FVM_OK)
        fvm_jo_hex(call->out, fvm_rpc_evm_output(&receipt));
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
    return err;
}

/* The view of a call: block of parameter 1, overrides of it in parameter 3. `next`: as the tipset after
 * would see it, whatever the block. */
static fvm_err call_view(fvm_rpc_call *call, fvm_chain_view **view, bool next,
                         const fvm_trace_sink *trace)
{
    fvm_rpc_block block;
    fvm_tipset tipset;
    fvm_rpc_block_override keep; /* what `o` points to */
    fvm_view_options o = { .number = FVM_VIEW_HEAD,
                           .trace = trace,
                           .debug = trace != NULL,
                           .deadline_ns = call->deadline_ns };
    FVM_TRY(fvm_rpc_get_block(call, 1, &block));
    if (!fvm_rpc_override_block_read(&keep, &o, fvm_rpc_param(call, 3)))
        return fvm_rpc_bad_param(call, 3, "not an override of a block");
    o.next = next || block.kind == FVM_RPC_BLOCK_PENDING;
    if (block.kind != FVM_RPC_BLOCK_LATEST && block.kind != FVM_RPC_BLOCK_PENDING) {
        FVM_TRY(fvm_rpc_tipset_state(call, &tipset, &block));
        o.number = tipset.number;
    }
    return fvm_chain_view_open(call->node->chain, view, &o);
}

fvm_err fvm_eth_call(fvm_rpc_call *call)
{
    fvm_rpc_tx_request request;
    fvm_chain_view *view;
    fvm_trace_sink sink;
    fvm_err err = fvm_rpc_tx_request_read(call, &request, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = call_view(call, &view, false, fvm_rpc_console_sink(call->node, &sink));
    if (err == FVM_OK) {
        err = call_in(call, view, &request);
        fvm_chain_view_close(view);
    }
    fvm_rpc_tx_request_deinit(&request);
    return err;
}

/* --- gas --- */

fvm_err fvm_rpc_estimate(fvm_rpc_call *call, fvm_chain_view *view, uint64_t *gas,
                         const fvm_message *message)
{
    fvm_receipt receipt;
    uint64_t most = fvm_chain_block_gas(call->node->chain);
    fvm_receipt_init(&receipt, call->alloc);
    fvm_err err = fvm_view_estimate(view, gas, &receipt, message);
    if (err == FVM_OK && receipt.exit_code) err = fvm_rpc_failed_message(call, &receipt);
    if (err == FVM_OK) {
        *gas = *gas > most ? most : *gas + *gas / 4;
        if (*gas > most) *gas = most;
    }
    fvm_receipt_deinit(&receipt);
    return err;
}

static fvm_err estimate_in(fvm_rpc_call *call, fvm_chain_view *view,
                           const fvm_rpc_tx_request *request)
{
    fvm_message message;
    fvm_buf params;
    uint64_t gas;
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_rpc_call_message(call, &message, &params, request);
    if (err == FVM_OK) err = fvm_view_apply_pending(view, &message.from);
    if (err == FVM_OK) err = fvm_rpc_override_state(call, view, fvm_rpc_param(call, 2));
    if (err == FVM_OK) err = fvm_rpc_estimate(call, view, &gas, &message);
    if (err == FVM_OK) fvm_jo_quantity(call->out, gas);
    fvm_buf_deinit(&params);
    return err;
}

fvm_err fvm_eth_estimate_gas(fvm_rpc_call *call)
{
    fvm_rpc_tx_request request;
    fvm_chain_view *view;
    fvm_err err = fvm_rpc_tx_request_read(call, &request, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = call_view(call, &view, true, NULL);
    if (err == FVM_OK) {
        err = estimate_in(call, view, &request);
        fvm_chain_view_close(view);
    }
    fvm_rpc_tx_request_deinit(&request);
    return err;
}
