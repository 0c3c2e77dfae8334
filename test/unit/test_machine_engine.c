/* The cache of compiled modules: made once whoever asks, bounded, in order of use, and invisible in
 * results. */
#include "../test.h"

#include "../engine_fixture.h"
#include <pthread.h>

#define THREADS 8
#define MESSAGES 60

static fvm_engine *new_engine(size_t cache_bytes)
{
    fvm_engine *engine;
    const fvm_engine_config config = { .cache_bytes = cache_bytes };
    CHECK_OK(fvm_engine_new_with(&engine, &config, NULL));
    return engine;
}

static size_t bytes_held(fvm_engine *engine, size_t *modules)
{
    size_t bytes, count;
    fvm_engine_stats(engine, &count, &bytes);
    if (modules) *modules = count;
    return bytes;
}

/* --- one thread ------------------------------------------------------------------------------- */

TEST(module_is_made_once_and_kept)
{
    fleet f;
    size_t modules;
    fleet_open(&f);
    fvm_engine *engine = new_engine(0);
    const fvm_wasm_module *a = fleet_module(&f, engine, 3), *b = fleet_module(&f, engine, 3);
    CHECK(a == b && f.reads[3] == 1);
    CHECK(bytes_held(engine, &modules) > fvm_wasm_module_size(a) && modules == 1);
    fvm_wasm_module_free(a);
    fvm_wasm_module_free(b);
    fvm_engine_free(engine);
    fleet_close(&f);
}

TEST(module_lives_while_it_is_held_even_past_its_engine)
{
    fleet f;
    fvm_wasm_export entry;
    fleet_open(&f);
    fvm_engine *engine = new_engine(0);
    const fvm_wasm_module *module = fleet_module(&f, engine, 1);
    fvm_engine_free(engine);
    CHECK(fvm_wasm_module_export(module, &entry, FVM_STR("invoke")));
    fvm_wasm_module_free(module);
    fleet_close(&f);
}

/* Loads actor i and gives the number of modules made for it so far. */
static unsigned made(fleet *f, fvm_engine *engine, unsigned i)
{
    fleet_load(f, engine, i);
    return f->reads[i];
}

TEST(modules_used_least_recently_go_first)
{
    fleet f;
    fleet_open(&f);
    fvm_engine *roomy = new_engine(0);
    for (unsigned i = 1; i <= 3; i++) fleet_load(&f, roomy, i);
    size_t three = bytes_held(roomy, NULL);
    fvm_engine_free(roomy);
    for (unsigned i = 0; i < FLEET_ACTORS; i++) f.reads[i] = 0;

    fvm_engine *engine = new_engine(three); /* 1, 2 and 3 fit exactly; 0 in addition does not */
    CHECK(made(&f, engine, 1) == 1 && made(&f, engine, 2) == 1 && made(&f, engine, 3) == 1);
    CHECK(made(&f, engine, 1) == 1); /* 2 is the oldest now */
    CHECK(made(&f, engine, 0) == 1);
    CHECK(bytes_held(engine, NULL) <= three);
    CHECK(made(&f, engine, 3) == 1 && made(&f, engine, 1) == 1);
    CHECK(made(&f, engine, 2) == 2);
    fvm_engine_free(engine);
    fleet_close(&f);
}

TEST(bound_holds_and_modules_in_use_stay)
{
    fleet f;
    size_t modules;
    fleet_open(&f);
    fvm_engine *engine = new_engine(1); /* nothing fits */
    const fvm_wasm_module *held = fleet_module(&f, engine, 5);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 5; i++) fleet_load(&f, engine, i);
    CHECK(f.reads[4] == 3);
    const fvm_wasm_module *again = fleet_module(&f, engine, 5);
    CHECK(again == held && f.reads[5] == 1);
    fvm_wasm_module_free(again);
    fvm_wasm_module_free(held);
    fleet_load(&f, engine, 0); /* now it goes, and only what was loaded last is there */
    bytes_held(engine, &modules);
    CHECK(modules == 1);
    fvm_engine_free(engine);
    fleet_close(&f);
}

