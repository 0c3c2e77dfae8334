/* floats.c - floats live in the same registers as integers, as bits, and visit xmm0 and xmm1 for
 * arithmetic: actors hardly use them. What is long in machine code goes through a helper in C. */
#include "wasm/backend/x64/x64.h"
#ifdef FVM__X64

#define CANONICAL32 UINT64_C(0x7fc00000)
#define CANONICAL64 (UINT64_C(0x7ff8) << 48)

/* Opcodes of SSE: single has prefix f3 where double has f2. */
static unsigned scalar(bool wide, unsigned op)
{
    return (wide ? 0xf20f00u : 0xf30f00u) | op;
}

static void to_xmm(fvm__x64 *x, unsigned xmm, uint32_t entry, bool wide)
{
    const fvm__x_value *v = &x->stack[entry];
    if (v->kind == X_SLOT) {
        fvm__x_rslot(x, false, scalar(wide, 0x10), xmm, entry);
    } else if (v->kind == X_CONST) {
        fvm__mov_ri(&x->a, RAX, v->bits);
        fvm__rr(&x->a, wide, 0x660f6e, xmm, RAX);
    } else {
        fvm__rr(&x->a, wide, 0x660f6e, xmm, fvm__x_use(x, entry));
    }
}

/* xmm0 becomes the value of the top entry. */
static void from_xmm(fvm__x64 *x, bool wide)
{
    unsigned d = fvm__x_define(x, x->h - 1);
    fvm__rr(&x->a, wide, 0x660f7e, 0, d);
}
static void from_xmm_canonical(fvm__x64 *x, bool wide)
{
    unsigned d = fvm__x_define(x, x->h - 1);
    fvm__rr(&x->a, false, wide ? 0x660f2e : 0x0f2e, 0, 0);
    fvm__rr(&x->a, wide, 0x660f7e, 0, d);
    uint8_t *number = fvm__jcc8(&x->a, CC_NP);
    fvm__mov_ri(&x->a, d, wide ? CANONICAL64 : CANONICAL32);
    fvm__land8(&x->a, number);
}

static void op_arithmetic(fvm__x64 *x, unsigned op, bool wide)
{
    to_xmm(x, 0, x->h - 2, wide);
    to_xmm(x, 1, x->h - 1, wide);
    fvm__rr(&x->a, false, scalar(wide, op), 0, 1);
    fvm__x_pop_one(x);
    from_xmm_canonical(x, wide);
}

/* eq ne lt gt le ge; unordered leaves carry, zero and parity set. */
static fvm_err op_compare(fvm__x64 *x, unsigned row, bool wide)
{
    bool mirrored = row == 2 || row == 4;
    to_xmm(x, mirrored, x->h - 2, wide);
    to_xmm(x, !mirrored, x->h - 1, wide);
    fvm__rr(&x->a, false, wide ? 0x660f2e : 0x0f2e, 0, 1);
    fvm__x_pop_one(x);
    fvm__x_pop_one(x);
    if (row >= 2) {
        return fvm__x_push_flags(x, row < 4 ? CC_A : CC_AE);
    }
    bool equal = row == 0;
    unsigned d;
    fvm__rr8(&x->a, false, 0x0f90 | (equal ? CC_NP : CC_P), 0, RAX);
    fvm__rr8(&x->a, false, 0x0f90 | (equal ? CC_E : CC_NE), 0, RCX);
    fvm__rr8(&x->a, false, equal ? 0x22 : 0x0a, RAX, RCX);
    FVM_TRY(fvm__x_push_reg(x, &d));
    fvm__rr8(&x->a, false, 0x0fb6, d, RAX);
    return FVM_OK;
}

static void op_sign(fvm__x64 *x, bool negate, bool wide)
{
    unsigned d = fvm__x_own(x, x->h - 1);
    fvm__rr(&x->a, wide, 0x0fba, negate ? 7 : 6, d); /* btc, btr */
    fvm__e8(&x->a, wide ? 63 : 31);
}

static void op_copysign(fvm__x64 *x, bool wide)
{
    unsigned bit = wide ? 63 : 31;
    unsigned d = fvm__x_own(x, x->h - 2);
    fvm__x_copy(x, RAX, x->h - 1);
    fvm__rr(&x->a, wide, 0xc1, 5, RAX); /* the sign alone */
    fvm__e8(&x->a, bit);
    fvm__rr(&x->a, wide, 0xc1, 4, RAX);
    fvm__e8(&x->a, bit);
    fvm__rr(&x->a, wide, 0x0fba, 6, d);
    fvm__e8(&x->a, bit);
    fvm__rr(&x->a, wide, 0x0b, d, RAX);
    fvm__x_pop_one(x);
}

/* ceil floor trunc nearest */
static void op_round(fvm__x64 *x, unsigned row, bool wide)
{
    static const uint8_t modes[] = { 2, 1, 3, 0 };
    to_xmm(x, 0, x->h - 1, wide);
    fvm__e8(&x->a, 0x66);
    fvm__e8(&x->a, 0x0f);
    fvm__e8(&x->a, 0x3a);
    fvm__e8(&x->a, wide ? 0x0b : 0x0a);
    fvm__e8(&x->a, 0xc0);
    fvm__e8(&x->a, modes[row] | 8u);
    from_xmm_canonical(x, wide);
}

