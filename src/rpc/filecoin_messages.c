/* filecoin_messages.c - Filecoin.Mpool*, GasEstimate*, StateSearchMsg and StateWaitMsg, events of actors. */
#include "filecoin_json.h"
#include "methods.h"

#include <time.h>

/* --- looking for messages --- */

/* The tipset that executed it is, as Filecoin counts, the next one; there may be none yet. */
static fvm_err put_lookup(fvm_rpc_call *call, const fvm_chain_message *m)
{
    fvm_jo *o = call->out;
    fvm_tipset t, next;
    FVM_TRY(fvm_chain_tipset(call->node->chain, &t, m->number));
    fvm_err err = fvm_chain_tipset_near(call->node->chain, &next, m->number + 1, true);
    if (err != FVM_OK) next = t;
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "Message");
    fvm_jo_cid(o, &m->cid);
    fvm_jo_key(o, "Receipt");
    fvm_fil_put_receipt(o, m);
    fvm_jo_k_null(o, "ReturnDec");
    fvm_jo_key(o, "TipSet");
    fvm_fil_put_key(o, &next.block);
    fvm_jo_k_u64(o, "Height", next.number);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

/* Where the CID is: v1 has (from, cid, limit, replaced) to search and (cid, ...) to wait. */
fvm_err fvm_fil_state_search_msg(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_chain_message m;
    size_t at = json_is_object(fvm_rpc_param(call, 0)) ? 0 : 1; /* v0 had the CID first */
    FVM_TRY(fvm_fil_get_cid(call, at, &cid));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_cid(call->node->chain, &m, &cid);
    if (err == FVM_OK && m.number != FVM_CHAIN_PENDING)
        err = put_lookup(call, &m);
    else if (err == FVM_OK || err == FVM_ERR_NOT_FOUND) {
        fvm_jo_null(call->out);
        err = FVM_OK;
    }
    fvm_chain_message_deinit(&m);
    return err;
}

#define WAIT_MS 60000u

static fvm_err wait_for(fvm_rpc_call *call, const fvm_cid *cid, uint64_t confidence)
{
    fvm_chain *chain = call->node->chain;
    fvm_chain_message m;
    fvm_err err;
    fvm_chain_message_init(&m, call->alloc);
    for (uint64_t waited = 0;; waited += 10) {
        err = fvm_chain_message_by_cid(chain, &m, cid);
        if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) break;
        if (err == FVM_OK && m.number != FVM_CHAIN_PENDING &&
            (fvm_chain_head_number(chain) >= m.number + confidence ||
             fvm_chain_sealing(chain, NULL) != FVM_SEALING_INTERVAL))
            break; /* where no blocks come by themselves, one is as deep as it gets */
        if (call->node->server && fvm_rpc_server_stopping(call->node->server)) {
            err = fvm_rpc_fail(call, FVM_RPC_FAILED, "the node is stopping");
            break;
        }
        if (waited >= WAIT_MS || !call->node->server ||
            (call->session && fvm_rpc_session_gone(call->session))) {
            err = fvm_rpc_fail(call, FVM_RPC_FAILED, "the message was not executed in %u s",
                               WAIT_MS / 1000);
            break;
        }
        nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    }
    if (err == FVM_OK) err = put_lookup(call, &m);
    fvm_chain_message_deinit(&m);
    return err;
}

fvm_err fvm_fil_state_wait_msg(fvm_rpc_call *call)
{
    fvm_cid cid;
    uint64_t confidence = 0;
    FVM_TRY(fvm_fil_get_cid(call, 0, &cid));
    if (fvm_rpc_param(call, 1)) FVM_TRY(fvm_rpc_get_u64(call, 1, &confidence));
    fvm_rpc_pool *pool = call->node->server ? fvm_rpc_server_pool(call->node->server) : NULL;
    if (pool && !fvm_rpc_pool_wait_begin(pool))
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "too many calls wait for a block");
    fvm_err err = wait_for(call, &cid, confidence);
    if (pool) fvm_rpc_pool_wait_end(pool);
    return err;
}

