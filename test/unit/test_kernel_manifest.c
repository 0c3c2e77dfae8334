/* Manifests, and the states that the FVM reads of its own accord. */
#include "test.h"

#include "ipld/cbor.h"
#include "kernel/state.h"

static fvm_cid code_of(unsigned i)
{
    uint8_t b[2] = { 'c', (uint8_t)i };
    return fvm_cid_of(FVM_CODEC_RAW, (fvm_bytes){ b, 2 });
}

/** Writes the names, row i with code i unless `same` is i: then with the code of row 0. */
static fvm_cid put_manifest(const fvm_blockstore *bs, const char *const *names, size_t count,
                            size_t same)
{
    fvm_buf out;
    fvm_cid cid;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, count));
    for (size_t i = 0; i < count; i++) {
        fvm_cid code = code_of(i == same ? 0 : (unsigned)i);
        CHECK_OK(fvm_cbor_put_array(&out, 2));
        CHECK_OK(fvm_cbor_put_text(&out, fvm_bytes_of(names[i])));
        CHECK_OK(fvm_cbor_put_cid(&out, &code));
    }
    CHECK_OK(fvm_blockstore_put_new(bs, &cid, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out)));
    fvm_buf_deinit(&out);
    return cid;
}

static const char *const all_names[] = { "system", "init",       "account", "placeholder",
                                         "eam",    "ethaccount", "reward",  "evm" };

TEST(types_are_positions_from_one)
{
    fvm_blockstore bs;
    fvm_manifest *m;
    fvm_bytes name;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid data = put_manifest(&bs, all_names, 8, SIZE_MAX);
    CHECK_OK(fvm_manifest_load(&m, &bs, &data, fvm_network_find(21), NULL));
    CHECK(fvm_manifest_count(m) == 8);
    for (uint32_t t = 1; t <= 8; t++) {
        fvm_cid code = code_of(t - 1);
        CHECK(fvm_manifest_type(m, &code) == t);
        CHECK(fvm_cid_eq(fvm_manifest_code(m, t, &name), &code));
        CHECK_BYTES(name, fvm_bytes_of(all_names[t - 1]));
        CHECK(fvm_manifest_is_singleton(m, &code) == (t == 1 || t == 2 || t == 7));
    }
    CHECK(!fvm_manifest_code(m, 0, NULL) && !fvm_manifest_code(m, 9, NULL));
    fvm_cid other = code_of(77), account = code_of(2), eth = code_of(5);
    CHECK(fvm_manifest_type(m, &other) == 0 && !fvm_manifest_is_singleton(m, &other));
    CHECK(fvm_cid_eq(fvm_manifest_builtin(m, FVM_BUILTIN_ACCOUNT), &account));
    CHECK(fvm_cid_eq(fvm_manifest_builtin(m, FVM_BUILTIN_ETHACCOUNT), &eth));
    fvm_manifest_free(m);
    fvm_blockstore_free(&bs);
}

TEST(of_equal_codes_the_last_position_counts)
{
    fvm_blockstore bs;
    fvm_manifest *m;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid data = put_manifest(&bs, all_names, 8, 7), code = code_of(0);
    CHECK_OK(fvm_manifest_load(&m, &bs, &data, fvm_network_find(29), NULL));
    CHECK(fvm_manifest_type(m, &code) == 8);
    CHECK(fvm_cid_eq(fvm_manifest_builtin(m, FVM_BUILTIN_SYSTEM), &code));
    fvm_manifest_free(m);
    fvm_blockstore_free(&bs);
}

TEST(required_names_depend_on_the_generation)
{
    fvm_blockstore bs;
    fvm_manifest *m = NULL;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    fvm_cid three = put_manifest(&bs, all_names, 3, SIZE_MAX);
    CHECK_OK(fvm_manifest_load(&m, &bs, &three, fvm_network_find(17), NULL));
    CHECK(!fvm_manifest_builtin(m, FVM_BUILTIN_EAM) && fvm_manifest_builtin(m, FVM_BUILTIN_INIT));
    fvm_manifest_free(m);
    m = NULL;
    CHECK_ERR(fvm_manifest_load(&m, &bs, &three, fvm_network_find(18), NULL), FVM_ERR_BAD_STATE);
    fvm_cid five = put_manifest(&bs, all_names, 5, SIZE_MAX);
    CHECK_ERR(fvm_manifest_load(&m, &bs, &five, fvm_network_find(28), NULL), FVM_ERR_BAD_STATE);
    fvm_cid two = put_manifest(&bs, all_names, 2, SIZE_MAX);
    CHECK_ERR(fvm_manifest_load(&m, &bs, &two, fvm_network_find(17), NULL), FVM_ERR_BAD_STATE);
    fvm_cid nowhere = code_of(9);
    CHECK_ERR(fvm_manifest_load(&m, &bs, &nowhere, fvm_network_find(28), NULL),
              FVM_ERR_MISSING_BLOCK);
    CHECK(m == NULL);
    fvm_blockstore_free(&bs);
}

