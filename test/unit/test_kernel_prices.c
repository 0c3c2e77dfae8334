/* Price lists: each charge of each generation with its name and split, against numbers that were
 * worked out from reference/prices.md or stand in golden traces (nv21+: golden-kernel). */
#include "test.h"

#include "kernel/prices.h"

typedef struct charge {
    char name[40];
    uint64_t compute, other;
    bool refund;
    int count;
} charge;

static void note(void *ctx, const fvm_trace_event *event)
{
    charge *c = ctx;
    snprintf(c->name, sizeof c->name, "%.*s", (int)event->name.len, (const char *)event->name.ptr);
    c->compute = event->compute;
    c->other = event->other;
    c->refund = event->refund;
    c->count++;
}

static const struct {
    uint32_t version;
    const char *name; /* NULL: no charge */
    uint64_t compute, other;
    int call;
    uint64_t a, b, c; /* arguments */
} rows[] = {
/* calls by number, so that rows stay data */
#define CHAIN_MESSAGE 1
#define CHAIN_RETURN 2
#define RETURN 3
#define METHOD 4 /* value, method, links */
#define TRANSFER 5
#define SYSCALL 6
#define LOOKUP 7
#define UPDATE 8
#define CREATE 9
#define DELETE 10
#define GET_ROOT 11
#define SET_ROOT 12
#define OPEN_BASE 13
#define OPEN 14
#define READ 15
#define BLOCK_CREATE 16
#define LINK 17
#define HASH 18
#define SIGNATURE 19
#define BLS_AGGREGATE 20
#define SEAL 21
#define FAULT 22
#define POST 23
#define AGGREGATE 24
#define RANDOMNESS 25
#define TIPSET 26
#define EVENT_VALIDATE 27
#define EVENT_ACCEPT 28
#define EVENT 29
#define MEMORY 30
#define TABLE 31
#define SCAN 32
#define SELF_BALANCE 33
#define STAT 34
#define UNSEALED 35
#define REPLICA 36
#define RECOVER 37
    { 17, "OnChainMessage", 38863000, 176800000, CHAIN_MESSAGE, 100, 0, 0 },
    { 18, "OnChainMessage", 38863000, 651800000, CHAIN_MESSAGE, 100, 0, 0 },
    { 29, "OnChainMessage", 38863000, 551700000, CHAIN_MESSAGE, 23, 0, 0 }, /* golden */
    { 17, "OnChainReturnValue", 0, 0, CHAIN_RETURN, 0, 0, 0 },
    { 21, "OnChainReturnValue", 0, 5200000, CHAIN_RETURN, 4, 0, 0 },
    { 17, NULL, 0, 0, RETURN, 3, 0, 0 },
    { 20, NULL, 0, 0, RETURN, 3, 0, 0 },
    { 21, "OnReturnValue", 900000, 0, RETURN, 3, 0, 0 },
    { 17, "OnMethodInvocation", 216405000, 0, METHOD, 1, 0, 0 },
    { 17, "OnMethodInvocation", 51356000, 0, METHOD, 1, 2, 0 },
    { 17, "OnMethodInvocation", 23856000, 0, METHOD, 0, 2, 5 },
    { 17, "OnMethodInvocation", 29233000, 0, METHOD, 0, 0, 0 },
    { 18, "OnMethodInvocation", 75000000, 0, METHOD, 1, 2, 5 },
    { 18, NULL, 0, 0, METHOD, 1, 0, 0 },
    { 25, "OnMethodInvocation", 75300000, 0, METHOD, 0, 2, 1 },
    { 25, NULL, 0, 0, METHOD, 0, 0, 1 },
    { 17, NULL, 0, 0, TRANSFER, 0, 0, 0 },
    { 19, "OnValueTransfer", 6000000, 0, TRANSFER, 0, 0, 0 },
    { 17, "OnSyscall", 14000000, 0, SYSCALL, 0, 0, 0 },
    { 28, "OnSyscall", 14000000, 0, SYSCALL, 0, 0, 0 },
    { 17, NULL, 0, 0, LOOKUP, 0, 0, 0 },
    { 18, "OnActorLookup", 0, 500000000, LOOKUP, 0, 0, 0 },
    { 17, NULL, 0, 0, UPDATE, 0, 0, 0 },
    { 26, "OnActorUpdate", 0, 475000000, UPDATE, 0, 0, 0 },
    { 17, "OnCreateActor", 1108454000, 98800000, CREATE, 0, 0, 0 },
    { 17, "OnCreateActor", 1108454000, 98800000, CREATE, 1, 0, 0 },
    { 18, "OnCreateActor", 0, 650000000, CREATE, 0, 0, 0 },
    { 27, "OnCreateActor", 0, 2700000000, CREATE, 1, 0, 0 },
    { 17, "OnDeleteActor", 0, 98800000, DELETE, 0, 0, 0 },
    { 18, "OnDeleteActor", 0, 0, DELETE, 0, 0, 0 },
    { 18, NULL, 0, 0, GET_ROOT, 0, 0, 0 },
    { 21, "OnActorGetRoot", 300000, 0, GET_ROOT, 0, 0, 0 },
    { 17, NULL, 0, 0, SET_ROOT, 0, 0, 0 },
    { 21, "OnActorSetRoot", 300000, 0, SET_ROOT, 0, 0, 0 },
    { 17, "OnBlockOpenBase", 135617000, 0, OPEN_BASE, 0, 0, 0 },
    { 18, "OnBlockOpenBase", 0, 187440000, OPEN_BASE, 0, 0, 0 },
    { 21, "OnBlockOpenBase", 300000, 187440000, OPEN_BASE, 0, 0, 0 },
    { 17, "OnBlockOpenPerByte", 1050000, 0, OPEN, 100, 7, 0 },
    { 18, "OnBlockOpenPerByte", 240000, 760000, OPEN, 100, 7, 0 },
    { 21, "OnBlockOpen", 0, 10000, OPEN, 1, 0, 0 },
    { 21, "OnBlockOpen", 600000, 330000, OPEN, 93, 2, 0 },    /* golden: the surcharge fills up */
    { 21, "OnBlockOpen", 3000000, 240000, OPEN, 100, 10, 0 }, /* above the least */
    { 17, "OnBlockRead", 50000, 0, READ, 100, 0, 0 },
    { 18, "OnBlockRead", 40000, 0, READ, 100, 0, 0 },
    { 17, "OnBlockCreate", 42000, 0, BLOCK_CREATE, 4, 1, 0 },
    { 18, "OnBlockCreate", 9600, 30400, BLOCK_CREATE, 4, 1, 0 },
    { 21, "OnBlockCreate", 187200, 592800, BLOCK_CREATE, 78, 0, 0 }, /* golden */
    { 21, "OnBlockCreate", 523200, 406800, BLOCK_CREATE, 93, 1, 0 },
    { 21, "OnBlockCreate", 1123200, 0, BLOCK_CREATE, 93, 3, 0 },
    { 17, "OnBlockLink", 353641000, 1300000, LINK, 1, 0, 0 },
    { 18, "OnBlockLink", 12400, 509340000, LINK, 1, 0, 0 },
    { 21, "OnBlockLink", 312400, 509340000, LINK, 1, 0, 0 }, /* golden */
    { 17, "OnHashing", 31355000, 0, HASH, FVM_HASH_SHA2_256, 1000, 0 },
    { 17, "OnHashing", 31355000, 0, HASH, 0x99, 1000, 0 }, /* unknown: charged all the same */
    { 21, "OnHashing", 63000, 0, HASH, FVM_HASH_SHA2_256, 9, 0 },
    { 21, "OnHashing", 90000, 0, HASH, FVM_HASH_BLAKE2B_256, 9, 0 },
    { 21, "OnHashing", 90000, 0, HASH, FVM_HASH_BLAKE2B_512, 9, 0 },
    { 21, "OnHashing", 297000, 0, HASH, FVM_HASH_KECCAK_256, 9, 0 },
    { 21, "OnHashing", 315000, 0, HASH, FVM_HASH_RIPEMD_160, 9, 0 },
    { 17, "OnVerifySignature", 1637292000, 0, SIGNATURE, 0, 300, 0 },
    { 21, "OnVerifySignature", 1640292000, 0, SIGNATURE, 0, 300, 0 }, /* golden */
    { 21, "OnVerifySignature", 16606405000, 0, SIGNATURE, 1, 300, 0 },
    { 22, "OnVerifyBlsAggregateSignature", 8299302000, 0, BLS_AGGREGATE, 0, 0, 0 },
    { 22, "OnVerifyBlsAggregateSignature", 16598674000, 0, BLS_AGGREGATE, 1, 10, 0 },
    { 17, "OnVerifySeal", 2000000, 0, SEAL, 0, 0, 0 },
    { 24, "OnVerifySeal", 2000000, 0, SEAL, 0, 0, 0 },
    { 25, "OnVerifySeal", 42000000000, 0, SEAL, 0, 0, 0 },
    { 17, "OnVerifyConsensusFault", 516422000, 0, FAULT, 0, 0, 0 },
    { 18, "OnVerifyConsensusFault", 0, 516422000, FAULT, 0, 0, 0 },
    { 17, "OnVerifyPost", 117724701000, 0, POST, 1, 0, 0 },
    { 29, "OnVerifyPost", 117680921000, 0, POST, 0, 0, 0 },
    { 21, "OnVerifyAggregateSeals", 1349700000, 0, AGGREGATE, 8, 3, 0 }, /* below the first step */
    { 21, "OnVerifyAggregateSeals", 1077816000, 0, AGGREGATE, 9, 3, 0 },
    { 21, "OnVerifyAggregateSeals", 105793770000, 0, AGGREGATE, 8, 4, 0 },
    { 21, "OnVerifyAggregateSeals", 104018328000, 0, AGGREGATE, 9, 4, 0 },
    { 17, "OnVerifyAggregateSeals", 983123880000, 0, AGGREGATE, 8, 1011, 0 },
    { 24, "OnVerifyAggregateSeals", 449900000, 0, AGGREGATE, 18, 1,
      0 }, /* no table of its own yet */
    { 25, "OnVerifyAggregateSeals", 118025550000, 0, AGGREGATE, 18, 1, 0 },
    { 25, "OnVerifyAggregateSeals", 115329958000, 0, AGGREGATE, 19, 1, 0 },
    { 25, "OnVerifyAggregateSeals", 449900000, 0, AGGREGATE, 13, 1,
      0 }, /* synthetic: 32 GiB V1P1 */
    { 17, "OnGetRandomness", 21000000, 0, RANDOMNESS, 5, 100, 0 },
    { 18, "OnGetRandomness", 0, 22480000, RANDOMNESS, 5, 100, 0 },
    { 21, "OnGetRandomness", 0, 146275000, RANDOMNESS, 1, 100, 0 },
    { 17, NULL, 0, 0, TIPSET, 1, 0, 0 },
    { 18, "OnTipsetCid", 0, 50000000, TIPSET, 1, 0, 0 },
    { 18, "OnTipsetCid", 0, 215000000, TIPSET, 2, 0, 0 },
    { 21, "OnTipsetCid", 0, 146350000, TIPSET, 2, 0, 0 },
    { 17, NULL, 0, 0, EVENT_VALIDATE, 100, 0, 0 },
    { 18, "OnActorEventValidate", 4490000, 0, EVENT_VALIDATE, 100, 0, 0 },
    { 21, NULL, 0, 0, EVENT_VALIDATE, 100, 0, 0 },
    { 18, "OnActorEventAccept", 268800, 1433600, EVENT_ACCEPT, 100, 0, 0 },
    { 21, NULL, 0, 0, EVENT_ACCEPT, 100, 0, 0 },
    { 18, NULL, 0, 0, EVENT, 1, 1, 1 },
    { 21, "OnActorEvent", 2557600, 148800, EVENT, 0, 0, 0 }, /* golden */
    { 21, "OnActorEvent", 4026400, 285200, EVENT, 1, 1, 1 }, /* golden */
    { 17, NULL, 0, 0, MEMORY, 65536, 0, 0 },
    { 18, "wasm_memory_init", 26214400, 0, MEMORY, 65536, 0, 0 },
    { 17, NULL, 0, 0, TABLE, 1000, 0, 0 },
    { 18, "wasm_table_init", 3200000, 0, TABLE, 1000, 0, 0 },
    { 18, NULL, 0, 0, SCAN, 35000, 0, 0 },
    { 21, "OnScanIpldLinks", 35000, 0, SCAN, 35000, 0, 0 },
    { 17, NULL, 0, 0, SELF_BALANCE, 0, 0, 0 },
    { 18, "OnSelfBalance", 0, 0, SELF_BALANCE, 0, 0, 0 },
    { 17, "OnBlockStat", 0, 0, STAT, 0, 0, 0 },
    { 21, "OnBlockStat", 0, 0, STAT, 0, 0, 0 },
    { 17, "OnComputeUnsealedSectorCid", 98647000, 0, UNSEALED, 0, 0, 0 },
    { 17, "OnVerifyReplicaUpdate", 36316136000, 0, REPLICA, 0, 0, 0 },
    { 29, "OnRecoverSecpPublicKey", 1637292000, 0, RECOVER, 0, 0, 0 },
};

