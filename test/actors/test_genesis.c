/* The genesis state: the same everywhere, on any bundle, and refused when it cannot be. */
#include "twin.h"

#include <fvm/store.h>

static fvm_bytes seed(uint8_t *room, size_t len, uint8_t byte)
{
    memset(room, byte, len);
    return (fvm_bytes){ room, len };
}

/* A network on a bundle, with one account of each kind. */
typedef struct setting {
    fvm_blockstore bundle, store;
    fvm_bundle_info info;
    uint8_t eth[20], key[65], bls[48];
    fvm_address signers[2];
    fvm_genesis_account account[4];
    fvm_genesis_network network;
} setting;

static bool setting_open(setting *s, const char *bundle)
{
    *s = (setting){ .network = { .network_version = 27, .network_name = "test" } };
    fvm_err err = fvm_bundle_open(&s->bundle, &s->info, NULL, bundle, NULL, NULL);
    if (err == FVM_ERR_NOT_FOUND) return false;
    CHECK_OK(err);
    CHECK_OK(fvm_blockstore_memory_new(&s->store, NULL));
    (void)seed(s->key, sizeof s->key, 4);
    (void)seed(s->bls, sizeof s->bls, 5);
    s->account[0].address = fvm_address_secp256k1(s->key);
    s->account[1].address = fvm_address_bls(s->bls);
    CHECK_OK(fvm_address_delegated(&s->account[2].address, 10, seed(s->eth, sizeof s->eth, 6)));
    s->signers[0] = s->account[0].address;
    s->signers[1] = fvm_address_id(101);
    s->account[3].signers = s->signers;
    s->account[3].signer_count = 2;
    s->account[3].threshold = 1;
    for (size_t i = 0; i < FVM_COUNT(s->account); i++)
        s->account[i].balance = fvm_big_u64(1000 + i);
    s->network.bundle = &s->bundle;
    s->network.manifest = s->info.manifest;
    s->network.accounts = s->account;
    s->network.account_count = FVM_COUNT(s->account);
    return true;
}

static void setting_close(setting *s)
{
    fvm_blockstore_free(&s->store);
    fvm_blockstore_free(&s->bundle);
}

TEST(the_same_network_has_the_same_root)
{
    static const char *const bundles[] = { FVM_BUNDLE_EMBEDDED, FVM_BUNDLE_EMBEDDED_USER,
                                           "mainnet-v18" };
    fvm_cid roots[FVM_COUNT(bundles)];
    size_t count = 0;
    for (size_t i = 0; i < FVM_COUNT(bundles); i++) {
        setting s;
        fvm_cid again;
        fvm_address addresses[4];
        if (!setting_open(&s, bundles[i])) continue;
        CHECK_OK(fvm_genesis_network_build(&roots[count], addresses, &s.store, &s.network, NULL));
        CHECK(fvm_address_eq(&addresses[2], &s.account[2].address));
        CHECK(fvm_address_protocol(&addresses[3]) == FVM_PROTOCOL_ACTOR);
        setting_close(&s);
        CHECK(setting_open(&s, bundles[i]));
        CHECK_OK(fvm_genesis_network_build(&again, NULL, &s.store, &s.network, NULL));
        CHECK(fvm_cid_eq(&roots[count], &again));
        /* an atto more is another state */
        s.account[0].balance = fvm_big_u64(1001);
        CHECK_OK(fvm_genesis_network_build(&again, NULL, &s.store, &s.network, NULL));
        CHECK(!fvm_cid_eq(&roots[count], &again));
        setting_close(&s);
        for (size_t j = 0; j < count; j++) CHECK(!fvm_cid_eq(&roots[count], &roots[j]));
        count++;
    }
}

/* mainnet-v18 does not change, so its root is known for good. */
TEST(the_root_on_mainnets_bundle_is_known)
{
    char text[FVM_CID_TEXT_MAX];
    fvm_cid root;
    setting s;
    if (!setting_open(&s, "mainnet-v18")) return;
    CHECK_OK(fvm_genesis_network_build(&root, NULL, &s.store, &s.network, NULL));
    (void)fvm_cid_to_text(text, &root);
    CHECK_AT(text,
             strcmp(text, "bafy2bzacecfprxf4cuvqbniql456gmtmhg2prklagqyickqe2afiio3kcvdmk") == 0);
    setting_close(&s);
}

