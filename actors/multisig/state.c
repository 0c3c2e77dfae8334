/* state.c - see state.h. */
#include "multisig/state.h"

#define PENDING_WIDTH 5

void state_load(state *s)
{
    BUILTIN_STATE_LOAD(state, s);
}

void state_save(const state *s)
{
    FVM_STATE_SAVE(state, s);
}

/* --- lists of addresses --- */

size_t list_find(const addresses *list, const fvm_address *address)
{
    size_t i = 0;
    while (i < list->count && !fvm_address_eq(&list->item[i], address)) i++;
    return i;
}

void list_append(addresses *list, const fvm_address *address)
{
    fvm_address *item = fvm_heap_array(list->count + 1, sizeof *item);
    for (size_t i = 0; i < list->count; i++) item[i] = list->item[i];
    item[list->count++] = *address;
    list->item = item;
}

void list_remove(addresses *list, const fvm_address *address)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!fvm_address_eq(&list->item[i], address)) list->item[kept++] = list->item[i];
    list->count = kept;
}

/* --- the map --- */

/* Transaction IDs are keys as zig-zag LEB128. */
typedef struct tx_key {
    uint8_t bytes[10];
    size_t len;
} tx_key;

static tx_key key_of(int64_t id)
{
    uint64_t v = (uint64_t)id << 1 ^ (uint64_t)(id >> 63);
    tx_key key = { .len = 0 };
    for (; v >= 0x80; v >>= 7) key.bytes[key.len++] = (uint8_t)(v | 0x80);
    key.bytes[key.len++] = (uint8_t)v;
    return key;
}

fvm_hamt *pending_load(const state *s)
{
    fvm_hamt *pending;
    builtin_map(
        fvm_hamt_load(&pending, fvm_blocks(), &s->pending_txs, PENDING_WIDTH, &fvm_heap_allocator));
    return pending;
}

static void decode(transaction *out, fvm_bytes value)
{
    fvm_dec d = fvm_dec_of(value);
    fvm_dec_transaction(&d, out);
    fvm_require(fvm_dec_good(&d), FVM_USR_ILLEGAL_STATE, "transaction");
}

bool pending_get(fvm_hamt *pending, transaction *out, int64_t id)
{
    tx_key key = key_of(id);
    fvm_bytes value;
    fvm_err err = fvm_hamt_get(pending, &value, (fvm_bytes){ key.bytes, key.len });
    if (err == FVM_ERR_NOT_FOUND) return false;
    builtin_map(err);
    decode(out, value);
    return true;
}

static void set(fvm_hamt *pending, const transaction *tx, fvm_bytes key)
{
    fvm_enc e = fvm_enc_heap(0);
    fvm_enc_transaction(&e, tx);
    builtin_map(fvm_hamt_set(pending, key, fvm_enc_done(&e)));
}

void pending_set(fvm_hamt *pending, const transaction *tx, int64_t id)
{
    tx_key key = key_of(id);
    set(pending, tx, (fvm_bytes){ key.bytes, key.len });
}

void pending_delete(fvm_hamt *pending, int64_t id)
{
    tx_key key = key_of(id);
    builtin_map(fvm_hamt_delete(pending, NULL, (fvm_bytes){ key.bytes, key.len }));
}

/* --- purging --- */

/* A transaction to change, kept until the walk over the map is over. */
typedef struct purged {
    struct purged *next;
    fvm_bytes key;
    transaction tx;
} purged;

typedef struct purge {
    const fvm_address *address;
    purged *first;
} purge;

static fvm_err collect(void *ctx, fvm_bytes key, fvm_bytes value)
{
    purge *p = ctx;
    transaction tx;
    decode(&tx, value);
    if (list_find(&tx.approved, p->address) == tx.approved.count) return FVM_OK;
    uint8_t *copy = fvm_heap_alloc(key.len + value.len);
    __builtin_memcpy(copy, key.ptr, key.len);
    __builtin_memcpy(copy + key.len, value.ptr, value.len);
    purged *found = fvm_heap_alloc(sizeof *found);
    *found = (purged){ p->first, { copy, key.len }, { .method = 0 } };
    decode(&found->tx, (fvm_bytes){ copy + key.len, value.len });
    list_remove(&found->tx.approved, p->address);
    p->first = found;
    return FVM_OK;
}

void pending_purge(state *s, const fvm_address *address)
{
    fvm_hamt *pending = pending_load(s);
    purge p = { address, NULL };
    builtin_map(fvm_hamt_each(pending, collect, &p));
    for (const purged *found = p.first; found; found = found->next) {
        if (found->tx.approved.count)
            set(pending, &found->tx, found->key);
        else
            builtin_map(fvm_hamt_delete(pending, NULL, found->key));
    }
    builtin_map(fvm_hamt_flush(pending, &s->pending_txs));
}

/* --- the lock --- */

/* initial_balance falls to zero in a line, rounded up: ceil(initial * left / duration). */
static void locked_now(wide *out, const state *s)
{
    int64_t elapsed, left;
    fvm_require(!__builtin_sub_overflow(fvm_epoch(), s->start_epoch, &elapsed),
                FVM_USR_ASSERTION_FAILED, "epochs");
    if (elapsed >= s->unlock_duration) {
        wide_set(out, 0);
        return;
    }
    *out = s->initial_balance;
    if (elapsed <= 0) return;
    wide n;
    left = s->unlock_duration - elapsed;
    wide_set(&n, left);
    wide_mul(out, out, &n);
    wide_div_up(out, (uint64_t)s->unlock_duration);
}

void require_available(const state *s, const wide *amount)
{
    fvm_abi_token own;
    wide rest, locked;
    fvm_require(!amount->negative, FVM_USR_ILLEGAL_ARGUMENT, "negative amount");
    fvm_check(fvm_sys_self_balance(&own));
    wide_of_amount(&rest, own);
    fvm_require(wide_cmp(&rest, amount) >= 0, FVM_USR_INSUFFICIENT_FUNDS, "balance");
    if (wide_is_zero(amount)) return;
    wide_sub(&rest, &rest, amount);
    locked_now(&locked, s);
    fvm_require(wide_cmp(&rest, &locked) >= 0, FVM_USR_INSUFFICIENT_FUNDS, "locked");
}
