/* node_options.h - what `fvm node` was asked for. */
#ifndef FVM_CLI_NODE_OPTIONS_H
#define FVM_CLI_NODE_OPTIONS_H

#include "cli.h"

#include "chain/chain.h"
#include "chain/key.h"

#define FVM_NODE_HOSTS_MAX 64u

typedef struct fvm_node_request {
    uint64_t accounts, chain_id, network_version, port, threads, body_mib;
    uint32_t block_time_ms, call_ms; /* 0: not given */
    fvm_big balance;
    const char *mnemonic, *bundle, *data, *host; /* bundle, data, host: NULL unless given */
    char *hosts_text;                            /* of --allowed-hosts, cut at its commas */
    const char *hosts[FVM_NODE_HOSTS_MAX];
    size_t host_count;
    fvm_durability durability;
    bool in_memory, no_mining, no_dev, log_json, log_calls, quiet;
    /* Given, and not left at what it is by default: these must fit a chain that is there already. */
    bool has_chain_id, has_network_version, has_durability;
    fvm_key *keys; /* delegated ones, then f1 */
    size_t key_count;
} fvm_node_request;

/** Reads the options, defaults first. FVM_EXIT_OK to go on unless `*done`: help was asked for; else what is
 *  wrong has been said on stderr. `out` is the caller's to deinit either way. */
fvm_cli_exit fvm_node_options_read(fvm_node_request *out, bool *done, int argc, char **argv);
/** Wipes the keys. */
void fvm_node_request_deinit(fvm_node_request *request);
#endif
