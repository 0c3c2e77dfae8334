/* test_rust_actors.c - two actors that a Rust compiler made of the published fvm_sdk, on a machine:
 * state, return values, exit codes, events, nested sends. The HAMT that one of them keeps through the
 * published crate has the root that ours has. FVM_RUST_ACTORS names the folder of their modules;
 * test.sh builds them and runs this. */
#include "test.h"

#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include <fvm/genesis.h>
#include <fvm/machine.h>

#include <stdlib.h>

#define SENDER 100
#define COUNTER 1000
#define LEDGER 1001
#define LEDGER_BALANCE 500
#define HAMT_BIT_WIDTH 5

enum {
    USR_NOT_FOUND = 17,
    USR_ILLEGAL_STATE = 20,
    USR_SERIALIZATION = 21,
    USR_UNHANDLED = 22,
    USR_ASSERTION = 24,
    USR_READ_ONLY = 25
};

/* --- a world of two actors --- */

typedef struct world {
    fvm_blockstore store;
    fvm_engine *engine;
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt; /* of the last message */
    uint64_t gas;        /* of all */
    fvm_buf params;
} world;

/* (module (memory (export "memory") 0) (func (export "invoke") (param i32) (result i32) i32.const 0)) */
static const uint8_t idle[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f,
    0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x00, 0x07, 0x13, 0x02,
    0x06, 'm',  'e',  'm',  'o',  'r',  'y',  0x02, 0x00, 0x06, 'i',  'n',  'v',  'o',
    'k',  'e',  0x00, 0x00, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x00, 0x0b,
};

static fvm_cid install(const fvm_blockstore *bs, const char *name)
{
    static char path[4096];
    const char *folder = getenv("FVM_RUST_ACTORS");
    fvm_buf wasm;
    fvm_cid code;
    uint8_t chunk[4096];
    CHECK_AT("FVM_RUST_ACTORS is set; run test.sh", folder);
    (void)snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    FILE *file = fopen(path, "rb");
    CHECK_AT(path, file);
    fvm_buf_init(&wasm, NULL);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        CHECK_OK(fvm_buf_append(&wasm, (fvm_bytes){ chunk, n }));
    (void)fclose(file);
    CHECK_OK(fvm_blockstore_put_new(bs, &code, FVM_CODEC_RAW, fvm_buf_bytes(&wasm)));
    fvm_buf_deinit(&wasm);
    return code;
}

static void world_open_on(world *w, uint32_t network_version, fvm_engine_backend backend)
{
    fvm_cid root, none;
    *w = (world){ 0 };
    CHECK_OK(fvm_blockstore_memory_new(&w->store, NULL));
    CHECK_OK(
        fvm_blockstore_put_new(&w->store, &none, FVM_CODEC_RAW, (fvm_bytes){ idle, sizeof idle }));
    const fvm_genesis_builtin builtins[] = {
        { "system", none },      { "init", none }, { "account", none },
        { "placeholder", none }, { "eam", none },  { "ethaccount", none },
    };
    const fvm_genesis_actor actors[] = {
        { .id = 99, .code = none },
        { .id = SENDER, .code = none, .balance = fvm_big_u64(1000000) },
        { .id = COUNTER, .code = install(&w->store, "counter") },
        { .id = LEDGER,
          .code = install(&w->store, "ledger"),
          .balance = fvm_big_u64(LEDGER_BALANCE) },
    };
    CHECK_OK(fvm_genesis_build(&root, &w->store,
                               &(fvm_genesis){
                                   .network_version = network_version,
                                   .builtins = builtins,
                                   .builtin_count = FVM_COUNT(builtins),
                                   .actors = actors,
                                   .actor_count = FVM_COUNT(actors),
                               },
                               NULL));
    CHECK_OK(fvm_engine_new_with(&w->engine, &(fvm_engine_config){ .backend = backend }, NULL));
    CHECK_OK(fvm_context_new(&w->context, w->engine, NULL));
    CHECK_OK(fvm_machine_new(&w->machine, w->context, &w->store, &root,
                             &(fvm_machine_config){
                                 .network_version = network_version,
                                 .chain_id = 31415926,
                                 .epoch = 77,
                                 .timestamp = 1700000000,
                             }));
    fvm_receipt_init(&w->receipt, NULL);
    fvm_buf_init(&w->params, NULL);
}

static void world_open(world *w, uint32_t network_version)
{
    world_open_on(w, network_version, FVM_ENGINE_DEFAULT);
}

