/* decode.c - from bytes to a module: the sections and what they declare.
 *
 *     "\0asm" 1 { id:byte size:u32 content }*
 *
 * Sections come in the order of section_order, each at most once; custom ones anywhere. Bodies are
 * the business of validate.c, segments of segments.c. Shape rules of the reference's
 * instrumentation (engine.md 3) are checked here where they concern whole sections. */
#include "base/vector.h"
#include "wasm/decoder.h"
#include "wasm/guard.h"

#include <stdio.h>
#include <stdlib.h>

const fvm_wasm_rules fvm_wasm_rules_standard = {
    .metering = FVM_WASM_UNMETERED,
    .stack_limit = UINT32_MAX,
    .memory_max_pages = FVM__PAGES_MAX,
    .table_max_elements = FVM__MAX_TABLE_ELEMENTS,
    .frame_budget_bytes = 4u << 20,
    .sign_extension = true,
    .saturating_conversion = true,
    .reference_types = true,
    .multi_value = true,
    .imports_beyond_functions = true,
};

/* --- helpers ---------------------------------------------------------------------------------- */

void fvm__tell(const fvm__decoder *d, const char *what)
{
    if (d->detail)
        (void)snprintf(d->detail, FVM_WASM_DETAIL_MAX, "%s (at byte %zu)", what,
                       (size_t)(d->in.at - d->begin));
}

fvm_err fvm__get_u8(fvm__decoder *d, uint8_t *out)
{
    return fvm__read_u8(&d->in, out) ? FVM_OK : FVM__MALFORMED(d, "unexpected end");
}

fvm_err fvm__get_u32(fvm__decoder *d, uint32_t *out)
{
    return fvm__read_u32(&d->in, out) ? FVM_OK : FVM__MALFORMED(d, "malformed 32-bit integer");
}

fvm_err fvm__get_count(fvm__decoder *d, uint32_t *out, uint32_t limit, const char *what)
{
    uint32_t n;
    FVM_TRY(fvm__get_u32(d, &n));
    if (n > limit) return FVM__INVALID(d, what);
    if (n > fvm__reader_left(&d->in)) return FVM__MALFORMED(d, "unexpected end: count too large");
    *out = n;
    return FVM_OK;
}

char fvm__type_letter(const fvm_wasm_rules *rules, uint8_t byte)
{
    switch (byte) {
    case 0x7f: return FVM_WASM_LETTER_I32;
    case 0x7e: return FVM_WASM_LETTER_I64;
    case 0x7d: return FVM_WASM_LETTER_F32;
    case 0x7c: return FVM_WASM_LETTER_F64;
    case 0x70: return rules->reference_types ? FVM_WASM_LETTER_FUNCREF : 0;
    case 0x6f: /* needs the reference's GC build feature, which is off */
        return rules->reference_types && !fvm__is_metered(rules) ? FVM_WASM_LETTER_EXTERNREF : 0;
    default: return 0;
    }
}

fvm_err fvm__get_value_type(fvm__decoder *d, char *out)
{
    uint8_t byte;
    FVM_TRY(fvm__get_u8(d, &byte));
    *out = fvm__type_letter(&d->module->rules, byte);
    return *out ? FVM_OK : FVM__MALFORMED(d, "malformed value type");
}

fvm_err fvm__get_ref_type(fvm__decoder *d, char *out)
{
    uint8_t byte;
    FVM_TRY(fvm__get_u8(d, &byte));
    /* funcref is the type of every table, whether reference types are on or not */
    *out = byte == 0x70 ? FVM_WASM_LETTER_FUNCREF : fvm__type_letter(&d->module->rules, byte);
    return fvm__is_ref(*out) ? FVM_OK : FVM__MALFORMED(d, "malformed reference type");
}

static fvm_err get_name(fvm__decoder *d, fvm_bytes *out)
{
    uint32_t len;
    FVM_TRY(fvm__get_u32(d, &len));
    if (len > FVM__MAX_NAME_BYTES) return FVM__INVALID(d, "name too long");
    if (!fvm__read_bytes(&d->in, out, len)) return FVM__MALFORMED(d, "unexpected end: name");
    return fvm__utf8_valid(*out) ? FVM_OK : FVM__MALFORMED(d, "malformed UTF-8 encoding");
}

