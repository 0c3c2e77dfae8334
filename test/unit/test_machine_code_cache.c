/* Compiled modules on disk: what is damaged, of another version or of somebody else is not run, and
 * results are those of a fresh compilation. */
#include "../test.h"

#include "../engine_fixture.h"
#include "crypto/crypto.h"
#include "wasm/image.h"
#include <fvm/store.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MESSAGES 40
#define SEED 5

/* --- a folder, and a cache over it that counts ------------------------------------------------- */

typedef struct counted {
    char path[64];
    fvm_code_folder *folder;
    fvm_code_cache inner;
    atomic_uint loads, saves; /* that gave something; all */
} counted;

static fvm_err count_load(void *ctx, fvm_buf *out, const uint8_t key[FVM_CODE_KEY_BYTES])
{
    counted *c = ctx;
    fvm_err err = c->inner.load(c->inner.ctx, out, key);
    c->loads += err == FVM_OK;
    return err;
}
static void count_save(void *ctx, const uint8_t key[FVM_CODE_KEY_BYTES], fvm_bytes image)
{
    counted *c = ctx;
    c->saves++;
    c->inner.save(c->inner.ctx, key, image);
}

static void open_folder(counted *c, uint64_t max_bytes)
{
    fvm_store_why why;
    CHECK_OK(fvm_code_folder_open(&c->folder, c->path, max_bytes, NULL, &why));
    c->inner = fvm_code_folder_cache(c->folder);
    c->loads = c->saves = 0;
}
static void make_folder(counted *c)
{
    *c = (counted){ .folder = NULL };
    (void)snprintf(c->path, sizeof c->path, "/tmp/fvm-code-XXXXXX");
    CHECK(mkdtemp(c->path) != NULL);
    open_folder(c, 0);
}

/* Calls `visit` for each file with its path. */
static unsigned each_file(const counted *c, void (*visit)(const char *path))
{
    unsigned count = 0;
    DIR *entries = opendir(c->path);
    CHECK(entries != NULL);
    for (struct dirent *e; (e = readdir(entries)) != NULL;) {
        char path[400];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", c->path, e->d_name);
        count++;
        if (visit) visit(path);
    }
    (void)closedir(entries);
    return count;
}
static void remove_file(const char *path)
{
    CHECK(unlink(path) == 0);
}
static void drop_folder(counted *c)
{
    fvm_code_folder_close(c->folder);
    (void)each_file(c, remove_file);
    CHECK(rmdir(c->path) == 0);
}

/* Runs messages on a new engine with the folder and without: the same comes out. */
static void run_with(fleet *f, counted *c)
{
    fleet_result with[MESSAGES], without[MESSAGES];
    const fvm_code_cache cache = { count_load, count_save, c };
    const fvm_engine_config config = { .code_cache = &cache };
    fvm_engine *engine, *plain;
    CHECK_OK(fvm_engine_new_with(&engine, &config, NULL));
    CHECK_OK(fvm_engine_new(&plain, NULL));
    fleet_run(f, engine, with, MESSAGES, SEED);
    fleet_run(f, plain, without, MESSAGES, SEED);
    for (unsigned i = 0; i < MESSAGES; i++)
        CHECK(with[i].exit_code == without[i].exit_code && with[i].gas_used == without[i].gas_used);
    fvm_engine_free(plain);
    fvm_engine_free(engine);
}

static bool no_images(void)
{
    if (fvm_wasm_image_available(FVM_WASM_BACKEND_DEFAULT)) return false;
    fputs("no compiler for this CPU: nothing to keep\n", stderr);
    return true;
}

/* --- the folder ------------------------------------------------------------------------------- */

TEST(second_engine_compiles_nothing)
{
    fleet f;
    counted c;
    if (no_images()) return;
    fleet_open(&f);
    make_folder(&c);
    run_with(&f, &c);
    unsigned made = c.saves;
    CHECK(made > 5 && c.loads == 0 && each_file(&c, NULL) == made);
    run_with(&f, &c);
    CHECK(c.saves == made && c.loads == made);
    drop_folder(&c);
    fleet_close(&f);
}

