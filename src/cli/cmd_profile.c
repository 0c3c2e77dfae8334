/* cmd_profile.c - `fvm profile`: where the gas of a vector's messages went. */
#include "actor_swap.h"
#include "engine.h"
#include "profile.h"

#include <errno.h>

static const char help[] =
    "Usage: fvm profile FILE [OPTION]...\n\n"
    "Runs a message vector and draws where its gas went, as a flame graph: messages, actors, the\n"
    "functions of their code, syscalls, and every charge in them. Widths are gas, to the "
    "milligas:\n"
    "all frames together are the gas of the receipts.\n\n"
    "  -o, --output FILE  write there (default: standard output)\n"
    "  --folded           lines \"frame;frame;frame milligas\", as other flame graph tools read "
    "them\n"
    "  --json             every frame with its own and its total milligas\n"
    "  --variant NAME     the variant to run, by id (nv21) or network version (21); default: the "
    "first\n"
    "  --message N        message number N alone (from 0)\n"
    "  --actors WHAT      on the embedded actors; see 'fvm conformance --help'\n"
    "  --help             this text\n\n"
    "Example: fvm profile -o gas.svg ../shared/vectors/bench/bench-pubkey.json\n"
    "To profile an actor: fvm run ACTOR.wasm --method N --profile gas.svg\n\n"
    "Functions have names where the code has a name section.\n" FVM_CLI_EXIT_HELP;

enum { OUTPUT, SHORT_OUTPUT, FOLDED, JSON, VARIANT, MESSAGE, ACTORS, HELP };
static const fvm_option options[] = {
    [OUTPUT] = { "--output", true },   [SHORT_OUTPUT] = { "-o", true },
    [FOLDED] = { "--folded", false },  [JSON] = { "--json", false },
    [VARIANT] = { "--variant", true }, [MESSAGE] = { "--message", true },
    [ACTORS] = { "--actors", true },   [HELP] = { "--help", false },
};

/* What to do. */
typedef struct request {
    const char *file, *output, *variant;
    bool folded, json, one_only;
    size_t only;
} request;

static fvm_cli_exit write_profile(const request *q, const fvm_profile *profile, const char *title)
{
    FILE *out = q->output ? fopen(q->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "fvm profile: %s: %s\n", q->output, strerror(errno));
        return FVM_EXIT_HOST;
    }
    bool done = q->json     ? fvm_profile_json(out, profile)
                : q->folded ? fvm_profile_folded(out, profile)
                            : fvm_profile_svg(out, profile, title);
    bool written = !ferror(out);
    if (q->output) written = fclose(out) == 0 && written;
    if (!done) fputs("fvm profile: out of memory\n", stderr);
    if (done && !written) fprintf(stderr, "fvm profile: %s: cannot be written\n", q->output);
    return done && written ? FVM_EXIT_OK : FVM_EXIT_HOST;
}

static fvm_cli_exit profile_run(const request *q, const fvm_vector *v,
                                const fvm_vector_variant *variant, fvm_profile *profile,
                                fvm_context *context)
{
    fvm_vector_run run;
    fvm_run_watch watch = fvm_profile_watch(profile);
    profile->one_only = q->one_only;
    profile->only = q->only;
    fvm_vector_run_do(&run, v, variant, context, &watch);
    fvm_err err = run.err;
    fvm_cli_exit code;
    if (err != FVM_OK) {
        fprintf(stderr, "fvm profile: %s (%s): %s\n", v->file, variant->id, run.why.text);
        code = fvm_cli_exit_of(err);
        if (code == FVM_EXIT_INPUT) code = FVM_EXIT_FAILED; /* the file as such was good */
    } else if (fvm_profile_end(profile, run.receipts, run.count) != FVM_OK) {
        fputs("fvm profile: out of memory\n", stderr);
        code = FVM_EXIT_HOST;
    } else {
        char title[300];
        (void)snprintf(title, sizeof title, "%s, network version %u", v->id, variant->nv);
        code = write_profile(q, profile, title);
    }
    fvm_vector_run_deinit(&run);
    return code;
}