/* A name that outlives the input. */
static fvm_err get_kept_name(fvm__decoder *d, fvm_bytes *out)
{
    fvm_bytes name;
    FVM_TRY(get_name(d, &name));
    return fvm_arena_copy(&d->module->arena, out, name);
}

fvm_err fvm__module_array(fvm_wasm_module *module, void *out, uint64_t count, size_t size)
{
    uint64_t bytes;
    if (!fvm_mul_u64(&bytes, count, size) || bytes > SIZE_MAX) return FVM_ERR_NOMEM;
    void *array = bytes ? fvm_arena_zalloc(&module->arena, (size_t)bytes) : NULL;
    if (bytes && !array) return FVM_ERR_NOMEM;
    memcpy(out, &array, sizeof array);
    return FVM_OK;
}

fvm_err fvm__module_ref(fvm__decoder *d, uint32_t *entry, uint32_t func, bool raw)
{
    fvm_wasm_module *m = d->module;
    uint32_t **map = raw ? &d->raw_ref_of_func : &d->ref_of_func;
    if (!*map) {
        *map = fvm_mem_zalloc(m->alloc, m->n_funcs * sizeof **map);
        if (!*map) return FVM_ERR_NOMEM;
    }
    if ((*map)[func] == 0) {
        FVM_TRY(fvm_vector_grow(m->alloc, &m->refs, &d->cap_refs, (uint64_t)m->n_refs + 1,
                                sizeof *m->refs, 16, UINT32_MAX));
        m->refs[m->n_refs++] = (fvm__ref_def){ .func = func, .thunked = !raw };
        (*map)[func] = m->n_refs;
    }
    *entry = (*map)[func] - 1;
    return FVM_OK;
}

/* --- types ------------------------------------------------------------------------------------ */

bool fvm__functype_eq(const fvm__functype *a, const fvm__functype *b)
{
    return a == b || (a->n_params == b->n_params && a->n_results == b->n_results &&
                      strcmp(a->params, b->params) == 0 && strcmp(a->results, b->results) == 0);
}

static fvm_err get_letters(fvm__decoder *d, const char **out, uint32_t *count, uint32_t limit)
{
    FVM_TRY(fvm__get_count(d, count, limit, "function type with too many values"));
    *out = "";
    if (*count == 0) return FVM_OK;
    char *letters = fvm_arena_alloc(&d->module->arena, (size_t)*count + 1);
    if (!letters) return FVM_ERR_NOMEM;
    for (uint32_t i = 0; i < *count; i++) FVM_TRY(fvm__get_value_type(d, &letters[i]));
    letters[*count] = '\0';
    *out = letters;
    return FVM_OK;
}

/* A tree of letters, in which equal types end in one node: linear in their bytes, whatever they are. */
typedef struct type_node {
    uint32_t next[8]; /* by letter, where results begin, and where they end ... */
} type_node;
typedef struct type_tree {
    type_node *nodes;
    uint32_t n, cap;
} type_tree;

static unsigned letter_place(char letter)
{
    switch (letter) {
    case FVM_WASM_LETTER_I32: return 0;
    case FVM_WASM_LETTER_I64: return 1;
    case FVM_WASM_LETTER_F32: return 2;
    case FVM_WASM_LETTER_F64: return 3;
    case FVM_WASM_LETTER_FUNCREF: return 4;
    default: return 5;
    }
}
#define RESULTS_PLACE 6u
#define END_PLACE 7u /* ... which holds the type's index plus one */

static fvm_err walk_types(fvm_wasm_module *m, type_tree *tree, uint32_t *at, unsigned place)
{
    if (!tree->nodes[*at].next[place]) {
        FVM_TRY(fvm_vector_grow(m->alloc, &tree->nodes, &tree->cap, (uint64_t)tree->n + 1,
                                sizeof *tree->nodes, 64, INT32_MAX));
        tree->nodes[tree->n] = (type_node){ { 0 } };
        tree->nodes[*at].next[place] = tree->n++;
    }
    *at = tree->nodes[*at].next[place];
    return FVM_OK;
}

