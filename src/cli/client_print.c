/* client_print.c - what came of a message, for people and for scripts. */
#include "client.h"
#include "cmd_actor.h"

#include <inttypes.h>

void fvm_outcome_init(fvm_outcome *outcome)
{
    *outcome = (fvm_outcome){ .is_eth = false };
    fvm_buf_init(&outcome->return_data, NULL);
}

void fvm_outcome_deinit(fvm_outcome *outcome)
{
    fvm_buf_deinit(&outcome->return_data);
    json_decref(outcome->logs);
    json_decref(outcome->request);
    outcome->logs = outcome->request = NULL;
}

static void print_json(const char *command, const fvm_outcome *o, json_t *extra)
{
    json_t *out = extra ? extra : json_object();
    if (o->is_eth) {
        (void)json_object_set_new(out, "hash", json_string(o->hash));
    } else {
        (void)json_object_set_new(out, "cid", json_pack("{s:s}", "/", o->cid));
    }
    if (o->waited) {
        (void)json_object_set_new(out, "ok", json_boolean(o->ok));
        (void)json_object_set_new(out, "height", json_integer((json_int_t)o->height));
        (void)json_object_set_new(out, "gas_used", json_integer((json_int_t)o->gas_used));
    }
    if (o->waited && !o->is_eth) {
        (void)json_object_set_new(out, "exit_code", json_integer(o->exit_code));
        (void)json_object_set_new(out, "return",
                                  fvm_client_hex_json(fvm_buf_bytes(&o->return_data)));
    }
    if (o->reason[0]) (void)json_object_set_new(out, "reason", json_string(o->reason));
    if (o->contract[0]) (void)json_object_set_new(out, "contract", json_string(o->contract));
    if (o->logs) (void)json_object_set(out, "logs", o->logs);
    (void)fvm_json_answer(command, out);
}

static void print_return(fvm_bytes data)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    if (data.len && fvm_actor_notation(&text, data) == FVM_OK)
        printf("return       %.*s\n", (int)text.len, (const char *)text.ptr);
    fvm_buf_deinit(&text);
}

static void print_lines(const fvm_outcome *o, json_t *extra)
{
    const char *key;
    json_t *value;
    json_object_foreach(extra, key, value)
    {
        if (json_is_string(value)) printf("%-12s %s\n", key, json_string_value(value));
    }
    printf("%-12s %s\n", o->is_eth ? "transaction" : "message", o->is_eth ? o->hash : o->cid);
    if (!o->waited) return;
    printf("height       %" PRIu64 "\n", o->height);
    if (o->ok) {
        puts("status       ok");
    } else if (o->is_eth) {
        printf("status       reverted%s%s\n", o->reason[0] ? ": " : "", o->reason);
    } else {
        printf("status       failed, exit code %u\n", (unsigned)o->exit_code);
    }
    printf("gas used     %" PRIu64 "\n", o->gas_used);
    if (o->contract[0]) printf("contract     %s\n", o->contract);
    if (json_array_size(o->logs)) printf("logs         %zu\n", json_array_size(o->logs));
    print_return(fvm_buf_bytes(&o->return_data));
}

fvm_cli_exit fvm_outcome_print(const fvm_client *client, const fvm_outcome *outcome, json_t *extra)
{
    if (client->options->json) {
        print_json(client->command, outcome, extra);
    } else {
        print_lines(outcome, extra);
        json_decref(extra);
    }
    return !outcome->waited || outcome->ok ? FVM_EXIT_OK : FVM_EXIT_FAILED;
}
