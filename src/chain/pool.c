/* pool.c - the messages that wait, by sender and nonce: keeping, finding and dropping them. What is let in
 * is decided in pool_submit.c.
 *
 *   senders   ID ──> sender: messages by nonce   5 6 7 . 9
 *                                                └─┬─┘   └ waits for 8
 *                                                ready, if the state's nonce is 5 */
#include "chain_internal.h"

#include "base/vector.h"

#include <errno.h>
#include <time.h>

static fvm_bytes id_key(uint8_t out[8], uint64_t id)
{
    fvm_store_be64(out, id);
    return (fvm_bytes){ out, 8 };
}

static fvm_bytes digest_of(const fvm__pooled *p)
{
    return (fvm_bytes){ p->cid.digest, p->cid.digest_len };
}

/* --- life --- */

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void fvm__mempool_init(fvm_chain *c)
{
    fvm__mempool *pool = &c->pool;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->state_lock, NULL);
    cond_init(&pool->arrived);
    fvm_map_init(&pool->senders, c->alloc);
    fvm_map_init(&pool->by_hash, c->alloc);
    fvm_map_init(&pool->by_cid, c->alloc);
    fvm_map_init(&pool->impersonated, c->alloc);
}

void fvm__pooled_release(fvm_chain *c, fvm__pooled *p)
{
    if (--p->refs) return;
    fvm_buf_deinit(&p->bytes);
    fvm_mem_free(c->alloc, p, sizeof *p);
}

void fvm__pooled_free(fvm_chain *c, fvm__pooled *p)
{
    p->refs = 1;
    fvm__pooled_release(c, p);
}

static void free_sender(fvm_chain *c, fvm__sender *s)
{
    fvm_mem_free(c->alloc, s->messages, s->cap * sizeof(fvm__pooled *));
    fvm_mem_free(c->alloc, s, sizeof *s);
}

/* --- in and out; under the lock --- */

fvm_err fvm__mempool_index(fvm_chain *c, fvm__pooled *p)
{
    fvm_map_entry *e;
    FVM_TRY(fvm_map_put(&c->pool.by_hash, &e, NULL, (fvm_bytes){ p->eth_hash, 32 }));
    e->value.ptr = p;
    fvm_err err = fvm_map_put(&c->pool.by_cid, &e, NULL, digest_of(p));
    if (err == FVM_OK)
        e->value.ptr = p;
    else
        fvm_map_remove(&c->pool.by_hash, (fvm_bytes){ p->eth_hash, 32 });
    return err;
}

void fvm__mempool_unindex(fvm_chain *c, const fvm__pooled *p)
{
    fvm_map_remove(&c->pool.by_hash, (fvm_bytes){ p->eth_hash, 32 });
    fvm_map_remove(&c->pool.by_cid, digest_of(p));
}

static fvm_err sender_of(fvm_chain *c, fvm__sender **out, uint64_t id)
{
    uint8_t key[8];
    fvm_map_entry *e;
    *out = fvm__mempool_sender(c, id);
    if (*out) return FVM_OK;
    fvm__sender *s = fvm_mem_zalloc(c->alloc, sizeof *s);
    if (!s) return FVM_ERR_NOMEM;
    s->id = id;
    fvm_err err = fvm_map_put(&c->pool.senders, &e, NULL, id_key(key, id));
    if (err != FVM_OK) {
        fvm_mem_free(c->alloc, s, sizeof *s);
        return err;
    }
    e->value.ptr = s;
    *out = s;
    return FVM_OK;
}

static void forget_if_empty(fvm_chain *c, fvm__sender *s)
{
    uint8_t key[8];
    if (s->count) return;
    fvm_map_remove(&c->pool.senders, id_key(key, s->id));
    free_sender(c, s);
}

