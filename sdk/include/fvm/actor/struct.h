/* struct.h - declare a struct once, have its encoder, decoder and schema.
 *
 *     #define ESCROW(F)       \
 *         F(address, buyer)   \
 *         F(token, amount)    \
 *         F(uint, deadline)
 *     FVM_STRUCT(escrow, ESCROW)        // struct escrow, a tuple [buyer, amount, deadline]
 *
 *     escrow e;
 *     FVM_PARAMS(escrow, &e, params);   // the parameters, or exit 16 or 21
 *     FVM_STATE_LOAD(escrow, &e);       // the actor's state
 *     FVM_STATE_SAVE(escrow, &e);
 *     return FVM_RETURN(escrow, &e);    // as return value
 *
 * A field's kind is one of the table below, a struct declared so, or one of
 *
 *     FVM_OPTIONAL(maybe_address, address)   // { bool some; fvm_address value; }, null when not
 *     FVM_LIST(addresses, address)           // { size_t count; fvm_address *item; }, an array
 *
 *     kind      C type        on the wire
 *     uint      uint64_t      unsigned integer
 *     u32       uint32_t      the same, at most 2^32 - 1, and no 8-byte head (as Rust's u32)
 *     int       int64_t       integer
 *     bool      bool          bool
 *     bytes     fvm_bytes     byte string; a view into what was decoded
 *     text      fvm_bytes     text, UTF-8; a view likewise
 *     cid       fvm_cid       link
 *     address   fvm_address   byte string
 *     token     fvm_token     byte string: sign and big-endian magnitude
 *     item      fvm_bytes     any one item, as its bytes
 *
 * Each kind K has a type fvm_t_K, functions fvm_enc_K(fvm_enc *, const fvm_t_K *) and
 * fvm_dec_K(fvm_dec *, fvm_t_K *), and a constant fvm_schema_K; write these four for a kind of your
 * own. Lists are decoded into the heap. A schema that nothing uses takes no space in the module; the
 * native build prints it (see fvm/actor/mock.h). */
#ifndef FVM_ACTOR_STRUCT_H
#define FVM_ACTOR_STRUCT_H

#include <fvm/actor/block.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM__UNUSED __attribute__((unused))

/** What a value looks like. */
typedef enum fvm_schema_form {
    FVM_SCHEMA_VALUE,    /* a kind of the table */
    FVM_SCHEMA_TUPLE,    /* fields, one after the other */
    FVM_SCHEMA_OPTIONAL, /* null or `of` */
    FVM_SCHEMA_LIST,     /* any number of `of` */
} fvm_schema_form;
typedef struct fvm_schema fvm_schema;
typedef struct fvm_schema_field {
    const char *name;
    const fvm_schema *schema;
} fvm_schema_field;
struct fvm_schema {
    const char *name; /* of the kind or struct */
    fvm_schema_form form;
    const fvm_schema *of;
    const fvm_schema_field *fields;
    size_t field_count;
};

/* --- the kinds of the table: X(kind, type) --- */
#define FVM_KINDS(X)                                                                               \
    X(uint, uint64_t)                                                                              \
    X(u32, uint32_t)                                                                               \
    X(int, int64_t)                                                                                \
    X(bytes, fvm_bytes)                                                                            \
    X(text, fvm_bytes)                                                                             \
    X(cid, fvm_cid)                                                                                \
    X(address, fvm_address)                                                                        \
    X(token, fvm_token)                                                                            \
    X(item, fvm_bytes)
#define FVM__KIND(kind, type)                                                                      \
    typedef type fvm_t_##kind;                                                                     \
    FVM__UNUSED static const fvm_schema fvm_schema_##kind = { #kind, FVM_SCHEMA_VALUE, NULL, NULL, \
                                                              0 };
FVM_KINDS(FVM__KIND)
/* `bool` is a macro in C, so its row is spelled out, here and below. */
typedef bool fvm_t_bool;
FVM__UNUSED static const fvm_schema fvm_schema_bool = { "bool", FVM_SCHEMA_VALUE, NULL, NULL, 0 };

