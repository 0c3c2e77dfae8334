/* lmdb_open.c - opens a database after a look at its file, and makes new ones. */
#include "carstream.h"
#include "lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_FIRST ((size_t)64 << 20)

/* --- before LMDB sees the file --- */

static void keep_first(void *ctx, const char *text)
{
    fvm_store_why *first = ctx;
    if (first->text[0] == 0) (void)fvm__why(first, FVM_OK, "%s", text);
}

/* Every page, without reading values. */
static fvm_err check_pages(int fd, const fvm__lmdb_meta *meta, const char *file, fvm_err broken,
                           const fvm_allocator *alloc, fvm_store_why *why)
{
    fvm_store_why first = { { 0 } };
    fvm__lmdb_visitor visitor = { .problem = keep_first, .ctx = &first };
    fvm_err err = fvm__lmdb_walk(fd, meta, &visitor, alloc);
    if (err != FVM_OK) return fvm__why(why, err, "%s: %s", file, fvm_err_text(err));
    if (first.text[0] == 0) return FVM_OK;
    return fvm__why(why, broken, "%s: %s", file, first.text);
}

/* The first entry, which is the record of the layout since no CID begins with a zero. */
typedef struct first_entry {
    bool seen, is_layout;
    uint8_t version;
} first_entry;

static fvm_err take_first(void *ctx, fvm_bytes key, fvm_bytes value)
{
    first_entry *first = ctx;
    first->seen = true;
    first->is_layout = key.len == sizeof fvm__lmdb_layout_key &&
                       memcmp(key.ptr, fvm__lmdb_layout_key, key.len) == 0 && value.len == 1;
    if (first->is_layout) first->version = value.ptr[0];
    return FVM_ERR_LIMIT; /* one is enough */
}

/* Whether this is a database of blocks. Pages may be reused while they are looked at, if another
 * process commits twice meanwhile: then again. */
static fvm_err look_at_layout(const fvm__lmdb *db, int fd, fvm__lmdb_meta *meta, const char *file,
                              fvm_store_why *why)
{
    for (int i = 0;; i++) {
        first_entry first = { .seen = false };
        fvm__lmdb_visitor visitor = { .entry = take_first, .ctx = &first };
        fvm__lmdb_meta now;
        if (meta->trees[1].entries == 0) return FVM_OK;
        fvm_err err = fvm__lmdb_walk(fd, meta, &visitor, db->alloc);
        if (err != FVM_OK && !first.seen)
            return fvm__why(why, err, "%s: %s", file, fvm_err_text(err));
        if (first.is_layout && first.version == db->layout) return FVM_OK;
        FVM_TRY(fvm__lmdb_meta_read(&now, NULL, fd, 0, file, why));
        if (now.txn == meta->txn || i == 100) {
            if (!first.seen) return check_pages(fd, meta, file, FVM_ERR_MALFORMED, db->alloc, why);
            if (first.is_layout && first.version > db->layout)
                return fvm__why(why, FVM_ERR_VERSION, "%s: made by a newer version of this program",
                                file);
            return fvm__why(why, FVM_ERR_MALFORMED, "%s: an LMDB database, but not one of %s", file,
                            db->layout == FVM__LMDB_LAYOUT ? "blocks" : "this kind");
        }
        *meta = now;
    }
}

/* LMDB opens its file without many questions, so they are asked here. `*empty`: no entries yet. */
static fvm_err look_at_file(const fvm__lmdb *db, bool *empty, const char *file, fvm_store_why *why)
{
    fvm__lmdb_meta meta;
    uint64_t size, short_by;
    int fd;
    *empty = true;
    FVM_TRY(fvm__open_file(&fd, &size, file, why));
    fvm_err err = FVM_OK;
    if (size == 0) { /* killed while it was being made */
        if (db->options.read_only)
            err = fvm__why(why, FVM_ERR_TRUNCATED, "%s: the file is empty", file);
    } else {
        err = fvm__lmdb_meta_read(&meta, &short_by, fd, 0, file, why);
        if (err == FVM_OK && (short_by > 0 || db->options.check))
            err = check_pages(fd, &meta, file, short_by ? FVM_ERR_TRUNCATED : FVM_ERR_MALFORMED,
                              db->alloc, why);
        if (err == FVM_OK) err = look_at_layout(db, fd, &meta, file, why);
        if (err == FVM_OK) *empty = meta.trees[1].entries == 0;
    }
    close(fd);
    return err;
}

/* --- opening --- */

/* The size of the map to begin with: what is asked for, but at least the file. */
static size_t first_map(const fvm__lmdb *db, const char *file)
{
    struct stat st;
    uint64_t want = db->options.map_bytes ? db->options.map_bytes : MAP_FIRST;
    if (stat(file, &st) == 0 && (uint64_t)st.st_size > want) want = (uint64_t)st.st_size;
    want = (want + 65535) & ~UINT64_C(65535);
    return want > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)want;
}

