/* limiter.h - the simulated stack height by which the stack limiter prices a call (engine.md 4).
 *
 * It is not the operand stack of the standard: the rules of wasm-instrument are followed to the
 * bit, including what it gets wrong (`else` resets nothing; dead code counts in nested blocks).
 * It also refuses modules that are valid. */
#ifndef FVM_WASM_LIMITER_H
#define FVM_WASM_LIMITER_H

#include "base/util.h"

/** Of one block of a body. */
typedef struct fvm__limiter_frame {
    uint32_t start_height;
    bool polymorphic;
} fvm__limiter_frame;

typedef struct fvm__limiter_sim {
    uint32_t height, max;
    bool failed; /* underflow: the module cannot be loaded */
} fvm__limiter_sim;

/** The height of a function before its first instruction: the activation frame. */
#define FVM__LIMITER_ACTIVATION 2u

static inline void fvm__limiter_start(fvm__limiter_sim *sim)
{
    *sim = (fvm__limiter_sim){ .height = FVM__LIMITER_ACTIVATION };
}
/** Before every instruction, the final `end` included. */
static inline void fvm__limiter_observe(fvm__limiter_sim *sim, const fvm__limiter_frame *top)
{
    if (sim->height > sim->max && !top->polymorphic) sim->max = sim->height;
}
static inline void fvm__limiter_push(fvm__limiter_sim *sim, uint32_t n)
{
    sim->height += n;
}
static inline void fvm__limiter_pop(fvm__limiter_sim *sim, const fvm__limiter_frame *top,
                                    uint32_t n)
{
    if (n == 0) return;
    if (sim->height == top->start_height) {
        if (!top->polymorphic) sim->failed = true;
        return;
    }
    if (sim->height < n) {
        sim->failed = true;
        return;
    }
    sim->height -= n;
}
/** Opens a block, after the condition of an `if` was popped. */
static inline fvm__limiter_frame fvm__limiter_block(const fvm__limiter_sim *sim)
{
    return (fvm__limiter_frame){ .start_height = sim->height };
}
static inline void fvm__limiter_end(fvm__limiter_sim *sim, const fvm__limiter_frame *top,
                                    uint32_t results)
{
    sim->height = top->start_height + results;
}
#endif
