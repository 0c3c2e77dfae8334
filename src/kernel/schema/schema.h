/* schema.h - what the blocks of built-in actors mean, as data: state, params, returns and events by
 * name (builtin.schema, which also documents the notation). Actors are named as in the manifest. */
#ifndef FVM_KERNEL_SCHEMA_SCHEMA_H
#define FVM_KERNEL_SCHEMA_SCHEMA_H

#include "base/util.h"
#include <fvm/blockstore.h>

typedef struct fvm_schema fvm_schema;

/** Reads the schemas of all built-in actors, which are part of the library. HOST class. */
FVM_NODISCARD fvm_err fvm_schema_builtin(fvm_schema **out, const fvm_allocator *alloc);
/** Reads a text in the notation of builtin.schema, which is copied. `*line` (may be NULL) tells where
 *  an error was noticed. Errors: FVM_ERR_MALFORMED, FVM_ERR_NOT_FOUND (a type that is not defined
 *  above its use), FVM_ERR_DEPTH (braces), FVM_ERR_LIMIT, FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_schema_parse(fvm_schema **out, fvm_bytes text, size_t *line,
                                       const fvm_allocator *alloc);
void fvm_schema_free(fvm_schema *schema);

/** The name of an actor's method; empty when it has none of that number. A view into the schema. */
fvm_bytes fvm_schema_method(const fvm_schema *schema, fvm_bytes actor, uint64_t method);
/** Calls `visit` for each method of each actor. */
void fvm_schema_each_method(const fvm_schema *schema,
                            void (*visit)(void *ctx, fvm_bytes actor, uint64_t method,
                                          fvm_bytes name),
                            void *ctx);

typedef enum fvm_schema_part {
    FVM_SCHEMA_STATE,  /* `method` is not looked at */
    FVM_SCHEMA_PARAMS, /* of `method` */
    FVM_SCHEMA_RETURN,
} fvm_schema_part;

typedef struct fvm_schema_style {
    unsigned indent;          /* spaces a level; 0: one line without white space */
    const fvm_blockstore *bs; /* follow links to blocks and collections; NULL: print their CIDs */
    uint64_t entries_max;     /* of one collection; then "...": "more" */
} fvm_schema_style;

/** Appends a block as JSON by name: tuples as objects; addresses and decimal amounts (tok in attoFIL)
 *  as strings; bytes as "0x..."; bitfields as lists of numbers and [first, last] pairs; links as
 *  {"/": "bafy..."}; u64 and i64 as numbers. A block of codec RAW is itself the bytes that are due;
 *  else it is read as DAG-CBOR; none at all is null where none or bare bytes are due. `out` is as it was on error.
 *  Errors: FVM_ERR_NOT_FOUND      nothing is known of this actor, or of this method of it;
 *          FVM_ERR_MALFORMED and the like  the block does not fit; empty where one is due, or not empty
 *                                 where none is;
 *          FVM_ERR_MISSING_BLOCK, FVM_ERR_BAD_STATE, HOST  a link could not be followed. */
FVM_NODISCARD fvm_err fvm_schema_write(fvm_buf *out, const fvm_schema *schema, fvm_bytes actor,
                                       fvm_schema_part part, uint64_t method, uint64_t codec,
                                       fvm_bytes block, const fvm_schema_style *style);
/** The same for one entry of an event: `event` is the value of its $type entry, decoded. */
FVM_NODISCARD fvm_err fvm_schema_write_event(fvm_buf *out, const fvm_schema *schema,
                                             fvm_bytes actor, fvm_bytes event, fvm_bytes key,
                                             fvm_bytes value, const fvm_schema_style *style);
#endif
