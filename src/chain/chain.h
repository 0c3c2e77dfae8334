/* chain.h - a Filecoin chain of one's own: a pool of messages, tipsets that are made of them, and
 * everything that can be asked of both. What the node serves (src/rpc) is said here without JSON.
 *
 *   submit ──> pool ──> sealer: one machine, one tipset at a time ──> ledger, head
 *                                                                       │
 *   look-ups, logs: any number of threads                          <────┤
 *   views (state, calls, estimates): a machine each, from a pool   <────┘
 *
 * A tipset has one block, made by a development miner, and is executed when it is made: the head's
 * receipts and state are there when it is. Apart from that the structures are Filecoin's: a
 * header's ParentStateRoot and ParentMessageReceipts are what its parent's messages led to, the key is
 * the list of block CIDs, roots are AMTs, and the epochs between two tipsets are null rounds.
 * A tipset's messages run under its own epoch, timestamp and base fee; then cron.
 *
 * Threads: every function may be called by any thread at any time, unless it says otherwise. Writers
 * wait for each other; readers do not wait for writers, and see the chain at some head.
 * Facts: reference/rpc.md 5 to 8. */
#ifndef FVM_CHAIN_CHAIN_H
#define FVM_CHAIN_CHAIN_H

#include "chain/eth_tx.h"
#include "chain/ledger.h"
#include "kernel/state.h"
#include <fvm/genesis.h>
#include <fvm/machine.h>

typedef struct fvm_chain fvm_chain;

#define FVM_CHAIN_ID_DEFAULT UINT64_C(31415926)
#define FVM_CHAIN_BLOCK_GAS UINT64_C(10000000000) /* limit of a block */
/** What a development chain may raise it to: some seconds of computing, after which nothing more can be
 *  asked of a node that has to seal it. */
#define FVM_CHAIN_BLOCK_GAS_MAX (10 * FVM_CHAIN_BLOCK_GAS)
#define FVM_CHAIN_BASE_FEE_MIN UINT64_C(100)     /* attoFIL */
#define FVM_CHAIN_PREMIUM_MIN UINT64_C(100000)   /* attoFIL: what estimates begin with */
#define FVM_CHAIN_MESSAGE_MAX ((size_t)64 << 10) /* bytes of a signed message */

/* --- open and close --- */

typedef enum fvm_sealing {
    FVM_SEALING_INSTANT,  /* a message that can be included is, at once */
    FVM_SEALING_INTERVAL, /* every `interval_ms`, with or without messages */
    FVM_SEALING_MANUAL,   /* by fvm_chain_mine alone */
} fvm_sealing;

/** Zero-initialise, then set. What a new chain begins with is ignored when the ledger has one. */
typedef struct fvm_chain_options {
    fvm_ledger_options ledger;
    fvm_sealing sealing;
    uint32_t interval_ms; /* of FVM_SEALING_INTERVAL; 0: 30,000 */
    fvm_engine *engine;   /* shared, must outlive the chain; NULL: one of its own with... */
    fvm_engine_config engine_config;
    const char *bundle_folder; /* of fvm_bundle_open; NULL: the user's */
    /** Milliseconds since 1970; NULL: the system's clock. */
    uint64_t (*clock_ms)(void *ctx);
    void *clock_ctx;
    size_t view_max;        /* views (machines) at once; 0: 16. Others wait */
    size_t pool_max;        /* messages in the pool; 0: 100,000 */
    size_t pool_sender_max; /* of one sender; 0: 10,000 */
    uint64_t nonce_gap_max; /* from the state's nonce to a message's beyond the pool's; 0: 10,000 */
    size_t block_messages_max; /* in one tipset; 0: 2,000 */
    bool trust_signatures;     /* unsigned messages are accepted too (tests) */
    /* of a new chain */
    uint64_t chain_id;        /* 0: FVM_CHAIN_ID_DEFAULT */
    uint32_t network_version; /* 0: FVM_NETWORK_VERSION_DEFAULT */
    const char *network_name; /* NULL: "libfvm" */
    const char *bundle;       /* NULL: FVM_BUNDLE_EMBEDDED_USER */
    bool no_user_actors;
    uint64_t genesis_time;  /* seconds since 1970; 0: now */
    uint64_t epoch_seconds; /* what headers say of a round where no clock does; 0: 30 */
    uint64_t base_fee;      /* attoFIL; 0: FVM_CHAIN_BASE_FEE_MIN */
    const fvm_genesis_account *accounts;
    size_t account_count;
    const fvm_genesis_actor *extra; /* more actors, as they are */
    size_t extra_count;
} fvm_chain_options;

