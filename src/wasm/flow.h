/* flow.h - blocks and branches on the common path (common.h), in their commonest forms: begun in
 * live code, of a type in one byte, with one value at most. control.c has the order of things; here
 * all is checked first, and what is not so is left to the careful path as it was found.
 *
 * Each takes `p`, the place behind the opcode, and moves it behind the instruction, or makes it NULL
 * for the careful path. The run of instructions before it is accounted for (fvm__settle_common). */
#ifndef FVM_WASM_FLOW_H
#define FVM_WASM_FLOW_H

#include "wasm/validate.h"

#define FVM__IN_LINE static inline __attribute__((always_inline))

FVM__IN_LINE fvm_err fvm__common_block(fvm__validator *v, const fvm__backend_ops *ops,
                                       fvm__opcode code, const uint8_t **p)
{
    const uint8_t *at = *p;
    const fvm__functype *type = *at < 0x80 ? v->blocks[*at] : NULL;
    bool is_if = code == FVM__OP_IF;
    *p = NULL;
    if (!type || (is_if && v->operands[v->n_operands - 1] != FVM_WASM_LETTER_I32)) return FVM_OK;
    *p = at + 1;
    v->n_operands -= is_if;
    if (v->metered && is_if) {
        fvm__meter_entry *meter = &fvm__top(v)->meter;
        fvm__sim_pop(v, 1);
        FVM_TRY(fvm__meter_add(&v->meter, meter, v->price, true));
    } else if (v->metered && code == FVM__OP_LOOP) {
        FVM_TRY(fvm__meter_announce(&v->meter, &fvm__top(v)->meter, true));
    }
    FVM_TRY(ops->block(v->be, code, type));
    FVM_TRY(fvm__push_control(v, code, type, true));
    if (!v->metered) return FVM_OK;
    fvm__control *top = fvm__top(v);
    top->limiter = fvm__limiter_block(&v->limiter);
    return fvm__meter_open(&v->meter, &top->meter, &top[-1].meter, v->n_control - 1, code,
                           v->position + 1);
}

/* The arm or block ends as it should, with one result at most. */
static inline bool fvm__ends_commonly(const fvm__validator *v, const fvm__control *top)
{
    uint32_t n = top->type->n_results;
    if (top->dead) return n <= 1 && v->n_operands == top->height;
    const char *above = v->operands + top->height;
    return n == 0   ? v->n_operands == top->height
           : n == 1 ? v->n_operands == top->height + 1 && above[0] == top->type->results[0]
                    : false;
}

FVM__IN_LINE fvm_err fvm__common_else(fvm__validator *v, const fvm__backend_ops *ops,
                                      const uint8_t **p)
{
    fvm__control *top = fvm__top(v);
    bool live = !top->dead;
    if (top->code != FVM__OP_IF || top->type->n_params || !fvm__ends_commonly(v, top)) {
        *p = NULL;
        return FVM_OK;
    }
    if (v->metered)
        FVM_TRY(fvm__meter_finish(&v->meter, &top->meter, &top[-1].meter, v->position + 1));
    FVM_TRY(ops->else_(v->be, live));
    top->code = FVM__OP_ELSE;
    top->dead = false;
    v->n_operands = top->height;
    return FVM_OK;
}

FVM__IN_LINE fvm_err fvm__common_end(fvm__validator *v, const fvm__backend_ops *ops,
                                     const uint8_t **p)
{
    fvm__control *closing = fvm__top(v), *top = closing - 1;
    const fvm__functype *type = closing->type;
    bool live = !closing->dead, no_else = closing->code == FVM__OP_IF;
    if (v->n_control == 1 || !fvm__ends_commonly(v, closing) ||
        (no_else && (type->n_results || type->n_params))) {
        *p = NULL;
        return FVM_OK;
    }
    v->n_control--;
    v->n_operands = closing->height - 1;
    if (v->metered) {
        uint32_t lowest = closing->meter.lowest_forward;
        fvm__meter_shut(&v->meter, &closing->meter, &top->meter);
        fvm__limiter_end(&v->limiter, &closing->limiter, type->n_results);
        if (lowest < top->meter.lowest_forward) top->meter.lowest_forward = lowest;
        if (lowest < v->n_control)
            FVM_TRY(
                fvm__meter_finish(&v->meter, &top->meter, fvm__parent_meter(v), v->position + 1));
    }
    FVM_TRY(ops->end(v->be, live, no_else));
    if (type->n_results) fvm__push(v, type->results[0]);
    return FVM_OK;
}

FVM__IN_LINE fvm_err fvm__common_br(fvm__validator *v, const fvm__backend_ops *ops,
                                    fvm__opcode code, const uint8_t **p)
{
    const uint8_t *at = *p;
    bool is_if = code == FVM__OP_BR_IF;
    const char *types, *sp = v->operands + v->n_operands;
    uint32_t n, depth;
    *p = NULL;
    if (*at >= 0x80 || *at >= v->n_control) return FVM_OK;
    depth = *at;
    const fvm__control *target = &v->control[v->n_control - 1 - depth];
    fvm__control *top = fvm__top(v);
    fvm__label_types(target, &types, &n);
    if (is_if && *--sp != FVM_WASM_LETTER_I32) return FVM_OK;
    if (n && (n > 1 || sp[-1] != types[0])) return FVM_OK;
    *p = at + 1;
    v->n_operands -= is_if;
    if (v->metered) {
        uint32_t arity = fvm__branch_arity(target);
        fvm__sim_pop(v, arity);
        if (is_if) {
            fvm__sim_pop(v, 1);
            fvm__limiter_push(&v->limiter, arity);
        } else {
            top->limiter.polymorphic = true;
        }
        FVM_TRY(fvm__meter_add(&v->meter, &top->meter, v->price, true));
    }
    FVM_TRY(ops->br(v->be, code, depth));
    if (v->metered) {
        FVM_TRY(fvm__meter_finish(&v->meter, &top->meter, fvm__parent_meter(v), v->position + 1));
        fvm__note_target(v, depth);
    }
    if (!is_if) fvm__set_dead(v);
    return FVM_OK;
}

FVM__IN_LINE fvm_err fvm__common_unreachable(fvm__validator *v, const fvm__backend_ops *ops)
{
    fvm__control *top = fvm__top(v);
    if (v->metered) {
        FVM_TRY(fvm__meter_announce(&v->meter, &top->meter, true));
        top->limiter.polymorphic = true;
    }
    FVM_TRY(ops->op(v->be, &(fvm__op){ .code = FVM__OP_UNREACHABLE }));
    fvm__set_dead(v);
    return FVM_OK;
}
#endif
