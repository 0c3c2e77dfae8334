/* filters.c - watches and the filters that are polled; see filters.h. */
#include "base/clock.h"
#include "filters_internal.h"

#include "crypto/crypto.h"

#include <stdlib.h>

/* --- watches --- */

static uint64_t pending_next(fvm_filters *f)
{
    pthread_mutex_lock(&f->mutex);
    uint64_t next = f->pending_next;
    pthread_mutex_unlock(&f->mutex);
    return next;
}

fvm_err fvm__watch_new(fvm_watch **out, fvm_filters *f, fvm_watch_kind kind,
                       fvm_log_criteria *criteria)
{
    const fvm_allocator *alloc = f->node->alloc;
    fvm_watch *w = fvm_mem_zalloc(alloc, sizeof *w);
    if (!w) return FVM_ERR_NOMEM;
    atomic_init(&w->refs, 1);
    w->alloc = alloc;
    w->kind = kind;
    w->criteria = *criteria;
    fvm_log_criteria_init(criteria, alloc);
    pthread_mutex_init(&w->mutex, NULL);
    fvm_jo_init(&w->removed, alloc);
    w->used_ms = fvm_clock_ms();
    w->maker = pthread_self();
    if (kind == FVM_WATCH_PENDING)
        w->cursor = pending_next(f);
    else
        w->cursor = fvm_chain_head_number(f->node->chain) + 1;
    if (kind == FVM_WATCH_LOGS && w->criteria.first < w->cursor) w->cursor = w->criteria.first;
    *out = w;
    return FVM_OK;
}

void fvm__watch_release(fvm_watch *w)
{
    if (--w->refs) return;
    fvm_log_criteria_deinit(&w->criteria);
    fvm_jo_deinit(&w->removed);
    pthread_mutex_destroy(&w->mutex);
    fvm_mem_free(w->alloc, w, sizeof *w);
}

typedef struct log_walk {
    fvm_chain_event_visit visit;
    void *ctx;
    bool (*enough)(void *ctx);
    uint64_t number; /* of the tipset at hand */
    bool stopped;
} log_walk;

/* Stops between tipsets alone, so that none is told in part. */
static fvm_err walk_log(void *ctx, const fvm_chain_event *e)
{
    log_walk *walk = ctx;
    if (e->number != walk->number && walk->enough(walk->ctx)) {
        walk->number = e->number;
        walk->stopped = true;
        return FVM_ERR_LIMIT;
    }
    walk->number = e->number;
    return walk->visit(walk->ctx, e);
}

fvm_err fvm__watch_logs(fvm_filters *f, fvm_watch *w, fvm_chain_event_visit visit, void *ctx,
                        bool (*enough)(void *ctx))
{
    fvm_event_filter filter = fvm_log_criteria_filter(&w->criteria);
    log_walk walk = { visit, ctx, enough, w->cursor, false };
    filter.from = w->cursor;
    filter.to = fvm_chain_head_number(f->node->chain);
    uint64_t next = filter.to + 1;
    if (w->criteria.from.kind == FVM_RPC_BLOCK_NUMBER && w->criteria.from.number > filter.from)
        filter.from = w->criteria.from.number;
    if (w->criteria.to.kind == FVM_RPC_BLOCK_NUMBER && w->criteria.to.number < filter.to)
        filter.to = w->criteria.to.number;
    if (next <= w->cursor) return FVM_OK; /* nothing is new */
    if (filter.from <= filter.to) {
        fvm_err err = fvm_chain_events(f->node->chain, &filter, walk_log, &walk);
        if (err != FVM_OK && !(walk.stopped && err == FVM_ERR_LIMIT)) return err;
    }
    w->cursor = walk.stopped ? walk.number : next;
    return FVM_OK;
}

fvm_err fvm__watch_next_pending(fvm_filters *f, fvm_watch *w, uint8_t hash[32])
{
    fvm_err err = FVM_ERR_NOT_FOUND;
    pthread_mutex_lock(&f->mutex);
    if (f->pending_next - w->cursor > FVM_WATCH_PENDING_KEPT) {
        err = FVM_ERR_LIMIT;
    } else if (w->cursor < f->pending_next) {
        memcpy(hash, f->pending[w->cursor % FVM_WATCH_PENDING_KEPT], 32);
        w->cursor++;
        err = FVM_OK;
    }
    pthread_mutex_unlock(&f->mutex);
    return err;
}

