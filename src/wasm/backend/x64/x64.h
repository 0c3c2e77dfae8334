/* x64.h - the baseline compiler: one forward pass, driven by the front end, from wasm to machine
 * code.
 *
 * A function's frame is a row of u64 on the context's value stack, as the interpreter's:
 *
 *     rbx -> [parameters][locals][operand 0][operand 1]...
 *
 * A callee's parameters are the caller's topmost operands, where results beyond the first appear,
 * too; the first is returned in rax. The native stack only holds return addresses: 16 bytes a call,
 * of at least FVM__FRAME_OVERHEAD that the virtual frame budget counts.
 *
 *     rbx frame   r12 instance   r14 memory   r15 milligas left   rax rcx rdx scratch
 *     rsi rdi rbp r8 r9 r10 r11 r13: cached locals and operands
 *
 * An entry of the operand stack is a register, a constant, a local (its value is the local's until
 * that changes), flags of the comparison just made, or its own slot. Locals are cached in registers
 * until a call; where control meets, each label has one assignment of locals to registers, that of
 * the first branch to it, and other branches arrange theirs to match. Eight registers bound what a
 * branch can cost, so code is linear in the body whatever it does. i32 and f32 have zeros above. */
#ifndef FVM_WASM_X64_H
#define FVM_WASM_X64_H

#include "wasm/backend/backend.h"
#include "wasm/backend/x64/asm.h"
#include "wasm/instance.h"
#ifdef FVM__X64
#include <assert.h>
#include <emmintrin.h>

#define FVM__X_FRAME RBX
#define FVM__X_INSTANCE R12
#define FVM__X_MEMORY R14
#define FVM__X_GAS R15

#define FVM__X_REGS 8u
/** Locals from here on are never cached; the number stands for none. */
#define FVM__X_CACHED_LOCALS 255u
#define FVM__X_NO_REG 0xffu
#define FVM__X_NONE UINT32_MAX
/** Operands that are not in their slots lie at most this far below the top. */
#define FVM__X_LAZY 16u
/** One call of the back end writes less than this, tables of br_table apart. */
#define FVM__X_ROOM 2048u
/** The mapping that code is written to: bytes at first, and at most. */
#define FVM__X_CODE_FIRST (1u << 16)
#define FVM__X_CODE_MAX (1u << 31)
/** Up to so many pairs of locals are zeroed one by one. */
#define FVM__X_ZERO_PAIRS 16u

extern const uint8_t fvm__x_hw[FVM__X_REGS];

typedef enum fvm__x_kind { X_SLOT, X_REG, X_LOCAL, X_CONST, X_FLAGS } fvm__x_kind;
typedef struct fvm__x_value {
    uint8_t kind;
    uint8_t reg; /* X_REG: of fvm__x_hw; X_FLAGS: condition */
    char type;   /* X_LOCAL */
    uint32_t local;
    uint64_t bits; /* X_CONST */
} fvm__x_value;

/** Which local each register holds where control meets. */
typedef struct fvm__x_state {
    uint64_t locals; /* a byte for each register: the local, or FVM__X_NO_LOCAL */
    uint8_t has;     /* mask: holds one */
    uint8_t dirty;   /* mask: the slot is older */
} fvm__x_state;
#define FVM__X_NO_LOCAL 0xffu
#define FVM__X_NO_LOCALS UINT64_MAX

/** Small, since a body may open half as many as it has bytes. */
typedef struct fvm__x_label {
    uint64_t locals; /* on arrival, as fvm__x_state, ... */
    uint8_t has, dirty;
    bool has_state; /* ... if that is settled */
    uint8_t code;
    uint16_t n_params, n_results;
    uint32_t base;    /* operands below the block's own */
    uint32_t at;      /* LOOP: its begin; IF: the jump over the first arm */
    uint32_t forward; /* the latest jump to the end, in `jumps` */
    uint32_t ways;    /* of br_tables, in `ways`; or NONE */
} fvm__x_label;
_Static_assert(sizeof(fvm__x_label) == 32 && FVM__MAX_PARAMS < UINT16_MAX, "half a cache line");

/** A jump to the end of a block. They are not chained through the code: it would be waited for. */
typedef struct fvm__x_jump {
    uint32_t at, next; /* place; the one before it, or NONE */
} fvm__x_jump;

/** How br_tables come to a label. */
typedef struct fvm__x_ways {
    uint32_t stub, stub_of; /* of the latest table that names it */
    uint32_t cold;          /* code that comes here with all locals in their slots, or NONE */
} fvm__x_ways;

