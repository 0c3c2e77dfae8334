/* filecoin_state.c - Filecoin.State* that read state, addresses of both kinds, and what this network is. */
#include "filecoin_json.h"
#include "ipld/cbor.h"
#include "ipld/dagjson.h"
#include "kernel/schema/schema.h"
#include "methods.h"

#include <stdio.h>

/* --- addresses --- */

fvm_err fvm_fil_of_eth(fvm_rpc_call *call)
{
    fvm_eth_address eth;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &eth));
    fvm_address address = fvm_rpc_fil(&eth);
    fvm_jo_address(call->out, &address, call->node->letter);
    return FVM_OK;
}

/* IDs can change in a reorganisation: f1, f2 and f3 are resolved at `finalized` unless told otherwise. */
fvm_err fvm_eth_of_fil(fvm_rpc_call *call)
{
    fvm_address address;
    fvm_eth_address pure;
    fvm_chain_view *view;
    uint8_t eth[20];
    bool known;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    if (fvm_eth_address_of_fil(&pure, &address) &&
        fvm_address_protocol(&address) == FVM_PROTOCOL_DELEGATED) {
        fvm_jo_hex(call->out, (fvm_bytes){ pure.bytes, 20 });
        return FVM_OK;
    }
    FVM_TRY(fvm_rpc_view(call, &view, 1, false));
    fvm_err err = fvm_view_eth_address(view, eth, &known, &address);
    fvm_chain_view_close(view);
    FVM_TRY(err);
    if (!known) return fvm_rpc_fail(call, FVM_RPC_NO_ACTOR, "actor not found");
    fvm_jo_hex(call->out, (fvm_bytes){ eth, 20 });
    return FVM_OK;
}

static fvm_err no_actor(fvm_rpc_call *call, fvm_err err)
{
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_NO_ACTOR, "actor not found") : err;
}

/* What a method finds out about one address on a view. */
typedef fvm_err (*ask)(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address);

static fvm_err of_address(fvm_rpc_call *call, size_t tipset_at, ask question)
{
    fvm_address address;
    fvm_chain_view *view;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    FVM_TRY(fvm_fil_view(call, tipset_at, &view));
    fvm_err err = no_actor(call, question(call, view, &address));
    fvm_chain_view_close(view);
    return err;
}

static fvm_err ask_id(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    uint64_t id;
    FVM_TRY(fvm_view_lookup(view, &id, address));
    fvm_address out = fvm_address_id(id);
    fvm_jo_address(call->out, &out, call->node->letter);
    return FVM_OK;
}

static fvm_err ask_robust(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    uint64_t id;
    fvm_address out;
    FVM_TRY(fvm_view_lookup(view, &id, address));
    FVM_TRY(fvm_view_robust(view, &out, id));
    fvm_jo_address(call->out, &out, call->node->letter);
    return FVM_OK;
}

static fvm_err ask_key(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    fvm_address out;
    fvm_err err = fvm_view_account_key(view, &out, address);
    if (err == FVM_ERR_INVALID)
        return fvm_rpc_fail(call, FVM_RPC_FAILED, "the actor is not an account");
    FVM_TRY(err);
    fvm_jo_address(call->out, &out, call->node->letter);
    return FVM_OK;
}

