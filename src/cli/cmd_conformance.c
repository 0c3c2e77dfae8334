/* cmd_conformance.c - `fvm conformance`: many files on several threads, one engine for all of them.
 * Results are printed in the order of the files, whichever is done first. */
#include "actor_swap.h"
#include "conformance.h"
#include "engine.h"

#include <pthread.h>
#include <unistd.h>

static const char help[] =
    "Usage: fvm conformance [OPTION]... PATH...\n\n"
    "Runs message vectors, files or folders of them, for every network version that they list, "
    "and\n"
    "compares receipts, gas, events, fees and state roots exactly. Files in folders named trace "
    "or\n"
    "src are left out. Closes with the line \"N passed, N failed, N skipped\", which counts files; "
    "a\n"
    "file whose built-in actors are not here is skipped.\n\n"
    "  --engine NAME  what runs wasm: interp or jit, which give the same results\n"
    "                 (default: jit where there is one for this "
    "CPU)\n" FVM_CLI_MEMORY_HELP FVM_CLI_CODE_CACHE_HELP "  --jobs N       threads (default 1)\n"
    "  --network NV   run the variants of this network version alone\n"
    "  --actors WHAT  run the vectors of mainnet's built-in actors on the embedded ones: "
    "\"embedded\",\n"
    "                 or some of them: \"embedded:evm,eam\". Exit codes, returns, events and\n"
    "                 states are compared as if codes were turned back; gas is not compared\n"
    "  --traces       compare every charge and call with trace/ID.trace.json, too, where there is "
    "one\n"
    "  --emit         print receipts and roots as JSON, a line per run, and compare nothing; the\n"
    "                 vectors need no postconditions\n"
    "  --stats        print where the CPU time went, phase by phase\n"
    "  --json         print a JSON object per run, and one with the totals at the end\n"
    "  --verbose      name what passed, too\n"
    "  --help         this text\n\n"
    "Example: fvm conformance --jobs 4 ../shared/vectors/golden-kernel\n\n" FVM_CLI_EXIT_HELP;

enum {
    ENGINE,
    MEMORY,
    CODE_CACHE,
    JOBS,
    NETWORK,
    ACTORS,
    TRACES,
    EMIT,
    STATS,
    JSON,
    VERBOSE,
    HELP
};
static const fvm_option options[] = {
    [ENGINE] = { "--engine", true },         [MEMORY] = { "--memory", true },
    [CODE_CACHE] = { "--code-cache", true }, [JOBS] = { "--jobs", true },
    [NETWORK] = { "--network", true },       [ACTORS] = { "--actors", true },
    [TRACES] = { "--traces", false },        [EMIT] = { "--emit", false },
    [STATS] = { "--stats", false },          [JSON] = { "--json", false },
    [VERBOSE] = { "--verbose", false },      [HELP] = { "--help", false },
};

#define JOBS_MAX 256

/* The work of all threads. */
typedef struct work {
    const fvm_paths *paths;
    fvm_conformance how;
    fvm_cli_engine engine;
    fvm_file_result *results;
    bool *done;
    size_t next; /* file nobody has taken yet */
    size_t running;
    fvm_err failure; /* of a thread as such */
    pthread_mutex_t lock;
    pthread_cond_t changed;
} work;

/* Totals and what to print. */
typedef struct tally {
    bool json, verbose, progress, stats;
    size_t files[3], runs[3]; /* passed, failed, skipped */
    size_t traces;
    bool bad_input, host_failure;
    fvm_phases phases;
} tally;

static void *worker(void *arg)
{
    work *w = arg;
    fvm_context *context = NULL;
    fvm_err err = fvm_context_new(&context, w->engine.engine, NULL);
    pthread_mutex_lock(&w->lock);
    if (err != FVM_OK) w->failure = err;
    while (err == FVM_OK && w->next < w->paths->count) {
        size_t i = w->next++;
        pthread_mutex_unlock(&w->lock);
        fvm_conformance_file(&w->results[i], w->paths->path[i], &w->how, context);
        pthread_mutex_lock(&w->lock);
        w->done[i] = true;
        pthread_cond_broadcast(&w->changed);
    }
    w->running--;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (context) fvm_context_free(context);
    return NULL;
}

