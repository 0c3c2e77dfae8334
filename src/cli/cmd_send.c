/* cmd_send.c - `fvm send` and `fvm call`: a transfer or a call of a contract, for good or just to see. */
#include "abi.h"
#include "client.h"

#include "base/text.h"

static const char send_help[] =
    "Usage: fvm send ADDRESS [AMOUNT] [OPTION]...\n"
    "       fvm send ADDRESS --call SIGNATURE [ARGUMENT]... [OPTION]...\n\n"
    "Sends value to an address (f..., t... or 0x...), or calls an EVM contract, and waits for the\n"
    "outcome. AMOUNT is 1.5FIL, 2nanoFIL or 100atto; a bare number is FIL. For calls of native\n"
    "actors see 'fvm actor invoke'.\n\n"
    "  --call SIGNATURE        call that method: transfer(address,uint256); its arguments follow\n"
    "                          it: arrays are written [1,2], tuples (1,0xab,\"a text\")\n"
    "  --data HEX              call with these bytes\n" FVM_SENDER_HELP FVM_CLIENT_HELP
    "\nExample: fvm send 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 1.5FIL\n\n" FVM_CLI_EXIT_HELP
    "1 is a message that failed on the chain, 4 also a node that cannot be reached, or that made "
    "no\n"
    "block in time.\n";

static const char call_help[] =
    "Usage: fvm call ADDRESS SIGNATURE [ARGUMENT]... [OPTION]...\n"
    "       fvm call ADDRESS --data HEX [OPTION]...\n\n"
    "Runs a method of an EVM contract on the node's state, without sending anything, and prints\n"
    "what it returns: by its types, if the signature has them, as balanceOf(address)(uint256).\n"
    "Arrays are written [1,2], tuples (1,0xab,\"a text\").\n\n"
    "  --data HEX              call with these bytes\n"
    "  --from ADDRESS          who calls\n"
    "  --value AMOUNT          sent along: 1.5FIL, 100atto\n"
    "  --block BLOCK           latest (default), pending, or a number\n" FVM_CLIENT_HELP
    "\nExample: fvm call 0xe7f1...0512 'balanceOf(address)(uint256)' "
    "0xf39F...2266\n\n" FVM_CLI_EXIT_HELP
    "1 is a call that was reverted, 4 also a node that cannot be reached.\n";

#define WORDS_MAX 40

typedef struct request {
    fvm_client_options o;
    char *words[WORDS_MAX];
    size_t count;
    const char *signature, *data, *block;
} request;

/* Reads options by a table whose first rows are FVM_CLIENT_OPTIONS and whose last are `own`. FVM_EXIT_OK to go
 * on unless `*done`. */
static fvm_cli_exit read_request(request *q, bool *done, const fvm_option *table, size_t rows,
                                 const char *command, const char *help, int argc, char **argv)
{
    fvm_args args = {
        .argc = argc, .argv = argv, .command = command, .options = table, .option_count = rows
    };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == FVM_ARG_BAD) return FVM_EXIT_USAGE;
        const char *name = which >= 0 ? table[which].name : "";
        if (which == FVM_ARG_POSITIONAL) {
            if (q->count == WORDS_MAX) {
                fprintf(stderr, "fvm %s: too many arguments.\n", command);
                return FVM_EXIT_USAGE;
            }
            q->words[q->count++] = (char *)(uintptr_t)args.value;
        } else if (which == FVM_CLIENT_HELP_ASKED) {
            fputs(help, stdout);
            *done = true;
            return FVM_EXIT_OK;
        } else if (strcmp(name, "--call") == 0) {
            q->signature = args.value;
        } else if (strcmp(name, "--data") == 0) {
            q->data = args.value;
        } else if (strcmp(name, "--block") == 0) {
            q->block = args.value;
        } else if (strcmp(name, "--from") == 0) {
            q->o.from = args.value;
        } else if (strcmp(name, "--value") == 0) {
            q->o.value = args.value;
        } else if (!fvm_client_option(&q->o, which, &args)) {
            return FVM_EXIT_USAGE;
        }
    }
    return FVM_EXIT_OK;
}

static fvm_cli_exit wrong_usage(const char *command, const char *words)
{
    fprintf(stderr, "fvm %s: %s See 'fvm %s --help'.\n", command, words, command);
    return FVM_EXIT_USAGE;
}

