/* json_out.h - JSON text written straight into a buffer: replies are made of a few shapes many times
 * over, and a tree of values for each would be most of the cost of a call.
 *
 * Commas come by themselves. The first lack of memory is remembered and the rest is ignored, so that only the
 * end needs a look (fvm_jo_ok). */
#ifndef FVM_RPC_JSON_OUT_H
#define FVM_RPC_JSON_OUT_H

#include "base/util.h"
#include <fvm/address.h>
#include <fvm/big.h>
#include <fvm/cid.h>

#include <jansson.h>

typedef struct fvm_jo {
    fvm_buf buf;
    bool comma;  /* the next value in this array or object needs one before it */
    bool failed; /* no memory: the text is not complete */
} fvm_jo;

void fvm_jo_init(fvm_jo *o, const fvm_allocator *alloc);
void fvm_jo_deinit(fvm_jo *o);
static inline bool fvm_jo_ok(const fvm_jo *o)
{
    return !o->failed;
}

/** A place to come back to: what was written since is forgotten. */
typedef struct fvm_jo_mark {
    size_t len;
    bool comma;
} fvm_jo_mark;
static inline fvm_jo_mark fvm_jo_here(const fvm_jo *o)
{
    return (fvm_jo_mark){ o->buf.len, o->comma };
}
static inline void fvm_jo_back(fvm_jo *o, fvm_jo_mark mark)
{
    o->buf.len = mark.len;
    o->comma = mark.comma;
}

/** Text as it is: a whole JSON value made elsewhere. */
void fvm_jo_raw(fvm_jo *o, fvm_bytes json);
void fvm_jo_begin(fvm_jo *o, char open); /* '{' or '[' */
void fvm_jo_end(fvm_jo *o, char close);
/** The name of the member that comes next; ASCII without quotes or backslashes. */
void fvm_jo_key(fvm_jo *o, const char *name);

void fvm_jo_null(fvm_jo *o);
void fvm_jo_bool(fvm_jo *o, bool value);
void fvm_jo_u64(fvm_jo *o, uint64_t value); /* a number */
void fvm_jo_i64(fvm_jo *o, int64_t value);
void fvm_jo_double(fvm_jo *o, double value);
/** A string; what is not UTF-8 becomes U+FFFD. */
void fvm_jo_text(fvm_jo *o, fvm_bytes text);
void fvm_jo_str(fvm_jo *o, const char *text);
__attribute__((format(printf, 2, 3))) void fvm_jo_format(fvm_jo *o, const char *format, ...);
/** Any value of jansson's, as it was parsed. */
void fvm_jo_json(fvm_jo *o, const json_t *value);

/* Ethereum (reference rpc.md 3): quantities and bytes in hex. */
void fvm_jo_quantity(fvm_jo *o, uint64_t value);
void fvm_jo_quantity_big(fvm_jo *o, const fvm_big *value); /* negative: 0x0 */
void fvm_jo_hex(fvm_jo *o, fvm_bytes bytes);

/* Filecoin: decimal text, base64, links, addresses. */
void fvm_jo_amount(fvm_jo *o, const fvm_big *value);
void fvm_jo_base64(fvm_jo *o, fvm_bytes bytes);
void fvm_jo_cid(fvm_jo *o, const fvm_cid *cid);
void fvm_jo_address(fvm_jo *o, const fvm_address *address, char network);

/* A member at once. */
static inline void fvm_jo_k_quantity(fvm_jo *o, const char *key, uint64_t value)
{
    fvm_jo_key(o, key);
    fvm_jo_quantity(o, value);
}
static inline void fvm_jo_k_big(fvm_jo *o, const char *key, const fvm_big *value)
{
    fvm_jo_key(o, key);
    fvm_jo_quantity_big(o, value);
}
static inline void fvm_jo_k_hex(fvm_jo *o, const char *key, fvm_bytes bytes)
{
    fvm_jo_key(o, key);
    fvm_jo_hex(o, bytes);
}
static inline void fvm_jo_k_str(fvm_jo *o, const char *key, const char *text)
{
    fvm_jo_key(o, key);
    fvm_jo_str(o, text);
}
static inline void fvm_jo_k_u64(fvm_jo *o, const char *key, uint64_t value)
{
    fvm_jo_key(o, key);
    fvm_jo_u64(o, value);
}
static inline void fvm_jo_k_bool(fvm_jo *o, const char *key, bool value)
{
    fvm_jo_key(o, key);
    fvm_jo_bool(o, value);
}
static inline void fvm_jo_k_null(fvm_jo *o, const char *key)
{
    fvm_jo_key(o, key);
    fvm_jo_null(o);
}
#endif
