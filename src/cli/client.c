/* client.c - JSON-RPC to a node, and the forms that its values have. */
#include "client.h"

#include "abi.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

#define CALL_TIMEOUT_MS 120000u

bool fvm_client_option(fvm_client_options *o, int which, const fvm_args *args)
{
    enum { FROM = FVM_CLIENT_COUNT, KEYS, PASSPHRASE, VALUE, GAS_LIMIT, NO_WAIT, TIMEOUT };
    switch (which) {
    case FVM_CLIENT_RPC: o->url = args->value; return true;
    case FVM_CLIENT_JSON: o->json = true; return true;
    case FROM: o->from = args->value; return true;
    case KEYS: o->keys = args->value; return true;
    case PASSPHRASE: o->passphrase_file = args->value; return true;
    case VALUE: o->value = args->value; return true;
    case GAS_LIMIT: return fvm_args_u64(args, &o->gas_limit, "--gas-limit", INT64_MAX);
    case NO_WAIT: o->no_wait = true; return true;
    case TIMEOUT: return fvm_args_u64(args, &o->timeout_s, "--timeout", 1000000);
    default: return false;
    }
}

fvm_err fvm_client_open(fvm_client *client, const char *command, const fvm_client_options *options)
{
    const char *environment = getenv("FVM_RPC");
    const char *url = options->url                  ? options->url
                      : environment && *environment ? environment
                                                    : FVM_CLIENT_URL;
    *client = (fvm_client){ .command = command, .options = options };
    return fvm_http_open(&client->http, url, &client->why);
}

void fvm_client_close(fvm_client *client)
{
    fvm_http_close(client->http);
    json_decref(client->error);
    client->http = NULL;
    client->error = NULL;
}

fvm_cli_exit fvm_client_failed(const fvm_client *client, fvm_err err)
{
    char reason[400];
    json_t *more = NULL;
    if (client->options->json && client->error) more = json_pack("{s:O}", "rpc", client->error);
    if (more && fvm_client_reason(client, reason, sizeof reason))
        (void)json_object_set_new(more, "reason", json_string(reason));
    fvm_cli_exit code = fvm_json_failed(client->command, err, client->why.text,
                                        client->options->json, more);
    return err == FVM_ERR_IO ? FVM_EXIT_HOST : code;
}

/* --- calls --- */

static const struct {
    const char *number, *words;
} panics[] = { { "1", "assertion failed" },
               { "17", "arithmetic overflow or underflow" },
               { "18", "division by zero" },
               { "33", "no value of the enumeration" },
               { "34", "storage of a byte array is broken" },
               { "49", "pop of an empty array" },
               { "50", "index out of bounds" },
               { "65", "too much memory" },
               { "81", "call of an uninitialised function" } };

/* Error(string) and Panic(uint256), which Solidity's compiler knows of itself. */
static bool known_reason(char *out, size_t room, fvm_bytes data)
{
    static const uint8_t error[] = { 0x08, 0xc3, 0x79, 0xa0 }, panic[] = { 0x4e, 0x48, 0x7b, 0x71 };
    if (data.len < 4) return false;
    bool is_panic = memcmp(data.ptr, panic, 4) == 0;
    if (!is_panic && memcmp(data.ptr, error, 4) != 0) return false;
    fvm_abi_types types = { .count = 0 };
    json_t *values = NULL;
    fvm_bytes args = { data.ptr + 4, data.len - 4 };
    if (fvm_abi_add(&types, is_panic ? "uint256" : "string", NULL) != FVM_OK ||
        fvm_abi_decode(&values, &types, args) != FVM_OK)
        return false;
    const char *text = json_string_value(json_array_get(values, 0));
    const char *words = NULL;
    for (size_t i = 0; text && is_panic && i < FVM_COUNT(panics); i++)
        if (strcmp(panics[i].number, text) == 0) words = panics[i].words;
    if (text && is_panic)
        (void)snprintf(out, room, "panic %s%s%s", text, words ? ": " : "", words ? words : "");
    else if (text)
        (void)snprintf(out, room, "%s", text);
    json_decref(values);
    return text != NULL;
}

