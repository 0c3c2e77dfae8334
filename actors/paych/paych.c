/* paych.c - a payment channel: vouchers signed off chain say how much of its money is due to whom.
 * Reference: actors.md 9. */
#include "common/builtin.h"
#include "common/wide.h"

#define SETTLE_DELAY 1440 /* epochs: 12 hours */
#define SECRET_MAX 256    /* bytes */
#define LANES_WIDTH 3
#define ERR_SETTLED FVM_USR_FIRST_OWN

#define PAYCH(F)                                                                                   \
    F(address, from)                                                                               \
    F(address, to)                                                                                 \
    F(wide, to_send)                                                                               \
    F(int, settling_at)                                                                            \
    F(int, min_settle_height)                                                                      \
    F(cid, lane_states)
FVM_STRUCT(state, PAYCH)

#define LANE(F)                                                                                    \
    F(wide, redeemed)                                                                              \
    F(uint, nonce)
FVM_STRUCT(lane_state, LANE)

#define CONSTRUCTOR(F)                                                                             \
    F(address, from)                                                                               \
    F(address, to)
FVM_STRUCT(constructor_params, CONSTRUCTOR)

/* A call that has to succeed before the voucher counts. */
#define EXTRA(F)                                                                                   \
    F(address, actor)                                                                              \
    F(uint, method)                                                                                \
    F(bytes, data)
FVM_STRUCT(extra_call, EXTRA)
FVM_OPTIONAL(maybe_extra, extra_call)

#define MERGE(F)                                                                                   \
    F(uint, lane)                                                                                  \
    F(uint, nonce)
FVM_STRUCT(merge, MERGE)
FVM_LIST(merges, merge)

FVM_OPTIONAL(maybe_signature, bytes) /* type byte and signature */

#define VOUCHER(F)                                                                                 \
    F(address, channel)                                                                            \
    F(int, time_lock_min)                                                                          \
    F(int, time_lock_max)                                                                          \
    F(bytes, secret_hash)                                                                          \
    F(maybe_extra, extra)                                                                          \
    F(uint, lane)                                                                                  \
    F(uint, nonce)                                                                                 \
    F(wide, amount)                                                                                \
    F(int, min_settle_height)                                                                      \
    F(merges, merges)                                                                              \
    F(maybe_signature, signature)
FVM_STRUCT(voucher, VOUCHER)

#define UPDATE(F)                                                                                  \
    F(voucher, voucher)                                                                            \
    F(bytes, secret)
FVM_STRUCT(update_params, UPDATE)

#define SIGNED(F)                                                                                  \
    F(bytes, signature)                                                                            \
    F(bytes, message)
FVM_STRUCT(signed_message, SIGNED)

static uint32_t constructor(uint32_t params)
{
    constructor_params p;
    state s;
    fvm_amt *lanes;
    FVM_PARAMS(constructor_params, &p, params);
    builtin_require_caller(FVM_INIT_ACTOR);
    __builtin_memset(&s, 0, sizeof s);
    s.to = fvm_address_id(builtin_resolve(&p.to, true));
    s.from = fvm_address_id(builtin_resolve(&p.from, true));
    builtin_map(fvm_amt_new(&lanes, fvm_blocks(), LANES_WIDTH, &fvm_heap_allocator));
    builtin_map(fvm_amt_flush(lanes, &s.lane_states));
    BUILTIN_STATE_CREATE(state, &s);
    return 0;
}

/* Loads the state; ends the call (18) unless a party calls. Gives the other party. */
static const fvm_address *load_as_party(state *s)
{
    fvm_address caller = fvm_address_id(fvm_call.caller);
    BUILTIN_STATE_LOAD(state, s);
    if (fvm_address_eq(&caller, &s->from)) return &s->to;
    fvm_require(fvm_address_eq(&caller, &s->to), FVM_USR_FORBIDDEN, "not a party");
    return &s->from;
}

/* --- what a voucher must fulfil before it is looked at --- */

