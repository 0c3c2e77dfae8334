/* twin.c - see twin.h. */
#include "twin.h"

#include "cli/cmd_actor.h"
#include "crypto/crypto.h"
#include "ipld/cbor.h"
#include "ipld/hamt.h"
#include "kernel/state.h"
#include <fvm/store.h>

#include <stdlib.h>

static const struct {
    const char *name;
    uint64_t id;
} names[] = {
    { "stranger", TWIN_STRANGER },
    { "contract", TWIN_CONTRACT },
    { "puppet", TWIN_PUPPET },
    { "new_system", TWIN_NEW_SYSTEM },
    { "new_init", TWIN_NEW_INIT },
    { "new_cron", TWIN_NEW_CRON },
    { "new_account", TWIN_NEW_ACCOUNT },
    { "new_reward", TWIN_NEW_REWARD },
    { "new_multisig", TWIN_NEW_MULTISIG },
    { "new_paych", TWIN_NEW_PAYCH },
    { "new_evm", TWIN_NEW_EVM },
    { "new_evm4", TWIN_NEW_EVM4 },
    { "new_ethaccount", TWIN_NEW_ETHACCOUNT },
    { "new_eam", TWIN_NEW_EAM },
    { "new_placeholder", TWIN_NEW_PLACEHOLDER },
    { "system", 0 },
    { "init", 1 },
    { "reward", 2 },
    { "cron", 3 },
    { "power", 4 },
    { "eam", 10 },
    { "burnt", 99 },
    { "alice", TWIN_ALICE },
    { "bob", TWIN_BOB },
    { "carol", TWIN_CAROL },
    { "dave", TWIN_DAVE },
    { "eve", TWIN_EVE },
    { "wallet", TWIN_WALLET },
    { "locked", TWIN_LOCKED },
    { "new", TWIN_FIRST_CREATED },
    { "next", TWIN_FIRST_CREATED + 1 },
};

#define GAS_LIMIT UINT64_C(10000000000)

void twin_secret(uint8_t key[32], uint64_t id)
{
    memset(key, (int)(id - TWIN_ALICE + 1), 32);
}

static fvm_address make_key_address(uint64_t id)
{
    uint8_t secret[32], public_key[65], eth[20];
    fvm_address a;
    memset(eth, 0xe5, sizeof eth);
    twin_secret(secret, id);
    if (id == TWIN_EVE) {
        CHECK_OK(fvm_address_delegated(&a, 10, (fvm_bytes){ eth, sizeof eth }));
        return a;
    }
    if (id == TWIN_CAROL) {
        CHECK(fvm_bls_public_key(public_key, secret));
        return fvm_address_bls(public_key);
    }
    CHECK(fvm_secp256k1_public_key(public_key, secret));
    return fvm_address_secp256k1(public_key);
}

fvm_address twin_key_address(uint64_t id)
{
    static fvm_address known[TWIN_EVE - TWIN_ALICE + 1]; /* as keys take their time */
    fvm_address *a = &known[id - TWIN_ALICE];
    if (a->len == 0) *a = make_key_address(id);
    return *a;
}

/* --- opening --- */

static fvm_big fil(uint64_t n)
{
    fvm_big v = fvm_big_u64(n);
    CHECK_OK(fvm_big_mul_u64(&v, &v, UINT64_C(1000000000000000000)));
    return v;
}

static fvm_cid code_of(twin_side *s, const char *type);

