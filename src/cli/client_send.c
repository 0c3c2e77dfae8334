/* client_send.c - a message on its way: by whom, in which form, and what came of it. */
#include "client.h"

#include "base/text.h"
#include "crypto/kdf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

typedef struct sender {
    fvm_address address;
    bool is_local; /* `key` is in the user's folder; else the node signs */
    fvm_key key;
} sender;

/* --- who --- */

typedef struct search {
    const fvm_address *wanted;
    bool found;
} search;

static fvm_err match(void *ctx, const fvm_key_info *info)
{
    search *s = ctx;
    s->found = s->found || fvm_address_eq(s->wanted, &info->address);
    return FVM_OK;
}

static fvm_err open_key(fvm_client *c, sender *s, const char *folder)
{
    fvm_passphrase p;
    if (fvm_passphrase_get(&p, c->command, c->options->passphrase_file, "Passphrase: ", false) !=
        FVM_EXIT_OK)
        return fvm__why(&c->why, FVM_ERR_INVALID, "without a passphrase nothing is sent");
    fvm_err err = fvm_keys_get(&s->key, folder, &s->address, fvm_passphrase_bytes(&p), &c->why);
    fvm_wipe(&p, sizeof p);
    s->is_local = err == FVM_OK;
    return err;
}

/* The first account that the node signs for; FVM_ERR_NOT_FOUND when there is none. */
static fvm_err first_account(fvm_client *c, fvm_address *out)
{
    json_t *accounts = NULL;
    FVM_TRY(fvm_client_call(c, &accounts, NULL, "eth_accounts", json_array()));
    const char *text = json_string_value(json_array_get(accounts, 0));
    bool good = text && fvm_cli_address(out, text);
    json_decref(accounts);
    return good ? FVM_OK : FVM_ERR_NOT_FOUND;
}

/* The first f1 or f3 address that the node signs for, whose messages may say anything. */
static fvm_err first_native(fvm_client *c, fvm_address *out)
{
    json_t *list = NULL, *entry;
    size_t i;
    fvm_err err = fvm_client_call(c, &list, NULL, "Filecoin.WalletList", json_array());
    if (err != FVM_OK) return err == FVM_ERR_INVALID ? FVM_ERR_NOT_FOUND : err;
    err = FVM_ERR_NOT_FOUND;
    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(entry);
        if (!text || !fvm_cli_address(out, text)) continue;
        fvm_protocol p = fvm_address_protocol(out);
        if (p != FVM_PROTOCOL_SECP256K1 && p != FVM_PROTOCOL_BLS) continue;
        err = FVM_OK;
        break;
    }
    json_decref(list);
    return err;
}

/* The address that keys are known by, of an account that is named by its ID. */
static fvm_err find_key_address(fvm_client *c, fvm_address *address)
{
    char text[FVM_ADDRESS_TEXT_MAX];
    json_t *key = NULL;
    fvm_protocol p = fvm_address_protocol(address);
    if (p != FVM_PROTOCOL_ID && p != FVM_PROTOCOL_ACTOR) return FVM_OK;
    fvm_client_address_text(c, text, address);
    FVM_TRY(fvm_client_call(c, &key, NULL, "Filecoin.StateAccountKey", json_pack("[s,n]", text)));
    const char *found = json_string_value(key);
    bool good = found && fvm_cli_address(address, found);
    json_decref(key);
    return good ? FVM_OK
                : fvm__why(&c->why, FVM_ERR_MALFORMED, "Filecoin.StateAccountKey: no address");
}

static fvm_err find_sender(fvm_client *c, sender *s, bool native)
{
    char room[4096];
    const fvm_client_options *o = c->options;
    const char *folder = o->keys ? o->keys : fvm_keys_folder(room) == FVM_OK ? room : NULL;
    search look = { .wanted = &s->address };
    if (o->from) {
        if (!fvm_cli_address(&s->address, o->from))
            return fvm__why(&c->why, FVM_ERR_MALFORMED, "--from: '%s' is no address", o->from);
        FVM_TRY(find_key_address(c, &s->address));
    } else {
        fvm_err err = native ? first_native(c, &s->address) : FVM_ERR_NOT_FOUND;
        if (err == FVM_ERR_NOT_FOUND) err = first_account(c, &s->address);
        if (err == FVM_OK) return FVM_OK;
        if (err != FVM_ERR_NOT_FOUND) return err;
        if (!folder || fvm_keys_default(&s->address, folder, NULL) != FVM_OK)
            return fvm__why(&c->why, FVM_ERR_NOT_FOUND,
                            "nobody to send it: the node has no accounts, and there is no "
                            "default key ('fvm wallet new')");
    }
    if (folder && fvm_keys_each(folder, match, &look, NULL) == FVM_OK && look.found)
        return open_key(c, s, folder);
    return FVM_OK; /* the node may have it */
}

