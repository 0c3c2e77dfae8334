/* cid.c - content identifiers, binary and text.
 *
 *     v1:  varint 1 | varint codec | varint hash | varint digest length | digest
 *     v0:  12 20 | 32 bytes               (sha2-256, codec dag-pb implied)
 *
 * Source: reference/ipld.md 1 and 6.2. */
#include <fvm/cid.h>

#include "base/text.h"
#include "base/util.h"
#include "base/varint.h"
#include "cid_common.h"
#include "crypto/crypto.h"
#include "fixedbuf.h"

#define CID_V0_LEN 34
#define CID_V0_TEXT_LEN 46
/* Multibase text of the longest CID in its longest base (58: 1.37 digits a byte; 32: 1.6). */
#define CID_TEXT_LEN_MAX (1 + (FVM_CID_BYTES_MAX * 8 + 4) / 5)

_Static_assert(CID_TEXT_LEN_MAX < FVM_CID_TEXT_MAX, "the longest CID must fit with its NUL");

/* The two leading numbers 12 20 stand for a v0 CID, whatever their varint form, as in the cid crate. */
static fvm_err read_v0(fvm_cid *cid, size_t *used, fvm_bytes in, fvm_bytes rest)
{
    fvm_bytes digest;
    FVM_TRY(fvm_bytes_take(&digest, &rest, 32));
    *cid = (fvm_cid){ .codec = FVM_CODEC_DAG_PB, .hash = FVM_HASH_SHA2_256, .digest_len = 32 };
    memcpy(cid->digest, digest.ptr, 32);
    if (used) *used = in.len - rest.len;
    return FVM_OK;
}

fvm_err fvm_cid_read(fvm_cid *cid, size_t *used, fvm_bytes in)
{
    fvm_bytes rest = in, digest;
    uint64_t version, codec, hash, len;
    if (fvm__cid_is_common(in)) {
        *cid = (fvm_cid){
            .codec = in.ptr[1], .hash = FVM_HASH_BLAKE2B_256, .version = 1, .digest_len = 32
        };
        memcpy(cid->digest, in.ptr + FVM__CID_COMMON_LEN - 32, 32);
        if (used) *used = FVM__CID_COMMON_LEN;
        return FVM_OK;
    }
    FVM_TRY(fvm_varint_read(&version, &rest));
    FVM_TRY(fvm_varint_read(&codec, &rest));
    if (version == 0x12 && codec == 0x20) return read_v0(cid, used, in, rest);
    if (version != 1) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_varint_read(&hash, &rest));
    FVM_TRY(fvm_varint_read(&len, &rest));
    if (len > FVM_CID_DIGEST_MAX) return FVM_ERR_MALFORMED;
    FVM_TRY(fvm_bytes_take(&digest, &rest, len));

    *cid = (fvm_cid){ .codec = codec, .hash = hash, .version = 1, .digest_len = (uint8_t)len };
    if (len) memcpy(cid->digest, digest.ptr, (size_t)len);
    if (used) *used = in.len - rest.len;
    return FVM_OK;
}

size_t fvm_cid_write(uint8_t *out, const fvm_cid *cid)
{
    uint8_t *p = out;
    if (cid->version == 1 && cid->codec < 0x80 && cid->hash == FVM_HASH_BLAKE2B_256 &&
        cid->digest_len == 32) {
        const uint8_t head[] = { 1, (uint8_t)cid->codec, 0xa0, 0xe4, 0x02, 0x20 };
        memcpy(out, head, sizeof head);
        memcpy(out + sizeof head, cid->digest, 32);
        return FVM__CID_COMMON_LEN;
    }
    if (cid->version == 0) {
        *p++ = 0x12;
        *p++ = 0x20;
    } else {
        *p++ = 1;
        p += fvm_varint_write(p, cid->codec);
        p += fvm_varint_write(p, cid->hash);
        *p++ = cid->digest_len; /* at most 64: one varint byte */
    }
    memcpy(p, cid->digest, cid->digest_len);
    return (size_t)(p - out) + cid->digest_len;
}

size_t fvm_cid_len(const fvm_cid *cid)
{
    uint8_t out[FVM_CID_BYTES_MAX];
    return fvm_cid_write(out, cid);
}

bool fvm_cid_eq(const fvm_cid *a, const fvm_cid *b)
{
    return a->codec == b->codec && a->hash == b->hash && a->version == b->version &&
           a->digest_len == b->digest_len && memcmp(a->digest, b->digest, a->digest_len) == 0;
}

/* --- making and checking --- */

fvm_cid fvm_cid_of(uint64_t codec, fvm_bytes block)
{
    fvm_cid cid = { .codec = codec, .hash = FVM_HASH_BLAKE2B_256, .version = 1, .digest_len = 32 };
    fvm_blake2b_256(cid.digest, block);
    return cid;
}

