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

/** What the common path makes of an opcode: nothing; sees to its own charge, or is free; or it is
 *  charged for with the run. Under no rules is it otherwise: what a module lacks a feature for fails
 *  on the careful path. */
enum { FVM__KIND_CAREFUL, FVM__KIND_FREE, FVM__KIND_CHARGED };
extern const uint8_t fvm__common_kinds[256];

#define FVM__EXTENDS_SIGN(code)                                                                    \
    ((code) >= FVM__OP_I32_EXTEND8_S && (code) <= FVM__OP_I64_EXTEND32_S)

/* Readers look past the end of the body, where FVM__SLACK bytes can be read: whoever calls them sees
 * to it afterwards that the instruction ended inside. */

/* A number of up to five bytes, 35 bits, of which `spare` are missing from 64; NULL for what the
 * careful path must look at. Linkers pad numbers to five bytes. */
static inline const uint8_t *fvm__read_longer(uint64_t *out, unsigned *spare, const uint8_t *p)
{
    uint64_t word = fvm_load_le64(p), ends = ~word & UINT64_C(0x8080808080);
    if (!ends) return NULL;
    unsigned bits = (unsigned)__builtin_ctzll(ends) + 1; /* 8 for each byte */
    word &= UINT64_MAX >> (64 - bits);
    *out = (word & 0x7f) | (word >> 1 & 0x3f80) | (word >> 2 & 0x1fc000) | (word >> 3 & 0xfe00000) |
           (word >> 4 & UINT64_C(0x7f0000000));
    *spare = 64 - bits / 8 * 7;
    return p + bits / 8;
}
static inline const uint8_t *fvm__read_short(uint32_t *out, const uint8_t *p)
{
    uint64_t value;
    unsigned spare;
    if (FVM_LIKELY(p[0] < 0x80)) {
        *out = p[0];
        return p + 1;
    }
    if (FVM_LIKELY(p[1] < 0x80)) {
        *out = (p[0] & 0x7fU) | (uint32_t)p[1] << 7;
        return p + 2;
    }
    p = fvm__read_longer(&value, &spare, p);
    if (!p || value > UINT32_MAX) return NULL;
    *out = (uint32_t)value;
    return p;
}
static inline const uint8_t *fvm__read_short_signed(int64_t *out, const uint8_t *p)
{
    uint64_t value;
    unsigned spare;
    if (FVM_LIKELY(p[0] < 0x80)) {
        *out = (int64_t)((uint64_t)p[0] << 57) >> 57;
        return p + 1;
    }
    if (FVM_LIKELY(p[1] < 0x80)) {
        *out = (int64_t)(((p[0] & 0x7fU) | (uint64_t)p[1] << 7) << 50) >> 50;
        return p + 2;
    }
    p = fvm__read_longer(&value, &spare, p);
    if (!p) return NULL;
    *out = (int64_t)(value << spare) >> spare;
    return p;
}

/* The local that a near index names; NOT_NEAR for what the careful path must look at. */
static inline uint32_t fvm__near_local(fvm__validator *v, uint8_t index)
{
    uint32_t number = v->near[index];
    return FVM_LIKELY(number != FVM__NOT_NEAR) ? number : fvm__new_near_local(v, index);
}

/* The operands are of these types; NULs of the stack match none. */
static inline bool fvm__operands_are(const char *sp, const char *types, uint32_t n)
{
    if (__builtin_constant_p(n) && n == 2) return sp[-2] == types[0] && sp[-1] == types[1];
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
    if (!v->metered || at >= v->end || fvm__common_kinds[*at] != FVM__KIND_CHARGED) return FVM_OK;
    return fvm__meter_announce(&v->meter, &fvm__top(v)->meter, true);
}
/** Whether a run goes on behind a block or branch: live code, or the end of dead code. */
static inline bool fvm__goes_on(const fvm__validator *v, const uint8_t *at)
{
    const fvm__control *top = &v->control[v->n_control - 1];
    if (FVM_UNLIKELY(top->dead)) return at < v->end && (*at == FVM__OP_END || *at == FVM__OP_ELSE);
    return !top->limiter.polymorphic;
}

/* What local.get is often followed by, as one. `number` as in fvm__validator.near, `p` behind it.
 * Returns the place behind what was taken together, or NULL: the local is to be got alone. */
static inline __attribute__((always_inline)) const uint8_t *fvm__common_pair(
    fvm__validator *v, const fvm__backend_ops *ops, uint32_t number, const uint8_t *p,
    char **operands, fvm_err *err)
{
    fvm__opcode next = (fvm__opcode)*p++;
    char *sp = *operands;
    uint32_t local = number >> 8, offset;
    int64_t value;
    if ((char)(number & 0xff) != FVM_WASM_LETTER_I32) return NULL;
    if (next == FVM__OP_I32_CONST) {
        if (!(p = fvm__read_short_signed(&value, p)) || value != (int32_t)value) return NULL;
        if (p >= v->end || *p != FVM__OP_I32_ADD) return NULL;
        fvm__see_peak(v, sp + 2);
        *sp++ = FVM_WASM_LETTER_I32;
        v->position += 2;
        *operands = sp;
        *err = ops->get_add(v->be, local, (uint32_t)value);
        return p + 1;
    }
    if (next < FVM__OP_I32_LOAD || next > FVM__OP_I64_LOAD32_U || !v->has_memory) return NULL;
    if (*p > fvm__natural_align[next - FVM__OP_I32_LOAD]) return NULL;
    if (!(p = fvm__read_short(&offset, p + 1)) || p > v->end) return NULL;
    *sp++ = fvm__op_infos[next].push[0];
    v->position++;
    *operands = sp;
    *err = ops->get_load(v->be, local, next, offset);
    return p;
}
#endif
