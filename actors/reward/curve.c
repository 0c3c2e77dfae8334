/* curve.c - see curve.h. */
#include "reward/curve.h"

/* Numbers below 2^128, as low and high half. */
#define EXP_LAMBDA_LESS_ONE                                                                        \
    { 0x630bf8e3d6dd1f05, 0x000001d801e06aa5 } /* e^lambda - 1, lambda = ln 2 / (6 years) */
#define LAMBDA { 0xef5c72e0c734a252, 0x000001d801deb781 }
#define BASELINE_GROWTH { 0x9ce37c31f850b675, 0x00000b100b757e08 } /* 2^(1 / a year) - 1 */
#define ALPHA { 0xc84bf9b200000000, 0x003c9eddbc8730e4 }
#define BETA { 0xd1e1dceee4000000, 0x000004c3c5011d7c }
#define SIMPLE_TOTAL { 0xd8942a518a000000, 0x000000000110f837 }   /* 330 million FIL */
#define BASELINE_TOTAL { 0xa40462be42000000, 0x00000000027cedd7 } /* 770 million FIL */
#define BASELINE_INITIAL INT64_C(2888888880000000000)             /* bytes */
#define BASELINE_BEFORE INT64_C(2888886975106048385)              /* what grows into it */
/* 36.266260308195979333 FIL, and -1.09897758509e-7 FIL an epoch */
#define POSITION_INITIAL { 0xf74ba39a79deb045, 0x0000000000000001 }
#define VELOCITY_INITIAL INT64_C(-109897758509)

static wide constant(uint64_t lo, uint64_t hi)
{
    wide w;
    wide_of_amount(&w, (fvm_abi_token){ lo, hi });
    return w;
}
#define CONSTANT(name) (constant_of(&(const fvm_abi_token)name))
static wide constant_of(const fvm_abi_token *v)
{
    return constant(v->lo, v->hi);
}

static wide integer(int64_t v)
{
    wide w;
    wide_set(&w, v);
    return w;
}

/* v * factor >> 128 */
static void scale(wide *v, const wide *factor)
{
    wide_mul(v, v, factor);
    wide_shr128(v, v);
}

/* --- e^-x --- */

/* e^-x is the quotient of two polynomials. Coefficients from the highest degree on; the last, which is
 * one (2^128), is left out. Those of the numerator are of alternating sign, from minus on. */
static const fvm_abi_token numerator[] = {
    { 0x5aab1dd040171ae0, 0x000000083049f993 }, { 0xd8864986fa3a8000, 0x0000035395a6927e },
    { 0x9acec8f1ec310000, 0x00009da73a97c02d }, { 0xdedc79ba27d00000, 0x00113019bbee5d7d },
    { 0x3943f1e944000000, 0x01303b0fdbe817b0 }, { 0x538d3c67c0000000, 0x0d4e1a469caccc86 },
    { 0xddae7e3500000000, 0x5707a811230b6625 },
};
static const fvm_abi_token denominator[] = {
    { 0xcc8ea1290f060ad9, 0x0000000000010383 }, { 0x73c24632ef32f3fa, 0x00000000005e60ae },
    { 0x1b615e68c04c2963, 0x00000000124e7334 }, { 0x0b39dc8fd875d810, 0x00000002744d6132 },
    { 0xce96e9e035df1800, 0x0000003ff874bb7d }, { 0xebb69a1e81c35000, 0x00000529b685b71b },
    { 0x70f9fd3776020000, 0x0000563322e27026 }, { 0x824d14004c700000, 0x000490bacd18ea79 },
    { 0xc3969eb83e000000, 0x0031f46d18d65c19 }, { 0x7fc1c84f00000000, 0x01b1662a53301b0a },
    { 0xd61cba0730000000, 0x0b44b5d8d9e9ac6d }, { 0x75debe1600000000, 0x3646723579a16660 },
    { 0x225181cc00000000, 0xa8f857eedcf499da },
};

static void add_one(wide *v)
{
    wide one = integer(1);
    wide_shl128(&one, &one);
    wide_add(v, v, &one);
}

static void polynomial(wide *out, const wide *x, const fvm_abi_token *coefficients, size_t count,
                       bool alternating)
{
    wide_set(out, 0);
    for (size_t i = 0; i < count; i++) {
        wide c = constant_of(&coefficients[i]);
        c.negative = alternating && i % 2 == 0;
        scale(out, x);
        wide_add(out, out, &c);
    }
    scale(out, x);
    add_one(out);
}

