/* bundle.c - the bundles of built-in actors that a user keeps: find, list, open, remove. */
#include "bundle.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define META_MAX 4096

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The "-v" before the number that ends `name`; NULL when it is not of that form. */
static const char *version_part(const char *name)
{
    size_t len = strlen(name), end = len;
    while (end > 0 && is_digit(name[end - 1])) end--;
    if (end == len || len - end > 9 || end < 3 || name[end] == '0') return NULL;
    return name[end - 1] == 'v' && name[end - 2] == '-' ? name + end - 2 : NULL;
}

bool fvm__bundle_name_is(const char *name)
{
    if (strlen(name) >= FVM_BUNDLE_NAME_MAX || name[0] == '-' || !version_part(name)) return false;
    for (const char *c = name; *c; c++)
        if (!(is_digit(*c) || (*c >= 'a' && *c <= 'z') || *c == '-')) return false;
    return true;
}

static fvm_err put_text(fvm_buf *out, const char *text)
{
    return fvm_buf_append(out, fvm_bytes_of(text));
}

static fvm_err put_folder(fvm_buf *out, const char *folder)
{
    if (folder) return put_text(out, folder);
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') { /* its specification says to ignore relative paths */
        FVM_TRY(put_text(out, cache));
    } else {
        if (!home || !home[0]) return FVM_ERR_NOT_FOUND;
        FVM_TRY(put_text(out, home));
        FVM_TRY(put_text(out, "/.cache"));
    }
    return put_text(out, "/fvm/bundles");
}

fvm_err fvm_bundle_folder(fvm_buf *out, const char *folder)
{
    size_t start = out->len;
    fvm_err err = put_folder(out, folder);
    if (err == FVM_OK) err = fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)"", 1 });
    if (err != FVM_OK) out->len = start;
    return err;
}

fvm_err fvm__bundle_path(fvm_buf *out, const char *folder, const char *name, const char *suffix)
{
    FVM_TRY(put_folder(out, folder));
    FVM_TRY(put_text(out, "/"));
    FVM_TRY(put_text(out, name));
    FVM_TRY(put_text(out, suffix));
    return fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)"", 1 });
}

/* --- metadata --- */

/* Copies the value of the line that begins with "key " out of `text`. */
static void meta_value(char *out, size_t room, const char *text, const char *key)
{
    size_t key_len = strlen(key);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len > key_len && strncmp(line, key, key_len) == 0 && line[key_len] == ' ') {
            size_t n = len - key_len - 1;
            if (n >= room) n = room - 1;
            memcpy(out, line + key_len + 1, n);
            out[n] = 0;
            return;
        }
        line += len + (line[len] == '\n');
    }
}

/* Adds what the metadata says, if it is about this CAR; without it a bundle is as good. */
static fvm_err read_meta(fvm_bundle_info *info, const char *folder, const fvm_allocator *alloc)
{
    char text[META_MAX + 1], manifest[FVM_CID_TEXT_MAX], want[FVM_CID_TEXT_MAX];
    fvm_buf path;
    fvm_buf_init(&path, alloc);
    fvm_err err = fvm__bundle_path(&path, folder, info->name, ".meta");
    if (err != FVM_OK) {
        fvm_buf_deinit(&path);
        return err;
    }
    FILE *file = fopen((const char *)path.ptr, "rbe");
    fvm_buf_deinit(&path);
    if (!file) return FVM_OK;
    size_t len = fread(text, 1, META_MAX, file);
    (void)fclose(file);
    text[len] = 0;
    manifest[0] = 0;
    meta_value(manifest, sizeof manifest, text, "manifest");
    (void)fvm_cid_to_text(want, &info->manifest);
    if (strcmp(manifest, want) != 0) return FVM_OK; /* of another CAR */
    meta_value(info->car_sha256, sizeof info->car_sha256, text, "car-sha256");
    meta_value(info->archive, sizeof info->archive, text, "archive");
    meta_value(info->archive_sha256, sizeof info->archive_sha256, text, "archive-sha256");
    return FVM_OK;
}

