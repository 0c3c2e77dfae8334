/* wasm_compile.c - `fvm wasm check` and `fvm wasm compile`. */
#include "json.h"
#include "wasm_tool.h"

#include "wasm/module.h"
#include "wasm/names.h"

#include <inttypes.h>
#include <time.h>

/* What a module gave. */
typedef struct figures {
    size_t wasm_bytes, code_section_bytes, machine_code_bytes, module_bytes;
    uint64_t functions, imports, exports;
    double seconds; /* CPU time of this thread */
    char detail[FVM_WASM_DETAIL_MAX];
} figures;

static double cpu_seconds(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Compiles; *out is the caller's to free. */
static fvm_err compile(const fvm_wasm_command *c, fvm_wasm_module **out, figures *f, fvm_bytes wasm)
{
    fvm_bytes section;
    *f = (figures){ .wasm_bytes = wasm.len };
    double begin = cpu_seconds();
    fvm_err err = fvm_wasm_module_new_on(out, c->rules, c->hosts, wasm, f->detail, NULL,
                                         c->backend);
    f->seconds = cpu_seconds() - begin;
    if (err != FVM_OK) return err;
    const fvm_wasm_module *m = *out;
    if (fvm_wasm_section(wasm, &section, 10, NULL)) f->code_section_bytes = section.len;
    f->machine_code_bytes = m->code_bytes;
    f->module_bytes = fvm_wasm_module_size(m);
    f->functions = m->n_funcs - m->n_func_imports;
    f->imports = fvm_wasm_module_import_count(m);
    f->exports = fvm_wasm_module_export_count(m);
    return FVM_OK;
}

static double megabytes_per_second(const figures *f)
{
    return f->seconds > 0 ? (double)f->wasm_bytes / f->seconds / 1e6 : 0.0;
}

static json_t *figures_to_json(const char *file, const figures *f)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "file", file, "wasm_bytes",
                     (json_int_t)f->wasm_bytes, "code_section_bytes",
                     (json_int_t)f->code_section_bytes, "machine_code_bytes",
                     (json_int_t)f->machine_code_bytes, "module_bytes", (json_int_t)f->module_bytes,
                     "functions", (json_int_t)f->functions, "imports", (json_int_t)f->imports,
                     "exports", (json_int_t)f->exports, "cpu_seconds", f->seconds);
}

/* Prints and releases. */
/* The worse of two outcomes. */
static fvm_cli_exit worse(fvm_cli_exit a, fvm_cli_exit b)
{
    return a > b ? a : b;
}

/* --- check --- */

/* Functions that the network offers no counterpart for. */
static void print_missing(const fvm_wasm_command *c, const fvm_wasm_module *m)
{
    for (uint32_t i = 0; c->hosts && i < m->n_imports; i++) {
        const fvm__import *import = &m->imports[i];
        if (import->kind == FVM_WASM_FUNC && m->funcs[import->index].host) continue;
        printf("  network version %s does not offer its import %.*s::%.*s\n", c->network,
               (int)import->from.len, (const char *)import->from.ptr, (int)import->name.len,
               (const char *)import->name.ptr);
    }
}

static void print_valid(const char *file, const figures *f, const fvm_wasm_module *m)
{
    printf("%s: valid: %" PRIu64 " functions, %" PRIu64 " imports, %" PRIu64 " exports, ", file,
           f->functions, f->imports, f->exports);
    if (m->n_memories) printf("memory of %" PRIu32 " pages, ", m->memories[0].limits.min);
    if (m->n_tables) printf("table of %" PRIu32 ", ", m->tables[0].limits.min);
    printf("%zu bytes of code\n", f->code_section_bytes);
}

