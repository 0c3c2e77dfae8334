/* bulk.c - memories and tables as instructions change them: growth under the limiter, and the bulk
 * instructions, which check all bounds before they write (spec: execution, 4.4.6 and 4.4.7). */
#include "wasm/instance.h"

#define NOT_GROWN UINT32_MAX /* -1 to the program */

static bool limiter_allows(const fvm_wasm_instance *instance, uint64_t bytes)
{
    return !instance->limiter.grow || instance->limiter.grow(instance->limiter.ctx, bytes);
}

/* The order of refusals is the reference's: what is refused by the slot's size after the limiter
 * agreed stays counted (engine.md 8). */
fvm_err fvm__memory_grow(fvm_wasm_instance *instance, uint32_t *result, uint32_t delta)
{
    fvm__memory *memory = instance->memory;
    const fvm_wasm_rules *rules = &instance->module->rules;
    uint32_t pages = (uint32_t)(memory->len / FVM__PAGE_BYTES);
    uint64_t wanted = (uint64_t)pages + delta;
    *result = NOT_GROWN;
    if (delta == 0) {
        *result = pages;
        return FVM_OK;
    }
    if (memory->limits.has_max && wanted > memory->limits.max) return FVM_OK;
    if (!limiter_allows(instance, (uint64_t)delta * FVM__PAGE_BYTES)) return FVM_OK;
    if (wanted > rules->memory_max_pages || wanted > FVM__PAGES_MAX) return FVM_OK;
    if (!fvm__memory_extend(memory, wanted * FVM__PAGE_BYTES))
        return fvm__is_metered(rules) ? FVM_ERR_NOMEM : FVM_OK; /* nodes must not differ */
    *result = pages;
    return FVM_OK;
}

fvm_err fvm__table_grow(fvm_wasm_instance *instance, uint32_t *result, fvm__table *table,
                        uint32_t delta, uint64_t value)
{
    const fvm_wasm_rules *rules = &instance->module->rules;
    uint64_t wanted = (uint64_t)table->size + delta;
    uint32_t before = table->size;
    *result = NOT_GROWN;
    if (delta == 0) {
        *result = before;
        return FVM_OK;
    }
    if (wanted > table->limits.max || wanted > rules->table_max_elements) return FVM_OK;
    if (!limiter_allows(instance, (uint64_t)delta * 8)) return FVM_OK;
    if (wanted > table->cap) {
        uint64_t cap = (uint64_t)table->cap * 2 > wanted ? (uint64_t)table->cap * 2 : wanted;
        uint64_t *grown = fvm_mem_resize(table->alloc, table->elems, table->cap * sizeof *grown,
                                         (size_t)cap * sizeof *grown);
        if (!grown) return fvm__is_metered(rules) ? FVM_ERR_NOMEM : FVM_OK;
        table->elems = grown;
        table->cap = (uint32_t)cap;
    }
    for (uint32_t i = before; i < wanted; i++) table->elems[i] = value;
    table->size = (uint32_t)wanted;
    *result = before;
    return FVM_OK;
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool inside(uint64_t size, uint32_t at, uint32_t len)
{
    return (uint64_t)at + len <= size;
}

fvm_wasm_trap fvm__memory_init(fvm_wasm_instance *instance, uint32_t segment, uint32_t to,
                               uint32_t from, uint32_t len)
{
    const fvm__data_segment *seg = &instance->module->datas[segment];
    uint64_t have = instance->data_dropped[segment] ? 0 : seg->bytes.len;
    fvm__memory *memory = instance->memory;
    if (!inside(have, from, len) || !inside(memory->len, to, len))
        return FVM_WASM_TRAP_MEMORY_BOUNDS;
    if (len) memcpy(memory->data + to, seg->bytes.ptr + from, len);
    return FVM_WASM_TRAP_NONE;
}

fvm_wasm_trap fvm__memory_copy(fvm_wasm_instance *instance, uint32_t to, uint32_t from,
                               uint32_t len)
{
    fvm__memory *memory = instance->memory;
    if (!inside(memory->len, from, len) || !inside(memory->len, to, len))
        return FVM_WASM_TRAP_MEMORY_BOUNDS;
    memmove(memory->data + to, memory->data + from, len);
    return FVM_WASM_TRAP_NONE;
}

fvm_wasm_trap fvm__memory_fill(fvm_wasm_instance *instance, uint32_t to, uint32_t byte,
                               uint32_t len)
{
    fvm__memory *memory = instance->memory;
    if (!inside(memory->len, to, len)) return FVM_WASM_TRAP_MEMORY_BOUNDS;
    memset(memory->data + to, (int)(byte & 0xff), len);
    return FVM_WASM_TRAP_NONE;
}

/* --- tables ----------------------------------------------------------------------------------- */

static uint64_t element(const fvm_wasm_instance *instance, const fvm__elem_segment *seg,
                        uint32_t at)
{
    if (!seg->items) return fvm__instance_ref(instance, seg->refs[at]);
    const fvm__const_expr *item = &seg->items[at];
    switch (item->kind) {
    case FVM__CONST_FUNC: return fvm__instance_ref(instance, item->index);
    case FVM__CONST_GLOBAL: return *instance->imported_globals[item->index];
    default: return item->value;
    }
}

fvm_wasm_trap fvm__table_init(fvm_wasm_instance *instance, uint32_t table_index, uint32_t segment,
                              uint32_t to, uint32_t from, uint32_t len)
{
    const fvm__elem_segment *seg = &instance->module->elems[segment];
    fvm__table *table = instance->tables[table_index];
    uint32_t have = instance->elem_dropped[segment] ? 0 : seg->count;
    if (!inside(have, from, len) || !inside(table->size, to, len))
        return FVM_WASM_TRAP_TABLE_BOUNDS;
    for (uint32_t i = 0; i < len; i++) table->elems[to + i] = element(instance, seg, from + i);
    return FVM_WASM_TRAP_NONE;
}

fvm_wasm_trap fvm__table_copy(fvm_wasm_instance *instance, uint32_t to_table, uint32_t from_table,
                              uint32_t to, uint32_t from, uint32_t len)
{
    fvm__table *into = instance->tables[to_table], *out_of = instance->tables[from_table];
    if (!inside(out_of->size, from, len) || !inside(into->size, to, len))
        return FVM_WASM_TRAP_TABLE_BOUNDS;
    if (len) memmove(into->elems + to, out_of->elems + from, len * sizeof *into->elems);
    return FVM_WASM_TRAP_NONE;
}

fvm_wasm_trap fvm__table_fill(fvm_wasm_instance *instance, uint32_t table_index, uint32_t to,
                              uint64_t value, uint32_t len)
{
    fvm__table *table = instance->tables[table_index];
    if (!inside(table->size, to, len)) return FVM_WASM_TRAP_TABLE_BOUNDS;
    for (uint32_t i = 0; i < len; i++) table->elems[to + i] = value;
    return FVM_WASM_TRAP_NONE;
}
