/* http_client.h - one HTTP request at a time, by libwebsockets: a body goes out by POST, a body comes back. */
#ifndef FVM_CLI_HTTP_CLIENT_H
#define FVM_CLI_HTTP_CLIENT_H

#include "cli.h"

typedef struct fvm_http fvm_http;

#define FVM_HTTP_REPLY_MAX ((size_t)256 << 20) /* bytes of a reply that are read */

/** A client for one address: http://HOST[:PORT][/PATH] or https. Nothing is sent yet.
 *  Errors: FVM_ERR_MALFORMED  no such address (told in `why`); FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_http_open(fvm_http **out, const char *url, fvm_store_why *why);
void fvm_http_close(fvm_http *http);
/** Sends JSON, and appends the reply's body to `reply`, whatever the status; `*status` is HTTP's number.
 *  Errors, told in `why`: FVM_ERR_IO  no connection, or it broke, or `timeout_ms` went by;
 *          FVM_ERR_LIMIT  the reply is too long; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_http_post(fvm_http *http, fvm_buf *reply, unsigned *status,
                                    fvm_bytes body, uint32_t timeout_ms, fvm_store_why *why);
#endif
