/* cost.c - what the built-in actors cost, ours beside mainnet's v18 in one run, with the bars of issue 6:
 *
 *   bytes     of each module of the bundle
 *   own gas   of a message: wasm, memory, host calls. The rest is the floor, which no writing of an actor changes:
 *             inclusion, storage, blocks opened, calls and look-ups. Each message is sent to both bundles in the
 *             same state, which must do the same (test/actors/twin.h)
 *   time      messages a second (--time), of CPU, without a trace
 *
 *   usage: actors_cost [--time]       exit code 1 when a bar is missed, 77 when there is no v18 to compare with
 *
 * Bytes and gas are the same on every machine, so a test runs this, too. The contracts are Cost.sol. */
#include "twin.h"

#include "base/text.h"
#include "ipld/cbor.h"
#include <fvm/store.h>

#include <stdlib.h>
#include <time.h>

#define CREATE_EXTERNAL 4
#define INVOKE 3844450837u
#define EAM 10
#define TIMED_MESSAGES 400

static int missed; /* bars; a program of one thread */

static const char *verdict(bool good)
{
    if (!good) missed++;
    return good ? "" : "  MISSED";
}

/* --- bytes --- */

static const struct {
    const char *actor;
    size_t most;
} size_bars[] = { { "account", 4000 }, { "multisig", 24000 }, { "evm", 160000 } };
#define HELLO_MOST 300
#define HELLO_RUST 12000 /* fvm_sdk's, stripped (issue 6) */
#define BUNDLE_MOST 480000

static size_t block_size(const fvm_blockstore *bs, const fvm_cid *cid)
{
    fvm_buf block;
    fvm_buf_init(&block, NULL);
    CHECK_OK(fvm_blockstore_get(bs, &block, cid));
    size_t size = block.len;
    fvm_buf_deinit(&block);
    return size;
}

static size_t file_size(const char *path)
{
    FILE *f = fopen(path, "rb");
    CHECK_AT(path, f != NULL && fseek(f, 0, SEEK_END) == 0);
    long size = ftell(f);
    fclose(f);
    CHECK_AT(path, size >= 0);
    return (size_t)size;
}

static void print_size(const char *name, size_t ours, size_t theirs, size_t most)
{
    printf("  %-18s %9zu %9zu", name, ours, theirs);
    if (theirs)
        printf("   %5.3f", (double)ours / (double)theirs);
    else
        printf("   %5s", "");
    if (most) printf("   at most %6zu%s", most, verdict(ours <= most));
    printf("\n");
}

static void sizes(void)
{
    static const char *const bundles[] = { FVM_BUNDLE_EMBEDDED, "mainnet-v18" };
    fvm_blockstore bundle[2];
    fvm_bundle_info info[2];
    fvm_buf actors[2];
    size_t total[2] = { 0 };
    int sides = 0;
    for (; sides < 2; sides++) {
        if (fvm_bundle_open(&bundle[sides], &info[sides], NULL, bundles[sides], NULL, NULL) !=
            FVM_OK)
            break;
        fvm_buf_init(&actors[sides], NULL);
        CHECK_OK(fvm_bundle_actors(&actors[sides], &bundle[sides], &info[sides].manifest, NULL));
    }
    printf("bytes                     ours       v18   ratio   bar\n");
    print_size("hello (Rust's SDK)", file_size(ACTORS_DIR "/hello.wasm"), HELLO_RUST, HELLO_MOST);
    const fvm_bundle_actor *a = (const fvm_bundle_actor *)(void *)actors[0].ptr;
    for (size_t i = 0; i < actors[0].len / sizeof *a; i++) {
        size_t size[2] = { block_size(&bundle[0], &a[i].code), 0 }, most = 0;
        if (sides == 2) /* in the same order in all bundles */
            size[1] = block_size(&bundle[1],
                                 &((const fvm_bundle_actor *)(void *)actors[1].ptr)[i].code);
        for (size_t j = 0; j < FVM_COUNT(size_bars); j++)
            if (strcmp(a[i].name, size_bars[j].actor) == 0) most = size_bars[j].most;
        print_size(a[i].name, size[0], size[1], most);
        for (int side = 0; side < 2; side++) total[side] += size[side];
    }
    print_size("all of them", total[0], total[1], 0);
    print_size("embedded bundle", file_size(ACTORS_DIR "/../embedded.car"), 0, BUNDLE_MOST);
    for (int side = 0; side < sides; side++) {
        fvm_buf_deinit(&actors[side]);
        fvm_blockstore_free(&bundle[side]);
    }
}

/* --- work --- */

