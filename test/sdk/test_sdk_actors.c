/* test_sdk_actors.c - the small examples, run by the machine. */
#include "actor_world.h"

TEST(method_numbers_are_those_of_frc42)
{
    static const struct {
        const char *name;
        uint32_t number;
    } known[] = {
        /* reference/actors.md 1.2 */
        { "Constructor", 1 },       { "InvokeEVM", 3844450837 },
        { "Receive", 3726118371 },  { "Transfer", 80475954 },
        { "Mint", 116935346 },      { "AuthenticateMessage", 2643134072 },
        { "MinerPower", 36284446 },
    };
    uint32_t number;
    for (size_t i = 0; i < FVM_COUNT(known); i++) {
        CHECK_OK(fvm_frc42(&number, fvm_bytes_of(known[i].name)));
        CHECK_AT(known[i].name, number == known[i].number);
    }
    CHECK_ERR(fvm_frc42(&number, (fvm_bytes){ 0 }), FVM_ERR_INVALID);
}

TEST(the_header_of_numbers_has_each_name_once)
{
    fvm_buf out;
    fvm_buf_init(&out, NULL);
    CHECK_OK(fvm_frc42_header(
        &out, FVM_STR("x FVM_EXPORT(Mint, mint) y(FVM_FRC42( Mint ))\n"
                      "NOT_FVM_EXPORT(Never) case FVM_FRC42_Transfer: FVM_EXPORT")));
    CHECK_BYTES(fvm_buf_bytes(&out), FVM_STR("#define FVM_FRC42_Mint 116935346u\n"
                                             "#define FVM_FRC42_Transfer 80475954u\n"));
    fvm_buf_deinit(&out);
}

TEST(hello_is_small_and_returns_its_greeting)
{
    actor_world w;
    actor_world_init(&w, "hello");
    CHECK(w.wasm.len <= 300);
    CHECK(actor_call(&w, "Anything", (fvm_bytes){ 0 }) == 0);
    CHECK_BYTES(fvm_buf_bytes(&w.receipt.return_data), FVM_STR("\x65hello"));
    CHECK(w.receipt.return_codec == FVM_CODEC_CBOR);
    actor_world_deinit(&w);
}

TEST(counter_keeps_its_count_in_state)
{
    actor_world w;
    actor_world_init(&w, "counter");
    CHECK(actor_call(&w, "Constructor", (fvm_bytes){ 0 }) == 0);
    CHECK(actor_call(&w, "Add", FVM_BYTES(0x81, 0x05)) == 0);
    CHECK_HEX(fvm_buf_bytes(&w.receipt.return_data), "05");
    CHECK(actor_call(&w, "Add", FVM_BYTES(0x81, 0x19, 0x01, 0x00)) == 0);
    CHECK_HEX(fvm_buf_bytes(&w.receipt.return_data), "190105");
    CHECK(actor_call(&w, "Get", (fvm_bytes){ 0 }) == 0);
    CHECK_HEX(fvm_buf_bytes(&w.receipt.return_data), "190105");
    actor_world_deinit(&w);
}

TEST(counter_refuses_what_it_must)
{
    static const struct {
        const char *why, *method, *params;
        uint32_t exit_code;
    } refused[] = {
        { "no such method", "Subtract", "", 22 },
        { "params where none are expected", "Get", "80", 16 },
        { "no params where some are", "Add", "", 16 },
        { "a tuple of two", "Add", "820101", 21 },
        { "a negative number", "Add", "8120", 21 },
        { "a byte too many", "Add", "810101", 21 },
        { "cut off", "Add", "811901", 21 },
        { "overflow", "Add", "811bffffffffffffffff", 16 },
    };
    actor_world w;
    uint8_t room[64];
    actor_world_init(&w, "counter");
    CHECK(actor_call(&w, "Constructor", (fvm_bytes){ 0 }) == 0);
    CHECK(actor_call(&w, "Add", FVM_BYTES(0x81, 0x01)) == 0);
    for (size_t i = 0; i < FVM_COUNT(refused); i++) {
        fvm_bytes params = test_hex(room, sizeof room, refused[i].params);
        CHECK_AT(refused[i].why, actor_call(&w, refused[i].method, params) == refused[i].exit_code);
    }
    CHECK(actor_call(&w, "Get", (fvm_bytes){ 0 }) == 0);
    CHECK_HEX(fvm_buf_bytes(&w.receipt.return_data), "01");
    actor_world_deinit(&w);
}

TEST(store_sets_gets_and_deletes)
{
    actor_world w;
    uint8_t params[64] = { 0x82, 0x64, 'k', 0, 0, 0, 0x43 }, *key = params + 2;
    actor_world_init(&w, "store");
    CHECK(actor_call(&w, "Constructor", (fvm_bytes){ 0 }) == 0);
    for (unsigned i = 0; i < 100; i++) { /* enough for nodes below the root */
        (void)snprintf((char *)key, 5, "k%03u", i);
        memcpy(params, (uint8_t[]){ 0x82, 0x64 }, 2);
        memcpy(params + 6, (uint8_t[]){ 0x43, 1, 2, (uint8_t)i }, 4);
        CHECK(actor_call(&w, "Set", (fvm_bytes){ params, 10 }) == 0);
    }
    for (unsigned i = 0; i < 100; i += 7) {
        (void)snprintf((char *)key, 5, "k%03u", i);
        params[0] = 0x81;
        CHECK(actor_call(&w, "Get", (fvm_bytes){ params, 6 }) == 0);
        uint8_t want[] = { 0x43, 1, 2, (uint8_t)i };
        CHECK_BYTES(fvm_buf_bytes(&w.receipt.return_data), ((fvm_bytes){ want, 4 }));
        CHECK(actor_call(&w, "Delete", (fvm_bytes){ params, 6 }) == 0);
        CHECK(actor_call(&w, "Get", (fvm_bytes){ params, 6 }) == 0);
        CHECK_HEX(fvm_buf_bytes(&w.receipt.return_data), "f6");
        CHECK(actor_call(&w, "Delete", (fvm_bytes){ params, 6 }) == 17);
    }
    actor_world_deinit(&w);
}