TEST(manifests_that_do_not_decode_are_broken_state)
{
    static const char *const refused[] = {
        "",                   /* empty */
        "a0",                 /* a map */
        "9bffffffffffffffff", /* a count that lies */
        "8181617a",           /* rows of one */
        "818261 7af6",        /* null for a CID */
        "80 80",              /* something after */
    };
    fvm_blockstore bs;
    fvm_manifest *m = NULL;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        char hex[64];
        uint8_t room[64];
        size_t n = 0;
        for (const char *p = refused[i]; *p; p++)
            if (*p != ' ') hex[n++] = *p;
        hex[n] = 0;
        fvm_cid cid;
        CHECK_OK(fvm_blockstore_put_new(&bs, &cid, FVM_CODEC_DAG_CBOR,
                                        test_hex(room, sizeof room, hex)));
        CHECK_AT(refused[i],
                 fvm_manifest_load(&m, &bs, &cid, fvm_network_find(17), NULL) == FVM_ERR_BAD_STATE);
    }
    fvm_blockstore_free(&bs);
}

static fvm_err load_all(const fvm_allocator *alloc, void *ctx)
{
    const fvm_blockstore *bs = ctx;
    const char *names[40];
    for (size_t i = 0; i < 40; i++) names[i] = i < 8 ? all_names[i] : "more";
    fvm_cid data = put_manifest(bs, names, 40, SIZE_MAX);
    fvm_manifest *m;
    FVM_TRY(fvm_manifest_load(&m, bs, &data, fvm_network_find(25), alloc));
    fvm_manifest_free(m);
    return FVM_OK;
}

TEST(loading_survives_each_allocation_failing)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    test_each_allocation_fails(load_all, &bs);
    fvm_blockstore_free(&bs);
}

TEST(an_account_state_is_its_address)
{
    uint8_t room[80];
    fvm_address a = fvm_address_id(5), was = a;
    CHECK_OK(fvm_account_state_address(
        &a, test_hex(room, sizeof room, "815501df034b2156625ebac9d8f7c7af61eff43a451e9f"), true));
    CHECK(a.len == 21 && a.bytes[0] == 1);
    a = was;
    static const char *const refused[] = { "",       "80",           "81",        "8140",
                                           "814105", "81430405aaff", "82420005f6" };
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        CHECK_AT(refused[i], fvm_account_state_address(&a, test_hex(room, sizeof room, refused[i]),
                                                       true) == FVM_ERR_BAD_STATE);
        CHECK_AT(refused[i], fvm_address_eq(&a, &was));
    }
    CHECK_OK(fvm_account_state_address(&a, test_hex(room, sizeof room, "81420405"), true));
    CHECK_ERR(fvm_account_state_address(&a, test_hex(room, sizeof room, "81420405"), false),
              FVM_ERR_BAD_STATE);
}

TEST(the_system_actor_names_the_manifest)
{
    fvm_blockstore bs;
    fvm_state_view *view;
    fvm_cid data = code_of(3), got, head;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_state_view_new(&view, &bs, fvm_network_find(21), NULL));
    CHECK_ERR(fvm_system_state_manifest(view, &got), FVM_ERR_BAD_STATE); /* no actor 0 */
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_cbor_put_array(&out, 1));
    CHECK_OK(fvm_cbor_put_cid(&out, &data));
    head = fvm_cid_of(FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&out));
    fvm_actor actor = { .code = code_of(0), .head = head };
    CHECK_OK(fvm_state_set(view, FVM_ID_SYSTEM, &actor));
    CHECK_ERR(fvm_system_state_manifest(view, &got), FVM_ERR_MISSING_BLOCK);
    CHECK_OK(fvm_blockstore_put(&bs, &head, fvm_buf_bytes(&out)));
    CHECK_OK(fvm_system_state_manifest(view, &got));
    CHECK(fvm_cid_eq(&got, &data));
    fvm_buf_deinit(&out);
    fvm_state_view_free(view);
    fvm_blockstore_free(&bs);
}