fvm_err fvm__put_pending(fvm_filters *f, const fvm_watch *w, fvm_jo *out, const uint8_t hash[32])
{
    fvm_chain_message m;
    fvm_jo_mark mark = fvm_jo_here(out);
    if (!w->criteria.full) {
        fvm_jo_hex(out, (fvm_bytes){ hash, 32 });
        return FVM_OK;
    }
    fvm_chain_message_init(&m, f->node->alloc);
    fvm_err err = fvm_chain_message_by_eth_hash(f->node->chain, &m, hash);
    m.number = FVM_CHAIN_PENDING; /* as it was when it came, though it may be in a tipset by now */
    if (err == FVM_OK) err = fvm_rpc_put_tx(f->node, out, &m, m.eth_hash);
    if (err != FVM_OK) fvm_jo_back(out, mark);
    fvm_chain_message_deinit(&m);
    return err;
}

/* --- what the chain says --- */

static void on_tipset(void *ctx, const fvm_tipset *t)
{
    fvm_filters *f = ctx;
    (void)t;
    pthread_mutex_lock(&f->mutex);
    for (fvm_subscriber *s = f->subscribers; s; s = s->next) fvm_rpc_session_wake(s->session);
    pthread_mutex_unlock(&f->mutex);
}

static void on_pending(void *ctx, const fvm_chain_message *m)
{
    fvm_filters *f = ctx;
    pthread_mutex_lock(&f->mutex);
    memcpy(f->pending[f->pending_next % FVM_WATCH_PENDING_KEPT], m->eth_hash, 32);
    f->pending_next++;
    for (fvm_subscriber *s = f->subscribers; s; s = s->next) {
        bool wants = false;
        for (size_t i = 0; i < s->count; i++) wants |= s->watches[i]->kind == FVM_WATCH_PENDING;
        if (wants) fvm_rpc_session_wake(s->session);
    }
    pthread_mutex_unlock(&f->mutex);
}

static fvm_err put_removed(void *ctx, const fvm_chain_event *e)
{
    fvm_rpc_put_log(ctx, e, true, 0);
    return FVM_OK;
}

/* A tipset goes: its logs, if the watch was told of them, are told as removed. */
static void revert_one(fvm_filters *f, fvm_watch *w, const fvm_tipset *gone, uint64_t head)
{
    pthread_mutex_lock(&w->mutex);
    if (gone && w->kind == FVM_WATCH_LOGS && w->cursor > gone->number) {
        fvm_event_filter filter = fvm_log_criteria_filter(&w->criteria);
        filter.from = filter.to = gone->number;
        if (fvm_chain_events(f->node->chain, &filter, put_removed, &w->removed) != FVM_OK)
            w->removed.failed = true;
    }
    if (w->kind != FVM_WATCH_PENDING && !gone && w->cursor > head + 1) w->cursor = head + 1;
    pthread_mutex_unlock(&w->mutex);
}

/* Every watch, held; the caller releases them. */
static fvm_err all_watches(fvm_filters *f, fvm_buf *out)
{
    fvm_err err = FVM_OK;
    size_t at = 0;
    pthread_mutex_lock(&f->mutex);
    for (fvm_map_entry *e; err == FVM_OK && (e = fvm_map_next(&f->by_id, &at));)
        err = fvm_buf_append(out, (fvm_bytes){ (const uint8_t *)&e->value.ptr, sizeof(void *) });
    for (fvm_subscriber *s = f->subscribers; s && err == FVM_OK; s = s->next)
        for (size_t i = 0; i < s->count && err == FVM_OK; i++)
            err = fvm_buf_append(out,
                                 (fvm_bytes){ (const uint8_t *)&s->watches[i], sizeof(void *) });
    fvm_watch **list = (fvm_watch **)(void *)out->ptr;
    for (size_t i = 0; i < out->len / sizeof *list; i++) list[i]->refs++;
    pthread_mutex_unlock(&f->mutex);
    return err;
}

