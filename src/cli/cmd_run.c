/* cmd_run.c - `fvm run`: one message to one actor in a small local world. */
#include "engine.h"
#include "profile.h"
#include "trace_out.h"
#include "world.h"

#include "base/text.h"
#include "ipld/cbor.h"
#include "kernel/network.h"

#include <inttypes.h>

static const char help[] =
    "Usage: fvm run ACTOR.wasm --method N [OPTION]...\n\n"
    "Runs one method of one actor and prints receipt, events and gas. The world is small: "
    "built-in\n"
    "actors that return at once, an account (f0100) that sends the message, the actor (f01000) "
    "with\n"
    "an empty state. Nothing is kept.\n\n"
    "  --method N       method number; 0 only moves value\n"
    "  --params HEX     parameters, as CBOR in hex\n"
    "  --value N        attoFIL sent along\n"
    "  --balance N      attoFIL that the actor has before\n"
    "  --gas-limit N    default 10000000000\n"
    "  --nv N           network version, 17 to 29 (default " FVM_NETWORK_VERSION_DEFAULT_TEXT ")\n"
    "  --epoch N        default 1\n"
    "  --timestamp N    seconds since 1970, default 1\n"
    "  --engine NAME    interp or jit (default: jit where there is one for this CPU)\n"
    "  --code-cache DIR keep compiled modules in DIR, a folder of your own\n"
    "  --profile FILE   write a flame graph of the gas to FILE: SVG, or by its name FILE.folded\n"
    "                   or FILE.json (see 'fvm profile --help')\n"
    "  --trace          print the call tree with every charge\n"
    "  --debug          actor debugging on; what the actor logs goes to stderr\n"
    "  --json           print one JSON object; with --trace the trace on a line before it\n"
    "  --help           this text\n\n"
    "Example: fvm run counter.wasm --method 2 --params 81182a --trace\n\n"
    "Exit code 1 when the message ends with an exit code other than 0.\n" FVM_CLI_EXIT_HELP;