static fvm_err make(const fvm_network *n, fvm_gas *g, int call, uint64_t a, uint64_t b, uint64_t c)
{
    switch (call) {
    case CHAIN_MESSAGE: return fvm_price_on_chain_message(n, g, a);
    case CHAIN_RETURN: return fvm_price_on_chain_return_value(n, g, a);
    case RETURN: return fvm_price_on_return_value(n, g, a);
    case METHOD: return fvm_price_on_method_invocation(n, g, a != 0, b, c);
    case TRANSFER: return fvm_price_on_value_transfer(n, g);
    case SYSCALL: return fvm_price_on_syscall(n, g);
    case LOOKUP: return fvm_price_on_actor_lookup(n, g);
    case UPDATE: return fvm_price_on_actor_update(n, g);
    case CREATE: return fvm_price_on_create_actor(n, g, a != 0);
    case DELETE: return fvm_price_on_delete_actor(n, g);
    case GET_ROOT: return fvm_price_on_actor_get_root(n, g);
    case SET_ROOT: return fvm_price_on_actor_set_root(n, g);
    case OPEN_BASE: return fvm_price_on_block_open_base(n, g);
    case OPEN: return fvm_price_on_block_open(n, g, a, b);
    case READ: return fvm_price_on_block_read(n, g, a);
    case BLOCK_CREATE: return fvm_price_on_block_create(n, g, a, b);
    case LINK: return fvm_price_on_block_link(n, g, a);
    case HASH: return fvm_price_on_hashing(n, g, a, b);
    case SIGNATURE: return fvm_price_on_verify_signature(n, g, a != 0, b);
    case BLS_AGGREGATE: return fvm_price_on_verify_bls_aggregate(n, g, a, b);
    case SEAL: return fvm_price_on_verify_seal(n, g);
    case FAULT: return fvm_price_on_verify_consensus_fault(n, g);
    case POST: return fvm_price_on_verify_post(n, g, a);
    case AGGREGATE: return fvm_price_on_verify_aggregate_seals(n, g, (int64_t)a, b);
    case RANDOMNESS: return fvm_price_on_get_randomness(n, g, a, b);
    case TIPSET: return fvm_price_on_tipset_cid(n, g, a);
    case EVENT_VALIDATE: return fvm_price_on_actor_event_validate(n, g, a);
    case EVENT_ACCEPT: return fvm_price_on_actor_event_accept(n, g, a);
    case EVENT: return fvm_price_on_actor_event(n, g, a, b, c);
    case MEMORY: return fvm_price_wasm_memory_init(n, g, a);
    case TABLE: return fvm_price_wasm_table_init(n, g, a);
    case SCAN: return fvm_price_on_scan_ipld_links(n, g, a);
    case SELF_BALANCE: return fvm_price_on_self_balance(n, g);
    case STAT: return fvm_price_on_block_stat(n, g);
    case UNSEALED: return fvm_price_on_compute_unsealed_sector_cid(n, g);
    case REPLICA: return fvm_price_on_verify_replica_update(n, g);
    case RECOVER: return fvm_price_on_recover_secp_public_key(n, g);
    default: return FVM_ERR_INVALID;
    }
}

