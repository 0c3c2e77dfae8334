/* json_in.h - JSON from strangers: bounded in depth before it is parsed, and numbers beyond 64 bits kept as
 * strings of their digits (jansson would refuse the whole text; amounts come so). */
#ifndef FVM_RPC_JSON_IN_H
#define FVM_RPC_JSON_IN_H

#include "base/util.h"
#include <jansson.h>

/** Arrays and objects within each other; what callers send has 6 at most (state overrides in a
 *  simulation's calls in a batch). */
#define FVM_RPC_JSON_DEPTH 32

/** Parses one document. Free with json_decref.
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_DEPTH, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_rpc_json_parse(json_t **out, fvm_bytes text, const fvm_allocator *alloc);

/** A string's bytes, which live as long as the value; false when it is none. */
static inline bool fvm_rpc_json_text(fvm_bytes *out, const json_t *value)
{
    if (!json_is_string(value)) return false;
    *out = (fvm_bytes){ (const uint8_t *)json_string_value(value), json_string_length(value) };
    return true;
}
/** Member `key` of an object, NULL when it is missing or null, or when this is no object. */
static inline json_t *fvm_rpc_json_get(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}
#endif
