/* fuzz_carfile.c - the streaming reader of CARs agrees with the one in memory, section by section, in
 * all modes, and a store over the file finds what the stream had. */
#include "ipld/car.h"
#include "store/carstream.h"
#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

/* Both must see the same blocks; gives how many, and how it ended. */
static uint64_t compare(fvm_bytes car, fvm__car_mode mode, fvm_err *end)
{
    fvm_bytes rest = car;
    fvm__carstream cs;
    fvm_car_reader reader;
    fvm__car_section section;
    fvm_block block;
    uint64_t count = 0;
    fvm_err err = fvm__carstream_open(&cs, fvm__source_memory(&rest), NULL, 0, "fuzz", NULL, NULL);
    CHECK((fvm_car_open(&reader, car) == FVM_OK) || err != FVM_OK ||
          cs.version == 2); /* of v2 the stream does not know whether the end is there */
    *end = err;
    if (err != FVM_OK) return 0;
    bool both = fvm_car_open(&reader, car) == FVM_OK;
    while ((*end = fvm__carstream_next(&cs, &section, mode, NULL)) == FVM_OK) {
        if (both) {
            CHECK_OK(fvm_car_next(&reader, &block, mode == FVM__CAR_VERIFY));
            CHECK(fvm_cid_eq(&block.cid, &section.cid) && block.data.len == section.data_len);
            if (mode != FVM__CAR_SKIP) CHECK_BYTES(section.data, block.data);
        }
        count++;
    }
    /* a section beyond the limit of length is the stream's own refusal */
    if (both && *end != FVM_ERR_LIMIT)
        CHECK((fvm_car_next(&reader, &block, mode == FVM__CAR_VERIFY) == FVM_ERR_NOT_FOUND) ==
              (*end == FVM_ERR_NOT_FOUND));
    fvm__carstream_close(&cs);
    return count;
}

static void through_a_file(fvm_bytes car, uint64_t count, bool whole)
{
    char path[64];
    fvm_blockstore bs;
    int fd = memfd_create("car", 0);
    CHECK(fd >= 0 && fvm__write_full(fd, car) == FVM_OK);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fvm_err err = fvm_blockstore_car_open(&bs, path, false, NULL, NULL);
    CHECK((err == FVM_OK) == whole);
    if (err == FVM_OK) {
        uint64_t blocks, bytes;
        fvm_bytes rest = car;
        fvm__carstream cs;
        fvm__car_section section;
        fvm_buf got;
        fvm_blockstore_car_stats(&bs, &blocks, &bytes);
        CHECK(blocks == count && bytes == car.len);
        fvm_buf_init(&got, NULL);
        CHECK_OK(fvm__carstream_open(&cs, fvm__source_memory(&rest), NULL, 0, "fuzz", NULL, NULL));
        while (fvm__carstream_next(&cs, &section, FVM__CAR_READ, NULL) == FVM_OK) {
            got.len = 0;
            CHECK_OK(bs.ops->get(bs.self, &got, &section.cid));
        }
        fvm__carstream_close(&cs);
        fvm_buf_deinit(&got);
        fvm_blockstore_free(&bs);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvm_bytes car = { data, size };
    fvm_err skip, read, verify;
    uint64_t n = compare(car, FVM__CAR_SKIP, &skip);
    CHECK(compare(car, FVM__CAR_READ, &read) == n && read == skip);
    CHECK(compare(car, FVM__CAR_VERIFY, &verify) <= n);
    through_a_file(car, n, skip == FVM_ERR_NOT_FOUND);
    return 0;
}
