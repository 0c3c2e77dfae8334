/* coverage.h - which methods of the built-in actors ran in a twin and how they ended, counted against what the
 * reference pages name (coverage.def); and the calls that were made on the way, which must be the same on both
 * sides: who calls whom with which value and parameters, and what comes back. */
#ifndef FVM_TEST_ACTORS_COVERAGE_H
#define FVM_TEST_ACTORS_COVERAGE_H

#include "twin.h"

#define COVERAGE_LOW UINT64_MAX
#define COVERAGE_EXPORTED (UINT64_MAX - 1)
#define COVERAGE_ANY (UINT64_MAX - 2)
#define COVERAGE_DEPTH 1100 /* calls within calls; the machine allows 1024 */
#define COVERAGE_OTHERS 64  /* codes that no page names */

typedef struct coverage_frame {
    uint64_t method;
    const char *type; /* NULL until code runs */
} coverage_frame;

typedef struct coverage_count {
    const char *type;
    uint64_t method;
    uint32_t code;
    size_t times;
} coverage_count;

typedef struct coverage {
    twin *twin;
    size_t *counts; /* for each row of the table and each of its codes */
    coverage_count others[COVERAGE_OTHERS];
    size_t other_count, messages, calls;
    coverage_frame frames[COVERAGE_DEPTH];
    size_t depth;
    fvm_buf calls_made[2]; /* by the message at hand, as text */
} coverage;

void coverage_init(coverage *c);
void coverage_deinit(coverage *c);
/** Watches this twin from now on. */
void coverage_watch(coverage *c, twin *t);
/** After a message: counts its exit code, and ends the test unless both sides made the same calls. */
void coverage_message(coverage *c, const char *why, uint32_t exit_code);
/** How many of the table's codes never came about. */
size_t coverage_missing(const coverage *c);
/** Prints the table with its counts. */
void coverage_print(const coverage *c);

#endif