/** A charge is its place; with this bit its cost is more than the code there can hold, so that the cost
 *  itself stands there until the function ends. */
#define FVM__X_DEAR (1u << 31)
_Static_assert(FVM__X_CODE_MAX <= FVM__X_DEAR, "places leave the bit");

/** Code that all functions of a module share, at the front; places. */
typedef struct fvm__x_stubs {
    uint32_t enter, exit, import, indirect, helper;
    uint32_t traps[FVM_WASM_TRAP_UNDEFINED_ELEMENT + 1];
} fvm__x_stubs;

/** What every function begins with, and offsets of what is each one's own: what it adds to the
 *  counters that are limited (`height` is 0 where that one is not) and distances to the traps. */
typedef struct fvm__x_prologue {
    uint8_t code[64];
    uint32_t len;
    uint32_t height, height_trap;
    uint32_t budget, budget_trap;
} fvm__x_prologue;

typedef struct fvm__x64 {
    fvm__backend be; /* first */
    fvm__asm a;
    const uint8_t *limit;  /* up to here an instruction has room, for code and for `slots` ... */
    const uint8_t *hurdle; /* ... likewise, or code's begin while the top operand is flags */
    uint32_t made;         /* bytes of the mapping whose pages are there */
    const fvm_allocator *alloc;
    fvm_wasm_module *m;
    bool metered, own_memory, has_memory;
    bool lzcnt, tzcnt, popcnt, sse41;
    fvm__x_stubs stubs;

    fvm__x_value *stack;
    uint32_t h, cap_stack, lazy; /* entries below `lazy` are slots */
    fvm__x_label *labels;
    uint32_t n_labels, cap_labels;
    fvm__x_state *elses; /* at the second arm of each open `if` */
    uint32_t n_elses, cap_elses;
    fvm__x_jump *jumps; /* of the function */
    uint32_t n_jumps, cap_jumps;
    fvm__x_ways *ways; /* of the function's labels that br_tables name */
    uint32_t n_ways, cap_ways;
    uint32_t *charges;
    uint32_t n_charges, cap_charges, n_dear;
    uint32_t *calls; /* places of calls to functions that were still to come */
    uint32_t n_calls, cap_calls;
    uint32_t n_tables; /* br_tables so far, to tell stubs apart */

    uint32_t n_zeroed;       /* as it was when the function began */
    uint32_t func, n_locals; /* declared; fewer may be in use, then operands move down */
    uint32_t *slots;         /* places of displacements to operands, times 2, plus 1 for one byte */
    uint32_t n_slots, cap_slots;
    uint32_t zero_at[FVM__X_ZERO_PAIRS + 1]; /* places of what zeroes locals, the highest first */
    fvm__x_prologue prologue;

    /* registers; masks over fvm__x_hw */
    unsigned free, locals, dirty, pinned, turn;
    uint64_t local_of;             /* as fvm__x_state.locals */
    uint32_t holds[FVM__X_REGS];   /* the operand's entry */
    uint32_t checked[FVM__X_REGS]; /* memory[value .. value + this) is known to exist */
} fvm__x64;

static inline int32_t fvm__x_slot(const fvm__x64 *x, uint32_t entry)
{
    return (int32_t)((x->n_locals + entry) * 8);
}
static inline bool fvm__x_wide(char type)
{
    return type != FVM_WASM_LETTER_I32 && type != FVM_WASM_LETTER_F32;
}
static inline bool fvm__x_fits32(uint64_t bits)
{
    return (uint64_t)(int64_t)(int32_t)bits == bits;
}

/** Notes that the instruction just written ends with a displacement to an operand. */
static inline void fvm__x_note(fvm__x64 *x, int32_t disp)
{
    bool byte = disp == (int8_t)disp;
    x->slots[x->n_slots++] = (fvm__at(&x->a) - (byte ? 1 : 4)) << 1 | byte;
}
/** op reg, [operand] */
static inline void fvm__x_rslot(fvm__x64 *x, bool w, unsigned op, unsigned reg, uint32_t entry)
{
    int32_t disp = fvm__x_slot(x, entry);
    fvm__rm(&x->a, w, op, reg, FVM__X_FRAME, disp);
    fvm__x_note(x, disp);
}
/** Likewise for mov, either way. */
static inline void fvm__x_slot_mov(fvm__x64 *x, bool w, unsigned op, unsigned reg, uint32_t entry)
{
    int32_t disp = fvm__x_slot(x, entry);
    fvm__frame_mov(&x->a, w, op, reg, disp);
    fvm__x_note(x, disp);
}

