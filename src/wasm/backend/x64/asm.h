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

/* Code is written by these, at any place; the machine that runs it is the one it is made for. Unlike
 * bytes they tell the compiler that pointers, masks and heights of the pass stay as they are, which
 * then need not be read again after each instruction. */
typedef uint64_t __attribute__((aligned(1))) fvm__code64;
typedef uint32_t __attribute__((aligned(1))) fvm__code32;

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
    *(fvm__code32 *)(void *)p = v;
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

/* An instruction is put together in a word, which is written whole: eight bytes, of which the first
 * `len` count. Byte by byte, with branches on what is there, took twice as long. */
static inline void fvm__put_word(fvm__asm *a, uint8_t *p, uint64_t word, unsigned len)
{
    *(fvm__code64 *)(void *)p = word;
    a->p = p + len;
}
static inline unsigned fvm__rex(bool w, unsigned reg, unsigned index, unsigned base)
{
    return (unsigned)w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
}
/* Writes what stands before the opcode; returns where that begins. */
static inline uint8_t *fvm__put_prefix(uint8_t *p, unsigned op, unsigned rex, bool force)
{
    if (op >> 16) *p++ = (uint8_t)(op >> 16);
    *p = (uint8_t)(0x40 | rex);
    return p + (rex || force);
}
/* The opcode with its escape, as the low bytes of a word. */
static inline unsigned fvm__op_len(unsigned op)
{
    return op & 0xff00 ? 2 : 1;
}
static inline uint64_t fvm__op_word(unsigned op)
{
    return op & 0xff00 ? 0x0f | (op & 0xff) << 8 : op & 0xff;
}

static inline void fvm__rr_forced(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned rm,
                                  bool force)
{
    uint8_t *p = fvm__put_prefix(a->p, op, fvm__rex(w, reg, 0, rm), force);
    uint64_t modrm = 0xc0 | (reg & 7) << 3 | (rm & 7);
    fvm__put_word(a, p, fvm__op_word(op) | modrm << 8 * fvm__op_len(op), fvm__op_len(op) + 1);
}
/** op reg, rm: both registers. */
static inline void fvm__rr(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned rm)
{
    fvm__rr_forced(a, w, op, reg, rm, false);
}
/** Likewise where rm is a byte register: sil, dil, bpl need a prefix. */
static inline void fvm__rr8(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned rm)
{
    fvm__rr_forced(a, w, op, reg, rm, true);
}

/* How a displacement is written: mod of the modrm byte, and its bytes. */
static inline unsigned fvm__disp_mod(unsigned base, int32_t disp)
{
    return disp != (int8_t)disp ? 2 : disp != 0 || (base & 7) == RBP;
}
static inline unsigned fvm__disp_len(unsigned mod)
{
    return mod == 2 ? 4 : mod;
}
/** op reg, [base + disp] */
static inline void fvm__rm(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned base,
                           int32_t disp)
{
    uint8_t *p = fvm__put_prefix(a->p, op, fvm__rex(w, reg, 0, base), false);
    unsigned mod = fvm__disp_mod(base, disp), len = fvm__op_len(op);
    uint64_t modrm = mod << 6 | (reg & 7) << 3 | (base & 7);
    uint64_t word = fvm__op_word(op) | modrm << 8 * len;
    len++;
    if ((base & 7) == RSP) word |= UINT64_C(0x24) << 8 * len++;
    fvm__put_word(a, p, word | (uint64_t)(uint32_t)disp << 8 * len, len + fvm__disp_len(mod));
}
/** op reg, [rbx + disp] of one byte of opcode, in whose place at least a byte stands: the commonest
 *  instruction of all, so without branches. */
