/* Modules vm, network, rand, gas, send and debug. */
#include "kernel_fixture.h"

#include "crypto/crypto.h"

TEST(exit_codes_of_the_system_are_not_an_actors_to_use)
{
    fixture f;
    fixture_open(&f, 21);
    for (uint32_t code = 0; code < 20; code++) {
        CHECK_ERR(CALL(&f, fvm__vm_exit, code, 5, 0, UINT32_MAX), FVM_ERR_EXIT);
        CHECK(f.inv.exited && f.inv.exit_handle == 5);
        CHECK(f.inv.exit_code == (code >= 1 && code <= 15 ? 9 : code));
        /* before nv18 there is no success by abort, and no data */
        CHECK_ERR(CALL(&f, fvm__vm_abort, code, 0, UINT32_MAX), FVM_ERR_EXIT);
        CHECK(f.inv.exit_code == (code <= 15 ? 9 : code) && f.inv.exit_handle == 0);
    }
    fixture_close(&f);
}

TEST(contexts_are_packed_as_declared)
{
    fixture f;
    fixture_open(&f, 21);
    f.inv.read_only = true;
    CHECK_OK(CALL(&f, fvm__vm_message_context, 0));
    static const uint64_t message[10] = { KEYED, 3, KEYED, SELF, 8, 6, 0, 4, 0, 1 };
    for (unsigned i = 0; i < 10; i++) CHECK(OUT64(&f, i * 8) == message[i]);
    CHECK_OK(CALL(&f, fvm__network_context, 0));
    static const uint64_t network[5] = { 2000, 77, 100, 0, 314 };
    for (unsigned i = 0; i < 5; i++) CHECK(OUT64(&f, i * 8) == network[i]);
    CHECK(OUT32(&f, 40) == 21);
    CHECK(strcmp(f.trace, "OnMessageContext OnNetworkContext") == 0);
    CHECK_OK(CALL(&f, fvm__network_circ_supply, 0));
    CHECK(OUT64(&f, 0) == 2 && OUT64(&f, 8) == 1);
    CHECK_OK(CALL(&f, fvm__vm_context, 0));
    static const uint64_t invocation[6] = { 6, 0, KEYED, SELF, 8, 2000 };
    for (unsigned i = 0; i < 6; i++) CHECK(OUT64(&f, i * 8) == invocation[i]);
    CHECK(OUT32(&f, 48) == 21);
    fixture_close(&f);
}

TEST(amounts_that_do_not_fit_are_fatal)
{
    fixture f;
    fixture_open(&f, 21);
    f.env.gas_premium.negative = true;
    CHECK_ERR(CALL(&f, fvm__vm_message_context, 0), FVM_ERR_FATAL);
    f.tipset.base_fee = (fvm_big){ .limb = { 0, 0, 1 }, .count = 3 };
    CHECK_ERR(CALL(&f, fvm__network_context, 0), FVM_ERR_FATAL);
    CHECK_ERR(CALL(&f, fvm__network_base_fee, 0), FVM_ERR_FATAL);
    fixture_close(&f);
}

TEST(tipset_cids_cost_by_distance_and_their_lack_is_fatal)
{
    fixture f;
    fvm_cid cid;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__network_tipset_cid, 1000, 0, 99));
    CHECK(OUT32(&f, 0) == 38 && fixture_spent(&f) == 146200000 + 1000 * 75000);
    CHECK_OK(fvm_cid_read(&cid, NULL, (fvm_bytes){ f.mem, 38 }));
    fvm_cid want = fixture_link(1000 & 0xff);
    CHECK(fvm_cid_eq(&cid, &want));
    f.extern_err = FVM_ERR_NOT_FOUND;
    CHECK_ERR(CALL(&f, fvm__network_tipset_cid, 1000, 0, 99), FVM_ERR_FATAL);
    f.extern_err = FVM_ERR_IO;
    CHECK_ERR(CALL(&f, fvm__network_tipset_cid, 1000, 0, 99), FVM_ERR_IO);
    fixture_close(&f);

    fixture_open(&f, 19);
    CHECK_OK(CALL(&f, fvm__network_tipset_cid, 1999, 0, 99));
    CHECK(fixture_spent(&f) == 50000000);
    CHECK_OK(CALL(&f, fvm__network_tipset_cid, 1101, 0, 99));
    CHECK(fixture_spent(&f) == 215000000);
    fixture_close(&f);
}

TEST(randomness_is_given_as_it_is_from_nv21)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__rand_chain, 1990));
    CHECK(f.out[0] == (1990 & 0xff) && f.out[31] == (1990 & 0xff));
    CHECK(fixture_spent(&f) == 146200000 + 10 * 75000);
    CHECK_OK(CALL(&f, fvm__rand_beacon, 2000));
    CHECK_ERR(CALL(&f, fvm__rand_beacon, 2001), FVM_ERR_OUT_OF_GAS); /* the future is too dear */
    CHECK(f.env.gas.used == f.env.gas.limit);
    fixture_spent(&f);
    f.extern_err = FVM_ERR_NOT_FOUND;
    CHECK_ERR(CALL(&f, fvm__rand_chain, 1), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    f.extern_err = FVM_ERR_NOMEM;
    CHECK_ERR(CALL(&f, fvm__rand_chain, 1), FVM_ERR_NOMEM);
    fixture_close(&f);
}

