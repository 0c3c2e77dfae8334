/* Bundles of built-in actors: import out of CARs and archives, what is refused, find, remove; and
 * the tar and zstd readers below. */
#include "store/tar.h"
#include "store_helpers.h"

#include <fcntl.h>
#include <zstd.h>

typedef struct world {
    temp_folder t;
    temp_path bundles;
} world;

static world world_new(void)
{
    world w;
    w.t = temp_folder_new();
    w.bundles = in_folder(&w.t, "cache/bundles");
    return w;
}

static void pack(fvm_buf *out, fvm_bytes in)
{
    size_t room = ZSTD_compressBound(in.len);
    CHECK_OK(fvm_buf_reserve(out, room));
    size_t n = ZSTD_compress(out->ptr + out->len, room, in.ptr, in.len, 3);
    CHECK(!ZSTD_isError(n));
    out->len += n;
}

/* The archive as Lotus ships it: a CAR for each network. */
static void sample_archive(fvm_buf *out, bool leave_one_out)
{
    static const char *const networks[] = { "butterflynet", "mainnet", "testing" };
    for (uint8_t i = 0; i < 3; i++) {
        fvm_buf car;
        char name[64];
        fvm_buf_init(&car, NULL);
        sample_bundle(&car, (uint8_t)(10 * i + 1), leave_one_out);
        snprintf(name, sizeof name, "./builtin-actors-%s.car", networks[i]);
        tar_member(out, "PaxHeaders/x", 'x', FVM_STR("20 comment=whatever\n"));
        tar_member(out, name, '0', fvm_buf_bytes(&car));
        fvm_buf_deinit(&car);
    }
    tar_end(out);
}

static fvm_err import_bytes(const world *w, fvm_bundle_info *info, const char *name, fvm_bytes in,
                            const char *network, uint32_t version, fvm_store_why *why)
{
    temp_path path = in_folder(&w->t, name);
    write_file(path.text, in);
    return fvm_bundle_import(info, w->bundles.text, path.text, network, version, NULL, why);
}

static fvm_err count_bundles(void *ctx, const fvm_bundle_info *info)
{
    (void)info;
    ++*(size_t *)ctx;
    return FVM_OK;
}

TEST(a_packed_archive_gives_the_bundle_of_the_network_asked_for)
{
    world w = world_new();
    fvm_buf tar, packed, actors;
    fvm_bundle_info info, found;
    fvm_store_why why;
    fvm_blockstore bs;
    fvm_buf_init(&tar, NULL);
    fvm_buf_init(&packed, NULL);
    fvm_buf_init(&actors, NULL);
    sample_archive(&tar, false);
    pack(&packed, fvm_buf_bytes(&tar));
    CHECK_OK(import_bytes(&w, &info, "v17.tar.zst", fvm_buf_bytes(&packed), "mainnet", 0, &why));
    CHECK(strcmp(info.name, "mainnet-v17") == 0 && strcmp(info.archive, "v17.tar.zst") == 0);
    CHECK(strlen(info.car_sha256) == 64 && strlen(info.archive_sha256) == 64);
    CHECK_OK(fvm_bundle_open(&bs, &found, w.bundles.text, "mainnet-v17", NULL, &why));
    CHECK(fvm_cid_eq(&found.manifest, &info.manifest));
    CHECK(strcmp(found.archive_sha256, info.archive_sha256) == 0);
    CHECK(strcmp(found.car_sha256, info.car_sha256) == 0);
    CHECK_OK(fvm_bundle_actors(&actors, &bs, &found.manifest, &why));
    CHECK(actors.len == 3 * sizeof(fvm_bundle_actor));
    const fvm_bundle_actor *list = (const void *)actors.ptr;
    CHECK(strcmp(list[1].name, "init") == 0 && list[1].bytes == 100);
    uint8_t code[100];
    memset(code, 12, sizeof code); /* the second actor of the second network */
    fvm_cid want = fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ code, sizeof code });
    CHECK(fvm_cid_eq(&list[1].code, &want));
    fvm_blockstore_free(&bs);

    CHECK_OK(fvm_bundle_open_manifest(&bs, &found, w.bundles.text, &info.manifest, NULL, &why));
    CHECK(strcmp(found.name, "mainnet-v17") == 0);
    fvm_blockstore_free(&bs);
    fvm_buf_deinit(&tar);
    fvm_buf_deinit(&packed);
    fvm_buf_deinit(&actors);
    temp_folder_free(&w.t);
}

