/* cmd_logs.c - `fvm logs`: the logs of contracts, those that are there and those to come.
 *
 * Follows by asking again for the blocks that are new, and not by a subscription: so nothing is lost when the
 * connection breaks or the node starts again, and any node will do. Heads that were seen are remembered
 * by their hashes: where the chain went back (a snapshot, another chain) it is followed from there. */
#include "abi.h"
#include "client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

static const char help[] =
    "Usage: fvm logs [OPTION]...\n\n"
    "Prints logs (events of contracts), one a line: block, index, address, topics, data.\n\n"
    "  -f, --follow            go on with the logs of new blocks, until interrupted; waits for a "
    "node\n"
    "                          that is away, and where the chain goes back prints what is new "
    "there\n"
    "  --address ADDRESS       of that contract only; may be given up to 16 times\n"
    "  --topic TOPIC           with that first topic: 0x and 64 digits, or the event as\n"
    "                          Transfer(address,address,uint256); again for the second, ...;\n"
    "                          'any' for whichever\n"
    "  --from-block N          from that block on (default: the latest; with -f the next)\n"
    "  --to-block N            up to that block (default: the latest)\n" FVM_CLIENT_HELP
    "\nExample: fvm logs -f --address 0xe7f1...0512\n\n" FVM_CLI_EXIT_HELP
    "4 is also a node that cannot be reached.\n";

#define ADDRESSES_MAX 16
#define TOPICS_MAX 4
#define RANGE 2000u /* blocks asked for at once: nodes have limits */
#define PAUSE_MS 500
#define SEEN_MAX 256  /* heads */
#define REFUSED_MAX 5 /* answers that are errors, one after the other: then it is no accident */

enum { FOLLOW = FVM_CLIENT_COUNT, FOLLOW_SHORT, ADDRESS, TOPIC, FROM, TO };
static const fvm_option options[] = { FVM_CLIENT_OPTIONS,
                                      [FOLLOW] = { "--follow", false },
                                      [FOLLOW_SHORT] = { "-f", false },
                                      [ADDRESS] = { "--address", true },
                                      [TOPIC] = { "--topic", true },
                                      [FROM] = { "--from-block", true },
                                      [TO] = { "--to-block", true } };

typedef struct request {
    fvm_client_options o;
    bool follow, has_from, has_to;
    const char *addresses[ADDRESSES_MAX], *topics[TOPICS_MAX];
    size_t address_count, topic_count;
    uint64_t from, to;
    json_t *address_list, *topic_list;
} request;

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* --- the filter --- */

static json_t *topic_of(const char *text)
{
    fvm_abi_types in, out;
    uint8_t hash[32];
    fvm_store_why why = { { 0 } };
    if (strcmp(text, "any") == 0) return json_null();
    if (strncmp(text, "0x", 2) == 0 && strlen(text) == 66) return json_string(text);
    if (fvm_abi_hash(hash, &in, &out, text, &why) != FVM_OK) return NULL;
    return fvm_client_hex_json((fvm_bytes){ hash, 32 });
}

static fvm_err make_filter(fvm_client *c, request *q)
{
    q->address_list = json_array();
    q->topic_list = json_array();
    for (size_t i = 0; i < q->address_count; i++) {
        fvm_address a;
        fvm_eth_address eth;
        char text[FVM_ETH_ADDRESS_TEXT];
        if (!fvm_cli_address(&a, q->addresses[i]))
            return fvm__why(&c->why, FVM_ERR_MALFORMED, "--address: '%s' is no address",
                            q->addresses[i]);
        FVM_TRY(fvm_client_eth_address(c, &eth, &a));
        fvm_eth_address_to_text(text, &eth, false);
        (void)json_array_append_new(q->address_list, json_string(text));
    }
    for (size_t i = 0; i < q->topic_count; i++) {
        json_t *topic = topic_of(q->topics[i]);
        if (!topic)
            return fvm__why(&c->why, FVM_ERR_MALFORMED,
                            "--topic: '%.100s' is neither a topic nor an event", q->topics[i]);
        (void)json_array_append_new(q->topic_list, topic);
    }
    return FVM_OK;
}

/* --- printing --- */