static void world_close(world *w)
{
    fvm_buf_deinit(&w->params);
    fvm_receipt_deinit(&w->receipt);
    fvm_machine_free(w->machine);
    fvm_context_free(w->context);
    fvm_engine_free(w->engine);
    fvm_blockstore_free(&w->store);
}

/* Sends a message with the parameters gathered in w->params; gives its exit code. */
static uint32_t call(world *w, uint64_t to, uint64_t method, uint64_t value)
{
    fvm_message message = {
        .from = fvm_address_id(SENDER),
        .to = fvm_address_id(to),
        .value = fvm_big_u64(value),
        .gas_limit = 10000000000,
        .method = method,
        .params = fvm_buf_bytes(&w->params),
    };
    CHECK_OK(fvm_machine_apply(w->machine, &w->receipt, &message, FVM_APPLY_IMPLICIT, 0));
    w->gas += w->receipt.gas_used;
    w->params.len = 0;
    return w->receipt.exit_code;
}
static uint32_t call_uint(world *w, uint64_t to, uint64_t method, uint64_t n)
{
    CHECK_OK(fvm_cbor_put_uint(&w->params, n));
    return call(w, to, method, 0);
}
static fvm_bytes returned(const world *w)
{
    return fvm_buf_bytes(&w->receipt.return_data);
}
static void put_text(world *w, const char *text)
{
    CHECK_OK(fvm_cbor_put_text(&w->params, fvm_bytes_of(text)));
}
static uint32_t ledger_set(world *w, const char *name, uint64_t n)
{
    CHECK_OK(fvm_cbor_put_array(&w->params, 2));
    put_text(w, name);
    CHECK_OK(fvm_cbor_put_uint(&w->params, n));
    return call(w, LEDGER, 2, 0);
}
static uint32_t ledger_of_name(world *w, uint64_t method, const char *name)
{
    put_text(w, name);
    return call(w, LEDGER, method, 0);
}
static uint32_t ledger_fill(world *w, uint64_t from, uint64_t to)
{
    CHECK_OK(fvm_cbor_put_array(&w->params, 2));
    CHECK_OK(fvm_cbor_put_uint(&w->params, from));
    CHECK_OK(fvm_cbor_put_uint(&w->params, to));
    return call(w, LEDGER, 5, 0);
}
/* The ledger sends n to a method of the counter. */
static uint32_t ledger_send(world *w, uint64_t method, const uint64_t *n, uint64_t value,
                            bool read_only)
{
    CHECK_OK(fvm_cbor_put_array(&w->params, 5));
    CHECK_OK(fvm_cbor_put_uint(&w->params, COUNTER));
    CHECK_OK(fvm_cbor_put_uint(&w->params, method));
    CHECK_OK(n ? fvm_cbor_put_uint(&w->params, *n) : fvm_cbor_put_null(&w->params));
    CHECK_OK(fvm_cbor_put_uint(&w->params, value));
    CHECK_OK(fvm_cbor_put_bool(&w->params, read_only));
    return call(w, LEDGER, 6, 0);
}

/* --- the counter --- */

TEST(a_counter_keeps_its_state_between_messages)
{
    world w;
    world_open(&w, 27);
    CHECK(call(&w, COUNTER, 1, 0) == 0);
    CHECK(call_uint(&w, COUNTER, 2, 5) == 0);
    CHECK_HEX(returned(&w), "05");
    CHECK(call_uint(&w, COUNTER, 2, 1000) == 0);
    CHECK_HEX(returned(&w), "1903ed");
    CHECK(w.receipt.has_return_codec && w.receipt.return_codec == FVM_CODEC_DAG_CBOR);
    CHECK(call(&w, COUNTER, 3, 7) == 0);
    CHECK_HEX(returned(&w), "841903ed18640707"); /* [1005, 100, 7, 7] */
    world_close(&w);
}

TEST(exits_of_a_counter_carry_code_and_data_and_undo_its_changes)
{
    world w;
    world_open(&w, 27);
    CHECK(call_uint(&w, COUNTER, 2, 1) == USR_ILLEGAL_STATE);
    CHECK(call(&w, COUNTER, 1, 0) == 0);
    CHECK(call_uint(&w, COUNTER, 4, 33) == 33);
    CHECK_HEX(returned(&w), "1903e8"); /* what it had reached */
    CHECK(call(&w, COUNTER, 3, 0) == 0);
    CHECK_HEX(returned(&w), "8400186400"
                            "00"); /* and nothing of it is left */
    CHECK(call(&w, COUNTER, 5, 0) == USR_ASSERTION);
    CHECK(call(&w, COUNTER, 6, 0) == USR_UNHANDLED);
    CHECK(call(&w, COUNTER, 2, 0) == 16); /* no parameters */
    put_text(&w, "seven");
    CHECK(call(&w, COUNTER, 2, 0) == USR_SERIALIZATION);
    CHECK(call_uint(&w, COUNTER, 2, UINT64_MAX) == 0);
    CHECK(call_uint(&w, COUNTER, 2, 1) == 100);
    world_close(&w);
}

