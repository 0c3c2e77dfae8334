/* prices.c - how rows of a price list make a charge: (compute, other), as the reference's price_list
 * modules of fvm 2, 3 and 4. All arithmetic saturates. What a list lacks is a zero row, so that most
 * charges are one formula for all versions; only charges that do not exist at all are told by era. */
#include "prices.h"

/** base + rate * n */
static uint64_t linear(uint64_t base, uint64_t rate, uint64_t n)
{
    return fvm_sat_add_u64(base, fvm_sat_mul_u64(rate, n));
}

/* --- messages and calls --- */

fvm_err fvm_price_on_chain_message(const fvm_network *net, fvm_gas *gas, uint64_t len)
{
    const fvm_prices *p = net->prices;
    return fvm_gas_charge(
        gas, "OnChainMessage", p->on_chain_message_compute,
        linear(p->on_chain_message_other, p->on_chain_message_other_per_byte, len));
}

uint64_t fvm_price_inclusion(const fvm_network *net, uint64_t len)
{
    const fvm_prices *p = net->prices;
    return fvm_sat_add_u64(
        p->on_chain_message_compute,
        linear(p->on_chain_message_other, p->on_chain_message_other_per_byte, len));
}

fvm_err fvm_price_on_chain_return_value(const fvm_network *net, fvm_gas *gas, uint64_t len)
{
    return fvm_gas_charge(gas, "OnChainReturnValue", 0,
                          linear(0, net->prices->on_chain_return_other_per_byte, len));
}

fvm_err fvm_price_on_return_value(const fvm_network *net, fvm_gas *gas, uint64_t links)
{
    if (net->era < FVM_ERA_V4) return FVM_OK;
    return fvm_gas_charge(gas, "OnReturnValue", linear(0, net->prices->link_tracked, links), 0);
}

fvm_err fvm_price_on_method_invocation(const fvm_network *net, fvm_gas *gas, bool value_nonzero,
                                       uint64_t method, uint64_t links)
{
    const fvm_prices *p = net->prices;
    uint64_t compute = linear(p->method_invocation, p->link_tracked, links);
    if (net->era == FVM_ERA_V2) {
        if (value_nonzero) compute += p->method_invocation_transfer;
        if (value_nonzero && method == 0) compute += p->method_invocation_only_transfer;
        if (method != 0) compute -= p->method_invocation_discount;
    } else if (method == 0) {
        return FVM_OK;
    }
    return fvm_gas_charge(gas, "OnMethodInvocation", compute, 0);
}

fvm_err fvm_price_on_value_transfer(const fvm_network *net, fvm_gas *gas)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge(gas, "OnValueTransfer", net->prices->value_transfer, 0);
}

fvm_err fvm_price_on_syscall(const fvm_network *net, fvm_gas *gas)
{
    return fvm_gas_charge(gas, "OnSyscall", net->prices->host_call, 0);
}

/* --- the state tree --- */

fvm_err fvm_price_on_actor_lookup(const fvm_network *net, fvm_gas *gas)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge(gas, "OnActorLookup", 0, net->prices->actor_lookup);
}

fvm_err fvm_price_on_actor_update(const fvm_network *net, fvm_gas *gas)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge(gas, "OnActorUpdate", 0, net->prices->actor_update);
}

fvm_err fvm_price_on_create_actor(const fvm_network *net, fvm_gas *gas, bool new_address)
{
    const fvm_prices *p = net->prices;
    uint64_t other = p->create_actor_other;
    if (new_address) other += p->create_actor_address_other;
    return fvm_gas_charge(gas, "OnCreateActor", p->create_actor_compute, other);
}

fvm_err fvm_price_on_install_actor(const fvm_network *net, fvm_gas *gas, size_t size)
{
    uint64_t compute = linear(0, net->prices->install_actor_per_byte, size);
    return fvm_gas_charge(gas, "OnInstallActor", compute, 0);
}

fvm_err fvm_price_on_delete_actor(const fvm_network *net, fvm_gas *gas)
{
    if (net->era == FVM_ERA_V2) {
        fvm_gas_refund(gas, FVM_STR("OnDeleteActor"), net->prices->delete_actor_refund);
        return FVM_OK;
    }
    return fvm_gas_charge(gas, "OnDeleteActor", 0, 0);
}

/* --- free of charge --- */

