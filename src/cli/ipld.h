/* ipld.h - what the files of `fvm ipld` share. */
#ifndef FVM_CLI_IPLD_H
#define FVM_CLI_IPLD_H

#include "blocks.h"

typedef struct fvm_ipld_command {
    const char **words; /* after the name of the action; NULL behind the last */
    int count;
    const char *output, *store, *as, *keys;
    uint64_t codec, hash, indent, bits;
    bool raw, hex, json;
} fvm_ipld_command;

fvm_cli_exit fvm_ipld_failed(fvm_err err, const fvm_store_why *why);
fvm_cli_exit fvm_ipld_list(const fvm_ipld_command *c);
fvm_cli_exit fvm_ipld_diff(const fvm_ipld_command *c);
#endif
