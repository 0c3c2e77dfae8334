/* bench_loops.c - what metering costs, and what is left of the CPU's speed: the CPU-bound vectors of
 * ../shared/vectors/bench with gas and without, call by call in turn, and beside them native code of
 * the same C. Before that, the memory it takes to load the sixteen actors of a bundle.
 *   usage: bench_loops [--native PROGRAM] [--memory checked|guarded] [--rounds N] [FOLDER]
 * CPU time; the least of all rounds, as what others run only adds. Without gas no chain can run: the
 * rules of the network version are copied, with metering left out. */
#include "cli/conformance.h"
#include "kernel/network.h"
#include "machine/machine_internal.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static const char *const loops[] = { "wasm-sha256", "wasm-matrix", "wasm-sort", "wasm-sieve",
                                     "fevm-arith",  "fevm-keccak", "fevm-tight" };

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One way to run a vector. */
typedef struct side {
    fvm_blockstore store;
    fvm_context *context;
    fvm_machine *machine;
    fvm_wasm_rules rules;
    fvm_network net;
    double best;
    uint64_t gas, method;
} side;

static fvm_err side_open(side *s, const fvm_vector *v, fvm_engine *engine,
                         const fvm_externs *externs, bool metered)
{
    const fvm_vector_variant *variant = &v->variants[0];
    const fvm_machine_config config = {
        .network_version = variant->nv,
        .chain_id = v->chain_id,
        .epoch = variant->epoch,
        .timestamp = variant->timestamp,
        .base_fee = v->base_fee,
        .circulating_supply = v->circulating_supply,
        .externs = externs,
    };
    fvm_store_why why;
    s->best = 1e9;
    s->net = *fvm_network_find(variant->nv);
    s->rules = *s->net.wasm;
    if (!metered) s->rules.metering = FVM_WASM_UNMETERED;
    s->net.wasm = &s->rules;
    FVM_TRY(fvm_vector_store(&s->store, v));
    FVM_TRY(fvm_vector_bundle(v, variant, &s->store, &why));
    FVM_TRY(fvm_context_new(&s->context, engine, NULL));
    return fvm__machine_new(&s->machine, s->context, &s->store, &v->root, &config, &s->net);
}

static void side_close(side *s)
{
    fvm_machine_free(s->machine);
    fvm_context_free(s->context);
    if (s->store.ops) fvm_blockstore_free(&s->store);
}

static fvm_err side_round(side *s, const fvm_vector *v, uint64_t round)
{
    fvm_message message;
    fvm_receipt receipt;
    uint64_t chain_length;
    FVM_TRY(fvm_vector_message_read(v, 0, v->variants[0].nv, &message, &chain_length));
    message.nonce += round;
    s->method = message.method;
    fvm_receipt_init(&receipt, NULL);
    double begin = seconds_now();
    fvm_err err = fvm_machine_apply(s->machine, &receipt, &message, FVM_APPLY_EXPLICIT,
                                    chain_length);
    double took = seconds_now() - begin;
    if (took < s->best) s->best = took;
    s->gas = receipt.gas_used;
    if (err == FVM_OK && receipt.exit_code != 0) err = FVM_ERR_INVALID;
    fvm_receipt_deinit(&receipt);
    return err;
}

/* Seconds of one call in native code; 0: not known. */
static double native_seconds(const char *program, uint64_t method)
{
    char command[4200], line[64] = "";
    (void)snprintf(command, sizeof command, "%s %llu", program, (unsigned long long)method);
    FILE *pipe = popen(command, "r");
    if (!pipe) return 0;
    bool good = fgets(line, sizeof line, pipe) != NULL;
    return pclose(pipe) == 0 && good ? strtod(line, NULL) : 0;
}

/* Sums of logarithms. */
typedef struct means {
    double metering, gas, native;
    unsigned n, n_native;
} means;