/** As Rust's u32: heads of 8 bytes are refused whatever their value. */
uint32_t fvm_get_u32(fvm_dec *d);

#define FVM__BY_VALUE(kind)                                                                        \
    static inline void fvm_enc_##kind(fvm_enc *e, const fvm_t_##kind *v)                           \
    {                                                                                              \
        fvm_put_##kind(e, *v);                                                                     \
    }                                                                                              \
    static inline void fvm_dec_##kind(fvm_dec *d, fvm_t_##kind *v)                                 \
    {                                                                                              \
        *v = fvm_get_##kind(d);                                                                    \
    }
#define FVM__BY_POINTER(kind)                                                                      \
    static inline void fvm_enc_##kind(fvm_enc *e, const fvm_t_##kind *v)                           \
    {                                                                                              \
        fvm_put_##kind(e, v);                                                                      \
    }                                                                                              \
    static inline void fvm_dec_##kind(fvm_dec *d, fvm_t_##kind *v)                                 \
    {                                                                                              \
        fvm_get_##kind(d, v);                                                                      \
    }
static inline void fvm_put_u32(fvm_enc *e, uint32_t v)
{
    fvm_put_uint(e, v);
}
static inline void fvm_put_item(fvm_enc *e, fvm_bytes v)
{
    fvm_put_raw(e, v.ptr, v.len);
}
FVM__BY_VALUE(uint)
FVM__BY_VALUE(u32)
FVM__BY_VALUE(int)
FVM__BY_VALUE(bytes)
FVM__BY_VALUE(text)
FVM__BY_VALUE(token)
FVM__BY_VALUE(item)
FVM__BY_POINTER(cid)
FVM__BY_POINTER(address)
static inline void fvm_enc_bool(fvm_enc *e, const fvm_t_bool *v)
{
    fvm_put_bool(e, *v);
}
static inline void fvm_dec_bool(fvm_dec *d, fvm_t_bool *v)
{
    *v = fvm_get_bool(d);
}

/* --- structs --- */
#define FVM__MEMBER(kind, name) fvm_t_##kind name;
#define FVM__ONE(kind, name) +1
#define FVM__ENCODE(kind, name) fvm_enc_##kind(e, &v->name);
#define FVM__DECODE(kind, name) fvm_dec_##kind(d, &v->name);
#define FVM__FIELD(kind, name) { #name, &fvm_schema_##kind },

#define FVM_STRUCT(type, FIELDS)                                                                   \
    typedef struct type {                                                                          \
        FIELDS(FVM__MEMBER)                                                                        \
    } type;                                                                                        \
    typedef type fvm_t_##type;                                                                     \
    FVM__UNUSED static void fvm_enc_##type(fvm_enc *e, const type *v)                              \
    {                                                                                              \
        fvm_put_array(e, 0 FIELDS(FVM__ONE));                                                      \
        FIELDS(FVM__ENCODE)                                                                        \
    }                                                                                              \
    FVM__UNUSED static void fvm_dec_##type(fvm_dec *d, type *v)                                    \
    {                                                                                              \
        fvm_get_tuple(d, 0 FIELDS(FVM__ONE));                                                      \
        FIELDS(FVM__DECODE)                                                                        \
    }                                                                                              \
    FVM__UNUSED static const fvm_schema_field fvm_fields_##type[] = { FIELDS(FVM__FIELD) };        \
    FVM__UNUSED static const fvm_schema fvm_schema_##type = { #type, FVM_SCHEMA_TUPLE, NULL,       \
                                                              fvm_fields_##type,                   \
                                                              0 FIELDS(FVM__ONE) };

