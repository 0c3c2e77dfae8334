/* bench_messages.c - time of messages: the vectors of ../shared/vectors/bench, each applied as often
 * as its file says by one machine, with gas and state root checked at the end.
 *   usage: bench_messages [--engine interp|jit] [--memory checked|guarded] [FILE|FOLDER]...
 * Prints per file: messages, microseconds of CPU per message, nanoseconds per gas. Files whose built-in
 * actors are not here are named as skipped. Decoding the message is not part of it: blocks come decoded. */
#include "cli/conformance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 3 /* as bench/peers/fvm */
#define DEFAULT_FOLDER "../shared/vectors/bench"

/* CPU time, since machines here are shared: what others run must not count. */
static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Figures of one file. */
typedef struct figures {
    uint64_t messages, gas;
    double seconds, flush_seconds;
    fvm_cid root;
} figures;

/* Bytes of a number in CBOR: the message grows with its nonce. */
static uint64_t uint_len(uint64_t n)
{
    return n < 24 ? 1 : n <= UINT8_MAX ? 2 : n <= UINT16_MAX ? 3 : n <= UINT32_MAX ? 5 : 9;
}

/* A message of the file as its first round applies it. */
typedef struct input {
    fvm_message message;
    uint64_t chain_length;
    fvm_apply_kind kind;
} input;

static fvm_err read_inputs(input *inputs, const fvm_vector *v, uint32_t nv)
{
    for (size_t i = 0; i < v->message_count; i++) {
        FVM_TRY(fvm_vector_message_read(v, i, nv, &inputs[i].message, &inputs[i].chain_length));
        inputs[i].kind = v->messages[i].implicit ? FVM_APPLY_IMPLICIT : FVM_APPLY_EXPLICIT;
    }
    return FVM_OK;
}

/* Applies the messages `rounds` times, nonces rising; only that and the flush are timed. */
static fvm_err apply_repeated(figures *f, const input *inputs, size_t count, uint64_t rounds,
                              fvm_machine *machine)
{
    fvm_receipt receipt;
    fvm_err err = FVM_OK;
    fvm_receipt_init(&receipt, NULL);
    double start = seconds_now();
    for (uint64_t round = 0; round < rounds && err == FVM_OK; round++) {
        for (size_t i = 0; i < count && err == FVM_OK; i++) {
            fvm_message message = inputs[i].message;
            message.nonce += round * count;
            uint64_t longer = uint_len(message.nonce) - uint_len(inputs[i].message.nonce);
            err = fvm_machine_apply(machine, &receipt, &message, inputs[i].kind,
                                    inputs[i].chain_length + longer);
            f->gas += receipt.gas_used;
            f->messages++;
        }
    }
    f->seconds = seconds_now() - start;
    if (err == FVM_OK) err = fvm_machine_flush(machine, &f->root);
    f->flush_seconds = seconds_now() - start - f->seconds;
    fvm_receipt_deinit(&receipt);
    return err;
}

/* A machine on the file's state, and `rounds` rounds by it. */
static fvm_err measure_rounds(figures *f, const fvm_vector *v, fvm_context *context,
                              fvm_blockstore *store, const input *inputs, uint64_t rounds)
{
    fvm_externs externs = fvm_vector_externs(v);
    fvm_machine *machine;
    *f = (figures){ 0 };
    FVM_TRY(fvm_vector_machine(&machine, v, &v->variants[0], context, store, &externs, NULL));
    fvm_err err = apply_repeated(f, inputs, v->message_count, rounds, machine);
    fvm_machine_free(machine);
    return err;
}

/* Once to warm up, with every module compiled then, and again for the figures: the least of a few
 * runs, as what else the machine does only adds.
 * FVM_ERR_NOT_FOUND: a bundle is missing; told in `why`, as other errors are. */
