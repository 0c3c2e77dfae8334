/* run_solidity.c - runs scenarios of Solidity contracts (lines of JSON that write.mjs prints) on the
 * embedded actors and, where that bundle is imported, on mainnet's v18 beside them. On each, what a line
 * expects must come: the way a message ends, its return data, logs and balances, and at a scenario's
 * end all code, nonces and storage. Between the two, receipts and states must be the same but for gas and codes.
 *
 *   usage: run_solidity < lines */
#include "solidity_side.h"

#include "base/text.h"
#include "ipld/cbor.h"
#include "kernel/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define INVOKE_EVM 3844450837u
#define CREATE_EXTERNAL 4u
#define EVM_REVERTED 33u

typedef struct runner {
    side sides[2];
    int side_count;
    char family[64], name[128];
    bool broken; /* this scenario has failed: what comes after it says nothing */
    size_t passed, failed, messages, family_scenarios, family_messages;
} runner;

/* --- reading lines --- */

static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    if (!text) side_die(key, FVM_ERR_MALFORMED);
    return text;
}

static fvm_big big_of(const json_t *line, const char *key)
{
    fvm_big n;
    fvm_err err = eth_number(&n, text_of(line, key));
    if (err != FVM_OK) side_die(key, err);
    return n;
}

static uint64_t u64_of(const json_t *line, const char *key)
{
    fvm_big n = big_of(line, key);
    uint64_t high, low;
    if (!fvm_big_to_u128(&high, &low, &n) || high) side_die(key, FVM_ERR_RANGE);
    return low;
}

static fvm_buf bytes_of(const char *text)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = eth_hex(&bytes, text);
    if (err != FVM_OK) side_die(text, err);
    return bytes;
}

/* 20 bytes: an Ethereum address, which is f410, or f0 where it stands for an ID; else a Filecoin one. */
static fvm_address address_of(const char *text)
{
    static const uint8_t masked[12] = { 0xff };
    fvm_buf bytes = bytes_of(text);
    fvm_address address;
    fvm_err err;
    if (bytes.len == 20 && memcmp(bytes.ptr, masked, sizeof masked) == 0) {
        uint64_t id = 0;
        for (int i = 12; i < 20; i++) id = id << 8 | bytes.ptr[i];
        address = fvm_address_id(id);
        err = FVM_OK;
    } else if (bytes.len == 20) {
        err = fvm_address_delegated(&address, FVM_ADDRESS_EAM_NAMESPACE, fvm_buf_bytes(&bytes));
    } else {
        err = fvm_address_read(&address, fvm_buf_bytes(&bytes), true);
    }
    if (err != FVM_OK) side_die(text, err);
    fvm_buf_deinit(&bytes);
    return address;
}

/* --- comparing --- */

#define WHY_MAX 1200

static void hex_of(char *out, size_t out_len, fvm_bytes bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes.len && n + 3 < out_len; i++, n += 2)
        (void)snprintf(out + n, 3, "%02x", bytes.ptr[i]);
}

typedef enum kind { CALL, CREATION, NATIVE } kind;

/* The data in a receipt as Ethereum sees it: a byte string's content; of a creation the address. */
static fvm_bytes data_of(const fvm_receipt *receipt, kind k)
{
    fvm_bytes in = fvm_buf_bytes(&receipt->return_data), item = in, robust;
    uint64_t id;
    if (k == NATIVE) return in;
    if (k == CALL || receipt->exit_code != 0) {
        fvm_err err = fvm_cbor_bytes(&item, &in, NULL);
        return err == FVM_OK ? item : fvm_buf_bytes(&receipt->return_data);
    }
    if (fvm_cbor_tuple(3, &in) != FVM_OK || fvm_cbor_uint(&id, &in) != FVM_OK ||
        fvm_cbor_item(&robust, &in) != FVM_OK || fvm_cbor_bytes(&item, &in, NULL) != FVM_OK)
        item.len = 0;
    return item;
}

static void compare_data(char *why, const json_t *expect, fvm_bytes got)
{
    const char *returns = json_string_value(json_object_get(expect, "returns"));
    char texts[2][WHY_MAX / 2 - 20] = { "", "" };
    if (!returns) return;
    fvm_buf want = bytes_of(returns);
    if (!fvm_bytes_eq(got, fvm_buf_bytes(&want))) {
        hex_of(texts[0], sizeof texts[0], got);
        hex_of(texts[1], sizeof texts[1], fvm_buf_bytes(&want));
        (void)snprintf(why, WHY_MAX, "data %s, not %s", texts[0], texts[1]);
    }
    fvm_buf_deinit(&want);
}

