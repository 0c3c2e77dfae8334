/* syscalls.h - every syscall of network version 21 and later, as C functions: imports in a wasm
 * build, functions of the mock kernel in a native one.
 *
 * All return an fvm_errno (0: done). An out value comes first and is written on success only. The
 * wrappers in the other headers are what an actor usually wants; use these where each byte or each
 * unit of gas counts. Semantics: reference/kernel.md 3 and 4. Every call costs 14,000 gas and more. */
#ifndef FVM_ACTOR_SYSCALLS_H
#define FVM_ACTOR_SYSCALLS_H

#include <fvm/actor/abi.h>

#ifdef __wasm__
#define FVM_SYSCALL(module, name) __attribute__((import_module(module), import_name(name))) extern
#else
#define FVM_SYSCALL(module, name) extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- vm --- */
/** Ends this call. Code 0 is success; `block` 0 is no return value. State changed so far stays when
 *  the code is 0, and is undone otherwise. */
FVM_SYSCALL("vm", "exit")
__attribute__((noreturn)) uint32_t fvm_sys_exit(uint32_t code, uint32_t block, const char *message,
                                                uint32_t message_len);
FVM_SYSCALL("vm", "message_context") uint32_t fvm_sys_message_context(fvm_message_context *out);

/* --- network --- */
FVM_SYSCALL("network", "context") uint32_t fvm_sys_network_context(fvm_network_context *out);
FVM_SYSCALL("network", "total_fil_circ_supply")
uint32_t fvm_sys_circulating_supply(fvm_abi_token *out);
FVM_SYSCALL("network", "tipset_cid")
uint32_t fvm_sys_tipset_cid(uint32_t *len_out, int64_t epoch, uint8_t *cid, uint32_t cid_cap);

/* --- ipld --- */
FVM_SYSCALL("ipld", "block_open")
uint32_t fvm_sys_block_open(fvm_block_opened *out, const uint8_t *cid);
FVM_SYSCALL("ipld", "block_create")
uint32_t fvm_sys_block_create(uint32_t *id_out, uint64_t codec, const uint8_t *data, uint32_t len);
/** Copies min(len, bytes from `offset` on); *rest_out = size - (offset + len), so negative when there
 *  was room left. */
FVM_SYSCALL("ipld", "block_read")
uint32_t fvm_sys_block_read(int32_t *rest_out, uint32_t id, uint32_t offset, uint8_t *out,
                            uint32_t len);
FVM_SYSCALL("ipld", "block_stat") uint32_t fvm_sys_block_stat(fvm_block_stats *out, uint32_t id);
FVM_SYSCALL("ipld", "block_link")
uint32_t fvm_sys_block_link(uint32_t *len_out, uint32_t id, uint64_t hash, uint32_t hash_len,
                            uint8_t *cid, uint32_t cid_cap);

/* --- self --- */
FVM_SYSCALL("self", "root")
uint32_t fvm_sys_self_root(uint32_t *len_out, uint8_t *cid, uint32_t cid_cap);
FVM_SYSCALL("self", "set_root") uint32_t fvm_sys_self_set_root(const uint8_t *cid);
FVM_SYSCALL("self", "current_balance") uint32_t fvm_sys_self_balance(fvm_abi_token *out);
/** Deletes this actor when the call ends well. A balance is burnt if `burn`, else refused. */
FVM_SYSCALL("self", "self_destruct") uint32_t fvm_sys_self_destruct(uint32_t burn);

/* --- actor --- */
FVM_SYSCALL("actor", "resolve_address")
uint32_t fvm_sys_resolve_address(uint64_t *id_out, const uint8_t *address, uint32_t len);
/** *len_out is 0 when the actor has no f4 address. */
FVM_SYSCALL("actor", "lookup_delegated_address")
uint32_t fvm_sys_lookup_delegated(uint32_t *len_out, uint64_t id, uint8_t *address,
                                  uint32_t address_cap);
FVM_SYSCALL("actor", "get_actor_code_cid")
uint32_t fvm_sys_actor_code(uint32_t *len_out, uint64_t id, uint8_t *cid, uint32_t cid_cap);
FVM_SYSCALL("actor", "next_actor_address")
uint32_t fvm_sys_next_actor_address(uint32_t *len_out, uint8_t *address, uint32_t address_cap);
/** Only the init actor may. `address_len` 0: no delegated address. */
FVM_SYSCALL("actor", "create_actor")
uint32_t fvm_sys_create_actor(uint64_t id, const uint8_t *code_cid, const uint8_t *address,
                              uint32_t address_len);
