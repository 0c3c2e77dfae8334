/* view.c - states to look at: a machine each, kept for the next one who asks. A view's changes are a
 * transaction of the machine's state that is undone when it is closed, so that a machine that stands
 * on the head serves call after call without reading the state again. */
#include "chain_internal.h"
#include "view_internal.h"

#include "ipld/buffered.h"
#include "ipld/cbor.h"
#include "ipld/hamt.h"

/* --- a pool of them --- */

static void destroy(fvm_chain *c, fvm_chain_view *v)
{
    fvm__runner_deinit(&v->runner);
    fvm_mem_free(c->alloc, v, sizeof *v);
}

void fvm__views_deinit(fvm_chain *c)
{
    for (fvm_chain_view *next, *v = c->views; v; v = next) {
        next = v->next;
        destroy(c, v);
    }
    c->views = NULL;
}

/* An idle one, on that root if there is; under the lock. */
static fvm_chain_view *pick(fvm_chain *c, const fvm_cid *root)
{
    fvm_chain_view **found = c->views ? &c->views : NULL;
    for (fvm_chain_view **at = &c->views; *at; at = &(*at)->next) {
        if (!(*at)->runner.at_root || !fvm_cid_eq(&(*at)->runner.root, root)) continue;
        found = at;
        break;
    }
    if (!found) return NULL;
    fvm_chain_view *v = *found;
    *found = v->next;
    return v;
}

static fvm_err take(fvm_chain *c, fvm_chain_view **out, const fvm_cid *root)
{
    fvm_err err = FVM_OK;
    pthread_mutex_lock(&c->views_lock);
    fvm_chain_view *v;
    while (!(v = pick(c, root)) && c->view_count >= c->view_max)
        pthread_cond_wait(&c->views_free, &c->views_lock);
    if (!v) c->view_count++; /* its place */
    pthread_mutex_unlock(&c->views_lock);
    if (!v) {
        v = fvm_mem_zalloc(c->alloc, sizeof *v);
        err = v ? fvm__runner_init(&v->runner, c, NULL) : FVM_ERR_NOMEM;
    }
    if (err == FVM_OK) {
        *out = v;
        return FVM_OK;
    }
    fvm_mem_free(c->alloc, v, sizeof *v);
    pthread_mutex_lock(&c->views_lock);
    c->view_count--;
    pthread_cond_signal(&c->views_free);
    pthread_mutex_unlock(&c->views_lock);
    return err;
}

static void give_back(fvm_chain *c, fvm_chain_view *v)
{
    pthread_mutex_lock(&c->views_lock);
    v->next = c->views;
    c->views = v;
    pthread_cond_signal(&c->views_free);
    pthread_mutex_unlock(&c->views_lock);
}

/* --- opening --- */

static fvm_err pick_tipset(fvm_chain *c, fvm_tipset *out, uint64_t number)
{
    if (number == FVM_VIEW_HEAD) {
        fvm_chain_head(c, out);
        return FVM_OK;
    }
    if (number > fvm_chain_head_number(c)) return FVM_ERR_NOT_FOUND;
    return fvm_chain_tipset_near(c, out, number, false);
}

/* What the options name in place of a tipset's. */
static void override_conditions(fvm__conditions *out, const fvm_view_options *o)
{
    if (o->epoch) out->epoch = *o->epoch;
    if (o->timestamp) out->timestamp = *o->timestamp;
    if (o->chain_id) out->chain_id = *o->chain_id;
    if (o->base_fee) out->base_fee = *o->base_fee;
    if (o->randomness) memcpy(out->randomness, o->randomness, 32);
}

static void conditions_of(fvm_chain *c, fvm__conditions *out, const fvm_tipset *t,
                          const fvm_view_options *o)
{
    if (o->next) {
        fvm__next_conditions(c, out, 0);
        if (out->epoch <= t->number) out->epoch = t->number + 1;
    } else {
        fvm_chain_info info;
        fvm_chain_info_get(c, &info);
        *out = (fvm__conditions){
            .epoch = t->number,
            .timestamp = t->timestamp,
            .chain_id = info.chain_id,
            .base_fee = t->base_fee,
        };
        memcpy(out->randomness, t->randomness, 32);
    }
    override_conditions(out, o);
    out->debug = o->debug;
    out->trace = o->trace;
}

