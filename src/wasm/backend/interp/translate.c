/* translate.c - from wasm instructions to the interpreter's, as the front end shows them.
 *
 * Operands are described, not moved: an entry of the operand stack is a local, a constant or its
 * own slot. Entries that are no slots yet are *lazy*; they are written to their slot when a local
 * that they name changes, at the begin of a block, and when they lie more than LAZY_MAX below the
 * top, so that no instruction looks at more than a few of them. */
#include "wasm/backend/backend.h"
#include "wasm/backend/interp/insn.h"
#include "wasm/instance.h"

#include <assert.h>

#define LAZY_MAX 16u
#define NONE UINT32_MAX
/* An instruction writes the lazy entries at most and some of its own. */
#define ROOM (LAZY_MAX + 24u)

enum { IN_SLOT, IN_LOCAL, IS_CONST };
typedef struct value {
    uint8_t kind;
    uint32_t local;
    uint64_t bits;
} value;

typedef struct label {
    fvm__opcode code;
    uint32_t base; /* operands below the block's own */
    uint32_t n_params, n_results;
    uint32_t loop_at;      /* where a branch to a loop goes */
    uint32_t forward;      /* chain of branches to the end, through their a; NONE ends it */
    uint32_t else_forward; /* the branch that skips the first arm of an `if` */
} label;

typedef struct translator {
    fvm__backend be; /* first */
    const fvm_allocator *alloc;
    fvm__insn *code;
    uint32_t n, cap;
    value *stack;
    uint32_t h, cap_stack, lazy; /* entries below `lazy` are slots */
    label *labels;
    uint32_t n_labels, cap_labels;
    uint32_t *charges; /* instruction of a charge, by id */
    uint32_t cap_charges;
    uint32_t func, func_at;
    uint32_t first_slot; /* of operand 0 */
    uint32_t last;       /* the instruction that wrote the top operand, if it was the last one */
} translator;

/* --- emitting --------------------------------------------------------------------------------- */

static fvm_err grow(const fvm_allocator *alloc, void *vector, uint32_t *cap, uint64_t need,
                    size_t size)
{
    if (FVM_LIKELY(need <= *cap)) return FVM_OK;
    uint64_t more = *cap ? (uint64_t)*cap * 2 : 256;
    if (more < need) more = need;
    if (more > INT32_MAX || more > SIZE_MAX / size) return FVM_ERR_NOMEM;
    void *old;
    memcpy(&old, vector, sizeof old);
    void *grown = fvm_mem_resize(alloc, old, *cap * size, (size_t)more * size);
    if (!grown) return FVM_ERR_NOMEM;
    memcpy(vector, &grown, sizeof grown);
    *cap = (uint32_t)more;
    return FVM_OK;
}

/* Called first by whatever emits: afterwards `extra` and some more instructions fit. */
static fvm_err reserve(translator *t, uint64_t extra)
{
    return grow(t->alloc, &t->code, &t->cap, t->n + extra + ROOM, sizeof *t->code);
}

static fvm__insn *emit(translator *t, fvm__insn_op op, uint32_t a, uint32_t b, uint32_t c)
{
    assert(t->n < t->cap);
    fvm__insn *insn = &t->code[t->n++];
    *insn = (fvm__insn){ .op = (uint16_t)op, .a = a, .b = b, .c = c };
    return insn;
}

static void emit_const(translator *t, uint32_t slot, uint64_t bits)
{
    emit(t, FVM__I_CONST, slot, 0, 0)->imm = bits;
}

/* --- the operand stack ------------------------------------------------------------------------ */

static uint32_t slot(const translator *t, uint32_t entry)
{
    return t->first_slot + entry;
}

static void write_entry(translator *t, uint32_t entry, uint32_t to)
{
    const value *v = &t->stack[entry];
    if (v->kind == IS_CONST)
        emit_const(t, to, v->bits);
    else
        emit(t, FVM__I_MOV, to, v->kind == IN_LOCAL ? v->local : slot(t, entry), 0);
}

static void settle(translator *t, uint32_t entry)
{
    if (t->stack[entry].kind == IN_SLOT) return;
    write_entry(t, entry, slot(t, entry));
    t->stack[entry].kind = IN_SLOT;
}

static void settle_all(translator *t)
{
    for (; t->lazy < t->h; t->lazy++) settle(t, t->lazy);
}

static fvm_err push(translator *t, value v)
{
    FVM_TRY(grow(t->alloc, &t->stack, &t->cap_stack, (uint64_t)t->h + 1, sizeof *t->stack));
    t->stack[t->h++] = v;
    if (t->h - t->lazy > LAZY_MAX) settle(t, t->lazy++);
    return FVM_OK;
}
static fvm_err push_slot(translator *t)
{
    return push(t, (value){ .kind = IN_SLOT });
}

static void pop(translator *t, uint32_t n)
{
    t->h -= n;
    if (t->lazy > t->h) t->lazy = t->h;
}

