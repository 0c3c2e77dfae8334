/* dev_chain.c - development methods about blocks and time: mining, snapshots, the clock, fees. */
#include "methods.h"

#include <inttypes.h>

static fvm_err say_null(fvm_rpc_call *call)
{
    fvm_jo_null(call->out);
    return FVM_OK;
}

static fvm_err say_true(fvm_rpc_call *call)
{
    fvm_jo_bool(call->out, true);
    return FVM_OK;
}

/* --- mining --- */

#define MINE_MAX 1000000u

static fvm_err mine(fvm_rpc_call *call, uint64_t count, uint64_t interval, uint64_t timestamp)
{
    if (count > MINE_MAX) return fvm_rpc_fail(call, FVM_RPC_LIMIT, "at most %u blocks", MINE_MAX);
    fvm_err err = fvm_chain_mine(call->node->chain, count, interval, timestamp);
    return err == FVM_ERR_INVALID
               ? fvm_rpc_fail(call, FVM_RPC_PARAMS, "the timestamp is not after the last block's")
               : err;
}

/* evm_mine: nothing, a timestamp, or {blocks, timestamp}. */
static fvm_err mine_options(fvm_rpc_call *call)
{
    const json_t *p = fvm_rpc_param(call, 0), *v;
    uint64_t count = 1, timestamp = 0;
    if (json_is_object(p)) {
        if ((v = fvm_rpc_json_get(p, "blocks")) && !fvm_rpc_u64(&count, v))
            return fvm_rpc_bad_param(call, 0, "blocks");
        if ((v = fvm_rpc_json_get(p, "timestamp")) && !fvm_rpc_u64(&timestamp, v))
            return fvm_rpc_bad_param(call, 0, "timestamp");
    } else if (p) {
        FVM_TRY(fvm_rpc_get_u64(call, 0, &timestamp));
    }
    return mine(call, count, 0, timestamp);
}

fvm_err fvm_dev_evm_mine(fvm_rpc_call *call)
{
    FVM_TRY(mine_options(call));
    fvm_jo_str(call->out, "0x0");
    return FVM_OK;
}

fvm_err fvm_dev_mine_detailed(fvm_rpc_call *call)
{
    uint64_t before = fvm_chain_head_number(call->node->chain);
    FVM_TRY(mine_options(call));
    uint64_t head = fvm_chain_head_number(call->node->chain);
    fvm_jo_begin(call->out, '[');
    for (uint64_t n = before + 1; n <= head; n++) {
        fvm_tipset t;
        fvm_err err = fvm_chain_tipset(call->node->chain, &t, n);
        if (err == FVM_ERR_INVALID) continue; /* a null round */
        FVM_TRY(err);
        FVM_TRY(fvm_rpc_put_block(call->node, call->out, &t, true, false));
    }
    fvm_jo_end(call->out, ']');
    return FVM_OK;
}

fvm_err fvm_dev_mine(fvm_rpc_call *call)
{
    uint64_t count = 1, interval = 0;
    if (fvm_rpc_param(call, 0)) FVM_TRY(fvm_rpc_get_u64(call, 0, &count));
    if (fvm_rpc_param(call, 1)) FVM_TRY(fvm_rpc_get_u64(call, 1, &interval));
    FVM_TRY(mine(call, count, interval, 0));
    return say_null(call);
}

fvm_err fvm_dev_mine_null_rounds(fvm_rpc_call *call)
{
    uint64_t count;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &count));
    if (count > MINE_MAX) return fvm_rpc_fail(call, FVM_RPC_LIMIT, "at most %u rounds", MINE_MAX);
    fvm_chain_skip_rounds(call->node->chain, count);
    FVM_TRY(mine(call, 1, 0, 0));
    fvm_jo_quantity(call->out, fvm_chain_head_number(call->node->chain));
    return FVM_OK;
}

fvm_err fvm_dev_set_automine(fvm_rpc_call *call)
{
    bool on;
    FVM_TRY(fvm_rpc_get_bool(call, 0, &on));
    fvm_chain_set_sealing(call->node->chain, on ? FVM_SEALING_INSTANT : FVM_SEALING_MANUAL, 0);
    return say_true(call);
}

fvm_err fvm_dev_get_automine(fvm_rpc_call *call)
{
    fvm_jo_bool(call->out, fvm_chain_sealing(call->node->chain, NULL) == FVM_SEALING_INSTANT);
    return FVM_OK;
}

/* Of evm_setIntervalMining hardhat's callers mean milliseconds and anvil's seconds (viem's test client
 * either, by its mode); nobody wants ten blocks in each second, nor one in two minutes. */
#define SECONDS_BELOW 100u

