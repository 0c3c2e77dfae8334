/* gas_outputs.h - where the money for gas goes (reference/executor.md 3). Whole gas, exact. */
#ifndef FVM_MACHINE_GAS_OUTPUTS_H
#define FVM_MACHINE_GAS_OUTPUTS_H

#include "base/big.h"

typedef struct fvm_gas_outputs {
    fvm_big base_fee_burn, over_estimation_burn, penalty, miner_tip, refund; /* attoFIL */
    uint64_t gas_refund, gas_burned;                                         /* gas */
} fvm_gas_outputs;

/** FVM_ERR_RANGE when an amount exceeds what fvm_big holds: amounts of more than 127 bytes, which
 *  no message on the wire has; `out` is then undefined. */
FVM_NODISCARD fvm_err fvm_gas_outputs_compute(fvm_gas_outputs *out, uint64_t gas_used,
                                              uint64_t gas_limit, const fvm_big *base_fee,
                                              const fvm_big *fee_cap, const fvm_big *premium);
/** Of the gas that was not used, how much is refunded and how much burned for over-estimation. */
void fvm_gas_over_estimation(uint64_t *refund, uint64_t *burned, uint64_t gas_used,
                             uint64_t gas_limit);
#endif