/** A charge of nothing, which exists from nv18 and never fails; kept as a charge for the trace. */
static fvm_err free_charge(const fvm_network *net, fvm_gas *gas, fvm_bytes name)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge_named(gas, name, 0, 0);
}

fvm_err fvm_price_on_resolve_address(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnResolveAddress"));
}
fvm_err fvm_price_on_lookup_address(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnLookupAddress"));
}
fvm_err fvm_price_on_get_actor_code_cid(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnGetActorCodeCid"));
}
fvm_err fvm_price_on_self_balance(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnSelfBalance"));
}
fvm_err fvm_price_on_balance_of(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnBalanceOf"));
}
fvm_err fvm_price_on_get_builtin_actor_type(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnGetBuiltinActorType"));
}
fvm_err fvm_price_on_get_code_cid_for_type(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnGetCodeCidForType"));
}
fvm_err fvm_price_on_network_context(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnNetworkContext"));
}
fvm_err fvm_price_on_message_context(const fvm_network *net, fvm_gas *gas)
{
    return free_charge(net, gas, FVM_STR("OnMessageContext"));
}
fvm_err fvm_price_on_block_stat(const fvm_network *net, fvm_gas *gas)
{
    (void)net;
    return fvm_gas_charge(gas, "OnBlockStat", 0, 0);
}

/* --- the actor's root --- */

fvm_err fvm_price_on_actor_get_root(const fvm_network *net, fvm_gas *gas)
{
    if (net->era < FVM_ERA_V4) return FVM_OK;
    return fvm_gas_charge(gas, "OnActorGetRoot", net->prices->actor_get_root, 0);
}

fvm_err fvm_price_on_actor_set_root(const fvm_network *net, fvm_gas *gas)
{
    if (net->era < FVM_ERA_V4) return FVM_OK;
    return fvm_gas_charge(gas, "OnActorSetRoot", net->prices->actor_set_root, 0);
}

/* --- blocks --- */

fvm_err fvm_price_on_block_open_base(const fvm_network *net, fvm_gas *gas)
{
    const fvm_prices *p = net->prices;
    return fvm_gas_charge(gas, "OnBlockOpenBase", p->block_open_base_compute,
                          p->block_open_base_other);
}

fvm_err fvm_price_on_block_open(const fvm_network *net, fvm_gas *gas, uint64_t bytes,
                                uint64_t links)
{
    const fvm_prices *p = net->prices;
    uint64_t compute = linear(linear(0, p->block_open_compute_per_byte, bytes), p->link_tracked,
                              links);
    uint64_t open = linear(0, p->block_open_other_per_byte, bytes);
    uint64_t least = linear(0, p->block_retention_per_byte, bytes);
    uint64_t surcharge = fvm_sat_sub_u64(least, fvm_sat_add_u64(compute, open));
    fvm_bytes name = net->era < FVM_ERA_V4 ? FVM_STR("OnBlockOpenPerByte") : FVM_STR("OnBlockOpen");
    return fvm_gas_charge_named(gas, name, compute, fvm_sat_add_u64(open, surcharge));
}

fvm_err fvm_price_on_scan_ipld_links(const fvm_network *net, fvm_gas *gas, uint64_t milligas)
{
    if (net->era < FVM_ERA_V4) return FVM_OK;
    return fvm_gas_charge(gas, "OnScanIpldLinks", milligas, 0);
}

fvm_err fvm_price_on_block_read(const fvm_network *net, fvm_gas *gas, uint64_t bytes)
{
    return fvm_gas_charge(gas, "OnBlockRead",
                          linear(0, net->prices->block_read_compute_per_byte, bytes), 0);
}

fvm_err fvm_price_on_block_create(const fvm_network *net, fvm_gas *gas, uint64_t bytes,
                                  uint64_t links)
{
    const fvm_prices *p = net->prices;
    uint64_t compute = linear(linear(0, p->block_create_compute_per_byte, bytes), p->link_checked,
                              links);
    uint64_t least = linear(0, p->block_retention_per_byte, bytes);
    return fvm_gas_charge(gas, "OnBlockCreate", compute, fvm_sat_sub_u64(least, compute));
}

fvm_err fvm_price_on_block_link(const fvm_network *net, fvm_gas *gas, uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    return fvm_gas_charge(gas, "OnBlockLink",
                          linear(p->block_link_compute, p->block_link_compute_per_byte, bytes),
                          linear(p->block_link_other, p->block_link_other_per_byte, bytes));
}

