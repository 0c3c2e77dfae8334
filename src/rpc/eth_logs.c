/* eth_logs.c - what logs a client wants, and eth_getLogs: complete, or an error. */
#include "filters.h"
#include "methods.h"

#define LIST_MAX 1024u /* addresses, or topics at one position */

void fvm_log_criteria_init(fvm_log_criteria *c, const fvm_allocator *alloc)
{
    memset(c, 0, sizeof *c);
    c->first = UINT64_MAX;
    fvm_buf_init(&c->addresses, alloc);
    for (size_t i = 0; i < 4; i++) fvm_buf_init(&c->topics[i], alloc);
}

void fvm_log_criteria_deinit(fvm_log_criteria *c)
{
    fvm_buf_deinit(&c->addresses);
    for (size_t i = 0; i < 4; i++) fvm_buf_deinit(&c->topics[i]);
}

static fvm_err bad_filter(fvm_rpc_call *call, const char *what)
{
    return fvm_rpc_fail(call, FVM_RPC_PARAMS, "invalid filter: %s", what);
}

/* A value, a list of values, or nothing, each of `size` bytes. */
static fvm_err read_list(fvm_rpc_call *call, fvm_buf *out, size_t size, const json_t *value,
                         const char *what)
{
    uint8_t bytes[32];
    if (!value || json_is_null(value)) return FVM_OK;
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n > LIST_MAX) return fvm_rpc_fail(call, FVM_RPC_LIMIT, "too many values in a filter");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_is_array(value) ? json_array_get(value, i) : value;
        if (!fvm_rpc_fixed(bytes, size, v, false)) return bad_filter(call, what);
        FVM_TRY(fvm_buf_append(out, (fvm_bytes){ bytes, size }));
    }
    return FVM_OK;
}

/* A position's list with a null in it is anything: as geth has it. */
static bool has_null(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        if (json_is_null(json_array_get(value, i))) return true;
    return false;
}

static fvm_err read_topics(fvm_rpc_call *call, fvm_log_criteria *c, const json_t *topics)
{
    if (!topics) return FVM_OK;
    if (!json_is_array(topics)) return bad_filter(call, "topics is no list");
    if (json_array_size(topics) > 4) return bad_filter(call, "more than 4 topics");
    for (size_t i = 0; i < json_array_size(topics); i++) {
        const json_t *v = json_array_get(topics, i);
        if (json_is_array(v) && has_null(v)) continue;
        FVM_TRY(read_list(call, &c->topics[i], 32, v, "a topic is no hash of 32 bytes"));
    }
    return FVM_OK;
}

fvm_err fvm_log_criteria_read(fvm_rpc_call *call, fvm_log_criteria *c, const json_t *value)
{
    if (!value) return FVM_OK;
    if (!json_is_object(value)) return bad_filter(call, "no object");
    const json_t *from = fvm_rpc_json_get(value, "fromBlock"),
                 *to = fvm_rpc_json_get(value, "toBlock");
    const json_t *hash = fvm_rpc_json_get(value, "blockHash");
    if (hash && (from || to)) return bad_filter(call, "blockHash excludes fromBlock and toBlock");
    if (hash) {
        c->by_hash = true;
        if (!fvm_rpc_fixed(c->hash, 32, hash, false)) return bad_filter(call, "blockHash");
    }
    c->from_given = from != NULL;
    c->to_given = to != NULL;
    if (!fvm_rpc_block_read(&c->from, from)) return bad_filter(call, "fromBlock");
    if (!fvm_rpc_block_read(&c->to, to)) return bad_filter(call, "toBlock");
    FVM_TRY(read_list(call, &c->addresses, 20, fvm_rpc_json_get(value, "address"),
                      "an address is not of 20 bytes"));
    return read_topics(call, c, fvm_rpc_json_get(value, "topics"));
}

fvm_event_filter fvm_log_criteria_filter(const fvm_log_criteria *c)
{
    fvm_event_filter f = { .from = 0 };
    f.addresses = (const uint8_t(*)[20])(const void *)c->addresses.ptr;
    f.address_count = c->addresses.len / 20;
    for (size_t i = 0; i < 4; i++) {
        f.topics[i].any = (const uint8_t(*)[32])(const void *)c->topics[i].ptr;
        f.topics[i].count = c->topics[i].len / 32;
    }
    return f;
}

/* --- eth_getLogs --- */

