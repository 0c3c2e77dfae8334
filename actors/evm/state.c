/* state.c - the contract's state (reference/evm.md 1.1 to 1.3). */
#include "evm.h"

#define STATE_FIELDS 6

static const uint8_t empty_array[FVM_LINK_LEN] = {
    0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20, 0x45, 0xb0, 0xcf, 0xc2, 0x20, 0xce, 0xec,
    0x5b, 0x7c, 0x1c, 0x62, 0xc4, 0xd4, 0x19, 0x3d, 0x38, 0xe4, 0xeb, 0xa4, 0x8e,
    0x88, 0x15, 0x72, 0x9c, 0xe7, 0x5f, 0x9c, 0x0a, 0xb0, 0xe4, 0xc1, 0xc0,
};

static bool is_now(const evm_lifespan *life)
{
    return life->set && life->origin == fvm_call.origin && life->nonce == fvm_call.nonce;
}

static evm_lifespan now(void)
{
    return (evm_lifespan){ true, fvm_call.origin, fvm_call.nonce };
}

/* --- slots --- */

static storage_node *opened(evm_slots *s)
{
    if (!s->trie) s->trie = s->none ? storage_new() : storage_load(s->root);
    return s->trie;
}

void evm_slot_get(evm *vm, word *out, const word *key, bool transient)
{
    evm_slots *s = transient ? &vm->state.transient : &vm->state.slots;
    storage_get(opened(s), out, key);
}

void evm_slot_set(evm *vm, const word *key, const word *value, bool transient)
{
    evm_slots *s = transient ? &vm->state.transient : &vm->state.slots;
    if (vm->read_only) evm_fail(FVM_USR_READ_ONLY);
    if (storage_set(opened(s), key, value)) vm->state.dirty = true;
}

static void flush_slots(evm_slots *s)
{
    if (s->none || (s->trie && s->trie->dirty)) storage_flush(opened(s), s->root);
    s->none = false;
}

static bool has_slots(const evm_slots *s)
{
    return s->trie ? s->trie->used != 0 : !s->none;
}

/* --- the state's block --- */

/* A link as bytes; all of an actor's own are of one length. */
static void get_link(fvm_dec *d, uint8_t out[FVM_LINK_LEN])
{
    fvm_cid cid;
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_get_cid(d, &cid);
    if (fvm_cid_write(bytes, &cid) != FVM_LINK_LEN) fvm_dec_fail(d);
    __builtin_memcpy(out, bytes, FVM_LINK_LEN);
}

static void get_lifespan(fvm_dec *d, evm_lifespan *out)
{
    fvm_get_tuple(d, 2);
    out->origin = fvm_get_uint(d);
    out->nonce = fvm_get_uint(d);
    out->set = true;
}

/* Ends the call with `code` when it is no contract's state, as while the constructor runs. */
static void decode(evm_state *s, fvm_bytes block, uint32_t code)
{
    fvm_dec d = fvm_dec_of(block);
    __builtin_memset(s, 0, sizeof *s);
    fvm_get_tuple(&d, STATE_FIELDS);
    get_link(&d, s->code);
    fvm_bytes hash = fvm_get_bytes(&d);
    if (hash.len == 32)
        __builtin_memcpy(s->code_hash, hash.ptr, 32);
    else
        fvm_dec_fail(&d);
    get_link(&d, s->slots.root);
    s->transient.none = true;
    if (!fvm_get_null(&d)) {
        fvm_get_tuple(&d, 2);
        get_link(&d, s->transient.root);
        get_lifespan(&d, &s->transient_life);
        s->transient.none = !is_now(&s->transient_life);
    }
    s->nonce = fvm_get_uint(&d);
    if (!fvm_get_null(&d)) get_lifespan(&d, &s->tombstone);
    if (!fvm_dec_good(&d)) evm_fail(code);
    s->has_code = true;
}

