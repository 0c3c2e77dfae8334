/* send.c - see fvm/actor/send.h. */
#include <fvm/actor/send.h>

uint32_t fvm_send_limited(fvm_send_result *out, const fvm_address *to, uint64_t method,
                          uint32_t params, fvm_token value, uint64_t gas_limit, uint64_t flags)
{
    if (value < 0) return FVM_E_ILLEGAL_ARGUMENT;
    return fvm_sys_send(out, to->bytes, to->len, method, params,
                        (uint64_t)((fvm_uint128)value >> 64), (uint64_t)value, gas_limit, flags);
}

uint32_t fvm_send(fvm_send_result *out, const fvm_address *to, uint64_t method, uint32_t params,
                  fvm_token value)
{
    return fvm_send_limited(out, to, method, params, value, FVM_SEND_ALL_GAS, 0);
}

fvm_send_result fvm_send_must(const fvm_address *to, uint64_t method, uint32_t params,
                              fvm_token value)
{
    fvm_send_result result;
    uint32_t error = fvm_send(&result, to, method, params, value);
    if (error == FVM_E_NOT_FOUND) fvm_abort(FVM_USR_UNSPECIFIED, "no such receiver");
    fvm_check(error);
    uint32_t code = result.exit_code;
    if (code) {
        /* the machine's own codes are not handed on: reference/actors.md 1.4 */
        if (code == 4 || code == 9 || code == 11)
            code = FVM_USR_UNSPECIFIED;
        else if (code < FVM_USR_ILLEGAL_ARGUMENT)
            code = FVM_USR_ASSERTION_FAILED;
        fvm_sys_exit(code, result.return_id, NULL, 0);
    }
    return result;
}

bool fvm_resolve(uint64_t *id, const fvm_address *address)
{
    uint32_t error = fvm_sys_resolve_address(id, address->bytes, address->len);
    if (error == FVM_E_NOT_FOUND) return false;
    fvm_check(error);
    return true;
}
