/* run_suite.c - executes the scripts that test/wasm/convert makes of the core test suite.
 *
 * usage: run_suite v1|v2 DIR COUNTS [FILE...]
 *
 * DIR holds spectest.wasm, v1/ and v2/. COUNTS is test/wasm/counts.txt: for every file of either
 * version how many assertions pass and how many are left out, and why. Anything else, a file
 * without a row and a row without a file included, is a failure; so a module that is skipped by
 * mistake cannot pass unnoticed. FVM_TEST_ENGINE=jit runs them on the compiler. With FILEs only those run and COUNTS is not looked at. With
 * FVM_SUITE_UPDATE=1 the rows are printed in the form of COUNTS instead of compared.
 *
 * v1 runs under the rules of the standard's first version; see suite_rules. */
#include "wasm/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MAX 64
#define MODULES_MAX 2048

/* --- small things ------------------------------------------------------------------------------- */

_Noreturn static void die(const char *what, const char *of)
{
    fprintf(stderr, "run_suite: %s: %s\n", what, of);
    exit(2);
}

static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file) die("cannot open", path);
    if (fseek(file, 0, SEEK_END) != 0) die("cannot seek", path);
    long size = ftell(file);
    if (size < 0) die("cannot tell", path);
    rewind(file);
    uint8_t *data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) die("cannot read", path);
    fclose(file);
    data[size] = 0;
    *len = (size_t)size;
    return data;
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Turns `x` and hex digits into bytes, in place. `-` (no ID) has ptr NULL. */
static fvm_bytes bytes_of(char *field)
{
    uint8_t *out = (uint8_t *)field;
    size_t len = 0;
    if (*field == '-') return (fvm_bytes){ NULL, 0 };
    for (const char *p = field + 1; p[0] && p[1]; p += 2)
        out[len++] = (uint8_t)(nibble(p[0]) << 4 | nibble(p[1]));
    return (fvm_bytes){ out, len };
}

/* --- a script's world --------------------------------------------------------------------------- */

typedef struct named {
    fvm_bytes name;
    fvm_wasm_instance *instance;
} named;

typedef struct world {
    const char *file;
    const fvm_wasm_rules *rules;
    fvm_wasm_backend backend;
    fvm_wasm_context *context;
    fvm_bytes spectest;
    fvm_wasm_module *modules[MODULES_MAX];
    size_t module_count;
    fvm_wasm_instance *instances[MODULES_MAX]; /* to free, the newest first */
    size_t instance_count;
    named ids[MODULES_MAX]; /* instances by their ID in the script */
    size_t id_count;
    named registered[64];
    size_t registered_count;
    fvm_wasm_instance *current;
    char *fields[FIELDS_MAX];
    size_t field_count;
    unsigned passed, failed, left_text, left_proposal;
    unsigned other_class; /* malformed modules refused as invalid or the other way round */
} world;

static void fail(world *w, const char *what, const char *why)
{
    w->failed++;
    printf("FAIL %s:%s %s: %s\n", w->file, w->fields[1], what, why);
}

static fvm_wasm_instance *lookup(const named *list, size_t count, fvm_bytes name)
{
    while (count--)
        if (fvm_bytes_eq(list[count].name, name)) return list[count].instance;
    return NULL;
}

static fvm_wasm_instance *instance_of(const world *w, fvm_bytes id)
{
    return id.ptr ? lookup(w->ids, w->id_count, id) : w->current;
}

/* Decodes and validates; the module is kept until the end of the script. */
static fvm_err load(world *w, fvm_wasm_module **out, fvm_bytes wasm, char *detail)
{
    *out = NULL;
    fvm_err err = fvm_wasm_module_new_on(out, w->rules, NULL, wasm, detail, NULL, w->backend);
    if (err != FVM_OK) return err;
    if (w->module_count == MODULES_MAX) die("too many modules", w->file);
    w->modules[w->module_count++] = *out;
    return FVM_OK;
}

