/* Keys and mnemonics, by published vectors: BIP-39's English ones (passphrase TREZOR), BIP-32's first,
 * the accounts of the development mnemonic, EIP-55. */
#include "base/text.h"
#include "chain/key.h"
#include "test.h"

TEST(the_development_mnemonic_gives_the_well_known_accounts)
{
    static const struct {
        uint32_t index;
        const char *address, *secret;
    } rows[] = {
        { 0, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
          "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" },
        { 1, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
          "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d" },
        { 9, "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
          "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6" },
        { 19, "0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199",
          "df57089febbacf7ba0bc227dafbffa9fc08a93fdc68e1e42411a14efcf23656e" },
    };
    uint8_t seed[64];
    CHECK_OK(fvm_mnemonic_check(NULL, FVM_MNEMONIC_DEFAULT));
    CHECK_OK(fvm_mnemonic_seed(seed, FVM_MNEMONIC_DEFAULT, ""));
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_key key;
        char text[FVM_ETH_ADDRESS_TEXT];
        CHECK_OK(fvm_key_derive(&key, FVM_SIGNATURE_DELEGATED, seed, FVM_KEY_COIN_ETHEREUM,
                                rows[i].index));
        CHECK_HEX(((fvm_bytes){ key.secret, 32 }), rows[i].secret);
        fvm_eth_address_to_text(text, &key.eth, true);
        CHECK_AT(text, strcmp(text, rows[i].address) == 0);
    }
}

/* BIP-39's test vectors, by entropy 00.., 7f.., 80.., ff.. */
static const struct {
    const char *words, *seed;
} vectors[] = {
    { "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
      "about",
      "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2c"
      "f141"
      "630c7a3c4ab7c81b2f001698e7463b04" },
    { "legal winner thank year wave sausage worth useful legal winner thank yellow",
      "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1"
      "069b"
      "e3a3a5bd381ee6260e8d9739fce1f607" },
    { "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
      "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b"
      "11c6"
      "1dee327651a14c34e18231052e48c069" },
};

TEST(mnemonics_of_bip39_give_their_seeds)
{
    for (size_t i = 0; i < FVM_COUNT(vectors); i++) {
        uint8_t seed[64];
        CHECK_OK(fvm_mnemonic_check(NULL, vectors[i].words));
        CHECK_OK(fvm_mnemonic_seed(seed, vectors[i].words, "TREZOR"));
        CHECK_HEX(((fvm_bytes){ seed, 64 }), vectors[i].seed);
    }
    uint8_t a[64], b[64];
    CHECK_OK(fvm_mnemonic_seed(a, vectors[2].words, "TREZOR"));
    CHECK_OK(
        fvm_mnemonic_seed(b, "  zoo zoo\tzoo zoo zoo zoo zoo zoo zoo zoo  zoo wrong\n", "TREZOR"));
    CHECK(memcmp(a, b, 64) == 0);
}

TEST(wrong_mnemonics_are_refused_and_the_wrong_word_is_named)
{
    fvm_bytes word;
    CHECK_ERR(fvm_mnemonic_check(&word, "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo"),
              FVM_ERR_MISMATCH);
    CHECK_ERR(fvm_mnemonic_check(&word, "zoo zoo zoo zoo zoo zoo zooo zoo zoo zoo zoo wrong"),
              FVM_ERR_MALFORMED);
    CHECK_BYTES(word, FVM_STR("zooo"));
    CHECK_ERR(fvm_mnemonic_check(&word, "zoo zoo wrong"), FVM_ERR_MALFORMED);
    CHECK(word.len == 0);
    CHECK_ERR(fvm_mnemonic_check(&word, ""), FVM_ERR_MALFORMED);
}

TEST(new_mnemonics_have_the_words_asked_for_and_a_good_checksum)
{
    for (unsigned words = 12; words <= 24; words += 3) {
        char text[FVM_MNEMONIC_MAX], other[FVM_MNEMONIC_MAX];
        unsigned spaces = 0;
        CHECK_OK(fvm_mnemonic_new(text, words));
        CHECK_OK(fvm_mnemonic_check(NULL, text));
        for (const char *p = text; *p; p++) spaces += *p == ' ';
        CHECK(spaces == words - 1);
        CHECK_OK(fvm_mnemonic_new(other, words));
        CHECK(strcmp(text, other) != 0);
    }
    char text[FVM_MNEMONIC_MAX];
    CHECK_ERR(fvm_mnemonic_new(text, 13), FVM_ERR_INVALID);
    CHECK_ERR(fvm_mnemonic_new(text, 27), FVM_ERR_INVALID);
}

