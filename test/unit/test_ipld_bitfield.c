#include "ipld/bitfield.h"

#include "test.h"

/* The table of reference/ipld.md 5, and the largest set. */
static const struct {
    const char *why, *hex;
    size_t count;
    fvm_range ranges[4];
} forms[] = {
    { "{}", "", 0, { { 0 } } },
    { "{0}", "0c", 1, { { 0, 1 } } },
    { "{1}", "18", 1, { { 1, 2 } } },
    { "{0,1,2}", "74", 1, { { 0, 3 } } },
    { "{5}", "b002", 1, { { 5, 6 } } },
    { "{0..15}", "0402", 1, { { 0, 16 } } },
    { "{100}", "802c", 1, { { 100, 101 } } },
    { "{0,2,4}", "fc", 3, { { 0, 1 }, { 2, 3 }, { 4, 5 } } },
    { "{1,2,3,20..59}", "e800010a", 2, { { 1, 4 }, { 20, 60 } } },
    { "{0..2^64-2}", "e4ffffffffffffffff3f", 1, { { 0, UINT64_MAX } } },
};

TEST(bitfield_examples_read_and_write)
{
    for (size_t i = 0; i < FVM_COUNT(forms); i++) {
        uint8_t room[16];
        fvm_bitfield set, made;
        fvm_buf out;
        fvm_bytes rle = test_hex(room, sizeof room, forms[i].hex);
        fvm_bitfield_init(&set, NULL);
        fvm_bitfield_init(&made, NULL);
        fvm_buf_init(&out, NULL);
        for (size_t j = forms[i].count; j-- > 0;)
            CHECK_OK(fvm_bitfield_add(&made, forms[i].ranges[j].first, forms[i].ranges[j].end));
        CHECK_OK(fvm_bitfield_write(&out, &made));
        CHECK_BYTES(fvm_buf_bytes(&out), rle);
        CHECK_OK(fvm_bitfield_read(&set, rle));
        CHECK_AT(forms[i].why, set.count == forms[i].count && fvm_bitfield_eq(&set, &made));
        fvm_buf_deinit(&out);
        fvm_bitfield_deinit(&set);
        fvm_bitfield_deinit(&made);
    }
}

TEST(bitfield_read_refuses_and_leaves_the_set_alone)
{
    static const struct {
        const char *why, *hex;
        fvm_err err;
    } refused[] = {
        { "last byte 0", "00", FVM_ERR_MALFORMED },
        { "last byte 0 behind a set", "0c00", FVM_ERR_MALFORMED },
        { "version 1", "01", FVM_ERR_VERSION },
        { "version 2", "02", FVM_ERR_VERSION },
        { "version 3", "0f", FVM_ERR_VERSION },
        { "first run of ones, but no run", "04", FVM_ERR_MALFORMED },
        { "one run of zeros", "08", FVM_ERR_MALFORMED },
        { "zeros at the end", "1c", FVM_ERR_MALFORMED },
        { "short run of 0", "14", FVM_ERR_MALFORMED },
        { "short run of 1", "34", FVM_ERR_MALFORMED },
        { "long run of 15", "e401", FVM_ERR_MALFORMED },
        { "long run of 0",
          "8400"
          "10",
          FVM_ERR_MALFORMED },
        { "varint not minimal",
          "0412"
          "80"
          "20",
          FVM_ERR_MALFORMED },
        { "varint of eleven bytes", "e4ffffffffffffffffffff", FVM_ERR_MALFORMED },
        { "tenth byte of 2", "e4ffffffffffffffff5f", FVM_ERR_MALFORMED },
        { "2^64-1 and one more", "e4ffffffffffffffff3f20", FVM_ERR_RANGE },
    };
    fvm_bitfield set;
    fvm_bitfield_init(&set, NULL);
    CHECK_OK(fvm_bitfield_add(&set, 7, 8));
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        uint8_t room[16];
        fvm_err err = fvm_bitfield_read(&set, test_hex(room, sizeof room, refused[i].hex));
        if (err != refused[i].err) fprintf(stderr, "%s: %s\n", refused[i].why, fvm_err_text(err));
        CHECK_AT(refused[i].why, err == refused[i].err);
    }
    CHECK(set.count == 1 && fvm_bitfield_has(&set, 7));
    fvm_bitfield_deinit(&set);
}

