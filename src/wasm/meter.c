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

fvm_err fvm__meter_more_starts(fvm__meter *meter)
{
    if (meter->cap_starts > UINT32_MAX / 4) return FVM_ERR_NOMEM;
    uint32_t cap = meter->cap_starts ? meter->cap_starts * 4 : 64;
    fvm__meter_start *grown = fvm_mem_resize(
        meter->alloc, meter->starts, meter->cap_starts * sizeof *grown, cap * sizeof *grown);
    if (!grown) return FVM_ERR_NOMEM;
    meter->starts = grown;
    meter->cap_starts = cap;
    return FVM_OK;
}

fvm_err fvm__meter_begin(fvm__meter *meter, fvm__meter_entry *entry, uint32_t func)
{
    meter->func = func;
    meter->n_starts = meter->n_charges = 0;
    *entry = (fvm__meter_entry){ .lowest_forward = 0 };
    return fvm__meter_start_at(meter, &entry->start, 0);
}

void fvm__meter_close(fvm__meter *meter, uint32_t id, uint64_t cost)
{
    uint32_t charge = meter->starts[id].charge;
    if (charge) meter->be->ops->charge_cost(meter->be, charge - 1, cost);
    if (meter->listener) {
        fvm__meter_block block = { meter->func, meter->starts[id].position, cost };
        meter->listener->block(meter->listener->ctx, &block);
    }
}
