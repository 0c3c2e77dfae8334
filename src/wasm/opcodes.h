/* opcodes.h - the numbers of opcodes.def. Prefix 0xfc stands behind the single bytes. */
#ifndef FVM_WASM_OPCODES_H
#define FVM_WASM_OPCODES_H

#define FVM__OP_NUMBER(code) ((code) < 0x100 ? (code) : 0x100 + ((code) & 0xff))
#define FVM__OP_COUNT 0x112

typedef enum fvm__opcode {
#define OP(name, code, imm, pops, push, text) FVM__OP_##name = FVM__OP_NUMBER(code),
#include "wasm/opcodes.def"
} fvm__opcode;
#endif