static fvm_err read_root(fvm_bundle_info *info, const char *path, const fvm_allocator *alloc,
                         fvm_store_why *why)
{
    fvm__carstream cs;
    int fd;
    FVM_TRY(fvm__open_file(&fd, &info->car_bytes, path, why));
    fvm__file_source file = { fd, 0 };
    fvm_err err = fvm__carstream_open(&cs, fvm__source_file(&file), &file, info->car_bytes, path,
                                      alloc, why);
    if (err == FVM_OK) {
        size_t count;
        info->manifest = fvm__carstream_roots(&cs, &count)[0];
        fvm__carstream_close(&cs);
    }
    close(fd);
    return err;
}

fvm_err fvm__bundle_info_read(fvm_bundle_info *out, const char *folder, const char *name,
                              const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_bundle_info info = { .car_bytes = 0 };
    fvm_buf path;
    fvm_buf_init(&path, alloc);
    (void)snprintf(info.name, sizeof info.name, "%s", name);
    fvm_err err = fvm__bundle_path(&path, folder, name, ".car");
    if (err == FVM_OK) err = read_root(&info, (const char *)path.ptr, alloc, why);
    if (err == FVM_OK) err = read_meta(&info, folder, alloc);
    fvm_buf_deinit(&path);
    if (err == FVM_OK) *out = info;
    return err;
}

/* --- listing --- */

typedef struct bundle_name {
    char text[FVM_BUNDLE_NAME_MAX];
} bundle_name;

static int compare_names(const void *a, const void *b)
{
    const bundle_name *x = a, *y = b;
    size_t nx = (size_t)(version_part(x->text) - x->text);
    size_t ny = (size_t)(version_part(y->text) - y->text);
    int c = fvm_bytes_cmp((fvm_bytes){ (const uint8_t *)x->text, nx },
                          (fvm_bytes){ (const uint8_t *)y->text, ny });
    if (c) return c;
    size_t lx = strlen(x->text), ly = strlen(y->text); /* no leading zeros: longer is larger */
    if (lx != ly) return lx < ly ? -1 : 1;
    return strcmp(x->text, y->text);
}

/* The names of all CARs in the folder, in order. */
static fvm_err read_names(fvm_buf *out, const char *folder, const fvm_allocator *alloc,
                          fvm_store_why *why)
{
    fvm_buf path;
    fvm_buf_init(&path, alloc);
    fvm_err err = fvm_bundle_folder(&path, folder);
    DIR *dir = err == FVM_OK ? opendir((const char *)path.ptr) : NULL;
    if (err == FVM_OK && !dir && errno != ENOENT)
        err = fvm__why(why, FVM_ERR_IO, "%s: %s", (const char *)path.ptr, strerror(errno));
    fvm_buf_deinit(&path);
    if (!dir) return err;
    const struct dirent *item;
    while (err == FVM_OK && (item = readdir(dir)) != NULL) {
        bundle_name name = { { 0 } };
        size_t len = strlen(item->d_name);
        if (len < 5 || len - 4 >= sizeof name.text || strcmp(item->d_name + len - 4, ".car") != 0)
            continue;
        memcpy(name.text, item->d_name, len - 4);
        if (!fvm__bundle_name_is(name.text)) continue;
        err = fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&name, sizeof name });
    }
    closedir(dir);
    if (out->len)
        qsort(out->ptr, out->len / sizeof(bundle_name), sizeof(bundle_name), compare_names);
    return err;
}

fvm_err fvm_bundle_each(const char *folder,
                        fvm_err (*visit)(void *ctx, const fvm_bundle_info *info), void *ctx,
                        const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_buf names;
    fvm_buf_init(&names, alloc);
    fvm_err err = read_names(&names, folder, alloc, why);
    for (size_t i = 0; err == FVM_OK && i < names.len / sizeof(bundle_name); i++) {
        const bundle_name *name = (const bundle_name *)(const void *)names.ptr + i;
        fvm_bundle_info info;
        err = fvm__bundle_info_read(&info, folder, name->text, alloc, why);
        if (err == FVM_ERR_NOT_FOUND)
            err = FVM_OK; /* removed meanwhile */
        else if (err == FVM_OK)
            err = visit(ctx, &info);
    }
    fvm_buf_deinit(&names);
    return err;
}

/* --- opening --- */

extern const uint8_t fvm__embedded_car[]; /* cmake/actors.cmake */
extern const size_t fvm__embedded_car_len;

fvm_bytes fvm__bundle_embedded(void)
{
    return (fvm_bytes){ fvm__embedded_car, fvm__embedded_car_len };
}