/* --- as an Ethereum transaction --- */

static json_t *eth_request(const fvm_eth_address *from, const fvm_eth_tx *tx)
{
    char text[FVM_ETH_ADDRESS_TEXT];
    uint8_t wire[FVM_BIG_WIRE_MAX] = { 0 };
    json_t *o = json_object();
    if (!o) return NULL;
    fvm_eth_address_to_text(text, from, false);
    (void)json_object_set_new(o, "from", json_string(text));
    fvm_eth_address_to_text(text, &tx->to, false);
    if (!tx->creates) (void)json_object_set_new(o, "to", json_string(text));
    size_t n = fvm_big_write(wire, &tx->value);
    if (n > 1 && n <= sizeof wire) {
        char digits[2 * FVM_BIG_WIRE_MAX + 3] = "0x";
        size_t at = 2;
        for (size_t i = 1; i < n; i++)
            at += (size_t)snprintf(digits + at, sizeof digits - at, i == 1 ? "%x" : "%02x",
                                   wire[i]);
        (void)json_object_set_new(o, "value", json_string(digits));
    }
    if (tx->input.len) (void)json_object_set_new(o, "data", fvm_client_hex_json(tx->input));
    if (tx->gas_limit) (void)json_object_set_new(o, "gas", fvm_client_quantity_json(tx->gas_limit));
    return o;
}

/* Chain id, nonce, gas and fees; then signed here. */
static fvm_err complete_and_sign(fvm_client *c, fvm_eth_tx *tx, const sender *s)
{
    char from[FVM_ETH_ADDRESS_TEXT];
    uint64_t price, tip;
    fvm_eth_address_to_text(from, &s->key.eth, false);
    FVM_TRY(fvm_client_quantity(c, &tx->chain_id, "eth_chainId", json_array()));
    FVM_TRY(fvm_client_quantity(c, &tx->nonce, "eth_getTransactionCount",
                                json_pack("[s,s]", from, "pending")));
    if (!tx->gas_limit)
        FVM_TRY(fvm_client_quantity(c, &tx->gas_limit, "eth_estimateGas",
                                    json_pack("[o]", eth_request(&s->key.eth, tx))));
    FVM_TRY(fvm_client_quantity(c, &tip, "eth_maxPriorityFeePerGas", json_array()));
    FVM_TRY(fvm_client_quantity(c, &price, "eth_gasPrice", json_array()));
    tx->max_priority_fee = fvm_big_u64(tip);
    tx->max_fee = fvm_big_u64(price > tip ? price : tip);
    FVM_TRY(fvm_big_mul_u64(&tx->max_fee, &tx->max_fee, 2)); /* the base fee may double meanwhile */
    return fvm_eth_tx_sign(tx, s->key.secret, NULL);
}

static fvm_err send_raw(fvm_client *c, json_t **hash, fvm_eth_tx *tx, const sender *s)
{
    fvm_buf raw;
    fvm_err err = complete_and_sign(c, tx, s);
    if (err != FVM_OK) return err;
    fvm_buf_init(&raw, NULL);
    err = fvm_eth_tx_write(&raw, tx);
    if (err == FVM_OK)
        err = fvm_client_call(c, hash, NULL, "eth_sendRawTransaction",
                              json_pack("[o]", fvm_client_hex_json(fvm_buf_bytes(&raw))));
    fvm_buf_deinit(&raw);
    return err;
}

