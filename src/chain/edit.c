/* edit.c - changes of the state that no message makes: what development methods and state overrides ask
 * for. Those of the chain are written down beside the tipset on whose state they were made. */
#include "chain_internal.h"

#include "ipld/buffered.h"
#include "ipld/cbor.h"

/* --- actors that have to be there --- */

static fvm_err account_head(fvm_chain *c, fvm_cid *head, fvm_state_view *state,
                            const fvm_address *address)
{
    fvm_buf block;
    fvm_buf_init(&block, c->alloc);
    fvm_err err = fvm_cbor_put_array(&block, 1);
    if (err == FVM_OK)
        err = fvm_cbor_put_bytes(&block, (fvm_bytes){ address->bytes, address->len });
    if (err == FVM_OK)
        err = fvm_blockstore_put_new(fvm_state_blockstore(state), head, FVM_CODEC_DAG_CBOR,
                                     fvm_buf_bytes(&block));
    fvm_buf_deinit(&block);
    return err;
}

/* What a transfer to that address would have made: a placeholder, or an account. */
static fvm_err make_actor(fvm_chain *c, uint64_t *id, fvm_state_view *state,
                          const fvm_address *address)
{
    uint64_t space;
    fvm_bytes sub;
    fvm_actor actor = { .head = fvm_empty_array_cid() };
    switch (fvm_address_protocol(address)) {
    case FVM_PROTOCOL_SECP256K1:
    case FVM_PROTOCOL_BLS:
        actor.code = *fvm_manifest_builtin(c->manifest, FVM_BUILTIN_ACCOUNT);
        FVM_TRY(account_head(c, &actor.head, state, address));
        break;
    case FVM_PROTOCOL_DELEGATED:
        if (!fvm_address_to_delegated(&space, &sub, address) ||
            space != FVM_ADDRESS_EAM_NAMESPACE || sub.len != 20)
            return FVM_ERR_INVALID;
        actor.code = *fvm_manifest_builtin(c->manifest, FVM_BUILTIN_PLACEHOLDER);
        actor.delegated = *address;
        break;
    case FVM_PROTOCOL_ID:
    case FVM_PROTOCOL_ACTOR:
    default: return FVM_ERR_INVALID;
    }
    FVM_TRY(fvm_state_register_address(state, id, address));
    return fvm_state_set(state, *id, &actor);
}

fvm_err fvm__ensure_actor(fvm_chain *c, uint64_t *id, fvm_state_view *state,
                          const fvm_address *address)
{
    const fvm_actor *actor;
    fvm_err err = fvm_state_lookup_id(state, id, address);
    if (err == FVM_ERR_NOT_FOUND) return make_actor(c, id, state, address);
    FVM_TRY(err);
    err = fvm_state_get(state, &actor, *id);
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_INVALID : err;
}

/* --- contracts --- */

/* The state of the contract there; of a new one, if another may be put in its place. */
static fvm_err open_contract(fvm_chain *c, fvm__evm_state *out, fvm_state_view *state, uint64_t id)
{
    const fvm_actor *actor;
    const fvm_blockstore *bs = fvm_state_blockstore(state);
    FVM_TRY(fvm_state_get(state, &actor, id));
    if (fvm__is_builtin(c, &actor->code, "evm")) {
        fvm_cid head = actor->head;
        FVM_TRY(fvm__evm_read(out, bs, &head, c->alloc));
        if (!out->dead) return FVM_OK;
    } else if (!fvm__is_builtin(c, &actor->code, "placeholder") &&
               !fvm__is_builtin(c, &actor->code, "ethaccount")) {
        return FVM_ERR_INVALID;
    }
    return fvm__evm_new(out, (fvm_bytes){ NULL, 0 }, bs, c->alloc);
}

static fvm_err close_contract(fvm_chain *c, const fvm__evm_state *contract, fvm_state_view *state,
                              uint64_t id)
{
    fvm_actor *actor;
    fvm_cid head;
    FVM_TRY(fvm__evm_write(&head, contract, fvm_state_blockstore(state), c->alloc));
    FVM_TRY(fvm_state_edit(state, &actor, id));
    actor->code = *fvm__builtin_code(c, "evm");
    actor->head = head;
    return FVM_OK;
}

