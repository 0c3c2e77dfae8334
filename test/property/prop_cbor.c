#include "ipld_props.h"

/* Appends a random item that the exact reader accepts. */
static void random_item(test_rng *rng, fvm_buf *out, unsigned depth)
{
    uint8_t bytes[8] = { 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' };
    uint64_t n = test_rng_below(rng, 5);
    fvm_cid cid = { .codec = 0x71, .hash = 0xb220, .version = 1, .digest_len = (uint8_t)(n * 8) };
    switch (test_rng_below(rng, depth ? 9 : 7)) {
    case 0: CHECK_OK(fvm_cbor_put_uint(out, test_rng_next(rng) >> test_rng_below(rng, 64))); break;
    case 1:
        CHECK_OK(
            fvm_cbor_put_int(out, -(int64_t)(test_rng_next(rng) >> 1 >> test_rng_below(rng, 63))));
        break;
    case 2: CHECK_OK(fvm_cbor_put_bytes(out, (fvm_bytes){ bytes, n })); break;
    case 3: CHECK_OK(fvm_cbor_put_text(out, (fvm_bytes){ bytes, n })); break;
    case 4: CHECK_OK(fvm_cbor_put_null(out)); break;
    case 5: CHECK_OK(fvm_cbor_put_bool(out, n % 2)); break;
    case 6: CHECK_OK(fvm_cbor_put_cid(out, &cid)); break;
    case 7:
        CHECK_OK(fvm_cbor_put_array(out, n));
        while (n-- > 0) random_item(rng, out, depth - 1);
        break;
    default:
        CHECK_OK(fvm_cbor_put_map(out, n));
        for (uint64_t i = 0; i < n; i++) {
            CHECK_OK(fvm_cbor_put_text(out, (fvm_bytes){ bytes, i + 1 }));
            random_item(rng, out, depth - 1);
        }
        break;
    }
}

TEST(cbor_items_that_writers_make_are_read_whole)
{
    test_rng rng = { 1 };
    for (size_t i = 0; i < test_rounds(5000); i++) {
        fvm_buf out;
        fvm_bytes item, in;
        size_t links = 0;
        fvm_buf_init(&out, NULL);
        random_item(&rng, &out, 6);
        in = fvm_buf_bytes(&out);
        CHECK_OK(fvm_cbor_links(in, prop_count_link, &links));
        CHECK_OK(fvm_cbor_item(&item, &in));
        CHECK(in.len == 0 && item.len == out.len);
        /* and what is cut off anywhere is not */
        in = (fvm_bytes){ out.ptr, test_rng_below(&rng, out.len) };
        CHECK(fvm_cbor_item(&item, &in) != FVM_OK);
        fvm_buf_deinit(&out);
    }
}

TEST(cbor_readers_take_a_front_part_or_nothing)
{
    test_rng rng = { 2 };
    for (size_t i = 0; i < test_rounds(5000); i++) {
        fvm_buf out;
        fvm_buf_init(&out, NULL);
        random_item(&rng, &out, 4);
        for (uint64_t n = test_rng_below(&rng, 3); n > 0; n--)
            out.ptr[test_rng_below(&rng, out.len)] = (uint8_t)test_rng_next(&rng);
        prop_cbor_readers(fvm_buf_bytes(&out));
        prop_cbor_round_trip(fvm_buf_bytes(&out));
        fvm_buf_deinit(&out);
    }
}
