/* call.c - other contracts: CALL and its kin, CREATE and CREATE2, SELFDESTRUCT, EXTCODE* (reference/evm.md
 * 3 to 3.3). The state is written before each send and read again after a good one (1.3). */
#include "evm.h"

#include "precompiles/precompiles.h"

#define INVOKE_EVM FVM_FRC42(InvokeEVM)
#define STIPEND 2300           /* what Solidity's transfer gives */
#define TRANSFER_GAS 10000000u /* and what it becomes here */
#define EAM_CREATE 2
#define EAM_CREATE2 3

/* Manifest positions (reference/actors.md 2). */
enum { TYPE_ACCOUNT = 4, TYPE_PLACEHOLDER = 13, TYPE_EVM = 14, TYPE_ETHACCOUNT = 16 };

static uint64_t available_part(void)
{
    return 63 * fvm_gas_available() / 64;
}

/* The answer of a call: its bytes, whatever codec they are in (3.1, 6). */
static fvm_bytes answer(const fvm_send_result *r)
{
    fvm_bytes content, block = { NULL, 0 };
    if (r->return_id == 0) return block;
    block = fvm_block_read_sized(r->return_id, r->return_size);
    if ((r->return_codec == FVM_BLOCK_CBOR || r->return_codec == FVM_BLOCK_DAG_CBOR) &&
        evm_byte_string(&content, block))
        return content;
    return block;
}

/* A send between a flush and a reload. `params` 0: none. Errors are numbers of syscalls. */
static uint32_t send_raw(evm *vm, fvm_send_result *out, const uint8_t *to, uint32_t to_len,
                         uint64_t method, uint32_t params, const word *value, uint64_t gas,
                         uint64_t flags)
{
    if (value->limb[2] | value->limb[3]) return FVM_E_INSUFFICIENT_FUNDS;
    uint32_t error = fvm_sys_send(out, to, to_len, method, params, value->limb[1], value->limb[0],
                                  gas, flags);
    if (error == 0 && out->exit_code == 0) evm_state_reload(vm);
    return error;
}

/* A block of parameters; 0 with *error set when it cannot be made (over 1 MiB). */
static uint32_t params_block(uint32_t *error, uint64_t codec, fvm_bytes data)
{
    uint32_t id = 0;
    *error = fvm_sys_block_create(&id, codec, data.ptr, (uint32_t)data.len);
    return *error ? 0 : id;
}

static const word zero_word = { { 0, 0, 0, 0 } };

/* --- what is at an address --- */

typedef enum contract_type { NOT_FOUND, PRECOMPILE, ACCOUNT, CONTRACT, NATIVE } contract_type;

/* `to` gets the ID address of a CONTRACT. */
static contract_type type_at(uint8_t to[24], uint32_t *to_len, const uint8_t address[20])
{
    uint8_t code[100];
    uint32_t len;
    uint64_t id;
    int32_t type = 0;
    if (fvm_evm_is_precompile(address)) return PRECOMPILE;
    *to_len = evm_fil_address(to, address);
    if (fvm_sys_resolve_address(&id, to, *to_len) != 0) return NOT_FOUND;
    if (fvm_sys_actor_code(&len, id, code, sizeof code) != 0) return NOT_FOUND;
    fvm_check(fvm_sys_builtin_type(&type, code));
    if (type == TYPE_ACCOUNT || type == TYPE_PLACEHOLDER || type == TYPE_ETHACCOUNT) return ACCOUNT;
    if (type != TYPE_EVM) return NATIVE;
    uint8_t masked[20] = { 0xff };
    word_put_be64(masked + 12, id);
    *to_len = evm_fil_address(to, masked);
    return CONTRACT;
}

/* Asks a contract something; its refusal ends this frame with the same code (actors.md 1.4). */
static fvm_bytes query(evm *vm, const uint8_t *to, uint32_t to_len, uint64_t method)
{
    fvm_send_result r;
    evm_state_flush(vm);
    uint32_t error = send_raw(vm, &r, to, to_len, method, 0, &zero_word, FVM_SEND_ALL_GAS,
                              FVM_SEND_READ_ONLY);
    if (error) evm_fail(FVM_USR_UNSPECIFIED);
    if (r.exit_code) {
        uint32_t code = r.exit_code;
        if (code == 4 || code == 9 || code == 11)
            code = FVM_USR_UNSPECIFIED;
        else if (code < FVM_USR_ILLEGAL_ARGUMENT)
            code = FVM_USR_ASSERTION_FAILED;
        fvm_sys_exit(code, r.return_id, NULL, 0);
    }
    if (r.return_id == 0) evm_fail(FVM_USR_ASSERTION_FAILED);
    return fvm_block_read_sized(r.return_id, r.return_size);
}

