/* CAR files as read-only stores, layers of stores, and the stream below them. */
#include "store/car_out.h"
#include "store_helpers.h"

static uint8_t room[SAMPLE_ROOM];

static void check_block(const fvm_blockstore *bs, uint64_t i)
{
    fvm_buf got;
    bool has = false;
    fvm_buf_init(&got, NULL);
    fvm_bytes data = sample_data(room, sizeof room, i);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, data);
    CHECK_OK(fvm_blockstore_has(bs, &has, &cid));
    CHECK(has);
    CHECK_OK(fvm_buf_append(&got, FVM_STR("before")));
    CHECK_OK(fvm_blockstore_get(bs, &got, &cid));
    CHECK(got.len == 6 + data.len && memcmp(got.ptr + 6, data.ptr, data.len) == 0);
    fvm_buf_deinit(&got);
}

static void check_absent(const fvm_blockstore *bs, uint64_t i)
{
    fvm_buf got;
    bool has = true;
    fvm_buf_init(&got, NULL);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, i));
    CHECK_OK(fvm_blockstore_has(bs, &has, &cid));
    CHECK(!has);
    CHECK_ERR(fvm_blockstore_get(bs, &got, &cid), FVM_ERR_NOT_FOUND);
    CHECK(got.len == 0);
    fvm_buf_deinit(&got);
}

static void check_car_file(fvm_bytes car, uint64_t count)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car");
    write_file(path.text, car);
    for (int verify = 0; verify < 2; verify++) {
        fvm_blockstore bs;
        const fvm_cid *roots;
        size_t root_count;
        uint64_t blocks, bytes;
        CHECK_OK(fvm_blockstore_car_open(&bs, path.text, verify != 0, NULL, NULL));
        fvm_blockstore_car_stats(&bs, &blocks, &bytes);
        CHECK(blocks == count && bytes == car.len);
        fvm_blockstore_car_roots(&bs, &roots, &root_count);
        fvm_cid first = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 0));
        CHECK(root_count == 1 && fvm_cid_eq(&roots[0], &first));
        for (uint64_t i = 0; i < count; i++) check_block(&bs, i);
        for (uint64_t i = count; i < count + 20; i++) check_absent(&bs, i);
        CHECK_ERR(fvm_blockstore_put(&bs, &first, FVM_STR("x")), FVM_ERR_READ_ONLY);
        fvm_blockstore_free(&bs);
    }
    temp_folder_free(&t);
}

TEST(every_block_of_a_car_is_found_and_no_other)
{
    fvm_buf car;
    fvm_buf_init(&car, NULL);
    sample_car(&car, 300);
    check_car_file(fvm_buf_bytes(&car), 300);
    fvm_buf_deinit(&car);
}

TEST(a_version_2_car_reads_as_the_one_inside)
{
    fvm_buf car, v2;
    fvm_buf_init(&car, NULL);
    fvm_buf_init(&v2, NULL);
    sample_car(&car, 40);
    wrap_v2(&v2, fvm_buf_bytes(&car), 77);
    check_car_file(fvm_buf_bytes(&v2), 40);
    v2.len = 0;
    wrap_v2(&v2, fvm_buf_bytes(&car), 100000); /* padding beyond the window */
    check_car_file(fvm_buf_bytes(&v2), 40);
    fvm_buf_deinit(&car);
    fvm_buf_deinit(&v2);
}

static fvm_err open_bytes(fvm_bytes car, bool verify, fvm_store_why *why)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car");
    fvm_blockstore bs;
    write_file(path.text, car);
    fvm_err err = fvm_blockstore_car_open(&bs, path.text, verify, NULL, why);
    if (err == FVM_OK) fvm_blockstore_free(&bs);
    temp_folder_free(&t);
    return err;
}

TEST(a_car_cut_off_anywhere_but_between_sections_is_truncated)
{
    fvm_buf car;
    fvm_car_reader reader;
    fvm_block block;
    fvm_buf_init(&car, NULL);
    sample_car(&car, 3);
    CHECK_OK(fvm_car_open(&reader, fvm_buf_bytes(&car)));
    uint64_t boundaries[4] = { reader.position };
    for (int i = 1; i < 4; i++) {
        CHECK_OK(fvm_car_next(&reader, &block, true));
        boundaries[i] = reader.position;
    }
    for (size_t len = 0; len < car.len; len += len < 400 ? 1 : 97) {
        bool clean = false;
        fvm_store_why why = { { 0 } };
        for (int i = 0; i < 4; i++) clean |= boundaries[i] == len;
        fvm_err err = open_bytes((fvm_bytes){ car.ptr, len }, false, &why);
        CHECK(err == (clean ? FVM_OK : FVM_ERR_TRUNCATED));
        CHECK(clean || strstr(why.text, "too early"));
    }
    fvm_buf_deinit(&car);
}

