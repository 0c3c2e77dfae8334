/* Whole runs of actors, with the real engine: charges around wasm, the stale counter after a bad out
 * pointer, and what becomes of every way to end. Modules are given as text and as its bytes. */
#include "kernel_fixture.h"

#define MULTISIG_CODE 11

/* --- modules --- */

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32)
 *     local.get 0)) */
static const char echo[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a0601040020000b";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32)
 *     unreachable)) */
static const char trap[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a05010300000b";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32)
 *     i32.const 7)) */
static const char returns_7[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a0601040041070b";

/* (module (import "vm" "exit" (func $e (param i32 i32 i32 i32) (result i32))) (memory
 *     (export "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const 33
 *     local.get 0 i32.const 0 i32.const 0 call $e)) */
static const char exits[] =
    "0061736d01000000010e0260047f7f7f7f017f60017f017f020b0102766d046578697400000302010105"
    "03010001071302066d656d6f7279020006696e766f6b6500010a0e010c00412120004100410010000b";

/* (module (import "vm" "exit" (func $e (param i32 i32 i32 i32) (result i32))) (memory
 *     (export "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const 33
 *     i32.const 9 i32.const 0 i32.const 0 call $e)) */
static const char exits_with_9[] =
    "0061736d01000000010e0260047f7f7f7f017f60017f017f020b0102766d046578697400000302010105"
    "03010001071302066d656d6f7279020006696e766f6b6500010a0e010c00412141094100410010000b";

/* (module (import "vm" "abort" (func $e (param i32 i32 i32) (result i32))) (memory (export
 *     "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const 33
 *     i32.const 0 i32.const 0 call $e)) */
static const char aborts[] =
    "0061736d01000000010d0260037f7f7f017f60017f017f020c0102766d0561626f727400000302010105"
    "03010001071302066d656d6f7279020006696e766f6b6500010a0c010a0041214100410010000b";

/* (module (import "gas" "available" (func $a (param i32) (result i32))) (memory (export
 *     "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const -1 call $a
 *     drop i32.const 0 call $a drop i32.const 0)) */
static const char bad_out[] =
    "0061736d0100000001060160017f017f0211010367617309617661696c61626c65000003020100050301"
    "0001071302066d656d6f7279020006696e766f6b6500010a10010e00417f10001a410010001a41000b";

/* (module (import "self" "current_balance" (func $a (param i32) (result i32))) (memory
 *     (export "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const -1
 *     call $a drop i32.const 0 call $a drop i32.const 0)) */
static const char bad_out_v2[] =
    "0061736d0100000001060160017f017f0218010473656c660f63757272656e745f62616c616e63650000"
    "030201000503010001071302066d656d6f7279020006696e766f6b6500010a10010e00417f10001a4100"
    "10001a41000b";

/* (module (import "gas" "available" (func $a (param i32) (result i32))) (memory (export
 *     "memory") 1) (func (export "invoke") (param i32) (result i32) i32.const 65528 call
 *     $a i32.const 65529 call $a i32.eqz i32.add if unreachable end i32.const 0)) */
static const char at_the_end[] =
    "0061736d0100000001060160017f017f0211010367617309617661696c61626c65000003020100050301"
    "0001071302066d656d6f7279020006696e766f6b6500010a1801160041f8ff03100041f9ff031000456a"
    "0440000b41000b";

/* (module (memory (export "memory") 1) (func (export "other") (param i32) (result i32)
 *     local.get 0)) */
static const char no_invoke[] =
    "0061736d0100000001060160017f017f030201000503010001071202066d656d6f72790200056f746865"
    "7200000a0601040020000b";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32 i32) (result i32)
 *     local.get 0)) */
static const char invoke_of_two[] =
    "0061736d0100000001070160027f7f017f030201000503010001071302066d656d6f7279020006696e76"
    "6f6b6500000a0601040020000b";

/* (module (memory (export "memory") 1) (global (export "invoke") i32 (i32.const 0)) (func)) */
static const char invoke_no_func[] =
    "0061736d010000000104016000000302010005030100010606017f0041000b071302066d656d6f727902"
    "0006696e766f6b6503000a040102000b";

/* (module (func (export "invoke") (param i32) (result i32) local.get 0)) */
static const char no_memory[] =
    "0061736d0100000001060160017f017f03020100070a0106696e766f6b6500000a0601040020000b";