static fvm_err set_code(fvm_chain *c, fvm_state_view *state, uint64_t id, fvm_bytes code)
{
    fvm__evm_state contract;
    fvm_actor *actor;
    FVM_TRY(open_contract(c, &contract, state, id));
    if (code.len == 0) {
        FVM_TRY(fvm_state_edit(state, &actor, id));
        actor->code = *fvm_manifest_builtin(c->manifest, FVM_BUILTIN_ETHACCOUNT);
        actor->head = fvm_empty_array_cid();
        return FVM_OK;
    }
    FVM_TRY(fvm__evm_code(&contract, code, fvm_state_blockstore(state)));
    return close_contract(c, &contract, state, id);
}

static fvm_err set_storage(fvm_chain *c, fvm_state_view *state, uint64_t id, const fvm_edit *edit)
{
    fvm__evm_state contract;
    const fvm_blockstore *bs = fvm_state_blockstore(state);
    FVM_TRY(open_contract(c, &contract, state, id));
    FVM_TRY(edit->kind == FVM_EDIT_STORAGE
                ? fvm__evm_set(&contract, bs, edit->slot, edit->value, c->alloc)
                : fvm__evm_no_storage(&contract, bs, c->alloc));
    return close_contract(c, &contract, state, id);
}

static fvm_err set_nonce(fvm_chain *c, fvm_state_view *state, uint64_t id, uint64_t nonce)
{
    fvm__evm_state contract;
    const fvm_actor *seen;
    fvm_actor *actor;
    FVM_TRY(fvm_state_get(state, &seen, id));
    if (fvm__is_builtin(c, &seen->code, "evm")) {
        FVM_TRY(open_contract(c, &contract, state, id));
        contract.nonce = nonce;
        return close_contract(c, &contract, state, id);
    }
    FVM_TRY(fvm_state_edit(state, &actor, id));
    /* a placeholder with a nonce could never become an account */
    if (nonce && fvm__is_builtin(c, &actor->code, "placeholder"))
        actor->code = *fvm_manifest_builtin(c->manifest, FVM_BUILTIN_ETHACCOUNT);
    actor->nonce = nonce;
    return FVM_OK;
}

/* --- edits --- */

fvm_err fvm__edit_apply(fvm_chain *c, fvm_state_view *state, const fvm_edit *edit)
{
    uint64_t id;
    fvm_actor *actor;
    bool there;
    FVM_TRY(fvm__ensure_actor(c, &id, state, &edit->address));
    switch (edit->kind) {
    case FVM_EDIT_BALANCE:
        if (fvm_big_sign(&edit->balance) < 0) return FVM_ERR_INVALID;
        FVM_TRY(fvm_state_edit(state, &actor, id));
        actor->balance = edit->balance;
        return FVM_OK;
    case FVM_EDIT_NONCE: return set_nonce(c, state, id, edit->nonce);
    case FVM_EDIT_CODE: return set_code(c, state, id, edit->code);
    case FVM_EDIT_STORAGE:
    case FVM_EDIT_CLEAR_STORAGE: return set_storage(c, state, id, edit);
    case FVM_EDIT_HEAD:
        FVM_TRY(fvm_blockstore_has(fvm_state_blockstore(state), &there, &edit->cid));
        if (!there) return FVM_ERR_INVALID;
        FVM_TRY(fvm_state_edit(state, &actor, id));
        actor->head = edit->cid;
        return FVM_OK;
    default: return FVM_ERR_INVALID;
    }
}

fvm_err fvm__edit_machine(fvm_chain *c, fvm_machine *machine, const fvm_edit *edit)
{
    fvm_cid root = edit->cid;
    if (edit->kind == FVM_EDIT_STATE) return fvm__machine_reset(machine, &root);
    return fvm__edit_apply(c, machine->state, edit);
}

/* --- of the chain --- */

