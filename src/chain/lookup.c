/* lookup.c - messages: in tipsets by the ledger's indexes, else in the pool. */
#include "chain_internal.h"

void fvm_chain_message_init(fvm_chain_message *m, const fvm_allocator *alloc)
{
    *m = (fvm_chain_message){ .number = FVM_CHAIN_PENDING };
    fvm_buf_init(&m->storage, alloc);
}

void fvm_chain_message_deinit(fvm_chain_message *m)
{
    fvm_buf_deinit(&m->storage);
}

/* Empties it for another use; the storage stays. */
static void clear(fvm_chain_message *m)
{
    fvm_buf storage = m->storage;
    storage.len = 0;
    *m = (fvm_chain_message){ .number = FVM_CHAIN_PENDING, .storage = storage };
}

fvm_err fvm_chain_message_at(fvm_chain *c, fvm_chain_message *out, uint64_t number, uint32_t index)
{
    uint8_t key[FVM__PLACE_LEN];
    clear(out);
    FVM_TRY(fvm_ledger_get(c->ledger, &out->storage, FVM__TABLE_MESSAGE,
                           fvm__place_write(key, number, index), false));
    FVM_TRY(fvm__ledger_err(fvm__message_read(out, NULL, fvm_buf_bytes(&out->storage))));
    out->number = number;
    out->index = index;
    return FVM_OK;
}

static fvm_err by_index(fvm_chain *c, fvm_chain_message *out, unsigned table, fvm_bytes key)
{
    fvm__place p;
    clear(out);
    FVM_TRY(fvm__index_get(c, &p, table, key));
    return fvm_chain_message_at(c, out, p.number, p.index);
}

fvm_err fvm__message_from_pool(fvm_chain_message *out, const fvm__pooled *p)
{
    const fvm_signed_message *s = &p->signed_message;
    clear(out);
    FVM_TRY(fvm_buf_append(&out->storage, s->message.params));
    out->message = s->message;
    out->message.params = fvm_buf_bytes(&out->storage);
    out->signature = s->signature;
    out->cid = p->cid;
    memcpy(out->eth_hash, p->eth_hash, 32);
    memcpy(out->from_eth, p->from_eth, 20);
    memcpy(out->to_eth, p->to_eth, 20);
    out->to_known = p->to_known;
    out->to_id = p->to_id;
    out->chain_length = p->chain_length;
    out->from_id = p->from_id;
    return FVM_OK;
}

static fvm_err in_pool(fvm_chain *c, fvm_chain_message *out, const fvm_map *map, fvm_bytes key)
{
    pthread_mutex_lock(&c->pool.lock);
    const fvm_map_entry *e = fvm_map_get(map, key);
    fvm_err err = e ? fvm__message_from_pool(out, e->value.ptr) : FVM_ERR_NOT_FOUND;
    pthread_mutex_unlock(&c->pool.lock);
    return err;
}

/* A message moves from the pool to the ledger, never back, but is in the ledger before it leaves the
 * pool. So whoever finds it in neither has to look once more only if it left in between; the pool
 * is asked first and then the ledger, which would otherwise be the wrong order. */
fvm_err fvm_chain_message_by_cid(fvm_chain *c, fvm_chain_message *out, const fvm_cid *cid)
{
    fvm_bytes digest = { cid->digest, cid->digest_len };
    fvm_err err = by_index(c, out, FVM__TABLE_CID, digest);
    if (err == FVM_ERR_NOT_FOUND) err = in_pool(c, out, &c->pool.by_cid, digest);
    if (err == FVM_ERR_NOT_FOUND) err = by_index(c, out, FVM__TABLE_CID, digest);
    return err;
}

static fvm_err sealed_by_hash(fvm_chain *c, fvm_chain_message *out, fvm_bytes hash)
{
    fvm_err err = by_index(c, out, FVM__TABLE_ETH, hash);
    return err == FVM_ERR_NOT_FOUND ? by_index(c, out, FVM__TABLE_CID, hash) : err;
}

fvm_err fvm_chain_message_by_eth_hash(fvm_chain *c, fvm_chain_message *out, const uint8_t hash[32])
{
    fvm_bytes key = { hash, 32 };
    fvm_err err = sealed_by_hash(c, out, key);
    if (err == FVM_ERR_NOT_FOUND) err = in_pool(c, out, &c->pool.by_hash, key);
    if (err == FVM_ERR_NOT_FOUND) err = sealed_by_hash(c, out, key);
    return err;
}

typedef struct find_id {
    const fvm_address *address;
    uint64_t id;
} find_id;

static fvm_err look_for_id(void *ctx, fvm_state_view *state)
{
    find_id *f = ctx;
    return fvm_state_lookup_id(state, &f->id, f->address);
}

fvm_err fvm_chain_message_by_nonce(fvm_chain *c, fvm_chain_message *out, const fvm_address *sender,
                                   uint64_t nonce)
{
    uint8_t key[16];
    find_id f = { .address = sender };
    FVM_TRY(fvm__mempool_look(c, look_for_id, &f));
    fvm_store_be64(key, f.id);
    fvm_store_be64(key + 8, nonce);
    fvm_err err = by_index(c, out, FVM__TABLE_NONCE, (fvm_bytes){ key, 16 });
    if (err == FVM_ERR_NOT_FOUND) err = fvm__mempool_find_nonce(c, out, f.id, nonce);
    if (err == FVM_ERR_NOT_FOUND) err = by_index(c, out, FVM__TABLE_NONCE, (fvm_bytes){ key, 16 });
    return err;
}

/* --- all of a tipset --- */

typedef struct message_visit {
    fvm_chain_message_visit visit;
    void *ctx;
} message_visit;

static fvm_err visit_one(void *ctx, fvm_bytes key, fvm_bytes value)
{
    const message_visit *v = ctx;
    fvm_chain_message m;
    if (key.len != FVM__PLACE_LEN) return FVM_ERR_BAD_STATE;
    fvm_chain_message_init(&m, NULL);
    FVM_TRY(fvm__ledger_err(fvm__message_read(&m, NULL, value)));
    fvm__place p = fvm__place_read(key.ptr);
    m.number = p.number;
    m.index = p.index;
    return v->visit(v->ctx, &m);
}

fvm_err fvm_chain_messages(fvm_chain *c, uint64_t number, fvm_chain_message_visit visit, void *ctx)
{
    uint8_t low[FVM__PLACE_LEN], high[FVM__PLACE_LEN];
    message_visit v = { visit, ctx };
    if (number >= UINT64_MAX - 1) return FVM_ERR_NOT_FOUND;
    return fvm_ledger_range(c->ledger, FVM__TABLE_MESSAGE, fvm__place_write(low, number, 0),
                            fvm__place_write(high, number + 1, 0), false, visit_one, &v);
}
