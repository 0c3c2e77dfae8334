/* run.c - the interpreter's loop: one handler per instruction, which jumps to the next one's.
 *
 * Calls between wasm functions do not nest here: a frame's record holds where its caller goes on.
 * So depth is bounded by the limiter and by the virtual frame budget alone. Calls of host functions
 * nest natively, and what is kept in variables here is written to the instance before. */
#include "wasm/backend/backend.h"
#include "wasm/backend/interp/insn.h"
#include "wasm/instance.h"
#include "wasm/numeric.h"
#include "wasm/slots.h"

/* The record of a frame, behind its locals. */
enum { REC_IP, REC_FP, REC_FUNC, REC_INSTANCE, REC_LIMITS };
_Static_assert(FVM__RECORD_SLOTS == REC_LIMITS + 1, "record");

/* clang-format off */
static inline u32 const_u32(u32 c) { return c; }
static inline s32 const_s32(u32 c) { return (s32)c; }
static inline u64 const_u64(u32 c) { return (u64)(s64)(s32)c; }
static inline s64 const_s64(u32 c) { return (s32)c; }
/* clang-format on */

/* Little-endian memory, at any alignment. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "loads and stores below copy bytes as they are"
#endif
#define DEFINE_ACCESS(T)                                                                           \
    static inline T load_##T(const u8 *p)                                                          \
    {                                                                                              \
        T v;                                                                                       \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }
DEFINE_ACCESS(u8)
DEFINE_ACCESS(s8)
DEFINE_ACCESS(u16)
DEFINE_ACCESS(s16)
DEFINE_ACCESS(u32)
DEFINE_ACCESS(s32)
DEFINE_ACCESS(u64)

static const fvm__insn halt = { .op = FVM__I_HALT };

static inline bool same_type(const fvm_wasm_instance *instance, u32 want, const fvm__funcref *ref)
{
    const fvm_wasm_module *m = instance->module;
    const fvm__functype *type = &m->types[want];
    if (FVM_LIKELY(ref->instance->module == m)) return ref->def->type->same_as == want;
    return fvm__functype_eq(ref->def->type, type);
}

/* A call of a host function, with the state of the run put where the host can see it. */
/* The row of the host table that an import of the module resolved to. */
static const fvm_wasm_host_func *host_func(const fvm_wasm_module *m, const fvm__func_def *def)
{
    for (size_t i = 0; m->hosts && i < m->hosts->count; i++)
        if (m->hosts->funcs[i].fn == def->host) return &m->hosts->funcs[i];
    return NULL;
}

static fvm_err call_host_watched(const fvm_wasm_watcher *w, const fvm_wasm_instance *entry,
                                 const fvm__funcref *ref, u64 *slots)
{
    const fvm_wasm_host_func *func = host_func(ref->instance->module, ref->def);
    if (!func) return ref->def->host(ref->instance, ref->instance->host, slots);
    w->host_enter(w->ctx, func, entry->gas);
    fvm_err err = ref->def->host(ref->instance, ref->instance->host, slots);
    if (err == FVM_OK) w->host_leave(w->ctx, entry->gas);
    return err;
}

static fvm_err call_host(const fvm_wasm_instance *entry, const fvm__funcref *ref, u64 *slots)
{
    const fvm_wasm_watcher *watcher = entry->context->watcher;
    if (FVM_UNLIKELY(watcher != NULL)) return call_host_watched(watcher, entry, ref, slots);
    return ref->def->host(ref->instance, ref->instance->host, slots);
}

#define NEXT() goto *handlers[ip->op]
#define STEP(n)                                                                                    \
    do {                                                                                           \
        ip += (n);                                                                                 \
        NEXT();                                                                                    \
    } while (0)
#define TRAP(why)                                                                                  \
    do {                                                                                           \
        trap = (why);                                                                              \
        goto trapped;                                                                              \
    } while (0)
