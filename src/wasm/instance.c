/* instance.c - making instances, entering them, taking them apart.
 *
 * An instance is one allocation: the struct and, behind it, its arrays. Memories come from the
 * context; tables are apart since they grow. */
#include "wasm/instance.h"

#include <assert.h>
#include <stdio.h>

/* --- layout ----------------------------------------------------------------------------------- */

typedef struct layout {
    size_t at;
    uint8_t *base; /* NULL: only measured */
} layout;

static void *take(layout *l, size_t count, size_t size)
{
    size_t at = (l->at + 15) & ~(size_t)15;
    l->at = at + count * size;
    return l->base ? l->base + at : NULL;
}

/* Sizes are bounded by the module's, so that sums do not overflow. */
static void lay_out(fvm_wasm_instance *i, layout *l, const fvm_wasm_module *m)
{
    (void)take(l, 1, sizeof *i);
    uint64_t *globals = take(l, m->n_globals - m->n_global_imports, sizeof *globals);
    fvm__table **tables = take(l, m->n_tables, sizeof *tables);
    fvm__table *own_tables = take(l, m->n_tables, sizeof *own_tables);
    uint64_t **imported = take(l, m->n_global_imports, sizeof *imported);
    fvm__funcref **imports = take(l, m->n_func_imports, sizeof *imports);
    fvm__funcref *own_imports = take(l, m->n_func_imports, sizeof *own_imports);
    fvm__funcref *refs = take(l, m->n_refs, sizeof *refs);
    bool *elem_dropped = take(l, m->n_elems, sizeof *elem_dropped);
    bool *data_dropped = take(l, m->n_datas, sizeof *data_dropped);
    bool with_externs = !fvm__is_metered(&m->rules);
    fvm__global *externs = take(l, with_externs ? m->n_globals : 0, sizeof *externs);
    if (!i) return;
    assert((uint8_t *)globals == (uint8_t *)i + FVM__GLOBALS_AT);
    i->tables = tables;
    i->own_tables = own_tables;
    i->globals = globals;
    i->imported_globals = imported;
    i->imports = imports;
    i->own_imports = own_imports;
    i->refs = refs;
    i->elem_dropped = elem_dropped;
    i->data_dropped = data_dropped;
    i->global_externs = with_externs ? externs : NULL;
}

static fvm_err instance_alloc(fvm_wasm_instance **out, fvm_wasm_context *context,
                              const fvm_wasm_module *m)
{
    layout l = { 0 };
    lay_out(NULL, &l, m);
    size_t bytes = l.at;
    uint8_t *block = fvm_mem_zalloc(context->alloc, bytes);
    if (!block) return FVM_ERR_NOMEM;
    fvm_wasm_instance *i = (fvm_wasm_instance *)(void *)block;
    l = (layout){ .base = block };
    lay_out(i, &l, m);
    i->module = m;
    i->context = context;
    i->alloc = context->alloc;
    i->bytes = bytes;
    *out = i;
    return FVM_OK;
}

void fvm_wasm_instance_free(fvm_wasm_instance *i)
{
    if (i && !fvm__pool_park(i)) fvm__instance_destroy(i);
}

void fvm__instance_destroy(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    fvm__pool_forget_pages(i);
    if (i->most_len > i->own_memory.len) i->own_memory.len = i->most_len; /* all that may exist */
    fvm__memory_close(i->context, &i->own_memory);
    for (uint32_t t = m->n_table_imports; t < m->n_tables; t++) {
        fvm__table *table = &i->own_tables[t];
        fvm_mem_free(table->alloc, table->elems, table->cap * sizeof *table->elems);
    }
    fvm_mem_free(i->alloc, i, i->bytes);
}

/* --- linking ---------------------------------------------------------------------------------- */

static fvm_err refuse(char *detail, const char *what, const fvm__import *import)
{
    if (detail)
        (void)snprintf(
            detail, FVM_WASM_DETAIL_MAX, "%s: %.*s %.*s", what,
            (int)(import->from.len < 50 ? import->from.len : 50), (const char *)import->from.ptr,
            (int)(import->name.len < 50 ? import->name.len : 50), (const char *)import->name.ptr);
    return FVM_ERR_WASM_LINK;
}

static bool limits_fit(uint64_t size, const fvm__limits *have, const fvm__limits *want)
{
    if (size < want->min) return false;
    return !want->has_max || (have->has_max && have->max <= want->max);
}

static bool link_func(fvm_wasm_instance *i, const fvm__import *import, void *object)
{
    const fvm__func_def *def = &i->module->funcs[import->index];
    fvm__funcref *own = &i->own_imports[import->index];
    i->imports[import->index] = own;
    if (!object) {
        *own = (fvm__funcref){ .instance = i, .def = def };
        return def->host != NULL;
    }
    i->imports[import->index] = object;
    if (i->imports[import->index]->instance->module->runner != i->module->runner) return false;
    return fvm__functype_eq(i->imports[import->index]->def->type, def->type);
}

