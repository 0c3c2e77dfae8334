/* lmdb_admin.c - work on the database as a whole: statistics, listing, garbage collection, and the
 * check that does not trust it. */
#include "lmdb_internal.h"

#include "base/map.h"
#include "carstream.h"
#include "dag.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void fvm_lmdb_last_error(const fvm_blockstore *bs, fvm_store_why *why)
{
    fvm__lmdb *db = bs->self;
    (void)pthread_mutex_lock(&db->lock);
    *why = db->last;
    (void)pthread_mutex_unlock(&db->lock);
}

fvm_err fvm_lmdb_stats_get(const fvm_blockstore *bs, fvm_lmdb_stats *out)
{
    fvm__lmdb *db = bs->self;
    MDB_txn *txn;
    MDB_stat stat;
    MDB_envinfo info;
    struct stat st;
    int fd;
    FVM_TRY(fvm__lmdb_read_begin(db, &txn));
    int rc = mdb_stat(txn, db->dbi, &stat);
    fvm__lmdb_read_end(db, txn);
    if (rc == 0) rc = mdb_env_info(db->env, &info);
    if (rc == 0) rc = mdb_env_get_fd(db->env, &fd);
    if (rc != 0) return fvm__lmdb_fail(db, rc, "cannot count");
    if (fstat(fd, &st) != 0) return FVM_ERR_IO;
    *out = (fvm_lmdb_stats){
        .blocks = stat.ms_entries - 1, /* the record of the layout */
        .file_bytes = (uint64_t)st.st_size,
        .used_bytes = (uint64_t)stat.ms_psize *
                      (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages),
        .map_bytes = info.me_mapsize,
    };
    return FVM_OK;
}

fvm_err fvm_lmdb_sync(const fvm_blockstore *bs)
{
    fvm__lmdb *db = bs->self;
    if (db->options.read_only) return FVM_OK;
    int rc = mdb_env_sync(db->env, 1);
    return rc == 0 ? FVM_OK : fvm__lmdb_fail(db, rc, "cannot sync");
}

static bool is_layout_key(fvm_bytes key)
{
    return key.len == sizeof fvm__lmdb_layout_key &&
           memcmp(key.ptr, fvm__lmdb_layout_key, key.len) == 0;
}

/* The CID that a key is; all of it. */
static bool key_to_cid(fvm_cid *cid, fvm_bytes key)
{
    size_t used;
    return fvm_cid_read(cid, &used, key) == FVM_OK && used == key.len;
}

fvm_err fvm_lmdb_each(const fvm_blockstore *bs,
                      fvm_err (*visit)(void *ctx, const fvm_cid *cid, fvm_bytes data), void *ctx)
{
    fvm__lmdb *db = bs->self;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    FVM_TRY(fvm__lmdb_read_begin(db, &txn));
    int rc = mdb_cursor_open(txn, db->dbi, &cursor);
    fvm_err err = rc == 0 ? FVM_OK : fvm__lmdb_fail(db, rc, "cannot list");
    while (err == FVM_OK && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        fvm_bytes bytes = { key.mv_data, key.mv_size }, data;
        fvm_cid cid;
        if (is_layout_key(bytes)) continue;
        err = fvm__lmdb_value(db, &data, &value);
        if (err == FVM_OK && !key_to_cid(&cid, bytes))
            err = fvm__lmdb_fail(db, MDB_CORRUPTED, "a key is no CID");
        if (err == FVM_OK) err = visit(ctx, &cid, data);
    }
    if (err == FVM_OK && rc != 0 && rc != MDB_NOTFOUND) err = fvm__lmdb_fail(db, rc, "cannot list");
    if (cursor) mdb_cursor_close(cursor);
    fvm__lmdb_read_end(db, txn);
    return err;
}

/* --- garbage collection --- */

/* Both halves happen in one write transaction: what somebody writes meanwhile waits, so that no
 * block can come into use between being found unreachable and being removed. */
typedef struct collection {
    fvm__lmdb *db;
    MDB_txn *txn;
    const fvm_cid *roots;
    size_t root_count;
    fvm_map kept; /* CID bytes */
    fvm_gc_result result;
    fvm_store_why *why;
} collection;

/* Reads within the transaction. */
static fvm_err txn_get(void *self, fvm_buf *out, const fvm_cid *cid)
{
    collection *c = self;
    uint8_t bytes[FVM_CID_BYTES_MAX];
    MDB_val key = { fvm_cid_write(bytes, cid), bytes }, value;
    fvm_bytes data;
    int rc = mdb_get(c->txn, c->db->dbi, &key, &value);
    if (rc == MDB_NOTFOUND) return FVM_ERR_NOT_FOUND;
    if (rc != 0) return fvm__lmdb_fail(c->db, rc, "cannot read a block");
    FVM_TRY(fvm__lmdb_value(c->db, &data, &value));
    return fvm_buf_append(out, data);
}

