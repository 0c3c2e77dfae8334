/* dispatch.c - JSON-RPC 2.0; see dispatch.h. Specification: jsonrpc.org/specification. */
#include "dispatch.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

void fvm_rpc_set_error(fvm_rpc_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(call->message, sizeof call->message, format, args);
    va_end(args);
    call->code = code;
}

/* --- replies --- */

static void begin_reply(fvm_jo *out)
{
    fvm_jo_begin(out, '{');
    fvm_jo_k_str(out, "jsonrpc", "2.0");
}

static void put_id(fvm_jo *out, const json_t *id)
{
    fvm_jo_key(out, "id");
    if (id)
        fvm_jo_json(out, id);
    else
        fvm_jo_null(out);
}

static void put_error(fvm_jo *out, const json_t *id, int code, const char *message,
                      const fvm_jo *data)
{
    begin_reply(out);
    put_id(out, id);
    fvm_jo_key(out, "error");
    fvm_jo_begin(out, '{');
    fvm_jo_key(out, "code");
    fvm_jo_i64(out, code);
    fvm_jo_k_str(out, "message", message);
    if (data) {
        fvm_jo_key(out, "data");
        fvm_jo_raw(out, fvm_buf_bytes(&data->buf));
    }
    fvm_jo_end(out, '}');
    fvm_jo_end(out, '}');
}

void fvm_rpc_reply_error(fvm_jo *out, int code, const char *message)
{
    put_error(out, NULL, code, message, NULL);
}

/* --- one call --- */

typedef struct run {
    const fvm_rpc_table *table;
    struct fvm_node *node;
    struct fvm_rpc_session *session;
    const fvm_rpc_limits *limits;
    const fvm_rpc_observer *observer;
    const fvm_allocator *alloc;
    fvm_jo *out;
    size_t start; /* of the reply in out */
    uint64_t deadline_ns;
} run;

static int code_of(fvm_err err)
{
    if (err == FVM_ERR_LIMIT) return FVM_RPC_LIMIT;
    return fvm_err_class_of(err) == FVM_CLASS_HOST ? FVM_RPC_INTERNAL : FVM_RPC_FAILED;
}

static size_t count_params(const json_t *params)
{
    size_t n = json_array_size(params);
    while (n && json_is_null(json_array_get(params, n - 1))) n--;
    return n;
}

/* Runs the handler; the error's code, 0 when the result was written. */
static int run_method(const run *r, const fvm_rpc_method *m, fvm_rpc_call *call)
{
    if (call->params && !json_is_array(call->params)) {
        fvm_err named = fvm_rpc_fail(call, FVM_RPC_PARAMS, "params must be an array");
        (void)named;
        return call->code;
    }
    call->count = count_params(call->params);
    if (call->count < m->min || call->count > m->max) {
        fvm_err wrong = m->min == m->max
                            ? fvm_rpc_fail(call, FVM_RPC_PARAMS, "expected %u parameters, got %zu",
                                           m->max, call->count)
                            : fvm_rpc_fail(call, FVM_RPC_PARAMS,
                                           "expected %u to %u parameters, got %zu", m->min, m->max,
                                           call->count);
        (void)wrong;
        return call->code;
    }
    fvm_err err = m->handler(call);
    if (err == FVM_OK && fvm_jo_ok(r->out)) return 0;
    if (err == FVM_ERR_EXTERN && r->deadline_ns && fvm_clock_ns() >= r->deadline_ns)
        err = fvm_rpc_fail(call, FVM_RPC_LIMIT,
                           "stopped after %u ms, the time that a call may take",
                           (unsigned)r->limits->call_ms);
    if (!call->message[0] || call->code == 0)
        (void)fvm_rpc_fail(call, call->code ? call->code : code_of(err), "%s", fvm_err_text(err));
    return call->code;
}

static void count_call(const run *r, const fvm_rpc_method *m, int code, uint64_t ns);

