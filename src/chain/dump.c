/* dump.c - a state as bytes, and back: gzip of a CAR with two roots, the state tree and the manifest of its
 * built-in actors. These actors' codes are left out, as who takes the dump must have them anyway. */
#include "chain_internal.h"

#include "ipld/car.h"
#include "store/dag.h"
#include "store/gzip.h"

#include <inttypes.h>

#define CAR_MAX (UINT64_C(1) << 30) /* bytes of an unpacked dump */

/* --- writing --- */

typedef struct dumping {
    const fvm_chain *chain;
    fvm_buf car;
} dumping;

static fvm_err add_block(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    dumping *d = ctx;
    if (fvm_manifest_type(d->chain->manifest, cid)) return FVM_OK;
    if (data.len > CAR_MAX - d->car.len) return FVM_ERR_LIMIT;
    return fvm_car_put_block(&d->car, cid, data);
}

/* Blocks stay in the ledger for good, so this needs no lock. */
fvm_err fvm_chain_state_dump(fvm_chain *c, fvm_buf *out)
{
    dumping d = { .chain = c };
    fvm__dag_visitor visitor = { add_block, NULL, &d };
    fvm_tipset head;
    fvm_chain_head(c, &head);
    const fvm_cid roots[] = { head.state, c->params.manifest };
    fvm_buf_init(&d.car, c->alloc);
    fvm_err err = fvm_car_put_header(&d.car, roots, FVM_COUNT(roots));
    if (err == FVM_OK) err = fvm__dag_walk(c->blocks, roots, 1, &visitor, c->alloc, NULL);
    if (err == FVM_OK) err = fvm_gzip(out, fvm_buf_bytes(&d.car));
    fvm_buf_deinit(&d.car);
    return err;
}

/* --- reading --- */

/* Of a walk that is to reach every actor, and needs nothing of them. */
static fvm_err pass_actor(void *ctx, uint64_t id, const fvm_actor *actor)
{
    (void)ctx;
    (void)id;
    (void)actor;
    return FVM_OK;
}

/* The actors without which no tipset executes are there and are the same as ours; the system actor's
 * state, which names the manifest, as well. */
static fvm_err check_singletons(fvm_state_view *theirs, fvm_state_view *ours, fvm_store_why *why)
{
    static const uint64_t ids[] = { FVM_ID_SYSTEM, FVM_ID_INIT, FVM_ID_REWARD, 3,
                                    FVM_ID_EAM,    FVM_ID_BURNT };
    for (size_t i = 0; i < FVM_COUNT(ids); i++) {
        const fvm_actor *a, *b;
        fvm_err err = fvm_state_get(ours, &b, ids[i]);
        if (err == FVM_ERR_NOT_FOUND) continue; /* no EAM before its network version */
        FVM_TRY(err);
        err = fvm_state_get(theirs, &a, ids[i]);
        if (fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
        if (err != FVM_OK || !fvm_cid_eq(&a->code, &b->code) ||
            (ids[i] == FVM_ID_SYSTEM && !fvm_cid_eq(&a->head, &b->head)))
            return fvm__why(why, FVM_ERR_BAD_STATE, "actor f0%" PRIu64 " is missing or another one",
                            ids[i]);
    }
    return FVM_OK;
}

static fvm_err check_state(fvm_chain *c, const fvm_blockstore *bs, const fvm_cid *root,
                           fvm_store_why *why)
{
    fvm_state_view *theirs, *ours;
    fvm_tipset head;
    fvm_chain_head(c, &head);
    fvm_err err = fvm_state_view_open(&theirs, bs, root, &c->net, c->alloc);
    if (err != FVM_OK) return fvm__why(why, err, "no state: %s", fvm_err_text(err));
    err = fvm_state_each(theirs, pass_actor, NULL);
    if (err != FVM_OK) err = fvm__why(why, err, "a broken state: %s", fvm_err_text(err));
    if (err == FVM_OK) err = fvm_state_view_open(&ours, bs, &head.state, &c->net, c->alloc);
    if (err == FVM_OK) {
        err = check_singletons(theirs, ours, why);
        fvm_state_view_free(ours);
    }
    fvm_state_view_free(theirs);
    return err;
}

static fvm_err read_roots(const fvm_chain *c, fvm_cid *state, fvm_bytes car, fvm_store_why *why)
{
    fvm_car_reader reader;
    fvm_cid manifest, none;
    fvm_err err = fvm_car_open(&reader, car);
    if (err == FVM_OK) err = fvm_car_root(&reader, state, 0);
    if (err == FVM_OK) err = fvm_car_root(&reader, &manifest, 1);
    if (err == FVM_OK && fvm_car_root(&reader, &none, 2) == FVM_OK) err = FVM_ERR_MALFORMED;
    if (err != FVM_OK) return fvm__why(why, FVM_ERR_MALFORMED, "no dump of a state");
    if (fvm_cid_eq(&manifest, &c->params.manifest)) return FVM_OK;
    return fvm__why(why, FVM_ERR_VERSION,
                    "a state of other built-in actors (another version of fvm, or --bundle)");
}

static fvm_err load_blocks(fvm_chain *c, const fvm_blockstore *memory, fvm_bytes car,
                           fvm_store_why *why)
{
    const fvm_blockstore *layers[] = { memory, c->blocks };
    fvm_edit edit = { .kind = FVM_EDIT_STATE, .address = fvm_address_id(FVM_ID_SYSTEM) };
    fvm_blockstore both;
    FVM_TRY(read_roots(c, &edit.cid, car, why));
    fvm_err err = fvm_car_load(memory, car);
    if (err != FVM_OK) return fvm__why(why, err, "a broken dump: %s", fvm_err_text(err));
    FVM_TRY(fvm_blockstore_layered_new(&both, layers, FVM_COUNT(layers), c->alloc));
    err = check_state(c, &both, &edit.cid, why);
    fvm_blockstore_free(&both);
    return err == FVM_OK ? fvm__chain_edit(c, &edit, 1, memory, why) : err;
}

fvm_err fvm_chain_state_load(fvm_chain *c, fvm_bytes dump, fvm_store_why *why)
{
    fvm_blockstore memory;
    fvm_buf car;
    fvm_buf_init(&car, c->alloc);
    fvm_err err = fvm_gunzip(&car, dump, CAR_MAX);
    if (err != FVM_OK) err = fvm__why(why, err, "no dump of a state: %s", fvm_err_text(err));
    if (err == FVM_OK && (err = fvm_blockstore_memory_new(&memory, c->alloc)) == FVM_OK) {
        err = load_blocks(c, &memory, fvm_buf_bytes(&car), why);
        fvm_blockstore_free(&memory);
    }
    fvm_buf_deinit(&car);
    return err;
}
