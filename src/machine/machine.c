/* machine.c - contexts and machines: making them, applying messages safely, flushing. */
#include "machine_internal.h"

#include "base/big.h"
#include "ipld/buffered.h"
#include "ipld/cbor.h"
#include "profile.h"

fvm_err fvm_context_new(fvm_context **out, fvm_engine *engine, const fvm_allocator *alloc)
{
    fvm_context *context = fvm_mem_zalloc(alloc, sizeof *context);
    if (!context) return FVM_ERR_NOMEM;
    context->engine = engine;
    context->alloc = alloc;
    fvm__engine_look_after(engine);
    fvm_err err = fvm_wasm_context_new(&context->wasm, alloc);
    if (err != FVM_OK) {
        fvm_mem_free(alloc, context, sizeof *context);
        return err;
    }
    fvm_arena_init(&context->arena, alloc);
    *out = context;
    return FVM_OK;
}

void fvm_context_free(fvm_context *context)
{
    if (!context) return;
    fvm_arena_deinit(&context->arena);
    fvm_wasm_context_free(context->wasm);
    fvm_mem_free(context->alloc, context, sizeof *context);
}

/* From nv18 on the machine provides the empty array block, the head of actors without state. It goes
 * to the buffer, not to the embedder's store: a machine writes there only when it is flushed. */
static fvm_err put_empty_blocks(fvm_machine *m)
{
    static const uint8_t empty_array[] = { 0x80 };
    fvm_cid cid;
    if (m->net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_blockstore_put_new(&m->store, &cid, FVM_CODEC_DAG_CBOR,
                                  (fvm_bytes){ empty_array, sizeof empty_array });
}

/* The manifest block is [version = 1, data CID]. */
static fvm_err read_manifest_block(fvm_machine *m, fvm_cid *data, const fvm_cid *manifest)
{
    fvm_buf spare;
    fvm_bytes in;
    uint64_t version = 0;
    fvm_buf_init(&spare, m->alloc);
    fvm_err err = fvm_blockstore_view(&m->store, &in, &spare, manifest);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) {
        if (fvm_cbor_tuple(2, &in) != FVM_OK || fvm_cbor_uint(&version, &in) != FVM_OK ||
            fvm_cbor_cid(data, &in) != FVM_OK || fvm_cbor_end(in) != FVM_OK || version != 1)
            err = FVM_ERR_BAD_STATE;
    }
    fvm_buf_deinit(&spare);
    return err;
}

static fvm_err load_manifest(fvm_machine *m, const fvm_cid *manifest)
{
    fvm_cid data;
    if (manifest)
        FVM_TRY(read_manifest_block(m, &data, manifest));
    else
        FVM_TRY(fvm_system_state_manifest(m->state, &data));
    return fvm_manifest_load(&m->manifest, &m->store, &data, m->net, m->alloc);
}

static fvm_err compile_builtins(fvm_machine *m)
{
    for (uint32_t type = 1; type <= fvm_manifest_count(m->manifest); type++) {
        const fvm_wasm_module *module;
        FVM_TRY(fvm__engine_module(m->context->engine, &module, m->context->wasm, m->net, m->hosts,
                                   &m->store, fvm_manifest_code(m->manifest, type, NULL)));
        fvm_wasm_module_free(module);
    }
    return FVM_OK;
}

static fvm_err open_machine(fvm_machine *m, const fvm_blockstore *base, const fvm_cid *root,
                            const fvm_cid *manifest)
{
    FVM_TRY(fvm_blockstore_buffered_new(&m->store, base, m->alloc));
    FVM_TRY(put_empty_blocks(m));
    FVM_TRY(fvm_state_view_open(&m->state, &m->store, root, m->net, m->alloc));
    FVM_TRY(load_manifest(m, manifest));
    return compile_builtins(m);
}

void fvm__machine_move(fvm_machine *m, const fvm_machine_config *config)
{
    m->externs = config->externs ? *config->externs : (fvm_externs){ .ctx = NULL };
    m->tipset = (fvm_tipset_context){
        .epoch = config->epoch,
        .timestamp = config->timestamp,
        .base_fee = config->base_fee,
        .circulating_supply = config->circulating_supply,
        .chain_id = config->chain_id,
    };
    m->trace = config->trace;
    m->debug = config->actor_debugging;
}

fvm_err fvm__machine_reset(fvm_machine *m, const fvm_cid *root)
{
    fvm_state_view_free(m->state);
    m->state = NULL;
    fvm_buffered_clear(&m->store);
    FVM_TRY(put_empty_blocks(m));
    return fvm_state_view_open(&m->state, &m->store, root, m->net, m->alloc);
}