/* Answers one request object that is known to be well formed. `id` NULL: a notice, no answer. */
static void run_call(const run *r, const json_t *id, fvm_bytes name, const json_t *params)
{
    fvm_jo_mark mark = fvm_jo_here(r->out);
    const fvm_rpc_method *m = fvm_rpc_table_find(r->table, name);
    fvm_rpc_call call;
    uint64_t begun = fvm_clock_ns();
    call.node = r->node;
    call.session = r->session;
    call.alloc = r->alloc;
    call.params = params;
    call.count = 0;
    call.out = r->out;
    call.deadline_ns = r->deadline_ns;
    call.code = 0;
    call.message[0] = 0;
    call.has_data = false;
    fvm_jo_init(&call.data, r->alloc);
    begin_reply(r->out);
    put_id(r->out, id);
    fvm_jo_key(r->out, "result");
    int code;
    if (!m) {
        (void)fvm_rpc_fail(&call, FVM_RPC_UNKNOWN_METHOD,
                           "the method %.*s does not exist/is not available",
                           name.len > 100 ? 100 : (int)name.len, (const char *)name.ptr);
        code = call.code;
    } else if (mark.len - r->start > r->limits->reply_bytes) {
        (void)fvm_rpc_fail(&call, FVM_RPC_LIMIT, "the reply to this batch is too large");
        code = call.code;
    } else {
        code = run_method(r, m, &call);
    }
    if (code) {
        fvm_jo_back(r->out, mark);
        put_error(r->out, id, code, call.message,
                  call.has_data && fvm_jo_ok(&call.data) ? &call.data : NULL);
    } else {
        fvm_jo_end(r->out, '}');
    }
    if (!id) fvm_jo_back(r->out, mark);
    uint64_t ns = fvm_clock_ns() - begun;
    count_call(r, m, code, ns);
    if (r->observer && r->observer->called)
        r->observer->called(r->observer->ctx, m, name, ns, code, call.message);
    fvm_jo_deinit(&call.data);
}

static void run_request(const run *r, const json_t *request)
{
    const json_t *id = json_object_get(request, "id");
    const json_t *version = json_object_get(request, "jsonrpc");
    fvm_bytes name;
    if (!json_is_object(request) || (id && (json_is_array(id) || json_is_object(id)))) {
        put_error(r->out, NULL, FVM_RPC_REQUEST, "invalid request", NULL);
        return;
    }
    /* Some clients leave the version out; Lotus and anvil serve them, and so does this. */
    if (!fvm_rpc_json_text(&name, json_object_get(request, "method")) ||
        (version && (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0))) {
        put_error(r->out, id, FVM_RPC_REQUEST, "invalid request", NULL);
        return;
    }
    const json_t *params = json_object_get(request, "params");
    run_call(r, id, name, json_is_null(params) ? NULL : params);
}

static void run_batch(const run *r, const json_t *batch)
{
    size_t n = json_array_size(batch);
    if (n == 0) {
        put_error(r->out, NULL, FVM_RPC_REQUEST, "empty batch", NULL);
        return;
    }
    if (n > r->limits->batch) {
        char text[80];
        (void)snprintf(text, sizeof text, "batch too long: %zu calls, at most %zu", n,
                       r->limits->batch);
        put_error(r->out, NULL, FVM_RPC_LIMIT, text, NULL);
        return;
    }
    fvm_jo_mark mark = fvm_jo_here(r->out);
    fvm_jo_begin(r->out, '[');
    size_t empty = r->out->buf.len;
    for (size_t i = 0; i < n; i++) run_request(r, json_array_get(batch, i));
    if (r->out->buf.len == empty)
        fvm_jo_back(r->out, mark); /* notices alone */
    else
        fvm_jo_end(r->out, ']');
}

