/* pool.c - threads and their queue; see pool.h. */
#include "pool.h"

#include <pthread.h>

typedef struct worker {
    struct fvm_rpc_pool *pool;
    unsigned number;
    pthread_t thread;
} worker;

struct fvm_rpc_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    fvm_rpc_job *first, **last;
    size_t queued, queue_max;
    unsigned threads; /* that should be at work, not counting those that wait */
    unsigned started; /* of `workers` */
    unsigned waiting; /* for something that is not a job */
    unsigned idle;    /* for a job */
    bool closing;
    const fvm_allocator *alloc;
    unsigned workers_max;
    worker workers[];
};

/* With the mutex held: takes the next job, NULL when the pool closes. */
static fvm_rpc_job *next_job(fvm_rpc_pool *p)
{
    while (!p->first && !p->closing) {
        p->idle++;
        pthread_cond_wait(&p->work, &p->mutex);
        p->idle--;
    }
    if (p->closing) return NULL;
    fvm_rpc_job *job = p->first;
    p->first = job->next;
    if (!p->first) p->last = &p->first;
    p->queued--;
    return job;
}

static void *run(void *ctx)
{
    worker *w = ctx;
    fvm_rpc_pool *p = w->pool;
    pthread_mutex_lock(&p->mutex);
    for (fvm_rpc_job *job; (job = next_job(p));) {
        pthread_mutex_unlock(&p->mutex);
        job->run(job, w->number);
        pthread_mutex_lock(&p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* With the mutex held, or before others know of the pool. */
static bool start_one(fvm_rpc_pool *p)
{
    if (p->started == p->workers_max) return false;
    worker *w = &p->workers[p->started];
    w->pool = p;
    w->number = p->started;
    if (pthread_create(&w->thread, NULL, run, w) != 0) return false;
    p->started++;
    return true;
}

fvm_err fvm_rpc_pool_new(fvm_rpc_pool **out, unsigned threads, size_t queue_max,
                         const fvm_allocator *alloc)
{
    unsigned max = threads + FVM_RPC_WAITERS_MAX;
    fvm_rpc_pool *p = fvm_mem_zalloc(alloc, sizeof *p + max * sizeof p->workers[0]);
    if (!p) return FVM_ERR_NOMEM;
    p->alloc = alloc;
    p->threads = threads;
    p->workers_max = max;
    p->queue_max = queue_max;
    p->last = &p->first;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_mutex_lock(&p->mutex);
    while (p->started < threads && start_one(p)) continue;
    bool any = p->started > 0;
    pthread_mutex_unlock(&p->mutex);
    if (!any) {
        fvm_rpc_pool_free(p);
        return FVM_ERR_NOMEM;
    }
    *out = p;
    return FVM_OK;
}

void fvm_rpc_pool_free(fvm_rpc_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    unsigned started = p->started; /* none is added while it closes */
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < started; i++) pthread_join(p->workers[i].thread, NULL);
    for (fvm_rpc_job *job = p->first, *next; job; job = next) {
        next = job->next;
        job->drop(job);
    }
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    fvm_mem_free(p->alloc, p, sizeof *p + p->workers_max * sizeof p->workers[0]);
}

bool fvm_rpc_pool_put(fvm_rpc_pool *p, fvm_rpc_job *job, bool always)
{
    pthread_mutex_lock(&p->mutex);
    bool taken = !p->closing && (always || p->queued < p->queue_max);
    if (taken) {
        job->next = NULL;
        *p->last = job;
        p->last = &job->next;
        p->queued++;
        if (p->idle) pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->mutex);
    return taken;
}

bool fvm_rpc_pool_wait_begin(fvm_rpc_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    bool room = p->waiting < FVM_RPC_WAITERS_MAX && !p->closing;
    if (room) {
        p->waiting++;
        if (p->started - p->waiting < p->threads) room = start_one(p);
        if (!room) p->waiting--;
    }
    pthread_mutex_unlock(&p->mutex);
    return room;
}

void fvm_rpc_pool_wait_end(fvm_rpc_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->waiting--;
    pthread_mutex_unlock(&p->mutex);
}

size_t fvm_rpc_pool_queued(fvm_rpc_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    size_t n = p->queued;
    pthread_mutex_unlock(&p->mutex);
    return n;
}

unsigned fvm_rpc_pool_workers_max(const fvm_rpc_pool *p)
{
    return p->workers_max;
}
