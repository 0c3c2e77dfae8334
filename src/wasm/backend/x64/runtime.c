/* runtime.c - compiled code seen from C: how it is entered, and what it calls. */
#include "wasm/backend/x64/x64.h"
#ifdef FVM__X64
#include "wasm/slots.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- entering --------------------------------------------------------------------------------- */

typedef fvm_err enter_fn(fvm_wasm_instance *instance, const void *code, uint64_t *fp, int64_t *gas);

/* Runs a function, its prologue's share of the limits included, in an instance that begins with
 * what `from` has used of them. */
static fvm_err enter(fvm_wasm_instance *entry, const fvm_wasm_instance *from,
                     const fvm__funcref *ref, uint64_t *fp)
{
    fvm_wasm_instance *instance = ref->instance;
    fvm_wasm_context *context = entry->context;
    const fvm_wasm_module *m = instance->module;
    fvm_wasm_instance *outer = context->entry;
    const fvm_wasm_instance *outer_running = context->running;
    void *outer_sp = context->native_sp;
    uint32_t height = instance->height, frames_used = instance->frames_used;
    enter_fn *fn;
    const uint8_t *at = (const uint8_t *)m->code + m->enter_at;
    memcpy(&fn, &at, sizeof fn);
    context->entry = entry;
    context->running = instance;
    instance->height = from->height - ref->def->stack_cost; /* the thunk's share is taken already */
    instance->frames_used = from->frames_used;
    fvm_err err = fn(instance, ref->def->code, fp, &entry->gas);
    instance->height = height;
    instance->frames_used = frames_used;
    context->entry = outer;
    context->running = outer_running;
    context->native_sp = outer_sp;
    return err;
}

static fvm_err run(fvm_wasm_instance *entry, const fvm__funcref *ref, uint64_t *fp)
{
    const fvm__functype *type = ref->def->type;
    for (uint32_t i = 0; i < type->n_params; i++) /* the code counts on zeros above */
        if (!fvm__x_wide(type->params[i])) fp[i] = (uint32_t)fp[i];
    return enter(entry, entry, ref, fp);
}

static void code_free(fvm_wasm_module *module)
{
    if (module->code) (void)munmap(module->code, module->code_bytes);
    module->code = NULL;
}

/* What code calls in C. */
static const uintptr_t callees[] = {
#define CALLEE(name) (uintptr_t)&fvm__x64_##name
    CALLEE(call_import),
    CALLEE(call_ref),
    CALLEE(memory_grow),
    CALLEE(memory_init),
    CALLEE(memory_copy),
    CALLEE(memory_fill),
    CALLEE(table_init),
    CALLEE(table_copy),
    CALLEE(table_fill),
    CALLEE(table_grow),
    CALLEE(table_get),
    CALLEE(table_set),
    CALLEE(float),
#undef CALLEE
    0, /* so that functions begin at a multiple of 16 as before */
};
_Static_assert(FVM_COUNT(callees) == FVM__X64_CALLEES, "the front of all code");
_Static_assert(sizeof callees == FVM__X64_FRONT, "the front of all code");

uint32_t fvm__x64_callee_at(uintptr_t callee)
{
    uint32_t at = 0;
    while (callees[at] != callee) {
        at++;
        assert(at < FVM_COUNT(callees)); /* a callee that is not in the table */
    }
    return at * (uint32_t)sizeof callee;
}

static size_t whole_pages(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) & ~(page - 1);
}

/* Pages are written, then made executable; never both at once. */
fvm_err fvm__x64_adopt(fvm_wasm_module *m, uint8_t *map, size_t mapped, size_t len,
                       uint32_t enter_at)
{
    size_t bytes = whole_pages(len);
    memcpy(map, callees, sizeof callees);
    if (mprotect(map, bytes, PROT_READ | PROT_EXEC) != 0) {
        (void)munmap(map, mapped);
        return FVM_ERR_NOMEM;
    }
    if (bytes < mapped) (void)munmap(map + bytes, mapped - bytes);
    m->code = map;
    m->code_bytes = bytes;
    m->enter_at = enter_at;
    m->runner = &fvm__x64_runner;
    for (uint32_t i = m->n_func_imports; i < m->n_funcs; i++)
        m->funcs[i].code = map + m->funcs[i].code_at;
    return FVM_OK;
}

