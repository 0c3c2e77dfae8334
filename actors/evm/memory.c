/* memory.c - memory and jump destinations; see evm.h.
 *
 * Memory is one piece of the actor's heap. It doubles, later grows by a quarter, when it is full, in place while
 * it is the newest piece; the first 1 KiB serves most calls. */
#include "evm.h"

#define MEMORY_FIRST 1024u
#define MEMORY_MAX 0x7fffffffu /* beyond it v18's library panics (24); an actor has 512 MiB */

/* No memory is left: v18's library traps. */
static __attribute__((noreturn)) void exhausted(void)
{
#ifdef __wasm__
    __builtin_trap();
#else
    evm_fail(FVM_USR_ASSERTION_FAILED);
    __builtin_unreachable();
#endif
}

void *evm_alloc(size_t size)
{
    void *p = fvm_heap_allocator.resize(fvm_heap_allocator.ctx, NULL, 0, size ? size : 1);
    if (!p) exhausted();
    return p;
}

static void grow(evm *vm, uint32_t len)
{
#ifndef __wasm__
    if (len > 1u << 20) exhausted(); /* no gas bounds it here, and fuzzing shall be quick */
#endif
    if (len > vm->memory_cap) {
        uint32_t cap = vm->memory_cap ? vm->memory_cap : MEMORY_FIRST;
        while (cap < len) cap += cap < 16384 ? cap : cap / 4;
        const fvm_allocator *heap = &fvm_heap_allocator;
        uint8_t *memory = heap->resize(heap->ctx, vm->memory, vm->memory_cap, cap);
        if (!memory) exhausted();
        vm->memory = memory;
        vm->memory_cap = cap;
    }
    __builtin_memset(vm->memory + vm->memory_len, 0, len - vm->memory_len);
    vm->memory_len = len;
    vm->memory_words = len - 31;
}

uint8_t *evm_memory(evm *vm, const word *offset, uint32_t size)
{
    uint64_t end = offset->limb[0] + size;
    if (!word_is_u32(offset) || end >> 32) evm_fail(EVM_ILLEGAL_MEMORY_ACCESS);
    if (end > vm->memory_len) {
        fvm_require(end <= MEMORY_MAX, FVM_USR_ASSERTION_FAILED, "memory");
        grow(vm, (uint32_t)(end + 31) & ~31u);
    }
    return vm->memory + (uint32_t)offset->limb[0];
}

uint8_t *evm_region(evm *vm, uint32_t *size, const word *offset, const word *size_word)
{
    if (!word_is_u32(size_word)) evm_fail(EVM_ILLEGAL_MEMORY_ACCESS);
    *size = (uint32_t)size_word->limb[0];
    return *size ? evm_memory(vm, offset, *size) : NULL;
}

void evm_copy(evm *vm, const word *to, const word *from, const word *size, fvm_bytes data,
              bool fill)
{
    uint32_t len;
    uint8_t *out = evm_region(vm, &len, to, size);
    if (!out) return;
    uint32_t skipped = word_is_u32(from) && from->limb[0] < data.len ? (uint32_t)from->limb[0]
                                                                     : (uint32_t)data.len;
    uint32_t copied = (uint32_t)data.len - skipped;
    if (copied > len) copied = len;
    if (copied) __builtin_memmove(out, data.ptr + skipped, copied);
    if (fill) __builtin_memset(out + copied, 0, len - copied);
}

/* --- jumps --- */

#define JUMPDEST 0x5b
#define PUSH1 0x60
#define TRIES 8 /* looks back, of 32 bytes each */

void evm_set_code(evm *vm, const uint8_t *code, uint32_t len)
{
    vm->code = code;
    vm->code_len = len;
    vm->jumps = fvm_heap_alloc(len + 1);
    __builtin_memset(vm->jumps, 0, len + 1);
    vm->jumps_complete = false;
}

/* From an instruction to the next. */
WORD_INLINE uint32_t step(uint8_t op)
{
    uint32_t n = (uint32_t)op - PUSH1;
    return n < 32 ? n + 2 : 1;
}

/* Whether a byte among the 32 before `at` would, as a PUSH, take `at` for its data. At distance k (1 to
 * 32) that is an opcode of 5f + k to 7f. Eight bytes are asked at once: those below 80 plus (80 - 5f -
 * k) have their top bit set when they are. */
static bool may_be_data(const uint8_t *code, uint32_t at)
{
    static const uint64_t need[4] = {
        0x201f1e1d1c1b1a19, /* distances 1 (the last byte, highest) to 8 */
        0x1817161514131211,
        0x100f0e0d0c0b0a09,
        0x0807060504030201,
    };
    uint64_t found = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t v;
        __builtin_memcpy(&v, code + at - 8 * (i + 1), 8);
        found |= ((v & UINT64_C(0x7f7f7f7f7f7f7f7f)) + need[i]) & ~v;
    }
    return found & UINT64_C(0x8080808080808080);
}

/* Walks from an instruction at `from`; whether `to` is one. */
static bool walk(const uint8_t *code, uint32_t from, uint32_t to)
{
    while (from < to) from += step(code[from]);
    return from == to;
}

/* All of the code, once, when looking nearby does not tell. */
static void find_all(evm *vm)
{
    for (uint32_t at = 0; at < vm->code_len; at += step(vm->code[at]))
        if (vm->code[at] == JUMPDEST) vm->jumps[at] = 1;
    vm->jumps_complete = true;
}

/* The answer is looked for from the destination backwards, up to a byte that no PUSH can reach: that
 * one is an instruction, whatever stands before. So a call pays for the jumps it makes and not for the
 * length of the code: a scan of all of 2 KiB took 60,000 gas. */
void evm_check_jump(evm *vm, uint64_t to)
{
    if (to >= vm->code_len || vm->code[to] != JUMPDEST) evm_fail(EVM_BAD_JUMPDEST);
    if (vm->jumps[to]) return;
    if (!vm->jumps_complete) {
        uint32_t from = (uint32_t)to;
        int tries = 0;
        while (tries < TRIES && from >= 32 && may_be_data(vm->code, from)) {
            from -= 32;
            tries++;
        }
        if (tries < TRIES) {
            if (!walk(vm->code, from < 32 ? 0 : from, (uint32_t)to)) evm_fail(EVM_BAD_JUMPDEST);
            vm->jumps[to] = 1;
            return;
        }
        find_all(vm);
    }
    if (!vm->jumps[to]) evm_fail(EVM_BAD_JUMPDEST);
}
