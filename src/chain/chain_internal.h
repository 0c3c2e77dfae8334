/* chain_internal.h - what the files of the chain share; nobody else includes it.
 *
 *   chain.c     open, close, head, info, the clock          record.c    tables and their records
 *   params.c    what a chain is made from; genesis          block.c     headers, roots, CIDs
 *   pool*.c     messages that wait                          seal.c      from the pool to a tipset
 *   execute.c   one tipset's messages on a machine          sealer.c    the thread that seals
 *   tipset.c    look-ups of tipsets                         lookup.c    look-ups of messages
 *   events.c    events and their indexes                    view.c      machines for readers
 *   call.c      calls and estimates                         edit.c      edits; evm_state.c for contracts
 *   rewind.c    snapshots, going back                       fees.c      base fee, premiums
 *   replay.c    a tipset once more                          verify.c, export.c   whole chains
 *   dump.c      a state as bytes, and back
 *
 * Locks, in the order in which they are taken: writer (a tipset, an edit, a rewind: one at a time), the
 * ledger's, pool, head. Listeners' and views' locks are taken alone. */
#ifndef FVM_CHAIN_CHAIN_INTERNAL_H
#define FVM_CHAIN_CHAIN_INTERNAL_H

#include "chain/chain.h"
#include "chain/evm_state.h"

#include "base/big.h"
#include "base/map.h"
#include "machine/machine_internal.h"
#include "store/source.h"

#include <pthread.h>

/* --- tables of the ledger; numbers in keys are big endian --- */
typedef enum fvm__table {
    FVM__TABLE_META,    /* "chain": parameters; see index.c for the others */
    FVM__TABLE_TIPSET,  /* number: record; the last one is the head */
    FVM__TABLE_MESSAGE, /* number, index (u32): record */
    FVM__TABLE_NONCE,   /* sender's ID, nonce: number, index */
    FVM__TABLE_EVENT,   /* number, event index (u32): record */
    FVM__TABLE_EMITTER, /* emitter's ID, number, event index: empty */
    FVM__TABLE_TOPIC,   /* first topic (32 bytes), number, event index: empty */
    FVM__TABLE_EDIT,    /* number, sequence (u32): record */
    /* only looked up */
    FVM__TABLE_HASH = FVM_LEDGER_ORDERED, /* Ethereum's block hash: number */
    FVM__TABLE_BLOCK,                     /* digest of a block's CID: number */
    FVM__TABLE_CID,                       /* digest of a message's CID: number, index */
    FVM__TABLE_ETH, /* Ethereum's hash where it is not that digest: number, index */
} fvm__table;

/* --- records --- */

/** Where a message stands. */
typedef struct fvm__place {
    uint64_t number;
    uint32_t index;
} fvm__place;
#define FVM__PLACE_LEN 12
static inline fvm_bytes fvm__place_write(uint8_t out[FVM__PLACE_LEN], uint64_t number,
                                         uint32_t index)
{
    fvm_store_be64(out, number);
    for (unsigned i = 0; i < 4; i++) out[8 + i] = (uint8_t)(index >> (24 - 8 * i));
    return (fvm_bytes){ out, FVM__PLACE_LEN };
}
static inline fvm__place fvm__place_read(const uint8_t in[FVM__PLACE_LEN])
{
    uint32_t index = (uint32_t)in[8] << 24 | (uint32_t)in[9] << 16 | (uint32_t)in[10] << 8 | in[11];
    return (fvm__place){ fvm_load_be64(in), index };
}

/* --- index.c --- */

/** Whether the chain is one of those in which messages may come again; at opening. */
FVM_NODISCARD fvm_err fvm__index_load(fvm_chain *chain);
/** It is from now on; in the open batch. */
FVM_NODISCARD fvm_err fvm__index_repeats(fvm_chain *chain);
/** In the open batch: `key` stands at `place` (FVM__PLACE_LEN bytes), or does not any more. */
FVM_NODISCARD fvm_err fvm__index_put(fvm_chain *chain, unsigned table, fvm_bytes key,
                                     fvm_bytes place);
FVM_NODISCARD fvm_err fvm__index_remove(fvm_chain *chain, unsigned table, fvm_bytes key,
                                        fvm_bytes place);