TEST(interpreter_keeps_nothing)
{
    fleet f;
    counted c;
    fleet_result results[4];
    fleet_open(&f);
    make_folder(&c);
    const fvm_code_cache cache = { count_load, count_save, &c };
    const fvm_engine_config config = { .backend = FVM_ENGINE_INTERP, .code_cache = &cache };
    fvm_engine *engine;
    CHECK_OK(fvm_engine_new_with(&engine, &config, NULL));
    fleet_run(&f, engine, results, 4, SEED);
    CHECK(c.loads == 0 && c.saves == 0);
    fvm_engine_free(engine);
    drop_folder(&c);
    fleet_close(&f);
}

static void cut_in_half(const char *path)
{
    struct stat info;
    CHECK(stat(path, &info) == 0 && truncate(path, info.st_size / 2) == 0);
}
static void empty_file(const char *path)
{
    CHECK(truncate(path, 0) == 0);
}
static void flip_last_code_byte(const char *path)
{
    uint8_t byte;
    struct stat info;
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &info) == 0);
    CHECK(pread(fd, &byte, 1, info.st_size - 33) == 1);
    byte ^= 0x10;
    CHECK(pwrite(fd, &byte, 1, info.st_size - 33) == 1);
    (void)close(fd);
}
static void cut_if_there(const char *path) /* other processes replace and rename */
{
    struct stat info;
    if (stat(path, &info) == 0 && truncate(path, info.st_size / 2) != 0) return;
}
static void open_to_all(const char *path)
{
    CHECK(chmod(path, 0666) == 0);
}
static void become_link(const char *path)
{
    char aside[420];
    (void)snprintf(aside, sizeof aside, "%s.real", path);
    CHECK(rename(path, aside) == 0 && symlink(aside, path) == 0);
}
static void become_pipe(const char *path)
{
    CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
}

static const struct {
    const char *why;
    void (*harm)(const char *path);
} harms[] = {
    { "half a file", cut_in_half },
    { "nothing in the file", empty_file },
    { "a bit of the code", flip_last_code_byte },
    { "others may write to it", open_to_all },
    { "a pipe of that name", become_pipe },
    { "a link to the file", become_link },
};
TEST(harmed_files_are_not_used_and_replaced)
{
    fleet f;
    counted c;
    if (no_images()) return;
    fleet_open(&f);
    for (size_t i = 0; i < FVM_COUNT(harms); i++) {
        make_folder(&c);
        run_with(&f, &c);
        unsigned made = c.saves;
        (void)each_file(&c, harms[i].harm);
        c.loads = c.saves = 0;
        run_with(&f, &c);
        CHECK_AT(harms[i].why, c.saves == made);
        c.loads = c.saves = 0;
        run_with(&f, &c);
        CHECK_AT(harms[i].why, c.saves == 0 && c.loads == made);
        drop_folder(&c);
    }
    fleet_close(&f);
}

TEST(folder_of_others_is_refused)
{
    counted c;
    fvm_code_folder *folder;
    fvm_store_why why;
    make_folder(&c);
    CHECK(chmod(c.path, 0770) == 0);
    CHECK_ERR(fvm_code_folder_open(&folder, c.path, 0, NULL, &why), FVM_ERR_INVALID);
    CHECK(strstr(why.text, "belong to you") != NULL);
    CHECK(chmod(c.path, 0702) == 0);
    CHECK_ERR(fvm_code_folder_open(&folder, c.path, 0, NULL, NULL), FVM_ERR_INVALID);
    CHECK(chmod(c.path, 0700) == 0);
    if (geteuid() == 0) {
        CHECK(chown(c.path, 12345, 0) == 0);
        CHECK_ERR(fvm_code_folder_open(&folder, c.path, 0, NULL, NULL), FVM_ERR_INVALID);
        CHECK(chown(c.path, 0, 0) == 0);
    }
    CHECK_ERR(fvm_code_folder_open(&folder, "/dev/null", 0, NULL, NULL), FVM_ERR_INVALID);
    CHECK_ERR(fvm_code_folder_open(&folder, "/nowhere/at/all", 0, NULL, NULL), FVM_ERR_IO);
    drop_folder(&c);
}

