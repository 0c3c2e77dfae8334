/* multisig.c - a wallet that sends when enough of its signers say so. Reference: actors.md 8. */
#include "multisig/state.h"

#define CONSTRUCTOR(F)                                                                             \
    F(addresses, signers)                                                                          \
    F(uint, threshold)                                                                             \
    F(int, unlock_duration)                                                                        \
    F(int, start_epoch)
FVM_STRUCT(constructor_params, CONSTRUCTOR)

#define PROPOSE(F)                                                                                 \
    F(address, to)                                                                                 \
    F(wide, value)                                                                                 \
    F(uint, method)                                                                                \
    F(bytes, params)
FVM_STRUCT(propose_params, PROPOSE)

#define TX_ID(F)                                                                                   \
    F(int, id)                                                                                     \
    F(bytes, proposal_hash)
FVM_STRUCT(tx_id_params, TX_ID)

#define SIGNER(F)                                                                                  \
    F(address, signer)                                                                             \
    F(bool, change)
FVM_STRUCT(signer_params, SIGNER)

#define SWAP(F)                                                                                    \
    F(address, from)                                                                               \
    F(address, to)
FVM_STRUCT(swap_params, SWAP)

#define THRESHOLD(F) F(uint, threshold)
FVM_STRUCT(threshold_params, THRESHOLD)

#define LOCK(F)                                                                                    \
    F(int, start_epoch)                                                                            \
    F(int, unlock_duration)                                                                        \
    F(wide, amount)
FVM_STRUCT(lock_params, LOCK)

#define RECEIVED(F)                                                                                \
    F(u32, type)                                                                                   \
    F(bytes, payload)
FVM_STRUCT(received, RECEIVED)

/* The ID of an address, as an address. */
static fvm_address resolved(const fvm_address *address, bool must_exist)
{
    return fvm_address_id(builtin_resolve(address, must_exist));
}

static bool is_signer(const state *s, const fvm_address *id)
{
    return list_find(&s->signers, id) != s->signers.count;
}

static uint32_t constructor(uint32_t params)
{
    constructor_params p;
    state s;
    FVM_PARAMS(constructor_params, &p, params);
    builtin_require_caller(FVM_INIT_ACTOR);
    size_t n = p.signers.count;
    fvm_require(n >= 1 && n <= SIGNERS_MAX, FVM_USR_ILLEGAL_ARGUMENT, "number of signers");
    __builtin_memset(&s, 0, sizeof s);
    s.signers.item = fvm_heap_array(n, sizeof *s.signers.item);
    for (size_t i = 0; i < n; i++) {
        fvm_address id = resolved(&p.signers.item[i], true);
        fvm_require(list_find(&s.signers, &id) == i, FVM_USR_ILLEGAL_ARGUMENT, "signer twice");
        s.signers.item[s.signers.count++] = id;
    }
    fvm_require(p.threshold <= n && p.threshold >= 1 && p.unlock_duration >= 0,
                FVM_USR_ILLEGAL_ARGUMENT, "threshold or duration");
    s.threshold = p.threshold;
    builtin_empty_map(&s.pending_txs);
    if (p.unlock_duration != 0) {
        s.start_epoch = p.start_epoch;
        s.unlock_duration = p.unlock_duration;
        wide_of_amount(&s.initial_balance, fvm_call.value);
    }
    builtin_require_new();
    state_save(&s);
    return 0;
}

/* --- transactions --- */

/* The outcome of a proposal or an approval. */
typedef struct outcome {
    bool applied;
    uint32_t code;
    fvm_bytes ret;
} outcome;

static void put_outcome(fvm_enc *e, const outcome *o)
{
    fvm_put_bool(e, o->applied);
    fvm_put_uint(e, o->code);
    fvm_put_bytes(e, o->ret);
}

/* What the send comes to is the outcome's, not this call's. */
static void execute(outcome *o, const transaction *tx)
{
    fvm_send_result result;
    o->applied = true;
    o->code = builtin_send(&result, &tx->to, tx->method, builtin_raw_params(tx->params),
                           wide_to_amount(&tx->value), 0);
    if (result.return_id) o->ret = fvm_block_read_sized(result.return_id, result.return_size);
}

static void save(state *s, fvm_hamt *pending)
{
    builtin_map(fvm_hamt_flush(pending, &s->pending_txs));
    state_save(s);
}