/** Opens or makes a chain.
 *  Errors: of fvm_ledger_open, fvm_bundle_open, fvm_genesis_network_build; `why` says more.
 *          FVM_ERR_MALFORMED  the ledger is not a chain's. */
FVM_NODISCARD fvm_err fvm_chain_open(fvm_chain **out, const fvm_chain_options *options,
                                     const fvm_allocator *alloc, fvm_store_why *why);
/** Stops sealing, waits for what runs, closes the ledger. Views must be closed, no other thread inside. */
void fvm_chain_close(fvm_chain *chain);

typedef struct fvm_chain_info {
    uint64_t chain_id;
    uint32_t network_version;
    const char *network_name; /* valid while the chain is open */
    uint64_t genesis_time;
    uint64_t epoch_seconds;
    fvm_cid genesis; /* block 0 */
    fvm_cid manifest;
    fvm_address miner; /* of every block */
    bool user_actors;
} fvm_chain_info;
void fvm_chain_info_get(fvm_chain *chain, fvm_chain_info *out);
/** Borrowed: engine and blocks (read-only for callers). */
fvm_engine *fvm_chain_engine(fvm_chain *chain);
const fvm_blockstore *fvm_chain_blocks(fvm_chain *chain);
fvm_ledger *fvm_chain_ledger(fvm_chain *chain);
/** From the next tipset on. */
void fvm_chain_set_chain_id(fvm_chain *chain, uint64_t chain_id);

/* --- tipsets --- */

/** A tipset, by value. */
typedef struct fvm_tipset {
    uint64_t number;  /* epoch */
    uint8_t hash[32]; /* as Ethereum's clients name it: digest of the key's CID */
    uint8_t parent_hash[32];
    fvm_cid block;  /* its one block: the key is [block] */
    fvm_cid parent; /* the parent's one block; of genesis: undefined, version 0 */
    uint64_t parent_number;
    uint64_t timestamp; /* seconds since 1970 */
    fvm_big base_fee;   /* attoFIL, what its messages ran under: ParentBaseFee */
    fvm_big premium; /* attoFIL, paid at FIP-0115's place in its gas; 0 in what is not that full */
    fvm_cid parent_state, parent_receipts, messages; /* roots of the header */
    fvm_cid executed;                                /* state after its messages and cron */
    fvm_cid state;    /* the same with development edits made on top since: what readers see */
    fvm_cid receipts; /* AMT of its messages' receipts */
    uint32_t message_count;
    uint32_t event_count; /* events of the messages; logs are those of Ethereum's shape */
    uint32_t log_count;
    uint64_t gas_used, gas_limit; /* sums over the messages */
    uint64_t chain_id;            /* that they ran under */
    uint8_t bloom[256];           /* over the logs' addresses and topics */
    uint8_t randomness[32];       /* beacon's, of its epoch */
} fvm_tipset;

/** The head: the tipset executed last. */
void fvm_chain_head(fvm_chain *chain, fvm_tipset *out);
uint64_t fvm_chain_head_number(fvm_chain *chain);
/** FVM_ERR_NOT_FOUND  above the head. FVM_ERR_INVALID  a null round. HOST class. */
FVM_NODISCARD fvm_err fvm_chain_tipset(fvm_chain *chain, fvm_tipset *out, uint64_t number);
/** The tipset there, or the last before (`after` false) or the first after a null round. */
FVM_NODISCARD fvm_err fvm_chain_tipset_near(fvm_chain *chain, fvm_tipset *out, uint64_t number,
                                            bool after);
/** By Ethereum's block hash; by a block's CID. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_chain_tipset_by_hash(fvm_chain *chain, fvm_tipset *out,
                                               const uint8_t hash[32]);
FVM_NODISCARD fvm_err fvm_chain_tipset_by_block(fvm_chain *chain, fvm_tipset *out,
                                                const fvm_cid *block);
/** Visits tipsets from..to, upwards or downwards, null rounds left out. `visit` returning anything but
 *  FVM_OK ends it and is returned. */
FVM_NODISCARD fvm_err fvm_chain_tipsets(fvm_chain *chain, uint64_t from, uint64_t to, bool down,
                                        fvm_err (*visit)(void *ctx, const fvm_tipset *tipset),
                                        void *ctx);

