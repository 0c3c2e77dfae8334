/* node_options.c - the options of `fvm node`: what they are, their defaults, and what they may be. */
#include "node_options.h"

#include <inttypes.h>
#include <stdlib.h>

#define ACCOUNTS_MAX 10000u
#define THREADS_MAX 256u
#define SECONDS_MAX 86400
/* EIP-2294: so that the v of an EIP-155 signature fits 64 bits. */
#define CHAIN_ID_MAX (UINT64_MAX / 2 - 36)
#define NETWORK_VERSION_FIRST                                                                      \
    18u /* that a new chain can begin with: the syscalls of the one before are others */

static const char help[] =
    "Usage: fvm node [OPTION]...\n\n"
    "Runs a Filecoin network on this machine: every message makes a block at once, accounts have\n"
    "money, Ethereum's and Filecoin's JSON-RPC are on one port, HTTP and WebSocket.\n\n"
    "Chain:\n"
    "  --accounts N          accounts with money (20)\n"
    "  --balance AMOUNT      of each: 10000FIL, 5atto (10000FIL)\n"
    "  --mnemonic WORDS      from which the accounts' keys are derived, m/44'/60'/0'/0/i (the\n"
    "                        development mnemonic: test test ... junk)\n"
    "  --chain-id N          (31415926)\n"
    "  --network-version N   21 to 29; 18 to 20 with a bundle of theirs "
    "(" FVM_NETWORK_VERSION_DEFAULT_TEXT ", whose actors\n"
    "                        the embedded ones are)\n"
    "  --bundle NAME         built-in actors: embedded-user, embedded, or an imported one\n"
    "  --block-time SECONDS  blocks at intervals; 0: for each message, at once (0)\n"
    "  --no-mining           blocks by evm_mine alone\n"
    "  --data DIR            keep the chain in this folder, made if missing; one that has a chain\n"
    "                        goes on with it, and the options above must fit what it was made "
    "with\n"
    "  --in-memory           keep it in memory (that is so without --data)\n"
    "  --durability MODE     of --data: strict: nothing is lost at power loss; group: nothing "
    "when\n"
    "                        the process dies; none: the last moments may be (group)\n\n"
    "Server:\n"
    "  --port N              (8545); 0: any that is free\n"
    "  --host ADDRESS        to listen on (127.0.0.1: this machine alone)\n"
    "  --allowed-hosts NAMES other names, with commas, that requests may be for; *: any\n"
    "  --body-limit MIB      of one request (16): what anvil_dumpState gave has to fit when it is\n"
    "                        loaded again\n"
    "  --threads N           that run calls (one for each processor, 2 to 16)\n"
    "  --call-timeout SECONDS  in which calls, estimates and traces of one request must be done\n"
    "                        (30); the rest of it is answered with error -32005\n"
    "  --no-dev              without development methods and unlocked accounts\n"
    "  --log-format FORMAT   text, or json: each line on stdout is an object (text)\n"
    "  --log-calls           a line for each call\n"
    "  --quiet               no log; the accounts are not printed\n"
    "  --help                this text\n\n"
    "Health: GET /health/livez and /health/readyz. Metrics for Prometheus: GET /metrics.\n\n"
    "Example: fvm node --accounts 3 --block-time 2 --data ~/devnet\n\n" FVM_CLI_EXIT_HELP;

