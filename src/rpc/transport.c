/* transport.c - libwebsockets' callback: requests in, replies out. Everything here runs on the server's
 * one thread and waits for nothing.
 *
 * Replies carry a head of our own, written before the body in one piece: libwebsockets would send two. */
#include "server_internal.h"

#include <stdio.h>

#define CHUNK ((size_t)256 << 10)     /* bytes handed to the socket at a time */
#define DISCARD_MAX ((size_t)1 << 30) /* of a body that is refused, are read */

/* What libwebsockets keeps for each connection. */
typedef struct client {
    fvm_rpc_session *session;
} client;

static fvm_rpc_server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static fvm_bytes header(struct lws *wsi, enum lws_token_indexes token, char *out, int room)
{
    int n = lws_hdr_copy(wsi, out, room, token);
    return (fvm_bytes){ (const uint8_t *)out, n > 0 ? (size_t)n : 0 };
}

/* --- Host --- */

static bool same_name(fvm_bytes a, const char *b)
{
    return a.len == strlen(b) && strncasecmp((const char *)a.ptr, b, a.len) == 0;
}

static bool is_ip(fvm_bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!strchr("0123456789abcdefABCDEF.:", name.ptr[i]) || !name.ptr[i]) return false;
    return name.len && (memchr(name.ptr, ':', name.len) || (name.ptr[name.len - 1] <= '9'));
}

static bool is_loopback(fvm_bytes name)
{
    static const char suffix[] = ".localhost";
    size_t n = sizeof suffix - 1;
    return same_name(name, "localhost") || same_name(name, "127.0.0.1") || same_name(name, "::1") ||
           (name.len > n && strncasecmp((const char *)name.ptr + name.len - n, suffix, n) == 0);
}

bool fvm__rpc_host_allowed(const fvm_rpc_server_options *o, fvm_bytes host)
{
    if (!host.len) return true; /* browsers, which this is about, always send one */
    fvm_bytes name = host;
    if (host.ptr[0] == '[') {
        const uint8_t *end = memchr(host.ptr, ']', host.len);
        if (!end) return false;
        name = (fvm_bytes){ host.ptr + 1, (size_t)(end - host.ptr) - 1 };
    } else {
        const uint8_t *colon = memchr(host.ptr, ':', host.len);
        if (colon) name.len = (size_t)(colon - host.ptr);
    }
    if (is_loopback(name)) return true;
    for (size_t i = 0; i < o->allowed_host_count; i++)
        if (strcmp(o->allowed_hosts[i], "*") == 0 || same_name(name, o->allowed_hosts[i]))
            return true;
    if (!o->host || is_loopback(fvm_bytes_of(o->host))) return false;
    return same_name(name, o->host) || is_ip(name); /* a name is what rebinding needs */
}

static bool host_allowed(struct lws *wsi)
{
    char text[300];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) >= (int)sizeof text) return false;
    return fvm__rpc_host_allowed(&server_of(wsi)->o,
                                 header(wsi, WSI_TOKEN_HOST, text, sizeof text));
}

/* --- HTTP: replies --- */

static const char *reason_of(int status)
{
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 501: return "Not Implemented";
    default: return "Service Unavailable";
    }
}

/* Writes the head right before the body and the message begins there. `last`: of the connection. */
static void put_head(fvm_rpc_message *m, int status, const char *type, bool last)
{
    char head[512];
    size_t body = m->buf.len - FVM_RPC_HEAD_ROOM;
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n"
                     "access-control-allow-origin: *\r\n%s%s\r\n",
                     status, reason_of(status), type, body,
                     status == 204 ? "access-control-allow-methods: POST, GET, OPTIONS\r\n"
                                     "access-control-allow-headers: content-type, authorization\r\n"
                                     "access-control-allow-private-network: true\r\n"
                                     "access-control-max-age: 86400\r\n"
                                   : "",
                     last ? "connection: close\r\n" : "");
    m->at = FVM_RPC_HEAD_ROOM - (size_t)n;
    memcpy(m->buf.ptr + m->at, head, (size_t)n);
}

/* Sends what is queued for an HTTP connection: one reply. Non-zero closes the connection. */
static int write_http(struct lws *wsi, fvm_rpc_session *s)
{
    fvm_rpc_server *server = s->server;
    fvm_rpc_message *m = fvm__rpc_session_first(s);
    if (!m) return s->ending ? -1 : 0;
    if (!s->reply_begun) {
        bool empty = m->buf.len == FVM_RPC_HEAD_ROOM; /* notices alone: nothing to say */
        put_head(m,
                 s->status ? s->status
                 : empty   ? 204
                           : 200,
                 s->type ? s->type : "application/json", s->final_one || s->ending);
        s->reply_begun = true;
    }
    size_t rest = m->buf.len - m->at, n = rest < CHUNK || s->final_one ? rest : CHUNK;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->o.slow_seconds);
    int sent = lws_write(wsi, m->buf.ptr + m->at, n,
                         n == rest ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (sent < (int)n) return -1;
    server->bytes_out += n;
    m->at += n;
    if (m->at < m->buf.len) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool close = s->ending;
    s->reply_begun = false;
    s->paused = false;
    fvm__rpc_session_sent(s);
    if (s->final_one) return -1;
    return lws_http_transaction_completed(wsi) || close ? -1 : 0;
}

