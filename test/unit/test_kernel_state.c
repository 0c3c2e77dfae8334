/* The state view by example: records, roots, transactions, addresses, refusals. The comparison with
 * a plain model over random operations is test/property/prop_kernel_state.c. */
#include "test.h"

#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"
#include "state_helpers.h"

static fvm_cid cid_of(const char *text)
{
    return fvm_cid_of(FVM_CODEC_RAW, fvm_bytes_of(text));
}

static fvm_actor actor_of(uint64_t nonce, uint64_t balance)
{
    return (fvm_actor){ .code = cid_of("code"),
                        .head = fvm_empty_array_cid(),
                        .nonce = nonce,
                        .balance = fvm_big_u64(balance) };
}

typedef struct fixture {
    fvm_blockstore bs;
    fvm_state_view *view;
} fixture;
static void make(fixture *f)
{
    CHECK_OK(fvm_blockstore_memory_new(&f->bs, NULL));
    CHECK_OK(fvm_state_view_new(&f->view, &f->bs, fvm_network_find(21), NULL));
}
static void drop(fixture *f)
{
    fvm_state_view_free(f->view);
    fvm_blockstore_free(&f->bs);
}

static uint64_t nonce_of(fvm_state_view *view, uint64_t id)
{
    const fvm_actor *a;
    CHECK_OK(fvm_state_get(view, &a, id));
    return a->nonce;
}

/* --- records --- */

#define EMPTY_LINK                                                                                 \
    "d82a5827000171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0"

TEST(the_empty_array_has_the_reference_s_cid)
{
    char text[FVM_CID_TEXT_MAX];
    fvm_cid cid = fvm_empty_array_cid(), made = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x80));
    CHECK(fvm_cid_eq(&cid, &made));
    (void)fvm_cid_to_text(text, &cid);
    CHECK(strcmp(text, "bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a") == 0);
}

TEST(records_have_four_fields_up_to_tree_version_4_and_five_after)
{
    fvm_buf out;
    fvm_actor a = actor_of(3, 256), b;
    a.code = fvm_empty_array_cid();
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_actor_write(&out, &a, 4));
    CHECK_HEX(fvm_buf_bytes(&out), "84" EMPTY_LINK EMPTY_LINK "0343000100");
    CHECK_OK(fvm_actor_read(&b, fvm_buf_bytes(&out), 3));
    CHECK(b.nonce == 3 && fvm_big_cmp(&a.balance, &b.balance) == 0 && b.delegated.len == 0);
    CHECK_ERR(fvm_actor_read(&b, fvm_buf_bytes(&out), 5), FVM_ERR_BAD_STATE);
    out.len = 0;
    CHECK_OK(fvm_actor_write(&out, &a, 5));
    CHECK_HEX(fvm_buf_bytes(&out), "85" EMPTY_LINK EMPTY_LINK "0343000100f6");
    out.len = 0;
    CHECK_OK(fvm_address_delegated(&a.delegated, 10, FVM_STR("ab")));
    CHECK_OK(fvm_actor_write(&out, &a, 5));
    CHECK_HEX(fvm_buf_bytes(&out), "85" EMPTY_LINK EMPTY_LINK "034300010044040a6162");
    CHECK_OK(fvm_actor_read(&b, fvm_buf_bytes(&out), 5));
    CHECK(fvm_address_eq(&a.delegated, &b.delegated) && fvm_cid_eq(&a.head, &b.head));
    CHECK_OK(fvm_buf_append(&out, FVM_BYTES(0)));
    b.nonce = 9;
    CHECK_ERR(fvm_actor_read(&b, fvm_buf_bytes(&out), 5), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_actor_read(&b, (fvm_bytes){ 0 }, 5), FVM_ERR_BAD_STATE);
    CHECK(b.nonce == 9);
    fvm_buf_deinit(&out);
}

/* --- the tree --- */

