/* cmd_deploy.c - `fvm deploy`: an EVM contract from what compilers write, or a native actor from its module. */
#include "abi.h"
#include "actor_client.h"

#include "base/text.h"

static const char help[] =
    "Usage: fvm deploy FILE [ARGUMENT]... [OPTION]...\n\n"
    "Deploys what FILE holds and prints its address:\n\n"
    "  *.json   an artefact of hardhat, foundry or solc: its bytecode; ARGUMENTs are the\n"
    "           constructor's, by the types in its abi\n"
    "  *.wasm   a native actor: installs the code and makes one actor of it; one ARGUMENT may be\n"
    "           the constructor's parameters in CBOR's notation, as for 'fvm actor invoke'\n"
    "  else     hexadecimal digits of init code; ARGUMENTs need --constructor\n\n"
    "  --constructor SIGNATURE constructor(address,uint256): the types of the arguments\n"
    "  --args HEX              arguments, encoded\n" FVM_SENDER_HELP FVM_CLIENT_HELP
    "\nExample: fvm deploy out/Token.sol/Token.json 'My Token' 1000000\n\n" FVM_CLI_EXIT_HELP
    "1 is a creation that failed on the chain, 4 also a node that cannot be reached, or that made "
    "no\n"
    "block in time.\n";

#define FILE_MAX (UINT64_C(64) << 20)

typedef struct request {
    fvm_client_options o;
    const char *file;
    char *words[FVM_ABI_PARAMS_MAX];
    size_t count;
    const char *constructor, *args;
} request;

/* hardhat: bytecode; foundry: bytecode.object; solc: evm.bytecode.object. */
static const char *find_bytecode(const json_t *artefact)
{
    const json_t *code = json_object_get(artefact, "bytecode");
    if (!code) code = json_object_get(json_object_get(artefact, "evm"), "bytecode");
    if (json_is_object(code)) code = json_object_get(code, "object");
    return json_string_value(code);
}

static fvm_err constructor_types(fvm_abi_types *out, const json_t *artefact, fvm_store_why *why)
{
    const json_t *entry, *input;
    size_t i, k;
    json_array_foreach(json_object_get(artefact, "abi"), i, entry)
    {
        const char *kind = json_string_value(json_object_get(entry, "type"));
        if (!kind || strcmp(kind, "constructor") != 0) continue;
        json_array_foreach(json_object_get(entry, "inputs"), k, input)
        {
            FVM_TRY(fvm_abi_add_json(out, input, why));
        }
    }
    return FVM_OK;
}

static fvm_err add_digits(fvm_buf *out, fvm_bytes digits, const char *what, fvm_store_why *why)
{
    while (digits.len && digits.ptr[0] <= ' ') digits.ptr++, digits.len--;
    while (digits.len && digits.ptr[digits.len - 1] <= ' ') digits.len--;
    if (digits.len >= 2 && digits.ptr[0] == '0' && (digits.ptr[1] | 0x20) == 'x')
        digits.ptr += 2, digits.len -= 2;
    if (memchr(digits.ptr ? digits.ptr : (const uint8_t *)"", '_', digits.len))
        return fvm__why(why, FVM_ERR_MALFORMED, "%s: has to be linked with libraries first", what);
    fvm_err err = fvm_hex_decode(out, digits);
    if (err == FVM_ERR_MALFORMED)
        return fvm__why(why, err, "%s: neither JSON nor hexadecimal digits", what);
    return err;
}

static fvm_err from_artefact(fvm_buf *code, fvm_abi_types *types, fvm_bytes text, const char *file,
                             fvm_store_why *why)
{
    json_t *artefact = NULL;
    FVM_TRY(fvm_json_parse(&artefact, text, file, why));
    const char *digits = find_bytecode(artefact);
    fvm_err err = digits ? add_digits(code, fvm_bytes_of(digits), file, why)
                         : fvm__why(why, FVM_ERR_MALFORMED, "%s: has no bytecode", file);
    if (err == FVM_OK && code->len == 0)
        err = fvm__why(why, FVM_ERR_MALFORMED, "%s: is abstract: its bytecode is empty", file);
    if (err == FVM_OK) err = constructor_types(types, artefact, why);
    json_decref(artefact);
    return err;
}

