/* common.h - the common path through a body.
 *
 * Nearly all instructions of real modules are of a few kinds, stand in live code, have short
 * immediates and the operands they want. These are checked here with what matters in registers;
 * the limiter's height moves with the type stack, and costs are counted and added at the end.
 * Whatever is not so is left to the careful path, which begins the instruction anew: nothing here
 * changes before all is checked, and no module is refused here.
 *
 * A back end makes its own copy of the loop, in which its ways of instructions are in line: called
 * through pointers they took a fifth of all time. */
#ifndef FVM_WASM_COMMON_H
#define FVM_WASM_COMMON_H

#include "wasm/flow.h"

/** What the common path knows an opcode as; validate.c fills `forms` with them. */
typedef enum fvm__form {
    FVM__FORM_CAREFUL,
    /* those that see to their own charge, or are free */
    FVM__FORM_BLOCK,
    FVM__FORM_ELSE,
    FVM__FORM_END,
    FVM__FORM_BR,
    FVM__FORM_UNREACHABLE,
    FVM__FORM_DROP,
    /* those that are charged for with the run */
    FVM__FORM_GET_LOCAL,
    FVM__FORM_SET_LOCAL,
    FVM__FORM_TEE_LOCAL,
    FVM__FORM_CONST_I32,
    FVM__FORM_CONST_I64,
    FVM__FORM_UNARY,
    FVM__FORM_BINARY,
    FVM__FORM_LOAD,
    FVM__FORM_STORE,
    FVM__FORM_SELECT,
    FVM__FORM_CALL,
    FVM__FORM_GET_GLOBAL,
    FVM__FORM_SET_GLOBAL,
} fvm__form;

/* A number of up to five bytes, 35 bits, of which `spare` are missing from 64; NULL for what the
 * careful path must look at. Linkers pad numbers to five bytes. */
static inline const uint8_t *fvm__read_longer(uint64_t *out, unsigned *spare, const uint8_t *p,
                                              const uint8_t *end)
{
    if (end - p < 8) return NULL;
    uint64_t word = fvm_load_le64(p), ends = ~word & UINT64_C(0x8080808080);
    if (!ends) return NULL;
    unsigned bits = (unsigned)__builtin_ctzll(ends) + 1; /* 8 for each byte */
    word &= UINT64_MAX >> (64 - bits);
    *out = (word & 0x7f) | (word >> 1 & 0x3f80) | (word >> 2 & 0x1fc000) | (word >> 3 & 0xfe00000) |
           (word >> 4 & UINT64_C(0x7f0000000));
    *spare = 64 - bits / 8 * 7;
    return p + bits / 8;
}
static inline const uint8_t *fvm__read_short(uint32_t *out, const uint8_t *p, const uint8_t *end)
{
    uint64_t value;
    unsigned spare;
    if (FVM_LIKELY(p != end && *p < 0x80)) {
        *out = *p;
        return p + 1;
    }
    p = fvm__read_longer(&value, &spare, p, end);
    if (!p || value > UINT32_MAX) return NULL;
    *out = (uint32_t)value;
    return p;
}
static inline const uint8_t *fvm__read_short_signed(int64_t *out, const uint8_t *p,
                                                    const uint8_t *end)
{
    uint64_t value;
    unsigned spare;
    if (FVM_LIKELY(p != end && *p < 0x80)) {
        *out = (int64_t)((uint64_t)*p << 57) >> 57;
        return p + 1;
    }
    p = fvm__read_longer(&value, &spare, p, end);
    if (!p) return NULL;
    *out = (int64_t)(value << spare) >> spare;
    return p;
}

/* The local that a near index names, if the careful path has seen it; else NOT_NEAR. */
static inline uint32_t fvm__near_local(const fvm__validator *v, const uint8_t *p,
                                       const uint8_t *end)
{
    return p != end ? v->near[*p] : FVM__NOT_NEAR;
}

static inline bool fvm__pair_is(const char *at, const char *letters)
{
    return at[0] == letters[0] && at[1] == letters[1];
}

/* The operands are of these types; NULs of the stack match none. */
static inline bool fvm__operands_are(const char *sp, const char *types, uint32_t n)
{
    while (n--)
        if (*--sp != types[n]) return false;
    return true;
}

