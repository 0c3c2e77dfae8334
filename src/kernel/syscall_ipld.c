/* syscall_ipld.c - modules `ipld` and `self`: blocks, the actor's state root, balance and end
 * (reference/kernel.md 4 and 5). */
#include "base/big.h"
#include "internal.h"

/* --- ipld --- */

/* The block's bytes, in the arena or valid as long as the store. What is named but absent is broken
 * state, fatal for every node. */
static fvm_err load(fvm_message_env *env, fvm_bytes *out, const fvm_cid *cid)
{
    fvm_buf spare;
    fvm_buf_init(&spare, env->alloc);
    fvm_err err = fvm_blockstore_view(env->blocks, out, &spare, cid);
    /* A view of `spare` must outlive it. A view into the store would do as it is while the store keeps
     * it; a buffered store may be cleared by its owner, so it is copied as well. */
    if (err == FVM_OK) err = fvm_arena_copy(env->arena, out, *out);
    fvm_buf_deinit(&spare);
    if (err == FVM_OK || fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
    return FVM_ERR_MISSING_BLOCK;
}

fvm_err fvm__ipld_block_open(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    bool tracked = env->net->era == FVM_ERA_V4;
    fvm_cid cid;
    FVM_TRY(fvm__read_cid(&cid, c, args[0]));
    FVM_TRY(fvm_price_on_block_open_base(env->net, &env->gas));
    if (tracked && !fvm__cid_set_has(&c->inv->reachable, &cid)) return FVM_ERR_SYS_NOT_FOUND;

    fvm_bytes data;
    FVM_TRY(load(env, &data, &cid));
    fvm__trace_ipld(env, FVM_TRACE_IPLD_GET, &cid, data.len);
    const fvm_cid *links = NULL;
    uint32_t link_count = 0;
    if (tracked)
        FVM_TRY(
            fvm__links_scan(&links, &link_count, env->net, &env->gas, env->arena, cid.codec, data));
    FVM_TRY(fvm_price_on_block_open(env->net, &env->gas, data.len, link_count));

    fvm_ipld_block *block = fvm__block_new(env->arena, cid.codec, data);
    if (!block) return FVM_ERR_NOMEM;
    block->links = links;
    block->link_count = link_count;
    uint32_t handle;
    FVM_TRY(fvm__registry_put(c->inv, &handle, block));
    fvm_store_le64(out, cid.codec);
    fvm_store_le32(out + 8, handle);
    fvm_store_le32(out + 12, (uint32_t)data.len);
    return FVM_OK;
}

fvm_err fvm__ipld_block_create(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    uint64_t codec = args[0];
    fvm_bytes data;
    FVM_TRY(fvm__slice(&data, c, args[1], args[2]));
    if (data.len > env->net->max_block_bytes) return FVM_ERR_SYS_LIMIT_EXCEEDED;

    const fvm_cid *links = NULL;
    uint32_t link_count = 0;
    if (env->net->era == FVM_ERA_V4) {
        if (codec != FVM_CODEC_CBOR && codec != FVM_CODEC_DAG_CBOR && codec != FVM_CODEC_RAW)
            return FVM_ERR_SYS_ILLEGAL_CODEC;
        FVM_TRY(fvm__links_scan(&links, &link_count, env->net, &env->gas, env->arena, codec, data));
    }
    FVM_TRY(fvm_price_on_block_create(env->net, &env->gas, data.len, link_count));

    /* Copied only now that its retention is paid. */
    FVM_TRY(fvm_arena_copy(env->arena, &data, data));
    fvm_ipld_block *block = fvm__block_new(env->arena, codec, data);
    if (!block) return FVM_ERR_NOMEM;
    block->links = links;
    block->link_count = link_count;
    uint32_t handle;
    FVM_TRY(fvm__registry_put_checked(c->inv, &handle, block));
    fvm_store_le32(out, handle);
    return FVM_OK;
}

fvm_err fvm__ipld_block_read(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    uint32_t offset = (uint32_t)args[1], len = (uint32_t)args[3];
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[2], len));
    uint64_t end = (uint64_t)offset + len;
    if (end > INT32_MAX) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    const fvm_ipld_block *block = fvm__registry_get(&c->inv->registry, (uint32_t)args[0]);
    if (!block) return FVM_ERR_SYS_INVALID_HANDLE;

    size_t size = block->data.len;
    size_t n = size > offset ? size - offset : 0;
    if (n > len) n = len;
    FVM_TRY(fvm_price_on_block_read(env->net, &env->gas, n));
    if (n) memcpy(buffer, block->data.ptr + offset, n);
    fvm_store_le32(out, (uint32_t)size - (uint32_t)end); /* negative: room left in the buffer */
    return FVM_OK;
}

fvm_err fvm__ipld_block_stat(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    FVM_TRY(fvm_price_on_block_stat(c->env->net, &c->env->gas));
    const fvm_ipld_block *block = fvm__registry_get(&c->inv->registry, (uint32_t)args[0]);
    if (!block) return FVM_ERR_SYS_INVALID_HANDLE;
    fvm_store_le64(out, block->codec);
    fvm_store_le32(out + 8, (uint32_t)block->data.len);
    return FVM_OK;
}