FVM_NODISCARD fvm_err fvm__x_more(const fvm_allocator *alloc, void *vector, uint32_t *cap,
                                  uint64_t need, size_t size);
static inline FVM_NODISCARD fvm_err fvm__x_vector(const fvm_allocator *alloc, void *vector,
                                                  uint32_t *cap, uint64_t need, size_t size)
{
    return FVM_LIKELY(need <= *cap) ? FVM_OK : fvm__x_more(alloc, vector, cap, need, size);
}
/** Makes room for `extra` bytes of code and FVM__X_ROOM; sets the limit. */
FVM_NODISCARD fvm_err fvm__x_room(fvm__x64 *x, uint64_t extra);
/** Begins a call of the back end: room, no pins, flags of a comparison into a register. */
static inline FVM_NODISCARD fvm_err fvm__x_begin_keeping_flags(fvm__x64 *x)
{
    x->pinned = 0;
    return FVM_LIKELY(x->a.p <= x->limit) ? FVM_OK : fvm__x_room(x, 0);
}
void fvm__x_unflag_slow(fvm__x64 *x);
static inline void fvm__x_unflag(fvm__x64 *x)
{
    if (x->hurdle != x->limit) fvm__x_unflag_slow(x);
}
FVM_NODISCARD fvm_err fvm__x_begin_slow(fvm__x64 *x);
static inline FVM_NODISCARD fvm_err fvm__x_begin(fvm__x64 *x)
{
    x->pinned = 0;
    return FVM_LIKELY(x->a.p <= x->hurdle) ? FVM_OK : fvm__x_begin_slow(x);
}
/** The top operand, which was flags, is so no more. */
static inline void fvm__x_no_flags(fvm__x64 *x)
{
    x->hurdle = x->limit;
}

/* regs.c: the operand stack and the registers. Registers are indexes of fvm__x_hw, except where
 * `hw` is said. What returns a register pins it until the next fvm__x_begin. */

static inline unsigned fvm__x_lowest(unsigned mask)
{
    return (unsigned)__builtin_ctz(mask);
}
static inline unsigned fvm__x_hw_of(unsigned r)
{
    assert(r < FVM__X_REGS);
    return fvm__x_hw[r];
}
/** The register that is this local's in `locals`, as a mask of one or none: all eight are compared at
 *  once, so that no table has to be kept where control meets. */