/* The input of a contract's call: bytes as given, or by signature and arguments from words[first] on. */
static fvm_err make_input(fvm_buf *input, fvm_abi_types *returns, const request *q, size_t first,
                          fvm_store_why *why)
{
    fvm_abi_types types;
    uint8_t selector[4];
    returns->count = 0;
    if (q->data) {
        const char *digits = strncmp(q->data, "0x", 2) == 0 ? q->data + 2 : q->data;
        if (fvm_hex_decode(input, fvm_bytes_of(digits)) == FVM_OK) return FVM_OK;
        return fvm__why(why, FVM_ERR_MALFORMED, "--data: not hexadecimal");
    }
    FVM_TRY(fvm_abi_signature(selector, &types, returns, q->signature, why));
    FVM_TRY(fvm_buf_append(input, (fvm_bytes){ selector, 4 }));
    return fvm_abi_encode(input, &types, (char **)(uintptr_t)(q->words + first), q->count - first,
                          why);
}

/* --- send --- */

static fvm_cli_exit run_send(request *q)
{
    fvm_client c;
    fvm_outcome outcome;
    fvm_errand errand = { .method = 0 };
    fvm_abi_types returns;
    fvm_buf input;
    fvm_cli_exit code;
    fvm_buf_init(&input, NULL);
    fvm_outcome_init(&outcome);
    fvm_err err = fvm_client_open(&c, "send", &q->o);
    if (err == FVM_OK && !fvm_cli_address(&errand.to, q->words[0]))
        err = fvm__why(&c.why, FVM_ERR_MALFORMED, "'%s' is no address", q->words[0]);
    if (err == FVM_OK && (q->signature || q->data)) {
        errand.is_input = true;
        err = make_input(&input, &returns, q, 1, &c.why);
        errand.params = fvm_buf_bytes(&input);
    }
    if (err == FVM_OK) err = fvm_client_send(&c, &outcome, &errand);
    code = err == FVM_OK ? fvm_outcome_print(&c, &outcome, NULL) : fvm_client_failed(&c, err);
    fvm_outcome_deinit(&outcome);
    fvm_buf_deinit(&input);
    fvm_client_close(&c);
    return code;
}

fvm_cli_exit fvm_cmd_send(int argc, char **argv)
{
    static const fvm_option table[] = {
        FVM_CLIENT_OPTIONS, FVM_SENDER_OPTIONS, { "--call", true }, { "--data", true }
    };
    request q = { .count = 0 };
    bool done = false;
    fvm_cli_exit code = read_request(&q, &done, table, FVM_COUNT(table), "send", send_help, argc,
                                     argv);
    if (code != FVM_EXIT_OK || done) return code;
    if (q.count == 0) return wrong_usage("send", "an address is missing.");
    if (q.signature && q.data) return wrong_usage("send", "--call and --data exclude each other.");
    if (!q.signature && q.count > 2) return wrong_usage("send", "too many arguments.");
    if (!q.signature && q.count == 2) {
        if (q.o.value) return wrong_usage("send", "the amount is there twice.");
        q.o.value = q.words[1];
    }
    if (!q.signature && !q.data && !q.o.value) return wrong_usage("send", "an amount is missing.");
    return run_send(&q);
}

/* --- call --- */

static json_t *call_params(const request *q, const fvm_eth_address *to, const fvm_eth_address *from,
                           const fvm_big *value, fvm_bytes input)
{
    char text[FVM_ETH_ADDRESS_TEXT], amount[FVM_BIG_TEXT_MAX];
    json_t *o = json_object();
    const char *block = q->block ? q->block : "latest";
    if (!o) return NULL;
    fvm_eth_address_to_text(text, to, false);
    (void)json_object_set_new(o, "to", json_string(text));
    (void)json_object_set_new(o, "data", fvm_client_hex_json(input));
    if (from) {
        fvm_eth_address_to_text(text, from, false);
        (void)json_object_set_new(o, "from", json_string(text));
    }
    if (q->o.value) {
        (void)fvm_big_to_text(amount, value);
        (void)json_object_set_new(o, "value", json_string(amount));
    }
    if (block[0] >= '0' && block[0] <= '9' && strncmp(block, "0x", 2) != 0)
        return json_pack("[o,o]", o, fvm_client_quantity_json(strtoull(block, NULL, 10)));
    return json_pack("[o,s]", o, block);
}