static void exp_neg(wide *x)
{
    wide n, d;
    polynomial(&n, x, numerator, FVM_COUNT(numerator), true);
    polynomial(&d, x, denominator, FVM_COUNT(denominator), false);
    wide_shl128(&n, &n);
    wide_div_floor(x, &n, &d);
}

/* --- steps --- */

/* Power of the baseline an epoch later: power * (1 + growth). */
static void grow(wide *power)
{
    wide factor = CONSTANT(BASELINE_GROWTH);
    add_one(&factor);
    scale(power, &factor);
}

/* The moment at which the baseline's sum reached what was realized, interpolated. */
static void theta(wide *out, const state *s)
{
    wide diff;
    wide_set(out, s->effective_network_time);
    if (s->effective_network_time == 0) return;
    wide_shl128(out, out);
    wide_sub(&diff, &s->cumsum_baseline, &s->cumsum_realized);
    wide_shl128(&diff, &diff);
    wide_div_floor(&diff, &diff, &s->effective_baseline_power);
    wide_sub(out, out, &diff);
}

/* What the baseline has let out by `theta`, Q.128: (1 - e^(-lambda theta)) * total. */
static void supply(wide *theta, const wide *total)
{
    wide lambda = CONSTANT(LAMBDA);
    scale(theta, &lambda);
    exp_neg(theta);
    theta->negative = !theta->negative && theta->count;
    add_one(theta);
    wide_mul(theta, theta, total);
}

void curve_step(state *s, const wide *power)
{
    fvm_require(s->epoch != INT64_MAX, FVM_USR_ASSERTION_FAILED, "epoch");
    s->epoch++;
    grow(&s->this_epoch_baseline_power);
    const wide *capped = &s->this_epoch_baseline_power;
    if (wide_cmp(power, capped) < 0) capped = power;
    wide_add(&s->cumsum_realized, &s->cumsum_realized, capped);
    while (wide_cmp(&s->cumsum_realized, &s->cumsum_baseline) > 0) {
        s->effective_network_time++;
        grow(&s->effective_baseline_power);
        wide_add(&s->cumsum_baseline, &s->cumsum_baseline, &s->effective_baseline_power);
    }
}

void curve_step_with_reward(state *s, const wide *power)
{
    wide before, after, simple, factor;
    theta(&before, s);
    curve_step(s, power);
    theta(&after, s);
    supply(&before, &s->baseline_total);
    supply(&after, &s->baseline_total);
    wide_sub(&after, &after, &before);

    factor = integer(s->epoch);
    simple = CONSTANT(LAMBDA);
    wide_mul(&factor, &factor, &simple);
    exp_neg(&factor);
    simple = CONSTANT(EXP_LAMBDA_LESS_ONE);
    wide_mul(&simple, &simple, &s->simple_total);
    scale(&simple, &factor);
    wide_add(&simple, &simple, &after);
    wide_shr128(&s->this_epoch_reward, &simple);
}

void curve_smooth(state *s, int64_t epochs)
{
    wide dt = integer(epochs), residual, revision, factor = CONSTANT(ALPHA);
    wide *position = &s->smoothed.position, *velocity = &s->smoothed.velocity;
    wide_shl128(&dt, &dt);
    revision = dt;
    scale(&revision, velocity);
    wide_add(position, position, &revision);
    wide_shl128(&residual, &s->this_epoch_reward);
    wide_sub(&residual, &residual, position);

    revision = residual;
    scale(&revision, &factor);
    wide_add(position, position, &revision);
    factor = CONSTANT(BETA);
    wide_mul(&residual, &residual, &factor);
    wide_div_floor(&residual, &residual, &dt);
    wide_add(velocity, velocity, &residual);
}

void curve_start(state *s, const wide *power)
{
    __builtin_memset(s, 0, sizeof *s);
    s->effective_baseline_power = integer(BASELINE_INITIAL);
    s->this_epoch_baseline_power = integer(BASELINE_BEFORE);
    s->epoch = -1;
    s->smoothed.position = CONSTANT(POSITION_INITIAL);
    s->smoothed.velocity = integer(VELOCITY_INITIAL);
    wide_shl128(&s->smoothed.position, &s->smoothed.position);
    wide_shl128(&s->smoothed.velocity, &s->smoothed.velocity);
    s->simple_total = CONSTANT(SIMPLE_TOTAL);
    s->baseline_total = CONSTANT(BASELINE_TOTAL);
    curve_step_with_reward(s, power);
}
