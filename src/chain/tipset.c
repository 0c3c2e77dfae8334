/* tipset.c - tipsets in the ledger: writing one, and finding them by number, hash and block. */
#include "chain_internal.h"

static fvm_bytes number_key(uint8_t out[8], uint64_t number)
{
    fvm_store_be64(out, number);
    return (fvm_bytes){ out, 8 };
}

static fvm_err put_indexes(fvm_chain *c, const fvm_tipset *t, fvm_bytes number)
{
    FVM_TRY(fvm_ledger_put(c->ledger, FVM__TABLE_HASH, (fvm_bytes){ t->hash, 32 }, number));
    return fvm_ledger_put(c->ledger, FVM__TABLE_BLOCK,
                          (fvm_bytes){ t->block.digest, t->block.digest_len }, number);
}

fvm_err fvm__tipset_put(fvm_chain *c, const fvm_tipset *t)
{
    uint8_t key[8];
    fvm_bytes number = number_key(key, t->number);
    c->record.len = 0;
    FVM_TRY(fvm__tipset_write(&c->record, t));
    FVM_TRY(fvm_ledger_put(c->ledger, FVM__TABLE_TIPSET, number, fvm_buf_bytes(&c->record)));
    return put_indexes(c, t, number);
}

fvm_err fvm__tipset_delete(fvm_chain *c, const fvm_tipset *t)
{
    uint8_t key[8];
    FVM_TRY(fvm_ledger_delete(c->ledger, FVM__TABLE_TIPSET, number_key(key, t->number)));
    FVM_TRY(fvm_ledger_delete(c->ledger, FVM__TABLE_HASH, (fvm_bytes){ t->hash, 32 }));
    return fvm_ledger_delete(c->ledger, FVM__TABLE_BLOCK,
                             (fvm_bytes){ t->block.digest, t->block.digest_len });
}

/* --- by number --- */

static bool is_head(fvm_chain *c, fvm_tipset *out, uint64_t number, uint64_t *head)
{
    pthread_mutex_lock(&c->head_lock);
    *head = c->head.number;
    bool same = number == c->head.number && c->serial;
    if (same) *out = c->head;
    pthread_mutex_unlock(&c->head_lock);
    return same;
}

fvm_err fvm_chain_tipset(fvm_chain *c, fvm_tipset *out, uint64_t number)
{
    uint8_t key[8];
    uint64_t head;
    fvm_buf record;
    if (is_head(c, out, number, &head)) return FVM_OK;
    fvm_buf_init(&record, c->alloc);
    fvm_err err = fvm_ledger_get(c->ledger, &record, FVM__TABLE_TIPSET, number_key(key, number),
                                 false);
    if (err == FVM_OK)
        err = fvm__ledger_err(fvm__tipset_read(out, number, fvm_buf_bytes(&record)));
    else if (err == FVM_ERR_NOT_FOUND && number < head)
        err = FVM_ERR_INVALID; /* a null round */
    fvm_buf_deinit(&record);
    return err;
}

#define FOUND FVM_ERR_EXTERN /* ends a visit */

static fvm_err take_first(void *ctx, fvm_bytes key, fvm_bytes value)
{
    if (key.len != 8) return FVM_ERR_BAD_STATE;
    fvm_err err = fvm__ledger_err(fvm__tipset_read(ctx, fvm_load_be64(key.ptr), value));
    return err == FVM_OK ? FOUND : err;
}

fvm_err fvm_chain_tipset_near(fvm_chain *c, fvm_tipset *out, uint64_t number, bool after)
{
    uint8_t key[8];
    uint64_t head;
    fvm_bytes open = { NULL, 0 };
    fvm_err err = fvm_chain_tipset(c, out, number);
    if (err != FVM_ERR_INVALID) {
        if (err != FVM_ERR_NOT_FOUND || after) return err;
        /* past the head: the last one before is the head */
        if (is_head(c, out, fvm_chain_head_number(c), &head)) return FVM_OK;
    }
    fvm_bytes edge = number_key(key, number);
    err = fvm_ledger_range(c->ledger, FVM__TABLE_TIPSET, after ? edge : open, after ? open : edge,
                           !after, take_first, out);
    if (err == FVM_OK) return FVM_ERR_NOT_FOUND;
    return err == FOUND ? FVM_OK : err;
}

typedef struct tipset_visit {
    fvm_err (*visit)(void *ctx, const fvm_tipset *tipset);
    void *ctx;
    uint64_t head;
} tipset_visit;

static fvm_err visit_one(void *ctx, fvm_bytes key, fvm_bytes value)
{
    const tipset_visit *v = ctx;
    fvm_tipset t;
    if (key.len != 8) return FVM_ERR_BAD_STATE;
    FVM_TRY(fvm__ledger_err(fvm__tipset_read(&t, fvm_load_be64(key.ptr), value)));
    return v->visit(v->ctx, &t);
}

fvm_err fvm_chain_tipsets(fvm_chain *c, uint64_t from, uint64_t to, bool down,
                          fvm_err (*visit)(void *ctx, const fvm_tipset *tipset), void *ctx)
{
    uint8_t low[8], high[8];
    tipset_visit v = { visit, ctx, 0 };
    if (from > to) return FVM_OK;
    fvm_bytes end = { NULL, 0 };
    if (to != UINT64_MAX) end = number_key(high, to + 1);
    return fvm_ledger_range(c->ledger, FVM__TABLE_TIPSET, number_key(low, from), end, down,
                            visit_one, &v);
}

/* --- by name --- */

static fvm_err by_name(fvm_chain *c, fvm_tipset *out, unsigned table, fvm_bytes name)
{
    fvm_buf number;
    fvm_buf_init(&number, c->alloc);
    fvm_err err = fvm_ledger_get(c->ledger, &number, table, name, false);
    if (err == FVM_OK)
        err = number.len == 8 ? fvm_chain_tipset(c, out, fvm_load_be64(number.ptr))
                              : FVM_ERR_BAD_STATE;
    fvm_buf_deinit(&number);
    return err == FVM_ERR_INVALID ? FVM_ERR_NOT_FOUND : err; /* gone meanwhile */
}

fvm_err fvm_chain_tipset_by_hash(fvm_chain *c, fvm_tipset *out, const uint8_t hash[32])
{
    return by_name(c, out, FVM__TABLE_HASH, (fvm_bytes){ hash, 32 });
}

fvm_err fvm_chain_tipset_by_block(fvm_chain *c, fvm_tipset *out, const fvm_cid *block)
{
    return by_name(c, out, FVM__TABLE_BLOCK, (fvm_bytes){ block->digest, block->digest_len });
}
