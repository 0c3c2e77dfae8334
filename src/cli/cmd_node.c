/* cmd_node.c - `fvm node`: a Filecoin network on this machine. Makes the chain with its accounts, starts
 * the server, says where it is and who has money, and waits to be told to stop. */
#include "node_options.h"

#include "base/text.h"
#include "rpc/log.h"
#include "rpc/metrics.h"
#include "rpc/node.h"
#include "store/source.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NATIVE_ACCOUNTS 5u /* f1 accounts of the same mnemonic */
#define ACCOUNTS_SHOWN 50u

typedef fvm_node_request request;

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

/* What the accounts were made with; false when the chain, made before, knows nothing of them. */
static bool first_balance(const request *q, fvm_chain *chain, fvm_big *out)
{
    fvm_chain_view *view;
    fvm_actor actor;
    uint64_t id;
    const fvm_view_options genesis = { .number = 0 };
    if (!q->key_count || fvm_chain_view_open(chain, &view, &genesis) != FVM_OK) return false;
    fvm_err err = fvm_view_actor(view, &actor, &id, &q->keys[0].address);
    fvm_chain_view_close(view);
    if (err == FVM_OK) *out = actor.balance;
    return err == FVM_OK;
}

static void print_amount(const fvm_big *amount)
{
    char text[FVM_BIG_TEXT_MAX];
    size_t n = fvm_big_to_text(text, amount);
    if (n > 18 && strspn(text + n - 18, "0") == 18)
        printf("%.*s FIL", (int)(n - 18), text);
    else
        printf("%s attoFIL", text);
}

static void print_accounts(const request *q, fvm_chain *chain, char letter)
{
    fvm_big balance;
    if (!q->key_count) return;
    if (first_balance(q, chain, &balance)) {
        printf("Accounts, each with ");
        print_amount(&balance);
        printf("%s, and their keys:\n", fvm_chain_head_number(chain) ? " at first" : "");
    } else {
        printf(
            "Accounts that the chain in %s was not made with, so that they may have nothing, and "
            "their keys:\n",
            q->data ? q->data : "memory");
    }
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

/* The folders above; the ledger makes its own, and says what is wrong with any of them. */
static void make_parents(const char *folder)
{
    char path[4096];
    size_t n = strlen(folder);
    if (n >= sizeof path) return;
    memcpy(path, folder, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (path[i] != '/') continue;
        path[i] = '\0';
        (void)mkdir(path, 0777);
        path[i] = '/';
    }
}

static fvm_err check_bundle(const request *q, const fvm_chain_info *info, fvm_store_why *why)
{
    fvm_blockstore bundle;
    fvm_bundle_info named;
    FVM_TRY(fvm_bundle_open(&bundle, &named, NULL, q->bundle, NULL, why));
    fvm_blockstore_free(&bundle);
    if (fvm_cid_eq(&named.manifest, &info->manifest)) return FVM_OK;
    return fvm__why(why, FVM_ERR_INVALID,
                    "the chain in %s has other built-in actors than --bundle %s", q->data,
                    q->bundle);
}

/* A chain that was there already keeps what it was made with: options that say something else are an
 * error, not forgotten. */
static fvm_err check_fit(const request *q, fvm_chain *chain, fvm_store_why *why)
{
    fvm_chain_info info;
    fvm_chain_info_get(chain, &info);
    if (q->has_chain_id && q->chain_id != info.chain_id)
        return fvm__why(why, FVM_ERR_INVALID,
                        "the chain in %s has chain id %" PRIu64 ", not %" PRIu64, q->data,
                        info.chain_id, q->chain_id);
    if (q->has_network_version && q->network_version != info.network_version)
        return fvm__why(why, FVM_ERR_INVALID,
                        "the chain in %s has network version %u, not %" PRIu64, q->data,
                        (unsigned)info.network_version, q->network_version);
    return q->bundle && q->data ? check_bundle(q, &info, why) : FVM_OK;
}

static fvm_err open_chain(const request *q, running *r, fvm_store_why *why)
{
    r->accounts = calloc(q->key_count + 1, sizeof *r->accounts);
    if (!r->accounts) return FVM_ERR_NOMEM;
    for (size_t i = 0; i < q->key_count; i++) {
        r->accounts[i].address = q->keys[i].address;
        r->accounts[i].balance = q->balance;
    }
    const fvm_chain_options o = {
        .ledger = { .folder = q->data, .durability = q->durability },
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
    if (q->data) make_parents(q->data);
    FVM_TRY(fvm_chain_open(&r->chain, &o, NULL, why));
    return check_fit(q, r->chain, why);
}

/* SIGTERM to ourselves: the waiting thread takes it as any other. */
static void ask_to_stop(void *ctx)
{
    (void)ctx;
    (void)kill(getpid(), SIGTERM);
}

/* libwebsockets does not say why: the same is tried once more. */
static const char *why_not_listening(const char *host, uint64_t port)
{
    struct addrinfo *found = NULL, hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, port);
    if (getaddrinfo(host, digits, &hints, &found) != 0) return "it is no address";
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool fine = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    int number = errno;
    if (fd >= 0) (void)close(fd);
    freeaddrinfo(found);
    if (fine) return "it is no address of this machine, as 127.0.0.1";
    return number == EADDRINUSE ? "another program does, maybe another node" : strerror(number);
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
                                            .body_max = (size_t)q->body_mib << 20,
                                            .threads = (unsigned)q->threads,
                                            .allowed_hosts = q->hosts,
                                            .allowed_host_count = q->host_count };
    FVM_TRY(fvm_node_new(&r->node, &node, NULL));
    fvm_err err = fvm_node_serve(r->node, &server);
    if (err != FVM_ERR_IO) return err;
    const char *host = q->host ? q->host : "127.0.0.1";
    return fvm__why(why, err, "cannot listen on %s port %" PRIu64 ": %s", host, q->port,
                    why_not_listening(host, q->port));
}

