/* seal.c - from the pool to a tipset, in one batch of the ledger:
 *
 *   messages by premium ──> machine ──> receipts, events ──> records and indexes ─┐
 *   cron ──> flush: the state's new blocks ──> header ──> tipset record ──────────┴─> commit
 *
 * Messages without a signature of their own in the block (BLS, unsigned) come first, as on Filecoin. Under
 * instant sealing a tipset takes messages for half of the block's gas only: that is the base fee's
 * target, so a busy development chain does not become expensive. */
#include "base/clock.h"
#include "chain_internal.h"

#include "ipld/amt.h"
#include "ipld/buffered.h"
#include "ipld/cbor.h"

#define EVENTS_BIT_WIDTH 5
#define READY_MAX 4096 /* messages looked at for one tipset */

typedef struct work {
    fvm_chain *chain;
    fvm_tipset parent, t;
    fvm__conditions conditions;
    bool instant, trace_logs;
    uint64_t gas_room;
    fvm__ready ready;
    size_t *heap; /* runs, best first */
    size_t heap_count;
    fvm__pooled **taken; /* in order; references are the ready list's */
    size_t taken_count;
    fvm_receipt receipt;
    fvm_buf cids;     /* fvm_cid of taken messages */
    fvm_buf receipts; /* their CBOR */
    fvm_buf items;    /* fvm_bytes of them: offsets until the end */
    fvm_buf bids;     /* fvm__bid of taken messages */
    fvm_buf scratch;
    size_t bare;            /* messages without signature, at the front */
    bool left;              /* something could go into another tipset now */
    const fvm_tipset *want; /* what must come out, of these messages in order; NULL: no matter */
    fvm__pooled *const *given;
    size_t given_count;
} work;

/* --- order: a heap of runs by what their next message pays --- */

static const fvm__pooled *front(const work *w, size_t run)
{
    return w->ready.messages[w->ready.runs[run].at];
}

static bool is_bare(const fvm__pooled *p)
{
    uint8_t type = p->signed_message.signature.type;
    return type == FVM_SIGNATURE_BLS || type == 0;
}

static bool better(const work *w, size_t a, size_t b)
{
    const fvm__pooled *x = front(w, a), *y = front(w, b);
    const fvm_big *p = &x->signed_message.message.gas_premium;
    int order = fvm_big_cmp(p, &y->signed_message.message.gas_premium);
    return order ? order > 0 : x->ticket < y->ticket;
}

static void sift_down(work *w, size_t at)
{
    for (;;) {
        size_t best = at, left = 2 * at + 1;
        for (size_t i = left; i < left + 2 && i < w->heap_count; i++)
            if (better(w, w->heap[i], w->heap[best])) best = i;
        if (best == at) return;
        size_t swap = w->heap[at];
        w->heap[at] = w->heap[best];
        w->heap[best] = swap;
        at = best;
    }
}

static void fill_heap(work *w, bool bare)
{
    w->heap_count = 0;
    for (size_t i = 0; i < w->ready.run_count; i++) {
        const struct fvm__run *run = &w->ready.runs[i];
        if (run->at < run->end && is_bare(front(w, i)) == bare) w->heap[w->heap_count++] = i;
    }
    for (size_t i = w->heap_count / 2; i-- > 0;) sift_down(w, i);
}

static void drop_best(work *w)
{
    w->heap[0] = w->heap[--w->heap_count];
    sift_down(w, 0);
}

static void advance_best(work *w)
{
    struct fvm__run *run = &w->ready.runs[w->heap[0]];
    run->at++;
    if (run->at == run->end ||
        is_bare(front(w, w->heap[0])) != is_bare(w->ready.messages[run->at - 1]))
        drop_best(w);
    else
        sift_down(w, 0);
}

/* --- one message --- */

/* Whether it still can be included: nonce and money by the state at hand. */
static fvm_err includable(work *w, bool *out, const fvm__pooled *p)
{
    const fvm_message *m = &p->signed_message.message;
    const fvm_actor *actor;
    *out = false;
    if (!p->implicit && fvm_big_cmp(&m->gas_fee_cap, &w->conditions.base_fee) < 0) return FVM_OK;
    fvm_err err = fvm_state_get(w->chain->runner.machine->state, &actor, p->from_id);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    *out = actor->nonce == m->nonce &&
           (p->implicit || fvm_big_cmp(&actor->balance, &p->max_cost) >= 0);
    return FVM_OK;
}

