/* actor_client.c - `fvm actor install|create|invoke`, and the state of an actor, at a node. */
#include "actor_client.h"

#include "base/text.h"
#include "cmd_actor.h"
#include "cmd_actor_frc42.h"
#include "crypto/crypto.h"
#include "ipld/cbor.h"

#include <stdlib.h>

#define INIT_ACTOR 1u
#define METHOD_EXEC 2u
#define METHOD_INSTALL 4u /* doc/user-actors.md */
#define MODULE_MAX (UINT64_C(1) << 20)

static const char install_help[] =
    "Usage: fvm actor install FILE.wasm [OPTION]...\n\n"
    "Installs an actor's code on a network that takes those of users (a node of 'fvm node' does),\n"
    "and prints its CID, of which 'fvm actor create' makes "
    "actors.\n\n" FVM_SENDER_HELP FVM_CLIENT_HELP
    "\nExample: fvm actor install piggybank/build/piggybank.wasm\n\n" FVM_CLI_EXIT_HELP
    "1 is a message that failed on the chain, 4 also a node that cannot be reached, or that made "
    "no\n"
    "block in time.\n";
static const char create_help[] =
    "Usage: fvm actor create CODE [PARAMS] [OPTION]...\n\n"
    "Makes an actor of an installed code, a CID or the file of the module. PARAMS are the\n"
    "constructor's, in CBOR's diagnostic notation: [1, \"text\", h'00ff', true, "
    "5FIL].\n\n" FVM_SENDER_HELP FVM_CLIENT_HELP
    "\nExample: fvm actor create piggybank/build/piggybank.wasm '[5]'\n\n" FVM_CLI_EXIT_HELP
    "1 is a message that failed on the chain, 4 also a node that cannot be reached, or that made "
    "no\n"
    "block in time.\n";
static const char invoke_help[] =
    "Usage: fvm actor invoke ADDRESS METHOD [PARAMS] [OPTION]...\n\n"
    "Calls a method of a native actor: METHOD is a number or a name exported by FRC-42 (Add, "
    "Get);\n"
    "PARAMS are in CBOR's diagnostic notation: [1, \"text\", h'00ff', true, 5FIL].\n\n"
    "  --read-only             do not send: run it on the node's state and print what it "
    "returns\n" FVM_SENDER_HELP FVM_CLIENT_HELP
    "\nExample: fvm actor invoke t01005 Add '[5]'\n\n" FVM_CLI_EXIT_HELP
    "1 is a message that failed on the chain, 4 also a node that cannot be reached, or that made "
    "no\n"
    "block in time.\n";

/* --- params and answers --- */

/* One value, or nothing. */
static fvm_err notation_to_cbor(fvm_buf *out, const char *text, fvm_store_why *why)
{
    static const fvm_actor_names none = { .count = 0 };
    fvm_bytes rest = text ? fvm_bytes_of(text) : (fvm_bytes){ NULL, 0 };
    if (rest.len == 0) return FVM_OK;
    fvm_err err = fvm_actor_value(out, &rest, &none);
    while (err == FVM_OK && rest.len && rest.ptr[0] <= ' ') rest.ptr++, rest.len--;
    if (err == FVM_OK && rest.len) err = FVM_ERR_TRAILING;
    if (err == FVM_OK || err == FVM_ERR_NOMEM) return err;
    return fvm__why(why, FVM_ERR_MALFORMED, "PARAMS: '%.100s': %s", text, fvm_err_text(err));
}

static bool take_address(fvm_client *c, char out[FVM_ADDRESS_TEXT_MAX], fvm_bytes *in)
{
    fvm_bytes raw;
    fvm_address a;
    if (fvm_cbor_bytes(&raw, in, NULL) != FVM_OK || fvm_address_read(&a, raw, true) != FVM_OK)
        return false;
    fvm_client_address_text(c, out, &a);
    return true;
}

