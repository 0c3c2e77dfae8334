/* http_client.c - a client of HTTP on libwebsockets' loop, which runs while a request is under way. A
 * connection per request: requests here are few, and a node on this machine answers in microseconds. */
#include "http_client.h"
#include "base/clock.h"

#include <libwebsockets.h>

#define CHUNK ((size_t)64 << 10)

typedef struct request {
    fvm_bytes body; /* what is left to send */
    fvm_buf *reply;
    unsigned status;
    bool done;
    fvm_err err;
    char words[200]; /* of a failure */
    uint8_t out[LWS_PRE + CHUNK];
} request;

struct fvm_http {
    struct lws_context *context;
    char url[1024]; /* taken apart in place; the others point into it */
    const char *scheme, *host, *path;
    int port;
    bool tls;
    char path_room[1024], host_port[300];
    request request;
};

static int fail(request *r, fvm_err err, const char *words)
{
    if (r->err == FVM_OK) {
        r->err = err;
        (void)snprintf(r->words, sizeof r->words, "%s", words);
    }
    r->done = true;
    return -1;
}

static int add_headers(struct lws *wsi, const request *r, void *in, size_t room)
{
    unsigned char **at = in, *end = *at + room;
    char length[24];
    int n = snprintf(length, sizeof length, "%zu", r->body.len);
    static const unsigned char json[] = "application/json";
    if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, json, sizeof json - 1, at,
                                     end) ||
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH,
                                     (const unsigned char *)length, n, at, end))
        return -1;
    lws_client_http_body_pending(wsi, 1);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_body(struct lws *wsi, request *r)
{
    size_t n = r->body.len < CHUNK ? r->body.len : CHUNK;
    bool last = n == r->body.len;
    if (n) memcpy(r->out + LWS_PRE, r->body.ptr, n);
    if (lws_write(wsi, r->out + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return fail(r, FVM_ERR_IO, "the connection broke");
    if (n) r->body.ptr += n;
    r->body.len -= n;
    if (last) {
        lws_client_http_body_pending(wsi, 0);
    } else {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int take_reply(request *r, const void *in, size_t len)
{
    if (r->reply->len + len > FVM_HTTP_REPLY_MAX)
        return fail(r, FVM_ERR_LIMIT, "the reply is too long");
    if (fvm_buf_append(r->reply, (fvm_bytes){ in, len }) != FVM_OK)
        return fail(r, FVM_ERR_NOMEM, "out of memory");
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    fvm_http *http = lws_context_user(lws_get_context(wsi));
    request *r = &http->request;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return add_headers(wsi, r, in, len);
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE: return send_body(wsi, r);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        r->status = lws_http_client_http_response(wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
        char room[LWS_PRE + 16384], *at = room + LWS_PRE;
        int n = sizeof room - LWS_PRE;
        return lws_http_client_read(wsi, &at, &n) < 0 ? -1 : 0; /* calls the next case */
    }
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: return take_reply(r, in, len);
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP: r->done = true; return -1; /* close */
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        (void)fail(r, FVM_ERR_IO, in ? in : "no connection");
        return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        if (!r->done) (void)fail(r, FVM_ERR_IO, "the connection was closed before the reply ended");
        return 0;
    default: return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "http", .callback = on_event, .rx_buffer_size = 0 },
    { .name = NULL },
};

fvm_err fvm_http_open(fvm_http **out, const char *url, fvm_store_why *why)
{
    fvm_http *http = fvm_mem_zalloc(NULL, sizeof *http);
    if (!http) return fvm__why(why, FVM_ERR_NOMEM, "out of memory");
    int n = snprintf(http->url, sizeof http->url, "%s", url);
    bool good = n > 0 && (size_t)n < sizeof http->url && strstr(url, "://") &&
                lws_parse_uri(http->url, &http->scheme, &http->host, &http->port, &http->path) == 0;
    http->tls = good && strcmp(http->scheme, "https") == 0;
    if (!good || (!http->tls && strcmp(http->scheme, "http") != 0) || !http->host[0]) {
        fvm_mem_free(NULL, http, sizeof *http);
        return fvm__why(why, FVM_ERR_MALFORMED, "%s: no address as http://127.0.0.1:8545", url);
    }
    (void)snprintf(http->path_room, sizeof http->path_room, "/%s",
                   http->path + (http->path[0] == '/'));
    (void)snprintf(http->host_port, sizeof http->host_port, "%s:%d", http->host, http->port);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = http,
        .options = http->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .fd_limit_per_thread = 16,
    };
    lws_set_log_level(0, NULL);
    http->context = lws_create_context(&info);
    if (!http->context) {
        fvm_mem_free(NULL, http, sizeof *http);
        return fvm__why(why, FVM_ERR_NOMEM, "libwebsockets does not start");
    }
    *out = http;
    return FVM_OK;
}

void fvm_http_close(fvm_http *http)
{
    if (!http) return;
    lws_context_destroy(http->context);
    fvm_mem_free(NULL, http, sizeof *http);
}

static void nothing(lws_sorted_usec_list_t *timer)
{
    (void)timer; /* its time has come: lws_service returns */
}

fvm_err fvm_http_post(fvm_http *http, fvm_buf *reply, unsigned *status, fvm_bytes body,
                      uint32_t timeout_ms, fvm_store_why *why)
{
    request *r = &http->request;
    lws_sorted_usec_list_t timer = { 0 };
    uint64_t start = fvm_clock_ms();
    struct lws_client_connect_info info = {
        .context = http->context,
        .address = http->host,
        .port = http->port,
        .path = http->path_room,
        .host = http->host_port,
        .origin = NULL,
        .method = "POST",
        .protocol = protocols[0].name,
        .alpn = "http/1.1",
        .ssl_connection = http->tls ? LCCSCF_USE_SSL : 0,
    };
    *r = (request){ .body = body, .reply = reply };
    if (!lws_client_connect_via_info(&info) && r->err == FVM_OK)
        (void)fail(r, FVM_ERR_IO, "no connection");
    lws_sul_schedule(http->context, 0, &timer, nothing, (lws_usec_t)timeout_ms * 1000);
    while (!r->done && fvm_clock_ms() - start < timeout_ms)
        if (lws_service(http->context, 0) < 0) break;
    lws_sul_cancel(&timer);
    if (!r->done) (void)fail(r, FVM_ERR_IO, "no reply in time");
    *status = r->status;
    if (r->err == FVM_OK) return FVM_OK;
    return fvm__why(why, r->err, "%s://%s%s: %s", http->scheme, http->host_port, http->path_room,
                    r->words);
}
