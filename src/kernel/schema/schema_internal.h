/* schema_internal.h - schemas as they are kept: types are nodes, and a node's parts have higher or
 * lower numbers but never its own, as a name can be used only after its definition. */
#ifndef FVM_KERNEL_SCHEMA_INTERNAL_H
#define FVM_KERNEL_SCHEMA_INTERNAL_H

#include "schema.h"

/** Braces, brackets and names inside one another, names taken for what they stand for. */
#define FVM__SCHEMA_DEPTH_MAX 40

typedef enum fvm__schema_kind {
    /* of one word, in the order of the parser's table */
    FVM__SCHEMA_ADDR,
    FVM__SCHEMA_BIG, /* tok, too */
    FVM__SCHEMA_CID,
    FVM__SCHEMA_BYTES,
    FVM__SCHEMA_TEXT,
    FVM__SCHEMA_BOOL,
    FVM__SCHEMA_BITFIELD,
    FVM__SCHEMA_U64,
    FVM__SCHEMA_I64,
    FVM__SCHEMA_U256,
    FVM__SCHEMA_NULL,
    FVM__SCHEMA_ANY,
    /* with parts */
    FVM__SCHEMA_LIST,     /* of `first` */
    FVM__SCHEMA_OPTIONAL, /* `first`, or null */
    FVM__SCHEMA_TUPLE,    /* fields first..first+count-1 */
    FVM__SCHEMA_CHOICE,   /* the same, without names */
    FVM__SCHEMA_LINK,     /* to a block of `first` */
    FVM__SCHEMA_HAMT,     /* of `bits`, from `key` to `first` */
    FVM__SCHEMA_AMT,
    FVM__SCHEMA_KAMT,
} fvm__schema_kind;

typedef struct fvm__schema_node {
    uint8_t kind, bits, key; /* key: kind ADDR, U64, I64, CID or BYTES */
    uint8_t depth;           /* of what is inside, itself counted */
    uint32_t first, count;
} fvm__schema_node;

typedef struct fvm__schema_field {
    fvm_bytes name;
    uint32_t node;
} fvm__schema_field;

#define FVM__SCHEMA_NONE UINT32_MAX /* no block */

typedef struct fvm__schema_row {
    enum { FVM__ROW_TYPE, FVM__ROW_ACTOR, FVM__ROW_STATE, FVM__ROW_METHOD, FVM__ROW_EVENT } what;
    fvm_bytes name; /* of the type, actor, method or event */
    fvm_bytes actor;
    uint64_t method;
    uint32_t node;   /* of type, state and event; params of a method */
    uint32_t result; /* of a method */
} fvm__schema_row;

struct fvm_schema {
    const fvm_allocator *alloc;
    fvm_buf text; /* names are views into it */
    fvm__schema_node *nodes;
    fvm__schema_field *fields;
    fvm__schema_row *rows;
    uint32_t node_count, node_cap, field_count, field_cap, row_count, row_cap;
};
#endif
