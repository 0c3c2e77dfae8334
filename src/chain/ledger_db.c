/* ledger_db.c - the ledger's database: one tree of LMDB, through the environment of the block store.
 * LMDB has no checksums, so each value ends with a sum of its key and itself. The key ff "moved" holds
 * the number of the last batch that is in it. */
#include "ledger_internal.h"

#include <errno.h>
#include <sys/stat.h>

#define SUM 8u
#define LAYOUT 0x4c /* above those of the block store */

static const uint8_t moved_key[] = { 0xff, 'm', 'o', 'v', 'e', 'd' };

fvm_err fvm__ledger_db_open(fvm__ledger_db *db, const char *folder, bool read_only, bool check,
                            const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_lmdb_options options = { .read_only = read_only, .check = check };
    FVM_TRY(fvm__lmdb_open_as(&db->store, folder, &options, LAYOUT, true, alloc, why));
    db->lmdb = db->store.self;
    return FVM_OK;
}

void fvm__ledger_db_close(fvm__ledger_db *db)
{
    fvm_blockstore_free(&db->store);
    db->lmdb = NULL;
}

static MDB_val val_of(fvm_bytes in)
{
    return fvm__lmdb_val(in);
}

static fvm_err fail(fvm__ledger_db *db, int rc, const char *doing, fvm_store_why *why)
{
    return fvm__why(why, fvm__lmdb_err(rc), "%s: %s: %s", db->lmdb->folder, doing,
                    mdb_strerror(rc));
}

/* What lies under a key, without its sum. */
static fvm_err open_value(fvm__ledger_db *db, fvm_bytes *out, fvm_bytes key, const MDB_val *value,
                          fvm_store_why *why)
{
    fvm_bytes v = { value->mv_data, value->mv_size };
    if (v.len >= SUM) {
        v.len -= SUM;
        *out = v;
        if (fvm_load_le64(v.ptr + v.len) == fvm__ledger_sum(key, v)) return FVM_OK;
    }
    return fvm__why(why, FVM_ERR_IO, "%s: an entry is not what was put", db->lmdb->folder);
}

