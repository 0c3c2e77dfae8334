/* ledger_late.c - see ledger_late.h. */
#include "ledger_late.h"

static void insert(struct fvm__late_slice *s, fvm__late_entry entry)
{
    size_t i = (size_t)entry.hash & (s->cap - 1);
    while (s->slots[i].place) i = (i + 1) & (s->cap - 1);
    s->slots[i] = entry;
    s->count++;
}

fvm_err fvm__late_reserve(fvm__late *late, const fvm_allocator *alloc, unsigned slice, size_t more)
{
    struct fvm__late_slice *s = &late->slices[slice], bigger = { .cap = s->cap ? s->cap : 64 };
    if (more > SIZE_MAX / 64 - s->count) return FVM_ERR_NOMEM;
    while (bigger.cap / 4 * 3 < s->count + more) bigger.cap *= 2;
    if (bigger.cap == s->cap) return FVM_OK;
    bigger.slots = fvm_mem_zalloc(alloc, bigger.cap * sizeof *bigger.slots);
    if (!bigger.slots) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i].place) insert(&bigger, s->slots[i]);
    fvm_mem_free(alloc, s->slots, s->cap * sizeof *s->slots);
    *s = bigger;
    return FVM_OK;
}

void fvm__late_add(fvm__late *late, fvm__late_entry entry)
{
    insert(&late->slices[fvm__late_slice_of(entry.hash)], entry);
}

uint64_t fvm__late_find(const fvm__late *late, uint64_t hash, uint64_t below)
{
    const struct fvm__late_slice *s = &late->slices[fvm__late_slice_of(hash)];
    uint64_t found = 0;
    if (s->count == 0) return 0;
    for (size_t i = (size_t)hash & (s->cap - 1); s->slots[i].place; i = (i + 1) & (s->cap - 1)) {
        uint64_t place = s->slots[i].place;
        if (s->slots[i].hash == hash && place > found && place < below) found = place;
    }
    return found;
}

void fvm__late_copy(const fvm__late *late, unsigned slice, fvm__late_entry *out)
{
    const struct fvm__late_slice *s = &late->slices[slice];
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i].place) *out++ = s->slots[i];
}

void fvm__late_drop(fvm__late *late, unsigned slice)
{
    struct fvm__late_slice *s = &late->slices[slice];
    if (s->count) memset(s->slots, 0, s->cap * sizeof *s->slots);
    s->count = 0;
}

void fvm__late_deinit(fvm__late *late, const fvm_allocator *alloc)
{
    for (unsigned i = 0; i < FVM__LATE_SLICES; i++)
        fvm_mem_free(alloc, late->slices[i].slots,
                     late->slices[i].cap * sizeof *late->slices[i].slots);
    *late = (fvm__late){ 0 };
}
