/* store.h - blockstores that live on disk: CAR files, LMDB databases, layers of stores; the bundles of
 * built-in actors that a user keeps; and compiled modules. */
#ifndef FVM_STORE_H
#define FVM_STORE_H

#include <fvm/blockstore.h>
#include <fvm/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An error in words: which file, where in it, and what is wrong. Every function here that takes a
 *  `why` takes NULL as well, and leaves it alone when it succeeds. */
typedef struct fvm_store_why {
    char text[512];
} fvm_store_why;

/** The longest section of a CAR, CID and data, that is read: a hostile length costs no more. */
#define FVM_CAR_SECTION_MAX (UINT32_C(32) << 20)

/* --- CAR files --- */

/** Opens a CAR file (v1, or v2, whose own index is not used) as a read-only store. One pass over the
 *  file, which skips the data, makes an index in memory of 16 bytes a block. The file must not change
 *  while it is open. Blocks are not hashed unless `verify` asks for it, then all are, once.
 *  Safe for threads.
 *  Errors: FVM_ERR_NOT_FOUND  no such file.
 *          FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION, FVM_ERR_LIMIT, FVM_ERR_MISMATCH
 *          as the file is broken; `why` names the offset.
 *          FVM_ERR_INVALID (no roots); FVM_ERR_IO, FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_car_open(fvm_blockstore *out, const char *path,
                                                      bool verify, const fvm_allocator *alloc,
                                                      fvm_store_why *why);
/** The roots that the header names; `bs` is of the kind above. `*roots` is borrowed from it. */
FVM_API void fvm_blockstore_car_roots(const fvm_blockstore *bs, const fvm_cid **roots,
                                      size_t *count);
/** Blocks in the index, duplicates counted, and bytes of the file. */
FVM_API void fvm_blockstore_car_stats(const fvm_blockstore *bs, uint64_t *blocks, uint64_t *bytes);

/* --- layers --- */

/** A store that looks into `layers` in turn, the first hit wins, and writes to the first one. The
 *  layers are borrowed and must outlive it; the array is copied. FVM_ERR_NOMEM; FVM_ERR_INVALID
 *  for no layers. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_layered_new(fvm_blockstore *out,
                                                         const fvm_blockstore *const *layers,
                                                         size_t count, const fvm_allocator *alloc);

/* --- LMDB --- */

/** How to open a database. Zero-initialise, then set. */
typedef struct fvm_lmdb_options {
    bool read_only;    /* nothing is written, the folder must exist */
    bool verify_reads; /* hash every block that is read: FVM_ERR_IO when it is not what was put */
    bool check;        /* look at every page when opening, as fvm_lmdb_verify but without hashing;
                         * no other process may be writing then */
    bool no_sync;      /* a commit survives the death of the process, but not a loss of power before
                         * fvm_lmdb_sync; for imports that can be repeated */
    uint64_t map_bytes; /* address space to begin with; 0: 64 MiB or what the file needs. It doubles
                         * when it is full. */
    uint64_t map_max;   /* where that ends: FVM_ERR_IO; 0: the address space's own end */
} fvm_lmdb_options;

/** Opens or makes a database of blocks in `folder` (made if missing; data.mdb and lock.mdb in it).
 *  Any number of processes and threads may read while one of them writes; writers wait for each
 *  other. put_many is one transaction: after a crash all of its blocks are there or none. A process
 *  must not open the same folder twice at a time (a limit of LMDB), and must not use the store
 *  after fork. `options` may be NULL.
 *  Errors: FVM_ERR_NOT_FOUND  read-only and not there.
 *          FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION  the file is broken, cut off, or no
 *          database of blocks; `why` names the place.
 *          FVM_ERR_IO, FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_blockstore_lmdb_open(fvm_blockstore *out, const char *folder,
                                                       const fvm_lmdb_options *options,
                                                       const fvm_allocator *alloc,
                                                       fvm_store_why *why);
/** Words about the last error that an operation of this store gave; empty when there was none. */
FVM_API void fvm_lmdb_last_error(const fvm_blockstore *bs, fvm_store_why *why);