TEST(a_version_2_car_ends_where_its_header_says_though_the_file_goes_on)
{
    fvm_buf car, v2;
    fvm_buf_init(&car, NULL);
    fvm_buf_init(&v2, NULL);
    sample_car(&car, 3);
    wrap_v2(&v2, fvm_buf_bytes(&car), 0);
    fvm_store_le64(v2.ptr + 11 + 24, car.len - 1);
    CHECK_ERR(open_bytes(fvm_buf_bytes(&v2), false, NULL), FVM_ERR_TRUNCATED);
    fvm_store_le64(v2.ptr + 11 + 16, 50); /* an offset inside the header */
    CHECK_ERR(open_bytes(fvm_buf_bytes(&v2), false, NULL), FVM_ERR_MALFORMED);
    fvm_store_le64(v2.ptr + 11 + 16, UINT64_MAX - 5); /* and one that wraps around */
    CHECK_ERR(open_bytes(fvm_buf_bytes(&v2), false, NULL), FVM_ERR_MALFORMED);
    fvm_buf_deinit(&car);
    fvm_buf_deinit(&v2);
}

TEST(a_flipped_bit_is_found_and_its_block_is_named)
{
    fvm_buf car;
    char cid_text[FVM_CID_TEXT_MAX];
    fvm_store_why why = { { 0 } };
    fvm_buf_init(&car, NULL);
    sample_car(&car, 5);
    car.ptr[car.len - 1] ^= 0x10; /* in the data of the last block */
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 4));
    (void)fvm_cid_to_text(cid_text, &cid);
    CHECK_OK(open_bytes(fvm_buf_bytes(&car), false, &why));
    CHECK_ERR(open_bytes(fvm_buf_bytes(&car), true, &why), FVM_ERR_MISMATCH);
    CHECK(strstr(why.text, cid_text) && strstr(why.text, "offset"));
    fvm_buf_deinit(&car);
}

static const struct {
    const char *why;
    fvm_bytes in;
    fvm_err err;
} refused[] = {
    { "empty", { NULL, 0 }, FVM_ERR_TRUNCATED },
    { "header longer than any",
      { (const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0x7f, 0xa2 }, 6 },
      FVM_ERR_LIMIT },
    { "header that is no map", { (const uint8_t[]){ 0x01, 0x80 }, 2 }, FVM_ERR_MALFORMED },
    { "version 3",
      { (const uint8_t[]){ 0x11, 0xa2, 0x65, 'r', 'o', 'o', 't', 's', 0x80, 0x67, 'v', 'e', 'r',
                           's', 'i', 'o', 'n', 0x03 },
        18 },
      FVM_ERR_VERSION },
    { "no roots",
      { (const uint8_t[]){ 0x11, 0xa2, 0x65, 'r', 'o', 'o', 't', 's', 0x80, 0x67, 'v', 'e', 'r',
                           's', 'i', 'o', 'n', 0x01 },
        18 },
      FVM_ERR_INVALID },
};

TEST(what_is_no_car_is_refused_with_a_reason)
{
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_store_why why = { { 0 } };
        CHECK_AT(refused[i].why, open_bytes(refused[i].in, false, &why) == refused[i].err);
        CHECK(why.text[0] != 0);
    }
    fvm_blockstore bs;
    fvm_store_why why = { { 0 } };
    CHECK_ERR(fvm_blockstore_car_open(&bs, "/nowhere/a.car", false, NULL, &why), FVM_ERR_NOT_FOUND);
    CHECK(strstr(why.text, "/nowhere/a.car"));
    CHECK_ERR(fvm_blockstore_car_open(&bs, "/tmp", false, NULL, &why), FVM_ERR_INVALID);
}