TEST(a_new_tree_has_the_bytes_of_the_reference)
{
    fixture f;
    make(&f);
    fvm_cid root, empty_hamt = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x40, 0x80));
    fvm_buf want, got;
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    CHECK_OK(fvm_state_flush(f.view, &root));
    CHECK_OK(fvm_cbor_put_array(&want, 3));
    CHECK_OK(fvm_cbor_put_uint(&want, 5));
    CHECK_OK(fvm_cbor_put_cid(&want, &empty_hamt));
    fvm_cid info = fvm_empty_array_cid();
    CHECK_OK(fvm_cbor_put_cid(&want, &info));
    CHECK_OK(fvm_blockstore_get(&f.bs, &got, &root));
    CHECK_BYTES(fvm_buf_bytes(&got), fvm_buf_bytes(&want));
    bool has;
    CHECK_OK(fvm_blockstore_has(&f.bs, &has, &info));
    CHECK(has);
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
    drop(&f);
}

TEST(roots_depend_on_the_actors_alone)
{
    fixture f;
    make(&f);
    fvm_cid empty, one, again, both;
    fvm_actor a = actor_of(1, 10), b = actor_of(2, 20);
    CHECK_OK(fvm_state_flush(f.view, &empty));
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_flush(f.view, &one));
    CHECK(!fvm_cid_eq(&empty, &one));
    CHECK_OK(fvm_state_set(f.view, 100, &a)); /* equal to the stored one */
    CHECK_OK(fvm_state_flush(f.view, &again));
    CHECK(fvm_cid_eq(&one, &again));
    CHECK_OK(fvm_state_set(f.view, UINT64_MAX, &b));
    CHECK_OK(fvm_state_flush(f.view, &both));
    CHECK(!fvm_cid_eq(&one, &both));
    CHECK_OK(fvm_state_delete(f.view, UINT64_MAX));
    CHECK_OK(fvm_state_delete(f.view, 7777)); /* never was */
    CHECK_OK(fvm_state_flush(f.view, &again));
    CHECK(fvm_cid_eq(&one, &again));
    CHECK_OK(fvm_state_delete(f.view, 100));
    CHECK_OK(fvm_state_flush(f.view, &again));
    CHECK(fvm_cid_eq(&empty, &again));

    fvm_state_view *other;
    CHECK_OK(fvm_state_view_open(&other, &f.bs, &both, fvm_network_find(29), NULL));
    CHECK(nonce_of(other, 100) == 1 && nonce_of(other, UINT64_MAX) == 2);
    CHECK_OK(fvm_state_flush(other, &again));
    CHECK(fvm_cid_eq(&both, &again));
    fvm_state_view_free(other);
    drop(&f);
}

static fvm_err open_root(const fvm_blockstore *bs, uint64_t tree, uint32_t network)
{
    fvm_buf out;
    fvm_cid cid, info = fvm_empty_array_cid(), hamt;
    fvm_state_view *view = NULL;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_blockstore_put_new(bs, &hamt, FVM_CODEC_DAG_CBOR, FVM_BYTES(0x82, 0x40, 0x80)));
    CHECK_OK(fvm_cbor_put_array(&out, 3));
    CHECK_OK(fvm_cbor_put_uint(&out, tree));
    CHECK_OK(fvm_cbor_put_cid(&out, &hamt));
    CHECK_OK(fvm_cbor_put_cid(&out, &info));
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    fvm_err err = fvm_state_view_open(&view, bs, &cid, fvm_network_find(network), NULL);
    CHECK((err == FVM_OK) == (view != NULL));
    if (view) { /* version and info are written back as they were */
        fvm_actor a = actor_of(0, 0);
        fvm_cid root;
        CHECK_OK(fvm_state_set(view, 5, &a));
        CHECK_OK(fvm_state_delete(view, 5));
        CHECK_OK(fvm_state_flush(view, &root));
        CHECK(fvm_cid_eq(&root, &cid));
    }
    fvm_state_view_free(view);
    return err;
}

