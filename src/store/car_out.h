/* car_out.h - a CAR file being written, block by block. The file gets its name when it is whole: until
 * then it stands beside its place as PATH.PID-N.tmp, so that a reader finds all of it or nothing. */
#ifndef FVM_STORE_CAR_OUT_H
#define FVM_STORE_CAR_OUT_H

#include "base/util.h"
#include <fvm/store.h>

#include <stdio.h>

typedef struct fvm__car_out {
    FILE *file;
    const char *path; /* borrowed */
    fvm_buf temp;     /* the name until then, with its NUL; empty: stdout */
    fvm_buf scratch;
    bool sync;
    uint64_t blocks, bytes; /* written */
} fvm__car_out;

/** Begins a CARv1 with `count` roots at `path`, or on stdout ("-"). With `sync` the file is on the disk
 *  before it gets its name. `path` is borrowed until the file is closed, which it must be unless
 *  this fails.
 *  Errors: FVM_ERR_IO (told in `why`, which may be NULL), FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__car_out_open(fvm__car_out *out, const char *path, const fvm_cid *roots,
                                        size_t count, bool sync, const fvm_allocator *alloc,
                                        fvm_store_why *why);
/** Appends a block. FVM_ERR_IO, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm__car_out_put(fvm__car_out *out, const fvm_cid *cid, fvm_bytes data);
/** fvm__car_out_put as a visitor of fvm__dag_walk; `ctx` is the fvm__car_out. */
FVM_NODISCARD fvm_err fvm__car_out_visit(void *ctx, const fvm_cid *cid, fvm_bytes data);
/** Ends the file and frees what `out` holds. If `err`, how the writing went, is FVM_OK the file gets
 *  its name, replacing what had it; else it is deleted. Gives back `err`, or FVM_ERR_IO (told in `why`)
 *  when the file could not be written. */
FVM_NODISCARD fvm_err fvm__car_out_close(fvm__car_out *out, fvm_err err, fvm_store_why *why);
#endif
