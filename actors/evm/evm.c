/* evm.c - the methods of the EVM actor (reference/evm.md 1.4). */
#include "evm.h"

const uint8_t evm_empty_hash[32] = {
    /* keccak-256 of nothing */
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
};

/* --- byte strings --- */

bool evm_byte_string(fvm_bytes *out, fvm_bytes block)
{
    fvm_dec d = fvm_dec_of(block);
    *out = fvm_get_bytes(&d);
    return fvm_dec_good(&d);
}

uint32_t evm_byte_string_block(fvm_bytes data)
{
    fvm_enc e = fvm_enc_into(evm_alloc(data.len + 9), data.len + 9);
    fvm_put_bytes(&e, data);
    return fvm_block_new(FVM_BLOCK_CBOR, (fvm_bytes){ e.start, (size_t)(e.at - e.start) });
}

/* --- running --- */

static void fail_reverted(evm *vm)
{
    fvm_sys_exit(EVM_REVERTED, evm_byte_string_block(vm->output), NULL, 0);
}

/* Runs the code of a block; its output, or nothing if there is no code. */
static fvm_bytes run_block(evm *vm, const uint8_t *cid)
{
    fvm_block_opened block;
    int32_t rest;
    if (fvm_sys_block_open(&block, cid) != 0) evm_fail(FVM_USR_NOT_FOUND);
    if (block.size == 0) return (fvm_bytes){ NULL, 0 };
    uint8_t *code = fvm_heap_alloc(block.size + EVM_CODE_PADDING);
    fvm_check(fvm_sys_block_read(&rest, block.id, 0, code, block.size));
    __builtin_memset(code + block.size, 0, EVM_CODE_PADDING);
    evm_set_code(vm, code, block.size);
    evm_run(vm);
    if (vm->reverted) fail_reverted(vm);
    evm_state_flush(vm);
    return vm->output;
}

static void take_value(evm *vm)
{
    vm->value = (word){ { fvm_call.value.lo, fvm_call.value.hi, 0, 0 } };
}

static void start(evm *vm)
{
    __builtin_memset(vm, 0, sizeof *vm);
    vm->read_only = fvm_call.flags & FVM_CALL_READ_ONLY;
}

static fvm_bytes invoke_contract(evm *vm, fvm_bytes input)
{
    start(vm);
    if (!evm_state_load(vm, FVM_USR_UNSPECIFIED)) return (fvm_bytes){ NULL, 0 };
    vm->input = input;
    take_value(vm);
    return run_block(vm, vm->state.code);
}

/* --- methods --- */

/* Constructor and Resurrect: [creator, initcode]. */
static uint32_t initialize(uint32_t params, uint64_t caller, bool resurrect)
{
    evm vm;
    start(&vm);
    fvm_dec d = fvm_params(params);
    fvm_get_tuple(&d, 2);
    fvm_bytes creator = fvm_get_bytes(&d), code = fvm_get_bytes(&d);
    fvm_dec_done(&d);
    fvm_require(creator.len == EVM_ADDRESS_LEN, FVM_USR_SERIALIZATION, "creator");
    fvm_require(fvm_call.caller == caller, FVM_USR_FORBIDDEN, "caller");
    if (resurrect)
        fvm_require(!evm_state_load(&vm, FVM_USR_SERIALIZATION), FVM_USR_FORBIDDEN, "not dead");
    else
        fvm_require(evm_state_is_fresh(), FVM_USR_ILLEGAL_STATE, "there is a state");
    evm_state_new(&vm);
    vm.read_only = fvm_call.flags & FVM_CALL_READ_ONLY; /* dead contracts load as such */
    /* Only the EAM gives real addresses: so nobody else creates contracts. */
    fvm_require(evm_eth_address(vm.self, fvm_call.receiver), FVM_USR_FORBIDDEN, "no eth address");
    vm.has_self = vm.has_caller = true;
    __builtin_memcpy(vm.caller, creator.ptr, EVM_ADDRESS_LEN);
    if (code.len) {
        uint8_t *copy = fvm_heap_alloc(code.len + EVM_CODE_PADDING);
        __builtin_memcpy(copy, code.ptr, code.len);
        __builtin_memset(copy + code.len, 0, EVM_CODE_PADDING);
        take_value(&vm);
        evm_set_code(&vm, copy, (uint32_t)code.len);
        evm_run(&vm);
        if (vm.reverted) fail_reverted(&vm);
        evm_state_set_code(&vm, vm.output);
    }
    evm_state_flush(&vm);
    return 0;
}

static uint32_t constructor(uint32_t params)
{
    return initialize(params, FVM_INIT_ACTOR, false);
}

