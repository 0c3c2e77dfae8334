/* server.h - HTTP and WebSocket on one port, without knowing what is served. One thread runs the
 * sockets (libwebsockets), a pool of threads runs the calls:
 *
 *   socket ──> session: body ──> pool: service.handle ──> session: messages out ──> socket
 *                                pool: service.pump   ──────────┘ (subscriptions)
 *
 * Nothing that a client does or leaves undone makes another one wait: bodies, connections, calls under
 * way and bytes not yet read by the client are bounded for each, and idle sockets cost a descriptor. */
#ifndef FVM_RPC_SERVER_H
#define FVM_RPC_SERVER_H

#include "json_out.h"
#include "pool.h"

typedef struct fvm_rpc_server fvm_rpc_server;
/** A connection. Lives while somebody holds it; its socket may be gone. */
typedef struct fvm_rpc_session fvm_rpc_session;

/** What is served. Functions are called by threads of the pool. */
typedef struct fvm_rpc_service {
    void *ctx;
    /** Appends the reply to a body; nothing: there is none. `session` is NULL for HTTP. */
    void (*handle)(void *ctx, fvm_rpc_session *session, fvm_bytes body, fvm_jo *out);
    /** The reply of a WebSocket's call was posted; on the thread that ran the call. May be NULL. */
    void (*replied)(void *ctx, fvm_rpc_session *session);
    /** Posts what subscriptions have to say until fvm_rpc_session_full; never two at once for one
     *  session. */
    void (*pump)(void *ctx, fvm_rpc_session *session);
    /** A WebSocket is gone: *fvm_rpc_session_data is to be freed. Called by any thread. */
    void (*forget)(void *ctx, fvm_rpc_session *session);
    /** On the server's thread, quick: Prometheus text; whether calls can be served. */
    void (*metrics)(void *ctx, fvm_buf *out);
    bool (*ready)(void *ctx);
} fvm_rpc_service;

/** Zero-initialise, then set; 0 is the default. */
typedef struct fvm_rpc_server_options {
    const char *host; /* an address or name of this machine; NULL: 127.0.0.1 */
    uint16_t port;    /* 0: any that is free */
    /** Names that the Host header may have beside those of loopback and `host`; "*": any. A page that
     *  makes its own name lead here (DNS rebinding) is refused by this. */
    const char *const *allowed_hosts;
    size_t allowed_host_count;
    size_t body_max;        /* bytes of a body or message; 16 MiB */
    size_t connections_max; /* 8,192, and what the system allows */
    size_t in_flight_max;   /* calls of one WebSocket; 64. It is not read from meanwhile */
    size_t queue_max;       /* calls that wait; 4,096 */
    size_t unread_max; /* bytes that a WebSocket's client has not read: 64 MiB, then it is closed */
    unsigned threads;  /* 0: one for each CPU, at least 2 and at most 16 */
    unsigned idle_seconds; /* of a connection between calls; 600 */
    unsigned slow_seconds; /* in which a request must come and some of a reply be read; 30 */
    unsigned call_seconds; /* in which a call must be done; 300 */
} fvm_rpc_server_options;

typedef struct fvm_rpc_server_stats {
    size_t connections, sockets_open, queued;
    uint64_t requests, refused, bytes_in, bytes_out;
} fvm_rpc_server_stats;

/** Starts to listen and serve.
 *  Errors: FVM_ERR_IO  the port is in use, or the host is not of this machine; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_rpc_server_start(fvm_rpc_server **out, const fvm_rpc_server_options *o,
                                           const fvm_rpc_service *service,
                                           const fvm_allocator *alloc);
/** The port that it listens on. */
uint16_t fvm_rpc_server_port(const fvm_rpc_server *server);
/** Takes no more calls, answers those that are under way (for at most 10 s), closes everything. */
void fvm_rpc_server_stop(fvm_rpc_server *server);
void fvm_rpc_server_stats_get(fvm_rpc_server *server, fvm_rpc_server_stats *out);
fvm_rpc_pool *fvm_rpc_server_pool(fvm_rpc_server *server);

/** A place for the service's own, NULL at first. */
void **fvm_rpc_session_data(fvm_rpc_session *session);
/** Sends a message to a WebSocket. `text` is emptied. What has no room (unread_max) ends the
 *  connection. */
void fvm_rpc_session_post(fvm_rpc_session *session, fvm_jo *text);
/** A message to post: begins with room for what the transport puts before it. */
void fvm_rpc_message_init(fvm_jo *text, const fvm_allocator *alloc);
/** Whether the client has enough to read for now. */
bool fvm_rpc_session_full(fvm_rpc_session *session);
/** Has service.pump called for the session, soon. */
void fvm_rpc_session_wake(fvm_rpc_session *session);
/** Ends the connection after what was posted, with a reason of at most 120 bytes. */
void fvm_rpc_session_end(fvm_rpc_session *session, const char *reason);
void fvm_rpc_session_hold(fvm_rpc_session *session);
void fvm_rpc_session_release(fvm_rpc_session *session);
/** Whether the server is being stopped: calls that wait for something give up. */
bool fvm_rpc_server_stopping(const fvm_rpc_server *server);
/** True when nobody is there any more. */
bool fvm_rpc_session_gone(fvm_rpc_session *session);
#endif
