/* store_helpers.h - folders, files, CARs and tars for tests of the store. */
#ifndef FVM_TEST_STORE_HELPERS_H
#define FVM_TEST_STORE_HELPERS_H

#include "ipld/car.h"
#include "ipld/cbor.h"
#include "test.h"
#include <fvm/store.h>

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELPER static __attribute__((unused))

typedef struct temp_folder {
    char path[64];
} temp_folder;

HELPER temp_folder temp_folder_new(void)
{
    temp_folder t;
    snprintf(t.path, sizeof t.path, "/tmp/fvm-test-XXXXXX");
    CHECK(mkdtemp(t.path) != NULL);
    return t;
}

/* Removes the folder with what is in it, two levels deep. */
HELPER void remove_tree(const char *path, int depth)
{
    DIR *dir = opendir(path);
    const struct dirent *item;
    char full[512];
    CHECK(dir != NULL);
    while ((item = readdir(dir)) != NULL) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
        snprintf(full, sizeof full, "%s/%s", path, item->d_name);
        if (unlink(full) != 0 && depth > 0) remove_tree(full, depth - 1);
    }
    closedir(dir);
    (void)rmdir(path);
}
HELPER void temp_folder_free(temp_folder *t)
{
    remove_tree(t->path, 3);
}

typedef struct temp_path {
    char text[160];
} temp_path;
HELPER temp_path in_folder(const temp_folder *t, const char *name)
{
    temp_path p;
    snprintf(p.text, sizeof p.text, "%s/%s", t->path, name);
    return p;
}

HELPER void write_file(const char *path, fvm_bytes in)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && (in.len == 0 || fwrite(in.ptr, 1, in.len, f) == in.len));
    CHECK(fclose(f) == 0);
}
HELPER void read_file_into(fvm_buf *out, const char *path)
{
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    for (;;) {
        CHECK_OK(fvm_buf_reserve(out, 65536));
        size_t n = fread(out->ptr + out->len, 1, 65536, f);
        out->len += n;
        if (n == 0) break;
    }
    fclose(f);
}
HELPER size_t count_files(const char *path)
{
    DIR *dir = opendir(path);
    size_t n = 0;
    const struct dirent *item;
    if (!dir) return 0;
    while ((item = readdir(dir)) != NULL)
        n += strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
    closedir(dir);
    return n;
}

/* Block number `i`: raw, its length and content follow from the number. */
HELPER fvm_bytes sample_data(uint8_t *room, size_t room_len, uint64_t i)
{
    test_rng rng = { i + 1 };
    size_t len = (size_t)(test_rng_next(&rng) % 3000) + 8;
    if (i % 50 == 7) len += 100000;
    CHECK(len <= room_len);
    test_rng_fill(&rng, room, len);
    fvm_store_le64(room, i);
    return (fvm_bytes){ room, len };
}
#define SAMPLE_ROOM 131072

/* A CAR with `count` sample blocks; the root is the first one's CID. */
HELPER void sample_car(fvm_buf *out, uint64_t count)
{
    static uint8_t room[SAMPLE_ROOM];
    fvm_cid root = fvm_cid_of(FVM_CODEC_RAW, sample_data(room, sizeof room, 0));
    CHECK_OK(fvm_car_put_header(out, &root, 1));
    for (uint64_t i = 0; i < count; i++) {
        fvm_bytes data = sample_data(room, sizeof room, i);
        fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, data);
        CHECK_OK(fvm_car_put_block(out, &cid, data));
    }
}

/* A list of links as a block. */
HELPER fvm_cid put_links(const fvm_blockstore *bs, const fvm_cid *links, size_t count)
{
    fvm_buf b;
    fvm_cid cid;
    fvm_buf_init(&b, NULL);
    CHECK_OK(fvm_cbor_put_array(&b, count));
    for (size_t i = 0; i < count; i++) CHECK_OK(fvm_cbor_put_cid(&b, &links[i]));
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&b)));
    fvm_buf_deinit(&b);
    return cid;
}

