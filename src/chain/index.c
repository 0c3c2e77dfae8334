/* index.c - where messages stand: by CID, by Ethereum's hash, by sender and nonce.
 *
 * A nonce is used once, but for development methods that set nonces back or load a state: then the same message
 * may be included again. The index names the last place, and what it named before is kept under the new place,
 * so that going back finds it:
 *
 *   CID ──> place 11      META: 'r', CID's table, place 11 ──> place 10
 *
 * Only chains that were edited so (`repeats`) look for it, since looking costs each message three reads. */
#include "chain_internal.h"

#define REPEATS FVM_STR("repeats")
#define EARLIER_LEN (2 + FVM__PLACE_LEN)

fvm_err fvm__index_load(fvm_chain *c)
{
    c->record.len = 0;
    fvm_err err = fvm_ledger_get(c->ledger, &c->record, FVM__TABLE_META, REPEATS, false);
    c->repeats = err == FVM_OK;
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

fvm_err fvm__index_repeats(fvm_chain *c)
{
    c->repeats = true; /* also if the batch fails: to look costs little */
    return fvm_ledger_put(c->ledger, FVM__TABLE_META, REPEATS, FVM_STR("1"));
}

static fvm_bytes earlier_key(uint8_t out[EARLIER_LEN], unsigned table, const uint8_t *place)
{
    out[0] = 'r';
    out[1] = (uint8_t)table;
    memcpy(out + 2, place, FVM__PLACE_LEN);
    return (fvm_bytes){ out, EARLIER_LEN };
}

/* A place that the ledger holds under `key`; FVM_ERR_NOT_FOUND. */
static fvm_err get_place(fvm_chain *c, uint8_t out[FVM__PLACE_LEN], unsigned table, fvm_bytes key,
                         bool in_batch)
{
    fvm_buf value;
    fvm_buf_init(&value, c->alloc);
    fvm_err err = fvm_ledger_get(c->ledger, &value, table, key, in_batch);
    if (err == FVM_OK && value.len != FVM__PLACE_LEN) err = FVM_ERR_BAD_STATE;
    if (err == FVM_OK) memcpy(out, value.ptr, FVM__PLACE_LEN);
    fvm_buf_deinit(&value);
    return err;
}

fvm_err fvm__index_put(fvm_chain *c, unsigned table, fvm_bytes key, fvm_bytes place)
{
    uint8_t before[FVM__PLACE_LEN], earlier[EARLIER_LEN];
    fvm_err err = c->repeats ? get_place(c, before, table, key, true) : FVM_ERR_NOT_FOUND;
    if (err == FVM_OK)
        err = fvm_ledger_put(c->ledger, FVM__TABLE_META, earlier_key(earlier, table, place.ptr),
                             (fvm_bytes){ before, sizeof before });
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    return fvm_ledger_put(c->ledger, table, key, place);
}

fvm_err fvm__index_remove(fvm_chain *c, unsigned table, fvm_bytes key, fvm_bytes place)
{
    uint8_t before[FVM__PLACE_LEN], room[EARLIER_LEN];
    fvm_bytes earlier = earlier_key(room, table, place.ptr);
    fvm_err err = c->repeats ? get_place(c, before, FVM__TABLE_META, earlier, true)
                             : FVM_ERR_NOT_FOUND;
    if (err == FVM_ERR_NOT_FOUND) return fvm_ledger_delete(c->ledger, table, key);
    FVM_TRY(err);
    FVM_TRY(fvm_ledger_delete(c->ledger, FVM__TABLE_META, earlier));
    return fvm_ledger_put(c->ledger, table, key, (fvm_bytes){ before, sizeof before });
}

fvm_err fvm__index_get(fvm_chain *c, fvm__place *out, unsigned table, fvm_bytes key)
{
    uint8_t place[FVM__PLACE_LEN];
    FVM_TRY(get_place(c, place, table, key, false));
    *out = fvm__place_read(place);
    return FVM_OK;
}

fvm_err fvm__index_has(fvm_chain *c, bool *out, unsigned table, fvm_bytes key, fvm_bytes place)
{
    uint8_t at[FVM__PLACE_LEN], earlier[EARLIER_LEN];
    fvm_err err = get_place(c, at, table, key, false);
    /* earlier places are lower ones, so this ends also where somebody made a circle of them */
    while (err == FVM_OK && memcmp(at, place.ptr, sizeof at) > 0) {
        uint8_t last[FVM__PLACE_LEN];
        memcpy(last, at, sizeof last);
        err = get_place(c, at, FVM__TABLE_META, earlier_key(earlier, table, last), false);
        if (err == FVM_OK && memcmp(at, last, sizeof at) >= 0) err = FVM_ERR_NOT_FOUND;
    }
    *out = err == FVM_OK && memcmp(at, place.ptr, sizeof at) == 0;
    return err == FVM_ERR_NOT_FOUND || err == FVM_ERR_BAD_STATE ? FVM_OK : err;
}
