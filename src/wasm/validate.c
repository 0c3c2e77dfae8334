/* validate.c - the one forward pass over function bodies: decode, check types, simulate the
 * limiter's height, cut metered blocks, drive the back end. Time and memory are linear in the
 * bytes of the body, whatever they are: nothing is expanded, nothing recurs. */
#include "wasm/validate.h"

/* --- tables from opcodes.def -------------------------------------------------------------------- */

enum { IMM_UNKNOWN, IMM_NONE, IMM_MEM, IMM_CUSTOM };
typedef struct op_info {
    uint8_t imm;
    uint8_t n_pops;
    char pops[3];
    char push[2]; /* empty: nothing */
} op_info;
static const op_info infos[FVM__OP_COUNT] = {
#define OP(name, code, imm, pops, push, text)                                                      \
    [FVM__OP_##name] = { IMM_##imm, sizeof(pops) - 1, pops, push },
#include "wasm/opcodes.def"
};

/* log2 of the bytes that a load or store touches */
static const uint8_t natural_align[] = {
    2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2,
};
_Static_assert(FVM_COUNT(natural_align) == FVM__OP_I64_STORE32 - FVM__OP_I32_LOAD + 1, "rows");

/* --- locals ----------------------------------------------------------------------------------- */

static fvm_err add_locals(fvm__validator *v, uint32_t count, char type)
{
    if (count == 0) return FVM_OK;
    uint32_t begin = v->n_locals;
    v->n_locals += count;
    for (uint32_t i = begin; i < v->n_locals && i < FVM__FAST_LOCALS; i++) v->fast_locals[i] = type;
    if (v->n_locals <= FVM__FAST_LOCALS) return FVM_OK;
    if (v->n_runs && v->runs[v->n_runs - 1].type == type) {
        v->runs[v->n_runs - 1].end = v->n_locals;
        return FVM_OK;
    }
    FVM_TRY(fvm__vector_grow(v->alloc, &v->runs, &v->cap_runs, (uint64_t)v->n_runs + 1,
                             sizeof *v->runs));
    v->runs[v->n_runs++] = (fvm__local_run){ .end = v->n_locals, .type = type };
    return FVM_OK;
}

static char local_type(const fvm__validator *v, uint32_t index)
{
    if (index < FVM__FAST_LOCALS) return v->fast_locals[index];
    uint32_t low = 0, high = v->n_runs - 1; /* the first run that ends past the index */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (v->runs[mid].end > index)
            high = mid;
        else
            low = mid + 1;
    }
    return v->runs[low].type;
}

/* The type of the local and the number under which the back end knows it. A body may declare many
 * locals in a few bytes: those that it does not use shall cost nothing when it runs. */
static fvm_err get_local(fvm__validator *v, uint32_t *place, char *type)
{
    uint32_t index;
    FVM_TRY(fvm__get_u32(v->d, &index));
    if (index >= v->n_locals) return FVM__INVALID(v->d, "unknown local");
    *type = local_type(v, index);
    *place = index;
    if (index < v->n_params || !fvm__live(v)) return FVM_OK;
    if (v->used[index].body != v->body) {
        v->used[index].body = v->body;
        v->used[index].place = v->n_used++;
    }
    *place = v->used[index].place;
    return FVM_OK;
}

/* Room to number `n` locals; what was there stays, marked by the body that it belongs to. */
static fvm_err begin_used(fvm__validator *v, uint32_t n)
{
    uint32_t had = v->cap_used;
    FVM_TRY(fvm__vector_grow(v->alloc, &v->used, &v->cap_used, n, sizeof *v->used));
    if (v->cap_used > had) memset(v->used + had, 0, (v->cap_used - had) * sizeof *v->used);
    v->body++;
    return FVM_OK;
}

/* Bodies with up to so many locals have all of them zeroed on entry. */
#define ZEROED_ON_ENTRY (2 * FVM__ZERO_CHUNK)

static uint32_t chunks_of(uint32_t locals)
{
    return (locals + FVM__ZERO_CHUNK - 1) / FVM__ZERO_CHUNK;
}

/* Numbers begin behind the parameters and, where locals are zeroed in chunks, a bitmap of those;
 * the first chunk belongs to the entry. */
