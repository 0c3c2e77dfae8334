/* translate.h - the interpreter's translator: its state and how it describes operands. translate.c
 * makes instructions, flow.c makes blocks, branches and functions; nobody else includes this, so
 * names have no prefix.
 *
 * Operands are described, not moved: an entry of the operand stack is a local, a constant or its
 * own slot. Entries that are no slots yet are *lazy*; they are written to their slot when a local
 * that they name changes, at the begin of a block, and when they lie more than LAZY_MAX below the
 * top, so that no instruction looks at more than a few of them. */
#ifndef FVM_WASM_INTERP_TRANSLATE_H
#define FVM_WASM_INTERP_TRANSLATE_H

#include "base/vector.h"
#include "wasm/backend/backend.h"
#include "wasm/backend/interp/insn.h"

#include <assert.h>

#define LAZY_MAX 16u
#define NONE UINT32_MAX
/* An instruction writes the lazy entries at most and some of its own. */
#define ROOM (LAZY_MAX + 24u)

enum { IN_SLOT, IN_LOCAL, IS_CONST };
typedef struct source {
    uint8_t kind;
    uint32_t local;
    uint64_t bits;
} source;

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
    source *stack;
    uint32_t h, cap_stack, lazy; /* entries below `lazy` are slots */
    label *labels;
    uint32_t n_labels, cap_labels;
    uint32_t *charges; /* instruction of a charge, by id */
    uint32_t cap_charges;
    uint32_t spare_charge; /* one that has no id yet and can be reached from above only, or NONE */
    uint32_t func, func_at;
    uint32_t first_slot; /* of operand 0 */
    uint32_t last;       /* the instruction that wrote the top operand, if it was the last one */
} translator;

/* --- emitting --------------------------------------------------------------------------------- */

static inline fvm_err grow(const fvm_allocator *alloc, void *vector, uint32_t *cap, uint64_t need,
                           size_t size)
{
    return fvm_vector_grow(alloc, vector, cap, need, size, 256, INT32_MAX);
}

/* Called first by whatever emits: afterwards `extra` and some more instructions fit. */
static inline fvm_err reserve(translator *t, uint64_t extra)
{
    return grow(t->alloc, &t->code, &t->cap, t->n + extra + ROOM, sizeof *t->code);
}

static inline fvm__insn *emit(translator *t, fvm__insn_op op, uint32_t a, uint32_t b, uint32_t c)
{
    assert(t->n < t->cap);
    fvm__insn *insn = &t->code[t->n++];
    *insn = (fvm__insn){ .op = (uint16_t)op, .a = a, .b = b, .c = c };
    return insn;
}

static inline void emit_const(translator *t, uint32_t slot, uint64_t bits)
{
    emit(t, FVM__I_CONST, slot, 0, 0)->imm = bits;
}

/* Begins what a branch that is not taken, or a call, goes on with: charges at once. */
static inline void emit_spare_charge(translator *t)
{
    t->spare_charge = t->n;
    emit(t, FVM__I_CHARGE, 0, 0, 0);
}

/* --- the operand stack ------------------------------------------------------------------------ */

static inline uint32_t slot(const translator *t, uint32_t entry)
{
    return t->first_slot + entry;
}

static inline void write_entry(translator *t, uint32_t entry, uint32_t to)
{
    const source *v = &t->stack[entry];
    if (v->kind == IS_CONST)
        emit_const(t, to, v->bits);
    else
        emit(t, FVM__I_MOV, to, v->kind == IN_LOCAL ? v->local : slot(t, entry), 0);
}

static inline void settle(translator *t, uint32_t entry)
{
    if (t->stack[entry].kind == IN_SLOT) return;
    write_entry(t, entry, slot(t, entry));
    t->stack[entry].kind = IN_SLOT;
}

static inline void settle_all(translator *t)
{
    for (; t->lazy < t->h; t->lazy++) settle(t, t->lazy);
}

static inline fvm_err push(translator *t, source v)
{
    FVM_TRY(grow(t->alloc, &t->stack, &t->cap_stack, (uint64_t)t->h + 1, sizeof *t->stack));
    t->stack[t->h++] = v;
    if (t->h - t->lazy > LAZY_MAX) settle(t, t->lazy++);
    return FVM_OK;
}
static inline fvm_err push_slot(translator *t)
{
    return push(t, (source){ .kind = IN_SLOT });
}

