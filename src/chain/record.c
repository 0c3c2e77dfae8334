/* record.c - what the ledger's tables hold, as CBOR arrays. Numbers that are a record's key are not in
 * it. Read back by this program alone, so anything odd is FVM_ERR_BAD_STATE at the caller's. */
#include "chain_internal.h"

#include "ipld/cbor.h"

/* --- small parts --- */

static fvm_err put_big(fvm_buf *out, const fvm_big *v)
{
    uint8_t wire[FVM_BIG_WIRE_MAX];
    size_t n = fvm_big_write(wire, v);
    if (n > FVM_BIG_WIRE_MAX) return FVM_ERR_RANGE;
    return fvm_cbor_put_bytes(out, (fvm_bytes){ wire, n });
}

static fvm_err take_big(fvm_big *out, fvm_bytes *in)
{
    fvm_bytes view;
    FVM_TRY(fvm_cbor_bytes(&view, in, NULL));
    return fvm_big_read(out, view);
}

static fvm_err put_fixed(fvm_buf *out, const uint8_t *p, size_t len)
{
    return fvm_cbor_put_bytes(out, (fvm_bytes){ p, len });
}

static fvm_err take_fixed(uint8_t *out, size_t len, fvm_bytes *in)
{
    fvm_bytes view;
    FVM_TRY(fvm_cbor_bytes(&view, in, NULL));
    if (view.len != len) return FVM_ERR_MALFORMED;
    memcpy(out, view.ptr, len);
    return FVM_OK;
}

/* Nothing, in place of a CID or of zeros. */
static fvm_err put_some_cid(fvm_buf *out, const fvm_cid *cid, bool some)
{
    return some ? fvm_cbor_put_cid(out, cid) : fvm_cbor_put_null(out);
}

static fvm_err take_some_cid(fvm_cid *out, bool *some, fvm_bytes *in)
{
    *some = !fvm_cbor_take_null(in);
    return *some ? fvm_cbor_cid(out, in) : FVM_OK;
}

/* An Ethereum bloom is mostly empty: nothing for all zeros. */
static fvm_err put_bloom(fvm_buf *out, const uint8_t bloom[256])
{
    bool any = false;
    for (size_t i = 0; i < 256 && !any; i++) any = bloom[i] != 0;
    return put_fixed(out, bloom, any ? 256 : 0);
}

static fvm_err take_bloom(uint8_t bloom[256], fvm_bytes *in)
{
    fvm_bytes view;
    FVM_TRY(fvm_cbor_bytes(&view, in, NULL));
    if (view.len != 0 && view.len != 256) return FVM_ERR_MALFORMED;
    if (view.len) memcpy(bloom, view.ptr, 256);
    return FVM_OK;
}

/* --- tipsets --- */

#define TIPSET_FIELDS 20

fvm_err fvm__tipset_write(fvm_buf *out, const fvm_tipset *t)
{
    FVM_TRY(fvm_cbor_put_array(out, TIPSET_FIELDS));
    FVM_TRY(put_fixed(out, t->hash, 32));
    FVM_TRY(put_fixed(out, t->parent_hash, 32));
    FVM_TRY(fvm_cbor_put_cid(out, &t->block));
    FVM_TRY(put_some_cid(out, &t->parent, t->parent.version != 0));
    FVM_TRY(fvm_cbor_put_uint(out, t->parent_number));
    FVM_TRY(fvm_cbor_put_uint(out, t->timestamp));
    FVM_TRY(put_big(out, &t->base_fee));
    FVM_TRY(put_big(out, &t->premium));
    FVM_TRY(fvm_cbor_put_cid(out, &t->parent_state));
    FVM_TRY(fvm_cbor_put_cid(out, &t->parent_receipts));
    FVM_TRY(fvm_cbor_put_cid(out, &t->messages));
    FVM_TRY(fvm_cbor_put_cid(out, &t->executed));
    FVM_TRY(fvm_cbor_put_cid(out, &t->state));
    FVM_TRY(fvm_cbor_put_cid(out, &t->receipts));
    FVM_TRY(fvm_cbor_put_array(out, 3));
    FVM_TRY(fvm_cbor_put_uint(out, t->message_count));
    FVM_TRY(fvm_cbor_put_uint(out, t->event_count));
    FVM_TRY(fvm_cbor_put_uint(out, t->log_count));
    FVM_TRY(fvm_cbor_put_uint(out, t->gas_used));
    FVM_TRY(fvm_cbor_put_uint(out, t->gas_limit));
    FVM_TRY(fvm_cbor_put_uint(out, t->chain_id));
    FVM_TRY(put_bloom(out, t->bloom));
    return put_fixed(out, t->randomness, 32);
}