/* `n` operands, all in their slots, stand above `base`. */
static fvm_err reset(translator *t, uint32_t base, uint32_t n)
{
    FVM_TRY(grow(t->alloc, &t->stack, &t->cap_stack, (uint64_t)base + n, sizeof *t->stack));
    t->h = base + n;
    t->lazy = t->h;
    for (uint32_t i = base; i < t->h; i++) t->stack[i] = (value){ .kind = IN_SLOT };
    t->last = NONE;
    return FVM_OK;
}

/* The slot from which an entry can be read. */
static uint32_t operand(translator *t, uint32_t entry)
{
    const value *v = &t->stack[entry];
    if (v->kind == IN_LOCAL) return v->local;
    if (v->kind == IS_CONST) emit_const(t, slot(t, entry), v->bits);
    return slot(t, entry);
}

/* The instruction that made the top entry, when nothing was written after it. */
static fvm__insn *maker(translator *t)
{
    bool fresh = t->h && t->last != NONE && t->last + 1 == t->n &&
                 t->stack[t->h - 1].kind == IN_SLOT && t->code[t->last].a == slot(t, t->h - 1);
    return fresh ? &t->code[t->last] : NULL;
}

/* Moves the top entry to a slot, if possible by letting its maker write there. */
static void move_top(translator *t, uint32_t to)
{
    fvm__insn *made = maker(t);
    if (made)
        made->a = to;
    else if (t->stack[t->h - 1].kind != IN_SLOT || slot(t, t->h - 1) != to)
        write_entry(t, t->h - 1, to);
    t->last = NONE;
}

/* Notes that the instruction written last made a value, and pushes it. */
static fvm_err push_made(translator *t)
{
    t->last = t->n - 1;
    return push_slot(t);
}

static bool small_const(const value *v, uint32_t *out, bool wide)
{
    if (v->kind != IS_CONST) return false;
    if (wide && (uint64_t)(int64_t)(int32_t)v->bits != v->bits) return false;
    *out = (uint32_t)v->bits;
    return true;
}

/* --- comparisons ------------------------------------------------------------------------------
 * Ten of each width, four forms each: slot, constant, branch on slot, branch on constant. */

enum { FORM_SLOT, FORM_CONST, FORM_BRANCH, FORM_BRANCH_CONST };

static bool is_compare(uint16_t op)
{
    return op >= FVM__I_I32_EQ && op < FVM__I_I32_EQ + 80 && (op - FVM__I_I32_EQ) % 4 < FORM_BRANCH;
}
_Static_assert(FVM__I_BR_I64_GE_U_K == FVM__I_I32_EQ + 79, "rows of insns.def");

static uint16_t remap(uint16_t op, const uint8_t map[10])
{
    unsigned at = (unsigned)op - FVM__I_I32_EQ, row = at / 4;
    return (uint16_t)(FVM__I_I32_EQ + 4 * (row / 10 * 10 + map[row % 10]) + at % 4);
}
/* eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u */
static uint16_t negated(uint16_t op)
{
    static const uint8_t map[10] = { 1, 0, 8, 9, 6, 7, 4, 5, 2, 3 };
    return remap(op, map);
}
static uint16_t mirrored(uint16_t op) /* operands swapped */
{
    static const uint8_t map[10] = { 0, 1, 4, 5, 2, 3, 8, 9, 6, 7 };
    return remap(op, map);
}

/* Pops the condition; what is returned jumps if it holds (or not, if `negate`), once it is emitted
 * and its `a` set. A comparison just made is taken back into the branch. */
static fvm__insn take_condition(translator *t, bool negate)
{
    fvm__insn branch;
    fvm__insn *made = maker(t);
    if (made && is_compare(made->op)) {
        branch = *made;
        if (negate) branch.op = negated(branch.op);
        branch.op = (uint16_t)(branch.op + FORM_BRANCH);
        t->n--;
    } else {
        uint32_t cond = operand(t, t->h - 1);
        branch = (fvm__insn){ .op = negate ? FVM__I_BR_I32_EQ_K : FVM__I_BR_I32_NE_K, .b = cond };
    }
    t->last = NONE;
    pop(t, 1);
    return branch;
}

/* --- binary and unary ------------------------------------------------------------------------- */

static uint16_t insn_of(fvm__opcode code);

static bool commutes(fvm__opcode code)
{
    switch (code) {
    case FVM__OP_I32_ADD:
    case FVM__OP_I32_MUL:
    case FVM__OP_I32_AND:
    case FVM__OP_I32_OR:
    case FVM__OP_I32_XOR:
    case FVM__OP_I64_ADD:
    case FVM__OP_I64_MUL:
    case FVM__OP_I64_AND:
    case FVM__OP_I64_OR:
    case FVM__OP_I64_XOR: return true;
    default: return false;
    }
}
static bool divides(fvm__opcode code)
{
    return (code >= FVM__OP_I32_DIV_S && code <= FVM__OP_I32_REM_U) ||
           (code >= FVM__OP_I64_DIV_S && code <= FVM__OP_I64_REM_U);
}

