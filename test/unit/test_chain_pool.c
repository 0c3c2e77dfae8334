/* The pool: what it takes, in which order it is sealed; and development methods: edits, time, snapshots. */
#include "chain_fixture.h"

#include <pthread.h>

static fvm_refusal refusal_of(const fixture *f, const tx *t)
{
    return tx_submit(f, t).refusal;
}

static uint64_t number_of(const fixture *f, const uint8_t hash[32])
{
    fvm_chain_message m;
    fvm_chain_message_init(&m, NULL);
    fvm_err err = fvm_chain_message_by_eth_hash(f->chain, &m, hash);
    uint64_t number = err == FVM_OK ? m.number : 0;
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
    fvm_chain_message_deinit(&m);
    return number;
}

TEST(what_cannot_be_included_is_refused_with_a_reason)
{
    fixture f;
    fixture_open(&f, FVM_SEALING_INSTANT);
    const fvm_eth_address *to = &f.keys[1].eth;
    CHECK(refusal_of(&f, &(tx){ .to = to, .gas = 1 }) == FVM_REFUSAL_GAS_LOW);
    CHECK(refusal_of(&f, &(tx){ .to = to, .gas = FVM_CHAIN_BLOCK_GAS + 1 }) ==
          FVM_REFUSAL_GAS_HIGH);
    CHECK(refusal_of(&f, &(tx){ .to = to, .fee_cap = 99, .premium = 1 }) == FVM_REFUSAL_FEE_CAP);
    CHECK(refusal_of(&f, &(tx){ .to = to, .value = UINT64_C(11000000000000000000) }) ==
          FVM_REFUSAL_FUNDS);
    CHECK(refusal_of(&f, &(tx){ .to = to, .nonce = 20000 }) == FVM_REFUSAL_NONCE_GAP);
    tx_send(&f, &(tx){ .to = to });
    CHECK(refusal_of(&f, &(tx){ .to = to, .value = 3 }) == FVM_REFUSAL_NONCE_LOW);
    /* a nonce that is used up is named before money that is not there any more */
    CHECK(refusal_of(&f, &(tx){ .to = to, .value = UINT64_C(11000000000000000000) }) ==
          FVM_REFUSAL_NONCE_LOW);
    CHECK(fvm_chain_head_number(f.chain) == 1);
    fixture_close(&f);
}

TEST(the_pool_has_its_limits_of_a_sender_and_of_all)
{
    fixture f = { .chain = NULL };
    fvm_chain_options o;
    fvm_submission s;
    fixture_options(&f, &o);
    o.sealing = FVM_SEALING_MANUAL;
    o.pool_sender_max = 3;
    o.pool_max = 5;
    o.nonce_gap_max = 7;
    CHECK_OK(fvm_chain_open(&f.chain, &o, NULL, NULL));
    const fvm_eth_address *to = &f.keys[3].eth;
    for (uint64_t i = 0; i < 3; i++)
        CHECK(refusal_of(&f, &(tx){ .nonce = i, .to = to }) == FVM_REFUSAL_NONE);
    s = tx_submit(&f, &(tx){ .nonce = 3, .to = to });
    CHECK(s.refusal == FVM_REFUSAL_FULL && strstr(s.why, "3 messages of this sender"));
    s = tx_submit(&f, &(tx){ .from = 1, .nonce = 8, .to = to });
    CHECK(s.refusal == FVM_REFUSAL_NONCE_GAP && strstr(s.why, "next nonce 0, tx nonce 8"));
    CHECK(refusal_of(&f, &(tx){ .from = 1, .nonce = 7, .to = to }) == FVM_REFUSAL_NONE);
    CHECK(refusal_of(&f, &(tx){ .from = 2, .to = to }) == FVM_REFUSAL_NONE);
    s = tx_submit(&f, &(tx){ .from = 2, .nonce = 1, .to = to });
    CHECK(s.refusal == FVM_REFUSAL_FULL && strstr(s.why, "5 messages wait"));
    /* one in the place of another is not one more */
    CHECK(refusal_of(&f, &(tx){ .nonce = 2, .to = to, .premium = 125000 }) == FVM_REFUSAL_NONE);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(refusal_of(&f, &(tx){ .nonce = 3, .to = to }) == FVM_REFUSAL_NONE);
    fixture_close(&f);
}

