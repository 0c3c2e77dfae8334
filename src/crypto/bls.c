/* bls.c - BLS12-381 signatures by blst: keys in G1, signatures in G2, messages hashed to G2. The
 * rules are those of the reference's bls-signatures crate, see reference/kernel.md 4. */
#include "crypto.h"

#include <blst.h>
#include <stdlib.h>

static const uint8_t suite[] = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
#define SUITE suite, sizeof suite - 1

/* A key counts only if it is in G1 and not the identity. */
static bool read_key(blst_p1_affine *out, const uint8_t key[48])
{
    return blst_p1_uncompress(out, key) == BLST_SUCCESS && !blst_p1_affine_is_inf(out) &&
           blst_p1_affine_in_g1(out);
}

static bool read_signature(blst_p2_affine *out, const uint8_t sig[96])
{
    return blst_p2_uncompress(out, sig) == BLST_SUCCESS && blst_p2_affine_in_g2(out);
}

bool fvm_bls_verify(const uint8_t sig[96], const uint8_t key[48], fvm_bytes message)
{
    blst_p1_affine p;
    blst_p2_affine s;
    if (!read_key(&p, key) || !read_signature(&s, sig)) return false;
    return blst_core_verify_pk_in_g1(&p, &s, true, message.ptr, message.len, SUITE, NULL, 0) ==
           BLST_SUCCESS;
}

static int compare_messages(const void *a, const void *b)
{
    return fvm_bytes_cmp(*(const fvm_bytes *)a, *(const fvm_bytes *)b);
}

/* Two signers of one message could have chosen keys that cancel out (draft-irtf-cfrg-bls-signature,
 * section 3.1), so messages must differ. Sorted, equal ones are neighbours. */
static fvm_err all_distinct(bool *out, const fvm_bytes *messages, size_t count)
{
    if (count > SIZE_MAX / sizeof *messages) return FVM_ERR_NOMEM;
    fvm_bytes *sorted = fvm_mem_alloc(NULL, count * sizeof *sorted);
    if (!sorted) return FVM_ERR_NOMEM;
    memcpy(sorted, messages, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_messages);
    bool distinct = true;
    for (size_t i = 1; i < count && distinct; i++)
        distinct = !fvm_bytes_eq(sorted[i - 1], sorted[i]);
    fvm_mem_free(NULL, sorted, count * sizeof *sorted);
    *out = distinct;
    return FVM_OK;
}

static bool pairing_holds(blst_pairing *pairing, const blst_p2_affine *sig, const uint8_t *keys,
                          const fvm_bytes *messages, size_t count)
{
    blst_pairing_init(pairing, true, SUITE);
    for (size_t i = 0; i < count; i++) {
        blst_p1_affine key;
        if (!read_key(&key, keys + 48 * i)) return false;
        if (blst_pairing_aggregate_pk_in_g1(pairing, &key, NULL, messages[i].ptr, messages[i].len,
                                            NULL, 0) != BLST_SUCCESS) {
            return false;
        }
    }
    blst_pairing_commit(pairing);
    blst_fp12 signed_part;
    blst_aggregated_in_g2(&signed_part, sig);
    return blst_pairing_finalverify(pairing, &signed_part);
}

fvm_err fvm_bls_verify_aggregate(bool *valid, const uint8_t sig[96], const uint8_t *keys,
                                 const fvm_bytes *messages, size_t count)
{
    blst_p2_affine s;
    bool distinct = true;
    if (count == 0) { /* the signature is not even looked at */
        *valid = true;
        return FVM_OK;
    }
    if (!read_signature(&s, sig)) {
        *valid = false;
        return FVM_OK;
    }
    FVM_TRY(all_distinct(&distinct, messages, count));
    if (!distinct) {
        *valid = false;
        return FVM_OK;
    }
    blst_pairing *pairing = fvm_mem_alloc(NULL, blst_pairing_sizeof());
    if (!pairing) return FVM_ERR_NOMEM;
    *valid = pairing_holds(pairing, &s, keys, messages, count);
    fvm_mem_free(NULL, pairing, blst_pairing_sizeof());
    return FVM_OK;
}

bool fvm_bls_aggregate(uint8_t out[96], const uint8_t *sigs, size_t count)
{
    blst_p2 sum = { 0 };
    for (size_t i = 0; i < count; i++) {
        blst_p2_affine s;
        if (!read_signature(&s, sigs + 96 * i)) return false;
        if (i == 0) {
            blst_p2_from_affine(&sum, &s);
        } else {
            blst_p2_add_or_double_affine(&sum, &sum, &s);
        }
    }
    if (count) blst_p2_compress(out, &sum);
    return count != 0;
}

/* Big endian, 1 .. group order - 1. */
static bool read_secret(blst_scalar *out, const uint8_t key[32])
{
    blst_scalar_from_bendian(out, key);
    return blst_sk_check(out);
}

bool fvm_bls_sign(uint8_t sig[96], const uint8_t key[32], fvm_bytes message)
{
    blst_scalar secret;
    blst_p2 point;
    if (!read_secret(&secret, key)) return false;
    blst_hash_to_g2(&point, message.ptr, message.len, SUITE, NULL, 0);
    blst_sign_pk_in_g1(&point, &point, &secret);
    blst_p2_compress(sig, &point);
    return true;
}

bool fvm_bls_public_key(uint8_t out[48], const uint8_t key[32])
{
    blst_scalar secret;
    blst_p1 point;
    if (!read_secret(&secret, key)) return false;
    blst_sk_to_pk_in_g1(&point, &secret);
    blst_p1_compress(out, &point);
    return true;
}