fvm_err fvm__tipset_read(fvm_tipset *out, uint64_t number, fvm_bytes in)
{
    fvm_tipset t = { .number = number };
    bool some;
    FVM_TRY(fvm_cbor_tuple(TIPSET_FIELDS, &in));
    FVM_TRY(take_fixed(t.hash, 32, &in));
    FVM_TRY(take_fixed(t.parent_hash, 32, &in));
    FVM_TRY(fvm_cbor_cid(&t.block, &in));
    FVM_TRY(take_some_cid(&t.parent, &some, &in));
    FVM_TRY(fvm_cbor_uint(&t.parent_number, &in));
    FVM_TRY(fvm_cbor_uint(&t.timestamp, &in));
    FVM_TRY(take_big(&t.base_fee, &in));
    FVM_TRY(take_big(&t.premium, &in));
    FVM_TRY(fvm_cbor_cid(&t.parent_state, &in));
    FVM_TRY(fvm_cbor_cid(&t.parent_receipts, &in));
    FVM_TRY(fvm_cbor_cid(&t.messages, &in));
    FVM_TRY(fvm_cbor_cid(&t.executed, &in));
    FVM_TRY(fvm_cbor_cid(&t.state, &in));
    FVM_TRY(fvm_cbor_cid(&t.receipts, &in));
    FVM_TRY(fvm_cbor_tuple(3, &in));
    FVM_TRY(fvm_cbor_u32(&t.message_count, &in));
    FVM_TRY(fvm_cbor_u32(&t.event_count, &in));
    FVM_TRY(fvm_cbor_u32(&t.log_count, &in));
    FVM_TRY(fvm_cbor_uint(&t.gas_used, &in));
    FVM_TRY(fvm_cbor_uint(&t.gas_limit, &in));
    FVM_TRY(fvm_cbor_uint(&t.chain_id, &in));
    FVM_TRY(take_bloom(t.bloom, &in));
    FVM_TRY(take_fixed(t.randomness, 32, &in));
    FVM_TRY(fvm_cbor_end(in));
    *out = t;
    return FVM_OK;
}

/* --- messages --- */

#define MESSAGE_FIELDS 8
#define OUTCOME_FIELDS 18

static fvm_err put_message(fvm_buf *out, const fvm_message *m)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, out->alloc);
    fvm_err err = fvm_message_write(&bytes, m);
    if (err == FVM_OK) err = fvm_cbor_put_bytes(out, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&bytes);
    return err;
}

static fvm_err put_outcome(fvm_buf *out, const fvm_chain_message *m)
{
    FVM_TRY(fvm_cbor_put_array(out, OUTCOME_FIELDS));
    FVM_TRY(fvm_cbor_put_uint(out, m->exit_code));
    FVM_TRY(fvm_cbor_put_uint(out, m->gas_used));
    FVM_TRY(fvm_cbor_put_uint(out, m->cumulative_gas));
    FVM_TRY(fvm_cbor_put_bytes(out, m->return_data));
    FVM_TRY(fvm_cbor_put_uint(out, m->return_codec));
    FVM_TRY(put_some_cid(out, &m->events_root, m->has_events_root));
    FVM_TRY(fvm_cbor_put_uint(out, m->event_count));
    FVM_TRY(fvm_cbor_put_uint(out, m->first_event));
    FVM_TRY(fvm_cbor_put_uint(out, m->first_log));
    FVM_TRY(fvm_cbor_put_uint(out, m->log_count));
    FVM_TRY(put_big(out, &m->base_fee));
    FVM_TRY(put_big(out, &m->base_fee_burn));
    FVM_TRY(put_big(out, &m->over_estimation_burn));
    FVM_TRY(put_big(out, &m->miner_tip));
    FVM_TRY(put_big(out, &m->refund));
    FVM_TRY(put_fixed(out, m->contract, m->has_contract ? 20 : 0));
    FVM_TRY(fvm_cbor_put_bool(out, m->to_known));
    return fvm_cbor_put_uint(out, m->to_id);
}