static void print_log(const json_t *log)
{
    const json_t *topic;
    size_t i;
    const char *address = json_string_value(json_object_get(log, "address"));
    const char *data = json_string_value(json_object_get(log, "data"));
    const char *block = json_string_value(json_object_get(log, "blockNumber"));
    const char *index = json_string_value(json_object_get(log, "logIndex"));
    printf("%8llu %4llu  %s  [", block ? strtoull(block, NULL, 16) : 0,
           index ? strtoull(index, NULL, 16) : 0, address ? address : "?");
    json_array_foreach(json_object_get(log, "topics"), i, topic)
        printf("%s%s", i ? " " : "", json_is_string(topic) ? json_string_value(topic) : "?");
    printf("]  %s\n", data ? data : "?");
}

/* The logs of from..to, printed. */
static fvm_err print_range(fvm_client *c, const request *q, uint64_t from, uint64_t to)
{
    json_t *logs = NULL, *log, *filter = json_object();
    size_t i;
    (void)json_object_set_new(filter, "fromBlock", fvm_client_quantity_json(from));
    (void)json_object_set_new(filter, "toBlock", fvm_client_quantity_json(to));
    if (q->address_count) (void)json_object_set(filter, "address", q->address_list);
    if (q->topic_count) (void)json_object_set(filter, "topics", q->topic_list);
    FVM_TRY(fvm_client_call(c, &logs, NULL, "eth_getLogs", json_pack("[o]", filter)));
    json_array_foreach(logs, i, log)
    {
        if (q->o.json) {
            fvm_json_print(stdout, log);
            putchar('\n');
        } else {
            print_log(log);
        }
    }
    json_decref(logs);
    fflush(stdout);
    return ferror(stdout) ? FVM_ERR_IO : FVM_OK;
}

static fvm_err print_all(fvm_client *c, const request *q, uint64_t from, uint64_t to)
{
    while (from <= to && !stopped) {
        uint64_t last = to - from < RANGE ? to : from + RANGE - 1;
        FVM_TRY(print_range(c, q, from, last));
        from = last + 1;
    }
    return FVM_OK;
}

/* --- following --- */

typedef struct head {
    uint64_t number;
    char hash[70];
} head;

/* The heads that were printed up to, rising. */
typedef struct history {
    head seen[SEEN_MAX];
    size_t count;
} history;

static fvm_err read_block(fvm_client *c, head *out, json_t *which)
{
    json_t *block = NULL;
    char *end = NULL;
    FVM_TRY(fvm_client_call(c, &block, NULL, "eth_getBlockByNumber", json_pack("[o,b]", which, 0)));
    const char *number = json_string_value(json_object_get(block, "number"));
    const char *hash = json_string_value(json_object_get(block, "hash"));
    bool good = number && hash && strlen(hash) < sizeof out->hash;
    if (good) {
        out->number = strtoull(number, &end, 16);
        memcpy(out->hash, hash, strlen(hash) + 1);
    }
    json_decref(block);
    return good ? FVM_OK
                : fvm__why(&c->why, FVM_ERR_MALFORMED, "eth_getBlockByNumber: there is no block");
}

static fvm_err read_head(fvm_client *c, head *out)
{
    return read_block(c, out, json_string("latest"));
}

/* When there is no room, every second one goes, so that old ones lie further and further apart. */
static void remember(history *h, const head *now)
{
    if (h->count == SEEN_MAX) {
        for (size_t i = 0; i < SEEN_MAX / 2; i++) h->seen[i] = h->seen[2 * i];
        h->count = SEEN_MAX / 2;
    }
    h->seen[h->count++] = *now;
}

/* Whether the chain whose head is `now` has that block. */
static fvm_err has_block(fvm_client *c, bool *yes, const head *now, const head *seen)
{
    head there = *now;
    *yes = false;
    if (seen->number > now->number) return FVM_OK;
    if (seen->number < now->number) {
        fvm_err err = read_block(c, &there, fvm_client_quantity_json(seen->number));
        /* an error, or null: a null round of another chain */
        if (err == FVM_ERR_INVALID || err == FVM_ERR_MALFORMED) return FVM_OK;
        FVM_TRY(err);
    }
    *yes = strcmp(there.hash, seen->hash) == 0;
    return FVM_OK;
}

/* Forgets what is gone from the chain. The first block that was not printed, or `first` when all is gone. */
static fvm_err find_next(fvm_client *c, history *h, uint64_t *next, const head *now, uint64_t first)
{
    for (bool there; h->count; h->count--) {
        const head *last = &h->seen[h->count - 1];
        FVM_TRY(has_block(c, &there, now, last));
        if (!there) continue;
        *next = last->number + 1;
        return FVM_OK;
    }
    *next = first;
    return FVM_OK;
}