void fvm_rpc_dispatch(const fvm_rpc_table *table, struct fvm_node *node,
                      struct fvm_rpc_session *session, const fvm_rpc_limits *limits,
                      const fvm_rpc_observer *observer, fvm_bytes body, fvm_jo *out,
                      const fvm_allocator *alloc)
{
    const run r = {
        .table = table,
        .node = node,
        .session = session,
        .limits = limits,
        .observer = observer,
        .alloc = alloc,
        .out = out,
        .start = out->buf.len,
        .deadline_ns = limits->call_ms ? fvm_clock_ns() + limits->call_ms * UINT64_C(1000000) : 0,
    };
    json_t *json;
    fvm_err err = fvm_rpc_json_parse(&json, body, alloc);
    if (err != FVM_OK) {
        put_error(out, NULL, err == FVM_ERR_NOMEM ? FVM_RPC_INTERNAL : FVM_RPC_PARSE,
                  err == FVM_ERR_DEPTH   ? "parse error: nested too deeply"
                  : err == FVM_ERR_NOMEM ? fvm_err_text(err)
                                         : "parse error",
                  NULL);
        return;
    }
    if (json_is_array(json))
        run_batch(&r, json);
    else
        run_request(&r, json);
    json_decref(json);
}

/* --- the table --- */

#include "base/map.h"

struct fvm_rpc_table {
    fvm_map by_name;
    const fvm_rpc_method *methods;
    size_t count;
    bool development;
    fvm_rpc_count *counts;
    const fvm_allocator *alloc;
};

static fvm_err add_name(fvm_rpc_table *t, fvm_bytes name, const fvm_rpc_method *m)
{
    fvm_map_entry *entry;
    FVM_TRY(fvm_map_put(&t->by_name, &entry, NULL, name));
    union {
        const void *in;
        void *out;
    } ptr = { m };
    entry->value.ptr = ptr.out;
    return FVM_OK;
}

/* The name under which Lotus has it: api/eth_aliases. */
static fvm_err add_filecoin_name(fvm_rpc_table *t, fvm_bytes name, const fvm_rpc_method *m)
{
    static const struct {
        const char *prefix, *becomes;
    } rules[] = {
        { "eth_", "Eth" }, { "net_", "Net" }, { "web3_", "Web3" }, { "trace_", "EthTrace" }
    };
    for (size_t i = 0; i < FVM_COUNT(rules); i++) {
        size_t n = strlen(rules[i].prefix);
        if (name.len <= n || memcmp(name.ptr, rules[i].prefix, n) != 0) continue;
        char text[100];
        int len = snprintf(text, sizeof text, "Filecoin.%s%.*s", rules[i].becomes,
                           (int)(name.len - n), (const char *)name.ptr + n);
        if (len < 0 || (size_t)len >= sizeof text) return FVM_ERR_LIMIT;
        char *first = text + strlen("Filecoin.") + strlen(rules[i].becomes);
        if (*first >= 'a' && *first <= 'z') *first = (char)(*first - 'a' + 'A');
        return add_name(t, fvm_bytes_of(text), m);
    }
    return FVM_OK;
}

static fvm_err add_method(fvm_rpc_table *t, const fvm_rpc_method *m)
{
    for (const char *at = m->names; *at;) {
        size_t n = strcspn(at, " ");
        fvm_bytes name = { (const uint8_t *)at, n };
        FVM_TRY(add_name(t, name, m));
        FVM_TRY(add_filecoin_name(t, name, m));
        at += n + (at[n] == ' ');
    }
    return FVM_OK;
}

fvm_err fvm_rpc_table_new(fvm_rpc_table **out, const fvm_rpc_method *methods, size_t count,
                          bool development, const fvm_allocator *alloc)
{
    fvm_rpc_table *t = fvm_mem_zalloc(alloc, sizeof *t);
    if (!t) return FVM_ERR_NOMEM;
    t->alloc = alloc;
    t->methods = methods;
    t->count = count;
    t->development = development;
    fvm_map_init(&t->by_name, alloc);
    t->counts = fvm_mem_zalloc(alloc, count * sizeof *t->counts);
    fvm_err err = t->counts ? FVM_OK : FVM_ERR_NOMEM;
    for (size_t i = 0; i < count && err == FVM_OK; i++)
        if (development || methods[i].tier != 'C') err = add_method(t, &methods[i]);
    if (err != FVM_OK) {
        fvm_rpc_table_free(t);
        return err;
    }
    *out = t;
    return FVM_OK;
}

