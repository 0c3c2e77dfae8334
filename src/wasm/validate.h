/* validate.h - the state of the pass over function bodies; validate.c drives it, operands.c holds
 * the type stack. */
#ifndef FVM_WASM_VALIDATE_H
#define FVM_WASM_VALIDATE_H

#include "wasm/decoder.h"
#include "wasm/limiter.h"

/** The type of an operand in dead code, which fits anything. */
#define FVM__UNKNOWN 'x'

/** An open block; entry 0 is the function. */
typedef struct fvm__control {
    fvm__opcode code; /* BLOCK (also the function), LOOP, IF, ELSE */
    bool dead;        /* behind an instruction that does not go on */
    bool entered;     /* begins in live code: the back end knows of it */
    uint32_t height;  /* operands below it */
    fvm__block_type type;
    fvm__limiter_frame limiter;
    fvm__meter_entry meter;
} fvm__control;

/** Locals behind the first ones, in runs of one type. */
typedef struct fvm__local_run {
    uint32_t end; /* index past the run */
    char type;
} fvm__local_run;

#define FVM__FAST_LOCALS 256u

typedef struct fvm__validator {
    fvm__decoder *d;
    fvm_wasm_module *m;
    fvm__backend *be;
    const fvm_allocator *alloc;
    bool metered;
    uint32_t price; /* of an instruction, milligas */

    char *operands;
    uint32_t n_operands, cap_operands, max_operands;
    fvm__control *control;
    uint32_t n_control, cap_control;
    fvm__local_run *runs;
    uint32_t n_runs, cap_runs, n_locals, n_params;
    char fast_locals[FVM__FAST_LOCALS];
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
    uint32_t position;         /* of the instruction at hand */
    bool after_const;          /* the instruction before it is i32.const ... */
    int32_t last_const;        /* ... of this */
    bool needs_metering_local; /* a charge at run time was seen */
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
FVM_NODISCARD fvm_err fvm__push_slow(fvm__validator *v, char type);
FVM_NODISCARD fvm_err fvm__pop_slow(fvm__validator *v, char *got, char want);
FVM_NODISCARD fvm_err fvm__push_all(fvm__validator *v, const char *types, uint32_t n);
FVM_NODISCARD fvm_err fvm__pop_all(fvm__validator *v, const char *types, uint32_t n);
/** The top operands have these types; none is taken. */
FVM_NODISCARD fvm_err fvm__check_top(fvm__validator *v, const char *types, uint32_t n);

static inline FVM_NODISCARD fvm_err fvm__push(fvm__validator *v, char type)
{
    if (FVM_UNLIKELY(v->n_operands == v->cap_operands)) return fvm__push_slow(v, type);
    v->operands[v->n_operands++] = type;
    return FVM_OK;
}
/** Takes one operand of type `want`. */
static inline FVM_NODISCARD fvm_err fvm__pop(fvm__validator *v, char want)
{
    char got;
    if (FVM_LIKELY(v->n_operands > fvm__top(v)->height && v->operands[v->n_operands - 1] == want)) {
        v->n_operands--;
        return FVM_OK;
    }
    return fvm__pop_slow(v, &got, want);
}
/** The rest of the current block cannot be reached. */
static inline void fvm__set_dead(fvm__validator *v)
{
    fvm__top(v)->dead = true;
    v->n_operands = fvm__top(v)->height;
}
/** Grows a vector of the pass to hold `need` entries. */
FVM_NODISCARD fvm_err fvm__vector_grow(const fvm_allocator *alloc, void *vector, uint32_t *cap,
                                       uint64_t need, size_t size);

/* control.c: blocks and branches, with what they mean to limiter and meter */
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
