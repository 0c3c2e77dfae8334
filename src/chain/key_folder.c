/* key_folder.c - a folder of encrypted keys. Nobody but the user may read it; a file is written under a name
 * that begins with a dot, synced, and linked to its own, so that it is whole or not there, and takes
 * the place of no other. */
#include "chain/key_file.h"
#include "store/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_NAME "default"

fvm_err fvm_keys_folder(char out[4096])
{
    const char *own = getenv("FVM_KEYS"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n;
    if (own && *own) {
        n = snprintf(out, 4096, "%s", own);
    } else if (data && *data) {
        n = snprintf(out, 4096, "%s/fvm/keys", data);
    } else if (home && *home) {
        n = snprintf(out, 4096, "%s/.local/share/fvm/keys", home);
    } else {
        return FVM_ERR_NOT_FOUND;
    }
    return n > 0 && n < 4096 ? FVM_OK : FVM_ERR_NOT_FOUND;
}

/* --- the folder --- */

static bool make_path(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0700);
        int why = errno;
        *slash = '/';
        if (made != 0 && why != EEXIST) {
            errno = why;
            return false;
        }
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* A descriptor, made first if `make`. FVM_ERR_NOT_FOUND when it is not there. */
static fvm_err open_folder(int *fd, const char *folder, bool make, fvm_store_why *why)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s", folder);
    if (n <= 0 || (size_t)n >= sizeof path)
        return fvm__why(why, FVM_ERR_INVALID,
                        "the name of the folder of keys is empty or too long");
    if (make && !make_path(path))
        return fvm__why(why, FVM_ERR_IO, "%s: cannot be made: %s", folder, strerror(errno));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0) return FVM_OK;
    return fvm__why(why,
                    errno == ENOENT    ? FVM_ERR_NOT_FOUND
                    : errno == ENOTDIR ? FVM_ERR_INVALID
                                       : FVM_ERR_IO,
                    "%s: %s", folder, strerror(errno));
}

static fvm_err read_file(fvm_buf *out, int folder, const char *name)
{
    struct stat info;
    /* a pipe of that name must not make the open wait */
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return errno == ENOENT ? FVM_ERR_NOT_FOUND : FVM_ERR_IO;
    fvm_err err = FVM_ERR_MALFORMED;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        info.st_size <= (off_t)FVM_KEY_FILE_MAX) {
        size_t len = (size_t)info.st_size;
        out->len = 0;
        err = fvm_buf_reserve(out, len);
        if (err == FVM_OK) err = fvm__pread_full(fd, out->ptr, len, 0);
        if (err == FVM_OK) out->len = len;
    }
    (void)close(fd);
    return err;
}

/* Writes `name`, which takes another's place only if `replace`. */
static fvm_err write_file(int folder, const char *name, fvm_bytes content, bool replace)
{
    char temporary[64];
    (void)snprintf(temporary, sizeof temporary, ".new-%ld", (long)getpid());
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return FVM_ERR_IO;
    fvm_err err = fvm__write_full(fd, content);
    if (err == FVM_OK && fsync(fd) != 0) err = FVM_ERR_IO;
    if (close(fd) != 0 && err == FVM_OK) err = FVM_ERR_IO;
    if (err == FVM_OK && replace && renameat(folder, temporary, folder, name) != 0)
        err = FVM_ERR_IO;
    if (err == FVM_OK && !replace && linkat(folder, temporary, folder, name, 0) != 0)
        err = FVM_ERR_IO;
    if (err != FVM_OK || !replace) (void)unlinkat(folder, temporary, 0);
    if (err == FVM_OK) (void)fsync(folder);
    return err;
}

/* --- walking --- */

typedef struct walk {
    int fd;
    const char *folder;
    fvm_buf bytes; /* of the file at hand */
    fvm_address usual;
} walk;

