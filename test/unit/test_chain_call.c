/* Views: calls, estimates, state, logs, replays; and the whole chain executed again. */
#include "chain_fixture.h"
#include "crypto/crypto.h"

static fvm_eth_address deploy(const fixture *f, size_t from, uint64_t nonce)
{
    fvm_chain_message m;
    fvm_submission s = tx_send(
        f, &(tx){ .from = from, .nonce = nonce, .input = { token_init, sizeof token_init } });
    fvm_eth_address want = fvm_eth_address_created(&f->keys[from].eth, nonce);
    fvm_chain_message_init(&m, NULL);
    CHECK_OK(fvm_chain_message_by_eth_hash(f->chain, &m, s.eth_hash));
    CHECK(m.exit_code == 0 && m.has_contract);
    CHECK_BYTES(((fvm_bytes){ m.contract, 20 }), ((fvm_bytes){ want.bytes, 20 }));
    fvm_chain_message_deinit(&m);
    return want;
}

static fvm_chain_view *view_head(const fixture *f)
{
    fvm_chain_view *view;
    CHECK_OK(fvm_chain_view_open(f->chain, &view, &(fvm_view_options){ .number = FVM_VIEW_HEAD }));
    return view;
}

/* A call of the token's transfer; without input if `to` is NULL. */
static fvm_message token_call(fvm_buf *params, const fixture *f, const fvm_eth_address *token,
                              const fvm_eth_address *to, uint64_t amount)
{
    uint8_t data[68];
    if (to) CHECK_OK(fvm_eth_params_write(params, token_transfer(data, to, amount)));
    return (fvm_message){ .to = fvm_eth_address_to_fil(token),
                          .from = f->keys[0].address,
                          .method = FVM_ETH_METHOD_INVOKE,
                          .params = { params->ptr, params->len } };
}

TEST(a_call_returns_data_and_leaves_no_trace)
{
    fixture f;
    fvm_buf params;
    fvm_receipt r;
    fvm_cid before, after;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0);
    fvm_buf_init(&params, NULL);
    fvm_receipt_init(&r, NULL);
    fvm_message m = token_call(&params, &f, &token, &f.keys[1].eth, 7);
    for (unsigned i = 0; i < 3; i++) {
        fvm_chain_view *view = view_head(&f);
        CHECK_OK(fvm_view_call(view, &r, &m));
        CHECK(r.exit_code == 0 && r.return_data.len == 34 && r.return_data.ptr[33] == 1);
        CHECK(r.event_count == 1);
        fvm_chain_view_close(view);
    }
    fvm_chain_view *view = view_head(&f);
    CHECK_OK(fvm_view_root(view, &before));
    CHECK(fvm_cid_eq(&before, &fvm_view_tipset(view)->state));
    CHECK_OK(fvm_view_call(view, &r, &m));
    CHECK_OK(fvm_view_root(view, &after));
    CHECK(!fvm_cid_eq(&before, &after));
    fvm_chain_view_close(view);
    fvm_receipt_deinit(&r);
    fvm_buf_deinit(&params);
    fixture_close(&f);
}

TEST(from_its_deadline_on_a_view_runs_nothing)
{
    fixture f;
    fvm_buf params;
    fvm_receipt r;
    uint64_t gas;
    fvm_chain_view *view;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0);
    fvm_buf_init(&params, NULL);
    fvm_receipt_init(&r, NULL);
    fvm_message m = token_call(&params, &f, &token, &f.keys[1].eth, 7);
    const fvm_view_options late = { .number = FVM_VIEW_HEAD, .deadline_ns = 1 };
    CHECK_OK(fvm_chain_view_open(f.chain, &view, &late));
    CHECK_ERR(fvm_view_call(view, &r, &m), FVM_ERR_EXTERN);
    CHECK_ERR(fvm_view_estimate(view, &gas, &r, &m), FVM_ERR_EXTERN);
    fvm_chain_view_close(view);
    CHECK_ERR(fvm_chain_replay(f.chain, 1, UINT32_MAX, &(fvm_replay){ .deadline_ns = 1 }),
              FVM_ERR_EXTERN);
    view = view_head(&f); /* the same machine, for somebody else */
    CHECK_OK(fvm_view_call(view, &r, &m));
    CHECK(r.exit_code == 0);
    fvm_chain_view_close(view);
    CHECK_ERR(fvm_chain_set_block_gas(f.chain, FVM_CHAIN_BLOCK_GAS_MAX + 1), FVM_ERR_LIMIT);
    CHECK(fvm_chain_block_gas(f.chain) == FVM_CHAIN_BLOCK_GAS);
    fvm_receipt_deinit(&r);
    fvm_buf_deinit(&params);
    fixture_close(&f);
}