TEST(tree_versions_that_are_accepted_depend_on_the_generation)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    static const struct {
        uint64_t tree;
        bool nv17, later;
    } rows[] = { { 0, false, false },         { 2, false, false }, { 3, true, false },
                 { 4, true, false },          { 5, false, true },  { 6, false, false },
                 { UINT64_MAX, false, false } };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        CHECK_ERR(open_root(&bs, rows[i].tree, 17), rows[i].nv17 ? FVM_OK : FVM_ERR_VERSION);
        CHECK_ERR(open_root(&bs, rows[i].tree, 18), rows[i].later ? FVM_OK : FVM_ERR_VERSION);
        CHECK_ERR(open_root(&bs, rows[i].tree, 29), rows[i].later ? FVM_OK : FVM_ERR_VERSION);
    }
    fvm_blockstore_free(&bs);
}

TEST(roots_that_are_missing_or_broken_do_not_open)
{
    fvm_blockstore bs;
    fvm_state_view *view = NULL;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    const fvm_network *net = fvm_network_find(21);
    fvm_cid cid = cid_of("nowhere");
    CHECK_ERR(fvm_state_view_open(&view, &bs, &cid, net, NULL), FVM_ERR_MISSING_BLOCK);
    uint8_t room[128]; /* the actors' root is not there */
    CHECK_OK(fvm_blockstore_put_new(&bs, &cid, FVM_CODEC_DAG_CBOR,
                                    test_hex(room, sizeof room, "8305" EMPTY_LINK EMPTY_LINK)));
    CHECK_ERR(fvm_state_view_open(&view, &bs, &cid, net, NULL), FVM_ERR_MISSING_BLOCK);
    static const char *const broken[] = {
        "", "80", "83", "8205" EMPTY_LINK, "8305" EMPTY_LINK "05", "8305" EMPTY_LINK EMPTY_LINK "00"
    };
    for (size_t i = 0; i < FVM_COUNT(broken); i++) {
        CHECK_OK(fvm_blockstore_put_new(&bs, &cid, FVM_CODEC_DAG_CBOR,
                                        test_hex(room, sizeof room, broken[i])));
        CHECK_AT(broken[i], fvm_state_view_open(&view, &bs, &cid, net, NULL) == FVM_ERR_BAD_STATE);
    }
    CHECK(view == NULL);
    fvm_blockstore_free(&bs);
}

TEST(an_actor_that_does_not_decode_is_broken_state_each_time)
{
    fixture f;
    make(&f);
    fvm_hamt *hamt;
    fvm_cid actors, root, info = fvm_empty_array_cid();
    fvm_address key = fvm_address_id(100);
    fvm_buf out;
    CHECK_OK(fvm_hamt_new(&hamt, &f.bs, 5, NULL));
    CHECK_OK(fvm_hamt_set(hamt, (fvm_bytes){ key.bytes, key.len }, FVM_BYTES(0x07)));
    CHECK_OK(fvm_hamt_flush(hamt, &actors));
    fvm_hamt_free(hamt);
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 3));
    CHECK_OK(fvm_cbor_put_uint(&out, 5));
    CHECK_OK(fvm_cbor_put_cid(&out, &actors));
    CHECK_OK(fvm_cbor_put_cid(&out, &info));
    CHECK_OK(fvm_blockstore_put_new(&f.bs, &root, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    fvm_state_view *view;
    const fvm_actor *a;
    CHECK_OK(fvm_state_view_open(&view, &f.bs, &root, fvm_network_find(21), NULL));
    CHECK_ERR(fvm_state_get(view, &a, 100), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_state_get(view, &a, 100), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_state_get(view, &a, 101), FVM_ERR_NOT_FOUND);
    fvm_state_view_free(view);
    drop(&f);
}

/* --- transactions --- */

TEST(nested_transactions_undo_what_they_changed)
{
    fixture f;
    make(&f);
    fvm_actor a = actor_of(1, 0);
    const fvm_actor *got;
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_begin(f.view));
    a.nonce = 2;
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_begin(f.view));
    a.nonce = 3;
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    a.nonce = 4;
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_set(f.view, 101, &a));
    fvm_state_end(f.view, true);
    CHECK(nonce_of(f.view, 100) == 2);
    CHECK_ERR(fvm_state_get(f.view, &got, 101), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_state_begin(f.view));
    CHECK_OK(fvm_state_delete(f.view, 100));
    CHECK_ERR(fvm_state_get(f.view, &got, 100), FVM_ERR_NOT_FOUND);
    fvm_state_end(f.view, false);
    a.nonce = 5; /* once more in the outer one, after the inner one's end */
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    fvm_state_end(f.view, true);
    CHECK(nonce_of(f.view, 100) == 1);
    drop(&f);
}