static fvm_err op_integer_binary(translator *t, fvm__opcode code, bool wide)
{
    uint16_t op = insn_of(code);
    uint32_t left = t->h - 2, right = t->h - 1, constant;
    if (t->stack[left].kind == IS_CONST && t->stack[right].kind != IS_CONST &&
        (commutes(code) || is_compare(op))) {
        if (small_const(&t->stack[left], &constant, wide)) {
            if (is_compare(op)) op = mirrored(op);
            emit(t, (fvm__insn_op)(op + FORM_CONST), slot(t, left), operand(t, right), constant);
            pop(t, 2);
            return push_made(t);
        }
    }
    uint32_t x = operand(t, left);
    if (small_const(&t->stack[right], &constant, wide) &&
        !(divides(code) && (constant == 0 || constant == UINT32_MAX)))
        emit(t, (fvm__insn_op)(op + FORM_CONST), slot(t, left), x, constant);
    else
        emit(t, (fvm__insn_op)op, slot(t, left), x, operand(t, right));
    pop(t, 2);
    return push_made(t);
}

static fvm_err op_eqz(translator *t, bool wide)
{
    fvm__insn *made = maker(t);
    if (!wide && made && is_compare(made->op)) {
        made->op = negated(made->op);
        return FVM_OK;
    }
    uint32_t x = operand(t, t->h - 1);
    emit(t, wide ? FVM__I_I64_EQ_K : FVM__I_I32_EQ_K, slot(t, t->h - 1), x, 0);
    pop(t, 1);
    return push_made(t);
}

static fvm_err op_binary(translator *t, fvm__opcode code)
{
    uint32_t x = operand(t, t->h - 2), y = operand(t, t->h - 1);
    emit(t, (fvm__insn_op)insn_of(code), slot(t, t->h - 2), x, y);
    pop(t, 2);
    return push_made(t);
}

static fvm_err op_unary(translator *t, fvm__opcode code, uint32_t c)
{
    uint32_t x = operand(t, t->h - 1);
    emit(t, (fvm__insn_op)insn_of(code), slot(t, t->h - 1), x, c);
    pop(t, 1);
    return push_made(t);
}

/* --- locals, globals, calls ------------------------------------------------------------------- */

static void settle_local(translator *t, uint32_t local)
{
    for (uint32_t i = t->lazy; i < t->h; i++)
        if (t->stack[i].kind == IN_LOCAL && t->stack[i].local == local) settle(t, i);
}

static void op_local_set(translator *t, uint32_t local, bool tee)
{
    value top = t->stack[t->h - 1];
    bool same = top.kind == IN_LOCAL && top.local == local;
    if (!same) {
        uint32_t h = t->h;
        t->h = h - 1; /* the value itself does not name the local */
        settle_local(t, local);
        t->h = h;
        move_top(t, local);
    }
    if (!tee) {
        pop(t, 1);
        return;
    }
    if (t->lazy == t->h) t->lazy = t->h - 1;
    if (top.kind != IS_CONST) t->stack[t->h - 1] = (value){ .kind = IN_LOCAL, .local = local };
}

static fvm_err op_global(translator *t, fvm__opcode code, uint32_t index)
{
    const fvm__global_def *global = &t->be.module->globals[index];
    bool get = code == FVM__OP_GLOBAL_GET;
    uint32_t place = global->imported ? index : global->slot;
    if (get) {
        emit(t, global->imported ? FVM__I_GLOBAL_GET_IMPORT : FVM__I_GLOBAL_GET, slot(t, t->h),
             place, 0);
        return push_made(t);
    }
    uint32_t x = operand(t, t->h - 1);
    emit(t, global->imported ? FVM__I_GLOBAL_SET_IMPORT : FVM__I_GLOBAL_SET, place, x, 0);
    pop(t, 1);
    return FVM_OK;
}

static fvm_err push_results(translator *t, uint32_t n)
{
    t->last = NONE;
    for (uint32_t i = 0; i < n; i++) FVM_TRY(push_slot(t));
    return FVM_OK;
}

/* The arguments go to their slots; the callee's frame begins there. */
static fvm_err op_call(translator *t, const fvm__op *op)
{
    const fvm_wasm_module *m = t->be.module;
    const fvm__functype *type;
    uint32_t index = 0;
    if (op->code == FVM__OP_CALL_INDIRECT) {
        type = &m->types[op->a];
        index = operand(t, t->h - 1);
        pop(t, 1);
    } else {
        type = m->funcs[op->a].type;
    }
    uint32_t first = t->h - type->n_params;
    for (uint32_t i = first > t->lazy ? first : t->lazy; i < t->h; i++) settle(t, i);
    pop(t, type->n_params);
    uint32_t at = slot(t, t->h);
    if (op->code == FVM__OP_CALL_INDIRECT)
        emit(t, FVM__I_CALL_INDIRECT, at, type->same_as, index)->x = (uint16_t)op->b;
    else
        emit(t, op->a < m->n_func_imports ? FVM__I_CALL_IMPORT : FVM__I_CALL, at, op->a, 0);
    return push_results(t, type->n_results);
}