static fvm_err number_type(fvm_wasm_module *m, type_tree *tree, uint32_t index)
{
    fvm__functype *type = &m->types[index];
    uint32_t at = 0;
    for (const char *p = type->params; *p; p++) FVM_TRY(walk_types(m, tree, &at, letter_place(*p)));
    FVM_TRY(walk_types(m, tree, &at, RESULTS_PLACE));
    for (const char *p = type->results; *p; p++)
        FVM_TRY(walk_types(m, tree, &at, letter_place(*p)));
    uint32_t *end = &tree->nodes[at].next[END_PLACE];
    if (!*end) *end = index + 1;
    type->same_as = *end - 1;
    return FVM_OK;
}

/* Fills same_as, so that call_indirect compares numbers. */
static fvm_err number_types(fvm_wasm_module *m)
{
    type_tree tree = { NULL, 1, 0 };
    fvm_err err = fvm_vector_grow(m->alloc, &tree.nodes, &tree.cap, 1, sizeof *tree.nodes, 64,
                                  INT32_MAX);
    if (err != FVM_OK) return err;
    tree.nodes[0] = (type_node){ { 0 } };
    for (uint32_t i = 0; i < m->n_types && err == FVM_OK; i++) err = number_type(m, &tree, i);
    fvm_mem_free(m->alloc, tree.nodes, tree.cap * sizeof *tree.nodes);
    return err;
}

static fvm_err decode_types(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_TYPES, "too many types"));
    FVM_TRY(fvm__module_array(m, &m->types, n, sizeof *m->types));
    for (uint32_t i = 0; i < n; i++) {
        fvm__functype *type = &m->types[i];
        uint8_t form;
        FVM_TRY(fvm__get_u8(d, &form));
        if (form != 0x60) return FVM__MALFORMED(d, "malformed type form");
        FVM_TRY(get_letters(d, &type->params, &type->n_params, FVM__MAX_PARAMS));
        FVM_TRY(get_letters(d, &type->results, &type->n_results, FVM__MAX_RESULTS));
        if (type->n_results > 1 && !m->rules.multi_value)
            return FVM__INVALID(d, "multiple results, which are off");
    }
    m->n_types = n;
    return number_types(m);
}

/* --- imports ---------------------------------------------------------------------------------- */

static fvm_err get_limits(fvm__decoder *d, fvm__limits *out)
{
    uint8_t flags;
    FVM_TRY(fvm__get_u8(d, &flags));
    if (flags > 1) return FVM__MALFORMED(d, "malformed limits flags");
    *out = (fvm__limits){ .max = UINT32_MAX, .has_max = flags == 1 };
    FVM_TRY(fvm__get_u32(d, &out->min));
    if (out->has_max) FVM_TRY(fvm__get_u32(d, &out->max));
    if (out->min > out->max)
        return FVM__INVALID(d, "size minimum must not be greater than maximum");
    return FVM_OK;
}

static fvm_err get_table_type(fvm__decoder *d, fvm__table_def *out)
{
    FVM_TRY(fvm__get_ref_type(d, &out->type));
    FVM_TRY(get_limits(d, &out->limits));
    if (out->limits.min > FVM__MAX_TABLE_ELEMENTS) return FVM__INVALID(d, "table too large");
    return FVM_OK;
}

static fvm_err get_memory_type(fvm__decoder *d, fvm__memory_def *out)
{
    FVM_TRY(get_limits(d, &out->limits));
    if (out->limits.min > FVM__PAGES_MAX ||
        (out->limits.has_max && out->limits.max > FVM__PAGES_MAX))
        return FVM__INVALID(d, "memory size must be at most 65536 pages (4GiB)");
    return FVM_OK;
}

static fvm_err get_global_type(fvm__decoder *d, fvm__global_def *out)
{
    uint8_t is_mutable;
    FVM_TRY(fvm__get_value_type(d, &out->type));
    FVM_TRY(fvm__get_u8(d, &is_mutable));
    if (is_mutable > 1) return FVM__MALFORMED(d, "malformed mutability");
    out->is_mutable = is_mutable;
    return FVM_OK;
}