/* (module (import "vm" "nothing" (func)) (memory (export "memory") 1) (func (export
 *     "invoke") (param i32) (result i32) local.get 0)) */
static const char unknown_import[] =
    "0061736d0100000001090260000060017f017f020e0102766d076e6f7468696e67000003020101050301"
    "0001071302066d656d6f7279020006696e766f6b6500010a0601040020000b";

/* (module (import "vm" "exit" (func (param i32) (result i32))) (memory (export "memory") 1)
 *     (func (export "invoke") (param i32) (result i32) local.get 0)) */
static const char import_mistyped[] =
    "0061736d0100000001060160017f017f020b0102766d0465786974000003020100050301000107130206"
    "6d656d6f7279020006696e766f6b6500010a0601040020000b";

/* (module (memory (export "memory") 1) (func $s unreachable) (start $s) (func (export
 *     "invoke") (param i32) (result i32) local.get 0)) */
static const char start_traps[] =
    "0061736d0100000001090260000060017f017f03030200010503010001071302066d656d6f7279020006"
    "696e766f6b6500010801000a0a020300000b040020000b";

/* (module (import "vm" "exit" (func $e (param i32 i32 i32 i32) (result i32))) (memory
 *     (export "memory") 1) (func $s i32.const 33 i32.const 0 i32.const 0 i32.const 0 call
 *     $e drop) (start $s) (func (export "invoke") (param i32) (result i32) local.get 0)) */
static const char start_exits[] =
    "0061736d0100000001110360047f7f7f7f017f60000060017f017f020b0102766d046578697400000303"
    "0201020503010001071302066d656d6f7279020006696e766f6b6500020801010a14020d004121410041"
    "00410010001a0b040020000b";

/* (module (memory (export "memory") 1) (func $s loop br 0 end) (start $s) (func (export
 *     "invoke") (param i32) (result i32) local.get 0)) */
static const char start_loops[] =
    "0061736d0100000001090260000060017f017f03030200010503010001071302066d656d6f7279020006"
    "696e766f6b6500010801000a0e02070003400c000b0b040020000b";

/* (module (import "gas" "available" (func $a (param i32) (result i32))) (memory (export
 *     "memory") 1) (global $g (mut i32) (i32.const 0)) (func $s i32.const 0 call $a
 *     global.set $g) (start $s) (func (export "invoke") (param i32) (result i32)
 *     global.get $g i32.const 1 i32.ne if unreachable end local.get 0)) */
static const char start_sees_no_memory[] =
    "0061736d0100000001090260017f017f6000000211010367617309617661696c61626c65000003030201"
    "0005030100010606017f0141000b071302066d656d6f7279020006696e766f6b6500020801010a180208"
    "004100100024000b0d0023004101470440000b20000b";

/* (module (memory (export "memory") 1) (data (i32.const 65535) "ab") (func (export "invoke")
 *     (param i32) (result i32) local.get 0)) */
static const char data_out_of_bounds[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a0601040020000b0b0a010041ffff030b026162";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) loop
 *     br 0 end i32.const 0)) */
static const char loops[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a0b01090003400c000b41000b";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32)
 *     i32.const 2 memory.grow drop i32.const 0)) */
static const char grows[] =
    "0061736d0100000001060160017f017f030201000503010001071302066d656d6f7279020006696e766f"
    "6b6500000a0b010900410240001a41000b";

/* (module (memory (export "memory") 2) (table (export "table") 3 funcref) (func (export
 *     "invoke") (param i32) (result i32) local.get 0)) */
static const char table[] =
    "0061736d0100000001060160017f017f030201000404017000030503010002071b03066d656d6f727902"
    "00057461626c65010006696e766f6b6500000a0601040020000b";

/* (module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32)
 *     i32.const 0) (func (export "upgrade") (param i32 i32) (result i32) local.get 1)) */
static const char upgrades[] =
    "0061736d01000000010c0260017f017f60027f7f017f03030200010503010001071d03066d656d6f7279"
    "020006696e766f6b650000077570677261646500010a0b02040041000b040020010b";

/* (module (memory (export "memory") 1) (func $s i32.const 1 memory.grow drop) (start $s)
 *     (func (export "invoke") (param i32) (result i32) local.get 0)) */
