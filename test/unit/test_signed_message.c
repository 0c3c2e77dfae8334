/* Signed messages: bytes, CIDs, and signatures of the three kinds. */
#include "chain/key.h"
#include "test.h"

static fvm_key make_key(fvm_signature_type type, uint8_t fill)
{
    uint8_t secret[32];
    fvm_key key;
    memset(secret, fill, sizeof secret);
    CHECK_OK(fvm_key_make(&key, type, secret));
    return key;
}

static fvm_message make_message(const fvm_key *from)
{
    fvm_eth_address to = { { 1, 2, 3 } };
    fvm_message m = {
        .to = fvm_eth_address_to_fil(&to),
        .from = from->address,
        .nonce = 7,
        .value = fvm_big_u64(1000),
        .gas_limit = 5000000,
        .gas_fee_cap = fvm_big_u64(200),
        .gas_premium = fvm_big_u64(100),
        .method = FVM_ETH_METHOD_INVOKE,
        .params = FVM_STR("\x43"
                          "abc"),
    };
    return m;
}

static const fvm_signature_type types[] = { FVM_SIGNATURE_SECP256K1, FVM_SIGNATURE_BLS,
                                            FVM_SIGNATURE_DELEGATED };

TEST(messages_signed_by_every_kind_of_key_verify_and_read_back)
{
    for (size_t i = 0; i < FVM_COUNT(types); i++) {
        fvm_key key = make_key(types[i], 0x11), other = make_key(types[i], 0x12);
        fvm_signed_message m = { .message = make_message(&key) }, read;
        fvm_buf bytes, again;
        const char *why = "";
        CHECK_OK(fvm_signed_message_sign(&m, &key, 314, NULL, &why));
        fvm_buf_init(&bytes, NULL);
        fvm_buf_init(&again, NULL);
        CHECK_OK(fvm_signed_message_write(&bytes, &m));
        CHECK_OK(fvm_signed_message_read(&read, fvm_buf_bytes(&bytes)));
        CHECK_OK(fvm_signed_message_write(&again, &read));
        CHECK_BYTES(fvm_buf_bytes(&again), fvm_buf_bytes(&bytes));
        CHECK_OK(fvm_signed_message_verify(&read, &key.address, 314, NULL, &why));
        CHECK_ERR(fvm_signed_message_verify(&read, &other.address, 314, NULL, &why),
                  FVM_ERR_MISMATCH);
        read.message.nonce++;
        CHECK_ERR(fvm_signed_message_verify(&read, &key.address, 314, NULL, &why),
                  FVM_ERR_MISMATCH);
        read.message.nonce--;
        read.signature.bytes[10] ^= 1;
        CHECK(fvm_signed_message_verify(&read, &key.address, 314, NULL, &why) != FVM_OK);
        fvm_buf_deinit(&again);
        fvm_buf_deinit(&bytes);
    }
}

TEST(the_type_of_a_signature_must_be_that_of_the_address)
{
    for (size_t i = 0; i < FVM_COUNT(types); i++)
        for (size_t k = 0; k < FVM_COUNT(types); k++) {
            fvm_key key = make_key(types[i], 0x11), as = make_key(types[k], 0x11);
            fvm_signed_message m = { .message = make_message(&key) };
            if (i == k) continue;
            CHECK_OK(fvm_signed_message_sign(&m, &key, 314, NULL, NULL));
            CHECK_ERR(fvm_signed_message_verify(&m, &as.address, 314, NULL, NULL), FVM_ERR_INVALID);
        }
    fvm_key key = make_key(FVM_SIGNATURE_BLS, 0x11);
    fvm_signed_message m = { .message = make_message(&key) };
    fvm_address id = fvm_address_id(100), none = { 0 };
    CHECK_OK(fvm_signed_message_sign(&m, &key, 314, NULL, NULL));
    CHECK_ERR(fvm_signed_message_verify(&m, &id, 314, NULL, NULL), FVM_ERR_INVALID);
    CHECK_ERR(fvm_signed_message_verify(&m, &none, 314, NULL, NULL), FVM_ERR_INVALID);
}