static fvm_err op_select(translator *t)
{
    uint32_t x = operand(t, t->h - 3), y = operand(t, t->h - 2), cond = operand(t, t->h - 1);
    emit(t, FVM__I_SELECT, slot(t, t->h - 3), x, y);
    emit(t, FVM__I_SELECT, cond, 0, 0);
    pop(t, 3);
    t->last = NONE;
    return push_slot(t);
}

/* --- memory and tables ------------------------------------------------------------------------ */

/* Three operands and a second instruction with more immediates. */
static void emit_bulk(translator *t, fvm__insn_op insn, const fvm__op *op)
{
    uint32_t x = operand(t, t->h - 3), y = operand(t, t->h - 2), z = operand(t, t->h - 1);
    emit(t, insn, x, y, z)->x = op->charge != 0;
    emit(t, insn, op->a, op->b, 0);
    pop(t, 3);
}

static fvm_err op_table_or_memory(translator *t, const fvm__op *op)
{
    fvm__insn_op insn = (fvm__insn_op)insn_of(op->code);
    uint32_t x, y;
    switch (op->code) {
    case FVM__OP_MEMORY_SIZE:
    case FVM__OP_TABLE_SIZE: emit(t, insn, slot(t, t->h), 0, op->a); return push_made(t);
    case FVM__OP_MEMORY_GROW:
    case FVM__OP_TABLE_GET:
        x = operand(t, t->h - 1);
        emit(t, insn, slot(t, t->h - 1), x, op->a)->x = op->charge != 0;
        pop(t, 1);
        return push_made(t);
    case FVM__OP_TABLE_SET:
        x = operand(t, t->h - 2);
        y = operand(t, t->h - 1);
        emit(t, insn, x, y, op->a);
        pop(t, 2);
        return FVM_OK;
    case FVM__OP_TABLE_GROW:
        x = operand(t, t->h - 2);
        y = operand(t, t->h - 1);
        emit(t, insn, slot(t, t->h - 2), x, y)->x = op->charge != 0;
        emit(t, insn, op->a, 0, 0);
        pop(t, 2);
        t->last = NONE;
        return push_slot(t);
    case FVM__OP_DATA_DROP:
    case FVM__OP_ELEM_DROP: emit(t, insn, op->a, 0, 0); return FVM_OK;
    default: emit_bulk(t, insn, op); return FVM_OK;
    }
}

static fvm_err op_load(translator *t, fvm__opcode code, uint64_t offset)
{
    return op_unary(t, code, (uint32_t)offset);
}

static fvm_err op_store(translator *t, fvm__opcode code, uint64_t offset)
{
    uint32_t address = operand(t, t->h - 2), x = operand(t, t->h - 1);
    emit(t, (fvm__insn_op)insn_of(code), address, x, (uint32_t)offset);
    pop(t, 2);
    return FVM_OK;
}

/* --- dispatch of plain instructions ------------------------------------------------------------ */

