/* address.c - Filecoin addresses. Facts: reference/ipld.md 6.1.
 *
 *     class          bytes                        text after the network letter
 *     0 ID           00, LEB128 id                0, decimal id
 *     1 secp256k1    01, blake2b-160 of the key   1, base32(payload, checksum)
 *     2 actor        02, blake2b-160 of data      2, the same
 *     3 BLS          03, 48 bytes of key          3, the same
 *     4 delegated    04, LEB128 namespace, 0..54  4, decimal namespace, f, base32(subaddress, checksum)
 *
 * The checksum is blake2b with 4 bytes of output over the binary form, protocol byte included. */
#include <fvm/address.h>

#include "base/text.h"
#include "base/varint.h"
#include "crypto/crypto.h"

#define HASH_BYTES 20u
#define BLS_BYTES 48u
#define CHECKSUM_BYTES 4u
#define TEXT_MAX 138u   /* accepted by the reference's parser */
#define DECIMAL_MAX 20u /* characters of a number in text, sign included */

_Static_assert(sizeof(fvm_address) == 1 + FVM_ADDRESS_MAX,
               "an address is its bytes and their number");
_Static_assert(1 + FVM_VARINT_MAX + FVM_ADDRESS_SUBADDRESS_MAX == FVM_ADDRESS_MAX,
               "longest address");

static fvm_address with_payload(fvm_protocol protocol, const uint8_t *payload, size_t len)
{
    fvm_address a = { .len = (uint8_t)(1 + len), .bytes = { (uint8_t)protocol } };
    memcpy(a.bytes + 1, payload, len);
    return a;
}

fvm_address fvm_address_id(uint64_t id)
{
    uint8_t leb[FVM_VARINT_MAX];
    return with_payload(FVM_PROTOCOL_ID, leb, fvm_varint_write(leb, id));
}

fvm_address fvm_address_secp256k1(const uint8_t public_key[65])
{
    uint8_t hash[HASH_BYTES];
    fvm_blake2b_160(hash, (fvm_bytes){ public_key, 65 });
    return with_payload(FVM_PROTOCOL_SECP256K1, hash, sizeof hash);
}

fvm_address fvm_address_actor(fvm_bytes data)
{
    uint8_t hash[HASH_BYTES];
    fvm_blake2b_160(hash, data);
    return with_payload(FVM_PROTOCOL_ACTOR, hash, sizeof hash);
}

fvm_address fvm_address_bls(const uint8_t public_key[48])
{
    return with_payload(FVM_PROTOCOL_BLS, public_key, BLS_BYTES);
}

fvm_err fvm_address_delegated(fvm_address *out, uint64_t space, fvm_bytes subaddress)
{
    if (subaddress.len > FVM_ADDRESS_SUBADDRESS_MAX) return FVM_ERR_LIMIT;
    uint8_t payload[FVM_ADDRESS_MAX - 1];
    size_t n = fvm_varint_write(payload, space);
    if (subaddress.len) memcpy(payload + n, subaddress.ptr, subaddress.len);
    *out = with_payload(FVM_PROTOCOL_DELEGATED, payload, n + subaddress.len);
    return FVM_OK;
}

fvm_err fvm_address_read(fvm_address *out, fvm_bytes in, bool delegated)
{
    if (in.len < 2) return FVM_ERR_TRUNCATED;
    fvm_bytes payload = { in.ptr + 1, in.len - 1 };
    uint64_t number;
    switch (in.ptr[0]) {
    case FVM_PROTOCOL_ID:
        FVM_TRY(fvm_varint_read(&number, &payload));
        if (payload.len) return FVM_ERR_MALFORMED;
        *out = fvm_address_id(number);
        return FVM_OK;
    case FVM_PROTOCOL_SECP256K1:
    case FVM_PROTOCOL_ACTOR:
        if (payload.len != HASH_BYTES) return FVM_ERR_MALFORMED;
        break;
    case FVM_PROTOCOL_BLS:
        if (payload.len != BLS_BYTES) return FVM_ERR_MALFORMED;
        break;
    case FVM_PROTOCOL_DELEGATED:
        if (!delegated) return FVM_ERR_MALFORMED;
        FVM_TRY(fvm_varint_read(&number, &payload));
        if (payload.len > FVM_ADDRESS_SUBADDRESS_MAX) return FVM_ERR_MALFORMED;
        return fvm_address_delegated(out, number, payload);
    default: return FVM_ERR_MALFORMED;
    }
    *out = with_payload((fvm_protocol)in.ptr[0], payload.ptr, payload.len);
    return FVM_OK;
}

bool fvm_address_to_id(uint64_t *id, const fvm_address *a)
{
    if (a->len < 2 || fvm_address_protocol(a) != FVM_PROTOCOL_ID) return false;
    fvm_bytes payload = { a->bytes + 1, a->len - 1u };
    return fvm_varint_read(id, &payload) == FVM_OK;
}

bool fvm_address_to_delegated(uint64_t *space, fvm_bytes *subaddress, const fvm_address *a)
{
    if (a->len < 2 || fvm_address_protocol(a) != FVM_PROTOCOL_DELEGATED) return false;
    fvm_bytes payload = { a->bytes + 1, a->len - 1u };
    if (fvm_varint_read(space, &payload) != FVM_OK) return false;
    *subaddress = payload;
    return true;
}

