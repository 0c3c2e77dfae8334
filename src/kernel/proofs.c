/* proofs.c - the proof syscalls of module `crypto` (reference/kernel.md 4): arguments are CBOR tuples,
 * decoded with the leniency of the reference's typed decoder; then the charge; then the checks that the
 * reference makes before its proofs library; what remains is asked of fvm_externs.verify_proof.
 *
 * What that callback has to answer:
 *   valid            the syscall gives 0 (batch_verify_seals: a byte 1)
 *   not valid        -1 (batch: 0)
 *   an error         error number 1, IllegalArgument (batch: 0): the library could not make sense of the
 *                    proof (wrong length, not a curve point, proof type without parameters, no sectors)
 * A machine without a proofs library (no callback) thus behaves as if no proof could be decoded, which
 * is what the reference answers to bytes that are no proof at all. */
#include "internal.h"

#include "crypto/crypto.h"
#include "ipld/cbor.h"

#define COMMITMENT_LEN 32
#define RANDOMNESS_LEN 32

/* --- registered proofs, by number --- */

static bool seal_known(fvm_era era, int64_t proof)
{
    int64_t end = era == FVM_ERA_V2 ? 10 : era == FVM_ERA_V3 ? 15 : 20;
    return proof >= 0 && proof < end; /* V1, V1P1; synthetic; non-interactive */
}
/* Window and winning PoSt; nv21+ have no window V1. */
static bool post_known(fvm_era era, int64_t proof)
{
    switch (era) {
    case FVM_ERA_V2: return proof >= 0 && proof < 10;
    case FVM_ERA_V3: return proof >= 0 && proof < 15;
    case FVM_ERA_V4: break;
    }
    return (proof >= 0 && proof < 5) || (proof >= 10 && proof < 15);
}
/* Whether a sector sealed by `seal` is proven by PoSts of type `post`: same size, a window type. */
static bool post_matches(fvm_era era, int64_t post, int64_t seal)
{
    if (!seal_known(era, seal)) return false;
    int64_t size = seal % 5;
    return post == 10 + size || (era == FVM_ERA_V3 && post == 5 + size);
}

static bool is_commitment(const fvm_cid *cid, uint64_t codec, uint64_t hash)
{
    return cid->codec == codec && cid->hash == hash && cid->digest_len == COMMITMENT_LEN;
}
static bool is_sealed(const fvm_cid *cid)
{
    return is_commitment(cid, FVM_CODEC_COMM_SEALED, FVM_HASH_POSEIDON);
}
static bool is_unsealed(const fvm_cid *cid)
{
    return is_commitment(cid, FVM_CODEC_COMM_UNSEALED, FVM_HASH_SHA2_256_TRUNC254);
}

/* --- decoding: any failure is one error, except memory --- */

/* Length of a byte string, and a copy of its first 32 bytes where `first` is not NULL. */
static fvm_err read_bytes(uint8_t *first, size_t *len, fvm_bytes *in, fvm_buf *spare)
{
    fvm_bytes bytes;
    spare->len = 0;
    FVM_TRY(fvm_cbor_bytes(&bytes, in, spare));
    size_t n = bytes.len < RANDOMNESS_LEN ? bytes.len : RANDOMNESS_LEN;
    if (first && n) memcpy(first, bytes.ptr, n);
    if (len) *len = bytes.len;
    return FVM_OK;
}

/* A byte as the typed decoder reads it: heads of at most one more byte. */
static fvm_err read_u8(fvm_bytes *in)
{
    fvm_bytes byte;
    FVM_TRY(fvm_bytes_take(&byte, in, 1));
    if (byte.ptr[0] < 24) return FVM_OK;
    if (byte.ptr[0] != 24) return FVM_ERR_MALFORMED;
    return fvm_bytes_take(&byte, in, 1);
}

