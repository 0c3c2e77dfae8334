/* store.c - introspection of modules, and externs that instances share; see store.h. */
#include "wasm/instance.h"

/* --- modules ---------------------------------------------------------------------------------- */

static fvm_wasm_extern_type type_at(const fvm_wasm_module *m, fvm_wasm_kind kind, uint32_t index)
{
    fvm_wasm_extern_type type = { .kind = kind };
    const fvm__limits *limits = NULL;
    switch (kind) {
    case FVM_WASM_FUNC:
        type.params = m->funcs[index].type->params;
        type.results = m->funcs[index].type->results;
        return type;
    case FVM_WASM_GLOBAL:
        type.value = m->globals[index].type;
        type.is_mutable = m->globals[index].is_mutable;
        return type;
    case FVM_WASM_TABLE:
        type.value = m->tables[index].type;
        limits = &m->tables[index].limits;
        break;
    case FVM_WASM_MEMORY: limits = &m->memories[index].limits; break;
    }
    if (!limits) return type;
    type.min = limits->min;
    type.has_max = limits->has_max;
    type.max = limits->has_max ? limits->max : 0;
    return type;
}

size_t fvm_wasm_module_import_count(const fvm_wasm_module *module)
{
    return module->n_imports;
}
size_t fvm_wasm_module_export_count(const fvm_wasm_module *module)
{
    return module->n_exports;
}

bool fvm_wasm_module_import_at(const fvm_wasm_module *module, fvm_bytes *from, fvm_bytes *name,
                               fvm_wasm_extern_type *type, size_t at)
{
    if (at >= module->n_imports) return false;
    const fvm__import *import = &module->imports[at];
    if (from) *from = import->from;
    if (name) *name = import->name;
    if (type) *type = type_at(module, import->kind, import->index);
    return true;
}

bool fvm_wasm_module_export_at(const fvm_wasm_module *module, fvm_bytes *name,
                               fvm_wasm_extern_type *type, uint32_t *index, size_t at)
{
    if (at >= module->n_exports) return false;
    const fvm__export_entry *entry = &module->exports[at];
    if (name) *name = entry->name;
    if (type) *type = type_at(module, entry->kind, entry->index);
    if (index) *index = entry->index;
    return true;
}

bool fvm_wasm_module_links(const fvm_wasm_module *module)
{
    if (module->n_imports != module->n_func_imports) return false;
    for (uint32_t i = 0; i < module->n_func_imports; i++)
        if (!module->funcs[i].host) return false;
    return true;
}

bool fvm_wasm_module_export(const fvm_wasm_module *module, fvm_wasm_export *out, fvm_bytes name)
{
    const fvm__export_entry *entry = fvm__module_find_export(module, name);
    if (!entry) return false;
    fvm_wasm_extern_type type = type_at(module, entry->kind, entry->index);
    *out = (fvm_wasm_export){ .kind = entry->kind,
                              .index = entry->index,
                              .minimum = type.min,
                              .params = type.params,
                              .results = type.results };
    return true;
}

/* --- externs ---------------------------------------------------------------------------------- */

static fvm__global *global_at(const fvm_wasm_instance *instance, uint32_t index)
{
    return (fvm__global *)&instance->global_externs[index];
}

bool fvm_wasm_instance_extern_at(const fvm_wasm_instance *instance, fvm_wasm_extern *out,
                                 fvm_wasm_kind kind, uint32_t index)
{
    const fvm_wasm_module *m = instance->module;
    void *object = NULL;
    switch (kind) {
    case FVM_WASM_FUNC:
        if (index < m->n_func_imports) {
            object = instance->imports[index];
        } else if (index < m->n_funcs) {
            for (uint32_t r = 0; r < m->n_refs && !object; r++)
                if (m->refs[r].func == index && m->refs[r].thunked) object = &instance->refs[r];
        }
        break;
    case FVM_WASM_TABLE:
        if (index < m->n_tables) object = instance->tables[index];
        break;
    case FVM_WASM_MEMORY:
        if (index < m->n_memories) object = instance->memory;
        break;
    case FVM_WASM_GLOBAL:
        if (index < m->n_globals && instance->global_externs) object = global_at(instance, index);
        break;
    }
    *out = (fvm_wasm_extern){ kind, object };
    return object != NULL;
}

bool fvm_wasm_instance_extern(const fvm_wasm_instance *instance, fvm_wasm_extern *out,
                              fvm_bytes name)
{
    const fvm__export_entry *entry = fvm__module_find_export(instance->module, name);
    return entry && fvm_wasm_instance_extern_at(instance, out, entry->kind, entry->index);
}

fvm_wasm_extern_type fvm_wasm_extern_type_of(fvm_wasm_extern ext)
{
    fvm_wasm_extern_type type = { .kind = ext.kind };
    switch (ext.kind) {
    case FVM_WASM_FUNC: {
        const fvm__funcref *ref = ext.object;
        type.params = ref->def->type->params;
        type.results = ref->def->type->results;
        break;
    }
    case FVM_WASM_TABLE: {
        const fvm__table *table = ext.object;
        type.value = table->type;
        type.min = table->size;
        type.has_max = table->limits.has_max;
        type.max = type.has_max ? table->limits.max : 0;
        break;
    }
    case FVM_WASM_MEMORY: {
        const fvm__memory *memory = ext.object;
        type.min = (uint32_t)(memory->len / FVM__PAGE_BYTES);
        type.has_max = memory->limits.has_max;
        type.max = type.has_max ? memory->limits.max : 0;
        break;
    }
    case FVM_WASM_GLOBAL: {
        const fvm__global *global = ext.object;
        type.value = global->def->type;
        type.is_mutable = global->def->is_mutable;
        break;
    }
    }
    return type;
}

fvm_err fvm_wasm_extern_call(fvm_wasm_context *context, uint64_t *results, fvm_wasm_extern func,
                             const uint64_t *args)
{
    const fvm__funcref *ref = func.object;
    context->trap = FVM_WASM_TRAP_NONE;
    if (!ref || func.kind != FVM_WASM_FUNC || ref->instance->context != context)
        return FVM_ERR_INVALID;
    return fvm__enter(ref->instance, ref, results, args);
}

uint64_t fvm_wasm_extern_funcref(fvm_wasm_extern func)
{
    return (uint64_t)(uintptr_t)func.object;
}

fvm_wasm_extern fvm_wasm_funcref_extern(uint64_t ref)
{
    return (fvm_wasm_extern){ FVM_WASM_FUNC, fvm__funcref_of(ref) };
}

uint64_t fvm_wasm_global_get(fvm_wasm_extern global)
{
    return *((const fvm__global *)global.object)->value;
}

void fvm_wasm_global_set(fvm_wasm_extern global, uint64_t value)
{
    *((const fvm__global *)global.object)->value = value;
}

fvm_wasm_memory fvm_wasm_memory_of(fvm_wasm_extern memory)
{
    const fvm__memory *m = memory.object;
    return (fvm_wasm_memory){ m->data, (size_t)m->len };
}

uint32_t fvm_wasm_table_size(fvm_wasm_extern table)
{
    return ((const fvm__table *)table.object)->size;
}

uint64_t fvm_wasm_table_get(fvm_wasm_extern table, uint32_t index)
{
    const fvm__table *t = table.object;
    return index < t->size ? t->elems[index] : FVM_WASM_REF_NULL;
}
