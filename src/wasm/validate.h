/* validate.h - the state of the pass over function bodies. validate.c drives it and has the common
 * path; plain.c and control.c take any instruction, operands.c holds the type stack, locals.c the
 * locals. */
#ifndef FVM_WASM_VALIDATE_H
#define FVM_WASM_VALIDATE_H

#include "wasm/decoder.h"
#include "wasm/limiter.h"

#include <assert.h>

/** The type of an operand in dead code, which fits anything. */
#define FVM__UNKNOWN 'x'

/** An open block; entry 0 is the function. */
typedef struct fvm__control {
    uint8_t code;    /* BLOCK (also the function), LOOP, IF, ELSE */
    bool dead;       /* behind an instruction that does not go on */
    bool entered;    /* begins in live code: the back end knows of it */
    uint32_t height; /* operands below it */
    const fvm__functype *type;
    fvm__limiter_frame limiter;
    fvm__meter_entry meter;
} fvm__control;

/** Locals behind the first ones, in runs of one type. */
typedef struct fvm__local_run {
    uint32_t end; /* index past the run */
    char type;
} fvm__local_run;

#define FVM__FAST_LOCALS 256u
/** Locals whose index is one byte. */
#define FVM__NEAR_LOCALS 128u
#define FVM__NOT_NEAR UINT32_MAX
/** An instruction on the common path, and what is looked at behind it, is shorter than this. */
#define FVM__SLACK 24

typedef struct fvm__validator {
    fvm__decoder *d;
    fvm_wasm_module *m;
    fvm__backend *be;
    const fvm_allocator *alloc;
    bool metered;
    uint32_t price; /* of an instruction, milligas */

    /* The type stack: letters, and a NUL below those of each open block, so that one comparison
     * finds a wrong type or the block's floor. There is always room for as many more entries as
     * bytes of the body are left, since no instruction pushes more than it has bytes: what does
     * (results of calls, parameters of blocks) makes room for itself. */
    char *operands;
    uint32_t n_operands, cap_operands; /* entries, NULs included */
    uint32_t max_operands;             /* most that were on it, without NULs */
    fvm__control *control;
    uint32_t n_control, cap_control;
    fvm__local_run *runs;
    uint32_t n_runs, cap_runs, n_locals, n_params;
    char fast_locals[FVM__FAST_LOCALS];
    uint32_t near[256]; /* by byte: place << 8 | type of locals that were seen in live code */
    uint32_t n_near;
    struct {
        uint32_t body;  /* the body that named the local last ... */
        uint32_t place; /* ... and its new number there */
    } *used;            /* by local */
    uint32_t cap_used, n_used, body;
    uint32_t bitmap_at, chunks_at; /* locals from chunks_at on are zeroed in chunks */
    uint32_t zeroed_chunk;         /* plus one: just seen to; 0 none */
    uint32_t *depths;              /* of the br_table at hand */
    uint32_t cap_depths;

    fvm__limiter_sim limiter;
    fvm__meter meter;
    uint32_t position;        /* of the instruction at hand */
    const uint8_t *op_at;     /* and its place */
    const uint8_t *const_end; /* the i32.const before this place ... */
    int32_t last_const;       /* ... was of this */
    /* the common path (common.h) */
    const uint8_t *end; /* of the body, or FVM__SLACK before the end of all */
    char *peak;         /* of the type stack since it began */
    uint32_t began;     /* the position where it began */
    int64_t more;       /* units of the price beyond one for each instruction */
    bool has_memory;
    const fvm__functype *blocks[128]; /* types of blocks that are one byte, or NULL */
    bool needs_metering_local;        /* a charge at run time was seen */
} fvm__validator;

static inline fvm__control *fvm__top(fvm__validator *v)
{
    return &v->control[v->n_control - 1];
}
static inline bool fvm__live(fvm__validator *v)
{
    const fvm__control *top = fvm__top(v);
    return top->entered && !top->dead;
}

/* operands.c */
/** Grows a vector of the pass to hold `need` entries. */
FVM_NODISCARD fvm_err fvm__vector_grow(const fvm_allocator *alloc, void *vector, uint32_t *cap,
                                       uint64_t need, size_t size);
FVM_NODISCARD fvm_err fvm__pop_slow(fvm__validator *v, char *got, char want);
FVM_NODISCARD fvm_err fvm__push_many(fvm__validator *v, const char *types, uint32_t n);
FVM_NODISCARD fvm_err fvm__pop_many(fvm__validator *v, const char *types, uint32_t n);
/** The top operands have these types; none is taken. */
FVM_NODISCARD fvm_err fvm__check_top(fvm__validator *v, const char *types, uint32_t n);

