/* stubs.c - the code at the front of each module that its functions share: the way in and out,
 * traps, and calls into C. A function's body has rsp at a multiple of 16, so that a stub, behind
 * one more return address, moves it by 8 to call C. */
#include "wasm/backend/x64/x64.h"
#ifdef FVM__X64

#include <stddef.h>

#define AT(type, field) ((int32_t)offsetof(struct type, field))

static const uint8_t saved[] = { RBX, RBP, R12, R13, R14, R15, RCX };

static void push(fvm__asm *a, unsigned reg)
{
    if (reg >> 3) fvm__e8(a, 0x41);
    fvm__e8(a, 0x50 | (reg & 7));
}
static void pop(fvm__asm *a, unsigned reg)
{
    if (reg >> 3) fvm__e8(a, 0x41);
    fvm__e8(a, 0x58 | (reg & 7));
}

static void load_memory_base(fvm__x64 *x)
{
    if (!x->has_memory) return;
    fvm__load64(&x->a, R14, FVM__X_INSTANCE, AT(fvm_wasm_instance, memory));
    fvm__load64(&x->a, R14, R14, AT(fvm__memory, data));
}

/* fvm_err enter(instance rdi, code rsi, frame rdx, int64_t *milligas rcx), in C's convention. */
static void emit_enter(fvm__x64 *x)
{
    fvm__asm *a = &x->a;
    x->stubs.enter = fvm__at(a);
    for (size_t i = 0; i < sizeof saved; i++) push(a, saved[i]);
    fvm__mov_rr(a, FVM__X_INSTANCE, RDI);
    fvm__mov_rr(a, FVM__X_FRAME, RDX);
    fvm__load64(a, FVM__X_GAS, RCX, 0);
    load_memory_base(x);
    fvm__load64(a, RAX, FVM__X_INSTANCE, AT(fvm_wasm_instance, context));
    fvm__store64(a, RAX, AT(fvm_wasm_context, native_sp), RSP);
    fvm__rr(a, false, 0xff, 2, RSI);
    fvm__store64(a, FVM__X_FRAME, 0, RAX);
    fvm__rr(a, false, 0x31, RAX, RAX);
    x->stubs.exit = fvm__at(a); /* with an error in eax, from any depth of this run */
    fvm__load64(a, RCX, FVM__X_INSTANCE, AT(fvm_wasm_instance, context));
    fvm__load64(a, RSP, RCX, AT(fvm_wasm_context, native_sp));
    pop(a, RCX);
    fvm__store64(a, RCX, 0, FVM__X_GAS);
    for (size_t i = sizeof saved - 1; i-- > 0;) pop(a, saved[i]);
    fvm__e8(a, 0xc3);
}

static void emit_traps(fvm__x64 *x)
{
    fvm__asm *a = &x->a;
    uint32_t common = fvm__at(a);
    fvm__load64(a, RCX, FVM__X_INSTANCE, AT(fvm_wasm_instance, context));
    fvm__rm(a, false, 0x89, RDX, RCX, AT(fvm_wasm_context, trap));
    fvm__load64(a, RCX, RCX, AT(fvm_wasm_context, entry));
    fvm__rm(a, false, 0x89, RDX, RCX, AT(fvm_wasm_instance, trap));
    fvm__mov_ri(a, RAX, FVM_ERR_TRAP);
    fvm__jmp_to(a, x->stubs.exit);
    for (unsigned t = FVM_WASM_TRAP_NONE + 1; t < FVM_COUNT(x->stubs.traps); t++) {
        x->stubs.traps[t] = fvm__at(a);
        fvm__mov_ri(a, RDX, t);
        fvm__jmp_to(a, common);
    }
}

void fvm__x_load_callee(fvm__x64 *x, uintptr_t callee)
{
    fvm__asm *a = &x->a;
    fvm__e8(a, 0x48); /* mov rax, [rip + distance] */
    fvm__e8(a, 0x8b);
    fvm__e8(a, 0x05);
    fvm__e32(a, fvm__x64_callee_at(callee) - (fvm__at(a) + 4));
}

/* Calls what rax holds. */
static void call_c(fvm__x64 *x)
{
    fvm__alu_ri(&x->a, true, 5, RSP, 8);
    fvm__rr(&x->a, false, 0xff, 2, RAX);
}