enum {
    ACCOUNTS,
    BALANCE,
    MNEMONIC,
    CHAIN_ID,
    NETWORK_VERSION,
    BUNDLE,
    BLOCK_TIME,
    NO_MINING,
    DATA,
    IN_MEMORY,
    DURABILITY,
    PORT,
    HOST,
    ALLOWED_HOSTS,
    BODY_LIMIT,
    THREADS,
    CALL_TIMEOUT,
    NO_DEV,
    LOG_FORMAT,
    LOG_CALLS,
    QUIET,
    HELP
};
static const fvm_option options[] = {
    [ACCOUNTS] = { "--accounts", true },
    [BALANCE] = { "--balance", true },
    [MNEMONIC] = { "--mnemonic", true },
    [CHAIN_ID] = { "--chain-id", true },
    [NETWORK_VERSION] = { "--network-version", true },
    [BUNDLE] = { "--bundle", true },
    [BLOCK_TIME] = { "--block-time", true },
    [NO_MINING] = { "--no-mining", false },
    [DATA] = { "--data", true },
    [IN_MEMORY] = { "--in-memory", false },
    [DURABILITY] = { "--durability", true },
    [PORT] = { "--port", true },
    [HOST] = { "--host", true },
    [ALLOWED_HOSTS] = { "--allowed-hosts", true },
    [BODY_LIMIT] = { "--body-limit", true },
    [THREADS] = { "--threads", true },
    [CALL_TIMEOUT] = { "--call-timeout", true },
    [NO_DEV] = { "--no-dev", false },
    [LOG_FORMAT] = { "--log-format", true },
    [LOG_CALLS] = { "--log-calls", false },
    [QUIET] = { "--quiet", false },
    [HELP] = { "--help", false },
};

/* --- options --- */

static bool wrong(const char *option, const char *value, const char *what)
{
    fprintf(stderr, "fvm node: %s '%s' is no %s. See 'fvm node --help'.\n", option, value, what);
    return false;
}

/* Words that name something: not empty. */
static bool read_word(const char **out, const char *option, const char *word, const char *what)
{
    *out = word;
    return *word || wrong(option, word, what);
}

static bool read_balance(fvm_node_request *q, const char *word)
{
    return fvm_amount_read(&q->balance, word, true) == FVM_OK ||
           wrong("--balance", word, "amount, as 5FIL or 5atto");
}

static bool read_seconds(uint32_t *ms, const char *option, const char *word, bool may_be_zero)
{
    char *end;
    double seconds = strtod(word, &end);
    if (end == word || *end || !(seconds >= 0) || seconds > SECONDS_MAX)
        return wrong(option, word, "number of seconds up to a day");
    *ms = (uint32_t)(seconds * 1000 + 0.5);
    if (*ms || (may_be_zero && seconds <= 0)) return true;
    return wrong(option, word, "time: at least 0.001 seconds");
}

static bool read_durability(fvm_node_request *q, const char *word)
{
    if (strcmp(word, "strict") == 0)
        q->durability = FVM_DURABILITY_STRICT;
    else if (strcmp(word, "group") == 0)
        q->durability = FVM_DURABILITY_GROUP;
    else if (strcmp(word, "none") == 0)
        q->durability = FVM_DURABILITY_NONE;
    else
        return wrong("--durability", word, "mode: strict, group or none");
    q->has_durability = true;
    return true;
}