static void take_contract(fvm_chain_message *m)
{
    fvm_bytes in = m->return_data, view;
    uint64_t id;
    if (m->exit_code || !fvm_address_to_id(&id, &m->message.to) || id != FVM_ID_EAM) return;
    if (m->message.method < 2 || m->message.method > FVM_ETH_METHOD_CREATE) return;
    if (fvm_cbor_tuple(3, &in) != FVM_OK || fvm_cbor_uint(&id, &in) != FVM_OK) return;
    if (!fvm_cbor_take_null(&in) && fvm_cbor_bytes(&view, &in, NULL) != FVM_OK) return;
    if (fvm_cbor_bytes(&view, &in, NULL) != FVM_OK || view.len != 20) return;
    memcpy(m->contract, view.ptr, 20);
    m->has_contract = true;
}

static fvm_err put_event_indexes(work *w, const fvm_chain_event *e, fvm_bytes place)
{
    fvm_ledger *ledger = w->chain->ledger;
    uint8_t key[32 + FVM__PLACE_LEN];
    fvm_bytes nothing = { NULL, 0 };
    fvm_store_be64(key, e->emitter);
    memcpy(key + 8, place.ptr, place.len);
    FVM_TRY(fvm_ledger_put(ledger, FVM__TABLE_EMITTER, (fvm_bytes){ key, 8 + place.len }, nothing));
    if (e->topic_count == 0) return FVM_OK;
    memcpy(key, e->topics[0], 32);
    memcpy(key + 32, place.ptr, place.len);
    return fvm_ledger_put(ledger, FVM__TABLE_TOPIC, (fvm_bytes){ key, 32 + place.len }, nothing);
}

static fvm_err put_event(work *w, fvm_chain_event *e)
{
    uint8_t key[FVM__PLACE_LEN];
    fvm_bytes place = fvm__place_write(key, w->t.number, e->event_index);
    FVM_TRY(fvm__eth_of_actor(e->emitter_eth, w->chain->runner.machine->state, e->emitter));
    w->scratch.len = 0;
    FVM_TRY(fvm__event_write(&w->scratch, e));
    FVM_TRY(fvm_ledger_put(w->chain->ledger, FVM__TABLE_EVENT, place, fvm_buf_bytes(&w->scratch)));
    if (e->is_log) {
        fvm_bloom_add(w->t.bloom, (fvm_bytes){ e->emitter_eth, 20 });
        for (unsigned i = 0; i < e->topic_count; i++)
            fvm_bloom_add(w->t.bloom, (fvm_bytes){ e->topics[i], 32 });
    }
    return put_event_indexes(w, e, place);
}

/* The events, and the AMT that the receipt's root names: the machine keeps no blocks of it. */
static fvm_err put_events(work *w, fvm_chain_message *m)
{
    fvm_bytes in = fvm_buf_bytes(&w->receipt.events);
    fvm_amt *amt;
    fvm_cid root;
    m->first_event = w->t.event_count;
    m->first_log = w->t.log_count;
    m->event_count = (uint32_t)w->receipt.event_count;
    if (!m->event_count) return FVM_OK;
    FVM_TRY(fvm_amt_new(&amt, w->chain->blocks, EVENTS_BIT_WIDTH, w->chain->alloc));
    fvm_err err = FVM_OK;
    for (uint32_t i = 0; i < m->event_count && err == FVM_OK; i++) {
        fvm_chain_event e = { .number = w->t.number, .message_index = m->index };
        fvm_bytes item = in;
        err = fvm__event_take(&e, &in);
        item.len -= in.len;
        if (err == FVM_OK) err = fvm_amt_set(amt, i, item);
        e.event_index = w->t.event_count++;
        if (err == FVM_OK && e.is_log) e.log_index = w->t.log_count++;
        if (err == FVM_OK) err = put_event(w, &e);
    }
    if (err == FVM_OK) err = fvm_amt_flush(amt, &root);
    fvm_amt_free(amt);
    m->log_count = w->t.log_count - m->first_log;
    return err;
}