static void place_locals(fvm__validator *v, fvm__func_def *func)
{
    uint32_t declared = v->n_locals - v->n_params;
    v->zeroed_chunk = 0;
    v->bitmap_at = v->n_used = v->n_params;
    v->chunks_at = func->n_locals = func->n_zeroed = v->n_locals;
    if (declared <= ZEROED_ON_ENTRY) return;
    uint32_t chunks = chunks_of(declared - FVM__ZERO_CHUNK);
    v->n_used += (chunks + 63) / 64;
    v->chunks_at = func->n_zeroed = v->n_used + FVM__ZERO_CHUNK;
    func->n_locals = v->chunks_at + chunks * FVM__ZERO_CHUNK;
}

/* When it is known which locals are in use; chunks count as a whole. */
static void settle_locals(const fvm__validator *v, fvm__func_def *func)
{
    func->n_locals = func->n_zeroed = v->n_used;
    if (v->n_used <= v->chunks_at) return;
    func->n_zeroed = v->chunks_at;
    func->n_locals = v->chunks_at + chunks_of(v->n_used - v->chunks_at) * FVM__ZERO_CHUNK;
}

/* Before live code uses a local. */
static fvm_err see_to_zero(fvm__validator *v, uint32_t place)
{
    if (place < v->chunks_at) return FVM_OK;
    uint32_t chunk = (place - v->chunks_at) / FVM__ZERO_CHUNK;
    if (v->zeroed_chunk == chunk + 1) return FVM_OK;
    v->zeroed_chunk = chunk + 1;
    return v->be->ops->zero_locals(v->be, v->chunks_at + chunk * FVM__ZERO_CHUNK, v->bitmap_at,
                                   chunk);
}

/* The declarations of a body; sets the function's number of locals and the limiter's L. */
static fvm_err get_locals(fvm__validator *v, fvm__func_def *func)
{
    uint32_t groups;
    v->n_locals = v->n_runs = 0;
    v->n_params = func->n_params;
    for (uint32_t i = 0; i < func->n_params; i++) FVM_TRY(add_locals(v, 1, func->type->params[i]));
    FVM_TRY(fvm__get_count(v->d, &groups, UINT32_MAX, ""));
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count;
        char type;
        FVM_TRY(fvm__get_u32(v->d, &count));
        if (count > FVM__MAX_LOCALS - v->n_locals) return FVM__MALFORMED(v->d, "too many locals");
        FVM_TRY(fvm__get_value_type(v->d, &type));
        FVM_TRY(add_locals(v, count, type));
    }
    bool by_count = v->m->rules.metering == FVM_WASM_METERING_V2;
    FVM_TRY(begin_used(v, v->n_locals));
    place_locals(v, func);
    func->stack_cost = !v->metered ? 0 : by_count ? v->n_locals - func->n_params : groups;
    return FVM_OK;
}

/* --- one instruction that is not control ------------------------------------------------------ */

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
    return push ? fvm__push(v, push) : FVM_OK;
}