static void on_reverted(void *ctx, const fvm_tipset *gone, const fvm_tipset *head)
{
    fvm_filters *f = ctx;
    fvm_buf watches;
    fvm_buf_init(&watches, f->node->alloc);
    fvm_err err = all_watches(f, &watches);
    fvm_watch **list = (fvm_watch **)(void *)watches.ptr;
    for (size_t i = 0; i < watches.len / sizeof *list; i++) {
        if (err != FVM_OK) list[i]->removed.failed = true;
        revert_one(f, list[i], gone, head->number);
        fvm__watch_release(list[i]);
    }
    fvm_buf_deinit(&watches);
    if (!gone) on_tipset(f, head);
}

fvm_chain_listener fvm_filters_listener(fvm_filters *f)
{
    return (fvm_chain_listener){
        .ctx = f, .tipset = on_tipset, .pending = on_pending, .reverted = on_reverted
    };
}

/* --- filters --- */

fvm_err fvm_filters_new(fvm_filters **out, fvm_node *node)
{
    fvm_filters *f = fvm_mem_zalloc(node->alloc, sizeof *f);
    if (!f) return FVM_ERR_NOMEM;
    f->node = node;
    pthread_mutex_init(&f->mutex, NULL);
    fvm_map_init(&f->by_id, node->alloc);
    f->pending = fvm_mem_zalloc(node->alloc, FVM_WATCH_PENDING_KEPT * sizeof *f->pending);
    if (!f->pending) {
        fvm_filters_free(f);
        return FVM_ERR_NOMEM;
    }
    *out = f;
    return FVM_OK;
}

void fvm_filters_free(fvm_filters *f)
{
    size_t at = 0;
    if (!f) return;
    for (fvm_map_entry *e; (e = fvm_map_next(&f->by_id, &at));) fvm__watch_release(e->value.ptr);
    fvm_map_deinit(&f->by_id);
    fvm_mem_free(f->node->alloc, f->pending, FVM_WATCH_PENDING_KEPT * sizeof *f->pending);
    pthread_mutex_destroy(&f->mutex);
    fvm_mem_free(f->node->alloc, f, sizeof *f);
}

void fvm_filters_count(fvm_filters *f, size_t *polled, size_t *subscriptions)
{
    pthread_mutex_lock(&f->mutex);
    *polled = f->by_id.live;
    *subscriptions = 0;
    for (fvm_subscriber *s = f->subscribers; s; s = s->next) *subscriptions += s->count;
    pthread_mutex_unlock(&f->mutex);
}

/* With the lock held: filters that nobody asked for within an hour go. */
static void expire(fvm_filters *f)
{
    uint64_t now = fvm_clock_ms();
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&f->by_id, &at));) {
        fvm_watch *w = e->value.ptr;
        if (now - w->used_ms < (uint64_t)FVM_FILTER_SECONDS * 1000) continue;
        (void)fvm_map_remove(&f->by_id, e->key);
        fvm__watch_release(w);
    }
}

fvm_err fvm_filters_add(fvm_filters *f, uint8_t id[32], fvm_watch_kind kind,
                        fvm_log_criteria *criteria)
{
    fvm_watch *w;
    fvm_map_entry *entry;
    uint8_t seed[40];
    FVM_TRY(fvm__watch_new(&w, f, kind, criteria));
    pthread_mutex_lock(&f->mutex);
    expire(f);
    memcpy(seed, f->node->instance, 32);
    fvm_store_le64(seed + 32, ++f->serial);
    fvm_blake2b_256(id, (fvm_bytes){ seed, sizeof seed });
    fvm_err err = f->by_id.live >= FVM_FILTERS_MAX ? FVM_ERR_LIMIT : FVM_OK;
    if (err == FVM_OK) err = fvm_map_put(&f->by_id, &entry, NULL, (fvm_bytes){ id, 32 });
    if (err == FVM_OK) entry->value.ptr = w;
    pthread_mutex_unlock(&f->mutex);
    if (err != FVM_OK) fvm__watch_release(w);
    return err;
}

bool fvm_filters_remove(fvm_filters *f, const uint8_t id[32])
{
    pthread_mutex_lock(&f->mutex);
    fvm_map_entry *e = fvm_map_get(&f->by_id, (fvm_bytes){ id, 32 });
    fvm_watch *w = e ? e->value.ptr : NULL;
    if (w) (void)fvm_map_remove(&f->by_id, (fvm_bytes){ id, 32 });
    pthread_mutex_unlock(&f->mutex);
    if (w) fvm__watch_release(w);
    return w != NULL;
}

