/* Multisigs on both bundles. The hash is that of what alice proposes first. */
#include "twin.h"

#define RECEIVE 3726118371u
#define EXPORTED 16777216u

TEST(a_wallet_sends_when_enough_agree)
{
    static const twin_step steps[] = {
        { "alice proposes", "alice", "wallet", 2, NULL, "[@dave, 5FIL, 0, h'']", 0,
          "[0, false, 0, h'']" },
        { "and once more herself", "alice", "wallet", 3, NULL, "[0, h'']", 18, "" },
        { "a stranger", "dave", "wallet", 3, NULL, "[0, h'']", 18, "" },
        { "the wallet itself", "wallet", "wallet", 3, NULL, "[0, h'']", 18, "" },
        { "another transaction", "bob", "wallet", 3, NULL, "[1, h'']", 17, "" },
        { "a negative one", "bob", "wallet", 3, NULL, "[-1, h'']", 17, "" },
        { "another hash", "bob", "wallet", 3, NULL, "[0, h'00']", 16, "" },
        { "bob agrees", "bob", "wallet", 3, NULL, "[0, h'']", 0, "[true, 0, h'']" },
        { "it is gone", "bob", "wallet", 3, NULL, "[0, h'']", 17, "" },
        { "a second", "bob", "wallet", 2, "1FIL", "[@dave, 0FIL, 2, h'']", 0,
          "[1, false, 0, h'']" },
        { "whose return value comes back", "alice", "wallet", 3, NULL, "[1, h'']", 0, NULL },
        { "more than there is", "bob", "wallet", 2, NULL, "[@dave, 1000FIL, 0, h'']", 0,
          "[2, false, 0, h'']" },
        { "fails when it would be sent", "alice", "wallet", 3, NULL, "[2, h'']", 19, "" },
        { "and stays", "bob", "wallet", 4, NULL, "[2, h'']", 0, "" },
        { "more than a word holds", "bob", "wallet", 2, NULL,
          "[@dave, 1000000000000000000000000000000000000000000000000000000FIL, 0, h'']", 0,
          "[3, false, 0, h'']" },
        { "likewise", "alice", "wallet", 3, NULL, "[3, h'']", 19, "" },
        { "to an address without an actor", "bob", "wallet", 2, NULL, "[h'00e707', 1FIL, 0, h'']",
          0, "[4, false, 0, h'']" },
        { "is sent, and fails", "alice", "wallet", 3, NULL, "[4, h'']", 0, "[true, 23, h'']" },
        { "a method that fails", "bob", "wallet", 2, NULL, "[@dave, 0FIL, 7, h'01']", 0,
          "[5, false, 0, h'']" },
        { "is sent, and fails", "alice", "wallet", 3, NULL, "[5, h'']", 0, "[true, 22, h'']" },
        { "a negative amount", "bob", "wallet", 2, NULL, "[@dave, -1atto, 0, h'']", 16, "" },
        { "by a stranger", "dave", "wallet", 2, NULL, "[@dave, 1atto, 0, h'']", 18, "" },
        { "a negative amount by a stranger", "dave", "wallet", 2, NULL, "[@dave, -1atto, 0, h'']",
          16, "" },
        { "broken parameters by a stranger", "dave", "wallet", 2, NULL, "[@dave]", 21, "" },
        { "a new key's address", "bob", "wallet", 2, NULL,
          "[h'01df034b2156625ebac9d8f7c7af61eff43a451e9f', 1FIL, 0, h'']", 0,
          "[6, false, 0, h'']" },
        { "gets an account", "alice", "wallet", 3, NULL, "[6, h'']", 0, "[true, 0, h'']" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

TEST(proposals_are_cancelled_by_who_made_them)
{
    static const twin_step steps[] = {
        { "alice proposes", "alice", "wallet", 2, NULL, "[@dave, 5FIL, 0, h'']", 0, NULL },
        { "a stranger", "dave", "wallet", 4, NULL, "[0, h'']", 18, "" },
        { "another signer", "bob", "wallet", 4, NULL, "[0, h'']", 18, "" },
        { "another transaction", "alice", "wallet", 4, NULL, "[5, h'']", 17, "" },
        { "another hash", "alice", "wallet", 4, NULL, "[0, h'00']", 20, "" },
        { "another hash of a whole length", "alice", "wallet", 4, NULL,
          "[0, h'0000000000000000000000000000000000000000000000000000000000000000']", 20, "" },
        { "hers", "alice", "wallet", 4, NULL, "[0, h'']", 0, "" },
        { "gone", "alice", "wallet", 4, NULL, "[0, h'']", 17, "" },
        { "many at once", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, NULL },
        { "2", "bob", "wallet", 2, NULL, "[@dave, 2FIL, 0, h'']", 0, NULL },
        { "3", "alice", "wallet", 2, NULL, "[@dave, 3FIL, 0, h'0102']", 0, NULL },
        { "4", "bob", "wallet", 2, NULL, "[@bob, 4FIL, 0, h'']", 0, NULL },
        { "5", "alice", "wallet", 2, NULL, "[@dave, 5FIL, 1, h'']", 0, NULL },
        { "agreed out of turn", "bob", "wallet", 3, NULL, "[3, h'']", 0, "[true, 0, h'']" },
        { "cancelled out of turn", "alice", "wallet", 4, NULL, "[1, h'']", 0, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

/* `locked` has one signer, so what she proposes is done at once. */
TEST(a_locked_balance_is_set_free_in_a_line)
{
    static const twin_step at_1[] = {
        { "a thousandth is free", "alice", "locked", 2, NULL,
          "[@dave, 100000000000000000atto, 0, h'']", 0, "[0, true, 0, h'']" },
        { "not an atto more", "alice", "locked", 2, NULL, "[@dave, 1atto, 0, h'']", 19, "" },
        { "nothing can always be sent", "alice", "locked", 2, NULL, "[@dave, 0FIL, 0, h'']", 0,
          "[1, true, 0, h'']" },
    };
    static const twin_step at_333[] = {
        { "no more than a third", "alice", "locked", 2, NULL, "[@dave, 34FIL, 0, h'']", 19, "" },
        { "a third", "alice", "locked", 2, NULL, "[@dave, 33FIL, 0, h'']", 0, "[2, true, 0, h'']" },
    };
    static const twin_step at_1000[] = {
        { "all", "alice", "locked", 2, NULL, "[@dave, 66FIL, 0, h'']", 0, "[3, true, 0, h'']" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, at_1, FVM_COUNT(at_1));
    twin_epoch(&t, 333);
    twin_run(&t, at_333, FVM_COUNT(at_333));
    twin_epoch(&t, 1000);
    twin_run(&t, at_1000, FVM_COUNT(at_1000));
    twin_close(&t);
}

/* What changes a wallet is sent by itself: here directly, as an implicit message. */
TEST(a_wallet_changes_itself)
{
    static const twin_step steps[] = {
        { "a pending one of alice", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, NULL },
        { "one of bob", "bob", "wallet", 2, NULL, "[@dave, 2FIL, 0, h'']", 0, NULL },
        { "add by a signer", "alice", "wallet", 5, NULL, "[@dave, false]", 18, "" },
        { "add", "wallet", "wallet", 5, NULL, "[@dave.key, true]", 0, "" },
        { "add again", "wallet", "wallet", 5, NULL, "[@dave, true]", 18, "" },
        { "add one who is not there", "wallet", "wallet", 5, NULL, "[h'00e707', true]", 17, "" },
        { "add without a flag", "wallet", "wallet", 5, NULL, "[@dave]", 21, "" },
        { "two of three agree", "bob", "wallet", 3, NULL, "[0, h'']", 0, "[false, 0, h'']" },
        { "threshold to none", "wallet", "wallet", 8, NULL, "[0]", 16, "" },
        { "threshold to four", "wallet", "wallet", 8, NULL, "[4]", 16, "" },
        { "threshold by a signer", "bob", "wallet", 8, NULL, "[2]", 18, "" },
        { "threshold to two", "wallet", "wallet", 8, NULL, "[2]", 0, "" },
        { "what two agreed on is done", "dave", "wallet", 3, NULL, "[0, h'']", 0,
          "[true, 0, h'']" },
        { "remove a stranger", "wallet", "wallet", 6, NULL, "[@carol, false]", 18, "" },
        { "remove by a signer", "bob", "wallet", 6, NULL, "[@alice, false]", 18, "" },
        { "swap a stranger", "wallet", "wallet", 7, NULL, "[@eve, @carol]", 18, "" },
        { "swap for a signer", "wallet", "wallet", 7, NULL, "[@bob, @alice]", 16, "" },
        { "swap by a signer", "bob", "wallet", 7, NULL, "[@bob, @carol]", 18, "" },
        { "swap, whose proposal goes", "wallet", "wallet", 7, NULL, "[@bob, @carol]", 0, "" },
        { "gone", "alice", "wallet", 3, NULL, "[1, h'']", 17, "" },
        { "bob is a stranger now", "bob", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 18, "" },
        { "remove", "wallet", "wallet", 6, NULL, "[@carol.key, false]", 0, "" },
        { "remove below the threshold", "wallet", "wallet", 6, NULL, "[@dave, false]", 16, "" },
        { "remove, and one fewer to agree", "wallet", "wallet", 6, NULL, "[@dave, true]", 0, "" },
        { "remove the only one", "wallet", "wallet", 6, NULL, "[@alice, true]", 18, "" },
        { "lock for no time", "wallet", "wallet", 9, NULL, "[0, 0, 1FIL]", 16, "" },
        { "lock less than nothing", "wallet", "wallet", 9, NULL, "[0, 5, -1FIL]", 16, "" },
        { "lock by a signer", "alice", "wallet", 9, NULL, "[0, 5, 1FIL]", 18, "" },
        { "lock", "wallet", "wallet", 9, NULL, "[1, 100, 1000FIL]", 0, "" },
        { "lock again", "wallet", "wallet", 9, NULL, "[1, 100, 1000FIL]", 18, "" },
        { "locked", "alice", "wallet", 2, NULL, "[@dave, 1FIL, 0, h'']", 19, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

TEST(wallets_take_what_comes)
{
    static const twin_step steps[] = {
        { "a token", "bob", "wallet", RECEIVE, NULL, "[1, h'00']", 0, "" },
        { "not a token", "bob", "wallet", RECEIVE, NULL, "[1]", 21, "" },
        { "nothing", "bob", "wallet", RECEIVE, NULL, NULL, 16, "" },
        { "any exported number", "bob", "wallet", EXPORTED, "1FIL", "[]", 0, "" },
        { "not a low one", "bob", "wallet", 10, NULL, NULL, 22, "" },
        { "constructed again", "init", "wallet", 1, NULL, "[[@alice], 1, 0, 0]", 20, "" },
        { "constructed by somebody", "bob", "wallet", 1, NULL, "[[@alice], 1, 0, 0]", 18, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

TEST(exec_makes_wallets)
{
    static const struct {
        const char *why, *constructor;
        uint32_t exit_code;
    } rows[] = {
        { "no signers", "[[], 1, 0, 0]", 16 },
        { "a signer twice", "[[@alice, @alice.key], 1, 0, 0]", 16 },
        { "a signer who is not there", "[[@alice, h'00e707'], 1, 0, 0]", 17 },
        { "too high a threshold", "[[@alice], 2, 0, 0]", 16 },
        { "no threshold", "[[@alice], 0, 0, 0]", 16 },
        { "a negative duration", "[[@alice], 1, -1, 0]", 16 },
        { "three of the four", "[[@alice], 1, 0]", 21 },
        { "nothing", NULL, 16 },
        { "good", "[[@alice.key, @bob, @carol.key], 2, 100, 50]", 0 },
        { "with a new key", "[[h'01df034b2156625ebac9d8f7c7af61eff43a451e9f'], 1, 0, 0]", 0 },
    };
    static const twin_step steps[] = {
        { "it works", "bob", "new", 2, NULL, "[@dave, 1FIL, 0, h'']", 0, "[0, false, 0, h'']" },
        { "and is locked", "alice", "new", 3, NULL, "[0, h'']", 19, "" },
    };
    twin t;
    twin_open(&t);
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        const fvm_receipt *r = twin_exec(&t, rows[i].why, "dave", "multisig", "3FIL",
                                         rows[i].constructor);
        if (r->exit_code != rows[i].exit_code) fprintf(stderr, "exit code %u\n", r->exit_code);
        CHECK_AT(rows[i].why, r->exit_code == rows[i].exit_code);
    }
    twin_run(&t, steps, FVM_COUNT(steps));
    CHECK(twin_exec(&t, "an account", "dave", "account", NULL, "@bob.key")->exit_code == 18);
    CHECK(twin_exec(&t, "a miner", "dave", "storageminer", NULL, NULL)->exit_code == 18);
    CHECK(twin_exec(&t, "a contract", "dave", "evm", NULL, NULL)->exit_code == 18);
    CHECK(twin_exec(&t, "by a wallet", "wallet", "multisig", "1FIL", "[[@bob], 1, 0, 0]")
              ->exit_code == 0);
    twin_close(&t);
}
