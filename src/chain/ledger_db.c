/* ledger_db.c - the ledger's database, through the environment of the block store: opening and reading.
 * What is where in it is told in ledger_internal.h. LMDB has no checksums, so each value ends with a
 * sum of its key and itself. */
#include "ledger_internal.h"

#include <errno.h>
#include <sys/stat.h>

#define SUM FVM__DB_SUM
#define LAYOUT 0x4d /* above those of the block store */

static fvm_err fail(fvm__ledger_db *db, int rc, const char *doing, fvm_store_why *why)
{
    return fvm__why(why, fvm__lmdb_err(rc), "%s: %s: %s", db->lmdb->folder, doing,
                    mdb_strerror(rc));
}

static fvm_err broken(fvm__ledger_db *db, const char *what, fvm_store_why *why)
{
    return fvm__why(why, FVM_ERR_IO, "%s: %s", db->lmdb->folder, what);
}

static fvm_err begin(fvm__ledger_db *db, MDB_txn **txn, fvm_store_why *why)
{
    fvm_err err = fvm__lmdb_read_begin(db->lmdb, txn);
    return err == FVM_OK ? FVM_OK : fvm__why(why, err, "%s", db->lmdb->last.text);
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
    return broken(db, "an entry is not what was put", why);
}

/* The value of a key, valid as long as the transaction. */
static fvm_err get(fvm__ledger_db *db, MDB_txn *txn, fvm_bytes *out, fvm_bytes key,
                   fvm_store_why *why)
{
    MDB_val k = fvm__lmdb_val(key), v;
    int rc = mdb_get(txn, db->lmdb->dbi, &k, &v);
    if (rc == MDB_NOTFOUND) return FVM_ERR_NOT_FOUND;
    return rc == 0 ? open_value(db, out, key, &v, why) : fail(db, rc, "cannot read", why);
}

/* --- what is looked up by hash --- */

/* What the log has at a place, if it is of that key. */
static fvm_err read_log(fvm__ledger_db *db, MDB_txn *txn, fvm_buf *out, const fvm__entry_key *key,
                        uint64_t place, fvm_store_why *why)
{
    uint8_t at[9] = { FVM__DB_LOG };
    fvm_bytes v;
    fvm_store_be64(at + 1, place);
    fvm_err err = get(db, txn, &v, (fvm_bytes){ at, sizeof at }, why);
    if (err == FVM_ERR_NOT_FOUND) return broken(db, "the index leads to nothing", why);
    FVM_TRY(err);
    size_t len = v.len >= 3 ? (size_t)(v.ptr[1] | v.ptr[2] << 8) : SIZE_MAX;
    if (v.len < 3 || len > v.len - 3) return broken(db, "an entry of the log is too short", why);
    if (!fvm_bytes_eq((fvm_bytes){ v.ptr + 3, len }, key->bytes)) return FVM_ERR_MISMATCH;
    if (v.ptr[0]) return FVM_ERR_NOT_FOUND;
    return out ? fvm_buf_append(out, (fvm_bytes){ v.ptr + 3 + len, v.len - 3 - len }) : FVM_OK;
}

fvm_err fvm__ledger_db_at(fvm__ledger_db *db, fvm_buf *out, const fvm__entry_key *key,
                          uint64_t place, fvm_store_why *why)
{
    MDB_txn *txn;
    FVM_TRY(begin(db, &txn, why));
    fvm_err err = read_log(db, txn, out, key, place, why);
    fvm__lmdb_read_end(db->lmdb, txn);
    return err;
}

/* The places of the hash, from the last one down, until one has the key. */
static fvm_err search(fvm__ledger_db *db, MDB_txn *txn, fvm_buf *out, const fvm__entry_key *key,
                      fvm_store_why *why)
{
    uint8_t at[17] = { FVM__DB_INDEX };
    MDB_cursor *cursor;
    MDB_val k = { sizeof at, at }, v;
    fvm_store_be64(at + 1, key->hash);
    memset(at + 9, 0xff, 8);
    int rc = mdb_cursor_open(txn, db->lmdb->dbi, &cursor);
    if (rc != 0) return fail(db, rc, "cannot read", why);
    fvm_err err = FVM_ERR_NOT_FOUND;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
    else if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    while (rc == 0 && k.mv_size == sizeof at && memcmp(k.mv_data, at, 9) == 0) {
        err = read_log(db, txn, out, key, fvm_load_be64((const uint8_t *)k.mv_data + 9), why);
        if (err != FVM_ERR_MISMATCH) break;
        err = FVM_ERR_NOT_FOUND;
        rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
    }
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND) return fail(db, rc, "cannot read", why);
    return err;
}

fvm_err fvm__ledger_db_get(fvm__ledger_db *db, fvm_buf *out, const fvm__entry_key *key,
                           fvm_store_why *why)
{
    MDB_txn *txn;
    fvm_bytes v;
    FVM_TRY(begin(db, &txn, why));
    fvm_err err = key->ordered ? get(db, txn, &v, key->bytes, why) : search(db, txn, out, key, why);
    if (err == FVM_OK && key->ordered && out) err = fvm_buf_append(out, v);
    fvm__lmdb_read_end(db->lmdb, txn);
    return err;
}

/* --- going along --- */

