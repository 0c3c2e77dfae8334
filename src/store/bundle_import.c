/* bundle_import.c - takes a bundle out of a CAR, a tar or a tar.zst that anybody may have made. All
 * sizes are bounded, names in the archive choose a member and nothing else, and what has been taken
 * out is a file without its final name until every block of it has been hashed. */
#include "bundle.h"

#include "crypto/crypto.h"
#include "tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY_BYTES (64u << 10)
#define IMPORT_PREFIX ".import-"
#define LEFTOVER_SECONDS 3600

typedef struct import {
    const char *folder, *path, *network;
    const fvm_allocator *alloc;
    fvm_store_why *why;
    fvm_bundle_info info;
    fvm_buf temp; /* path of the file in the making, NUL-terminated; empty: none */
    int fd;       /* of that file */
} import;

static void put_hex(char out[65], const uint8_t digest[32])
{
    for (int i = 0; i < 32; i++) (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The number in a name such as v17.tar.zst or mainnet-v17.car; 0: none. */
static uint32_t version_in(const char *name)
{
    for (const char *c = name; *c; c++) {
        if (*c != 'v' || (c > name && c[-1] != '-')) continue;
        char *end;
        unsigned long n = strtoul(c + 1, &end, 10);
        if (c[1] >= '1' && c[1] <= '9' && *end == '.' && n < 1000000) return (uint32_t)n;
    }
    return 0;
}

static fvm_err choose_name(import *im, uint32_t version)
{
    if (version == 0) version = version_in(base_name(im->path));
    if (version == 0)
        return fvm__why(im->why, FVM_ERR_INVALID,
                        "%s: the file's name does not tell the version of the actors; say it with "
                        "--version",
                        im->path);
    int n = snprintf(im->info.name, sizeof im->info.name, "%s-v%" PRIu32, im->network, version);
    if (n < 0 || (size_t)n >= sizeof im->info.name || !fvm__bundle_name_is(im->info.name))
        return fvm__why(im->why, FVM_ERR_INVALID, "'%s' is no name of a network", im->network);
    /* kept as one line of the metadata */
    size_t i = 0;
    for (const char *c = base_name(im->path); *c && i + 1 < sizeof im->info.archive; c++)
        im->info.archive[i++] = (unsigned char)*c < ' ' ? '?' : *c;
    return FVM_OK;
}

/* --- the file in the making --- */

/* Makes the folder and those above it. */
static fvm_err make_folders(import *im, char *path)
{
    for (char *c = path + 1;; c++) {
        if (*c != '/' && *c != 0) continue;
        char kept = *c;
        *c = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return fvm__why(im->why, FVM_ERR_IO, "%s: %s", path, strerror(errno));
        *c = kept;
        if (kept == 0) return FVM_OK;
    }
}

/* What imports left behind that were killed; one under way is younger than this. */
static void remove_leftovers(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *item;
    struct stat st;
    time_t now = time(NULL);
    if (!dir) return;
    int fd = dirfd(dir);
    while (fd >= 0 && (item = readdir(dir)) != NULL) {
        if (strncmp(item->d_name, IMPORT_PREFIX, strlen(IMPORT_PREFIX)) != 0) continue;
        if (fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            now - st.st_mtime > LEFTOVER_SECONDS)
            (void)unlinkat(fd, item->d_name, 0);
    }
    closedir(dir);
}

static fvm_err open_temp(import *im)
{
    fvm_buf path;
    fvm_buf_init(&path, im->alloc);
    fvm_err err = fvm_bundle_folder(&path, im->folder);
    if (err == FVM_ERR_NOT_FOUND)
        (void)fvm__why(im->why, err, "neither HOME nor XDG_CACHE_HOME is set");
    if (err == FVM_OK) err = make_folders(im, (char *)path.ptr);
    if (err == FVM_OK) remove_leftovers((const char *)path.ptr);
    fvm_buf_deinit(&path);
    if (err != FVM_OK) return err;
    FVM_TRY(fvm__bundle_path(&im->temp, im->folder, IMPORT_PREFIX, "XXXXXX"));
    im->fd = mkostemp((char *)im->temp.ptr, O_CLOEXEC);
    if (im->fd >= 0) return FVM_OK;
    err = fvm__why(im->why, FVM_ERR_IO, "%s: %s", (char *)im->temp.ptr, strerror(errno));
    im->temp.len = 0;
    return err;
}

/* Copies the whole source to the file in the making, and hashes it. */
static fvm_err copy_car(import *im, fvm__source source)
{
    fvm_sha256_ctx sha;
    uint8_t digest[32], *piece = fvm_mem_alloc(im->alloc, COPY_BYTES);
    if (!piece) return FVM_ERR_NOMEM;
    fvm_sha256_init(&sha);
    fvm_err err;
    size_t got = 0;
    while ((err = source.read(source.ctx, piece, COPY_BYTES, &got)) == FVM_OK && got > 0) {
        im->info.car_bytes += got;
        if (im->info.car_bytes > FVM__BUNDLE_CAR_MAX) err = FVM_ERR_LIMIT;
        if (err == FVM_OK) err = fvm__write_full(im->fd, (fvm_bytes){ piece, got });
        if (err != FVM_OK) break;
        fvm_sha256_update(&sha, (fvm_bytes){ piece, got });
    }
    fvm_mem_free(im->alloc, piece, COPY_BYTES);
    fvm_sha256_final(&sha, digest);
    put_hex(im->info.car_sha256, digest);
    return err;
}

/* --- the archive --- */

static fvm_err copy_member(import *im, fvm__window *w)
{
    char want[FVM_BUNDLE_NAME_MAX + 32];
    fvm__tar tar;
    fvm__tar_member member;
    fvm_err err;
    (void)snprintf(want, sizeof want, "builtin-actors-%s.car", im->network);
    fvm__tar_init(&tar, w);
    while ((err = fvm__tar_next(&tar, &member)) == FVM_OK) {
        if (!member.regular || strcmp(base_name(member.name), want) != 0) continue;
        return copy_car(im, fvm__tar_source(&tar));
    }
    if (err == FVM_ERR_NOT_FOUND)
        (void)fvm__why(im->why, err, "%s: the archive has no %s", im->path, want);
    return err;
}

static fvm_err read_window(void *ctx, uint8_t *out, size_t max, size_t *got)
{
    fvm__window *w = ctx;
    fvm_bytes view;
    FVM_TRY(fvm__window_peek(w, &view, 1));
    *got = view.len < max ? view.len : max;
    if (*got) memcpy(out, view.ptr, *got);
    fvm__window_take(w, *got);
    return FVM_OK;
}

/* A tar archive, or else a CAR. */
static fvm_err copy_unpacked(import *im, fvm__source source)
{
    fvm__window w;
    fvm_bytes head;
    fvm_err err = fvm__window_init(&w, source, im->alloc);
    if (err == FVM_OK) err = fvm__window_peek(&w, &head, 512);
    if (err == FVM_OK)
        err = fvm__tar_is(head) ? copy_member(im, &w)
                                : copy_car(im, (fvm__source){ read_window, &w });
    fvm__window_deinit(&w);
    return err;
}

static bool is_zstd(fvm_bytes head)
{
    return head.len >= 4 && fvm_load_le32(head.ptr) == 0xfd2fb528;
}

static fvm_err copy_archive(import *im, int fd)
{
    fvm__file_source file = { fd, 0 };
    fvm__zstd_source *zstd;
    uint8_t magic[4];
    fvm_err err = fvm__pread_full(fd, magic, sizeof magic, 0);
    if (err != FVM_OK) return err;
    if (!is_zstd((fvm_bytes){ magic, sizeof magic }))
        return copy_unpacked(im, fvm__source_file(&file));
    FVM_TRY(
        fvm__zstd_source_new(&zstd, fvm__source_file(&file), FVM__BUNDLE_ARCHIVE_MAX, im->alloc));
    err = copy_unpacked(im, fvm__source_zstd(zstd));
    fvm__zstd_source_free(zstd);
    return err;
}

static fvm_err hash_archive(import *im, int fd)
{
    uint8_t digest[32], *piece = fvm_mem_alloc(im->alloc, COPY_BYTES);
    fvm__file_source file = { fd, 0 };
    fvm__source source = fvm__source_file(&file);
    fvm_sha256_ctx sha;
    if (!piece) return FVM_ERR_NOMEM;
    fvm_sha256_init(&sha);
    fvm_err err;
    size_t got = 0;
    while ((err = source.read(source.ctx, piece, COPY_BYTES, &got)) == FVM_OK && got > 0)
        fvm_sha256_update(&sha, (fvm_bytes){ piece, got });
    fvm_mem_free(im->alloc, piece, COPY_BYTES);
    fvm_sha256_final(&sha, digest);
    put_hex(im->info.archive_sha256, digest);
    return err;
}

static fvm_err unpack(import *im)
{
    int fd;
    uint64_t size;
    FVM_TRY(fvm__open_file(&fd, &size, im->path, im->why));
    fvm_err err = size > FVM__BUNDLE_ARCHIVE_MAX ? FVM_ERR_LIMIT : hash_archive(im, fd);
    if (err == FVM_OK) err = copy_archive(im, fd);
    close(fd);
    if (err != FVM_OK && im->why && im->why->text[0] == 0)
        (void)fvm__why(im->why, err, "%s: %s", im->path, fvm_err_text(err));
    return err;
}

/* --- checking and keeping --- */

/* Messages about the file in the making name the archive instead. */
static void rename_in_why(import *im)
{
    const char *temp = (const char *)im->temp.ptr;
    size_t len = strlen(temp);
    if (!im->why || strncmp(im->why->text, temp, len) != 0) return;
    fvm_store_why copy = *im->why;
    (void)snprintf(im->why->text, sizeof im->why->text, "%s: %s", im->path,
                   copy.text + len + (copy.text[len] == ':') + (copy.text[len + 1] == ' '));
}

static fvm_err check(import *im)
{
    fvm_blockstore bs;
    const fvm_cid *roots;
    size_t count;
    fvm_buf actors;
    fvm_store_why inner = { { 0 } };
    fvm_err err = fvm_blockstore_car_open(&bs, (const char *)im->temp.ptr, true, im->alloc,
                                          im->why);
    if (err != FVM_OK) {
        rename_in_why(im);
        return err;
    }
    fvm_buf_init(&actors, im->alloc);
    fvm_blockstore_car_roots(&bs, &roots, &count);
    im->info.manifest = roots[0];
    if (count != 1)
        err = fvm__why(im->why, FVM_ERR_BAD_STATE, "%s: not a bundle of actors: %zu roots",
                       im->path, count);
    if (err == FVM_OK && (err = fvm_bundle_actors(&actors, &bs, &roots[0], &inner)) != FVM_OK) {
        if (fvm_err_class_of(err) != FVM_CLASS_HOST) err = FVM_ERR_BAD_STATE;
        (void)fvm__why(im->why, err, "%s: %s", im->path,
                       inner.text[0] ? inner.text : fvm_err_text(err));
    }
    fvm_buf_deinit(&actors);
    fvm_blockstore_free(&bs);
    return err;
}

/* Syncs the folder, so that the new name survives a loss of power. */
static void sync_folder(import *im)
{
    fvm_buf path;
    fvm_buf_init(&path, im->alloc);
    if (fvm_bundle_folder(&path, im->folder) == FVM_OK) {
        int fd = open((const char *)path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd);
            close(fd);
        }
    }
    fvm_buf_deinit(&path);
}

/* The metadata of an earlier bundle of this name goes first: none is better than a wrong one. */
static fvm_err keep_car(import *im, const char *car, const char *meta)
{
    (void)unlink(meta);
    if (fsync(im->fd) != 0 || fchmod(im->fd, 0644) != 0 ||
        rename((const char *)im->temp.ptr, car) != 0)
        return fvm__why(im->why, FVM_ERR_IO, "%s: %s", car, strerror(errno));
    im->temp.len = 0; /* it has its name */
    return FVM_OK;
}

/* Lines of "key value". Losing them loses nothing that the bundle needs. */
static void keep_meta(const import *im, const char *meta)
{
    char manifest[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(manifest, &im->info.manifest);
    FILE *file = fopen(meta, "wbe");
    if (!file) return;
    fprintf(file, "manifest %s\ncar-sha256 %s\narchive %s\narchive-sha256 %s\n", manifest,
            im->info.car_sha256, im->info.archive, im->info.archive_sha256);
    if (fclose(file) != 0) (void)unlink(meta);
}

static fvm_err keep(import *im)
{
    fvm_buf car, meta;
    fvm_buf_init(&car, im->alloc);
    fvm_buf_init(&meta, im->alloc);
    fvm_err err = fvm__bundle_path(&car, im->folder, im->info.name, ".car");
    if (err == FVM_OK) err = fvm__bundle_path(&meta, im->folder, im->info.name, ".meta");
    if (err == FVM_OK) err = keep_car(im, (const char *)car.ptr, (const char *)meta.ptr);
    if (err == FVM_OK) {
        keep_meta(im, (const char *)meta.ptr);
        sync_folder(im);
    }
    fvm_buf_deinit(&car);
    fvm_buf_deinit(&meta);
    return err;
}

static fvm_err run_import(import *im, uint32_t version)
{
    FVM_TRY(choose_name(im, version));
    FVM_TRY(open_temp(im));
    FVM_TRY(unpack(im));
    FVM_TRY(check(im));
    return keep(im);
}

fvm_err fvm_bundle_import(fvm_bundle_info *out, const char *folder, const char *path,
                          const char *network, uint32_t version, const fvm_allocator *alloc,
                          fvm_store_why *why)
{
import im = {.folder = folder, .path = path, .network = network, .alloc = alloc, .why = why, .fd = - 1 };
    if (why) why->text[0] = 0;
    fvm_buf_init(&im.temp, alloc);
    fvm_err err = run_import(&im, version);
    if (err != FVM_OK && why && why->text[0] == 0)
        (void)fvm__why(why, err, "%s: %s", path, fvm_err_text(err));
    if (im.temp.len > 0) (void)unlink((const char *)im.temp.ptr);
    if (im.fd >= 0) close(im.fd);
    fvm_buf_deinit(&im.temp);
    if (err == FVM_OK) *out = im.info;
    return err;
}