static const char grows_in_start[] =
    "0061736d0100000001090260000060017f017f03030200010503010001071302066d656d6f7279020006"
    "696e766f6b6500010801000a0e020700410140001a0b040020000b";

/* (module (memory (export "memory") 8192) (func (export "invoke") (param i32) (result i32)
 *     local.get 0)) */
static const char huge[] =
    "0061736d0100000001060160017f017f03020100050401008040071302066d656d6f7279020006696e76"
    "6f6b6500000a0601040020000b";

/* --- a run --- */

typedef struct runner {
    fixture f;
    fvm_wasm_context *wasm;
    fvm_wasm_module *module;
    fvm_ipld_block info; /* of an upgrade entry */
    fvm_call_result result;
    fvm_err err;
    int64_t gas;
} runner;

static fvm_err give_module(void *ctx, const fvm_wasm_module **out, const fvm_cid *code)
{
    runner *r = ctx;
    (void)code;
    *out = fvm_wasm_module_hold(r->module);
    return FVM_OK;
}

/* Runs the module's entry with `params` under `gas` milligas; close after. */
static void run_entry(runner *r, uint32_t version, const char *hex, const fvm_ipld_block *params,
                      int64_t gas, fvm_entry entry)
{
    uint8_t room[512];
    fixture *f = &r->f;
    fixture_open(f, version);
    CHECK_OK(fvm_wasm_context_new(&r->wasm, NULL));
    CHECK_OK(fvm_wasm_module_new(&r->module, f->net.wasm, fvm_kernel_syscalls(&f->net),
                                 test_hex(room, sizeof room, hex), NULL, NULL));
    f->ops = (fvm_kernel_ops){ .module = give_module, .ctx = r };
    f->env.wasm = r->wasm;
    f->env.gas.limit = gas;
    f->inv.entry = entry;
    fvm_cid code = fixture_code(MULTISIG_CODE);
    /* the registry keeps the pointer, and the result may be this very block */
    r->info = (fvm_ipld_block){ .codec = FVM_CODEC_CBOR, .data = FVM_STR("info") };
    r->result = (fvm_call_result){ 0 };
    r->err = fvm_kernel_invoke(&f->inv, &r->result, &code, params,
                               entry == FVM_ENTRY_UPGRADE ? &r->info : NULL);
    r->gas = f->env.gas.used;
}
static void run_params(runner *r, uint32_t version, const char *hex, const fvm_ipld_block *params,
                       int64_t gas)
{
    run_entry(r, version, hex, params, gas, FVM_ENTRY_INVOKE);
}
static void close_run(runner *r)
{
    fvm_wasm_module_free(r->module);
    fvm_wasm_context_free(r->wasm);
    fixture_close(&r->f);
}

#define PLENTY INT64_C(1000000000000)
#define PAGE INT64_C(26214400) /* milligas of a page of initial memory */
#define THUNK 56000            /* milligas of the thunk of invoke */

TEST(a_run_is_charged_for_memory_then_for_wasm)
{
    runner r;
    fvm_ipld_block params = { .codec = FVM_CODEC_CBOR, .data = FVM_STR("p") };
    run_params(&r, 21, echo, &params, PLENTY);
    CHECK_OK(r.err);
    CHECK(r.result.exit_code == 0 && r.result.data == &params);
    CHECK(r.gas == PAGE + THUNK + 4000);
    CHECK(strcmp(r.f.trace, "wasm_memory_init wasm_exec wasm_exec") == 0);
    CHECK(r.f.env.memory_bytes == 65536);
    close_run(&r);

    run_params(&r, 21, echo, NULL, PLENTY);
    CHECK(r.err == FVM_OK && !r.result.data);
    close_run(&r);

    run_params(&r, 21, table, NULL, PLENTY);
    CHECK(r.err == FVM_OK && r.gas == 3 * 3200 + 2 * PAGE + THUNK + 4000);
    CHECK(strcmp(r.f.trace, "wasm_table_init wasm_memory_init wasm_exec wasm_exec") == 0);
    CHECK(r.f.env.memory_bytes == 2 * 65536 + 3 * 8);
    close_run(&r);

    params.codec = FVM_CODEC_DAG_CBOR;
    run_params(&r, 17, echo, &params, PLENTY); /* nothing for memory before nv18 */
    CHECK(r.err == FVM_OK && r.result.data == &params && r.gas == THUNK + 4000);
    CHECK(strcmp(r.f.trace, "wasm_exec") == 0);
    close_run(&r);
}

