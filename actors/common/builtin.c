/* builtin.c - see builtin.h. */
#include "common/builtin.h"

void builtin_restrict(void)
{
    if (fvm_call.method >= FVM_FIRST_EXPORTED_METHOD) return;
    /* system, init, reward, cron and the actor itself are there, built in, and no EVM contracts */
    if (fvm_call.caller <= FVM_CRON_ACTOR || fvm_call.caller == fvm_call.receiver) return;
    int32_t type = fvm_actor_type(fvm_call.caller);
    fvm_require(type > 0 && type <= BUILTIN_LAST && type != BUILTIN_EVM, FVM_USR_FORBIDDEN,
                "caller must be built in");
}

uint32_t builtin_fallback(uint32_t params)
{
    (void)params;
    fvm_require(fvm_call.method >= FVM_FIRST_EXPORTED_METHOD, FVM_USR_UNHANDLED_MESSAGE,
                "no such method");
    return 0;
}

void builtin_require_new(void)
{
    /* CIDv1, DAG-CBOR, blake2b-256 of the byte 80 */
    static const uint8_t empty_array[FVM_LINK_LEN] =
        "\x01\x71\xa0\xe4\x02\x20\x45\xb0\xcf\xc2\x20\xce\xec\x5b\x7c\x1c\x62\xc4\xd4"
        "\x19\x3d\x38\xe4\xeb\xa4\x8e\x88\x15\x72\x9c\xe7\x5f\x9c\x0a\xb0\xe4\xc1\xc0";
    uint8_t root[100];
    uint32_t len;
    fvm_check(fvm_sys_self_root(&len, root, sizeof root));
    fvm_require(len == sizeof empty_array && __builtin_memcmp(root, empty_array, len) == 0,
                FVM_USR_ILLEGAL_STATE, "constructed already");
}

void builtin_empty_map(fvm_cid *out)
{
    static const uint8_t node[] = { 0x82, 0x40, 0x80 };
    builtin_map(fvm_blockstore_put_new(fvm_blocks(), out, FVM_BLOCK_DAG_CBOR,
                                       (fvm_bytes){ node, sizeof node }));
}

uint32_t builtin_send(fvm_send_result *out, const fvm_address *to, uint64_t method, uint32_t params,
                      fvm_abi_token value, uint64_t flags)
{
    __builtin_memset(out, 0, sizeof *out);
    uint32_t error = fvm_sys_send(out, to->bytes, to->len, method, params, value.hi, value.lo,
                                  FVM_SEND_ALL_GAS, flags);
    if (error == FVM_E_NOT_FOUND) return FVM_USR_UNSPECIFIED;
    if (error == FVM_E_INSUFFICIENT_FUNDS) return FVM_USR_INSUFFICIENT_FUNDS;
    if (error == FVM_E_READ_ONLY) return FVM_USR_READ_ONLY;
    if (error) return FVM_USR_ASSERTION_FAILED;
    uint32_t code = out->exit_code;
    if (code == 4 || code == 9 || code == 11) return FVM_USR_UNSPECIFIED;
    return code && code < FVM_USR_ILLEGAL_ARGUMENT ? FVM_USR_ASSERTION_FAILED : code;
}

fvm_send_result builtin_send_must(const fvm_address *to, uint64_t method, uint32_t params,
                                  fvm_abi_token value, uint64_t flags)
{
    fvm_send_result result;
    uint32_t code = builtin_send(&result, to, method, params, value, flags);
    if (code) fvm_sys_exit(code, result.return_id, NULL, 0);
    return result;
}

fvm_dec builtin_returned(const fvm_send_result *result)
{
    fvm_require(result->return_id != 0, FVM_USR_ASSERTION_FAILED, "return value expected");
    fvm_require(result->return_codec == FVM_BLOCK_CBOR ||
                    result->return_codec == FVM_BLOCK_DAG_CBOR,
                FVM_USR_SERIALIZATION, "return value is not cbor");
    return fvm_dec_of(fvm_block_read_sized(result->return_id, result->return_size));
}

uint64_t builtin_resolve(const fvm_address *address, bool must_exist)
{
    uint8_t code[100];
    uint64_t id;
    if (!fvm_resolve(&id, address)) {
        (void)builtin_send_must(address, FVM_METHOD_SEND, 0, builtin_amount(0), 0);
        fvm_require(fvm_resolve(&id, address), FVM_USR_ILLEGAL_ARGUMENT, "address");
    }
    fvm_require(!must_exist || fvm_actor_code(code, id) != 0, FVM_USR_NOT_FOUND, "no such actor");
    return id;
}