static fvm_watch *hold(fvm_filters *f, const uint8_t id[32])
{
    pthread_mutex_lock(&f->mutex);
    fvm_map_entry *e = fvm_map_get(&f->by_id, (fvm_bytes){ id, 32 });
    fvm_watch *w = e ? e->value.ptr : NULL;
    if (w) {
        w->refs++;
        w->used_ms = fvm_clock_ms();
    }
    pthread_mutex_unlock(&f->mutex);
    return w;
}

/* --- polling --- */

typedef struct poll_out {
    fvm_rpc_call *call;
    size_t count;
} poll_out;

static fvm_err poll_log(void *ctx, const fvm_chain_event *e)
{
    poll_out *p = ctx;
    p->count++;
    fvm_rpc_put_log(p->call->out, e, false, 0);
    return fvm_jo_ok(p->call->out) ? FVM_OK : FVM_ERR_NOMEM;
}

static bool poll_enough(void *ctx)
{
    const poll_out *p = ctx;
    return p->count >= FVM_RPC_LOGS_MAX ||
           p->call->out->buf.len > p->call->node->limits.reply_bytes / 2;
}

static fvm_err poll_hash(void *ctx, const fvm_tipset *t)
{
    poll_out *p = ctx;
    if (p->count++ >= FVM_RPC_LOGS_MAX) return FVM_ERR_LIMIT;
    fvm_jo_hex(p->call->out, (fvm_bytes){ t->hash, 32 });
    return FVM_OK;
}

/* Hashes of the tipsets since; at most as many epochs as a range may have, the rest next time. */
static fvm_err poll_blocks(fvm_filters *f, fvm_watch *w, poll_out *p)
{
    uint64_t head = fvm_chain_head_number(f->node->chain);
    if (w->cursor > head) return FVM_OK;
    uint64_t to = head - w->cursor >= FVM_RPC_LOGS_MAX ? w->cursor + FVM_RPC_LOGS_MAX - 1 : head;
    FVM_TRY(fvm_chain_tipsets(f->node->chain, w->cursor, to, false, poll_hash, p));
    w->cursor = to + 1;
    return FVM_OK;
}

static fvm_err poll_pending(fvm_filters *f, fvm_watch *w, poll_out *p)
{
    uint8_t hash[32];
    fvm_err err;
    while ((err = fvm__watch_next_pending(f, w, hash)) == FVM_OK) {
        err = fvm__put_pending(f, w, p->call->out, hash);
        if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    }
    if (err == FVM_ERR_LIMIT)
        return fvm_rpc_fail(p->call, FVM_RPC_LIMIT, "the filter fell too far behind");
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err poll_logs(fvm_filters *f, fvm_watch *w, poll_out *p)
{
    if (w->removed.failed)
        return fvm_rpc_fail(p->call, FVM_RPC_INTERNAL, "logs that were removed are not known");
    if (w->removed.buf.len) fvm_jo_raw(p->call->out, fvm_buf_bytes(&w->removed.buf));
    fvm_err err = fvm__watch_logs(f, w, poll_log, p, poll_enough);
    if (err == FVM_OK) fvm_jo_back(&w->removed, (fvm_jo_mark){ 0, false });
    return err;
}

fvm_err fvm_filters_put(fvm_rpc_call *call, const uint8_t id[32], bool all)
{
    fvm_filters *f = call->node->filters;
    fvm_watch *w = hold(f, id);
    poll_out p = { call, 0 };
    fvm_err err;
    if (!w) return FVM_ERR_NOT_FOUND;
    if (all) {
        err = w->kind == FVM_WATCH_LOGS
                  ? fvm_logs_put(call, &w->criteria)
                  : fvm_rpc_fail(call, FVM_RPC_FAILED, "not a filter of logs");
        fvm__watch_release(w);
        return err;
    }
    fvm_jo_begin(call->out, '[');
    pthread_mutex_lock(&w->mutex);
    err = w->kind == FVM_WATCH_LOGS     ? poll_logs(f, w, &p)
          : w->kind == FVM_WATCH_BLOCKS ? poll_blocks(f, w, &p)
                                        : poll_pending(f, w, &p);
    pthread_mutex_unlock(&w->mutex);
    fvm_jo_end(call->out, ']');
    fvm__watch_release(w);
    return err;
}
