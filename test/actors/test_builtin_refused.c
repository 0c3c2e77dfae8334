/* Every restricted method refuses a caller without the capability, and says so before it looks at anything
 * but the form of the parameters: table-driven, on both bundles. */
#include "twin.h"

#include "ipld/cbor.h"

/* Who may call, and how: then one that has the next best claim is refused with 18. */
static const struct {
    const char *actor;
    uint64_t method;
    const char *params;
    const char *refused[4]; /* callers without the capability */
} restricted[] = {
    { "system", 1, NULL, { "alice", "init", "cron", "wallet" } },
    { "init", 1, "[\"net\"]", { "alice", "cron", "eam", "wallet" } },
    { "cron", 1, "[[]]", { "alice", "init", "power", "wallet" } },
    { "cron", 2, NULL, { "alice", "init", "power", "wallet" } },
    { "alice", 1, "@bob.key", { "alice", "bob", "init", "wallet" } },
    { "eve", 1, NULL, { "alice", "eve", "init", "eam" } },
    { "eam", 1, NULL, { "alice", "eam", "init", "eve" } },
    { "new_eam", 1, NULL, { "system", "alice", "eam", "init" } }, /* it is not f010 */
    { "eam", 2, "[h'', 0]", { "alice", "system", "eve", "wallet" } },
    { "eam",
      3,
      "[h'', h'0000000000000000000000000000000000000000000000000000000000000000']",
      { "alice", "system", "eve", "wallet" } },
    { "eam", 4, "h''", { "system", "wallet", "init", "new_evm4" } },
    { "wallet", 1, "[[@alice], 1, 0, 0]", { "alice", "system", "wallet", "eam" } },
    { "wallet", 2, "[@dave, 1FIL, 0, h'']", { "dave", "system", "wallet", "locked" } },
    { "wallet", 3, "[0, h'']", { "dave", "system", "wallet", "locked" } },
    { "wallet", 4, "[0, h'']", { "dave", "bob", "wallet", "locked" } }, /* it is alice's */
    { "wallet", 5, "[@dave, false]", { "alice", "bob", "system", "locked" } },
    { "wallet", 6, "[@bob, true]", { "alice", "bob", "system", "locked" } },
    { "wallet", 7, "[@bob, @dave]", { "alice", "bob", "system", "locked" } },
    { "wallet", 8, "[1]", { "alice", "bob", "system", "locked" } },
    { "wallet", 9, "[0, 5, 1FIL]", { "alice", "bob", "system", "locked" } },
    { "new", 1, "[@bob, @alice]", { "alice", "bob", "system", "wallet" } },
    { "new", 3, NULL, { "dave", "system", "new", "wallet" } },
    { "new", 4, NULL, { "dave", "system", "new", "wallet" } },
    { "reward", 1, "1FIL", { "alice", "init", "power", "wallet" } },
    { "reward", 2, "[@dave, 0FIL, 0FIL, 1]", { "alice", "init", "power", "wallet" } },
    { "reward", 4, "1FIL", { "alice", "system", "init", "wallet" } },
    { "contract",
      1,
      "[h'00000000000000000000000000000000000000aa', h'']",
      { "alice", "system", "eam", "wallet" } },
    { "contract",
      2,
      "[h'00000000000000000000000000000000000000aa', h'']",
      { "alice", "system", "init", "wallet" } },
    { "contract", 5, "[h'']", { "alice", "init", "eam", "wallet" } },
    /* InvokeContractDelegate takes a codec that no message has: prop_builtin_sequences calls it */
};

