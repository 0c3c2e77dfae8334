/* reward.c - actor f02: holds what is yet to be earned, and pays it out to who makes blocks.
 * Reference: actors.md 10. */
#include "reward/curve.h"

#define PENALTY_FACTOR 3
#define LEADERS_PER_EPOCH 5
#define MINER_APPLY_REWARDS 14

FVM_OPTIONAL(maybe_power, wide)

#define AWARD(F)                                                                                   \
    F(address, miner)                                                                              \
    F(wide, penalty)                                                                               \
    F(wide, gas_reward)                                                                            \
    F(int, win_count)
FVM_STRUCT(award_params, AWARD)

#define APPLY(F)                                                                                   \
    F(wide, reward)                                                                                \
    F(wide, penalty)
FVM_STRUCT(apply_params, APPLY)

#define THIS_EPOCH(F)                                                                              \
    F(estimate, smoothed)                                                                          \
    F(wide, baseline_power)
FVM_STRUCT(this_epoch, THIS_EPOCH)

static uint32_t constructor(uint32_t params)
{
    maybe_power power;
    state s;
    FVM_PARAMS(maybe_power, &power, params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    fvm_require(power.some, FVM_USR_ILLEGAL_ARGUMENT, "no power");
    curve_start(&s, &power.value);
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

/* The block's share, at most what there is. Gives gas reward and share together. */
static void award(wide *total, const award_params *p, const wide *balance)
{
    state s;
    wide share, n;
    BUILTIN_STATE_LOAD(state, &s);
    wide_set(&n, p->win_count);
    wide_mul(&share, &s.this_epoch_reward, &n);
    wide_set(&n, LEADERS_PER_EPOCH);
    wide_div_floor(&share, &share, &n);
    wide_add(total, &p->gas_reward, &share);
    if (wide_cmp(total, balance) > 0) {
        *total = *balance;
        wide_sub(&share, total, &p->gas_reward);
    }
    wide_add(&s.total_storage_power_reward, &s.total_storage_power_reward, &share);
    FVM_STATE_SAVE(state, &s);
}

static uint32_t award_block_reward(uint32_t params)
{
    award_params p;
    apply_params apply;
    fvm_abi_token own;
    wide balance;
    uint64_t miner_id;
    fvm_send_result ignored;
    FVM_PARAMS(award_params, &p, params);
    builtin_require_caller(FVM_SYSTEM_ACTOR);
    fvm_check(fvm_sys_self_balance(&own));
    wide_of_amount(&balance, own);
    fvm_require(!p.penalty.negative && !p.gas_reward.negative, FVM_USR_ILLEGAL_ARGUMENT,
                "negative amount");
    fvm_require(wide_cmp(&balance, &p.gas_reward) >= 0, FVM_USR_ILLEGAL_STATE, "balance");
    fvm_require(p.win_count > 0, FVM_USR_ILLEGAL_ARGUMENT, "win count");
    fvm_require(fvm_resolve(&miner_id, &p.miner), FVM_USR_NOT_FOUND, "no such miner");
    wide_set(&apply.penalty, PENALTY_FACTOR);
    wide_mul(&apply.penalty, &apply.penalty, &p.penalty);
    award(&apply.reward, &p, &balance);

    /* what the miner does not take is nobody's */
    fvm_address miner = fvm_address_id(miner_id), burnt = fvm_address_id(FVM_BURNT_FUNDS_ACTOR);
    if (apply.reward.negative) return 0; /* after powers below zero: no send takes that */
    fvm_abi_token value = wide_to_amount(&apply.reward);
    if (builtin_send(&ignored, &miner, MINER_APPLY_REWARDS, FVM_RETURN(apply_params, &apply), value,
                     0))
        (void)builtin_send(&ignored, &burnt, FVM_METHOD_SEND, 0, value, 0);
    return 0;
}

static uint32_t this_epoch_reward(uint32_t params)
{
    state s;
    fvm_params_none(params);
    BUILTIN_STATE_LOAD(state, &s);
    this_epoch now = { s.smoothed, s.this_epoch_baseline_power };
    return FVM_RETURN(this_epoch, &now);
}

static uint32_t update_network_kpi(uint32_t params)
{
    maybe_power power;
    state s;
    FVM_PARAMS(maybe_power, &power, params);
    builtin_require_caller(FVM_POWER_ACTOR);
    fvm_require(power.some, FVM_USR_ILLEGAL_ARGUMENT, "no power");
    BUILTIN_STATE_LOAD(state, &s);
    int64_t before = s.epoch, now = fvm_epoch();
    while (s.epoch < now) curve_step(&s, &power.value);
    curve_step_with_reward(&s, &power.value);
    curve_smooth(&s, s.epoch - before);
    FVM_STATE_SAVE(state, &s);
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, award_block_reward)
    FVM_METHOD(3, this_epoch_reward)
    FVM_METHOD(4, update_network_kpi)
)
