/* ops.c - instructions that stay within a function: integers, locals, globals, memory. */
#include "wasm/backend/x64/x64.h"
#include "wasm/common.h"
#include "wasm/guard.h"
#ifdef FVM__X64

#include <stddef.h>

#define AT(type, field) ((int32_t)offsetof(struct type, field))
#define NOT_IN_LINE __attribute__((noinline))

/* Opcodes "op reg, r/m" with the extension of their immediate form. */
enum {
    ALU_ADD = 0x03,
    ALU_OR = 0x0b,
    ALU_AND = 0x23,
    ALU_SUB = 0x2b,
    ALU_XOR = 0x33,
    ALU_CMP = 0x3b
};
static unsigned alu_ext(unsigned op)
{
    return op >> 3;
}

static bool is_const32(const fvm__x_value *v, bool wide)
{
    return v->kind == X_CONST && (!wide || fvm__x_fits32(v->bits));
}

/* --- integers --------------------------------------------------------------------------------- */

static void swap(fvm__x64 *x, uint32_t l, uint32_t r)
{
    fvm__x_value v = x->stack[l];
    x->stack[l] = x->stack[r];
    x->stack[r] = v;
    if (x->stack[l].kind == X_REG) x->holds[x->stack[l].reg] = l;
    if (x->stack[r].kind == X_REG) x->holds[x->stack[r].reg] = r;
}

/* Puts first what may be changed, second what may be an immediate. */
static inline void order(fvm__x64 *x, uint32_t l, uint32_t r)
{
    unsigned lk = x->stack[l].kind, rk = x->stack[r].kind;
    if (lk == X_SLOT || lk == X_REG) return;
    if (lk == X_CONST && rk == X_SLOT) {
        (void)fvm__x_own(x, r);
        rk = X_REG;
    }
    if ((lk == X_CONST && rk != X_CONST) || (lk == X_LOCAL && rk == X_REG)) swap(x, l, r);
}

static void op_add_lea(fvm__x64 *x, bool wide, uint32_t l, uint32_t r)
{
    bool imm = is_const32(&x->stack[r], wide);
    int32_t disp = (int32_t)(uint32_t)x->stack[r].bits;
    unsigned a = fvm__x_use(x, l), b = imm ? 0 : fvm__x_use(x, r);
    unsigned d = fvm__x_define(x, l);
    if (imm)
        fvm__lea_disp(&x->a, wide, d, a, disp);
    else
        fvm__rmx(&x->a, wide, 0x8d, d, a, b, 0, 0, false);
}

static NOT_IN_LINE void op_alu(fvm__x64 *x, unsigned op, bool wide)
{
    uint32_t l = x->h - 2, r = x->h - 1;
    if (op != ALU_SUB) order(x, l, r);
    const fvm__x_value *y = &x->stack[r];
    if (op == ALU_ADD && x->stack[l].kind == X_LOCAL && y->kind != X_SLOT &&
        (y->kind != X_CONST || is_const32(y, wide))) {
        op_add_lea(x, wide, l, r);
    } else if (is_const32(y, wide)) {
        int32_t imm = (int32_t)(uint32_t)y->bits;
        fvm__alu_ri(&x->a, wide, alu_ext(op), fvm__x_own(x, l), imm);
    } else if (y->kind == X_SLOT) {
        unsigned d = fvm__x_own(x, l);
        fvm__x_rslot(x, wide, op, d, r);
    } else if (y->kind == X_CONST) {
        unsigned d = fvm__x_own(x, l);
        fvm__mov_ri(&x->a, RAX, y->bits);
        fvm__rr(&x->a, wide, op, d, RAX);
    } else {
        unsigned b = fvm__x_use(x, r), d = fvm__x_own(x, l);
        fvm__rr(&x->a, wide, op, d, b);
    }
    fvm__x_pop_one(x);
}

static NOT_IN_LINE void op_mul(fvm__x64 *x, bool wide)
{
    uint32_t l = x->h - 2, r = x->h - 1;
    order(x, l, r);
    if (is_const32(&x->stack[r], wide)) {
        uint32_t imm = (uint32_t)x->stack[r].bits;
        if (imm && !(imm & (imm - 1)) && !(imm >> 31)) {
            fvm__rr(&x->a, wide, 0xc1, 4, fvm__x_own(x, l));
            fvm__e8(&x->a, (unsigned)__builtin_ctz(imm));
        } else {
            unsigned a = fvm__x_use(x, l), d = fvm__x_define(x, l);
            fvm__rr(&x->a, wide, 0x69, d, a);
            fvm__e32(&x->a, imm);
        }
    } else {
        unsigned b = fvm__x_use(x, r), d = fvm__x_own(x, l);
        fvm__rr(&x->a, wide, 0x0faf, d, b);
    }
    fvm__x_pop_one(x);
}