static fvm_err instantiate(world *w, fvm_wasm_instance **out, const fvm_wasm_module *module,
                           char *detail)
{
    size_t count = fvm_wasm_module_import_count(module);
    fvm_wasm_extern *externs = calloc(count + 1, sizeof *externs);
    if (!externs) die("no memory", w->file);
    for (size_t i = 0; i < count; i++) {
        fvm_bytes from, name;
        fvm_wasm_extern_type type;
        if (!fvm_wasm_module_import_at(module, &from, &name, &type, i)) die("import", w->file);
        fvm_wasm_instance *exporter = lookup(w->registered, w->registered_count, from);
        externs[i] = (fvm_wasm_extern){ type.kind, NULL };
        if (exporter && !fvm_wasm_instance_extern(exporter, &externs[i], name))
            externs[i] = (fvm_wasm_extern){ type.kind, NULL };
    }
    *out = NULL;
    fvm_err err = fvm_wasm_instance_new_with(out, w->context, module, NULL, NULL, INT64_MAX,
                                             externs, count, detail);
    free(externs);
    if (*out) {
        if (w->instance_count == MODULES_MAX) die("too many instances", w->file);
        w->instances[w->instance_count++] = *out;
    }
    return err;
}

static void name_instance(world *w, fvm_bytes id, fvm_wasm_instance *instance)
{
    w->current = instance;
    if (!id.ptr) return;
    if (w->id_count == MODULES_MAX) die("too many names", w->file);
    w->ids[w->id_count++] = (named){ id, instance };
}

static void register_instance(world *w, fvm_bytes name, fvm_wasm_instance *instance)
{
    if (w->registered_count == FVM_COUNT(w->registered)) die("too many registered", w->file);
    w->registered[w->registered_count++] = (named){ name, instance };
}

/* --- values ------------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static uint64_t number(const char *value)
{
    return strtoull(strchr(value, ':') + 1, NULL, 16);
}

static uint64_t argument(const char *value)
{
    if (starts(value, "null:")) return FVM_WASM_REF_NULL;
    if (starts(value, "extern:")) return strtoull(value + 7, NULL, 10) + 1;
    return number(value);
}

static char letter_of(const char *value)
{
    if (starts(value, "i32")) return 'i';
    if (starts(value, "i64")) return 'l';
    if (starts(value, "f32")) return 'f';
    if (starts(value, "f64")) return 'd';
    if (starts(value, "extern:") || starts(value, "null:extern")) return FVM_WASM_LETTER_EXTERNREF;
    return starts(value, "null:any") ? 0 : FVM_WASM_LETTER_FUNCREF;
}

static bool matches(uint64_t got, char type, const char *want)
{
    char letter = letter_of(want);
    const char *detail = strchr(want, ':') + 1;
    if (letter && letter != type) return false;
    if (starts(want, "null:")) return got == FVM_WASM_REF_NULL;
    if (strcmp(detail, "any") == 0) return got != FVM_WASM_REF_NULL;
    if (starts(want, "extern:")) return got == argument(want);
    uint64_t sign = type == 'f' ? UINT64_C(1) << 31 : UINT64_C(1) << 63;
    uint64_t canonical = type == 'f' ? 0x7fc00000u : UINT64_C(0x7ff8000000000000);
    if (strcmp(detail, "canonical") == 0) return (got & ~sign) == canonical;
    if (strcmp(detail, "arithmetic") == 0) return (got & canonical) == canonical;
    return got == number(want);
}

/* --- actions ------------------------------------------------------------------------------------ */

typedef struct outcome {
    fvm_err err;
    fvm_wasm_trap trap;
    uint64_t values[FIELDS_MAX];
    char types[FIELDS_MAX]; /* letters of the values */
} outcome;

/* Runs the action that starts at field `at`, up to a field `=` or the end. Returns the index of
 * the field after it; err FVM_ERR_NOT_FOUND when there is no such instance or export. */
static size_t act(world *w, outcome *out, size_t at)
{
    bool is_get = strcmp(w->fields[at], "get") == 0;
    fvm_wasm_instance *instance = instance_of(w, bytes_of(w->fields[at + 1]));
    fvm_bytes name = bytes_of(w->fields[at + 2]);
    uint64_t args[FIELDS_MAX] = { 0 };
    size_t end = at + 3;
    for (; end < w->field_count && strcmp(w->fields[end], "=") != 0; end++)
        args[end - at - 3] = argument(w->fields[end]);

    fvm_wasm_extern ext;
    memset(out, 0, sizeof *out);
    out->err = FVM_ERR_NOT_FOUND;
    if (!instance || !fvm_wasm_instance_extern(instance, &ext, name)) return end;
    fvm_wasm_extern_type type = fvm_wasm_extern_type_of(ext);
    if (type.kind != (is_get ? FVM_WASM_GLOBAL : FVM_WASM_FUNC)) return end;
    if (is_get) {
        out->err = FVM_OK;
        out->values[0] = fvm_wasm_global_get(ext);
        out->types[0] = type.value;
        return end;
    }
    if (strlen(type.params) != end - at - 3 || strlen(type.results) >= FIELDS_MAX) return end;
    strcpy(out->types, type.results);
    out->err = fvm_wasm_extern_call(w->context, out->values, ext, args);
    out->trap = fvm_wasm_context_trap(w->context);
    return end;
}

