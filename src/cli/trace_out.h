/* trace_out.h - traces as text and as JSON (the format of the vectors' trace files), and compared
 * with such a file. */
#ifndef FVM_CLI_TRACE_OUT_H
#define FVM_CLI_TRACE_OUT_H

#include "by_name.h"
#include "vector_run.h"

/** One event as an entry of a trace file: a charge is [name, compute, other], the rest objects.
 *  NULL when out of memory, or, with `*skip` true, when the event is not part of the format. */
json_t *fvm_trace_entry(const fvm_trace_event *event, bool *skip);

/** Prints a trace while it happens: `{"id": ..., "messages": [[entry, ...], ...]}`, or an indented
 *  call tree. Start with fvm_trace_print_init, give `watch` to a run, close with _end. */
typedef struct fvm_trace_print {
    FILE *out;
    bool json;
    bool one_only; /* print message number `only` alone */
    size_t only;
    bool quiet;   /* the present message is not printed */
    bool started; /* a message has begun */
    bool comma;
    bool failed;        /* out of memory */
    fvm_by_name *names; /* borrowed; NULL: actors, methods and values as numbers and bytes */
    size_t depth;
    uint64_t compute[1100], other[1100]; /* milligas of the open calls; deeper than any limit */
} fvm_trace_print;
void fvm_trace_print_init(fvm_trace_print *print, FILE *out, bool json, const char *id);
fvm_run_watch fvm_trace_print_watch(fvm_trace_print *print);
/** Between messages that do not come from fvm_vector_run_do. `message` may be NULL. */
void fvm_trace_print_begin(fvm_trace_print *print, size_t index, const fvm_message *message);
/** Closes the document. FVM_ERR_NOMEM when something could not be printed for want of memory. */
FVM_NODISCARD fvm_err fvm_trace_print_end(fvm_trace_print *print);

/** The trace file that belongs to a vector, `trace/<id>.trace.json` beside it; `*out` NULL when
 *  there is none. Errors: as fvm_json_parse. Free with json_decref. */
FVM_NODISCARD fvm_err fvm_trace_file_load(json_t **out, const fvm_vector *vector,
                                          fvm_store_why *why);

/** Compares a run, as it happens, with a trace file. */
typedef struct fvm_trace_compare {
    const json_t *expected; /* of the whole file */
    size_t message, entry;  /* where we are */
    bool started, failed;
    json_t *difference; /* the first: {message, index, expected, got, before, after}; NULL: none */
    json_t *before;     /* the last entries that agreed */
} fvm_trace_compare;
/** `expected` is borrowed. */
FVM_NODISCARD fvm_err fvm_trace_compare_init(fvm_trace_compare *compare, const json_t *expected);
fvm_run_watch fvm_trace_compare_watch(fvm_trace_compare *compare);
/** Looks for what is missing at the end, and hands out the first difference (NULL: none), which
 *  the caller releases. Errors: FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_trace_compare_end(fvm_trace_compare *compare, json_t **difference);
#endif