TEST(a_wrong_signature_is_refused)
{
    fixture f;
    fvm_buf raw, params;
    fvm_signed_message m;
    fvm_submission s;
    const char *why;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_buf_init(&raw, NULL);
    fvm_buf_init(&params, NULL);
    tx_raw(&f, &raw, &(tx){ .to = &f.keys[1].eth });
    CHECK_OK(fvm_eth_raw_to_message(&m, &params, (fvm_bytes){ raw.ptr, raw.len },
                                    FVM_CHAIN_ID_DEFAULT, &why));
    m.message.value = fvm_big_u64(1);
    CHECK_OK(fvm_chain_submit(f.chain, &s, &m, 0));
    CHECK(s.refusal == FVM_REFUSAL_SIGNATURE);
    m.message.value = fvm_big_zero();
    m.message.from = f.keys[2].address;
    CHECK_OK(fvm_chain_submit(f.chain, &s, &m, 0));
    CHECK(s.refusal == FVM_REFUSAL_SIGNATURE);
    m.message.from = f.keys[0].address;
    CHECK_OK(fvm_chain_submit(f.chain, &s, &m, 0));
    CHECK(s.refusal == FVM_REFUSAL_NONE);
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&raw);
    fixture_close(&f);
}

TEST(native_keys_send_and_are_found_by_the_digest_of_their_cid)
{
    static const fvm_signature_type types[] = { FVM_SIGNATURE_SECP256K1, FVM_SIGNATURE_BLS };
    for (size_t i = 0; i < FVM_COUNT(types); i++) {
        fixture f;
        fvm_chain_options o;
        fvm_key key;
        fvm_signed_message m = { .signature = { .type = 0 } };
        fvm_submission s;
        fvm_chain_message found;
        const char *why = NULL;
        uint8_t secret[32] = { [31] = 77 };
        f = (fixture){ .chain = NULL };
        fixture_options(&f, &o);
        CHECK_OK(fvm_key_make(&key, types[i], secret));
        f.accounts[3].address = key.address;
        CHECK_OK(fvm_chain_open(&f.chain, &o, NULL, NULL));
        m.message = (fvm_message){ .to = f.keys[0].address,
                                   .from = key.address,
                                   .value = fvm_big_u64(3),
                                   .gas_limit = 10000000,
                                   .gas_fee_cap = fvm_big_u64(200000),
                                   .gas_premium = fvm_big_u64(100000) };
        CHECK_OK(fvm_signed_message_sign(&m, &key, FVM_CHAIN_ID_DEFAULT, NULL, &why));
        CHECK_OK(fvm_chain_submit(f.chain, &s, &m, 0));
        CHECK_AT(s.why, s.refusal == FVM_REFUSAL_NONE);
        CHECK_OK(fvm_chain_wait(f.chain, s.ticket, 60000));
        fvm_chain_message_init(&found, NULL);
        CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &found, s.cid.digest));
        CHECK(found.number == 1 && found.exit_code == 0);
        CHECK(found.signature.type == types[i] && fvm_cid_eq(&found.cid, &s.cid));
        fvm_chain_message_deinit(&found);
        fixture_close(&f);
    }
}

