/* state_view.c - entries, undo log, transactions and access levels; the picture is in
 * state_internal.h. Everything that can fail comes before the first change, so that an error of the
 * host leaves the view as it was. */
#include "state_internal.h"

#include <assert.h>

#define CHUNK_ACTORS 32u
#define FIRST_SLOTS 64u

struct fvm__actor_chunk {
    fvm__actor_chunk *next;
    fvm__actor_slot slots[CHUNK_ACTORS];
};

fvm_err fvm__state_grow(fvm_state_view *view, void **array, size_t *cap, size_t count, size_t size)
{
    if (FVM_LIKELY(count < *cap)) return FVM_OK;
    size_t new_cap = *cap ? *cap * 2 : 16;
    if (new_cap > SIZE_MAX / size) return FVM_ERR_NOMEM;
    void *grown = fvm_mem_resize(view->alloc, *array, *cap * size, new_cap * size);
    if (!grown) return FVM_ERR_NOMEM;
    *array = grown;
    *cap = new_cap;
    return FVM_OK;
}

/* --- the pool of actors --- */

fvm_actor *fvm__state_slot_take(fvm_state_view *view)
{
    if (FVM_UNLIKELY(!view->free_slots)) {
        fvm__actor_chunk *chunk = fvm_mem_alloc(view->alloc, sizeof *chunk);
        if (!chunk) return NULL;
        chunk->next = view->chunks;
        view->chunks = chunk;
        for (size_t i = CHUNK_ACTORS; i-- > 0;) {
            chunk->slots[i].next_free = view->free_slots;
            view->free_slots = &chunk->slots[i];
        }
    }
    fvm__actor_slot *slot = view->free_slots;
    view->free_slots = slot->next_free;
    return &slot->actor;
}

static void slot_give(fvm_state_view *view, fvm_actor *actor)
{
    if (!actor) return;
    fvm__actor_slot *slot = (fvm__actor_slot *)(void *)actor;
    slot->next_free = view->free_slots;
    view->free_slots = slot;
}

static void free_chunks(fvm_state_view *view)
{
    for (fvm__actor_chunk *next, *c = view->chunks; c; c = next) {
        next = c->next;
        fvm_mem_free(view->alloc, c, sizeof *c);
    }
    view->chunks = NULL;
    view->free_slots = NULL;
}

/* --- entries --- */

/** Spreads IDs, which are dense and partly chosen by senders, over the table. */
static inline size_t hash_id(uint64_t id)
{
    fvm_u128 m = (fvm_u128)(id ^ 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return (size_t)((uint64_t)(m >> 64) ^ (uint64_t)m);
}

fvm__entry *fvm__state_find(const fvm_state_view *view, uint64_t id)
{
    fvm__entry *recent = fvm__state_find_recent(view, id);
    if (recent) return recent;
    if (FVM_UNLIKELY(view->slot_count == 0)) return NULL;
    size_t mask = view->slot_count - 1;
    for (size_t i = hash_id(id) & mask; view->slots[i]; i = (i + 1) & mask) {
        fvm__entry *e = &view->entries[view->slots[i] - 1];
        if (e->id == id) return e;
    }
    return NULL;
}

static void link_entry(uint32_t *slots, size_t slot_count, uint64_t id, size_t index)
{
    size_t mask = slot_count - 1, i = hash_id(id) & mask;
    while (slots[i]) i = (i + 1) & mask;
    slots[i] = (uint32_t)(index + 1);
}

static fvm_err grow_table(fvm_state_view *view)
{
    size_t n = view->slot_count ? view->slot_count * 2 : FIRST_SLOTS;
    if (n > UINT32_MAX) return FVM_ERR_NOMEM;
    uint32_t *slots = fvm_mem_zalloc(view->alloc, n * sizeof *slots);
    if (!slots) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < view->entry_count; i++) link_entry(slots, n, view->entries[i].id, i);
    fvm_mem_free(view->alloc, view->slots, view->slot_count * sizeof *slots);
    view->slots = slots;
    view->slot_count = n;
    return FVM_OK;
}

/* fvm__state_entry of one that is not recent. */
static FVM_NODISCARD fvm_err find_or_make(fvm_state_view *view, uint32_t *index, uint64_t id)
{
    fvm__entry *e = fvm__state_find(view, id);
    if (!e) {
        FVM_TRY(fvm__state_grow(view, (void **)&view->entries, &view->entry_cap, view->entry_count,
                                sizeof *view->entries));
        if (view->entry_count >= view->slot_count / 4 * 3) FVM_TRY(grow_table(view));
        e = &view->entries[view->entry_count];
        *e = (fvm__entry){ .id = id, .presence = FVM__UNKNOWN };
        link_entry(view->slots, view->slot_count, id, view->entry_count);
        view->entry_count++;
    }
    *index = (uint32_t)(e - view->entries);
    view->recent[id % FVM__RECENT_IDS] = *index + 1;
    return FVM_OK;
}