enum { K_NONE, K_PLAIN, K_INTEGER, K_UNARY, K_FLOAT, K_LOAD, K_STORE };
typedef struct shape {
    uint16_t insn;
    uint8_t kind;
} shape;
/* By opcode. Those that share the instruction of another are written by hand. */
static const shape shapes[FVM__OP_COUNT] = {
#define PLAIN(name, slots, words)
#define BINARY(name, T, expr) [FVM__OP_##name] = { FVM__I_##name, K_INTEGER },
#define DIVIDE(name, T, expr) [FVM__OP_##name] = { FVM__I_##name, K_INTEGER },
#define COMPARE(name, T, expr) [FVM__OP_##name] = { FVM__I_##name, K_INTEGER },
#define UNARY(name, TO, FROM, expr) [FVM__OP_##name] = { FVM__I_##name, K_UNARY },
#define FLOAT(name, TO, FROM, expr) [FVM__OP_##name] = { FVM__I_##name, K_FLOAT },
#define LOAD(name, MEM, TO) [FVM__OP_##name] = { FVM__I_##name, K_LOAD },
#define STORE(name, MEM) [FVM__OP_##name] = { FVM__I_##name, K_STORE },
#include "wasm/backend/interp/insns.def"
    [FVM__OP_I32_TRUNC_F32_S] = { FVM__I_I32_TRUNC_F32_S, K_UNARY },
    [FVM__OP_I32_TRUNC_F32_U] = { FVM__I_I32_TRUNC_F32_U, K_UNARY },
    [FVM__OP_I32_TRUNC_F64_S] = { FVM__I_I32_TRUNC_F64_S, K_UNARY },
    [FVM__OP_I32_TRUNC_F64_U] = { FVM__I_I32_TRUNC_F64_U, K_UNARY },
    [FVM__OP_I64_TRUNC_F32_S] = { FVM__I_I64_TRUNC_F32_S, K_UNARY },
    [FVM__OP_I64_TRUNC_F32_U] = { FVM__I_I64_TRUNC_F32_U, K_UNARY },
    [FVM__OP_I64_TRUNC_F64_S] = { FVM__I_I64_TRUNC_F64_S, K_UNARY },
    [FVM__OP_I64_TRUNC_F64_U] = { FVM__I_I64_TRUNC_F64_U, K_UNARY },
    [FVM__OP_F32_LOAD] = { FVM__I_I32_LOAD, K_LOAD },
    [FVM__OP_F64_LOAD] = { FVM__I_I64_LOAD, K_LOAD },
    [FVM__OP_I64_LOAD8_U] = { FVM__I_I32_LOAD8_U, K_LOAD },
    [FVM__OP_I64_LOAD16_U] = { FVM__I_I32_LOAD16_U, K_LOAD },
    [FVM__OP_I64_LOAD32_U] = { FVM__I_I32_LOAD, K_LOAD },
    [FVM__OP_F32_STORE] = { FVM__I_I32_STORE, K_STORE },
    [FVM__OP_F64_STORE] = { FVM__I_I64_STORE, K_STORE },
    [FVM__OP_I64_STORE8] = { FVM__I_I32_STORE8, K_STORE },
    [FVM__OP_I64_STORE16] = { FVM__I_I32_STORE16, K_STORE },
    [FVM__OP_I64_STORE32] = { FVM__I_I32_STORE, K_STORE },
    [FVM__OP_MEMORY_SIZE] = { FVM__I_MEMORY_SIZE, K_PLAIN },
    [FVM__OP_MEMORY_GROW] = { FVM__I_MEMORY_GROW, K_PLAIN },
    [FVM__OP_MEMORY_INIT] = { FVM__I_MEMORY_INIT, K_PLAIN },
    [FVM__OP_MEMORY_COPY] = { FVM__I_MEMORY_COPY, K_PLAIN },
    [FVM__OP_MEMORY_FILL] = { FVM__I_MEMORY_FILL, K_PLAIN },
    [FVM__OP_DATA_DROP] = { FVM__I_DATA_DROP, K_PLAIN },
    [FVM__OP_TABLE_GET] = { FVM__I_TABLE_GET, K_PLAIN },
    [FVM__OP_TABLE_SET] = { FVM__I_TABLE_SET, K_PLAIN },
    [FVM__OP_TABLE_SIZE] = { FVM__I_TABLE_SIZE, K_PLAIN },
    [FVM__OP_TABLE_GROW] = { FVM__I_TABLE_GROW, K_PLAIN },
    [FVM__OP_TABLE_FILL] = { FVM__I_TABLE_FILL, K_PLAIN },
    [FVM__OP_TABLE_INIT] = { FVM__I_TABLE_INIT, K_PLAIN },
    [FVM__OP_TABLE_COPY] = { FVM__I_TABLE_COPY, K_PLAIN },
    [FVM__OP_ELEM_DROP] = { FVM__I_ELEM_DROP, K_PLAIN },
};

static uint16_t insn_of(fvm__opcode code)
{
    return shapes[code].insn;
}

static bool is_wide(fvm__opcode code)
{
    return (code >= FVM__OP_I64_EQZ && code <= FVM__OP_I64_GE_U) || code >= FVM__OP_I64_CLZ;
}

static fvm_err op_special(translator *t, const fvm__op *op)
{
    switch (op->code) {
    case FVM__OP_UNREACHABLE: emit(t, FVM__I_UNREACHABLE, 0, 0, 0); return FVM_OK;
    case FVM__OP_DROP: pop(t, 1); return FVM_OK;
    case FVM__OP_SELECT:
    case FVM__OP_SELECT_T: return op_select(t);
    case FVM__OP_LOCAL_GET: return push(t, (value){ .kind = IN_LOCAL, .local = op->a });
    case FVM__OP_LOCAL_SET:
    case FVM__OP_LOCAL_TEE: op_local_set(t, op->a, op->code == FVM__OP_LOCAL_TEE); return FVM_OK;
    case FVM__OP_GLOBAL_GET:
    case FVM__OP_GLOBAL_SET: return op_global(t, op->code, op->a);
    case FVM__OP_I32_CONST:
    case FVM__OP_I64_CONST:
    case FVM__OP_F32_CONST:
    case FVM__OP_F64_CONST: return push(t, (value){ .kind = IS_CONST, .bits = op->imm });
    case FVM__OP_REF_NULL: return push(t, (value){ .kind = IS_CONST, .bits = FVM_WASM_REF_NULL });
    case FVM__OP_REF_IS_NULL:
    case FVM__OP_I64_EQZ: return op_eqz(t, true);
    case FVM__OP_I32_EQZ: return op_eqz(t, false);
    case FVM__OP_REF_FUNC: emit(t, FVM__I_REF_FUNC, slot(t, t->h), op->a, 0); return push_made(t);
    case FVM__OP_CALL:
    case FVM__OP_CALL_INDIRECT: return op_call(t, op);
    case FVM__OP_I32_REINTERPRET_F32:
    case FVM__OP_I64_REINTERPRET_F64:
    case FVM__OP_F32_REINTERPRET_I32:
    case FVM__OP_F64_REINTERPRET_I64: /* a slot has no type */
    default: return FVM_OK;
    }
}

