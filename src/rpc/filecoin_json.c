/* filecoin_json.c - see filecoin_json.h. Field names are Go's. */
#include "filecoin_json.h"

#include "base/text.h"
#include "ipld/cbor.h"

void fvm_fil_put_bytes(fvm_jo *o, fvm_bytes bytes)
{
    if (bytes.len)
        fvm_jo_base64(o, bytes);
    else
        fvm_jo_null(o);
}

static void put_message_fields(const fvm_node *node, fvm_jo *o, const fvm_message *m)
{
    fvm_jo_k_u64(o, "Version", m->version);
    fvm_jo_key(o, "To");
    fvm_jo_address(o, &m->to, node->letter);
    fvm_jo_key(o, "From");
    fvm_jo_address(o, &m->from, node->letter);
    fvm_jo_k_u64(o, "Nonce", m->nonce);
    fvm_jo_key(o, "Value");
    fvm_jo_amount(o, &m->value);
    fvm_jo_k_u64(o, "GasLimit", m->gas_limit);
    fvm_jo_key(o, "GasFeeCap");
    fvm_jo_amount(o, &m->gas_fee_cap);
    fvm_jo_key(o, "GasPremium");
    fvm_jo_amount(o, &m->gas_premium);
    fvm_jo_k_u64(o, "Method", m->method);
    fvm_jo_key(o, "Params");
    fvm_fil_put_bytes(o, m->params);
}

void fvm_fil_put_message(const fvm_node *node, fvm_jo *o, const fvm_message *m, const fvm_cid *cid)
{
    fvm_jo_begin(o, '{');
    put_message_fields(node, o, m);
    fvm_jo_key(o, "CID");
    fvm_jo_cid(o, cid);
    fvm_jo_end(o, '}');
}

void fvm_fil_put_signature(fvm_jo *o, const fvm_signature *s)
{
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "Type", s->type);
    fvm_jo_key(o, "Data");
    fvm_jo_base64(o, (fvm_bytes){ s->bytes, s->len });
    fvm_jo_end(o, '}');
}

fvm_err fvm_fil_put_signed(const fvm_node *node, fvm_jo *o, const fvm_signed_message *m,
                           const fvm_cid *cid)
{
    fvm_cid inner;
    FVM_TRY(fvm_message_cid(&inner, &m->message, node->alloc));
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Message");
    fvm_fil_put_message(node, o, &m->message, &inner);
    fvm_jo_key(o, "Signature");
    fvm_fil_put_signature(o, &m->signature);
    fvm_jo_key(o, "CID");
    fvm_jo_cid(o, cid);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

void fvm_fil_put_key(fvm_jo *o, const fvm_cid *block)
{
    fvm_jo_begin(o, '[');
    if (block->version) fvm_jo_cid(o, block);
    fvm_jo_end(o, ']');
}

static void put_typed(fvm_jo *o, fvm_bytes signature)
{
    if (!signature.len) {
        fvm_jo_null(o);
        return;
    }
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "Type", signature.ptr[0]);
    fvm_jo_key(o, "Data");
    fvm_jo_base64(o, (fvm_bytes){ signature.ptr + 1, signature.len - 1 });
    fvm_jo_end(o, '}');
}

static void put_proof(fvm_jo *o, fvm_bytes proof)
{
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "VRFProof");
    fvm_fil_put_bytes(o, proof);
    fvm_jo_end(o, '}');
}

static void put_header(const fvm_node *node, fvm_jo *o, const fvm_block_header *h)
{
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Miner");
    fvm_jo_address(o, &h->miner, node->letter);
    fvm_jo_key(o, "Ticket");
    put_proof(o, h->ticket);
    fvm_jo_key(o, "ElectionProof");
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "WinCount");
    fvm_jo_i64(o, h->win_count);
    fvm_jo_key(o, "VRFProof");
    fvm_fil_put_bytes(o, h->election_proof);
    fvm_jo_end(o, '}');
    fvm_jo_key(o, "BeaconEntries");
    fvm_jo_begin(o, '[');
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "Round", h->beacon_round);
    fvm_jo_key(o, "Data");
    fvm_fil_put_bytes(o, h->beacon);
    fvm_jo_end(o, '}');
    fvm_jo_end(o, ']');
    fvm_jo_key(o, "WinPoStProof");
    fvm_jo_begin(o, '[');
    fvm_jo_end(o, ']');
    fvm_jo_key(o, "Parents");
    fvm_fil_put_key(o, &h->parent);
    fvm_jo_key(o, "ParentWeight");
    fvm_jo_amount(o, &h->parent_weight);
    fvm_jo_k_u64(o, "Height", h->height);
    fvm_jo_key(o, "ParentStateRoot");
    fvm_jo_cid(o, &h->parent_state);
    fvm_jo_key(o, "ParentMessageReceipts");
    fvm_jo_cid(o, &h->parent_receipts);
    fvm_jo_key(o, "Messages");
    fvm_jo_cid(o, &h->messages);
    fvm_jo_key(o, "BLSAggregate");
    put_typed(o, h->bls_aggregate);
    fvm_jo_k_u64(o, "Timestamp", h->timestamp);
    fvm_jo_key(o, "BlockSig");
    put_typed(o, h->block_sig);
    fvm_jo_k_u64(o, "ForkSignaling", h->fork_signaling);
    fvm_jo_key(o, "ParentBaseFee");
    fvm_jo_amount(o, &h->parent_base_fee);
    fvm_jo_end(o, '}');
}