/* What the suite calls each trap; the suite's text starts with one of these. */
static bool trap_is(fvm_wasm_trap trap, const char *text)
{
    static const char *const texts[][2] = {
        [FVM_WASM_TRAP_UNREACHABLE] = { "unreachable", NULL },
        [FVM_WASM_TRAP_STACK_OVERFLOW] = { "call stack exhausted", NULL },
        [FVM_WASM_TRAP_MEMORY_BOUNDS] = { "out of bounds memory access", NULL },
        [FVM_WASM_TRAP_TABLE_BOUNDS] = { "out of bounds table access", NULL },
        [FVM_WASM_TRAP_UNDEFINED_ELEMENT] = { "undefined element", NULL },
        [FVM_WASM_TRAP_NULL_FUNC] = { "uninitialized element", "uninitialized" },
        [FVM_WASM_TRAP_BAD_SIGNATURE] = { "indirect call type mismatch", "indirect call" },
        [FVM_WASM_TRAP_INT_OVERFLOW] = { "integer overflow", NULL },
        [FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO] = { "integer divide by zero", NULL },
        [FVM_WASM_TRAP_BAD_CONVERSION] = { "invalid conversion to integer", NULL },
    };
    if (trap == FVM_WASM_TRAP_NONE || (size_t)trap >= FVM_COUNT(texts)) return false;
    for (int i = 0; i < 2; i++)
        if (texts[trap][i] && starts(text, texts[trap][i])) return true;
    return false;
}

static void judge(world *w, bool good, const char *what, const char *why)
{
    if (good)
        w->passed++;
    else
        fail(w, what, why);
}

static const char *describe(const outcome *o)
{
    return o->err == FVM_ERR_TRAP ? fvm_wasm_trap_text(o->trap) : fvm_err_text(o->err);
}

static void assert_return(world *w)
{
    outcome got;
    size_t at = act(w, &got, 2) + 1;
    size_t count = w->field_count - at;
    if (got.err != FVM_OK) {
        fail(w, "assert_return", describe(&got));
        return;
    }
    bool good = count == strlen(got.types);
    for (size_t i = 0; i < count && good; i++)
        good = matches(got.values[i], got.types[i], w->fields[at + i]);
    char why[96];
    snprintf(why, sizeof why, "got %c:%llx", got.types[0] ? got.types[0] : '-',
             (unsigned long long)got.values[0]);
    judge(w, good, "assert_return", why);
}

static void assert_trap(world *w)
{
    outcome got;
    fvm_bytes text = bytes_of(w->fields[2]);
    char message[128];
    snprintf(message, sizeof message, "%.*s", (int)text.len, (const char *)text.ptr);
    act(w, &got, 3);
    judge(w, got.err == FVM_ERR_TRAP && trap_is(got.trap, message), message, describe(&got));
}

static void assert_refused(world *w, fvm_err want)
{
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_wasm_module *module;
    fvm_bytes text = bytes_of(w->fields[2]);
    char message[128];
    snprintf(message, sizeof message, "%.*s", (int)text.len, (const char *)text.ptr);
    fvm_err err = load(w, &module, bytes_of(w->fields[3]), detail);
    if (err != FVM_OK && err != want) w->other_class++;
    bool refused = err == FVM_ERR_WASM_MALFORMED || err == FVM_ERR_WASM_INVALID ||
                   err == FVM_ERR_WASM_UNSUPPORTED;
    judge(w, refused, message, err == FVM_OK ? "accepted" : fvm_err_text(err));
}