/** A block's header, decoded. Views into `storage`. */
typedef struct fvm_block_header {
    fvm_address miner;
    fvm_bytes ticket, election_proof; /* VRF proofs */
    int64_t win_count;
    uint64_t beacon_round;
    fvm_bytes beacon;
    fvm_cid parent; /* version 0: none */
    fvm_big parent_weight;
    uint64_t height;
    fvm_cid parent_state, parent_receipts, messages;
    fvm_bytes bls_aggregate, block_sig; /* type byte and data */
    uint64_t timestamp, fork_signaling;
    fvm_big parent_base_fee;
    fvm_buf storage;
} fvm_block_header;
FVM_NODISCARD fvm_err fvm_chain_header(fvm_chain *chain, fvm_block_header *out,
                                       const fvm_cid *block);
void fvm_block_header_deinit(fvm_block_header *header);

/* --- messages --- */

#define FVM_CHAIN_PENDING UINT64_MAX /* the number of a message that is in no tipset */

/** A message with what is known of it. Views into `storage`, or into the caller's for visitors. */
typedef struct fvm_chain_message {
    fvm_message message;
    fvm_signature signature; /* type 0: unsigned, of an impersonated sender */
    fvm_cid cid;             /* of the signed message; BLS: of the message */
    uint8_t eth_hash[32];    /* reference/rpc.md 5 */
    uint64_t chain_length;
    uint64_t number; /* of the tipset, or FVM_CHAIN_PENDING: what follows is then empty */
    uint32_t index;  /* in the tipset */
    uint64_t from_id;
    bool to_known; /* the receiver exists (after execution) */
    uint64_t to_id;
    uint8_t from_eth[20],
        to_eth[20]; /* as shown to Ethereum's clients; to_eth of an unknown: masked
                                         2^64-1 */
    uint32_t exit_code;
    uint64_t gas_used, cumulative_gas;
    fvm_bytes return_data;
    uint64_t return_codec; /* 0: none */
    bool has_events_root;
    fvm_cid events_root;
    uint32_t event_count;
    uint32_t first_event, first_log, log_count; /* counted over the tipset */
    fvm_big base_fee, base_fee_burn, over_estimation_burn, miner_tip, refund;
    bool has_contract;
    uint8_t contract[20]; /* created by the EAM, or an empty `to` */
    fvm_buf storage;
} fvm_chain_message;
void fvm_chain_message_init(fvm_chain_message *message, const fvm_allocator *alloc);
void fvm_chain_message_deinit(fvm_chain_message *message);

/** Look-ups: tipsets first, then the pool. FVM_ERR_NOT_FOUND; HOST class. `out` is initialised, and
 *  may be used again. */
FVM_NODISCARD fvm_err fvm_chain_message_by_cid(fvm_chain *chain, fvm_chain_message *out,
                                               const fvm_cid *cid);
FVM_NODISCARD fvm_err fvm_chain_message_by_eth_hash(fvm_chain *chain, fvm_chain_message *out,
                                                    const uint8_t hash[32]);
/** `sender` in any form that has an ID by now. */
FVM_NODISCARD fvm_err fvm_chain_message_by_nonce(fvm_chain *chain, fvm_chain_message *out,
                                                 const fvm_address *sender, uint64_t nonce);
FVM_NODISCARD fvm_err fvm_chain_message_at(fvm_chain *chain, fvm_chain_message *out,
                                           uint64_t number, uint32_t index);
/** Visits a tipset's messages in order; views are valid during the call. */
typedef fvm_err (*fvm_chain_message_visit)(void *ctx, const fvm_chain_message *message);
FVM_NODISCARD fvm_err fvm_chain_messages(fvm_chain *chain, uint64_t number,
                                         fvm_chain_message_visit visit, void *ctx);

/* --- events --- */

/** One event. Views are valid during the visitor's call. */
typedef struct fvm_chain_event {
    uint64_t number;
    uint8_t block_hash[32];
    uint32_t message_index;
    uint8_t eth_hash[32]; /* of the message */
    fvm_cid message;
    uint32_t event_index; /* over the tipset, all events */
    bool is_log;          /* has the shape of Ethereum's logs; what follows is of these */
    uint32_t log_index;   /* over the tipset, logs alone */
    unsigned topic_count; /* 0..4 */
    uint8_t topics[4][32];
    fvm_bytes data;
    uint64_t emitter;        /* actor ID */
    uint8_t emitter_eth[20]; /* its f410 address's, or masked */
    fvm_bytes entries;       /* CBOR: [[flags, key, codec, value], ...] */
} fvm_chain_event;
typedef fvm_err (*fvm_chain_event_visit)(void *ctx, const fvm_chain_event *event);

