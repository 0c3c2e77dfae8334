/* Hashes and signatures as syscalls: order of checks and charges, verdicts, short buffers. */
#include "kernel_fixture.h"

#include "crypto/crypto.h"

TEST(digests_are_cut_to_the_buffer)
{
    static const struct {
        uint64_t hash;
        uint32_t len;
        int64_t per_byte;
    } rows[] = { { FVM_HASH_SHA2_256, 32, 7000 },
                 { FVM_HASH_BLAKE2B_256, 32, 10000 },
                 { FVM_HASH_BLAKE2B_512, 64, 10000 },
                 { FVM_HASH_KECCAK_256, 32, 33000 },
                 { FVM_HASH_RIPEMD_160, 20, 35000 } };
    fixture f;
    fixture_open(&f, 21);
    fixture_poke(&f, 0, FVM_STR("abc"));
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_cid cid;
        CHECK_OK(fvm_cid_make(&cid, FVM_CODEC_RAW, rows[i].hash, FVM_STR("abc")));
        for (uint32_t room = 0; room <= 70; room += 10) {
            uint32_t want = room < rows[i].len ? room : rows[i].len;
            memset(f.mem + 100, '-', 80);
            CHECK_OK(CALL(&f, fvm__crypto_hash, rows[i].hash, 0, 3, 100, room));
            CHECK(OUT32(&f, 0) == want && fixture_spent(&f) == 3 * rows[i].per_byte);
            CHECK(memcmp(f.mem + 100, cid.digest, want) == 0 && f.mem[100 + want] == '-');
        }
    }
    /* the digest may overwrite the data */
    CHECK_OK(CALL(&f, fvm__crypto_hash, FVM_HASH_SHA2_256, 0, 3, 1, 32));
    fixture_close(&f);
}

