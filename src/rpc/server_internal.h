/* server_internal.h - what the server's files share. */
#ifndef FVM_RPC_SERVER_INTERNAL_H
#define FVM_RPC_SERVER_INTERNAL_H

#include "chunked.h"
#include "server.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>

/** Bytes at the front of every message: libwebsockets' own, and an HTTP head. */
#define FVM_RPC_HEAD_ROOM (LWS_PRE + 512)

/** Bytes on their way to a client; `buf` has FVM_RPC_HEAD_ROOM before the body. */
typedef struct fvm_rpc_message {
    struct fvm_rpc_message *next;
    fvm_buf buf;
    size_t at; /* where the rest begins */
} fvm_rpc_message;

/** What the session's pump is doing. */
enum { FVM_PUMP_IDLE, FVM_PUMP_BUSY, FVM_PUMP_AGAIN };

struct fvm_rpc_session {
    fvm_rpc_server *server;
    atomic_uint refs;
    bool is_ws;
    /* of the server's thread alone */
    struct lws *wsi; /* NULL: the socket is gone */
    fvm_buf body;    /* what has come of it */
    bool too_large;  /* the rest of the body is not kept */
    bool paused;     /* not read from: too many calls under way */
    bool reply_begun;
    int status; /* of the reply, where that is no call's; and its type */
    const char *type;
    bool chunked; /* the body comes in chunks */
    fvm_chunked chunks;
    bool final_one; /* no request is taken after this one */
    /* of everybody */
    pthread_mutex_t mutex;
    fvm_rpc_message *first, **last;
    size_t unread;    /* bytes queued */
    size_t in_flight; /* calls */
    bool waking;      /* is in the server's list of those to look at */
    bool gone;
    bool ending; /* to be closed when the queue is empty */
    bool was_full;
    char reason[124];
    int pump;
    void *data;
    struct fvm_rpc_session *next_awake;
};

struct fvm_rpc_server {
    fvm_rpc_server_options o;
    fvm_rpc_service service;
    const fvm_allocator *alloc;
    fvm_rpc_pool *pool;
    struct lws_context *context;
    struct ev_loop *loop; /* NULL: libwebsockets' own, which looks at every socket each time */
    struct lws_protocols protocols[2];
    pthread_t thread;
    bool thread_runs;
    uint16_t port;
    size_t connections_max; /* what the system allows, too */
    atomic_size_t connections, in_flight;
    atomic_ullong requests, refused, bytes_in, bytes_out;
    atomic_bool stopping, quit;
    pthread_mutex_t mutex;
    fvm_rpc_session *awake; /* sessions that the server's thread has to look at */
};

/** A session with one holder; NULL without memory. */
fvm_rpc_session *fvm__rpc_session_new(fvm_rpc_server *server, struct lws *wsi, bool is_ws);
/** The socket is gone: what is queued is dropped, the holder's reference given up. */
void fvm__rpc_session_close(fvm_rpc_session *session);
/** Has the server's thread look at the session. */
void fvm__rpc_session_awake(fvm_rpc_session *session);
/** Queues a message. Takes the buffer. */
void fvm__rpc_session_put(fvm_rpc_session *session, fvm_buf *buf);
/** The queue's first message, NULL when it is empty; and removal of it. */
fvm_rpc_message *fvm__rpc_session_first(fvm_rpc_session *session);
void fvm__rpc_session_sent(fvm_rpc_session *session);
/** Hands the session's body to the pool; false when that is full. */
bool fvm__rpc_session_run(fvm_rpc_session *session);

/** libwebsockets' callback of both protocols. */
int fvm__rpc_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                      size_t len);
/** Whether a Host header (or none: empty) may be served. */
bool fvm__rpc_host_allowed(const fvm_rpc_server_options *o, fvm_bytes host);
#endif
