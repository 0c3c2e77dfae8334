/* subscriptions.c - watches of WebSockets: what is new is read from the chain and posted, as long as the client
 * takes it; then it waits where it stopped. A session is pumped by one thread at a time. */
#include "filters_internal.h"

static fvm_subscriber *subscriber_of(fvm_rpc_session *session)
{
    return *fvm_rpc_session_data(session);
}

/* --- beginning and ending --- */

static fvm_err ensure_subscriber(fvm_filters *f, fvm_rpc_session *session)
{
    fvm_subscriber *s = fvm_mem_zalloc(f->node->alloc, sizeof *s);
    if (!s) return FVM_ERR_NOMEM;
    s->session = session;
    pthread_mutex_lock(&f->mutex);
    bool taken = subscriber_of(session) == NULL;
    if (taken) {
        s->next = f->subscribers;
        s->link = &f->subscribers;
        if (s->next) s->next->link = &s->next;
        f->subscribers = s;
        *fvm_rpc_session_data(session) = s;
    }
    pthread_mutex_unlock(&f->mutex);
    if (!taken) fvm_mem_free(f->node->alloc, s, sizeof *s);
    return FVM_OK;
}

fvm_err fvm_subscribe(fvm_rpc_call *call, uint64_t *id, fvm_watch_kind kind,
                      fvm_log_criteria *criteria)
{
    fvm_filters *f = call->node->filters;
    fvm_watch *w;
    FVM_TRY(ensure_subscriber(f, call->session));
    FVM_TRY(fvm__watch_new(&w, f, kind, criteria));
    pthread_mutex_lock(&f->mutex);
    fvm_subscriber *s = subscriber_of(call->session);
    bool room = s->count < FVM_SUBSCRIPTIONS_MAX;
    if (room) {
        w->id = *id = ++f->serial;
        s->watches[s->count++] = w;
    }
    pthread_mutex_unlock(&f->mutex);
    if (room) return FVM_OK;
    fvm__watch_release(w);
    return FVM_ERR_LIMIT;
}

bool fvm_unsubscribe(fvm_rpc_call *call, uint64_t id)
{
    fvm_filters *f = call->node->filters;
    fvm_watch *w = NULL;
    pthread_mutex_lock(&f->mutex);
    fvm_subscriber *s = subscriber_of(call->session);
    for (size_t i = 0; s && i < s->count && !w; i++) {
        if (s->watches[i]->id != id) continue;
        w = s->watches[i];
        s->watches[i] = s->watches[--s->count];
    }
    pthread_mutex_unlock(&f->mutex);
    if (w) fvm__watch_release(w);
    return w != NULL;
}

void fvm_subscriptions_replied(fvm_filters *f, fvm_rpc_session *session)
{
    bool begun = false;
    pthread_mutex_lock(&f->mutex);
    fvm_subscriber *s = subscriber_of(session);
    for (size_t i = 0; s && i < s->count; i++) {
        fvm_watch *w = s->watches[i];
        if (w->active || !pthread_equal(w->maker, pthread_self())) continue;
        w->active = begun = true;
    }
    pthread_mutex_unlock(&f->mutex);
    if (begun) fvm_rpc_session_wake(session);
}

void fvm_subscriptions_forget(fvm_filters *f, fvm_rpc_session *session)
{
    fvm_subscriber *s = subscriber_of(session);
    if (!s) return;
    pthread_mutex_lock(&f->mutex);
    *s->link = s->next;
    if (s->next) s->next->link = s->link;
    pthread_mutex_unlock(&f->mutex);
    for (size_t i = 0; i < s->count; i++) fvm__watch_release(s->watches[i]);
    fvm_mem_free(f->node->alloc, s, sizeof *s);
    *fvm_rpc_session_data(session) = NULL;
}

/* --- speaking --- */

typedef struct speech {
    fvm_filters *filters;
    fvm_rpc_session *session;
    fvm_watch *watch;
} speech;

static void begin_notice(const speech *s, fvm_jo *o)
{
    fvm_rpc_message_init(o, s->filters->node->alloc);
    fvm_jo_begin(o, '{');
    fvm_jo_k_str(o, "jsonrpc", "2.0");
    fvm_jo_k_str(o, "method", "eth_subscription");
    fvm_jo_key(o, "params");
    fvm_jo_begin(o, '{');
    fvm_jo_k_quantity(o, "subscription", s->watch->id);
    fvm_jo_key(o, "result");
}

static void end_notice(const speech *s, fvm_jo *o)
{
    fvm_jo_end(o, '}');
    fvm_jo_end(o, '}');
    fvm_rpc_session_post(s->session, o);
}

