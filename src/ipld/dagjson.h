/* dagjson.h - DAG-CBOR as text and back (ipld.io/specs/codecs/dag-json): links are {"/": "bafy..."},
 * bytes {"/": {"bytes": "base64 without padding"}}, numbers with a point or exponent are floats and
 * others integers, with every digit. A general JSON parser loses just that, hence one of our own. */
#ifndef FVM_IPLD_DAGJSON_H
#define FVM_IPLD_DAGJSON_H

#include "base/util.h"

/** As deep as DAG-CBOR may be: the generic decoder's limit (reference/ipld.md 7.2). */
#define FVM_DAGJSON_DEPTH_MAX 127

/** Appends the text of one DAG-CBOR block, map keys sorted by bytes; `indent` > 0: on lines, that
 *  many spaces a level, else without any white space. `out` is as it was on error.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_DEPTH  not one DAG-CBOR
 *          item, duplicate keys, keys that are no text;
 *          FVM_ERR_INVALID  a map that would read as a link or as bytes: {"/": text} and
 *          {"/": {"bytes": text}} cannot be written in DAG-JSON. */
FVM_NODISCARD fvm_err fvm_dagjson_write(fvm_buf *out, fvm_bytes block, unsigned indent);

/** Appends the canonical DAG-CBOR of one DAG-JSON document. `out` is as it was on error; `*at` (may be
 *  NULL) then tells where in `text` the error was noticed.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_DEPTH;
 *          FVM_ERR_RANGE  an integer that CBOR cannot hold, a float that is not finite. */
FVM_NODISCARD fvm_err fvm_dagjson_read(fvm_buf *out, fvm_bytes text, size_t *at);
#endif