fvm_err fvm__message_write(fvm_buf *out, const fvm_chain_message *m, bool implicit)
{
    uint8_t eth[40];
    memcpy(eth, m->from_eth, 20);
    memcpy(eth + 20, m->to_eth, 20);
    const fvm_signature *s = &m->signature;
    uint8_t signature[1 + FVM_SIGNATURE_MAX] = { s->type };
    memcpy(signature + 1, s->bytes, s->len);
    FVM_TRY(fvm_cbor_put_array(out, MESSAGE_FIELDS));
    FVM_TRY(put_message(out, &m->message));
    FVM_TRY(put_fixed(out, signature, (size_t)s->len + (s->type != 0)));
    FVM_TRY(put_fixed(out, m->cid.digest, 32));
    /* the hash is mostly that digest for native messages: nothing then */
    bool own_hash = memcmp(m->eth_hash, m->cid.digest, 32) != 0;
    FVM_TRY(put_fixed(out, m->eth_hash, own_hash ? 32 : 0));
    FVM_TRY(fvm_cbor_put_uint(out, m->chain_length << 1 | implicit));
    FVM_TRY(fvm_cbor_put_uint(out, m->from_id));
    FVM_TRY(put_fixed(out, eth, sizeof eth));
    return put_outcome(out, m);
}

static fvm_err take_outcome(fvm_chain_message *m, fvm_bytes *in)
{
    fvm_bytes contract;
    FVM_TRY(fvm_cbor_tuple(OUTCOME_FIELDS, in));
    FVM_TRY(fvm_cbor_u32(&m->exit_code, in));
    FVM_TRY(fvm_cbor_uint(&m->gas_used, in));
    FVM_TRY(fvm_cbor_uint(&m->cumulative_gas, in));
    FVM_TRY(fvm_cbor_bytes(&m->return_data, in, NULL));
    FVM_TRY(fvm_cbor_uint(&m->return_codec, in));
    FVM_TRY(take_some_cid(&m->events_root, &m->has_events_root, in));
    FVM_TRY(fvm_cbor_u32(&m->event_count, in));
    FVM_TRY(fvm_cbor_u32(&m->first_event, in));
    FVM_TRY(fvm_cbor_u32(&m->first_log, in));
    FVM_TRY(fvm_cbor_u32(&m->log_count, in));
    FVM_TRY(take_big(&m->base_fee, in));
    FVM_TRY(take_big(&m->base_fee_burn, in));
    FVM_TRY(take_big(&m->over_estimation_burn, in));
    FVM_TRY(take_big(&m->miner_tip, in));
    FVM_TRY(take_big(&m->refund, in));
    FVM_TRY(fvm_cbor_bytes(&contract, in, NULL));
    m->has_contract = contract.len == 20;
    if (m->has_contract) memcpy(m->contract, contract.ptr, 20);
    FVM_TRY(fvm_cbor_bool(&m->to_known, in));
    return fvm_cbor_uint(&m->to_id, in);
}