/* [code CID, installed] */
static json_t *read_installed(const fvm_outcome *o)
{
    fvm_bytes in = fvm_buf_bytes(&o->return_data);
    fvm_cid code;
    bool fresh = false;
    char text[FVM_CID_TEXT_MAX];
    if (!o->waited || !o->ok || fvm_cbor_tuple(2, &in) != FVM_OK ||
        fvm_cbor_cid(&code, &in) != FVM_OK || fvm_cbor_bool(&fresh, &in) != FVM_OK)
        return NULL;
    (void)fvm_cid_to_text(text, &code);
    return json_pack("{s:s,s:b}", "code", text, "installed", fresh);
}

/* [ID address, robust address] */
static json_t *read_created(fvm_client *c, const fvm_outcome *o)
{
    fvm_bytes in = fvm_buf_bytes(&o->return_data);
    char id[FVM_ADDRESS_TEXT_MAX], robust[FVM_ADDRESS_TEXT_MAX];
    if (!o->waited || !o->ok || fvm_cbor_tuple(2, &in) != FVM_OK || !take_address(c, id, &in) ||
        !take_address(c, robust, &in))
        return NULL;
    return json_pack("{s:s,s:s}", "actor", id, "robust", robust);
}

void fvm_actor_client_created(fvm_outcome *outcome)
{
    fvm_bytes in = fvm_buf_bytes(&outcome->return_data), eth, item;
    uint64_t id;
    fvm_eth_address a;
    if (fvm_cbor_tuple(3, &in) != FVM_OK || fvm_cbor_uint(&id, &in) != FVM_OK ||
        fvm_cbor_item(&item, &in) != FVM_OK || fvm_cbor_bytes(&eth, &in, NULL) != FVM_OK ||
        eth.len != 20)
        return;
    memcpy(a.bytes, eth.ptr, 20);
    fvm_eth_address_to_text(outcome->contract, &a, false);
}

/* --- messages to the init actor --- */

static fvm_err install(fvm_client *c, fvm_outcome *out, fvm_bytes module)
{
    fvm_buf params;
    fvm_buf_init(&params, NULL);
    fvm_err err = fvm_cbor_put_array(&params, 1);
    if (err == FVM_OK) err = fvm_cbor_put_bytes(&params, module);
    fvm_errand errand = { .to = fvm_address_id(INIT_ACTOR),
                          .method = METHOD_INSTALL,
                          .params = fvm_buf_bytes(&params) };
    if (err == FVM_OK) err = fvm_client_send(c, out, &errand);
    fvm_buf_deinit(&params);
    return err;
}

static fvm_err create(fvm_client *c, fvm_outcome *out, const fvm_cid *code, const char *notation)
{
    fvm_buf params, constructor;
    fvm_buf_init(&params, NULL);
    fvm_buf_init(&constructor, NULL);
    fvm_err err = notation_to_cbor(&constructor, notation, &c->why);
    if (err == FVM_OK) err = fvm_cbor_put_array(&params, 2);
    if (err == FVM_OK) err = fvm_cbor_put_cid(&params, code);
    if (err == FVM_OK) err = fvm_cbor_put_bytes(&params, fvm_buf_bytes(&constructor));
    fvm_errand errand = { .to = fvm_address_id(INIT_ACTOR),
                          .method = METHOD_EXEC,
                          .params = fvm_buf_bytes(&params) };
    if (err == FVM_OK) err = fvm_client_send(c, out, &errand);
    fvm_buf_deinit(&constructor);
    fvm_buf_deinit(&params);
    return err;
}

/* Installs without the value, which is the actor's, and always waits: the actor needs the code. */
static fvm_err install_first(fvm_client *c, fvm_outcome *out, fvm_bytes module)
{
    const fvm_client_options *asked = c->options;
    fvm_client_options mine = *asked;
    mine.value = NULL;
    mine.no_wait = false;
    c->options = &mine;
    fvm_err err = install(c, out, module);
    c->options = asked;
    return err;
}