/* --- the ledger --- */

TEST(a_ledger_finds_what_it_set_and_tells_it_by_events)
{
    world w;
    world_open(&w, 27);
    CHECK(call(&w, LEDGER, 1, 0) == 0);
    CHECK(ledger_set(&w, "ada", 36) == 0);
    CHECK(w.receipt.event_count == 1 && w.receipt.has_events_root);
    /* [1001, [[3, "set", 0x55, 'ada'], [1, "value", 0x51, 18 24]]] */
    CHECK_HEX(fvm_buf_bytes(&w.receipt.events), "821903e982840363736574185543616461840165"
                                                "76616c756518514218"
                                                "24");
    CHECK(ledger_of_name(&w, 3, "ada") == 0);
    CHECK_HEX(returned(&w), "1824");
    CHECK(w.receipt.event_count == 0 && !w.receipt.has_events_root);
    CHECK(ledger_of_name(&w, 3, "bob") == USR_NOT_FOUND);
    CHECK(ledger_of_name(&w, 4, "ada") == 0);
    CHECK_HEX(returned(&w), "f5");
    CHECK(ledger_of_name(&w, 4, "ada") == 0);
    CHECK_HEX(returned(&w), "f4");
    CHECK(ledger_of_name(&w, 3, "ada") == USR_NOT_FOUND);
    world_close(&w);
}

/* Head of an actor in the machine's state: the tree is [version, HAMT of ID addresses' payload to
 * [code, head, ...], info]. */
static fvm_cid head_of(world *w, uint64_t id)
{
    const fvm_blockstore *bs = fvm_machine_blockstore(w->machine);
    fvm_address key = fvm_address_id(id);
    fvm_bytes in, record;
    fvm_cid root, actors, code, head;
    fvm_buf spare;
    fvm_hamt *hamt;
    uint64_t version, fields;
    fvm_buf_init(&spare, NULL);
    CHECK_OK(fvm_machine_root(w->machine, &root));
    CHECK_OK(fvm_blockstore_view(bs, &in, &spare, &root));
    CHECK_OK(fvm_cbor_tuple(3, &in));
    CHECK_OK(fvm_cbor_uint(&version, &in));
    CHECK_OK(fvm_cbor_cid(&actors, &in));
    CHECK_OK(fvm_hamt_load(&hamt, bs, &actors, HAMT_BIT_WIDTH, NULL));
    CHECK_OK(fvm_hamt_get(hamt, &record, (fvm_bytes){ key.bytes, key.len }));
    CHECK_OK(fvm_cbor_array(&fields, &record));
    CHECK_OK(fvm_cbor_cid(&code, &record));
    CHECK_OK(fvm_cbor_cid(&head, &record));
    fvm_hamt_free(hamt);
    fvm_buf_deinit(&spare);
    return head;
}

TEST(the_published_hamt_in_wasm_has_the_root_that_ours_has)
{
    world w;
    fvm_blockstore mine;
    fvm_hamt *hamt;
    fvm_buf value;
    fvm_cid want, got;
    char name[32];
    world_open(&w, 27);
    CHECK(call(&w, LEDGER, 1, 0) == 0);
    CHECK(ledger_fill(&w, 0, 150) == 0);
    CHECK(ledger_fill(&w, 150, 300) == 0);
    CHECK(ledger_of_name(&w, 4, "k77") == 0);
    CHECK_OK(fvm_blockstore_memory_new(&mine, NULL));
    CHECK_OK(fvm_hamt_new(&hamt, &mine, HAMT_BIT_WIDTH, NULL));
    fvm_buf_init(&value, NULL);
    for (unsigned i = 0; i < 300; i++) {
        if (i == 77) continue;
        (void)snprintf(name, sizeof name, "k%u", i);
        value.len = 0;
        CHECK_OK(fvm_cbor_put_uint(&value, i));
        CHECK_OK(fvm_hamt_set(hamt, fvm_bytes_of(name), fvm_buf_bytes(&value)));
    }
    CHECK_OK(fvm_hamt_flush(hamt, &want));
    got = head_of(&w, LEDGER);
    CHECK(fvm_cid_eq(&got, &want));
    fvm_buf_deinit(&value);
    fvm_hamt_free(hamt);
    fvm_blockstore_free(&mine);
    world_close(&w);
}

