/* lmdb.c - a blockstore on LMDB: transactions, the map that grows, reading and writing. Opening is in
 * lmdb_open.c, what looks at the whole database in lmdb_admin.c.
 *
 * The map is address space, not memory. It is made small and doubled when a write finds it full
 * (MDB_MAP_FULL), or taken over when another process has grown it (MDB_MAP_RESIZED). That must not
 * happen while this process has a transaction, hence the lock around all of them. */
#include "lmdb_internal.h"

#include <errno.h>

const char fvm__lmdb_layout_key[4] = { 0, 'f', 'v', 'm' };

fvm_err fvm__lmdb_err(int rc)
{
    switch (rc) {
    case 0: return FVM_OK;
    case MDB_NOTFOUND: return FVM_ERR_NOT_FOUND;
    case ENOMEM: return FVM_ERR_NOMEM;
    case EROFS:
    case EACCES: return FVM_ERR_READ_ONLY;
    default: return FVM_ERR_IO;
    }
}

fvm_err fvm__lmdb_fail(fvm__lmdb *db, int rc, const char *doing)
{
    (void)pthread_mutex_lock(&db->lock);
    (void)fvm__why(&db->last, FVM_OK, "%s: %s: %s", db->folder, doing, mdb_strerror(rc));
    (void)pthread_mutex_unlock(&db->lock);
    return fvm__lmdb_err(rc);
}

/* --- the map --- */

/* Another process has made the map larger: takes its size over. */
static int follow_map(fvm__lmdb *db)
{
    (void)pthread_rwlock_wrlock(&db->map_lock);
    int rc = mdb_env_set_mapsize(db->env, 0);
    (void)pthread_rwlock_unlock(&db->map_lock);
    return rc;
}

static size_t map_size(const fvm__lmdb *db)
{
    MDB_envinfo info;
    (void)mdb_env_info(db->env, &info);
    return info.me_mapsize;
}

/* Doubles the map unless another thread has done so since it had `seen` bytes. */
static int grow_map(fvm__lmdb *db, size_t seen)
{
    int rc = 0;
    (void)pthread_rwlock_wrlock(&db->map_lock);
    if (map_size(db) == seen) {
        uint64_t size = seen <= SIZE_MAX / 4 ? (uint64_t)seen * 2 : 0;
        if (db->options.map_max != 0 && size > db->options.map_max) size = db->options.map_max;
        rc = size > seen ? mdb_env_set_mapsize(db->env, (size_t)size) : MDB_MAP_FULL;
    }
    (void)pthread_rwlock_unlock(&db->map_lock);
    return rc;
}

/* Every page of the file that a write looks at stays mapped, with some around it, and counts as
 * memory of this process until somebody needs it: the kernel would take it back, but whoever watches
 * an import sees memory grow with the archive. So the file is mapped anew now and then; more rarely
 * where batches are small, as a machine's flushes are, which read what was read before and would pay
 * for the page faults (a tenth of a transfer in bench_state). */
void fvm__lmdb_forget_pages(fvm__lmdb *db, uint64_t bytes)
{
    (void)pthread_mutex_lock(&db->lock);
    db->written += bytes < FVM__LMDB_SMALL ? bytes / 8 : bytes;
    bool now = db->written >= FVM__LMDB_REMAP;
    if (now) db->written = 0;
    (void)pthread_mutex_unlock(&db->lock);
    /* not worth waiting for a long reader, who would hold up all others in turn */
    if (!now || pthread_rwlock_trywrlock(&db->map_lock) != 0) return;
    (void)mdb_env_set_mapsize(db->env, map_size(db)); /* the same size: the map as it was */
    (void)pthread_rwlock_unlock(&db->map_lock);
}

/* --- transactions --- */

static MDB_txn *pool_take(fvm__lmdb *db)
{
    (void)pthread_mutex_lock(&db->lock);
    MDB_txn *txn = db->pooled ? db->pool[--db->pooled] : NULL;
    (void)pthread_mutex_unlock(&db->lock);
    return txn;
}

static int begin_read(fvm__lmdb *db, MDB_txn **txn)
{
    *txn = pool_take(db);
    if (*txn) {
        int rc = mdb_txn_renew(*txn);
        if (rc != 0) mdb_txn_abort(*txn);
        return rc;
    }
    int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, txn);
    if (rc == MDB_READERS_FULL) {
        int dead;
        (void)mdb_reader_check(db->env, &dead); /* slots of processes that were killed */
        rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, txn);
    }
    return rc;
}

fvm_err fvm__lmdb_read_begin(fvm__lmdb *db, MDB_txn **txn)
{
    for (;;) {
        (void)pthread_rwlock_rdlock(&db->map_lock);
        int rc = begin_read(db, txn);
        if (rc == 0) return FVM_OK;
        (void)pthread_rwlock_unlock(&db->map_lock);
        if (rc == MDB_MAP_RESIZED) rc = follow_map(db);
        if (rc != 0) return fvm__lmdb_fail(db, rc, "cannot begin to read");
    }
}

void fvm__lmdb_read_end(fvm__lmdb *db, MDB_txn *txn)
{
    mdb_txn_reset(txn); /* else old pages could never be reused */
    (void)pthread_mutex_lock(&db->lock);
    bool kept = db->pooled < FVM__LMDB_POOL;
    if (kept) db->pool[db->pooled++] = txn;
    (void)pthread_mutex_unlock(&db->lock);
    if (!kept) mdb_txn_abort(txn);
    (void)pthread_rwlock_unlock(&db->map_lock);
}