/* ext: 0 rol 1 ror 4 shl 5 shr 7 sar; the CPU masks counts as the standard does. */
static NOT_IN_LINE void op_shift(fvm__x64 *x, unsigned ext, bool wide)
{
    uint32_t l = x->h - 2, r = x->h - 1;
    if (x->stack[r].kind == X_CONST) {
        unsigned count = (unsigned)x->stack[r].bits & (wide ? 63 : 31);
        unsigned d = fvm__x_own(x, l);
        if (count) {
            fvm__rr(&x->a, wide, 0xc1, ext, d);
            fvm__e8(&x->a, count);
        }
    } else {
        unsigned d = fvm__x_own(x, l);
        fvm__x_copy(x, RCX, r);
        fvm__rr(&x->a, wide, 0xd3, ext, d);
    }
    fvm__x_pop_one(x);
}

static bool op_divide_by_power(fvm__x64 *x, bool is_rem, bool wide)
{
    uint32_t l = x->h - 2;
    const fvm__x_value *y = &x->stack[x->h - 1];
    uint64_t by = y->bits;
    if (y->kind != X_CONST || by == 0 || (by & (by - 1)) || by > 0x40000000) return false;
    unsigned d = fvm__x_own(x, l);
    if (is_rem) {
        fvm__alu_ri(&x->a, wide, alu_ext(ALU_AND), d, (int32_t)(by - 1));
    } else if (by > 1) {
        fvm__rr(&x->a, wide, 0xc1, 5, d);
        fvm__e8(&x->a, (unsigned)__builtin_ctzll(by));
    }
    fvm__x_pop_one(x);
    return true;
}

/* Dividend in rax, divisor in rcx; quotient to rax, remainder to rdx. */
static void emit_signed_division(fvm__x64 *x, bool is_rem, bool wide, bool may_be_minus_one)
{
    fvm__asm *a = &x->a;
    uint8_t *plain = NULL, *done = NULL;
    if (may_be_minus_one) {
        fvm__alu_ri(a, wide, alu_ext(ALU_CMP), RCX, -1);
        plain = fvm__jcc8(a, CC_NE);
        if (is_rem) {
            fvm__rr(a, false, 0x31, RDX, RDX);
            done = fvm__jmp8(a);
        } else {
            fvm__mov_ri(a, RDX, wide ? UINT64_C(1) << 63 : UINT64_C(1) << 31);
            fvm__rr(a, wide, ALU_CMP, RAX, RDX);
            fvm__x_trap_if(x, CC_E, FVM_WASM_TRAP_INT_OVERFLOW);
        }
        fvm__land8(a, plain);
    }
    if (wide) fvm__e8(a, 0x48);
    fvm__e8(a, 0x99); /* cdq, cqo */
    fvm__rr(a, wide, 0xf7, 7, RCX);
    if (done) fvm__land8(a, done);
}

static NOT_IN_LINE void op_divide(fvm__x64 *x, bool is_signed, bool is_rem, bool wide)
{
    uint32_t l = x->h - 2, r = x->h - 1;
    fvm__asm *a = &x->a;
    if (!is_signed && op_divide_by_power(x, is_rem, wide)) return;
    fvm__x_value y = x->stack[r];
    fvm__x_copy(x, RCX, r);
    fvm__x_copy(x, RAX, l);
    if (y.kind != X_CONST || y.bits == 0) {
        fvm__rr(a, wide, 0x85, RCX, RCX);
        fvm__x_trap_if(x, CC_E, FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO);
    }
    if (is_signed) {
        bool minus_one = y.kind != X_CONST || y.bits == (wide ? UINT64_MAX : UINT32_MAX);
        emit_signed_division(x, is_rem, wide, minus_one);
    } else {
        fvm__rr(a, false, 0x31, RDX, RDX);
        fvm__rr(a, wide, 0xf7, 6, RCX);
    }
    fvm__x_pop_one(x);
    unsigned d = fvm__x_define(x, l);
    fvm__mov_rr(a, d, is_rem ? RDX : RAX);
}

/* --- comparisons ------------------------------------------------------------------------------ */

/* eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u, and with operands swapped */
static const uint8_t conditions[] = { CC_E, CC_NE, CC_L,  CC_B,  CC_G,
                                      CC_A, CC_LE, CC_BE, CC_GE, CC_AE };
static const uint8_t swapped[] = {
    CC_E, CC_NE, CC_G, CC_A, CC_L, CC_B, CC_GE, CC_AE, CC_LE, CC_BE
};