/* Charges by what they are for; all others are of calls. */
static const struct {
    const char *name;
    twin_spent what;
} charges[] = {
    { "wasm_exec", TWIN_OWN },
    { "wasm_memory_init", TWIN_OWN },
    { "wasm_memory_grow", TWIN_OWN },
    { "wasm_table_init", TWIN_OWN },
    { "OnSyscall", TWIN_OWN },
    { "OnChainMessage", TWIN_INCLUSION },
    { "OnChainReturnValue", TWIN_INCLUSION },
    { "OnBlockCreate", TWIN_STORAGE },
    { "OnBlockLink", TWIN_STORAGE },
    { "OnScanIpldLinks", TWIN_STORAGE },
    { "OnActorUpdate", TWIN_STORAGE },
    { "OnActorSetRoot", TWIN_STORAGE },
    { "OnCreateActor", TWIN_STORAGE },
    { "OnDeleteActor", TWIN_STORAGE },
    { "OnActorEvent", TWIN_STORAGE },
    { "OnActorEventValidate", TWIN_STORAGE },
    { "OnActorEventAccept", TWIN_STORAGE },
    { "OnBlockOpen", TWIN_OPENING },
    { "OnBlockOpenBase", TWIN_OPENING },
    { "OnBlockOpenPerByte", TWIN_OPENING },
    { "OnBlockRead", TWIN_OPENING },
    { "OnBlockStat", TWIN_OPENING },
};

static void count_spent(void *ctx, const fvm_trace_event *event)
{
    twin_side *s = ctx;
    twin_spent what = TWIN_CALLS;
    if (s->twin->watch) s->twin->watch(s->twin->watch_ctx, s->number, event);
    if (event->kind != FVM_TRACE_CHARGE) return;
    for (size_t i = 0; i < FVM_COUNT(charges); i++)
        if (fvm_bytes_eq(event->name, fvm_bytes_of(charges[i].name))) what = charges[i].what;
    s->spent[what] += event->charged;
}

static void open_machine(twin_side *s, int64_t epoch, bool user_actors)
{
    fvm_machine_config config = {
        .network_version = 27,
        .chain_id = 31415926,
        .epoch = epoch,
        .timestamp = 1,
        .base_fee = fvm_big_u64(100),
        .circulating_supply = fil(10000),
        .user_actors = user_actors,
        .trace = s->twin->untraced ? NULL : &s->sink,
    };
    CHECK_OK(fvm_machine_new(&s->machine, s->context, &s->store, &s->root, &config));
}

static fvm_cid put_wasm(const fvm_blockstore *bs, const char *name)
{
    char path[512];
    uint8_t chunk[4096];
    size_t n;
    fvm_buf wasm;
    fvm_cid code;
    (void)snprintf(path, sizeof path, ACTORS_DIR "/%s.wasm", name);
    FILE *f = fopen(path, "rb");
    CHECK_AT(path, f != NULL);
    fvm_buf_init(&wasm, NULL);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        CHECK_OK(fvm_buf_append(&wasm, (fvm_bytes){ chunk, n }));
    fclose(f);
    CHECK_OK(fvm_blockstore_put_new(bs, &code, FVM_CODEC_RAW, fvm_buf_bytes(&wasm)));
    fvm_buf_deinit(&wasm);
    return code;
}

/* The bundle with puppets in two places, as s->bundle and s->manifest. */
static void put_puppets(twin_side *s, const fvm_blockstore *bundle, const fvm_bundle_info *info)
{
    fvm_buf actors, list, code;
    fvm_cid data;
    fvm_buf_init(&actors, NULL);
    fvm_buf_init(&list, NULL);
    fvm_buf_init(&code, NULL);
    CHECK_OK(fvm_blockstore_memory_new(&s->bundle, NULL));
    CHECK_OK(fvm_bundle_actors(&actors, bundle, &info->manifest, NULL));
    const fvm_bundle_actor *a = (const fvm_bundle_actor *)(void *)actors.ptr;
    size_t count = actors.len / sizeof *a;
    CHECK_OK(fvm_cbor_put_array(&list, count));
    for (size_t i = 0; i < count; i++) {
        fvm_cid cid = a[i].code;
        if (strcmp(a[i].name, "storageminer") == 0) {
            cid = put_wasm(&s->bundle, "puppet");
        } else if (strcmp(a[i].name, "storagepower") == 0) {
            cid = put_wasm(&s->bundle, "puppet_power");
        } else {
            code.len = 0;
            CHECK_OK(fvm_blockstore_get(bundle, &code, &cid));
            CHECK_OK(fvm_blockstore_put(&s->bundle, &cid, fvm_buf_bytes(&code)));
        }
        CHECK_OK(fvm_cbor_put_array(&list, 2));
        CHECK_OK(fvm_cbor_put_text(&list, fvm_bytes_of(a[i].name)));
        CHECK_OK(fvm_cbor_put_cid(&list, &cid));
    }
    CHECK_OK(fvm_blockstore_put_new(&s->bundle, &data, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&list)));
    list.len = 0;
    CHECK_OK(fvm_cbor_put_array(&list, 2));
    CHECK_OK(fvm_cbor_put_uint(&list, 1));
    CHECK_OK(fvm_cbor_put_cid(&list, &data));
    CHECK_OK(
        fvm_blockstore_put_new(&s->bundle, &s->manifest, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&list)));
    fvm_buf_deinit(&actors);
    fvm_buf_deinit(&list);
    fvm_buf_deinit(&code);
}

