/* call.c - messages that are tried on a view: calls, and how much gas one needs. */
#include "view_internal.h"

#include "kernel/prices.h"

/* --- applying --- */

fvm_err fvm_view_edit(fvm_chain_view *v, const fvm_edit *edit)
{
    fvm_err err = fvm__edit_apply(v->chain, fvm__view_state(v), edit);
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_INVALID : err;
}

fvm_err fvm_view_apply(fvm_chain_view *v, fvm_receipt *receipt, const fvm_message *message,
                       fvm_apply_kind kind, uint64_t chain_length)
{
    return fvm_machine_apply(v->runner.machine, receipt, message, kind, chain_length);
}

fvm_err fvm_view_call(fvm_chain_view *v, fvm_receipt *receipt, const fvm_message *message)
{
    uint64_t id;
    fvm_message m = *message;
    if (m.gas_limit == 0) m.gas_limit = fvm_chain_block_gas(v->chain);
    fvm_err err = fvm__ensure_actor(v->chain, &id, fvm__view_state(v), &m.from);
    if (err != FVM_OK && err != FVM_ERR_INVALID) return err;
    if (err == FVM_OK) { /* of which the addresses of what it makes are computed */
        const fvm_actor *actor;
        FVM_TRY(fvm_state_get(fvm__view_state(v), &actor, id));
        m.nonce = actor->nonce;
    }
    return fvm_machine_apply(v->runner.machine, receipt, &m, FVM_APPLY_IMPLICIT, 0);
}

fvm_err fvm_view_events(fvm_chain_view *v, fvm_bytes events, fvm_chain_event_visit visit, void *ctx)
{
    uint32_t index = 0, log = 0;
    while (events.len) {
        fvm_chain_event e = { .number = v->conditions.epoch };
        FVM_TRY(fvm__ledger_err(fvm__event_take(&e, &events)));
        e.event_index = index++;
        if (e.is_log) e.log_index = log++;
        FVM_TRY(fvm__eth_of_actor(e.emitter_eth, fvm__view_state(v), e.emitter));
        FVM_TRY(visit(ctx, &e));
    }
    return FVM_OK;
}

/* Collected under the pool's lock, and so not run there. */
typedef struct collected {
    fvm_message message;
    uint64_t chain_length;
    fvm_buf params;
} collected;

typedef struct collection {
    const fvm_allocator *alloc;
    collected *items;
    size_t count, cap;
} collection;

#define PENDING_MAX 1000 /* messages of a sender that an estimate applies first */

static fvm_err collect(void *ctx, const fvm_chain_message *m, bool ready)
{
    collection *c = ctx;
    if (!ready || c->count == PENDING_MAX) return FVM_OK;
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 8;
        collected *grown = fvm_mem_resize(c->alloc, c->items, c->cap * sizeof *grown,
                                          cap * sizeof *grown);
        if (!grown) return FVM_ERR_NOMEM;
        c->items = grown;
        c->cap = cap;
    }
    collected *item = &c->items[c->count];
    *item = (collected){ .message = m->message, .chain_length = m->chain_length };
    fvm_buf_init(&item->params, c->alloc);
    FVM_TRY(fvm_buf_append(&item->params, m->message.params));
    item->message.params = fvm_buf_bytes(&item->params);
    c->count++;
    return FVM_OK;
}

fvm_err fvm_view_apply_pending(fvm_chain_view *v, const fvm_address *sender)
{
    collection c = { .alloc = v->chain->alloc };
    fvm_receipt receipt;
    fvm_receipt_init(&receipt, c.alloc);
    fvm_err err = fvm_chain_pending(v->chain, sender, collect, &c);
    for (size_t i = 0; i < c.count && err == FVM_OK; i++)
        err = fvm__run_message(&v->runner, &receipt, &c.items[i].message, c.items[i].chain_length,
                               false);
    for (size_t i = 0; i < c.count; i++) fvm_buf_deinit(&c.items[i].params);
    fvm_mem_free(c.alloc, c.items, c.cap * sizeof *c.items);
    fvm_receipt_deinit(&receipt);
    return err;
}

/* --- estimates ---
 *
 * Gas does not depend on the limit unless an actor looks at what is left, or gives a part of it to another.
 * So the message runs once with all gas, and once more with just what that took; where this is not
 * enough, the answer lies between, and is searched for. */

typedef struct estimate {
    fvm_chain_view *view;
    fvm_receipt *receipt;
    fvm_message message;
    fvm_apply_kind kind;
    uint64_t chain_length, inclusion; /* gas */
} estimate;

