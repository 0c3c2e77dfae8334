/* The small actors and the genesis state, on both bundles. */
#include "twin.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

#define AUTHENTICATE 2643134072u
#define EXPORTED 16777216u /* the first exported number; nobody has this method */

TEST(genesis_gives_a_network_that_moves_money)
{
    static const twin_step steps[] = {
        { "a plain transfer", "alice", "bob", 0, "5FIL", NULL, 0, "" },
        { "to an Ethereum account", "alice", "eve", 0, "5FIL", NULL, 0, "" },
        { "from one", "eve", "carol", 0, "1FIL", NULL, 0, "" },
        { "to a wallet", "bob", "wallet", 0, "1FIL", NULL, 0, "" },
        { "to the reward actor", "bob", "reward", 0, "1FIL", NULL, 0, "" },
        { "more than there is", "bob", "alice", 0, "100000FIL", NULL, 6, "" },
        { "to nobody", "bob", "f0999", 0, "1FIL", NULL, 5, "" },
        { "cron has nothing to do", "system", "cron", 2, NULL, NULL, 0, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

TEST(new_addresses_become_accounts_and_placeholders)
{
    uint8_t key[65] = { 4, 9, 9 }, sub[20] = { 0x77, 1 };
    fvm_address f1 = fvm_address_secp256k1(key), f4;
    fvm_big one = fvm_big_u64(1);
    twin t;
    twin_open(&t);
    CHECK(twin_send(&t, TWIN_ALICE, &f1, 0, &one, (fvm_bytes){ 0 })->exit_code == 0);
    CHECK(twin_send(&t, TWIN_ALICE, &f1, 2, &one, (fvm_bytes){ 0 })->exit_code == 0);
    CHECK_OK(fvm_address_delegated(&f4, 10, (fvm_bytes){ sub, sizeof sub }));
    CHECK(twin_send(&t, TWIN_ALICE, &f4, 0, &one, (fvm_bytes){ 0 })->exit_code == 0);
    /* a placeholder takes any message */
    CHECK(twin_send(&t, TWIN_ALICE, &f4, 3, &one, (fvm_bytes){ sub, 3 })->exit_code == 0);
    CHECK(twin_send(&t, TWIN_ALICE, &f4, EXPORTED, &one, (fvm_bytes){ 0 })->exit_code == 0);
    twin_close(&t);
}

TEST(accounts)
{
    static const twin_step steps[] = {
        { "the address", "bob", "alice", 2, NULL, NULL, 0, "@alice.key" },
        { "of a BLS key", "bob", "carol", 2, NULL, NULL, 0, "@carol.key" },
        { "of burnt funds", "bob", "burnt", 2, NULL, NULL, 0, "@burnt" },
        { "parameters to a method without", "bob", "alice", 2, NULL, "[]", 16, "" },
        { "constructed again", "system", "alice", 1, NULL, "@bob.key", 20, "" },
        { "constructed with an ID", "system", "alice", 1, NULL, "@bob", 16, "" },
        { "constructed with no address", "system", "alice", 1, NULL, "h'09'", 21, "" },
        { "constructed with nothing", "system", "alice", 1, NULL, NULL, 16, "" },
        { "constructed by somebody", "bob", "alice", 1, NULL, "@bob.key", 18, "" },
        { "the old number of AuthenticateMessage", "bob", "alice", 3, NULL, NULL, 22, "" },
        { "an unknown number below the exported", "bob", "alice", EXPORTED - 1, NULL, NULL, 22,
          "" },
        { "any exported number", "bob", "alice", EXPORTED, "1atto", "[1, 2]", 0, "" },
        { "signed by nobody", "bob", "alice", AUTHENTICATE, NULL, "[h'00', h'00']", 16, "" },
        { "an address that is no key", "bob", "burnt", AUTHENTICATE, NULL, "[h'00', h'00']", 20,
          "" },
        { "not two strings", "bob", "alice", AUTHENTICATE, NULL, "[1]", 21, "" },
        { "trailing bytes", "bob", "alice", AUTHENTICATE, NULL, NULL, 16, "" },
        { "an Ethereum account's constructor", "system", "eve", 1, NULL, NULL, 0, "" },
        { "by somebody", "bob", "eve", 1, NULL, NULL, 18, "" },
        { "with parameters", "system", "eve", 1, NULL, "[]", 16, "" },
        { "an unknown low number", "bob", "eve", 2, NULL, NULL, 22, "" },
        { "an exported number", "bob", "eve", EXPORTED, "1atto", "[]", 0, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

static fvm_buf signed_params(const uint8_t *signature, size_t len, const char *message)
{
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    CHECK_OK(fvm_cbor_put_array(&params, 2));
    CHECK_OK(fvm_cbor_put_bytes(&params, (fvm_bytes){ signature, len }));
    CHECK_OK(fvm_cbor_put_bytes(&params, fvm_bytes_of(message)));
    return params;
}

TEST(accounts_know_their_signatures)
{
    uint8_t key[32], hash[32], secp[65], bls[96];
    fvm_big none = fvm_big_zero();
    fvm_address alice = fvm_address_id(TWIN_ALICE), carol = fvm_address_id(TWIN_CAROL);
    twin t;
    twin_open(&t);
    twin_secret(key, TWIN_ALICE);
    fvm_blake2b_256(hash, fvm_bytes_of("hello"));
    CHECK(fvm_secp256k1_sign(secp, hash, key));
    twin_secret(key, TWIN_CAROL);
    CHECK(fvm_bls_sign(bls, key, fvm_bytes_of("hello")));

    fvm_buf good = signed_params(secp, sizeof secp, "hello");
    const fvm_receipt *r = twin_send(&t, TWIN_BOB, &alice, AUTHENTICATE, &none,
                                     fvm_buf_bytes(&good));
    CHECK(r->exit_code == 0);
    CHECK_HEX(fvm_buf_bytes(&r->return_data), "f5");
    CHECK(twin_send(&t, TWIN_BOB, &carol, AUTHENTICATE, &none, fvm_buf_bytes(&good))->exit_code ==
          16);
    fvm_buf_deinit(&good);
    good = signed_params(bls, sizeof bls, "hello");
    CHECK(twin_send(&t, TWIN_BOB, &carol, AUTHENTICATE, &none, fvm_buf_bytes(&good))->exit_code ==
          0);
    fvm_buf_deinit(&good);
    good = signed_params(secp, sizeof secp, "hallo");
    CHECK(twin_send(&t, TWIN_BOB, &alice, AUTHENTICATE, &none, fvm_buf_bytes(&good))->exit_code ==
          16);
    fvm_buf_deinit(&good);
    twin_close(&t);
}

TEST(singletons)
{
    static const twin_step steps[] = {
        { "system again", "system", "system", 1, NULL, NULL, 20, "" },
        { "system by somebody", "bob", "system", 1, NULL, NULL, 18, "" },
        { "system with parameters", "system", "system", 1, NULL, "[]", 16, "" },
        { "system's unknown number", "system", "system", 2, NULL, NULL, 22, "" },
        { "system has no fallback", "bob", "system", EXPORTED, NULL, NULL, 22, "" },
        { "init again", "system", "init", 1, NULL, "[\"net\"]", 20, "" },
        { "init by somebody", "bob", "init", 1, NULL, "[\"net\"]", 18, "" },
        { "init without a name", "system", "init", 1, NULL, "[1]", 21, "" },
        { "init's unknown number", "bob", "init", 5, NULL, NULL, 22, "" },
        { "init has no fallback", "bob", "init", EXPORTED, NULL, NULL, 22, "" },
        { "cron again", "system", "cron", 1, NULL, "[[]]", 20, "" },
        { "cron by somebody", "bob", "cron", 1, NULL, "[[]]", 18, "" },
        { "cron with broken entries", "system", "cron", 1, NULL, "[[1]]", 21, "" },
        { "cron's tick by somebody", "bob", "cron", 2, NULL, NULL, 18, "" },
        { "cron's tick with parameters", "system", "cron", 2, NULL, "[]", 16, "" },
        { "cron has no fallback", "bob", "cron", EXPORTED, NULL, NULL, 22, "" },
        { "eam again", "system", "eam", 1, NULL, NULL, 0, "" },
        { "eam by somebody", "bob", "eam", 1, NULL, NULL, 18, "" },
        { "eam with parameters", "system", "eam", 1, NULL, "[]", 16, "" },
        { "Create by an account", "bob", "eam", 2, NULL, "[h'', 0]", 18, "" },
        { "Create with a broken nonce", "bob", "eam", 2, NULL, "[h'', h'']", 21, "" },
        { "Create2 by an account", "bob", "eam", 3, NULL,
          "[h'', h'0000000000000000000000000000000000000000000000000000000000000000']", 18, "" },
        { "Create2 with a short salt", "bob", "eam", 3, NULL, "[h'', h'00']", 21, "" },
        { "CreateExternal by a wallet", "wallet", "eam", 4, NULL, "h''", 18, "" },
        { "CreateExternal by the system", "system", "eam", 4, NULL, "h''", 18, "" },
        { "CreateExternal of no bytes", "bob", "eam", 4, NULL, "1", 21, "" },
        { "CreateExternal of nothing", "bob", "eam", 4, NULL, NULL, 16, "" },
        { "eam has no fallback", "bob", "eam", EXPORTED, NULL, NULL, 22, "" },
        { "eam's unknown number", "bob", "eam", 5, NULL, NULL, 22, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}