TEST(growth_of_memory_is_told_apart_in_traces)
{
    runner r;
    run_params(&r, 21, grows, NULL, PLENTY);
    CHECK(r.err == FVM_OK && r.gas == 3 * PAGE + THUNK + 3 * 4000);
    CHECK(strcmp(r.f.trace, "wasm_memory_init wasm_exec wasm_exec wasm_memory_grow") == 0);
    close_run(&r);
    run_params(&r, 21, grows_in_start, NULL, PLENTY); /* the initial page counts as grown, too */
    CHECK(r.err == FVM_OK);
    CHECK(strcmp(r.f.trace, "wasm_memory_init wasm_exec wasm_memory_grow wasm_exec") == 0);
    close_run(&r);
}

static const struct {
    const char *why, *module;
    uint32_t version;
    fvm_err err;
    uint32_t exit_code;
} ends[] = {
    { "trap", trap, 21, FVM_OK, 4 },
    { "trap, nv17", trap, 17, FVM_OK, 4 },
    { "a block that is not there", returns_7, 21, FVM_OK, 11 },
    { "a block that is not there, nv17", returns_7, 17, FVM_OK, 11 },
    { "exit", exits, 21, FVM_OK, 33 },
    { "exit with a block that is not there", exits_with_9, 21, FVM_ERR_FATAL, 0 },
    { "abort, nv17", aborts, 17, FVM_OK, 33 },
    { "abort is gone", aborts, 18, FVM_ERR_FATAL, 0 },
    { "no invoke", no_invoke, 21, FVM_OK, 5 },
    { "no invoke before nv21", no_invoke, 20, FVM_ERR_FATAL, 0 },
    { "no invoke, nv17", no_invoke, 17, FVM_ERR_FATAL, 0 },
    { "invoke is a global", invoke_no_func, 21, FVM_OK, 5 },
    { "invoke of two arguments", invoke_of_two, 21, FVM_ERR_FATAL, 0 },
    { "no memory", no_memory, 21, FVM_ERR_FATAL, 0 },
    { "no memory, nv17", no_memory, 17, FVM_ERR_FATAL, 0 },
    { "an unknown import", unknown_import, 21, FVM_ERR_FATAL, 0 },
    { "an import of another type", import_mistyped, 21, FVM_ERR_FATAL, 0 },
    { "start traps", start_traps, 21, FVM_OK, 4 },
    { "start traps, nv17", start_traps, 17, FVM_ERR_FATAL, 0 },
    { "start exits", start_exits, 21, FVM_OK, 4 },
    { "start runs out of gas", start_loops, 21, FVM_ERR_OUT_OF_GAS, 0 },
    { "start sees no memory", start_sees_no_memory, 21, FVM_OK, 0 },
    { "data out of bounds", data_out_of_bounds, 21, FVM_OK, 4 },
    { "data out of bounds, nv17", data_out_of_bounds, 17, FVM_ERR_FATAL, 0 },
    { "an endless loop", loops, 21, FVM_ERR_OUT_OF_GAS, 0 },
    { "an endless loop, nv17", loops, 17, FVM_ERR_OUT_OF_GAS, 0 },
    { "out pointers at the end of memory", at_the_end, 21, FVM_OK, 0 },
};

TEST(every_way_to_end_has_its_outcome)
{
    for (size_t i = 0; i < FVM_COUNT(ends); i++) {
        runner r;
        run_params(&r, ends[i].version, ends[i].module, NULL, 100000000000);
        CHECK_AT(ends[i].why, r.err == ends[i].err);
        CHECK_AT(ends[i].why, r.result.exit_code == ends[i].exit_code && !r.result.data);
        if (r.err == FVM_ERR_OUT_OF_GAS) CHECK_AT(ends[i].why, r.gas == r.f.env.gas.limit);
        close_run(&r);
    }
}