static fvm_err send_eth(fvm_client *c, fvm_outcome *out, fvm_eth_tx *tx, const sender *s)
{
    json_t *hash = NULL;
    fvm_eth_address from;
    if (!fvm_eth_address_of_fil(&from, &s->address)) return FVM_ERR_INVALID;
    out->request = eth_request(&from, tx);
    if (s->is_local) {
        FVM_TRY(send_raw(c, &hash, tx, s));
    } else {
        FVM_TRY(
            fvm_client_call(c, &hash, NULL, "eth_sendTransaction", json_pack("[O]", out->request)));
    }
    const char *text = json_string_value(hash);
    out->is_eth = true;
    (void)snprintf(out->hash, sizeof out->hash, "%s", text ? text : "");
    json_decref(hash);
    return out->hash[0] ? FVM_OK : fvm__why(&c->why, FVM_ERR_MALFORMED, "the node gave no hash");
}

/* --- as a Filecoin message --- */

static json_t *message_to_json(fvm_client *c, const fvm_message *m)
{
    char to[FVM_ADDRESS_TEXT_MAX], from[FVM_ADDRESS_TEXT_MAX];
    char value[FVM_BIG_TEXT_MAX], cap[FVM_BIG_TEXT_MAX], premium[FVM_BIG_TEXT_MAX];
    fvm_client_address_text(c, to, &m->to);
    fvm_client_address_text(c, from, &m->from);
    (void)fvm_big_to_text(value, &m->value);
    (void)fvm_big_to_text(cap, &m->gas_fee_cap);
    (void)fvm_big_to_text(premium, &m->gas_premium);
    json_t *o = json_pack("{s:i,s:s,s:s,s:I,s:s,s:I,s:s,s:s,s:I}", "Version", 0, "To", to, "From",
                          from, "Nonce", (json_int_t)m->nonce, "Value", value, "GasLimit",
                          (json_int_t)m->gas_limit, "GasFeeCap", cap, "GasPremium", premium,
                          "Method", (json_int_t)m->method);
    if (o && m->params.len) (void)json_object_set_new(o, "Params", fvm_json_from_base64(m->params));
    return o;
}

static fvm_err take_cid(fvm_client *c, fvm_outcome *out, const json_t *link, const char *method)
{
    const char *text = json_string_value(json_object_get(link, "/"));
    if (!text || strlen(text) >= sizeof out->cid)
        return fvm__why(&c->why, FVM_ERR_MALFORMED, "%s: the result is no CID", method);
    (void)snprintf(out->cid, sizeof out->cid, "%s", text);
    return FVM_OK;
}

/* Gas and fees as the node estimates them. */
static fvm_err estimate(fvm_client *c, fvm_message *m)
{
    json_t *filled = NULL;
    static const char method[] = "Filecoin.GasEstimateMessageGas";
    fvm_json_at at = { method, "", &c->why };
    FVM_TRY(fvm_client_call(c, &filled, NULL, method, json_pack("[o,n,n]", message_to_json(c, m))));
    fvm_err err = fvm_json_u64(&m->gas_limit, filled, "GasLimit", INT64_MAX, &at);
    if (err == FVM_OK) err = fvm_json_big(&m->gas_fee_cap, filled, "GasFeeCap", &at);
    if (err == FVM_OK) err = fvm_json_big(&m->gas_premium, filled, "GasPremium", &at);
    json_decref(filled);
    return err;
}

static fvm_err push_signed(fvm_client *c, fvm_outcome *out, fvm_message *m, const sender *s)
{
    char from[FVM_ADDRESS_TEXT_MAX];
    json_t *link = NULL;
    fvm_signed_message sm;
    const char *why = "the key cannot sign it";
    fvm_client_address_text(c, from, &m->from);
    FVM_TRY(fvm_client_quantity(c, &m->nonce, "Filecoin.MpoolGetNonce", json_pack("[s]", from)));
    FVM_TRY(estimate(c, m));
    sm.message = *m;
    fvm_err err = fvm_signed_message_sign(&sm, &s->key, 0, NULL, &why);
    if (err != FVM_OK) return fvm__why(&c->why, err, "%s", why);
    fvm_bytes data = { sm.signature.bytes, sm.signature.len };
    FVM_TRY(fvm_client_call(c, &link, NULL, "Filecoin.MpoolPush",
                            json_pack("[{s:o,s:{s:i,s:o}}]", "Message", message_to_json(c, m),
                                      "Signature", "Type", (int)sm.signature.type, "Data",
                                      fvm_json_from_base64(data))));
    err = take_cid(c, out, link, "Filecoin.MpoolPush");
    json_decref(link);
    return err;
}