static fvm_err argument(fvm_err err)
{
    return err == FVM_OK ? FVM_OK : fvm__extern_err(err, FVM_ERR_SYS_ILLEGAL_ARGUMENT);
}

/* Answers of the callback as an error, for syscalls with a verdict. */
static fvm_err ask(fvm_syscall *c, bool *valid, fvm_proof_kind kind, fvm_bytes params)
{
    const fvm_externs *x = c->env->externs;
    *valid = false;
    if (!x->verify_proof) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return argument(x->verify_proof(x->ctx, valid, kind, params));
}

static fvm_err verdict(fvm_syscall *c, uint8_t *out, fvm_proof_kind kind, fvm_bytes params)
{
    bool valid;
    FVM_TRY(ask(c, &valid, kind, params));
    fvm_store_le32(out, valid ? 0 : UINT32_MAX);
    return FVM_OK;
}

/* --- seals --- */

/* SealVerifyInfo: [proof, [miner, number], deal_ids, randomness, interactive, proof bytes, sealed,
 * unsealed]. `*sound` tells whether the checks before the library pass. */
static fvm_err read_seal(bool *sound, fvm_bytes *in, fvm_era era, fvm_buf *spare)
{
    int64_t proof;
    uint64_t number, deals;
    size_t random, interactive;
    fvm_cid sealed, unsealed;
    FVM_TRY(fvm_cbor_tuple(8, in));
    FVM_TRY(fvm_cbor_int(&proof, in));
    FVM_TRY(fvm_cbor_tuple(2, in));
    FVM_TRY(fvm_cbor_uint(&number, in));
    FVM_TRY(fvm_cbor_uint(&number, in));
    FVM_TRY(fvm_cbor_array(&deals, in));
    for (uint64_t i = 0; i < deals; i++) FVM_TRY(fvm_cbor_uint(&number, in));
    FVM_TRY(read_bytes(NULL, &random, in, spare));
    FVM_TRY(read_bytes(NULL, &interactive, in, spare));
    FVM_TRY(read_bytes(NULL, NULL, in, spare));
    FVM_TRY(fvm_cbor_cid(&sealed, in));
    FVM_TRY(fvm_cbor_cid(&unsealed, in));
    *sound = seal_known(era, proof) && random == RANDOMNESS_LEN && interactive == RANDOMNESS_LEN &&
             is_sealed(&sealed) && is_unsealed(&unsealed);
    return FVM_OK;
}

/* nv17. */
fvm_err fvm__crypto_verify_seal(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_bytes params;
    FVM_TRY(fvm__slice(&params, c, args[0], args[1]));
    bool sound = false;
    fvm_buf spare;
    fvm_bytes in = params;
    fvm_buf_init(&spare, c->env->alloc);
    fvm_err err = read_seal(&sound, &in, c->env->net->era, &spare);
    if (err == FVM_OK) err = fvm_cbor_end(in);
    fvm_buf_deinit(&spare);
    FVM_TRY(argument(err));
    FVM_TRY(fvm_price_on_verify_seal(c->env->net, &c->env->gas));
    return sound ? verdict(c, out, FVM_PROOF_SEAL, params) : FVM_ERR_SYS_ILLEGAL_ARGUMENT;
}

/* One pass over the batch. `results` NULL: only decodes (and counts into `count`). */
static fvm_err each_seal(fvm_syscall *c, uint8_t *results, uint64_t *count, fvm_bytes in,
                         fvm_buf *spare)
{
    FVM_TRY(fvm_cbor_array(count, &in));
    for (uint64_t i = 0; i < *count; i++) {
        bool sound, valid = false;
        const uint8_t *start = in.ptr;
        FVM_TRY(read_seal(&sound, &in, c->env->net->era, spare));
        if (!results) continue;
        fvm_bytes params = { start, (size_t)(in.ptr - start) };
        fvm_err err = sound ? ask(c, &valid, FVM_PROOF_SEAL, params) : FVM_OK;
        if (err != FVM_OK && fvm_err_class_of(err) == FVM_CLASS_HOST) return err;
        results[i] = err == FVM_OK && valid;
    }
    return results ? FVM_OK : fvm_cbor_end(in);
}

