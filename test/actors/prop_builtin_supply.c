/* No attoFIL comes from nowhere or goes nowhere: random messages with value between all actors, many of
 * which fail half-way. The sum of all balances must stay: without fees on both bundles, and with fees, which are burned,
 * paid and refunded. */
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

static const fvm_receipt *send_with_fees(twin *t, const fvm_message *message)
{
    twin_side *s = &t->side[0];
    CHECK_OK(fvm_machine_apply(s->machine, &s->receipt, message, FVM_APPLY_EXPLICIT,
                               twin_chain_length(message)));
    return &s->receipt;
}

/* What becomes of all that a message could cost, by its receipt. */
static fvm_big accounted(const fvm_receipt *r)
{
    fvm_big sum = r->base_fee_burn;
    CHECK_OK(fvm_big_add(&sum, &sum, &r->over_estimation_burn));
    CHECK_OK(fvm_big_add(&sum, &sum, &r->miner_tip));
    CHECK_OK(fvm_big_add(&sum, &sum, &r->refund));
    return sum;
}

TEST(fees_go_where_the_receipt_says)
{
    static const uint64_t limits[] = { 1, 400000, 2000000, 30000000, 3000000000 };
    static const uint64_t caps[] = { 0, 60, 100, 101, 250, 1000000 };
    static const uint64_t amounts[] = { 0, 0, 1, 1000000000000000000, UINT64_MAX };
    test_rng rng = { 15 };
    size_t well = 0, starved = 0, unpaid = 0;
    twin t;
    twin_open_user(&t);
    fvm_big supply = twin_supply(&t, 0);
    for (size_t i = 0; i < test_rounds(400); i++) {
        size_t k = test_rng_below(&rng, FVM_COUNT(kinds));
        uint64_t from = TWIN_ALICE + test_rng_below(&rng, TWIN_EVE - TWIN_ALICE + 1);
        fvm_buf params;
        fvm_buf_init(&params, NULL);
        if (kinds[k].params) twin_value(&params, kinds[k].params);
        fvm_message m = {
            .from = fvm_address_id(from),
            .to = fvm_address_id(twin_id(kinds[k].to)),
            .nonce = twin_nonce(&t, from) + (test_rng_below(&rng, 20) == 0),
            .value = fvm_big_u64(amounts[test_rng_below(&rng, FVM_COUNT(amounts))]),
            .method = kinds[k].method,
            .params = fvm_buf_bytes(&params),
            .gas_limit = limits[test_rng_below(&rng, FVM_COUNT(limits))],
            .gas_fee_cap = fvm_big_u64(caps[test_rng_below(&rng, FVM_COUNT(caps))]),
        };
        m.gas_premium = fvm_big_u64(caps[test_rng_below(&rng, FVM_COUNT(caps))]);
        if (fvm_big_cmp(&m.gas_premium, &m.gas_fee_cap) > 0) m.gas_premium = m.gas_fee_cap;
        uint64_t nonce = twin_nonce(&t, from);
        const fvm_receipt *r = send_with_fees(&t, &m);
        fvm_big all, now = twin_supply(&t, 0), sum = accounted(r);
        CHECK_AT(kinds[k].to, fvm_big_cmp(&now, &supply) == 0);
        if (twin_nonce(&t, from) ==
            nonce) { /* refused before anything was taken: a penalty at most */
            unpaid++;
        } else {
            CHECK_OK(fvm_big_mul_u64(&all, &m.gas_fee_cap, m.gas_limit));
            CHECK_AT(kinds[k].to, fvm_big_cmp(&sum, &all) == 0);
            well += r->exit_code == 0;
            starved += r->exit_code == 7;
        }
        fvm_buf_deinit(&params);
    }
    CHECK(well > 40 && starved > 5 && unpaid > 20);
    twin_close(&t);
}