static void log_ready(const running *r, const char *http, const char *ws)
{
    fvm_chain_info info;
    fvm_chain_info_get(r->chain, &info);
    const fvm_log_field fields[] = { { "http", fvm_bytes_of(http), 0 },
                                     { "ws", fvm_bytes_of(ws), 0 },
                                     { "chain_id", { NULL, 0 }, info.chain_id },
                                     { "network_version", { NULL, 0 }, info.network_version },
                                     { "number", { NULL, 0 }, fvm_chain_head_number(r->chain) } };
    fvm_log_write(r->node->log, FVM_LOG_INFO, "listening", fields, FVM_COUNT(fields));
}

static void print_ready(const request *q, const running *r)
{
    fvm_chain_info info;
    char http[300], ws[300];
    unsigned port = fvm_rpc_server_port(r->node->server);
    const char *host = !q->host || strcmp(q->host, "0.0.0.0") == 0 ? "127.0.0.1" : q->host;
    bool six = strchr(host, ':') != NULL;
    (void)snprintf(http, sizeof http, "http://%s%.250s%s:%u", six ? "[" : "", host, six ? "]" : "",
                   port);
    (void)snprintf(ws, sizeof ws, "ws%s", http + 4);
    if (q->log_json) {
        log_ready(r, http, ws);
        return;
    }
    fvm_chain_info_get(r->chain, &info);
    if (!q->quiet) {
        print_accounts(q, r->chain, info.chain_id == 314 ? 'f' : 't');
        printf("Chain id %" PRIu64 ", network version %u, block %" PRIu64 "; %s.\n", info.chain_id,
               (unsigned)info.network_version, fvm_chain_head_number(r->chain),
               q->data ? q->data : "in memory");
    }
    printf("Listening on %s and %s\n", http, ws);
    (void)fflush(stdout);
}

static void say_stopping(const request *q, const running *r)
{
    if (q->log_json)
        fvm_log_write(r->node->log, FVM_LOG_INFO, "stopping", NULL, 0);
    else if (!q->quiet)
        fprintf(stderr, "Stopping.\n");
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
        say_stopping(q, &r);
    }
    fvm_node_free(r.node);
    if (r.chain) fvm_chain_close(r.chain);
    free(r.accounts);
    if (err == FVM_OK) return FVM_EXIT_OK;
    fprintf(stderr, "fvm node: %s\n", why.text[0] ? why.text : fvm_err_text(err));
    return fvm_cli_exit_of(err);
}

fvm_cli_exit fvm_cmd_node(int argc, char **argv)
{
    request q;
    bool done;
    fvm_cli_exit code = fvm_node_options_read(&q, &done, argc, argv);
    if (code == FVM_EXIT_OK && !done) code = run(&q);
    fvm_node_request_deinit(&q);
    return code;
}