/* Blocks of a filter: `earliest` is served here. */
static fvm_err bound(fvm_rpc_call *call, uint64_t *out, const fvm_rpc_block *b)
{
    fvm_tipset t;
    if (b->kind == FVM_RPC_BLOCK_EARLIEST) {
        *out = 0;
        return FVM_OK;
    }
    if (b->kind == FVM_RPC_BLOCK_NUMBER) {
        *out = b->number;
        return FVM_OK;
    }
    FVM_TRY(fvm_rpc_tipset_state(call, &t, b));
    *out = t.number;
    return FVM_OK;
}

typedef struct found {
    fvm_rpc_call *call;
    size_t count;
    bool one_block;
    uint64_t number, timestamp; /* of the tipset that the last log was in */
} found;

static fvm_err put_found(void *ctx, const fvm_chain_event *e)
{
    found *f = ctx;
    if (++f->count > FVM_RPC_LOGS_MAX && !f->one_block)
        return fvm_rpc_fail(f->call, FVM_RPC_LIMIT, "query returned more than %u results",
                            FVM_RPC_LOGS_MAX);
    if (f->call->out->buf.len > f->call->node->limits.reply_bytes)
        return fvm_rpc_fail(f->call, FVM_RPC_LIMIT, "the reply is too large");
    if (f->count == 1 || e->number != f->number) {
        fvm_tipset t;
        f->number = e->number;
        f->timestamp = fvm_chain_tipset(f->call->node->chain, &t, e->number) == FVM_OK ? t.timestamp
                                                                                       : 0;
    }
    fvm_rpc_put_log(f->call->out, e, false, f->timestamp);
    return FVM_OK;
}

