/* json.h - jansson with two things added: whole numbers beyond 64 bits keep every digit, and a field
 * that is missing or of the wrong type is reported with its file and path. */
#ifndef FVM_CLI_JSON_H
#define FVM_CLI_JSON_H

#include "cli.h"
#include <fvm/big.h>
#include <fvm/cid.h>

#include <jansson.h>

/** Parses one JSON document. Bare whole numbers that do not fit 64 bits become strings of their
 *  digits, since jansson refuses them. Free with json_decref.
 *  Errors: FVM_ERR_MALFORMED (with line and column in `why`), FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_json_parse(json_t **out, fvm_bytes text, const char *file,
                                     fvm_store_why *why);

/** A place in a document: `where` is the path so far, "" at the top. */
typedef struct fvm_json_at {
    const char *file;
    const char *where;
    fvm_store_why *why;
} fvm_json_at;

/** Each reads member `key` of `object`; the outputs are unchanged on error.
 *  Errors: FVM_ERR_MALFORMED (missing, wrong type, out of range; told in at->why); FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_json_object(json_t **out, const json_t *object, const char *key,
                                      const fvm_json_at *at);
FVM_NODISCARD fvm_err fvm_json_array(json_t **out, const json_t *object, const char *key,
                                     const fvm_json_at *at);
FVM_NODISCARD fvm_err fvm_json_string(fvm_bytes *out, const json_t *object, const char *key,
                                      const fvm_json_at *at);
FVM_NODISCARD fvm_err fvm_json_u64(uint64_t *out, const json_t *object, const char *key,
                                   uint64_t max, const fvm_json_at *at);
FVM_NODISCARD fvm_err fvm_json_i64(int64_t *out, const json_t *object, const char *key,
                                   const fvm_json_at *at);
/** A number of any size: bare, or as decimal text. */
FVM_NODISCARD fvm_err fvm_json_big(fvm_big *out, const json_t *object, const char *key,
                                   const fvm_json_at *at);
/** A link {"/": "bafy..."}. */
FVM_NODISCARD fvm_err fvm_json_cid(fvm_cid *out, const json_t *object, const char *key,
                                   const fvm_json_at *at);
/** Base64 text; appends the bytes. */
FVM_NODISCARD fvm_err fvm_json_base64(fvm_buf *out, const json_t *object, const char *key,
                                      const fvm_json_at *at);
/** FVM_ERR_MALFORMED, with "file: where.key: problem" in at->why. */
FVM_NODISCARD fvm_err fvm_json_wrong(const fvm_json_at *at, const char *key, const char *problem);

/** Values to print. NULL when out of memory. u64 beyond jansson's integers become decimal text, as
 *  the parser makes of them. */
json_t *fvm_json_from_u64(uint64_t value);
json_t *fvm_json_from_big(const fvm_big *value);
json_t *fvm_json_from_cid(const fvm_cid *cid);
json_t *fvm_json_from_base64(fvm_bytes bytes);
json_t *fvm_json_from_hex(fvm_bytes bytes);
json_t *fvm_json_from_bytes(fvm_bytes utf8); /* bytes that are not UTF-8: in hex, prefix 0x */

/** Prints compactly with sorted keys; strings that stand for big numbers stay strings. */
void fvm_json_print(FILE *out, const json_t *value);
/** A command's answer: a line on stdout. Takes `value`; NULL: there was no memory for it, which `command`
 *  says on stderr. */
fvm_cli_exit fvm_json_answer(const char *command, json_t *value);
/** Says on stderr what failed, and if `json` on stdout as {"error": text}, with the members of `more` (taken;
 *  NULL: none), so that who reads JSON there gets some. The exit code for `err`. */
fvm_cli_exit fvm_json_failed(const char *command, fvm_err err, const char *text, bool json,
                             json_t *more);
#endif