static fvm_err take_signed(fvm_chain_message *m, fvm_bytes *in)
{
    fvm_bytes message, signature;
    FVM_TRY(fvm_cbor_bytes(&message, in, NULL));
    FVM_TRY(fvm_message_read(&m->message, message, FVM_NETWORK_VERSION_MAX));
    FVM_TRY(fvm_cbor_bytes(&signature, in, NULL));
    m->signature = (fvm_signature){ .type = 0 };
    if (signature.len > 1 + FVM_SIGNATURE_MAX) return FVM_ERR_MALFORMED;
    if (signature.len == 0) return FVM_OK;
    if (signature.ptr[0] == 0) return FVM_ERR_MALFORMED;
    m->signature.type = signature.ptr[0];
    m->signature.len = (uint8_t)(signature.len - 1);
    memcpy(m->signature.bytes, signature.ptr + 1, signature.len - 1);
    return FVM_OK;
}

fvm_err fvm__message_read(fvm_chain_message *m, bool *implicit, fvm_bytes in)
{
    uint8_t digest[32], eth[40];
    fvm_bytes hash;
    uint64_t length;
    FVM_TRY(fvm_cbor_tuple(MESSAGE_FIELDS, &in));
    FVM_TRY(take_signed(m, &in));
    FVM_TRY(take_fixed(digest, 32, &in));
    m->cid = (fvm_cid){
        .version = 1, .codec = FVM_CODEC_DAG_CBOR, .hash = FVM_HASH_BLAKE2B_256, .digest_len = 32
    };
    memcpy(m->cid.digest, digest, 32);
    FVM_TRY(fvm_cbor_bytes(&hash, &in, NULL));
    memcpy(m->eth_hash, hash.len == 32 ? hash.ptr : digest, 32);
    FVM_TRY(fvm_cbor_uint(&length, &in));
    m->chain_length = length >> 1;
    if (implicit) *implicit = length & 1;
    FVM_TRY(fvm_cbor_uint(&m->from_id, &in));
    FVM_TRY(take_fixed(eth, sizeof eth, &in));
    memcpy(m->from_eth, eth, 20);
    memcpy(m->to_eth, eth + 20, 20);
    FVM_TRY(take_outcome(m, &in));
    return fvm_cbor_end(in);
}

/* --- events: [message index, log index or null, emitter, its address, entries as an item] --- */

fvm_err fvm__event_write(fvm_buf *out, const fvm_chain_event *e)
{
    FVM_TRY(fvm_cbor_put_array(out, 5));
    FVM_TRY(fvm_cbor_put_uint(out, e->message_index));
    FVM_TRY(e->is_log ? fvm_cbor_put_uint(out, e->log_index) : fvm_cbor_put_null(out));
    FVM_TRY(fvm_cbor_put_uint(out, e->emitter));
    FVM_TRY(put_fixed(out, e->emitter_eth, 20));
    return fvm_cbor_put_raw(out, e->entries);
}

fvm_err fvm__event_read(fvm_chain_event *out, fvm_bytes in)
{
    uint32_t message, log = 0;
    uint64_t emitter;
    uint8_t eth[20];
    FVM_TRY(fvm_cbor_tuple(5, &in));
    FVM_TRY(fvm_cbor_u32(&message, &in));
    bool is_log = !fvm_cbor_take_null(&in);
    if (is_log) FVM_TRY(fvm_cbor_u32(&log, &in));
    FVM_TRY(fvm_cbor_uint(&emitter, &in));
    FVM_TRY(take_fixed(eth, 20, &in));
    /* the rest is what a stamped event has behind its emitter */
    FVM_TRY(fvm__event_entries(out, in));
    out->message_index = message;
    out->log_index = log;
    out->emitter = emitter;
    memcpy(out->emitter_eth, eth, 20);
    return is_log == out->is_log ? FVM_OK : FVM_ERR_MALFORMED;
}

/* --- edits: [kind, address, and by the kind] --- */

fvm_err fvm__edit_write(fvm_buf *out, const fvm_edit *e)
{
    FVM_TRY(fvm_cbor_put_array(out, 8));
    FVM_TRY(fvm_cbor_put_uint(out, (uint64_t)e->kind));
    FVM_TRY(put_fixed(out, e->address.bytes, e->address.len));
    FVM_TRY(put_big(out, &e->balance));
    FVM_TRY(fvm_cbor_put_uint(out, e->nonce));
    FVM_TRY(fvm_cbor_put_bytes(out, e->code));
    FVM_TRY(put_fixed(out, e->slot, 32));
    FVM_TRY(put_fixed(out, e->value, 32));
    return put_some_cid(out, &e->cid, fvm__edit_has_cid(e->kind));
}

