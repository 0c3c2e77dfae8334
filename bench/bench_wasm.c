/* bench_wasm.c - what the engine takes to load modules and to run them, on each back end.
 *
 *   load FILE BACKEND                MB/s of wasm, bytes of code per byte
 *   bundle ACTORS BYTES BACKEND      MB/s, over the actors of mainnet's bundle v17
 *   hostile SHAPE BACKEND            MB/s at two sizes, one four times the other: a bound that is
 *                                    linear shows the same speed twice; beside the bundle's
 *   run KERNEL BACKEND               million wasm instructions a second, metered and not
 *
 * CPU time throughout. usage: bench_wasm [FILE.wasm...] */
#include "../test/hostile.h"
#include "kernel/wasm_rules.h"
#include <fvm/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const fvm_wasm_rules metered = FVM__WASM_RULES_V4;
static const struct {
    const char *name;
    fvm_wasm_backend backend;
} backends[] = { { "interp", FVM_WASM_BACKEND_INTERP }, { "x64", FVM_WASM_BACKEND_X64 } };

static void must(fvm_err err, const char *what)
{
    if (err == FVM_OK) return;
    fprintf(stderr, "bench_wasm: %s: %s\n", what, fvm_err_text(err));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- loading ------------------------------------------------------------------------------------ */

/* Bytes of wasm a second; loads as often as makes up `total` bytes. */
static double load_speed(fvm_bytes wasm, fvm_wasm_backend backend, size_t total, double *growth)
{
    size_t rounds = total / wasm.len + 1;
    double begin = now();
    for (size_t i = 0; i < rounds; i++) {
        fvm_wasm_module *m;
        char detail[FVM_WASM_DETAIL_MAX];
        fvm_err err = fvm_wasm_module_new_on(&m, &metered, NULL, wasm, detail, NULL, backend);
        must(err, err == FVM_OK ? "" : detail);
        if (growth) *growth = (double)fvm_wasm_module_size(m) / (double)wasm.len;
        fvm_wasm_module_free(m);
    }
    return (double)wasm.len * (double)rounds / (now() - begin);
}

static void bench_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) must(FVM_ERR_IO, path);
    fvm_buf buf;
    fvm_buf_init(&buf, NULL);
    for (;;) {
        uint8_t block[65536];
        size_t n = fread(block, 1, sizeof block, file);
        if (n == 0) break;
        must(fvm_buf_append(&buf, (fvm_bytes){ block, n }), path);
    }
    fclose(file);
    for (size_t b = 0; b < FVM_COUNT(backends); b++) {
        double growth = 0;
        if (!fvm_wasm_backend_available(backends[b].backend)) continue;
        double speed = load_speed(fvm_buf_bytes(&buf), backends[b].backend, 10000000, &growth);
        printf("load %s %s %.1f MB/s, %.1f bytes each\n", path, backends[b].name, speed / 1e6,
               growth);
    }
    fvm_buf_deinit(&buf);
}

/* --- the bundle ---------------------------------------------------------------------------------- */

/* Bytes of wasm a second, over all actors of mainnet's v17: the best of three times. 0: no bundle. */
static double bundle_speed(fvm_wasm_backend backend, size_t *count, size_t *bytes)
{
    fvm_blockstore bundle;
    fvm_buf list, spare;
    fvm_store_why why = { { 0 } };
    fvm_bundle_info info;
    double best = 0;
    *count = 0;
    if (fvm_bundle_open(&bundle, &info, NULL, "mainnet-v17", NULL, &why) != FVM_OK) return 0;
    fvm_buf_init(&list, NULL);
    fvm_buf_init(&spare, NULL);
    must(fvm_bundle_actors(&list, &bundle, &info.manifest, &why), "bundle");
    const fvm_bundle_actor *actors = (const fvm_bundle_actor *)(const void *)list.ptr;
    *count = list.len / sizeof *actors;
    for (int round = 0; round < 3; round++) {
        double seconds = 0;
        *bytes = 0;
        for (size_t i = 0; i < *count; i++) {
            fvm_bytes wasm;
            fvm_wasm_module *m;
            must(fvm_blockstore_view(&bundle, &wasm, &spare, &actors[i].code), "actor");
            double begin = now();
            must(fvm_wasm_module_new_on(&m, &metered, NULL, wasm, NULL, NULL, backend), "actor");
            seconds += now() - begin;
            fvm_wasm_module_free(m);
            *bytes += wasm.len;
        }
        if ((double)*bytes / seconds > best) best = (double)*bytes / seconds;
    }
    fvm_buf_deinit(&list);
    fvm_buf_deinit(&spare);
    fvm_blockstore_free(&bundle);
    return best;
}

/* --- hostile shapes ------------------------------------------------------------------------------ */

