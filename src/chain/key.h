/* key.h - secret keys, and where they come from: random, a mnemonic (BIP-39, BIP-32), Lotus' export. */
#ifndef FVM_CHAIN_KEY_H
#define FVM_CHAIN_KEY_H

#include "chain/eth_tx.h"

/** A secret key and its address. Wipe it when done. */
typedef struct fvm_key {
    uint8_t type;        /* fvm_signature_type */
    uint8_t secret[32];  /* big endian, BLS too */
    fvm_address address; /* f1, f3 or f410 */
    fvm_eth_address eth; /* of a secp256k1 or delegated key: its Ethereum address; else zero */
} fvm_key;

/** The key with that secret. FVM_ERR_INVALID for a secret out of its group's range or a type that is
 *  none. */
FVM_NODISCARD fvm_err fvm_key_make(fvm_key *out, fvm_signature_type type, const uint8_t secret[32]);
/** A new one. FVM_ERR_EXTERN when the system gives no random bytes. */
FVM_NODISCARD fvm_err fvm_key_random(fvm_key *out, fvm_signature_type type);
void fvm_key_wipe(fvm_key *key);
/** "secp256k1", "bls", "delegated"; static. */
const char *fvm_signature_type_name(uint8_t type);
bool fvm_signature_type_from_name(fvm_signature_type *out, const char *name);

/** Signs bytes that are not a message, as Filecoin.WalletSign: secp256k1 over blake2b-256, BLS over the
 *  bytes, delegated over keccak-256. FVM_ERR_INVALID when the key signs nothing. */
FVM_NODISCARD fvm_err fvm_key_sign(fvm_signature *out, const fvm_key *key, fvm_bytes data);
/** Whether it is a signature over `data` of the key of `address` (f1, f3, f410). */
bool fvm_signature_verify(const fvm_signature *signature, const fvm_address *address,
                          fvm_bytes data);
/** Signs a hash (personal_sign, typed data): r || s || v with v 27 or 28. False for a BLS key. */
bool fvm_key_sign_hash(uint8_t out[65], const fvm_key *key, const uint8_t hash[32]);

/* --- mnemonics --- */

#define FVM_MNEMONIC_MAX 512 /* bytes, NUL included */
#define FVM_MNEMONIC_DEFAULT "test test test test test test test test test test test junk"

/** A new mnemonic of `words` (12, 15, 18, 21, 24) words, NUL-terminated. FVM_ERR_INVALID for another
 *  count, FVM_ERR_EXTERN without random bytes. */
FVM_NODISCARD fvm_err fvm_mnemonic_new(char out[FVM_MNEMONIC_MAX], unsigned words);
/** Whether it is one of BIP-39's English mnemonics: words and checksum. FVM_ERR_MALFORMED (a count or a
 *  word; `word`, may be NULL, gets the first wrong one as a view), FVM_ERR_MISMATCH the checksum. */
FVM_NODISCARD fvm_err fvm_mnemonic_check(fvm_bytes *word, const char *mnemonic);
/** The seed: PBKDF2-HMAC-SHA512, 2,048 rounds, of the words with single spaces between them. Text is
 *  taken as it is otherwise: it must be ASCII, or in NFKD form already. FVM_ERR_LIMIT when
 *  mnemonic or passphrase has over FVM_MNEMONIC_MAX bytes. */
FVM_NODISCARD fvm_err fvm_mnemonic_seed(uint8_t out[64], const char *mnemonic,
                                        const char *passphrase);

#define FVM_KEY_COIN_ETHEREUM 60u
#define FVM_KEY_COIN_FILECOIN 461u
/** The key m/44'/coin'/0'/0/index. Derivation takes 50 microseconds, the seed a millisecond, so many
 *  accounts share one seed. FVM_ERR_INVALID when the path gives no key (probability 2^-127). */
FVM_NODISCARD fvm_err fvm_key_derive(fvm_key *out, fvm_signature_type type, const uint8_t seed[64],
                                     uint32_t coin, uint32_t index);
/** The same for any path: "m/44'/60'/0'/0/0" with ' or h for hardened. FVM_ERR_MALFORMED. */
FVM_NODISCARD fvm_err fvm_key_derive_path(fvm_key *out, fvm_signature_type type,
                                          const uint8_t seed[64], const char *path);

/* --- Lotus' export format: hex of {"Type":"secp256k1"|"bls"|"delegated","PrivateKey":base64} --- */

/** Appends the text. */
FVM_NODISCARD fvm_err fvm_key_export(fvm_buf *out, const fvm_key *key);
/** FVM_ERR_MALFORMED, FVM_ERR_INVALID. Spaces and line ends around the text do not matter. */
FVM_NODISCARD fvm_err fvm_key_import(fvm_key *out, fvm_bytes text);
#endif
