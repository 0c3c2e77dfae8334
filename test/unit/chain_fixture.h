/* chain_fixture.h - a chain in memory with two funded Ethereum accounts, and raw transactions for it. */
#ifndef FVM_TEST_CHAIN_FIXTURE_H
#define FVM_TEST_CHAIN_FIXTURE_H

#include "chain/chain.h"
#include "chain/key.h"
#include "chain_token.h"
#include "test.h"

#define ACCOUNTS 4

typedef struct fixture {
    fvm_chain *chain;
    fvm_key keys[ACCOUNTS];
    fvm_genesis_account accounts[ACCOUNTS];
    uint64_t clock_ms;
} fixture;

static inline uint64_t fixture_clock(void *ctx)
{
    return ((fixture *)ctx)->clock_ms;
}

static inline void fixture_options(fixture *f, fvm_chain_options *o)
{
    *o = (fvm_chain_options){ .clock_ms = fixture_clock, .clock_ctx = f };
    f->clock_ms = UINT64_C(1700000000000);
    for (uint8_t i = 0; i < ACCOUNTS; i++) {
        uint8_t secret[32] = { 1, [31] = (uint8_t)(i + 1) };
        CHECK_OK(fvm_key_make(&f->keys[i], FVM_SIGNATURE_DELEGATED, secret));
        f->accounts[i].address = f->keys[i].address;
        f->accounts[i].balance = fvm_big_u64(UINT64_C(10000000000000000000)); /* 10 FIL */
    }
    o->accounts = f->accounts;
    o->account_count = ACCOUNTS;
}

static inline void fixture_open(fixture *f, fvm_sealing sealing)
{
    fvm_chain_options o;
    fvm_store_why why = { { 0 } };
    *f = (fixture){ .chain = NULL };
    fixture_options(f, &o);
    o.sealing = sealing;
    fvm_err err = fvm_chain_open(&f->chain, &o, NULL, &why);
    if (err != FVM_OK) printf("%s\n", why.text);
    CHECK_OK(err);
}

static inline void fixture_close(fixture *f)
{
    fvm_chain_close(f->chain);
}

/** A transaction of account `from`; `to` NULL creates a contract. */
typedef struct tx {
    size_t from;
    uint64_t nonce;
    const fvm_eth_address *to;
    uint64_t value;
    fvm_bytes input;
    uint64_t gas, fee_cap, premium; /* 0: what suffices */
} tx;

static inline void tx_raw(const fixture *f, fvm_buf *raw, const tx *t)
{
    fvm_eth_tx e = {
        .kind = FVM_ETH_EIP1559,
        .chain_id = FVM_CHAIN_ID_DEFAULT,
        .nonce = t->nonce,
        .max_fee = fvm_big_u64(t->fee_cap ? t->fee_cap : 1000000),
        .max_priority_fee = fvm_big_u64(t->premium ? t->premium : 100000),
        .gas_limit = t->gas ? t->gas : 100000000,
        .creates = t->to == NULL,
        .value = fvm_big_u64(t->value),
        .input = t->input,
    };
    if (t->to) e.to = *t->to;
    CHECK_OK(fvm_eth_tx_sign(&e, f->keys[t->from].secret, NULL));
    CHECK_OK(fvm_eth_tx_write(raw, &e));
}

static inline fvm_submission tx_submit(const fixture *f, const tx *t)
{
    fvm_buf raw, params;
    fvm_signed_message message;
    fvm_submission out;
    const char *why = NULL;
    fvm_buf_init(&raw, NULL);
    fvm_buf_init(&params, NULL);
    tx_raw(f, &raw, t);
    CHECK_OK(
        fvm_eth_raw_to_message(&message, &params, fvm_buf_bytes(&raw), FVM_CHAIN_ID_DEFAULT, &why));
    CHECK_OK(fvm_chain_submit(f->chain, &out, &message, FVM_SUBMIT_CHECKED));
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&raw);
    return out;
}

/** Submits, and waits until it is sealed; refusals are failures. */
static inline fvm_submission tx_send(const fixture *f, const tx *t)
{
    fvm_submission s = tx_submit(f, t);
    CHECK_AT(s.why, s.refusal == FVM_REFUSAL_NONE);
    CHECK_OK(fvm_chain_wait(f->chain, s.ticket, 60000));
    return s;
}
#endif
