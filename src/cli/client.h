/* client.h - commands that talk to a node: JSON-RPC, who sends, sending and waiting for the outcome.
 *
 * A message is sent in one of three ways, by whose key its sender is: signed here with a key of the user's
 * folder, as an Ethereum transaction (delegated) or a Filecoin message (f1, f3); or signed by the node,
 * which keeps the keys of its development accounts. */
#ifndef FVM_CLI_CLIENT_H
#define FVM_CLI_CLIENT_H

#include "http_client.h"
#include "json.h"
#include "wallet.h"

#include <fvm/message.h>

#define FVM_CLIENT_URL "http://127.0.0.1:8545"

/** What the options of these commands say. Zero-initialise. */
typedef struct fvm_client_options {
    const char *url;  /* NULL: $FVM_RPC, else FVM_CLIENT_URL */
    const char *from; /* NULL: the node's first account, else the default key */
    const char *keys, *passphrase_file;
    const char *value;  /* an amount */
    uint64_t gas_limit; /* 0: estimated */
    uint64_t timeout_s; /* for the outcome; 0: 120 */
    bool no_wait, json;
} fvm_client_options;
/** The rows of the options for a command's table, its help, and the reading of one: true when `which`,
 *  which counts from FVM_CLIENT_FIRST, was one of them. `bad` is set after a message on stderr. */
#define FVM_CLIENT_OPTIONS                                                                         \
    { "--rpc", true }, { "--json", false },                                                        \
    {                                                                                              \
        "--help", false                                                                            \
    }
#define FVM_CLIENT_HELP                                                                            \
    "  --rpc URL               the node (default $FVM_RPC, else " FVM_CLIENT_URL ")\n"             \
    "  --json                  print JSON, errors too\n"                                           \
    "  --help                  this text\n"
#define FVM_SENDER_OPTIONS                                                                         \
    { "--from", true }, { "--keys", true }, { "--passphrase-file", true }, { "--value", true },    \
        { "--gas-limit", true }, { "--no-wait", false },                                           \
    {                                                                                              \
        "--timeout", true                                                                          \
    }
#define FVM_SENDER_HELP                                                                            \
    "  --from ADDRESS          who sends (default: the node's first account, or else the "         \
    "default\n"                                                                                    \
    "                          key of 'fvm wallet')\n"                                             \
    "  --value AMOUNT          sent along: 1.5FIL, 100atto; a bare number is FIL\n"                \
    "  --gas-limit N           gas limit (default: estimated by the node)\n"                       \
    "  --no-wait               do not wait for the outcome\n"                                      \
    "  --timeout SECONDS       how long to wait (default 120)\n"                                   \
    "  --keys DIR              another folder of keys\n"                                           \
    "  --passphrase-file FILE  passphrase of the key, else $FVM_PASSPHRASE, else asked for\n"
enum { FVM_CLIENT_RPC, FVM_CLIENT_JSON, FVM_CLIENT_HELP_ASKED, FVM_CLIENT_COUNT };
/** Takes in option `which` of the rows above, FVM_CLIENT_OPTIONS first, then FVM_SENDER_OPTIONS; false after a
 *  message on stderr. FVM_CLIENT_HELP_ASKED is the command's own affair. */
bool fvm_client_option(fvm_client_options *o, int which, const fvm_args *args);

/** A node. */
typedef struct fvm_client {
    const char *command; /* for messages: "send" */
    const fvm_client_options *options;
    fvm_http *http;
    uint64_t next_id;
    char letter; /* of the network's addresses; 0: not asked yet */
    fvm_store_why why;
    json_t *error; /* the node's last one: {"code", "message", "data"}; NULL: none */
} fvm_client;
/** Opens it; errors are said in client->why. */
FVM_NODISCARD fvm_err fvm_client_open(fvm_client *client, const char *command,
                                      const fvm_client_options *options);
void fvm_client_close(fvm_client *client);
/** Says client->why on stderr, and with --json on stdout; the exit code for `err`. */
fvm_cli_exit fvm_client_failed(const fvm_client *client, fvm_err err);

