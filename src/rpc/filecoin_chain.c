/* filecoin_chain.c - Filecoin.Chain*: tipsets, blocks, messages, receipts, events, IPLD blocks. */
#include "filecoin_json.h"
#include "filters_internal.h"
#include "methods.h"

fvm_err fvm_fil_chain_head(fvm_rpc_call *call)
{
    fvm_tipset t;
    fvm_chain_head(call->node->chain, &t);
    return fvm_fil_put_tipset(call->node, call->out, &t);
}

fvm_err fvm_fil_chain_get_genesis(fvm_rpc_call *call)
{
    fvm_tipset t;
    FVM_TRY(fvm_chain_tipset(call->node->chain, &t, 0));
    return fvm_fil_put_tipset(call->node, call->out, &t);
}

fvm_err fvm_fil_chain_get_tipset(fvm_rpc_call *call)
{
    fvm_tipset t;
    FVM_TRY(fvm_fil_get_tipset(call, 0, &t));
    return fvm_fil_put_tipset(call->node, call->out, &t);
}

static fvm_err by_height(fvm_rpc_call *call, bool after)
{
    fvm_tipset t;
    uint64_t height;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &height));
    FVM_TRY(fvm_fil_get_tipset(call, 1, &t));
    if (height > t.number)
        return fvm_rpc_fail(call, FVM_RPC_FAILED,
                            "looking for tipset with height greater than start point");
    FVM_TRY(fvm_chain_tipset_near(call->node->chain, &t, height, after));
    return fvm_fil_put_tipset(call->node, call->out, &t);
}

fvm_err fvm_fil_chain_by_height(fvm_rpc_call *call)
{
    return by_height(call, false);
}

fvm_err fvm_fil_chain_after_height(fvm_rpc_call *call)
{
    return by_height(call, true);
}

static fvm_err block_of(fvm_rpc_call *call, fvm_cid *cid, fvm_tipset *t)
{
    FVM_TRY(fvm_fil_get_cid(call, 0, cid));
    fvm_err err = fvm_chain_tipset_by_block(call->node->chain, t, cid);
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_FAILED, "block not found") : err;
}

fvm_err fvm_fil_chain_get_block(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_tipset t;
    FVM_TRY(block_of(call, &cid, &t));
    return fvm_fil_put_header(call->node, call->out, &cid);
}

/* --- messages --- */

typedef struct walk {
    fvm_rpc_call *call;
    bool bls; /* which half is wanted */
} walk;

static bool is_bls(const fvm_chain_message *m)
{
    return m->signature.type == FVM_SIGNATURE_BLS;
}

static fvm_err put_half(void *ctx, const fvm_chain_message *m)
{
    const walk *w = ctx;
    if (is_bls(m) != w->bls) return FVM_OK;
    if (w->bls) {
        fvm_fil_put_message(w->call->node, w->call->out, &m->message, &m->cid);
        return FVM_OK;
    }
    const fvm_signed_message sm = { m->message, m->signature };
    return fvm_fil_put_signed(w->call->node, w->call->out, &sm, &m->cid);
}

static fvm_err put_cid(void *ctx, const fvm_chain_message *m)
{
    fvm_jo_cid(((const walk *)ctx)->call->out, &m->cid);
    return FVM_OK;
}

fvm_err fvm_fil_chain_get_block_messages(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_tipset t;
    walk bls = { call, true }, secp = { call, false };
    FVM_TRY(block_of(call, &cid, &t));
    fvm_jo_begin(call->out, '{');
    fvm_jo_key(call->out, "BlsMessages");
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_messages(call->node->chain, t.number, put_half, &bls));
    fvm_jo_end(call->out, ']');
    fvm_jo_key(call->out, "SecpkMessages");
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_messages(call->node->chain, t.number, put_half, &secp));
    fvm_jo_end(call->out, ']');
    fvm_jo_key(call->out, "Cids");
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_messages(call->node->chain, t.number, put_cid, &secp));
    fvm_jo_end(call->out, ']');
    fvm_jo_end(call->out, '}');
    return FVM_OK;
}