/* GetBytecode: the code's link, or false when the contract is dead. */
static bool code_of(evm *vm, fvm_cid *out, const uint8_t *to, uint32_t to_len)
{
    fvm_dec d = fvm_dec_of(query(vm, to, to_len, EVM_METHOD_GET_BYTECODE));
    bool dead = fvm_get_null(&d);
    if (!dead) fvm_get_cid(&d, out);
    fvm_dec_done(&d);
    return !dead;
}

static bool open_code(fvm_block_opened *out, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    (void)fvm_cid_write(bytes, cid);
    return fvm_sys_block_open(out, bytes) == 0;
}

void evm_ext_code_size(evm *vm, word *out, const word *of)
{
    uint8_t address[20], to[24];
    uint32_t len;
    uint64_t size = 0;
    fvm_cid cid;
    fvm_block_opened block;
    evm_word_address(address, of);
    contract_type type = type_at(to, &len, address);
    if (type == NATIVE) size = 1;
    if (type == CONTRACT && code_of(vm, &cid, to, len)) {
        if (!open_code(&block, &cid)) evm_fail(FVM_USR_NOT_FOUND);
        size = block.size;
    }
    word_set(out, size);
}

void evm_ext_code_copy(evm *vm, const word *top)
{
    static const uint8_t native[] = { 0xfe };
    uint8_t address[20], to[24];
    uint32_t len;
    fvm_cid cid;
    fvm_block_opened block;
    fvm_bytes code = { NULL, 0 };
    evm_word_address(address, top);
    contract_type type = type_at(to, &len, address);
    if (type == NATIVE) code = (fvm_bytes){ native, 1 };
    if (type == CONTRACT && code_of(vm, &cid, to, len)) {
        if (!open_code(&block, &cid)) evm_fail(FVM_USR_NOT_FOUND);
        code = fvm_block_read_sized(block.id, block.size);
    }
    evm_copy(vm, top + 1, top + 2, top + 3, code, true);
}

void evm_ext_code_hash(evm *vm, word *out, const word *of)
{
    static const uint8_t native[32] = {
        /* keccak-256 of fe */
        0xbc, 0xc9, 0x0f, 0x2d, 0x6d, 0xad, 0xa5, 0xb1, 0x8e, 0x15, 0x5c,
        0x17, 0xa1, 0xc0, 0xa5, 0x59, 0x20, 0xaa, 0xe9, 0x4f, 0x39, 0x85,
        0x7d, 0x39, 0xd0, 0xd8, 0xed, 0x07, 0xae, 0x8f, 0x22, 0x8b,
    };
    uint8_t address[20], to[24];
    uint32_t len;
    evm_word_address(address, of);
    switch (type_at(to, &len, address)) {
    case NOT_FOUND: word_set(out, 0); break;
    case NATIVE: word_read(out, native); break;
    case PRECOMPILE:
    case ACCOUNT: word_read(out, evm_empty_hash); break;
    case CONTRACT: {
        fvm_bytes hash;
        if (!evm_byte_string(&hash, query(vm, to, len, EVM_METHOD_GET_BYTECODE_HASH)) ||
            hash.len != 32)
            evm_fail(FVM_USR_SERIALIZATION);
        word_read(out, hash.ptr);
        break;
    }
    }
}

/* --- calls --- */

/* What a call came to: 1 or 0, and the callee's answer. */
typedef struct outcome {
    uint64_t pushed;
    fvm_bytes data;
} outcome;

static const outcome succeeded = { 1, { NULL, 0 } }, failed = { 0, { NULL, 0 } };

static outcome outcome_of(uint32_t error, const fvm_send_result *r)
{
    if (error) return failed;
    return (outcome){ r->exit_code == 0, answer(r) };
}