/* What the edits' CIDs lead to, from `from` to the open batch. */
static fvm_err copy_blocks(fvm_chain *c, const fvm_edit *edits, size_t count,
                           const fvm_blockstore *from, fvm_store_why *why)
{
    const fvm_blockstore *layers[] = { from, c->blocks };
    fvm_blockstore both;
    if (!from) return FVM_OK;
    FVM_TRY(fvm_blockstore_layered_new(&both, layers, FVM_COUNT(layers), c->alloc));
    fvm_err err = FVM_OK;
    for (size_t i = 0; i < count && err == FVM_OK; i++)
        if (fvm__edit_has_cid(edits[i].kind)) err = fvm__copy_dag(c, &both, &edits[i].cid, why);
    fvm_blockstore_free(&both);
    return err;
}

/* Whether a nonce may be used a second time after it. */
static bool sets_back(const fvm_edit *edit)
{
    return edit->kind == FVM_EDIT_NONCE || edit->kind == FVM_EDIT_STATE;
}

static fvm_err put_edits(fvm_chain *c, fvm_tipset *t, uint32_t before, const fvm_edit *edits,
                         size_t count)
{
    uint8_t key[FVM__PLACE_LEN];
    FVM_TRY(fvm_machine_flush(c->runner.machine, &t->state));
    fvm_buffered_clear(&c->runner.machine->store);
    for (size_t i = 0; i < count; i++) {
        if (sets_back(&edits[i])) FVM_TRY(fvm__index_repeats(c));
        c->record.len = 0;
        FVM_TRY(fvm__edit_write(&c->record, &edits[i]));
        FVM_TRY(fvm_ledger_put(c->ledger, FVM__TABLE_EDIT,
                               fvm__place_write(key, t->number, before + (uint32_t)i),
                               fvm_buf_bytes(&c->record)));
    }
    return fvm__tipset_put(c, t);
}

static fvm_err edit_head(fvm_chain *c, const fvm_edit *edits, size_t count,
                         const fvm_blockstore *from, fvm_store_why *why)
{
    fvm_tipset t;
    uint32_t before = c->head_edits; /* changes under the writer's lock alone */
    fvm_chain_head(c, &t);
    FVM_TRY(fvm__runner_goto(&c->runner, &t.state, t.number));
    c->runner.at_root = false;
    fvm_ledger_begin(c->ledger);
    fvm_err err = copy_blocks(c, edits, count, from, why);
    for (size_t i = 0; i < count && err == FVM_OK; i++)
        err = fvm__edit_machine(c, c->runner.machine, &edits[i]);
    if (err == FVM_OK) err = put_edits(c, &t, before, edits, count);
    err = fvm_ledger_end(c->ledger, err);
    if (err != FVM_OK) {
        fvm__runner_drop(&c->runner);
        return err;
    }
    c->runner.root = t.state;
    c->runner.at_root = true;
    fvm__head_set(c, &t, before + (uint32_t)count);
    return FVM_OK;
}

static bool any_state(const fvm_edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (edits[i].kind == FVM_EDIT_STATE) return true;
    return false;
}

fvm_err fvm__chain_edit(fvm_chain *c, const fvm_edit *edits, size_t count,
                        const fvm_blockstore *from, fvm_store_why *why)
{
    if (count == 0) return FVM_OK;
    if (count > 100000) return FVM_ERR_LIMIT;
    pthread_mutex_lock(&c->writer);
    fvm_err err = edit_head(c, edits, count, from, why);
    /* the pool knows senders by IDs, which may be others' now */
    if (err == FVM_OK && any_state(edits, count)) fvm__mempool_clear(c);
    pthread_mutex_unlock(&c->writer);
    if (err == FVM_OK) fvm__mempool_poke(c); /* somebody may have the money now */
    return err == FVM_ERR_NOT_FOUND ? FVM_ERR_INVALID : err;
}

fvm_err fvm_chain_edit(fvm_chain *c, const fvm_edit *edits, size_t count)
{
    return any_state(edits, count) ? FVM_ERR_INVALID : fvm__chain_edit(c, edits, count, NULL, NULL);
}
