/* lmdb_internal.h - what the files of the LMDB store share.
 *
 * The one unnamed database holds CID bytes -> block, and under the key "\0fvm" (no CID begins with a
 * zero) the version of this layout. */
#ifndef FVM_STORE_LMDB_INTERNAL_H
#define FVM_STORE_LMDB_INTERNAL_H

#include "lmdb_file.h"

#include <lmdb.h>
#include <pthread.h>

#define FVM__LMDB_READERS 1024 /* slots in the lock file, for all processes together */
#define FVM__LMDB_POOL 32      /* read transactions kept for reuse */
#define FVM__LMDB_LAYOUT 1
#define FVM__LMDB_REMAP ((uint64_t)8 << 20) /* see fvm__lmdb_forget_pages */
#define FVM__LMDB_SMALL ((uint64_t)1 << 20)

typedef struct fvm__lmdb {
    const fvm_allocator *alloc;
    fvm_lmdb_options options;
    uint8_t layout; /* version of what is in it: FVM__LMDB_LAYOUT, or another layer's own */
    char *folder;
    size_t folder_size;
    MDB_env *env;
    MDB_dbi dbi;
    /** Held shared during every transaction; alone to change the size of the map. */
    pthread_rwlock_t map_lock;
    pthread_mutex_t lock; /* of what follows */
    MDB_txn *pool[FVM__LMDB_POOL];
    size_t pooled;
    uint64_t written; /* bytes of blocks since the map was made anew */
    fvm_store_why last;
} fvm__lmdb;

extern const char fvm__lmdb_layout_key[4];
extern const fvm_blockstore_ops fvm__lmdb_ops;

/** Remembers the error of LMDB `rc` with what was done, and gives the library's. */
fvm_err fvm__lmdb_fail(fvm__lmdb *db, int rc, const char *doing);
/** The library's error for LMDB's; 0 is FVM_OK. */
fvm_err fvm__lmdb_err(int rc);

/** As fvm_blockstore_lmdb_open; without `look`, nothing but the meta pages has been looked at, and the
 *  store is good for verification only. */
FVM_NODISCARD fvm_err fvm__lmdb_open(fvm_blockstore *out, const char *folder,
                                     const fvm_lmdb_options *options, bool look,
                                     const fvm_allocator *alloc, fvm_store_why *why);

/** The same for a database of another layout, whose keys are all above the layout's key. */
FVM_NODISCARD fvm_err fvm__lmdb_open_as(fvm_blockstore *out, const char *folder,
                                        const fvm_lmdb_options *options, uint8_t layout, bool look,
                                        const fvm_allocator *alloc, fvm_store_why *why);

/** Tells that so many bytes were written: the map is made anew now and then (lmdb.c). */
void fvm__lmdb_forget_pages(fvm__lmdb *db, uint64_t bytes);
/** A read transaction; end it with fvm__lmdb_read_end. */
FVM_NODISCARD fvm_err fvm__lmdb_read_begin(fvm__lmdb *db, MDB_txn **txn);
void fvm__lmdb_read_end(fvm__lmdb *db, MDB_txn *txn);
/** The bytes of a value, unless they are more than any block has: FVM_ERR_IO. */
FVM_NODISCARD fvm_err fvm__lmdb_value(fvm__lmdb *db, fvm_bytes *out, const MDB_val *value);
/** Runs `body` in a write transaction and commits; again, with a larger map, when it was full. `body`
 *  returns LMDB's error, or, for its own, FVM__LMDB_OWN and sets *err. */
#define FVM__LMDB_OWN (-1)
FVM_NODISCARD fvm_err fvm__lmdb_write(fvm__lmdb *db,
                                      int (*body)(fvm__lmdb *db, MDB_txn *txn, void *ctx,
                                                  fvm_err *err),
                                      void *ctx, const char *doing);
static inline MDB_val fvm__lmdb_val(fvm_bytes in)
{
    return (MDB_val){ in.len, (void *)(uintptr_t)in.ptr };
}
#endif