TEST(a_call_from_nobody_and_a_revert_give_their_data)
{
    fixture f;
    fvm_buf params;
    fvm_receipt r;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0), nobody = { { 9, 9, 9 } };
    fvm_buf_init(&params, NULL);
    fvm_receipt_init(&r, NULL);
    fvm_message m = token_call(&params, &f, &token, NULL, 0);
    m.from = fvm_eth_address_to_fil(&nobody);
    fvm_chain_view *view = view_head(&f);
    CHECK_OK(fvm_view_call(view, &r, &m));
    CHECK(r.exit_code == 33);
    CHECK_HEX(fvm_buf_bytes(&r.return_data), "44aabbccdd");
    fvm_chain_view_close(view);
    fvm_receipt_deinit(&r);
    fvm_buf_deinit(&params);
    fixture_close(&f);
}

TEST(an_estimate_is_what_the_message_then_takes)
{
    fixture f;
    fvm_buf params;
    fvm_receipt r;
    fvm_chain_message sealed;
    uint8_t data[68];
    uint64_t gas;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0);
    fvm_buf_init(&params, NULL);
    fvm_receipt_init(&r, NULL);
    fvm_message m = token_call(&params, &f, &token, &f.keys[1].eth, 7);
    m.gas_fee_cap = fvm_big_u64(1000000);
    m.gas_premium = fvm_big_u64(100000);
    fvm_chain_view *view = view_head(&f);
    CHECK_OK(fvm_view_estimate(view, &gas, &r, &m));
    CHECK(r.exit_code == 0 && gas > 0);
    fvm_chain_view_close(view);
    fvm_submission s = tx_send(&f, &(tx){ .nonce = 1,
                                          .to = &token,
                                          .gas = gas,
                                          .input = token_transfer(data, &f.keys[1].eth, 7) });
    fvm_chain_message_init(&sealed, NULL);
    CHECK_OK(fvm_chain_message_by_eth_hash(f.chain, &sealed, s.eth_hash));
    CHECK(sealed.exit_code == 0);
    CHECK(sealed.gas_used == gas);
    fvm_chain_message_deinit(&sealed);
    fvm_receipt_deinit(&r);
    fvm_buf_deinit(&params);
    fixture_close(&f);
}

TEST(code_storage_nonce_and_addresses_are_read)
{
    fixture f;
    fvm_buf code;
    uint8_t slot[32] = { 0 }, value[32], eth[20];
    uint64_t nonce, id;
    bool known;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0), nobody = { { 1, 2, 3 } };
    fvm_address address = fvm_eth_address_to_fil(&token), key;
    fvm_address missing = fvm_eth_address_to_fil(&nobody);
    fvm_buf_init(&code, NULL);
    fvm_chain_view *view = view_head(&f);
    CHECK_OK(fvm_view_evm_code(view, &code, &address));
    CHECK_BYTES(fvm_buf_bytes(&code),
                ((fvm_bytes){ token_init + TOKEN_CODE_AT, sizeof token_init - TOKEN_CODE_AT }));
    CHECK_OK(fvm_view_evm_storage(view, value, &address, slot));
    CHECK(value[31] == 0);
    CHECK_OK(fvm_view_nonce(view, &nonce, &address));
    CHECK(nonce == 1);
    CHECK_OK(fvm_view_nonce(view, &nonce, &f.keys[0].address));
    CHECK(nonce == 1);
    CHECK_OK(fvm_view_nonce(view, &nonce, &missing));
    CHECK(nonce == 0);
    code.len = 0;
    CHECK_OK(fvm_view_evm_code(view, &code, &f.keys[0].address));
    CHECK(code.len == 0);
    CHECK_OK(fvm_view_lookup(view, &id, &address));
    address = fvm_address_id(id);
    CHECK_OK(fvm_view_eth_address(view, eth, &known, &address));
    CHECK(known && memcmp(eth, token.bytes, 20) == 0);
    CHECK_OK(fvm_view_robust(view, &key, id));
    CHECK(fvm_address_protocol(&key) == FVM_PROTOCOL_DELEGATED);
    CHECK_OK(fvm_view_account_key(view, &key, &f.keys[0].address));
    CHECK(fvm_address_eq(&key, &f.keys[0].address));
    fvm_chain_view_close(view);
    fvm_buf_deinit(&code);
    fixture_close(&f);
}