static inline void fvm__push(fvm__validator *v, char type)
{
    assert(v->n_operands < v->cap_operands);
    v->operands[v->n_operands++] = type;
}
static inline FVM_NODISCARD fvm_err fvm__push_all(fvm__validator *v, const char *types, uint32_t n)
{
    if (n > 1) return fvm__push_many(v, types, n);
    if (n) fvm__push(v, types[0]);
    return FVM_OK;
}
/** Takes one operand of type `want`. */
static inline FVM_NODISCARD fvm_err fvm__pop(fvm__validator *v, char want)
{
    char got;
    if (FVM_LIKELY(v->operands[v->n_operands - 1] == want)) {
        v->n_operands--;
        return FVM_OK;
    }
    return fvm__pop_slow(v, &got, want);
}
static inline FVM_NODISCARD fvm_err fvm__pop_all(fvm__validator *v, const char *types, uint32_t n)
{
    return n ? fvm__pop_many(v, types, n) : FVM_OK;
}
/** Opens a block above the operands that there are. */
static inline FVM_NODISCARD fvm_err fvm__push_control(fvm__validator *v, fvm__opcode code,
                                                      const fvm__functype *type, bool entered)
{
    if (FVM_UNLIKELY(v->n_control == v->cap_control))
        FVM_TRY(fvm__vector_grow(v->alloc, &v->control, &v->cap_control, (uint64_t)v->n_control + 1,
                                 sizeof *v->control));
    fvm__push(v, '\0');
    v->control[v->n_control++] = (fvm__control){
        .code = (uint8_t)code,
        .entered = entered,
        .height = v->n_operands,
        .type = type,
    };
    return FVM_OK;
}
/** The entry around the topmost, or NULL. */
static inline fvm__meter_entry *fvm__parent_meter(fvm__validator *v)
{
    return v->n_control > 1 ? &v->control[v->n_control - 2].meter : NULL;
}
/** Counts the operands there are among the most there were. */
static inline void fvm__see_operands(fvm__validator *v)
{
    uint32_t operands = v->n_operands - v->n_control - 1;
    if (operands > v->max_operands) v->max_operands = operands;
}
/** What a branch to an entry carries, as letters and to the limiter. */
static inline void fvm__label_types(const fvm__control *target, const char **types, uint32_t *n)
{
    bool loop = target->code == FVM__OP_LOOP;
    *types = loop ? target->type->params : target->type->results;
    *n = loop ? target->type->n_params : target->type->n_results;
}
static inline uint32_t fvm__branch_arity(const fvm__control *target)
{
    return target->code == FVM__OP_LOOP ? 0 : target->type->n_results;
}
static inline void fvm__note_target(fvm__validator *v, uint32_t depth)
{
    uint32_t index = v->n_control - 1 - depth;
    fvm__meter_target(&fvm__top(v)->meter, index, v->control[index].code == FVM__OP_LOOP);
}
/** The rest of the current block cannot be reached. */
static inline void fvm__set_dead(fvm__validator *v)
{
    fvm__top(v)->dead = true;
    v->n_operands = fvm__top(v)->height;
}

/* locals.c */
/** The declarations of a body; sets the function's number of locals and the limiter's L. */
FVM_NODISCARD fvm_err fvm__get_locals(fvm__validator *v, fvm__func_def *func);
/** Reads an index: the type of the local and the number under which the back end knows it. */
FVM_NODISCARD fvm_err fvm__get_local(fvm__validator *v, uint32_t *place, char *type);
/** Likewise in live code for an index of one byte, as fvm__validator.near has it; or NOT_NEAR. */
uint32_t fvm__new_near_local(fvm__validator *v, uint8_t index);
/** Before live code uses a local. */
FVM_NODISCARD fvm_err fvm__see_to_zero(fvm__validator *v, uint32_t place);
/** When it is known which locals are in use. */
void fvm__settle_locals(const fvm__validator *v, fvm__func_def *func);

/* plain.c */
/** A row of opcodes.def. */
typedef struct fvm__op_info {
    uint8_t imm; /* FVM__IMM_... */
    uint8_t n_pops;
    char push[2]; /* empty: nothing */
    char pops[4];
} fvm__op_info;
enum { FVM__IMM_UNKNOWN, FVM__IMM_NONE, FVM__IMM_MEM, FVM__IMM_CUSTOM };
extern const fvm__op_info fvm__op_infos[FVM__OP_COUNT];
/** log2 of the bytes that a load or store touches, from i32.load on */
extern const uint8_t fvm__natural_align[];
/** Any instruction that is neither block nor branch, behind its opcode. */
FVM_NODISCARD fvm_err fvm__op_plain(fvm__validator *v, fvm__opcode code);
/** Milligas of a direct call to a defined function: the call and what the limiter puts around it,
 *  of which `unreachable` and `end` are free (engine.md 5). */
enum { FVM__LIMITED_CALL_INSTRUCTIONS = 13 };

/* control.c: blocks and branches, with what they mean to limiter and meter */
/** The type of a block in one byte, or NULL: another form, or none under these rules. */
const fvm__functype *fvm__near_block_type(const fvm_wasm_rules *rules, uint8_t byte);
FVM_NODISCARD fvm_err fvm__begin_body(fvm__validator *v, uint32_t func);
FVM_NODISCARD fvm_err fvm__op_control(fvm__validator *v, fvm__opcode code);
/** Adds the price of an instruction to the open metered block. */
static inline FVM_NODISCARD fvm_err fvm__charge(fvm__validator *v, uint64_t milligas)
{
    return v->metered ? fvm__meter_add(&v->meter, &fvm__top(v)->meter, milligas, fvm__live(v))
                      : FVM_OK;
}
static inline void fvm__sim_pop(fvm__validator *v, uint32_t n)
{
    fvm__limiter_pop(&v->limiter, &fvm__top(v)->limiter, n);
}
#endif
