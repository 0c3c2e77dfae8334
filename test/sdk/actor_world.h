/* actor_world.h - a machine with one actor in it, for tests of the SDK. */
#ifndef TEST_SDK_ACTOR_WORLD_H
#define TEST_SDK_ACTOR_WORLD_H

#include "cli/cmd_actor_frc42.h"
#include "cli/world.h"
#include "test.h"

#include <fvm/machine.h>

typedef struct actor_world {
    fvm_engine *engine;
    fvm_context *context;
    fvm_blockstore store;
    fvm_machine *machine;
    fvm_address sender;
    uint64_t nonce;
    fvm_receipt receipt; /* of the last call */
    fvm_buf wasm;
} actor_world;

static inline void actor_read_file(fvm_buf *out, const char *path)
{
    uint8_t chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    CHECK_AT(path, f != NULL);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        CHECK_OK(fvm_buf_append(out, (fvm_bytes){ chunk, n }));
    fclose(f);
}

/* Engine, context and store; then the actor's first state may be put into the store. */
static inline void actor_world_begin(actor_world *w)
{
    *w = (actor_world){ 0 };
    fvm_buf_init(&w->wasm, NULL);
    CHECK_OK(fvm_engine_new(&w->engine, NULL));
    CHECK_OK(fvm_context_new(&w->context, w->engine, NULL));
    CHECK_OK(fvm_blockstore_memory_new(&w->store, NULL));
    fvm_receipt_init(&w->receipt, NULL);
}

/* The actor at FVM_WORLD_ACTOR, with a state (NULL: none); `externs` may be NULL. */
static inline void actor_world_end(actor_world *w, fvm_bytes wasm, const fvm_cid *head,
                                   uint64_t balance, const fvm_externs *externs)
{
    fvm_cid root;
    fvm_big amount = fvm_big_u64(balance);
    CHECK_OK(fvm_world_make_with_state(&root, &w->sender, 1, &w->store, 27, wasm, head, &amount));
    fvm_machine_config config = {
        .network_version = 27, .chain_id = 314, .epoch = 100, .timestamp = 3000, .externs = externs
    };
    CHECK_OK(fvm_machine_new(&w->machine, w->context, &w->store, &root, &config));
}

/* The actor ACTORS_DIR/NAME.wasm. */
static inline void actor_world_init(actor_world *w, const char *name)
{
    char path[1024];
    actor_world_begin(w);
    (void)snprintf(path, sizeof path, "%s/%s.wasm", ACTORS_DIR, name);
    actor_read_file(&w->wasm, path);
    actor_world_end(w, fvm_buf_bytes(&w->wasm), NULL, 0, NULL);
}

static inline void actor_world_deinit(actor_world *w)
{
    fvm_receipt_deinit(&w->receipt);
    fvm_machine_free(w->machine);
    fvm_context_free(w->context);
    fvm_engine_free(w->engine);
    fvm_blockstore_free(&w->store);
    fvm_buf_deinit(&w->wasm);
}

static inline uint32_t actor_call_number(actor_world *w, uint64_t method, uint64_t value,
                                         fvm_bytes params)
{
    fvm_message message = {
        .from = w->sender,
        .to = fvm_address_id(FVM_WORLD_ACTOR),
        .nonce = w->nonce++,
        .value = fvm_big_u64(value),
        .gas_limit = 10000000000,
        .method = method,
        .params = params,
    };
    CHECK_OK(fvm_machine_apply(w->machine, &w->receipt, &message, FVM_APPLY_EXPLICIT, 100));
    return w->receipt.exit_code;
}

/* Calls the method of a name; "Constructor" is 1. Returns the exit code. */
static inline uint32_t actor_call(actor_world *w, const char *method, fvm_bytes params)
{
    uint32_t number;
    CHECK_OK(fvm_frc42(&number, fvm_bytes_of(method)));
    return actor_call_number(w, number, 0, params);
}
#endif
