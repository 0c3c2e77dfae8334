/* slots.h - slots, u64, read and written by type, with short names for tables of operations
 * (backend/interp/insns.def). For the inside of back ends only. */
#ifndef FVM_WASM_SLOTS_H
#define FVM_WASM_SLOTS_H

#include "wasm/numeric.h"

typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;
typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
/* clang-format off */
static inline u32 get_u32(u64 s) { return (u32)s; }
static inline s32 get_s32(u64 s) { return (s32)(u32)s; }
static inline u64 get_u64(u64 s) { return s; }
static inline s64 get_s64(u64 s) { return (s64)s; }
static inline f32 get_f32(u64 s) { return fvm__f32_of((u32)s); }
static inline f64 get_f64(u64 s) { return fvm__f64_of(s); }
static inline u64 put_u32(u32 v) { return v; }
static inline u64 put_s32(s32 v) { return (u32)v; }
static inline u64 put_u64(u64 v) { return v; }
static inline u64 put_s64(s64 v) { return (u64)v; }
static inline u64 put_f32(f32 v) { return fvm__f32_bits(v); }
static inline u64 put_f64(f64 v) { return fvm__f64_bits(v); }
#endif
