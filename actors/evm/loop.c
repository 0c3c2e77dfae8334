/* loop.c - the interpreter.
 *
 * One switch over the bytes of the code. Gas counts wasm instructions, so what is short is cheap and
 * what branches is not dear: `pc`, the stack's top and its bounds are locals, code has zeros (STOP) behind
 * it in place of a check of its end, and words are worked on where they lie. The stack grows downwards,
 * since wasm adds positive offsets to addresses for nothing; it begins with 64 words, as most calls need
 * fewer, and moves when it is full: 32 KiB of it would cost each call half a page, 13,000 gas. */
#include "evm.h"

#define STACK_FIRST 64

enum {
#define OPCODE(code, name, takes, leaves) OP_##name = code,
#include "opcodes.def"
#undef OPCODE
    OP_PUSH1 = 0x60,
    OP_DUP1 = 0x80,
    OP_SWAP1 = 0x90,
};
enum {
#define OPCODE(code, name, takes, leaves) TAKES_##name = takes, LEAVES_##name = leaves,
#include "opcodes.def"
#undef OPCODE
};

/* More room for words that end at `end`: where they end now. The new lowest place comes through `low`. */
static __attribute__((noinline)) word *grow_stack(evm *vm, const word *low, const word *end)
{
    size_t used = (size_t)(end - low);
    if (used == EVM_STACK_MAX) evm_fail(EVM_STACK_OVERFLOW);
    size_t room = used * 4 < EVM_STACK_MAX ? used * 4 : EVM_STACK_MAX;
    vm->stack_low = fvm_heap_array(room, sizeof *low);
    word *new_end = vm->stack_low + room;
    __builtin_memcpy(new_end - used, low, used * sizeof *low);
    return new_end;
}

static __attribute__((noinline)) void underflow(void)
{
    evm_fail(EVM_STACK_UNDERFLOW);
}

static __attribute__((noinline)) void load_call_data(evm *vm, word *w)
{
    uint8_t bytes[32];
    size_t at = word_is_u32(w) ? (size_t)w->limb[0] : vm->input.len;
    size_t n = at < vm->input.len ? vm->input.len - at : 0;
    if (n > 32) n = 32;
    __builtin_memset(bytes, 0, sizeof bytes);
    if (n) __builtin_memcpy(bytes, vm->input.ptr + at, n);
    word_read(w, bytes);
}

static __attribute__((noinline)) void copy_returned(evm *vm, const word *top)
{
    uint32_t len;
    uint8_t *out = evm_region(vm, &len, top, top + 2);
    const word *from = top + 1;
    if (!word_is_u32(from) || from->limb[0] + len > vm->returned.len)
        evm_fail(EVM_ILLEGAL_MEMORY_ACCESS);
    if (len) __builtin_memcpy(out, vm->returned.ptr + (size_t)from->limb[0], len);
}

static __attribute__((noinline)) void copy_memory(evm *vm, const word *top)
{
    uint32_t len;
    if (!evm_region(vm, &len, top + 1, top + 2)) return;
    uint8_t *to = evm_memory(vm, top, len); /* may move the source */
    __builtin_memmove(to, vm->memory + (uint32_t)top[1].limb[0], len);
}

static __attribute__((noinline)) void finish(evm *vm, const word *top, bool reverted)
{
    uint32_t len;
    const uint8_t *data = evm_region(vm, &len, top, top + 1);
    vm->output = (fvm_bytes){ data, len };
    vm->reverted = reverted;
}

/* Hides from the compiler where a pointer comes from: it would fold `sp - 1` into what is done with the
 * new top, and negative offsets cost an addition each. */
#define OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer))

#define NEED_1() NEED_WORDS(sp < end)
#define NEED_2() NEED_WORDS(sp < second)
#define NEED_WORDS(have)                                                                           \
    if (WORD_UNLIKELY(!(have))) underflow()