static fvm_err read_default(fvm_address *out, walk *w)
{
    FVM_TRY(read_file(&w->bytes, w->fd, DEFAULT_NAME));
    fvm_bytes text = fvm_buf_bytes(&w->bytes);
    while (text.len && text.ptr[text.len - 1] <= ' ') text.len--;
    return fvm_address_from_text(out, text, 'f');
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, DEFAULT_NAME) != 0;
}

static fvm_err visit_file(walk *w, const char *name,
                          fvm_err (*visit)(void *ctx, const fvm_key_info *info), void *ctx)
{
    char path[PATH_MAX];
    fvm_key_info info = { .path = path };
    fvm_err err = read_file(&w->bytes, w->fd, name);
    if (err != FVM_OK) return err == FVM_ERR_NOMEM ? err : FVM_OK;
    if (fvm_key_file_address(&info.address, &info.type, fvm_buf_bytes(&w->bytes)) != FVM_OK)
        return FVM_OK; /* something else that lies there */
    (void)snprintf(path, sizeof path, "%s/%s", w->folder, name);
    info.is_default = w->usual.len && fvm_address_eq(&w->usual, &info.address);
    return visit(ctx, &info);
}

static fvm_err walk_folder(walk *w, fvm_err (*visit)(void *ctx, const fvm_key_info *info),
                           void *ctx, fvm_store_why *why)
{
    struct dirent **names;
    if (read_default(&w->usual, w) != FVM_OK) w->usual = (fvm_address){ 0 };
    int count = scandir(w->folder, &names, is_visible, alphasort);
    if (count < 0) return fvm__why(why, FVM_ERR_IO, "%s: %s", w->folder, strerror(errno));
    fvm_err err = FVM_OK;
    for (int i = 0; i < count; i++) {
        if (err == FVM_OK) err = visit_file(w, names[i]->d_name, visit, ctx);
        free(names[i]);
    }
    free(names);
    return err;
}

fvm_err fvm_keys_each(const char *folder, fvm_err (*visit)(void *ctx, const fvm_key_info *info),
                      void *ctx, fvm_store_why *why)
{
    walk w = { .folder = folder };
    fvm_err err = open_folder(&w.fd, folder, false, why);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    fvm_buf_init(&w.bytes, NULL);
    err = walk_folder(&w, visit, ctx, why);
    fvm_buf_deinit(&w.bytes);
    (void)close(w.fd);
    return err;
}

typedef struct search {
    const fvm_address *wanted;
    char path[PATH_MAX]; /* empty: not found */
    bool is_default;
    size_t count;
} search;

static fvm_err match(void *ctx, const fvm_key_info *info)
{
    search *s = ctx;
    s->count++;
    if (!s->path[0] && fvm_address_eq(s->wanted, &info->address)) {
        (void)snprintf(s->path, sizeof s->path, "%s", info->path);
        s->is_default = info->is_default;
    }
    return FVM_OK;
}

static fvm_err find(search *s, const char *folder, const fvm_address *address, fvm_store_why *why)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    *s = (search){ .wanted = address };
    FVM_TRY(fvm_keys_each(folder, match, s, why));
    if (s->path[0]) return FVM_OK;
    (void)fvm_address_to_text(text, address, 'f');
    return fvm__why(why, FVM_ERR_NOT_FOUND, "%s: there is no key of %s", folder, text);
}

/* --- one key --- */

static void name_of(char out[NAME_MAX + 1], const fvm_key *key)
{
    char text[FVM_ADDRESS_TEXT_MAX], when[32];
    time_t now = time(NULL);
    struct tm parts = { 0 };
    (void)gmtime_r(&now, &parts);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H-%M-%SZ", &parts);
    if (key->type == FVM_SIGNATURE_DELEGATED) {
        fvm_eth_address_to_text(text, &key->eth, false);
        memmove(text, text + 2, 41); /* as others name theirs: without 0x */
    } else {
        (void)fvm_address_to_text(text, &key->address, 'f');
    }
    (void)snprintf(out, NAME_MAX + 1, "UTC--%s--%s", when, text);
}

