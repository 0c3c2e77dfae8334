/* bundle.h - what the files about bundles share.
 *
 *     <folder>/mainnet-v17.car    the bundle as it came, every block hashed on import
 *     <folder>/mainnet-v17.meta   where it came from, lines of "key value"; may be missing
 *     <folder>/.import-*          an import under way
 *
 * The CAR is moved to its place in one step, so that what has the name is whole. */
#ifndef FVM_STORE_BUNDLE_H
#define FVM_STORE_BUNDLE_H

#include "carstream.h"

#define FVM__BUNDLE_ARCHIVE_MAX (UINT64_C(1) << 30) /* bytes, unpacked */
#define FVM__BUNDLE_CAR_MAX (UINT64_C(256) << 20)   /* bytes; mainnet's have 8 MB */
#define FVM__BUNDLE_ACTORS_MAX 256
#define FVM__BUNDLE_MANIFEST_MAX (64u << 10)

/** The bundle of our own actors as the build made it (cmake/actors.cmake). */
fvm_bytes fvm__bundle_embedded(void);
/** Whether `name` is <network>-v<number>: lower case letters, digits and dashes. */
bool fvm__bundle_name_is(const char *name);
/** Appends "<folder>/<prefix><name><suffix>" and a NUL to the empty `out`. */
FVM_NODISCARD fvm_err fvm__bundle_path(fvm_buf *out, const char *folder, const char *name,
                                       const char *suffix);
/** Fills what the CAR's header and the metadata beside it say. */
FVM_NODISCARD fvm_err fvm__bundle_info_read(fvm_bundle_info *out, const char *folder,
                                            const char *name, const fvm_allocator *alloc,
                                            fvm_store_why *why);
#endif
