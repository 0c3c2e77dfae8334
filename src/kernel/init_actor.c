/* init_actor.c - addresses to actor IDs, by the state of the init actor (reference/executor.md 6):
 *
 *     state   [address_map CID, next_id, network_name]
 *     map     HAMT, bit width 5, key = address bytes, value = ID
 *
 * Two caches: positive look-ups, which roll back with transactions as the reference's do; and the
 * decoded state with its map, good as long as actor 1's head stays the same. */
#include "state_internal.h"

#include "ipld/cbor.h"

void fvm__state_init_drop(fvm_state_view *view)
{
    fvm_hamt_free(view->init.map);
    view->init.map = NULL;
    view->init.valid = false;
}

static fvm_err read_init_state(fvm__init_state *state, fvm_bytes in, fvm_buf *spare)
{
    fvm_bytes name;
    FVM_TRY(fvm_cbor_tuple(3, &in));
    FVM_TRY(fvm_cbor_cid(&state->map_root, &in));
    FVM_TRY(fvm_cbor_uint(&state->next_id, &in));
    FVM_TRY(fvm_cbor_text(&name, &in, spare));
    FVM_TRY(fvm_cbor_end(in));
    state->network_name.len = 0;
    return fvm_buf_append(&state->network_name, name);
}

static fvm_err write_init_state(fvm_buf *out, const fvm__init_state *state)
{
    FVM_TRY(fvm_cbor_put_array(out, 3));
    FVM_TRY(fvm_cbor_put_cid(out, &state->map_root));
    FVM_TRY(fvm_cbor_put_uint(out, state->next_id));
    return fvm_cbor_put_text(out, fvm_buf_bytes(&state->network_name));
}

/** Brings the decoded state up to actor 1's head; `actor` is actor 1. */
static fvm_err load_init(fvm_state_view *view, const fvm_actor **actor)
{
    fvm__init_state *init = &view->init;
    fvm_err err = fvm_state_get(view, actor, FVM_ID_INIT);
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_BAD_STATE;
    if (err != FVM_OK) return err;
    if (FVM_LIKELY(init->valid && fvm_cid_eq(&init->head, &(*actor)->head))) return FVM_OK;

    fvm__state_init_drop(view);
    fvm_buf joined;
    fvm_bytes block;
    view->scratch.len = 0;
    FVM_TRY(fvm__state_err(fvm_blockstore_view(view->bs, &block, &view->scratch, &(*actor)->head)));
    fvm_buf_init(&joined, view->alloc);
    err = fvm__state_err(read_init_state(init, block, &joined));
    fvm_buf_deinit(&joined);
    if (err != FVM_OK) return err;
    FVM_TRY(
        fvm_hamt_load(&init->map, view->bs, &init->map_root, FVM__STATE_BIT_WIDTH, view->alloc));
    init->head = (*actor)->head;
    init->valid = true;
    return FVM_OK;
}

/* --- the cache of look-ups --- */

static fvm_bytes address_key(const fvm_address *address)
{
    return (fvm_bytes){ address->bytes, address->len };
}

/* The payload of an address is a hash or a key, so any four bytes of it spread. */
static fvm__recent_address *recent_of(fvm_state_view *view, const fvm_address *address)
{
    return &view->recent_addresses[fvm_load_le32(address->bytes + 1) % FVM__RECENT_ADDRESSES];
}

static void forget_recent(fvm_state_view *view, const fvm_address *address)
{
    recent_of(view, address)->address.len = 0;
}

static fvm_err remember(fvm_state_view *view, const fvm_address *address, uint64_t id)
{
    bool log = view->mark_count > 0, inserted;
    fvm_map_entry *entry;
    if (log) {
        FVM_TRY(fvm__state_undo_reserve(view));
        FVM_TRY(fvm__state_grow(view, (void **)&view->added, &view->added_cap, view->added_count,
                                sizeof *view->added));
    }
    FVM_TRY(fvm_map_put(&view->addresses, &entry, &inserted, address_key(address)));
    if (log) {
        view->undo[view->undo_count++] = (fvm__undo){
            .kind = FVM__UNDO_ADDRESS,
            .flag = !inserted,
            .number = entry->value.u64,
        };
        view->added[view->added_count++] = *address;
    }
    entry->value.u64 = id;
    forget_recent(view, address);
    return FVM_OK;
}

void fvm__state_undo_address(fvm_state_view *view, const fvm__undo *record)
{
    const fvm_address *address = &view->added[--view->added_count];
    fvm_bytes key = address_key(address);
    forget_recent(view, address);
    if (record->flag)
        fvm_map_get(&view->addresses, key)->value.u64 = record->number;
    else
        fvm_map_remove(&view->addresses, key);
}

fvm_err fvm_state_lookup_id(fvm_state_view *view, uint64_t *id, const fvm_address *address)
{
    if (fvm_address_to_id(id, address)) return FVM_OK;
    fvm__recent_address *recent = recent_of(view, address);
    if (FVM_LIKELY(fvm_address_eq(&recent->address, address))) {
        *id = recent->id;
        return FVM_OK;
    }
    const fvm_map_entry *cached = fvm_map_get(&view->addresses, address_key(address));
    if (FVM_LIKELY(cached != NULL)) {
        *id = cached->value.u64;
        *recent = (fvm__recent_address){ *address, *id };
        return FVM_OK;
    }
    const fvm_actor *actor;
    fvm_bytes value;
    uint64_t found;
    FVM_TRY(load_init(view, &actor));
    FVM_TRY(fvm_hamt_get(view->init.map, &value, address_key(address)));
    FVM_TRY(fvm__state_err(fvm_cbor_uint(&found, &value)));
    FVM_TRY(fvm__state_err(fvm_cbor_end(value)));
    FVM_TRY(remember(view, address, found));
    *id = found;
    return FVM_OK;
}

/* --- new addresses --- */

/** Sets the address in the map and writes map and state block. On error the decoded state may be
 *  ahead of actor 1 and must be dropped. */
static fvm_err assign(fvm_state_view *view, uint64_t id, const fvm_address *address)
{
    fvm__init_state *init = &view->init;
    fvm_buf *scratch = &view->scratch;
    scratch->len = 0;
    FVM_TRY(fvm_cbor_put_uint(scratch, id));
    FVM_TRY(fvm_hamt_set(init->map, address_key(address), fvm_buf_bytes(scratch)));
    FVM_TRY(fvm_hamt_flush(init->map, &init->map_root));
    init->next_id = id + 1;
    scratch->len = 0;
    FVM_TRY(write_init_state(scratch, init));
    return fvm_blockstore_put_new(view->bs, &init->head, FVM_CODEC_DAG_CBOR,
                                  fvm_buf_bytes(scratch));
}

fvm_err fvm_state_register_address(fvm_state_view *view, uint64_t *id, const fvm_address *address)
{
    const fvm_actor *actor;
    FVM_TRY(load_init(view, &actor));
    uint64_t next = view->init.next_id;
    if (next == UINT64_MAX) return FVM_ERR_BAD_STATE;
    fvm_actor changed = *actor;

    /* A transaction around the two changes makes them one: both, or none on a host's error. */
    FVM_TRY(fvm_state_begin(view));
    fvm_err err = assign(view, next, address);
    changed.head = view->init.head;
    if (err == FVM_OK) err = fvm_state_set(view, FVM_ID_INIT, &changed);
    if (err == FVM_OK) err = remember(view, address, next);
    fvm_state_end(view, err != FVM_OK);
    if (err != FVM_OK) {
        fvm__state_init_drop(view);
        return err;
    }
    *id = next;
    return FVM_OK;
}
