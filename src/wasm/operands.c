/* operands.c - the type stack of the validator: the standard's algorithm (appendix A.3), in which
 * the operands of dead code are whatever is asked for. */
#include "base/vector.h"
#include "wasm/validate.h"

fvm_err fvm__vector_grow(const fvm_allocator *alloc, void *vector, uint32_t *cap, uint64_t need,
                         size_t size)
{
    return fvm_vector_grow(alloc, vector, cap, need, size, 64, UINT32_MAX);
}

fvm_err fvm__pop_slow(fvm__validator *v, char *got, char want)
{
    const fvm__control *top = fvm__top(v);
    if (v->n_operands == top->height) {
        if (!top->dead) return FVM__INVALID(v->d, "type mismatch: operand missing");
        *got = FVM__UNKNOWN;
        return FVM_OK;
    }
    *got = v->operands[--v->n_operands];
    if (*got != want && *got != FVM__UNKNOWN && want != FVM__UNKNOWN)
        return FVM__INVALID(v->d, "type mismatch");
    return FVM_OK;
}

fvm_err fvm__push_many(fvm__validator *v, const char *types, uint32_t n)
{
    uint64_t need = (uint64_t)v->n_operands + n + fvm__reader_left(&v->d->in);
    FVM_TRY(fvm__vector_grow(v->alloc, &v->operands, &v->cap_operands, need, 1));
    memcpy(v->operands + v->n_operands, types, n);
    v->n_operands += n;
    return FVM_OK;
}

fvm_err fvm__pop_many(fvm__validator *v, const char *types, uint32_t n)
{
    for (uint32_t i = n; i-- > 0;) {
        /* below the operands of dead code everything fits: stop, calls there cost nothing */
        if (v->n_operands == fvm__top(v)->height && fvm__top(v)->dead) return FVM_OK;
        FVM_TRY(fvm__pop(v, types[i]));
    }
    return FVM_OK;
}

fvm_err fvm__check_top(fvm__validator *v, const char *types, uint32_t n)
{
    const fvm__control *top = fvm__top(v);
    uint32_t at = v->n_operands;
    for (uint32_t i = n; i-- > 0;) {
        if (at == top->height) {
            if (top->dead) return FVM_OK;
            return FVM__INVALID(v->d, "type mismatch: operand missing");
        }
        char got = v->operands[--at];
        if (got != types[i] && got != FVM__UNKNOWN) return FVM__INVALID(v->d, "type mismatch");
    }
    return FVM_OK;
}
