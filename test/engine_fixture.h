/* engine_fixture.h - a state with many small actors, each with a code of its own, for tests of the
 * engine's cache: what is loaded how often, and whether results depend on it. */
#ifndef FVM_TEST_ENGINE_FIXTURE_H
#define FVM_TEST_ENGINE_FIXTURE_H

#include "machine/machine_internal.h"
#include "test.h"
#include "unit/wasm_asm.h"
#include <fvm/genesis.h>

#include <stdatomic.h>
#include <unistd.h>

#define FLEET_ACTORS 12u
#define FLEET_FIRST 1000u
#define FLEET_VERSION 28u

typedef struct fleet {
    fvm_blockstore memory, bs; /* bs counts what is read from memory */
    fvm_cid codes[FLEET_ACTORS], root;
    atomic_uint reads[FLEET_ACTORS]; /* of a code: each one is a module made */
    unsigned delay_us;               /* of such a read */
    bool broken;                     /* such a read finds nothing */
} fleet;

static inline void fleet_count(fleet *f, const fvm_cid *cid)
{
    for (unsigned i = 0; i < FLEET_ACTORS; i++) {
        if (!fvm_cid_eq(cid, &f->codes[i])) continue;
        f->reads[i]++;
        if (f->delay_us) usleep(f->delay_us);
    }
}
static inline fvm_err fleet_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    fleet *f = self;
    fleet_count(f, cid);
    return f->broken ? FVM_ERR_NOT_FOUND : fvm_blockstore_get(&f->memory, out, cid);
}
static inline fvm_err fleet_has(void *self, bool *out, const fvm_cid *cid)
{
    return fvm_blockstore_has(&((fleet *)self)->memory, out, cid);
}
static inline fvm_err fleet_put_many(void *self, const fvm_block *blocks, size_t count)
{
    return fvm_blockstore_put_many(&((fleet *)self)->memory, blocks, count);
}

/* An actor that works in a loop, then exits with 16 + i; larger with i. */
static inline void fleet_wasm(wasm_asm *a, unsigned i)
{
    uint8_t code = (uint8_t)i; /* below 47: a byte of LEB128 */
    wasm_begin(a);
    uint32_t t_exit = wasm_type(a, "iiii", "i"), t_invoke = wasm_type(a, "i", "i");
    uint32_t exit = wasm_import_func(a, "vm", "exit", t_exit);
    (void)exit;
    wasm_memory(a, 1, -1);
    wasm_export(a, "memory", WASM_MEMORY_KIND, 0);
    uint32_t work = wasm_func(a, t_invoke,
                              BODY(NO_LOCALS, LOOP, EMPTY, LOCAL_GET, 0, I32_CONST, 1, I32_SUB,
                                   LOCAL_TEE, 0, BR_IF, 0, END, I32_CONST, code, I32_CONST, 16,
                                   I32_ADD, END));
    uint32_t invoke = wasm_func(a, t_invoke,
                                BODY(NO_LOCALS, I32_CONST, 40, CALL, (uint8_t)work, I32_CONST, 0,
                                     I32_CONST, 0, I32_CONST, 0, CALL, 0, END));
    wasm_export(a, "invoke", WASM_FUNC_KIND, invoke);
    for (unsigned k = 0; k < 20 * i; k++)
        (void)wasm_func(
            a, t_invoke,
            BODY(NO_LOCALS, LOCAL_GET, 0, I32_CONST, code, I32_MUL, LOCAL_GET, 0, I32_ADD, END));
}

static inline void fleet_open(fleet *f)
{
    static const fvm_blockstore_ops ops = { .get = fleet_get,
                                            .has = fleet_has,
                                            .put_many = fleet_put_many };
    fvm_genesis_actor actors[FLEET_ACTORS] = { 0 };
    *f = (fleet){ .delay_us = 0 };
    f->bs = (fvm_blockstore){ &ops, f };
    CHECK_OK(fvm_blockstore_memory_new(&f->memory, NULL));
    for (unsigned i = 0; i < FLEET_ACTORS; i++) {
        wasm_asm a;
        fleet_wasm(&a, i);
        CHECK_OK(fvm_blockstore_put_new(&f->memory, &f->codes[i], FVM_CODEC_RAW, wasm_finish(&a)));
        wasm_end(&a);
        actors[i] = (fvm_genesis_actor){ .id = FLEET_FIRST + i, .code = f->codes[i] };
    }
    const fvm_genesis_builtin builtins[] = {
        { "system", f->codes[0] },      { "init", f->codes[0] }, { "account", f->codes[0] },
        { "placeholder", f->codes[0] }, { "eam", f->codes[0] },  { "ethaccount", f->codes[0] },
    };
    const fvm_genesis genesis = { .network_version = FLEET_VERSION,
                                  .builtins = builtins,
                                  .builtin_count = FVM_COUNT(builtins),
                                  .actors = actors,
                                  .actor_count = FLEET_ACTORS };
    CHECK_OK(fvm_genesis_build(&f->root, &f->memory, &genesis, NULL));
}

static inline void fleet_close(fleet *f)
{
    fvm_blockstore_free(&f->memory);
}

/* The module of actor i, held; let go of it. */
static inline const fvm_wasm_module *fleet_module(fleet *f, fvm_engine *engine, unsigned i)
{
    const fvm_network *net = fvm_network_find(FLEET_VERSION);
    const fvm_wasm_module *module;
    CHECK_OK(fvm__engine_module(engine, &module, NULL, net, fvm_kernel_syscalls(net), &f->bs,
                                &f->codes[i]));
    return module;
}
static inline void fleet_load(fleet *f, fvm_engine *engine, unsigned i)
{
    fvm_wasm_module_free(fleet_module(f, engine, i));
}

/* What a message gave. */
typedef struct fleet_result {
    uint32_t exit_code;
    uint64_t gas_used;
} fleet_result;

/* Applies `count` messages, to actors by `seed`, on a context and machine of its own. */
static inline void fleet_run(fleet *f, fvm_engine *engine, fleet_result *results, size_t count,
                             uint64_t seed)
{
    fvm_context *context;
    fvm_machine *machine;
    fvm_receipt receipt;
    test_rng rng = { seed };
    const fvm_machine_config config = { .network_version = FLEET_VERSION };
    CHECK_OK(fvm_context_new(&context, engine, NULL));
    CHECK_OK(fvm_machine_new(&machine, context, &f->bs, &f->root, &config));
    fvm_receipt_init(&receipt, NULL);
    for (size_t i = 0; i < count; i++) {
        fvm_message message = {
            .to = fvm_address_id(FLEET_FIRST + test_rng_below(&rng, FLEET_ACTORS)),
            .from = fvm_address_id(0),
            .gas_limit = 1000000000,
            .method = 2,
        };
        CHECK_OK(fvm_machine_apply(machine, &receipt, &message, FVM_APPLY_IMPLICIT, 0));
        results[i] = (fleet_result){ receipt.exit_code, receipt.gas_used };
    }
    fvm_receipt_deinit(&receipt);
    fvm_machine_free(machine);
    fvm_context_free(context);
}
#endif
