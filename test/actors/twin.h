/* twin.h - the same network twice, on the actors of this tree and, where that bundle is imported, on
 * mainnet's v18. Whatever is sent is sent to both, and after it exit code, return value, events and the
 * whole state must be the same: every actor's kind, state, nonce, balance and delegated address. Code CIDs
 * and gas may differ. In the places of the storage miner and the power actor there is puppet.c on both. */
#ifndef FVM_TEST_ACTORS_TWIN_H
#define FVM_TEST_ACTORS_TWIN_H

#include "test.h"
#include <fvm/genesis.h>
#include <fvm/machine.h>

/** Who is there: names of the addresses in scripts. Accounts have 1000 FIL each. */
enum {
    TWIN_POWER = 4, /* a puppet in f04's place */
    /* not constructed yet: of each type an actor with the empty array as its state */
    TWIN_NEW_SYSTEM = 70,
    TWIN_NEW_INIT,
    TWIN_NEW_CRON,
    TWIN_NEW_ACCOUNT,
    TWIN_NEW_REWARD,
    TWIN_NEW_MULTISIG,
    TWIN_NEW_PAYCH,
    TWIN_NEW_EVM, /* without an address of the EAM's */
    TWIN_NEW_EVM4,
    TWIN_NEW_ETHACCOUNT, /* likewise without */
    TWIN_NEW_EAM,
    TWIN_NEW_PLACEHOLDER,
    TWIN_STRANGER = 90,                /* of a code that is not built in; it only sends */
    TWIN_CONTRACT,                     /* of a contract's code, without state; likewise */
    TWIN_PUPPET,                       /* of the storage miner's type; 100 FIL */
    TWIN_ALICE = FVM_GENESIS_FIRST_ID, /* f1, key: 32 bytes of 1 */
    TWIN_BOB,                          /* f1, key: of 2 */
    TWIN_CAROL,                        /* f3, key: of 3 */
    TWIN_DAVE,                         /* f1, key: of 4 */
    TWIN_EVE,                          /* f410, an Ethereum account */
    TWIN_WALLET,                       /* a multisig of alice and bob, both must agree; 100 FIL */
    TWIN_LOCKED, /* a multisig of alice; 100 FIL, free in 1000 epochs from 0 */
    TWIN_END,    /* next: the null address, then what is created */
};
#define TWIN_FIRST_CREATED (TWIN_END + 1)

/** What gas is for. */
typedef enum twin_spent {
    TWIN_OWN,       /* actors themselves: running, memory, entering the machine */
    TWIN_INCLUSION, /* the message and its return value on chain */
    TWIN_STORAGE,   /* blocks made and linked, roots, actors, events */
    TWIN_OPENING,   /* blocks read from the state */
    TWIN_CALLS,     /* calls, transfers, look-ups, hashes, signatures */
    TWIN_SPENT_COUNT,
} twin_spent;

typedef struct twin_side {
    fvm_blockstore bundle, store;
    fvm_cid manifest, root;
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt;              /* of the last message */
    uint64_t gas;                     /* used by all so far */
    uint64_t spent[TWIN_SPENT_COUNT]; /* of these, in milligas */
    fvm_trace_sink sink;
    struct twin *twin;
    int number;
} twin_side;

typedef struct twin {
    twin_side side[2]; /* ours first */
    int sides;         /* 2, or 1 when v18 is not here */
    int64_t epoch;
    bool user_actors;
    bool untraced;  /* from the next epoch on: nothing is counted, for who takes the time */
    uint64_t nonce; /* of the next message */
    uint64_t gas_limit;
    /* Is told what happens on side 0 or 1, unless NULL. */
    void (*watch)(void *ctx, int side, const fvm_trace_event *event);
    void *watch_ctx;
} twin;

/** Opens both at epoch 1. Ends the test on any failure. */
void twin_open(twin *t);
/** Ours alone, with codes of users. */
void twin_open_user(twin *t);
void twin_close(twin *t);
/** Goes on at another epoch. */
void twin_epoch(twin *t, int64_t epoch);

/** The key of alice, bob or dave. */
void twin_secret(uint8_t key[32], uint64_t id);
fvm_address twin_key_address(uint64_t id);

/** A message without fees (as cron's) from the actor of ID `from`. Gives our receipt. */
const fvm_receipt *twin_send(twin *t, uint64_t from, const fvm_address *to, uint64_t method,
                             const fvm_big *value, fvm_bytes params);

/** The same with parameters that differ, as codes do, and `why`. */
const fvm_receipt *twin_send_each(twin *t, const char *why, uint64_t from, const fvm_address *to,
                                  uint64_t method, const fvm_big *value, const fvm_bytes params[2]);
/** A message as in a block, with preflight and inclusion, but a fee cap of 0, as gas may differ: `nonce_off` is
 *  added to the nonce that is due. */
const fvm_receipt *twin_send_explicit(twin *t, uint64_t from, const fvm_address *to,
                                      uint64_t method, const fvm_big *value, fvm_bytes params,
                                      uint64_t nonce_off);

/** The code of a type on a side. */
fvm_cid twin_code(twin *t, int side, const char *type);

/** The init actor's Exec of a type of built-in actor; `value` and `constructor` in the notation below. */
const fvm_receipt *twin_exec(twin *t, const char *why, const char *from, const char *type,
                             const char *value, const char *constructor);

/** A message in words, as much as `len` holds. */
void twin_describe(char *out, size_t len, const char *how, uint64_t from, const fvm_address *to,
                   uint64_t method, fvm_bytes params);
/** The nonce that an actor's next message must have. */
uint64_t twin_nonce(twin *t, uint64_t id);
/** Bytes that a message has on chain, signed by a key of secp256k1's. */
uint64_t twin_chain_length(const fvm_message *message);

/** All balances on a side together. */
fvm_big twin_supply(twin *t, int side);

#define TWIN_ANY_CODE UINT32_MAX /* a step's exit code that may be any, the same on both */

/** One line of a script. */
typedef struct twin_step {
    const char *why;
    const char *from, *to; /* a name ("alice", "init", "new" for TWIN_FIRST_CREATED) or "f0123" */
    uint64_t method;
    const char *value;  /* "5FIL", "3atto"; NULL: nothing */
    const char *params; /* notation of `fvm actor test` (@alice, 5FIL); NULL: none */
    uint32_t exit_code;
    const char *ret; /* the same notation; "": no return value; NULL: not looked at */
} twin_step;
void twin_run(twin *t, const twin_step *steps, size_t count);
/** Appends the value of the notation. */
void twin_value(fvm_buf *out, const char *notation);
uint64_t twin_id(const char *name);

#endif