static void open_side(twin *t, int number, bool user_actors)
{
    twin_side *s = &t->side[number];
    uint8_t eth[20];
    fvm_address new_evm4;
    memset(eth, 0x4e, sizeof eth);
    CHECK_OK(fvm_address_delegated(&new_evm4, 10, (fvm_bytes){ eth, sizeof eth }));
    s->twin = t;
    s->number = number;
    fvm_genesis_account accounts[TWIN_END - TWIN_ALICE] = { { .threshold = 0 } };
    const fvm_address alice[] = { fvm_address_id(TWIN_ALICE) };
    const fvm_address both[] = { twin_key_address(TWIN_ALICE), fvm_address_id(TWIN_BOB) };
    for (uint64_t id = TWIN_ALICE; id <= TWIN_EVE; id++) {
        accounts[id - TWIN_ALICE].address = twin_key_address(id);
        accounts[id - TWIN_ALICE].balance = fil(1000);
    }
    accounts[TWIN_WALLET - TWIN_ALICE] = (fvm_genesis_account){
        .balance = fil(100), .signers = both, .signer_count = 2, .threshold = 2
    };
    accounts[TWIN_LOCKED - TWIN_ALICE] = (fvm_genesis_account){ .balance = fil(100),
                                                                .signers = alice,
                                                                .signer_count = 1,
                                                                .threshold = 1,
                                                                .unlock_duration = 1000 };
    const fvm_genesis_actor extra[] = {
        { .id = TWIN_POWER, .code = code_of(s, "storagepower") },
        { .id = TWIN_NEW_SYSTEM, .code = code_of(s, "system") },
        { .id = TWIN_NEW_INIT, .code = code_of(s, "init") },
        { .id = TWIN_NEW_CRON, .code = code_of(s, "cron") },
        { .id = TWIN_NEW_ACCOUNT, .code = code_of(s, "account") },
        { .id = TWIN_NEW_REWARD, .code = code_of(s, "reward") },
        { .id = TWIN_NEW_MULTISIG, .code = code_of(s, "multisig") },
        { .id = TWIN_NEW_PAYCH, .code = code_of(s, "paymentchannel") },
        { .id = TWIN_NEW_EVM, .code = code_of(s, "evm") },
        { .id = TWIN_NEW_EVM4, .code = code_of(s, "evm"), .address = new_evm4 },
        { .id = TWIN_NEW_ETHACCOUNT, .code = code_of(s, "ethaccount") },
        { .id = TWIN_NEW_EAM, .code = code_of(s, "eam") },
        { .id = TWIN_NEW_PLACEHOLDER, .code = code_of(s, "placeholder") },
        { .id = TWIN_STRANGER, .code = fvm_cid_of(FVM_CODEC_RAW, FVM_STR("never run")) },
        { .id = TWIN_CONTRACT, .code = code_of(s, "evm") },
        { .id = TWIN_PUPPET, .code = code_of(s, "storageminer"), .balance = fil(100) },
    };
    fvm_genesis_network network = { .network_version = 27,
                                    .bundle = &s->bundle,
                                    .manifest = s->manifest,
                                    .reward_balance = fil(1000000),
                                    .accounts = accounts,
                                    .account_count = FVM_COUNT(accounts),
                                    .extra = extra,
                                    .extra_count = FVM_COUNT(extra) };
    CHECK_OK(fvm_blockstore_memory_new(&s->store, NULL));
    CHECK_OK(fvm_genesis_network_build(&s->root, NULL, &s->store, &network, NULL));
    CHECK_OK(fvm_engine_new(&s->engine, NULL));
    CHECK_OK(fvm_context_new(&s->context, s->engine, NULL));
    fvm_receipt_init(&s->receipt, NULL);
    s->gas = 0;
    s->sink = (fvm_trace_sink){ count_spent, s };
    open_machine(s, 1, user_actors);
}

