/* state_internal.h - what the files of the state view share; nobody else includes it.
 *
 *   state_view.c  entries, undo log, transactions, access levels
 *   state_tree.c  the committed form: opening, loading an actor, flush, walk
 *   init_actor.c  addresses to IDs, through actor 1's state
 *   state_read.c  other states that the FVM reads
 *
 * An entry per actor ID that was ever asked for; it says what is known of the actor now. Actors live
 * in slots of a pool, whose addresses do not move. A change within a transaction takes a new slot and
 * leaves the old one to the log, so that undoing is a pointer:
 *
 *     entry 7 --> slot C            log: [entry 7: slot A][entry 7: slot B]
 *                                         ^ mark of txn 1  ^ mark of txn 2, nested
 *
 * An entry notes the transaction that logged it last (`serial`), so each transaction logs an actor
 * once. Serials are never used twice. When the outermost transaction ends, the log is dropped and
 * its slots go back to the pool: nothing is allocated on the way once sizes have settled. */
#ifndef FVM_KERNEL_STATE_INTERNAL_H
#define FVM_KERNEL_STATE_INTERNAL_H

#include "base/big.h"
#include "base/map.h"
#include "ipld/hamt.h"
#include "state.h"

/** Both maps, actors and addresses, are HAMTs of this width (reference/executor.md 5, 6). */
#define FVM__STATE_BIT_WIDTH 5u

typedef enum fvm__presence {
    FVM__UNKNOWN, /* not loaded from the tree */
    FVM__ABSENT,  /* there is no such actor */
    FVM__PRESENT,
} fvm__presence;

typedef struct fvm__entry {
    uint64_t id;
    fvm_actor *actor;        /* owned slot; NULL unless PRESENT */
    uint64_t serial;         /* transaction that logged it last; 0: none */
    uint64_t access_message; /* message that `access` belongs to */
    uint8_t presence;        /* fvm__presence */
    uint8_t access;          /* fvm_access */
    bool dirty;              /* differs from the tree, perhaps */
    bool listed;             /* is in the list of dirty entries (and stays there until the flush) */
} fvm__entry;

typedef enum fvm__undo_kind {
    FVM__UNDO_ACTOR,
    FVM__UNDO_ACCESS,
    FVM__UNDO_ADDRESS,
} fvm__undo_kind;

typedef struct fvm__undo {
    uint32_t entry; /* ACTOR, ACCESS: index */
    uint8_t kind;   /* fvm__undo_kind */
    uint8_t presence, access;
    bool flag;        /* ACTOR: dirty; ADDRESS: it was cached before, as `number` */
    uint64_t number;  /* ACTOR: serial; ACCESS: access_message; ADDRESS: ID */
    fvm_actor *actor; /* ACTOR: the slot as it was; owned by the log */
} fvm__undo;

typedef struct fvm__mark {
    size_t undo_count;
    uint64_t serial;
} fvm__mark;

typedef struct fvm__actor_chunk fvm__actor_chunk;
typedef union fvm__actor_slot {
    fvm_actor actor;
    union fvm__actor_slot *next_free;
} fvm__actor_slot;

/** Actor 1's state, decoded; stands as long as actor 1's head is `head`. */
typedef struct fvm__init_state {
    bool valid;
    fvm_cid head;
    fvm_cid map_root;
    uint64_t next_id;
    fvm_buf network_name;
    fvm_hamt *map;
} fvm__init_state;

/** A message's addresses are looked up again and again: what the cache said last, by some bits of the
 *  address. Whatever changes the cache for an address empties its place here. */
typedef struct fvm__recent_address {
    fvm_address address; /* len 0: empty */
    uint64_t id;
} fvm__recent_address;
#define FVM__RECENT_IDS 64u
#define FVM__RECENT_ADDRESSES 16u

struct fvm_state_view {
    const fvm_allocator *alloc;
    const fvm_blockstore *bs;
    const fvm_network *net;
    /* the tree */
    uint32_t tree_version;
    fvm_cid info;
    fvm_hamt *actors;
    fvm_cid root;
    bool root_known; /* `root` is the tree's, but for dirty entries */
    /* entries, and an open-addressing table of their indexes + 1 by ID */
    fvm__entry *entries;
    size_t entry_count, entry_cap;
    uint32_t *slots;
    size_t slot_count;                /* power of two, or 0 */
    uint32_t recent[FVM__RECENT_IDS]; /* index + 1 by the lowest bits of the ID, before the table */
    uint32_t *dirty;                  /* indexes of listed entries */
    size_t dirty_count, dirty_cap;
    /* the pool */
    fvm__actor_chunk *chunks;
    fvm__actor_slot *free_slots;
    /* transactions */
    fvm__undo *undo;
    size_t undo_count, undo_cap;
    fvm__mark *marks;
    size_t mark_count, mark_cap;
    uint64_t last_serial;
    uint64_t message; /* counts access resets */
    /* address cache: address bytes to ID; `added` are those that the log can take out */
    fvm_map addresses;
    fvm__recent_address recent_addresses[FVM__RECENT_ADDRESSES];
    fvm_address *added;
    size_t added_count, added_cap;
    fvm__init_state init;
    fvm_buf scratch; /* encoding and loading */
};

/** Finds or makes the entry of `id`; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__state_entry(fvm_state_view *view, uint32_t *index, uint64_t id);
/** The entry of `id` if there is one. */
fvm__entry *fvm__state_find(const fvm_state_view *view, uint64_t id);
/** The same if it is a recent one, NULL is no answer. */
static inline fvm__entry *fvm__state_find_recent(const fvm_state_view *view, uint64_t id)
{
    uint32_t at = view->recent[id % FVM__RECENT_IDS];
    return FVM_LIKELY(at != 0 && view->entries[at - 1].id == id) ? &view->entries[at - 1] : NULL;
}
/** A slot of the pool, contents undefined; NULL when out of memory. */
fvm_actor *fvm__state_slot_take(fvm_state_view *view);
/** Fills an UNKNOWN entry from the tree. (state_tree.c) */
FVM_NODISCARD fvm_err fvm__state_load(fvm_state_view *view, uint32_t index);
/** Room for one more record in the log. */
FVM_NODISCARD fvm_err fvm__state_undo_reserve(fvm_state_view *view);
/** Takes the newest address record of the log back: the cache is as before. (init_actor.c) */
void fvm__state_undo_address(fvm_state_view *view, const fvm__undo *record);
/** Frees the decoded init state. (init_actor.c) */
void fvm__state_init_drop(fvm_state_view *view);
/** Forgets what is cached, all of it clean; only outside transactions. */
void fvm__state_forget(fvm_state_view *view);
/** Makes room for `count + 1` elements of `size` bytes in a growing array. */
FVM_NODISCARD fvm_err fvm__state_grow(fvm_state_view *view, void **array, size_t *cap, size_t count,
                                      size_t size);

/** Errors of class INPUT from reading the state: the state is broken; a block not there: missing. */
static inline fvm_err fvm__state_err(fvm_err err)
{
    if (err == FVM_ERR_NOT_FOUND) return FVM_ERR_MISSING_BLOCK;
    return fvm_err_class_of(err) == FVM_CLASS_INPUT ? FVM_ERR_BAD_STATE : err;
}
#endif
