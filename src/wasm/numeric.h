/* numeric.h - WebAssembly's numbers in plain C. Floats are IEEE single and double as they are
 * (SSE2 or better: no extended precision, no contraction); NaNs that an operation makes become the
 * canonical one, for add to promote as in engine.md 2. */
#ifndef FVM_WASM_NUMERIC_H
#define FVM_WASM_NUMERIC_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "floats need evaluation in their own precision"
#endif

static inline float fvm__f32_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline double fvm__f64_of(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
static inline uint32_t fvm__f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}
static inline uint64_t fvm__f64_bits(double f)
{
    uint64_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float fvm__f32_canon(float f)
{
    return f == f ? f : fvm__f32_of(0x7fc00000U);
}
static inline double fvm__f64_canon(double f)
{
    return f == f ? f : fvm__f64_of(UINT64_C(0x7ff8) << 48);
}
/* Division by zero is defined by IEEE 754, though C leaves it open. */
#if defined(__clang__)
__attribute__((no_sanitize("float-divide-by-zero")))
#endif
static inline float
fvm__f32_div(float x, float y)
{
    return x / y;
}
#if defined(__clang__)
__attribute__((no_sanitize("float-divide-by-zero")))
#endif
static inline double
fvm__f64_div(double x, double y)
{
    return x / y;
}
static inline float fvm__f32_demote(double x)
{
    return fvm__f32_canon((float)x);
}

/* min and max: NaN if either is one; -0 is below +0. */
static inline float fvm__f32_min(float x, float y)
{
    if (x != x || y != y) return fvm__f32_of(0x7fc00000U);
    if (x == y) return fvm__f32_of(fvm__f32_bits(x) | fvm__f32_bits(y));
    return x < y ? x : y;
}
static inline float fvm__f32_max(float x, float y)
{
    if (x != x || y != y) return fvm__f32_of(0x7fc00000U);
    if (x == y) return fvm__f32_of(fvm__f32_bits(x) & fvm__f32_bits(y));
    return x > y ? x : y;
}
static inline double fvm__f64_min(double x, double y)
{
    if (x != x || y != y) return fvm__f64_of(UINT64_C(0x7ff8) << 48);
    if (x == y) return fvm__f64_of(fvm__f64_bits(x) | fvm__f64_bits(y));
    return x < y ? x : y;
}
static inline double fvm__f64_max(double x, double y)
{
    if (x != x || y != y) return fvm__f64_of(UINT64_C(0x7ff8) << 48);
    if (x == y) return fvm__f64_of(fvm__f64_bits(x) & fvm__f64_bits(y));
    return x > y ? x : y;
}

/* What truncates into range. f32 passes through double, which holds it exactly. */
static inline bool fvm__fits_s32(double x)
{
    return x > -2147483649.0 && x < 2147483648.0;
}
static inline bool fvm__fits_u32(double x)
{
    return x > -1.0 && x < 4294967296.0;
}
static inline bool fvm__fits_s64(double x)
{
    return x >= -0x1p63 && x < 0x1p63;
}
static inline bool fvm__fits_u64(double x)
{
    return x > -1.0 && x < 0x1p64;
}

static inline int32_t fvm__sat_s32(double x)
{
    if (fvm__fits_s32(x)) return (int32_t)x;
    return x != x ? 0 : x < 0 ? INT32_MIN : INT32_MAX;
}
static inline uint32_t fvm__sat_u32(double x)
{
    if (fvm__fits_u32(x)) return (uint32_t)x;
    return x != x || x < 0 ? 0 : UINT32_MAX;
}
static inline int64_t fvm__sat_s64(double x)
{
    if (fvm__fits_s64(x)) return (int64_t)x;
    return x != x ? 0 : x < 0 ? INT64_MIN : INT64_MAX;
}
static inline uint64_t fvm__sat_u64(double x)
{
    if (fvm__fits_u64(x)) return (uint64_t)x;
    return x != x || x < 0 ? 0 : UINT64_MAX;
}
#endif