FVM_SYSCALL("actor", "get_builtin_actor_type")
uint32_t fvm_sys_builtin_type(int32_t *type_out, const uint8_t *code_cid);
FVM_SYSCALL("actor", "get_code_cid_for_type")
uint32_t fvm_sys_code_for_type(uint32_t *len_out, int32_t type, uint8_t *cid, uint32_t cid_cap);
/** Only the init actor may, and only where the network has actors of users: checks and compiles the
 *  block of `code_cid`. */
FVM_SYSCALL("actor", "install_actor") uint32_t fvm_sys_install_actor(const uint8_t *code_cid);
FVM_SYSCALL("actor", "balance_of") uint32_t fvm_sys_balance_of(fvm_abi_token *out, uint64_t id);

/* --- crypto --- verdicts are 0 for valid and -1 for not */
FVM_SYSCALL("crypto", "verify_signature")
uint32_t fvm_sys_verify_signature(int32_t *verdict_out, uint32_t type, const uint8_t *signature,
                                  uint32_t signature_len, const uint8_t *address,
                                  uint32_t address_len, const uint8_t *plaintext,
                                  uint32_t plaintext_len);
FVM_SYSCALL("crypto", "verify_bls_aggregate")
uint32_t fvm_sys_verify_bls_aggregate(int32_t *verdict_out, uint32_t count,
                                      const uint8_t *signature, const uint8_t *keys,
                                      const uint8_t *plaintexts, const uint32_t *plaintext_lens);
FVM_SYSCALL("crypto", "recover_secp_public_key")
uint32_t fvm_sys_recover_secp(uint8_t key_out[65], const uint8_t hash[32],
                              const uint8_t signature[65]);
FVM_SYSCALL("crypto", "hash")
uint32_t fvm_sys_hash(uint32_t *len_out, uint64_t function, const uint8_t *data, uint32_t len,
                      uint8_t *digest, uint32_t digest_cap);
FVM_SYSCALL("crypto", "compute_unsealed_sector_cid")
uint32_t fvm_sys_unsealed_cid(uint32_t *len_out, int64_t proof, const uint8_t *pieces,
                              uint32_t pieces_len, uint8_t *cid, uint32_t cid_cap);
FVM_SYSCALL("crypto", "verify_post")
uint32_t fvm_sys_verify_post(int32_t *verdict_out, const uint8_t *info, uint32_t len);
FVM_SYSCALL("crypto", "verify_aggregate_seals")
uint32_t fvm_sys_verify_aggregate_seals(int32_t *verdict_out, const uint8_t *info, uint32_t len);
FVM_SYSCALL("crypto", "verify_replica_update")
uint32_t fvm_sys_verify_replica_update(int32_t *verdict_out, const uint8_t *info, uint32_t len);
FVM_SYSCALL("crypto", "verify_consensus_fault")
uint32_t fvm_sys_verify_consensus_fault(fvm_consensus_fault *out, const uint8_t *header1,
                                        uint32_t len1, const uint8_t *header2, uint32_t len2,
                                        const uint8_t *extra, uint32_t extra_len);
/** `results` has a byte for each item of the array: 1 valid, 0 not. */
FVM_SYSCALL("crypto", "batch_verify_seals")
uint32_t fvm_sys_batch_verify_seals(const uint8_t *infos, uint32_t len, uint8_t *results);

/* --- event, rand, gas, send, debug --- */
FVM_SYSCALL("event", "emit_event")
uint32_t fvm_sys_emit_event(const fvm_event_entry *entries, uint32_t count, const uint8_t *keys,
                            uint32_t keys_len, const uint8_t *values, uint32_t values_len);
FVM_SYSCALL("rand", "get_chain_randomness")
uint32_t fvm_sys_chain_randomness(uint8_t out[32], int64_t epoch);
FVM_SYSCALL("rand", "get_beacon_randomness")
uint32_t fvm_sys_beacon_randomness(uint8_t out[32], int64_t epoch);
FVM_SYSCALL("gas", "charge")
uint32_t fvm_sys_gas_charge(const char *name, uint32_t name_len, uint64_t gas);
FVM_SYSCALL("gas", "available") uint32_t fvm_sys_gas_available(uint64_t *out);
FVM_SYSCALL("send", "send")
uint32_t fvm_sys_send(fvm_send_result *out, const uint8_t *address, uint32_t address_len,
                      uint64_t method, uint32_t params, uint64_t value_hi, uint64_t value_lo,
                      uint64_t gas_limit, uint64_t flags);
FVM_SYSCALL("debug", "log") uint32_t fvm_sys_debug_log(const char *message, uint32_t len);
FVM_SYSCALL("debug", "enabled") uint32_t fvm_sys_debug_enabled(int32_t *verdict_out);
FVM_SYSCALL("debug", "store_artifact")
uint32_t fvm_sys_store_artifact(const char *name, uint32_t name_len, const uint8_t *data,
                                uint32_t len);

#ifdef __cplusplus
}
#endif
#endif
