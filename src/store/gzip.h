/* gzip.h - bytes in gzip's format (RFC 1952), and out of it. */
#ifndef FVM_STORE_GZIP_H
#define FVM_STORE_GZIP_H

#include "base/util.h"

/** Appends what `in` unpacks to. On an error `out` is as before.
 *  Errors: FVM_ERR_LIMIT      it is more than `max` bytes.
 *          FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_MALFORMED, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_gunzip(fvm_buf *out, fvm_bytes in, uint64_t max);
/** Appends `in` packed. FVM_ERR_LIMIT (2 GiB), FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_gzip(fvm_buf *out, fvm_bytes in);
#endif