fvm_err fvm__view_on(fvm_chain *c, fvm_chain_view **out, const fvm_tipset *t, const fvm_cid *root,
                     uint64_t parent, const fvm__conditions *conditions, uint64_t deadline_ns)
{
    fvm_chain_view *v;
    FVM_TRY(take(c, &v, root));
    v->chain = c;
    v->tipset = *t;
    v->conditions = *conditions;
    v->spoiled = false;
    v->runner.deadline_ns = deadline_ns;
    fvm_err err = fvm__runner_goto(&v->runner, root, parent);
    if (err == FVM_OK) {
        fvm__runner_conditions(&v->runner, conditions);
        err = fvm_state_begin(fvm__view_state(v));
    }
    if (err != FVM_OK) {
        fvm__runner_drop(&v->runner);
        give_back(c, v);
        return err;
    }
    *out = v;
    return FVM_OK;
}

fvm_err fvm_chain_view_open(fvm_chain *c, fvm_chain_view **out, const fvm_view_options *options)
{
    fvm_tipset t;
    fvm__conditions conditions;
    FVM_TRY(pick_tipset(c, &t, options->number));
    conditions_of(c, &conditions, &t, options);
    return fvm__view_on(c, out, &t, options->state ? options->state : &t.state, t.number,
                        &conditions, options->deadline_ns);
}

void fvm_chain_view_close(fvm_chain_view *v)
{
    if (!v) return;
    if (v->runner.machine) {
        fvm_state_end(fvm__view_state(v), true);
        fvm_buffered_clear(&v->runner.machine->store);
        fvm__conditions quiet = v->conditions;
        quiet.trace = NULL;
        fvm__runner_conditions(&v->runner, &quiet);
    }
    /* with the transaction undone it stands where it did */
    v->runner.at_root = v->runner.machine && !v->spoiled;
    give_back(v->chain, v);
}

void fvm_view_move(fvm_chain_view *v, const fvm_view_options *options)
{
    override_conditions(&v->conditions, options);
    fvm__runner_conditions(&v->runner, &v->conditions);
}

const fvm_tipset *fvm_view_tipset(const fvm_chain_view *v)
{
    return &v->tipset;
}

/* --- looking --- */

const fvm_blockstore *fvm_view_blocks(fvm_chain_view *v)
{
    return fvm_machine_blockstore(v->runner.machine);
}

fvm_err fvm_view_root(fvm_chain_view *v, fvm_cid *root)
{
    fvm_state_view *state = fvm__view_state(v);
    fvm_state_end(state, false);
    v->spoiled = true;
    fvm_err err = fvm_machine_root(v->runner.machine, root);
    fvm_err again = fvm_state_begin(state);
    if (again != FVM_OK) fvm__runner_drop(&v->runner);
    return err == FVM_OK ? again : err;
}

fvm_err fvm_view_lookup(fvm_chain_view *v, uint64_t *id, const fvm_address *address)
{
    return fvm_state_lookup_id(fvm__view_state(v), id, address);
}

fvm_err fvm_view_actor(fvm_chain_view *v, fvm_actor *out, uint64_t *id, const fvm_address *address)
{
    const fvm_actor *actor;
    uint64_t found;
    FVM_TRY(fvm_view_lookup(v, &found, address));
    FVM_TRY(fvm_state_get(fvm__view_state(v), &actor, found));
    *out = *actor;
    if (id) *id = found;
    return FVM_OK;
}

fvm_bytes fvm_view_actor_type(fvm_chain_view *v, const fvm_actor *actor)
{
    return fvm_machine_actor_type(v->runner.machine, &actor->code);
}

static fvm_err read_account(fvm_chain_view *v, fvm_address *out, const fvm_actor *actor)
{
    fvm_buf block;
    fvm_buf_init(&block, v->chain->alloc);
    fvm_err err = fvm_blockstore_get(fvm_view_blocks(v), &block, &actor->head);
    if (err == FVM_OK) err = fvm_account_state_address(out, fvm_buf_bytes(&block), true);
    fvm_buf_deinit(&block);
    return fvm__ledger_err(err);
}

fvm_err fvm_view_account_key(fvm_chain_view *v, fvm_address *out, const fvm_address *address)
{
    fvm_actor actor;
    fvm_protocol p = fvm_address_protocol(address);
    if (p == FVM_PROTOCOL_SECP256K1 || p == FVM_PROTOCOL_BLS) {
        *out = *address;
        return FVM_OK;
    }
    FVM_TRY(fvm_view_actor(v, &actor, NULL, address));
    if (fvm__is_builtin(v->chain, &actor.code, "account")) return read_account(v, out, &actor);
    if (!actor.delegated.len) return FVM_ERR_INVALID;
    *out = actor.delegated;
    return FVM_OK;
}

typedef struct robust {
    uint64_t id;
    fvm_address found;
} robust;