/* Two bundles, one CAR: a root each. */
static const char *const embedded_names[] = { FVM_BUNDLE_EMBEDDED, FVM_BUNDLE_EMBEDDED_USER };

static fvm_err open_embedded(fvm_blockstore *out, fvm_bundle_info *info, size_t which,
                             const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_bytes car = fvm__bundle_embedded();
    FVM_TRY(fvm__car_open_memory(out, car, FVM_BUNDLE_EMBEDDED, alloc, why));
    if (!info) return FVM_OK;
    const fvm_cid *roots;
    uint8_t digest[32];
    size_t count;
    fvm_blockstore_car_roots(out, &roots, &count);
    *info = (fvm_bundle_info){ .manifest = roots[which], .car_bytes = car.len };
    (void)snprintf(info->name, sizeof info->name, "%s", embedded_names[which]);
    fvm_sha256(digest, car);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(info->car_sha256 + 2 * i, 3, "%02x", digest[i]);
    return FVM_OK;
}

static fvm_err not_here(fvm_store_why *why, const char *name)
{
    const char *version = version_part(name);
    if (!fvm__bundle_name_is(name))
        return fvm__why(why, FVM_ERR_NOT_FOUND,
                        "'%s' is no name of a bundle, as mainnet-v17 or " FVM_BUNDLE_EMBEDDED,
                        name);
    return fvm__why(why, FVM_ERR_NOT_FOUND,
                    "bundle %s is not here; 'fvm bundle import %s.tar.zst --network %.*s' imports "
                    "it (Lotus has that file in build/actors)",
                    name, version + 1, (int)(version - name), name);
}

fvm_err fvm_bundle_open(fvm_blockstore *out, fvm_bundle_info *info, const char *folder,
                        const char *name, const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_bundle_info found;
    fvm_buf path;
    for (size_t i = 0; i < FVM_COUNT(embedded_names); i++)
        if (strcmp(name, embedded_names[i]) == 0) return open_embedded(out, info, i, alloc, why);
    if (!fvm__bundle_name_is(name)) return not_here(why, name);
    fvm_err err = fvm__bundle_info_read(&found, folder, name, alloc, why);
    if (err == FVM_ERR_NOT_FOUND) return not_here(why, name);
    if (err != FVM_OK) return err;
    fvm_buf_init(&path, alloc);
    err = fvm__bundle_path(&path, folder, name, ".car");
    if (err == FVM_OK) err = fvm__car_open(out, (const char *)path.ptr, false, true, alloc, why);
    fvm_buf_deinit(&path);
    if (err == FVM_OK && info) *info = found;
    return err;
}

typedef struct search {
    const fvm_cid *manifest;
    char name[FVM_BUNDLE_NAME_MAX];
} search;

static fvm_err match_manifest(void *ctx, const fvm_bundle_info *info)
{
    search *s = ctx;
    if (s->name[0] == 0 && fvm_cid_eq(s->manifest, &info->manifest))
        memcpy(s->name, info->name, sizeof s->name);
    return FVM_OK;
}

fvm_err fvm_bundle_open_manifest(fvm_blockstore *out, fvm_bundle_info *info, const char *folder,
                                 const fvm_cid *manifest, const fvm_allocator *alloc,
                                 fvm_store_why *why)
{
    search s = { manifest, { 0 } };
    for (size_t i = 0; i < FVM_COUNT(embedded_names); i++) {
        fvm_bundle_info own;
        FVM_TRY(open_embedded(out, &own, i, alloc, why));
        if (fvm_cid_eq(manifest, &own.manifest)) {
            if (info) *info = own;
            return FVM_OK;
        }
        fvm_blockstore_free(out);
    }
    FVM_TRY(fvm_bundle_each(folder, match_manifest, &s, alloc, why));
    if (s.name[0]) return fvm_bundle_open(out, info, folder, s.name, alloc, why);
    char text[FVM_CID_TEXT_MAX];
    (void)fvm_cid_to_text(text, manifest);
    return fvm__why(why, FVM_ERR_NOT_FOUND,
                    "no bundle with manifest %s is here; 'fvm bundle import' imports one", text);
}

