/* prop_evm_word.c - the EVM's words beside GMP. Numbers are made of limbs at the edges as often as not. */
#include "test.h"

#include "word.h"

#include <gmp.h>

static mpz_t modulus; /* 2^256 */

static void draw(word *w, test_rng *rng)
{
    static const uint64_t edges[] = { 0,           1,          2,
                                      255,         0x7fffffff, 0xffffffff,
                                      0x100000000, INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                      UINT64_MAX };
    uint64_t shape = test_rng_next(rng);
    for (int i = 0; i < 4; i++, shape >>= 8) {
        w->limb[i] = shape & 1 ? test_rng_next(rng) : edges[(shape >> 1) % FVM_COUNT(edges)];
        if (shape & 0x80) w->limb[i] = 0;
    }
    if (shape % 3 == 0) w->limb[1] = w->limb[2] = w->limb[3] = 0;
}

static void to_mpz(mpz_t out, const word *w, bool is_signed)
{
    mpz_import(out, 4, -1, 8, 0, 0, w->limb);
    if (is_signed && w->limb[3] >> 63) mpz_sub(out, out, modulus);
}

static void same(const char *what, const word *got, mpz_t want)
{
    mpz_t g;
    mpz_init(g);
    to_mpz(g, got, false);
    mpz_mod(want, want, modulus);
    CHECK_AT(what, mpz_cmp(g, want) == 0);
    mpz_clear(g);
}

typedef enum op {
    ADD,
    SUB,
    MUL,
    DIV,
    SDIV,
    MOD,
    SMOD,
    EXP,
    SIGNEXTEND,
    BYTE,
    SHL,
    SHR,
    SAR,
    OPS
} op;

static void compute(word *out, op which, const word *a, const word *b)
{
    switch (which) {
    case ADD: word_add(out, a, b); return;
    case SUB: word_sub(out, a, b); return;
    case MUL: evm_mul(out, a, b); return;
    case DIV: evm_div(out, a, b, false); return;
    case SDIV: evm_div(out, a, b, true); return;
    case MOD: evm_mod(out, a, b, false); return;
    case SMOD: evm_mod(out, a, b, true); return;
    case EXP: evm_exp(out, a, b); return;
    case SIGNEXTEND: evm_signextend(out, a, b); return;
    case BYTE: evm_byte(out, a, b); return;
    case SHL: evm_shl(out, a, b); return;
    case SHR: evm_shr(out, a, b); return;
    default: evm_sar(out, a, b); return;
    }
}

static void extend(mpz_t r, const mpz_t size, mpz_t b)
{
    mpz_set(r, b);
    if (mpz_cmp_ui(size, 31) >= 0) return;
    mp_bitcnt_t bits = 8 * (mpz_get_ui(size) + 1);
    mpz_fdiv_r_2exp(r, b, bits);
    if (mpz_tstbit(r, bits - 1)) {
        mpz_t top;
        mpz_init(top);
        mpz_setbit(top, bits);
        mpz_sub(r, r, top);
        mpz_clear(top);
    }
}

/* a, b as numbers, signed where the instruction is. */
static void expect(mpz_t r, op which, mpz_t a, mpz_t b)
{
    bool far = mpz_cmp_ui(a, 256) >= 0;
    unsigned long n = far ? 256 : mpz_get_ui(a);
    switch (which) {
    case ADD: mpz_add(r, a, b); return;
    case SUB: mpz_sub(r, a, b); return;
    case MUL: mpz_mul(r, a, b); return;
    case DIV:
    case SDIV:
        mpz_set_ui(r, 0);
        if (mpz_sgn(b)) mpz_tdiv_q(r, a, b);
        return;
    case MOD:
    case SMOD:
        mpz_set_ui(r, 0);
        if (mpz_sgn(b)) mpz_tdiv_r(r, a, b);
        return;
    case EXP: mpz_powm(r, a, b, modulus); return;
    case SIGNEXTEND: extend(r, a, b); return;
    case BYTE:
        mpz_fdiv_q_2exp(r, b, far || n > 31 ? 256 : 248 - 8 * n);
        mpz_fdiv_r_2exp(r, r, 8);
        return;
    case SHL: mpz_mul_2exp(r, b, n); return;
    default: mpz_fdiv_q_2exp(r, b, n); return;
    }
}

static void check_all(const word *a, const word *b)
{
    mpz_t x, y, r;
    mpz_inits(x, y, r, NULL);
    for (op which = ADD; which < OPS; which++) {
        bool is_signed = which == SDIV || which == SMOD;
        word out = *a, second = *b;
        to_mpz(x, a, is_signed);
        to_mpz(y, b, is_signed || which == SAR);
        expect(r, which, x, y);
        compute(&out, which, a, b);
        same("apart", &out, r);
        compute(&second, which, a, &second); /* as the interpreter does: over the second operand */
        CHECK_AT("in place", fvm_u256_eq(&out, &second));
    }
    mpz_clears(x, y, r, NULL);
}

TEST(words_compute_as_numbers_modulo_two_to_the_256)
{
    test_rng rng = { 6 };
    mpz_init(modulus);
    mpz_setbit(modulus, 256);
    for (size_t i = test_rounds(20000); i; i--) {
        word a, b;
        draw(&a, &rng);
        draw(&b, &rng);
        check_all(&a, &b);
        word_set(&a, test_rng_below(&rng, 300)); /* counts of shifts, bytes */
        check_all(&a, &b);
    }
    mpz_clear(modulus);
}

TEST(words_compare_as_numbers)
{
    test_rng rng = { 7 };
    mpz_init(modulus);
    mpz_setbit(modulus, 256);
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    for (size_t i = test_rounds(20000); i; i--) {
        word a, b;
        draw(&a, &rng);
        draw(&b, &rng);
        if (i % 4 == 0) b.limb[3] = a.limb[3];
        to_mpz(x, &a, false);
        to_mpz(y, &b, false);
        CHECK(word_less(&a, &b) == (mpz_cmp(x, y) < 0));
        to_mpz(x, &a, true);
        to_mpz(y, &b, true);
        CHECK(word_less_signed(&a, &b) == (mpz_cmp(x, y) < 0));
    }
    mpz_clears(x, y, NULL);
    mpz_clear(modulus);
}

TEST(words_read_back_from_their_bytes)
{
    test_rng rng = { 8 };
    for (size_t i = test_rounds(5000); i; i--) {
        word a, b;
        uint8_t bytes[96] = { 0 }, number[32];
        draw(&a, &rng);
        word_write(bytes, &a);
        word_read(&b, bytes);
        CHECK(fvm_u256_eq(&a, &b));
        /* a PUSH of n bytes reads a number of n bytes, whatever follows */
        unsigned n = (unsigned)test_rng_below(&rng, 33), len = evm_write_short(number, &a);
        test_rng_fill(&rng, bytes, sizeof bytes);
        uint8_t padded[32] = { 0 };
        memcpy(padded + 32 - n, bytes, n);
        evm_read_short(&a, bytes, n);
        word_read(&b, padded);
        CHECK(fvm_u256_eq(&a, &b));
        CHECK(len == 0 || number[0] != 0);
    }
}
