/* plain.c - the careful form of each instruction that is neither block nor branch. */
#include "wasm/validate.h"

const fvm__op_info fvm__op_infos[FVM__OP_COUNT] = {
#define OP(name, code, imm, pops, push, text)                                                      \
    [FVM__OP_##name] = { FVM__IMM_##imm, sizeof(pops) - 1, push, pops },
#include "wasm/opcodes.def"
};

const uint8_t fvm__natural_align[] = {
    2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2,
};
_Static_assert(FVM_COUNT(fvm__natural_align) == FVM__OP_I64_STORE32 - FVM__OP_I32_LOAD + 1, "rows");

/* --- kinds of instructions -------------------------------------------------------------------- */

static fvm_err need_memory(fvm__validator *v)
{
    return v->m->n_memories ? FVM_OK : FVM__INVALID(v->d, "unknown memory");
}

static fvm_err get_index(fvm__validator *v, uint32_t *out, uint32_t count, const char *unknown)
{
    FVM_TRY(fvm__get_u32(v->d, out));
    return *out < count ? FVM_OK : FVM__INVALID(v->d, unknown);
}

static fvm_err get_zero_byte(fvm__validator *v)
{
    uint8_t zero;
    FVM_TRY(fvm__get_u8(v->d, &zero));
    if (zero != 0) return FVM__MALFORMED(v->d, "zero byte expected");
    return need_memory(v);
}

static fvm_err need_feature(fvm__validator *v, bool on)
{
    return on ? FVM_OK : FVM__UNSUPPORTED(v->d, "instruction of a feature that is off");
}

/* Takes operands by letters, leaves one (or none, NUL), in types and in the simulation. */
static fvm_err effect(fvm__validator *v, const char *pops, uint32_t n, char push)
{
    if (v->metered) {
        fvm__sim_pop(v, n);
        fvm__limiter_push(&v->limiter, push != 0);
    }
    for (uint32_t i = n; i-- > 0;) FVM_TRY(fvm__pop(v, pops[i]));
    if (push) fvm__push(v, push);
    return FVM_OK;
}

/* A charge of `unit` for each unit of the top operand: at once when a constant stands before. */
static fvm_err linear_charge(fvm__validator *v, fvm__op *op, uint64_t unit)
{
    if (!v->metered || unit == 0) return FVM_OK;
    if (v->const_end != v->op_at) {
        op->charge = (uint32_t)unit;
        v->needs_metering_local = true;
        return FVM_OK;
    }
    if (v->last_const < 0) return FVM__UNSUPPORTED(v->d, "negative constant in a charge");
    fvm__meter_entry *meter = &fvm__top(v)->meter;
    if (!fvm_add_u64(&meter->cost, meter->cost, (uint64_t)v->last_const * unit))
        v->meter.overflow = true;
    return FVM_OK;
}

static fvm_err check_call(fvm__validator *v, const fvm__functype *type)
{
    if (v->metered) {
        fvm__sim_pop(v, type->n_params);
        fvm__limiter_push(&v->limiter, type->n_results);
    }
    FVM_TRY(fvm__pop_all(v, type->params, type->n_params));
    return fvm__push_all(v, type->results, type->n_results);
}

static fvm_err op_call(fvm__validator *v, fvm__op *op, uint64_t *price)
{
    FVM_TRY(get_index(v, &op->a, v->m->n_funcs, "unknown function"));
    if (op->a >= v->m->n_func_imports) *price *= FVM__LIMITED_CALL_INSTRUCTIONS;
    return check_call(v, v->m->funcs[op->a].type);
}

static fvm_err op_call_indirect(fvm__validator *v, fvm__op *op)
{
    FVM_TRY(get_index(v, &op->a, v->m->n_types, "unknown type"));
    FVM_TRY(get_index(v, &op->b, v->m->n_tables, "unknown table"));
    if (v->m->tables[op->b].type != FVM_WASM_LETTER_FUNCREF)
        return FVM__INVALID(v->d, "type mismatch: table of other than functions");
    FVM_TRY(effect(v, "i", 1, 0));
    return check_call(v, &v->m->types[op->a]);
}

static fvm_err op_drop_select(fvm__validator *v, fvm__op *op)
{
    char first = 0, second = 0;
    if (op->code == FVM__OP_DROP) {
        if (v->metered) fvm__sim_pop(v, 1);
        return fvm__pop_slow(v, &op->type, FVM__UNKNOWN);
    }
    if (op->code == FVM__OP_SELECT_T) {
        uint32_t n;
        FVM_TRY(need_feature(v, v->m->rules.reference_types));
        if (v->metered) return FVM__UNSUPPORTED(v->d, "typed select cannot be metered");
        FVM_TRY(fvm__get_u32(v->d, &n));
        if (n != 1) return FVM__INVALID(v->d, "invalid result arity");
        FVM_TRY(fvm__get_value_type(v->d, &op->type));
        return effect(v, (const char[]){ op->type, op->type, 'i' }, 3, op->type);
    }
    FVM_TRY(fvm__pop(v, FVM_WASM_LETTER_I32));
    FVM_TRY(fvm__pop_slow(v, &second, FVM__UNKNOWN));
    FVM_TRY(fvm__pop_slow(v, &first, second));
    op->type = first == FVM__UNKNOWN ? second : first;
    if (fvm__is_ref(first) || fvm__is_ref(second))
        return FVM__INVALID(v->d, "type mismatch: select of references");
    if (v->metered) {
        fvm__sim_pop(v, 2);
        fvm__sim_pop(v, 1);
        fvm__limiter_push(&v->limiter, 1);
    }
    fvm__push(v, op->type);
    return FVM_OK;
}

static fvm_err op_variable(fvm__validator *v, fvm__op *op)
{
    if (op->code <= FVM__OP_LOCAL_TEE) {
        FVM_TRY(fvm__get_local(v, &op->a, &op->type));
        bool pops = op->code != FVM__OP_LOCAL_GET, pushes = op->code != FVM__OP_LOCAL_SET;
        return effect(v, &op->type, pops, pushes ? op->type : 0);
    }
    FVM_TRY(get_index(v, &op->a, v->m->n_globals, "unknown global"));
    const fvm__global_def *global = &v->m->globals[op->a];
    op->type = global->type;
    if (op->code == FVM__OP_GLOBAL_GET) return effect(v, "", 0, op->type);
    if (!global->is_mutable) return FVM__INVALID(v->d, "global is immutable");
    return effect(v, &op->type, 1, 0);
}

static fvm_err get_table(fvm__validator *v, fvm__op *op)
{
    FVM_TRY(get_index(v, &op->a, v->m->n_tables, "unknown table"));
    op->type = v->m->tables[op->a].type;
    return FVM_OK;
}

static fvm_err op_table(fvm__validator *v, fvm__op *op)
{
    uint64_t unit = v->m->rules.table_element_milligas;
    if (op->code != FVM__OP_TABLE_GET && op->code != FVM__OP_TABLE_SIZE)
        v->m->writes_tables = true; /* pool.c: tables of such modules are made anew */
    switch (op->code) {
    case FVM__OP_TABLE_GET:
    case FVM__OP_TABLE_SET:
    case FVM__OP_TABLE_GROW:
    case FVM__OP_TABLE_SIZE:
    case FVM__OP_TABLE_FILL: FVM_TRY(need_feature(v, v->m->rules.reference_types)); break;
    default: break;
    }
    if (op->code == FVM__OP_TABLE_INIT) {
        FVM_TRY(get_index(v, &op->b, v->m->n_elems, "unknown elem segment"));
        FVM_TRY(get_table(v, op));
        if (v->m->elems[op->b].type != op->type) return FVM__INVALID(v->d, "type mismatch");
        FVM_TRY(effect(v, "iii", 3, 0));
        return linear_charge(v, op, unit);
    }
    FVM_TRY(get_table(v, op));
    switch (op->code) {
    case FVM__OP_TABLE_GET: return effect(v, "i", 1, op->type);
    case FVM__OP_TABLE_SET: return effect(v, (const char[]){ 'i', op->type }, 2, 0);
    case FVM__OP_TABLE_SIZE: return effect(v, "", 0, 'i');
    case FVM__OP_TABLE_GROW:
        FVM_TRY(effect(v, (const char[]){ op->type, 'i' }, 2, 'i'));
        return linear_charge(v, op, unit);
    case FVM__OP_TABLE_FILL:
        FVM_TRY(effect(v, (const char[]){ 'i', op->type, 'i' }, 3, 0));
        return linear_charge(v, op, unit);
    default: /* TABLE_COPY: destination, source */
        FVM_TRY(get_index(v, &op->b, v->m->n_tables, "unknown table"));
        if (v->m->tables[op->b].type != op->type) return FVM__INVALID(v->d, "type mismatch");
        FVM_TRY(effect(v, "iii", 3, 0));
        return linear_charge(v, op, unit);
    }
}

static fvm_err op_memory(fvm__validator *v, fvm__op *op)
{
    uint64_t unit = v->m->rules.memory_byte_milligas;
    switch (op->code) {
    case FVM__OP_MEMORY_SIZE: FVM_TRY(get_zero_byte(v)); return effect(v, "", 0, 'i');
    case FVM__OP_MEMORY_GROW:
        FVM_TRY(get_zero_byte(v));
        FVM_TRY(effect(v, "i", 1, 'i'));
        return linear_charge(v, op, unit * FVM__PAGE_BYTES);
    case FVM__OP_MEMORY_COPY: FVM_TRY(get_zero_byte(v)); break;
    case FVM__OP_MEMORY_INIT:
        FVM_TRY(fvm__get_u32(v->d, &op->a));
        if (!v->d->has_data_count) return FVM__MALFORMED(v->d, "data count section required");
        if (op->a >= v->d->data_count) return FVM__INVALID(v->d, "unknown data segment");
        break;
    default: break;
    }
    FVM_TRY(get_zero_byte(v));
    FVM_TRY(effect(v, "iii", 3, 0));
    return linear_charge(v, op, unit);
}

static fvm_err op_const(fvm__validator *v, fvm__op *op)
{
    fvm_bytes raw;
    int64_t wide;
    int32_t narrow;
    switch (op->code) {
    case FVM__OP_I32_CONST:
        if (!fvm__read_s32(&v->d->in, &narrow))
            return FVM__MALFORMED(v->d, "malformed 32-bit integer");
        op->imm = (uint32_t)narrow;
        return effect(v, "", 0, 'i');
    case FVM__OP_I64_CONST:
        if (!fvm__read_s64(&v->d->in, &wide))
            return FVM__MALFORMED(v->d, "malformed 64-bit integer");
        op->imm = (uint64_t)wide;
        return effect(v, "", 0, 'l');
    case FVM__OP_F32_CONST:
        if (!fvm__read_bytes(&v->d->in, &raw, 4)) return FVM__MALFORMED(v->d, "unexpected end");
        op->imm = fvm_load_le32(raw.ptr);
        return effect(v, "", 0, 'f');
    default:
        if (!fvm__read_bytes(&v->d->in, &raw, 8)) return FVM__MALFORMED(v->d, "unexpected end");
        op->imm = fvm_load_le64(raw.ptr);
        return effect(v, "", 0, 'd');
    }
}

static fvm_err op_reference(fvm__validator *v, fvm__op *op)
{
    uint32_t func;
    char got = 0;
    FVM_TRY(need_feature(v, v->m->rules.reference_types));
    if (v->metered) return FVM__UNSUPPORTED(v->d, "reference instruction cannot be metered");
    switch (op->code) {
    case FVM__OP_REF_NULL:
        FVM_TRY(fvm__get_ref_type(v->d, &op->type));
        return effect(v, "", 0, op->type);
    case FVM__OP_REF_IS_NULL:
        FVM_TRY(fvm__pop_slow(v, &got, FVM__UNKNOWN));
        if (got != FVM__UNKNOWN && !fvm__is_ref(got)) return FVM__INVALID(v->d, "type mismatch");
        fvm__push(v, 'i');
        return FVM_OK;
    default:
        FVM_TRY(get_index(v, &func, v->m->n_funcs, "unknown function"));
        if (!v->d->ref_of_func || !v->d->ref_of_func[func])
            return FVM__INVALID(v->d, "undeclared function reference");
        op->a = v->d->ref_of_func[func] - 1;
        return effect(v, "", 0, FVM_WASM_LETTER_FUNCREF);
    }
}

static fvm_err op_load_store(fvm__validator *v, fvm__op *op, const fvm__op_info *info)
{
    uint32_t align, offset;
    FVM_TRY(fvm__get_u32(v->d, &align));
    if (align >= 64) return FVM__MALFORMED(v->d, "malformed memop flags");
    FVM_TRY(fvm__get_u32(v->d, &offset));
    FVM_TRY(need_memory(v));
    if (align > fvm__natural_align[op->code - FVM__OP_I32_LOAD])
        return FVM__INVALID(v->d, "alignment must not be larger than natural");
    op->imm = offset;
    return effect(v, info->pops, info->n_pops, info->push[0]);
}

static fvm_err op_plain(fvm__validator *v, fvm__op *op, const fvm__op_info *info)
{
    if (op->code >= FVM__OP_I32_EXTEND8_S && op->code <= FVM__OP_I64_EXTEND32_S)
        FVM_TRY(need_feature(v, v->m->rules.sign_extension));
    else if (op->code >= FVM__OP_I32_TRUNC_SAT_F32_S)
        FVM_TRY(need_feature(v, v->m->rules.saturating_conversion));
    return effect(v, info->pops, info->n_pops, info->push[0]);
}

static fvm_err op_custom(fvm__validator *v, fvm__op *op, uint64_t *price)
{
    switch (op->code) {
    case FVM__OP_CALL: return op_call(v, op, price);
    case FVM__OP_CALL_INDIRECT: return op_call_indirect(v, op);
    case FVM__OP_DROP: *price = 0; return op_drop_select(v, op);
    case FVM__OP_SELECT:
    case FVM__OP_SELECT_T: return op_drop_select(v, op);
    case FVM__OP_LOCAL_GET:
    case FVM__OP_LOCAL_SET:
    case FVM__OP_LOCAL_TEE:
    case FVM__OP_GLOBAL_GET:
    case FVM__OP_GLOBAL_SET: return op_variable(v, op);
    case FVM__OP_I32_CONST:
    case FVM__OP_I64_CONST:
    case FVM__OP_F32_CONST:
    case FVM__OP_F64_CONST: return op_const(v, op);
    case FVM__OP_REF_NULL:
    case FVM__OP_REF_IS_NULL:
    case FVM__OP_REF_FUNC: return op_reference(v, op);
    case FVM__OP_MEMORY_SIZE:
    case FVM__OP_MEMORY_GROW:
    case FVM__OP_MEMORY_INIT:
    case FVM__OP_MEMORY_COPY:
    case FVM__OP_MEMORY_FILL: return op_memory(v, op);
    case FVM__OP_DATA_DROP:
        FVM_TRY(fvm__get_u32(v->d, &op->a));
        if (!v->d->has_data_count) return FVM__MALFORMED(v->d, "data count section required");
        return op->a < v->d->data_count ? FVM_OK : FVM__INVALID(v->d, "unknown data segment");
    case FVM__OP_ELEM_DROP: return get_index(v, &op->a, v->m->n_elems, "unknown elem segment");
    default: return op_table(v, op);
    }
}

/* The back end hears of the commonest kinds by ways of their own. */
static fvm_err tell(fvm__validator *v, const fvm__op *op, const fvm__op_info *info)
{
    const fvm__backend_ops *ops = v->be->ops;
    switch (op->code) {
    case FVM__OP_LOCAL_GET:
        FVM_TRY(fvm__see_to_zero(v, op->a));
        return ops->local_get(v->be, op->a, op->type);
    case FVM__OP_LOCAL_SET:
    case FVM__OP_LOCAL_TEE:
        FVM_TRY(fvm__see_to_zero(v, op->a));
        return ops->local_set(v->be, op->a, op->type, op->code == FVM__OP_LOCAL_TEE);
    case FVM__OP_I32_CONST:
    case FVM__OP_I64_CONST:
    case FVM__OP_F32_CONST:
    case FVM__OP_F64_CONST: return ops->constant(v->be, op->imm);
    case FVM__OP_DROP:
    case FVM__OP_SELECT: return ops->plain(v->be, op->code);
    default: break;
    }
    if (info->imm == FVM__IMM_NONE) return ops->plain(v->be, op->code);
    if (info->imm == FVM__IMM_MEM) return ops->access(v->be, op->code, (uint32_t)op->imm);
    return ops->op(v->be, op);
}

fvm_err fvm__op_plain(fvm__validator *v, fvm__opcode code)
{
    const fvm__op_info *info = &fvm__op_infos[code];
    fvm__op op = { .code = code };
    uint64_t price = v->price;
    bool live = fvm__live(v);
    if (info->imm == FVM__IMM_NONE)
        FVM_TRY(op_plain(v, &op, info));
    else if (info->imm == FVM__IMM_MEM)
        FVM_TRY(op_load_store(v, &op, info));
    else
        FVM_TRY(op_custom(v, &op, &price));
    if (price) FVM_TRY(fvm__charge(v, price));
    if (live) FVM_TRY(tell(v, &op, info));
    if (code == FVM__OP_I32_CONST) {
        v->const_end = v->d->in.at;
        v->last_const = (int32_t)(uint32_t)op.imm;
    }
    return FVM_OK;
}