TEST(sections_that_are_too_long_too_short_or_without_a_cid_are_refused)
{
    const struct {
        const char *why;
        fvm_bytes section;
        fvm_err err;
    } rows[] = {
        { "length of 4 GiB",
          { (const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0x0f, 1 }, 6 },
          FVM_ERR_LIMIT },
        { "length zero", { (const uint8_t[]){ 0x00, 0x01 }, 2 }, FVM_ERR_MALFORMED },
        { "CID longer than its section",
          { (const uint8_t[]){ 0x03, 0x01, 0x71, 0x12, 0x20 }, 5 },
          FVM_ERR_MALFORMED },
        { "no CID", { (const uint8_t[]){ 0x02, 0x05, 0x05 }, 3 }, FVM_ERR_MALFORMED },
        { "length that is not minimal", { (const uint8_t[]){ 0x80, 0x00 }, 2 }, FVM_ERR_MALFORMED },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_buf car;
        fvm_buf_init(&car, NULL);
        sample_car(&car, 1);
        CHECK_OK(fvm_buf_append(&car, rows[i].section));
        CHECK_AT(rows[i].why, open_bytes(fvm_buf_bytes(&car), false, NULL) == rows[i].err);
        fvm_buf_deinit(&car);
    }
}

static fvm_err open_and_read(const fvm_allocator *alloc, void *ctx)
{
    fvm_blockstore bs;
    fvm_buf got;
    FVM_TRY(fvm_blockstore_car_open(&bs, ctx, true, alloc, NULL));
    fvm_buf_init(&got, alloc);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 7));
    fvm_err err = fvm_blockstore_get(&bs, &got, &cid);
    fvm_buf_deinit(&got);
    fvm_blockstore_free(&bs);
    return err;
}

TEST(running_out_of_memory_while_opening_leaks_nothing)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car");
    fvm_buf car;
    fvm_buf_init(&car, NULL);
    sample_car(&car, 20);
    write_file(path.text, fvm_buf_bytes(&car));
    test_each_allocation_fails(open_and_read, path.text);
    fvm_buf_deinit(&car);
    temp_folder_free(&t);
}

/* --- layers --- */

TEST(layers_answer_from_the_first_that_has_it_and_write_to_the_top)
{
    fvm_blockstore low, mid, top, all;
    fvm_cid cids[3];
    fvm_buf got;
    size_t blocks, bytes;
    bool has;
    CHECK_OK(fvm_blockstore_memory_new(&low, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&mid, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&top, NULL));
    CHECK_OK(fvm_blockstore_put_new(&low, &cids[0], FVM_CODEC_RAW, FVM_STR("low")));
    CHECK_OK(fvm_blockstore_put_new(&mid, &cids[1], FVM_CODEC_RAW, FVM_STR("mid")));
    CHECK_OK(fvm_blockstore_put(&top, &cids[0], FVM_STR("top's"))); /* to tell them apart */
    const fvm_blockstore *const layers[] = { &top, &mid, &low };
    CHECK_OK(fvm_blockstore_layered_new(&all, layers, 3, NULL));
    fvm_buf_init(&got, NULL);
    CHECK_OK(fvm_blockstore_get(&all, &got, &cids[0]));
    CHECK_BYTES(fvm_buf_bytes(&got), FVM_STR("top's"));
    got.len = 0;
    CHECK_OK(fvm_blockstore_get(&all, &got, &cids[1]));
    CHECK_BYTES(fvm_buf_bytes(&got), FVM_STR("mid"));
    fvm_bytes view;
    fvm_buf spare;
    fvm_buf_init(&spare, NULL);
    CHECK_OK(fvm_blockstore_view(&all, &view, &spare, &cids[1]));
    CHECK(spare.len == 0); /* all layers give views, so no copy is made */
    CHECK_OK(fvm_blockstore_put_new(&all, &cids[2], FVM_CODEC_RAW, FVM_STR("new")));
    fvm_blockstore_memory_stats(&top, &blocks, &bytes);
    CHECK(blocks == 2);
    fvm_blockstore_memory_stats(&low, &blocks, &bytes);
    CHECK(blocks == 1);
    CHECK_OK(fvm_blockstore_has(&all, &has, &cids[2]));
    CHECK(has);
    fvm_cid other = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("nowhere"));
    CHECK_OK(fvm_blockstore_has(&all, &has, &other));
    CHECK(!has);
    CHECK_ERR(fvm_blockstore_get(&all, &got, &other), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_blockstore_layered_new(&all, layers, 0, NULL), FVM_ERR_INVALID);
    fvm_buf_deinit(&got);
    fvm_buf_deinit(&spare);
    fvm_blockstore_free(&all);
    fvm_blockstore_free(&top);
    fvm_blockstore_free(&mid);
    fvm_blockstore_free(&low);
}