fvm_err fvm_fil_put_header(fvm_node *node, fvm_jo *o, const fvm_cid *block)
{
    fvm_block_header h;
    FVM_TRY(fvm_chain_header(node->chain, &h, block));
    put_header(node, o, &h);
    fvm_block_header_deinit(&h);
    return FVM_OK;
}

fvm_err fvm_fil_put_tipset(fvm_node *node, fvm_jo *o, const fvm_tipset *t)
{
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Cids");
    fvm_fil_put_key(o, &t->block);
    fvm_jo_key(o, "Blocks");
    fvm_jo_begin(o, '[');
    FVM_TRY(fvm_fil_put_header(node, o, &t->block));
    fvm_jo_end(o, ']');
    fvm_jo_k_u64(o, "Height", t->number);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

void fvm_fil_put_receipt(fvm_jo *o, const fvm_chain_message *m)
{
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "ExitCode", m->exit_code);
    fvm_jo_key(o, "Return");
    fvm_fil_put_bytes(o, m->return_data);
    fvm_jo_k_u64(o, "GasUsed", m->gas_used);
    fvm_jo_key(o, "EventsRoot");
    if (m->has_events_root)
        fvm_jo_cid(o, &m->events_root);
    else
        fvm_jo_null(o);
    fvm_jo_end(o, '}');
}

fvm_err fvm_fil_put_entries(fvm_jo *o, fvm_bytes in)
{
    uint64_t count, flags, codec;
    fvm_bytes key, value;
    FVM_TRY(fvm_cbor_array(&count, &in));
    fvm_jo_begin(o, '[');
    for (uint64_t i = 0; i < count; i++) {
        FVM_TRY(fvm_cbor_tuple(4, &in));
        FVM_TRY(fvm_cbor_uint(&flags, &in));
        FVM_TRY(fvm_cbor_text(&key, &in, NULL));
        FVM_TRY(fvm_cbor_uint(&codec, &in));
        FVM_TRY(fvm_cbor_bytes(&value, &in, NULL));
        fvm_jo_begin(o, '{');
        fvm_jo_k_u64(o, "Flags", flags);
        fvm_jo_key(o, "Key");
        fvm_jo_text(o, key);
        fvm_jo_k_u64(o, "Codec", codec);
        fvm_jo_key(o, "Value");
        fvm_jo_base64(o, value);
        fvm_jo_end(o, '}');
    }
    fvm_jo_end(o, ']');
    return FVM_OK;
}

/* --- reading --- */

bool fvm_fil_cid(fvm_cid *out, const json_t *value)
{
    fvm_bytes text;
    return fvm_rpc_json_text(&text, json_object_get(value, "/")) &&
           fvm_cid_from_text(out, text) == FVM_OK;
}

bool fvm_fil_address(fvm_address *out, const json_t *value)
{
    fvm_bytes text;
    fvm_eth_address eth;
    if (!fvm_rpc_json_text(&text, value) || text.len < 2) return false;
    if (text.ptr[0] == '0' && fvm_rpc_eth_address(&eth, value)) {
        *out = fvm_rpc_fil(&eth);
        return true;
    }
    char letter = (char)text.ptr[0];
    return (letter == 'f' || letter == 't') && fvm_address_from_text(out, text, letter) == FVM_OK;
}

bool fvm_fil_amount(fvm_big *out, const json_t *value)
{
    fvm_bytes text;
    if (json_is_integer(value)) return fvm_rpc_u256(out, value);
    return fvm_rpc_json_text(&text, value) && text.len && fvm_big_from_text(out, text) == FVM_OK;
}

fvm_err fvm_fil_get_cid(fvm_rpc_call *call, size_t i, fvm_cid *out)
{
    return fvm_fil_cid(out, fvm_rpc_param(call, i))
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not a CID {\"/\": \"bafy...\"}");
}

fvm_err fvm_fil_get_address(fvm_rpc_call *call, size_t i, fvm_address *out)
{
    return fvm_fil_address(out, fvm_rpc_param(call, i))
               ? FVM_OK
               : fvm_rpc_bad_param(call, i, "not an address");
}

static fvm_err read_base64(fvm_buf *out, const json_t *value)
{
    fvm_bytes text;
    if (!value || json_is_null(value)) return FVM_OK;
    return fvm_rpc_json_text(&text, value) ? fvm_base64_decode(out, text) : FVM_ERR_MALFORMED;
}