fvm_err fvm_fil_chain_get_message(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_chain_message m;
    FVM_TRY(fvm_fil_get_cid(call, 0, &cid));
    fvm_chain_message_init(&m, call->alloc);
    fvm_err err = fvm_chain_message_by_cid(call->node->chain, &m, &cid);
    if (err == FVM_OK)
        fvm_fil_put_message(call->node, call->out, &m.message, &m.cid);
    else if (err == FVM_ERR_NOT_FOUND)
        err = fvm_rpc_fail(call, FVM_RPC_FAILED, "message not found");
    fvm_chain_message_deinit(&m);
    return err;
}

static fvm_err put_with_cid(void *ctx, const fvm_chain_message *m)
{
    const walk *w = ctx;
    fvm_jo_begin(w->call->out, '{');
    fvm_jo_key(w->call->out, "Cid");
    fvm_jo_cid(w->call->out, &m->cid);
    fvm_jo_key(w->call->out, "Message");
    fvm_fil_put_message(w->call->node, w->call->out, &m->message, &m->cid);
    fvm_jo_end(w->call->out, '}');
    return FVM_OK;
}

static fvm_err put_receipt(void *ctx, const fvm_chain_message *m)
{
    fvm_fil_put_receipt(((const walk *)ctx)->call->out, m);
    return FVM_OK;
}

static fvm_err put_list(fvm_rpc_call *call, const fvm_tipset *t, fvm_chain_message_visit put)
{
    walk w = { call, false };
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_messages(call->node->chain, t->number, put, &w));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_fil_chain_messages_in_tipset(fvm_rpc_call *call)
{
    fvm_tipset t;
    FVM_TRY(fvm_fil_get_tipset(call, 0, &t));
    return put_list(call, &t, put_with_cid);
}

/* What the parent of a block included: nothing at genesis. */
static fvm_err of_parent(fvm_rpc_call *call, fvm_chain_message_visit put)
{
    fvm_cid cid;
    fvm_tipset t, parent;
    FVM_TRY(block_of(call, &cid, &t));
    if (t.number == 0) {
        fvm_jo_begin(call->out, '[');
        fvm_jo_end(call->out, ']');
        return FVM_OK;
    }
    FVM_TRY(fvm_chain_tipset(call->node->chain, &parent, t.parent_number));
    return put_list(call, &parent, put);
}

fvm_err fvm_fil_chain_parent_messages(fvm_rpc_call *call)
{
    return of_parent(call, put_with_cid);
}

fvm_err fvm_fil_chain_parent_receipts(fvm_rpc_call *call)
{
    return of_parent(call, put_receipt);
}

/* --- IPLD blocks --- */

static fvm_err read_object(fvm_rpc_call *call, fvm_buf *out)
{
    fvm_cid cid;
    FVM_TRY(fvm_fil_get_cid(call, 0, &cid));
    fvm_err err = fvm_blockstore_get(fvm_chain_blocks(call->node->chain), out, &cid);
    return err == FVM_ERR_NOT_FOUND
               ? fvm_rpc_fail(call, FVM_RPC_FAILED, "blockstore: block not found")
               : err;
}