TEST(paths_are_derived_as_in_bip32)
{
    uint8_t seed[64] = { 0 };
    fvm_key key, same;
    CHECK_OK(fvm_mnemonic_seed(seed, FVM_MNEMONIC_DEFAULT, ""));
    CHECK_OK(fvm_key_derive(&key, FVM_SIGNATURE_SECP256K1, seed, FVM_KEY_COIN_FILECOIN, 3));
    CHECK_OK(fvm_key_derive_path(&same, FVM_SIGNATURE_SECP256K1, seed, "m/44'/461'/0'/0/3"));
    CHECK(memcmp(key.secret, same.secret, 32) == 0 && fvm_address_eq(&key.address, &same.address));
    CHECK_OK(fvm_key_derive_path(&same, FVM_SIGNATURE_SECP256K1, seed, "m/44h/461H/0h/0/3"));
    CHECK(memcmp(key.secret, same.secret, 32) == 0);
    static const char *const bad[] = { "",
                                       "n/1",
                                       "m/",
                                       "m/1/",
                                       "m//1",
                                       "m/1x",
                                       "m/2147483648",
                                       "m/99999999999",
                                       "m/-1",
                                       "m/1''",
                                       "m/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8" };
    for (size_t i = 0; i < FVM_COUNT(bad); i++)
        CHECK_AT(bad[i], fvm_key_derive_path(&key, FVM_SIGNATURE_SECP256K1, seed, bad[i]) ==
                             FVM_ERR_MALFORMED);
    CHECK_ERR(fvm_key_derive(&key, FVM_SIGNATURE_BLS, seed, FVM_KEY_COIN_FILECOIN, 0),
              FVM_ERR_INVALID);
}

TEST(secrets_out_of_range_are_no_keys)
{
    uint8_t zero[32] = { 0 }, high[32];
    fvm_key key;
    memset(high, 0xff, sizeof high);
    for (int type = 1; type <= 3; type++) {
        CHECK_ERR(fvm_key_make(&key, (fvm_signature_type)type, zero), FVM_ERR_INVALID);
        CHECK_ERR(fvm_key_make(&key, (fvm_signature_type)type, high), FVM_ERR_INVALID);
        CHECK_OK(fvm_key_random(&key, (fvm_signature_type)type));
        CHECK(key.type == type);
    }
    high[0] = 0;
    CHECK_ERR(fvm_key_make(&key, (fvm_signature_type)4, high), FVM_ERR_INVALID);
}

TEST(lotus_exports_are_written_and_read)
{
    for (int type = 1; type <= 3; type++) {
        fvm_key key, back;
        fvm_buf text;
        fvm_buf_init(&text, NULL);
        CHECK_OK(fvm_key_random(&key, (fvm_signature_type)type));
        CHECK_OK(fvm_key_export(&text, &key));
        CHECK_OK(fvm_buf_append(&text, FVM_STR("\n")));
        CHECK_OK(fvm_key_import(&back, fvm_buf_bytes(&text)));
        CHECK(back.type == key.type && memcmp(back.secret, key.secret, 32) == 0);
        CHECK(fvm_address_eq(&back.address, &key.address));
        fvm_buf_deinit(&text);
    }
}

TEST(what_is_no_export_is_refused)
{
    static const struct {
        const char *text;
        fvm_err err;
    } rows[] = {
        { "", FVM_ERR_MALFORMED },
        { "zz", FVM_ERR_MALFORMED },
        { "{}", FVM_ERR_MALFORMED },
        { "{\"Type\":\"bls\"}", FVM_ERR_MALFORMED },
        { "{\"Type\":\"bls\",\"PrivateKey\":\"AAAA\"}", FVM_ERR_MALFORMED },
        { "{\"Type\":\"rsa\",\"PrivateKey\":\"AAAA\"}", FVM_ERR_INVALID },
        { "{\"Type\":\"bls\",\"PrivateKey\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
          FVM_ERR_INVALID },
        { "{\"Type\":\"bls\",\"PrivateKey\":7}", FVM_ERR_MALFORMED },
        { "[1]", FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_key key;
        fvm_buf hex;
        fvm_buf_init(&hex, NULL);
        CHECK_OK(fvm_hex_encode(&hex, fvm_bytes_of(rows[i].text)));
        CHECK_AT(rows[i].text, fvm_key_import(&key, fvm_buf_bytes(&hex)) == rows[i].err);
        fvm_buf_deinit(&hex);
    }
    fvm_key key;
    CHECK_ERR(fvm_key_import(&key, FVM_STR("not hexadecimal")), FVM_ERR_MALFORMED);
}

TEST(hashes_are_signed_with_27_or_28)
{
    fvm_key key;
    uint8_t hash[32] = { 1 }, sig[65];
    CHECK_OK(fvm_key_random(&key, FVM_SIGNATURE_DELEGATED));
    CHECK(fvm_key_sign_hash(sig, &key, hash) && (sig[64] == 27 || sig[64] == 28));
    CHECK_OK(fvm_key_random(&key, FVM_SIGNATURE_BLS));
    CHECK(!fvm_key_sign_hash(sig, &key, hash));
}