fvm_err fvm__state_entry(fvm_state_view *view, uint32_t *index, uint64_t id)
{
    const fvm__entry *e = fvm__state_find_recent(view, id);
    if (FVM_UNLIKELY(!e)) return find_or_make(view, index, id);
    *index = (uint32_t)(e - view->entries);
    return FVM_OK;
}

/* --- changes --- */

fvm_err fvm__state_undo_reserve(fvm_state_view *view)
{
    return fvm__state_grow(view, (void **)&view->undo, &view->undo_cap, view->undo_count,
                           sizeof *view->undo);
}

/** Makes an entry ready to be written: what it was is in the log if a transaction is open, and its
 *  actor is a slot that may be overwritten, contents undefined if `*fresh`. With `want_slot` false
 *  it has no actor afterwards. */
static fvm_err prepare(fvm_state_view *view, uint32_t index, bool want_slot)
{
    fvm__entry *e = &view->entries[index];
    bool log = view->mark_count > 0 && e->serial != view->marks[view->mark_count - 1].serial;
    fvm_actor *fresh = NULL;
    if (log) FVM_TRY(fvm__state_undo_reserve(view));
    if (!e->listed)
        FVM_TRY(fvm__state_grow(view, (void **)&view->dirty, &view->dirty_cap, view->dirty_count,
                                sizeof *view->dirty));
    if (want_slot && (log || !e->actor)) {
        fresh = fvm__state_slot_take(view);
        if (!fresh) return FVM_ERR_NOMEM;
    }
    /* from here on nothing fails */
    if (!e->listed) {
        view->dirty[view->dirty_count++] = index;
        e->listed = true;
    }
    if (log) {
        view->undo[view->undo_count++] = (fvm__undo){
            .kind = FVM__UNDO_ACTOR,
            .entry = index,
            .presence = e->presence,
            .flag = e->dirty,
            .number = e->serial,
            .actor = e->actor,
        };
        e->serial = view->marks[view->mark_count - 1].serial;
        e->actor = NULL;
    }
    if (fresh) e->actor = fresh;
    if (!want_slot) {
        slot_give(view, e->actor);
        e->actor = NULL;
    }
    e->presence = want_slot ? FVM__PRESENT : FVM__ABSENT;
    e->dirty = true;
    return FVM_OK;
}

/* The entry of an actor that is there; FVM_ERR_NOT_FOUND. */
static inline fvm_err present(fvm_state_view *view, uint32_t *index, uint64_t id)
{
    FVM_TRY(fvm__state_entry(view, index, id));
    if (FVM_UNLIKELY(view->entries[*index].presence == FVM__UNKNOWN))
        FVM_TRY(fvm__state_load(view, *index));
    return view->entries[*index].presence == FVM__PRESENT ? FVM_OK : FVM_ERR_NOT_FOUND;
}

fvm_err fvm_state_get(fvm_state_view *view, const fvm_actor **out, uint64_t id)
{
    uint32_t index;
    FVM_TRY(present(view, &index, id));
    *out = view->entries[index].actor;
    return FVM_OK;
}

/* Only what is used of the balance: of a record's four hundred bytes most are the ends of arrays. */
static inline void copy_actor(fvm_actor *out, const fvm_actor *a)
{
    out->code = a->code;
    out->head = a->head;
    out->nonce = a->nonce;
    fvm__big_copy(&out->balance, &a->balance);
    out->delegated = a->delegated;
}

fvm_err fvm_state_set(fvm_state_view *view, uint64_t id, const fvm_actor *actor)
{
    uint32_t index;
    FVM_TRY(fvm__state_entry(view, &index, id));
    FVM_TRY(prepare(view, index, true));
    /* `actor` may be what fvm_state_get gave: then it is this slot, or the one in the log */
    if (view->entries[index].actor != actor) copy_actor(view->entries[index].actor, actor);
    return FVM_OK;
}

fvm_err fvm_state_delete(fvm_state_view *view, uint64_t id)
{
    uint32_t index;
    FVM_TRY(fvm__state_entry(view, &index, id));
    return prepare(view, index, false);
}

/* The actor of an entry that is present, ready to be changed in place. */
static inline fvm_err edit(fvm_state_view *view, fvm_actor **out, uint32_t index)
{
    const fvm_actor *old = view->entries[index].actor;
    FVM_TRY(prepare(view, index, true));
    fvm_actor *now = view->entries[index].actor;
    if (now != old) copy_actor(now, old); /* the old slot is in the log, still whole */
    *out = now;
    return FVM_OK;
}

fvm_err fvm_state_edit(fvm_state_view *view, fvm_actor **out, uint64_t id)
{
    uint32_t index;
    FVM_TRY(present(view, &index, id));
    return edit(view, out, index);
}

fvm_err fvm_state_credit(fvm_state_view *view, uint64_t id, const fvm_big *delta)
{
    uint32_t index;
    fvm_big balance;
    fvm_actor *actor;
    FVM_TRY(present(view, &index, id));
    FVM_TRY(fvm_big_add(&balance, &view->entries[index].actor->balance, delta));
    if (balance.negative || fvm__big_wire_len(&balance) > FVM_BIG_WIRE_MAX) return FVM_ERR_RANGE;
    FVM_TRY(edit(view, &actor, index));
    fvm__big_copy(&actor->balance, &balance);
    return FVM_OK;
}

