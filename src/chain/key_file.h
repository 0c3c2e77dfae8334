/* key_file.h - encrypted keys: one file each, in a folder.
 *
 *   FOLDER/UTC--2026-11-22T10-00-00Z--ADDRESS    a key, JSON
 *   FOLDER/default                               the address of the key used when none is named
 *
 * A delegated key is written as Ethereum's clients write theirs (Web3 Secret Storage, version 3): scrypt,
 * AES-128-CTR, and keccak-256 as a check, so geth, foundry and wallets read it, and theirs are read
 * here, PBKDF2 too. Keys of f1 and f3 addresses are in the same envelope, without the field
 * "address", and with "filecoin": {"type", "address"}; others refuse or ignore them. */
#ifndef FVM_CHAIN_KEY_FILE_H
#define FVM_CHAIN_KEY_FILE_H

#include "chain/key.h"
#include <fvm/store.h>

#define FVM_KEY_FILE_MAX 65536u /* bytes that are read of a file */
/** Costs of scrypt as a power of two: the usual one (256 MiB, about a second), and a light one (4 MiB). */
#define FVM_KEY_COST 18u
#define FVM_KEY_COST_LIGHT 12u

/** Appends the JSON of an encrypted key. `cost` is FVM_KEY_COST or FVM_KEY_COST_LIGHT, or 1..20.
 *  FVM_ERR_NOMEM, FVM_ERR_INVALID (cost), FVM_ERR_EXTERN without random bytes. */
FVM_NODISCARD fvm_err fvm_key_encrypt(fvm_buf *out, const fvm_key *key, fvm_bytes passphrase,
                                      unsigned cost);
/** Reads one. Errors: FVM_ERR_MALFORMED not such a file; FVM_ERR_INVALID a cipher, derivation or cost that
 *  is not taken (memory is bounded by 1 GiB); FVM_ERR_MISMATCH the passphrase is wrong. `why` says
 *  which. */
FVM_NODISCARD fvm_err fvm_key_decrypt(fvm_key *out, fvm_bytes json, fvm_bytes passphrase,
                                      fvm_store_why *why);
/** What can be read without the passphrase: whose key it is. FVM_ERR_MALFORMED. */
FVM_NODISCARD fvm_err fvm_key_file_address(fvm_address *address, uint8_t *type, fvm_bytes json);

typedef struct fvm_key_info {
    fvm_address address;
    uint8_t type;     /* fvm_signature_type */
    const char *path; /* valid during the call of the visitor */
    bool is_default;
} fvm_key_info;
/** The folder used when none is named: $FVM_KEYS, or fvm/keys in $XDG_DATA_HOME, or in
 *  ~/.local/share. FVM_ERR_NOT_FOUND without a home. */
FVM_NODISCARD fvm_err fvm_keys_folder(char out[4096]);
/** Visits the keys of a folder in order of their names. Files that are no keys are passed over; a folder
 *  that is not there has none. Anything but FVM_OK from `visit` ends it and is returned. */
FVM_NODISCARD fvm_err fvm_keys_each(const char *folder,
                                    fvm_err (*visit)(void *ctx, const fvm_key_info *info),
                                    void *ctx, fvm_store_why *why);
/** Writes a key; the folder is made (0700) if it is not there, the file is 0600 and whole or not there.
 *  The first key becomes the default. FVM_ERR_INVALID when the address has a file already. */
FVM_NODISCARD fvm_err fvm_keys_put(const char *folder, const fvm_key *key, fvm_bytes passphrase,
                                   unsigned cost, fvm_store_why *why);
/** Reads and decrypts. FVM_ERR_NOT_FOUND; errors of fvm_key_decrypt. */
FVM_NODISCARD fvm_err fvm_keys_get(fvm_key *out, const char *folder, const fvm_address *address,
                                   fvm_bytes passphrase, fvm_store_why *why);
/** Removes the file of an address, and the default if it was that. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_keys_delete(const char *folder, const fvm_address *address,
                                      fvm_store_why *why);
/** The default key's address. FVM_ERR_NOT_FOUND. */
FVM_NODISCARD fvm_err fvm_keys_default(fvm_address *out, const char *folder, fvm_store_why *why);
/** FVM_ERR_NOT_FOUND when the folder has no such key. */
FVM_NODISCARD fvm_err fvm_keys_set_default(const char *folder, const fvm_address *address,
                                           fvm_store_why *why);
#endif
