/* lmdb_file.h - the file of an LMDB database, read by bounded code of our own. LMDB itself trusts its
 * file: on a broken one it may end the process. So the outside of the file is looked at before LMDB
 * opens it, and `verify` never goes through LMDB at all. */
#ifndef FVM_STORE_LMDB_FILE_H
#define FVM_STORE_LMDB_FILE_H

#include "source.h"

#define FVM__LMDB_KEY_MAX 511

/** What a meta page says. */
typedef struct fvm__lmdb_meta {
    uint64_t txn;       /* the transaction that wrote it */
    uint64_t last_page; /* number of the last page in use */
    uint64_t map_size;
    uint32_t page_size;
    struct fvm__lmdb_tree {
        uint64_t root;                        /* UINT64_MAX: empty */
        uint64_t branches, leaves, overflows; /* pages */
        uint64_t entries;
        uint16_t depth, flags;
    } trees[2]; /* free pages, blocks */
} fvm__lmdb_meta;

/** Reads both meta pages and gives the newer one, or the one of transaction `txn` if not 0.
 *  Out:    short_by  bytes that the file lacks of its last page. LMDB may leave the last pages out if
 *                    they are free, so that this alone is no proof of truncation; may be NULL.
 *  Errors: FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION, told in `why`; FVM_ERR_NOT_FOUND
 *          (no meta page of that transaction); FVM_ERR_IO. */
FVM_NODISCARD fvm_err fvm__lmdb_meta_read(fvm__lmdb_meta *out, uint64_t *short_by, int fd,
                                          uint64_t txn, const char *name, fvm_store_why *why);

/** Called by the walk. */
typedef struct fvm__lmdb_visitor {
    /** One entry. NULL: values are not read. An error ends the walk. */
    fvm_err (*entry)(void *ctx, fvm_bytes key, fvm_bytes value);
    /** Something is wrong; the walk goes on beside it. */
    void (*problem)(void *ctx, const char *text);
    void *ctx;
} fvm__lmdb_visitor;

/** Looks at every page that `meta` leads to: their numbers, kinds, bounds, order of keys, counts, and
 *  that no page has two uses. Errors: HOST, and those of `entry`; problems are not errors. */
FVM_NODISCARD fvm_err fvm__lmdb_walk(int fd, const fvm__lmdb_meta *meta,
                                     const fvm__lmdb_visitor *visitor, const fvm_allocator *alloc);
#endif