static NOT_IN_LINE fvm_err op_compare(fvm__x64 *x, unsigned row, bool wide)
{
    uint32_t l = x->h - 2, r = x->h - 1;
    unsigned cc = conditions[row];
    if (is_const32(&x->stack[l], wide) && x->stack[r].kind != X_CONST) {
        int32_t imm = (int32_t)(uint32_t)x->stack[l].bits;
        fvm__alu_ri(&x->a, wide, alu_ext(ALU_CMP), fvm__x_use(x, r), imm);
        cc = swapped[row];
    } else if (is_const32(&x->stack[r], wide)) {
        int32_t imm = (int32_t)(uint32_t)x->stack[r].bits;
        unsigned a = fvm__x_use(x, l);
        if (imm)
            fvm__alu_ri(&x->a, wide, alu_ext(ALU_CMP), a, imm);
        else
            fvm__rr(&x->a, wide, 0x85, a, a);
    } else {
        unsigned a = fvm__x_use(x, l), b = fvm__x_use(x, r);
        fvm__rr(&x->a, wide, ALU_CMP, a, b);
    }
    fvm__x_pop_one(x);
    fvm__x_pop_one(x);
    return fvm__x_push_flags(x, cc);
}

static NOT_IN_LINE fvm_err op_eqz(fvm__x64 *x, bool wide)
{
    fvm__x_value *top = &x->stack[x->h - 1];
    if (top->kind == X_FLAGS) {
        top->reg ^= 1;
        return FVM_OK;
    }
    unsigned a = fvm__x_use(x, x->h - 1);
    fvm__rr(&x->a, wide, 0x85, a, a);
    fvm__x_pop_one(x);
    return fvm__x_push_flags(x, CC_E);
}

static NOT_IN_LINE fvm_err op_select(fvm__x64 *x)
{
    unsigned cc = CC_NE;
    if (x->stack[x->h - 1].kind == X_FLAGS) {
        cc = x->stack[x->h - 1].reg;
        fvm__x_no_flags(x);
    } else {
        unsigned c = fvm__x_use(x, x->h - 1);
        fvm__rr(&x->a, false, 0x85, c, c);
    }
    fvm__x_pop_one(x); /* what follows only moves: the flags stay */
    unsigned y = fvm__x_use(x, x->h - 1), d = fvm__x_own(x, x->h - 2);
    fvm__rr(&x->a, true, 0x0f40 | (cc ^ 1), d, y);
    fvm__x_pop_one(x);
    return FVM_OK;
}

/* --- of one operand --------------------------------------------------------------------------- */

static NOT_IN_LINE void op_unary(fvm__x64 *x, unsigned op, bool wide, bool byte)
{
    unsigned a = fvm__x_use(x, x->h - 1), d = fvm__x_define(x, x->h - 1);
    if (byte)
        fvm__rr8(&x->a, wide, op, d, a);
    else
        fvm__rr(&x->a, wide, op, d, a);
}

/* Counts zeros with bsr or bsf, which leave nothing sure for zero. */
static void op_count_old(fvm__x64 *x, bool leading, bool wide)
{
    unsigned v = fvm__x_use(x, x->h - 1), bits = wide ? 64 : 32;
    fvm__mov_ri(&x->a, RAX, leading ? bits * 2 - 1 : bits);
    fvm__rr(&x->a, wide, leading ? 0x0fbd : 0x0fbc, RCX, v);
    fvm__rr(&x->a, wide, 0x0f40 | CC_E, RCX, RAX);
    if (leading) fvm__alu_ri(&x->a, wide, alu_ext(ALU_XOR), RCX, (int32_t)(bits - 1));
    unsigned d = fvm__x_define(x, x->h - 1);
    fvm__mov_rr(&x->a, d, RCX);
}

static NOT_IN_LINE fvm_err op_count(fvm__x64 *x, fvm__opcode code)
{
    bool wide = code >= FVM__OP_I64_CLZ;
    switch (code) {
    case FVM__OP_I32_CLZ:
    case FVM__OP_I64_CLZ:
        if (x->lzcnt)
            op_unary(x, 0xf30fbd, wide, false);
        else
            op_count_old(x, true, wide);
        return FVM_OK;
    case FVM__OP_I32_CTZ:
    case FVM__OP_I64_CTZ:
        if (x->tzcnt)
            op_unary(x, 0xf30fbc, wide, false);
        else
            op_count_old(x, false, wide);
        return FVM_OK;
    default:
        if (!x->popcnt)
            return fvm__x_op_helper(x, fvm__x64_float, 1, wide ? 'l' : 'i', (uint32_t)code, 0);
        op_unary(x, 0xf30fb8, wide, false);
        return FVM_OK;
    }
}

static void op_wrap(fvm__x64 *x)
{
    fvm__x_value *v = &x->stack[x->h - 1];
    if (v->kind == X_CONST)
        v->bits = (uint32_t)v->bits;
    else
        op_unary(x, 0x8b, false, false);
}