static fvm_err get_type_index(fvm__decoder *d, const fvm__functype **out)
{
    uint32_t index;
    FVM_TRY(fvm__get_u32(d, &index));
    if (index >= d->module->n_types) return FVM__INVALID(d, "unknown type");
    *out = &d->module->types[index];
    return FVM_OK;
}

static bool text_is(fvm_bytes text, const char *s)
{
    return fvm_bytes_eq(text, fvm_bytes_of(s));
}

/* The host function of that name and type; no match leaves the module unlinkable. */
static fvm_wasm_host_fn find_host(const fvm_wasm_host_table *hosts, const fvm__import *import,
                                  const fvm__functype *type)
{
    for (size_t i = 0; hosts && i < hosts->count; i++) {
        const fvm_wasm_host_func *f = &hosts->funcs[i];
        if (import->name.len && import->name.ptr[0] != (uint8_t)f->name[0]) continue;
        if (text_is(import->name, f->name) && text_is(import->from, f->module) &&
            strcmp(f->params, type->params) == 0 && strcmp(f->results, type->results) == 0)
            return f->fn;
    }
    return NULL;
}

/* The instrumentation adds the gas counter itself and looks at the imported globals when it does
 * (engine.md 3). */
static fvm_err check_imported_global(fvm__decoder *d, const fvm__import *import)
{
    bool from_gas = text_is(import->from, "gas");
    if (d->module->rules.metering == FVM_WASM_METERING_V4 && from_gas &&
        text_is(import->name, "gas_counter"))
        return FVM__UNSUPPORTED(d, "imports the gas counter");
    if (d->module->rules.metering == FVM_WASM_METERING_V2 && !from_gas &&
        !text_is(import->name, "gas_couner"))
        return FVM__UNSUPPORTED(d, "imports a global");
    return FVM_OK;
}

/* What stands behind the names of an import; the arrays are grown one by one beforehand. */
static fvm_err decode_import_desc(fvm__decoder *d, fvm__import *import, uint8_t kind)
{
    fvm_wasm_module *m = d->module;
    if (kind != 0 && !m->rules.imports_beyond_functions) m->unlinkable = true;
    switch (kind) {
    case 0: {
        fvm__func_def *func = &m->funcs[m->n_func_imports];
        import->kind = FVM_WASM_FUNC;
        import->index = func->index = m->n_func_imports++;
        FVM_TRY(get_type_index(d, &func->type));
        func->n_params = func->type->n_params;
        func->host = find_host(m->hosts, import, func->type);
        return FVM_OK;
    }
    case 1: {
        fvm__table_def *table = &m->tables[m->n_table_imports];
        import->kind = FVM_WASM_TABLE;
        import->index = m->n_table_imports++;
        table->imported = true;
        return get_table_type(d, table);
    }
    case 2:
        import->kind = FVM_WASM_MEMORY;
        import->index = m->n_memory_imports++;
        m->memories[import->index].imported = true;
        return get_memory_type(d, &m->memories[import->index]);
    case 3:
        import->kind = FVM_WASM_GLOBAL;
        import->index = m->n_global_imports++;
        m->globals[import->index].imported = true;
        FVM_TRY(check_imported_global(d, import));
        return get_global_type(d, &m->globals[import->index]);
    default: return FVM__MALFORMED(d, "malformed import kind");
    }
}

static fvm_err decode_imports(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_IMPORTS, "too many imports"));
    FVM_TRY(fvm__module_array(m, &m->imports, n, sizeof *m->imports));
    /* room for the case that all are of one kind; the index spaces are moved when they are known */
    FVM_TRY(fvm__module_array(m, &m->funcs, n, sizeof *m->funcs));
    FVM_TRY(fvm__module_array(m, &m->tables, n, sizeof *m->tables));
    FVM_TRY(fvm__module_array(m, &m->memories, n, sizeof *m->memories));
    FVM_TRY(fvm__module_array(m, &m->globals, n, sizeof *m->globals));
    for (uint32_t i = 0; i < n; i++) {
        fvm__import *import = &m->imports[i];
        uint8_t kind;
        FVM_TRY(get_kept_name(d, &import->from));
        FVM_TRY(get_kept_name(d, &import->name));
        FVM_TRY(fvm__get_u8(d, &kind));
        FVM_TRY(decode_import_desc(d, import, kind));
        m->n_imports = i + 1;
    }
    m->n_funcs = m->n_func_imports;
    m->n_tables = m->n_table_imports;
    m->n_memories = m->n_memory_imports;
    m->n_globals = m->n_global_imports;
    if (m->n_memories > 1) return FVM__INVALID(d, "multiple memories");
    return FVM_OK;
}

