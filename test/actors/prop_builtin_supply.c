/* No attoFIL comes from nowhere or goes nowhere: random messages with value between all actors, many of
 * which fail half-way, on both bundles; without fees, so that the sum of all balances must stay. */
#include "twin.h"

/* Names stand for whoever is drawn: @who, and amounts of all sizes. */
static const struct {
    const char *to;
    uint64_t method;
    const char *params;
} kinds[] = {
    { "alice", 0, NULL },
    { "eve", 0, NULL },
    { "burnt", 0, NULL },
    { "reward", 0, NULL },
    { "new", 0, NULL },
    { "f0999", 0, NULL },
    { "alice", 16777216, "[]" },
    { "alice", 7, NULL },
    { "wallet", 2, "[@dave, 3FIL, 0, h'']" },
    { "wallet", 2, "[@reward, 1FIL, 0, h'']" },
    { "wallet", 2, "[@wallet, 1FIL, 0, h'']" },
    { "wallet", 2, "[@alice, 1FIL, 7, h'']" },
    { "wallet", 2, "[@eve, 5000FIL, 0, h'']" },
    { "wallet", 2, "[h'00e707', 1FIL, 0, h'']" },
    { "locked", 2, "[@dave, 1atto, 0, h'']" },
    { "locked", 2, "[@wallet, 90FIL, 0, h'']" },
    { "eam", 4, "h'60006000f3'" },
    { "eam", 4, "h'60006000fd'" },
    { "eam", 4, "h'33ff'" },
    { "reward", 2, "[@dave, 1FIL, 1FIL, 3]" },
    { "reward", 2, "[@burnt, 1FIL, 0FIL, 100]" },
    { "new", 3, NULL },
    { "new", 4, NULL },
    { "init", 2, "[1]" },
};
static const char *const senders[] = { "alice",  "bob",    "carol", "dave",  "eve",
                                       "wallet", "locked", "new",   "system" };
static const char *const values[] = { NULL, NULL, "1atto", "1FIL", "77FIL", "100000FIL" };

TEST(no_money_is_made_or_lost)
{
    test_rng rng = { 5 };
    size_t well = 0, proposals = 0;
    twin t;
    twin_open(&t);
    fvm_big supply[2] = { twin_supply(&t, 0), twin_supply(&t, t.sides - 1) };
    CHECK(
        twin_exec(&t, "a channel", "bob", "paymentchannel", "10FIL", "[@bob, @alice]")->exit_code ==
        0);
    for (size_t i = 0; i < test_rounds(300); i++) {
        size_t k = test_rng_below(&rng, FVM_COUNT(kinds));
        char approve[32];
        twin_step step = { kinds[k].to,
                           senders[test_rng_below(&rng, FVM_COUNT(senders))],
                           kinds[k].to,
                           kinds[k].method,
                           values[test_rng_below(&rng, FVM_COUNT(values))],
                           kinds[k].params,
                           TWIN_ANY_CODE,
                           NULL };
        if (test_rng_below(&rng, 4) == 0) { /* a signer approves something */
            (void)snprintf(approve, sizeof approve, "[%u, h'']",
                           (unsigned)test_rng_below(&rng, proposals / 2 + 1));
            step = (twin_step){ "approve",     test_rng_below(&rng, 2) ? "alice" : "bob",
                                "wallet",      3,
                                NULL,          approve,
                                TWIN_ANY_CODE, NULL };
        }
        if (i % 50 == 49) twin_epoch(&t, t.epoch + 700);
        if (test_rng_below(&rng, 10) == 0)
            (void)twin_exec(&t, "a wallet", step.from, "multisig", step.value,
                            "[[@alice, @bob], 1, 5, 0]");
        twin_run(&t, &step, 1);
        well += t.side[0].receipt.exit_code == 0;
        proposals += step.method == 2;
        for (int side = 0; side < t.sides; side++) {
            fvm_big now = twin_supply(&t, side);
            CHECK_AT(step.why, fvm_big_cmp(&now, &supply[side]) == 0);
        }
    }
    CHECK(well > 50);
    twin_close(&t);
}
