/* prop_evm_storage.c - the actor's own trie beside src/ipld/kamt.c: the same root after the same
 * stores, flushed and loaded again in between, and the same values. */
#include "test.h"

#include <fvm/actor/mock.h>

#include "ipld/kamt.h"
#include "storage.h"

#define KEYS 300

static test_rng rng;
static fvm_cid empty_root;

/* Key number k: small ones, one bit set, long common fronts and tails. */
static void key_number(word *out, unsigned k)
{
    uint8_t bytes[32] = { 0 };
    if (k < 96) {
        bytes[31] = (uint8_t)k;
    } else if (k < 160) {
        bytes[k % 32] = (uint8_t)(1u << k / 32);
    } else if (k < 224) {
        memset(bytes, 0xff, k % 32 + 1);
        bytes[31] = (uint8_t)k;
    } else {
        test_rng own = { k / 4 };
        test_rng_fill(&own, bytes, 32);
        bytes[31] ^= (uint8_t)(k % 4);
    }
    word_read(out, bytes);
}

static void model_set(fvm_kamt *model, const word *key, const word *value)
{
    uint8_t name[32], item[40];
    word_write(name, key);
    if (fvm_u256_is_zero(value)) {
        fvm_err err = fvm_kamt_delete(model, NULL, name);
        CHECK(err == FVM_OK || err == FVM_ERR_NOT_FOUND);
        return;
    }
    unsigned n = evm_write_short(item + 2, value);
    uint8_t *start = item + (n < 24);
    start[0] = n < 24 ? (uint8_t)(0x40 + n) : 0x58;
    if (n >= 24) start[1] = (uint8_t)n;
    CHECK_OK(fvm_kamt_set(model, name, (fvm_bytes){ start, n + (n < 24 ? 1 : 2) }));
}

static void model_get(word *out, fvm_kamt *model, const word *key)
{
    uint8_t name[32], bytes[32] = { 0 };
    fvm_bytes item;
    word_write(name, key);
    word_set(out, 0);
    if (fvm_kamt_get(model, &item, name) != FVM_OK) return;
    unsigned head = item.ptr[0] == 0x58 ? 2 : 1;
    memcpy(bytes + 32 - (item.len - head), item.ptr + head, item.len - head);
    word_read(out, bytes);
}

static void draw_value(word *value)
{
    uint8_t bytes[32];
    test_rng_fill(&rng, bytes, sizeof bytes);
    memset(bytes, 0, test_rng_below(&rng, 33));
    word_read(value, bytes);
    if (test_rng_below(&rng, 3) == 0) word_set(value, 0);
}

static void compare_run(void)
{
    fvm_blockstore bs;
    fvm_kamt *model;
    unsigned range = 2 + (unsigned)test_rng_below(&rng, KEYS - 2);
    unsigned from = (unsigned)test_rng_below(&rng, KEYS - range + 1);
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    CHECK_OK(fvm_kamt_new(&model, &bs, 5, NULL));
    storage_node *root = storage_new();
    for (size_t step = 30 + test_rng_below(&rng, 300); step; step--) {
        word key, value, got, want;
        key_number(&key, from + (unsigned)test_rng_below(&rng, range));
        model_get(&want, model, &key);
        storage_get(root, &got, &key);
        CHECK(fvm_u256_eq(&got, &want));
        draw_value(&value);
        CHECK(storage_set(root, &key, &value) == !fvm_u256_eq(&want, &value));
        model_set(model, &key, &value);
        if (test_rng_below(&rng, 20) && step > 1) continue;
        uint8_t cid[FVM_LINK_LEN], expected[FVM_CID_BYTES_MAX];
        fvm_cid model_root;
        storage_flush(root, cid);
        CHECK_OK(fvm_kamt_flush(model, &model_root));
        (void)fvm_cid_write(expected, &model_root);
        CHECK(memcmp(cid, expected, FVM_LINK_LEN) == 0);
        if (test_rng_below(&rng, 2)) root = storage_load(cid);
    }
    fvm_kamt_free(model);
    fvm_blockstore_free(&bs);
}

static const uint8_t *hostile;
static size_t hostile_len;

/* A block that may be no node: reading it ends the call with 20 or 17, or gives values. */
static void load_hostile(void)
{
    uint8_t cid[FVM_LINK_LEN];
    word key, value;
    fvm_block_put(cid, FVM_BLOCK_DAG_CBOR, (fvm_bytes){ hostile, hostile_len });
    storage_node *root = storage_load(cid);
    for (unsigned k = 0; k < KEYS; k += 7) {
        key_number(&key, k);
        storage_get(root, &value, &key);
    }
}

static void (*body)(void);
uint32_t invoke(uint32_t params);
uint32_t invoke(uint32_t params)
{
    (void)params;
    body();
    return 0;
}

static uint32_t in_call(void (*fn)(void))
{
    body = fn;
    return fvm_mock_call(2, (fvm_bytes){ 0 }).exit_code;
}

TEST(storage_has_the_roots_and_values_of_the_hosts_kamt)
{
    rng = (test_rng){ 41 };
    (void)empty_root;
    for (size_t i = test_rounds(150); i; i--) {
        fvm_mock_reset();
        CHECK(in_call(compare_run) == 0);
    }
}

static void make_node(void)
{
    static uint8_t node[4096];
    uint8_t cid[FVM_LINK_LEN];
    fvm_block_opened block;
    int32_t rest;
    storage_node *root = storage_new();
    for (unsigned k = 0; k < KEYS; k += 5) {
        word key, value;
        key_number(&key, k);
        word_set(&value, k + 1);
        (void)storage_set(root, &key, &value);
    }
    storage_flush(root, cid);
    fvm_check(fvm_sys_block_open(&block, cid));
    CHECK(block.size <= sizeof node);
    fvm_check(fvm_sys_block_read(&rest, block.id, 0, node, block.size));
    hostile = node;
    hostile_len = block.size;
}

TEST(broken_nodes_end_the_call)
{
    static uint8_t bent[4096];
    rng = (test_rng){ 42 };
    fvm_mock_reset();
    CHECK(in_call(make_node) == 0);
    const uint8_t *good = hostile;
    size_t good_len = hostile_len;
    for (size_t i = test_rounds(3000); i; i--) {
        memcpy(bent, good, good_len);
        for (uint64_t n = test_rng_below(&rng, 3); n < 3; n++)
            bent[test_rng_below(&rng, good_len)] = (uint8_t)test_rng_next(&rng);
        hostile = bent;
        hostile_len = good_len - (i % 3 == 0 ? test_rng_below(&rng, good_len) : 0);
        fvm_mock_reset();
        (void)in_call(load_hostile); /* sanitizers tell when it goes astray */
    }
}
