/* genesis.c - the first state and tipset of a chain. */
#include "chain_internal.h"

#include "crypto/crypto.h"
#include "ipld/buffered.h"
#include "ipld/cbor.h"
#include "store/dag.h"

#include <stdlib.h>

/* Actor's money together is what circulates. */
static fvm_err add_balance(void *ctx, uint64_t id, const fvm_actor *actor)
{
    (void)id;
    return fvm_big_add(ctx, ctx, &actor->balance);
}

static fvm_err sum_balances(fvm_big *out, const fvm_blockstore *bs, const fvm_cid *root,
                            const fvm_network *net, const fvm_allocator *alloc)
{
    fvm_state_view *state;
    FVM_TRY(fvm_state_view_open(&state, bs, root, net, alloc));
    *out = fvm_big_zero();
    fvm_err err = fvm_state_each(state, add_balance, out);
    fvm_state_view_free(state);
    return err;
}

static fvm_err build_state(fvm__params *p, const fvm_chain_options *o, const fvm_blockstore *bs,
                           const fvm_blockstore *bundle, const fvm_allocator *alloc,
                           fvm_store_why *why)
{
    fvm_genesis_network network = {
        .network_version = p->network_version,
        .network_name = p->network_name,
        .bundle = bundle,
        .manifest = p->manifest,
        .accounts = o->accounts,
        .account_count = o->account_count,
        .extra = o->extra,
        .extra_count = o->extra_count,
    };
    fvm_err err = fvm_genesis_network_build(&p->genesis_state, NULL, bs, &network, alloc);
    if (err == FVM_ERR_INVALID)
        return fvm__why(why, err, "an account twice, or an address of no account");
    return err;
}

