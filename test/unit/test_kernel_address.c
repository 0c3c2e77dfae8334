/* Addresses: bytes, text, refusals. Golden values: reference/ipld.md 6.1. */
#include "test.h"

#include <fvm/address.h>

static fvm_bytes bytes_of(const fvm_address *a)
{
    return (fvm_bytes){ a->bytes, a->len };
}

TEST(addresses_have_the_bytes_and_text_of_the_reference)
{
    static const struct {
        const char *hex, *text;
    } rows[] = {
        { "0000", "f00" },
        { "008001", "f0128" },
        { "00e607", "f0998" },
        { "00ffffffffffffffffff01", "f018446744073709551615" },
        { "01df034b2156625ebac9d8f7c7af61eff43a451e9f",
          "f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq" },
        { "02b5531c7037f06c9f2947132a6a77202c308e8939",
          "f2wvjry4bx6bwj6kkhcmvgu5zafqyi5cjzbtet3va" },
        { "040a0000000000000000000000000000000000000000",
          "f410faaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaonc6iji" },
        { "040ad4c5fb16488aa48081296299d54b0c648c9333da",
          "f410f2tc7wfsirksibajjmkm5ksymmsgjgm62hjnomwa" },
        { "04e8076162", "f41000fmfrljlmj2u" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t room[FVM_ADDRESS_MAX];
        char text[FVM_ADDRESS_TEXT_MAX];
        fvm_address a, b;
        fvm_bytes in = test_hex(room, sizeof room, rows[i].hex);
        CHECK_OK(fvm_address_read(&a, in, true));
        CHECK_BYTES(bytes_of(&a), in);
        CHECK_AT(rows[i].text, fvm_address_to_text(text, &a, 'f') == strlen(rows[i].text));
        CHECK_AT(rows[i].text, strcmp(text, rows[i].text) == 0);
        CHECK_OK(fvm_address_from_text(&b, fvm_bytes_of(rows[i].text), 'f'));
        CHECK_AT(rows[i].text, fvm_address_eq(&a, &b));
        (void)fvm_address_to_text(text, &a, 't');
        CHECK_AT(rows[i].text, text[0] == 't' && strcmp(text + 1, rows[i].text + 1) == 0);
        CHECK_OK(fvm_address_from_text(&b, fvm_bytes_of(text), 't'));
        CHECK_AT(rows[i].text, fvm_address_eq(&a, &b));
    }
}

TEST(constructors_hash_keys_and_data)
{
    uint8_t key[65];
    memset(key, 4, sizeof key);
    fvm_address a = fvm_address_secp256k1(key);
    CHECK_HEX(bytes_of(&a), "01df034b2156625ebac9d8f7c7af61eff43a451e9f");
    a = fvm_address_actor(FVM_STR("hello"));
    CHECK_HEX(bytes_of(&a), "02b5531c7037f06c9f2947132a6a77202c308e8939");
    uint8_t bls[48] = { 0xaa };
    a = fvm_address_bls(bls);
    CHECK(a.len == 49 && a.bytes[0] == 3 && memcmp(a.bytes + 1, bls, 48) == 0);
    char text[FVM_ADDRESS_TEXT_MAX];
    fvm_address b;
    CHECK(fvm_address_to_text(text, &a, 'f') == 86);
    CHECK_OK(fvm_address_from_text(&b, fvm_bytes_of(text), 'f'));
    CHECK(fvm_address_eq(&a, &b));
}

TEST(numbers_and_delegated_parts_are_taken_apart)
{
    uint64_t n = 7;
    fvm_bytes sub = { 0 };
    fvm_address id = fvm_address_id(UINT64_MAX), f4;
    CHECK(fvm_address_to_id(&n, &id) && n == UINT64_MAX);
    CHECK(!fvm_address_to_delegated(&n, &sub, &id));
    CHECK_OK(fvm_address_delegated(&f4, UINT64_MAX, FVM_STR("abc")));
    CHECK(!fvm_address_to_id(&n, &f4));
    CHECK(fvm_address_to_delegated(&n, &sub, &f4) && n == UINT64_MAX);
    CHECK_BYTES(sub, FVM_STR("abc"));
    CHECK_OK(fvm_address_delegated(&f4, 5, (fvm_bytes){ 0 }));
    CHECK_HEX(bytes_of(&f4), "0405");
    CHECK(fvm_address_to_delegated(&n, &sub, &f4) && n == 5 && sub.len == 0);
    fvm_address none = { .len = 0 };
    CHECK(!fvm_address_to_id(&n, &none) && !fvm_address_to_delegated(&n, &sub, &none));
}

TEST(the_longest_delegated_address_fits)
{
    uint8_t sub[55];
    memset(sub, 0xff, sizeof sub);
    fvm_address a, b;
    char text[FVM_ADDRESS_TEXT_MAX];
    CHECK_OK(fvm_address_delegated(&a, UINT64_MAX, (fvm_bytes){ sub, 54 }));
    CHECK(a.len == FVM_ADDRESS_MAX);
    CHECK_OK(fvm_address_read(&b, bytes_of(&a), true));
    CHECK(fvm_address_eq(&a, &b));
    (void)fvm_address_to_text(text, &a, 'f');
    CHECK_OK(fvm_address_from_text(&b, fvm_bytes_of(text), 'f'));
    CHECK(fvm_address_eq(&a, &b));
    b = a;
    CHECK_ERR(fvm_address_delegated(&b, 1, (fvm_bytes){ sub, 55 }), FVM_ERR_LIMIT);
    CHECK(fvm_address_eq(&a, &b));
}

TEST(bits_of_a_varint_above_63_are_dropped_and_not_written_back)
{
    uint8_t room[80];
    fvm_address a;
    CHECK_OK(fvm_address_read(&a, test_hex(room, sizeof room, "00ffffffffffffffffff7f"), true));
    CHECK_HEX(bytes_of(&a), "00ffffffffffffffffff01");
    CHECK_OK(fvm_address_read(&a, test_hex(room, sizeof room, "0080808080808080808002"), true));
    CHECK_HEX(bytes_of(&a), "0000");
    CHECK_OK(fvm_address_read(&a, test_hex(room, sizeof room, "0480808080808080808002ab"), true));
    CHECK_HEX(bytes_of(&a), "0400ab");
}

TEST(read_refuses_and_leaves_the_output_alone)
{
    static const struct {
        const char *why, *hex;
        bool delegated;
    } refused[] = {
        { "empty", "", true },
        { "no payload", "00", true },
        { "no namespace", "04", true },
        { "bytes after the ID", "000101", true },
        { "ID not minimal", "008100", true },
        { "ID ends early", "0080", true },
        { "ID of eleven bytes", "008080808080808080808001", true },
        { "hash of 19 bytes", "0100112233445566778899aabbccddeeff001122", true },
        { "hash of 21 bytes", "0200112233445566778899aabbccddeeff0011223344", true },
        { "BLS key of 20 bytes", "0300112233445566778899aabbccddeeff00112233", true },
        { "protocol 5", "0501", true },
        { "protocol 4 before nv18", "0405", false },
        { "namespace not minimal", "048000", true },
        { "subaddress of 55 bytes",
          "040a000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
          "0000000000000000000000000000",
          true },
    };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint8_t room[80];
        fvm_address a = fvm_address_id(7), was = a;
        fvm_err err = fvm_address_read(&a, test_hex(room, sizeof room, refused[i].hex),
                                       refused[i].delegated);
        CHECK_AT(refused[i].why, err == FVM_ERR_MALFORMED || err == FVM_ERR_TRUNCATED);
        CHECK_AT(refused[i].why, fvm_address_eq(&a, &was));
    }
}