typedef struct failing {
    fleet *f;
} failing;
static fvm_err load_with(const fvm_allocator *alloc, void *ctx)
{
    fleet *f = ((failing *)ctx)->f;
    const fvm_network *net = fvm_network_find(FLEET_VERSION);
    const fvm_wasm_module *module;
    fvm_engine *engine;
    FVM_TRY(fvm_engine_new(&engine, alloc));
    fvm_err err = FVM_OK;
    for (unsigned i = 0; i < 3 && err == FVM_OK; i++) {
        err = fvm__engine_module(engine, &module, NULL, net, fvm_kernel_syscalls(net), &f->bs,
                                 &f->codes[i]);
        if (err == FVM_OK) fvm_wasm_module_free(module);
    }
    fvm_engine_free(engine);
    return err;
}
TEST(loading_survives_each_failing_allocation)
{
    fleet f;
    fleet_open(&f);
    test_each_allocation_fails(load_with, &(failing){ &f });
    fleet_close(&f);
}

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct job {
    fleet *f;
    fvm_engine *engine;
    pthread_barrier_t *start;
    uint64_t seed;
    fvm_err err;
    fleet_result results[MESSAGES];
} job;

static void *ask(void *arg)
{
    job *j = arg;
    const fvm_network *net = fvm_network_find(FLEET_VERSION);
    const fvm_wasm_module *module;
    pthread_barrier_wait(j->start);
    j->err = fvm__engine_module(j->engine, &module, NULL, net, fvm_kernel_syscalls(net), &j->f->bs,
                                &j->f->codes[7]);
    if (j->err == FVM_OK) fvm_wasm_module_free(module);
    return NULL;
}

static void *apply(void *arg)
{
    job *j = arg;
    pthread_barrier_wait(j->start);
    fleet_run(j->f, j->engine, j->results, MESSAGES, j->seed);
    return NULL;
}

static void run_jobs(job *jobs, void *(*body)(void *))
{
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    CHECK(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++) {
        jobs[i].start = &start;
        CHECK(pthread_create(&threads[i], NULL, body, &jobs[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

TEST(threads_that_ask_at_once_share_one_compilation)
{
    fleet f;
    job jobs[THREADS];
    fleet_open(&f);
    f.delay_us = 20000; /* so that all of them ask before the first one is done */
    fvm_engine *engine = new_engine(0);
    for (int i = 0; i < THREADS; i++) jobs[i] = (job){ .f = &f, .engine = engine };
    run_jobs(jobs, ask);
    for (int i = 0; i < THREADS; i++) CHECK_OK(jobs[i].err);
    CHECK(f.reads[7] == 1);
    fvm_engine_free(engine);
    fleet_close(&f);
}

TEST(failure_of_one_is_not_the_failure_of_those_who_waited)
{
    fleet good, bad;
    job jobs[THREADS];
    fleet_open(&good);
    fleet_open(&bad);
    bad.broken = true;
    good.delay_us = bad.delay_us = 5000;
    fvm_engine *engine = new_engine(0);
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (job){ .f = i % 2 ? &good : &bad, .engine = engine };
    run_jobs(jobs, ask);
    for (int i = 0; i < THREADS; i++)
        CHECK(jobs[i].err == FVM_OK || (i % 2 == 0 && jobs[i].err == FVM_ERR_MISSING_BLOCK));
    CHECK(good.reads[7] == 1);
    fvm_engine_free(engine);
    fleet_close(&bad);
    fleet_close(&good);
}

/* Each thread's results are those that the same messages give alone. */
static void compare_with_one_thread(size_t cache_bytes)
{
    fleet f;
    job jobs[THREADS];
    static fleet_result alone[MESSAGES];
    fleet_open(&f);
    fvm_engine *engine = new_engine(cache_bytes);
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (job){ .f = &f, .engine = engine, .seed = 77 + (uint64_t)i };
    run_jobs(jobs, apply);
    fvm_engine *other = new_engine(0);
    for (int i = 0; i < THREADS; i++) {
        fleet_run(&f, other, alone, MESSAGES, jobs[i].seed);
        for (int m = 0; m < MESSAGES; m++) {
            CHECK(alone[m].exit_code >= 16 && alone[m].gas_used > 0);
            CHECK(jobs[i].results[m].exit_code == alone[m].exit_code);
            CHECK(jobs[i].results[m].gas_used == alone[m].gas_used);
        }
    }
    fvm_engine_free(other);
    fvm_engine_free(engine);
    fleet_close(&f);
}

TEST(threads_sharing_an_engine_agree_with_one_thread)
{
    compare_with_one_thread(0);
}

TEST(threads_agree_while_modules_are_evicted_under_them)
{
    compare_with_one_thread(20000);
}