static bool read_hosts(fvm_node_request *q, const char *word)
{
    free(q->hosts_text);
    q->host_count = 0;
    if (!(q->hosts_text = strdup(word))) return false;
    for (char *save = NULL, *name = strtok_r(q->hosts_text, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        if (q->host_count == FVM_NODE_HOSTS_MAX)
            return wrong("--allowed-hosts", word, "list of 64 names");
        q->hosts[q->host_count++] = name;
    }
    return true;
}

static bool read_mnemonic(fvm_node_request *q, const char *words)
{
    fvm_bytes word = { NULL, 0 };
    fvm_err err = fvm_mnemonic_check(&word, words);
    q->mnemonic = words;
    if (err == FVM_OK) return true;
    if (err == FVM_ERR_MISMATCH)
        fprintf(stderr,
                "fvm node: the mnemonic's checksum is wrong: is a word missing or changed?\n");
    else if (word.ptr)
        fprintf(stderr, "fvm node: '%.*s' is no word of a mnemonic.\n", (int)word.len,
                (const char *)word.ptr);
    else
        fprintf(stderr, "fvm node: a mnemonic has 12, 15, 18, 21 or 24 words.\n");
    return false;
}

static bool read_option(fvm_node_request *q, int which, const fvm_args *args)
{
    const char *v = args->value;
    switch (which) {
    case ACCOUNTS: return fvm_args_u64(args, &q->accounts, "--accounts", ACCOUNTS_MAX);
    case BALANCE: return read_balance(q, v);
    case MNEMONIC: return read_mnemonic(q, v);
    case CHAIN_ID:
        q->has_chain_id = true;
        return fvm_args_range(args, &q->chain_id, "--chain-id", 1, CHAIN_ID_MAX);
    case NETWORK_VERSION:
        q->has_network_version = true;
        return fvm_args_range(args, &q->network_version, "--network-version", NETWORK_VERSION_FIRST,
                              FVM_NETWORK_VERSION_MAX);
    case BUNDLE: return read_word(&q->bundle, "--bundle", v, "name of a bundle");
    case BLOCK_TIME: return read_seconds(&q->block_time_ms, "--block-time", v, true);
    case NO_MINING: q->no_mining = true; return true;
    case DATA: return read_word(&q->data, "--data", v, "folder");
    case IN_MEMORY: q->in_memory = true; return true;
    case DURABILITY: return read_durability(q, v);
    case PORT: return fvm_args_u64(args, &q->port, "--port", 65535);
    case HOST: return read_word(&q->host, "--host", v, "address");
    case ALLOWED_HOSTS: return read_hosts(q, v);
    case BODY_LIMIT: return fvm_args_range(args, &q->body_mib, "--body-limit", 1, 1024);
    case THREADS: return fvm_args_range(args, &q->threads, "--threads", 1, THREADS_MAX);
    case CALL_TIMEOUT: return read_seconds(&q->call_ms, "--call-timeout", v, false);
    case NO_DEV: q->no_dev = true; return true;
    case LOG_FORMAT:
        q->log_json = strcmp(v, "json") == 0;
        return q->log_json || strcmp(v, "text") == 0 ||
               wrong("--log-format", v, "format: text or json");
    case LOG_CALLS: q->log_calls = true; return true;
    case QUIET: q->quiet = true; return true;
    default: return false;
    }
}

/* Options that contradict each other. */
static bool agree(const fvm_node_request *q)
{
    const char *what = NULL;
    if (q->data && q->in_memory)
        what = "--data and --in-memory exclude each other";
    else if (q->has_durability && !q->data)
        what = "--durability is about a folder: name one with --data";
    else if (q->no_mining && q->block_time_ms)
        what = "--no-mining and --block-time exclude each other";
    else if (q->quiet && (q->log_json || q->log_calls))
        what = "--quiet leaves no log to format";
    if (what) fprintf(stderr, "fvm node: %s. See 'fvm node --help'.\n", what);
    return !what;
}

fvm_cli_exit fvm_node_options_read(fvm_node_request *q, bool *done, int argc, char **argv)
{
    fvm_args args = { argc, argv, "node", options, FVM_COUNT(options), 0, false, NULL };
    *q = (fvm_node_request){ .accounts = 20,
                             .chain_id = FVM_CHAIN_ID_DEFAULT,
                             .network_version = FVM_NETWORK_VERSION_DEFAULT,
                             .port = 8545,
                             .mnemonic = FVM_MNEMONIC_DEFAULT };
    bool fine = read_balance(q, "10000FIL");
    *done = false;
    for (int which; fine && (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == HELP) {
            fputs(help, stdout);
            *done = true;
            return FVM_EXIT_OK;
        }
        if (which == FVM_ARG_POSITIONAL)
            fine = wrong("argument", args.value, "option");
        else
            fine = which >= 0 && read_option(q, which, &args);
    }
    return fine && agree(q) ? FVM_EXIT_OK : FVM_EXIT_USAGE;
}

void fvm_node_request_deinit(fvm_node_request *q)
{
    for (size_t i = 0; i < q->key_count; i++) fvm_key_wipe(&q->keys[i]);
    free(q->keys);
    free(q->hosts_text);
}
