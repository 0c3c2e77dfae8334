#include "ipld/car.h"

#include "ipld_helpers.h"

#define CID_HEX "0155a0e402200e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"
#define HEADER "3ca265726f6f747381d82a582700" CID_HEX "6776657273696f6e01"
#define EXAMPLE HEADER "26" CID_HEX

static fvm_bytes hex(const char *text)
{
    static uint8_t room[1024];
    return test_hex(room, sizeof room, text);
}

TEST(car_example_reads)
{
    fvm_car_reader car;
    fvm_cid root;
    fvm_block block;
    fvm_bytes in = hex(EXAMPLE);
    CHECK_OK(fvm_car_open(&car, in));
    CHECK(car.roots == 1 && car.position == 61);
    CHECK_OK(fvm_car_root(&car, &root, 0));
    check_cid_text("root", &root, "bafk2bzaceahfouoae3suhmxivmxlayez3kq5dzo7i53y654h7kvultprf7r2q");
    CHECK_ERR(fvm_car_root(&car, &root, 1), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_car_next(&car, &block, true));
    CHECK(fvm_cid_eq(&block.cid, &root) && block.data.len == 0 && car.position == in.len);
    CHECK_ERR(fvm_car_next(&car, &block, true), FVM_ERR_NOT_FOUND);
}

TEST(car_example_writes)
{
    fvm_buf out;
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ NULL, 0 });
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_car_put_header(&out, &cid, 1));
    CHECK_OK(fvm_car_put_block(&out, &cid, (fvm_bytes){ NULL, 0 }));
    CHECK_HEX(fvm_buf_bytes(&out), EXAMPLE);
    fvm_buf_deinit(&out);
}

TEST(car_header_keys_come_in_any_order)
{
    fvm_car_reader car;
    CHECK_OK(fvm_car_open(&car, hex("3ca26776657273696f6e0165726f6f747381d82a582700" CID_HEX)));
    CHECK(car.roots == 1);
    /* and others are ignored */
    CHECK_OK(fvm_car_open(&car, hex("40a36161810067"
                                    "76657273696f6e0165726f6f747381d82a582700" CID_HEX)));
    CHECK(car.roots == 1);
}

TEST(car_v2_is_read_through_its_wrapper)
{
    fvm_buf out;
    uint8_t le[8];
    fvm_car_reader car;
    fvm_block block;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_buf_append(&out, hex("0aa16776657273696f6e02"
                                      "00000000000000000000000000000000")));
    fvm_bytes v1 = hex(EXAMPLE);
    fvm_store_le64(le, 51 + 3); /* three bytes of padding */
    CHECK_OK(fvm_buf_append(&out, (fvm_bytes){ le, 8 }));
    fvm_store_le64(le, v1.len);
    CHECK_OK(fvm_buf_append(&out, (fvm_bytes){ le, 8 }));
    CHECK_OK(fvm_buf_append(&out, FVM_BYTES(0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xaa, 0xaa)));
    CHECK_OK(fvm_buf_append(&out, v1));
    CHECK_OK(fvm_buf_append(&out, FVM_STR("an index")));
    CHECK_OK(fvm_car_open(&car, fvm_buf_bytes(&out)));
    CHECK(car.position == 54 + 61);
    CHECK_OK(fvm_car_next(&car, &block, true));
    CHECK_ERR(fvm_car_next(&car, &block, true), FVM_ERR_NOT_FOUND);

    out.ptr[27] = 50; /* the data would overlap the header */
    CHECK_ERR(fvm_car_open(&car, fvm_buf_bytes(&out)), FVM_ERR_MALFORMED);
    out.ptr[27] = 255; /* past the end */
    CHECK_ERR(fvm_car_open(&car, fvm_buf_bytes(&out)), FVM_ERR_TRUNCATED);
    CHECK_ERR(fvm_car_open(&car, (fvm_bytes){ out.ptr, 50 }), FVM_ERR_TRUNCATED);
    fvm_buf_deinit(&out);
}

