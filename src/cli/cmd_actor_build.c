/* cmd_actor_build.c - `fvm actor build`: clang and wasm-ld over a project, and what came out. */
#include "cmd_actor.h"

#include "base/varint.h"
#include "cmd_actor_frc42.h"
#include "cmd_actor_unit.h"
#include "json.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#define ARGS_MAX 256
#define TEXT_MAX (PATH_MAX + 64)
#define WASM_MAX (UINT64_C(256) << 20)

static fvm_err make_folder(const char *path, fvm_store_why *why)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return FVM_OK;
    return fvm__why(why, FVM_ERR_IO, "%s: %s", path, strerror(errno));
}

static fvm_err write_numbers(const char *path, char **sources, size_t count, fvm_store_why *why)
{
    fvm_buf header, source;
    fvm_err err = FVM_OK;
    fvm_buf_init(&header, NULL);
    fvm_buf_init(&source, NULL);
    for (size_t i = 0; i < count && err == FVM_OK; i++) {
        source.len = 0;
        err = fvm_file_read(&source, sources[i], WASM_MAX, why);
        if (err == FVM_OK && (err = fvm_frc42_header(&header, fvm_buf_bytes(&source))) != FVM_OK)
            err = fvm__why(why, err, "%s: a method's name is too long", sources[i]);
    }
    FILE *f = err == FVM_OK ? fopen(path, "wb") : NULL;
    if (f) {
        bool good = fwrite(header.ptr, 1, header.len, f) == header.len;
        if (fclose(f) != 0 || !good) err = fvm__why(why, FVM_ERR_IO, "%s: cannot write", path);
    } else if (err == FVM_OK) {
        err = fvm__why(why, FVM_ERR_IO, "%s: %s", path, strerror(errno));
    }
    fvm_buf_deinit(&source);
    fvm_buf_deinit(&header);
    return err;
}

static const char hint[] = " (Debian: apt-get install clang-19 lld-19)";

/* One source to bitcode. The flags are those of cmake/sdk.cmake. */
static fvm_err compile(const fvm_actor_project *project, char *source, char *object,
                       const char *numbers, const char *level, fvm_store_why *why)
{
    char include[TEXT_MAX], libc[TEXT_MAX];
    (void)snprintf(include, sizeof include, "-I%s/include", project->sdk);
    (void)snprintf(libc, sizeof libc, "%s/libc", project->sdk);
    const char *argv[] = {
        "clang-19",
        "--target=wasm32",
        "-mcpu=mvp",
        "-mbulk-memory",
        "-msign-ext",
        fvm_actor_is_cpp(source) ? "-std=c++17" : "-std=c11",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-threadsafe-statics",
        "-ffreestanding",
        "-fno-builtin",
        "-fvisibility=hidden",
        "-ffunction-sections",
        "-fdata-sections",
        "-DFVM__SLOTS_MAX=64",
        "-Wall",
        "-Wextra",
        "-flto",
        level,
        "-include",
        numbers,
        include,
        "-isystem",
        libc,
        "-c",
        source,
        "-o",
        object,
        NULL,
    };
    return fvm_actor_run((char **)argv, hint, why);
}

static fvm_err link(const fvm_actor_project *project, char **objects, size_t count,
                    fvm_store_why *why)
{
    char library[TEXT_MAX], builtins[TEXT_MAX];
    const char *argv[ARGS_MAX] = {
        "wasm-ld-19",  "--no-entry",       "--gc-sections",
        "--strip-all", "--stack-first",    "--lto-O2",
        "-z",          "stack-size=16384", "--initial-memory=65536",
    };
    size_t n = 0;
    while (argv[n]) n++;
    (void)snprintf(library, sizeof library, "%s/lib/libfvm_sdk.a", project->sdk);
    (void)snprintf(builtins, sizeof builtins, "%s/lib/libclang_rt.builtins-wasm32.a", project->sdk);
    for (size_t i = 0; i < count; i++) argv[n++] = objects[i];
    argv[n++] = library;
    argv[n++] = builtins;
    argv[n++] = "-o";
    argv[n++] = project->wasm;
    return fvm_actor_run((char **)argv, hint, why);
}

static fvm_err compile_all(const fvm_actor_project *project, char **sources, size_t count,
                           const char *numbers, const char *level, fvm_store_why *why)
{
    char *objects[FVM_ACTOR_FILES_MAX] = { NULL };
    fvm_err err = FVM_OK;
    size_t made = 0;
    for (; made < count && err == FVM_OK; made++) {
        if (asprintf(&objects[made], "%s/build/%s.o", project->dir,
                     strrchr(sources[made], '/') + 1) < 0)
            return fvm__why(why, FVM_ERR_NOMEM, "out of memory");
        err = compile(project, sources[made], objects[made], numbers, level, why);
    }
    if (err == FVM_OK) err = link(project, objects, count, why);
    fvm_actor_files_free(objects, made);
    return err;
}