/* The module is good but cannot be linked, or traps when it is instantiated. */
static void assert_rejected(world *w, bool at_link)
{
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_wasm_module *module;
    fvm_wasm_instance *instance;
    fvm_bytes text = bytes_of(w->fields[2]);
    char message[128];
    snprintf(message, sizeof message, "%.*s", (int)text.len, (const char *)text.ptr);
    fvm_err err = load(w, &module, bytes_of(w->fields[3]), detail);
    if (err != FVM_OK) {
        fail(w, message, detail);
        return;
    }
    err = instantiate(w, &instance, module, detail);
    bool good = false;
    if (at_link)
        good = err == FVM_ERR_WASM_LINK && starts(detail, message);
    else if (err == FVM_ERR_TRAP)
        good = trap_is(fvm_wasm_context_trap(w->context), message);
    else if (err == FVM_ERR_WASM_INSTANTIATE)
        good = starts(message, "out of bounds");
    judge(w, good, message, detail[0] ? detail : fvm_err_text(err));
}

static void module_command(world *w)
{
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_wasm_module *module;
    fvm_wasm_instance *instance = NULL;
    fvm_bytes id = bytes_of(w->fields[2]);
    fvm_err err = load(w, &module, bytes_of(w->fields[3]), detail);
    if (err == FVM_OK) err = instantiate(w, &instance, module, detail);
    if (err != FVM_OK) {
        fail(w, "module", detail[0] ? detail : fvm_err_text(err));
        instance = NULL;
    }
    name_instance(w, id, instance);
}

static void command(world *w)
{
    const char *what = w->fields[0];
    outcome got;
    if (!strcmp(what, "module")) {
        module_command(w);
    } else if (!strcmp(what, "register")) {
        register_instance(w, bytes_of(w->fields[3]), instance_of(w, bytes_of(w->fields[2])));
    } else if (!strcmp(what, "action")) {
        act(w, &got, 2);
        if (got.err != FVM_OK) fail(w, what, describe(&got));
    } else if (!strcmp(what, "assert_return")) {
        assert_return(w);
    } else if (!strcmp(what, "assert_trap") || !strcmp(what, "assert_exhaustion")) {
        assert_trap(w);
    } else if (!strcmp(what, "assert_malformed")) {
        assert_refused(w, FVM_ERR_WASM_MALFORMED);
    } else if (!strcmp(what, "assert_invalid")) {
        assert_refused(w, FVM_ERR_WASM_INVALID);
    } else if (!strcmp(what, "assert_unlinkable")) {
        assert_rejected(w, true);
    } else if (!strcmp(what, "assert_uninstantiable")) {
        assert_rejected(w, false);
    } else if (!strcmp(what, "left_out")) {
        unsigned count = (unsigned)strtoul(w->fields[3], NULL, 10);
        if (!strcmp(w->fields[2], "text"))
            w->left_text += count;
        else
            w->left_proposal += count;
    } else {
        die("unknown command", what); /* `define` and `instance` do not occur in v1 and v2 */
    }
}

/* --- files -------------------------------------------------------------------------------------- */

static void split(world *w, char *line)
{
    w->field_count = 0;
    for (char *save, *f = strtok_r(line, " ", &save); f; f = strtok_r(NULL, " ", &save)) {
        if (w->field_count == FIELDS_MAX) die("too many fields", w->file);
        w->fields[w->field_count++] = f;
    }
}

typedef struct job {
    world *w;
    char *script;
} job;