bool fvm_client_reason(const fvm_client *client, char *out, size_t room)
{
    const json_t *value = json_object_get(client->error, "data");
    fvm_buf data;
    fvm_buf_init(&data, NULL);
    bool any = fvm_client_hex(&data, value) == FVM_OK && data.len > 0;
    if (any && !known_reason(out, room, fvm_buf_bytes(&data)))
        (void)snprintf(out, room, "%s", json_string_value(value));
    fvm_buf_deinit(&data);
    return any;
}

static fvm_err take_error(fvm_client *c, int64_t *code, const char *method, json_t *error)
{
    char reason[400];
    const char *text = json_string_value(json_object_get(error, "message"));
    int64_t number = json_integer_value(json_object_get(error, "code"));
    if (code) *code = number;
    c->error = json_incref(error);
    if (fvm_client_reason(c, reason, sizeof reason))
        return fvm__why(&c->why, FVM_ERR_INVALID, "%s: reverted: %s", method, reason);
    return fvm__why(&c->why, FVM_ERR_INVALID, "%s: error %" PRId64 ": %.380s", method, number,
                    text ? text : "without words");
}

static fvm_err take_reply(fvm_client *c, json_t **result, int64_t *code, const char *method,
                          fvm_bytes body, unsigned status)
{
    json_t *reply = NULL;
    fvm_store_why ignored = { { 0 } };
    fvm_err err = fvm_json_parse(&reply, body, method, &ignored);
    if (err != FVM_OK || !json_is_object(reply)) {
        json_decref(reply);
        return fvm__why(&c->why, err == FVM_ERR_NOMEM ? err : FVM_ERR_MALFORMED,
                        "%s: the reply is no JSON-RPC (HTTP status %u)", method, status);
    }
    json_t *error = json_object_get(reply, "error");
    json_t *value = json_object_get(reply, "result");
    if (error && !json_is_null(error)) {
        err = take_error(c, code, method, error);
    } else if (!value) {
        err = fvm__why(&c->why, FVM_ERR_MALFORMED, "%s: the reply has no result", method);
    } else {
        *result = json_incref(value);
    }
    json_decref(reply);
    return err;
}

fvm_err fvm_client_call(fvm_client *client, json_t **result, int64_t *code, const char *method,
                        json_t *params)
{
    unsigned status = 0;
    fvm_buf reply;
    json_decref(client->error);
    client->error = NULL;
    json_t *request = params ? json_pack("{s:s,s:I,s:s,s:o}", "jsonrpc", "2.0", "id",
                                         (json_int_t)++client->next_id, "method", method, "params",
                                         params)
                             : NULL;
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text) return fvm__why(&client->why, FVM_ERR_NOMEM, "out of memory");
    fvm_buf_init(&reply, NULL);
    fvm_err err = fvm_http_post(client->http, &reply, &status, fvm_bytes_of(text), CALL_TIMEOUT_MS,
                                &client->why);
    free(text);
    if (err == FVM_OK)
        err = take_reply(client, result, code, method, fvm_buf_bytes(&reply), status);
    fvm_buf_deinit(&reply);
    return err;
}

/* --- values --- */

fvm_err fvm_client_hex(fvm_buf *out, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text || strncmp(text, "0x", 2) != 0) return FVM_ERR_MALFORMED;
    return fvm_hex_decode(out, fvm_bytes_of(text + 2));
}

json_t *fvm_client_hex_json(fvm_bytes bytes)
{
    fvm_buf text;
    json_t *value = NULL;
    fvm_buf_init(&text, NULL);
    if (fvm_buf_append(&text, FVM_STR("0x")) == FVM_OK && fvm_hex_encode(&text, bytes) == FVM_OK)
        value = json_stringn((const char *)text.ptr, text.len);
    fvm_buf_deinit(&text);
    return value;
}

json_t *fvm_client_quantity_json(uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "0x%" PRIx64, value);
    return json_string(text);
}