TEST(each_charge_has_the_name_and_split_of_its_generation)
{
    for (size_t i = 0; i < FVM_COUNT(rows); i++) {
        char why[80];
        snprintf(why, sizeof why, "row %zu: nv%u call %d", i, rows[i].version, rows[i].call);
        charge c = { .count = 0 };
        fvm_trace_sink sink = { note, &c };
        fvm_gas gas;
        fvm_gas_init(&gas, UINT64_MAX, &sink);
        const fvm_network *net = fvm_network_find(rows[i].version);
        CHECK_AT(why, make(net, &gas, rows[i].call, rows[i].a, rows[i].b, rows[i].c) == FVM_OK);
        if (!rows[i].name) {
            CHECK_AT(why, c.count == 0 && gas.used == 0);
            continue;
        }
        CHECK_AT(why, c.count == 1 && strcmp(c.name, rows[i].name) == 0);
        CHECK_AT(why, c.compute == rows[i].compute);
        CHECK_AT(why, c.other == rows[i].other);
        bool refund = rows[i].call == DELETE && rows[i].version == 17;
        CHECK_AT(why, c.refund == refund);
        int64_t total = (int64_t)(c.compute + c.other);
        CHECK_AT(why, gas.used == (refund ? -total : total));
    }
}

TEST(inclusion_is_what_the_first_charge_takes)
{
    for (uint32_t v = FVM_NETWORK_VERSION_MIN; v <= FVM_NETWORK_VERSION_MAX; v++) {
        const fvm_network *net = fvm_network_find(v);
        fvm_gas gas;
        fvm_gas_init(&gas, UINT64_MAX, NULL);
        CHECK_OK(fvm_price_on_chain_message(net, &gas, 321));
        CHECK((uint64_t)gas.used == fvm_price_inclusion(net, 321));
    }
}