/* --- what the module defines ------------------------------------------------------------------ */

/* Makes room for `extra` more entries behind `count` of an index space. */
static fvm_err extend(fvm_wasm_module *m, void *array, uint32_t count, uint32_t extra, size_t size)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    FVM_TRY(fvm__module_array(m, &grown, (uint64_t)count + extra, size));
    if (count) memcpy(grown, old, count * size);
    memcpy(array, &grown, sizeof grown);
    return FVM_OK;
}

static fvm_err decode_functions(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    d->has_function_section = true;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_FUNCTIONS, "too many functions"));
    if ((uint64_t)n + m->n_funcs > FVM__MAX_FUNCTIONS) return FVM__INVALID(d, "too many functions");
    FVM_TRY(extend(m, &m->funcs, m->n_funcs, n, sizeof *m->funcs));
    for (uint32_t i = 0; i < n; i++) {
        fvm__func_def *func = &m->funcs[m->n_funcs + i];
        FVM_TRY(get_type_index(d, &func->type));
        func->n_params = func->type->n_params;
        func->index = m->n_funcs + i;
    }
    m->n_funcs += n;
    d->n_bodies_expected = n;
    return FVM_OK;
}

static fvm_err decode_tables(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n, most = m->rules.reference_types ? FVM__MAX_TABLES : 1;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_TABLES, "too many tables"));
    if (n + m->n_tables > most) return FVM__INVALID(d, "multiple tables");
    FVM_TRY(extend(m, &m->tables, m->n_tables, n, sizeof *m->tables));
    for (uint32_t i = 0; i < n; i++) FVM_TRY(get_table_type(d, &m->tables[m->n_tables + i]));
    /* the slots that the reference's pooling allocator has (engine.md 2) */
    if (m->rules.metering == FVM_WASM_METERING_V4) {
        if (n > 1) return FVM__UNSUPPORTED(d, "more than one table");
        if (n && m->tables[m->n_tables].limits.min > m->rules.table_max_elements)
            return FVM__UNSUPPORTED(d, "table minimum over the limit");
    }
    m->n_tables += n;
    return FVM_OK;
}

static fvm_err decode_memories(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_u32(d, &n));
    if ((uint64_t)n + m->n_memories > 1) return FVM__INVALID(d, "multiple memories");
    FVM_TRY(extend(m, &m->memories, m->n_memories, n, sizeof *m->memories));
    if (n) FVM_TRY(get_memory_type(d, &m->memories[m->n_memories]));
    m->n_memories += n;
    if (n && m->rules.metering == FVM_WASM_METERING_V4 &&
        m->memories[m->n_memories - 1].limits.min > m->rules.memory_max_pages)
        return FVM__UNSUPPORTED(d, "memory minimum over the limit");
    return FVM_OK;
}

static fvm_err decode_globals(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n, added = fvm__is_metered(&m->rules) ? 2 : 0; /* gas and stack height */
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_GLOBALS, "too many globals"));
    if ((uint64_t)n + m->n_globals + added > FVM__MAX_GLOBALS)
        return FVM__INVALID(d, "too many globals");
    FVM_TRY(extend(m, &m->globals, m->n_globals, n, sizeof *m->globals));
    for (uint32_t i = 0; i < n; i++) {
        fvm__global_def *global = &m->globals[m->n_global_imports + i];
        global->slot = i;
        FVM_TRY(get_global_type(d, global));
        FVM_TRY(fvm__get_const_expr(d, &global->init, global->type));
        /* the injection puts the gas counter before the imports but leaves initialisers as they
         * are, so that they name another global, the counter or one of another type */
        if (global->init.kind == FVM__CONST_GLOBAL && fvm__is_metered(&m->rules))
            return FVM__UNSUPPORTED(d, "global initialised from an import");
    }
    m->n_globals += n; /* initialisers see imported ones only */
    return FVM_OK;
}

