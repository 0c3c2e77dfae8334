/* blocks.h - what `fvm car` and `fvm ipld` share: opening what holds blocks, paths through blocks, and
 * progress. */
#ifndef FVM_CLI_BLOCKS_H
#define FVM_CLI_BLOCKS_H

#include "cli.h"
#include <fvm/store.h>

/** What can be read from: a CAR file, the folder of an LMDB database, or the name of a bundle. */
typedef struct fvm_cli_source {
    fvm_blockstore bs;
    bool is_car;
} fvm_cli_source;
FVM_NODISCARD fvm_err fvm_cli_source_open(fvm_cli_source *out, const char *path,
                                          fvm_store_why *why);
/** `path`, or the path of the bundle of that name if there is no such file; the text may be in `room`. */
const char *fvm_cli_bundle_path(fvm_buf *room, const char *path);
void fvm_cli_source_close(fvm_cli_source *source);
/** Whether `path` is a folder, taken for a database. */
bool fvm_cli_is_folder(const char *path);

/** Bytes and blocks so far on stderr, if that is a terminal, some times a second. */
typedef struct fvm_cli_progress {
    const char *doing; /* e.g. "importing" */
    uint64_t total;    /* bytes; 0: not known */
    uint64_t next_ms;  /* when to print again */
    bool on, printed;
} fvm_cli_progress;
fvm_cli_progress fvm_cli_progress_new(const char *doing, uint64_t total);
void fvm_cli_progress_show(fvm_cli_progress *progress, uint64_t blocks, uint64_t bytes);
/** Takes the line away. */
void fvm_cli_progress_end(fvm_cli_progress *progress);

/** A place in a DAG, found by "CID/key/0/...". */
typedef struct fvm_cli_place {
    fvm_cid cid;    /* of the block it lies in */
    fvm_bytes item; /* in `block`: one CBOR item; of a raw block all of it */
    bool whole;     /* `item` is the whole block */
    fvm_buf block;
} fvm_cli_place;
/** Walks along a path: keys of maps, positions in lists; links on the way, and at its end, are
 *  followed. Init nothing; deinit with fvm_buf_deinit(&place->block), also after an error.
 *  Errors: FVM_ERR_MALFORMED (the CID, a block), FVM_ERR_NOT_FOUND (block or key), told in `why`. */
FVM_NODISCARD fvm_err fvm_cli_place_find(fvm_cli_place *out, const fvm_blockstore *bs,
                                         const char *path, fvm_store_why *why);

/** "COMMAND: why" on stderr; the exit code for `err`. */
fvm_cli_exit fvm_cli_failed(const char *command, fvm_err err, const fvm_store_why *why);
/** A file, or stdin for "-" or NULL, as a whole. */
FVM_NODISCARD fvm_err fvm_cli_read_input(fvm_buf *out, const char *path, uint64_t max,
                                         fvm_store_why *why);
/** Names of codecs and hash functions, or "0x..."; `room` 24 bytes. */
const char *fvm_cli_codec_name(char room[24], uint64_t codec);
const char *fvm_cli_hash_name(char room[24], uint64_t hash);
bool fvm_cli_codec_find(uint64_t *out, const char *name);
bool fvm_cli_hash_find(uint64_t *out, const char *name);
#endif