static outcome plain_call(evm *vm, const uint8_t address[20], const word *gas, const word *value,
                          fvm_bytes input, bool is_static)
{
    uint8_t to[24];
    uint32_t to_len = evm_fil_address(to, address), params = 0, error = 0;
    fvm_send_result r;
    uint64_t wanted = word_saturated(gas);
    bool none = fvm_u256_is_zero(value);
    if ((wanted == 0 && !none) || (wanted == STIPEND && none)) wanted = TRANSFER_GAS;
    uint64_t limit = available_part();
    if (wanted < limit) limit = wanted;
    evm_state_flush(vm);
    if (input.len) params = params_block(&error, FVM_BLOCK_RAW, input);
    if (error == 0)
        error = send_raw(vm, &r, to, to_len, INVOKE_EVM, params, value, limit,
                         is_static ? FVM_SEND_READ_ONLY : 0);
    /* As in the EVM, nobody being there is fine; read-only, nobody can be put there either. */
    if (error == FVM_E_NOT_FOUND) return succeeded;
    if (error == FVM_E_READ_ONLY && (vm->read_only || is_static)) return succeeded;
    return outcome_of(error, &r);
}

/* Parameters of InvokeContractDelegate: [code, input, caller, value]. */
static fvm_bytes delegate_params(evm *vm, const fvm_cid *code, fvm_bytes input)
{
    uint8_t value[33] = { 0 };
    unsigned value_len = evm_write_short(value + 1, &vm->value);
    fvm_enc e = fvm_enc_into(evm_alloc(input.len + 160), input.len + 160);
    fvm_put_array(&e, 4);
    fvm_put_cid(&e, code);
    fvm_put_bytes(&e, input);
    fvm_put_string(&e, 2, evm_caller(vm), EVM_ADDRESS_LEN);
    fvm_put_string(&e, 2, value, value_len ? value_len + 1 : 0);
    return (fvm_bytes){ e.start, (size_t)(e.at - e.start) };
}

static outcome delegate_call(evm *vm, const uint8_t address[20], const word *gas, fvm_bytes input)
{
    uint8_t to[24], self[EVM_ADDRESS_LEN] = { 0xff };
    uint32_t to_len, error;
    fvm_cid code;
    fvm_send_result r;
    switch (type_at(to, &to_len, address)) {
    case NOT_FOUND:
    case ACCOUNT: return succeeded;
    case NATIVE:
    case PRECOMPILE: return failed;
    case CONTRACT: break;
    }
    if (!code_of(vm, &code, to, to_len)) return succeeded;
    (void)evm_caller(vm); /* before the parameters are being written in the heap */
    uint64_t wanted = word_saturated(gas), limit = available_part();
    if (wanted < limit) limit = wanted;
    evm_state_flush(vm);
    uint32_t params = params_block(&error, FVM_BLOCK_DAG_CBOR, delegate_params(vm, &code, input));
    if (error) return failed;
    word_put_be64(self + 12, fvm_call.receiver);
    to_len = evm_fil_address(to, self);
    error = send_raw(vm, &r, to, to_len, EVM_METHOD_INVOKE_DELEGATE, params, &zero_word, limit, 0);
    return outcome_of(error, &r);
}

/* fvm_evm_call_context.send: what call_actor and call_actor_id send. */
static uint32_t precompile_send(void *system, fvm_send_result *out, const fvm_evm_send *what)
{
    evm *vm = system;
    uint32_t params = 0, error = 0;
    uint64_t limit = available_part();
    if (what->gas < limit) limit = what->gas;
    evm_state_flush(vm);
    if (what->codec) params = params_block(&error, what->codec, what->params);
    if (error) return error;
    return send_raw(vm, out, what->to, what->to_len, what->method, params, &what->value, limit,
                    what->flags);
}

static outcome call_precompile(evm *vm, const uint8_t address[20], const word *gas,
                               const word *value, fvm_bytes input, evm_call_kind kind)
{
    static const fvm_evm_call_kind kinds[] = {
        [EVM_CALL] = FVM_EVM_CALL,
        [EVM_DELEGATECALL] = FVM_EVM_DELEGATECALL,
        [EVM_STATICCALL] = FVM_EVM_STATICCALL,
    };
    const fvm_evm_call_context ctx = { kinds[kind], *gas, *value, precompile_send, vm };
    const uint8_t *out = NULL;
    uint32_t len = 0;
    if (fvm_evm_precompile(&out, &len, address, &ctx, input.ptr, (uint32_t)input.len) != 0)
        return failed;
    /* what lies in memory may move or change; what was returned must not */
    if (len && out >= vm->memory && out < vm->memory + vm->memory_len) {
        uint8_t *copy = evm_alloc(len);
        __builtin_memcpy(copy, out, len);
        out = copy;
    }
    return (outcome){ 1, { out, len } };
}