TEST(an_exit_may_hand_out_a_block)
{
    runner r;
    fvm_ipld_block params = { .codec = FVM_CODEC_CBOR, .data = FVM_STR("p") };
    run_params(&r, 19, exits, &params, PLENTY);
    CHECK(r.err == FVM_OK && r.result.exit_code == 33 && r.result.data == &params);
    close_run(&r);
}

TEST(a_stretch_of_wasm_before_a_bad_out_pointer_is_charged_twice_from_nv18)
{
    runner r;
    const int64_t block = 5 * 4000 + THUNK, calls = 2 * 14000000;
    run_params(&r, 21, bad_out, NULL, PLENTY);
    CHECK_OK(r.err);
    CHECK(r.gas == PAGE + 2 * block + calls);
    close_run(&r);
    run_params(&r, 17, bad_out_v2, NULL, PLENTY);
    CHECK_OK(r.err);
    CHECK(r.gas == block + calls);
    close_run(&r);
}

TEST(running_out_of_gas_anywhere_takes_all_and_wins)
{
    /* under every limit below the full cost the run is out of gas, whatever it was doing */
    static const char *const modules[] = { exits, bad_out, grows, trap };
    for (size_t i = 0; i < FVM_COUNT(modules); i++) {
        runner r;
        run_params(&r, 21, modules[i], NULL, PLENTY);
        int64_t cost = r.gas;
        close_run(&r);
        for (int64_t limit = 0; limit <= cost; limit += cost / 40 + 1) {
            run_params(&r, 21, modules[i], NULL, limit);
            CHECK(limit == cost || (r.err == FVM_ERR_OUT_OF_GAS && r.gas == limit));
            close_run(&r);
        }
        run_params(&r, 21, modules[i], NULL, cost);
        CHECK(r.err == FVM_OK && r.gas == cost);
        close_run(&r);
        run_params(&r, 21, modules[i], NULL, cost - 1);
        CHECK(r.err == FVM_ERR_OUT_OF_GAS && r.gas == cost - 1);
        close_run(&r);
    }
}

TEST(params_of_a_codec_that_nv17_lacks_are_refused_before_the_run)
{
    runner r;
    fvm_ipld_block params = { .codec = FVM_CODEC_CBOR, .data = FVM_STR("p") };
    run_params(&r, 17, echo, &params, PLENTY);
    CHECK_ERR(r.err, FVM_ERR_SYS_ILLEGAL_CODEC);
    CHECK(r.gas == 0);
    close_run(&r);
}

TEST(upgrade_entries_get_the_info_as_second_argument)
{
    runner r;
    fvm_ipld_block params = { .codec = FVM_CODEC_CBOR, .data = FVM_STR("p") };
    run_entry(&r, 21, upgrades, &params, PLENTY, FVM_ENTRY_UPGRADE);
    CHECK(r.err == FVM_OK && r.result.data);
    CHECK_BYTES(r.result.data->data, FVM_STR("info"));
    CHECK(r.gas == PAGE + THUNK + 4000 + 4000); /* a parameter more in the thunk */
    close_run(&r);
    run_entry(&r, 21, upgrades, NULL, PLENTY, FVM_ENTRY_UPGRADE);
    CHECK(r.err == FVM_OK && r.result.data); /* handle 1 then */
    close_run(&r);
    run_entry(&r, 21, echo, &params, PLENTY, FVM_ENTRY_UPGRADE);
    CHECK(r.err == FVM_OK && r.result.exit_code == 5 && !r.result.data);
    close_run(&r);
}

TEST(memory_of_all_live_runs_is_limited)
{
    runner r;
    run_params(&r, 21, huge, NULL, INT64_C(4) << 40);
    CHECK(r.err == FVM_OK && r.result.exit_code == 0);
    CHECK(r.f.env.memory_bytes == UINT64_C(512) << 20);
    /* three more fit beside it, a fourth does not */
    fvm_cid code = fixture_code(MULTISIG_CODE);
    for (int i = 2; i <= 5; i++) {
        r.f.env.gas.used = 0;
        CHECK_OK(fvm_kernel_invoke(&r.f.inv, &r.result, &code, NULL, NULL));
        CHECK(r.result.exit_code == (i <= 4 ? 0 : 4));
    }
    CHECK(r.f.env.memory_bytes == UINT64_C(2) << 30);
    close_run(&r);
}
