/* registry.c - the blocks that an invocation holds, by handle (reference/kernel.md 5). Blocks are
 * never closed; they live in the message's arena, paid for by their retention price. */
#include "internal.h"

fvm_ipld_block *fvm__block_new(fvm_arena *arena, uint64_t codec, fvm_bytes data)
{
    fvm_ipld_block *block = fvm_arena_alloc(arena, sizeof *block);
    if (block) *block = (fvm_ipld_block){ .codec = codec, .data = data };
    return block;
}

static bool codec_allowed(fvm_era era, uint64_t codec)
{
    switch (era) {
    case FVM_ERA_V2: return codec == FVM_CODEC_DAG_CBOR;
    case FVM_ERA_V3:
        return codec == FVM_CODEC_CBOR || codec == FVM_CODEC_DAG_CBOR || codec == FVM_CODEC_RAW;
    case FVM_ERA_V4: break; /* checked where blocks are made, and by the link scan */
    }
    return true;
}

static fvm_err append(fvm_invocation *inv, uint32_t *handle, const fvm_ipld_block *block)
{
    fvm_registry *registry = &inv->registry;
    if (registry->count == registry->cap) {
        /* Doubling: what is left behind in the arena is less than what is in use. */
        uint32_t cap = registry->cap ? registry->cap * 2 : 8;
        const fvm_ipld_block **blocks = fvm_arena_alloc(inv->env->arena, cap * sizeof *blocks);
        if (!blocks) return FVM_ERR_NOMEM;
        if (registry->count) memcpy(blocks, registry->blocks, registry->count * sizeof *blocks);
        registry->blocks = blocks;
        registry->cap = cap;
    }
    registry->blocks[registry->count++] = block;
    *handle = registry->count;
    return FVM_OK;
}

fvm_err fvm__registry_put(fvm_invocation *inv, uint32_t *handle, const fvm_ipld_block *block)
{
    if (fvm__registry_full(&inv->registry)) return FVM_ERR_SYS_LIMIT_EXCEEDED;
    if (!codec_allowed(inv->env->net->era, block->codec)) return FVM_ERR_SYS_ILLEGAL_CODEC;
    for (uint32_t i = 0; i < block->link_count; i++)
        FVM_TRY(fvm__cid_set_add(&inv->reachable, inv->env->arena, &block->links[i]));
    return append(inv, handle, block);
}

fvm_err fvm__registry_put_checked(fvm_invocation *inv, uint32_t *handle,
                                  const fvm_ipld_block *block)
{
    if (fvm__registry_full(&inv->registry)) return FVM_ERR_SYS_LIMIT_EXCEEDED;
    if (!codec_allowed(inv->env->net->era, block->codec)) return FVM_ERR_SYS_ILLEGAL_CODEC;
    for (uint32_t i = 0; i < block->link_count; i++)
        if (!fvm__cid_set_has(&inv->reachable, &block->links[i])) return FVM_ERR_SYS_NOT_FOUND;
    return append(inv, handle, block);
}