/* A message that is measured. */
typedef struct work {
    const char *name;
    const char *from, *to; /* as in twin.h */
    uint64_t method;
    const char
        *params; /* notation; "hex:" and calldata: a call of a contract; "code:": its creation */
    unsigned own_most; /* percent of v18's own part; 0: no bar */
    unsigned all_most; /* percent of v18's total; 0: no bar */
    bool implicit;     /* by the machine: no inclusion */
} work;

#define TRANSFER "a9059cbb"
#define TO_BOB "000000000000000000000000ff00000000000000000000000000000000000065"
#define TO_EVE "000000000000000000000000e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5"
#define AMOUNT "00000000000000000000000000000000000000000000000000000000000003e8"
#define STEPS "0000000000000000000000000000000000000000000000000000000000002710" /* 10,000 */

static const work works[] = {
    { "account PubkeyAddress", "bob", "alice", 2, NULL, 50, 0, false },
    { "multisig Propose", "alice", "wallet", 2, "[@dave, 1FIL, 0, h'']", 50, 0, false },
    { "multisig Approve", "bob", "wallet", 3, "[0, h'']", 50, 0, false },
    { "ERC-20 deploy", "alice", "eam", CREATE_EXTERNAL, "code:Token", 50, 0, false },
    { "ERC-20 transfer, new", "alice", "new", INVOKE, "hex:" TRANSFER TO_BOB AMOUNT, 50, 0, false },
    { "ERC-20 transfer", "alice", "new", INVOKE, "hex:" TRANSFER TO_BOB AMOUNT, 50, 0, false },
    { "contract of loops", "alice", "eam", CREATE_EXTERNAL, "code:Loop", 50, 0, false },
    { "loop, 10,000 sums", "alice", "next", INVOKE, "hex:188b85b4" STEPS, 0, 60, false },
    { "loop, 10,000 mixes", "alice", "next", INVOKE, "hex:83d1f1aa" STEPS, 0, 60, false },
    { "loop, 10,000 hashes", "alice", "next", INVOKE, "hex:b189fd4c" STEPS, 0, 60, false },
    /* what the system asks of the others */
    { "multisig Propose again", "alice", "wallet", 2, "[@dave, 1FIL, 0, h'']", 50, 0, false },
    { "multisig Cancel", "alice", "wallet", 4, "[1, h'']", 50, 0, false },
    { "reward AwardBlockReward", "system", "reward", 2, "[@dave, 0FIL, 1FIL, 1]", 50, 0, true },
    { "reward UpdateNetworkKPI", "power", "reward", 4, "5FIL", 100, 0, true },
    { "cron EpochTick", "system", "cron", 2, NULL, 50, 0, true },
};

/* The creation bytecode of a contract in cost.hex: a line "NAME HEX". */
static void put_contract(fvm_buf *out, const char *name)
{
    static char line[64 * 1024];
    FILE *f = fopen(COST_HEX, "r");
    size_t len = strlen(name);
    CHECK_AT(COST_HEX, f != NULL);
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = strncmp(line, name, len) == 0 && line[len] == ' ';
    fclose(f);
    CHECK_AT(name, found);
    CHECK_OK(fvm_hex_decode(
        out, (fvm_bytes){ (uint8_t *)line + len + 1, strcspn(line + len + 1, "\r\n") }));
}

static void put_params(fvm_buf *out, const work *w)
{
    fvm_buf data;
    fvm_buf_init(&data, NULL);
    if (w->params && strncmp(w->params, "code:", 5) == 0) {
        put_contract(&data, w->params + 5);
        CHECK_OK(fvm_cbor_put_bytes(out, fvm_buf_bytes(&data)));
    } else if (w->params && strncmp(w->params, "hex:", 4) == 0) {
        CHECK_OK(fvm_hex_decode(&data, fvm_bytes_of(w->params + 4)));
        CHECK_OK(fvm_cbor_put_bytes(out, fvm_buf_bytes(&data)));
    } else if (w->params) {
        twin_value(out, w->params);
    }
    fvm_buf_deinit(&data);
}

/* Sends it to both sides; gives the gas of each by what it was for, and in all. */
static void send_work(twin *t, const work *w, uint64_t spent[2][TWIN_SPENT_COUNT], uint64_t all[2])
{
    fvm_big none = fvm_big_zero();
    fvm_address to = fvm_address_id(twin_id(w->to));
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    put_params(&params, w);
    for (int i = 0; i < t->sides; i++) {
        memset(t->side[i].spent, 0, sizeof t->side[i].spent);
        t->side[i].gas = 0;
    }
    const fvm_receipt *r = w->implicit ? twin_send(t, twin_id(w->from), &to, w->method, &none,
                                                   fvm_buf_bytes(&params))
                                       : twin_send_explicit(t, twin_id(w->from), &to, w->method,
                                                            &none, fvm_buf_bytes(&params), 0);
    CHECK_AT(w->name, r->exit_code == 0);
    for (int i = 0; i < t->sides; i++) {
        for (int j = 0; j < TWIN_SPENT_COUNT; j++) spent[i][j] = t->side[i].spent[j] / 1000;
        all[i] = t->side[i].gas;
    }
    fvm_buf_deinit(&params);
}

