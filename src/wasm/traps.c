/* traps.c - texts of traps; those of the standard are the core suite's. */
#include "wasm/wasm.h"

const char *fvm_wasm_trap_text(fvm_wasm_trap trap)
{
    switch (trap) {
    case FVM_WASM_TRAP_NONE: return "no trap";
    case FVM_WASM_TRAP_UNREACHABLE: return "unreachable";
    case FVM_WASM_TRAP_OUT_OF_GAS: return "out of gas";
    case FVM_WASM_TRAP_STACK_LIMIT: return "stack limit reached";
    case FVM_WASM_TRAP_STACK_OVERFLOW: return "call stack exhausted";
    case FVM_WASM_TRAP_MEMORY_BOUNDS: return "out of bounds memory access";
    case FVM_WASM_TRAP_TABLE_BOUNDS: return "out of bounds table access";
    case FVM_WASM_TRAP_NULL_FUNC: return "uninitialized element";
    case FVM_WASM_TRAP_BAD_SIGNATURE: return "indirect call type mismatch";
    case FVM_WASM_TRAP_INT_OVERFLOW: return "integer overflow";
    case FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO: return "integer divide by zero";
    case FVM_WASM_TRAP_BAD_CONVERSION: return "invalid conversion to integer";
    case FVM_WASM_TRAP_UNDEFINED_ELEMENT: return "undefined element";
    }
    return "unknown trap";
}