static fvm_err write_default(int fd, const fvm_address *address)
{
    char text[FVM_ADDRESS_TEXT_MAX + 1];
    size_t n = fvm_address_to_text(text, address, 'f');
    text[n++] = '\n';
    return write_file(fd, DEFAULT_NAME, (fvm_bytes){ (const uint8_t *)text, n }, true);
}

fvm_err fvm_keys_put(const char *folder, const fvm_key *key, fvm_bytes passphrase, unsigned cost,
                     fvm_store_why *why)
{
    char name[NAME_MAX + 1];
    search s;
    int fd;
    fvm_buf json;
    fvm_err err = find(&s, folder, &key->address, why);
    if (err == FVM_OK)
        return fvm__why(why, FVM_ERR_INVALID, "%s: the key is there already", s.path);
    if (err != FVM_ERR_NOT_FOUND) return err;
    FVM_TRY(open_folder(&fd, folder, true, why));
    fvm_buf_init(&json, NULL);
    err = fvm_key_encrypt(&json, key, passphrase, cost);
    if (err != FVM_OK) {
        err = fvm__why(why, err, "encrypting the key: %s", fvm_err_text(err));
    } else {
        name_of(name, key);
        err = write_file(fd, name, fvm_buf_bytes(&json), false);
        if (err == FVM_OK && s.count == 0) err = write_default(fd, &key->address);
        if (err != FVM_OK)
            err = fvm__why(why, err, "%s/%s: cannot be written: %s", folder, name, strerror(errno));
    }
    fvm_buf_deinit(&json);
    (void)close(fd);
    return err;
}

fvm_err fvm_keys_get(fvm_key *out, const char *folder, const fvm_address *address,
                     fvm_bytes passphrase, fvm_store_why *why)
{
    search s;
    fvm_buf json;
    FVM_TRY(find(&s, folder, address, why));
    fvm_buf_init(&json, NULL);
    fvm_err err = read_file(&json, AT_FDCWD, s.path);
    if (err != FVM_OK) {
        err = fvm__why(why, err, "%s: cannot be read", s.path);
    } else {
        err = fvm_key_decrypt(out, fvm_buf_bytes(&json), passphrase, why);
    }
    fvm_buf_deinit(&json);
    return err;
}

fvm_err fvm_keys_delete(const char *folder, const fvm_address *address, fvm_store_why *why)
{
    search s;
    char usual[PATH_MAX];
    FVM_TRY(find(&s, folder, address, why));
    if (unlink(s.path) != 0) return fvm__why(why, FVM_ERR_IO, "%s: %s", s.path, strerror(errno));
    int n = snprintf(usual, sizeof usual, "%s/" DEFAULT_NAME, folder);
    if (s.is_default && n > 0 && (size_t)n < sizeof usual) (void)unlink(usual);
    return FVM_OK;
}

fvm_err fvm_keys_default(fvm_address *out, const char *folder, fvm_store_why *why)
{
    walk w = { .folder = folder };
    fvm_err err = open_folder(&w.fd, folder, false, why);
    if (err == FVM_OK) {
        fvm_buf_init(&w.bytes, NULL);
        err = read_default(out, &w);
        fvm_buf_deinit(&w.bytes);
        (void)close(w.fd);
    }
    if (err == FVM_ERR_NOT_FOUND) return fvm__why(why, err, "%s: there is no default key", folder);
    return err == FVM_OK ? err
                         : fvm__why(why, err, "%s/" DEFAULT_NAME ": %s", folder, fvm_err_text(err));
}

fvm_err fvm_keys_set_default(const char *folder, const fvm_address *address, fvm_store_why *why)
{
    search s;
    int fd;
    FVM_TRY(find(&s, folder, address, why));
    FVM_TRY(open_folder(&fd, folder, false, why));
    fvm_err err = write_default(fd, address);
    (void)close(fd);
    return err == FVM_OK ? err : fvm__why(why, err, "%s: cannot be written", folder);
}
