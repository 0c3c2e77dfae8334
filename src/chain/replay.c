/* replay.c - a tipset's messages once more, on its parent's state: for traces. Between one tipset and the next
 * stand the parent's edits, which are in the state that it left, and the null rounds' cron. */
#include "view_internal.h"

typedef struct rerun {
    fvm_chain *chain;
    fvm__runner *runner;
    const fvm_replay *replay; /* may be NULL */
    fvm__conditions conditions;
    uint32_t last;    /* index of the last message that is run */
    bool stop_before; /* the last one is not */
    bool enough;      /* the visit ended as it was to */
    fvm_receipt receipt;
} rerun;

/* Ends the visit; any error would do. */
static fvm_err enough(rerun *r)
{
    r->enough = true;
    return FVM_ERR_EXTERN;
}

static fvm_err rerun_one(void *ctx, fvm_bytes key, fvm_bytes value)
{
    rerun *r = ctx;
    fvm_chain_message m;
    bool implicit;
    if (key.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    fvm_chain_message_init(&m, NULL);
    FVM_TRY(fvm__ledger_err(fvm__message_read(&m, &implicit, value)));
    fvm__place place = fvm__place_read(key.ptr);
    m.number = place.number;
    m.index = place.index;
    if (place.index >= r->last && r->stop_before) return enough(r);
    const fvm_replay *replay = r->replay;
    if (replay && replay->before) FVM_TRY(replay->before(replay->ctx, &m));
    FVM_TRY(fvm__run_message(r->runner, &r->receipt, &m.message, m.chain_length, implicit));
    if (replay && replay->after) FVM_TRY(replay->after(replay->ctx, &m, &r->receipt));
    return place.index >= r->last ? enough(r) : FVM_OK;
}

static fvm_err rerun_all(rerun *r, const fvm_tipset *t, const fvm_tipset *parent)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    const fvm_trace_sink *trace = r->conditions.trace;
    r->conditions.trace = NULL;
    FVM_TRY(fvm__run_null_rounds(r->runner, parent, &r->conditions));
    r->conditions.trace = trace;
    fvm__runner_conditions(r->runner, &r->conditions);
    fvm_receipt_init(&r->receipt, r->chain->alloc);
    fvm_err err = fvm_ledger_range(r->chain->ledger, FVM__TABLE_MESSAGE,
                                   fvm__place_write(low, t->number, 0),
                                   fvm__place_write(high, t->number + 1, 0), false, rerun_one, r);
    fvm_receipt_deinit(&r->receipt);
    return r->enough ? FVM_OK : err;
}

void fvm__conditions_of_tipset(fvm__conditions *out, const fvm_tipset *t,
                               const fvm_trace_sink *trace)
{
    *out = (fvm__conditions){
        .epoch = t->number,
        .timestamp = t->timestamp,
        .chain_id = t->chain_id,
        .base_fee = t->base_fee,
        .trace = trace,
        .debug = trace != NULL,
    };
    memcpy(out->randomness, t->randomness, 32);
}

static fvm_err open_before(fvm_chain *c, fvm_chain_view **out, rerun *r, uint64_t number,
                           const fvm_trace_sink *trace, uint64_t deadline_ns)
{
    fvm_tipset t, parent;
    FVM_TRY(fvm_chain_tipset(c, &t, number));
    if (number == 0) return FVM_ERR_INVALID; /* genesis runs nothing */
    FVM_TRY(fvm_chain_tipset(c, &parent, t.parent_number));
    fvm__conditions_of_tipset(&r->conditions, &t, trace);
    FVM_TRY(
        fvm__view_on(c, out, &t, &t.parent_state, t.parent_number, &r->conditions, deadline_ns));
    r->chain = c;
    r->runner = &(*out)->runner;
    fvm_err err = rerun_all(r, &t, &parent);
    if (err != FVM_OK) fvm_chain_view_close(*out);
    return err;
}

fvm_err fvm_chain_replay(fvm_chain *c, uint64_t number, uint32_t index, const fvm_replay *replay)
{
    fvm_chain_view *view;
    rerun r = { .replay = replay, .last = index };
    FVM_TRY(open_before(c, &view, &r, number, replay->trace, replay->deadline_ns));
    fvm_chain_view_close(view);
    return FVM_OK;
}

fvm_err fvm_chain_view_before(fvm_chain *c, fvm_chain_view **out, uint64_t number, uint32_t index,
                              const fvm_trace_sink *trace)
{
    rerun r = { .last = index, .stop_before = true };
    FVM_TRY(open_before(c, out, &r, number, NULL, 0));
    r.conditions.trace = trace;
    r.conditions.debug = trace != NULL;
    fvm__runner_conditions(&(*out)->runner, &r.conditions);
    return FVM_OK;
}