fvm_cli_exit fvm_actor_client_deploy(fvm_client *client, fvm_bytes module, const char *params)
{
    fvm_outcome installed, created;
    fvm_cli_exit code;
    fvm_outcome_init(&installed);
    fvm_outcome_init(&created);
    fvm_cid cid = fvm_cid_of(FVM_CODEC_RAW, module);
    fvm_err err = install_first(client, &installed, module);
    if (err == FVM_OK && !installed.ok) {
        fprintf(stderr, "fvm %s: the code was not installed.\n", client->command);
        code = fvm_outcome_print(client, &installed, NULL);
    } else {
        if (err == FVM_OK) err = create(client, &created, &cid, params);
        code = err == FVM_OK ? fvm_outcome_print(client, &created, read_created(client, &created))
                             : fvm_client_failed(client, err);
    }
    fvm_outcome_deinit(&created);
    fvm_outcome_deinit(&installed);
    return code;
}

/* --- the commands --- */

typedef struct request {
    fvm_client_options o;
    const char *words[3];
    size_t count, least, most;
    bool read_only;
    const char *command, *help;
} request;

/* FVM_EXIT_OK to go on unless `*done`. */
static fvm_cli_exit read_request(request *q, bool *done, int argc, char **argv)
{
    static const fvm_option table[] = { FVM_CLIENT_OPTIONS,
                                        FVM_SENDER_OPTIONS,
                                        { "--read-only", false } };
    bool is_invoke = q->help == invoke_help;
    fvm_args args = { .argc = argc,
                      .argv = argv,
                      .command = q->command,
                      .options = table,
                      .option_count = FVM_COUNT(table) - !is_invoke };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == FVM_ARG_BAD) return FVM_EXIT_USAGE;
        if (which == FVM_ARG_POSITIONAL) {
            if (q->count < q->most) q->words[q->count] = args.value;
            q->count++;
        } else if (which == FVM_CLIENT_HELP_ASKED) {
            fputs(q->help, stdout);
            *done = true;
            return FVM_EXIT_OK;
        } else if (which == FVM_COUNT(table) - 1) {
            q->read_only = true;
        } else if (!fvm_client_option(&q->o, which, &args)) {
            return FVM_EXIT_USAGE;
        }
    }
    if (q->count >= q->least && q->count <= q->most) return FVM_EXIT_OK;
    fprintf(stderr, "fvm %s: too %s arguments. See 'fvm %s --help'.\n", q->command,
            q->count < q->least ? "few" : "many", q->command);
    return FVM_EXIT_USAGE;
}

fvm_cli_exit fvm_cmd_actor_install(int argc, char **argv)
{
    request q = { .least = 1, .most = 1, .command = "actor install", .help = install_help };
    bool done = false;
    fvm_client c;
    fvm_outcome outcome;
    fvm_buf module;
    fvm_cli_exit code = read_request(&q, &done, argc, argv);
    if (code != FVM_EXIT_OK || done) return code;
    fvm_buf_init(&module, NULL);
    fvm_outcome_init(&outcome);
    fvm_err err = fvm_client_open(&c, q.command, &q.o);
    if (err == FVM_OK) err = fvm_file_read(&module, q.words[0], MODULE_MAX, &c.why);
    if (err == FVM_OK) err = install(&c, &outcome, fvm_buf_bytes(&module));
    code = err == FVM_OK ? fvm_outcome_print(&c, &outcome, read_installed(&outcome))
                         : fvm_client_failed(&c, err);
    fvm_outcome_deinit(&outcome);
    fvm_buf_deinit(&module);
    fvm_client_close(&c);
    return code;
}

static fvm_err find_code(fvm_cid *out, const char *text, fvm_store_why *why)
{
    fvm_buf module;
    if (fvm_cid_from_text(out, fvm_bytes_of(text)) == FVM_OK) return FVM_OK;
    fvm_buf_init(&module, NULL);
    fvm_err err = fvm_file_read(&module, text, MODULE_MAX, why);
    if (err == FVM_OK) *out = fvm_cid_of(FVM_CODEC_RAW, fvm_buf_bytes(&module));
    fvm_buf_deinit(&module);
    return err;
}

