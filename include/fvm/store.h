/* store.h - blockstores that live on disk: CAR files, LMDB databases, layers of stores, and the
 * bundles of built-in actors that a user keeps. */
#ifndef FVM_STORE_H
#define FVM_STORE_H

#include <fvm/blockstore.h>

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

/* --- bundles of built-in actors --- */

#define FVM_BUNDLE_NAME_MAX 64

/** What is known of a bundle without reading its blocks. */
typedef struct fvm_bundle_info {
    char name[FVM_BUNDLE_NAME_MAX]; /* network-vN, e.g. mainnet-v17 */
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
/** Opens the bundle called `name` ("mainnet-v17") as a read-only store; `info` may be NULL.
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

#ifdef __cplusplus
}
#endif
#endif