TEST(a_gap_waits_and_is_sealed_when_it_is_filled)
{
    fixture f;
    size_t ready, waiting;
    uint64_t nonce;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_submission late = tx_send(&f, &(tx){ .nonce = 1, .to = &f.keys[1].eth });
    CHECK(number_of(&f, late.eth_hash) == FVM_CHAIN_PENDING);
    fvm_chain_pool_stats(f.chain, &ready, &waiting);
    CHECK(ready == 0 && waiting == 1);
    CHECK_OK(fvm_chain_next_nonce(f.chain, &nonce, &f.keys[0].address));
    CHECK(nonce == 0);
    tx_send(&f, &(tx){ .nonce = 0, .to = &f.keys[1].eth });
    CHECK(number_of(&f, late.eth_hash) == 1);
    CHECK_OK(fvm_chain_next_nonce(f.chain, &nonce, &f.keys[0].address));
    CHECK(nonce == 2);
    fixture_close(&f);
}

TEST(a_replacement_pays_a_quarter_more)
{
    fixture f;
    fixture_open(&f, FVM_SEALING_MANUAL);
    const fvm_eth_address *to = &f.keys[1].eth;
    fvm_submission first = tx_submit(&f, &(tx){ .to = to, .premium = 1000 });
    CHECK(refusal_of(&f, &(tx){ .to = to, .premium = 1000 }) == FVM_REFUSAL_KNOWN);
    CHECK(refusal_of(&f, &(tx){ .to = to, .premium = 1249 }) == FVM_REFUSAL_UNDERPRICED);
    fvm_submission second = tx_submit(&f, &(tx){ .to = to, .premium = 1250 });
    CHECK(second.refusal == FVM_REFUSAL_NONE && fvm_cid_eq(&second.replaced, &first.cid));
    CHECK(number_of(&f, first.eth_hash) == 0);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(number_of(&f, second.eth_hash) == 1);
    CHECK(fvm_chain_drop(f.chain, second.eth_hash) == false);
    fixture_close(&f);
}

TEST(who_pays_more_comes_first_and_nonces_stay_in_order)
{
    fixture f;
    fvm_chain_message m;
    fixture_open(&f, FVM_SEALING_MANUAL);
    const fvm_eth_address *to = &f.keys[3].eth;
    fvm_submission s[] = {
        tx_submit(&f, &(tx){ .from = 0, .nonce = 0, .to = to, .premium = 10 }),
        tx_submit(&f, &(tx){ .from = 0, .nonce = 1, .to = to, .premium = 5000 }),
        tx_submit(&f, &(tx){ .from = 1, .nonce = 0, .to = to, .premium = 100 }),
        tx_submit(&f, &(tx){ .from = 2, .nonce = 0, .to = to, .premium = 1000 }),
    };
    static const uint32_t want[] = { 2, 3, 1, 0 };
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    fvm_chain_message_init(&m, NULL);
    for (size_t i = 0; i < FVM_COUNT(s); i++) {
        CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, s[i].eth_hash));
        CHECK(m.number == 1 && m.index == want[i]);
    }
    fvm_chain_message_deinit(&m);
    fixture_close(&f);
}

/* --- development --- */

TEST(a_snapshot_brings_back_state_and_indexes_once)
{
    fixture f;
    uint64_t id, later, nonce;
    fvm_tipset before, after;
    fixture_open(&f, FVM_SEALING_INSTANT);
    const fvm_eth_address *to = &f.keys[1].eth;
    fvm_edit edit = { .kind = FVM_EDIT_BALANCE,
                      .address = f.keys[2].address,
                      .balance = fvm_big_u64(1) };
    tx_send(&f, &(tx){ .to = to });
    CHECK_OK(fvm_chain_edit(f.chain, &edit, 1));
    fvm_chain_head(f.chain, &before);
    CHECK_OK(fvm_chain_snapshot(f.chain, &id));
    edit.balance = fvm_big_u64(2);
    CHECK_OK(fvm_chain_edit(f.chain, &edit, 1));
    fvm_submission gone = tx_send(&f, &(tx){ .nonce = 1, .to = to });
    CHECK_OK(fvm_chain_snapshot(f.chain, &later));
    tx_send(&f, &(tx){ .nonce = 2, .to = to });
    CHECK_OK(fvm_chain_revert(f.chain, id));
    fvm_chain_head(f.chain, &after);
    CHECK(after.number == 1 && fvm_cid_eq(&after.state, &before.state));
    CHECK(number_of(&f, gone.eth_hash) == 0);
    CHECK_OK(fvm_chain_next_nonce(f.chain, &nonce, &f.keys[0].address));
    CHECK(nonce == 1);
    CHECK_ERR(fvm_chain_revert(f.chain, id), FVM_ERR_NOT_FOUND);
    CHECK_ERR(fvm_chain_revert(f.chain, later), FVM_ERR_NOT_FOUND);
    fvm_submission again = tx_send(&f, &(tx){ .nonce = 1, .to = to });
    CHECK(number_of(&f, again.eth_hash) == 2);
    fvm_chain_verdict verdict;
    CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
    CHECK(verdict.edits == 1);
    fixture_close(&f);
}

