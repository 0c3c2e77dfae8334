/* The schemas of built-in actors against mainnet's own: in every message of the mainnet vectors whose
 * bundle is here, params and return of each call that succeeds read by name, and so does afterwards
 * the state of each actor that was called. */
#include "../test.h"

#include "cli/by_name.h"
#include "cli/conformance.h"
#include "cli/vector_run.h"
#include "kernel/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLS_MAX 1100
#define IDS_MAX 4096

typedef struct watcher {
    fvm_by_name names;
    fvm_buf words;
    bool strange[CALLS_MAX]; /* params, by depth */
    char begun[CALLS_MAX][200];
    size_t depth;
    uint64_t ids[IDS_MAX];  /* actors that ran */
    fvm_cid codes[IDS_MAX]; /* an ID may be given again after a call that failed */
    fvm_buf types[IDS_MAX];
    size_t id_count;
    size_t calls, named, states, whole; /* states: all, and with all that they link to */
} watcher;

static void on_machine(void *ctx, const fvm_machine *machine)
{
    fvm_by_name_machine(&((watcher *)ctx)->names, machine);
}

static void on_begin(void *ctx, size_t index, const fvm_message *message)
{
    watcher *w = ctx;
    (void)index, (void)message;
    fvm_by_name_reset(&w->names);
    w->depth = 0;
}

static void note_actor(watcher *w, uint64_t id, const fvm_cid *code)
{
    fvm_bytes type = w->names.frames[w->names.depth - 1].actor;
    for (size_t i = 0; i < w->id_count; i++)
        if (w->ids[i] == id && fvm_cid_eq(&w->codes[i], code)) return;
    if (w->id_count == IDS_MAX) return;
    fvm_buf_init(&w->types[w->id_count], NULL);
    CHECK_OK(fvm_buf_append(&w->types[w->id_count], type));
    w->codes[w->id_count] = *code;
    w->ids[w->id_count++] = id;
}

static void on_event(void *ctx, const fvm_trace_event *e)
{
    watcher *w = ctx;
    bool strange = false, leaves = e->kind == FVM_TRACE_RETURN || e->kind == FVM_TRACE_CALL_ERROR;
    w->words.len = 0;
    if (e->kind == FVM_TRACE_CALL) {
        CHECK(w->depth < CALLS_MAX);
        w->strange[w->depth++] = false;
    }
    CHECK_OK(fvm_by_name_event(&w->names, &w->words, e, &strange));
    if (e->kind == FVM_TRACE_INVOKE) {
        w->strange[w->depth - 1] = strange;
        (void)snprintf(w->begun[w->depth - 1], sizeof w->begun[0], "%.*s", (int)w->words.len,
                       w->words.len ? (const char *)w->words.ptr : "");
        w->calls++;
        w->named += w->words.len > 0;
        note_actor(w, e->id, e->cid);
    }
    if (leaves && w->depth) {
        w->depth--;
        if (e->kind != FVM_TRACE_RETURN || e->exit_code != 0) return;
        CHECK_OK(fvm_buf_append(&w->words, FVM_BYTES(0)));
        CHECK_AT((char *)w->words.ptr, !strange);
        CHECK_AT(w->begun[w->depth], !w->strange[w->depth]);
    }
}

static void check_states(watcher *w, const fvm_vector_run *run, uint32_t nv)
{
    fvm_state_view *view;
    CHECK_OK(fvm_state_view_open(&view, &run->store, &run->root, fvm_network_find(nv), NULL));
    for (size_t i = 0; i < w->id_count; i++) {
        const fvm_actor *actor;
        fvm_bytes type = fvm_buf_bytes(&w->types[i]);
        fvm_buf block;
        fvm_schema_style style = { .entries_max = 100 };
        fvm_cid none = fvm_empty_array_cid();
        if (type.len == 0 || fvm_state_get(view, &actor, w->ids[i]) != FVM_OK) continue;
        if (fvm_cid_eq(&actor->head, &none) || !fvm_cid_eq(&actor->code, &w->codes[i])) continue;
        fvm_buf_init(&block, NULL);
        /* a vector taken from mainnet holds what its messages read, and not all of them read */
        if (fvm_blockstore_get(&run->store, &block, &actor->head) == FVM_ERR_NOT_FOUND) continue;
        w->states++;
        char why[160];
        (void)snprintf(why, sizeof why, "f0%" PRIu64 ", %.*s", w->ids[i], (int)type.len,
                       (const char *)type.ptr);
        fvm_err err = FVM_OK;
        for (int links = 0; links < 2 && err == FVM_OK; links++) {
            style.bs = links ? &run->store : NULL;
            w->words.len = 0;
            err = fvm_schema_write(&w->words, w->names.schema, type, FVM_SCHEMA_STATE, 0,
                                   FVM_CODEC_DAG_CBOR, fvm_buf_bytes(&block), &style);
        }
        CHECK_AT((err == FVM_OK ? why : fvm_err_text(err)),
                 err == FVM_OK || (style.bs && err == FVM_ERR_MISSING_BLOCK));
        w->whole += err == FVM_OK;
        fvm_buf_deinit(&block);
    }
    fvm_state_view_free(view);
    for (size_t i = 0; i < w->id_count; i++) fvm_buf_deinit(&w->types[i]);
    w->id_count = 0;
}

static void run_all(watcher *w, fvm_context *context, const fvm_paths *found, size_t *skipped)
{
    fvm_run_watch watch = { .sink = { .event = on_event, .ctx = w },
                            .machine = on_machine,
                            .begin = on_begin };
    for (size_t i = 0; i < found->count; i++) {
        fvm_vector *vector;
        fvm_vector_run run;
        fvm_store_why why;
        CHECK_OK(fvm_vector_load(&vector, found->path[i], &why));
        fvm_vector_run_do(&run, vector, &vector->variants[0], context, &watch);
        *skipped += run.skipped;
        if (!run.skipped) {
            CHECK_OK(run.err);
            check_states(w, &run, vector->variants[0].nv);
        }
        fvm_vector_run_deinit(&run);
        fvm_vector_free(vector);
    }
}

static const char *const folders[] = {
    "../shared/vectors/golden-mainnet",
    "../shared/vectors/fvm-test-vectors/corpus",
};

TEST(mainnet_messages_and_states_read_by_name)
{
    fvm_engine *engine;
    fvm_context *context;
    watcher *w = calloc(1, sizeof *w);
    size_t skipped = 0;
    fvm_paths found = { .count = 0 };
    fvm_store_why why;
    CHECK(w != NULL);
    for (size_t i = 0; i < FVM_COUNT(folders); i++)
        if (access(folders[i], R_OK) == 0) CHECK_OK(fvm_paths_add(&found, folders[i], &why));
    CHECK_OK(fvm_by_name_init(&w->names));
    fvm_buf_init(&w->words, NULL);
    CHECK_OK(fvm_engine_new(&engine, NULL));
    CHECK_OK(fvm_context_new(&context, engine, NULL));
    run_all(w, context, &found, &skipped);
    printf("%zu vectors, SKIPPED %zu of them for want of their bundle; %zu calls, %zu by name; "
           "%zu states, %zu whole\n",
           found.count, skipped, w->calls, w->named, w->states, w->whole);
    CHECK(w->named == w->calls || found.count == 0);
    fvm_paths_deinit(&found);
    fvm_by_name_deinit(&w->names);
    fvm_buf_deinit(&w->words);
    fvm_context_free(context);
    fvm_engine_free(engine);
    free(w);
}