/* --- exports and start ------------------------------------------------------------------------ */

/* Heap sort by name: n log n whatever the names are, and no global state for the comparison. */
static void sift(const fvm__export_entry *exports, uint32_t *heap, uint32_t at, uint32_t n)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n) return;
        if (child + 1 < n &&
            fvm_bytes_cmp(exports[heap[child]].name, exports[heap[child + 1]].name) < 0)
            child++;
        if (fvm_bytes_cmp(exports[heap[at]].name, exports[heap[child]].name) >= 0) return;
        uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static fvm_err sort_exports(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n = m->n_exports, *order;
    FVM_TRY(fvm__module_array(m, &order, n, sizeof *order));
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n / 2; i-- > 0;) sift(m->exports, order, i, n);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t swap = order[0];
        order[0] = order[i];
        order[i] = swap;
        sift(m->exports, order, 0, i);
    }
    m->exports_by_name = order;
    for (uint32_t i = 1; i < n; i++)
        if (fvm_bytes_eq(m->exports[order[i - 1]].name, m->exports[order[i]].name))
            return FVM__INVALID(d, "duplicate export name");
    return FVM_OK;
}

const fvm__export_entry *fvm__module_find_export(const fvm_wasm_module *module, fvm_bytes name)
{
    uint32_t low = 0, high = module->n_exports;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const fvm__export_entry *entry = &module->exports[module->exports_by_name[mid]];
        int c = fvm_bytes_cmp(entry->name, name);
        if (c == 0) return entry;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static fvm_err decode_exports(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_EXPORTS, "too many exports"));
    FVM_TRY(fvm__module_array(m, &m->exports, n, sizeof *m->exports));
    for (uint32_t i = 0; i < n; i++) {
        fvm__export_entry *entry = &m->exports[i];
        uint8_t kind;
        FVM_TRY(get_kept_name(d, &entry->name));
        FVM_TRY(fvm__get_u8(d, &kind));
        if (kind > 3) return FVM__MALFORMED(d, "malformed export kind");
        entry->kind = (fvm_wasm_kind)kind;
        FVM_TRY(fvm__get_u32(d, &entry->index));
        const uint32_t counts[] = { m->n_funcs, m->n_tables, m->n_memories, m->n_globals };
        static const char *const unknown[] = { "unknown function", "unknown table",
                                               "unknown memory", "unknown global" };
        if (entry->index >= counts[kind]) return FVM__INVALID(d, unknown[kind]);
        uint32_t ref;
        if (kind == 0) FVM_TRY(fvm__module_ref(d, &ref, entry->index, false));
        m->n_exports = i + 1;
    }
    return sort_exports(d);
}

static fvm_err decode_start(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    uint32_t index, ref;
    FVM_TRY(fvm__get_u32(d, &index));
    if (index >= m->n_funcs) return FVM__INVALID(d, "unknown function");
    const fvm__functype *type = m->funcs[index].type;
    if (type->n_params || type->n_results) return FVM__INVALID(d, "start function with a type");
    m->start = index;
    return fvm__is_metered(&m->rules) ? fvm__module_ref(d, &ref, index, false) : FVM_OK;
}

static fvm_err decode_data_count(fvm__decoder *d)
{
    d->has_data_count = true;
    FVM_TRY(fvm__get_u32(d, &d->data_count));
    if (d->data_count > FVM__MAX_DATA_SEGMENTS) return FVM__INVALID(d, "too many data segments");
    return FVM_OK;
}

/* --- sections --------------------------------------------------------------------------------- */

static fvm_err decode_custom(fvm__decoder *d)
{
    fvm_bytes name;
    FVM_TRY(get_name(d, &name));
    d->in.at = d->in.end;
    return FVM_OK;
}

typedef struct section_kind {
    uint8_t order; /* strictly rising through a module; 0: anywhere */
    fvm_err (*decode)(fvm__decoder *);
} section_kind;