fvm_err fvm__mempool_insert(fvm_chain *c, fvm__pooled *p)
{
    fvm__sender *s;
    FVM_TRY(sender_of(c, &s, p->from_id));
    uint32_t at = fvm__sender_seek(s, p->signed_message.message.nonce);
    fvm_err err = fvm_vector_grow(c->alloc, &s->messages, &s->cap, (uint64_t)s->count + 1,
                                  sizeof *s->messages, 8, UINT32_MAX);
    if (err == FVM_OK) err = fvm__mempool_index(c, p);
    if (err == FVM_OK) {
        memmove(&s->messages[at + 1], &s->messages[at], (s->count - at) * sizeof *s->messages);
        s->messages[at] = p;
        s->count++;
        c->pool.count++;
    }
    forget_if_empty(c, s);
    return err;
}

/* Takes message `at` of a sender out; the sender stays, even if that was its last. */
static void take_out(fvm_chain *c, fvm__sender *s, uint32_t at)
{
    fvm__pooled *p = s->messages[at];
    memmove(&s->messages[at], &s->messages[at + 1], (s->count - at - 1) * sizeof(fvm__pooled *));
    s->count--;
    c->pool.count--;
    fvm__mempool_unindex(c, p);
    fvm__pooled_release(c, p);
}

static void clear_locked(fvm_chain *c)
{
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&c->pool.senders, &at));) {
        fvm__sender *s = e->value.ptr;
        while (s->count) take_out(c, s, s->count - 1);
        free_sender(c, s);
    }
    fvm_map_clear(&c->pool.senders);
}

void fvm__mempool_clear(fvm_chain *c)
{
    pthread_mutex_lock(&c->pool.lock);
    clear_locked(c);
    pthread_mutex_unlock(&c->pool.lock);
}

/* --- as it was --- */

fvm_err fvm__mempool_keep(fvm_chain *c, fvm__pooled ***out, size_t *count)
{
    size_t n = 0, at = 0;
    *out = NULL;
    *count = 0;
    pthread_mutex_lock(&c->pool.lock);
    fvm_err err = FVM_OK;
    if (c->pool.count) {
        *out = fvm_mem_alloc(c->alloc, c->pool.count * sizeof **out);
        if (!*out) err = FVM_ERR_NOMEM;
    }
    for (fvm_map_entry *e; *out && (e = fvm_map_next(&c->pool.senders, &at));) {
        const fvm__sender *s = e->value.ptr;
        for (uint32_t i = 0; i < s->count; i++) {
            s->messages[i]->refs++;
            (*out)[n++] = s->messages[i];
        }
    }
    pthread_mutex_unlock(&c->pool.lock);
    *count = n;
    return err;
}

void fvm__mempool_let_go(fvm_chain *c, fvm__pooled **kept, size_t count)
{
    pthread_mutex_lock(&c->pool.lock);
    for (size_t i = 0; i < count; i++) fvm__pooled_release(c, kept[i]);
    pthread_mutex_unlock(&c->pool.lock);
    fvm_mem_free(c->alloc, kept, count * sizeof *kept);
}

void fvm__mempool_restore(fvm_chain *c, fvm__pooled *const *kept, size_t count)
{
    pthread_mutex_lock(&c->pool.lock);
    clear_locked(c);
    for (size_t i = 0; i < count; i++) {
        kept[i]->refs++;
        if (fvm__mempool_insert(c, kept[i]) != FVM_OK) fvm__pooled_release(c, kept[i]);
    }
    pthread_mutex_unlock(&c->pool.lock);
}

void fvm__mempool_deinit(fvm_chain *c)
{
    fvm__mempool *pool = &c->pool;
    clear_locked(c);
    fvm_map_deinit(&pool->senders);
    fvm_map_deinit(&pool->by_hash);
    fvm_map_deinit(&pool->by_cid);
    fvm_map_deinit(&pool->impersonated);
    fvm_state_view_free(pool->state);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->state_lock);
    pthread_cond_destroy(&pool->arrived);
}

/* --- finding --- */

fvm__sender *fvm__mempool_sender(const fvm_chain *c, uint64_t id)
{
    uint8_t key[8];
    const fvm_map_entry *e = fvm_map_get(&c->pool.senders, id_key(key, id));
    return e ? e->value.ptr : NULL;
}

