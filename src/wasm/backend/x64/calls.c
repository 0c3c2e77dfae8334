/* calls.c - what leaves the function: calls, and instructions that a helper in C carries out. All
 * registers are the callee's: operands and changed locals are in their slots first. */
#include "wasm/backend/x64/x64.h"
#ifdef FVM__X64

#include <stddef.h>

#define AT(type, field) ((int32_t)offsetof(struct type, field))

static void leave(fvm__x64 *x)
{
    fvm__x_settle_all(x);
    fvm__x_flush(x);
    fvm__x_forget(x);
}

static void move_frame(fvm__x64 *x, unsigned ext, int32_t by)
{
    if (by == 0) return;
    fvm__alu_ri(&x->a, true, ext, FVM__X_FRAME, by);
    fvm__x_note(x, by);
}

static fvm_err emit_call(fvm__x64 *x, const fvm__op *op)
{
    const fvm_wasm_module *m = x->m;
    if (op->code == FVM__OP_CALL_INDIRECT) {
        fvm__call_to(&x->a, x->stubs.indirect);
    } else if (op->a < m->n_func_imports) {
        fvm__call_to(&x->a, x->stubs.import);
    } else if (op->a <= x->func) {
        fvm__call_to(&x->a, m->funcs[op->a].code_at);
    } else { /* waits for its function, whose index stands where the distance will */
        fvm__e8(&x->a, 0xe8);
        fvm__e32(&x->a, op->a);
        FVM_TRY(fvm__x_vector(x->alloc, &x->calls, &x->cap_calls, (uint64_t)x->n_calls + 1,
                              sizeof *x->calls));
        x->calls[x->n_calls++] = fvm__at(&x->a) - 4;
    }
    return FVM_OK;
}

static fvm_err push_results(fvm__x64 *x, const fvm__functype *type)
{
    unsigned d;
    if (type->n_results == 1) {
        FVM_TRY(fvm__x_push_reg(x, &d));
        fvm__rr(&x->a, fvm__x_wide(type->results[0]), 0x8b, d, RAX);
        return FVM_OK;
    }
    for (uint32_t i = 0; i < type->n_results; i++)
        FVM_TRY(fvm__x_push(x, (fvm__x_value){ .kind = X_SLOT }));
    return FVM_OK;
}

fvm_err fvm__x_op_call(fvm__x64 *x, const fvm__op *op)
{
    const fvm_wasm_module *m = x->m;
    bool indirect = op->code == FVM__OP_CALL_INDIRECT;
    const fvm__functype *type = indirect ? &m->types[op->a] : m->funcs[op->a].type;
    if (indirect) {
        fvm__x_copy(x, RCX, x->h - 1);
        fvm__x_pop_one(x);
    }
    leave(x);
    fvm__x_pop(x, type->n_params);
    if (indirect) {
        fvm__mov_ri(&x->a, RDX, type->same_as);
        fvm__load64(&x->a, RAX, FVM__X_INSTANCE, AT(fvm_wasm_instance, tables));
        fvm__load64(&x->a, RAX, RAX, (int32_t)(op->b * 8));
    } else if (op->a < m->n_func_imports) {
        fvm__mov_ri(&x->a, RDX, op->a);
    }
    int32_t at = fvm__x_slot(x, x->h);
    move_frame(x, 0, at);
    FVM_TRY(emit_call(x, op));
    move_frame(x, 5, at);
    return push_results(x, type);
}

/* --- helpers ---------------------------------------------------------------------------------- */

fvm_err fvm__x_op_helper(fvm__x64 *x, fvm__x_helper *helper, uint32_t n_in, char out, uint32_t a,
                         uint32_t b)
{
    unsigned d;
    leave(x);
    uint32_t at = x->h - n_in;
    fvm__mov_ri(&x->a, RDX, a);
    fvm__mov_ri(&x->a, RCX, b);
    fvm__x_rslot(x, true, 0x8d, RSI, at);
    fvm__x_load_callee(x, (uintptr_t)helper);
    fvm__call_to(&x->a, x->stubs.helper);
    fvm__x_pop(x, n_in);
    if (!out) return FVM_OK;
    FVM_TRY(fvm__x_push_reg(x, &d));
    fvm__x_rslot(x, fvm__x_wide(out), 0x8b, d, at);
    return FVM_OK;
}