fvm_err fvm_fil_get_base64(fvm_rpc_call *call, size_t i, fvm_buf *out)
{
    fvm_err err = read_base64(out, fvm_rpc_param(call, i));
    return err == FVM_ERR_MALFORMED ? fvm_rpc_bad_param(call, i, "not base64") : err;
}

fvm_err fvm_fil_get_tipset(fvm_rpc_call *call, size_t i, fvm_tipset *out)
{
    const json_t *key = fvm_rpc_param(call, i);
    fvm_cid block;
    if (!json_array_size(key) && (!key || json_is_array(key))) {
        fvm_chain_head(call->node->chain, out);
        return FVM_OK;
    }
    if (json_array_size(key) != 1 || !fvm_fil_cid(&block, json_array_get(key, 0)))
        return fvm_rpc_bad_param(call, i, "not a tipset's key");
    fvm_err err = fvm_chain_tipset_by_block(call->node->chain, out, &block);
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_FAILED, "tipset not found") : err;
}

fvm_err fvm_fil_view(fvm_rpc_call *call, size_t i, fvm_chain_view **out)
{
    fvm_tipset t;
    const json_t *key = fvm_rpc_param(call, i);
    fvm_view_options o = { .number = FVM_VIEW_HEAD, .deadline_ns = call->deadline_ns };
    if (json_array_size(key)) {
        FVM_TRY(fvm_fil_get_tipset(call, i, &t));
        o.number = t.number;
    } else if (key && !json_is_array(key)) {
        return fvm_rpc_bad_param(call, i, "not a tipset's key");
    }
    return fvm_chain_view_open(call->node->chain, out, &o);
}

static fvm_err bad_message(fvm_rpc_call *call, const char *field)
{
    return fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid message: field %s", field);
}

static bool opt_u64(uint64_t *out, const json_t *object, const char *key)
{
    const json_t *v = fvm_rpc_json_get(object, key);
    return !v || fvm_rpc_u64(out, v);
}

static bool opt_amount(fvm_big *out, const json_t *object, const char *key)
{
    const json_t *v = fvm_rpc_json_get(object, key);
    return !v || fvm_fil_amount(out, v);
}

fvm_err fvm_fil_read_message(fvm_rpc_call *call, fvm_message *m, fvm_buf *params, const json_t *v)
{
    memset(m, 0, sizeof *m);
    params->len = 0;
    if (!json_is_object(v)) return bad_message(call, "(no object)");
    if (!fvm_fil_address(&m->to, fvm_rpc_json_get(v, "To"))) return bad_message(call, "To");
    if (!fvm_fil_address(&m->from, fvm_rpc_json_get(v, "From"))) return bad_message(call, "From");
    if (!opt_u64(&m->version, v, "Version")) return bad_message(call, "Version");
    if (!opt_u64(&m->nonce, v, "Nonce")) return bad_message(call, "Nonce");
    if (!opt_u64(&m->gas_limit, v, "GasLimit")) return bad_message(call, "GasLimit");
    if (!opt_u64(&m->method, v, "Method")) return bad_message(call, "Method");
    if (!opt_amount(&m->value, v, "Value")) return bad_message(call, "Value");
    if (!opt_amount(&m->gas_fee_cap, v, "GasFeeCap")) return bad_message(call, "GasFeeCap");
    if (!opt_amount(&m->gas_premium, v, "GasPremium")) return bad_message(call, "GasPremium");
    fvm_err err = read_base64(params, fvm_rpc_json_get(v, "Params"));
    if (err == FVM_ERR_MALFORMED) return bad_message(call, "Params");
    m->params = fvm_buf_bytes(params);
    return err;
}

fvm_err fvm_fil_read_signed(fvm_rpc_call *call, fvm_signed_message *out, fvm_buf *params,
                            const json_t *v)
{
    fvm_buf data;
    const json_t *s = fvm_rpc_json_get(v, "Signature");
    uint64_t type;
    memset(out, 0, sizeof *out);
    FVM_TRY(fvm_fil_read_message(call, &out->message, params, fvm_rpc_json_get(v, "Message")));
    if (!fvm_rpc_u64(&type, fvm_rpc_json_get(s, "Type")) || type < 1 || type > 3)
        return bad_message(call, "Signature.Type");
    fvm_buf_init(&data, call->alloc);
    fvm_err err = read_base64(&data, fvm_rpc_json_get(s, "Data"));
    if (err == FVM_OK && data.len > FVM_SIGNATURE_MAX) err = FVM_ERR_MALFORMED;
    if (err == FVM_OK) {
        out->signature.type = (uint8_t)type;
        out->signature.len = (uint8_t)data.len;
        if (data.len) memcpy(out->signature.bytes, data.ptr, data.len);
    }
    fvm_buf_deinit(&data);
    return err == FVM_ERR_MALFORMED ? bad_message(call, "Signature.Data") : err;
}