/** Zero-initialised: every log of from..to. */
typedef struct fvm_event_filter {
    uint64_t from, to;
    const uint8_t (*addresses)[20]; /* any of these; count 0: all */
    size_t address_count;
    const uint64_t *emitters; /* or these IDs */
    size_t emitter_count;
    struct {
        const uint8_t (*any)[32]; /* any of these; count 0: anything, even nothing */
        size_t count;
    } topics[4];
    bool native;     /* events that are no logs, too */
    size_t max_scan; /* events looked at before FVM_ERR_LIMIT; 0: no limit */
} fvm_event_filter;
/** Visits what matches, in order. Complete, or an error. The indexes of emitters and first topics
 *  make a wide range cheap that few events match. */
FVM_NODISCARD fvm_err fvm_chain_events(fvm_chain *chain, const fvm_event_filter *filter,
                                       fvm_chain_event_visit visit, void *ctx);
/** The events of one message (in a tipset). */
FVM_NODISCARD fvm_err fvm_chain_message_events(fvm_chain *chain, const fvm_chain_message *message,
                                               bool native, fvm_chain_event_visit visit, void *ctx);
bool fvm_event_matches(const fvm_event_filter *filter, const fvm_chain_event *event);
/** Sets an item's three bits in an Ethereum bloom filter. */
void fvm_bloom_add(uint8_t bloom[256], fvm_bytes item);

/* --- the pool --- */

/** Why a message was refused. */
typedef enum fvm_refusal {
    FVM_REFUSAL_NONE,
    FVM_REFUSAL_KNOWN, /* it is in the pool */
    FVM_REFUSAL_NONCE_LOW,
    FVM_REFUSAL_NONCE_GAP,
    FVM_REFUSAL_UNDERPRICED, /* a replacement needs 1.25 times the premium */
    FVM_REFUSAL_FUNDS,       /* balance below value + fee cap * limit */
    FVM_REFUSAL_SIGNATURE,
    FVM_REFUSAL_GAS_LOW,  /* limit below the price of inclusion */
    FVM_REFUSAL_GAS_HIGH, /* limit above the block's */
    FVM_REFUSAL_FEE_CAP,  /* below the base fee, with instant sealing; or premium above cap */
    FVM_REFUSAL_SIZE,
    FVM_REFUSAL_SENDER,    /* no account */
    FVM_REFUSAL_MALFORMED, /* addresses, amounts, version */
    FVM_REFUSAL_FULL,
} fvm_refusal;

typedef struct fvm_submission {
    fvm_refusal refusal;
    char why[160]; /* in words, when refused */
    fvm_cid cid;   /* of the message, also when KNOWN */
    uint8_t eth_hash[32];
    fvm_cid replaced; /* the pool's message that it took the place of; version 0: none */
    uint64_t ticket;  /* for fvm_chain_wait */
} fvm_submission;

/** How. */
typedef enum fvm_submit_flags {
    FVM_SUBMIT_CHECKED = 1,     /* the signature was verified by the caller */
    FVM_SUBMIT_IMPERSONATE = 2, /* unsigned, of a sender that is impersonated (or all are) */
    FVM_SUBMIT_UNSIGNED = 4,    /* unsigned, of anybody: development methods */
} fvm_submit_flags;
/** Adds a message to the pool; verifies it, signature included, on the caller's thread. The sealer takes
 *  it up by itself under instant sealing. A signature of type 0: unsigned. Copies what it needs.
 *  FVM_OK     see `out->refusal`.
 *  Errors: HOST class. */
FVM_NODISCARD fvm_err fvm_chain_submit(fvm_chain *chain, fvm_submission *out,
                                       const fvm_signed_message *message, unsigned flags);
/** Waits until everything that was submitted up to `ticket` and could be sealed is, or `timeout_ms` is
 *  over: FVM_ERR_NOT_FOUND. Returns at once unless sealing is instant. */