fvm_err fvm_logs_put(fvm_rpc_call *call, const fvm_log_criteria *c)
{
    fvm_event_filter filter = fvm_log_criteria_filter(c);
    found f = { .call = call };
    uint64_t head = fvm_chain_head_number(call->node->chain);
    if (c->by_hash) {
        fvm_rpc_block b = { .kind = FVM_RPC_BLOCK_HASH };
        fvm_tipset t;
        memcpy(b.hash, c->hash, 32);
        FVM_TRY(fvm_rpc_tipset_state(call, &t, &b));
        filter.from = filter.to = t.number;
    } else {
        FVM_TRY(bound(call, &filter.from, &c->from));
        FVM_TRY(bound(call, &filter.to, &c->to));
        if (filter.from > filter.to) return bad_filter(call, "fromBlock is above toBlock");
        if (filter.to > head && filter.from <= head) filter.to = head; /* to be polled on */
        if (filter.from > head)
            return fvm_rpc_fail(call, FVM_RPC_FAILED, "requested a future epoch (beyond 'latest')");
        if (filter.to - filter.from > FVM_RPC_NATIVE_BASE_BLOCKS)
            return fvm_rpc_fail(call, FVM_RPC_LIMIT, "block range is limited to %u epochs",
                                FVM_RPC_NATIVE_BASE_BLOCKS);
    }
    f.one_block = filter.from == filter.to;
    fvm_jo_begin(call->out, '[');
    FVM_TRY(fvm_chain_events(call->node->chain, &filter, put_found, &f));
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_eth_get_logs(fvm_rpc_call *call)
{
    fvm_log_criteria c;
    fvm_log_criteria_init(&c, call->alloc);
    fvm_err err = fvm_log_criteria_read(call, &c, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = fvm_logs_put(call, &c);
    fvm_log_criteria_deinit(&c);
    return err;
}

/* --- filters --- */

/* The first epoch that a filter tells of: a past one that it names (as Lotus and anvil have it), else the
 * next one. */
static fvm_err first_epoch(fvm_rpc_call *call, fvm_log_criteria *c)
{
    uint64_t from = UINT64_MAX;
    if (c->from_given && c->from.kind != FVM_RPC_BLOCK_LATEST &&
        c->from.kind != FVM_RPC_BLOCK_PENDING)
        FVM_TRY(bound(call, &from, &c->from));
    c->first = from;
    return FVM_OK;
}

static fvm_err new_filter(fvm_rpc_call *call, fvm_watch_kind kind, fvm_log_criteria *c)
{
    uint8_t id[32];
    fvm_err err = fvm_filters_add(call->node->filters, id, kind, c);
    if (err == FVM_ERR_LIMIT)
        return fvm_rpc_fail(call, FVM_RPC_LIMIT, "there are too many filters");
    if (err == FVM_OK) fvm_jo_hex(call->out, (fvm_bytes){ id, sizeof id });
    return err;
}

fvm_err fvm_eth_new_filter(fvm_rpc_call *call)
{
    fvm_log_criteria c;
    fvm_log_criteria_init(&c, call->alloc);
    fvm_err err = fvm_log_criteria_read(call, &c, fvm_rpc_param(call, 0));
    if (err == FVM_OK) err = first_epoch(call, &c);
    if (err == FVM_OK) err = new_filter(call, FVM_WATCH_LOGS, &c);
    fvm_log_criteria_deinit(&c);
    return err;
}

fvm_err fvm_eth_new_block_filter(fvm_rpc_call *call)
{
    fvm_log_criteria c;
    fvm_log_criteria_init(&c, call->alloc);
    return new_filter(call, FVM_WATCH_BLOCKS, &c);
}

fvm_err fvm_eth_new_pending_filter(fvm_rpc_call *call)
{
    fvm_log_criteria c;
    fvm_log_criteria_init(&c, call->alloc);
    if (fvm_rpc_param(call, 0)) FVM_TRY(fvm_rpc_get_bool(call, 0, &c.full));
    return new_filter(call, FVM_WATCH_PENDING, &c);
}

static fvm_err read_id(fvm_rpc_call *call, uint8_t id[32])
{
    return fvm_rpc_fixed(id, 32, fvm_rpc_param(call, 0), true)
               ? FVM_OK
               : fvm_rpc_bad_param(call, 0, "not the id of a filter");
}

fvm_err fvm_eth_uninstall_filter(fvm_rpc_call *call)
{
    uint8_t id[32];
    FVM_TRY(read_id(call, id));
    fvm_jo_bool(call->out, fvm_filters_remove(call->node->filters, id));
    return FVM_OK;
}

static fvm_err poll_filter(fvm_rpc_call *call, bool all)
{
    uint8_t id[32];
    FVM_TRY(read_id(call, id));
    fvm_err err = fvm_filters_put(call, id, all);
    return err == FVM_ERR_NOT_FOUND ? fvm_rpc_fail(call, FVM_RPC_FAILED, "filter not found") : err;
}

fvm_err fvm_eth_get_filter_changes(fvm_rpc_call *call)
{
    return poll_filter(call, false);
}

fvm_err fvm_eth_get_filter_logs(fvm_rpc_call *call)
{
    return poll_filter(call, true);
}

/* --- subscriptions --- */

fvm_err fvm_eth_subscribe(fvm_rpc_call *call)
{
    fvm_bytes kind;
    fvm_log_criteria c;
    fvm_watch_kind watch;
    uint64_t id;
    if (!call->session)
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "subscriptions need a WebSocket");
    FVM_TRY(fvm_rpc_get_text(call, 0, &kind));
    if (fvm_bytes_eq(kind, FVM_STR("newHeads")))
        watch = FVM_WATCH_BLOCKS;
    else if (fvm_bytes_eq(kind, FVM_STR("logs")))
        watch = FVM_WATCH_LOGS;
    else if (fvm_bytes_eq(kind, FVM_STR("newPendingTransactions")))
        watch = FVM_WATCH_PENDING;
    else
        return fvm_rpc_bad_param(call, 0, "no kind of subscription");
    fvm_log_criteria_init(&c, call->alloc);
    fvm_err err = FVM_OK;
    if (watch == FVM_WATCH_LOGS) err = fvm_log_criteria_read(call, &c, fvm_rpc_param(call, 1));
    if (watch == FVM_WATCH_PENDING && fvm_rpc_param(call, 1))
        err = fvm_rpc_get_bool(call, 1, &c.full);
    if (err == FVM_OK) err = fvm_subscribe(call, &id, watch, &c);
    if (err == FVM_OK) fvm_jo_quantity(call->out, id);
    if (err == FVM_ERR_LIMIT) err = fvm_rpc_fail(call, FVM_RPC_LIMIT, "too many subscriptions");
    fvm_log_criteria_deinit(&c);
    return err;
}

fvm_err fvm_eth_unsubscribe(fvm_rpc_call *call)
{
    uint64_t id;
    bool known = fvm_rpc_u64(&id, fvm_rpc_param(call, 0));
    fvm_jo_bool(call->out, known && call->session && fvm_unsubscribe(call, id));
    return FVM_OK;
}