static fvm_err txn_has(void *self, bool *out, const fvm_cid *cid)
{
    (void)self;
    (void)out;
    (void)cid;
    return FVM_ERR_IO; /* a walk only gets */
}

static const fvm_blockstore_ops txn_ops = { txn_get, txn_has, NULL, NULL, NULL };

static fvm_err keep_block(void *ctx, const fvm_cid *cid, fvm_bytes data)
{
    collection *c = ctx;
    uint8_t key[FVM_CID_BYTES_MAX];
    fvm_map_entry *entry;
    c->result.kept++;
    c->result.kept_bytes += data.len;
    return fvm_map_put(&c->kept, &entry, NULL, (fvm_bytes){ key, fvm_cid_write(key, cid) });
}

static fvm_err miss_block(void *ctx, const fvm_cid *cid)
{
    (void)cid;
    ((collection *)ctx)->result.missing++;
    return FVM_OK;
}

/* A root that is not there is more likely a slip of the caller's than a wish to remove all. */
static fvm_err find_roots(collection *c)
{
    for (size_t i = 0; i < c->root_count; i++) {
        uint8_t bytes[FVM_CID_BYTES_MAX];
        char text[FVM_CID_TEXT_MAX];
        MDB_val key = { fvm_cid_write(bytes, &c->roots[i]), bytes }, value;
        if (c->roots[i].hash == FVM_HASH_IDENTITY) continue;
        int rc = mdb_get(c->txn, c->db->dbi, &key, &value);
        if (rc == 0) continue;
        if (rc != MDB_NOTFOUND) return fvm__lmdb_fail(c->db, rc, "cannot read a block");
        (void)fvm_cid_to_text(text, &c->roots[i]);
        return fvm__why(c->why, FVM_ERR_NOT_FOUND, "root %s is not in the store", text);
    }
    return FVM_OK;
}

static int sweep(collection *c)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_cursor_open(c->txn, c->db->dbi, &cursor);
    if (rc != 0) return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        fvm_bytes bytes = { key.mv_data, key.mv_size };
        if (is_layout_key(bytes) || fvm_map_get(&c->kept, bytes)) continue;
        c->result.removed++;
        c->result.removed_bytes += value.mv_size;
        if ((rc = mdb_cursor_del(cursor, 0)) != 0) break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int collect(fvm__lmdb *db, MDB_txn *txn, void *ctx, fvm_err *err)
{
    collection *c = ctx;
    fvm_blockstore bs = { &txn_ops, c };
    fvm__dag_visitor visitor = { keep_block, miss_block, c };
    c->txn = txn;
    c->result = (fvm_gc_result){ .kept = 0 };
    fvm_map_clear(&c->kept);
    *err = find_roots(c);
    if (*err == FVM_OK)
        *err = fvm__dag_walk(&bs, c->roots, c->root_count, &visitor, db->alloc, c->why);
    return *err == FVM_OK ? sweep(c) : FVM__LMDB_OWN;
}

fvm_err fvm_lmdb_gc(const fvm_blockstore *bs, fvm_gc_result *out, const fvm_cid *roots,
                    size_t count, fvm_store_why *why)
{
    fvm__lmdb *db = bs->self;
    if (count == 0) return fvm__why(why, FVM_ERR_INVALID, "no roots: that would remove all blocks");
    collection c = { .db = db, .roots = roots, .root_count = count, .why = why };
    if (why) why->text[0] = 0;
    fvm_map_init(&c.kept, db->alloc);
    fvm_err err = fvm__lmdb_write(db, collect, &c, "cannot remove blocks");
    fvm_map_deinit(&c.kept);
    if (err == FVM_OK)
        *out = c.result;
    else if (why && why->text[0] == 0)
        (void)fvm__why(why, err, "%s: %s", db->folder, fvm_err_text(err));
    return err;
}

/* --- verification --- */

typedef struct verification {
    fvm_verify_result result;
    void (*problem)(void *ctx, const char *text);
    void *ctx;
    bool has_layout;
} verification;

static void tell(void *ctx, const char *text)
{
    verification *v = ctx;
    v->result.problems++;
    if (v->problem) v->problem(v->ctx, text);
}

