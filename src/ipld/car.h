/* car.h - content-addressable archives (reference/ipld.md 8): CARv1, and CARv2 for reading, of which
 * the v1 archive inside is taken and the index ignored. Read from and written to memory; streaming
 * from files belongs to `store`. */
#ifndef FVM_IPLD_CAR_H
#define FVM_IPLD_CAR_H

#include "base/util.h"
#include <fvm/blockstore.h>

/** Reads sections of a CAR held in memory. */
typedef struct fvm_car_reader {
    fvm_bytes rest;    /* not yet read */
    fvm_bytes header;  /* the DAG-CBOR header */
    uint64_t roots;    /* how many roots the header names */
    uint64_t position; /* byte offset of `rest` in the archive, for messages */
} fvm_car_reader;

/** Errors: FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED, FVM_ERR_VERSION (not 1), FVM_ERR_INVALID (no root). */
FVM_NODISCARD fvm_err fvm_car_open(fvm_car_reader *out, fvm_bytes car);
/** Root number `i` (0..roots-1). */
FVM_NODISCARD fvm_err fvm_car_root(const fvm_car_reader *car, fvm_cid *out, uint64_t i);
/** All roots in order; in time linear in their number, unlike a loop over fvm_car_root. An error of
 *  `visit` stops and is returned. */
FVM_NODISCARD fvm_err fvm_car_each_root(const fvm_car_reader *car,
                                        fvm_err (*visit)(void *ctx, const fvm_cid *root),
                                        void *ctx);
/** The next block (data borrowed from the archive). FVM_ERR_NOT_FOUND at a clean end. `verify`
 *  re-hashes: FVM_ERR_MISMATCH. */
FVM_NODISCARD fvm_err fvm_car_next(fvm_car_reader *car, fvm_block *out, bool verify);
/** Puts every block into `bs`, verified. */
FVM_NODISCARD fvm_err fvm_car_load(const fvm_blockstore *bs, fvm_bytes car);
/** Appends a header with `count` roots, and one section, to `out`. */
FVM_NODISCARD fvm_err fvm_car_put_header(fvm_buf *out, const fvm_cid *roots, size_t count);
FVM_NODISCARD fvm_err fvm_car_put_block(fvm_buf *out, const fvm_cid *cid, fvm_bytes data);
#endif