/* `unit_ms` 0: by the number. */
static fvm_err set_interval(fvm_rpc_call *call, uint64_t unit_ms)
{
    uint64_t n;
    const json_t *p = fvm_rpc_param(call, 0);
    if (json_is_array(p)) p = json_array_get(p, 0); /* hardhat: a range to draw from */
    if (!fvm_rpc_u64(&n, p)) return fvm_rpc_bad_param(call, 0, "not an interval");
    if (!unit_ms) unit_ms = n < SECONDS_BELOW ? 1000 : 1;
    if (n > UINT32_MAX / unit_ms) return fvm_rpc_bad_param(call, 0, "not an interval");
    if (n)
        fvm_chain_set_sealing(call->node->chain, FVM_SEALING_INTERVAL, (uint32_t)(n * unit_ms));
    else
        fvm_chain_set_sealing(call->node->chain, FVM_SEALING_MANUAL, 0);
    return say_true(call);
}

fvm_err fvm_dev_set_interval_evm(fvm_rpc_call *call)
{
    return set_interval(call, 0);
}

fvm_err fvm_dev_set_interval_s(fvm_rpc_call *call)
{
    return set_interval(call, 1000);
}

fvm_err fvm_dev_get_interval(fvm_rpc_call *call)
{
    uint32_t ms = 0;
    if (fvm_chain_sealing(call->node->chain, &ms) == FVM_SEALING_INTERVAL)
        fvm_jo_u64(call->out, ms / 1000);
    else
        fvm_jo_null(call->out);
    return FVM_OK;
}

/* --- snapshots --- */

fvm_err fvm_dev_snapshot(fvm_rpc_call *call)
{
    uint64_t id;
    FVM_TRY(fvm_chain_snapshot(call->node->chain, &id));
    fvm_jo_quantity(call->out, id);
    return FVM_OK;
}

fvm_err fvm_dev_revert(fvm_rpc_call *call)
{
    uint64_t id;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &id));
    fvm_err err = fvm_chain_revert(call->node->chain, id);
    if (err != FVM_OK && err != FVM_ERR_NOT_FOUND) return err;
    fvm_jo_bool(call->out, err == FVM_OK);
    return FVM_OK;
}

static fvm_err rewind_to(fvm_rpc_call *call, uint64_t number)
{
    fvm_tipset t;
    FVM_TRY(fvm_chain_tipset_near(call->node->chain, &t, number, false));
    return fvm_chain_rewind(call->node->chain, t.number);
}

fvm_err fvm_dev_rollback(fvm_rpc_call *call)
{
    uint64_t depth = 1, head = fvm_chain_head_number(call->node->chain);
    if (fvm_rpc_param(call, 0)) FVM_TRY(fvm_rpc_get_u64(call, 0, &depth));
    if (depth > head) return fvm_rpc_bad_param(call, 0, "the chain is not that long");
    FVM_TRY(rewind_to(call, head - depth));
    return say_null(call);
}

/* anvil_reorg: other blocks in place of the last ones, without their transactions. */
fvm_err fvm_dev_reorg(fvm_rpc_call *call)
{
    uint64_t depth, head = fvm_chain_head_number(call->node->chain);
    const json_t *options = fvm_rpc_param(call, 0);
    if (json_is_object(options)) {
        if (!fvm_rpc_u64(&depth, json_object_get(options, "depth")))
            return fvm_rpc_bad_param(call, 0, "depth");
    } else {
        FVM_TRY(fvm_rpc_get_u64(call, 0, &depth));
    }
    if (json_array_size(fvm_rpc_param(call, 1)))
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "transactions cannot be placed in a reorg");
    if (depth > head) return fvm_rpc_bad_param(call, 0, "the chain is not that long");
    if (depth) {
        FVM_TRY(rewind_to(call, head - depth));
        FVM_TRY(mine(call, depth, 0, 0));
    }
    return say_null(call);
}

fvm_err fvm_dev_reset(fvm_rpc_call *call)
{
    const json_t *options = fvm_rpc_param(call, 0);
    if (options && !json_is_object(options)) return fvm_rpc_bad_param(call, 0, "not an object");
    const json_t *forking = options ? fvm_rpc_json_get(options, "forking") : NULL;
    /* viem's reset() names no chain to fork */
    if (forking && (!json_is_object(forking) || fvm_rpc_json_get(forking, "jsonRpcUrl")))
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED, "forking is not supported");
    fvm_chain_drop_all(call->node->chain, NULL);
    FVM_TRY(rewind_to(call, 0));
    FVM_TRY(fvm_node_install_contracts(call->node));
    return say_true(call);
}

/* --- time --- */

fvm_err fvm_dev_increase_time(fvm_rpc_call *call)
{
    int64_t seconds;
    if (!fvm_rpc_i64(&seconds, fvm_rpc_param(call, 0)))
        return fvm_rpc_bad_param(call, 0, "not a number of seconds");
    int64_t total = fvm_chain_increase_time(call->node->chain, seconds);
    fvm_jo_i64(call->out, total);
    return FVM_OK;
}

