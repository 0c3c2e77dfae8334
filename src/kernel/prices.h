/* prices.h - every gas charge of every network version, one function each: it computes the charge
 * from the price list of `net`, with the name and the split into compute and other that gas traces
 * show, and makes it. Where a version has no such charge the function does nothing; a charge whose
 * price is zero is made all the same, since traces show it. Callers thus need no case by version.
 *
 * All return FVM_OK or FVM_ERR_OUT_OF_GAS. Facts: reference/prices.md; numbers: prices.def. */
#ifndef FVM_KERNEL_PRICES_H
#define FVM_KERNEL_PRICES_H

#include "gas.h"
#include "network.h"

/* --- messages and calls --- */

/** OnChainMessage: `len` is the on-chain length, bytes. */
FVM_NODISCARD fvm_err fvm_price_on_chain_message(const fvm_network *net, fvm_gas *gas,
                                                 uint64_t len);
/** The same as an amount, milligas: what inclusion costs, before there is a tracker. */
uint64_t fvm_price_inclusion(const fvm_network *net, uint64_t len);
/** OnChainReturnValue, of the top level, `len` bytes (0 for none, where it is charged). */
FVM_NODISCARD fvm_err fvm_price_on_chain_return_value(const fvm_network *net, fvm_gas *gas,
                                                      uint64_t len);
/** OnReturnValue, of a nested call: links of the returned block. nv21+. */
FVM_NODISCARD fvm_err fvm_price_on_return_value(const fvm_network *net, fvm_gas *gas,
                                                uint64_t links);
/** OnMethodInvocation. nv17: for every call. nv18+: only for method != 0, and `value_nonzero` does
 *  not matter. `links` of the parameters count from nv21. */
FVM_NODISCARD fvm_err fvm_price_on_method_invocation(const fvm_network *net, fvm_gas *gas,
                                                     bool value_nonzero, uint64_t method,
                                                     uint64_t links);
/** OnValueTransfer, nv18+; call when value != 0. */
FVM_NODISCARD fvm_err fvm_price_on_value_transfer(const fvm_network *net, fvm_gas *gas);
/** OnSyscall: entry of every host call. */
FVM_NODISCARD fvm_err fvm_price_on_syscall(const fvm_network *net, fvm_gas *gas);

/* --- the state tree; lookups and updates nv18+ --- */

