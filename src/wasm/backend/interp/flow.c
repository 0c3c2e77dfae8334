/* flow.c - blocks, branches, charges and functions of the interpreter's code.
 *
 * A branch forward is chained to its label through its own target field until the label is bound.
 * Results of a block lie in the first slots above the operands below it, on every way to its end. */
#include "wasm/backend/interp/translate.h"
#include "wasm/instance.h"

/* --- labels ----------------------------------------------------------------------------------- */

static void patch(translator *t, uint32_t at, uint32_t target)
{
    t->code[at].a = (uint32_t)((int32_t)target - (int32_t)at);
}

/* Everything in the chain jumps here. */
static void bind(translator *t, uint32_t chain)
{
    if (chain != NONE) t->spare_charge = NONE;
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

fvm_err fvm__translate_block(fvm__backend *be, fvm__opcode code, const fvm__functype *type)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    FVM_TRY(
        grow(t->alloc, &t->labels, &t->cap_labels, (uint64_t)t->n_labels + 1, sizeof *t->labels));
    fvm__insn skip = { 0 };
    if (code == FVM__OP_IF) skip = fvm__take_condition(t, true);
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
        emit_spare_charge(t);
    } else if (code == FVM__OP_LOOP) {
        t->spare_charge = NONE;
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

fvm_err fvm__translate_else(fvm__backend *be, bool live)
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

fvm_err fvm__translate_end(fvm__backend *be, bool live, bool no_else)
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

fvm_err fvm__translate_br(fvm__backend *be, fvm__opcode code, uint32_t depth)
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
    fvm__insn branch = fvm__take_condition(t, false);
    if (!is_function(t, l) && (n == 0 || in_place(t, l, n))) {
        t->code[t->n++] = branch;
        aim(t, l);
        emit_spare_charge(t);
        return FVM_OK;
    }
    branch.op = fvm__negated(branch.op); /* over the moves */
    uint32_t over = t->n;
    t->code[t->n++] = branch;
    emit_spare_charge(t);
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
    if (t->spare_charge == NONE || t->spare_charge + 1 != t->n) emit_spare_charge(t);
    t->charges[id] = t->spare_charge;
    t->spare_charge = NONE;
    return FVM_OK;
}

static void be_charge_cost(fvm__backend *be, uint32_t id, uint64_t milligas)
{
    translator *t = (translator *)be;
    t->code[t->charges[id]].imm = milligas;
}

static fvm_err be_zero_locals(fvm__backend *be, uint32_t first, uint32_t bitmap, uint32_t bit)
{
    translator *t = (translator *)be;
    FVM_TRY(reserve(t, 0));
    emit(t, FVM__I_ZERO, first, bitmap, bit);
    return FVM_OK;
}

static fvm_err be_func_begin(fvm__backend *be, uint32_t func)
{
    translator *t = (translator *)be;
    const fvm__func_def *def = &be->module->funcs[func];
    FVM_TRY(reserve(t, 0));
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
    emit_spare_charge(t);
    /* what the function's first block costs is then charged behind it, by a charge of its own */
    if (be->module->profiled) emit(t, FVM__I_PROFILE_ENTER, func, 0, 0);
    return FVM_OK;
}

/* --- closing the gap ---------------------------------------------------------------------------
 * Operands are placed behind all locals that the body declares, since it is not known yet which of
 * them it uses; when it is, they move down. */

enum { SLOT_A = 1, SLOT_B = 2, SLOT_C = 4 };
typedef struct fields {
    uint8_t slots, words;
} fields;
static const fields fields_of[FVM__I_PLAIN_COUNT] = {
#define PLAIN(name, slots, words) [FVM__I_##name] = { slots, words },
#define WITH_CONST(name)                                                                           \
    [FVM__I_##name] = { SLOT_A | SLOT_B | SLOT_C, 1 }, [FVM__I_##name##_K] = { SLOT_A | SLOT_B, 1 },
#define BINARY(name, T, expr) WITH_CONST(name)
#define DIVIDE(name, T, expr) WITH_CONST(name)
#define COMPARE(name, T, expr)                                                                     \
    WITH_CONST(name)                                                                               \
    [FVM__I_BR_##name] = { SLOT_B | SLOT_C, 1 }, [FVM__I_BR_##name##_K] = { SLOT_B, 1 },           \
    [FVM__I_BRC_##name] = { SLOT_B | SLOT_C, 1 }, [FVM__I_BRC_##name##_K] = { SLOT_B, 1 },
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

/* --- joining instructions ----------------------------------------------------------------------
 * When all targets are known. Nothing moves: the instruction that does the work of the next one, too,
 * skips it, and finds its operands there; what jumps to that one still can. */

/* Branches to a charge. */
static void join_charges(translator *t)
{
    for (uint32_t i = t->func_at; i < t->n; i += fields_of[t->code[i].op].words) {
        fvm__insn *insn = &t->code[i];
        bool branch = in_compare_row(insn->op) && compare_form(insn->op) >= FORM_BRANCH;
        if (!branch && insn->op != FVM__I_BR) continue;
        assert(i + insn->a < t->n);
        if (t->code[i + insn->a].op != FVM__I_CHARGE) continue;
        insn->op = branch ? (uint16_t)(insn->op + FORM_BRANCH_CHARGED - FORM_BRANCH) : FVM__I_BRC;
    }
}

#define PAIR(first, second) ((uint32_t)(first) << 16 | (uint32_t)(second))
static uint16_t joined(uint16_t first, uint16_t second)
{
    switch (PAIR(first, second)) {
#define JOINED(first, second)                                                                      \
    case PAIR(FVM__I_##first, FVM__I_##second): return FVM__I_##first##__##second;
#include "wasm/backend/interp/joined.def"
    default: return 0;
    }
}
_Static_assert(FVM__I_CHARGE == 0, "0 is no joined instruction");

static void join_pairs(translator *t)
{
    uint16_t before = 0; /* the instruction at i - 1, as it was */
    for (uint32_t i = t->func_at; i < t->n;) {
        fvm__insn *insn = &t->code[i];
        uint16_t op = insn->op;
        uint32_t next = i + fields_of[op].words;
        uint16_t with_next = next < t->n ? joined(op, t->code[next].op) : 0;
        if (with_next) {
            insn->op = with_next;
            uint16_t three = joined(before, with_next);
            if (three) t->code[i - 1].op = three;
        }
        before = op;
        i = next;
    }
}

/* Codes of functions are offsets until `finish`, since the row still moves. */
static fvm_err be_func_end(fvm__backend *be, uint32_t max_height)
{
    translator *t = (translator *)be;
    fvm__func_def *def = &be->module->funcs[t->func];
    uint32_t first_slot = def->n_locals + FVM__RECORD_SLOTS;
    if (first_slot < t->first_slot) close_gap(t, t->first_slot - first_slot);
    join_charges(t);
    join_pairs(t);
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
    .common = fvm__translate_common,
    .local_get = fvm__translate_local_get,
    .local_set = fvm__translate_local_set,
    .constant = fvm__translate_constant,
    .plain = fvm__translate_plain,
    .access = fvm__translate_access,
    .op = fvm__translate_op,
    .zero_locals = be_zero_locals,
    .block = fvm__translate_block,
    .else_ = fvm__translate_else,
    .end = fvm__translate_end,
    .br = fvm__translate_br,
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
