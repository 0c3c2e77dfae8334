/* engine.c - the module cache. A module's key is its code CID, the rules it was metered under and
 * the host table that it was linked against.
 *
 * Whoever gets a module holds it, and the cache does, too: one that leaves the cache lives on until
 * the last holder lets go. The cache keeps its modules in order of use and drops the oldest ones
 * beyond its bound, except those that somebody runs, which would free nothing. An entry whose module
 * is still being made has none; others who want it wait. When making fails they try themselves: they
 * may have a store that has the code, or memory. */
#include "engine.h"

#include "base/map.h"
#include "crypto/crypto.h"
#include "wasm/image.h"
#include <pthread.h>

/* Lives from the moment that somebody sets out to make the module. */
typedef struct entry {
    struct entry *older, *newer;
    fvm_bytes key;           /* the map's copy */
    fvm_wasm_module *module; /* NULL: being made, and not in the list */
    size_t bytes;
} entry;

struct fvm_engine {
    const fvm_allocator *alloc;
    fvm_wasm_backend backend;
    size_t max_bytes;
    fvm_code_cache disk;  /* load NULL: none */
    pthread_mutex_t lock; /* over all that follows */
    pthread_cond_t made;  /* an entry has got its module, or is gone */
    fvm_map modules;      /* key -> entry */
    entry *oldest, *newest;
    size_t count, bytes; /* of those in the list */
};

#define KEY_MAX (FVM_CID_BYTES_MAX + 2 * sizeof(void *) + 1)

static size_t make_key(uint8_t out[KEY_MAX], const fvm_network *net,
                       const fvm_wasm_host_table *hosts, const fvm_cid *code,
                       fvm_wasm_backend backend)
{
    size_t n = fvm_cid_write(out, code);
    out[n++] = (uint8_t)backend; /* an engine may have a module in two forms */
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

static fvm_wasm_backend guarded_if_possible(fvm_wasm_backend backend,
                                            const fvm_engine_config *config)
{
    bool wanted = config && config->memory == FVM_ENGINE_MEMORY_GUARDED;
    bool possible = wanted && backend != FVM_WASM_BACKEND_INTERP &&
                    backend != FVM_WASM_BACKEND_PROFILE &&
                    fvm_wasm_backend_available(FVM_WASM_BACKEND_X64_GUARD);
    return possible ? FVM_WASM_BACKEND_X64_GUARD : backend;
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
    if (config && config->profile) {
        if (config->backend == FVM_ENGINE_JIT) return FVM_ERR_INVALID;
        backend = FVM_WASM_BACKEND_PROFILE;
    }
    if (!fvm_wasm_backend_available(backend)) return FVM_ERR_INVALID;
    backend = guarded_if_possible(backend, config);
    fvm_engine *engine = fvm_mem_zalloc(alloc, sizeof *engine);
    if (!engine) return FVM_ERR_NOMEM;
    engine->alloc = alloc;
    engine->backend = backend;
    engine->max_bytes = config && config->cache_bytes ? config->cache_bytes
                                                      : FVM_ENGINE_CACHE_BYTES;
    if (config && config->code_cache && fvm_wasm_image_available(backend))
        engine->disk = *config->code_cache;
    bool locked = pthread_mutex_init(&engine->lock, NULL) == 0;
    if (!locked || pthread_cond_init(&engine->made, NULL) != 0) {
        if (locked) pthread_mutex_destroy(&engine->lock);
        fvm_mem_free(alloc, engine, sizeof *engine);
        return FVM_ERR_NOMEM;
    }
    fvm_map_init(&engine->modules, alloc);
    *out = engine;
    return FVM_OK;
}

void fvm__engine_look_after(const fvm_engine *engine)
{
    if (engine->backend == FVM_WASM_BACKEND_X64_GUARD)
        (void)fvm_wasm_backend_available(engine->backend);
}

bool fvm__engine_profiles(const fvm_engine *engine)
{
    return engine->backend == FVM_WASM_BACKEND_PROFILE;
}

/* --- the list, under the lock ----------------------------------------------------------------- */

static void unlink_entry(fvm_engine *engine, entry *e)
{
    *(e->older ? &e->older->newer : &engine->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &engine->newest) = e->older;
    engine->count--;
    engine->bytes -= e->bytes;
}

static void link_newest(fvm_engine *engine, entry *e)
{
    e->older = engine->newest;
    e->newer = NULL;
    *(e->older ? &e->older->newer : &engine->oldest) = e;
    engine->newest = e;
    engine->count++;
    engine->bytes += e->bytes;
}

static void forget(fvm_engine *engine, entry *e)
{
    (void)fvm_map_remove(&engine->modules, e->key);
    fvm_wasm_module_free(e->module);
    fvm_mem_free(engine->alloc, e, sizeof *e);
}

static void evict(fvm_engine *engine)
{
    entry *newer;
    for (entry *e = engine->oldest; e && engine->bytes > engine->max_bytes; e = newer) {
        newer = e->newer;
        if (fvm_wasm_module_in_use(e->module)) continue;
        unlink_entry(engine, e);
        forget(engine, e);
    }
}

void fvm_engine_free(fvm_engine *engine)
{
    if (!engine) return;
    for (entry *e = engine->oldest, *newer; e; e = newer) {
        newer = e->newer;
        forget(engine, e);
    }
    fvm_map_deinit(&engine->modules);
    pthread_cond_destroy(&engine->made);
    pthread_mutex_destroy(&engine->lock);
    fvm_mem_free(engine->alloc, engine, sizeof *engine);
}

void fvm_engine_stats(fvm_engine *engine, size_t *modules, size_t *bytes)
{
    pthread_mutex_lock(&engine->lock);
    *modules = engine->count;
    *bytes = engine->bytes;
    pthread_mutex_unlock(&engine->lock);
}

/* --- making modules --------------------------------------------------------------------------- */

/* A new entry, to be filled by the caller; or the finished one of somebody else, held in *out. */
static fvm_err find_or_begin(fvm_engine *engine, entry **mine, const fvm_wasm_module **out,
                             fvm_bytes key)
{
    fvm_map_entry *slot;
    *mine = NULL;
    while ((slot = fvm_map_get(&engine->modules, key)) != NULL) {
        entry *e = slot->value.ptr;
        if (e->module) {
            unlink_entry(engine, e);
            link_newest(engine, e);
            *out = fvm_wasm_module_hold(e->module);
            return FVM_OK;
        }
        pthread_cond_wait(&engine->made, &engine->lock);
    }
    entry *e = fvm_mem_zalloc(engine->alloc, sizeof *e);
    if (!e) return FVM_ERR_NOMEM;
    fvm_err err = fvm_map_put(&engine->modules, &slot, NULL, key);
    if (err != FVM_OK) {
        fvm_mem_free(engine->alloc, e, sizeof *e);
        return err;
    }
    slot->value.ptr = e;
    e->key = slot->key;
    *mine = e;
    return FVM_OK;
}

/* The name of an image: code, rules, features of the CPU. Not the build, so that a later one takes the
 * place of an earlier one's. */
static void image_key(uint8_t key[FVM_CODE_KEY_BYTES], const fvm_network *net, const fvm_cid *code)
{
    uint8_t bytes[32 + FVM_CID_BYTES_MAX];
    fvm_wasm_image_config(bytes, net->wasm);
    fvm_blake2b_256(key, (fvm_bytes){ bytes, 32 + fvm_cid_write(bytes + 32, code) });
}

/* A module from its image; NULL when there is none that is good. */
static fvm_wasm_module *from_disk(fvm_engine *engine, const uint8_t *key, const fvm_network *net,
                                  const fvm_wasm_host_table *hosts, fvm_bytes wasm)
{
    fvm_wasm_module *module = NULL;
    fvm_buf image;
    fvm_buf_init(&image, engine->alloc);
    if (engine->disk.load(engine->disk.ctx, &image, key) != FVM_OK ||
        fvm_wasm_image_read(&module, net->wasm, hosts, wasm, fvm_buf_bytes(&image),
                            engine->alloc) != FVM_OK)
        module = NULL;
    fvm_buf_deinit(&image);
    return module;
}

static void to_disk(fvm_engine *engine, const uint8_t *key, const fvm_wasm_module *module,
                    fvm_bytes wasm)
{
    fvm_buf image;
    fvm_buf_init(&image, engine->alloc);
    if (fvm_wasm_image_write(&image, module, wasm) == FVM_OK)
        engine->disk.save(engine->disk.ctx, key, fvm_buf_bytes(&image));
    fvm_buf_deinit(&image);
}

static fvm_err load_or_compile(fvm_engine *engine, fvm_wasm_module **out, const fvm_network *net,
                               const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                               const fvm_cid *code, fvm_wasm_backend backend)
{
    uint8_t key[FVM_CODE_KEY_BYTES];
    bool disk = engine->disk.load != NULL;
    if (disk) {
        image_key(key, net, code);
        *out = from_disk(engine, key, net, hosts, wasm);
        if (*out) return FVM_OK;
    }
    fvm_err err = fvm_wasm_module_new_on(out, net->wasm, hosts, wasm, NULL, engine->alloc, backend);
    if (fvm_err_class_of(err) == FVM_CLASS_INPUT) err = FVM_ERR_BAD_STATE;
    if (err == FVM_OK && disk) to_disk(engine, key, *out, wasm);
    return err;
}

static fvm_err make(fvm_engine *engine, fvm_wasm_module **out, const fvm_network *net,
                    const fvm_wasm_host_table *hosts, const fvm_blockstore *blocks,
                    const fvm_cid *code, fvm_wasm_backend backend)
{
    fvm_bytes wasm;
    fvm_buf spare;
    fvm_buf_init(&spare, engine->alloc);
    fvm_err err = fvm_blockstore_view(blocks, &wasm, &spare, code);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) err = load_or_compile(engine, out, net, hosts, wasm, code, backend);
    fvm_buf_deinit(&spare);
    return err;
}