fvm_err fvm__edit_read(fvm_edit *out, fvm_bytes in)
{
    fvm_edit e = { .nonce = 0 };
    uint64_t kind;
    fvm_bytes address;
    bool some;
    FVM_TRY(fvm_cbor_tuple(8, &in));
    FVM_TRY(fvm_cbor_uint(&kind, &in));
    if (kind > FVM_EDIT_STATE) return FVM_ERR_MALFORMED;
    e.kind = (fvm_edit_kind)kind;
    FVM_TRY(fvm_cbor_bytes(&address, &in, NULL));
    FVM_TRY(fvm_address_read(&e.address, address, true));
    FVM_TRY(take_big(&e.balance, &in));
    FVM_TRY(fvm_cbor_uint(&e.nonce, &in));
    FVM_TRY(fvm_cbor_bytes(&e.code, &in, NULL));
    FVM_TRY(take_fixed(e.slot, 32, &in));
    FVM_TRY(take_fixed(e.value, 32, &in));
    FVM_TRY(take_some_cid(&e.cid, &some, &in));
    if (some != fvm__edit_has_cid(e.kind)) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_cbor_end(in));
    *out = e;
    return FVM_OK;
}

/* --- parameters --- */

fvm_err fvm__params_write(fvm_buf *out, const fvm__params *p)
{
    FVM_TRY(fvm_cbor_put_array(out, 11));
    FVM_TRY(fvm_cbor_put_uint(out, FVM__PARAMS_VERSION));
    FVM_TRY(fvm_cbor_put_uint(out, p->chain_id));
    FVM_TRY(fvm_cbor_put_uint(out, p->genesis_time));
    FVM_TRY(fvm_cbor_put_uint(out, p->epoch_seconds));
    FVM_TRY(fvm_cbor_put_uint(out, p->network_version));
    FVM_TRY(fvm_cbor_put_bool(out, p->user_actors));
    FVM_TRY(fvm_cbor_put_text(out, fvm_bytes_of(p->network_name)));
    FVM_TRY(fvm_cbor_put_cid(out, &p->manifest));
    FVM_TRY(fvm_cbor_put_cid(out, &p->genesis_state));
    FVM_TRY(put_big(out, &p->circulating));
    return put_big(out, &p->base_fee);
}

fvm_err fvm__params_read(fvm__params *out, fvm_bytes in)
{
    fvm__params p = { .chain_id = 0 };
    uint64_t version;
    fvm_bytes name;
    FVM_TRY(fvm_cbor_tuple(11, &in));
    FVM_TRY(fvm_cbor_uint(&version, &in));
    if (version != FVM__PARAMS_VERSION) return FVM_ERR_VERSION;
    FVM_TRY(fvm_cbor_uint(&p.chain_id, &in));
    FVM_TRY(fvm_cbor_uint(&p.genesis_time, &in));
    FVM_TRY(fvm_cbor_uint(&p.epoch_seconds, &in));
    FVM_TRY(fvm_cbor_u32(&p.network_version, &in));
    FVM_TRY(fvm_cbor_bool(&p.user_actors, &in));
    FVM_TRY(fvm_cbor_text(&name, &in, NULL));
    if (name.len >= sizeof p.network_name) return FVM_ERR_LIMIT;
    memcpy(p.network_name, name.ptr, name.len);
    FVM_TRY(fvm_cbor_cid(&p.manifest, &in));
    FVM_TRY(fvm_cbor_cid(&p.genesis_state, &in));
    FVM_TRY(take_big(&p.circulating, &in));
    FVM_TRY(take_big(&p.base_fee, &in));
    FVM_TRY(fvm_cbor_end(in));
    *out = p;
    return FVM_OK;
}