/* The charge for each unit of the top operand. */
static void charge_units(fvm__x64 *x, uint32_t milligas)
{
    leave(x);
    fvm__x_rslot(x, false, 0x8b, RAX, x->h - 1);
    fvm__rr(&x->a, true, 0x69, RAX, RAX);
    fvm__e32(&x->a, milligas);
    fvm__rr(&x->a, true, 0x2b, FVM__X_GAS, RAX);
    fvm__x_trap_if(x, CC_S, FVM_WASM_TRAP_OUT_OF_GAS);
}

static void drop_segment(fvm__x64 *x, int32_t field, uint32_t segment)
{
    fvm__load64(&x->a, RAX, FVM__X_INSTANCE, field);
    fvm__rm(&x->a, false, 0xc6, 0, RAX, (int32_t)segment);
    fvm__e8(&x->a, 1);
}

static fvm_err op_table_size(fvm__x64 *x, uint32_t table)
{
    unsigned d;
    FVM_TRY(fvm__x_push_reg(x, &d));
    fvm__load64(&x->a, RAX, FVM__X_INSTANCE, AT(fvm_wasm_instance, tables));
    fvm__load64(&x->a, RAX, RAX, (int32_t)(table * 8));
    fvm__load32(&x->a, d, RAX, AT(fvm__table, size));
    return FVM_OK;
}

fvm_err fvm__x_op_bulk(fvm__x64 *x, const fvm__op *op)
{
    if (op->charge) charge_units(x, op->charge);
    switch (op->code) {
    case FVM__OP_MEMORY_GROW: return fvm__x_op_helper(x, fvm__x64_memory_grow, 1, 'i', 0, 0);
    case FVM__OP_MEMORY_INIT: return fvm__x_op_helper(x, fvm__x64_memory_init, 3, 0, op->a, 0);
    case FVM__OP_MEMORY_COPY: return fvm__x_op_helper(x, fvm__x64_memory_copy, 3, 0, 0, 0);
    case FVM__OP_MEMORY_FILL: return fvm__x_op_helper(x, fvm__x64_memory_fill, 3, 0, 0, 0);
    case FVM__OP_DATA_DROP:
        drop_segment(x, AT(fvm_wasm_instance, data_dropped), op->a);
        return FVM_OK;
    case FVM__OP_ELEM_DROP:
        drop_segment(x, AT(fvm_wasm_instance, elem_dropped), op->a);
        return FVM_OK;
    case FVM__OP_TABLE_SIZE: return op_table_size(x, op->a);
    case FVM__OP_TABLE_GET: return fvm__x_op_helper(x, fvm__x64_table_get, 1, op->type, op->a, 0);
    case FVM__OP_TABLE_SET: return fvm__x_op_helper(x, fvm__x64_table_set, 2, 0, op->a, 0);
    case FVM__OP_TABLE_GROW: return fvm__x_op_helper(x, fvm__x64_table_grow, 2, 'i', op->a, 0);
    case FVM__OP_TABLE_FILL: return fvm__x_op_helper(x, fvm__x64_table_fill, 3, 0, op->a, 0);
    case FVM__OP_TABLE_INIT: return fvm__x_op_helper(x, fvm__x64_table_init, 3, 0, op->a, op->b);
    case FVM__OP_TABLE_COPY: return fvm__x_op_helper(x, fvm__x64_table_copy, 3, 0, op->a, op->b);
    default: return FVM_ERR_WASM_UNSUPPORTED; /* the front end shows no other */
    }
}
#endif