/* The first message whose nonce is not below. */
uint32_t fvm__sender_seek(const fvm__sender *s, uint64_t nonce)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->messages[middle]->signed_message.message.nonce < nonce)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t nonce_at(const fvm__sender *s, uint32_t at)
{
    return s->messages[at]->signed_message.message.nonce;
}

uint64_t fvm__sender_next(const fvm__sender *s, uint64_t nonce)
{
    if (!s) return nonce;
    for (uint32_t at = fvm__sender_seek(s, nonce); at < s->count && nonce_at(s, at) == nonce; at++)
        nonce++;
    return nonce;
}

fvm_err fvm__mempool_find_nonce(fvm_chain *c, fvm_chain_message *out, uint64_t id, uint64_t nonce)
{
    fvm_err err = FVM_ERR_NOT_FOUND;
    pthread_mutex_lock(&c->pool.lock);
    const fvm__sender *s = fvm__mempool_sender(c, id);
    uint32_t at = s ? fvm__sender_seek(s, nonce) : 0;
    if (s && at < s->count && nonce_at(s, at) == nonce)
        err = fvm__message_from_pool(out, s->messages[at]);
    pthread_mutex_unlock(&c->pool.lock);
    return err;
}

/* --- the head's state, for checks --- */

/* A view for all threads, made again for each head: it reads and decodes the few nodes that are asked for,
 * and a message's checks need the same ones again and again. */
fvm_err fvm__mempool_look(fvm_chain *c, fvm_err (*look)(void *ctx, fvm_state_view *state),
                          void *ctx)
{
    fvm__mempool *pool = &c->pool;
    fvm_err err = FVM_OK;
    pthread_mutex_lock(&pool->state_lock);
    pthread_mutex_lock(&c->head_lock);
    uint64_t serial = c->serial;
    fvm_cid root = c->head.state;
    pthread_mutex_unlock(&c->head_lock);
    if (!pool->state || pool->state_serial != serial) {
        fvm_state_view_free(pool->state);
        pool->state = NULL;
        err = fvm_state_view_open(&pool->state, c->blocks, &root, &c->net, c->alloc);
        pool->state_serial = serial;
    }
    if (err == FVM_OK) err = look(ctx, pool->state);
    pthread_mutex_unlock(&pool->state_lock);
    return err;
}

typedef struct nonce_look {
    const fvm_address *address;
    uint64_t id, nonce;
    bool known;
} nonce_look;

static fvm_err look_for_nonce(void *ctx, fvm_state_view *state)
{
    nonce_look *l = ctx;
    const fvm_actor *actor;
    fvm_err err = fvm_state_lookup_id(state, &l->id, l->address);
    if (err == FVM_OK) err = fvm_state_get(state, &actor, l->id);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    if (err != FVM_OK) return err;
    l->known = true;
    l->nonce = actor->nonce;
    return FVM_OK;
}

fvm_err fvm_chain_next_nonce(fvm_chain *c, uint64_t *nonce, const fvm_address *sender)
{
    nonce_look l = { .address = sender };
    FVM_TRY(fvm__mempool_look(c, look_for_nonce, &l));
    pthread_mutex_lock(&c->pool.lock);
    *nonce = l.known ? fvm__sender_next(fvm__mempool_sender(c, l.id), l.nonce) : 0;
    pthread_mutex_unlock(&c->pool.lock);
    return FVM_OK;
}

/* --- what can be sealed --- */

static fvm_err add_ready(fvm_chain *c, fvm__ready *r, fvm__pooled *p)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        fvm__pooled **grown = fvm_mem_resize(c->alloc, r->messages, r->cap * sizeof(fvm__pooled *),
                                             cap * sizeof(fvm__pooled *));
        if (!grown) return FVM_ERR_NOMEM;
        r->messages = grown;
        r->cap = cap;
    }
    p->refs++;
    r->messages[r->count++] = p;
    return FVM_OK;
}

