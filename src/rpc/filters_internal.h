/* filters_internal.h - watches, as filters.c and subscriptions.c share them. */
#ifndef FVM_RPC_FILTERS_INTERNAL_H
#define FVM_RPC_FILTERS_INTERNAL_H

#include "base/map.h"
#include "filters.h"

#define FVM_WATCH_PENDING_KEPT 16384u /* hashes of messages that came last */
#define FVM_FILTERS_MAX 100u
#define FVM_FILTER_SECONDS 3600u
#define FVM_SUBSCRIPTIONS_MAX 64u /* of a session */

typedef struct fvm_watch {
    atomic_uint refs;
    const fvm_allocator *alloc;
    fvm_watch_kind kind;
    fvm_log_criteria criteria;
    pthread_mutex_t mutex; /* guards what follows */
    uint64_t cursor;       /* next epoch; of PENDING: next in the ring */
    fvm_jo removed;        /* logs of tipsets that went, each told before: values with commas */
    /* of filters */
    uint64_t used_ms;
    /* of subscriptions */
    uint64_t id;
    bool active, greeted;
    pthread_t maker;
} fvm_watch;

/** The subscriptions of one session. */
typedef struct fvm_subscriber {
    struct fvm_subscriber *next, **link; /* in the list of all; under the filters' lock */
    fvm_rpc_session *session;
    fvm_watch *watches[FVM_SUBSCRIPTIONS_MAX];
    size_t count;
} fvm_subscriber;

struct fvm_filters {
    fvm_node *node;
    pthread_mutex_t mutex; /* of all below; not held while the chain is read */
    fvm_map by_id;         /* filters: 32 bytes to fvm_watch */
    uint64_t serial;
    fvm_subscriber *subscribers;
    uint8_t (*pending)[32]; /* ring */
    uint64_t pending_next;
};

FVM_NODISCARD fvm_err fvm__watch_new(fvm_watch **out, fvm_filters *f, fvm_watch_kind kind,
                                     fvm_log_criteria *criteria);
void fvm__watch_release(fvm_watch *w);
/** Visits matching logs of cursor..head, moves the cursor past whole tipsets; stops after one when `enough`
 *  says so. With the watch's mutex held. */
FVM_NODISCARD fvm_err fvm__watch_logs(fvm_filters *f, fvm_watch *w, fvm_chain_event_visit visit,
                                      void *ctx, bool (*enough)(void *ctx));
/** The oldest hash in the ring that the watch has not seen; FVM_ERR_NOT_FOUND: none is left; FVM_ERR_LIMIT:
 *  it fell behind. */
FVM_NODISCARD fvm_err fvm__watch_next_pending(fvm_filters *f, fvm_watch *w, uint8_t hash[32]);
/** Writes what a watch of PENDING is told of a message. FVM_ERR_NOT_FOUND: nothing, it is gone from the pool
 *  without having been in a tipset. */
FVM_NODISCARD fvm_err fvm__put_pending(fvm_filters *f, const fvm_watch *w, fvm_jo *out,
                                       const uint8_t hash[32]);
/** Tells a Filecoin.ChainNotify of what is new. With the watch's mutex held. */
FVM_NODISCARD fvm_err fvm__say_notify(fvm_filters *f, fvm_rpc_session *session, fvm_watch *w);
#endif