#define CHARGE()                                                                                   \
    do {                                                                                           \
        gas = (s64)((u64)gas - ip->imm);                                                           \
        if (FVM_UNLIKELY(gas < 0)) TRAP(FVM_WASM_TRAP_OUT_OF_GAS);                                 \
        ip++;                                                                                      \
    } while (0)
#define JUMP() (ip += (s32)ip->a)
#define S(field) fp[ip->field]
#define CHARGE_UNITS(n, unit)                                                                      \
    do {                                                                                           \
        if (ip->x) {                                                                               \
            gas = (s64)((u64)gas - (u64)(n) * (unit));                                             \
            if (FVM_UNLIKELY(gas < 0)) TRAP(FVM_WASM_TRAP_OUT_OF_GAS);                             \
        }                                                                                          \
    } while (0)
#define LOAD_MEMORY()                                                                              \
    do {                                                                                           \
        mem = instance->memory ? instance->memory->data : NULL;                                    \
        mem_len = instance->memory ? instance->memory->len : 0;                                    \
    } while (0)
/* What handlers do that are joined with others. */
#define DO_BINARY(T, right, expr)                                                                  \
    do {                                                                                           \
        T x = get_##T(S(b)), y = right;                                                            \
        S(a) = put_##T((T)(expr));                                                                 \
    } while (0)
#define DO_LOAD(MEM, TO)                                                                           \
    do {                                                                                           \
        u64 at = (u64)get_u32(S(b)) + ip->c;                                                       \
        if (FVM_UNLIKELY(at + sizeof(MEM) > mem_len)) TRAP(FVM_WASM_TRAP_MEMORY_BOUNDS);           \
        S(a) = put_##TO(load_##MEM(mem + at));                                                     \
    } while (0)
#define DO_STORE(MEM)                                                                              \
    do {                                                                                           \
        u64 at = (u64)get_u32(S(a)) + ip->c;                                                       \
        if (FVM_UNLIKELY(at + sizeof(MEM) > mem_len)) TRAP(FVM_WASM_TRAP_MEMORY_BOUNDS);           \
        MEM value = (MEM)S(b);                                                                     \
        memcpy(mem + at, &value, sizeof value);                                                    \
    } while (0)
#define DO_MOV S(a) = S(b)
#define DO_CONST S(a) = ip->imm
#define DO_GLOBAL_GET S(a) = instance->globals[ip->b]
#define DO_GLOBAL_SET instance->globals[ip->a] = S(b)
#define DO_I32_ADD DO_BINARY(u32, get_u32(S(c)), x + y)
#define DO_I32_ADD_K DO_BINARY(u32, ip->c, x + y)
#define DO_I32_SUB DO_BINARY(u32, get_u32(S(c)), x - y)
#define DO_I32_SUB_K DO_BINARY(u32, ip->c, x - y)
#define DO_I32_AND DO_BINARY(u32, get_u32(S(c)), (x & y))
#define DO_I32_AND_K DO_BINARY(u32, ip->c, (x & y))
#define DO_I32_OR_K DO_BINARY(u32, ip->c, x | y)
#define DO_I32_SHL_K DO_BINARY(u32, ip->c, x << (y & 31))
#define DO_I32_SHR_U DO_BINARY(u32, get_u32(S(c)), x >> (y & 31))
#define DO_I32_LOAD DO_LOAD(u32, u32)
#define DO_I64_LOAD DO_LOAD(u64, u64)
#define DO_I32_LOAD8_U DO_LOAD(u8, u32)
#define DO_I32_STORE DO_STORE(u32)
#define DO_I64_STORE DO_STORE(u64)
#define DO_I32_STORE8 DO_STORE(u8)
/* Height and budget as the caller has them again when the callee returns. */
#define LIMITS() ((u64)height << 32 | budget)
#define WRITE_RECORD(at, resume)                                                                   \
    do {                                                                                           \
        u64 *record_ = (at);                                                                       \
        record_[REC_IP] = (u64)(uintptr_t)(resume);                                                \
        record_[REC_FP] = (u64)(uintptr_t)fp;                                                      \
        record_[REC_FUNC] = (u64)(uintptr_t)func;                                                  \
        record_[REC_INSTANCE] = (u64)(uintptr_t)instance;                                          \
        record_[REC_LIMITS] = limits;                                                              \
    } while (0)
