/* account.c - holds the key address of an account. Reference: actors.md 6. */
#include "common/builtin.h"

#define ACCOUNT(F) F(address, address)
FVM_STRUCT(state, ACCOUNT)

#define SIGNED(F)                                                                                  \
    F(bytes, signature)                                                                            \
    F(bytes, message)
FVM_STRUCT(signed_message, SIGNED)

static bool is_key(const fvm_address *address)
{
    fvm_protocol p = fvm_address_protocol(address);
    return p == FVM_PROTOCOL_SECP256K1 || p == FVM_PROTOCOL_BLS;
}

static void load(state *s)
{
    BUILTIN_STATE_LOAD(state, s);
}

static uint32_t constructor(uint32_t params)
{
    state s;
    FVM_PARAMS(address, &s.address, params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    fvm_require(is_key(&s.address), FVM_USR_ILLEGAL_ARGUMENT, "not a key address");
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

static uint32_t pubkey_address(uint32_t params)
{
    state s;
    fvm_params_none(params);
    load(&s);
    return FVM_RETURN(address, &s.address);
}

static uint32_t authenticate_message(uint32_t params)
{
    static const uint8_t yes[] = { 0xf5 };
    signed_message m;
    state s;
    int32_t verdict;
    FVM_PARAMS(signed_message, &m, params);
    load(&s);
    uint32_t type = 0;
    if (fvm_address_protocol(&s.address) == FVM_PROTOCOL_SECP256K1) type = FVM_SIG_SECP256K1;
    if (fvm_address_protocol(&s.address) == FVM_PROTOCOL_BLS) type = FVM_SIG_BLS;
    fvm_require(type != 0, FVM_USR_ILLEGAL_STATE, "not a key address");
    uint32_t error = fvm_sys_verify_signature(
        &verdict, type, m.signature.ptr, (uint32_t)m.signature.len, s.address.bytes, s.address.len,
        m.message.ptr, (uint32_t)m.message.len);
    fvm_require(error == 0 && verdict == 0, FVM_USR_ILLEGAL_ARGUMENT, "bad signature");
    return fvm_block_new(FVM_BLOCK_CBOR, (fvm_bytes){ yes, sizeof yes });
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, pubkey_address)
    FVM_EXPORT(AuthenticateMessage, authenticate_message)
    FVM_FALLBACK(builtin_fallback)
)