static inline unsigned fvm__x_find(uint64_t locals, uint32_t local)
{
    __m128i a = _mm_cvtsi64_si128((int64_t)locals);
    __m128i b = _mm_cvtsi64_si128((int64_t)(local * UINT64_C(0x0101010101010101)));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) & 0xff;
}
/** The register of a local, or FVM__X_NO_REG. */
static inline unsigned fvm__x_cached(const fvm__x64 *x, uint32_t local)
{
    unsigned found = local < FVM__X_CACHED_LOCALS ? fvm__x_find(x->local_of, local) : 0;
    return found ? (unsigned)__builtin_ctz(found) : FVM__X_NO_REG;
}
/** The local that a register is known to hold. */
static inline uint32_t fvm__x_local_in(const fvm__x64 *x, unsigned r)
{
    return x->local_of >> 8 * r & 0xff;
}
/** Makes a register free that is neither that nor pinned. */
unsigned fvm__x_evict(fvm__x64 *x);
/** A register for the caller to fill; it must be given to an operand or a local at once. */
static inline unsigned fvm__x_alloc(fvm__x64 *x)
{
    unsigned free = x->free & ~x->pinned;
    unsigned r = free ? fvm__x_lowest(free) : fvm__x_evict(x);
    x->free &= ~(1u << r);
    x->pinned |= 1u << r;
    x->checked[r] = 0;
    return r;
}
static inline void fvm__x_give_to_operand(fvm__x64 *x, unsigned r, uint32_t entry)
{
    x->holds[r] = entry;
    x->stack[entry].kind = X_REG;
    x->stack[entry].reg = (uint8_t)r;
    if (x->lazy > entry) x->lazy = entry; /* one of the topmost, which was in its slot */
}
unsigned fvm__x_find_slow(fvm__x64 *x, uint32_t entry);
/** The register of the entry's value, which may be read only. */
static inline unsigned fvm__x_find_reg(fvm__x64 *x, uint32_t entry)
{
    const fvm__x_value *v = &x->stack[entry];
    unsigned r = v->kind == X_REG     ? v->reg
                 : v->kind == X_LOCAL ? fvm__x_cached(x, v->local)
                                      : FVM__X_NO_REG;
    if (r == FVM__X_NO_REG) return fvm__x_find_slow(x, entry);
    x->pinned |= 1u << r;
    return r;
}
/** Likewise as hw. */
static inline unsigned fvm__x_use(fvm__x64 *x, uint32_t entry)
{
    return fvm__x_hw_of(fvm__x_find_reg(x, entry));
}
unsigned fvm__x_own_slow(fvm__x64 *x, uint32_t entry);
/** The entry's value in a register (hw) of its own, that may be changed. */
static inline unsigned fvm__x_own(fvm__x64 *x, uint32_t entry)
{
    if (x->stack[entry].kind != X_REG) return fvm__x_own_slow(x, entry);
    unsigned r = x->stack[entry].reg;
    x->checked[r] = 0;
    x->pinned |= 1u << r;
    return fvm__x_hw_of(r);
}
/** A register (hw) for the entry, which becomes X_REG; its value is still to be made. */
static inline unsigned fvm__x_define(fvm__x64 *x, uint32_t entry)
{
    unsigned r;
    if (x->stack[entry].kind == X_REG) {
        r = x->stack[entry].reg;
        x->checked[r] = 0;
        x->pinned |= 1u << r;
    } else {
        r = fvm__x_alloc(x);
        fvm__x_give_to_operand(x, r, entry);
    }
    return fvm__x_hw_of(r);
}
/** Copies the value to a register (hw) outside fvm__x_hw. */
void fvm__x_copy(fvm__x64 *x, unsigned hw, uint32_t entry);
/** Removes the top entry. Those below `lazy` are slots, which have no register to give back. */
static inline void fvm__x_pop_one(fvm__x64 *x)
{
    const fvm__x_value *v = &x->stack[--x->h];
    x->free |= (unsigned)(v->kind == X_REG) << (v->reg & 31);
    if (x->lazy > x->h) x->lazy = x->h;
}
/** Removes the top entries. */
static inline void fvm__x_pop(fvm__x64 *x, uint32_t n)
{
    uint32_t to = x->h - n;
    while (x->h > to && x->h > x->lazy) fvm__x_pop_one(x);
    x->h = to;
    if (x->lazy > to) x->lazy = to;
}
FVM_NODISCARD fvm_err fvm__x_push_slow(fvm__x64 *x, fvm__x_value v);
static inline FVM_NODISCARD fvm_err fvm__x_push(fvm__x64 *x, fvm__x_value v)
{
    if (FVM_UNLIKELY(x->h == x->cap_stack || x->h - x->lazy == FVM__X_LAZY))
        return fvm__x_push_slow(x, v);
    x->stack[x->h++] = v;
    return FVM_OK;
}
/** Pushes what the comparison just written left in the flags. */
static inline FVM_NODISCARD fvm_err fvm__x_push_flags(fvm__x64 *x, unsigned cc)
{
    x->hurdle = x->a.base;
    return fvm__x_push(x, (fvm__x_value){ .kind = X_FLAGS, .reg = (uint8_t)cc });
}
/** Pushes a value that is about to be made in the register (hw) returned. */
static inline FVM_NODISCARD fvm_err fvm__x_push_reg(fvm__x64 *x, unsigned *hw)
{
    unsigned r = fvm__x_alloc(x);
    *hw = fvm__x_hw_of(r);
    FVM_TRY(fvm__x_push(x, (fvm__x_value){ .kind = X_REG, .reg = (uint8_t)r }));
    x->holds[r] = x->h - 1;
    return FVM_OK;
}
void fvm__x_settle(fvm__x64 *x, uint32_t entry);
void fvm__x_settle_all(fvm__x64 *x);
/** Writes changed locals to their slots. */
void fvm__x_flush(fvm__x64 *x);
/** Forgets cached locals; they are in their slots or dead. */
void fvm__x_forget(fvm__x64 *x);
/** `n` operands in their slots above `base`, no operands in registers. */
FVM_NODISCARD fvm_err fvm__x_reset(fvm__x64 *x, uint32_t base, uint32_t n);
static inline void fvm__x_state_get(const fvm__x64 *x, fvm__x_state *state)
{
    *state = (fvm__x_state){ .locals = x->local_of,
                             .has = (uint8_t)x->locals,
                             .dirty = (uint8_t)x->dirty };
}
void fvm__x_state_set(fvm__x64 *x, const fvm__x_state *state);
/** Code that loads what `to` has in registers, when all locals are in their slots. */
void fvm__x_load_state(fvm__x64 *x, const fvm__x_state *to);
/** Registers that do not hold what `to` wants in them, or do hold something else. */
static inline unsigned fvm__x_differ(const fvm__x64 *x, const fvm__x_state *to)
{
    __m128i a = _mm_cvtsi64_si128((int64_t)x->local_of), b = _mm_cvtsi64_si128((int64_t)to->locals);
    return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) & 0xff;
}
static inline bool fvm__x_state_matches(const fvm__x64 *x, const fvm__x_state *to)
{
    unsigned differ = fvm__x_differ(x, to);
    return !(differ & to->has) && !(x->dirty & (differ | ~(unsigned)to->dirty));
}
/** Code that brings the locals from where they are to where `to` has them; the pass's own view
 *  stays. Keeps rax, rcx and rdx. */