static void op_extend_s(fvm__x64 *x)
{
    fvm__x_value *v = &x->stack[x->h - 1];
    if (v->kind == X_CONST)
        v->bits = (uint64_t)(int64_t)(int32_t)(uint32_t)v->bits;
    else
        op_unary(x, 0x63, true, false);
}

/* --- memory ----------------------------------------------------------------------------------- */

typedef struct address {
    bool has_index;
    unsigned index;
    int32_t disp;
} address;

/* Compares rax, the end of an access, with the memory's length. */
static inline void check_end(fvm__x64 *x)
{
    if (FVM_LIKELY(x->own_memory)) {
        enum { LEN = offsetof(fvm_wasm_instance, own_memory.len) };
        _Static_assert(LEN < 0x80 && FVM__X_INSTANCE == R12, "cmp rax, [r12 + byte]");
        fvm__put_word(&x->a, x->a.p, UINT64_C(0x24443b49) | (uint64_t)LEN << 32, 5);
    } else {
        fvm__load64(&x->a, RCX, FVM__X_INSTANCE, AT(fvm_wasm_instance, memory));
        fvm__rm(&x->a, true, ALU_CMP, RAX, RCX, AT(fvm__memory, len));
    }
    fvm__x_trap_if(x, CC_A, FVM_WASM_TRAP_MEMORY_BOUNDS);
}

static __attribute__((noinline)) address far_address(fvm__x64 *x, unsigned a, uint64_t offset,
                                                     unsigned size)
{
    fvm__mov_ri(&x->a, RDX, offset);
    fvm__rr(&x->a, true, ALU_ADD, RDX, a);
    fvm__lea(&x->a, true, RAX, RDX, (int32_t)size);
    check_end(x);
    return (address){ true, RDX, 0 };
}

/* Whether [at, at + size) is in every memory that the module can have: they do not shrink. */
static bool always_there(const fvm__x64 *x, uint64_t at, unsigned size)
{
    return at + size <= (uint64_t)x->m->memories[0].limits.min * FVM__PAGE_BYTES;
}

/* Checks [register + offset, + size) and says where it is. Memories do not shrink, so that what was
 * checked once for a value in a register needs no second check while it stays there. What ends in
 * the guard behind any 32-bit index (guard.h) needs none at all. */
static inline __attribute__((always_inline)) address address_by(fvm__x64 *x, unsigned r,
                                                                uint64_t offset, unsigned size)
{
    unsigned a = fvm__x_hw_of(r);
    if (FVM_UNLIKELY(offset + size > INT32_MAX)) return far_address(x, a, offset, size);
    bool guarded = x->m->guarded && offset + size <= FVM__GUARD_BYTES;
    if (!guarded && x->checked[r] < offset + size) {
        fvm__lea_disp(&x->a, true, RAX, a, (int32_t)(offset + size));
        check_end(x);
        x->checked[r] = (uint32_t)(offset + size);
    }
    return (address){ true, a, (int32_t)offset };
}

static address constant_address(fvm__x64 *x, uint32_t entry, uint64_t offset, unsigned size)
{
    uint64_t at = x->stack[entry].bits + offset;
    if (at + size > INT32_MAX) return far_address(x, fvm__x_use(x, entry), offset, size);
    if (!x->m->guarded && !always_there(x, at, size)) {
        fvm__mov_ri(&x->a, RAX, at + size);
        check_end(x);
    }
    return (address){ .disp = (int32_t)at };
}

/* Likewise of an operand. */
static inline __attribute__((always_inline)) address check_address(fvm__x64 *x, uint32_t entry,
                                                                   uint64_t offset, unsigned size)
{
    if (x->stack[entry].kind == X_CONST) return constant_address(x, entry, offset, size);
    return address_by(x, fvm__x_find_reg(x, entry), offset, size);
}

/* How a load or store is written: `head` is all before the displacement, but for what registers and
 * displacement make of it. Memory's own register makes for a prefix in every case, which is also what
 * a byte register wants. */
typedef struct access {
    uint64_t head;
    uint8_t size, rex_at, modrm_at, len; /* in bits, the length in bytes */
    uint32_t op;
    bool wide;
} access;
_Static_assert(FVM__X_MEMORY == R14, "the prefix 41, the base 6");
#define SIB UINT64_C(0x0604) /* modrm: index and base; sib: base r14 */
#define SHORT(size, wide, op)                                                                      \
    { 0x41u | (wide) << 3 | (op) << 8 | SIB << 16, size, 0, 16, 4, op, wide }
#define ESCAPED(size, wide, op)                                                                    \
    { 0x0f41u | (wide) << 3 | ((op) & 0xff) << 16 | SIB << 24, size, 0, 24, 5, op, wide }