static int write_once(fvm__lmdb *db,
                      int (*body)(fvm__lmdb *db, MDB_txn *txn, void *ctx, fvm_err *err), void *ctx,
                      fvm_err *err, size_t *seen)
{
    MDB_txn *txn;
    (void)pthread_rwlock_rdlock(&db->map_lock);
    *seen = map_size(db);
    int rc = mdb_txn_begin(db->env, NULL, 0, &txn);
    if (rc == 0) {
        rc = body(db, txn, ctx, err);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    (void)pthread_rwlock_unlock(&db->map_lock);
    return rc;
}

fvm_err fvm__lmdb_write(fvm__lmdb *db,
                        int (*body)(fvm__lmdb *db, MDB_txn *txn, void *ctx, fvm_err *err),
                        void *ctx, const char *doing)
{
    if (db->options.read_only) return FVM_ERR_READ_ONLY;
    for (;;) {
        fvm_err own = FVM_OK;
        size_t seen;
        int rc = write_once(db, body, ctx, &own, &seen);
        if (rc == MDB_MAP_FULL)
            rc = grow_map(db, seen);
        else if (rc == MDB_MAP_RESIZED)
            rc = follow_map(db);
        else if (rc == FVM__LMDB_OWN)
            return own;
        else
            return rc == 0 ? FVM_OK : fvm__lmdb_fail(db, rc, doing);
        if (rc != 0) return fvm__lmdb_fail(db, rc, doing);
    }
}

/* --- blocks --- */

fvm_err fvm__lmdb_value(fvm__lmdb *db, fvm_bytes *out, const MDB_val *value)
{
    if (value->mv_size > FVM_CAR_SECTION_MAX)
        return fvm__lmdb_fail(db, MDB_CORRUPTED, "a block is longer than any");
    *out = (fvm_bytes){ value->mv_data, value->mv_size };
    return FVM_OK;
}

/* The block in the transaction's snapshot. */
static fvm_err find(fvm__lmdb *db, MDB_txn *txn, fvm_bytes *out, const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    MDB_val key = { fvm_cid_write(bytes, cid), bytes }, value;
    int rc = mdb_get(txn, db->dbi, &key, &value);
    if (rc == MDB_NOTFOUND) return FVM_ERR_NOT_FOUND;
    if (rc != 0) return fvm__lmdb_fail(db, rc, "cannot read a block");
    return fvm__lmdb_value(db, out, &value);
}

static fvm_err lmdb_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    fvm__lmdb *db = self;
    MDB_txn *txn;
    fvm_bytes data;
    FVM_TRY(fvm__lmdb_read_begin(db, &txn));
    fvm_err err = find(db, txn, &data, cid);
    if (err == FVM_OK && db->options.verify_reads && fvm_cid_verify(cid, data) == FVM_ERR_MISMATCH)
        err = fvm__lmdb_fail(db, MDB_CORRUPTED, "a block is not what was put");
    if (err == FVM_OK) err = fvm_buf_append(out, data);
    fvm__lmdb_read_end(db, txn);
    return err;
}

static fvm_err lmdb_has(void *self, bool *out, const fvm_cid *cid)
{
    fvm__lmdb *db = self;
    MDB_txn *txn;
    fvm_bytes data;
    FVM_TRY(fvm__lmdb_read_begin(db, &txn));
    fvm_err err = find(db, txn, &data, cid);
    fvm__lmdb_read_end(db, txn);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    *out = err == FVM_OK;
    return FVM_OK;
}

typedef struct batch {
    const fvm_block *blocks;
    size_t count;
} batch;

static int put_batch(fvm__lmdb *db, MDB_txn *txn, void *ctx, fvm_err *err)
{
    const batch *b = ctx;
    (void)err;
    for (size_t i = 0; i < b->count; i++) {
        uint8_t bytes[FVM_CID_BYTES_MAX];
        MDB_val key = { fvm_cid_write(bytes, &b->blocks[i].cid), bytes };
        MDB_val value = fvm__lmdb_val(b->blocks[i].data);
        int rc = mdb_put(txn, db->dbi, &key, &value, MDB_NOOVERWRITE);
        if (rc != 0 && rc != MDB_KEYEXIST) return rc; /* the same CID is the same block */
    }
    return 0;
}

static fvm_err lmdb_put_many(void *self, const fvm_block *blocks, size_t count)
{
    batch b = { blocks, count };
    uint64_t bytes = 0;
    if (count == 0) return FVM_OK;
    for (size_t i = 0; i < count; i++) { /* what could not be written to a CAR and read again */
        if (blocks[i].data.len > FVM_CAR_SECTION_MAX - FVM_CID_BYTES_MAX) return FVM_ERR_LIMIT;
        bytes += blocks[i].data.len;
    }
    FVM_TRY(fvm__lmdb_write(self, put_batch, &b, "cannot write blocks"));
    fvm__lmdb_forget_pages(self, bytes);
    return FVM_OK;
}

static void lmdb_free(void *self)
{
    fvm__lmdb *db = self;
    while (db->pooled > 0) mdb_txn_abort(db->pool[--db->pooled]);
    if (db->env) mdb_env_close(db->env);
    (void)pthread_rwlock_destroy(&db->map_lock);
    (void)pthread_mutex_destroy(&db->lock);
    fvm_mem_free(db->alloc, db->folder, db->folder_size);
    fvm_mem_free(db->alloc, db, sizeof *db);
}

/* No views: they would pin the map, and old pages, for as long as the store is open. */
const fvm_blockstore_ops fvm__lmdb_ops = { lmdb_get, lmdb_has, lmdb_put_many, NULL, lmdb_free };