TEST(car_open_refuses)
{
    static const struct {
        const char *why, *hex;
        fvm_err err;
    } refused[] = {
        { "empty", "", FVM_ERR_TRUNCATED },
        { "header cut off", "3ca265", FVM_ERR_TRUNCATED },
        { "version 2 without its header", "0aa16776657273696f6e02", FVM_ERR_TRUNCATED },
        { "version 3", "11a26776657273696f6e0365726f6f747380", FVM_ERR_VERSION },
        { "no root", "11a26776657273696f6e0165726f6f747380", FVM_ERR_INVALID },
        { "no roots key", "0aa16776657273696f6e01", FVM_ERR_MALFORMED },
        { "no version", "08a165726f6f747380", FVM_ERR_MALFORMED },
        { "version twice", "13a26776657273696f6e016776657273696f6e01", FVM_ERR_MALFORMED },
        { "roots twice", "0fa265726f6f74738065726f6f747380", FVM_ERR_MALFORMED },
        { "bytes behind the header's item", "12a26776657273696f6e0165726f6f74738000",
          FVM_ERR_MALFORMED },
        { "not a map", "0100", FVM_ERR_MALFORMED },
        { "empty header", "00", FVM_ERR_MALFORMED },
        { "length not minimal", "bc00", FVM_ERR_MALFORMED },
    };
    fvm_car_reader car;
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_err err = fvm_car_open(&car, hex(refused[i].hex));
        if (err != refused[i].err) fprintf(stderr, "%s: %s\n", refused[i].why, fvm_err_text(err));
        CHECK_AT(refused[i].why, err == refused[i].err);
    }
}

TEST(car_sections_are_checked)
{
    static const struct {
        const char *why, *hex;
        fvm_err err;
    } sections[] = {
        { "cut off", HEADER "2601", FVM_ERR_TRUNCATED },
        { "length cut off", HEADER "80", FVM_ERR_TRUNCATED },
        { "empty section", HEADER "00", FVM_ERR_MALFORMED },
        { "not a CID", HEADER "0402550000", FVM_ERR_MALFORMED },
        { "a CID longer than its section", HEADER "0401550002", FVM_ERR_MALFORMED },
        { "another block", HEADER "27" CID_HEX "00", FVM_ERR_MISMATCH },
        { "identity of other data", HEADER "0601550001aabb", FVM_ERR_MISMATCH },
        { "identity", HEADER "0601550001aaaa", FVM_OK },
        { "a hash that is not known here", HEADER "0601557b01aabb", FVM_ERR_INVALID },
    };
    for (size_t i = 0; i < FVM_COUNT(sections); i++) {
        fvm_car_reader car, before;
        fvm_block block;
        fvm_blockstore bs;
        CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
        CHECK_OK(fvm_car_open(&car, hex(sections[i].hex)));
        before = car;
        CHECK_AT(sections[i].why, fvm_car_next(&car, &block, true) == sections[i].err);
        if (sections[i].err != FVM_OK) CHECK(car.position == before.position);
        CHECK_AT(sections[i].why, fvm_car_load(&bs, hex(sections[i].hex)) == sections[i].err);
        fvm_blockstore_free(&bs);
    }
}

TEST(car_of_many_blocks_loads)
{
    fvm_buf out;
    fvm_blockstore bs;
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("root"));
    size_t blocks, bytes;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_car_put_header(&out, &root, 1));
    for (uint64_t i = 0; i < 128; i++) { /* twice the batch */
        uint8_t room[9];
        fvm_bytes data = cbor_number(room, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, data);
        CHECK_OK(fvm_car_put_block(&out, &cid, data));
    }
    CHECK_OK(fvm_car_load(&bs, fvm_buf_bytes(&out)));
    fvm_blockstore_memory_stats(&bs, &blocks, &bytes);
    CHECK(blocks == 128);
    fvm_buf_deinit(&out);
    fvm_blockstore_free(&bs);
}

TEST(car_that_breaks_off_is_refused)
{
    fvm_blockstore bs;
    bool there;
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ NULL, 0 });
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_ERR(fvm_car_load(&bs, hex(EXAMPLE "ff")), FVM_ERR_TRUNCATED);
    CHECK_OK(fvm_blockstore_has(&bs, &there, &cid));
    CHECK(!there); /* a batch that is not full is not written */
    fvm_blockstore_free(&bs);
}

static fvm_err write_car(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_buf out;
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("abc"));
    fvm_buf_init(&out, alloc);
    fvm_err err = fvm_car_put_header(&out, &cid, 1);
    size_t before = out.len;
    if (err == FVM_OK) err = fvm_car_put_block(&out, &cid, FVM_STR("abc"));
    if (err != FVM_OK) CHECK(out.len == before || out.len == 0);
    fvm_buf_deinit(&out);
    return err;
}

TEST(car_writing_survives_each_failing_allocation)
{
    test_each_allocation_fails(write_car, NULL);
}