TEST(a_snapshot_brings_back_what_waited_and_the_clock)
{
    fixture f;
    uint64_t id, nonce;
    size_t ready, waiting;
    fixture_open(&f, FVM_SEALING_MANUAL);
    const fvm_eth_address *to = &f.keys[3].eth;
    fvm_submission first = tx_submit(&f, &(tx){ .to = to, .premium = 1000 });
    fvm_submission far = tx_submit(&f, &(tx){ .from = 1, .nonce = 4, .to = to });
    CHECK_OK(fvm_chain_snapshot(f.chain, &id));
    fvm_submission second = tx_submit(&f, &(tx){ .to = to, .premium = 2000 });
    fvm_submission later = tx_submit(&f, &(tx){ .from = 2, .to = to });
    uint64_t now = fvm_chain_now(f.chain);
    CHECK(fvm_chain_increase_time(f.chain, 5000) == 5000);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(number_of(&f, second.eth_hash) == 1 && number_of(&f, later.eth_hash) == 1);
    CHECK(fvm_chain_now(f.chain) == now + 5000);
    CHECK_OK(fvm_chain_revert(f.chain, id));
    CHECK(fvm_chain_now(f.chain) == now); /* the clock, too */
    CHECK(number_of(&f, first.eth_hash) == FVM_CHAIN_PENDING);
    CHECK(number_of(&f, far.eth_hash) == FVM_CHAIN_PENDING);
    CHECK(number_of(&f, second.eth_hash) == 0 && number_of(&f, later.eth_hash) == 0);
    fvm_chain_pool_stats(f.chain, &ready, &waiting);
    CHECK(ready == 1 && waiting == 1);
    CHECK_OK(fvm_chain_next_nonce(f.chain, &nonce, &f.keys[0].address));
    CHECK(nonce == 1);
    CHECK_OK(fvm_chain_snapshot(f.chain, &id)); /* never gone back to */
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(number_of(&f, first.eth_hash) == 1);
    fixture_close(&f);
}

static void check_verdict(const fixture *f)
{
    fvm_chain_verdict verdict;
    CHECK_OK(fvm_chain_verify(f->chain, &verdict, NULL, NULL, NULL, NULL));
}

static uint64_t number_at_nonce(const fixture *f, uint64_t nonce)
{
    fvm_chain_message m;
    fvm_chain_message_init(&m, NULL);
    CHECK_OK(fvm_chain_message_by_nonce(f->chain, &m, &f->keys[0].address, nonce));
    uint64_t number = m.number;
    fvm_chain_message_deinit(&m);
    return number;
}