static fvm_err ask_actor(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    fvm_jo *o = call->out;
    fvm_actor a;
    uint64_t id;
    FVM_TRY(fvm_view_actor(view, &a, &id, address));
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Code");
    fvm_jo_cid(o, &a.code);
    fvm_jo_key(o, "Head");
    fvm_jo_cid(o, &a.head);
    fvm_jo_k_u64(o, "Nonce", a.nonce);
    fvm_jo_key(o, "Balance");
    fvm_jo_amount(o, &a.balance);
    fvm_jo_key(o, "DelegatedAddress");
    if (a.delegated.len)
        fvm_jo_address(o, &a.delegated, call->node->letter);
    else
        fvm_jo_null(o);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

/* By name where the schema knows the actor, else as DAG-JSON, else null. */
static fvm_err put_state(fvm_rpc_call *call, fvm_chain_view *view, const fvm_actor *a)
{
    fvm_schema *schema;
    fvm_schema_style style = { .indent = 0 };
    fvm_buf block, text;
    fvm_buf_init(&block, call->alloc);
    fvm_buf_init(&text, call->alloc);
    fvm_err err = fvm_schema_builtin(&schema, call->alloc);
    if (err == FVM_OK) {
        err = fvm_blockstore_get(fvm_view_blocks(view), &block, &a->head);
        fvm_bytes type = fvm_view_actor_type(view, a);
        fvm_err written = FVM_ERR_NOT_FOUND;
        if (err == FVM_OK && type.len)
            written = fvm_schema_write(&text, schema, type, FVM_SCHEMA_STATE, 0, a->head.codec,
                                       fvm_buf_bytes(&block), &style);
        if (err == FVM_OK && written != FVM_OK)
            written = fvm_dagjson_write(&text, fvm_buf_bytes(&block), 0);
        if (written == FVM_OK && text.len)
            fvm_jo_raw(call->out, fvm_buf_bytes(&text));
        else
            fvm_jo_null(call->out);
        if (err == FVM_ERR_NOT_FOUND) err = FVM_OK;
        fvm_schema_free(schema);
    }
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&block);
    return err;
}

static fvm_err ask_state(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    fvm_actor a;
    uint64_t id;
    FVM_TRY(fvm_view_actor(view, &a, &id, address));
    fvm_jo_begin(call->out, '{');
    fvm_jo_key(call->out, "Balance");
    fvm_jo_amount(call->out, &a.balance);
    fvm_jo_key(call->out, "Code");
    fvm_jo_cid(call->out, &a.code);
    fvm_jo_key(call->out, "State");
    FVM_TRY(put_state(call, view, &a));
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}

static fvm_err ask_balance(fvm_rpc_call *call, fvm_chain_view *view, const fvm_address *address)
{
    fvm_actor a;
    uint64_t id;
    fvm_err err = fvm_view_actor(view, &a, &id, address);
    if (err == FVM_ERR_NOT_FOUND) a.balance = fvm_big_zero();
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    fvm_jo_amount(call->out, &a.balance);
    return FVM_OK;
}

fvm_err fvm_fil_state_lookup_id(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_id);
}

fvm_err fvm_fil_state_robust(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_robust);
}

fvm_err fvm_fil_state_account_key(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_key);
}

fvm_err fvm_fil_state_get_actor(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_actor);
}

fvm_err fvm_fil_state_read_state(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_state);
}

fvm_err fvm_fil_wallet_balance(fvm_rpc_call *call)
{
    return of_address(call, 1, ask_balance);
}

/* --- lists --- */

static fvm_err put_actor_id(void *ctx, uint64_t id, const fvm_actor *actor)
{
    fvm_rpc_call *call = ctx;
    fvm_address address = fvm_address_id(id);
    (void)actor;
    if (call->out->buf.len > call->node->limits.reply_bytes) return FVM_ERR_LIMIT;
    fvm_jo_address(call->out, &address, call->node->letter);
    return FVM_OK;
}

fvm_err fvm_fil_state_list_actors(fvm_rpc_call *call)
{
    fvm_chain_view *view;
    FVM_TRY(fvm_fil_view(call, 0, &view));
    fvm_jo_begin(call->out, '[');
    fvm_err err = fvm_view_each_actor(view, put_actor_id, call);
    fvm_jo_end(call->out, ']');
    fvm_chain_view_close(view);
    return err;
}

/* The bundle's list: a block [1, data], whose data is [[name, code], ...]. */
static fvm_err put_codes(fvm_rpc_call *call, fvm_bytes in)
{
    uint64_t count;
    fvm_bytes name;
    fvm_cid code;
    char key[64];
    FVM_TRY(fvm_cbor_array(&count, &in));
    for (uint64_t i = 0; i < count; i++) {
        FVM_TRY(fvm_cbor_tuple(2, &in));
        FVM_TRY(fvm_cbor_text(&name, &in, NULL));
        FVM_TRY(fvm_cbor_cid(&code, &in));
        (void)snprintf(key, sizeof key, "%.*s", (int)(name.len < 63 ? name.len : 63),
                       (const char *)name.ptr);
        fvm_jo_key(call->out, key);
        fvm_jo_cid(call->out, &code);
    }
    return FVM_OK;
}