fvm_err fvm_fil_chain_read_obj(fvm_rpc_call *call)
{
    fvm_buf block;
    fvm_buf_init(&block, call->alloc);
    fvm_err err = read_object(call, &block);
    if (err == FVM_OK) fvm_jo_base64(call->out, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

fvm_err fvm_fil_chain_has_obj(fvm_rpc_call *call)
{
    fvm_cid cid;
    fvm_buf block;
    FVM_TRY(fvm_fil_get_cid(call, 0, &cid));
    fvm_buf_init(&block, call->alloc);
    fvm_err err = fvm_blockstore_get(fvm_chain_blocks(call->node->chain), &block, &cid);
    fvm_buf_deinit(&block);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    fvm_jo_bool(call->out, err == FVM_OK);
    return FVM_OK;
}

/* --- events --- */

typedef struct events_of {
    fvm_rpc_call *call;
    fvm_cid root;
    bool found;
} events_of;

static fvm_err put_raw_event(void *ctx, const fvm_chain_event *e)
{
    fvm_jo *o = ((const events_of *)ctx)->call->out;
    fvm_jo_begin(o, '{');
    fvm_jo_k_u64(o, "Emitter", e->emitter);
    fvm_jo_key(o, "Entries");
    FVM_TRY(fvm_fil_put_entries(o, e->entries));
    fvm_jo_end(o, '}');
    return FVM_OK;
}

static fvm_err find_root(void *ctx, const fvm_chain_message *m)
{
    events_of *e = ctx;
    if (e->found || !m->has_events_root || !fvm_cid_eq(&m->events_root, &e->root)) return FVM_OK;
    e->found = true;
    return fvm_chain_message_events(e->call->node->chain, m, true, put_raw_event, e);
}

static fvm_err find_in(void *ctx, const fvm_tipset *t)
{
    events_of *e = ctx;
    if (e->found) return FVM_ERR_LIMIT; /* done */
    return t->event_count ? fvm_chain_messages(e->call->node->chain, t->number, find_root, e)
                          : FVM_OK;
}

/* The AMT holds what the index of events has; which message's it is, is looked for in the last days. */
fvm_err fvm_fil_chain_get_events(fvm_rpc_call *call)
{
    events_of e = { .call = call };
    uint64_t head = fvm_chain_head_number(call->node->chain);
    FVM_TRY(fvm_fil_get_cid(call, 0, &e.root));
    fvm_jo_begin(call->out, '[');
    fvm_err err = fvm_chain_tipsets(
        call->node->chain,
        head > FVM_RPC_NATIVE_BASE_BLOCKS ? head - FVM_RPC_NATIVE_BASE_BLOCKS : 0, head, true,
        find_in, &e);
    fvm_jo_end(call->out, ']');
    if (err != FVM_OK && !(err == FVM_ERR_LIMIT && e.found)) return err;
    return e.found ? FVM_OK : fvm_rpc_fail(call, FVM_RPC_FAILED, "events not found");
}

/* --- ChainNotify: a channel of go-jsonrpc --- */

fvm_err fvm_fil_chain_notify(fvm_rpc_call *call)
{
    fvm_log_criteria none;
    uint64_t id;
    if (!call->session)
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "ChainNotify needs a WebSocket");
    fvm_log_criteria_init(&none, call->alloc);
    FVM_TRY(fvm_subscribe(call, &id, FVM_WATCH_NOTIFY, &none));
    fvm_jo_u64(call->out, id);
    return FVM_OK;
}

static fvm_err post_change(fvm_filters *f, fvm_rpc_session *session, const fvm_watch *w,
                           const char *type, const fvm_tipset *t)
{
    fvm_jo o;
    fvm_rpc_message_init(&o, f->node->alloc);
    fvm_jo_begin(&o, '{');
    fvm_jo_k_str(&o, "jsonrpc", "2.0");
    fvm_jo_k_str(&o, "method", "xrpc.ch.val");
    fvm_jo_key(&o, "params");
    fvm_jo_begin(&o, '[');
    fvm_jo_u64(&o, w->id);
    fvm_jo_begin(&o, '[');
    fvm_jo_begin(&o, '{');
    fvm_jo_k_str(&o, "Type", type);
    fvm_jo_key(&o, "Val");
    fvm_err err = fvm_fil_put_tipset(f->node, &o, t);
    fvm_jo_end(&o, '}');
    fvm_jo_end(&o, ']');
    fvm_jo_end(&o, ']');
    fvm_jo_end(&o, '}');
    if (err == FVM_OK)
        fvm_rpc_session_post(session, &o);
    else
        fvm_jo_deinit(&o);
    return err;
}

typedef struct notify {
    fvm_filters *filters;
    fvm_rpc_session *session;
    fvm_watch *watch;
} notify;

static fvm_err notify_one(void *ctx, const fvm_tipset *t)
{
    const notify *n = ctx;
    if (fvm_rpc_session_full(n->session)) return FVM_ERR_LIMIT;
    FVM_TRY(post_change(n->filters, n->session, n->watch, "apply", t));
    n->watch->cursor = t->number + 1;
    return FVM_OK;
}

fvm_err fvm__say_notify(fvm_filters *f, fvm_rpc_session *session, fvm_watch *w)
{
    notify n = { f, session, w };
    uint64_t head = fvm_chain_head_number(f->node->chain);
    if (!w->greeted) { /* the first message says where the chain is */
        fvm_tipset t;
        fvm_chain_head(f->node->chain, &t);
        FVM_TRY(post_change(f, session, w, "current", &t));
        w->greeted = true;
        w->cursor = t.number + 1;
        return FVM_OK;
    }
    if (w->cursor > head) return FVM_OK;
    fvm_err err = fvm_chain_tipsets(f->node->chain, w->cursor, head, false, notify_one, &n);
    return err == FVM_ERR_LIMIT ? FVM_OK : err;
}