TEST(a_car_below_memory_serves_as_copies)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car");
    fvm_buf car;
    fvm_blockstore base, top, all;
    fvm_buf_init(&car, NULL);
    sample_car(&car, 10);
    write_file(path.text, fvm_buf_bytes(&car));
    CHECK_OK(fvm_blockstore_car_open(&base, path.text, false, NULL, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&top, NULL));
    const fvm_blockstore *const layers[] = { &top, &base };
    CHECK_OK(fvm_blockstore_layered_new(&all, layers, 2, NULL));
    check_block(&all, 3);
    check_absent(&all, 10);
    fvm_blockstore_free(&all);
    fvm_blockstore_free(&top);
    fvm_blockstore_free(&base);
    fvm_buf_deinit(&car);
    temp_folder_free(&t);
}

/* --- writing --- */

static void put_samples(fvm__car_out *out, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        fvm_bytes data = sample_data(room, sizeof room, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, data);
        CHECK_OK(fvm__car_out_put(out, &cid, data));
    }
}

TEST(a_written_car_has_its_name_when_it_is_whole)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car");
    fvm_buf want, got;
    fvm__car_out out;
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 0));
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    sample_car(&want, 20);
    for (int sync = 0; sync < 2; sync++) {
        CHECK_OK(fvm__car_out_open(&out, path.text, &root, 1, sync != 0, NULL, NULL));
        put_samples(&out, 20);
        if (sync == 0) CHECK(access(path.text, F_OK) != 0);
        CHECK_OK(fvm__car_out_close(&out, FVM_OK, NULL));
        got.len = 0;
        read_file_into(&got, path.text);
        CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), fvm_buf_bytes(&want)));
        CHECK(out.blocks == 20 && out.bytes == want.len);
        CHECK(count_files(t.path) == 1);
    }
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
    temp_folder_free(&t);
}

TEST(a_car_that_was_given_up_leaves_what_was_there)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "a.car"), nowhere = in_folder(&t, "none/a.car");
    fvm_buf got;
    fvm__car_out out, second;
    fvm_store_why why = { { 0 } };
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 0));
    fvm_buf_init(&got, NULL);
    write_file(path.text, FVM_STR("before"));
    CHECK_OK(fvm__car_out_open(&out, path.text, &root, 1, false, NULL, NULL));
    CHECK_OK(fvm__car_out_open(&second, path.text, &root, 1, false, NULL, NULL));
    put_samples(&out, 3);
    CHECK_ERR(fvm__car_out_close(&out, FVM_ERR_MISSING_BLOCK, &why), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm__car_out_close(&second, FVM_ERR_NOMEM, &why), FVM_ERR_NOMEM);
    CHECK(why.text[0] == 0);
    read_file_into(&got, path.text);
    CHECK(fvm_bytes_eq(fvm_buf_bytes(&got), FVM_STR("before")));
    CHECK(count_files(t.path) == 1);
    CHECK_ERR(fvm__car_out_open(&out, nowhere.text, &root, 1, false, NULL, &why), FVM_ERR_IO);
    CHECK(strstr(why.text, nowhere.text) != NULL);
    fvm_buf_deinit(&got);
    temp_folder_free(&t);
}

TEST(a_disk_that_is_full_is_told)
{
    fvm__car_out out;
    fvm_store_why why = { { 0 } };
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("x"));
    if (access("/dev/full", W_OK) != 0) return;
    CHECK_OK(fvm__car_out_open(&out, "-", &root, 1, false, NULL, NULL));
    FILE *full = fopen("/dev/full", "wb");
    CHECK(full != NULL);
    out.file = full;
    CHECK_OK(fvm__car_out_put(&out, &root, FVM_STR("x")));
    CHECK_ERR(fvm__car_out_close(&out, FVM_OK, &why), FVM_ERR_IO);
    CHECK(why.text[0] != 0);
    fclose(full);
}