static fvm_err put_message(work *w, const fvm_chain_message *m, const fvm__pooled *p)
{
    fvm_ledger *ledger = w->chain->ledger;
    uint8_t key[FVM__PLACE_LEN], nonce[16];
    fvm_bytes place = fvm__place_write(key, m->number, m->index);
    FVM_TRY(fvm_blockstore_put(w->chain->blocks, &p->cid, fvm_buf_bytes(&p->bytes)));
    w->scratch.len = 0;
    FVM_TRY(fvm__message_write(&w->scratch, m, p->implicit));
    FVM_TRY(fvm_ledger_put(ledger, FVM__TABLE_MESSAGE, place, fvm_buf_bytes(&w->scratch)));
    FVM_TRY(fvm__index_put(w->chain, FVM__TABLE_CID, (fvm_bytes){ m->cid.digest, 32 }, place));
    if (memcmp(m->eth_hash, m->cid.digest, 32) != 0)
        FVM_TRY(fvm__index_put(w->chain, FVM__TABLE_ETH, (fvm_bytes){ m->eth_hash, 32 }, place));
    fvm_store_be64(nonce, m->from_id);
    fvm_store_be64(nonce + 8, m->message.nonce);
    return fvm__index_put(w->chain, FVM__TABLE_NONCE, (fvm_bytes){ nonce, 16 }, place);
}

static fvm_err put_receipt(work *w)
{
    fvm_bytes item = { NULL, w->receipts.len };
    FVM_TRY(fvm_receipt_write(&w->receipts, &w->receipt, w->chain->net.version));
    item.len = w->receipts.len - item.len;
    return fvm_buf_append(&w->items, (fvm_bytes){ (const uint8_t *)&item, sizeof item });
}

/* What the ledger keeps of a message that was applied. */
static fvm_err record(work *w, const fvm__pooled *p)
{
    const fvm_receipt *r = &w->receipt;
    const fvm_signed_message *s = &p->signed_message;
    fvm_state_view *state = w->chain->runner.machine->state;
    fvm_chain_message m = {
        .message = s->message,
        .signature = s->signature,
        .cid = p->cid,
        .chain_length = p->chain_length,
        .number = w->t.number,
        .index = w->t.message_count,
        .from_id = p->from_id,
        .exit_code = r->exit_code,
        .gas_used = r->gas_used,
        .cumulative_gas = w->t.gas_used + r->gas_used,
        .return_data = fvm_buf_bytes(&r->return_data),
        .return_codec = r->has_return_codec ? r->return_codec : 0,
        .has_events_root = r->has_events_root,
        .base_fee = w->conditions.base_fee,
        .base_fee_burn = r->base_fee_burn,
        .over_estimation_burn = r->over_estimation_burn,
        .miner_tip = r->miner_tip,
        .refund = r->refund,
    };
    if (r->has_events_root) m.events_root = r->events_root;
    memcpy(m.eth_hash, p->eth_hash, 32);
    FVM_TRY(fvm__eth_of_actor(m.from_eth, state, p->from_id));
    FVM_TRY(fvm__eth_of_address(m.to_eth, &m.to_known, &m.to_id, state, &s->message.to));
    take_contract(&m);
    FVM_TRY(put_events(w, &m));
    FVM_TRY(put_message(w, &m, p));
    FVM_TRY(put_receipt(w));
    w->t.message_count++;
    w->t.gas_used = fvm_sat_add_u64(w->t.gas_used, r->gas_used);
    w->t.gas_limit = fvm_sat_add_u64(w->t.gas_limit, s->message.gas_limit);
    FVM_TRY(fvm__bid_put(&w->bids, &s->message, &w->conditions.base_fee));
    return fvm_buf_append(&w->cids, (fvm_bytes){ (const uint8_t *)&p->cid, sizeof p->cid });
}

/* --- all messages --- */

/* Those without or with signatures. Stops where no gas or no place is left. */
static fvm_err run_group(work *w, bool bare)
{
    fill_heap(w, bare);
    while (w->heap_count) {
        fvm__pooled *p = w->ready.messages[w->ready.runs[w->heap[0]].at];
        const fvm_message *m = &p->signed_message.message;
        bool fits;
        FVM_TRY(includable(w, &fits, p));
        if (!fits) {
            drop_best(w);
            continue;
        }
        if (m->gas_limit > w->gas_room || w->taken_count == w->chain->block_messages_max) {
            w->left = true;
            drop_best(w);
            continue;
        }
        FVM_TRY(fvm__run_message(&w->chain->runner, &w->receipt, m, p->chain_length, p->implicit));
        FVM_TRY(record(w, p));
        w->gas_room -= m->gas_limit;
        w->taken[w->taken_count++] = p;
        advance_best(w);
    }
    return FVM_OK;
}

