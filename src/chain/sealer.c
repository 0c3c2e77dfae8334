/* sealer.c - the thread that seals by itself: at once when messages come, or on the clock. While it makes
 * one tipset, what arrives gathers in the pool and shares the next. */
#include "chain_internal.h"

#include <errno.h>
#include <time.h>

#define RETRY_MS 200 /* after a failure of the host */

/* Until there is work, or the interval is over, or the end. True when the interval is over. */
static bool wait_for_work(fvm_chain *c, const struct timespec *until)
{
    fvm__mempool *pool = &c->pool;
    int timeout = 0;
    pthread_mutex_lock(&pool->lock);
    while (!pool->work && !c->stop && timeout != ETIMEDOUT)
        timeout = until ? pthread_cond_timedwait(&pool->arrived, &pool->lock, until)
                        : pthread_cond_wait(&pool->arrived, &pool->lock);
    pool->work = false;
    pthread_mutex_unlock(&pool->lock);
    return timeout == ETIMEDOUT;
}

static struct timespec later(struct timespec from, uint32_t ms)
{
    from.tv_sec += ms / 1000;
    from.tv_nsec += (long)(ms % 1000) * 1000000;
    if (from.tv_nsec >= 1000000000) from.tv_sec++, from.tv_nsec -= 1000000000;
    return from;
}

static struct timespec now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

static bool stopping(fvm_chain *c)
{
    pthread_mutex_lock(&c->pool.lock);
    bool stop = c->stop;
    pthread_mutex_unlock(&c->pool.lock);
    return stop;
}

/* Tipset after tipset while there is something for one. */
static fvm_err seal_all(fvm_chain *c)
{
    const fvm__seal_request request = { .empty = false };
    bool made = true, more = true;
    fvm_err err = FVM_OK;
    while (err == FVM_OK && made && more && !stopping(c)) {
        pthread_mutex_lock(&c->writer);
        err = fvm__seal(c, &request, &made, &more);
        pthread_mutex_unlock(&c->writer);
    }
    return err;
}

static fvm_err seal_one(fvm_chain *c)
{
    const fvm__seal_request request = { .empty = true };
    bool made, more;
    pthread_mutex_lock(&c->writer);
    fvm_err err = fvm__seal(c, &request, &made, &more);
    pthread_mutex_unlock(&c->writer);
    return err;
}

static void *run(void *arg)
{
    fvm_chain *c = arg;
    struct timespec next = now();
    uint32_t interval = 0, had = 0;
    bool instant = false; /* it was in the last round, too: what came before then is sealed */
    while (!stopping(c)) {
        fvm_sealing sealing = fvm_chain_sealing(c, &interval);
        fvm_err err = FVM_OK;
        if (sealing == FVM_SEALING_INTERVAL) {
            if (had != interval) next = later(now(), interval);
            had = interval;
            instant = false;
            if (wait_for_work(c, &next)) {
                err = seal_one(c);
                next = later(next, interval);
                if (next.tv_sec < now().tv_sec) next = later(now(), interval); /* no catching up */
            }
        } else {
            had = 0;
            if (sealing == FVM_SEALING_MANUAL || instant) (void)wait_for_work(c, NULL);
            instant = fvm_chain_sealing(c, NULL) == FVM_SEALING_INSTANT;
            if (instant) err = seal_all(c);
        }
        if (err != FVM_OK) {
            struct timespec retry = later(now(), RETRY_MS);
            (void)wait_for_work(c, &retry);
            fvm__mempool_poke(c);
        }
    }
    return NULL;
}

fvm_err fvm__sealer_start(fvm_chain *c)
{
    if (pthread_create(&c->sealer, NULL, run, c) != 0) return FVM_ERR_NOMEM;
    c->sealer_runs = true;
    return FVM_OK;
}

void fvm__sealer_stop(fvm_chain *c)
{
    if (!c->sealer_runs) return;
    pthread_mutex_lock(&c->pool.lock);
    c->stop = true;
    pthread_cond_signal(&c->pool.arrived);
    pthread_mutex_unlock(&c->pool.lock);
    pthread_join(c->sealer, NULL);
    c->sealer_runs = false;
}

/* --- how it seals --- */

void fvm_chain_set_sealing(fvm_chain *c, fvm_sealing sealing, uint32_t interval_ms)
{
    pthread_mutex_lock(&c->sealer_lock);
    c->sealing = sealing;
    if (interval_ms) c->interval_ms = interval_ms;
    pthread_mutex_unlock(&c->sealer_lock);
    fvm__mempool_poke(c);
}

fvm_sealing fvm_chain_sealing(fvm_chain *c, uint32_t *interval_ms)
{
    pthread_mutex_lock(&c->sealer_lock);
    fvm_sealing sealing = c->sealing;
    if (interval_ms) *interval_ms = c->interval_ms;
    pthread_mutex_unlock(&c->sealer_lock);
    return sealing;
}

fvm_err fvm_chain_mine(fvm_chain *c, uint64_t count, uint64_t interval, uint64_t timestamp)
{
    fvm_err err = FVM_OK;
    pthread_mutex_lock(&c->writer);
    for (uint64_t i = 0; i < count && err == FVM_OK; i++) {
        fvm__seal_request request = { .empty = true };
        fvm_tipset head;
        bool made, more;
        fvm_chain_head(c, &head);
        if (i == 0 && timestamp)
            request.timestamp = timestamp;
        else if (i > 0 && interval)
            request.timestamp = fvm_sat_add_u64(head.timestamp, interval);
        if (request.timestamp && request.timestamp < head.timestamp) err = FVM_ERR_INVALID;
        if (err == FVM_OK) err = fvm__seal(c, &request, &made, &more);
    }
    pthread_mutex_unlock(&c->writer);
    return err;
}
