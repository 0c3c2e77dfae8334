/* cbor_internal.h - what the CBOR files share. */
#ifndef FVM_IPLD_CBOR_INTERNAL_H
#define FVM_IPLD_CBOR_INTERNAL_H

#include "cbor.h"

enum {
    CBOR_UINT,
    CBOR_NINT,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_TAG,
    CBOR_SIMPLE,
};

/** Recursion steps that the reference's decoder allows (SliceReader of cbor4ii: 256). */
#define CBOR_STEPS_MAX 256

/** fvm_cbor_head with the short heads in line; in a module, where bytes count, the same function. */
#ifdef __wasm__
#define fvm__cbor_head fvm_cbor_head
#else
static inline fvm_err fvm__cbor_head(uint8_t *major, uint64_t *value, fvm_bytes *in)
{
    if (in->len < 2 || (in->ptr[0] & 0x1f) > 24) return fvm_cbor_head(major, value, in);
    uint8_t low = in->ptr[0] & 0x1f;
    size_t used = low < 24 ? 1 : 2;
    *major = in->ptr[0] >> 5;
    *value = low < 24 ? low : in->ptr[1];
    *in = (fvm_bytes){ in->ptr + used, in->len - used };
    return FVM_OK;
}
#endif

/** A string of (masked) major 2 or 3; as fvm_cbor_bytes, without a UTF-8 check. */
FVM_NODISCARD fvm_err fvm__cbor_string(fvm_bytes *out, fvm_bytes *in, unsigned major,
                                       fvm_buf *spare);

/** A link of a trie's node, left where it is: `cid` is its binary CID within `in`. Takes what
 *  fvm_cbor_cid takes, except indefinite strings inside the link, which nothing writes. */
FVM_NODISCARD fvm_err fvm__cbor_link(fvm_bytes *cid, uint64_t *codec, fvm_bytes *in);

/** Appends a link of the binary CID, as it stands. */
FVM_NODISCARD fvm_err fvm__cbor_put_link(fvm_buf *out, fvm_bytes cid);

/** The link scanner. `strict` adds what nv17 refuses: heads that are not minimal, and link strings of
 *  over 100 bytes (reference/executor.md 7). `skip` (may be NULL) is asked about each CID of the common
 *  form (cid_common.h) by its bytes: true, and it is not visited. */
FVM_NODISCARD fvm_err fvm__cbor_scan(fvm_bytes block, bool strict,
                                     fvm_err (*visit)(void *ctx, const fvm_cid *cid),
                                     bool (*skip)(void *ctx, const uint8_t *cid), void *ctx);
#endif