FVM_NODISCARD fvm_err fvm_chain_wait(fvm_chain *chain, uint64_t ticket, uint32_t timeout_ms);
/** The next nonce of a sender, the pool's messages that follow without a gap counted. */
FVM_NODISCARD fvm_err fvm_chain_next_nonce(fvm_chain *chain, uint64_t *nonce,
                                           const fvm_address *sender);
/** Visits the pool, by sender and nonce; `sender` NULL: everybody's. `ready` of a message tells whether
 *  nothing before it is missing. `visit` must not call functions of the pool. */
FVM_NODISCARD fvm_err fvm_chain_pending(
    fvm_chain *chain, const fvm_address *sender,
    fvm_err (*visit)(void *ctx, const fvm_chain_message *message, bool ready), void *ctx);
void fvm_chain_pool_stats(fvm_chain *chain, size_t *ready, size_t *waiting);
/** False when it is not there. By Ethereum's hash. */
bool fvm_chain_drop(fvm_chain *chain, const uint8_t eth_hash[32]);
void fvm_chain_drop_all(fvm_chain *chain, const fvm_address *sender); /* NULL: everybody's */

/* --- sealing --- */

void fvm_chain_set_sealing(fvm_chain *chain, fvm_sealing sealing, uint32_t interval_ms);
fvm_sealing fvm_chain_sealing(fvm_chain *chain, uint32_t *interval_ms);
/** Makes `count` tipsets now, pool's messages first, on the caller's thread. `interval` seconds lie
 *  between their timestamps (0: as the clock says); `timestamp` is the first one's (0: likewise).
 *  FVM_ERR_INVALID  a timestamp before the head's. HOST class: those made before stay. */
FVM_NODISCARD fvm_err fvm_chain_mine(fvm_chain *chain, uint64_t count, uint64_t interval,
                                     uint64_t timestamp);
/** The next tipset comes after `count` null rounds. Cron runs in each, as on Filecoin. */
void fvm_chain_skip_rounds(fvm_chain *chain, uint64_t count);

/* --- development: time, fees, edits --- */

/** Moves the clock of tipsets; gives the sum of all moves, seconds. */
int64_t fvm_chain_increase_time(fvm_chain *chain, int64_t seconds);
/** So that the clock says `timestamp` (seconds) now. */
FVM_NODISCARD fvm_err fvm_chain_set_time(fvm_chain *chain, uint64_t timestamp);
/** FVM_ERR_INVALID  not after the head's. */
FVM_NODISCARD fvm_err fvm_chain_set_next_timestamp(fvm_chain *chain, uint64_t timestamp);
/** Between tipsets, in place of the clock; 0: the clock again. */
void fvm_chain_set_timestamp_interval(fvm_chain *chain, uint64_t seconds);
uint64_t fvm_chain_now(fvm_chain *chain); /* seconds, moved */
void fvm_chain_set_next_base_fee(fvm_chain *chain, const fvm_big *base_fee);
void fvm_chain_set_next_randomness(fvm_chain *chain, const uint8_t randomness[32]);
/** The limit of tipsets to come; 0: as on Filecoin. FVM_ERR_LIMIT  over FVM_CHAIN_BLOCK_GAS_MAX. */
FVM_NODISCARD fvm_err fvm_chain_set_block_gas(fvm_chain *chain, uint64_t gas);
uint64_t fvm_chain_block_gas(fvm_chain *chain);

/** A change of state that no message makes. */
typedef enum fvm_edit_kind {
    FVM_EDIT_BALANCE, /* the actor is made (placeholder, or account of a key address) if missing */
    FVM_EDIT_NONCE,   /* of accounts, and of EVM contracts their own */
    FVM_EDIT_CODE,    /* EVM code at a 0x or f410 address; empty: an Ethereum account again */
    FVM_EDIT_STORAGE, /* `slot` := `value` of an EVM contract (made if missing) */
    FVM_EDIT_CLEAR_STORAGE,
    FVM_EDIT_HEAD,  /* any actor's state root := `cid`, whose blocks are in the chain's store */
    FVM_EDIT_STATE, /* the whole state := `cid`, by fvm_chain_state_load alone */
} fvm_edit_kind;
typedef struct fvm_edit {
    fvm_edit_kind kind;
    fvm_address address;
    fvm_big balance;
    uint64_t nonce;
    fvm_bytes code; /* borrowed */
    uint8_t slot[32], value[32];
    fvm_cid cid;
} fvm_edit;
/** Edits the head's state, without a tipset; written down, so that `verify` can follow.
 *  FVM_ERR_INVALID  the kind does not fit that address. HOST class. */