#define NEED(name) NEED_WORDS(sp + TAKES_##name <= end)
/* Room for one word more; sp is on it afterwards. */
#define PUSH()                                                                                     \
    do {                                                                                           \
        if (WORD_UNLIKELY(sp == low)) {                                                            \
            size_t used = (size_t)(end - sp);                                                      \
            end = grow_stack(vm, low, end);                                                        \
            second = end - 1;                                                                      \
            low = vm->stack_low;                                                                   \
            sp = end - used;                                                                       \
            OPAQUE(second);                                                                        \
        }                                                                                          \
        sp--;                                                                                      \
        OPAQUE(sp);                                                                                \
    } while (0)
#define NEXT(bytes)                                                                                \
    pc += (bytes);                                                                                 \
    continue
/* Two operands, the first of them on top, and the result where the second was. */
#define BINARY(name, expression)                                                                   \
    case OP_##name: {                                                                              \
        NEED_2();                                                                                  \
        word *a = sp, *b = sp + 1;                                                                 \
        expression;                                                                                \
        sp++;                                                                                      \
        NEXT(1);                                                                                   \
    }
#define UNARY(name, expression)                                                                    \
    case OP_##name: {                                                                              \
        NEED_1();                                                                                  \
        word *a = sp;                                                                              \
        expression;                                                                                \
        NEXT(1);                                                                                   \
    }
#define NULLARY(name, expression)                                                                  \
    case OP_##name: {                                                                              \
        PUSH();                                                                                    \
        expression;                                                                                \
        NEXT(1);                                                                                   \
    }
/* Takes operands and leaves a result or nothing: `top` is the first operand, `out` where a result goes. */
#define GENERAL(name, expression)                                                                  \
    case OP_##name: {                                                                              \
        NEED(name);                                                                                \
        word *top = sp, *out = sp + TAKES_##name - 1;                                              \
        (void)top;                                                                                 \
        (void)out;                                                                                 \
        expression;                                                                                \
        sp += TAKES_##name - LEAVES_##name;                                                        \
        NEXT(1);                                                                                   \
    }
#define EACH_LIMB(out, value)                                                                      \
    do {                                                                                           \
        out->limb[0] = value(0);                                                                   \
        out->limb[1] = value(1);                                                                   \
        out->limb[2] = value(2);                                                                   \
        out->limb[3] = value(3);                                                                   \
    } while (0)
#define DUP(n)                                                                                     \
    case OP_DUP1 + (n) - 1:                                                                        \
        NEED_WORDS(sp + (n) <= end);                                                               \
        PUSH();                                                                                    \
        word_copy(sp, sp + (n));                                                                   \
        NEXT(1);
#define SWAP(n)                                                                                    \
    case OP_SWAP1 + (n) - 1:                                                                       \
        NEED_WORDS(sp + (n) < end);                                                                \
        word_swap(sp, sp + (n));                                                                   \
        NEXT(1);
#define PUSH_SHORT(n)                                                                              \
    case OP_PUSH1 + (n) - 1:                                                                       \
        PUSH();                                                                                    \
        word_set(sp, word_be64(pc + 1) >> (64 - 8 * (n)));                                         \
        NEXT(1 + (n));
#define PUSH_LONG(n)                                                                               \
    case OP_PUSH1 + (n) - 1:                                                                       \
        PUSH();                                                                                    \
        evm_read_short(sp, pc + 1, n);                                                             \
        NEXT(1 + (n));

/* A module runs out of gas; the mock kernel has none, so that natively jumps are counted. */
#ifdef __wasm__
#define COUNT_JUMP() ((void)0)
#else
#define JUMPS_MAX 5000
#define COUNT_JUMP()                                                                               \
    do {                                                                                           \
        if (++vm->jump_count > JUMPS_MAX) evm_fail(FVM_USR_ASSERTION_FAILED);                      \
    } while (0)
#endif

/* Where a jump to `to` leads: behind the JUMPDEST. */
#define TARGET(to)                                                                                 \
    do {                                                                                           \
        COUNT_JUMP();                                                                              \
        uint64_t to_ = (to);                                                                       \
        if (WORD_UNLIKELY(to_ >= code_len) || WORD_UNLIKELY(!jumps[(size_t)to_]))                  \
            evm_check_jump(vm, to_);                                                               \
        pc = code + (size_t)to_ + 1;                                                               \
    } while (0)