/* --- hashes, signatures, proofs --- */

fvm_err fvm_price_on_hashing(const fvm_network *net, fvm_gas *gas, uint64_t hash, uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    uint64_t rate = 0;
    switch (hash) {
    case FVM_HASH_SHA2_256: rate = p->hash_sha2_256_per_byte; break;
    case FVM_HASH_BLAKE2B_256:
    case FVM_HASH_BLAKE2B_512: rate = p->hash_blake2b_per_byte; break;
    case FVM_HASH_KECCAK_256: rate = p->hash_keccak_256_per_byte; break;
    case FVM_HASH_RIPEMD_160: rate = p->hash_ripemd_160_per_byte; break;
    default: break;
    }
    return fvm_gas_charge(gas, "OnHashing", linear(p->hash_flat, rate, bytes), 0);
}

fvm_err fvm_price_on_verify_signature(const fvm_network *net, fvm_gas *gas, bool bls,
                                      uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    uint64_t compute = bls ? linear(p->verify_bls, p->verify_bls_per_byte, bytes)
                           : linear(p->verify_secp256k1, p->verify_secp256k1_per_byte, bytes);
    return fvm_gas_charge(gas, "OnVerifySignature", compute, 0);
}

fvm_err fvm_price_on_recover_secp_public_key(const fvm_network *net, fvm_gas *gas)
{
    return fvm_gas_charge(gas, "OnRecoverSecpPublicKey", net->prices->recover_secp256k1, 0);
}

fvm_err fvm_price_on_verify_bls_aggregate(const fvm_network *net, fvm_gas *gas, uint64_t signers,
                                          uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    /* a pairing per signer and one for the signature (FIP-0079) */
    uint64_t pairings = linear(0, p->bls_pairing, fvm_sat_add_u64(signers, 1));
    return fvm_gas_charge(gas, "OnVerifyBlsAggregateSignature",
                          linear(pairings, p->bls_hash_per_byte, bytes), 0);
}

fvm_err fvm_price_on_compute_unsealed_sector_cid(const fvm_network *net, fvm_gas *gas)
{
    return fvm_gas_charge(gas, "OnComputeUnsealedSectorCid",
                          net->prices->compute_unsealed_sector_cid, 0);
}

fvm_err fvm_price_on_verify_seal(const fvm_network *net, fvm_gas *gas)
{
    return fvm_gas_charge(gas, "OnVerifySeal", net->prices->verify_seal, 0);
}

fvm_err fvm_price_on_verify_consensus_fault(const fvm_network *net, fvm_gas *gas)
{
    const fvm_prices *p = net->prices;
    return fvm_gas_charge(gas, "OnVerifyConsensusFault", p->verify_consensus_fault_compute,
                          p->verify_consensus_fault_other);
}

fvm_err fvm_price_on_verify_replica_update(const fvm_network *net, fvm_gas *gas)
{
    return fvm_gas_charge(gas, "OnVerifyReplicaUpdate", net->prices->verify_replica_update, 0);
}

fvm_err fvm_price_on_verify_post(const fvm_network *net, fvm_gas *gas, uint64_t sectors)
{
    const fvm_prices *p = net->prices;
    return fvm_gas_charge(gas, "OnVerifyPost",
                          linear(p->verify_post, p->verify_post_per_sector, sectors), 0);
}

/** The table of a kind of seal; kinds without one of their own have that of 32 GiB V1P1. */
static const fvm_aggregate_cost *aggregate_cost(const fvm_prices *p, int64_t seal_proof)
{
    const fvm_aggregate_cost *cost = &p->aggregate_32g;
    switch (seal_proof) {
    case 9: cost = &p->aggregate_64g; break;     /* StackedDRG64GiBV1P1 */
    case 18: cost = &p->aggregate_ni_32g; break; /* StackedDRG32GiBV1P2_Feat_NiPoRep */
    case 19: cost = &p->aggregate_ni_64g; break; /* StackedDRG64GiBV1P2_Feat_NiPoRep */
    default: break;
    }
    return cost->count ? cost : &p->aggregate_32g;
}

