/* Each allocation of the chain's operations fails once: nothing is half done, and the next try succeeds. */
#include "chain_fixture.h"

typedef struct world {
    fixture f;
    test_alloc alloc;
    uint64_t nonce;
    fvm_eth_address token;
    fvm_submission submission;
} world;

/* Arms the nth allocation from now; 0: none. */
static void arm(world *w, size_t n)
{
    w->alloc.fail_at = n ? w->alloc.calls + n : 0;
}

static fvm_err submit(world *w)
{
    fvm_buf raw, params;
    fvm_signed_message m;
    uint8_t data[68];
    const char *why;
    fvm_buf_init(&raw, NULL);
    fvm_buf_init(&params, NULL);
    tx_raw(&w->f, &raw,
           &(tx){ .nonce = w->nonce,
                  .to = &w->token,
                  .input = token_transfer(data, &w->f.keys[1].eth, w->nonce) });
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, (fvm_bytes){ raw.ptr, raw.len },
                                    FVM_CHAIN_ID_DEFAULT, &why));
    fvm_err err = fvm_chain_submit(w->f.chain, &w->submission, &m, 0);
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&raw);
    return err;
}

static fvm_err mine(world *w)
{
    return fvm_chain_mine(w->f.chain, 1, 0, 0);
}

static fvm_err edit(world *w)
{
    fvm_edit e = { .kind = FVM_EDIT_STORAGE, .address = fvm_eth_address_to_fil(&w->token) };
    fvm_store_be64(e.slot, w->nonce);
    e.value[0] = 1;
    return fvm_chain_edit(w->f.chain, &e, 1);
}

static fvm_err call(world *w)
{
    fvm_chain_view *view;
    fvm_receipt receipt;
    fvm_message m = { .to = fvm_eth_address_to_fil(&w->token),
                      .from = w->f.keys[0].address,
                      .method = FVM_ETH_METHOD_INVOKE };
    FVM_TRY(fvm_chain_view_open(w->f.chain, &view, &(fvm_view_options){ .number = FVM_VIEW_HEAD }));
    fvm_receipt_init(&receipt, &w->alloc.allocator);
    fvm_err err = fvm_view_call(view, &receipt, &m);
    if (err == FVM_OK) CHECK(receipt.exit_code == 33);
    fvm_receipt_deinit(&receipt);
    fvm_chain_view_close(view);
    return err;
}

static fvm_err look_up(world *w)
{
    fvm_chain_message m;
    fvm_chain_message_init(&m, &w->alloc.allocator);
    fvm_err err = fvm_chain_message_by_eth_hash(w->f.chain, &m, w->submission.eth_hash);
    fvm_chain_message_deinit(&m);
    return err;
}

/* Fails at the first allocation, the second, ... until it needs none more. */
static void insist(world *w, const char *what, fvm_err (*step)(world *w))
{
    for (size_t n = 1;; n++) {
        CHECK_AT(what, n < 5000);
        arm(w, n);
        fvm_err err = step(w);
        bool failed = w->alloc.calls >= w->alloc.fail_at;
        arm(w, 0);
        CHECK_AT(what, err == FVM_OK || (failed && err == FVM_ERR_NOMEM));
        if (err == FVM_OK) return;
    }
}

static fvm_err snapshot(world *w)
{
    uint64_t id;
    return fvm_chain_snapshot(w->f.chain, &id);
}

TEST(a_failed_allocation_leaves_the_chain_as_it_was)
{
    static world w;
    fvm_chain_options o;
    fvm_chain_verdict verdict;
    fvm_tipset t;
    uint64_t first;
    w = (world){ .nonce = 0 };
    test_failing_allocator(&w.alloc, 0);
    fixture_options(&w.f, &o);
    o.sealing = FVM_SEALING_MANUAL;
    CHECK_OK(fvm_chain_open(&w.f.chain, &o, &w.alloc.allocator, NULL));
    w.token = fvm_eth_address_created(&w.f.keys[0].eth, 0);
    tx_submit(&w.f, &(tx){ .input = { token_init, sizeof token_init } });
    CHECK_OK(mine(&w));
    CHECK_OK(fvm_chain_snapshot(w.f.chain, &first));
    for (w.nonce = 1; w.nonce < 4; w.nonce++) {
        insist(&w, "submit", submit);
        CHECK(w.submission.refusal == FVM_REFUSAL_NONE);
        insist(&w, "look up", look_up);
        insist(&w, "take a snapshot of what waits", snapshot);
        insist(&w, "mine", mine);
        insist(&w, "look up", look_up);
        insist(&w, "edit", edit);
        insist(&w, "call", call);
    }
    fvm_chain_head(w.f.chain, &t);
    CHECK(t.number == 4 && t.message_count == 1);
    CHECK_OK(fvm_chain_verify(w.f.chain, &verdict, NULL, NULL, NULL, NULL));
    CHECK(verdict.messages == 4 && verdict.edits == 3);
    CHECK_OK(fvm_chain_revert(w.f.chain, first));
    CHECK(fvm_chain_head_number(w.f.chain) == 1);
    fixture_close(&w.f);
    CHECK(w.alloc.blocks == 0);
}