static fvm_cli_exit check_file(const fvm_wasm_command *c, const char *file)
{
    figures f;
    fvm_buf wasm;
    fvm_wasm_module *m = NULL;
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_wasm_file_read(&wasm, file);
    if (err != FVM_OK) {
        fvm_buf_deinit(&wasm);
        return fvm_cli_exit_of(err);
    }
    fvm_cli_exit code = FVM_EXIT_OK;
    err = compile(c, &m, &f, fvm_buf_bytes(&wasm));
    if (fvm_err_class_of(err) == FVM_CLASS_HOST) {
        fprintf(stderr, "fvm wasm: %s: %s\n", file, fvm_err_text(err));
        code = FVM_EXIT_HOST;
    } else if (c->json) {
        json_t *object = err == FVM_OK ? figures_to_json(file, &f)
                                       : json_pack("{s:s,s:s,s:s}", "file", file, "error",
                                                   fvm_err_text(err), "detail", f.detail);
        if (object) (void)json_object_set_new(object, "valid", json_boolean(err == FVM_OK));
        code = worse(fvm_json_answer("wasm", object),
                     err == FVM_OK ? FVM_EXIT_OK : FVM_EXIT_FAILED);
    } else if (err == FVM_OK) {
        print_valid(file, &f, m);
        print_missing(c, m);
    } else {
        printf("%s: %s: %s\n", file, fvm_err_text(err), f.detail);
        code = FVM_EXIT_FAILED;
    }
    fvm_wasm_module_free(m);
    fvm_buf_deinit(&wasm);
    return code;
}

fvm_cli_exit fvm_wasm_check(const fvm_wasm_command *c)
{
    fvm_cli_exit code = FVM_EXIT_OK;
    for (int i = 0; i < c->count; i++) code = worse(code, check_file(c, c->words[i]));
    return code;
}

/* --- compile --- */

static void print_figures(const char *file, const figures *f)
{
    printf("%s: %zu bytes, code section %zu, machine code %zu (%.2f times), %" PRIu64
           " functions, %.2f ms of CPU (%.1f MB/s)\n",
           file, f->wasm_bytes, f->code_section_bytes, f->machine_code_bytes,
           f->code_section_bytes ? (double)f->machine_code_bytes / (double)f->code_section_bytes
                                 : 0.0,
           f->functions, f->seconds * 1e3, megabytes_per_second(f));
}

static fvm_cli_exit compile_file(const fvm_wasm_command *c, const char *file, figures *total)
{
    figures f;
    fvm_buf wasm;
    fvm_wasm_module *m = NULL;
    fvm_buf_init(&wasm, NULL);
    fvm_cli_exit code = FVM_EXIT_OK;
    fvm_err err = fvm_wasm_file_read(&wasm, file);
    if (err == FVM_OK) {
        err = compile(c, &m, &f, fvm_buf_bytes(&wasm));
        if (err != FVM_OK)
            fprintf(stderr, "fvm wasm: %s: %s: %s\n", file, fvm_err_text(err), f.detail);
    }
    if (err == FVM_OK) {
        if (c->json)
            code = fvm_json_answer("wasm", figures_to_json(file, &f));
        else if (c->stats)
            print_figures(file, &f);
        total->wasm_bytes += f.wasm_bytes;
        total->code_section_bytes += f.code_section_bytes;
        total->machine_code_bytes += f.machine_code_bytes;
        total->module_bytes += f.module_bytes;
        total->functions += f.functions;
        total->imports += f.imports;
        total->exports += f.exports;
        total->seconds += f.seconds;
    }
    fvm_wasm_module_free(m);
    fvm_buf_deinit(&wasm);
    return err == FVM_OK ? code : fvm_cli_exit_of(err);
}

fvm_cli_exit fvm_wasm_compile(const fvm_wasm_command *c)
{
    figures total = { .wasm_bytes = 0 };
    fvm_cli_exit code = FVM_EXIT_OK;
    for (int i = 0; i < c->count; i++) code = worse(code, compile_file(c, c->words[i], &total));
    if (c->stats && c->count > 1) {
        if (c->json)
            code = worse(code, fvm_json_answer("wasm", figures_to_json("total", &total)));
        else
            print_figures("total", &total);
    }
    return code;
}