static void put_lifespan(fvm_enc *e, const evm_lifespan *life)
{
    fvm_put_array(e, 2);
    fvm_put_uint(e, life->origin);
    fvm_put_uint(e, life->nonce);
}

static fvm_bytes encode(fvm_enc *e, const evm_state *s)
{
    uint8_t *start = e->at;
    fvm_put_array(e, STATE_FIELDS);
    fvm_put_link(e, s->code, FVM_LINK_LEN);
    fvm_put_string(e, 2, s->code_hash, 32);
    fvm_put_link(e, s->slots.root, FVM_LINK_LEN);
    if (s->transient.none) {
        fvm_put_null(e);
    } else {
        evm_lifespan life = now();
        fvm_put_array(e, 2);
        fvm_put_link(e, s->transient.root, FVM_LINK_LEN);
        put_lifespan(e, &life);
    }
    fvm_put_uint(e, s->nonce);
    if (s->tombstone.set)
        put_lifespan(e, &s->tombstone);
    else
        fvm_put_null(e);
    return (fvm_bytes){ start, (size_t)(e->at - start) };
}

static void read_root(uint8_t root[100])
{
    uint32_t len;
    __builtin_memset(root, 0, FVM_LINK_LEN);
    fvm_check(fvm_sys_self_root(&len, root, 100));
}

void evm_state_new(evm *vm)
{
    evm_state *s = &vm->state;
    __builtin_memset(s, 0, sizeof *s);
    s->slots.none = s->transient.none = true;
    s->nonce = 1;
    s->dirty = true;
}

bool evm_state_load(evm *vm, uint32_t code)
{
    uint8_t root[100];
    read_root(root);
    decode(&vm->state, fvm_block_get(root, NULL), code);
    __builtin_memcpy(vm->state.saved, root, FVM_LINK_LEN);
    if (!vm->state.tombstone.set || is_now(&vm->state.tombstone)) return true;
    evm_state_new(vm);
    vm->read_only = true;
    return false;
}

void evm_state_reload(evm *vm)
{
    uint8_t root[100];
    if (vm->read_only) return;
    read_root(root);
    if (__builtin_memcmp(root, vm->state.saved, FVM_LINK_LEN) == 0) return;
    decode(&vm->state, fvm_block_get(root, NULL), FVM_USR_SERIALIZATION);
    __builtin_memcpy(vm->state.saved, root, FVM_LINK_LEN);
}

void evm_state_flush(evm *vm)
{
    evm_state *s = &vm->state;
    uint8_t room[256];
    if (!s->dirty) return;
    fvm_require(!vm->read_only, FVM_USR_FORBIDDEN, "read only");
    if (!s->has_code) evm_state_set_code(vm, (fvm_bytes){ NULL, 0 });
    s->transient.none = !has_slots(&s->transient);
    if (!s->transient.none) flush_slots(&s->transient);
    flush_slots(&s->slots);
    fvm_enc e = fvm_enc_into(room, sizeof room);
    fvm_block_put(s->saved, FVM_BLOCK_DAG_CBOR, encode(&e, s));
    fvm_check(fvm_sys_self_set_root(s->saved));
    s->dirty = false;
}

void evm_state_set_code(evm *vm, fvm_bytes code)
{
    evm_state *s = &vm->state;
    fvm_require(code.len <= EVM_CODE_MAX, FVM_USR_ILLEGAL_ARGUMENT, "code too long");
    fvm_require(code.len == 0 || code.ptr[0] != 0xef, FVM_USR_ILLEGAL_ARGUMENT, "EIP-3541");
    (void)fvm_hash(s->code_hash, 32, FVM_HASHER_KECCAK_256, code);
    fvm_block_put(s->code, FVM_BLOCK_RAW, code);
    s->has_code = true;
    s->dirty = true;
}

bool evm_state_is_fresh(void)
{
    uint8_t root[100];
    read_root(root);
    return __builtin_memcmp(root, empty_array, FVM_LINK_LEN) == 0;
}
