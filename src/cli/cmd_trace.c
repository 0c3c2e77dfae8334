/* cmd_trace.c - `fvm trace`: the call tree of a vector. */
#include "actor_swap.h"
#include "trace_out.h"

static const char help[] =
    "Usage: fvm trace FILE [OPTION]...\n\n"
    "Runs a message vector and prints what each message did: the tree of calls with every gas\n"
    "charge (milligas: compute, other) and the total of each call, those below it included;\n"
    "methods of built-in actors, their params and returns by name.\n\n"
    "  --variant NAME  the variant to run, by id (nv21) or network version (21); default: the "
    "first\n"
    "  --message N     print message number N alone (from 0)\n"
    "  --actors WHAT   on the embedded actors; see 'fvm conformance --help'\n"
    "  --json          print the format of the vectors' trace files\n"
    "  --help          this text\n\n"
    "Example: fvm trace ../shared/vectors/golden-kernel/send/send-account-ctor-abort.json\n"
    "To trace an actor: fvm run --trace ACTOR.wasm\n\n" FVM_CLI_EXIT_HELP;

enum { VARIANT, MESSAGE, ACTORS, JSON, HELP };
static const fvm_option options[] = {
    [VARIANT] = { "--variant", true }, [MESSAGE] = { "--message", true },
    [ACTORS] = { "--actors", true },   [JSON] = { "--json", false },
    [HELP] = { "--help", false },
};

static fvm_cli_exit trace_run(const fvm_vector *v, const fvm_vector_variant *variant,
                              fvm_context *context, fvm_trace_print *print)
{
    fvm_run_watch watch = fvm_trace_print_watch(print);
    fvm_vector_run run;
    fvm_vector_run_do(&run, v, variant, context, &watch);
    fvm_err err = run.err;
    if (err != FVM_OK)
        fprintf(stderr, "fvm trace: %s (%s): %s\n", v->file, variant->id, run.why.text);
    fvm_err printed = fvm_trace_print_end(print);
    if (err == FVM_OK && printed != FVM_OK) {
        fputs("fvm trace: out of memory\n", stderr);
        err = printed;
    }
    fvm_cli_exit code = err == FVM_OK ? FVM_EXIT_OK : fvm_cli_exit_of(err);
    if (code == FVM_EXIT_INPUT) code = FVM_EXIT_FAILED; /* the file as such was good */
    fvm_vector_run_deinit(&run);
    return code;
}

static fvm_cli_exit trace_vector(const fvm_vector *v, const char *variant_name,
                                 fvm_trace_print *print)
{
    const fvm_vector_variant *variant = fvm_vector_variant_find(v, variant_name);
    if (!variant) {
        fprintf(stderr, "fvm trace: %s has no variant '%s'.\n", v->file, variant_name);
        return FVM_EXIT_USAGE;
    }
    if (print->one_only && print->only >= v->message_count) {
        fprintf(stderr, "fvm trace: %s has %zu messages.\n", v->file, v->message_count);
        return FVM_EXIT_USAGE;
    }
    fvm_engine *engine = NULL;
    fvm_context *context = NULL;
    fvm_err err = fvm_engine_new(&engine, NULL);
    if (err == FVM_OK) err = fvm_context_new(&context, engine, NULL);
    fvm_by_name names;
    fvm_err named = fvm_by_name_init(&names);
    if (err == FVM_OK) err = named;
    fvm_cli_exit code = FVM_EXIT_HOST;
    if (err == FVM_OK) {
        bool one_only = print->one_only;
        size_t only = print->only;
        fvm_trace_print_init(print, stdout, print->json, v->id);
        print->one_only = one_only;
        print->only = only;
        print->names = &names;
        code = trace_run(v, variant, context, print);
    } else {
        fprintf(stderr, "fvm trace: %s\n", fvm_err_text(err));
    }
    fvm_by_name_deinit(&names);
    if (context) fvm_context_free(context);
    if (engine) fvm_engine_free(engine);
    return code;
}

fvm_cli_exit fvm_cmd_trace(int argc, char **argv)
{
    fvm_args args = { argc, argv, "trace", options, FVM_COUNT(options), 0, false, NULL };
    const char *file = NULL, *variant = NULL, *actors = NULL;
    fvm_trace_print print = { .json = false };
    uint64_t number;
    for (int which; (which = fvm_args_next(&args)) != FVM_ARG_END;) {
        switch (which) {
        case VARIANT: variant = args.value; break;
        case MESSAGE:
            if (!fvm_args_u64(&args, &number, "--message", UINT32_MAX)) return FVM_EXIT_USAGE;
            print.one_only = true;
            print.only = (size_t)number;
            break;
        case ACTORS:
            if (!fvm_swap_option("trace", args.value)) return FVM_EXIT_USAGE;
            actors = args.value;
            break;
        case JSON: print.json = true; break;
        case HELP: fputs(help, stdout); return FVM_EXIT_OK;
        case FVM_ARG_POSITIONAL:
            if (file) {
                fputs("fvm trace: one file at a time. See 'fvm trace --help'.\n", stderr);
                return FVM_EXIT_USAGE;
            }
            file = args.value;
            break;
        default: return FVM_EXIT_USAGE;
        }
    }
    if (!file) {
        fputs("fvm trace: which vector? See 'fvm trace --help'.\n", stderr);
        return FVM_EXIT_USAGE;
    }
    fvm_vector *vector;
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_vector_load(&vector, file, &why);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm trace: %s\n", why.text);
        return fvm_cli_exit_of(err);
    }
    vector->actors = actors;
    fvm_cli_exit code = trace_vector(vector, variant, &print);
    fvm_vector_free(vector);
    return code;
}
