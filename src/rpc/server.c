/* server.c - starts and stops the server: its socket, its thread, its pool. */
#include "server_internal.h"

#include "base/clock.h"

#include <ev.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 128u /* for the database, logs, this server's own */

static size_t or_default(size_t value, size_t fallback)
{
    return value ? value : fallback;
}

static void set_defaults(fvm_rpc_server_options *o)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    o->body_max = or_default(o->body_max, (size_t)16 << 20);
    o->connections_max = or_default(o->connections_max, 8192);
    o->in_flight_max = or_default(o->in_flight_max, 64);
    o->queue_max = or_default(o->queue_max, 4096);
    o->unread_max = or_default(o->unread_max, (size_t)64 << 20);
    if (!o->threads) o->threads = cpus < 2 ? 2 : cpus > 16 ? 16 : (unsigned)cpus;
    o->idle_seconds = (unsigned)or_default(o->idle_seconds, 600);
    o->slow_seconds = (unsigned)or_default(o->slow_seconds, 30);
    o->call_seconds = (unsigned)or_default(o->call_seconds, 300);
}

/* Descriptors for that many connections, as far as the system gives them. libwebsockets makes tables of the
 * limit, so it is not raised further. */
static size_t descriptors(size_t connections)
{
    struct rlimit limit;
    rlim_t want = connections + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
    struct rlimit mine = limit;
    mine.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &mine) == 0) limit = mine;
    rlim_t room = limit.rlim_cur > 2 * SPARE_DESCRIPTORS ? limit.rlim_cur - SPARE_DESCRIPTORS
                                                         : limit.rlim_cur / 2;
    return room < connections ? (size_t)room : connections;
}

/* Waits for something to do, and does it. */
static bool turn(fvm_rpc_server *server)
{
    if (!server->loop) return lws_service(server->context, 0) >= 0;
    ev_run(server->loop, EVRUN_ONCE);
    return true;
}

/* The server's thread: until it is told to stop, and then until what is under way is answered. */
static void *serve(void *ctx)
{
    fvm_rpc_server *server = ctx;
    uint64_t begun = 0; /* seconds */
    while (turn(server)) {
        if (!server->stopping) continue;
        uint64_t now = fvm_clock_ms() / 1000;
        if (!begun) begun = now;
        if (server->quit || now - begun > 12) break;
    }
    return NULL;
}

static struct lws_vhost *listen_on(fvm_rpc_server *server, struct lws_context_creation_info *info)
{
    const char *host = server->o.host ? server->o.host : "127.0.0.1";
    if (strcmp(host, "localhost") == 0) host = "127.0.0.1";
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    info->iface = any ? NULL : host;
    info->port = server->o.port;
    if (!strchr(host, ':')) info->options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    info->options |= LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    return lws_create_vhost(server->context, info);
}

/* With libev, whose epoll costs the same whatever stands idle: 5,000 connections make poll's loop 100
 * times slower. libwebsockets loads its part for libev when it runs; where that is not installed it
 * uses poll. */
static bool make_context(fvm_rpc_server *server, struct lws_context_creation_info *info)
{
    void *loops[1];
    server->loop = ev_loop_new(EVFLAG_AUTO);
    if (server->loop) {
        struct lws_context_creation_info with = *info;
        loops[0] = server->loop;
        with.options |= LWS_SERVER_OPTION_LIBEV;
        with.foreign_loops = loops;
        server->context = lws_create_context(&with);
        if (server->context) return true;
        ev_loop_destroy(server->loop);
        server->loop = NULL;
    }
    server->context = lws_create_context(info);
    return server->context != NULL;
}