fvm_err fvm__ipld_block_link(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[3], args[4]));
    if (args[1] != FVM_HASH_BLAKE2B_256 || (uint32_t)args[2] != 32) return FVM_ERR_SYS_ILLEGAL_CID;
    const fvm_ipld_block *block = fvm__registry_get(&c->inv->registry, (uint32_t)args[0]);
    if (!block) return FVM_ERR_SYS_INVALID_HANDLE;
    FVM_TRY(fvm_price_on_block_link(env->net, &env->gas, block->data.len));

    fvm_cid cid = fvm_cid_of(block->codec, block->data);
    FVM_TRY(fvm_blockstore_put(env->blocks, &cid, block->data));
    if (env->net->era == FVM_ERA_V4)
        FVM_TRY(fvm__cid_set_add_copy(&c->inv->reachable, env->arena, &cid));
    fvm__trace_ipld(env, FVM_TRACE_IPLD_PUT, &cid, block->data.len);
    return fvm__write_cid(out, c, args[3], args[4], &cid);
}

/* --- self --- */

/* The running actor; SYS_ILLEGAL_OPERATION once it is deleted. */
static fvm_err self(fvm_syscall *c, const fvm_actor **out)
{
    fvm_err err = fvm_env_get_actor(c->env, out, c->inv->receiver);
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_SYS_ILLEGAL_OPERATION : err;
}

fvm_err fvm__self_root(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[0], args[1]));
    FVM_TRY(fvm_price_on_actor_get_root(c->env->net, &c->env->gas));
    const fvm_actor *actor;
    FVM_TRY(self(c, &actor));
    if (c->env->net->era == FVM_ERA_V4)
        FVM_TRY(fvm__cid_set_add_copy(&c->inv->reachable, c->env->arena, &actor->head));
    return fvm__write_cid(out, c, args[0], args[1], &actor->head);
}

fvm_err fvm__self_set_root(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_cid cid;
    FVM_TRY(fvm__read_cid(&cid, c, args[0]));
    if (c->inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(fvm_price_on_actor_set_root(c->env->net, &c->env->gas));
    if (c->env->net->era == FVM_ERA_V4 && !fvm__cid_set_has(&c->inv->reachable, &cid))
        return FVM_ERR_SYS_NOT_FOUND;
    const fvm_actor *actor;
    FVM_TRY(self(c, &actor));
    fvm_actor *changed;
    FVM_TRY(fvm_env_edit_actor(c->env, &changed, c->inv->receiver));
    changed->head = cid;
    return FVM_OK;
}

fvm_err fvm__self_balance(fvm_syscall *c, fvm_big *out)
{
    FVM_TRY(fvm_price_on_self_balance(c->env->net, &c->env->gas));
    const fvm_actor *actor;
    fvm_err err = fvm_env_get_actor(c->env, &actor, c->inv->receiver);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    if (err == FVM_OK)
        fvm__big_copy(out, &actor->balance);
    else
        fvm__big_clear(out);
    return FVM_OK;
}

fvm_err fvm__self_current_balance(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)args;
    fvm_big balance;
    FVM_TRY(fvm__self_balance(c, &balance));
    return fvm__store_amount(out, &balance);
}

/* nv21+: what is left is burnt, if the actor says so. Deleting twice is fine. */
fvm_err fvm__self_destruct(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_message_env *env = c->env;
    if (c->inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(fvm_price_on_delete_actor(env->net, &env->gas));
    fvm_big balance;
    FVM_TRY(fvm__self_balance(c, &balance));
    if (!fvm_big_is_zero(&balance)) {
        if ((uint32_t)args[0] == 0) return FVM_ERR_SYS_ILLEGAL_OPERATION;
        /* The reference takes any failure here for its own, even that gas runs out. */
        fvm_err err = fvm_env_transfer(env, c->inv->receiver, FVM_ID_BURNT, &balance);
        if (err != FVM_OK) return fvm__extern_err(err, FVM_ERR_FATAL);
    }
    return fvm_env_delete_actor(env, c->inv->receiver);
}

/* Before nv21: what is left goes to a beneficiary. */
fvm_err fvm__self_destruct_to(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_message_env *env = c->env;
    fvm_address beneficiary;
    FVM_TRY(fvm__read_address(&beneficiary, c, args[0], args[1]));
    if (c->inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(fvm_price_on_delete_actor(env->net, &env->gas));
    fvm_big balance;
    FVM_TRY(fvm__self_balance(c, &balance));
    if (!fvm_big_is_zero(&balance)) {
        uint64_t id;
        FVM_TRY(fvm_price_on_resolve_address(env->net, &env->gas));
        fvm_err err = fvm_env_resolve_address(env, &id, &beneficiary);
        if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_NOT_FOUND;
        if (err != FVM_OK) return err;
        if (id == c->inv->receiver) return FVM_ERR_SYS_FORBIDDEN;
        FVM_TRY(fvm_env_transfer(env, c->inv->receiver, id, &balance));
    }
    return fvm_env_delete_actor(env, c->inv->receiver);
}