/** The last place. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm__index_get(fvm_chain *chain, fvm__place *out, unsigned table,
                                     fvm_bytes key);
/** Whether `place` is one of its places. */
FVM_NODISCARD fvm_err fvm__index_has(fvm_chain *chain, bool *out, unsigned table, fvm_bytes key,
                                     fvm_bytes place);

FVM_NODISCARD fvm_err fvm__tipset_write(fvm_buf *out, const fvm_tipset *t);
FVM_NODISCARD fvm_err fvm__tipset_read(fvm_tipset *out, uint64_t number, fvm_bytes in);
/** A message as executed. `implicit`: it was applied without nonce and fees (a contract that is
 *  impersonated). The record holds all of fvm_chain_message but its place. */
FVM_NODISCARD fvm_err fvm__message_write(fvm_buf *out, const fvm_chain_message *m, bool implicit);
/** Views go into `in`. */
FVM_NODISCARD fvm_err fvm__message_read(fvm_chain_message *out, bool *implicit, fvm_bytes in);
FVM_NODISCARD fvm_err fvm__event_write(fvm_buf *out, const fvm_chain_event *e);
/** All but number, block hash, event index, hash and CID of the message. */
FVM_NODISCARD fvm_err fvm__event_read(fvm_chain_event *out, fvm_bytes in);
FVM_NODISCARD fvm_err fvm__edit_write(fvm_buf *out, const fvm_edit *e);
FVM_NODISCARD fvm_err fvm__edit_read(fvm_edit *out, fvm_bytes in);

/* --- parameters: what a chain is made from (params.c) --- */

#define FVM__PARAMS_VERSION 1
typedef struct fvm__params {
    uint64_t chain_id, genesis_time, epoch_seconds;
    uint32_t network_version;
    bool user_actors;
    char network_name[64];
    fvm_cid manifest, genesis_state;
    fvm_big circulating; /* supply; what all actors have at genesis */
    fvm_big base_fee;    /* of genesis */
} fvm__params;
FVM_NODISCARD fvm_err fvm__params_write(fvm_buf *out, const fvm__params *p);
FVM_NODISCARD fvm_err fvm__params_read(fvm__params *out, fvm_bytes in);
/** Where a new chain's genesis comes from, other than options: an export. */
typedef struct fvm__origin {
    fvm__params params;
    const fvm_blockstore *blocks; /* has the genesis state and the manifest */
} fvm__origin;
FVM_NODISCARD fvm_err fvm__chain_open(fvm_chain **out, const fvm_chain_options *options,
                                      const fvm__origin *origin, const fvm_allocator *alloc,
                                      fvm_store_why *why);
FVM_NODISCARD fvm_err fvm__genesis_copy(fvm_chain *chain, const fvm__origin *origin,
                                        fvm_store_why *why);
/** Puts what a root leads to, read from `from`, into the open batch; blocks that are there are not put again. */
FVM_NODISCARD fvm_err fvm__copy_dag(fvm_chain *chain, const fvm_blockstore *from,
                                    const fvm_cid *root, fvm_store_why *why);
/** Makes the genesis state and tipset in the ledger, one batch. */
FVM_NODISCARD fvm_err fvm__genesis_make(fvm_chain *chain, const fvm_chain_options *options,
                                        fvm_store_why *why);

/* --- executing --- */

/** The outside world of one machine: randomness and tipset CIDs. */
typedef struct fvm__outside {
    fvm_chain *chain;
    fvm_externs externs; /* ctx: this */
    uint64_t epoch;      /* that runs */
    uint64_t parent;     /* tipsets up to here are there */
    uint8_t randomness[32];
} fvm__outside;
void fvm__outside_init(fvm__outside *outside, fvm_chain *chain);

/** What a tipset runs under. */
typedef struct fvm__conditions {
    uint64_t epoch, timestamp, chain_id;
    fvm_big base_fee;
    uint8_t randomness[32];
    const fvm_trace_sink *trace;
    bool debug;
} fvm__conditions;

