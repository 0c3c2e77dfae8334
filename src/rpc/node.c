/* node.c - the node's parts put together: methods, keys, filters, log, server; see node.h. */
#include "base/clock.h"
#include "filters.h"
#include "log.h"
#include "methods.h"
#include "metrics.h"

#include "base/vector.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#define KEYS_MAX 100000u

/* --- keys --- */

static fvm_key *find_key(fvm_node *node, const fvm_address *address)
{
    for (size_t i = 0; i < node->key_count; i++)
        if (fvm_address_eq(&node->keys[i].address, address)) return &node->keys[i];
    return NULL;
}

bool fvm_node_key_of(fvm_node *node, fvm_key *out, const fvm_address *address)
{
    pthread_mutex_lock(&node->keys_lock);
    const fvm_key *key = find_key(node, address);
    if (key) *out = *key;
    pthread_mutex_unlock(&node->keys_lock);
    return key != NULL;
}

fvm_err fvm_node_key_add(fvm_node *node, const fvm_key *key)
{
    fvm_err err = FVM_OK;
    pthread_mutex_lock(&node->keys_lock);
    if (!find_key(node, &key->address)) {
        err = fvm_vector_grow(node->alloc, &node->keys, &node->key_room, node->key_count + 1,
                              sizeof *node->keys, 32, KEYS_MAX);
        if (err == FVM_OK) {
            assert(node->keys);
            node->keys[node->key_count++] = *key;
        }
    }
    pthread_mutex_unlock(&node->keys_lock);
    return err;
}

bool fvm_node_key_remove(fvm_node *node, const fvm_address *address)
{
    pthread_mutex_lock(&node->keys_lock);
    fvm_key *key = find_key(node, address);
    if (key) {
        *key = node->keys[--node->key_count];
        fvm_key_wipe(&node->keys[node->key_count]);
    }
    pthread_mutex_unlock(&node->keys_lock);
    return key != NULL;
}

/* --- the log --- */

/* One line a call, for those who ask for it. */
static void log_call(void *ctx, const fvm_rpc_method *method, fvm_bytes name, uint64_t ns, int code,
                     const char *message)
{
    fvm_node *node = ctx;
    if (!fvm_log_on(node->log, FVM_LOG_DEBUG)) return;
    const fvm_log_field fields[] = { { "method", { name.ptr, name.len < 64 ? name.len : 64 }, 0 },
                                     { "us", { NULL, 0 }, ns / 1000 },
                                     { "error", fvm_bytes_of(message), 0 } };
    (void)method;
    fvm_log_write(node->log, FVM_LOG_DEBUG, "call", fields, code ? 3 : 2);
}

static void log_tipset(void *ctx, const fvm_tipset *t)
{
    fvm_node *node = ctx;
    char hash[67];
    if (!fvm_log_on(node->log, FVM_LOG_INFO)) return;
    (void)snprintf(hash, sizeof hash, "0x");
    for (size_t i = 0; i < 32; i++) (void)snprintf(hash + 2 + 2 * i, 3, "%02x", t->hash[i]);
    const fvm_log_field fields[] = { { "number", { NULL, 0 }, t->number },
                                     { "messages", { NULL, 0 }, t->message_count },
                                     { "gas", { NULL, 0 }, t->gas_used },
                                     { "hash", fvm_bytes_of(hash), 0 } };
    fvm_log_write(node->log, FVM_LOG_INFO, "block", fields, FVM_COUNT(fields));
}

/* --- listening: filters first --- */

static void on_tipset(void *ctx, const fvm_tipset *t)
{
    fvm_node *node = ctx;
    fvm_chain_listener l = fvm_filters_listener(node->filters);
    l.tipset(l.ctx, t);
    log_tipset(node, t);
}

static void on_pending(void *ctx, const fvm_chain_message *m)
{
    fvm_chain_listener l = fvm_filters_listener(((fvm_node *)ctx)->filters);
    l.pending(l.ctx, m);
}

static void on_reverted(void *ctx, const fvm_tipset *gone, const fvm_tipset *head)
{
    fvm_chain_listener l = fvm_filters_listener(((fvm_node *)ctx)->filters);
    l.reverted(l.ctx, gone, head);
}

static void on_failed(void *ctx, fvm_err err)
{
    fvm_node *node = ctx;
    const fvm_log_field field = { "error", fvm_bytes_of(fvm_err_text(err)), 0 };
    fvm_log_write(node->log, FVM_LOG_ERROR, "no block can be made", &field, 1);
}

/* --- making and ending --- */

