/* common_loop.h - the loop of the common path (common.h), which each back end includes once:
 *
 *     COMMON_NAME   the function that this makes
 *     COMMON_OPS    the back end's ways, a constant fvm__backend_ops of this file
 *
 * It is no function to be called with the ways, because each instruction jumps to the next one's case
 * by itself (one jump for all is foreseen less well, and what it takes to come to it added up to a
 * tenth of all time), and functions that take addresses of their labels are never in line. */

/* Instructions without an immediate, loads and stores: each has a case of its own, so that what the
 * back end does for it is known when this is compiled. */
#define COMMON_NONE(name, pops, push)                                                              \
    do_##name : if (p > end || !fvm__operands_are(sp, pops, sizeof(pops) - 1)) goto done;          \
    if (FVM__EXTENDS_SIGN(FVM__OP_##name) && !v->m->rules.sign_extension) goto done;               \
    if (sizeof(pops) > 2) fvm__see_peak(v, sp--);                                                  \
    sp[-1] = push[0];                                                                              \
    err = COMMON_OPS.plain(be, FVM__OP_##name);                                                    \
    NEXT();
#define COMMON_MEM(name, pops, push)                                                               \
    do_##name : if (!v->has_memory ||                                                              \
                    *p > fvm__natural_align[FVM__OP_##name - FVM__OP_I32_LOAD]) goto done;         \
    if (!(p = fvm__read_short(&number, p + 1)) || p > end) goto done;                              \
    if (!fvm__operands_are(sp, pops, sizeof(pops) - 1)) goto done;                                 \
    if (sizeof(push) > 1) {                                                                        \
        sp[-1] = push[0];                                                                          \
    } else {                                                                                       \
        fvm__see_peak(v, sp);                                                                      \
        sp -= 2;                                                                                   \
    }                                                                                              \
    err = COMMON_OPS.access(be, FVM__OP_##name, number);                                           \
    NEXT();
#define COMMON_CUSTOM(name, pops, push)
#define NEXT()                                                                                     \
    do {                                                                                           \
        if (FVM_UNLIKELY(err != FVM_OK)) goto failed;                                              \
        v->position++;                                                                             \
        at = p;                                                                                    \
        p = at + 1;                                                                                \
        goto *go[*at];                                                                             \
    } while (0)

/* Takes instructions as long as they are common. Each is seen to end in the body before anything is
 * done: what begins behind it does not. */
fvm_err COMMON_NAME(fvm__validator *v)
{
    static const void *const go[] = {
#define OP(name, code, imm, pops, push, text) [FVM__OP_##name] = &&do_##name,
#include "wasm/opcodes.def"
        [0x06 ... 0x0a] = &&careful, [0x12 ... 0x19] = &&careful, [0x1d ... 0x1f] = &&careful,
        [0x27 ... 0x27] = &&careful, [0xc5 ... 0xcf] = &&careful, [0xd3 ... 0xff] = &&careful,
    };
    /* What is not needed by every instruction stays in memory: calls leave few registers. */
    const uint8_t *at = v->d->in.at, *p = at + 1, *const end = v->end;
    fvm__backend *const be = v->be;
    fvm__opcode code;
    uint32_t number;
    int64_t value;
    if (at >= end || fvm__common_kinds[*at] == FVM__KIND_CAREFUL) return FVM_OK;
    FVM_TRY(fvm__begin_common(v, at));
    char *sp = v->operands + v->n_operands;
    fvm_err err = FVM_OK;
    goto *go[*at];

do_LOCAL_GET:
    number = fvm__near_local(v, *p++);
    if (p > end || number == FVM__NOT_NEAR) goto done;
    if (COMMON_OPS.get_add) {
        const uint8_t *behind = fvm__common_pair(v, &COMMON_OPS, number, p, &sp, &err);
        if (behind) {
            p = behind;
            NEXT();
        }
    }
    *sp++ = (char)(number & 0xff);
    err = COMMON_OPS.local_get(be, number >> 8, (char)(number & 0xff));
    NEXT();
do_LOCAL_SET:
    number = fvm__near_local(v, *p++);
    if (p > end || number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
    fvm__see_peak(v, sp--);
    err = COMMON_OPS.local_set(be, number >> 8, *sp, false);
    NEXT();
do_LOCAL_TEE:
    number = fvm__near_local(v, *p++);
    if (p > end || number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
    err = COMMON_OPS.local_set(be, number >> 8, sp[-1], true);
    NEXT();
do_I32_CONST:
    if (!(p = fvm__read_short_signed(&value, p)) || value != (int32_t)value) goto done;
    if (p > end) goto done;
    if (COMMON_OPS.add_constant && p < end && *p == FVM__OP_I32_ADD &&
        sp[-1] == FVM_WASM_LETTER_I32) {
        p++;
        v->position++;
        fvm__see_peak(v, sp + 1);
        err = COMMON_OPS.add_constant(be, (uint32_t)value);
        NEXT();
    }
    v->last_const = (int32_t)value;
    v->const_end = p;
    *sp++ = FVM_WASM_LETTER_I32;
    err = COMMON_OPS.constant(be, (uint32_t)value);
    NEXT();
do_I64_CONST:
    if (!(p = fvm__read_short_signed(&value, p)) || p > end) goto done;
    *sp++ = FVM_WASM_LETTER_I64;
    err = COMMON_OPS.constant(be, (uint64_t)value);
    NEXT();
do_DROP:
    /* the first of a run is not charged for, so the charge may still be to come */
    if (p > end || !sp[-1] || v->position == v->began) goto done;
    fvm__see_peak(v, sp--);
    v->more--;
    err = COMMON_OPS.plain(be, FVM__OP_DROP);
    NEXT();
do_SELECT:
    if (!fvm__operands_are(sp, "ii", 2) && !fvm__operands_are(sp, "li", 2)) goto done;
    if (p > end || sp[-3] != sp[-2]) goto done;
    fvm__see_peak(v, sp);
    sp -= 2;
    err = COMMON_OPS.plain(be, FVM__OP_SELECT);
    NEXT();
do_CALL: {
    if (!(p = fvm__read_short(&number, p)) || number >= v->m->n_funcs) goto done;
    const fvm__functype *type = v->m->funcs[number].type;
    if (type->n_results > 1 || !fvm__operands_are(sp, type->params, type->n_params)) goto done;
    if (p > end) goto done;
    fvm__see_peak(v, sp);
    sp -= type->n_params;
    if (type->n_results) *sp++ = type->results[0];
    if (number >= v->m->n_func_imports) v->more += FVM__LIMITED_CALL_INSTRUCTIONS - 1;
    err = COMMON_OPS.op(be, &(fvm__op){ .code = FVM__OP_CALL, .a = number });
    NEXT();
}
do_GLOBAL_GET:
    if (!(p = fvm__read_short(&number, p)) || number >= v->m->n_globals || p > end) goto done;
    *sp++ = v->m->globals[number].type;
    err = COMMON_OPS.op(be, &(fvm__op){ .code = FVM__OP_GLOBAL_GET, .type = sp[-1], .a = number });
    NEXT();
do_GLOBAL_SET:
    if (!(p = fvm__read_short(&number, p)) || number >= v->m->n_globals || p > end) goto done;
    if (!v->m->globals[number].is_mutable || v->m->globals[number].type != sp[-1]) goto done;
    fvm__see_peak(v, sp--);
    err = COMMON_OPS.op(be, &(fvm__op){ .code = FVM__OP_GLOBAL_SET, .type = *sp, .a = number });
    NEXT();

#define OP(name, code, imm, pops, push, text) COMMON_##imm(name, pops, push)
#include "wasm/opcodes.def"

do_BLOCK:
do_LOOP:
do_IF:
    if (p >= end) goto done;
    code = (fvm__opcode)*at;
    fvm__settle_common(v, sp);
    err = fvm__common_block(v, &COMMON_OPS, code, &p);
    goto flow;
do_BR:
do_BR_IF:
    if (p >= end) goto done;
    code = (fvm__opcode)*at;
    fvm__settle_common(v, sp);
    err = fvm__common_br(v, &COMMON_OPS, code, &p);
    goto flow;
do_ELSE:
    if (p > end) goto done;
    fvm__settle_common(v, sp);
    err = fvm__common_else(v, &COMMON_OPS, &p);
    goto flow;
do_END:
    if (p > end) goto done;
    fvm__settle_common(v, sp);
    err = fvm__common_end(v, &COMMON_OPS, &p);
    goto flow;
do_UNREACHABLE:
    if (p > end) goto done;
    fvm__settle_common(v, sp);
    err = fvm__common_unreachable(v, &COMMON_OPS);
flow:
    if (FVM_UNLIKELY(err != FVM_OK || !p)) goto settled;
    at = p;
    v->position++;
    v->zeroed_chunk = 0; /* what follows may be reached another way */
    if (!fvm__goes_on(v, at)) goto settled;
    if (FVM_UNLIKELY((err = fvm__begin_common(v, at)) != FVM_OK)) goto settled;
    sp = v->operands + v->n_operands;
    p = at + 1;
    goto *go[*at];

do_NOP:
do_BR_TABLE:
do_RETURN:
do_CALL_INDIRECT:
do_SELECT_T:
do_TABLE_GET:
do_TABLE_SET:
do_MEMORY_SIZE:
do_MEMORY_GROW:
do_F32_CONST:
do_F64_CONST:
do_REF_NULL:
do_REF_IS_NULL:
do_REF_FUNC:
do_MEMORY_INIT:
do_DATA_DROP:
do_MEMORY_COPY:
do_MEMORY_FILL:
do_TABLE_INIT:
do_ELEM_DROP:
do_TABLE_COPY:
do_TABLE_GROW:
do_TABLE_SIZE:
do_TABLE_FILL:
careful:
done:
failed:
    fvm__settle_common(v, sp);
settled:
    fvm__see_operands(v);
    v->d->in.at = at;
    return err;
}
#undef NEXT
#undef COMMON_CUSTOM
#undef COMMON_MEM
#undef COMMON_NONE
