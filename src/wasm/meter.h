/* meter.h - metered blocks: which instructions are paid for together, and where (engine.md 6).
 *
 * A body is cut into blocks such that, without a trap, either all of a block is executed or none.
 * A block begins at an instruction, its *start*, where the whole cost is charged; it may go on
 * behind nested blocks. Starts are named by an id: two open blocks with one id began at the same
 * instruction, and when the inner one closes, its cost moves to the outer one.
 *
 * The charge has to stand before the first instruction that costs or that could be jumped back to,
 * which is where the id is announced to the back end; a block that turns out to cost nothing is
 * mostly not announced at all. */
#ifndef FVM_WASM_METER_H
#define FVM_WASM_METER_H

#include "wasm/backend/backend.h"

#include <assert.h>

/** A block of the result: start as index of an instruction of the body as it was given. */
typedef struct fvm__meter_block {
    uint32_t func;
    uint32_t start;
    uint64_t milligas;
} fvm__meter_block;

/** Hears of each block, dead ones included; for tests and for `fvm wasm`. */
typedef struct fvm__meter_listener {
    void (*block)(void *ctx, const fvm__meter_block *block);
    void *ctx;
} fvm__meter_listener;

/** Of one entry of the control stack; entry 0 is the function. */
typedef struct fvm__meter_entry {
    uint64_t cost;           /* of the open block */
    uint32_t lowest_forward; /* lowest entry that is branched to from inside, loops excepted */
    uint32_t start;          /* id of the open block's start */
} fvm__meter_entry;

/** Of one id. */
typedef struct fvm__meter_start {
    uint32_t position; /* of its instruction */
    uint32_t charge;   /* the back end's id for it plus one; 0: not announced */
} fvm__meter_start;

typedef struct fvm__meter {
    fvm__backend *be;
    const fvm__meter_listener *listener;
    const fvm_allocator *alloc;
    uint32_t func;
    fvm__meter_start *starts;
    uint32_t n_starts, cap_starts, n_charges;
    bool overflow; /* a cost past 64 bits: the module cannot be metered */
} fvm__meter;

void fvm__meter_init(fvm__meter *meter, fvm__backend *be, const fvm__meter_listener *listener,
                     const fvm_allocator *alloc);
void fvm__meter_deinit(fvm__meter *meter);
/** Begins a function: fills entry 0. */
FVM_NODISCARD fvm_err fvm__meter_begin(fvm__meter *meter, fvm__meter_entry *entry, uint32_t func);
/** The charge must stand no later than here: before a loop's label, before `unreachable`. */
static inline FVM_NODISCARD fvm_err fvm__meter_announce(fvm__meter *meter,
                                                        const fvm__meter_entry *top, bool live)
{
    fvm__meter_start *start = &meter->starts[top->start];
    if (start->charge || !live) return FVM_OK;
    start->charge = ++meter->n_charges;
    return meter->be->ops->charge_begin(meter->be, start->charge - 1);
}
/** Adds a cost to the open block of `top`, and sees to its charge when `live`. */
static inline FVM_NODISCARD fvm_err fvm__meter_add(fvm__meter *meter, fvm__meter_entry *top,
                                                   uint64_t milligas, bool live)
{
    if (!fvm_add_u64(&top->cost, top->cost, milligas)) meter->overflow = true;
    return fvm__meter_announce(meter, top, live);
}
FVM_NODISCARD fvm_err fvm__meter_more_starts(fvm__meter *meter);
/** A new id for the instruction at `position`. There are fewer of them than bytes in the body. */
static inline FVM_NODISCARD fvm_err fvm__meter_start_at(fvm__meter *meter, uint32_t *id,
                                                        uint32_t position)
{
    if (FVM_UNLIKELY(meter->n_starts == meter->cap_starts)) FVM_TRY(fvm__meter_more_starts(meter));
    meter->starts[meter->n_starts] = (fvm__meter_start){ .position = position };
    *id = meter->n_starts++;
    return FVM_OK;
}
/** Opens entry `index` for a block; `next` is the position of the instruction after it. A plain
 *  block goes on with its parent's start, `if` and `loop` have their own. */
static inline FVM_NODISCARD fvm_err fvm__meter_open(fvm__meter *meter, fvm__meter_entry *entry,
                                                    const fvm__meter_entry *parent, uint32_t index,
                                                    fvm__opcode code, uint32_t next)
{
    *entry = (fvm__meter_entry){ .lowest_forward = index, .start = parent->start };
    return code == FVM__OP_BLOCK ? FVM_OK : fvm__meter_start_at(meter, &entry->start, next);
}
/** Tells the cost of a block that is complete. */
void fvm__meter_close(fvm__meter *meter, uint32_t id, uint64_t cost);
/** Closes the open block of `top`. `parent` is NULL for entry 0. */
static inline void fvm__meter_shut(fvm__meter *meter, const fvm__meter_entry *top,
                                   fvm__meter_entry *parent)
{
    assert(top);
    if (parent && parent->start == top->start) {
        if (!fvm_add_u64(&parent->cost, parent->cost, top->cost)) meter->overflow = true;
    } else if (top->cost > 0) {
        fvm__meter_close(meter, top->start, top->cost);
    }
}
/** Likewise, and begins one at `next`. */
static inline FVM_NODISCARD fvm_err fvm__meter_finish(fvm__meter *meter, fvm__meter_entry *top,
                                                      fvm__meter_entry *parent, uint32_t next)
{
    fvm__meter_shut(meter, top, parent);
    top->cost = 0;
    return fvm__meter_start_at(meter, &top->start, next);
}
/** Notes a branch from `top` to entry `index`, after fvm__meter_finish. */
static inline void fvm__meter_target(fvm__meter_entry *top, uint32_t index, bool target_is_loop)
{
    if (!target_is_loop && index < top->lowest_forward) top->lowest_forward = index;
}
#endif
