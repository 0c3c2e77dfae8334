/* asm.h - x86-64 instructions as bytes. An opcode is written as in the manual's table, with the
 * escape 0f in bits 8..15 and a mandatory prefix (66, f2, f3) in bits 16..23. Callers have made
 * room; nothing here checks. */
#ifndef FVM_WASM_X64_ASM_H
#define FVM_WASM_X64_ASM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/** Conditions, as in jcc, setcc, cmovcc; the lowest bit negates. */
enum {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G,
};

typedef struct fvm__asm {
    uint8_t *base, *p;
    uint32_t cap;
} fvm__asm;

static inline uint32_t fvm__at(const fvm__asm *a)
{
    return (uint32_t)(a->p - a->base);
}

static inline uint8_t *fvm__put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4); /* the machine that runs this is the one it is made for */
    return p + 4;
}
static inline void fvm__e8(fvm__asm *a, unsigned byte)
{
    *a->p++ = (uint8_t)byte;
}
static inline void fvm__e32(fvm__asm *a, uint32_t v)
{
    a->p = fvm__put32(a->p, v);
}

static inline uint8_t *fvm__put_op(uint8_t *p, unsigned op, unsigned rex, bool force)
{
    if (op >> 16) *p++ = (uint8_t)(op >> 16);
    if (rex || force) *p++ = (uint8_t)(0x40 | rex);
    if (op >> 8 & 0xff) *p++ = 0x0f;
    *p++ = (uint8_t)op;
    return p;
}
static inline unsigned fvm__rex(bool w, unsigned reg, unsigned index, unsigned base)
{
    return (unsigned)w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
}

/** op reg, rm: both registers. */
static inline void fvm__rr(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned rm)
{
    uint8_t *p = fvm__put_op(a->p, op, fvm__rex(w, reg, 0, rm), false);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    a->p = p;
}
/** Likewise where rm is a byte register: sil, dil, bpl need a prefix. */
static inline void fvm__rr8(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned rm)
{
    uint8_t *p = fvm__put_op(a->p, op, fvm__rex(w, reg, 0, rm), true);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    a->p = p;
}

static inline uint8_t *fvm__put_mem(uint8_t *p, unsigned reg, unsigned base, int32_t disp)
{
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : disp == (int8_t)disp ? 1 : 2;
    *p++ = (uint8_t)(mod << 6 | (reg & 7) << 3 | (base & 7));
    if ((base & 7) == RSP) *p++ = 0x24;
    if (mod == 1)
        *p++ = (uint8_t)disp;
    else if (mod == 2)
        p = fvm__put32(p, (uint32_t)disp);
    return p;
}
/** op reg, [base + disp] */
static inline void fvm__rm(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned base,
                           int32_t disp)
{
    uint8_t *p = fvm__put_op(a->p, op, fvm__rex(w, reg, 0, base), false);
    a->p = fvm__put_mem(p, reg, base, disp);
}
/** op reg, [base + index * (1 << scale) + disp]; `force`: reg is a byte register. */
static inline void fvm__rmx(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned base,
                            unsigned index, unsigned scale, int32_t disp, bool force)
{
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : disp == (int8_t)disp ? 1 : 2;
    uint8_t *p = fvm__put_op(a->p, op, fvm__rex(w, reg, index, base), force);
    *p++ = (uint8_t)(mod << 6 | (reg & 7) << 3 | 4);
    *p++ = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
    if (mod == 1)
        *p++ = (uint8_t)disp;
    else if (mod == 2)
        p = fvm__put32(p, (uint32_t)disp);
    a->p = p;
}