static fvm_err be_op(fvm__backend *be, const fvm__op *op)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    switch (shapes[op->code].kind) {
    case K_PLAIN: return op_table_or_memory(t, op);
    case K_INTEGER: return op_integer_binary(t, op->code, is_wide(op->code));
    case K_UNARY: return op_unary(t, op->code, 0);
    case K_FLOAT: return op_binary(t, op->code);
    case K_LOAD: return op_load(t, op->code, op->imm);
    case K_STORE: return op_store(t, op->code, op->imm);
    default: return op_special(t, op);
    }
}

/* --- labels ----------------------------------------------------------------------------------- */

static void patch(translator *t, uint32_t at, uint32_t target)
{
    t->code[at].a = (uint32_t)((int32_t)target - (int32_t)at);
}

/* Everything in the chain jumps here. */
static void bind(translator *t, uint32_t chain)
{
    while (chain != NONE) {
        uint32_t next = t->code[chain].a;
        patch(t, chain, t->n);
        chain = next;
    }
    t->last = NONE;
}

static bool is_function(const translator *t, const label *l)
{
    return l == t->labels;
}

/* Completes the jump just emitted with its target; its operands are where the label wants them. */
static void aim(translator *t, label *l)
{
    uint32_t at = t->n - 1;
    if (l->code == FVM__OP_LOOP) {
        patch(t, at, l->loop_at);
    } else {
        t->code[at].a = l->forward;
        l->forward = at;
    }
}

static uint32_t label_arity(const label *l)
{
    return l->code == FVM__OP_LOOP ? l->n_params : l->n_results;
}

/* The top operands are where the label wants them; more than one are settled already. */
static bool in_place(const translator *t, const label *l, uint32_t n)
{
    return t->h - n == l->base && (n != 1 || t->stack[t->h - 1].kind == IN_SLOT);
}

/* Returns the top operands, as the function's results. */
static void emit_return(translator *t, uint32_t n)
{
    if (n == 0) {
        emit(t, FVM__I_RET0, 0, 0, 0);
    } else if (n == 1) {
        uint32_t x = operand(t, t->h - 1);
        emit(t, FVM__I_RET1, 0, x, 0);
    } else {
        emit(t, FVM__I_RETN, 0, slot(t, t->h - n), n);
    }
}

/* Jumps to a label with the top `n` operands; more than one of them must be settled. Does not
 * change what the translator believes of the stack: the code after it may be reached past it. */
static void emit_jump(translator *t, label *l, uint32_t n)
{
    if (is_function(t, l)) {
        emit_return(t, n);
        return;
    }
    uint32_t to = slot(t, l->base);
    if (n == 1) {
        if (t->stack[t->h - 1].kind != IN_SLOT || slot(t, t->h - 1) != to)
            write_entry(t, t->h - 1, to);
    } else if (n > 1 && t->h - n != l->base) {
        emit(t, FVM__I_MOVN, to, slot(t, t->h - n), n);
    }
    emit(t, FVM__I_BR, 0, 0, 0);
    aim(t, l);
}

static fvm_err be_block(fvm__backend *be, fvm__opcode code, const fvm__block_type *type)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    FVM_TRY(
        grow(t->alloc, &t->labels, &t->cap_labels, (uint64_t)t->n_labels + 1, sizeof *t->labels));
    fvm__insn skip = { 0 };
    if (code == FVM__OP_IF) skip = take_condition(t, true);
    settle_all(t);
    t->last = NONE;
    label *l = &t->labels[t->n_labels++];
    *l = (label){ .code = code,
                  .base = t->h - type->n_params,
                  .n_params = type->n_params,
                  .n_results = type->n_results,
                  .loop_at = t->n,
                  .forward = NONE,
                  .else_forward = NONE };
    if (code == FVM__OP_IF) {
        l->else_forward = t->n;
        skip.a = NONE; /* a chain of one */
        t->code[t->n++] = skip;
    }
    return FVM_OK;
}

/* The results of a block that is left at its end go where its label has them. */
static void settle_results(translator *t, uint32_t n)
{
    if (n == 1)
        move_top(t, slot(t, t->h - 1));
    else
        settle_all(t);
}

static fvm_err be_else(fvm__backend *be, bool live)
{
    translator *t = (translator *)be;
    label *l = &t->labels[t->n_labels - 1];
    FVM_TRY(reserve(t, 0));
    if (live) {
        settle_results(t, l->n_results);
        emit(t, FVM__I_BR, 0, 0, 0);
        aim(t, l);
    }
    bind(t, l->else_forward);
    l->else_forward = NONE;
    return reset(t, l->base, l->n_params);
}

