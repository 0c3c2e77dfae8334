/* ledger.h - what a node keeps: blocks of IPLD data and tables of its indexes, written together.
 *
 *   begin  put, put, ...  commit        one batch: all of it is there after a crash, or none
 *
 * One thread writes at a time; any number read meanwhile, and see what was committed. Where things
 * are: batches that were committed lately are in memory and in an append-only journal; a thread
 * of the ledger's own moves them in groups to LMDB, in one synchronous transaction a group, and then
 * starts a new journal. What a commit promises is the durability that was chosen:
 *
 *             process dies                     power is lost
 *   strict    nothing committed is lost        nothing committed is lost
 *   group     nothing committed is lost        the last group may be lost, whole batches from the end
 *   none      the last group may be lost       the same
 *
 * and in every case the ledger opens again, at the state some commit left. */
#ifndef FVM_CHAIN_LEDGER_H
#define FVM_CHAIN_LEDGER_H

#include <fvm/store.h>

typedef struct fvm_ledger fvm_ledger;

typedef enum fvm_durability {
    FVM_DURABILITY_GROUP,  /* the journal is written to the system at each commit, LMDB in groups */
    FVM_DURABILITY_STRICT, /* the journal is on the disk before a commit returns */
    FVM_DURABILITY_NONE,   /* no journal */
} fvm_durability;

/** Zero-initialise, then set. */
typedef struct fvm_ledger_options {
    const char *folder; /* made if missing; NULL: in memory only */
    fvm_durability durability;
    uint64_t group_bytes; /* a group is moved when its journal is this long; 0: 8 MiB */
    uint32_t group_ms;    /* or this old; 0: 200 */
    bool check;           /* look at the structure of the whole database, also if it is large */
    bool read_only;       /* the folder must exist; nothing is written, not even by recovery */
} fvm_ledger_options;

/** Tables are told apart by a small number that the chain gives a meaning. Those below FVM_LEDGER_ORDERED
 *  keep their keys in bytewise order; entries of the others are only looked up, which costs less where
 *  keys are hashes. */
#define FVM_LEDGER_TABLES 24
#define FVM_LEDGER_ORDERED 16
#define FVM_LEDGER_KEY_MAX 500 /* bytes */

/** Opens or makes a ledger, and recovers: batches of the journal that LMDB lacks are moved to it; a
 *  torn last batch was never committed and is dropped.
 *  Errors: FVM_ERR_NOT_FOUND  read-only and not there.
 *          FVM_ERR_INVALID    another process has the folder open (`why` names its pid).
 *          FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION  database or journal is broken
 *          in a place where no crash could have broken it; `why` names file and offset.
 *          FVM_ERR_READ_ONLY, FVM_ERR_IO, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_ledger_open(fvm_ledger **out, const fvm_ledger_options *options,
                                      const fvm_allocator *alloc, fvm_store_why *why);
/** Moves what is left to LMDB and closes. A batch begun and not committed is gone. */
void fvm_ledger_close(fvm_ledger *ledger);

/** Begins a batch; waits while another thread has one. */
void fvm_ledger_begin(fvm_ledger *ledger);
/** Adds to the batch (copies). `table` < FVM_LEDGER_TABLES. FVM_ERR_LIMIT for a long or empty key;
 *  FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_ledger_put(fvm_ledger *ledger, unsigned table, fvm_bytes key,
                                     fvm_bytes value);
FVM_NODISCARD fvm_err fvm_ledger_delete(fvm_ledger *ledger, unsigned table, fvm_bytes key);
/** Makes the batch visible to readers, and as durable as was promised. On an error (FVM_ERR_IO: disk
 *  full; FVM_ERR_NOMEM; an error of an earlier move to LMDB) nothing of the batch is kept, readers
 *  see what was before, and the ledger goes on. */
FVM_NODISCARD fvm_err fvm_ledger_commit(fvm_ledger *ledger);
/** Forgets the batch. */
void fvm_ledger_abort(fvm_ledger *ledger);
/** One of the two: commits if `err`, how the batch was filled, is FVM_OK, else forgets it; gives back
 *  `err`, or what committing gave. */
static inline FVM_NODISCARD fvm_err fvm_ledger_end(fvm_ledger *ledger, fvm_err err)
{
    if (err == FVM_OK) return fvm_ledger_commit(ledger);
    fvm_ledger_abort(ledger);
    return err;
}

/** The blocks. get and has see committed blocks and those of the batch that is open; put_many
 *  adds to the open batch, FVM_ERR_READ_ONLY when there is none. Offers no views. Borrowed. */
const fvm_blockstore *fvm_ledger_blocks(fvm_ledger *ledger);

/** Appends the value to `out`. FVM_ERR_NOT_FOUND. Safe for threads; sees committed batches, and the
 *  open batch's writes too if `in_batch` (for the writer's thread). */
FVM_NODISCARD fvm_err fvm_ledger_get(fvm_ledger *ledger, fvm_buf *out, unsigned table,
                                     fvm_bytes key, bool in_batch);
/** Visits the entries of committed batches with from <= key < to (`to` empty: to the end), upwards or,
 *  if `down`, from the highest downwards. `visit` returns FVM_OK to go on; anything else stops
 *  and is returned. It may read from the ledger. Key and value are valid during the call.
 *  FVM_ERR_INVALID: a table without order. */
typedef fvm_err (*fvm_ledger_visit)(void *ctx, fvm_bytes key, fvm_bytes value);
FVM_NODISCARD fvm_err fvm_ledger_range(fvm_ledger *ledger, unsigned table, fvm_bytes from,
                                       fvm_bytes to, bool down, fvm_ledger_visit visit, void *ctx);

/** Waits until everything committed is in LMDB and on the disk. */
FVM_NODISCARD fvm_err fvm_ledger_sync(fvm_ledger *ledger);

/** What the last error of class HOST was about. */
void fvm_ledger_last_error(fvm_ledger *ledger, fvm_store_why *why);

typedef struct fvm_ledger_stats {
    uint64_t batches;       /* committed since it was opened */
    uint64_t groups;        /* moved to LMDB */
    uint64_t journal_bytes; /* now */
    uint64_t memory_bytes;  /* of batches not yet in LMDB */
    uint64_t file_bytes;    /* of the database */
} fvm_ledger_stats;
void fvm_ledger_stats_get(fvm_ledger *ledger, fvm_ledger_stats *out);
#endif
