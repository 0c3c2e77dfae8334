/* wasm_run.c - `fvm wasm run`: one call of an export. */
#include "json.h"
#include "wasm_tool.h"

#include "wasm/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define VALUES_MAX 1000 /* parameters or results of a function */

/* One call, and what came of it. */
typedef struct call {
    const fvm_wasm_command *c;
    const fvm_wasm_module *module;
    fvm_wasm_context *context;
    fvm_wasm_export export;
    uint64_t args[VALUES_MAX], results[VALUES_MAX];
    int64_t gas_limit, gas_left; /* milligas */
    fvm_wasm_trap trap;
    const char *stage; /* what failed */
} call;

/* --- values --- */

static bool read_value(uint64_t *out, char type, const char *text)
{
    char *end = NULL;
    errno = 0;
    if (type == FVM_WASM_LETTER_F32 || type == FVM_WASM_LETTER_F64) {
        double wide = strtod(text, &end);
        float narrow = (float)wide;
        uint32_t bits;
        if (type == FVM_WASM_LETTER_F64) {
            memcpy(out, &wide, sizeof wide);
        } else {
            memcpy(&bits, &narrow, sizeof bits);
            *out = bits;
        }
        return end != text && *end == '\0';
    }
    bool negative = text[0] == '-';
    uint64_t size = strtoull(text + negative, &end, 0);
    uint64_t most = type == FVM_WASM_LETTER_I32 ? UINT32_MAX : UINT64_MAX;
    if (end == text + negative || *end != '\0' || errno || text[negative] < '0' ||
        text[negative] > '9' || size > (negative ? most / 2 + 1 : most))
        return false;
    *out = (negative ? 0 - size : size) & most;
    return true;
}

static void print_value(FILE *out, char type, uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float narrow;
    double wide;
    switch (type) {
    case FVM_WASM_LETTER_I32: fprintf(out, "%" PRId32, (int32_t)low); break;
    case FVM_WASM_LETTER_I64: fprintf(out, "%" PRId64, (int64_t)bits); break;
    case FVM_WASM_LETTER_F32:
        memcpy(&narrow, &low, sizeof narrow);
        fprintf(out, "%.9g", (double)narrow);
        break;
    case FVM_WASM_LETTER_F64:
        memcpy(&wide, &bits, sizeof wide);
        fprintf(out, "%.17g", wide);
        break;
    default: fputs(bits ? "reference" : "null", out); break;
    }
}

static const char *type_name(char letter)
{
    return letter == FVM_WASM_LETTER_I32   ? "i32"
           : letter == FVM_WASM_LETTER_I64 ? "i64"
           : letter == FVM_WASM_LETTER_F32 ? "f32"
           : letter == FVM_WASM_LETTER_F64 ? "f64"
                                           : "reference";
}

/* Finds the export and reads its arguments; false after a message. */
static bool prepare(call *k)
{
    const fvm_wasm_command *c = k->c;
    const char *file = c->words[0];
    if (!fvm_wasm_module_export(k->module, &k->export, fvm_bytes_of(c->invoke)) ||
        k->export.kind != FVM_WASM_FUNC) {
        fprintf(stderr, "fvm wasm: %s exports no function '%s'\n", file, c->invoke);
        return false;
    }
    size_t n = strlen(k->export.params);
    if ((size_t)c->count - 1 != n) {
        fprintf(stderr, "fvm wasm: %s takes %zu arguments (", c->invoke, n);
        for (size_t i = 0; i < n; i++)
            fprintf(stderr, "%s%s", i ? " " : "", type_name(k->export.params[i]));
        fprintf(stderr, "), not %d\n", c->count - 1);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char type = k->export.params[i];
        if (type != FVM_WASM_LETTER_FUNCREF && type != FVM_WASM_LETTER_EXTERNREF &&
            read_value(&k->args[i], type, c->words[i + 1]))
            continue;
        fprintf(stderr, "fvm wasm: argument %zu: '%s' is no %s\n", i + 1, c->words[i + 1],
                type_name(type));
        return false;
    }
    return true;
}

/* --- the call --- */

static fvm_err call_inside(void *arg)
{
    call *k = arg;
    fvm_wasm_instance *instance = NULL;
    k->stage = "instantiation";
    fvm_err err = fvm_wasm_instance_new(&instance, k->context, k->module, NULL, NULL, k->gas_limit);
    if (err == FVM_OK) {
        k->stage = "call";
        err = fvm_wasm_instance_call(instance, k->results, k->export.index, k->args);
    }
    k->gas_left = instance ? fvm_wasm_instance_gas(instance) : k->gas_limit;
    k->trap = fvm_wasm_context_trap(k->context);
    if (instance) fvm_wasm_instance_free(instance);
    return err;
}