void fvm_rpc_table_free(fvm_rpc_table *t)
{
    if (!t) return;
    fvm_map_deinit(&t->by_name);
    fvm_mem_free(t->alloc, t->counts, t->count * sizeof *t->counts);
    fvm_mem_free(t->alloc, t, sizeof *t);
}

const fvm_rpc_method *fvm_rpc_table_find(const fvm_rpc_table *t, fvm_bytes name)
{
    const fvm_map_entry *entry = fvm_map_get(&t->by_name, name);
    return entry ? entry->value.ptr : NULL;
}

const fvm_rpc_method *fvm_rpc_table_at(const fvm_rpc_table *t, size_t i,
                                       const fvm_rpc_count **count)
{
    if (i >= t->count) return NULL;
    if (count) *count = &t->counts[i];
    return &t->methods[i];
}

static void count_call(const run *r, const fvm_rpc_method *m, int code, uint64_t ns)
{
    if (!m) return;
    fvm_rpc_count *c = &r->table->counts[m - r->table->methods];
    c->calls++;
    c->nanoseconds += ns;
    if (code) c->errors++;
}

static void discover_param(fvm_jo *out, const char *name, size_t n)
{
    bool optional = n && name[n - 1] == '?';
    fvm_jo_begin(out, '{');
    fvm_jo_key(out, "name");
    fvm_jo_text(out, (fvm_bytes){ (const uint8_t *)name, n - optional });
    fvm_jo_k_bool(out, "required", !optional);
    fvm_jo_key(out, "schema");
    fvm_jo_begin(out, '{');
    fvm_jo_end(out, '}');
    fvm_jo_end(out, '}');
}

static void discover_method(fvm_jo *out, const fvm_rpc_method *m, const char *name, size_t n)
{
    fvm_jo_begin(out, '{');
    fvm_jo_key(out, "name");
    fvm_jo_text(out, (fvm_bytes){ (const uint8_t *)name, n });
    fvm_jo_k_str(out, "paramStructure", "by-position");
    fvm_jo_key(out, "params");
    fvm_jo_begin(out, '[');
    for (const char *p = m->params; *p;) {
        size_t len = strcspn(p, " ");
        discover_param(out, p, len);
        p += len + (p[len] == ' ');
    }
    fvm_jo_end(out, ']');
    fvm_jo_key(out, "result");
    fvm_jo_begin(out, '{');
    fvm_jo_k_str(out, "name", m->result);
    fvm_jo_key(out, "schema");
    fvm_jo_begin(out, '{');
    fvm_jo_end(out, '}');
    fvm_jo_end(out, '}');
    fvm_jo_end(out, '}');
}

void fvm_rpc_table_discover(const fvm_rpc_table *t, fvm_jo *out, const char *version)
{
    fvm_jo_begin(out, '{');
    fvm_jo_k_str(out, "openrpc", "1.2.6");
    fvm_jo_key(out, "info");
    fvm_jo_begin(out, '{');
    fvm_jo_k_str(out, "title", "fvm node");
    fvm_jo_k_str(out, "version", version);
    fvm_jo_end(out, '}');
    fvm_jo_key(out, "methods");
    fvm_jo_begin(out, '[');
    for (size_t i = 0; i < t->count; i++) {
        const fvm_rpc_method *m = &t->methods[i];
        if (!t->development && m->tier == 'C') continue;
        for (const char *at = m->names; *at;) {
            size_t n = strcspn(at, " ");
            discover_method(out, m, at, n);
            at += n + (at[n] == ' ');
        }
    }
    fvm_jo_end(out, ']');
    fvm_jo_end(out, '}');
}
