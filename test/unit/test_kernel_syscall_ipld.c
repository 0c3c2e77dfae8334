/* Modules ipld and self: blocks from bytes to CIDs and back, reachability, roots, ends of actors. */
#include "kernel_fixture.h"

/* CBOR [link to `cid`] at `at` of memory; its length. */
static uint32_t poke_list(fixture *f, uint32_t at, const fvm_cid *cid)
{
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    CHECK_OK(fvm_cbor_put_array(&buf, 1));
    CHECK_OK(fvm_cbor_put_cid(&buf, cid));
    uint32_t len = (uint32_t)buf.len;
    fixture_poke(f, at, fvm_buf_bytes(&buf));
    fvm_buf_deinit(&buf);
    return len;
}

TEST(a_block_is_made_linked_and_opened_again)
{
    fixture f;
    fixture_open(&f, 21);
    fixture_poke(&f, 0, FVM_BYTES(0x82, 0x01, 0x02));
    CHECK_OK(CALL(&f, fvm__ipld_block_create, FVM_CODEC_DAG_CBOR, 0, 3));
    CHECK(OUT32(&f, 0) == 1);
    CHECK(fixture_spent(&f) == 3 * 35000 + 3 * 10000);
    CHECK_OK(CALL(&f, fvm__ipld_block_stat, 1));
    CHECK(OUT64(&f, 0) == FVM_CODEC_DAG_CBOR && OUT32(&f, 8) == 3);

    CHECK_OK(CALL(&f, fvm__ipld_block_link, 1, FVM_HASH_BLAKE2B_256, 32, 100, 38));
    CHECK(OUT32(&f, 0) == 38);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x01, 0x02)), got;
    CHECK_OK(fvm_cid_read(&got, NULL, (fvm_bytes){ f.mem + 100, 38 }));
    CHECK(fvm_cid_eq(&cid, &got));
    CHECK(fixture_spent(&f) == 506300000 + 3 * 3352400);

    CHECK_OK(CALL(&f, fvm__ipld_block_open, 100));
    CHECK(OUT64(&f, 0) == FVM_CODEC_DAG_CBOR && OUT32(&f, 8) == 2 && OUT32(&f, 12) == 3);
    CHECK(strcmp(f.trace, "OnBlockOpenBase Get OnScanIpldLinks OnBlockOpen") == 0);
    CHECK(fixture_spent(&f) == 187740000 + 3 * 35000 + 3 * 10000);
    fixture_close(&f);
}

TEST(reading_tells_how_much_is_left_or_lacking)
{
    static const struct {
        uint32_t offset, len, copied;
        int32_t rest;
    } rows[] = { { 0, 3, 3, 2 },  { 0, 5, 5, 0 },    { 2, 3, 3, 0 }, { 2, 9, 3, -6 },
                 { 5, 4, 0, -4 }, { 50, 4, 0, -49 }, { 0, 0, 0, 5 }, { 7, 0, 0, -2 } };
    fixture f;
    fixture_open(&f, 21);
    fixture_poke(&f, 0, FVM_STR("abcde"));
    CHECK_OK(CALL(&f, fvm__ipld_block_create, FVM_CODEC_RAW, 0, 5));
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        memset(f.mem + 100, '-', 20);
        fixture_spent(&f);
        CHECK_OK(CALL(&f, fvm__ipld_block_read, 1, rows[i].offset, 100, rows[i].len));
        CHECK((int32_t)OUT32(&f, 0) == rows[i].rest);
        CHECK(rows[i].copied == 0 ||
              memcmp(f.mem + 100, &"abcde"[rows[i].offset], rows[i].copied) == 0);
        CHECK(f.mem[100 + rows[i].copied] == '-');
        CHECK(fixture_spent(&f) == 400 * (int64_t)rows[i].copied);
    }
    fixture_close(&f);
}

TEST(a_block_with_a_link_out_of_reach_is_charged_but_not_made)
{
    fixture f;
    fvm_cid cid = fixture_link(1);
    fixture_open(&f, 21);
    uint32_t len = poke_list(&f, 0, &cid);
    CHECK_ERR(CALL(&f, fvm__ipld_block_create, FVM_CODEC_DAG_CBOR, 0, len), FVM_ERR_SYS_NOT_FOUND);
    CHECK(strcmp(f.trace, "OnScanIpldLinks OnBlockCreate") == 0);
    CHECK(f.inv.registry.count == 0);
    fixture_poke_cid(&f, 200, &cid);
    CHECK_ERR(CALL(&f, fvm__ipld_block_open, 200), FVM_ERR_SYS_NOT_FOUND);
    fixture_close(&f);
}