#define READ_RECORD(record)                                                                        \
    do {                                                                                           \
        ip = (const fvm__insn *)(uintptr_t)(record)[REC_IP];                                       \
        fp = (u64 *)(uintptr_t)(record)[REC_FP];                                                   \
        func = (const fvm__func_def *)(uintptr_t)(record)[REC_FUNC];                               \
        height = (u32)((record)[REC_LIMITS] >> 32);                                                \
        budget = (u32)(record)[REC_LIMITS];                                                        \
        if (FVM_UNLIKELY((record)[REC_INSTANCE] != (u64)(uintptr_t)instance)) {                    \
            instance = (fvm_wasm_instance *)(uintptr_t)(record)[REC_INSTANCE];                     \
            LOAD_MEMORY();                                                                         \
        }                                                                                          \
    } while (0)
/* The entry's view of the run, for host functions and for afterwards. */
#define SAVE()                                                                                     \
    do {                                                                                           \
        entry->gas = gas;                                                                          \
        entry->height = height;                                                                    \
        entry->frames_used = entry->module->rules.frame_budget_bytes - budget;                     \
        context->sp = fp + func->frame_slots;                                                      \
    } while (0)

/* Labels as values are what makes dispatch cheap; they are no ISO C. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

fvm_err fvm__interp_run(fvm_wasm_instance *entry, const fvm__funcref *start, uint64_t *fp)
{
    static const void *const handlers[] = {
#define PLAIN(name, slots, words) &&L_##name,
#define BINARY(name, T, expr) &&L_##name, &&L_##name##_K,
#define DIVIDE(name, T, expr) &&L_##name, &&L_##name##_K,
#define COMPARE(name, T, expr)                                                                     \
    &&L_##name, &&L_##name##_K, &&L_BR_##name, &&L_BR_##name##_K, &&L_BRC_##name,                  \
        &&L_BRC_##name##_K,
#define UNARY(name, TO, FROM, expr) &&L_##name,
#define FLOAT(name, TO, FROM, expr) &&L_##name,
#define LOAD(name, MEM, TO) &&L_##name,
#define STORE(name, MEM) &&L_##name,
#include "wasm/backend/interp/insns.def"
#define JOINED(first, second) &&L_##first##__##second,
#include "wasm/backend/interp/joined.def"
    };
    fvm_wasm_context *const context = entry->context;
    const u32 limit = entry->module->rules.stack_limit;
    fvm_wasm_instance *instance = start->instance;
    const fvm__func_def *func = start->def;
    const fvm__func_def *callee;
    const fvm__funcref *ref;
    const fvm__insn *ip = func->code;
    u64 *base, limits;
    u8 *mem;
    u64 mem_len;
    s64 gas = entry->gas;
    u32 height = entry->height;
    u32 budget = entry->module->rules.frame_budget_bytes - entry->frames_used;
    fvm_wasm_trap trap = FVM_WASM_TRAP_NONE;
    fvm_err err = FVM_OK;

    /* The outermost frame; the caller has seen to thunk and limiter. */
    if (budget < func->frame_bytes) {
        entry->trap = context->trap = FVM_WASM_TRAP_STACK_OVERFLOW;
        return FVM_ERR_TRAP;
    }
    limits = LIMITS();
    budget -= func->frame_bytes;
    {
        WRITE_RECORD(fp + func->n_locals, &halt);
        for (u32 i = func->n_params; i < func->n_zeroed; i++) fp[i] = 0;
    }
    LOAD_MEMORY();
    NEXT();

L_CHARGE:
    CHARGE();
    NEXT();