fvm_err fvm__crypto_batch_verify_seals(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    (void)out;
    fvm_message_env *env = c->env;
    fvm_bytes in;
    FVM_TRY(fvm__slice(&in, c, args[0], args[1]));
    fvm_buf spare;
    fvm_buf_init(&spare, env->alloc);
    uint64_t count = 0;
    uint8_t *buffer = NULL, *results = NULL;
    fvm_err err = argument(each_seal(c, NULL, &count, in, &spare));
    if (err == FVM_OK) err = fvm__slice_mut(&buffer, c, args[2], count);
    if (env->net->era != FVM_ERA_V2) /* before nv18 the power actor has it charged beforehand */
        for (uint64_t i = 0; i < count && err == FVM_OK; i++)
            err = fvm_price_on_verify_seal(env->net, &env->gas);
    if (err == FVM_OK && count) {
        /* The results may overlay the batch, so they wait until all of it is read. */
        results = fvm_mem_zalloc(env->alloc, (size_t)count);
        err = results ? each_seal(c, results, &count, in, &spare) : FVM_ERR_NOMEM;
        if (err == FVM_OK) memcpy(buffer, results, (size_t)count);
    }
    fvm_mem_free(env->alloc, results, (size_t)count);
    fvm_buf_deinit(&spare);
    return err;
}

/* --- window PoSt --- */

/* WindowPoStVerifyInfo: [randomness, [[type, bytes]...], [[seal type, number, sealed]...], prover]. */
typedef struct fvm__post {
    uint8_t randomness[RANDOMNESS_LEN];
    size_t randomness_len;
    uint64_t proofs, sectors;
    int64_t first_type;    /* of the first proof */
    bool same_type;        /* all proofs have that type */
    bool types_known;      /* of all proofs */
    bool sectors_sound;    /* commitments, and seal types that match first_type */
    bool sectors_sound_v1; /* the same with first_type as V1; for the calibration network's past */
    fvm_bytes after_randomness, after_first_type;
} fvm__post;

static fvm_err read_post_proofs(fvm__post *post, fvm_bytes *in, fvm_era era, fvm_buf *spare)
{
    FVM_TRY(fvm_cbor_array(&post->proofs, in));
    for (uint64_t i = 0; i < post->proofs; i++) {
        int64_t type;
        FVM_TRY(fvm_cbor_tuple(2, in));
        FVM_TRY(fvm_cbor_int(&type, in));
        if (i == 0) {
            post->first_type = type;
            post->after_first_type = *in;
        }
        if (type != post->first_type) post->same_type = false;
        if (!post_known(era, type)) post->types_known = false;
        FVM_TRY(read_bytes(NULL, NULL, in, spare));
    }
    return FVM_OK;
}

/* nv17 derives the PoSt type from the sector instead of comparing. */
static bool sector_sound(fvm_era era, int64_t post_type, int64_t seal, const fvm_cid *sealed)
{
    if (!is_sealed(sealed)) return false;
    return era == FVM_ERA_V2 ? seal_known(era, seal) : post_matches(era, post_type, seal);
}

static fvm_err read_post_sectors(fvm__post *post, fvm_bytes *in, fvm_era era)
{
    FVM_TRY(fvm_cbor_array(&post->sectors, in));
    for (uint64_t i = 0; i < post->sectors; i++) {
        int64_t seal;
        uint64_t number;
        fvm_cid sealed;
        FVM_TRY(fvm_cbor_tuple(3, in));
        FVM_TRY(fvm_cbor_int(&seal, in));
        FVM_TRY(fvm_cbor_uint(&number, in));
        FVM_TRY(fvm_cbor_cid(&sealed, in));
        if (!sector_sound(era, post->first_type, seal, &sealed)) post->sectors_sound = false;
        if (!sector_sound(era, 8, seal, &sealed)) post->sectors_sound_v1 = false;
    }
    return FVM_OK;
}