TEST(flush_refuses_within_a_transaction)
{
    fixture f;
    make(&f);
    fvm_cid root;
    CHECK_OK(fvm_state_begin(f.view));
    CHECK_ERR(fvm_state_flush(f.view, &root), FVM_ERR_INVALID);
    fvm_state_end(f.view, false);
    CHECK_OK(fvm_state_flush(f.view, &root));
    drop(&f);
}

TEST(a_reverted_change_does_not_reach_the_tree)
{
    fixture f;
    make(&f);
    fvm_cid before, after;
    fvm_actor a = actor_of(1, 5);
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_flush(f.view, &before));
    CHECK_OK(fvm_state_begin(f.view));
    CHECK_OK(fvm_state_delete(f.view, 100));
    CHECK_OK(fvm_state_set(f.view, 200, &a));
    fvm_state_end(f.view, true);
    CHECK_OK(fvm_state_flush(f.view, &after));
    CHECK(fvm_cid_eq(&before, &after));
    drop(&f);
}

TEST(an_actor_may_be_set_to_what_get_gave)
{
    fixture f;
    make(&f);
    fvm_actor a = actor_of(8, 5);
    const fvm_actor *got;
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_get(f.view, &got, 100));
    CHECK_OK(fvm_state_set(f.view, 100, got));
    CHECK_OK(fvm_state_begin(f.view));
    CHECK_OK(fvm_state_get(f.view, &got, 100));
    CHECK_OK(fvm_state_set(f.view, 100, got));
    CHECK_OK(fvm_state_get(f.view, &got, 100));
    CHECK_OK(fvm_state_set(f.view, 101, got));
    CHECK(nonce_of(f.view, 100) == 8 && nonce_of(f.view, 101) == 8);
    fvm_state_end(f.view, false);
    drop(&f);
}

TEST(what_get_gave_stays_valid_while_others_are_loaded)
{
    fixture f;
    make(&f);
    fvm_cid root;
    for (uint64_t id = 0; id < 500; id++) {
        fvm_actor a = actor_of(id, id);
        CHECK_OK(fvm_state_set(f.view, id, &a));
    }
    CHECK_OK(fvm_state_flush(f.view, &root));
    fvm_state_view *view;
    const fvm_actor *seen[500];
    CHECK_OK(fvm_state_view_open(&view, &f.bs, &root, fvm_network_find(21), NULL));
    for (uint64_t id = 0; id < 500; id++) CHECK_OK(fvm_state_get(view, &seen[id], id));
    for (uint64_t id = 0; id < 500; id++) CHECK(seen[id]->nonce == id);
    fvm_state_view_free(view);
    drop(&f);
}