L_UNREACHABLE:
    TRAP(FVM_WASM_TRAP_UNREACHABLE);
L_MOV:
    DO_MOV;
    STEP(1);
L_CONST:
    DO_CONST;
    STEP(1);
L_MOVN:
    memmove(&S(a), &S(b), ip->c * sizeof *fp);
    STEP(1);
L_BR:
    JUMP();
    NEXT();
L_BRC:
    JUMP();
    CHARGE();
    NEXT();
L_BR_TABLE: {
    u32 at = get_u32(S(b));
    STEP(1 + (at < ip->c ? at : ip->c));
}

L_ZERO: {
    u64 *word = &S(b) + ip->c / 64, mask = UINT64_C(1) << ip->c % 64;
    if (!(*word & mask)) {
        *word |= mask;
        memset(&S(a), 0, FVM__ZERO_CHUNK * sizeof *fp);
    }
    STEP(1);
}

    /* --- calls and returns --- */
L_CALL:
    callee = &instance->module->funcs[ip->b];
    base = &S(a);
    limits = LIMITS();
enter:
    height += callee->stack_cost;
    if (FVM_UNLIKELY(height > limit)) TRAP(FVM_WASM_TRAP_STACK_LIMIT);
enter_unlimited:
    if (FVM_UNLIKELY(budget < callee->frame_bytes)) TRAP(FVM_WASM_TRAP_STACK_OVERFLOW);
    budget -= callee->frame_bytes;
    WRITE_RECORD(base + callee->n_locals, ip + 1);
    for (u32 i = callee->n_params; i < callee->n_zeroed; i++) base[i] = 0;
    fp = base;
    func = callee;
    ip = func->code;
    CHARGE(); /* with which code begins */
    NEXT();

    /* The record may lie where the results go: it is read first. */
L_RET1: {
    const u64 value = S(b), *record = fp + func->n_locals;
    base = fp;
    READ_RECORD(record);
    base[0] = value;
    NEXT();
}
L_RETN: {
    const fvm__insn *ret = ip;
    u64 record[FVM__RECORD_SLOTS];
    memcpy(record, fp + func->n_locals, sizeof record);
    memmove(fp, fp + ret->b, ret->c * sizeof *fp);
    READ_RECORD(record);
    NEXT();
}
L_RET0: {
    const u64 *record = fp + func->n_locals;
    READ_RECORD(record);
    NEXT();
}
L_HALT:
    entry->gas = gas;
    entry->height = height;
    entry->frames_used = entry->module->rules.frame_budget_bytes - budget;
    return FVM_OK;

L_CALL_IMPORT:
    ref = instance->imports[ip->b];
    base = &S(a);
    if (FVM_UNLIKELY(ref->def->code != NULL)) goto enter_ref;
host:
    SAVE();
    err = call_host(entry, ref, base);
    gas = entry->gas;
    if (FVM_UNLIKELY(err != FVM_OK)) goto failed;
    LOAD_MEMORY();
    STEP(1 + instance->module->profiled); /* over PROFILE_BACK */
L_PROFILE_ENTER:
    if (context->watcher) context->watcher->enter(context->watcher->ctx, ip->a, gas);
    STEP(1);
L_PROFILE_BACK:
    if (context->watcher) context->watcher->leave(context->watcher->ctx, gas);
    STEP(1);
