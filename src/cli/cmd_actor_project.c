/* cmd_actor_project.c - where a project's files are, where the SDK is. */
#include "cmd_actor.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_sdk(const char *path)
{
    char file[PATH_MAX];
    int n = snprintf(file, sizeof file, "%s/lib/libfvm_sdk.a", path);
    return n > 0 && (size_t)n < sizeof file && access(file, R_OK) == 0;
}

static fvm_err find_sdk(fvm_actor_project *project, fvm_store_why *why)
{
    static const char *const beside[] = { "sdk", "../share/fvm/sdk" };
    char program[PATH_MAX];
    const char *given = getenv("FVM_SDK");
    if (given) {
        int n = snprintf(project->sdk, sizeof project->sdk, "%s", given);
        if (n > 0 && (size_t)n < sizeof project->sdk && is_sdk(project->sdk)) return FVM_OK;
        return fvm__why(why, FVM_ERR_NOT_FOUND, "FVM_SDK=%s: no lib/libfvm_sdk.a there", given);
    }
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len > 0) {
        program[len] = '\0';
        char *slash = strrchr(program, '/');
        if (slash) *slash = '\0';
        for (size_t i = 0; i < FVM_COUNT(beside); i++) {
            int n = snprintf(project->sdk, sizeof project->sdk, "%s/%s", program, beside[i]);
            if (n > 0 && (size_t)n < sizeof project->sdk && is_sdk(project->sdk)) return FVM_OK;
        }
    }
    return fvm__why(why, FVM_ERR_NOT_FOUND,
                    "the SDK is not beside this program; set FVM_SDK to its folder");
}

fvm_err fvm_actor_project_open(fvm_actor_project *project, const char *dir, fvm_store_why *why)
{
    char real[PATH_MAX];
    if (!realpath(dir, real)) return fvm__why(why, FVM_ERR_NOT_FOUND, "%s: no such folder", dir);
    const char *name = strrchr(real, '/') + 1;
    if (strlen(real) >= sizeof project->dir || strlen(name) >= sizeof project->name || !*name)
        return fvm__why(why, FVM_ERR_LIMIT, "%s: the path is too long", dir);
    memcpy(project->dir, real, strlen(real) + 1);
    memcpy(project->name, name, strlen(name) + 1);
    (void)snprintf(project->wasm, sizeof project->wasm, "%s/build/%s.wasm", real, name);
    return find_sdk(project, why);
}

static int by_name(const void *a, const void *b)
{
    char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

bool fvm_actor_is_cpp(const char *path)
{
    return ends_in(path, ".cpp");
}

/* The files that end in `suffix` or, unless that is NULL, in `other`. */
static fvm_err list_files(char **paths, size_t *count, const fvm_actor_project *project,
                          const char *folder, const char *suffix, const char *other,
                          fvm_store_why *why)
{
    char path[PATH_MAX];
    fvm_err err = FVM_OK;
    struct dirent *entry;
    *count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", project->dir, folder);
    DIR *dir = opendir(path);
    if (!dir) return FVM_OK;
    while (err == FVM_OK && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (name[0] == '.' || !(ends_in(name, suffix) || (other && ends_in(name, other)))) continue;
        if (*count == FVM_ACTOR_FILES_MAX)
            err = fvm__why(why, FVM_ERR_LIMIT, "%s: more than %d files", path, FVM_ACTOR_FILES_MAX);
        else if (asprintf(&paths[*count], "%s/%s", path, entry->d_name) < 0)
            err = fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", path);
        else
            ++*count;
    }
    closedir(dir);
    if (err != FVM_OK) {
        fvm_actor_files_free(paths, *count);
        *count = 0;
        return err;
    }
    qsort(paths, *count, sizeof *paths, by_name);
    return FVM_OK;
}

fvm_err fvm_actor_files(char **paths, size_t *count, const fvm_actor_project *project,
                        const char *folder, const char *suffix, fvm_store_why *why)
{
    return list_files(paths, count, project, folder, suffix, NULL, why);
}

fvm_err fvm_actor_sources(char **paths, size_t *count, const fvm_actor_project *project,
                          const char *folder, fvm_store_why *why)
{
    return list_files(paths, count, project, folder, ".c", ".cpp", why);
}

void fvm_actor_files_free(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) free(paths[i]);
}
