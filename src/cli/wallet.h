/* wallet.h - what commands that use keys share: passphrases, addresses in all their forms, the folder. */
#ifndef FVM_CLI_WALLET_H
#define FVM_CLI_WALLET_H

#include "chain/key_file.h"
#include "cli.h"

#define FVM_PASSPHRASE_MAX 1024 /* bytes */

/** A passphrase. Wipe it when done. */
typedef struct fvm_passphrase {
    uint8_t bytes[FVM_PASSPHRASE_MAX];
    size_t len;
} fvm_passphrase;

/** From `file` if it is not NULL (without the line end), else from $FVM_PASSPHRASE, else asked for on the
 *  terminal, twice if it is for something new. FVM_EXIT_USAGE without any of these; said on stderr. */
fvm_cli_exit fvm_passphrase_get(fvm_passphrase *out, const char *command, const char *file,
                                const char *prompt, bool twice);
fvm_bytes fvm_passphrase_bytes(const fvm_passphrase *passphrase);

/** Reads f..., t... or 0x...; false when it is none. */
bool fvm_cli_address(fvm_address *out, const char *text);
/** The folder of keys: `named`, or the usual one in `room`. NULL after a message on stderr. */
const char *fvm_cli_keys_folder(char room[4096], const char *named, const char *command);
/** Lets the user confirm on the terminal; false without one, or if the answer is not yes. */
bool fvm_cli_confirm(const char *question);
#endif