/* After C: gas and memory as they are now; its error ends the run. */
static void back_from_c(fvm__x64 *x, bool with_gas, bool with_result)
{
    fvm__asm *a = &x->a;
    if (with_gas) {
        fvm__load64(a, RCX, FVM__X_INSTANCE, AT(fvm_wasm_instance, context));
        fvm__load64(a, RCX, RCX, AT(fvm_wasm_context, entry));
        fvm__load64(a, FVM__X_GAS, RCX, AT(fvm_wasm_instance, gas));
    }
    load_memory_base(x);
    fvm__rr(a, false, 0x85, RAX, RAX);
    fvm__jcc_to(a, CC_NE, x->stubs.exit);
    if (with_result) fvm__load64(a, RAX, FVM__X_FRAME, 0);
    fvm__alu_ri(a, true, 0, RSP, 8);
    fvm__e8(a, 0xc3);
}

/* The frame is where the arguments are; edx: index of the import. */
static void emit_import(fvm__x64 *x)
{
    fvm__asm *a = &x->a;
    x->stubs.import = fvm__at(a);
    fvm__mov_rr(a, RDI, FVM__X_INSTANCE);
    fvm__mov_rr(a, RSI, FVM__X_FRAME);
    fvm__mov_rr(a, RCX, FVM__X_GAS);
    fvm__x_load_callee(x, (uintptr_t)&fvm__x64_call_import);
    call_c(x);
    back_from_c(x, true, true);
}

/* rax: table, ecx: index, edx: type. Functions of this instance are entered at once; imports,
 * functions of other instances and those without thunk go through C. */
static void emit_indirect(fvm__x64 *x)
{
    fvm__asm *a = &x->a;
    x->stubs.indirect = fvm__at(a);
    fvm__rm(a, false, 0x3b, RCX, RAX, AT(fvm__table, size));
    fvm__x_trap_if(x, CC_AE, FVM_WASM_TRAP_UNDEFINED_ELEMENT);
    fvm__load64(a, RAX, RAX, AT(fvm__table, elems));
    fvm__rmx(a, true, 0x8b, RAX, RAX, RCX, 3, 0, false);
    fvm__rr(a, true, 0x85, RAX, RAX);
    fvm__x_trap_if(x, CC_E, FVM_WASM_TRAP_NULL_FUNC);
    fvm__rm(a, true, 0x3b, R12, RAX, AT(fvm__funcref, instance));
    uint8_t *foreign = fvm__jcc8(a, CC_NE);
    fvm__load64(a, RCX, RAX, AT(fvm__funcref, def));
    fvm__load64(a, RSI, RCX, AT(fvm__func_def, type));
    fvm__rm(a, false, 0x3b, RDX, RSI, AT(fvm__functype, same_as));
    fvm__x_trap_if(x, CC_NE, FVM_WASM_TRAP_BAD_SIGNATURE);
    fvm__load64(a, RDI, RCX, AT(fvm__func_def, code));
    fvm__rr(a, true, 0x85, RDI, RDI);
    uint8_t *import = fvm__jcc8(a, CC_E);
    fvm__rm(a, false, 0x80, 7, RAX, AT(fvm__funcref, thunked));
    fvm__e8(a, 0);
    uint8_t *raw = fvm__jcc8(a, CC_E);
    fvm__rm(a, true, 0x2b, FVM__X_GAS, RCX, AT(fvm__func_def, thunk_milligas));
    fvm__x_trap_if(x, CC_S, FVM_WASM_TRAP_OUT_OF_GAS);
    fvm__rr(a, false, 0xff, 4, RDI);
    fvm__land8(a, foreign);
    fvm__land8(a, import);
    fvm__land8(a, raw);
    fvm__mov_rr(a, RDI, FVM__X_INSTANCE);
    fvm__mov_rr(a, RSI, FVM__X_FRAME);
    fvm__mov_rr(a, RCX, RAX);
    fvm__mov_rr(a, R8, FVM__X_GAS);
    fvm__x_load_callee(x, (uintptr_t)&fvm__x64_call_ref);
    call_c(x);
    back_from_c(x, true, true);
}

/* rax: what to call, rsi: operands, edx, ecx: immediates. */
static void emit_helper(fvm__x64 *x)
{
    x->stubs.helper = fvm__at(&x->a);
    fvm__mov_rr(&x->a, RDI, FVM__X_INSTANCE);
    call_c(x);
    back_from_c(x, false, false);
}

void fvm__x_emit_stubs(fvm__x64 *x)
{
    memset(x->a.p, 0, FVM__X64_CALLEES * sizeof(void *)); /* fvm__x64_install fills it */
    x->a.p += FVM__X64_CALLEES * sizeof(void *);
    /* so that what looks in front of a function's code finds something (UBSan) */
    for (int i = 0; i < 16; i++) fvm__e8(&x->a, 0xcc);
    emit_enter(x);
    emit_traps(x);
    emit_import(x);
    emit_indirect(x);
    emit_helper(x);
}
#endif
