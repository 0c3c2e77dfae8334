/* json_text.h - JSON text as jansson gets it: whole numbers beyond 64 bits as strings, and without its
 * long strings, which come back afterwards. */
#ifndef FVM_CLI_JSON_TEXT_H
#define FVM_CLI_JSON_TEXT_H

#include "base/util.h"
#include <jansson.h>

typedef struct fvm_json_text {
    fvm_buf text;  /* for jansson */
    fvm_buf longs; /* fvm_bytes into the original text, by number */
} fvm_json_text;

/** Prepares `text`, which must outlive `out`. FVM_ERR_NOMEM. `out` is to be freed in any case. */
FVM_NODISCARD fvm_err fvm_json_prepare(fvm_json_text *out, fvm_bytes text);
/** Puts the long strings into what was parsed. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_json_complete(json_t *json, const fvm_json_text *text);
void fvm_json_text_deinit(fvm_json_text *text);
#endif