enum {
    METHOD,
    PARAMS,
    VALUE,
    BALANCE,
    GAS_LIMIT,
    NV,
    EPOCH,
    TIMESTAMP,
    ENGINE,
    CODE_CACHE,
    PROFILE,
    TRACE,
    DEBUG,
    JSON,
    HELP
};
static const fvm_option options[] = {
    [METHOD] = { "--method", true },       [PARAMS] = { "--params", true },
    [VALUE] = { "--value", true },         [BALANCE] = { "--balance", true },
    [GAS_LIMIT] = { "--gas-limit", true }, [NV] = { "--nv", true },
    [EPOCH] = { "--epoch", true },         [TIMESTAMP] = { "--timestamp", true },
    [ENGINE] = { "--engine", true },       [CODE_CACHE] = { "--code-cache", true },
    [PROFILE] = { "--profile", true },     [TRACE] = { "--trace", false },
    [DEBUG] = { "--debug", false },        [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

#define WASM_MAX (UINT64_C(256) << 20) /* bytes of a module file */

/* What to do. */
typedef struct request {
    const char *file;
    bool has_method, trace, debug, json;
    uint64_t method, gas_limit, nv, epoch, timestamp;
    fvm_cli_engine engine;
    const char *profile; /* file; NULL: none */
    fvm_big value, balance;
    fvm_buf params;
} request;

/* What came out. */
typedef struct outcome {
    fvm_receipt receipt;
    fvm_profile profile; /* if asked for */
    fvm_cid root;
} outcome;

/* The sink: prints the trace, or lets the actor's log through. */
typedef struct watcher {
    fvm_trace_print print;
    bool trace;
    fvm_profile *profile; /* NULL: none */
} watcher;

static void watch_event(void *ctx, const fvm_trace_event *event)
{
    watcher *w = ctx;
    if (w->profile) {
        fvm_run_watch profile = fvm_profile_watch(w->profile);
        profile.sink.event(profile.sink.ctx, event);
    }
    if (event->kind == FVM_TRACE_LOG) {
        fwrite(event->data.ptr, 1, event->data.len, stderr);
        fputc('\n', stderr);
    } else if (w->trace) {
        fvm_run_watch print = fvm_trace_print_watch(&w->print);
        print.sink.event(print.sink.ctx, event);
    }
}

static void print_events(FILE *out, const fvm_receipt *receipt)
{
    fvm_bytes rest = fvm_buf_bytes(&receipt->events);
    while (rest.len) { /* [emitter, [[flags, key, codec, value]...]] */
        uint64_t emitter, entries, flags, codec;
        fvm_bytes key, value;
        if (fvm_cbor_tuple(2, &rest) != FVM_OK || fvm_cbor_uint(&emitter, &rest) != FVM_OK ||
            fvm_cbor_array(&entries, &rest) != FVM_OK)
            return;
        fprintf(out, "event      of f0%" PRIu64 "\n", emitter);
        for (uint64_t i = 0; i < entries; i++) {
            if (fvm_cbor_tuple(4, &rest) != FVM_OK || fvm_cbor_uint(&flags, &rest) != FVM_OK ||
                fvm_cbor_text(&key, &rest, NULL) != FVM_OK ||
                fvm_cbor_uint(&codec, &rest) != FVM_OK ||
                fvm_cbor_bytes(&value, &rest, NULL) != FVM_OK)
                return;
            json_t *hex = fvm_json_from_hex(value);
            fprintf(out, "             %.*s = %s (codec 0x%" PRIx64 ", flags %" PRIu64 ")\n",
                    (int)key.len, (const char *)key.ptr, hex ? json_string_value(hex) : "?", codec,
                    flags);
            json_decref(hex);
        }
    }
}

static void print_outcome(const request *q, const outcome *o)
{
    const fvm_receipt *r = &o->receipt;
    char root[FVM_CID_TEXT_MAX];
    json_t *data = fvm_json_from_hex(fvm_buf_bytes(&r->return_data));
    (void)fvm_cid_to_text(root, &o->root);
    printf("exit code  %" PRIu32 "\n", r->exit_code);
    if (r->failure) printf("failure    %s\n", r->failure);
    printf("return     %s", data && r->return_data.len ? json_string_value(data) : "(nothing)");
    if (r->has_return_codec) printf(" (codec 0x%" PRIx64 ")", r->return_codec);
    printf("\ngas used   %" PRIu64 " of %" PRIu64 "\n", r->gas_used, q->gas_limit);
    print_events(stdout, r);
    printf("state root %s\n", root);
    json_decref(data);
}

static fvm_err print_outcome_json(const outcome *o)
{
    json_t *object = fvm_receipt_to_json(&o->receipt);
    bool bad = !object ||
               json_object_set_new(object, "state_root", fvm_json_from_cid(&o->root)) != 0 ||
               (o->receipt.failure &&
                json_object_set_new(object, "failure", json_string(o->receipt.failure)) != 0);
    if (!bad) {
        fvm_json_print(stdout, object);
        putchar('\n');
    }
    json_decref(object);
    return bad ? FVM_ERR_NOMEM : FVM_OK;
}

static fvm_err apply(const request *q, outcome *o, fvm_machine *machine, watcher *w,
                     const fvm_address *sender)
{
    fvm_message message = {
        .from = *sender,
        .to = fvm_address_id(FVM_WORLD_ACTOR),
        .value = q->value,
        .gas_limit = q->gas_limit,
        .method = q->method,
        .params = fvm_buf_bytes(&q->params),
    };
    fvm_buf bytes;
    fvm_buf_init(&bytes, NULL);
    fvm_err err = fvm_message_write(&bytes, &message);
    uint64_t chain_length = bytes.len + 69; /* with a secp256k1 signature */
    fvm_buf_deinit(&bytes);
    if (err != FVM_OK) return err;
    if (q->trace) fvm_trace_print_begin(&w->print, 0, &message);
    if (w->profile) {
        fvm_run_watch profile = fvm_profile_watch(w->profile);
        profile.machine(w->profile, machine);
        profile.begin(w->profile, 0, &message);
    }
    err = fvm_machine_apply(machine, &o->receipt, &message, FVM_APPLY_EXPLICIT, chain_length);
    if (err == FVM_OK) err = fvm_machine_flush(machine, &o->root);
    if (err == FVM_OK && w->profile) err = fvm_profile_end(w->profile, &o->receipt, 1);
    if (q->trace) {
        fvm_err ended = fvm_trace_print_end(&w->print);
        if (err == FVM_OK) err = ended;
    }
    return err;
}

static fvm_err run_in_world(const request *q, outcome *o, fvm_context *context,
                            const fvm_blockstore *store, fvm_bytes wasm)
{
    watcher w = { .trace = q->trace, .profile = q->profile ? &o->profile : NULL };
    fvm_trace_sink sink = { .event = watch_event, .ctx = &w };
    fvm_address sender;
    fvm_cid root;
    fvm_machine *machine;
    FVM_TRY(fvm_world_make(&root, &sender, store, (uint32_t)q->nv, wasm, &q->balance));
    fvm_machine_config config = {
        .network_version = (uint32_t)q->nv,
        .chain_id = 314,
        .epoch = (int64_t)q->epoch,
        .timestamp = q->timestamp,
        .actor_debugging = q->debug,
        .trace = q->trace || q->debug || q->profile ? &sink : NULL,
    };
    if (fvm_big_from_text(&config.circulating_supply, FVM_STR("500000000000000000000000000")) !=
        FVM_OK)
        return FVM_ERR_RANGE;
    FVM_TRY(fvm_machine_new(&machine, context, store, &root, &config));
    if (q->trace) fvm_trace_print_init(&w.print, stdout, q->json, q->file);
    fvm_err err = apply(q, o, machine, &w, &sender);
    fvm_machine_free(machine);
    return err;
}

static fvm_err run_actor(request *q, outcome *o, fvm_bytes wasm)
{
    fvm_context *context = NULL;
    fvm_blockstore store = { 0 };
    FVM_TRY(fvm_cli_engine_open(&q->engine, "run"));
    fvm_err err = fvm_context_new(&context, q->engine.engine, NULL);
    if (err == FVM_OK) err = fvm_blockstore_memory_new(&store, NULL);
    if (err == FVM_OK) err = run_in_world(q, o, context, &store, wasm);
    if (store.ops) fvm_blockstore_free(&store);
    if (context) fvm_context_free(context);
    fvm_cli_engine_close(&q->engine);
    return err;
}

/* Writes the profile, in the format that the file's name says. */
static bool write_profile(const request *q, const fvm_profile *profile)
{
    char title[300];
    FILE *out = fopen(q->profile, "w");
    (void)snprintf(title, sizeof title, "%s, method %" PRIu64, q->file, q->method);
    bool good = out &&
                (fvm_ends_with(q->profile, ".folded") ? fvm_profile_folded(out, profile)
                 : fvm_ends_with(q->profile, ".json") ? fvm_profile_json(out, profile)
                                                      : fvm_profile_svg(out, profile, title));
    if (out) good = !ferror(out) && good;
    if (out) good = fclose(out) == 0 && good;
    if (!good) fprintf(stderr, "fvm run: %s: cannot be written\n", q->profile);
    return good;
}

static fvm_cli_exit run(request *q)
{
    fvm_buf wasm;
    fvm_store_why why = { { 0 } };
    outcome o;
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_file_read(&wasm, q->file, WASM_MAX, &why);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm run: %s\n", why.text);
        fvm_buf_deinit(&wasm);
        return fvm_cli_exit_of(err);
    }
    fvm_receipt_init(&o.receipt, NULL);
    q->engine.config.profile = q->profile != NULL;
    err = q->profile ? fvm_profile_init(&o.profile) : FVM_OK;
    if (err == FVM_OK) err = run_actor(q, &o, fvm_buf_bytes(&wasm));
    fvm_cli_exit code = FVM_EXIT_OK;
    if (err == FVM_OK) {
        if (q->json)
            err = print_outcome_json(&o);
        else
            print_outcome(q, &o);
        code = o.receipt.exit_code ? FVM_EXIT_FAILED : FVM_EXIT_OK;
    }
    if (err != FVM_OK) {
        if (!q->engine.told)
            fprintf(stderr, "fvm run: %s: no receipt: %s\n", q->file, fvm_err_text(err));
        code = fvm_cli_exit_of(err);
    }
    if (err == FVM_OK && q->profile && !write_profile(q, &o.profile)) code = FVM_EXIT_HOST;
    if (q->profile) fvm_profile_deinit(&o.profile);
    fvm_receipt_deinit(&o.receipt);
    fvm_buf_deinit(&wasm);
    return code;
}

static bool read_amount(const fvm_args *args, fvm_big *out, const char *option)
{
    if (fvm_big_from_text(out, fvm_bytes_of(args->value)) == FVM_OK && fvm_big_sign(out) >= 0)
        return true;
    fprintf(stderr, "fvm run: %s: '%s' is not an amount of attoFIL.\n", option, args->value);
    return false;
}

static bool read_params(const fvm_args *args, request *q)
{
    const char *hex = args->value;
    if (strncmp(hex, "0x", 2) == 0) hex += 2;
    q->params.len = 0;
    if (fvm_hex_decode(&q->params, fvm_bytes_of(hex)) == FVM_OK) return true;
    fprintf(stderr, "fvm run: --params: '%s' is not hex.\n", args->value);
    return false;
}

static bool read_number(const fvm_args *args, int which, request *q)
{
    switch (which) {
    case METHOD:
        q->has_method = true;
        return fvm_args_u64(args, &q->method, "--method", UINT64_MAX);
    case GAS_LIMIT: return fvm_args_u64(args, &q->gas_limit, "--gas-limit", INT64_MAX);
    case NV: return fvm_args_u64(args, &q->nv, "--nv", 29);
    case EPOCH: return fvm_args_u64(args, &q->epoch, "--epoch", INT64_MAX);
    default: return fvm_args_u64(args, &q->timestamp, "--timestamp", UINT64_MAX);
    }
}

/* FVM_ARG_END when there is something to run; HELP or FVM_ARG_BAD otherwise. */
static int read_args(fvm_args *args, request *q)
{
    for (int which; (which = fvm_args_next(args)) != FVM_ARG_END;) {
        bool good = true;
        switch (which) {
        case METHOD:
        case GAS_LIMIT:
        case NV:
        case EPOCH:
        case TIMESTAMP: good = read_number(args, which, q); break;
        case PARAMS: good = read_params(args, q); break;
        case VALUE: good = read_amount(args, &q->value, "--value"); break;
        case BALANCE: good = read_amount(args, &q->balance, "--balance"); break;
        case ENGINE: good = fvm_cli_engine_named(&q->engine.config.backend, args); break;
        case CODE_CACHE: q->engine.code_folder = args->value; break;
        case PROFILE: q->profile = args->value; break;
        case TRACE: q->trace = true; break;
        case DEBUG: q->debug = true; break;
        case JSON: q->json = true; break;
        case HELP: return HELP;
        case FVM_ARG_POSITIONAL:
            if (q->file) fputs("fvm run: one actor at a time. See 'fvm run --help'.\n", stderr);
            good = !q->file;
            q->file = args->value;
            break;
        default: good = false;
        }
        if (!good) return FVM_ARG_BAD;
    }
    if (!q->file || !q->has_method) {
        fprintf(stderr, "fvm run: which %s? See 'fvm run --help'.\n",
                q->file ? "method (--method N)" : "actor");
        return FVM_ARG_BAD;
    }
    if (q->nv >= 17) return FVM_ARG_END;
    fputs("fvm run: --nv: network versions 17 to 29 are known.\n", stderr);
    return FVM_ARG_BAD;
}

fvm_cli_exit fvm_cmd_run(int argc, char **argv)
{
    fvm_args args = { argc, argv, "run", options, FVM_COUNT(options), 0, false, NULL };
    request q = { .gas_limit = UINT64_C(10000000000),
                  .nv = FVM_NETWORK_VERSION_DEFAULT,
                  .epoch = 1,
                  .timestamp = 1 };
    fvm_cli_exit code = FVM_EXIT_USAGE;
    fvm_buf_init(&q.params, NULL);
    int end = read_args(&args, &q);
    if (end == HELP) {
        fputs(help, stdout);
        code = FVM_EXIT_OK;
    } else if (end == FVM_ARG_END) {
        code = run(&q);
    }
    fvm_buf_deinit(&q.params);
    return code;
}
