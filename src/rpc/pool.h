/* pool.h - the threads that run calls: a bounded queue of jobs, served in order.
 *
 * A call that waits for a block to come says so (fvm_rpc_pool_wait_begin), and another thread takes its
 * place meanwhile, up to FVM_RPC_WAITERS_MAX; past that such calls are refused, so that there is
 * always somebody to serve the others. */
#ifndef FVM_RPC_POOL_H
#define FVM_RPC_POOL_H

#include "base/util.h"

#define FVM_RPC_WAITERS_MAX 64

typedef struct fvm_rpc_pool fvm_rpc_pool;

typedef struct fvm_rpc_job {
    struct fvm_rpc_job *next;
    /** Runs on a thread of the pool, which owns the job from then on. `worker` is the thread's number. */
    void (*run)(struct fvm_rpc_job *job, unsigned worker);
    /** Instead of run, when the pool is closed before the job's turn. */
    void (*drop)(struct fvm_rpc_job *job);
} fvm_rpc_job;

/** Starts `threads`; at most `queue_max` jobs wait. FVM_ERR_NOMEM, also when no thread can be had. */
FVM_NODISCARD fvm_err fvm_rpc_pool_new(fvm_rpc_pool **out, unsigned threads, size_t queue_max,
                                       const fvm_allocator *alloc);
/** Runs what has begun to its end, drops what waits, and ends the threads. */
void fvm_rpc_pool_free(fvm_rpc_pool *pool);
/** False when the queue is full (unless `always`) or the pool is closing: the job is still the caller's. */
bool fvm_rpc_pool_put(fvm_rpc_pool *pool, fvm_rpc_job *job, bool always);
/** On a thread of the pool: it is about to wait. False: too many do. */
bool fvm_rpc_pool_wait_begin(fvm_rpc_pool *pool);
void fvm_rpc_pool_wait_end(fvm_rpc_pool *pool);
/** Jobs that wait for their turn. */
size_t fvm_rpc_pool_queued(fvm_rpc_pool *pool);
/** The highest number of a worker that there can be, and one. */
unsigned fvm_rpc_pool_workers_max(const fvm_rpc_pool *pool);
#endif