/* Nothing more is read before the answer: libwebsockets would take what a pipelining client sends next
 * for another end of this body. */
static void hold_back(fvm_rpc_session *s)
{
    s->paused = true;
    (void)lws_rx_flow_control(s->wsi, 0);
}

/* The answer is there. What a client sent right behind its request, without waiting for the reply, has
 * been read with it, and libwebsockets 4.1 cannot serve it: it gives the head of such a POST as its body
 * and then calls back without end. So the connection is closed after the reply, which says so; the client
 * has to send the rest anew (RFC 9112, 9.3.2). Whether there is more is not told of one connection, but
 * of all that may be read from. So now and then one is closed that had to be no more than opened again:
 * one in five while WebSockets beside it send more than in_flight_max calls ahead, none otherwise. */
static void let_on(fvm_rpc_session *s)
{
    (void)lws_rx_flow_control(s->wsi, 1);
    if (lws_service_adjust_timeout(lws_get_context(s->wsi), 1000, 0) == 0) s->final_one = true;
}

/* A reply that needs no call. */
static int answer(fvm_rpc_session *s, int status, const char *type, fvm_bytes body)
{
    fvm_jo out;
    fvm_rpc_message_init(&out, s->server->alloc);
    if (out.failed || fvm_buf_append(&out.buf, body) != FVM_OK) {
        fvm_jo_deinit(&out);
        return -1;
    }
    if (status >= 400) {
        s->server->refused++;
        s->ending = true;
    }
    s->status = status;
    s->type = type;
    hold_back(s);
    fvm__rpc_session_put(s, &out.buf);
    return 0;
}

static int refuse(fvm_rpc_session *s, int status, const char *why)
{
    return answer(s, status, "text/plain; charset=utf-8", fvm_bytes_of(why));
}

/* --- HTTP: requests --- */

static int get(fvm_rpc_session *s, const char *path)
{
    fvm_rpc_server *server = s->server;
    if (strcmp(path, "/health/livez") == 0) return refuse(s, 200, "ok\n");
    if (strcmp(path, "/health/readyz") == 0) {
        bool ready = !server->stopping && server->service.ready(server->service.ctx);
        return refuse(s, ready ? 200 : 503, ready ? "ok\n" : "not ready\n");
    }
    if (strcmp(path, "/metrics") == 0) {
        fvm_buf text;
        fvm_buf_init(&text, server->alloc);
        server->service.metrics(server->service.ctx, &text);
        int result = answer(s, 200, "text/plain; version=0.0.4; charset=utf-8",
                            fvm_buf_bytes(&text));
        fvm_buf_deinit(&text);
        return result;
    }
    if (strcmp(path, "/") == 0)
        return refuse(s, 200,
                      "fvm node: JSON-RPC by POST or WebSocket, here and at /rpc/v1. "
                      "Health: /health/readyz. Metrics: /metrics.\n");
    return refuse(s, 404, "not found\n");
}

static bool is_rpc_path(const char *path)
{
    return strcmp(path, "/") == 0 || strcmp(path, "/rpc/v0") == 0 || strcmp(path, "/rpc/v1") == 0 ||
           strcmp(path, "/rpc/v2") == 0;
}

static const char *status_text(int status)
{
    return status == 411   ? "a Content-Length is needed\n"
           : status == 413 ? "the body is too long; see --body-limit\n"
           : status == 501 ? "of transfer codings, chunked alone is served\n"
           : status == 503 ? "out of memory\n"
                           : "the body's length is none\n";
}

