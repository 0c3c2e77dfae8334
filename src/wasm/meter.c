/* meter.c - see meter.h. */
#include "wasm/meter.h"

void fvm__meter_init(fvm__meter *meter, fvm__backend *be, const fvm__meter_listener *listener,
                     const fvm_allocator *alloc)
{
    *meter = (fvm__meter){ .be = be, .listener = listener, .alloc = alloc };
}

void fvm__meter_deinit(fvm__meter *meter)
{
    fvm_mem_free(meter->alloc, meter->starts, meter->cap_starts * sizeof *meter->starts);
}

/* A new id for the instruction at `position`. There are fewer of them than bytes in the body. */
static fvm_err new_start(fvm__meter *meter, uint32_t *id, uint32_t position)
{
    if (meter->n_starts == meter->cap_starts) {
        uint32_t cap = meter->cap_starts ? meter->cap_starts * 2 : 64;
        fvm__meter_start *grown = fvm_mem_resize(
            meter->alloc, meter->starts, meter->cap_starts * sizeof *grown, cap * sizeof *grown);
        if (!grown) return FVM_ERR_NOMEM;
        meter->starts = grown;
        meter->cap_starts = cap;
    }
    meter->starts[meter->n_starts] = (fvm__meter_start){ .position = position };
    *id = meter->n_starts++;
    return FVM_OK;
}

fvm_err fvm__meter_begin(fvm__meter *meter, fvm__meter_entry *entry, uint32_t func)
{
    meter->func = func;
    meter->n_starts = 0;
    *entry = (fvm__meter_entry){ .lowest_forward = 0 };
    return new_start(meter, &entry->start, 0);
}

fvm_err fvm__meter_announce(fvm__meter *meter, fvm__meter_entry *top, bool live)
{
    fvm__meter_start *start = &meter->starts[top->start];
    if (start->announced || !live) return FVM_OK;
    start->announced = true;
    return meter->be->ops->charge_begin(meter->be, top->start);
}

fvm_err fvm__meter_add(fvm__meter *meter, fvm__meter_entry *top, uint64_t milligas, bool live)
{
    if (!fvm_add_u64(&top->cost, top->cost, milligas)) meter->overflow = true;
    return fvm__meter_announce(meter, top, live);
}

fvm_err fvm__meter_open(fvm__meter *meter, fvm__meter_entry *entry, const fvm__meter_entry *parent,
                        uint32_t index, fvm__opcode code, uint32_t next)
{
    *entry = (fvm__meter_entry){ .lowest_forward = index,
                                 .start = parent->start,
                                 .is_loop = code == FVM__OP_LOOP };
    return code == FVM__OP_BLOCK ? FVM_OK : new_start(meter, &entry->start, next);
}

fvm_err fvm__meter_finish(fvm__meter *meter, fvm__meter_entry *top, fvm__meter_entry *parent,
                          uint32_t next)
{
    uint32_t id = top->start;
    uint64_t cost = top->cost;
    top->cost = 0;
    if (parent && parent->start == id) {
        if (!fvm_add_u64(&parent->cost, parent->cost, cost)) meter->overflow = true;
    } else if (cost > 0) {
        if (meter->starts[id].announced) meter->be->ops->charge_cost(meter->be, id, cost);
        if (meter->listener) {
            fvm__meter_block block = { meter->func, meter->starts[id].position, cost };
            meter->listener->block(meter->listener->ctx, &block);
        }
    }
    return new_start(meter, &top->start, next);
}