static fvm_err measure(figures *f, const fvm_vector *v, fvm_context *context, fvm_store_why *why)
{
    const fvm_vector_variant *variant = &v->variants[0];
    fvm_blockstore store;
    input *inputs = calloc(v->message_count + 1, sizeof *inputs);
    fvm_err err = inputs ? fvm_vector_store(&store, v) : FVM_ERR_NOMEM;
    if (err != FVM_OK) {
        free(inputs);
        return fvm__why(why, err, "%s", fvm_err_text(err));
    }
    err = fvm_vector_bundle(v, variant, &store, why);
    if (err == FVM_OK) {
        err = read_inputs(inputs, v, variant->nv);
        if (err == FVM_OK) err = measure_rounds(f, v, context, &store, inputs, 1);
        for (int run = 0; run < RUNS && err == FVM_OK; run++) {
            double least = f->seconds;
            err = measure_rounds(f, v, context, &store, inputs, v->bench.repeat);
            if (run && least < f->seconds) f->seconds = least;
        }
        if (err != FVM_OK) (void)fvm__why(why, err, "%s", fvm_err_text(err));
    }
    fvm_blockstore_free(&store);
    free(inputs);
    return err;
}

/* False when something is wrong. */
static bool bench_file(const char *file, fvm_context *context)
{
    fvm_vector *v;
    fvm_store_why why;
    figures f = { 0 };
    if (fvm_vector_load(&v, file, &why) != FVM_OK) {
        printf("%s\n", why.text);
        return false;
    }
    bool good = true;
    fvm_err err = v->bench.repeat ? measure(&f, v, context, &why) : FVM_ERR_INVALID;
    if (err == FVM_ERR_INVALID && !v->bench.repeat) {
        printf("%-22s no _meta.extra.repeat\n", v->id);
        good = false;
    } else if (err == FVM_ERR_NOT_FOUND) {
        printf("%-22s skipped: %s\n", v->id, why.text);
    } else if (err != FVM_OK) {
        printf("%-22s failed: %s\n", v->id, why.text);
        good = false;
    } else {
        printf("%-22s %8" PRIu64 " messages %12.2f us/message %8.4f ns/gas, flush %.2f ms\n", v->id,
               f.messages, f.seconds * 1e6 / (double)f.messages, f.seconds * 1e9 / (double)f.gas,
               f.flush_seconds * 1e3);
        if (f.gas != v->bench.gas_total) {
            printf("  wrong gas: %" PRIu64 ", expected %" PRIu64 "\n", f.gas, v->bench.gas_total);
            good = false;
        }
        if (!fvm_cid_eq(&f.root, &v->bench.root_after)) {
            puts("  wrong state root");
            good = false;
        }
    }
    (void)fflush(stdout);
    fvm_vector_free(v);
    return good;
}

int main(int argc, char **argv)
{
    static char folder[] = DEFAULT_FOLDER;
    char *defaults[] = { folder };
    fvm_engine_config engine_config = { 0 };
    for (; argc > 2 && argv[1][0] == '-'; argc -= 2, argv += 2) {
        if (strcmp(argv[1], "--memory") == 0)
            engine_config.memory = strcmp(argv[2], "guarded") == 0 ? FVM_ENGINE_MEMORY_GUARDED
                                                                   : FVM_ENGINE_MEMORY_CHECKED;
        else
            engine_config.backend = strcmp(argv[2], "interp") == 0 ? FVM_ENGINE_INTERP
                                                                   : FVM_ENGINE_JIT;
    }
    char **paths = argc > 1 ? argv + 1 : defaults;
    int count = argc > 1 ? argc - 1 : 1;
    fvm_paths files = { 0 };
    fvm_store_why why;
    bool good = true;
    for (int i = 0; i < count; i++) {
        fvm_err err = fvm_paths_add(&files, paths[i], &why);
        if (err == FVM_OK) continue;
        printf("%s%s\n", argc > 1 ? "" : "SKIPPED: no vectors: ", why.text);
        fvm_paths_deinit(&files);
        return argc > 1 ? 1 : 0;
    }
    fvm_engine *engine = NULL;
    fvm_context *context = NULL;
    fvm_err err = fvm_engine_new_with(&engine, &engine_config, NULL);
    if (err == FVM_OK) err = fvm_context_new(&context, engine, NULL);
    for (size_t i = 0; i < files.count && err == FVM_OK; i++)
        good = bench_file(files.path[i], context) && good;
    if (err != FVM_OK) printf("%s\n", fvm_err_text(err));
    if (context) fvm_context_free(context);
    if (engine) fvm_engine_free(engine);
    fvm_paths_deinit(&files);
    return good && err == FVM_OK ? 0 : 1;
}