#define PREFIXED(size, op) { 0x4166u | ((op) & 0xff) << 16 | SIB << 24, size, 8, 24, 5, op, false }
static const access accesses[] = {
    SHORT(4, 0, 0x8b),     SHORT(8, 1, 0x8b),     SHORT(4, 0, 0x8b),     SHORT(8, 1, 0x8b),
    ESCAPED(1, 0, 0x0fbe), ESCAPED(1, 0, 0x0fb6), ESCAPED(2, 0, 0x0fbf), ESCAPED(2, 0, 0x0fb7),
    ESCAPED(1, 1, 0x0fbe), ESCAPED(1, 0, 0x0fb6), ESCAPED(2, 1, 0x0fbf), ESCAPED(2, 0, 0x0fb7),
    SHORT(4, 1, 0x63),     SHORT(4, 0, 0x8b),     SHORT(4, 0, 0x89),     SHORT(8, 1, 0x89),
    SHORT(4, 0, 0x89),     SHORT(8, 1, 0x89),     SHORT(1, 0, 0x88),     PREFIXED(2, 0x660089),
    SHORT(1, 0, 0x88),     PREFIXED(2, 0x660089), SHORT(4, 0, 0x89),
};
_Static_assert(FVM_COUNT(accesses) == FVM__OP_I64_STORE32 - FVM__OP_I32_LOAD + 1, "rows");
/* mov memory, immediate; by log2 of the size */
static const access of_constants[] = {
    SHORT(1, 0, 0xc6),
    PREFIXED(2, 0x6600c7),
    SHORT(4, 0, 0xc7),
    SHORT(8, 1, 0xc7),
};

static inline void emit_access(fvm__x64 *x, const access *how, unsigned reg, address at)
{
    static const uint8_t disp_len[] = { 0, 1, 4 };
    if (FVM_UNLIKELY(!at.has_index)) {
        fvm__rm(&x->a, how->wide, how->op, reg, FVM__X_MEMORY, at.disp);
        return;
    }
    unsigned mod = at.disp == 0 ? 0 : at.disp == (int8_t)at.disp ? 1 : 2;
    uint64_t modrm = mod << 6 | (reg & 7) << 3 | (at.index & 7) << 11;
    uint64_t rex = (reg >> 3) << 2 | (at.index >> 3) << 1;
    uint8_t *p = x->a.p;
    *(fvm__code64 *)(void *)p = how->head | rex << how->rex_at | modrm << how->modrm_at;
    (void)fvm__put32(p + how->len, (uint32_t)at.disp);
    x->a.p = p + how->len + disp_len[mod];
}

static void op_load(fvm__x64 *x, fvm__opcode code, uint32_t offset)
{
    const access *how = &accesses[code - FVM__OP_I32_LOAD];
    address at = check_address(x, x->h - 1, offset, how->size);
    unsigned d = fvm__x_define(x, x->h - 1);
    emit_access(x, how, d, at);
}

/* Loads from where the local in a register points to, into a register of a new operand. */
static fvm_err load_by(fvm__x64 *x, unsigned r, fvm__opcode code, uint32_t offset)
{
    const access *how = &accesses[code - FVM__OP_I32_LOAD];
    unsigned d;
    x->pinned = 1u << r;
    address at = address_by(x, r, offset, how->size);
    FVM_TRY(fvm__x_push_reg(x, &d));
    emit_access(x, how, d, at);
    return FVM_OK;
}

static void store_const(fvm__x64 *x, const access *how, address at, uint32_t imm)
{
    emit_access(x, &of_constants[__builtin_ctz(how->size)], 0, at);
    if (how->size == 1) {
        fvm__e8(&x->a, imm & 0xff);
    } else if (how->size == 2) {
        fvm__e8(&x->a, imm & 0xff);
        fvm__e8(&x->a, imm >> 8 & 0xff);
    } else {
        fvm__e32(&x->a, imm);
    }
}

static void op_store(fvm__x64 *x, fvm__opcode code, uint32_t offset)
{
    const access *how = &accesses[code - FVM__OP_I32_LOAD];
    const fvm__x_value *v = &x->stack[x->h - 1];
    if (is_const32(v, how->wide)) {
        uint32_t imm = (uint32_t)v->bits;
        store_const(x, how, check_address(x, x->h - 2, offset, how->size), imm);
    } else {
        unsigned value = fvm__x_use(x, x->h - 1);
        address at = check_address(x, x->h - 2, offset, how->size);
        emit_access(x, how, value, at);
    }
    fvm__x_pop_one(x);
    fvm__x_pop_one(x);
}

static fvm_err op_memory_size(fvm__x64 *x)
{
    unsigned d;
    FVM_TRY(fvm__x_push_reg(x, &d));
    if (x->own_memory) {
        fvm__load64(&x->a, d, FVM__X_INSTANCE, AT(fvm_wasm_instance, own_memory.len));
    } else {
        fvm__load64(&x->a, d, FVM__X_INSTANCE, AT(fvm_wasm_instance, memory));
        fvm__load64(&x->a, d, d, AT(fvm__memory, len));
    }
    fvm__rr(&x->a, true, 0xc1, 5, d);
    fvm__e8(&x->a, 16);
    return FVM_OK;
}