fvm_err fvm_actor_build(const fvm_actor_project *project, const char *level, fvm_store_why *why)
{
    char *sources[FVM_ACTOR_FILES_MAX], folder[TEXT_MAX], numbers[TEXT_MAX + 16];
    size_t count;
    FVM_TRY(fvm_actor_sources(sources, &count, project, "", why));
    fvm_err err = FVM_OK;
    if (count == 0)
        err = fvm__why(why, FVM_ERR_NOT_FOUND, "%s: no C or C++ files there", project->dir);
    (void)snprintf(folder, sizeof folder, "%s/build", project->dir);
    (void)snprintf(numbers, sizeof numbers, "%s/frc42.h", folder);
    if (err == FVM_OK) err = make_folder(folder, why);
    if (err == FVM_OK) err = write_numbers(numbers, sources, count, why);
    if (err == FVM_OK) err = compile_all(project, sources, count, numbers, level, why);
    fvm_actor_files_free(sources, count);
    return err;
}

/* --- bytes by section --- */

static const char *const section_names[] = {
    "custom", "type",  "import",  "function", "table", "memory",     "global",
    "export", "start", "element", "code",     "data",  "data count",
};

static json_t *sections_of(fvm_bytes wasm)
{
    json_t *list = json_array();
    fvm_bytes in = { wasm.ptr + 8, wasm.len - 8 },
              body; /* checked: it starts with magic, version */
    while (list && in.len) {
        uint64_t id, len;
        size_t before = in.len;
        if (fvm_varint_read(&id, &in) != FVM_OK || fvm_varint_read(&len, &in) != FVM_OK ||
            fvm_bytes_take(&body, &in, len) != FVM_OK || id >= FVM_COUNT(section_names))
            break;
        json_t *row = json_pack("{s:s, s:I}", "section", section_names[id], "bytes",
                                (json_int_t)(before - in.len));
        if (!row || json_array_append_new(list, row) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static fvm_err report(const fvm_actor_project *project, fvm_bytes wasm, bool as_json)
{
    json_t *list = sections_of(wasm), *row;
    size_t i;
    if (!list) return FVM_ERR_NOMEM;
    if (as_json) {
        json_t *object = json_pack("{s:s, s:s, s:I, s:O}", "name", project->name, "path",
                                   project->wasm, "bytes", (json_int_t)wasm.len, "sections", list);
        if (object) {
            fvm_json_print(stdout, object);
            putchar('\n');
        }
        json_decref(object);
        json_decref(list);
        return object ? FVM_OK : FVM_ERR_NOMEM;
    }
    printf("%-10s %7zu bytes\n", "header", (size_t)8);
    json_array_foreach(list, i, row)
        printf("%-10s %7lld bytes\n", json_string_value(json_object_get(row, "section")),
               (long long)json_integer_value(json_object_get(row, "bytes")));
    printf("%-10s %7zu bytes  %s\n", "total", wasm.len, project->wasm);
    json_decref(list);
    return FVM_OK;
}

static const char help[] =
    "Usage: fvm actor build [DIR] [OPTION]...\n\n"
    "Compiles the C files of DIR (default .) into DIR/build/NAME.wasm, NAME being the folder's "
    "name,\n"
    "with clang-19 and the SDK; strips it; checks it as the machine would; prints its bytes by "
    "section.\n\n"
    "  -O LEVEL   z (default), s, 1, 2 or 3\n"
    "  --json     one JSON object: name, path, bytes, sections\n"
    "  --help     this text\n\n"
    "Example: fvm actor build examples/actors/counter\n\n" FVM_CLI_EXIT_HELP;

enum { LEVEL, JSON, HELP };
static const fvm_option options[] = {
    [LEVEL] = { "-O", true }, [JSON] = { "--json", false }, [HELP] = { "--help", false }
};

static fvm_cli_exit build(const char *dir, const char *level, bool as_json)
{
    fvm_actor_project project;
    fvm_store_why why = { "" };
    fvm_buf wasm;
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_actor_project_open(&project, dir, &why);
    if (err == FVM_OK) err = fvm_actor_build(&project, level, &why);
    if (err == FVM_OK) err = fvm_file_read(&wasm, project.wasm, WASM_MAX, &why);
    if (err == FVM_OK) err = fvm_actor_check(fvm_buf_bytes(&wasm), &why);
    if (err == FVM_OK && (err = report(&project, fvm_buf_bytes(&wasm), as_json)) != FVM_OK)
        err = fvm__why(&why, err, "out of memory");
    fvm_buf_deinit(&wasm);
    if (err == FVM_OK) return FVM_EXIT_OK;
    fprintf(stderr, "fvm actor build: %s: %s\n", dir, why.text);
    return err == FVM_ERR_INVALID ? FVM_EXIT_FAILED : fvm_cli_exit_of(err);
}

fvm_cli_exit fvm_cmd_actor_build(int argc, char **argv)
{
    fvm_args args = { argc, argv, "actor build", options, FVM_COUNT(options), 0, false, NULL };
    const char *dir = NULL, *levels = "zs123";
    char level[] = "-Oz";
    bool as_json = false;
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case LEVEL:
            if (!args.value[0] || args.value[1] || !strchr(levels, args.value[0])) {
                fprintf(stderr, "fvm actor build: -O: one of z, s, 1, 2, 3.\n");
                return FVM_EXIT_USAGE;
            }
            level[2] = args.value[0];
            break;
        case JSON: as_json = true; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (dir) {
                fputs("fvm actor build: one folder at a time.\n", stderr);
                return FVM_EXIT_USAGE;
            }
            dir = args.value;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    return build(dir ? dir : ".", level, as_json);
}
