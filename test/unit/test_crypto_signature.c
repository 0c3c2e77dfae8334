#include "crypto/crypto.h"
#include "test.h"

static uint8_t hash[32];
static uint8_t sig[65];

/* go-ethereum's example with a high s, as in the reference's tests; v is 28 - 27 */
static void load_high_s(void)
{
    (void)test_hex(hash, 32, "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    (void)test_hex(sig, 64,
                   "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
                   "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549");
    sig[64] = 1;
}

TEST(recover_takes_a_high_s)
{
    uint8_t key[65], digest[32];
    load_high_s();
    CHECK(fvm_secp256k1_recover(key, hash, sig));
    fvm_keccak256(digest, (fvm_bytes){ key + 1, 64 });
    CHECK_HEX(((fvm_bytes){ digest + 12, 20 }), "a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
}

/* n - s and the other v: the same signature in its low form */
TEST(recover_finds_the_same_key_for_both_forms_of_s)
{
    uint8_t high[65], low[65];
    load_high_s();
    CHECK(fvm_secp256k1_recover(high, hash, sig));
    (void)test_hex(sig + 32, 32,
                   "1146bf4e2fc4de1c94f1b81868960f68bc842490f1b6bc98387ba6b57599fbf8");
    sig[64] ^= 1;
    CHECK(fvm_secp256k1_recover(low, hash, sig));
    CHECK(memcmp(high, low, 65) == 0);
}

TEST(recover_refuses)
{
    static const struct {
        const char *why, *r, *s;
        uint8_t v;
    } rows[] = {
#define N "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
        { "r = 0", ZERO, ONE, 0 },
        { "s = 0", ONE, ZERO, 0 },
        { "r = group order", N, ONE, 0 },
        { "s = group order", ONE, N, 0 },
        { "v = 4", ONE, ONE, 4 },
        { "v = 27, as Ethereum writes it", ONE, ONE, 27 },
        { "v = 255", ONE, ONE, 255 },
        { "r + group order is not below the field's prime",
          "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", ONE, 2 },
        { "no point has this x", "0000000000000000000000000000000000000000000000000000000000000005",
          ONE, 0 },
    };
    uint8_t key[65] = { 7 };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        (void)test_hex(sig, 32, rows[i].r);
        (void)test_hex(sig + 32, 32, rows[i].s);
        sig[64] = rows[i].v;
        CHECK_AT(rows[i].why, !fvm_secp256k1_recover(key, hash, sig) && key[0] == 7);
    }
}

TEST(secp_signatures_recover_to_their_key)
{
    test_rng rng = { 3 };
    for (size_t i = 0; i < test_rounds(50); i++) {
        uint8_t secret[32], want[65], got[65];
        test_rng_fill(&rng, secret, 32);
        test_rng_fill(&rng, hash, 32);
        CHECK(fvm_secp256k1_public_key(want, secret));
        CHECK(fvm_secp256k1_sign(sig, hash, secret));
        CHECK(fvm_secp256k1_recover(got, hash, sig));
        CHECK(memcmp(got, want, 65) == 0);
    }
}

