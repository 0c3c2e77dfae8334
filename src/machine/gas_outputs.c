#include "gas_outputs.h"

void fvm_gas_over_estimation(uint64_t *refund, uint64_t *burned, uint64_t gas_used,
                             uint64_t gas_limit)
{
    if (gas_used == 0) {
        *refund = 0;
        *burned = gas_limit;
        return;
    }
    /* Burns (N - 10)% of what is left, N the over-estimation in percent, within 0 and 100%. */
    fvm_u128 threshold = (fvm_u128)gas_used * 11 / 10;
    fvm_u128 over = gas_limit > threshold ? gas_limit - threshold : 0;
    if (over > gas_used) over = gas_used;
    uint64_t left = fvm_sat_sub_u64(gas_limit, gas_used);
    *burned = (uint64_t)((fvm_u128)left * over / gas_used); /* <= left, since over <= gas_used */
    *refund = left - *burned;
}

/* What the sender gets back: the fee cap for the whole limit, without burns and tip. */
static fvm_err compute_refund(fvm_gas_outputs *out, uint64_t gas_limit, const fvm_big *fee_cap)
{
    fvm_big *refund = &out->refund;
    FVM_TRY(fvm_big_mul_u64(refund, fee_cap, gas_limit));
    FVM_TRY(fvm_big_sub(refund, refund, &out->base_fee_burn));
    FVM_TRY(fvm_big_sub(refund, refund, &out->miner_tip));
    return fvm_big_sub(refund, refund, &out->over_estimation_burn);
}

fvm_err fvm_gas_outputs_compute(fvm_gas_outputs *out, uint64_t gas_used, uint64_t gas_limit,
                                const fvm_big *base_fee, const fvm_big *fee_cap,
                                const fvm_big *premium)
{
    fvm_big shortfall, total, room;
    const fvm_big *to_pay = base_fee, *tip_rate = premium;

    fvm__big_clear(&shortfall);
    fvm__big_clear(&out->penalty);
    fvm__big_clear(&out->over_estimation_burn);
    if (fvm_big_cmp(base_fee, fee_cap) > 0) {
        to_pay = fee_cap;
        FVM_TRY(fvm_big_sub(&shortfall, base_fee, fee_cap));
        FVM_TRY(fvm_big_mul_u64(&out->penalty, &shortfall, gas_used));
    }
    FVM_TRY(fvm_big_mul_u64(&out->base_fee_burn, to_pay, gas_used));

    FVM_TRY(fvm_big_add(&total, to_pay, premium));
    if (fvm_big_cmp(&total, fee_cap) > 0) {
        FVM_TRY(fvm_big_sub(&room, fee_cap, to_pay));
        tip_rate = &room;
    }
    FVM_TRY(fvm_big_mul_u64(&out->miner_tip, tip_rate, gas_limit));

    fvm_gas_over_estimation(&out->gas_refund, &out->gas_burned, gas_used, gas_limit);
    if (out->gas_burned) {
        fvm_big burned_penalty;
        FVM_TRY(fvm_big_mul_u64(&out->over_estimation_burn, to_pay, out->gas_burned));
        FVM_TRY(fvm_big_mul_u64(&burned_penalty, &shortfall, out->gas_burned));
        FVM_TRY(fvm_big_add(&out->penalty, &out->penalty, &burned_penalty));
    }
    return compute_refund(out, gas_limit, fee_cap);
}
