/* cmd_chain.c - `fvm chain`: the chain that a node keeps in its folder, while no node runs on it. */
#include "blocks.h"
#include "json.h"

#include "chain/chain.h"

#include <inttypes.h>

static const char help[] =
    "Usage: fvm chain show FOLDER\n"
    "       fvm chain verify FOLDER [--engine interp|jit|both]\n"
    "       fvm chain export FOLDER FILE\n"
    "       fvm chain import FOLDER FILE\n\n"
    "Works on the folder that 'fvm node --data' keeps its chain in, while no node has it open.\n\n"
    "  show    the network, and the head\n"
    "  verify  executes the chain again from its beginning, and compares state roots, receipts,\n"
    "          events, headers and indexes with what is kept; each difference is a line\n"
    "  export  writes blocks, messages and states as a CAR, from which import makes the chain\n"
    "          again\n"
    "  import  makes a chain in an empty folder, by executing it; what does not come out as it "
    "was\n"
    "          is an error\n\n"
    "  --engine ENGINE  verify: what runs the actors; both: one after the other (default jit)\n"
    "  --json           print JSON, errors too\n"
    "  --help           this text\n\n"
    "Example: fvm chain verify ~/devnet --engine both\n\n" FVM_CLI_EXIT_HELP;

enum { ENGINE, JSON, HELP };
static const fvm_option options[] = {
    [ENGINE] = { "--engine", true },
    [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

typedef struct request {
    const char *words[3]; /* verb, folder, file */
    size_t count;
    const char *engine;
    bool json;
} request;

static fvm_err open_folder(fvm_chain **out, const request *q, bool read_only, fvm_store_why *why)
{
    fvm_chain_options o = {
        .sealing = FVM_SEALING_MANUAL,
        .ledger = { .folder = q->words[1], .read_only = read_only },
    };
    return fvm_chain_open(out, &o, NULL, why);
}

/* --- show --- */

static fvm_cli_exit show(const request *q)
{
    fvm_chain *chain;
    fvm_store_why why = { { 0 } };
    fvm_chain_info info;
    fvm_tipset head;
    char state[FVM_CID_TEXT_MAX], block[FVM_CID_TEXT_MAX];
    fvm_err err = open_folder(&chain, q, true, &why);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why.text, q->json, NULL);
    fvm_chain_info_get(chain, &info);
    fvm_chain_head(chain, &head);
    (void)fvm_cid_to_text(state, &head.state);
    (void)fvm_cid_to_text(block, &head.block);
    if (q->json) {
        json_t *value = json_pack(
            "{s:s,s:o,s:o,s:o,s:s,s:s,s:o}", "network_name", info.network_name, "network_version",
            fvm_json_from_u64(info.network_version), "chain_id", fvm_json_from_u64(info.chain_id),
            "head", fvm_json_from_u64(head.number), "block", block, "state_root", state,
            "timestamp", fvm_json_from_u64(head.timestamp));
        (void)fvm_json_answer("chain", value);
    } else {
        printf("network     %s, version %" PRIu32 ", chain id %" PRIu64 "\nhead        %" PRIu64
               "\nblock       %s\nstate root  %s\ntimestamp   %" PRIu64 "\n",
               info.network_name, info.network_version, info.chain_id, head.number, block, state,
               head.timestamp);
    }
    fvm_chain_close(chain);
    return FVM_EXIT_OK;
}

/* --- verify --- */

typedef struct verifying {
    fvm_cli_progress progress;
    uint64_t tipsets;
} verifying;

static void print_problem(void *ctx, const char *text)
{
    verifying *v = ctx;
    fvm_cli_progress_end(&v->progress);
    printf("%s\n", text);
}

static bool show_progress(void *ctx, uint64_t number)
{
    verifying *v = ctx;
    (void)number;
    fvm_cli_progress_show(&v->progress, ++v->tipsets, 0);
    return true;
}

static fvm_err verify_with(fvm_chain *chain, fvm_engine_backend backend, const char *name,
                           const request *q, fvm_chain_verdict *verdict)
{
    fvm_engine *engine;
    fvm_engine_config config = { .backend = backend };
    verifying v = { .progress = fvm_cli_progress_new("verifying", 0) };
    FVM_TRY(fvm_engine_new_with(&engine, &config, NULL));
    fvm_err err = fvm_chain_verify(chain, verdict, engine, print_problem, show_progress, &v);
    fvm_cli_progress_end(&v.progress);
    fvm_engine_free(engine);
    if (err != FVM_OK && err != FVM_ERR_MISMATCH) return err;
    if (q->json) {
        json_t *value = json_pack(
            "{s:s,s:o,s:o,s:o,s:o}", "engine", name, "tipsets", fvm_json_from_u64(verdict->tipsets),
            "messages", fvm_json_from_u64(verdict->messages), "edits",
            fvm_json_from_u64(verdict->edits), "problems", fvm_json_from_u64(verdict->problems));
        (void)fvm_json_answer("chain", value);
    } else {
        printf("%s: %" PRIu64 " tipsets, %" PRIu64 " messages, %" PRIu64 " edits, %" PRIu64
               " problems\n",
               name, verdict->tipsets, verdict->messages, verdict->edits, verdict->problems);
    }
    return FVM_OK;
}

static fvm_cli_exit verify(const request *q)
{
    fvm_chain *chain;
    fvm_store_why why = { { 0 } };
    fvm_chain_verdict jit = { .problems = 0 }, interp = { .problems = 0 };
    bool both = strcmp(q->engine, "both") == 0;
    if (!both && strcmp(q->engine, "jit") != 0 && strcmp(q->engine, "interp") != 0) {
        fprintf(stderr, "fvm chain: '%s' is no engine: interp, jit or both.\n", q->engine);
        return FVM_EXIT_USAGE;
    }
    fvm_err err = open_folder(&chain, q, true, &why);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why.text, q->json, NULL);
    if (both || q->engine[0] == 'j') err = verify_with(chain, FVM_ENGINE_DEFAULT, "jit", q, &jit);
    if (err == FVM_OK && (both || q->engine[0] == 'i'))
        err = verify_with(chain, FVM_ENGINE_INTERP, "interp", q, &interp);
    fvm_chain_close(chain);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why.text, q->json, NULL);
    return jit.problems + interp.problems ? FVM_EXIT_FAILED : FVM_EXIT_OK;
}