static void gas(twin *t)
{
    printf(
        "\nmilliongas                    own part          bar       total            bar    ours: "
        "inclusion storage opening  calls  floor\n");
    for (size_t i = 0; i < FVM_COUNT(works); i++) {
        const work *w = &works[i];
        uint64_t spent[2][TWIN_SPENT_COUNT], all[2];
        send_work(t, w, spent, all);
        const uint64_t *own = spent[0];
        uint64_t theirs = spent[1][TWIN_OWN];
        bool own_good = !w->own_most || own[TWIN_OWN] * 100 <= theirs * w->own_most;
        bool all_good = !w->all_most || all[0] * 100 <= all[1] * w->all_most;
        printf("  %-24s %8.3f %8.3f %5.3f", w->name, (double)own[TWIN_OWN] / 1e6,
               (double)theirs / 1e6, (double)own[TWIN_OWN] / (double)theirs);
        if (w->own_most)
            printf(" %4.2f", w->own_most / 100.0);
        else
            printf("     ");
        printf(" %8.3f %8.3f %5.3f", (double)all[0] / 1e6, (double)all[1] / 1e6,
               (double)all[0] / (double)all[1]);
        if (w->all_most)
            printf(" %4.2f", w->all_most / 100.0);
        else
            printf("     ");
        /* the ratio that would be left if our actors cost nothing */
        printf("      %8.3f %7.3f %7.3f %6.3f  %5.3f%s\n", (double)own[TWIN_INCLUSION] / 1e6,
               (double)own[TWIN_STORAGE] / 1e6, (double)own[TWIN_OPENING] / 1e6,
               (double)own[TWIN_CALLS] / 1e6, (double)(all[0] - own[TWIN_OWN]) / (double)all[1],
               verdict(own_good && all_good));
    }
}

/* --- time --- */

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Seconds of CPU for `count` messages of a kind on one side, nonces rising. */
static double time_side(twin *t, int side, const work *w, uint64_t nonce, size_t count)
{
    twin_side *s = &t->side[side];
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    put_params(&params, w);
    fvm_message message = { .from = fvm_address_id(twin_id(w->from)),
                            .to = fvm_address_id(twin_id(w->to)),
                            .nonce = nonce,
                            .value = fvm_big_zero(),
                            .gas_limit = t->gas_limit,
                            .method = w->method,
                            .params = fvm_buf_bytes(&params) };
    uint64_t length = twin_chain_length(&message);
    double start = cpu_seconds();
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(fvm_machine_apply(s->machine, &s->receipt, &message, FVM_APPLY_EXPLICIT, length));
        CHECK_AT(w->name, s->receipt.exit_code == 0);
        message.nonce++;
    }
    double seconds = cpu_seconds() - start;
    fvm_buf_deinit(&params);
    return seconds;
}

static void times(twin *t)
{
    static const size_t timed[] = { 0, 1, 3, 5, 7 };
    t->untraced = true;
    printf("\nmessages a second (CPU)       ours        v18   ratio\n");
    for (size_t i = 0; i < FVM_COUNT(timed); i++) {
        const work *w = &works[timed[i]];
        size_t count = w->all_most ? TIMED_MESSAGES / 40 : TIMED_MESSAGES;
        double rate[2];
        twin_epoch(t, t->epoch + 1); /* what was sent is flushed; machines are new */
        uint64_t nonce = twin_nonce(t, twin_id(w->from)); /* the same on both sides */
        for (int side = 0; side < 2; side++)
            rate[side] = (double)count / time_side(t, side, w, nonce, count);
        printf("  %-24s %9.0f  %9.0f   %5.2f\n", w->name, rate[0], rate[1], rate[0] / rate[1]);
    }
}

int main(int argc, char **argv)
{
    twin t;
    sizes();
    twin_open(&t);
    int sides = t.sides;
    if (sides == 2) {
        gas(&t);
        if (argc > 1 && strcmp(argv[1], "--time") == 0) times(&t);
    } else {
        printf(
            "SKIPPED: gas and time; no bundle mainnet-v18 to compare with (fvm bundle import)\n");
    }
    twin_close(&t);
    if (missed) printf("%d bars missed\n", missed);
    return missed ? 1 : sides == 2 ? 0 : 77;
}