/** Group 1 with an immediate: ext 0 add 1 or 4 and 5 sub 6 xor 7 cmp. */
static inline void fvm__alu_ri(fvm__asm *a, bool w, unsigned ext, unsigned rm, int32_t imm)
{
    bool small = imm == (int8_t)imm;
    fvm__rr(a, w, small ? 0x83 : 0x81, ext, rm);
    if (small)
        fvm__e8(a, (unsigned)imm & 0xff);
    else
        fvm__e32(a, (uint32_t)imm);
}
static inline void fvm__alu_mi(fvm__asm *a, bool w, unsigned ext, unsigned base, int32_t disp,
                               int32_t imm)
{
    bool small = imm == (int8_t)imm;
    fvm__rm(a, w, small ? 0x83 : 0x81, ext, base, disp);
    if (small)
        fvm__e8(a, (unsigned)imm & 0xff);
    else
        fvm__e32(a, (uint32_t)imm);
}
/** Always four bytes of immediate, so that it can be patched: returns its place. */
static inline uint32_t fvm__alu_mi_patched(fvm__asm *a, unsigned ext, unsigned base, int32_t disp)
{
    fvm__rm(a, false, 0x81, ext, base, disp);
    fvm__e32(a, 0);
    return fvm__at(a) - 4;
}
/** reg = value; leaves the flags alone. */
static inline void fvm__mov_ri(fvm__asm *a, unsigned reg, uint64_t value)
{
    if (value <= UINT32_MAX) {
        if (reg >> 3) fvm__e8(a, 0x41);
        fvm__e8(a, 0xb8 | (reg & 7));
        fvm__e32(a, (uint32_t)value);
    } else if ((uint64_t)(int64_t)(int32_t)value == value) {
        fvm__rr(a, true, 0xc7, 0, reg);
        fvm__e32(a, (uint32_t)value);
    } else {
        fvm__e8(a, 0x48 | reg >> 3);
        fvm__e8(a, 0xb8 | (reg & 7));
        memcpy(a->p, &value, 8);
        a->p += 8;
    }
}
static inline void fvm__mov_rr(fvm__asm *a, unsigned to, unsigned from)
{
    fvm__rr(a, true, 0x8b, to, from);
}
static inline void fvm__load64(fvm__asm *a, unsigned reg, unsigned base, int32_t disp)
{
    fvm__rm(a, true, 0x8b, reg, base, disp);
}
static inline void fvm__load32(fvm__asm *a, unsigned reg, unsigned base, int32_t disp)
{
    fvm__rm(a, false, 0x8b, reg, base, disp);
}
static inline void fvm__store64(fvm__asm *a, unsigned base, int32_t disp, unsigned reg)
{
    fvm__rm(a, true, 0x89, reg, base, disp);
}
static inline void fvm__lea(fvm__asm *a, bool w, unsigned reg, unsigned base, int32_t disp)
{
    fvm__rm(a, w, 0x8d, reg, base, disp);
}

/* Jumps. A place is that of the displacement, of which the next instruction is the origin. */
static inline void fvm__set_rel32(fvm__asm *a, uint32_t place, uint32_t target)
{
    (void)fvm__put32(a->base + place, target - (place + 4));
}
static inline uint32_t fvm__get_u32_at(const fvm__asm *a, uint32_t place)
{
    uint32_t v;
    memcpy(&v, a->base + place, 4);
    return v;
}
static inline uint32_t fvm__jmp(fvm__asm *a)
{
    fvm__e8(a, 0xe9);
    fvm__e32(a, 0);
    return fvm__at(a) - 4;
}
static inline uint32_t fvm__jcc(fvm__asm *a, unsigned cc)
{
    fvm__e8(a, 0x0f);
    fvm__e8(a, 0x80 | cc);
    fvm__e32(a, 0);
    return fvm__at(a) - 4;
}
static inline void fvm__jmp_to(fvm__asm *a, uint32_t target)
{
    fvm__set_rel32(a, fvm__jmp(a), target);
}
static inline void fvm__jcc_to(fvm__asm *a, unsigned cc, uint32_t target)
{
    fvm__set_rel32(a, fvm__jcc(a, cc), target);
}
static inline void fvm__call_to(fvm__asm *a, uint32_t target)
{
    fvm__e8(a, 0xe8);
    fvm__e32(a, 0);
    fvm__set_rel32(a, fvm__at(a) - 4, target);
}
/** Short forward jumps within one instruction's code. */
static inline uint8_t *fvm__jcc8(fvm__asm *a, unsigned cc)
{
    fvm__e8(a, 0x70 | cc);
    fvm__e8(a, 0);
    return a->p;
}
static inline uint8_t *fvm__jmp8(fvm__asm *a)
{
    fvm__e8(a, 0xeb);
    fvm__e8(a, 0);
    return a->p;
}
static inline void fvm__land8(fvm__asm *a, uint8_t *from)
{
    from[-1] = (uint8_t)(a->p - from);
}
#endif
