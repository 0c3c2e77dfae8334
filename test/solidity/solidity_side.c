/* solidity_side.c - see solidity_side.h. */
#include "solidity_side.h"

#include "kernel/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCOUNTS_MAX 32u

_Noreturn void side_die(const char *what, fvm_err err)
{
    fprintf(stderr, "run_solidity: %s: %s\n", what, fvm_err_text(err));
    exit(4);
}

static void must(const char *what, fvm_err err)
{
    if (err != FVM_OK) side_die(what, err);
}

/* What actors cost themselves: running, memory, entering the machine. */
static void count_own(void *ctx, const fvm_trace_event *event)
{
    static const char *const own[] = { "wasm_exec", "wasm_memory_init", "wasm_memory_grow",
                                       "wasm_table_init", "OnSyscall" };
    side *s = ctx;
    if (event->kind != FVM_TRACE_CHARGE) return;
    for (size_t i = 0; i < FVM_COUNT(own); i++)
        if (fvm_bytes_eq(event->name, fvm_bytes_of(own[i]))) s->own += event->compute;
}

/* --- genesis --- */

static fvm_big fil(uint64_t n)
{
    fvm_big v = fvm_big_u64(n);
    must("an amount", fvm_big_mul_u64(&v, &v, UINT64_C(1000000000000000000)));
    return v;
}

/* {address, signers?}: an address as bytes in hex; none for a multisig of the IDs in `signers`. */
static void read_account(fvm_genesis_account *out, fvm_address *signer, const json_t *json)
{
    const char *text = json_string_value(json_object_get(json, "address"));
    const json_t *signers = json_object_get(json, "signers");
    fvm_buf bytes;
    *out = (fvm_genesis_account){ .balance = fil(1000000) };
    if (json_array_size(signers)) {
        json_int_t id = json_integer_value(json_array_get(signers, 0));
        *signer = fvm_address_id((uint64_t)id);
        out->signers = signer;
        out->signer_count = out->threshold = 1;
        return;
    }
    fvm_buf_init(&bytes, NULL);
    must("an account", eth_hex(&bytes, text ? text : ""));
    must("an account", fvm_address_read(&out->address, fvm_buf_bytes(&bytes), true));
    fvm_buf_deinit(&bytes);
}

bool side_open(side *s, const char *bundle, const json_t *list)
{
    fvm_genesis_account accounts[ACCOUNTS_MAX];
    fvm_address signers[ACCOUNTS_MAX];
    size_t count = json_array_size(list);
    *s = (side){ .bundle = bundle };
    if (!eth_world_open(&s->world, bundle)) return false;
    if (count > ACCOUNTS_MAX) side_die("accounts", FVM_ERR_LIMIT);
    for (size_t i = 0; i < count; i++)
        read_account(&accounts[i], &signers[i], json_array_get(list, i));
    fvm_genesis_network network = { .network_version = ETH_NETWORK_VERSION,
                                    .bundle = &s->world.bundle,
                                    .manifest = s->world.manifest,
                                    .reward_balance = fil(1000000),
                                    .accounts = accounts,
                                    .account_count = count };
    must("a store", fvm_blockstore_memory_new(&s->base, NULL));
    must("the genesis", fvm_genesis_network_build(&s->genesis, NULL, &s->base, &network, NULL));
    fvm_receipt_init(&s->receipt, NULL);
    s->sink = (fvm_trace_sink){ count_own, s };
    return true;
}

static void end_scenario(side *s)
{
    fvm_machine_free(s->machine);
    s->machine = NULL;
    eth_world_clear(&s->world);
}

void side_close(side *s)
{
    end_scenario(s);
    fvm_receipt_deinit(&s->receipt);
    fvm_blockstore_free(&s->base);
    eth_world_close(&s->world);
}

void side_scenario(side *s, int64_t epoch, uint64_t timestamp)
{
    end_scenario(s);
    must("a store", fvm_blockstore_buffered_new(&s->world.store, &s->base, NULL));
    s->world.root = s->genesis;
    side_epoch(s, epoch, timestamp);
}