TEST(a_bls_message_has_the_cid_and_the_length_of_its_unsigned_form)
{
    fvm_key bls = make_key(FVM_SIGNATURE_BLS, 0x11), secp = make_key(FVM_SIGNATURE_SECP256K1, 0x11);
    fvm_signed_message m = { .message = make_message(&bls) };
    fvm_cid cid, unsigned_cid;
    uint64_t length = 0;
    uint8_t hash[32];
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    CHECK_OK(fvm_message_write(&bytes, &m.message));
    CHECK_OK(fvm_message_cid(&unsigned_cid, &m.message, NULL));
    CHECK_OK(fvm_signed_message_sign(&m, &bls, 314, NULL, NULL));
    CHECK_OK(fvm_signed_message_cid(&cid, &length, &m, NULL));
    CHECK(fvm_cid_eq(&cid, &unsigned_cid) && length == bytes.len);
    CHECK_OK(fvm_eth_hash_of_message(hash, &m, 314, NULL));
    CHECK_BYTES(((fvm_bytes){ hash, 32 }), ((fvm_bytes){ cid.digest, 32 }));
    m.message = make_message(&secp);
    CHECK_OK(fvm_signed_message_sign(&m, &secp, 314, NULL, NULL));
    CHECK_OK(fvm_signed_message_cid(&cid, &length, &m, NULL));
    CHECK_OK(fvm_message_cid(&unsigned_cid, &m.message, NULL));
    bytes.len = 0;
    CHECK_OK(fvm_signed_message_write(&bytes, &m));
    CHECK(!fvm_cid_eq(&cid, &unsigned_cid) && length == bytes.len);
    CHECK_OK(fvm_eth_hash_of_message(hash, &m, 314, NULL));
    CHECK_BYTES(((fvm_bytes){ hash, 32 }), ((fvm_bytes){ cid.digest, 32 }));
    fvm_buf_deinit(&bytes);
}

TEST(signatures_of_unknown_types_and_lengths_are_refused)
{
    static const struct {
        const char *why;
        uint8_t type;
        size_t len;
        bool good;
    } rows[] = {
        { "secp", 1, 65, true },
        { "secp short", 1, 64, false },
        { "BLS", 2, 96, true },
        { "BLS long", 2, 97, false },
        { "delegated", 3, 65, true },
        { "delegated longest", 3, 73, true },
        { "delegated long", 3, 74, false },
        { "delegated short", 3, 64, false },
        { "type 0", 0, 65, false },
        { "type 4", 4, 65, false },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t bytes[100] = { rows[i].type };
        fvm_signature s = { .type = 9 };
        fvm_err err = fvm_signature_read(&s, (fvm_bytes){ bytes, rows[i].len + 1 });
        CHECK_AT(rows[i].why, err == (rows[i].good ? FVM_OK : FVM_ERR_MALFORMED));
        CHECK_AT(rows[i].why, rows[i].good ? s.len == rows[i].len : s.type == 9);
    }
    fvm_signature s;
    CHECK_ERR(fvm_signature_read(&s, (fvm_bytes){ NULL, 0 }), FVM_ERR_MALFORMED);
}

TEST(bytes_are_signed_and_verified_as_wallets_do)
{
    for (size_t i = 0; i < FVM_COUNT(types); i++) {
        fvm_key key = make_key(types[i], 0x11), other = make_key(types[i], 0x13);
        fvm_signature s;
        CHECK_OK(fvm_key_sign(&s, &key, FVM_STR("hello")));
        CHECK(fvm_signature_verify(&s, &key.address, FVM_STR("hello")));
        CHECK(!fvm_signature_verify(&s, &key.address, FVM_STR("hellp")));
        CHECK(!fvm_signature_verify(&s, &other.address, FVM_STR("hello")));
    }
}

static fvm_err sign_and_verify(const fvm_allocator *alloc, void *ctx)
{
    const fvm_key *key = ctx;
    fvm_signed_message m = { .message = make_message(key) };
    fvm_cid cid;
    FVM_TRY(fvm_signed_message_sign(&m, key, 314, alloc, NULL));
    FVM_TRY(fvm_signed_message_cid(&cid, NULL, &m, alloc));
    return fvm_signed_message_verify(&m, &key->address, 314, alloc, NULL);
}

TEST(no_allocation_that_fails_leaks_or_is_taken_for_a_bad_signature)
{
    for (size_t i = 0; i < FVM_COUNT(types); i++) {
        fvm_key key = make_key(types[i], 0x11);
        test_each_allocation_fails(sign_and_verify, &key);
    }
}
