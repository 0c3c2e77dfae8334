/* run_ethereum.c - Ethereum's state tests on FEVM. Reads the lines that trace.mjs prints (the state
 * before, a transaction, the whole state and the logs after it), runs each on a machine with the
 * built-in actors of a bundle, and compares all code, nonces, storage, balances and logs. Left out is
 * only what a rule found in a trace: rules.mjs in Ethereum's, and here, in ours, a call that runs out of
 * the gas that a contract gave it, as gas is counted differently.
 *
 *   usage: run_ethereum BUNDLE < lines     e.g. "embedded" or "mainnet-v18" */
#include "eth_state.h"

#include "kernel/exit_code.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GAS_LIMIT UINT64_C(1000000000000) /* a hundred blocks', for long loops */
#define REASONS_MAX 64
#define DEPTH_MAX 1100

typedef struct totals {
    size_t total, passed, failed, excluded, invalid, untraced;
    struct {
        char text[100];
        size_t count;
    } reasons[REASONS_MAX];
    size_t reason_count;
} totals;

/* Did a contract's own limit end a call? A limit is the contract's when it is far below the 63/64 of
 * what its caller has at most. */
typedef struct gas_watch {
    uint64_t limits[DEPTH_MAX];
    size_t depth;
    bool starved;
} gas_watch;

static void on_event(void *ctx, const fvm_trace_event *e)
{
    gas_watch *w = ctx;
    if (e->kind == FVM_TRACE_CALL) {
        if (w->depth < DEPTH_MAX) w->limits[w->depth] = e->gas_limit;
        w->depth++;
    } else if ((e->kind == FVM_TRACE_RETURN || e->kind == FVM_TRACE_CALL_ERROR) && w->depth) {
        size_t d = --w->depth;
        bool out_of_gas = e->kind == FVM_TRACE_RETURN && e->exit_code == FVM_EXIT_CODE_OUT_OF_GAS;
        if (out_of_gas && d > 0 && d < DEPTH_MAX && w->limits[d] < w->limits[d - 1] / 2)
            w->starved = true;
    }
}

static void count_reason(totals *t, const char *reason)
{
    size_t i = 0;
    while (i < t->reason_count && strcmp(t->reasons[i].text, reason) != 0) i++;
    if (i == REASONS_MAX) return;
    if (i == t->reason_count) {
        (void)snprintf(t->reasons[i].text, sizeof t->reasons[i].text, "%s", reason);
        t->reason_count++;
    }
    t->reasons[i].count++;
}

static fvm_err apply(eth_case *c, gas_watch *watch, fvm_receipt *receipt, eth_world *world)
{
    fvm_trace_sink sink = { .event = on_event, .ctx = watch };
    fvm_machine *machine;
    fvm_cid root;
    FVM_TRY(eth_world_build(world, c));
    fvm_machine_config config = {
        .network_version = ETH_NETWORK_VERSION,
        .chain_id = 1,
        .epoch = c->epoch,
        .timestamp = c->timestamp,
        .trace = &sink,
    };
    FVM_TRY(fvm_machine_new(&machine, world->context, &world->store, &world->root, &config));
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    c->message.gas_limit = GAS_LIMIT;
    fvm_err err = fvm_message_write(&bytes, &c->message);
    if (err == FVM_OK)
        err = fvm_machine_apply(machine, receipt, &c->message, FVM_APPLY_EXPLICIT, bytes.len);
    if (err == FVM_OK) err = fvm_machine_flush(machine, &root);
    if (err == FVM_OK) world->root = root;
    fvm_buf_deinit(&bytes);
    fvm_machine_free(machine);
    return err;
}

static void run_case(totals *t, eth_world *world, const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "id"));
    const json_t *excluded = json_object_get(line, "excluded"), *reason;
    t->total++;
    if (!excluded) {
        const json_t *why = json_object_get(line, "untraced");
        if (json_object_get(line, "invalid")) {
            t->invalid++;
        } else if (why) {
            t->untraced++;
            printf("not traced: %s: %s\n", id, json_string_value(why));
        } else {
            t->failed++;
            printf("FAILED %s: ethereumjs does not reach the root that the test states\n", id);
        }
        return;
    }
    if (json_array_size(excluded)) {
        size_t i;
        t->excluded++;
        json_array_foreach(excluded, i, reason) count_reason(t, json_string_value(reason));
        return;
    }
    eth_case c;
    gas_watch watch = { .depth = 0 };
    fvm_receipt receipt;
    char why[400] = "";
    fvm_receipt_init(&receipt, NULL);
    fvm_err err = eth_case_read(&c, line);
    if (err == FVM_OK) err = apply(&c, &watch, &receipt, world);
    if (err != FVM_OK) (void)snprintf(why, sizeof why, "%s", fvm_err_text(err));
    if (err == FVM_OK) eth_compare(why, sizeof why, &c, world, &receipt);
    if (why[0] && watch.starved) {
        t->excluded++;
        count_reason(t, "a call runs out of the gas that a contract gave it (trace of the FVM)");
    } else if (why[0]) {
        t->failed++;
        printf("FAILED %s: exit %" PRIu32 ", %s\n", id, receipt.exit_code, why);
    } else {
        t->passed++;
    }
    eth_world_clear(world);
    eth_case_deinit(&c);
    fvm_receipt_deinit(&receipt);
}

int main(int argc, char **argv)
{
    totals t = { .total = 0 };
    eth_world world;
    char *line = NULL;
    size_t cap = 0;
    if (argc != 2) {
        fputs("usage: run_ethereum BUNDLE < lines of trace.mjs\n", stderr);
        return 2;
    }
    if (!eth_world_open(&world, argv[1])) {
        printf("SKIPPED: no bundle %s (fvm bundle import)\n", argv[1]);
        return 77;
    }
    while (getline(&line, &cap, stdin) > 0) {
        json_t *json = json_loads(line, 0, NULL);
        if (!json) {
            fputs("run_ethereum: a line is no JSON\n", stderr);
            return 3;
        }
        run_case(&t, &world, json);
        json_decref(json);
    }
    free(line);
    eth_world_close(&world);
    puts("excluded by rule (a case may meet several):");
    for (size_t i = 0; i < t.reason_count; i++)
        printf("  %6zu  %s\n", t.reasons[i].count, t.reasons[i].text);
    printf("%zu cases: %zu no valid transaction, %zu excluded by rule, %zu not traced\n", t.total,
           t.invalid, t.excluded, t.untraced);
    printf("%zu passed, %zu failed\n", t.passed, t.failed);
    return t.failed ? 1 : 0;
}