TEST(a_plain_tar_and_a_plain_car_do_as_well)
{
    world w = world_new();
    fvm_buf tar, car;
    fvm_bundle_info info;
    size_t count = 0;
    fvm_buf_init(&tar, NULL);
    fvm_buf_init(&car, NULL);
    sample_archive(&tar, false);
    sample_bundle(&car, 50, false);
    CHECK_OK(import_bytes(&w, &info, "v9.tar", fvm_buf_bytes(&tar), "testing", 0, NULL));
    CHECK(strcmp(info.name, "testing-v9") == 0);
    CHECK_OK(import_bytes(&w, &info, "some.car", fvm_buf_bytes(&car), "mainnet", 10, NULL));
    CHECK(strcmp(info.name, "mainnet-v10") == 0 && info.car_bytes == car.len);
    CHECK(strcmp(info.car_sha256, info.archive_sha256) == 0);
    CHECK_OK(import_bytes(&w, &info, "mainnet-v9.car", fvm_buf_bytes(&car), "mainnet", 0, NULL));
    CHECK_OK(fvm_bundle_each(w.bundles.text, count_bundles, &count, NULL, NULL));
    CHECK(count == 3);
    CHECK(count_files(w.bundles.text) == 6); /* a CAR and its metadata each, nothing half-made */
    fvm_buf_deinit(&tar);
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

static fvm_err collect_names(void *ctx, const fvm_bundle_info *info)
{
    strcat(ctx, info->name);
    strcat(ctx, " ");
    return FVM_OK;
}

TEST(bundles_are_listed_by_network_and_number_and_strange_files_are_not)
{
    world w = world_new();
    fvm_buf car;
    fvm_bundle_info info;
    char names[256] = "";
    fvm_buf_init(&car, NULL);
    sample_bundle(&car, 50, false);
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 10, NULL));
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "calibrationnet", 12, NULL));
    char path[256];
    snprintf(path, sizeof path, "%s/README.car", w.bundles.text);
    write_file(path, FVM_STR("no bundle"));
    snprintf(path, sizeof path, "%s/.import-abc", w.bundles.text);
    write_file(path, FVM_STR("left behind by a crash"));
    CHECK_OK(fvm_bundle_each(w.bundles.text, collect_names, names, NULL, NULL));
    CHECK(strcmp(names, "calibrationnet-v12 mainnet-v9 mainnet-v10 ") == 0);
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