static void print_result(const work *w, tally *t, size_t i)
{
    fvm_file_result *r = &w->results[i];
    for (size_t k = 0; k < json_array_size(r->runs); k++) {
        json_t *report = json_array_get(r->runs, k);
        if (json_object_get(report, "postconditions")) (void)json_object_del(report, "result");
        if (w->how.emit || t->json) {
            fvm_json_print(stdout, report);
            putchar('\n');
        } else {
            fvm_report_print(stdout, report, t->verbose);
        }
    }
    size_t which = r->failed || r->host_failure ? 1 : r->skipped ? 2 : 0;
    if (r->failed + r->skipped + r->passed) t->files[which]++;
    t->runs[0] += r->passed;
    t->runs[1] += r->failed;
    t->runs[2] += r->skipped;
    t->traces += r->traces;
    fvm_phases_add(&t->phases, &r->phases);
    t->bad_input |= r->bad_input;
    t->host_failure |= r->host_failure;
    json_decref(r->runs);
    r->runs = NULL;
    if (t->progress && ((i + 1) % 16 == 0 || i + 1 == w->paths->count))
        fprintf(stderr, "\r%zu of %zu files%s", i + 1, w->paths->count,
                i + 1 == w->paths->count ? "\n" : "");
}

/* Prints what is done, in order, until all is or no thread is left. */
static void print_results(work *w, tally *t)
{
    for (size_t i = 0; i < w->paths->count; i++) {
        pthread_mutex_lock(&w->lock);
        while (!w->done[i] && w->running) pthread_cond_wait(&w->changed, &w->lock);
        bool done = w->done[i];
        pthread_mutex_unlock(&w->lock);
        if (done) print_result(w, t, i);
    }
}

static fvm_err run_threads(work *w, tally *t, size_t jobs)
{
    pthread_t threads[JOBS_MAX];
    size_t started = 0;
    if (jobs > w->paths->count) jobs = w->paths->count;
    w->running = jobs; /* each takes itself off when it ends */
    for (size_t i = 0; i < jobs; i++) {
        if (pthread_create(&threads[started], NULL, worker, w) == 0) {
            started++;
            continue;
        }
        pthread_mutex_lock(&w->lock);
        w->running--;
        pthread_mutex_unlock(&w->lock);
    }
    print_results(w, t);
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
    return started ? w->failure : FVM_ERR_NOMEM;
}

static fvm_err run_all(work *w, tally *t, size_t jobs)
{
    size_t n = w->paths->count;
    fvm_err err = fvm_cli_engine_open(&w->engine, "conformance");
    if (err != FVM_OK) return err;
    w->results = fvm_mem_zalloc(NULL, n * sizeof *w->results);
    w->done = fvm_mem_zalloc(NULL, n * sizeof *w->done);
    if (w->results && w->done) {
        pthread_mutex_init(&w->lock, NULL);
        pthread_cond_init(&w->changed, NULL);
        err = run_threads(w, t, jobs);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
    } else {
        err = FVM_ERR_NOMEM;
    }
    fvm_mem_free(NULL, w->results, n * sizeof *w->results);
    fvm_mem_free(NULL, w->done, n * sizeof *w->done);
    fvm_cli_engine_close(&w->engine);
    return err;
}

static void print_stats(const tally *t)
{
    static const char *const names[] = {
#define PHASE_NAME(name, text) text,
        FVM_PHASE_MAP(PHASE_NAME)
#undef PHASE_NAME
    };
    double sum = 0;
    for (int i = 0; i < FVM_PHASE_COUNT; i++) sum += t->phases.seconds[i];
    for (int i = 0; i < FVM_PHASE_COUNT; i++)
        printf("%-30s %8.3f s %5.1f %%\n", names[i], t->phases.seconds[i],
               sum > 0 ? 100 * t->phases.seconds[i] / sum : 0.0);
    printf("%-30s %8.3f s\n", "CPU time in all", sum);
}

