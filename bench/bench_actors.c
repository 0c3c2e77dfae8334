/* bench_actors.c - compiling the actors of a bundle, all of them held at the end.
 *   usage: bench_actors [--engine interp|jit] [--extract FOLDER] [BUNDLE]       (mainnet-v17)
 *
 *   actors MODULES BYTES SECONDS MACHINE-CODE-BYTES PEAK-KIB     CPU time; peak of the process
 *
 * --extract writes each module as FOLDER/NAME.wasm instead, for peers to compile. */
#include "base/util.h"
#include "kernel/kernel.h"
#include "wasm/wasm.h"
#include <fvm/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define ACTORS_MAX 64u
#define NETWORK 27u

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static long peak_kib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static fvm_err extract(const char *folder, const fvm_bundle_actor *actor, fvm_bytes wasm)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s.wasm", folder, actor->name);
    if (n < 0 || (size_t)n >= sizeof path) return FVM_ERR_LIMIT;
    FILE *file = fopen(path, "wb");
    if (!file) return FVM_ERR_IO;
    bool written = fwrite(wasm.ptr, 1, wasm.len, file) == wasm.len;
    return fclose(file) == 0 && written ? FVM_OK : FVM_ERR_IO;
}

typedef struct work {
    fvm_wasm_backend backend;
    const char *folder; /* NULL: compile */
    const fvm_wasm_module *modules[ACTORS_MAX];
    size_t count, bytes, code_bytes;
    double seconds;
} work;

static fvm_err one_actor(work *w, const fvm_blockstore *bundle, const fvm_bundle_actor *actor)
{
    const fvm_network *net = fvm_network_find(NETWORK);
    fvm_bytes wasm;
    fvm_buf spare;
    fvm_buf_init(&spare, NULL);
    fvm_err err = fvm_blockstore_view(bundle, &wasm, &spare, &actor->code);
    if (err == FVM_OK && w->folder) {
        err = extract(w->folder, actor, wasm);
    } else if (err == FVM_OK) {
        fvm_wasm_module *module;
        double start = cpu_seconds();
        err = fvm_wasm_module_new_on(&module, net->wasm, fvm_kernel_syscalls(net), wasm, NULL, NULL,
                                     w->backend);
        w->seconds += cpu_seconds() - start;
        if (err == FVM_OK) {
            w->modules[w->count++] = module;
            w->bytes += wasm.len;
            w->code_bytes += fvm_wasm_module_size(module);
        }
    }
    fvm_buf_deinit(&spare);
    return err;
}

static fvm_err all_actors(work *w, const char *name)
{
    fvm_blockstore bundle;
    fvm_buf list;
    fvm_store_why why = { { 0 } };
    fvm_bundle_info info;
    FVM_TRY(fvm_bundle_open(&bundle, &info, NULL, name, NULL, &why));
    fvm_buf_init(&list, NULL);
    fvm_err err = fvm_bundle_actors(&list, &bundle, &info.manifest, &why);
    size_t count = list.len / sizeof(fvm_bundle_actor);
    const fvm_bundle_actor *actors = (const fvm_bundle_actor *)(const void *)list.ptr;
    if (err == FVM_OK && count > ACTORS_MAX) err = FVM_ERR_LIMIT;
    for (size_t i = 0; i < count && err == FVM_OK; i++) err = one_actor(w, &bundle, &actors[i]);
    fvm_buf_deinit(&list);
    fvm_blockstore_free(&bundle);
    return err;
}

int main(int argc, char **argv)
{
    work w = { .backend = FVM_WASM_BACKEND_DEFAULT };
    const char *name = "mainnet-v17";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc)
            w.backend = strcmp(argv[++i], "interp") == 0 ? FVM_WASM_BACKEND_INTERP
                                                         : FVM_WASM_BACKEND_X64;
        else if (strcmp(argv[i], "--extract") == 0 && i + 1 < argc)
            w.folder = argv[++i];
        else
            name = argv[i];
    }
    fvm_err err = all_actors(&w, name);
    if (err == FVM_ERR_NOT_FOUND) {
        printf("SKIPPED: no bundle %s (fvm bundle import)\n", name);
        return 0;
    }
    if (err != FVM_OK) {
        fprintf(stderr, "bench_actors: %s\n", fvm_err_text(err));
        return 1;
    }
    if (!w.folder)
        printf("actors %zu %zu %.4f %zu %ld\n", w.count, w.bytes, w.seconds, w.code_bytes,
               peak_kib());
    for (size_t i = 0; i < w.count; i++) fvm_wasm_module_free(w.modules[i]);
    return 0;
}