fvm_err fvm__machine_new(fvm_machine **out, fvm_context *context, const fvm_blockstore *base,
                         const fvm_cid *root, const fvm_machine_config *config,
                         const fvm_network *net)
{
    fvm_machine *m = fvm_mem_zalloc(context->alloc, sizeof *m);
    if (!m) return FVM_ERR_NOMEM;
    m->context = context;
    m->alloc = context->alloc;
    m->net = net;
    if (config->user_actors) {
        m->own_net = *net;
        m->own_net.user_actors = true;
        m->net = &m->own_net;
    }
    m->hosts = fvm_kernel_syscalls(m->net);
    fvm__machine_move(m, config);
    fvm_err err = open_machine(m, base, root, config->manifest);
    if (err != FVM_OK) {
        fvm_machine_free(m);
        return err;
    }
    *out = m;
    return FVM_OK;
}

fvm_err fvm_machine_new(fvm_machine **out, fvm_context *context, const fvm_blockstore *base,
                        const fvm_cid *root, const fvm_machine_config *config)
{
    const fvm_network *net = fvm_network_find(config->network_version);
    if (!net || (config->user_actors && net->era != FVM_ERA_V4)) return FVM_ERR_VERSION;
    return fvm__machine_new(out, context, base, root, config, net);
}

void fvm_machine_free(fvm_machine *machine)
{
    if (!machine) return;
    fvm_manifest_free(machine->manifest);
    fvm_state_view_free(machine->state);
    fvm_blockstore_free(&machine->store);
    fvm_mem_free(machine->alloc, machine, sizeof *machine);
}

typedef struct apply_args {
    fvm_machine *machine;
    fvm_receipt *receipt;
    const fvm_message *message;
    fvm_apply_kind kind;
    uint64_t chain_length;
} apply_args;

static fvm_err apply_on_stack(void *arg)
{
    const apply_args *a = arg;
    return fvm__executor_apply(a->machine, a->receipt, a->message, a->kind, a->chain_length);
}

/* Field by field: whole, it is a kilobyte. `events_root` stays, as nothing says that it is there. */
static void clear_receipt(fvm_receipt *receipt)
{
    receipt->exit_code = 0;
    receipt->gas_used = 0;
    receipt->return_data.len = receipt->events.len = 0;
    receipt->has_return_codec = receipt->has_events_root = false;
    receipt->return_codec = 0;
    receipt->event_count = 0;
    fvm__big_clear(&receipt->penalty);
    fvm__big_clear(&receipt->miner_tip);
    fvm__big_clear(&receipt->base_fee_burn);
    fvm__big_clear(&receipt->over_estimation_burn);
    fvm__big_clear(&receipt->refund);
    receipt->gas_refund = receipt->gas_burned = 0;
    receipt->failure = NULL;
}

fvm_err fvm_machine_apply(fvm_machine *machine, fvm_receipt *receipt, const fvm_message *message,
                          fvm_apply_kind kind, uint64_t chain_length)
{
    apply_args args = { machine, receipt, message, kind, chain_length };
    clear_receipt(receipt);
    /* An outer transaction: whatever ends without a receipt leaves the state as it was. */
    FVM_TRY(fvm_state_begin(machine->state));
    fvm_wasm_context *wasm = machine->context->wasm;
    const fvm_wasm_watcher watcher = fvm__profile_watcher(machine->trace);
    bool watched = machine->trace && fvm__engine_profiles(machine->context->engine);
    if (watched) fvm_wasm_context_watch(wasm, &watcher);
    fvm_err err = fvm_wasm_context_run(wasm, apply_on_stack, &args);
    if (watched) fvm_wasm_context_watch(wasm, NULL);
    fvm_state_end(machine->state, err != FVM_OK);
    if (err != FVM_OK) clear_receipt(receipt);
    return err;
}

fvm_err fvm_machine_root(fvm_machine *machine, fvm_cid *root)
{
    return fvm_state_flush(machine->state, root);
}

fvm_err fvm_machine_flush(fvm_machine *machine, fvm_cid *root)
{
    fvm_flush_rules rules = machine->net->era == FVM_ERA_V2 ? FVM_FLUSH_V2 : FVM_FLUSH_V3;
    fvm_cid new_root;
    FVM_TRY(fvm_machine_root(machine, &new_root));
    FVM_TRY(fvm_buffered_flush(&machine->store, &new_root, rules));
    *root = new_root;
    return FVM_OK;
}

const fvm_blockstore *fvm_machine_blockstore(const fvm_machine *machine)
{
    return &machine->store;
}

fvm_bytes fvm_machine_actor_type(const fvm_machine *m, const fvm_cid *code)
{
    fvm_bytes name = { NULL, 0 };
    uint32_t type = fvm_manifest_type(m->manifest, code);
    if (type) (void)fvm_manifest_code(m->manifest, type, &name);
    return name;
}
