#include "base/big.h"
#include "test.h"

static fvm_big parse(const char *text)
{
    fvm_big r;
    CHECK_OK(fvm_big_from_text(&r, fvm_bytes_of(text)));
    return r;
}

/* reference/ipld.md 6.3 */
TEST(big_wire_form)
{
    static const struct {
        const char *value, *hex;
    } rows[] = {
        { "0", "" },
        { "1", "0001" },
        { "-1", "0101" },
        { "255", "00ff" },
        { "256", "000100" },
        { "1000000000000000000", "000de0b6b3a7640000" },
        { "-18446744073709551616", "01010000000000000000" },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t wire[FVM_BIG_WIRE_MAX], room[64];
        fvm_big a = parse(rows[i].value), b;
        CHECK_HEX(((fvm_bytes){ wire, fvm_big_write(wire, &a) }), rows[i].hex);
        CHECK_OK(fvm_big_read(&b, test_hex(room, sizeof room, rows[i].hex)));
        CHECK_AT(rows[i].value, fvm_big_cmp(&a, &b) == 0);
    }
}

TEST(big_read_takes_what_the_reference_takes)
{
    static const struct {
        const char *hex, *value;
    } rows[] = {
        { "00", "0" }, { "01", "0" }, { "0000", "0" }, { "000001", "1" }, { "0100", "0" }
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        uint8_t room[64];
        fvm_big a, want = parse(rows[i].value);
        CHECK_OK(fvm_big_read(&a, test_hex(room, sizeof room, rows[i].hex)));
        CHECK_AT(rows[i].hex, fvm_big_cmp(&a, &want) == 0 && a.negative == want.negative);
    }
}

TEST(big_wire_form_has_128_bytes_at_most)
{
    uint8_t wire[FVM_BIG_WIRE_MAX + 1] = { 0 }, out[FVM_BIG_WIRE_MAX];
    fvm_big a = { .count = 0 };
    memset(wire + 1, 0xff, 127);
    CHECK_OK(fvm_big_read(&a, (fvm_bytes){ wire, 128 }));
    CHECK(fvm_big_write(out, &a) == 128 && memcmp(out, wire, 128) == 0);
    fvm_big one = fvm_big_u64(1), more;
    CHECK_OK(fvm_big_add(&more, &a, &one));
    CHECK(fvm_big_write(out, &more) == FVM_BIG_WIRE_MAX + 1);
    CHECK_ERR(fvm_big_read(&a, (fvm_bytes){ wire, 129 }), FVM_ERR_LIMIT);
    CHECK_ERR(fvm_big_read(&a, FVM_BYTES(2, 1)), FVM_ERR_MALFORMED);
    CHECK_ERR(fvm_big_read(&a, FVM_BYTES(0xff)), FVM_ERR_MALFORMED);
    CHECK_AT("unchanged on error", a.count == 16);
}

TEST(big_that_does_not_fit_is_an_error_and_leaves_the_output)
{
    fvm_big max = { .count = FVM_BIG_LIMBS }, one = fvm_big_u64(1), minus = max, out = one;
    memset(max.limb, 0xff, sizeof max.limb);
    minus = max;
    minus.negative = true;
    CHECK_ERR(fvm_big_add(&out, &max, &one), FVM_ERR_RANGE);
    CHECK_ERR(fvm_big_sub(&out, &minus, &one), FVM_ERR_RANGE);
    CHECK_ERR(fvm_big_mul_u64(&out, &max, 2), FVM_ERR_RANGE);
    CHECK(fvm_big_cmp(&out, &one) == 0);
    CHECK_OK(fvm_big_add(&out, &max, &minus));
    CHECK(fvm_big_is_zero(&out) && !out.negative);
    char text[FVM_BIG_TEXT_MAX];
    CHECK(fvm_big_to_text(text, &minus) < sizeof text);
    CHECK_OK(fvm_big_from_text(&out, fvm_bytes_of(text)));
    CHECK(fvm_big_cmp(&out, &minus) == 0);
}

TEST(big_from_text_refuses)
{
    static const char *const refused[] = { "", "-", "+1", " 1", "1 ", "0x1", "--1", "1-", "1.0" };
    fvm_big a = fvm_big_u64(7);
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        CHECK_AT(refused[i], fvm_big_from_text(&a, fvm_bytes_of(refused[i])) == FVM_ERR_MALFORMED);
    }
    char digits[400];
    memset(digits, '9', sizeof digits - 1);
    digits[sizeof digits - 1] = 0;
    CHECK_ERR(fvm_big_from_text(&a, fvm_bytes_of(digits)), FVM_ERR_RANGE);
    CHECK(a.count == 1 && a.limb[0] == 7);
    a = parse("-0");
    CHECK(fvm_big_sign(&a) == 0 && !a.negative);
    a = parse("000000000000000000000000000000000000000000000000000012");
    CHECK(a.count == 1 && a.limb[0] == 12);
}

TEST(big_to_u128)
{
    uint64_t hi, lo;
    fvm_big a = fvm_big_u128(3, 4), one = fvm_big_u64(1);
    CHECK(fvm_big_to_u128(&hi, &lo, &a) && hi == 3 && lo == 4);
    a = fvm_big_zero();
    CHECK(fvm_big_to_u128(&hi, &lo, &a) && hi == 0 && lo == 0);
    a = fvm_big_u128(UINT64_MAX, UINT64_MAX);
    CHECK(fvm_big_to_u128(&hi, &lo, &a) && hi == UINT64_MAX && lo == UINT64_MAX);
    CHECK_OK(fvm_big_add(&a, &a, &one));
    CHECK(!fvm_big_to_u128(&hi, &lo, &a));
    a = parse("-1");
    CHECK(!fvm_big_to_u128(&hi, &lo, &a));
}
