/* metrics.c - /metrics; format: prometheus.io/docs/instrumenting/exposition_formats. */
#include "metrics.h"
#include "base/clock.h"

#include "filters.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void line(fvm_buf *out, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof text &&
        fvm_buf_append(out, (fvm_bytes){ (uint8_t *)text, (size_t)n }) != FVM_OK)
        return; /* the text ends early */
}

static void one(fvm_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    line(out, "# HELP fvm_%s %s\n# TYPE fvm_%s %s\nfvm_%s %" PRIu64 "\n", name, help, name, type,
         name, value);
}

static void put_methods(const fvm_node *node, fvm_buf *out)
{
    static const char *const names[] = { "rpc_calls_total", "rpc_errors_total" };
    for (size_t k = 0; k < 3; k++) {
        const char *name = k < 2 ? names[k] : "rpc_seconds_total";
        const fvm_rpc_method *m;
        const fvm_rpc_count *c;
        line(out, "# HELP fvm_%s by method\n# TYPE fvm_%s counter\n", name, name);
        for (size_t i = 0; (m = fvm_rpc_table_at(node->table, i, &c)); i++) {
            if (!c->calls) continue;
            int len = (int)strcspn(m->names, " ");
            if (k == 2)
                line(out, "fvm_%s{method=\"%.*s\"} %.6f\n", name, len, m->names,
                     (double)c->nanoseconds / 1e9);
            else
                line(out, "fvm_%s{method=\"%.*s\"} %" PRIu64 "\n", name, len, m->names,
                     k ? c->errors : c->calls);
        }
    }
}

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long total, resident = 0;
    if (!f) return 0;
    if (fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
    (void)fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_chain(const fvm_node *node, fvm_buf *out)
{
    fvm_chain_stats s;
    fvm_tipset head;
    size_t ready, waiting;
    fvm_chain_stats_get(node->chain, &s);
    fvm_chain_head(node->chain, &head);
    fvm_chain_pool_stats(node->chain, &ready, &waiting);
    one(out, "head_epoch", "gauge", "number of the head", head.number);
    one(out, "head_timestamp_seconds", "gauge", "timestamp of the head", head.timestamp);
    one(out, "tipsets_total", "counter", "tipsets made", s.tipsets);
    one(out, "messages_total", "counter", "messages included", s.messages);
    one(out, "gas_total", "counter", "gas used", s.gas);
    one(out, "seal_failures_total", "counter", "tipsets that could not be made", s.failures);
    one(out, "refused_total", "counter", "messages refused by the pool", s.refused);
    one(out, "pool_ready", "gauge", "messages that could be included", ready);
    one(out, "pool_waiting", "gauge", "messages behind a gap", waiting);
    one(out, "views", "gauge", "states that are looked at", s.views);
    one(out, "ledger_batches_total", "counter", "batches committed", s.ledger.batches);
    one(out, "ledger_groups_total", "counter", "groups moved to the database", s.ledger.groups);
    one(out, "ledger_journal_bytes", "gauge", "length of the journal", s.ledger.journal_bytes);
    one(out, "ledger_memory_bytes", "gauge", "not yet in the database", s.ledger.memory_bytes);
    one(out, "ledger_file_bytes", "gauge", "the database", s.ledger.file_bytes);
    line(out,
         "# HELP fvm_seal_seconds_total time of making tipsets\n"
         "# TYPE fvm_seal_seconds_total counter\nfvm_seal_seconds_total %.6f\n",
         (double)s.seal_ns / 1e9);
}

void fvm_node_metrics(fvm_node *node, fvm_buf *out)
{
    size_t filters, subscriptions;
    fvm_filters_count(node->filters, &filters, &subscriptions);
    put_chain(node, out);
    one(out, "filters", "gauge", "filters that are polled", filters);
    one(out, "subscriptions", "gauge", "subscriptions of WebSockets", subscriptions);
    if (node->server) {
        fvm_rpc_server_stats s;
        fvm_rpc_server_stats_get(node->server, &s);
        one(out, "connections", "gauge", "open connections", s.connections);
        one(out, "calls_queued", "gauge", "bodies that wait for a thread", s.queued);
        one(out, "requests_total", "counter", "requests and messages", s.requests);
        one(out, "requests_refused_total", "counter", "refused before any call", s.refused);
        one(out, "received_bytes_total", "counter", "bytes of bodies", s.bytes_in);
        one(out, "sent_bytes_total", "counter", "bytes of replies", s.bytes_out);
    }
    one(out, "resident_bytes", "gauge", "memory of the process", resident_bytes());
    one(out, "uptime_seconds", "gauge", "since the start",
        (fvm_clock_ms() - node->started_ms) / 1000);
    put_methods(node, out);
}
