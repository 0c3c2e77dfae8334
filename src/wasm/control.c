/* control.c - blocks and branches in the pass over a body. Each is four things at once: types, the
 * limiter's simulation, metered blocks, and what the back end is told. The order within one
 * instruction is: check, simulate, charge (which may announce a charge), tell, cut the block. */
#include "wasm/validate.h"

fvm_err fvm__begin_body(fvm__validator *v, uint32_t func)
{
    const fvm__functype *type = v->m->funcs[func].type;
    /* each byte pushes one entry at most; two more are NULs below everything */
    FVM_TRY(fvm__vector_grow(v->alloc, &v->operands, &v->cap_operands,
                             (uint64_t)fvm__reader_left(&v->d->in) + 2, 1));
    v->n_operands = v->n_control = v->max_operands = v->position = 0;
    v->const_end = NULL;
    v->needs_metering_local = false;
    fvm__push(v, '\0');
    FVM_TRY(fvm__push_control(v, FVM__OP_BLOCK, type, true));
    if (v->metered) {
        fvm__limiter_start(&v->limiter);
        FVM_TRY(fvm__meter_begin(&v->meter, &fvm__top(v)->meter, func));
    }
    return v->be->ops->func_begin(v->be, func);
}

/* --- blocks ----------------------------------------------------------------------------------- */

const fvm__functype *fvm__near_block_type(const fvm_wasm_rules *rules, uint8_t byte)
{
    static const fvm__functype none = { .params = "", .results = "" };
    static const fvm__functype one[] = {
#define ONE(letter) { .params = "", .results = letter, .n_results = 1 }
        ONE("i"), ONE("l"), ONE("f"), ONE("d"), ONE("r"), ONE("e"),
#undef ONE
    };
    if (byte == 0x40) return &none;
    char letter = byte > 0x40 && byte < 0x80 ? fvm__type_letter(rules, byte) : 0;
    for (size_t i = 0; i < FVM_COUNT(one); i++)
        if (letter && one[i].results[0] == letter) return &one[i];
    return NULL;
}

static fvm_err get_block_type(fvm__validator *v, const fvm__functype **out)
{
    fvm__decoder *d = v->d;
    int64_t index;
    if (!fvm__read_s33(&d->in, &index)) return FVM__MALFORMED(d, "malformed block type");
    if (index < 0) { /* one byte, or more that say the same */
        *out = index < -64 ? NULL : v->blocks[index & 0x7f];
        return *out ? FVM_OK : FVM__MALFORMED(d, "malformed block type");
    }
    if (!v->m->rules.multi_value) return FVM__INVALID(d, "block type by index, which is off");
    if (index >= v->m->n_types) return FVM__INVALID(d, "unknown type");
    *out = &v->m->types[index];
    return FVM_OK;
}

static fvm_err op_block(fvm__validator *v, fvm__opcode code)
{
    const fvm__functype *type;
    bool live = fvm__live(v);
    FVM_TRY(get_block_type(v, &type));
    if (code == FVM__OP_IF) FVM_TRY(fvm__pop(v, FVM_WASM_LETTER_I32));
    FVM_TRY(fvm__pop_all(v, type->params, type->n_params));
    if (v->metered) {
        if (code == FVM__OP_IF) {
            fvm__sim_pop(v, 1);
            FVM_TRY(fvm__charge(v, v->price));
        } else if (code == FVM__OP_LOOP) {
            FVM_TRY(fvm__meter_announce(&v->meter, &fvm__top(v)->meter, live));
        }
    }
    if (live) FVM_TRY(v->be->ops->block(v->be, code, type));
    FVM_TRY(fvm__push_control(v, code, type, live));
    if (v->metered) {
        fvm__control *top = fvm__top(v);
        top->limiter = fvm__limiter_block(&v->limiter);
        FVM_TRY(fvm__meter_open(&v->meter, &top->meter, &top[-1].meter, v->n_control - 1, code,
                                v->position + 1));
    }
    return fvm__push_all(v, type->params, type->n_params);
}