static void check_same_state(twin *t, const char *why);

void twin_open(twin *t)
{
    static const char *const bundles[] = { FVM_BUNDLE_EMBEDDED, "mainnet-v18" };
    *t = (twin){ .epoch = 1, .gas_limit = GAS_LIMIT };
    for (int i = 0; i < 2; i++) {
        fvm_bundle_info info;
        fvm_blockstore bundle;
        fvm_err err = fvm_bundle_open(&bundle, &info, NULL, bundles[i], NULL, NULL);
        if (i == 1 && err == FVM_ERR_NOT_FOUND) break;
        CHECK_OK(err);
        t->sides++;
        put_puppets(&t->side[i], &bundle, &info);
        fvm_blockstore_free(&bundle);
        open_side(t, i, false);
    }
    check_same_state(t, "genesis");
}

void twin_open_user(twin *t)
{
    fvm_bundle_info info;
    fvm_blockstore bundle;
    *t = (twin){ .sides = 1, .epoch = 1, .gas_limit = GAS_LIMIT, .user_actors = true };
    CHECK_OK(fvm_bundle_open(&bundle, &info, NULL, FVM_BUNDLE_EMBEDDED_USER, NULL, NULL));
    put_puppets(&t->side[0], &bundle, &info);
    fvm_blockstore_free(&bundle);
    open_side(t, 0, true);
}

void twin_close(twin *t)
{
    for (int i = 0; i < t->sides; i++) {
        twin_side *s = &t->side[i];
        fvm_receipt_deinit(&s->receipt);
        fvm_machine_free(s->machine);
        fvm_context_free(s->context);
        fvm_engine_free(s->engine);
        fvm_blockstore_free(&s->store);
        fvm_blockstore_free(&s->bundle);
    }
}

void twin_epoch(twin *t, int64_t epoch)
{
    t->epoch = epoch;
    for (int i = 0; i < t->sides; i++) {
        twin_side *s = &t->side[i];
        CHECK_OK(fvm_machine_flush(s->machine, &s->root));
        fvm_machine_free(s->machine);
        open_machine(s, epoch, t->user_actors);
    }
}

/* --- comparing --- */

typedef struct dump {
    twin_side *side;
    fvm_manifest *manifest;
    fvm_buf
        text; /* one stretch for each actor, in the tree's order, which is the same on both sides */
} dump;

static fvm_err dump_actor(void *ctx, fvm_bytes key, fvm_bytes value)
{
    dump *d = ctx;
    fvm_cid code;
    CHECK_OK(fvm_cbor_tuple(5, &value));
    CHECK_OK(fvm_cbor_cid(&code, &value));
    uint8_t type = (uint8_t)fvm_manifest_type(d->manifest, &code);
    CHECK_OK(fvm_buf_append(&d->text, key));
    CHECK_OK(fvm_buf_append(&d->text, (fvm_bytes){ &type, 1 }));
    if (key.len == 2 && key.ptr[1] == 0)
        CHECK_OK(fvm_cbor_cid(&code, &value)); /* f00: the registry */
    return fvm_buf_append(&d->text, value);
}

