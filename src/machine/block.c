/* block.c - a block as a pure function: parent root and messages in, root, receipts and the blocks
 * to write out. Nothing reaches the base store before the result is committed, so consensus that
 * proposes, checks and commits in separate steps can drop a result at no cost. */
#include "machine_internal.h"

#include "ipld/buffered.h"

struct fvm_block_result {
    const fvm_allocator *alloc;
    fvm_machine *machine; /* owns the buffer that `blocks` points into */
    fvm_cid root;
    fvm_receipt *receipts;
    size_t count;
    fvm_buf blocks; /* fvm_block[] in write order */
};

static fvm_err apply_one(fvm_block_result *r, size_t i, const fvm_block_message *input,
                         uint32_t version)
{
    fvm_message message;
    FVM_TRY(fvm_message_read(&message, input->bytes, version));
    return fvm_machine_apply(r->machine, &r->receipts[i], &message, input->kind,
                             input->chain_length);
}

static fvm_err execute(fvm_block_result *r, const fvm_block_message *messages, uint32_t version)
{
    fvm_flush_rules rules = r->machine->net->era == FVM_ERA_V2 ? FVM_FLUSH_V2 : FVM_FLUSH_V3;
    for (size_t i = 0; i < r->count; i++) FVM_TRY(apply_one(r, i, &messages[i], version));
    FVM_TRY(fvm_machine_root(r->machine, &r->root));
    return fvm_buffered_collect(&r->machine->store, &r->blocks, &r->root, rules);
}

fvm_err fvm_block_execute(fvm_block_result **out, fvm_context *context, const fvm_blockstore *base,
                          const fvm_cid *parent, const fvm_machine_config *config,
                          const fvm_block_message *messages, size_t count)
{
    const fvm_allocator *alloc = context->alloc;
    if (count > SIZE_MAX / sizeof(fvm_receipt)) return FVM_ERR_NOMEM;
    fvm_block_result *r = fvm_mem_zalloc(alloc, sizeof *r);
    if (!r) return FVM_ERR_NOMEM;
    r->alloc = alloc;
    fvm_buf_init(&r->blocks, alloc);
    fvm_err err = FVM_OK;
    if (count) {
        r->receipts = fvm_mem_alloc(alloc, count * sizeof *r->receipts);
        if (!r->receipts) err = FVM_ERR_NOMEM;
    }
    if (r->receipts) {
        r->count = count;
        for (size_t i = 0; i < count; i++) fvm_receipt_init(&r->receipts[i], alloc);
    }
    if (err == FVM_OK) err = fvm_machine_new(&r->machine, context, base, parent, config);
    if (err == FVM_OK) err = execute(r, messages, config->network_version);
    if (err != FVM_OK) {
        fvm_block_result_free(r);
        return err;
    }
    *out = r;
    return FVM_OK;
}

const fvm_cid *fvm_block_result_root(const fvm_block_result *result)
{
    return &result->root;
}

const fvm_receipt *fvm_block_result_receipt(const fvm_block_result *result, size_t i)
{
    return i < result->count ? &result->receipts[i] : NULL;
}

fvm_err fvm_block_result_commit(fvm_block_result *result, const fvm_blockstore *base)
{
    const fvm_block *blocks = (const fvm_block *)(const void *)result->blocks.ptr;
    return fvm_blockstore_put_many(base, blocks, result->blocks.len / sizeof *blocks);
}

void fvm_block_result_free(fvm_block_result *result)
{
    if (!result) return;
    for (size_t i = 0; i < result->count; i++) fvm_receipt_deinit(&result->receipts[i]);
    fvm_mem_free(result->alloc, result->receipts, result->count * sizeof *result->receipts);
    fvm_buf_deinit(&result->blocks);
    fvm_machine_free(result->machine);
    fvm_mem_free(result->alloc, result, sizeof *result);
}
