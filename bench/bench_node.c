/* bench_node.c - load for an Ethereum node over HTTP, and what it makes of it. bench/node.sh runs it on
 * `fvm node` and on anvil; test/clients/bench.mjs starts them and makes the contract.
 *
 *   transfers  signed ERC-20 transfers, made beforehand, from several accounts: a connection each, the
 *              account's nonces in order, the next one when the last is answered. At each mark (a
 *              number of transactions) the rate since the last mark, latencies and the node's resident
 *              memory. A mark is reached when all transactions before it have a receipt.
 *   calls      eth_call on all connections for some seconds.
 *
 * usage: bench_node transfers PORT PID TOKEN GAS FEE CHAIN MARK[,MARK...] NONCE:KEY...
 *        bench_node calls PORT PID TO DATA SECONDS CONNECTIONS
 * One line of JSON for each mark. */
#include "base/text.h"
#include "chain/eth_tx.h"
#include "crypto/crypto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define ANSWER_MAX 65536

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench_node: %s failed\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- a connection --- */

typedef struct connection {
    int fd;
    char answer[ANSWER_MAX]; /* what has come of it, NUL-terminated */
    size_t have;
    char *body; /* of a whole answer: inside `answer` */
    double asked;
} connection;

static connection connections[CONNECTIONS_MAX];
static int port;

static void dial(connection *c)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&at, sizeof at) == 0, "connecting");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void ask(connection *c, const char *method, const char *params, size_t params_len)
{
    static char text[ANSWER_MAX + 1024];
    char head[256];
    int before = snprintf(text, 256,
                          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":", method);
    must(params_len < ANSWER_MAX, "a request of that size");
    int len = snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       port, (size_t)before + params_len + 1);
    memmove(text + len, text, (size_t)before);
    memcpy(text, head, (size_t)len);
    memcpy(text + len + before, params, params_len);
    text[(size_t)(len + before) + params_len] = '}';
    size_t all = (size_t)(len + before) + params_len + 1;
    c->have = 0;
    c->asked = now();
    for (size_t sent = 0; sent < all;) {
        ssize_t n = send(c->fd, text + sent, all - sent, MSG_NOSIGNAL);
        must(n > 0, "sending");
        sent += (size_t)n;
    }
}

/** Whether the answer is whole; then `body` begins after the header. Knows lengths and chunks. */
static bool whole(connection *c)
{
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end) return false;
    c->body = end + 4;
    char *length = strcasestr(c->answer, "content-length:");
    if (length && length < end) {
        size_t want = strtoul(length + 15, NULL, 10);
        return c->have >= (size_t)(c->body - c->answer) + want;
    }
    return c->have >= 5 && memcmp(c->answer + c->have - 5, "0\r\n\r\n", 5) == 0;
}

static bool hear(connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->have, ANSWER_MAX - 1 - c->have, 0);
    must(n > 0, "reading an answer");
    c->have += (size_t)n;
    c->answer[c->have] = 0;
    return whole(c);
}

static const char *wait_for(connection *c)
{
    while (!hear(c));
    return c->body;
}

static void check(const connection *c, const char *what)
{
    if (!strstr(c->body, "\"error\"")) return;
    fprintf(stderr, "bench_node: %s: %s\n", what, c->body);
    exit(1);
}

/* --- figures --- */

static double *latencies;
static size_t latency_count;

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** A line of /proc/PID/status, in MB: VmRSS, or RssAnon (memory of its own, files mapped left out). */
static double status_mb(int pid, const char *name)
{
    char path[64], line[256];
    size_t len = strlen(name);
    double mb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            mb = strtod(line + len + 1, NULL) / 1024;
    }
    if (f) fclose(f);
    return mb;
}

static void report(const char *what, size_t done, size_t part, double seconds, int pid)
{
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    double p50 = latency_count ? latencies[latency_count / 2] : 0;
    double p99 = latency_count ? latencies[latency_count * 99 / 100] : 0;
    printf("{\"what\":\"%s\",\"done\":%zu,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"rss_mb\":%.1f,\"own_mb\":%.1f}\n",
           what, done, (double)part / seconds, p50 * 1e3, p99 * 1e3, status_mb(pid, "VmRSS"),
           status_mb(pid, "RssAnon"));
    fflush(stdout);
    latency_count = 0;
}

/* --- transfers --- */

typedef struct sender {
    uint8_t key[32];
    uint64_t first; /* nonce of raws[0] */
    uint64_t nonce; /* of the next transaction to be signed */
    char **raws;    /* params of eth_sendRawTransaction, one string each */
    size_t count, answered, sent;
    char last_hash[67];
} sender;

static sender senders[CONNECTIONS_MAX];
static size_t sender_count;