TEST(hostile_sizes_saturate_and_run_out_of_gas)
{
    const fvm_network *net = fvm_network_find(28);
    const uint64_t huge = UINT64_MAX - 3;
    for (int i = 0; i < 6; i++) {
        fvm_gas gas;
        fvm_err err = FVM_OK;
        fvm_gas_init(&gas, UINT64_MAX, NULL);
        switch (i) {
        case 0: err = fvm_price_on_get_randomness(net, &gas, huge, 0); break;
        case 1: err = fvm_price_on_tipset_cid(net, &gas, huge); break;
        case 2: err = fvm_price_on_actor_event(net, &gas, huge, huge, huge); break;
        case 3: err = fvm_price_on_verify_bls_aggregate(net, &gas, UINT64_MAX, UINT64_MAX); break;
        case 4: err = fvm_price_on_verify_post(net, &gas, huge); break;
        case 5: err = fvm_price_on_verify_aggregate_seals(net, &gas, 8, huge); break;
        }
        CHECK(err == FVM_ERR_OUT_OF_GAS);
        CHECK(gas.used == gas.limit);
    }
}

TEST(versions_outside_the_table_are_not_found)
{
    CHECK(fvm_network_find(16) == NULL && fvm_network_find(30) == NULL);
    CHECK(fvm_network_find(0) == NULL && fvm_network_find(UINT32_MAX) == NULL);
    for (uint32_t v = 17; v <= 29; v++) {
        const fvm_network *net = fvm_network_find(v);
        CHECK(net && net->version == v);
        CHECK(net->era == (v == 17 ? FVM_ERA_V2 : v <= 20 ? FVM_ERA_V3 : FVM_ERA_V4));
        CHECK(net->state_tree_version == (v == 17 ? 4 : 5) &&
              net->state_tree_min == (v == 17 ? 3 : 5));
        CHECK(net->depth_inclusive == (v == 17) && net->max_call_depth == 1024);
        CHECK(net->wasm->metering == (v == 17 ? FVM_WASM_METERING_V2 : FVM_WASM_METERING_V4));
        CHECK(net->wasm->sign_extension == (v != 17) && !net->wasm->multi_value);
    }
}
