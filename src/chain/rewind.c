/* rewind.c - going back: what is above the new head leaves the ledger with all its index entries, in one
 * batch. Blocks stay: they are found by content, and harm nobody. A snapshot is a place to go back to:
 * a tipset, how many edits its state had, the clock, and the messages that waited. */
#include "chain_internal.h"

#include "base/vector.h"

/* --- taking a tipset's entries out --- */

typedef struct removal {
    fvm_chain *chain;
    uint64_t number;
    fvm_err err;
} removal;

static fvm_err remove_message(void *ctx, const fvm_chain_message *m)
{
    fvm_chain *c = ((removal *)ctx)->chain;
    uint8_t key[FVM__PLACE_LEN], nonce[16];
    fvm_bytes place = fvm__place_write(key, m->number, m->index);
    FVM_TRY(fvm_ledger_delete(c->ledger, FVM__TABLE_MESSAGE, place));
    FVM_TRY(fvm__index_remove(c, FVM__TABLE_CID, (fvm_bytes){ m->cid.digest, 32 }, place));
    if (memcmp(m->eth_hash, m->cid.digest, 32) != 0)
        FVM_TRY(fvm__index_remove(c, FVM__TABLE_ETH, (fvm_bytes){ m->eth_hash, 32 }, place));
    fvm_store_be64(nonce, m->from_id);
    fvm_store_be64(nonce + 8, m->message.nonce);
    return fvm__index_remove(c, FVM__TABLE_NONCE, (fvm_bytes){ nonce, 16 }, place);
}

static fvm_err remove_event(void *ctx, fvm_bytes place, fvm_bytes value)
{
    fvm_ledger *ledger = ((removal *)ctx)->chain->ledger;
    uint8_t key[32 + FVM__PLACE_LEN];
    fvm_chain_event e = { .number = 0 };
    if (place.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    FVM_TRY(fvm__ledger_err(fvm__event_read(&e, value)));
    FVM_TRY(fvm_ledger_delete(ledger, FVM__TABLE_EVENT, place));
    fvm_store_be64(key, e.emitter);
    memcpy(key + 8, place.ptr, place.len);
    FVM_TRY(fvm_ledger_delete(ledger, FVM__TABLE_EMITTER, (fvm_bytes){ key, 8 + place.len }));
    if (e.topic_count == 0) return FVM_OK;
    memcpy(key, e.topics[0], 32);
    memcpy(key + 32, place.ptr, place.len);
    return fvm_ledger_delete(ledger, FVM__TABLE_TOPIC, (fvm_bytes){ key, 32 + place.len });
}

static fvm_err remove_edit(void *ctx, fvm_bytes place, fvm_bytes value)
{
    (void)value;
    return fvm_ledger_delete(((removal *)ctx)->chain->ledger, FVM__TABLE_EDIT, place);
}

static fvm_err each_of(removal *r, unsigned table, uint32_t from, fvm_ledger_visit visit)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    return fvm_ledger_range(r->chain->ledger, table, fvm__place_write(low, r->number, from),
                            fvm__place_write(high, r->number + 1, 0), false, visit, r);
}

static fvm_err remove_tipset(void *ctx, const fvm_tipset *t)
{
    removal *r = ctx;
    r->number = t->number;
    FVM_TRY(fvm_chain_messages(r->chain, t->number, remove_message, r));
    FVM_TRY(each_of(r, FVM__TABLE_EVENT, 0, remove_event));
    FVM_TRY(each_of(r, FVM__TABLE_EDIT, 0, remove_edit));
    return fvm__tipset_delete(r->chain, t);
}

/* --- going back --- */

typedef struct telling {
    fvm_chain *chain;
    const fvm_tipset *head;
} telling;

static fvm_err tell_gone(void *ctx, const fvm_tipset *t)
{
    const telling *told = ctx;
    fvm__tell_reverted(told->chain, t, told->head);
    return FVM_OK;
}

static fvm_err remove_above(fvm_chain *c, const fvm_tipset *t, uint32_t edits)
{
    removal r = { .chain = c };
    FVM_TRY(fvm_chain_tipsets(c, t->number + 1, UINT64_MAX, true, remove_tipset, &r));
    r.number = t->number;
    FVM_TRY(each_of(&r, FVM__TABLE_EDIT, edits, remove_edit));
    return fvm__tipset_put(c, t);
}