L_CALL_INDIRECT: {
    const fvm__table *table = instance->tables[ip->x];
    u32 at = get_u32(S(c));
    if (FVM_UNLIKELY(at >= table->size)) TRAP(FVM_WASM_TRAP_UNDEFINED_ELEMENT);
    ref = fvm__funcref_of(table->elems[at]);
    if (FVM_UNLIKELY(!ref)) TRAP(FVM_WASM_TRAP_NULL_FUNC);
    if (FVM_UNLIKELY(!same_type(instance, ip->b, ref))) TRAP(FVM_WASM_TRAP_BAD_SIGNATURE);
    base = &S(a);
    if (FVM_UNLIKELY(ref->def->code == NULL)) goto host;
}
enter_ref:
    callee = ref->def;
    limits = LIMITS();
    if (FVM_UNLIKELY(ref->instance != instance)) { /* unmetered: nothing else to count */
        WRITE_RECORD(base + callee->n_locals, ip + 1);
        if (FVM_UNLIKELY(budget < callee->frame_bytes)) TRAP(FVM_WASM_TRAP_STACK_OVERFLOW);
        budget -= callee->frame_bytes;
        for (u32 i = callee->n_params; i < callee->n_zeroed; i++) base[i] = 0;
        fp = base;
        func = callee;
        ip = func->code;
        instance = ref->instance;
        LOAD_MEMORY();
        NEXT();
    }
    if (FVM_UNLIKELY(!ref->thunked)) goto enter_unlimited; /* made by ref.func: no thunk */
    gas = (s64)((u64)gas - callee->thunk_milligas);
    if (FVM_UNLIKELY(gas < 0)) TRAP(FVM_WASM_TRAP_OUT_OF_GAS);
    goto enter;

    /* --- parametric, globals --- */
L_SELECT:
    fp[ip[1].a] = get_u32(S(a)) ? S(b) : S(c);
    STEP(2);
L_GLOBAL_GET:
    DO_GLOBAL_GET;
    STEP(1);
L_GLOBAL_SET:
    DO_GLOBAL_SET;
    STEP(1);
L_GLOBAL_GET_IMPORT:
    S(a) = *instance->imported_globals[ip->b];
    STEP(1);
L_GLOBAL_SET_IMPORT:
    *instance->imported_globals[ip->a] = S(b);
    STEP(1);
L_REF_FUNC:
    S(a) = fvm__instance_ref(instance, ip->b);
    STEP(1);

    /* --- memory and tables --- */
L_MEMORY_SIZE:
    S(a) = mem_len / FVM__PAGE_BYTES;
    STEP(1);
L_MEMORY_GROW: {
    u32 delta = get_u32(S(b)), before;
    CHARGE_UNITS(delta, (u64)instance->module->rules.memory_byte_milligas * FVM__PAGE_BYTES);
    err = fvm__memory_grow(instance, &before, delta);
    if (FVM_UNLIKELY(err != FVM_OK)) goto failed_here;
    LOAD_MEMORY();
    S(a) = before;
    STEP(1);
}
L_MEMORY_INIT:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.memory_byte_milligas);
    trap = fvm__memory_init(instance, ip[1].a, get_u32(S(a)), get_u32(S(b)), get_u32(S(c)));
    goto bulk_done;
L_MEMORY_COPY:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.memory_byte_milligas);
    trap = fvm__memory_copy(instance, get_u32(S(a)), get_u32(S(b)), get_u32(S(c)));
    goto bulk_done;
L_MEMORY_FILL:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.memory_byte_milligas);
    trap = fvm__memory_fill(instance, get_u32(S(a)), get_u32(S(b)), get_u32(S(c)));
    goto bulk_done;
L_TABLE_INIT:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.table_element_milligas);
    trap = fvm__table_init(instance, ip[1].a, ip[1].b, get_u32(S(a)), get_u32(S(b)), get_u32(S(c)));
    goto bulk_done;
L_TABLE_COPY:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.table_element_milligas);
    trap = fvm__table_copy(instance, ip[1].a, ip[1].b, get_u32(S(a)), get_u32(S(b)), get_u32(S(c)));
    goto bulk_done;
L_TABLE_FILL:
    CHARGE_UNITS(get_u32(S(c)), instance->module->rules.table_element_milligas);
    trap = fvm__table_fill(instance, ip[1].a, get_u32(S(a)), S(b), get_u32(S(c)));
bulk_done:
    if (FVM_UNLIKELY(trap != FVM_WASM_TRAP_NONE)) goto trapped;
    STEP(2);