/** The operands before some are taken: the most there are. What pushes need not look. */
static inline void fvm__see_peak(fvm__validator *v, char *sp)
{
    if (sp > v->peak) v->peak = sp;
}
/** Accounts for the run of instructions up to here, with the operands up to `sp`. */
static inline void fvm__settle_common(fvm__validator *v, const char *sp)
{
    uint32_t had = v->n_operands, now = (uint32_t)(sp - v->operands);
    const char *peak = v->peak > sp ? v->peak : sp;
    uint32_t most = (uint32_t)(peak - v->operands), logical = most - v->n_control - 1;
    v->n_operands = now;
    if (logical > v->max_operands) v->max_operands = logical;
    if (!v->metered) return;
    uint32_t height = v->limiter.height;
    if (height + (most - had) > v->limiter.max) v->limiter.max = height + (most - had);
    v->limiter.height = height + now - had;
    int64_t units = (int64_t)(v->position - v->began) + v->more;
    fvm__meter_entry *meter = &fvm__top(v)->meter;
    if (!fvm_add_u64(&meter->cost, meter->cost, (uint64_t)units * v->price))
        v->meter.overflow = true;
}
/** Begins a run at `at`. The charge of the open metered block has to stand before its first
 *  instruction that costs. */
static inline FVM_NODISCARD fvm_err fvm__begin_common(fvm__validator *v, const uint8_t *at)
{
    v->peak = v->operands + v->n_operands;
    v->began = v->position;
    v->more = 0;
    if (!v->metered || at == v->end || v->forms[*at] <= FVM__FORM_DROP) return FVM_OK;
    return fvm__meter_announce(&v->meter, &fvm__top(v)->meter, true);
}
/** Whether a run goes on behind a block or branch: live code, or the end of dead code. */
static inline bool fvm__goes_on(const fvm__validator *v, const uint8_t *at)
{
    const fvm__control *top = &v->control[v->n_control - 1];
    if (FVM_UNLIKELY(top->dead)) return at != v->end && (*at == FVM__OP_END || *at == FVM__OP_ELSE);
    return !top->limiter.polymorphic;
}