/* What the head says of the body's length: 0, or the status to refuse it with. */
static int body_announced(struct lws *wsi, fvm_rpc_session *s)
{
    char text[32];
    size_t n = 0;
    fvm_bytes length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text);
    bool given = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
        fvm_bytes coding = header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, text, sizeof text);
        if (given) return 400; /* of two lengths, others may believe the other one */
        if (!same_name(coding, "chunked")) return 501;
        s->chunks = (fvm_chunked){ 0 };
        s->chunked = s->final_one = true; /* libwebsockets does not know where the body ends */
        return 0;
    }
    if (!given) return 411;
    size_t max = s->server->o.body_max;
    if (!length.len) return 413; /* more digits than there is room for */
    for (size_t i = 0; i < length.len; i++) {
        if (text[i] < '0' || text[i] > '9') return 400;
        if (n <= DISCARD_MAX) n = n * 10 + (size_t)(text[i] - '0');
    }
    if (n == 0) return 400;
    if (n > max) {
        /* Most clients look for a reply when they have sent everything, and would find the connection
         * broken; one that asks first is told at once. */
        s->too_large = n <= DISCARD_MAX && !lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT);
        return s->too_large ? 0 : 413;
    }
    return fvm_buf_reserve(&s->body, n < 65536 ? n : 65536) == FVM_OK ? 0 : 503;
}

/* A client that waits for leave to send a large body gets it (RFC 9110, 10.1.1); curl waits a second. */
static int go_on(struct lws *wsi)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    unsigned char room[LWS_PRE + sizeof text];
    char value[32];
    if (!lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT)) return 0;
    if (!same_name(header(wsi, WSI_TOKEN_HTTP_EXPECT, value, sizeof value), "100-continue"))
        return 0;
    memcpy(room + LWS_PRE, text, sizeof text);
    return lws_write(wsi, room + LWS_PRE, sizeof text - 1, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

/* The head of a request has come. */
static int request(struct lws *wsi, client *at, const char *path)
{
    fvm_rpc_server *server = server_of(wsi);
    if (!at->session) at->session = fvm__rpc_session_new(server, wsi, false);
    fvm_rpc_session *s = at->session;
    if (!s) return -1;
    server->requests++;
    s->body.len = 0;
    s->chunked = s->too_large = s->final_one = false;
    s->status = 0;
    s->type = NULL;
    if (!host_allowed(wsi)) return refuse(s, 403, "this Host is not served; see --allowed-hosts\n");
    if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI))
        return answer(s, 204, "text/plain", (fvm_bytes){ NULL, 0 });
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) return get(s, path);
    if (!lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI))
        return refuse(s, 405, "POST, GET and OPTIONS are served\n");
    if (!is_rpc_path(path)) return refuse(s, 404, "not found\n");
    if (server->stopping) return refuse(s, 503, "the node is stopping\n");
    int status = body_announced(wsi, s);
    if (status) return refuse(s, status, status_text(status));
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->o.slow_seconds);
    return go_on(wsi);
}

static int request_done(struct lws *wsi, fvm_rpc_session *s)
{
    if (s->paused || fvm__rpc_session_first(s)) return 0; /* refused, or under way already */
    if (s->too_large) return refuse(s, 413, status_text(413));
    hold_back(s);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)s->server->o.call_seconds);
    if (!fvm__rpc_session_run(s)) return refuse(s, 503, "too many calls are waiting\n");
    return 0;
}

static int request_body(struct lws *wsi, fvm_rpc_session *s, fvm_bytes part)
{
    size_t max = s->server->o.body_max;
    bool done;
    s->server->bytes_in += part.len;
    if (s->too_large || s->paused) return 0; /* refused, or it follows a body that is whole */
    if (!s->chunked) {
        if (part.len > max - s->body.len) return -1;
        return fvm_buf_append(&s->body, part) == FVM_OK ? 0 : -1;
    }
    fvm_err err = fvm_chunked_read(&s->chunks, &s->body, max, &done, part);
    if (err == FVM_ERR_LIMIT) return refuse(s, 413, status_text(413));
    if (err == FVM_ERR_MALFORMED) return refuse(s, 400, "the body's chunks cannot be read\n");
    if (err != FVM_OK) return -1;
    return done ? request_done(wsi, s) : 0;
}

/* --- WebSocket --- */

static int write_ws(struct lws *wsi, fvm_rpc_session *s)
{
    fvm_rpc_server *server = s->server;
    for (fvm_rpc_message *m; (m = fvm__rpc_session_first(s));) {
        size_t n = m->buf.len - m->at;
        if (lws_write(wsi, m->buf.ptr + m->at, n, LWS_WRITE_TEXT) < (int)n) return -1;
        server->bytes_out += n;
        fvm__rpc_session_sent(s);
        if (lws_send_pipe_choked(wsi)) {
            lws_callback_on_writable(wsi);
            return 0;
        }
    }
    if (s->ending && s->in_flight == 0) {
        size_t n = strlen(s->reason);
        lws_close_reason(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, (unsigned char *)s->reason, n);
        return -1;
    }
    return 0;
}