static char *signed_transfer(sender *s, const fvm_eth_address *token, uint64_t gas, uint64_t fee,
                             uint64_t chain, const fvm_eth_address *to)
{
    uint8_t input[68] = { 0xa9, 0x05, 0x9c, 0xbb }; /* transfer(address,uint256) */
    memcpy(input + 16, to->bytes, 20);
    input[67] = 1;
    fvm_eth_tx tx = { .kind = FVM_ETH_EIP1559,
                      .chain_id = chain,
                      .nonce = s->nonce++,
                      .gas_limit = gas,
                      .to = *token,
                      .max_fee = fvm_big_u64(fee),
                      .max_priority_fee = fvm_big_u64(200000),
                      .value = fvm_big_u64(0),
                      .input = { input, sizeof input } };
    fvm_buf raw;
    fvm_buf_init(&raw, NULL);
    must(fvm_eth_tx_sign(&tx, s->key, NULL) == FVM_OK && fvm_eth_tx_write(&raw, &tx) == FVM_OK,
         "signing");
    char *text = malloc(raw.len * 2 + 7);
    must(text != NULL, "memory");
    char *at = text;
    memcpy(at, "[\"0x", 4), at += 4;
    for (size_t i = 0; i < raw.len; i++) at += sprintf(at, "%02x", raw.ptr[i]);
    memcpy(at, "\"]", 3);
    fvm_buf_deinit(&raw);
    return text;
}

static void send_next(sender *s, connection *c)
{
    const char *params = s->raws[s->sent++];
    ask(c, "eth_sendRawTransaction", params, strlen(params));
}

/** Keeps the hash that answered. */
static void keep_hash(sender *s, connection *c)
{
    check(c, "a transaction was refused");
    const char *at = strstr(c->body, "\"result\"");
    at = at ? strstr(at, "0x") : NULL;
    must(at && strlen(at) >= 66, "reading a transaction's hash");
    memcpy(s->last_hash, at, 66);
}

/* What a node that loses transactions had to be helped with. */
typedef struct help {
    size_t blocks, again;
} help;

/** Sends a sender's transactions again, from the first that is in no block; gives its number. */
static uint64_t send_again(sender *s, connection *c, help *given)
{
    uint8_t public_key[65];
    must(fvm_secp256k1_public_key(public_key, s->key), "reading a key");
    fvm_eth_address address = fvm_eth_address_of_key(public_key);
    char params[64] = "[\"0x";
    for (size_t i = 0; i < sizeof address.bytes; i++) {
        snprintf(params + 4 + 2 * i, 3, "%02x", address.bytes[i]);
    }
    strcat(params, "\",\"latest\"]");
    ask(c, "eth_getTransactionCount", params, strlen(params));
    const char *at = strstr(wait_for(c), "\"result\":\"0x");
    must(at != NULL, "reading a nonce");
    uint64_t missing = strtoull(at + 12, NULL, 16) - s->first;
    for (uint64_t k = missing; k < s->count; k++) {
        ask(c, "eth_sendRawTransaction", s->raws[k], strlen(s->raws[k]));
        given->again += strstr(wait_for(c), "\"error\"") == NULL;
    }
    return missing;
}

/** Waits until the last transaction of each sender has a receipt: then all have, by their nonces. anvil
 *  sometimes forgets to mine what has come, or what has come: where nothing happens for a while a
 *  block is asked for, and what has no receipt then is sent again. */
static void settle(help *given)
{
    for (size_t i = 0; i < sender_count; i++) {
        connection *c = &connections[i];
        double since = now(), moved = since;
        uint64_t before = UINT64_MAX;
        for (bool there = false; !there;) {
            must(now() - moved < 120, "waiting for a receipt, for two minutes without any,");
            char params[80];
            int len = snprintf(params, sizeof params, "[\"%s\"]", senders[i].last_hash);
            ask(c, "eth_getTransactionReceipt", params, (size_t)len);
            const char *answer = wait_for(c);
            there = strstr(answer, "\"blockHash\"") != NULL;
            if (there) must(strstr(answer, "\"status\":\"0x1\"") != NULL, "a transfer");
            if (there || now() - since < 0.25) continue;
            uint64_t missing = given->blocks ? send_again(&senders[i], c, given) : 0;
            if (missing != before) moved = now();
            before = missing;
            ask(c, "evm_mine", "[]", 2);
            wait_for(c);
            since = now();
            given->blocks++;
        }
    }
}

/** Sends until each sender has had `each` answers. */
static void send_all(int poll, size_t each)
{
    size_t busy = 0;
    for (size_t i = 0; i < sender_count; i++) {
        if (senders[i].sent >= each) continue;
        send_next(&senders[i], &connections[i]);
        busy++;
    }
    while (busy > 0) {
        struct epoll_event events[CONNECTIONS_MAX];
        int n = epoll_wait(poll, events, CONNECTIONS_MAX, 60000);
        must(n > 0, "waiting for answers");
        for (int k = 0; k < n; k++) {
            size_t i = events[k].data.u32;
            connection *c = &connections[i];
            if (!hear(c)) continue;
            latencies[latency_count++] = now() - c->asked;
            keep_hash(&senders[i], c);
            senders[i].answered++;
            if (senders[i].sent < each)
                send_next(&senders[i], c);
            else
                busy--;
        }
    }
}