TEST(credits_keep_balances_in_range)
{
    fixture f;
    make(&f);
    fvm_actor a = actor_of(1, 100);
    const fvm_actor *got;
    fvm_big delta = fvm_big_u64(50);
    CHECK_ERR(fvm_state_credit(f.view, 100, &delta), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    CHECK_OK(fvm_state_begin(f.view));
    CHECK_OK(fvm_state_credit(f.view, 100, &delta));
    delta = fvm_big_u64(151);
    delta.negative = true;
    CHECK_ERR(fvm_state_credit(f.view, 100, &delta), FVM_ERR_RANGE);
    delta = fvm_big_u64(150);
    delta.negative = true;
    CHECK_OK(fvm_state_credit(f.view, 100, &delta));
    CHECK_OK(fvm_state_get(f.view, &got, 100));
    CHECK(fvm_big_is_zero(&got->balance) && got->nonce == 1);
    fvm_state_end(f.view, true);
    CHECK_OK(fvm_state_get(f.view, &got, 100));
    delta = fvm_big_u64(100);
    CHECK(fvm_big_cmp(&got->balance, &delta) == 0);
    fvm_big huge = { .count = 16 };
    memset(huge.limb, 0xff, 16 * 8);
    huge.limb[15] >>= 8; /* 127 bytes, the largest on the wire */
    a.balance = huge;
    CHECK_OK(fvm_state_set(f.view, 101, &a));
    delta = fvm_big_u64(1);
    CHECK_ERR(fvm_state_credit(f.view, 101, &delta), FVM_ERR_RANGE);
    drop(&f);
}

/* --- access levels --- */

TEST(levels_rise_and_roll_back_and_system_actors_are_free)
{
    fixture f;
    make(&f);
    fvm_state_view *v = f.view;
    fvm_state_access_reset(v);
    static const uint64_t free_ids[] = { 0, 1, 2, 3, 4, 5, 6, 7, 10, 99 };
    for (size_t i = 0; i < FVM_COUNT(free_ids); i++)
        CHECK(fvm_state_access_level(v, free_ids[i]) == FVM_ACCESS_UPDATED);
    CHECK(fvm_state_access_level(v, 8) == FVM_ACCESS_NONE);
    CHECK(fvm_state_access_level(v, 9) == FVM_ACCESS_NONE);
    CHECK(fvm_state_access_level(v, 11) == FVM_ACCESS_NONE);
    CHECK(fvm_state_access_level(v, 100) == FVM_ACCESS_NONE);
    CHECK_OK(fvm_state_access_raise(v, 100, FVM_ACCESS_READ));
    CHECK_OK(fvm_state_begin(v));
    CHECK_OK(fvm_state_access_raise(v, 100, FVM_ACCESS_UPDATED));
    CHECK_OK(fvm_state_access_raise(v, 100, FVM_ACCESS_READ)); /* never lowers */
    CHECK_OK(fvm_state_access_raise(v, 200, FVM_ACCESS_READ));
    CHECK(fvm_state_access_level(v, 100) == FVM_ACCESS_UPDATED);
    CHECK(fvm_state_access_level(v, 200) == FVM_ACCESS_READ);
    fvm_state_end(v, true);
    CHECK(fvm_state_access_level(v, 100) == FVM_ACCESS_READ);
    CHECK(fvm_state_access_level(v, 200) == FVM_ACCESS_NONE);
    fvm_state_access_reset(v);
    CHECK(fvm_state_access_level(v, 100) == FVM_ACCESS_NONE);
    drop(&f);
}

/* --- addresses --- */

static uint64_t lookup(fvm_state_view *view, const char *data)
{
    uint64_t id = 0;
    fvm_address a = fvm_address_actor(fvm_bytes_of(data));
    fvm_err err = fvm_state_lookup_id(view, &id, &a);
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
    return err == FVM_OK ? id : UINT64_MAX;
}
static uint64_t enter(fvm_state_view *view, const char *data)
{
    uint64_t id = 0;
    fvm_address a = fvm_address_actor(fvm_bytes_of(data));
    CHECK_OK(fvm_state_register_address(view, &id, &a));
    return id;
}

TEST(addresses_get_the_next_ids_and_roll_back)
{
    fixture f;
    make(&f);
    set_init(f.view, &f.bs, 1000);
    CHECK(lookup(f.view, "a") == UINT64_MAX);
    CHECK(enter(f.view, "a") == 1000);
    CHECK_OK(fvm_state_begin(f.view));
    CHECK(enter(f.view, "b") == 1001);
    CHECK_OK(fvm_state_begin(f.view));
    CHECK(enter(f.view, "c") == 1002);
    CHECK(lookup(f.view, "c") == 1002 && lookup(f.view, "b") == 1001);
    fvm_state_end(f.view, true);
    CHECK(lookup(f.view, "c") == UINT64_MAX && lookup(f.view, "b") == 1001);
    CHECK(enter(f.view, "d") == 1002);
    fvm_state_end(f.view, false);
    CHECK(lookup(f.view, "a") == 1000 && lookup(f.view, "b") == 1001 &&
          lookup(f.view, "d") == 1002);

    fvm_cid root;
    fvm_state_view *other;
    CHECK_OK(fvm_state_flush(f.view, &root));
    CHECK_OK(fvm_state_view_open(&other, &f.bs, &root, fvm_network_find(21), NULL));
    CHECK(lookup(other, "a") == 1000 && lookup(other, "b") == 1001 && lookup(other, "d") == 1002);
    CHECK(lookup(other, "c") == UINT64_MAX);
    CHECK(enter(other, "e") == 1003);
    fvm_state_view_free(other);
    drop(&f);
}

TEST(id_addresses_are_their_numbers_without_looking)
{
    fixture f; /* no init actor at all */
    make(&f);
    uint64_t id = 0;
    fvm_address a = fvm_address_id(12345);
    CHECK_OK(fvm_state_lookup_id(f.view, &id, &a));
    CHECK(id == 12345);
    a = fvm_address_actor(FVM_STR("x"));
    CHECK_ERR(fvm_state_lookup_id(f.view, &id, &a), FVM_ERR_BAD_STATE);
    CHECK_ERR(fvm_state_register_address(f.view, &id, &a), FVM_ERR_BAD_STATE);
    drop(&f);
}

TEST(registering_rewrites_the_init_actor_s_state)
{
    fixture f;
    make(&f);
    const fvm_actor *init;
    fvm_buf got;
    fvm_bytes in, name;
    fvm_cid map;
    uint64_t next;
    set_init(f.view, &f.bs, 100);
    CHECK(enter(f.view, "a") == 100);
    CHECK_OK(fvm_state_get(f.view, &init, FVM_ID_INIT));
    fvm_buf_init(&got, NULL);
    CHECK_OK(fvm_blockstore_get(&f.bs, &got, &init->head));
    in = fvm_buf_bytes(&got);
    CHECK_OK(fvm_cbor_tuple(3, &in));
    CHECK_OK(fvm_cbor_cid(&map, &in));
    CHECK_OK(fvm_cbor_uint(&next, &in));
    CHECK_OK(fvm_cbor_text(&name, &in, NULL));
    CHECK(in.len == 0 && next == 101);
    CHECK_BYTES(name, FVM_STR("net"));
    fvm_hamt *hamt;
    fvm_bytes value;
    fvm_address a = fvm_address_actor(FVM_STR("a"));
    CHECK_OK(fvm_hamt_load(&hamt, &f.bs, &map, 5, NULL));
    CHECK_OK(fvm_hamt_get(hamt, &value, (fvm_bytes){ a.bytes, a.len }));
    CHECK_HEX(value, "1864");
    fvm_hamt_free(hamt);
    fvm_buf_deinit(&got);
    drop(&f);
}

TEST(broken_init_states_are_fatal_and_change_nothing)
{
    fixture f;
    make(&f);
    uint64_t id = 0;
    fvm_address a = fvm_address_actor(FVM_STR("a"));
    fvm_actor init = actor_of(0, 0);
    CHECK_OK(fvm_state_set(f.view, FVM_ID_INIT, &init)); /* head: an empty array, not there */
    CHECK_ERR(fvm_state_lookup_id(f.view, &id, &a), FVM_ERR_BAD_STATE);
    init.head = cid_of("nowhere");
    CHECK_OK(fvm_state_set(f.view, FVM_ID_INIT, &init));
    CHECK_ERR(fvm_state_lookup_id(f.view, &id, &a), FVM_ERR_MISSING_BLOCK);
    CHECK_ERR(fvm_state_register_address(f.view, &id, &a), FVM_ERR_MISSING_BLOCK);
    set_init(f.view, &f.bs, UINT64_MAX); /* no ID left */
    CHECK_ERR(fvm_state_register_address(f.view, &id, &a), FVM_ERR_BAD_STATE);
    set_init(f.view, &f.bs, 500);
    CHECK(enter(f.view, "a") == 500);
    drop(&f);
}

/* --- cost --- */

TEST(a_warm_view_allocates_nothing)
{
    test_alloc state;
    fvm_blockstore bs;
    fvm_state_view *view;
    test_failing_allocator(&state, 0);
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_state_view_new(&view, &bs, fvm_network_find(28), &state.allocator));
    for (uint64_t id = 100; id < 103; id++) {
        fvm_actor a = actor_of(0, 1000000);
        CHECK_OK(fvm_state_set(view, id, &a));
    }
    size_t calls = 0;
    for (int i = 0; i < 1000; i++) { /* a send: two balances, a nonce, levels */
        fvm_big plus = fvm_big_u64(1), minus = plus;
        minus.negative = true;
        fvm_state_access_reset(view);
        CHECK_OK(fvm_state_begin(view));
        CHECK_OK(fvm_state_access_raise(view, 100, FVM_ACCESS_UPDATED));
        CHECK_OK(fvm_state_access_raise(view, 101, FVM_ACCESS_READ));
        CHECK_OK(fvm_state_credit(view, 100, &minus));
        CHECK_OK(fvm_state_credit(view, 101, &plus));
        CHECK_OK(fvm_state_begin(view));
        CHECK_OK(fvm_state_credit(view, 102, &plus));
        fvm_state_end(view, i % 2 == 0);
        fvm_state_end(view, i % 3 == 0);
        if (i == 10) calls = state.calls;
    }
    CHECK(state.calls == calls);
    fvm_state_view_free(view);
    CHECK(state.blocks == 0);
    fvm_blockstore_free(&bs);
}