static inline void fvm__frame_mov(fvm__asm *a, bool w, unsigned op, unsigned reg, int32_t disp)
{
    bool small = disp == (int8_t)disp;
    unsigned rex = (unsigned)w << 3 | (reg >> 3) << 2, none = rex ? 0 : 8;
    uint64_t word = 0x40u | rex | op << 8 | ((small ? 0x43u : 0x83u) | (reg & 7) << 3) << 16;
    word |= (uint64_t)(uint32_t)disp << 24;
    fvm__put_word(a, a->p, word >> none, (small ? 4 : 7) - none / 8);
}
/** lea reg, [base + disp], likewise; base is none of rsp and r12. */
static inline void fvm__lea_disp(fvm__asm *a, bool w, unsigned reg, unsigned base, int32_t disp)
{
    bool small = disp == (int8_t)disp;
    unsigned rex = fvm__rex(w, reg, 0, base), none = rex ? 0 : 8;
    uint64_t word = 0x40u | rex | 0x8d00u |
                    ((small ? 0x40u : 0x80u) | (reg & 7) << 3 | (base & 7)) << 16;
    word |= (uint64_t)(uint32_t)disp << 24;
    fvm__put_word(a, a->p, word >> none, (small ? 4 : 7) - none / 8);
}
/** op reg, [base + index * (1 << scale) + disp]; `force`: reg is a byte register. */
static inline void fvm__rmx(fvm__asm *a, bool w, unsigned op, unsigned reg, unsigned base,
                            unsigned index, unsigned scale, int32_t disp, bool force)
{
    uint8_t *p = fvm__put_prefix(a->p, op, fvm__rex(w, reg, index, base), force);
    unsigned mod = fvm__disp_mod(base, disp), len = fvm__op_len(op);
    uint64_t sib = scale << 6 | (index & 7) << 3 | (base & 7);
    uint64_t modrm = (mod << 6 | (reg & 7) << 3 | 4) | sib << 8;
    uint64_t word = fvm__op_word(op) | modrm << 8 * len;
    len += 2;
    fvm__put_word(a, p, word | (uint64_t)(uint32_t)disp << 8 * len, len + fvm__disp_len(mod));
}

/** Group 1 with an immediate: ext 0 add 1 or 4 and 5 sub 6 xor 7 cmp. */
static inline void fvm__alu_ri(fvm__asm *a, bool w, unsigned ext, unsigned rm, int32_t imm)
{
    bool small = imm == (int8_t)imm;
    uint8_t *p = fvm__put_prefix(a->p, 0, fvm__rex(w, 0, 0, rm), false);
    uint64_t word = (small ? 0x83u : 0x81u) | (0xc0 | ext << 3 | (rm & 7)) << 8;
    fvm__put_word(a, p, word | (uint64_t)(uint32_t)imm << 16, small ? 3 : 6);
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
        uint8_t *p = fvm__put_prefix(a->p, 0, reg >> 3, false);
        fvm__put_word(a, p, (0xb8 | (reg & 7)) | value << 8, 5);
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
/* A jump over `distance` from its end. */
static inline uint32_t fvm__jmp_by(fvm__asm *a, uint32_t distance)
{
    fvm__put_word(a, a->p, 0xe9 | (uint64_t)distance << 8, 5);
    return fvm__at(a) - 4;
}
static inline uint32_t fvm__jcc_by(fvm__asm *a, unsigned cc, uint32_t distance)
{
    fvm__put_word(a, a->p, 0x0f | (0x80 | cc) << 8 | (uint64_t)distance << 16, 6);
    return fvm__at(a) - 4;
}
static inline uint32_t fvm__jmp(fvm__asm *a)
{
    return fvm__jmp_by(a, 0);
}
static inline uint32_t fvm__jcc(fvm__asm *a, unsigned cc)
{
    return fvm__jcc_by(a, cc, 0);
}
static inline void fvm__jmp_to(fvm__asm *a, uint32_t target)
{
    (void)fvm__jmp_by(a, target - (fvm__at(a) + 5));
}
static inline void fvm__jcc_to(fvm__asm *a, unsigned cc, uint32_t target)
{
    (void)fvm__jcc_by(a, cc, target - (fvm__at(a) + 6));
}
static inline void fvm__call_to(fvm__asm *a, uint32_t target)
{
    fvm__put_word(a, a->p, 0xe8 | (uint64_t)(target - (fvm__at(a) + 5)) << 8, 5);
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
