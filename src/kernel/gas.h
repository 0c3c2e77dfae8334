/* gas.h - the gas tracker of one message: milligas, saturating, as the reference's
 * (reference/executor.md 3). Signed because nv17 has refunds; limits never exceed i64's maximum. */
#ifndef FVM_KERNEL_GAS_H
#define FVM_KERNEL_GAS_H

#include "base/util.h"
#include <fvm/trace.h>

#define FVM_MILLIGAS 1000u

typedef struct fvm_gas {
    int64_t limit;               /* milligas */
    int64_t used;                /* milligas; nv17 may go below zero by refunds */
    const fvm_trace_sink *trace; /* NULL: off */
} fvm_gas;

/** Whole gas to milligas, capped at i64's maximum. */
int64_t fvm_gas_from_units(uint64_t units);
void fvm_gas_init(fvm_gas *gas, uint64_t limit_units, const fvm_trace_sink *trace);
/** Reports a charge to the sink. */
void fvm__gas_trace(const fvm_gas *gas, fvm_bytes name, uint64_t compute, uint64_t other,
                    bool refund);

/** used += compute + other, saturating; beyond the limit used = limit and FVM_ERR_OUT_OF_GAS. */
static inline FVM_NODISCARD fvm_err fvm_gas_charge_named(fvm_gas *gas, fvm_bytes name,
                                                         uint64_t compute, uint64_t other)
{
    if (FVM_UNLIKELY(gas->trace != NULL)) fvm__gas_trace(gas, name, compute, other, false);
    uint64_t total = fvm_sat_add_u64(compute, other);
    uint64_t left = (uint64_t)gas->limit - (uint64_t)gas->used; /* limit >= used, always */
    if (FVM_UNLIKELY(total > left)) {
        gas->used = gas->limit;
        return FVM_ERR_OUT_OF_GAS;
    }
    gas->used = (int64_t)((uint64_t)gas->used + total);
    return FVM_OK;
}
/** With `name` a string literal. */
#define fvm_gas_charge(gas, name, compute, other)                                                  \
    fvm_gas_charge_named(gas, FVM_STR(name), compute, other)
/** nv17's negative charge: used -= amount, saturating. */
void fvm_gas_refund(fvm_gas *gas, fvm_bytes name, uint64_t amount);
/** Milligas left, never negative. */
static inline int64_t fvm_gas_available(const fvm_gas *gas)
{
    int64_t left;
    return __builtin_sub_overflow(gas->limit, gas->used, &left) ? INT64_MAX : left;
}
/** Milligas used, rounded up to gas; below zero counts as 0. */
uint64_t fvm_gas_used_units(const fvm_gas *gas);
#endif