/* --- walking --- */

typedef struct walk {
    uint64_t sum_ids, sum_nonces, count;
    uint64_t stop_at;
} walk;
static fvm_err step(void *ctx, uint64_t id, const fvm_actor *actor)
{
    walk *w = ctx;
    w->sum_ids += id;
    w->sum_nonces += actor->nonce;
    return ++w->count == w->stop_at ? FVM_ERR_LIMIT : FVM_OK;
}

TEST(each_sees_stored_and_changed_actors_once)
{
    fixture f;
    make(&f);
    fvm_cid root;
    for (uint64_t id = 1; id <= 50; id++) {
        fvm_actor a = actor_of(1, 0);
        CHECK_OK(fvm_state_set(f.view, id, &a));
    }
    CHECK_OK(fvm_state_flush(f.view, &root));
    fvm_actor b = actor_of(100, 0);
    CHECK_OK(fvm_state_set(f.view, 10, &b));  /* changed */
    CHECK_OK(fvm_state_set(f.view, 500, &b)); /* new */
    CHECK_OK(fvm_state_delete(f.view, 20));
    walk w = { .count = 0 };
    CHECK_OK(fvm_state_each(f.view, step, &w));
    CHECK(w.count == 50 && w.sum_nonces == 48 + 200 && w.sum_ids == 50 * 51 / 2 + 500 - 20);
    w = (walk){ .stop_at = 3 };
    CHECK_ERR(fvm_state_each(f.view, step, &w), FVM_ERR_LIMIT);
    CHECK(w.count == 3);
    drop(&f);
}

TEST(a_large_cache_is_let_go_at_a_flush)
{
    fixture f;
    make(&f);
    fvm_cid root, again;
    const fvm_actor *got;
    fvm_actor a = actor_of(5, 0);
    CHECK_OK(fvm_state_set(f.view, 100, &a));
    for (uint64_t id = 1000; id < 1000 + 66000; id++)
        CHECK_ERR(fvm_state_get(f.view, &got, id), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_state_flush(f.view, &root));
    CHECK(nonce_of(f.view, 100) == 5);
    CHECK_ERR(fvm_state_get(f.view, &got, 1000), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_state_flush(f.view, &again));
    CHECK(fvm_cid_eq(&root, &again));
    drop(&f);
}
