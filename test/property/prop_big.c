/* big.c compared with GMP on random values of all sizes. */
#include "base/big.h"
#include "test.h"

#include <gmp.h>

/* limbs that are often all zeros or all ones, where carries go far */
static fvm_big random_big(test_rng *rng, size_t limbs_max)
{
    fvm_big a = { .count = (uint8_t)test_rng_below(rng, limbs_max + 1) };
    for (size_t i = 0; i < a.count; i++) {
        uint64_t kind = test_rng_below(rng, 4);
        a.limb[i] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : test_rng_next(rng);
    }
    while (a.count && a.limb[a.count - 1] == 0) a.count--;
    a.negative = a.count && test_rng_below(rng, 2);
    return a;
}

static void to_gmp(mpz_t out, const fvm_big *a)
{
    mpz_import(out, a->count, -1, sizeof a->limb[0], 0, 0, a->limb);
    if (a->negative) mpz_neg(out, out);
}

/* `err` and `a` are what a function gave; `want` is what GMP has. */
static void check_result(fvm_err err, const fvm_big *a, const mpz_t want)
{
    mpz_t got;
    if (mpz_sizeinbase(want, 2) > FVM_BIG_LIMBS * 64) {
        CHECK_ERR(err, FVM_ERR_RANGE);
        return;
    }
    CHECK_OK(err);
    mpz_init(got);
    to_gmp(got, a);
    CHECK(mpz_cmp(got, want) == 0);
    CHECK_AT("minimal", a->count ? a->limb[a->count - 1] != 0 : !a->negative);
    mpz_clear(got);
}

static void check_text(const fvm_big *a, const mpz_t value)
{
    char text[FVM_BIG_TEXT_MAX], want[FVM_BIG_TEXT_MAX];
    fvm_big back;
    CHECK(fvm_big_to_text(text, a) == strlen(text));
    mpz_get_str(want, 10, value);
    CHECK(strcmp(text, want) == 0);
    CHECK_OK(fvm_big_from_text(&back, fvm_bytes_of(text)));
    CHECK(fvm_big_cmp(a, &back) == 0);
}

static void check_wire(const fvm_big *a, const mpz_t value)
{
    uint8_t wire[FVM_BIG_WIRE_MAX], want[FVM_BIG_LIMBS * 8];
    size_t n = fvm_big_write(wire, a), len;
    mpz_export(want, &len, 1, 1, 0, 0, value);
    if (len > FVM_BIG_WIRE_MAX - 1) {
        CHECK(n == FVM_BIG_WIRE_MAX + 1);
        return;
    }
    CHECK(n == (len ? len + 1 : 0));
    if (n) {
        CHECK(wire[0] == (mpz_sgn(value) < 0));
        CHECK(memcmp(wire + 1, want, len) == 0);
    }
    fvm_big back;
    CHECK_OK(fvm_big_read(&back, (fvm_bytes){ wire, n }));
    CHECK(fvm_big_cmp(a, &back) == 0);
}

TEST(big_agrees_with_gmp)
{
    mpz_t x, y, z;
    mpz_inits(x, y, z, NULL);
    test_rng rng = { 17 };
    for (size_t i = 0; i < test_rounds(20000); i++) {
        size_t limbs = i % 8 == 0 ? FVM_BIG_LIMBS : 1 + i % 5;
        fvm_big a = random_big(&rng, limbs), b = random_big(&rng, limbs), r = fvm_big_zero();
        uint64_t small = test_rng_next(&rng) >> test_rng_below(&rng, 64);
        to_gmp(x, &a);
        to_gmp(y, &b);
        CHECK(fvm_big_cmp(&a, &b) == (mpz_cmp(x, y) > 0) - (mpz_cmp(x, y) < 0));
        CHECK(fvm_big_sign(&a) == mpz_sgn(x));

        mpz_add(z, x, y);
        check_result(fvm_big_add(&r, &a, &b), &r, z);
        mpz_sub(z, x, y);
        check_result(fvm_big_sub(&r, &a, &b), &r, z);
        mpz_mul_ui(z, x, small);
        check_result(fvm_big_mul_u64(&r, &a, small), &r, z);

        fvm_big alias = a; /* output over inputs */
        mpz_add(z, x, x);
        check_result(fvm_big_add(&alias, &alias, &alias), &alias, z);
        alias = b;
        mpz_sub(z, x, y);
        check_result(fvm_big_sub(&alias, &a, &alias), &alias, z);
        if (i % 8 < 3) {
            check_text(&a, x);
            check_wire(&a, x);
        }
    }
    mpz_clears(x, y, z, NULL);
}