static fvm_err read_post(fvm__post *post, fvm_bytes in, fvm_era era, fvm_buf *spare)
{
    uint64_t prover;
    *post = (fvm__post){ .same_type = true,
                         .types_known = true,
                         .sectors_sound = true,
                         .sectors_sound_v1 = true,
                         .first_type = -1 };
    FVM_TRY(fvm_cbor_tuple(4, &in));
    FVM_TRY(read_bytes(post->randomness, &post->randomness_len, &in, spare));
    post->after_randomness = in;
    FVM_TRY(read_post_proofs(post, &in, era, spare));
    FVM_TRY(read_post_sectors(post, &in, era));
    FVM_TRY(fvm_cbor_uint(&prover, &in));
    return fvm_cbor_end(in);
}

/* Until epoch 498,691 the calibration network took 32 GiB V1P1 proofs (13) for V1 (8), and nv18-20
 * must go on to do so (ref-fvm 3, verify_post). */
static bool mistaken_for_v1(const fvm_message_env *env, const fvm__post *post)
{
    return env->net->era == FVM_ERA_V3 && env->tipset->chain_id == 314159 &&
           env->tipset->epoch <= 498691 && post->proofs > 0 && post->first_type == 13;
}

/* The checks before the library. */
static bool post_sound(fvm_era era, const fvm__post *post, bool as_v1)
{
    if (post->randomness_len != RANDOMNESS_LEN || !post->types_known) return false;
    if (era == FVM_ERA_V2) return post->sectors_sound;
    if (post->proofs == 0 || !post->same_type) return false;
    if (as_v1) return post->proofs == 1 && post->sectors_sound_v1;
    return post->sectors_sound;
}

/* The tuple again, with masked randomness (it has to be a field element) and the first type changed
 * where `as_v1`. */
static fvm_err masked_post(fvm_buf *out, const fvm__post *post, bool as_v1)
{
    uint8_t randomness[RANDOMNESS_LEN];
    memcpy(randomness, post->randomness, RANDOMNESS_LEN);
    randomness[31] &= 0x3f;
    FVM_TRY(fvm_cbor_put_array(out, 4));
    FVM_TRY(fvm_cbor_put_bytes(out, (fvm_bytes){ randomness, RANDOMNESS_LEN }));
    if (!as_v1) return fvm_buf_append(out, post->after_randomness);
    FVM_TRY(fvm_cbor_put_array(out, post->proofs));
    FVM_TRY(fvm_cbor_put_array(out, 2));
    FVM_TRY(fvm_cbor_put_int(out, 8));
    return fvm_buf_append(out, post->after_first_type);
}

fvm_err fvm__crypto_verify_post(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    fvm_bytes in;
    FVM_TRY(fvm__slice(&in, c, args[0], args[1]));
    fvm__post post;
    fvm_buf buf;
    fvm_buf_init(&buf, env->alloc);
    fvm_err err = argument(read_post(&post, in, env->net->era, &buf));
    if (err == FVM_OK) err = fvm_price_on_verify_post(env->net, &env->gas, post.sectors);
    bool as_v1 = err == FVM_OK && mistaken_for_v1(env, &post);
    if (err == FVM_OK && !post_sound(env->net->era, &post, as_v1))
        err = FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    buf.len = 0;
    if (err == FVM_OK) err = masked_post(&buf, &post, as_v1);
    if (err == FVM_OK) err = verdict(c, out, FVM_PROOF_WINDOW_POST, fvm_buf_bytes(&buf));
    fvm_buf_deinit(&buf);
    return err;
}

/* --- aggregated seals, replica updates --- */

typedef struct fvm__aggregate {
    int64_t seal;
    uint64_t count;
    bool sound;
} fvm__aggregate;

