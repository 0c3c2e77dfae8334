/* gen.h - random wasm modules for comparing engines, a pure function of a seed.
 *
 * Every module is valid, terminates in any engine and gives the same answers in all of them:
 *   - loops and calls consume `fuel`, a global that each exported function refills; call depth is
 *     counted too, so that no engine's stack overflows;
 *   - NaNs are the canonical ones where the network's rules make them so; engines that do not do that
 *     by themselves run the module with code that does (instrument.mjs). */
#ifndef FVM_TEST_DIFF_GEN_H
#define FVM_TEST_DIFF_GEN_H

#include "base/util.h"

struct diff_rng;

/** One call of an exported function. A case is a module and the calls to make, in order. */
#define DIFF_CALL_ARGS_MAX 6
typedef struct diff_call {
    char name[16];
    char params[DIFF_CALL_ARGS_MAX + 1]; /* letters as in wasm/wasm.h */
    char result;                         /* letter, or 'v' for none */
    uint64_t args[DIFF_CALL_ARGS_MAX];
    uint64_t milligas; /* to run it with where it is metered */
} diff_call;

/** A host function that a module imports. Every engine's harness offers the same stub for it; see
 *  the head of wasm_diff.c. */
typedef struct diff_import {
    char module[24], name[48];
    char params[12];
    char result; /* letter, or 'v' */
} diff_import;

#define DIFF_IMPORTS_MAX 128
#define DIFF_CALLS_MAX 40
typedef struct diff_case {
    uint64_t seed;
    /* 0: not under metering rules. 1: runs metered and unmetered alike. 2: runs metered, but may hit
     * the stack limit. 3: as 1, and loads under nv17's rules too. */
    uint8_t meterable;
    fvm_buf wasm;
    diff_import imports[DIFF_IMPORTS_MAX];
    uint32_t import_count;
    diff_call calls[DIFF_CALLS_MAX];
    uint32_t call_count;
} diff_case;

/** Milligas for a call: mostly plenty. */
uint64_t diff_milligas(struct diff_rng *rng);

/** A new module. With `meterable` it keeps to what metered modules may hold; otherwise it also uses
 *  reference types and multi-value. Frees nothing that `out` held before. */
void diff_generate(diff_case *out, uint64_t seed);

/** A real module with a few instructions' operands, constants and operators changed, and with fuel
 *  built in; calls its `invoke`. The result may be
 *  invalid; then every engine has to refuse it. Returns false when `original` cannot be walked. */
bool diff_mutate(diff_case *out, uint64_t seed, fvm_bytes original);

/* --- shared by the generator's files ------------------------------------------------------------ */

typedef struct diff_rng {
    uint64_t state;
} diff_rng;
static inline uint64_t diff_next(diff_rng *r)
{
    /* splitmix64 */
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/** Uniform in [0, n). */
static inline uint32_t diff_below(diff_rng *r, uint32_t n)
{
    return n ? (uint32_t)((diff_next(r) >> 32) * n >> 32) : 0;
}
/** True in `percent` of 100 cases. */
static inline bool diff_chance(diff_rng *r, uint32_t percent)
{
    return diff_below(r, 100) < percent;
}

/* Appending; a test without memory ends. */
void diff_put(fvm_buf *buf, uint8_t byte);
void diff_put_bytes(fvm_buf *buf, fvm_bytes bytes);
void diff_put_u32(fvm_buf *buf, uint32_t value); /* LEB128 */
void diff_put_s64(fvm_buf *buf, int64_t value);  /* signed LEB128 */
void diff_put_name(fvm_buf *buf, const char *name);
void diff_put_section(fvm_buf *module, uint8_t id, fvm_buf *content); /* empties `content` */
void diff_put_sized(fvm_buf *buf, const fvm_buf *content);            /* length, then bytes */

/** A value of a type (letter) that is likely to find something; never a NaN. */
uint64_t diff_interesting(diff_rng *rng, char type);

/* Modules of the generator. */

#define GEN_TYPES_MAX 64
#define GEN_FUNCS_MAX 16
#define GEN_GLOBALS_MAX 12
#define GEN_PARAMS_MAX DIFF_CALL_ARGS_MAX
#define GEN_HOST_FUNCS 5
#define GEN_TABLE_SIZE 16

/** Types are letters: i l f d, r (funcref), x (externref), v (none). */
typedef struct gen_type {
    char params[GEN_PARAMS_MAX + 1];
    char results[4]; /* at most one unless multi-value */
} gen_type;

typedef struct gen_module {
    diff_rng rng;
    bool plain; /* nothing that nv17's decoder refuses: no sign extension, saturating conversions,
                 * passive segments */
    bool refs;  /* reference types and multi-value may be used */
    gen_type types[GEN_TYPES_MAX];
    uint32_t type_count;
    /* function index space: imported host functions first */
    uint32_t func_types[GEN_HOST_FUNCS + GEN_FUNCS_MAX];
    uint32_t host_count, func_count; /* func_count includes the host functions */
    char globals[GEN_GLOBALS_MAX];
    bool global_mutable[GEN_GLOBALS_MAX];
    uint32_t global_count; /* with fuel and depth, which are the last two */
    uint32_t fuel, depth;  /* which globals they are; other code leaves them alone */
    uint32_t depth_limit;
    uint32_t memory_pages, memory_max;
    uint32_t table_count; /* 1, or up to 3 with refs: [0] funcref, [1] funcref, [2] externref */
    uint32_t table_slots[GEN_TABLE_SIZE]; /* what the active segment puts into table 0 */
    uint32_t passive_data, passive_elem;  /* segments 0..n-1 */
} gen_module;

/** The body of function `index` with locals, ending in `end`; its size is not prepended. */
void gen_body(gen_module *module, fvm_buf *body, uint32_t index);
uint32_t gen_type_index(gen_module *module, const char *params, const char *results);
uint8_t gen_type_byte(char letter);
#endif