fvm_err fvm_fil_state_code_cids(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_cid data;
    fvm_buf block;
    uint64_t version;
    const fvm_blockstore *blocks = fvm_chain_blocks(call->node->chain);
    fvm_chain_info_get(call->node->chain, &info);
    if (fvm_rpc_param(call, 0)) {
        FVM_TRY(fvm_rpc_get_u64(call, 0, &version));
        if (version != info.network_version)
            return fvm_rpc_fail(call, FVM_RPC_FAILED, "the network's version is another");
    }
    fvm_buf_init(&block, call->alloc);
    fvm_err err = fvm_blockstore_get(blocks, &block, &info.manifest);
    fvm_bytes in = fvm_buf_bytes(&block);
    if (err == FVM_OK) err = fvm_cbor_tuple(2, &in);
    if (err == FVM_OK) err = fvm_cbor_uint(&version, &in);
    if (err == FVM_OK) err = fvm_cbor_cid(&data, &in);
    block.len = 0;
    if (err == FVM_OK) err = fvm_blockstore_get(blocks, &block, &data);
    fvm_jo_begin(call->out, '{');
    if (err == FVM_OK) err = put_codes(call, fvm_buf_bytes(&block));
    fvm_jo_end(call->out, '}');
    fvm_buf_deinit(&block);
    return err;
}

/* --- the network --- */

fvm_err fvm_fil_state_network_name(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_chain_info_get(call->node->chain, &info);
    fvm_jo_str(call->out, info.network_name);
    return FVM_OK;
}

fvm_err fvm_fil_state_network_version(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_chain_info_get(call->node->chain, &info);
    fvm_jo_u64(call->out, info.network_version);
    return FVM_OK;
}

