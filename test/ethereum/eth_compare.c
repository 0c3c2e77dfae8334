/* eth_compare.c - the state and the events after a message against what Ethereum has. */
#include "eth_state.h"

#include "base/text.h"
#include "chain/evm_state.h"
#include "ipld/cbor.h"
#include "ipld/kamt.h"
#include "kernel/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct comparison {
    char *why;
    size_t why_len;
    const eth_case *c;
    const eth_world *world;
    fvm_state_view *view;
} comparison;

__attribute__((format(printf, 2, 3))) static void differ(comparison *k, const char *format, ...)
{
    va_list args;
    if (k->why[0]) return;
    va_start(args, format);
    (void)vsnprintf(k->why, k->why_len, format, args);
    va_end(args);
}

static bool is_evm(const comparison *k, const fvm_cid *code)
{
    const fvm_bundle_actor *actors = (const void *)k->world->actors.ptr;
    for (size_t i = 0; i < k->world->actors.len / sizeof *actors; i++)
        if (fvm_cid_eq(&actors[i].code, code)) return strcmp(actors[i].name, "evm") == 0;
    return false;
}

/* --- storage --- */

typedef struct slots {
    comparison *k;
    const char *address;
    const json_t *expected;
    size_t count;
} slots;

static fvm_err compare_slot(void *ctx, const uint8_t key[FVM_KAMT_KEY_LEN], fvm_bytes item)
{
    slots *s = ctx;
    char name[67] = "0x", got[67] = "0x";
    uint8_t padded[32] = { 0 };
    fvm_bytes value;
    FVM_TRY(fvm_cbor_bytes(&value, &item, NULL));
    if (value.len > sizeof padded) return FVM_ERR_RANGE;
    memcpy(padded + sizeof padded - value.len, value.ptr, value.len);
    for (int i = 0; i < 32; i++) {
        (void)snprintf(name + 2 + 2 * i, 3, "%02x", key[i]);
        (void)snprintf(got + 2 + 2 * i, 3, "%02x", padded[i]);
    }
    const char *want = json_string_value(json_object_get(s->expected, name));
    if (!want || strcmp(want, got) != 0)
        differ(s->k, "%s: slot %s is %s, not %s", s->address, name, got, want ? want : "0");
    s->count++;
    return FVM_OK;
}

static fvm_err compare_slots(comparison *k, const char *address, const fvm_cid *root,
                             const json_t *expected)
{
    fvm_kamt *kamt;
    slots s = { .k = k, .address = address, .expected = expected };
    FVM_TRY(fvm_kamt_load(&kamt, &k->world->store, root, 5, NULL));
    fvm_err err = fvm_kamt_each(kamt, compare_slot, &s);
    fvm_kamt_free(kamt);
    if (err == FVM_OK && s.count != json_object_size(expected))
        differ(k, "%s: %zu slots, not %zu", address, s.count, json_object_size(expected));
    return err;
}

/* --- accounts --- */

static fvm_err compare_code(comparison *k, const char *address, const fvm_cid *cid,
                            const char *expected)
{
    fvm_buf code, text;
    fvm_buf_init(&code, NULL);
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_blockstore_get(&k->world->store, &code, cid);
    if (err == FVM_OK) err = fvm_hex_encode(&text, fvm_buf_bytes(&code));
    if (err == FVM_OK && !fvm_bytes_eq(fvm_buf_bytes(&text), fvm_bytes_of(expected + 2)))
        differ(k, "%s: code of %zu bytes, not %zu, or another", address, code.len,
               (strlen(expected) - 2) / 2);
    fvm_buf_deinit(&code);
    fvm_buf_deinit(&text);
    return err;
}

/* What Ethereum has, less what its fees did: the sender pays and the producer gets none here. */
static fvm_err expected_balance(fvm_big *out, const comparison *k, const char *address,
                                const char *text)
{
    const json_t *line = k->c->line;
    const char *sender = json_string_value(json_object_get(json_object_get(line, "tx"), "from"));
    const char *coinbase = json_string_value(json_object_get(line, "coinbase"));
    fvm_big fee, tip;
    FVM_TRY(eth_number(out, text));
    FVM_TRY(eth_number(&fee, json_string_value(json_object_get(line, "fee"))));
    FVM_TRY(eth_number(&tip, json_string_value(json_object_get(line, "tip"))));
    if (strcmp(address, sender) == 0) FVM_TRY(fvm_big_add(out, out, &fee));
    if (strcasecmp(address, coinbase) == 0) FVM_TRY(fvm_big_sub(out, out, &tip));
    return FVM_OK;
}