static fvm_err run_script(void *arg)
{
    job *j = arg;
    world *w = j->w;
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_wasm_module *module;
    fvm_wasm_instance *spectest = NULL;
    if (load(w, &module, w->spectest, detail) != FVM_OK ||
        instantiate(w, &spectest, module, detail) != FVM_OK)
        die("spectest", detail);
    register_instance(w, FVM_STR("spectest"), spectest);
    for (char *save, *line = strtok_r(j->script, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        split(w, line);
        command(w);
    }
    while (w->instance_count) fvm_wasm_instance_free(w->instances[--w->instance_count]);
    while (w->module_count) fvm_wasm_module_free(w->modules[--w->module_count]);
    return FVM_OK;
}

static void run_file(world *w, const char *path)
{
    size_t len;
    char *script = (char *)read_file(path, &len);
    job j = { w, script };
    if (fvm_wasm_context_new(&w->context, NULL) != FVM_OK) die("no context", path);
    if (fvm_wasm_context_run(w->context, run_script, &j) != FVM_OK) die("run", path);
    fvm_wasm_context_free(w->context);
    free(script);
}

/* The rules that a version of the suite is written for. What 1.0 has no word for is off in v1, so
 * that what it calls invalid is. Bulk memory's ways (segments are copied one by one until one does
 * not fit) are on in both; v1's scripts were amended to allow for that. */
static fvm_wasm_rules suite_rules(const char *version)
{
    fvm_wasm_rules rules = fvm_wasm_rules_standard;
    if (!strcmp(version, "v1")) {
        rules.reference_types = false;
        rules.multi_value = false;
        rules.sign_extension = false;
        rules.saturating_conversion = false;
    }
    return rules;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the scripts in `dir`, sorted, without their ending. */
static size_t list_scripts(char **names, size_t max, const char *dir)
{
    size_t count = 0;
    DIR *d = opendir(dir);
    if (!d) die("cannot open", dir);
    for (struct dirent *e; (e = readdir(d));) {
        char *dot = strstr(e->d_name, ".script");
        if (!dot) continue;
        if (count == max) die("too many files", dir);
        names[count++] = strndup(e->d_name, (size_t)(dot - e->d_name));
    }
    closedir(d);
    qsort(names, count, sizeof *names, by_name);
    return count;
}

/* Finds `row` as a whole line of `counts`. */
static bool has_row(const char *counts, const char *row)
{
    size_t len = strlen(row);
    for (const char *p = counts; (p = strstr(p, row)); p++)
        if ((p == counts || p[-1] == '\n') && p[len] == '\n') return true;
    return false;
}

static size_t rows_of(const char *counts, const char *version)
{
    size_t rows = 0;
    for (const char *p = counts; p && *p; p = strchr(p, '\n'), p += p != NULL)
        rows += starts(p, version) && p[strlen(version)] == ' ';
    return rows;
}

int main(int argc, char **argv)
{
    if (argc < 4) die("usage", "run_suite v1|v2 DIR COUNTS [FILE...]");
    const char *version = argv[1], *update = getenv("FVM_SUITE_UPDATE");
    char path[4096], *names[256];
    size_t len, name_count = (size_t)argc - 4;
    fvm_wasm_rules rules = suite_rules(version);
    const char *engine = getenv("FVM_TEST_ENGINE");
    bool jit = engine && strcmp(engine, "jit") == 0;
    fvm_wasm_backend backend = jit ? FVM_WASM_BACKEND_X64 : FVM_WASM_BACKEND_INTERP;
    if (engine && strcmp(engine, "guard") == 0) backend = FVM_WASM_BACKEND_X64_GUARD;
    if (!fvm_wasm_backend_available(backend)) {
        fprintf(stderr, "SKIPPED: there is no compiler for this CPU\n");
        return 77;
    }

    snprintf(path, sizeof path, "%s/spectest.wasm", argv[2]);
    uint8_t *spectest = read_file(path, &len);
    fvm_bytes spectest_bytes = { spectest, len };
    char *counts = (char *)read_file(argv[3], &len);
    bool whole = argc == 4;
    snprintf(path, sizeof path, "%s/%s", argv[2], version);
    if (whole)
        name_count = list_scripts(names, FVM_COUNT(names), path);
    else
        memcpy(names, argv + 4, name_count * sizeof *names);

    unsigned passed = 0, failed = 0, text = 0, proposal = 0, other = 0, wrong_rows = 0;
    for (size_t i = 0; i < name_count; i++) {
        static world w;
        char row[256];
        memset(&w, 0, sizeof w);
        w.file = names[i], w.rules = &rules, w.spectest = spectest_bytes;
        w.backend = backend;
        snprintf(path, sizeof path, "%s/%s/%s.script", argv[2], version, names[i]);
        run_file(&w, path);
        passed += w.passed, failed += w.failed, text += w.left_text;
        proposal += w.left_proposal, other += w.other_class;
        snprintf(row, sizeof row, "%s %s passed %u text %u proposal %u", version, names[i],
                 w.passed, w.left_text, w.left_proposal);
        if (update) {
            puts(row);
        } else if (whole && !has_row(counts, row)) {
            printf("NOT AS COUNTED %s\n", row);
            wrong_rows++;
        }
        if (whole) free(names[i]);
    }
    if (whole && !update && rows_of(counts, version) != name_count) {
        printf("NOT AS COUNTED %zu files, %zu rows\n", name_count, rows_of(counts, version));
        wrong_rows++;
    }
    fprintf(stderr,
            "core suite %s: %zu files, %u assertions passed, %u failed, left out: %u text, "
            "%u other proposals (%u refused in another class)\n",
            version, name_count, passed, failed, text, proposal, other);
    free(spectest);
    free(counts);
    return failed || wrong_rows ? 1 : 0;
}
