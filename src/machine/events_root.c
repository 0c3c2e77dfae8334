#include "events_root.h"

#include "ipld/amt.h"
#include "ipld/cbor.h"

#define EVENTS_BIT_WIDTH 5

/* [emitter id, [[flags, key text, codec, value bytes]...]] */
static fvm_err put_event(fvm_buf *out, const fvm_event *event)
{
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm_cbor_put_uint(out, event->emitter));
    FVM_TRY(fvm_cbor_put_array(out, event->count));
    for (uint32_t i = 0; i < event->count; i++) {
        const fvm_event_entry *e = &event->entries[i];
        FVM_TRY(fvm_cbor_put_array(out, 4));
        FVM_TRY(fvm_cbor_put_uint(out, e->flags));
        FVM_TRY(fvm_cbor_put_text(out, e->key));
        FVM_TRY(fvm_cbor_put_uint(out, e->codec));
        FVM_TRY(fvm_cbor_put_bytes(out, e->value));
    }
    return FVM_OK;
}

/* A store that takes blocks and forgets them: only the root's CID is wanted. */
static fvm_err discard_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    (void)self, (void)out, (void)cid;
    return FVM_ERR_NOT_FOUND;
}
static fvm_err discard_has(void *self, bool *out, const fvm_cid *cid)
{
    (void)self, (void)cid;
    *out = false;
    return FVM_OK;
}
static fvm_err discard_put(void *self, const fvm_block *blocks, size_t count)
{
    (void)self, (void)blocks, (void)count;
    return FVM_OK;
}
static const fvm_blockstore_ops discard_ops = {
    .get = discard_get,
    .has = discard_has,
    .put_many = discard_put,
};

static fvm_err fill(fvm_amt *amt, fvm_buf *out, const fvm_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t start = out->len;
        FVM_TRY(put_event(out, &events[i]));
        FVM_TRY(fvm_amt_set(amt, i, (fvm_bytes){ out->ptr + start, out->len - start }));
    }
    return FVM_OK;
}

fvm_err fvm_events_root(fvm_cid *root, fvm_buf *out, const fvm_event *events, size_t count,
                        const fvm_allocator *alloc)
{
    fvm_blockstore discard = { &discard_ops, NULL };
    fvm_amt *amt;
    FVM_TRY(fvm_amt_new(&amt, &discard, EVENTS_BIT_WIDTH, alloc));
    fvm_err err = fill(amt, out, events, count);
    if (err == FVM_OK) err = fvm_amt_flush(amt, root);
    fvm_amt_free(amt);
    return err;
}