TEST(a_ledger_sends_and_sees_what_the_counter_answered)
{
    world w;
    const uint64_t one = 1, five = 5;
    world_open(&w, 27);
    CHECK(call(&w, COUNTER, 1, 0) == 0);
    CHECK(ledger_send(&w, 2, &five, 0, false) == 0);
    CHECK_HEX(returned(&w), "820041"
                            "05");
    CHECK(ledger_send(&w, 3, NULL, 20, false) == 0);
    CHECK_HEX(returned(&w), "82004784051903e91414"); /* [5, 1001, 20, 20] */
    /* read only: the counter may look but not change; its failure is not the ledger's */
    CHECK(ledger_send(&w, 3, NULL, 0, true) == 0);
    CHECK(ledger_send(&w, 2, &one, 0, true) == 0);
    CHECK_HEX(returned(&w), "82181940");
    CHECK(ledger_send(&w, 5, NULL, 30, false) == 0);
    CHECK_HEX(returned(&w), "82181840"); /* panicked, and the money came back */
    CHECK(call(&w, COUNTER, 3, 0) == 0);
    CHECK_HEX(returned(&w), "84051903e90014");
    world_close(&w);
}

TEST(a_send_above_the_balance_is_refused_by_number)
{
    world w;
    world_open(&w, 27);
    CHECK(ledger_send(&w, 3, NULL, LEDGER_BALANCE + 1, false) == 205); /* insufficient funds: 5 */
    world_close(&w);
}

TEST(hashes_and_context_reach_rust)
{
    world w;
    world_open(&w, 27);
    CHECK_OK(fvm_buf_append(&w.params, FVM_STR("abc")));
    CHECK(call(&w, LEDGER, 7, 0) == 0);
    CHECK_HEX(returned(&w), "83"
                            "5820ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                            "58204e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
                            "5820bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    CHECK(call(&w, LEDGER, 8, 0) == 0);
    CHECK_HEX(returned(&w), "86186419"
                            "03e9184d1a6553f1001a01df5e76f4");
    world_close(&w);
}

TEST(memory_without_end_is_a_trap_and_the_machine_goes_on)
{
    world w;
    world_open(&w, 27);
    CHECK(call(&w, LEDGER, 9, 0) == 4); /* illegal instruction: the allocator's abort */
    CHECK(call(&w, COUNTER, 1, 0) == 0);
    CHECK(call_uint(&w, COUNTER, 2, 1) == 0);
    world_close(&w);
}

/* Gas, and the state, of a fixed run. */
static uint64_t gas_of_a_run(uint32_t network_version, fvm_engine_backend backend, fvm_cid *root)
{
    world w;
    const uint64_t two = 2;
    world_open_on(&w, network_version, backend);
    CHECK(call(&w, COUNTER, 1, 0) == 0);
    CHECK(call(&w, LEDGER, 1, 0) == 0);
    CHECK(ledger_fill(&w, 0, 50) == 0);
    CHECK(ledger_set(&w, "k7", 8) == 0);
    CHECK(ledger_send(&w, 2, &two, 3, false) == 0);
    CHECK(call(&w, COUNTER, 5, 0) == USR_ASSERTION);
    CHECK_OK(fvm_machine_flush(w.machine, root));
    uint64_t gas = w.gas;
    world_close(&w);
    return gas;
}

TEST(gas_and_state_of_a_run_are_the_same_each_time_and_on_each_engine)
{
    /* emit_event has had the form that this SDK imports since nv21 (reference/kernel.md) */
    static const uint32_t versions[] = { 21, 22, 25, 29 };
    for (size_t i = 0; i < FVM_COUNT(versions); i++) {
        fvm_cid first, second, compiled;
        uint64_t gas = gas_of_a_run(versions[i], FVM_ENGINE_INTERP, &first);
        CHECK(gas == gas_of_a_run(versions[i], FVM_ENGINE_INTERP, &second));
        CHECK(gas == gas_of_a_run(versions[i], FVM_ENGINE_DEFAULT, &compiled));
        CHECK(fvm_cid_eq(&first, &compiled));
        CHECK(fvm_cid_eq(&first, &second));
        printf("nv%u: %llu gas\n", versions[i], (unsigned long long)gas);
    }
}