static int open_env(fvm__lmdb *db, const char *file)
{
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
    if (db->options.read_only) flags |= MDB_RDONLY;
    if (db->options.no_sync) flags |= MDB_NOSYNC;
    int rc = mdb_env_create(&db->env);
    if (rc == 0) rc = mdb_env_set_maxreaders(db->env, FVM__LMDB_READERS);
    if (rc == 0) rc = mdb_env_set_mapsize(db->env, first_map(db, file));
    if (rc == 0) rc = mdb_env_open(db->env, db->folder, flags, 0644);
    if (db->options.read_only && (rc == EROFS || rc == EACCES)) {
        /* no lock file can be made: then nobody writes either */
        mdb_env_close(db->env);
        db->env = NULL;
        rc = mdb_env_create(&db->env);
        if (rc == 0) rc = mdb_env_set_mapsize(db->env, first_map(db, file));
        if (rc == 0) rc = mdb_env_open(db->env, db->folder, flags | MDB_NOLOCK, 0644);
    }
    int dead;
    if (rc == 0) (void)mdb_reader_check(db->env, &dead);
    return rc;
}

/* Opens the one database; a new one gets its record of the layout. */
static int open_layout(fvm__lmdb *db, bool empty)
{
    MDB_txn *txn;
    uint8_t version = db->layout;
    MDB_val key = { sizeof fvm__lmdb_layout_key, (void *)(uintptr_t)fvm__lmdb_layout_key };
    MDB_val value = { 1, &version };
    int rc = mdb_txn_begin(db->env, NULL, db->options.read_only ? MDB_RDONLY : 0, &txn);
    if (rc != 0) return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &db->dbi);
    if (rc == 0 && empty && !db->options.read_only)
        rc = mdb_put(txn, db->dbi, &key, &value, MDB_NOOVERWRITE);
    if (rc == MDB_KEYEXIST) rc = 0; /* another process was first */
    if (rc == 0) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static fvm_err open_folder(fvm__lmdb *db, bool look, fvm_store_why *why)
{
    char file[4096];
    struct stat st;
    bool empty = look;
    int n = snprintf(file, sizeof file, "%s/data.mdb", db->folder);
    if (n < 0 || (size_t)n >= sizeof file)
        return fvm__why(why, FVM_ERR_LIMIT, "the name of the folder is too long");
    if (!db->options.read_only && mkdir(db->folder, 0777) != 0 && errno != EEXIST)
        return fvm__why(why, errno == ENOENT ? FVM_ERR_NOT_FOUND : FVM_ERR_IO, "%s: %s", db->folder,
                        strerror(errno));
    if (look && (stat(file, &st) == 0 || db->options.read_only))
        FVM_TRY(look_at_file(db, &empty, file, why));
    int rc = open_env(db, file);
    if (rc == 0) rc = open_layout(db, empty);
    if (rc == 0) return FVM_OK;
    return fvm__why(why, fvm__lmdb_err(rc), "%s: %s", db->folder, mdb_strerror(rc));
}

fvm_err fvm__lmdb_open_as(fvm_blockstore *out, const char *folder, const fvm_lmdb_options *options,
                          uint8_t layout, bool look, const fvm_allocator *alloc, fvm_store_why *why)
{
    pthread_rwlockattr_t attr;
    fvm__lmdb *db = fvm_mem_zalloc(alloc, sizeof *db);
    if (!db) return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", folder);
    db->alloc = alloc;
    if (options) db->options = *options;
    db->layout = layout;
    db->folder_size = strlen(folder) + 1;
    db->folder = fvm_mem_alloc(alloc, db->folder_size);
    if (!db->folder) {
        fvm_mem_free(alloc, db, sizeof *db);
        return fvm__why(why, FVM_ERR_NOMEM, "%s: out of memory", folder);
    }
    memcpy(db->folder, folder, db->folder_size);
    /* a thread that waits to grow the map comes before new readers */
    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&db->map_lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    (void)pthread_mutex_init(&db->lock, NULL);
    fvm_err err = open_folder(db, look, why);
    if (err != FVM_OK) {
        fvm__lmdb_ops.free(db);
        return err;
    }
    *out = (fvm_blockstore){ &fvm__lmdb_ops, db };
    return FVM_OK;
}

fvm_err fvm__lmdb_open(fvm_blockstore *out, const char *folder, const fvm_lmdb_options *options,
                       bool look, const fvm_allocator *alloc, fvm_store_why *why)
{
    return fvm__lmdb_open_as(out, folder, options, FVM__LMDB_LAYOUT, look, alloc, why);
}

fvm_err fvm_blockstore_lmdb_open(fvm_blockstore *out, const char *folder,
                                 const fvm_lmdb_options *options, const fvm_allocator *alloc,
                                 fvm_store_why *why)
{
    return fvm__lmdb_open(out, folder, options, true, alloc, why);
}