/* --- transactions --- */

fvm_err fvm_state_begin(fvm_state_view *view)
{
    FVM_TRY(fvm__state_grow(view, (void **)&view->marks, &view->mark_cap, view->mark_count,
                            sizeof *view->marks));
    view->marks[view->mark_count++] = (fvm__mark){ view->undo_count, ++view->last_serial };
    return FVM_OK;
}

static void undo_one(fvm_state_view *view, const fvm__undo *record)
{
    fvm__entry *e = &view->entries[record->entry];
    switch ((fvm__undo_kind)record->kind) {
    case FVM__UNDO_ACTOR:
        slot_give(view, e->actor);
        e->actor = record->actor;
        e->presence = record->presence;
        e->dirty = record->flag;
        e->serial = record->number;
        break;
    case FVM__UNDO_ACCESS:
        e->access = record->access;
        e->access_message = record->number;
        break;
    case FVM__UNDO_ADDRESS: fvm__state_undo_address(view, record); break;
    }
}

void fvm_state_end(fvm_state_view *view, bool revert)
{
    assert(view->mark_count > 0);
    fvm__mark mark = view->marks[--view->mark_count];
    if (revert)
        while (view->undo_count > mark.undo_count) undo_one(view, &view->undo[--view->undo_count]);
    if (view->mark_count > 0) return;
    /* the outermost: what is left cannot be undone any more */
    for (size_t i = 0; i < view->undo_count; i++)
        if (view->undo[i].kind == FVM__UNDO_ACTOR) slot_give(view, view->undo[i].actor);
    view->undo_count = 0;
    view->added_count = 0;
}

/* --- access levels --- */

/** Actors that are free from the start of a message: FIP-0055, preloaded actors. */
static bool is_free(uint64_t id)
{
    return id <= 7 || id == FVM_ID_EAM || id == FVM_ID_BURNT;
}

void fvm_state_access_reset(fvm_state_view *view)
{
    view->message++;
}

static inline fvm_access level_of(const fvm_state_view *view, const fvm__entry *e)
{
    return e->access_message == view->message ? (fvm_access)e->access : FVM_ACCESS_NONE;
}

fvm_access fvm_state_access_level(const fvm_state_view *view, uint64_t id)
{
    if (is_free(id)) return FVM_ACCESS_UPDATED;
    const fvm__entry *e = fvm__state_find(view, id);
    return e ? level_of(view, e) : FVM_ACCESS_NONE;
}

fvm_err fvm_state_access_raise(fvm_state_view *view, uint64_t id, fvm_access level)
{
    uint32_t index;
    if (is_free(id) || level == FVM_ACCESS_NONE) return FVM_OK;
    FVM_TRY(fvm__state_entry(view, &index, id));
    fvm__entry *e = &view->entries[index];
    if (level <= level_of(view, e)) return FVM_OK;
    if (view->mark_count > 0) {
        FVM_TRY(fvm__state_undo_reserve(view));
        view->undo[view->undo_count++] = (fvm__undo){
            .kind = FVM__UNDO_ACCESS,
            .entry = index,
            .access = e->access,
            .number = e->access_message,
        };
    }
    e->access = (uint8_t)level;
    e->access_message = view->message;
    return FVM_OK;
}

/* --- the rest --- */

void fvm__state_forget(fvm_state_view *view)
{
    assert(view->mark_count == 0);
    free_chunks(view);
    fvm__state_init_drop(view);
    view->entry_count = 0;
    view->dirty_count = 0;
    if (view->slots) memset(view->slots, 0, view->slot_count * sizeof *view->slots);
    memset(view->recent, 0, sizeof view->recent);
    memset(view->recent_addresses, 0, sizeof view->recent_addresses);
    fvm_map_clear(&view->addresses);
}

void fvm_state_view_free(fvm_state_view *view)
{
    if (!view) return;
    const fvm_allocator *alloc = view->alloc;
    fvm__state_init_drop(view);
    fvm_hamt_free(view->actors);
    free_chunks(view);
    fvm_mem_free(alloc, view->entries, view->entry_cap * sizeof *view->entries);
    fvm_mem_free(alloc, view->slots, view->slot_count * sizeof *view->slots);
    fvm_mem_free(alloc, view->dirty, view->dirty_cap * sizeof *view->dirty);
    fvm_mem_free(alloc, view->undo, view->undo_cap * sizeof *view->undo);
    fvm_mem_free(alloc, view->marks, view->mark_cap * sizeof *view->marks);
    fvm_mem_free(alloc, view->added, view->added_cap * sizeof *view->added);
    fvm_map_deinit(&view->addresses);
    fvm_buf_deinit(&view->init.network_name);
    fvm_buf_deinit(&view->scratch);
    fvm_mem_free(alloc, view, sizeof *view);
}

const fvm_network *fvm_state_network(const fvm_state_view *view)
{
    return view->net;
}

const fvm_blockstore *fvm_state_blockstore(const fvm_state_view *view)
{
    return view->bs;
}
