/* Fees: reference/executor.md 3. The table is Lotus's, as used by the reference's own test. */
#include "../test.h"

#include "machine/gas_outputs.h"

TEST(over_estimation_is_burned_in_part)
{
    static const struct {
        uint64_t used, limit, refund, burned;
    } rows[] = {
        { 100, 200, 10, 90 },
        { 100, 150, 30, 20 },
        { 1000, 1300, 240, 60 },
        { 500, 700, 140, 60 },
        { 200, 200, 0, 0 },
        { 20000, 21000, 1000, 0 },
        { 0, 2000, 0, 2000 },
        { 500, 651, 121, 30 },
        { 500, 5000, 0, 4500 },
        { INT64_MAX, INT64_MAX, 0, 0 },
        { 1, INT64_MAX, 0, INT64_MAX - 1 },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint64_t refund, burned;
        fvm_gas_over_estimation(&refund, &burned, rows[i].used, rows[i].limit);
        CHECK(refund == rows[i].refund && burned == rows[i].burned);
    }
}

static fvm_gas_outputs compute(uint64_t used, uint64_t limit, uint64_t base, uint64_t cap,
                               uint64_t premium)
{
    fvm_gas_outputs o;
    fvm_big b = fvm_big_u64(base), c = fvm_big_u64(cap), p = fvm_big_u64(premium);
    CHECK_OK(fvm_gas_outputs_compute(&o, used, limit, &b, &c, &p));
    fvm_big sum, cost;
    CHECK_OK(fvm_big_add(&sum, &o.base_fee_burn, &o.over_estimation_burn));
    CHECK_OK(fvm_big_add(&sum, &sum, &o.miner_tip));
    CHECK_OK(fvm_big_add(&sum, &sum, &o.refund));
    CHECK_OK(fvm_big_mul_u64(&cost, &c, limit));
    CHECK(fvm_big_cmp(&sum, &cost) == 0); /* no attoFIL made or lost */
    return o;
}
static bool is(const fvm_big *v, uint64_t want)
{
    fvm_big w = fvm_big_u64(want);
    return fvm_big_cmp(v, &w) == 0;
}

TEST(sender_pays_base_fee_and_tip)
{
    fvm_gas_outputs o = compute(1000, 1100, 5, 10, 2);
    CHECK(is(&o.base_fee_burn, 5000) && is(&o.miner_tip, 2200) && is(&o.penalty, 0));
    CHECK(is(&o.over_estimation_burn, 0) && is(&o.refund, 3800));
}

TEST(tip_is_cut_by_the_fee_cap)
{
    fvm_gas_outputs o = compute(1000, 1000, 5, 6, 4);
    CHECK(is(&o.miner_tip, 1000) && is(&o.penalty, 0));
}

TEST(miner_is_penalised_when_the_cap_is_below_the_base_fee)
{
    fvm_gas_outputs o = compute(100, 200, 10, 4, 3);
    CHECK(is(&o.base_fee_burn, 400) && is(&o.miner_tip, 0));
    CHECK(o.gas_burned == 90 && is(&o.over_estimation_burn, 360));
    CHECK(is(&o.penalty, 6 * 100 + 6 * 90));
}

TEST(random_fees_add_up)
{
    test_rng rng = { 7 };
    for (size_t i = 0; i < test_rounds(2000); i++) {
        uint64_t limit = 1 + test_rng_below(&rng, 1u << 30);
        compute(test_rng_below(&rng, limit + 1), limit, test_rng_below(&rng, 1000),
                test_rng_below(&rng, 1000), test_rng_below(&rng, 1000));
    }
}