void fvm__x_arrange(fvm__x64 *x, const fvm__x_state *to);

/* compile.c: blocks and branches */
fvm_err fvm__x_block(fvm__backend *be, fvm__opcode code, const fvm__functype *type);
fvm_err fvm__x_else(fvm__backend *be, bool live);
fvm_err fvm__x_end(fvm__backend *be, bool live, bool no_else);
fvm_err fvm__x_br(fvm__backend *be, fvm__opcode code, uint32_t depth);

/* ops.c, floats.c, calls.c */
fvm_err fvm__x_common(struct fvm__validator *v);
fvm_err fvm__x_local_get(fvm__backend *be, uint32_t local, char type);
fvm_err fvm__x_local_set(fvm__backend *be, uint32_t local, char type, bool tee);
fvm_err fvm__x_constant(fvm__backend *be, uint64_t bits);
fvm_err fvm__x_plain(fvm__backend *be, fvm__opcode code);
fvm_err fvm__x_access(fvm__backend *be, fvm__opcode code, uint32_t offset);
fvm_err fvm__x_op(fvm__backend *be, const fvm__op *op);
FVM_NODISCARD fvm_err fvm__x_op_float(fvm__x64 *x, fvm__opcode code);
FVM_NODISCARD fvm_err fvm__x_op_call(fvm__x64 *x, const fvm__op *op);
/** Calls a helper on `n_in` operands in their slots, which leaves `n_out` (0 or 1) there. */
typedef fvm_err fvm__x_helper(fvm_wasm_instance *instance, uint64_t *slots, uint32_t a, uint32_t b);
FVM_NODISCARD fvm_err fvm__x_op_helper(fvm__x64 *x, fvm__x_helper *helper, uint32_t n_in, char out,
                                       uint32_t a, uint32_t b);
FVM_NODISCARD fvm_err fvm__x_op_bulk(fvm__x64 *x, const fvm__op *op);
/** Jumps to the trap. */
static inline void fvm__x_trap_if(fvm__x64 *x, unsigned cc, fvm_wasm_trap trap)
{
    fvm__jcc_to(&x->a, cc, x->stubs.traps[trap]);
}

/* stubs.c */
void fvm__x_emit_stubs(fvm__x64 *x);
/** mov rax, the address of a C function that compiled code may call. */
void fvm__x_load_callee(fvm__x64 *x, uintptr_t callee);

/* runtime.c */
extern const fvm__runner fvm__x64_runner;
/** As fvm__x64_install, for code that stands in a mapping of `mapped` bytes, which it takes. */
FVM_NODISCARD fvm_err fvm__x64_adopt(fvm_wasm_module *module, uint8_t *map, size_t mapped,
                                     size_t len, uint32_t enter_at);
/** The place of a callee's address in all code. */
uint32_t fvm__x64_callee_at(uintptr_t callee);
fvm_err fvm__x64_call_import(fvm_wasm_instance *instance, uint64_t *slots, uint32_t index,
                             int64_t gas);
fvm_err fvm__x64_call_ref(fvm_wasm_instance *instance, uint64_t *slots, uint32_t type,
                          const fvm__funcref *ref, int64_t gas);
fvm__x_helper fvm__x64_memory_grow, fvm__x64_memory_init, fvm__x64_memory_copy,
    fvm__x64_memory_fill, fvm__x64_table_init, fvm__x64_table_copy, fvm__x64_table_fill,
    fvm__x64_table_grow, fvm__x64_table_get, fvm__x64_table_set, fvm__x64_float;
#endif
#endif
