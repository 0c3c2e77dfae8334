/* chain.h - what an actor can ask about the network, other actors and itself, and the functions of
 * cryptography. All of these end the call when the machine refuses. */
#ifndef FVM_ACTOR_CHAIN_H
#define FVM_ACTOR_CHAIN_H

#include <fvm/actor/cbor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- amounts --- */

/** An amount of the machine's; ends the call (24) above 2^127 - 1, which is more than there is. */
fvm_token fvm_token_of(fvm_abi_token amount);
/** `n` FIL in attoFIL: a literal, FVM_FIL(5). */
#define FVM_FIL(n) ((fvm_token)(n) * 1000000000000000000)
/** What this actor has. */
fvm_token fvm_balance(void);
/** What another has; ends the call (17) if there is none. */
fvm_token fvm_balance_of(uint64_t id);
/** FIL in circulation, as the node says. */
fvm_token fvm_circulating_supply(void);

/* --- network --- */

/** Epoch, time, base fee, chain ID and network version. */
static inline fvm_network_context fvm_network(void)
{
    fvm_network_context c;
    fvm_check(fvm_sys_network_context(&c));
    return c;
}
/** The epoch that the message runs in. */
static inline int64_t fvm_epoch(void)
{
    return fvm_network().epoch;
}
/** The chain's randomness of an epoch that is not in the future, 32 bytes. */
static inline void fvm_chain_randomness(uint8_t out[32], int64_t epoch)
{
    fvm_check(fvm_sys_chain_randomness(out, epoch));
}
/** Likewise drand's. */
static inline void fvm_beacon_randomness(uint8_t out[32], int64_t epoch)
{
    fvm_check(fvm_sys_beacon_randomness(out, epoch));
}
/** Gas that is left to this call. */
static inline uint64_t fvm_gas_available(void)
{
    uint64_t gas;
    fvm_check(fvm_sys_gas_available(&gas));
    return gas;
}

/* --- actors --- */

/** Code of an actor as binary CID; its length, 0 when there is no such actor. */
uint32_t fvm_actor_code(uint8_t cid[100], uint64_t id);
/** Position in the manifest of built-in actors (1 is the first, usually system), 0 for others. */
int32_t fvm_actor_type(uint64_t id);
/** The f4 address of an actor; false when it has none. */
bool fvm_actor_delegated(fvm_address *out, uint64_t id);

/* --- cryptography --- */

/** Digest of `in`; returns its length, at most `cap`. */
uint32_t fvm_hash(uint8_t *out, uint32_t cap, uint64_t function, fvm_bytes in);
/** Whether `address` (f1 or f3) signed `plaintext`. `type` is FVM_SIG_*. */
bool fvm_verify_signature(uint32_t type, fvm_bytes signature, const fvm_address *address,
                          fvm_bytes plaintext);
/** Recovers the uncompressed public key; false when there is none. */
static inline bool fvm_recover(uint8_t key[65], const uint8_t hash[32], const uint8_t signature[65])
{
    return fvm_sys_recover_secp(key, hash, signature) == 0;
}

/** Says something to whoever runs with debugging on; nothing otherwise. */
#define fvm_log(text) ((void)fvm_sys_debug_log((text), sizeof(text) - 1))

#ifdef __cplusplus
}
#endif
#endif
