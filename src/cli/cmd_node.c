/* cmd_node.c - `fvm node`: a Filecoin network on this machine. Makes the chain with its accounts, starts
 * the server, says where it is and who has money, and waits to be told to stop. */
#include "cli.h"

#include "base/text.h"
#include "rpc/metrics.h"
#include "rpc/node.h"
#include "store/source.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNTS_MAX 10000u
#define NATIVE_ACCOUNTS 5u /* f1 accounts of the same mnemonic */
#define ACCOUNTS_SHOWN 50u
#define HOSTS_MAX 64u

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
    "  --network-version N   18 to 29 (" FVM_NETWORK_VERSION_DEFAULT_TEXT
    ", whose actors the embedded ones are)\n"
    "  --bundle NAME         built-in actors: embedded-user, embedded, or an imported one\n"
    "  --block-time SECONDS  blocks at intervals; 0: for each message, at once (0)\n"
    "  --no-mining           blocks by evm_mine alone\n"
    "  --data DIR            keep the chain in this folder, made if missing\n"
    "  --in-memory           keep it in memory (that is so without --data)\n"
    "  --durability MODE     strict: nothing is lost at power loss; group: nothing when the "
    "process\n"
    "                        dies; none: the last moments may be (group)\n\n"
    "Server:\n"
    "  --port N              (8545); 0: any that is free\n"
    "  --host ADDRESS        to listen on (127.0.0.1: this machine alone)\n"
    "  --allowed-hosts NAMES other names, with commas, that requests may be for; *: any\n"
    "  --threads N           that run calls\n"
    "  --call-timeout SECONDS  in which calls, estimates and traces of one request must be done\n"
    "                        (30); the rest of it is answered with error -32005\n"
    "  --body-limit MIB      of one request (16): what anvil_dumpState gave has to fit when it is\n"
    "                        loaded again\n"
    "  --no-dev              without development methods and unlocked accounts\n"
    "  --log-format FORMAT   text or json (text)\n"
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
    THREADS,
    CALL_TIMEOUT,
    BODY_LIMIT,
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
    [THREADS] = { "--threads", true },
    [CALL_TIMEOUT] = { "--call-timeout", true },
    [BODY_LIMIT] = { "--body-limit", true },
    [NO_DEV] = { "--no-dev", false },
    [LOG_FORMAT] = { "--log-format", true },
    [LOG_CALLS] = { "--log-calls", false },
    [QUIET] = { "--quiet", false },
    [HELP] = { "--help", false },
};

typedef struct request {
    uint64_t accounts, chain_id, network_version, port, threads, body_mib;
    uint32_t block_time_ms, call_ms;
    fvm_big balance;
    const char *mnemonic, *bundle, *data, *host;
    char *hosts_text; /* of --allowed-hosts, cut at its commas */
    const char *hosts[HOSTS_MAX];
    size_t host_count;
    fvm_durability durability;
    bool in_memory, no_mining, no_dev, log_json, log_calls, quiet;
    fvm_key *keys; /* delegated ones, then f1 */
    size_t key_count;
} request;

/* --- options --- */

static bool wrong(const char *option, const char *value, const char *what)
{
    fprintf(stderr, "fvm node: %s '%s' is no %s. See 'fvm node --help'.\n", option, value, what);
    return false;
}

static bool read_balance(request *q, const char *word)
{
    return fvm_amount_read(&q->balance, word, true) == FVM_OK ||
           wrong("--balance", word, "amount, as 5FIL or 5atto");
}

static bool read_seconds(uint32_t *ms, const char *option, const char *word)
{
    char *end;
    double seconds = strtod(word, &end);
    if (end == word || *end || !(seconds >= 0) || seconds > 86400)
        return wrong(option, word, "number of seconds up to a day");
    *ms = (uint32_t)(seconds * 1000 + 0.5);
    return true;
}

static bool read_durability(request *q, const char *word)
{
    if (strcmp(word, "strict") == 0)
        q->durability = FVM_DURABILITY_STRICT;
    else if (strcmp(word, "group") == 0)
        q->durability = FVM_DURABILITY_GROUP;
    else if (strcmp(word, "none") == 0)
        q->durability = FVM_DURABILITY_NONE;
    else
        return wrong("--durability", word, "mode: strict, group or none");
    return true;
}

static bool read_hosts(request *q, const char *word)
{
    free(q->hosts_text);
    q->host_count = 0;
    if (!(q->hosts_text = strdup(word))) return false;
    for (char *save = NULL, *name = strtok_r(q->hosts_text, ",", &save); name;
         name = strtok_r(NULL, ",", &save)) {
        if (q->host_count == HOSTS_MAX) return wrong("--allowed-hosts", word, "list of 64 names");
        q->hosts[q->host_count++] = name;
    }
    return true;
}