static void compare_balances(char *why, side *s, const json_t *balances)
{
    const char *address;
    const json_t *json;
    json_object_foreach((json_t *)(uintptr_t)balances, address, json)
    {
        char texts[2][FVM_BIG_TEXT_MAX];
        fvm_address at = address_of(address);
        fvm_big want = big_of(balances, address), got = side_balance(s, &at);
        if (fvm_big_cmp(&want, &got) == 0) continue;
        (void)fvm_big_to_text(texts[0], &got);
        (void)fvm_big_to_text(texts[1], &want);
        (void)snprintf(why, WHY_MAX, "balance of %s is %s, not %s", address, texts[0], texts[1]);
        return;
    }
}

/* "fails" is the exit code, or true for any that is not a revert's. */
static void compare_end(char *why, const json_t *expect, const fvm_receipt *receipt)
{
    const json_t *fails = json_object_get(expect, "fails");
    bool reverts = json_is_true(json_object_get(expect, "reverts"));
    uint32_t want = reverts ? EVM_REVERTED : 0, got = receipt->exit_code;
    if (json_is_integer(fails)) want = (uint32_t)json_integer_value(fails);
    if (json_is_true(fails) ? got != 0 && got != EVM_REVERTED : got == want) return;
    int n = snprintf(why, WHY_MAX, "exit code %" PRIu32 ", not %" PRIu32 "%s%s, data ", got, want,
                     receipt->failure ? ": " : "", receipt->failure ? receipt->failure : "");
    hex_of(why + n, (size_t)(WHY_MAX - n), fvm_buf_bytes(&receipt->return_data));
}

static void compare_receipt(char *why, side *s, const json_t *expect, kind k)
{
    const json_t *logs = json_object_get(expect, "logs");
    const fvm_receipt *receipt = &s->receipt;
    compare_end(why, expect, receipt);
    if (!why[0]) compare_data(why, expect, data_of(receipt, k));
    if (!why[0] && logs) eth_compare_logs(why, WHY_MAX, logs, &s->world, receipt);
    if (!why[0]) compare_balances(why, s, json_object_get(expect, "balances"));
}

static void compare_sides(char *why, const fvm_receipt *a, const fvm_receipt *b)
{
    if (a->exit_code != b->exit_code)
        (void)snprintf(why, WHY_MAX, "exit code %" PRIu32 ", v18's is %" PRIu32, a->exit_code,
                       b->exit_code);
    else if (a->has_return_codec != b->has_return_codec ||
             (a->has_return_codec && a->return_codec != b->return_codec) ||
             !fvm_bytes_eq(fvm_buf_bytes(&a->return_data), fvm_buf_bytes(&b->return_data)))
        (void)snprintf(why, WHY_MAX, "v18 returns something else");
    else if (!fvm_bytes_eq(fvm_buf_bytes(&a->events), fvm_buf_bytes(&b->events)))
        (void)snprintf(why, WHY_MAX, "v18 has other events");
}

static void report(runner *r, const char *bundle, const char *step, const char *why)
{
    if (!why[0] || r->broken) return;
    printf("FAILED %s / %s / %s (%s): %s\n", r->family, r->name, step, bundle, why);
    r->broken = true;
}

/* --- running --- */

static void apply(runner *r, const json_t *line, const fvm_message *message, kind k)
{
    const json_t *expect = json_object_get(line, "expect");
    const char *step = text_of(line, "why");
    char why[WHY_MAX] = "";
    r->messages++;
    r->family_messages++;
    for (int i = 0; i < r->side_count; i++) {
        side *s = &r->sides[i];
        side_apply(s, message);
        compare_receipt(why, s, expect, k);
        report(r, s->bundle, step, why);
    }
    if (r->side_count == 2 && !r->broken) {
        compare_sides(why, &r->sides[0].receipt, &r->sides[1].receipt);
        report(r, "both", step, why);
    }
}

/* {from, to or null, value, data, nonce}: as an Ethereum transaction becomes a message */
static void run_message(runner *r, const json_t *line)
{
    const json_t *to = json_object_get(line, "to");
    bool creates = json_is_null(to);
    fvm_buf data = bytes_of(text_of(line, "data")), params;
    fvm_message m = { .from = address_of(text_of(line, "from")),
                      .to = creates ? fvm_address_id(FVM_ID_EAM) : address_of(text_of(line, "to")),
                      .nonce = u64_of(line, "nonce"),
                      .value = big_of(line, "value"),
                      .gas_limit = GAS_LIMIT,
                      .method = creates ? CREATE_EXTERNAL : INVOKE_EVM };
    fvm_buf_init(&params, NULL);
    if (data.len && fvm_cbor_put_bytes(&params, fvm_buf_bytes(&data)) != FVM_OK) exit(4);
    m.params = fvm_buf_bytes(&params);
    apply(r, line, &m, creates ? CREATION : CALL);
    fvm_buf_deinit(&params);
    fvm_buf_deinit(&data);
}