/* The operands at the end of a block are its results and nothing else. */
static inline fvm_err check_block_end(fvm__validator *v)
{
    const fvm__control *top = fvm__top(v);
    FVM_TRY(fvm__pop_all(v, top->type->results, top->type->n_results));
    if (v->n_operands != top->height) return FVM__INVALID(v->d, "type mismatch: operands left");
    return FVM_OK;
}

static inline fvm_err finish_block(fvm__validator *v)
{
    return fvm__meter_finish(&v->meter, &fvm__top(v)->meter, fvm__parent_meter(v), v->position + 1);
}

static fvm_err op_else(fvm__validator *v)
{
    fvm__control *top = fvm__top(v);
    bool live = fvm__live(v);
    if (top->code != FVM__OP_IF) return FVM__MALFORMED(v->d, "else without if");
    FVM_TRY(check_block_end(v));
    if (v->metered) FVM_TRY(finish_block(v));
    if (top->entered) FVM_TRY(v->be->ops->else_(v->be, live));
    top->code = FVM__OP_ELSE;
    top->dead = false;
    return fvm__push_all(v, top->type->params, top->type->n_params);
}

static fvm_err op_end(fvm__validator *v)
{
    const fvm__control *closing = fvm__top(v); /* stays where it is when it is popped */
    bool live = fvm__live(v), no_else = closing->code == FVM__OP_IF;
    FVM_TRY(check_block_end(v));
    if (no_else &&
        (closing->type->n_params != closing->type->n_results ||
         memcmp(closing->type->params, closing->type->results, closing->type->n_params) != 0))
        return FVM__INVALID(v->d, "type mismatch: if without else");
    if (v->metered) {
        FVM_TRY(finish_block(v));
        fvm__limiter_end(&v->limiter, &closing->limiter, closing->type->n_results);
    }
    uint32_t lowest = fvm__top(v)->meter.lowest_forward;
    v->n_control--;
    v->n_operands--; /* the NUL */
    if (v->metered && v->n_control) {
        fvm__meter_entry *top = &fvm__top(v)->meter;
        if (lowest < top->lowest_forward) top->lowest_forward = lowest;
        if (lowest < v->n_control) FVM_TRY(finish_block(v));
    }
    if (closing->entered) FVM_TRY(v->be->ops->end(v->be, live, no_else));
    return v->n_control ? fvm__push_all(v, closing->type->results, closing->type->n_results)
                        : FVM_OK;
}

/* --- branches --------------------------------------------------------------------------------- */

static fvm_err get_depth(fvm__validator *v, uint32_t *depth)
{
    if (!fvm__read_u32(&v->d->in, depth)) return FVM__MALFORMED(v->d, "malformed 32-bit integer");
    return *depth < v->n_control ? FVM_OK : FVM__INVALID(v->d, "unknown label");
}

static fvm_err op_br(fvm__validator *v, fvm__opcode code)
{
    uint32_t depth = v->n_control - 1, n;
    const char *types;
    bool live = fvm__live(v);
    if (code != FVM__OP_RETURN) FVM_TRY(get_depth(v, &depth));
    const fvm__control *target = &v->control[v->n_control - 1 - depth];
    fvm__label_types(target, &types, &n);
    if (code == FVM__OP_BR_IF) FVM_TRY(fvm__pop(v, FVM_WASM_LETTER_I32));
    FVM_TRY(fvm__pop_all(v, types, n));
    if (v->metered) {
        uint32_t arity = fvm__branch_arity(target);
        fvm__sim_pop(v, arity);
        if (code == FVM__OP_BR_IF) {
            fvm__sim_pop(v, 1);
            fvm__limiter_push(&v->limiter, arity);
        } else {
            fvm__top(v)->limiter.polymorphic = true;
        }
        if (code != FVM__OP_RETURN) FVM_TRY(fvm__charge(v, v->price));
    }
    if (live) FVM_TRY(v->be->ops->br(v->be, code == FVM__OP_BR_IF ? code : FVM__OP_BR, depth));
    if (v->metered) {
        FVM_TRY(finish_block(v));
        fvm__note_target(v, depth);
    }
    if (code == FVM__OP_BR_IF) return fvm__push_all(v, types, n);
    fvm__set_dead(v);
    return FVM_OK;
}

