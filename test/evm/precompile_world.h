/* precompile_world.h - a machine with one contract that calls precompiles: either the actor of
 * precompiles_actor.c, or an EVM actor (bundle v18's) whose bytecode forwards to them. Both take a
 * call's kind, address, value and input, and say whether it worked, what came out and what it cost. */
#ifndef TEST_EVM_PRECOMPILE_WORLD_H
#define TEST_EVM_PRECOMPILE_WORLD_H

#include "actor_world.h"
#include "chain/evm_state.h"
#include "ipld/cbor.h"

#include <fvm/store.h>

enum { PRE_CALL, PRE_DELEGATECALL, PRE_STATICCALL, PRE_KINDS };

typedef struct pre_world {
    fvm_engine *engine;
    fvm_context *context;
    fvm_blockstore store;
    fvm_machine *machine;
    fvm_address sender;
    uint64_t nonce;
    fvm_receipt receipt;
    bool evm; /* else precompiles_actor.c */
} pre_world;

/* What a call gave. */
typedef struct pre_result {
    uint32_t exit_code; /* of the contract */
    bool ok;
    fvm_bytes out; /* in the world's receipt */
    int64_t gas;
} pre_result;

/* The first word of calldata is the kind of call and the address; makes it with the rest as input and
 * with the value received, returns one byte of success and the return data. */
static const uint8_t pre_forward[] = {
    0x60, 0x20, 0x36, 0x03, 0x80, 0x60, 0x20, 0x60, 0x00, 0x37, 0x60, 0x00, 0x60, 0x00, 0x82,
    0x60, 0x00, 0x60, 0x00, 0x35, 0x80, 0x60, 0x00, 0x1a, 0x80, 0x60, 0x01, 0x14, 0x60, 0x2c,
    0x57, 0x60, 0x02, 0x14, 0x60, 0x33, 0x57, 0x34, 0x90, 0x5a, 0xf1, 0x60, 0x36, 0x56, 0x5b,
    0x50, 0x5a, 0xf4, 0x60, 0x36, 0x56, 0x5b, 0x5a, 0xfa, 0x5b, 0x60, 0x00, 0x53, 0x3d, 0x60,
    0x00, 0x60, 0x01, 0x3e, 0x3d, 0x60, 0x01, 0x01, 0x60, 0x00, 0xf3,
};

/* `wasm` is an EVM actor, or else our test actor. */
static inline void pre_world_init(pre_world *w, fvm_bytes wasm, bool evm,
                                  const fvm_externs *externs)
{
    fvm_cid root, head;
    fvm_big balance = fvm_big_u64(1000000);
    *w = (pre_world){ .evm = evm };
    CHECK_OK(fvm_engine_new(&w->engine, NULL));
    CHECK_OK(fvm_context_new(&w->context, w->engine, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&w->store, NULL));
    if (w->evm) {
        fvm__evm_state state;
        fvm_bytes code = { pre_forward, sizeof pre_forward };
        CHECK_OK(fvm__evm_new(&state, code, &w->store, NULL));
        CHECK_OK(fvm__evm_write(&head, &state, &w->store, NULL));
    }
    CHECK_OK(fvm_world_make_with_state(&root, &w->sender, 1, &w->store, 27, wasm,
                                       w->evm ? &head : NULL, &balance));
    fvm_machine_config config = {
        .network_version = 27, .chain_id = 314, .epoch = 100, .timestamp = 3000, .externs = externs
    };
    CHECK_OK(fvm_machine_new(&w->machine, w->context, &w->store, &root, &config));
    fvm_receipt_init(&w->receipt, NULL);
}

static inline void pre_world_deinit(pre_world *w)
{
    fvm_receipt_deinit(&w->receipt);
    fvm_machine_free(w->machine);
    fvm_context_free(w->context);
    fvm_engine_free(w->engine);
    fvm_blockstore_free(&w->store);
}

static inline pre_result pre_call(pre_world *w, unsigned kind, const uint8_t address[20],
                                  uint8_t value, fvm_bytes in)
{
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    if (w->evm) {
        uint8_t word[32] = { (uint8_t)kind };
        memcpy(word + 12, address, 20);
        fvm_buf data;
        fvm_buf_init(&data, NULL);
        CHECK_OK(fvm_buf_append(&data, (fvm_bytes){ word, 32 }));
        CHECK_OK(fvm_buf_append(&data, in));
        CHECK_OK(fvm_cbor_put_bytes(&params, fvm_buf_bytes(&data)));
        fvm_buf_deinit(&data);
    } else {
        uint8_t head[22] = { (uint8_t)kind };
        memcpy(head + 1, address, 20);
        head[21] = value;
        CHECK_OK(fvm_buf_append(&params, (fvm_bytes){ head, 22 }));
        CHECK_OK(fvm_buf_append(&params, in));
    }
    fvm_message message = {
        .from = w->sender,
        .to = fvm_address_id(FVM_WORLD_ACTOR),
        .nonce = w->nonce++,
        .value = fvm_big_u64(value),
        .gas_limit = 10000000000,
        .method = 3844450837,
        .params = fvm_buf_bytes(&params),
    };
    CHECK_OK(fvm_machine_apply(w->machine, &w->receipt, &message, FVM_APPLY_EXPLICIT, 100));
    fvm_buf_deinit(&params);
    pre_result r = { .exit_code = w->receipt.exit_code, .gas = (int64_t)w->receipt.gas_used };
    fvm_bytes data = fvm_buf_bytes(&w->receipt.return_data);
    if (r.exit_code != 0) return r;
    if (w->evm) {
        fvm_bytes rest = data;
        CHECK_OK(fvm_cbor_bytes(&data, &rest, NULL));
    }
    CHECK(data.len >= 1);
    r.ok = data.ptr[0] == 1;
    r.out = (fvm_bytes){ data.ptr + 1, data.len - 1 };
    return r;
}

/* The EVM actor of a bundle in the user's cache; false when it is not there. */
static inline bool pre_bundle_evm(fvm_buf *wasm, const char *bundle)
{
    fvm_blockstore bs;
    fvm_bundle_info info;
    fvm_buf actors;
    bool found = false;
    if (fvm_bundle_open(&bs, &info, NULL, bundle, NULL, NULL) != FVM_OK) return false;
    fvm_buf_init(&actors, NULL);
    CHECK_OK(fvm_bundle_actors(&actors, &bs, &info.manifest, NULL));
    for (size_t i = 0; i < actors.len / sizeof(fvm_bundle_actor); i++) {
        fvm_bundle_actor actor;
        memcpy(&actor, actors.ptr + i * sizeof actor, sizeof actor);
        if (strcmp(actor.name, "evm") != 0) continue;
        CHECK_OK(fvm_blockstore_get(&bs, wasm, &actor.code));
        found = true;
    }
    fvm_buf_deinit(&actors);
    fvm_blockstore_free(&bs);
    return found;
}
#endif