/** What a database holds and takes. */
typedef struct fvm_lmdb_stats {
    uint64_t blocks;
    uint64_t file_bytes;
    uint64_t
        used_bytes; /* of pages that hold blocks now; the rest is reused before the file grows */
    uint64_t map_bytes;
} fvm_lmdb_stats;
/** Fills `out` as the database is now. FVM_ERR_IO. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_stats_get(const fvm_blockstore *bs, fvm_lmdb_stats *out);
/** Writes through to the disk what was committed under no_sync. FVM_ERR_IO. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_sync(const fvm_blockstore *bs);
/** Calls `visit` for every block, in the order of their CIDs' bytes, as they are at the start; `data`
 *  is valid during the call. An error of `visit` stops and is returned. `visit` must not
 *  write to the store, and not read from it either if another thread of this process writes. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_each(const fvm_blockstore *bs,
                                            fvm_err (*visit)(void *ctx, const fvm_cid *cid,
                                                             fvm_bytes data),
                                            void *ctx);

/** What fvm_lmdb_gc did, in blocks and bytes of their data. */
typedef struct fvm_gc_result {
    uint64_t kept, kept_bytes;
    uint64_t removed, removed_bytes;
    uint64_t missing; /* linked from kept blocks, but not in the store */
} fvm_gc_result;
/** Removes every block that cannot be reached from the roots, in one transaction: other writers wait,
 *  readers go on. Needs memory for the CIDs of the blocks that stay.
 *  Errors: FVM_ERR_NOT_FOUND  a root is not in the store; FVM_ERR_INVALID  no roots;
 *          FVM_ERR_BAD_STATE  links of a reachable block cannot be read. Nothing is removed then. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_gc(const fvm_blockstore *bs, fvm_gc_result *out,
                                          const fvm_cid *roots, size_t count, fvm_store_why *why);

/** What fvm_lmdb_verify looked at, and how much of it is wrong. */
typedef struct fvm_verify_result {
    uint64_t blocks, bytes;
    uint64_t unverifiable; /* hash functions that are not known here */
    uint64_t problems;
} fvm_verify_result;
/** Checks the database without trusting it: the structure of the file, page by page, and every block
 *  against its CID. What is wrong is told to `problem` (may be NULL), one line each, and the check
 *  goes on where that is possible. Other processes may write meanwhile.
 *  Errors: FVM_ERR_MISMATCH  problems were found; FVM_ERR_IO, FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_verify(const fvm_blockstore *bs, fvm_verify_result *out,
                                              void (*problem)(void *ctx, const char *text),
                                              void *ctx);

/** The same for a database that is not open in this process, and may be too broken to be opened:
 *  then that is the problem. FVM_ERR_NOT_FOUND when there is none in `folder`. */
FVM_API FVM_NODISCARD fvm_err fvm_lmdb_verify_folder(const char *folder, fvm_verify_result *out,
                                                     void (*problem)(void *ctx, const char *text),
                                                     void *ctx, const fvm_allocator *alloc,
                                                     fvm_store_why *why);

/* --- bundles of built-in actors --- */

#define FVM_BUNDLE_NAME_MAX 64
#define FVM_BUNDLE_EMBEDDED "embedded" /* the bundle of our own actors, in the library */
/** The same with an init actor that installs codes of users: for networks whose machines have
 *  fvm_machine_config.user_actors. */
#define FVM_BUNDLE_EMBEDDED_USER "embedded-user"

/** What is known of a bundle without reading its blocks. */
typedef struct fvm_bundle_info {
    char name[FVM_BUNDLE_NAME_MAX]; /* network-vN, e.g. mainnet-v17; or FVM_BUNDLE_EMBEDDED */
    fvm_cid manifest;               /* of the block [1, data CID]: the CAR's root */
    uint64_t car_bytes;
    char car_sha256[65];     /* hex */
    char archive[256];       /* name of the file that it was imported from */
    char archive_sha256[65]; /* hex */
} fvm_bundle_info;

/** One actor of a bundle. */
typedef struct fvm_bundle_actor {
    char name[FVM_BUNDLE_NAME_MAX];
    fvm_cid code;
    uint64_t bytes;
} fvm_bundle_actor;

