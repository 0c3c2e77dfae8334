/* code_folder.c - compiled modules as files: KEY.fvmcode, KEY in hex.
 *
 * A file is written under a name of its own, which begins with a dot, and renamed, so that readers
 * see the old one or the new one. It is read into memory before anything is checked or used: what
 * happens to the file afterwards changes nothing. Nothing is synced to disk; what a loss of power
 * leaves of a file does not pass its checksum. */
#include "source.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".fvmcode"
#define TEMPORARY ".tmp"
#define NAME_BYTES (2 * FVM_CODE_KEY_BYTES + sizeof SUFFIX)
#define FILE_MAX (UINT64_C(4) << 30) /* code stays below 2 GiB */
#define STALE_SECONDS 3600           /* a temporary file that old was left by a process that died */

struct fvm_code_folder {
    const fvm_allocator *alloc;
    int fd;
    uint64_t max_bytes;
    atomic_uint written; /* to tell temporary files of one process apart */
};

/* --- whose it is ------------------------------------------------------------------------------ */

static bool only_mine(const struct stat *info)
{
    return info->st_uid == geteuid() && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static fvm_err open_checked(int *fd, const char *path, fvm_store_why *why)
{
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fvm__why(why, FVM_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return fvm__why(why, errno == ENOTDIR ? FVM_ERR_INVALID : FVM_ERR_IO, "%s: %s", path,
                        strerror(errno));
    if (fstat(*fd, &info) == 0 && only_mine(&info)) return FVM_OK;
    (void)close(*fd);
    return fvm__why(why, FVM_ERR_INVALID,
                    "%s: code is run from there, so it must belong to you, and nobody else may "
                    "write to it (chmod 700)",
                    path);
}

fvm_err fvm_code_folder_open(fvm_code_folder **out, const char *path, uint64_t max_bytes,
                             const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_code_folder *folder = fvm_mem_zalloc(alloc, sizeof *folder);
    if (!folder) return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", path);
    folder->alloc = alloc;
    folder->max_bytes = max_bytes ? max_bytes : FVM_CODE_FOLDER_BYTES;
    fvm_err err = open_checked(&folder->fd, path, why);
    if (err != FVM_OK) {
        fvm_mem_free(alloc, folder, sizeof *folder);
        return err;
    }
    *out = folder;
    return FVM_OK;
}

void fvm_code_folder_close(fvm_code_folder *folder)
{
    if (!folder) return;
    (void)close(folder->fd);
    fvm_mem_free(folder->alloc, folder, sizeof *folder);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void file_name(char out[NAME_BYTES], const uint8_t key[FVM_CODE_KEY_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < FVM_CODE_KEY_BYTES; i++) {
        *out++ = digits[key[i] >> 4];
        *out++ = digits[key[i] & 15];
    }
    memcpy(out, SUFFIX, sizeof SUFFIX);
}

static fvm_err read_file(int fd, fvm_buf *out)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return FVM_ERR_IO;
    if (!S_ISREG(info.st_mode) || !only_mine(&info)) return FVM_ERR_INVALID;
    if (info.st_size <= 0) return FVM_ERR_TRUNCATED;
    if ((uint64_t)info.st_size > FILE_MAX) return FVM_ERR_LIMIT;
    size_t size = (size_t)info.st_size;
    FVM_TRY(fvm_buf_reserve(out, size));
    FVM_TRY(fvm__pread_full(fd, out->ptr + out->len, size, 0));
    out->len += size;
    (void)futimens(fd, NULL); /* used now */
    return FVM_OK;
}

static fvm_err load(void *ctx, fvm_buf *out, const uint8_t key[FVM_CODE_KEY_BYTES])
{
    const fvm_code_folder *folder = ctx;
    char name[NAME_BYTES];
    file_name(name, key);
    /* a pipe of that name must not make the open wait */
    int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return FVM_ERR_NOT_FOUND;
    fvm_err err = read_file(fd, out);
    (void)close(fd);
    return err;
}

/* --- staying within the bound ----------------------------------------------------------------- */

typedef struct kept_file {
    char name[NAME_BYTES];
    uint64_t bytes;
    struct timespec used;
} kept_file;

static int by_use(const void *a, const void *b)
{
    const kept_file *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Appends what is ours among the folder's entries; deletes what dead processes left. */
static fvm_err list_files(fvm_buf *out, int fd, DIR *entries)
{
    time_t now = time(NULL);
    for (struct dirent *e; (e = readdir(entries)) != NULL;) {
        struct stat info;
        kept_file file = { .bytes = 0 };
        bool temporary = e->d_name[0] == '.' && ends_with(e->d_name, TEMPORARY);
        bool image = strlen(e->d_name) == NAME_BYTES - 1 && ends_with(e->d_name, SUFFIX);
        if ((!temporary && !image) || fstatat(fd, e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (temporary) {
            if (now - info.st_mtim.tv_sec > STALE_SECONDS) (void)unlinkat(fd, e->d_name, 0);
            continue;
        }
        memcpy(file.name, e->d_name, NAME_BYTES);
        file.bytes = (uint64_t)info.st_size;
        file.used = info.st_mtim;
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&file, sizeof file }));
    }
    return FVM_OK;
}

static void trim(fvm_code_folder *folder)
{
    fvm_buf list;
    uint64_t total = 0;
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0) (void)close(fd);
        return;
    }
    fvm_buf_init(&list, folder->alloc);
    if (list_files(&list, folder->fd, entries) == FVM_OK && list.len) {
        kept_file *files = (kept_file *)(void *)list.ptr;
        size_t count = list.len / sizeof *files;
        for (size_t i = 0; i < count; i++) total += files[i].bytes;
        if (total > folder->max_bytes) qsort(files, count, sizeof *files, by_use);
        for (size_t i = 0; i < count && total > folder->max_bytes; i++) {
            (void)unlinkat(folder->fd, files[i].name, 0);
            total -= files[i].bytes;
        }
    }
    fvm_buf_deinit(&list);
    (void)closedir(entries);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void save(void *ctx, const uint8_t key[FVM_CODE_KEY_BYTES], fvm_bytes image)
{
    fvm_code_folder *folder = ctx;
    char name[NAME_BYTES], temporary[64];
    file_name(name, key);
    (void)snprintf(temporary, sizeof temporary, ".%ld-%u" TEMPORARY, (long)getpid(),
                   folder->written++);
    int fd = openat(folder->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0) return;
    bool good = fvm__write_full(fd, image) == FVM_OK;
    good = close(fd) == 0 && good;
    if (!good || renameat(folder->fd, temporary, folder->fd, name) != 0)
        (void)unlinkat(folder->fd, temporary, 0);
    trim(folder);
}

fvm_code_cache fvm_code_folder_cache(fvm_code_folder *folder)
{
    return (fvm_code_cache){ .load = load, .save = save, .ctx = folder };
}