fvm_cli_exit fvm_cmd_actor_create(int argc, char **argv)
{
    request q = { .least = 1, .most = 2, .command = "actor create", .help = create_help };
    bool done = false;
    fvm_client c;
    fvm_outcome outcome;
    fvm_cid code_cid;
    fvm_cli_exit code = read_request(&q, &done, argc, argv);
    if (code != FVM_EXIT_OK || done) return code;
    fvm_outcome_init(&outcome);
    fvm_err err = fvm_client_open(&c, q.command, &q.o);
    if (err == FVM_OK) err = find_code(&code_cid, q.words[0], &c.why);
    if (err == FVM_OK) err = create(&c, &outcome, &code_cid, q.words[1]);
    code = err == FVM_OK ? fvm_outcome_print(&c, &outcome, read_created(&c, &outcome))
                         : fvm_client_failed(&c, err);
    fvm_outcome_deinit(&outcome);
    fvm_client_close(&c);
    return code;
}

static fvm_err read_method(uint64_t *out, const char *text, fvm_store_why *why)
{
    char *end = NULL;
    uint32_t number = 0;
    if (text[0] >= '0' && text[0] <= '9') {
        *out = strtoull(text, &end, 10);
        if (*end == '\0') return FVM_OK;
    } else if (fvm_frc42(&number, fvm_bytes_of(text)) == FVM_OK) {
        *out = number;
        return FVM_OK;
    }
    return fvm__why(why, FVM_ERR_MALFORMED,
                    "METHOD: '%.60s' is neither a number nor a name as FRC-42 has them", text);
}

/* Filecoin.StateCall: what the message would return. */
static fvm_err try_out(fvm_client *c, fvm_outcome *out, const fvm_errand *e)
{
    char to[FVM_ADDRESS_TEXT_MAX], from[FVM_ADDRESS_TEXT_MAX];
    json_t *result = NULL, *receipt;
    fvm_address sender = fvm_address_id(0);
    uint64_t exit_code = 0;
    fvm_json_at at = { "Filecoin.StateCall", "", &c->why };
    if (c->options->from && !fvm_cli_address(&sender, c->options->from))
        return fvm__why(&c->why, FVM_ERR_MALFORMED, "--from: no address");
    fvm_client_address_text(c, to, &e->to);
    fvm_client_address_text(c, from, &sender);
    FVM_TRY(fvm_client_call(c, &result, NULL, at.file,
                            json_pack("[{s:i,s:s,s:s,s:i,s:s,s:i,s:s,s:s,s:I,s:o},n]", "Version", 0,
                                      "To", to, "From", from, "Nonce", 0, "Value", "0", "GasLimit",
                                      0, "GasFeeCap", "0", "GasPremium", "0", "Method",
                                      (json_int_t)e->method, "Params",
                                      fvm_json_from_base64(e->params))));
    fvm_err err = fvm_json_object(&receipt, result, "MsgRct", &at);
    if (err == FVM_OK) err = fvm_json_u64(&exit_code, receipt, "ExitCode", UINT32_MAX, &at);
    if (err == FVM_OK) err = fvm_json_u64(&out->gas_used, receipt, "GasUsed", INT64_MAX, &at);
    if (err == FVM_OK && json_is_string(json_object_get(receipt, "Return")))
        err = fvm_json_base64(&out->return_data, receipt, "Return", &at);
    json_decref(result);
    out->exit_code = (uint32_t)exit_code;
    out->ok = exit_code == 0;
    return err;
}

static fvm_cli_exit print_tried(const fvm_client *c, const fvm_outcome *o)
{
    fvm_buf text;
    fvm_buf_init(&text, NULL);
    if (c->options->json) {
        json_t *out = json_pack("{s:b,s:i,s:I,s:o}", "ok", o->ok, "exit_code", (int)o->exit_code,
                                "gas_used", (json_int_t)o->gas_used, "return",
                                fvm_client_hex_json(fvm_buf_bytes(&o->return_data)));
        (void)fvm_json_answer(c->command, out);
    } else if (!o->ok) {
        printf("failed, exit code %u\n", (unsigned)o->exit_code);
    } else if (o->return_data.len &&
               fvm_actor_notation(&text, fvm_buf_bytes(&o->return_data)) == FVM_OK) {
        printf("%.*s\n", (int)text.len, (const char *)text.ptr);
    }
    fvm_buf_deinit(&text);
    return o->ok ? FVM_EXIT_OK : FVM_EXIT_FAILED;
}