static fvm_err fill(fvm_node *node, const fvm_node_options *o)
{
    const fvm_chain_listener listener = { node, on_tipset, on_pending, on_reverted, on_failed };
    fvm_chain_info info;
    fvm_chain_info_get(node->chain, &info);
    node->letter = info.chain_id == 314 ? 'f' : 't';
    if (getrandom(node->instance, sizeof node->instance, 0) != (ssize_t)sizeof node->instance)
        return FVM_ERR_EXTERN;
    if (!o->log_off) {
        node->log = fvm_log_new(stdout, o->log_json, o->log_calls ? FVM_LOG_DEBUG : FVM_LOG_INFO,
                                node->alloc);
        if (!node->log) return FVM_ERR_NOMEM;
    }
    for (size_t i = 0; i < o->key_count; i++) FVM_TRY(fvm_node_key_add(node, &o->keys[i]));
    FVM_TRY(fvm_rpc_table_new(&node->table, fvm_rpc_methods, fvm_rpc_method_count,
                              node->development, node->alloc));
    FVM_TRY(fvm_filters_new(&node->filters, node));
    if (node->development) FVM_TRY(fvm_node_install_contracts(node));
    FVM_TRY(fvm_chain_listen(node->chain, &node->listener, &listener));
    node->listening = true;
    fvm_chain_watch(node->chain, fvm_rpc_console_sink(node, &node->watcher));
    return FVM_OK;
}

fvm_err fvm_node_new(fvm_node **out, const fvm_node_options *o, const fvm_allocator *alloc)
{
    fvm_node *node = fvm_mem_zalloc(alloc, sizeof *node);
    if (!node) return FVM_ERR_NOMEM;
    node->alloc = alloc;
    node->chain = o->chain;
    node->limits = o->limits;
    if (!node->limits.batch) node->limits.batch = 1000;
    if (!node->limits.reply_bytes) node->limits.reply_bytes = (size_t)128 << 20;
    if (!node->limits.call_ms) node->limits.call_ms = 30000;
    node->development = !o->no_development;
    node->logging = true;
    node->wait_for_seal = true;
    node->shutdown = o->shutdown;
    node->shutdown_ctx = o->shutdown_ctx;
    node->started_ms = fvm_clock_ms();
    pthread_mutex_init(&node->keys_lock, NULL);
    pthread_mutex_init(&node->send_lock, NULL);
    fvm_err err = fill(node, o);
    if (err != FVM_OK) {
        fvm_node_free(node);
        return err;
    }
    *out = node;
    return FVM_OK;
}

void fvm_node_free(fvm_node *node)
{
    if (!node) return;
    fvm_rpc_server_stop(node->server);
    if (node->listening) {
        fvm_chain_watch(node->chain, NULL);
        fvm_chain_unlisten(node->chain, node->listener);
    }
    fvm_filters_free(node->filters);
    fvm_rpc_table_free(node->table);
    fvm_log_free(node->log);
    for (size_t i = 0; i < node->key_count; i++) fvm_key_wipe(&node->keys[i]);
    fvm_mem_free(node->alloc, node->keys, node->key_room * sizeof *node->keys);
    pthread_mutex_destroy(&node->keys_lock);
    pthread_mutex_destroy(&node->send_lock);
    fvm_mem_free(node->alloc, node, sizeof *node);
}

/* --- serving --- */

void fvm_node_handle(fvm_node *node, fvm_rpc_session *session, fvm_bytes body, fvm_jo *out)
{
    const fvm_rpc_observer observer = { log_call, node };
    fvm_rpc_dispatch(node->table, node, session, &node->limits, &observer, body, out, node->alloc);
}

static void serve_body(void *ctx, fvm_rpc_session *session, fvm_bytes body, fvm_jo *out)
{
    fvm_node_handle(ctx, session, body, out);
}

static void serve_replied(void *ctx, fvm_rpc_session *session)
{
    fvm_subscriptions_replied(((fvm_node *)ctx)->filters, session);
}

static void serve_pump(void *ctx, fvm_rpc_session *session)
{
    fvm_subscriptions_pump(((fvm_node *)ctx)->filters, session);
}

static void serve_forget(void *ctx, fvm_rpc_session *session)
{
    fvm_subscriptions_forget(((fvm_node *)ctx)->filters, session);
}

static void serve_metrics(void *ctx, fvm_buf *out)
{
    fvm_node_metrics(ctx, out);
}

static bool serve_ready(void *ctx)
{
    return !fvm_chain_failing(((fvm_node *)ctx)->chain); /* as with a full disk */
}

fvm_err fvm_node_serve(fvm_node *node, const fvm_rpc_server_options *o)
{
    const fvm_rpc_service service = { node,         serve_body,    serve_replied, serve_pump,
                                      serve_forget, serve_metrics, serve_ready };
    return fvm_rpc_server_start(&node->server, o, &service, node->alloc);
}
