/* cmd_wasm.c - `fvm wasm`: the engine on its own. */
#include "engine.h"
#include "wasm_tool.h"

#include "kernel/kernel.h"
#include "wasm/dis.h"

#include <stdlib.h>

static const char help[] =
    "Usage: fvm wasm ACTION [OPTION]... FILE...\n\n"
    "The WebAssembly engine on its own, under the rules of a network version.\n\n"
    "  check FILE...       the first error with its place, or \"valid\" and what is in the module\n"
    "  compile FILE...     compile each file once, without a cache\n"
    "  run FILE [ARG]...   call a function of a module that needs no Filecoin; print its results\n"
    "  dis FILE            list the instructions, with the gas of each metered block\n\n"
    "  --network NV     the rules to use: 17 to 29, or standard: WebAssembly 2.0 without gas\n"
    "                   (default " FVM_NETWORK_VERSION_DEFAULT_TEXT ")\n"
    "  --engine NAME    compile, run: interp or jit (default: jit where there is one for this "
    "CPU)\n"
    "  --stats          compile: print bytes of code section and machine code, functions, CPU "
    "time\n"
    "  --invoke NAME    run: the export to call; then its arguments, as numbers\n"
    "  --gas-limit N    run: default 10000000000\n"
    "  --func N         dis: this function alone (index, imports counted)\n"
    "  --json           check, compile, run: a JSON object per file\n"
    "  --help           this text\n\n"
    "Examples: fvm wasm compile --stats actor.wasm\n"
    "          fvm wasm run fib.wasm --invoke fib 20\n"
    "          fvm wasm run sum.wasm --invoke add -- -1 -2\n\n"
    "Exit code 1: check found an invalid module, or what was run trapped.\n" FVM_CLI_EXIT_HELP;

enum { NETWORK, ENGINE, STATS, INVOKE, GAS_LIMIT, FUNC, JSON, HELP };
static const fvm_option options[] = {
    [NETWORK] = { "--network", true },     [ENGINE] = { "--engine", true },
    [STATS] = { "--stats", false },        [INVOKE] = { "--invoke", true },
    [GAS_LIMIT] = { "--gas-limit", true }, [FUNC] = { "--func", true },
    [JSON] = { "--json", false },          [HELP] = { "--help", false },
};

static const struct {
    const char *name;
    bool one_file;
    fvm_cli_exit (*run)(const fvm_wasm_command *c);
} actions[] = {
    { "check", false, fvm_wasm_check },
    { "compile", false, fvm_wasm_compile },
    { "run", false, fvm_wasm_run },
    { "dis", true, fvm_wasm_list },
};

fvm_err fvm_wasm_file_read(fvm_buf *out, const char *path)
{
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_file_read(out, path, FVM_WASM_FILE_MAX, &why);
    if (err != FVM_OK) fprintf(stderr, "fvm wasm: %s\n", why.text);
    return err;
}

/* --- dis --- */

static fvm_err write_out(void *ctx, fvm_bytes text)
{
    FILE *out = ctx;
    return fwrite(text.ptr, 1, text.len, out) == text.len ? FVM_OK : FVM_ERR_IO;
}

fvm_cli_exit fvm_wasm_list(const fvm_wasm_command *c)
{
    fvm_buf wasm;
    char detail[FVM_WASM_DETAIL_MAX] = "";
    fvm_buf_init(&wasm, NULL);
    fvm_err err = fvm_wasm_file_read(&wasm, c->words[0]);
    if (err == FVM_OK) {
        err = fvm_wasm_dis(c->rules, c->hosts, fvm_buf_bytes(&wasm), (uint32_t)c->func, write_out,
                           stdout, detail, NULL);
        if (err == FVM_ERR_NOT_FOUND)
            fprintf(stderr, "fvm wasm: %s: no function %llu is defined there\n", c->words[0],
                    (unsigned long long)c->func);
        else if (err != FVM_OK)
            fprintf(stderr, "fvm wasm: %s: %s\n", c->words[0],
                    detail[0] ? detail : fvm_err_text(err));
    }
    fvm_buf_deinit(&wasm);
    return err == FVM_OK ? FVM_EXIT_OK : fvm_cli_exit_of(err);
}