static fvm_err add_run(fvm_chain *c, fvm__ready *r, size_t at)
{
    if (r->run_count == r->run_cap) {
        size_t cap = r->run_cap ? r->run_cap * 2 : 16;
        struct fvm__run *grown = fvm_mem_resize(c->alloc, r->runs, r->run_cap * sizeof *r->runs,
                                                cap * sizeof *r->runs);
        if (!grown) return FVM_ERR_NOMEM;
        r->runs = grown;
        r->run_cap = cap;
    }
    r->runs[r->run_count++] = (struct fvm__run){ at, r->count };
    return FVM_OK;
}

/* The run of one sender; drops what is behind the state's nonce. `*emptied`: nothing is left. */
static fvm_err ready_of(fvm_chain *c, fvm__ready *r, fvm__sender *s, size_t max)
{
    const fvm_actor *actor;
    size_t first = r->count;
    fvm_err err = fvm_state_get(c->runner.machine->state, &actor, s->id);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    uint64_t nonce = actor->nonce;
    while (s->count && nonce_at(s, 0) < nonce) take_out(c, s, 0);
    for (uint32_t at = 0; at < s->count && nonce_at(s, at) == nonce; at++, nonce++) {
        if (r->count - first >= max) {
            r->more = true;
            break;
        }
        FVM_TRY(add_ready(c, r, s->messages[at]));
    }
    return r->count > first ? add_run(c, r, first) : FVM_OK;
}

fvm_err fvm__mempool_ready(fvm_chain *c, fvm__ready *r, size_t max)
{
    fvm_err err = FVM_OK;
    *r = (fvm__ready){ .count = 0 };
    pthread_mutex_lock(&c->pool.lock);
    r->ticket = c->pool.last_ticket;
    size_t share = c->pool.senders.live ? max / c->pool.senders.live + 16 : 0;
    size_t at = 0;
    for (fvm_map_entry *e; err == FVM_OK && (e = fvm_map_next(&c->pool.senders, &at));) {
        fvm__sender *s = e->value.ptr;
        err = ready_of(c, r, s, share);
        forget_if_empty(c, s);
    }
    pthread_mutex_unlock(&c->pool.lock);
    if (err != FVM_OK) fvm__ready_deinit(c, r);
    return err;
}

void fvm__ready_deinit(fvm_chain *c, fvm__ready *r)
{
    pthread_mutex_lock(&c->pool.lock);
    for (size_t i = 0; i < r->count; i++) fvm__pooled_release(c, r->messages[i]);
    pthread_mutex_unlock(&c->pool.lock);
    fvm_mem_free(c->alloc, r->messages, r->cap * sizeof(fvm__pooled *));
    fvm_mem_free(c->alloc, r->runs, r->run_cap * sizeof *r->runs);
    *r = (fvm__ready){ .count = 0 };
}

/* Whatever holds that nonce now goes: a replacement that came while its original was sealed, too. */
void fvm__mempool_remove(fvm_chain *c, fvm__pooled *const *messages, size_t count)
{
    pthread_mutex_lock(&c->pool.lock);
    for (size_t i = 0; i < count; i++) {
        fvm__sender *s = fvm__mempool_sender(c, messages[i]->from_id);
        uint64_t nonce = messages[i]->signed_message.message.nonce;
        if (!s) continue;
        while (s->count && nonce_at(s, 0) <= nonce) take_out(c, s, 0);
        forget_if_empty(c, s);
    }
    pthread_mutex_unlock(&c->pool.lock);
}

/* --- waiting --- */

/* Each who waits has a condition of its own, so that only those wake for whom there is news: with one for
 * all, sixteen clients cost the node more in wake-ups than in messages. */
struct fvm__waiter {
    fvm__waiter *next;
    pthread_cond_t news;
    uint64_t ticket;
};