FVM_NODISCARD fvm_err fvm_chain_edit(fvm_chain *chain, const fvm_edit *edits, size_t count);

/** Appends the head's state: gzip of a CAR whose roots are the state and the manifest of its built-in
 *  actors, with everything that the state leads to but these actors' codes. */
FVM_NODISCARD fvm_err fvm_chain_state_dump(fvm_chain *chain, fvm_buf *out);
/** Makes such a state the head's, as an edit: the chain's number, its messages and time stay, the pool is
 *  emptied. `why` says what was wrong with the bytes.
 *  Errors: FVM_ERR_VERSION  a state of other built-in actors.
 *          FVM_ERR_MALFORMED and the like, FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE; HOST class. */
FVM_NODISCARD fvm_err fvm_chain_state_load(fvm_chain *chain, fvm_bytes dump, fvm_store_why *why);

void fvm_chain_impersonate(fvm_chain *chain, const fvm_address *sender, bool on);
void fvm_chain_impersonate_all(fvm_chain *chain, bool on);
bool fvm_chain_is_impersonated(fvm_chain *chain, const fvm_address *sender);

/** A snapshot of head, its edits, the clock and the pool; ids count from 1. */
FVM_NODISCARD fvm_err fvm_chain_snapshot(fvm_chain *chain, uint64_t *id);
/** Goes back to it: what waited in the pool then waits again, what came later is gone. It and later
 *  snapshots are used up. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_chain_revert(fvm_chain *chain, uint64_t id);
/** Makes `number` the head again: what is above is gone, and the pool is emptied. FVM_ERR_NOT_FOUND, FVM_ERR_INVALID (null). */
FVM_NODISCARD fvm_err fvm_chain_rewind(fvm_chain *chain, uint64_t number);

/* --- fees --- */

/** The base fee of the next tipset. */
void fvm_chain_next_base_fee(fvm_chain *chain, fvm_big *out);
/** Filecoin's rule up to network version 27: an eighth by the gas limit of the messages against half the block's,
 *  at least 100. */
void fvm_base_fee_by_gas(fvm_big *out, const fvm_big *base_fee, uint64_t gas_limit,
                         uint64_t block_gas);
/** From 28 on (FIP-0115): by what `premium` is over an eighth of the fee, rounded up, at most by that much either
 *  way, at least 100. */
void fvm_base_fee_by_premium(fvm_big *out, const fvm_big *base_fee, const fvm_big *premium);
/** A premium by which a message should be included: median of the last tipsets', at least the floor. */
void fvm_chain_estimate_premium(fvm_chain *chain, fvm_big *out);

/* --- views: a state to look at and to try messages on --- */

/** A machine on a tipset's state that nobody else sees. Used by one thread at a time. */
typedef struct fvm_chain_view fvm_chain_view;

/** Zero-initialise, then set. */
typedef struct fvm_view_options {
    uint64_t number;      /* of the tipset; FVM_VIEW_HEAD: the head. Null rounds: the one before */
    bool next;            /* as the next tipset would see it: epoch + 1, its base fee and time */
    const fvm_cid *state; /* this state root in place of the tipset's */
    const uint64_t *epoch, *timestamp, *chain_id; /* in place of the tipset's; NULL: not */
    const fvm_big *base_fee;
    const uint8_t *randomness; /* 32 bytes */
    bool debug;                /* debug.log goes to the trace sink */
    const fvm_trace_sink *trace;
    /** By fvm_clock_ns; 0: none. From then on no message begins on the view and none makes a call:
     *  FVM_ERR_EXTERN. What one actor does on its own is bounded by its gas (FVM_CHAIN_BLOCK_GAS_MAX). */
    uint64_t deadline_ns;
} fvm_view_options;
#define FVM_VIEW_HEAD UINT64_MAX

/** FVM_ERR_NOT_FOUND  no such tipset. Waits while view_max views are open. HOST class. */
FVM_NODISCARD fvm_err fvm_chain_view_open(fvm_chain *chain, fvm_chain_view **out,
                                          const fvm_view_options *options);
void fvm_chain_view_close(fvm_chain_view *view);
/** From now on under the epoch, timestamp, chain id, base fee and randomness that `options` name, as in
 *  the tipset after; the rest of `options` is not looked at, and what they leave out stays. */