static fvm_err verify_entry(void *ctx, fvm_bytes key, fvm_bytes value)
{
    verification *v = ctx;
    fvm_cid cid;
    char text[FVM_CID_TEXT_MAX], line[FVM_CID_TEXT_MAX + 64];
    if (is_layout_key(key)) {
        v->has_layout = true;
        if (value.len != 1 || value.ptr[0] != FVM__LMDB_LAYOUT)
            tell(v, "the record of the layout is broken");
        return FVM_OK;
    }
    v->result.blocks++;
    v->result.bytes += value.len;
    if (!key_to_cid(&cid, key)) {
        tell(v, "a key is no CID");
        return FVM_OK;
    }
    fvm_err err = fvm_cid_verify(&cid, value);
    if (err == FVM_ERR_INVALID) v->result.unverifiable++;
    if (err == FVM_OK || err == FVM_ERR_INVALID) return FVM_OK;
    (void)fvm_cid_to_text(text, &cid);
    (void)snprintf(line, sizeof line, "block %s: does not match its CID", text);
    tell(v, line);
    return FVM_OK;
}

/* Pins a snapshot, so that a writer does not reuse its pages, and reads its meta page. Two commits in
 * between overwrite that page: then again. */
static fvm_err pin(fvm__lmdb *db, MDB_txn **txn, fvm__lmdb_meta *meta, int fd, fvm_store_why *why)
{
    for (int i = 0; i < 100; i++) {
        FVM_TRY(fvm__lmdb_read_begin(db, txn));
        fvm_err err = fvm__lmdb_meta_read(meta, NULL, fd, mdb_txn_id(*txn), db->folder, why);
        if (err == FVM_OK) return FVM_OK;
        fvm__lmdb_read_end(db, *txn);
        if (err != FVM_ERR_NOT_FOUND) return err;
    }
    return fvm__lmdb_fail(db, MDB_CORRUPTED, "the meta pages do not agree with what LMDB reads");
}

fvm_err fvm_lmdb_verify(const fvm_blockstore *bs, fvm_verify_result *out,
                        void (*problem)(void *ctx, const char *text), void *ctx)
{
    fvm__lmdb *db = bs->self;
    verification v = { .problem = problem, .ctx = ctx };
    fvm__lmdb_visitor visitor = { verify_entry, tell, &v };
    fvm__lmdb_meta meta;
    fvm_store_why why = { { 0 } };
    MDB_txn *txn;
    int fd;
    if (mdb_env_get_fd(db->env, &fd) != 0) return FVM_ERR_IO;
    fvm_err err = pin(db, &txn, &meta, fd, &why);
    if (err == FVM_OK) {
        err = fvm__lmdb_walk(fd, &meta, &visitor, db->alloc);
        fvm__lmdb_read_end(db, txn);
        if (err == FVM_OK && !v.has_layout) tell(&v, "the record of the layout is missing");
    } else if (fvm_err_class_of(err) == FVM_CLASS_INPUT) {
        tell(&v, why.text);
        err = FVM_OK;
    }
    *out = v.result;
    if (err == FVM_OK && v.result.problems > 0) err = FVM_ERR_MISMATCH;
    return err;
}

fvm_err fvm_lmdb_verify_folder(const char *folder, fvm_verify_result *out,
                               void (*problem)(void *ctx, const char *text), void *ctx,
                               const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_lmdb_options options = { .read_only = true };
    fvm_blockstore bs;
    fvm_store_why inner = { { 0 } };
    fvm__lmdb_meta meta;
    uint64_t size;
    char file[4096];
    int fd, n = snprintf(file, sizeof file, "%s/data.mdb", folder);
    if (n < 0 || (size_t)n >= sizeof file)
        return fvm__why(why, FVM_ERR_LIMIT, "the name of the folder is too long");
    FVM_TRY(fvm__open_file(&fd, &size, file, why));
    fvm_err err = fvm__lmdb_meta_read(&meta, NULL, fd, 0, file, &inner);
    close(fd);
    if (err != FVM_OK && fvm_err_class_of(err) == FVM_CLASS_INPUT) {
        *out = (fvm_verify_result){ .problems = 1 };
        if (problem) problem(ctx, inner.text);
        return FVM_ERR_MISMATCH;
    }
    if (err != FVM_OK) return fvm__why(why, err, "%s", inner.text);
    FVM_TRY(fvm__lmdb_open(&bs, folder, &options, false, alloc, why));
    err = fvm_lmdb_verify(&bs, out, problem, ctx);
    fvm_blockstore_free(&bs);
    if (err != FVM_OK && err != FVM_ERR_MISMATCH)
        (void)fvm__why(why, err, "%s: %s", folder, fvm_err_text(err));
    return err;
}