/* Those of a tipset that is made again: as many as are there, in their order. */
static fvm_err run_given(work *w)
{
    for (size_t i = 0; i < w->given_count; i++) {
        const fvm__pooled *p = w->given[i];
        FVM_TRY(fvm__run_message(&w->chain->runner, &w->receipt, &p->signed_message.message,
                                 p->chain_length, p->implicit));
        FVM_TRY(record(w, p));
        w->taken_count++;
        if (is_bare(p)) w->bare++;
    }
    return FVM_OK;
}

static bool any_includable(const work *w)
{
    for (size_t i = 0; i < w->ready.run_count; i++) {
        const fvm__pooled *p = front(w, i);
        const fvm_message *m = &p->signed_message.message;
        if (p->implicit || fvm_big_cmp(&m->gas_fee_cap, &w->conditions.base_fee) >= 0) return true;
    }
    return false;
}

/* A message alone may take all of the block's gas, also under instant sealing. */
static uint64_t room_for(const work *w)
{
    fvm__dev dev;
    fvm__dev_get(w->chain, &dev);
    if (!w->instant) return dev.block_gas;
    uint64_t room = dev.block_gas / 2;
    for (size_t i = 0; i < w->ready.run_count; i++) {
        uint64_t limit = front(w, i)->signed_message.message.gas_limit;
        if (limit > room) room = limit;
    }
    return room < dev.block_gas ? room : dev.block_gas;
}

static fvm_err run_messages(work *w)
{
    fvm_chain *c = w->chain;
    if (!w->ready.run_count) return FVM_OK;
    w->heap = fvm_mem_alloc(c->alloc, w->ready.run_count * sizeof *w->heap);
    w->taken = fvm_mem_alloc(c->alloc, w->ready.count * sizeof(fvm__pooled *));
    if (!w->heap || !w->taken) return FVM_ERR_NOMEM;
    w->gas_room = room_for(w);
    FVM_TRY(run_group(w, true));
    w->bare = w->taken_count;
    return run_group(w, false);
}

/* --- the tipset --- */

static fvm_err write_block(work *w)
{
    fvm_chain *c = w->chain;
    const fvm__block_parts parts = {
        .cids = (const fvm_cid *)(const void *)w->cids.ptr,
        .count = w->taken_count,
        .unsigned_count = w->bare,
        .receipts = (fvm_bytes *)(void *)w->items.ptr,
        .receipt_bytes = fvm_buf_bytes(&w->receipts),
    };
    return fvm__block_write(&w->t, c->blocks, &parts, &c->miner, c->alloc);
}

static void begin_tipset(work *w)
{
    const fvm_tipset *parent = &w->parent;
    w->t = (fvm_tipset){
        .number = w->conditions.epoch,
        .parent = parent->block,
        .parent_number = parent->number,
        .timestamp = w->conditions.timestamp,
        .base_fee = w->conditions.base_fee,
        .parent_state = parent->state,
        .parent_receipts = parent->receipts,
        .chain_id = w->conditions.chain_id,
    };
    memcpy(w->t.parent_hash, parent->hash, 32);
    memcpy(w->t.randomness, w->conditions.randomness, 32);
}

/* Everything between begin and commit. */
static fvm_err fill_batch(work *w)
{
    fvm_chain *c = w->chain;
    fvm__runner *r = &c->runner;
    FVM_TRY(fvm__run_null_rounds(r, &w->parent, &w->conditions));
    FVM_TRY(w->want ? run_given(w) : run_messages(w));
    FVM_TRY(fvm__run_cron(r, w->t.number));
    FVM_TRY(fvm_machine_flush(r->machine, &w->t.executed));
    fvm_buffered_clear(&r->machine->store);
    w->t.state = w->t.executed;
    fvm__premium_of(&w->t.premium, &w->bids, w->t.gas_limit, fvm_chain_block_gas(c));
    FVM_TRY(write_block(w));
    if (w->want && (memcmp(w->t.hash, w->want->hash, 32) != 0 ||
                    !fvm_cid_eq(&w->t.executed, &w->want->executed) ||
                    !fvm_cid_eq(&w->t.receipts, &w->want->receipts)))
        return FVM_ERR_MISMATCH;
    return fvm__tipset_put(c, &w->t);
}