/* The word in memory at an offset: in line when there is memory already. */
WORD_INLINE uint8_t *memory_word(evm *vm, const word *offset)
{
    if (WORD_LIKELY(word_is_u64(offset) && offset->limb[0] < vm->memory_words))
        return vm->memory + (size_t)offset->limb[0];
    return evm_memory(vm, offset, 32);
}

void evm_run(evm *vm)
{
    const uint8_t *const code = vm->code, *const jumps = vm->jumps;
    const uint64_t code_len = vm->code_len;
    const uint8_t *pc = code;
    word *low = fvm_heap_array(STACK_FIRST, sizeof *low);
    word *end = low + STACK_FIRST, *second = end - 1, *sp = end;
    OPAQUE(second); /* else it is computed anew at each use */
    for (;;) {
        switch (*pc) {
        case OP_STOP:
            return; /* also the end of the code */
            BINARY(ADD, word_add(b, a, b))
            BINARY(MUL, evm_mul(b, a, b))
            BINARY(SUB, word_sub(b, a, b))
            BINARY(DIV, evm_div(b, a, b, false))
            BINARY(SDIV, evm_div(b, a, b, true))
            BINARY(MOD, evm_mod(b, a, b, false))
            BINARY(SMOD, evm_mod(b, a, b, true))
            GENERAL(ADDMOD, fvm_u256_addmod(out, top, top + 1, top + 2))
            GENERAL(MULMOD, fvm_u256_mulmod(out, top, top + 1, top + 2))
            BINARY(EXP, evm_exp(b, a, b))
            BINARY(SIGNEXTEND, evm_signextend(b, a, b))
            BINARY(LT, word_set(b, word_less(a, b)))
            BINARY(GT, word_set(b, word_less(b, a)))
            BINARY(SLT, word_set(b, word_less_signed(a, b)))
            BINARY(SGT, word_set(b, word_less_signed(b, a)))
            BINARY(EQ, word_set(b, fvm_u256_eq(a, b)))
        case OP_ISZERO: {
            NEED_1();
            bool zero = fvm_u256_is_zero(sp);
            /* ISZERO PUSH2 to JUMPI is how most conditions end */
            if (pc[1] == OP_PUSH1 + 1 && pc[4] == OP_JUMPI && WORD_LIKELY(sp != low)) {
                sp++;
                if (!zero) {
                    NEXT(5);
                }
                TARGET((uint64_t)pc[2] << 8 | pc[3]);
                continue;
            }
            word_set(sp, zero);
            NEXT(1);
        }
#define LIMB(i) (a->limb[i] & b->limb[i])
            BINARY(AND, EACH_LIMB(b, LIMB))
#undef LIMB
#define LIMB(i) (a->limb[i] | b->limb[i])
            BINARY(OR, EACH_LIMB(b, LIMB))
#undef LIMB
#define LIMB(i) (a->limb[i] ^ b->limb[i])
            BINARY(XOR, EACH_LIMB(b, LIMB))
#undef LIMB
#define LIMB(i) (~a->limb[i])
            UNARY(NOT, EACH_LIMB(a, LIMB))
#undef LIMB
            BINARY(BYTE, evm_byte(b, a, b))
            BINARY(SHL, evm_shl(b, a, b))
            BINARY(SHR, evm_shr(b, a, b))
            BINARY(SAR, evm_sar(b, a, b))
            UNARY(CLZ, word_set(a, 256 - fvm_u256_bits(a)))
            BINARY(KECCAK256, evm_keccak(vm, b, a, b))

            NULLARY(ADDRESS, evm_address_word(sp, evm_self(vm)))
            UNARY(BALANCE, evm_balance(a, a))
            NULLARY(ORIGIN, evm_origin(sp))
            NULLARY(CALLER, evm_address_word(sp, evm_caller(vm)))
            NULLARY(CALLVALUE, word_copy(sp, &vm->value))
        case OP_CALLDATALOAD:
            NEED_1();
            if (WORD_LIKELY(word_is_u64(sp) && (sp->limb[0] >> 31) == 0 &&
                            (uint32_t)sp->limb[0] + 32 <= vm->input.len))
                word_read(sp, vm->input.ptr + (size_t)sp->limb[0]);
            else
                load_call_data(vm, sp);
            NEXT(1);
            NULLARY(CALLDATASIZE, word_set(sp, vm->input.len))
            GENERAL(CALLDATACOPY, evm_copy(vm, top, top + 1, top + 2, vm->input, true))
            NULLARY(CODESIZE, word_set(sp, code_len))
            GENERAL(CODECOPY, evm_copy(vm, top, top + 1, top + 2,
                                       (fvm_bytes){ code, (size_t)code_len }, true))
            NULLARY(GASPRICE, evm_gas_price(vm, sp))
            UNARY(EXTCODESIZE, evm_ext_code_size(vm, a, a))
            GENERAL(EXTCODECOPY, evm_ext_code_copy(vm, top))
            NULLARY(RETURNDATASIZE, word_set(sp, vm->returned.len))
            GENERAL(RETURNDATACOPY, copy_returned(vm, top))
            UNARY(EXTCODEHASH, evm_ext_code_hash(vm, a, a))
            UNARY(BLOCKHASH, evm_block_hash(vm, a, a))
            NULLARY(COINBASE, word_set(sp, 0))
            NULLARY(TIMESTAMP, word_set(sp, evm_network(vm)->timestamp))
            NULLARY(NUMBER, word_set(sp, (uint64_t)evm_network(vm)->epoch))
            NULLARY(PREVRANDAO, evm_prev_randao(vm, sp))
            NULLARY(GASLIMIT, word_set(sp, UINT64_C(10000000000)))
            NULLARY(CHAINID, word_set(sp, evm_network(vm)->chain_id))
            NULLARY(SELFBALANCE, evm_self_balance(sp))
            NULLARY(BASEFEE, evm_base_fee(vm, sp))

        case OP_POP:
            NEED_1();
            sp++;
            NEXT(1);
        case OP_MLOAD:
            NEED_1();
            word_read(sp, memory_word(vm, sp));
            NEXT(1);
        case OP_MSTORE:
            NEED_2();
            word_write(memory_word(vm, sp), sp + 1);
            sp += 2;
            NEXT(1);
            GENERAL(MSTORE8, *evm_memory(vm, top, 1) = (uint8_t)top[1].limb[0])
            UNARY(SLOAD, evm_slot_get(vm, a, a, false))
            GENERAL(SSTORE, evm_slot_set(vm, top, top + 1, false))
        case OP_JUMP: {
            NEED_1();
            const word *to = sp++;
            TARGET(word_saturated(to));
            continue;
        }
        case OP_JUMPI: {
            NEED_2();
            const word *to = sp;
            sp += 2;
            if (fvm_u256_is_zero(to + 1)) {
                NEXT(1);
            }
            TARGET(word_saturated(to));
            continue;
        }
            NULLARY(PC, word_set(sp, (uint64_t)(pc - code)))
            NULLARY(MSIZE, word_set(sp, vm->memory_len))
            NULLARY(GAS, word_set(sp, fvm_gas_available()))
        case OP_JUMPDEST:
            NEXT(1);
            UNARY(TLOAD, evm_slot_get(vm, a, a, true))
            GENERAL(TSTORE, evm_slot_set(vm, top, top + 1, true))
            GENERAL(MCOPY, copy_memory(vm, top))
            NULLARY(PUSH0, word_set(sp, 0))

        case OP_PUSH1:
            PUSH();
            word_set(sp, pc[1]);
            NEXT(2);
        case OP_PUSH1 + 1: {
            uint64_t v = (uint64_t)pc[1] << 8 | pc[2];
            /* half of them are of a jump: then nothing goes over the stack */
            if (pc[3] == OP_JUMPI && WORD_LIKELY(sp != low)) {
                const word *condition = sp;
                NEED_1();
                sp++;
                if (fvm_u256_is_zero(condition)) {
                    NEXT(4);
                }
                TARGET(v);
                continue;
            }
            if (pc[3] == OP_JUMP && WORD_LIKELY(sp != low)) {
                TARGET(v);
                continue;
            }
            PUSH();
            word_set(sp, v);
            NEXT(3);
        }
        case OP_PUSH1 + 2:
            PUSH();
            word_set(sp, (uint64_t)pc[1] << 16 | (uint64_t)pc[2] << 8 | pc[3]);
            NEXT(4);
        case OP_PUSH1 + 3: {
            uint32_t v;
            PUSH();
            __builtin_memcpy(&v, pc + 1, 4);
            word_set(sp, __builtin_bswap32(v));
            NEXT(5);
        }
            PUSH_SHORT(5)
            PUSH_SHORT(6)
            PUSH_SHORT(7)
            PUSH_SHORT(8)
            PUSH_LONG(9)
            PUSH_LONG(10)
            PUSH_LONG(11)
            PUSH_LONG(12)
            PUSH_LONG(13)
            PUSH_LONG(14)
            PUSH_LONG(15)
            PUSH_LONG(16)
            PUSH_LONG(17)
            PUSH_LONG(18)
            PUSH_LONG(19)
        case OP_PUSH1 + 19:
            PUSH();
            evm_address_word(sp, pc + 1);
            NEXT(21);
            PUSH_LONG(21)
            PUSH_LONG(22)
            PUSH_LONG(23)
            PUSH_LONG(24)
            PUSH_LONG(25)
            PUSH_LONG(26)
            PUSH_LONG(27)
            PUSH_LONG(28)
            PUSH_LONG(29)
            PUSH_LONG(30)
            PUSH_LONG(31)
        case OP_PUSH1 + 31:
            PUSH();
            word_read(sp, pc + 1);
            NEXT(33);
            DUP(1)
            DUP(2)
            DUP(3)
            DUP(4)
            DUP(5)
            DUP(6)
            DUP(7)
            DUP(8)
            DUP(9)
            DUP(10)
            DUP(11)
            DUP(12)
            DUP(13)
            DUP(14)
            DUP(15)
            DUP(16)
            SWAP(1)
            SWAP(2)
            SWAP(3)
            SWAP(4)
            SWAP(5)
            SWAP(6)
            SWAP(7)
            SWAP(8)
            SWAP(9)
            SWAP(10)
            SWAP(11)
            SWAP(12)
            SWAP(13)
            SWAP(14)
            SWAP(15)
            SWAP(16)

            GENERAL(LOG0, evm_log(vm, top, 0))
            GENERAL(LOG1, evm_log(vm, top, 1))
            GENERAL(LOG2, evm_log(vm, top, 2))
            GENERAL(LOG3, evm_log(vm, top, 3))
            GENERAL(LOG4, evm_log(vm, top, 4))
            GENERAL(CREATE, evm_create(vm, out, top, false))
            GENERAL(CALL, evm_call(vm, out, top, EVM_CALL))
        case OP_RETURN:
            NEED_2();
            finish(vm, sp, false);
            return;
            GENERAL(DELEGATECALL, evm_call(vm, out, top, EVM_DELEGATECALL))
            GENERAL(CREATE2, evm_create(vm, out, top, true))
            GENERAL(STATICCALL, evm_call(vm, out, top, EVM_STATICCALL))
        case OP_REVERT:
            NEED_2();
            finish(vm, sp, true);
            return;
        case OP_INVALID: evm_fail(EVM_INVALID_INSTRUCTION);
        case OP_SELFDESTRUCT:
            NEED_1();
            evm_self_destruct(vm, sp);
            return;
        /* All 256 are named, so that no comparison stands before the jump table. */
        case 0x0c ... 0x0f:
        case 0x1f:
        case 0x21 ... 0x2f:
        case 0x49 ... 0x4f:
        case 0xa5 ... 0xef:
        case 0xf2:
        case 0xf6 ... 0xf9:
        case 0xfb ... 0xfc: evm_fail(EVM_UNDEFINED_INSTRUCTION);
        default: __builtin_unreachable();
        }
    }
}