fvm_err fvm_bundle_remove(const char *folder, const char *name, fvm_store_why *why)
{
    fvm_buf path;
    if (!fvm__bundle_name_is(name)) return not_here(why, name);
    fvm_buf_init(&path, NULL);
    fvm_err err = fvm__bundle_path(&path, folder, name, ".car");
    if (err == FVM_OK && unlink((const char *)path.ptr) != 0)
        err = errno == ENOENT
                  ? not_here(why, name)
                  : fvm__why(why, FVM_ERR_IO, "%s: %s", (const char *)path.ptr, strerror(errno));
    path.len = 0;
    if (err == FVM_OK) err = fvm__bundle_path(&path, folder, name, ".meta");
    if (err == FVM_OK) (void)unlink((const char *)path.ptr); /* may be missing */
    fvm_buf_deinit(&path);
    return err;
}

/* --- what is inside --- */

/* The data CID of the manifest block [1, cid]. */
static fvm_err read_manifest(fvm_cid *data, const fvm_blockstore *bs, const fvm_cid *manifest,
                             fvm_buf *spare)
{
    fvm_bytes in;
    uint64_t version;
    FVM_TRY(fvm_blockstore_view(bs, &in, spare, manifest));
    FVM_TRY(fvm_cbor_tuple(2, &in));
    FVM_TRY(fvm_cbor_uint(&version, &in));
    if (version != 1) return FVM_ERR_VERSION;
    FVM_TRY(fvm_cbor_cid(data, &in));
    return fvm_cbor_end(in);
}

static fvm_err read_actor(fvm_bundle_actor *actor, fvm_bytes *in, const fvm_blockstore *bs,
                          fvm_buf *code, fvm_store_why *why)
{
    fvm_bytes name;
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_text(&name, in, NULL));
    FVM_TRY(fvm_cbor_cid(&actor->code, in));
    if (name.len == 0 || name.len >= sizeof actor->name || memchr(name.ptr, 0, name.len))
        return FVM_ERR_MALFORMED;
    memcpy(actor->name, name.ptr, name.len);
    code->len = 0;
    fvm_err err = fvm_blockstore_get(bs, code, &actor->code);
    if (err == FVM_ERR_NOT_FOUND) {
        char text[FVM_CID_TEXT_MAX];
        (void)fvm_cid_to_text(text, &actor->code);
        return fvm__why(why, FVM_ERR_MISSING_BLOCK, "the code of actor '%s', %s, is missing",
                        actor->name, text);
    }
    actor->bytes = code->len;
    return err;
}

static fvm_err read_actors(fvm_buf *out, const fvm_blockstore *bs, const fvm_cid *manifest,
                           fvm_buf spare[2], fvm_store_why *why)
{
    fvm_cid data;
    fvm_bytes in;
    uint64_t count;
    FVM_TRY(read_manifest(&data, bs, manifest, &spare[0]));
    spare[0].len = 0;
    FVM_TRY(fvm_blockstore_view(bs, &in, &spare[0], &data));
    FVM_TRY(fvm_cbor_array(&count, &in));
    if (count == 0 || count > FVM__BUNDLE_ACTORS_MAX) return FVM_ERR_LIMIT;
    for (uint64_t i = 0; i < count; i++) {
        fvm_bundle_actor actor = { .bytes = 0 };
        FVM_TRY(read_actor(&actor, &in, bs, &spare[1], why));
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&actor, sizeof actor }));
    }
    return fvm_cbor_end(in);
}

fvm_err fvm_bundle_actors(fvm_buf *out, const fvm_blockstore *bs, const fvm_cid *manifest,
                          fvm_store_why *why)
{
    fvm_buf spare[2];
    size_t start = out->len;
    fvm_buf_init(&spare[0], out->alloc);
    fvm_buf_init(&spare[1], out->alloc);
    fvm_err err = read_actors(out, bs, manifest, spare, why);
    fvm_buf_deinit(&spare[0]);
    fvm_buf_deinit(&spare[1]);
    if (err == FVM_OK) return FVM_OK;
    out->len = start;
    if (err == FVM_ERR_NOT_FOUND)
        return fvm__why(why, FVM_ERR_MISSING_BLOCK, "the manifest of the bundle is not complete");
    if (fvm_err_class_of(err) == FVM_CLASS_INPUT)
        return fvm__why(why, FVM_ERR_BAD_STATE, "not a bundle of actors: its root is no manifest");
    return err;
}
