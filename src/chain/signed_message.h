/* signed_message.h - a message with the signature of its sender, as it travels and is stored.
 *
 *   CBOR [ message, byte string: type, signature bytes ]
 *
 *   type              over                                   bytes
 *   1 secp256k1       blake2b-256 of the message's CID       65, r || s || v
 *   2 BLS             the message's CID                      96
 *   3 delegated       keccak-256 of the RLP that the         65 to 75, see eth_tx.h
 *                     message stands for (FIP-0055)
 *
 * In blocks, BLS messages travel unsigned beside an aggregated signature, so their CID is that of
 * the message alone, and so is their length. */
#ifndef FVM_CHAIN_SIGNED_MESSAGE_H
#define FVM_CHAIN_SIGNED_MESSAGE_H

#include <fvm/message.h>

typedef enum fvm_signature_type {
    FVM_SIGNATURE_SECP256K1 = 1,
    FVM_SIGNATURE_BLS = 2,
    FVM_SIGNATURE_DELEGATED = 3,
} fvm_signature_type;

#define FVM_SIGNATURE_MAX 96

typedef struct fvm_signature {
    uint8_t type;                     /* fvm_signature_type */
    uint8_t len;                      /* bytes */
    uint8_t bytes[FVM_SIGNATURE_MAX]; /* zero past len */
} fvm_signature;

/** `message.params` is borrowed from what it was read from, or whatever it was set to. */
typedef struct fvm_signed_message {
    fvm_message message;
    fvm_signature signature;
} fvm_signed_message;

/** Reads the CBOR; the whole of `in` must be one signed message of a network of FVM v3 or later.
 *  Errors: FVM_ERR_MALFORMED (also an unknown type, or a length that its type cannot have),
 *  FVM_ERR_TRUNCATED, FVM_ERR_TRAILING, FVM_ERR_RANGE. `out` is unchanged on error. */
FVM_NODISCARD fvm_err fvm_signed_message_read(fvm_signed_message *out, fvm_bytes in);
/** Appends the CBOR. FVM_ERR_NOMEM; FVM_ERR_RANGE when an amount is too long. */
FVM_NODISCARD fvm_err fvm_signed_message_write(fvm_buf *out, const fvm_signed_message *message);
/** The byte string "type, bytes" on its own, as in block headers; `in` is the string's content. */
FVM_NODISCARD fvm_err fvm_signature_read(fvm_signature *out, fvm_bytes in);

/** The CID that the message has on the chain: of the unsigned message for BLS, else of the signed one.
 *  `chain_length`, the bytes that inclusion is charged for, is the length of the same form; may be
 *  NULL. FVM_ERR_NOMEM, FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm_signed_message_cid(fvm_cid *cid, uint64_t *chain_length,
                                             const fvm_signed_message *message,
                                             const fvm_allocator *alloc);
/** The CID of the message without its signature. */
FVM_NODISCARD fvm_err fvm_message_cid(fvm_cid *cid, const fvm_message *message,
                                      const fvm_allocator *alloc);

/** Whether the signature is the sender's. `key` is the address that stands for the sender's key: f1, f3
 *  or f410; for a message from an ID address the caller looks it up. A delegated signature is
 *  also checked for what FIP-0055 asks: the message stands for one Ethereum transaction, on
 *  `chain_id`, and that one's message has the same bytes.
 *  Errors: FVM_ERR_MISMATCH  not the sender's signature.
 *          FVM_ERR_INVALID   type of signature and address do not belong together, or the message
 *                            stands for no transaction. `why` (may be NULL) names it; static text.
 *          FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_signed_message_verify(const fvm_signed_message *message,
                                                const fvm_address *key, uint64_t chain_id,
                                                const fvm_allocator *alloc, const char **why);

struct fvm_key; /* key.h */
/** Signs message.message with `key`, whose kind gives the signature its type. A delegated key signs the
 *  EIP-1559 transaction (FVM_ERR_INVALID if the message stands for none).
 *  The message's sender is not compared with the key. FVM_ERR_NOMEM, FVM_ERR_RANGE. */
FVM_NODISCARD fvm_err fvm_signed_message_sign(fvm_signed_message *message,
                                              const struct fvm_key *key, uint64_t chain_id,
                                              const fvm_allocator *alloc, const char **why);
#endif
