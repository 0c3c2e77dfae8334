/* cmd_actor_unit.c - see cmd_actor_unit.h. */
#include "cmd_actor_unit.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

#define ARGS_MAX 256
#define TEXT_MAX (PATH_MAX + 64)

fvm_err fvm_actor_run(char **argv, const char *hint, fvm_store_why *why)
{
    pid_t child;
    int status;
    (void)fflush(stdout); /* so that what the program says comes behind what we said */
    int failed = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);
    if (failed)
        return fvm__why(why, FVM_ERR_NOT_FOUND, "%s: %s%s", argv[0], strerror(failed), hint);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return fvm__why(why, FVM_ERR_IO, "%s: %s", argv[0], strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return FVM_OK;
    return fvm__why(why, FVM_ERR_INVALID, "%s failed", argv[0]);
}

/* One unit test's program. */
static fvm_err compile(const fvm_actor_project *project, char **sources, size_t count, char *unit,
                       char *program, fvm_store_why *why)
{
    static const char *const libraries[] = { "-lcrypto",  "-lsodium",  "-lsecp256k1",
                                             "-llmdb",    "-lz",       "-lzstd",
                                             "-ljansson", "-lpthread", "-lm" };
    char include[TEXT_MAX], numbers[TEXT_MAX], mock[TEXT_MAX], library[TEXT_MAX];
    char *argv[ARGS_MAX] = {
        (char *)"clang-19",
        (char *)"-g",
        (char *)"-O1",
        (char *)"-Wall",
        (char *)"-Wextra",
        (char *)"-fsanitize=address,undefined",
        (char *)"-fno-sanitize-recover=all",
        (char *)"-include",
        numbers,
        include,
        unit,
    };
    size_t n = 0;
    while (argv[n]) n++;
    (void)snprintf(numbers, sizeof numbers, "%s/build/frc42.h", project->dir);
    (void)snprintf(include, sizeof include, "-I%s/include", project->sdk);
    (void)snprintf(mock, sizeof mock, "%s/lib/libfvm_mock.a", project->sdk);
    (void)snprintf(library, sizeof library, "%s/lib/libfvm.a", project->sdk);
    for (size_t i = 0; i < count; i++) argv[n++] = sources[i];
    argv[n++] = mock;
    argv[n++] = library;
    for (size_t i = 0; i < FVM_COUNT(libraries); i++) argv[n++] = (char *)libraries[i];
    argv[n++] = (char *)"-o";
    argv[n++] = program;
    return fvm_actor_run(argv, " (Debian: apt-get install clang-19 libclang-rt-19-dev)", why);
}

fvm_err fvm_actor_unit(const fvm_actor_project *project, size_t *passed, size_t *failed,
                       fvm_store_why *why)
{
    char *sources[FVM_ACTOR_FILES_MAX], *units[FVM_ACTOR_FILES_MAX];
    char program[TEXT_MAX];
    size_t source_count, unit_count;
    FVM_TRY(fvm_actor_sources(sources, &source_count, project, "", why));
    fvm_err err = fvm_actor_sources(units, &unit_count, project, "unit", why);
    for (size_t i = 0; err == FVM_OK && i < unit_count; i++) {
        const char *name = strrchr(units[i], '/') + 1;
        char *argv[] = { program, NULL };
        (void)snprintf(program, sizeof program, "%s/build/%.*s", project->dir,
                       (int)(strrchr(name, '.') - name), name);
        err = compile(project, sources, source_count, units[i], program, why);
        if (err != FVM_OK) break;
        err = fvm_actor_run(argv, "", why);
        printf("%-5s %s\n", err == FVM_OK ? "ok" : "FAIL", name);
        *(err == FVM_OK ? passed : failed) += 1;
        if (err == FVM_ERR_INVALID) err = FVM_OK;
    }
    fvm_actor_files_free(units, unit_count);
    fvm_actor_files_free(sources, source_count);
    return err;
}