TEST(before_nv18_hashing_costs_the_same_for_all_and_even_for_unknown_functions)
{
    fixture f;
    fixture_open(&f, 17);
    CHECK_OK(CALL(&f, fvm__crypto_hash, FVM_HASH_KECCAK_256, 0, 300, 1000, 32));
    CHECK(fixture_spent(&f) == 31355000);
    CHECK_ERR(CALL(&f, fvm__crypto_hash, 0x13, 0, 300, 1000, 32), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(fixture_spent(&f) == 31355000);
    fixture_close(&f);
}

/* --- signatures --- */

#define TEXT_AT 1000u
#define SIG_AT 2000u
#define ADDRESS_AT 3000u

static const uint8_t secret[32] = { 1, 2, 3, 4, 5, 6, 7, 8, [31] = 9 };

static void poke_address(fixture *f, const fvm_address *address)
{
    fixture_poke(f, ADDRESS_AT, (fvm_bytes){ address->bytes, address->len });
}
static fvm_address secp_signer(fixture *f, fvm_bytes text)
{
    uint8_t hash[32], sig[65], key[65];
    fvm_blake2b_256(hash, text);
    CHECK(fvm_secp256k1_sign(sig, hash, secret) && fvm_secp256k1_public_key(key, secret));
    fixture_poke(f, SIG_AT, (fvm_bytes){ sig, 65 });
    return fvm_address_secp256k1(key);
}
static fvm_err verify(fixture *f, uint32_t type, uint32_t sig_len, const fvm_address *address,
                      size_t text_len)
{
    poke_address(f, address);
    return CALL(f, fvm__crypto_verify_signature, type, SIG_AT, sig_len, ADDRESS_AT, address->len,
                TEXT_AT, text_len);
}

TEST(secp256k1_signatures_have_a_verdict)
{
    fixture f;
    fixture_open(&f, 21);
    fixture_poke(&f, TEXT_AT, FVM_STR("text"));
    fvm_address signer = secp_signer(&f, FVM_STR("text"));
    CHECK_OK(verify(&f, 1, 65, &signer, 4));
    CHECK(OUT32(&f, 0) == 0 && fixture_spent(&f) == 1637292000 + 4 * 10000);
    CHECK_OK(verify(&f, 1, 65, &signer, 3)); /* another text */
    CHECK(OUT32(&f, 0) == UINT32_MAX);
    CHECK_OK(verify(&f, 1, 64, &signer, 4)); /* a signature too short */
    CHECK(OUT32(&f, 0) == UINT32_MAX);
    CHECK_OK(verify(&f, 1, 65, &f.key, 4)); /* another signer */
    CHECK(OUT32(&f, 0) == UINT32_MAX);
    fixture_spent(&f);
    CHECK_OK(verify(&f, 2, 65, &signer, 4)); /* the wrong kind */
    CHECK(OUT32(&f, 0) == UINT32_MAX && fixture_spent(&f) == 16598605000 + 4 * 26000);
    fvm_address id = fvm_address_id(KEYED);
    CHECK_ERR(verify(&f, 1, 65, &id, 4), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(f.env.gas.used == 1637292000 + 4 * 10000); /* told after the charge */
    fixture_close(&f);
}

TEST(before_nv18_a_signer_may_be_named_by_its_actor)
{
    fixture f;
    fixture_open(&f, 17);
    fvm_address id = fvm_address_id(KEYED), peer = fvm_address_id(PEER), none = fvm_address_id(999);
    CHECK_OK(verify(&f, 1, 65, &id, 4));
    CHECK(OUT32(&f, 0) == UINT32_MAX);
    /* the account's state, 23 bytes, is opened and paid for */
    CHECK(fixture_spent(&f) == 1637292000 + 135617000 + 23 * 10500);
    CHECK_ERR(verify(&f, 1, 65, &peer, 4), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(fixture_spent(&f) == 1637292000);
    CHECK_ERR(verify(&f, 1, 65, &none, 4), FVM_ERR_SYS_NOT_FOUND);
    fixture_close(&f);
}

TEST(keys_are_recovered_or_refused)
{
    fixture f;
    uint8_t key[65];
    fixture_open(&f, 21);
    CHECK(fvm_secp256k1_public_key(key, secret));
    (void)secp_signer(&f, FVM_STR("text"));
    fvm_blake2b_256(f.mem, FVM_STR("text"));
    CHECK_OK(CALL(&f, fvm__crypto_recover, 0, SIG_AT));
    CHECK(memcmp(f.out, key, 65) == 0 && fixture_spent(&f) == 1637292000);
    f.mem[SIG_AT + 64] = 9;
    CHECK_ERR(CALL(&f, fvm__crypto_recover, 0, SIG_AT), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(fixture_spent(&f) == 1637292000);
    fixture_close(&f);
}

/* --- aggregates --- */

#define KEYS_AT 4000u
#define LENS_AT 5000u

static fvm_err aggregate(fixture *f, uint32_t count)
{
    return CALL(f, fvm__crypto_verify_bls_aggregate, count, SIG_AT, KEYS_AT, TEXT_AT, LENS_AT);
}

TEST(an_aggregate_of_one_is_a_signature_and_of_none_always_valid)
{
    fixture f;
    uint8_t sig[96], key[48];
    fixture_open(&f, 21);
    CHECK(fvm_bls_sign(sig, secret, FVM_STR("text")) && fvm_bls_public_key(key, secret));
    fixture_poke(&f, SIG_AT, (fvm_bytes){ sig, 96 });
    fixture_poke(&f, KEYS_AT, (fvm_bytes){ key, 48 });
    fixture_poke(&f, TEXT_AT, FVM_STR("text"));
    fvm_store_le32(f.mem + LENS_AT, 4);
    CHECK_OK(aggregate(&f, 1));
    CHECK(OUT32(&f, 0) == 0 && fixture_spent(&f) == 2 * INT64_C(8299302000) + 4 * 7000);
    fvm_address signer = fvm_address_bls(key);
    CHECK_OK(verify(&f, 2, 96, &signer, 4));
    CHECK(OUT32(&f, 0) == 0);
    CHECK_OK(verify(&f, 2, 95, &signer, 4));
    CHECK(OUT32(&f, 0) == UINT32_MAX);

    fixture_poke(&f, TEXT_AT, FVM_STR("next"));
    CHECK_OK(aggregate(&f, 1));
    CHECK(OUT32(&f, 0) == UINT32_MAX);
    fixture_spent(&f);
    memset(f.mem + SIG_AT, 0, 96);
    CHECK_OK(aggregate(&f, 0));
    CHECK(OUT32(&f, 0) == 0 && fixture_spent(&f) == 8299302000);
    fixture_close(&f);
}

TEST(lengths_of_plaintexts_whose_sum_wraps_are_refused_after_the_charge)
{
    fixture f;
    fixture_open(&f, 21);
    fvm_store_le32(f.mem + LENS_AT, 0x80000000u);
    fvm_store_le32(f.mem + LENS_AT + 4, 0x80000004u); /* 4 in all, as u32 */
    CHECK_ERR(aggregate(&f, 2), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK(fixture_spent(&f) == 3 * INT64_C(8299302000) + 4 * 7000);
    fixture_close(&f);
}