static fvm_err compare_balance(comparison *k, const char *address, const fvm_big *got,
                               const char *expected)
{
    fvm_big want;
    char texts[2][FVM_BIG_TEXT_MAX];
    FVM_TRY(expected_balance(&want, k, address, expected));
    if (fvm_big_cmp(&want, got) == 0) return FVM_OK;
    (void)fvm_big_to_text(texts[0], got);
    (void)fvm_big_to_text(texts[1], &want);
    differ(k, "%s: balance %s, not %s", address, texts[0], texts[1]);
    return FVM_OK;
}

static fvm_err compare_account(comparison *k, const char *address, const json_t *account)
{
    const char *balance = json_string_value(json_object_get(account, "balance"));
    const char *code = json_string_value(json_object_get(account, "code"));
    const char *nonce_text = json_string_value(json_object_get(account, "nonce"));
    const json_t *storage = json_object_get(account, "storage");
    fvm_actor none = { .nonce = 0 };
    const fvm_actor *actor = &none;
    fvm_address at;
    fvm_big nonce;
    uint64_t id, got;
    FVM_TRY(eth_address(&at, address));
    FVM_TRY(eth_number(&nonce, nonce_text));
    fvm_err err = fvm_state_lookup_id(k->view, &id, &at);
    if (err == FVM_OK) err = fvm_state_get(k->view, &actor, id);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    got = actor->nonce;
    if (actor != &none && is_evm(k, &actor->code)) {
        fvm__evm_state found;
        FVM_TRY(fvm__evm_read(&found, &k->world->store, &actor->head, NULL));
        got = found.nonce;
        FVM_TRY(compare_code(k, address, &found.bytecode, code));
        FVM_TRY(compare_slots(k, address, &found.storage, storage));
    } else if (strlen(code) > 2 || json_object_size(storage)) {
        differ(k, "%s: no contract", address);
    }
    fvm_big got_nonce = fvm_big_u64(got);
    if (fvm_big_cmp(&nonce, &got_nonce) != 0)
        differ(k, "%s: nonce %" PRIu64 ", not %s", address, got, nonce_text);
    return compare_balance(k, address, &actor->balance, balance);
}

/* An actor that Ethereum does not have must be as empty as an account that is not there. */
static fvm_err compare_other(void *ctx, uint64_t id, const fvm_actor *actor)
{
    comparison *k = ctx;
    char name[43] = "0x";
    uint64_t space;
    fvm_bytes sub;
    if (!fvm_address_to_delegated(&space, &sub, &actor->delegated) || sub.len != 20) return FVM_OK;
    for (int i = 0; i < 20; i++) (void)snprintf(name + 2 + 2 * i, 3, "%02x", sub.ptr[i]);
    if (json_object_get(k->c->post, name)) return FVM_OK;
    fvm_big balance = actor->balance, zero = fvm_big_zero();
    if (strcasecmp(name, json_string_value(json_object_get(k->c->line, "coinbase"))) == 0)
        FVM_TRY(expected_balance(&zero, k, name, "0x0"));
    if (is_evm(k, &actor->code) || fvm_big_cmp(&balance, &zero) != 0 || actor->nonce != 0)
        differ(k, "%s (f0%" PRIu64 ") is there and should not be", name, id);
    return FVM_OK;
}

/* --- events --- */

static fvm_err put_json_log(fvm_buf *out, const json_t *log)
{
    size_t i;
    const json_t *topic;
    FVM_TRY(eth_hex(out, json_string_value(json_object_get(log, "address"))));
    json_array_foreach(json_object_get(log, "topics"), i, topic)
        FVM_TRY(eth_hex(out, json_string_value(topic)));
    FVM_TRY(fvm_buf_append(out, FVM_STR("|")));
    return eth_hex(out, json_string_value(json_object_get(log, "data")));
}