static uint32_t resurrect(uint32_t params)
{
    return initialize(params, FVM_EAM_ACTOR, true);
}

/* The answer is DAG-CBOR, so that whoever asks can open the code. */
static uint32_t get_bytecode(uint32_t params)
{
    evm vm;
    uint8_t room[FVM_LINK_LEN + 8];
    fvm_params_none(params);
    start(&vm);
    fvm_enc e = fvm_enc_into(room, sizeof room);
    if (evm_state_load(&vm, FVM_USR_ILLEGAL_ARGUMENT))
        fvm_put_link(&e, vm.state.code, FVM_LINK_LEN);
    else
        fvm_put_null(&e);
    return fvm_block_new(FVM_BLOCK_DAG_CBOR, (fvm_bytes){ room, (size_t)(e.at - room) });
}

static uint32_t get_bytecode_hash(uint32_t params)
{
    evm vm;
    fvm_params_none(params);
    start(&vm);
    const uint8_t *hash = evm_state_load(&vm, FVM_USR_ILLEGAL_ARGUMENT) ? vm.state.code_hash
                                                                        : evm_empty_hash;
    return evm_byte_string_block((fvm_bytes){ hash, 32 });
}

/* For nodes, off chain: contracts see nobody's storage but their own. */
static uint32_t get_storage_at(uint32_t params)
{
    evm vm;
    word key, value;
    uint8_t bytes[32];
    start(&vm);
    fvm_dec d = fvm_params(params);
    fvm_get_tuple(&d, 1);
    fvm_bytes name = fvm_get_bytes(&d);
    fvm_dec_done(&d);
    fvm_require(name.len <= 32, FVM_USR_SERIALIZATION, "key");
    fvm_require(fvm_call.caller == FVM_SYSTEM_ACTOR, FVM_USR_FORBIDDEN, "caller");
    __builtin_memset(bytes, 0, sizeof bytes);
    __builtin_memcpy(bytes + 32 - name.len, name.ptr, name.len);
    word_read(&key, bytes);
    (void)evm_state_load(&vm, FVM_USR_SERIALIZATION);
    evm_slot_get(&vm, &value, &key, false);
    return evm_byte_string_block((fvm_bytes){ bytes, evm_write_short(bytes, &value) });
}

/* DELEGATECALL's other half: foreign code on this contract's state. [code, input, caller, value] */
static uint32_t invoke_delegate(uint32_t params)
{
    evm vm;
    fvm_block_stats stats;
    fvm_cid code;
    uint8_t cid[FVM_CID_BYTES_MAX], value_bytes[32] = { 0 };
    start(&vm);
    fvm_require(params != 0, FVM_USR_ILLEGAL_ARGUMENT, "params expected");
    fvm_check(fvm_sys_block_stat(&stats, params));
    fvm_require(stats.codec == FVM_BLOCK_DAG_CBOR, FVM_USR_ILLEGAL_ARGUMENT, "not dag-cbor");
    fvm_dec d = fvm_dec_of(fvm_block_read_sized(params, stats.size));
    fvm_get_tuple(&d, 4);
    fvm_get_cid(&d, &code);
    vm.input = fvm_get_bytes(&d);
    fvm_bytes caller = fvm_get_bytes(&d), value = fvm_get_bytes(&d);
    fvm_dec_done(&d);
    fvm_require(caller.len == EVM_ADDRESS_LEN && value.len <= 33, FVM_USR_SERIALIZATION, "params");
    fvm_require(fvm_call.caller == fvm_call.receiver, FVM_USR_FORBIDDEN, "caller");
    if (value.len) __builtin_memcpy(value_bytes + (33 - value.len), value.ptr + 1, value.len - 1);
    word_read(&vm.value, value_bytes);
    __builtin_memcpy(vm.caller, caller.ptr, EVM_ADDRESS_LEN);
    vm.has_caller = true;
    (void)evm_state_load(&vm, FVM_USR_UNSPECIFIED);
    (void)fvm_cid_write(cid, &code);
    return evm_byte_string_block(run_block(&vm, cid));
}

/* Parameters are the call's data, as they are or as a CBOR byte string. */
static uint32_t invoke_evm(uint32_t params)
{
    evm vm;
    fvm_block_stats stats;
    fvm_bytes input = { NULL, 0 };
    if (params) {
        fvm_check(fvm_sys_block_stat(&stats, params));
        input = fvm_block_read_sized(params, stats.size);
        if (stats.codec != FVM_BLOCK_RAW)
            fvm_require((stats.codec == FVM_BLOCK_CBOR || stats.codec == FVM_BLOCK_DAG_CBOR) &&
                            evm_byte_string(&input, input),
                        FVM_USR_SERIALIZATION, "params");
    }
    return evm_byte_string_block(invoke_contract(&vm, input));
}

