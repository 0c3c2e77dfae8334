/* cid.h - content identifiers. Spec: github.com/multiformats/cid. Where the network's reference
 * differs we follow it, since every node must accept the same bytes: a varint may take ten bytes,
 * and its bits above 63 are dropped (unsigned-varint 0.8). */
#ifndef FVM_CID_H
#define FVM_CID_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Multicodecs: what a block's bytes are. COMM_*: commitments to sectors, which are no blocks. */
#define FVM_CODEC_CBOR 0x51u
#define FVM_CODEC_RAW 0x55u
#define FVM_CODEC_DAG_PB 0x70u
#define FVM_CODEC_DAG_CBOR 0x71u
#define FVM_CODEC_COMM_UNSEALED 0xf101u
#define FVM_CODEC_COMM_SEALED 0xf102u

/** Multihash functions. */
#define FVM_HASH_IDENTITY 0x00u
#define FVM_HASH_SHA2_256 0x12u
#define FVM_HASH_SHA2_512 0x13u
#define FVM_HASH_KECCAK_256 0x1bu
#define FVM_HASH_RIPEMD_160 0x1053u
#define FVM_HASH_BLAKE2B_256 0xb220u
#define FVM_HASH_BLAKE2B_512 0xb240u
#define FVM_HASH_SHA2_256_TRUNC254 0x1012u
#define FVM_HASH_POSEIDON 0xb401u

#define FVM_CID_DIGEST_MAX 64 /* bytes */
/** The longest binary form: version, codec, hash, length (varints) and digest. */
#define FVM_CID_BYTES_MAX (1 + 10 + 10 + 1 + FVM_CID_DIGEST_MAX)

/** A content identifier, held by value: no heap, copied with `=`. */
typedef struct fvm_cid {
    uint64_t codec;                     /* multicodec, e.g. FVM_CODEC_DAG_CBOR */
    uint64_t hash;                      /* multihash function, e.g. FVM_HASH_BLAKE2B_256 */
    uint8_t version;                    /* 0 or 1 */
    uint8_t digest_len;                 /* bytes, 0..FVM_CID_DIGEST_MAX (64) */
    uint8_t digest[FVM_CID_DIGEST_MAX]; /* zero past digest_len */
} fvm_cid;

/** Reads one binary CID from the front of `in`; what follows it is not looked at.
 *  Out:    cid   the CID; unchanged on error.
 *          used  bytes consumed; unchanged on error; may be NULL.
 *  In:     in    untrusted; borrowed for the call.
 *  Errors: FVM_ERR_TRUNCATED  `in` ends inside the CID.
 *          FVM_ERR_MALFORMED  not CIDv0 or v1, varint too long or not minimal, digest > 64. */
FVM_API FVM_NODISCARD fvm_err fvm_cid_read(fvm_cid *cid, size_t *used, fvm_bytes in);
/** Writes the binary form; returns its length. `out` has room for FVM_CID_BYTES_MAX. */
FVM_API size_t fvm_cid_write(uint8_t *out, const fvm_cid *cid);
/** Length of the binary form in bytes, 2..FVM_CID_BYTES_MAX. */
FVM_API size_t fvm_cid_len(const fvm_cid *cid);
/** Whether two CIDs are the same, version and codec included. */
FVM_API bool fvm_cid_eq(const fvm_cid *a, const fvm_cid *b);

/** The v1 blake2b-256 CID of `block` under `codec`: what Filecoin's state is made of. */
FVM_API fvm_cid fvm_cid_of(uint64_t codec, fvm_bytes block);
/** The v1 CID of `block` under any hash function that can be computed here (identity, sha2-256,
 *  keccak-256, ripemd-160, blake2b-256, blake2b-512).
 *  Errors: FVM_ERR_INVALID  hash function not known, or identity of more than 64 bytes. */
FVM_API FVM_NODISCARD fvm_err fvm_cid_make(fvm_cid *out, uint64_t codec, uint64_t hash,
                                           fvm_bytes block);
/** FVM_OK when `block` hashes to `cid`. Errors: FVM_ERR_MISMATCH; FVM_ERR_INVALID for a hash
 *  function that cannot be computed here. */
FVM_API FVM_NODISCARD fvm_err fvm_cid_verify(const fvm_cid *cid, fvm_bytes block);

/** Room for the longest text, and its NUL. */
#define FVM_CID_TEXT_MAX 160
/** Text form, multibase base32 for v1 (prefix b), base58btc for v0; NUL-terminated. Returns the
 *  length without the NUL. */
FVM_API size_t fvm_cid_to_text(char out[FVM_CID_TEXT_MAX], const fvm_cid *cid);
/** Reads the text form (multibase b, z, f, u, m; or v0). The whole text must be one CID.
 *  Errors: FVM_ERR_MALFORMED. */
FVM_API FVM_NODISCARD fvm_err fvm_cid_from_text(fvm_cid *out, fvm_bytes text);

#ifdef __cplusplus
}
#endif
#endif
