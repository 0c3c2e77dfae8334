/* Parameters that no encoder writes: valid ones with bytes changed, cut out, put in, or written another
 * way, to every method, on both bundles. What comes out, and every actor's state, must be the same. */
#include "draw.h"

static const struct {
    const char *from, *to;
    uint64_t method;
    const char *params;
} seeds[] = {
    { "alice", "wallet", 2, "[@dave, 5FIL, 0, h'']" },
    { "alice", "wallet", 2, "[@bob.key, 300atto, 16777216, h'8301']" },
    { "bob", "wallet", 3, "[0, h'']" },
    { "bob", "wallet", 3, "[1, h'']" },
    { "alice", "wallet", 4, "[2, h'00']" },
    { "wallet", "wallet", 5, "[@dave, true]" },
    { "wallet", "wallet", 6, "[@dave.key, true]" },
    { "wallet", "wallet", 7, "[@alice, @dave]" },
    { "wallet", "wallet", 7, "[@dave, @alice]" },
    { "wallet", "wallet", 8, "[2]" },
    { "wallet", "wallet", 9, "[1, 1000, 1FIL]" },
    { "bob", "wallet", 3726118371, "[2233613279, h'0102']" },
    { "alice", "locked", 2, "[@dave, 5FIL, 0, h'']" },
    { "init", "locked", 1, "[[@alice, @bob.key], 2, 300, -5]" },
    { "system", "alice", 1, "@bob.key" },
    { "bob", "alice", 2643134072, "[h'0102', h'03']" },
    { "system", "init", 1, "[\"net\xc3\xa9\"]" },
    { "eam", "init", 3, "[h'', h'', h'0102']" },
    { "system", "cron", 1, "[[[@bob, 5], [@alice, 9]]]" },
    { "bob", "eam", 2, "[h'', 300]" },
    { "bob", "eam", 3,
      "[h'', h'0000000000000000000000000000000000000000000000000000000000000000']" },
    { "wallet", "eam", 4, "h'6000'" },
    { "system", "reward", 1, "5FIL" },
    { "system", "reward", 2, "[@dave, 1FIL, 2FIL, 1]" },
    { "power", "reward", 4, "5FIL" },
    { "alice", "new", 2,
      "[[@wallet, -1, 300, h'01', [@dave, 3, h''], 1, 1, 1FIL, 5, [[0, 1], [2, 300]], h'0101'], "
      "h'']" },
    { "alice", "new", 2, "[[@wallet, 0, 0, h'', null, 0, 0, 0FIL, 0, [], null], h'']" },
    { "init", "new", 1, "[@alice, @bob.key]" },
    { "bob", "new", 3, "[]" },
};

TEST(odd_parameters_come_to_the_same_end_on_both_bundles)
{
    test_rng rng = { 2026 };
    fvm_big none = fvm_big_zero();
    size_t codes[40] = { 0 };
    twin t;
    twin_open(&t);
    CHECK(
        twin_exec(&t, "a channel", "bob", "paymentchannel", "10FIL", "[@bob, @alice]")->exit_code ==
        0);
    for (size_t i = 0; i < test_rounds(600); i++) {
        size_t s = i % FVM_COUNT(seeds);
        fvm_address to = fvm_address_id(twin_id(seeds[s].to));
        fvm_buf params;
        fvm_buf_init(&params, NULL);
        twin_value(&params, seeds[s].params);
        for (size_t n = test_rng_below(&rng, 3); n > 0; n--) draw_mutate(&params, &rng);
        uint32_t code = twin_send(&t, twin_id(seeds[s].from), &to, seeds[s].method, &none,
                                  fvm_buf_bytes(&params))
                            ->exit_code;
        if (code < FVM_COUNT(codes)) codes[code]++;
        fvm_buf_deinit(&params);
    }
    for (size_t i = 0; i < FVM_COUNT(codes); i++)
        if (codes[i]) printf("exit code %zu: %zu\n", i, codes[i]);
    CHECK(codes[0] > 0 && codes[16] > 0 && codes[18] > 0 && codes[21] > 0);
    twin_close(&t);
}
