/* evm_world.h - a contract in the mock kernel. */
#ifndef FVM_TEST_EVM_WORLD_H
#define FVM_TEST_EVM_WORLD_H

#include <fvm/actor/mock.h>

#include "test.h"

#include <string.h>

#define EVM_INVOKE 3844450837u
#define EVM_WORLD_CODE_MAX 65536

/** [creator, initcode] as CBOR in `room`, which takes 64 bytes more than the code. */
static inline fvm_bytes evm_constructor_params(uint8_t *room, fvm_bytes code)
{
    fvm_enc e = fvm_enc_into(room, code.len + 64);
    uint8_t creator[20];
    memset(creator, 0xcc, sizeof creator);
    fvm_put_array(&e, 2);
    fvm_put_string(&e, 2, creator, sizeof creator);
    fvm_put_bytes(&e, code);
    return (fvm_bytes){ room, (size_t)(e.at - room) };
}

/** A new world in which this actor, 1000, has the address aa..aa and account 101 the address bb..bb. */
static inline void evm_world_reset(void)
{
    fvm_address self, other;
    uint8_t bytes[20];
    fvm_mock_reset();
    memset(bytes, 0xaa, sizeof bytes);
    CHECK_OK(fvm_address_delegated(&self, 10, (fvm_bytes){ bytes, sizeof bytes }));
    fvm_mock_resolve(&self, 1000);
    memset(bytes, 0xbb, sizeof bytes);
    CHECK_OK(fvm_address_delegated(&other, 10, (fvm_bytes){ bytes, sizeof bytes }));
    fvm_mock_resolve(&other, 101);
    fvm_mock.context.origin = fvm_mock.context.caller = 101;
    fvm_mock.network.base_fee.lo = 100;
    fvm_mock.unexpected_send = FVM_E_NOT_FOUND;
}

/** Runs the constructor with init code as the init actor does. */
static inline fvm_mock_result evm_construct(fvm_bytes init_code)
{
    static uint8_t room[EVM_WORLD_CODE_MAX + 64];
    fvm_mock.context.caller = FVM_INIT_ACTOR;
    fvm_mock_result r = fvm_mock_call(FVM_METHOD_CONSTRUCTOR,
                                      evm_constructor_params(room, init_code));
    fvm_mock.context.caller = 101;
    return r;
}

/** Init code that returns `code`: PUSH2 len DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN, and the code. */
static inline fvm_bytes evm_init_code(uint8_t *room, fvm_bytes code)
{
    const uint8_t head[] = {
        0x61, (uint8_t)(code.len >> 8), (uint8_t)code.len, 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3
    };
    memcpy(room, head, sizeof head);
    if (code.len) memcpy(room + sizeof head, code.ptr, code.len);
    return (fvm_bytes){ room, sizeof head + code.len };
}

/** A contract with `code` in a new world. */
static inline void evm_deploy(fvm_bytes code)
{
    static uint8_t room[EVM_WORLD_CODE_MAX];
    evm_world_reset();
    CHECK(code.len + 10 <= sizeof room);
    fvm_mock_result r = evm_construct(evm_init_code(room, code));
    CHECK_AT("deploys", r.exit_code == 0);
}

static inline fvm_mock_result evm_invoke(fvm_bytes data)
{
    return fvm_mock_call_codec(EVM_INVOKE, FVM_BLOCK_RAW, data);
}

#endif