/** A machine that is used for tipset after tipset, root after root. */
typedef struct fvm__runner {
    fvm_chain *chain;
    fvm_context *context;
    fvm_machine *machine; /* NULL: none yet, or not to be trusted */
    fvm_cid root;         /* it stands on this one, unchanged... */
    bool at_root;         /* ...if this says so */
    uint64_t deadline_ns; /* by fvm_clock_ns; then messages end with FVM_ERR_EXTERN. 0: none */
    fvm__outside outside;
} fvm__runner;
/** `engine` NULL: the chain's. */
FVM_NODISCARD fvm_err fvm__runner_init(fvm__runner *runner, fvm_chain *chain, fvm_engine *engine);
void fvm__runner_deinit(fvm__runner *runner);
/** Makes it stand on `root`; cheap when it does. `parent`: number of the tipset whose state that is. */
FVM_NODISCARD fvm_err fvm__runner_goto(fvm__runner *runner, const fvm_cid *root, uint64_t parent);
void fvm__runner_conditions(fvm__runner *runner, const fvm__conditions *conditions);
/** After a failure: the machine is not used again. */
void fvm__runner_drop(fvm__runner *runner);

/** Cron in `epoch`. FVM_ERR_BAD_STATE when it fails, which ends a chain. */
FVM_NODISCARD fvm_err fvm__run_cron(fvm__runner *runner, uint64_t epoch);
/** Cron in the null rounds between `parent` and `epoch`; then the conditions of the tipset. */
FVM_NODISCARD fvm_err fvm__run_null_rounds(fvm__runner *runner, const fvm_tipset *parent,
                                           const fvm__conditions *conditions);
/** What a tipset ran under. */
void fvm__conditions_of_tipset(fvm__conditions *out, const fvm_tipset *t,
                               const fvm_trace_sink *trace);
/** Applies a message as a tipset does. `implicit` as in fvm__message_write. */
FVM_NODISCARD fvm_err fvm__run_message(fvm__runner *runner, fvm_receipt *receipt,
                                       const fvm_message *message, uint64_t chain_length,
                                       bool implicit);

/* --- the pool --- */

typedef struct fvm__sender fvm__sender;
typedef struct fvm__waiter fvm__waiter;

/** A message that waits. Counted references; what does not change needs no lock. */
typedef struct fvm__pooled {
    fvm_signed_message signed_message; /* params are a view into `bytes` */
    fvm_buf bytes;                     /* CBOR of the form that has the CID */
    fvm_cid cid;
    uint8_t eth_hash[32];
    uint64_t chain_length, ticket, from_id;
    fvm_big max_cost; /* fee cap * limit */
    bool to_known;    /* by the state at submission, as the addresses are */
    uint64_t to_id;
    uint8_t from_eth[20], to_eth[20];
    bool implicit;
    unsigned refs; /* under the pool's lock */
} fvm__pooled;

struct fvm__sender {
    uint64_t id;
    fvm__pooled **messages; /* by nonce */
    uint32_t count, cap;
};

typedef struct fvm__mempool {
    pthread_mutex_t lock;
    fvm__waiter *waiters;   /* for tickets */
    pthread_cond_t arrived; /* work for the sealer */
    fvm_map senders;        /* ID (8 bytes): fvm__sender */
    fvm_map by_hash;        /* Ethereum's hash: fvm__pooled */
    fvm_map by_cid;         /* digest: fvm__pooled */
    size_t count;
    uint64_t last_ticket, done_ticket;
    fvm_err seal_error; /* of the last attempt */
    uint64_t failures;  /* attempts that failed */
    bool work;
    fvm_map impersonated; /* ID: nothing */
    bool impersonate_all;
    uint64_t refused;
    /* a look at the head's state; its own lock, as loading may read the disk */
    pthread_mutex_t state_lock;
    fvm_state_view *state;
    uint64_t state_serial;
} fvm__mempool;

FVM_NODISCARD fvm_err fvm__message_from_pool(fvm_chain_message *out, const fvm__pooled *pooled);
/** Under the pool's lock: a sender or NULL; the first message not below a nonce; the nonce after the
 *  messages that follow one without a gap. */
