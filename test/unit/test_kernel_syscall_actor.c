/* Module actor: addresses, code, creation and upgrades, in each generation. */
#include "kernel_fixture.h"

#include "crypto/crypto.h"

#define PLACEHOLDER 3u /* rows of fixture_names */
#define MULTISIG 11u
#define ACCOUNT 2u

TEST(addresses_resolve_to_ids)
{
    fixture f;
    uint64_t id;
    fixture_open(&f, 21);
    fvm_address number = fvm_address_id(12345);
    fixture_poke(&f, 0, (fvm_bytes){ number.bytes, number.len });
    CHECK_OK(CALL(&f, fvm__actor_resolve_address, 0, number.len)); /* no actor needs to be there */
    CHECK(OUT64(&f, 0) == 12345);
    CHECK(strcmp(f.trace, "OnResolveAddress") == 0);

    fixture_poke(&f, 0, (fvm_bytes){ f.key.bytes, f.key.len });
    CHECK_ERR(CALL(&f, fvm__actor_resolve_address, 0, f.key.len), FVM_ERR_SYS_NOT_FOUND);
    CHECK_OK(fvm_state_register_address(f.state, &id, &f.key));
    CHECK_OK(CALL(&f, fvm__actor_resolve_address, 0, f.key.len));
    CHECK(OUT64(&f, 0) == id);
    fixture_spent(&f);
    CHECK_OK(CALL(&f, fvm__actor_resolve_address, 0, f.key.len));
    CHECK(strcmp(f.trace, "OnResolveAddress") == 0); /* the tracker's own comes once only */
    fixture_close(&f);
}

TEST(actors_are_looked_up_once_and_absent_ones_cost_the_same)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__actor_balance_of, PEER));
    CHECK(OUT64(&f, 0) == 5 && fixture_spent(&f) == 500000000);
    CHECK_OK(CALL(&f, fvm__actor_code_cid, PEER, 0, 99));
    CHECK_OK(CALL(&f, fvm__actor_lookup_delegated, PEER, 0, 99));
    CHECK(OUT32(&f, 0) == f.f4.len && memcmp(f.mem, f.f4.bytes, f.f4.len) == 0);
    CHECK(fixture_spent(&f) == 0);
    CHECK_ERR(CALL(&f, fvm__actor_lookup_delegated, PEER, 0, f.f4.len - 1u),
              FVM_ERR_SYS_BUFFER_TOO_SMALL);
    CHECK_ERR(CALL(&f, fvm__actor_balance_of, 999), FVM_ERR_SYS_NOT_FOUND);
    CHECK_ERR(CALL(&f, fvm__actor_code_cid, 999, 0, 99), FVM_ERR_SYS_NOT_FOUND);
    CHECK_ERR(CALL(&f, fvm__actor_lookup_delegated, 999, 0, 99), FVM_ERR_SYS_NOT_FOUND);
    CHECK(fixture_spent(&f) == 500000000);
    CHECK_OK(CALL(&f, fvm__actor_lookup_delegated, SELF, 0, 0)); /* none: 0 bytes fit anywhere */
    CHECK(OUT32(&f, 0) == 0);
    fixture_close(&f);

    fixture_open(&f, 17);
    CHECK_OK(CALL(&f, fvm__actor_code_cid, PEER, 0, 99));
    CHECK(f.env.gas.used == 0 && f.trace_len == 0);
    fixture_close(&f);
}

TEST(access_rolls_back_with_the_transaction_and_is_charged_again)
{
    fixture f;
    fvm_env_mark mark;
    fixture_open(&f, 21);
    CHECK_OK(fvm_env_begin(&f.env, &mark));
    CHECK_OK(CALL(&f, fvm__actor_balance_of, PEER));
    fvm_env_end(&f.env, mark, true);
    CHECK_OK(CALL(&f, fvm__actor_balance_of, PEER));
    CHECK(fixture_spent(&f) == 2 * INT64_C(500000000));
    fixture_close(&f);
}