/* A charge of `unit` for each unit of the top operand: at once when a constant stands before. */
static fvm_err linear_charge(fvm__validator *v, fvm__op *op, uint64_t unit)
{
    if (!v->metered || unit == 0) return FVM_OK;
    if (!v->after_const) {
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

/* Milligas of a direct call to a defined function: the call and what the limiter puts around it,
 * of which `unreachable` and `end` are free (engine.md 5). */
enum { LIMITED_CALL_INSTRUCTIONS = 13 };

static fvm_err op_call(fvm__validator *v, fvm__op *op, uint64_t *price)
{
    FVM_TRY(get_index(v, &op->a, v->m->n_funcs, "unknown function"));
    if (op->a >= v->m->n_func_imports) *price *= LIMITED_CALL_INSTRUCTIONS;
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
    return fvm__push(v, op->type);
}

static fvm_err op_variable(fvm__validator *v, fvm__op *op)
{
    if (op->code <= FVM__OP_LOCAL_TEE) {
        FVM_TRY(get_local(v, &op->a, &op->type));
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
        return fvm__push(v, 'i');
    default:
        FVM_TRY(get_index(v, &func, v->m->n_funcs, "unknown function"));
        if (!v->d->ref_of_func || !v->d->ref_of_func[func])
            return FVM__INVALID(v->d, "undeclared function reference");
        op->a = v->d->ref_of_func[func] - 1;
        return effect(v, "", 0, FVM_WASM_LETTER_FUNCREF);
    }
}

static fvm_err op_load_store(fvm__validator *v, fvm__op *op, const op_info *info)
{
    uint32_t align, offset;
    FVM_TRY(fvm__get_u32(v->d, &align));
    if (align >= 64) return FVM__MALFORMED(v->d, "malformed memop flags");
    FVM_TRY(fvm__get_u32(v->d, &offset));
    FVM_TRY(need_memory(v));
    if (align > natural_align[op->code - FVM__OP_I32_LOAD])
        return FVM__INVALID(v->d, "alignment must not be larger than natural");
    op->imm = offset;
    return effect(v, info->pops, info->n_pops, info->push[0]);
}

static fvm_err op_plain(fvm__validator *v, fvm__op *op, const op_info *info)
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

static fvm_err op_other(fvm__validator *v, fvm__opcode code, const op_info *info)
{
    fvm__op op = { .code = code };
    uint64_t price = v->price;
    bool live = fvm__live(v);
    if (info->imm == IMM_NONE)
        FVM_TRY(op_plain(v, &op, info));
    else if (info->imm == IMM_MEM)
        FVM_TRY(op_load_store(v, &op, info));
    else
        FVM_TRY(op_custom(v, &op, &price));
    if (price) FVM_TRY(fvm__charge(v, price));
    if (v->n_operands > v->max_operands) v->max_operands = v->n_operands;
    if (live) {
        if (code >= FVM__OP_LOCAL_GET && code <= FVM__OP_LOCAL_TEE) FVM_TRY(see_to_zero(v, op.a));
        FVM_TRY(v->be->ops->op(v->be, &op));
    }
    v->after_const = code == FVM__OP_I32_CONST;
    if (v->after_const) v->last_const = (int32_t)(uint32_t)op.imm;
    return FVM_OK;
}

/* --- bodies ----------------------------------------------------------------------------------- */

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
    if (infos[*out].imm == IMM_UNKNOWN) return FVM__MALFORMED(v->d, "illegal opcode");
    return FVM_OK;
}

static fvm_err run_body(fvm__validator *v)
{
    while (v->n_control) {
        fvm__opcode code = FVM__OP_NOP;
        FVM_TRY(get_opcode(v, &code));
        if (v->metered) fvm__limiter_observe(&v->limiter, &fvm__top(v)->limiter);
        if (code <= FVM__OP_RETURN) {
            FVM_TRY(fvm__op_control(v, code));
            v->after_const = false;
            v->zeroed_chunk = 0; /* what follows may be reached another way */
        } else {
            FVM_TRY(op_other(v, code, &infos[code]));
        }
        if (v->n_operands > v->max_operands) v->max_operands = v->n_operands;
        v->position++;
    }
    if (v->d->in.at != v->d->in.end) return FVM__MALFORMED(v->d, "END opcode expected");
    return FVM_OK;
}

static fvm_err one_body(fvm__validator *v, uint32_t index)
{
    fvm__func_def *func = &v->m->funcs[index];
    FVM_TRY(get_locals(v, func));
    FVM_TRY(fvm__begin_body(v, index));
    FVM_TRY(run_body(v));
    if (v->metered) {
        if (v->limiter.failed) return FVM__UNSUPPORTED(v->d, "stack height underflows");
        if (v->meter.overflow) return FVM__UNSUPPORTED(v->d, "cost of a block overflows");
        if (v->needs_metering_local && v->n_locals == FVM__MAX_LOCALS)
            return FVM__UNSUPPORTED(v->d, "no local left to meter with");
        func->stack_cost += v->limiter.max;
        func->thunk_milligas = (uint64_t)v->price * (LIMITED_CALL_INSTRUCTIONS + func->n_params);
    }
    settle_locals(v, func);
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
    bool compiled = d->backend == FVM_WASM_BACKEND_X64 ||
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