typedef struct message_search {
    fvm_rpc_call *call;
    bool has_to, has_from;
    fvm_address to, from;
    uint64_t to_id, from_id;
    size_t count;
} message_search;

static fvm_err match_message(void *ctx, const fvm_chain_message *m)
{
    message_search *s = ctx;
    if (s->has_from && m->from_id != s->from_id) return FVM_OK;
    if (s->has_to && !(m->to_known && m->to_id == s->to_id)) return FVM_OK;
    if (++s->count > FVM_RPC_LOGS_MAX) return FVM_ERR_LIMIT;
    fvm_jo_cid(s->call->out, &m->cid);
    return FVM_OK;
}

static fvm_err match_tipset(void *ctx, const fvm_tipset *t)
{
    message_search *s = ctx;
    return t->message_count ? fvm_chain_messages(s->call->node->chain, t->number, match_message, s)
                            : FVM_OK;
}

static fvm_err lookup_party(fvm_rpc_call *call, bool *has, uint64_t *id, const json_t *value)
{
    fvm_address address;
    fvm_chain_view *view;
    if (!value) return FVM_OK;
    *has = true;
    if (!fvm_fil_address(&address, value)) return fvm_rpc_bad_param(call, 0, "not an address");
    FVM_TRY(fvm_rpc_head_view(call, &view, false));
    fvm_err err = fvm_view_lookup(view, id, &address);
    fvm_chain_view_close(view);
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_NO_ACTOR, "actor not found") : err;
}

