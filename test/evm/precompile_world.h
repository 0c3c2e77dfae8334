/* precompile_world.h - a machine with one contract that calls precompiles: either the actor of
 * precompiles_actor.c, or an EVM actor (bundle v18's) whose bytecode forwards to them. Both take a
 * call's kind, address, value and input, and say whether it worked, what came out and what it cost. */
#ifndef TEST_EVM_PRECOMPILE_WORLD_H
#define TEST_EVM_PRECOMPILE_WORLD_H

#include "actor_world.h"
#include "chain/evm_state.h"
#include "ipld/cbor.h"

#include <fvm/store.h>

#define INVOKE_EVM 3844450837u

enum { PRE_CALL, PRE_DELEGATECALL, PRE_STATICCALL, PRE_KINDS };

typedef struct pre_world {
    actor_world world;
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
    fvm_cid head;
    w->evm = evm;
    actor_world_begin(&w->world);
    if (evm) {
        fvm__evm_state state;
        fvm_bytes code = { pre_forward, sizeof pre_forward };
        CHECK_OK(fvm__evm_new(&state, code, &w->world.store, NULL));
        CHECK_OK(fvm__evm_write(&head, &state, &w->world.store, NULL));
    }
    actor_world_end(&w->world, wasm, evm ? &head : NULL, 1000000, externs);
}

static inline void pre_world_deinit(pre_world *w)
{
    actor_world_deinit(&w->world);
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
    pre_result r = { .exit_code = actor_call_number(&w->world, INVOKE_EVM, value,
                                                    fvm_buf_bytes(&params)) };
    fvm_buf_deinit(&params);
    r.gas = (int64_t)w->world.receipt.gas_used;
    fvm_bytes data = fvm_buf_bytes(&w->world.receipt.return_data);
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
