#include "ipld/hamt.h"

#include "ipld_helpers.h"

#define EMPTY "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay"

static fvm_blockstore memory(void)
{
    fvm_blockstore bs;
    CHECK_OK(fvm_blockstore_memory_new(&bs, NULL));
    return bs;
}

static fvm_hamt *empty(const fvm_blockstore *bs, unsigned bit_width)
{
    fvm_hamt *hamt;
    CHECK_OK(fvm_hamt_new(&hamt, bs, bit_width, NULL));
    return hamt;
}

static void set(fvm_hamt *hamt, fvm_bytes key, uint64_t value)
{
    uint8_t room[9];
    CHECK_OK(fvm_hamt_set(hamt, key, cbor_number(room, value)));
}

static void delete(fvm_hamt *hamt, fvm_bytes key)
{
    bool existed;
    CHECK_OK(fvm_hamt_delete(hamt, &existed, key));
    CHECK(existed);
}

static fvm_cid flush(fvm_hamt *hamt)
{
    fvm_cid root;
    CHECK_OK(fvm_hamt_flush(hamt, &root));
    return root;
}

TEST(hamt_example_1_empty)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 40 80", NULL);
    check_cid_text("empty", &root, EMPTY);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_example_2_one_address)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    set(hamt, FVM_BYTES(0x00, 0x64), 1);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 44 04000000 81 81 82 42 0064 01", NULL);
    check_cid_text("one", &root, "bafy2bzacec5pynf2il4hzn2vqbk632wl54yh5xlzad6m6jj7u2warm6bma5be");
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_example_3_four_slots)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    for (uint8_t i = 0; i < 4; i++) set(hamt, FVM_BYTES('k', (uint8_t)('0' + i)), i);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root,
                "82 44 04002021 84 81 82 426b32 02 81 82 426b33 03 81 82 426b31 01 81 82 426b30 00",
                NULL);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_examples_4_and_5_split_and_collapse)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    set(hamt, FVM_STR("0"), 0);
    set(hamt, FVM_STR("26"), 1);
    set(hamt, FVM_STR("28"), 2);
    fvm_cid root = flush(hamt);
    check_block(&bs, &root, "82 42 0800 81 83 82 4130 00 82 423236 01 82 423238 02", NULL);

    set(hamt, FVM_STR("104"), 3);
    root = flush(hamt);
    static const char child_hex[] =
        "82 44 c8000080 84 81 82 423238 02 81 82 43313034 03 81 82 423236 01 81 82 4130 00";
    uint8_t child_bytes[64];
    fvm_cid child = fvm_cid_of(FVM_CODEC_DAG_CBOR,
                               test_hex(child_bytes, sizeof child_bytes,
                                        "8244c80000808481824232380281824331303403818242323601818241"
                                        "3000"));
    check_block(&bs, &child, child_hex, NULL);
    check_block(&bs, &root, "82 42 0800 81 L0", &child);
    check_cid_text("split", &root,
                   "bafy2bzacec7d223ory4yqhwv4fib4znyjclqeki5ksxq52feiehfjgpev526a");

    /* and again with everything read back from the store */
    fvm_hamt *again;
    CHECK_OK(fvm_hamt_load(&again, &bs, &root, 5, NULL));
    delete (again, FVM_STR("0"));
    delete (hamt, FVM_STR("0"));
    static const char collapsed[] = "82 42 0800 81 83 82 43313034 03 82 423236 01 82 423238 02";
    root = flush(hamt);
    check_block(&bs, &root, collapsed, NULL);
    root = flush(again);
    check_block(&bs, &root, collapsed, NULL);

    delete (again, FVM_STR("26"));
    delete (again, FVM_STR("28"));
    delete (again, FVM_STR("104"));
    root = flush(again);
    check_cid_text("empty again", &root, EMPTY);
    fvm_hamt_free(hamt);
    fvm_hamt_free(again);
    fvm_blockstore_free(&bs);
}

TEST(hamt_get_and_absent_keys)
{
    fvm_blockstore bs = memory();
    fvm_hamt *hamt = empty(&bs, 5);
    fvm_bytes value;
    bool existed = true;
    CHECK_ERR(fvm_hamt_get(hamt, &value, FVM_STR("a")), FVM_ERR_NOT_FOUND);
    CHECK_OK(fvm_hamt_delete(hamt, &existed, FVM_STR("a")));
    CHECK(!existed);
    set(hamt, FVM_STR("a"), 500);
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x19, 0x01, 0xf4));
    set(hamt, FVM_STR("a"), 501); /* same length: in place */
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x19, 0x01, 0xf5));
    set(hamt, FVM_STR("a"), 1);
    CHECK_OK(fvm_hamt_get(hamt, &value, FVM_STR("a")));
    CHECK_BYTES(value, FVM_BYTES(0x01));
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&bs);
}

TEST(hamt_writes_nothing_when_nothing_changed)
{
    faulty_store faulty = { .base = memory() };
    fvm_blockstore bs = { &faulty_ops, &faulty };
    fvm_hamt *hamt = empty(&bs, 5);
    for (uint8_t i = 0; i < 100; i++) set(hamt, FVM_BYTES(i), i);
    fvm_cid root = flush(hamt), again;
    fvm_hamt_free(hamt);
    CHECK_OK(fvm_hamt_load(&hamt, &bs, &root, 5, NULL));
    faulty.writes = 0;
    bool done = true;
    set(hamt, FVM_BYTES(7), 7); /* as it was */
    CHECK_OK(fvm_hamt_set_if_absent(hamt, &done, FVM_BYTES(8), FVM_BYTES(0x18, 0x63)));
    CHECK(!done);
    CHECK_OK(fvm_hamt_delete(hamt, NULL, FVM_STR("absent")));
    again = flush(hamt);
    CHECK(faulty.writes == 0 && fvm_cid_eq(&root, &again));

    CHECK_OK(fvm_hamt_set_if_absent(hamt, &done, FVM_BYTES(200), FVM_BYTES(0x00)));
    CHECK(done);
    again = flush(hamt);
    CHECK(faulty.writes >= 1 && faulty.writes <= 3 && !fvm_cid_eq(&root, &again));
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&faulty.base);
}
