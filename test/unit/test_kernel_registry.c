/* Blocks by handle, and the set of CIDs that an invocation may name. */
#include "kernel_fixture.h"

static fvm_ipld_block *block_of(fixture *f, uint64_t codec, const fvm_cid *links, uint32_t count)
{
    fvm_ipld_block *block = fvm__block_new(&f->arena, codec, FVM_STR("x"));
    CHECK(block);
    block->links = links;
    block->link_count = count;
    return block;
}

TEST(handles_count_from_one)
{
    fixture f;
    uint32_t handle;
    fixture_open(&f, 21);
    for (uint32_t i = 1; i <= 100; i++) {
        fvm_ipld_block *block = block_of(&f, FVM_CODEC_RAW, NULL, 0);
        CHECK_OK(fvm__registry_put(&f.inv, &handle, block));
        CHECK(handle == i && fvm__registry_get(&f.inv.registry, i) == block);
    }
    CHECK(!fvm__registry_get(&f.inv.registry, 0) && !fvm__registry_get(&f.inv.registry, 101));
    CHECK(!fvm__registry_get(&f.inv.registry, UINT32_MAX));
    fixture_close(&f);
}

TEST(a_full_registry_takes_no_block)
{
    fixture f;
    uint32_t handle = 7;
    fixture_open(&f, 21);
    fvm_ipld_block *block = block_of(&f, FVM_CODEC_RAW, NULL, 0);
    f.inv.registry.count = f.inv.registry.cap = FVM__REGISTRY_MAX; /* 16 GiB of pointers, if real */
    CHECK(fvm__registry_full(&f.inv.registry));
    CHECK_ERR(fvm__registry_put(&f.inv, &handle, block), FVM_ERR_SYS_LIMIT_EXCEEDED);
    CHECK_ERR(fvm__registry_put_checked(&f.inv, &handle, block), FVM_ERR_SYS_LIMIT_EXCEEDED);
    CHECK(handle == 7);
    fixture_close(&f);
}

TEST(codecs_are_limited_before_nv21)
{
    static const struct {
        uint32_t version;
        uint64_t codec;
        fvm_err err;
    } rows[] = {
        { 17, FVM_CODEC_DAG_CBOR, FVM_OK },
        { 17, FVM_CODEC_CBOR, FVM_ERR_SYS_ILLEGAL_CODEC },
        { 17, FVM_CODEC_RAW, FVM_ERR_SYS_ILLEGAL_CODEC },
        { 18, FVM_CODEC_DAG_CBOR, FVM_OK },
        { 20, FVM_CODEC_CBOR, FVM_OK },
        { 20, FVM_CODEC_RAW, FVM_OK },
        { 20, FVM_CODEC_DAG_PB, FVM_ERR_SYS_ILLEGAL_CODEC },
        { 21, FVM_CODEC_CBOR, FVM_OK },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        fixture f;
        uint32_t handle;
        fixture_open(&f, rows[i].version);
        fvm_ipld_block *block = block_of(&f, rows[i].codec, NULL, 0);
        CHECK(fvm__registry_put(&f.inv, &handle, block) == rows[i].err);
        fixture_close(&f);
    }
}

TEST(a_received_block_makes_its_links_reachable_and_a_made_one_needs_them)
{
    fixture f;
    uint32_t handle;
    fixture_open(&f, 21);
    fvm_cid links[3] = { fixture_link(1), fixture_link(2), fixture_link(1) };
    fvm_ipld_block *both = block_of(&f, FVM_CODEC_DAG_CBOR, links, 3);
    fvm_ipld_block *first = block_of(&f, FVM_CODEC_DAG_CBOR, links, 1);
    CHECK_ERR(fvm__registry_put_checked(&f.inv, &handle, first), FVM_ERR_SYS_NOT_FOUND);
    CHECK_OK(fvm__registry_put(&f.inv, &handle, first));
    CHECK_ERR(fvm__registry_put_checked(&f.inv, &handle, both), FVM_ERR_SYS_NOT_FOUND);
    CHECK_OK(fvm__registry_put_checked(&f.inv, &handle, first));
    CHECK_OK(fvm__registry_put(&f.inv, &handle, both));
    CHECK_OK(fvm__registry_put_checked(&f.inv, &handle, both));
    CHECK(handle == 4 && f.inv.reachable.count == 2);
    fixture_close(&f);
}

/* A set against a plain list, over CIDs that differ in any of their parts. */
static fvm_cid some_cid(test_rng *rng)
{
    fvm_cid cid = { .version = 1,
                    .codec = 0x50 + test_rng_below(rng, 3),
                    .hash = FVM_HASH_IDENTITY };
    cid.digest_len = (uint8_t)test_rng_below(rng, 4);
    for (unsigned i = 0; i < cid.digest_len; i++) cid.digest[i] = (uint8_t)test_rng_below(rng, 3);
    if (test_rng_below(rng, 5) == 0) cid.hash <<= 1, cid.hash |= 0x12;
    return cid;
}

TEST(a_set_of_cids_has_what_was_added_and_nothing_else)
{
    test_rng rng = { 42 };
    for (size_t round = 0; round < test_rounds(20); round++) {
        fvm_arena arena;
        fvm_cid_set set = { 0 };
        fvm_cid list[300];
        size_t count = 0;
        fvm_arena_init(&arena, NULL);
        for (int i = 0; i < 300; i++) {
            fvm_cid cid = some_cid(&rng);
            bool known = false;
            for (size_t j = 0; j < count; j++) known = known || fvm_cid_eq(&list[j], &cid);
            CHECK(fvm__cid_set_has(&set, &cid) == known);
            if (test_rng_below(&rng, 2)) continue;
            CHECK_OK(fvm__cid_set_add_copy(&set, &arena, &cid));
            if (!known) list[count++] = cid;
            CHECK(set.count == count);
        }
        for (size_t j = 0; j < count; j++) CHECK(fvm__cid_set_has(&set, &list[j]));
        fvm_arena_deinit(&arena);
    }
}
