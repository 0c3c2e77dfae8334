/* log.h - the node's log: one line an event, as text for people or as JSON for programs. */
#ifndef FVM_RPC_LOG_H
#define FVM_RPC_LOG_H

#include "base/util.h"

#include <stdio.h>

typedef enum fvm_log_level { FVM_LOG_ERROR, FVM_LOG_INFO, FVM_LOG_DEBUG } fvm_log_level;

typedef struct fvm_node_log fvm_node_log;

/** A named value: a number when `text.ptr` is NULL. */
typedef struct fvm_log_field {
    const char *name;
    fvm_bytes text;
    uint64_t number;
} fvm_log_field;

/** Writes to `out`, which is borrowed, events up to `level`. NULL without memory. */
fvm_node_log *fvm_log_new(FILE *out, bool json, fvm_log_level level, const fvm_allocator *alloc);
void fvm_log_free(fvm_node_log *log);
/** Whether events of that level are written: `log` may be NULL, which writes none. */
bool fvm_log_on(const fvm_node_log *log, fvm_log_level level);
/** Writes an event. Any thread. */
void fvm_log_write(fvm_node_log *log, fvm_log_level level, const char *event,
                   const fvm_log_field *fields, size_t count);
#endif
