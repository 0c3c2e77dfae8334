/* engine.c - the module cache. A module's key is its code CID, the rules it was metered under and
 * the host table that it was linked against. */
#include "engine.h"

#include "base/map.h"
#include <pthread.h>

struct fvm_engine {
    const fvm_allocator *alloc;
    fvm_wasm_backend backend;
    pthread_mutex_t lock; /* over modules and bytes */
    fvm_map modules;      /* key -> fvm_wasm_module */
    size_t bytes;
};

#define KEY_MAX (FVM_CID_BYTES_MAX + 2 * sizeof(void *))

static size_t make_key(uint8_t out[KEY_MAX], const fvm_network *net,
                       const fvm_wasm_host_table *hosts, const fvm_cid *code)
{
    size_t n = fvm_cid_write(out, code);
    /* Tables are constants: their addresses name them for as long as this engine lives. */
    memcpy(out + n, &net->wasm, sizeof net->wasm);
    n += sizeof net->wasm;
    memcpy(out + n, &hosts, sizeof hosts);
    return n + sizeof hosts;
}

fvm_err fvm_engine_new(fvm_engine **out, const fvm_allocator *alloc)
{
    return fvm_engine_new_with(out, NULL, alloc);
}

fvm_err fvm_engine_new_with(fvm_engine **out, const fvm_engine_config *config,
                            const fvm_allocator *alloc)
{
    static const fvm_wasm_backend backends[] = {
        [FVM_ENGINE_DEFAULT] = FVM_WASM_BACKEND_DEFAULT,
        [FVM_ENGINE_INTERP] = FVM_WASM_BACKEND_INTERP,
        [FVM_ENGINE_JIT] = FVM_WASM_BACKEND_X64,
    };
    fvm_wasm_backend backend = backends[config ? config->backend : FVM_ENGINE_DEFAULT];
    if (!fvm_wasm_backend_available(backend)) return FVM_ERR_INVALID;
    fvm_engine *engine = fvm_mem_zalloc(alloc, sizeof *engine);
    if (!engine) return FVM_ERR_NOMEM;
    engine->alloc = alloc;
    engine->backend = backend;
    if (pthread_mutex_init(&engine->lock, NULL) != 0) {
        fvm_mem_free(alloc, engine, sizeof *engine);
        return FVM_ERR_NOMEM;
    }
    fvm_map_init(&engine->modules, alloc);
    *out = engine;
    return FVM_OK;
}

void fvm_engine_free(fvm_engine *engine)
{
    if (!engine) return;
    size_t at = 0;
    for (fvm_map_entry *e; (e = fvm_map_next(&engine->modules, &at));)
        fvm_wasm_module_free(e->value.ptr);
    fvm_map_deinit(&engine->modules);
    pthread_mutex_destroy(&engine->lock);
    fvm_mem_free(engine->alloc, engine, sizeof *engine);
}

void fvm_engine_stats(fvm_engine *engine, size_t *modules, size_t *bytes)
{
    pthread_mutex_lock(&engine->lock);
    *modules = engine->modules.live;
    *bytes = engine->bytes;
    pthread_mutex_unlock(&engine->lock);
}

static fvm_wasm_module *cached(fvm_engine *engine, fvm_bytes key)
{
    pthread_mutex_lock(&engine->lock);
    fvm_map_entry *e = fvm_map_get(&engine->modules, key);
    fvm_wasm_module *module = e ? e->value.ptr : NULL;
    pthread_mutex_unlock(&engine->lock);
    return module;
}

/* Takes `module`: it is in the cache afterwards, or freed when another thread was first. */
static fvm_err keep(fvm_engine *engine, fvm_wasm_module **module, fvm_bytes key)
{
    fvm_map_entry *e;
    bool inserted;
    pthread_mutex_lock(&engine->lock);
    fvm_err err = fvm_map_put(&engine->modules, &e, &inserted, key);
    if (err == FVM_OK && inserted) {
        e->value.ptr = *module;
        engine->bytes += fvm_wasm_module_size(*module);
    } else {
        fvm_wasm_module_free(*module);
        *module = err == FVM_OK ? e->value.ptr : NULL;
    }
    pthread_mutex_unlock(&engine->lock);
    return err;
}

/* Compiled outside the lock: a big module must not hold up other threads. */
static fvm_err compile(fvm_engine *engine, fvm_wasm_module **out, const fvm_network *net,
                       const fvm_wasm_host_table *hosts, const fvm_blockstore *blocks,
                       const fvm_cid *code)
{
    fvm_bytes wasm;
    fvm_buf spare;
    fvm_buf_init(&spare, engine->alloc);
    fvm_err err = fvm_blockstore_view(blocks, &wasm, &spare, code);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) {
        err = fvm_wasm_module_new_on(out, net->wasm, hosts, wasm, NULL, engine->alloc,
                                     engine->backend);
        if (fvm_err_class_of(err) == FVM_CLASS_INPUT) err = FVM_ERR_BAD_STATE;
    }
    fvm_buf_deinit(&spare);
    return err;
}

fvm_err fvm__engine_module(fvm_engine *engine, const fvm_wasm_module **out, const fvm_network *net,
                           const fvm_wasm_host_table *hosts, const fvm_blockstore *blocks,
                           const fvm_cid *code)
{
    uint8_t raw[KEY_MAX];
    fvm_bytes key = { raw, make_key(raw, net, hosts, code) };
    fvm_wasm_module *module = cached(engine, key);
    if (!module) {
        FVM_TRY(compile(engine, &module, net, hosts, blocks, code));
        FVM_TRY(keep(engine, &module, key));
    }
    *out = module;
    return FVM_OK;
}
