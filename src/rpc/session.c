/* session.c - connections as the rest of the server sees them: a queue of messages out, calls under
 * way, and the pump of subscriptions. */
#include "server_internal.h"

#define FULL_BYTES ((size_t)1 << 20) /* unread, from which subscriptions wait */

fvm_rpc_session *fvm__rpc_session_new(fvm_rpc_server *server, struct lws *wsi, bool is_ws)
{
    fvm_rpc_session *s = fvm_mem_zalloc(server->alloc, sizeof *s);
    if (!s) return NULL;
    s->server = server;
    s->wsi = wsi;
    s->is_ws = is_ws;
    s->last = &s->first;
    atomic_init(&s->refs, 1);
    fvm_buf_init(&s->body, server->alloc);
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void fvm_rpc_session_hold(fvm_rpc_session *s)
{
    s->refs++;
}

static void drop_messages(fvm_rpc_session *s)
{
    for (fvm_rpc_message *m = s->first, *next; m; m = next) {
        next = m->next;
        fvm_buf_deinit(&m->buf);
        fvm_mem_free(s->server->alloc, m, sizeof *m);
    }
    s->first = NULL;
    s->last = &s->first;
    s->unread = 0;
}

void fvm_rpc_session_release(fvm_rpc_session *s)
{
    if (--s->refs) return;
    fvm_rpc_server *server = s->server;
    if (s->data && server->service.forget) server->service.forget(server->service.ctx, s);
    drop_messages(s);
    fvm_buf_deinit(&s->body);
    pthread_mutex_destroy(&s->mutex);
    fvm_mem_free(server->alloc, s, sizeof *s);
}

void fvm__rpc_session_close(fvm_rpc_session *s)
{
    s->wsi = NULL;
    pthread_mutex_lock(&s->mutex);
    s->gone = true;
    drop_messages(s);
    pthread_mutex_unlock(&s->mutex);
    fvm_rpc_session_release(s);
}

void fvm__rpc_session_awake(fvm_rpc_session *s)
{
    fvm_rpc_server *server = s->server;
    pthread_mutex_lock(&server->mutex);
    bool new = !s->waking;
    if (new) {
        s->waking = true;
        fvm_rpc_session_hold(s);
        s->next_awake = server->awake;
        server->awake = s;
    }
    pthread_mutex_unlock(&server->mutex);
    if (new && server->context) lws_cancel_service(server->context);
}

void fvm__rpc_session_put(fvm_rpc_session *s, fvm_buf *buf)
{
    fvm_rpc_server *server = s->server;
    fvm_rpc_message *m = fvm_mem_zalloc(server->alloc, sizeof *m);
    pthread_mutex_lock(&s->mutex);
    bool room = m && !s->gone && (!s->is_ws || s->unread <= server->o.unread_max);
    if (room) {
        m->buf = *buf;
        m->at = FVM_RPC_HEAD_ROOM;
        *s->last = m;
        s->last = &m->next;
        s->unread += buf->len;
        fvm_buf_init(buf, buf->alloc);
    } else if (!s->gone && !s->ending) {
        /* A client that misses a message must learn of it: by losing the connection. */
        s->ending = true;
        memcpy(s->reason, "too much was left unread", 25);
    }
    pthread_mutex_unlock(&s->mutex);
    if (!room) {
        fvm_mem_free(server->alloc, m, sizeof *m);
        fvm_buf_deinit(buf);
    }
    fvm__rpc_session_awake(s);
}

fvm_rpc_message *fvm__rpc_session_first(fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    fvm_rpc_message *m = s->first;
    pthread_mutex_unlock(&s->mutex);
    return m;
}

void fvm__rpc_session_sent(fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    fvm_rpc_message *m = s->first;
    s->first = m->next;
    if (!s->first) s->last = &s->first;
    s->unread -= m->buf.len;
    bool wake = s->was_full && s->unread < FULL_BYTES / 2;
    if (wake) s->was_full = false;
    pthread_mutex_unlock(&s->mutex);
    fvm_buf_deinit(&m->buf);
    fvm_mem_free(s->server->alloc, m, sizeof *m);
    if (wake) fvm_rpc_session_wake(s);
}

/* --- calls --- */

typedef struct call_job {
    fvm_rpc_job job;
    fvm_rpc_session *session;
    fvm_buf body;
} call_job;

static void end_call(call_job *c)
{
    fvm_rpc_session *s = c->session;
    fvm_rpc_server *server = s->server;
    pthread_mutex_lock(&s->mutex);
    s->in_flight--;
    pthread_mutex_unlock(&s->mutex);
    server->in_flight--;
    fvm__rpc_session_awake(s); /* it may be read from again, or has to be closed */
    fvm_buf_deinit(&c->body);
    fvm_mem_free(server->alloc, c, sizeof *c);
    fvm_rpc_session_release(s);
}

static void run_call(fvm_rpc_job *job, unsigned worker)
{
    call_job *c = (call_job *)(void *)job;
    fvm_rpc_session *s = c->session;
    fvm_rpc_server *server = s->server;
    fvm_jo out;
    (void)worker;
    fvm_rpc_message_init(&out, server->alloc);
    if (!fvm_rpc_session_gone(s))
        server->service.handle(server->service.ctx, s->is_ws ? s : NULL, fvm_buf_bytes(&c->body),
                               &out);
    if (!fvm_jo_ok(&out)) /* no memory for a reply: say so by hanging up */
        fvm_rpc_session_end(s, "out of memory");
    else if (out.buf.len > FVM_RPC_HEAD_ROOM || !s->is_ws)
        fvm__rpc_session_put(s, &out.buf);
    fvm_jo_deinit(&out);
    if (s->is_ws && server->service.replied) server->service.replied(server->service.ctx, s);
    end_call(c);
}

static void drop_call(fvm_rpc_job *job)
{
    end_call((call_job *)(void *)job);
}

bool fvm__rpc_session_run(fvm_rpc_session *s)
{
    fvm_rpc_server *server = s->server;
    call_job *c = fvm_mem_zalloc(server->alloc, sizeof *c);
    if (!c) return false;
    c->job.run = run_call;
    c->job.drop = drop_call;
    c->session = s;
    c->body = s->body;
    fvm_rpc_session_hold(s);
    pthread_mutex_lock(&s->mutex);
    s->in_flight++;
    pthread_mutex_unlock(&s->mutex);
    server->in_flight++;
    fvm_buf_init(&s->body, server->alloc);
    if (fvm_rpc_pool_put(server->pool, &c->job, false)) return true;
    end_call(c);
    return false;
}

/* --- subscriptions --- */

typedef struct pump_job {
    fvm_rpc_job job;
    fvm_rpc_session *session;
} pump_job;

static void drop_pump(fvm_rpc_job *job)
{
    pump_job *p = (pump_job *)(void *)job;
    fvm_rpc_session *s = p->session;
    fvm_mem_free(s->server->alloc, p, sizeof *p);
    fvm_rpc_session_release(s);
}

static void run_pump(fvm_rpc_job *job, unsigned worker)
{
    pump_job *p = (pump_job *)(void *)job;
    fvm_rpc_session *s = p->session;
    (void)worker;
    for (bool again = true; again;) {
        if (!fvm_rpc_session_gone(s)) s->server->service.pump(s->server->service.ctx, s);
        pthread_mutex_lock(&s->mutex);
        again = s->pump == FVM_PUMP_AGAIN;
        s->pump = again ? FVM_PUMP_BUSY : FVM_PUMP_IDLE;
        pthread_mutex_unlock(&s->mutex);
    }
    drop_pump(job);
}

void fvm_rpc_session_wake(fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    bool start = s->pump == FVM_PUMP_IDLE && !s->gone;
    s->pump = start || s->gone ? s->pump : FVM_PUMP_AGAIN;
    if (start) s->pump = FVM_PUMP_BUSY;
    pthread_mutex_unlock(&s->mutex);
    if (!start) return;
    if (!s->server->pool) { /* a server without threads: tests pump by themselves */
        s->pump = FVM_PUMP_IDLE;
        return;
    }
    pump_job *p = fvm_mem_zalloc(s->server->alloc, sizeof *p);
    if (!p) {
        fvm_rpc_session_end(s, "out of memory");
        return;
    }
    p->job.run = run_pump;
    p->job.drop = drop_pump;
    p->session = s;
    fvm_rpc_session_hold(s);
    if (!fvm_rpc_pool_put(s->server->pool, &p->job, true)) drop_pump(&p->job);
}

/* --- what a service does with a session --- */

void **fvm_rpc_session_data(fvm_rpc_session *s)
{
    return &s->data;
}

void fvm_rpc_message_init(fvm_jo *text, const fvm_allocator *alloc)
{
    fvm_jo_init(text, alloc);
    if (fvm_buf_reserve(&text->buf, FVM_RPC_HEAD_ROOM + 256) != FVM_OK)
        text->failed = true;
    else
        text->buf.len = FVM_RPC_HEAD_ROOM;
}

void fvm_rpc_session_post(fvm_rpc_session *s, fvm_jo *text)
{
    if (text->failed)
        fvm_rpc_session_end(s, "out of memory");
    else
        fvm__rpc_session_put(s, &text->buf);
    fvm_jo_deinit(text);
}

bool fvm_rpc_session_full(fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    bool full = s->unread >= FULL_BYTES || s->gone || s->ending;
    if (full) s->was_full = true;
    pthread_mutex_unlock(&s->mutex);
    return full;
}

void fvm_rpc_session_end(fvm_rpc_session *s, const char *reason)
{
    pthread_mutex_lock(&s->mutex);
    if (!s->ending) {
        s->ending = true;
        (void)snprintf(s->reason, sizeof s->reason, "%s", reason);
    }
    pthread_mutex_unlock(&s->mutex);
    fvm__rpc_session_awake(s);
}

bool fvm_rpc_session_gone(fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    bool gone = s->gone;
    pthread_mutex_unlock(&s->mutex);
    return gone;
}
