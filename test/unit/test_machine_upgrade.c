/* Actor upgrade (FIP-0098) through the whole machine: off in every network version, on in a row of the
 * test's own. The actors were made from the WAT in the comments by wat2wasm. */
#include "../test.h"

#include "machine/machine_internal.h"
#include <fvm/genesis.h>

/* (module
 *   (import "ipld" "block_read" (func $read (param i32 i32 i32 i32 i32) (result i32)))
 *   (import "actor" "upgrade_actor" (func $upgrade (param i32 i32 i32) (result i32)))
 *   (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
 *   (memory (export "memory") 1)
 *   (func (export "invoke") (param i32) (result i32) (local i32)
 *     ;; the parameters are the CID of the new code
 *     (drop (call $read (i32.const 200) (local.get 0) (i32.const 0) (i32.const 0) (i32.const 100)))
 *     (local.set 1 (call $upgrade (i32.const 300) (i32.const 0) (i32.const 0)))
 *     ;; here only when it failed: exit 100 + error number, or 200 + exit code of the upgrade
 *     (if (local.get 1) (then (drop (call $exit (i32.add (i32.const 100) (local.get 1))
 *                                               (i32.const 0) (i32.const 0) (i32.const 0)))))
 *     (drop (call $exit (i32.add (i32.const 200) (i32.load (i32.const 300)))
 *                       (i32.const 0) (i32.const 0) (i32.const 0)))
 *     (i32.const 0))) */
static const char old_code[] =
    "0061736d01000000011e0460057f7f7f7f7f017f60037f7f7f017f60047f7f7f7f017f60017f017f023303046970"
    "6c640a626c6f636b5f726561640000056163746f720d757067726164655f6163746f72000102766d046578697400"
    "02030201030503010001071302066d656d6f7279020006696e766f6b6500030a49014701017f41c8012000410041"
    "0041e40010001a41ac0241004100100121012001044041e40020016a41004100410010021a0b41c80141ac022802"
    "006a41004100410010021a41000b";
/* (module (memory (export "memory") 0)
 *   (func (export "invoke") (param i32) (result i32) (i32.const 0))
 *   (func (export "upgrade") (param i32 i32) (result i32) (local.get 1)))  ;; returns the info */
static const char new_code[] =
    "0061736d01000000010c0260017f017f60027f7f017f03030200010503010000071d03066d656d6f727902000669"
    "6e766f6b650000077570677261646500010a0b02040041000b040020010b";
/* as above, but upgrade is (unreachable) */
static const char bad_code[] =
    "0061736d01000000010c0260017f017f60027f7f017f03030200010503010000071d03066d656d6f727902000669"
    "6e766f6b650000077570677261646500010a0a02040041000b0300000b";

#define ACTOR 1000

typedef struct world {
    fvm_blockstore bs;
    fvm_network net;
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt;
    fvm_cid old_code, new_code, bad_code;
} world;

static fvm_cid put_code(world *w, const char *hex)
{
    uint8_t room[256];
    fvm_cid cid;
    CHECK_OK(fvm_blockstore_put_new(&w->bs, &cid, FVM_CODEC_RAW, test_hex(room, sizeof room, hex)));
    return cid;
}

static void open_world(world *w, bool upgrade_on)
{
    fvm_cid root;
    CHECK_OK(fvm_blockstore_memory_new(&w->bs, NULL));
    w->old_code = put_code(w, old_code);
    w->new_code = put_code(w, new_code);
    w->bad_code = put_code(w, bad_code);
    const fvm_genesis_builtin builtins[] = {
        { "system", w->new_code },      { "init", w->new_code }, { "account", w->new_code },
        { "placeholder", w->new_code }, { "eam", w->new_code },  { "ethaccount", w->new_code },
    };
    const fvm_genesis_actor actor = { .id = ACTOR, .code = w->old_code };
    const fvm_genesis genesis = { .network_version = 29,
                                  .builtins = builtins,
                                  .builtin_count = FVM_COUNT(builtins),
                                  .actors = &actor,
                                  .actor_count = 1 };
    const fvm_machine_config config = { .network_version = 29 };
    CHECK_OK(fvm_genesis_build(&root, &w->bs, &genesis, NULL));
    w->net = *fvm_network_find(29);
    CHECK(!w->net.upgrade_actor);
    w->net.upgrade_actor = upgrade_on;
    CHECK_OK(fvm_engine_new(&w->engine, NULL));
    CHECK_OK(fvm_context_new(&w->context, w->engine, NULL));
    CHECK_OK(fvm__machine_new(&w->machine, w->context, &w->bs, &root, &config, &w->net));
    fvm_receipt_init(&w->receipt, NULL);
}

static void close_world(world *w)
{
    fvm_receipt_deinit(&w->receipt);
    fvm_machine_free(w->machine);
    fvm_context_free(w->context);
    fvm_engine_free(w->engine);
    fvm_blockstore_free(&w->bs);
}

/* Tells the actor to become `code`; gives the exit code. */
static uint32_t upgrade_to(world *w, const fvm_cid *code)
{
    uint8_t cid[FVM_CID_BYTES_MAX];
    fvm_message message = {
        .to = fvm_address_id(ACTOR),
        .from = fvm_address_id(0),
        .gas_limit = 1000000000,
        .method = 2,
        .params = { cid, fvm_cid_write(cid, code) },
    };
    CHECK_OK(fvm_machine_apply(w->machine, &w->receipt, &message, FVM_APPLY_IMPLICIT, 0));
    return w->receipt.exit_code;
}

static fvm_cid code_now(const world *w)
{
    const fvm_actor *actor;
    CHECK_OK(fvm_state_get(w->machine->state, &actor, ACTOR));
    return actor->code;
}

TEST(actor_becomes_other_code_and_returns_what_upgrade_returned)
{
    world w;
    open_world(&w, true);
    CHECK(upgrade_to(&w, &w.new_code) == 0);
    fvm_cid now = code_now(&w);
    CHECK(fvm_cid_eq(&now, &w.new_code));
    /* the info is [old code CID]: an array head, tag 42, a byte string of 39 bytes with 00 first */
    uint8_t info[1 + 5 + FVM_CID_BYTES_MAX] = { 0x81, 0xd8, 0x2a, 0x58, 0x27, 0x00 };
    size_t len = 6 + fvm_cid_write(info + 6, &w.old_code);
    CHECK_BYTES(fvm_buf_bytes(&w.receipt.return_data), ((fvm_bytes){ info, len }));
    close_world(&w);
}

TEST(upgrade_that_traps_leaves_the_old_code_and_goes_on)
{
    world w;
    open_world(&w, true);
    CHECK(upgrade_to(&w, &w.bad_code) == 204);
    fvm_cid now = code_now(&w);
    CHECK(fvm_cid_eq(&now, &w.old_code));
    close_world(&w);
}

TEST(upgrade_to_code_without_the_entry_point_is_refused)
{
    world w;
    open_world(&w, true);
    CHECK(upgrade_to(&w, &w.old_code) == 205); /* SYS_INVALID_RECEIVER */
    close_world(&w);
}

TEST(without_the_switch_the_import_does_not_resolve)
{
    world w;
    open_world(&w, false);
    CHECK(upgrade_to(&w, &w.new_code) == 10);
    CHECK(w.receipt.gas_used == 1000000000);
    close_world(&w);
}