TEST(a_message_that_comes_again_is_found_at_its_last_place_and_then_at_the_one_before)
{
    fixture f;
    uint64_t id;
    fixture_open(&f, FVM_SEALING_INSTANT);
    const fvm_eth_address *to = &f.keys[3].eth;
    const fvm_edit back = { .kind = FVM_EDIT_NONCE, .address = f.keys[0].address, .nonce = 0 };
    fvm_submission s = tx_send(&f, &(tx){ .to = to });
    CHECK(number_of(&f, s.eth_hash) == 1);
    CHECK_OK(fvm_chain_snapshot(f.chain, &id));
    for (uint64_t n = 2; n < 5; n++) {
        CHECK_OK(fvm_chain_edit(f.chain, &back, 1));
        tx_send(&f, &(tx){ .to = to });
        CHECK(number_of(&f, s.eth_hash) == n && number_at_nonce(&f, 0) == n);
        check_verdict(&f);
    }
    CHECK_OK(fvm_chain_rewind(f.chain, 3));
    CHECK(number_of(&f, s.eth_hash) == 3 && number_at_nonce(&f, 0) == 3);
    check_verdict(&f);
    CHECK_OK(fvm_chain_revert(f.chain, id));
    CHECK(number_of(&f, s.eth_hash) == 1 && number_at_nonce(&f, 0) == 1);
    check_verdict(&f);
    /* another one with that nonce */
    CHECK_OK(fvm_chain_edit(f.chain, &back, 1));
    fvm_submission other = tx_send(&f, &(tx){ .to = to, .value = 1 });
    CHECK(number_of(&f, s.eth_hash) == 1 && number_of(&f, other.eth_hash) == 2);
    CHECK(number_at_nonce(&f, 0) == 2);
    CHECK_OK(fvm_chain_rewind(f.chain, 1));
    CHECK(number_at_nonce(&f, 0) == 1 && number_of(&f, other.eth_hash) == 0);
    check_verdict(&f);
    fixture_close(&f);
}

TEST(time_moves_by_the_clock_by_hand_and_never_back)
{
    fixture f;
    fvm_tipset t;
    fixture_open(&f, FVM_SEALING_MANUAL);
    CHECK(fvm_chain_increase_time(f.chain, 100) == 100);
    CHECK(fvm_chain_increase_time(f.chain, 5) == 105);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    fvm_chain_head(f.chain, &t);
    CHECK(t.timestamp == 1700000105);
    CHECK_ERR(fvm_chain_set_next_timestamp(f.chain, 5), FVM_ERR_INVALID);
    CHECK_OK(fvm_chain_set_next_timestamp(f.chain, 1700000500));
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    f.clock_ms += 2000;
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0)); /* goes on from there */
    fvm_chain_head(f.chain, &t);
    CHECK(t.timestamp == 1700000502);
    CHECK_OK(fvm_chain_mine(f.chain, 3, 60, 0));
    fvm_chain_head(f.chain, &t);
    CHECK(t.timestamp == 1700000622 && t.number == 6);
    f.clock_ms -= 900000;
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    fvm_chain_head(f.chain, &t);
    CHECK(t.timestamp == 1700000622);
    fixture_close(&f);
}

TEST(null_rounds_are_no_tipsets_but_have_neighbours)
{
    fixture f;
    fvm_tipset t;
    fixture_open(&f, FVM_SEALING_MANUAL);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    fvm_chain_skip_rounds(f.chain, 4);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(fvm_chain_head_number(f.chain) == 6);
    CHECK_ERR(fvm_chain_tipset(f.chain, &t, 3), FVM_ERR_INVALID);
    CHECK_ERR(fvm_chain_tipset(f.chain, &t, 7), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_chain_tipset_near(f.chain, &t, 3, false));
    CHECK(t.number == 1);
    CHECK_OK(fvm_chain_tipset_near(f.chain, &t, 3, true));
    CHECK(t.number == 6 && t.parent_number == 1);
    CHECK_OK(fvm_chain_tipset_by_hash(f.chain, &t, t.parent_hash));
    CHECK(t.number == 1);
    fixture_close(&f);
}

