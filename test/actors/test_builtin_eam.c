/* Contracts are made by the EAM on both bundles: addresses, return values, who is told what. The initcode
 * returns its own address; what else contracts do is not looked at here. */
#include "twin.h"

#include "ipld/cbor.h"

/* PUSH1 0 PUSH1 0 RETURN: an empty contract */
#define EMPTY "h'60006000f3'"
/* ADDRESS PUSH1 0 MSTORE PUSH1 20 PUSH1 0c RETURN: the code is the address */
#define OWN_ADDRESS "h'306000526014600cf3'"
/* REVERT */
#define REVERTS "h'60006000fd'"

TEST(accounts_create_contracts)
{
    static const twin_step steps[] = {
        { "by a native account", "alice", "eam", 4, NULL, OWN_ADDRESS, 0, NULL },
        { "by a BLS account", "carol", "eam", 4, "1FIL", OWN_ADDRESS, 0, NULL },
        { "by an Ethereum account", "eve", "eam", 4, "2FIL", OWN_ADDRESS, 0, NULL },
        { "by burnt funds", "burnt", "eam", 4, NULL, EMPTY, 0, NULL },
        { "nothing", "eve", "eam", 4, NULL, "h''", 0, NULL },
        { "what reverts", "eve", "eam", 4, "1FIL", REVERTS, 33, NULL },
        { "an unknown opcode", "eve", "eam", 4, NULL, "h'0c'", 35, NULL },
        { "code that begins with ef", "eve", "eam", 4, NULL, "h'60ef60005360016000f3'", 16, NULL },
        { "by a wallet", "wallet", "eam", 4, NULL, EMPTY, 18, "" },
        { "more than there is", "eve", "eam", 4, "5000FIL", EMPTY, 6, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

/* A contract's address is taken beforehand by a transfer: it becomes a placeholder, and is replaced. */
TEST(contracts_replace_placeholders_and_nothing_else)
{
    fvm_address eam = fvm_address_id(10), address;
    fvm_bytes initcode = FVM_BYTES(0x45, 0x60, 0x00, 0x60, 0x00, 0xf3);
    fvm_big one = fvm_big_u64(1), none = fvm_big_zero();
    uint8_t eth[20];
    twin t;
    twin_open(&t);
    t.nonce = 5;
    const fvm_receipt *r = twin_send(&t, TWIN_EVE, &eam, 4, &none, initcode);
    CHECK(r->exit_code == 0 && r->return_data.len > 21);
    memcpy(eth, r->return_data.ptr + r->return_data.len - 20, 20);
    twin_close(&t);

    twin_open(&t);
    CHECK_OK(fvm_address_delegated(&address, 10, (fvm_bytes){ eth, 20 }));
    CHECK(twin_send(&t, TWIN_BOB, &address, 0, &one, (fvm_bytes){ 0 })->exit_code == 0);
    t.nonce = 5;
    CHECK(twin_send(&t, TWIN_EVE, &eam, 4, &none, initcode)->exit_code == 0);
    t.nonce = 5; /* again at the same address */
    CHECK(twin_send(&t, TWIN_EVE, &eam, 4, &none, initcode)->exit_code != 0);
    twin_close(&t);
}

TEST(create_and_create2_are_for_contracts)
{
    static const char salt[] =
        "[h'60006000f3', h'0000000000000000000000000000000000000000000000000000000000000007']";
    /* `contract` has a contract's code and no address of the EAM's */
    static const twin_step steps[] = {
        { "without an address", "contract", "eam", 2, NULL, "[h'60006000f3', 1]", 18, "" },
        { "without an address", "contract", "eam", 3, NULL, salt, 18, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    /* an empty contract, made by eve, is asked to create others as if by its own code */
    fvm_address eam = fvm_address_id(10);
    fvm_big none = fvm_big_zero();
    fvm_bytes initcode = FVM_BYTES(0x45, 0x60, 0x00, 0x60, 0x00, 0xf3);
    CHECK(twin_send(&t, TWIN_EVE, &eam, 4, &none, initcode)->exit_code == 0);
    static const twin_step created[] = {
        { "CREATE", "new", "eam", 2, NULL, "[h'60006000f3', 1]", 0, NULL },
        { "CREATE again", "new", "eam", 2, NULL, "[h'60006000f3', 1]", 18, NULL },
        { "CREATE with a large nonce", "new", "eam", 2, NULL,
          "[h'60006000f3', 18446744073709551615]", 0, NULL },
        { "CREATE with nonce 0", "new", "eam", 2, NULL, "[h'60006000f3', 0]", 0, NULL },
        { "CREATE with nonce 128", "new", "eam", 2, NULL, "[h'60006000f3', 128]", 0, NULL },
        { "CREATE2", "new", "eam", 3, NULL, salt, 0, NULL },
        { "CREATE2 again", "new", "eam", 3, NULL, salt, 18, NULL },
        { "CREATE of what reverts", "new", "eam", 2, NULL, "[h'60006000fd', 2]", 33, NULL },
        { "Exec is not for contracts", "new", "init", 2, NULL, "[1, 2]", 18, "" },
    };
    twin_run(&t, created, FVM_COUNT(created));
    twin_close(&t);
}

/* What the drawn sequences found once (prop_builtin_sequences), by name. */
TEST(data_in_segments_of_another_major_type_is_read)
{
    fvm_address echo = fvm_address_id(TWIN_FIRST_CREATED);
    fvm_big none = fvm_big_zero();
    fvm_bytes odd = FVM_BYTES(0x5f, 0x41, 0x07, 0x02, 0x08, 0x09, 0xff);
    static const twin_step create = { "returns what it is given",
                                      "eve",
                                      "eam",
                                      4,
                                      NULL,
                                      "h'61000780600a5f395ff3365f5f37365ff3'",
                                      0,
                                      NULL };
    twin t;
    twin_open(&t);
    twin_run(&t, &create, 1);
    const fvm_receipt *r = twin_send(&t, TWIN_ALICE, &echo, 3844450837u, &none, odd);
    CHECK(r->exit_code == 0);
    CHECK_HEX(fvm_buf_bytes(&r->return_data), "43070809");
    twin_close(&t);
}

/* (0, 0x55, data at 0x60 of 2 GiB or 1 GiB): there is no room for the data, whatever the codec. */
TEST(answers_to_native_methods_without_an_end_fail_before_their_codec_is_looked_at)
{
    static const twin_step steps[] = {
        { "2 GiB", "eve", "eam", 4, NULL,
          "h'61001680600a5f395ff360556020526060604052638000000060605260805ff3'", 0, NULL },
        { "no such length", "alice", "new", 16777216, NULL, NULL, 24, "" },
        { "1 GiB", "eve", "eam", 4, NULL,
          "h'61001680600a5f395ff360556020526060604052634000000060605260805ff3'", 0, NULL },
        { "no memory", "alice", "next", 16777216, NULL, NULL, 4, "" },
    };
    twin t;
    twin_open(&t);
    twin_run(&t, steps, FVM_COUNT(steps));
    twin_close(&t);
}

TEST(a_contract_whose_address_looks_like_an_id_is_refused)
{
    static const uint8_t address[20] = { 0xff, [19] = 5 };
    fvm_address init = fvm_address_id(1);
    fvm_big none = fvm_big_zero();
    fvm_buf params[2];
    twin t;
    twin_open(&t);
    for (int i = 0; i < 2; i++) {
        fvm_cid code = twin_code(&t, i, "evm");
        fvm_buf_init(&params[i], NULL);
        CHECK_OK(fvm_cbor_put_array(&params[i], 3));
        CHECK_OK(fvm_cbor_put_cid(&params[i], &code));
        CHECK_OK(fvm_cbor_put_bytes(&params[i],
                                    FVM_BYTES(0x82, 0x54, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                              1, 1, 1, 1, 1, 1, 0x43, 0x5f, 0x5f, 0xf3)));
        CHECK_OK(fvm_cbor_put_bytes(&params[i], (fvm_bytes){ address, sizeof address }));
    }
    CHECK(
        twin_send_each(&t, "masked", 10, &init, 3, &none,
                       (const fvm_bytes[]){ fvm_buf_bytes(&params[0]), fvm_buf_bytes(&params[1]) })
            ->exit_code == 18);
    for (int i = 0; i < 2; i++) fvm_buf_deinit(&params[i]);
    twin_close(&t);
}