static fvm_err push_by_node(fvm_client *c, fvm_outcome *out, const fvm_message *m)
{
    static const char method[] = "Filecoin.MpoolPushMessage";
    json_t *pushed = NULL;
    FVM_TRY(fvm_client_call(c, &pushed, NULL, method, json_pack("[o,n]", message_to_json(c, m))));
    fvm_err err = take_cid(c, out, json_object_get(pushed, "CID"), method);
    json_decref(pushed);
    return err;
}

static fvm_err send_native(fvm_client *c, fvm_outcome *out, fvm_message *m, const sender *s)
{
    if (fvm_address_protocol(&s->address) == FVM_PROTOCOL_DELEGATED)
        return fvm__why(&c->why, FVM_ERR_INVALID,
                        "the key of an Ethereum account signs calls of contracts and transfers "
                        "to actors that exist; for this message use an f1 or f3 key (--from)");
    return s->is_local ? push_signed(c, out, m, s) : push_by_node(c, out, m);
}

/* --- waiting --- */

static void pause_ms(unsigned ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    (void)nanosleep(&t, NULL);
}

static uint64_t quantity_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? strtoull(text, NULL, 16) : 0;
}

static fvm_err take_receipt(fvm_outcome *out, const json_t *receipt)
{
    const char *contract = json_string_value(json_object_get(receipt, "contractAddress"));
    out->ok = quantity_of(receipt, "status") == 1;
    out->height = quantity_of(receipt, "blockNumber");
    out->gas_used = quantity_of(receipt, "gasUsed");
    if (contract && strlen(contract) < sizeof out->contract)
        (void)snprintf(out->contract, sizeof out->contract, "%s", contract);
    out->logs = json_incref(json_object_get(receipt, "logs"));
    return FVM_OK;
}

static fvm_err take_lookup(fvm_client *c, fvm_outcome *out, const json_t *found)
{
    fvm_json_at at = { "Filecoin.StateSearchMsg", "", &c->why };
    json_t *receipt;
    uint64_t exit_code = 0;
    FVM_TRY(fvm_json_object(&receipt, found, "Receipt", &at));
    FVM_TRY(fvm_json_u64(&exit_code, receipt, "ExitCode", UINT32_MAX, &at));
    FVM_TRY(fvm_json_u64(&out->gas_used, receipt, "GasUsed", INT64_MAX, &at));
    FVM_TRY(fvm_json_u64(&out->height, found, "Height", INT64_MAX, &at));
    if (!json_is_null(json_object_get(receipt, "Return")) && json_object_get(receipt, "Return"))
        FVM_TRY(fvm_json_base64(&out->return_data, receipt, "Return", &at));
    out->exit_code = (uint32_t)exit_code;
    out->ok = exit_code == 0;
    return FVM_OK;
}

static fvm_err ask(fvm_client *c, json_t **found, const fvm_outcome *out)
{
    if (out->is_eth)
        return fvm_client_call(c, found, NULL, "eth_getTransactionReceipt",
                               json_pack("[s]", out->hash));
    return fvm_client_call(c, found, NULL, "Filecoin.StateSearchMsg",
                           json_pack("[n,{s:s},i,b]", "/", out->cid, -1, 1));
}

/* A receipt does not say why: the same call on the state before may. */
static void ask_reason(fvm_client *c, fvm_outcome *out)
{
    json_t *result = NULL;
    fvm_store_why kept = c->why;
    if (out->request && out->height &&
        fvm_client_call(
            c, &result, NULL, "eth_call",
            json_pack("[O,o]", out->request, fvm_client_quantity_json(out->height - 1))) != FVM_OK)
        (void)fvm_client_reason(c, out->reason, sizeof out->reason);
    json_decref(result);
    c->why = kept;
}