/* [emitter, [[flags, key, codec, value]...]] in the same form: address, topics, '|', data */
static fvm_err put_event(fvm_buf *out, const comparison *k, fvm_bytes *in)
{
    uint64_t emitter, entries, flags, codec, space;
    const fvm_actor *actor;
    fvm_bytes key, value, sub, data = { NULL, 0 };
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_uint(&emitter, in));
    FVM_TRY(fvm_state_get(k->view, &actor, emitter));
    if (!fvm_address_to_delegated(&space, &sub, &actor->delegated)) return FVM_ERR_INVALID;
    FVM_TRY(fvm_buf_append(out, sub));
    FVM_TRY(fvm_cbor_array(&entries, in));
    for (uint64_t i = 0; i < entries; i++) {
        FVM_TRY(fvm_cbor_tuple(4, in));
        FVM_TRY(fvm_cbor_uint(&flags, in));
        FVM_TRY(fvm_cbor_text(&key, in, NULL));
        FVM_TRY(fvm_cbor_uint(&codec, in));
        FVM_TRY(fvm_cbor_bytes(&value, in, NULL));
        if (fvm_bytes_eq(key, FVM_STR("d")))
            data = value;
        else
            FVM_TRY(fvm_buf_append(out, value));
    }
    FVM_TRY(fvm_buf_append(out, FVM_STR("|")));
    return fvm_buf_append(out, data);
}

static fvm_err compare_logs(comparison *k, const json_t *logs, const fvm_receipt *receipt)
{
    fvm_buf want, got;
    fvm_bytes in = fvm_buf_bytes(&receipt->events);
    size_t count = json_array_size(logs);
    fvm_err err = FVM_OK;
    if (receipt->event_count != count) differ(k, "%zu logs, not %zu", receipt->event_count, count);
    fvm_buf_init(&want, NULL);
    fvm_buf_init(&got, NULL);
    for (size_t i = 0; i < count && i < receipt->event_count && err == FVM_OK; i++) {
        want.len = got.len = 0;
        err = put_json_log(&want, json_array_get(logs, i));
        if (err == FVM_OK) err = put_event(&got, k, &in);
        if (err == FVM_OK && !fvm_bytes_eq(fvm_buf_bytes(&want), fvm_buf_bytes(&got)))
            differ(k, "log %zu is another", i);
    }
    fvm_buf_deinit(&want);
    fvm_buf_deinit(&got);
    return err;
}

static bool open_view(comparison *k)
{
    fvm_err err = fvm_state_view_open(&k->view, &k->world->store, &k->world->root,
                                      fvm_network_find(ETH_NETWORK_VERSION), NULL);
    if (err != FVM_OK) differ(k, "the state: %s", fvm_err_text(err));
    return err == FVM_OK;
}

void eth_compare_logs(char *why, size_t why_len, const json_t *logs, const eth_world *world,
                      const fvm_receipt *receipt)
{
    comparison k = { .why = why, .why_len = why_len, .world = world };
    if (!open_view(&k)) return;
    fvm_err err = compare_logs(&k, logs, receipt);
    if (err != FVM_OK) differ(&k, "%s", fvm_err_text(err));
    fvm_state_view_free(k.view);
}

void eth_compare(char *why, size_t why_len, const eth_case *c, const eth_world *world,
                 const fvm_receipt *receipt)
{
    comparison k = { .why = why, .why_len = why_len, .c = c, .world = world };
    const char *address;
    const json_t *account;
    bool failed = json_is_true(json_object_get(c->line, "failed"));
    fvm_err err = FVM_OK;
    if (!open_view(&k)) return;
    if (failed != (receipt->exit_code != 0))
        differ(&k, "%s", failed ? "should have failed" : "should not have failed");
    json_object_foreach((json_t *)(uintptr_t)c->post, address, account)
    {
        if (err == FVM_OK) err = compare_account(&k, address, account);
    }
    if (err == FVM_OK) err = fvm_state_each(k.view, compare_other, &k);
    if (err == FVM_OK) err = compare_logs(&k, c->logs, receipt);
    if (err != FVM_OK) differ(&k, "%s", fvm_err_text(err));
    fvm_state_view_free(k.view);
}