/* The other party's actor says whether it signed the voucher, which had null in the signature's place. */
static void require_signature(const voucher *v, const fvm_address *signer)
{
    voucher unsigned_voucher = *v;
    unsigned_voucher.signature.some = false;
    fvm_enc e = fvm_enc_heap(0);
    fvm_enc_voucher(&e, &unsigned_voucher);
    signed_message m = { { v->signature.value.ptr + 1, v->signature.value.len - 1 },
                         fvm_enc_done(&e) };
    uint32_t params = FVM_RETURN(signed_message, &m);
    fvm_send_result result = builtin_send_must(signer, FVM_FRC42(AuthenticateMessage), params,
                                               builtin_amount(0), FVM_SEND_READ_ONLY);
    fvm_dec d = builtin_returned(&result);
    bool authentic = fvm_get_bool(&d);
    fvm_dec_done(&d);
    fvm_require(authentic, FVM_USR_ILLEGAL_ARGUMENT, "not authentic");
}

static void require_valid(const voucher *v, fvm_bytes secret)
{
    uint8_t digest[32];
    uint64_t id;
    int64_t epoch = fvm_epoch();
    fvm_require(fvm_resolve(&id, &v->channel) && id == fvm_call.receiver &&
                    epoch >= v->time_lock_min &&
                    (v->time_lock_max == 0 || epoch <= v->time_lock_max) && !v->amount.negative,
                FVM_USR_ILLEGAL_ARGUMENT, "channel, time or amount");
    if (v->secret_hash.len == 0) return;
    (void)fvm_hash(digest, sizeof digest, FVM_HASHER_BLAKE2B_256, secret);
    fvm_require(v->secret_hash.len == sizeof digest &&
                    __builtin_memcmp(v->secret_hash.ptr, digest, sizeof digest) == 0,
                FVM_USR_ILLEGAL_ARGUMENT, "secret");
}

/* --- what it changes --- */

static void lanes_must(fvm_err err)
{
    if (err == FVM_ERR_BAD_STATE) fvm_abort(FVM_USR_SERIALIZATION, "lanes");
    builtin_map(err);
}

/* False, and a fresh lane, when there is none yet. */
static bool find_lane(fvm_amt *lanes, lane_state *out, uint64_t lane)
{
    fvm_bytes value;
    fvm_require(lane <= INT64_MAX, FVM_USR_ILLEGAL_ARGUMENT, "lane");
    fvm_err err = fvm_amt_get(lanes, &value, lane);
    __builtin_memset(out, 0, sizeof *out);
    if (err == FVM_ERR_NOT_FOUND) return false;
    lanes_must(err);
    FVM_DECODE(lane_state, out, value);
    return true;
}

static void set_lane(fvm_amt *lanes, const lane_state *lane, uint64_t number)
{
    fvm_enc e = fvm_enc_heap(0);
    fvm_enc_lane_state(&e, lane);
    lanes_must(fvm_amt_set(lanes, number, fvm_enc_done(&e)));
}

/* Closes the lanes that the voucher merges into its own; adds what they had redeemed. */
static void merge_lanes(fvm_amt *lanes, wide *redeemed, const voucher *v)
{
    for (size_t i = 0; i < v->merges.count; i++) {
        const merge *m = &v->merges.item[i];
        lane_state other;
        fvm_require(m->lane != v->lane && find_lane(lanes, &other, m->lane) &&
                        other.nonce < m->nonce,
                    FVM_USR_ILLEGAL_ARGUMENT, "merged lane");
        wide_add(redeemed, redeemed, &other.redeemed);
        other.nonce = m->nonce;
        set_lane(lanes, &other, m->lane);
    }
}

