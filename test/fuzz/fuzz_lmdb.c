/* fuzz_lmdb.c - the walker over LMDB's file. The input changes bytes of a small database (three bytes
 * of place, one to xor), so that it gets past the meta pages; input that begins with '!' is the file
 * itself. */
#include "store/lmdb_file.h"
#include "store_helpers.h"

#include <sys/mman.h>

static void make_template(fvm_buf *out)
{
    temp_folder t = temp_folder_new();
    temp_path db = in_folder(&t, "db"), file = in_folder(&t, "db/data.mdb");
    static uint8_t data[64][SAMPLE_ROOM];
    fvm_block blocks[64];
    fvm_blockstore bs;
    fvm_lmdb_options options = { .no_sync = true };
    fvm_gc_result gc;
    CHECK_OK(fvm_blockstore_lmdb_open(&bs, db.text, &options, NULL, NULL));
    for (uint64_t i = 0; i < 64; i++) {
        blocks[i].data = sample_data(data[i], SAMPLE_ROOM, i);
        if (blocks[i].data.len > 6000) blocks[i].data.len = 6000;
        blocks[i].cid = fvm_cid_of(FVM_CODEC_RAW, blocks[i].data);
    }
    CHECK_OK(fvm_blockstore_put_many(&bs, blocks, 64));
    fvm_cid roots[20];
    for (int i = 0; i < 20; i++) roots[i] = blocks[i].cid;
    CHECK_OK(fvm_lmdb_gc(&bs, &gc, roots, 20, NULL)); /* so that there are free pages, too */
    fvm_blockstore_free(&bs);
    read_file_into(out, file.text);
    temp_folder_free(&t);
}

typedef struct seen {
    uint64_t entries, bytes;
} seen;

static fvm_err see_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    seen *s = ctx;
    uint8_t sum = 0;
    for (size_t i = 0; i < key.len; i++) sum ^= key.ptr[i]; /* reads every byte */
    for (size_t i = 0; i < value.len; i++) sum ^= value.ptr[i];
    s->entries++;
    s->bytes += value.len + (sum & 0);
    return FVM_OK;
}

static void see_problem(void *ctx, const char *text)
{
    (void)ctx;
    CHECK(text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fvm_buf whole;
    if (!whole.ptr) {
        fvm_buf_init(&whole, NULL);
        make_template(&whole);
    }
    int fd = memfd_create("db", 0);
    CHECK(fd >= 0);
    if (size > 0 && data[0] == '!') {
        CHECK(pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
    } else {
        CHECK(pwrite(fd, whole.ptr, whole.len, 0) == (ssize_t)whole.len);
        for (size_t i = 0; i + 4 <= size; i += 4) {
            size_t at = (size_t)(data[i] << 16 | data[i + 1] << 8 | data[i + 2]) % whole.len;
            uint8_t byte = whole.ptr[at] ^ data[i + 3];
            CHECK(pwrite(fd, &byte, 1, (off_t)at) == 1);
        }
        if (size % 4 == 3) CHECK(ftruncate(fd, (off_t)whole.len * data[size - 1] / 256) == 0);
    }
    fvm__lmdb_meta meta;
    uint64_t short_by;
    if (fvm__lmdb_meta_read(&meta, &short_by, fd, 0, "fuzz", NULL) == FVM_OK) {
        seen s = { 0, 0 };
        fvm__lmdb_visitor visitor = { see_entry, see_problem, &s };
        fvm_err err = fvm__lmdb_walk(fd, &meta, &visitor, NULL);
        CHECK(err == FVM_OK || err == FVM_ERR_NOMEM);
        if (size == 0) CHECK(s.entries == 21 && short_by == 0);
        visitor.entry = NULL;
        err = fvm__lmdb_walk(fd, &meta, &visitor, NULL);
        CHECK(err == FVM_OK || err == FVM_ERR_NOMEM);
    }
    close(fd);
    return 0;
}
