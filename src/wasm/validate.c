/* validate.c - the one forward pass over function bodies: decode, check types, simulate the
 * limiter's height, cut metered blocks, drive the back end. Time and memory are linear in the
 * bytes of the body, whatever they are: nothing is expanded, nothing recurs. */
#include "wasm/validate.h"

/* --- the common path ----------------------------------------------------------------------------
 *
 * Nearly all instructions of real modules are of a few kinds, stand in live code, have short
 * immediates and the operands they want. These are checked here with what matters in registers;
 * the limiter's height moves with the type stack, and costs are counted and added at the end.
 * Whatever is not so is left to the careful path, which begins the instruction anew: nothing here
 * changes before all is checked, and no module is refused here. */

typedef enum form {
    CAREFUL,
    GET_LOCAL,
    SET_LOCAL,
    TEE_LOCAL,
    CONST_I32,
    CONST_I64,
    UNARY,
    BINARY,
    LOAD,
    STORE,
    DROP,
    SELECT,
    CALL,
    GET_GLOBAL,
    SET_GLOBAL,
} form;

static void fill_forms(fvm__validator *v)
{
    static const struct {
        uint8_t code, form;
    } rows[] = {
        { FVM__OP_LOCAL_GET, GET_LOCAL },   { FVM__OP_LOCAL_SET, SET_LOCAL },
        { FVM__OP_LOCAL_TEE, TEE_LOCAL },   { FVM__OP_I32_CONST, CONST_I32 },
        { FVM__OP_I64_CONST, CONST_I64 },   { FVM__OP_DROP, DROP },
        { FVM__OP_SELECT, SELECT },         { FVM__OP_CALL, CALL },
        { FVM__OP_GLOBAL_GET, GET_GLOBAL }, { FVM__OP_GLOBAL_SET, SET_GLOBAL },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) v->forms[rows[i].code] = rows[i].form;
    for (unsigned code = 0; code < sizeof v->forms; code++) {
        const fvm__op_info *info = &fvm__op_infos[code];
        bool extends = code >= FVM__OP_I32_EXTEND8_S && code <= FVM__OP_I64_EXTEND32_S;
        if (info->imm == FVM__IMM_MEM && v->m->n_memories)
            v->forms[code] = info->push[0] ? LOAD : STORE;
        if (info->imm == FVM__IMM_NONE && (!extends || v->m->rules.sign_extension))
            v->forms[code] = info->n_pops == 1 ? UNARY : BINARY;
    }
}

/* A number of up to four bytes; NULL for a longer one. Signed ones are shifted left by `*spare`. */
static const uint8_t *read_longer(uint32_t *out, unsigned *spare, const uint8_t *p,
                                  const uint8_t *end)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28 && p != end; shift += 7) {
        uint32_t byte = *p++;
        value |= (byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *out = value;
        *spare = 25 - shift;
        return p;
    }
    return NULL;
}
static inline const uint8_t *read_short(uint32_t *out, const uint8_t *p, const uint8_t *end)
{
    unsigned spare;
    if (FVM_UNLIKELY(p == end || *p >= 0x80)) return read_longer(out, &spare, p, end);
    *out = *p;
    return p + 1;
}
static inline const uint8_t *read_short_signed(int32_t *out, const uint8_t *p, const uint8_t *end)
{
    uint32_t value;
    unsigned spare = 25;
    if (FVM_UNLIKELY(p == end || *p >= 0x80)) {
        p = read_longer(&value, &spare, p, end);
        if (!p) return NULL;
    } else {
        value = *p++;
    }
    *out = (int32_t)(value << spare) >> spare;
    return p;
}

/* The local that a near index names, if the careful path has seen it; else NOT_NEAR. */
static inline uint32_t near_local(const fvm__validator *v, const uint8_t *p, const uint8_t *end)
{
    return p != end && *p < FVM__NEAR_LOCALS ? v->near[*p] : FVM__NOT_NEAR;
}

static inline bool pair_is(const char *at, const char *letters)
{
    return at[0] == letters[0] && at[1] == letters[1];
}

/* The operands are of these types; NULs of the stack match none. */
static inline bool operands_are(const char *sp, const char *types, uint32_t n)
{
    while (n--)
        if (*--sp != types[n]) return false;
    return true;
}