static fvm_err wait_for(fvm_client *c, fvm_outcome *out)
{
    uint64_t waited = 0, limit = (c->options->timeout_s ? c->options->timeout_s : 120) * 1000;
    for (unsigned pause = 10; waited <= limit; waited += pause) {
        json_t *found = NULL;
        FVM_TRY(ask(c, &found, out));
        if (found && !json_is_null(found)) {
            fvm_err err = out->is_eth ? take_receipt(out, found) : take_lookup(c, out, found);
            json_decref(found);
            out->waited = err == FVM_OK;
            if (out->waited && !out->ok && out->is_eth) ask_reason(c, out);
            return err;
        }
        json_decref(found);
        pause_ms(pause);
        if (pause < 500) pause *= 2;
    }
    return fvm__why(&c->why, FVM_ERR_IO, "%s: sent, but not in a block after %llu s",
                    out->is_eth ? out->hash : out->cid, (unsigned long long)(limit / 1000));
}

/* --- all of it --- */

static fvm_err input_to_params(fvm_buf *params, fvm_message *m, const fvm_errand *e)
{
    bool creates = e->to.len == 0;
    m->to = creates ? fvm_address_id(FVM_ETH_MANAGER_ID) : e->to;
    m->method = creates ? FVM_ETH_METHOD_CREATE : FVM_ETH_METHOD_INVOKE;
    FVM_TRY(fvm_eth_params_write(params, e->params));
    m->params = fvm_buf_bytes(params);
    return FVM_OK;
}

static fvm_err send_as_native(fvm_client *c, fvm_outcome *out, const fvm_errand *e,
                              const fvm_big *value, const sender *s)
{
    fvm_message m = { .to = e->to,
                      .from = s->address,
                      .value = *value,
                      .gas_limit = c->options->gas_limit,
                      .method = e->method,
                      .params = e->params };
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    fvm_err err = e->is_input ? input_to_params(&params, &m, e) : FVM_OK;
    if (err == FVM_OK) err = send_native(c, out, &m, s);
    fvm_buf_deinit(&params);
    return err;
}

/* Whether it can be said as an Ethereum transaction; then its receiver is in `tx`. */
static fvm_err try_as_eth(fvm_client *c, bool *yes, fvm_eth_tx *tx, const fvm_errand *e,
                          const sender *s)
{
    *yes = fvm_address_protocol(&s->address) == FVM_PROTOCOL_DELEGATED &&
           (e->is_input || (e->method == 0 && e->params.len == 0));
    if (!*yes || tx->creates) return FVM_OK;
    fvm_err err = fvm_client_eth_address(c, &tx->to, &e->to);
    *yes = err == FVM_OK;
    return err == FVM_ERR_NOT_FOUND ? FVM_OK
                                    : err; /* f1 and f3 without an actor have no such address */
}

static fvm_err send_from(fvm_client *c, fvm_outcome *out, const fvm_errand *e, const fvm_big *value,
                         sender *s)
{
    fvm_eth_tx tx = { .kind = FVM_ETH_EIP1559,
                      .gas_limit = c->options->gas_limit,
                      .creates = e->to.len == 0,
                      .value = *value };
    bool as_eth;
    fvm_address other;
    FVM_TRY(try_as_eth(c, &as_eth, &tx, e, s));
    if (!as_eth) {
        /* nobody was named: another of the node's accounts can say it */
        if (!c->options->from && !s->is_local && first_native(c, &other) == FVM_OK)
            s->address = other;
        return send_as_native(c, out, e, value, s);
    }
    if (e->is_input) tx.input = e->params;
    return send_eth(c, out, &tx, s);
}

fvm_err fvm_client_send(fvm_client *client, fvm_outcome *out, const fvm_errand *errand)
{
    fvm_big value = fvm_big_zero();
    sender s = { .is_local = false };
    if (client->options->value && !fvm_client_amount(&value, client->options->value))
        return fvm__why(&client->why, FVM_ERR_MALFORMED, "'%s' is no amount, as 1.5FIL or 100atto",
                        client->options->value);
    FVM_TRY(find_sender(client, &s, !errand->is_input && errand->method != 0));
    fvm_err err = send_from(client, out, errand, &value, &s);
    fvm_key_wipe(&s.key);
    if (err != FVM_OK || client->options->no_wait) return err;
    return wait_for(client, out);
}