static void count_cron(void *ctx, const fvm_trace_event *e)
{
    const fvm_address cron = fvm_address_id(3);
    if (e->kind == FVM_TRACE_CALL && e->to && fvm_address_eq(e->to, &cron)) ++*(unsigned *)ctx;
}

TEST(cron_runs_once_in_each_round_with_or_without_a_tipset)
{
    fixture f;
    unsigned runs = 0;
    const fvm_trace_sink sink = { count_cron, &runs };
    fvm_chain_verdict verdict;
    fixture_open(&f, FVM_SEALING_MANUAL);
    fvm_chain_watch(f.chain, &sink);
    tx_submit(&f, &(tx){ .to = &f.keys[1].eth });
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(runs == 1);
    fvm_chain_skip_rounds(f.chain, 4);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(runs == 6 && fvm_chain_head_number(f.chain) == 6);
    fvm_chain_watch(f.chain, NULL);
    CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
    fixture_close(&f);
}

TEST(code_and_storage_can_be_put_anywhere_and_contracts_impersonated)
{
    fixture f;
    uint8_t data[68], slot[32] = { 5 }, value[32] = { [31] = 9 }, got[32];
    fvm_submission s;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address at = { { 0xab, 1 } };
    fvm_address address = fvm_eth_address_to_fil(&at);
    fvm_edit edits[] = {
        { .kind = FVM_EDIT_CODE,
          .address = address,
          .code = { token_init + TOKEN_CODE_AT, sizeof token_init - TOKEN_CODE_AT } },
        { .kind = FVM_EDIT_STORAGE, .address = address },
        { .kind = FVM_EDIT_BALANCE, .address = address, .balance = fvm_big_u64(1000) },
    };
    memcpy(edits[1].slot, slot, 32);
    memcpy(edits[1].value, value, 32);
    CHECK_OK(fvm_chain_edit(f.chain, edits, 3));
    fvm_chain_view *view;
    CHECK_OK(fvm_chain_view_open(f.chain, &view, &(fvm_view_options){ .number = FVM_VIEW_HEAD }));
    CHECK_OK(fvm_view_evm_storage(view, got, &address, slot));
    CHECK(memcmp(got, value, 32) == 0);
    fvm_chain_view_close(view);
    s = tx_send(&f, &(tx){ .to = &at, .input = token_transfer(data, &f.keys[1].eth, 1) });
    fvm_chain_message m;
    fvm_chain_message_init(&m, NULL);
    CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, s.eth_hash));
    CHECK(m.exit_code == 0 && m.log_count == 1);
    /* the contract itself sends money, unsigned */
    fvm_signed_message own = { .message = { .from = address,
                                            .to = f.keys[1].address,
                                            .value = fvm_big_u64(400),
                                            .gas_limit = 10000000,
                                            .gas_fee_cap = fvm_big_u64(1000) } };
    CHECK_OK(fvm_chain_submit(f.chain, &s, &own, 0));
    CHECK(s.refusal == FVM_REFUSAL_SIGNATURE);
    fvm_chain_impersonate(f.chain, &address, true);
    for (uint64_t i = 0; i < 2; i++) {
        own.message.nonce = i;
        CHECK_OK(fvm_chain_submit(f.chain, &s, &own, 0));
        CHECK_AT(s.why, s.refusal == FVM_REFUSAL_NONE);
        CHECK_OK(fvm_chain_wait(f.chain, s.ticket, 60000));
        CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &m, s.eth_hash));
        CHECK(m.number != FVM_CHAIN_PENDING && m.exit_code == 0);
    }
    fvm_chain_message_deinit(&m);
    fvm_chain_verdict verdict;
    CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
    fixture_close(&f);
}