/* The charge of the open metered block has to stand before its first instruction that costs. False
 * if the instruction at hand is for the careful path. */
static fvm_err begin_common(fvm__validator *v, bool *go)
{
    const fvm__reader *in = &v->d->in;
    *go = in->at != in->end && v->forms[*in->at] != CAREFUL;
    if (!*go || !v->metered) return FVM_OK;
    fvm__control *top = fvm__top(v);
    if (v->meter.starts[top->meter.start].announced) return FVM_OK;
    *go = *in->at != FVM__OP_DROP; /* which is free */
    return *go ? fvm__meter_announce(&v->meter, &top->meter, true) : FVM_OK;
}

/* After `n` instructions that cost `units` of the price, which used the stack up to `peak`. */
static void end_common(fvm__validator *v, const char *sp, const char *peak, uint32_t n,
                       uint64_t units)
{
    uint32_t had = v->n_operands, now = (uint32_t)(sp - v->operands);
    uint32_t most = (uint32_t)(peak - v->operands), logical = most - v->n_control - 1;
    v->n_operands = now;
    v->position += n;
    if (logical > v->max_operands) v->max_operands = logical;
    if (!v->metered) return;
    uint32_t height = v->limiter.height;
    if (height + (most - had) > v->limiter.max) v->limiter.max = height + (most - had);
    v->limiter.height = height + now - had;
    fvm__meter_entry *meter = &fvm__top(v)->meter;
    if (!fvm_add_u64(&meter->cost, meter->cost, units * v->price)) v->meter.overflow = true;
}