fvm_err fvm__x64_install(fvm_wasm_module *m, const uint8_t *code, size_t len, uint32_t enter_at)
{
    size_t bytes = whole_pages(len);
    uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return FVM_ERR_NOMEM;
    memcpy(map, code, len);
    return fvm__x64_adopt(m, map, bytes, len, enter_at);
}

bool fvm__x64_owns(const fvm_wasm_module *module)
{
    return module->runner == &fvm__x64_runner;
}

const fvm__runner fvm__x64_runner = { .run = run, .code_free = code_free };

/* --- calls out of compiled code --------------------------------------------------------------- */

static fvm_err trapped(fvm_wasm_instance *instance, fvm_wasm_trap trap)
{
    if (trap == FVM_WASM_TRAP_NONE) return FVM_OK;
    instance->context->trap = instance->context->entry->trap = trap;
    return FVM_ERR_TRAP;
}

static fvm_err call_host(fvm_wasm_instance *instance, const fvm__funcref *ref, uint64_t *slots)
{
    fvm_wasm_context *context = instance->context;
    fvm_wasm_instance *entry = context->entry;
    const fvm__functype *type = ref->def->type;
    uint32_t height = entry->height, frames_used = entry->frames_used;
    entry->height = instance->height;
    entry->frames_used = instance->frames_used;
    context->sp = slots + (type->n_params > type->n_results ? type->n_params : type->n_results);
    fvm_err err = ref->def->host(ref->instance, ref->instance->host, slots);
    entry->height = height;
    entry->frames_used = frames_used;
    return err;
}

static fvm_err call_out(fvm_wasm_instance *instance, const fvm__funcref *ref, uint64_t *slots,
                        int64_t gas)
{
    fvm_wasm_instance *entry = instance->context->entry;
    entry->gas = gas;
    return ref->def->code ? enter(entry, instance, ref, slots) : call_host(instance, ref, slots);
}

fvm_err fvm__x64_call_import(fvm_wasm_instance *instance, uint64_t *slots, uint32_t index,
                             int64_t gas)
{
    return call_out(instance, instance->imports[index], slots, gas);
}

fvm_err fvm__x64_call_ref(fvm_wasm_instance *instance, uint64_t *slots, uint32_t type,
                          const fvm__funcref *ref, int64_t gas)
{
    const fvm__functype *want = &instance->module->types[type];
    bool same = ref->instance->module == instance->module ? ref->def->type->same_as == type
                                                          : fvm__functype_eq(ref->def->type, want);
    if (!same) {
        instance->context->entry->gas = gas;
        return trapped(instance, FVM_WASM_TRAP_BAD_SIGNATURE);
    }
    return call_out(instance, ref, slots, gas);
}

/* --- memory and tables ------------------------------------------------------------------------ */

fvm_err fvm__x64_memory_grow(fvm_wasm_instance *instance, uint64_t *slots, uint32_t a, uint32_t b)
{
    uint32_t before;
    (void)a;
    (void)b;
    FVM_TRY(fvm__memory_grow(instance, &before, (uint32_t)slots[0]));
    slots[0] = before;
    return FVM_OK;
}

fvm_err fvm__x64_memory_init(fvm_wasm_instance *instance, uint64_t *slots, uint32_t segment,
                             uint32_t b)
{
    (void)b;
    return trapped(instance, fvm__memory_init(instance, segment, (uint32_t)slots[0],
                                              (uint32_t)slots[1], (uint32_t)slots[2]));
}

fvm_err fvm__x64_memory_copy(fvm_wasm_instance *instance, uint64_t *slots, uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
    return trapped(instance, fvm__memory_copy(instance, (uint32_t)slots[0], (uint32_t)slots[1],
                                              (uint32_t)slots[2]));
}

fvm_err fvm__x64_memory_fill(fvm_wasm_instance *instance, uint64_t *slots, uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
    return trapped(instance, fvm__memory_fill(instance, (uint32_t)slots[0], (uint32_t)slots[1],
                                              (uint32_t)slots[2]));
}

fvm_err fvm__x64_table_init(fvm_wasm_instance *instance, uint64_t *slots, uint32_t table,
                            uint32_t segment)
{
    return trapped(instance, fvm__table_init(instance, table, segment, (uint32_t)slots[0],
                                             (uint32_t)slots[1], (uint32_t)slots[2]));
}

