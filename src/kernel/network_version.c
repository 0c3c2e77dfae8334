/* network_version.c - the rows of network versions: generation, price list, rules of wasm, limits.
 * A price list is a whole column of prices.def, never a patched copy of another. Facts:
 * reference/prices.md 5, engine.md 2, 5 and 10, executor.md 5 and 9. */
#include "network.h"

#include "wasm_rules.h"

/* Cost of verifying k aggregated seals: per seal, and by the last step that starts at or before k
 * (FIP-0013; non-interactive proofs: FIP-0092). */
static const fvm_step_cost steps_32g[] = {
    { 4, 103994170 },  { 7, 112356810 },   { 13, 122912610 },  { 26, 137559930 },
    { 52, 162039100 }, { 103, 210960780 }, { 205, 318351180 }, { 410, 528274980 },
};
static const fvm_step_cost steps_64g[] = {
    { 4, 102581240 },  { 7, 110803030 },   { 13, 120803700 },  { 26, 134642130 },
    { 52, 157357890 }, { 103, 203017690 }, { 205, 304253590 }, { 410, 509880640 },
};
static const fvm_step_cost steps_ni_32g[] = {
    { 1, 112356810 }, { 2, 122912610 },  { 3, 137559930 },  { 5, 162039100 },
    { 9, 210960780 }, { 17, 318351180 }, { 33, 528274980 },
};
static const fvm_step_cost steps_ni_64g[] = {
    { 1, 110803030 }, { 2, 120803700 },  { 3, 134642130 },  { 5, 157357890 },
    { 9, 203017690 }, { 17, 304253590 }, { 33, 509880640 },
};

#define AGGREGATE(per_seal, steps_)                                                                \
    { .per_seal_gas = (per_seal), .steps = (steps_), .count = FVM_COUNT(steps_) }
#define AGGREGATE_V1P1                                                                             \
    .aggregate_32g = AGGREGATE(449900, steps_32g), .aggregate_64g = AGGREGATE(359272, steps_64g)

static const fvm_prices prices_nv17 = {
#define PRICE(name, a, b, c, d, source) .name = (a),
#include "prices.def"
#undef PRICE
    AGGREGATE_V1P1,
};
static const fvm_prices prices_nv18 = {
#define PRICE(name, a, b, c, d, source) .name = (b),
#include "prices.def"
#undef PRICE
    AGGREGATE_V1P1,
};
static const fvm_prices prices_nv21 = {
#define PRICE(name, a, b, c, d, source) .name = (c),
#include "prices.def"
#undef PRICE
    AGGREGATE_V1P1,
};
static const fvm_prices prices_nv25 = {
#define PRICE(name, a, b, c, d, source) .name = (d),
#include "prices.def"
#undef PRICE
    AGGREGATE_V1P1,
    .aggregate_ni_32g = AGGREGATE(5668740, steps_ni_32g),
    .aggregate_ni_64g = AGGREGATE(4526928, steps_ni_64g),
};

/* A row added to prices.def must be thought about here: is it zero where it must be? */
#define PRICE(name, a, b, c, d, source) +1
enum {
    PRICE_ROWS = 0
#include "prices.def"
};
#undef PRICE
_Static_assert(PRICE_ROWS == 70, "rows of prices.def");
_Static_assert(sizeof(fvm_prices) == PRICE_ROWS * 8 + 4 * sizeof(fvm_aggregate_cost),
               "a price list is its rows and four step tables");

static const fvm_wasm_rules wasm_v2 = FVM__WASM_RULES_V2, wasm_v4 = FVM__WASM_RULES_V4;

/* Limits: executor.md 9. Call depth: nv17 tests `depth > max`, later versions `depth >= max`. */
#define ROW_V2(v, list)                                                                            \
    { .version = (v),                                                                              \
      .era = FVM_ERA_V2,                                                                           \
      .prices = (list),                                                                            \
      .wasm = &wasm_v2,                                                                            \
      .state_tree_version = 4,                                                                     \
      .state_tree_min = 3,                                                                         \
      .max_call_depth = 1024,                                                                      \
      .depth_inclusive = true,                                                                     \
      .max_memory_bytes = UINT64_C(2) << 30,                                                       \
      .max_block_bytes = UINT64_MAX,                                                               \
      .upgrade_actor = false,                                                                      \
      .user_actors = false }
#define ROW(v, era_, list)                                                                         \
    { .version = (v),                                                                              \
      .era = (era_),                                                                               \
      .prices = (list),                                                                            \
      .wasm = &wasm_v4,                                                                            \
      .state_tree_version = 5,                                                                     \
      .state_tree_min = 5,                                                                         \
      .max_call_depth = 1024,                                                                      \
      .depth_inclusive = false,                                                                    \
      .max_memory_bytes = UINT64_C(2) << 30,                                                       \
      .max_block_bytes = UINT64_C(1) << 20,                                                        \
      .upgrade_actor = false,                                                                      \
      .user_actors = false,                                                                        \
      .base_fee_by_premium = (v) >= 28 }

static const fvm_network networks[] = {
    ROW_V2(17, &prices_nv17),          ROW(18, FVM_ERA_V3, &prices_nv18),
    ROW(19, FVM_ERA_V3, &prices_nv18), ROW(20, FVM_ERA_V3, &prices_nv18),
    ROW(21, FVM_ERA_V4, &prices_nv21), ROW(22, FVM_ERA_V4, &prices_nv21),
    ROW(23, FVM_ERA_V4, &prices_nv21), ROW(24, FVM_ERA_V4, &prices_nv21),
    ROW(25, FVM_ERA_V4, &prices_nv25), ROW(26, FVM_ERA_V4, &prices_nv25),
    ROW(27, FVM_ERA_V4, &prices_nv25), ROW(28, FVM_ERA_V4, &prices_nv25),
    ROW(29, FVM_ERA_V4, &prices_nv25),
};
_Static_assert(FVM_COUNT(networks) == FVM_NETWORK_VERSION_MAX - FVM_NETWORK_VERSION_MIN + 1,
               "a row per network version");

const fvm_network *fvm_network_find(uint32_t version)
{
    if (version < FVM_NETWORK_VERSION_MIN || version > FVM_NETWORK_VERSION_MAX) return NULL;
    return &networks[version - FVM_NETWORK_VERSION_MIN];
}