/* Makes `t` (with its state as of `edits`) the head, and these messages the pool's; under the writer's lock. */
static fvm_err go_back(fvm_chain *c, const fvm_tipset *t, uint32_t edits,
                       fvm__pooled *const *pooled, size_t count)
{
    telling told = { c, t };
    if (fvm__anybody_listens(c))
        FVM_TRY(fvm_chain_tipsets(c, t->number + 1, UINT64_MAX, true, tell_gone, &told));
    fvm_ledger_begin(c->ledger);
    FVM_TRY(fvm_ledger_end(c->ledger, remove_above(c, t, edits)));
    fvm__head_set(c, t, edits);
    fvm__mempool_restore(c, pooled, count);
    fvm__tell_reverted(c, NULL, t);
    return FVM_OK;
}

static void drop_last_snapshot(fvm_chain *c)
{
    const fvm__snapshot *s = &c->snapshots[--c->snapshot_count];
    fvm__mempool_let_go(c, s->pooled, s->pooled_count);
}

static void forget_snapshots(fvm_chain *c, uint64_t above)
{
    while (c->snapshot_count && c->snapshots[c->snapshot_count - 1].number > above)
        drop_last_snapshot(c);
}

void fvm__snapshots_deinit(fvm_chain *c)
{
    while (c->snapshot_count) drop_last_snapshot(c);
    fvm_mem_free(c->alloc, c->snapshots, c->snapshot_cap * sizeof *c->snapshots);
}

fvm_err fvm_chain_rewind(fvm_chain *c, uint64_t number)
{
    fvm_tipset t;
    uint32_t edits;
    pthread_mutex_lock(&c->writer);
    fvm_err err = fvm_chain_tipset(c, &t, number);
    if (err == FVM_OK) err = fvm__count_edits(c, &edits, number);
    if (err == FVM_OK && number < fvm_chain_head_number(c)) err = go_back(c, &t, edits, NULL, 0);
    if (err == FVM_OK) forget_snapshots(c, number);
    pthread_mutex_unlock(&c->writer);
    return err;
}

/* --- snapshots --- */

static fvm_err take_snapshot(fvm_chain *c, uint64_t *id)
{
    fvm_tipset t;
    fvm__dev dev;
    fvm__snapshot s = { .id = c->last_snapshot + 1 };
    FVM_TRY(fvm_vector_grow(c->alloc, &c->snapshots, &c->snapshot_cap,
                            (uint64_t)c->snapshot_count + 1, sizeof *c->snapshots, 8, 1 << 20));
    FVM_TRY(fvm__mempool_keep(c, &s.pooled, &s.pooled_count));
    fvm_chain_head(c, &t);
    fvm__dev_get(c, &dev);
    s.number = t.number;
    s.state = t.state;
    s.edits = c->head_edits;
    s.time_offset = dev.time_offset;
    memcpy(s.hash, t.hash, 32);
    c->snapshots[c->snapshot_count++] = s;
    *id = c->last_snapshot = s.id;
    return FVM_OK;
}

fvm_err fvm_chain_snapshot(fvm_chain *c, uint64_t *id)
{
    pthread_mutex_lock(&c->writer);
    fvm_err err = take_snapshot(c, id);
    pthread_mutex_unlock(&c->writer);
    return err;
}

static fvm_err revert_to(fvm_chain *c, const fvm__snapshot *s)
{
    fvm_tipset t;
    FVM_TRY(fvm_chain_tipset(c, &t, s->number));
    if (memcmp(t.hash, s->hash, 32) != 0) return FVM_ERR_NOT_FOUND;
    t.state = s->state;
    FVM_TRY(go_back(c, &t, s->edits, s->pooled, s->pooled_count));
    pthread_mutex_lock(&c->head_lock);
    uint64_t gas = c->dev.block_gas;
    c->dev = (fvm__dev){ .time_offset = s->time_offset,
                         .block_gas = gas,
                         .timestamp_interval = c->dev.timestamp_interval };
    pthread_mutex_unlock(&c->head_lock);
    return FVM_OK;
}

fvm_err fvm_chain_revert(fvm_chain *c, uint64_t id)
{
    fvm_err err = FVM_ERR_NOT_FOUND;
    pthread_mutex_lock(&c->writer);
    for (uint32_t i = 0; i < c->snapshot_count; i++) {
        if (c->snapshots[i].id != id) continue;
        err = revert_to(c, &c->snapshots[i]);
        while (err == FVM_OK && c->snapshot_count > i) drop_last_snapshot(c);
        break;
    }
    pthread_mutex_unlock(&c->writer);
    if (err == FVM_OK) fvm__mempool_poke(c); /* what waited then may be ready by now */
    return err;
}