static void print_totals(const tally *t)
{
    if (t->stats && !t->json) print_stats(t);
    if (t->json) {
        printf("{\"files\":{\"failed\":%zu,\"passed\":%zu,\"skipped\":%zu},"
               "\"runs\":{\"failed\":%zu,\"passed\":%zu,\"skipped\":%zu},\"traces\":%zu}\n",
               t->files[1], t->files[0], t->files[2], t->runs[1], t->runs[0], t->runs[2],
               t->traces);
        return;
    }
    printf("runs: %zu passed, %zu failed, %zu skipped", t->runs[0], t->runs[1], t->runs[2]);
    if (t->traces) printf("; traces compared: %zu", t->traces);
    printf("\n%zu passed, %zu failed, %zu skipped\n", t->files[0], t->files[1], t->files[2]);
}

/* Reads the arguments; FVM_ARG_END when all is well, FVM_ARG_BAD or HELP otherwise. */
static int read_args(fvm_args *args, work *w, tally *t, fvm_paths *paths, size_t *jobs,
                     fvm_err *err)
{
    uint64_t number;
    fvm_store_why why = { { 0 } };
    for (int which; (which = fvm_args_next(args)) != FVM_ARG_END;) {
        switch (which) {
        case ENGINE:
            if (!fvm_cli_engine_named(&w->engine.config.backend, args)) return FVM_ARG_BAD;
            break;
        case MEMORY:
            if (!fvm_cli_memory_named(&w->engine.config.memory, args)) return FVM_ARG_BAD;
            break;
        case CODE_CACHE: w->engine.code_folder = args->value; break;
        case JOBS:
            if (!fvm_args_u64(args, &number, "--jobs", JOBS_MAX)) return FVM_ARG_BAD;
            *jobs = number ? (size_t)number : 1;
            break;
        case NETWORK:
            if (!fvm_args_u64(args, &number, "--network", UINT32_MAX)) return FVM_ARG_BAD;
            w->how.network = (uint32_t)number;
            break;
        case ACTORS:
            if (!fvm_swap_option("conformance", args->value)) return FVM_ARG_BAD;
            w->how.actors = args->value;
            break;
        case TRACES: w->how.traces = true; break;
        case EMIT: w->how.emit = true; break;
        case STATS: t->stats = true; break;
        case JSON: t->json = true; break;
        case VERBOSE: t->verbose = true; break;
        case HELP: return HELP;
        case FVM_ARG_POSITIONAL:
            *err = fvm_paths_add(paths, args->value, &why);
            if (*err == FVM_OK) break;
            fprintf(stderr, "fvm conformance: %s\n", why.text);
            return FVM_ARG_BAD;
        default: return FVM_ARG_BAD;
        }
    }
    return FVM_ARG_END;
}

fvm_cli_exit fvm_cmd_conformance(int argc, char **argv)
{
    fvm_args args = { argc, argv, "conformance", options, FVM_COUNT(options), 0, false, NULL };
    fvm_paths paths = { 0 };
    work w = { .paths = &paths };
    tally t = { .progress = isatty(STDERR_FILENO) };
    size_t jobs = 1;
    fvm_err err = FVM_OK;
    fvm_cli_exit code = FVM_EXIT_USAGE;
    int end = read_args(&args, &w, &t, &paths, &jobs, &err);
    if (end == HELP) {
        fputs(help, stdout);
        code = FVM_EXIT_OK;
    } else if (end != FVM_ARG_END) {
        if (err != FVM_OK) code = fvm_cli_exit_of(err);
    } else if (paths.count == 0) {
        fprintf(stderr, "fvm conformance: no vector files%s. See 'fvm conformance --help'.\n",
                argc ? " there" : " named");
    } else {
        err = run_all(&w, &t, jobs);
        if (err != FVM_OK && !w.engine.told)
            fprintf(stderr, "fvm conformance: %s\n", fvm_err_text(err));
        if (!w.how.emit && !w.engine.told) print_totals(&t);
        code = w.engine.told                     ? fvm_cli_exit_of(err)
               : err != FVM_OK || t.host_failure ? FVM_EXIT_HOST
               : t.bad_input                     ? FVM_EXIT_INPUT
               : t.files[1]                      ? FVM_EXIT_FAILED
                                                 : FVM_EXIT_OK;
    }
    fvm_paths_deinit(&paths);
    return code;
}