TEST(a_bundle_is_replaced_and_removed)
{
    world w = world_new();
    fvm_buf car;
    fvm_bundle_info first, second, found;
    fvm_store_why why;
    fvm_blockstore bs;
    fvm_buf_init(&car, NULL);
    sample_bundle(&car, 50, false);
    CHECK_OK(import_bytes(&w, &first, "a.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    car.len = 0;
    sample_bundle(&car, 90, false);
    CHECK_OK(import_bytes(&w, &second, "b.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    CHECK(!fvm_cid_eq(&first.manifest, &second.manifest));
    CHECK_OK(fvm_bundle_open(&bs, &found, w.bundles.text, "mainnet-v9", NULL, NULL));
    fvm_blockstore_free(&bs);
    CHECK(fvm_cid_eq(&found.manifest, &second.manifest) && strcmp(found.archive, "b.car") == 0);
    CHECK_OK(fvm_bundle_remove(w.bundles.text, "mainnet-v9", &why));
    CHECK(count_files(w.bundles.text) == 0);
    CHECK_ERR(fvm_bundle_remove(w.bundles.text, "mainnet-v9", &why), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_bundle_open(&bs, NULL, w.bundles.text, "mainnet-v9", NULL, &why),
              FVM_ERR_NOT_FOUND);
    CHECK(strstr(why.text, "fvm bundle import v9.tar.zst"));
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

TEST(what_killed_imports_left_behind_goes_with_a_later_one)
{
    world w = world_new();
    fvm_buf car;
    fvm_bundle_info info;
    char old[256], young[256];
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    fvm_buf_init(&car, NULL);
    sample_bundle(&car, 50, false);
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    snprintf(old, sizeof old, "%s/.import-aaaaaa", w.bundles.text);
    snprintf(young, sizeof young, "%s/.import-bbbbbb", w.bundles.text);
    write_file(old, FVM_STR("half"));
    write_file(young, FVM_STR("under way"));
    CHECK(utimensat(AT_FDCWD, old, times, 0) == 0);
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    CHECK(access(old, F_OK) != 0 && access(young, F_OK) == 0);
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

TEST(metadata_of_another_car_is_not_believed)
{
    world w = world_new();
    fvm_buf car;
    fvm_bundle_info info, found;
    fvm_blockstore bs;
    char path[256];
    fvm_buf_init(&car, NULL);
    sample_bundle(&car, 50, false);
    CHECK_OK(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 9, NULL));
    car.len = 0;
    sample_bundle(&car, 90, false);
    snprintf(path, sizeof path, "%s/mainnet-v9.car", w.bundles.text);
    write_file(path, fvm_buf_bytes(&car)); /* not by an import */
    CHECK_OK(fvm_bundle_open(&bs, &found, w.bundles.text, "mainnet-v9", NULL, NULL));
    fvm_blockstore_free(&bs);
    CHECK(!fvm_cid_eq(&found.manifest, &info.manifest));
    CHECK(found.archive[0] == 0 && found.archive_sha256[0] == 0 && found.car_sha256[0] == 0);
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

TEST(names_cannot_lead_out_of_the_folder)
{
    static const char *const names[] = { "../mainnet-v9",
                                         "mainnet/../x-v9",
                                         "mainnet-v",
                                         "v9",
                                         "mainnet-v09",
                                         "Mainnet-v9",
                                         "",
                                         "-v9",
                                         "mainnet-v9999999999999999999999999" };
    fvm_blockstore bs;
    fvm_bundle_info info;
    fvm_store_why why;
    world w = world_new();
    fvm_buf car;
    fvm_buf_init(&car, NULL);
    sample_bundle(&car, 50, false);
    for (size_t i = 0; i < FVM_COUNT(names); i++) {
        CHECK_AT(names[i], fvm_bundle_open(&bs, NULL, w.bundles.text, names[i], NULL, &why) ==
                               FVM_ERR_NOT_FOUND);
        CHECK_AT(names[i], fvm_bundle_remove(w.bundles.text, names[i], &why) == FVM_ERR_NOT_FOUND);
    }
    CHECK_ERR(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "../main", 9, &why),
              FVM_ERR_INVALID);
    CHECK_ERR(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "", 9, &why), FVM_ERR_INVALID);
    CHECK_ERR(import_bytes(&w, &info, "a.car", fvm_buf_bytes(&car), "mainnet", 0, &why),
              FVM_ERR_INVALID);
    CHECK(strstr(why.text, "--version"));
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

TEST(a_broken_archive_is_refused_and_leaves_nothing_behind)
{
    world w = world_new();
    fvm_buf tar, packed, car;
    fvm_bundle_info info = { .car_bytes = 7 };
    fvm_store_why why;
    fvm_buf_init(&tar, NULL);
    fvm_buf_init(&packed, NULL);
    fvm_buf_init(&car, NULL);
    sample_archive(&tar, false);
    pack(&packed, fvm_buf_bytes(&tar));
    fvm_bytes whole = fvm_buf_bytes(&packed);

    CHECK_ERR(import_bytes(&w, &info, "v1.tar.zst", whole, "nonet", 0, &why), FVM_ERR_NOT_FOUND);
    CHECK(strstr(why.text, "builtin-actors-nonet.car"));
    CHECK_ERR(import_bytes(&w, &info, "v1.tar.zst", (fvm_bytes){ whole.ptr, whole.len / 2 },
                           "testing", 0, &why),
              FVM_ERR_TRUNCATED);
    memset(packed.ptr + 12, 0xff, 16); /* in the first block's head */
    CHECK(import_bytes(&w, &info, "v1.tar.zst", whole, "testing", 0, &why) != FVM_OK);
    CHECK_ERR(
        import_bytes(&w, &info, "v1.tar", (fvm_bytes){ tar.ptr, 700 }, "butterflynet", 0, &why),
        FVM_ERR_TRUNCATED);
    tar.ptr[1024 + 3] ^= 1; /* the name in the second header */
    CHECK_ERR(import_bytes(&w, &info, "v1.tar", fvm_buf_bytes(&tar), "mainnet", 0, &why),
              FVM_ERR_MALFORMED);
    CHECK_ERR(import_bytes(&w, &info, "v1.car", FVM_STR("nothing of the kind"), "mainnet", 0, &why),
              FVM_ERR_TRUNCATED);
    CHECK(import_bytes(&w, &info, "v1.car", FVM_STR(""), "mainnet", 0, &why) != FVM_OK);

    sample_bundle(&car, 3, true);
    CHECK_ERR(import_bytes(&w, &info, "v1.car", fvm_buf_bytes(&car), "mainnet", 0, &why),
              FVM_ERR_BAD_STATE);
    CHECK(strstr(why.text, "cron") && strstr(why.text, "v1.car"));
    car.len = 0;
    sample_bundle(&car, 3, false);
    car.ptr[car.len - 5] ^= 4;
    CHECK_ERR(import_bytes(&w, &info, "v1.car", fvm_buf_bytes(&car), "mainnet", 0, &why),
              FVM_ERR_MISMATCH);
    CHECK(strstr(why.text, "v1.car"));
    car.len = 0;
    sample_car(&car, 3);
    CHECK_ERR(import_bytes(&w, &info, "v1.car", fvm_buf_bytes(&car), "mainnet", 0, &why),
              FVM_ERR_BAD_STATE);
    CHECK(info.car_bytes == 7); /* outputs as they were */
    CHECK(count_files(w.bundles.text) == 0);
    fvm_buf_deinit(&tar);
    fvm_buf_deinit(&packed);
    fvm_buf_deinit(&car);
    temp_folder_free(&w.t);
}

/* --- below --- */

TEST(zstd_output_is_limited_to_the_byte)
{
    fvm_buf plain, packed;
    fvm_buf_init(&plain, NULL);
    fvm_buf_init(&packed, NULL);
    CHECK_OK(fvm_buf_reserve(&plain, 300000));
    memset(plain.ptr, 'a', 300000);
    plain.len = 300000;
    pack(&packed, fvm_buf_bytes(&plain));
    for (uint64_t max = 299999; max <= 300001; max++) {
        fvm_bytes rest = fvm_buf_bytes(&packed);
        fvm__zstd_source *zstd;
        uint8_t piece[1000];
        size_t got = 1, total = 0;
        fvm_err err = FVM_OK;
        CHECK_OK(fvm__zstd_source_new(&zstd, fvm__source_memory(&rest), max, NULL));
        fvm__source source = fvm__source_zstd(zstd);
        while (err == FVM_OK && got > 0) {
            got = 0;
            err = source.read(source.ctx, piece, sizeof piece, &got);
            total += got;
        }
        CHECK(err == (max < 300000 ? FVM_ERR_LIMIT : FVM_OK));
        CHECK(total <= max);
        fvm__zstd_source_free(zstd);
    }
    fvm_buf_deinit(&plain);
    fvm_buf_deinit(&packed);
}

TEST(a_zstd_stream_that_ends_inside_a_frame_is_truncated)
{
    fvm_buf plain, packed;
    fvm_buf_init(&plain, NULL);
    fvm_buf_init(&packed, NULL);
    for (uint32_t i = 0; i < 50000; i++) CHECK_OK(fvm_buf_put_u8(&plain, (uint8_t)(i * i >> 7)));
    pack(&packed, fvm_buf_bytes(&plain));
    size_t one = packed.len;
    pack(&packed, fvm_buf_bytes(&plain)); /* a second frame is more of the same */
    for (size_t len = 1; len <= packed.len; len += len + 40 > one && len < one + 9 ? 1 : 37) {
        fvm_bytes rest = { packed.ptr, len };
        fvm__zstd_source *zstd;
        uint8_t piece[1000];
        size_t got = 1, total = 0;
        fvm_err err = FVM_OK;
        CHECK_OK(fvm__zstd_source_new(&zstd, fvm__source_memory(&rest), 1u << 20, NULL));
        fvm__source source = fvm__source_zstd(zstd);
        while (err == FVM_OK && got > 0) {
            got = 0;
            err = source.read(source.ctx, piece, sizeof piece, &got);
            total += got;
        }
        bool whole = len == one || len == packed.len;
        CHECK(err == (whole ? FVM_OK : FVM_ERR_TRUNCATED));
        if (whole) CHECK(total == plain.len * (len / one));
        fvm__zstd_source_free(zstd);
    }
    fvm_buf_deinit(&plain);
    fvm_buf_deinit(&packed);
}

TEST(tar_members_come_in_order_with_names_sizes_and_kinds)
{
    fvm_buf tar;
    fvm__window w;
    fvm__tar reader;
    fvm__tar_member member;
    fvm_buf_init(&tar, NULL);
    tar_member(&tar, "folder", '5', FVM_STR(""));
    tar_member(&tar, "link", '2', FVM_STR(""));
    tar_member(&tar, "file", '0', FVM_STR("content"));
    tar_member(&tar, "empty", '0', FVM_STR(""));
    fvm_bytes rest = fvm_buf_bytes(&tar); /* no end blocks: as some writers leave it */
    CHECK_OK(fvm__window_init(&w, fvm__source_memory(&rest), NULL));
    fvm__tar_init(&reader, &w);
    CHECK_OK(fvm__tar_next(&reader, &member));
    CHECK(strcmp(member.name, "folder") == 0 && !member.regular);
    CHECK_OK(fvm__tar_next(&reader, &member));
    CHECK(!member.regular);
    CHECK_OK(fvm__tar_next(&reader, &member));
    CHECK(strcmp(member.name, "file") == 0 && member.regular && member.size == 7);
    uint8_t data[16];
    size_t got;
    fvm__source source = fvm__tar_source(&reader);
    CHECK_OK(source.read(source.ctx, data, 4, &got));
    CHECK(got == 4 && memcmp(data, "cont", 4) == 0);
    CHECK_OK(fvm__tar_next(&reader, &member)); /* goes past what was not read */
    CHECK(strcmp(member.name, "empty") == 0 && member.size == 0);
    CHECK_ERR(fvm__tar_next(&reader, &member), FVM_ERR_NOT_FOUND);
    fvm__window_deinit(&w);
    fvm_buf_deinit(&tar);
}

static fvm_err import_once(const fvm_allocator *alloc, void *ctx)
{
    const world *w = ctx;
    fvm_bundle_info info;
    temp_path path = in_folder(&w->t, "v3.tar.zst");
    return fvm_bundle_import(&info, w->bundles.text, path.text, "mainnet", 0, alloc, NULL);
}

TEST(an_import_that_runs_out_of_memory_leaks_nothing_and_leaves_nothing)
{
    world w = world_new();
    fvm_buf tar, packed;
    fvm_buf_init(&tar, NULL);
    fvm_buf_init(&packed, NULL);
    sample_archive(&tar, false);
    pack(&packed, fvm_buf_bytes(&tar));
    temp_path path = in_folder(&w.t, "v3.tar.zst");
    write_file(path.text, fvm_buf_bytes(&packed));
    test_each_allocation_fails(import_once, &w);
    CHECK(count_files(w.bundles.text) == 2);
    fvm_buf_deinit(&tar);
    fvm_buf_deinit(&packed);
    temp_folder_free(&w.t);
}