fvm_err fvm_cid_make(fvm_cid *out, uint64_t codec, uint64_t hash, fvm_bytes block)
{
    fvm_cid cid = { .codec = codec, .hash = hash, .version = 1, .digest_len = 32 };
    switch (hash) {
    case FVM_HASH_IDENTITY:
        if (block.len > FVM_CID_DIGEST_MAX) return FVM_ERR_INVALID;
        cid.digest_len = (uint8_t)block.len;
        if (block.len) memcpy(cid.digest, block.ptr, block.len);
        break;
    case FVM_HASH_SHA2_256: fvm_sha256(cid.digest, block); break;
    case FVM_HASH_KECCAK_256: fvm_keccak256(cid.digest, block); break;
    case FVM_HASH_BLAKE2B_256: fvm_blake2b_256(cid.digest, block); break;
    case FVM_HASH_RIPEMD_160:
        cid.digest_len = 20;
        fvm_ripemd160(cid.digest, block);
        break;
    case FVM_HASH_BLAKE2B_512:
        cid.digest_len = 64;
        fvm_blake2b_512(cid.digest, block);
        break;
    default: return FVM_ERR_INVALID;
    }
    *out = cid;
    return FVM_OK;
}

fvm_err fvm_cid_verify(const fvm_cid *cid, fvm_bytes block)
{
    fvm_cid made;
    if (cid->hash == FVM_HASH_IDENTITY) {
        fvm_bytes digest = { cid->digest, cid->digest_len };
        return fvm_bytes_eq(digest, block) ? FVM_OK : FVM_ERR_MISMATCH;
    }
    FVM_TRY(fvm_cid_make(&made, cid->codec, cid->hash, block));
    bool same = made.digest_len == cid->digest_len &&
                memcmp(made.digest, cid->digest, cid->digest_len) == 0;
    return same ? FVM_OK : FVM_ERR_MISMATCH;
}

/* --- text --- */

size_t fvm_cid_to_text(char out[FVM_CID_TEXT_MAX], const fvm_cid *cid)
{
    uint8_t bytes[FVM_CID_BYTES_MAX];
    fvm_bytes in = { bytes, fvm_cid_write(bytes, cid) };
    fvm_buf text = fvm__fixed_buf((uint8_t *)out, FVM_CID_TEXT_MAX);
    fvm_err err;
    if (cid->version == 0) {
        err = fvm_base58_encode(&text, in);
    } else {
        text.ptr[text.len++] = 'b';
        err = fvm_base32_encode(&text, in);
    }
    if (err != FVM_OK || text.len >= FVM_CID_TEXT_MAX)
        text.len = 0; /* not reached: see CID_TEXT_LEN_MAX */
    out[text.len] = '\0';
    return text.len;
}

static int base64_digit(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == (url ? '-' : '+')) return 62;
    if (c == (url ? '_' : '/')) return 63;
    return -1;
}

/* Multibase's m and u carry no padding, unlike base/text.h's base64. */
static fvm_err base64_unpadded(fvm_buf *out, fvm_bytes text, bool url)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        int d = base64_digit(text.ptr[i], url);
        if (d < 0) return FVM_ERR_MALFORMED;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have < 8) continue;
        have -= 8;
        FVM_TRY(fvm_buf_put_u8(out, (uint8_t)(bits >> have)));
        bits &= (1u << have) - 1;
    }
    return have == 6 || bits != 0 ? FVM_ERR_MALFORMED
                                  : FVM_OK; /* stray digit, non-zero spare bits */
}

static fvm_err decode_multibase(fvm_buf *out, fvm_bytes text)
{
    if (text.len == CID_V0_TEXT_LEN && text.ptr[0] == 'Q' && text.ptr[1] == 'm')
        return fvm_base58_decode(out, text);
    fvm_bytes digits = { text.ptr + 1, text.len - 1 };
    switch (text.ptr[0]) {
    case 'b': return fvm_base32_decode(out, digits);
    case 'z': return fvm_base58_decode(out, digits);
    case 'f': return fvm_hex_decode(out, digits);
    case 'm': return base64_unpadded(out, digits, false);
    case 'u': return base64_unpadded(out, digits, true);
    default: return FVM_ERR_MALFORMED;
    }
}

fvm_err fvm_cid_from_text(fvm_cid *out, fvm_bytes text)
{
    /* Hex is the longest text form; leading zeros cannot make a CID longer. */
    uint8_t bytes[2 * FVM_CID_BYTES_MAX + 2];
    fvm_buf buf = fvm__fixed_buf(bytes, sizeof bytes);
    fvm_cid cid;
    size_t used;
    if (text.len < 2 || text.len > 1 + 2 * FVM_CID_BYTES_MAX) return FVM_ERR_MALFORMED;
    if (decode_multibase(&buf, text) != FVM_OK) return FVM_ERR_MALFORMED;
    if (fvm_cid_read(&cid, &used, fvm_buf_bytes(&buf)) != FVM_OK) return FVM_ERR_MALFORMED;
    if (used != buf.len) return FVM_ERR_MALFORMED;
    *out = cid;
    return FVM_OK;
}