fvm_err fvm__ledger_db_get(fvm__ledger_db *db, fvm_buf *out, fvm_bytes key, fvm_store_why *why)
{
    MDB_txn *txn;
    MDB_val k = val_of(key), v;
    fvm_bytes data = { NULL, 0 };
    fvm_err err = fvm__lmdb_read_begin(db->lmdb, &txn);
    if (err != FVM_OK) return fvm__why(why, err, "%s", db->lmdb->last.text);
    int rc = mdb_get(txn, db->lmdb->dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        err = FVM_ERR_NOT_FOUND;
    else if (rc != 0)
        err = fail(db, rc, "cannot read", why);
    else if (out)
        err = open_value(db, &data, key, &v, why);
    if (err == FVM_OK && out) err = fvm_buf_append(out, data);
    fvm__lmdb_read_end(db->lmdb, txn);
    return err;
}

fvm_err fvm__ledger_db_moved(fvm__ledger_db *db, uint64_t *out, fvm_store_why *why)
{
    fvm_buf value;
    fvm_buf_init(&value, db->lmdb->alloc);
    fvm_err err = fvm__ledger_db_get(db, &value, (fvm_bytes){ moved_key, sizeof moved_key }, why);
    *out = 0;
    if (err == FVM_OK && value.len == 8) *out = fvm_load_le64(value.ptr);
    fvm_buf_deinit(&value);
    return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
}

/* --- writing --- */

static int put(MDB_txn *txn, MDB_dbi dbi, fvm_bytes key, fvm_bytes value, unsigned flags)
{
    MDB_val k = val_of(key), v = { value.len + SUM, NULL };
    int rc = mdb_put(txn, dbi, &k, &v, MDB_RESERVE | flags);
    if (rc == MDB_KEYEXIST && flags) return 0; /* a block that is there is that block */
    if (rc != 0) return rc;
    uint8_t *room = v.mv_data;
    if (value.len) memcpy(room, value.ptr, value.len);
    fvm_store_le64(room + value.len, fvm__ledger_sum(key, value));
    return 0;
}

typedef struct group {
    const fvm__entry_list *list;
    uint64_t moved, bytes;
} group;

/* In order, so that the pages of neighbours are touched once. */
static int move_group(fvm__lmdb *lmdb, MDB_txn *txn, void *ctx, fvm_err *err)
{
    group *g = ctx;
    uint8_t number[8];
    (void)err;
    g->bytes = 0;
    for (const fvm__entry_node *n = g->list->first[0]; n; n = n->next[0]) {
        MDB_val k = val_of(n->key);
        bool block = n->key.ptr[0] == FVM__LEDGER_BLOCKS + 1;
        int rc = n->deleted ? mdb_del(txn, lmdb->dbi, &k, NULL)
                            : put(txn, lmdb->dbi, n->key, n->value, block ? MDB_NOOVERWRITE : 0);
        if (rc != 0 && !(n->deleted && rc == MDB_NOTFOUND)) return rc;
        g->bytes += n->size;
    }
    fvm_store_le64(number, g->moved);
    return put(txn, lmdb->dbi, (fvm_bytes){ moved_key, sizeof moved_key },
               (fvm_bytes){ number, sizeof number }, 0);
}

fvm_err fvm__ledger_db_move(fvm__ledger_db *db, const fvm__entry_list *list, uint64_t moved,
                            fvm_store_why *why)
{
    group g = { .list = list, .moved = moved };
    fvm_err err = fvm__lmdb_write(db->lmdb, move_group, &g, "cannot write");
    if (err == FVM_OK) {
        fvm__lmdb_forget_pages(db->lmdb, g.bytes);
        return FVM_OK;
    }
    (void)pthread_mutex_lock(&db->lmdb->lock);
    if (why) *why = db->lmdb->last;
    (void)pthread_mutex_unlock(&db->lmdb->lock);
    return err;
}

uint64_t fvm__ledger_db_bytes(fvm__ledger_db *db)
{
    struct stat st;
    int fd;
    return mdb_env_get_fd(db->lmdb->env, &fd) == 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size
                                                                          : 0;
}

/* --- going along --- */

static fvm_err take(fvm__ledger_cursor *c, int rc, const MDB_val *key, const MDB_val *value,
                    fvm_store_why *why)
{
    c->has = rc == 0;
    if (rc == MDB_NOTFOUND) return FVM_OK;
    if (rc != 0) return fail(c->db, rc, "cannot read", why);
    c->key = (fvm_bytes){ key->mv_data, key->mv_size };
    if (c->key.len < 2 || c->key.ptr[0] == 0 || c->key.ptr[0] == 0xff) {
        c->has = false; /* past the tables, at either end */
        return FVM_OK;
    }
    return open_value(c->db, &c->value, c->key, value, why);
}

fvm_err fvm__ledger_cursor_open(fvm__ledger_cursor *c, fvm__ledger_db *db, fvm_bytes key, bool down,
                                fvm_store_why *why)
{
    MDB_val k = val_of(key), v;
    *c = (fvm__ledger_cursor){ .db = db, .down = down };
    fvm_err err = fvm__lmdb_read_begin(db->lmdb, &c->txn);
    if (err != FVM_OK) return fvm__why(why, err, "%s", db->lmdb->last.text);
    int rc = mdb_cursor_open(c->txn, db->lmdb->dbi, &c->cursor);
    if (rc == 0) rc = mdb_cursor_get(c->cursor, &k, &v, MDB_SET_RANGE);
    if (down && rc == 0)
        rc = mdb_cursor_get(c->cursor, &k, &v, MDB_PREV);
    else if (down && rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(c->cursor, &k, &v, MDB_LAST);
    err = take(c, rc, &k, &v, why);
    if (err != FVM_OK) fvm__ledger_cursor_close(c);
    return err;
}

fvm_err fvm__ledger_cursor_next(fvm__ledger_cursor *c, fvm_store_why *why)
{
    MDB_val k, v;
    int rc = mdb_cursor_get(c->cursor, &k, &v, c->down ? MDB_PREV : MDB_NEXT);
    return take(c, rc, &k, &v, why);
}

void fvm__ledger_cursor_close(fvm__ledger_cursor *c)
{
    if (c->cursor) mdb_cursor_close(c->cursor);
    if (c->txn) fvm__lmdb_read_end(c->db->lmdb, c->txn);
    *c = (fvm__ledger_cursor){ 0 };
}