static fvm_cli_exit profile_vector(const request *q, const fvm_vector *v)
{
    const fvm_vector_variant *variant = fvm_vector_variant_find(v, q->variant);
    if (!variant) {
        fprintf(stderr, "fvm profile: %s has no variant '%s'.\n", v->file, q->variant);
        return FVM_EXIT_USAGE;
    }
    if (q->one_only && q->only >= v->message_count) {
        fprintf(stderr, "fvm profile: %s has %zu messages.\n", v->file, v->message_count);
        return FVM_EXIT_USAGE;
    }
    fvm_cli_engine engine = { .config = { .profile = true } };
    fvm_context *context = NULL;
    fvm_profile profile;
    fvm_err err = fvm_cli_engine_open(&engine, "profile");
    if (err != FVM_OK) return fvm_cli_exit_of(err);
    err = fvm_context_new(&context, engine.engine, NULL);
    fvm_err made = fvm_profile_init(&profile);
    fvm_cli_exit code = FVM_EXIT_HOST;
    if (err == FVM_OK && made == FVM_OK)
        code = profile_run(q, v, variant, &profile, context);
    else
        fputs("fvm profile: out of memory\n", stderr);
    fvm_profile_deinit(&profile);
    if (context) fvm_context_free(context);
    fvm_cli_engine_close(&engine);
    return code;
}

/* FVM_ARG_END when there is something to do; HELP or FVM_ARG_BAD otherwise. */
static int read_args(fvm_args *args, request *q, const char **actors)
{
    uint64_t number;
    for (int which; (which = fvm_args_next(args)) != FVM_ARG_END;) {
        switch (which) {
        case OUTPUT:
        case SHORT_OUTPUT: q->output = args->value; break;
        case FOLDED: q->folded = true; break;
        case JSON: q->json = true; break;
        case VARIANT: q->variant = args->value; break;
        case MESSAGE:
            if (!fvm_args_u64(args, &number, "--message", UINT32_MAX)) return FVM_ARG_BAD;
            q->one_only = true;
            q->only = (size_t)number;
            break;
        case ACTORS:
            if (!fvm_swap_option("profile", args->value)) return FVM_ARG_BAD;
            *actors = args->value;
            break;
        case HELP: return HELP;
        case FVM_ARG_POSITIONAL:
            if (q->file) {
                fputs("fvm profile: one file at a time. See 'fvm profile --help'.\n", stderr);
                return FVM_ARG_BAD;
            }
            q->file = args->value;
            break;
        default: return FVM_ARG_BAD;
        }
    }
    if (q->file && !(q->folded && q->json)) return FVM_ARG_END;
    fprintf(stderr, "fvm profile: %s See 'fvm profile --help'.\n",
            q->file ? "--folded or --json?" : "which vector?");
    return FVM_ARG_BAD;
}

fvm_cli_exit fvm_cmd_profile(int argc, char **argv)
{
    fvm_args args = { argc, argv, "profile", options, FVM_COUNT(options), 0, false, NULL };
    const char *actors = NULL;
    request q = { .file = NULL };
    int end = read_args(&args, &q, &actors);
    if (end == HELP) {
        fputs(help, stdout);
        return FVM_EXIT_OK;
    }
    if (end != FVM_ARG_END) return FVM_EXIT_USAGE;
    fvm_vector *vector;
    fvm_store_why why = { { 0 } };
    fvm_err err = fvm_vector_load(&vector, q.file, &why);
    if (err != FVM_OK) {
        fprintf(stderr, "fvm profile: %s\n", why.text);
        return fvm_cli_exit_of(err);
    }
    vector->actors = actors;
    fvm_cli_exit code = profile_vector(&q, vector);
    fvm_vector_free(vector);
    return code;
}