static void make_twice(setting *s)
{
    s->account[1].address = s->account[0].address;
}
static void make_id_account(setting *s)
{
    s->account[1].address = fvm_address_id(500);
}
static void make_short_eth(setting *s)
{
    CHECK_OK(fvm_address_delegated(&s->account[2].address, 10, (fvm_bytes){ s->eth, 19 }));
}
static void make_other_space(setting *s)
{
    CHECK_OK(fvm_address_delegated(&s->account[2].address, 11, (fvm_bytes){ s->eth, 20 }));
}
static void make_negative(setting *s)
{
    s->account[0].balance.negative = true;
}
static void make_signer_stranger(setting *s)
{
    s->signers[1] = fvm_address_id(104);
}
static void make_signer_twice(setting *s)
{
    s->signers[1] = fvm_address_id(100);
}
static void make_no_signers(setting *s)
{
    s->account[3].signer_count = 0;
}
static void make_high_threshold(setting *s)
{
    s->account[3].threshold = 3;
}
static void make_no_threshold(setting *s)
{
    s->account[3].threshold = 0;
}
static void make_negative_lock(setting *s)
{
    s->account[3].unlock_duration = -1;
}
static void make_old(setting *s)
{
    s->network.network_version = 17;
}
static void make_unknown(setting *s)
{
    s->network.network_version = 99;
}
static void make_no_manifest(setting *s)
{
    s->network.manifest = fvm_cid_of(FVM_CODEC_DAG_CBOR, FVM_STR("not there"));
}

TEST(what_is_no_network_is_refused)
{
    static const struct {
        const char *why;
        void (*make)(setting *s);
        fvm_err err;
    } rows[] = {
        { "an address twice", make_twice, FVM_ERR_INVALID },
        { "an ID as address", make_id_account, FVM_ERR_INVALID },
        { "19 bytes", make_short_eth, FVM_ERR_INVALID },
        { "another namespace", make_other_space, FVM_ERR_INVALID },
        { "a debt", make_negative, FVM_ERR_INVALID },
        { "a signer who is not there", make_signer_stranger, FVM_ERR_INVALID },
        { "a signer twice", make_signer_twice, FVM_ERR_INVALID },
        { "no signers", make_no_signers, FVM_ERR_INVALID },
        { "too high a threshold", make_high_threshold, FVM_ERR_INVALID },
        { "no threshold", make_no_threshold, FVM_ERR_INVALID },
        { "a negative duration", make_negative_lock, FVM_ERR_INVALID },
        { "version 17", make_old, FVM_ERR_VERSION },
        { "version 99", make_unknown, FVM_ERR_VERSION },
        { "another manifest", make_no_manifest, FVM_ERR_MISSING_BLOCK },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fvm_cid root = { .codec = 7 };
        setting s;
        CHECK(setting_open(&s, FVM_BUNDLE_EMBEDDED));
        rows[i].make(&s);
        fvm_err err = fvm_genesis_network_build(&root, NULL, &s.store, &s.network, NULL);
        CHECK_AT(rows[i].why, err == rows[i].err);
        CHECK_AT(rows[i].why, root.codec == 7);
        setting_close(&s);
    }
}

static fvm_err build_once(const fvm_allocator *alloc, void *ctx)
{
    setting *s = ctx;
    fvm_cid root;
    return fvm_genesis_network_build(&root, NULL, &s->store, &s->network, alloc);
}

TEST(lack_of_memory_is_told_and_leaks_nothing)
{
    setting s;
    CHECK(setting_open(&s, FVM_BUNDLE_EMBEDDED));
    test_each_allocation_fails(build_once, &s);
    setting_close(&s);
}

/* The bars of issue 6. */
TEST(actors_are_small)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } limits[] = { { "account", 4000 }, { "multisig", 24000 } };
    fvm_bundle_info info;
    fvm_blockstore bs;
    fvm_buf actors;
    fvm_buf_init(&actors, NULL);
    CHECK_OK(fvm_bundle_open(&bs, &info, NULL, FVM_BUNDLE_EMBEDDED, NULL, NULL));
    CHECK_OK(fvm_bundle_actors(&actors, &bs, &info.manifest, NULL));
    CHECK(info.car_bytes <= 480000);
    const fvm_bundle_actor *a = (const fvm_bundle_actor *)(void *)actors.ptr;
    CHECK(actors.len / sizeof *a == 16);
    for (size_t i = 0; i < actors.len / sizeof *a; i++)
        for (size_t j = 0; j < FVM_COUNT(limits); j++)
            CHECK_AT(a[i].name,
                     strcmp(a[i].name, limits[j].name) != 0 || a[i].bytes <= limits[j].bytes);
    fvm_buf_deinit(&actors);
    fvm_blockstore_free(&bs);
}