/* Enough have approved: takes the transaction out of the map, if it is `known` there, and executes it. */
static __attribute__((noinline)) void finish(outcome *o, state *s, fvm_hamt *pending,
                                             const transaction *tx, int64_t id, bool known)
{
    require_available(s, &tx->value);
    if (known) pending_delete(pending, id);
    save(s, pending);
    execute(o, tx);
}

/* Adds the caller's approval, and executes the transaction if that is enough. */
static outcome approve_step(state *s, fvm_hamt *pending, transaction *tx, int64_t id, bool known)
{
    outcome o = { .applied = false };
    fvm_address caller = fvm_address_id(fvm_call.caller);
    fvm_require(list_find(&tx->approved, &caller) == tx->approved.count, FVM_USR_FORBIDDEN,
                "approved already");
    builtin_require_writable();
    list_append(&tx->approved, &caller);
    if (tx->approved.count < s->threshold) {
        pending_set(pending, tx, id);
        save(s, pending);
        return o;
    }
    finish(&o, s, pending, tx, id, known);
    return o;
}

static void load_as_signer(state *s)
{
    fvm_address caller = fvm_address_id(fvm_call.caller);
    state_load(s);
    fvm_require(is_signer(s, &caller), FVM_USR_FORBIDDEN, "not a signer");
}

static uint32_t propose(uint32_t params)
{
    propose_params p;
    state s;
    FVM_PARAMS(propose_params, &p, params);
    fvm_require(!p.value.negative, FVM_USR_ILLEGAL_ARGUMENT, "negative value");
    load_as_signer(&s);
    int64_t id = s.next_tx_id;
    fvm_require(!__builtin_add_overflow(id, 1, &s.next_tx_id), FVM_USR_ASSERTION_FAILED, "IDs");
    transaction tx = { p.to, p.value, p.method, p.params, { 0 } };
    outcome o = approve_step(&s, pending_load(&s), &tx, id, false);
    fvm_enc e = fvm_enc_heap(0);
    fvm_put_array(&e, 4);
    fvm_put_int(&e, id);
    put_outcome(&e, &o);
    return fvm_return(&e);
}

/* Whether `hash` is that of [proposer, to, value, method, params]. */
static bool hash_matches(fvm_bytes hash, const transaction *tx)
{
    uint8_t digest[32];
    fvm_enc e = fvm_enc_heap(0);
    fvm_put_array(&e, 5);
    if (tx->approved.count)
        fvm_put_address(&e, &tx->approved.item[0]);
    else
        fvm_put_null(&e);
    fvm_put_address(&e, &tx->to);
    fvm_enc_wide(&e, &tx->value);
    fvm_put_uint(&e, tx->method);
    fvm_put_bytes(&e, tx->params);
    (void)fvm_hash(digest, sizeof digest, FVM_HASHER_BLAKE2B_256, fvm_enc_done(&e));
    return hash.len == sizeof digest && __builtin_memcmp(hash.ptr, digest, sizeof digest) == 0;
}

static fvm_hamt *load_pending_tx(state *s, transaction *tx, const tx_id_params *p)
{
    load_as_signer(s);
    fvm_hamt *pending = pending_load(s);
    fvm_require(pending_get(pending, tx, p->id), FVM_USR_NOT_FOUND, "no such transaction");
    return pending;
}

static uint32_t approve(uint32_t params)
{
    tx_id_params p;
    transaction tx;
    outcome o = { .applied = false };
    state s;
    FVM_PARAMS(tx_id_params, &p, params);
    fvm_hamt *pending = load_pending_tx(&s, &tx, &p);
    fvm_require(p.proposal_hash.len == 0 || hash_matches(p.proposal_hash, &tx),
                FVM_USR_ILLEGAL_ARGUMENT, "another proposal");
    builtin_require_writable();
    if (tx.approved.count >= s.threshold) { /* the threshold fell meanwhile */
        finish(&o, &s, pending, &tx, p.id, true);
    } else {
        o = approve_step(&s, pending, &tx, p.id, true);
    }
    fvm_enc e = fvm_enc_heap(0);
    fvm_put_array(&e, 3);
    put_outcome(&e, &o);
    return fvm_return(&e);
}

static uint32_t cancel(uint32_t params)
{
    tx_id_params p;
    transaction tx;
    state s;
    FVM_PARAMS(tx_id_params, &p, params);
    fvm_hamt *pending = load_pending_tx(&s, &tx, &p);
    fvm_address caller = fvm_address_id(fvm_call.caller);
    fvm_require(tx.approved.count && fvm_address_eq(&tx.approved.item[0], &caller),
                FVM_USR_FORBIDDEN, "another's proposal");
    fvm_require(p.proposal_hash.len == 0 || hash_matches(p.proposal_hash, &tx),
                FVM_USR_ILLEGAL_STATE, "another proposal");
    pending_delete(pending, p.id);
    save(&s, pending);
    return 0;
}

