/* sandbox.c - one actor over IPLD data: a state made for the run, an implicit message from the system
 * actor, and the new head's blocks moved to the caller's store. */
#include <fvm/genesis.h>
#include <fvm/sandbox.h>

#include "idle_actor.h"
#include "ipld/buffered.h"
#include "machine_internal.h"

#define SANDBOX_ID 1000
#define SANDBOX_METHOD 2
#define SANDBOX_GAS 1000000000000u

static fvm_err make_state(fvm_cid *root, const fvm_blockstore *scratch, const fvm_sandbox *sandbox,
                          uint32_t version, const fvm_allocator *alloc)
{
    fvm_cid idle;
    FVM_TRY(fvm_blockstore_put_new(scratch, &idle, FVM_CODEC_RAW,
                                   (fvm_bytes){ fvm__idle_actor, sizeof fvm__idle_actor }));
    const fvm_genesis_builtin builtins[] = {
        { "system", idle },      { "init", idle }, { "account", idle },
        { "placeholder", idle }, { "eam", idle },  { "ethaccount", idle },
    };
    const fvm_genesis_actor actors[] = {
        { .id = FVM_ID_BURNT, .code = idle },
        { .id = SANDBOX_ID, .code = sandbox->code, .head = sandbox->root },
    };
    return fvm_genesis_build(root, scratch,
                             &(fvm_genesis){
                                 .network_version = version,
                                 .builtins = builtins,
                                 .builtin_count = FVM_COUNT(builtins),
                                 .actors = actors,
                                 .actor_count = FVM_COUNT(actors),
                             },
                             alloc);
}

static fvm_err run_machine(fvm_machine *m, fvm_cid *head, fvm_receipt *receipt,
                           const fvm_sandbox *sandbox)
{
    const fvm_actor *actor;
    fvm_message message = {
        .to = fvm_address_id(SANDBOX_ID),
        .from = fvm_address_id(FVM_ID_SYSTEM),
        .gas_limit = sandbox->gas_limit ? sandbox->gas_limit : SANDBOX_GAS,
        .method = sandbox->method ? sandbox->method : SANDBOX_METHOD,
        .params = sandbox->params,
    };
    FVM_TRY(fvm_machine_apply(m, receipt, &message, FVM_APPLY_IMPLICIT, 0));
    *head = sandbox->root;
    if (receipt->exit_code != 0) return FVM_OK;
    fvm_err err = fvm_state_get(m->state, &actor, SANDBOX_ID);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK; /* it deleted itself: the data stay as they were */
    if (err != FVM_OK) return err;
    *head = actor->head;
    return FVM_OK;
}

/* Writes what the run made and the new root reaches to the caller's store. */
static fvm_err keep_blocks(fvm_machine *m, const fvm_blockstore *bs, const fvm_cid *head,
                           const fvm_allocator *alloc)
{
    fvm_buf blocks;
    fvm_buf_init(&blocks, alloc);
    fvm_err err = fvm_buffered_collect(&m->store, &blocks, head, FVM_FLUSH_V3);
    if (err == FVM_OK)
        err = fvm_blockstore_put_many(bs, (const fvm_block *)(const void *)blocks.ptr,
                                      blocks.len / sizeof(fvm_block));
    fvm_buf_deinit(&blocks);
    return err;
}

static fvm_err run_over(fvm_context *context, fvm_cid *new_root, fvm_receipt *receipt,
                        const fvm_blockstore *scratch, const fvm_blockstore *bs,
                        const fvm_sandbox *sandbox)
{
    fvm_machine_config config = {
        .network_version = sandbox->network_version ? sandbox->network_version
                                                    : FVM_NETWORK_VERSION_MAX,
        .epoch = sandbox->epoch,
        .timestamp = sandbox->timestamp,
        .externs = sandbox->externs,
        .trace = sandbox->trace,
    };
    fvm_machine *m;
    fvm_cid root, head;
    FVM_TRY(make_state(&root, scratch, sandbox, config.network_version, context->alloc));
    FVM_TRY(fvm_machine_new(&m, context, scratch, &root, &config));
    fvm_err err = run_machine(m, &head, receipt, sandbox);
    if (err == FVM_OK && receipt->exit_code == 0) err = keep_blocks(m, bs, &head, context->alloc);
    fvm_machine_free(m);
    if (err == FVM_OK) *new_root = head;
    return err;
}

fvm_err fvm_sandbox_run(fvm_context *context, fvm_cid *new_root, fvm_receipt *receipt,
                        const fvm_blockstore *bs, const fvm_sandbox *sandbox)
{
    fvm_blockstore scratch; /* holds the made-up state, so that it never reaches `bs` */
    FVM_TRY(fvm_blockstore_buffered_new(&scratch, bs, context->alloc));
    fvm_err err = run_over(context, new_root, receipt, &scratch, bs, sandbox);
    fvm_blockstore_free(&scratch);
    return err;
}