static fvm_err take(fvm__ledger_cursor *c, int rc, const MDB_val *key, const MDB_val *value,
                    fvm_store_why *why)
{
    c->has = rc == 0;
    if (rc == MDB_NOTFOUND) return FVM_OK;
    if (rc != 0) return fail(c->db, rc, "cannot read", why);
    c->key = (fvm_bytes){ key->mv_data, key->mv_size };
    if (c->key.len < 2 || c->key.ptr[0] == 0 || c->key.ptr[0] > FVM_LEDGER_ORDERED) {
        c->has = false; /* past the tables, at either end */
        return FVM_OK;
    }
    return open_value(c->db, &c->value, c->key, value, why);
}

fvm_err fvm__ledger_cursor_open(fvm__ledger_cursor *c, fvm__ledger_db *db, fvm_bytes key, bool down,
                                fvm_store_why *why)
{
    MDB_val k = fvm__lmdb_val(key), v;
    *c = (fvm__ledger_cursor){ .db = db, .down = down };
    FVM_TRY(begin(db, &c->txn, why));
    int rc = mdb_cursor_open(c->txn, db->lmdb->dbi, &c->cursor);
    if (rc == 0) rc = mdb_cursor_get(c->cursor, &k, &v, MDB_SET_RANGE);
    if (down && rc == 0)
        rc = mdb_cursor_get(c->cursor, &k, &v, MDB_PREV);
    else if (down && rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(c->cursor, &k, &v, MDB_LAST);
    fvm_err err = take(c, rc, &k, &v, why);
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

/* --- opening --- */

static fvm_err load_state(fvm__ledger_db *db, MDB_txn *txn, fvm_store_why *why)
{
    const uint8_t key = FVM__DB_STATE;
    fvm_bytes v;
    db->state = (fvm__db_state){ .place = 1 };
    fvm_err err = get(db, txn, &v, (fvm_bytes){ &key, 1 }, why);
    if (err != FVM_OK) return err == FVM_ERR_NOT_FOUND ? FVM_OK : err;
    if (v.len != 24) return broken(db, "how far it is: not three numbers", why);
    db->state = (fvm__db_state){ fvm_load_le64(v.ptr), fvm_load_le64(v.ptr + 8),
                                 fvm_load_le64(v.ptr + 16) };
    return FVM_OK;
}

/* Whether a slice has had its turn with that group or since. */
static bool had_turn(const fvm__ledger_db *db, uint64_t group, unsigned slice)
{
    unsigned at = (unsigned)(group % FVM__LATE_SLICES);
    return group + (slice + FVM__LATE_SLICES - at) % FVM__LATE_SLICES < db->state.group;
}

static fvm_err load_part(fvm__ledger_db *db, uint64_t group, fvm_bytes part, fvm_store_why *why)
{
    for (; part.len >= 16; part = (fvm_bytes){ part.ptr + 16, part.len - 16 }) {
        fvm__late_entry entry = { fvm_load_le64(part.ptr), fvm_load_le64(part.ptr + 8) };
        if (entry.place == 0 || entry.place >= db->state.place)
            return broken(db, "an entry of the index that is late leads past the log", why);
        unsigned slice = fvm__late_slice_of(entry.hash);
        if (had_turn(db, group, slice)) continue;
        FVM_TRY(fvm__late_reserve(&db->late, db->lmdb->alloc, slice, 1));
        fvm__late_add(&db->late, entry);
    }
    return FVM_OK;
}

/* The lists of what is not in the index yet; or not all of it. */
static fvm_err load_late(fvm__ledger_db *db, MDB_txn *txn, fvm_store_why *why)
{
    uint8_t first = FVM__DB_LATE;
    MDB_cursor *cursor;
    MDB_val k = { 1, &first }, v;
    int rc = mdb_cursor_open(txn, db->lmdb->dbi, &cursor);
    if (rc != 0) return fail(db, rc, "cannot read", why);
    fvm_err err = FVM_OK;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    while (rc == 0 && *(const uint8_t *)k.mv_data == FVM__DB_LATE) {
        fvm_bytes key = { k.mv_data, k.mv_size }, part;
        err = open_value(db, &part, key, &v, why);
        if (err == FVM_OK && key.len != 13) err = broken(db, "what is late: not of a group", why);
        if (err == FVM_OK) err = load_part(db, fvm_load_be64(key.ptr + 1), part, why);
        if (err != FVM_OK) break;
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND) return fail(db, rc, "cannot read", why);
    return err;
}

fvm_err fvm__ledger_db_open(fvm__ledger_db *db, const char *folder, bool read_only, bool check,
                            const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_lmdb_options options = { .read_only = read_only, .check = check };
    MDB_txn *txn;
    FVM_TRY(fvm__lmdb_open_as(&db->store, folder, &options, LAYOUT, true, alloc, why));
    db->lmdb = db->store.self;
    fvm__cache_init(&db->cache, alloc);
    FVM_TRY(begin(db, &txn, why));
    fvm_err err = load_state(db, txn, why);
    if (err == FVM_OK) err = load_late(db, txn, why);
    fvm__lmdb_read_end(db->lmdb, txn);
    if (err == FVM_OK && !read_only) /* what was read now need not stay in memory */
        fvm__lmdb_forget_pages(db->lmdb, FVM__LMDB_REMAP);
    return err;
}

void fvm__ledger_db_close(fvm__ledger_db *db)
{
    fvm__cache_deinit(&db->cache);
    fvm__late_deinit(&db->late, db->lmdb->alloc);
    fvm_blockstore_free(&db->store);
    db->lmdb = NULL;
}

uint64_t fvm__ledger_db_bytes(fvm__ledger_db *db)
{
    struct stat st;
    int fd;
    return mdb_env_get_fd(db->lmdb->env, &fd) == 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size
                                                                          : 0;
}