/* --- the command --- */

static bool take_network(fvm_wasm_command *c, const fvm_args *args)
{
    uint64_t version;
    c->network = args->value;
    if (strcmp(args->value, "standard") == 0) {
        c->rules = &fvm_wasm_rules_standard;
        c->hosts = NULL;
        return true;
    }
    if (!fvm_args_u64(args, &version, "--network", FVM_NETWORK_VERSION_MAX)) return false;
    const fvm_network *net = fvm_network_find((uint32_t)version);
    if (!net) {
        fprintf(stderr, "fvm wasm: --network: versions %d to %d are known, and standard.\n",
                FVM_NETWORK_VERSION_MIN, FVM_NETWORK_VERSION_MAX);
        return false;
    }
    c->rules = net->wasm;
    c->hosts = fvm_kernel_syscalls(net);
    return true;
}

static bool take_option(fvm_wasm_command *c, const fvm_args *args, int which)
{
    fvm_engine_backend backend;
    switch (which) {
    case NETWORK: return take_network(c, args);
    case ENGINE:
        if (!fvm_cli_engine_named(&backend, args)) return false;
        c->backend = backend == FVM_ENGINE_JIT ? FVM_WASM_BACKEND_X64 : FVM_WASM_BACKEND_INTERP;
        if (fvm_wasm_backend_available(c->backend)) return true;
        fputs("fvm wasm: no compiler for this CPU: --engine interp works\n", stderr);
        return false;
    case STATS: c->stats = true; return true;
    case INVOKE: c->invoke = args->value; return true;
    case GAS_LIMIT: return fvm_args_u64(args, &c->gas_limit, "--gas-limit", INT64_MAX / 1000);
    case FUNC: return fvm_args_u64(args, &c->func, "--func", UINT32_MAX - 1);
    case JSON: c->json = true; return true;
    default: return false;
    }
}

static fvm_cli_exit run(const fvm_wasm_command *given)
{
    fvm_wasm_command c = *given;
    const char *word = c.count ? c.words[0] : "";
    for (size_t i = 0; i < FVM_COUNT(actions); i++) {
        if (strcmp(word, actions[i].name) != 0) continue;
        c.words++;
        c.count--;
        if (c.count > 0 && (c.count == 1 || !actions[i].one_file)) return actions[i].run(&c);
        fprintf(stderr, "fvm wasm %s: %s See 'fvm wasm --help'.\n", word,
                c.count ? "one file at a time." : "which file?");
        return FVM_EXIT_USAGE;
    }
    const char *near = fvm_nearest(word, &actions[0].name, FVM_COUNT(actions), sizeof actions[0]);
    if (!c.count)
        fputs("fvm wasm: say what to do.", stderr);
    else
        fprintf(stderr, "fvm wasm: unknown action '%s'.", word);
    if (c.count && near) fprintf(stderr, " Did you mean '%s'?", near);
    fputs(" See 'fvm wasm --help'.\n", stderr);
    return FVM_EXIT_USAGE;
}

fvm_cli_exit fvm_cmd_wasm(int argc, char **argv)
{
    fvm_args args = { argc, argv, "wasm", options, FVM_COUNT(options), 0, false, NULL };
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    const fvm_network *net = fvm_network_find(FVM_NETWORK_VERSION_DEFAULT);
    fvm_wasm_command c = { .network = FVM_NETWORK_VERSION_DEFAULT_TEXT,
                           .rules = net->wasm,
                           .hosts = fvm_kernel_syscalls(net),
                           .gas_limit = UINT64_C(10000000000),
                           .func = FVM_WASM_DIS_ALL,
                           .words = words };
    fvm_cli_exit code = words ? FVM_EXIT_OK : FVM_EXIT_HOST;
    bool told = false;
    for (int which; code == FVM_EXIT_OK && (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        if (which == HELP) {
            fputs(help, stdout);
            told = true;
            break;
        }
        if (which == FVM_ARG_POSITIONAL)
            words[c.count++] = args.value;
        else if (!take_option(&c, &args, which))
            code = FVM_EXIT_USAGE;
    }
    if (code == FVM_EXIT_OK && !told) code = run(&c);
    free(words);
    return code;
}