static fvm_err say_log(void *ctx, const fvm_chain_event *e)
{
    const speech *s = ctx;
    fvm_jo o;
    begin_notice(s, &o);
    fvm_rpc_put_log(&o, e, false, 0);
    end_notice(s, &o);
    return FVM_OK;
}

static bool say_enough(void *ctx)
{
    const speech *s = ctx;
    return fvm_rpc_session_full(s->session);
}

/* Logs that were taken back, each in a notice of its own: elements of what was kept as a list. */
static fvm_err say_removed(const speech *s)
{
    fvm_watch *w = s->watch;
    fvm_jo list;
    json_t *logs = NULL;
    if (!w->removed.buf.len) return FVM_OK;
    fvm_jo_init(&list, s->filters->node->alloc);
    fvm_jo_begin(&list, '[');
    fvm_jo_raw(&list, fvm_buf_bytes(&w->removed.buf));
    fvm_jo_end(&list, ']');
    fvm_err err = fvm_jo_ok(&list) ? fvm_rpc_json_parse(&logs, fvm_buf_bytes(&list.buf), NULL)
                                   : FVM_ERR_NOMEM;
    fvm_jo_deinit(&list);
    for (size_t i = 0; i < json_array_size(logs); i++) {
        fvm_jo o;
        begin_notice(s, &o);
        fvm_jo_json(&o, json_array_get(logs, i));
        end_notice(s, &o);
    }
    json_decref(logs);
    fvm_jo_back(&w->removed, (fvm_jo_mark){ 0, false });
    return err;
}

static fvm_err say_logs(speech *s)
{
    if (s->watch->removed.failed) return FVM_ERR_NOMEM;
    FVM_TRY(say_removed(s));
    return fvm__watch_logs(s->filters, s->watch, say_log, s, say_enough);
}

static fvm_err say_head(void *ctx, const fvm_tipset *t)
{
    const speech *s = ctx;
    fvm_jo o;
    if (fvm_rpc_session_full(s->session)) return FVM_ERR_LIMIT;
    begin_notice(s, &o);
    fvm_err err = fvm_rpc_put_block(s->filters->node, &o, t, true, false);
    if (err != FVM_OK) {
        fvm_jo_deinit(&o);
        return err;
    }
    end_notice(s, &o);
    s->watch->cursor = t->number + 1;
    return FVM_OK;
}

static fvm_err say_heads(speech *s)
{
    uint64_t head = fvm_chain_head_number(s->filters->node->chain);
    if (s->watch->cursor > head) return FVM_OK;
    fvm_err err = fvm_chain_tipsets(s->filters->node->chain, s->watch->cursor, head, false,
                                    say_head, s);
    return err == FVM_ERR_LIMIT ? FVM_OK : err;
}

static fvm_err say_pending(const speech *s)
{
    uint8_t hash[32];
    fvm_err err = FVM_ERR_NOT_FOUND;
    while (!fvm_rpc_session_full(s->session) &&
           (err = fvm__watch_next_pending(s->filters, s->watch, hash)) == FVM_OK) {
        fvm_jo o;
        begin_notice(s, &o);
        err = fvm__put_pending(s->filters, s->watch, &o, hash);
        if (err == FVM_OK)
            end_notice(s, &o);
        else
            fvm_jo_deinit(&o);
        if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    }
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

static void speak(fvm_filters *f, fvm_rpc_session *session, fvm_watch *w)
{
    speech s = { f, session, w };
    pthread_mutex_lock(&w->mutex);
    fvm_err err = w->kind == FVM_WATCH_LOGS      ? say_logs(&s)
                  : w->kind == FVM_WATCH_PENDING ? say_pending(&s)
                  : w->kind == FVM_WATCH_NOTIFY  ? fvm__say_notify(f, session, w)
                                                 : say_heads(&s);
    pthread_mutex_unlock(&w->mutex);
    /* Complete, or an error: what cannot be told ends the connection. */
    if (err != FVM_OK)
        fvm_rpc_session_end(session, err == FVM_ERR_LIMIT ? "the subscription fell too far behind"
                                                          : fvm_err_text(err));
}

void fvm_subscriptions_pump(fvm_filters *f, fvm_rpc_session *session)
{
    fvm_watch *list[FVM_SUBSCRIPTIONS_MAX];
    size_t n = 0;
    pthread_mutex_lock(&f->mutex);
    fvm_subscriber *s = subscriber_of(session);
    for (size_t i = 0; s && i < s->count; i++) {
        if (!s->watches[i]->active) continue;
        list[n++] = s->watches[i];
        s->watches[i]->refs++;
    }
    pthread_mutex_unlock(&f->mutex);
    for (size_t i = 0; i < n; i++) {
        speak(f, session, list[i]);
        fvm__watch_release(list[i]);
    }
}