static void bench_hostile(void)
{
    for (size_t b = 0; b < FVM_COUNT(backends); b++) {
        size_t count, bytes = 0;
        if (!fvm_wasm_backend_available(backends[b].backend)) continue;
        double bundle = bundle_speed(backends[b].backend, &count, &bytes);
        if (bundle > 0)
            printf("bundle %zu %zu %s %.1f MB/s\n", count, bytes, backends[b].name, bundle / 1e6);
        for (int i = 0; i < HOSTILE_COUNT; i++) {
            double speed[2], growth = 0;
            for (size_t k = 0; k < 2; k++) {
                fvm_buf wasm;
                hostile_build(&wasm, (hostile_shape)i, k ? 1600000 : 400000);
                speed[k] = load_speed(fvm_buf_bytes(&wasm), backends[b].backend, 4000000, &growth);
                fvm_buf_deinit(&wasm);
            }
            double worse = speed[0] < speed[1] ? speed[0] : speed[1];
            printf("hostile %s %s %.1f MB/s, %.1f at four times the size, %.1f bytes each",
                   hostile_names[i], backends[b].name, speed[0] / 1e6, speed[1] / 1e6, growth);
            if (bundle > 0) printf(", %.1f times the bundle's time per byte", bundle / worse);
            printf("\n");
            fflush(stdout);
        }
    }
}

/* --- running ------------------------------------------------------------------------------------ */

/* Two kernels, assembled from:
 *
 *     (module (memory 1)
 *     (func (export "loop") (param i32) (result i32) (loop
 *     (i32.store (i32.and (local.get 0) (i32.const 1020)) (i32.add (i32.load (i32.and (local.get 0) (i32.const 1020))) (local.get 0)))
 *     (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.load (i32.const 0)))
 *     (func $fib (export "fib") (param i32) (result i32) (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
 *     (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2))))))))
 */
static const uint8_t kernels[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01,
    0x7f, 0x03, 0x03, 0x02, 0x00, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0e, 0x02, 0x04,
    0x6c, 0x6f, 0x6f, 0x70, 0x00, 0x00, 0x03, 0x66, 0x69, 0x62, 0x00, 0x01, 0x0a, 0x47, 0x02,
    0x28, 0x00, 0x03, 0x40, 0x20, 0x00, 0x41, 0xfc, 0x07, 0x71, 0x20, 0x00, 0x41, 0xfc, 0x07,
    0x71, 0x28, 0x02, 0x00, 0x20, 0x00, 0x6a, 0x36, 0x02, 0x00, 0x20, 0x00, 0x41, 0x01, 0x6b,
    0x22, 0x00, 0x0d, 0x00, 0x0b, 0x41, 0x00, 0x28, 0x02, 0x00, 0x0b, 0x1c, 0x00, 0x20, 0x00,
    0x41, 0x02, 0x49, 0x04, 0x7f, 0x20, 0x00, 0x05, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x10, 0x01,
    0x20, 0x00, 0x41, 0x02, 0x6b, 0x10, 0x01, 0x6a, 0x0b, 0x0b,
};

typedef struct job {
    fvm_wasm_context *context;
    const fvm_wasm_module *module;
    const char *name;
    uint64_t arg;
    int64_t used;
    double seconds;
} job;

static fvm_err run(void *arg)
{
    job *j = arg;
    fvm_wasm_instance *instance;
    fvm_wasm_export export;
    const int64_t gas = INT64_MAX / 2;
    must(fvm_wasm_instance_new(&instance, j->context, j->module, NULL, NULL, gas), "instance");
    if (!fvm_wasm_module_export(j->module, &export, fvm_bytes_of(j->name)))
        must(FVM_ERR_INVALID, j->name);
    uint64_t result;
    double begin = now();
    must(fvm_wasm_instance_call(instance, &result, export.index, &j->arg), j->name);
    j->seconds = now() - begin;
    j->used = gas - fvm_wasm_instance_gas(instance);
    fvm_wasm_instance_free(instance);
    return FVM_OK;
}

static void bench_run(const char *name, uint64_t arg)
{
    for (size_t b = 0; b < FVM_COUNT(backends); b++) {
        const fvm_wasm_rules *rules[] = { &metered, &fvm_wasm_rules_standard };
        double seconds[2] = { 0 };
        int64_t used = 0;
        if (!fvm_wasm_backend_available(backends[b].backend)) continue;
        for (size_t k = 0; k < 2; k++) {
            fvm_wasm_module *m;
            job j = { .name = name, .arg = arg };
            must(fvm_wasm_module_new_on(&m, rules[k], NULL, (fvm_bytes){ kernels, sizeof kernels },
                                        NULL, NULL, backends[b].backend),
                 "kernels");
            j.module = m;
            must(fvm_wasm_context_new(&j.context, NULL), "context");
            must(fvm_wasm_context_run(j.context, run, &j), name);
            fvm_wasm_context_free(j.context);
            fvm_wasm_module_free(m);
            seconds[k] = j.seconds;
            if (k == 0) used = j.used;
        }
        double instructions = (double)used / metered.instruction_milligas;
        printf("run %s %s %.0f M/s metered, %.0f not: metering costs %.0f%%\n", name,
               backends[b].name, instructions / seconds[0] / 1e6, instructions / seconds[1] / 1e6,
               (seconds[0] / seconds[1] - 1) * 100);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) bench_file(argv[i]);
    bench_hostile();
    bench_run("loop", 20000000);
    bench_run("fib", 30);
    return 0;
}
