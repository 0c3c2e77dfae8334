/* chain.c - see fvm/actor/chain.h. */
#include <fvm/actor/chain.h>

fvm_token fvm_token_of(fvm_abi_token amount)
{
    fvm_require(amount.hi >> 63 == 0, FVM_USR_ASSERTION_FAILED, "amount too large");
    return (fvm_token)((fvm_uint128)amount.hi << 64 | amount.lo);
}

fvm_token fvm_balance(void)
{
    fvm_abi_token amount;
    fvm_check(fvm_sys_self_balance(&amount));
    return fvm_token_of(amount);
}

fvm_token fvm_balance_of(uint64_t id)
{
    fvm_abi_token amount;
    fvm_check(fvm_sys_balance_of(&amount, id));
    return fvm_token_of(amount);
}

fvm_token fvm_circulating_supply(void)
{
    fvm_abi_token amount;
    fvm_check(fvm_sys_circulating_supply(&amount));
    return fvm_token_of(amount);
}

uint32_t fvm_actor_code(uint8_t cid[100], uint64_t id)
{
    uint32_t len, error = fvm_sys_actor_code(&len, id, cid, 100);
    if (error == FVM_E_NOT_FOUND) return 0;
    fvm_check(error);
    return len;
}

int32_t fvm_actor_type(uint64_t id)
{
    uint8_t cid[100];
    int32_t type;
    if (fvm_actor_code(cid, id) == 0) return 0;
    fvm_check(fvm_sys_builtin_type(&type, cid));
    return type;
}

bool fvm_actor_delegated(fvm_address *out, uint64_t id)
{
    uint32_t len, error = fvm_sys_lookup_delegated(&len, id, out->bytes, sizeof out->bytes);
    if (error == FVM_E_NOT_FOUND) return false;
    fvm_check(error);
    out->len = (uint8_t)len;
    return len != 0;
}

uint32_t fvm_hash(uint8_t *out, uint32_t cap, uint64_t function, fvm_bytes in)
{
    uint32_t len;
    fvm_check(fvm_sys_hash(&len, function, in.ptr, (uint32_t)in.len, out, cap));
    return len;
}

bool fvm_verify_signature(uint32_t type, fvm_bytes signature, const fvm_address *address,
                          fvm_bytes plaintext)
{
    int32_t verdict;
    fvm_check(fvm_sys_verify_signature(&verdict, type, signature.ptr, (uint32_t)signature.len,
                                       address->bytes, address->len, plaintext.ptr,
                                       (uint32_t)plaintext.len));
    return verdict == 0;
}