/* {from, to, method, params, value, nonce}: as it is; "returns" is then the whole return data */
static void run_native(runner *r, const json_t *line)
{
    fvm_buf params = bytes_of(text_of(line, "params"));
    fvm_message m = { .from = address_of(text_of(line, "from")),
                      .to = address_of(text_of(line, "to")),
                      .nonce = u64_of(line, "nonce"),
                      .value = big_of(line, "value"),
                      .gas_limit = GAS_LIMIT,
                      .method = strtoull(text_of(line, "method"), NULL, 10),
                      .params = fvm_buf_bytes(&params) };
    apply(r, line, &m, NATIVE);
    fvm_buf_deinit(&params);
}

static void print_family(runner *r)
{
    side *a = &r->sides[0], *b = &r->sides[1];
    if (r->family_messages) {
        printf("%-14s %3zu scenarios %4zu messages", r->family, r->family_scenarios,
               r->family_messages);
        printf("  gas %12" PRIu64 ", own part %12" PRIu64, a->gas, a->own / 1000);
        if (r->side_count == 2)
            printf("; v18 %12" PRIu64 ", %12" PRIu64 "; ratio %.3f, %.3f", b->gas, b->own / 1000,
                   (double)a->gas / (double)b->gas, (double)a->own / (double)b->own);
        putchar('\n');
    }
    r->family_scenarios = r->family_messages = 0;
    a->gas = a->own = b->gas = b->own = 0;
}

static void begin(runner *r, const json_t *line)
{
    const char *family = text_of(line, "family");
    if (strcmp(family, r->family) != 0) print_family(r);
    (void)snprintf(r->family, sizeof r->family, "%s", family);
    (void)snprintf(r->name, sizeof r->name, "%s", text_of(line, "name"));
    r->family_scenarios++;
    r->broken = false;
    for (int i = 0; i < r->side_count; i++)
        side_scenario(&r->sides[i], (int64_t)u64_of(line, "epoch"), u64_of(line, "timestamp"));
}

static void end(runner *r, const json_t *line)
{
    eth_case c = { .line = line,
                   .post = json_object_get(line, "post"),
                   .logs = json_object_get(line, "logs") };
    fvm_receipt none;
    char why[WHY_MAX] = "";
    fvm_receipt_init(&none, NULL);
    for (int i = 0; i < r->side_count && c.post; i++) {
        eth_compare(why, sizeof why, &c, &r->sides[i].world, &none);
        report(r, r->sides[i].bundle, "the state at the end", why);
    }
    if (r->side_count == 2) side_compare(why, sizeof why, &r->sides[0], &r->sides[1]);
    report(r, "both", "the state at the end", why);
    fvm_receipt_deinit(&none);
    if (r->broken)
        r->failed++;
    else
        r->passed++;
}

static void run_line(runner *r, const json_t *line)
{
    const char *op = text_of(line, "op");
    if (strcmp(op, "genesis") == 0) {
        const json_t *accounts = json_object_get(line, "accounts");
        if (!side_open(&r->sides[0], FVM_BUNDLE_EMBEDDED, accounts)) exit(4);
        r->side_count = side_open(&r->sides[1], "mainnet-v18", accounts) ? 2 : 1;
        if (r->side_count == 1)
            puts("mainnet-v18 is not imported (fvm bundle import): ours alone is run");
    } else if (strcmp(op, "scenario") == 0) {
        begin(r, line);
    } else if (strcmp(op, "epoch") == 0) {
        for (int i = 0; i < r->side_count; i++)
            side_epoch(&r->sides[i], (int64_t)u64_of(line, "epoch"), u64_of(line, "timestamp"));
    } else if (strcmp(op, "message") == 0) {
        run_message(r, line);
    } else if (strcmp(op, "native") == 0) {
        run_native(r, line);
    } else if (strcmp(op, "end") == 0) {
        end(r, line);
    } else {
        side_die(op, FVM_ERR_MALFORMED);
    }
}

int main(void)
{
    runner r = { .side_count = 0 };
    char *text = NULL;
    size_t cap = 0;
    while (getline(&text, &cap, stdin) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        if (!line) side_die("a line is no JSON", FVM_ERR_MALFORMED);
        run_line(&r, line);
        json_decref(line);
    }
    free(text);
    print_family(&r);
    for (int i = 0; i < r.side_count; i++) side_close(&r.sides[i]);
    printf("%zu messages in %zu scenarios\n", r.messages, r.passed + r.failed);
    printf("%zu passed, %zu failed\n", r.passed, r.failed);
    return r.failed || !r.passed ? 1 : 0;
}