bool fvm__mempool_done(fvm_chain *c, uint64_t ticket, fvm_err err)
{
    pthread_mutex_lock(&c->pool.lock);
    bool fails_now = err != FVM_OK && c->pool.seal_error == FVM_OK;
    if (ticket > c->pool.done_ticket) c->pool.done_ticket = ticket;
    c->pool.seal_error = err;
    if (err != FVM_OK) c->pool.failures++;
    for (fvm__waiter *w = c->pool.waiters; w; w = w->next)
        if (err != FVM_OK || w->ticket <= c->pool.done_ticket) pthread_cond_signal(&w->news);
    pthread_mutex_unlock(&c->pool.lock);
    return fails_now;
}

void fvm__mempool_poke(fvm_chain *c)
{
    pthread_mutex_lock(&c->pool.lock);
    c->pool.work = true;
    pthread_cond_signal(&c->pool.arrived);
    pthread_mutex_unlock(&c->pool.lock);
}

/* Under the lock, which waiting gives up. */
static fvm_err wait_until(fvm__mempool *pool, uint64_t ticket, const struct timespec *until)
{
    fvm__waiter w = { .ticket = ticket, .next = pool->waiters };
    uint64_t failures = pool->failures;
    int timeout = 0;
    cond_init(&w.news);
    pool->waiters = &w;
    while (pool->done_ticket < ticket && pool->failures == failures && timeout != ETIMEDOUT)
        timeout = pthread_cond_timedwait(&w.news, &pool->lock, until);
    for (fvm__waiter **at = &pool->waiters; *at; at = &(*at)->next) {
        if (*at != &w) continue;
        *at = w.next;
        break;
    }
    pthread_cond_destroy(&w.news);
    if (pool->done_ticket >= ticket) return FVM_OK;
    return pool->failures != failures ? pool->seal_error : FVM_ERR_NOT_FOUND;
}

fvm_err fvm_chain_wait(fvm_chain *c, uint64_t ticket, uint32_t timeout_ms)
{
    struct timespec until;
    fvm_err err = FVM_OK;
    if (fvm_chain_sealing(c, NULL) != FVM_SEALING_INSTANT) return FVM_OK;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&c->pool.lock);
    if (c->pool.done_ticket < ticket) err = wait_until(&c->pool, ticket, &until);
    pthread_mutex_unlock(&c->pool.lock);
    return err;
}

/* --- looking and dropping --- */

typedef struct pending_visit {
    fvm_err (*visit)(void *ctx, const fvm_chain_message *message, bool ready);
    void *ctx;
    fvm_chain_message message;
} pending_visit;

static fvm_err visit_sender(pending_visit *v, const fvm__sender *s, uint64_t nonce)
{
    for (uint32_t at = 0; at < s->count; at++) {
        uint64_t have = nonce_at(s, at);
        if (have == nonce) nonce++;
        FVM_TRY(fvm__message_from_pool(&v->message, s->messages[at]));
        FVM_TRY(v->visit(v->ctx, &v->message, have < nonce));
    }
    return FVM_OK;
}

typedef struct state_nonce {
    uint64_t id, nonce;
} state_nonce;

static fvm_err look_by_id(void *ctx, fvm_state_view *state)
{
    state_nonce *n = ctx;
    const fvm_actor *actor;
    fvm_err err = fvm_state_get(state, &actor, n->id);
    if (err == FVM_OK) n->nonce = actor->nonce;
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static fvm_err visit_all(fvm_chain *c, pending_visit *v, uint64_t id, bool one)
{
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&c->pool.senders, &at));) {
        const fvm__sender *s = e->value.ptr;
        state_nonce n = { .id = s->id };
        if (one && s->id != id) continue;
        /* locks: the state's is taken before the pool's nowhere */
        FVM_TRY(fvm__mempool_look(c, look_by_id, &n));
        FVM_TRY(visit_sender(v, s, n.nonce));
    }
    return FVM_OK;
}