/* --- globals and references ------------------------------------------------------------------- */

/* Base register and displacement of a global's value. */
static unsigned global_place(fvm__x64 *x, uint32_t index, int32_t *disp)
{
    const fvm__global_def *global = &x->m->globals[index];
    if (!global->imported) {
        *disp = (int32_t)(FVM__GLOBALS_AT + (size_t)global->slot * 8);
        return FVM__X_INSTANCE;
    }
    fvm__load64(&x->a, RAX, FVM__X_INSTANCE, AT(fvm_wasm_instance, imported_globals));
    fvm__load64(&x->a, RAX, RAX, (int32_t)(index * 8));
    *disp = 0;
    return RAX;
}

static fvm_err op_global_get(fvm__x64 *x, const fvm__op *op)
{
    unsigned d;
    int32_t disp;
    FVM_TRY(fvm__x_push_reg(x, &d));
    unsigned base = global_place(x, op->a, &disp);
    fvm__rm(&x->a, fvm__x_wide(op->type), 0x8b, d, base, disp);
    return FVM_OK;
}

static void op_global_set(fvm__x64 *x, const fvm__op *op)
{
    int32_t disp;
    const fvm__x_value *v = &x->stack[x->h - 1];
    if (is_const32(v, true)) {
        uint32_t imm = (uint32_t)v->bits;
        unsigned base = global_place(x, op->a, &disp);
        fvm__rm(&x->a, true, 0xc7, 0, base, disp);
        fvm__e32(&x->a, imm);
    } else {
        unsigned value = fvm__x_use(x, x->h - 1), base = global_place(x, op->a, &disp);
        fvm__store64(&x->a, base, disp, value);
    }
    fvm__x_pop_one(x);
}

static fvm_err op_ref_func(fvm__x64 *x, uint32_t entry)
{
    unsigned d;
    uint32_t func = x->m->refs[entry].func;
    FVM_TRY(fvm__x_push_reg(x, &d));
    if (func < x->m->n_func_imports) {
        fvm__load64(&x->a, d, FVM__X_INSTANCE, AT(fvm_wasm_instance, imports));
        fvm__load64(&x->a, d, d, (int32_t)(func * 8));
    } else {
        fvm__load64(&x->a, d, FVM__X_INSTANCE, AT(fvm_wasm_instance, refs));
        fvm__alu_ri(&x->a, true, 0, d, (int32_t)(entry * sizeof(fvm__funcref)));
    }
    return FVM_OK;
}

/* i32.const, i32.add: mostly the address of a field, from a local or from what was just made. */
static fvm_err add_constant(fvm__backend *be, uint32_t constant)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    uint32_t l = x->h - 1;
    /* the constant, while it was on the stack, may have moved another operand to its slot */
    unsigned kind = x->h - x->lazy < FVM__X_LAZY ? x->stack[l].kind : X_CONST;
    if (kind == X_REG) {
        fvm__alu_ri(&x->a, false, 0, fvm__x_own(x, l), (int32_t)constant);
    } else if (kind == X_LOCAL) {
        unsigned from = fvm__x_use(x, l);
        fvm__lea_disp(&x->a, false, fvm__x_define(x, l), from, (int32_t)constant);
    } else {
        FVM_TRY(fvm__x_push(x, (fvm__x_value){ .kind = X_CONST, .bits = constant }));
        op_alu(x, ALU_ADD, false);
    }
    return FVM_OK;
}

/* --- dispatch --------------------------------------------------------------------------------- */

#define IN_LINE static inline __attribute__((always_inline))

IN_LINE fvm_err push_local(fvm__x64 *x, uint32_t local, char type)
{
    return fvm__x_push(x, (fvm__x_value){ .kind = X_LOCAL, .local = local, .type = type });
}

IN_LINE fvm_err local_get(fvm__backend *be, uint32_t local, char type)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    return push_local(x, local, type);
}

IN_LINE fvm_err constant(fvm__backend *be, uint64_t bits)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    return fvm__x_push(x, (fvm__x_value){ .kind = X_CONST, .bits = bits });
}

/* local.get, i32.const, i32.add: mostly the address of a field. */
IN_LINE fvm_err get_add(fvm__backend *be, uint32_t local, uint32_t constant)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    unsigned r = fvm__x_cached(x, local), d;
    if (r == FVM__X_NO_REG) {
        FVM_TRY(push_local(x, local, FVM_WASM_LETTER_I32));
        unsigned from = fvm__x_use(x, x->h - 1);
        fvm__lea_disp(&x->a, false, fvm__x_define(x, x->h - 1), from, (int32_t)constant);
        return FVM_OK;
    }
    x->pinned = 1u << r;
    FVM_TRY(fvm__x_push_reg(x, &d));
    fvm__lea_disp(&x->a, false, d, fvm__x_hw_of(r), (int32_t)constant);
    return FVM_OK;
}