TEST(bitfield_sizes_are_limited_both_ways)
{
    static uint8_t rle[FVM_BITFIELD_ENCODED_MAX + 1];
    fvm_bitfield set;
    fvm_buf out;
    memset(rle, 0xff, sizeof rle);
    rle[0] = 0xfc; /* every other bit, from 0 on */
    fvm_bitfield_init(&set, NULL);
    fvm_buf_init(&out, NULL);
    CHECK_ERR(fvm_bitfield_read(&set, (fvm_bytes){ rle, sizeof rle }), FVM_ERR_LIMIT);
    CHECK_OK(fvm_bitfield_read(&set, (fvm_bytes){ rle, sizeof rle - 1 }));
    CHECK(set.count == (FVM_BITFIELD_ENCODED_MAX * 8 - 3 + 1) / 2);
    CHECK_OK(fvm_bitfield_write(&out, &set));
    CHECK(out.len == FVM_BITFIELD_ENCODED_MAX);
    uint64_t end = set.ranges[set.count - 1].end;
    for (uint64_t i = 1; i <= 8; i++)
        CHECK_OK(fvm_bitfield_add(&set, end + 2 * i, end + 2 * i + 1));
    CHECK_ERR(fvm_bitfield_write(&out, &set), FVM_ERR_LIMIT);
    CHECK(out.len == FVM_BITFIELD_ENCODED_MAX);
    fvm_buf_deinit(&out);
    fvm_bitfield_deinit(&set);
}

TEST(bitfield_operations_by_example)
{
    fvm_bitfield a, b;
    fvm_bitfield_init(&a, NULL);
    fvm_bitfield_init(&b, NULL);
    CHECK_OK(fvm_bitfield_add(&a, 10, 20));
    CHECK_OK(fvm_bitfield_add(&a, 20, 30)); /* touching ranges join */
    CHECK(a.count == 1 && fvm_bitfield_count(&a) == 20);
    CHECK_OK(fvm_bitfield_remove(&a, 15, 16));
    CHECK(a.count == 2 && !fvm_bitfield_has(&a, 15) && fvm_bitfield_has(&a, 16));
    CHECK_OK(fvm_bitfield_add(&a, 5, 5));
    CHECK_OK(fvm_bitfield_remove(&a, 12, 12));
    CHECK_ERR(fvm_bitfield_add(&a, 6, 5), FVM_ERR_RANGE);
    CHECK_ERR(fvm_bitfield_remove(&a, 6, 5), FVM_ERR_RANGE);
    CHECK_OK(fvm_bitfield_add(&b, FVM_BITFIELD_BIT_MAX, UINT64_MAX));
    CHECK_OK(fvm_bitfield_union(&a, &b));
    CHECK(fvm_bitfield_has(&a, FVM_BITFIELD_BIT_MAX) && !fvm_bitfield_has(&a, UINT64_MAX));
    CHECK(a.count == 3 && fvm_bitfield_count(&a) == 20);
    CHECK_OK(fvm_bitfield_intersect(&b, &a));
    CHECK(b.count == 1);
    CHECK_OK(fvm_bitfield_subtract(&a, &b));
    CHECK(a.count == 2);
    CHECK_OK(fvm_bitfield_subtract(&a, &a));
    CHECK(a.count == 0 && fvm_bitfield_count(&a) == 0);
    fvm_bitfield_deinit(&a);
    fvm_bitfield_deinit(&b);
}

static fvm_err use_everything(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_bitfield a, b;
    fvm_buf out;
    fvm_err err = FVM_OK;
    fvm_bitfield_init(&a, alloc);
    fvm_bitfield_init(&b, alloc);
    fvm_buf_init(&out, alloc);
    for (uint64_t i = 0; err == FVM_OK && i < 20; i++) err = fvm_bitfield_add(&a, 3 * i, 3 * i + 1);
    if (err == FVM_OK) err = fvm_bitfield_remove(&a, 9, 30);
    if (err == FVM_OK) err = fvm_bitfield_write(&out, &a);
    if (err == FVM_OK) err = fvm_bitfield_read(&b, fvm_buf_bytes(&out));
    if (err == FVM_OK) err = fvm_bitfield_union(&a, &b);
    if (err == FVM_OK) CHECK(fvm_bitfield_eq(&a, &b));
    fvm_buf_deinit(&out);
    fvm_bitfield_deinit(&a);
    fvm_bitfield_deinit(&b);
    return err;
}

TEST(bitfield_survives_each_failing_allocation)
{
    test_each_allocation_fails(use_everything, NULL);
}