fvm_err fvm_fil_state_network_params(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_jo *o = call->out;
    fvm_chain_info_get(call->node->chain, &info);
    fvm_jo_begin(o, '{');
    fvm_jo_k_str(o, "NetworkName", info.network_name);
    fvm_jo_k_u64(o, "BlockDelaySecs", info.epoch_seconds);
    fvm_jo_k_str(o, "ConsensusMinerMinPower", "0");
    fvm_jo_key(o, "SupportedProofTypes");
    fvm_jo_begin(o, '[');
    fvm_jo_end(o, ']');
    fvm_jo_k_u64(o, "PreCommitChallengeDelay", 0);
    fvm_jo_key(o, "ForkUpgradeParams");
    fvm_jo_begin(o, '{');
    fvm_jo_end(o, '}');
    fvm_jo_k_u64(o, "Eip155ChainID", info.chain_id);
    fvm_jo_k_u64(o, "GenesisTimestamp", info.genesis_time);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

fvm_err fvm_fil_version(fvm_rpc_call *call)
{
    fvm_chain_info info;
    fvm_chain_info_get(call->node->chain, &info);
    fvm_jo_begin(call->out, '{');
    fvm_jo_k_str(call->out, "Version", FVM_RPC_AGENT);
    fvm_jo_k_u64(call->out, "APIVersion", 0x20300); /* Lotus' v1 API 2.3.0, which this follows */
    fvm_jo_k_u64(call->out, "BlockDelay", info.epoch_seconds);
    fvm_jo_k_str(call->out, "Agent", FVM_RPC_AGENT);
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}

fvm_err fvm_fil_id(fvm_rpc_call *call)
{
    char text[80];
    size_t n = (size_t)snprintf(text, sizeof text, "fvm-");
    for (size_t i = 0; i < 16; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", call->node->instance[i]);
    fvm_jo_str(call->out, text);
    return FVM_OK;
}

fvm_err fvm_fil_net_peers(fvm_rpc_call *call)
{
    fvm_jo_begin(call->out, '[');
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_fil_shutdown(fvm_rpc_call *call)
{
    if (!call->node->shutdown) return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "nobody to stop it");
    fvm_jo_null(call->out);
    call->node->shutdown(call->node->shutdown_ctx);
    return FVM_OK;
}

/* --- blocks by path, params by name --- */

fvm_err fvm_fil_chain_get_node(fvm_rpc_call *call)
{
    static const char prefix[] = "/ipfs/";
    fvm_bytes path;
    fvm_cid cid;
    fvm_buf block, text;
    FVM_TRY(fvm_rpc_get_text(call, 0, &path));
    if (path.len > sizeof prefix - 1 && memcmp(path.ptr, prefix, sizeof prefix - 1) == 0)
        path = (fvm_bytes){ path.ptr + sizeof prefix - 1, path.len - (sizeof prefix - 1) };
    if (fvm_cid_from_text(&cid, path) != FVM_OK)
        return fvm_rpc_bad_param(call, 0, "not /ipfs/ and a CID");
    fvm_buf_init(&block, call->alloc);
    fvm_buf_init(&text, call->alloc);
    fvm_err err = fvm_blockstore_get(fvm_chain_blocks(call->node->chain), &block, &cid);
    if (err == FVM_ERR_NOT_FOUND) err = fvm_rpc_fail(call, FVM_RPC_FAILED, "block not found");
    if (err == FVM_OK) err = fvm_dagjson_write(&text, fvm_buf_bytes(&block), 0);
    if (err == FVM_OK) {
        fvm_jo_begin(call->out, '{');
        fvm_jo_key(call->out, "Cid");
        fvm_jo_cid(call->out, &cid);
        fvm_jo_key(call->out, "Obj");
        fvm_jo_raw(call->out, fvm_buf_bytes(&text));
        fvm_jo_end(call->out, '}');
    }
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&block);
    return err;
}

/* Params of a message to an actor, by the names of the schema. */
fvm_err fvm_fil_state_decode_params(fvm_rpc_call *call)
{
    fvm_address to;
    fvm_chain_view *view;
    fvm_schema *schema;
    fvm_actor actor;
    uint64_t method, id;
    fvm_schema_style style = { .indent = 0 };
    fvm_buf params, text;
    FVM_TRY(fvm_fil_get_address(call, 0, &to));
    FVM_TRY(fvm_rpc_get_u64(call, 1, &method));
    FVM_TRY(fvm_fil_view(call, 3, &view));
    fvm_buf_init(&params, call->alloc);
    fvm_buf_init(&text, call->alloc);
    fvm_err err = fvm_fil_get_base64(call, 2, &params);
    if (err == FVM_OK) err = no_actor(call, fvm_view_actor(view, &actor, &id, &to));
    if (err == FVM_OK) err = fvm_schema_builtin(&schema, call->alloc);
    if (err == FVM_OK) {
        err = fvm_schema_write(&text, schema, fvm_view_actor_type(view, &actor), FVM_SCHEMA_PARAMS,
                               method, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&params), &style);
        fvm_schema_free(schema);
        if (err == FVM_OK)
            fvm_jo_raw(call->out, fvm_buf_bytes(&text));
        else if (fvm_err_class_of(err) == FVM_CLASS_INPUT)
            err = fvm_rpc_fail(call, FVM_RPC_FAILED, "params do not fit the method: %s",
                               fvm_err_text(err));
    }
    fvm_buf_deinit(&text);
    fvm_buf_deinit(&params);
    fvm_chain_view_close(view);
    return err;
}

/* Params as DAG-JSON to CBOR, in base64: names are not looked at, lists are tuples. */
fvm_err fvm_fil_state_encode_params(fvm_rpc_call *call)
{
    fvm_jo text;
    fvm_buf block;
    fvm_jo_init(&text, call->alloc);
    fvm_buf_init(&block, call->alloc);
    const json_t *params = fvm_rpc_param(call, 2);
    if (params)
        fvm_jo_json(&text, params);
    else
        fvm_jo_null(&text);
    fvm_err err = fvm_jo_ok(&text) ? fvm_dagjson_read(&block, fvm_buf_bytes(&text.buf), NULL)
                                   : FVM_ERR_NOMEM;
    if (err == FVM_OK)
        fvm_jo_base64(call->out, fvm_buf_bytes(&block));
    else if (fvm_err_class_of(err) == FVM_CLASS_INPUT)
        err = fvm_rpc_bad_param(call, 2, "not DAG-JSON");
    fvm_buf_deinit(&block);
    fvm_jo_deinit(&text);
    return err;
}