static fvm_err be_end(fvm__backend *be, bool live, bool no_else)
{
    translator *t = (translator *)be;
    label l = t->labels[t->n_labels - 1];
    FVM_TRY(reserve(t, 0));
    if (t->n_labels == 1) {
        if (live) {
            if (l.n_results > 1) settle_all(t);
            emit_return(t, l.n_results);
        }
        t->n_labels--;
        return FVM_OK;
    }
    if (live) settle_results(t, l.n_results);
    if (no_else) bind(t, l.else_forward);
    bind(t, l.forward);
    t->n_labels--;
    return reset(t, l.base, l.n_results);
}

static fvm_err be_br(fvm__backend *be, fvm__opcode code, uint32_t depth)
{
    translator *t = (translator *)be;
    label *l = &t->labels[t->n_labels - 1 - depth];
    uint32_t n = label_arity(l);
    FVM_TRY(reserve(t, 0));
    if (code == FVM__OP_BR) {
        if (n > 1) settle_all(t);
        emit_jump(t, l, n);
        return FVM_OK;
    }
    if (n > 1) { /* the condition is on top of what has to be settled */
        operand(t, t->h - 1);
        settle_all(t);
    }
    fvm__insn branch = take_condition(t, false);
    if (!is_function(t, l) && (n == 0 || in_place(t, l, n))) {
        t->code[t->n++] = branch;
        aim(t, l);
        return FVM_OK;
    }
    branch.op = negated(branch.op); /* over the moves */
    uint32_t over = t->n;
    t->code[t->n++] = branch;
    emit_jump(t, l, n);
    patch(t, over, t->n);
    t->last = NONE;
    return FVM_OK;
}

/* An entry that cannot jump at once goes through a stub behind the table. */
static fvm_err emit_table_entry(translator *t, uint32_t at, label *l, uint32_t n)
{
    FVM_TRY(reserve(t, 0));
    if (is_function(t, l) || n == 0 || t->h - n == l->base) {
        uint32_t end = t->n;
        t->n = at; /* one instruction, in the entry itself */
        emit_jump(t, l, n);
        t->n = end;
        return FVM_OK;
    }
    patch(t, at, t->n);
    emit_jump(t, l, n);
    return FVM_OK;
}

static fvm_err be_br_table(fvm__backend *be, const uint32_t *depths, uint32_t n)
{
    translator *t = (translator *)be;
    uint32_t arity = label_arity(&t->labels[t->n_labels - 1 - depths[n]]);
    FVM_TRY(reserve(t, (uint64_t)n + 1));
    uint32_t index = operand(t, t->h - 1);
    pop(t, 1);
    settle_all(t);
    emit(t, FVM__I_BR_TABLE, 0, index, n);
    uint32_t table = t->n;
    for (uint32_t i = 0; i <= n; i++) emit(t, FVM__I_BR, 0, 0, 0);
    for (uint32_t i = 0; i <= n; i++)
        FVM_TRY(emit_table_entry(t, table + i, &t->labels[t->n_labels - 1 - depths[i]], arity));
    return FVM_OK;
}

/* --- charges and functions -------------------------------------------------------------------- */

static fvm_err be_charge_begin(fvm__backend *be, uint32_t id)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    FVM_TRY(grow(t->alloc, &t->charges, &t->cap_charges, (uint64_t)id + 1, sizeof *t->charges));
    t->charges[id] = t->n;
    emit(t, FVM__I_CHARGE, 0, 0, 0);
    return FVM_OK;
}

static void be_charge_cost(fvm__backend *be, uint32_t id, uint64_t milligas)
{
    translator *t = (translator *)be;
    t->code[t->charges[id]].imm = milligas;
}

static fvm_err be_func_begin(fvm__backend *be, uint32_t func)
{
    translator *t = (translator *)be;
    const fvm__func_def *def = &be->module->funcs[func];
    FVM_TRY(grow(t->alloc, &t->labels, &t->cap_labels, 1, sizeof *t->labels));
    t->func = func;
    t->func_at = t->n;
    t->h = t->lazy = 0;
    t->last = NONE;
    t->first_slot = def->n_locals + FVM__RECORD_SLOTS;
    t->n_labels = 1;
    t->labels[0] = (label){ .code = FVM__OP_BLOCK,
                            .n_results = def->type->n_results,
                            .forward = NONE,
                            .else_forward = NONE };
    return FVM_OK;
}

/* --- closing the gap ---------------------------------------------------------------------------
 * Operands are placed behind all locals that the body declares, since it is not known yet which of
 * them it uses; when it is, they move down. */