fvm_err fvm_fil_state_list_messages(fvm_rpc_call *call)
{
    message_search s = { .call = call };
    const json_t *match = fvm_rpc_param(call, 0);
    fvm_tipset t;
    uint64_t down_to = 0;
    FVM_TRY(lookup_party(call, &s.has_to, &s.to_id, fvm_rpc_json_get(match, "To")));
    FVM_TRY(lookup_party(call, &s.has_from, &s.from_id, fvm_rpc_json_get(match, "From")));
    if (!s.has_to && !s.has_from)
        return fvm_rpc_bad_param(call, 0, "must specify at least To or From");
    FVM_TRY(fvm_fil_get_tipset(call, 1, &t));
    if (fvm_rpc_param(call, 2)) FVM_TRY(fvm_rpc_get_u64(call, 2, &down_to));
    fvm_jo_begin(call->out, '[');
    if (down_to <= t.number)
        FVM_TRY(fvm_chain_tipsets(call->node->chain, down_to, t.number, true, match_tipset, &s));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

/* --- hashes --- */

fvm_err fvm_fil_eth_hash_by_cid(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_chain_message m;
    FVM_TRY(fvm_fil_get_cid(call, 0, &cid));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_cid(call->node->chain, &m, &cid);
    if (err == FVM_OK)
        fvm_jo_hex(call->out, (fvm_bytes){ m.eth_hash, 32 });
    else if (err == FVM_ERR_NOT_FOUND)
        fvm_jo_null(call->out);
    fvm_chain_message_deinit(&m);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

/* --- the pool --- */

fvm_err fvm_fil_mpool_get_nonce(fvm_rpc_call *call)
{
    fvm_address address;
    uint64_t nonce;
    FVM_TRY(fvm_fil_get_address(call, 0, &address));
    FVM_TRY(fvm_chain_next_nonce(call->node->chain, &nonce, &address));
    fvm_jo_u64(call->out, nonce);
    return FVM_OK;
}

static fvm_err put_pending(void *ctx, const fvm_chain_message *m, bool ready)
{
    fvm_rpc_call *call = ctx;
    const fvm_signed_message sm = { m->message, m->signature };
    (void)ready;
    if (call->out->buf.len > call->node->limits.reply_bytes) return FVM_ERR_LIMIT;
    return fvm_fil_put_signed(call->node, call->out, &sm, &m->cid);
}

fvm_err fvm_fil_mpool_pending(fvm_rpc_call *call)
{
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_pending(call->node->chain, NULL, put_pending, call));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_fil_mpool_push(fvm_rpc_call *call)
{
    fvm_signed_message sm;
    fvm_submission s;
    fvm_buf params;
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_signed(call, &sm, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fvm_rpc_submit(call, &s, &sm, 0);
    if (err == FVM_OK) fvm_jo_cid(call->out, &s.cid);
    fvm_buf_deinit(&params);
    return err;
}

/* --- gas --- */

/* A message's gas on the head's state, the sender's waiting messages first. */
static fvm_err estimate_limit(fvm_rpc_call *call, const fvm_message *m, uint64_t *gas)
{
    fvm_err err = fvm_rpc_estimate_pending(call, gas, m);
    if (err != FVM_OK && call->code == FVM_RPC_REVERTED) call->code = FVM_RPC_FAILED;
    return err;
}

/* The cap that bears the base fee doubling, and at most what the sender will pay in all. */
static fvm_err estimate_cap(fvm_rpc_call *call, fvm_message *m, const json_t *most)
{
    fvm_big base, max_fee;
    uint64_t hi, lo;
    fvm_chain_next_base_fee(call->node->chain, &base);
    FVM_TRY(fvm_big_mul_u64(&base, &base, 2));
    FVM_TRY(fvm_big_add(&m->gas_fee_cap, &base, &m->gas_premium));
    if (!most || !fvm_fil_amount(&max_fee, most) || fvm_big_is_zero(&max_fee) || !m->gas_limit ||
        !fvm_big_to_u128(&hi, &lo, &max_fee))
        return FVM_OK;
    fvm_u128 cap = ((fvm_u128)hi << 64 | lo) / m->gas_limit;
    fvm_big bound = fvm_big_u128((uint64_t)(cap >> 64), (uint64_t)cap);
    if (fvm_big_cmp(&m->gas_fee_cap, &bound) > 0) m->gas_fee_cap = bound;
    if (fvm_big_cmp(&m->gas_premium, &m->gas_fee_cap) > 0) m->gas_premium = m->gas_fee_cap;
    return FVM_OK;
}

/* What a message leaves at zero, as Lotus fills it. */
static fvm_err fill_gas(fvm_rpc_call *call, fvm_message *m, const json_t *spec)
{
    if (m->gas_limit == 0) {
        fvm_message trial = *m;
        FVM_TRY(estimate_limit(call, &trial, &m->gas_limit));
    }
    if (fvm_big_is_zero(&m->gas_premium))
        fvm_chain_estimate_premium(call->node->chain, &m->gas_premium);
    if (fvm_big_is_zero(&m->gas_fee_cap))
        FVM_TRY(estimate_cap(call, m, fvm_rpc_json_get(spec, "MaxFee")));
    return FVM_OK;
}

fvm_err fvm_fil_gas_message(fvm_rpc_call *call)
{
    fvm_message m;
    fvm_buf params;
    fvm_cid cid;
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_message(call, &m, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fill_gas(call, &m, fvm_rpc_param(call, 1));
    if (err == FVM_OK) err = fvm_message_cid(&cid, &m, call->alloc);
    if (err == FVM_OK) fvm_fil_put_message(call->node, call->out, &m, &cid);
    fvm_buf_deinit(&params);
    return err;
}

fvm_err fvm_fil_gas_premium(fvm_rpc_call *call)
{
    fvm_big premium;
    uint64_t blocks; /* within which it should be included: any premium is, here */
    if (fvm_rpc_param(call, 0)) FVM_TRY(fvm_rpc_get_u64(call, 0, &blocks));
    fvm_chain_estimate_premium(call->node->chain, &premium);
    fvm_jo_amount(call->out, &premium);
    return FVM_OK;
}

fvm_err fvm_fil_gas_fee_cap(fvm_rpc_call *call)
{
    fvm_message m;
    fvm_buf params;
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_message(call, &m, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK && fvm_big_is_zero(&m.gas_premium))
        fvm_chain_estimate_premium(call->node->chain, &m.gas_premium);
    if (err == FVM_OK) err = estimate_cap(call, &m, NULL);
    if (err == FVM_OK) fvm_jo_amount(call->out, &m.gas_fee_cap);
    fvm_buf_deinit(&params);
    return err;
}

fvm_err fvm_fil_gas_limit(fvm_rpc_call *call)
{
    fvm_message m;
    fvm_buf params;
    uint64_t gas;
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_message(call, &m, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = estimate_limit(call, &m, &gas);
    if (err == FVM_OK) fvm_jo_u64(call->out, gas);
    fvm_buf_deinit(&params);
    return err;
}

/* Nonce, gas and signature are the node's to find. */
fvm_err fvm_fil_mpool_push_message(fvm_rpc_call *call)
{
    fvm_signed_message sm;
    fvm_submission s;
    fvm_buf params;
    memset(&sm, 0, sizeof sm);
    fvm_buf_init(&params, call->alloc);
    fvm_err err = fvm_fil_read_message(call, &sm.message, &params, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fvm_rpc_key_address(call, &sm.message.from);
    if (err == FVM_OK) /* for the estimate */
        err = fvm_chain_next_nonce(call->node->chain, &sm.message.nonce, &sm.message.from);
    /* Ethereum accounts sign transactions alone, and a plain send is no transaction: as `lotus send` */
    if (err == FVM_OK && sm.message.method == 0 && !sm.message.params.len &&
        fvm_address_protocol(&sm.message.from) == FVM_PROTOCOL_DELEGATED)
        sm.message.method = FVM_ETH_METHOD_INVOKE;
    if (err == FVM_OK) err = fill_gas(call, &sm.message, fvm_rpc_param(call, 1));
    if (err == FVM_OK) err = fvm_rpc_send(call, &s, &sm, 0, true);
    if (err == FVM_OK) err = fvm_fil_put_signed(call->node, call->out, &sm, &s.cid);
    fvm_buf_deinit(&params);
    return err;
}

/* --- events of actors (FIP-0049) --- */

typedef struct raw_events {
    fvm_rpc_call *call;
    const json_t *fields; /* key to a list of {codec, value}: any of them; NULL: all events */
    size_t count;
    fvm_tipset tipset;
    bool known; /* tipset is set */
} raw_events;

/* Entries as JSON were made for the answer anyway: filters by value are compared with that. */
static bool wanted(const raw_events *r, fvm_bytes entries)
{
    bool all = true;
    fvm_jo text;
    json_t *list = NULL;
    if (!json_object_size(r->fields)) return true;
    fvm_jo_init(&text, r->call->alloc);
    if (fvm_fil_put_entries(&text, entries) == FVM_OK && fvm_jo_ok(&text) &&
        fvm_rpc_json_parse(&list, fvm_buf_bytes(&text.buf), r->call->alloc) != FVM_OK)
        list = NULL;
    fvm_jo_deinit(&text);
    json_t *fields = (json_t *)(uintptr_t)r->fields;
    for (void *at = json_object_iter(fields); at && all; at = json_object_iter_next(fields, at)) {
        const json_t *values = json_object_iter_value(at);
        bool any = false;
        for (size_t i = 0; i < json_array_size(list) && !any; i++) {
            const json_t *e = json_array_get(list, i);
            const char *key = json_string_value(json_object_get(e, "Key"));
            if (!key || strcmp(key, json_object_iter_key(at)) != 0) continue;
            for (size_t k = 0; k < json_array_size(values) && !any; k++) {
                const json_t *v = json_array_get(values, k);
                any = json_equal(json_object_get(v, "codec"), json_object_get(e, "Codec")) &&
                      json_equal(json_object_get(v, "value"), json_object_get(e, "Value"));
            }
        }
        all = any;
    }
    json_decref(list);
    return all;
}

static fvm_err put_actor_event(void *ctx, const fvm_chain_event *e)
{
    raw_events *r = ctx;
    fvm_jo *o = r->call->out;
    if (!wanted(r, e->entries)) return FVM_OK;
    if (++r->count > FVM_RPC_LOGS_MAX)
        return fvm_rpc_fail(r->call, FVM_RPC_LIMIT, "query returned more than %u results",
                            FVM_RPC_LOGS_MAX);
    if (!r->known || r->tipset.number != e->number)
        FVM_TRY(fvm_chain_tipset(r->call->node->chain, &r->tipset, e->number));
    r->known = true;
    fvm_address emitter = fvm_address_id(e->emitter);
    fvm_jo_begin(o, '{');
    fvm_jo_key(o, "entries");
    FVM_TRY(fvm_fil_put_entries(o, e->entries));
    fvm_jo_key(o, "emitter");
    fvm_jo_address(o, &emitter, r->call->node->letter);
    fvm_jo_k_bool(o, "reverted", false);
    fvm_jo_k_u64(o, "height", e->number);
    fvm_jo_key(o, "tipsetKey");
    fvm_fil_put_key(o, &r->tipset.block);
    fvm_jo_key(o, "msgCid");
    fvm_jo_cid(o, &e->message);
    fvm_jo_end(o, '}');
    return FVM_OK;
}

#define EMITTERS_MAX 64u

/* Which events: a tipset's, or those of a range of epochs. */
static fvm_err event_range(fvm_rpc_call *call, fvm_event_filter *f, const json_t *o)
{
    fvm_tipset t;
    fvm_cid block;
    const json_t *key = fvm_rpc_json_get(o, "tipsetKey"), *v;
    uint64_t head = fvm_chain_head_number(call->node->chain);
    f->from = f->to = head;
    if (json_array_size(key)) {
        if (!fvm_fil_cid(&block, json_array_get(key, 0)))
            return fvm_rpc_bad_param(call, 0, "tipsetKey");
        fvm_err err = fvm_chain_tipset_by_block(call->node->chain, &t, &block);
        if (err == FVM_ERR_NOT_FOUND) return fvm_rpc_fail(call, FVM_RPC_FAILED, "tipset not found");
        FVM_TRY(err);
        f->from = f->to = t.number;
        return FVM_OK;
    }
    if ((v = fvm_rpc_json_get(o, "fromHeight")) && !fvm_rpc_u64(&f->from, v))
        return fvm_rpc_bad_param(call, 0, "fromHeight");
    if ((v = fvm_rpc_json_get(o, "toHeight")) && !fvm_rpc_u64(&f->to, v))
        return fvm_rpc_bad_param(call, 0, "toHeight");
    if (f->from > f->to) return fvm_rpc_bad_param(call, 0, "fromHeight is above toHeight");
    if (f->to - f->from > FVM_RPC_NATIVE_BASE_BLOCKS)
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "block range is limited to %u epochs",
                            FVM_RPC_NATIVE_BASE_BLOCKS);
    if (f->to > head) f->to = head;
    return FVM_OK;
}

fvm_err fvm_fil_actor_events(fvm_rpc_call *call)
{
    fvm_event_filter f = { .native = true };
    uint64_t emitters[EMITTERS_MAX];
    const json_t *o = fvm_rpc_param(call, 0), *addresses = fvm_rpc_json_get(o, "addresses");
    raw_events r = { .call = call, .fields = fvm_rpc_json_get(o, "fields") };
    if (o && !json_is_object(o)) return fvm_rpc_bad_param(call, 0, "no object");
    FVM_TRY(event_range(call, &f, o));
    if (json_array_size(addresses) > EMITTERS_MAX)
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "too many addresses");
    for (size_t i = 0; i < json_array_size(addresses); i++) {
        bool has;
        FVM_TRY(lookup_party(call, &has, &emitters[i], json_array_get(addresses, i)));
    }
    f.emitters = emitters;
    f.emitter_count = json_array_size(addresses);
    fvm_jo_begin(call->out, '[');
    if (f.from <= f.to) FVM_TRY(fvm_chain_events(call->node->chain, &f, put_actor_event, &r));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}