TEST(text_is_read_as_the_reference_reads_it)
{
    fvm_address a;
    CHECK_OK(fvm_address_from_text(&a, FVM_STR("f0+12"), 'f'));
    CHECK_HEX(bytes_of(&a), "000c");
    CHECK_OK(fvm_address_from_text(&a, FVM_STR("f000000000000000000012"), 'f')); /* 20 digits */
    CHECK_HEX(bytes_of(&a), "000c");
    static const struct {
        const char *why, *text;
        fvm_err err;
    } refused[] = {
        { "other network", "t0128", FVM_ERR_MALFORMED },
        { "no letter", "0128", FVM_ERR_MALFORMED },
        { "too short", "f0", FVM_ERR_MALFORMED },
        { "protocol 5", "f5aaaaaaaaaa", FVM_ERR_MALFORMED },
        { "protocol below 0", "f/aaaaaaaaaa", FVM_ERR_MALFORMED },
        { "only a sign", "f0+", FVM_ERR_MALFORMED },
        { "minus", "f0-1", FVM_ERR_MALFORMED },
        { "beyond 64 bits", "f018446744073709551616", FVM_ERR_MALFORMED },
        { "21 digits", "f0000000000000000000012", FVM_ERR_MALFORMED },
        { "upper case", "f134BUWIKWMJPLVSOY67D26YPP6Q5EKHU7QAP6HWQ", FVM_ERR_MALFORMED },
        { "checksum", "f134buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwa", FVM_ERR_MISMATCH },
        { "unused bits", "f41000fmfrljlmj2v", FVM_ERR_MALFORMED },
        { "another class's checksum", "f234buwikwmjplvsoy67d26ypp6q5ekhu7qap6hwq",
          FVM_ERR_MISMATCH },
        { "no f in a delegated one", "f410", FVM_ERR_MALFORMED },
        { "no namespace", "f4fmfrljlmj2u", FVM_ERR_MALFORMED },
        { "no checksum", "f1aa", FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_address was = fvm_address_id(9);
        a = was;
        fvm_err err = fvm_address_from_text(&a, fvm_bytes_of(refused[i].text), 'f');
        CHECK_AT(refused[i].why, err == refused[i].err);
        CHECK_AT(refused[i].why, fvm_address_eq(&a, &was));
    }
    char long_text[160];
    memset(long_text, 'a', sizeof long_text);
    memcpy(long_text, "f1", 2);
    CHECK_ERR(fvm_address_from_text(&a, (fvm_bytes){ (uint8_t *)long_text, 139 }, 'f'),
              FVM_ERR_MALFORMED);
}
