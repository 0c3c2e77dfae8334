/* cbor.h - small CBOR: a writer that appends to memory and a reader that never fails in the middle.
 *
 * The writer ends the call (21) when its room is used up. The reader keeps its first error and gives
 * zeros from then on, so that a struct is read field by field and checked once, at the end. It takes
 * exactly what the reference's typed decoder takes (reference/ipld.md 7.2 and 7.3; the host's
 * src/ipld/cbor_read.c), indefinite strings included: these are joined in the heap.
 *
 * To declare a struct once and have both, see fvm/actor/struct.h. */
#ifndef FVM_ACTOR_CBOR_H
#define FVM_ACTOR_CBOR_H

#include <fvm/actor/exit.h>
#include <fvm/address.h>
#include <fvm/cid.h>

#ifdef __cplusplus
extern "C" {
#endif

__extension__ typedef __int128 fvm_token; /* attoFIL, signed; FIL's supply needs 91 bits */
__extension__ typedef unsigned __int128 fvm_uint128;

/* --- writing --- */

/** A writer: make one with fvm_enc_into or fvm_enc_heap. */
typedef struct fvm_enc {
    uint8_t *start, *at, *end;
} fvm_enc;

/** A writer into `cap` bytes at `room`. */
static inline fvm_enc fvm_enc_into(uint8_t *room, size_t cap)
{
    fvm_enc e = { room, room, room + cap };
    return e;
}
/** A writer into fresh heap memory: `cap` bytes to begin with (0 will do), and more as needed while
 *  nothing else is allocated. fvm_enc_done gives back what is not used. */
fvm_enc fvm_enc_heap(size_t cap);
/** What was written. */
fvm_bytes fvm_enc_done(fvm_enc *e);

/** A head: major 0..7 and its argument, in the shortest form. */
void fvm_put_head(fvm_enc *e, unsigned major, uint64_t argument);
/** Bytes as they are: CBOR that was written before. */
void fvm_put_raw(fvm_enc *e, const void *bytes, size_t len);
/** A number. */
static inline void fvm_put_uint(fvm_enc *e, uint64_t v)
{
    fvm_put_head(e, 0, v);
}
/** A number that may be negative. */
void fvm_put_int(fvm_enc *e, int64_t v);
/** A byte string (major 2) or a text (3), whose UTF-8 is not checked. */
void fvm_put_string(fvm_enc *e, unsigned major, const void *bytes, size_t len);
/** A byte string. */
static inline void fvm_put_bytes(fvm_enc *e, fvm_bytes v)
{
    fvm_put_string(e, 2, v.ptr, v.len);
}
/** A text. */
static inline void fvm_put_text(fvm_enc *e, fvm_bytes v)
{
    fvm_put_string(e, 3, v.ptr, v.len);
}
/** The head of an array; its `count` items are to follow. */
static inline void fvm_put_array(fvm_enc *e, uint64_t count)
{
    fvm_put_head(e, 4, count);
}
/** The head of a map; key and value of each pair are to follow, in DAG-CBOR's order of keys. */
static inline void fvm_put_map(fvm_enc *e, uint64_t pairs)
{
    fvm_put_head(e, 5, pairs);
}
/** true or false. */
static inline void fvm_put_bool(fvm_enc *e, bool v)
{
    fvm_put_head(e, 7, v ? 21 : 20);
}
/** null. */
static inline void fvm_put_null(fvm_enc *e)
{
    fvm_put_head(e, 7, 22);
}
/** A link. */
void fvm_put_cid(fvm_enc *e, const fvm_cid *v);
/** A link from a binary CID. */
void fvm_put_link(fvm_enc *e, const uint8_t *cid, size_t len);
/** An address: a byte string. */
static inline void fvm_put_address(fvm_enc *e, const fvm_address *v)
{
    fvm_put_string(e, 2, v->bytes, v->len);
}
/** A token amount or BigInt: a byte string of sign and big-endian magnitude, empty for 0. */
void fvm_put_token(fvm_enc *e, fvm_token v);

/* --- reading --- */

/** A reader over borrowed bytes: make one with fvm_dec_of. */
typedef struct fvm_dec {
    const uint8_t *at, *end;
    bool bad; /* something did not decode; stays */
} fvm_dec;

/** A reader of all of `in`. */
static inline fvm_dec fvm_dec_of(fvm_bytes in)
{
    fvm_dec d = { in.ptr, in.ptr + in.len, false };
    return d;
}
/** Whether all was well and nothing is left. */
static inline bool fvm_dec_good(const fvm_dec *d)
{
    return !d->bad && d->at == d->end;
}
/** Ends the call (21) unless fvm_dec_good. */
static inline void fvm_dec_done(const fvm_dec *d)
{
    if (!fvm_dec_good(d)) fvm_abort(FVM_USR_SERIALIZATION, "bad cbor");
}
/** Marks as bad; gives 0, for `return fvm_dec_fail(d);`. */
uint64_t fvm_dec_fail(fvm_dec *d);
/** The argument of a head of `major` (masked: see the reference). */
uint64_t fvm_get_head(fvm_dec *d, unsigned major);
/** A number. */
static inline uint64_t fvm_get_uint(fvm_dec *d)
{
    return fvm_get_head(d, 0);
}
/** A number of at most `max`. */
uint64_t fvm_get_uint_max(fvm_dec *d, uint64_t max);
/** A number that may be negative. */
int64_t fvm_get_int(fvm_dec *d);
/** A string of `major` 2 or 3: a view into the input (of indefinite length: into the heap). */
fvm_bytes fvm_get_string(fvm_dec *d, unsigned major);
/** A byte string; likewise. */
static inline fvm_bytes fvm_get_bytes(fvm_dec *d)
{
    return fvm_get_string(d, 2);
}
/** A text; likewise. UTF-8 is checked. */
fvm_bytes fvm_get_text(fvm_dec *d);
/** How many items follow; at most as many as there are bytes left. */
size_t fvm_get_array(fvm_dec *d);
/** An array that must have `count` items. */
void fvm_get_tuple(fvm_dec *d, size_t count);
/** true or false. */
bool fvm_get_bool(fvm_dec *d);
/** Takes a null if one is next. */
bool fvm_get_null(fvm_dec *d);
/** A link. */
void fvm_get_cid(fvm_dec *d, fvm_cid *out);
/** An address of any protocol. */
void fvm_get_address(fvm_dec *d, fvm_address *out);
/** A token amount. Bad when the magnitude needs over 127 bits or the sign byte is neither 0 nor 1. */
fvm_token fvm_get_token(fvm_dec *d);
/** Skips an item of any shape and gives its bytes. */
fvm_bytes fvm_get_item(fvm_dec *d);

#ifdef __cplusplus
}
#endif
#endif