/* [miner, seal_proof, aggregate_proof, proof bytes, [[number, rand, irand, sealed, unsealed]...]] */
static fvm_err read_aggregate(fvm__aggregate *agg, fvm_bytes in, fvm_era era, fvm_buf *spare)
{
    uint64_t number;
    int64_t kind;
    FVM_TRY(fvm_cbor_tuple(5, &in));
    FVM_TRY(fvm_cbor_uint(&number, &in));
    FVM_TRY(fvm_cbor_int(&agg->seal, &in));
    FVM_TRY(fvm_cbor_int(&kind, &in));
    FVM_TRY(read_bytes(NULL, NULL, &in, spare));
    FVM_TRY(fvm_cbor_array(&agg->count, &in));
    agg->sound = agg->count > 0 && seal_known(era, agg->seal) && (kind == 0 || kind == 1);
    for (uint64_t i = 0; i < agg->count; i++) {
        size_t random, interactive;
        fvm_cid sealed, unsealed;
        FVM_TRY(fvm_cbor_tuple(5, &in));
        FVM_TRY(fvm_cbor_uint(&number, &in));
        FVM_TRY(read_bytes(NULL, &random, &in, spare));
        FVM_TRY(read_bytes(NULL, &interactive, &in, spare));
        FVM_TRY(fvm_cbor_cid(&sealed, &in));
        FVM_TRY(fvm_cbor_cid(&unsealed, &in));
        if (random != RANDOMNESS_LEN || interactive != RANDOMNESS_LEN || !is_sealed(&sealed) ||
            !is_unsealed(&unsealed))
            agg->sound = false;
    }
    return fvm_cbor_end(in);
}

fvm_err fvm__crypto_verify_aggregate(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    fvm_bytes params;
    FVM_TRY(fvm__slice(&params, c, args[0], args[1]));
    fvm__aggregate agg = { 0 };
    fvm_buf spare;
    fvm_buf_init(&spare, env->alloc);
    fvm_err err = read_aggregate(&agg, params, env->net->era, &spare);
    fvm_buf_deinit(&spare);
    FVM_TRY(argument(err));
    FVM_TRY(fvm_price_on_verify_aggregate_seals(env->net, &env->gas, agg.seal, agg.count));
    if (!agg.sound) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return verdict(c, out, FVM_PROOF_AGGREGATE_SEALS, params);
}

/* ReplicaUpdateInfo: [type, old, new, unsealed, proof], where the proof is an array of integers. */
static fvm_err read_update(bool *sound, fvm_bytes in)
{
    int64_t type;
    uint64_t len;
    fvm_cid before, after, unsealed;
    FVM_TRY(fvm_cbor_tuple(5, &in));
    FVM_TRY(fvm_cbor_int(&type, &in));
    FVM_TRY(fvm_cbor_cid(&before, &in));
    FVM_TRY(fvm_cbor_cid(&after, &in));
    FVM_TRY(fvm_cbor_cid(&unsealed, &in));
    FVM_TRY(fvm_cbor_array(&len, &in));
    for (uint64_t i = 0; i < len; i++) FVM_TRY(read_u8(&in));
    *sound = type >= 0 && type < 5 && is_sealed(&before) && is_sealed(&after) &&
             is_unsealed(&unsealed);
    return fvm_cbor_end(in);
}

fvm_err fvm__crypto_verify_update(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_bytes params;
    bool sound = false;
    FVM_TRY(fvm__slice(&params, c, args[0], args[1]));
    FVM_TRY(argument(read_update(&sound, params)));
    FVM_TRY(fvm_price_on_verify_replica_update(c->env->net, &c->env->gas));
    if (!sound) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    return verdict(c, out, FVM_PROOF_REPLICA_UPDATE, params);
}

/* --- commitments --- */