enum { SLOT_A = 1, SLOT_B = 2, SLOT_C = 4 };
typedef struct fields {
    uint8_t slots, words;
} fields;
static const fields fields_of[FVM__I_COUNT] = {
#define PLAIN(name, slots, words) [FVM__I_##name] = { slots, words },
#define WITH_CONST(name)                                                                           \
    [FVM__I_##name] = { SLOT_A | SLOT_B | SLOT_C, 1 }, [FVM__I_##name##_K] = { SLOT_A | SLOT_B, 1 },
#define BINARY(name, T, expr) WITH_CONST(name)
#define DIVIDE(name, T, expr) WITH_CONST(name)
#define COMPARE(name, T, expr)                                                                     \
    WITH_CONST(name)                                                                               \
    [FVM__I_BR_##name] = { SLOT_B | SLOT_C, 1 }, [FVM__I_BR_##name##_K] = { SLOT_B, 1 },
#define UNARY(name, TO, FROM, expr) [FVM__I_##name] = { SLOT_A | SLOT_B, 1 },
#define FLOAT(name, TO, FROM, expr) [FVM__I_##name] = { SLOT_A | SLOT_B | SLOT_C, 1 },
#define LOAD(name, MEM, TO) [FVM__I_##name] = { SLOT_A | SLOT_B, 1 },
#define STORE(name, MEM) [FVM__I_##name] = { SLOT_A | SLOT_B, 1 },
#include "wasm/backend/interp/insns.def"
};

static void move_down(uint32_t *field, uint32_t first, uint32_t gap)
{
    if (*field >= first) *field -= gap;
}

static void close_gap(translator *t, uint32_t gap)
{
    for (uint32_t i = t->func_at; i < t->n;) {
        fvm__insn *insn = &t->code[i];
        const fields *f = &fields_of[insn->op];
        if (f->slots & SLOT_A) move_down(&insn->a, t->first_slot, gap);
        if (f->slots & SLOT_B) move_down(&insn->b, t->first_slot, gap);
        if (f->slots & SLOT_C) move_down(&insn->c, t->first_slot, gap);
        if (insn->op == FVM__I_SELECT) move_down(&insn[1].a, t->first_slot, gap);
        i += f->words;
    }
}

/* Codes of functions are offsets until `finish`, since the row still moves. */
static fvm_err be_func_end(fvm__backend *be, uint32_t max_height)
{
    translator *t = (translator *)be;
    fvm__func_def *def = &be->module->funcs[t->func];
    uint32_t first_slot = def->n_locals + FVM__RECORD_SLOTS;
    if (first_slot < t->first_slot) close_gap(t, t->first_slot - first_slot);
    uint64_t slots = (uint64_t)def->n_locals + max_height + FVM__RECORD_SLOTS + 1;
    def->frame_slots = (uint32_t)slots;
    def->code_at = t->func_at;
    return FVM_OK;
}

static fvm_err be_finish(fvm__backend *be)
{
    translator *t = (translator *)be;
    fvm_wasm_module *m = be->module;
    if (t->n == 0) return FVM_OK;
    fvm__insn *fitted = fvm_mem_resize(t->alloc, t->code, t->cap * sizeof *t->code,
                                       t->n * sizeof *t->code);
    if (!fitted) return FVM_ERR_NOMEM;
    m->code = fitted;
    m->code_bytes = t->n * sizeof *fitted;
    t->code = NULL;
    t->cap = 0;
    for (uint32_t i = m->n_func_imports; i < m->n_funcs; i++)
        m->funcs[i].code = fitted + m->funcs[i].code_at;
    return FVM_OK;
}

static void be_free(fvm__backend *be)
{
    translator *t = (translator *)be;
    const fvm_allocator *alloc = t->alloc;
    fvm_mem_free(alloc, t->code, t->cap * sizeof *t->code);
    fvm_mem_free(alloc, t->stack, t->cap_stack * sizeof *t->stack);
    fvm_mem_free(alloc, t->labels, t->cap_labels * sizeof *t->labels);
    fvm_mem_free(alloc, t->charges, t->cap_charges * sizeof *t->charges);
    fvm_mem_free(alloc, t, sizeof *t);
}

static const fvm__backend_ops interp_ops = {
    .func_begin = be_func_begin,
    .op = be_op,
    .block = be_block,
    .else_ = be_else,
    .end = be_end,
    .br = be_br,
    .br_table = be_br_table,
    .charge_begin = be_charge_begin,
    .charge_cost = be_charge_cost,
    .func_end = be_func_end,
    .finish = be_finish,
    .free = be_free,
};

static void code_free(fvm_wasm_module *module)
{
    fvm_mem_free(module->alloc, module->code, module->code_bytes);
    module->code = NULL;
}

static const fvm__runner interp_runner = { .run = fvm__interp_run, .code_free = code_free };

fvm_err fvm__interp_backend_new(fvm__backend **out, fvm_wasm_module *module)
{
    translator *t = fvm_mem_zalloc(module->alloc, sizeof *t);
    if (!t) return FVM_ERR_NOMEM;
    t->be = (fvm__backend){ .ops = &interp_ops, .module = module };
    t->alloc = module->alloc;
    module->runner = &interp_runner;
    *out = &t->be;
    return FVM_OK;
}
