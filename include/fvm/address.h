/* address.h - Filecoin addresses f0..f4. Facts: reference/ipld.md 6.1; FIP-0048 (f4). */
#ifndef FVM_ADDRESS_H
#define FVM_ADDRESS_H

#include <fvm/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FVM_ADDRESS_MAX 65            /* bytes of the binary form */
#define FVM_ADDRESS_TEXT_MAX 140      /* characters of the text form, and its NUL */
#define FVM_ADDRESS_SUBADDRESS_MAX 54 /* bytes behind the namespace of an f4 address (FIP-0048) */
#define FVM_ADDRESS_EAM_NAMESPACE 10u /* of Ethereum addresses: actor f010's (FIP-0055) */

/** The first byte of an address, and the digit behind the letter of its text. */
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

/** f0: the address of an actor ID. */
FVM_API fvm_address fvm_address_id(uint64_t id);
/** f1: blake2b-160 of an uncompressed key (04, x, y), which is not looked at. */
FVM_API fvm_address fvm_address_secp256k1(const uint8_t public_key[65]);
/** f2: blake2b-160 of `data`. */
FVM_API fvm_address fvm_address_actor(fvm_bytes data);
/** f3: the compressed key, which is not looked at. */
FVM_API fvm_address fvm_address_bls(const uint8_t public_key[48]);
/** f4: `space` is the ID of the actor that gives out the addresses of this namespace, e.g.
 *  FVM_ADDRESS_EAM_NAMESPACE. FVM_ERR_LIMIT when the subaddress is over 54 bytes; `out` is then
 *  unchanged. */
FVM_API FVM_NODISCARD fvm_err fvm_address_delegated(fvm_address *out, uint64_t space,
                                                    fvm_bytes subaddress);
/** Reads the binary form; all of `in` must be the address. Leading varints may drop bits above 63
 *  and are re-encoded canonically. `delegated` false refuses protocol 4 (nv17). `out` is unchanged
 *  on error.
 *  Errors: FVM_ERR_TRUNCATED  less than two bytes, or the end inside a varint.
 *          FVM_ERR_MALFORMED  unknown protocol, a payload of another length, a varint too long. */
FVM_API FVM_NODISCARD fvm_err fvm_address_read(fvm_address *out, fvm_bytes in, bool delegated);
/** The protocol of an address that has one: `a->len` is not 0. */
static inline fvm_protocol fvm_address_protocol(const fvm_address *a)
{
    return (fvm_protocol)a->bytes[0];
}
/** Actor ID of an f0 address; false for other protocols, and for no address. */
FVM_API bool fvm_address_to_id(uint64_t *id, const fvm_address *a);
/** Namespace and subaddress (view into `a`) of an f4 address; false for other protocols. */
FVM_API bool fvm_address_to_delegated(uint64_t *space, fvm_bytes *subaddress, const fvm_address *a);
/** Whether two addresses are the same bytes; two that name one actor differently are not. */
FVM_API bool fvm_address_eq(const fvm_address *a, const fvm_address *b);
/** Text with network letter 'f' or 't', NUL-terminated; returns its length without the NUL. No address
 *  is the empty text. */
FVM_API size_t fvm_address_to_text(char out[FVM_ADDRESS_TEXT_MAX], const fvm_address *a,
                                   char network);
/** Reads the text form with this network letter; all of `text` must be the address. `out` is unchanged
 *  on error.
 *  Errors: FVM_ERR_MALFORMED (letter, characters, length, unused bits), FVM_ERR_MISMATCH (checksum). */
FVM_API FVM_NODISCARD fvm_err fvm_address_from_text(fvm_address *out, fvm_bytes text, char network);

#ifdef __cplusplus
}
#endif
#endif
