/* store.c - a key-value store: a HAMT in state, keys of text, values of bytes. Each key belongs to who
 * set it first. */
#include <fvm/actor.h>

#define BIT_WIDTH 5
#define KEY_MAX 64 /* bytes */
enum { NOT_YOURS = FVM_USR_FIRST_OWN };

#define STATE(F) F(cid, entries)
FVM_STRUCT(state, STATE)

#define ENTRY(F)                                                                                   \
    F(uint, owner)                                                                                 \
    F(bytes, value)
FVM_STRUCT(entry, ENTRY)

#define KEY(F) F(text, key)
FVM_STRUCT(key_params, KEY)

#define SET(F)                                                                                     \
    F(text, key)                                                                                   \
    F(bytes, value)
FVM_STRUCT(set_params, SET)

FVM_OPTIONAL(maybe_bytes, bytes)

static fvm_hamt *map;
static state root;

static void open(void)
{
    FVM_STATE_LOAD(state, &root);
    fvm_must(fvm_hamt_load(&map, fvm_blocks(), &root.entries, BIT_WIDTH, &fvm_heap_allocator));
}

static void save(void)
{
    fvm_must(fvm_hamt_flush(map, &root.entries));
    FVM_STATE_SAVE(state, &root);
}

static void check_key(fvm_bytes key)
{
    fvm_require(key.len > 0 && key.len <= KEY_MAX, FVM_USR_ILLEGAL_ARGUMENT,
                "key of 1 to 64 bytes");
}

/* The entry of a key; false when there is none. */
static bool find(entry *out, fvm_bytes key)
{
    fvm_bytes item;
    fvm_err err = fvm_hamt_get(map, &item, key);
    if (err == FVM_ERR_NOT_FOUND) return false;
    fvm_must(err);
    FVM_DECODE(entry, out, item);
    return true;
}

/* The entry of a key, which may be new but is not somebody else's. */
static void claim(fvm_bytes key)
{
    entry e;
    check_key(key);
    if (find(&e, key)) fvm_require(e.owner == fvm_call.caller, NOT_YOURS, "not your key");
}

static uint32_t constructor(uint32_t params)
{
    fvm_params_none(params);
    fvm_must(fvm_hamt_new(&map, fvm_blocks(), BIT_WIDTH, &fvm_heap_allocator));
    save();
    return 0;
}

static uint32_t set(uint32_t params)
{
    set_params p;
    FVM_PARAMS(set_params, &p, params);
    open();
    claim(p.key);
    entry e = { fvm_call.caller, p.value };
    fvm_enc item = fvm_enc_heap(0);
    fvm_enc_entry(&item, &e);
    fvm_must(fvm_hamt_set(map, p.key, fvm_enc_done(&item)));
    save();
    return 0;
}

/* Returns the value, or null. */
static uint32_t get(uint32_t params)
{
    key_params p;
    entry e = { 0 };
    FVM_PARAMS(key_params, &p, params);
    check_key(p.key);
    open();
    maybe_bytes value = { .some = find(&e, p.key) };
    value.value = e.value;
    return FVM_RETURN(maybe_bytes, &value);
}

static uint32_t delete(uint32_t params)
{
    key_params p;
    bool existed;
    FVM_PARAMS(key_params, &p, params);
    open();
    claim(p.key);
    fvm_must(fvm_hamt_delete(map, &existed, p.key));
    fvm_require(existed, FVM_USR_NOT_FOUND, "no such key");
    save();
    return 0;
}

/* clang-format off */
FVM_ACTOR(
    FVM_METHOD(FVM_METHOD_CONSTRUCTOR, constructor)
    FVM_EXPORT(Set, set)
    FVM_EXPORT(Get, get)
    FVM_EXPORT(Delete, delete)
)
