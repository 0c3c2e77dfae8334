/* What the actors themselves cost (wasm, memory, host calls) beside v18 on the same work: at most half.
 * Storage, calls and look-ups cost what they cost on any actor. The reward actor's arithmetic is mostly
 * multiplication of long numbers, which no writing of it makes much cheaper. */
#include "twin.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

/* Runs the steps, the last of which counts: at most `percent` of v18's. */
static void compare(twin *t, const char *what, uint64_t percent, const twin_step *steps,
                    size_t count)
{
    twin_run(t, steps, count - 1);
    uint64_t gas[2], own[2];
    for (int i = 0; i < t->sides; i++) {
        gas[i] = t->side[i].gas;
        own[i] = t->side[i].own;
    }
    twin_run(t, &steps[count - 1], 1);
    for (int i = 0; i < t->sides; i++) {
        gas[i] = t->side[i].gas - gas[i];
        own[i] = (t->side[i].own - own[i]) / 1000;
    }
    if (t->sides < 2) return;
    printf("%-24s own %8llu of %8llu (%.2f), total %9llu of %9llu (%.2f)\n", what,
           (unsigned long long)own[0], (unsigned long long)own[1], (double)own[0] / (double)own[1],
           (unsigned long long)gas[0], (unsigned long long)gas[1], (double)gas[0] / (double)gas[1]);
    CHECK_AT(what, own[0] * 100 <= own[1] * percent);
}

TEST(actors_cost_half_of_mainnets_at_most)
{
    static const twin_step account[] = {
        { "address", "bob", "alice", 2, NULL, NULL, 0, NULL },
    };
    static const twin_step propose[] = {
        { "propose", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, NULL },
    };
    static const twin_step approve[] = {
        { "approve", "bob", "wallet", 3, NULL, "[0, h'']", 0, NULL },
    };
    static const twin_step cancel[] = {
        { "propose", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, NULL },
        { "cancel", "alice", "wallet", 4, NULL, "[1, h'']", 0, NULL },
    };
    static const twin_step reward[] = {
        { "award", "system", "reward", 2, NULL, "[@dave, 0FIL, 1FIL, 1]", 0, NULL },
    };
    static const twin_step power[] = {
        { "power", "power", "reward", 4, NULL, "5FIL", 0, NULL },
    };
    static const twin_step tick[] = {
        { "tick", "system", "cron", 2, NULL, NULL, 0, NULL },
    };
    twin t;
    twin_open(&t);
    compare(&t, "account PubkeyAddress", 50, account, FVM_COUNT(account));
    compare(&t, "multisig Propose", 50, propose, FVM_COUNT(propose));
    compare(&t, "multisig Approve", 50, approve, FVM_COUNT(approve));
    compare(&t, "multisig Cancel", 50, cancel, FVM_COUNT(cancel));
    compare(&t, "reward AwardBlockReward", 50, reward, FVM_COUNT(reward));
    compare(&t, "reward UpdateNetworkKPI", 100, power, FVM_COUNT(power));
    compare(&t, "cron EpochTick", 50, tick, FVM_COUNT(tick));
    twin_close(&t);
}