/* The length of the message when it is signed, with a limit and fees as they usually are. */
static fvm_err signed_length(fvm_chain *c, uint64_t *length, const fvm_message *message)
{
    fvm_message m = *message;
    fvm_buf bytes;
    fvm_buf_init(&bytes, c->alloc);
    m.gas_limit = UINT32_MAX; /* 65,536 to 2^32 - 1 have the same length */
    if (fvm_big_is_zero(&m.gas_fee_cap)) m.gas_fee_cap = fvm_big_u64(FVM_CHAIN_PREMIUM_MIN * 2);
    if (fvm_big_is_zero(&m.gas_premium)) m.gas_premium = fvm_big_u64(FVM_CHAIN_PREMIUM_MIN);
    fvm_err err = fvm_message_write(&bytes, &m);
    *length = bytes.len;
    /* array of two, and a byte string of type and 65 bytes */
    if (fvm_address_protocol(&m.from) != FVM_PROTOCOL_BLS) *length += 1 + 2 + 1 + 65;
    fvm_buf_deinit(&bytes);
    return err;
}

/* How it is sent: explicitly, if the sender can do that, without fees, as they change no gas. */
static fvm_err prepare(estimate *e)
{
    fvm_chain *c = e->view->chain;
    fvm_state_view *state = fvm__view_state(e->view);
    const fvm_actor *actor;
    uint64_t id;
    FVM_TRY(signed_length(c, &e->chain_length, &e->message));
    uint64_t milligas = fvm_price_inclusion(&c->net, e->chain_length);
    e->inclusion = milligas / FVM_MILLIGAS + (milligas % FVM_MILLIGAS != 0);
    e->kind = FVM_APPLY_IMPLICIT;
    e->message.gas_fee_cap = e->message.gas_premium = fvm_big_zero();
    fvm_err err = fvm__ensure_actor(c, &id, state, &e->message.from);
    if (err == FVM_ERR_INVALID) return FVM_OK;
    FVM_TRY(err);
    FVM_TRY(fvm_state_get(state, &actor, id));
    e->message.nonce = actor->nonce;
    if (fvm__is_builtin(c, &actor->code, "account") ||
        fvm__is_builtin(c, &actor->code, "ethaccount") ||
        (fvm__is_builtin(c, &actor->code, "placeholder") && actor->nonce == 0)) {
        e->kind = FVM_APPLY_EXPLICIT;
        e->inclusion = 0;
    }
    return FVM_OK;
}

/* Runs it with that limit, inclusion counted; the state is as before afterwards. */
static fvm_err try_limit(estimate *e, fvm_receipt *receipt, uint64_t limit)
{
    fvm_state_view *state = fvm__view_state(e->view);
    e->message.gas_limit = limit > e->inclusion ? limit - e->inclusion : 1;
    FVM_TRY(fvm_state_begin(state));
    fvm_err err = fvm_machine_apply(e->view->runner.machine, receipt, &e->message, e->kind,
                                    e->chain_length);
    fvm_state_end(state, true);
    return err;
}

static fvm_err search(estimate *e, uint64_t *gas, uint64_t low, uint64_t high)
{
    fvm_receipt receipt;
    fvm_err err = FVM_OK;
    uint64_t top = high;
    fvm_receipt_init(&receipt, e->view->chain->alloc);
    for (high = fvm_sat_mul_u64(low, 2); err == FVM_OK && high < top;
         high = fvm_sat_mul_u64(high, 2)) {
        err = try_limit(e, &receipt, high);
        if (receipt.exit_code == 0) break;
        low = high;
    }
    if (high > top) high = top;
    while (err == FVM_OK && high - low > high / 100) {
        uint64_t middle = low + (high - low) / 2;
        err = try_limit(e, &receipt, middle);
        if (receipt.exit_code == 0)
            high = middle;
        else
            low = middle;
    }
    fvm_receipt_deinit(&receipt);
    *gas = high;
    return err;
}

static fvm_err run_estimate(estimate *e, uint64_t *gas, uint64_t limit)
{
    fvm_receipt second;
    FVM_TRY(prepare(e));
    FVM_TRY(try_limit(e, e->receipt, limit));
    uint64_t used = e->receipt->gas_used + e->inclusion;
    *gas = used;
    if (e->receipt->exit_code) return FVM_OK;
    fvm_receipt_init(&second, e->view->chain->alloc);
    fvm_err err = try_limit(e, &second, used);
    bool enough = second.exit_code == 0;
    fvm_receipt_deinit(&second);
    if (err != FVM_OK || enough) return err;
    return search(e, gas, used, limit);
}

fvm_err fvm_view_estimate(fvm_chain_view *v, uint64_t *gas, fvm_receipt *receipt,
                          const fvm_message *message)
{
    estimate e = { .view = v, .receipt = receipt, .message = *message };
    uint64_t limit = message->gas_limit ? message->gas_limit : fvm_chain_block_gas(v->chain);
    fvm_state_view *state = fvm__view_state(v);
    FVM_TRY(fvm_state_begin(state));
    fvm_err err = run_estimate(&e, gas, limit);
    fvm_state_end(state, true);
    return err;
}