static fvm_err compare_id(void *ctx, fvm_bytes key, fvm_bytes value)
{
    robust *r = ctx;
    uint64_t id;
    FVM_TRY(fvm__ledger_err(fvm_cbor_uint(&id, &value)));
    if (id != r->id) return FVM_OK;
    return fvm_address_read(&r->found, key, true);
}

/* A walk over all of the init actor's map: [map, next ID, name]. */
static fvm_err search_map(fvm_chain_view *v, robust *r)
{
    fvm_actor init;
    fvm_address one = fvm_address_id(FVM_ID_INIT);
    fvm_buf block;
    fvm_cid root;
    fvm_hamt *map;
    FVM_TRY(fvm_view_actor(v, &init, NULL, &one));
    fvm_buf_init(&block, v->chain->alloc);
    fvm_err err = fvm_blockstore_get(fvm_view_blocks(v), &block, &init.head);
    fvm_bytes in = fvm_buf_bytes(&block);
    if (err == FVM_OK) err = fvm_cbor_tuple(3, &in);
    if (err == FVM_OK) err = fvm_cbor_cid(&root, &in);
    fvm_buf_deinit(&block);
    FVM_TRY(fvm__ledger_err(err));
    FVM_TRY(fvm_hamt_load(&map, fvm_view_blocks(v), &root, 5, v->chain->alloc));
    err = fvm_hamt_each(map, compare_id, r);
    fvm_hamt_free(map);
    return err;
}

fvm_err fvm_view_robust(fvm_chain_view *v, fvm_address *out, uint64_t id)
{
    fvm_actor actor;
    fvm_address address = fvm_address_id(id);
    robust r = { .id = id };
    FVM_TRY(fvm_view_actor(v, &actor, NULL, &address));
    if (actor.delegated.len) {
        *out = actor.delegated;
        return FVM_OK;
    }
    if (fvm__is_builtin(v->chain, &actor.code, "account")) return read_account(v, out, &actor);
    FVM_TRY(search_map(v, &r));
    if (!r.found.len) return FVM_ERR_NOT_FOUND;
    *out = r.found;
    return FVM_OK;
}

fvm_err fvm_view_eth_address(fvm_chain_view *v, uint8_t out[20], bool *known,
                             const fvm_address *address)
{
    uint64_t id;
    bool there;
    FVM_TRY(fvm__eth_of_address(out, &there, &id, fvm__view_state(v), address));
    if (known) *known = there;
    return FVM_OK;
}

fvm_err fvm_view_each_actor(fvm_chain_view *v,
                            fvm_err (*visit)(void *ctx, uint64_t id, const fvm_actor *actor),
                            void *ctx)
{
    return fvm_state_each(fvm__view_state(v), visit, ctx);
}

/* --- contracts --- */

/* FVM_ERR_NOT_FOUND for what is no contract, or a dead one. */
static fvm_err read_contract(fvm_chain_view *v, fvm__evm_state *out, const fvm_address *address)
{
    fvm_actor actor;
    FVM_TRY(fvm_view_actor(v, &actor, NULL, address));
    if (!fvm__is_builtin(v->chain, &actor.code, "evm")) return FVM_ERR_NOT_FOUND;
    FVM_TRY(fvm__evm_read(out, fvm_view_blocks(v), &actor.head, v->chain->alloc));
    return out->dead ? FVM_ERR_NOT_FOUND : FVM_OK;
}

fvm_err fvm_view_evm_code(fvm_chain_view *v, fvm_buf *out, const fvm_address *address)
{
    fvm__evm_state state;
    fvm_err err = read_contract(v, &state, address);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    return fvm__ledger_err(fvm_blockstore_get(fvm_view_blocks(v), out, &state.bytecode));
}

fvm_err fvm_view_evm_storage(fvm_chain_view *v, uint8_t out[32], const fvm_address *address,
                             const uint8_t slot[32])
{
    fvm__evm_state state;
    memset(out, 0, 32);
    fvm_err err = read_contract(v, &state, address);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    return fvm__evm_get(out, &state, fvm_view_blocks(v), slot, v->chain->alloc);
}

fvm_err fvm_view_nonce(fvm_chain_view *v, uint64_t *out, const fvm_address *address)
{
    fvm__evm_state state;
    fvm_actor actor;
    *out = 0;
    fvm_err err = fvm_view_actor(v, &actor, NULL, address);
    if (err == FVM_ERR_NOT_FOUND) return FVM_OK;
    FVM_TRY(err);
    *out = actor.nonce;
    if (!fvm__is_builtin(v->chain, &actor.code, "evm")) return FVM_OK;
    err = read_contract(v, &state, address);
    if (err == FVM_OK) *out = state.nonce;
    if (err == FVM_ERR_NOT_FOUND) *out = 0;
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}
