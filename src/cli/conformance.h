/* conformance.h - the parts of `fvm conformance`: the list of files, the test of one file, and the
 * words about it. */
#ifndef FVM_CLI_CONFORMANCE_H
#define FVM_CLI_CONFORMANCE_H

#include "trace_out.h"

/** How to test. */
typedef struct fvm_conformance {
    bool emit;          /* print what came out; look at no postconditions */
    bool traces;        /* compare every charge with the trace files, too */
    uint32_t network;   /* this network version alone; 0: all */
    const char *actors; /* as fvm_vector.actors */
} fvm_conformance;

/** What testing one file gave. */
typedef struct fvm_file_result {
    json_t *runs;                   /* one report per run: file, id, variant, result and details */
    size_t passed, failed, skipped; /* runs */
    size_t traces;                  /* compared */
    bool bad_input, host_failure;   /* one of the runs, or the file as such */
    fvm_phases phases;              /* where the time went */
} fvm_file_result;

/** Tests one file for its variants; the result is always valid. Release with json_decref(runs). */
void fvm_conformance_file(fvm_file_result *result, const char *file, const fvm_conformance *options,
                          fvm_context *context);
/** Prints a report for people; passed runs only if `verbose`. */
void fvm_report_print(FILE *out, const json_t *report, bool verbose);

/** Paths found, in order; each owned. */
typedef struct fvm_paths {
    char **path;
    size_t count, cap;
} fvm_paths;
/** Adds `path`: a file as it is; of a folder all *.json below it, sorted, without those in folders
 *  named trace or src.
 *  Errors: FVM_ERR_NOT_FOUND and the like, told in `why`; FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_paths_add(fvm_paths *paths, const char *path, fvm_store_why *why);
void fvm_paths_deinit(fvm_paths *paths);
#endif