TEST(a_caller_without_the_capability_is_refused_in_every_restricted_method)
{
    static const twin_step proposal = {
        "to approve", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, NULL
    };
    twin t;
    twin_open(&t);
    CHECK(
        twin_exec(&t, "a channel", "bob", "paymentchannel", "1FIL", "[@bob, @alice]")->exit_code ==
        0);
    twin_run(&t, &proposal, 1);
    for (size_t i = 0; i < FVM_COUNT(restricted); i++) {
        for (size_t j = 0; j < FVM_COUNT(restricted[i].refused); j++) {
            char why[128];
            twin_step step = { why,
                               restricted[i].refused[j],
                               restricted[i].actor,
                               restricted[i].method,
                               NULL,
                               restricted[i].params,
                               18,
                               "" };
            (void)snprintf(why, sizeof why, "%s calls method %u of %s", step.from,
                           (unsigned)step.method, step.to);
            twin_run(&t, &step, 1);
        }
    }
    twin_close(&t);
}

/* Exec4 takes a link, which the notation of scripts lacks. */
TEST(exec4_is_for_the_eam)
{
    static const char *const callers[] = { "alice", "system", "init", "wallet" };
    fvm_address init = fvm_address_id(1);
    fvm_big none = fvm_big_zero();
    fvm_cid code = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("a code"));
    fvm_buf params;
    twin t;
    twin_open(&t);
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 3));
    CHECK_OK(fvm_cbor_put_cid(&params, &code));
    CHECK_OK(fvm_cbor_put_bytes(&params, (fvm_bytes){ 0 }));
    CHECK_OK(fvm_cbor_put_bytes(&params, (fvm_bytes){ 0 }));
    for (size_t i = 0; i < FVM_COUNT(callers); i++)
        CHECK_AT(callers[i],
                 twin_send(&t, twin_id(callers[i]), &init, 3, &none, fvm_buf_bytes(&params))
                         ->exit_code == 18);
    fvm_buf_deinit(&params);
    twin_close(&t);
}

/* Anybody may have a multisig or a payment channel made, the power actor a miner too, and nobody another type. */
TEST(exec_makes_what_its_caller_may_have)
{
    static const char *const types[] = { "system",       "init",          "cron",
                                         "account",      "reward",        "storagepower",
                                         "storageminer", "storagemarket", "verifiedregistry",
                                         "datacap",      "placeholder",   "evm",
                                         "eam",          "ethaccount" };
    static const char *const callers[] = { "alice", "eve", "system", "eam", "reward", "wallet" };
    twin t;
    twin_open(&t);
    for (size_t i = 0; i < FVM_COUNT(types); i++) {
        for (size_t j = 0; j < FVM_COUNT(callers); j++)
            CHECK_AT(types[i],
                     twin_exec(&t, types[i], callers[j], types[i], NULL, NULL)->exit_code == 18);
        if (strcmp(types[i], "storageminer") != 0)
            CHECK_AT(types[i],
                     twin_exec(&t, types[i], "power", types[i], NULL, NULL)->exit_code == 18);
    }
    CHECK(twin_exec(&t, "a miner", "power", "storageminer", NULL, NULL)->exit_code != 18);
    CHECK(twin_exec(&t, "a wallet", "eve", "multisig", NULL, "[[@alice], 1, 0, 0]")->exit_code ==
          0);
    twin_close(&t);
}

/* Actors that are not built in reach no number below 2^24, not even one that there is not. */
TEST(only_built_in_actors_reach_low_numbers)
{
    static const char *const actors[] = { "system", "init",   "cron", "alice",
                                          "eve",    "wallet", "new",  "reward" };
    twin t;
    twin_open(&t);
    CHECK(
        twin_exec(&t, "a channel", "bob", "paymentchannel", "1FIL", "[@bob, @alice]")->exit_code ==
        0);
    for (size_t i = 0; i < FVM_COUNT(actors); i++) {
        for (uint64_t method = 1; method < 7; method++) {
            twin_step step = { actors[i], "stranger", actors[i], method, NULL, NULL, 18, "" };
            twin_run(&t, &step, 1);
            step.from = "contract";
            step.method = method < 6 ? method : 16777215;
            twin_run(&t, &step, 1);
        }
    }
    twin_close(&t);
}