/* Reads the targets into v->depths, the default last, and checks them. */
static fvm_err get_targets(fvm__validator *v, uint32_t *count)
{
    uint32_t n, arity, last = FVM__NO_INDEX;
    const char *types;
    FVM_TRY(fvm__get_count(v->d, &n, FVM__MAX_BR_TABLE, "br_table too large"));
    FVM_TRY(
        fvm__vector_grow(v->alloc, &v->depths, &v->cap_depths, (uint64_t)n + 1, sizeof *v->depths));
    for (uint32_t i = 0; i <= n; i++) FVM_TRY(get_depth(v, &v->depths[i]));
    fvm__label_types(&v->control[v->n_control - 1 - v->depths[n]], &types, &arity);
    for (uint32_t i = 0; i <= n; i++) {
        uint32_t target_arity;
        if (v->depths[i] == last) continue;
        last = v->depths[i];
        fvm__label_types(&v->control[v->n_control - 1 - last], &types, &target_arity);
        if (target_arity != arity) return FVM__INVALID(v->d, "type mismatch: br_table arities");
        FVM_TRY(fvm__check_top(v, types, target_arity));
    }
    *count = n;
    return FVM_OK;
}

static fvm_err simulate_br_table(fvm__validator *v, uint32_t n)
{
    uint32_t top = v->n_control - 1;
    uint32_t arity = fvm__branch_arity(&v->control[top - v->depths[n]]);
    for (uint32_t i = 0; i < n; i++)
        if (fvm__branch_arity(&v->control[top - v->depths[i]]) != arity)
            return FVM__UNSUPPORTED(v->d, "br_table arities");
    fvm__sim_pop(v, arity); /* the index is not taken: so it is in the reference */
    v->control[top].limiter.polymorphic = true;
    return fvm__charge(v, v->price);
}

static fvm_err op_br_table(fvm__validator *v)
{
    uint32_t n = 0;
    bool live = fvm__live(v);
    FVM_TRY(fvm__pop(v, FVM_WASM_LETTER_I32));
    FVM_TRY(get_targets(v, &n));
    if (v->metered) FVM_TRY(simulate_br_table(v, n));
    if (live) FVM_TRY(v->be->ops->br_table(v->be, v->depths, n));
    if (v->metered) {
        FVM_TRY(finish_block(v));
        /* 0.4.0 forgets the default label; consensus now (engine.md 6) */
        uint32_t noted = v->m->rules.metering == FVM_WASM_METERING_V2 ? n + 1 : n;
        for (uint32_t i = 0; i < noted; i++) fvm__note_target(v, v->depths[i]);
    }
    fvm__set_dead(v);
    return FVM_OK;
}

static fvm_err op_unreachable(fvm__validator *v)
{
    bool live = fvm__live(v);
    if (v->metered) {
        FVM_TRY(fvm__meter_announce(&v->meter, &fvm__top(v)->meter, live));
        fvm__top(v)->limiter.polymorphic = true;
    }
    fvm__op op = { .code = FVM__OP_UNREACHABLE };
    if (live) FVM_TRY(v->be->ops->op(v->be, &op));
    fvm__set_dead(v);
    return FVM_OK;
}

fvm_err fvm__op_control(fvm__validator *v, fvm__opcode code)
{
    switch (code) {
    case FVM__OP_UNREACHABLE: return op_unreachable(v);
    case FVM__OP_NOP: return FVM_OK;
    case FVM__OP_BLOCK:
    case FVM__OP_LOOP:
    case FVM__OP_IF: return op_block(v, code);
    case FVM__OP_ELSE: return op_else(v);
    case FVM__OP_END: return op_end(v);
    case FVM__OP_BR_TABLE: return op_br_table(v);
    default: return op_br(v, code);
    }
}
