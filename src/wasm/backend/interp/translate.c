/* translate.c - from wasm instructions to the interpreter's, one at a time, as the front end shows
 * them. A constant that is small goes into the instruction; a comparison waits for the branch that
 * may follow it; a result that goes to a local is written there at once. */
#include "wasm/backend/interp/translate.h"
#include "wasm/common.h"

/* --- comparisons ------------------------------------------------------------------------------
 * Ten of each width, in the forms of translate.h. */

static bool is_compare(uint16_t op)
{
    return in_compare_row(op) && compare_form(op) < FORM_BRANCH;
}

static uint16_t remap(uint16_t op, const uint8_t map[10])
{
    unsigned at = (unsigned)op - FVM__I_I32_EQ, row = at / FORMS;
    return (uint16_t)(FVM__I_I32_EQ + FORMS * (row / 10 * 10 + map[row % 10]) + at % FORMS);
}
/* The maps are by eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u. */
uint16_t fvm__negated(uint16_t op)
{
    static const uint8_t map[10] = { 1, 0, 8, 9, 6, 7, 4, 5, 2, 3 };
    return remap(op, map);
}
static uint16_t mirrored(uint16_t op) /* operands swapped */
{
    static const uint8_t map[10] = { 0, 1, 4, 5, 2, 3, 8, 9, 6, 7 };
    return remap(op, map);
}

fvm__insn fvm__take_condition(translator *t, bool negate)
{
    fvm__insn branch;
    fvm__insn *made = maker(t);
    if (made && is_compare(made->op)) {
        branch = *made;
        if (negate) branch.op = fvm__negated(branch.op);
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
        made->op = fvm__negated(made->op);
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
    source top = t->stack[t->h - 1];
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
    if (top.kind != IS_CONST) t->stack[t->h - 1] = (source){ .kind = IN_LOCAL, .local = local };
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
    if (m->profiled) emit(t, FVM__I_PROFILE_BACK, 0, 0, 0);
    return push_results(t, type->n_results);
}

static fvm_err op_select(translator *t)
{
    uint32_t x = operand(t, t->h - 3), y = operand(t, t->h - 2), cond = operand(t, t->h - 1);
    emit(t, FVM__I_SELECT, cond, x, y);
    emit(t, FVM__I_SELECT, slot(t, t->h - 3), 0, 0); /* last, where move_top can change it */
    pop(t, 3);
    return push_made(t);
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

fvm_err fvm__translate_local_get(fvm__backend *be, uint32_t local, char type)
{
    translator *t = (translator *)be;
    (void)type;
    FVM_TRY(reserve(t, 0));
    return push(t, (source){ .kind = IN_LOCAL, .local = local });
}

fvm_err fvm__translate_local_set(fvm__backend *be, uint32_t local, char type, bool tee)
{
    translator *t = (translator *)be;
    (void)type;
    FVM_TRY(reserve(t, 0));
    op_local_set(t, local, tee);
    return FVM_OK;
}

fvm_err fvm__translate_constant(fvm__backend *be, uint64_t bits)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    return push(t, (source){ .kind = IS_CONST, .bits = bits });
}

fvm_err fvm__translate_plain(fvm__backend *be, fvm__opcode code)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    switch (shapes[code].kind) {
    case K_INTEGER: return op_integer_binary(t, code, is_wide(code));
    case K_UNARY: return op_unary(t, code, 0);
    case K_FLOAT: return op_binary(t, code);
    default: break;
    }
    switch (code) {
    case FVM__OP_DROP: pop(t, 1); return FVM_OK;
    case FVM__OP_SELECT: return op_select(t);
    case FVM__OP_I32_EQZ: return op_eqz(t, false);
    case FVM__OP_I64_EQZ: return op_eqz(t, true);
    default: return FVM_OK; /* reinterpretations: a slot has no type */
    }
}

fvm_err fvm__translate_access(fvm__backend *be, fvm__opcode code, uint32_t offset)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    return shapes[code].kind == K_LOAD ? op_load(t, code, offset) : op_store(t, code, offset);
}

fvm_err fvm__translate_op(fvm__backend *be, const fvm__op *op)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    switch (op->code) {
    case FVM__OP_UNREACHABLE: emit(t, FVM__I_UNREACHABLE, 0, 0, 0); return FVM_OK;
    case FVM__OP_SELECT_T: return op_select(t);
    case FVM__OP_GLOBAL_GET:
    case FVM__OP_GLOBAL_SET: return op_global(t, op->code, op->a);
    case FVM__OP_REF_NULL: return push(t, (source){ .kind = IS_CONST, .bits = FVM_WASM_REF_NULL });
    case FVM__OP_REF_IS_NULL: return op_eqz(t, true);
    case FVM__OP_REF_FUNC: emit(t, FVM__I_REF_FUNC, slot(t, t->h), op->a, 0); return push_made(t);
    case FVM__OP_CALL:
    case FVM__OP_CALL_INDIRECT: return op_call(t, op);
    default: return op_table_or_memory(t, op);
    }
}

static const fvm__backend_ops common_ops = {
    .local_get = fvm__translate_local_get,
    .local_set = fvm__translate_local_set,
    .constant = fvm__translate_constant,
    .plain = fvm__translate_plain,
    .access = fvm__translate_access,
    .op = fvm__translate_op,
    .block = fvm__translate_block,
    .else_ = fvm__translate_else,
    .end = fvm__translate_end,
    .br = fvm__translate_br,
};

#define COMMON_NAME fvm__translate_common
#define COMMON_OPS common_ops
#include "wasm/common_loop.h"