static fvm_err print_new(fvm_client *c, const request *q, history *h)
{
    head now;
    uint64_t next, first = q->has_from ? q->from : 0;
    FVM_TRY(read_head(c, &now));
    FVM_TRY(find_next(c, h, &next, &now, first));
    if (next < first) next = first;
    if (now.number < next) return FVM_OK;
    FVM_TRY(print_all(c, q, next, now.number));
    remember(h, &now);
    return FVM_OK;
}

static void pause_a_while(void)
{
    struct timespec t = { .tv_nsec = PAUSE_MS * 1000000L };
    (void)nanosleep(&t, NULL);
}

/* A node that is away for a while is waited for. */
static fvm_err follow(fvm_client *c, const request *q, history *h)
{
    bool away = false;
    unsigned refused = 0;
    struct sigaction action = { .sa_handler = on_signal };
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    while (!stopped) {
        fvm_err err = print_new(c, q, h);
        refused = err == FVM_OK || err == FVM_ERR_IO ? 0 : refused + 1;
        if (ferror(stdout) || refused == REFUSED_MAX) return err;
        if (err != FVM_OK && !away) fprintf(stderr, "fvm logs: %s; trying again\n", c->why.text);
        away = err != FVM_OK;
        pause_a_while();
    }
    return FVM_OK;
}

static fvm_err run(fvm_client *c, request *q)
{
    history seen = { .count = 0 };
    head now;
    FVM_TRY(make_filter(c, q));
    FVM_TRY(read_head(c, &now));
    uint64_t from = q->has_from ? q->from : q->follow ? now.number + 1 : now.number;
    uint64_t to = q->has_to && q->to < now.number ? q->to : now.number;
    FVM_TRY(print_all(c, q, from, to));
    remember(&seen, &now);
    return q->follow ? follow(c, q, &seen) : FVM_OK;
}

/* --- the command --- */

static fvm_cli_exit too_many(const char *option)
{
    fprintf(stderr, "fvm logs: %s is there too often.\n", option);
    return FVM_EXIT_USAGE;
}

static fvm_cli_exit read_options(request *q, bool *done, int argc, char **argv)
{
    fvm_args args = { .argc = argc,
                      .argv = argv,
                      .command = "logs",
                      .options = options,
                      .option_count = FVM_COUNT(options) };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case FOLLOW:
        case FOLLOW_SHORT: q->follow = true; break;
        case ADDRESS:
            if (q->address_count == ADDRESSES_MAX) return too_many("--address");
            q->addresses[q->address_count++] = args.value;
            break;
        case TOPIC:
            if (q->topic_count == TOPICS_MAX) return too_many("--topic");
            q->topics[q->topic_count++] = args.value;
            break;
        case FROM:
            if (!fvm_args_u64(&args, &q->from, "--from-block", INT64_MAX)) return FVM_EXIT_USAGE;
            q->has_from = true;
            break;
        case TO:
            if (!fvm_args_u64(&args, &q->to, "--to-block", INT64_MAX)) return FVM_EXIT_USAGE;
            q->has_to = true;
            break;
        case FVM_CLIENT_HELP_ASKED:
            fputs(help, stdout);
            *done = true;
            return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            fprintf(stderr, "fvm logs: '%s' is too much. See 'fvm logs --help'.\n", args.value);
            return FVM_EXIT_USAGE;
        default:
            if (which < 0 || !fvm_client_option(&q->o, which, &args)) return FVM_EXIT_USAGE;
        }
    }
    const char *wrong = NULL;
    if (q->follow && q->has_to) wrong = "--follow and --to-block exclude each other";
    if (q->has_from && q->has_to && q->from > q->to) wrong = "--from-block is above --to-block";
    if (wrong) fprintf(stderr, "fvm logs: %s.\n", wrong);
    return wrong ? FVM_EXIT_USAGE : FVM_EXIT_OK;
}

fvm_cli_exit fvm_cmd_logs(int argc, char **argv)
{
    request q = { .follow = false };
    bool done = false;
    fvm_client c;
    fvm_cli_exit code = read_options(&q, &done, argc, argv);
    if (code != FVM_EXIT_OK || done) return code;
    fvm_err err = fvm_client_open(&c, "logs", &q.o);
    if (err == FVM_OK) err = run(&c, &q);
    if (err != FVM_OK) code = fvm_client_failed(&c, err);
    json_decref(q.address_list);
    json_decref(q.topic_list);
    fvm_client_close(&c);
    return code;
}