static const section_kind sections[] = {
    [0] = { 0, decode_custom },       [1] = { 1, decode_types },
    [2] = { 2, decode_imports },      [3] = { 3, decode_functions },
    [4] = { 4, decode_tables },       [5] = { 5, decode_memories },
    [6] = { 6, decode_globals },      [7] = { 7, decode_exports },
    [8] = { 8, decode_start },        [9] = { 9, fvm__decode_elements },
    [10] = { 11, fvm__decode_code },  [11] = { 12, fvm__decode_datas },
    [12] = { 10, decode_data_count },
};

static fvm_err decode_sections(fvm__decoder *d, fvm__reader rest)
{
    uint8_t order = 0;
    while (rest.at != rest.end) {
        uint8_t id;
        uint32_t size;
        fvm_bytes content;
        d->in = rest;
        FVM_TRY(fvm__get_u8(d, &id));
        FVM_TRY(fvm__get_u32(d, &size));
        if (id >= FVM_COUNT(sections)) return FVM__MALFORMED(d, "malformed section id");
        if (!fvm__read_bytes(&d->in, &content, size))
            return FVM__MALFORMED(d, "unexpected end: length out of bounds");
        rest.at = d->in.at;
        d->in = (fvm__reader){ content.ptr, content.ptr + content.len };
        if (sections[id].order) {
            if (sections[id].order <= order)
                return FVM__MALFORMED(d, "unexpected content after last section");
            order = sections[id].order;
        }
        FVM_TRY(sections[id].decode(d));
        if (d->in.at != d->in.end) return FVM__MALFORMED(d, "section size mismatch");
    }
    return FVM_OK;
}

/* What can be said only at the end. */
static fvm_err check_whole(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    if (!d->has_code_section && d->n_bodies_expected)
        return FVM__MALFORMED(d, "function and code section have inconsistent lengths");
    if (!d->has_code_section) FVM_TRY(fvm__decode_no_code(d));
    if (d->has_data_count && d->data_count != m->n_datas)
        return FVM__MALFORMED(d, "data count and data section have inconsistent lengths");
    if (m->rules.metering == FVM_WASM_METERING_V4) {
        if (!d->has_function_section || !d->has_code_section)
            return FVM__UNSUPPORTED(d, "no function section");
        /* thunks and the gas function are added before it is validated again */
        uint64_t functions = (uint64_t)m->n_funcs + 1;
        for (uint32_t i = 0; i < m->n_refs; i++)
            functions += m->refs[i].thunked && m->refs[i].func >= m->n_func_imports;
        if (functions > FVM__MAX_FUNCTIONS) return FVM__UNSUPPORTED(d, "too many functions");
    }
    for (uint32_t i = 0; i < m->n_func_imports && fvm__is_metered(&m->rules); i++)
        if (!m->funcs[i].host) m->unlinkable = true;
    /* without metering every function may be asked for as an extern */
    for (uint32_t i = 0; i < m->n_funcs && !fvm__is_metered(&m->rules); i++) {
        uint32_t ref;
        FVM_TRY(fvm__module_ref(d, &ref, i, false));
    }
    return FVM_OK;
}

static fvm_err decode_module(fvm__decoder *d, fvm_bytes wasm)
{
    static const uint8_t header[8] = { 0, 'a', 's', 'm', 1, 0, 0, 0 };
    d->in = (fvm__reader){ wasm.ptr, wasm.ptr };
    d->begin = wasm.ptr;
    if (wasm.len < 4) return FVM__MALFORMED(d, "unexpected end"); /* no arithmetic on NULL */
    d->end = wasm.ptr + wasm.len;
    d->in = (fvm__reader){ wasm.ptr, d->end };
    if (memcmp(wasm.ptr, header, 4) != 0) return FVM__MALFORMED(d, "magic header not detected");
    if (wasm.len < 8) return FVM__MALFORMED(d, "unexpected end");
    if (memcmp(wasm.ptr, header, 8) != 0) return FVM__MALFORMED(d, "unknown binary version");
    if (wasm.len > UINT32_MAX) return FVM__MALFORMED(d, "module too large");
    FVM_TRY(decode_sections(d, (fvm__reader){ wasm.ptr + 8, wasm.ptr + wasm.len }));
    return check_whole(d);
}