typedef struct seen {
    size_t count;
    uint64_t last_number;
    uint32_t last_index;
} seen;

static fvm_err see(void *ctx, const fvm_chain_event *e)
{
    seen *s = ctx;
    CHECK(e->is_log && e->topic_count == 3 && e->data.len == 32);
    CHECK(s->count == 0 || e->number > s->last_number ||
          (e->number == s->last_number && e->log_index > s->last_index));
    s->last_number = e->number;
    s->last_index = e->log_index;
    s->count++;
    return FVM_OK;
}

static size_t count_logs(const fixture *f, const fvm_event_filter *filter)
{
    seen s = { 0 };
    CHECK_OK(fvm_chain_events(f->chain, filter, see, &s));
    return s.count;
}

TEST(logs_are_found_by_range_address_and_topics)
{
    fixture f;
    uint8_t data[68], to1[1][32] = { { 0 } }, transfer[1][32];
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address a = deploy(&f, 0, 0), b = deploy(&f, 1, 0);
    for (uint64_t i = 0; i < 12; i++) {
        tx_send(&f, &(tx){ .nonce = 1 + i,
                           .to = i % 3 ? &a : &b,
                           .input = token_transfer(data, &f.keys[1 + i % 2].eth, i) });
    }
    memcpy(to1[0] + 12, f.keys[1].eth.bytes, 20);
    fvm_keccak256(transfer[0], FVM_STR("Transfer(address,address,uint256)"));
    uint8_t both[2][20];
    memcpy(both[0], a.bytes, 20);
    memcpy(both[1], b.bytes, 20);
    uint64_t head = fvm_chain_head_number(f.chain);
    CHECK(head == 14);
    for (uint64_t wide = 0; wide < 2; wide++) {
        uint64_t to = wide ? head : 7;
        size_t in_range = to - 2;
        fvm_event_filter all = { .from = 1, .to = to };
        CHECK(count_logs(&f, &all) == in_range);
        all.addresses = (const uint8_t(*)[20])both;
        all.address_count = 2;
        CHECK(count_logs(&f, &all) == in_range);
        all.address_count = 1;
        CHECK(count_logs(&f, &all) == (wide ? 8 : 3));
        all.topics[2].any = (const uint8_t(*)[32])to1;
        all.topics[2].count = 1;
        CHECK(count_logs(&f, &all) == (wide ? 4 : 2));
        fvm_event_filter by_topic = { .from = 1, .to = to };
        by_topic.topics[0].any = (const uint8_t(*)[32])transfer;
        by_topic.topics[0].count = 1;
        CHECK(count_logs(&f, &by_topic) == in_range);
        by_topic.topics[0].any = (const uint8_t(*)[32])to1; /* nobody's first topic */
        CHECK(count_logs(&f, &by_topic) == 0);
        by_topic.max_scan = 2;
        by_topic.topics[0].count = 0;
        seen s = { 0 };
        CHECK_ERR(fvm_chain_events(f.chain, &by_topic, see, &s), FVM_ERR_LIMIT);
    }
    fixture_close(&f);
}

static void print_problem(void *ctx, const char *text)
{
    (void)ctx;
    printf("%s\n", text);
}