/* local.get and a load. */
IN_LINE fvm_err get_load(fvm__backend *be, uint32_t local, fvm__opcode code, uint32_t offset)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    unsigned r = fvm__x_cached(x, local);
    if (r == FVM__X_NO_REG) {
        FVM_TRY(push_local(x, local, FVM_WASM_LETTER_I32));
        op_load(x, code, offset);
        return FVM_OK;
    }
    return load_by(x, r, code, offset);
}

fvm_err fvm__x_local_get(fvm__backend *be, uint32_t local, char type)
{
    return local_get(be, local, type);
}

fvm_err fvm__x_constant(fvm__backend *be, uint64_t bits)
{
    return constant(be, bits);
}

fvm_err fvm__x_access(fvm__backend *be, fvm__opcode code, uint32_t offset)
{
    fvm__x64 *x = (fvm__x64 *)be;
    FVM_TRY(fvm__x_begin(x));
    if (code < FVM__OP_I32_STORE)
        op_load(x, code, offset);
    else
        op_store(x, code, offset);
    return FVM_OK;
}

/* What each plain instruction is, with what its way wants to know. */
typedef enum way {
    BY_FLOAT, /* whatever is not listed */
    BY_ALU,
    BY_COMPARE,
    BY_SHIFT,
    BY_MUL,
    BY_DIVIDE, /* bit 0: remainder, bit 1: signed */
    BY_COUNT,
    BY_EQZ,
    BY_UNARY,      /* op reg, reg */
    BY_BYTE_UNARY, /* of a byte register */
    BY_WRAP,
    BY_EXTEND_S,
    BY_SELECT,
    BY_DROP,
    BY_NOTHING, /* a register has no type */
} way;
static const struct {
    uint8_t way;
    bool wide, keeps_flags;
    uint16_t with;
} ways[256] = {
#define BOTH(name, by, what)                                                                       \
    [FVM__OP_I32_##name] = { by, false, false, what },                                             \
    [FVM__OP_I64_##name] = { by, true, false, what }
    BOTH(ADD, BY_ALU, ALU_ADD),
    BOTH(SUB, BY_ALU, ALU_SUB),
    BOTH(AND, BY_ALU, ALU_AND),
    BOTH(OR, BY_ALU, ALU_OR),
    BOTH(XOR, BY_ALU, ALU_XOR),
    BOTH(EQ, BY_COMPARE, 0),
    BOTH(NE, BY_COMPARE, 1),
    BOTH(LT_S, BY_COMPARE, 2),
    BOTH(LT_U, BY_COMPARE, 3),
    BOTH(GT_S, BY_COMPARE, 4),
    BOTH(GT_U, BY_COMPARE, 5),
    BOTH(LE_S, BY_COMPARE, 6),
    BOTH(LE_U, BY_COMPARE, 7),
    BOTH(GE_S, BY_COMPARE, 8),
    BOTH(GE_U, BY_COMPARE, 9),
    BOTH(SHL, BY_SHIFT, 4),
    BOTH(SHR_S, BY_SHIFT, 7),
    BOTH(SHR_U, BY_SHIFT, 5),
    BOTH(ROTL, BY_SHIFT, 0),
    BOTH(ROTR, BY_SHIFT, 1),
    BOTH(MUL, BY_MUL, 0),
    BOTH(DIV_S, BY_DIVIDE, 2),
    BOTH(DIV_U, BY_DIVIDE, 0),
    BOTH(REM_S, BY_DIVIDE, 3),
    BOTH(REM_U, BY_DIVIDE, 1),
    BOTH(CLZ, BY_COUNT, 0),
    BOTH(CTZ, BY_COUNT, 0),
    BOTH(POPCNT, BY_COUNT, 0),
    [FVM__OP_I32_EQZ] = { BY_EQZ, false, true, 0 },
    [FVM__OP_I64_EQZ] = { BY_EQZ, true, false, 0 },
    [FVM__OP_I32_EXTEND8_S] = { BY_BYTE_UNARY, false, false, 0x0fbe },
    [FVM__OP_I32_EXTEND16_S] = { BY_UNARY, false, false, 0x0fbf },
    [FVM__OP_I64_EXTEND8_S] = { BY_BYTE_UNARY, true, false, 0x0fbe },
    [FVM__OP_I64_EXTEND16_S] = { BY_UNARY, true, false, 0x0fbf },
    [FVM__OP_I64_EXTEND32_S] = { BY_UNARY, true, false, 0x63 },
    [FVM__OP_I32_WRAP_I64] = { BY_WRAP, false, false, 0 },
    [FVM__OP_I64_EXTEND_I32_S] = { BY_EXTEND_S, false, false, 0 },
    [FVM__OP_SELECT] = { BY_SELECT, false, true, 0 },
    [FVM__OP_DROP] = { BY_DROP, false, true, 0 },
    [FVM__OP_I64_EXTEND_I32_U] = { BY_NOTHING, false, false, 0 },
    [FVM__OP_I32_REINTERPRET_F32] = { BY_NOTHING, false, false, 0 },
    [FVM__OP_I64_REINTERPRET_F64] = { BY_NOTHING, false, false, 0 },
    [FVM__OP_F32_REINTERPRET_I32] = { BY_NOTHING, false, false, 0 },
    [FVM__OP_F64_REINTERPRET_I64] = { BY_NOTHING, false, false, 0 },
};

IN_LINE fvm_err plain(fvm__backend *be, fvm__opcode code)
{
    fvm__x64 *x = (fvm__x64 *)be;
    bool listed = code < FVM_COUNT(ways); /* saturating conversions are not */
    way by = listed ? (way)ways[code].way : BY_FLOAT;
    bool wide = listed && ways[code].wide;
    unsigned with = listed ? ways[code].with : 0;
    FVM_TRY(listed && ways[code].keeps_flags ? fvm__x_begin_keeping_flags(x) : fvm__x_begin(x));
    switch (by) {
    case BY_ALU: op_alu(x, with, wide); return FVM_OK;
    case BY_COMPARE: return op_compare(x, with, wide);
    case BY_SHIFT: op_shift(x, with, wide); return FVM_OK;
    case BY_MUL: op_mul(x, wide); return FVM_OK;
    case BY_DIVIDE: op_divide(x, with & 2, with & 1, wide); return FVM_OK;
    case BY_COUNT: return op_count(x, code);
    case BY_EQZ: return op_eqz(x, wide);
    case BY_UNARY: op_unary(x, with, wide, false); return FVM_OK;
    case BY_BYTE_UNARY: op_unary(x, with, wide, true); return FVM_OK;
    case BY_WRAP: op_wrap(x); return FVM_OK;
    case BY_EXTEND_S: op_extend_s(x); return FVM_OK;
    case BY_SELECT: return op_select(x);
    case BY_DROP:
        fvm__x_no_flags(x);
        fvm__x_pop_one(x);
        return FVM_OK;
    case BY_NOTHING: return FVM_OK;
    case BY_FLOAT:
    default: return fvm__x_op_float(x, code);
    }
}

fvm_err fvm__x_plain(fvm__backend *be, fvm__opcode code)
{
    return plain(be, code);
}

IN_LINE fvm_err other(fvm__backend *be, const fvm__op *op)
{
    fvm__x64 *x = (fvm__x64 *)be;
    bool keeps_flags = op->code == FVM__OP_SELECT_T;
    FVM_TRY(keeps_flags ? fvm__x_begin_keeping_flags(x) : fvm__x_begin(x));
    switch (op->code) {
    case FVM__OP_SELECT_T: return op_select(x);
    case FVM__OP_UNREACHABLE:
        fvm__jmp_to(&x->a, x->stubs.traps[FVM_WASM_TRAP_UNREACHABLE]);
        return FVM_OK;
    case FVM__OP_CALL:
    case FVM__OP_CALL_INDIRECT: return fvm__x_op_call(x, op);
    case FVM__OP_GLOBAL_GET: return op_global_get(x, op);
    case FVM__OP_GLOBAL_SET: op_global_set(x, op); return FVM_OK;
    case FVM__OP_MEMORY_SIZE: return op_memory_size(x);
    case FVM__OP_REF_NULL: return fvm__x_push(x, (fvm__x_value){ .kind = X_CONST });
    case FVM__OP_REF_IS_NULL: return op_eqz(x, true);
    case FVM__OP_REF_FUNC: return op_ref_func(x, op->a);
    default: return fvm__x_op_bulk(x, op);
    }
}

fvm_err fvm__x_op(fvm__backend *be, const fvm__op *op)
{
    return other(be, op);
}

static const fvm__backend_ops common_ops = {
    .local_get = local_get,
    .local_set = fvm__x_local_set,
    .constant = constant,
    .add_constant = add_constant,
    .get_add = get_add,
    .get_load = get_load,
    .plain = plain,
    .access = fvm__x_access,
    .op = other,
    .block = fvm__x_block,
    .else_ = fvm__x_else,
    .end = fvm__x_end,
    .br = fvm__x_br,
};

#define COMMON_NAME fvm__x_common
#define COMMON_OPS common_ops
#include "wasm/common_loop.h"
#endif