TEST(secp_public_key_of_one_is_the_generator)
{
    uint8_t secret[32] = { [31] = 1 }, key[65];
    CHECK(fvm_secp256k1_public_key(key, secret));
    CHECK_HEX(((fvm_bytes){ key, 65 }),
              "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
              "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
}

TEST(secp_refuses_secrets_out_of_range)
{
    uint8_t zero[32] = { 0 }, order[32], key[65];
    (void)test_hex(order, 32, N);
    CHECK(!fvm_secp256k1_public_key(key, zero) && !fvm_secp256k1_public_key(key, order));
    CHECK(!fvm_secp256k1_sign(sig, hash, zero) && !fvm_secp256k1_sign(sig, hash, order));
}

TEST(bls_public_key_of_one_is_the_generator)
{
    uint8_t secret[32] = { [31] = 1 }, zero[32] = { 0 }, key[48];
    CHECK(fvm_bls_public_key(key, secret));
    CHECK_HEX(((fvm_bytes){ key, 48 }),
              "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
              "6c55e83ff97a1aeffb3af00adb22c6bb");
    CHECK(!fvm_bls_public_key(key, zero));
}

#define SIGNERS 10
static uint8_t keys[SIGNERS][48], sigs[SIGNERS][96];
static fvm_bytes messages[SIGNERS];

static void make_signers(void)
{
    static uint8_t texts[SIGNERS][40];
    test_rng rng = { 11 };
    for (size_t i = 0; i < SIGNERS; i++) {
        uint8_t secret[32];
        test_rng_fill(&rng, secret, 32);
        secret[0] &= 0x3f; /* below the group order */
        test_rng_fill(&rng, texts[i], i * 4);
        messages[i] = (fvm_bytes){ texts[i], i * 4 };
        CHECK(fvm_bls_public_key(keys[i], secret));
        CHECK(fvm_bls_sign(sigs[i], secret, messages[i]));
    }
}

TEST(bls_verifies_what_was_signed_and_nothing_else)
{
    make_signers();
    for (size_t i = 0; i < SIGNERS; i++) {
        CHECK(fvm_bls_verify(sigs[i], keys[i], messages[i]));
        CHECK(!fvm_bls_verify(sigs[i], keys[(i + 1) % SIGNERS], messages[i]));
        CHECK(!fvm_bls_verify(sigs[i], keys[i], messages[(i + 1) % SIGNERS]));
    }
}

TEST(bls_refuses_bad_points)
{
    uint8_t identity_key[48] = { 0xc0 }, identity_sig[96] = { 0xc0 }, bent[96];
    make_signers();
    CHECK_AT("the identity signs everything",
             !fvm_bls_verify(identity_sig, identity_key, messages[1]));
    CHECK(!fvm_bls_verify(identity_sig, keys[1], messages[1]));
    for (size_t bit = 0; bit < 96 * 8; bit += 37) {
        memcpy(bent, sigs[1], 96);
        bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_AT("a flipped bit", !fvm_bls_verify(bent, keys[1], messages[1]));
    }
}

TEST(bls_aggregates)
{
    bool valid = false;
    uint8_t zeros[96] = { 0 };
    make_signers();
    CHECK_OK(fvm_bls_verify_aggregate(&valid, zeros, NULL, NULL, 0));
    CHECK_AT("no messages: valid, whatever the signature", valid);
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sigs[2], keys[2], &messages[2], 1));
    CHECK(valid);
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sigs[2], keys[3], &messages[2], 1));
    CHECK(!valid);
    CHECK_OK(fvm_bls_verify_aggregate(&valid, zeros, keys[2], &messages[2], 1));
    CHECK_AT("not a point", !valid);
}

TEST(bls_aggregate_of_many_verifies_and_any_change_breaks_it)
{
    bool valid = false;
    uint8_t sum[96], identity_key[48] = { 0xc0 }, saved[48];
    make_signers();
    CHECK(fvm_bls_aggregate(sum, sigs[0], SIGNERS));
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sum, keys[0], messages, SIGNERS));
    CHECK(valid);
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sum, keys[0], messages, SIGNERS - 1));
    CHECK_AT("a signer is missing", !valid);
    fvm_bytes kept = messages[3];
    messages[3] = messages[4];
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sum, keys[0], messages, SIGNERS));
    CHECK_AT("another message", !valid);
    messages[3] = kept;
    memcpy(saved, keys[9], 48);
    memcpy(keys[9], identity_key, 48);
    CHECK(fvm_bls_aggregate(sum, sigs[0], SIGNERS - 1));
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sum, keys[0], messages, SIGNERS));
    CHECK_AT("the identity as a key adds nothing, yet is refused", !valid);
    memcpy(keys[9], saved, 48);
}