static void dump_state(fvm_buf *out, twin_side *s)
{
    const fvm_blockstore *bs = fvm_machine_blockstore(s->machine);
    const fvm_network *net = fvm_network_find(27);
    fvm_buf block;
    fvm_bytes in;
    fvm_cid root, actors, data;
    uint64_t version;
    fvm_hamt *tree;
    dump d = { .side = s };
    fvm_buf_init(&block, NULL);
    fvm_buf_init(&d.text, NULL);
    CHECK_OK(fvm_machine_root(s->machine, &root));
    CHECK_OK(fvm_blockstore_get(bs, &block, &root));
    in = fvm_buf_bytes(&block);
    CHECK_OK(fvm_cbor_tuple(3, &in));
    CHECK_OK(fvm_cbor_uint(&version, &in));
    CHECK_OK(fvm_cbor_cid(&actors, &in));
    block.len = 0;
    CHECK_OK(fvm_blockstore_get(&s->bundle, &block, &s->manifest));
    in = fvm_buf_bytes(&block);
    CHECK_OK(fvm_cbor_tuple(2, &in));
    CHECK_OK(fvm_cbor_uint(&version, &in));
    CHECK_OK(fvm_cbor_cid(&data, &in));
    CHECK_OK(fvm_manifest_load(&d.manifest, &s->bundle, &data, net, NULL));
    CHECK_OK(fvm_hamt_load(&tree, bs, &actors, 5, NULL));
    CHECK_OK(fvm_hamt_each(tree, dump_actor, &d));
    fvm_hamt_free(tree);
    fvm_manifest_free(d.manifest);
    fvm_buf_deinit(&block);
    *out = d.text;
}

static fvm_err add_balance(void *ctx, uint64_t id, const fvm_actor *actor)
{
    (void)id;
    return fvm_big_add(ctx, ctx, &actor->balance);
}

fvm_big twin_supply(twin *t, int side)
{
    fvm_big sum = fvm_big_zero();
    fvm_state_view *view;
    fvm_cid root;
    CHECK_OK(fvm_machine_root(t->side[side].machine, &root));
    CHECK_OK(fvm_state_view_open(&view, fvm_machine_blockstore(t->side[side].machine), &root,
                                 fvm_network_find(27), NULL));
    CHECK_OK(fvm_state_each(view, add_balance, &sum));
    fvm_state_view_free(view);
    return sum;
}

static void check_same_state(twin *t, const char *why)
{
    fvm_buf text[2];
    if (t->sides < 2) return;
    for (int i = 0; i < 2; i++) dump_state(&text[i], &t->side[i]);
    if (!fvm_bytes_eq(fvm_buf_bytes(&text[0]), fvm_buf_bytes(&text[1])))
        fprintf(stderr, "the states differ after: %s\n", why);
    CHECK_BYTES(fvm_buf_bytes(&text[0]), fvm_buf_bytes(&text[1]));
    fvm_buf_deinit(&text[0]);
    fvm_buf_deinit(&text[1]);
}

static fvm_big amount(const char *text);

/* --- sending --- */

void twin_describe(char *out, size_t len, const char *how, uint64_t from, const fvm_address *to,
                   uint64_t method, fvm_bytes params)
{
    int n = snprintf(out, len, "%sfrom f0%llu method %llu to ", how, (unsigned long long)from,
                     (unsigned long long)method);
    for (size_t i = 0; i < to->len && (size_t)n + 3 < len; i++)
        n += snprintf(out + n, len - (size_t)n, "%02x", to->bytes[i]);
    for (size_t i = 0; i < params.len && (size_t)n + 12 < len; i++)
        n += snprintf(out + n, len - (size_t)n, i ? "%02x" : " with %02x", params.ptr[i]);
}

uint64_t twin_nonce(twin *t, uint64_t id)
{
    const fvm_actor *actor;
    fvm_state_view *view;
    fvm_cid root;
    CHECK_OK(fvm_machine_root(t->side[0].machine, &root));
    CHECK_OK(fvm_state_view_open(&view, fvm_machine_blockstore(t->side[0].machine), &root,
                                 fvm_network_find(27), NULL));
    fvm_err err = fvm_state_get(view, &actor, id);
    uint64_t nonce = err == FVM_OK ? actor->nonce : 0;
    fvm_state_view_free(view);
    return nonce;
}

uint64_t twin_chain_length(const fvm_message *message)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    CHECK_OK(fvm_message_write(&bytes, message));
    uint64_t len = bytes.len + 1 + 2 + 66; /* [message, type and signature] */
    fvm_buf_deinit(&bytes);
    return len;
}

