/* The parts that a ledger's memory is made of, each against what it replaces: the hash table against the
 * library's map, the index that is late against a list, the cache against what it was given. */
#include "chain/ledger_internal.h"
#include "store_helpers.h"

static fvm__entry_key key_of(uint8_t room[16], unsigned table, uint64_t n)
{
    room[0] = (uint8_t)(table + 1);
    fvm_store_le64(room + 1, n);
    return fvm__entry_key_of((fvm_bytes){ room, 9 });
}

static fvm__entry_node *node_of(uint64_t n, uint8_t value, size_t len)
{
    uint8_t room[16], data[64];
    const fvm__entry_key key = key_of(room, FVM__LEDGER_BLOCKS, n);
    memset(data, value, sizeof data);
    const fvm_bytes bytes = { data, len };
    fvm__entry_node *node = fvm__table_entry_new(NULL, key.hash, key.bytes, &bytes);
    CHECK(node != NULL);
    return node;
}

static fvm__entry_node *find(const fvm__entry_table *table, uint64_t n)
{
    uint8_t room[16];
    const fvm__entry_key key = key_of(room, FVM__LEDGER_BLOCKS, n);
    return fvm__table_get(table, key.hash, key.bytes);
}

/* --- the table --- */

TEST(ledger_table_agrees_with_an_array_while_it_grows)
{
    enum { KEYS = 5000 };
    static int want[KEYS];
    fvm__entry_table table = { .count = 0 };
    test_rng rng = { 1 };
    size_t live = 0;
    memset(want, 0, sizeof want);
    for (size_t i = 0; i < test_rounds(40000); i++) {
        uint64_t n = test_rng_below(&rng, KEYS);
        fvm__entry_node *node = find(&table, n);
        CHECK((node != NULL) == (want[n] != 0));
        if (node) CHECK(node->value.len == 8 && node->value.ptr[0] == (uint8_t)want[n]);
        if (node && test_rng_below(&rng, 3) == 0) {
            fvm__table_take(&table, node);
            fvm__entry_free(NULL, node);
            want[n] = 0;
            live--;
        } else {
            live += want[n] == 0;
            want[n] = 1 + (int)test_rng_below(&rng, 255);
            fvm__table_put(&table, NULL, node_of(n, (uint8_t)want[n], 8));
        }
        CHECK(table.count == live);
    }
    size_t seen = 0, bytes = 0;
    for (const fvm__entry_node *node = NULL; (node = fvm__table_next(&table, node)); seen++)
        bytes += node->size;
    CHECK(seen == live && bytes == table.bytes);
    CHECK(FVM__TABLE_FIRST + table.more >= live / 2); /* it has grown, and chains are short */
    fvm__table_clear(&table, NULL);
    CHECK(table.count == 0 && table.bytes == 0 && !find(&table, 1));
}

TEST(ledger_table_is_gone_through_in_the_order_of_putting)
{
    fvm__entry_table table = { .count = 0 };
    for (uint64_t n = 0; n < 1000; n++) fvm__table_put(&table, NULL, node_of(n, 1, 1));
    fvm__table_put(&table, NULL, node_of(7, 2, 1)); /* again: now it is the newest */
    fvm__entry_node *gone = find(&table, 0);
    fvm__table_take(&table, gone);
    fvm__entry_free(NULL, gone);
    uint64_t want = 1;
    const fvm__entry_node *node = NULL;
    for (; want < 1000; want++) {
        if (want == 7) continue;
        node = fvm__table_next(&table, node);
        CHECK(node && fvm_load_le64(node->key.ptr + 1) == want);
    }
    node = fvm__table_next(&table, node);
    CHECK(node && fvm_load_le64(node->key.ptr + 1) == 7 && !fvm__table_next(&table, node));
    fvm__table_clear(&table, NULL);
}

static void *refuse(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ptr, (void)old_size, (void)new_size;
    (*(unsigned *)ctx)++;
    return NULL;
}

TEST(ledger_table_without_memory_to_grow_still_takes_what_it_is_given)
{
    unsigned refused = 0;
    fvm__entry_table table = { .count = 0 };
    const fvm_allocator none = { refuse, &refused };
    for (uint64_t n = 0; n < 2000; n++)
        fvm__table_put(&table, &none, node_of(n, 3, 1)); /* nodes are from elsewhere */
    CHECK(table.more == 0 && refused > 0);
    for (uint64_t n = 0; n < 2000; n++) CHECK(find(&table, n) != NULL);
    fvm__table_clear(&table, NULL);
}

/* --- what is late --- */