/* With one message for all, the sum of the signatures would verify; the rule forbids it. */
TEST(bls_aggregate_of_equal_messages_is_refused)
{
    bool valid = true;
    uint8_t pair[2][96], sum[96], pair_keys[2][48];
    fvm_bytes same[2] = { FVM_STR("same"), FVM_STR("same") };
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t secret[32] = { [31] = (uint8_t)(i + 1) };
        CHECK(fvm_bls_public_key(pair_keys[i], secret));
        CHECK(fvm_bls_sign(pair[i], secret, same[i]));
    }
    CHECK(fvm_bls_aggregate(sum, pair[0], 2));
    CHECK_OK(fvm_bls_verify_aggregate(&valid, sum, pair_keys[0], same, 2));
    CHECK(!valid);
}

/* The generator plus (0, 2), a point of order 3. A pairing does not see the difference, so what was
 * signed with the secret 1 would verify under this key, too. */
TEST(bls_refuses_keys_outside_the_group)
{
    bool valid = true;
    uint8_t secret[32] = { [31] = 1 }, key[48], good[96];
    CHECK(fvm_bls_sign(good, secret, FVM_STR("message")));
    CHECK(fvm_bls_public_key(key, secret));
    CHECK(fvm_bls_verify(good, key, FVM_STR("message")));
    (void)test_hex(key, 48,
                   "85020378a6838af221e734b3a81940eb3ff19c2a7f8cf261"
                   "50dfc38fc41c37551dc92bb5593d30d4dfc2ee4bb09ad05b");
    CHECK(!fvm_bls_verify(good, key, FVM_STR("message")));
    CHECK_OK(fvm_bls_verify_aggregate(&valid, good, key, &FVM_STR("message"), 1));
    CHECK(!valid);
}

/* from the vector crypto-verify-signature: what another implementation made */
TEST(bls_verifies_a_signature_of_the_network)
{
    uint8_t s[96], key[48], text[300];
    (void)test_hex(s, sizeof s,
                   "8e40dd0de74cbc0c841fbde582bc3cba1399eaee264675f0e242ae0e6750b241"
                   "374776fc70f8e393c3e0cc917745df5b0af69bd90a86184ad35e1d98869137ac"
                   "5b736e1d47bc63685e28c573ffdbcea3cba7991ab999c87b057615f6f6ad0f83");
    (void)test_hex(key, sizeof key,
                   "a13e1e849fe4be80283d317637ec59be8cee9f3aac2d4895e263ac3523b23e47"
                   "7789278f62fd201742ecd5eaafa080d4");
    fvm_bytes message = test_hex(text, sizeof text,
                                 "8bbf259fbfce9cf9923437734a7751648f68df376243c0d9fee3a54abfe93afb"
                                 "17cecb73c1b390bd39b9ce1134cd2956bf86db054efe7d6cf2b3c7f1e2af5cee"
                                 "200cd1eb1b83756457f966e674c5457f4207498c26afcac108c16c69cf35eaf6"
                                 "9691ec96e5d6ec6056a2ebe00d96f662ab410cb80776ca87c4f573dce5b67f57"
                                 "90842b09af74a47e30c5e89d9873a4720517aff50ba454687cbeabf6e429d5c2"
                                 "4354a2749e4f3e38c816355f5936433329a1eb69a049640cc251505105456337"
                                 "fd02d7cce8127d1514051cfcf678ec6033d5585c4b3989583f05c5157caa6b1c"
                                 "c1d1e9dc61a7aa6aa0b7f2582263e5a77a48ae86608db7c412e6b0676f8bd20a"
                                 "58b0c5af0be28480a1e438a52f0708d9bb5d6cd20d0f3edd4e1a5d1fe76d1b55"
                                 "8b8a9dccce4d9693358885e8");
    CHECK(fvm_bls_verify(s, key, message));
}