L_TABLE_GROW: {
    u32 delta = get_u32(S(c)), before;
    CHARGE_UNITS(delta, instance->module->rules.table_element_milligas);
    err = fvm__table_grow(instance, &before, instance->tables[ip[1].a], delta, S(b));
    if (FVM_UNLIKELY(err != FVM_OK)) goto failed_here;
    S(a) = before;
    STEP(2);
}
L_DATA_DROP:
    instance->data_dropped[ip->a] = true;
    STEP(1);
L_ELEM_DROP:
    instance->elem_dropped[ip->a] = true;
    STEP(1);
L_TABLE_SIZE:
    S(a) = instance->tables[ip->c]->size;
    STEP(1);
L_TABLE_GET: {
    const fvm__table *table = instance->tables[ip->c];
    u32 at = get_u32(S(b));
    if (FVM_UNLIKELY(at >= table->size)) TRAP(FVM_WASM_TRAP_TABLE_BOUNDS);
    S(a) = table->elems[at];
    STEP(1);
}
L_TABLE_SET: {
    fvm__table *table = instance->tables[ip->c];
    u32 at = get_u32(S(a));
    if (FVM_UNLIKELY(at >= table->size)) TRAP(FVM_WASM_TRAP_TABLE_BOUNDS);
    table->elems[at] = S(b);
    STEP(1);
}

/* --- numbers, from the table --- */
#define BINARY_FORM(label, T, right, expr)                                                         \
    label: {                                                                                       \
        DO_BINARY(T, right, expr);                                                                 \
        STEP(1);                                                                                   \
    }