static void redeem(const voucher *v)
{
    state s;
    lane_state lane;
    fvm_amt *lanes;
    fvm_abi_token balance;
    wide own;
    BUILTIN_STATE_LOAD(state, &s); /* a call may have changed it */
    lanes_must(fvm_amt_load(&lanes, fvm_blocks(), &s.lane_states, &fvm_heap_allocator));
    bool known = find_lane(lanes, &lane, v->lane);
    fvm_require(!known || lane.nonce < v->nonce, FVM_USR_ILLEGAL_ARGUMENT, "old nonce");
    merge_lanes(lanes, &lane.redeemed, v);

    /* what is new in this voucher is due in addition */
    wide_sub(&own, &v->amount, &lane.redeemed);
    wide_add(&s.to_send, &s.to_send, &own);
    lane.redeemed = v->amount;
    lane.nonce = v->nonce;
    fvm_check(fvm_sys_self_balance(&balance));
    wide_of_amount(&own, balance);
    fvm_require(!s.to_send.negative && wide_cmp(&s.to_send, &own) <= 0, FVM_USR_ILLEGAL_ARGUMENT,
                "below zero, or more than there is");

    if (v->min_settle_height != 0) {
        if (s.settling_at != 0 && s.settling_at < v->min_settle_height)
            s.settling_at = v->min_settle_height;
        if (s.min_settle_height < v->min_settle_height) s.min_settle_height = v->min_settle_height;
    }
    set_lane(lanes, &lane, v->lane);
    lanes_must(fvm_amt_flush(lanes, &s.lane_states));
    FVM_STATE_SAVE(state, &s);
}

static uint32_t update_channel_state(uint32_t params)
{
    update_params p;
    state s;
    FVM_PARAMS(update_params, &p, params);
    const voucher *v = &p.voucher;
    if (v->signature.some)
        fvm_require(v->signature.value.len > 0 && v->signature.value.ptr[0] - 1u < 2,
                    FVM_USR_SERIALIZATION, "type of signature");
    const fvm_address *signer = load_as_party(&s);
    fvm_require(v->signature.some, FVM_USR_ILLEGAL_ARGUMENT, "no signature");
    if (s.settling_at != 0 && fvm_epoch() >= s.settling_at) fvm_abort(ERR_SETTLED, "settled");
    fvm_require(p.secret.len <= SECRET_MAX, FVM_USR_ILLEGAL_ARGUMENT, "long secret");
    require_signature(v, signer);
    require_valid(v, p.secret);
    if (v->extra.some) {
        const extra_call *x = &v->extra.value;
        (void)builtin_send_must(&x->actor, x->method, fvm_block_new(FVM_BLOCK_CBOR, x->data),
                                builtin_amount(0), 0);
    }
    redeem(v);
    return 0;
}

static uint32_t settle(uint32_t params)
{
    state s;
    fvm_params_none(params);
    (void)load_as_party(&s);
    fvm_require(s.settling_at == 0, FVM_USR_ILLEGAL_STATE, "settling already");
    s.settling_at = fvm_epoch() + SETTLE_DELAY;
    if (s.settling_at < s.min_settle_height) s.settling_at = s.min_settle_height;
    FVM_STATE_SAVE(state, &s);
    return 0;
}

static uint32_t collect(uint32_t params)
{
    state s;
    fvm_abi_token rest;
    fvm_params_none(params);
    (void)load_as_party(&s);
    fvm_require(s.settling_at != 0 && fvm_epoch() >= s.settling_at, FVM_USR_FORBIDDEN,
                "not settled");
    (void)builtin_send_must(&s.to, FVM_METHOD_SEND, 0, wide_to_amount(&s.to_send), 0);
    fvm_check(fvm_sys_self_balance(&rest));
    (void)builtin_send_must(&s.from, FVM_METHOD_SEND, 0, rest, 0);
    fvm_require(fvm_sys_self_destruct(false) == 0, FVM_USR_ILLEGAL_ARGUMENT, "unspent money");
    return 0;
}

/* clang-format off */
BUILTIN_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_METHOD(2, update_channel_state)
    FVM_METHOD(3, settle)
    FVM_METHOD(4, collect)
)
