/* syscall_actor.c - module `actor`: addresses, code, creation, upgrades (reference/kernel.md 4). */
#include "internal.h"

#include "ipld/cbor.h"

#define F2_LEN 21 /* protocol and 20 bytes of hash */

static fvm_err found(fvm_err err)
{
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_SYS_NOT_FOUND : err;
}

fvm_err fvm__actor_resolve_address(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_address address;
    uint64_t id;
    FVM_TRY(fvm__read_address(&address, c, args[0], args[1]));
    FVM_TRY(fvm_price_on_resolve_address(c->env->net, &c->env->gas));
    FVM_TRY(found(fvm_env_resolve_address(c->env, &id, &address)));
    fvm_store_le64(out, id);
    return FVM_OK;
}

fvm_err fvm__actor_lookup_delegated(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    const fvm_actor *actor;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[1], args[2]));
    FVM_TRY(fvm_price_on_lookup_address(c->env->net, &c->env->gas));
    FVM_TRY(found(fvm_env_get_actor(c->env, &actor, args[0])));
    size_t len = actor->delegated.len;
    if (len > (uint32_t)args[2]) return FVM_ERR_SYS_BUFFER_TOO_SMALL;
    if (len) memcpy(buffer, actor->delegated.bytes, len);
    fvm_store_le32(out, (uint32_t)len);
    return FVM_OK;
}

fvm_err fvm__actor_code_cid(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    const fvm_actor *actor;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[1], args[2]));
    FVM_TRY(fvm_price_on_get_actor_code_cid(c->env->net, &c->env->gas));
    FVM_TRY(found(fvm_env_get_actor(c->env, &actor, args[0])));
    return fvm__write_cid(out, c, args[1], args[2], &actor->code);
}

fvm_err fvm__actor_balance_of(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    const fvm_actor *actor;
    FVM_TRY(fvm_price_on_balance_of(c->env->net, &c->env->gas));
    FVM_TRY(found(fvm_env_get_actor(c->env, &actor, args[0])));
    return fvm__store_amount(out, &actor->balance);
}

fvm_err fvm__actor_builtin_type(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_cid code;
    FVM_TRY(fvm__read_cid(&code, c, args[0]));
    FVM_TRY(fvm_price_on_get_builtin_actor_type(c->env->net, &c->env->gas));
    fvm_store_le32(out, fvm_manifest_type(c->env->manifest, &code));
    return FVM_OK;
}

fvm_err fvm__actor_code_for_type(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[1], args[2]));
    FVM_TRY(fvm_price_on_get_code_cid_for_type(c->env->net, &c->env->gas));
    const fvm_cid *code = fvm_manifest_code(c->env->manifest, (uint32_t)args[0], NULL);
    if (!code) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return fvm__write_cid(out, c, args[1], args[2], code);
}

/* --- new addresses --- */

/* f2 of hash(CBOR(origin) || nonce || actors created so far), into a buffer of `len` bytes. */
static fvm_err store_new_address(const fvm_syscall *c, uint8_t *buffer, uint8_t *out,
                                 const fvm_address *origin)
{
    uint8_t text[2 + FVM_ADDRESS_MAX + 16];
    size_t n = 0;
    if (origin->len < 24) {
        text[n++] = (uint8_t)(0x40 | origin->len);
    } else {
        text[n++] = 0x58;
        text[n++] = origin->len;
    }
    memcpy(text + n, origin->bytes, origin->len);
    n += origin->len;
    fvm_store_be64(text + n, c->env->nonce);
    fvm_store_be64(text + n + 8, c->env->actors_created);
    fvm_address address = fvm_address_actor((fvm_bytes){ text, n + 16 });
    memcpy(buffer, address.bytes, F2_LEN);
    fvm_store_le32(out, F2_LEN);
    return FVM_OK;
}

/* nv18+: pure, the counter advances in create_actor. */
fvm_err fvm__actor_next_address(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[0], args[1]));
    if ((uint32_t)args[1] < F2_LEN) return FVM_ERR_SYS_BUFFER_TOO_SMALL;
    return store_new_address(c, buffer, out, &c->env->origin_address);
}

fvm_err fvm__key_address(fvm_message_env *env, fvm_address *out, const fvm_address *address,
                         bool charged)
{
    fvm_protocol protocol = fvm_address_protocol(address);
    if (protocol == FVM_PROTOCOL_SECP256K1 || protocol == FVM_PROTOCOL_BLS) {
        *out = *address;
        return FVM_OK;
    }
    uint64_t id;
    const fvm_actor *actor;
    FVM_TRY(found(fvm_state_lookup_id(env->state, &id, address)));
    FVM_TRY(found(fvm_state_get(env->state, &actor, id)));
    const fvm_cid *account = fvm_manifest_builtin(env->manifest, FVM_BUILTIN_ACCOUNT);
    if (!account || !fvm_cid_eq(account, &actor->code)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;

    if (charged) FVM_TRY(fvm_price_on_block_open_base(env->net, &env->gas));
    fvm_buf spare;
    fvm_bytes state;
    fvm_buf_init(&spare, env->alloc);
    fvm_err err = fvm_blockstore_view(env->blocks, &state, &spare, &actor->head);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK && charged) err = fvm_price_on_block_open(env->net, &env->gas, state.len, 0);
    if (err == FVM_OK && fvm_account_state_address(out, state, false) != FVM_OK)
        err = FVM_ERR_BAD_STATE;
    fvm_buf_deinit(&spare);
    return err;
}