static const fvm_receipt *send_both(twin *t, const char *why, fvm_apply_kind kind,
                                    fvm_message *message, const fvm_bytes params[2])
{
    message->gas_limit = t->gas_limit;
    for (int i = 0; i < t->sides; i++) {
        twin_side *s = &t->side[i];
        message->params = params[i];
        CHECK_OK(fvm_machine_apply(s->machine, &s->receipt, message, kind,
                                   kind == FVM_APPLY_EXPLICIT ? twin_chain_length(message) : 0));
        s->gas += s->receipt.gas_used;
    }
    t->nonce++; /* robust addresses are made of it */
    const fvm_receipt *ours = &t->side[0].receipt, *theirs = &t->side[1].receipt;
    if (t->sides < 2) return ours;
    if (ours->exit_code != theirs->exit_code)
        fprintf(stderr, "%s: exit code %u, v18's is %u\n", why, ours->exit_code, theirs->exit_code);
    CHECK_AT(why, ours->exit_code == theirs->exit_code);
    CHECK_BYTES(fvm_buf_bytes(&ours->return_data), fvm_buf_bytes(&theirs->return_data));
    CHECK_AT(why, ours->has_return_codec == theirs->has_return_codec);
    CHECK_AT(why, !ours->has_return_codec || ours->return_codec == theirs->return_codec);
    CHECK_BYTES(fvm_buf_bytes(&ours->events), fvm_buf_bytes(&theirs->events));
    check_same_state(t, why);
    return ours;
}

const fvm_receipt *twin_send_each(twin *t, const char *why, uint64_t from, const fvm_address *to,
                                  uint64_t method, const fvm_big *value, const fvm_bytes params[2])
{
    fvm_message message = { .from = fvm_address_id(from),
                            .to = *to,
                            .nonce = t->nonce,
                            .value = *value,
                            .method = method };
    return send_both(t, why, FVM_APPLY_IMPLICIT, &message, params);
}

const fvm_receipt *twin_send_explicit(twin *t, uint64_t from, const fvm_address *to,
                                      uint64_t method, const fvm_big *value, fvm_bytes params,
                                      uint64_t nonce_off)
{
    fvm_message message = { .from = fvm_address_id(from),
                            .to = *to,
                            .nonce = twin_nonce(t, from) + nonce_off,
                            .value = *value,
                            .method = method };
    char why[600];
    twin_describe(why, sizeof why, "explicit, ", from, to, method, params);
    return send_both(t, why, FVM_APPLY_EXPLICIT, &message, (const fvm_bytes[]){ params, params });
}

const fvm_receipt *twin_send(twin *t, uint64_t from, const fvm_address *to, uint64_t method,
                             const fvm_big *value, fvm_bytes params)
{
    char why[600];
    twin_describe(why, sizeof why, "", from, to, method, params);
    return twin_send_each(t, why, from, to, method, value, (const fvm_bytes[]){ params, params });
}

/* The code of a type: of ours or of v18's. */
static fvm_cid code_of(twin_side *s, const char *type)
{
    fvm_buf actors;
    fvm_buf_init(&actors, NULL);
    CHECK_OK(fvm_bundle_actors(&actors, &s->bundle, &s->manifest, NULL));
    const fvm_bundle_actor *a = (const fvm_bundle_actor *)(void *)actors.ptr;
    for (size_t i = 0; i < actors.len / sizeof *a; i++) {
        if (strcmp(a[i].name, type) != 0) continue;
        fvm_cid code = a[i].code;
        fvm_buf_deinit(&actors);
        return code;
    }
    test_fail(__FILE__, __LINE__, "a type of the bundle", type);
}

fvm_cid twin_code(twin *t, int side, const char *type)
{
    return code_of(&t->side[side < t->sides ? side : 0], type);
}