fvm__sender *fvm__mempool_sender(const fvm_chain *chain, uint64_t id);
uint32_t fvm__sender_seek(const fvm__sender *sender, uint64_t nonce);
uint64_t fvm__sender_next(const fvm__sender *sender, uint64_t nonce);
/** Puts a message among its sender's, which have none of that nonce; takes over the caller's reference if
 *  it succeeds. Under the pool's lock, as the two below. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__mempool_insert(fvm_chain *chain, fvm__pooled *pooled);
FVM_NODISCARD fvm_err fvm__mempool_index(fvm_chain *chain, fvm__pooled *pooled);
void fvm__mempool_unindex(fvm_chain *chain, const fvm__pooled *pooled);
/** All that wait now, held until they are let go. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__mempool_keep(fvm_chain *chain, fvm__pooled ***out, size_t *count);
void fvm__mempool_let_go(fvm_chain *chain, fvm__pooled **kept, size_t count);
/** The pool has these again and no others, less what there is no memory for. */
void fvm__mempool_restore(fvm_chain *chain, fvm__pooled *const *kept, size_t count);
void fvm__pooled_release(fvm_chain *chain, fvm__pooled *pooled);
/** A message that was sealed before, made of what the ledger kept. */
FVM_NODISCARD fvm_err fvm__pooled_of(fvm_chain *chain, fvm__pooled **out,
                                     const fvm_chain_message *message, bool implicit);
/** One that never came into the pool. */
void fvm__pooled_free(fvm_chain *chain, fvm__pooled *pooled);
FVM_NODISCARD fvm_err fvm__mempool_find_nonce(fvm_chain *chain, fvm_chain_message *out, uint64_t id,
                                              uint64_t nonce);
void fvm__mempool_init(fvm_chain *chain);
void fvm__mempool_deinit(fvm_chain *chain);
/** What could be included now: for each sender the messages from its nonce on, in order. The
 *  caller holds the writer's lock and gives back each reference. `max`: about how many in all. */
typedef struct fvm__ready {
    fvm__pooled **messages; /* runs of senders, one after the other */
    struct fvm__run {
        size_t at, end; /* in messages */
    } *runs;
    size_t count, cap, run_count, run_cap;
    uint64_t ticket; /* the last one given before */
    bool more;       /* not all that is ready is here */
} fvm__ready;
FVM_NODISCARD fvm_err fvm__mempool_ready(fvm_chain *chain, fvm__ready *out, size_t max);
void fvm__ready_deinit(fvm_chain *chain, fvm__ready *ready);
/** Takes messages out that were sealed, or whose nonces are used up. */
void fvm__mempool_remove(fvm_chain *chain, fvm__pooled *const *messages, size_t count);
void fvm__mempool_clear(fvm_chain *chain);
void fvm__snapshots_deinit(fvm_chain *chain);
/** Tells waiters: everything up to `ticket` is done; or sealing failed. True for the first failure in a row. */
bool fvm__mempool_done(fvm_chain *chain, uint64_t ticket, fvm_err err);
/** The sealer may have something to do. */
void fvm__mempool_poke(fvm_chain *chain);
/** Runs `look` on the head's state. */
FVM_NODISCARD fvm_err fvm__mempool_look(fvm_chain *chain,
                                        fvm_err (*look)(void *ctx, fvm_state_view *state),
                                        void *ctx);

/* --- the chain --- */

typedef struct fvm__listener {
    struct fvm__listener *next;
    uint64_t id;
    fvm_chain_listener what;
} fvm__listener;

typedef struct fvm__snapshot {
    uint64_t id, number;
    uint8_t hash[32];
    fvm_cid state;
    uint32_t edits; /* of the head */
    int64_t time_offset;
    fvm__pooled **pooled; /* what waited */
    size_t pooled_count;
} fvm__snapshot;

/** What development methods set; under the head's lock. */
typedef struct fvm__dev {
    int64_t time_offset;         /* ms */
    uint64_t next_timestamp;     /* 0: none */
    uint64_t timestamp_interval; /* 0: none */
    bool has_base_fee, has_randomness;
    fvm_big base_fee;
    uint8_t randomness[32];
    uint64_t skip_rounds;
    uint64_t block_gas;
} fvm__dev;

#define FVM__VIEWS_MAX 64

struct fvm_chain {
    const fvm_allocator *alloc;
    fvm__params params;
    fvm_network net; /* the version's row with the chain's switches */
    fvm_ledger *ledger;
    const fvm_blockstore *blocks;
    fvm_engine *engine;
    bool own_engine;
    fvm_manifest *manifest;
    fvm_cid genesis;
    fvm_address miner;
    uint64_t (*clock_ms)(void *ctx);
    void *clock_ctx;
    size_t pool_max, pool_sender_max, block_messages_max;
    uint64_t nonce_gap_max;
    bool trust_signatures;