fvm_cli_exit fvm_cmd_actor_invoke(int argc, char **argv)
{
    request q = { .least = 2, .most = 3, .command = "actor invoke", .help = invoke_help };
    bool done = false;
    fvm_client c;
    fvm_outcome outcome;
    fvm_errand errand = { .method = 0 };
    fvm_buf params;
    fvm_cli_exit code = read_request(&q, &done, argc, argv);
    if (code != FVM_EXIT_OK || done) return code;
    fvm_buf_init(&params, NULL);
    fvm_outcome_init(&outcome);
    fvm_err err = fvm_client_open(&c, q.command, &q.o);
    if (err == FVM_OK && !fvm_cli_address(&errand.to, q.words[0]))
        err = fvm__why(&c.why, FVM_ERR_MALFORMED, "'%s' is no address", q.words[0]);
    if (err == FVM_OK) err = read_method(&errand.method, q.words[1], &c.why);
    if (err == FVM_OK) err = notation_to_cbor(&params, q.words[2], &c.why);
    errand.params = fvm_buf_bytes(&params);
    if (err == FVM_OK)
        err = q.read_only ? try_out(&c, &outcome, &errand) : fvm_client_send(&c, &outcome, &errand);
    if (err != FVM_OK) {
        code = fvm_client_failed(&c, err);
    } else {
        code = q.read_only ? print_tried(&c, &outcome) : fvm_outcome_print(&c, &outcome, NULL);
    }
    fvm_outcome_deinit(&outcome);
    fvm_buf_deinit(&params);
    fvm_client_close(&c);
    return code;
}

/* --- state --- */

static void print_actor(const char *name, const json_t *actor, json_t *state)
{
    fvm_big balance;
    char amount[FVM_BIG_TEXT_MAX + 8];
    const char *digits = json_string_value(json_object_get(state, "Balance"));
    const char *code = json_string_value(json_object_get(json_object_get(actor, "Code"), "/"));
    const char *head = json_string_value(json_object_get(json_object_get(actor, "Head"), "/"));
    const char *delegated = json_string_value(json_object_get(actor, "DelegatedAddress"));
    printf("actor     %s%s%s\n", name, delegated ? ", " : "", delegated ? delegated : "");
    printf("code      %s\nhead      %s\nnonce     %lld\n", code ? code : "?", head ? head : "?",
           (long long)json_integer_value(json_object_get(actor, "Nonce")));
    if (digits && fvm_big_from_text(&balance, fvm_bytes_of(digits)) == FVM_OK) {
        fvm_client_amount_text(amount, &balance);
        printf("balance   %s\n", amount);
    }
    char *text = json_dumps(json_object_get(state, "State"), JSON_INDENT(2) | JSON_ENCODE_ANY);
    printf("state     %s\n", text ? text : "null");
    free(text);
}

fvm_cli_exit fvm_cmd_actor_state_node(const char *address, const fvm_client_options *options)
{
    fvm_client c;
    fvm_address a;
    char text[FVM_ADDRESS_TEXT_MAX];
    json_t *actor = NULL, *state = NULL;
    fvm_cli_exit code = FVM_EXIT_OK;
    fvm_err err = fvm_client_open(&c, "actor state", options);
    if (err == FVM_OK && !fvm_cli_address(&a, address))
        err = fvm__why(&c.why, FVM_ERR_MALFORMED, "'%s' is no address", address);
    if (err == FVM_OK) {
        fvm_client_address_text(&c, text, &a);
        err = fvm_client_call(&c, &actor, NULL, "Filecoin.StateGetActor", json_pack("[s,n]", text));
    }
    if (err == FVM_OK)
        err = fvm_client_call(&c, &state, NULL, "Filecoin.StateReadState",
                              json_pack("[s,n]", text));
    if (err != FVM_OK) {
        code = fvm_client_failed(&c, err);
    } else if (options->json) {
        (void)json_object_update_missing(actor, state);
        (void)json_object_set_new(actor, "address", json_string(text));
        (void)fvm_json_answer("actor state", json_incref(actor));
    } else {
        print_actor(text, actor, state);
    }
    json_decref(state);
    json_decref(actor);
    fvm_client_close(&c);
    return code;
}