static fvm_err measure(means *sum, const char *name, const fvm_vector *v, fvm_engine *engine,
                       const char *native, unsigned rounds)
{
    side sides[2] = { 0 };
    fvm_externs externs = fvm_vector_externs(v);
    fvm_err err = side_open(&sides[0], v, engine, &externs, true);
    if (err == FVM_OK) err = side_open(&sides[1], v, engine, &externs, false);
    for (uint64_t r = 0; r < rounds && err == FVM_OK; r++)
        for (int k = 0; k < 2 && err == FVM_OK; k++) err = side_round(&sides[k], v, r);
    if (err == FVM_OK) {
        double ratio = sides[0].best / sides[1].best;
        double per_gas = sides[0].best * 1e9 / (double)sides[0].gas;
        bool is_c = strncmp(name, "wasm-", 5) == 0;
        double plain = native && is_c ? native_seconds(native, sides[0].method) : 0;
        printf("%-12s %9.3f ms %7.4f ns/gas, metered / not %.3f", name, sides[0].best * 1e3,
               per_gas, ratio);
        if (plain > 0) printf(", / native %.2f", sides[0].best / plain);
        puts("");
        sum->metering += log(ratio);
        sum->gas += log(per_gas);
        sum->n++;
        if (plain > 0) {
            sum->native += log(sides[0].best / plain);
            sum->n_native++;
        }
    }
    for (int k = 0; k < 2; k++) side_close(&sides[k]);
    return err;
}

static fvm_vector *load(const char *folder, const char *name)
{
    char path[4200];
    fvm_vector *v;
    fvm_store_why why;
    (void)snprintf(path, sizeof path, "%s/bench-%s.json", folder, name);
    if (fvm_vector_load(&v, path, &why) == FVM_OK) return v;
    printf("SKIPPED: %s\n", why.text);
    return NULL;
}

/* The peak of this process, which has done nothing else yet: engine, machine, and the store. */
static void print_memory(const char *folder, fvm_engine *engine)
{
    fvm_vector *v = load(folder, "fevm-tight");
    side s = { 0 };
    struct rusage usage;
    size_t modules, bytes;
    if (!v) return;
    fvm_externs externs = fvm_vector_externs(v);
    if (side_open(&s, v, engine, &externs, true) == FVM_OK && getrusage(RUSAGE_SELF, &usage) == 0) {
        fvm_engine_stats(engine, &modules, &bytes);
        printf(
            "loading nv%u's %zu actors: peak of the process %.1f MiB, of which modules %.1f MiB\n",
            v->variants[0].nv, modules, (double)usage.ru_maxrss / 1024, (double)bytes / 1048576);
    }
    side_close(&s);
    fvm_vector_free(v);
}

int main(int argc, char **argv)
{
    const char *folder = "../shared/vectors/bench", *native = NULL;
    unsigned rounds = 12;
    fvm_engine_config config = { .memory = FVM_ENGINE_MEMORY_CHECKED };
    for (; argc > 2 && argv[1][0] == '-'; argc -= 2, argv += 2) {
        if (strcmp(argv[1], "--native") == 0) native = argv[2];
        if (strcmp(argv[1], "--rounds") == 0) rounds = (unsigned)strtoul(argv[2], NULL, 10);
        if (strcmp(argv[1], "--memory") == 0 && strcmp(argv[2], "guarded") == 0)
            config.memory = FVM_ENGINE_MEMORY_GUARDED;
    }
    if (argc > 1) folder = argv[1];
    fvm_engine *engine;
    if (fvm_engine_new_with(&engine, &config, NULL) != FVM_OK) return 1;
    print_memory(folder, engine);
    fvm_engine_free(engine);
    means sum = { 0 };
    bool good = true;
    for (size_t i = 0; i < FVM_COUNT(loops); i++) {
        /* an engine tells rules apart by their address, which the next loop's may have, too */
        if (fvm_engine_new_with(&engine, &config, NULL) != FVM_OK) return 1;
        fvm_vector *v = load(folder, loops[i]);
        fvm_err err = v ? measure(&sum, loops[i], v, engine, native, rounds) : FVM_OK;
        if (err != FVM_OK) printf("%-12s failed: %s\n", loops[i], fvm_err_text(err));
        good = good && err == FVM_OK;
        if (v) fvm_vector_free(v);
        fvm_engine_free(engine);
        (void)fflush(stdout);
    }
    if (sum.n) {
        printf("geometric means: %.4f ns/gas, metered / not %.3f", exp(sum.gas / sum.n),
               exp(sum.metering / sum.n));
        if (sum.n_native) printf(", / native %.2f", exp(sum.native / sum.n_native));
        puts("");
    }
    return good ? 0 : 1;
}
