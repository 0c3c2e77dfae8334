/* paths.c - the vector files below a folder. */
#include "conformance.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 32 /* folders within folders; also ends cycles of links */

static fvm_err keep(fvm_paths *paths, char *path)
{
    if (paths->count == paths->cap) {
        size_t cap = paths->cap ? 2 * paths->cap : 64;
        char **more = realloc(paths->path, cap * sizeof *more);
        if (!more) return FVM_ERR_NOMEM;
        paths->path = more;
        paths->cap = cap;
    }
    paths->path[paths->count++] = path;
    return FVM_OK;
}

/* What a walk looks at: not hidden files, and not what lies beside vectors. */
static int wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "trace") != 0 &&
           strcmp(entry->d_name, "src") != 0;
}

static fvm_err add(fvm_paths *paths, const char *path, unsigned depth, fvm_store_why *why)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fvm__why(why, FVM_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) {
        if (depth && !fvm_ends_with(path, ".json")) return FVM_OK;
        char *copy = strdup(path);
        if (copy && keep(paths, copy) == FVM_OK) return FVM_OK;
        free(copy);
        return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", path);
    }
    if (depth == DEPTH_MAX)
        return fvm__why(why, FVM_ERR_DEPTH, "%s: more than %d folders deep", path, DEPTH_MAX);
    struct dirent **entries;
    int count = scandir(path, &entries, wanted, alphasort);
    if (count < 0) return fvm__why(why, FVM_ERR_INVALID, "%s: %s", path, strerror(errno));
    fvm_err err = FVM_OK;
    for (int i = 0; i < count; i++) {
        char *below = NULL;
        if (err == FVM_OK && asprintf(&below, "%s%s%s", path, fvm_ends_with(path, "/") ? "" : "/",
                                      entries[i]->d_name) < 0)
            below = NULL;
        if (below)
            err = add(paths, below, depth + 1, why);
        else if (err == FVM_OK)
            err = fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", path);
        free(below);
        free(entries[i]);
    }
    free(entries);
    return err;
}

fvm_err fvm_paths_add(fvm_paths *paths, const char *path, fvm_store_why *why)
{
    return add(paths, path, 0, why);
}

void fvm_paths_deinit(fvm_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) free(paths->path[i]);
    free(paths->path);
    *paths = (fvm_paths){ 0 };
}
