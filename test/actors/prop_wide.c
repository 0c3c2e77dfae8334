/* The wide integers of the built-in actors (actors/common/wide.c, compiled natively) against GMP. */
#include "common/wide.h"
#include "test.h"

#include <fvm/actor/mock.h>
#include <fvm/big.h>
#include <gmp.h>

/* The mock kernel wants an actor. */
FVM_ACTOR(FVM_METHOD(1, fvm_return_uint))

static void to_gmp(mpz_t out, const wide *v)
{
    mpz_import(out, v->count, -1, sizeof v->limb[0], 0, 0, v->limb);
    if (v->negative) mpz_neg(out, out);
}

static void check_same(const char *what, const wide *got, const mpz_t want)
{
    mpz_t g;
    mpz_init(g);
    to_gmp(g, got);
    if (mpz_cmp(g, want) != 0) gmp_fprintf(stderr, "%s: %Zd instead of %Zd\n", what, g, want);
    CHECK_AT(what, mpz_cmp(g, want) == 0);
    CHECK_AT(what, got->count == 0 ? !got->negative : got->limb[got->count - 1] != 0);
    mpz_clear(g);
}

/* Up to `limbs` limbs, with long runs of zeros and ones. */
static wide draw(test_rng *rng, uint32_t limbs)
{
    wide v = { .count = (uint32_t)test_rng_below(rng, limbs + 1) };
    for (uint32_t i = 0; i < v.count; i++) {
        uint64_t kind = test_rng_below(rng, 4);
        v.limb[i] = kind == 0 ? 0 : kind == 1 ? UINT32_MAX : (uint32_t)test_rng_next(rng);
    }
    while (v.count && v.limb[v.count - 1] == 0) v.count--;
    v.negative = v.count && test_rng_below(rng, 2);
    return v;
}

TEST(arithmetic_agrees_with_gmp)
{
    test_rng rng = { 11 };
    mpz_t a, b, want;
    mpz_inits(a, b, want, NULL);
    for (size_t i = 0; i < test_rounds(20000); i++) {
        wide x = draw(&rng, 23), y = draw(&rng, 23), r;
        to_gmp(a, &x);
        to_gmp(b, &y);
        mpz_add(want, a, b);
        wide_add(&r, &x, &y);
        check_same("sum", &r, want);
        mpz_sub(want, a, b);
        wide_sub(&r, &x, &y);
        check_same("difference", &r, want);
        mpz_mul(want, a, b);
        wide_mul(&r, &x, &y);
        check_same("product", &r, want);
        int order = mpz_cmp(a, b);
        CHECK(wide_cmp(&x, &y) == (order > 0) - (order < 0));
        if (!wide_is_zero(&y)) {
            mpz_fdiv_q(want, a, b);
            wide_div_floor(&r, &x, &y);
            check_same("quotient", &r, want);
        }
        mpz_mul_2exp(want, a, 128);
        wide_shl128(&r, &x);
        check_same("shifted left", &r, want);
        mpz_fdiv_q_2exp(want, a, 128);
        wide_shr128(&r, &x);
        check_same("shifted right", &r, want);
        uint64_t d = 1 + (test_rng_next(&rng) >> (1 + test_rng_below(&rng, 62)));
        mpz_abs(a, a);
        mpz_set_ui(b, d);
        mpz_cdiv_q(want, a, b);
        r = x;
        r.negative = false;
        wide_div_up(&r, d);
        check_same("divided, rounded up", &r, want);
    }
    mpz_clears(a, b, want, NULL);
}

TEST(the_wire_form_is_fvm_bigs)
{
    test_rng rng = { 12 };
    for (size_t i = 0; i < test_rounds(5000); i++) {
        uint8_t room[160];
        wide v = draw(&rng, 31), back;
        fvm_enc e = fvm_enc_into(room, sizeof room);
        fvm_enc_wide(&e, &v);
        fvm_dec d = fvm_dec_of(fvm_enc_done(&e));
        fvm_dec whole = d;
        fvm_dec_wide(&d, &back);
        CHECK(fvm_dec_good(&d));
        CHECK(wide_cmp(&v, &back) == 0);
        fvm_big big;
        mpz_t a, b;
        CHECK_OK(fvm_big_read(&big, fvm_get_bytes(&whole)));
        mpz_inits(a, b, NULL);
        to_gmp(a, &v);
        mpz_import(b, big.count, -1, sizeof big.limb[0], 0, 0, big.limb);
        if (big.negative) mpz_neg(b, b);
        CHECK(mpz_cmp(a, b) == 0);
        mpz_clears(a, b, NULL);
    }
}

TEST(odd_wire_forms_are_read_as_the_reference_does)
{
    const struct {
        const char *why;
        fvm_bytes in;
        int64_t value;
        bool bad;
    } rows[] = {
        { "nothing", FVM_BYTES(0x40), 0, false },
        { "a sign", FVM_BYTES(0x41, 0), 0, false },
        { "minus zero", FVM_BYTES(0x41, 1), 0, false },
        { "zero in a byte", FVM_BYTES(0x42, 0, 0), 0, false },
        { "leading zeros", FVM_BYTES(0x44, 1, 0, 0, 5), -5, false },
        { "another sign", FVM_BYTES(0x42, 2, 5), 0, true },
        { "text", FVM_BYTES(0x62, 0, 5), 0, true },
        { "null", FVM_BYTES(0xf6), 0, true },
    };
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        wide v, want;
        fvm_dec d = fvm_dec_of(rows[i].in);
        fvm_dec_wide(&d, &v);
        CHECK_AT(rows[i].why, fvm_dec_good(&d) == !rows[i].bad);
        wide_set(&want, rows[i].value);
        if (!rows[i].bad) CHECK_AT(rows[i].why, wide_cmp(&v, &want) == 0);
    }
}