/* Milligas used: all of it when it ran out. */
static uint64_t used(const call *k)
{
    return (uint64_t)(k->gas_left < 0 ? k->gas_limit : k->gas_limit - k->gas_left);
}

static json_t *value_to_json(char type, uint64_t bits)
{
    char text[64];
    FILE *out = fmemopen(text, sizeof text, "w");
    if (!out) return NULL;
    print_value(out, type, bits);
    fclose(out);
    return json_pack("{s:s,s:s}", "type", type_name(type), "value", text);
}

static fvm_cli_exit print_json(const call *k, fvm_err err)
{
    json_t *results = json_array();
    for (size_t i = 0; err == FVM_OK && k->export.results[i]; i++)
        if (json_array_append_new(results, value_to_json(k->export.results[i], k->results[i])) != 0)
            err = FVM_ERR_NOMEM;
    json_t *object = json_pack("{s:o,s:o}", "results", results, "gas_used_milligas",
                               fvm_json_from_u64(used(k)));
    if (err != FVM_OK && object)
        (void)json_object_set_new(
            object, "error",
            json_string(err == FVM_ERR_TRAP ? fvm_wasm_trap_text(k->trap) : fvm_err_text(err)));
    if (!object) return FVM_EXIT_HOST;
    fvm_json_print(stdout, object);
    putchar('\n');
    json_decref(object);
    return FVM_EXIT_OK;
}

static fvm_cli_exit report(const call *k, fvm_err err)
{
    bool metered = k->c->rules->metering != FVM_WASM_UNMETERED;
    fvm_err_class class = fvm_err_class_of(err);
    if (class == FVM_CLASS_HOST) {
        fprintf(stderr, "fvm wasm: %s: %s\n", k->stage, fvm_err_text(err));
        return FVM_EXIT_HOST;
    }
    if (k->c->json) {
        fvm_cli_exit code = print_json(k, err);
        return code != FVM_EXIT_OK ? code : err == FVM_OK ? FVM_EXIT_OK : FVM_EXIT_FAILED;
    }
    if (err == FVM_OK) {
        for (size_t i = 0; k->export.results[i]; i++) {
            print_value(stdout, k->export.results[i], k->results[i]);
            putchar('\n');
        }
    } else {
        fprintf(stderr, "fvm wasm: %s: %s\n", k->stage,
                k->trap != FVM_WASM_TRAP_NONE ? fvm_wasm_trap_text(k->trap) : fvm_err_text(err));
    }
    (void)fflush(stdout); /* results first, where both go to one place */
    if (metered)
        fprintf(stderr, "gas used: %" PRIu64 ".%03u\n", used(k) / 1000, (unsigned)(used(k) % 1000));
    return err == FVM_OK ? FVM_EXIT_OK : FVM_EXIT_FAILED;
}

static fvm_cli_exit run_module(call *k)
{
    if (!prepare(k)) return FVM_EXIT_USAGE;
    fvm_err err = fvm_wasm_context_new(&k->context, NULL);
    if (err == FVM_OK) err = fvm_wasm_context_run(k->context, call_inside, k);
    fvm_cli_exit code = report(k, err);
    fvm_wasm_context_free(k->context);
    return code;
}

fvm_cli_exit fvm_wasm_run(const fvm_wasm_command *c)
{
    char detail[FVM_WASM_DETAIL_MAX];
    fvm_buf wasm;
    fvm_wasm_module *module = NULL;
    if (!c->invoke) {
        fputs("fvm wasm run: which function? --invoke NAME. See 'fvm wasm --help'.\n", stderr);
        return FVM_EXIT_USAGE;
    }
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_wasm_file_read(&wasm, c->words[0]);
    if (err == FVM_OK) {
        err = fvm_wasm_module_new_on(&module, c->rules, NULL, fvm_buf_bytes(&wasm), detail, NULL,
                                     c->backend);
        if (err != FVM_OK)
            fprintf(stderr, "fvm wasm: %s: %s: %s\n", c->words[0], fvm_err_text(err), detail);
    }
    fvm_cli_exit code = err == FVM_OK ? FVM_EXIT_OK : fvm_cli_exit_of(err);
    call *k = NULL;
    if (err == FVM_OK) {
        k = fvm_mem_zalloc(NULL, sizeof *k);
        if (!k) code = FVM_EXIT_HOST;
    }
    if (k) {
        k->c = c;
        k->module = module;
        k->gas_limit = (int64_t)c->gas_limit * 1000;
        code = run_module(k);
        fvm_mem_free(NULL, k, sizeof *k);
    }
    fvm_wasm_module_free(module);
    fvm_buf_deinit(&wasm);
    return code;
}
