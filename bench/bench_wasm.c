/* bench_wasm.c - what the engine takes to load modules and to run them, on each back end.
 *
 *   load FILE BACKEND                MB/s of wasm, bytes of code per byte
 *   hostile SHAPE BACKEND            MB/s at two sizes, one four times the other: a bound that is
 *                                    linear shows the same speed twice
 *   run KERNEL BACKEND               million wasm instructions a second, metered and not
 *
 * CPU time throughout. usage: bench_wasm [FILE.wasm...] */
#include "wasm/wasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const fvm_wasm_rules metered = {
    .metering = FVM_WASM_METERING_V4,
    .stack_limit = 2048,
    .instruction_milligas = 4000,
    .memory_byte_milligas = 400,
    .table_element_milligas = 3200,
    .memory_max_pages = 8192,
    .table_max_elements = 20000,
    .frame_budget_bytes = 16u << 20,
    .sign_extension = true,
    .saturating_conversion = true,
    .reference_types = true,
};
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

/* --- hostile shapes ------------------------------------------------------------------------------ */

static void put(fvm_buf *buf, fvm_bytes bytes)
{
    must(fvm_buf_append(buf, bytes), "buffer");
}

static void put_uleb(fvm_buf *buf, uint64_t n)
{
    do {
        uint8_t byte = n & 0x7f;
        n >>= 7;
        if (n) byte |= 0x80;
        put(buf, (fvm_bytes){ &byte, 1 });
    } while (n);
}

static void put_section(fvm_buf *out, uint8_t id, fvm_bytes content)
{
    put(out, (fvm_bytes){ &id, 1 });
    put_uleb(out, content.len);
    put(out, content);
}

/* `count` functions of type [] -> [], all with one body: head, n times each unit, tail. */
typedef struct shape {
    const char *name;
    fvm_bytes head, first, second, tail;
    size_t units; /* for one function; 0: many functions with one unit */
} shape;

static void build(fvm_buf *out, const shape *s, size_t size)
{
    fvm_buf body, code, funcs;
    size_t unit = s->first.len + s->second.len;
    size_t n = s->units ? size / unit : 1;
    size_t count = s->units ? 1 : size / (s->head.len + unit + s->tail.len + 2);
    fvm_buf_init(out, NULL);
    fvm_buf_init(&body, NULL);
    fvm_buf_init(&code, NULL);
    fvm_buf_init(&funcs, NULL);
    put(&body, s->head);
    for (size_t i = 0; i < n; i++) put(&body, s->first);
    for (size_t i = 0; i < n; i++) put(&body, s->second);
    put(&body, s->tail);
    put_uleb(&code, count);
    put_uleb(&funcs, count);
    for (size_t i = 0; i < count; i++) {
        put_uleb(&funcs, 0);
        put_uleb(&code, body.len);
        put(&code, fvm_buf_bytes(&body));
    }
    put(out, FVM_BYTES(0, 'a', 's', 'm', 1, 0, 0, 0));
    put_section(out, 1, FVM_BYTES(1, 0x60, 0, 0));
    put_section(out, 3, fvm_buf_bytes(&funcs));
    put_section(out, 5, FVM_BYTES(1, 0, 1));
    put_section(out, 10, fvm_buf_bytes(&code));
    fvm_buf_deinit(&body);
    fvm_buf_deinit(&code);
    fvm_buf_deinit(&funcs);
}

static void bench_hostile(void)
{
    const fvm_bytes none = { NULL, 0 };
    const shape shapes[] = {
        { "nested-blocks", FVM_BYTES(0), FVM_BYTES(2, 0x40), FVM_BYTES(0x0b), FVM_BYTES(0x0b), 1 },
        { "nested-loops", FVM_BYTES(0), FVM_BYTES(3, 0x40), FVM_BYTES(0x0b), FVM_BYTES(0x0b), 1 },
        { "nested-ifs", FVM_BYTES(0), FVM_BYTES(0x41, 0, 4, 0x40), FVM_BYTES(0x0b), FVM_BYTES(0x0b),
          1 },
        { "deep-operands", FVM_BYTES(0), FVM_BYTES(0x41, 0), none, FVM_BYTES(0, 0x0b), 1 },
        { "branches", FVM_BYTES(0), FVM_BYTES(0x41, 0, 0x0d, 0), none, FVM_BYTES(0x0b), 1 },
        { "calls", FVM_BYTES(0), FVM_BYTES(0x10, 0), none, FVM_BYTES(0x0b), 1 },
        { "dead-blocks", FVM_BYTES(0, 0), FVM_BYTES(2, 0x40, 0x0b), none, FVM_BYTES(0x0b), 1 },
        { "growth", FVM_BYTES(1, 1, 0x7f), FVM_BYTES(0x20, 0, 0x40, 0, 0x1a), none, FVM_BYTES(0x0b),
          1 },
        { "50,000-locals", FVM_BYTES(1, 0xd0, 0x86, 3, 0x7f), FVM_BYTES(0x20, 0xcf, 0x86, 3, 0x1a),
          none, FVM_BYTES(0x0b), 0 },
        { "empty-functions", FVM_BYTES(0), none, none, FVM_BYTES(0x0b), 0 },
    };
    for (size_t i = 0; i < FVM_COUNT(shapes); i++) {
        for (size_t b = 0; b < FVM_COUNT(backends); b++) {
            double speed[2];
            if (!fvm_wasm_backend_available(backends[b].backend)) continue;
            for (size_t k = 0; k < 2; k++) {
                fvm_buf wasm;
                build(&wasm, &shapes[i], k ? 1600000 : 400000);
                speed[k] = load_speed(fvm_buf_bytes(&wasm), backends[b].backend, 4000000, NULL);
                fvm_buf_deinit(&wasm);
            }
            printf("hostile %s %s %.1f MB/s, %.1f at four times the size\n", shapes[i].name,
                   backends[b].name, speed[0] / 1e6, speed[1] / 1e6);
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