FVM_NODISCARD fvm_err fvm_price_on_actor_lookup(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_actor_update(const fvm_network *net, fvm_gas *gas);
/** OnCreateActor; `new_address`: an ID is assigned as well (creation by a send). */
FVM_NODISCARD fvm_err fvm_price_on_create_actor(const fvm_network *net, fvm_gas *gas,
                                                bool new_address);
/** OnInstallActor: validating and compiling a module of `size` bytes. */
FVM_NODISCARD fvm_err fvm_price_on_install_actor(const fvm_network *net, fvm_gas *gas, size_t size);
/** OnDeleteActor; a refund in nv17. */
FVM_NODISCARD fvm_err fvm_price_on_delete_actor(const fvm_network *net, fvm_gas *gas);

/* --- free of charge, but in the traces; nv18+ --- */

FVM_NODISCARD fvm_err fvm_price_on_resolve_address(const fvm_network *net, fvm_gas *gas);
/** OnLookupAddress: lookup_delegated_address. */
FVM_NODISCARD fvm_err fvm_price_on_lookup_address(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_get_actor_code_cid(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_self_balance(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_balance_of(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_get_builtin_actor_type(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_get_code_cid_for_type(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_network_context(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_message_context(const fvm_network *net, fvm_gas *gas);
/** OnBlockStat; in nv17 too. */
FVM_NODISCARD fvm_err fvm_price_on_block_stat(const fvm_network *net, fvm_gas *gas);

/* --- the actor's root; nv21+ --- */

FVM_NODISCARD fvm_err fvm_price_on_actor_get_root(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_actor_set_root(const fvm_network *net, fvm_gas *gas);

/* --- blocks; `links` count from nv21 --- */

FVM_NODISCARD fvm_err fvm_price_on_block_open_base(const fvm_network *net, fvm_gas *gas);
/** OnBlockOpen (nv21+) or OnBlockOpenPerByte: after the block was loaded. */
FVM_NODISCARD fvm_err fvm_price_on_block_open(const fvm_network *net, fvm_gas *gas, uint64_t bytes,
                                              uint64_t links);
/** OnScanIpldLinks: what the scanner added up, from net->prices->scan_per_field and scan_per_cid.
 *  Charged even when the scan failed. nv21+. */
FVM_NODISCARD fvm_err fvm_price_on_scan_ipld_links(const fvm_network *net, fvm_gas *gas,
                                                   uint64_t milligas);
FVM_NODISCARD fvm_err fvm_price_on_block_read(const fvm_network *net, fvm_gas *gas, uint64_t bytes);
FVM_NODISCARD fvm_err fvm_price_on_block_create(const fvm_network *net, fvm_gas *gas,
                                                uint64_t bytes, uint64_t links);
/** OnBlockLink with blake2b-256, the only hash there is. */
FVM_NODISCARD fvm_err fvm_price_on_block_link(const fvm_network *net, fvm_gas *gas, uint64_t bytes);

/* --- hashes, signatures, proofs --- */

/** OnHashing; `hash` is a multihash code. One that is not known costs nothing by the byte: nv18+
 *  refuses it before the charge, nv17 after. */
FVM_NODISCARD fvm_err fvm_price_on_hashing(const fvm_network *net, fvm_gas *gas, uint64_t hash,
                                           uint64_t bytes);
/** OnVerifySignature; `bls` false: secp256k1. */
FVM_NODISCARD fvm_err fvm_price_on_verify_signature(const fvm_network *net, fvm_gas *gas, bool bls,
                                                    uint64_t bytes);
FVM_NODISCARD fvm_err fvm_price_on_recover_secp_public_key(const fvm_network *net, fvm_gas *gas);
/** OnVerifyBlsAggregateSignature; `bytes` of all plaintexts. */
FVM_NODISCARD fvm_err fvm_price_on_verify_bls_aggregate(const fvm_network *net, fvm_gas *gas,
                                                        uint64_t signers, uint64_t bytes);
FVM_NODISCARD fvm_err fvm_price_on_compute_unsealed_sector_cid(const fvm_network *net,
                                                               fvm_gas *gas);
/** OnVerifySeal, one seal. nv17's batch_verify_seals does not call this. */
FVM_NODISCARD fvm_err fvm_price_on_verify_seal(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_verify_consensus_fault(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_verify_replica_update(const fvm_network *net, fvm_gas *gas);
FVM_NODISCARD fvm_err fvm_price_on_verify_post(const fvm_network *net, fvm_gas *gas,
                                               uint64_t sectors);
/** OnVerifyAggregateSeals; `seal_proof` is the registered number (reference/kernel.md 4). */
FVM_NODISCARD fvm_err fvm_price_on_verify_aggregate_seals(const fvm_network *net, fvm_gas *gas,
                                                          int64_t seal_proof, uint64_t count);

/* --- the chain --- */

/** OnGetRandomness. nv17: flat. nv18-20: by `entropy_len`, bytes. nv21+: by `lookback`, epochs as
 *  u64 (a round in the future wraps, saturates and is out of gas). */
FVM_NODISCARD fvm_err fvm_price_on_get_randomness(const fvm_network *net, fvm_gas *gas,
                                                  uint64_t lookback, uint64_t entropy_len);
/** OnTipsetCid; `lookback` >= 1. nv18+. */
FVM_NODISCARD fvm_err fvm_price_on_tipset_cid(const fvm_network *net, fvm_gas *gas,
                                              uint64_t lookback);

/* --- events --- */

/** OnActorEventValidate, nv18-20: `bytes` of the CBOR blob. */
FVM_NODISCARD fvm_err fvm_price_on_actor_event_validate(const fvm_network *net, fvm_gas *gas,
                                                        uint64_t bytes);
/** OnActorEventAccept, nv18-20: `bytes` of the same blob. */
FVM_NODISCARD fvm_err fvm_price_on_actor_event_accept(const fvm_network *net, fvm_gas *gas,
                                                      uint64_t bytes);
/** OnActorEvent, nv21+. */
FVM_NODISCARD fvm_err fvm_price_on_actor_event(const fvm_network *net, fvm_gas *gas,
                                               uint64_t entries, uint64_t key_bytes,
                                               uint64_t value_bytes);

/* --- instances of wasm, nv18+ --- */

/** wasm_memory_init: minimum of the export named memory, bytes. */
FVM_NODISCARD fvm_err fvm_price_wasm_memory_init(const fvm_network *net, fvm_gas *gas,
                                                 uint64_t bytes);
/** wasm_table_init: minimum of the export named table. Call only where it exists. */
FVM_NODISCARD fvm_err fvm_price_wasm_table_init(const fvm_network *net, fvm_gas *gas,
                                                uint64_t elements);
#endif