void side_epoch(side *s, int64_t epoch, uint64_t timestamp)
{
    fvm_machine_config config = {
        .network_version = ETH_NETWORK_VERSION,
        .chain_id = CHAIN_ID,
        .epoch = epoch,
        .timestamp = timestamp,
        .circulating_supply = fil(10000000),
        .trace = &s->sink,
    };
    fvm_machine_free(s->machine);
    must("a machine",
         fvm_machine_new(&s->machine, s->world.context, &s->world.store, &s->world.root, &config));
}

/* --- messages --- */

void side_apply(side *s, const fvm_message *message)
{
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    must("a message", fvm_message_write(&bytes, message));
    must("a message",
         fvm_machine_apply(s->machine, &s->receipt, message, FVM_APPLY_EXPLICIT, bytes.len));
    must("the state", fvm_machine_flush(s->machine, &s->world.root));
    s->gas += s->receipt.gas_used;
    fvm_buf_deinit(&bytes);
}

static fvm_state_view *open_view(side *s)
{
    fvm_state_view *view;
    must("the state", fvm_state_view_open(&view, &s->world.store, &s->world.root,
                                          fvm_network_find(ETH_NETWORK_VERSION), NULL));
    return view;
}

fvm_big side_balance(side *s, const fvm_address *address)
{
    fvm_state_view *view = open_view(s);
    const fvm_actor *actor;
    fvm_big balance = fvm_big_zero();
    uint64_t id;
    fvm_err err = fvm_state_lookup_id(view, &id, address);
    if (err == FVM_OK) err = fvm_state_get(view, &actor, id);
    if (err == FVM_OK) balance = actor->balance;
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) side_die("a balance", err);
    fvm_state_view_free(view);
    return balance;
}

/* --- ours beside theirs --- */

typedef struct other {
    char *why;
    size_t why_len, count;
    fvm_state_view *theirs;
} other;

static fvm_err compare_actor(void *ctx, uint64_t id, const fvm_actor *a)
{
    other *o = ctx;
    const fvm_actor *b;
    if (o->why[0]) return FVM_OK;
    o->count++;
    fvm_err err = fvm_state_get(o->theirs, &b, id);
    if (err == FVM_ERR_NOT_FOUND) {
        (void)snprintf(o->why, o->why_len, "f0%" PRIu64 " is not there", id);
        return FVM_OK;
    }
    FVM_TRY(err);
    /* the system actor's state is the manifest, which has codes in it */
    const char *what = NULL;
    if (id != FVM_ID_SYSTEM && !fvm_cid_eq(&a->head, &b->head)) what = "state";
    if (a->nonce != b->nonce) what = "nonce";
    if (fvm_big_cmp(&a->balance, &b->balance) != 0) what = "balance";
    if (!fvm_address_eq(&a->delegated, &b->delegated)) what = "address";
    if (what) (void)snprintf(o->why, o->why_len, "f0%" PRIu64 " has another %s", id, what);
    return FVM_OK;
}

static fvm_err count_actor(void *ctx, uint64_t id, const fvm_actor *actor)
{
    (void)id;
    (void)actor;
    (*(size_t *)ctx)++;
    return FVM_OK;
}

void side_compare(char *why, size_t why_len, side *ours, side *theirs)
{
    fvm_state_view *view = open_view(ours);
    other o = { .why = why, .why_len = why_len, .theirs = open_view(theirs) };
    size_t count = 0;
    must("the actors", fvm_state_each(view, compare_actor, &o));
    must("the actors", fvm_state_each(o.theirs, count_actor, &count));
    if (!why[0] && o.count != count)
        (void)snprintf(why, why_len, "%zu actors, not %zu", o.count, count);
    fvm_state_view_free(view);
    fvm_state_view_free(o.theirs);
}