/* Init code and arguments. */
static fvm_err make_code(fvm_buf *code, const request *q, fvm_bytes text, fvm_store_why *why)
{
    fvm_abi_types types = { .count = 0 }, none;
    uint8_t selector[4];
    fvm_bytes front = text;
    while (front.len && front.ptr[0] <= ' ') front.ptr++, front.len--;
    if (front.len && front.ptr[0] == '{') {
        FVM_TRY(from_artefact(code, &types, text, q->file, why));
    } else {
        FVM_TRY(add_digits(code, text, q->file, why));
    }
    if (q->constructor) FVM_TRY(fvm_abi_signature(selector, &types, &none, q->constructor, why));
    if (q->args) return add_digits(code, fvm_bytes_of(q->args), "--args", why);
    return fvm_abi_encode(code, &types, (char **)(uintptr_t)q->words, q->count, why);
}

static fvm_cli_exit deploy_evm(fvm_client *c, const request *q, fvm_bytes text)
{
    fvm_outcome outcome;
    fvm_buf code;
    fvm_errand errand = { .is_input = true };
    fvm_cli_exit exit_code;
    fvm_buf_init(&code, NULL);
    fvm_outcome_init(&outcome);
    fvm_err err = make_code(&code, q, text, &c->why);
    errand.params = fvm_buf_bytes(&code);
    if (err == FVM_OK) err = fvm_client_send(c, &outcome, &errand);
    if (err == FVM_OK && outcome.waited && outcome.ok && !outcome.is_eth)
        fvm_actor_client_created(&outcome); /* the address manager's answer */
    exit_code = err == FVM_OK ? fvm_outcome_print(c, &outcome, NULL) : fvm_client_failed(c, err);
    fvm_outcome_deinit(&outcome);
    fvm_buf_deinit(&code);
    return exit_code;
}

static fvm_cli_exit run(const request *q)
{
    fvm_client c;
    fvm_buf text;
    fvm_cli_exit code;
    fvm_buf_init(&text, NULL);
    fvm_err err = fvm_client_open(&c, "deploy", &q->o);
    if (err == FVM_OK) err = fvm_file_read(&text, q->file, FILE_MAX, &c.why);
    if (err != FVM_OK) {
        code = fvm_client_failed(&c, err);
    } else if (fvm_ends_with(q->file, ".wasm")) {
        code = fvm_actor_client_deploy(&c, fvm_buf_bytes(&text), q->count ? q->words[0] : NULL);
    } else {
        code = deploy_evm(&c, q, fvm_buf_bytes(&text));
    }
    fvm_buf_deinit(&text);
    fvm_client_close(&c);
    return code;
}

fvm_cli_exit fvm_cmd_deploy(int argc, char **argv)
{
    static const fvm_option table[] = {
        FVM_CLIENT_OPTIONS, FVM_SENDER_OPTIONS, { "--constructor", true }, { "--args", true }
    };
    enum { CONSTRUCTOR = FVM_COUNT(table) - 2, ARGS };
    request q = { .count = 0 };
    fvm_args args = { .argc = argc,
                      .argv = argv,
                      .command = "deploy",
                      .options = table,
                      .option_count = FVM_COUNT(table) };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == FVM_ARG_BAD) return FVM_EXIT_USAGE;
        if (which == FVM_ARG_POSITIONAL && !q.file) {
            q.file = args.value;
        } else if (which == FVM_ARG_POSITIONAL && q.count < FVM_COUNT(q.words)) {
            q.words[q.count++] = (char *)(uintptr_t)args.value;
        } else if (which == FVM_CLIENT_HELP_ASKED) {
            fputs(help, stdout);
            return FVM_EXIT_OK;
        } else if (which == CONSTRUCTOR) {
            q.constructor = args.value;
        } else if (which == ARGS) {
            q.args = args.value;
        } else if (which == FVM_ARG_POSITIONAL || !fvm_client_option(&q.o, which, &args)) {
            return FVM_EXIT_USAGE;
        }
    }
    if (q.file && !(fvm_ends_with(q.file, ".wasm") && q.count > 1)) return run(&q);
    fprintf(stderr, "fvm deploy: %s. See 'fvm deploy --help'.\n",
            q.file ? "a native actor has one argument" : "a file is missing");
    return FVM_EXIT_USAGE;
}