void fvm_view_move(fvm_chain_view *view, const fvm_view_options *options);
/** The tipset whose state it began with. */
const fvm_tipset *fvm_view_tipset(const fvm_chain_view *view);

/** The state under the view's changes. */
FVM_NODISCARD fvm_err fvm_view_lookup(fvm_chain_view *view, uint64_t *id,
                                      const fvm_address *address);
FVM_NODISCARD fvm_err fvm_view_actor(fvm_chain_view *view, fvm_actor *out, uint64_t *id,
                                     const fvm_address *address);
/** "account", "evm", ...; empty for codes of users. */
fvm_bytes fvm_view_actor_type(fvm_chain_view *view, const fvm_actor *actor);
/** The key address of an account (f1, f3, or f4); FVM_ERR_INVALID for other actors. */
FVM_NODISCARD fvm_err fvm_view_account_key(fvm_chain_view *view, fvm_address *out,
                                           const fvm_address *address);
/** The robust address: delegated one, account's key, else by a walk over the init actor's map. */
FVM_NODISCARD fvm_err fvm_view_robust(fvm_chain_view *view, fvm_address *out, uint64_t id);
/** As Ethereum's clients see it: f410 or masked. `known`: an actor is there. */
FVM_NODISCARD fvm_err fvm_view_eth_address(fvm_chain_view *view, uint8_t out[20], bool *known,
                                           const fvm_address *address);
/** Appends the bytecode; nothing for what is no EVM contract, and for self-destructed ones. */
FVM_NODISCARD fvm_err fvm_view_evm_code(fvm_chain_view *view, fvm_buf *out,
                                        const fvm_address *address);
FVM_NODISCARD fvm_err fvm_view_evm_storage(fvm_chain_view *view, uint8_t out[32],
                                           const fvm_address *address, const uint8_t slot[32]);
/** As eth_getTransactionCount says: an EVM contract's own nonce; 0 where nobody is. */
FVM_NODISCARD fvm_err fvm_view_nonce(fvm_chain_view *view, uint64_t *out,
                                     const fvm_address *address);
FVM_NODISCARD fvm_err fvm_view_each_actor(fvm_chain_view *view,
                                          fvm_err (*visit)(void *ctx, uint64_t id,
                                                           const fvm_actor *actor),
                                          void *ctx);
/** Blocks as the view sees them, its own included. */
const fvm_blockstore *fvm_view_blocks(fvm_chain_view *view);
FVM_NODISCARD fvm_err fvm_view_root(fvm_chain_view *view, fvm_cid *root);

FVM_NODISCARD fvm_err fvm_view_edit(fvm_chain_view *view, const fvm_edit *edit);
/** Applies a message to the view's state. Explicit: with nonce, fees and inclusion, as in a block. */
FVM_NODISCARD fvm_err fvm_view_apply(fvm_chain_view *view, fvm_receipt *receipt,
                                     const fvm_message *message, fvm_apply_kind kind,
                                     uint64_t chain_length);
/** Runs a message as eth_call does: no nonce, no fees; the sender need not exist, and its money is
 *  what it has. gas_limit 0: the block's. */
FVM_NODISCARD fvm_err fvm_view_call(fvm_chain_view *view, fvm_receipt *receipt,
                                    const fvm_message *message);
/** Events of a receipt of this view's, emitters as Ethereum's clients see them; places are zero. */
FVM_NODISCARD fvm_err fvm_view_events(fvm_chain_view *view, fvm_bytes events,
                                      fvm_chain_event_visit visit, void *ctx);
/** The sender's messages in the pool that could be included, in order. */
FVM_NODISCARD fvm_err fvm_view_apply_pending(fvm_chain_view *view, const fvm_address *sender);
/** The gas that the message needs to do what it does with the block's limit: exact where it charges
 *  the same under any limit; otherwise, found by halving, at most 1 % too much. Without the 1.25 that
 *  clients are told. Inclusion counted. `receipt`: of the run with the block's limit; when its exit code is
 *  not 0, `gas` is what that run used. The view's state is as before. */
FVM_NODISCARD fvm_err fvm_view_estimate(fvm_chain_view *view, uint64_t *gas, fvm_receipt *receipt,
                                        const fvm_message *message);

