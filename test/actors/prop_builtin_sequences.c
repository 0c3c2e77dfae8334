/* Thousands of messages drawn at random, valid, invalid and hostile, to all built-in actors: ours and mainnet's v18
 * do the same. Exit codes, return values, events and every actor's state are compared after each message (twin.h),
 * and all calls that were made on the way (coverage.h); gas and code CIDs are not. What the reference pages name
 * must have come about, each method and each exit code: the table that is printed says how often. */
#include "draw.h"

#include <stdlib.h>

#define NETWORKS 16  /* at least, and up to six times as many until all came about */
#define MESSAGES 550 /* for each of them */

TEST(every_method_and_exit_code_of_the_reference_is_the_same_on_both_bundles)
{
    const char *seed = getenv("FVM_SEQUENCES_SEED");
    coverage c;
    int sides = 0;
    coverage_init(&c);
    size_t least = test_rounds(NETWORKS);
    for (size_t i = 0; i < least || (coverage_missing(&c) && i < 6 * least); i++) {
        drawer d;
        twin t;
        twin_open(&t);
        draw_open(&d, &t, &c, (seed ? strtoull(seed, NULL, 10) : 6) * 1000 + i);
        for (int n = 0; n < MESSAGES; n++) draw_message(&d);
        sides = t.sides;
        twin_close(&t);
    }
    coverage_print(&c);
    if (sides < 2) printf("  SKIPPED: no bundle mainnet-v18 to compare with (fvm bundle import)\n");
    CHECK(coverage_missing(&c) == 0);
    coverage_deinit(&c);
}