/* --- handle_filecoin_method(uint64 method, uint64 codec, bytes params) --- */

#define ABI_WORD 32u

/* A word of Solidity's ABI at `at`; what lies past the end is zero. Ends the call (21) above `max`. */
static uint64_t abi_uint(fvm_bytes in, size_t at, uint64_t max)
{
    uint8_t bytes[ABI_WORD] = { 0 };
    word w;
    if (at < in.len) {
        size_t n = in.len - at < ABI_WORD ? in.len - at : ABI_WORD;
        __builtin_memcpy(bytes, in.ptr + at, n);
    }
    word_read(&w, bytes);
    fvm_require(word_is_u64(&w) && w.limb[0] <= max, FVM_USR_SERIALIZATION, "abi");
    return w.limb[0];
}

/* `len` bytes at `at`, with zeros past the end. Before it looks at the codec, v18 makes room for them: its
 * library panics at 2 GiB and traps where there is no memory. */
static fvm_bytes abi_bytes(fvm_bytes in, size_t at, uint32_t len)
{
    size_t have = at < in.len ? in.len - at : 0;
    if (len <= have) return (fvm_bytes){ in.ptr + at, len };
    fvm_require(len <= INT32_MAX, FVM_USR_ASSERTION_FAILED, "length");
    uint8_t *data = evm_alloc(len);
    if (have) __builtin_memcpy(data, in.ptr + at, have);
    __builtin_memset(data + have, 0, len - have);
    return (fvm_bytes){ data, len };
}

static fvm_bytes method_input(uint64_t method, uint64_t codec, uint32_t params, uint32_t len)
{
    static const uint8_t selector[] = { 0x86, 0x8e, 0x10, 0xc4 };
    const uint64_t head[] = { method, codec, 3 * ABI_WORD, len };
    size_t size = sizeof selector + (FVM_COUNT(head) + (len + ABI_WORD - 1) / ABI_WORD) * ABI_WORD;
    uint8_t *data = fvm_heap_alloc(size), *at = data + sizeof selector;
    int32_t rest;
    __builtin_memset(data, 0, size);
    __builtin_memcpy(data, selector, sizeof selector);
    for (size_t i = 0; i < FVM_COUNT(head); i++, at += ABI_WORD)
        word_put_be64(at + ABI_WORD - 8, head[i]);
    if (len) fvm_check(fvm_sys_block_read(&rest, params, 0, at, len));
    return (fvm_bytes){ data, size };
}

/* Methods of native actors, 1024 and up, which a contract answers in handle_filecoin_method. It
 * returns (uint32 exit code, uint64 codec, bytes data). */
static uint32_t handle_method(uint32_t params)
{
    evm vm;
    fvm_block_stats stats = { 0, 0 };
    fvm_require(fvm_call.method > EVM_METHOD_RESERVED_MAX, FVM_USR_UNHANDLED_MESSAGE, "method");
    if (params) fvm_check(fvm_sys_block_stat(&stats, params));
    fvm_bytes out = invoke_contract(&vm,
                                    method_input(fvm_call.method, stats.codec, params, stats.size));
    if (out.len == 0) return 0;
    uint32_t exit_code = (uint32_t)abi_uint(out, 0, UINT32_MAX);
    uint64_t codec = abi_uint(out, ABI_WORD, UINT64_MAX);
    size_t at = (size_t)abi_uint(out, 2 * ABI_WORD, UINT32_MAX);
    uint32_t len = (uint32_t)abi_uint(out, at, UINT32_MAX), block = 0;
    at = at > SIZE_MAX - ABI_WORD ? SIZE_MAX : at + ABI_WORD;
    fvm_bytes data = abi_bytes(out, at, len);
    fvm_require(codec == FVM_BLOCK_CBOR || (codec == 0 && len == 0), FVM_USR_SERIALIZATION,
                "codec");
    if (codec) block = fvm_block_new(codec, data);
    if (exit_code) fvm_sys_exit(exit_code, block, NULL, 0);
    return block;
}

FVM_ACTOR(FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
              FVM_METHOD(EVM_METHOD_RESURRECT, resurrect)
                  FVM_METHOD(EVM_METHOD_GET_BYTECODE, get_bytecode)
                      FVM_METHOD(EVM_METHOD_GET_BYTECODE_HASH, get_bytecode_hash)
                          FVM_METHOD(EVM_METHOD_GET_STORAGE_AT, get_storage_at)
                              FVM_METHOD(EVM_METHOD_INVOKE_DELEGATE, invoke_delegate)
                                  FVM_EXPORT(InvokeEVM, invoke_evm) FVM_FALLBACK(handle_method))