fvm_err fvm__x64_table_copy(fvm_wasm_instance *instance, uint64_t *slots, uint32_t to,
                            uint32_t from)
{
    return trapped(instance, fvm__table_copy(instance, to, from, (uint32_t)slots[0],
                                             (uint32_t)slots[1], (uint32_t)slots[2]));
}

fvm_err fvm__x64_table_fill(fvm_wasm_instance *instance, uint64_t *slots, uint32_t table,
                            uint32_t b)
{
    (void)b;
    return trapped(instance, fvm__table_fill(instance, table, (uint32_t)slots[0], slots[1],
                                             (uint32_t)slots[2]));
}

fvm_err fvm__x64_table_grow(fvm_wasm_instance *instance, uint64_t *slots, uint32_t table,
                            uint32_t b)
{
    uint32_t before;
    (void)b;
    FVM_TRY(
        fvm__table_grow(instance, &before, instance->tables[table], (uint32_t)slots[1], slots[0]));
    slots[0] = before;
    return FVM_OK;
}

fvm_err fvm__x64_table_get(fvm_wasm_instance *instance, uint64_t *slots, uint32_t table, uint32_t b)
{
    const fvm__table *t = instance->tables[table];
    uint32_t at = (uint32_t)slots[0];
    (void)b;
    if (at >= t->size) return trapped(instance, FVM_WASM_TRAP_TABLE_BOUNDS);
    slots[0] = t->elems[at];
    return FVM_OK;
}

fvm_err fvm__x64_table_set(fvm_wasm_instance *instance, uint64_t *slots, uint32_t table, uint32_t b)
{
    fvm__table *t = instance->tables[table];
    uint32_t at = (uint32_t)slots[0];
    (void)b;
    if (at >= t->size) return trapped(instance, FVM_WASM_TRAP_TABLE_BOUNDS);
    t->elems[at] = slots[1];
    return FVM_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Operations that the compiler leaves to C, by opcode: the rows of the interpreter's table. */
fvm_err fvm__x64_float(fvm_wasm_instance *instance, uint64_t *slots, uint32_t code, uint32_t b)
{
    (void)b;
    switch ((fvm__opcode)code) {
#define PLAIN(...)
#define BINARY(name, T, expr)
#define DIVIDE(name, T, expr)
#define COMPARE(name, T, expr)
#define LOAD(name, MEM, TO)
#define STORE(name, MEM)
#define UNARY(name, TO, FROM, expr)                                                                \
    case FVM__OP_##name: {                                                                         \
        FROM x = get_##FROM(slots[0]);                                                             \
        slots[0] = put_##TO(expr);                                                                 \
        return FVM_OK;                                                                             \
    }
#define FLOAT(name, TO, FROM, expr)                                                                \
    case FVM__OP_##name: {                                                                         \
        FROM x = get_##FROM(slots[0]), y = get_##FROM(slots[1]);                                   \
        slots[0] = put_##TO(expr);                                                                 \
        return FVM_OK;                                                                             \
    }
#include "wasm/backend/interp/insns.def"
#define TRUNC(name, TO, FROM, fits)                                                                \
    case FVM__OP_##name: {                                                                         \
        FROM x = get_##FROM(slots[0]);                                                             \
        if (x != x) return trapped(instance, FVM_WASM_TRAP_BAD_CONVERSION);                        \
        if (!fits(x)) return trapped(instance, FVM_WASM_TRAP_INT_OVERFLOW);                        \
        slots[0] = put_##TO((TO)x);                                                                \
        return FVM_OK;                                                                             \
    }
        TRUNC(I32_TRUNC_F32_S, s32, f32, fvm__fits_s32)
        TRUNC(I32_TRUNC_F32_U, u32, f32, fvm__fits_u32)
        TRUNC(I32_TRUNC_F64_S, s32, f64, fvm__fits_s32)
        TRUNC(I32_TRUNC_F64_U, u32, f64, fvm__fits_u32)
        TRUNC(I64_TRUNC_F32_S, s64, f32, fvm__fits_s64)
        TRUNC(I64_TRUNC_F32_U, u64, f32, fvm__fits_u64)
        TRUNC(I64_TRUNC_F64_S, s64, f64, fvm__fits_s64)
        TRUNC(I64_TRUNC_F64_U, u64, f64, fvm__fits_u64)
    default: return FVM_ERR_INVALID; /* no such code is made */
    }
}
#endif
