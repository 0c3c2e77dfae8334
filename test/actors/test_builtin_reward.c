/* The reward actor on both bundles: what it pays, and the curves, epoch by epoch. f04 is a plain account
 * here, since only its ID counts. */
#include "twin.h"

#include "ipld/cbor.h"

static fvm_buf kpi(const fvm_big *power)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_bytes(&params, (fvm_bytes){ wire, fvm_big_write(wire, power) }));
    return params;
}

static void update(twin *t, const fvm_big *power)
{
    fvm_address reward = fvm_address_id(2);
    fvm_big none = fvm_big_zero();
    fvm_buf params = kpi(power);
    CHECK(twin_send(t, 4, &reward, 4, &none, fvm_buf_bytes(&params))->exit_code == 0);
    fvm_buf_deinit(&params);
}

TEST(the_curves_are_the_reference_s)
{
    /* powers below, at and far above the baseline (2.9 * 10^18 bytes), and epochs that are left out */
    static const struct {
        int64_t epoch;
        const char *power;
    } steps[] = {
        { 1, "0" },
        { 2, "1" },
        { 3, "2888888880000000000" },
        { 4, "99999999999999999999999999" },
        { 5, "2888888880000000000" },
        { 20, "12345678901234567890" },
        { 21, "5000000000000000000" },
        { 100, "3000000000000000000" },
        { 101, "0" },
        { 2000, "30000000000000000000" },
        { 2001, "-5" },
    };
    static const twin_step show = { "reward now", "bob", "reward", 3, NULL, NULL, 0, NULL };
    twin t;
    twin_open(&t);
    for (size_t i = 0; i < FVM_COUNT(steps); i++) {
        fvm_big power;
        CHECK_OK(fvm_big_from_text(&power, fvm_bytes_of(steps[i].power)));
        twin_epoch(&t, steps[i].epoch);
        update(&t, &power);
        twin_run(&t, &show, 1);
    }
    twin_close(&t);
}

TEST(power_drawn_at_random_gives_the_same_rewards)
{
    test_rng rng = { 7 };
    twin t;
    int64_t epoch = 1;
    twin_open(&t);
    for (size_t i = 0; i < test_rounds(40); i++) {
        fvm_big power = fvm_big_u128(test_rng_below(&rng, 3) == 0 ? test_rng_below(&rng, 100) : 0,
                                     test_rng_next(&rng));
        epoch += 1 + (int64_t)test_rng_below(&rng, test_rng_below(&rng, 8) == 0 ? 500 : 3);
        twin_epoch(&t, epoch);
        update(&t, &power);
    }
    twin_close(&t);
}

TEST(rewards_are_paid)
{
    static const twin_step steps[] = {
        { "by somebody", "bob", "reward", 2, NULL, "[@dave, 0FIL, 0FIL, 1]", 18, "" },
        { "a negative penalty", "system", "reward", 2, NULL, "[@dave, -1atto, 0FIL, 1]", 16, "" },
        { "a negative gas reward", "system", "reward", 2, NULL, "[@dave, 0FIL, -1atto, 1]", 16,
          "" },
        { "no win", "system", "reward", 2, NULL, "[@dave, 0FIL, 0FIL, 0]", 16, "" },
        { "more gas reward than there is", "system", "reward", 2, NULL,
          "[@dave, 0FIL, 1000001FIL, 1]", 20, "" },
        { "the same without a win", "system", "reward", 2, NULL, "[@dave, 0FIL, 1000001FIL, 0]", 20,
          "" },
        { "nobody's miner", "system", "reward", 2, NULL,
          "[h'01df034b2156625ebac9d8f7c7af61eff43a451e9f', 0FIL, 0FIL, 1]", 17, "" },
        { "three of four", "system", "reward", 2, NULL, "[@dave, 0FIL, 0FIL]", 21, "" },
        { "to who does not take it: burnt", "system", "reward", 2, NULL, "[@dave, 1FIL, 2FIL, 1]",
          0, "" },
        { "many wins", "system", "reward", 2, NULL, "[@dave, 0FIL, 0FIL, 1000]", 0, "" },
        { "to a miner that is not there", "system", "reward", 2, NULL, "[h'00e707', 0FIL, 0FIL, 1]",
          0, "" },
        { "to a placeholder", "system", "reward", 2, NULL, "[@eve, 0FIL, 0FIL, 3]", 0, "" },
        { "all that is left", "system", "reward", 2, NULL, "[@dave, 0FIL, 5FIL, 10000000]", 0, "" },
        { "nothing is left", "system", "reward", 2, NULL, "[@dave, 0FIL, 0FIL, 1]", 0, "" },
        { "more", "system", "reward", 2, NULL, "[@dave, 0FIL, 1atto, 1]", 20, "" },
        { "constructed again", "system", "reward", 1, NULL, "1FIL", 20, "" },
        { "constructed without power", "system", "reward", 1, NULL, "null", 16, "" },
        { "constructed by somebody", "bob", "reward", 1, NULL, "null", 18, "" },
        { "power by somebody", "bob", "reward", 4, NULL, "1FIL", 18, "" },
        { "power by the system", "system", "reward", 4, NULL, "1FIL", 18, "" },
        { "no power", "power", "reward", 4, NULL, "null", 16, "" },
        { "not a number", "power", "reward", 4, NULL, "[]", 21, "" },
        { "ask with parameters", "bob", "reward", 3, NULL, "[]", 16, "" },
        { "an exported number", "bob", "reward", 16777216, NULL, NULL, 22, "" },
        { "a low number", "bob", "reward", 5, NULL, NULL, 22, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}