TEST(the_chain_executes_to_the_same_roots_on_both_engines)
{
    fixture f;
    uint8_t data[68];
    fvm_chain_verdict verdict;
    fvm_engine *interp;
    fixture_open(&f, FVM_SEALING_INSTANT);
    fvm_eth_address token = deploy(&f, 0, 0), nobody = { { 7 } };
    tx_send(&f,
            &(tx){ .nonce = 1, .to = &token, .input = token_transfer(data, &f.keys[1].eth, 3) });
    fvm_edit edits[] = {
        { .kind = FVM_EDIT_BALANCE,
          .address = fvm_eth_address_to_fil(&nobody),
          .balance = fvm_big_u64(5) },
        { .kind = FVM_EDIT_NONCE, .address = f.keys[2].address, .nonce = 9 },
        { .kind = FVM_EDIT_STORAGE,
          .address = fvm_eth_address_to_fil(&token),
          .slot = { 1 },
          .value = { [31] = 2 } },
    };
    CHECK_OK(fvm_chain_edit(f.chain, edits, 3));
    fvm_chain_skip_rounds(f.chain, 3);
    tx_send(&f, &(tx){ .nonce = 2, .to = &token }); /* reverts */
    tx_send(&f, &(tx){ .from = 2, .nonce = 9, .to = &nobody, .value = 1 });
    CHECK_OK(fvm_chain_mine(f.chain, 2, 0, 0));
    fvm_err err = fvm_chain_verify(f.chain, &verdict, NULL, print_problem, NULL, NULL);
    CHECK_OK(err);
    CHECK(verdict.messages == 4 && verdict.edits == 3 && verdict.tipsets == 7);
    fvm_engine_config config = { .backend = FVM_ENGINE_INTERP };
    CHECK_OK(fvm_engine_new_with(&interp, &config, NULL));
    CHECK_OK(fvm_chain_verify(f.chain, &verdict, interp, print_problem, NULL, NULL));
    fvm_engine_free(interp);
    fixture_close(&f);
}

typedef struct replayed {
    size_t before, after, charges;
} replayed;

static fvm_err on_before(void *ctx, const fvm_chain_message *m)
{
    replayed *r = ctx;
    CHECK(m->index == r->before);
    r->before++;
    return FVM_OK;
}

static fvm_err on_after(void *ctx, const fvm_chain_message *m, const fvm_receipt *receipt)
{
    replayed *r = ctx;
    CHECK(receipt->exit_code == m->exit_code && receipt->gas_used == m->gas_used);
    r->after++;
    return FVM_OK;
}

static void on_event(void *ctx, const fvm_trace_event *e)
{
    ((replayed *)ctx)->charges += e->kind == FVM_TRACE_CHARGE;
}

TEST(a_tipset_is_replayed_with_a_trace)
{
    fixture f;
    uint8_t data[68];
    uint64_t nonce;
    fixture_open(&f, FVM_SEALING_MANUAL);
    fvm_eth_address token = fvm_eth_address_created(&f.keys[0].eth, 0);
    tx_submit(&f, &(tx){ .input = { token_init, sizeof token_init } });
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    for (uint64_t i = 1; i <= 3; i++)
        tx_submit(
            &f,
            &(tx){ .nonce = i, .to = &token, .input = token_transfer(data, &f.keys[1].eth, i) });
    CHECK_OK(fvm_chain_mine(f.chain, 1, 0, 0));
    replayed r = { 0 };
    fvm_trace_sink sink = { on_event, &r };
    fvm_replay replay = { &sink, on_before, on_after, &r, 0 };
    CHECK_OK(fvm_chain_replay(f.chain, 2, UINT32_MAX, &replay));
    CHECK(r.before == 3 && r.after == 3 && r.charges > 10);
    r = (replayed){ 0 };
    CHECK_OK(fvm_chain_replay(f.chain, 2, 1, &replay));
    CHECK(r.before == 2 && r.after == 2);
    fvm_chain_view *view;
    CHECK_OK(fvm_chain_view_before(f.chain, &view, 2, 2, NULL));
    CHECK_OK(fvm_view_nonce(view, &nonce, &f.keys[0].address));
    CHECK(nonce == 3);
    fvm_chain_view_close(view);
    fixture_close(&f);
}