/* nv17: from the origin's key, and each call takes a number. */
fvm_err fvm__actor_new_address(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    uint8_t *buffer;
    FVM_TRY(fvm__slice_mut(&buffer, c, args[0], args[1]));
    if ((uint32_t)args[1] < F2_LEN) return FVM_ERR_SYS_BUFFER_TOO_SMALL;
    fvm_address key;
    fvm_err err = fvm__key_address(c->env, &key, &c->env->origin_address, false);
    if (err != FVM_OK) return fvm__extern_err(err, FVM_ERR_FATAL);
    FVM_TRY(store_new_address(c, buffer, out, &key));
    c->env->actors_created++;
    return FVM_OK;
}

/* --- creation --- */

/* nv17: any built-in actor that is not a singleton, by anybody. */
fvm_err fvm__actor_create_builtin(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_message_env *env = c->env;
    fvm_cid code;
    FVM_TRY(fvm__read_cid(&code, c, args[1]));
    if (fvm_manifest_type(env->manifest, &code) == 0) return FVM_ERR_SYS_FORBIDDEN;
    if (fvm_manifest_is_singleton(env->manifest, &code)) return FVM_ERR_SYS_FORBIDDEN;
    const fvm_actor *existing;
    fvm_err err = fvm_env_get_actor(env, &existing, args[0]);
    if (err == FVM_OK) return FVM_ERR_SYS_FORBIDDEN;
    if (err != FVM_ERR_NOT_FOUND) return err;
    FVM_TRY(fvm_price_on_create_actor(env->net, &env->gas, false));
    fvm_actor actor = { .code = code, .head = fvm_empty_array_cid(), .balance = fvm_big_zero() };
    return fvm_env_set_actor(env, args[0], &actor);
}

/* The actor that create_actor leaves at `id`: new, or a placeholder with other code. */
static fvm_err created(fvm_message_env *env, fvm_actor *out, uint64_t id, const fvm_cid *code,
                       const fvm_address *delegated)
{
    const fvm_cid *placeholder = fvm_manifest_builtin(env->manifest, FVM_BUILTIN_PLACEHOLDER);
    if (placeholder && fvm_cid_eq(code, placeholder)) return FVM_ERR_SYS_FORBIDDEN;

    const fvm_actor *existing;
    fvm_err err = fvm_env_get_actor(env, &existing, id);
    if (err == FVM_ERR_NOT_FOUND) {
        FVM_TRY(fvm_price_on_create_actor(env->net, &env->gas, false));
        *out = (fvm_actor){ .code = *code,
                            .head = fvm_empty_array_cid(),
                            .balance = fvm_big_zero(),
                            .delegated = *delegated };
        return FVM_OK;
    }
    if (err != FVM_OK) return err;
    if (!placeholder || !fvm_cid_eq(&existing->code, placeholder)) return FVM_ERR_SYS_FORBIDDEN;
    if (existing->delegated.len == 0) return FVM_ERR_FATAL; /* no placeholder is made without one */
    if (!fvm_address_eq(&existing->delegated, delegated)) return FVM_ERR_SYS_FORBIDDEN;
    *out = *existing;
    out->code = *code;
    return FVM_OK;
}

