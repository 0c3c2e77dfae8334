/* network.h - network versions as data: a row per version, a price list per range of versions. Chosen
 * once when a machine is made; nothing else in the library asks for a version number. */
#ifndef FVM_KERNEL_NETWORK_H
#define FVM_KERNEL_NETWORK_H

#include "wasm/wasm.h"

#define FVM_NETWORK_VERSION_MIN 17
#define FVM_NETWORK_VERSION_MAX 29
/** What nodes, new states and tools begin with: the version whose actors the embedded ones are (v18), the
 *  newest that there are actors for. nv29 is there for states that have it. */
#define FVM_NETWORK_VERSION_DEFAULT 28
#define FVM_NETWORK_VERSION_DEFAULT_TEXT FVM__TEXT_OF(FVM_NETWORK_VERSION_DEFAULT)
#define FVM__TEXT_OF(macro) FVM__TEXT_OF_IT(macro)
#define FVM__TEXT_OF_IT(text) #text

/** Generations of the reference, where behaviour (not only prices) differs. */
typedef enum fvm_era {
    FVM_ERA_V2 = 2, /* nv17 */
    FVM_ERA_V3 = 3, /* nv18..20 */
    FVM_ERA_V4 = 4, /* nv21..29 */
} fvm_era;

/** A step of the cost of verifying aggregated seals. */
typedef struct fvm_step_cost {
    uint64_t start; /* number of seals from which it applies */
    uint64_t gas;
} fvm_step_cost;
typedef struct fvm_aggregate_cost {
    uint64_t per_seal_gas;
    const fvm_step_cost *steps;
    size_t count;
} fvm_aggregate_cost;

/** A price list. All in milligas; rows and sources: prices.def, each row
 *  PRICE(name, nv17, nv18_20, nv21_24, nv25_29, source). */
typedef struct fvm_prices {
#define PRICE(name, a, b, c, d, source) uint64_t name;
#include "prices.def"
#undef PRICE
    fvm_aggregate_cost aggregate_32g, aggregate_64g;       /* V1P1 */
    fvm_aggregate_cost aggregate_ni_32g, aggregate_ni_64g; /* count 0: V1P1 32G applies */
} fvm_prices;

/** One network version. */
typedef struct fvm_network {
    uint32_t version;
    fvm_era era;
    const fvm_prices *prices;
    const fvm_wasm_rules *wasm;
    uint32_t state_tree_version; /* of a new tree: 4, 5 */
    uint32_t state_tree_min;     /* accepted from: 3 in nv17, else 5 */
    uint32_t max_call_depth;     /* 1024 */
    bool depth_inclusive;        /* nv17: a call at depth == max still runs (1025 frames) */
    uint64_t max_memory_bytes;   /* of a message: 2 GiB */
    uint64_t max_block_bytes;    /* on create: 1 MiB; UINT64_MAX in nv17 */
    bool upgrade_actor;          /* FIP-0098 syscall and entry point; off everywhere */
    bool user_actors; /* actor.install_actor; off unless a network's configuration says */
    /** FIP-0115: the base fee follows what those pay who compete for a full block, not how full it is. */
    bool base_fee_by_premium;
} fvm_network;

/** NULL for a version that is not in the table. */
const fvm_network *fvm_network_find(uint32_t version);
#endif