const fvm_receipt *twin_exec(twin *t, const char *why, const char *from, const char *type,
                             const char *value, const char *constructor)
{
    fvm_buf inner, params[2];
    fvm_address init = fvm_address_id(FVM_ID_INIT);
    fvm_big v = amount(value);
    fvm_buf_init(&inner, NULL);
    if (constructor) twin_value(&inner, constructor);
    for (int i = 0; i < 2; i++) {
        fvm_cid code = twin_code(t, i, type);
        fvm_buf_init(&params[i], NULL);
        CHECK_OK(fvm_cbor_put_array(&params[i], 2));
        CHECK_OK(fvm_cbor_put_cid(&params[i], &code));
        CHECK_OK(fvm_cbor_put_bytes(&params[i], fvm_buf_bytes(&inner)));
    }
    const fvm_receipt *receipt = twin_send_each(
        t, why, twin_id(from), &init, 2, &v,
        (const fvm_bytes[]){ fvm_buf_bytes(&params[0]), fvm_buf_bytes(&params[1]) });
    fvm_buf_deinit(&inner);
    fvm_buf_deinit(&params[0]);
    fvm_buf_deinit(&params[1]);
    return receipt;
}

/* --- scripts --- */

uint64_t twin_id(const char *name)
{
    if (name[0] == 'f' && name[1] == '0') return strtoull(name + 2, NULL, 10);
    for (size_t i = 0; i < FVM_COUNT(names); i++)
        if (strcmp(names[i].name, name) == 0) return names[i].id;
    test_fail(__FILE__, __LINE__, "a name of twin.c", name);
}

void twin_value(fvm_buf *out, const char *notation)
{
    const char *name[FVM_COUNT(names)];
    fvm_address address[FVM_COUNT(names)];
    uint64_t id[FVM_COUNT(names)];
    for (size_t i = 0; i < FVM_COUNT(names); i++) {
        name[i] = names[i].name;
        id[i] = names[i].id;
        bool key = id[i] >= TWIN_ALICE && id[i] <= TWIN_EVE; /* others are known by ID alone */
        address[i] = key ? twin_key_address(id[i]) : fvm_address_id(id[i]);
    }
    fvm_actor_names all = { name, address, id, FVM_COUNT(names) };
    fvm_bytes rest = fvm_bytes_of(notation);
    fvm_err err = fvm_actor_value(out, &rest, &all);
    if (err != FVM_OK || rest.len) test_fail(__FILE__, __LINE__, "a value", notation);
}

static fvm_big amount(const char *text)
{
    fvm_big v = fvm_big_zero();
    fvm_buf buf;
    fvm_bytes in, bytes;
    if (!text) return v;
    fvm_buf_init(&buf, NULL);
    twin_value(&buf, text);
    in = fvm_buf_bytes(&buf);
    CHECK_OK(fvm_cbor_bytes(&bytes, &in, NULL));
    CHECK_OK(fvm_big_read(&v, bytes));
    fvm_buf_deinit(&buf);
    return v;
}

static void check_step(const twin_step *step, const fvm_receipt *receipt)
{
    fvm_buf want;
    if (step->exit_code == TWIN_ANY_CODE) return;
    if (receipt->exit_code != step->exit_code)
        fprintf(stderr, "%s: exit code %u instead of %u%s%s\n", step->why, receipt->exit_code,
                step->exit_code, receipt->failure ? ": " : "",
                receipt->failure ? receipt->failure : "");
    CHECK_AT(step->why, receipt->exit_code == step->exit_code);
    if (!step->ret) return;
    fvm_buf_init(&want, NULL);
    if (step->ret[0]) twin_value(&want, step->ret);
    CHECK_BYTES(fvm_buf_bytes(&receipt->return_data), fvm_buf_bytes(&want));
    fvm_buf_deinit(&want);
}

void twin_run(twin *t, const twin_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const twin_step *step = &steps[i];
        fvm_address to = fvm_address_id(twin_id(step->to));
        fvm_big value = amount(step->value);
        fvm_buf params;
        fvm_buf_init(&params, NULL);
        if (step->params) twin_value(&params, step->params);
        check_step(
            step,
            twin_send_each(t, step->why, twin_id(step->from), &to, step->method, &value,
                           (const fvm_bytes[]){ fvm_buf_bytes(&params), fvm_buf_bytes(&params) }));
        fvm_buf_deinit(&params);
    }
}
