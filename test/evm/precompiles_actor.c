/* precompiles_actor.c - an actor that is the precompiles and nothing else. Parameters: a block of a byte
 * (the kind of call), an address of 20 bytes, the value as a byte, and the input. Gives a block of a byte
 * (1: it worked) and the output. */
#include "../../actors/evm/precompiles/precompiles.h"

static uint32_t send(void *system, fvm_send_result *out, const fvm_evm_send *what)
{
    (void)system;
    uint32_t block = 0, error;
    if (what->codec)
        error = fvm_sys_block_create(&block, what->codec, what->params.ptr,
                                     (uint32_t)what->params.len);
    else
        error = 0;
    if (error) return error;
    if (what->value.limb[2] | what->value.limb[3]) return FVM_E_INSUFFICIENT_FUNDS;
    return fvm_sys_send(out, what->to, what->to_len, what->method, block, what->value.limb[1],
                        what->value.limb[0], what->gas, what->flags);
}

FVM_ENTRY uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    fvm_bytes in = fvm_block_read(params);
    fvm_require(in.len >= 22, FVM_USR_ILLEGAL_ARGUMENT, "kind, address, value");
    fvm_evm_call_context context = { .kind = (fvm_evm_call_kind)in.ptr[0],
                                     .gas = fvm_u256_of(UINT64_MAX),
                                     .value = fvm_u256_of(in.ptr[21]),
                                     .send = send };
    const uint8_t *out;
    uint32_t len;
    int failed = fvm_evm_precompile(&out, &len, in.ptr + 1, &context, in.ptr + 22,
                                    (uint32_t)in.len - 22);
    uint8_t *answer = (uint8_t *)fvm_heap_alloc((size_t)len + 1);
    answer[0] = !failed;
    if (len) __builtin_memcpy(answer + 1, out, len);
    return fvm_block_new(FVM_BLOCK_RAW, (fvm_bytes){ answer, (size_t)len + 1 });
}