/** Calls a method. Takes `params` (a list; NULL: out of memory). `*result` is the caller's.
 *  Errors, told in client->why: FVM_ERR_IO; FVM_ERR_MALFORMED the reply is no JSON-RPC;
 *          FVM_ERR_INVALID  the node answered with an error; its number is *code if that is not NULL;
 *          FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_client_call(fvm_client *client, json_t **result, int64_t *code,
                                      const char *method, json_t *params);
/** What the node's last error says of a revert: the text of its require, a panic, or the contract's own error as
 *  0x...; false when that was none. */
bool fvm_client_reason(const fvm_client *client, char *out, size_t room);
/** Results in common forms; `method`'s name is in the words of a failure. */
FVM_NODISCARD fvm_err fvm_client_quantity(fvm_client *client, uint64_t *out, const char *method,
                                          json_t *params);
/** 0x... of a JSON string, appended. */
FVM_NODISCARD fvm_err fvm_client_hex(fvm_buf *out, const json_t *value);
/** Text to JSON: "0x" and digits. NULL: out of memory. */
json_t *fvm_client_hex_json(fvm_bytes bytes);
json_t *fvm_client_quantity_json(uint64_t value);

/** "1.5FIL", "100atto", "2nanoFIL", "3" (FIL). False when it is no amount. */
bool fvm_client_amount(fvm_big *out, const char *text);
/** "1.5 FIL". */
void fvm_client_amount_text(char out[FVM_BIG_TEXT_MAX + 8], const fvm_big *amount);

/** Writes an address as the node's network has it: f... on mainnet, else t... */
void fvm_client_address_text(fvm_client *client, char out[FVM_ADDRESS_TEXT_MAX],
                             const fvm_address *address);
/** Writes the Ethereum form of an address, looked up at the node if need be. Errors as of a call;
 *  FVM_ERR_NOT_FOUND when there is no such actor. */
FVM_NODISCARD fvm_err fvm_client_eth_address(fvm_client *client, fvm_eth_address *out,
                                             const fvm_address *address);

/** What came of a message. */
typedef struct fvm_outcome {
    bool is_eth;   /* sent as an Ethereum transaction: hash, contract, logs */
    bool waited;   /* what follows the hash is known */
    char hash[70]; /* 0x... */
    char cid[FVM_CID_TEXT_MAX];
    bool ok; /* exit code 0, status 1 */
    uint32_t exit_code;
    uint64_t height, gas_used;
    fvm_buf return_data;
    char contract[FVM_ETH_ADDRESS_TEXT]; /* empty: none */
    json_t *logs;                        /* NULL: none */
    json_t *request;                     /* as the node was asked; NULL: not known */
    char reason[400]; /* of a revert, as of fvm_client_reason; empty: not known */
} fvm_outcome;
void fvm_outcome_init(fvm_outcome *outcome);
void fvm_outcome_deinit(fvm_outcome *outcome);

/** A message to send. */
typedef struct fvm_errand {
    fvm_address to; /* len 0: creates an EVM contract */
    uint64_t method;
    fvm_bytes params; /* of the message; for contracts: the input itself, `is_input` */
    bool is_input;    /* a call of an EVM contract, or its creation */
} fvm_errand;
/** Finds the sender, signs, sends, waits. `client->options` has the rest. Errors told in client->why;
 *  FVM_ERR_NOT_FOUND when there is nobody to send it, FVM_ERR_IO also when the outcome did not come in time. */
FVM_NODISCARD fvm_err fvm_client_send(fvm_client *client, fvm_outcome *out,
                                      const fvm_errand *errand);
/** Prints an outcome, as lines or JSON; `extra` (taken; NULL: none) are more members. The exit code is
 *  FVM_EXIT_FAILED when the message failed. */
fvm_cli_exit fvm_outcome_print(const fvm_client *client, const fvm_outcome *outcome, json_t *extra);
#endif