void evm_call(evm *vm, word *out, const word *top, evm_call_kind kind)
{
    const word *gas = top, *to = top + 1, *value = kind == EVM_CALL ? top + 2 : &zero_word;
    const word *rest = kind == EVM_CALL ? top + 3 : top + 2; /* input and output regions */
    uint8_t address[EVM_ADDRESS_LEN];
    uint32_t len;
    outcome result;
    if (vm->read_only && !fvm_u256_is_zero(value)) evm_fail(FVM_USR_READ_ONLY);
    const uint8_t *in = evm_region(vm, &len, rest, rest + 1);
    fvm_bytes input = { in, len };
    evm_word_address(address, to);
    if (fvm_evm_is_reserved(address))
        result = call_precompile(vm, address, gas, value, input, kind);
    else if (kind == EVM_DELEGATECALL)
        result = delegate_call(vm, address, gas, input);
    else
        result = plain_call(vm, address, gas, value, input, kind == EVM_STATICCALL);
    vm->returned = result.data;
    evm_copy(vm, rest + 2, &zero_word, rest + 3, vm->returned, false);
    word_set(out, result.pushed);
}

/* --- creation and end --- */

/* The address in what the EAM returns: [ID, robust address or null, Ethereum address]. */
static void created_address(word *out, const fvm_send_result *r)
{
    fvm_bytes block = { NULL, 0 };
    if (r->return_id) block = fvm_block_read_sized(r->return_id, r->return_size);
    fvm_dec d = fvm_dec_of(block);
    fvm_get_tuple(&d, 3);
    (void)fvm_get_uint(&d);
    if (!fvm_get_null(&d)) (void)fvm_get_bytes(&d);
    fvm_bytes address = fvm_get_bytes(&d);
    fvm_dec_done(&d);
    if (address.len != EVM_ADDRESS_LEN) evm_fail(FVM_USR_SERIALIZATION);
    evm_address_word(out, address.ptr);
}

void evm_create(evm *vm, word *out, const word *top, bool two)
{
    static const uint8_t eam[] = { FVM_PROTOCOL_ID, FVM_EAM_ACTOR };
    const word *value = top;
    uint32_t len, error;
    uint8_t salt[32];
    word balance;
    fvm_send_result r;
    if (vm->read_only) evm_fail(FVM_USR_READ_ONLY);
    const uint8_t *code = evm_region(vm, &len, top + 1, top + 2);
    vm->returned = (fvm_bytes){ NULL, 0 };
    fvm_enc e = fvm_enc_into(evm_alloc((size_t)len + 64), (size_t)len + 64);
    fvm_put_array(&e, 2);
    fvm_put_string(&e, 2, code, len);
    if (two) {
        word_write(salt, top + 3);
        fvm_put_string(&e, 2, salt, sizeof salt);
    } else {
        fvm_put_uint(&e, vm->state.nonce);
    }
    fvm_bytes params = { e.start, (size_t)(e.at - e.start) };
    evm_self_balance(&balance);
    if (word_less(&balance, value)) {
        word_set(out, 0);
        return;
    }
    if (vm->state.nonce == UINT64_MAX) evm_fail(FVM_USR_ASSERTION_FAILED);
    vm->state.nonce++;
    vm->state.dirty = true;
    uint64_t limit = available_part();
    word endowment = *value;
    evm_state_flush(vm);
    uint32_t id = params_block(&error, FVM_BLOCK_CBOR, params);
    if (error == 0)
        error = send_raw(vm, &r, eam, sizeof eam, two ? EAM_CREATE2 : EAM_CREATE, id, &endowment,
                         limit, 0);
    if (error == 0 && r.exit_code == 0) {
        created_address(out, &r);
        return;
    }
    if (error == 0) vm->returned = answer(&r); /* of the constructor's REVERT */
    word_set(out, 0);
}

void evm_self_destruct(evm *vm, const word *beneficiary)
{
    uint8_t address[EVM_ADDRESS_LEN], to[24];
    fvm_abi_token balance;
    fvm_send_result r;
    if (vm->read_only) evm_fail(FVM_USR_READ_ONLY);
    evm_word_address(address, beneficiary);
    uint32_t len = evm_fil_address(to, address);
    fvm_check(fvm_sys_self_balance(&balance));
    if (fvm_sys_send(&r, to, len, FVM_METHOD_SEND, 0, balance.hi, balance.lo, FVM_SEND_ALL_GAS,
                     0) != 0 ||
        r.exit_code != 0)
        evm_fail(EVM_SELFDESTRUCT_FAILED);
    vm->state.tombstone = (evm_lifespan){ true, fvm_call.origin, fvm_call.nonce };
    vm->state.dirty = true;
}