TEST(ledger_late_index_gives_the_last_place_below)
{
    fvm__late late = { 0 };
    const uint64_t hash = UINT64_C(0xf000000000000001), other = hash ^ UINT64_C(1) << 40;
    unsigned slice = fvm__late_slice_of(hash);
    CHECK(slice == 30 && fvm__late_slice_of(other) == slice);
    CHECK(fvm__late_find(&late, hash, UINT64_MAX) == 0);
    for (uint64_t place = 1; place <= 500; place++) {
        CHECK_OK(fvm__late_reserve(&late, NULL, slice, 1));
        fvm__late_add(&late, (fvm__late_entry){ place % 5 ? other + place : hash, place });
    }
    for (uint64_t place = 500, below = UINT64_MAX; place >= 5; below = place, place -= 5)
        CHECK(fvm__late_find(&late, hash, below) == place);
    CHECK(fvm__late_find(&late, hash, 5) == 0);
    CHECK(fvm__late_find(&late, other + 3, UINT64_MAX) == 3);
    CHECK(late.slices[slice].count == 500);
    static fvm__late_entry all[500];
    uint64_t sum = 0;
    fvm__late_copy(&late, slice, all);
    for (size_t i = 0; i < 500; i++) sum += all[i].place;
    CHECK(sum == 500 * 501 / 2);
    fvm__late_drop(&late, slice);
    CHECK(fvm__late_find(&late, hash, UINT64_MAX) == 0 && late.slices[slice].count == 0);
    fvm__late_deinit(&late, NULL);
}

/* --- the cache --- */

static bool cached(fvm__cache *cache, uint64_t n)
{
    uint8_t room[16];
    const fvm__entry_key key = key_of(room, FVM__LEDGER_BLOCKS, n);
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    fvm_err err = fvm__cache_get(cache, &out, &key);
    CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
    if (err == FVM_OK) CHECK(out.len == 4000 && out.ptr[0] == (uint8_t)n && out.ptr[3999] == 1);
    fvm_buf_deinit(&out);
    return err == FVM_OK;
}

static void put_cached(fvm__cache *cache, uint64_t n, size_t len)
{
    static uint8_t data[1 << 20];
    uint8_t room[16];
    const fvm__entry_key key = key_of(room, FVM__LEDGER_BLOCKS, n);
    memset(data, 1, sizeof data);
    data[0] = (uint8_t)n;
    fvm__cache_put(cache, &key, (fvm_bytes){ data, len });
}

TEST(ledger_cache_keeps_what_is_looked_for_and_no_more_than_its_bytes)
{
    enum { COUNT = 10000 }; /* 40 MB, into 16 MiB */
    fvm__cache cache;
    fvm__cache_init(&cache, NULL);
    for (uint64_t n = 0; n < COUNT; n++) {
        put_cached(&cache, n, 4000);
        CHECK(cached(&cache, n));
        if (n >= 20) CHECK(cached(&cache, n % 20)); /* looked for again and again */
    }
    size_t bytes = 0, kept = 0;
    for (unsigned i = 0; i < FVM__CACHE_SHARDS; i++)
        bytes += cache.shards[i].newer.bytes + cache.shards[i].older.bytes;
    CHECK(bytes <= FVM__CACHE_SHARDS * FVM__CACHE_SHARD_BYTES && bytes > 4000000);
    for (uint64_t n = 20; n < COUNT / 4; n++) kept += cached(&cache, n);
    CHECK(kept == 0);
    for (uint64_t n = 0; n < 20; n++) CHECK(cached(&cache, n));
    put_cached(&cache, COUNT, 1 << 20); /* too large for a shard */
    uint8_t room[16];
    const fvm__entry_key key = key_of(room, FVM__LEDGER_BLOCKS, COUNT);
    CHECK_ERR(fvm__cache_get(&cache, NULL, &key), FVM_ERR_NOT_FOUND);
    fvm__cache_deinit(&cache);
}

/* --- two keys of one hash --- */

TEST(ledger_index_that_leads_to_another_key_is_asked_further)
{
    temp_folder t = temp_folder_new();
    temp_path path = in_folder(&t, "ledger");
    fvm_ledger *ledger;
    fvm_ledger_options options = { .folder = path.text };
    uint8_t rooms[2][FVM__LEDGER_KEY_MAX];
    fvm_buf out;
    CHECK_OK(fvm_ledger_open(&ledger, &options, NULL, NULL));
    fvm_ledger_begin(ledger);
    CHECK_OK(fvm_ledger_put(ledger, FVM_LEDGER_ORDERED, FVM_STR("a"), FVM_STR("1")));
    CHECK_OK(fvm_ledger_put(ledger, FVM_LEDGER_ORDERED, FVM_STR("b"), FVM_STR("2")));
    CHECK_OK(fvm_ledger_commit(ledger));
    CHECK_OK(fvm_ledger_sync(ledger));
    const fvm__entry_key a = fvm__entry_key_of(
        fvm__ledger_key(rooms[0], FVM_LEDGER_ORDERED, FVM_STR("a")));
    const fvm__entry_key b = fvm__entry_key_of(
        fvm__ledger_key(rooms[1], FVM_LEDGER_ORDERED, FVM_STR("b")));
    uint64_t at = fvm__late_find(&ledger->db.late, b.hash, UINT64_MAX);
    if (at == 0) at = 2; /* its slice was the first */
    /* as if "a" and "b" had one hash: "b" came later under that of "a" */
    CHECK_OK(fvm__late_reserve(&ledger->db.late, NULL, fvm__late_slice_of(a.hash), 1));
    fvm__late_add(&ledger->db.late, (fvm__late_entry){ a.hash, at });
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_ledger_get(ledger, &out, FVM_LEDGER_ORDERED, FVM_STR("a"), false));
    CHECK_OK(fvm_ledger_get(ledger, &out, FVM_LEDGER_ORDERED, FVM_STR("b"), false));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("12"));
    fvm_buf_deinit(&out);
    fvm_ledger_close(ledger);
    temp_folder_free(&t);
}