/* --- changes of the wallet, which it makes by sending to itself --- */

static uint32_t add_signer(uint32_t params)
{
    signer_params p;
    state s;
    FVM_PARAMS(signer_params, &p, params);
    builtin_require_caller(fvm_call.receiver);
    fvm_address id = resolved(&p.signer, true);
    state_load(&s);
    fvm_require(s.signers.count < SIGNERS_MAX, FVM_USR_FORBIDDEN, "too many signers");
    fvm_require(!is_signer(&s, &id), FVM_USR_FORBIDDEN, "signer twice");
    list_append(&s.signers, &id);
    fvm_require(!p.change || s.threshold++ != UINT64_MAX, FVM_USR_ASSERTION_FAILED, "threshold");
    state_save(&s);
    return 0;
}

static uint32_t remove_signer(uint32_t params)
{
    signer_params p;
    state s;
    FVM_PARAMS(signer_params, &p, params);
    builtin_require_caller(fvm_call.receiver);
    fvm_address id = resolved(&p.signer, false);
    state_load(&s);
    fvm_require(is_signer(&s, &id), FVM_USR_FORBIDDEN, "not a signer");
    fvm_require(s.signers.count != 1, FVM_USR_FORBIDDEN, "the only signer");
    if (p.change)
        fvm_require(s.threshold >= 2, FVM_USR_ILLEGAL_ARGUMENT, "threshold would be none");
    else
        fvm_require(s.signers.count - 1 >= s.threshold, FVM_USR_ILLEGAL_ARGUMENT,
                    "fewer signers than the threshold");
    s.threshold -= p.change;
    pending_purge(&s, &id);
    list_remove(&s.signers, &id);
    state_save(&s);
    return 0;
}

static uint32_t swap_signer(uint32_t params)
{
    swap_params p;
    state s;
    FVM_PARAMS(swap_params, &p, params);
    builtin_require_caller(fvm_call.receiver);
    fvm_address from = resolved(&p.from, false);
    fvm_address to = resolved(&p.to, true);
    state_load(&s);
    fvm_require(is_signer(&s, &from), FVM_USR_FORBIDDEN, "not a signer");
    fvm_require(!is_signer(&s, &to), FVM_USR_ILLEGAL_ARGUMENT, "signer twice");
    list_remove(&s.signers, &from);
    list_append(&s.signers, &to);
    pending_purge(&s, &from);
    state_save(&s);
    return 0;
}

static uint32_t change_threshold(uint32_t params)
{
    threshold_params p;
    state s;
    FVM_PARAMS(threshold_params, &p, params);
    builtin_require_caller(fvm_call.receiver);
    state_load(&s);
    fvm_require(p.threshold != 0 && p.threshold <= s.signers.count, FVM_USR_ILLEGAL_ARGUMENT,
                "threshold");
    s.threshold = p.threshold;
    state_save(&s);
    return 0;
}

static uint32_t lock_balance(uint32_t params)
{
    lock_params p;
    state s;
    FVM_PARAMS(lock_params, &p, params);
    builtin_require_caller(fvm_call.receiver);
    fvm_require(p.unlock_duration > 0 && !p.amount.negative, FVM_USR_ILLEGAL_ARGUMENT,
                "duration or amount");
    state_load(&s);
    fvm_require(s.unlock_duration == 0, FVM_USR_FORBIDDEN, "locked already");
    s.start_epoch = p.start_epoch;
    s.unlock_duration = p.unlock_duration;
    s.initial_balance = p.amount;
    state_save(&s);
    return 0;
}

/* Accepts tokens of any kind (FRC-46). */
static uint32_t receive(uint32_t params)
{
    received r;
    FVM_PARAMS(received, &r, params);
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, propose)
    FVM_METHOD(3, approve)
    FVM_METHOD(4, cancel)
    FVM_METHOD(5, add_signer)
    FVM_METHOD(6, remove_signer)
    FVM_METHOD(7, swap_signer)
    FVM_METHOD(8, change_threshold)
    FVM_METHOD(9, lock_balance)
    FVM_EXPORT(Receive, receive)
    FVM_FALLBACK(builtin_fallback)
)