static int open_connections(size_t count)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    must(poll >= 0, "epoll");
    for (size_t i = 0; i < count; i++) {
        dial(&connections[i]);
        struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
        must(epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event) == 0, "epoll");
    }
    return poll;
}

static void read_sender(sender *s, const char *text)
{
    char *end;
    s->nonce = strtoull(text, &end, 10);
    must(*end == ':' && strlen(end) == 67 && memcmp(end, ":0x", 3) == 0, "reading NONCE:KEY");
    for (size_t i = 0; i < 32; i++) {
        unsigned byte;
        must(sscanf(end + 3 + 2 * i, "%2x", &byte) == 1, "reading a key");
        s->key[i] = (uint8_t)byte;
    }
    s->first = s->nonce;
}

static int transfers(int argc, char **argv)
{
    must(argc > 9, "reading the arguments (see the source's head)");
    int pid = atoi(argv[3]);
    fvm_eth_address token;
    must(fvm_eth_address_from_text(&token, (fvm_bytes){ (uint8_t *)argv[4], strlen(argv[4]) }) ==
             FVM_OK,
         "reading the token's address");
    uint64_t gas = strtoull(argv[5], NULL, 10), fee = strtoull(argv[6], NULL, 10);
    uint64_t chain = strtoull(argv[7], NULL, 10);
    for (int i = 9; i < argc && sender_count < CONNECTIONS_MAX; i++) {
        read_sender(&senders[sender_count++], argv[i]);
    }
    fvm_eth_address to = token; /* anyone */
    size_t done = 0;
    int poll = open_connections(sender_count);
    for (char *mark = strtok(argv[8], ","); mark; mark = strtok(NULL, ",")) {
        size_t each = (strtoull(mark, NULL, 10) + sender_count - 1) / sender_count;
        for (size_t i = 0; i < sender_count; i++) { /* signing is not what is measured */
            sender *s = &senders[i];
            s->raws = realloc(s->raws, each * sizeof *s->raws);
            must(s->raws != NULL, "memory");
            for (; s->count < each; s->count++) {
                to.bytes[19] = (uint8_t)i; /* a few hundred receivers */
                to.bytes[18] = (uint8_t)(s->count % 16);
                s->raws[s->count] = signed_transfer(s, &token, gas, fee, chain, &to);
            }
        }
        size_t all = each * sender_count;
        latencies = realloc(latencies, all * sizeof *latencies);
        must(latencies != NULL, "memory");
        double start = now();
        send_all(poll, each);
        help given = { 0, 0 };
        settle(&given);
        if (given.blocks > 0) {
            fprintf(stderr, "bench_node: had to ask for %zu blocks and to send %zu again\n",
                    given.blocks, given.again);
        }
        report("transfers", all, all - done, now() - start, pid);
        done = all;
    }
    return 0;
}

/* --- calls --- */

static int calls(int argc, char **argv)
{
    must(argc == 8, "reading the arguments (see the source's head)");
    int pid = atoi(argv[3]);
    double seconds = strtod(argv[6], NULL);
    size_t count = strtoul(argv[7], NULL, 10), done = 0, room = 10000000;
    must(count > 0 && count <= CONNECTIONS_MAX, "reading CONNECTIONS");
    latencies = malloc(room * sizeof *latencies);
    must(latencies != NULL, "memory");
    char params[8192];
    int len = snprintf(params, sizeof params, "[{\"to\":\"%s\",\"data\":\"%s\"},\"latest\"]",
                       argv[4], argv[5]);
    must(len > 0 && (size_t)len < sizeof params, "reading DATA");
    int poll = open_connections(count);
    double start = now();
    for (size_t i = 0; i < count; i++) ask(&connections[i], "eth_call", params, (size_t)len);
    for (size_t busy = count; busy > 0;) {
        struct epoll_event events[CONNECTIONS_MAX];
        int n = epoll_wait(poll, events, CONNECTIONS_MAX, 60000);
        must(n > 0, "waiting for answers");
        for (int k = 0; k < n; k++) {
            connection *c = &connections[events[k].data.u32];
            if (!hear(c)) continue;
            check(c, "a call failed");
            if (latency_count < room) latencies[latency_count++] = now() - c->asked;
            done++;
            if (now() - start < seconds)
                ask(c, "eth_call", params, (size_t)len);
            else
                busy--;
        }
    }
    report("calls", done, done, now() - start, pid);
    return 0;
}

int main(int argc, char **argv)
{
    must(argc > 3, "reading the arguments (see the source's head)");
    port = atoi(argv[2]);
    if (strcmp(argv[1], "transfers") == 0) return transfers(argc, argv);
    return calls(argc, argv);
}