TEST(types_and_code_translate_both_ways)
{
    fixture f;
    fixture_open(&f, 21);
    for (unsigned type = 1; type <= FVM_COUNT(fixture_names); type++) {
        fvm_cid code = fixture_code(type - 1), got;
        CHECK_OK(CALL(&f, fvm__actor_code_for_type, type, 0, 99));
        CHECK_OK(fvm_cid_read(&got, NULL, (fvm_bytes){ f.mem, OUT32(&f, 0) }));
        CHECK(fvm_cid_eq(&got, &code));
        CHECK_OK(CALL(&f, fvm__actor_builtin_type, 0));
        CHECK(OUT32(&f, 0) == type);
    }
    CHECK_ERR(CALL(&f, fvm__actor_code_for_type, 0, 0, 99), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    CHECK_ERR(CALL(&f, fvm__actor_code_for_type, UINT32_MAX, 0, 99), FVM_ERR_SYS_ILLEGAL_ARGUMENT);
    fvm_cid other = fixture_link(1);
    fixture_poke_cid(&f, 0, &other);
    CHECK_OK(CALL(&f, fvm__actor_builtin_type, 0));
    CHECK(OUT32(&f, 0) == 0);
    fixture_close(&f);
}

static fvm_address address_number(const fixture *f, uint64_t number)
{
    uint8_t text[64] = { (uint8_t)(0x40 | f->key.len) };
    memcpy(text + 1, f->key.bytes, f->key.len);
    fvm_store_be64(text + 1 + f->key.len, f->env.nonce);
    fvm_store_be64(text + 9 + f->key.len, number);
    return fvm_address_actor((fvm_bytes){ text, 17u + f->key.len });
}

TEST(the_next_address_advances_with_creation_only)
{
    fixture f;
    fixture_open(&f, 21);
    fvm_address want = address_number(&f, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(CALL(&f, fvm__actor_next_address, 0, 21));
        CHECK(OUT32(&f, 0) == 21 && memcmp(f.mem, want.bytes, 21) == 0);
    }
    f.env.actors_created = 5;
    want = address_number(&f, 5);
    CHECK_OK(CALL(&f, fvm__actor_next_address, 0, 21));
    CHECK(memcmp(f.mem, want.bytes, 21) == 0 && f.env.gas.used == 0);
    fixture_close(&f);
}

TEST(before_nv18_new_addresses_come_from_the_key_and_take_a_number_each)
{
    fixture f;
    fixture_open(&f, 17);
    f.env.origin_address = fvm_address_id(KEYED); /* its state names the key */
    for (uint64_t i = 0; i < 3; i++) {
        fvm_address want = address_number(&f, i);
        CHECK_OK(CALL(&f, fvm__actor_new_address, 0, 21));
        CHECK(memcmp(f.mem, want.bytes, 21) == 0);
    }
    CHECK(f.env.actors_created == 3 && f.env.gas.used == 0);
    f.env.origin_address = fvm_address_id(PEER); /* no account */
    CHECK_ERR(CALL(&f, fvm__actor_new_address, 0, 21), FVM_ERR_FATAL);
    fixture_close(&f);
}

/* --- creation --- */

static fvm_err create(fixture *f, uint64_t id, const fvm_cid *code, const fvm_address *delegated)
{
    fixture_poke_cid(f, 0, code);
    uint32_t len = delegated ? delegated->len : 0;
    if (delegated) fixture_poke(f, 200, (fvm_bytes){ delegated->bytes, delegated->len });
    return CALL(f, fvm__actor_create, id, 0, 200, len);
}

TEST(init_creates_actors)
{
    fixture f;
    const fvm_actor *actor;
    fvm_cid empty = fvm_empty_array_cid(), code = fixture_code(MULTISIG);
    fixture_open(&f, 21);
    f.inv.receiver = FVM_ID_INIT;
    CHECK_OK(create(&f, 2000, &code, &f.f4));
    CHECK(strcmp(f.trace, "OnActorLookup OnCreateActor OnActorUpdate") == 0);
    CHECK(fixture_spent(&f) == (500000 + 650000 + 475000) * INT64_C(1000));
    CHECK_OK(fvm_state_get(f.state, &actor, 2000));
    CHECK(fvm_cid_eq(&actor->code, &code) && fvm_cid_eq(&actor->head, &empty));
    CHECK(fvm_address_eq(&actor->delegated, &f.f4) && fvm_big_is_zero(&actor->balance));
    CHECK(f.env.actors_created == 1);

    CHECK_ERR(create(&f, 2000, &code, &f.f4), FVM_ERR_SYS_FORBIDDEN); /* exists */
    fvm_cid placeholder = fixture_code(PLACEHOLDER);
    CHECK_ERR(create(&f, 2001, &placeholder, NULL), FVM_ERR_SYS_FORBIDDEN);
    CHECK(f.env.actors_created == 1);
    fixture_close(&f);
}

TEST(a_placeholder_becomes_what_is_created_in_its_place)
{
    fixture f;
    const fvm_actor *actor;
    fvm_cid head = fixture_link(1), code = fixture_code(MULTISIG);
    fvm_address other;
    fixture_open(&f, 21);
    f.inv.receiver = FVM_ID_INIT;
    CHECK_OK(fvm_address_delegated(&other, 10, FVM_STR("another")));
    fixture_actor(&f, 2000, PLACEHOLDER, &head, 9, &f.f4);
    CHECK_ERR(create(&f, 2000, &code, &other), FVM_ERR_SYS_FORBIDDEN);
    CHECK_ERR(create(&f, 2000, &code, NULL), FVM_ERR_SYS_FORBIDDEN);
    CHECK_OK(create(&f, 2000, &code, &f.f4));
    CHECK(!strstr(f.trace, "OnCreateActor"));
    CHECK_OK(fvm_state_get(f.state, &actor, 2000));
    CHECK(fvm_cid_eq(&actor->code, &code) && fvm_cid_eq(&actor->head, &head));
    CHECK(actor->balance.limb[0] == 9);

    fixture_actor(&f, 2001, PLACEHOLDER, &head, 9, NULL); /* cannot be */
    CHECK_ERR(create(&f, 2001, &code, NULL), FVM_ERR_FATAL);
    fixture_close(&f);
}

TEST(before_nv18_anybody_creates_built_in_actors_that_are_no_singletons)
{
    fixture f;
    const fvm_actor *actor;
    fixture_open(&f, 17);
    for (unsigned i = 0; i < FVM_COUNT(fixture_names); i++) {
        fvm_cid code = fixture_code(i);
        bool singleton = i < 2 || (i >= 6 && i <= 10);
        fixture_poke_cid(&f, 0, &code);
        CHECK_AT(fixture_names[i], CALL(&f, fvm__actor_create_builtin, 3000 + i, 0) ==
                                       (singleton ? FVM_ERR_SYS_FORBIDDEN : FVM_OK));
        CHECK(fixture_spent(&f) == (singleton ? 0 : 1207254000));
    }
    CHECK_OK(fvm_state_get(f.state, &actor, 3000 + MULTISIG));
    CHECK_ERR(CALL(&f, fvm__actor_create_builtin, SELF, 0), FVM_ERR_SYS_FORBIDDEN);
    CHECK(f.env.actors_created == 0);
    fixture_close(&f);
}

/* --- upgrades --- */

typedef struct upgrades {
    fvm_call_result result;
    fvm_err err;
    unsigned calls;
    fvm_cid info; /* the CID in the second argument */
    uint64_t info_codec;
    fvm_cid code; /* of the actor while its upgrade runs */
    fvm_state_view *state;
} upgrades;

static fvm_err run_upgrade(void *ctx, fvm_call_result *out, const fvm_invocation *caller,
                           const fvm_ipld_block *params, const fvm_ipld_block *info)
{
    upgrades *u = ctx;
    const fvm_actor *actor;
    fvm_bytes in = info->data;
    (void)params;
    u->calls++;
    CHECK_OK(fvm_cbor_tuple(1, &in));
    CHECK_OK(fvm_cbor_cid(&u->info, &in));
    CHECK_OK(fvm_cbor_end(in));
    u->info_codec = info->codec;
    CHECK_OK(fvm_state_get(u->state, &actor, caller->receiver));
    u->code = actor->code;
    *out = u->result;
    return u->err;
}

static void open_upgrade(fixture *f, upgrades *u)
{
    fvm_cid code = fixture_code(77);
    fixture_open(f, 21);
    f->net.upgrade_actor = true;
    *u = (upgrades){ .state = f->state, .err = FVM_OK };
    f->ops = (fvm_kernel_ops){ .upgrade = run_upgrade, .ctx = u };
    fixture_poke_cid(f, 0, &code);
}

TEST(an_upgrade_that_succeeds_ends_the_old_code)
{
    fixture f;
    upgrades u;
    open_upgrade(&f, &u);
    fvm_ipld_block *data = fvm__block_new(&f.arena, FVM_CODEC_RAW, FVM_STR("ok"));
    u.result.data = data;
    CHECK_ERR(CALL(&f, fvm__actor_upgrade, 0, 0), FVM_ERR_EXIT);
    CHECK(f.inv.exited && f.inv.exit_code == 0 && f.inv.exit_handle == 1);
    CHECK(fvm__registry_get(&f.inv.registry, 1) == data);
    fvm_cid new_code = fixture_code(77), old_code = fixture_code(MULTISIG);
    CHECK(u.calls == 1 && fvm_cid_eq(&u.code, &new_code) && fvm_cid_eq(&u.info, &old_code));
    CHECK(u.info_codec == FVM_CODEC_CBOR);
    fixture_close(&f);
}

TEST(an_upgrade_that_fails_leaves_the_old_code_running)
{
    fixture f;
    upgrades u;
    const fvm_actor *actor;
    fvm_cid old_code = fixture_code(MULTISIG);
    open_upgrade(&f, &u);
    u.result.exit_code = 33;
    CHECK_OK(CALL(&f, fvm__actor_upgrade, 0, 0));
    CHECK(OUT32(&f, 0) == 33 && OUT32(&f, 4) == 0 && !f.inv.exited);
    CHECK_OK(fvm_state_get(f.state, &actor, SELF));
    CHECK(fvm_cid_eq(&actor->code, &old_code));
    u.err = FVM_ERR_SYS_LIMIT_EXCEEDED;
    CHECK_ERR(CALL(&f, fvm__actor_upgrade, 0, 0), FVM_ERR_SYS_LIMIT_EXCEEDED);
    CHECK_OK(fvm_state_get(f.state, &actor, SELF));
    CHECK(fvm_cid_eq(&actor->code, &old_code));
    fixture_close(&f);
}

TEST(an_actor_that_is_entered_further_down_cannot_be_upgraded)
{
    /* frames from the message's receiver to the caller's; lower case: upgrade entries */
    static const struct {
        const char *stack;
        fvm_err err;
    } rows[] = {
        { "S", FVM_ERR_EXIT },
        { "PS", FVM_ERR_EXIT },
        { "SPS", FVM_ERR_SYS_FORBIDDEN },
        { "Ss", FVM_ERR_EXIT },
        { "Sss", FVM_ERR_EXIT },
        { "SS", FVM_ERR_SYS_FORBIDDEN },
        { "PSs", FVM_ERR_EXIT },
        { "SPs", FVM_ERR_SYS_FORBIDDEN },
        { "s", FVM_ERR_EXIT },
        { "Sps", FVM_ERR_SYS_FORBIDDEN },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        upgrades u;
        fvm_invocation frames[4];
        open_upgrade(&f, &u);
        size_t depth = strlen(rows[i].stack);
        for (size_t j = 0; j < depth; j++) {
            char k = rows[i].stack[j];
            frames[j] = f.inv;
            frames[j].parent = j ? &frames[j - 1] : NULL;
            frames[j].receiver = k == 'S' || k == 's' ? SELF : PEER;
            frames[j].entry = k == 'S' || k == 'P' ? FVM_ENTRY_INVOKE : FVM_ENTRY_UPGRADE;
        }
        f.inv = frames[depth - 1];
        CHECK_AT(rows[i].stack, CALL(&f, fvm__actor_upgrade, 0, 0) == rows[i].err);
        fixture_close(&f);
    }
}

TEST(only_networks_with_upgrades_offer_the_syscall)
{
    for (uint32_t version = FVM_NETWORK_VERSION_MIN; version <= FVM_NETWORK_VERSION_MAX;
         version++) {
        fvm_network net = *fvm_network_find(version);
        size_t plain = fvm_kernel_syscalls(&net)->count;
        CHECK(plain == (version == 17 ? 36 : version < 21 ? 40 : 41));
        net.upgrade_actor = true;
        CHECK(fvm_kernel_syscalls(&net)->count == plain + (version >= 21));
    }
}