static fvm_err run_common(fvm__validator *v)
{
    bool go;
    FVM_TRY(begin_common(v, &go));
    if (!go) return FVM_OK;

    fvm__backend *be = v->be;
    const fvm__backend_ops *ops = be->ops;
    const fvm_wasm_module *m = v->m;
    const uint8_t *at = v->d->in.at, *const end = v->d->in.end;
    char *sp = v->operands + v->n_operands, *peak = sp;
    uint32_t n = 0;
    int64_t more = 0; /* units beyond one for each instruction */
    fvm_err err = FVM_OK;
    for (; at != end && err == FVM_OK; n++) {
        const uint8_t *p = at + 1;
        fvm__opcode code = (fvm__opcode)*at;
        const fvm__op_info *info = &fvm__op_infos[code];
        uint32_t number;
        int32_t value;
        switch ((form)v->forms[code]) {
        case GET_LOCAL:
            number = near_local(v, p, end);
            if (number == FVM__NOT_NEAR) goto done;
            p++;
            *sp++ = (char)(number & 0xff);
            if (sp > peak) peak = sp;
            err = ops->local_get(be, number >> 8, (char)(number & 0xff));
            break;
        case SET_LOCAL:
            number = near_local(v, p, end);
            if (number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
            p++;
            sp--;
            err = ops->local_set(be, number >> 8, *sp, false);
            break;
        case TEE_LOCAL:
            number = near_local(v, p, end);
            if (number == FVM__NOT_NEAR || sp[-1] != (char)(number & 0xff)) goto done;
            p++;
            err = ops->local_set(be, number >> 8, sp[-1], true);
            break;
        case CONST_I32:
            if (!(p = read_short_signed(&value, p, end))) goto done;
            v->last_const = value;
            v->const_end = p;
            *sp++ = FVM_WASM_LETTER_I32;
            if (sp > peak) peak = sp;
            err = ops->constant(be, (uint32_t)value);
            break;
        case CONST_I64:
            if (!(p = read_short_signed(&value, p, end))) goto done;
            *sp++ = FVM_WASM_LETTER_I64;
            if (sp > peak) peak = sp;
            err = ops->constant(be, (uint64_t)(int64_t)value);
            break;
        case UNARY:
            if (sp[-1] != info->pops[0]) goto done;
            sp[-1] = info->push[0];
            err = ops->plain(be, code);
            break;
        case BINARY:
            if (!pair_is(sp - 2, info->pops)) goto done;
            sp--;
            sp[-1] = info->push[0];
            err = ops->plain(be, code);
            break;
        case LOAD:
            if (p == end || *p > fvm__natural_align[code - FVM__OP_I32_LOAD]) goto done;
            if (!(p = read_short(&number, p + 1, end))) goto done;
            if (sp[-1] != FVM_WASM_LETTER_I32) goto done;
            sp[-1] = info->push[0];
            err = ops->access(be, code, number);
            break;
        case STORE:
            if (p == end || *p > fvm__natural_align[code - FVM__OP_I32_LOAD]) goto done;
            if (!(p = read_short(&number, p + 1, end))) goto done;
            if (!pair_is(sp - 2, info->pops)) goto done;
            sp -= 2;
            err = ops->access(be, code, number);
            break;
        case DROP:
            if (!sp[-1]) goto done;
            sp--;
            more--;
            err = ops->plain(be, code);
            break;
        case SELECT:
            if (!pair_is(sp - 2, "ii") && !pair_is(sp - 2, "li")) goto done;
            if (sp[-3] != sp[-2]) goto done;
            sp -= 2;
            err = ops->plain(be, code);
            break;
        case CALL: {
            if (!(p = read_short(&number, p, end)) || number >= m->n_funcs) goto done;
            const fvm__functype *type = m->funcs[number].type;
            if (type->n_results > 1 || !operands_are(sp, type->params, type->n_params)) goto done;
            sp -= type->n_params;
            if (type->n_results) *sp++ = type->results[0];
            if (sp > peak) peak = sp;
            if (number >= m->n_func_imports) more += FVM__LIMITED_CALL_INSTRUCTIONS - 1;
            err = ops->op(be, &(fvm__op){ .code = code, .a = number });
            break;
        }
        case GET_GLOBAL:
            if (!(p = read_short(&number, p, end)) || number >= m->n_globals) goto done;
            *sp++ = m->globals[number].type;
            if (sp > peak) peak = sp;
            err = ops->op(be, &(fvm__op){ .code = code, .type = sp[-1], .a = number });
            break;
        case SET_GLOBAL:
            if (!(p = read_short(&number, p, end)) || number >= m->n_globals) goto done;
            if (!m->globals[number].is_mutable || m->globals[number].type != sp[-1]) goto done;
            sp--;
            err = ops->op(be, &(fvm__op){ .code = code, .type = *sp, .a = number });
            break;
        case CAREFUL:
        default: goto done;
        }
        at = p;
    }
done:
    v->d->in.at = at;
    end_common(v, sp, peak, n, (uint64_t)((int64_t)n + more));
    return err;
}

/* --- bodies ----------------------------------------------------------------------------------- */

static fvm_err get_opcode(fvm__validator *v, fvm__opcode *out)
{
    uint8_t byte;
    uint32_t sub;
    v->op_at = v->d->in.at;
    FVM_TRY(fvm__get_u8(v->d, &byte));
    if (byte == 0xfc) {
        FVM_TRY(fvm__get_u32(v->d, &sub));
        if (sub >= FVM__OP_COUNT - 0x100) return FVM__MALFORMED(v->d, "illegal opcode");
        *out = (fvm__opcode)(0x100 + sub);
    } else {
        *out = (fvm__opcode)byte;
    }
    if (fvm__op_infos[*out].imm == FVM__IMM_UNKNOWN) return FVM__MALFORMED(v->d, "illegal opcode");
    return FVM_OK;
}

static fvm_err run_careful(fvm__validator *v)
{
    fvm__opcode code = FVM__OP_NOP;
    FVM_TRY(get_opcode(v, &code));
    if (v->metered) fvm__limiter_observe(&v->limiter, &fvm__top(v)->limiter);
    if (code <= FVM__OP_RETURN) {
        FVM_TRY(fvm__op_control(v, code));
        v->zeroed_chunk = 0; /* what follows may be reached another way */
    } else {
        FVM_TRY(fvm__op_plain(v, code));
    }
    uint32_t operands = v->n_operands - v->n_control - 1;
    if (operands > v->max_operands) v->max_operands = operands;
    v->position++;
    return FVM_OK;
}

static fvm_err run_body(fvm__validator *v)
{
    while (v->n_control) {
        if (fvm__live(v) && !fvm__top(v)->limiter.polymorphic) FVM_TRY(run_common(v));
        FVM_TRY(run_careful(v));
    }
    if (v->d->in.at != v->d->in.end) return FVM__MALFORMED(v->d, "END opcode expected");
    return FVM_OK;
}

static fvm_err one_body(fvm__validator *v, uint32_t index)
{
    fvm__func_def *func = &v->m->funcs[index];
    FVM_TRY(fvm__get_locals(v, func));
    FVM_TRY(fvm__begin_body(v, index));
    FVM_TRY(run_body(v));
    if (v->metered) {
        if (v->limiter.failed) return FVM__UNSUPPORTED(v->d, "stack height underflows");
        if (v->meter.overflow) return FVM__UNSUPPORTED(v->d, "cost of a block overflows");
        if (v->needs_metering_local && v->n_locals == FVM__MAX_LOCALS)
            return FVM__UNSUPPORTED(v->d, "no local left to meter with");
        func->stack_cost += v->limiter.max;
        func->thunk_milligas = (uint64_t)v->price *
                               (FVM__LIMITED_CALL_INSTRUCTIONS + func->n_params);
    }
    fvm__settle_locals(v, func);
    uint64_t frame = 8 * ((uint64_t)func->n_locals + v->max_operands) + FVM__FRAME_OVERHEAD;
    if (frame > UINT32_MAX) return FVM__UNSUPPORTED(v->d, "too many operands");
    func->frame_bytes = (uint32_t)frame;
    return v->be->ops->func_end(v->be, v->max_operands);
}

static fvm_err all_bodies(fvm__validator *v)
{
    fvm__decoder *d = v->d;
    uint32_t n;
    FVM_TRY(fvm__get_count(d, &n, FVM__MAX_FUNCTIONS, "too many functions"));
    if (n != d->n_bodies_expected)
        return FVM__MALFORMED(d, "function and code section have inconsistent lengths");
    const uint8_t *section_end = d->in.end;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size;
        FVM_TRY(fvm__get_u32(d, &size));
        if (size > fvm__reader_left(&d->in)) return FVM__MALFORMED(d, "unexpected end");
        d->in.end = d->in.at + size;
        FVM_TRY(one_body(v, v->m->n_func_imports + i));
        d->in.end = section_end;
    }
    return v->be->ops->finish(v->be);
}