static bool link_global(fvm_wasm_instance *i, const fvm__import *import, const fvm_wasm_extern *ext)
{
    const fvm__global_def *want = &i->module->globals[import->index];
    const fvm__global *global = ext->object;
    i->imported_globals[import->index] = global->value;
    if (fvm__is_ref(want->type) && global->runner != i->module->runner) return false;
    return global->def->type == want->type && global->def->is_mutable == want->is_mutable;
}

/* One import that is no function of the host; false: it does not fit. */
static bool link_import(fvm_wasm_instance *i, const fvm__import *import, const fvm_wasm_extern *ext)
{
    const fvm_wasm_module *m = i->module;
    if (import->kind == FVM_WASM_FUNC) return link_func(i, import, ext->object);
    if (!ext->object) return false;
    if (import->kind == FVM_WASM_TABLE) {
        fvm__table *table = ext->object;
        const fvm__table_def *want = &m->tables[import->index];
        i->tables[import->index] = table;
        if (table->runner != m->runner) return false;
        return table->type == want->type && limits_fit(table->size, &table->limits, &want->limits);
    }
    if (import->kind == FVM_WASM_MEMORY) {
        i->memory = ext->object;
        if (m->guarded && !i->memory->guarded) return false;
        return limits_fit(i->memory->len / FVM__PAGE_BYTES, &i->memory->limits,
                          &m->memories[import->index].limits);
    }
    return link_global(i, import, ext);
}

static fvm_err link_all(fvm_wasm_instance *i, const fvm_wasm_extern *externs, size_t count,
                        char *detail)
{
    const fvm_wasm_module *m = i->module;
    for (uint32_t n = 0; n < m->n_imports; n++) {
        const fvm__import *import = &m->imports[n];
        fvm_wasm_extern ext = n < count ? externs[n] : (fvm_wasm_extern){ import->kind, NULL };
        if (ext.object && ext.kind != import->kind)
            return refuse(detail, "incompatible import type", import);
        if (!link_import(i, import, &ext))
            return refuse(detail, ext.object ? "incompatible import type" : "unknown import",
                          import);
    }
    return FVM_OK;
}

/* --- initial state ---------------------------------------------------------------------------- */

static bool limiter_allows(const fvm_wasm_instance *i, uint64_t bytes)
{
    return bytes == 0 || !i->limiter.grow || i->limiter.grow(i->limiter.ctx, bytes);
}

static fvm_err open_memory(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    if (m->n_memories == m->n_memory_imports) return FVM_OK;
    const fvm__limits *limits = &m->memories[m->n_memory_imports].limits;
    uint32_t most = m->rules.memory_max_pages;
    if (limits->max < most) most = limits->max;
    if (limits->min > most || !limiter_allows(i, (uint64_t)limits->min * FVM__PAGE_BYTES))
        return FVM_ERR_WASM_INSTANTIATE;
    i->own_memory.limits = *limits;
    FVM_TRY(fvm__memory_open(i->context, &i->own_memory, limits->min, most, m->guarded));
    i->memory = &i->own_memory;
    return FVM_OK;
}

static fvm_err open_tables(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    for (uint32_t t = m->n_table_imports; t < m->n_tables; t++) {
        const fvm__table_def *def = &m->tables[t];
        fvm__table *table = &i->own_tables[t];
        uint32_t size = def->limits.min;
        if (!limiter_allows(i, (uint64_t)size * 8)) return FVM_ERR_WASM_INSTANTIATE;
        *table = (fvm__table){
            .limits = def->limits, .type = def->type, .alloc = i->alloc, .runner = m->runner
        };
        i->tables[t] = table;
        if (size == 0) continue;
        table->elems = fvm_mem_zalloc(i->alloc, size * sizeof *table->elems);
        if (!table->elems) return FVM_ERR_NOMEM;
        table->size = table->cap = size;
    }
    return FVM_OK;
}

static uint64_t const_value(const fvm_wasm_instance *i, const fvm__const_expr *expr)
{
    switch (expr->kind) {
    case FVM__CONST_GLOBAL: return *i->imported_globals[expr->index];
    case FVM__CONST_FUNC: return fvm__instance_ref(i, expr->index);
    default: return expr->value;
    }
}

/* What a pooled instance begins with again: the rest is as it was (pool.c). The limiter is asked as
 * for a new one. */