fvm_err fvm_chain_pending(fvm_chain *c, const fvm_address *sender,
                          fvm_err (*visit)(void *ctx, const fvm_chain_message *message, bool ready),
                          void *ctx)
{
    pending_visit v = { .visit = visit, .ctx = ctx };
    nonce_look l = { .address = sender };
    if (sender) FVM_TRY(fvm__mempool_look(c, look_for_nonce, &l));
    if (sender && !l.known) return FVM_OK;
    fvm_chain_message_init(&v.message, c->alloc);
    pthread_mutex_lock(&c->pool.lock);
    fvm_err err = visit_all(c, &v, l.id, sender != NULL);
    pthread_mutex_unlock(&c->pool.lock);
    fvm_chain_message_deinit(&v.message);
    return err;
}

void fvm_chain_pool_stats(fvm_chain *c, size_t *ready, size_t *waiting)
{
    size_t at = 0, first = 0;
    pthread_mutex_lock(&c->pool.lock);
    for (fvm_map_entry *e; (e = fvm_map_next(&c->pool.senders, &at));) {
        const fvm__sender *s = e->value.ptr;
        state_nonce n = { .id = s->id };
        if (fvm__mempool_look(c, look_by_id, &n) != FVM_OK) continue;
        first += (size_t)(fvm__sender_next(s, n.nonce) - n.nonce);
    }
    *ready = first;
    *waiting = c->pool.count - first;
    pthread_mutex_unlock(&c->pool.lock);
}

bool fvm_chain_drop(fvm_chain *c, const uint8_t eth_hash[32])
{
    bool found = false;
    pthread_mutex_lock(&c->pool.lock);
    const fvm_map_entry *e = fvm_map_get(&c->pool.by_hash, (fvm_bytes){ eth_hash, 32 });
    const fvm__pooled *p = e ? e->value.ptr : NULL;
    fvm__sender *s = p ? fvm__mempool_sender(c, p->from_id) : NULL;
    uint32_t at = s ? fvm__sender_seek(s, p->signed_message.message.nonce) : 0;
    if (s && at < s->count && s->messages[at] == p) {
        take_out(c, s, at);
        forget_if_empty(c, s);
        found = true;
    }
    pthread_mutex_unlock(&c->pool.lock);
    return found;
}

void fvm_chain_drop_all(fvm_chain *c, const fvm_address *sender)
{
    nonce_look l = { .address = sender };
    if (!sender) {
        fvm__mempool_clear(c);
        return;
    }
    if (fvm__mempool_look(c, look_for_nonce, &l) != FVM_OK || !l.known) return;
    pthread_mutex_lock(&c->pool.lock);
    fvm__sender *s = fvm__mempool_sender(c, l.id);
    while (s && s->count) take_out(c, s, s->count - 1);
    if (s) forget_if_empty(c, s);
    pthread_mutex_unlock(&c->pool.lock);
}

/* --- impersonation --- */

static fvm_bytes address_key(const fvm_address *a)
{
    return (fvm_bytes){ a->bytes, a->len };
}

void fvm_chain_impersonate(fvm_chain *c, const fvm_address *sender, bool on)
{
    fvm_map_entry *e;
    pthread_mutex_lock(&c->pool.lock);
    if (!on)
        fvm_map_remove(&c->pool.impersonated, address_key(sender));
    else if (fvm_map_put(&c->pool.impersonated, &e, NULL, address_key(sender)) == FVM_OK)
        e->value.u64 = 1;
    pthread_mutex_unlock(&c->pool.lock);
}

void fvm_chain_impersonate_all(fvm_chain *c, bool on)
{
    pthread_mutex_lock(&c->pool.lock);
    c->pool.impersonate_all = on;
    pthread_mutex_unlock(&c->pool.lock);
}

bool fvm_chain_is_impersonated(fvm_chain *c, const fvm_address *sender)
{
    pthread_mutex_lock(&c->pool.lock);
    bool on = c->pool.impersonate_all ||
              fvm_map_get(&c->pool.impersonated, address_key(sender)) != NULL;
    pthread_mutex_unlock(&c->pool.lock);
    return on;
}