static fvm_err open_backend(fvm__decoder *d, fvm__backend **out)
{
    d->module->guarded = d->backend == FVM_WASM_BACKEND_X64_GUARD;
    bool compiled = d->backend == FVM_WASM_BACKEND_X64 || d->module->guarded ||
                    (d->backend == FVM_WASM_BACKEND_DEFAULT && fvm__x64_supported());
    return compiled ? fvm__x64_backend_new(out, d->module)
                    : fvm__interp_backend_new(out, d->module);
}

fvm_err fvm__decode_no_code(fvm__decoder *d)
{
    fvm__backend *be;
    FVM_TRY(open_backend(d, &be));
    be->ops->free(be);
    return FVM_OK;
}

fvm_err fvm__decode_code(fvm__decoder *d)
{
    fvm_wasm_module *m = d->module;
    fvm__validator v = {
        .d = d,
        .m = m,
        .alloc = m->alloc,
        .metered = fvm__is_metered(&m->rules),
        .price = m->rules.instruction_milligas,
    };
    d->has_code_section = true;
    if (d->image) return fvm__image_code(d);
    fill_forms(&v);
    memset(v.near, 0xff, sizeof v.near); /* FVM__NOT_NEAR */
    FVM_TRY(open_backend(d, &v.be));
    fvm__meter_init(&v.meter, v.be, d->listener, m->alloc);
    fvm_err err = all_bodies(&v);
    fvm__meter_deinit(&v.meter);
    v.be->ops->free(v.be);
    fvm_mem_free(m->alloc, v.operands, v.cap_operands);
    fvm_mem_free(m->alloc, v.control, v.cap_control * sizeof *v.control);
    fvm_mem_free(m->alloc, v.runs, v.cap_runs * sizeof *v.runs);
    fvm_mem_free(m->alloc, v.used, v.cap_used * sizeof *v.used);
    fvm_mem_free(m->alloc, v.depths, v.cap_depths * sizeof *v.depths);
    return err;
}
