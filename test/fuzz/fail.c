/* fail.c - CHECK in a fuzz target: print and abort, so that the fuzzer keeps the input. */
#include "test.h"

#include <stdlib.h>

void test_register(const char *name, void (*run)(void))
{
    (void)name;
    (void)run;
}

void test_fail(const char *file, int line, const char *what, const char *why)
{
    fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, why ? "  -- " : "", why ? why : "");
    abort();
}
