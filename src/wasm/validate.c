/* validate.c - the one forward pass over function bodies: decode, check types, simulate the
 * limiter's height, cut metered blocks, drive the back end. Time and memory are linear in the
 * bytes of the body, whatever they are: nothing is expanded, nothing recurs. */
#include "wasm/common.h"

/* --- the common path (common.h) ----------------------------------------------------------------- */

const uint8_t fvm__common_kinds[256] = {
    [FVM__OP_I32_LOAD... FVM__OP_I64_STORE32] = FVM__KIND_CHARGED,
    [FVM__OP_I32_EQZ... FVM__OP_I64_EXTEND32_S] = FVM__KIND_CHARGED,
    [FVM__OP_LOCAL_GET] = FVM__KIND_CHARGED,
    [FVM__OP_LOCAL_SET] = FVM__KIND_CHARGED,
    [FVM__OP_LOCAL_TEE] = FVM__KIND_CHARGED,
    [FVM__OP_I32_CONST] = FVM__KIND_CHARGED,
    [FVM__OP_I64_CONST] = FVM__KIND_CHARGED,
    [FVM__OP_SELECT] = FVM__KIND_CHARGED,
    [FVM__OP_CALL] = FVM__KIND_CHARGED,
    [FVM__OP_GLOBAL_GET] = FVM__KIND_CHARGED,
    [FVM__OP_GLOBAL_SET] = FVM__KIND_CHARGED,
    [FVM__OP_BLOCK] = FVM__KIND_FREE,
    [FVM__OP_LOOP] = FVM__KIND_FREE,
    [FVM__OP_IF] = FVM__KIND_FREE,
    [FVM__OP_ELSE] = FVM__KIND_FREE,
    [FVM__OP_END] = FVM__KIND_FREE,
    [FVM__OP_BR] = FVM__KIND_FREE,
    [FVM__OP_BR_IF] = FVM__KIND_FREE,
    [FVM__OP_UNREACHABLE] = FVM__KIND_FREE,
    [FVM__OP_DROP] = FVM__KIND_FREE,
};

/* --- bodies ----------------------------------------------------------------------------------- */

static const bool is_control[256] = {
    [FVM__OP_BLOCK] = true, [FVM__OP_LOOP] = true,   [FVM__OP_IF] = true,
    [FVM__OP_ELSE] = true,  [FVM__OP_END] = true,    [FVM__OP_BR] = true,
    [FVM__OP_BR_IF] = true, [FVM__OP_RETURN] = true, [FVM__OP_BR_TABLE] = true,
};

static fvm_err get_opcode(fvm__validator *v, fvm__opcode *out)
{
    uint8_t byte;
    uint32_t sub;
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
    v->op_at = v->d->in.at;
    if (FVM_LIKELY(v->op_at != v->d->in.end && is_control[*v->op_at])) {
        code = (fvm__opcode)*v->op_at;
        v->d->in.at++;
    } else {
        FVM_TRY(get_opcode(v, &code));
    }
    if (v->metered) fvm__limiter_observe(&v->limiter, &fvm__top(v)->limiter);
    if (code <= FVM__OP_RETURN) {
        FVM_TRY(fvm__op_control(v, code));
        v->zeroed_chunk = 0; /* what follows may be reached another way */
    } else {
        FVM_TRY(fvm__op_plain(v, code));
    }
    fvm__see_operands(v);
    v->position++;
    return FVM_OK;
}

static fvm_err run_body(fvm__validator *v)
{
    while (v->n_control) {
        if (fvm__live(v) && !fvm__top(v)->limiter.polymorphic) FVM_TRY(v->be->ops->common(v));
        FVM_TRY(run_careful(v));
    }
    if (v->d->in.at != v->d->in.end) return FVM__MALFORMED(v->d, "END opcode expected");
    return FVM_OK;
}

/* How far the common path may go in a body: behind it there are FVM__SLACK bytes up to the module's
 * end. */
static const uint8_t *common_end(const fvm__reader *body, const uint8_t *end)
{
    size_t behind = (size_t)(end - body->end);
    if (behind >= FVM__SLACK) return body->end;
    size_t missing = FVM__SLACK - behind;
    return fvm__reader_left(body) > missing ? body->end - missing : body->at;
}

static fvm_err one_body(fvm__validator *v, uint32_t index)
{
    fvm__func_def *func = &v->m->funcs[index];
    FVM_TRY(fvm__get_locals(v, func));
    FVM_TRY(fvm__begin_body(v, index));
    v->end = common_end(&v->d->in, v->d->end);
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
    d->module->profiled = d->backend == FVM_WASM_BACKEND_PROFILE;
    return compiled ? fvm__x64_backend_new(out, d->module, fvm__reader_left(&d->in))
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
        .has_memory = m->n_memories > 0,
    };
    d->has_code_section = true;
    if (d->image) return fvm__image_code(d);
    for (unsigned byte = 0; byte < FVM_COUNT(v.blocks); byte++)
        v.blocks[byte] = fvm__near_block_type(&m->rules, (uint8_t)byte);
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