    pthread_mutex_t head_lock;
    fvm_tipset head;
    uint64_t serial; /* counts changes of the head or its state; starts at 1 */
    uint32_t head_edits;
    bool repeats;      /* see index.c; the writer's */
    uint64_t chain_id; /* of tipsets to come */
    fvm__dev dev;

    pthread_mutex_t writer;        /* guards what follows */
    const fvm_trace_sink *watcher; /* of what is sealed; NULL: none */
    fvm__runner runner;
    fvm__snapshot *snapshots; /* the writer's */
    uint32_t snapshot_count, snapshot_cap;
    uint64_t last_snapshot;
    fvm_buf record, key; /* scratch */

    fvm__mempool pool;

    pthread_mutex_t views_lock;
    pthread_cond_t views_free;
    fvm_chain_view *views; /* idle ones, used last first */
    size_t view_count, view_max;

    pthread_mutex_t listeners_lock;
    fvm__listener *listeners;
    uint64_t last_listener;

    pthread_mutex_t sealer_lock;
    pthread_t sealer;
    bool sealer_runs, stop;
    fvm_sealing sealing;
    uint32_t interval_ms;

    uint64_t stat_tipsets, stat_messages, stat_gas; /* under the head's lock */
    uint64_t stat_seal_ns, stat_execute_ns, stat_commit_ns;
};

/** The head with the number of its serial. */
uint64_t fvm__head(fvm_chain *chain, fvm_tipset *out);
/** Makes it the head for readers. `edits`: of its state. */
void fvm__head_set(fvm_chain *chain, const fvm_tipset *tipset, uint32_t edits);
void fvm__dev_get(fvm_chain *chain, fvm__dev *out);
uint64_t fvm__chain_id(fvm_chain *chain);
/** What the next tipset runs under if it is made now; `timestamp` 0: as the clock says. */
void fvm__next_conditions(fvm_chain *chain, fvm__conditions *out, uint64_t timestamp);
/** A tipset was made under these: what was set for one tipset is over. */
void fvm__conditions_used(fvm_chain *chain, const fvm__conditions *used, bool timestamp_given);
void fvm__next_randomness(uint8_t out[32], const uint8_t before[32], uint64_t epoch);
FVM_NODISCARD fvm_err fvm__count_edits(fvm_chain *chain, uint32_t *count, uint64_t number);
/** Into the open batch: record and indexes; out of it. */
FVM_NODISCARD fvm_err fvm__tipset_put(fvm_chain *chain, const fvm_tipset *tipset);
FVM_NODISCARD fvm_err fvm__tipset_delete(fvm_chain *chain, const fvm_tipset *tipset);
void fvm__views_deinit(fvm_chain *chain);
/** The type of a built-in actor, by name. */
bool fvm__is_builtin(const fvm_chain *chain, const fvm_cid *code, const char *name);
const fvm_cid *fvm__builtin_code(const fvm_chain *chain, const char *name);

/* sealing: both under the writer's lock */
typedef struct fvm__seal_request {
    bool empty;         /* a tipset is made even without messages */
    uint64_t timestamp; /* 0: as the clock says */
} fvm__seal_request;
/** Makes at most one tipset. `*made` tells; `*more`: another one could be made at once. */
FVM_NODISCARD fvm_err fvm__seal(fvm_chain *chain, const fvm__seal_request *request, bool *made,
                                bool *more);
/** Makes a tipset that was made before, of these messages in order. FVM_ERR_MISMATCH when another
 *  one comes out; the chain is then as it was. */
FVM_NODISCARD fvm_err fvm__seal_given(fvm_chain *chain, const fvm_tipset *want,
                                      fvm__pooled *const *messages, size_t count);
FVM_NODISCARD fvm_err fvm__sealer_start(fvm_chain *chain);
void fvm__sealer_stop(fvm_chain *chain);

/* --- fees.c --- */