/* Whether the session may have more calls. */
static void check_flow(struct lws *wsi, fvm_rpc_session *s)
{
    pthread_mutex_lock(&s->mutex);
    bool pause = s->in_flight >= s->server->o.in_flight_max;
    pthread_mutex_unlock(&s->mutex);
    if (pause == s->paused) return;
    s->paused = pause;
    (void)lws_rx_flow_control(wsi, !pause);
}

static int receive(struct lws *wsi, fvm_rpc_session *s, fvm_bytes part)
{
    fvm_rpc_server *server = s->server;
    server->bytes_in += part.len;
    if (part.len > server->o.body_max - s->body.len) {
        static char why[] = "the message is too long";
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, (unsigned char *)why,
                         sizeof why - 1);
        return -1;
    }
    if (fvm_buf_append(&s->body, part) != FVM_OK) return -1;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) return 0;
    server->requests++;
    if (server->stopping || !fvm__rpc_session_run(s)) {
        static char why[] = "too many calls are waiting";
        server->refused++;
        lws_close_reason(wsi, (enum lws_close_status)1013 /* try again later */,
                         (unsigned char *)why, sizeof why - 1);
        return -1;
    }
    check_flow(wsi, s);
    return 0;
}

/* --- the callback --- */

/* Writes without waiting to be told that the socket takes it, as it nearly always does: half as many
 * turns of the loop for a call. An HTTP connection is closed at once, before libwebsockets turns to what
 * it has read of it (see let_on). */
static void write_now(struct lws *wsi, fvm_rpc_session *s)
{
    if (s->is_ws) {
        if (lws_send_pipe_choked(wsi))
            lws_callback_on_writable(wsi);
        else if (write_ws(wsi, s) != 0)
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return;
    }
    if (lws_send_pipe_choked(wsi) && !s->final_one)
        lws_callback_on_writable(wsi);
    else if (write_http(wsi, s) != 0)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* Sessions that other threads have left something for. */
static void look_at_awake(fvm_rpc_server *server)
{
    pthread_mutex_lock(&server->mutex);
    fvm_rpc_session *list = server->awake;
    server->awake = NULL;
    for (fvm_rpc_session *s = list; s; s = s->next_awake) s->waking = false;
    /* next_awake may be set again from here on, so the list is copied out under the lock. */
    fvm_rpc_session *todo[64];
    size_t n = 0;
    while (list && n < FVM_COUNT(todo)) {
        todo[n++] = list;
        list = list->next_awake;
    }
    for (fvm_rpc_session *s = list, *next; s; s = next) {
        next = s->next_awake;
        s->waking = true;
        s->next_awake = server->awake;
        server->awake = s;
    }
    bool more = server->awake != NULL;
    pthread_mutex_unlock(&server->mutex);
    for (size_t i = 0; i < n; i++) {
        fvm_rpc_session *s = todo[i];
        if (s->wsi) {
            if (s->is_ws) check_flow(s->wsi, s);
            if (fvm__rpc_session_first(s) || s->ending) {
                /* libwebsockets tells nothing of HTTP sockets that are not read from */
                if (!s->is_ws && s->paused) let_on(s);
                write_now(s->wsi, s);
            }
        }
        fvm_rpc_session_release(s);
    }
    if (more) lws_cancel_service(server->context);
}

static void forget(client *at)
{
    if (at && at->session) fvm__rpc_session_close(at->session);
    if (at) at->session = NULL;
}

static int established(struct lws *wsi, client *at)
{
    forget(at);
    at->session = fvm__rpc_session_new(server_of(wsi), wsi, true);
    return at->session ? 0 : -1;
}

int fvm__rpc_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len)
{
    client *at = user;
    fvm_bytes data = { in, len };
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION: {
        fvm_rpc_server *server = server_of(wsi);
        return server->stopping || server->connections >= server->connections_max;
    }
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        server_of(wsi)->connections++;
        lws_set_opaque_user_data(wsi, server_of(wsi)); /* tells clients from sockets of its own */
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (lws_get_opaque_user_data(wsi)) server_of(wsi)->connections--;
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return strcasecmp(in, "websocket") == 0 && host_allowed(wsi) ? 0 : -1; /* no HTTP/2 */
    case LWS_CALLBACK_HTTP: return request(wsi, at, in);
    case LWS_CALLBACK_HTTP_BODY:
        return at->session && !at->session->ending ? request_body(wsi, at->session, data) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return at->session ? request_done(wsi, at->session) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE: return at->session ? write_http(wsi, at->session) : 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return host_allowed(wsi) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED: return established(wsi, at);
    case LWS_CALLBACK_RECEIVE: return at->session ? receive(wsi, at->session, data) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE: return at->session ? write_ws(wsi, at->session) : -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL: forget(at); return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: look_at_awake(server_of(wsi)); return 0;
    default: return 0;
    }
}