/* Wraps a v1 CAR into a v2 one. */
HELPER void wrap_v2(fvm_buf *out, fvm_bytes v1, size_t padding)
{
    static const uint8_t pragma[11] = { 0x0a, 0xa1, 0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n', 2 };
    uint8_t head[40] = { 0 };
    fvm_store_le64(head + 16, 51 + padding);
    fvm_store_le64(head + 24, v1.len);
    CHECK_OK(fvm_buf_append(out, (fvm_bytes){ pragma, 11 }));
    CHECK_OK(fvm_buf_append(out, (fvm_bytes){ head, 40 }));
    for (size_t i = 0; i < padding; i++) CHECK_OK(fvm_buf_put_u8(out, 0xee));
    CHECK_OK(fvm_buf_append(out, v1));
    CHECK_OK(fvm_buf_append(out, FVM_STR("an index that nobody reads")));
}

/* --- tar --- */

HELPER void tar_member(fvm_buf *out, const char *name, char type, fvm_bytes data)
{
    uint8_t head[512] = { 0 };
    unsigned sum = 0;
    snprintf((char *)head, 100, "%s", name);
    memcpy(head + 100, "0000644", 8);
    snprintf((char *)head + 124, 12, "%011zo", data.len);
    memset(head + 148, ' ', 8);
    head[156] = (uint8_t)type;
    memcpy(head + 257,
           "ustar\0"
           "00",
           8);
    for (int i = 0; i < 512; i++) sum += head[i];
    snprintf((char *)head + 148, 8, "%06o", sum);
    CHECK_OK(fvm_buf_append(out, (fvm_bytes){ head, 512 }));
    CHECK_OK(fvm_buf_append(out, data));
    while (out->len % 512) CHECK_OK(fvm_buf_put_u8(out, 0));
}
HELPER void tar_end(fvm_buf *out)
{
    for (int i = 0; i < 1024; i++) CHECK_OK(fvm_buf_put_u8(out, 0));
}

/* --- a bundle of three actors, whose code is `seed` over and over --- */

HELPER void sample_bundle(fvm_buf *out, uint8_t seed, bool leave_one_out)
{
    static const char *const names[3] = { "system", "init", "cron" };
    fvm_buf manifest, data;
    uint8_t code[3][100];
    fvm_cid codes[3];
    fvm_buf_init(&manifest, NULL);
    fvm_buf_init(&data, NULL);
    CHECK_OK(fvm_cbor_put_array(&data, 3));
    for (int i = 0; i < 3; i++) {
        memset(code[i], seed + i, sizeof code[i]);
        codes[i] = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ code[i], sizeof code[i] });
        CHECK_OK(fvm_cbor_put_array(&data, 2));
        CHECK_OK(fvm_cbor_put_text(&data, fvm_bytes_of(names[i])));
        CHECK_OK(fvm_cbor_put_cid(&data, &codes[i]));
    }
    fvm_cid data_cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&data));
    CHECK_OK(fvm_cbor_put_array(&manifest, 2));
    CHECK_OK(fvm_cbor_put_uint(&manifest, 1));
    CHECK_OK(fvm_cbor_put_cid(&manifest, &data_cid));
    fvm_cid root = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&manifest));
    CHECK_OK(fvm_car_put_header(out, &root, 1));
    CHECK_OK(fvm_car_put_block(out, &root, fvm_buf_bytes(&manifest)));
    CHECK_OK(fvm_car_put_block(out, &data_cid, fvm_buf_bytes(&data)));
    for (int i = 0; i < (leave_one_out ? 2 : 3); i++)
        CHECK_OK(fvm_car_put_block(out, &codes[i], (fvm_bytes){ code[i], sizeof code[i] }));
    fvm_buf_deinit(&manifest);
    fvm_buf_deinit(&data);
}
#endif