fvm_err fvm__engine_module(fvm_engine *engine, const fvm_wasm_module **out, fvm_wasm_context *wasm,
                           const fvm_network *net, const fvm_wasm_host_table *hosts,
                           const fvm_blockstore *blocks, const fvm_cid *code)
{
    fvm_wasm_backend backend = engine->backend;
    if (backend == FVM_WASM_BACKEND_X64_GUARD && wasm && !fvm_wasm_context_guards(wasm))
        backend = FVM_WASM_BACKEND_X64;
    uint8_t raw[KEY_MAX];
    fvm_bytes key = { raw, make_key(raw, net, hosts, code, backend) };
    entry *mine;
    fvm_wasm_module *module = NULL;
    pthread_mutex_lock(&engine->lock);
    fvm_err err = find_or_begin(engine, &mine, out, key);
    if (mine) {
        /* outside the lock: a big module must not hold up threads that want others */
        pthread_mutex_unlock(&engine->lock);
        err = make(engine, &module, net, hosts, blocks, code, backend);
        pthread_mutex_lock(&engine->lock);
        if (err == FVM_OK) {
            mine->module = module;
            mine->bytes = fvm_wasm_module_size(module) + sizeof *mine;
            link_newest(engine, mine);
            *out = fvm_wasm_module_hold(module);
            evict(engine);
        } else {
            forget(engine, mine);
        }
        pthread_cond_broadcast(&engine->made);
    }
    pthread_mutex_unlock(&engine->lock);
    return err;
}