fvm_err fvm_dev_set_next_timestamp(fvm_rpc_call *call)
{
    uint64_t t;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &t));
    fvm_err err = fvm_chain_set_next_timestamp(call->node->chain, t);
    if (err == FVM_ERR_INVALID) {
        fvm_tipset head;
        fvm_chain_head(call->node->chain, &head);
        return fvm_rpc_fail(call, FVM_RPC_PARAMS,
                            "Timestamp %" PRIu64 " is lower than or equal to previous block's "
                            "timestamp %" PRIu64,
                            t, head.timestamp);
    }
    FVM_TRY(err);
    return say_null(call);
}

fvm_err fvm_dev_set_time(fvm_rpc_call *call)
{
    uint64_t t, before = fvm_chain_now(call->node->chain);
    FVM_TRY(fvm_rpc_get_u64(call, 0, &t));
    if (t > UINT64_C(100000000000)) t /= 1000; /* milliseconds, as anvil's callers send them */
    fvm_err err = fvm_chain_set_time(call->node->chain, t);
    if (err == FVM_ERR_INVALID)
        return fvm_rpc_bad_param(call, 0, "not after the last block's time");
    FVM_TRY(err);
    fvm_jo_u64(call->out, t > before ? t - before : 0);
    return FVM_OK;
}

fvm_err fvm_dev_set_timestamp_interval(fvm_rpc_call *call)
{
    uint64_t seconds;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &seconds));
    fvm_chain_set_timestamp_interval(call->node->chain, seconds);
    return say_null(call);
}

fvm_err fvm_dev_remove_timestamp_interval(fvm_rpc_call *call)
{
    fvm_chain_set_timestamp_interval(call->node->chain, 0);
    return say_true(call);
}

/* --- fees and limits --- */

fvm_err fvm_dev_set_next_base_fee(fvm_rpc_call *call)
{
    fvm_big fee;
    FVM_TRY(fvm_rpc_get_u256(call, 0, &fee));
    fvm_chain_set_next_base_fee(call->node->chain, &fee);
    return say_null(call);
}

fvm_err fvm_dev_set_block_gas(fvm_rpc_call *call)
{
    uint64_t gas;
    FVM_TRY(fvm_rpc_get_u64(call, 0, &gas));
    if (!gas || gas > INT64_MAX) return fvm_rpc_bad_param(call, 0, "not a limit");
    if (fvm_chain_set_block_gas(call->node->chain, gas) != FVM_OK)
        return fvm_rpc_fail(call, FVM_RPC_PARAMS, "at most %llu gas",
                            (unsigned long long)FVM_CHAIN_BLOCK_GAS_MAX);
    return say_true(call);
}

/* A price that the network asks for anyway can be set. */
fvm_err fvm_dev_set_min_gas_price(fvm_rpc_call *call)
{
    fvm_big price, least = fvm_big_u64(FVM_CHAIN_BASE_FEE_MIN);
    FVM_TRY(fvm_rpc_get_u256(call, 0, &price));
    if (fvm_big_cmp(&price, &least) > 0)
        return fvm_rpc_fail(call, FVM_RPC_UNSUPPORTED,
                            "the least price is the network's least base fee: 100 attoFIL");
    return say_null(call);
}

fvm_err fvm_dev_set_prev_randao(fvm_rpc_call *call)
{
    uint8_t word[32];
    if (!fvm_rpc_fixed(word, 32, fvm_rpc_param(call, 0), true))
        return fvm_rpc_bad_param(call, 0, "not 32 bytes");
    fvm_chain_set_next_randomness(call->node->chain, word);
    return say_true(call);
}

/* --- the pool --- */

fvm_err fvm_dev_drop(fvm_rpc_call *call)
{
    uint8_t hash[32];
    FVM_TRY(fvm_rpc_get_hash(call, 0, hash));
    if (fvm_chain_drop(call->node->chain, hash))
        fvm_jo_hex(call->out, (fvm_bytes){ hash, 32 });
    else
        fvm_jo_null(call->out);
    return FVM_OK;
}

fvm_err fvm_dev_hardhat_drop(fvm_rpc_call *call)
{
    uint8_t hash[32];
    FVM_TRY(fvm_rpc_get_hash(call, 0, hash));
    fvm_jo_bool(call->out, fvm_chain_drop(call->node->chain, hash));
    return FVM_OK;
}

fvm_err fvm_dev_drop_all(fvm_rpc_call *call)
{
    fvm_chain_drop_all(call->node->chain, NULL);
    return say_null(call);
}

fvm_err fvm_dev_drop_of(fvm_rpc_call *call)
{
    fvm_eth_address who;
    FVM_TRY(fvm_rpc_get_eth_address(call, 0, &who));
    fvm_address address = fvm_rpc_fil(&who);
    fvm_chain_drop_all(call->node->chain, &address);
    return say_null(call);
}
