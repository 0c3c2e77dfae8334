/* vector.h - message vectors: one JSON file with a state, messages, the answers of the node, and
 * what must come out (../shared/vectors/README.md). Reading one does not look at
 * `postconditions`; fvm_vector_expected does, and is called after the run. */
#ifndef FVM_CLI_VECTOR_H
#define FVM_CLI_VECTOR_H

#include "base/arena.h"
#include "json.h"
#include "phases.h"
#include <fvm/blockstore.h>
#include <fvm/externs.h>
#include <fvm/machine.h>
#include <fvm/store.h>

typedef struct fvm_vector_variant {
    const char *id;
    int64_t epoch;
    uint32_t nv;
    uint64_t timestamp;
} fvm_vector_variant;

typedef struct fvm_vector_message {
    fvm_bytes bytes; /* CBOR of the unsigned message */
    bool has_chain_length;
    uint64_t chain_length;
    bool implicit;
} fvm_vector_message;

typedef struct fvm_vector_randomness {
    bool beacon; /* else the chain's */
    bool fails;  /* the node has no answer */
    int64_t epoch;
    uint8_t value[32];
} fvm_vector_randomness;

typedef struct fvm_vector_tipset {
    int64_t epoch;
    fvm_cid cid;
} fvm_vector_tipset;

typedef struct fvm_vector_fault {
    fvm_bytes h1, h2, extra;
    bool fails;                /* the node has no answer */
    fvm_consensus_fault fault; /* type 0: none */
} fvm_vector_fault;

/** Measuring work: what _meta.extra of the vectors in bench/ says. repeat 0: nothing. */
typedef struct fvm_vector_bench {
    uint64_t repeat;
    uint64_t gas_total;
    fvm_cid root_after;
} fvm_vector_bench;

typedef struct fvm_vector {
    const char *file;   /* as given; borrowed */
    const char *id;     /* _meta.id */
    const char *bundle; /* NULL: the file names none */
    const char *actors; /* run on the embedded actors: see actor_swap.h; borrowed; NULL: not */
    bool extracted;     /* of the mainnet corpora: other defaults for what the node answers */
    bool has_manifest;
    fvm_cid manifest;
    fvm_cid root; /* before the messages */
    uint64_t chain_id;
    fvm_big base_fee, circulating_supply;
    fvm_vector_variant *variants;
    size_t variant_count;
    fvm_vector_message *messages;
    size_t message_count;
    fvm_vector_randomness *randomness;
    size_t randomness_count;
    fvm_vector_tipset *tipsets;
    size_t tipset_count;
    fvm_vector_fault *faults;
    size_t fault_count;
    fvm_vector_bench bench;
    fvm_blockstore blocks;        /* of the CAR; never written to after loading */
    fvm_blockstore bundle_blocks; /* of the bundle of built-in actors; ops NULL: none open */
    fvm_blockstore layers;        /* both; ops NULL: without a bundle */
    fvm_store_why bundle_missing; /* which bundle to import; empty: none is needed, or it is here */
    fvm_arena arena;              /* holds all of the above */
    json_t *json;
    fvm_phases phases; /* of loading */
} fvm_vector;

#define FVM_VECTOR_FILE_MAX (UINT64_C(512) << 20) /* bytes of JSON */
#define FVM_VECTOR_CAR_MAX (UINT64_C(1) << 30)    /* bytes of CAR, unpacked */

/** Reads a vector. `file` is borrowed and names it in messages. On success free with
 *  fvm_vector_free; on error there is nothing to free.
 *  Errors: class INPUT, told in `why` with file and field; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_vector_parse(fvm_vector **out, const char *file, fvm_bytes text,
                                       fvm_store_why *why);
FVM_NODISCARD fvm_err fvm_vector_load(fvm_vector **out, const char *file, fvm_store_why *why);
void fvm_vector_free(fvm_vector *vector);

/** Opens the bundle that the vector names, or that its network version needs, from the user's folder
 *  of bundles, if the vector does not bring its own actors. One that is not there is no error: what
 *  to import is in `bundle_missing` then. fvm_vector_load does this, fvm_vector_parse does not.
 *  Errors: class INPUT for a broken bundle, told in `why`; HOST class. */
FVM_NODISCARD fvm_err fvm_vector_open_bundle(fvm_vector *vector, fvm_store_why *why);
/** The vector's blocks, with those of the bundle. */
const fvm_blockstore *fvm_vector_blocks(const fvm_vector *vector);

/** What must come out: `receipts` a list of objects (borrowed from the vector) and the root.
 *  FVM_ERR_MALFORMED when the file has no (good) postconditions. */
FVM_NODISCARD fvm_err fvm_vector_expected(const fvm_vector *vector, json_t **receipts,
                                          fvm_cid *root, fvm_store_why *why);

/** The callbacks that answer from the vector, which must outlive them. */
fvm_externs fvm_vector_externs(const fvm_vector *vector);

/** The variant of this id ("nv21") or network version ("21"), the first of them; of no name (NULL) the
 *  first of all. NULL when there is none. */
const fvm_vector_variant *fvm_vector_variant_find(const fvm_vector *v, const char *name);
#endif
