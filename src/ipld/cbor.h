/* cbor.h - DAG-CBOR: a canonical writer, the typed reader with the leniency of the reference's
 * decoder (reference/ipld.md 7.2 and 7.3), and a strict reader. Neither allocates. */
#ifndef FVM_IPLD_CBOR_H
#define FVM_IPLD_CBOR_H

#include "base/util.h"
#include <fvm/cid.h>

/* --- writing: appends to a buffer; the only error is FVM_ERR_NOMEM --- */
FVM_NODISCARD fvm_err fvm_cbor_put_uint(fvm_buf *out, uint64_t v);
FVM_NODISCARD fvm_err fvm_cbor_put_int(fvm_buf *out, int64_t v);
FVM_NODISCARD fvm_err fvm_cbor_put_bytes(fvm_buf *out, fvm_bytes v);
FVM_NODISCARD fvm_err fvm_cbor_put_text(fvm_buf *out, fvm_bytes v);
FVM_NODISCARD fvm_err fvm_cbor_put_array(fvm_buf *out, uint64_t count);
FVM_NODISCARD fvm_err fvm_cbor_put_map(fvm_buf *out, uint64_t pairs);
FVM_NODISCARD fvm_err fvm_cbor_put_cid(fvm_buf *out, const fvm_cid *cid);
FVM_NODISCARD fvm_err fvm_cbor_put_null(fvm_buf *out);
FVM_NODISCARD fvm_err fvm_cbor_put_bool(fvm_buf *out, bool v);
/** A finished item, as is. */
FVM_NODISCARD fvm_err fvm_cbor_put_raw(fvm_buf *out, fvm_bytes item);

/* --- the typed reader: each takes one item off the front of `in` and leaves `in` alone on error.
 * Errors: FVM_ERR_TRUNCATED, FVM_ERR_MALFORMED (wrong type, indefinite where refused, reserved
 * bits), FVM_ERR_RANGE (integer does not fit), FVM_ERR_DEPTH (skip). Masked majors are accepted as
 * the reference's typed decoder does: `bytes` takes heads of majors 0 and 2, and so on. --- */
FVM_NODISCARD fvm_err fvm_cbor_uint(uint64_t *out, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm_cbor_u32(uint32_t *out, fvm_bytes *in); /* refuses 8-byte heads */
FVM_NODISCARD fvm_err fvm_cbor_int(int64_t *out, fvm_bytes *in);
/** Definite byte string: a view into `in`. Indefinite strings, which the typed decoder joins, are
 *  appended to `spare` if it is not NULL, else refused. */
FVM_NODISCARD fvm_err fvm_cbor_bytes(fvm_bytes *out, fvm_bytes *in, fvm_buf *spare);
FVM_NODISCARD fvm_err fvm_cbor_text(fvm_bytes *out, fvm_bytes *in,
                                    fvm_buf *spare); /* checks UTF-8 */
FVM_NODISCARD fvm_err fvm_cbor_array(uint64_t *count, fvm_bytes *in);
/** An array that must have exactly `count` items: a tuple. */
FVM_NODISCARD fvm_err fvm_cbor_tuple(uint64_t count, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm_cbor_map(uint64_t *pairs, fvm_bytes *in);
/** A link: masked tag head, inner byte string of real major 2, prefix 00, one CID; bytes after the
 *  CID inside the string are ignored, as the reference does. */
FVM_NODISCARD fvm_err fvm_cbor_cid(fvm_cid *out, fvm_bytes *in);
FVM_NODISCARD fvm_err fvm_cbor_bool(bool *out, fvm_bytes *in);
/** True and taken when the next item is null (f6); false and nothing taken otherwise. */
bool fvm_cbor_take_null(fvm_bytes *in);
/** FVM_ERR_TRAILING unless `in` is empty. */
FVM_NODISCARD fvm_err fvm_cbor_end(fvm_bytes in);

/* --- the exact ("generic") reader --- */

/** The strict head: real major, value; indefinite and reserved refused. */
FVM_NODISCARD fvm_err fvm_cbor_head(uint8_t *major, uint64_t *value, fvm_bytes *in);
/** Takes one whole item of any shape with the generic decoder's checks (strict majors; tags other
 *  than 42 refused; UTF-8 checked; f32 and f64 but no other floats; depth at most 127 nested arrays or
 *  maps around an item; no key twice in a map) and gives its bytes. Iterative: hostile nesting costs
 *  no native stack. Narrower than the reference in two things that no encoder writes: keys in segments
 *  are FVM_ERR_MALFORMED, and maps of over 256 keys out of canonical order FVM_ERR_LIMIT. */
FVM_NODISCARD fvm_err fvm_cbor_item(fvm_bytes *out, fvm_bytes *in);

/** Valid UTF-8 by the rules of Rust's str (no surrogates, no overlong forms). */
bool fvm_utf8_valid(fvm_bytes text);

/* --- links --- */
/** Calls `visit` for every link of a DAG-CBOR block in order, lenient as the state-flush scan
 *  (non-minimal heads, tags, floats accepted; trailing bytes inside CID strings and after the item
 *  ignored). `visit` returning an error stops the scan with that error.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED. */
FVM_NODISCARD fvm_err fvm_cbor_links(fvm_bytes block,
                                     fvm_err (*visit)(void *ctx, const fvm_cid *cid), void *ctx);
#endif