/* Bytes of a sector by seal type: 2 KiB, 8 MiB, 512 MiB, 32 GiB, 64 GiB. */
static uint64_t sector_bytes(int64_t seal)
{
    static const uint8_t log2[5] = { 11, 23, 29, 35, 36 };
    return UINT64_C(1) << log2[seal % 5];
}

/* [[padded size, commitment]...]; `pieces` NULL: only decodes. */
static fvm_err read_pieces(fvm_piece *pieces, uint64_t *count, bool *sound, fvm_bytes in)
{
    FVM_TRY(fvm_cbor_array(count, &in));
    for (uint64_t i = 0; i < *count; i++) {
        uint64_t size;
        fvm_cid cid;
        FVM_TRY(fvm_cbor_tuple(2, &in));
        FVM_TRY(fvm_cbor_uint(&size, &in));
        FVM_TRY(fvm_cbor_cid(&cid, &in));
        if (!is_unsealed(&cid)) *sound = false;
        if (!pieces) continue;
        pieces[i].padded_size = size;
        memcpy(pieces[i].commitment, cid.digest, COMMITMENT_LEN);
    }
    return fvm_cbor_end(in);
}

fvm_err fvm__crypto_unsealed_cid(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_message_env *env = c->env;
    int64_t seal = (int64_t)args[0];
    fvm_bytes in;
    uint8_t *buffer;
    if (!seal_known(env->net->era, seal)) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;
    FVM_TRY(fvm__slice(&in, c, args[1], args[2]));
    uint64_t count = 0;
    bool sound = true;
    FVM_TRY(argument(read_pieces(NULL, &count, &sound, in)));
    FVM_TRY(fvm__slice_mut(&buffer, c, args[3], args[4]));
    FVM_TRY(fvm_price_on_compute_unsealed_sector_cid(env->net, &env->gas));
    if (!sound) return FVM_ERR_SYS_ILLEGAL_ARGUMENT;

    fvm_cid cid = { .version = 1,
                    .codec = FVM_CODEC_COMM_UNSEALED,
                    .hash = FVM_HASH_SHA2_256_TRUNC254,
                    .digest_len = COMMITMENT_LEN };
    fvm_piece *pieces = NULL;
    fvm_err err = FVM_OK;
    if (count) { /* each took several bytes of `in` */
        pieces = fvm_mem_alloc(env->alloc, (size_t)count * sizeof *pieces);
        err = pieces ? read_pieces(pieces, &count, &sound, in) : FVM_ERR_NOMEM;
    }
    if (err == FVM_OK)
        err = fvm_compute_comm_d(cid.digest, sector_bytes(seal), pieces, (size_t)count);
    fvm_mem_free(env->alloc, pieces, (size_t)count * sizeof *pieces);
    FVM_TRY(argument(err));
    return fvm__write_cid(out, c, args[3], args[4], &cid);
}

fvm_err fvm__crypto_consensus_fault(fvm_syscall *c, const uint64_t *args, uint8_t *out)
{
    fvm_bytes h1, h2, extra;
    FVM_TRY(fvm__slice(&h1, c, args[0], args[1]));
    FVM_TRY(fvm__slice(&h2, c, args[2], args[3]));
    FVM_TRY(fvm__slice(&extra, c, args[4], args[5]));
    FVM_TRY(fvm_price_on_verify_consensus_fault(c->env->net, &c->env->gas));
    fvm_consensus_fault fault = { 0 };
    const fvm_externs *x = c->env->externs;
    FVM_TRY(argument(x->consensus_fault ? x->consensus_fault(x->ctx, &fault, h1, h2, extra)
                                        : FVM_ERR_NOT_FOUND));
    if (fault.type == 0) fault = (fvm_consensus_fault){ 0 };
    fvm_store_le64(out, (uint64_t)fault.epoch);
    fvm_store_le64(out + 8, fault.target);
    fvm_store_le32(out + 16, fault.type);
    return FVM_OK;
}