fvm_err fvm__module_new_on(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                           const fvm_wasm_host_table *hosts, fvm_bytes wasm, char *detail,
                           const fvm_allocator *alloc, const fvm__module_options *options)
{
    if (detail) detail[0] = '\0';
    fvm_wasm_module *m = fvm_mem_zalloc(alloc, sizeof *m);
    if (!m) return FVM_ERR_NOMEM;
    m->alloc = alloc;
    m->rules = *rules;
    m->hosts = hosts;
    m->start = FVM__NO_INDEX;
    m->holds = 1;
    fvm_arena_init(&m->arena, alloc);
    fvm__decoder d = { .module = m,
                       .detail = detail,
                       .listener = options->listener,
                       .backend = options->backend,
                       .image = options->image };
    fvm_err err = decode_module(&d, wasm);
    fvm_mem_free(alloc, d.ref_of_func, m->n_funcs * sizeof *d.ref_of_func);
    fvm_mem_free(alloc, d.raw_ref_of_func, m->n_funcs * sizeof *d.raw_ref_of_func);
    if (m->refs && m->n_refs < d.cap_refs) { /* so that the size is known when freeing */
        fvm__ref_def *fitted = fvm_mem_resize(alloc, m->refs, d.cap_refs * sizeof *m->refs,
                                              m->n_refs * sizeof *m->refs);
        if (fitted)
            m->refs = fitted;
        else if (err == FVM_OK)
            err = FVM_ERR_NOMEM;
        if (!fitted) {
            fvm_mem_free(alloc, m->refs, d.cap_refs * sizeof *m->refs);
            m->refs = NULL;
        }
    }
    if (err != FVM_OK) {
        fvm_wasm_module_free(m);
        return err;
    }
    *out = m;
    return FVM_OK;
}

fvm_err fvm__module_new(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                        const fvm_wasm_host_table *hosts, fvm_bytes wasm, char *detail,
                        const fvm_allocator *alloc, const fvm__meter_listener *listener)
{
    return fvm__module_new_on(out, rules, hosts, wasm, detail, alloc,
                              &(fvm__module_options){ .listener = listener });
}

bool fvm_wasm_backend_available(fvm_wasm_backend backend)
{
    if (backend == FVM_WASM_BACKEND_X64_GUARD) return fvm__x64_supported() && fvm__guard_install();
    return backend != FVM_WASM_BACKEND_X64 || fvm__x64_supported();
}

fvm_err fvm_wasm_module_new_on(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                               const fvm_wasm_host_table *hosts, fvm_bytes wasm, char *detail,
                               const fvm_allocator *alloc, fvm_wasm_backend backend)
{
    return fvm__module_new_on(out, rules, hosts, wasm, detail, alloc,
                              &(fvm__module_options){ .backend = backend });
}

fvm_err fvm_wasm_module_new(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                            const fvm_wasm_host_table *hosts, fvm_bytes wasm, char *detail,
                            const fvm_allocator *alloc)
{
    return fvm__module_new(out, rules, hosts, wasm, detail, alloc, NULL);
}

void fvm_wasm_module_free(const fvm_wasm_module *held)
{
    fvm_wasm_module *module = fvm__module_unconst(held);
    if (!module || --module->holds != 0) return;
    const fvm_allocator *alloc = module->alloc;
    if (module->runner) module->runner->code_free(module);
    fvm_mem_free(alloc, module->refs, module->n_refs * sizeof *module->refs);
    fvm_arena_deinit(&module->arena);
    fvm_mem_free(alloc, module, sizeof *module);
}

const fvm_wasm_module *fvm_wasm_module_hold(const fvm_wasm_module *module)
{
    fvm__module_retain(module);
    return module;
}

bool fvm_wasm_module_in_use(const fvm_wasm_module *module)
{
    /* `pooled` first, since it rises after and falls before `holds` does */
    uint32_t pooled = module->pooled;
    return module->holds > pooled + 1;
}

size_t fvm_wasm_module_size(const fvm_wasm_module *module)
{
    return sizeof *module + module->arena.used + module->code_bytes +
           module->n_refs * sizeof *module->refs;
}
