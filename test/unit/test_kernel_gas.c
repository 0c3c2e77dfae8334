/* The gas tracker: limits, saturation, refunds, rounding, and what a trace sees. */
#include "test.h"

#include "kernel/gas.h"

TEST(charges_add_up_and_stop_at_the_limit)
{
    fvm_gas gas;
    fvm_gas_init(&gas, 10, NULL);
    CHECK(gas.limit == 10000 && fvm_gas_available(&gas) == 10000);
    CHECK_OK(fvm_gas_charge(&gas, "a", 3000, 500));
    CHECK(gas.used == 3500 && fvm_gas_available(&gas) == 6500);
    CHECK_OK(fvm_gas_charge(&gas, "b", 0, 6500)); /* exactly all */
    CHECK(fvm_gas_available(&gas) == 0);
    CHECK_OK(fvm_gas_charge(&gas, "c", 0, 0));
    CHECK_ERR(fvm_gas_charge(&gas, "d", 1, 0), FVM_ERR_OUT_OF_GAS);
    CHECK(gas.used == gas.limit && fvm_gas_used_units(&gas) == 10);
}

TEST(a_charge_beyond_the_limit_takes_all_and_saturates)
{
    fvm_gas gas;
    fvm_gas_init(&gas, UINT64_MAX, NULL);
    CHECK(gas.limit == INT64_MAX);
    CHECK_OK(fvm_gas_charge(&gas, "a", 5, 0));
    CHECK_ERR(fvm_gas_charge(&gas, "b", UINT64_MAX, UINT64_MAX), FVM_ERR_OUT_OF_GAS);
    CHECK(gas.used == INT64_MAX);
    CHECK(fvm_gas_used_units(&gas) == 9223372036854776u); /* rounded up */
}

TEST(refunds_go_below_zero_and_count_as_nothing_used)
{
    fvm_gas gas;
    fvm_gas_init(&gas, 1, NULL);
    fvm_gas_refund(&gas, FVM_STR("r"), 98800000);
    CHECK(gas.used == -98800000 && fvm_gas_used_units(&gas) == 0);
    CHECK(fvm_gas_available(&gas) == 98801000);
    CHECK_OK(fvm_gas_charge(&gas, "a", 98800001, 0));
    CHECK(gas.used == 1 && fvm_gas_used_units(&gas) == 1);
    fvm_gas_refund(&gas, FVM_STR("r"), UINT64_MAX);
    fvm_gas_refund(&gas, FVM_STR("r"), UINT64_MAX);
    CHECK(gas.used == INT64_MIN && fvm_gas_available(&gas) == INT64_MAX);
    CHECK_OK(fvm_gas_charge(&gas, "b", 1, 0));
}

typedef struct seen {
    fvm_trace_event last;
    int count;
} seen;
static void see(void *ctx, const fvm_trace_event *event)
{
    seen *s = ctx;
    s->last = *event;
    s->count++;
}

TEST(a_trace_sees_each_charge_also_the_one_that_fails)
{
    seen s = { .count = 0 };
    fvm_trace_sink sink = { see, &s };
    fvm_gas gas;
    fvm_gas_init(&gas, 1, &sink);
    CHECK_OK(fvm_gas_charge(&gas, "one", 7, 8));
    CHECK(s.count == 1 && s.last.kind == FVM_TRACE_CHARGE && s.last.compute == 7 &&
          s.last.other == 8 && !s.last.refund);
    CHECK_BYTES(s.last.name, FVM_STR("one"));
    CHECK_ERR(fvm_gas_charge(&gas, "two", 5000, 0), FVM_ERR_OUT_OF_GAS);
    CHECK(s.count == 2 && s.last.compute == 5000);
    fvm_gas_refund(&gas, FVM_STR("three"), 9);
    CHECK(s.count == 3 && s.last.refund && s.last.other == 9);
}