TEST(the_base_fee_follows_the_rule_up_to_network_version_27)
{
    static const struct {
        uint64_t base, gas_limit, want;
    } rows[] = {
        { 100, 0, 100 },
        { 1000, 0, 875 },
        { 1001, 0, 875 },
        { 1000, 5000000000, 1000 },
        { 1000, 10000000000, 1125 },
        { 1000, 20000000000, 1125 },
        { 100, 7500000000, 106 },
        { 100000, 2500000000, 93750 },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_big base = fvm_big_u64(rows[i].base), next, want = fvm_big_u64(rows[i].want);
        fvm_base_fee_by_gas(&next, &base, rows[i].gas_limit, FVM_CHAIN_BLOCK_GAS);
        CHECK(fvm_big_cmp(&next, &want) == 0);
    }
}

/* Lotus' own table. */
TEST(the_base_fee_follows_the_rule_from_network_version_28_on)
{
    static const uint64_t rows[][3] = {
        { 100, 0, 100 },   { 100, 13, 100 },  { 100, 14, 101 },         { 100, 26, 113 },
        { 100, 27, 113 },  { 801, 0, 700 },   { 801, 20, 720 },         { 801, 100, 800 },
        { 801, 120, 820 }, { 801, 200, 900 }, { 801, 201, 901 },        { 808, 0, 707 },
        { 808, 1, 708 },   { 808, 201, 908 }, { 808, 202, 909 },        { 808, 203, 909 },
        { 0, 0, 100 },     { 0, 5, 100 },     { 808, UINT64_MAX, 909 },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_big base = fvm_big_u64(rows[i][0]), premium = fvm_big_u64(rows[i][1]), next;
        fvm_base_fee_by_premium(&next, &base, &premium);
        CHECK(fvm_big_cmp(&next, &(fvm_big[]){ fvm_big_u64(rows[i][2]) }[0]) == 0);
    }
}

/* The next base fee after a block of messages with these gas limits, each with its premium. */
static uint64_t base_fee_after(uint32_t version, const uint64_t (*messages)[2], size_t count)
{
    fixture f = { .chain = NULL };
    fvm_chain_options o;
    fvm_big next, now = fvm_big_u64(801);
    uint64_t hi, lo;
    fixture_options(&f, &o);
    o.sealing = FVM_SEALING_MANUAL;
    o.network_version = version;
    CHECK_OK(fvm_chain_open(&f.chain, &o, NULL, NULL));
    for (size_t i = 0; i < count; i++) {
        fvm_submission s = tx_submit(&f, &(tx){ .from = i,
                                                .to = &f.keys[3].eth,
                                                .gas = messages[i][0],
                                                .premium = messages[i][1] });
        CHECK_AT(s.why, s.refusal == FVM_REFUSAL_NONE);
    }
    fvm_chain_set_next_base_fee(f.chain, &now);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    fvm_chain_next_base_fee(f.chain, &next);
    CHECK(fvm_big_to_u128(&hi, &lo, &next) && hi == 0);
    fixture_close(&f);
    return lo;
}

TEST(only_a_block_that_is_four_fifths_full_raises_the_base_fee)
{
    static const uint64_t short_of_it[][2] = { { 5999999999, 123 }, { 2000000000, 120 } };
    static const uint64_t enough[][2] = { { 5999999999, 123 }, { 2000000001, 120 } };
    static const uint64_t first_counts[][2] = { { 8000000000, 140 }, { 1999999999, 1 } };
    CHECK(base_fee_after(28, short_of_it, 2) == 700); /* down by an eighth */
    CHECK(base_fee_after(28, enough, 2) == 820);
    CHECK(base_fee_after(28, first_counts, 2) == 840);
    CHECK(base_fee_after(28, NULL, 0) == 700);
    CHECK(base_fee_after(27, enough, 2) == 801 + 60); /* by how full it is */
}

/* --- several threads --- */

typedef struct submitter {
    const fixture *f;
    size_t from;
} submitter;

#define EACH 25

static void *submit_all(void *arg)
{
    submitter *s = arg;
    for (uint64_t i = 0; i < EACH; i++)
        tx_send(s->f, &(tx){ .from = s->from, .nonce = i, .to = &s->f->keys[0].eth, .value = 1 });
    return NULL;
}

