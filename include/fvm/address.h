/* address.h - Filecoin addresses f0..f4. Facts: reference/ipld.md 6.1; FIP-0048 (f4). */
#ifndef FVM_ADDRESS_H
#define FVM_ADDRESS_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM_ADDRESS_MAX 65
#define FVM_ADDRESS_TEXT_MAX 140
#define FVM_ADDRESS_SUBADDRESS_MAX 54
#define FVM_ADDRESS_EAM_NAMESPACE 10u

typedef enum fvm_protocol {
    FVM_PROTOCOL_ID = 0,
    FVM_PROTOCOL_SECP256K1 = 1,
    FVM_PROTOCOL_ACTOR = 2,
    FVM_PROTOCOL_BLS = 3,
    FVM_PROTOCOL_DELEGATED = 4,
} fvm_protocol;

/** An address by value: protocol byte and payload in canonical form. len 0: no address. */
typedef struct fvm_address {
    uint8_t len;
    uint8_t bytes[FVM_ADDRESS_MAX]; /* zero past len */
} fvm_address;

FVM_API fvm_address fvm_address_id(uint64_t id);
FVM_API fvm_address fvm_address_secp256k1(const uint8_t public_key[65]);
/** f2: blake2b-160 of `data`. */
FVM_API fvm_address fvm_address_actor(fvm_bytes data);
FVM_API fvm_address fvm_address_bls(const uint8_t public_key[48]);
/** f4; FVM_ERR_LIMIT when the subaddress is over 54 bytes. */
FVM_API FVM_NODISCARD fvm_err fvm_address_delegated(fvm_address *out, uint64_t space,
                                                    fvm_bytes subaddress);
/** Reads the binary form; all of `in` must be the address. Leading varints may drop bits above 63
 *  and are re-encoded canonically. `delegated` false refuses protocol 4 (nv17).
 *  Errors: FVM_ERR_MALFORMED, FVM_ERR_TRUNCATED. */
FVM_API FVM_NODISCARD fvm_err fvm_address_read(fvm_address *out, fvm_bytes in, bool delegated);
static inline fvm_protocol fvm_address_protocol(const fvm_address *a)
{
    return (fvm_protocol)a->bytes[0];
}
/** Actor ID of an f0 address; false for other protocols. */
FVM_API bool fvm_address_to_id(uint64_t *id, const fvm_address *a);
/** Namespace and subaddress (view into `a`) of an f4 address; false for other protocols. */
FVM_API bool fvm_address_to_delegated(uint64_t *space, fvm_bytes *subaddress, const fvm_address *a);
FVM_API bool fvm_address_eq(const fvm_address *a, const fvm_address *b);
/** Text with network letter 'f' or 't', NUL-terminated; returns its length. */
FVM_API size_t fvm_address_to_text(char out[FVM_ADDRESS_TEXT_MAX], const fvm_address *a,
                                   char network);
/** Errors: FVM_ERR_MALFORMED (letter, characters, length, unused bits), FVM_ERR_MISMATCH (checksum). */
FVM_API FVM_NODISCARD fvm_err fvm_address_from_text(fvm_address *out, fvm_bytes text, char network);

#ifdef __cplusplus
}
#endif
#endif