/** Takes instructions as long as they are common; `ops` is a constant of the caller's. */
static inline __attribute__((always_inline)) fvm_err fvm__run_common(fvm__validator *v,
                                                                     const fvm__backend_ops *ops)
{
    /* What is not needed by every instruction stays in memory: calls leave few registers. */
    const uint8_t *at = v->d->in.at, *const end = v->end;
    fvm__backend *const be = v->be;
    if (at == v->end || v->forms[*at] == FVM__FORM_CAREFUL) return FVM_OK;
    FVM_TRY(fvm__begin_common(v, at));
    char *sp = v->operands + v->n_operands;
    fvm_err err = FVM_OK;
    while (at != end) {
        const uint8_t *p = at + 1;
        fvm__opcode code = (fvm__opcode)*at;
        const fvm__op_info *info = &fvm__op_infos[code];
        uint32_t number;
        int64_t value;
        switch ((fvm__form)v->forms[code]) {
        case FVM__FORM_GET_LOCAL:
            number = fvm__near_local(v, p, end);
            if (number == FVM__NOT_NEAR) goto done;
            p++;
            *sp++ = (char)(number & 0xff);
            err = ops->local_get(be, number >> 8, (char)(number & 0xff));
            break;
        case FVM__FORM_SET_LOCAL:
            number = fvm__near_local(v, p, end);
            if (number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
            p++;
            fvm__see_peak(v, sp--);
            err = ops->local_set(be, number >> 8, *sp, false);
            break;
        case FVM__FORM_TEE_LOCAL:
            number = fvm__near_local(v, p, end);
            if (number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
            p++;
            err = ops->local_set(be, number >> 8, sp[-1], true);
            break;
        case FVM__FORM_CONST_I32:
            if (!(p = fvm__read_short_signed(&value, p, end)) || value != (int32_t)value) goto done;
            if (ops->add_constant && p != end && *p == FVM__OP_I32_ADD &&
                sp[-1] == FVM_WASM_LETTER_I32) {
                p++;
                v->position++;
                fvm__see_peak(v, sp + 1);
                err = ops->add_constant(be, (uint32_t)value);
                break;
            }
            v->last_const = (int32_t)value;
            v->const_end = p;
            *sp++ = FVM_WASM_LETTER_I32;
            err = ops->constant(be, (uint32_t)value);
            break;
        case FVM__FORM_CONST_I64:
            if (!(p = fvm__read_short_signed(&value, p, end))) goto done;
            *sp++ = FVM_WASM_LETTER_I64;
            err = ops->constant(be, (uint64_t)value);
            break;
        case FVM__FORM_UNARY:
            if (sp[-1] != info->pops[0]) goto done;
            sp[-1] = info->push[0];
            err = ops->plain(be, code);
            break;
        case FVM__FORM_BINARY:
            if (!fvm__pair_is(sp - 2, info->pops)) goto done;
            fvm__see_peak(v, sp--);
            sp[-1] = info->push[0];
            err = ops->plain(be, code);
            break;
        case FVM__FORM_LOAD:
            if (p == end || *p > fvm__natural_align[code - FVM__OP_I32_LOAD]) goto done;
            if (!(p = fvm__read_short(&number, p + 1, end))) goto done;
            if (sp[-1] != FVM_WASM_LETTER_I32) goto done;
            sp[-1] = info->push[0];
            err = ops->access(be, code, number);
            break;
        case FVM__FORM_STORE:
            if (p == end || *p > fvm__natural_align[code - FVM__OP_I32_LOAD]) goto done;
            if (!(p = fvm__read_short(&number, p + 1, end))) goto done;
            if (!fvm__pair_is(sp - 2, info->pops)) goto done;
            fvm__see_peak(v, sp);
            sp -= 2;
            err = ops->access(be, code, number);
            break;
        case FVM__FORM_DROP:
            /* the first of a run is not charged for, so the charge may still be to come */
            if (!sp[-1] || v->position == v->began) goto done;
            fvm__see_peak(v, sp--);
            v->more--;
            err = ops->plain(be, code);
            break;
        case FVM__FORM_SELECT:
            if (!fvm__pair_is(sp - 2, "ii") && !fvm__pair_is(sp - 2, "li")) goto done;
            if (sp[-3] != sp[-2]) goto done;
            fvm__see_peak(v, sp);
            sp -= 2;
            err = ops->plain(be, code);
            break;
        case FVM__FORM_CALL: {
            if (!(p = fvm__read_short(&number, p, end)) || number >= v->m->n_funcs) goto done;
            const fvm__functype *type = v->m->funcs[number].type;
            if (type->n_results > 1 || !fvm__operands_are(sp, type->params, type->n_params))
                goto done;
            fvm__see_peak(v, sp);
            sp -= type->n_params;
            if (type->n_results) *sp++ = type->results[0];
            if (number >= v->m->n_func_imports) v->more += FVM__LIMITED_CALL_INSTRUCTIONS - 1;
            err = ops->op(be, &(fvm__op){ .code = code, .a = number });
            break;
        }
        case FVM__FORM_GET_GLOBAL:
            if (!(p = fvm__read_short(&number, p, end)) || number >= v->m->n_globals) goto done;
            *sp++ = v->m->globals[number].type;
            err = ops->op(be, &(fvm__op){ .code = code, .type = sp[-1], .a = number });
            break;
        case FVM__FORM_SET_GLOBAL:
            if (!(p = fvm__read_short(&number, p, end)) || number >= v->m->n_globals) goto done;
            if (!v->m->globals[number].is_mutable || v->m->globals[number].type != sp[-1])
                goto done;
            fvm__see_peak(v, sp--);
            err = ops->op(be, &(fvm__op){ .code = code, .type = *sp, .a = number });
            break;
        case FVM__FORM_BLOCK:
            fvm__settle_common(v, sp);
            err = fvm__common_block(v, ops, code, &p);
            goto flow;
        case FVM__FORM_ELSE:
            fvm__settle_common(v, sp);
            err = fvm__common_else(v, ops, &p);
            goto flow;
        case FVM__FORM_END:
            fvm__settle_common(v, sp);
            err = fvm__common_end(v, ops, &p);
            goto flow;
        case FVM__FORM_BR:
            fvm__settle_common(v, sp);
            err = fvm__common_br(v, ops, code, &p);
            goto flow;
        case FVM__FORM_UNREACHABLE:
            fvm__settle_common(v, sp);
            err = fvm__common_unreachable(v, ops);
            goto flow;
        case FVM__FORM_CAREFUL: goto done;
        default: __builtin_unreachable();
        }
        if (FVM_UNLIKELY(err != FVM_OK)) break;
        at = p;
        v->position++;
        continue;
    flow:
        if (FVM_UNLIKELY(err != FVM_OK || !p)) goto settled;
        at = p;
        v->position++;
        v->zeroed_chunk = 0; /* what follows may be reached another way */
        if (!fvm__goes_on(v, at)) goto settled;
        if (FVM_UNLIKELY((err = fvm__begin_common(v, at)) != FVM_OK)) goto settled;
        sp = v->operands + v->n_operands;
    }
done:
    fvm__settle_common(v, sp);
settled:
    fvm__see_operands(v);
    v->d->in.at = at;
    return err;
}
#endif