static uint64_t total_bytes;
static void add_size(const char *path)
{
    struct stat info;
    CHECK(stat(path, &info) == 0);
    total_bytes += (uint64_t)info.st_size;
}
TEST(folder_stays_within_its_bound_and_what_dead_processes_left_goes)
{
    fleet f;
    counted c;
    char left[128];
    const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
    if (no_images()) return;
    fleet_open(&f);
    make_folder(&c);
    fvm_code_folder_close(c.folder);
    open_folder(&c, 40000);
    (void)snprintf(left, sizeof left, "%s/.77-0.tmp", c.path);
    CHECK(close(open(left, O_CREAT | O_WRONLY, 0600)) == 0);
    CHECK(utimensat(AT_FDCWD, left, old, 0) == 0);
    run_with(&f, &c);
    total_bytes = 0;
    unsigned files = each_file(&c, add_size);
    CHECK(total_bytes <= 40000 && files > 0 && files < c.saves);
    CHECK(access(left, F_OK) != 0);
    drop_folder(&c);
    fleet_close(&f);
}

TEST(processes_share_a_folder)
{
    fleet f;
    counted c;
    enum { CHILDREN = 4 };
    pid_t children[CHILDREN];
    if (no_images()) return;
    fleet_open(&f);
    make_folder(&c);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            for (int round = 0; round < 5; round++) {
                (void)each_file(&c, round % 2 ? cut_if_there : NULL);
                run_with(&f, &c); /* a failing check ends the child otherwise */
            }
            _exit(42);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    run_with(&f, &c);
    drop_folder(&c);
    fleet_close(&f);
}

