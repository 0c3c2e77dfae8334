/* world.c - see world.h. */
#include "world.h"

#include "ipld/cbor.h"
#include "kernel/state.h"
#include "machine/idle_actor.h"
#include <fvm/genesis.h>

/* The manifest, in mainnet's order. */
static const char *const names[] = {
    "system",           "init",          "cron",           "account",  "storagepower",
    "storageminer",     "storagemarket", "paymentchannel", "multisig", "reward",
    "verifiedregistry", "datacap",       "placeholder",    "evm",      "eam",
    "ethaccount",
};
enum { SYSTEM, INIT, CRON, ACCOUNT, REWARD = 9 };

/* Stores the idle actor with a custom section that holds a name, so that every built-in actor has a code of
 * its own. */
static fvm_err put_idle(fvm_cid *code, const fvm_blockstore *bs, const char *name)
{
    uint8_t module[sizeof fvm__idle_actor + 64];
    size_t len = strlen(name), at = sizeof fvm__idle_actor;
    memcpy(module, fvm__idle_actor, sizeof fvm__idle_actor);
    module[at++] = 0; /* custom section: id, size, name length, name */
    module[at++] = (uint8_t)(len + 1);
    module[at++] = (uint8_t)len;
    memcpy(module + at, name, len);
    return fvm_blockstore_put_new(bs, code, FVM_CODEC_RAW, (fvm_bytes){ module, at + len });
}

/* An account's state: [address]. */
static fvm_err put_account_state(fvm_cid *head, const fvm_blockstore *bs,
                                 const fvm_address *address)
{
    fvm_buf state;
    fvm_buf_init(&state, NULL);
    fvm_err err = fvm_cbor_put_array(&state, 1);
    if (err == FVM_OK)
        err = fvm_cbor_put_bytes(&state, (fvm_bytes){ address->bytes, address->len });
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(bs, head, FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&state));
    fvm_buf_deinit(&state);
    return err;
}

fvm_err fvm_world_make_with_state(fvm_cid *root, fvm_address *accounts, size_t count,
                                  const fvm_blockstore *bs, uint32_t network_version,
                                  fvm_bytes wasm, const fvm_cid *head, const fvm_big *balance)
{
    enum { OTHERS = 3 };
    fvm_genesis_builtin builtins[FVM_COUNT(names)];
    fvm_genesis_actor actors[OTHERS + FVM_WORLD_ACCOUNTS_MAX];
    fvm_big fortune;
    fvm_cid code;
    if (count == 0 || count > FVM_WORLD_ACCOUNTS_MAX) return FVM_ERR_INVALID;
    FVM_TRY(fvm_big_from_text(&fortune, FVM_STR("1000000000000000000000000000"))); /* 10^9 FIL */
    for (size_t i = 0; i < FVM_COUNT(names); i++) {
        builtins[i].name = names[i];
        FVM_TRY(put_idle(&builtins[i].code, bs, names[i]));
    }
    FVM_TRY(fvm_blockstore_put_new(bs, &code, FVM_CODEC_RAW, wasm));
    actors[0] = (fvm_genesis_actor){ .id = FVM_ID_REWARD, .code = builtins[REWARD].code };
    actors[1] = (fvm_genesis_actor){ .id = FVM_ID_BURNT, .code = builtins[ACCOUNT].code };
    actors[2] = (fvm_genesis_actor){ .id = FVM_WORLD_ACTOR, .code = code, .balance = *balance };
    if (head) actors[2].head = *head;
    for (size_t i = 0; i < count; i++) {
        /* no signature is checked here, so any key will do */
        uint8_t key[65] = { 0x04, 1, 2, 3, (uint8_t)i };
        fvm_genesis_actor *account = &actors[OTHERS + i];
        accounts[i] = fvm_address_secp256k1(key);
        *account = (fvm_genesis_actor){ .id = FVM_WORLD_SENDER + i,
                                        .code = builtins[ACCOUNT].code,
                                        .balance = fortune,
                                        .address = accounts[i] };
        FVM_TRY(put_account_state(&account->head, bs, &accounts[i]));
    }
    fvm_genesis genesis = {
        .network_version = network_version,
        .builtins = builtins,
        .builtin_count = FVM_COUNT(builtins),
        .actors = actors,
        .actor_count = OTHERS + count,
    };
    return fvm_genesis_build(root, bs, &genesis, NULL);
}

fvm_err fvm_world_make_accounts(fvm_cid *root, fvm_address *accounts, size_t count,
                                const fvm_blockstore *bs, uint32_t network_version, fvm_bytes wasm,
                                const fvm_big *balance)
{
    return fvm_world_make_with_state(root, accounts, count, bs, network_version, wasm, NULL,
                                     balance);
}

fvm_err fvm_world_make(fvm_cid *root, fvm_address *sender, const fvm_blockstore *bs,
                       uint32_t network_version, fvm_bytes wasm, const fvm_big *balance)
{
    return fvm_world_make_accounts(root, sender, 1, bs, network_version, wasm, balance);
}