static bool read_mnemonic(request *q, const char *words)
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

static bool read_option(request *q, int which, const fvm_args *args)
{
    const char *v = args->value;
    switch (which) {
    case ACCOUNTS: return fvm_args_u64(args, &q->accounts, "--accounts", ACCOUNTS_MAX);
    case BALANCE: return read_balance(q, v);
    case MNEMONIC: return read_mnemonic(q, v);
    case CHAIN_ID: return fvm_args_u64(args, &q->chain_id, "--chain-id", UINT64_MAX);
    case NETWORK_VERSION:
        return fvm_args_u64(args, &q->network_version, "--network-version", UINT32_MAX);
    case BUNDLE: q->bundle = v; return true;
    case BLOCK_TIME: return read_seconds(&q->block_time_ms, "--block-time", v);
    case NO_MINING: q->no_mining = true; return true;
    case DATA: q->data = v; return true;
    case IN_MEMORY: q->in_memory = true; return true;
    case DURABILITY: return read_durability(q, v);
    case PORT: return fvm_args_u64(args, &q->port, "--port", 65535);
    case HOST: q->host = v; return true;
    case ALLOWED_HOSTS: return read_hosts(q, v);
    case THREADS: return fvm_args_u64(args, &q->threads, "--threads", 256);
    case CALL_TIMEOUT: return read_seconds(&q->call_ms, "--call-timeout", v);
    case BODY_LIMIT: return fvm_args_u64(args, &q->body_mib, "--body-limit", 1024);
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

/* --- keys --- */

static fvm_err derive_keys(request *q)
{
    uint8_t seed[64];
    size_t native = q->accounts < NATIVE_ACCOUNTS ? (size_t)q->accounts : NATIVE_ACCOUNTS;
    q->keys = calloc((size_t)q->accounts + native + 1, sizeof *q->keys);
    if (!q->keys) return FVM_ERR_NOMEM;
    FVM_TRY(fvm_mnemonic_seed(seed, q->mnemonic, ""));
    for (uint32_t i = 0; i < q->accounts; i++)
        FVM_TRY(fvm_key_derive(&q->keys[q->key_count++], FVM_SIGNATURE_DELEGATED, seed,
                               FVM_KEY_COIN_ETHEREUM, i));
    for (uint32_t i = 0; i < native; i++)
        FVM_TRY(fvm_key_derive(&q->keys[q->key_count++], FVM_SIGNATURE_SECP256K1, seed,
                               FVM_KEY_COIN_FILECOIN, i));
    return FVM_OK;
}

static void print_key(const char *who, const fvm_key *key)
{
    printf("  %s  0x", who);
    for (size_t i = 0; i < sizeof key->secret; i++) printf("%02x", key->secret[i]);
    putchar('\n');
}

static void print_accounts(const request *q, char letter)
{
    char amount[FVM_BIG_TEXT_MAX];
    size_t n = fvm_big_to_text(amount, &q->balance);
    if (n > 18 && strspn(amount + n - 18, "0") == 18)
        printf("Accounts, each with %.*s FIL, and their keys:\n", (int)(n - 18), amount);
    else
        printf("Accounts, each with %s attoFIL, and their keys:\n", amount);
    for (size_t i = 0; i < q->key_count && i < ACCOUNTS_SHOWN; i++) {
        char text[FVM_ADDRESS_TEXT_MAX];
        if (q->keys[i].type == FVM_SIGNATURE_DELEGATED)
            fvm_eth_address_to_text(text, &q->keys[i].eth, true);
        else
            (void)fvm_address_to_text(text, &q->keys[i].address, letter);
        print_key(text, &q->keys[i]);
    }
    if (q->key_count > ACCOUNTS_SHOWN)
        printf("  ... and %zu more\n", q->key_count - ACCOUNTS_SHOWN);
    printf("Everybody knows these keys: never send them real money.\n\n");
}

/* --- running --- */

typedef struct running {
    fvm_chain *chain;
    fvm_node *node;
    fvm_genesis_account *accounts;
} running;

static fvm_err open_chain(const request *q, running *r, fvm_store_why *why)
{
    r->accounts = calloc(q->key_count + 1, sizeof *r->accounts);
    if (!r->accounts) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < q->key_count; i++) {
        r->accounts[i].address = q->keys[i].address;
        r->accounts[i].balance = q->balance;
    }
    const fvm_chain_options o = {
        .ledger = { .folder = q->in_memory ? NULL : q->data, .durability = q->durability },
        .sealing = q->no_mining       ? FVM_SEALING_MANUAL
                   : q->block_time_ms ? FVM_SEALING_INTERVAL
                                      : FVM_SEALING_INSTANT,
        .interval_ms = q->block_time_ms,
        .chain_id = q->chain_id,
        .network_version = (uint32_t)q->network_version,
        .bundle = q->bundle,
        .accounts = r->accounts,
        .account_count = q->key_count,
    };
    return fvm_chain_open(&r->chain, &o, NULL, why);
}

/* SIGTERM to ourselves: the waiting thread takes it as any other. */
static void ask_to_stop(void *ctx)
{
    (void)ctx;
    (void)kill(getpid(), SIGTERM);
}

static fvm_err serve(const request *q, running *r, fvm_store_why *why)
{
    const fvm_node_options node = { .chain = r->chain,
                                    .keys = q->keys,
                                    .key_count = q->no_dev ? 0 : q->key_count,
                                    .no_development = q->no_dev,
                                    .log_json = q->log_json,
                                    .log_calls = q->log_calls,
                                    .log_off = q->quiet,
                                    .limits = { .call_ms = q->call_ms },
                                    .shutdown = ask_to_stop };
    const fvm_rpc_server_options server = { .host = q->host,
                                            .port = (uint16_t)q->port,
                                            .threads = (unsigned)q->threads,
                                            .body_max = (size_t)q->body_mib << 20,
                                            .allowed_hosts = q->hosts,
                                            .allowed_host_count = q->host_count };
    FVM_TRY(fvm_node_new(&r->node, &node, NULL));
    fvm_err err = fvm_node_serve(r->node, &server);
    if (err == FVM_ERR_IO)
        return fvm__why(why, err, "cannot listen on %s port %" PRIu64 ": is another node running?",
                        q->host ? q->host : "127.0.0.1", q->port);
    return err;
}

static void print_ready(const request *q, const running *r)
{
    fvm_chain_info info;
    unsigned port = fvm_rpc_server_port(r->node->server);
    const char *host = !q->host || strcmp(q->host, "0.0.0.0") == 0 ? "127.0.0.1" : q->host;
    fvm_chain_info_get(r->chain, &info);
    if (!q->quiet && !q->log_json) {
        print_accounts(q, info.chain_id == 314 ? 'f' : 't');
        printf("Chain id %" PRIu64 ", network version %u, block %" PRIu64 "; %s.\n", info.chain_id,
               (unsigned)info.network_version, fvm_chain_head_number(r->chain),
               q->data && !q->in_memory ? q->data : "in memory");
    }
    bool six = strchr(host, ':') != NULL;
    printf("Listening on http://%s%s%s:%u and ws://%s%s%s:%u\n", six ? "[" : "", host,
           six ? "]" : "", port, six ? "[" : "", host, six ? "]" : "", port);
    (void)fflush(stdout);
}

static fvm_cli_exit run(request *q)
{
    running r = { NULL, NULL, NULL };
    fvm_store_why why = { { 0 } };
    sigset_t signals;
    int which;
    /* Blocked before any thread is made, so that one place takes them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    fvm_err err = derive_keys(q);
    if (err == FVM_OK) err = open_chain(q, &r, &why);
    if (err == FVM_OK) err = serve(q, &r, &why);
    if (err == FVM_OK) {
        print_ready(q, &r);
        (void)sigwait(&signals, &which);
        if (!q->quiet) fprintf(stderr, "Stopping.\n");
    }
    fvm_node_free(r.node);
    if (r.chain) fvm_chain_close(r.chain);
    free(r.accounts);
    if (err == FVM_OK) return FVM_EXIT_OK;
    fprintf(stderr, "fvm node: %s.\n", why.text[0] ? why.text : fvm_err_text(err));
    return fvm_cli_exit_of(err);
}

static void forget(request *q)
{
    for (size_t i = 0; i < q->key_count; i++) fvm_key_wipe(&q->keys[i]);
    free(q->keys);
    free(q->hosts_text);
}

fvm_cli_exit fvm_cmd_node(int argc, char **argv)
{
    fvm_args args = { argc, argv, "node", options, FVM_COUNT(options), 0, false, NULL };
    request q = { .accounts = 20,
                  .chain_id = FVM_CHAIN_ID_DEFAULT,
                  .network_version = FVM_NETWORK_VERSION_DEFAULT,
                  .port = 8545,
                  .mnemonic = FVM_MNEMONIC_DEFAULT };
    bool fine = read_balance(&q, "10000FIL");
    for (int which; fine && (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == HELP) {
            fputs(help, stdout);
            forget(&q);
            return FVM_EXIT_OK;
        }
        if (which == FVM_ARG_POSITIONAL)
            fine = wrong("argument", args.value, "option");
        else
            fine = which >= 0 && read_option(&q, which, &args);
    }
    if (fine && q.data && q.in_memory) {
        fprintf(stderr, "fvm node: --data and --in-memory exclude each other.\n");
        fine = false;
    }
    fvm_cli_exit code = fine ? run(&q) : FVM_EXIT_USAGE;
    forget(&q);
    return code;
}