static inline void pop(translator *t, uint32_t n)
{
    t->h -= n;
    if (t->lazy > t->h) t->lazy = t->h;
}

/* `n` operands, all in their slots, stand above `base`. */
static inline fvm_err reset(translator *t, uint32_t base, uint32_t n)
{
    FVM_TRY(grow(t->alloc, &t->stack, &t->cap_stack, (uint64_t)base + n, sizeof *t->stack));
    t->h = base + n;
    t->lazy = t->h;
    for (uint32_t i = base; i < t->h; i++) t->stack[i] = (source){ .kind = IN_SLOT };
    t->last = NONE;
    return FVM_OK;
}

/* The slot from which an entry can be read. */
static inline uint32_t operand(translator *t, uint32_t entry)
{
    const source *v = &t->stack[entry];
    if (v->kind == IN_LOCAL) return v->local;
    if (v->kind == IS_CONST) emit_const(t, slot(t, entry), v->bits);
    return slot(t, entry);
}

/* The instruction that made the top entry, when nothing was written after it. */
static inline fvm__insn *maker(translator *t)
{
    bool fresh = t->h && t->last != NONE && t->last + 1 == t->n &&
                 t->stack[t->h - 1].kind == IN_SLOT && t->code[t->last].a == slot(t, t->h - 1);
    return fresh ? &t->code[t->last] : NULL;
}

/* Moves the top entry to a slot, if possible by letting its maker write there. */
static inline void move_top(translator *t, uint32_t to)
{
    fvm__insn *made = maker(t);
    if (made)
        made->a = to;
    else if (t->stack[t->h - 1].kind != IN_SLOT || slot(t, t->h - 1) != to)
        write_entry(t, t->h - 1, to);
    t->last = NONE;
}

/* Notes that the instruction written last made a value, and pushes it. */
static inline fvm_err push_made(translator *t)
{
    t->last = t->n - 1;
    return push_slot(t);
}

static inline bool small_const(const source *v, uint32_t *out, bool wide)
{
    if (v->kind != IS_CONST) return false;
    if (wide && (uint64_t)(int64_t)(int32_t)v->bits != v->bits) return false;
    *out = (uint32_t)v->bits;
    return true;
}

/* --- forms of a comparison --------------------------------------------------------------------
 * Of slots, with a constant, the branches on these, the same with a charge at the target. */

enum { FORM_SLOT, FORM_CONST, FORM_BRANCH, FORM_BRANCH_CONST, FORM_BRANCH_CHARGED, FORMS = 6 };
_Static_assert(FVM__I_BRC_I64_GE_U_K == FVM__I_I32_EQ + 20 * FORMS - 1, "rows of insns.def");

static inline bool in_compare_row(uint16_t op)
{
    return op >= FVM__I_I32_EQ && op <= FVM__I_BRC_I64_GE_U_K;
}
static inline unsigned compare_form(uint16_t op)
{
    return (unsigned)(op - FVM__I_I32_EQ) % FORMS;
}

/* --- flow.c: blocks and branches --------------------------------------------------------------- */

fvm_err fvm__translate_block(fvm__backend *be, fvm__opcode code, const fvm__functype *type);
fvm_err fvm__translate_else(fvm__backend *be, bool live);
fvm_err fvm__translate_end(fvm__backend *be, bool live, bool no_else);
fvm_err fvm__translate_br(fvm__backend *be, fvm__opcode code, uint32_t depth);

/* --- translate.c ------------------------------------------------------------------------------ */

/** The back end's ways for what is neither block nor branch. */
fvm_err fvm__translate_common(struct fvm__validator *v);
fvm_err fvm__translate_local_get(fvm__backend *be, uint32_t local, char type);
fvm_err fvm__translate_local_set(fvm__backend *be, uint32_t local, char type, bool tee);
fvm_err fvm__translate_constant(fvm__backend *be, uint64_t bits);
fvm_err fvm__translate_plain(fvm__backend *be, fvm__opcode code);
fvm_err fvm__translate_access(fvm__backend *be, fvm__opcode code, uint32_t offset);
fvm_err fvm__translate_op(fvm__backend *be, const fvm__op *op);
/** Pops the condition; what is returned jumps if it holds (or not, if `negate`), once it is emitted
 *  and its `a` set. A comparison just made is taken back into the branch. */
fvm__insn fvm__take_condition(translator *t, bool negate);
/** The comparison, or branch on one, that holds when `op` does not. */
uint16_t fvm__negated(uint16_t op);
#endif