TEST(opening_a_block_that_is_reachable_but_missing_is_fatal)
{
    fixture f;
    fvm_cid cid = fixture_link(1);
    fixture_open(&f, 21);
    CHECK_OK(fvm__cid_set_add_copy(&f.inv.reachable, &f.arena, &cid));
    fixture_poke_cid(&f, 200, &cid);
    CHECK(fvm_err_class_of(CALL(&f, fvm__ipld_block_open, 200)) == FVM_CLASS_FATAL);
    fixture_close(&f);
}

TEST(links_of_an_opened_block_become_reachable_but_not_those_within)
{
    fixture f;
    fvm_cid far = fixture_link(1), middle, top;
    fixture_open(&f, 21);
    uint32_t len = poke_list(&f, 0, &far);
    CHECK_OK(
        fvm_blockstore_put_new(&f.blocks, &middle, FVM_CODEC_DAG_CBOR, (fvm_bytes){ f.mem, len }));
    len = poke_list(&f, 0, &middle);
    CHECK_OK(
        fvm_blockstore_put_new(&f.blocks, &top, FVM_CODEC_DAG_CBOR, (fvm_bytes){ f.mem, len }));
    fixture_actor(&f, SELF, 11, &top, 1000, NULL);

    CHECK_OK(CALL(&f, fvm__self_root, 300, 99));
    CHECK(OUT32(&f, 0) == 38);
    CHECK_OK(CALL(&f, fvm__ipld_block_open, 300));
    CHECK(fvm__cid_set_has(&f.inv.reachable, &middle));
    CHECK(!fvm__cid_set_has(&f.inv.reachable, &far));
    fixture_close(&f);
}

TEST(before_nv21_any_block_can_be_opened_and_its_codec_is_checked_last)
{
    static const struct {
        uint32_t version;
        uint64_t codec;
        fvm_err err;
    } rows[] = { { 17, FVM_CODEC_DAG_CBOR, FVM_OK },
                 { 17, FVM_CODEC_RAW, FVM_ERR_SYS_ILLEGAL_CODEC },
                 { 19, FVM_CODEC_RAW, FVM_OK },
                 { 20, FVM_CODEC_CBOR, FVM_OK },
                 { 20, FVM_CODEC_DAG_PB, FVM_ERR_SYS_ILLEGAL_CODEC } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        fvm_cid cid;
        fixture_open(&f, rows[i].version);
        /* not CBOR at all: nothing scans it */
        CHECK_OK(fvm_blockstore_put_new(&f.blocks, &cid, rows[i].codec, FVM_BYTES(0xff, 0xff)));
        fixture_poke_cid(&f, 0, &cid);
        CHECK_ERR(CALL(&f, fvm__ipld_block_open, 0), rows[i].err);
        CHECK(fixture_spent(&f) ==
              (rows[i].version == 17 ? 135617000 + 2 * 10500 : 187440000 + 2 * 10000));
        CHECK_ERR(CALL(&f, fvm__ipld_block_create, rows[i].codec, 0, 4), rows[i].err);
        CHECK(fixture_spent(&f) == (rows[i].version == 17 ? 4 * 10500 : 4 * 10000));
        fixture_close(&f);
    }
}

TEST(blocks_are_limited_to_a_mebibyte_from_nv18)
{
    static uint8_t large[(1 << 20) + 1];
    static const struct {
        uint32_t version;
        fvm_err err;
    } rows[] = { { 17, FVM_OK },
                 { 18, FVM_ERR_SYS_LIMIT_EXCEEDED },
                 { 21, FVM_ERR_SYS_LIMIT_EXCEEDED } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        fixture_open(&f, rows[i].version);
        fvm_syscall c = { .inv = &f.inv, .env = &f.env, .mem = { large, sizeof large } };
        uint64_t codec = rows[i].version == 17 ? FVM_CODEC_DAG_CBOR : FVM_CODEC_RAW;
        CHECK_ERR(fvm__ipld_block_create(&c, (uint64_t[]){ codec, 0, sizeof large }, f.out),
                  rows[i].err);
        CHECK_OK(fvm__ipld_block_create(&c, (uint64_t[]){ codec, 0, sizeof large - 1 }, f.out));
        fixture_close(&f);
    }
}

TEST(a_cid_buffer_that_is_too_small_is_told_after_the_work)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_OK(CALL(&f, fvm__ipld_block_create, FVM_CODEC_RAW, 0, 4));
    CHECK_ERR(CALL(&f, fvm__ipld_block_link, 1, FVM_HASH_BLAKE2B_256, 32, 100, 37),
              FVM_ERR_SYS_BUFFER_TOO_SMALL);
    CHECK(f.inv.reachable.count == 1);
    CHECK_ERR(CALL(&f, fvm__self_root, 100, 37), FVM_ERR_SYS_BUFFER_TOO_SMALL);
    CHECK(f.inv.reachable.count == 2);
    fixture_close(&f);
}