/** What a message pays for each gas above the base fee, and how much gas it takes. */
typedef struct fvm__bid {
    fvm_big premium;
    uint64_t gas_limit;
} fvm__bid;
/** Appends a message's; FVM_ERR_NOMEM, FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm__bid_put(fvm_buf *bids, const fvm_message *message,
                                   const fvm_big *base_fee);
/** The premium that is paid where four fifths of the block's gas are taken, the highest first; 0 if not so much
 *  is. Sorts the bids, whose gas is `gas_limit` together. */
void fvm__premium_of(fvm_big *out, fvm_buf *bids, uint64_t gas_limit, uint64_t block_gas);

void fvm__tell_tipset(fvm_chain *chain, const fvm_tipset *tipset);
void fvm__tell_pending(fvm_chain *chain, const fvm_chain_message *message);
void fvm__tell_reverted(fvm_chain *chain, const fvm_tipset *gone, const fvm_tipset *head);
void fvm__tell_failed(fvm_chain *chain, fvm_err err);
bool fvm__anybody_listens(fvm_chain *chain);

/* blocks */

/** What a tipset's blocks are made of. */
typedef struct fvm__block_parts {
    const fvm_cid *cids; /* of its messages in order: the unsigned ones, then the signed ones */
    size_t count, unsigned_count;
    fvm_bytes *receipts;     /* `count`, their lengths set: where they lie is filled in */
    fvm_bytes receipt_bytes; /* CBOR, one after the other */
} fvm__block_parts;
/** Writes a tipset's blocks: messages, receipts, header, key. Fills in t->messages, t->receipts,
 *  t->block, t->hash. */
FVM_NODISCARD fvm_err fvm__block_write(fvm_tipset *t, const fvm_blockstore *bs,
                                       const fvm__block_parts *parts, const fvm_address *miner,
                                       const fvm_allocator *alloc);
/** The CID of a tipset's key, whose digest is Ethereum's hash; the block is appended to `out`. */
FVM_NODISCARD fvm_err fvm__tipset_key(fvm_cid *cid, fvm_buf *out, const fvm_cid *block);

/* events */

/** Reads one stamped event off the front of `in`: emitter, entries; and whether it is a log. */
FVM_NODISCARD fvm_err fvm__event_take(fvm_chain_event *out, fvm_bytes *in);
/** The same of the entries alone, all of `in`. */
FVM_NODISCARD fvm_err fvm__event_entries(fvm_chain_event *out, fvm_bytes in);
/** As Ethereum's clients see an actor. */
FVM_NODISCARD fvm_err fvm__eth_of_actor(uint8_t out[20], fvm_state_view *state, uint64_t id);
FVM_NODISCARD fvm_err fvm__eth_of_address(uint8_t out[20], bool *known, uint64_t *id,
                                          fvm_state_view *state, const fvm_address *address);

/* edits */
FVM_NODISCARD fvm_err fvm__edit_apply(fvm_chain *chain, fvm_state_view *state,
                                      const fvm_edit *edit);
/** The same, and FVM_EDIT_STATE, for which the machine is put on another root. */
FVM_NODISCARD fvm_err fvm__edit_machine(fvm_chain *chain, fvm_machine *machine,
                                        const fvm_edit *edit);
/** fvm_chain_edit whose edits name blocks that are in `from` (NULL: none are): they are copied. */
FVM_NODISCARD fvm_err fvm__chain_edit(fvm_chain *chain, const fvm_edit *edits, size_t count,
                                      const fvm_blockstore *from, fvm_store_why *why);
/** Whether the kind has a CID, of blocks that must be there. */
static inline bool fvm__edit_has_cid(fvm_edit_kind kind)
{
    return kind == FVM_EDIT_HEAD || kind == FVM_EDIT_STATE;
}

/** The actor of an address, made if it is a key's or an Ethereum address. FVM_ERR_INVALID otherwise. */
FVM_NODISCARD fvm_err fvm__ensure_actor(fvm_chain *chain, uint64_t *id, fvm_state_view *state,
                                        const fvm_address *address);

/** HOST errors as they are; what is broken or missing in the ledger is FVM_ERR_BAD_STATE. */
static inline fvm_err fvm__ledger_err(fvm_err err)
{
    return fvm_err_class_of(err) == FVM_CLASS_INPUT ? FVM_ERR_BAD_STATE : err;
}
#endif