static fvm_err open_socket(fvm_rpc_server *server)
{
    static const lws_retry_bo_t idle = { .secs_since_valid_ping = 240,
                                         .secs_since_valid_hangup = 280 };
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    server->protocols[0] = (struct lws_protocols){ .name = "json-rpc",
                                                   .callback = fvm__rpc_callback,
                                                   .per_session_data_size = sizeof(void *),
                                                   .rx_buffer_size = 4096 };
    info.protocols = server->protocols;
    info.user = server;
    info.gid = -1;
    info.uid = -1;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.pt_serv_buf_size = 32768;
    info.timeout_secs = server->o.slow_seconds;
    info.keepalive_timeout = (int)server->o.idle_seconds;
    info.retry_and_idle_policy = &idle;
    info.server_string = "fvm";
    if (!make_context(server, &info)) return FVM_ERR_NOMEM;
    struct lws_vhost *vhost = listen_on(server, &info);
    if (!vhost) return FVM_ERR_IO;
    server->port = (uint16_t)lws_get_vhost_listen_port(vhost);
    return FVM_OK;
}

static void log_line(int level, const char *line)
{
    (void)level;
    (void)fprintf(stderr, "libwebsockets: %s", line);
}

fvm_err fvm_rpc_server_start(fvm_rpc_server **out, const fvm_rpc_server_options *o,
                             const fvm_rpc_service *service, const fvm_allocator *alloc)
{
    fvm_rpc_server *server = fvm_mem_zalloc(alloc, sizeof *server);
    if (!server) return FVM_ERR_NOMEM;
    server->o = *o;
    server->service = *service;
    server->alloc = alloc;
    set_defaults(&server->o);
    pthread_mutex_init(&server->mutex, NULL);
    server->connections_max = descriptors(server->o.connections_max);
    lws_set_log_level(0, log_line);
    fvm_err err = fvm_rpc_pool_new(&server->pool, server->o.threads, server->o.queue_max, alloc);
    if (err == FVM_OK) err = open_socket(server);
    if (err == FVM_OK) {
        server->thread_runs = pthread_create(&server->thread, NULL, serve, server) == 0;
        if (!server->thread_runs) err = FVM_ERR_NOMEM;
    }
    if (err != FVM_OK) {
        fvm_rpc_server_stop(server);
        return err;
    }
    *out = server;
    return FVM_OK;
}

/* Sessions that the thread did not get to look at any more. */
static void release_awake(fvm_rpc_server *server)
{
    for (fvm_rpc_session *s = server->awake, *next; s; s = next) {
        next = s->next_awake;
        fvm_rpc_session_release(s);
    }
    server->awake = NULL;
}

void fvm_rpc_server_stop(fvm_rpc_server *server)
{
    if (!server) return;
    server->stopping = true;
    for (int i = 0; i < 1000 && server->in_flight; i++) usleep(10000);
    if (server->thread_runs) {
        usleep(20000); /* the last answers are on their way */
        server->quit = true;
        lws_cancel_service(server->context);
        pthread_join(server->thread, NULL);
    }
    fvm_rpc_pool_free(server->pool);
    if (server->context) lws_context_destroy(server->context);
    if (server->loop) ev_loop_destroy(server->loop);
    release_awake(server);
    pthread_mutex_destroy(&server->mutex);
    fvm_mem_free(server->alloc, server, sizeof *server);
}

bool fvm_rpc_server_stopping(const fvm_rpc_server *server)
{
    return server->stopping;
}

uint16_t fvm_rpc_server_port(const fvm_rpc_server *server)
{
    return server->port;
}

fvm_rpc_pool *fvm_rpc_server_pool(fvm_rpc_server *server)
{
    return server->pool;
}

void fvm_rpc_server_stats_get(fvm_rpc_server *server, fvm_rpc_server_stats *out)
{
    *out = (fvm_rpc_server_stats){ .connections = server->connections,
                                   .sockets_open = server->connections,
                                   .queued = fvm_rpc_pool_queued(server->pool),
                                   .requests = server->requests,
                                   .refused = server->refused,
                                   .bytes_in = server->bytes_in,
                                   .bytes_out = server->bytes_out };
}