/** Re-executes a tipset up to and with message `index` (UINT32_MAX: all) under a trace sink, on its parent's
 *  state: what debug_trace and StateReplay ask for. `before` (NULL: none) is called before each message,
 *  `after` with its receipt. */
typedef struct fvm_replay {
    const fvm_trace_sink *trace;
    fvm_err (*before)(void *ctx, const fvm_chain_message *message);
    fvm_err (*after)(void *ctx, const fvm_chain_message *message, const fvm_receipt *receipt);
    void *ctx;
    uint64_t deadline_ns; /* as a view's */
} fvm_replay;
FVM_NODISCARD fvm_err fvm_chain_replay(fvm_chain *chain, uint64_t number, uint32_t index,
                                       const fvm_replay *replay);
/** A view on a tipset's parent state with its messages before `index` applied. */
FVM_NODISCARD fvm_err fvm_chain_view_before(fvm_chain *chain, fvm_chain_view **out, uint64_t number,
                                            uint32_t index, const fvm_trace_sink *trace);

/* --- listening --- */

/** Called on the thread that wrote, after readers can see it and without locks; must be quick and not
 *  write to the chain. NULL: not interested. */
typedef struct fvm_chain_listener {
    void *ctx;
    void (*tipset)(void *ctx, const fvm_tipset *tipset);
    void (*pending)(void *ctx, const fvm_chain_message *message);
    /** What was above `head` is gone; `events` of these can be told as removed before. Called with
     *  each tipset that goes, downwards, before it goes, and at last with `gone` NULL. */
    void (*reverted)(void *ctx, const fvm_tipset *gone, const fvm_tipset *head);
    /** No tipset could be made, by a failure of this machine (HOST class). It is tried again; told once
     *  until it succeeds. */
    void (*failed)(void *ctx, fvm_err err);
} fvm_chain_listener;
/** FVM_ERR_NOMEM. `id` is for fvm_chain_unlisten, after which no call is under way. */
FVM_NODISCARD fvm_err fvm_chain_listen(fvm_chain *chain, uint64_t *id,
                                       const fvm_chain_listener *listener);
void fvm_chain_unlisten(fvm_chain *chain, uint64_t id);
/** The messages of tipsets that are sealed from now on run under this trace sink (NULL: none), in the
 *  sealing thread; those of calls, replays and verifying do not. Borrowed until the next call. */
void fvm_chain_watch(fvm_chain *chain, const fvm_trace_sink *sink);

/* --- whole chains --- */

/** Writes headers, messages, receipts and states of all tipsets, and what fvm_chain_import needs to
 *  make the chain again, as a CAR file at `path` ("-": stdout); its roots are described in export.c.
 *  The file is on the disk and has its name when this succeeds, else `path` is as it was. Nothing
 *  is sealed meanwhile.
 *  Errors: FVM_ERR_IO, told in `why`; FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_chain_export(fvm_chain *chain, const char *path, fvm_store_why *why);
/** Makes a chain in an empty ledger from such a CAR: blocks are verified, tipsets re-executed. */
FVM_NODISCARD fvm_err fvm_chain_import(fvm_chain **out, const fvm_chain_options *options,
                                       const char *path, const fvm_allocator *alloc,
                                       fvm_store_why *why);
typedef struct fvm_chain_verdict {
    uint64_t tipsets, messages, edits;
    uint64_t problems;
} fvm_chain_verdict;
/** Re-executes from genesis with `engine` and compares state roots, receipts, events, headers and
 *  indexes; each problem in a line to `problem` (may be NULL). FVM_ERR_MISMATCH when there were any. */
FVM_NODISCARD fvm_err fvm_chain_verify(fvm_chain *chain, fvm_chain_verdict *out, fvm_engine *engine,
                                       void (*problem)(void *ctx, const char *text),
                                       bool (*progress)(void *ctx, uint64_t number), void *ctx);

/** Numbers for metrics. */
typedef struct fvm_chain_stats {
    uint64_t tipsets, messages, gas; /* sealed since it was opened */
    uint64_t seal_ns, execute_ns, commit_ns;
    uint64_t refused;
    uint64_t failures; /* tipsets that could not be made */
    size_t pool, views;
    fvm_ledger_stats ledger;
} fvm_chain_stats;
void fvm_chain_stats_get(fvm_chain *chain, fvm_chain_stats *out);
/** Whether the last tipset that was tried could not be made. Waits for nothing. */
bool fvm_chain_failing(fvm_chain *chain);
#endif