fvm_err fvm__actor_create(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_cid code;
    fvm_address delegated = { 0 };
    fvm_actor actor;
    FVM_TRY(fvm__read_cid(&code, c, args[1]));
    if ((uint32_t)args[3]) FVM_TRY(fvm__read_address(&delegated, c, args[2], args[3]));
    if (c->inv->receiver != FVM_ID_INIT) return FVM_ERR_SYS_FORBIDDEN;
    if (c->inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    FVM_TRY(created(c->env, &actor, args[0], &code, &delegated));
    FVM_TRY(fvm_env_set_actor(c->env, args[0], &actor));
    c->env->actors_created++;
    return FVM_OK;
}

/* --- upgrade (FIP-0098; off everywhere) --- */

/* Whether the receiver is entered below the running frame by anything but its own upgrades: then code
 * would change under a frame that is still running it. */
static bool upgrade_forbidden(const fvm_invocation *inv)
{
    bool forbidden = false, upgrades_only = true;
    for (const fvm_invocation *f = inv; f; f = f->parent) {
        bool own = f->receiver == inv->receiver;
        if (own && f->entry == FVM_ENTRY_INVOKE) forbidden = !upgrades_only;
        if (!own || f->entry != FVM_ENTRY_UPGRADE) upgrades_only = false;
    }
    return forbidden;
}

/* CBOR [old code], handed to the upgrade entry as its second argument. Of codec CBOR, not DAG-CBOR:
 * the link in it is not reachable. */
static fvm_err upgrade_info(fvm_message_env *env, const fvm_ipld_block **out, const fvm_cid *code)
{
    fvm_buf buf;
    fvm_bytes data;
    fvm_buf_init(&buf, env->alloc);
    fvm_err err = fvm_cbor_put_array(&buf, 1);
    if (err == FVM_OK) err = fvm_cbor_put_cid(&buf, code);
    if (err == FVM_OK) err = fvm_arena_copy(env->arena, &data, fvm_buf_bytes(&buf));
    fvm_buf_deinit(&buf);
    if (err != FVM_OK) return err;
    *out = fvm__block_new(env->arena, FVM_CODEC_CBOR, data);
    return *out ? FVM_OK : FVM_ERR_NOMEM;
}

/* Inside the transaction: new code into the actor's record, then its upgrade entry. */
static fvm_err upgrade(fvm_syscall *c, fvm_call_result *result, const fvm_cid *code,
                       const fvm_ipld_block *params)
{
    fvm_message_env *env = c->env;
    const fvm_actor *existing;
    const fvm_ipld_block *info;
    fvm_err err = fvm_env_get_actor(env, &existing, c->inv->receiver);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_SYS_ILLEGAL_OPERATION;
    if (err != FVM_OK) return err;
    fvm_actor changed = *existing;
    FVM_TRY(upgrade_info(env, &info, &existing->code));
    changed.code = *code;
    changed.delegated = (fvm_address){ 0 };
    FVM_TRY(fvm_env_set_actor(env, c->inv->receiver, &changed));
    return env->ops->upgrade(env->ops->ctx, result, c->inv, params, info);
}

fvm_err fvm__actor_upgrade(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_invocation *inv = c->inv;
    fvm_cid code;
    FVM_TRY(fvm__read_cid(&code, c, args[0]));
    if (inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    if (upgrade_forbidden(inv)) return FVM_ERR_SYS_FORBIDDEN;
    const fvm_ipld_block *params = NULL;
    if ((uint32_t)args[1]) {
        params = fvm__registry_get(&inv->registry, (uint32_t)args[1]);
        if (!params) return FVM_ERR_SYS_INVALID_HANDLE;
    }
    if (fvm__registry_full(&inv->registry)) return FVM_ERR_SYS_LIMIT_EXCEEDED;

    fvm_env_mark mark;
    fvm_call_result result = { 0 };
    FVM_TRY(fvm_env_begin(c->env, &mark));
    fvm_err err = upgrade(c, &result, &code, params);
    fvm_env_end(c->env, mark, err != FVM_OK || result.exit_code != 0);
    if (err != FVM_OK) return err;
    FVM_TRY(fvm__store_result(inv, out, &result));
    if (result.exit_code != 0) return FVM_OK;
    /* The old code must not go on: the frame ends as a success with the upgrade's block. */
    inv->exited = true;
    inv->exit_code = 0;
    inv->exit_handle = fvm_load_le32(out + 4);
    return FVM_ERR_EXIT;
}

/* --- code of users (off unless the network's configuration says) --- */

/* What is made of the code is the machine's alone: whether it may be used, the init actor remembers. The
 * charge comes before the work, which is linear in the bytes. */
fvm_err fvm__actor_install(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    fvm_cid code;
    fvm_buf spare;
    fvm_bytes wasm;
    (void)out;
    FVM_TRY(fvm__read_cid(&code, c, args[0]));
    if (c->inv->receiver != FVM_ID_INIT) return FVM_ERR_SYS_FORBIDDEN;
    if (c->inv->read_only) return FVM_ERR_SYS_READ_ONLY;
    if (!fvm__cid_set_has(&c->inv->reachable, &code)) return FVM_ERR_SYS_NOT_FOUND;
    if (code.codec != FVM_CODEC_RAW) return FVM_ERR_SYS_ILLEGAL_CODEC;
    fvm_buf_init(&spare, env->alloc);
    fvm_err err = fvm_blockstore_view(env->blocks, &wasm, &spare, &code);
    if (err == FVM_ERR_NOT_FOUND) err = FVM_ERR_MISSING_BLOCK;
    if (err == FVM_OK) err = fvm_price_on_install_actor(env->net, &env->gas, wasm.len);
    fvm_buf_deinit(&spare);
    return err == FVM_OK ? env->ops->install(env->ops->ctx, &code) : err;
}