fvm_err fvm_price_on_verify_aggregate_seals(const fvm_network *net, fvm_gas *gas,
                                            int64_t seal_proof, uint64_t count)
{
    const fvm_aggregate_cost *cost = aggregate_cost(net->prices, seal_proof);
    uint64_t step = 0;
    for (size_t i = 0; i < cost->count && cost->steps[i].start <= count; i++)
        step = cost->steps[i].gas;
    uint64_t compute = linear(fvm_sat_mul_u64(step, FVM_MILLIGAS),
                              fvm_sat_mul_u64(cost->per_seal_gas, FVM_MILLIGAS), count);
    return fvm_gas_charge(gas, "OnVerifyAggregateSeals", compute, 0);
}

/* --- the chain --- */

fvm_err fvm_price_on_get_randomness(const fvm_network *net, fvm_gas *gas, uint64_t lookback,
                                    uint64_t entropy_len)
{
    const fvm_prices *p = net->prices;
    uint64_t other = 0;
    if (net->era == FVM_ERA_V3) {
        /* what is hashed with the entropy: tag u64, 32 bytes of randomness, round u64 */
        uint64_t hashed = fvm_sat_add_u64(entropy_len, 48);
        other = linear(p->randomness_other, p->hash_blake2b_per_byte, hashed);
    } else if (net->era == FVM_ERA_V4) {
        other = linear(p->lookback_other, p->lookback_other_per_epoch, lookback);
    }
    return fvm_gas_charge(gas, "OnGetRandomness", p->randomness_compute, other);
}

fvm_err fvm_price_on_tipset_cid(const fvm_network *net, fvm_gas *gas, uint64_t lookback)
{
    const fvm_prices *p = net->prices;
    uint64_t other;
    if (net->era == FVM_ERA_V2) return FVM_OK;
    if (net->era == FVM_ERA_V3)
        other = lookback > 1 ? p->tipset_cid_historical : p->tipset_cid_latest;
    else
        other = linear(p->lookback_other, p->lookback_other_per_epoch, lookback);
    return fvm_gas_charge(gas, "OnTipsetCid", 0, other);
}

/* --- events --- */

#define EVENT_STAMP_BYTES 12u /* head of a stamped event, emitter, array heads */
#define EVENT_ENTRY_BYTES 9u  /* heads, flags and codec of an entry (FIP-0072) */

fvm_err fvm_price_on_actor_event_validate(const fvm_network *net, fvm_gas *gas, uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    if (net->era != FVM_ERA_V3) return FVM_OK;
    return fvm_gas_charge(gas, "OnActorEventValidate",
                          linear(p->event_validate, p->event_validate_per_byte, bytes), 0);
}

fvm_err fvm_price_on_actor_event_accept(const fvm_network *net, fvm_gas *gas, uint64_t bytes)
{
    const fvm_prices *p = net->prices;
    if (net->era != FVM_ERA_V3) return FVM_OK;
    uint64_t size = fvm_sat_add_u64(bytes, EVENT_STAMP_BYTES);
    return fvm_gas_charge(gas, "OnActorEventAccept",
                          linear(0, p->event_accept_compute_per_byte, size),
                          linear(0, p->event_accept_other_per_byte, size));
}

fvm_err fvm_price_on_actor_event(const fvm_network *net, fvm_gas *gas, uint64_t entries,
                                 uint64_t key_bytes, uint64_t value_bytes)
{
    const fvm_prices *p = net->prices;
    if (net->era != FVM_ERA_V4) return FVM_OK;
    uint64_t size = linear(EVENT_STAMP_BYTES, EVENT_ENTRY_BYTES, entries);
    size = fvm_sat_add_u64(fvm_sat_add_u64(size, key_bytes), value_bytes);
    uint64_t compute = linear(p->event_compute, p->event_compute_per_entry, entries);
    compute = linear(compute, p->event_compute_per_key_byte, key_bytes);
    compute = linear(compute, p->event_compute_per_byte, size);
    return fvm_gas_charge(gas, "OnActorEvent", compute, linear(0, p->event_other_per_byte, size));
}

/* --- instances of wasm --- */

fvm_err fvm_price_wasm_memory_init(const fvm_network *net, fvm_gas *gas, uint64_t bytes)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge(gas, "wasm_memory_init",
                          linear(0, net->prices->wasm_memory_per_byte, bytes), 0);
}

fvm_err fvm_price_wasm_table_init(const fvm_network *net, fvm_gas *gas, uint64_t elements)
{
    if (net->era == FVM_ERA_V2) return FVM_OK;
    return fvm_gas_charge(gas, "wasm_table_init",
                          linear(0, net->prices->wasm_table_per_element, elements), 0);
}