/* --- self --- */

static bool alive(fixture *f, uint64_t id)
{
    const fvm_actor *actor;
    return fvm_state_get(f->state, &actor, id) == FVM_OK;
}
static uint64_t balance(fixture *f, uint64_t id)
{
    const fvm_actor *actor;
    CHECK_OK(fvm_state_get(f->state, &actor, id));
    return fvm_big_is_zero(&actor->balance) ? 0 : actor->balance.limb[0];
}

TEST(a_root_must_be_reachable_from_nv21)
{
    fixture f;
    fvm_cid cid = fixture_link(1);
    const fvm_actor *actor;
    fixture_open(&f, 21);
    fixture_poke_cid(&f, 0, &cid);
    CHECK_ERR(CALL(&f, fvm__self_set_root, 0), FVM_ERR_SYS_NOT_FOUND);
    CHECK(fixture_spent(&f) == 300000);
    CHECK_OK(fvm__cid_set_add_copy(&f.inv.reachable, &f.arena, &cid));
    CHECK_OK(CALL(&f, fvm__self_set_root, 0));
    CHECK(strcmp(f.trace, "OnActorSetRoot OnActorLookup OnActorUpdate") == 0);
    CHECK_OK(fvm_state_get(f.state, &actor, SELF));
    CHECK(fvm_cid_eq(&actor->head, &cid));
    fixture_close(&f);

    fixture_open(&f, 17);
    fixture_poke_cid(&f, 0, &cid);
    CHECK_OK(CALL(&f, fvm__self_set_root, 0));
    CHECK(f.env.gas.used == 0);
    fixture_close(&f);
}

TEST(an_actor_that_ends_itself_burns_what_it_has_left)
{
    fixture f;
    fixture_open(&f, 21);
    CHECK_ERR(CALL(&f, fvm__self_destruct, 0), FVM_ERR_SYS_ILLEGAL_OPERATION);
    CHECK(alive(&f, SELF));
    fixture_spent(&f);
    CHECK_OK(CALL(&f, fvm__self_destruct, 1));
    CHECK(!alive(&f, SELF) && balance(&f, FVM_ID_BURNT) == 1000);
    CHECK(strcmp(f.trace, "OnDeleteActor OnSelfBalance OnActorUpdate") == 0);
    CHECK_OK(CALL(&f, fvm__self_destruct, 0)); /* again, with nothing left to burn */
    CHECK_OK(CALL(&f, fvm__self_current_balance, 0));
    CHECK(OUT64(&f, 0) == 0 && OUT64(&f, 8) == 0);
    CHECK_ERR(CALL(&f, fvm__self_root, 0, 99), FVM_ERR_SYS_ILLEGAL_OPERATION);
    fixture_close(&f);
}

TEST(running_out_of_gas_while_burning_is_fatal)
{
    fixture f;
    fixture_open(&f, 21);
    f.env.gas.limit = 600000000; /* enough for the look-up, not for the update */
    CHECK_ERR(CALL(&f, fvm__self_destruct, 1), FVM_ERR_FATAL);
    fixture_close(&f);
    fixture_open(&f, 21);
    f.env.gas.limit = 400000000; /* not enough for the look-up of its own balance */
    CHECK_ERR(CALL(&f, fvm__self_destruct, 1), FVM_ERR_OUT_OF_GAS);
    fixture_close(&f);
}

TEST(before_nv21_a_beneficiary_takes_what_is_left)
{
    for (uint32_t version = 17; version <= 20; version++) {
        fixture f;
        fixture_open(&f, version);
        fvm_address self = fvm_address_id(SELF), peer = fvm_address_id(PEER);
        fixture_poke(&f, 0, (fvm_bytes){ self.bytes, self.len });
        fixture_poke(&f, 50, (fvm_bytes){ peer.bytes, peer.len });
        fixture_poke(&f, 100, (fvm_bytes){ f.key.bytes, f.key.len });
        CHECK_ERR(CALL(&f, fvm__self_destruct_to, 0, self.len), FVM_ERR_SYS_FORBIDDEN);
        CHECK_ERR(CALL(&f, fvm__self_destruct_to, 100, f.key.len), FVM_ERR_SYS_NOT_FOUND);
        fixture_spent(&f);
        CHECK_OK(CALL(&f, fvm__self_destruct_to, 50, peer.len));
        CHECK(!alive(&f, SELF) && balance(&f, PEER) == 1005);
        /* nv17 gives gas back for a deleted actor */
        if (version == 17) CHECK(fixture_spent(&f) == -98800000);
        fixture_close(&f);
    }
}
