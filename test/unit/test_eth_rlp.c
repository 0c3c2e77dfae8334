/* RLP: one encoding for each value. Examples from Ethereum's wiki and the yellow paper. */
#include "chain/eth_rlp.h"
#include "test.h"

#define TEXT_56 "Lorem ipsum dolor sit amet, consectetur adipisicing elit"

TEST(rlp_strings_are_written_in_their_shortest_form)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("")));
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("\x0f")));
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("\x80")));
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("dog")));
    CHECK_HEX(fvm_buf_bytes(&out), "800f818083646f67");
    out.len = 0;
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR(TEXT_56)));
    CHECK(out.len == 58 && out.ptr[0] == 0xb8 && out.ptr[1] == 56);
    fvm_buf_deinit(&out);
}

TEST(rlp_numbers_are_written_without_leading_zeros)
{
    fvm_buf out;
    fvm_big big;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_rlp_u64_write(&out, 0));
    CHECK_OK(fvm_rlp_u64_write(&out, 15));
    CHECK_OK(fvm_rlp_u64_write(&out, 1024));
    CHECK_OK(fvm_rlp_u64_write(&out, UINT64_MAX));
    CHECK_HEX(fvm_buf_bytes(&out), "800f82040088ffffffffffffffff");
    out.len = 0;
    CHECK_OK(fvm_big_from_text(&big, FVM_STR("1000000000000000000000")));
    CHECK_OK(fvm_rlp_big_write(&out, &big));
    big.negative = true;
    CHECK_ERR(fvm_rlp_big_write(&out, &big), FVM_ERR_RANGE);
    CHECK_HEX(fvm_buf_bytes(&out), "893635c9adc5dea00000");
    fvm_buf_deinit(&out);
}

TEST(rlp_lists_are_closed_around_their_items)
{
    fvm_buf out;
    fvm_bytes in, items, item;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("cat")));
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR("dog")));
    CHECK_OK(fvm_rlp_list_close(&out, 0));
    CHECK_HEX(fvm_buf_bytes(&out), "c88363617483646f67");
    size_t long_one = out.len;
    CHECK_OK(fvm_rlp_bytes_write(&out, FVM_STR(TEXT_56)));
    CHECK_OK(fvm_rlp_list_close(&out, long_one));
    in = fvm_buf_bytes(&out);
    CHECK_OK(fvm_rlp_list_read(&items, &in));
    CHECK_OK(fvm_rlp_bytes_read(&item, &items));
    CHECK_BYTES(item, FVM_STR("cat"));
    CHECK_OK(fvm_rlp_list_read(&items, &in));
    CHECK_OK(fvm_rlp_bytes_read(&item, &items));
    CHECK_BYTES(item, FVM_STR(TEXT_56));
    CHECK(items.len == 0 && in.len == 0);
    fvm_buf_deinit(&out);
}

static const struct {
    const char *why;
    fvm_bytes in;
    fvm_err err;
} refused[] = {
    { "nothing", { NULL, 0 }, FVM_ERR_TRUNCATED },
    { "string ends early",
      { (const uint8_t *)"\x83"
                         "ab",
        3 },
      FVM_ERR_TRUNCATED },
    { "list ends early", { (const uint8_t *)"\xc3\x01", 2 }, FVM_ERR_TRUNCATED },
    { "byte below 80 as a string of one", { (const uint8_t *)"\x81\x7f", 2 }, FVM_ERR_MALFORMED },
    { "long form of 55 bytes", { (const uint8_t *)"\xb8\x37", 2 }, FVM_ERR_MALFORMED },
    { "length with a leading zero", { (const uint8_t *)"\xb9\x00\x38", 3 }, FVM_ERR_MALFORMED },
    { "list length with a leading zero",
      { (const uint8_t *)"\xf9\x00\x38", 3 },
      FVM_ERR_MALFORMED },
    { "length of 2^64 - 1",
      { (const uint8_t *)"\xbf\xff\xff\xff\xff\xff\xff\xff\xff", 9 },
      FVM_ERR_TRUNCATED },
    { "length cut off", { (const uint8_t *)"\xbf\xff", 2 }, FVM_ERR_TRUNCATED },
};

TEST(rlp_refuses_what_is_not_canonical_and_leaves_the_input_alone)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_rlp_item item = { .is_list = true, .payload = FVM_STR("x") };
        fvm_bytes in = refused[i].in;
        CHECK_AT(refused[i].why, fvm_rlp_item_read(&item, &in) == refused[i].err);
        CHECK_AT(refused[i].why, in.len == refused[i].in.len && item.payload.len == 1);
    }
}

TEST(rlp_numbers_are_refused_with_leading_zeros_or_too_long)
{
    uint64_t v = 5;
    fvm_big big;
    fvm_bytes in = FVM_BYTES(0x82, 0x00, 0x01);
    CHECK_ERR(fvm_rlp_u64_read(&v, &in), FVM_ERR_MALFORMED);
    in = FVM_BYTES(0x00); /* the byte 0 is not the number 0 */
    CHECK_ERR(fvm_rlp_u64_read(&v, &in), FVM_ERR_MALFORMED);
    in = FVM_BYTES(0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK_ERR(fvm_rlp_u64_read(&v, &in), FVM_ERR_RANGE);
    CHECK_OK(fvm_rlp_u256_read(&big, &in));
    CHECK(big.count == 2 && big.limb[1] == 1 && v == 5);
    in = FVM_BYTES(0xc0);
    CHECK_ERR(fvm_rlp_u64_read(&v, &in), FVM_ERR_MALFORMED);
    uint8_t wide[34] = { 0x80 + 33, 1 };
    in = (fvm_bytes){ wide, sizeof wide };
    CHECK_ERR(fvm_rlp_u256_read(&big, &in), FVM_ERR_RANGE);
}
