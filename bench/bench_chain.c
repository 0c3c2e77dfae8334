/* bench_chain.c - what the chain does without a server before it: token transfers from 16 accounts, submitted
 * with their signatures checked, sealed at once, and the rate as the chain grows; calls; a tipset by
 * itself. Usage: bench_chain [FOLDER [COUNT]]; without a folder in memory. */
#include "../test/unit/chain_token.h"
#include "chain/chain.h"
#include "chain/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SENDERS 16

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct bench {
    fvm_chain *chain;
    fvm_key keys[SENDERS];
    fvm_eth_address token;
} bench;

static void die(const char *what, fvm_err err, const char *why)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "%s: %s %s\n", what, fvm_err_text(err), why ? why : "");
    exit(1);
}

static void sign(const bench *b, fvm_buf *raw, size_t from, uint64_t nonce, fvm_bytes input,
                 bool creates)
{
    fvm_eth_tx e = {
        .kind = FVM_ETH_EIP1559,
        .chain_id = FVM_CHAIN_ID_DEFAULT,
        .nonce = nonce,
        .max_fee = fvm_big_u64(1000000),
        .max_priority_fee = fvm_big_u64(100000),
        .gas_limit = creates ? 300000000 : 40000000,
        .creates = creates,
        .to = b->token,
        .input = input,
    };
    raw->len = 0;
    die("sign", fvm_eth_tx_sign(&e, b->keys[from].secret, NULL), NULL);
    die("write", fvm_eth_tx_write(raw, &e), NULL);
}

static uint64_t submit(bench *b, fvm_bytes raw)
{
    fvm_buf params;
    fvm_signed_message message;
    fvm_submission out;
    const char *why = NULL;
    fvm_buf_init(&params, NULL);
    die("read", fvm_eth_raw_to_message(&message, &params, raw, FVM_CHAIN_ID_DEFAULT, &why), why);
    die("submit", fvm_chain_submit(b->chain, &out, &message, FVM_SUBMIT_CHECKED), NULL);
    if (out.refusal) die("submit", FVM_ERR_INVALID, out.why);
    fvm_buf_deinit(&params);
    return out.ticket;
}

static void open_chain(bench *b, const char *folder)
{
    fvm_genesis_account accounts[SENDERS] = { 0 };
    fvm_chain_options o = { .ledger.folder = folder };
    fvm_store_why why = { { 0 } };
    for (uint8_t i = 0; i < SENDERS; i++) {
        uint8_t secret[32] = { 1, [31] = (uint8_t)(i + 1) };
        die("key", fvm_key_make(&b->keys[i], FVM_SIGNATURE_DELEGATED, secret), NULL);
        accounts[i].address = b->keys[i].address;
        accounts[i].balance = fvm_big_u128(542, 0); /* 10,000 FIL */
    }
    o.accounts = accounts;
    o.account_count = SENDERS;
    double start = seconds();
    die("open", fvm_chain_open(&b->chain, &o, NULL, &why), why.text);
    printf("open                 %8.1f ms\n", (seconds() - start) * 1e3);
}

/* CPU time of all threads: what a busy machine does not change. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(bench *b, size_t done, double took, double cpu, size_t count)
{
    fvm_chain_stats s;
    fvm_chain_stats_get(b->chain, &s);
    printf("%8zu transfers    %8.0f /s   %6.0f us of CPU, %5.1f a tipset, execute %.0f us, "
           "commit %.0f us\n",
           done, (double)count / took, cpu / (double)count * 1e6,
           (double)s.messages / (double)s.tipsets, (double)s.execute_ns / (double)s.messages / 1e3,
           (double)s.commit_ns / (double)s.messages / 1e3);
    fflush(stdout);
}

/* `window` submissions are under way at a time, as from so many clients that wait for their receipt. */
static void transfers(bench *b, size_t count, size_t window)
{
    uint8_t data[68];
    fvm_buf *raws = calloc(count, sizeof *raws);
    uint64_t *tickets = calloc(count, sizeof *tickets), nonces[SENDERS];
    if (!raws || !tickets) exit(1);
    for (size_t i = 0; i < SENDERS; i++)
        die("nonce", fvm_chain_next_nonce(b->chain, &nonces[i], &b->keys[i].address), NULL);
    for (size_t i = 0; i < count; i++) {
        fvm_buf_init(&raws[i], NULL);
        size_t from = i % SENDERS;
        sign(b, &raws[i], from, nonces[from]++,
             token_transfer(data, &b->keys[(i + 1) % SENDERS].eth, i), false);
    }
    double start = seconds(), from = start, cpu = cpu_seconds();
    size_t step = count / 5 ? count / 5 : 1;
    for (size_t i = 0; i < count; i++) {
        tickets[i] = submit(b, (fvm_bytes){ raws[i].ptr, raws[i].len });
        if (i + 1 >= window)
            die("wait", fvm_chain_wait(b->chain, tickets[i + 1 - window], 60000), NULL);
        if ((i + 1) % step == 0) {
            report(b, i + 1, seconds() - from, cpu_seconds() - cpu, step);
            from = seconds();
            cpu = cpu_seconds();
        }
    }
    die("wait", fvm_chain_wait(b->chain, tickets[count - 1], 60000), NULL);
    printf("window %4zu          %8.0f transfers/s\n", window, (double)count / (seconds() - start));
    for (size_t i = 0; i < count; i++) fvm_buf_deinit(&raws[i]);
    free(raws);
    free(tickets);
}

static void calls(bench *b, size_t count)
{
    uint8_t data[68];
    fvm_buf params;
    fvm_receipt receipt;
    fvm_buf_init(&params, NULL);
    fvm_receipt_init(&receipt, NULL);
    die("params", fvm_eth_params_write(&params, token_transfer(data, &b->keys[1].eth, 1)), NULL);
    fvm_message m = { .to = fvm_eth_address_to_fil(&b->token),
                      .from = b->keys[0].address,
                      .method = FVM_ETH_METHOD_INVOKE,
                      .params = { params.ptr, params.len } };
    double start = seconds();
    for (size_t i = 0; i < count; i++) {
        fvm_chain_view *view;
        fvm_view_options o = { .number = FVM_VIEW_HEAD };
        die("view", fvm_chain_view_open(b->chain, &view, &o), NULL);
        die("call", fvm_view_call(view, &receipt, &m), NULL);
        if (receipt.exit_code) die("call", FVM_ERR_INVALID, "exit");
        fvm_chain_view_close(view);
    }
    printf("calls                %8.0f /s\n", (double)count / (seconds() - start));
    fvm_receipt_deinit(&receipt);
    fvm_buf_deinit(&params);
}

int main(int argc, char **argv)
{
    bench b = { .chain = NULL };
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 5000;
    fvm_buf raw;
    open_chain(&b, argc > 1 && argv[1][0] ? argv[1] : NULL);
    fvm_buf_init(&raw, NULL);
    sign(&b, &raw, 0, 0, (fvm_bytes){ token_init, sizeof token_init }, true);
    die("deploy", fvm_chain_wait(b.chain, submit(&b, (fvm_bytes){ raw.ptr, raw.len }), 10000),
        NULL);
    b.token = fvm_eth_address_created(&b.keys[0].eth, 0);
    fvm_buf_deinit(&raw);
    transfers(&b, count / 10 ? count / 10 : 1, 1);
    transfers(&b, count, 16);
    calls(&b, count);
    double start = seconds();
    die("mine", fvm_chain_mine(b.chain, 1000, 0, 0), NULL);
    printf("empty tipset         %8.1f us\n", (seconds() - start) * 1e3);
    fvm_chain_close(b.chain);
    return 0;
}