/** The folder of bundles: `folder` if not NULL, else fvm/bundles in XDG_CACHE_HOME or ~/.cache.
 *  Appends the path and a NUL to `out`. FVM_ERR_NOT_FOUND when neither HOME nor XDG_CACHE_HOME is
 *  set; FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_folder(fvm_buf *out, const char *folder);

/** Imports a bundle from a CAR, or from a tar archive of CARs that may be packed with zstd: then the
 *  member builtin-actors-<network>.car. Every block is hashed, and the manifest's blocks must all be
 *  there. Kept as <network>-v<version>.car, replaced in one step; a failure leaves nothing behind.
 *  In:     version  of the actors; 0: the number in the file's name vN.tar.zst.
 *  Errors: as fvm_blockstore_car_open; FVM_ERR_NOT_FOUND  the archive lacks that network;
 *          FVM_ERR_INVALID  no version given or found, bad network name;
 *          FVM_ERR_BAD_STATE  a CAR, but not a bundle. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_import(fvm_bundle_info *out, const char *folder,
                                                const char *path, const char *network,
                                                uint32_t version, const fvm_allocator *alloc,
                                                fvm_store_why *why);
/** Calls `visit` for each bundle kept, in order of name, versions by number. A folder that is not there holds none. */
FVM_API FVM_NODISCARD fvm_err
fvm_bundle_each(const char *folder, fvm_err (*visit)(void *ctx, const fvm_bundle_info *info),
                void *ctx, const fvm_allocator *alloc, fvm_store_why *why);
/** Opens the bundle called `name` ("mainnet-v17", FVM_BUNDLE_EMBEDDED) as a read-only store; `info` may be NULL.
 *  FVM_ERR_NOT_FOUND when it is not there: `why` says which to import and how. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_open(fvm_blockstore *out, fvm_bundle_info *info,
                                              const char *folder, const char *name,
                                              const fvm_allocator *alloc, fvm_store_why *why);
/** The same by the CID of the manifest block. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_open_manifest(fvm_blockstore *out, fvm_bundle_info *info,
                                                       const char *folder, const fvm_cid *manifest,
                                                       const fvm_allocator *alloc,
                                                       fvm_store_why *why);
/** Appends the actors of an open bundle, an array of fvm_bundle_actor in manifest order, to `out`.
 *  FVM_ERR_BAD_STATE when the manifest does not decode; FVM_ERR_MISSING_BLOCK. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_actors(fvm_buf *out, const fvm_blockstore *bs,
                                                const fvm_cid *manifest, fvm_store_why *why);
/** Removes a bundle. FVM_ERR_NOT_FOUND. */
FVM_API FVM_NODISCARD fvm_err fvm_bundle_remove(const char *folder, const char *name,
                                                fvm_store_why *why);

/* --- compiled modules --- */

/** A folder in which engines keep compiled modules: a file for each, called by its key. It holds code
 *  that will be run with the rights of whoever opens it, so it must be a folder that the user owns
 *  and nobody else can write to, and every file in it likewise; others are not looked at. What is in
 *  the files is checked by the engine (fvm_code_cache). Safe for threads, and for several processes:
 *  a file appears whole or not at all. */
typedef struct fvm_code_folder fvm_code_folder;
/** What `max_bytes` stands for when it is 0. */
#define FVM_CODE_FOLDER_BYTES (UINT64_C(1) << 30)
/** Opens a folder, which is made (mode 0700) when only the last part of its path is missing. When its
 *  files have more than `max_bytes` in all, those used least recently are deleted.
 *  Errors: FVM_ERR_INVALID  not a folder, not the user's, or writable for others.
 *          FVM_ERR_IO (cannot be made or opened), FVM_ERR_NOMEM. */
FVM_API FVM_NODISCARD fvm_err fvm_code_folder_open(fvm_code_folder **out, const char *path,
                                                   uint64_t max_bytes, const fvm_allocator *alloc,
                                                   fvm_store_why *why);
/** For fvm_engine_config.code_cache; valid until the folder is closed. */
FVM_API fvm_code_cache fvm_code_folder_cache(fvm_code_folder *folder);
/** After the last engine that uses it. */
FVM_API void fvm_code_folder_close(fvm_code_folder *folder);

#ifdef __cplusplus
}
#endif
#endif