static fvm_err begin_again(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    if (i->memory && !limiter_allows(i, i->memory->len)) return FVM_ERR_WASM_INSTANTIATE;
    for (uint32_t t = 0; t < m->n_tables; t++)
        if (!limiter_allows(i, (uint64_t)i->tables[t]->size * 8)) return FVM_ERR_WASM_INSTANTIATE;
    for (uint32_t g = 0; g < m->n_globals; g++)
        i->globals[m->globals[g].slot] = const_value(i, &m->globals[g].init);
    for (uint32_t s = 0; s < m->n_elems; s++)
        i->elem_dropped[s] = m->elems[s].mode != FVM__SEGMENT_PASSIVE;
    for (uint32_t s = 0; s < m->n_datas; s++)
        i->data_dropped[s] = m->datas[s].mode == FVM__SEGMENT_ACTIVE;
    i->height = i->frames_used = 0;
    i->trap = FVM_WASM_TRAP_NONE;
    i->starting = false;
    return FVM_OK;
}

static void set_values(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    for (uint32_t r = 0; r < m->n_refs; r++)
        i->refs[r] = (fvm__funcref){ .instance = i,
                                     .def = &m->funcs[m->refs[r].func],
                                     .thunked = m->refs[r].thunked };
    for (uint32_t g = m->n_global_imports; g < m->n_globals; g++)
        i->globals[m->globals[g].slot] = const_value(i, &m->globals[g].init);
    for (uint32_t g = 0; g < m->n_globals && i->global_externs; g++) {
        const fvm__global_def *def = &m->globals[g];
        uint64_t *value = def->imported ? i->imported_globals[g] : &i->globals[def->slot];
        i->global_externs[g] = (fvm__global){ value, def, m->runner };
    }
}

/* Active segments in order; what was written before one that does not fit stays. */
static fvm_wasm_trap write_segments(fvm_wasm_instance *i)
{
    const fvm_wasm_module *m = i->module;
    for (uint32_t s = 0; s < m->n_elems; s++) {
        const fvm__elem_segment *seg = &m->elems[s];
        if (seg->mode == FVM__SEGMENT_ACTIVE) {
            uint32_t at = (uint32_t)const_value(i, &seg->offset);
            fvm_wasm_trap trap = fvm__table_init(i, seg->table, s, at, 0, seg->count);
            if (trap != FVM_WASM_TRAP_NONE) return trap;
        }
        i->elem_dropped[s] = seg->mode != FVM__SEGMENT_PASSIVE;
    }
    for (uint32_t s = 0; s < m->n_datas; s++) {
        const fvm__data_segment *seg = &m->datas[s];
        if (seg->mode != FVM__SEGMENT_ACTIVE) continue;
        uint32_t at = (uint32_t)const_value(i, &seg->offset);
        if (seg->bytes.len > UINT32_MAX) return FVM_WASM_TRAP_MEMORY_BOUNDS;
        fvm_wasm_trap trap = fvm__memory_init(i, s, at, 0, (uint32_t)seg->bytes.len);
        if (trap != FVM_WASM_TRAP_NONE) return trap;
        i->data_dropped[s] = true;
    }
    return FVM_WASM_TRAP_NONE;
}

/* A function by index, as the outside enters it: through its thunk. */
static fvm__funcref entry_ref(fvm_wasm_instance *i, uint32_t func)
{
    if (func < i->module->n_func_imports) return *i->imports[func];
    return (fvm__funcref){ .instance = i, .def = &i->module->funcs[func], .thunked = true };
}

static fvm_err run_start(fvm_wasm_instance *i)
{
    if (i->module->start == FVM__NO_INDEX) return FVM_OK;
    fvm__funcref ref = entry_ref(i, i->module->start);
    i->starting = true;
    fvm_err err = fvm__enter(i, &ref, NULL, NULL);
    i->starting = false;
    return err;
}

static fvm_err initialise(fvm_wasm_instance *i)
{
    FVM_TRY(open_memory(i));
    FVM_TRY(open_tables(i));
    set_values(i);
    fvm_wasm_trap trap = write_segments(i);
    if (trap != FVM_WASM_TRAP_NONE) {
        i->trap = i->context->trap = trap;
        return FVM_ERR_WASM_INSTANTIATE;
    }
    i->complete = true;
    return run_start(i);
}

static fvm_err reuse(fvm_wasm_instance *i)
{
    FVM_TRY(begin_again(i));
    return run_start(i);
}