typedef struct job {
    fleet *f;
    fvm_engine *engine;
    fleet_result results[MESSAGES];
} job;
static void *apply(void *arg)
{
    job *j = arg;
    fleet_run(j->f, j->engine, j->results, MESSAGES, SEED);
    return NULL;
}
TEST(threads_share_a_folder)
{
    enum { THREADS = 8 };
    fleet f;
    counted c;
    job jobs[THREADS];
    pthread_t threads[THREADS];
    fvm_engine *engines[2];
    fleet_open(&f);
    make_folder(&c);
    const fvm_code_cache cache = { count_load, count_save, &c };
    const fvm_engine_config config = { .code_cache = &cache, .cache_bytes = 20000 };
    for (int i = 0; i < 2; i++) CHECK_OK(fvm_engine_new_with(&engines[i], &config, NULL));
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ .f = &f, .engine = engines[i % 2] };
        CHECK(pthread_create(&threads[i], NULL, apply, &jobs[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(memcmp(jobs[i].results, jobs[0].results, sizeof jobs[0].results) == 0);
    }
    for (int i = 0; i < 2; i++) fvm_engine_free(engines[i]);
    drop_folder(&c);
    fleet_close(&f);
}

/* --- images ----------------------------------------------------------------------------------- */

typedef struct pictured {
    fvm_wasm_rules rules;
    wasm_asm a;
    fvm_bytes wasm;
    fvm_buf image;
} pictured;

static void picture(pictured *p, unsigned which)
{
    fvm_wasm_module *module;
    *p = (pictured){ .rules = WASM_RULES_V4 };
    fleet_wasm(&p->a, which);
    p->wasm = wasm_finish(&p->a);
    CHECK_OK(fvm_wasm_module_new(&module, &p->rules, NULL, p->wasm, NULL, NULL));
    fvm_buf_init(&p->image, NULL);
    CHECK_OK(fvm_wasm_image_write(&p->image, module, p->wasm));
    fvm_wasm_module_free(module);
}
static void picture_end(pictured *p)
{
    fvm_buf_deinit(&p->image);
    wasm_end(&p->a);
}
static fvm_err look(const pictured *p, size_t len)
{
    fvm_wasm_module *module = NULL;
    fvm_err err = fvm_wasm_image_read(&module, &p->rules, NULL, p->wasm,
                                      (fvm_bytes){ p->image.ptr, len }, NULL);
    CHECK((err == FVM_OK) == (module != NULL));
    fvm_wasm_module_free(module);
    return err;
}
static void seal(pictured *p)
{
    size_t n = p->image.len - 32;
    fvm_blake2b_256(p->image.ptr + n, (fvm_bytes){ p->image.ptr, n });
}

TEST(image_is_that_of_the_module_it_was_made_of)
{
    pictured p;
    fvm_buf again;
    fvm_wasm_module *module;
    if (no_images()) return;
    picture(&p, 3);
    fvm_buf_init(&again, NULL);
    CHECK_OK(fvm_wasm_image_read(&module, &p.rules, NULL, p.wasm, fvm_buf_bytes(&p.image), NULL));
    CHECK_OK(fvm_wasm_image_write(&again, module, p.wasm));
    CHECK_BYTES(fvm_buf_bytes(&again), fvm_buf_bytes(&p.image));
    fvm_wasm_module_free(module);
    fvm_buf_deinit(&again);
    picture_end(&p);
}

TEST(image_with_any_bit_flipped_or_cut_anywhere_is_refused)
{
    pictured p;
    if (no_images()) return;
    picture(&p, 1);
    CHECK_OK(look(&p, p.image.len));
    for (size_t i = 0; i < p.image.len; i++) {
        size_t bit = i % 8;
        p.image.ptr[i] ^= (uint8_t)(1u << bit);
        CHECK(look(&p, p.image.len) != FVM_OK);
        p.image.ptr[i] ^= (uint8_t)(1u << bit);
    }
    for (size_t len = 0; len < p.image.len; len += len < 300 ? 1 : 97)
        CHECK(look(&p, len) != FVM_OK);
    CHECK_OK(look(&p, p.image.len));
    picture_end(&p);
}

/* With a checksum that is right. */
static const struct {
    const char *why;
    size_t at;
    uint8_t with; /* exclusive or */
    fvm_err err;
} others[] = {
    { "something else altogether", 3, 0x01, FVM_ERR_MALFORMED },
    { "a later format", 8, 0x03, FVM_ERR_VERSION },
    { "another CPU", 12, 0x20, FVM_ERR_VERSION },
    { "another build", 20, 0x01, FVM_ERR_VERSION },
    { "other rules", 50, 0x01, FVM_ERR_VERSION },
    { "other wasm", 90, 0x01, FVM_ERR_MISMATCH },
    { "longer wasm", 112, 0x01, FVM_ERR_MISMATCH },
    { "more code than there is", 123, 0x01, FVM_ERR_TRUNCATED },
    { "code of 2^40 bytes", 125, 0x01, FVM_ERR_TRUNCATED },
    { "more functions than there are", 130, 0xff, FVM_ERR_TRUNCATED },
    { "entered past the code", 135, 0x40, FVM_ERR_MALFORMED },
    { "a flag that there is not", 136, 0x80, FVM_ERR_MALFORMED },
    { "something where nothing is", 141, 0x01, FVM_ERR_MALFORMED },
    { "a function past the code", 147, 0x40, FVM_ERR_MALFORMED },
    { "a function at an odd place", 144, 0x01, FVM_ERR_MALFORMED },
    { "more locals than slots", 151, 0x40, FVM_ERR_MALFORMED },
};
TEST(image_of_another_version_or_out_of_bounds_is_refused)
{
    pictured p;
    if (no_images()) return;
    picture(&p, 2);
    for (size_t i = 0; i < FVM_COUNT(others); i++) {
        p.image.ptr[others[i].at] ^= others[i].with;
        seal(&p);
        CHECK_AT(others[i].why, look(&p, p.image.len) == others[i].err);
        p.image.ptr[others[i].at] ^= others[i].with;
    }
    uint64_t code = fvm_load_le64(p.image.ptr + 120);
    fvm_store_le64(p.image.ptr + 120, code - 16);
    seal(&p);
    CHECK_ERR(look(&p, p.image.len), FVM_ERR_TRAILING);
    fvm_store_le64(p.image.ptr + 120, code);
    seal(&p);
    CHECK_OK(look(&p, p.image.len));
    picture_end(&p);
}

TEST(image_of_another_module_or_rules_is_refused)
{
    pictured p, q;
    if (no_images()) return;
    picture(&p, 2);
    picture(&q, 3);
    fvm_bytes own = p.wasm;
    p.wasm = q.wasm;
    CHECK_ERR(look(&p, p.image.len), FVM_ERR_MISMATCH);
    p.wasm = own;
    p.rules.stack_limit++;
    CHECK_ERR(look(&p, p.image.len), FVM_ERR_VERSION);
    picture_end(&q);
    picture_end(&p);
}

static fvm_err read_image(const fvm_allocator *alloc, void *ctx)
{
    const pictured *p = ctx;
    fvm_wasm_module *module;
    FVM_TRY(
        fvm_wasm_image_read(&module, &p->rules, NULL, p->wasm, fvm_buf_bytes(&p->image), alloc));
    fvm_wasm_module_free(module);
    return FVM_OK;
}
TEST(reading_an_image_survives_each_failing_allocation)
{
    pictured p;
    if (no_images()) return;
    picture(&p, 2);
    test_each_allocation_fails(read_image, &p);
    picture_end(&p);
}
