/* execute.c - the messages of tipsets on a machine that stays. A machine costs a look at every
 * built-in actor, and what it has read of the state is worth keeping, so one is moved from tipset to
 * tipset, and made anew only after a failure. */
#include "chain_internal.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "ipld/buffered.h"

#define CRON_ID 3
#define CRON_METHOD 2
#define CRON_GAS (FVM_CHAIN_BLOCK_GAS * 10000)

/* --- the outside world --- */

/* Randomness of an epoch: the one that runs, or of the tipset that is there, or the last before. */
static fvm_err randomness_of(const fvm__outside *o, uint8_t out[32], int64_t epoch)
{
    fvm_tipset t;
    if (epoch < 0) return FVM_ERR_INVALID;
    if ((uint64_t)epoch > o->parent) {
        memcpy(out, o->randomness, 32);
        return FVM_OK;
    }
    FVM_TRY(fvm_chain_tipset_near(o->chain, &t, (uint64_t)epoch, false));
    memcpy(out, t.randomness, 32);
    return FVM_OK;
}

static fvm_err beacon_randomness(void *ctx, uint8_t out[32], int64_t epoch)
{
    return randomness_of(ctx, out, epoch);
}

/* The tickets' chain, which here has nothing of its own to say. */
static fvm_err chain_randomness(void *ctx, uint8_t out[32], int64_t epoch)
{
    uint8_t seed[33] = { 't' };
    FVM_TRY(randomness_of(ctx, seed + 1, epoch));
    fvm_blake2b_256(out, (fvm_bytes){ seed, sizeof seed });
    return FVM_OK;
}

static fvm_err tipset_cid(void *ctx, fvm_cid *out, int64_t epoch)
{
    const fvm__outside *o = ctx;
    fvm_tipset t;
    if (epoch < 0 || (uint64_t)epoch > o->parent) return FVM_ERR_INVALID;
    FVM_TRY(fvm_chain_tipset_near(o->chain, &t, (uint64_t)epoch, false));
    *out = t.block; /* same codec and hash */
    memcpy(out->digest, t.hash, 32);
    return FVM_OK;
}

void fvm__outside_init(fvm__outside *o, fvm_chain *chain)
{
    *o = (fvm__outside){ .chain = chain };
    o->externs = (fvm_externs){
        .ctx = o,
        .chain_randomness = chain_randomness,
        .beacon_randomness = beacon_randomness,
        .tipset_cid = tipset_cid,
    };
}

/* --- runners --- */

static bool is_late(void *ctx)
{
    const fvm__runner *r = ctx;
    return r->deadline_ns && fvm_clock_ns() >= r->deadline_ns;
}

fvm_err fvm__runner_init(fvm__runner *r, fvm_chain *chain, fvm_engine *engine)
{
    *r = (fvm__runner){ .chain = chain };
    fvm__outside_init(&r->outside, chain);
    return fvm_context_new(&r->context, engine ? engine : chain->engine, chain->alloc);
}

void fvm__runner_drop(fvm__runner *r)
{
    fvm_machine_free(r->machine);
    r->machine = NULL;
    r->at_root = false;
}

void fvm__runner_deinit(fvm__runner *r)
{
    fvm__runner_drop(r);
    fvm_context_free(r->context);
    r->context = NULL;
}

static fvm_machine_config config_of(fvm__runner *r, const fvm__conditions *c)
{
    const fvm__params *p = &r->chain->params;
    return (fvm_machine_config){
        .network_version = p->network_version,
        .chain_id = c->chain_id,
        .epoch = (int64_t)c->epoch,
        .timestamp = c->timestamp,
        .base_fee = c->base_fee,
        .circulating_supply = p->circulating,
        .user_actors = p->user_actors,
        .externs = &r->outside.externs,
        .actor_debugging = c->debug,
        .trace = c->trace,
    };
}

fvm_err fvm__runner_goto(fvm__runner *r, const fvm_cid *root, uint64_t parent)
{
    static const fvm__conditions none;
    fvm_err err = FVM_OK;
    r->outside.parent = parent;
    if (r->at_root && fvm_cid_eq(&r->root, root)) return FVM_OK;
    r->at_root = false;
    if (r->machine) {
        err = fvm__machine_reset(r->machine, root);
    } else {
        fvm_machine_config config = config_of(r, &none);
        err = fvm_machine_new(&r->machine, r->context, r->chain->blocks, root, &config);
        if (err == FVM_OK) {
            r->machine->interrupted = is_late;
            r->machine->interrupt_ctx = r;
        }
    }
    if (err != FVM_OK) {
        fvm__runner_drop(r);
        return err;
    }
    r->root = *root;
    r->at_root = true;
    return FVM_OK;
}

void fvm__runner_conditions(fvm__runner *r, const fvm__conditions *c)
{
    fvm_machine_config config = config_of(r, c);
    memcpy(r->outside.randomness, c->randomness, 32);
    r->outside.epoch = c->epoch;
    fvm__machine_move(r->machine, &config);
}

/* --- what a tipset consists of --- */

fvm_err fvm__run_cron(fvm__runner *r, uint64_t epoch)
{
    fvm_message message = {
        .to = fvm_address_id(CRON_ID),
        .from = fvm_address_id(FVM_ID_SYSTEM),
        .nonce = epoch,
        .gas_limit = CRON_GAS,
        .method = CRON_METHOD,
    };
    fvm_receipt receipt;
    fvm_receipt_init(&receipt, r->chain->alloc);
    r->at_root = false;
    fvm_err err = fvm_machine_apply(r->machine, &receipt, &message, FVM_APPLY_IMPLICIT, 0);
    if (err == FVM_OK && receipt.exit_code != 0) err = FVM_ERR_BAD_STATE;
    fvm_receipt_deinit(&receipt);
    return err;
}

fvm_err fvm__run_null_rounds(fvm__runner *r, const fvm_tipset *parent, const fvm__conditions *c)
{
    fvm__conditions null = *c;
    for (uint64_t epoch = parent->number + 1; epoch < c->epoch; epoch++) {
        null.epoch = epoch;
        null.timestamp = parent->timestamp;
        fvm__runner_conditions(r, &null);
        FVM_TRY(fvm__run_cron(r, epoch));
    }
    fvm__runner_conditions(r, c);
    return FVM_OK;
}

/* An actor that is no account but was made to speak: its nonce counts what it said. */
static fvm_err count_nonce(fvm__runner *r, const fvm_address *from)
{
    uint64_t id;
    fvm_actor *actor;
    FVM_TRY(fvm_state_lookup_id(r->machine->state, &id, from));
    FVM_TRY(fvm_state_edit(r->machine->state, &actor, id));
    actor->nonce++;
    return FVM_OK;
}

fvm_err fvm__run_message(fvm__runner *r, fvm_receipt *receipt, const fvm_message *message,
                         uint64_t chain_length, bool implicit)
{
    r->at_root = false;
    FVM_TRY(fvm_machine_apply(r->machine, receipt, message,
                              implicit ? FVM_APPLY_IMPLICIT : FVM_APPLY_EXPLICIT, chain_length));
    return implicit ? count_nonce(r, &message->from) : FVM_OK;
}