fvm_err fvm_client_quantity(fvm_client *client, uint64_t *out, const char *method, json_t *params)
{
    json_t *value = NULL;
    char *end = NULL;
    FVM_TRY(fvm_client_call(client, &value, NULL, method, params));
    const char *text = json_string_value(value);
    unsigned long long number = 0;
    bool good = json_is_integer(value) && json_integer_value(value) >= 0;
    if (good) number = (unsigned long long)json_integer_value(value);
    if (text && strncmp(text, "0x", 2) == 0 && text[2] && strlen(text) <= 18) {
        number = strtoull(text + 2, &end, 16);
        good = *end == '\0';
    }
    json_decref(value);
    if (!good)
        return fvm__why(&client->why, FVM_ERR_MALFORMED, "%s: the result is no number", method);
    *out = number;
    return FVM_OK;
}

/* Digits of a fraction that each unit of an amount has. */
static const struct {
    const char *name;
    size_t digits;
} units[] = { { "", 18 },         { "FIL", 18 },    { "fil", 18 }, { "milliFIL", 15 },
              { "microFIL", 12 }, { "nanoFIL", 9 }, { "atto", 0 }, { "attoFIL", 0 } };

bool fvm_client_amount(fvm_big *out, const char *text)
{
    char digits[200];
    size_t n = 0, after = 0;
    bool point = false;
    const char *p = text;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (n + 20 > sizeof digits) return false;
        digits[n++] = *p;
        after += point;
    }
    while (*p == ' ') p++;
    for (size_t i = 0; i < FVM_COUNT(units); i++) {
        if (strcmp(units[i].name, p) != 0) continue;
        if (n == 0 || after > units[i].digits) return false;
        for (; after < units[i].digits; after++) digits[n++] = '0';
        return fvm_big_from_text(out, (fvm_bytes){ (const uint8_t *)digits, n }) == FVM_OK;
    }
    return false;
}

void fvm_client_amount_text(char out[FVM_BIG_TEXT_MAX + 8], const fvm_big *amount)
{
    char digits[FVM_BIG_TEXT_MAX], padded[FVM_BIG_TEXT_MAX + 20];
    size_t n = fvm_big_to_text(digits, amount);
    (void)snprintf(padded, sizeof padded, "%.*s%s", n < 19 ? (int)(19 - n) : 0,
                   "0000000000000000000", digits);
    n = strlen(padded);
    size_t end = n;
    while (end > n - 18 && padded[end - 1] == '0') end--;
    int whole = (int)(n - 18), fraction = (int)(end - (n - 18));
    (void)snprintf(out, FVM_BIG_TEXT_MAX + 8, "%.*s%s%.*s FIL", whole, padded, fraction ? "." : "",
                   fraction, padded + whole);
}

void fvm_client_address_text(fvm_client *client, char out[FVM_ADDRESS_TEXT_MAX],
                             const fvm_address *address)
{
    uint64_t id;
    if (!client->letter) {
        fvm_err err = fvm_client_quantity(client, &id, "eth_chainId", json_array());
        client->letter = err == FVM_OK && id == 314 ? 'f' : 't';
    }
    (void)fvm_address_to_text(out, address, client->letter);
}

fvm_err fvm_client_eth_address(fvm_client *client, fvm_eth_address *out, const fvm_address *address)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    json_t *value = NULL;
    int64_t code = 0;
    fvm_address id;
    if (fvm_eth_address_of_fil(out, address)) return FVM_OK;
    fvm_client_address_text(client, text, address);
    fvm_err err = fvm_client_call(client, &value, &code, "Filecoin.StateLookupID",
                                  json_pack("[s,n]", text));
    if (err == FVM_ERR_INVALID) return FVM_ERR_NOT_FOUND; /* in the node's words */
    FVM_TRY(err);
    const char *found = json_string_value(value);
    bool good = found && fvm_cli_address(&id, found) && fvm_eth_address_of_fil(out, &id);
    json_decref(value);
    if (good) return FVM_OK;
    return fvm__why(&client->why, FVM_ERR_MALFORMED, "Filecoin.StateLookupID: no address");
}
