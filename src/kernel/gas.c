/* gas.c - the rarer half of the gas tracker; the charge itself is inline in gas.h. */
#include "gas.h"

int64_t fvm_gas_from_units(uint64_t units)
{
    uint64_t milligas = fvm_sat_mul_u64(units, FVM_MILLIGAS);
    return milligas > INT64_MAX ? INT64_MAX : (int64_t)milligas;
}

void fvm_gas_init(fvm_gas *gas, uint64_t limit_units, const fvm_trace_sink *trace)
{
    *gas = (fvm_gas){ .limit = fvm_gas_from_units(limit_units), .used = 0, .trace = trace };
}

void fvm__gas_trace(const fvm_gas *gas, fvm_bytes name, uint64_t compute, uint64_t other,
                    bool refund)
{
    uint64_t total = fvm_sat_add_u64(compute, other);
    uint64_t left = (uint64_t)gas->limit - (uint64_t)gas->used;
    fvm_trace_event event = {
        .kind = FVM_TRACE_CHARGE,
        .charged = refund || total < left ? total : left,
        .name = name,
        .compute = compute,
        .other = other,
        .refund = refund,
    };
    gas->trace->event(gas->trace->ctx, &event);
}

void fvm_gas_refund(fvm_gas *gas, fvm_bytes name, uint64_t amount)
{
    if (FVM_UNLIKELY(gas->trace != NULL)) fvm__gas_trace(gas, name, 0, amount, true);
    int64_t minus = amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
    if (__builtin_sub_overflow(gas->used, minus, &gas->used)) gas->used = INT64_MIN;
}

uint64_t fvm_gas_used_units(const fvm_gas *gas)
{
    if (gas->used <= 0) return 0;
    uint64_t used = (uint64_t)gas->used;
    return used / FVM_MILLIGAS + (used % FVM_MILLIGAS != 0);
}
