/* test_main.c - runs the tests that a file registered, under cmocka. */
#include "test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TESTS_MAX 1024

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

static void run_one(void **state)
{
    void (*run)(void) = NULL;
    memcpy(&run, state, sizeof run);
    run();
}

void test_register(const char *name, void (*run)(void))
{
    if (test_count == TESTS_MAX) abort();
    struct CMUnitTest *test = &tests[test_count++];
    *test = (struct CMUnitTest){ .name = name, .test_func = run_one };
    memcpy(&test->initial_state, &run, sizeof run); /* POSIX: fits into a data pointer */
}

void test_fail(const char *file, int line, const char *what, const char *why)
{
    print_error("%s%s%s\n", what, why ? "  -- " : "", why ? why : "");
    _fail(file, line);
    abort(); /* _fail does not return */
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return _cmocka_run_group_tests(argv[0], tests, test_count, NULL, NULL) ? 1 : 0;
}