TEST(randomness_is_drawn_for_a_purpose_before)
{
    for (uint32_t version = 17; version <= 20; version++) {
        fixture f;
        uint8_t text[51], want[32];
        fixture_open(&f, version);
        fixture_poke(&f, 500, FVM_STR("abc"));
        CHECK_OK(CALL(&f, fvm__rand_beacon_drawn, 5, 1990, 500, 3));
        CHECK(fixture_spent(&f) == (version == 17 ? 21000000 : 21000000 + 51 * 10000));
        fvm_store_be64(text, 5);
        memset(text + 8, 1990 & 0xff, 32);
        fvm_store_be64(text + 40, 1990);
        memcpy(text + 48, "abc", 3);
        fvm_blake2b_256(want, (fvm_bytes){ text, 51 });
        CHECK(memcmp(f.out, want, 32) == 0);
        f.extern_err = FVM_ERR_NOT_FOUND;
        CHECK_ERR(CALL(&f, fvm__rand_chain_drawn, 5, 1990, 500, 3), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
        fixture_close(&f);
    }
}

TEST(actors_charge_gas_under_a_name_of_theirs)
{
    fixture f;
    fixture_open(&f, 21);
    fixture_poke(&f, 0, FVM_STR("my work"));
    CHECK_OK(CALL(&f, fvm__gas_charge_units, 0, 7, 12));
    CHECK(strcmp(f.trace, "my work") == 0);
    CHECK_OK(CALL(&f, fvm__gas_left, 0));
    CHECK(OUT64(&f, 0) == FIXTURE_GAS - 12);
    CHECK_ERR(CALL(&f, fvm__gas_charge_units, 0, 7, UINT64_MAX), FVM_ERR_OUT_OF_GAS);
    CHECK_OK(CALL(&f, fvm__gas_left, 0));
    CHECK(OUT64(&f, 0) == 0);
    f.env.gas.used = f.env.gas.limit - 1999;
    CHECK_OK(CALL(&f, fvm__gas_left, 0));
    CHECK(OUT64(&f, 0) == 1); /* rounded down */
    fixture_close(&f);
}

TEST(before_nv18_a_negative_charge_is_a_refund)
{
    fixture f;
    fixture_open(&f, 17);
    CHECK_OK(CALL(&f, fvm__gas_charge_units, 0, 0, (uint64_t)-12));
    CHECK(f.env.gas.used == -12000);
    CHECK_OK(CALL(&f, fvm__gas_charge_units, 0, 0, (uint64_t)INT64_MIN));
    CHECK(f.env.gas.used < 0);
    fixture_close(&f);
}

TEST(debug_does_nothing_unless_the_machine_allows_it)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__debug_log, 65536, 100));
    CHECK_OK(CALL(&f, fvm__debug_store_artifact, 65536, 100, 65536, 100));
    CHECK_OK(CALL(&f, fvm__debug_enabled, 0));
    CHECK(OUT32(&f, 0) == UINT32_MAX && f.trace_len == 0);

    f.env.debug = true;
    CHECK_OK(CALL(&f, fvm__debug_enabled, 0));
    CHECK(OUT32(&f, 0) == 0);
    CHECK_ERR(CALL(&f, fvm__debug_log, 65536, 100), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    f.mem[0] = 0xff;
    CHECK_ERR(CALL(&f, fvm__debug_log, 0, 1), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK_OK(CALL(&f, fvm__debug_log, 1, 1));
    CHECK(strcmp(f.trace, "Log") == 0);
    static const char *const names[] = { "", ".hidden", "a/b", "\xff" };
    for (size_t i = 0; i < FVM_COUNT(names); i++) {
        fixture_poke(&f, 0, fvm_bytes_of(names[i]));
        CHECK_AT(names[i], CALL(&f, fvm__debug_store_artifact, 0, strlen(names[i]), 0, 0) ==
                               FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    }
    memset(f.mem, 'n', 300);
    CHECK_OK(CALL(&f, fvm__debug_store_artifact, 0, 256, 0, 0));
    CHECK_ERR(CALL(&f, fvm__debug_store_artifact, 0, 257, 0, 0), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    fixture_close(&f);
}

/* --- send: the call itself is the machine's --- */

typedef struct calls {
    fvm_call last;
    fvm_big value;
    unsigned count;
    fvm_call_result result;
    fvm_err err;
    fixture *f;
} calls;

static fvm_err record_call(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                           const fvm_call *call)
{
    calls *c = ctx;
    c->last = *call;
    c->value = *call->value;
    c->count++;
    CHECK(caller == &c->f->inv);
    fixture_actor(c->f, 4000 + c->count, 11, &(fvm_cid){ .version = 1 }, 0, NULL); /* a change */
    *out = c->result;
    return c->err;
}

static void open_send(fixture *f, calls *c, uint32_t version)
{
    fixture_open(f, version);
    *c = (calls){ .f = f, .err = FVM_OK };
    f->ops = (fvm_kernel_ops){ .call = record_call, .ctx = c };
    fvm_address peer = fvm_address_id(PEER);
    fixture_poke(f, 0, (fvm_bytes){ peer.bytes, peer.len });
}
#define PEER_LEN 2 /* bytes of f0101 */

static bool exists(fixture *f, uint64_t id)
{
    const fvm_actor *actor;
    return fvm_state_get(f->state, &actor, id) == FVM_OK;
}

TEST(a_send_hands_on_what_was_asked)
{
    fixture f;
    calls c;
    open_send(&f, &c, 21);
    CHECK_OK(CALL(&f, fvm__ipld_block_create, FVM_CODEC_RAW, 0, 4));
    CHECK_OK(CALL(&f, fvm__send, 0, PEER_LEN, 77, 1, 2, 3, 5, 0));
    fvm_address peer = fvm_address_id(PEER);
    fvm_big value = fvm_big_u128(2, 3);
    CHECK(c.count == 1 && c.last.from == SELF && fvm_address_eq(&c.last.to, &peer));
    CHECK(c.last.method == 77 && fvm_big_cmp(&c.value, &value) == 0 && !c.last.read_only);
    CHECK(c.last.params == fvm__registry_get(&f.inv.registry, 1) && c.last.gas_limit == 5000);
    CHECK(OUT32(&f, 0) == 0 && OUT32(&f, 4) == 0 && OUT64(&f, 8) == 0 && OUT32(&f, 16) == 0);
    CHECK(exists(&f, 4001));

    CHECK_OK(CALL(&f, fvm__send, 0, PEER_LEN, 0, 0, 0, 0, UINT64_MAX, 1));
    CHECK(c.last.gas_limit == UINT64_MAX && c.last.read_only && !c.last.params);
    CHECK_OK(CALL(&f, fvm__send, 0, PEER_LEN, 0, 0, 0, 0, UINT64_MAX - 1, 0));
    CHECK(c.last.gas_limit == UINT64_MAX - 1); /* a limit, if one beyond all gas */
    f.inv.read_only = true;
    CHECK_OK(CALL(&f, fvm__send, 0, PEER_LEN, 0, 0, 0, 0, UINT64_MAX, 0));
    CHECK(c.last.read_only);
    fixture_close(&f);
}

TEST(a_block_comes_back_with_failure_and_its_links_become_reachable)
{
    fixture f;
    calls c;
    fvm_cid link = fixture_link(5);
    open_send(&f, &c, 21);
    fvm_ipld_block *data = fvm__block_new(&f.arena, FVM_CODEC_DAG_CBOR, FVM_STR("data"));
    data->links = &link;
    data->link_count = 1;
    c.result = (fvm_call_result){ .exit_code = 20, .data = data };
    CHECK_OK(CALL(&f, fvm__send, 0, PEER_LEN, 2, 0, 0, 0, UINT64_MAX, 0));
    CHECK(OUT32(&f, 0) == 20 && OUT32(&f, 4) == 1);
    CHECK(OUT64(&f, 8) == FVM_CODEC_DAG_CBOR && OUT32(&f, 16) == 4);
    CHECK(fvm__cid_set_has(&f.inv.reachable, &link));
    CHECK(!exists(&f, 4001)); /* reverted */
    fixture_close(&f);

    open_send(&f, &c, 17);
    c.result = (fvm_call_result){ .exit_code = 20, .data = data };
    c.result.data = fvm__block_new(&f.arena, FVM_CODEC_DAG_CBOR, FVM_STR("data"));
    CHECK_OK(CALL(&f, fvm__send_plain, 0, PEER_LEN, 2, 0, 0, 0));
    CHECK(OUT32(&f, 0) == 20 && OUT32(&f, 4) == 0 && f.inv.registry.count == 0);
    CHECK(c.last.gas_limit == UINT64_MAX && !exists(&f, 4001));
    fixture_close(&f);
}

TEST(errors_of_a_send_revert_and_reach_the_caller)
{
    static const fvm_err errors[] = { FVM_ERR_SYS_NOT_FOUND, FVM_ERR_OUT_OF_GAS, FVM_ERR_FATAL,
                                      FVM_ERR_NOMEM };
    for (size_t i = 0; i < FVM_COUNT(errors); i++) {
        fixture f;
        calls c;
        open_send(&f, &c, 21);
        c.err = errors[i];
        CHECK_ERR(CALL(&f, fvm__send, 0, PEER_LEN, 2, 0, 0, 0, UINT64_MAX, 0), errors[i]);
        CHECK(!exists(&f, 4001));
        fixture_close(&f);
    }
}

TEST(no_call_is_made_that_has_no_room_for_its_return)
{
    fixture f;
    calls c;
    open_send(&f, &c, 21);
    f.inv.registry.count = f.inv.registry.cap = FVM__REGISTRY_MAX;
    CHECK_ERR(CALL(&f, fvm__send, 0, PEER_LEN, 2, 0, 0, 0, UINT64_MAX, 0),
              FVM_ERR_SYS_LIMIT_EXCEEDED);
    CHECK(c.count == 0);
    fixture_close(&f);
}