#define FVM_OPTIONAL(type, kind)                                                                   \
    typedef struct type {                                                                          \
        bool some;                                                                                 \
        fvm_t_##kind value;                                                                        \
    } type;                                                                                        \
    typedef type fvm_t_##type;                                                                     \
    FVM__UNUSED static void fvm_enc_##type(fvm_enc *e, const type *v)                              \
    {                                                                                              \
        if (v->some)                                                                               \
            fvm_enc_##kind(e, &v->value);                                                          \
        else                                                                                       \
            fvm_put_null(e);                                                                       \
    }                                                                                              \
    FVM__UNUSED static void fvm_dec_##type(fvm_dec *d, type *v)                                    \
    {                                                                                              \
        v->some = !fvm_get_null(d);                                                                \
        if (v->some)                                                                               \
            fvm_dec_##kind(d, &v->value);                                                          \
        else                                                                                       \
            __builtin_memset(&v->value, 0, sizeof v->value);                                       \
    }                                                                                              \
    FVM__UNUSED static const fvm_schema fvm_schema_##type = { #type, FVM_SCHEMA_OPTIONAL,          \
                                                              &fvm_schema_##kind, NULL, 0 };

#define FVM_LIST(type, kind)                                                                       \
    typedef struct type {                                                                          \
        size_t count;                                                                              \
        fvm_t_##kind *item;                                                                        \
    } type;                                                                                        \
    typedef type fvm_t_##type;                                                                     \
    FVM__UNUSED static void fvm_enc_##type(fvm_enc *e, const type *v)                              \
    {                                                                                              \
        fvm_put_array(e, v->count);                                                                \
        for (size_t i = 0; i < v->count; i++) fvm_enc_##kind(e, &v->item[i]);                      \
    }                                                                                              \
    FVM__UNUSED static void fvm_dec_##type(fvm_dec *d, type *v)                                    \
    {                                                                                              \
        v->count = fvm_get_array(d);                                                               \
        v->item = (fvm_t_##kind *)fvm_heap_array(v->count, sizeof *v->item);                       \
        for (size_t i = 0; i < v->count; i++) fvm_dec_##kind(d, &v->item[i]);                      \
    }                                                                                              \
    FVM__UNUSED static const fvm_schema fvm_schema_##type = { #type, FVM_SCHEMA_LIST,              \
                                                              &fvm_schema_##kind, NULL, 0 };

/* --- whole values --- */
#define FVM__DECODE_ALL(kind, out, in)                                                             \
    do {                                                                                           \
        fvm_dec fvm_d_ = (in);                                                                     \
        fvm_dec_##kind(&fvm_d_, (out));                                                            \
        fvm_dec_done(&fvm_d_);                                                                     \
    } while (0)
/** Decodes `bytes`, whole; ends the call (21) if they are not such a value. */
#define FVM_DECODE(kind, out, bytes) FVM__DECODE_ALL(kind, out, fvm_dec_of(bytes))
/** The parameters; as FVM_DECODE, and 16 when there are none. */
#define FVM_PARAMS(kind, out, params) FVM__DECODE_ALL(kind, out, fvm_params(params))
#define FVM_STATE_LOAD(kind, out) FVM_DECODE(kind, out, fvm_state_load())
/** A block of the value. */
#define FVM_BLOCK(kind, codec, value)                                                              \
    __extension__({                                                                                \
        fvm_enc fvm_e_ = fvm_enc_heap(0);                                                          \
        fvm_enc_##kind(&fvm_e_, (value));                                                          \
        fvm_block_new((codec), fvm_enc_done(&fvm_e_));                                             \
    })
/** A return value or parameters for a send. */
#define FVM_RETURN(kind, value) FVM_BLOCK(kind, FVM_BLOCK_CBOR, value)
#define FVM_STATE_SAVE(kind, value)                                                                \
    do {                                                                                           \
        fvm_enc fvm_e_ = fvm_enc_heap(0);                                                          \
        fvm_enc_##kind(&fvm_e_, (value));                                                          \
        fvm_state_save(fvm_enc_done(&fvm_e_));                                                     \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
