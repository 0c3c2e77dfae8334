/* chunked.h - bodies that come in chunks, their length not known ahead (RFC 9112, 7.1): what clients send that
 * stream their requests, and proxies that pass them on. libwebsockets hands such a body over as it came.
 *
 *   size in hex [;extension] CRLF  size bytes CRLF  ...  0 CRLF  [trailer CRLF]...  CRLF */
#ifndef FVM_RPC_CHUNKED_H
#define FVM_RPC_CHUNKED_H

#include "base/util.h"

typedef struct fvm_chunked {
    uint8_t state;   /* 0: at the beginning */
    uint8_t digits;  /* of a size, seen */
    uint16_t extras; /* bytes of extensions and trailers, seen */
    uint64_t left;   /* of the chunk at hand */
} fvm_chunked;

/** Reads on. Appends to `body` what belongs there; `done` when the last chunk has ended: what follows
 *  it is not looked at.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_LIMIT  the body would be longer than `max`; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_chunked_read(fvm_chunked *c, fvm_buf *body, size_t max, bool *done,
                                       fvm_bytes part);
#endif
