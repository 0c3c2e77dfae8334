#include "base/map.h"
#include "test.h"

static fvm_bytes key_of(const uint64_t *n)
{
    return (fvm_bytes){ (const uint8_t *)n, sizeof *n };
}

TEST(map_finds_what_was_put_and_only_that)
{
    fvm_map map;
    fvm_map_entry *e;
    bool inserted;
    fvm_map_init(&map, NULL);
    CHECK(!fvm_map_get(&map, FVM_STR("a")) && !fvm_map_remove(&map, FVM_STR("a")));
    CHECK_OK(fvm_map_put(&map, &e, &inserted, FVM_STR("a")));
    CHECK(inserted && e->value.u64 == 0);
    e->value.u64 = 5;
    CHECK_OK(fvm_map_put(&map, &e, &inserted, FVM_STR("a")));
    CHECK(!inserted && e->value.u64 == 5);
    CHECK(!fvm_map_get(&map, FVM_STR("")) && !fvm_map_get(&map, FVM_STR("ab")));
    CHECK_OK(fvm_map_put(&map, &e, NULL, FVM_STR("")));
    CHECK(fvm_map_get(&map, FVM_STR("")) == e && map.live == 2);
    CHECK(fvm_map_remove(&map, FVM_STR("a")) && !fvm_map_get(&map, FVM_STR("a")));
    fvm_map_clear(&map);
    CHECK(map.live == 0 && !fvm_map_get(&map, FVM_STR("")));
    CHECK_OK(fvm_map_put(&map, &e, NULL, FVM_STR("b")));
    fvm_map_deinit(&map);
}

TEST(map_iterates_in_insertion_order)
{
    fvm_map map;
    fvm_map_init(&map, NULL);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t k = i * 0x9e3779b97f4a7c15;
        fvm_map_entry *e;
        CHECK_OK(fvm_map_put(&map, &e, NULL, key_of(&k)));
        e->value.u64 = i;
    }
    for (uint64_t i = 1; i < 1000; i += 3) {
        uint64_t k = i * 0x9e3779b97f4a7c15;
        CHECK(fvm_map_remove(&map, key_of(&k)));
    }
    size_t at = 0;
    uint64_t want = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&map, &at)); want++) {
        if (want % 3 == 1) want++;
        CHECK(e->value.u64 == want);
    }
    CHECK(want >= 999);
    fvm_map_deinit(&map);
}

/* against an array indexed by a small key */
TEST(map_agrees_with_a_plain_model)
{
    enum { KEYS = 300 };
    for (uint64_t seed = 1; seed <= test_rounds(20); seed++) {
        test_rng rng = { seed };
        bool there[KEYS] = { false };
        uint64_t values[KEYS] = { 0 };
        size_t live = 0;
        fvm_map map;
        fvm_map_init(&map, NULL);
        for (size_t step = 0; step < 5000; step++) {
            uint64_t k = test_rng_below(&rng, KEYS), what = test_rng_below(&rng, 10);
            fvm_map_entry *e = fvm_map_get(&map, key_of(&k));
            CHECK((e != NULL) == there[k]);
            if (e) CHECK(e->value.u64 == values[k]);
            if (what < 5) {
                CHECK_OK(fvm_map_put(&map, &e, NULL, key_of(&k)));
                e->value.u64 = values[k] = test_rng_next(&rng);
                live += !there[k];
                there[k] = true;
            } else if (what < 9) {
                CHECK(fvm_map_remove(&map, key_of(&k)) == there[k]);
                live -= there[k];
                there[k] = false;
            } else if (step % 100 == 0) {
                fvm_map_clear(&map);
                memset(there, 0, sizeof there);
                live = 0;
            }
            CHECK(map.live == live);
        }
        CHECK_AT("removed keys do not pile up", map.cap <= 4 * KEYS);
        fvm_map_deinit(&map);
    }
}

static fvm_err fill(const fvm_allocator *alloc, void *ctx)
{
    (void)ctx;
    fvm_map map;
    fvm_err err = FVM_OK;
    fvm_map_init(&map, alloc);
    for (uint64_t i = 0; i < 60 && !err; i++) {
        fvm_map_entry *e;
        err = fvm_map_put(&map, &e, NULL, key_of(&i));
        if (err) CHECK(map.live == i && !fvm_map_get(&map, key_of(&i)));
    }
    fvm_map_deinit(&map);
    return err;
}

TEST(map_survives_each_failing_allocation)
{
    test_each_allocation_fails(fill, NULL);
}