static void *read_all(void *arg)
{
    const fixture *f = ((submitter *)arg)->f;
    fvm_tipset t;
    for (unsigned i = 0; i < EACH; i++) {
        fvm_chain_view *view;
        uint64_t nonce;
        CHECK_OK(
            fvm_chain_view_open(f->chain, &view, &(fvm_view_options){ .number = FVM_VIEW_HEAD }));
        CHECK_OK(fvm_view_nonce(view, &nonce, &f->keys[0].address));
        fvm_chain_view_close(view);
        fvm_chain_head(f->chain, &t);
        CHECK_OK(fvm_chain_tipset_by_hash(f->chain, &t, t.hash));
    }
    return NULL;
}

TEST(threads_share_tipsets_and_readers_go_on)
{
    fixture f;
    fvm_chain_stats stats;
    pthread_t threads[ACCOUNTS];
    submitter s[ACCOUNTS];
    fixture_open(&f, FVM_SEALING_INSTANT);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        s[i] = (submitter){ &f, i };
        CHECK(pthread_create(&threads[i], NULL, i ? submit_all : read_all, &s[i]) == 0);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) pthread_join(threads[i], NULL);
    fvm_chain_stats_get(f.chain, &stats);
    CHECK(stats.messages == (ACCOUNTS - 1) * EACH && stats.pool == 0);
    fvm_chain_verdict verdict;
    CHECK_OK(fvm_chain_verify(f.chain, &verdict, NULL, NULL, NULL, NULL));
    fixture_close(&f);
}

typedef struct heard {
    size_t tipsets, pending, gone, done;
} heard;

static void hear_tipset(void *ctx, const fvm_tipset *t)
{
    CHECK(t->number > 0);
    ((heard *)ctx)->tipsets++;
}

static void hear_pending(void *ctx, const fvm_chain_message *m)
{
    (void)m;
    ((heard *)ctx)->pending++;
}

static void hear_reverted(void *ctx, const fvm_tipset *gone, const fvm_tipset *head)
{
    heard *h = ctx;
    CHECK(head->number == 1 && (!gone || gone->number > 1));
    if (gone)
        h->gone++;
    else
        h->done++;
}

TEST(listeners_hear_of_tipsets_messages_and_reverts)
{
    fixture f;
    heard h = { 0 };
    uint64_t id;
    fixture_open(&f, FVM_SEALING_MANUAL);
    CHECK_OK(fvm_chain_listen(
        f.chain, &id, &(fvm_chain_listener){ &h, hear_tipset, hear_pending, hear_reverted, NULL }));
    tx_submit(&f, &(tx){ .to = &f.keys[1].eth });
    CHECK_OK(fvm_chain_mine(f.chain, 3, 0, 0));
    CHECK(h.tipsets == 3 && h.pending == 1);
    CHECK_OK(fvm_chain_rewind(f.chain, 1));
    CHECK(h.gone == 2 && h.done == 1);
    fvm_chain_unlisten(f.chain, id);
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    CHECK(h.tipsets == 3);
    fixture_close(&f);
}

TEST(on_an_interval_tipsets_come_by_themselves)
{
    fixture f;
    fixture_open(&f, FVM_SEALING_MANUAL);
    fvm_submission s = tx_submit(&f, &(tx){ .to = &f.keys[1].eth });
    fvm_chain_set_sealing(f.chain, FVM_SEALING_INTERVAL, 20);
    while (number_of(&f, s.eth_hash) == FVM_CHAIN_PENDING || fvm_chain_head_number(f.chain) < 3)
        continue;
    CHECK(number_of(&f, s.eth_hash) == 1);
    fvm_chain_set_sealing(f.chain, FVM_SEALING_INSTANT, 0);
    tx_send(&f, &(tx){ .nonce = 1, .to = &f.keys[1].eth });
    fixture_close(&f);
}
