/* externs.h - the outside world that an embedder supplies: what is different on every chain, and
 * what is not in the state. Nothing in the machine reads a clock, a file or the environment. */
#ifndef FVM_EXTERNS_H
#define FVM_EXTERNS_H

#include <fvm/big.h>
#include <fvm/cid.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What two block headers of a miner show (reference/kernel.md 4). */
typedef struct fvm_consensus_fault {
    uint64_t target; /* actor ID of the miner */
    int64_t epoch;
    uint32_t type; /* 0 no fault, 1 double fork mining, 2 parent grinding, 3 time offset mining */
} fvm_consensus_fault;

/** Kinds of proof that the proof callback is asked about; `params` is then the CBOR of:
 *  SEAL              SealVerifyInfo
 *  WINDOW_POST       WindowPoStVerifyInfo, randomness already masked
 *  AGGREGATE_SEALS   AggregateSealVerifyProofAndInfos
 *  REPLICA_UPDATE    ReplicaUpdateInfo   (encodings: reference/kernel.md 4) */
typedef enum fvm_proof_kind {
    FVM_PROOF_SEAL,
    FVM_PROOF_WINDOW_POST,
    FVM_PROOF_AGGREGATE_SEALS,
    FVM_PROOF_REPLICA_UPDATE,
} fvm_proof_kind;

/** Callbacks. Each returns FVM_OK; an error of class HOST (the message yields no receipt); or any
 *  other error: the node has no answer, and the syscall fails as the reference's does. A NULL
 *  callback answers FVM_ERR_NOT_FOUND. Answers must depend on the arguments alone. */
typedef struct fvm_externs {
    void *ctx;
    /** The chain's randomness of an epoch, before an actor's tag and entropy are mixed in. */
    fvm_err (*chain_randomness)(void *ctx, uint8_t out[32], int64_t epoch);
    /** Likewise drand's. */
    fvm_err (*beacon_randomness)(void *ctx, uint8_t out[32], int64_t epoch);
    /** The key of the tipset at an epoch below the machine's. */
    fvm_err (*tipset_cid)(void *ctx, fvm_cid *out, int64_t epoch);
    /** The fault that the CBOR of two headers, and of one more or nothing, proves; type 0: none. */
    fvm_err (*consensus_fault)(void *ctx, fvm_consensus_fault *out, fvm_bytes h1, fvm_bytes h2,
                               fvm_bytes extra);
    /** `*valid` tells whether the proof holds; an error means that it could not be checked. */
    fvm_err (*verify_proof)(void *ctx, bool *valid, fvm_proof_kind kind, fvm_bytes params);
} fvm_externs;

#ifdef __cplusplus
}
#endif
#endif