static fvm_err copy_block(const fvm_blockstore *to, const fvm_blockstore *from, const fvm_cid *cid,
                          const fvm_allocator *alloc)
{
    fvm_buf block;
    fvm_buf_init(&block, alloc);
    fvm_err err = fvm_blockstore_get(from, &block, cid);
    if (err == FVM_OK) err = fvm_blockstore_put(to, cid, fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

void fvm__next_randomness(uint8_t out[32], const uint8_t before[32], uint64_t epoch)
{
    uint8_t seed[40];
    memcpy(seed, before, 32);
    fvm_store_be64(seed + 32, epoch);
    fvm_blake2b_256(out, (fvm_bytes){ seed, sizeof seed });
}

/* The genesis block: no messages, on its own state. */
static fvm_err put_tipset(fvm_chain *c, const fvm__params *p)
{
    static const uint8_t nothing[32];
    const fvm__block_parts parts = { .count = 0 };
    fvm_tipset t = {
        .timestamp = p->genesis_time,
        .base_fee = p->base_fee,
        .parent_state = p->genesis_state,
        .parent_receipts = fvm_empty_array_cid(),
        .executed = p->genesis_state,
        .state = p->genesis_state,
        .chain_id = p->chain_id,
    };
    fvm__next_randomness(t.randomness, nothing, p->chain_id);
    FVM_TRY(fvm__block_write(&t, c->blocks, &parts, &c->miner, c->alloc));
    return fvm__tipset_put(c, &t);
}

static fvm_err put_all(fvm_chain *c, const fvm__params *p)
{
    c->record.len = 0;
    FVM_TRY(fvm__params_write(&c->record, p));
    FVM_TRY(
        fvm_ledger_put(c->ledger, FVM__TABLE_META, FVM_STR("chain"), fvm_buf_bytes(&c->record)));
    return put_tipset(c, p);
}

static fvm_err make(fvm_chain *c, fvm__params *p, const fvm_chain_options *o,
                    const fvm_blockstore *bundle, fvm_store_why *why)
{
    fvm_blockstore buffer;
    const fvm_network *net = fvm_network_find(p->network_version);
    if (!net || net->era == FVM_ERA_V2)
        return fvm__why(why, FVM_ERR_VERSION, "network version %u is not one of 18 to %u",
                        (unsigned)p->network_version, (unsigned)FVM_NETWORK_VERSION_MAX);
    FVM_TRY(fvm_blockstore_buffered_new(&buffer, c->blocks, c->alloc));
    fvm_err err = build_state(p, o, &buffer, bundle, c->alloc, why);
    if (err == FVM_OK)
        err = sum_balances(&p->circulating, &buffer, &p->genesis_state, net, c->alloc);
    if (err == FVM_OK) {
        fvm_ledger_begin(c->ledger);
        err = fvm_buffered_flush(&buffer, &p->genesis_state, FVM_FLUSH_V3);
        if (err == FVM_OK) err = copy_block(c->blocks, bundle, &p->manifest, c->alloc);
        if (err == FVM_OK) err = put_all(c, p);
        err = fvm_ledger_end(c->ledger, err);
    }
    fvm_blockstore_free(&buffer);
    return err;
}

#define EMBEDDED_ACTORS 18 /* the version that the embedded ones follow */

/* Actors up to v9 are nv17's, v10 and v11 those of nv18 to 20, later ones of nv21 on: each generation has syscalls of
 * its own, and what is made of the wrong one fails at the first message that needs them. */
static fvm_err check_bundle(const fvm__params *p, const char *name, fvm_store_why *why)
{
    const char *v = strrchr(name, 'v');
    const fvm_network *net = fvm_network_find(p->network_version);
    unsigned long actors = v && v > name && v[-1] == '-' ? strtoul(v + 1, NULL, 10) : 0;
    if (!actors) actors = EMBEDDED_ACTORS;
    if (!net || net->era == FVM_ERA_V2) return FVM_OK; /* is said elsewhere */
    bool fits = net->era == FVM_ERA_V3 ? actors == 10 || actors == 11 : actors >= 12;
    if (fits) return FVM_OK;
    return fvm__why(why, FVM_ERR_VERSION,
                    "the actors of bundle %s are not for network version %u: %s would be", name,
                    (unsigned)p->network_version,
                    net->era == FVM_ERA_V3 ? "mainnet-v10 or mainnet-v11 (fvm bundle import)"
                                           : "embedded-user, or mainnet-v12 and later,");
}

fvm_err fvm__genesis_make(fvm_chain *c, const fvm_chain_options *o, fvm_store_why *why)
{
    fvm_blockstore bundle;
    fvm_bundle_info info;
    const char *name = o->bundle ? o->bundle : FVM_BUNDLE_EMBEDDED_USER;
    const char *network = o->network_name ? o->network_name : "libfvm";
    fvm__params p = {
        .chain_id = o->chain_id ? o->chain_id : FVM_CHAIN_ID_DEFAULT,
        .genesis_time = o->genesis_time,
        .epoch_seconds = o->epoch_seconds ? o->epoch_seconds : 30,
        .network_version = o->network_version ? o->network_version : FVM_NETWORK_VERSION_DEFAULT,
        .base_fee = fvm_big_u64(o->base_fee ? o->base_fee : FVM_CHAIN_BASE_FEE_MIN),
    };
    if (!p.genesis_time) p.genesis_time = c->clock_ms(c->clock_ctx) / 1000;
    /* Only our bundle has an init actor that installs codes. */
    p.user_actors = !o->no_user_actors && strcmp(name, FVM_BUNDLE_EMBEDDED_USER) == 0 &&
                    p.network_version >= 21;
    if (strlen(network) >= sizeof p.network_name)
        return fvm__why(why, FVM_ERR_LIMIT, "the network's name is over %zu bytes",
                        sizeof p.network_name - 1);
    memcpy(p.network_name, network, strlen(network) + 1);
    FVM_TRY(check_bundle(&p, name, why));
    FVM_TRY(fvm_bundle_open(&bundle, &info, o->bundle_folder, name, c->alloc, why));
    p.manifest = info.manifest;
    fvm_err err = make(c, &p, o, &bundle, why);
    fvm_blockstore_free(&bundle);
    return err;
}

static fvm_err put_copied(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    const fvm_blockstore *to = ctx;
    bool there;
    FVM_TRY(fvm_blockstore_has(to, &there, cid));
    return there ? FVM_OK : fvm_blockstore_put(to, cid, data);
}

fvm_err fvm__copy_dag(fvm_chain *c, const fvm_blockstore *from, const fvm_cid *root,
                      fvm_store_why *why)
{
    const fvm__dag_visitor visitor = { put_copied, NULL, (void *)(uintptr_t)c->blocks };
    return fvm__dag_walk(from, root, 1, &visitor, c->alloc, why);
}

fvm_err fvm__genesis_copy(fvm_chain *c, const fvm__origin *origin, fvm_store_why *why)
{
    const fvm__params *p = &origin->params;
    fvm_ledger_begin(c->ledger);
    fvm_err err = fvm__copy_dag(c, origin->blocks, &p->genesis_state, why);
    if (err == FVM_OK) err = copy_block(c->blocks, origin->blocks, &p->manifest, c->alloc);
    if (err == FVM_OK) err = put_all(c, p);
    return fvm_ledger_end(c->ledger, err);
}