/* --- export, import --- */

/* With --json, what was written or made; closes the chain. */
static fvm_cli_exit finish(const request *q, fvm_chain *chain, fvm_err err,
                           const fvm_store_why *why)
{
    fvm_tipset head;
    char block[FVM_CID_TEXT_MAX];
    fvm_chain_head(chain, &head);
    (void)fvm_cid_to_text(block, &head.block);
    fvm_chain_close(chain);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why->text, q->json, NULL);
    if (!q->json) return FVM_EXIT_OK;
    return fvm_json_answer("chain", json_pack("{s:s,s:o,s:s}", "file", q->words[2], "head",
                                              fvm_json_from_u64(head.number), "block", block));
}

static fvm_cli_exit export_chain(const request *q)
{
    fvm_chain *chain;
    fvm_store_why why = { { 0 } };
    fvm_err err = open_folder(&chain, q, true, &why);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why.text, q->json, NULL);
    err = fvm_chain_export(chain, q->words[2], &why);
    return finish(q, chain, err, &why);
}

static fvm_cli_exit import_chain(const request *q)
{
    fvm_chain *chain;
    fvm_store_why why = { { 0 } };
    fvm_chain_options o = { .sealing = FVM_SEALING_MANUAL, .ledger.folder = q->words[1] };
    fvm_err err = fvm_chain_import(&chain, &o, q->words[2], NULL, &why);
    if (err != FVM_OK) return fvm_json_failed("chain", err, why.text, q->json, NULL);
    err = fvm_ledger_sync(fvm_chain_ledger(chain));
    return finish(q, chain, err, &why);
}

static const struct {
    const char *name;
    size_t words;
    fvm_cli_exit (*run)(const request *q);
} verbs[] = {
    { "show", 2, show },
    { "verify", 2, verify },
    { "export", 3, export_chain },
    { "import", 3, import_chain },
};

static fvm_cli_exit run(const request *q)
{
    for (size_t i = 0; q->count && i < FVM_COUNT(verbs); i++) {
        if (strcmp(q->words[0], verbs[i].name) != 0) continue;
        if (q->count == verbs[i].words) return verbs[i].run(q);
        fprintf(stderr, "fvm chain %s: %s. See 'fvm chain --help'.\n", verbs[i].name,
                q->count < verbs[i].words ? "an argument is missing" : "too many arguments");
        return FVM_EXIT_USAGE;
    }
    if (!q->count) {
        fputs("fvm chain: nothing to do is named. See 'fvm chain --help'.\n", stderr);
        return FVM_EXIT_USAGE;
    }
    const char *near = fvm_nearest(q->words[0], &verbs[0].name, FVM_COUNT(verbs), sizeof verbs[0]);
    fprintf(stderr, "fvm chain: unknown command '%s'.", q->words[0]);
    if (near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm chain --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}

fvm_cli_exit fvm_cmd_chain(int argc, char **argv)
{
    request q = { .engine = "jit" };
    fvm_args args = {
        .argc = argc,
        .argv = argv,
        .command = "chain",
        .options = options,
        .option_count = FVM_COUNT(options),
    };
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case ENGINE: q.engine = args.value; break;
        case JSON: q.json = true; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (q.count == FVM_COUNT(q.words)) {
                fputs("fvm chain: too many arguments. See 'fvm chain --help'.\n", stderr);
                return FVM_EXIT_USAGE;
            }
            q.words[q.count++] = args.value;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    return run(&q);
}
