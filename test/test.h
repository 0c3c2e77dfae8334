/* test.h - what test files use: thin macros over cmocka, a seeded random source, and an allocator
 * that fails on demand. A file of tests holds TEST functions and nothing else; they register
 * themselves, and main comes from test_main.c. CHECK works in fuzz targets as well (it aborts). */
#ifndef FVM_TEST_H
#define FVM_TEST_H

#include "base/util.h"

#include <stdio.h>

/** A test, named for the behaviour that it shows. Runs in the order of the file. */
#define TEST(name)                                                                                 \
    static void test_case_##name(void);                                                            \
    __attribute__((constructor)) static void test_register_##name(void)                            \
    {                                                                                              \
        test_register(#name, test_case_##name);                                                    \
    }                                                                                              \
    static void test_case_##name(void)

/** Ends the test as failed unless `cond` holds. CHECK_AT names the row of a table, too. */
#define CHECK(cond) CHECK_AT(NULL, cond)
#define CHECK_AT(why, cond)                                                                        \
    do {                                                                                           \
        if (!(cond)) test_fail(__FILE__, __LINE__, #cond, (why));                                  \
    } while (0)
/** The call succeeds, or fails with `want`; prints the text of the error otherwise. */
#define CHECK_OK(expr) CHECK_ERR(expr, FVM_OK)
#define CHECK_ERR(expr, want)                                                                      \
    do {                                                                                           \
        fvm_err test_err_ = (expr);                                                                \
        if (test_err_ != (want)) test_fail(__FILE__, __LINE__, #expr, fvm_err_text(test_err_));    \
    } while (0)
/** Equal bytes; prints both in hex otherwise. */
#define CHECK_BYTES(got, want) test_check_bytes(__FILE__, __LINE__, #got, (got), (want))
/** `got` spelled in hex equals the string `hex`. */
#define CHECK_HEX(got, hex) test_check_hex(__FILE__, __LINE__, #got, (got), (hex))

void test_register(const char *name, void (*run)(void));
_Noreturn void test_fail(const char *file, int line, const char *what, const char *why);
void test_check_bytes(const char *file, int line, const char *what, fvm_bytes got, fvm_bytes want);
void test_check_hex(const char *file, int line, const char *what, fvm_bytes got, const char *hex);

/** The bytes of a hex string, at most 4096; static storage is not used: give the room. */
fvm_bytes test_hex(uint8_t *room, size_t room_len, const char *hex);

/** Repeatable random numbers (splitmix64). Any seed will do. */
typedef struct test_rng {
    uint64_t state;
} test_rng;
uint64_t test_rng_next(test_rng *rng);
/** 0..n-1; n > 0. */
uint64_t test_rng_below(test_rng *rng, uint64_t n);
void test_rng_fill(test_rng *rng, uint8_t *out, size_t len);
/** How often a property test shall try: `normal`, times the environment's FVM_TEST_ROUNDS if set. */
size_t test_rounds(size_t normal);

/** An allocator that counts, fails the nth allocation (1 = the first; 0 = none) and from there on
 *  works again. It checks that every block comes back with the size it had. */
typedef struct test_alloc {
    fvm_allocator allocator; /* give &state.allocator to the code under test */
    size_t fail_at;
    size_t calls;  /* allocations and growths so far */
    size_t blocks; /* alive */
    size_t bytes;  /* alive */
} test_alloc;
void test_failing_allocator(test_alloc *state, size_t fail_at);

/** Runs `body` again and again, with the 1st, 2nd, ... allocation failing, until a run needs none
 *  that fails. Each run returns FVM_ERR_NOMEM, or FVM_OK where it could do without; the last one
 *  FVM_OK. Nothing may be left allocated. */
void test_each_allocation_fails(fvm_err (*body)(const fvm_allocator *alloc, void *ctx), void *ctx);
#endif
