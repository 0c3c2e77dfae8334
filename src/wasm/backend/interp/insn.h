/* insn.h - the interpreter's code: what translate.c writes and run.c reads.
 *
 * A function becomes a row of 16-byte instructions over the slots of its frame, each a u64:
 *
 *     fp -> [parameters][locals in use][record: 5][operand 0][operand 1]...
 *
 * The operands at height h of the wasm stack have slot h; local.get and constants make no code but
 * are named by the instruction that uses them. The record keeps where to return to. A callee's
 * parameters are the caller's topmost operands, where its results appear, too. */
#ifndef FVM_WASM_INTERP_INSN_H
#define FVM_WASM_INTERP_INSN_H

#include <stdint.h>

typedef enum fvm__insn_op {
#define PLAIN(name, slots, words) FVM__I_##name,
#define BINARY(name, T, expr) FVM__I_##name, FVM__I_##name##_K,
#define DIVIDE(name, T, expr) FVM__I_##name, FVM__I_##name##_K,
#define COMPARE(name, T, expr)                                                                     \
    FVM__I_##name, FVM__I_##name##_K, FVM__I_BR_##name, FVM__I_BR_##name##_K, FVM__I_BRC_##name,   \
        FVM__I_BRC_##name##_K,
#define UNARY(name, TO, FROM, expr) FVM__I_##name,
#define FLOAT(name, TO, FROM, expr) FVM__I_##name,
#define LOAD(name, MEM, TO) FVM__I_##name,
#define STORE(name, MEM) FVM__I_##name,
#include "wasm/backend/interp/insns.def"
    FVM__I_PLAIN_COUNT, /* the translator makes those above, what follows is joined of them */
    FVM__I_BEFORE_JOINED = FVM__I_PLAIN_COUNT - 1,
#define JOINED(first, second) FVM__I_##first##__##second,
#include "wasm/backend/interp/joined.def"
    FVM__I_COUNT
} fvm__insn_op;

typedef struct fvm__insn {
    uint16_t op;
    uint16_t x;
    uint32_t a;
    union {
        struct {
            uint32_t b, c;
        };
        uint64_t imm;
    };
} fvm__insn;
_Static_assert(sizeof(fvm__insn) == 16, "four to a cache line");

/** Slots between locals and operands: where to return to, the caller's frame,
 *  function and instance, and what it had left of the limits. */
#define FVM__RECORD_SLOTS 5u
#endif