bool fvm_address_eq(const fvm_address *a, const fvm_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- text --- */

/* A number in decimal and a character behind it; returns how many were written. No stdio, since this
 * file is also compiled for actors. */
static size_t put_decimal(char *out, uint64_t v, char behind)
{
    char digits[20];
    size_t n = 0, len = 0;
    do digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n) out[len++] = digits[--n];
    out[len++] = behind;
    return len;
}

size_t fvm_address_to_text(char out[FVM_ADDRESS_TEXT_MAX], const fvm_address *a, char network)
{
    uint64_t number;
    fvm_bytes tail = { a->bytes + 1, a->len ? a->len - 1u : 0u };
    if (a->len < 2) { /* "no address" has no text form of the reference; the empty string is ours */
        out[0] = 0;
        return 0;
    }
    if (fvm_address_to_id(&number, a)) {
        out[0] = network;
        out[1] = '0';
        return 1 + put_decimal(out + 2, number, '\0');
    }
    size_t n = 0;
    out[n++] = network;
    out[n++] = (char)('0' + fvm_address_protocol(a));
    if (fvm_address_to_delegated(&number, &tail, a)) n += put_decimal(out + n, number, 'f');

    uint8_t data[FVM_ADDRESS_MAX + CHECKSUM_BYTES];
    if (tail.len) memcpy(data, tail.ptr, tail.len);
    fvm_blake2b_32(data + tail.len, (fvm_bytes){ a->bytes, a->len });
    /* A buffer over the caller's room: at most 2 + 21 + 93 characters, so it never grows. */
    fvm_buf text = { .ptr = (uint8_t *)out + n, .cap = FVM_ADDRESS_TEXT_MAX - 1 - n };
    fvm_err err = fvm_base32_encode(&text, (fvm_bytes){ data, tail.len + CHECKSUM_BYTES });
    (void)err;
    n += text.len;
    out[n] = 0;
    return n;
}

/** A decimal number as Rust's u64::from_str reads it: an optional '+', leading zeros. */
static fvm_err parse_decimal(uint64_t *out, fvm_bytes text)
{
    if (text.len > DECIMAL_MAX) return FVM_ERR_MALFORMED;
    size_t i = text.len && text.ptr[0] == '+';
    if (i == text.len) return FVM_ERR_MALFORMED;
    uint64_t v = 0;
    for (; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c < '0' || c > '9') return FVM_ERR_MALFORMED;
        if (!fvm_mul_u64(&v, v, 10) || !fvm_add_u64(&v, v, (uint64_t)(c - '0')))
            return FVM_ERR_MALFORMED;
    }
    *out = v;
    return FVM_OK;
}

/** Decodes base32 of payload and checksum into `data`; `*len` is the payload's. */
static fvm_err parse_payload(uint8_t data[TEXT_MAX], size_t *len, fvm_bytes text)
{
    fvm_buf buf = { .ptr = data, .cap = TEXT_MAX }; /* text is not longer, so it never grows */
    FVM_TRY(fvm_base32_decode(&buf, text));
    if (buf.len < CHECKSUM_BYTES) return FVM_ERR_MALFORMED;
    *len = buf.len - CHECKSUM_BYTES;
    return FVM_OK;
}

fvm_err fvm_address_from_text(fvm_address *out, fvm_bytes text, char network)
{
    if (text.len > TEXT_MAX || text.len < 3 || text.ptr[0] != (uint8_t)network)
        return FVM_ERR_MALFORMED;
    uint8_t protocol = (uint8_t)(text.ptr[1] - '0');
    if (protocol > FVM_PROTOCOL_DELEGATED) return FVM_ERR_MALFORMED;
    fvm_bytes raw = { text.ptr + 2, text.len - 2 };

    uint64_t number = 0;
    if (protocol == FVM_PROTOCOL_ID) {
        FVM_TRY(parse_decimal(&number, raw));
        *out = fvm_address_id(number);
        return FVM_OK;
    }
    uint8_t binary[1 + FVM_VARINT_MAX + TEXT_MAX] = { protocol };
    size_t n = 1, len;
    if (protocol == FVM_PROTOCOL_DELEGATED) {
        const uint8_t *f = memchr(raw.ptr, 'f', raw.len);
        if (!f) return FVM_ERR_MALFORMED;
        FVM_TRY(parse_decimal(&number, (fvm_bytes){ raw.ptr, (size_t)(f - raw.ptr) }));
        raw = (fvm_bytes){ f + 1, raw.len - (size_t)(f - raw.ptr) - 1 };
        n += fvm_varint_write(binary + n, number);
    }
    FVM_TRY(parse_payload(binary + n, &len, raw));
    uint8_t sum[CHECKSUM_BYTES];
    fvm_blake2b_32(sum, (fvm_bytes){ binary, n + len });
    if (memcmp(sum, binary + n + len, CHECKSUM_BYTES) != 0) return FVM_ERR_MISMATCH;
    return fvm_address_read(out, (fvm_bytes){ binary, n + len }, true) == FVM_OK
               ? FVM_OK
               : FVM_ERR_MALFORMED;
}