static void op_convert(fvm__x64 *x, bool from_wide, bool to_wide)
{
    unsigned v = fvm__x_use(x, x->h - 1);
    fvm__rr(&x->a, false, 0x0f57, 0, 0); /* xorps: no wait for what xmm0 was */
    fvm__rr(&x->a, from_wide, scalar(to_wide, 0x2a), 0, v);
    from_xmm(x, to_wide);
}

static void op_promote_demote(fvm__x64 *x, bool from_wide)
{
    to_xmm(x, 0, x->h - 1, from_wide);
    fvm__rr(&x->a, false, scalar(from_wide, 0x5a), 0, 0);
    from_xmm_canonical(x, !from_wide);
}

static fvm_err by_helper(fvm__x64 *x, fvm__opcode code, uint32_t n_in, char out)
{
    return fvm__x_op_helper(x, fvm__x64_float, n_in, out, (uint32_t)code, 0);
}

/* The rows from abs to copysign, which both widths have. */
static fvm_err op_width(fvm__x64 *x, fvm__opcode code, unsigned row, bool wide)
{
    static const uint8_t arithmetic[] = { 0x58, 0x5c, 0x59, 0x5e };
    char letter = wide ? 'd' : 'f';
    switch (row + FVM__OP_F32_ABS) {
    case FVM__OP_F32_ABS: op_sign(x, false, wide); return FVM_OK;
    case FVM__OP_F32_NEG: op_sign(x, true, wide); return FVM_OK;
    case FVM__OP_F32_CEIL:
    case FVM__OP_F32_FLOOR:
    case FVM__OP_F32_TRUNC:
    case FVM__OP_F32_NEAREST:
        if (!x->sse41) return by_helper(x, code, 1, letter);
        op_round(x, row + FVM__OP_F32_ABS - FVM__OP_F32_CEIL, wide);
        return FVM_OK;
    case FVM__OP_F32_SQRT:
        to_xmm(x, 0, x->h - 1, wide);
        fvm__rr(&x->a, false, scalar(wide, 0x51), 0, 0);
        from_xmm_canonical(x, wide);
        return FVM_OK;
    case FVM__OP_F32_MIN:
    case FVM__OP_F32_MAX: return by_helper(x, code, 2, letter);
    case FVM__OP_F32_COPYSIGN: op_copysign(x, wide); return FVM_OK;
    default:
        op_arithmetic(x, arithmetic[row + FVM__OP_F32_ABS - FVM__OP_F32_ADD], wide);
        return FVM_OK;
    }
}

fvm_err fvm__x_op_float(fvm__x64 *x, fvm__opcode code)
{
    if (code <= FVM__OP_F32_GE) return op_compare(x, code - FVM__OP_F32_EQ, false);
    if (code <= FVM__OP_F64_GE) return op_compare(x, code - FVM__OP_F64_EQ, true);
    if (code <= FVM__OP_F32_COPYSIGN) return op_width(x, code, code - FVM__OP_F32_ABS, false);
    if (code <= FVM__OP_F64_COPYSIGN) return op_width(x, code, code - FVM__OP_F64_ABS, true);
    switch (code) {
    case FVM__OP_I32_TRUNC_F32_S:
    case FVM__OP_I32_TRUNC_F32_U:
    case FVM__OP_I32_TRUNC_F64_S:
    case FVM__OP_I32_TRUNC_F64_U:
    case FVM__OP_I32_TRUNC_SAT_F32_S:
    case FVM__OP_I32_TRUNC_SAT_F32_U:
    case FVM__OP_I32_TRUNC_SAT_F64_S:
    case FVM__OP_I32_TRUNC_SAT_F64_U: return by_helper(x, code, 1, 'i');
    case FVM__OP_F32_CONVERT_I32_S: op_convert(x, false, false); return FVM_OK;
    case FVM__OP_F32_CONVERT_I32_U: /* has zeros above */
    case FVM__OP_F32_CONVERT_I64_S: op_convert(x, true, false); return FVM_OK;
    case FVM__OP_F32_CONVERT_I64_U: return by_helper(x, code, 1, 'f');
    case FVM__OP_F64_CONVERT_I32_S: op_convert(x, false, true); return FVM_OK;
    case FVM__OP_F64_CONVERT_I32_U:
    case FVM__OP_F64_CONVERT_I64_S: op_convert(x, true, true); return FVM_OK;
    case FVM__OP_F64_CONVERT_I64_U: return by_helper(x, code, 1, 'd');
    case FVM__OP_F32_DEMOTE_F64: op_promote_demote(x, true); return FVM_OK;
    case FVM__OP_F64_PROMOTE_F32: op_promote_demote(x, false); return FVM_OK;
    default: return by_helper(x, code, 1, 'l'); /* truncation to i64 */
    }
}
#endif