static void count(work *w, uint64_t start, uint64_t executed, uint64_t end)
{
    fvm_chain *c = w->chain;
    pthread_mutex_lock(&c->head_lock);
    c->stat_tipsets++;
    c->stat_messages += w->t.message_count;
    c->stat_gas += w->t.gas_used;
    c->stat_seal_ns += end - start;
    c->stat_execute_ns += executed - start;
    c->stat_commit_ns += end - executed;
    pthread_mutex_unlock(&c->head_lock);
}

static fvm_err make_tipset(work *w, bool timestamp_given)
{
    fvm_chain *c = w->chain;
    uint64_t start = fvm_clock_ns();
    begin_tipset(w);
    fvm_ledger_begin(c->ledger);
    fvm_err err = fill_batch(w);
    uint64_t executed = fvm_clock_ns();
    err = fvm_ledger_end(c->ledger, err);
    if (err != FVM_OK) {
        fvm__runner_drop(&c->runner);
        return err;
    }
    c->runner.root = w->t.executed;
    c->runner.at_root = true;
    fvm__head_set(c, &w->t, 0);
    fvm__conditions_used(c, &w->conditions, timestamp_given);
    if (!w->want) fvm__mempool_remove(c, w->taken, w->taken_count);
    count(w, start, executed, fvm_clock_ns());
    return FVM_OK;
}

static fvm_err seal(work *w, const fvm__seal_request *request, bool *made)
{
    fvm_chain *c = w->chain;
    *made = false;
    fvm_chain_head(c, &w->parent);
    fvm__next_conditions(c, &w->conditions, request->timestamp);
    w->conditions.trace = c->watcher;
    w->instant = fvm_chain_sealing(c, NULL) == FVM_SEALING_INSTANT;
    FVM_TRY(fvm__runner_goto(&c->runner, &w->parent.state, w->parent.number));
    FVM_TRY(fvm__mempool_ready(c, &w->ready, READY_MAX));
    if (!request->empty && !any_includable(w)) return FVM_OK;
    FVM_TRY(make_tipset(w, request->timestamp != 0));
    *made = true;
    return FVM_OK;
}

static void work_init(work *w, fvm_chain *c)
{
    *w = (work){ .chain = c };
    fvm_receipt_init(&w->receipt, c->alloc);
    fvm_buf_init(&w->cids, c->alloc);
    fvm_buf_init(&w->receipts, c->alloc);
    fvm_buf_init(&w->items, c->alloc);
    fvm_buf_init(&w->scratch, c->alloc);
    fvm_buf_init(&w->bids, c->alloc);
}

static void work_deinit(work *w)
{
    fvm_chain *c = w->chain;
    fvm_mem_free(c->alloc, w->heap, w->ready.run_count * sizeof *w->heap);
    fvm_mem_free(c->alloc, w->taken, w->ready.count * sizeof(fvm__pooled *));
    fvm__ready_deinit(c, &w->ready);
    fvm_buf_deinit(&w->bids);
    fvm_buf_deinit(&w->scratch);
    fvm_buf_deinit(&w->items);
    fvm_buf_deinit(&w->receipts);
    fvm_buf_deinit(&w->cids);
    fvm_receipt_deinit(&w->receipt);
}

fvm_err fvm__seal(fvm_chain *c, const fvm__seal_request *request, bool *made, bool *more)
{
    work w;
    work_init(&w, c);
    fvm_err err = seal(&w, request, made);
    *more = *made && (w.left || w.ready.more);
    uint64_t ticket = *more || err != FVM_OK ? 0 : w.ready.ticket;
    if (*made) fvm__tell_tipset(c, &w.t);
    work_deinit(&w);
    if (fvm__mempool_done(c, ticket, err)) fvm__tell_failed(c, err);
    return err;
}

fvm_err fvm__seal_given(fvm_chain *c, const fvm_tipset *want, fvm__pooled *const *messages,
                        size_t count)
{
    work w;
    work_init(&w, c);
    w.want = want;
    w.given = messages;
    w.given_count = count;
    fvm__conditions_of_tipset(&w.conditions, want, NULL);
    fvm_chain_head(c, &w.parent);
    fvm_err err = fvm__runner_goto(&c->runner, &w.parent.state, w.parent.number);
    if (err == FVM_OK) err = make_tipset(&w, false);
    work_deinit(&w);
    return err;
}