static void print_values(const json_t *values)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *value = json_array_get(values, i);
        if (json_is_string(value)) {
            puts(json_string_value(value));
        } else {
            fvm_json_print(stdout, value);
            putchar('\n');
        }
    }
}

static fvm_err print_result(fvm_client *c, const request *q, const json_t *result,
                            const fvm_abi_types *returns)
{
    fvm_buf data;
    json_t *values = NULL;
    const char *text = json_string_value(result);
    fvm_buf_init(&data, NULL);
    fvm_err err = fvm_client_hex(&data, result);
    if (err != FVM_OK) {
        err = fvm__why(&c->why, err, "the node's result is no hexadecimal string");
    } else if (returns->count && data.len == 0) {
        err = fvm__why(&c->why, FVM_ERR_MALFORMED,
                       "nothing was returned: is there a contract at %s?", q->words[0]);
    } else if (returns->count && fvm_abi_decode(&values, returns, fvm_buf_bytes(&data)) != FVM_OK) {
        err = fvm__why(&c->why, FVM_ERR_MALFORMED, "the result is not of these types: %.300s",
                       text);
    } else if (q->o.json) {
        json_t *o = json_pack("{s:s,s:O*}", "result", text, "values", values);
        (void)fvm_json_answer("call", o);
    } else if (values) {
        print_values(values);
    } else {
        puts(text);
    }
    json_decref(values);
    fvm_buf_deinit(&data);
    return err;
}

static fvm_err prepare_call(fvm_client *c, const request *q, fvm_eth_address *to,
                            fvm_eth_address *from, fvm_big *value)
{
    fvm_address address;
    if (!fvm_cli_address(&address, q->words[0]))
        return fvm__why(&c->why, FVM_ERR_MALFORMED, "'%s' is no address", q->words[0]);
    FVM_TRY(fvm_client_eth_address(c, to, &address));
    if (q->o.value && !fvm_client_amount(value, q->o.value))
        return fvm__why(&c->why, FVM_ERR_MALFORMED, "'%s' is no amount", q->o.value);
    if (!q->o.from) return FVM_OK;
    if (!fvm_cli_address(&address, q->o.from))
        return fvm__why(&c->why, FVM_ERR_MALFORMED, "--from: '%s' is no address", q->o.from);
    return fvm_client_eth_address(c, from, &address);
}

static fvm_cli_exit run_call(request *q)
{
    fvm_client c;
    fvm_eth_address to, from;
    fvm_big value = fvm_big_zero();
    fvm_abi_types returns;
    fvm_buf input;
    json_t *result = NULL;
    int64_t number = 0;
    fvm_cli_exit code;
    fvm_buf_init(&input, NULL);
    fvm_err err = fvm_client_open(&c, "call", &q->o);
    if (err == FVM_OK) err = make_input(&input, &returns, q, 2, &c.why);
    if (err == FVM_OK) err = prepare_call(&c, q, &to, &from, &value);
    if (err == FVM_OK)
        err = fvm_client_call(
            &c, &result, &number, "eth_call",
            call_params(q, &to, q->o.from ? &from : NULL, &value, fvm_buf_bytes(&input)));
    if (err == FVM_OK) err = print_result(&c, q, result, &returns);
    code = err == FVM_OK ? FVM_EXIT_OK : fvm_client_failed(&c, err);
    if (err == FVM_ERR_INVALID && number == 3) code = FVM_EXIT_FAILED; /* reverted */
    json_decref(result);
    fvm_buf_deinit(&input);
    fvm_client_close(&c);
    return code;
}

fvm_cli_exit fvm_cmd_call(int argc, char **argv)
{
    static const fvm_option table[] = { FVM_CLIENT_OPTIONS,
                                        { "--from", true },
                                        { "--value", true },
                                        { "--data", true },
                                        { "--block", true } };
    request q = { .count = 0 };
    bool done = false;
    fvm_cli_exit code = read_request(&q, &done, table, FVM_COUNT(table), "call", call_help, argc,
                                     argv);
    if (code != FVM_EXIT_OK || done) return code;
    if (q.count == 0) return wrong_usage("call", "an address is missing.");
    if (q.data ? q.count != 1 : q.count < 2)
        return wrong_usage("call", "name either a signature and its arguments, or --data.");
    if (!q.data) q.signature = q.words[1];
    return run_call(&q);
}