fvm_err fvm_wasm_instance_new_with(fvm_wasm_instance **out, fvm_wasm_context *context,
                                   const fvm_wasm_module *module, void *host,
                                   const fvm_wasm_limiter *limiter, int64_t milligas,
                                   const fvm_wasm_extern *externs, size_t count, char *detail)
{
    fvm_wasm_instance *i;
    *out = NULL;
    if (detail) detail[0] = '\0';
    context->trap = FVM_WASM_TRAP_NONE;
    bool pooled = (i = fvm__pool_take(context, module)) != NULL;
    if (!pooled) FVM_TRY(instance_alloc(&i, context, module));
    i->host = host;
    i->gas = milligas;
    i->limiter = limiter ? *limiter : (fvm_wasm_limiter){ 0 };
    fvm_err err = FVM_OK;
    if (pooled) {
        err = reuse(i);
    } else {
        err = module->unlinkable ? FVM_ERR_WASM_LINK : link_all(i, externs, count, detail);
        if (err == FVM_OK) err = initialise(i);
    }
    if (err == FVM_ERR_WASM_LINK || fvm_err_class_of(err) == FVM_CLASS_HOST) {
        fvm_wasm_instance_free(i);
        return err;
    }
    *out = i;
    return err;
}

fvm_err fvm_wasm_instance_new(fvm_wasm_instance **out, fvm_wasm_context *context,
                              const fvm_wasm_module *module, void *host,
                              const fvm_wasm_limiter *limiter, int64_t milligas)
{
    return fvm_wasm_instance_new_with(out, context, module, host, limiter, milligas, NULL, 0, NULL);
}

/* --- calls ------------------------------------------------------------------------------------ */

static fvm_err trapped(fvm_wasm_instance *entry, fvm_wasm_trap trap)
{
    entry->trap = entry->context->trap = trap;
    return FVM_ERR_TRAP;
}

/* What the thunk does before the call: its block's gas, then the limiter's check. */
static fvm_err enter_thunk(fvm_wasm_instance *entry, const fvm__func_def *def)
{
    entry->gas = (int64_t)((uint64_t)entry->gas - def->thunk_milligas);
    if (def->thunk_milligas && entry->gas < 0) return trapped(entry, FVM_WASM_TRAP_OUT_OF_GAS);
    entry->height += def->stack_cost;
    if (entry->height > entry->module->rules.stack_limit)
        return trapped(entry, FVM_WASM_TRAP_STACK_LIMIT);
    return FVM_OK;
}

fvm_err fvm__enter(fvm_wasm_instance *entry, const fvm__funcref *ref, uint64_t *slots,
                   const uint64_t *args)
{
    fvm_wasm_context *context = entry->context;
    const fvm__func_def *def = ref->def;
    const fvm__functype *type = def->type;
    uint32_t height = entry->height, frames_used = entry->frames_used;
    /* the frames below, their overlap with arguments and results not taken off */
    size_t need = (size_t)entry->module->rules.frame_budget_bytes +
                  (type->n_params + type->n_results + 16) * sizeof(uint64_t);
    fvm__stack_mark mark;
    FVM_TRY(fvm__stack_reserve(context, &mark, need));
    uint64_t *fp = context->sp;
    fvm_err err = FVM_OK;
    assert((args || !type->n_params) && (slots || !type->n_results));
    if (type->n_params) memcpy(fp, args, type->n_params * sizeof *fp);
    if (!def->code) {
        context->sp = fp + type->n_params + type->n_results;
        err = def->host(ref->instance, ref->instance->host, fp);
    } else {
        if (ref->thunked) err = enter_thunk(entry, def);
        if (err == FVM_OK) err = ref->instance->module->runner->run(entry, ref, fp);
    }
    if (err == FVM_OK && type->n_results) memcpy(slots, fp, type->n_results * sizeof *fp);
    entry->height = height;
    entry->frames_used = frames_used;
    fvm__stack_release(context, mark);
    return err;
}

fvm_err fvm_wasm_instance_call(fvm_wasm_instance *instance, uint64_t *results, uint32_t func_index,
                               const uint64_t *args)
{
    if (func_index >= instance->module->n_funcs) return FVM_ERR_INVALID;
    fvm__funcref ref = entry_ref(instance, func_index);
    return fvm__enter(instance, &ref, results, args);
}

/* --- accessors -------------------------------------------------------------------------------- */

fvm_wasm_trap fvm_wasm_instance_trap(const fvm_wasm_instance *instance)
{
    return instance->trap;
}
int64_t fvm_wasm_instance_gas(const fvm_wasm_instance *instance)
{
    return instance->gas;
}
void fvm_wasm_instance_set_gas(fvm_wasm_instance *instance, int64_t milligas)
{
    instance->gas = milligas;
}

fvm_wasm_memory fvm_wasm_instance_memory(const fvm_wasm_instance *instance)
{
    if (instance->starting || !instance->memory) return (fvm_wasm_memory){ NULL, 0 };
    return (fvm_wasm_memory){ instance->memory->data, (size_t)instance->memory->len };
}
