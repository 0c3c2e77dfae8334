/* escrow.c - money kept until somebody decides: the buyer deposits, the buyer or the arbiter releases
 * it to the seller, the seller or the arbiter refunds it; after the deadline the buyer may refund it
 * alone. Shows value, sends, events, restricted methods, and that state is saved before money leaves. */
#include <fvm/actor.h>

enum { OPEN, FUNDED, DONE };

#define ESCROW(F)                                                                                  \
    F(uint, buyer)                                                                                 \
    F(uint, seller)                                                                                \
    F(uint, arbiter)                                                                               \
    F(int, deadline)                                                                               \
    F(uint, stage)                                                                                 \
    F(token, amount)
FVM_STRUCT(escrow, ESCROW)

/* The buyer is who constructs. */
#define TERMS(F)                                                                                   \
    F(address, seller)                                                                             \
    F(address, arbiter)                                                                            \
    F(int, deadline)
FVM_STRUCT(terms, TERMS)

static uint64_t id_of(const fvm_address *address)
{
    uint64_t id;
    fvm_require(fvm_resolve(&id, address), FVM_USR_NOT_FOUND, "no such party");
    return id;
}

static uint32_t constructor(uint32_t params)
{
    terms t;
    FVM_PARAMS(terms, &t, params);
    fvm_require(t.deadline > fvm_epoch(), FVM_USR_ILLEGAL_ARGUMENT, "deadline has passed");
    escrow e = { .buyer = fvm_call.caller,
                 .seller = id_of(&t.seller),
                 .arbiter = id_of(&t.arbiter),
                 .deadline = t.deadline };
    FVM_STATE_SAVE(escrow, &e);
    return 0;
}

static void emit(const char *what, fvm_token amount)
{
    fvm_event event;
    fvm_event_start(&event);
    fvm_event_put_text(&event, FVM_EVENT_INDEX_ALL, "escrow", what);
    fvm_event_put_token(&event, FVM_EVENT_INDEX_VALUE, "amount", amount);
    fvm_event_emit(&event);
}

static uint32_t deposit(uint32_t params)
{
    escrow e;
    fvm_params_none(params);
    FVM_STATE_LOAD(escrow, &e);
    fvm_require(e.stage == OPEN, FVM_USR_ILLEGAL_STATE, "deposited already");
    fvm_require(fvm_call.caller == e.buyer, FVM_USR_FORBIDDEN, "not the buyer");
    e.amount = fvm_token_of(fvm_call.value);
    fvm_require(e.amount > 0, FVM_USR_INSUFFICIENT_FUNDS, "nothing deposited");
    e.stage = FUNDED;
    FVM_STATE_SAVE(escrow, &e);
    emit("deposit", e.amount);
    return 0;
}

/* All ends here. The state says so before the money moves: the receiver may be an actor that calls
 * back. */
static void settle(escrow *e, uint64_t to, const char *what)
{
    fvm_address receiver = fvm_address_id(to);
    e->stage = DONE;
    FVM_STATE_SAVE(escrow, e);
    emit(what, e->amount);
    fvm_pay(&receiver, e->amount);
}

static void load_funded(escrow *e, uint32_t params)
{
    fvm_params_none(params);
    FVM_STATE_LOAD(escrow, e);
    fvm_require(e->stage == FUNDED, FVM_USR_ILLEGAL_STATE, "nothing to settle");
}

static uint32_t release(uint32_t params)
{
    escrow e;
    load_funded(&e, params);
    fvm_require(fvm_call.caller == e.buyer || fvm_call.caller == e.arbiter, FVM_USR_FORBIDDEN,
                "neither buyer nor arbiter");
    settle(&e, e.seller, "release");
    return 0;
}

static uint32_t refund(uint32_t params)
{
    escrow e;
    load_funded(&e, params);
    bool late = fvm_epoch() > e.deadline && fvm_call.caller == e.buyer;
    fvm_require(late || fvm_call.caller == e.seller || fvm_call.caller == e.arbiter,
                FVM_USR_FORBIDDEN, "neither seller nor arbiter");
    settle(&e, e.buyer, "refund");
    return 0;
}

static uint32_t show(uint32_t params)
{
    escrow e;
    fvm_params_none(params);
    FVM_STATE_LOAD(escrow, &e);
    return FVM_RETURN(escrow, &e);
}

/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_EXPORT(Deposit, deposit)
    FVM_EXPORT(Release, release)
    FVM_EXPORT(Refund, refund)
    FVM_EXPORT(Show, show)
)