#define PLAIN(name, slots, words)
#define BINARY(name, T, expr)                                                                      \
    BINARY_FORM(L_##name, T, get_##T(S(c)), expr)                                                  \
    BINARY_FORM(L_##name##_K, T, const_##T(ip->c), expr)
#define DIVIDE(name, T, expr) BINARY_FORM(L_##name##_K, T, const_##T(ip->c), expr)
#define COMPARE_FORM(label, T, right, expr)                                                        \
    label: {                                                                                       \
        T x = get_##T(S(b)), y = right;                                                            \
        S(a) = (expr);                                                                             \
        STEP(1);                                                                                   \
    }
#define BRANCH_FORM(label, T, right, expr)                                                         \
    label: {                                                                                       \
        T x = get_##T(S(b)), y = right;                                                            \
        if (expr) {                                                                                \
            JUMP();                                                                                \
        } else {                                                                                   \
            ip++;                                                                                  \
            CHARGE();                                                                              \
        }                                                                                          \
        NEXT();                                                                                    \
    }
#define CHARGED_BRANCH_FORM(label, T, right, expr)                                                 \
    label: {                                                                                       \
        T x = get_##T(S(b)), y = right;                                                            \
        if (expr)                                                                                  \
            JUMP();                                                                                \
        else                                                                                       \
            ip++;                                                                                  \
        CHARGE();                                                                                  \
        NEXT();                                                                                    \
    }
#define COMPARE(name, T, expr)                                                                     \
    COMPARE_FORM(L_##name, T, get_##T(S(c)), expr)                                                 \
    COMPARE_FORM(L_##name##_K, T, const_##T(ip->c), expr)                                          \
    BRANCH_FORM(L_BR_##name, T, get_##T(S(c)), expr)                                               \
    BRANCH_FORM(L_BR_##name##_K, T, const_##T(ip->c), expr)                                        \
    CHARGED_BRANCH_FORM(L_BRC_##name, T, get_##T(S(c)), expr)                                      \
    CHARGED_BRANCH_FORM(L_BRC_##name##_K, T, const_##T(ip->c), expr)
#define UNARY(name, TO, FROM, expr)                                                                \
    L_##name:                                                                                      \
    {                                                                                              \
        FROM x = get_##FROM(S(b));                                                                 \
        S(a) = put_##TO(expr);                                                                     \
        STEP(1);                                                                                   \
    }
#define FLOAT(name, TO, FROM, expr)                                                                \
    L_##name:                                                                                      \
    {                                                                                              \
        FROM x = get_##FROM(S(b)), y = get_##FROM(S(c));                                           \
        S(a) = put_##TO(expr);                                                                     \
        STEP(1);                                                                                   \
    }
#define LOAD(name, MEM, TO)                                                                        \
    L_##name : DO_LOAD(MEM, TO);                                                                   \
    STEP(1);
#define STORE(name, MEM)                                                                           \
    L_##name : DO_STORE(MEM);                                                                      \
    STEP(1);
#include "wasm/backend/interp/insns.def"

/* --- joined: the second is jumped to, which the processor foresees --- */
#define JOINED(first, second)                                                                      \
    L_##first##__##second : DO_##first;                                                            \
    ip++;                                                                                          \
    goto L_##second;
#include "wasm/backend/interp/joined.def"

/* --- what traps --- */
#define DIVIDE_TRAPPING(name, T, overflow, expr)                                                   \
    L_##name:                                                                                      \
    {                                                                                              \
        T x = get_##T(S(b)), y = get_##T(S(c));                                                    \
        if (FVM_UNLIKELY(y == 0)) TRAP(FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO);                          \
        if (FVM_UNLIKELY(overflow)) TRAP(FVM_WASM_TRAP_INT_OVERFLOW);                              \
        S(a) = put_##T(expr);                                                                      \
        STEP(1);                                                                                   \
    }
    DIVIDE_TRAPPING(I32_DIV_S, s32, x == INT32_MIN && y == -1, x / y)
    DIVIDE_TRAPPING(I32_DIV_U, u32, false, x / y)
    DIVIDE_TRAPPING(I32_REM_S, s32, false, y == -1 ? 0 : x % y)
    DIVIDE_TRAPPING(I32_REM_U, u32, false, x % y)
    DIVIDE_TRAPPING(I64_DIV_S, s64, x == INT64_MIN && y == -1, x / y)
    DIVIDE_TRAPPING(I64_DIV_U, u64, false, x / y)
    DIVIDE_TRAPPING(I64_REM_S, s64, false, y == -1 ? 0 : x % y)
    DIVIDE_TRAPPING(I64_REM_U, u64, false, x % y)
#define TRUNC(name, TO, FROM, fits)                                                                \
    L_##name:                                                                                      \
    {                                                                                              \
        FROM x = get_##FROM(S(b));                                                                 \
        if (FVM_UNLIKELY(x != x)) TRAP(FVM_WASM_TRAP_BAD_CONVERSION);                              \
        if (FVM_UNLIKELY(!fits(x))) TRAP(FVM_WASM_TRAP_INT_OVERFLOW);                              \
        S(a) = put_##TO((TO)x);                                                                    \
        STEP(1);                                                                                   \
    }
    TRUNC(I32_TRUNC_F32_S, s32, f32, fvm__fits_s32)
    TRUNC(I32_TRUNC_F32_U, u32, f32, fvm__fits_u32)
    TRUNC(I32_TRUNC_F64_S, s32, f64, fvm__fits_s32)
    TRUNC(I32_TRUNC_F64_U, u32, f64, fvm__fits_u32)
    TRUNC(I64_TRUNC_F32_S, s64, f32, fvm__fits_s64)
    TRUNC(I64_TRUNC_F32_U, u64, f32, fvm__fits_u64)
    TRUNC(I64_TRUNC_F64_S, s64, f64, fvm__fits_s64)
    TRUNC(I64_TRUNC_F64_U, u64, f64, fvm__fits_u64)

trapped:
    entry->trap = context->trap = trap;
    err = FVM_ERR_TRAP;
failed_here:
    entry->gas = gas;
failed:
    return err;
}
#pragma GCC diagnostic pop
