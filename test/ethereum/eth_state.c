/* eth_state.c - from Ethereum's JSON to a state tree and a message. */
#include "eth_state.h"

#include "base/text.h"
#include "chain/evm_state.h"
#include "ipld/cbor.h"
#include "kernel/state.h"

#include <stdio.h>
#include <stdlib.h>

#define INVOKE_EVM 3844450837u
#define CREATE_EXTERNAL 4u
#define FIRST_ID 1000u
#define ACCOUNTS_MAX 2000u

fvm_err eth_hex(fvm_buf *out, const char *text)
{
    size_t len = strlen(text);
    if (len < 2 || text[0] != '0' || text[1] != 'x') return FVM_ERR_MALFORMED;
    if (len % 2 == 0) return fvm_hex_decode(out, (fvm_bytes){ (const uint8_t *)text + 2, len - 2 });
    char first[3] = { '0', text[2], 0 }; /* "0x5" */
    FVM_TRY(fvm_hex_decode(out, (fvm_bytes){ (const uint8_t *)first, 2 }));
    return fvm_hex_decode(out, (fvm_bytes){ (const uint8_t *)text + 3, len - 3 });
}

/* The digits without leading zeros, as a u256 stands in FEVM's state. */
static fvm_err eth_word(fvm_buf *out, const char *text)
{
    FVM_TRY(eth_hex(out, text));
    size_t zeros = 0;
    while (zeros < out->len && out->ptr[zeros] == 0) zeros++;
    memmove(out->ptr, out->ptr + zeros, out->len - zeros);
    out->len -= zeros;
    return out->len <= 32 ? FVM_OK : FVM_ERR_RANGE;
}

fvm_err eth_number(fvm_big *out, const char *text)
{
    fvm_buf bytes;
    uint8_t wire[40] = { 0 }; /* a sign, then the magnitude */
    fvm_buf_init(&bytes, NULL);
    fvm_err err = text ? eth_word(&bytes, text) : FVM_ERR_MALFORMED;
    if (err == FVM_OK) {
        memcpy(wire + 1, bytes.ptr, bytes.len);
        err = fvm_big_read(out, (fvm_bytes){ wire, bytes.len + 1 });
    }
    fvm_buf_deinit(&bytes);
    return err;
}

static fvm_err eth_u64(uint64_t *out, const char *text)
{
    fvm_big big;
    uint64_t high;
    FVM_TRY(eth_number(&big, text));
    return fvm_big_to_u128(&high, out, &big) && high == 0 ? FVM_OK : FVM_ERR_RANGE;
}

fvm_err eth_address(fvm_address *out, const char *text)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = eth_hex(&bytes, text);
    if (err == FVM_OK && bytes.len != 20) err = FVM_ERR_MALFORMED;
    if (err == FVM_OK)
        err = fvm_address_delegated(out, FVM_ADDRESS_EAM_NAMESPACE, fvm_buf_bytes(&bytes));
    fvm_buf_deinit(&bytes);
    return err;
}

/* --- the message --- */

static fvm_err read_message(eth_case *c, const json_t *tx)
{
    const char *from, *value, *data, *nonce;
    const json_t *to = json_object_get(tx, "to");
    fvm_buf input;
    if (json_unpack((json_t *)(uintptr_t)tx, "{s:s,s:s,s:s,s:s}", "from", &from, "value", &value,
                    "data", &data, "nonce", &nonce) != 0)
        return FVM_ERR_MALFORMED;
    fvm_message *m = &c->message;
    FVM_TRY(eth_address(&m->from, from));
    FVM_TRY(eth_number(&m->value, value));
    FVM_TRY(eth_u64(&m->nonce, nonce));
    m->method = json_is_null(to) ? CREATE_EXTERNAL : INVOKE_EVM;
    m->to = fvm_address_id(FVM_ID_EAM);
    if (!json_is_null(to)) FVM_TRY(eth_address(&m->to, json_string_value(to)));
    fvm_buf_init(&input, NULL);
    fvm_err err = eth_hex(&input, data);
    if (err == FVM_OK && input.len) err = fvm_cbor_put_bytes(&c->params, fvm_buf_bytes(&input));
    fvm_buf_deinit(&input);
    m->params = fvm_buf_bytes(&c->params);
    return err;
}

fvm_err eth_case_read(eth_case *c, const json_t *line)
{
    uint64_t epoch;
    *c = (eth_case){ .line = line };
    fvm_buf_init(&c->params, NULL);
    c->pre = json_object_get(line, "pre");
    c->post = json_object_get(line, "post");
    c->logs = json_object_get(line, "logs");
    const json_t *env = json_object_get(line, "env");
    FVM_TRY(eth_u64(&epoch, json_string_value(json_object_get(env, "number"))));
    FVM_TRY(eth_u64(&c->timestamp, json_string_value(json_object_get(env, "timestamp"))));
    if (epoch > INT64_MAX) return FVM_ERR_RANGE;
    c->epoch = (int64_t)epoch;
    return read_message(c, json_object_get(line, "tx"));
}

void eth_case_deinit(eth_case *c)
{
    fvm_buf_deinit(&c->params);
}

/* --- the state --- */

bool eth_world_open(eth_world *w, const char *bundle)
{
    fvm_bundle_info info;
    fvm_store_why why = { { 0 } };
    *w = (eth_world){ .engine = NULL };
    if (fvm_bundle_open(&w->bundle, &info, NULL, bundle, NULL, &why) != FVM_OK) return false;
    w->manifest = info.manifest;
    fvm_buf_init(&w->actors, NULL);
    if (fvm_bundle_actors(&w->actors, &w->bundle, &info.manifest, &why) != FVM_OK ||
        fvm_engine_new(&w->engine, NULL) != FVM_OK ||
        fvm_context_new(&w->context, w->engine, NULL) != FVM_OK) {
        fprintf(stderr, "run_ethereum: %s\n", why.text);
        exit(4);
    }
    return true;
}

void eth_world_close(eth_world *w)
{
    fvm_context_free(w->context);
    fvm_engine_free(w->engine);
    fvm_buf_deinit(&w->actors);
    fvm_blockstore_free(&w->bundle);
}

void eth_world_clear(eth_world *w)
{
    if (w->store.ops) fvm_blockstore_free(&w->store);
    w->store = (fvm_blockstore){ .ops = NULL };
}

static const fvm_cid *code_of(const eth_world *w, const char *name)
{
    const fvm_bundle_actor *actors = (const void *)w->actors.ptr;
    for (size_t i = 0; i < w->actors.len / sizeof *actors; i++)
        if (strcmp(actors[i].name, name) == 0) return &actors[i].code;
    fprintf(stderr, "run_ethereum: the bundle has no %s\n", name);
    exit(4);
}

/* "0x..." of at most 32 bytes as a big-endian number. */
static fvm_err eth_padded(uint8_t out[32], fvm_buf *room, const char *text)
{
    room->len = 0;
    memset(out, 0, 32);
    FVM_TRY(eth_word(room, text));
    if (room->len) memcpy(out + 32 - room->len, room->ptr, room->len);
    return FVM_OK;
}

static fvm_err put_contract(fvm_cid *head, const fvm_blockstore *bs, const char *code,
                            const json_t *storage, uint64_t nonce)
{
    const char *name;
    const json_t *json;
    uint8_t slot[32], value[32];
    fvm__evm_state state;
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = eth_hex(&bytes, code);
    if (err == FVM_OK) err = fvm__evm_new(&state, fvm_buf_bytes(&bytes), bs, NULL);
    json_object_foreach((json_t *)(uintptr_t)storage, name, json)
    {
        if (err == FVM_OK) err = eth_padded(slot, &bytes, name);
        if (err == FVM_OK) err = eth_padded(value, &bytes, json_string_value(json));
        if (err == FVM_OK) err = fvm__evm_set(&state, bs, slot, value, NULL);
    }
    state.nonce = nonce;
    if (err == FVM_OK) err = fvm__evm_write(head, &state, bs, NULL);
    fvm_buf_deinit(&bytes);
    return err;
}

static fvm_err make_actor(fvm_genesis_actor *out, const eth_world *w, const char *address,
                          const json_t *account)
{
    const char *balance, *nonce_text, *code;
    const json_t *storage = json_object_get(account, "storage");
    uint64_t nonce;
    if (json_unpack((json_t *)(uintptr_t)account, "{s:s,s:s,s:s}", "balance", &balance, "nonce",
                    &nonce_text, "code", &code) != 0)
        return FVM_ERR_MALFORMED;
    FVM_TRY(eth_address(&out->address, address));
    FVM_TRY(eth_number(&out->balance, balance));
    FVM_TRY(eth_u64(&nonce, nonce_text));
    if (strlen(code) > 2 || json_object_size(storage)) {
        out->code = *code_of(w, "evm");
        return put_contract(&out->head, &w->store, code, storage, nonce);
    }
    out->code = *code_of(w, nonce ? "ethaccount" : "placeholder");
    out->nonce = nonce;
    return FVM_OK;
}

/* The actors that are always there; the state of account 99 is not read. */
static size_t make_singletons(fvm_genesis_actor *actors, const eth_world *w)
{
    actors[0] = (fvm_genesis_actor){ .id = FVM_ID_REWARD, .code = *code_of(w, "reward") };
    actors[1] = (fvm_genesis_actor){ .id = FVM_ID_EAM, .code = *code_of(w, "eam") };
    actors[2] = (fvm_genesis_actor){ .id = FVM_ID_BURNT, .code = *code_of(w, "account") };
    return 3;
}

fvm_err eth_world_build(eth_world *w, const eth_case *c)
{
    size_t builtin_count = w->actors.len / sizeof(fvm_bundle_actor);
    const fvm_bundle_actor *bundle = (const void *)w->actors.ptr;
    size_t most = json_object_size(c->pre) + 4, count;
    const char *address;
    const json_t *account;
    FVM_TRY(fvm_blockstore_buffered_new(&w->store, &w->bundle, NULL));
    if (most > ACCOUNTS_MAX) return FVM_ERR_LIMIT;
    fvm_genesis_builtin *builtins = calloc(builtin_count, sizeof *builtins);
    fvm_genesis_actor *actors = calloc(most, sizeof *actors);
    if (!builtins || !actors) exit(4);
    for (size_t i = 0; i < builtin_count; i++)
        builtins[i] = (fvm_genesis_builtin){ bundle[i].name, bundle[i].code };
    count = make_singletons(actors, w);
    fvm_err err = FVM_OK;
    json_object_foreach((json_t *)(uintptr_t)c->pre, address, account)
    {
        actors[count].id = FIRST_ID + count;
        if ((err = make_actor(&actors[count], w, address, account)) != FVM_OK) break;
        count++;
    }
    fvm_genesis genesis = {
        .network_version = ETH_NETWORK_VERSION,
        .builtins = builtins,
        .builtin_count = builtin_count,
        .actors = actors,
        .actor_count = count,
    };
    if (err == FVM_OK) err = fvm_genesis_build(&w->root, &w->store, &genesis, NULL);
    free(builtins);
    free(actors);
    return err;
}
